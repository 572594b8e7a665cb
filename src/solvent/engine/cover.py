"""FUND and SOCIALISE: who raises a bankrupt pool to zero."""

from __future__ import annotations

import numpy as np

from solvent.book import Purpose
from solvent.engine.cash import add_balance
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.epochs import PAIR_BYTES
from solvent.engine.jit import kernel
from solvent.engine.leaving import come_back
from solvent.engine.names import PayloadError
from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, Happened, PoolState, Reason
from solvent.engine.tables import I64, TOP_POOLS, Tables
from solvent.engine.value import assessed, surplus

RECOVER, MAINTAIN, WITHDRAW = Purpose.RECOVER.value, Purpose.MAINTAIN.value, Purpose.WITHDRAW.value
INTO_THE_FUND = 1  # FUND's flag: from the pool into the fund


def numeraire_of(t: Tables, pool: int) -> int:
    """The thing id of the asset a pool is margined in."""
    return int(t.rules[int(t.pools[pool]["rules"])]["numeraire"])


def value_of(t: Tables, pool: int) -> int:
    """What a pool is worth, numeraire units."""
    return int(assessed(t, pool, MAINTAIN)[0])


def surplus_of(t: Tables, pool: int, purpose: int) -> int:
    """Surplus of a pool, rounded down to a unit."""
    return int(surplus(t, pool, purpose)[0])


def _covered(t: Tables, pool: int, sheet: Sheet) -> None:
    """A bankrupt pool raised to zero is healthy again."""
    if value_of(t, pool) >= 0:
        t.pools[pool]["state"] = PoolState.HEALTHY
        come_back(t, pool)
        sheet.write(Happened.RECOVERED, pool=pool, short=surplus_of(t, pool, RECOVER))


def fund(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """FUND: the fund raises a bankrupt pool, or a healthy pool gives to the fund what it could withdraw."""
    t = desk.t
    if c.flags not in (0, INTO_THE_FUND):
        return Answer(Reason.MALFORMED)
    if not FIRST_USER_POOL <= c.pool < int(t.top[TOP_POOLS]):
        return Answer(Reason.UNKNOWN_POOL)
    if c.amount <= 0:
        return Answer(Reason.AMOUNT)
    if numeraire_of(t, c.pool) != numeraire_of(t, FUND_POOL):
        return Answer(Reason.SCOPE)
    return _into_fund(t, c) if c.flags else _from_fund(t, c, sheet)


def _into_fund(t: Tables, c: Command) -> Answer:
    row = t.pools[c.pool]
    if int(row["state"]) != PoolState.HEALTHY:
        return Answer(Reason.POOL_STATE)
    after = min(int(row["cash"]), surplus_of(t, c.pool, WITHDRAW)) - c.amount
    if after < 0:
        return Answer(Reason.TAKER_SHORT, after)
    _move(t, c.pool, FUND_POOL, c.amount)
    return DONE


def _from_fund(t: Tables, c: Command, sheet: Sheet) -> Answer:
    if int(t.pools[c.pool]["state"]) != PoolState.BANKRUPT:
        return Answer(Reason.POOL_STATE)
    missing = -value_of(t, c.pool)
    if missing <= 0:
        return Answer(Reason.NOT_SHORT)
    if c.amount > missing:
        return Answer(Reason.AMOUNT)
    if c.amount > int(t.pools[FUND_POOL]["cash"]):
        return Answer(Reason.FUNDS)
    _move(t, FUND_POOL, c.pool, c.amount)
    _covered(t, c.pool, sheet)
    return DONE


def _move(t: Tables, giver: int, taker: int, units: int) -> None:
    numeraire = numeraire_of(t, giver)
    add_balance(t, giver, numeraire, -units)
    add_balance(t, taker, numeraire, units)


@kernel
def values(t: Tables, pools: I64, out: I64) -> None:
    """The value of each pool, numeraire units.

    Invariant: exact, and nothing is changed. Cost: one pass over the entries of each pool.
    """
    for k in range(pools.size):
        out[k] = assessed(t, pools[k], MAINTAIN)[0]


@kernel
def pay(t: Tables, asset: int, pools: I64, units: I64) -> None:
    """Take ``units`` of the numeraire from each pool.

    Invariant: each pool's cash falls by its units and by nothing else. Cost: a few reads and writes a pool.
    """
    for k in range(pools.size):
        add_balance(t, pools[k], asset, -units[k])


def socialise(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """SOCIALISE: healthy pools of the same numeraire raise a bankrupt one to exactly zero; nobody falls below zero."""
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
    numeraire = numeraire_of(t, c.pool)
    pay(t, numeraire, payers, units)
    add_balance(t, c.pool, numeraire, sum(units.tolist()))
    _covered(t, c.pool, sheet)
    return DONE


def _may_pay(t: Tables, pool: int, payers: I64, units: I64) -> Answer | None:
    rows = t.pools[payers]
    if int(t.pools[pool]["state"]) != PoolState.BANKRUPT or (rows["state"] != PoolState.HEALTHY).any():
        return Answer(Reason.POOL_STATE)
    if (t.rules["numeraire"][rows["rules"]] != numeraire_of(t, pool)).any():
        return Answer(Reason.SCOPE)
    if sum(units.tolist()) != max(0, -value_of(t, pool)):
        return Answer(Reason.AMOUNT)
    if ((payers == FUND_POOL) & (rows["cash"] < units)).any():
        return Answer(Reason.FUNDS)
    out = np.zeros(payers.size, np.int64)
    if payers.size:
        values(t, payers, out)
    after = out - units
    short = np.flatnonzero(after < 0)
    return Answer(Reason.MAKER_SHORT, int(after[short[0]])) if short.size else None
