"""Portfolio margin: a grid of prices and volatilities, extended moves, roll and delta shock; amounts in the numeraire.

The worst of the grid and of the extended moves over each underlying, where losses count in full and gains at a share;
then a roll shock on every contract, a delta shock on what is large, and figures that only the exchange knows. Source:
the portfolio margin page and two replies of private/pme/simulate (2024-06-17 and 2026-02-15), which futures equal to
1e-12.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Holding, Leg, Market, Purpose
from solvent.instruments import DOLLARS
from solvent.margin.scenario.money import bound, figure
from solvent.margin.scenario.scan import Scan
from solvent.margin.scenario.series import F64
from solvent.margin.scenario.shocks import Move, Scenario, TermShock
from solvent.margin.scenario.units import (
    ContractHeld,
    Gained,
    Grid,
    Required,
    Unit,
    contract_value,
    gained,
    option_deltas,
    rate_of,
    worst,
)
from solvent.margin.unified import INITIAL
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
SHOWN_PLACES = 9
SHOWN_STEP = 1e-9
GIVEN = ("correlation_contingency",)
GIVEN_AT_INITIAL = ("mmp_margin", "open_orders_margin")


class Pair(NamedTuple):
    """Terms of an underlying: how far its price moves, and how a large delta is charged.

    ``impact`` is the share a coin of delta above ``threshold`` dollars adds to the delta shock, up to ``most``.
    """

    price_range: Decimal
    volatility: TermShock
    impact: Decimal
    threshold: Decimal
    most: Decimal


class Currency(NamedTuple):
    """Terms of a settle currency: roll shock, what share of gains counts and up to how many dollars, the dampener."""

    least_move: Decimal
    move_by_year: Decimal
    gain_credit: Decimal
    most_gain: Decimal | None
    dampener: Decimal


@dataclass(frozen=True, slots=True)
class Parameters:
    """Risk parameters: ``buckets`` points each side of a price range, extended factors, terms by coin and currency."""

    buckets: int
    extended: tuple[Decimal, ...]
    maintenance_share: Decimal
    pairs: Mapping[str, Pair]
    currencies: Mapping[str, Currency]

    def pair(self, underlying: str) -> Pair:
        """The terms of an underlying; :class:`~solvent.rules.RulesError` where none were found."""
        found = self.pairs.get(underlying)
        if found is None:
            msg = f"no portfolio margin parameters of {underlying} were found; there are {sorted(self.pairs)}"
            raise RulesError(msg)
        return found

    def currency(self, settle: str) -> Currency:
        """The terms of a settle currency; every dollar has those of USD."""
        found = self.currencies.get("USD" if settle in DOLLARS else settle)
        if found is None:
            msg = f"no portfolio margin parameters of {settle} were found; there are {sorted(self.currencies)}"
            raise RulesError(msg)
        return found


class Simulated(NamedTuple):
    """One underlying's parts: the worst case as the scan found it, the shocks, how far the worst case may be off."""

    name: str
    worst: Decimal
    scenario: str
    roll_shock: Decimal
    delta_shock: Decimal
    given: Decimal
    given_at_initial: Decimal
    error: float

    @property
    @exact
    def risk_matrix(self) -> Decimal:
        """The risk matrix margin: the worst case rounded to nine decimals, and everything added to it."""
        return shown(self.worst) + self.roll_shock + self.delta_shock + self.given

    @property
    @exact
    def initial(self) -> Decimal:
        """Initial margin, rounded to nine decimals: the risk matrix, and margins of orders."""
        return shown(self.risk_matrix + self.given_at_initial)

    @exact
    def maintenance(self, share: Decimal) -> Decimal:
        """Maintenance margin: a share of the risk matrix."""
        return self.risk_matrix * share


@exact
def shown(amount: Decimal) -> Decimal:
    """An amount at nine decimals, halves up: the replies add the worst case so rounded, and print it unrounded.

    >>> shown(Decimal("0.15246412672881357"))
    Decimal('0.152464127')
    """
    return divide(amount, ONE, SHOWN_PLACES, Rounding.HALF_UP)


