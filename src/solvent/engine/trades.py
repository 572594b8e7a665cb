"""FILL: a taker and a maker exchange lots at a price, both judged, both posted; or neither."""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.cash import (
    AMOUNT,
    BORROW,
    FEES,
    FULL,
    HALTED,
    HEALTHY,
    HOUSE_POOL,
    LEVERAGE,
    MAKER_SHORT,
    MALFORMED,
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
    UNKNOWN_THING,
    UNSUPPORTED,
    add_balance,
    borrows,
    dropped,
    given_room,
    has_room,
    may_hold,
    pool_known,
    surplus_after,
    thing_known,
    within,
)
from solvent.engine.chains import order_at
from solvent.engine.fills import (
    charges,
    consume,
    fill_cost,
    post_judged,
    post_side,
    reach_allows,
    reduces,
    side_borrows,
    side_judged,
    side_leverage,
)
from solvent.engine.jit import kernel
from solvent.engine.orders import LEG, LONG, NET, SHORT, UNKNOWN_ORDER, covered, leg_fits, prepare, priced
from solvent.engine.records import CCP_POOL, FUND_POOL, OTHER_LEG_SHIFT, REDUCE_ONLY, Reason
from solvent.engine.slots import find, unmade
from solvent.engine.tables import ASSET, NONE, SPOT, UNCOVERED, Tables
from solvent.engine.value import ADMIT, lowest_ticks, notional
from solvent.engine.value import FILL as AT_FILL

NOT_REDUCING = int(Reason.NOT_REDUCING)
FILL_FLAGS = 15


@kernel
def known(t: Tables, pool: int, other: int, thing: int, flags: int) -> int:
    """Whether a fill names what there is, and what can be filled; OK or the reason.

    Invariant: nothing is changed, whatever the answer. Cost: a few reads.
    """
    if not 0 <= flags <= FILL_FLAGS:
        return MALFORMED
    if not pool_known(t, pool) or not pool_known(t, other):
        return UNKNOWN_POOL
    if not thing_known(t, thing) or t.things[thing]["kind"] == ASSET:
        return UNKNOWN_THING
    return UNSUPPORTED if t.things[thing]["kind"] == UNCOVERED else OK


@kernel
def held_at(t: Tables, slot: int) -> int:
    """Lots of an entry, none where there is no entry.

    Invariant: nothing is changed. Cost: one read.
    """
    return t.lots[slot] if slot >= 0 else 0


@kernel
def filled_order(t: Tables, slot: int, ref: int) -> int:
    """Row of the order a side fills: −1 when it names none, −2 when there is no such order.

    Invariant: an order of another entry is none. Cost: the entry's orders up to it.
    """
    if ref == 0:
        return -1
    if slot < 0 or ref < 0:
        return -2
    at = order_at(t, slot, ref)
    return at if at >= 0 else -2


@kernel
def fits_order(t: Tables, order: int, lots: int) -> bool:
    """Whether a fill is on its order's side and no larger than what is left of it.

    Invariant: nothing is changed. Cost: one read.
    """
    if order < 0:
        return True
    left = t.order[order]["lots"]
    return (left > 0) == (lots > 0) and abs(lots) <= abs(left)


@kernel
def leg_allows(t: Tables, pool: int, leg: int, after: int) -> bool:
    """Whether the leg fits the pool's mode, and a long or short leg stays on its side.

    Invariant: a long leg is never negative, a short one never positive. Cost: one read.
    """
    if not leg_fits(t, pool, leg):
        return False
    return not ((leg == LONG and after < 0) or (leg == SHORT and after > 0))


@kernel
def tradeable(t: Tables, pool: int) -> bool:
    """Whether a pool's state lets it trade.

    Invariant: pools under liquidation, bankrupt or closed do not trade. Cost: one read.
    """
    state = t.pools[pool]["state"]
    return state in (HEALTHY, HOUSE_POOL)


@kernel
def must_reduce(t: Tables, order: int) -> bool:
    """Whether a side fills a reduce-only order.

    Invariant: nothing is changed. Cost: one read.
    """
    return order >= 0 and t.order[order]["flags"] & REDUCE_ONLY != 0


