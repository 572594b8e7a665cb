"""One leg of a pool, partly closed, in whole numbers: the readable twin is :mod:`solvent.liquidation.closing`.

Everything settles in the numeraire, so that closing lots of a leg changes margin equity by the price's distance from
the mark and by the penalty, and the requirement by this leg's alone. Amounts are normalised pairs (units, millionths).
The pool as planned so far and the leg being looked at stand in ``case``, which the kernels of a plan hand on.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solvent.engine.handed import handed
from solvent.engine.jit import kernel
from solvent.engine.records import LEG_MASK
from solvent.engine.tables import ASSET, FREE, I64, INVERSE, LINEAR, Rows, Tables
from solvent.engine.value import (
    MAINTAIN,
    RECOVER,
    assessed,
    basis,
    leverage_of,
    losses_only,
    normal,
    notional,
    numeraire_of,
    required_at,
    worth,
)
from solvent.ledger import cost_after, share_down, share_up

CLOSED_NOTIONAL, DEFICIT = 0, 1  # PenaltyBase in a rules row
IN_TIER, IN_WORTH, UNCUT = range(3)  # what may hold up to a size
LEG_BITS = 2

# fmt: off
CASE = np.dtype([
    ("whole", "<i8"), ("millionths", "<i8"),  # surplus(RECOVER)
    ("maintain", "<i8"), ("maintain_rest", "<i8"),  # surplus(MAINTAIN)
    ("value", "<i8"), ("rules", "<i8"),
    ("thing", "<i8"), ("key", "<i8"), ("lots", "<i8"), ("cost", "<i8"), ("mark", "<i8"), ("leverage", "<i8"),
    ("needed", "<i8"), ("needed_rest", "<i8"),  # the leg's requirement at RECOVER as it is
    ("levels", "<i8"),  # how many prices the leg could be closed at
])
STEP = np.dtype([
    ("pool", "<i8"), ("key", "<i8"), ("lots", "<i8"), ("ticks", "<i8"), ("penalty", "<i8"),
    ("before", "<i8"), ("before_rest", "<i8"), ("after", "<i8"), ("after_rest", "<i8"),
])
# fmt: on


@handed
class Round(NamedTuple):
    """What one call plans with. Shapes: T things, R rules rows, L levels, P pools, S steps, N legs of one pool.

    A side is 2 × thing for bids, + 1 for asks; its levels stand together, best first.
    """

    order: I64  # T: place of the symbol in order of text
    first: I64  # 2T: a side's first level …
    size: I64  # 2T: … and how many there are
    ticks: I64  # L
    lots: I64  # L
    way: I64  # R: how a plan chooses; negative where this rules row is not planned here
    step_ppm: I64  # R: the most of a leg that a step closes
    worst_ppm: I64  # R: how far a step's price may be from the mark
    pools: I64  # P: who is planned
    place: I64  # P: where a pool's steps begin
    used: I64  # P, out: how many there are
    verdict: I64  # P, out
    surplus: I64  # 2P, out: surplus(RECOVER) as it was, pairs
    steps: Rows  # S, out
    case: Rows  # 2: as planned so far; as at the start of a pool
    slots: I64  # N, scratch: legs in order
    profits: I64  # N, scratch
    level_ticks: I64  # scratch: prices of the leg in ``case``, best first …
    level_lots: I64  # … and all lots up to each


@kernel
def settled(t: Tables, pool: int) -> bool:
    """Whether the pool can be planned here: priced, every leg settling in the numeraire, profit counted in full.

    Invariant: where True, closing a leg changes its own requirement and the value alone. Cost: one pass over the pool's
    entries.
    """
    rules, numeraire, first = t.pools[pool]["rules"], numeraire_of(t, pool), t.pools[pool]["first"]
    if losses_only(t, pool, RECOVER) or losses_only(t, pool, MAINTAIN):
        return False
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE or t.lots[e] == 0:
            continue
        row = t.things[t.key[e] >> LEG_BITS]
        if row["mark"] == 0:
            return False
        if row["kind"] == ASSET:
            continue
        known = t.default_leverage[rules, t.key[e] >> LEG_BITS] > 0
        if not known or row["settle"] != numeraire or (row["kind"] != LINEAR and row["kind"] != INVERSE):
            return False
    return True


@kernel
def begin(t: Tables, r: Round, pool: int) -> None:
    """Assess a pool: what ``case`` says of it before the first step.

    Invariant: ``case`` says what the exact kernels say of the pool. Cost: two passes over the pool's entries.
    """
    c = r.case[0]
    c["rules"] = t.pools[pool]["rules"]
    value, equity, equity_rest, needed, needed_rest = assessed(t, pool, RECOVER)
    c["value"] = value
    c["whole"], c["millionths"] = normal(equity - needed, equity_rest - needed_rest)
    value, equity, equity_rest, needed, needed_rest = assessed(t, pool, MAINTAIN)
    c["maintain"], c["maintain_rest"] = normal(equity - needed, equity_rest - needed_rest)


@kernel
def take(t: Tables, r: Round, slot: int) -> None:
    """Look at a leg: its facts, its requirement and its levels into ``case``.

    Invariant: how the pool stands in ``case`` is left as it is. Cost: the leg's levels and a schedule.
    """
    c, thing = r.case[0], t.key[slot] >> LEG_BITS
    c["thing"], c["key"], c["lots"], c["cost"] = thing, t.key[slot], t.lots[slot], t.cost[slot]
    c["mark"], c["leverage"] = t.things[thing]["mark"], leverage_of(t, c["rules"], slot, thing)
    c["needed"], c["needed_rest"] = left_needed(t, r, RECOVER, 0, c["mark"])
    c["levels"] = usable(r, r.worst_ppm[c["rules"]])


@kernel
def usable(r: Round, worst_ppm: int) -> int:
    """Levels within the worst price into the scratch, lots added up; a better price than the bound is cut to it.

    Invariant: lots never fall from level to level, and no price is beyond the bound. Cost: the side's levels within the
    bound.
    """
    c = r.case[0]
    reach, selling = share_down(c["mark"], worst_ppm), c["lots"] > 0
    low, high = max(1, c["mark"] - reach), c["mark"] + reach
    side = 2 * c["thing"] + (0 if selling else 1)
    first, total, found = r.first[side], 0, 0
    for k in range(first, first + r.size[side]):
        ticks = r.ticks[k]
        if (selling and ticks < low) or (not selling and ticks > high):
            break
        total += r.lots[k]
        r.level_ticks[found], r.level_lots[found] = max(low, min(high, ticks)), total
        found += 1
    return found


@kernel
def fill_of(r: Round, lots: int) -> int:
    """The pool's fill that closes ``lots`` (absolute).

    Invariant: its sign is against the leg's. Cost: one read.
    """
    return -lots if r.case[0]["lots"] > 0 else lots


@kernel
def left_needed(t: Tables, r: Round, purpose: int, lots: int, ticks: int) -> tuple[int, int]:
    """What the leg requires once ``lots`` are closed at ``ticks``.

    Invariant: exact; with no lots it is what the leg requires as it is. Cost: a schedule.
    """
    c, fill = r.case[0], fill_of(r, lots)
    cost = c["cost"]
    if lots > 0 and t.rules[c["rules"]]["on_entry"] != 0:
        cost = cost_after(c["lots"], cost, fill, worth(t, c["thing"], fill, ticks))
    amount = basis(t, c["rules"], c["thing"], c["lots"] + fill, cost)
    return required_at(t, c["rules"], purpose, c["thing"], amount, c["leverage"])


@kernel
def gained(t: Tables, r: Round, lots: int, ticks: int) -> int:
    """Units the pool's equity changes by when ``lots`` are closed at ``ticks``, the penalty left out.

    Invariant: exact; at the mark it is only what inverse rounding leaves. Cost: three worths.
    """
    c, fill = r.case[0], fill_of(r, lots)
    kept = worth(t, c["thing"], c["lots"] + fill, c["mark"]) - worth(t, c["thing"], c["lots"], c["mark"])
    return kept - worth(t, c["thing"], fill, ticks)


@kernel
def penalty_of(t: Tables, r: Round, lots: int, ticks: int) -> int:
    """Units of penalty, cut to the value the pool has after the close.

    Invariant: never negative, and the value after it is not below zero for it. Cost: a division and :func:`gained`.
    """
    c, amount = r.case[0], 0
    base = t.rules[c["rules"]]["penalty_base"]
    if base == CLOSED_NOTIONAL:
        amount = notional(t, c["thing"], lots, ticks)
    elif base == DEFICIT:
        amount = max(0, -c["maintain"])
    asked = share_up(amount, t.penalty_ppm[c["rules"], c["thing"]])
    return min(asked, max(0, c["value"] + gained(t, r, lots, ticks)))


@kernel
def after(t: Tables, r: Round, lots: int, ticks: int) -> tuple[int, int, int]:
    """surplus(RECOVER) once ``lots`` are closed at ``ticks``, and the penalty.

    Invariant: what the exact kernels find once the step is posted. Cost: two schedules.
    """
    c, penalty = r.case[0], penalty_of(t, r, lots, ticks)
    needed, rest = left_needed(t, r, RECOVER, lots, ticks)
    units = c["whole"] + gained(t, r, lots, ticks) - penalty + c["needed"] - needed
    whole, millionths = normal(units, c["millionths"] + c["needed_rest"] - rest)
    return whole, millionths, penalty


@kernel
def holds(t: Tables, r: Round, what: int, lots: int, ticks: int, floor: int) -> bool:
    """Whether ``lots`` left are in the tiers up to a floor; or, of ``lots`` closed, the value stays or is not cut.

    Invariant: nothing is changed. Cost: a notional or three worths.
    """
    if what == IN_TIER:
        return notional(t, r.case[0]["thing"], lots, r.case[0]["mark"]) <= floor
    worth_after = r.case[0]["value"] + gained(t, r, lots, ticks)
    if what == IN_WORTH:
        return worth_after >= 0
    return penalty_of(t, r, lots, ticks) < worth_after


@kernel
def last_true(t: Tables, r: Round, what: int, low: int, high: int, ticks: int, floor: int) -> int:
    """The largest number in [low, high] for which it holds, given that it holds up to some; ``low`` if none.

    Invariant: no table is changed; right where the answer turns once. Cost: one question a bit of the range.
    """
    while low < high:
        middle = (low + high + 1) // 2
        if holds(t, r, what, middle, ticks, floor):
            low = middle
        else:
            high = middle - 1
    return low


@kernel
def next_corner(t: Tables, r: Round, low: int, high: int, worth_end: int, uncut_end: int) -> int:
    """The next size above ``low`` at which the outcome's slope may change, ``high`` at the latest.

    Invariant: between ``low`` and it the outcome is affine but for rounding. Cost: a bisection a tier below the leg.
    """
    c, found = r.case[0], high
    if low < worth_end < found:
        found = worth_end
    if low < uncut_end < found:
        found = uncut_end
    if t.rules[c["rules"]]["on_entry"] != 0:
        return found
    held = abs(c["lots"])
    whole = notional(t, c["thing"], held, c["mark"])
    first, count = t.span[c["rules"], RECOVER, 2 * c["thing"], 0], t.span[c["rules"], RECOVER, 2 * c["thing"], 1]
    for k in range(first + 1, first + count):
        if whole <= t.floor[k]:
            break
        size = held - last_true(t, r, IN_TIER, 0, held, 0, t.floor[k])
        if low < size - 1 < found:
            found = size - 1
        if low < size < found:
            found = size
    return found


@kernel
def sized(t: Tables, r: Round, most: int) -> tuple[int, int, int, int, int]:
    """The smallest close that restores, else what helps most: (lots, ticks, surplus pair, penalty); lots 0: none.

    Invariant: between corners of a level the surplus is affine but for rounding. Cost: two outcomes a corner and about
    20 for the bisection in the stretch that ends at or above zero.
    """
    c = r.case[0]
    best, best_ticks, best_whole, best_rest, best_penalty = 0, 0, c["whole"], c["millionths"], 0
    done = 0
    for level in range(c["levels"]):
        ticks, reach = r.level_ticks[level], min(r.level_lots[level], most)
        if reach <= done:
            continue
        worth_end = last_true(t, r, IN_WORTH, done, reach, ticks, 0)
        uncut_end = last_true(t, r, UNCUT, done, reach, ticks, 0)
        low = done
        while low < reach:
            corner = next_corner(t, r, low, reach, worth_end, uncut_end)
            whole, rest, penalty = after(t, r, low + 1, ticks)
            if whole >= 0:
                return low + 1, ticks, whole, rest, penalty
            whole, rest, penalty = after(t, r, corner, ticks)
            if whole >= 0:
                return restoring(t, r, low + 1, corner, ticks)
            if whole > best_whole or (whole == best_whole and rest >= best_rest):
                best, best_ticks, best_whole, best_rest, best_penalty = corner, ticks, whole, rest, penalty
            low = corner
        done = reach
    return best, best_ticks, best_whole, best_rest, best_penalty


@kernel
def restoring(t: Tables, r: Round, short: int, enough: int, ticks: int) -> tuple[int, int, int, int, int]:
    """The smallest size between one that does not restore and one that does.

    Invariant: ``enough`` restores at every step. Cost: one outcome a bit of the range.
    """
    while enough - short > 1:
        middle = (short + enough) // 2
        if after(t, r, middle, ticks)[0] >= 0:
            enough = middle
        else:
            short = middle
    whole, rest, penalty = after(t, r, enough, ticks)
    return enough, ticks, whole, rest, penalty


@kernel
def whole_close(t: Tables, r: Round, lots: int) -> tuple[int, int, int, int, int]:
    """All of ``lots``, or all there is to trade, at the price the last lot needs; lots 0: nothing can be traded.

    Invariant: never more lots than can be traded within the bound. Cost: the leg's levels and one outcome.
    """
    levels = r.case[0]["levels"]
    if levels == 0:
        return 0, 0, 0, 0, 0
    level = 0
    while level < levels - 1 and r.level_lots[level] < lots:
        level += 1
    size, ticks = min(lots, r.level_lots[level]), r.level_ticks[level]
    whole, rest, penalty = after(t, r, size, ticks)
    return size, ticks, whole, rest, penalty


@kernel
def leg_before(t: Tables, r: Round, k: int, slot: int, gain: int) -> bool:
    """Whether the leg at place ``k`` comes before another: less profit, then the symbol in order of text, then leg.

    Invariant: a strict order: legs of a pool never tie. Cost: a few comparisons.
    """
    if r.profits[k] != gain:
        return r.profits[k] < gain
    mine, other = t.key[r.slots[k]], t.key[slot]
    if mine >> LEG_BITS != other >> LEG_BITS:
        return r.order[mine >> LEG_BITS] < r.order[other >> LEG_BITS]
    return mine & LEG_MASK < other & LEG_MASK


def empty_round() -> Round:
    """A round with nobody in it and nothing to trade: what the compiler needs to know the types."""
    none, nobody = np.zeros(1, np.int64), np.zeros(0, np.int64)
    facts = (none, none, none, nobody, nobody, none, none, none)
    return Round(
        *facts,
        nobody,
        nobody,
        nobody,
        nobody,
        nobody,
        np.zeros(0, STEP),
        np.zeros(2, CASE),
        nobody,
        nobody,
        nobody,
        nobody,
    )
