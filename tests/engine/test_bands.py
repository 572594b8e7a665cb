"""Bands change the cost of watching and never what is seen: against the scan, against brute force, against the twin."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from solvent.engine.arming import WAIT
from solvent.engine.bands import tails_of
from solvent.engine.commands import list_instrument, prices
from solvent.engine.engine import Engine
from solvent.engine.ladders import FAR
from solvent.engine.leaving import ARMED, COUNT, FRONTIER, UNFIT
from solvent.engine.records import CCP_POOL, FIRST_USER_POOL, House, PoolState, Setting, Verb
from solvent.engine.value import MAINTAIN, surplus
from tests.engine.watching_world import Pair, inside, linear_entries, nobody_is_missed
from tests.engine.world import ALTCOIN, BTC_ID, MARK, PERP, USDT_ID, World
from tests.equality import comparing
from tests.equality.history import History

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", range(12))
def test_every_event_is_the_scans_and_nobody_is_missed(seed):
    pair = Pair(seed, more=30, inverse=seed % 3 == 0)
    for _ in range(10):
        pair.grow(40)
        nobody_is_missed(pair.banded)
    assert pair.banded.state_hash() == pair.plain.state_hash()
    told = pair.banded.watched
    assert told.armed > 30, told
    assert told.touched >= 3, told


@pytest.mark.parametrize("seed", range(6))
def test_every_event_of_a_history_is_the_twins(seed):
    history = History(seed).grow(150)
    engine = comparing.run(history, seed=seed, bands=True)
    assert comparing.compare_states(history, engine) > 100


def test_threads_and_screen_change_nothing():
    hashes = set()
    for options in ({}, {"threads": 2}, {"screen": False}):
        hashes.add(Pair(3, more=10, **options).grow(120).banded.state_hash())
    assert len(hashes) == 1


@pytest.mark.parametrize("seed", range(8))
def test_inside_its_edges_a_pool_is_sound_whatever_the_prices(seed):
    pair, rng, checks = Pair(100 + seed, more=30, inverse=False), random.Random(seed), 0
    for _ in range(6):
        pair.grow(25)
        t = pair.t
        saved = t.things.copy()
        armed = np.flatnonzero(t.pools["watch"][: int(t.active[FRONTIER])] == ARMED).tolist()
        for pool in armed:
            for _ in range(12):
                if inside(pair, pool, rng):
                    whole, millionths = surplus(t, pool, MAINTAIN)
                    assert int(whole) * 10**6 + int(millionths) > 0, (pool, whole)
                    checks += len(linear_entries(t, pool)) > 0
                t.things[:] = saved
    assert checks > 300, checks


def test_steps_up_count_from_below_and_what_falls_is_not_fit():
    million = 10**6
    smooth = [[0, 10_000, 0, 0], [1_000, 20_000, 10, 0]]
    first, last = tails_of(smooth)
    assert last == FAR
    assert first == pytest.approx(990 - 1, abs=1e-6)  # 1,000 − 10 at the joint, less a unit of room
    step = [[0, 10_000, 0, 0], [1_000, 500_000, 0, 0], [3_000, 400_000, 0, 0]]
    assert tails_of(step) == [-FAR] * 3, "it falls at 3,000"
    step = [[0, 10_000, 0, 0], [1_000, 500_000, 0, 0], [1_100, 900_000, 0, 0]]
    assert tails_of(step)[:2] == pytest.approx([110 - 1, 110 - 1], abs=1e-6), "the later step is the lower one"
    assert tails_of([[0, million + 1, 0, 0]]) == [-FAR]


def banded_world(pools=2, cash=10_000, **fields):
    return World(bands=True).start(pools=pools, cash=cash, **fields)


def test_a_pool_is_armed_touched_judged_and_armed_again():
    world = banded_world()
    world.fill(2, 3, 500)
    for _ in range(12):
        world.price()
    t = world.engine.tables
    assert [int(t.pools[p]["watch"]) for p in (2, 3)] == [ARMED, ARMED]
    before = world.engine.watched
    world.price(MARK * 995 // 1000)
    assert world.engine.watched.touched == before.touched, "half a per cent is inside"
    world.price(MARK * 70 // 100)
    assert world.engine.watched.touched == before.touched + 1, "the long one is touched, the short one is not"
    assert int(t.pools[2]["watch"]) == ARMED


@pytest.mark.parametrize("ticks", range(-2, 3))
def test_the_first_mark_of_a_breach_is_seen(ticks):
    world = banded_world()
    world.fill(2, 3, 1_000)
    for _ in range(12):
        world.price()
    low, high = MARK * 80 // 100, MARK
    while high - low > 1:  # the first mark at which the long pool is short
        mid = (low + high) // 2
        world.engine.tables.things["mark"][PERP] = mid
        low, high = (mid, high) if world.engine.surplus(2) < 0 else (low, mid)
    world.engine.tables.things["mark"][PERP] = MARK
    for step in (MARK - (MARK - low) // 2, low + 5, low + ticks):
        world.price(step, BTC_ID=MARK)
    expected = PoolState.LIQUIDATING if ticks <= 0 else PoolState.HEALTHY
    assert world.engine.state(2) is expected


def test_what_changes_a_pool_takes_it_off_its_bands():
    world = banded_world(pools=4, lend=10**12)
    world.fill(2, 3, 500)
    world.fill(4, 5, 500)
    t = world.engine.tables
    changes = {
        "fill": lambda: world.fill(2, 3, 1),
        "withdrawal": lambda: world.fine(Verb.WITHDRAW, pool=2, thing=USDT_ID, amount=1),
        "coins": lambda: world.fine(Verb.DEPOSIT, pool=2, thing=BTC_ID, amount=10**6),
        "leverage": lambda: world.fine(Verb.SET, pool=2, flags=int(Setting.LEVERAGE), thing=PERP, amount=5),
        "conversion": lambda: world.fine(
            Verb.CONVERT, pool=2, other=-1 - House.CONVERSION, thing=BTC_ID, amount=10**5, ticks=MARK
        ),
    }
    for name, change in changes.items():
        for _ in range(12):
            world.price()
        assert int(t.pools[2]["watch"]) == ARMED, name
        change()
        assert int(t.pools[2]["watch"]) > ARMED, name
        assert 2 in t.active[2 : 2 + int(t.active[COUNT])], name
        assert int(t.pools[4]["watch"]) == ARMED, name
    for _ in range(12):
        world.price()
    world.fine(Verb.DEPOSIT, pool=2, thing=USDT_ID, amount=1)
    assert int(t.pools[2]["watch"]) == ARMED, "more cash leaves every proof standing"


def test_a_block_that_moves_takes_its_pool_off_its_bands():
    world = banded_world()
    world.fill(2, 3, 500)
    for _ in range(12):
        world.price()
    t = world.engine.tables
    first = int(t.pools[2]["first"])
    for thing in (4, 6, 3):  # orders make entries; the fifth does not fit the block
        mark = int(t.things["mark"][thing])
        world.fine(Verb.RESERVE, pool=2, thing=thing, lots=1, ticks=mark, ref=thing)
    assert int(t.pools[2]["first"]) != first
    assert int(t.pools[2]["watch"]) > ARMED


def test_pools_with_inverse_contracts_stay_on_the_list():
    world = banded_world(lend=10**12)
    world.fine(Verb.DEPOSIT, pool=2, thing=BTC_ID, amount=10**8)
    world.fill(2, CCP_POOL, 5, MARK, 3)
    for _ in range(30):
        world.price()
    assert int(world.engine.tables.pools[2]["watch"]) == UNFIT
    assert 2 in world.engine.tables.active[2:4]


def crowd(pools=120):
    world = World(bands=True).start(pools=pools, cash=1_000)
    for pool in range(2, 2 + pools):
        world.fill(pool, CCP_POOL, 100 + pool % 40)
    for _ in range(12):
        world.price()
    return world


def test_an_epoch_that_touches_too_many_is_a_scan_and_calm_arms_again():
    world = crowd()
    assert world.engine.watched.listed == 0
    assert world.engine.watched.scans == 0
    events = world.price(MARK * 85 // 100)
    told = world.engine.watched
    assert (told.scans, told.frontier, told.listed) == (1, FIRST_USER_POOL, 0)
    plain = World().start(pools=120, cash=1_000)
    for pool in range(2, 122):
        plain.fill(pool, CCP_POOL, 100 + pool % 40)
    for _ in range(12):
        plain.price()
    assert plain.price(MARK * 85 // 100).tobytes() == events.tobytes()
    assert len(events) > 20
    for _ in range(WAIT):
        world.price(MARK * 85 // 100)
    assert world.engine.watched.frontier == FIRST_USER_POOL
    for _ in range(2):
        world.price(MARK * 85 // 100)
    assert world.engine.watched.frontier == world.engine.pool_count


def test_funding_moves_the_coordinate_and_too_much_of_it_ends_the_bands():
    world = crowd(20)
    before = world.engine.watched
    world.fine(Verb.FUNDING, thing=PERP, amount=10_000)
    t, b = world.engine.tables, world.engine._desk.watch.bands
    assert float(b.at[PERP]) == float(MARK * 100 - int(t.things["carry"][PERP]))
    assert world.engine.watched.frontier == before.frontier
    world.fine(Verb.FUNDING, thing=PERP, amount=10**9 // 50)
    assert world.engine.watched.scans == before.scans + 1


def test_a_listing_lays_ladders_out_anew():
    world = crowd(20)
    before = world.engine.watched
    world.send(*more_listing(world))
    world.price()
    world.price()
    assert world.engine.watched.armed >= before.armed + 20
    assert world.engine.watched.frontier == world.engine.pool_count


def more_listing(world):
    return [list_instrument(1, world.next(), replace(ALTCOIN, symbol="NEW-PERP"), max_lots=10**6, max_ticks=10**8)]


def test_a_snapshot_knows_nothing_of_bands(tmp_path):
    pair = Pair(5, more=10).grow(120)
    pair.banded.save(tmp_path / "banded.npz")
    pair.plain.save(tmp_path / "plain.npz")
    pair.plain = Engine.restore(tmp_path / "banded.npz", venues=comparing.VENUES)
    pair.banded = Engine.restore(tmp_path / "plain.npz", venues=comparing.VENUES, bands=True)
    assert not pair.plain.tables.pools["watch"].any()
    pair.grow(80)
    assert pair.banded.state_hash() == pair.plain.state_hash()


SMALL = """
from tests.engine.watching_world import Pair, nobody_is_missed
for seed in (31, 32):
    pair = Pair(seed, more=6).grow(90)
    nobody_is_missed(pair.banded)
    print(pair.banded.state_hash(), pair.banded.watched.touched > 0)
"""


def hashes_with(**switches):
    paths = os.pathsep.join(path for path in (os.environ.get("PYTHONPATH"), str(ROOT)) if path)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SMALL], cwd=ROOT, env={**os.environ, **switches, "PYTHONPATH": paths},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout.split()


def test_the_compiler_off_and_bounds_checked_say_the_same():
    off = hashes_with(NUMBA_DISABLE_JIT="1")
    assert len(off) == 4
    assert hashes_with(NUMBA_BOUNDSCHECK="1") == off
    assert hashes_with() == off


def test_one_price_is_an_epoch_too():
    world = crowd(20)
    mark = MARK
    while world.engine.state(2) is PoolState.HEALTHY:
        mark -= MARK // 200
        world.send(prices(1, world.next(), {PERP: mark}, 0))
        nobody_is_missed(world.engine)
    assert mark > MARK // 2
