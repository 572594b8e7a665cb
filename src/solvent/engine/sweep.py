"""A full pass: how every pool stands, from the lanes where they are up to date and from the tables where not.

The bound in lanes: with u = 2^−53 and k columns, a term is lots or units, exact in a float, times a number of its row
that is at most four roundings off, rounded once: at most 5u of its magnitude off. Adding k terms to the base, which
was rounded once, is at most k·u·M off, M being the sum of all magnitudes; the two subtractions 2u·M. A term above its
row's first piece is computed as :mod:`solvent.engine.screen` does: it is at most 5u of the magnitude given there off,
and adds a rounding. Values of assets are whole units rounded down, which floats are not: less than two units for each,
at weights up to two. Hence |surplus in floats − surplus| ≤ (2k + 7)·u·M + 2·assets up to terms of order u². The kernel
uses (2k + 12)·2u·M + 2·assets + 1 with M = 2·Σ|worth| + requirement: what is cut off is never more than the worth.
"""

from __future__ import annotations

from solvent.engine.jit import from_start, kernel
from solvent.engine.lanes import (
    CUTS,
    EQUITY,
    F64,
    I8,
    LANES,
    REQUIRED,
    SIZE,
    VALUE,
    Lanes,
    add_block,
    verdicts,
)  # fmt: skip
from solvent.engine.layout import (
    ALL_IN_LANES,
    BLOCKS,
    IN_LANES,
    WINDOW,
)  # fmt: skip
from solvent.engine.records import FIRST_USER_POOL, PoolState
from solvent.engine.screen import ROUNDING, UNKNOWN, Marks, counted, in_floats, piece_of, stand
from solvent.engine.tables import I32, I64, TOP_POOLS, Tables
from solvent.engine.value import MAINTAIN, in_breach

HEALTHY = int(PoolState.HEALTHY)


@kernel
def raise_above(t: Tables, q: Marks, lanes: Lanes, block: int, sums: F64, over: I8) -> None:
    """Add the terms that :func:`add_block` left out, of sizes above what their row holds for; 10 ns each.

    Invariant: afterwards the sums hold every term of the block's pools. Cost: 10 ns a term.
    """
    count, assets = int(lanes.columns[block]), int(lanes.asset_columns[block])
    for column in range(count + assets):
        mask = int(over[from_start(column)])
        for lane in range(LANES):
            if mask >> lane & 1:
                if column < count:
                    at = LANES * (int(lanes.first[block]) + column) + lane
                    raise_contract(t, q, lanes, at, sums, lane)
                else:
                    at = LANES * (int(lanes.first_asset[block]) + column - count) + lane
                    raise_asset(t, q, lanes, at, sums, lane)


@kernel
def raise_contract(t: Tables, q: Marks, lanes: Lanes, at: int, sums: F64, lane: int) -> None:
    """A contract's requirement where its notional is above the first piece, in whole numbers.

    Invariant: the piece is the exact kernel's; UNKNOWN as size where there is none. Cost: a product and the pieces up
    to the notional's.
    """
    row = int(lanes.thing[at]) + 0  # signed, for the compiler
    rules, thing = row // t.things.size, row % t.things.size
    notional = abs(int(lanes.lots[at])) * q.things[thing]["unit"]
    k = piece_of(t, rules, MAINTAIN, 2 * thing, notional)
    if k < 0:
        sums[SIZE + lane] = UNKNOWN
        return
    share = float(notional) * q.slope[from_start(k)]
    sums[REQUIRED + lane] += share - q.cut[from_start(k)]
    sums[SIZE + lane] += share + abs(q.cut[from_start(k)]) + 1.0


@kernel
def raise_asset(t: Tables, q: Marks, lanes: Lanes, at: int, sums: F64, lane: int) -> None:
    """What weights cut off an asset whose value is above the first piece.

    Invariant: the value is the exact kernel's; UNKNOWN as size where it could leave 64 bits. Cost: a division and the
    pieces up to the value's.
    """
    row = int(lanes.asset[at]) + 0
    rules, asset = row // t.things.size, row % t.things.size
    value, fits = in_floats(q, asset, int(lanes.units[at]))
    if not fits:
        sums[SIZE + lane] = UNKNOWN
        return
    counts, magnitude = counted(t, q, rules, MAINTAIN, asset, value)
    sums[CUTS + lane] += float(value) - counts
    sums[SIZE + lane] += magnitude


@kernel
def bound_of(lanes: Lanes, block: int) -> tuple[float, float]:
    """The bound of a block's pools: a share of 2 × SIZE + REQUIRED, and units.

    Invariant: what floats say of a pool is no further from exact, by the proof above. Cost: a few operations.
    """
    assets = int(lanes.asset_columns[from_start(block)])
    columns = int(lanes.columns[from_start(block)]) + assets
    return (2.0 * columns + 12.0) * ROUNDING, 2.0 * assets + 1.0


