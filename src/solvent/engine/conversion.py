"""CONVERT: a pool's asset for its numeraire at the index, for a pool that stands or one that is being liquidated."""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.cash import (
    AMOUNT,
    BANKRUPT,
    BORROW,
    CONVERSION,
    HEALTHY,
    HOUSE_POOL,
    LIQUIDATING,
    MAKER_SHORT,
    NOT_HELD,
    OK,
    POOL_STATE,
    PRICE_STATE,
    SAME_POOL,
    SCOPE,
    SEIZED_COLLATERAL,
    TAKER_SHORT,
    UNKNOWN_POOL,
    add_balance,
    asset_check,
    borrows,
    dropped,
    funded,
    given_room,
    may_hold,
    pool_known,
    receives,
    surplus_after,
    within,
)
from solvent.engine.jit import kernel
from solvent.engine.leaving import come_back
from solvent.engine.records import CCP_POOL, FUND_POOL, Happened, Reason
from solvent.engine.tables import ASSET, FREE, Tables
from solvent.engine.value import (
    ADMIT,
    MAINTAIN,
    RECOVER,
    assessed,
    asset_value,
    in_breach,
    net_cash,
    numeraire_of,
    surplus,
)
from solvent.ledger import share_up

RECOVERED, BANKRUPTED = int(Happened.RECOVERED), int(Happened.BANKRUPT)
FUNDS = int(Reason.FUNDS)
HOUSE_SIDE = -1 - CONVERSION  # ``other`` of a conversion with the house's own account


@kernel
def convert_check(t: Tables, pool: int, other: int, asset: int, amount: int, ticks: int) -> int:
    """What CONVERT asks before any surplus, in the stated order; OK or the reason.

    Invariant: nothing is changed, whatever the answer. Cost: a look or two through each side's entries.
    """
    reason = asset_check(t, pool, asset, amount)
    if other != HOUSE_SIDE and not pool_known(t, other):
        return UNKNOWN_POOL
    if reason != OK:
        return reason
    if pool == other:
        return SAME_POOL
    numeraire = numeraire_of(t, pool)
    if t.things[asset]["mark"] == 0 or ticks != t.things[asset]["mark"]:
        return PRICE_STATE
    state = t.pools[pool]["state"]
    if state not in (HEALTHY, LIQUIDATING):
        return POOL_STATE
    if other >= 0 and t.pools[other]["state"] != HEALTHY and t.pools[other]["state"] != HOUSE_POOL:
        return POOL_STATE
    if asset == numeraire or t.things[asset]["settle"] != numeraire:
        return SCOPE
    if other >= 0 and not may_hold(t, other, numeraire):
        return SCOPE
    if funded(t, pool, asset) < amount:
        return NOT_HELD
    if asset_value(t, asset, amount) == 0:
        return AMOUNT
    return receives(t, other, asset, amount) if other >= 0 else OK


@kernel
def buyer_check(t: Tables, other: int, asset: int, amount: int, numeraire: int, price: int) -> tuple[int, int]:
    """Whether the pool that takes the asset may: its loans, and its surplus(ADMIT) after; the fund never borrows.

    Invariant: nothing but the cache is changed, whatever the answer. Cost: one pass over the buyer's entries.
    """
    if other == CCP_POOL:
        return OK, 0
    if not within(t, other, numeraire, -price):
        return AMOUNT, 0
    if other == FUND_POOL and net_cash(t, other) < price:
        return FUNDS, 0
    if borrows(t, other, numeraire, -price, 0) < 0:
        return BORROW, 0
    whole, _ = surplus_after(t, other, ADMIT, asset, amount, numeraire, -price)
    if whole < 0:
        return MAKER_SHORT, whole
    return OK, 0


@kernel
def seller_check(t: Tables, pool: int, asset: int, amount: int, numeraire: int, price: int) -> tuple[int, int]:
    """Whether a pool that stands may convert: surplus(RECOVER) stays at zero or above, or does not fall.

    Invariant: nothing but the cache is changed, whatever the answer. Cost: one or two passes over the pool's entries.
    """
    if t.pools[pool]["state"] == LIQUIDATING:
        return OK, 0
    whole, millionths = surplus_after(t, pool, RECOVER, asset, -amount, numeraire, price)
    if whole >= 0:
        return OK, 0
    before, parts = surplus(t, pool, RECOVER)
    if whole > before or (whole == before and millionths >= parts):
        return OK, 0
    return TAKER_SHORT, whole


