"""Whom a liquidator need not look at: pools under liquidation for which nothing can be done before something changes.

Nothing is changed here. What the liquidator of a replay does for a pool, and what is called nothing here, belong
together: who is passed over would not have sent a command.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.cover import MOST_VALUE, divided
from solvent.engine.jit import kernel
from solvent.engine.tables import ASSET, FREE, I64, LINEAR, SPOT, Tables
from solvent.engine.value import MAINTAIN, assessed, notional, numeraire_of, worth
from solvent.liquidation.bankruptcy import MOST_TIMES_MARK

LEG_BITS = 2
NONE_REFUSED = 1 << 62  # above every price; its counterpart for shorts is 0, below every price


@kernel
def listed_legs(t: Tables, pool: int, order: I64, slots: I64) -> tuple[int, int]:
    """A pool's legs into ``slots``, by symbol in order of text and leg: how many, and their notional; −1 where a leg is
    no linear contract with a price that settles in the numeraire.

    Invariant: nothing but the tables is read. Cost: the entries once; quadratic in legs at worst.
    """
    first, numeraire, found, whole = t.pools[pool]["first"], numeraire_of(t, pool), 0, 0
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE or t.lots[e] == 0:
            continue
        row = t.things[t.key[e] >> LEG_BITS]
        if row["kind"] in (ASSET, SPOT):
            continue
        if row["kind"] != LINEAR or row["settle"] != numeraire or row["mark"] == 0:
            return -1, 0
        place, k = 4 * order[t.key[e] >> LEG_BITS] + t.key[e] % 4, found
        while k > 0 and place < 4 * order[t.key[slots[k - 1]] >> LEG_BITS] + t.key[slots[k - 1]] % 4:
            slots[k] = slots[k - 1]
            k -= 1
        slots[k] = e
        found += 1
        whole += notional(t, t.key[e] >> LEG_BITS, t.lots[e], row["mark"])
    return found, whole


@kernel
def bankruptcy_ticks(t: Tables, pool: int, order: I64, slots: I64, ticks: I64, rests: I64) -> int:
    """Allocated bankruptcy prices of a pool that is worth less than nothing, in order of symbol and leg; how many.

    −1 where it is not covered: see :func:`listed_legs`, and where the loss is greater than the notional of all legs.

    Invariant: the prices of :func:`solvent.liquidation.allocated`. Cost: the entries twice and a division a leg.
    """
    count, whole = listed_legs(t, pool, order, slots)
    loss = -assessed(t, pool, MAINTAIN)[0]
    if count <= 0 or not 0 < loss <= whole <= MOST_VALUE:
        return -1
    left = -loss
    for k in range(count):
        thing = t.key[slots[k]] >> LEG_BITS
        part, rest = divided(notional(t, thing, t.lots[slots[k]], t.things[thing]["mark"]), loss, whole)
        ticks[k], rests[k] = (-part, 0) if rest == 0 else (-part - 1, whole - rest)
        left -= ticks[k]
    for _ in range(left):
        best = 0
        for k in range(1, count):
            if rests[k] > rests[best]:
                best = k
        ticks[best] += 1
        rests[best] = -1
    for k in range(count):
        thing, lots = t.key[slots[k]] >> LEG_BITS, t.lots[slots[k]]
        mark = t.things[thing]["mark"]
        target, per_tick = worth(t, thing, lots, mark) - ticks[k], abs(lots) * t.things[thing]["tick_value"]
        price = -(-target // per_tick) if lots > 0 else -target // per_tick
        ticks[k] = max(1, min(price, MOST_TIMES_MARK * mark))
    return count


@kernel
def all_refused(t: Tables, pool: int, order: I64, refused: I64, slots: I64, ticks: I64, rests: I64) -> bool:
    """Whether winners have refused every leg of a pool at its bankruptcy price, or at a better one.

    ``refused``: at 2 × thing the lowest price refused to longs, + 1 the highest refused to shorts.

    Invariant: False where that is not known. Cost: as :func:`bankruptcy_ticks`.
    """
    count = bankruptcy_ticks(t, pool, order, slots, ticks, rests)
    for k in range(count):
        place = 2 * (t.key[slots[k]] >> LEG_BITS)
        if t.lots[slots[k]] > 0 and ticks[k] < refused[place]:
            return False
        if t.lots[slots[k]] < 0 and ticks[k] > refused[place + 1]:
            return False
    return count > 0


@kernel
def may_act(
    t: Tables, pool: int, depth: I64, limit: int, order: I64, refused: I64, slots: I64, ticks: I64, rests: I64
) -> bool:
    """Whether anything can be done for a pool under liquidation; see :func:`next_to_act`.

    Invariant: nothing but the tables is read. Cost: the pool's entries once, a few times where it has no depth.
    """
    row = t.pools[pool]
    owns, flat = False, True
    for e in range(row["first"], row["first"] + row["used"]):
        if t.key[e] == FREE or t.lots[e] == 0:
            continue
        thing = t.key[e] >> LEG_BITS
        kind = t.things[thing]["kind"]
        if kind == ASSET:
            owns = owns or t.lots[e] > 0
        elif kind != SPOT:
            flat = False
            if depth[2 * thing + (1 if t.lots[e] < 0 else 0)] > 0:
                return True
    if flat or (owns and row["cash"] < 0):
        return owns
    value = assessed(t, pool, MAINTAIN)[0]
    if value >= 0 or (not owns and -value <= limit):
        return False
    return owns or not all_refused(t, pool, order, refused, slots, ticks, rests)


@kernel
def next_to_act(
    t: Tables, pools: I64, start: int, depth: I64, limit: int, order: I64, refused: I64, slots: I64, ticks: I64,
    rests: I64,
) -> int:  # fmt: skip
    """The first place from ``start`` on of a pool for which a liquidator can do anything; else ``pools.size``.

    Nothing can be done where no other asset is left to convert or to repay with, no leg has depth to close into, and
    the pool is worth nothing or more, or its loss is within ``limit``, what the fund would pay once it is flat, or the
    winners have refused all its legs. ``depth`` are the lots that can be traded: at 2 × thing those that can be sold,
    + 1 bought; ``refused`` as in :func:`all_refused`; the last three are scratch, one number a leg.

    Invariant: who is passed over has nothing to do at these prices, this depth and this limit. Cost: the entries of
    each pool passed over.
    """
    k = start
    while k < pools.size and not may_act(t, pools[k], depth, limit, order, refused, slots, ticks, rests):
        k += 1
    return k