@kernel
def sound(
    t: Tables, pool: int, other: int, thing: int, flags: int, lots: int, ticks: int, held: int, other_held: int,
    order: int, other_order: int,
) -> int:  # fmt: skip
    """What a contract fill asks before any sum over a pool, in the stated order; OK or the reason.

    Invariant: nothing is changed, whatever the answer; the first reason in the stated order is given. Cost: a few
    reads.
    """
    row = t.things[thing]
    if row["state"] >= HALTED:
        return STATE
    small = -row["max_lots"] <= lots <= row["max_lots"] and lots != 0
    if row["state"] == REDUCE_ONLY_THING:
        fine = small and (pool == CCP_POOL or reduces(held, lots)) and (other == CCP_POOL or reduces(other_held, -lots))
        if not fine:
            return STATE
    if not priced(t, pool, thing) or not priced(t, other, thing):
        return PRICE_STATE
    if not small or not lowest_ticks(t, thing) <= ticks <= row["max_ticks"]:
        return AMOUNT
    if abs(held + lots) > row["max_lots"] or abs(other_held - lots) > row["max_lots"]:
        return AMOUNT
    if not fits_order(t, order, lots) or not fits_order(t, other_order, -lots):
        return AMOUNT
    if not tradeable(t, pool) or not tradeable(t, other):
        return POOL_STATE
    if not covered(t, pool, thing) or not covered(t, other, thing):
        return SCOPE
    if not leg_allows(t, pool, flags & 3, held + lots):
        return LEG
    if not leg_allows(t, other, flags >> OTHER_LEG_SHIFT, other_held - lots):
        return LEG
    if must_reduce(t, order) and not reduces(held, lots):
        return NOT_REDUCING
    if must_reduce(t, other_order) and not reduces(other_held, -lots):
        return NOT_REDUCING
    return OK


@kernel
def judged(
    t: Tables, pool: int, other: int, thing: int, lots: int, cost: int, slot: int, other_slot: int, order: int,
    other_order: int, charge: int, other_charge: int,
) -> tuple[int, int, int, int, int, int]:  # fmt: skip
    """Both sides of a contract fill: REACH, LEVERAGE, BORROW, then taker's and maker's surplus.

    Gives (reason, short), and for each side the change that :func:`solvent.engine.fills.side_judged` has found.

    Invariant: nothing but the cache is changed, whatever the answer. Cost: a few operations a side; one pass over its
    entries where the cache does not serve.
    """
    if not reach_allows(t, pool, slot, thing, lots, cost, charge, order >= 0):
        return REACH, 0, 0, 0, 0, 0
    if not reach_allows(t, other, other_slot, thing, -lots, -cost, other_charge, other_order >= 0):
        return REACH, 0, 0, 0, 0, 0
    if pool != CCP_POOL and not side_leverage(t, pool, slot, thing, lots, order):
        return LEVERAGE, 0, 0, 0, 0, 0
    if other != CCP_POOL and not side_leverage(t, other, other_slot, thing, -lots, other_order):
        return LEVERAGE, 0, 0, 0, 0, 0
    lent = side_borrows(t, pool, slot, thing, lots, cost, charge, 0)
    if lent < 0 or side_borrows(t, other, other_slot, thing, -lots, -cost, other_charge, lent) < 0:
        return BORROW, 0, 0, 0, 0, 0
    purpose = AT_FILL if order >= 0 else ADMIT
    short, after, more, parts = side_judged(t, pool, slot, thing, lots, cost, charge, purpose)
    if short:
        return TAKER_SHORT, after, 0, 0, 0, 0
    purpose = AT_FILL if other_order >= 0 else ADMIT
    short, after, other_more, other_parts = side_judged(
        t, other, other_slot, thing, -lots, -cost, other_charge, purpose
    )
    if short:
        return MAKER_SHORT, after, 0, 0, 0, 0
    return OK, 0, more, parts, other_more, other_parts


