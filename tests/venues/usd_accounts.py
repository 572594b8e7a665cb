"""Accounts judged in USD for the tests of exchanges: books, random worlds, and the laws asked of them."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from solvent.book import (
    Book,
    Holding,
    LegMode,
    Market,
    Mode,
    Order,
    Pool,
    Position,
    PriceKey,
    PriceKind,
    Purpose,
)
from solvent.instruments import Payoff, Perpetual
from solvent.margin import assess_pool, liquidation_price
from solvent.units import Asset

ASSETS = {one.name: one for one in (Asset("USD", 8), Asset("USDT", 8), Asset("USDC", 8), Asset("BTC", 10))}
USD, USDT, USDC, BTC = ASSETS.values()
POOL = "p"
CONTRACTS = {
    one.symbol: one
    for one in (
        Perpetual("BTC-PERP", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001")),
        Perpetual("ETH-PERP", "ETH", USDC, USDC, Decimal("0.01"), Decimal("0.01")),
        Perpetual("DOGE-PERP", "DOGE", USDT, USDT, Decimal("0.0001"), Decimal(1)),
        Perpetual("BTC-INV", "BTC", USD, BTC, Decimal("0.5"), Decimal(1), Payoff.INVERSE, Decimal(100)),
    )
}
MARKS = {"BTC-PERP": 600_000, "ETH-PERP": 300_000, "DOGE-PERP": 2_000, "BTC-INV": 120_000}
INDICES = {"USDT": "0.999", "USDC": "1", "BTC": "60000"}
MOST_LOTS = {"BTC-PERP": 50_000, "ETH-PERP": 50_000, "DOGE-PERP": 5_000_000, "BTC-INV": 50_000}
ORDER = (
    (Purpose.WITHDRAW, Purpose.ADMIT),
    (Purpose.ADMIT, Purpose.FILL),
    (Purpose.ADMIT, Purpose.RECOVER),
    (Purpose.FILL, Purpose.MAINTAIN),
    (Purpose.RECOVER, Purpose.MAINTAIN),
)


def market(numeraire="USD", **ticks):
    """Marks in ticks (dashes of a symbol written as underscores) and indices in the numeraire."""
    counts = {**MARKS, **{symbol.replace("_", "-"): count for symbol, count in ticks.items()}}
    prices = {
        PriceKey(PriceKind.MARK, symbol, CONTRACTS[symbol].quote.name): CONTRACTS[symbol].price(count)
        for symbol, count in counts.items()
    }
    prices.update({PriceKey(PriceKind.INDEX, name, numeraire): Decimal(text) for name, text in INDICES.items()})
    return Market(prices)


def position(symbol, lots, entry=None, leverage=None):
    """A position entered at a number of ticks, at its mark where none is given."""
    cost = CONTRACTS[symbol].worth(lots, entry or MARKS[symbol])
    return Position(symbol, lots, cost, leverage=leverage)


def book(cash, *positions, numeraire="USD", mode=Mode.CROSS, orders=()):
    """One pool; cash in whole amounts by asset."""
    units = {name: ASSETS[name].units(Decimal(amount)) for name, amount in cash.items()}
    pool = Pool(POOL, numeraire=numeraire, mode=mode, legs=LegMode.ONE_WAY, parent=None if mode is Mode.CROSS else "x")
    return Book(ASSETS, CONTRACTS, (Holding(pool, units, positions, tuple(orders)),))


def asked(held, prices, rules, purpose=Purpose.MAINTAIN):
    """The pool's assessment."""
    return assess_pool(held, prices, rules, purpose, POOL)


@st.composite
def worlds(draw, numeraire="USD", symbols=tuple(CONTRACTS), modes=(Mode.CROSS,)):
    """A pool with positions, orders, debts and collateral at random marks."""
    ticks = {symbol: draw(st.integers(MARKS[symbol] // 2, MARKS[symbol] * 2)) for symbol in MARKS}
    held = draw(st.sets(st.sampled_from(symbols), max_size=3))
    positions = [
        position(
            symbol,
            draw(st.integers(1, MOST_LOTS[symbol])) * draw(st.sampled_from([1, -1])),
            MARKS[symbol],
            draw(st.sampled_from([None, 3, 10])),
        )
        for symbol in sorted(held)
    ]
    orders = [
        Order(str(k), symbol, draw(st.integers(1, 5_000)) * draw(st.sampled_from([1, -1])), ticks[symbol])
        for k, symbol in enumerate(sorted(draw(st.sets(st.sampled_from(symbols), max_size=2))))
    ]
    cash = {name: draw(st.integers(-50_000, 500_000)) for name in ("USDT", "USDC")}
    cash["BTC"] = draw(st.integers(-2, 60))
    made = book(cash, *positions, numeraire=numeraire, mode=draw(st.sampled_from(modes)), orders=orders)
    return made, market(numeraire, **{symbol.replace("-", "_"): count for symbol, count in ticks.items()})


def out_of_order(world, rules):
    """Pairs of purposes of which the stricter one finds more surplus (L-07)."""
    found = {purpose: asked(*world, rules, purpose).surplus for purpose in Purpose}
    return [(a.name, b.name) for a, b in ORDER if found[a] > found[b]]


def lowered(world, rules, asset, units):
    """Purposes at which more of an asset lowers the surplus (L-11)."""
    held, prices = world
    more = held.with_holding(held.holding(POOL).with_cash(asset, units))
    pairs = [(one, asked(held, prices, rules, one), asked(more, prices, rules, one)) for one in Purpose]
    return [one.name for one, before, after in pairs if after.surplus < before.surplus]


def wrong_crossings(world, rules, symbol):
    """Crossings of the liquidation price whose tick is not in breach, or whose neighbour is (L-13)."""
    held, prices = world
    solution = liquidation_price(held, prices, rules, POOL, symbol)
    contract = CONTRACTS[symbol]

    def breached(ticks):
        key = PriceKey(PriceKind.MARK, symbol, contract.quote.name)
        moved = prices.with_prices({key: contract.price(ticks)})
        return asked(held, moved, rules).breached(inclusive=rules.breach_inclusive)

    sound = [(one.ticks, one.ticks + (1 if one.breach_below else -1)) for one in solution.crossings]
    return [pair for pair in sound if not breached(pair[0]) or breached(pair[1])], solution


def without(rules, **changed):
    """The rule set with parts replaced."""
    return replace(rules, **changed)
