"""Changes a person may ask for, and the book after them: the same ledger arithmetic the engine uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.book import Book, BookError, Holding, Leg, LegMode, Market, Order, Position, PriceKey
from solvent.instruments import Option, Spot
from solvent.margin.declared import asset_of, instrument_of
from solvent.rules import VenueRules


@dataclass(frozen=True, slots=True)
class Trade:
    """Signed lots at a price in ticks, as taker unless ``maker``."""

    pool: str
    symbol: str
    lots: int
    ticks: int
    leg: Leg = Leg.NET
    maker: bool = False


@dataclass(frozen=True, slots=True)
class Combo:
    """Several trades of one pool as one: all of them or none, tested once on the book that all of them leave."""

    pool: str
    legs: tuple[Trade, ...]

    def __post_init__(self) -> None:
        """Refuse a combo without legs, or with one in another pool."""
        if not self.legs or any(leg.pool != self.pool for leg in self.legs):
            msg = f"combo: legs must be trades of pool {self.pool}, one at least, not {list(self.legs)}"
            raise BookError(msg)


@dataclass(frozen=True, slots=True)
class Place:
    """A new resting order."""

    pool: str
    order: Order


@dataclass(frozen=True, slots=True)
class Cancel:
    """A resting order taken back."""

    pool: str
    order: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Units of an asset leave."""

    pool: str
    asset: str
    units: int


@dataclass(frozen=True, slots=True)
class Borrow:
    """Units of an asset leave against collateral: the balance may fall below zero. A deposit repays."""

    pool: str
    asset: str
    units: int


@dataclass(frozen=True, slots=True)
class Deposit:
    """Units of an asset arrive."""

    pool: str
    asset: str
    units: int


@dataclass(frozen=True, slots=True)
class SetLeverage:
    """Another leverage cap for an instrument's leg."""

    pool: str
    symbol: str
    leverage: int
    leg: Leg = Leg.NET


@dataclass(frozen=True, slots=True)
class Reprice:
    """Other prices, for every pool."""

    prices: Mapping[PriceKey, Decimal]


PoolChange = Trade | Combo | Place | Cancel | Withdraw | Borrow | Deposit | SetLeverage
Change = PoolChange | Reprice


class Filled(NamedTuple):
    """A holding after a fill, and what the fill moved, in settle units (quote units for spot)."""

    holding: Holding
    fee: int
    realised: int
    funding: int


def changed(book: Book, market: Market, rules: VenueRules, change: Change) -> tuple[Book, Market, int]:
    """Book and market after one change, and the fee it cost in settle units (inside the exact context)."""
    if isinstance(change, Reprice):
        return book, market.with_prices(change.prices), 0
    holding = book.holding(change.pool)
    if isinstance(change, Trade):
        filled = fill(book, market, rules, holding, change)
        return book.with_holding(filled.holding), market, filled.fee
    if isinstance(change, Combo):
        return _combined(book, market, rules, change)
    return book.with_holding(_simple(book, market, holding, change)), market, 0


def _combined(book: Book, market: Market, rules: VenueRules, combo: Combo) -> tuple[Book, Market, int]:
    """The book after every leg of a combo, and all their fees, which must be in one asset."""
    paid_in = {instrument_of(book, leg.symbol).settle.name for leg in combo.legs}
    if len(paid_in) > 1:
        msg = f"combo: legs settle in {', '.join(sorted(paid_in))}, expected one asset"
        raise BookError(msg)
    fees = 0
    for leg in combo.legs:
        book, market, fee = changed(book, market, rules, leg)
        fees += fee
    return book, market, fees


def _simple(book: Book, market: Market, holding: Holding, change: PoolChange) -> Holding:
    if isinstance(change, Deposit | Withdraw | Borrow):
        if change.units <= 0:
            msg = f"amount of {change.asset} must be positive, not {change.units} units"
            raise BookError(msg)
        asset_of(book, change.asset)
        return moved(market, holding, change.asset, change.units if isinstance(change, Deposit) else -change.units)
    if isinstance(change, Place):
        if any(order.id == change.order.id for order in holding.orders):
            msg = f"orders: {change.order.id!r} is already resting in pool {holding.pool.id}"
            raise BookError(msg)
        instrument_of(book, change.order.symbol)
        return replace(holding, orders=(*holding.orders, change.order))
    if isinstance(change, Cancel):
        kept = tuple(order for order in holding.orders if order.id != change.order)
        if len(kept) == len(holding.orders):
            msg = f"orders: {change.order!r} is not resting in pool {holding.pool.id}"
            raise BookError(msg)
        return replace(holding, orders=kept)
    if isinstance(change, SetLeverage):
        return _with_leverage(holding, change)
    msg = f"{type(change).__name__} is not a change of a pool"
    raise BookError(msg)


