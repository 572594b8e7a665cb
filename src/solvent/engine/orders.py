"""Resting orders: who may rest one, and what becomes of it; the chains they stand in are in ``chains``."""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.cash import (
    AMOUNT,
    FULL,
    HALTED,
    HEALTHY,
    LEVERAGE,
    OK,
    POOL_STATE,
    PRICE_STATE,
    REACH,
    REDUCE_ONLY_THING,
    SCOPE,
    STATE,
    TAKER_SHORT,
    UNKNOWN_POOL,
    UNKNOWN_THING,
    UNSUPPORTED,
    may_hold,
    pool_known,
    thing_known,
)
from solvent.engine.chains import (
    all_side_lots,
    chain,
    find_order,
    new_order,
    next_with_orders,
    side_lots,
    unchain,
)
from solvent.engine.jit import kernel
from solvent.engine.records import REDUCE_ONLY, Happened, Reason, Records
from solvent.engine.slots import find, place, tidy, unmade
from solvent.engine.tables import (
    ASSET,
    INVERSE,
    NONE,
    SPOT,
    TOP_SEQ,
    UNCOVERED,
    Tables,
)
from solvent.engine.value import (
    ADMIT,
    admit_surplus,
    cacheable,
    contribution,
    follow,
    forget,
    in_numeraire_up,
    leverage_of,
    lowest_ticks,
    notional,
    numeraire_of,
    surplus,
)

REFERENCE_TAKEN, UNKNOWN_ORDER, LEG = int(Reason.REFERENCE_TAKEN), int(Reason.UNKNOWN_ORDER), int(Reason.LEG)
CANCELLED = int(Happened.CANCELLED)
NET, LONG, SHORT = range(3)  # Leg, as kernels know it
HEDGE = 1
MOST_REACH = 1 << 61


@kernel
def reach_of_lot(t: Tables, pool: int, thing: int) -> int:
    """What one lot adds to a pool's reach: its largest worth, in the numeraire.

    A contract that settles in another asset counts by its share of what that asset's conversion is declared to take.

    Invariant: no price that may be given makes a lot worth more. Cost: a few reads, two divisions for a contract that
    settles elsewhere.
    """
    row = t.things[thing]
    settle = row["settle"]
    if settle != numeraire_of(t, pool):
        asset = t.things[settle]
        return asset["max_lots"] * asset["max_ticks"] // asset["divisor"] // row["max_lots"] + 1
    if row["kind"] == INVERSE:
        return row["constant"]
    return row["max_ticks"] * row["tick_value"]


@kernel
def leg_fits(t: Tables, pool: int, leg: int) -> bool:
    """NET in a one-way pool, LONG or SHORT in a hedge pool; the mirror of other shards nets.

    Invariant: a pool never holds legs of both modes. Cost: one read.
    """
    if t.pools[pool]["legs"] == HEDGE:
        return leg in (LONG, SHORT)
    return leg == NET


@kernel
def leverage_allows(t: Tables, pool: int, slot: int, thing: int, lots: int, buys: int, sells: int) -> bool:
    """Whether the brackets allow the worst of position and each side's orders, at mark, at the entry's leverage cap.

    Invariant: what is allowed for a position is allowed for a smaller one. Cost: the brackets down to the cap's, and a
    notional.
    """
    rules = t.pools[pool]["rules"]
    leverage = leverage_of(t, rules, slot, thing)
    if leverage > t.rules[rules]["max_leverage"]:
        return False
    largest = -1
    for k in range(t.bracket_leverage.shape[2]):
        allowed = t.bracket_leverage[rules, thing, k]
        if allowed == 0:
            break
        if allowed < leverage:
            largest = t.bracket_floor[rules, thing, k]
            break
    if largest < 0:
        return True
    worst = max(abs(lots), abs(lots + buys), abs(lots + sells))
    row = t.things[thing]
    amount = notional(t, thing, worst, row["mark"])
    return in_numeraire_up(t, t.rules[rules]["numeraire"], row["settle"], amount) <= largest


@kernel
def contract_check(t: Tables, thing: int) -> int:
    """Whether a thing can be ordered in or filled at all: kind, state, price. OK or the reason.

    Invariant: nothing is changed, whatever the answer. Cost: two reads.
    """
    row = t.things[thing]
    if row["kind"] == ASSET:
        return UNKNOWN_THING
    if row["kind"] == UNCOVERED:
        return UNSUPPORTED
    if row["state"] >= HALTED:
        return STATE
    return OK


@kernel
def priced(t: Tables, pool: int, thing: int) -> bool:
    """Whether a contract has a mark, and its settle asset an index where the pool has to convert.

    Invariant: where True, the pool's requirement and profit of the contract are defined. Cost: a few reads.
    """
    row = t.things[thing]
    settle = row["settle"]
    return row["mark"] > 0 and (settle == numeraire_of(t, pool) or pool == 0 or t.things[settle]["mark"] > 0)