@kernel
def judge_block(t: Tables, q: Marks, lanes: Lanes, block: int, prices: F64, sums: F64, over: I8) -> int:
    """How eight pools stand, in ``sums``; a bit for each that is not proved to have a positive surplus.

    Invariant: a pool without a bit has a positive surplus. Cost: about 3 ns a column, and 10 ns a term above its row's
    first piece.
    """
    if add_block(lanes, block, prices, sums, over) != 0:
        raise_above(t, q, lanes, block, sums, over)
    relative, units = bound_of(lanes, block)
    return verdicts(sums, relative, units)


@kernel
def last_block(lanes: Lanes, window: int, count: int) -> int:
    """Where a window's blocks end that hold a pool; none of them where the window is not laid out.

    Invariant: no pool that is there lies in a later block of the window. Cost: a few operations.
    """
    held = min(WINDOW, count - window * WINDOW)
    return min(window * BLOCKS + (held + LANES - 1) // LANES, lanes.place.size // LANES)


@kernel
def stand_windows(
    t: Tables, q: Marks, lanes: Lanes, prices: F64, words: I64, low: int, high: int, sums: F64, over: I8, value: F64,
    equity: F64, required: F64, flag: I8,
) -> None:  # fmt: skip
    """Windows ``low`` … ``high``: how each pool stands at MAINTAIN, and flag 1 where a positive surplus is not proved.

    8 ns a pool of five contracts and three assets; a pool that is not in lanes costs what :func:`stand` does.

    Invariant: each pool is written once, from lanes only where they are up to date. Cost: 8 ns a pool of five contracts
    and three assets; one not in lanes what :func:`stand` costs.
    """
    count = t.top[TOP_POOLS]
    for window in range(low, high):
        start = window * WINDOW
        full = start + WINDOW <= count
        for block in range(window * BLOCKS, last_block(lanes, window, count)):
            unproved = judge_block(t, q, lanes, block, prices, sums, over)
            for lane in range(LANES):
                pool = start + int(lanes.place[from_start(LANES * block + lane)])
                if full or pool < count:
                    at = from_start(pool)
                    value[at], equity[at], required[at] = sums[VALUE + lane], sums[EQUITY + lane], sums[REQUIRED + lane]
                    flag[at] = unproved >> lane & 1
        for word in range(start // 8, (min(start + WINDOW, count) + 7) // 8):
            if words[from_start(word)] != ALL_IN_LANES:
                for pool in range(8 * word, min(8 * word + 8, count)):
                    at = from_start(pool)
                    if t.mirrored[at] != IN_LANES:
                        worth, counts, needs, bound = stand(t, q, pool, MAINTAIN)
                        value[at], equity[at], required[at] = worth, counts, needs
                        flag[at] = 0 if counts - needs > bound else 1


@kernel
def breach_windows(
    t: Tables, q: Marks, lanes: Lanes, prices: F64, words: I64, low: int, high: int, sums: F64, over: I8, found: I32
) -> int:
    """Users' healthy pools of windows ``low`` … ``high`` in breach at MAINTAIN, to ``found[low * WINDOW:]``; how many.

    Whatever floats do not prove healthy is decided by :func:`in_breach` in whole numbers, from the tables.

    Invariant: floats set aside and never decide; a pool is found once. Cost: that of :func:`stand_windows`, and the
    exact kernel for who is not proved.
    """
    count, at = t.top[TOP_POOLS], low * WINDOW
    for window in range(low, high):
        start = window * WINDOW
        for block in range(window * BLOCKS, last_block(lanes, window, count)):
            unproved = judge_block(t, q, lanes, block, prices, sums, over)
            for lane in range(LANES):
                if unproved >> lane & 1:
                    pool = start + int(lanes.place[from_start(LANES * block + lane)])
                    known = pool < count and t.mirrored[pool] == IN_LANES
                    if known and t.pools[pool]["state"] == HEALTHY and in_breach(t, pool):
                        found[at] = pool
                        at += 1
        for word in range(start // 8, (min(start + WINDOW, count) + 7) // 8):
            if words[from_start(word)] != ALL_IN_LANES:
                for pool in range(8 * word, min(8 * word + 8, count)):
                    if t.mirrored[pool] != IN_LANES and pool >= FIRST_USER_POOL and t.pools[pool]["state"] == HEALTHY:
                        _value, equity, required, bound = stand(t, q, pool, MAINTAIN)
                        if not equity - required > bound and in_breach(t, pool):
                            found[at] = pool
                            at += 1
    return at - low * WINDOW
