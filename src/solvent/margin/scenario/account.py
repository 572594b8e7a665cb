"""A pool margined by scenarios: reads it, scans it, and answers with lines that sum to the totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, Holding, Leg, Market, PriceKind, Purpose
from solvent.instruments import Instrument
from solvent.margin.options import Reads
from solvent.margin.scenario.contingencies import haircut_of, oracle_charges, static_charges, value_of
from solvent.margin.scenario.errors import scan_error, value_errors
from solvent.margin.scenario.money import bounded, figure
from solvent.margin.scenario.portfolio import PortfolioRules
from solvent.margin.scenario.reading import CoinHeld, Pooled, Underlying, columns, pooled, stable_price
from solvent.margin.scenario.resting import worst_with_orders
from solvent.margin.scenario.scan import Linear, Scan, by_expiry, scan, values
from solvent.margin.scenario.series import F64, Expiries, Series
from solvent.margin.scenario.shocks import Scenario
from solvent.margin.sharing import once
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, Asset, exact

INITIAL = frozenset({Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL})
NOW = Scenario("now", 1.0)


class Figures(NamedTuple):
    """Everything between the positions and the net margin, for one pool.

    ``option_values`` are present values by position; ``basis`` and ``scanned.loss`` are not above zero; ``error``
    bounds the error of the worst of them, ``value_error`` that of the options' value.
    """

    underlying: Underlying
    series: Series
    expiries: Expiries
    option_values: F64
    basis: float
    scanned: Scan
    error: float
    value_error: float

    @property
    def worst(self) -> float:
        """The basis charge or the worst scenario, whichever is less; never above zero."""
        return min(self.basis, self.scanned.loss, 0.0)

    @property
    def name(self) -> str:
        """What is worst: a scenario's name, or the basis; empty where nothing loses."""
        if self.worst == 0.0:
            return ""
        return "basis" if self.basis <= self.scanned.loss else self.scanned.name


@dataclass(frozen=True, slots=True)
class ScenarioAccount:
    """The pool model of portfolio margin by scenarios.

    Resting orders count at ADMIT and WITHDRAW: the worst of the pool as it is, with all its buys filled at their
    limits, and with all its sells.
    """

    rules: PortfolioRules

    @property
    def reads(self) -> Reads:
        """What options are priced from."""
        return Reads.FEEDS if self.rules.discounted else Reads.FEEDS_UNDISCOUNTED

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment (inside the exact context)."""
        return worst_with_orders(
            lambda held: self._alone(book, market, rules, purpose, held), book, market, purpose, holding
        )

    def _alone(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        own = holding.pool, holding.cash, holding.positions, holding.borrow_index  # whatever orders rest
        taken = once(scanned, self.rules, market, rules.name, book.assets, book.instruments, *own)
        found, initial = taken.found, purpose in INITIAL
        factor, required = once(_required, self.rules, market, taken, initial)
        needs = [*required]
        if purpose is Purpose.RECOVER:
            whole = sum((one.required for one in needs), ZERO)
            needs.append(Line("buffer", "", Leg.NET, required=whole * self.rules.buffer))
        worst = needs[0].required
        binding = Binding("scenario", found.name, worst) if worst else None
        scale = float(factor) * (1.0 + float(self.rules.buffer))
        error = found.error * scale + found.value_error
        return bounded(holding.pool.id, purpose, holding.pool.numeraire, [*taken.lines, *needs], error, binding)


class Scanned(NamedTuple):
    """A pool taken apart and scanned, which is the same at every purpose: ``lines`` say what it is worth."""

    held: Underlying
    counts: tuple[CoinHeld, ...]
    stable: Decimal
    found: Figures
    lines: tuple[Line, ...]


def scanned(
    own: PortfolioRules,
    market: Market,
    venue: str,
    assets: Mapping[str, Asset],
    instruments: Mapping[str, Instrument],
    *parts: Any,
) -> Scanned:
    """Take a pool apart and scan it; ``parts`` are the holding's without its orders (inside the exact context)."""
    name, cash, positions, borrowed = parts
    holding = Holding(name, cash, positions, borrow_index=borrowed)
    book = Book(assets, instruments, (holding,))
    pool = pooled(book, market, holding, venue)
    stable = stable_price(market, holding.pool.numeraire)
    held = underlying_of(own, market, pool, holding, venue)
    counts = tuple(c for c in pool.coins if haircut_of(own, c.name, held.name) is not None or c.amount < 0)
    found = figures(own, market, held, pool, stable, holding.pool.numeraire)
    return Scanned(held, counts, stable, found, tuple(_values(pool, counts, stable, found, holding.pool.numeraire)))


