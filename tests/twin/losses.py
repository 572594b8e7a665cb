"""LIQUIDATE, ADL, SETTLE: closing positions of who cannot hold them, and of what has expired."""

from __future__ import annotations

import math

from solvent import ledger
from solvent.book import Purpose
from solvent.engine.records import (
    CCP_POOL,
    FUND_POOL,
    LEG_MASK,
    OTHER_LEG_SHIFT,
    Happened,
    House,
    PoolState,
    Reason,
    ThingState,
)
from solvent.instruments import Future, Perpetual
from solvent.rules import PenaltyBase

from .events import demand
from .orders import move_position
from .postings import Draft, in_numeraire_up, reduces


class Losses:
    """Part of the twin: see :class:`tests.twin.twin.Twin`."""

    def liquidate(self, c):
        world = self.world
        draft = self._closing(c)
        pool = draft.pool(c.pool)
        penalty = self._penalty(draft, c)
        numeraire = world.numeraire(pool)
        self._other_side(draft, c)
        draft.add(c.pool, numeraire, -penalty)
        draft.add(FUND_POOL, numeraire, penalty)
        draft.keep()
        self.own(fee=penalty)
        self.aftermath(c.pool)

    def _other_side(self, draft, c):
        """LEVERAGE and surplus(FILL) of who takes over, as of any maker; what is missing is lent without a limit."""
        if c.other == CCP_POOL:
            return
        leg = c.flags >> OTHER_LEG_SHIFT
        demand(draft.leverage(c.other, c.thing, leg), Reason.LEVERAGE)
        short = draft.short(c.other, Purpose.FILL)
        demand(not short or draft.relieves(c.other, Purpose.FILL, c.thing, leg, 0), Reason.MAKER_SHORT, short)

    def _closing(self, c):
        """A fill without fees that reduces a pool under liquidation, both sides posted."""
        world = self.world
        demand(abs(c.lots) < 1 << 62, Reason.AMOUNT)
        demand(0 <= c.flags <= 15, Reason.MALFORMED)
        demand(world.known(c.pool) and world.known(c.other), Reason.UNKNOWN_POOL)
        demand(world.is_instrument(c.thing), Reason.UNKNOWN_THING)
        thing, pool, other = world.things[c.thing], world.pools[c.pool], world.pools[c.other]
        listed = thing.listed
        demand(isinstance(listed.instrument, Perpetual), Reason.UNSUPPORTED)
        demand(c.pool != c.other, Reason.SAME_POOL)
        demand(thing.state < ThingState.HALTED, Reason.STATE)
        leg, other_leg = c.flags & LEG_MASK, c.flags >> OTHER_LEG_SHIFT
        held, other_held = pool.lots(c.thing, leg), other.lots(c.thing, other_leg)
        if thing.state == ThingState.REDUCE_ONLY:
            demand(c.other == CCP_POOL or reduces(other_held, other_held - c.lots), Reason.STATE)
        self._priced(pool, c.thing)
        self._priced(other, c.thing)
        demand(c.lots and abs(c.lots) <= listed.max_lots and world.fits(c.thing, c.ticks), Reason.AMOUNT)
        demand(abs(other_held - c.lots) <= listed.max_lots, Reason.AMOUNT)
        demand(pool.state == PoolState.LIQUIDATING, Reason.POOL_STATE)
        demand(other.state in (PoolState.HEALTHY, PoolState.HOUSE), Reason.POOL_STATE)
        self._covered_by(other, c.thing)
        self._leg_fits(pool, leg)
        self._leg_fits(other, other_leg, other_held - c.lots)
        demand(held, Reason.NOT_HELD)
        demand(reduces(held, held + c.lots), Reason.NOT_REDUCING)
        draft, cost = Draft(world), listed.instrument.worth(c.lots, c.ticks)
        move_position(draft, c.pool, c.thing, leg, c.lots, cost)
        move_position(draft, c.other, c.thing, other_leg, -c.lots, -cost)
        return draft

    def _penalty(self, draft, c):
        """The rules' share of its base, but never more than keeps the pool's value at zero."""
        world, pool = self.world, draft.pool(c.pool)
        rules, listed = world.row(pool).venue.penalty, world.things[c.thing].listed
        ppm = rules.ppm(world.names.name(c.thing))
        base = 0
        if rules.base is PenaltyBase.CLOSED_NOTIONAL:
            base = in_numeraire_up(world, pool, listed.settle, listed.instrument.notional(c.lots, c.ticks))
        elif rules.base is PenaltyBase.DEFICIT:
            base = max(0, -math.floor(world.surplus(world.pools[c.pool], Purpose.MAINTAIN)))
        return min(ledger.share_up(base, ppm), max(0, world.value(pool)))

    def adl(self, c):
        world = self.world
        draft = self._closing(c)
        other, other_leg = world.pools[c.other], c.flags >> OTHER_LEG_SHIFT
        thing = world.things[c.thing]
        held = other.lots(c.thing, other_leg)
        if c.other != CCP_POOL:
            demand(held * c.lots > 0, Reason.NOT_HELD)
            entry = other.entries[c.thing, other_leg]
            due = ledger.funding_due(entry.lots, thing.carry, entry.carry)
            profit = thing.listed.instrument.worth(held, thing.mark) - entry.cost - due
            demand(profit > 0, Reason.NOT_HELD)
            demand(reduces(held, held - c.lots), Reason.NOT_REDUCING)
        draft.keep()
        self.aftermath(c.pool)

    def settle(self, c):
        world = self.world
        demand(0 <= c.thing < len(world.things), Reason.UNKNOWN_THING)
        thing = world.things[c.thing]
        contract = None if thing.is_asset else thing.listed.instrument
        demand(isinstance(contract, Future), Reason.UNSUPPORTED)
        demand(thing.state != ThingState.CLOSED, Reason.STATE)
        demand(world.fits(c.thing, c.ticks), Reason.AMOUNT)
        demand(world.time >= contract.expiry_ns, Reason.TIME)
        left, concerned = 0, [p for p in world.pools if any(t == c.thing for t, _ in p.entries)]
        for pool in list(world.pools):
            for (t, leg), entry in sorted(pool.entries.items()):
                if t != c.thing or not entry.lots:
                    continue
                lots, draft = entry.lots, Draft(world)
                worth = contract.worth(lots, c.ticks)
                move_position(draft, pool.id, t, leg, -lots, -worth)
                draft.keep()
                left += worth
                self.say(Happened.SETTLED, pool=pool.id, thing=t, lots=lots, ticks=c.ticks)
        world.post(House.ROUNDING, thing.listed.settle, -left)
        thing.state = ThingState.CLOSED
        for pool in world.pools:
            self.cancel_all(pool, c.thing)
            pool.stops = {key: stop for key, stop in pool.stops.items() if stop.thing != c.thing}
            for key in [key for key in pool.entries if key[0] == c.thing]:
                pool.free(key)
        for pool in concerned:
            self.aftermath(pool.id)
