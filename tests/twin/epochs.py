"""PRICES, ADVANCE_TIME, FUNDING, INTEREST, and the judgement that follows them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from solvent import ledger
from solvent.book import Purpose
from solvent.engine.records import Happened, PoolState, Reason, ThingState
from solvent.instruments import Future, Payoff, Perpetual
from solvent.rules import Missing

from .events import demand
from .payloads import pairs_of

YEAR_SECONDS = 365 * 86_400
BILLION = 10**9


class Epochs:
    """Part of the twin: see :class:`tests.twin.twin.Twin`."""

    def prices(self, c):
        world = self.world
        rows = pairs_of(c.payload)
        demand(len({thing for thing, _ in rows}) == len(rows), Reason.MALFORMED)
        demand(all(0 <= thing < len(world.things) for thing, _ in rows), Reason.UNKNOWN_THING)
        demand(all(world.fits(t, ticks) for t, ticks in rows), Reason.AMOUNT)
        demand(c.amount >= world.time, Reason.TIME)
        for thing, ticks in rows:
            world.things[thing].mark = ticks
        world.time = c.amount
        self._stops()
        self.judge()

    def advance_time(self, c):
        demand(c.amount >= self.world.time, Reason.TIME)
        self.world.time = c.amount

    def funding(self, c):
        world = self.world
        demand(0 <= c.thing < len(world.things), Reason.UNKNOWN_THING)
        thing = world.things[c.thing]
        contract = None if thing.is_asset else thing.listed.instrument
        perpetual = isinstance(contract, Perpetual) and not isinstance(contract, Future)
        demand(perpetual, Reason.UNSUPPORTED)
        demand(thing.state != ThingState.CLOSED, Reason.STATE)
        demand(thing.mark, Reason.PRICE_STATE)
        demand(abs(c.amount) <= BILLION, Reason.AMOUNT)
        if contract.payoff is Payoff.INVERSE:
            more = math.floor(Fraction(contract.constant, thing.mark) * Fraction(c.amount, BILLION))
            most = contract.constant
        else:
            more = math.floor(Fraction(thing.mark * contract.tick_value * c.amount, BILLION))
            most = thing.listed.max_ticks * contract.tick_value
        demand(abs(thing.carry + more) <= most, Reason.AMOUNT)
        self._accrue(c.thing, more)

    def interest(self, c):
        world = self.world
        demand(world.is_asset(c.thing), Reason.UNKNOWN_THING)
        demand(c.amount > 0, Reason.AMOUNT)
        lenders = [r.venue.borrowing for _, r in sorted(world.rows.items()) if _prices_loans(r.venue.borrowing)]
        demand(lenders, Reason.UNKNOWN_RULES)
        rule, lent, borrowed = lenders[0], world.lent(c.thing), world.borrowed(c.thing)
        used = Fraction(borrowed, lent) if lent > 0 else Fraction(int(borrowed > 0))
        kink = Fraction(rule.kink_ppm, ledger.MILLION)
        yearly = rule.base_ppm + rule.slope_low_ppm * min(used, kink) + rule.slope_high_ppm * max(0, used - kink)
        more = math.ceil(Fraction(yearly) / ledger.MILLION * c.amount / YEAR_SECONDS * ledger.TRILLION)
        demand(world.things[c.thing].carry + more <= ledger.TRILLION, Reason.AMOUNT)
        self._accrue(c.thing, more)

    def _accrue(self, thing, more):
        self.world.things[thing].carry += more
        self.say(Happened.ACCRUED, thing=thing, amount=more)
        self.judge()

    def _stops(self):
        """Stops whose trigger the mark has reached, by reference."""
        world = self.world
        standing = [(key[1], p.id, key, s) for p in world.pools for key, s in p.stops.items()]
        for ref, pool, key, stop in sorted(standing, key=lambda one: one[:2]):
            mark = world.things[stop.thing].mark
            if mark and (mark <= stop.ticks if stop.below else mark >= stop.ticks):
                self.say(Happened.STOPPED, pool=pool, thing=stop.thing, lots=stop.lots, ref=ref, ticks=mark)
                del world.pools[pool].stops[key]

    def breached(self, pool):
        """Whether surplus(MAINTAIN) is below the line, or on it where that is a breach."""
        assessed = self.world.assessed(pool, Purpose.MAINTAIN)
        surplus = self.world.units(pool, assessed.surplus)
        on_the_line = self.world.row(pool).venue.breach_inclusive and assessed.required > 0
        return surplus < 0 or (surplus == 0 and on_the_line)

    def judge(self):
        """Pools under liquidation that prices relieved; then every healthy pool at MAINTAIN, breaches worst first."""
        world, found = self.world, []
        for pool in world.pools[2:]:
            self.aftermath(pool.id)
        for pool in world.pools[2:]:
            if pool.state != PoolState.HEALTHY:
                continue
            assessed = world.assessed(pool, Purpose.MAINTAIN)
            surplus = world.units(pool, assessed.surplus)
            world.verdicts.append(surplus)
            if self.breached(pool):
                found.append((_badness(assessed), pool))
        for _, pool in sorted(found, key=lambda one: (one[0], one[1].id)):
            short = math.floor(world.surplus(pool, Purpose.MAINTAIN))
            pool.state = PoolState.LIQUIDATING
            self.say(Happened.BREACHED, pool=pool.id, short=short)
            self.cancel_all(pool)
            self.aftermath(pool.id)

    def cancel_all(self, pool, thing=None):
        """Release every resting order of a pool (of one thing), by key and reference."""
        for key, order in sorted(pool.orders.items(), key=lambda item: (item[1].thing, item[1].leg, item[0][1])):
            if thing is None or order.thing == thing:
                del pool.orders[key]
                self.say(
                    Happened.CANCELLED, pool=pool.id, thing=order.thing, lots=order.lots, ticks=order.ticks, ref=key[1]
                )
                pool.free((order.thing, order.leg))


def _prices_loans(rule):
    return rule.missing is Missing.BORROW and any(
        (rule.base_ppm, rule.slope_low_ppm, rule.slope_high_ppm, rule.cap_ppm)
    )


def _badness(assessed):
    """Margin equity ÷ requirement; no requirement at all is worst."""
    if assessed.required <= 0:
        return 0, Fraction(0)
    return 1, _fraction(assessed.margin_equity) / _fraction(assessed.required)


def _fraction(number: Decimal):
    return Fraction(*number.as_integer_ratio())
