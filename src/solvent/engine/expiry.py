"""SETTLE: a future past its expiry ends; every position is closed at one price, exactly."""

from __future__ import annotations

import numpy as np

from solvent.engine.chains import count_orders
from solvent.engine.conversion import aftermath
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.fills import post_side
from solvent.engine.hashing import live_entries
from solvent.engine.jit import kernel
from solvent.engine.orders import release_all
from solvent.engine.records import Happened, House, Reason, ThingState
from solvent.engine.slots import find, tidy
from solvent.engine.stops import drop_stop
from solvent.engine.tables import STANDING, TOP_ORDERS, TOP_THINGS, TOP_TIME, Tables
from solvent.engine.value import lowest_ticks, worth

ROUNDING = int(House.ROUNDING)


def settle(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """SETTLE: positions by pool and leg (SETTLED), then orders by pool (CANCELLED), then pools under liquidation.

    A position gets its worth at the price, an inverse one rounded down; what rounding leaves goes to ROUNDING. Standing
    stops of the instrument are gone without an event.
    """
    t = desk.t
    if not 0 <= c.thing < int(t.top[TOP_THINGS]):
        return Answer(Reason.UNKNOWN_THING)
    row = t.things[c.thing]
    if int(row["expiry_ns"]) == 0:
        return Answer(Reason.UNSUPPORTED)
    if int(row["state"]) == ThingState.CLOSED:
        return Answer(Reason.STATE)
    if not int(lowest_ticks(t, c.thing)) <= c.ticks <= int(row["max_ticks"]):
        return Answer(Reason.AMOUNT)
    if int(t.top[TOP_TIME]) < int(row["expiry_ns"]):
        return Answer(Reason.TIME)
    entries = live_entries(t)
    mine = entries.key >> 2 == c.thing
    held = list(zip(entries.pool[mine].tolist(), entries.key[mine].tolist(), strict=True))
    for pool, key in held:
        lots = int(close_at(t, pool, key, c.ticks))
        if lots:
            sheet.write(Happened.SETTLED, pool=pool, thing=c.thing, lots=lots, ticks=c.ticks)
    pools = sorted({pool for pool, _ in held})
    row["state"] = ThingState.CLOSED
    for pool in pools:
        sheet.reserve(int(count_orders(t, pool)))
        sheet.at = int(release_all(t, pool, c.thing, sheet.events, sheet.at))
    _forget_choices(t, held)
    _drop_stops(t, c.thing)
    for pool in pools:
        kind, left = aftermath(t, pool)
        if kind:
            sheet.write(int(kind), pool=pool, short=int(left))
    return DONE


@kernel
def close_at(t: Tables, pool: int, key: int, ticks: int) -> int:
    """Close one position at a price: the lots it had, 0 where the entry was flat.

    Invariant: what is paid out and what goes to ROUNDING sum to zero. Cost: a look through the pool's entries and a
    fill's postings.
    """
    slot, thing = find(t, pool, key), key >> 2
    lots: int = t.lots[slot]
    if lots == 0:
        return 0
    cost = -worth(t, thing, lots, ticks)
    settle = t.things[thing]["settle"]
    post_side(t, pool, slot, thing, -lots, ticks, cost, 0, 0)
    t.house[ROUNDING, settle] += cost
    return lots


def _forget_choices(t: Tables, held: list[tuple[int, int]]) -> None:
    """Free entries that only a leverage choice kept."""
    for pool, key in held:
        slot = int(find(t, pool, key))
        if slot >= 0:
            tidy(t, pool, slot)


def _drop_stops(t: Tables, thing: int) -> None:
    rows = t.order[: int(t.top[TOP_ORDERS])]
    mine = (rows["ref"] > 0) & (rows["flags"] & STANDING != 0) & (rows["key"] >> 2 == thing)
    for at in np.flatnonzero(mine):
        drop_stop(t, int(at))
