"""Balances, and the verbs that only move money. Every posting has its counter-posting in the same kernel.

A balance is the pool's cash (its numeraire) or an asset entry. Touching a balance settles the interest it owes: the
debt grows, the lending account of the asset gains as much. ``things.borrowed`` is kept as the sum of users' debts.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.jit import kernel
from solvent.engine.leaving import leave
from solvent.engine.records import CCP_POOL, FUND_POOL, House, PoolState, Reason, ThingState
from solvent.engine.slots import find, place, tidy_asset
from solvent.engine.tables import ASSET, NONE, TOP_POOLS, TOP_THINGS, Tables
from solvent.engine.value import (
    ADMIT,
    WITHDRAW,
    admit_surplus,
    forget,
    interest_owed,
    numeraire_of,
    surplus,
)
from solvent.ledger import share_down

# The vocabulary as plain integers: kernels know no enumerations.
OK, UNSUPPORTED, UNKNOWN_POOL, UNKNOWN_THING = (
    int(Reason.OK), int(Reason.UNSUPPORTED), int(Reason.UNKNOWN_POOL), int(Reason.UNKNOWN_THING)
)  # fmt: skip
AMOUNT, REACH, STATE, POOL_STATE, SCOPE = (
    int(Reason.AMOUNT), int(Reason.REACH), int(Reason.STATE), int(Reason.POOL_STATE), int(Reason.SCOPE)
)  # fmt: skip
TAKER_SHORT, MAKER_SHORT, LEVERAGE, BORROW, NOT_HELD = (
    int(Reason.TAKER_SHORT), int(Reason.MAKER_SHORT), int(Reason.LEVERAGE), int(Reason.BORROW), int(Reason.NOT_HELD)
)  # fmt: skip
PRICE_STATE, FULL, MALFORMED, SAME_POOL = (
    int(Reason.PRICE_STATE), int(Reason.FULL), int(Reason.MALFORMED), int(Reason.SAME_POOL)
)  # fmt: skip
HEALTHY, LIQUIDATING, BANKRUPT, POOL_CLOSED, HOUSE_POOL = (int(state) for state in PoolState)
EXTERNAL, FEES, LENDING, CONVERSION = (
    int(House.EXTERNAL), int(House.FEES), int(House.LENDING), int(House.CONVERSION)
)  # fmt: skip
REDUCE_ONLY_THING, HALTED = int(ThingState.REDUCE_ONLY), int(ThingState.HALTED)
MOST_CASH = 1 << 60  # a numeraire balance never leaves ± this
MOST_HOUSE = 1 << 61
HERE = -1  # in place of a slot: the balance is the pool's cash
NOWHERE = -2  # the pool has no entry of the asset
MISSING_BORROW = 0
SEIZED_COLLATERAL = 2


@kernel
def pool_known(t: Tables, pool: int) -> bool:
    """Whether a pool has been opened.

    Invariant: nothing is changed. Cost: one read.
    """
    return 0 <= pool < t.top[TOP_POOLS]


@kernel
def thing_known(t: Tables, thing: int) -> bool:
    """Whether a thing has been listed.

    Invariant: nothing is changed. Cost: one read.
    """
    return 0 <= thing < t.top[TOP_THINGS]


@kernel
def may_hold(t: Tables, pool: int, asset: int) -> bool:
    """Whether a pool's rules can value an asset: it is the numeraire, or its index is in it. The mirror holds all.

    Invariant: whatever a pool holds can be valued in its numeraire. Cost: three reads.
    """
    numeraire = numeraire_of(t, pool)
    return pool == CCP_POOL or asset == numeraire or t.things[asset]["settle"] == numeraire


@kernel
def place_of(t: Tables, pool: int, asset: int) -> int:
    """Where a balance lies: HERE for the numeraire, else the entry's slot, NOWHERE where there is none.

    Invariant: a balance has one place. Cost: a look through the pool's entries for another asset than the numeraire.
    """
    if asset == numeraire_of(t, pool):
        return HERE
    slot = find(t, pool, asset * 4)
    return slot if slot >= 0 else NOWHERE


@kernel
def balance_at(t: Tables, pool: int, slot: int) -> tuple[int, int]:
    """Units at a place of a balance, and the interest index at its last touch.

    Invariant: nothing is changed; where there is no place there is nothing. Cost: two reads.
    """
    if slot == HERE:
        return t.pools[pool]["cash"], t.pools[pool]["accrual"]
    if slot == NOWHERE:
        return 0, 0
    return t.lots[slot], t.carry[slot]


@kernel
def put(t: Tables, pool: int, slot: int, units: int, touched: int) -> None:
    """Write a balance at its place, nothing else.

    Invariant: no other column changes, the cache and the asset's loans among them. Cost: two writes.
    """
    if slot == HERE:
        t.pools[pool]["cash"], t.pools[pool]["accrual"] = units, touched
    elif slot >= 0:
        t.lots[slot], t.carry[slot] = units, touched


@kernel
def funded(t: Tables, pool: int, asset: int) -> int:
    """Units of an asset a pool holds less the interest it owes.

    Invariant: never above the balance as last touched. Cost: that of :func:`place_of` and an interest.
    """
    units, touched = balance_at(t, pool, place_of(t, pool, asset))
    return units - interest_owed(t, pool, asset, units, touched)


@kernel
def has_room(t: Tables, pool: int, asset: int) -> bool:
    """Make sure a balance has a place, so that :func:`add_balance` cannot fail; False when the slab is full.

    Invariant: afterwards :func:`add_balance` cannot fail. Cost: that of :func:`~solvent.engine.slots.place`.
    """
    return asset == numeraire_of(t, pool) or place(t, pool, asset * 4) >= 0


@kernel
def add_balance(t: Tables, pool: int, asset: int, units: int) -> bool:
    """Add units to a pool's balance after settling the interest it owes; False, and nothing done, when no slot is left.

    Keeps ``borrowed`` and the lending account, touches the index, and frees an entry that has become empty. May move
    the pool's entries where the asset is new to it. The pool leaves its bands, unless money came to cash that was not
    owed: no edge is proved less by that.

    Invariant: interest owed moves to the lending account, and ``borrowed`` stays the sum of debts. Cost: a look through
    the pool's entries for another asset, a few writes else.
    """
    t.mirrored[pool] = 0  # whatever happens to a position comes here too, if only to book nothing
    slot = place_of(t, pool, asset)
    if slot == NOWHERE:
        if units == 0:
            return True
        slot = place(t, pool, asset * 4)
        if slot < 0:
            return False
    before, touched = balance_at(t, pool, slot)
    due = interest_owed(t, pool, asset, before, touched)
    after = before - due + units
    if slot != HERE or before < 0 or units < 0:
        leave(t, pool)
    put(t, pool, slot, after, t.things[asset]["carry"])
    if due != 0:
        t.house[LENDING, asset] += due
    if pool >= FUND_POOL and (before < 0 or after < 0):
        t.things[asset]["borrowed"] += max(0, -after) - max(0, -before)
    if slot >= 0:
        forget(t, pool)
        if after == 0:
            tidy_asset(t, pool, asset)
    return True


@kernel
def borrows(t: Tables, pool: int, asset: int, units: int, already: int) -> int:
    """What a change of a balance by ``units`` adds to the asset's loans; −1 where the lending pool cannot lend it.

    ``already`` is what the same command's other side adds. A pool whose rules do not borrow is never refused here.

    Invariant: nothing is changed; where the rules borrow, loans never come to exceed the lending pool's cap by it.
    Cost: that of :func:`place_of`.
    """
    before, touched = balance_at(t, pool, place_of(t, pool, asset))
    after = before - interest_owed(t, pool, asset, before, touched) + units
    more = max(0, -after) - max(0, -before)
    if pool == CCP_POOL or after >= 0 or more <= 0:
        return 0
    row = t.rules[t.pools[pool]["rules"]]
    if row["missing"] == MISSING_BORROW:
        most = share_down(t.house[LENDING, asset], row["cap_ppm"])
        if t.things[asset]["borrowed"] + already + more > most:
            return -1
    return more


@kernel
def within(t: Tables, pool: int, asset: int, units: int) -> bool:
    """Whether a balance stays inside its declared limits after ``units`` are added.

    Invariant: what is within keeps every sum over the pool in 64 bits. Cost: that of :func:`place_of`.
    """
    after = funded(t, pool, asset) + units
    if asset == numeraire_of(t, pool):
        return -MOST_CASH <= after <= MOST_CASH
    most = t.things[asset]["max_lots"]
    return -most <= after <= most and t.pools[pool]["reach"] <= 1 << 61


@kernel
def surplus_after(
    t: Tables, pool: int, purpose: int, asset: int, units: int, other: int, other_units: int
) -> tuple[int, int]:
    """surplus(purpose) as if units were added to one balance or two (``other`` −1: one); nothing is changed.

    A balance that has no entry yet must have been given its place by :func:`has_room`.

    Invariant: balances are afterwards as before, and the cache stays right. Cost: one pass over the pool's entries; a
    few reads at ADMIT in the numeraire.
    """
    row = t.pools[pool]
    whole, millionths, epoch = row["whole"], row["millionths"], row["epoch"]
    slot, second = place_of(t, pool, asset), NOWHERE
    held, touched = balance_at(t, pool, slot)
    put(t, pool, slot, held - interest_owed(t, pool, asset, held, touched) + units, t.things[asset]["carry"])
    other_held, other_touched = 0, 0
    if other != NONE:
        second = place_of(t, pool, other)
        other_held, other_touched = balance_at(t, pool, second)
        due = interest_owed(t, pool, other, other_held, other_touched)
        put(t, pool, second, other_held - due + other_units, t.things[other]["carry"])
    if purpose == ADMIT and slot == HERE and second == NOWHERE:
        w, m = admit_surplus(t, pool)
    else:
        w, m = surplus(t, pool, purpose)
        row["whole"], row["millionths"], row["epoch"] = whole, millionths, epoch
    put(t, pool, slot, held, touched)
    put(t, pool, second, other_held, other_touched)
    return w, m


@kernel
def asset_check(t: Tables, pool: int, asset: int, amount: int) -> int:
    """What every verb that moves an asset asks first, in the stated order; OK or the reason.

    Invariant: nothing is changed, whatever the answer. Cost: a few reads.
    """
    if not pool_known(t, pool):
        return UNKNOWN_POOL
    if not thing_known(t, asset) or t.things[asset]["kind"] != ASSET:
        return UNKNOWN_THING
    if t.things[asset]["state"] >= HALTED:
        return STATE
    if not 0 < amount <= MOST_CASH:
        return AMOUNT
    return OK


@kernel
def receives(t: Tables, pool: int, asset: int, amount: int) -> int:
    """Whether a pool may be given units: a pool in liquidation or bankrupt welcomes them.

    Invariant: nothing is changed, whatever the answer. Cost: that of :func:`funded`.
    """
    if t.pools[pool]["state"] == POOL_CLOSED:
        return POOL_STATE
    if not may_hold(t, pool, asset):
        return SCOPE
    most = t.things[asset]["max_lots"]
    if funded(t, pool, asset) + amount > min(most, MOST_CASH):
        return AMOUNT
    return OK


@kernel
def given_room(t: Tables, pool: int, asset: int) -> int:
    """Make a place for an asset; FULL or REACH where that is not possible, and then nothing stays of it.

    Invariant: where refused, the tables are as they were. Cost: that of :func:`has_room`.
    """
    if not has_room(t, pool, asset):
        return FULL
    if t.pools[pool]["reach"] > 1 << 61:
        dropped(t, pool, asset)
        return REACH
    return OK


@kernel
def dropped(t: Tables, pool: int, asset: int) -> None:
    """Take back a place that was made and not used.

    Invariant: a place that holds something, or in which something settles, stays. Cost: two passes over the pool's
    entries.
    """
    if asset != numeraire_of(t, pool):
        tidy_asset(t, pool, asset)


@kernel
def lend(t: Tables, asset: int, amount: int) -> int:
    """DEPOSIT into the asset's lending account.

    Invariant: what the lending account gains, EXTERNAL loses. Cost: a few reads and writes.
    """
    if not thing_known(t, asset) or t.things[asset]["kind"] != ASSET:
        return UNKNOWN_THING
    if t.things[asset]["state"] >= HALTED:
        return STATE
    if not 0 < amount <= MOST_CASH:
        return AMOUNT
    if t.house[EXTERNAL, asset] - amount < -MOST_HOUSE:
        return REACH
    t.house[LENDING, asset] += amount
    t.house[EXTERNAL, asset] -= amount
    return OK


@kernel
def deposit(t: Tables, pool: int, asset: int, amount: int, finality: int) -> int:
    """DEPOSIT: final ones only in this version; ``pool`` = −1 − House.LENDING lends instead. OK or the reason.

    Invariant: what the pool gains, EXTERNAL loses; a refused one changes nothing. Cost: a few looks through the pool's
    entries.
    """
    if not 0 <= finality <= 3:
        return MALFORMED
    if finality != 0:
        return UNSUPPORTED
    if pool == -1 - LENDING:
        return lend(t, asset, amount)
    reason = asset_check(t, pool, asset, amount)
    if reason == OK:
        reason = receives(t, pool, asset, amount)
    if reason == OK and t.house[EXTERNAL, asset] - amount < -MOST_HOUSE:
        reason = REACH
    if reason == OK:
        reason = given_room(t, pool, asset)
    if reason != OK:
        return reason
    add_balance(t, pool, asset, amount)
    t.house[EXTERNAL, asset] -= amount
    return OK


@kernel
def gives(t: Tables, pool: int, asset: int, amount: int) -> tuple[int, int]:
    """Whether a pool may part with units at WITHDRAW: (reason, short).

    Invariant: nothing but the cache is changed, whatever the answer. Cost: one pass over the pool's entries.
    """
    if t.pools[pool]["state"] != HEALTHY:
        return POOL_STATE, 0
    if funded(t, pool, asset) < amount:
        return NOT_HELD, 0
    whole, _ = surplus_after(t, pool, WITHDRAW, asset, -amount, NONE, 0)
    if whole < 0:
        return TAKER_SHORT, whole
    return OK, 0


@kernel
def withdraw(t: Tables, pool: int, asset: int, amount: int) -> tuple[int, int]:
    """WITHDRAW: only what is held, and only while surplus(WITHDRAW) stays at zero or above. (reason, short)

    Invariant: surplus(WITHDRAW) is at least zero after it; a refused one changes nothing. Cost: one pass over the
    pool's entries.
    """
    reason, short = asset_check(t, pool, asset, amount), 0
    if reason == OK:
        reason, short = gives(t, pool, asset, amount)
    if reason != OK:
        return reason, short
    add_balance(t, pool, asset, -amount)
    t.house[EXTERNAL, asset] += amount
    return OK, 0


@kernel
def transfer(t: Tables, pool: int, other: int, asset: int, amount: int) -> tuple[int, int]:
    """TRANSFER between pools of one owner or account; the giver is tested like a withdrawal. (reason, short)

    Invariant: what one pool loses the other gains; a refused one changes nothing. Cost: one pass over the giver's
    entries, a look through the taker's.
    """
    if not pool_known(t, other):
        return UNKNOWN_POOL, 0
    reason, short = asset_check(t, pool, asset, amount), 0
    if reason == OK and pool == other:
        reason = SAME_POOL
    if reason != OK:
        return reason, 0
    giver, taker = t.pools[pool], t.pools[other]
    if giver["state"] != HEALTHY or taker["state"] == POOL_CLOSED:
        return POOL_STATE, 0
    if giver["owner"] != taker["owner"] and giver["account"] != taker["account"]:
        return SCOPE, 0
    reason = receives(t, other, asset, amount)
    if reason == OK:
        reason, short = gives(t, pool, asset, amount)
    if reason == OK:
        reason = given_room(t, other, asset)
    if reason != OK:
        return reason, short
    add_balance(t, pool, asset, -amount)
    add_balance(t, other, asset, amount)
    return OK, 0
