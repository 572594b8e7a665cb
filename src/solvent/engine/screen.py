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

from solvent.engine.jit import kernel
from solvent.engine.records import CCP_POOL
from solvent.engine.tables import (
    ASSET,
    FREE,
    I32,
    I64,
    INVERSE,
    LINEAR,
    TOP_PIECES,
    TOP_POOLS,
    TOP_THINGS,
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


class Marks(NamedTuple):
    """What the pass reads of things and pieces, packed for one epoch: T things, K pieces."""

    kind: I32  # T
    settle: I32  # T
    unit: I64  # T: linear: settle units of a lot at its mark; inverse: the constant
    mark: I64  # T
    carry: I64  # T
    divisor: I64  # T
    slope: F64  # K: rate as a fraction
    cut: F64  # K: deduction in units


def packed(t: Tables) -> Marks:
    """The present epoch's marks and pieces."""
    things = t.things[: int(t.top[TOP_THINGS])]
    pieces = int(t.top[TOP_PIECES])
    linear = things["kind"] == LINEAR
    unit = np.where(linear, things["tick_value"], things["constant"])
    unit[linear] *= things["mark"][linear]
    return Marks(
        np.ascontiguousarray(things["kind"]),
        np.ascontiguousarray(things["settle"]),
        unit,
        np.ascontiguousarray(things["mark"]),
        np.ascontiguousarray(things["carry"]),
        np.ascontiguousarray(things["divisor"]),
        t.rate[:pieces] / 1e6,
        t.part[:pieces] + t.rest[:pieces] / 1e6,
    )


@kernel
def piece_of(t: Tables, rules: int, purpose: int, place: int, amount: int) -> int:
    """The piece of ``amount``, −1 where the schedule has none."""
    count = t.span[rules, purpose, place, 1]
    if count == 0:
        return -1
    k: int = t.span[rules, purpose, place, 0]
    last = k + count - 1
    while k < last and amount > t.floor[k + 1]:
        k += 1
    return k


@kernel
def profit_of(t: Tables, q: Marks, e: int, thing: int) -> int:
    """Unrealised profit of a position less the funding it owes, settle units."""
    lots = t.lots[e]
    gain: int = -t.cost[e] - lots * (q.carry[thing] - t.carry[e])
    if q.kind[thing] == LINEAR:
        gain += lots * q.unit[thing]
    elif q.mark[thing] != 0:
        gain += inverse_worth(lots, q.mark[thing], q.unit[thing])
    return gain


@kernel
def equity_in(t: Tables, q: Marks, pool: int, at: int, asset: int) -> tuple[int, int]:
    """Of an asset entry: its balance less interest, and Σ profit of the pool's positions that settle in the asset."""
    units, profit = t.lots[at], 0
    if units < 0 and pool != CCP_POOL:
        units -= interest_due(units, q.carry[asset], t.carry[at])
    first = t.pools[pool]["first"]
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] != FREE:
            thing = t.key[e] >> 2
            if q.kind[thing] != ASSET and q.settle[thing] == asset:
                profit += profit_of(t, q, e, thing)
    return units, profit


@kernel
def in_floats(q: Marks, asset: int, units: int) -> tuple[int, bool]:
    """Units of an asset in the asset its index is in, rounded down; False where that could leave 64 bits or has no
    price.
    """
    mark = q.mark[asset]
    if mark == 0 or q.divisor[asset] <= 0 or abs(float(units) * float(mark)) > SAFE_PRODUCT:
        return 0, False
    return units * mark // q.divisor[asset], True


