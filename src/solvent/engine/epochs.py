"""Verbs that concern everybody at once: prices, time, funding, interest, and the judgement that follows them.

After PRICES, FUNDING and INTEREST every healthy pool of a user is judged at MAINTAIN: the float screen sets aside those
proved healthy, the exact kernel decides the rest. Breaches are taken worst first: margin equity ÷ requirement
ascending, compared exactly (no requirement at all is worst), then by pool id. For each in that order its state becomes
LIQUIDATING, a BREACHED event is written, and its resting orders are released, a CANCELLED event each, before the next
pool's. A pool in
breach that is flat and worth less than nothing is BANKRUPT at once.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from solvent import ledger
from solvent.book import Purpose
from solvent.engine.conversion import aftermath
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.jit import kernel
from solvent.engine.names import PayloadError
from solvent.engine.orders import count_orders, release_all
from solvent.engine.records import FIRST_USER_POOL, Happened, House, PoolState, Reason, ThingState
from solvent.engine.screen import Marks, halves, in_turn, packed, stand
from solvent.engine.stops import trigger_stops
from solvent.engine.tables import (
    ASSET,
    I32,
    I64,
    INVERSE,
    LINEAR,
    NONE,
    TOP_EPOCH,
    TOP_POOLS,
    TOP_RULES,
    TOP_THINGS,
    TOP_TIME,
    Tables,
)
from solvent.engine.value import assessed, in_breach, lowest_ticks

MAINTAIN = Purpose.MAINTAIN.value
HEALTHY = int(PoolState.HEALTHY)
PAIR_BYTES = 16
BILLION = 1_000_000_000
MOST_RATE_PPB = BILLION  # a funding rate of 100 % of the mark
YEAR_SECONDS = 365 * 86_400
MOST_GROWTH = ledger.TRILLION  # of an interest index, so that what is due fits 64 bits


@kernel
def breaches(t: Tables, q: Marks, screen: bool, low: int, high: int, found: I32) -> int:
    """Healthy pools from ``low`` up to ``high`` in breach at MAINTAIN, written to ``found[low:]``; how many."""
    count = 0
    for pool in range(low, high):
        if t.pools[pool]["state"] != HEALTHY:
            continue
        if screen:
            _value, equity, required, bound = stand(t, q, pool, MAINTAIN)
            if equity - required > bound:
                continue
        if in_breach(t, pool):
            found[low + count] = pool
            count += 1
    return count


@kernel
def measured(t: Tables, pools: I32, out: I64) -> None:
    """Margin equity and requirement at MAINTAIN of each pool, exact: four numbers a pool (units, millionths, twice)."""
    for k in range(pools.size):
        _value, equity, equity_rest, required, required_rest = assessed(t, pools[k], MAINTAIN)
        at = 4 * k
        out[at], out[at + 1], out[at + 2], out[at + 3] = equity, equity_rest, required, required_rest


class Breach(NamedTuple):
    """A pool in breach: margin equity and requirement in millionths of a numeraire unit."""

    pool: int
    equity: int
    required: int

    def badness(self) -> tuple[int, Fraction, int]:
        """Sorts worst first."""
        if self.required <= 0:
            return 0, Fraction(0), self.pool
        return 1, Fraction(self.equity, self.required), self.pool


def found_breaches(desk: Desk) -> list[Breach]:
    """Every pool in breach now, worst first."""
    t = desk.t
    q = packed(t)
    found = np.zeros(int(t.top[TOP_POOLS]), np.int32)
    ranges = halves(t, FIRST_USER_POOL, desk.threads)
    counts = in_turn(lambda low, high: breaches(t, q, desk.screen, low, high, found), ranges, desk.crew)
    pools = np.concatenate([found[low : low + n] for (low, _), n in zip(ranges, counts, strict=True)])
    out = np.zeros(4 * pools.size, np.int64)
    if pools.size:
        measured(t, pools, out)
    million = ledger.MILLION
    rows = [
        Breach(int(pool), int(a) * million + int(b), int(c) * million + int(d))
        for pool, (a, b, c, d) in zip(pools, out.reshape(-1, 4), strict=True)
    ]
    return sorted(rows, key=Breach.badness)


def judge(desk: Desk, sheet: Sheet) -> None:
    """Judge everybody; states, RECOVERED, BREACHED and CANCELLED events as the module says."""
    t = desk.t
    users = t.pools["state"][: int(t.top[TOP_POOLS])]
    for pool in np.flatnonzero(users == int(PoolState.LIQUIDATING)).tolist():
        kind, left = aftermath(t, pool)
        if kind:
            sheet.write(int(kind), pool=pool, short=int(left))
    for one in found_breaches(desk):
        t.pools[one.pool]["state"] = PoolState.LIQUIDATING
        sheet.write(Happened.BREACHED, pool=one.pool, short=(one.equity - one.required) // ledger.MILLION)
        sheet.reserve(int(count_orders(t, one.pool)))
        sheet.at = int(release_all(t, one.pool, NONE, sheet.events, sheet.at))
        kind, value = aftermath(t, one.pool)
        if kind:  # flat already, and worth less than nothing: no step could ever say so
            sheet.write(int(kind), pool=one.pool, short=int(value))


def prices(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """PRICES: marks and index prices, time, a new epoch; then stops by reference; then everybody is judged."""
    t, payload = desk.t, c.payload or b""
    if len(payload) % PAIR_BYTES:
        raise PayloadError(f"payload must be pairs of 64-bit integers, not {len(payload)} bytes")
    rows = np.frombuffer(payload, "<i8").reshape(-1, 2)
    things, ticks = rows[:, 0], rows[:, 1]
    if np.unique(things).size != things.size:
        raise PayloadError("payload must give each thing one price")
    if things.size and (things.min() < 0 or things.max() >= int(t.top[TOP_THINGS])):
        return Answer(Reason.UNKNOWN_THING)
    lowest = [int(lowest_ticks(t, thing)) if t.things["kind"][thing] == INVERSE else 1 for thing in things]
    if (ticks < np.array(lowest, np.int64)).any() or (ticks > t.things["max_ticks"][things]).any():
        return Answer(Reason.AMOUNT)
    if c.amount < int(t.top[TOP_TIME]):
        return Answer(Reason.TIME)
    t.things["mark"][things] = ticks
    t.top[TOP_TIME] = c.amount
    t.top[TOP_EPOCH] += 1
    trigger_stops(desk, sheet)
    judge(desk, sheet)
    return DONE


def advance_time(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """ADVANCE_TIME: never backwards."""
    if c.amount < int(desk.t.top[TOP_TIME]):
        return Answer(Reason.TIME)
    desk.t.top[TOP_TIME] = c.amount
    return DONE


def funding(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """FUNDING of a perpetual: its index grows by what a long lot pays; an inverse lot's worth is constant ÷ mark."""
    t = desk.t
    if not 0 <= c.thing < int(t.top[TOP_THINGS]):
        return Answer(Reason.UNKNOWN_THING)
    row = t.things[c.thing]
    kind, mark = int(row["kind"]), int(row["mark"])
    if kind not in (LINEAR, INVERSE) or int(row["expiry_ns"]):
        return Answer(Reason.UNSUPPORTED)
    if int(row["state"]) == ThingState.CLOSED:
        return Answer(Reason.STATE)
    if mark == 0:
        return Answer(Reason.PRICE_STATE)
    if abs(c.amount) > MOST_RATE_PPB:
        return Answer(Reason.AMOUNT)
    if kind == LINEAR:
        more, most = (
            ledger.funding_per_lot(mark, int(row["tick_value"]), c.amount),
            row["max_ticks"] * row["tick_value"],
        )
    else:
        more, most = ledger.divide_down(int(row["constant"]) * c.amount, mark * BILLION), row["constant"]
    if abs(int(row["carry"]) + more) > int(most):
        return Answer(Reason.AMOUNT)  # more than a lot is ever worth: what is due could leave 64 bits
    row["carry"] += more
    return _accrued(desk, c, sheet, more)


