"""Passes over many pools for whoever watches an engine from outside: they read the tables and change nothing.

None of them knows the float screen, the mirror or any cache: what they find is computed from the entries by the exact
kernels of :mod:`solvent.engine.value`, or copied from the columns. Columns given to be filled have one number a pool,
or, where it is said, one a pool and thing: pool × things + thing.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.jit import kernel
from solvent.engine.tables import ASSET, FREE, I64, SPOT, Tables
from solvent.engine.value import MAINTAIN, assessed, normal

HALF_BITS = 32
HALF_MASK = (1 << HALF_BITS) - 1


@kernel
def surpluses(t: Tables, low: int, high: int, whole: I64, millionths: I64, required: I64, rest: I64) -> None:
    """Pools ``low`` … ``high`` at MAINTAIN, exact: surplus and requirement, both as normalised pairs.

    Invariant: nothing but the tables is read, so that it agrees with ring 1 to the unit. Cost: every entry once.
    """
    for pool in range(low, high):
        _value, equity, equity_rest, needed, needed_rest = assessed(t, pool, MAINTAIN)
        whole[pool], millionths[pool] = normal(equity - needed, equity_rest - needed_rest)
        required[pool], rest[pool] = needed, needed_rest


@kernel
def surpluses_of(t: Tables, pools: I64, whole: I64, millionths: I64, required: I64, rest: I64) -> None:
    """The same for chosen pools, in their order.

    Invariant: nothing but the tables is read. Cost: the chosen pools' entries once.
    """
    for k in range(pools.size):
        _value, equity, equity_rest, needed, needed_rest = assessed(t, pools[k], MAINTAIN)
        whole[k], millionths[k] = normal(equity - needed, equity_rest - needed_rest)
        required[k], rest[k] = needed, needed_rest


@kernel
def lots_held(t: Tables, pools: I64, keys: I64, lots: I64) -> None:
    """Signed lots of chosen pools under chosen keys (thing × 4 + leg), 0 where there are none.

    Invariant: nothing but the tables is read. Cost: the chosen pools' entries once.
    """
    for k in range(pools.size):
        row = t.pools[pools[k]]
        held = 0
        for e in range(row["first"], row["first"] + row["used"]):
            if t.key[e] == keys[k]:
                held = t.lots[e]
        lots[k] = held


@kernel
def with_legs(t: Tables, pools: I64, found: I64) -> None:
    """1 for each chosen pool that holds lots of a contract, else 0.

    Invariant: orders, assets and coins bought count for nothing. Cost: the chosen pools' entries once.
    """
    for k in range(pools.size):
        row = t.pools[pools[k]]
        found[k] = 0
        for e in range(row["first"], row["first"] + row["used"]):
            if t.key[e] != FREE and t.lots[e] != 0:
                kind = t.things[t.key[e] >> 2]["kind"]
                if kind not in (ASSET, SPOT):
                    found[k] = 1


@kernel
def balances_of(t: Tables, pools: I64, things: int, units: I64) -> None:
    """What chosen pools own apart from their contracts: units at place × things + asset, zeros before.

    Invariant: what was there before stays in the sum. Cost: the chosen pools' entries once.
    """
    for k in range(pools.size):
        row = t.pools[pools[k]]
        units[k * things + t.rules[row["rules"]]["numeraire"]] += row["cash"]
        for e in range(row["first"], row["first"] + row["used"]):
            if t.key[e] != FREE and t.things[t.key[e] >> 2]["kind"] == ASSET:
                units[k * things + (t.key[e] >> 2)] += t.lots[e]


@kernel
def lots_differ(t: Tables, low: int, high: int, books: I64, things: int, scratch: I64, first: I64, sums: I64) -> None:
    """Compare net lots of pools ``low`` … ``high`` with ``books`` (pool × things + thing), contracts only.

    ``first[thing]`` becomes the first pool that differs, or stays as it was; ``sums[thing]`` grows by the books' lots.
    ``scratch`` has a number a thing.

    Invariant: the tables are not changed; legs of a hedge count together. Cost: every entry, and every row of the
    books, once.
    """
    for pool in range(low, high):
        row = t.pools[pool]
        for thing in range(things):
            scratch[thing] = 0
        for e in range(row["first"], row["first"] + row["used"]):
            if t.key[e] != FREE:
                scratch[t.key[e] >> 2] += t.lots[e]
        for thing in range(things):
            kind = t.things[thing]["kind"]
            if kind not in (ASSET, SPOT):
                own = books[pool * things + thing]
                sums[thing] += own
                if own != scratch[thing] and first[thing] < 0:
                    first[thing] = pool


@kernel
def entry_sums(t: Tables, low: int, high: int, lots: I64, costs: I64) -> None:
    """Σ lots (of assets: units) and Σ cost by thing over pools ``low`` … ``high``, exact whatever their size.

    Two numbers a thing, both start at zero: Σ of the upper and Σ of the lower 32 bits.

    Invariant: no sum leaves 64 bits, whatever the entries hold. Cost: every entry once.
    """
    for pool in range(low, high):
        row = t.pools[pool]
        for e in range(row["first"], row["first"] + row["used"]):
            if t.key[e] != FREE:
                thing = t.key[e] >> 2
                lots[2 * thing] += t.lots[e] >> HALF_BITS
                lots[2 * thing + 1] += t.lots[e] & HALF_MASK
                costs[2 * thing] += t.cost[e] >> HALF_BITS
                costs[2 * thing + 1] += t.cost[e] & HALF_MASK


@kernel
def cash_sums(t: Tables, low: int, high: int, cash: I64) -> None:
    """Σ cash by numeraire over pools ``low`` … ``high``, two numbers a thing as in :func:`entry_sums`.

    Invariant: no sum leaves 64 bits, whatever the pools hold. Cost: every pool's row once.
    """
    for pool in range(low, high):
        asset = t.rules[t.pools[pool]["rules"]]["numeraire"]
        cash[2 * asset] += t.pools[pool]["cash"] >> HALF_BITS
        cash[2 * asset + 1] += t.pools[pool]["cash"] & HALF_MASK


def joined_halves(halves: I64, thing: int) -> int:
    """The exact sum that two numbers of :func:`entry_sums` stand for.

    >>> import numpy as np
    >>> joined_halves(np.array([0, 0, -1, 2**32 - 5]), 1)
    -5
    """
    return (int(halves[2 * thing]) << HALF_BITS) + int(halves[2 * thing + 1])
