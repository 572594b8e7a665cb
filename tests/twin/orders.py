"""RESERVE, RELEASE, FILL, STOP: what a pool orders and trades."""

from __future__ import annotations

from solvent import ledger
from solvent.book import Leg, LegMode, Purpose
from solvent.engine.records import (
    CCP_POOL,
    FUND_POOL,
    LEG_MASK,
    OTHER_LEG_SHIFT,
    REDUCE_ONLY,
    STOP_BELOW,
    House,
    PoolState,
    Reason,
    ThingState,
)
from solvent.instruments import Perpetual, Spot
from solvent.rules import RulesError

from .events import demand
from .postings import Draft, fees_of, reduces
from .state import Entry, Resting, Stop


def move_position(draft, pool_id, thing_id, leg, lots, cost):
    """A side of a fill but for its charges: funding settled, cost carried, profit realised."""
    world, pool = draft.world, draft.pool(pool_id)
    thing = world.things[thing_id]
    entry = pool.entries.setdefault((thing_id, leg), Entry())
    due = ledger.funding_due(entry.lots, thing.carry, entry.carry)
    after = ledger.cost_after(entry.lots, entry.cost, lots, cost)
    gain = ledger.realised(entry.cost, cost, after)
    entry.lots, entry.cost, entry.carry = entry.lots + lots, after, thing.carry
    draft.funding.append((thing_id, due))
    draft.add(pool_id, thing.listed.settle, gain - due)
    pool.free((thing_id, leg))


