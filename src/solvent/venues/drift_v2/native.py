"""From a book to the program's integers: the account it would see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import Book, BookError, Holding, Leg, Market, Position, PriceKey, PriceKind
from solvent.instruments import Future, Instrument, Perpetual, Spot
from solvent.ledger import funding_due, interest_due
from solvent.margin.declared import asset_of, instrument_of
from solvent.rules import RulesError
from solvent.units import Asset, exact, shifted, whole
from solvent.venues.drift_v2.account import Account, PerpPosition, SpotBalance
from solvent.venues.drift_v2.formulas import BASE_DECIMALS, WEIGHT, quotient_up
from solvent.venues.drift_v2.markets import ONE_QUOTE, PerpMarket, Quoted, SpotMarket

DECIMALS = 6  # of prices and of quote
HIGH_LEVERAGE = "high_leverage"
DEPOSITS = "deposits"
NET_PROFIT = "net_user_profit"
NO_COLLATERAL = SpotMarket(initial_asset=0, maintenance_asset=0)


@dataclass(frozen=True, slots=True)
class Markets:
    """The markets of a rule set: tokens by name, perpetuals by symbol or underlying, and what stands for the rest."""

    spots: Mapping[str, SpotMarket]
    perps: Mapping[str, PerpMarket]
    other_perp: PerpMarket | None = None
    other_spot: SpotMarket = NO_COLLATERAL

    def spot(self, name: str, numeraire: str) -> SpotMarket:
        """A token's market; the pool's own numeraire counts as the quote token."""
        if name == numeraire:
            return SpotMarket(quote=True)
        return self.spots.get(name, self.other_spot)

    def perp(self, instrument: Instrument) -> PerpMarket:
        """A perpetual's market; :class:`RulesError` says why there is none."""
        if not isinstance(instrument, Perpetual) or isinstance(instrument, Future) or instrument.constant:
            msg = f"{instrument.symbol}: only linear perpetuals and spot trade here"
            raise RulesError(msg)
        found = self.perps.get(instrument.symbol) or self.perps.get(instrument.underlying) or self.other_perp
        if found is None:
            msg = f"{instrument.symbol}: no market; there are {sorted(self.perps)}"
            raise RulesError(msg)
        return found


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user sets on an account and a book cannot say: lower bounds of margin ratios, 1e-4.

    ``margin_ratio`` counts for new risk, ``override`` always.
    """

    margin_ratio: int = 0
    override: int = 0


NO_SETTINGS = Settings()


@exact
def account_of(
    book: Book, market: Market, markets: Markets, holding: Holding, settings: Settings = NO_SETTINGS
) -> Account:
    """The account the program would see: prices and amounts in its integers, rounded against the account.

    A contract's mark is its oracle price, a token's index its oracle price and its slow price the five-minute average;
    where no slow price is given the oracle price stands for it.

    Raises
    ------
    BookError
        A price, asset or instrument is missing, or a leg is held apart.
    RulesError
        Something the venue does not trade.

    Examples
    --------
    >>> from solvent.book import Pool
    >>> usdc = Asset("USDC", 6)
    >>> book = Book({"USDC": usdc}, {}, (Holding(Pool("cross", numeraire="USDC"), {"USDC": 5_000_000}),))
    >>> account_of(book, Market({}), Markets({}, {}), book.holdings[0]).spots[0].tokens
    5000000

    """
    reader = _Reader(book, market, markets, holding)
    spots, perps = reader.spots(), reader.perps()
    settled = {reader.perpetual(perp.name).settle.name: None for perp in perps}
    if len(settled) > 1:
        msg = f"{holding.pool.id}: perpetuals settle in one token here, not in {sorted(settled)}"
        raise RulesError(msg)
    quote = reader.quoted(next(iter(settled), holding.pool.numeraire))
    high = holding.pool.account_class == HIGH_LEVERAGE
    return Account(spots, perps, quote, settings.margin_ratio, settings.override, high)


@dataclass(frozen=True, slots=True)
class _Reader:
    book: Book
    market: Market
    markets: Markets
    holding: Holding

    def asset(self, name: str) -> Asset:
        return asset_of(self.book, name)

    def instrument(self, symbol: str) -> Instrument:
        return instrument_of(self.book, symbol)

    def perpetual(self, symbol: str) -> Perpetual:
        found = self.instrument(symbol)
        self.markets.perp(found)
        if not isinstance(found, Perpetual):
            msg = f"{symbol}: not a perpetual"
            raise RulesError(msg)
        return found

    def quoted(self, name: str, *, owed: bool = False) -> Quoted:
        numeraire = self.holding.pool.numeraire
        if name == numeraire:
            return ONE_QUOTE
        oracle = self.market.price(PriceKind.INDEX, name, numeraire)
        slow = self.market.prices.get(PriceKey(PriceKind.SLOW, name, numeraire), oracle)
        return Quoted(_price(oracle, name, owed=owed), _price(slow, name, owed=owed))

    def orders(self, symbol: str) -> tuple[int, int, int]:
        """Lots of bids and of asks and the number of orders; a reduce-only order is counted and adds no size."""
        mine = [order for order in self.holding.orders if order.symbol == symbol]
        sized = [order.lots for order in mine if not order.reduce_only]
        return sum(lots for lots in sized if lots > 0), sum(lots for lots in sized if lots < 0), len(mine)

    def spots(self) -> tuple[SpotBalance, ...]:
        listed = {order.symbol: self.instrument(order.symbol) for order in self.holding.orders}
        traded: dict[str, list[Spot]] = {}
        for one in listed.values():
            if isinstance(one, Spot):
                traded.setdefault(one.base.name, []).append(one)
        names = [name for name, units in self.holding.cash.items() if units or name in traded]
        return tuple(self.spot(name, traded.get(name, [])) for name in dict.fromkeys([*names, *traded]))

    def spot(self, name: str, traded: list[Spot]) -> SpotBalance:
        asset = self.asset(name)
        decimals = asset.scale if asset.native_scale is None else asset.native_scale
        units = self.holding.cash.get(name, 0)
        due = interest_due(units, self.market.interest.get(name, 0), self.holding.borrow_index.get(name, 0))
        bids = asks = count = 0
        for one in traded:
            buying, selling, number = self.orders(one.symbol)
            bids += rescaled(buying * one.lot_units, asset.scale, decimals)
            asks += rescaled(selling * one.lot_units, asset.scale, decimals)
            count += number
        return SpotBalance(
            name,
            self.markets.spot(name, self.holding.pool.numeraire),
            rescaled(units - due, asset.scale, decimals),
            decimals,
            self.quoted(name, owed=units < 0),
            bids,
            asks,
            count,
            self.deposits(asset, decimals),
        )

    def deposits(self, asset: Asset, decimals: int) -> int:
        """What all users hold of a token: a figure in whole tokens, else the lending pool, else nothing."""
        if (DEPOSITS, asset.name) in self.market.wide:
            return int(shifted(self.market.figure(DEPOSITS, asset.name), decimals))
        lending = self.market.lending.get(asset.name)
        return 0 if lending is None else rescaled(lending.supplied, asset.scale, decimals)

    def perps(self) -> tuple[PerpPosition, ...]:
        held = {position.symbol: position for position in self.holding.positions}
        for position in self.holding.positions:
            if position.leg is not Leg.NET:
                msg = f"positions: {position.symbol} {position.leg.name.lower()}: one net position a market here"
                raise BookError(msg)
        ordered = [o.symbol for o in self.holding.orders if not isinstance(self.instrument(o.symbol), Spot)]
        return tuple(self.perp(symbol, held.get(symbol)) for symbol in dict.fromkeys([*held, *ordered]))

    def perp(self, symbol: str, position: Position | None) -> PerpPosition:
        contract = self.perpetual(symbol)
        bids, asks, count = self.orders(symbol)
        held = Position(symbol, 0, 0) if position is None else position
        due = funding_due(held.lots, self.market.funding.get(symbol, 0), held.funding_index)
        scale = contract.settle.scale
        net = self.market.figure(NET_PROFIT, symbol, Decimal(0))
        return PerpPosition(
            symbol,
            self.markets.perp(contract),
            _base(contract, held.lots),
            rescaled(-held.cost, scale, DECIMALS),
            _price(self.market.price(PriceKind.MARK, symbol, contract.quote.name), symbol, owed=held.lots < 0),
            _base(contract, bids),
            _base(contract, asks),
            count,
            rescaled(-due, scale, DECIMALS),
            quotient_up(WEIGHT, held.leverage) if held.leverage else 0,
            int(shifted(net, DECIMALS)),
        )


def _price(price: Decimal, name: str, *, owed: bool) -> int:
    """A price in 1e-6: cut for what is held, rounded up for what is owed; :class:`BookError` unless it is positive."""
    if price <= 0:
        msg = f"market: the price of {name} must be positive, not {price}"
        raise BookError(msg)
    fine = shifted(price, DECIMALS)
    count = int(fine)
    return count + 1 if owed and count != fine else count


def rescaled(units: int, scale: int, decimals: int) -> int:
    """Units of one scale in another, rounded down: less for a balance, more for a debt.

    >>> rescaled(-15, 1, 0)
    -2
    """
    return int(units * 10**decimals // 10**scale)


def _base(contract: Perpetual, lots: int) -> int:
    size = contract.size(lots) * contract.contract_size
    return whole(shifted(size, BASE_DECIMALS), f"size {size} of {contract.symbol}", "1e-9")