def _with_leverage(holding: Holding, change: SetLeverage) -> Holding:
    position = holding.position(change.symbol, change.leg)
    if position is None:
        msg = f"positions: {change.symbol} ({change.leg.name}) is not held in pool {holding.pool.id}"
        raise BookError(msg)
    return holding.with_position(replace(position, leverage=change.leverage))


def moved(market: Market, holding: Holding, asset: str, units: int) -> Holding:
    """The holding with ``units`` added to a balance, whose interest is settled first."""
    cash = holding.cash.get(asset, 0)
    index = market.interest.get(asset, 0)
    due = ledger.interest_due(cash, index, holding.borrow_index.get(asset, 0))
    after = holding.with_cash(asset, units - due)
    return replace(after, borrow_index={**holding.borrow_index, asset: index})


def fill(book: Book, market: Market, rules: VenueRules, holding: Holding, trade: Trade) -> Filled:
    """A holding after a fill: funding settled, cost carried, profit realised, fee and levy paid."""
    instrument_of(book, trade.symbol)
    instrument = book.instruments[trade.symbol]
    _check_size(holding, trade)
    fee_ppm = rules.fees.maker_ppm if trade.maker else rules.fees.taker_ppm
    if isinstance(instrument, Spot):
        return _spot_fill(market, holding, instrument, trade, fee_ppm)
    if isinstance(instrument, Option):
        return _option_fill(market, holding, instrument, trade, fee_ppm)
    levy_ppm = rules.modes[holding.pool.mode].fund_levy_ppm
    notional = instrument.notional(trade.lots, trade.ticks)
    fee = ledger.fill_fee(notional, fee_ppm) + ledger.fill_fee(notional, levy_ppm)
    index = market.funding.get(trade.symbol, 0)
    held = holding.position(trade.symbol, trade.leg) or Position(trade.symbol, 0, 0, trade.leg, funding_index=index)
    due = ledger.funding_due(held.lots, index, held.funding_index)
    fill_cost = instrument.worth(trade.lots, trade.ticks)
    cost = ledger.cost_after(held.lots, held.cost, trade.lots, fill_cost)
    gain = ledger.realised(held.cost, fill_cost, cost)
    after = replace(held, lots=held.lots + trade.lots, cost=cost, funding_index=index)
    paid = moved(market, holding, instrument.settle.name, gain - fee - due).with_position(after)
    return Filled(paid, fee, gain, due)


def _spot_fill(market: Market, holding: Holding, spot: Spot, trade: Trade, fee_ppm: int) -> Filled:
    worth = ledger.linear_worth(trade.lots, trade.ticks, spot.tick_value)
    fee = ledger.fill_fee(abs(worth), fee_ppm)
    after = moved(market, holding, spot.base.name, trade.lots * spot.lot_units)
    return Filled(moved(market, after, spot.quote.name, -worth - fee), fee, 0, 0)


def _option_fill(market: Market, holding: Holding, option: Option, trade: Trade, fee_ppm: int) -> Filled:
    """The premium moves in cash at once; a cost is premium that has not left cash, and is settled as lots are closed.

    The fee is a share of the premium.
    """
    premium = option.worth(trade.lots, trade.ticks)
    fee = ledger.fill_fee(abs(premium), fee_ppm)
    held = holding.position(trade.symbol, trade.leg) or Position(trade.symbol, 0, 0, trade.leg)
    cost = ledger.cost_after(held.lots, held.cost, trade.lots, 0)
    gain = ledger.realised(held.cost, 0, cost)
    after = replace(held, lots=held.lots + trade.lots, cost=cost)
    paid = moved(market, holding, option.settle.name, gain - premium - fee).with_position(after)
    return Filled(paid, fee, gain, 0)


def _check_size(holding: Holding, trade: Trade) -> None:
    if trade.lots == 0 or trade.ticks <= 0:
        wanted = "lots must not be zero and ticks must be positive"
        msg = f"trade of {trade.symbol}: {wanted}, not {trade.lots} at {trade.ticks}"
        raise BookError(msg)
    pool = holding.pool
    if pool.scope and trade.symbol not in pool.scope:
        msg = f"pool {pool.id} may hold only {sorted(pool.scope)}, not {trade.symbol}"
        raise BookError(msg)
    if (pool.legs is LegMode.ONE_WAY) != (trade.leg is Leg.NET):
        msg = f"pool {pool.id} is {pool.legs.value}: leg {trade.leg.name} of {trade.symbol} does not fit"
        raise BookError(msg)
    held = holding.position(trade.symbol, trade.leg)
    after = (held.lots if held is not None else 0) + trade.lots
    if (trade.leg is Leg.LONG and after < 0) or (trade.leg is Leg.SHORT and after > 0):
        msg = f"pool {pool.id}: the {trade.leg.name} leg of {trade.symbol} cannot cross zero, to {after} lots"
        raise BookError(msg)