@kernel
def convert(t: Tables, pool: int, other: int, asset: int, amount: int, ticks: int) -> tuple[int, int, int]:
    """CONVERT: (reason, short, penalty). The price is rounded down to a numeraire unit, the same for both sides.

    Invariant: a refused one leaves the tables as they were; a done one moves equal amounts on both sides. Cost: a few
    passes over both pools' entries.
    """
    reason, short = convert_check(t, pool, other, asset, amount, ticks), 0
    if reason != OK:
        return reason, 0, 0
    numeraire, price = numeraire_of(t, pool), asset_value(t, asset, amount)
    if other >= 0:
        reason = given_room(t, other, asset)
        if reason == OK:
            reason = given_room(t, other, numeraire)
        if reason == OK:
            reason = given_room(t, FUND_POOL, numeraire)
    if reason == OK and not within(t, pool, numeraire, price):
        reason = AMOUNT
    if reason == OK:
        reason, short = seller_check(t, pool, asset, amount, numeraire, price)
    if reason == OK and other >= 0:
        reason, short = buyer_check(t, other, asset, amount, numeraire, price)
    if reason != OK:
        if other >= 0:
            dropped(t, other, asset)
            dropped(t, other, numeraire)
        dropped(t, FUND_POOL, numeraire)
        return reason, short, 0
    move(t, pool, other, asset, amount, numeraire, price)
    return OK, 0, seizure_penalty(t, pool, asset, numeraire, price)


@kernel
def move(t: Tables, pool: int, other: int, asset: int, amount: int, numeraire: int, price: int) -> None:
    """Post both legs of a conversion on both sides.

    Invariant: per asset, what one side gives the other gets. Cost: a look through each side's entries for each asset.
    """
    add_balance(t, pool, asset, -amount)
    add_balance(t, pool, numeraire, price)
    if other >= 0:
        add_balance(t, other, asset, amount)
        add_balance(t, other, numeraire, -price)
    else:
        t.house[CONVERSION, asset] += amount
        t.house[CONVERSION, numeraire] -= price


@kernel
def seizure_penalty(t: Tables, pool: int, asset: int, numeraire: int, price: int) -> int:
    """What a pool under liquidation pays the fund on seized collateral, never more than keeps its value at zero.

    Invariant: the pool's value does not fall below zero by it. Cost: one pass over the pool's entries.
    """
    rules = t.pools[pool]["rules"]
    if t.pools[pool]["state"] != LIQUIDATING or t.rules[rules]["penalty_base"] != SEIZED_COLLATERAL:
        return 0
    value = assessed(t, pool, MAINTAIN)[0]
    penalty = min(share_up(price, t.penalty_ppm[rules, asset]), max(0, value))
    if penalty <= 0 or not add_balance(t, FUND_POOL, numeraire, penalty):
        return 0
    add_balance(t, pool, numeraire, -penalty)
    return penalty


@kernel
def flat(t: Tables, pool: int) -> bool:
    """Whether a pool has no contract position (orders and balances aside).

    Invariant: orders and balances count for nothing. Cost: one pass over the pool's entries.
    """
    first = t.pools[pool]["first"]
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] != FREE and t.things[t.key[e] >> 2]["kind"] != ASSET and t.lots[e] != 0:
            return False
    return True


@kernel
def aftermath(t: Tables, pool: int) -> tuple[int, int]:
    """What a step did to a pool under liquidation: (RECOVERED, surplus), (BANKRUPT, value), or (0, 0) where it goes on.

    Sets the pool's state. On a line that is itself a breach a pool has not recovered. A flat pool whose value is not
    negative but whose debts' haircuts keep surplus(RECOVER) below zero stays under liquidation, so that conversion can
    go on.

    Invariant: a pool that is not LIQUIDATING is left as it is. Cost: two or three passes over the pool's entries.
    """
    if t.pools[pool]["state"] != LIQUIDATING:
        return 0, 0
    whole, _ = surplus(t, pool, RECOVER)
    if whole >= 0 and not in_breach(t, pool):
        t.pools[pool]["state"] = HEALTHY
        come_back(t, pool)
        return RECOVERED, whole
    value = assessed(t, pool, RECOVER)[0]
    if value < 0 and flat(t, pool):
        t.pools[pool]["state"] = BANKRUPT
        return BANKRUPTED, value
    return 0, 0