@exact
def price_moves(reach: Decimal, buckets: int, places: int = PLACES) -> tuple[Decimal, ...]:
    """The moves of the grid: −``reach`` to ``reach``, ``buckets`` points each side and zero.

    >>> [str(move.normalize()) for move in price_moves(Decimal("0.16"), 2)]
    ['-0.16', '-0.08', '0', '0.08', '0.16']
    """
    if buckets < 1:
        msg = f"buckets must be at least 1, not {buckets}"
        raise RulesError(msg)
    return tuple(divide(reach * k, Decimal(buckets), places, Rounding.HALF_UP) for k in range(-buckets, buckets + 1))


@exact
def scenarios(pair: Pair, buckets: int, extended: Sequence[Decimal]) -> tuple[Scenario, ...]:
    """The grid with volatility up, unchanged and down, then the extended moves with volatility up.

    Of an extended move only price range ÷ move counts, for options; contracts stay at the edge of the grid.
    """
    grid = [
        Scenario(f"price {move.normalize():+f}, volatility {vol.value}", float(ONE + move), vol)
        for move in price_moves(pair.price_range, buckets)
        for vol in (Move.UP, Move.NONE, Move.DOWN)
    ]
    for factor in extended:
        share = divide(pair.price_range, abs(factor - ONE), PLACES, Rounding.UP)
        grid.append(Scenario(f"extended {factor - ONE:+f}, volatility up", float(factor), Move.UP, float(share)))
    return tuple(grid)


def grid_of(parameters: Parameters, underlying: str) -> Grid:
    """The grid an underlying is scanned over."""
    pair = parameters.pair(underlying)
    found = scenarios(pair, parameters.buckets, parameters.extended)
    return Grid(found, pair.volatility, in_coin=True, reach=float(pair.price_range))


def credited(gains: F64, credit: Decimal, most: Decimal | None = None) -> F64:
    """Losses in full, gains at their share and at most so much (None: no limit).

    >>> credited(np.array([-2.0, 2.0, 100.0]), Decimal("0.6"), Decimal(30)).tolist()
    [-2.0, 1.2, 30.0]
    """
    counted = gains * float(credit)
    return np.where(gains > 0, counted if most is None else np.minimum(counted, float(most)), gains)


def dampened(gains: F64, extended: int, dampener: float) -> F64:
    """The last ``extended`` rows with losses lower by the dampener, none below zero.

    >>> dampened(np.array([-9.0, -9.0, -3.0, 4.0]), 3, 5.0).tolist()
    [-9.0, -4.0, 0.0, 4.0]
    """
    found = gains.copy()
    tail = found[len(found) - extended :]
    tail[tail < 0] = np.minimum(0.0, tail[tail < 0] + dampener)
    return found


def aggregated(parameters: Parameters, found: Gained, dollars: Decimal) -> F64:
    """What a unit's settle currencies gain by scenario after credit and dampener; ``dollars`` in the numeraire."""
    matrix = found.matrix.copy()
    for k, settle in enumerate(found.assets):
        terms = parameters.currency(settle)
        most = None if terms.most_gain is None else terms.most_gain * dollars
        gains = dampened(matrix[:, k], len(parameters.extended), float(terms.dampener * dollars))
        matrix[:, k] = credited(gains, terms.gain_credit, most)
    return matrix


@exact
def roll_shock(contracts: Iterable[ContractHeld], parameters: Parameters) -> Decimal:
    """The charge for rolling contracts: value × max(least move, yearly move × time to expiry), all added up."""
    total = ZERO
    for held in contracts:
        terms = parameters.currency(held.settle)
        move = divide(terms.move_by_year * held.years, ONE, PLACES, Rounding.UP)
        total += abs(contract_value(held, in_coin=True)) * max(terms.least_move, move)
    return total


@exact
def delta_shock(delta: Decimal, index: Decimal, pair: Pair) -> Decimal:
    """The charge on a delta of more than the threshold, in dollars like ``delta``.

    Its formula is not published. By the names of its parameters, and by our choice: min(most, impact × coins above the
    threshold) × delta, and nothing up to the threshold.

    >>> shock = TermShock(0.5, 0.25, 0.3, 0.13, 86400.0)
    >>> pair = Pair(Decimal("0.16"), shock, Decimal("0.00005"), Decimal(20_000_000), Decimal("0.1"))
    >>> [int(delta_shock(Decimal(n), Decimal(50_000), pair)) for n in (20_000_000, -30_000_000, 900_000_000)]
    [0, 300000, 90000000]
    """
    above = abs(delta) - pair.threshold
    if above <= 0:
        return ZERO
    share = min(pair.most, divide(pair.impact * above, index, PLACES, Rounding.UP))
    return share * abs(delta)