def _accrued(desk: Desk, c: Command, sheet: Sheet, more: int) -> Answer:
    desk.t.top[TOP_EPOCH] += 1
    sheet.write(Happened.ACCRUED, thing=c.thing, amount=more)
    judge(desk, sheet)
    return DONE


def interest(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """INTEREST of an asset over ``amount`` seconds, at the rate its utilisation gives under the first rules that
    lend.
    """
    t = desk.t
    if not 0 <= c.thing < int(t.top[TOP_THINGS]) or int(t.things[c.thing]["kind"]) != ASSET:
        return Answer(Reason.UNKNOWN_THING)
    if c.amount <= 0:
        return Answer(Reason.AMOUNT)
    rules = lending_rules(t)
    if rules is None:
        return Answer(Reason.UNKNOWN_RULES)
    row = t.things[c.thing]
    yearly_ppm = interest_ppm(t, rules, int(row["borrowed"]), int(t.house[House.LENDING, c.thing]))
    exact = yearly_ppm * ledger.MILLION * c.amount / YEAR_SECONDS
    more = ledger.divide_up(exact.numerator, exact.denominator)
    if int(row["carry"]) + more > MOST_GROWTH:
        return Answer(Reason.AMOUNT)
    row["carry"] += more
    return _accrued(desk, c, sheet, more)


def lending_rules(t: Tables) -> int | None:
    """The first rules row that borrows what is missing and prices it."""
    for rules in range(int(t.top[TOP_RULES])):
        row = t.rules[rules]
        names = ("base_ppm", "slope_low_ppm", "slope_high_ppm", "cap_ppm")
        if int(row["missing"]) == 0 and any(int(row[name]) for name in names):
            return rules
    return None


def interest_ppm(t: Tables, rules: int, borrowed: int, lent: int) -> Fraction:
    """Yearly rate in ppm at utilisation borrowed ÷ lent (1 where nothing is left to lend), exact."""
    row = t.rules[rules]
    full = Fraction(1 if borrowed else 0)
    used = Fraction(borrowed, lent) if lent > 0 else full
    kink = Fraction(int(row["kink_ppm"]), ledger.MILLION)
    low, high = min(used, kink), max(Fraction(0), used - kink)
    return int(row["base_ppm"]) + int(row["slope_low_ppm"]) * low + int(row["slope_high_ppm"]) * high
