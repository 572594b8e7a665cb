"""Plans in bulk: for each of many pools the steps that :func:`solvent.liquidation.plan` makes, from the tables alone.

A pool is covered where everything settles in its numeraire; others are said to be ``UNCOVERED`` and are for the
readable plan. No table is changed. All decisions are made on whole numbers, so that both plans are equal bit for bit.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

import enum

from solvent.engine.closes import (
    LEG_BITS,
    Round,
    begin,
    fill_of,
    gained,
    left_needed,
    leg_before,
    settled,
    sized,
    take,
    whole_close,
)
from solvent.engine.jit import kernel
from solvent.engine.tables import ASSET, FREE, NONE, Tables
from solvent.engine.value import MAINTAIN, RECOVER, normal, notional, profit
from solvent.ledger import MILLION, share_down, share_up


class Way(enum.IntEnum):
    """How a plan chooses, as kernels know it: :class:`solvent.rules.Plan` in numbers."""

    MOST_UNPROFITABLE_FIRST = 0
    PROPORTIONAL = 1
    WHOLE = 2
    MARGINAL_RELIEF = 3


class Outcome(enum.IntEnum):
    """What became of a pool that was to be planned."""

    NO_NEED = 0  # surplus(RECOVER) is not below zero
    CLOSES = 1
    HAND_OVER = 2  # no close of its own can help
    UNCOVERED = 3  # for the readable plan


NO_NEED, CLOSES, HAND_OVER, UNCOVERED = (int(one) for one in Outcome)
UNPROFITABLE, PROPORTIONAL, WHOLE, RELIEF = (int(one) for one in Way)
LIMB_BITS = 31
LIMB = (1 << LIMB_BITS) - 1


@kernel
def list_legs(t: Tables, r: Round, pool: int) -> int:
    """The pool's legs into ``slots``, the least profit first; how many.

    Invariant: no table is changed; every leg stands once, in a strict order. Cost: quadratic in legs at worst.
    """
    first, found = t.pools[pool]["first"], 0
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE or t.lots[e] == 0 or t.things[t.key[e] >> LEG_BITS]["kind"] == ASSET:
            continue
        gain, k = profit(t, e), found
        while k > 0 and not leg_before(t, r, k - 1, e, gain):
            r.slots[k], r.profits[k] = r.slots[k - 1], r.profits[k - 1]
            k -= 1
        r.slots[k], r.profits[k] = e, gain
        found += 1
    return found


@kernel
def put(t: Tables, r: Round, at: int, lots: int, ticks: int, whole: int, rest: int, penalty: int) -> None:
    """Write the step that closes ``lots`` of the leg in ``case``, and let ``case`` stand after it.

    Invariant: ``case`` says afterwards what the exact kernels would say of the pool after the step. Cost: three
    schedules.
    """
    c, step = r.case[0], r.steps[at]
    step["key"], step["lots"], step["ticks"], step["penalty"] = c["key"], fill_of(r, lots), ticks, penalty
    step["before"], step["before_rest"], step["after"], step["after_rest"] = c["whole"], c["millionths"], whole, rest
    change = gained(t, r, lots, ticks) - penalty
    needed, parts = left_needed(t, r, MAINTAIN, 0, ticks)
    left, left_parts = left_needed(t, r, MAINTAIN, lots, ticks)
    c["whole"], c["millionths"] = whole, rest
    c["maintain"], c["maintain_rest"] = normal(
        c["maintain"] + change + needed - left, c["maintain_rest"] + parts - left_parts
    )
    c["value"] += change


@kernel
def keep(r: Round, source: int, target: int) -> None:
    """Copy how the pool stands between the two rows of ``case``.

    Invariant: the leg in ``case`` is left as it is. Cost: five numbers.
    """
    a, b = r.case[source], r.case[target]
    b["whole"], b["millionths"], b["value"] = a["whole"], a["millionths"], a["value"]
    b["maintain"], b["maintain_rest"] = a["maintain"], a["maintain_rest"]


@kernel
def most_lots(r: Round) -> int:
    """The most one step closes of the leg in ``case``: its share, rounded up.

    Invariant: at least one lot of a leg that is held, never more than it. Cost: a division.
    """
    held = abs(r.case[0]["lots"])
    return min(held, share_up(held, r.step_ppm[r.case[0]["rules"]]))


@kernel
def most_unprofitable_first(t: Tables, r: Round, legs: int, at: int) -> int:
    """One step a leg, the least profit first, until the pool is restored; how many steps.

    Invariant: each step raises the surplus or keeps it; no step follows the one that restores. Cost: one :func:`sized`
    a leg.
    """
    steps = 0
    for k in range(legs):
        take(t, r, r.slots[k])
        lots, ticks, whole, rest, penalty = sized(t, r, most_lots(r))
        if lots == 0:
            continue
        put(t, r, at + steps, lots, ticks, whole, rest, penalty)
        steps += 1
        if whole >= 0:
            break
    return steps


@kernel
def every_leg(t: Tables, r: Round, legs: int, at: int) -> int:
    """Every leg whole, the least profit first; one whose close lowers the surplus waits. How many steps.

    Invariant: no step lowers the surplus. Cost: one :func:`whole_close` a leg.
    """
    c, steps = r.case[0], 0
    for k in range(legs):
        take(t, r, r.slots[k])
        lots, ticks, whole, rest, penalty = whole_close(t, r, abs(c["lots"]))
        if lots == 0 or whole < c["whole"] or (whole == c["whole"] and rest < c["millionths"]):
            continue
        put(t, r, at + steps, lots, ticks, whole, rest, penalty)
        steps += 1
    return steps


@kernel
def at_share(t: Tables, r: Round, legs: int, at: int, ppm: int) -> int:
    """The same share of every leg, from the pool as it was at the start; how many steps.

    Invariant: begins with the pool as it was, whatever was tried before. Cost: one :func:`whole_close` a leg, or
    :func:`sized`.
    """
    keep(r, 1, 0)
    c, steps = r.case[0], 0
    for k in range(legs):
        take(t, r, r.slots[k])
        held = abs(c["lots"])
        share = min(held, share_up(held, ppm))
        lots, ticks, whole, rest, penalty = whole_close(t, r, share)
        if lots > 0 and (whole < c["whole"] or (whole == c["whole"] and rest < c["millionths"])):
            lots = 0
            if c["whole"] < 0:
                lots, ticks, whole, rest, penalty = sized(t, r, share)
        if lots == 0:
            continue
        put(t, r, at + steps, lots, ticks, whole, rest, penalty)
        steps += 1
    return steps


@kernel
def proportional(t: Tables, r: Round, legs: int, at: int) -> int:
    """The smallest equal share that restores, by bisection; the rules' step where none does. How many steps.

    Invariant: the steps left standing are those of the share it ends with. Cost: about 20 of :func:`at_share`.
    """
    keep(r, 0, 1)
    low, high = 0, r.step_ppm[r.case[0]["rules"]]
    steps = at_share(t, r, legs, at, high)
    if steps == 0 or r.case[0]["whole"] < 0:
        return steps
    while high - low > 1:
        middle = (low + high) // 2
        if at_share(t, r, legs, at, middle) > 0 and r.case[0]["whole"] >= 0:
            high = middle
        else:
            low = middle
    return at_share(t, r, legs, at, high)


@kernel
def product(a: int, b: int) -> tuple[int, int]:
    """a × b of numbers from 0 to below 2^62, as (multiples of 2^62, what is left).

    Invariant: exact: the first times 2^62 plus the second. Cost: four products.
    """
    a_high, a_low, b_high, b_low = a >> LIMB_BITS, a & LIMB, b >> LIMB_BITS, b & LIMB
    low = a_low * b_low
    middle = a_high * b_low + a_low * b_high + (low >> LIMB_BITS)
    return a_high * b_high + (middle >> LIMB_BITS), ((middle & LIMB) << LIMB_BITS) | (low & LIMB)


@kernel
def times(whole: int, rest: int, units: int) -> tuple[int, int, int]:
    """A pair × units, all from 0 to below 2^61, in digits that compare from left to right.

    Invariant: two such triples compare as the exact products do. Cost: that of :func:`product`.
    """
    high, low = product(whole, units)
    low += share_down(units, rest)
    return high + (low >> 2 * LIMB_BITS), low & ((1 << 2 * LIMB_BITS) - 1), units % MILLION * rest % MILLION


@kernel
def greater(whole: int, rest: int, units: int, other: int, other_rest: int, other_units: int) -> bool:
    """Whether pair ÷ units is more than the other pair ÷ its units, exactly; pairs not negative, units positive.

    Invariant: exact, and no float takes part. Cost: two of :func:`times`.
    """
    a, b, c = times(whole, rest, other_units)
    x, y, z = times(other, other_rest, units)
    if a != x:
        return a > x
    if b != y:
        return b > y
    return c > z


@kernel
def most_relieving(t: Tables, r: Round, legs: int) -> int:
    """The place in ``slots`` of the leg whose close frees most surplus per notional closed; NONE where none does.

    Invariant: its close raises the surplus and does not raise its leg's requirement; ties go to the first. Cost: one
    :func:`sized` a leg.
    """
    c, best, best_whole, best_rest, best_units = r.case[0], NONE, 0, 0, 1
    for k in range(legs):
        if r.slots[k] == NONE:
            continue
        take(t, r, r.slots[k])
        lots, ticks, whole, rest, _ = sized(t, r, most_lots(r))
        if lots == 0 or whole < c["whole"] or (whole == c["whole"] and rest <= c["millionths"]):
            continue
        left, left_rest = left_needed(t, r, RECOVER, lots, ticks)
        if left > c["needed"] or (left == c["needed"] and left_rest > c["needed_rest"]):
            continue
        whole, rest = normal(whole - c["whole"], rest - c["millionths"])
        units = notional(t, c["thing"], lots, c["mark"])
        if best == NONE or greater(whole, rest, units, best_whole, best_rest, best_units):
            best, best_whole, best_rest, best_units = k, whole, rest, units
    return best


@kernel
def marginal_relief(t: Tables, r: Round, legs: int, at: int) -> int:
    """The leg that frees most per notional, then the best of the others; how many steps.

    Invariant: each step raises the surplus. Cost: quadratic in legs.
    """
    steps = 0
    while r.case[0]["whole"] < 0:
        k = most_relieving(t, r, legs)
        if k == NONE:
            break
        take(t, r, r.slots[k])
        lots, ticks, whole, rest, penalty = sized(t, r, most_lots(r))
        put(t, r, at + steps, lots, ticks, whole, rest, penalty)
        r.slots[k] = NONE
        steps += 1
    return steps


@kernel
def plan_one(t: Tables, r: Round, k: int) -> tuple[int, int]:
    """Plan the pool at place ``k`` of ``pools``: (what became of it, how many steps).

    Invariant: no table is changed; the steps are the readable plan's, bit for bit. Cost: that of its way of choosing.
    """
    pool, at, c = r.pools[k], r.place[k], r.case[0]
    way = r.way[t.pools[pool]["rules"]]
    if way < 0 or not settled(t, pool):
        return UNCOVERED, 0
    begin(t, r, pool)
    r.surplus[2 * k], r.surplus[2 * k + 1] = c["whole"], c["millionths"]
    if c["whole"] >= 0:
        return NO_NEED, 0
    legs = list_legs(t, r, pool)
    if way == UNPROFITABLE:
        steps = most_unprofitable_first(t, r, legs, at)
    elif way == PROPORTIONAL:
        steps = proportional(t, r, legs, at)
    elif way == WHOLE:
        steps = every_leg(t, r, legs, at)
    else:
        steps = marginal_relief(t, r, legs, at)
    return (CLOSES if steps > 0 else HAND_OVER), steps


@kernel
def plan_all(t: Tables, r: Round) -> None:
    """Plan every pool of ``pools``, each as if it were alone: no table changes.

    Invariant: no pool's plan depends on another's. Cost: a few microseconds a leg.
    """
    for k in range(r.pools.size):
        r.verdict[k], r.used[k] = plan_one(t, r, k)
        for s in range(r.place[k], r.place[k] + r.used[k]):
            r.steps[s]["pool"] = r.pools[k]