@kernel
def fill(
    t: Tables, pool: int, other: int, thing: int, flags: int, lots: int, ticks: int, ref: int, other_ref: int
) -> tuple[int, int, int, int]:
    """FILL: (reason, short, taker's fee, maker's fee); a fee is all a side is charged, the levy included.

    Invariant: both sides are posted or neither; a refused fill leaves the tables as they were. Cost: two pools' rows
    and a look through their entries.
    """
    reason = known(t, pool, other, thing, flags)
    if reason != OK:
        return reason, 0, 0, 0
    if t.things[thing]["kind"] == SPOT:
        return spot_fill(t, pool, other, thing, flags, lots, ticks, ref, other_ref)
    leg, other_leg = flags & 3, flags >> OTHER_LEG_SHIFT
    slot, other_slot = find(t, pool, thing * 4 + leg), find(t, other, thing * 4 + other_leg)
    order, other_order = filled_order(t, slot, ref), filled_order(t, other_slot, other_ref)
    if order == -2 or other_order == -2:
        return UNKNOWN_ORDER, 0, 0, 0
    if pool == other:
        return SAME_POOL, 0, 0, 0
    held, other_held = held_at(t, slot), held_at(t, other_slot)
    reason = sound(t, pool, other, thing, flags, lots, ticks, held, other_held, order, other_order)
    if reason != OK:
        return reason, 0, 0, 0
    cost, amount = fill_cost(t, thing, lots, ticks), notional(t, thing, lots, ticks)
    fee, levy = charges(t, pool, thing, amount, True)
    other_fee, other_levy = charges(t, other, thing, amount, False)
    settle = t.things[thing]["settle"]
    if levy + other_levy != 0:
        if not may_hold(t, FUND_POOL, settle):
            return SCOPE, 0, 0, 0
        if not has_room(t, FUND_POOL, settle):
            return FULL, 0, 0, 0
    if slot < 0:
        slot = prepare(t, pool, thing, leg)
    if other_slot < 0:
        other_slot = prepare(t, other, thing, other_leg)
    short, more, parts, other_more, other_parts = 0, 0, 0, 0, 0
    if slot < 0 or other_slot < 0:
        reason = FULL
    else:
        # The fund pays its own levy to itself and is paid the other side's: all of a change counts in its verdict.
        charge, other_charge = fee + levy, other_fee + other_levy
        if pool == FUND_POOL:
            charge = fee - other_levy
        if other == FUND_POOL:
            other_charge = other_fee - levy
        reason, short, more, parts, other_more, other_parts = judged(
            t, pool, other, thing, lots, cost, slot, other_slot, order, other_order, charge, other_charge
        )
    if reason != OK:
        undo(t, pool, other, slot, other_slot, settle)
        return reason, short, 0, 0
    if order >= 0:
        consume(t, pool, slot, order, lots)
        post_side(t, pool, slot, thing, lots, ticks, cost, fee, levy)
    else:
        post_judged(t, pool, slot, thing, lots, cost, fee, levy, more, parts)
    if other_order >= 0:
        consume(t, other, other_slot, other_order, -lots)
        post_side(t, other, other_slot, thing, -lots, ticks, -cost, other_fee, other_levy)
    else:
        post_judged(t, other, other_slot, thing, -lots, -cost, other_fee, other_levy, other_more, other_parts)
    return OK, 0, fee + levy, other_fee + other_levy


@kernel
def undo(t: Tables, pool: int, other: int, slot: int, other_slot: int, settle: int) -> None:
    """Free what a refused fill made and did not use.

    Invariant: what stood before the command stands after it. Cost: that of :func:`~solvent.engine.slots.unmade`.
    """
    unmade(t, pool, slot)
    unmade(t, other, other_slot)
    dropped(t, FUND_POOL, settle)


