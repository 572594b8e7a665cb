"""The index: one price from several independent sources, and how far it may be trusted.

Sources that are too old, from the future, not positive or halted get no weight. The price is the weighted median of the
rest, or their weighted mean once each is clamped to a band around that median. Robustness: while sources with more than
half of the weight are honest, the median lies between their lowest and highest price.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import PriceState
from solvent.units import ONE, ZERO, Rounding, divide, exact, shifted

HALF = Decimal("0.5")
FEWEST_SOURCES = 3


class MarksError(ValueError):
    """A price that is refused by its own definition: too few independent sources, a bad weight, a bad band."""


class Aggregate(enum.Enum):
    """How the clamped sources become one price."""

    MEDIAN = "median"
    MEAN = "mean"


class Use(enum.Enum):
    """What became of a source's price."""

    USED = "used"
    CLAMPED = "clamped"  # moved to the edge of the band around the median
    STALE = "stale"
    FUTURE = "future"
    HALTED = "halted"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class SourcePrice:
    """What one source says.

    Parameters
    ----------
    source
        Its name, unique in an index.
    price, time_ns
        The price in quote and when it held (UTC, nanoseconds).
    weight
        Its share against the others' weights, > 0.
    origin
        Where its price is really formed; sources of one origin count once as independent. Empty: its own name.
    own
        Whether it is the venue's own book, which never counts towards the independent sources.
    halted
        Whether the source itself says that it is not trading.

    """

    source: str
    price: Decimal
    time_ns: int
    weight: Decimal = ONE
    origin: str = ""
    own: bool = False
    halted: bool = False

    def formed_at(self) -> str:
        """The origin that counts for independence."""
        return self.origin or self.source


@dataclass(frozen=True, slots=True)
class IndexRules:
    """How an index is made: band around the median, largest age, independent sources needed (never below three)."""

    clamp_ppm: int
    max_age_ns: int
    fewest_sources: int = FEWEST_SOURCES
    aggregate: Aggregate = Aggregate.MEDIAN
    price_scale: int = 8  # decimals of a mean, rounded down

    def __post_init__(self) -> None:
        """Refuse rules that would let one or two sources decide, or a band without an inside."""
        if self.fewest_sources < FEWEST_SOURCES:
            msg = f"fewest_sources must be at least {FEWEST_SOURCES}, not {self.fewest_sources}"
            raise MarksError(msg)
        if not 0 < self.clamp_ppm < 1_000_000:
            msg = f"clamp_ppm must be between 0 and 1,000,000, both excluded, not {self.clamp_ppm}"
            raise MarksError(msg)
        if self.max_age_ns < 0:
            msg = f"max_age_ns must not be negative, not {self.max_age_ns}"
            raise MarksError(msg)


@dataclass(frozen=True, slots=True)
class Reading:
    """One source's part in an index: what became of it, and the price it entered with (None where it has no weight)."""

    source: str
    use: Use
    entered: Decimal | None


@dataclass(frozen=True, slots=True)
class IndexPrice:
    """An index with its state and the reasons for it; ``price`` is None where too few sources are live to have one."""

    price: Decimal | None
    state: PriceState
    reasons: tuple[str, ...]
    readings: tuple[Reading, ...]


@exact
def index_price(sources: Sequence[SourcePrice], rules: IndexRules, time_ns: int) -> IndexPrice:
    """The index of ``sources`` at ``time_ns``.

    States: HALTED when halted sources leave too few live ones, STALE when age (or a price that is none) does: both
    without a price. DIVERGED when half of the weight or more is outside the band around the median. UNCERTAIN when
    fewer than the needed independent sources are inside it, or one origin has half of the weight or more. Else VALID.

    Raises
    ------
    MarksError
        When the sources, even all live, are too few, named twice, or have a weight that is not positive.

    Examples
    --------
    >>> rules = IndexRules(clamp_ppm=50_000, max_age_ns=10_000_000_000)
    >>> prices = [SourcePrice(name, Decimal(price), 0) for name, price in [("a", 100), ("b", 101), ("c", 180)]]
    >>> found = index_price([*prices, SourcePrice("d", Decimal(99), 0)], rules, time_ns=0)
    >>> found.price, found.state.value, found.readings[2].entered
    (Decimal('100.5'), 'valid', Decimal('105.5250000'))

    """
    _check(sources, rules)
    uses = {one.source: _use(one, rules, time_ns) for one in sources}
    live = [one for one in sources if uses[one.source] is Use.USED]
    if _independent(live) < rules.fewest_sources:
        return _without_price(sources, uses, rules)
    middle = weighted_median([(one.price, one.weight) for one in live])
    width = shifted(Decimal(rules.clamp_ppm), -6) * middle
    low, high = middle - width, middle + width
    entered = {one.source: min(max(one.price, low), high) for one in live}
    for one in live:
        if entered[one.source] != one.price:
            uses[one.source] = Use.CLAMPED
    price = middle if rules.aggregate is Aggregate.MEDIAN else _mean(live, entered, rules.price_scale)
    state, reasons = _judged(live, uses, rules)
    readings = tuple(Reading(one.source, uses[one.source], entered.get(one.source)) for one in sources)
    return IndexPrice(price, state, reasons, readings)


