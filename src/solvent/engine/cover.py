"""SOCIALISE: who raises bankrupt pools to zero, where neither they nor the fund can.

Two forms. One names a bankrupt pool and who pays how much. The other names bankrupt pools only: their losses are added
up and divided once among all healthy pools of users in proportion to value, by largest remainders, as
:func:`solvent.liquidation.socialised` does; so its cost is one pass over the pools, however many losses there are.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

import numpy as np

from solvent.book import Purpose
from solvent.engine.cash import add_balance
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.epochs import PAIR_BYTES
from solvent.engine.jit import kernel
from solvent.engine.losses import raised
from solvent.engine.names import PayloadError
from solvent.engine.plans import LIMB_BITS, product
from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, Happened, PoolState, Reason
from solvent.engine.screen import halves, in_turn
from solvent.engine.tables import I64, NONE, TOP_POOLS, Tables
from solvent.engine.value import assessed, numeraire_of
from solvent.engine.view import pool_name

MAINTAIN = Purpose.MAINTAIN.value
HEALTHY = int(PoolState.HEALTHY)
ID_BYTES = 8
TOP_LIMB = 1 << 2 * LIMB_BITS
MOST_VALUE = 1 << 60  # of all payers together, units: products of two such are divided exactly


@kernel
def values(t: Tables, pools: I64, out: I64) -> None:
    """The value of each pool, numeraire units.

    Invariant: exact, and nothing is changed. Cost: one pass over the entries of each pool.
    """
    for k in range(pools.size):
        out[k] = assessed(t, pools[k], MAINTAIN)[0]


@kernel
def able(t: Tables, low: int, high: int, numeraire: int, out: I64) -> None:
    """What each of the pools ``low`` … ``high`` may be asked for: a healthy one's value, at least 0; else 0.

    Invariant: exact, and only ``out[low:high]`` is written. Cost: one pass over the entries of each pool.
    """
    for pool in range(low, high):
        out[pool] = 0
        if t.pools[pool]["state"] == HEALTHY and numeraire_of(t, pool) == numeraire:
            out[pool] = max(0, assessed(t, pool, MAINTAIN)[0])


@kernel
def divided(a: int, b: int, whole: int) -> tuple[int, int]:
    """Quotient and remainder of a × b ÷ whole, exact, for 0 ≤ a, b ≤ whole < 2^61 and whole > 0.

    Invariant: quotient × whole + remainder = a × b, and 0 ≤ remainder < whole. A float finds the quotient to within a
    few thousand; what is missing then is known exactly and divided again. Cost: two or three products.
    """
    high, low = product(a, b)
    quotient = min(int(float(a) * (float(b) / float(whole))), whole)
    while True:
        more, rest = product(quotient, whole)
        more, rest = high - more, low - rest
        step = int((float(more) * float(TOP_LIMB) + float(rest)) / float(whole))
        if step == 0:
            break
        quotient = max(0, quotient + step)
    left = more * TOP_LIMB + rest
    return (quotient - 1, left + whole) if left < 0 else (quotient, left)


@kernel
def proportional(values: I64, budget: int, whole: int, units: I64, rests: I64) -> int:
    """Each one's part of ``budget`` by value, rounded down, and its remainder, by place; what is left over.

    Invariant: parts and what is left sum to the budget; less is left than there are parts. Cost: a division each.
    """
    left = budget
    for k in range(values.size):
        units[k], rests[k] = divided(values[k], budget, whole)
        left -= units[k]
    return left


@kernel
def pay(t: Tables, asset: int, pools: I64, units: I64) -> None:
    """Take ``units`` of the numeraire from each pool.

    Invariant: each pool's cash falls by its units and by nothing else. Cost: a few reads and writes a pool.
    """
    for k in range(pools.size):
        add_balance(t, pools[k], asset, -units[k])


@kernel
def raised_to_zero(t: Tables, asset: int, pools: I64, units: I64, left: I64) -> None:
    """Give each bankrupt pool the ``units`` it is below zero: it is healthy again; ``left`` is its surplus(RECOVER).

    Invariant: no pool is left below zero. Cost: one pass over the entries of each pool.
    """
    for k in range(pools.size):
        add_balance(t, pools[k], asset, units[k])
        _, left[k] = raised(t, pools[k])


def socialise(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """SOCIALISE: raise bankrupt pools to exactly zero; nobody who pays falls below zero."""
    return _among_all(desk, c, sheet) if c.pool == NONE else _among_named(desk, c, sheet)


def _among_named(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """Healthy pools of the same numeraire raise one bankrupt pool, each by what the payload says."""
    t, payload = desk.t, c.payload or b""
    if len(payload) % PAIR_BYTES:
        raise PayloadError(f"payload must be pairs of 64-bit integers, not {len(payload)} bytes")
    rows = np.frombuffer(payload, "<i8").reshape(-1, 2)
    payers, units = np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1])
    if np.unique(payers).size != payers.size:
        raise PayloadError("payload must name each payer once")
    count = int(t.top[TOP_POOLS])
    if not FIRST_USER_POOL <= c.pool < count or (payers < FUND_POOL).any() or (payers >= count).any():
        return Answer(Reason.UNKNOWN_POOL)
    if (payers == c.pool).any():
        return Answer(Reason.SAME_POOL)
    if (units < 1).any():
        return Answer(Reason.AMOUNT)
    refused = _may_pay(t, c.pool, payers, units)
    if refused:
        return refused
    return _paid(t, np.array([c.pool]), np.array([sum(units.tolist())]), payers, units, sheet)


def _may_pay(t: Tables, pool: int, payers: I64, units: I64) -> Answer | None:
    rows = t.pools[payers]
    if int(t.pools[pool]["state"]) != PoolState.BANKRUPT or (rows["state"] != PoolState.HEALTHY).any():
        return Answer(Reason.POOL_STATE)
    if (t.rules["numeraire"][rows["rules"]] != numeraire_of(t, pool)).any():
        return Answer(Reason.SCOPE)
    if sum(units.tolist()) != int(_missing(t, np.array([pool]))[0]):
        return Answer(Reason.AMOUNT)
    if ((payers == FUND_POOL) & (rows["cash"] < units)).any():
        return Answer(Reason.FUNDS)
    out = np.zeros(payers.size, np.int64)
    values(t, payers, out)
    after = out - units
    short = np.flatnonzero(after < 0)
    return Answer(Reason.MAKER_SHORT, int(after[short[0]])) if short.size else None


def _missing(t: Tables, pools: I64) -> I64:
    """By how much each pool is worth less than nothing, units."""
    out = np.zeros(pools.size, np.int64)
    values(t, pools, out)
    return np.maximum(0, -out)


def _paid(t: Tables, pools: I64, missing: I64, payers: I64, units: I64, sheet: Sheet) -> Answer:
    """Post what payers pay and bankrupt pools get; RECOVERED of each pool, in order."""
    numeraire, left = int(numeraire_of(t, int(pools[0]))), np.zeros(pools.size, np.int64)
    pay(t, numeraire, payers, units)
    raised_to_zero(t, numeraire, pools, missing, left)
    sheet.reserve(pools.size)
    for pool, short in zip(pools.tolist(), left.tolist(), strict=True):
        sheet.write(Happened.RECOVERED, pool=pool, short=short)
    return DONE


def _among_all(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """All healthy users' pools of a numeraire raise the bankrupt pools named; the event's amount is the sum."""
    t, payload = desk.t, c.payload or b""
    if not payload or len(payload) % ID_BYTES:
        raise PayloadError(f"payload must be 64-bit pool ids, one at least, not {len(payload)} bytes")
    pools = np.array(np.frombuffer(payload, "<i8"))
    if np.unique(pools).size != pools.size:
        raise PayloadError("payload must name each pool once")
    if (pools < FIRST_USER_POOL).any() or (pools >= int(t.top[TOP_POOLS])).any():
        return Answer(Reason.UNKNOWN_POOL)
    rows = t.pools[pools]
    if (rows["state"] != PoolState.BANKRUPT).any():
        return Answer(Reason.POOL_STATE)
    numeraire = int(numeraire_of(t, int(pools[0])))
    if (t.rules["numeraire"][rows["rules"]] != numeraire).any():
        return Answer(Reason.SCOPE)
    missing = _missing(t, pools)
    budget, worth = sum(missing.tolist()), _able(desk, numeraire)
    if float(worth.sum(dtype=np.float64)) > MOST_VALUE:
        return Answer(Reason.REACH)
    whole = int(worth.sum())
    if budget > whole:
        return Answer(Reason.FUNDS)
    payers = np.flatnonzero(worth if budget else worth[:0])
    units = parts(worth[payers], payers, budget, whole)
    sheet.events[0]["amount"] = budget
    return _paid(t, pools, missing, payers[units > 0], units[units > 0], sheet)


def _able(desk: Desk, numeraire: int) -> I64:
    """What each pool may be asked for, units, by pool id."""
    t = desk.t
    out = np.zeros(int(t.top[TOP_POOLS]), np.int64)
    ranges = halves(t, FIRST_USER_POOL, desk.threads)
    in_turn(lambda low, high: able(t, low, high, numeraire, out), ranges, desk.crew)
    return out


def parts(worth: I64, payers: I64, budget: int, whole: int) -> I64:
    """Who pays how much of ``budget``: in proportion to value, what rounding leaves to the largest remainders.

    Equal remainders go in order of the pools' names as text. ``whole`` is the sum of ``worth``, at least the budget.

    >>> parts(np.array([100, 50]), np.array([7, 8]), 4, 150).tolist()
    [3, 1]
    """
    units, rests = np.zeros(payers.size, np.int64), np.zeros(payers.size, np.int64)
    left = int(proportional(worth, budget, whole, units, rests)) if payers.size else 0
    if left:
        least = np.partition(rests, -left)[-left]
        units[rests > least] += 1
        equal = np.flatnonzero(rests == least).tolist()
        first = sorted(equal, key=lambda row: pool_name(int(payers[row])))
        units[first[: left - int((rests > least).sum())]] += 1
    return units
