"""Risk units: everything on one underlying scanned together, whatever it settles in, for accounts of many underlyings.

Beside :mod:`solvent.margin.scenario.account`, which margins one underlying whose contracts settle in the numeraire.
Prices (:func:`~solvent.margin.scenario.scan.values`) and the scan are the same; columns are settle assets instead of
expiries. What a venue makes of the worst scenario, and adds to it, is its own (:class:`UnitMargin`).

Prices beside those of :mod:`solvent.margin.scenario.reading`: MARK of contracts and options in their quotes, INDEX of
the underlying in a contract's quote (or else in dollars), INDEX of settle assets in the numeraire. Forwards are in the
pool's dollar: its numeraire where that is one, else USD.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple, Protocol

import numpy as np

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, Holding, Market, PriceKey, PriceKind, Purpose, curve
from solvent.instruments import DOLLARS, Future, Option, Payoff, Perpetual
from solvent.margin.declared import instrument_of
from solvent.margin.premiums import OptionAtMark, option_lines, options_at_marks, with_premiums
from solvent.margin.scenario.account import NOW
from solvent.margin.scenario.errors import SPARE_TERMS, UNIT, value_errors
from solvent.margin.scenario.money import HALF_PLACE, bounded, figure
from solvent.margin.scenario.reading import OptionHeld, Underlying, cash_of, columns
from solvent.margin.scenario.resting import worst_with_orders
from solvent.margin.scenario.scan import Scan, scan, values
from solvent.margin.scenario.series import F64, Expiries, Series
from solvent.margin.scenario.shocks import PlainShock, Scenario, VolatilityShock
from solvent.pricing import black76
from solvent.rules import PoolModel, RulesError, VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
YEAR_NS = Decimal(365 * 86_400) * 10**9
DOLLAR = "USD"
LEAST_SPREAD = 1e-100


class ContractHeld(NamedTuple):
    """A perpetual or future.

    Attributes
    ----------
    size
        Signed, in coins at the mark.
    mark, spot
        Price of the contract, and the underlying's index, in the contract's quote.
    years
        To expiry; 0 for a perpetual.
    quoted, settled
        Numeraire per quote and per settle asset.

    """

    symbol: str
    settle: str
    inverse: bool
    size: Decimal
    mark: Decimal
    spot: Decimal
    years: Decimal
    quoted: Decimal
    settled: Decimal

    @property
    @exact
    def delta(self) -> Decimal:
        """Cash delta in the numeraire: size × mark, signed."""
        return self.size * self.mark * self.quoted


class Unit(NamedTuple):
    """Everything a pool holds on one underlying: its price in dollars, contracts, options, the coin's own balance."""

    name: str
    spot: Decimal
    contracts: tuple[ContractHeld, ...]
    options: tuple[OptionAtMark, ...]
    coin: Decimal


class Grid(NamedTuple):
    """What a unit is scanned over.

    Attributes
    ----------
    in_coin
        Whether what settles in the coin gains coins, worth what the coin is worth now: an inverse contract of q coins
        q × (1 − 1 ÷ factor), an option its value over its forward, a linear contract at its mark. Otherwise every gain
        is in dollars, contracts at the underlying's index.
    reach
        Where above zero, contracts gain what they do at most this far from 1, and the scenarios' weights are those of
        options alone.

    """

    scenarios: tuple[Scenario, ...]
    volatility: VolatilityShock
    in_coin: bool
    reach: float = 0.0


class Gained(NamedTuple):
    """What a unit gains: by scenario and settle asset in the numeraire, and a bound of the error of any row's sum."""

    assets: tuple[str, ...]
    matrix: F64
    error: float


class Required(NamedTuple):
    """What a venue asks of a pool's units: lines, a bound of their error, and what decided."""

    lines: tuple[Line, ...]
    error: float
    binding: Binding | None


class UnitMargin(Protocol):
    """What a venue makes of risk units."""

    def required(
        self, market: Market, units: Sequence[Unit], found: Assessment, holding: Holding, purpose: Purpose
    ) -> Required:
        """The requirement of all units (inside the exact context); ``found`` is the pool without it."""
        ...