@kernel
def counted(t: Tables, q: Marks, rules: int, purpose: int, asset: int, value: int) -> tuple[float, float]:
    """What a value counts after weights or at the debt rate, and its magnitude."""
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
    """Value, counted value and magnitude of an asset other than the numeraire, with all that settles in it."""
    rules = t.pools[pool]["rules"]
    units, profit = equity_in(t, q, pool, e, asset)
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
    """Notional in numeraire units, rounded up; −1 where the product could leave 64 bits or a price is missing."""
    lots = abs(t.lots[e])
    if q.mark[thing] == 0:
        return -1
    notional: int = lots * q.unit[thing]
    if q.kind[thing] != LINEAR:
        notional = divide_up(notional, q.mark[thing])
    settle = q.settle[thing]
    if settle == numeraire:
        return notional
    if q.mark[settle] == 0 or float(notional) * float(q.mark[settle]) > SAFE_PRODUCT:
        return -1
    return converted_up(notional, q.mark[settle], q.divisor[settle])


@kernel
def needed(t: Tables, q: Marks, rules: int, purpose: int, e: int, thing: int, notional: int) -> tuple[float, float]:
    """Requirement of a position and its magnitude."""
    k = piece_of(t, rules, purpose, 2 * thing, notional)
    if k < 0:
        return 0.0, UNKNOWN
    share = float(notional) * q.slope[k]
    need = share - q.cut[k]
    if t.rules[rules]["leverage_at"] >> purpose & 1:
        leverage = leverage_of(t, rules, e, thing)
        if leverage <= 0:
            return need, UNKNOWN
        need = max(need, float(leverage_margin(notional, leverage)))
    return need, max(share, need) + abs(q.cut[k]) + 1.0


@kernel
def foreign_need(t: Tables, q: Marks, pool: int, purpose: int, e: int, thing: int) -> tuple[float, float]:
    """Requirement and magnitude of an inverse contract, or of one that settles in another asset."""
    rules = t.pools[pool]["rules"]
    if t.lots[e] == 0:
        return 0.0, 0.0
    if q.kind[thing] != LINEAR and q.kind[thing] != INVERSE:
        return 0.0, UNKNOWN
    notional = notional_of(t, q, e, thing, t.rules[rules]["numeraire"])
    if notional < 0:
        return 0.0, UNKNOWN
    return needed(t, q, rules, purpose, e, thing, notional)


@kernel
def stand(t: Tables, q: Marks, pool: int, purpose: int) -> tuple[float, float, float, float]:
    """Value, margin equity and requirement of a pool in floats, and the bound on the error of their difference.

    Orders are not counted: right for FILL, RECOVER and MAINTAIN.
    """
    row = t.pools[pool]
    rules, first, used = row["rules"], row["first"], row["used"]
    numeraire = t.rules[rules]["numeraire"]
    losses_only = (t.rules[rules]["losses_only"] >> purpose & 1) != 0
    cash, profit = row["cash"], 0
    if cash < 0 and pool != CCP_POOL:
        cash -= interest_due(cash, q.carry[numeraire], row["accrual"])
    value, equity, required, magnitude = 0.0, 0.0, 0.0, 0.0
    for e in range(first, first + used):
        key = t.key[e]
        if key == FREE:
            continue
        thing = key >> 2
        if q.kind[thing] == LINEAR and q.settle[thing] == numeraire:
            lots = t.lots[e]
            worth = lots * q.unit[thing]
            profit += worth - t.cost[e] - lots * (q.carry[thing] - t.carry[e])
            need, size = needed(t, q, rules, purpose, e, thing, abs(worth))
        elif q.kind[thing] == ASSET:
            need = 0.0
            plain, weighed, size = foreign_asset(t, q, pool, e, thing, purpose, losses_only)
            value += plain
            equity += weighed
        else:
            need, size = foreign_need(t, q, pool, purpose, e, thing)
            if q.settle[thing] == numeraire:
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
    """Pools ``low`` … ``high``: how each stands, and flag 1 where it is not proved to have a positive surplus."""
    for pool in range(low, high):
        worth, counts, needs, bound = stand(t, q, pool, purpose)
        value[pool], equity[pool], required[pool] = worth, counts, needs
        flag[pool] = 0 if counts - needs > bound else 1


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