@exact
def weighted_median(prices: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """The price below and above which at most half of the weight lies; between two that split it, their midpoint.

    ``prices`` are (price, weight > 0) pairs, at least one; :class:`MarksError` otherwise.

    >>> weighted_median([(Decimal(3), Decimal(1)), (Decimal(1), Decimal(1)), (Decimal(2), Decimal(3))])
    Decimal('2')
    >>> weighted_median([(Decimal(1), Decimal(2)), (Decimal(4), Decimal(1)), (Decimal(2), Decimal(1))])
    Decimal('1.5')
    """
    ordered = sorted(prices)
    if not ordered or any(weight <= 0 for _, weight in ordered):
        msg = f"a weighted median needs at least one price and weights greater than 0, not {ordered}"
        raise MarksError(msg)
    half = sum((weight for _, weight in ordered), ZERO) * HALF
    below = ZERO
    for place, (price, weight) in enumerate(ordered):
        below += weight
        if below == half:
            return (price + ordered[place + 1][0]) * HALF
        if below > half:
            return price
    raise AssertionError  # the last price brings `below` to the whole weight


def _check(sources: Sequence[SourcePrice], rules: IndexRules) -> None:
    names = [one.source for one in sources]
    if len(set(names)) < len(names):
        msg = f"sources of an index must have names of their own, not {names}"
        raise MarksError(msg)
    for one in sources:
        if not (one.weight.is_finite() and one.weight > 0):
            msg = f"weight of source {one.source} must be a number greater than 0, not {one.weight}"
            raise MarksError(msg)
    count = _independent(sources)
    if count < rules.fewest_sources:
        msg = f"an index needs {rules.fewest_sources} independent sources outside the venue's own book, not {count}"
        raise MarksError(msg)


def _independent(sources: Sequence[SourcePrice]) -> int:
    return len({one.formed_at() for one in sources if not one.own})


def _use(one: SourcePrice, rules: IndexRules, time_ns: int) -> Use:
    """Whether a source counts: a price exactly as old as allowed still does."""
    if one.halted:
        return Use.HALTED
    if not one.price.is_finite() or one.price <= 0:
        return Use.INVALID
    if one.time_ns > time_ns:
        return Use.FUTURE
    return Use.STALE if time_ns - one.time_ns > rules.max_age_ns else Use.USED


def _mean(live: Sequence[SourcePrice], entered: Mapping[str, Decimal], price_scale: int) -> Decimal:
    total = sum((one.weight * entered[one.source] for one in live), ZERO)
    return divide(total, sum((one.weight for one in live), ZERO), price_scale, Rounding.DOWN)


def _without_price(sources: Sequence[SourcePrice], uses: Mapping[str, Use], rules: IndexRules) -> IndexPrice:
    """No price: halted where the halted sources would make up the number, else stale."""
    standing = [one for one in sources if uses[one.source] in (Use.USED, Use.HALTED)]
    state = PriceState.HALTED if _independent(standing) >= rules.fewest_sources else PriceState.STALE
    live = [one for one in sources if uses[one.source] is Use.USED]
    reasons = [f"{_independent(live)} independent sources are live, {rules.fewest_sources} are needed"]
    reasons += [f"{one.source} is {uses[one.source].value}" for one in sources if uses[one.source] is not Use.USED]
    readings = tuple(
        Reading(one.source, uses[one.source], one.price if uses[one.source] is Use.USED else None) for one in sources
    )
    return IndexPrice(None, state, tuple(reasons), readings)


def _judged(
    live: Sequence[SourcePrice], uses: Mapping[str, Use], rules: IndexRules
) -> tuple[PriceState, tuple[str, ...]]:
    """State and reasons of an index that has a price; ``live`` are its used and clamped sources."""
    whole = sum((one.weight for one in live), ZERO)
    inside = [one for one in live if uses[one.source] is Use.USED]
    agreeing = sum((one.weight for one in inside), ZERO)
    reasons = [f"{one.source} is outside the band around the median" for one in live if one not in inside]
    if agreeing <= whole * HALF:
        return PriceState.DIVERGED, (*reasons, f"only {agreeing} of {whole} of the weight is inside the band")
    state = PriceState.VALID
    if _independent(inside) < rules.fewest_sources:
        state = PriceState.UNCERTAIN
        needed = rules.fewest_sources
        reasons.append(f"{_independent(inside)} independent sources are inside the band, {needed} are needed")
    by_origin: dict[str, Decimal] = {}
    for one in live:
        by_origin[one.formed_at()] = by_origin.get(one.formed_at(), ZERO) + one.weight
    for origin, weight in sorted(by_origin.items()):
        if weight >= whole * HALF:
            state = PriceState.UNCERTAIN
            reasons.append(f"{origin} alone has {weight} of {whole} of the weight")
    return state, tuple(reasons)