@kernel
def spot_sound(
    t: Tables, pool: int, other: int, thing: int, flags: int, lots: int, ticks: int, ref: int, other_ref: int
) -> int:
    """What a spot fill asks before any sum over a pool, in the stated order; OK or the reason.

    Invariant: nothing is changed, whatever the answer. Cost: a few reads.
    """
    row = t.things[thing]
    if ref != 0 or other_ref != 0:
        return UNKNOWN_ORDER
    if pool == other:
        return SAME_POOL
    if row["state"] != 0:  # a spot fill reduces no position
        return STATE
    if row["mark"] == 0:
        return PRICE_STATE
    if lots == 0 or not -row["max_lots"] <= lots <= row["max_lots"] or not 0 < ticks <= row["max_ticks"]:
        return AMOUNT
    if not tradeable(t, pool) or not tradeable(t, other):
        return POOL_STATE
    for one in (pool, other):
        scope = t.pools[one]["scope"]
        if scope not in (NONE, thing) and one != CCP_POOL:
            return SCOPE
        if not may_hold(t, one, row["base"]) or not may_hold(t, one, row["settle"]):
            return SCOPE
    return OK if flags == NET else LEG


@kernel
def spot_limits(t: Tables, pool: int, base: int, quote: int, base_units: int, quote_units: int) -> int:
    """Make places for both assets of a spot fill and check their limits; OK or the reason.

    Invariant: places that are made are for the caller to take back. Cost: a look or two through the pool's entries.
    """
    reason = given_room(t, pool, base)
    if reason == OK:
        reason = given_room(t, pool, quote)
    if reason == OK and not (within(t, pool, base, base_units) and within(t, pool, quote, quote_units)):
        reason = REACH
    return reason


@kernel
def spot_judged(
    t: Tables, pool: int, other: int, base: int, quote: int, units: int, paid: int, got: int
) -> tuple[int, int]:
    """Both sides of a spot fill: limits, BORROW, then taker's and maker's surplus at ADMIT. (reason, short)

    The taker's base changes by ``units`` and quote by −``paid``; the maker's by −``units`` and ``got``.

    Invariant: but for places made, nothing is changed, whatever the answer. Cost: one pass over each side's entries.
    """
    reason = spot_limits(t, pool, base, quote, units, -paid)
    if reason == OK:
        reason = spot_limits(t, other, base, quote, -units, got)
    if reason != OK:
        return reason, 0
    lent, lent_quote = borrows(t, pool, base, units, 0), borrows(t, pool, quote, -paid, 0)
    if lent < 0 or lent_quote < 0:
        return BORROW, 0
    if borrows(t, other, base, -units, lent) < 0 or borrows(t, other, quote, got, lent_quote) < 0:
        return BORROW, 0
    if pool != CCP_POOL:
        whole, _ = surplus_after(t, pool, ADMIT, base, units, quote, -paid)
        if whole < 0:
            return TAKER_SHORT, whole
    if other != CCP_POOL:
        whole, _ = surplus_after(t, other, ADMIT, base, -units, quote, got)
        if whole < 0:
            return MAKER_SHORT, whole
    return OK, 0


@kernel
def spot_fill(
    t: Tables, pool: int, other: int, thing: int, flags: int, lots: int, ticks: int, ref: int, other_ref: int
) -> tuple[int, int, int, int]:
    """FILL of a spot: two balances change on each side; fees in quote. (reason, short, taker's fee, maker's fee)

    Invariant: per asset, what the sides lose is what the sides and FEES gain. Cost: a few passes over both pools'
    entries.
    """
    reason = spot_sound(t, pool, other, thing, flags, lots, ticks, ref, other_ref)
    if reason != OK:
        return reason, 0, 0, 0
    base, quote = t.things[thing]["base"], t.things[thing]["settle"]
    units, cost = lots * t.things[thing]["lot_units"], fill_cost(t, thing, lots, ticks)
    fee, _ = charges(t, pool, thing, abs(cost), True)
    other_fee, _ = charges(t, other, thing, abs(cost), False)
    reason, short = spot_judged(t, pool, other, base, quote, units, cost + fee, cost - other_fee)
    if reason != OK:
        for one in (pool, other):
            dropped(t, one, base)
            dropped(t, one, quote)
        return reason, short, 0, 0
    add_balance(t, pool, base, units)
    add_balance(t, pool, quote, -cost - fee)
    add_balance(t, other, base, -units)
    add_balance(t, other, quote, cost - other_fee)
    t.house[FEES, quote] += fee + other_fee
    return OK, 0, fee, other_fee
