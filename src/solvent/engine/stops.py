"""STOP: standing reduce-only triggers on the mark. They reserve nothing, are chained to no entry, and are found by
pool, instrument and reference; when the mark reaches one, a STOPPED event tells whoever sends the order, and the stop
is gone.
"""

from __future__ import annotations

import numpy as np

from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.hashing import live_orders
from solvent.engine.jit import kernel
from solvent.engine.orders import covered, free_order, leg_fits, new_order
from solvent.engine.records import FIRST_USER_POOL, LEG_MASK, STOP_BELOW, Happened, PoolState, Reason, ThingState
from solvent.engine.slots import find
from solvent.engine.tables import ASSET, NONE, SPOT, STANDING, TOP_ORDERS, TOP_POOLS, TOP_THINGS, UNCOVERED, Tables


@kernel
def standing(t: Tables, pool: int, thing: int, ref: int) -> int:
    """The row of a standing stop, −1 where there is none."""
    for at in range(t.top[TOP_ORDERS]):
        row = t.order[at]
        if row["ref"] == ref and row["pool"] == pool and row["key"] >> 2 == thing and row["flags"] & STANDING != 0:
            return at
    return -1


def stop(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """STOP: a new stop of a position it would reduce, or (lots 0) the standing one ``ref`` withdrawn, in any state."""
    t = desk.t
    refused = _known(t, c)
    if refused:
        return Answer(refused)
    if c.lots == 0:
        at = int(standing(t, c.pool, c.thing, c.ref)) if c.ref > 0 else NONE
        if at == NONE:
            return Answer(Reason.UNKNOWN_ORDER)
        free_order(t, at)
        return DONE
    refused = _sound(t, c)
    if refused:
        return Answer(refused)
    at = int(new_order(t))
    if at < 0:
        return Answer(Reason.FULL)
    row = t.order[at]
    row["ref"], row["pool"], row["key"] = c.ref, c.pool, c.thing * (LEG_MASK + 1) + (c.flags & LEG_MASK)
    row["lots"], row["ticks"], row["flags"] = c.lots, c.ticks, STANDING | (c.flags & STOP_BELOW)
    row["next"] = row["previous"] = NONE
    return DONE


def _known(t: Tables, c: Command) -> Reason | None:
    if c.flags & ~(LEG_MASK | STOP_BELOW):
        return Reason.MALFORMED
    if not FIRST_USER_POOL <= c.pool < int(t.top[TOP_POOLS]):
        return Reason.UNKNOWN_POOL
    if not 0 <= c.thing < int(t.top[TOP_THINGS]) or int(t.things[c.thing]["kind"]) == ASSET:
        return Reason.UNKNOWN_THING
    return Reason.UNSUPPORTED if int(t.things[c.thing]["kind"]) in (SPOT, UNCOVERED) else None


def _sound(t: Tables, c: Command) -> Reason | None:
    row = t.things[c.thing]
    if int(row["state"]) >= ThingState.HALTED:
        return Reason.STATE
    if c.ref <= 0 or not 0 < c.ticks <= int(row["max_ticks"]) or abs(c.lots) > int(row["max_lots"]):
        return Reason.AMOUNT
    if int(standing(t, c.pool, c.thing, c.ref)) >= 0:
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


def trigger_stops(desk: Desk, sheet: Sheet) -> None:
    """Standing stops whose trigger the mark has reached, by reference: a STOPPED event each, and the stop is gone."""
    t = desk.t
    slots = live_orders(t)
    rows = t.order[slots]
    marks = t.things["mark"][rows["key"] >> 2]
    below = rows["flags"] & STOP_BELOW != 0
    reached = np.where(below, marks <= rows["ticks"], marks >= rows["ticks"])
    for at in slots[reached & (marks > 0) & (rows["flags"] & STANDING != 0)]:
        row = t.order[at]
        thing = int(row["key"]) >> 2
        sheet.write(
            Happened.STOPPED, pool=int(row["pool"]), thing=thing, lots=int(row["lots"]), ref=int(row["ref"]),
            ticks=int(t.things[thing]["mark"]),
        )  # fmt: skip
        free_order(t, int(at))