@kernel
def covered(t: Tables, pool: int, thing: int) -> bool:
    """Whether a pool may hold a contract: inside its scope, its settle asset valued, and margined by its rules.

    Invariant: the mirror of other shards may hold everything. Cost: a few reads.
    """
    row = t.pools[pool]
    if pool == 0:
        return True
    if row["scope"] != NONE and row["scope"] != thing:
        return False
    return may_hold(t, pool, t.things[thing]["settle"]) and t.default_leverage[row["rules"], thing] > 0


@kernel
def prepare(t: Tables, pool: int, thing: int, leg: int) -> int:
    """The slot of a contract's entry, made where there is none, with a place for its settle asset; −1 when full.

    Undo with :func:`solvent.engine.slots.unmade` where nothing came of it.

    Invariant: a contract that settles elsewhere never stands without a place for its settle asset. Cost: one or two
    looks through the pool's entries; a move of its block where it is full.
    """
    slot = find(t, pool, thing * 4 + leg)
    if slot >= 0:
        return slot
    settle = t.things[thing]["settle"]
    if settle != numeraire_of(t, pool):
        if place(t, pool, settle * 4) < 0:
            return -1
        slot = place(t, pool, thing * 4 + leg)
        if slot < 0:  # the place made for the settle asset goes again
            drop_settle(t, pool, settle)
        return slot
    return place(t, pool, thing * 4 + leg)


@kernel
def drop_settle(t: Tables, pool: int, settle: int) -> None:
    """Free the entry of a settle asset if it is empty.

    Invariant: a balance, or a contract that settles in it, keeps its place. Cost: two looks through the pool's entries.
    """
    slot = find(t, pool, settle * 4)
    if slot >= 0:
        tidy(t, pool, slot)


@kernel
def reserve_check(t: Tables, pool: int, thing: int, flags: int, lots: int, ticks: int, ref: int) -> int:
    """What RESERVE asks before it makes anything, in the stated order; OK or the reason.

    Invariant: nothing is changed, whatever the answer. Cost: a look through the pool's entries for each leg.
    """
    if not pool_known(t, pool):
        return UNKNOWN_POOL
    if not thing_known(t, thing):
        return UNKNOWN_THING
    reason = contract_check(t, thing)
    if reason != OK:
        return reason
    row = t.things[thing]
    if row["kind"] == SPOT:
        return UNSUPPORTED
    if row["state"] == REDUCE_ONLY_THING and flags & REDUCE_ONLY == 0:
        return STATE
    if not priced(t, pool, thing):
        return PRICE_STATE
    if ref <= 0 or lots == 0 or not -row["max_lots"] <= lots <= row["max_lots"]:
        return AMOUNT
    if not lowest_ticks(t, thing) <= ticks <= row["max_ticks"]:
        return AMOUNT
    if find_order(t, pool, thing, ref)[0] >= 0:
        return REFERENCE_TAKEN
    if t.pools[pool]["state"] != HEALTHY:
        return POOL_STATE
    if not covered(t, pool, thing):
        return SCOPE
    return OK if leg_fits(t, pool, flags & 3) else LEG


@kernel
def reserve(t: Tables, pool: int, thing: int, flags: int, lots: int, ticks: int, ref: int) -> tuple[int, int]:
    """RESERVE: the order rests where surplus(ADMIT) with it is at zero or above. (reason, short)

    Invariant: a refused order leaves tables as they were. Cost: that of :func:`prepare` and :func:`rest`.
    """
    reason, short = reserve_check(t, pool, thing, flags, lots, ticks, ref), 0
    if reason != OK:
        return reason, 0
    slot = prepare(t, pool, thing, flags & 3)
    if slot < 0:
        return FULL, 0
    side = 1 if lots > 0 else -1
    more = abs(lots) * reach_of_lot(t, pool, thing)
    if abs(all_side_lots(t, slot, side) + lots) > t.things[thing]["max_lots"]:
        reason = AMOUNT
    elif t.pools[pool]["reach"] + more > MOST_REACH:
        reason = REACH
    if reason == OK:
        reason, short = rest(t, pool, slot, thing, flags & REDUCE_ONLY, lots, ticks, ref)
    if reason != OK:
        unmade(t, pool, slot)
        return reason, short
    t.pools[pool]["reach"] += more
    return OK, 0