class Orders:
    """Part of the twin: see :class:`tests.twin.twin.Twin`."""

    def _covered_by(self, pool, thing_id):
        """SCOPE: within the pool's scope, settle asset valued, margined by its rules."""
        world = self.world
        if pool.id == CCP_POOL:
            return
        demand(pool.scope in (-1, thing_id), Reason.SCOPE)
        demand(world.values_asset(pool, world.things[thing_id].listed.settle), Reason.SCOPE)
        try:
            world.row(pool).venue.margin.contract(world.instrument(thing_id))
        except RulesError:
            demand(condition=False, reason=Reason.SCOPE)

    def _priced(self, pool, thing_id):
        world, thing = self.world, self.world.things[thing_id]
        settle = thing.listed.settle
        known = pool.id == CCP_POOL or settle == world.numeraire(pool) or world.things[settle].mark
        demand(thing.mark and known, Reason.PRICE_STATE)

    def _leg_fits(self, pool, leg, after=0):
        fits = leg in (Leg.LONG.value, Leg.SHORT.value) if pool.legs is LegMode.HEDGE else leg == Leg.NET.value
        crosses = (leg == Leg.LONG.value and after < 0) or (leg == Leg.SHORT.value and after > 0)
        demand(fits and not crosses, Reason.LEG)

    def reserve(self, c):
        world = self.world
        demand(not c.flags & ~(LEG_MASK | REDUCE_ONLY), Reason.MALFORMED)
        demand(world.known(c.pool), Reason.UNKNOWN_POOL)
        demand(world.is_instrument(c.thing), Reason.UNKNOWN_THING)
        pool, thing = world.pools[c.pool], world.things[c.thing]
        listed, leg, reduce_only = thing.listed, c.flags & LEG_MASK, bool(c.flags & REDUCE_ONLY)
        demand(thing.state < ThingState.HALTED, Reason.STATE)
        demand(isinstance(listed.instrument, Perpetual), Reason.UNSUPPORTED)
        demand(reduce_only or thing.state != ThingState.REDUCE_ONLY, Reason.STATE)
        self._priced(pool, c.thing)
        demand(c.ref > 0 and c.lots and abs(c.lots) <= listed.max_lots, Reason.AMOUNT)
        demand(world.fits(c.thing, c.ticks), Reason.AMOUNT)
        demand((c.thing, c.ref) not in pool.orders, Reason.REFERENCE_TAKEN)
        demand(pool.state == PoolState.HEALTHY, Reason.POOL_STATE)
        self._covered_by(pool, c.thing)
        self._leg_fits(pool, leg)
        draft = Draft(world)
        changed = draft.pool(c.pool)
        changed.entries.setdefault((c.thing, leg), Entry(carry=thing.carry))
        changed.orders[c.thing, c.ref] = Resting(c.thing, leg, c.lots, c.ticks, reduce_only)
        side = 1 if c.lots > 0 else -1
        demand(abs(changed.side(c.thing, leg, side, every=True)) <= listed.max_lots, Reason.AMOUNT)
        demand(draft.leverage(c.pool, c.thing, leg), Reason.LEVERAGE)
        short = draft.short(c.pool, Purpose.ADMIT)
        demand(not short, Reason.TAKER_SHORT, short)
        draft.keep()

    def release(self, c):
        world = self.world
        demand(c.flags == 0, Reason.MALFORMED)
        demand(world.known(c.pool), Reason.UNKNOWN_POOL)
        demand(world.is_instrument(c.thing), Reason.UNKNOWN_THING)
        pool = world.pools[c.pool]
        demand((c.thing, c.ref) in pool.orders, Reason.UNKNOWN_ORDER)
        leg = pool.orders.pop((c.thing, c.ref)).leg
        pool.free((c.thing, leg))

    # FILL

    def _order(self, pool, thing, leg, ref):
        if ref == 0:
            return None
        order = pool.orders.get((thing, ref))
        demand(order is not None and order.leg == leg, Reason.UNKNOWN_ORDER)
        return order

    def fill(self, c):
        world = self.world
        demand(0 <= c.flags <= 15, Reason.MALFORMED)
        demand(world.known(c.pool) and world.known(c.other), Reason.UNKNOWN_POOL)
        demand(world.is_instrument(c.thing), Reason.UNKNOWN_THING)
        if isinstance(world.instrument(c.thing), Spot):
            self._spot(c)
            return
        sides = self._sides(c)
        demand(c.pool != c.other, Reason.SAME_POOL)
        self._sound(c, sides)
        draft, listed = Draft(world), world.things[c.thing].listed
        cost, notional = listed.instrument.worth(c.lots, c.ticks), listed.instrument.notional(c.lots, c.ticks)
        charged = []
        for (pool, leg, lots, ref, _), side in zip(sides, (1, -1), strict=True):
            fee, levy = fees_of(world, pool, notional, taker=side > 0)
            charged.append((fee, levy))
            fill_side(draft, pool.id, c.thing, leg, lots, side * cost, ref)
            draft.add(pool.id, listed.settle, -fee - levy)
            draft.post(House.FEES, listed.settle, fee)
        levies = sum(levy for _, levy in charged)
        if levies:
            draft.add(FUND_POOL, listed.settle, levies)
        # The fund's own levy comes back to it, and the other side's too: all of a change counts in its verdict.
        net = [
            fee + levy - (levies if p.id == FUND_POOL else 0)
            for (p, *_), (fee, levy) in zip(sides, charged, strict=True)
        ]
        self._judge(draft, c.thing, sides, net)
        draft.keep()
        self.own(fee=sum(charged[0]), other_fee=sum(charged[1]))

    def _sides(self, c):
        """(pool, leg, lots, reference, order) of taker and maker."""
        found = []
        legs = c.flags & LEG_MASK, c.flags >> OTHER_LEG_SHIFT
        for pool_id, leg, lots, ref in ((c.pool, legs[0], c.lots, c.amount), (c.other, legs[1], -c.lots, c.ref)):
            pool = self.world.pools[pool_id]
            found.append((pool, leg, lots, ref, self._order(pool, c.thing, leg, ref)))
        return found

    def _sound(self, c, sides):
        thing = self.world.things[c.thing]
        listed = thing.listed
        demand(thing.state < ThingState.HALTED, Reason.STATE)
        held = [pool.lots(c.thing, leg) for pool, leg, *_ in sides]
        moves = list(zip(sides, held, strict=True))
        if thing.state == ThingState.REDUCE_ONLY:
            demand(all(p.id == CCP_POOL or reduces(was, was + lots) for (p, _, lots, *_), was in moves), Reason.STATE)
        for pool, *_ in sides:
            self._priced(pool, c.thing)
        demand(c.lots and abs(c.lots) <= listed.max_lots and self.world.fits(c.thing, c.ticks), Reason.AMOUNT)
        demand(all(abs(was + lots) <= listed.max_lots for (_, _, lots, *_), was in moves), Reason.AMOUNT)
        for _, _, lots, _, order in sides:
            demand(order is None or (order.lots * lots > 0 and abs(lots) <= abs(order.lots)), Reason.AMOUNT)
        demand(all(p.state in (PoolState.HEALTHY, PoolState.HOUSE) for p, *_ in sides), Reason.POOL_STATE)
        for pool, *_ in sides:
            self._covered_by(pool, c.thing)
        for (pool, leg, lots, *_), was in moves:
            self._leg_fits(pool, leg, was + lots)
        for (_, _, lots, _, order), was in moves:
            demand(order is None or not order.reduce_only or reduces(was, was + lots), Reason.NOT_REDUCING)

    def _judge(self, draft, thing, sides, charged):
        """LEVERAGE, BORROW, taker's then maker's surplus; the mirror is never asked."""
        asked = list(zip(sides, charged, strict=True))
        for (pool, leg, *_), _ in asked:
            demand(pool.id == CCP_POOL or draft.leverage(pool.id, thing, leg), Reason.LEVERAGE)
        settle = self.world.things[thing].listed.settle
        taker, maker = sides[0][0].id, sides[1][0].id
        draft.borrow(taker, settle, [taker])
        draft.borrow(maker, settle, [taker, maker])
        for ((pool, leg, _, _, order), charge), reason in zip(
            asked, (Reason.TAKER_SHORT, Reason.MAKER_SHORT), strict=True
        ):
            if pool.id == CCP_POOL:
                continue
            purpose = Purpose.ADMIT if order is None else Purpose.FILL
            short = draft.short(pool.id, purpose)
            demand(not short or draft.relieves(pool.id, purpose, thing, leg, charge), reason, short)

    def _spot(self, c):
        """Two balances change on each side; fees in quote, no levy, no order, no position."""
        world, thing = self.world, self.world.things[c.thing]
        listed = thing.listed
        demand(c.amount == 0 and c.ref == 0, Reason.UNKNOWN_ORDER)
        demand(c.pool != c.other, Reason.SAME_POOL)
        demand(thing.state == ThingState.LISTED, Reason.STATE)
        demand(thing.mark, Reason.PRICE_STATE)
        demand(c.lots and abs(c.lots) <= listed.max_lots and 0 < c.ticks <= listed.max_ticks, Reason.AMOUNT)
        pools = [world.pools[c.pool], world.pools[c.other]]
        demand(all(p.state in (PoolState.HEALTHY, PoolState.HOUSE) for p in pools), Reason.POOL_STATE)
        for pool in pools:
            fits = pool.id == CCP_POOL or (
                pool.scope in (-1, c.thing)
                and world.values_asset(pool, listed.base)
                and world.values_asset(pool, listed.settle)
            )
            demand(fits, Reason.SCOPE)
        demand(c.flags == 0, Reason.LEG)
        units = c.lots * listed.instrument.lot_units
        cost = ledger.linear_worth(c.lots, c.ticks, listed.instrument.tick_value)
        draft, fees = Draft(world), []
        for pool, side in zip(pools, (1, -1), strict=True):
            row = world.row(pool).venue.fees
            ppm = 0 if pool.id == CCP_POOL else (row.taker_ppm if side > 0 else row.maker_ppm)
            fee = ledger.fill_fee(abs(cost), ppm)
            fees.append(fee)
            draft.add(pool.id, listed.base, side * units)
            draft.add(pool.id, listed.settle, -side * cost - fee)
            draft.post(House.FEES, listed.settle, fee)
        for asset in (listed.base, listed.settle):
            draft.borrow(c.pool, asset, [c.pool])
            draft.borrow(c.other, asset, [c.pool, c.other])
        for pool, reason in zip(pools, (Reason.TAKER_SHORT, Reason.MAKER_SHORT), strict=True):
            short = 0 if pool.id == CCP_POOL else draft.short(pool.id, Purpose.ADMIT)
            demand(not short, reason, short)
        draft.keep()
        self.own(fee=fees[0], other_fee=fees[1])

    # STOP

    def stop(self, c):
        world = self.world
        demand(not c.flags & ~(LEG_MASK | STOP_BELOW), Reason.MALFORMED)
        demand(world.is_user(c.pool), Reason.UNKNOWN_POOL)
        demand(world.is_instrument(c.thing), Reason.UNKNOWN_THING)
        pool, listed = world.pools[c.pool], world.things[c.thing].listed
        key = (c.thing, c.ref)
        demand(isinstance(listed.instrument, Perpetual), Reason.UNSUPPORTED)
        if c.lots == 0:
            demand(key in pool.stops, Reason.UNKNOWN_ORDER)
            del pool.stops[key]
            return
        demand(world.things[c.thing].state < ThingState.HALTED, Reason.STATE)
        demand(c.ref > 0 and abs(c.lots) <= listed.max_lots and 0 < c.ticks <= listed.max_ticks, Reason.AMOUNT)
        demand(key not in pool.stops, Reason.REFERENCE_TAKEN)
        demand(pool.state == PoolState.HEALTHY, Reason.POOL_STATE)
        self._covered_by(pool, c.thing)
        leg = c.flags & LEG_MASK
        self._leg_fits(pool, leg)
        held = pool.lots(c.thing, leg)
        demand(held, Reason.NOT_HELD)
        demand(held * c.lots < 0 and abs(c.lots) <= abs(held), Reason.NOT_REDUCING)
        pool.stops[key] = Stop(c.thing, leg, c.lots, c.ticks, bool(c.flags & STOP_BELOW))


def fill_side(draft, pool_id, thing, leg, lots, cost, ref):
    """A side's position and what is left of the order it fills."""
    pool = draft.pool(pool_id)
    if ref:
        pool.orders[thing, ref].lots -= lots
        if not pool.orders[thing, ref].lots:
            del pool.orders[thing, ref]
    move_position(draft, pool_id, thing, leg, lots, cost)