def _required(own: PortfolioRules, market: Market, taken: Scanned, initial: bool) -> tuple[Decimal, tuple[Line, ...]]:
    """The factor; the worst scenario times it, and the charges beside it."""
    factor = own.factors.of(taken.stable, initial=initial)
    charged = [
        one for one in static_charges(own, taken.held, taken.counts, taken.stable, initial=initial) if one.required
    ]
    if own.inside:
        charged = [one._replace(required=one.required * factor) for one in charged]
    if initial:
        charged += [one for one in oracle_charges(own, taken.held, taken.counts, market, taken.stable) if one.required]
    worst = figure(-taken.found.worst) * factor
    return factor, (Line("scenario", taken.found.name, Leg.NET, required=worst), *charged)


def underlying_of(rules: PortfolioRules, market: Market, pool: Pooled, holding: Holding, venue: str) -> Underlying:
    """The pool's one underlying: that of its positions, else the coin its collateral moves with.

    :class:`~solvent.rules.RulesError` where positions have several.
    """
    if len(pool.underlyings) > 1:
        names = ", ".join(one.name for one in pool.underlyings)
        raise RulesError(f"{venue} margins one underlying a pool; {holding.pool.id} has {names}")
    if pool.underlyings:
        return pool.underlyings[0]
    for coin in pool.coins:
        cut = rules.collateral.get(coin.name)
        name = coin.name if rules.own and cut is None else (cut.coin if cut is not None else "")
        if name:
            return Underlying(name, market.price(PriceKind.INDEX, name, holding.pool.numeraire), (), ())
    return Underlying("", ZERO, (), ())


@exact
def figures(
    rules: PortfolioRules, market: Market, held: Underlying, pool: Pooled, stable: Decimal, numeraire: str
) -> Figures:
    """The scan of a pool: present values, basis charge, every scenario (see :class:`Figures`)."""
    series, expiries, amounts = columns(market, held, numeraire)
    rows = (NOW, Scenario("basis up", rules.basis.up), Scenario("basis down", rules.basis.down), *rules.scenarios)
    matrix = values(rows, series, expiries, rules.volatility)
    discount = expiries.discount if rules.discounted else np.ones(len(expiries.names))
    summed = by_expiry(matrix, amounts, series, len(expiries.names)) * discount
    linear = _linear(rules, held, pool, stable)
    scanned = scan(rules.scenarios, summed[3:], summed[0], linear, expiries, rules.static_discount)
    basis = rules.basis.charge(summed[1] - summed[0], summed[2] - summed[0], expiries.years)
    value_error = value_errors(series, amounts, 1.0)
    error = scan_error(rules.scenarios, series, amounts, expiries, linear, rules.static_discount)
    swing = rules.basis.add + rules.basis.multiple * expiries.years[series.expiry]
    error = max(error, float((value_errors(series, amounts, rules.basis.up) * 2.0 * swing).sum()))
    present = matrix[0] * amounts * discount[series.expiry]
    return Figures(held, series, expiries, present, basis, scanned, error, float(value_error.sum()))


def _linear(rules: PortfolioRules, held: Underlying, pool: Pooled, stable: Decimal) -> list[Linear]:
    """Perpetuals, and collateral that moves with the underlying, at what they are worth."""
    found = [Linear(one.symbol, float(one.size * one.price)) for one in held.perps]
    for coin in pool.coins:
        cut = haircut_of(rules, coin.name, held.name)
        if cut is not None and cut.coin and cut.coin == held.name:
            found.append(Linear(coin.name, float(value_of(coin, stable))))
    return found


def _values(pool: Pooled, counts: Sequence[object], stable: Decimal, found: Figures, numeraire: str) -> Iterator[Line]:
    """What the pool is worth: cash, collateral that counts, perpetuals' profits, options at their model price."""
    yield Line("cash", numeraire, Leg.NET, pool.cash, pool.cash)
    for coin in pool.coins:
        worth = value_of(coin, stable)
        yield Line("collateral", coin.name, Leg.NET, worth, worth if coin in counts else ZERO)
    for perp in found.underlying.perps:
        yield Line("position", perp.symbol, Leg.NET, perp.gain, perp.gain)
    for symbol, value in zip(found.series.symbols, found.option_values.tolist(), strict=True):
        worth = figure(value)
        yield Line("position", symbol, Leg.NET, worth, worth)
