"""STOP: standing reduce-only triggers on the mark. They reserve nothing, are chained to no entry, and are found by
pool, instrument and reference; when the mark reaches one, a STOPPED event tells whoever sends the order, and the stop
is gone.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

import numpy as np

from solvent.engine.chains import free_order, new_order
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.jit import kernel
from solvent.engine.orders import covered, leg_fits
from solvent.engine.records import FIRST_USER_POOL, LEG_MASK, STOP_BELOW, Happened, PoolState, Reason, ThingState
from solvent.engine.slots import find
from solvent.engine.tables import (
    ASSET,
    I64,
    NONE,
    SPOT,
    STANDING,
    TOP_ORDERS,
    TOP_POOLS,
    TOP_STOPS,
    TOP_THINGS,
    UNCOVERED,
    Tables,
)

FAR = (1 << 63) - 1


def standing(desk: Desk, pool: int, thing: int, ref: int) -> int:
    """The row of a standing stop, −1 where there is none.

    The desk remembers where each stop was put; what stands there now is looked at, so that nobody who drops a stop
    need say so. Of an engine that was restored, the stops that stand are found once.
    """
    t = desk.t
    if desk.stops is None:
        rows = t.order[: int(t.top[TOP_ORDERS])]
        places = np.flatnonzero(rows["flags"] & STANDING != 0)
        names = zip(rows["pool"][places], rows["key"][places] >> 2, rows["ref"][places], strict=True)
        desk.stops = {(int(a), int(b), int(c)): at for (a, b, c), at in zip(names, places.tolist(), strict=True)}
    at = desk.stops.get((pool, thing, ref), NONE)
    if at == NONE:
        return NONE
    row = t.order[at]
    same = (int(row["ref"]), int(row["pool"]), int(row["key"]) >> 2) == (ref, pool, thing)
    return at if same and int(row["flags"]) & STANDING else NONE


def stop(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """STOP: a new stop of a position it would reduce, or (lots 0) the standing one ``ref`` withdrawn, in any state."""
    t = desk.t
    refused = _known(t, c)
    if refused:
        return Answer(refused)
    if c.lots == 0:
        at = standing(desk, c.pool, c.thing, c.ref) if c.ref > 0 else NONE
        if at == NONE:
            return Answer(Reason.UNKNOWN_ORDER)
        drop_stop(t, at)
        return DONE
    refused = _sound(desk, c)
    if refused:
        return Answer(refused)
    at = int(new_order(t))
    if at < 0:
        return Answer(Reason.FULL)
    row = t.order[at]
    row["ref"], row["pool"], row["key"] = c.ref, c.pool, c.thing * (LEG_MASK + 1) + (c.flags & LEG_MASK)
    row["lots"], row["ticks"], row["flags"] = c.lots, c.ticks, STANDING | (c.flags & STOP_BELOW)
    add_stop(t, at)
    desk.triggers = None
    if desk.stops is not None:
        desk.stops[c.pool, c.thing, c.ref] = at
    return DONE


def _known(t: Tables, c: Command) -> Reason | None:
    if c.flags & ~(LEG_MASK | STOP_BELOW):
        return Reason.MALFORMED
    if not FIRST_USER_POOL <= c.pool < int(t.top[TOP_POOLS]):
        return Reason.UNKNOWN_POOL
    if not 0 <= c.thing < int(t.top[TOP_THINGS]) or int(t.things[c.thing]["kind"]) == ASSET:
        return Reason.UNKNOWN_THING
    return Reason.UNSUPPORTED if int(t.things[c.thing]["kind"]) in (SPOT, UNCOVERED) else None


def _sound(desk: Desk, c: Command) -> Reason | None:
    t = desk.t
    row = t.things[c.thing]
    if int(row["state"]) >= ThingState.HALTED:
        return Reason.STATE
    if c.ref <= 0 or not 0 < c.ticks <= int(row["max_ticks"]) or abs(c.lots) > int(row["max_lots"]):
        return Reason.AMOUNT
    if standing(desk, c.pool, c.thing, c.ref) >= 0:
        return Reason.REFERENCE_TAKEN
    if int(t.pools[c.pool]["state"]) != PoolState.HEALTHY:
        return Reason.POOL_STATE
    if not covered(t, c.pool, c.thing):
        return Reason.SCOPE
    leg = c.flags & LEG_MASK
    if not leg_fits(t, c.pool, leg):
        return Reason.LEG
    slot = int(find(t, c.pool, c.thing * (LEG_MASK + 1) + leg))
    held = int(t.lots[slot]) if slot >= 0 else 0
    if held == 0:
        return Reason.NOT_HELD
    return None if abs(held + c.lots) < abs(held) and (held + c.lots) * held >= 0 else Reason.NOT_REDUCING


@kernel
def add_stop(t: Tables, at: int) -> None:
    """Put a row at the head of the standing stops.

    Invariant: the list stays linked both ways, with row + 1 in its links and 0 as its end. Cost: a few writes.
    """
    after = t.top[TOP_STOPS]
    t.order[at]["previous"], t.order[at]["next"] = 0, after
    t.top[TOP_STOPS] = at + 1
    if after > 0:
        t.order[after - 1]["previous"] = at + 1


@kernel
def drop_stop(t: Tables, at: int) -> None:
    """Take a standing stop out and give its row back.

    Invariant: the other stops stay linked in their order. Cost: a few writes.
    """
    before, after = t.order[at]["previous"], t.order[at]["next"]
    if before > 0:
        t.order[before - 1]["next"] = after
    else:
        t.top[TOP_STOPS] = after
    if after > 0:
        t.order[after - 1]["previous"] = before
    free_order(t, at)


@kernel
def reached(t: Tables, out: I64) -> int:
    """How many standing stops' triggers the marks have reached; their rows go to ``out`` as far as it reaches.

    Invariant: nothing is changed; a thing without a mark triggers nothing. Cost: one row a standing stop.
    """
    count, at = 0, t.top[TOP_STOPS]
    while at > 0:
        row = t.order[at - 1]
        mark = t.things[row["key"] >> 2]["mark"]
        below = row["flags"] & STOP_BELOW != 0
        if mark > 0 and ((below and mark <= row["ticks"]) or (not below and mark >= row["ticks"])):
            if count < out.size:
                out[count] = at - 1
            count += 1
        at = row["next"]
    return count


@kernel
def nearest(t: Tables, out: I64) -> None:
    """Of each thing's standing stops the highest trigger from below, and the lowest from above.

    Invariant: a mark between the two reaches no stop of the thing. Cost: one row a standing stop.
    """
    for k in range(0, out.size, 2):
        out[k], out[k + 1] = 0, FAR
    at = t.top[TOP_STOPS]
    while at > 0:
        row = t.order[at - 1]
        k = 2 * (row["key"] >> 2)
        if row["flags"] & STOP_BELOW != 0:
            out[k] = max(out[k], row["ticks"])
        else:
            out[k + 1] = min(out[k + 1], row["ticks"])
        at = row["next"]


@kernel
def near(t: Tables, triggers: I64) -> bool:
    """Whether a mark has reached a nearest trigger, so that stops must be looked at.

    Invariant: where False, :func:`reached` would find none. Cost: two comparisons a thing.
    """
    found = False
    for thing in range(t.top[TOP_THINGS]):
        mark = t.things[thing]["mark"]
        found = found or (mark > 0 and (mark <= triggers[2 * thing] or mark >= triggers[2 * thing + 1]))
    return found


def trigger_stops(desk: Desk, sheet: Sheet) -> None:
    """Standing stops whose trigger the mark has reached, by reference: a STOPPED event each, and the stop is gone.

    Nobody is looked at while no mark has reached the nearest trigger of its thing; a stop that was dropped meanwhile
    only makes that happen too often.
    """
    t = desk.t
    if not int(t.top[TOP_STOPS]) or (desk.triggers is not None and not near(t, desk.triggers)):
        return
    _trigger(desk, sheet)
    desk.triggers = np.zeros(2 * t.things.size, np.int64)
    nearest(t, desk.triggers)


def _trigger(desk: Desk, sheet: Sheet) -> None:
    t = desk.t
    slots = np.zeros(int(reached(t, np.zeros(0, np.int64))), np.int64)
    reached(t, slots)
    rows = t.order[slots]
    for at in slots[np.lexsort((rows["flags"], rows["key"], rows["pool"], rows["ref"]))]:
        row = t.order[at]
        thing = int(row["key"]) >> 2
        sheet.write(
            Happened.STOPPED, pool=int(row["pool"]), thing=thing, lots=int(row["lots"]), ref=int(row["ref"]),
            ticks=int(t.things[thing]["mark"]),
        )  # fmt: skip
        drop_stop(t, int(at))