@exact
def simulate(market: Market, unit: Unit, numeraire: str, parameters: Parameters) -> Simulated:
    """One underlying's simulation, in the numeraire (a dollar, or the coin where the account is segregated).

    Raises
    ------
    RulesError
        No parameters of the underlying or of a settle currency were found.
    BookError
        A price or a volatility is missing.

    """
    pair = parameters.pair(unit.name)
    dollars = (
        ONE if numeraire in DOLLARS else divide(ONE, rate_in_dollars(market, unit, numeraire), PLACES, Rounding.UP)
    )
    grid = grid_of(parameters, unit.name)
    found = gained(market, unit, numeraire, grid)
    scanned: Scan = worst(grid, found.assets, aggregated(parameters, found, dollars))
    loss = min(scanned.loss, 0.0)
    options = option_deltas(market, unit, numeraire)
    delta = sum((one.size for one in unit.contracts), ZERO) + sum((one.delta for one in options), ZERO)
    shock = delta_shock(delta * unit.spot, unit.spot, pair)
    # The shock rises by a few times its highest share; a worst case at half a place may be rounded to either side.
    slack = 10.0 * float(pair.most * unit.spot * dollars) * sum(one.error for one in options)
    found_worst, off = figure(abs(loss)), bound(found.error)
    if shown(found_worst - off) != shown(found_worst + off):
        slack += SHOWN_STEP
    return Simulated(
        unit.name,
        found_worst,
        scanned.name if loss else "",
        roll_shock(unit.contracts, parameters),
        market.figure("delta_shock", unit.name, shock * dollars),
        sum((market.figure(name, unit.name, ZERO) for name in GIVEN), ZERO),
        sum((market.figure(name, unit.name, ZERO) for name in GIVEN_AT_INITIAL), ZERO),
        found.error + slack,
    )


def rate_in_dollars(market: Market, unit: Unit, numeraire: str) -> Decimal:
    """Dollars one of the numeraire is worth."""
    return unit.spot if numeraire == unit.name else rate_of(market, numeraire, "USD")


@dataclass(frozen=True, slots=True)
class PortfolioMargin:
    """What Deribit asks of risk units: each one's margin, all added up.

    Where ``segregated`` holds, everything settles in the pool's numeraire, as in an account of one currency.
    """

    parameters: Parameters
    segregated: bool = False

    @exact
    def required(
        self,
        market: Market,
        units: Sequence[Unit],
        found: Assessment,  # noqa: ARG002
        holding: Holding,
        purpose: Purpose,
    ) -> Required:
        """See :class:`~solvent.margin.scenario.units.UnitMargin`."""
        own = holding.pool.numeraire
        if self.segregated:
            _settled_in(units, own)
        each = [simulate(market, unit, own, self.parameters) for unit in units]
        lines = [line for one in each for line in self._lines(one, initial=purpose in INITIAL) if line.required]
        decided = max(each, key=lambda one: one.worst, default=None)
        binding = None
        if decided is not None and decided.worst:
            binding = Binding("scenario", f"{decided.name}: {decided.scenario}", decided.worst)
        return Required(tuple(lines), sum(one.error for one in each), binding)

    def _lines(self, one: Simulated, *, initial: bool) -> Iterator[Line]:
        share = ONE if initial else self.parameters.maintenance_share
        parts = {
            "scenario": shown(one.worst) * share,
            "roll_shock": one.roll_shock * share,
            "delta_shock": one.delta_shock * share,
            "contingency": one.given * share,
        }
        if initial:
            parts["order_margin"] = one.given_at_initial
            parts["rounding"] = one.initial - sum(parts.values(), ZERO)
        for kind, amount in parts.items():
            yield Line(kind, one.name, Leg.NET, required=amount)


def _settled_in(units: Iterable[Unit], own: str) -> None:
    for unit in units:
        for name in (*(c.settle for c in unit.contracts), *(o.listed.settle.name for o in unit.options)):
            if name != own:
                raise RulesError(f"a segregated account of {own} holds what settles in {own}; {unit.name} has {name}")
