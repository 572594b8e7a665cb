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
from solvent.engine.cash import AMOUNT, OK, UNKNOWN_THING
from solvent.engine.chains import count_orders
from solvent.engine.conversion import aftermath, flat
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.hot import write_state
from solvent.engine.jit import kernel
from solvent.engine.names import PayloadError
from solvent.engine.orders import release_all
from solvent.engine.records import FIRST_USER_POOL, Happened, House, PoolState, Reason, Records, ThingState
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

MAINTAIN, RECOVER = Purpose.MAINTAIN.value, Purpose.RECOVER.value
HEALTHY, LIQUIDATING = int(PoolState.HEALTHY), int(PoolState.LIQUIDATING)
BREACHED, TIME = int(Happened.BREACHED), int(Reason.TIME)
MAYBE_TWICE = -1
PAIR_BYTES = 16
MIRRORED_EVERY, WINDOWS_AT_ONCE = 64, 2  # epochs; windows of lanes laid out again meanwhile
LANES_FASTER = 4  # a pass over all pools in lanes costs what reading this part of them from the tables does
BILLION = 1_000_000_000
MOST_RATE_PPB = BILLION  # a funding rate of 100 % of the mark
YEAR_SECONDS = 365 * 86_400
MOST_GROWTH = ledger.TRILLION  # of an interest index, so that what is due fits 64 bits


@kernel
def breaches(t: Tables, q: Marks, screen: bool, low: int, high: int, found: I32) -> int:
    """Healthy pools from ``low`` up to ``high`` in breach at MAINTAIN, written to ``found[low:]``; how many.

    Invariant: everybody in breach is found, once, by pool; with and without the screen the same. Cost: the screen's
    pass a healthy pool, and the exact kernel for who is not proved.
    """
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
    """Margin equity and requirement at MAINTAIN of each pool, exact: four numbers a pool (units, millionths, twice).

    Invariant: exact, and nothing is changed. Cost: one pass over the entries of each pool.
    """
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


def worst_first(pools: I32, out: I64) -> I64:
    """Places of pools, worst first, as :meth:`Breach.badness` sorts them; ``out`` is what :func:`measured` says.

    Ratios are taken in floats, which are off by less than a thousand-millionth: where neighbours differ by more they
    are in order, and a run of nearer ones is put in order exactly.
    """
    if pools.size == 1:
        return np.zeros(1, np.int64)
    rows = out.reshape(-1, 4)
    equity, required = rows[:, 0] + rows[:, 1] / 1e6, rows[:, 2] + rows[:, 3] / 1e6
    some = (rows[:, 2] > 0) | ((rows[:, 2] == 0) & (rows[:, 3] > 0))
    ratio = np.where(some, equity / np.where(some, required, 1.0), 0.0)
    order = np.lexsort((pools, ratio, some)).astype(np.int64)
    ratio, some = ratio[order], some[order]
    near = some[:-1] & (ratio[1:] - ratio[:-1] <= 1e-9 * (abs(ratio[1:]) + abs(ratio[:-1])))
    starts = np.flatnonzero(near & ~np.r_[False, near[:-1]])
    for start in starts.tolist():
        stop = start + 1
        while stop <= near.size and near[stop - 1]:
            stop += 1
        run = order[start:stop].tolist()
        order[start:stop] = sorted(run, key=lambda k: _breach(pools, rows, k).badness())
    return order


def _breach(pools: I32, rows: I64, k: int) -> Breach:
    equity, equity_rest, required, required_rest = (int(x) for x in rows[k])
    million = ledger.MILLION
    return Breach(int(pools[k]), equity * million + equity_rest, required * million + required_rest)


def found_breaches(desk: Desk) -> tuple[Marks, I32]:
    """The present marks, and every pool in breach now, in no order: below the frontier by bands, else by the scan."""
    t, watch = desk.t, desk.watch
    if watch is None:
        q = packed(t)
        return q, scanned(desk, q, FIRST_USER_POOL)
    below, frontier = watch.judged(t, desk.screen)
    if frontier == int(t.top[TOP_POOLS]):
        return watch.marks, below
    return watch.marks, np.concatenate([below, scanned(desk, watch.marks, frontier)])


def scanned(desk: Desk, q: Marks, frontier: int) -> I32:
    """Healthy pools from the frontier on that are in breach, in no order, each of them looked at."""
    t = desk.t
    count = int(t.top[TOP_POOLS])
    if desk.screen and desk.mirror.worth_keeping(t) and LANES_FASTER * (count - frontier) > count:
        pools = desk.mirror.breaches(t, q, desk.threads, desk.crew)
        return pools[pools >= frontier]
    found = np.zeros(count, np.int32)
    ranges = halves(t, frontier, desk.threads)
    counts = in_turn(lambda low, high: breaches(t, q, desk.screen, low, high, found), ranges, desk.crew)
    return np.concatenate([found[low : low + n] for (low, _), n in zip(ranges, counts, strict=True)])


@kernel
def stepped(t: Tables, q: Marks, screen: bool, pools: I32, out: I64) -> int:
    """What became of pools under liquidation: how many changed, each (pool, event kind, its short) in ``out``.

    The float screen sets aside those that have a position still and are proved not to have recovered.

    Invariant: with and without the screen the same pools change, the same way. Cost: the screen's pass a pool, and the
    exact kernel for who may have changed.
    """
    count = 0
    for k in range(pools.size):
        if screen:
            _value, equity, required, bound = stand(t, q, pools[k], RECOVER)
            if required - equity > bound and not flat(t, pools[k]):
                continue
        kind, left = aftermath(t, pools[k])
        if kind != 0:
            out[3 * count], out[3 * count + 1], out[3 * count + 2] = pools[k], kind, left
            count += 1
    return count


