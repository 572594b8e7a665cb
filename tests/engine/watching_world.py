"""Two engines given the same random commands, one with bands; and what must hold of watching after every command."""

from __future__ import annotations

import random

import numpy as np

from solvent.engine.commands import assemble, prices
from solvent.engine.engine import Engine
from solvent.engine.epochs import breaches
from solvent.engine.ladders import ABOVE, BELOW, FAR, bucket_of
from solvent.engine.leaving import ARMED, COUNT, FRONTIER, LIST, OFF, READY, UNFIT
from solvent.engine.records import CCP_POOL, FIRST_USER_POOL, PoolState, Setting, Verb, command
from solvent.engine.screen import packed
from solvent.engine.slots import SMALLEST
from solvent.engine.tables import ASSET, FREE, LINEAR, Limits
from tests.equality.worlds import BTC_ID, COIN, CONTRACTS, EDGE, ETH_ID, FUTURE, PERP, SPOT, USDT_ID, VENUES, stage

LIMITS = Limits(pools=512, entries=1 << 14, orders=1 << 11, things=40, rules=8, pieces=1 << 13, sources=4)
LINEARS = [thing for thing in CONTRACTS if thing != COIN]
HEALTHY = int(PoolState.HEALTHY)


def linear_entries(t, pool):
    """Slots of a pool's entries that have an amount."""
    first = int(t.pools[pool]["first"])
    return [e for e in range(first, first + int(t.pools[pool]["used"])) if t.key[e] != FREE and t.lots[e] != 0]


