"""Winners of an instrument, ranked for deleveraging on the engine's arrays: twin of :mod:`solvent.liquidation.adl`.

All candidates are scored at once in floats; those so near each other that rounding could have turned them round are
compared exactly. So the order is the readable one, fraction by fraction, with equals by the pool's name and leg.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from solvent.engine.jit import kernel
from solvent.engine.records import FIRST_USER_POOL, LEG_MASK
from solvent.engine.screen import in_turn
from solvent.engine.tables import ASSET, FREE, I64, TOP_POOLS, Tables
from solvent.engine.value import (
    MAINTAIN,
    assessed,
    basis,
    leverage_of,
    losses_only,
    normal,
    notional,
    numeraire_of,
    profit,
    required_at,
    worth,
)
from solvent.engine.view import pool_name
from solvent.ledger import MILLION, cost_after, realised
from solvent.rules import AdlRank

LEG_BITS = 2
FIGURES = 8
# A score is at most ten roundings of 2^−53 away from exact; two that differ by more than this are in the right order.
NEAR = 2.0**-46


@kernel
def opposite(t: Tables, thing: int, losing: int, pools: I64, slots: I64) -> int:
    """Of ``pools``, those with a leg opposite to ``losing`` lots and profit at the mark, moved to the front; how many.

    ``slots`` gets their legs. A pool holds at most one leg of a side.

    Invariant: pools stay in their order; no table is changed. Cost: one look at each entry.
    """
    found = 0
    for k in range(pools.size):
        pool = pools[k]
        first = t.pools[pool]["first"]
        for e in range(first, first + t.pools[pool]["used"]):
            lots = t.lots[e]
            if t.key[e] >> LEG_BITS == thing and ((lots < 0 < losing) or (losing < 0 < lots)) and profit(t, e) > 0:
                pools[found], slots[found] = pool, e
                found += 1
                break
    return found


@kernel
def whole(t: Tables, pool: int, thing: int) -> bool:
    """Whether everything of the pool settles in its numeraire, as ``thing`` does, and profit counts in full.

    Invariant: nothing is changed. Cost: one pass over the pool's entries.
    """
    numeraire, first = numeraire_of(t, pool), t.pools[pool]["first"]
    if t.things[thing]["settle"] != numeraire or losses_only(t, pool, MAINTAIN):
        return False
    for e in range(first, first + t.pools[pool]["used"]):
        row = t.things[t.key[e] >> LEG_BITS]
        if t.key[e] == FREE or t.lots[e] == 0:
            continue
        if row["mark"] == 0 or (row["kind"] != ASSET and row["settle"] != numeraire):
            return False
    return True


@kernel
def measure(t: Tables, pools: I64, slots: I64, figures: I64) -> bool:
    """Eight figures of each candidate; False where one is not covered: lots, profit, notional, |cost|, then the pool's
    value, unrealised profit, requirement (pair).

    Invariant: exact, and no table is changed. Cost: a few passes over the entries of each candidate.
    """
    for k in range(slots.size):
        e, at, pool = slots[k], FIGURES * k, pools[k]
        thing, first, unrealised = t.key[e] >> LEG_BITS, t.pools[pool]["first"], 0
        if not whole(t, pool, thing):
            return False
        for other in range(first, first + t.pools[pool]["used"]):
            if t.key[other] != FREE and t.things[t.key[other] >> LEG_BITS]["kind"] != ASSET:
                unrealised += profit(t, other)
        figures[at], figures[at + 1] = t.lots[e], profit(t, e)
        figures[at + 2] = notional(t, thing, t.lots[e], t.things[thing]["mark"])
        figures[at + 3], figures[at + 5] = abs(t.cost[e]), unrealised
        value, _, _, needed, rest = assessed(t, pool, MAINTAIN)
        figures[at + 4], figures[at + 6], figures[at + 7] = value, needed, rest
    return True


@kernel
def given(t: Tables, pool: int, slot: int, lots: int, ticks: int, out: I64) -> None:
    """What giving up ``lots`` (absolute) at ``ticks`` does: realised profit, margin equity and requirement (pairs)
    before, and after.

    Invariant: no table is changed; what it says is what the postings would do. Cost: one pass over the pool's entries.
    """
    rules, thing, held = t.pools[pool]["rules"], t.key[slot] >> LEG_BITS, t.lots[slot]
    mark, leverage = t.things[thing]["mark"], leverage_of(t, rules, slot, thing)
    fill = -lots if held > 0 else lots
    fill_cost = worth(t, thing, fill, ticks)
    cost = cost_after(held, t.cost[slot], fill, fill_cost)
    kept = worth(t, thing, held + fill, mark) - worth(t, thing, held, mark) - fill_cost
    needed, rest = required_at(t, rules, MAINTAIN, thing, basis(t, rules, thing, held, t.cost[slot]), leverage)
    left, left_rest = required_at(t, rules, MAINTAIN, thing, basis(t, rules, thing, held + fill, cost), leverage)
    _, out[1], out[2], out[3], out[4] = assessed(t, pool, MAINTAIN)
    out[0], out[5], out[6] = realised(t.cost[slot], fill_cost, cost), out[1] + kept, out[2]
    out[7], out[8] = normal(out[3] - needed + left, out[4] - rest + left_rest)


class Candidates(NamedTuple):
    """Legs opposite to a loser's with profit at the mark, in order of pool; one row each in all columns.

    ``lots`` are signed; the other figures are numeraire units: of the leg ``profit``, ``notional`` and ``entry`` (its
    absolute cost), of the pool ``value``, ``unrealised`` and what it ``required`` at MAINTAIN (pair).
    """

    pool: I64
    slot: I64
    leg: I64
    lots: I64
    profit: I64
    notional: I64
    entry: I64
    value: I64
    unrealised: I64
    required: I64
    required_rest: I64

    def at(self, rows: I64) -> Candidates:
        """These rows, in their order."""
        return Candidates(*(column[rows] for column in self))


class Given(NamedTuple):
    """Lots (absolute) that one winner gives up."""

    pool: int
    leg: int
    lots: int


def candidates(
    t: Tables, thing: int, losing_lots: int, pools: I64 | None = None, crew: ThreadPoolExecutor | None = None
) -> Candidates | None:
    """Every leg of ``pools`` (all users', unless said) that could take the other side; None where one is not covered.

    Of two threads in a ``crew`` each looks at half of the pools.

    Examples
    --------
    >>> from solvent.engine.engine import Engine
    >>> candidates(Engine().tables, 0, 5).pool.size
    0

    """
    users = np.arange(FIRST_USER_POOL, int(t.top[TOP_POOLS])) if pools is None else _rising(pools)
    chosen, slots = users.astype(np.int64), np.zeros(users.size, np.int64)

    def chose(low: int, high: int) -> int:
        return low + int(opposite(t, thing, losing_lots, chosen[low:high], slots[low:high]))

    parts = _halves(users.size, crew)
    kept = np.concatenate(
        [np.arange(low, end) for (low, _), end in zip(parts, in_turn(chose, parts, crew), strict=True)]
    )
    chosen, slots = chosen[kept], slots[kept]
    figures = np.zeros(FIGURES * kept.size, np.int64)

    def measured(low: int, high: int) -> bool:
        return bool(measure(t, chosen[low:high], slots[low:high], figures[FIGURES * low : FIGURES * high]))

    if not all(in_turn(measured, _halves(kept.size, crew), crew)):
        return None
    leg = t.key[slots].astype(np.int64) & LEG_MASK
    return Candidates(chosen, slots, leg, *np.ascontiguousarray(figures.reshape(-1, FIGURES).T))


def _halves(count: int, crew: ThreadPoolExecutor | None) -> list[tuple[int, int]]:
    """Rows that are looked at together: all of them, or with a crew two halves."""
    return [(0, count)] if crew is None else [(0, count // 2), (count // 2, count)]


def _rising(pools: I64) -> I64:
    """Each pool once, in order; most who ask have them so already."""
    return pools if (pools[1:] > pools[:-1]).all() else np.unique(pools)


def ranked(found: Candidates, rank: AdlRank, one_units: int) -> I64:
    """Rows of ``found`` in the order they are deleveraged: highest rank first, equals by the pool's name and leg.

    ``one_units`` is one whole numeraire in units, below which no entry and no wallet counts.
    """
    score = _scores(found, rank, one_units)
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    for first, last in _runs(falling[1:] >= falling[:-1] * (1 - NEAR)):
        order[first:last] = sorted(order[first:last].tolist(), key=lambda row: _exact(found, rank, one_units, row))
    return order.astype(np.int64)


def _scores(found: Candidates, rank: AdlRank, one_units: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The rank in floats: ten roundings at most."""
    profit, value = found.profit.astype(np.float64), found.value.astype(np.float64)
    if rank is AdlRank.PROFIT_TIMES_LEVERAGE:
        top, bottom = profit * found.notional, np.maximum(one_units, found.entry) * value
    else:
        top = profit * (found.required + found.required_rest / MILLION)
        bottom = np.maximum(one_units, found.value - found.unrealised) * value
    counts = (found.value > 0) & (found.profit > 0)
    return np.where(counts, top / np.where(counts, bottom, 1.0), 0.0)


def _exact(found: Candidates, rank: AdlRank, one_units: int, row: int) -> tuple[Fraction, str, int]:
    """What a row sorts by."""
    name, leg = pool_name(int(found.pool[row])), int(found.leg[row])
    profit, value = int(found.profit[row]), int(found.value[row])
    if value <= 0 or profit <= 0:
        return Fraction(0), name, leg
    if rank is AdlRank.PROFIT_TIMES_LEVERAGE:
        share, lever = int(found.entry[row]), Fraction(int(found.notional[row]), value)
    else:
        required = int(found.required[row]) * MILLION + int(found.required_rest[row])
        share, lever = value - int(found.unrealised[row]), Fraction(required, value * MILLION)
    return -Fraction(profit, max(one_units, share)) * lever, name, leg


def _runs(near: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[tuple[int, int]]:
    """Stretches [first, last) in which each row is near the next one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], near.astype(np.int8), [0]))))
    for first, last in edges.reshape(-1, 2).tolist():
        yield first, last + 1


def deleveraged(
    t: Tables, found: Candidates, rank: AdlRank, one_units: int, losing_lots: int, ticks: int
) -> tuple[list[Given], int]:
    """Who of ``found`` takes the other side of closing ``losing_lots`` at ``ticks``, in order of rank; lots left over.

    A winner gives up as much as is wanted, unless the close itself would lose or its margin equity ÷ requirement would
    fall; then nothing.
    """
    budget, taken = abs(losing_lots), list[Given]()
    for row in ranked(found, rank, one_units).tolist():
        if budget == 0:
            break
        lots = min(budget, abs(int(found.lots[row])))
        if _no_worse(t, int(found.pool[row]), int(found.slot[row]), lots, ticks):
            taken.append(Given(int(found.pool[row]), int(found.leg[row]), lots))
            budget -= lots
    return taken, budget


def _no_worse(t: Tables, pool: int, slot: int, lots: int, ticks: int) -> bool:
    out = np.zeros(9, np.int64)
    given(t, pool, slot, lots, ticks, out)
    gain, *pairs = out.tolist()
    equity, required, equity_after, required_after = (
        units * MILLION + rest for units, rest in zip(pairs[::2], pairs[1::2], strict=True)
    )
    worse = equity_after * required < equity * required_after or (required_after == 0 and equity_after < 0)
    return gain >= 0 and not worse
