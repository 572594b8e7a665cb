"""Safe bands: for every entry a price edge, such that a pool is sound while all prices are inside its edges.

The proof. Surplus(MAINTAIN) is a sum over entries, and each entry's share falls one way only as its own price moves: a
long and an asset held fall with a falling price, a short and a debt with a rising one. So along all prices inside the
edges the surplus is at least its value at the *corner*, where every price stands at the edge of its entry. Edges are
only set where the corner is above zero by more than the error of the floats it is computed in.

What an entry is worth at the corner is a lower bound, and holds for all funding and interest up to ``most``:

- A long of q lots, edge e, with a requirement R(n) on notional n = q·(y + f), where y is the coordinate of the price
  and f ≤ a the funding since ``base``: q·y − R(n) = n − R(n) − q·f. Let φ(n) be the least of m − R(m) over all m ≥ n.
  Where R never falls, φ(n + d) ≤ φ(n) + d, so that the share is at least φ(q·(e + a)) − q·a. The least over later
  pieces, steps included, is kept a piece (``tail``); rates above 1 or a requirement that falls are not fit for bands.
- A short: −q·y − R(n) ≥ −q·e − R(q·(e + a)), because R never falls. Negative f only lowers n.
- An asset held counts V(u·e ÷ divisor), rounded down, V never falling; a debt, grown by the interest up to ``most``,
  counts at its debt rate at the upper edge. Cash is exact, a debt in it grown likewise.
- On entry value the requirement is a constant of the entry. A leverage margin n ÷ L rises slower than n.

Amounts are moved a millionth of a millionth and a unit to the worse side before a piece is looked up, which is more
than a float is off. The corner's own rounding is bounded as the float screen's is. Not fit for bands, and therefore on
the active list as long as they do not change: pools with contracts that settle in another asset than the numeraire
(inverse ones among them), with profit that counts only as loss, or with an asset without a price. What a coin and a
contract against it are worth together is in :mod:`solvent.engine.hedges`.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from itertools import pairwise

import numpy as np

from solvent.engine.jit import kernel
from solvent.engine.ladders import ABOVE, BELOW, CONCAVE, CONVEX, FAR, Bands, kept, stand_at, unlink
from solvent.engine.leaving import ARMED, READY, UNFIT
from solvent.engine.screen import UNKNOWN
from solvent.engine.tables import (
    ASSET,
    FREE,
    LINEAR,
    TOP_PIECES,
    TOP_RULES,
    TOP_THINGS,
    Tables,
)
from solvent.engine.value import MAINTAIN, leverage_of
from solvent.ledger import MILLION, TRILLION

WORSE = 1e-12  # relative; more than the rounding of a sum and a product
HALF_ULPS = 2.0**-52
EXTRA_TERMS = 8.0
SHARED = 0.9  # of the surplus that edges may use up: what is left answers for tiers on the way
TRIES = 4
LOWEST = 0.999  # an edge below is at most this far away, relative
HIGHEST = 1e3
LEAST_MOVES = 8.0  # a band of fewer usual moves is touched so soon that the list is cheaper


def fit_tails(t: Tables, b: Bands) -> None:
    """What bands must know of each piece of a schedule at MAINTAIN: ``tail``, the least over spans that share it, and
    ``bend``.
    """
    used = int(t.top[TOP_PIECES])
    b.tail[:used], b.bend[:used] = FAR, CONVEX | CONCAVE
    spans = t.span[: int(t.top[TOP_RULES]), MAINTAIN, : 2 * int(t.top[TOP_THINGS])].reshape(-1, 2)
    for first, count in np.unique(spans[spans[:, 1] > 0], axis=0).tolist():
        rows = [[int(x) for x in (t.floor[k], t.rate[k], t.part[k], t.rest[k])] for k in range(first, first + count)]
        tails, bend = tails_of(rows), bend_of(rows)
        for k, tail in enumerate(tails, first):
            b.tail[k] = min(b.tail[k], tail)
            b.bend[k] &= bend


def tails_of(rows: list[list[int]]) -> list[float]:
    """Least of amount − requirement on the pieces after each (floor, ppm, part, rest), rounded down a little; FAR after
    the last; −FAR everywhere for a schedule that falls somewhere or has a rate above 1 or below 0.
    """

    def at(row: list[int], amount: int) -> int:
        return amount * row[1] - row[2] * MILLION - row[3]

    joints = list(pairwise(rows))
    if any(not 0 <= row[1] <= MILLION for row in rows) or any(at(a, b[0]) > at(b, b[0]) for a, b in joints):
        return [-FAR] * len(rows)
    tails, least = [FAR], FAR
    for row in reversed(rows[1:]):
        start = (row[0] * MILLION - at(row, row[0])) / MILLION
        least = min(least, start - abs(start) * WORSE - 1.0)
        tails.append(least)
    return tails[::-1]


def bend_of(rows: list[list[int]]) -> int:
    """Whether a schedule of (floor, ppm, part, rest) has no steps and rates that never fall (CONVEX) or never rise
    (CONCAVE): one, both or neither.

    >>> bend_of([[0, 10_000, 0, 0], [1_000, 20_000, 10, 0]]) == CONVEX
    True
    """
    bend = CONVEX | CONCAVE
    for a, b in pairwise(rows):
        if b[0] * (b[1] - a[1]) != (b[2] - a[2]) * MILLION + b[3] - a[3]:
            return 0
        if b[1] != a[1]:
            bend &= CONVEX if b[1] > a[1] else CONCAVE
    return bend


@kernel
def edge_at(b: Bands, thing: int, side: int, moves: float) -> float:
    """The coordinate so many usual moves of a thing away, as it is kept: what is proved is proved at the very edge.

    Invariant: below, it falls as moves grow but stays above zero; above, it rises. Cost: a few operations.
    """
    if side == BELOW:
        return kept(b.at[thing] * (1.0 - min(moves * b.usual[thing], LOWEST)))
    return kept(b.at[thing] * (1.0 + min(moves * b.usual[thing], HIGHEST)))


@kernel
def side_of(t: Tables, slot: int) -> int:
    """On which side of its price an entry's edge lies.

    Invariant: what lowers the pool's surplus comes from this side. Cost: one read.
    """
    return BELOW if t.lots[slot] > 0 else ABOVE


@kernel
def grown(b: Bands, asset: int, debt: float, touched: int) -> float:
    """A debt with all the interest it can owe before ``most``.

    Invariant: never below what will be owed at ``most``, rounding included. Cost: a few operations.
    """
    return debt * (1.0 + (b.most[asset] - touched) / TRILLION) * (1.0 + WORSE) + 1.0


@kernel
def contract_share(t: Tables, b: Bands, rules: int, slot: int, thing: int, price: float) -> tuple[float, float, float]:
    """Of a linear contract in the numeraire at an edge: share of the surplus, magnitude, loss a usual move.

    Invariant: at no price inside the edge, and at no funding up to ``most``, is the share lower, but for rounding of
    its magnitude. Cost: the pieces up to the amount's.
    """
    if b.at[thing] <= 0.0:
        return 0.0, UNKNOWN, 0.0
    lots, side = t.lots[slot], side_of(t, slot)
    size = float(abs(lots))
    fixed = float(lots * (t.carry[slot] - b.base[thing]) - t.cost[slot])
    spare = size * float(b.most[thing] - b.base[thing])
    weight = size * b.at[thing] * b.usual[thing]
    sign = 1.0 if side == BELOW else -1.0
    worse = 1.0 - WORSE if side == BELOW else 1.0 + WORSE
    amount = (size * price + spare) * worse - sign
    basis = amount
    if t.rules[rules]["on_entry"] != 0:
        basis = float(abs(t.cost[slot])) * (1.0 + WORSE) + 1.0
    k = piece_at(t, rules, thing, basis)
    if k < 0 or b.tail[k] <= -FAR:
        return 0.0, UNKNOWN, 0.0
    rate, cut = t.rate[k] / 1e6, t.part[k] + t.rest[k] / 1e6
    need = rate * basis - cut
    magnitude = abs(fixed) + 2.0 * abs(amount) + abs(rate * basis) + abs(cut) + 2.0 * spare + 2.0
    if t.rules[rules]["leverage_at"] >> MAINTAIN & 1 != 0:
        leverage = leverage_of(t, rules, slot, thing)
        if leverage <= 0:
            return 0.0, UNKNOWN, 0.0
        need = max(need, basis / leverage + 1.0)
    share = sign * amount - need
    if side == BELOW and t.rules[rules]["on_entry"] == 0 and b.tail[k] < share:
        share = b.tail[k]
        magnitude += abs(share)
    return share - sign * spare + fixed, magnitude, weight


@kernel
def piece_at(t: Tables, rules: int, thing: int, amount: float) -> int:
    """The piece of an amount in floats at MAINTAIN, −1 where the schedule has none.

    Invariant: the piece the exact kernel would choose for the same amount. Cost: the pieces up to the amount's.
    """
    first, count = t.span[rules, MAINTAIN, 2 * thing, 0], t.span[rules, MAINTAIN, 2 * thing, 1]
    if count == 0:
        return -1
    k = first
    while k < first + count - 1 and amount > t.floor[k + 1]:
        k += 1
    return k


@kernel
def asset_share(t: Tables, b: Bands, rules: int, slot: int, asset: int, price: float) -> tuple[float, float, float]:
    """Of an asset in which nothing of the pool settles, at an edge: share, magnitude, loss a usual move.

    Invariant: at no index inside the edge, and at no interest up to ``most``, is the share lower, but for rounding of
    its magnitude. Cost: the pieces up to the value's.
    """
    units, row = t.lots[slot], t.things[asset]
    if b.at[asset] == 0.0 or row["divisor"] <= 0:
        return 0.0, UNKNOWN, 0.0
    if units < 0:
        rate = t.debt_ppm[rules, asset] / 1e6
        owed = ((grown(b, asset, float(-units), t.carry[slot]) * price / row["divisor"]) * (1.0 + WORSE) + 1.0) * rate
        return -owed, owed, owed * b.usual[asset]
    value = max(0.0, float(units) * price / row["divisor"] * (1.0 - WORSE) - 1.0)
    k = piece_at(t, rules, asset, value)
    if k < 0:
        return 0.0, 0.0, 0.0
    if b.tail[k] <= -FAR:
        return 0.0, UNKNOWN, 0.0
    rate, cut = t.rate[k] / 1e6, t.part[k] + t.rest[k] / 1e6
    plain = float(units) * b.at[asset] / row["divisor"]
    return rate * value - cut, rate * value + abs(cut) + 1.0, rate * plain * b.usual[asset]


@kernel
def corner(t: Tables, b: Bands, pool: int, moves: float) -> tuple[float, float, float]:
    """A pool's surplus(MAINTAIN) with every price ``moves`` usual moves to its worse side, what it is proved to exceed.

    Gives that lower bound in floats, the bound on its rounding (UNKNOWN: the pool is not fit for bands), and the
    surplus lost a usual move of everything. One pass over the pool's entries.

    Invariant: inside the edges the exact surplus is above the first number less the second. Cost: one pass over the
    pool's entries.
    """
    row = t.pools[pool]
    rules, first, used, cash = row["rules"], row["first"], row["used"], row["cash"]
    numeraire = t.rules[rules]["numeraire"]
    if t.rules[rules]["losses_only"] >> MAINTAIN & 1 != 0:
        return 0.0, UNKNOWN, 0.0
    total = float(cash) if cash >= 0 else -grown(b, numeraire, float(-cash), row["accrual"])
    magnitude, lost = abs(total), 0.0
    for e in range(first, first + used):
        if t.key[e] == FREE or t.lots[e] == 0:
            continue
        thing = t.key[e] >> 2
        listed, price = t.things[thing], edge_at(b, thing, side_of(t, e), moves)
        if listed["kind"] == ASSET:
            share, size, weight = asset_share(t, b, rules, e, thing, price)
        elif listed["kind"] == LINEAR and listed["settle"] == numeraire:
            share, size, weight = contract_share(t, b, rules, e, thing, price)
        else:
            return 0.0, UNKNOWN, 0.0
        if size >= UNKNOWN:
            return 0.0, UNKNOWN, 0.0
        total += share
        magnitude += size
        lost += weight
    return total, (used + EXTRA_TERMS) * HALF_ULPS * magnitude + 1.0, lost


@kernel
def arm(t: Tables, b: Bands, pool: int) -> int:
    """Share a pool's surplus out among its entries as edges of equally many usual moves: ARMED, READY or UNFIT.

    READY: too near its line for a band worth its ladder. Only what is proved is set: the corner is computed at the very
    edges that are set, and nearer ones are tried where it fails.

    Invariant: no edge is set that the corner does not prove. Cost: two or three passes over the entries, and a place in
    a ladder for each.
    """
    surplus, bound, lost = corner(t, b, pool, 0.0)
    if bound >= UNKNOWN:
        return UNFIT
    if surplus <= bound:
        return READY
    moves = HIGHEST if lost <= 0.0 else SHARED * surplus / lost
    for _ in range(TRIES):
        if moves < LEAST_MOVES:
            return READY
        left, bound, _lost = corner(t, b, pool, moves)
        if left > bound:
            set_edges(t, b, pool, moves)
            t.pools[pool]["watch"] = ARMED
            return ARMED
        moves *= SHARED * surplus / (surplus - left)
    return READY


@kernel
def set_edges(t: Tables, b: Bands, pool: int, moves: float) -> None:
    """Put an edge for each entry that moves the pool into its ladder, and take out what stood there of others.

    Invariant: afterwards each entry that moves the pool stands in a ladder by its edge, and no free slot between them
    does. Cost: a logarithm and a place in a ladder an entry.
    """
    first = t.pools[pool]["first"]
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE or t.lots[e] == 0:
            unlink(b, e)
            continue
        thing, side = t.key[e] >> 2, side_of(t, e)
        stand_at(b, e, pool, thing, side, edge_at(b, thing, side, moves))