@kernel
def rest(t: Tables, pool: int, slot: int, thing: int, flags: int, lots: int, ticks: int, ref: int) -> tuple[int, int]:
    """Chain an order and keep it if leverage brackets and surplus(ADMIT) allow: (reason, short).

    Invariant: it stays only where surplus(ADMIT) with it is at least zero; else chain and cache are as before. Cost:
    its entry's orders; one pass over the pool's entries where the cache cannot follow.
    """
    near = cacheable(t, pool) and t.things[thing]["settle"] == numeraire_of(t, pool)
    whole, millionths = 0, 0
    if near:
        admit_surplus(t, pool)
        whole, millionths = contribution(t, pool, slot)
    at = new_order(t)
    if at < 0:
        return FULL, 0
    row = t.order[at]
    row["ref"], row["pool"], row["key"], row["flags"] = ref, pool, t.key[slot], flags
    row["lots"], row["ticks"] = lots, ticks
    chain(t, slot, at)
    if not leverage_allows(t, pool, slot, thing, t.lots[slot], side_lots(t, slot, 1), side_lots(t, slot, -1)):
        unchain(t, slot, at)
        return LEVERAGE, 0
    if near:
        w, m = contribution(t, pool, slot)
        follow(t, pool, w - whole, m - millionths)
        after = admit_surplus(t, pool)[0]
    else:
        forget(t, pool)
        after = surplus(t, pool, ADMIT)[0]
        w, m = 0, 0
    if after < 0:
        unchain(t, slot, at)
        follow(t, pool, whole - w, millionths - m)
        return TAKER_SHORT, after
    return OK, 0


@kernel
def shrink(t: Tables, pool: int, slot: int, at: int, lots: int) -> None:
    """Take lots (signed like the order) off a resting order, and the order away where nothing is left.

    The pool's reach goes down by as much; the cache is for the caller to keep.

    Invariant: reach falls by what it rose by when the order was made. Cost: a few reads and writes.
    """
    t.pools[pool]["reach"] -= abs(lots) * reach_of_lot(t, pool, t.key[slot] >> 2)
    t.order[at]["lots"] -= lots
    if t.order[at]["lots"] == 0:
        unchain(t, slot, at)


@kernel
def release(t: Tables, pool: int, thing: int, ref: int) -> int:
    """RELEASE: take a resting order back, in any state of pool and instrument. OK or the reason.

    Invariant: surplus at no purpose falls. Cost: a look through the pool's entries for each leg, and the entry's
    orders.
    """
    if not pool_known(t, pool):
        return UNKNOWN_POOL
    if not thing_known(t, thing) or t.things[thing]["kind"] == ASSET:
        return UNKNOWN_THING
    slot, at = find_order(t, pool, thing, ref)
    if at < 0:
        return UNKNOWN_ORDER
    take_back(t, pool, slot, at)
    tidy(t, pool, slot)
    return OK


@kernel
def take_back(t: Tables, pool: int, slot: int, at: int) -> None:
    """Remove a whole order and keep the cache; the entry stays, tidy it afterwards.

    Invariant: the ADMIT cache says afterwards what it would find anew. Cost: the entry's orders.
    """
    thing = t.key[slot] >> 2
    near = cacheable(t, pool) and t.things[thing]["settle"] == numeraire_of(t, pool)
    if not near:
        forget(t, pool)
        shrink(t, pool, slot, at, t.order[at]["lots"])
        return
    whole, millionths = contribution(t, pool, slot)
    shrink(t, pool, slot, at, t.order[at]["lots"])
    w, m = contribution(t, pool, slot)
    follow(t, pool, w - whole, m - millionths)


@kernel
def release_all(t: Tables, pool: int, thing: int, events: Records, at: int) -> int:
    """Take back every resting order of a pool (of one thing, −1: of all) by key and reference; the next free event.

    Writes a CANCELLED event for each from ``events[at]`` on: make room for :func:`count_orders` of them first.

    Invariant: afterwards no order of the pool (or of the thing in it) rests; the order of events depends on keys and
    references alone. Cost: one pass over the entries for each that has orders, and the orders.
    """
    last = -1
    while True:
        slot = next_with_orders(t, pool, thing, last)
        if slot < 0:
            return at
        last = t.key[slot]
        while t.orders[slot] != NONE:
            row, event = t.order[t.orders[slot]], events[at]
            event["seq"], event["kind"], event["reason"] = t.top[TOP_SEQ], CANCELLED, OK
            event["thing"], event["pool"], event["other"] = last >> 2, pool, 0
            event["lots"], event["ticks"], event["ref"] = row["lots"], row["ticks"], row["ref"]
            event["amount"], event["fee"], event["other_fee"], event["short"] = 0, 0, 0, 0
            t.top[TOP_SEQ] += 1
            at += 1
            take_back(t, pool, slot, t.orders[slot])
        tidy(t, pool, slot)
