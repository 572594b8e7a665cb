"""Fills: what a side pays, whether it may take it, and its postings. Two sides make a trade; each stands alone here."""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.cash import (
    FEES,
    MOST_CASH,
    add_balance,
    balance_at,
    borrows,
    funded,
    place_of,
    put,
)
from solvent.engine.chains import side_lots
from solvent.engine.jit import kernel
from solvent.engine.leaving import leave
from solvent.engine.orders import MOST_REACH, leverage_allows, reach_of_lot, shrink
from solvent.engine.records import CCP_POOL, FUND_POOL, REDUCE_ONLY
from solvent.engine.slots import tidy
from solvent.engine.tables import ASSET, FREE, SPOT, Tables
from solvent.engine.value import (
    ADMIT,
    admit_surplus,
    cacheable,
    contribution,
    follow,
    forget,
    in_numeraire_up,
    interest_owed,
    normal,
    numeraire_of,
    surplus,
    worth,
)
from solvent.ledger import cost_after, fill_fee, funding_due, realised

REDUCE_NO_WORSE = 1  # Transition in a rules row


@kernel
def fill_cost(t: Tables, thing: int, lots: int, ticks: int) -> int:
    """Signed settle units of a fill (quote units of a spot), computed once for the taker and negated for the maker.

    Invariant: the two sides of a trade sum to zero. Cost: a worth.
    """
    return worth(t, thing, lots, ticks)


@kernel
def charges(t: Tables, pool: int, thing: int, amount: int, taker: bool) -> tuple[int, int]:
    """Fee and levy of one side on a notional at the fill's price, settle units; the mirror pays none, spot no levy.

    Invariant: fees are rounded against who pays, and a rebate too. Cost: two divisions.
    """
    if pool == CCP_POOL:
        return 0, 0
    row = t.rules[t.pools[pool]["rules"]]
    ppm = row["taker_ppm"] if taker else row["maker_ppm"]
    levy = 0
    if t.things[thing]["kind"] != SPOT:
        levy = fill_fee(amount, row["levy_ppm"])
    return fill_fee(amount, ppm), levy


@kernel
def reduces(held: int, lots: int) -> bool:
    """Whether a fill leaves less of a position, on the same side or none.

    Invariant: never true of a fill that opens or turns a position. Cost: a few comparisons.
    """
    after = held + lots
    return abs(after) < abs(held) and (after == 0 or (after > 0) == (held > 0))


@kernel
def flow(t: Tables, slot: int, thing: int, lots: int, cost: int) -> tuple[int, int, int]:
    """What a fill does to an entry: cost after, profit realised, funding due; nothing is changed.

    Invariant: cost and realised profit sum to cost before and the fill's. Cost: a division where the fill reduces.
    """
    held, before = t.lots[slot], t.cost[slot]
    after = cost_after(held, before, lots, cost)
    due = funding_due(held, t.things[thing]["carry"], t.carry[slot])
    return after, realised(before, cost, after), due


@kernel
def is_near(t: Tables, pool: int, thing: int) -> bool:
    """Whether the pool's ADMIT cache can follow a change of this contract: it settles in the numeraire.

    Invariant: where True, the change of surplus(ADMIT) is this entry's and cash's alone. Cost: a few reads.
    """
    return t.things[thing]["settle"] == numeraire_of(t, pool) and cacheable(t, pool)


