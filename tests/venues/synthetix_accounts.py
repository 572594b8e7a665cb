"""A small account of Synthetix V3 and its market, for tests."""

from dataclasses import replace
from decimal import Decimal

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Perpetual
from solvent.units import Asset, exact
from solvent.venues import venue
from solvent.venues.synthetix_v3.requirement import PerpFacts, PerpTable
from solvent.venues.synthetix_v3.rewards import Guards, KeeperRules
from solvent.venues.synthetix_v3.rules import with_account

D = Decimal
RULES = venue("synthetix_v3")
USD, COIN = Asset("snxUSD", 8), Asset("cbBTC", 8)
LISTED = {
    name: Perpetual(f"{name}-PERP", name, USD, USD, D("0.01"), D("0.0001")) for name in ("BTC", "ETH", "SOL", "NEW")
}
BTC, ETH = LISTED["BTC"], LISTED["ETH"]
CONTRACTS = {one.symbol: one for one in LISTED.values()}
MARKS = {"BTC-PERP": 6_000_000, "ETH-PERP": 200_000, "SOL-PERP": 10_000, "NEW-PERP": 500}
MAINTAIN, ADMIT, WITHDRAW = Purpose.MAINTAIN, Purpose.ADMIT, Purpose.WITHDRAW
# 1 % and 0.5 % whatever the size, no reward: figures for the head.
PLAIN = PerpFacts(D(10_000), D(0), D("0.01"), D("0.5"), D(0), D(0))
FREE = KeeperRules(Guards(D(0), D(0), D(0), D(0)))


def plain(guards=FREE, **facts):
    return with_account(RULES, PerpTable(default=replace(PLAIN, **facts)), guards)


def book(cash, lots=(), entries=(), orders=(), coins=0):
    """One account; positions entered at ``entries`` (ticks), else at their marks."""
    entered = {**MARKS, **dict(entries)}
    held = tuple(
        Position(symbol, count, CONTRACTS[symbol].worth(count, entered[symbol])) for symbol, count in dict(lots).items()
    )
    holding = Holding(Pool("p", numeraire="snxUSD"), {"snxUSD": cash, "cbBTC": coins}, held, tuple(orders))
    return Book({"snxUSD": USD, "cbBTC": COIN}, CONTRACTS, (holding,))


def market(marks=(), index="60000", wide=()):
    prices = {key(symbol): exact(CONTRACTS[symbol].price)(ticks) for symbol, ticks in {**MARKS, **dict(marks)}.items()}
    prices[PriceKey(PriceKind.INDEX, "cbBTC", "snxUSD")] = D(index)
    return Market(prices, wide={(name, of): D(figure) for name, of, figure in wide})


def key(symbol):
    return PriceKey(PriceKind.MARK, symbol, "snxUSD")


def usd(text):
    return exact(USD.units)(D(text))


ONE_ETH = {"ETH-PERP": 10_000}