@dataclass(frozen=True, slots=True)
class UnitAccount:
    """The pool model of portfolio margin over risk units.

    Resting orders count at ADMIT and WITHDRAW as if all buys, or all sells, were filled at their limits.

    Parameters
    ----------
    equity
        The model that says what balances, debts and profits count; positions must need nothing under it. Options are
        told to it as cash at their marks.
    margin
        What the units need.

    """

    equity: PoolModel
    margin: UnitMargin

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment (inside the exact context)."""
        return worst_with_orders(
            lambda held: self._alone(book, market, rules, purpose, held), book, market, purpose, holding
        )

    @exact
    def _alone(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        options = options_at_marks(book, market, holding, rules.name)
        plain = replace(with_premiums(book, holding, options), orders=())
        found = self.equity.assess(book, market, rules, purpose, plain)
        needed = self.margin.required(market, units_of(book, market, holding, rules.name), found, holding, purpose)
        lines = [*option_lines(found, options, options), *needed.lines]
        pool = holding.pool
        return bounded(pool.id, purpose, pool.numeraire, lines, needed.error, needed.binding)


@exact
def units_of(book: Book, market: Market, holding: Holding, venue: str) -> tuple[Unit, ...]:
    """A pool's positions by underlying, in the order in which it holds them.

    Raises
    ------
    BookError
        A price, asset or instrument is missing; the message names it.
    RulesError
        A contract is quanto, or an option is not European.

    """
    own = holding.pool.numeraire
    contracts: dict[str, list[ContractHeld]] = {}
    options: dict[str, list[OptionAtMark]] = {}
    for option in options_at_marks(book, market, holding, venue):
        options.setdefault(option.listed.underlying, []).append(option)
    for position in holding.positions:
        listed = instrument_of(book, position.symbol)
        if isinstance(listed, Perpetual):
            held = _contract(market, listed, position.lots, own, venue)
            contracts.setdefault(listed.underlying, []).append(held)
        elif not isinstance(listed, Option):
            raise RulesError(f"{venue} does not cover a {type(listed).__name__.lower()} ({position.symbol})")
    dollar = own if own in DOLLARS else DOLLAR
    return tuple(
        Unit(
            name,
            market.price(PriceKind.INDEX, name, dollar),
            tuple(contracts.get(name, ())),
            tuple(options.get(name, ())),
            cash_of(book, market, holding, name) if name in holding.cash else ZERO,
        )
        for name in dict.fromkeys([*contracts, *options])
    )


def rate_of(market: Market, asset: str, numeraire: str) -> Decimal:
    """Numeraire per unit of an asset."""
    return ONE if asset == numeraire else market.price(PriceKind.INDEX, asset, numeraire)


def _contract(market: Market, listed: Perpetual, lots: int, own: str, venue: str) -> ContractHeld:
    if listed.payoff is Payoff.QUANTO:
        raise RulesError(f"{venue} does not cover quanto contracts ({listed.symbol})")
    inverse, quote = listed.payoff is Payoff.INVERSE, listed.quote.name
    mark = market.price(PriceKind.MARK, listed.symbol, quote)
    size = listed.size(lots) * listed.contract_size
    years = years_left(market, listed.expiry_ns) if isinstance(listed, Future) else ZERO
    index = market.prices.get(PriceKey(PriceKind.INDEX, listed.underlying, quote))
    dollar = own if own in DOLLARS else DOLLAR
    quoted = rate_of(market, quote, dollar)
    if index is None:
        index = divide(market.price(PriceKind.INDEX, listed.underlying, dollar), quoted, PLACES, Rounding.HALF_UP)
    return ContractHeld(
        listed.symbol,
        listed.settle.name,
        inverse,
        divide(size, mark, PLACES, Rounding.HALF_UP) if inverse else size,
        mark,
        index,
        years,
        quoted,
        rate_of(market, listed.settle.name, own),
    )


def years_left(market: Market, expiry_ns: int) -> Decimal:
    """Years of 365 days until an expiry, rounded up; none once it has passed."""
    return divide(Decimal(max(0, expiry_ns - market.time_ns)), YEAR_NS, PLACES, Rounding.UP)


def contract_value(held: ContractHeld, *, in_coin: bool) -> Decimal:
    """What a contract's moves are multiplied by, in the numeraire (see :class:`Grid`)."""
    if not in_coin:
        return held.size * held.spot * held.quoted
    return held.size * (held.settled if held.inverse else held.mark * held.settled)


@exact
def gained(market: Market, unit: Unit, numeraire: str, grid: Grid) -> Gained:
    """What a unit's contracts and options gain in every scenario; the coin's balance is the venue's to add."""
    assets = tuple(dict.fromkeys(_settled(unit)))
    factor = np.array([one.spot for one in grid.scenarios])
    bounded_factor = np.clip(factor, 1.0 - grid.reach, 1.0 + grid.reach) if grid.reach else factor
    matrix, error = np.zeros((len(grid.scenarios), len(assets))), 0.0
    for held in unit.contracts:
        value = float(contract_value(held, in_coin=grid.in_coin))
        inverse = grid.in_coin and held.inverse
        move = 1.0 - 1.0 / bounded_factor if inverse else bounded_factor - 1.0
        matrix[:, assets.index(held.settle)] += value * move
        error += abs(value) * (float(np.max(np.abs(move), initial=0.0)) + 2.0) * SPARE_TERMS * UNIT
    if unit.options:
        found, slack = _options_gained(market, unit, numeraire, grid)
        for k, option in enumerate(unit.options):
            matrix[:, assets.index(option.listed.settle.name)] += found[:, k]
        error += slack
    return Gained(assets, matrix, error)


