"""The float screen: one tight pass over pools that says which are certainly healthy, and how everybody stands.

Whole numbers stay whole as long as they can: profit, notional and conversions are the ledger's own 64-bit integers, so
that every piece of a schedule is chosen exactly. Only rate × amount − deduction, and the sum of these, are 64-bit
floats.

The bound: let u = 2^−53. A rate is one rounding away from ppm / 10^6 and an amount one from its integer, so a product
is off by at most 3u·|rate·amount|; a deduction, whole + millionths / 10^6, by at most 3u·(|deduction| + 1); their
difference rounds once more. So each term is off by at most 5u times its magnitude m = |rate·amount| + |deduction| + 1,
and adding k terms one after the other adds at most (k − 1)·u·Σm. The exact integer part of the sum is converted once:
u times its magnitude. Hence |surplus in floats − surplus| ≤ (k + 5)·u·M with M = Σm + |integer part|, up to terms of
order u². The kernel uses (k + 8)·2u·M: more than half of it is room for the rounding of M itself. A pool is *proved
healthy* where its surplus in floats is above the bound; everything else, and everything with something that is not
covered here, is for the exact kernel. So the screen changes the cost of an epoch and never its outcome.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.engine.handed import handed
from solvent.engine.jit import from_start, kernel
from solvent.engine.records import CCP_POOL
from solvent.engine.tables import (
    ASSET,
    FREE,
    INVERSE,
    LINEAR,
    TOP_PIECES,
    TOP_POOLS,
    TOP_THINGS,
    Rows,
    Tables,
)
from solvent.engine.value import leverage_of
from solvent.ledger import converted_up, divide_up, interest_due, inverse_worth, leverage_margin

F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]

ROUNDING = 2.0**-52  # 2u
EXTRA_TERMS = 8.0
UNKNOWN = 1e300  # a magnitude that nothing is above: leave the pool to the exact kernel
SAFE_PRODUCT = 4.0e18  # below 2^62: a product of two integers that is this small in floats fits 64 bits


# fmt: off
MARK = np.dtype([
    ("kind", "<i4"), ("settle", "<i4"),
    ("unit", "<i8"),  # linear: settle units of a lot at its mark; inverse: the constant
    ("mark", "<i8"), ("carry", "<i8"), ("divisor", "<i8"),
    ("settled", "<i4"),  # assets: 1 where a listed contract settles in it
    ("spare", "<i4"),
])
# fmt: on


@handed
class Marks(NamedTuple):
    """What the pass reads of things and pieces, packed for one epoch: T things, K pieces."""

    things: Rows  # T, MARK
    slope: F64  # K: rate as a fraction
    cut: F64  # K: deduction in units


def packed(t: Tables) -> Marks:
    """The present epoch's marks and pieces."""
    slope, cut = np.empty((2, int(t.top[TOP_PIECES])))
    found = Marks(np.zeros(int(t.top[TOP_THINGS]), MARK), slope, cut)
    pack(t, found)
    return found


@kernel
def pack(t: Tables, q: Marks) -> None:
    """Fill in marks of as many things and pieces as there are; a thing takes a few nanoseconds, a piece one.

    Invariant: a packed mark says what the tables say until a mark, carry or piece changes. Cost: a few nanoseconds a
    thing, one a piece.
    """
    for thing in range(q.things.size):
        row, out = t.things[thing], q.things[thing]
        out["kind"], out["settle"], out["mark"] = row["kind"], row["settle"], row["mark"]
        out["carry"], out["divisor"] = row["carry"], row["divisor"]
        out["unit"] = row["tick_value"] * row["mark"] if row["kind"] == LINEAR else row["constant"]
        if row["kind"] != ASSET:
            q.things[row["settle"]]["settled"] = 1
    for k in range(q.slope.size):
        q.slope[k], q.cut[k] = t.rate[k] / 1e6, t.part[k] + t.rest[k] / 1e6


@kernel
def piece_of(t: Tables, rules: int, purpose: int, row: int, amount: int) -> int:
    """The piece of ``amount``, −1 where the schedule has none.

    Invariant: the piece the exact kernel chooses: whole numbers are compared. Cost: the pieces up to the amount's.
    """
    at = from_start(rules), from_start(purpose), from_start(row)
    count = t.span[at[0], at[1], at[2], 1]
    if count == 0:
        return -1
    k: int = t.span[at[0], at[1], at[2], 0]
    last = k + count - 1
    while k < last and amount > t.floor[from_start(k + 1)]:
        k += 1
    return k


