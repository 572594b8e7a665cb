"""Random histories of commands, invalid ones among them, many aimed at the line of a verdict."""

from __future__ import annotations

import math
import random

from solvent.book import LegMode, Purpose
from solvent.engine.commands import assemble
from solvent.engine.records import (
    CCP_POOL,
    FUND_POOL,
    OTHER_LEG_SHIFT,
    REDUCE_ONLY,
    STOP_BELOW,
    House,
    PoolState,
    Verb,
    command,
)
from solvent.rules import RulesError
from solvent.units import exact
from tests.equality.moves import Moves
from tests.equality.worlds import (
    BTC_ID,
    COIN,
    CONTRACTS,
    ETH_ID,
    NUMERAIRES,
    SPOT,
    USDT_ID,
    VENUES,
    stage,
)
from tests.twin.orders import fill_side
from tests.twin.postings import Draft, fees_of
from tests.twin.state import Entry, Resting
from tests.twin.twin import Twin

NEAR = 2
MONEY = 10**6


class History(Moves):
    """A twin, the commands it was given, and what it said; ``cases`` asked a verdict, ``near`` within 2 units."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.twin = Twin(VENUES, NUMERAIRES, sources=4)
        self.seq, self.ref = 0, 0
        self.sent, self.said = [], []
        self.cases = self.near = 0
        for one in stage(self.rng, self.next_seq):
            self.send(one)

    def next_seq(self):
        self.seq += 1
        return self.seq

    @property
    def world(self):
        return self.twin.world

    def send(self, one):
        """One command to the twin; its events."""
        events = self.twin.step(assemble([one]))
        self.sent.append(one)
        self.said.append(events)
        if self.world.verdicts:
            self.cases += 1
            self.near += any(-NEAR <= distance <= NEAR for distance in self.world.verdicts)
        return events

    def do(self, verb, **fields):
        return self.send((command(verb, 0, self.next_seq(), **fields), b""))

    def grow(self, steps):
        """``steps`` random moves, each of one or a few commands."""
        moves = [
            (self.trade, 14), (self.aimed_trade, 40), (self.relief, 6),
            (self.aimed_epoch, 9), (self.epoch, 4), (self.order, 4),
            (self.aimed_order, 12), (self.cancel, 2), (self.aimed_withdrawal, 12), (self.pay, 3), (self.convert, 3),
            (self.setting, 4), (self.accrue, 4), (self.unwind, 14), (self.wild, 8), (self.again, 1), (self.stop, 2),
            (self.change_state, 1), (self.expire, 1),
        ]  # fmt: skip
        verbs, weights = zip(*moves, strict=True)
        for _ in range(steps):
            self.rng.choices(verbs, weights)[0]()
        return self

    # What a command needs

    def users(self, *states):
        wanted = states or (PoolState.HEALTHY,)
        return [p for p in self.world.pools[2:] if p.state in wanted]

    def leg_of(self, pool, thing, lots):
        if pool.legs is LegMode.ONE_WAY:
            return 0
        if self.rng.random() < 0.05:
            return self.rng.randint(0, 3)
        if lots > 0:
            return 2 if pool.lots(thing, 2) and self.rng.random() < 0.5 else 1
        return 1 if pool.lots(thing, 1) and self.rng.random() < 0.5 else 2

    def thing_for(self, *pools):
        """Mostly something every side may hold."""
        scopes = [p.scope for p in pools if p.scope >= 0]
        if scopes and self.rng.random() < 0.95:
            return scopes[0]
        if self.rng.random() < 0.5:
            held = [t for p in pools for (t, _), e in p.entries.items() if e.lots]
            if held:
                return self.rng.choice(held)
        return self.rng.choice(CONTRACTS)

    def near_mark(self, thing):
        mark = self.world.things[thing].mark
        return max(1, mark + self.rng.choice([0, 0, 1, -1, mark // 200, -mark // 200, mark // 30, -mark // 30]))

    def size_for(self, pool, thing):
        """Lots worth a share of what the pool is worth, at some leverage."""
        row = self.world.things[thing]
        worth = row.listed.instrument.notional(1, row.mark) if thing != SPOT else 60 * MONEY
        if thing == COIN:
            worth = 100 * MONEY
        value = max(self.world_value(pool), MONEY)
        lots = int(value * self.rng.choice([0.05, 0.5, 2, 6, 15]) / max(worth, 1) / 3)
        return max(1, min(lots, 500 if thing == COIN else row.listed.max_lots))

    def world_value(self, pool):
        return self.ask(lambda: self.world.value(pool))

    def ask(self, question):
        """A number of ring 1, in the exact context, zero where it has none."""
        try:
            return exact(question)()
        except (RulesError, KeyError, ValueError):  # not covered by the rules, no such order, no such leg
            return 0

    # Trades

    def a_trade(self):
        """(taker, maker, thing, lots, ticks, flags, references) of a plausible fill."""
        rng, users = self.rng, self.users()
        if len(users) < 2:
            return None
        taker, maker = rng.sample(users, 2)
        if rng.random() < 0.12:
            maker = self.world.pools[rng.choice([CCP_POOL, CCP_POOL, FUND_POOL])]
        if rng.random() < 0.08:
            taker, maker = maker, taker
        thing = self.thing_for(taker, maker)
        who = maker if taker.id == CCP_POOL else taker
        lots = self.size_for(who, thing) * rng.choice([1, -1])
        held = [e.lots for (t, _), e in taker.entries.items() if t == thing and e.lots]
        if held and rng.random() < 0.5:
            lots = -held[0] // rng.choice([1, 1, 2, 3]) or -held[0]
        amount = ref = 0
        ticks = self.near_mark(thing)
        resting = [(key, o) for key, o in maker.orders.items() if o.thing == thing]
        if resting and rng.random() < 0.7:
            (_, ref), order = rng.choice(resting)
            lots, ticks = -order.lots // rng.choice([1, 1, 2]) or -order.lots, order.ticks
            return taker, maker, thing, lots, ticks, self.leg_of(taker, thing, lots), order.leg, 0, ref
        legs = self.leg_of(taker, thing, lots), self.leg_of(maker, thing, -lots)
        return taker, maker, thing, lots, ticks, *legs, amount, ref

    def send_trade(self, trade):
        taker, maker, thing, lots, ticks, leg, other_leg, amount, ref = trade
        return self.do(
            Verb.FILL, pool=taker.id, other=maker.id, thing=thing, lots=lots, ticks=ticks,
            flags=leg | other_leg << OTHER_LEG_SHIFT, amount=amount, ref=ref,
        )  # fmt: skip

    def trade(self):
        if self.rng.random() < 0.06:
            self.spot()
            return
        trade = self.a_trade()
        if trade:
            self.send_trade(trade)

    def spot(self):
        users = self.users()
        if len(users) < 2:
            return
        taker, maker = self.rng.sample(users, 2)
        lots = self.rng.choice([1, -1]) * self.rng.randint(1, 300)
        self.do(Verb.FILL, pool=taker.id, other=maker.id, thing=SPOT, lots=lots, ticks=self.near_mark(SPOT))

    def aimed_trade(self):
        """A trade that leaves one side a few units from its line: its cash is set first."""
        trade = self.a_trade()
        if not trade:
            return
        side = self.rng.choice([0, 1])
        pool = trade[side]
        if pool.id == CCP_POOL or pool.scope not in (-1, trade[2]):
            side = 1 - side
            pool = trade[side]
        if pool.id != CCP_POOL:
            trade = self.heavier(trade, side)
            self.land(pool, lambda: self.after_fill(trade, side))
        self.send_trade(trade)

    def heavier(self, trade, side):
        """The trade made larger until its side would be short, so that paying in can bring it to the line."""
        for _ in range(5):
            if trade[7] or trade[8] or self.ask(lambda t=trade: self.after_fill(t, side)) < 0:
                break
            larger = (*trade[:3], trade[3] * self.rng.choice([2, 3, 5]), *trade[4:])
            if abs(larger[3]) > self.world.things[trade[2]].listed.max_lots // 100 or not self.allowed(larger, side):
                break
            trade = larger
        return trade

    def allowed(self, trade, side):
        """Whether both sides' leverage caps allow a trade."""
        draft = Draft(self.world)

        def ask():
            for k in (side, 1 - side):
                leg, sign = trade[5 + k], 1 - 2 * k
                if trade[k].id == CCP_POOL:
                    continue
                fill_side(draft, trade[k].id, trade[2], leg, sign * trade[3], sign, 0)
                if not draft.leverage(trade[k].id, trade[2], leg):
                    return False
            return True

        return self.ask(ask)

    def after_fill(self, trade, side):
        taker, maker, thing, lots, ticks, leg, other_leg, amount, ref = trade
        pool = (taker, maker)[side]
        draft, instrument = Draft(self.world), self.world.instrument(thing)
        cost = instrument.worth(lots, ticks)
        charge = sum(fees_of(self.world, pool, instrument.notional(lots, ticks), taker=side == 0))
        sign = 1 - 2 * side
        mine = (amount, ref)[side]
        fill_side(draft, pool.id, thing, (leg, other_leg)[side], sign * lots, sign * cost, mine)
        draft.add(pool.id, self.world.things[thing].listed.settle, -charge)
        return self.world.surplus(draft.pool(pool.id), Purpose.FILL if mine else Purpose.ADMIT)

    def land(self, pool, surplus_of, targets=(0, 0, -1, -1, 1, 2, -2)):
        """Pay into or out of a pool so that ``surplus_of()`` becomes a target, where that can be."""
        self.pay_by(pool, self.rng.choice(targets) - math.floor(self.ask(surplus_of)))

    def pay_by(self, pool, delta):
        if 0 < delta <= 10**13:
            self.do(Verb.DEPOSIT, pool=pool.id, thing=USDT_ID, amount=delta)
        elif delta < 0 and self.may_leave(pool) >= -delta:
            self.do(Verb.WITHDRAW, pool=pool.id, thing=USDT_ID, amount=-delta)

    def may_leave(self, pool):
        """What a pool may pay out, as far as ring 1 says."""
        if pool.state != PoolState.HEALTHY:
            return 0
        free = math.floor(self.ask(lambda: self.world.surplus(pool, Purpose.WITHDRAW)))
        return min(self.ask(lambda: self.twin.funded(pool.id, USDT_ID)), free)

    def relief(self):
        """A pool below its line reduces, at a price that leaves it about as short as before but for its charges."""
        held = [(p, key, e.lots) for p in self.users() for key, e in p.entries.items() if e.lots and key[0] != COIN]
        for pool, (thing, leg), lots in self.rng.sample(held, min(6, len(held))):
            before = math.floor(self.ask(lambda p=pool: self.world.surplus(p, Purpose.ADMIT)))
            if before >= 0:
                continue
            row = self.world.things[thing]
            part = -lots // self.rng.choice([1, 2, 3]) or -lots
            trade = pool, self.world.pools[CCP_POOL], thing, part, row.mark, leg, 0, 0, 0
            after = math.floor(self.ask(lambda t=trade: self.after_fill(t, 0)))
            charge = sum(fees_of(self.world, pool, row.listed.instrument.notional(part, row.mark), taker=True))
            a_tick = abs(part) * row.listed.instrument.tick_value
            worse = (after - before + charge) // a_tick - self.rng.choice([0, 0, 0, charge // a_tick // 2, -1])
            ticks = row.mark + worse if part > 0 else row.mark - worse
            self.send_trade((*trade[:4], min(max(1, ticks), row.listed.max_ticks), *trade[5:]))
            return

    # Orders

    def an_order(self):
        users = self.users()
        if not users:
            return None
        pool = self.rng.choice(users)
        thing = self.thing_for(pool)
        lots = self.size_for(pool, thing) * self.rng.choice([1, -1])
        leg = self.leg_of(pool, thing, lots)
        reduce_only = REDUCE_ONLY if self.rng.random() < 0.15 else 0
        self.ref += 1
        ref = self.ref if self.rng.random() < 0.95 else self.rng.randint(1, max(1, self.ref))
        return pool, thing, lots, self.near_mark(thing), leg, reduce_only, ref

    def send_order(self, order):
        pool, thing, lots, ticks, leg, reduce_only, ref = order
        self.do(Verb.RESERVE, pool=pool.id, thing=thing, lots=lots, ticks=ticks, flags=leg | reduce_only, ref=ref)

    def order(self):
        order = self.an_order()
        if order:
            self.send_order(order)

    def aimed_order(self):
        order = self.an_order()
        if not order:
            return
        pool, thing, lots, ticks, leg, reduce_only, ref = order

        def after():
            draft = Draft(self.world)
            changed = draft.pool(pool.id)
            changed.entries.setdefault((thing, leg), Entry())
            changed.orders[thing, ref] = Resting(thing, leg, lots, ticks, bool(reduce_only))
            return self.world.surplus(changed, Purpose.ADMIT)

        for _ in range(4):
            if self.ask(after) < 0 or abs(lots) > self.world.things[thing].listed.max_lots // 100:
                break
            lots *= self.rng.choice([2, 4])
        self.land(pool, after)
        self.send_order((pool, thing, lots, ticks, leg, reduce_only, ref))

    def cancel(self):
        orders = [(p, key) for p in self.world.pools for key in p.orders]
        if orders:
            pool, (thing, ref) = self.rng.choice(orders)
            self.do(Verb.RELEASE, pool=pool.id, thing=thing, ref=ref + self.rng.choice([0, 0, 0, 0, 1]))

    def stop(self):
        """A standing stop that reduces, or its withdrawal."""
        held = [(p, t, leg, e.lots) for p in self.users() for (t, leg), e in p.entries.items() if e.lots]
        standing = [(p, key) for p in self.users() for key in p.stops]
        if standing and self.rng.random() < 0.3:
            pool, (thing, ref) = self.rng.choice(standing)
            self.do(Verb.STOP, pool=pool.id, thing=thing, ref=ref)
        elif held:
            pool, thing, leg, lots = self.rng.choice(held)
            self.ref += 1
            mark, below = self.world.things[thing].mark, self.rng.random() < 0.5
            ticks = mark - mark // 40 if below else mark + mark // 40
            flags = leg | (STOP_BELOW if below else 0)
            self.do(Verb.STOP, pool=pool.id, thing=thing, lots=-lots, ticks=ticks, flags=flags, ref=self.ref)

    # Money

    def pay(self):
        rng = self.rng
        pool = rng.choice(self.world.pools)
        amount = rng.choice([rng.randint(1, 10**9), rng.randint(1, 10**10)])
        asset = rng.choice([USDT_ID, USDT_ID, BTC_ID, ETH_ID])
        if asset != USDT_ID:
            amount = min(amount, 10**8)
        if rng.random() < 0.6:
            self.do(Verb.DEPOSIT, pool=pool.id, thing=asset, amount=amount)
            return
        other = rng.choice([p for p in self.world.pools if p.owner == pool.owner] + [rng.choice(self.world.pools)])
        self.do(Verb.TRANSFER, pool=pool.id, other=other.id, thing=asset, amount=amount)

    def aimed_withdrawal(self):
        """Withdraw or transfer to within two units of what may leave."""
        rng, users = self.rng, self.users()
        if not users:
            return
        pool = rng.choice(users)
        asset = rng.choice([USDT_ID, USDT_ID, USDT_ID, *pool.cash])
        most = self.may_leave(pool) if asset == USDT_ID else self.ask(lambda: self.twin.funded(pool.id, asset))
        amount = most + rng.choice([0, 0, 1, -1, 2])
        children = [p for p in self.world.pools if p.owner == pool.owner and p.id != pool.id]
        if children and rng.random() < 0.4:
            self.do(Verb.TRANSFER, pool=pool.id, other=rng.choice(children).id, thing=asset, amount=amount)
        else:
            self.do(Verb.WITHDRAW, pool=pool.id, thing=asset, amount=amount)

    def convert(self):
        rng = self.rng
        holders = [p for p in self.users(PoolState.HEALTHY, PoolState.LIQUIDATING) if set(p.cash) - {USDT_ID}]
        if not holders:
            return
        pool = rng.choice(holders)
        asset = rng.choice([a for a in pool.cash if a != USDT_ID])
        amount = max(1, abs(pool.cash[asset]) // rng.choice([1, 1, 2, 7]))
        other = rng.choice([-1 - House.CONVERSION, -1 - House.CONVERSION, rng.choice(self.world.pools).id])
        ticks = self.world.things[asset].mark + rng.choice([0] * 9 + [1])
        self.do(Verb.CONVERT, pool=pool.id, other=other, thing=asset, amount=amount, ticks=ticks)
