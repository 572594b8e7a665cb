"""Chains of resting orders: each entry's orders in order of reference, and the rows they stand in.

Nothing here knows a rule or a price: who may rest an order, and what it costs, is in :mod:`solvent.engine.orders`.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.jit import kernel
from solvent.engine.records import REDUCE_ONLY
from solvent.engine.slots import find
from solvent.engine.tables import FREE, NONE, TOP_LIVE_ORDERS, TOP_ORDERS, Tables


@kernel
def new_order(t: Tables) -> int:
    """A free row of the order slab, −1 when it is full.

    Invariant: no row is given twice before it is freed; live orders are counted. Cost: a few reads and writes.
    """
    last = t.free.size - 1
    found = t.free[last]
    if found >= 0:
        t.free[last] = t.order[found]["next"]
    elif t.top[TOP_ORDERS] < t.order.size:
        found = t.top[TOP_ORDERS]
        t.top[TOP_ORDERS] += 1
    else:
        return -1
    t.top[TOP_LIVE_ORDERS] += 1
    return found


@kernel
def free_order(t: Tables, at: int) -> None:
    """Give an order's row back, zeroed; it must not be chained any more.

    Invariant: a free row is zero but for its link; live orders are counted. Cost: one row.
    """
    row, last = t.order[at], t.free.size - 1
    row["ref"], row["pool"], row["key"], row["lots"], row["ticks"] = 0, 0, 0, 0, 0
    row["flags"], row["spare"], row["previous"] = 0, 0, 0
    row["next"] = t.free[last]
    t.free[last] = at
    t.top[TOP_LIVE_ORDERS] -= 1


@kernel
def chain(t: Tables, slot: int, at: int) -> None:
    """Put an order into its entry's chain, in order of reference.

    Invariant: the entry's chain stays in order of reference, linked both ways. Cost: the orders before it.
    """
    ref, before, after = t.order[at]["ref"], NONE, t.orders[slot]
    while after != NONE and t.order[after]["ref"] < ref:
        before, after = after, t.order[after]["next"]
    t.order[at]["previous"], t.order[at]["next"] = before, after
    if before == NONE:
        t.orders[slot] = at
    else:
        t.order[before]["next"] = at
    if after != NONE:
        t.order[after]["previous"] = at


@kernel
def unchain(t: Tables, slot: int, at: int) -> None:
    """Take an order out of its entry's chain and free its row.

    Invariant: the chain of the others stays whole and in order. Cost: a few reads and writes.
    """
    before, after = t.order[at]["previous"], t.order[at]["next"]
    if before == NONE:
        t.orders[slot] = after
    else:
        t.order[before]["next"] = after
    if after != NONE:
        t.order[after]["previous"] = before
    free_order(t, at)


@kernel
def order_at(t: Tables, slot: int, ref: int) -> int:
    """The row of an order of an entry by its reference, −1 where there is none.

    Invariant: an entry has at most one order of a reference. Cost: the orders up to it.
    """
    at = t.orders[slot]
    while at != NONE and t.order[at]["ref"] < ref:
        at = t.order[at]["next"]
    return at if at != NONE and t.order[at]["ref"] == ref else -1


@kernel
def find_order(t: Tables, pool: int, thing: int, ref: int) -> tuple[int, int]:
    """Slot of the entry and row of an order, over all legs; (−1, −1) where there is none.

    Invariant: a reference is unique in a pool and thing, over all legs. Cost: three looks through the pool's entries,
    and the orders up to it.
    """
    for leg in range(3):
        slot = find(t, pool, thing * 4 + leg)
        if slot >= 0:
            at = order_at(t, slot, ref)
            if at >= 0:
                return slot, at
    return -1, -1


@kernel
def side_lots(t: Tables, slot: int, side: int) -> int:
    """Σ signed lots of an entry's orders of one side that add to requirements.

    Invariant: reduce-only orders count for nothing. Cost: the entry's orders.
    """
    total, at = 0, t.orders[slot]
    while at != NONE:
        row = t.order[at]
        if row["lots"] * side > 0 and row["flags"] & REDUCE_ONLY == 0:
            total += row["lots"]
        at = row["next"]
    return total


@kernel
def all_side_lots(t: Tables, slot: int, side: int) -> int:
    """Σ signed lots of all of an entry's orders of one side.

    Invariant: reduce-only orders count like others. Cost: the entry's orders.
    """
    total, at = 0, t.orders[slot]
    while at != NONE:
        if t.order[at]["lots"] * side > 0:
            total += t.order[at]["lots"]
        at = t.order[at]["next"]
    return total


@kernel
def count_orders(t: Tables, pool: int) -> int:
    """How many orders rest in a pool: the events :func:`release_all` will write.

    Invariant: equals the number of events of :func:`release_all` for all things. Cost: one pass over the pool's
    entries, and its orders.
    """
    first, found = t.pools[pool]["first"], 0
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] != FREE:
            at = t.orders[e]
            while at != NONE:
                found += 1
                at = t.order[at]["next"]
    return found


@kernel
def next_with_orders(t: Tables, pool: int, thing: int, last: int) -> int:
    """The entry with orders whose key is the smallest above ``last``, −1 where there is none.

    Invariant: called with its last answer's key it gives each entry once, by key. Cost: one pass over the pool's
    entries.
    """
    first, found = t.pools[pool]["first"], -1
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] <= last or t.orders[e] == NONE or (thing != NONE and t.key[e] >> 2 != thing):
            continue
        if found < 0 or t.key[e] < t.key[found]:
            found = e
    return found