class Pair:
    """An engine without bands and one with them, the second checked after every command."""

    def __init__(self, seed, *, more=0, inverse=True, **options):
        self.rng = random.Random(seed)
        self.seq, self.inverse = 0, inverse
        self.plain = Engine(LIMITS, venues=VENUES)
        self.banded = Engine(LIMITS, venues=VENUES, bands=True, **options)
        self.banded._desk.watch.patience = 0
        for one in stage(self.rng, self.next_seq):
            self.send(one)
        first = self.banded.pool_count
        for pool in range(first, first + more):
            self.do(Verb.OPEN, pool=pool, other=-1, thing=-1, lots=pool, amount=pool, ref=self.rng.choice([0, 2, 4, 5]))
            self.do(Verb.DEPOSIT, pool=pool, thing=USDT_ID, amount=self.rng.choice([10**9, 10**10]))
            if self.rng.random() < 0.5:
                self.do(Verb.DEPOSIT, pool=pool, thing=self.rng.choice([BTC_ID, ETH_ID]), amount=10**7)

    def next_seq(self):
        self.seq += 1
        return self.seq

    def send(self, one):
        """One command to both: the same events, and watching in order afterwards."""
        batch = assemble([one])
        expected, found = self.plain.step(batch), self.banded.step(batch)
        assert found.tobytes() == expected.tobytes(), (one[0], expected, found)
        check_watching(self.banded)
        return found

    def do(self, verb, **fields):
        return self.send((command(verb, 0, self.next_seq(), **fields), b""))

    @property
    def t(self):
        return self.banded.tables

    @property
    def bands(self):
        return self.banded._desk.watch.bands

    def users(self, state=PoolState.HEALTHY):
        rows = self.t.pools["state"][: self.banded.pool_count]
        return [pool for pool in np.flatnonzero(rows == int(state)).tolist() if pool >= FIRST_USER_POOL]

    def prices(self, marks):
        """An epoch; marks are cut to what is allowed."""
        most = self.t.things["max_ticks"]
        ticks = {thing: max(100, min(int(mark), int(most[thing]))) for thing, mark in marks.items()}
        return self.send(prices(0, self.next_seq(), ticks, int(self.t.top[8])))

    # Moves

    def trade(self):
        rng, users = self.rng, self.users()
        if len(users) < 2:
            return
        taker, maker = rng.sample(users, 2)
        if rng.random() < 0.4:
            maker = CCP_POOL
        thing = rng.choice(CONTRACTS if self.inverse else LINEARS)
        row = self.t.things[thing]
        unit = int(row["tick_value"] * row["mark"]) or 10**8
        worth = max(10**6, self.banded.value(taker)) * rng.choice([0.1, 1, 3, 8, 12])
        lots = max(1, int(worth / unit)) if thing != COIN else rng.randint(1, 20)
        self.do(
            Verb.FILL, pool=taker, other=maker, thing=thing, lots=lots * rng.choice([1, -1]),
            ticks=max(1, int(row["mark"]) + rng.randint(-3, 3)),
        )  # fmt: skip

    def epoch(self):
        """Prices that wander, jump, fall or rise together, or stand exactly at somebody's edge or beside it."""
        rng, t = self.rng, self.t
        things = [BTC_ID, ETH_ID, *CONTRACTS, SPOT]
        now = {thing: int(t.things["mark"][thing]) for thing in things}
        kind = rng.random()
        if kind < 0.35:
            moves = {thing: rng.gauss(0, 0.003) for thing in things}
        elif kind < 0.55:
            moves = {thing: rng.gauss(0, 0.08) for thing in rng.sample(things, 3)}
        elif kind < 0.7:
            moves = dict.fromkeys(things, rng.choice([-0.05, -0.01, 0.01, 0.05]))
        elif kind < 0.73:
            moves = dict.fromkeys([BTC_ID, PERP, COIN, FUTURE, SPOT], rng.choice([-0.3, 0.4]))
        else:
            self.aimed()
            return
        self.prices({thing: now[thing] * (1 + move) for thing, move in moves.items()})

    def aimed(self):
        """A mark at an edge, one tick inside, or one tick beyond."""
        t, b = self.t, self.bands
        if b is None:
            return
        slots = np.flatnonzero(b.node[: int(t.top[1])]["bucket"] > 0)
        slots = [e for e in slots.tolist() if t.key[e] != FREE and t.lots[e] != 0]
        if not slots:
            return
        slot = self.rng.choice(slots)
        thing = int(t.key[slot]) >> 2
        row = t.things[thing]
        ticks = float(b.node[slot]["edge"])
        if ladder_of(t, b, slot)[0] != thing:
            ticks *= b.at[int(row["underlying"])]
        if int(row["kind"]) == LINEAR:
            ticks = (ticks + float(row["carry"] - b.base[thing])) / int(row["tick_value"])
        mark = int(row["mark"])
        if abs(ticks / mark - 1) < 0.2:
            self.prices({thing: round(ticks) + self.rng.choice([-1, 0, 0, 1])})

    def money(self):
        rng = self.rng
        pool, asset = rng.choice(self.users() or [FIRST_USER_POOL]), rng.choice([USDT_ID, USDT_ID, BTC_ID, ETH_ID])
        amount = rng.randint(1, 10**9) if asset == USDT_ID else rng.randint(1, 10**6)
        if rng.random() < 0.5:
            self.do(Verb.DEPOSIT, pool=pool, thing=asset, amount=amount)
            return
        left = self.banded.surplus(pool)
        self.do(Verb.WITHDRAW, pool=pool, thing=asset, amount=max(1, left // rng.choice([2, 4])))

    def spot(self):
        """Coins against the quote asset: collateral, and debts of either."""
        users = self.users()
        if len(users) > 1:
            lots = self.rng.randint(1, 400) * self.rng.choice([1, -1])
            mark = int(self.t.things["mark"][SPOT])
            self.do(Verb.FILL, pool=self.rng.choice(users), other=CCP_POOL, thing=SPOT, lots=lots, ticks=mark)

    def accrue(self):
        rng = self.rng
        if rng.random() < 0.7:
            rate = rng.choice([100_000, -100_000, 1_000_000, 20_000_000])
            self.do(Verb.FUNDING, thing=rng.choice(CONTRACTS), amount=rate)
        else:
            asset = rng.choice([USDT_ID, BTC_ID, ETH_ID])
            self.do(Verb.INTEREST, thing=asset, amount=rng.choice([3_600, 86_400 * 3]))

    def order(self):
        users = self.users()
        if users:
            thing = self.rng.choice(LINEARS)
            mark = int(self.t.things["mark"][thing])
            self.do(
                Verb.RESERVE, pool=self.rng.choice(users), thing=thing, lots=self.rng.choice([-1, 1]),
                ticks=mark, ref=self.next_seq(),
            )  # fmt: skip

    def setting(self):
        users = self.users()
        if users:
            amount = self.rng.choice([0, 2, 5, 10])
            self.do(
                Verb.SET, pool=self.rng.choice(users), flags=int(Setting.LEVERAGE), thing=self.rng.choice(LINEARS),
                amount=amount,
            )  # fmt: skip

    def unwind(self):
        """A step of a liquidation, or money for who is under it."""
        going = self.users(PoolState.LIQUIDATING)
        if not going:
            return
        pool = self.rng.choice(going)
        if self.rng.random() < 0.3:
            self.do(Verb.DEPOSIT, pool=pool, thing=USDT_ID, amount=10**10)
            self.prices({EDGE: int(self.t.things["mark"][EDGE])})
            return
        for e in linear_entries(self.t, pool):
            thing = int(self.t.key[e]) >> 2
            if int(self.t.things[thing]["kind"]) != ASSET:
                mark = int(self.t.things["mark"][thing])
                flags = int(self.t.key[e]) & 3
                lots = -int(self.t.lots[e])
                self.do(Verb.LIQUIDATE, pool=pool, other=CCP_POOL, thing=thing, flags=flags, lots=lots, ticks=mark)
                return

    def grow(self, steps):
        """Random moves, more than half of them epochs."""
        moves = [
            (self.epoch, 60), (self.trade, 16), (self.money, 6), (self.spot, 3), (self.accrue, 6), (self.order, 3),
            (self.setting, 2), (self.unwind, 6),
        ]  # fmt: skip
        verbs, weights = zip(*moves, strict=True)
        for _ in range(steps):
            self.rng.choices(verbs, weights)[0]()
        return self


def check_watching(engine):
    """Everybody healthy is armed, listed once, or above the frontier; who is armed is met in time."""
    watch, t = engine._desk.watch, engine.tables
    count, frontier = int(t.active[COUNT]), int(t.active[FRONTIER])
    listed = t.active[LIST : LIST + count].tolist()
    assert len(set(listed)) == count, "nobody is listed twice"
    assert all(FIRST_USER_POOL <= pool < frontier for pool in listed)
    on_list, state = set(listed), t.pools["state"]
    for pool in range(FIRST_USER_POOL, frontier):
        how = int(t.pools[pool]["watch"])
        if int(state[pool]) != HEALTHY:
            assert (how, pool in on_list) == (OFF, False), pool
        elif pool in on_list:
            assert how in (UNFIT, *range(READY, 128)), (pool, how)
        else:
            assert how == ARMED, (pool, how)
            check_edges(t, watch.bands, pool)


def ladder_of(t, b, slot):
    """Price and side of the ladder an entry's edge stands in: of its own price on the side it loses on, but for hedges,
    whose contracts stand by ratio and whose coins on the side of the net.
    """
    ladder = int(np.searchsorted(b.first, b.node[slot]["bucket"], "right")) - 1
    thing, side, own = ladder // 2, ladder % 2, int(t.key[slot]) >> 2
    loses = BELOW if t.lots[slot] > 0 else ABOVE
    if int(t.things[own]["kind"]) == ASSET:
        assert thing == own
    else:
        assert (thing in (own, b.most.size + own), side) == (True, loses)
    return thing, side


def check_edges(t, b, pool):
    """Each entry's edge stands in the bucket of its price, on its side of the last price, not before ``near``."""
    for e in linear_entries(t, pool):
        thing, side = ladder_of(t, b, e)
        edge, at, near = float(b.node[e]["edge"]), b.at[thing], b.near[2 * thing + side]
        assert int(b.holder[e // SMALLEST]) == pool
        assert int(b.node[e]["bucket"]) == bucket_of(b, thing, side, edge) > 0
        inside = near >= edge and edge < at if side == BELOW else near <= edge and edge > at
        assert inside, (pool, thing, side, edge, at, near)


def nobody_is_missed(engine):
    """An exact scan of everybody, without the float screen, finds no healthy pool in breach."""
    t = engine.tables
    found = np.zeros(engine.pool_count, np.int32)
    assert int(breaches(t, packed(t), False, FIRST_USER_POOL, found.size, found)) == 0


def inside(pair, pool, rng):
    """Move every price to somewhere inside the pool's edges, most often to the edge itself or far to the better side;
    funding and interest up to what the edges are proved for. Coins come first: edges on ratios go with their index.
    """
    t, b = pair.t, pair.bands
    bounds = {}
    for e in linear_entries(t, pool):
        thing, side = ladder_of(t, b, e)
        low, high = bounds.get(thing, (0.0, FAR))
        edge = float(b.node[e]["edge"])
        bounds[thing] = (max(low, edge), high) if side == BELOW else (low, min(high, edge))
    for price, edges in sorted(bounds.items()):
        thing = price % b.most.size
        coin = int(t.things[thing]["underlying"])
        low, high = (min(FAR, edge * (int(t.things[coin]["mark"]) if price > thing else 1)) for edge in edges)
        row = t.things[thing]
        per_tick = int(row["tick_value"]) if int(row["kind"]) == LINEAR else 1
        carry, most = int(row["carry"]), int(b.most[thing])
        if thing != USDT_ID:
            row["carry"] = rng.choice([most, carry, rng.randint(carry, most)])
        due = int(row["carry"] - b.base[thing]) if int(row["kind"]) == LINEAR else 0
        least = max(1, int((low + due) // per_tick) + 1)
        greatest = int(row["max_ticks"])
        if high < FAR:
            greatest = min(greatest, int(-(-(high + due) // per_tick)) - 1)
        if least > greatest:
            return False
        choices = [least, greatest, rng.randint(least, greatest), min(greatest, least * rng.choice([1, 2, 5, 20]))]
        row["mark"] = rng.choice(choices)
    return True
