"""Verbs of the way down: LIQUIDATE and ADL close positions of pools under liquidation, FUND raises bankrupt ones.

A pool under liquidation that reaches surplus(RECOVER) ≥ 0 is healthy again (RECOVERED). Where it has no contract
position left and its value is below zero it is bankrupt (BANKRUPT) and waits for FUND or SOCIALISE. In between, with
nothing left to close and a value that only weights keep below the line, it stays where it is for CONVERT.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.cash import (
    AMOUNT,
    BANKRUPT,
    FULL,
    HALTED,
    HEALTHY,
    LEVERAGE,
    LIQUIDATING,
    MAKER_SHORT,
    MALFORMED,
    MOST_CASH,
    NOT_HELD,
    OK,
    POOL_STATE,
    PRICE_STATE,
    REACH,
    REDUCE_ONLY_THING,
    SAME_POOL,
    SCOPE,
    STATE,
    TAKER_SHORT,
    UNKNOWN_POOL,
    UNSUPPORTED,
    add_balance,
    dropped,
    has_room,
    may_hold,
)
from solvent.engine.conversion import FUNDS, RECOVERED
from solvent.engine.fills import fill_cost, post_side, reach_allows, reduces, side_leverage, side_short
from solvent.engine.jit import kernel
from solvent.engine.leaving import come_back
from solvent.engine.orders import LEG, covered, prepare, priced
from solvent.engine.records import CCP_POOL, FIRST_USER_POOL, FUND_POOL, OTHER_LEG_SHIFT, Reason
from solvent.engine.slots import find, unmade
from solvent.engine.tables import SPOT, TOP_POOLS, Tables
from solvent.engine.trades import NOT_REDUCING, held_at, known, leg_allows, tradeable
from solvent.engine.value import (
    FILL,
    MAINTAIN,
    RECOVER,
    WITHDRAW,
    assessed,
    in_numeraire_up,
    lowest_ticks,
    notional,
    numeraire_of,
    profit,
    surplus,
)
from solvent.ledger import share_up

CLOSED_NOTIONAL, DEFICIT = 0, 1  # PenaltyBase in a rules row
INTO_THE_FUND = 1  # FUND's flag: from the pool into the fund
NOT_SHORT = int(Reason.NOT_SHORT)
MOST_LOTS = 1 << 62


@kernel
def closing_sound(
    t: Tables, pool: int, other: int, thing: int, flags: int, lots: int, ticks: int, held: int, other_held: int
) -> int:
    """What LIQUIDATE and ADL ask before any sum over a pool, in the stated order; OK or the reason.

    Invariant: nothing is changed, whatever the answer. Cost: a few reads.
    """
    row = t.things[thing]
    if row["kind"] == SPOT:
        return UNSUPPORTED
    if pool == other:
        return SAME_POOL
    if row["state"] >= HALTED:
        return STATE
    if row["state"] == REDUCE_ONLY_THING and other != CCP_POOL and not reduces(other_held, -lots):
        return STATE
    if not priced(t, pool, thing) or not priced(t, other, thing):
        return PRICE_STATE
    if lots == 0 or not -row["max_lots"] <= lots <= row["max_lots"]:
        return AMOUNT
    if not lowest_ticks(t, thing) <= ticks <= row["max_ticks"] or abs(other_held - lots) > row["max_lots"]:
        return AMOUNT
    if t.pools[pool]["state"] != LIQUIDATING or not tradeable(t, other):
        return POOL_STATE
    if not covered(t, other, thing):
        return SCOPE
    if not leg_allows(t, pool, flags & 3, held) or not leg_allows(
        t, other, flags >> OTHER_LEG_SHIFT, other_held - lots
    ):
        return LEG
    if held == 0:
        return NOT_HELD
    return OK if reduces(held, lots) else NOT_REDUCING


@kernel
def winner_fits(t: Tables, other: int, slot: int, lots: int) -> int:
    """Whether the other side of ADL holds the opposite side in profit at the mark and only reduces it.

    Invariant: who passes has profit at the mark and ends with less of the same side. Cost: a profit.
    """
    if other == CCP_POOL:
        return OK
    if slot < 0 or t.lots[slot] == 0 or (t.lots[slot] > 0) != (lots > 0) or profit(t, slot) <= 0:
        return NOT_HELD
    return OK if reduces(t.lots[slot], -lots) else NOT_REDUCING


@kernel
def closing_judged(
    t: Tables, pool: int, other: int, thing: int, lots: int, cost: int, slot: int, other_slot: int, adl: bool
) -> tuple[int, int]:
    """REACH of both sides; of LIQUIDATE's other side also LEVERAGE and surplus(FILL). (reason, short)

    Invariant: nothing but the cache is changed, whatever the answer. Cost: one pass over the other side's entries.
    """
    if not reach_allows(t, pool, slot, thing, lots, cost, 0, False):
        return REACH, 0
    if not reach_allows(t, other, other_slot, thing, -lots, -cost, 0, False):
        return REACH, 0
    if adl or other == CCP_POOL:
        return OK, 0
    if not side_leverage(t, other, other_slot, thing, -lots, -1):
        return LEVERAGE, 0
    short, after = side_short(t, other, other_slot, thing, -lots, -cost, 0, FILL)
    return (MAKER_SHORT, after) if short else (OK, 0)


@kernel
def close_out(
    t: Tables, pool: int, other: int, thing: int, flags: int, lots: int, ticks: int, adl: bool
) -> tuple[int, int, int]:
    """A step of a liquidation: (reason, short, penalty). No trading fee, no levy; loans are not refused.

    LIQUIDATE tests the other side at FILL and its penalty goes to the fund. In ADL both sides reduce, the other one a
    position in profit at the mark, without a penalty.

    Invariant: a refused step leaves the tables as they were; a done one never grows the position. Cost: a few passes
    over both pools' entries.
    """
    if not -MOST_LOTS < lots < MOST_LOTS:
        return AMOUNT, 0, 0
    reason = known(t, pool, other, thing, flags)
    if reason != OK:
        return reason, 0, 0
    slot, other_slot = find(t, pool, thing * 4 + (flags & 3)), find(t, other, thing * 4 + (flags >> OTHER_LEG_SHIFT))
    reason = closing_sound(t, pool, other, thing, flags, lots, ticks, held_at(t, slot), held_at(t, other_slot))
    if reason == OK and adl:
        reason = winner_fits(t, other, other_slot, lots)
    if reason != OK:
        return reason, 0, 0
    numeraire, settle, short = numeraire_of(t, pool), t.things[thing]["settle"], 0
    if not may_hold(t, FUND_POOL, numeraire):
        return SCOPE, 0, 0
    reason = OK if has_room(t, FUND_POOL, numeraire) else FULL
    other_slot = prepare(t, other, thing, flags >> OTHER_LEG_SHIFT) if reason == OK else -1
    if other_slot < 0:
        reason = FULL
    cost = fill_cost(t, thing, lots, ticks)
    if reason == OK:
        reason, short = closing_judged(t, pool, other, thing, lots, cost, slot, other_slot, adl)
    if reason != OK:
        unmade(t, other, other_slot)
        dropped(t, FUND_POOL, numeraire)
        return reason, short, 0
    deficit = max(0, -surplus(t, pool, MAINTAIN)[0])
    amount = in_numeraire_up(t, numeraire, settle, notional(t, thing, lots, ticks))
    post_side(t, pool, slot, thing, lots, ticks, cost, 0, 0)
    post_side(t, other, other_slot, thing, -lots, ticks, -cost, 0, 0)
    penalty = 0 if adl else take_penalty(t, pool, thing, amount, deficit)
    dropped(t, FUND_POOL, numeraire)
    return OK, 0, penalty


@kernel
def take_penalty(t: Tables, pool: int, thing: int, amount: int, deficit: int) -> int:
    """The penalty of a step from the pool to the fund: never more than leaves the pool's value at zero.

    Invariant: the pool's value does not fall below zero by it; the fund gets what the pool pays. Cost: one pass over
    the pool's entries.
    """
    rules = t.pools[pool]["rules"]
    base, ppm, penalty = t.rules[rules]["penalty_base"], t.penalty_ppm[rules, thing], 0
    if base == CLOSED_NOTIONAL:
        penalty = share_up(amount, ppm)
    elif base == DEFICIT:
        penalty = share_up(deficit, ppm)
    penalty = min(penalty, max(0, assessed(t, pool, MAINTAIN)[0]))
    if penalty <= 0:
        return 0
    numeraire = numeraire_of(t, pool)
    add_balance(t, pool, numeraire, -penalty)
    add_balance(t, FUND_POOL, numeraire, penalty)
    return penalty


@kernel
def fund(t: Tables, pool: int, flags: int, amount: int) -> tuple[int, int]:
    """FUND: the fund raises a bankrupt pool, or a healthy pool gives to the fund what it could withdraw.

    (reason, short); what becomes of the pool says :func:`raised`.

    Invariant: one balance falls by what the other grows; a refused one changes nothing. Cost: one pass over the pool's
    entries.
    """
    if flags not in (0, INTO_THE_FUND):
        return MALFORMED, 0
    if not FIRST_USER_POOL <= pool < t.top[TOP_POOLS]:
        return UNKNOWN_POOL, 0
    if not 0 < amount <= MOST_CASH:
        return AMOUNT, 0
    if numeraire_of(t, pool) != numeraire_of(t, FUND_POOL):
        return SCOPE, 0
    reason, short = into_fund(t, pool, amount) if flags else (from_fund(t, pool, amount), 0)
    if reason == OK:
        units = -amount if flags else amount
        add_balance(t, FUND_POOL, numeraire_of(t, FUND_POOL), -units)
        add_balance(t, pool, numeraire_of(t, pool), units)
    return reason, short


@kernel
def into_fund(t: Tables, pool: int, amount: int) -> tuple[int, int]:
    """Whether a pool may give to the fund: (reason, short).

    Invariant: what could be withdrawn may be given, no more. Cost: one pass over the pool's entries.
    """
    if t.pools[pool]["state"] != HEALTHY:
        return POOL_STATE, 0
    after = min(t.pools[pool]["cash"], surplus(t, pool, WITHDRAW)[0]) - amount
    return (TAKER_SHORT, after) if after < 0 else (OK, 0)


@kernel
def from_fund(t: Tables, pool: int, amount: int) -> int:
    """Whether the fund may raise a pool: OK or the reason.

    Invariant: no pool is raised above zero, and the fund not emptied below it. Cost: one pass over the pool's entries.
    """
    if t.pools[pool]["state"] != BANKRUPT:
        return POOL_STATE
    missing = -assessed(t, pool, MAINTAIN)[0]
    if missing <= 0:
        return NOT_SHORT
    if amount > missing:
        return AMOUNT
    return FUNDS if amount > t.pools[FUND_POOL]["cash"] else OK


@kernel
def raised(t: Tables, pool: int) -> tuple[int, int]:
    """A bankrupt pool that is worth nothing or more is healthy again: (RECOVERED, surplus(RECOVER)), else (0, 0).

    Invariant: nothing but the state is changed. Cost: two passes over the pool's entries.
    """
    if t.pools[pool]["state"] != BANKRUPT or assessed(t, pool, MAINTAIN)[0] < 0:
        return 0, 0
    t.pools[pool]["state"] = HEALTHY
    come_back(t, pool)
    return RECOVERED, surplus(t, pool, RECOVER)[0]
