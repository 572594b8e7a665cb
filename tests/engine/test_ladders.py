"""Ladders against a list of edges: a price meets exactly the edges it has reached, and none twice."""

import math
import random

import numpy as np
import pytest

from solvent.engine.ladders import (
    ABOVE,
    BELOW,
    EDGES_A_BUCKET,
    FAR,
    FEWEST_BUCKETS,
    LIMIT,
    TOUCHES,
    bucket_of,
    centre,
    empty_bands,
    forget_near,
    kept,
    lay_out,
    price_of,
    relay,
    stand_at,
    sweep,
    unlink,
)
from solvent.engine.leaving import ARMED, FRESH, FRONTIER, OFF, come_back, leave
from solvent.engine.tables import TOP_ENTRIES, TOP_THINGS, Limits, empty

THINGS, POOLS = 2, 200
LIMITS = Limits(pools=POOLS, entries=4 * POOLS, orders=1, things=THINGS, rules=1, pieces=1, sources=1)


def ladders(price=1_000.0):
    """Pools of one block of four slots each, all of thing 1, nothing armed; its ladders around a price."""
    t = empty(LIMITS)
    t.top[TOP_THINGS], t.top[TOP_ENTRIES] = THINGS, LIMITS.entries
    t.pools["first"], t.pools["used"], t.pools["room"] = 4 * np.arange(POOLS), 4, 4
    t.key[:] = 4
    t.active[FRONTIER] = POOLS
    b = empty_bands(LIMITS, 100)
    lay_out(t, b)
    centre(b, 1, price)
    b.counts[LIMIT] = POOLS
    return t, b


def met(t, b, side, price):
    """Pools touched by a price, in no order."""
    b.counts[TOUCHES] = 0
    sweep(t, b, 1, side, price)
    return sorted(b.touched[: int(b.counts[TOUCHES])].tolist())


def put(t, b, pool, side, edge, slot=0):
    stand_at(b, 4 * pool + slot, pool, 1, side, edge)
    t.pools[pool]["watch"] = ARMED


@pytest.mark.parametrize("side", [BELOW, ABOVE])
@pytest.mark.parametrize("seed", range(10))
def test_a_price_meets_what_it_has_reached(side, seed):
    rng, price = random.Random(seed), 1_000.0
    t, b = ladders(price)
    edges, sign = {}, 1 if side == ABOVE else -1
    for step in range(400):
        if rng.random() < 0.5:
            pool = rng.randrange(POOLS)
            away = math.exp(sign * rng.choice([1e-9, 0.001, 0.05, 0.5, 2.0]) * rng.random())
            edge = float(kept(price * away))
            if edge == price:
                continue
            edges[pool] = edge
            put(t, b, pool, side, edge)
        else:
            target = rng.choice(list(edges.values())) if edges and rng.random() < 0.6 else price
            price = target * rng.choice([1.0, 1.0, 1 - 1e-12, 1 + 1e-12, 0.999, 1.001, 0.9, 1.1])
            expected = sorted(pool for pool, edge in edges.items() if (price - edge) * sign >= 0)
            assert met(t, b, side, price) == expected, step
            for pool in expected:  # touched pools are judged: they have left
                del edges[pool]
                t.pools[pool]["watch"] = FRESH
            if not 600 < price < 1_600:
                relay(b, 1, price)


def test_what_was_met_is_not_met_again_and_the_nearest_edge_is_known():
    t, b = ladders()
    for pool, edge in ((1, 990.0), (2, 980.0), (3, 900.0)):
        put(t, b, pool, BELOW, edge)
    assert float(b.near[2]) == 990.0
    assert met(t, b, BELOW, 990.5) == []
    assert float(b.near[2]) == 990.0, "a price inside costs two comparisons and changes nothing"
    assert met(t, b, BELOW, 985.0) == [1]
    assert 980.0 <= float(b.near[2]) < 985.0
    assert met(t, b, BELOW, 985.0) == []
    assert met(t, b, BELOW, 980.0) == [2], "an edge itself is reached"


