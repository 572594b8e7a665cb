"""Joint scenarios of a whole pool: one move of the market, by which every underlying and every collateral moves too.

An underlying moves by its beta times the market's move, and beside that by a gap of its own, which is what betas do not
say. Collateral is part of the scan, as data (:class:`Follows`): a coin that follows an underlying, a pool token of two
assets that is worth the root of their product, a staked token that may lose its peg. So collateral that falls when the
positions lose is charged with them.

Profits of one unit are exact where they are linear, and floats rounded to twelve places where options are priced;
from there on everything is exact and linear in sizes. What a scan requires is therefore at most the sum of what its
parts require (law L-12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.book import Leg
from solvent.instruments import DOLLARS, Structured
from solvent.margin.scenario.errors import value_errors
from solvent.margin.scenario.money import HALF_PLACE, figure
from solvent.margin.scenario.reading import CoinHeld
from solvent.margin.scenario.scan import values
from solvent.margin.scenario.shocks import Move, Scenario, VolatilityShock
from solvent.margin.scenario.whole import Entry, Group, Options, Whole
from solvent.rates import Schedule
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, exact, root

ROOT_PLACES = 18
FREE = Schedule.flat("0")


class Joint(NamedTuple):
    """A scenario: the market's move (a fraction), volatility's, the share that counts, and whether pegs are lost."""

    name: str
    move: Decimal
    volatility: Move = Move.NONE
    weight: Decimal = ONE
    depeg: bool = False


class Moved(NamedTuple):
    """How an underlying moves: its share of the market's move, and the most it moves by itself (fractions)."""

    beta: Decimal
    gap: Decimal


@dataclass(frozen=True, slots=True)
class Follows:
    """How a collateral moves with underlyings.

    Parameters
    ----------
    legs
        One underlying, which it follows with ``beta``, or the two of a pool token, which is worth the root of the
        product of both (the numeraire's name stands for what does not move).
    gap
        The most it falls, or a debt of it rises, by itself: what its beta does not say, as a share of its value.
    depeg
        The share it loses where pegs are lost.
    add_on
        What closing it costs, as a schedule on its value; takes the place of a haircut with the scan.

    """

    legs: tuple[str, ...]
    beta: Decimal = ONE
    gap: Decimal = ZERO
    depeg: Decimal = ZERO
    add_on: Schedule = FREE

    def factor(self, factors: Mapping[str, Decimal], rounding: Rounding, *, depeg: bool) -> Decimal:
        """What its price is multiplied by when underlyings are multiplied by ``factors`` (inside the exact context).

        Parameters
        ----------
        factors
            By underlying; one that is not named does not move.
        rounding
            Of the root of a pool token: down for what is held, up for what is owed.
        depeg
            Whether pegs are lost.

        Examples
        --------
        >>> half = {"ETH": Decimal("0.64")}
        >>> pool = Follows(("ETH", "USDT")).factor(half, Rounding.DOWN, depeg=False)
        >>> staked = Follows(("ETH",), depeg=Decimal("0.5")).factor(half, Rounding.DOWN, depeg=True)
        >>> pool.normalize(), staked
        (Decimal('0.8'), Decimal('0.320'))

        """
        moved = [factors.get(leg, ONE) for leg in self.legs]
        if len(moved) == 1:
            found = max(ZERO, ONE + self.beta * (moved[0] - ONE))
        else:
            found = root(moved[0] * moved[1], ROOT_PLACES, rounding)
        return found * (ONE - self.depeg) if depeg else found


