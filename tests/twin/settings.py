"""Verbs that set the stage: listings, rules rows, pools, settings."""

from __future__ import annotations

import math

from solvent.book import Leg, LegMode, Mode, Purpose
from solvent.engine.commands import LEGS_NUMBER, MODE_NUMBER
from solvent.engine.names import PayloadError, read_asset, read_instrument, read_rules
from solvent.engine.records import FIRST_USER_POOL, PoolState, Reason, Setting, ThingState
from solvent.instruments import Spot
from solvent.rules import RulesError

from .events import demand
from .postings import Draft
from .state import Entry, Row, Thing, TwinPool

MODES = {number: mode for mode, number in MODE_NUMBER.items()}
LEGS = {number: legs for legs, number in LEGS_NUMBER.items()}
LEGS_OF = {LegMode.ONE_WAY: (Leg.NET.value,), LegMode.HEDGE: (Leg.LONG.value, Leg.SHORT.value)}


class Settings:
    """Part of the twin: see :class:`tests.twin.twin.Twin`."""

    def list_asset(self, c):
        listed = self._read(read_asset, c)
        own = listed.quote == len(self.world.things)
        self.world.things.append(Thing(listed, mark=1 if own else 0))
        self.world.names.add(listed)

    def list_instrument(self, c):
        listed = self._read(read_instrument, c)
        self.world.things.append(Thing(listed))
        self.world.names.add(listed)

    def _read(self, read, c):
        try:
            return read(self.world.names, c.payload or b"")
        except PayloadError:
            demand(condition=False, reason=Reason.MALFORMED)

    def schedule_rules(self, c):
        world = self.world
        try:
            named = read_rules(c.payload or b"")
        except PayloadError:
            demand(condition=False, reason=Reason.MALFORMED)
        demand(c.ref == len(world.rows), Reason.MALFORMED)
        demand(named.rules in self.venues, Reason.UNKNOWN_RULES)
        numeraire = world.names.ids[self.numeraires[named.rules]]
        world.rows[c.ref] = Row(self.venues[named.rules], named.mode, named.account_class, numeraire)

    def state(self, c):
        world = self.world
        demand(0 <= c.thing < len(world.things), Reason.UNKNOWN_THING)
        demand(c.flags in set(ThingState), Reason.MALFORMED)
        thing = world.things[c.thing]
        demand(not thing.is_asset, Reason.UNSUPPORTED)
        lawful = thing.state != ThingState.CLOSED and c.flags not in (thing.state, ThingState.CLOSED)
        demand(lawful, Reason.STATE)
        thing.state = c.flags

    def open(self, c):
        world = self.world
        demand(c.pool == len(world.pools), Reason.UNKNOWN_POOL)
        demand(c.thing == -1 or world.is_instrument(c.thing), Reason.UNKNOWN_THING)
        demand(c.ref in world.rows, Reason.UNKNOWN_RULES)
        mode, legs = MODES.get(c.flags & 3), LEGS.get(c.flags >> 2)
        demand(mode is not None and legs is not None, Reason.MALFORMED)
        demand(0 <= c.lots < 1 << 31 and 0 <= c.amount < 1 << 31, Reason.AMOUNT)
        if c.other != -1:
            demand(world.is_user(c.other), Reason.UNKNOWN_POOL)
            parent = world.pools[c.other]
            fits = parent.parent == -1 and parent.mode is Mode.CROSS
            demand(fits and (parent.owner, parent.account) == (c.lots, c.amount), Reason.SCOPE)
        row = world.rows[c.ref]
        demand(row.mode is mode and legs in row.venue.capabilities.legs, Reason.SWITCH)
        world.pools.append(TwinPool(c.pool, c.ref, PoolState.HEALTHY, mode, legs, c.lots, c.amount, c.other, c.thing))

    # SET

    def set(self, c):
        world = self.world
        demand(FIRST_USER_POOL <= c.pool < len(world.pools), Reason.UNKNOWN_POOL)
        demand(c.flags != Setting.MANDATE, Reason.UNSUPPORTED)
        demand(c.flags in set(Setting), Reason.MALFORMED)
        demand(c.flags != Setting.LEVERAGE or world.is_instrument(c.thing), Reason.UNKNOWN_THING)
        demand(world.pools[c.pool].state == PoolState.HEALTHY, Reason.POOL_STATE)
        verbs = {Setting.LEVERAGE: self._leverage, Setting.LEGS: self._legs, Setting.RULES: self._rules}
        verbs[Setting(c.flags)](c, Draft(world))

    def _leverage(self, c, draft):
        world, pool = self.world, draft.pool(c.pool)
        demand(pool.scope in (-1, c.thing), Reason.SCOPE)
        demand(world.things[c.thing].state != ThingState.CLOSED, Reason.STATE)
        if c.amount or any((c.thing, leg) in pool.entries for leg in LEGS_OF[pool.legs]):
            self._covers(pool, c.thing)
            self._choose(c, draft)
        short = draft.short(c.pool, Purpose.ADMIT)
        demand(not short, Reason.TAKER_SHORT, short)
        draft.keep()

    def _choose(self, c, draft):
        world, pool = self.world, draft.pool(c.pool)
        row = world.row(pool)
        margin = row.venue.margin.contract(world.instrument(c.thing))
        highest = min(row.venue.modes[pool.mode].leverage_cap(row.account_class), margin.brackets[0].max_leverage)
        demand(0 <= c.amount <= highest, Reason.LEVERAGE)
        for leg in LEGS_OF[pool.legs]:
            key = (c.thing, leg)
            if c.amount == 0 and key not in pool.entries:
                continue
            pool.entries.setdefault(key, Entry(carry=world.things[c.thing].carry)).leverage = c.amount
            if c.amount == 0:
                pool.free(key)
        for leg in LEGS_OF[pool.legs]:
            demand((c.thing, leg) not in pool.entries or draft.leverage(c.pool, c.thing, leg), Reason.LEVERAGE)

    def _covers(self, pool, thing):
        """A cap above nothing: an instrument the rules do not margin has no leverage at all."""
        instrument = self.world.instrument(thing)
        try:
            demand(not isinstance(instrument, Spot), Reason.LEVERAGE)
            self.world.row(pool).venue.margin.contract(instrument)
        except RulesError:
            demand(condition=False, reason=Reason.LEVERAGE)

    def _legs(self, c, draft):
        pool = draft.pool(c.pool)
        demand(c.amount in LEGS, Reason.MALFORMED)
        allowed = LEGS[c.amount] in self.world.row(pool).venue.capabilities.legs
        demand(allowed and not pool.engaged(), Reason.SWITCH)
        pool.entries.clear()
        pool.legs = LEGS[c.amount]
        draft.keep()

    def _rules(self, c, draft):
        world, pool = self.world, draft.pool(c.pool)
        demand(c.amount in world.rows, Reason.UNKNOWN_RULES)
        old, new = world.row(pool), world.rows[c.amount]
        same = old.venue is new.venue and old.numeraire == new.numeraire
        demand(same and pool.legs in new.venue.capabilities.legs, Reason.SWITCH)
        demand(old.mode is new.mode or not (pool.engaged() or pool.parent != -1), Reason.SWITCH)
        pool.rules, pool.mode = c.amount, new.mode
        after = math.floor(world.surplus(pool, Purpose.ADMIT))
        demand(after >= 0, Reason.TAKER_SHORT, after)
        demand(all(draft.leverage(c.pool, *key) for key in pool.entries), Reason.LEVERAGE)
        draft.keep()