@kernel
def foreign_lots(t: Tables, pool: int, thing: int, lots: int) -> bool:
    """Whether what settles in another asset stays, with its balance, inside what that asset's conversion can take.

    Invariant: where True, the conversion of all that settles there stays in 64 bits. Cost: one pass over the pool's
    entries.
    """
    settle = t.things[thing]["settle"]
    most = t.things[settle]["max_lots"]
    total = (abs(lots)) * (most // t.things[thing]["max_lots"] + 1)
    first = t.pools[pool]["first"]
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE:
            continue
        row = t.things[t.key[e] >> 2]
        if row["kind"] != ASSET and row["settle"] == settle:
            total += abs(t.lots[e]) * (most // row["max_lots"] + 1)
            if total > most:
                return False
    return total + abs(funded(t, pool, settle)) <= most


@kernel
def reach_allows(t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int, charge: int, ordered: bool) -> bool:
    """Whether every sum over the pool stays inside 64 bits at any price after a fill; an order gives back its share.

    Invariant: where True, no sum over the pool leaves 64 bits at any price that may be given. Cost: a few operations;
    one pass over the entries for a contract that settles elsewhere.
    """
    held = t.lots[slot]
    more = abs(held + lots) - abs(held)
    if ordered:
        more -= abs(lots)
    row = t.pools[pool]
    if row["reach"] + more * reach_of_lot(t, pool, thing) > MOST_REACH:
        return False
    settle, numeraire = t.things[thing]["settle"], numeraire_of(t, pool)
    if settle != numeraire and more > 0 and not foreign_lots(t, pool, thing, more):
        return False
    _, gain, due = flow(t, slot, thing, lots, cost)
    most = MOST_CASH if settle == numeraire else t.things[settle]["max_lots"]
    after = funded(t, pool, settle) + gain - due - charge
    return -most <= after <= most


@kernel
def side_leverage(t: Tables, pool: int, slot: int, thing: int, lots: int, order: int) -> bool:
    """Leverage brackets after a fill, the filled part of its order taken off.

    Invariant: nothing is changed. Cost: the entry's orders and the brackets.
    """
    buys, sells = side_lots(t, slot, 1), side_lots(t, slot, -1)
    if order >= 0 and t.order[order]["flags"] & REDUCE_ONLY == 0:
        if lots > 0:
            buys -= lots
        else:
            sells -= lots
    return leverage_allows(t, pool, slot, thing, t.lots[slot] + lots, buys, sells)


@kernel
def side_borrows(t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int, charge: int, already: int) -> int:
    """What a fill adds to loans of the settle asset; −1 where the lending pool cannot lend it.

    Invariant: nothing is changed. Cost: that of :func:`~solvent.engine.cash.borrows`.
    """
    _, gain, due = flow(t, slot, thing, lots, cost)
    return borrows(t, pool, t.things[thing]["settle"], gain - due - charge, already)


@kernel
def after_fill(
    t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int, charge: int, purpose: int
) -> tuple[int, int, int, int]:
    """surplus(purpose) as if the fill had happened, normalised; nothing is changed.

    Then, where the ADMIT cache follows the fill, by how much the pool's contributions to it change; else zeros.

    Invariant: entry and balance are afterwards as before, and the cache stays right. Cost: a few operations at ADMIT in
    the numeraire; else one pass over the pool's entries.
    """
    after, gain, due = flow(t, slot, thing, lots, cost)
    moved = gain - due - charge
    held, before, carry = t.lots[slot], t.cost[slot], t.carry[slot]
    if purpose == ADMIT and is_near(t, pool, thing):
        whole, millionths = admit_surplus(t, pool)
        w, m = contribution(t, pool, slot)
        t.lots[slot], t.cost[slot], t.carry[slot] = held + lots, after, t.things[thing]["carry"]
        more, parts = contribution(t, pool, slot)
        t.lots[slot], t.cost[slot], t.carry[slot] = held, before, carry
        whole, millionths = normal(whole + moved + more - w, millionths + parts - m)
        return whole, millionths, more - w, parts - m
    settle = t.things[thing]["settle"]
    at = place_of(t, pool, settle)
    units, touched = balance_at(t, pool, at)
    put(t, pool, at, units - interest_owed(t, pool, settle, units, touched) + moved, t.things[settle]["carry"])
    t.lots[slot], t.cost[slot], t.carry[slot] = held + lots, after, t.things[thing]["carry"]
    whole, millionths = surplus(t, pool, purpose)
    t.lots[slot], t.cost[slot], t.carry[slot] = held, before, carry
    put(t, pool, at, units, touched)
    return whole, millionths, 0, 0


@kernel
def side_short(
    t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int, charge: int, purpose: int
) -> tuple[bool, int]:
    """Whether a side is short, and its surplus after, rounded down, if so; see :func:`side_judged`.

    Invariant: nothing but the cache is changed; who reduces at no worse a surplus is never short where the rules say
    so. Cost: one or two of :func:`after_fill`.
    """
    short, whole, _more, _parts = side_judged(t, pool, slot, thing, lots, cost, charge, purpose)
    return short, whole


@kernel
def side_judged(
    t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int, charge: int, purpose: int
) -> tuple[bool, int, int, int]:
    """Whether a side is short, its surplus after, rounded down, if so, and the change of :func:`after_fill`.

    A side below the line may still reduce, where its surplus net of what it is charged does not fall.

    Invariant: nothing but the cache is changed; who reduces at no worse a surplus is never short where the rules say
    so. Cost: one or two of :func:`after_fill`.
    """
    if pool == CCP_POOL:
        return False, 0, 0, 0
    whole, millionths, more, less = after_fill(t, pool, slot, thing, lots, cost, charge, purpose)
    if whole >= 0:
        return False, 0, more, less
    if t.rules[t.pools[pool]["rules"]]["transition"] == REDUCE_NO_WORSE and reduces(t.lots[slot], lots):
        before, parts = surplus(t, pool, purpose)
        before -= in_numeraire_up(t, numeraire_of(t, pool), t.things[thing]["settle"], charge)
        if whole > before or (whole == before and millionths >= parts):
            return False, 0, more, less
    return True, whole, more, less


@kernel
def consume(t: Tables, pool: int, slot: int, order: int, lots: int) -> None:
    """Take a fill's lots off the order it fills, and keep the cache.

    Invariant: the ADMIT cache says afterwards what it would find anew. Cost: the entry's orders where they count.
    """
    thing = t.key[slot] >> 2
    if not is_near(t, pool, thing):
        forget(t, pool)
        shrink(t, pool, slot, order, lots)
        return
    whole, millionths = contribution(t, pool, slot)
    shrink(t, pool, slot, order, lots)
    more, parts = contribution(t, pool, slot)
    follow(t, pool, more - whole, parts - millionths)


@kernel
def post_side(
    t: Tables,
    pool: int,
    slot: int,
    thing: int,
    lots: int,
    ticks: int,  # noqa: ARG001 - for the reader of the call
    cost: int,
    fee: int,
    levy: int,
) -> int:
    """Post one side of a contract fill whatever its verdict; the profit realised, in settle units.

    The pool leaves its bands. Settles the entry's funding, carries its cost, moves realised profit, fee and levy,
    keeps ``pnl``, ``funding_paid``, reach and cache, and frees what has become empty. The levy goes to the fund, which
    must have a place for the settle asset.

    Invariant: with the other side's postings, lots and cost of the instrument and units of the asset sum to what they
    did. Cost: a few reads and writes, and a look through the fund's entries where there is a levy.
    """
    near = is_near(t, pool, thing) and pool != CCP_POOL
    whole, millionths = 0, 0
    if near:
        whole, millionths = contribution(t, pool, slot)
    gain, due = lots_taken(t, pool, slot, thing, lots, cost)
    if near:
        more, parts = contribution(t, pool, slot)
        follow(t, pool, more - whole, parts - millionths)
    else:
        forget(t, pool)
    paid(t, pool, slot, thing, gain - due, fee, levy)
    return gain


@kernel
def post_judged(
    t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int, fee: int, levy: int, more: int, parts: int
) -> None:
    """:func:`post_side` of a side just judged at ADMIT that fills no order: the verdict has found what the cache needs.

    ``more`` and ``parts`` are the change that :func:`side_judged` gives; nothing the pool holds has changed since.

    Invariant: the tables are afterwards what :func:`post_side` makes of them. Cost: a few reads and writes, and a look
    through the fund's entries where there is a levy.
    """
    gain, due = lots_taken(t, pool, slot, thing, lots, cost)
    if is_near(t, pool, thing) and pool != CCP_POOL:
        follow(t, pool, more, parts)
    else:
        forget(t, pool)
    paid(t, pool, slot, thing, gain - due, fee, levy)


@kernel
def lots_taken(t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int) -> tuple[int, int]:
    """A side's position, its cost and its funding as after a fill, with all that is summed over them; profit and
    funding due, not yet paid. The pool leaves its bands.

    Invariant: with the other side's, lots and cost of the instrument sum to what they did. Cost: a few reads and
    writes.
    """
    leave(t, pool)
    after, gain, due = flow(t, slot, thing, lots, cost)
    listed, held = t.things[thing], t.lots[slot]
    listed["funding_paid"] += due
    listed["pnl"] -= after - t.cost[slot]
    t.pools[pool]["reach"] += (abs(held + lots) - abs(held)) * reach_of_lot(t, pool, thing)
    t.lots[slot], t.cost[slot], t.carry[slot] = held + lots, after, listed["carry"]
    return gain, due


@kernel
def paid(t: Tables, pool: int, slot: int, thing: int, units: int, fee: int, levy: int) -> None:
    """What a fill pays a side less fee and levy, to whom these go, and what has become empty freed.

    Invariant: what the balance loses to fee and levy, FEES and the fund gain. Cost: that of
    :func:`~solvent.engine.cash.add_balance`.
    """
    settle = t.things[thing]["settle"]
    add_balance(t, pool, settle, units - fee - levy)
    if fee != 0:
        t.house[FEES, settle] += fee
    if levy != 0:
        add_balance(t, FUND_POOL, settle, levy)
    tidy(t, pool, slot)