@kernel
def profit_of(t: Tables, q: Marks, e: int, thing: int) -> int:
    """Unrealised profit of a position less the funding it owes, settle units.

    Invariant: equals the exact kernel's :func:`~solvent.engine.value.profit`. Cost: a product or two.
    """
    lots, row = t.lots[e], q.things[thing]
    gain: int = -t.cost[e] - lots * (row["carry"] - t.carry[e])
    if row["kind"] == LINEAR:
        gain += lots * row["unit"]
    elif row["mark"] != 0:
        gain += inverse_worth(lots, row["mark"], row["unit"])
    return gain


@kernel
def settling_in(t: Tables, q: Marks, pool: int, asset: int) -> int:
    """Σ profit of the pool's positions that settle in an asset.

    Invariant: whole and exact. Cost: one pass over the pool's entries.
    """
    first, profit = t.pools[pool]["first"], 0
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] != FREE:
            thing = t.key[e] >> 2
            if q.things[thing]["kind"] != ASSET and q.things[thing]["settle"] == asset:
                profit += profit_of(t, q, e, thing)
    return profit


@kernel
def in_floats(q: Marks, asset: int, units: int) -> tuple[int, bool]:
    """Units of an asset in the asset its index is in, rounded down; False where that could leave 64 bits or has no
    price.

    Invariant: where True, the units are the exact ones. Cost: a product in floats and a division.
    """
    mark, divisor = q.things[asset]["mark"], q.things[asset]["divisor"]
    if mark == 0 or divisor <= 0 or abs(float(units) * float(mark)) > SAFE_PRODUCT:
        return 0, False
    return units * mark // divisor, True


@kernel
def counted(t: Tables, q: Marks, rules: int, purpose: int, asset: int, value: int) -> tuple[float, float]:
    """What a value counts after weights or at the debt rate, and its magnitude.

    Invariant: off by less than 5u of the magnitude it gives. Cost: that of :func:`piece_of`.
    """
    plain = float(value)
    if value < 0:
        owed = plain * (t.debt_ppm[rules, asset] / 1e6)
        return owed, -owed
    k = piece_of(t, rules, purpose, 2 * asset, value)
    if k < 0:
        return 0.0, 0.0
    share = plain * q.slope[k]
    return share - q.cut[k], share + abs(q.cut[k]) + 1.0


@kernel
def foreign_asset(
    t: Tables, q: Marks, pool: int, e: int, asset: int, purpose: int, losses_only: bool
) -> tuple[float, float, float]:
    """Value, counted value and magnitude of an asset other than the numeraire, with all that settles in it.

    Invariant: UNKNOWN as magnitude wherever the bound is not proved. Cost: a division, and one pass over the entries
    where contracts settle in the asset.
    """
    rules, row = t.pools[pool]["rules"], q.things[asset]
    units, profit = t.lots[e], 0
    if units < 0 and pool != CCP_POOL:
        units -= interest_due(units, row["carry"], t.carry[e])
    if row["settled"] != 0:
        profit = settling_in(t, q, pool, asset)
    if units == 0 and profit == 0:
        return 0.0, 0.0, 0.0
    value, fits = in_floats(q, asset, units + profit)
    weighed = value
    if losses_only and profit > 0:
        weighed, _fits = in_floats(q, asset, units)
        fits = fits and _fits
    if not fits:
        return 0.0, 0.0, UNKNOWN
    counts, magnitude = counted(t, q, rules, purpose, asset, weighed)
    return float(value), counts, magnitude


@kernel
def notional_of(t: Tables, q: Marks, e: int, thing: int, numeraire: int) -> int:
    """Notional in numeraire units, rounded up; −1 where the product could leave 64 bits or a price is missing.

    Invariant: where not negative, equals the exact kernel's. Cost: a product, and a division or two where it is
    converted.
    """
    lots, row = abs(t.lots[e]), q.things[thing]
    if row["mark"] == 0:
        return -1
    notional: int = lots * row["unit"]
    if row["kind"] != LINEAR:
        notional = divide_up(notional, row["mark"])
    settle = row["settle"]
    if settle == numeraire:
        return notional
    index = q.things[settle]
    if index["mark"] == 0 or float(notional) * float(index["mark"]) > SAFE_PRODUCT:
        return -1
    return converted_up(notional, index["mark"], index["divisor"])


@kernel
def needed(
    t: Tables, q: Marks, rules: int, purpose: int, e: int, thing: int, notional: int, leveraged: bool
) -> tuple[float, float]:
    """Requirement of a position and its magnitude.

    Invariant: off by less than 5u of the magnitude it gives, UNKNOWN where that is not proved. Cost: that of
    :func:`piece_of`.
    """
    k = piece_of(t, rules, purpose, 2 * thing, notional)
    if k < 0:
        return 0.0, UNKNOWN
    share, cut = float(notional) * q.slope[from_start(k)], q.cut[from_start(k)]
    need = share - cut
    if leveraged:
        leverage = leverage_of(t, rules, e, thing)
        if leverage <= 0:
            return need, UNKNOWN
        need = max(need, float(leverage_margin(notional, leverage)))
    return need, max(share, need) + abs(cut) + 1.0


