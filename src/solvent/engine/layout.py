"""How pools are laid out in lanes, and what a lot or a unit is worth in an epoch; see :mod:`solvent.engine.mirror`."""

from __future__ import annotations

import numpy as np

from solvent.engine.jit import from_start, kernel
from solvent.engine.lanes import CUT, F64, I16, LANES, MOST, NEED, ROW, WORTH, Lanes
from solvent.engine.records import FIRST_USER_POOL
from solvent.engine.screen import SAFE_PRODUCT, Marks
from solvent.engine.tables import ASSET, FREE, I32, I64, LINEAR, TOP_POOLS, TOP_RULES, TOP_THINGS, Tables
from solvent.engine.value import MAINTAIN, required_at

IN_TABLES, IN_LANES, ODD = range(3)
ALL_IN_LANES = 0x0101010101010101  # eight pools' bytes at once
WINDOW = 4096  # pools; what a pass writes for one stays in the nearer caches
BLOCKS = WINDOW // LANES
MOST_COLUMNS = 250  # a pool with more is ODD: seven others would wait for it
ABSENT = 64 * 16  # places in the order of a window: by contracts, then by assets; after them who is not there yet
MOST_UNITS = 1 << 53  # of an asset: such a number is a float exactly
MOST_ROWS = 1 << 16
NO_LIMIT = 1e300
BELOW = 1.0 - 2.0**-40  # a limit in floats is taken that much lower, so that it is never above the exact one


@kernel
def row_of(t: Tables, rules: int, thing: int) -> int:
    """The row of prices of a thing under a rules row. After them two more: nothing at all, and a fixed requirement.

    Invariant: no two pairs share a row. Cost: a product.
    """
    return rules * t.things.size + thing


@kernel
def price_rows(t: Tables, q: Marks, prices: F64) -> None:
    """What a lot or unit of every thing is worth and requires at MAINTAIN now; called once an epoch, 10 ns a row.

    A row holds up to MOST: in its schedule's first piece, exactly for contracts, and less than a millionth of a
    millionth below it for assets. What has no schedule or a deduction in its first piece holds for no size.

    Invariant: within a row's MOST its numbers give the exact kernel's terms but for the roundings counted in the bound.
    Cost: 10 ns a row.
    """
    for rules in range(t.top[TOP_RULES]):
        for thing in range(t.top[TOP_THINGS]):
            at = ROW * row_of(t, rules, thing)
            prices[at + WORTH], prices[at + NEED], prices[at + CUT], prices[at + MOST] = 0.0, 0.0, 0.0, -1.0
            if q.things[thing]["kind"] == LINEAR:
                price_contract(t, q, rules, thing, prices, at)
            elif q.things[thing]["kind"] == ASSET and q.things[thing]["divisor"] > 0:
                price_asset(t, q, rules, thing, prices, at)
    nothing = ROW * row_of(t, t.rules.size, 0)
    for k in range(2 * ROW):
        prices[nothing + k] = 0.0
    prices[nothing + MOST] = prices[nothing + ROW + MOST] = NO_LIMIT
    prices[nothing + ROW + NEED] = 1.0