@dataclass(frozen=True, slots=True)
class JointRules:
    """Everything a joint scan needs, as data.

    ``underlyings`` has an entry ``"*"`` for any that is not listed; ``least`` is the least factor a price may have.
    """

    scenarios: tuple[Joint, ...]
    volatility: VolatilityShock
    underlyings: Mapping[str, Moved]
    collateral: Mapping[str, Follows]
    least: Decimal

    def __post_init__(self) -> None:
        """Refuse names given twice, weights outside 0 to 1, and tokens of more than two legs."""
        names = [one.name for one in self.scenarios]
        if len(set(names)) != len(names):
            raise RulesError(f"scenarios: names must differ, not {sorted(names)}")
        for one in self.scenarios:
            if not ZERO < one.weight <= ONE:
                raise RulesError(f"scenario {one.name}: got a weight of {one.weight}, expected above 0 and at most 1")
        for name, follows in self.collateral.items():
            if len(follows.legs) not in (1, 2):
                raise RulesError(f"collateral {name}: got {len(follows.legs)} legs, expected one or two")

    def moved(self, underlying: str) -> Moved:
        """How an underlying moves."""
        return self.underlyings.get(underlying, self.underlyings["*"])

    def factor(self, underlying: str, move: Decimal) -> Decimal:
        """What an underlying's price is multiplied by at a move of the market (inside the exact context)."""
        return max(self.least, ONE + self.moved(underlying).beta * move)


class Scanned(NamedTuple):
    """One thing held: its weighted profit in every scenario, and up and down in every underlying's gap.

    ``own`` is the most it loses by its own gap; ``error`` bounds the error of any of the profits.
    """

    subject: str
    leg: Leg
    profits: tuple[Decimal, ...]
    gaps: Mapping[str, tuple[Decimal, Decimal]]
    own: Decimal = ZERO
    error: float = 0.0


class Loss(NamedTuple):
    """What things held together may lose: the worst scenario (empty where none loses), and gaps by name."""

    scenario: str
    amount: Decimal
    gaps: Mapping[str, Decimal]

    @property
    @exact
    def total(self) -> Decimal:
        """Scenario and gaps together."""
        return self.amount + sum(self.gaps.values(), ZERO)


def loss_of(scenarios: Sequence[Joint], held: Sequence[Scanned]) -> Loss:
    """The worst scenario of things held together, and the worse way of each underlying's gap (exact context).

    Positively homogeneous, and at most the sum of the parts' losses: a worst case of sums is no worse than the sum of
    worst cases.

    Examples
    --------
    >>> up, down = Joint("up", Decimal("0.1")), Joint("down", Decimal("-0.1"))
    >>> long = Scanned("A", Leg.NET, (Decimal(10), Decimal(-10)), {})
    >>> short = Scanned("B", Leg.NET, (Decimal(-7), Decimal(7)), {})
    >>> [str(loss_of((up, down), held).total) for held in ([long], [short], [long, short])]
    ['10', '7', '3']

    """
    totals = [sum((one.profits[k] for one in held), ZERO) for k in range(len(scenarios))]
    worst = min(totals, default=ZERO)
    gaps: dict[str, Decimal] = {}
    for name in sorted({name for one in held for name in one.gaps}):
        both = [one.gaps[name] for one in held if name in one.gaps]
        gaps[name] = max(ZERO, *(-sum((pair[side] for pair in both), ZERO) for side in (0, 1)))
    for one in held:
        if one.own:
            gaps[f"{one.subject} itself"] = gaps.get(f"{one.subject} itself", ZERO) + one.own
    name = scenarios[totals.index(worst)].name if worst < 0 else ""
    return Loss(name, max(ZERO, -worst), gaps)


def scanned(rules: JointRules, whole: Whole, numeraire: str) -> Iterator[Scanned]:
    """Everything a pool holds, scanned (inside the exact context); collateral that is not listed is left out.

    Raises
    ------
    RulesError
        A debt in an asset that is not listed, or a structured product whose results do not name the scenarios.

    """
    for group in whole.groups:
        for entry in group.contracts:
            yield _contract(rules, group.name, entry)
        yield from _options(rules, group)
    for entry, listed in whole.structured:
        yield _structured(rules, entry, listed)
    for coin in whole.coins:
        follows = rules.collateral.get(coin.name)
        if follows is not None:
            yield _coin(rules, coin, follows)
        elif coin.amount < 0:
            known = ", ".join(sorted(rules.collateral))
            raise RulesError(f"a debt in {coin.name} has no scan; {numeraire} and these have: {known}")


