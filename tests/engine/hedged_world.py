"""A pair of engines whose pools hedge coins by contracts, switch tiers, convert, transfer: every epoch is scanned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solvent.engine.commands import list_instrument, schedule_rules
from solvent.engine.leaving import ARMED, FRONTIER
from solvent.engine.records import CCP_POOL, House, PoolState, Setting, Verb
from solvent.engine.tables import TOP_THINGS
from tests.engine.watching_world import Pair, ladder_of, linear_entries, nobody_is_missed
from tests.equality.worlds import BTC_ID, ETH_ID, ETH_PERP, FUTURE, LISTINGS, PERP, SPOT, USDT_ID

AGAINST = {BTC_ID: (PERP, FUTURE), ETH_ID: (ETH_PERP,)}
OTHER_ROW = 7  # after the rows that the stage makes: the first one's rules for another account class


class HedgedPair(Pair):
    """A pair with hedges in it, whose epochs are jumps, squeezes and crashes of an underlying as often as noise."""

    def __init__(self, seed, *, more=24):
        self.scanned = 0
        super().__init__(seed, more=0)
        other = schedule_rules(0, self.next_seq(), row=OTHER_ROW, rules="generic", account_class="retail")
        self.send(other)
        first = self.banded.pool_count
        for pool in range(first, first + more):
            row = self.rng.choice([0, 4, 5])
            owner = pool - pool % 2
            self.do(Verb.OPEN, pool=pool, other=-1, thing=-1, lots=owner, amount=owner, ref=row)
            self.do(Verb.DEPOSIT, pool=pool, thing=USDT_ID, amount=self.rng.choice([10**9, 10**10]))
            self.hedge(pool)

    def send(self, one):
        events = super().send(one)
        if int(np.ravel(one[0])[0]["kind"]) in (Verb.PRICES, Verb.FUNDING, Verb.INTEREST):
            nobody_is_missed(self.banded)
            self.scanned += 1
        return events

    def hedge(self, pool=None):
        """A coin held or bought, and a contract against some, all or more of it."""
        rng, users = self.rng, self.users()
        if pool is None:
            if not users:
                return
            pool = rng.choice(users)
        coin = rng.choice([BTC_ID, ETH_ID])
        units = rng.randint(10**6, 10**8)
        self.do(Verb.DEPOSIT, pool=pool, thing=coin, amount=units)
        thing = rng.choice(AGAINST[coin])
        row, mark = self.t.things[thing], int(self.t.things["mark"][thing])
        worth = units * int(self.t.things["mark"][coin]) // int(self.t.things["divisor"][coin])
        lots = int(worth * rng.choice([0.3, 1, 1, 1, 1.5]) / max(1, int(row["tick_value"]) * mark))
        if lots:
            self.do(Verb.FILL, pool=pool, other=CCP_POOL, thing=thing, lots=-lots, ticks=max(1, mark))
            self.do(Verb.WITHDRAW, pool=pool, thing=USDT_ID, amount=max(1, self.banded.surplus(pool) // 2))

    def borrow(self):
        """A coin sold that is not held, and bought back by a contract."""
        users = self.users()
        if users:
            pool, lots = self.rng.choice(users), self.rng.randint(1, 100)
            mark = int(self.t.things["mark"][SPOT])
            self.do(Verb.FILL, pool=pool, other=CCP_POOL, thing=SPOT, lots=-lots, ticks=mark)
            self.do(Verb.FILL, pool=pool, other=CCP_POOL, thing=PERP, lots=lots, ticks=int(self.t.things["mark"][PERP]))

    def epoch(self):
        """An underlying as a whole, in steps as large as crashes; its basis; or what any pair does."""
        rng, now = self.rng, self.t.things["mark"]
        kind = rng.random()
        if kind < 0.35:
            super().epoch()
            return
        coin = rng.choice([BTC_ID, ETH_ID])
        group = (coin, *AGAINST[coin], SPOT) if coin == BTC_ID else (coin, *AGAINST[coin])
        if kind < 0.8:
            move = rng.choice([-0.3, -0.1, -0.02, -0.004, 0.004, 0.02, 0.1, 0.4])
            self.prices({thing: int(now[thing]) * (1 + move) for thing in group})
        else:
            self.prices({thing: int(now[thing]) * (1 + rng.gauss(0, 0.01)) for thing in AGAINST[coin]})

    def transfer(self):
        users = self.users()
        if users:
            pool = self.rng.choice(users)
            asset = self.rng.choice([USDT_ID, BTC_ID, ETH_ID])
            self.do(Verb.TRANSFER, pool=pool, other=pool ^ 1, thing=asset, amount=self.rng.randint(1, 10**7))

    def convert(self):
        users = self.users()
        if users:
            coin = self.rng.choice([BTC_ID, ETH_ID])
            other = self.rng.choice([-1 - House.CONVERSION, *users])
            self.do(
                Verb.CONVERT, pool=self.rng.choice(users), other=other, thing=coin, amount=self.rng.randint(1, 10**7),
                ticks=int(self.t.things["mark"][coin]),
            )  # fmt: skip

    def tiers(self):
        """Another account class of the same rule set, with other brackets."""
        users = [pool for pool in self.users() if int(self.t.pools[pool]["rules"]) in (0, OTHER_ROW)]
        if users:
            pool = self.rng.choice(users)
            row = OTHER_ROW if int(self.t.pools[pool]["rules"]) == 0 else 0
            self.do(Verb.SET, pool=pool, flags=int(Setting.RULES), amount=row)

    def listing(self):
        """Something new is listed: ladders are laid out anew."""
        count = int(self.t.top[TOP_THINGS])
        if count < self.t.things.size - 2:
            new = replace(LISTINGS[2].instrument, symbol=f"NEW{count}", underlying=f"NEW{count}")
            self.send(list_instrument(0, self.next_seq(), new, max_lots=10**6, max_ticks=10**8))

    def grow(self, steps):
        moves = [
            (self.epoch, 60), (self.trade, 8), (self.hedge, 5), (self.borrow, 2), (self.money, 6), (self.spot, 2),
            (self.accrue, 6), (self.order, 2), (self.setting, 2), (self.unwind, 5), (self.transfer, 3),
            (self.convert, 3), (self.tiers, 3), (self.listing, 0.3),
        ]  # fmt: skip
        verbs, weights = zip(*moves, strict=True)
        for _ in range(steps):
            self.rng.choices(verbs, weights)[0]()
        return self

    def by_ratio(self):
        """How many edges of armed pools stand on ratios now."""
        t, b = self.t, self.bands
        armed = [
            p
            for p in self.users(PoolState.HEALTHY)
            if int(t.pools[p]["watch"]) == ARMED and p < int(t.active[FRONTIER])
        ]
        return sum(ladder_of(t, b, e)[0] >= b.most.size for pool in armed for e in linear_entries(t, pool))
