"""One epoch under bands, in kernels: bring prices to the ladders, judge who is touched, judge the active list.

A pool below the frontier is armed or on the list, so that judging the touched and the list is judging everybody below
the frontier: an armed pool nobody touched is sound by the proof in :mod:`solvent.engine.bands`. Pools from the frontier
on are judged by the scan. Judging is the same code as the scan's: the float screen, then the exact kernel.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.hedges import arm_best, ratios_noticed
from solvent.engine.jit import kernel, prefetch, prefetch_row
from solvent.engine.ladders import (
    ABOVE,
    BELOW,
    HEDGES,
    LIMIT,
    OVER,
    REARMED,
    SCANNED,
    TOUCHES,
    Bands,
    centre,
    relay,
    sweep,
)
from solvent.engine.leaving import ARMED, COUNT, FRONTIER, LIST, NEAR_EPOCHS, OFF, READY, UNFIT, enlist
from solvent.engine.records import FIRST_USER_POOL, PoolState
from solvent.engine.screen import Marks, stand
from solvent.engine.tables import ASSET, I32, LINEAR, TOP_THINGS, Tables
from solvent.engine.value import MAINTAIN, in_breach

HEALTHY = int(PoolState.HEALTHY)
AHEAD = 12  # pools whose memory is asked for in advance: a hint
MEAN_OF = 1.0 / 64.0  # weight of an epoch's move in the usual move
SPARE_SHARE = 64  # of a mark, funding that edges are proved for; of a debt, interest
LEAST_MOVE, MOST_MOVE = 1e-6, 1e-2


@kernel
def moved(t: Tables, q: Marks, b: Bands, thing: int) -> float:
    """Bring the packed mark of a thing to the tables'; its coordinate, 0 without a price or without ladders.

    Invariant: the packed mark equals the tables' afterwards. Cost: a few reads and writes.
    """
    row, out = t.things[thing], q.things[thing]
    out["mark"], out["carry"] = row["mark"], row["carry"]
    if row["kind"] == ASSET:
        return float(row["mark"])
    if row["kind"] != LINEAR:
        return 0.0
    unit = row["tick_value"] * row["mark"]
    out["unit"] = unit
    if row["mark"] == 0:
        return 0.0
    return float(unit - (row["carry"] - b.base[thing]))


@kernel
def proved_ahead(t: Tables, b: Bands, thing: int) -> None:
    """Edges on a contract with its first price are proved for funding of this part of it; none is set yet.

    Invariant: no edge stands on the contract yet. Cost: a few operations.
    """
    row = t.things[thing]
    if row["kind"] == LINEAR:
        b.most[thing] = row["carry"] + row["tick_value"] * row["mark"] // SPARE_SHARE


@kernel
def noticed(t: Tables, q: Marks, b: Bands, limit: int) -> bool:
    """Bring coordinates to the tables' prices and touch whom they reach; False where bands no longer serve.

    That is where more than ``limit`` pools are touched, or funding or interest has grown beyond what edges were proved
    for.

    Invariant: where True, every armed pool whose edge is reached is touched. Cost: two comparisons a thing, and what
    :func:`sweep` says for those that moved.
    """
    b.counts[TOUCHES], b.counts[LIMIT] = 0, limit
    serve, armed = True, t.active[FRONTIER] > FIRST_USER_POOL
    for thing in range(t.top[TOP_THINGS]):
        price, before = moved(t, q, b, thing), b.at[thing]
        serve = serve and t.things[thing]["carry"] <= b.most[thing]
        if price == before:
            continue
        b.at[thing] = price
        if before <= 0.0:
            if price > 0.0:
                centre(b, thing, price)
                proved_ahead(t, b, thing)
            serve = serve and before == 0.0
            continue
        move = min(abs(price - before) / before, MOST_MOVE)
        b.usual[thing] = max(LEAST_MOVE, b.usual[thing] + (move - b.usual[thing]) * MEAN_OF)
        if serve and armed:
            sweep(t, b, thing, BELOW if price < before else ABOVE, price)
            serve = b.counts[TOUCHES] <= limit
        if price > 0.0 and (price < b.lowest[thing] or price > b.highest[thing]):
            relay(b, thing, price)
    if serve and b.counts[HEDGES] != 0:
        serve = ratios_noticed(t, b, armed)
    return serve


@kernel
def breached(t: Tables, q: Marks, screen: bool, pool: int) -> bool:
    """Whether a pool is in breach at MAINTAIN: the float screen sets aside what it proves, the exact kernel decides.

    Invariant: the exact kernel's verdict, with and without the screen. Cost: the screen's pass, and the exact kernel
    where it does not prove.
    """
    if screen:
        _value, equity, required, bound = stand(t, q, pool, MAINTAIN)
        if equity - required > bound:
            return False
    return in_breach(t, pool)


@kernel
def look_at(t: Tables, b: Bands, pools: I32, k: int, first: int, stop: int) -> None:
    """Ask for the memory of pools to come, of those from ``first`` to ``stop``: rows first, then entries and their
    edges, then the edges beside these in their buckets. Changes nothing.

    Invariant: nothing is changed. Cost: a hint a few pools ahead.
    """
    at = k + 2 * AHEAD
    if first <= at < stop:
        prefetch_row(t.pools, pools[at])
    at = k + AHEAD
    if first <= at < stop:
        row = t.pools[pools[at]]
        slot, last = row["first"], row["first"] + max(row["used"], 1) - 1
        prefetch(t.key, slot)
        for e in (slot, last):
            prefetch(t.lots, e)
            prefetch(t.cost, e)
            prefetch(t.carry, e)
            prefetch(b.node, e)
    at = k + AHEAD // 2
    if first <= at < stop:
        row = t.pools[pools[at]]
        for e in range(row["first"], row["first"] + row["used"]):
            before, after = b.node[e]["before"], b.node[e]["after"]
            if before > 0:
                prefetch(b.node, before - 1)
            elif b.node[e]["bucket"] > 0:
                prefetch(b.head, b.node[e]["bucket"])
            if after > 0:
                prefetch(b.node, after - 1)


@kernel
def look_first(t: Tables, b: Bands, pools: I32, first: int, stop: int) -> None:
    """Ask for the memory of the first pools of a list before any is looked at; a short list is nothing else.

    Invariant: nothing is changed. Cost: hints for the first pools of the list.
    """
    for k in range(first - 2 * AHEAD, first):
        look_at(t, b, pools, k, first, stop)


@kernel
def armed_or_listed(t: Tables, b: Bands, pool: int) -> bool:
    """Arm a healthy pool that is on no list, or put it on the active list; whether it is armed.

    Invariant: afterwards the pool is armed, or on the list. Cost: that of :func:`arm`.
    """
    found = arm_best(t, b, pool)
    b.counts[REARMED] += 1
    if found == ARMED:
        return True
    enlist(t, pool, UNFIT if found == UNFIT else READY + NEAR_EPOCHS)
    return False


@kernel
def listed_judged(t: Tables, q: Marks, b: Bands, screen: bool, found: I32, count: int) -> int:
    """Judge the active list: pools in breach and pools armed again leave it, the others stay in order.

    Invariant: whoever stays on the list stays in order; who leaves it is in breach or armed. Cost: judging every pool
    on the list, arming some.
    """
    stop, kept = t.active[COUNT], 0
    look_first(t, b, t.active, LIST, LIST + stop)
    for k in range(stop):
        look_at(t, b, t.active, LIST + k, LIST, LIST + stop)
        pool = t.active[LIST + k]
        row = t.pools[pool]
        watch = row["watch"]
        if breached(t, q, screen, pool):
            row["watch"] = OFF
            found[count] = pool
            count += 1
            continue
        if watch > READY:
            row["watch"] = watch - 1
        elif watch == READY:
            b.counts[REARMED] += 1
            again = arm_best(t, b, pool)
            if again == ARMED:
                continue
            row["watch"] = UNFIT if again == UNFIT else READY + NEAR_EPOCHS
        t.active[LIST + kept] = pool
        kept += 1
    t.active[COUNT] = kept
    b.counts[SCANNED] += stop
    return count


@kernel
def touched_judged(t: Tables, q: Marks, b: Bands, screen: bool, found: I32, count: int) -> int:
    """Judge the touched pools; each that stands is armed anew, or goes on the active list where it cannot be.

    Invariant: afterwards no pool is TOUCHED. Cost: judging and arming every touched pool.
    """
    stop = b.counts[TOUCHES]
    look_first(t, b, b.touched, 0, stop)
    for k in range(stop):
        look_at(t, b, b.touched, k, 0, stop)
        pool = b.touched[k]
        if breached(t, q, screen, pool):
            t.pools[pool]["watch"] = OFF
            found[count] = pool
            count += 1
        else:
            armed_or_listed(t, b, pool)
    return count


@kernel
def epoch(t: Tables, q: Marks, b: Bands, screen: bool, limit: int, found: I32) -> int:
    """Judge everybody below the frontier: how many of ``found`` are in breach; −1 where that must be left to the scan.

    Then, more than ``limit`` pools touched or listed or bands that no longer serve, nobody has been judged and the
    frontier must go back to the first pool. Every pool on the list is HEALTHY.

    Invariant: where not negative, everybody below the frontier in breach is in ``found``, once. Cost: the things, the
    buckets passed, the touched pools and the list.
    """
    if not noticed(t, q, b, limit) or b.counts[TOUCHES] + t.active[COUNT] > limit:
        b.counts[OVER] += 1
        return -1
    count = listed_judged(t, q, b, screen, found, 0)
    return touched_judged(t, q, b, screen, found, count)


@kernel
def page_armed(t: Tables, b: Bands, low: int, high: int) -> None:
    """Move the frontier from ``low`` to ``high``: each pool between is armed or listed, or OFF where it is not HEALTHY.

    Invariant: every HEALTHY pool below the frontier is armed or on the list. Cost: one to two microseconds a pool.
    """
    t.active[FRONTIER] = high
    for pool in range(low, high):
        row = t.pools[pool]
        row["watch"] = OFF
        if row["state"] == HEALTHY:
            armed_or_listed(t, b, pool)
