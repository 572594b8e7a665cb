"""Accounts with options, futures and coins for the tests of exchanges: what is held, and plain option values."""

import math
from decimal import Decimal

from solvent.book import (
    Book,
    Holding,
    LegMode,
    Market,
    Method,
    Mode,
    Pool,
    Position,
    PriceKey,
    PriceKind,
    Purpose,
    curve,
)
from solvent.instruments import Future, Option, OptionKind, Payoff, Perpetual
from solvent.margin import assess_pool
from solvent.units import Asset, exact

ASSETS = {name: Asset(name, 12) for name in ("USD", "USDT", "USDC", "BTC", "ETH", "SOL", "LTC", "DOGE")}
DAY_NS = 86_400 * 10**9
POOL = "p"
D = Decimal


class Account:
    """A pool to be filled; prices of coins are in USD, and a dollar is a dollar unless told."""

    def __init__(self, numeraire="USD", account_class="standard", method=Method.SCENARIO, **dollars):
        self.instruments, self.positions, self.orders, self.cash, self.wide = {}, [], [], {}, {}
        self.numeraire, self.account_class, self.method = numeraire, account_class, method
        self.prices, self.legs = {}, LegMode.ONE_WAY
        for name in ("USDT", "USDC"):
            self.index(name, dollars.get(name, 1))

    def index(self, coin, price, quote="USD"):
        """The index of a coin."""
        self.prices[PriceKey(PriceKind.INDEX, coin, quote)] = D(str(price))
        return self

    def holds(self, name, amount):
        """A balance."""
        self.cash[name] = ASSETS[name].units(D(str(amount)))
        return self

    def figure(self, name, subject, number):
        """A figure of the market."""
        self.wide[name, subject] = D(str(number))
        return self

    @exact
    def contract(self, coin, size, mark, settle="USDC", days=None, entry=None, gain=None):
        """A perpetual, or a future with days left; inverse (size in dollars) where it settles in the coin."""
        inverse = settle == coin
        quote = ASSETS["USD"] if inverse else ASSETS[settle]
        payoff = Payoff.INVERSE if inverse else Payoff.LINEAR
        symbol = f"{coin}-{settle}-{'PERP' if days is None else days}"
        common = (symbol, coin, quote, ASSETS[settle], D("0.0001"), D("0.0001"))
        if days is None:
            listed = Perpetual(*common, payoff=payoff)
        else:
            listed = Future(*common, payoff=payoff, expiry_ns=int(D(str(days)) * DAY_NS))
        lots, mark = listed.lots(D(str(size))), D(str(mark))
        cost = listed.worth(lots, listed.ticks(D(str(entry)) if entry is not None else mark))
        cost -= 0 if gain is None else listed.settle.units(D(str(gain)))
        return self._hold(listed, lots, cost, mark)

    @exact
    def option(self, coin, kind, strike, size, mark, settle="USDC", days=30, vol=None, entry=0, exercise=None):
        """A European option; its mark in the coin where it settles in the coin, and its volatility."""
        inverse = settle == coin
        symbol = f"{coin}-{settle}-{days}-{strike}-{kind}"
        listed = Option(
            symbol,
            coin,
            ASSETS[settle],
            ASSETS[settle],
            D("0.0001"),
            D("0.1"),
            kind={"C": OptionKind.CALL, "P": OptionKind.PUT}[kind],
            strike=D(str(strike)),
            expiry_ns=days * DAY_NS,
            payoff=Payoff.INVERSE if inverse else Payoff.LINEAR,
            **({} if exercise is None else {"exercise": exercise}),
        )
        if vol is not None:
            self.prices[PriceKey(PriceKind.VOL, symbol, settle)] = D(str(vol))
        lots = listed.lots(D(str(size)))
        return self._hold(listed, lots, listed.worth(lots, listed.ticks(D(str(entry)))) if entry else 0, D(str(mark)))

    def forward(self, coin, days, price, quote="USD"):
        """The forward of an expiry."""
        self.prices[PriceKey(PriceKind.FORWARD, curve(coin, days * DAY_NS), quote)] = D(str(price))
        return self

    def _hold(self, listed, lots, cost, mark):
        self.instruments[listed.symbol] = listed
        if lots:
            self.positions.append(Position(listed.symbol, lots, cost))
        self.prices[PriceKey(PriceKind.MARK, listed.symbol, listed.quote.name)] = mark
        return self

    def order(self, made):
        """A resting order."""
        self.orders.append(made)
        return self

    def book(self):
        """The book."""
        pool = Pool(
            POOL,
            numeraire=self.numeraire,
            account_class=self.account_class,
            method=self.method,
            mode=Mode.CROSS,
            legs=self.legs,
        )
        holding = Holding(pool, dict(self.cash), tuple(self.positions), tuple(self.orders))
        return Book(ASSETS, dict(self.instruments), (holding,))

    def market(self):
        """The market, at time zero."""
        return Market(dict(self.prices), wide=dict(self.wide))

    def asked(self, rules, purpose=Purpose.MAINTAIN):
        """The assessment."""
        return assess_pool(self.book(), self.market(), rules, purpose, POOL)

    def lines(self, rules, purpose=Purpose.MAINTAIN):
        """Requirements by kind and subject."""
        return {(one.kind, one.subject): one.required for one in self.asked(rules, purpose).lines if one.required}


def black(kind, forward, strike, vol, years):
    """The undiscounted Black value by the error function: a second way to the engine's own."""
    spread = vol * math.sqrt(years)
    up = math.log(forward / strike) / spread + spread / 2
    side = 1 if kind == "C" else -1

    def normal(x):
        return 0.5 * math.erfc(-x / math.sqrt(2))

    return side * (forward * normal(side * up) - strike * normal(side * (up - spread)))


def close(found, expected, room=1e-6):
    """Whether a figure is near a float worked out by hand."""
    return abs(float(found) - expected) <= room


@exact
def checked(held, rules):
    """L-07 and L-19 of one account, and its bounds."""
    found = {purpose: held.asked(rules, purpose) for purpose in Purpose}
    assert found[Purpose.WITHDRAW].surplus <= found[Purpose.ADMIT].surplus <= found[Purpose.MAINTAIN].surplus
    for one in found.values():
        assert sum((line.required for line in one.lines), D(0)) == one.required >= 0
        assert sum((line.equity for line in one.lines), D(0)) == one.margin_equity
        assert one.low <= one.surplus <= one.high
