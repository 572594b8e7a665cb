"""Deltas that stand against each other: charges inside a combined commodity, credits between commodities.

Sides A and B are opposite, in either orientation. A spread is formed as often as the leg with the least delta allows,
in order of priority; what it takes is gone for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from solvent.units import ZERO, Rounding, divide, exact

PLACES = 12
SIDES = ((1, -1), (-1, 1))  # the sign of side A and of side B, in both orientations


class MonthDelta(NamedTuple):
    """The net scaled delta of one contract month, and the tier it belongs to."""

    month: str
    tier: str
    delta: Decimal


class Leg(NamedTuple):
    """A leg of a spread inside a commodity: a tier or, with ``by_month``, a month; deltas a spread; side A or B."""

    name: str
    ratio: Decimal
    side: str
    by_month: bool = False


class IntraSpread(NamedTuple):
    """A spread inside a commodity: its charge a spread."""

    priority: int
    rate: Decimal
    legs: tuple[Leg, ...]


class SpotCharge(NamedTuple):
    """A delivery month: charges a delta that is in a spread, and a delta that stands alone."""

    month: str
    in_spread: Decimal
    outright: Decimal


class Charged(NamedTuple):
    """What was charged, and the deltas left by month."""

    charge: Decimal
    left: tuple[MonthDelta, ...]

    @exact
    def by_tier(self) -> dict[str, Decimal]:
        """What is left by tier."""
        found: dict[str, Decimal] = {}
        for one in self.left:
            found[one.tier] = found.get(one.tier, ZERO) + one.delta
        return found


@dataclass(slots=True)
class _Room:
    """Deltas by month while spreads are formed (inside the exact context)."""

    months: list[MonthDelta]
    charge: Decimal = field(default=ZERO)

    def there(self, leg: Leg, sign: int) -> Decimal:
        """How much delta of a sign a leg finds."""
        return sum((one.delta * sign for one in self._rows(leg) if one.delta * sign > 0), ZERO)

    def take(self, leg: Leg, sign: int, amount: Decimal) -> None:
        """Take an amount of delta of a sign, the nearest month first."""
        for one in self._rows(leg):
            if amount > 0 and one.delta * sign > 0:
                part = min(amount, one.delta * sign)
                self.months[self.months.index(one)] = one._replace(delta=one.delta - part * sign)
                amount -= part

    def _rows(self, leg: Leg) -> list[MonthDelta]:
        return [one for one in self.months if leg.name == (one.month if leg.by_month else one.tier)]


@exact
def intracommodity(deltas: Iterable[MonthDelta], spreads: Iterable[IntraSpread]) -> Charged:
    """Charges of spreads between tiers or months, by priority; deltas are in order of month.

    The number of spreads is rounded up for the charge and down for what is taken, at twelve places.

    >>> deltas = [MonthDelta("1", "1", Decimal(6)), MonthDelta("2", "2", Decimal(-4))]
    >>> spread = IntraSpread(1, Decimal(50), (Leg("1", Decimal(1), "A"), Leg("2", Decimal(1), "B")))
    >>> intracommodity(deltas, [spread]).by_tier()
    {'1': Decimal('2'), '2': Decimal('0')}
    """
    room = _Room(list(deltas))
    for spread in sorted(spreads, key=lambda one: one.priority):
        for side_a, side_b in SIDES:
            signs = [side_a if leg.side == "A" else side_b for leg in spread.legs]
            there = [room.there(leg, sign) for leg, sign in zip(spread.legs, signs, strict=True)]
            if min(there) <= 0:
                continue
            room.charge += spread.rate * _times(there, [leg.ratio for leg in spread.legs], Rounding.UP)
            times = _times(there, [leg.ratio for leg in spread.legs], Rounding.DOWN)
            for leg, sign in zip(spread.legs, signs, strict=True):
                room.take(leg, sign, times * leg.ratio)
    return Charged(room.charge, tuple(room.months))


def _times(there: Sequence[Decimal], ratios: Sequence[Decimal], rounding: Rounding) -> Decimal:
    found = min(divide(delta, ratio, PLACES, rounding) for delta, ratio in zip(there, ratios, strict=True))
    # Plain numbers stay plain: 4 and not 4.000000000000.
    whole = found.to_integral_value()
    return whole if whole == found else found


@exact
def spot_charge(before: Iterable[MonthDelta], left: Iterable[MonthDelta], charges: Iterable[SpotCharge]) -> Decimal:
    """What the delivery months cost: deltas that spreads took and deltas that are left, each at its rate.

    >>> before, left = [MonthDelta("202606", "1", Decimal(6))], [MonthDelta("202606", "1", Decimal(2))]
    >>> spot_charge(before, left, [SpotCharge("202606", Decimal(10), Decimal(25))])
    Decimal('90')
    """
    whole, rest = _by_month(before), _by_month(left)
    total = ZERO
    for one in charges:
        outright = abs(rest.get(one.month, ZERO))
        total += (abs(whole.get(one.month, ZERO)) - outright) * one.in_spread + outright * one.outright
    return total


def _by_month(deltas: Iterable[MonthDelta]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for one in deltas:
        found[one.month] = found.get(one.month, ZERO) + one.delta
    return found


class InterLeg(NamedTuple):
    """A leg of a spread between commodities; without a side it takes whichever its delta is on."""

    name: str
    ratio: Decimal
    side: str = ""


class InterSpread(NamedTuple):
    """A spread between commodities: its credit rate (a fraction of price risk, or money a spread if ``flat``).

    A ``super_spread`` is formed before the spreads inside commodities.
    """

    priority: int
    rate: Decimal
    legs: tuple[InterLeg, ...]
    flat: bool = False
    super_spread: bool = False


class Credited(NamedTuple):
    """How often a spread was formed, the credit by commodity, and the deltas left."""

    times: Decimal
    credits: Mapping[str, Decimal]
    left: Mapping[str, Decimal]

    @property
    @exact
    def total(self) -> Decimal:
        """All credits together."""
        return sum(self.credits.values(), ZERO)


@exact
def intercommodity(
    deltas: Mapping[str, Decimal], per_delta: Mapping[str, Decimal | None], spread: InterSpread
) -> Credited:
    """One spread between commodities: deltas of opposite sides, credited by each one's price risk a delta.

    No spread is formed where a leg has no delta, stands on the wrong side, or has no positive price risk.

    Parameters
    ----------
    deltas
        What is left of each commodity's net delta.
    per_delta
        Price risk in money a delta (:func:`solvent.venues.span.formulas.price_risk`).
    spread
        Its legs must be of different commodities.

    Examples
    --------
    >>> legs = (InterLeg("A", Decimal(2)), InterLeg("B", Decimal(3)))
    >>> found = intercommodity(
    ...     {"A": Decimal(10), "B": Decimal(-9)},
    ...     {"A": Decimal(475), "B": Decimal(800)},
    ...     InterSpread(1, Decimal("0.6"), legs),
    ... )
    >>> str(found.times), str(found.total), str(found.left["A"])
    ('3', '6030.0', '4')

    """
    held = [deltas.get(leg.name, ZERO) for leg in spread.legs]
    worth = [per_delta.get(leg.name) for leg in spread.legs]
    if not _opposed(spread.legs, held) or any(one is None or one <= 0 for one in worth):
        return Credited(ZERO, {}, dict(deltas))
    times = _times([abs(delta) for delta in held], [leg.ratio for leg in spread.legs], Rounding.DOWN)
    left, earned = dict(deltas), {}
    for leg, delta, risk in zip(spread.legs, held, worth, strict=True):
        assert risk is not None
        left[leg.name] = delta - times * leg.ratio * (1 if delta > 0 else -1)
        earned[leg.name] = risk * times * leg.ratio * spread.rate
    if spread.flat:
        share = divide(times * spread.rate, Decimal(len(spread.legs)), PLACES, Rounding.DOWN)
        earned = dict.fromkeys(earned, share)
    return Credited(times, earned, left)


def _opposed(legs: Sequence[InterLeg], held: Sequence[Decimal]) -> bool:
    """Whether all legs have delta, and those of side A stand against those of side B."""
    if any(delta == 0 for delta in held):
        return False
    signs = [1 if delta > 0 else -1 for delta in held]
    if all(leg.side for leg in legs):
        return len({sign * (1 if leg.side == "A" else -1) for leg, sign in zip(legs, signs, strict=True)}) == 1
    return len(set(signs)) > 1
