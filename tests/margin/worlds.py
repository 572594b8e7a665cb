"""Random books for tests of ring 1, and an oracle in fractions written from the rule text alone."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from hypothesis import strategies as st

from solvent.book import (
    Book,
    Holding,
    Leg,
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
from solvent.rules import Missing, OrderMargin, Profit, VenueRules
from solvent.units import Asset

USDT, BTC, ETH = Asset("USDT", 6), Asset("BTC", 8), Asset("ETH", 8)
ASSETS = {one.name: one for one in (USDT, BTC, ETH)}


def linear(symbol: str, coin: str, tick: str = "0.1", lot: str = "0.001") -> Perpetual:
    return Perpetual(symbol, coin, USDT, USDT, Decimal(tick), Decimal(lot))


CONTRACTS = {
    one.symbol: one
    for one in (
        linear("BTC-PERP", "BTC"),
        linear("ETH-PERP", "ETH", "0.01", "0.01"),
        linear("SOL-PERP", "SOL", "0.001", "1"),
        Perpetual("BTC-INV", "BTC", USDT, BTC, Decimal("0.5"), Decimal(1), Payoff.INVERSE, Decimal(100)),
    )
}
BASE_TICKS = {"BTC-PERP": 300_000, "ETH-PERP": 200_000, "SOL-PERP": 40_000, "BTC-INV": 60_000}


def market(ticks: dict[str, int], btc: int = 30_000, eth: int = 2_000, **more: object) -> Market:
    prices = {
        PriceKey(PriceKind.MARK, symbol, "USDT"): CONTRACTS[symbol].price(count) for symbol, count in ticks.items()
    }
    prices[PriceKey(PriceKind.INDEX, "BTC", "USDT")] = Decimal(btc)
    prices[PriceKey(PriceKind.INDEX, "ETH", "USDT")] = Decimal(eth)
    return Market(prices, **more)  # type: ignore[arg-type]


@st.composite
def worlds(draw: st.DrawFn, *, inverse: bool = True, orders: bool = True, hedge: bool = True) -> tuple[Book, Market]:
    """One pool with cash, collateral, positions, perhaps orders and both legs, at random marks."""
    legs = draw(st.sampled_from(list(LegMode))) if hedge else LegMode.ONE_WAY
    mode = draw(st.sampled_from([Mode.CROSS, Mode.ISOLATED]))
    symbols = [s for s in CONTRACTS if inverse or s != "BTC-INV"]
    ticks = {s: draw(st.integers(BASE_TICKS[s] // 2, BASE_TICKS[s] * 2)) for s in CONTRACTS}
    held = draw(st.sets(st.sampled_from(symbols), max_size=len(symbols)))
    sides = [Leg.NET] if legs is LegMode.ONE_WAY else [Leg.LONG, Leg.SHORT]
    positions = tuple(draw(positions_of(s, leg, ticks[s])) for s in sorted(held) for leg in sides)
    resting = tuple(draw(st.lists(orders_of(symbols, sides, ticks), max_size=5))) if orders else ()
    resting = tuple(Order(str(k), o.symbol, o.lots, o.ticks, o.leg, o.reduce_only) for k, o in enumerate(resting))
    cash = {
        "USDT": draw(st.integers(-(10**10), 10**11)),
        "BTC": draw(st.integers(-(10**8), 5 * 10**8)),
        "ETH": draw(st.sampled_from([0, 10**8, 10**9, -(10**7)])),
    }
    parent = "parent" if mode is Mode.ISOLATED else None
    holding = Holding(
        Pool("cross", mode=mode, legs=legs, parent=parent),
        cash,
        positions,
        resting,
        {"BTC": draw(st.integers(0, 10**9))},
    )
    funding = {s: draw(st.integers(-50, 50)) for s in CONTRACTS if s != "BTC-INV"}
    interest = {"BTC": draw(st.integers(10**9, 2 * 10**9)), "USDT": draw(st.integers(0, 10**9))}
    return Book(ASSETS, CONTRACTS, (holding,)), market(ticks, funding=funding, interest=interest)


@st.composite
def positions_of(draw: st.DrawFn, symbol: str, leg: Leg, ticks: int) -> Position:
    lots = draw(st.integers(1, 20_000))
    sign = {Leg.NET: draw(st.sampled_from([1, -1])), Leg.LONG: 1, Leg.SHORT: -1}[leg]
    entry = draw(st.integers(max(1, ticks * 8 // 10), ticks * 12 // 10))
    leverage = draw(st.sampled_from([None, None, 3, 7, 20]))
    return Position(
        symbol, sign * lots, CONTRACTS[symbol].worth(sign * lots, entry), leg, leverage, draw(st.integers(-9, 9))
    )


@st.composite
def orders_of(draw: st.DrawFn, symbols: list[str], legs: list[Leg], ticks: dict[str, int]) -> Order:
    symbol = draw(st.sampled_from(symbols))
    lots = draw(st.integers(1, 20_000)) * draw(st.sampled_from([1, -1]))
    limit = draw(st.integers(max(1, ticks[symbol] * 9 // 10), ticks[symbol] * 11 // 10))
    return Order("", symbol, lots, limit, draw(st.sampled_from(legs)), draw(st.booleans()))


class Oracle:
    """surplus(purpose) of the only pool, in fractions of a numeraire unit, straight from the definition."""

    def __init__(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose) -> None:
        self.book, self.market, self.rules, self.purpose = book, market, rules, purpose
        self.holding = book.holdings[0]
        self.multiplier = Fraction(rules.modes[self.holding.pool.mode].requirement_multiplier)

    def mark(self, symbol: str) -> int:
        price = Fraction(self.market.prices[PriceKey(PriceKind.MARK, symbol, "USDT")])
        return int(price / Fraction(CONTRACTS[symbol].tick_size))

    def units_per(self, asset: str) -> Fraction:
        """Numeraire units for one unit of the asset."""
        if asset == "USDT":
            return Fraction(1)
        price = Fraction(self.market.prices[PriceKey(PriceKind.INDEX, asset, "USDT")])
        return price * 10**6 / 10 ** ASSETS[asset].scale

    def worth(self, symbol: str, lots: int, ticks: int) -> int:
        one = CONTRACTS[symbol]
        if one.payoff is Payoff.INVERSE:
            return floor(Fraction(-lots * 100 * 10**8, 1) / (ticks * Fraction(one.tick_size)))
        return int(lots * ticks * Fraction(one.lot_size) * Fraction(one.tick_size) * 10**6)

    def notional(self, symbol: str, lots: int, ticks: int) -> int:
        """Numeraire units, rounded up at the coin and again at the numeraire."""
        one = CONTRACTS[symbol]
        if one.payoff is Payoff.INVERSE:
            coins = ceil(Fraction(abs(lots) * 100 * 10**8, 1) / (ticks * Fraction(one.tick_size)))
            return ceil(coins * self.units_per("BTC"))
        return abs(self.worth(symbol, lots, ticks))

    def profit(self, position: Position) -> int:
        due = position.lots * (self.market.funding.get(position.symbol, 0) - position.funding_index)
        return self.worth(position.symbol, position.lots, self.mark(position.symbol)) - position.cost - due

    def equity(self, *, weighted: bool = True) -> Fraction:
        total = Fraction(0)
        names = {*self.holding.cash, "USDT", *(CONTRACTS[p.symbol].settle.name for p in self.holding.positions)}
        for name in names:
            units = self.holding.cash.get(name, 0)
            if units < 0:
                index = self.market.interest.get(name, 0) - self.holding.borrow_index.get(name, 0)
                units -= ceil(Fraction(-units * index, 10**12))
            profit = sum(self.profit(p) for p in self.holding.positions if CONTRACTS[p.symbol].settle.name == name)
            if weighted and self.rules.profit[self.purpose] is Profit.LOSSES_ONLY:
                profit = min(0, profit)
            value = Fraction(floor((units + profit) * self.units_per(name)))
            total += self.weigh(name, value) if weighted else value
        return total

    def weigh(self, name: str, value: Fraction) -> Fraction:
        if name == "USDT":
            return value
        facts = self.rules.collateral.asset(name)
        if value < 0:
            return value * (Fraction(facts.debt_rate) if facts is not None else 1)
        return Fraction(0) if facts is None else charge(facts.weights[self.purpose].pieces, value)

    def entry(self, symbol: str, leg: Leg) -> Fraction:
        position = self.holding.position(symbol, leg)
        lots = position.lots if position else 0
        alone = self.need(symbol, leg, lots)
        if self.purpose not in (Purpose.ADMIT, Purpose.WITHDRAW):
            return alone
        mine = [o for o in self.holding.orders if (o.symbol, o.leg) == (symbol, leg) and not o.reduce_only]
        sides = [[o for o in mine if o.lots * side > 0] for side in (1, -1)]
        if self.rules.orders is OrderMargin.WORST_SIDE:
            return max([alone, *(self.filled(symbol, leg, lots, same) for same in sides if same)])
        return alone + max(self.cost(symbol, leg, lots, same) for same in sides)

    def filled(self, symbol: str, leg: Leg, lots: int, same: list[Order]) -> Fraction:
        return self.need(symbol, leg, lots + sum(o.lots for o in same)) + sum(
            self.loss(symbol, o.lots, o.ticks) for o in same
        )

    def cost(self, symbol: str, leg: Leg, lots: int, same: list[Order]) -> int:
        total, closing = 0, abs(lots)
        for order in same:
            if lots * order.lots < 0:
                opening = max(0, abs(order.lots) - closing)
                closing = max(0, closing - abs(order.lots))
            else:
                opening = abs(order.lots)
            if opening:
                total += ceil(Fraction(self.notional(symbol, opening, order.ticks), self.leverage(symbol, leg)))
                total += self.loss(symbol, opening if order.lots > 0 else -opening, order.ticks)
        return total

    def loss(self, symbol: str, lots: int, ticks: int) -> int:
        worse = max(0, self.worth(symbol, lots, ticks) - self.worth(symbol, lots, self.mark(symbol)))
        return ceil(worse * self.units_per(CONTRACTS[symbol].settle.name))

    def leverage(self, symbol: str, leg: Leg) -> int:
        position = self.holding.position(symbol, leg)
        if position is not None and position.leverage:
            return position.leverage
        cap = self.rules.modes[self.holding.pool.mode].max_leverage["standard"]
        return min(self.rules.margin.contract(CONTRACTS[symbol]).default_leverage, cap)

    def need(self, symbol: str, leg: Leg, lots: int) -> Fraction:
        facts = self.rules.margin.contract(CONTRACTS[symbol])
        notional = self.notional(symbol, lots, self.mark(symbol))
        needed = charge(facts.schedules[self.purpose].pieces, Fraction(notional)) * self.multiplier
        if self.purpose in facts.leverage_at:
            needed = max(needed, Fraction(ceil(Fraction(notional, self.leverage(symbol, leg)))))
        return needed

    def required(self) -> Fraction:
        keys = {(p.symbol, p.leg) for p in self.holding.positions}
        keys |= {(o.symbol, o.leg) for o in self.holding.orders}
        return sum((self.entry(*key) for key in keys), Fraction(0))

    def surplus(self) -> Fraction:
        return self.equity() - self.required()


def charge(pieces: tuple[object, ...], units: Fraction) -> Fraction:
    """A marginal schedule on units of 10^-6, bracket by bracket."""
    total = Fraction(0)
    for k, piece in enumerate(pieces):
        low = Fraction(piece.floor) * 10**6  # type: ignore[attr-defined]
        high = Fraction(pieces[k + 1].floor) * 10**6 if k + 1 < len(pieces) else units  # type: ignore[attr-defined]
        total += Fraction(piece.rate) * max(Fraction(0), min(units, high) - low)  # type: ignore[attr-defined]
    return total


__all__ = ["ASSETS", "BTC", "CONTRACTS", "USDT", "Missing", "Oracle", "linear", "market", "worlds"]
