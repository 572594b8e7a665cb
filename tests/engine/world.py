"""A small readable world for the engine's tests: two collateral assets, a linear and an inverse perpetual, a future, a
spot.
"""

from decimal import Decimal

import numpy as np

from solvent.book import LegMode, Mode
from solvent.engine.commands import assemble, list_asset, list_instrument, open_pool, prices, schedule_rules
from solvent.engine.engine import Engine
from solvent.engine.records import Happened, House, Reason, Verb, command
from solvent.engine.tables import Limits
from solvent.instruments import Future, Payoff, Perpetual, Spot
from solvent.units import Asset
from solvent.venues import venue

USDT, BTC = Asset("USDT", 6), Asset("BTC", 8)
D = Decimal
USDT_ID, BTC_ID, PERP, COIN, FUTURE, SPOT, ALT = range(7)
# 0.001 BTC a lot, 0.1 USDT a tick: 100 units of USDT a lot-tick.
PERPETUAL = Perpetual("BTC-PERP", "BTC", USDT, USDT, D("0.1"), D("0.001"))
INVERSE = Perpetual("BTC-COIN", "BTC", USDT, BTC, D("0.1"), D(1), Payoff.INVERSE, D(100))
DATED = Future("BTC-MAR", "BTC", USDT, USDT, D("0.1"), D("0.001"), expiry_ns=1_000)
OUTRIGHT = Spot("BTC-SPOT", "BTC", USDT, USDT, D("0.1"), D("0.001"), BTC)
ALTCOIN = Perpetual("ALT-PERP", "ALT", USDT, USDT, D("0.001"), D(1))
LIMITS = Limits(pools=256, entries=1 << 13, orders=1 << 10, things=16, rules=4, pieces=1 << 12, sources=8)
VENUES = {"generic": venue("generic")}
FIRST = 2  # first user pool
MARK = 600_000  # 60,000.0 USDT


class World:
    """An engine, and one source that numbers its commands."""

    def __init__(self, limits=LIMITS, **options) -> None:
        self.engine = Engine(limits, venues=VENUES, **options)
        self.seq = 0
        self.events = np.zeros(0)

    def next(self) -> int:
        self.seq += 1
        return self.seq

    def send(self, *sent):
        self.events = self.engine.step(assemble(sent))
        return self.events

    def do(self, verb, **fields):
        """One command; its events."""
        return self.send((command(verb, 1, self.next(), **fields), b""))

    def fine(self, verb, **fields):
        """One command that must be done."""
        events = self.do(verb, **fields)
        assert said(events)[0] == ("DONE", "OK"), (verb, fields, said(events), dict(self.engine.errors))
        return events

    def listing(self):
        e7, e8 = 10**7, 10**8
        return [
            list_asset(1, self.next(), USDT, max_units=10**15),
            list_asset(1, self.next(), BTC, max_units=10**11, quote="USDT", tick=D("0.1")),
            list_instrument(1, self.next(), PERPETUAL, max_lots=10**8, max_ticks=e7),
            list_instrument(1, self.next(), INVERSE, max_lots=10**4, max_ticks=e7),
            list_instrument(1, self.next(), DATED, max_lots=10**8, max_ticks=e7),
            list_instrument(1, self.next(), OUTRIGHT, max_lots=10**6, max_ticks=e7),
            list_instrument(1, self.next(), ALTCOIN, max_lots=10**6, max_ticks=e8),
            schedule_rules(1, self.next(), row=0, rules="generic"),
            schedule_rules(1, self.next(), row=1, rules="generic", mode=Mode.ISOLATED),
        ]

    def start(self, pools=4, cash=10_000, fund=0, lend=0):
        """List everything, price it at 60,000, open pools and give each ``cash`` USDT."""
        for event in self.send(*self.listing()):
            assert int(event["kind"]) == Happened.DONE, dict(self.engine.errors)
        self.price()
        if fund:
            self.fine(Verb.DEPOSIT, pool=1, thing=USDT_ID, amount=fund * 10**6)
        for asset in (USDT_ID, BTC_ID):
            if lend:
                self.fine(Verb.DEPOSIT, pool=-1 - House.LENDING, thing=asset, amount=lend)
        for _ in range(pools):
            self.open()
            if cash:
                self.fine(Verb.DEPOSIT, pool=self.engine.pool_count - 1, thing=USDT_ID, amount=cash * 10**6)
        return self

    def open(self, *, rules=0, mode=Mode.CROSS, legs=LegMode.ONE_WAY, **fields):
        events = self.send(
            open_pool(1, self.next(), pool=self.engine.pool_count, rules=rules, mode=mode, legs=legs, **fields)
        )
        assert said(events)[0] == ("DONE", "OK"), said(events)
        return self.engine.pool_count - 1

    def price(self, mark=MARK, time_ns=0, **others):
        """Marks of everything on BTC at ``mark`` ticks, ALT at 1,000 ticks; the events."""
        ticks = dict.fromkeys((BTC_ID, PERP, COIN, FUTURE, SPOT), mark) | {ALT: 1_000}
        ticks |= {globals()[name]: at for name, at in others.items()}
        now = max(time_ns, int(self.engine.tables.top[8]))
        events = self.send(prices(1, self.next(), ticks, now))
        assert said(events)[0] == ("DONE", "OK"), said(events)
        return events

    def fill(self, pool, other, lots, ticks=MARK, thing=PERP, **fields):
        return self.fine(Verb.FILL, pool=pool, other=other, thing=thing, lots=lots, ticks=ticks, **fields)

    def lawful(self):
        """Every law checked, and held."""
        found = self.engine.audit()
        for law, verdict in found.items():
            assert verdict.checks > 0, law
            assert verdict.held == verdict.checks, (law, verdict.detail)
        return found


def said(events):
    """What happened, by name: (kind, reason) of each event."""
    return [(Happened(int(e["kind"])).name, Reason(int(e["reason"])).name) for e in events]


def refusal(events):
    """The reason of a refused command, which has one event."""
    assert len(events) == 1, said(events)
    assert int(events[0]["kind"]) == Happened.REFUSED, said(events)
    return Reason(int(events[0]["reason"]))