@kernel
def foreign_need(
    t: Tables, q: Marks, pool: int, purpose: int, e: int, thing: int, leveraged: bool
) -> tuple[float, float]:
    """Requirement and magnitude of an inverse contract, or of one that settles in another asset.

    Invariant: UNKNOWN as magnitude wherever the bound is not proved. Cost: that of :func:`notional_of` and
    :func:`needed`.
    """
    rules = t.pools[pool]["rules"]
    if t.lots[e] == 0:
        return 0.0, 0.0
    if q.things[thing]["kind"] != LINEAR and q.things[thing]["kind"] != INVERSE:
        return 0.0, UNKNOWN
    notional = notional_of(t, q, e, thing, t.rules[rules]["numeraire"])
    if t.rules[rules]["on_entry"] != 0:
        notional = abs(t.cost[e])
    if notional < 0:
        return 0.0, UNKNOWN
    return needed(t, q, rules, purpose, e, thing, notional, leveraged)


@kernel
def stand(t: Tables, q: Marks, pool: int, purpose: int) -> tuple[float, float, float, float]:
    """Value, margin equity and requirement of a pool in floats, and the bound on the error of their difference.

    Orders are not counted: right for FILL, RECOVER and MAINTAIN.

    Invariant: equity − required is at most the bound away from the exact surplus, by the proof above. Cost: one pass
    over the pool's entries.
    """
    row = t.pools[from_start(pool)]
    rules, first, used = row["rules"], row["first"], row["used"]
    numeraire = t.rules[rules]["numeraire"]
    losses_only = (t.rules[rules]["losses_only"] >> purpose & 1) != 0
    leveraged = (t.rules[rules]["leverage_at"] >> purpose & 1) != 0
    on_entry = t.rules[rules]["on_entry"] != 0
    cash, profit = row["cash"], 0
    if cash < 0 and pool != CCP_POOL:
        cash -= interest_due(cash, q.things[numeraire]["carry"], row["accrual"])
    value, equity, required, magnitude = 0.0, 0.0, 0.0, 0.0
    for e in range(first, first + used):
        at = from_start(e)
        key = t.key[at]
        if key == FREE:
            continue
        thing = key >> 2
        listed = q.things[from_start(thing)]
        if listed["kind"] == LINEAR and listed["settle"] == numeraire:
            lots = t.lots[at]
            worth = lots * listed["unit"]
            profit += worth - t.cost[at] - lots * (listed["carry"] - t.carry[at])
            basis = abs(t.cost[at]) if on_entry else abs(worth)
            need, size = needed(t, q, rules, purpose, e, thing, basis, leveraged)
        elif listed["kind"] == ASSET:
            need = 0.0
            plain, weighed, size = foreign_asset(t, q, pool, e, thing, purpose, losses_only)
            value += plain
            equity += weighed
        else:
            need, size = foreign_need(t, q, pool, purpose, e, thing, leveraged)
            if listed["settle"] == numeraire:
                profit += profit_of(t, q, e, thing)
        required += need
        magnitude += size
    base = float(cash + profit)
    counts = base
    if losses_only and profit > 0:
        counts = float(cash)
    bound = (used + EXTRA_TERMS) * ROUNDING * (magnitude + abs(counts))
    return value + base, equity + counts, required, bound


@kernel
def stand_all(
    t: Tables, q: Marks, purpose: int, low: int, high: int, value: F64, equity: F64, required: F64, flag: I8
) -> None:
    """Pools ``low`` … ``high``: how each stands, and flag 1 where it is not proved to have a positive surplus.

    Invariant: a pool with flag 0 has a positive surplus. Cost: that of :func:`stand` a pool.
    """
    for pool in range(low, high):
        worth, counts, needs, bound = stand(t, q, pool, purpose)
        at = from_start(pool)
        value[at], equity[at], required[at] = worth, counts, needs
        flag[at] = 0 if counts - needs > bound else 1


def halves(t: Tables, first: int, threads: int) -> list[tuple[int, int]]:
    """The ranges of pools that ``threads`` threads take: consecutive, in order, without gaps."""
    last = int(t.top[TOP_POOLS])
    cuts = [first + (last - first) * k // threads for k in range(threads + 1)]
    return list(itertools.pairwise(cuts))


def in_turn(run: Any, ranges: list[tuple[int, int]], threads: Any) -> list[Any]:
    """``run(low, high)`` on each range: on the pool of threads if there is one, else one after the other."""
    if threads is None:
        return [run(low, high) for low, high in ranges]
    return [one.result() for one in [threads.submit(run, low, high) for low, high in ranges]]