def _contract(rules: JointRules, underlying: str, entry: Entry) -> Scanned:
    worth, gap = entry.size * entry.price, rules.moved(underlying).gap
    profits = tuple(one.weight * worth * (rules.factor(underlying, one.move) - ONE) for one in rules.scenarios)
    return Scanned(entry.symbol, entry.leg, profits, {underlying: (worth * gap, -worth * gap)})


def _options(rules: JointRules, group: Group) -> Iterator[Scanned]:
    """Options by their formula: the matrix of one unit, to twelve places, times sizes."""
    options, gap = group.options, rules.moved(group.name).gap
    if not options.entries:
        return
    rows = [Scenario(one.name, float(rules.factor(group.name, one.move)), one.volatility) for one in rules.scenarios]
    rows += [
        Scenario("now", 1.0),
        Scenario("up", float(ONE + gap)),
        Scenario("down", float(max(rules.least, ONE - gap))),
    ]
    matrix = _discounted(rows, options, rules.volatility)
    now = matrix[len(rules.scenarios)]
    errors = value_errors(options.series, np.ones(len(options.entries)), max(row.spot for row in rows)) * 2.0
    for k, entry in enumerate(options.entries):
        changes = [figure(float(row[k] - now[k])) for row in matrix]
        weighted = zip(rules.scenarios, changes, strict=False)
        profits = tuple(one.weight * change * entry.size for one, change in weighted)
        gaps = {group.name: (changes[-2] * entry.size, changes[-1] * entry.size)}
        error = abs(float(entry.size)) * (float(errors[k]) + HALF_PLACE)
        yield Scanned(entry.symbol, entry.leg, profits, gaps, error=error)


def _discounted(rows: Sequence[Scenario], options: Options, shock: VolatilityShock) -> np.ndarray:
    series, expiries = options.series, options.expiries
    found: np.ndarray = values(rows, series, expiries, shock) * expiries.discount[series.expiry]
    return found


def _structured(rules: JointRules, entry: Entry, listed: Structured) -> Scanned:
    stated, asked = {name for name, _ in listed.results}, {one.name for one in rules.scenarios}
    if stated != asked:
        wrong = sorted(stated ^ asked)[:3]
        raise RulesError(
            f"{listed.symbol}: its results must name this rule set's {len(asked)} scenarios; {', '.join(wrong)} differ"
        )
    profits = tuple(one.weight * entry.size * listed.result(one.name) for one in rules.scenarios)
    return Scanned(entry.symbol, entry.leg, profits, {})


def _coin(rules: JointRules, coin: CoinHeld, follows: Follows) -> Scanned:
    """A balance: a pool token's root is rounded against whoever holds or owes it."""
    worth = coin.amount * coin.price
    rounding = Rounding.DOWN if worth > 0 else Rounding.UP
    profits = []
    for one in rules.scenarios:
        factors = {leg: rules.factor(leg, one.move) for leg in _moving(follows)}
        change = follows.factor(factors, rounding, depeg=one.depeg) - ONE
        profits.append(one.weight * worth * change)
    gaps = {}
    for leg in _moving(follows):
        gap = rules.moved(leg).gap
        both = (ONE + gap, max(rules.least, ONE - gap))
        changes = [follows.factor({leg: factor}, rounding, depeg=False) - ONE for factor in both]
        gaps[leg] = (worth * changes[0], worth * changes[1])
    return Scanned(coin.name, Leg.NET, tuple(profits), gaps, own=abs(worth) * follows.gap)


def _moving(follows: Follows) -> Iterable[str]:
    """The legs that move: every one but a dollar, which is no underlying."""
    return [leg for leg in follows.legs if leg not in DOLLARS]
