"""Verbs that only move balances: DEPOSIT, WITHDRAW, TRANSFER, CONVERT, FUND, SOCIALISE."""

from __future__ import annotations

import math

from solvent import ledger
from solvent.book import Purpose
from solvent.engine.records import (
    CCP_POOL,
    FUND_POOL,
    Finality,
    Happened,
    House,
    PoolState,
    Reason,
    ThingState,
)
from solvent.rules import PenaltyBase

from .events import demand
from .payloads import pairs_of
from .postings import Draft, in_numeraire_down

MOST_CASH = 1 << 60
LENDING_POOL = -1 - House.LENDING
CONVERSION_SIDE = -1 - House.CONVERSION


class Money:
    """Part of the twin: see :class:`tests.twin.twin.Twin`."""

    def funded(self, pool, asset):
        """A balance less the interest it owes."""
        draft = Draft(self.world)
        draft.touch(draft.pool(pool), asset)
        return draft.cash_after(pool, asset)

    def _moves(self, pool, asset, amount):
        world = self.world
        demand(world.known(pool), Reason.UNKNOWN_POOL)
        demand(world.is_asset(asset), Reason.UNKNOWN_THING)
        demand(world.things[asset].state < ThingState.HALTED, Reason.STATE)
        demand(0 < amount <= MOST_CASH, Reason.AMOUNT)

    def _receives(self, pool, asset, amount):
        world = self.world
        demand(world.pools[pool].state != PoolState.CLOSED, Reason.POOL_STATE)
        demand(pool == CCP_POOL or world.values_asset(world.pools[pool], asset), Reason.SCOPE)
        most = min(world.things[asset].listed.max_units, MOST_CASH)
        demand(self.funded(pool, asset) + amount <= most, Reason.AMOUNT)

    def _gives(self, draft, pool, asset, amount):
        demand(self.world.pools[pool].state == PoolState.HEALTHY, Reason.POOL_STATE)
        demand(self.funded(pool, asset) >= amount, Reason.NOT_HELD)
        draft.add(pool, asset, -amount)
        short = draft.short(pool, Purpose.WITHDRAW)
        demand(not short, Reason.TAKER_SHORT, short)

    def deposit(self, c):
        demand(c.flags in set(Finality), Reason.MALFORMED)
        demand(c.flags == Finality.FINAL, Reason.UNSUPPORTED)
        draft = Draft(self.world)
        if c.pool == LENDING_POOL:
            self._moves(CCP_POOL, c.thing, c.amount)
            draft.post(House.LENDING, c.thing, c.amount)
        else:
            self._moves(c.pool, c.thing, c.amount)
            self._receives(c.pool, c.thing, c.amount)
            draft.add(c.pool, c.thing, c.amount)
        draft.post(House.EXTERNAL, c.thing, -c.amount)
        draft.keep()

    def withdraw(self, c):
        demand(c.flags == 0, Reason.MALFORMED)
        self._moves(c.pool, c.thing, c.amount)
        draft = Draft(self.world)
        self._gives(draft, c.pool, c.thing, c.amount)
        draft.post(House.EXTERNAL, c.thing, c.amount)
        draft.keep()

    def transfer(self, c):
        world = self.world
        demand(c.flags == 0, Reason.MALFORMED)
        demand(world.known(c.other), Reason.UNKNOWN_POOL)
        self._moves(c.pool, c.thing, c.amount)
        demand(c.pool != c.other, Reason.SAME_POOL)
        giver, taker = world.pools[c.pool], world.pools[c.other]
        demand(giver.state == PoolState.HEALTHY, Reason.POOL_STATE)
        demand(giver.owner == taker.owner or giver.account == taker.account, Reason.SCOPE)
        self._receives(c.other, c.thing, c.amount)
        draft = Draft(world)
        self._gives(draft, c.pool, c.thing, c.amount)
        draft.add(c.other, c.thing, c.amount)
        draft.keep()

    # CONVERT

    def convert(self, c):
        world = self.world
        demand(c.flags == 0, Reason.MALFORMED)
        demand(c.other == CONVERSION_SIDE or world.known(c.other), Reason.UNKNOWN_POOL)
        self._moves(c.pool, c.thing, c.amount)
        demand(c.pool != c.other, Reason.SAME_POOL)
        thing, pool = world.things[c.thing], world.pools[c.pool]
        numeraire = world.numeraire(pool)
        demand(thing.mark and c.ticks == thing.mark, Reason.PRICE_STATE)
        demand(pool.state in (PoolState.HEALTHY, PoolState.LIQUIDATING), Reason.POOL_STATE)
        if c.other >= 0:
            demand(world.pools[c.other].state in (PoolState.HEALTHY, PoolState.HOUSE), Reason.POOL_STATE)
        demand(c.thing != numeraire and thing.listed.quote == numeraire, Reason.SCOPE)
        demand(c.other < 0 or world.values_asset(world.pools[c.other], numeraire), Reason.SCOPE)
        demand(self.funded(c.pool, c.thing) >= c.amount, Reason.NOT_HELD)
        price = in_numeraire_down(world, pool, c.thing, c.amount)
        demand(price > 0, Reason.AMOUNT)
        if c.other >= 0:
            self._receives(c.other, c.thing, c.amount)
        draft = Draft(world)
        draft.add(c.pool, c.thing, -c.amount)
        draft.add(c.pool, numeraire, price)
        if c.other >= 0:
            draft.add(c.other, c.thing, c.amount)
            draft.add(c.other, numeraire, -price)
        else:
            draft.post(House.CONVERSION, c.thing, c.amount)
            draft.post(House.CONVERSION, numeraire, -price)
        self._convert_verdicts(draft, c, numeraire)
        penalty = self._seizure_penalty(draft, c, numeraire, price)
        draft.keep()
        self.own(fee=penalty)
        self.aftermath(c.pool)

    def _convert_verdicts(self, draft, c, numeraire):
        world = self.world
        if world.pools[c.pool].state == PoolState.HEALTHY:
            after = world.surplus(draft.pool(c.pool), Purpose.RECOVER)
            world.verdicts.append(after)
            worse = after < 0 and after < world.surplus(world.pools[c.pool], Purpose.RECOVER)
            demand(not worse, Reason.TAKER_SHORT, math.floor(after))
        if c.other >= 0 and c.other != CCP_POOL:
            demand(c.other != FUND_POOL or draft.pool(c.other).cash.get(numeraire, 0) >= 0, Reason.FUNDS)
            draft.borrow(c.other, numeraire, [c.other])
            short = draft.short(c.other, Purpose.ADMIT)
            demand(not short, Reason.MAKER_SHORT, short)

    def _seizure_penalty(self, draft, c, numeraire, price):
        """Of seized collateral, when a pool is under liquidation: never more than keeps its value at zero."""
        world, pool = self.world, draft.pool(c.pool)
        rules = world.row(pool).venue.penalty
        if pool.state != PoolState.LIQUIDATING or rules.base is not PenaltyBase.SEIZED_COLLATERAL:
            return 0
        penalty = min(ledger.share_up(price, rules.ppm(world.names.name(c.thing))), max(0, world.value(pool)))
        draft.add(c.pool, numeraire, -penalty)
        draft.add(FUND_POOL, numeraire, penalty)
        return penalty

    # Who bears a loss

    def fund(self, c):
        world = self.world
        demand(c.flags in (0, 1), Reason.MALFORMED)
        demand(world.is_user(c.pool), Reason.UNKNOWN_POOL)
        demand(0 < c.amount <= MOST_CASH, Reason.AMOUNT)
        pool, fund = world.pools[c.pool], world.pools[FUND_POOL]
        numeraire = world.numeraire(pool)
        demand(numeraire == world.numeraire(fund), Reason.SCOPE)
        draft = Draft(world)
        giver, taker = (c.pool, FUND_POOL) if c.flags else (FUND_POOL, c.pool)
        if c.flags:
            demand(pool.state == PoolState.HEALTHY, Reason.POOL_STATE)
            held, free = self.funded(c.pool, numeraire), math.floor(world.surplus(pool, Purpose.WITHDRAW))
            demand(c.amount <= min(held, free), Reason.TAKER_SHORT, min(held, free) - c.amount)
        else:
            demand(pool.state == PoolState.BANKRUPT, Reason.POOL_STATE)
            missing = -world.value(pool)
            demand(missing > 0, Reason.NOT_SHORT)
            demand(c.amount <= missing, Reason.AMOUNT)
            demand(c.amount <= self.funded(FUND_POOL, numeraire), Reason.FUNDS)
        draft.add(giver, numeraire, -c.amount)
        draft.add(taker, numeraire, c.amount)
        draft.keep()
        if not c.flags:
            self._covered(c.pool)

    def socialise(self, c):
        world = self.world
        rows = pairs_of(c.payload)
        payers = [pool for pool, _ in rows]
        demand(len(set(payers)) == len(payers), Reason.MALFORMED)
        known = all(FUND_POOL <= pool < len(world.pools) for pool in payers)
        demand(world.is_user(c.pool) and known, Reason.UNKNOWN_POOL)
        demand(c.pool not in payers, Reason.SAME_POOL)
        demand(all(units >= 1 for _, units in rows), Reason.AMOUNT)
        pool = world.pools[c.pool]
        states = [pool.state == PoolState.BANKRUPT, *(world.pools[p].state == PoolState.HEALTHY for p in payers)]
        demand(all(states), Reason.POOL_STATE)
        numeraire = world.numeraire(pool)
        demand(all(world.numeraire(world.pools[p]) == numeraire for p in payers), Reason.SCOPE)
        demand(sum(units for _, units in rows) == max(0, -world.value(pool)), Reason.AMOUNT)
        draft = Draft(world)
        for payer, units in rows:
            demand(payer != FUND_POOL or self.funded(FUND_POOL, numeraire) >= units, Reason.FUNDS)
        for payer, units in rows:
            after = world.value(world.pools[payer]) - units
            demand(after >= 0, Reason.MAKER_SHORT, after)
            draft.add(payer, numeraire, -units)
            draft.add(c.pool, numeraire, units)
        draft.keep()
        self._covered(c.pool)

    def _covered(self, pool_id):
        """A bankrupt pool raised to zero is healthy again."""
        pool = self.world.pools[pool_id]
        if self.world.value(pool) >= 0:
            pool.state = PoolState.HEALTHY
            self.say(Happened.RECOVERED, pool=pool_id, short=math.floor(self.world.surplus(pool, Purpose.RECOVER)))

    def aftermath(self, pool_id):
        """What becomes of a pool under liquidation after a step."""
        world, pool = self.world, self.world.pools[pool_id]
        if pool.state != PoolState.LIQUIDATING:
            return
        left = math.floor(world.surplus(pool, Purpose.RECOVER))
        value = world.value(pool)
        world.verdicts.append(left)
        if left >= 0 and not self.breached(pool):
            pool.state = PoolState.HEALTHY
            self.say(Happened.RECOVERED, pool=pool_id, short=left)
        elif value < 0 and not any(e.lots for e in pool.entries.values()):
            pool.state = PoolState.BANKRUPT
            self.say(Happened.BANKRUPT, pool=pool_id, short=value)
