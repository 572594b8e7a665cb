"""One isolated position of GMX V2 and its market, for tests."""

from dataclasses import replace
from decimal import Decimal

from solvent.book import Book, Holding, Market, Mode, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Perpetual
from solvent.margin import assess_pool
from solvent.units import Asset
from solvent.venues import venue
from solvent.venues.gmx_v2 import impact, requirement
from solvent.venues.gmx_v2.rules import markets, with_markets

D = Decimal
RULES = venue("gmx_v2")
USD, COIN = Asset("USD", 8), Asset("ETH", 8)
ETH = Perpetual("ETH-USD", "ETH", USD, USD, D("0.01"), D("0.0001"))
BARE = replace(markets().default, closing_fee=D(0), closing_fee_balancing=D(0), liquidation_factor=D("0.005"))
MAINTAIN, ADMIT = Purpose.MAINTAIN, Purpose.ADMIT


def bare(**facts):
    """The rule set with one market without fees: 0.5 % stands, 1 % opens."""
    return with_markets(RULES, requirement.MarketTable(replace(BARE, **facts)))


def book(cash, size, entry="2000", asset=USD, **position):
    lots = ETH.lots(D(size))
    held = Position("ETH-USD", lots, ETH.worth(lots, ETH.ticks(D(entry))), **position)
    pool = Pool("p", mode=Mode.ISOLATED, numeraire="USD")
    holding = Holding(pool, {asset.name: asset.units(D(cash))}, (held,) if lots else ())
    return Book({"USD": USD, "ETH": COIN}, {"ETH-USD": ETH}, (holding,))


def market(mark="2000", index="2000", bid=None, ask=None, low=None, wide=(), **fields):
    given = {
        (PriceKind.MARK, "ETH-USD"): mark,
        (PriceKind.BID, "ETH-USD"): bid,
        (PriceKind.ASK, "ETH-USD"): ask,
        (PriceKind.INDEX, "ETH"): index,
        (PriceKind.BID, "ETH"): low,
    }
    prices = {PriceKey(kind, name, "USD"): D(price) for (kind, name), price in given.items() if price is not None}
    figures = {(name, subject): D(figure) for name, subject, figure in wide}
    return Market(prices, wide=figures, **fields)


def found(held, prices, rules=None, purpose=MAINTAIN):
    return assess_pool(held, prices, rules or bare(), purpose, "p")


STEEP = impact.ImpactFactors(D("0.000005"), D("0.00001"), D(2), D(2))