@kernel
def orders_of(t: Tables, pools: I32) -> int:
    """How many orders rest in pools.

    Invariant: the room that :func:`fallen` needs for CANCELLED. Cost: one pass over the pools' entries and their
    orders.
    """
    total = 0
    for k in range(pools.size):
        total += count_orders(t, pools[k])
    return total


@kernel
def fallen(t: Tables, pools: I32, shorts: I64, events: Records, at: int) -> int:
    """Pools in breach, in order: LIQUIDATING, a BREACHED event, their orders released; the next free event.

    A pool that is flat and worth less than nothing is BANKRUPT at once: no step could ever say so. Make room for two
    events a pool and one an order.

    Invariant: states and events depend on the order given and on nothing else. Cost: one pass over each pool's entries,
    and its orders.
    """
    for k in range(pools.size):
        pool = pools[k]
        t.pools[pool]["state"] = LIQUIDATING
        write_state(t, events, at, BREACHED, pool, shorts[k])
        at = release_all(t, pool, NONE, events, at + 1)
        kind, value = aftermath(t, pool)
        if kind != 0:
            write_state(t, events, at, kind, pool, value)
            at += 1
    return at


def under_liquidation(desk: Desk) -> I32:
    """Pools under liquidation, by id: of those that fell, who still is; all pools are looked at once."""
    states = desk.t.pools["state"]
    if desk.falling is None:
        desk.falling = np.flatnonzero(states[: int(desk.t.top[TOP_POOLS])] == LIQUIDATING).astype(np.int32)
    if desk.falling.size:
        desk.falling = desk.falling[states[desk.falling] == LIQUIDATING]
    return desk.falling


def judge(desk: Desk, sheet: Sheet) -> None:
    """Judge everybody; states, RECOVERED, BREACHED and CANCELLED events as the module says."""
    t = desk.t
    going = under_liquidation(desk)
    q, pools = found_breaches(desk)
    if going.size:  # judging others changes nothing of theirs
        changed = np.zeros(3 * going.size, np.int64)
        for pool, kind, left in changed[: 3 * int(stepped(t, q, desk.screen, going, changed))].reshape(-1, 3).tolist():
            sheet.write(kind, pool=pool, short=left)
    if pools.size:
        out = np.zeros(4 * pools.size, np.int64)
        measured(t, pools, out)
        order = worst_first(pools, out)
        pools, rows = pools[order], out.reshape(-1, 4)[order]
        shorts = rows[:, 0] - rows[:, 2] + (rows[:, 1] - rows[:, 3]) // ledger.MILLION
        sheet.reserve(2 * pools.size + int(orders_of(t, pools)))
        sheet.at = int(fallen(t, pools, shorts, sheet.events, sheet.at))
        desk.falling = np.sort(np.concatenate([going, pools]))
    if desk.watch is not None:
        desk.watch.arm_page(t, pools.size)
        if desk.watch.epochs % MIRRORED_EVERY == 0 and desk.screen and desk.mirror.worth_keeping(t):
            desk.mirror.refresh(t, WINDOWS_AT_ONCE)  # so that a scan, when it comes, finds what has changed laid out


@kernel
def rising(pairs: I64) -> bool:
    """Whether the things of (thing, ticks) pairs rise, so that none comes twice.

    Invariant: where True, no thing comes twice. Cost: one comparison a pair.
    """
    rises = True
    for k in range(2, pairs.size, 2):
        rises = rises and pairs[k] > pairs[k - 2]
    return rises


@kernel
def take_prices(t: Tables, pairs: I64, now: int, apart: bool) -> int:
    """Write the marks of (thing, ticks) pairs and the time; OK, the reason against it, or MAYBE_TWICE.

    MAYBE_TWICE where the pairs do not rise and are not known to be ``apart``; nothing is written but with OK.

    Invariant: all marks and the time change, or nothing does. Cost: a few passes over the pairs.
    """
    if not apart and not rising(pairs):
        return MAYBE_TWICE
    for k in range(0, pairs.size, 2):
        if pairs[k] < 0 or pairs[k] >= t.top[TOP_THINGS]:
            return UNKNOWN_THING
    for k in range(0, pairs.size, 2):
        thing, ticks = pairs[k], pairs[k + 1]
        if ticks < lowest_ticks(t, thing) or ticks > t.things[thing]["max_ticks"]:
            return AMOUNT
    if now < t.top[TOP_TIME]:
        return TIME
    for k in range(0, pairs.size, 2):
        t.things[pairs[k]]["mark"] = pairs[k + 1]
    t.top[TOP_TIME] = now
    t.top[TOP_EPOCH] += 1
    return OK


def prices(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """PRICES: marks and index prices, time, a new epoch; then stops by reference; then everybody is judged."""
    t, payload = desk.t, c.payload or b""
    if len(payload) % PAIR_BYTES:
        raise PayloadError(f"payload must be pairs of 64-bit integers, not {len(payload)} bytes")
    pairs = np.array(np.frombuffer(payload, "<i8"))
    taken = int(take_prices(t, pairs, c.amount, False))
    if taken == MAYBE_TWICE:
        if np.unique(pairs[::2]).size != pairs.size // 2:
            raise PayloadError("payload must give each thing one price")
        taken = int(take_prices(t, pairs, c.amount, True))
    if taken != OK:
        return Answer(Reason(taken))
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
