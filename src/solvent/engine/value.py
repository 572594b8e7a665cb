"""What a pool is worth and must hold: exact, in the pool's numeraire, as pairs (whole units, millionths of a unit).

A rate is whole parts per million of a whole number of units, so every term is an integer count of millionths; whole
units and millionths are summed apart, and no product leaves 64 bits. *Normalised* pairs have 0 ≤ millionths < 10^6, so
that ``whole`` is the amount rounded down. An asset that is not the numeraire
has an entry wherever a position settles in it.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.jit import kernel
from solvent.engine.records import CCP_POOL, REDUCE_ONLY
from solvent.engine.tables import ASSET, FREE, INVERSE, NONE, TOP_EPOCH, Tables
from solvent.ledger import (
    MILLION,
    converted_down,
    converted_up,
    divide_up,
    funding_due,
    interest_due,
    inverse_notional,
    inverse_worth,
    leverage_margin,
    linear_notional,
    linear_worth,
)

WITHDRAW, ADMIT, FILL, RECOVER, MAINTAIN = range(5)  # Purpose, as kernels know it
WORST_SIDE, ORDER_COST = 0, 1  # OrderMargin in a rules row
STALE = -1  # an epoch no mark has


@kernel
def normal(whole: int, millionths: int) -> tuple[int, int]:
    """The same amount with 0 ≤ millionths < 10^6.

    Invariant: the amount is the same, and such a pair is unique. Cost: a division.
    """
    return whole + millionths // MILLION, millionths % MILLION


@kernel
def numeraire_of(t: Tables, pool: int) -> int:
    """The thing id of the asset a pool is margined in.

    Invariant: one answer as long as the pool's rules row stays. Cost: two reads.
    """
    return t.rules[t.pools[pool]["rules"]]["numeraire"]


@kernel
def worth(t: Tables, thing: int, lots: int, ticks: int) -> int:
    """Signed settle units of a contract position at a price; nothing without a price.

    Invariant: the ledger's own integers, exact for linear contracts and rounded down for inverse ones. Cost: a product,
    and a division for an inverse contract.
    """
    row = t.things[thing]
    if row["kind"] != INVERSE:
        return linear_worth(lots, ticks, row["tick_value"])
    if ticks == 0:
        return 0
    return inverse_worth(lots, ticks, row["constant"])


@kernel
def notional(t: Tables, thing: int, lots: int, ticks: int) -> int:
    """Absolute settle units of a contract position at a price; an inverse one is rounded up.

    Invariant: never negative, and never below the exact amount. Cost: a product, and a division for an inverse
    contract.
    """
    row = t.things[thing]
    if row["kind"] != INVERSE:
        return linear_notional(lots, ticks, row["tick_value"])
    if ticks == 0:
        return 0
    return inverse_notional(lots, ticks, row["constant"])


@kernel
def in_numeraire_up(t: Tables, numeraire: int, asset: int, units: int) -> int:
    """A requirement or cost in units of ``asset``, in numeraire units, rounded up.

    Invariant: never below the exact amount. Cost: a division where the asset is another.
    """
    if asset == numeraire:
        return units
    return converted_up(units, t.things[asset]["mark"], t.things[asset]["divisor"])


@kernel
def asset_value(t: Tables, thing: int, units: int) -> int:
    """Units of an asset in units of the asset its index is in, at the index, rounded down; a numeraire is itself.

    Invariant: never above the exact amount, for a debt too. Cost: a division where the asset has an index.
    """
    row = t.things[thing]
    if row["settle"] == thing:
        return units
    return converted_down(units, row["mark"], row["divisor"])


@kernel
def lowest_ticks(t: Tables, thing: int) -> int:
    """The lowest price that keeps an inverse contract's worth within what its coin's conversion can take; else 1.

    Invariant: at this price and above, the worth of the largest position fits its coin's conversion. Cost: a division.
    """
    row = t.things[thing]
    settle = row["settle"]
    if row["kind"] != INVERSE or t.things[settle]["settle"] == settle:
        return 1
    return divide_up(row["max_lots"] * row["constant"], t.things[settle]["max_lots"])


@kernel
def basis(t: Tables, rules: int, thing: int, lots: int, cost: int) -> int:
    """What a requirement is charged on, in numeraire units: notional at the mark, or the absolute entry value.

    Invariant: never negative; on entry value no price changes it. Cost: that of :func:`notional`.
    """
    if t.rules[rules]["on_entry"] != 0:
        return abs(cost)
    row = t.things[thing]
    return in_numeraire_up(t, t.rules[rules]["numeraire"], row["settle"], notional(t, thing, lots, row["mark"]))


@kernel
def schedule_at(t: Tables, rules: int, purpose: int, place: int, amount: int) -> tuple[int, int]:
    """``rate × amount − deduction`` on the piece of ``amount`` (an upper bound is its piece's), not normalised.

    Invariant: the schedule's exact value in millionths, though the pair may be apart by whole units. Cost: the pieces
    up to the amount's.
    """
    first, count = t.span[rules, purpose, place, 0], t.span[rules, purpose, place, 1]
    if count == 0:
        return 0, 0
    k, last = first, first + count - 1
    while k < last and amount > t.floor[k + 1]:
        k += 1
    rate = t.rate[k]
    return amount // MILLION * rate - t.part[k], amount % MILLION * rate - t.rest[k]


@kernel
def leverage_of(t: Tables, rules: int, slot: int, thing: int) -> int:
    """The leverage cap of an entry: chosen, else the rules' default.

    Invariant: a leverage chosen with SET goes before the default. Cost: two reads at most.
    """
    chosen = t.leverage[slot]
    if chosen > 0:
        return chosen
    return t.default_leverage[rules, thing]


@kernel
def required_at(t: Tables, rules: int, purpose: int, thing: int, amount: int, leverage: int) -> tuple[int, int]:
    """Requirement of a notional in numeraire units, normalised: the schedule's, or the leverage cap's where larger.

    Invariant: exact, and never below what the schedule or the leverage cap asks alone. Cost: that of
    :func:`schedule_at` and a division.
    """
    whole, millionths = schedule_at(t, rules, purpose, 2 * thing, amount)
    whole, millionths = normal(whole, millionths)
    if t.rules[rules]["leverage_at"] >> purpose & 1:
        margin = leverage_margin(amount, leverage)
        if margin > whole:  # the schedule's part below a unit cannot reach the next unit
            return margin, 0
    return whole, millionths


@kernel
def open_loss(t: Tables, numeraire: int, thing: int, lots: int, ticks: int) -> int:
    """What filling ``lots`` at ``ticks`` would lose at once at the mark, in numeraire units, rounded up.

    Invariant: zero where the order is no worse than the mark. Cost: two worths and a conversion.
    """
    loss = worth(t, thing, lots, ticks) - worth(t, thing, lots, t.things[thing]["mark"])
    if loss <= 0:
        return 0
    return in_numeraire_up(t, numeraire, t.things[thing]["settle"], loss)


@kernel
def worst_side(
    t: Tables, rules: int, slot: int, purpose: int, thing: int, whole: int, millionths: int
) -> tuple[int, int]:
    """Requirement as if all orders of one side were filled, at mark, plus their open loss: the worst of three.

    Invariant: never below the pair given; orders that only reduce add nothing. Cost: twice the entry's orders.
    """
    numeraire = t.rules[rules]["numeraire"]
    leverage = leverage_of(t, rules, slot, thing)
    for side in (1, -1):
        lots, cost, loss, found = t.lots[slot], t.cost[slot], 0, False
        at = t.orders[slot]
        while at != NONE:
            row = t.order[at]
            if row["lots"] * side > 0 and row["flags"] & REDUCE_ONLY == 0:
                lots += row["lots"]
                cost += worth(t, thing, row["lots"], row["ticks"])
                loss += open_loss(t, numeraire, thing, row["lots"], row["ticks"])
                found = True
            at = row["next"]
        if found:
            amount = basis(t, rules, thing, lots, cost)
            w, m = required_at(t, rules, purpose, thing, amount, leverage)
            if w + loss > whole or (w + loss == whole and m > millionths):
                whole, millionths = w + loss, m
    return whole, millionths


@kernel
def order_cost(t: Tables, rules: int, slot: int, thing: int) -> int:
    """Margin at each opening order's own price plus its open loss, in numeraire units: the dearer side.

    Invariant: an order that closes what is held costs nothing, in order of reference. Cost: twice the entry's orders.
    """
    numeraire, settle = t.rules[rules]["numeraire"], t.things[thing]["settle"]
    leverage = leverage_of(t, rules, slot, thing)
    dearer = 0
    for side in (1, -1):
        closing, units = max(0, -t.lots[slot] * side), 0
        at = t.orders[slot]
        while at != NONE:
            row = t.order[at]
            if row["lots"] * side > 0 and row["flags"] & REDUCE_ONLY == 0:
                size = abs(row["lots"])
                opening = max(0, size - closing)
                closing = max(0, closing - size)
                if opening > 0:
                    amount = in_numeraire_up(t, numeraire, settle, notional(t, thing, opening, row["ticks"]))
                    units += leverage_margin(amount, leverage)
                    units += open_loss(t, numeraire, thing, opening * side, row["ticks"])
            at = row["next"]
        dearer = max(dearer, units)
    return dearer


@kernel
def entry_requirement(t: Tables, pool: int, slot: int, purpose: int) -> tuple[int, int]:
    """Requirement of a contract entry with its resting orders (at WITHDRAW and ADMIT), normalised.

    Invariant: from FILL on orders count for nothing. Cost: the entry's schedule, and its orders twice at WITHDRAW and
    ADMIT.
    """
    rules, thing = t.pools[pool]["rules"], t.key[slot] >> 2
    amount = basis(t, rules, thing, t.lots[slot], t.cost[slot])
    whole, millionths = required_at(t, rules, purpose, thing, amount, leverage_of(t, rules, slot, thing))
    if purpose > ADMIT or t.orders[slot] == NONE:
        return whole, millionths
    if t.rules[rules]["orders"] == WORST_SIDE:
        return worst_side(t, rules, slot, purpose, thing, whole, millionths)
    return whole + order_cost(t, rules, slot, thing), millionths


@kernel
def profit(t: Tables, slot: int) -> int:
    """Unrealised profit of a contract entry at its mark, less the funding it owes, in settle units.

    Invariant: exact in settle units; funding since the entry's last touch is in it. Cost: a worth and a product.
    """
    thing, lots = t.key[slot] >> 2, t.lots[slot]
    row = t.things[thing]
    return worth(t, thing, lots, row["mark"]) - t.cost[slot] - funding_due(lots, row["carry"], t.carry[slot])


@kernel
def interest_owed(t: Tables, pool: int, asset: int, units: int, touched: int) -> int:
    """Interest a balance owes, in its units; the mirror of other shards lends and borrows nothing.

    Invariant: never negative, and zero for who owes nothing. Cost: a product and a division where there is a debt.
    """
    if units >= 0 or pool == CCP_POOL:
        return 0
    return interest_due(units, t.things[asset]["carry"], touched)


@kernel
def net_cash(t: Tables, pool: int) -> int:
    """The pool's numeraire balance less the interest it owes.

    Invariant: never above the balance. Cost: that of :func:`interest_owed`.
    """
    row = t.pools[pool]
    cash = row["cash"]
    if cash >= 0:
        return cash
    return cash - interest_owed(t, pool, t.rules[row["rules"]]["numeraire"], cash, row["accrual"])


@kernel
def profits_in(t: Tables, pool: int, asset: int) -> int:
    """Σ unrealised profit of the pool's positions that settle in an asset other than the numeraire.

    Invariant: exact; entries of other settle assets leave it as it is. Cost: one pass over the pool's entries.
    """
    first, total = t.pools[pool]["first"], 0
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE:
            continue
        row = t.things[t.key[e] >> 2]
        if row["kind"] != ASSET and row["settle"] == asset:
            total += profit(t, e)
    return total


@kernel
def weighted(t: Tables, rules: int, purpose: int, asset: int, value: int) -> tuple[int, int]:
    """V_s: what a value counts as margin equity, not normalised: through the weights, or at the debt rate.

    Invariant: does not fall as the value grows. Cost: that of :func:`schedule_at`.
    """
    if value < 0:
        rate = t.debt_ppm[rules, asset]
        return value // MILLION * rate, value % MILLION * rate
    return schedule_at(t, rules, purpose, 2 * asset, value)


@kernel
def asset_equity(t: Tables, pool: int, slot: int, purpose: int) -> tuple[int, int, int]:
    """Of an asset entry's E_s: value at the index, and V_s of what counts (whole, millionths; not normalised).

    Invariant: what settles in the asset counts with its balance, once. Cost: one pass over the pool's entries.
    """
    rules, asset = t.pools[pool]["rules"], t.key[slot] >> 2
    units = t.lots[slot] - interest_owed(t, pool, asset, t.lots[slot], t.carry[slot])
    gain = profits_in(t, pool, asset)
    value = asset_value(t, asset, units + gain)
    counted = value
    if gain > 0 and t.rules[rules]["losses_only"] >> purpose & 1:
        counted = asset_value(t, asset, units)
    whole, millionths = weighted(t, rules, purpose, asset, counted)
    return value, whole, millionths


@kernel
def sums(t: Tables, pool: int, purpose: int) -> tuple[int, int, int, int, int, int]:
    """Over a pool's entries: profit in the numeraire, value and V_s (pair) of other assets, requirement (pair).

    Invariant: sums of whole numbers: no order of entries changes them, and limits of listing keep them in 64 bits.
    Cost: one pass over the entries, and one more for each balance in another asset.
    """
    numeraire, first = numeraire_of(t, pool), t.pools[pool]["first"]
    own, value, whole, millionths, needed, parts = 0, 0, 0, 0, 0, 0
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE:
            continue
        row = t.things[t.key[e] >> 2]
        if row["kind"] == ASSET:
            v, w, m = asset_equity(t, pool, e, purpose)
            value += v
            whole += w
            millionths += m
        else:
            if row["settle"] == numeraire:
                own += profit(t, e)
            w, m = entry_requirement(t, pool, e, purpose)
            needed += w
            parts += m
    return own, value, whole, millionths, needed, parts


@kernel
def losses_only(t: Tables, pool: int, purpose: int) -> bool:
    """Whether unrealised profit counts only when negative.

    Invariant: says the same for every pool of a rules row. Cost: two reads.
    """
    return t.rules[t.pools[pool]["rules"]]["losses_only"] >> purpose & 1 != 0


@kernel
def surplus(t: Tables, pool: int, purpose: int) -> tuple[int, int]:
    """Margin equity less requirement, computed from all entries, normalised: ``whole`` is it rounded down to a unit.

    Invariant: ring 1's surplus to the last millionth; no cache is read or written. Cost: that of :func:`sums`.
    """
    own, _, whole, millionths, needed, parts = sums(t, pool, purpose)
    if own > 0 and losses_only(t, pool, purpose):
        own = 0
    return normal(net_cash(t, pool) + own + whole - needed, millionths - parts)


@kernel
def assessed(t: Tables, pool: int, purpose: int) -> tuple[int, int, int, int, int]:
    """Value before haircuts (units), margin equity and requirement (normalised pairs).

    Invariant: ring 1's numbers to the last millionth; no cache is read or written. Cost: that of :func:`sums`.
    """
    own, value, whole, millionths, needed, parts = sums(t, pool, purpose)
    cash = net_cash(t, pool)
    counted = own
    if own > 0 and losses_only(t, pool, purpose):
        counted = 0
    whole, millionths = normal(cash + counted + whole, millionths)
    needed, parts = normal(needed, parts)
    return cash + own + value, whole, millionths, needed, parts


@kernel
def in_breach(t: Tables, pool: int) -> bool:
    """Whether surplus(MAINTAIN) is below zero; where the venue is inclusive also at zero with something required.

    Invariant: ring 1's verdict; no float takes part. Cost: that of :func:`assessed`.
    """
    _, whole, millionths, needed, parts = assessed(t, pool, MAINTAIN)
    whole, millionths = normal(whole - needed, millionths - parts)
    if whole < 0:
        return True
    zero = whole == 0 and millionths == 0
    return zero and (needed > 0 or parts > 0) and t.rules[t.pools[pool]["rules"]]["inclusive"] != 0


@kernel
def forget(t: Tables, pool: int) -> None:
    """Drop the cached ADMIT contributions of a pool: call it after changing what the cache does not follow.

    Invariant: the next question of ADMIT computes everything anew. Cost: one write.
    """
    t.pools[pool]["epoch"] = STALE


@kernel
def cacheable(t: Tables, pool: int) -> bool:
    """Whether ADMIT contributions add up entry by entry: not where only the sum of losses counts.

    Invariant: where True, the cache is the sum of what each entry adds. Cost: three reads.
    """
    return not losses_only(t, pool, ADMIT)


@kernel
def admit_surplus(t: Tables, pool: int) -> tuple[int, int]:
    """surplus(ADMIT), normalised, from the pool's cached contributions, which are recomputed once an epoch.

    Invariant: equals ``surplus(t, pool, ADMIT)``, whatever was asked before. Cost: a few reads; one pass over the
    entries in the pool's first question of an epoch.
    """
    if not cacheable(t, pool):
        return surplus(t, pool, ADMIT)
    row = t.pools[pool]
    if row["epoch"] != t.top[TOP_EPOCH]:
        own, _, whole, millionths, needed, parts = sums(t, pool, ADMIT)
        row["whole"], row["millionths"] = normal(own + whole - needed, millionths - parts)
        row["epoch"] = t.top[TOP_EPOCH]
    return net_cash(t, pool) + row["whole"], row["millionths"]


@kernel
def contribution(t: Tables, pool: int, slot: int) -> tuple[int, int]:
    """What a contract entry that settles in the numeraire adds to surplus(ADMIT), not normalised.

    Invariant: nothing is changed; its change is the change of surplus(ADMIT). Cost: that of :func:`profit` and
    :func:`entry_requirement`.
    """
    whole, millionths = entry_requirement(t, pool, slot, ADMIT)
    return profit(t, slot) - whole, -millionths


@kernel
def follow(t: Tables, pool: int, whole: int, millionths: int) -> None:
    """Add a change of contributions to the cache, if it is there to be kept.

    Invariant: a cache of an earlier epoch stays as it is, and is not used. Cost: a few reads and writes.
    """
    row = t.pools[pool]
    if row["epoch"] == t.top[TOP_EPOCH]:
        row["whole"], row["millionths"] = normal(row["whole"] + whole, row["millionths"] + millionths)
