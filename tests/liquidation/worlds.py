"""Books for tests of liquidation: pools with linear, inverse and coin-settled legs, and a depth to trade in."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from solvent.book import Book, Holding, Leg, LegMode, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Payoff, Perpetual
from solvent.liquidation import Depth, Level
from solvent.margin import assess_pool
from solvent.units import Asset, exact
from solvent.venues import venue

USDT, BTC = Asset("USDT", 6), Asset("BTC", 8)
MAJOR = Perpetual("BTC-PERP", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"))
MINOR = Perpetual("ABC-PERP", "ABC", USDT, USDT, Decimal("0.01"), Decimal(1))
INVERSE = Perpetual("BTC-INV", "BTC", USDT, BTC, Decimal("0.5"), Decimal(1), Payoff.INVERSE, Decimal(100))
RULES = venue("generic")
CONTRACTS = (MAJOR, MINOR, INVERSE)
AWAY = (0, 1, 2, 3, 4, 6, 9, 15, 40, 70)  # thousandths of the mark


def market_of(marks, index=None):
    """Marks in ticks by symbol; BTC's index is BTC-PERP's mark unless given."""
    prices = {}
    for contract in CONTRACTS:
        if contract.symbol in marks:
            prices[PriceKey(PriceKind.MARK, contract.symbol, "USDT")] = exact(contract.price)(marks[contract.symbol])
    coin = index if index is not None else exact(MAJOR.price)(marks.get("BTC-PERP", 500_000))
    prices[PriceKey(PriceKind.INDEX, "BTC", "USDT")] = coin
    return Market(prices)


def holding_of(pool, cash, held):
    """``held``: (contract, lots, entry ticks) or (contract, lots, entry ticks, leg)."""
    positions = tuple(Position(c.symbol, n, c.worth(n, entry), *leg) for c, n, entry, *leg in held if n)
    legs = LegMode.HEDGE if any(p.leg is not Leg.NET for p in positions) else LegMode.ONE_WAY
    return Holding(Pool(pool, legs=legs, account_class="professional"), cash, positions)


def book_of(*holdings):
    """A book with all assets and contracts of this file."""
    return Book({"USDT": USDT, "BTC": BTC}, {c.symbol: c for c in CONTRACTS}, holdings)


@st.composite
def depths(draw, mark, *, most_levels=3):
    """A few levels on both sides of a mark, at it up to 7% away."""
    sides = []
    for sign in (-1, 1):
        away = sorted(draw(st.lists(st.sampled_from(AWAY), min_size=0, max_size=most_levels, unique=True)))
        ticks = list(dict.fromkeys(max(1, mark + sign * mark * step // 1000) for step in away))
        sides.append(tuple(Level(t, draw(st.integers(1, 3_000_000))) for t in ticks))
    return Depth(*sides)


@st.composite
def troubled(draw, *, contracts=CONTRACTS):
    """A pool near or past its line, the market, and quotes."""
    marks = {"BTC-PERP": draw(st.integers(100_000, 900_000)), "ABC-PERP": draw(st.integers(500, 90_000))}
    marks["BTC-INV"] = marks["BTC-PERP"] // 5
    held = []
    for contract in contracts:
        lots = draw(st.integers(-300_000, 300_000))
        held.append((contract, lots, max(1, marks[contract.symbol] * draw(st.integers(80, 120)) // 100)))
    cash = {"USDT": 0, "BTC": draw(st.integers(0, 10**7))}
    quotes = {c.symbol: draw(depths(marks[c.symbol])) for c in contracts if draw(st.integers(0, 9))}
    book, market = book_of(holding_of("p", cash, held)), market_of(marks)
    owed = {contract.symbol: draw(st.integers(-500, 500)) for contract in contracts}
    market = replace(market, funding=owed)
    short = draw(st.integers(-5, 150))  # per cent of the requirement
    return with_shortfall(book, market, RULES, short), market, quotes, marks


def with_shortfall(book, market, rules, per_cent):
    """The book with so much cash that surplus(RECOVER) is minus a share of the requirement, to a unit."""
    found = assess_pool(book, market, rules, Purpose.RECOVER, "p")
    units = int(-(Fraction(found.surplus) + Fraction(found.required) * per_cent / 100) * 10**6)
    return book.with_holding(book.holding("p").with_cash("USDT", units))