def _settled(unit: Unit) -> Iterator[str]:
    yield from (one.settle for one in unit.contracts)
    yield from (one.listed.settle.name for one in unit.options)


def series_of(market: Market, unit: Unit, numeraire: str) -> tuple[Series, Expiries, F64]:
    """The unit's options in columns, and their signed sizes."""
    held = [OptionHeld(one.listed, one.size, curve(unit.name, one.listed.expiry_ns)) for one in unit.options]
    dollar = numeraire if numeraire in DOLLARS else DOLLAR
    return columns(market, Underlying(unit.name, unit.spot, tuple(held), ()), dollar)


def _options_gained(market: Market, unit: Unit, numeraire: str, grid: Grid) -> tuple[F64, float]:
    """What each option gains by scenario, and a bound of the error of a row's sum."""
    series, expiries, sizes = series_of(market, unit, numeraire)
    rows = (NOW, *grid.scenarios)
    worth = values(rows, series, expiries, grid.volatility)
    factor = np.array([one.spot for one in rows])[:, None]
    forward = factor * expiries.moving[series.expiry] + expiries.settled[series.expiry]
    coins = np.array([one.listed.payoff is Payoff.INVERSE for one in unit.options])
    rate = np.array([float(one.rate) for one in unit.options])
    highest = max(1.0, float(factor.max()))
    slack = value_errors(series, sizes, highest) * 2.0
    if grid.in_coin:
        worth = np.where(coins, worth / forward, worth) * rate
        slack = slack * np.where(coins, 2.0 / forward.min(axis=0), 1.0) * rate
    else:
        worth = worth * np.where(coins, 1.0, rate)
        slack = slack * np.where(coins, 1.0, rate)
    found = (worth[1:] - worth[0]) * sizes
    if grid.reach:
        found = found * np.array([one.weight for one in grid.scenarios])[:, None]
    return found, float(slack.sum())


def worst(grid: Grid, assets: Sequence[str], matrix: F64) -> Scan:
    """The scan of gains by scenario and settle asset: every row added up, × its weight, and the least of them."""
    nothing = np.zeros(len(assets))
    scenarios = [one._replace(weight=1.0) for one in grid.scenarios] if grid.reach else grid.scenarios
    names = Expiries(tuple(assets), nothing, nothing, nothing, nothing, nothing)
    return scan(scenarios, matrix, nothing, (), names)


class OptionDelta(NamedTuple):
    """An option's years to expiry and signed delta in coins, a float to twelve places, with a bound of its error."""

    years: Decimal
    delta: Decimal
    error: float


def option_deltas(market: Market, unit: Unit, numeraire: str) -> list[OptionDelta]:
    """The deltas of a unit's options, in their order."""
    if not unit.options:
        return []
    series, expiries, sizes = series_of(market, unit, numeraire)
    years = expiries.years[series.expiry]
    found = black76(series.forward, series.strike, years, series.volatility, series.is_call).delta * sizes
    # The formula is off by 1e-15 × (1 + 1 ÷ spread) and a volatility's slack; twelve places add half of one.
    spread = np.maximum(series.volatility * np.sqrt(years), LEAST_SPREAD)
    slack = np.abs(sizes) * (1e-15 + (1e-15 + series.slack) / spread) + HALF_PLACE
    left = [years_left(market, one.listed.expiry_ns) for one in unit.options]
    rows = zip(left, found.tolist(), np.minimum(slack, np.abs(sizes)).tolist(), strict=True)
    return [OptionDelta(year, figure(delta), off) for year, delta, off in rows]


@exact
def along(
    market: Market, unit: Unit, numeraire: str, moves: Sequence[Decimal], *, in_coin: bool
) -> tuple[Decimal, ...]:
    """What a unit gains where its price alone moves by these shares, to twelve places.

    :class:`~solvent.rules.RulesError` for a fall by everything or more.

    >>> held = ContractHeld("P", "USDT", False, Decimal(-2), Decimal(100), Decimal(100), ZERO, ONE, ONE)
    >>> found = along(Market({}), Unit("X", Decimal(100), (held,), (), ZERO), "USD", [Decimal("-0.1")], in_coin=False)
    >>> [str(one.normalize()) for one in found]
    ['2E+1']
    """
    if any(move <= -ONE for move in moves):
        raise RulesError(f"a price cannot fall by all of itself or more: moves are {', '.join(map(str, moves))}")
    scenarios = tuple(Scenario(f"{move:+f}", float(ONE + move)) for move in moves)
    found = gained(market, unit, numeraire, Grid(scenarios, PlainShock(0.0, 0.0), in_coin))
    return tuple(figure(one) for one in found.matrix.sum(axis=1).tolist())
