"""Where a pool's entries lie: blocks of 4·2^k slots in one slab, each beginning at a multiple of four.

Blocks given back form one list a size, threaded through ``cost`` of their first slot. Free means zeroed, so that
nothing stale comes back. A block never shrinks; ``used`` does, when what lies last is freed.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.jit import kernel
from solvent.engine.leaving import leave
from solvent.engine.tables import ASSET, FREE, NONE, TOP_ENTRIES, Tables
from solvent.engine.value import numeraire_of

SMALLEST = 4


@kernel
def find(t: Tables, pool: int, key: int) -> int:
    """The slot of a key in a pool, −1 where it has none. No early exit, so that it vectorises.

    Invariant: a pool has a key once. Cost: one pass over the used part of its block.
    """
    first, used = t.pools[pool]["first"], t.pools[pool]["used"]
    here = -1
    for e in range(first, first + used):
        here = e if t.key[e] == key else here
    return here


@kernel
def size_class(room: int) -> int:
    """k of a block of 4·2^k slots.

    Invariant: 4·2^k is the smallest block that holds ``room``. Cost: a step a doubling.
    """
    size = 0
    while (SMALLEST << size) < room:
        size += 1
    return size


@kernel
def wipe(t: Tables, slot: int) -> None:
    """Make a slot free: zero everywhere, no key, no order.

    Invariant: a free slot is zero, so that what comes next finds nothing stale. Cost: six writes.
    """
    t.key[slot] = FREE
    t.lots[slot] = 0
    t.cost[slot] = 0
    t.carry[slot] = 0
    t.leverage[slot] = 0
    t.orders[slot] = NONE


@kernel
def new_block(t: Tables, size: int) -> int:
    """First slot of a free block of 4·2^size slots, −1 when the slab has none left.

    Invariant: no block is given twice before it is given back. Cost: a few reads and writes.
    """
    found = t.free[size]
    if found >= 0:
        t.free[size] = t.cost[found]
        t.cost[found] = 0
        return found
    found = t.top[TOP_ENTRIES]
    if found + (SMALLEST << size) > t.key.size:
        return -1
    t.top[TOP_ENTRIES] += SMALLEST << size
    return found


@kernel
def grow(t: Tables, pool: int) -> bool:
    """Give a pool its first block, or move its entries to one of twice the room (its bands stay
    behind); False when there is none.

    Invariant: entries keep their order and all their columns; the block left behind is zero and listed by its size.
    Cost: one pass over the old block.
    """
    row = t.pools[pool]
    old, room = row["first"], row["room"]
    if room == 0:
        new = new_block(t, 0)
        if new >= 0:
            row["first"], row["room"], row["used"] = new, SMALLEST, 0
        return new >= 0
    size = size_class(room)
    new = new_block(t, size + 1)
    if new < 0:
        return False
    leave(t, pool)
    for k in range(room):
        t.key[new + k] = t.key[old + k]
        t.lots[new + k] = t.lots[old + k]
        t.cost[new + k] = t.cost[old + k]
        t.carry[new + k] = t.carry[old + k]
        t.leverage[new + k] = t.leverage[old + k]
        t.orders[new + k] = t.orders[old + k]
        wipe(t, old + k)
    t.cost[old] = t.free[size]
    t.free[size] = old
    row["first"], row["room"] = new, 2 * room
    return True


@kernel
def asset_reach(t: Tables, asset: int) -> int:
    """What a balance in another asset adds to a pool's reach: its largest value in the asset its index is in.

    Invariant: no index that may be given makes a balance worth more. Cost: a division.
    """
    row = t.things[asset]
    return row["max_lots"] * row["max_ticks"] // row["divisor"]


@kernel
def place(t: Tables, pool: int, key: int) -> int:
    """The slot of a key, made where the pool has none yet; −1 when the slab is full. May move the pool's other entries.

    A new entry is touched at the present index. A new balance in another asset adds to the pool's reach.

    Invariant: a key stands in a pool once, and reach counts each balance in another asset once. Cost: two passes over
    the pool's block, and a move of it where it is full.
    """
    found = find(t, pool, key)
    if found >= 0:
        return found
    row = t.pools[pool]
    slot, first = -1, row["first"]
    for e in range(first, first + row["used"]):
        slot = e if t.key[e] == FREE else slot
    if slot < 0:
        if row["used"] == row["room"] and not grow(t, pool):
            return -1
        slot = row["first"] + row["used"]
        row["used"] += 1
    t.key[slot] = key
    t.carry[slot] = t.things[key >> 2]["carry"]
    if t.things[key >> 2]["kind"] == ASSET:
        row["reach"] += asset_reach(t, key >> 2)
    return slot


@kernel
def release_slot(t: Tables, pool: int, slot: int) -> None:
    """Free a slot, and take the free tail off the block's used part.

    Invariant: what lies last in the used part is not free. Cost: the slots that became free at its end.
    """
    wipe(t, slot)
    row = t.pools[pool]
    first, used = row["first"], row["used"]
    while used > 0 and t.key[first + used - 1] == FREE:
        used -= 1
    row["used"] = used


@kernel
def settles_here(t: Tables, pool: int, asset: int) -> bool:
    """Whether a contract entry of the pool settles in an asset.

    Invariant: nothing is changed. Cost: one pass over the pool's entries.
    """
    first = t.pools[pool]["first"]
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] != FREE:
            row = t.things[t.key[e] >> 2]
            if row["kind"] != ASSET and row["settle"] == asset:
                return True
    return False


@kernel
def tidy_asset(t: Tables, pool: int, asset: int) -> None:
    """Free the entry of an asset whose balance is zero and in which nothing settles.

    Invariant: reach falls by what it rose by when the place was made. Cost: two passes over the pool's entries.
    """
    slot = find(t, pool, asset * 4)
    if slot >= 0 and t.lots[slot] == 0 and not settles_here(t, pool, asset):
        t.pools[pool]["reach"] -= asset_reach(t, asset)
        release_slot(t, pool, slot)


@kernel
def tidy(t: Tables, pool: int, slot: int) -> None:
    """Free an entry that says nothing: a flat contract without orders, or a zero balance in which nothing settles.

    A chosen leverage lives as long as its entry. Freeing the last contract that settles in another asset frees that
    asset's entry too, if it is zero. Other entries stay where they are.

    Invariant: an entry with lots, or with orders, stays. Cost: a few reads; two passes over the entries where a balance
    goes too.
    """
    if t.key[slot] == FREE or t.lots[slot] != 0 or t.orders[slot] != NONE:
        return
    thing = t.key[slot] >> 2
    if t.things[thing]["kind"] == ASSET:
        tidy_asset(t, pool, thing)
        return
    release_slot(t, pool, slot)
    settle = t.things[thing]["settle"]
    if settle != numeraire_of(t, pool):
        tidy_asset(t, pool, settle)


@kernel
def unmade(t: Tables, pool: int, slot: int) -> None:
    """Free the entry a refused command made and did not use; one that stood there for its leverage cap stays.

    Invariant: what stood before the command stands after it. Cost: that of :func:`tidy`.
    """
    if slot >= 0 and t.leverage[slot] == 0:
        tidy(t, pool, slot)