@kernel
def price_contract(t: Tables, q: Marks, rules: int, thing: int, prices: F64, at: int) -> None:
    """A contract's row: worth of a lot less the funding it has gathered, and what the first piece requires of it.

    Invariant: MOST is never above the exact end of the first piece. Cost: a few operations.
    """
    unit = q.things[thing]["unit"]
    prices[at + WORTH] = float(unit - q.things[thing]["carry"])
    if t.rules[rules]["on_entry"] != 0:
        prices[at + MOST] = NO_LIMIT
        return
    first, count = t.span[rules, MAINTAIN, 2 * thing, 0], t.span[rules, MAINTAIN, 2 * thing, 1]
    if count == 0 or t.part[first] != 0 or t.rest[first] != 0:
        return
    prices[at + NEED] = float(unit) * q.slope[first]
    prices[at + MOST] = NO_LIMIT
    if count > 1 and unit > 0:
        prices[at + MOST] = float(t.floor[first + 1] // unit)
        if t.floor[first + 1] // unit >= MOST_UNITS:
            prices[at + MOST] = NO_LIMIT  # no position is as large


@kernel
def price_asset(t: Tables, q: Marks, rules: int, asset: int, prices: F64, at: int) -> None:
    """An asset's row: value of a unit, and what its weight cuts off in the first piece.

    Invariant: MOST is never above the exact end of the first piece, nor where a product could leave 64 bits. Cost: a
    few operations.
    """
    price = float(q.things[asset]["mark"]) / float(q.things[asset]["divisor"])
    prices[at + WORTH] = prices[at + CUT] = price
    first, count = t.span[rules, MAINTAIN, 2 * asset, 0], t.span[rules, MAINTAIN, 2 * asset, 1]
    if count == 0:
        prices[at + MOST] = NO_LIMIT
        return
    if t.part[first] != 0 or t.rest[first] != 0:
        return
    prices[at + CUT] = price * ((1_000_000 - t.rate[first]) / 1e6)
    prices[at + MOST] = NO_LIMIT
    if price > 0.0:
        most = SAFE_PRODUCT / float(q.things[asset]["mark"])
        if count > 1:
            most = min(most, float(t.floor[first + 1]) / price)
        prices[at + MOST] = most * BELOW


@kernel
def columns_of(t: Tables, pool: int) -> tuple[int, int]:
    """Contracts and assets a pool holds, for lanes; (−1, 0) where it is ODD.

    Invariant: a pool that lanes cannot say is ODD. Cost: one pass over the pool's entries.
    """
    row = t.pools[pool]
    rules = row["rules"]
    here = t.rules[rules]
    if pool < FIRST_USER_POOL or row["cash"] < 0 or (rules + 1) * t.things.size > MOST_ROWS - 2:
        return -1, 0
    if (here["losses_only"] | here["leverage_at"]) >> MAINTAIN & 1:
        return -1, 0
    contracts, assets = 0, 0
    for e in range(row["first"], row["first"] + row["used"]):
        lots = t.lots[from_start(e)]
        if t.key[from_start(e)] == FREE or lots == 0:
            continue
        thing = t.things[t.key[from_start(e)] >> 2]
        if thing["kind"] == LINEAR and thing["settle"] == here["numeraire"]:
            contracts += 1
        elif thing["kind"] == ASSET and 0 < lots < MOST_UNITS:
            assets += 1
        else:
            return -1, 0
    if here["on_entry"] != 0 and contracts > 0:
        assets += 1
    if contracts + assets > MOST_COLUMNS:
        return -1, 0
    return contracts, assets


@kernel
def arrange(t: Tables, lanes: Lanes, window: int, tally: I32, held: I16) -> tuple[int, int]:
    """Sort a window's pools by contracts and assets (a stable counting sort): the columns its blocks need.

    Writes ``place`` and the blocks' counts. A pool that is ODD holds nothing here; one that is not there yet comes
    last, so that a pass need not look at its block. ``tally`` has a number for each place in the order, ``held`` two
    for each pool.

    Invariant: ``place`` is a permutation of the window; a block has a column for every holding of its largest pool.
    Cost: two passes over the window's pools and one over the tally.
    """
    low, count = window * WINDOW, 0
    tally[:] = 0
    for k in range(WINDOW):
        contracts, assets = 0, 0
        if low + k < t.top[TOP_POOLS]:
            contracts, assets = columns_of(t, low + k)
            t.mirrored[low + k] = ODD if contracts < 0 else IN_LANES
        held[2 * k], held[2 * k + 1] = max(contracts, 0), assets
        tally[order_of(t, low + k, held[2 * k], assets)] += 1
    for k in range(ABSENT + 1):
        before = count
        count += tally[k]
        tally[k] = before
    first = window * BLOCKS
    lanes.columns[first : first + BLOCKS] = 0
    lanes.asset_columns[first : first + BLOCKS] = 0
    contracts, assets = 0, 0
    for k in range(WINDOW):
        order = order_of(t, low + k, held[2 * k], held[2 * k + 1])
        at = tally[order]
        tally[order] += 1
        lanes.place[low + at] = k
        block = first + at // LANES
        contracts += max(0, held[2 * k] - lanes.columns[block])
        assets += max(0, held[2 * k + 1] - lanes.asset_columns[block])
        lanes.columns[block] = max(lanes.columns[block], held[2 * k])
        lanes.asset_columns[block] = max(lanes.asset_columns[block], held[2 * k + 1])
    return contracts, assets


@kernel
def order_of(t: Tables, pool: int, contracts: int, assets: int) -> int:
    """A pool's place in the order of its window.

    Invariant: pools that are not there yet come after all others. Cost: a few operations.
    """
    if pool >= t.top[TOP_POOLS]:
        return ABSENT
    return min(contracts, 63) * 16 + min(assets, 15)


@kernel
def lay_out(t: Tables, lanes: Lanes, window: int, first: int, first_asset: int) -> None:
    """Copy a window's pools into its lanes, whose columns begin at ``first`` and ``first_asset``; 30 ns a pool.

    Invariant: lanes without a holding point to the row that is nothing. Cost: 30 ns a pool.
    """
    nothing = row_of(t, t.rules.size, 0)
    for block in range(window * BLOCKS, (window + 1) * BLOCKS):
        lanes.first[block], lanes.first_asset[block] = first, first_asset
        for at in range(LANES * first, LANES * (first + int(lanes.columns[block]))):
            lanes.thing[at], lanes.lots[at] = nothing, 0
        for at in range(LANES * first_asset, LANES * (first_asset + int(lanes.asset_columns[block]))):
            lanes.asset[at], lanes.units[at] = nothing, 0.0
        for lane in range(LANES):
            pool = window * WINDOW + int(lanes.place[LANES * block + lane])
            lanes.base[LANES * block + lane] = 0.0
            if pool < t.top[TOP_POOLS] and t.mirrored[pool] == IN_LANES:
                lay_pool(t, lanes, pool, block, lane)
        first += int(lanes.columns[block])
        first_asset += int(lanes.asset_columns[block])


@kernel
def lay_pool(t: Tables, lanes: Lanes, pool: int, block: int, lane: int) -> None:
    """One pool into its lane. Σ of cash, costs and carries is whole and becomes a float once.

    Invariant: base is a sum of whole numbers, rounded once. Cost: one pass over the pool's entries.
    """
    row = t.pools[pool]
    rules = row["rules"]
    on_entry = t.rules[rules]["on_entry"] != 0
    base, whole, millionths = row["cash"], 0, 0
    at = LANES * int(lanes.first[block]) + lane
    asset_at = LANES * int(lanes.first_asset[block]) + lane
    contracts = 0
    for e in range(row["first"], row["first"] + row["used"]):
        lots, key = t.lots[from_start(e)], t.key[from_start(e)]
        if key == FREE or lots == 0:
            continue
        if t.things[key >> 2]["kind"] == ASSET:
            lanes.asset[asset_at], lanes.units[asset_at] = row_of(t, rules, key >> 2), float(lots)
            asset_at += LANES
            continue
        lanes.thing[at], lanes.lots[at] = row_of(t, rules, key >> 2), lots
        base += lots * t.carry[from_start(e)] - t.cost[from_start(e)]
        contracts += 1
        at += LANES
        if on_entry:
            units, rest = required_at(t, rules, MAINTAIN, key >> 2, abs(t.cost[from_start(e)]), 1)
            whole += units
            millionths += rest
    lanes.base[LANES * block + lane] = float(base)
    if on_entry and contracts > 0:
        lanes.asset[asset_at], lanes.units[asset_at] = row_of(t, t.rules.size, 1), float(whole) + millionths / 1e6


@kernel
def count_unmirrored(t: Tables, words: I64, debt: I64, due: I64, patience: int) -> int:
    """Add to each window's debt the pools that a pass reads from the tables for having changed; how many are due.

    ``words`` are the pools' bytes eight at once.

    Invariant: a window's debt grows as long as it is read from the tables. Cost: one comparison for eight pools that
    are in lanes, 0.15 ms a million.
    """
    found = 0
    for window in range(debt.size):
        stale, stop = 0, min((window + 1) * WINDOW, t.top[TOP_POOLS])
        for word in range(window * WINDOW // 8, (stop + 7) // 8):
            if words[from_start(word)] != ALL_IN_LANES:
                for pool in range(8 * word, min(8 * word + 8, stop)):
                    stale += t.mirrored[from_start(pool)] == IN_TABLES
        debt[window] += stale
        if stale > 0 and debt[window] >= patience:
            due[found] = window
            found += 1
    return found


def space(windows: int, columns: int, assets: int) -> Lanes:
    """Lanes for so many windows, columns of contracts and columns of assets."""
    blocks = windows * BLOCKS
    return Lanes(
        place=np.zeros(windows * WINDOW, np.int16),
        base=np.zeros(windows * WINDOW, np.float64),
        first=np.zeros(blocks, np.int32),
        columns=np.zeros(blocks, np.int16),
        first_asset=np.zeros(blocks, np.int32),
        asset_columns=np.zeros(blocks, np.int16),
        thing=np.zeros(LANES * max(columns, 1), np.uint16),
        lots=np.zeros(LANES * max(columns, 1), np.int32),
        asset=np.zeros(LANES * max(assets, 1), np.uint16),
        units=np.zeros(LANES * max(assets, 1), np.float64),
    )
