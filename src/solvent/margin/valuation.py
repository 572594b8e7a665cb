"""Prices, balances and positions of one pool at one purpose, as the ledger counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.book import Book, Holding, Leg, Market, Order, Position, PriceKind, Purpose
from solvent.instruments import Future, Instrument, Perpetual
from solvent.margin.declared import asset_of, instrument_of
from solvent.rules import ContractMargin, Profit, RulesError, VenueRules
from solvent.units import Asset


class Ratio(NamedTuple):
    """An exchange rate of units as whole numbers: ``units × ticks ÷ divisor``."""

    ticks: int
    divisor: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One pool under one rule set, purpose and choice of price kinds; answers every price question about it."""

    book: Book
    market: Market
    rules: VenueRules
    holding: Holding
    purpose: Purpose
    position_kind: PriceKind
    collateral_kind: PriceKind
    numeraire: Asset = field(init=False)
    multiplier: Decimal = field(init=False)

    def __post_init__(self) -> None:
        """Look up the asset the pool is margined in, and what its margin mode multiplies every schedule by."""
        mode = self.rules.modes.get(self.holding.pool.mode)
        if mode is None:
            msg = f"{self.rules.name}: no {self.holding.pool.mode.value} margin; pool {self.holding.pool.id}"
            raise RulesError(msg)
        object.__setattr__(self, "numeraire", self.asset(self.holding.pool.numeraire))
        object.__setattr__(self, "multiplier", mode.requirement_multiplier)

    def asset(self, name: str) -> Asset:
        """An asset of the book; :class:`BookError` when it is not declared."""
        return asset_of(self.book, name)

    def contract(self, symbol: str) -> Perpetual | Future:
        """A contract of the book; spot is held as balances, and options need a method that covers them."""
        found = self.book.instruments.get(symbol)
        if isinstance(found, Perpetual):
            return found
        named = type(self.instrument(symbol)).__name__
        msg = f"{self.rules.name}: tiered margin covers perpetuals and futures, not {named} {symbol}"
        raise RulesError(msg)

    def instrument(self, symbol: str) -> Instrument:
        """An instrument of the book; :class:`BookError` when it is not declared."""
        return instrument_of(self.book, symbol)

    def margin_of(self, contract: Perpetual | Future) -> ContractMargin:
        """The contract's margin facts under the rules."""
        return self.rules.margin.contract(contract)

    def mark(self, contract: Perpetual | Future) -> Decimal:
        """The price positions are valued at for this purpose."""
        return self.market.price(self.position_kind, contract.symbol, contract.quote.name)

    def rate(self, asset: Asset) -> Ratio:
        """The asset's price in the numeraire, on units."""
        if asset.name == self.holding.pool.numeraire:
            return Ratio(1, 1)
        price = self.market.price(self.collateral_kind, asset.name, self.numeraire.name)
        top, bottom = price.as_integer_ratio()
        return Ratio(top * 10**self.numeraire.scale, bottom * 10**asset.scale)

    def leverage(self, margin: ContractMargin, position: Position | None) -> int:
        """The leverage cap of an entry: chosen by the user, else the default within the class's cap."""
        if position is not None and position.leverage:
            return position.leverage
        cap = self.rules.modes[self.holding.pool.mode].leverage_cap(self.holding.pool.account_class)
        return min(margin.default_leverage, cap)


class Valued(NamedTuple):
    """A position at its mark: profit in settle units (funding paid), notional in settle and in numeraire units."""

    position: Position
    contract: Perpetual | Future
    margin: ContractMargin
    ticks: int
    profit: int
    notional: int


class Equity(NamedTuple):
    """One asset's equity in units: balance after interest, unrealised profit, and the part of it that counts."""

    asset: Asset
    cash: int
    interest: int
    profit: int
    counted_profit: int

    @property
    def units(self) -> int:
        """Balance with all its profit."""
        return self.cash + self.profit

    @property
    def counted_units(self) -> int:
        """Balance with the profit that counts: E_s."""
        return self.cash + self.counted_profit


def valued(scene: Scene, position: Position) -> Valued:
    """A position at the scene's mark."""
    contract = scene.contract(position.symbol)
    ticks = contract.ticks(scene.mark(contract), scene.position_kind.value)
    due = ledger.funding_due(position.lots, scene.market.funding.get(position.symbol, 0), position.funding_index)
    profit = contract.worth(position.lots, ticks) - position.cost - due
    notional = contract.notional(position.lots, ticks)
    return Valued(position, contract, scene.margin_of(contract), ticks, profit, notional)


def numeraire_units(scene: Scene, units: int, settle: Asset) -> int:
    """A notional or loss in settle units, in numeraire units, rounded up: against the account."""
    if settle.name == scene.numeraire.name:
        return units
    rate = scene.rate(settle)
    return ledger.converted_up(units, rate.ticks, rate.divisor)


def interest(scene: Scene, asset: str, units: int) -> int:
    """Interest a balance owes since its last touch, in units."""
    return ledger.interest_due(units, scene.market.interest.get(asset, 0), scene.holding.borrow_index.get(asset, 0))


def equities(scene: Scene, positions: Sequence[Valued]) -> list[Equity]:
    """E_s of every asset with a balance or a position settling in it, the numeraire first."""
    names = dict.fromkeys([scene.holding.pool.numeraire, *scene.holding.cash])
    profits: dict[str, int] = {}
    for one in positions:
        settle = one.contract.settle.name
        names[settle] = None
        profits[settle] = profits.get(settle, 0) + one.profit
    losses_only = scene.rules.profit[scene.purpose] is Profit.LOSSES_ONLY
    found = []
    for name in names:
        units = scene.holding.cash.get(name, 0)
        due = interest(scene, name, units)
        profit = profits.get(name, 0)
        counted = min(0, profit) if losses_only else profit
        found.append(Equity(scene.asset(name), units - due, due, profit, counted))
    return found


def entries(holding: Holding) -> dict[tuple[str, Leg], tuple[Position | None, list[Order]]]:
    """Positions and the orders that add to requirements, by instrument and leg; orders in order of reference."""
    found: dict[tuple[str, Leg], tuple[Position | None, list[Order]]] = {
        (p.symbol, p.leg): (p, []) for p in holding.positions
    }
    for order in holding.orders:
        if not order.reduce_only:
            found.setdefault((order.symbol, order.leg), (None, []))[1].append(order)
    return found


def price_alternatives(rules: VenueRules, purpose: Purpose) -> list[tuple[PriceKind, PriceKind]]:
    """The price kinds of positions and collateral to value the whole book at, one pair an alternative."""
    positions, collateral = rules.prices.positions[purpose], rules.prices.collateral[purpose]
    count = max(len(positions), len(collateral))
    return [(positions[min(k, len(positions) - 1)], collateral[min(k, len(collateral) - 1)]) for k in range(count)]
