"""A coin and a contract against it are watched by their net: as soundly as apart, and touched far more seldom."""

import random

import numpy as np
import pytest

from solvent.engine.bands import arm, bend_of
from solvent.engine.hedges import arm_best, arm_net, hedged, net_corner
from solvent.engine.ladders import ABOVE, BELOW, CONCAVE, CONVEX, HEDGES
from solvent.engine.leaving import ARMED, FRONTIER, READY
from solvent.engine.records import PoolState, Verb
from solvent.engine.value import MAINTAIN, surplus
from tests.engine.hedged_world import HedgedPair
from tests.engine.watching_world import check_watching, inside, ladder_of, linear_entries, nobody_is_missed
from tests.engine.world import BTC_ID, FUTURE, MARK, PERP, SPOT, USDT_ID, World

COIN = 10**8  # a bitcoin, which is 1,000 lots


def histories(seed, steps):
    pair = HedgedPair(seed)
    by_ratio = 0
    for _ in range(steps):
        pair.grow(25)
        by_ratio += pair.by_ratio()
    assert pair.banded.state_hash() == pair.plain.state_hash()
    return pair, by_ratio


@pytest.mark.parametrize("seed", range(4))
def test_nobody_is_missed_and_every_event_is_the_scans(seed):
    pair, by_ratio = histories(seed, 5)
    assert pair.scanned > 50
    assert by_ratio > 20
    assert pair.banded.watched.touched > 3


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1_000, 1_060))
def test_nobody_is_missed_in_many_histories(seed):
    histories(seed, 12)


@pytest.mark.parametrize("seed", range(4))
def test_inside_its_edges_a_hedged_pool_is_sound_whatever_the_prices(seed):
    pair, rng, checks = HedgedPair(200 + seed), random.Random(seed), 0
    for _ in range(4):
        pair.grow(20)
        t, b = pair.t, pair.bands
        saved = t.things.copy()
        for pool in np.flatnonzero(t.pools["watch"][: int(t.active[FRONTIER])] == ARMED).tolist():
            by_ratio = [e for e in linear_entries(t, pool) if ladder_of(t, b, e)[0] >= b.most.size]
            for _ in range(30 if by_ratio else 0):
                if inside(pair, pool, rng):
                    whole, millionths = surplus(t, pool, MAINTAIN)
                    assert int(whole) * 10**6 + int(millionths) > 0, (pool, whole)
                    checks += 1
                t.things[:] = saved
    assert checks > 200, checks


def hedge(lots=-1_000, cash=15_000, coins=1_000):
    """Pool 2 has bought coins on credit (or sold borrowed ones) and holds a contract against them; armed."""
    world = World(bands=True).start(pools=2, cash=cash, lend=10**13)
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**12)
    world.fine(Verb.DEPOSIT, pool=3, thing=BTC_ID, amount=10**9)
    world.fill(2, 3, coins, thing=SPOT)
    world.fill(2, 3, lots)
    calm(world)
    assert watch(world) == ARMED
    return world


def calm(world):
    """Epochs in which mark and index move together by a little: what is usual of the coin, and of its ratios. Then
    pool 2 is armed anew.
    """
    for k in range(100):
        if k == 80:
            world.fine(Verb.DEPOSIT, pool=2, thing=BTC_ID, amount=1)
        world.price(MARK + (1_800 if k % 2 else 0))
    world.price()


def watch(world, pool=2):
    return int(world.engine.tables.pools[pool]["watch"])


def bands_of(world):
    return world.engine._desk.watch.bands


def edges(world, pool=2):
    """Edge of each entry of a pool, by the ladder it stands in."""
    t, b = world.engine.tables, bands_of(world)
    return {ladder_of(t, b, e): float(b.node[e]["edge"]) for e in linear_entries(t, pool)}


def stays(world, marks):
    """Whether a pool's edges stay where they are along marks of everything on the coin."""
    before = edges(world)
    for mark in marks:
        world.price(mark)
        check_watching(world.engine)
        nobody_is_missed(world.engine)
    return edges(world) == before