def test_what_is_void_is_met_without_effect():
    t, b = ladders()
    for pool in range(1, 6):
        put(t, b, pool, BELOW, 990.0, slot=3)
    t.pools[1]["watch"] = FRESH  # changed since
    t.pools[2]["used"] = 3  # the slot is no longer its
    t.pools[3]["first"] = 0  # its block has moved
    t.active[FRONTIER] = 5  # pool 5 is the scan's
    assert met(t, b, BELOW, 980.0) == [4]


def test_a_pool_is_touched_once():
    t, b = ladders()
    for slot in range(4):
        put(t, b, 7, BELOW, 990.0 + slot, slot)
    assert met(t, b, BELOW, 900.0) == [7]


def test_a_sweep_stops_where_too_many_are_touched():
    t, b = ladders()
    for pool in range(1, 100):
        put(t, b, pool, BELOW, 1_000.0 - 5 * pool)
    b.counts[LIMIT] = 10
    assert 10 < len(met(t, b, BELOW, 100.0)) <= 10 + EDGES_A_BUCKET, "a bucket is swept whole"


def test_buckets_share_a_ladder_and_ends_take_the_rest():
    t, b = ladders()
    for side in (BELOW, ABOVE):
        first, stop = int(b.first[2 + side]), int(b.first[3 + side])
        assert stop - first >= FEWEST_BUCKETS
        assert [int(bucket_of(b, 1, side, p)) for p in (-1.0, 0.0, 1e-9, 1e9)] == [first, first, first, stop - 1]
        for bucket in range(first + 1, stop - 1):
            start = float(price_of(b, 1, side, bucket))
            assert int(bucket_of(b, 1, side, start * (1 + 1e-9))) == bucket
            assert int(bucket_of(b, 1, side, start * (1 - 1e-9))) == bucket - 1
    shared = min(
        t.key.size // EDGES_A_BUCKET, (b.head.size - 1 - 4 * FEWEST_BUCKETS * THINGS) // 2
    )  # ratios have the rest
    assert int(b.first[3]) - int(b.first[2]) == FEWEST_BUCKETS + shared


def test_laying_out_anew_keeps_every_edge():
    t, b = ladders()
    for pool in range(1, 100):
        put(t, b, pool, BELOW, 1_000.0 - 9 * pool)
        put(t, b, pool, ABOVE, 1_000.0 + 40 * pool, slot=1)
    relay(b, 1, 400.0)
    assert met(t, b, BELOW, 500.0) == [pool for pool in range(1, 100) if 1_000 - 9 * pool >= 500]
    t.pools["watch"] = ARMED
    assert met(t, b, ABOVE, 2_000.0) == [pool for pool in range(1, 100) if 1_000 + 40 * pool <= 2_000]


def test_links_come_out_from_anywhere():
    t, b = ladders()
    for pool in (1, 2, 3, 4):
        put(t, b, pool, BELOW, 990.0)
    for pool in (2, 4, 1):  # the middle, the head, the tail
        unlink(b, 4 * pool)
        unlink(b, 4 * pool)
    assert met(t, b, BELOW, 900.0) == [3]
    forget_near(b)
    assert (float(b.near[2]), float(b.near[3])) == (-FAR, FAR)


def test_who_leaves_is_listed_once_and_only_below_the_frontier():
    t, _ = ladders()
    t.active[FRONTIER] = 10
    t.pools["watch"][:20] = ARMED
    for pool in (5, 5, 12, 5):
        leave(t, pool)
    assert t.active[:3].tolist() == [1, 10, 5]
    t.pools["watch"][6] = OFF
    leave(t, 6)
    assert t.active[:3].tolist() == [1, 10, 5], "who is not watched does not leave"
    come_back(t, 6)
    come_back(t, 15)
    assert t.active[:4].tolist() == [2, 10, 5, 6]
