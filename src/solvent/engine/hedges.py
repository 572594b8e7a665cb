"""Hedged pools: a coin held and a contract against it, watched by their net and by the ratio of mark and index.

Alone, a coin is watched for a falling index and a short contract for a rising mark, and a pool pays for both although
the two prices move together. Here both are written in two other coordinates: the index i, and for each contract the
ratio r of its own coordinate to i. In these a coin of u units and contracts of q lots in the same underlying count

    g(i) = V(u·i) + Σ (q·r·i − R(|q|·r·i)),

V being what the coin counts as, or a debt owes, and R a requirement. The proof: each contract's share falls one way
only as its ratio moves, so that the ratios' edges are corners as before. With the ratios at their edges g is concave
where V is and every R is convex (rates that never rise for V, that never fall for R, no steps). A concave function
is nowhere between two ends below the lesser of its values there: between an edge below the index and the highest index
that may be given, or between zero and an edge above it, whichever leaves more. So a hedge has one edge for each of its
entries, as any pool has, and what it pays for is its net exposure to the index, and the whole of its exposure to the
ratio, which moves little. Whatever is rounded is less than :data:`ROOM` an entry.

Only contracts against the coin are part of its hedge. Where the net proves less than the entries apart, or a schedule
has steps, a pool is armed as any other. A ratio has ladders of its own, after those of all things.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.bands import (
    HALF_ULPS,
    HIGHEST,
    LEAST_MOVES,
    SHARED,
    TRIES,
    arm,
    asset_share,
    contract_share,
    corner,
    edge_at,
    side_of,
)
from solvent.engine.jit import kernel
from solvent.engine.ladders import (
    ABOVE,
    BELOW,
    CONCAVE,
    CONVEX,
    HEDGES,
    LIMIT,
    TOUCHES,
    Bands,
    centre,
    ratio_of,
    relay,
    stand_at,
    sweep,
    unlink,
)
from solvent.engine.leaving import ARMED, READY
from solvent.engine.screen import UNKNOWN
from solvent.engine.slots import find
from solvent.engine.tables import ASSET, FREE, LINEAR, NONE, TOP_THINGS, Tables
from solvent.engine.value import MAINTAIN

ROOM = 4.0  # units an entry: more than whole units rounded down, and leverage margins rounded up, are off by
MEAN_OF = 1.0 / 64.0  # weight of an epoch's move in the usual move
LEAST_MOVE, MOST_MOVE = 1e-6, 1e-2


@kernel
def against(t: Tables, pool: int, slot: int) -> int:
    """The slot of the coin that a contract's entry is a hedge of, NONE where there is none.

    Invariant: the two have opposite signs and one underlying. Cost: a look through the pool's entries.
    """
    if t.key[slot] == FREE or t.lots[slot] == 0:
        return NONE
    row = t.things[t.key[slot] >> 2]
    numeraire = t.rules[t.pools[pool]["rules"]]["numeraire"]
    if row["kind"] != LINEAR or row["settle"] != numeraire or row["underlying"] < 0:
        return NONE
    coin = find(t, pool, row["underlying"] * 4)
    if coin < 0 or t.lots[coin] == 0 or (t.lots[coin] > 0) == (t.lots[slot] > 0):
        return NONE
    return coin


@kernel
def hedged(t: Tables, pool: int) -> bool:
    """Whether a pool holds or owes a coin and has a contract against it.

    Invariant: nothing is changed. Cost: one pass over the entries of a pool without coins; quadratic in entries else.
    """
    first, coins = t.pools[pool]["first"], False
    for e in range(first, first + t.pools[pool]["used"]):
        coins = coins or (t.key[e] != FREE and t.things[t.key[e] >> 2]["kind"] == ASSET and t.lots[e] != 0)
    if coins:
        for e in range(first, first + t.pools[pool]["used"]):
            if against(t, pool, e) != NONE:
                return True
    return False


@kernel
def bends(t: Tables, b: Bands, rules: int, place: int, way: int) -> bool:
    """Whether a schedule at MAINTAIN is CONVEX or CONCAVE; one without pieces is both.

    Invariant: where True, no step and no change of rate is against it. Cost: a few reads.
    """
    first, count = t.span[rules, MAINTAIN, place, 0], t.span[rules, MAINTAIN, place, 1]
    return count == 0 or b.bend[first] & way != 0


@kernel
def group_at(t: Tables, b: Bands, pool: int, slot: int, moves: float, index: float) -> tuple[float, float]:
    """g at an index: what a coin and its hedge count together with ratios at their edges; and its magnitude.

    Invariant: for ratios inside their edges they count no less at that index, but for rounding. Cost: a look through
    the entries and a share for each entry of the hedge.
    """
    rules, first = t.pools[pool]["rules"], t.pools[pool]["first"]
    total, magnitude, _weight = asset_share(t, b, rules, slot, t.key[slot] >> 2, index)
    total -= ROOM
    for e in range(first, first + t.pools[pool]["used"]):
        if against(t, pool, e) == slot:
            thing = t.key[e] >> 2
            price = edge_at(b, ratio_of(b, thing), side_of(t, e), moves) * index
            share, size, _weight = contract_share(t, b, rules, e, thing, price)
            total += share - ROOM
            magnitude += size
    return total, magnitude


@kernel
def apart_at(t: Tables, b: Bands, pool: int, slot: int, moves: float) -> tuple[float, float]:
    """What a coin and its hedge count each at its own edge, and the magnitude; UNKNOWN where g may not be concave.

    Invariant: their part of :func:`corner`; (0, 0) for a coin without a hedge. Cost: a look through the entries and a
    share for each entry of the hedge.
    """
    rules, coin, first = t.pools[pool]["rules"], t.key[slot] >> 2, t.pools[pool]["first"]
    total, magnitude, _weight = asset_share(t, b, rules, slot, coin, edge_at(b, coin, side_of(t, slot), moves))
    found = False
    for e in range(first, first + t.pools[pool]["used"]):
        if against(t, pool, e) == slot:
            thing = t.key[e] >> 2
            share, size, _weight = contract_share(t, b, rules, e, thing, edge_at(b, thing, side_of(t, e), moves))
            total += share
            magnitude += size
            found = True
            if b.at[ratio_of(b, thing)] <= 0.0 or not bends(t, b, rules, 2 * thing, CONVEX):
                magnitude = UNKNOWN
    if not found:
        return 0.0, 0.0
    if not bends(t, b, rules, 2 * coin, CONCAVE):
        magnitude = UNKNOWN
    return total, magnitude


@kernel
def net_of(t: Tables, b: Bands, pool: int, slot: int, moves: float) -> tuple[int, float, float]:
    """On which side of its index a hedged coin's edge lies, what the hedge counts at least inside it, the magnitude.

    The side is the one that leaves more: an edge below and the highest index there may be, or none and an edge above.

    Invariant: g is concave, so that it is nowhere between two ends below the lesser. Cost: :func:`group_at` four times.
    """
    coin = t.key[slot] >> 2
    low, first_size = group_at(t, b, pool, slot, moves, edge_at(b, coin, BELOW, moves))
    top, second_size = group_at(t, b, pool, slot, moves, float(t.things[coin]["max_ticks"]))
    below, size = min(low, top), first_size + second_size
    none, first_size = group_at(t, b, pool, slot, moves, 0.0)
    high, second_size = group_at(t, b, pool, slot, moves, edge_at(b, coin, ABOVE, moves))
    above = min(none, high)
    size += first_size + second_size
    if below >= above:
        return BELOW, below, size
    return ABOVE, above, size


@kernel
def net_corner(t: Tables, b: Bands, pool: int, moves: float) -> tuple[float, float]:
    """What a pool's surplus(MAINTAIN) is proved to exceed with hedges by their net, and the bound on its rounding.

    Invariant: inside the edges of :func:`set_net` the exact surplus is above the first number less the second. Cost:
    that of :func:`corner` and of :func:`net_of` for each coin.
    """
    total, bound, _lost = corner(t, b, pool, moves)
    if bound >= UNKNOWN:
        return 0.0, UNKNOWN
    first, used = t.pools[pool]["first"], t.pools[pool]["used"]
    magnitude = 0.0
    for e in range(first, first + used):
        if t.key[e] != FREE and t.lots[e] != 0 and t.things[t.key[e] >> 2]["kind"] == ASSET:
            apart, size = apart_at(t, b, pool, e, moves)
            if size >= UNKNOWN:
                return 0.0, UNKNOWN
            if size > 0.0:
                magnitude += size
                _side, together, size = net_of(t, b, pool, e, moves)
                magnitude += size
                total += together - apart
    return total, bound + 4.0 * (used + 8.0) * HALF_ULPS * (magnitude + abs(total)) + 1.0


@kernel
def arm_net(t: Tables, b: Bands, pool: int) -> int:
    """Arm a hedged pool by its net: ARMED, or READY where that proves no band worth its ladder.

    Invariant: no edge is set that the corner does not prove. Cost: a few corners.
    """
    surplus, bound = net_corner(t, b, pool, 0.0)
    if bound >= UNKNOWN or surplus <= bound:
        return READY
    least, bound = net_corner(t, b, pool, LEAST_MOVES)
    if bound >= UNKNOWN or least <= bound:
        return READY
    lost = (surplus - least) / LEAST_MOVES
    moves = HIGHEST if lost <= 0.0 else SHARED * surplus / lost
    for _ in range(TRIES):
        if moves < LEAST_MOVES:
            return READY
        left, bound = net_corner(t, b, pool, moves)
        if bound >= UNKNOWN:
            return READY
        if left > bound:
            set_net(t, b, pool, moves)
            t.pools[pool]["watch"] = ARMED
            return ARMED
        moves *= SHARED * surplus / (surplus - left)
    return READY


@kernel
def set_net(t: Tables, b: Bands, pool: int, moves: float) -> None:
    """Put an edge for each entry that moves the pool into its ladder: of hedges by index and ratio, else by price.

    Invariant: the edges are those of :func:`net_corner` at the same ``moves``. Cost: a side for each coin, a logarithm
    and a place in a ladder an entry.
    """
    first = t.pools[pool]["first"]
    for e in range(first, first + t.pools[pool]["used"]):
        if t.key[e] == FREE or t.lots[e] == 0:
            unlink(b, e)
            continue
        thing, side = t.key[e] >> 2, side_of(t, e)
        if t.things[thing]["kind"] != ASSET:
            if against(t, pool, e) != NONE:
                thing = ratio_of(b, thing)
        elif apart_at(t, b, pool, e, moves)[1] > 0.0:
            side, _together, _size = net_of(t, b, pool, e, moves)
        stand_at(b, e, pool, thing, side, edge_at(b, thing, side, moves))


@kernel
def arm_best(t: Tables, b: Bands, pool: int) -> int:
    """Arm a pool: by its net where it is hedged and that serves, else by each entry alone; see :func:`arm`.

    Invariant: no edge is set that a corner does not prove. Cost: that of :func:`arm`; of a hedged pool a few corners.
    """
    if hedged(t, pool):
        if b.counts[HEDGES] == 0:  # from here on every epoch keeps ratios
            b.counts[HEDGES] = 1
            ratios_noticed(t, b, False)
        if arm_net(t, b, pool) == ARMED:
            return ARMED
    return arm(t, b, pool)


@kernel
def ratios_noticed(t: Tables, b: Bands, armed: bool) -> bool:
    """Bring ratios to the present coordinates and touch whom they reach; False where bands no longer serve.

    Invariant: where True, every armed pool whose edge on a ratio is reached is touched. Cost: a division a contract
    whose coin is listed, and what :func:`sweep` says for ratios that moved.
    """
    serve = True
    for thing in range(t.top[TOP_THINGS]):
        row = t.things[thing]
        if row["kind"] != LINEAR or row["underlying"] < 0:
            continue
        at, index, price = ratio_of(b, thing), b.at[row["underlying"]], 0.0
        if index > 0.0 and b.at[thing] > 0.0:
            price = b.at[thing] / index
        before = b.at[at]
        if price == before:
            continue
        b.at[at] = price
        if before <= 0.0 or price <= 0.0:
            serve = serve and before <= 0.0
            if price > 0.0:
                centre(b, at, price)
            continue
        move = min(abs(price - before) / before, MOST_MOVE)
        b.usual[at] = max(LEAST_MOVE, b.usual[at] + (move - b.usual[at]) * MEAN_OF)
        if serve and armed:
            sweep(t, b, at, BELOW if price < before else ABOVE, price)
            serve = b.counts[TOUCHES] <= b.counts[LIMIT]
        if price < b.lowest[at] or price > b.highest[at]:
            relay(b, at, price)
    return serve