FALLING = [MARK * (1_000 - k) // 1_000 for k in range(0, 200, 5)]
RISING = [MARK * (1_000 + k) // 1_000 for k in range(0, 200, 5)]


@pytest.mark.parametrize("marks", [FALLING, RISING])
def test_what_moves_together_leaves_a_hedge_alone(marks):
    world = hedge()
    t, b = world.engine.tables, bands_of(world)
    assert (bool(hedged(t, 2)), int(b.counts[HEDGES])) == (True, 1)
    assert set(edges(world)) == {(BTC_ID, ABOVE), (b.most.size + PERP, ABOVE)}
    assert stays(world, marks), "a fifth of the coin's price, and the net loses nearly nothing by it"


def test_what_moves_apart_touches_it():
    world = hedge()
    before = edges(world)
    for mark in range(MARK, MARK * 108 // 100, MARK // 100):
        world.price(MARK, PERP=mark)
        check_watching(world.engine)
        nobody_is_missed(world.engine)
    assert edges(world) != before


def test_alone_its_edge_on_the_index_is_nearer_than_what_the_net_did_not_notice():
    world = hedge()
    net = edges(world)
    assert int(arm(world.engine.tables, bands_of(world), 2)) == ARMED
    alone = edges(world)
    assert set(alone) == {(BTC_ID, BELOW), (PERP, ABOVE)}
    assert alone[BTC_ID, BELOW] > FALLING[-1]
    assert net[BTC_ID, ABOVE] > RISING[-1]


@pytest.mark.parametrize("ticks", range(-2, 3))
@pytest.mark.parametrize(("lots", "step"), [(-1_000, 1), (-1_100, 1), (-500, -1)])
def test_the_first_joint_mark_of_a_breach_is_seen(lots, step, ticks):
    world = hedge(lots)
    t, low, high = world.engine.tables, MARK, MARK * 8 if step > 0 else MARK // 50
    while abs(high - low) > 1:
        mid = (low + high) // 2
        t.things["mark"][[BTC_ID, PERP]] = mid
        low, high = (low, mid) if world.engine.surplus(2) < 0 else (mid, high)
    t.things["mark"][[BTC_ID, PERP]] = MARK
    assert high not in (MARK * 8, MARK // 50)
    for mark in (MARK + (high - MARK) // 2, high - 5 * step, high + ticks * step):
        world.price(mark)
    assert world.engine.state(2) is (PoolState.LIQUIDATING if ticks >= 0 else PoolState.HEALTHY)


@pytest.mark.parametrize("ticks", range(-2, 3))
def test_the_first_basis_of_a_breach_is_seen(ticks):
    world = hedge()
    t, low, high = world.engine.tables, MARK, MARK * 2
    while high - low > 1:
        mid = (low + high) // 2
        t.things["mark"][PERP] = mid
        low, high = (low, mid) if world.engine.surplus(2) < 0 else (mid, high)
    t.things["mark"][PERP] = MARK
    for mark in (MARK + (high - MARK) // 2, high - 5, high + ticks):
        world.price(MARK, PERP=mark)
    assert world.engine.state(2) is (PoolState.LIQUIDATING if ticks >= 0 else PoolState.HEALTHY)


@pytest.mark.parametrize(("lots", "side"), [(-300, BELOW), (-1_000, ABOVE), (-1_300, ABOVE)])
def test_a_net_long_hedge_is_watched_from_below_and_a_net_short_one_from_above(lots, side):
    world = hedge(lots, cash=40_000)
    assert set(edges(world)) == {(BTC_ID, side), (bands_of(world).most.size + PERP, ABOVE)}


def test_a_borrowed_coin_and_a_long_contract_are_a_hedge_too():
    world = hedge(lots=1_000, coins=-1_000, cash=30_000)
    assert (BTC_ID, ABOVE) in edges(world) or (BTC_ID, BELOW) in edges(world)
    assert (bands_of(world).most.size + PERP, BELOW) in edges(world)
    assert stays(world, RISING[:20])


def test_two_contracts_against_one_coin_each_have_their_ratio():
    world = hedge(lots=-500)
    world.fill(2, 3, -500, thing=FUTURE)
    calm(world)
    size = bands_of(world).most.size
    before = edges(world)
    assert {thing for thing, _ in before} == {BTC_ID, size + PERP, size + FUTURE}
    world.price(FUTURE=MARK * 114 // 100)
    assert edges(world) != before


def test_a_contract_on_the_coins_own_side_is_none():
    world = World(bands=True).start(pools=2, cash=50_000)
    world.fine(Verb.DEPOSIT, pool=2, thing=BTC_ID, amount=COIN)
    world.fill(2, 3, 100)
    for _ in range(12):
        world.price()
    assert not hedged(world.engine.tables, 2)
    assert watch(world) == ARMED
    assert set(edges(world)) == {(BTC_ID, BELOW), (PERP, BELOW)}


@pytest.mark.parametrize("bend", [0, CONVEX, CONCAVE])
def test_a_schedule_that_bends_the_wrong_way_is_not_watched_by_its_net(bend):
    world = hedge()
    t, b = world.engine.tables, bands_of(world)
    assert int(arm_net(t, b, 2)) == ARMED
    b.bend[:] = bend
    assert int(arm_net(t, b, 2)) == READY
    assert int(arm_best(t, b, 2)) == ARMED
    assert set(edges(world)) == {(BTC_ID, BELOW), (PERP, ABOVE)}


def test_which_schedules_bend_which_way():
    assert bend_of([[0, 10_000, 0, 0]]) == CONVEX | CONCAVE
    assert bend_of([[0, 10_000, 0, 0], [1_000, 20_000, 10, 0], [2_000, 30_000, 30, 0]]) == CONVEX
    assert bend_of([[0, 900_000, 0, 0], [1_000, 500_000, -400, 0], [9_000, 0, -4_900, 0]]) == CONCAVE
    assert bend_of([[0, 10_000, 0, 0], [1_000, 20_000, 10, 0], [2_000, 10_000, -10, 0]]) == 0, "up and down again"
    assert bend_of([[0, 10_000, 0, 0], [1_000, 20_000, 9, 999_999]]) == 0, "a step of a millionth"


def test_the_net_is_never_proved_beyond_the_surplus():
    world = hedge()
    t, b = world.engine.tables, bands_of(world)
    whole, _ = surplus(t, 2, MAINTAIN)
    found, bound = net_corner(t, b, 2, 0.0)
    assert whole * 9 // 10 < found - bound < whole, "funding and interest to come are in it"
    lower = [float(net_corner(t, b, 2, moves)[0]) for moves in (0.0, 8.0, 50.0, 400.0)]
    assert lower == sorted(lower, reverse=True)
