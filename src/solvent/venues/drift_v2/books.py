"""From the program's integers to a book: accounts as read off the chain, in the words every rule set understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import Book, BookError, Holding, Market, Mode, Order, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Instrument, Perpetual, Spot
from solvent.units import Asset, exact, shifted
from solvent.venues.drift_v2.account import Account, PerpPosition, SpotBalance
from solvent.venues.drift_v2.formulas import BASE_DECIMALS
from solvent.venues.drift_v2.markets import Quoted, SpotMarket
from solvent.venues.drift_v2.native import DECIMALS, DEPOSITS, HIGH_LEVERAGE, NET_PROFIT, Markets, rescaled

DOLLAR = "USD"
FINE = 24  # ledger scale of the quote token, so that the smallest lot at the smallest tick is whole
USDC = Asset("USDC", FINE, DECIMALS)
TICK = Decimal("1e-6")


@exact
def book_of(accounts: Mapping[str, Account]) -> tuple[Book, Market]:
    """A book of accounts in the program's integers, judged in dollars, and the market they carry.

    The first account is the cross pool; every other hangs under it as an isolated position.

    Raises
    ------
    BookError
        An account has sized orders but counts fewer orders, or two accounts differ in a price.

    Examples
    --------
    >>> from solvent.venues.drift_v2.markets import ONE_QUOTE
    >>> from solvent.venues.drift_v2.native import account_of
    >>> usdc = SpotBalance("USDC", SpotMarket(quote=True), 5_000_000, 6, ONE_QUOTE)
    >>> book, market = book_of({"cross": Account((usdc,))})
    >>> account_of(book, market, Markets({"USDC": usdc.market}, {}), book.holdings[0]).spots[0].tokens
    5000000

    """
    writer = _Writer({DOLLAR: Asset(DOLLAR, DECIMALS), "USDC": USDC}, {}, {}, {})
    parent = next(iter(accounts))
    holdings = tuple(writer.holding(name, account, parent) for name, account in accounts.items())
    return Book(writer.assets, writer.instruments, holdings), Market(writer.prices, wide=writer.wide)


@dataclass(frozen=True, slots=True)
class _Writer:
    assets: dict[str, Asset]
    instruments: dict[str, Instrument]
    prices: dict[PriceKey, Decimal]
    wide: dict[tuple[str, str], Decimal]

    def holding(self, name: str, account: Account, parent: str) -> Holding:
        isolated = name != parent
        pool = Pool(
            name,
            parent=parent if isolated else None,
            mode=Mode.ISOLATED if isolated else Mode.CROSS,
            account_class=HIGH_LEVERAGE if account.high_leverage else "standard",
            numeraire=DOLLAR,
        )
        self.price("USDC", account.quote)
        orders = [order for spot in account.spots for order in self.spot(name, spot)]
        orders += [order for perp in account.perps for order in self.perp(name, perp)]
        cash = {spot.name: rescaled(spot.tokens, spot.decimals, self.assets[spot.name].scale) for spot in account.spots}
        return Holding(pool, cash, tuple(_position(perp) for perp in account.perps), tuple(orders))

    def put(self, key: PriceKey, price: int) -> None:
        given = self.prices.setdefault(key, shifted(Decimal(price), -DECIMALS))
        if given != shifted(Decimal(price), -DECIMALS):
            msg = f"market.{key.kind.value}.{key.subject}: {given} and {price} millionths"
            raise BookError(msg)

    def price(self, name: str, price: Quoted) -> None:
        self.put(PriceKey(PriceKind.INDEX, name, DOLLAR), price.oracle)
        self.put(PriceKey(PriceKind.SLOW, name, DOLLAR), price.average)

    def spot(self, pool: str, spot: SpotBalance) -> list[Order]:
        asset = self.assets.setdefault(spot.name, Asset(spot.name, spot.decimals))
        self.price(spot.name, spot.price)
        if spot.deposits:
            self.wide[(DEPOSITS, spot.name)] = shifted(Decimal(spot.deposits), -spot.decimals)
        symbol = f"{spot.name}/USDC"
        if spot.orders or spot.bids or spot.asks:
            lot = shifted(Decimal(1), -spot.decimals)
            self.instruments[symbol] = Spot(symbol, spot.name, USDC, USDC, TICK, lot, asset)
        return _orders(f"{pool} {symbol}", symbol, spot.bids, spot.asks, spot.orders)

    def perp(self, pool: str, perp: PerpPosition) -> list[Order]:
        lot = shifted(Decimal(1), -BASE_DECIMALS)
        self.instruments[perp.name] = Perpetual(perp.name, perp.name, USDC, USDC, TICK, lot)
        self.put(PriceKey(PriceKind.MARK, perp.name, "USDC"), perp.price)
        if perp.net_profit:
            self.wide[(NET_PROFIT, perp.name)] = shifted(Decimal(perp.net_profit), -DECIMALS)
        return _orders(f"{pool} {perp.name}", perp.name, perp.bids, perp.asks, perp.orders)


def _position(perp: PerpPosition) -> Position:
    return Position(perp.name, perp.base, -(perp.quote + perp.funding) * 10 ** (FINE - DECIMALS))


def _orders(prefix: str, symbol: str, bids: int, asks: int, count: int) -> list[Order]:
    """Orders of these sizes and this number; those without size are reduce-only."""
    sized = [lots for lots in (bids, asks) if lots]
    if len(sized) > count:
        msg = f"{prefix}: {len(sized)} sides have orders, but {count} orders are counted"
        raise BookError(msg)
    rows = [(lots, False) for lots in sized] + [(1, True)] * (count - len(sized))
    return [Order(f"{prefix} {k}", symbol, lots, 1, reduce_only=only) for k, (lots, only) in enumerate(rows)]


def markets_of(accounts: Mapping[str, Account]) -> Markets:
    """The markets accounts carry, as a rule set's markets.

    >>> from solvent.venues.drift_v2.markets import PerpMarket
    >>> held = PerpPosition("SOL-PERP", PerpMarket(1000, 500), 1, 0, 1)
    >>> markets_of({"cross": Account(perps=(held,))}).perps["SOL-PERP"].initial
    1000
    """
    spots = {spot.name: spot.market for account in accounts.values() for spot in account.spots}
    perps = {perp.name: perp.market for account in accounts.values() for perp in account.perps}
    return Markets({"USDC": SpotMarket(quote=True), **spots}, perps)
