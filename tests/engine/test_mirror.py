"""The lanes of a full pass: inside their bound on extreme pools, never a verdict of their own, never out of date."""

import platform
import random
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numba
import numpy as np
import pytest

from solvent.bench.world import Shape, step, trades, world
from solvent.book import Purpose
from solvent.engine import lanes as vectors
from solvent.engine.engine import Standing
from solvent.engine.jit import COMPILED, OPTIONS
from solvent.engine.layout import IN_LANES, IN_TABLES, ODD, WINDOW, space
from solvent.engine.mirror import Mirror
from solvent.engine.records import CCP_POOL, FIRST_USER_POOL, PoolState, Verb
from solvent.engine.screen import packed, stand
from solvent.engine.sweep import bound_of, judge_block
from solvent.engine.tables import LINEAR, TOP_PIECES
from solvent.engine.value import assessed, in_breach
from tests.engine import kernel_world, test_on_entry
from tests.engine.kernel_history import history
from tests.engine.kernel_world import BTCUSDT, XRPUSDT, B, C, U
from tests.equality import comparing
from tests.equality.history import History

MAINTAIN = Purpose.MAINTAIN.value
REDUCED = not COMPILED  # a window in plain Python takes a tenth of a second


@pytest.fixture
def everywhere(monkeypatch):
    """Every engine keeps lanes, however few its pools, and lays a window out again as soon as a pool in it changes."""
    monkeypatch.setattr(Mirror, "from_pools", 0)
    monkeypatch.setattr(Mirror, "patience", 1)


def columns(t):
    count = int(t.top[0])
    return Standing(np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count, np.int8))


def place_in(lanes, pool):
    """The block and lane of a pool, which must be in lanes."""
    window = pool // WINDOW * WINDOW
    at = window + int(np.flatnonzero(lanes.place[window : window + WINDOW] == pool % WINDOW)[0])
    return at // 8, at % 8


def bound_in(mirror, t, q, pool):
    """The bound a pass uses for a pool in lanes."""
    block, lane = place_in(mirror.lanes, pool)
    sums, over = np.zeros(vectors.SUMS), np.zeros(250, np.int8)
    judge_block(t, q, mirror.lanes, block, mirror.prices, sums, over)
    relative, units = bound_of(mirror.lanes, block)
    size = 2 * sums[vectors.SIZE + lane] + sums[vectors.REQUIRED + lane]
    used = int(mirror.lanes.columns[block]) + int(mirror.lanes.asset_columns[block])
    return relative * size + units, bool((over[:used] >> lane & 1).any())


def compare(mirror, t):
    """Every pool inside its bound, every verdict the exact kernel's; how many in lanes, raised, and near the line."""
    q, out = packed(t), columns(t)
    mirror.stand(t, q, out)
    in_lanes = raised = near = 0
    for pool in range(int(t.top[0])):
        value, whole, rest, needed, parts = (int(x) for x in assessed(t, pool, MAINTAIN))
        if t.mirrored[pool] == IN_LANES:
            bound, above = bound_in(mirror, t, q, pool)
            in_lanes, raised = in_lanes + 1, raised + above
        else:
            bound = stand(t, q, pool, MAINTAIN)[3]
        surplus = Fraction(whole - needed) + Fraction(rest - parts, 10**6)
        if bound < 1e200:
            found = Fraction(out.margin_equity[pool]) - Fraction(out.required[pool])
            assert abs(found - surplus) <= Fraction(bound), pool
            assert abs(Fraction(out.value[pool]) - value) <= Fraction(bound) + 1, pool
            assert abs(Fraction(out.required[pool]) - needed - Fraction(parts, 10**6)) <= Fraction(bound), pool
        if surplus <= 0:
            assert out.flag[pool] == 1, pool
        near += abs(surplus) <= 2
    users = range(FIRST_USER_POOL, int(t.top[0]))
    expected = [p for p in users if t.pools["state"][p] == int(PoolState.HEALTHY) and in_breach(t, p)]
    assert sorted(mirror.breaches(t, q).tolist()) == expected
    return in_lanes, raised, near


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("patience", [1, 30])
def test_random_histories_never_find_the_lanes_out_of_date(row, patience):
    w = kernel_world.world(row=row)
    mirror = Mirror()
    mirror.patience = patience
    seen = 0
    for number, _ in history(w, 300, seed=11 * row + patience):
        if number % (10 if REDUCED else 4) == 0:
            seen += compare(mirror, w.t)[0]
    assert (seen > 0) == (row != 2), "where only losses count nothing separates"


def extreme(seed):
    """Pools of contracts in the numeraire and two assets, of every size up to the limits, under schedules of any
    shape; half of them within two units of the line.
    """
    w = kernel_world.world(pools=16)
    t, chance = w.t, random.Random(seed)
    things = t.things
    things["carry"][U] = chance.choice([0, 10**10])
    things["carry"][BTCUSDT] = chance.choice([0, 1, -977, 10**6])
    for thing in (BTCUSDT, XRPUSDT):
        things["mark"][thing] = chance.choice([1, 2, int(things["max_ticks"][thing]), chance.randrange(1, 20_000)])
        things["tick_value"][thing] = chance.choice([1, 100, 10**5])
    for asset in (B, C):
        things["mark"][asset] = chance.choice([0, 1, int(things["max_ticks"][asset]), chance.randrange(1, 9_000)])
    for k in range(int(t.top[TOP_PIECES])):
        t.rate[k] = chance.choice([0, 1, 5_000, 333_333, 999_999, 10**6])
        if t.floor[k] > 0:
            t.floor[k] = chance.choice([int(t.floor[k]), int(t.floor[k]) // 10**6 + 1])
            t.part[k], t.rest[k] = chance.randrange(-(10**14), 10**14), chance.randrange(10**6)
        elif chance.random() < 0.1:
            t.part[k], t.rest[k] = chance.randrange(10**6), chance.randrange(10**6)
    at = 0
    for pool in range(2, 16):
        row = t.pools[pool]
        row["first"] = at
        row["cash"] = chance.choice([0, 1, -(10**9) - 7, 2**59 + 12_345, chance.randrange(10**13)])
        for thing in chance.choices([BTCUSDT, XRPUSDT, B, C], k=chance.randrange(9)):
            most = 10**6 if thing in (BTCUSDT, XRPUSDT) else 10**13
            lots = chance.choice([1, most, chance.randrange(1, most), chance.randrange(1, 1000)])
            t.key[at] = thing * 4 + (1 if things["kind"][thing] == LINEAR and lots % 2 else 0)
            t.lots[at] = lots
            if things["kind"][thing] == LINEAR:
                t.lots[at] *= chance.choice([-1, 1])
                t.cost[at] = t.lots[at] * chance.randrange(1, 40_000) + chance.randrange(1000)
                t.carry[at] = chance.choice([0, -5, 44_444])
            at += 1
        row["used"] = at - row["first"]
        if pool % 2:
            _, whole, _, needed, _ = (int(x) for x in assessed(t, pool, MAINTAIN))
            row["cash"] = max(0, int(row["cash"]) + needed - whole + chance.randrange(-2, 3))
    return w


def test_floats_are_inside_their_bound_on_extreme_pools():
    in_lanes = raised = near = 0
    for seed in range(40 if REDUCED else 150):
        found = compare(Mirror(), extreme(seed).t)
        in_lanes, raised, near = in_lanes + found[0], raised + found[1], near + found[2]
    least = (400, 80, 130) if REDUCED else (1_500, 300, 500)
    assert all(np.array((in_lanes, raised, near)) > least), (in_lanes, raised, near)


@pytest.mark.parametrize("seed", [0] if REDUCED else [0, 3, 7, 12])
@pytest.mark.parametrize("patience", [1, 6])
def test_every_event_is_the_twins_with_lanes_for_all(seed, patience, monkeypatch):
    monkeypatch.setattr(Mirror, "from_pools", 0)
    monkeypatch.setattr(Mirror, "patience", patience)
    told = History(seed).grow(120 if REDUCED else 250)
    one = comparing.run(told, seed=seed)
    two = comparing.run(told, seed=seed, threads=2)
    assert one._desk.mirror.lanes.place.size > 0
    monkeypatch.setattr(Mirror, "from_pools", WINDOW)
    plain = comparing.run(told, seed=seed, screen=False)
    assert one.state_hash() == two.state_hash() == plain.state_hash()


def test_a_requirement_on_entry_value_is_one_number_a_pool(everywhere):
    luck, desk = random.Random(5), test_on_entry.Desk()
    desk.do(desk.ask(test_on_entry.prices, {test_on_entry.PERP: test_on_entry.MARK}, 0))
    for pool in (2, 3):
        desk.do(desk.ask(test_on_entry.open_pool, pool=pool, rules=0))
        desk.verb(Verb.DEPOSIT, pool=pool, thing=0, amount=40 * 10**9)
    seen = 0
    for number in range(10 if REDUCED else 30):
        ticks = luck.randint(test_on_entry.MARK * 9 // 10, test_on_entry.MARK * 11 // 10)
        lots = luck.randint(-3_000, 3_000) or 1
        desk.verb(Verb.FILL, pool=2, other=3, thing=test_on_entry.PERP, lots=lots, ticks=ticks)
        desk.do(desk.ask(test_on_entry.prices, {test_on_entry.PERP: ticks}, number + 1))
        seen += compare(desk.engine._desk.mirror, desk.engine.tables)[0]
        assert desk.engine.revalue().required[2:].max() > 0
    assert seen > 3


@pytest.fixture(scope="module")
def large():
    """Three windows of pools, the last one not full."""
    return world(Shape(WINDOW + 500 if REDUCED else 2 * WINDOW + 1_000, instruments=60, entries=5.0, seed=5))


def close(found, plain):
    for ours, theirs in zip(found[:3], plain[:3], strict=True):
        assert np.abs(ours - theirs).max() <= 8, "what is rounded down in whole numbers is not in floats"


def test_windows_threads_and_changes_between(large, monkeypatch):
    monkeypatch.setattr(Mirror, "from_pools", 0)
    engine, t = large.engine, large.engine.tables
    desk = engine._desk
    for round_number in range(4 if REDUCED else 12):
        monkeypatch.setattr(Mirror, "patience", (1, 200, 10**9)[round_number % 3])
        step(engine, trades(large, 400, round_number))
        assert (t.mirrored[FIRST_USER_POOL : engine.pool_count] == IN_TABLES).any()
        q, one, two, plain = packed(t), columns(t), columns(t), columns(t)
        desk.mirror.stand(t, q, one)
        with ThreadPoolExecutor(2) as crew:
            desk.mirror.stand(t, q, two, 2, crew)
            assert desk.mirror.breaches(t, q, 2, crew).tolist() == desk.mirror.breaches(t, q).tolist()
        for ours, theirs in zip(one, two, strict=True):
            assert np.array_equal(ours, theirs)
        for pool in range(engine.pool_count):
            value, equity, required, bound = stand(t, q, pool, MAINTAIN)
            plain.value[pool], plain.margin_equity[pool], plain.required[pool] = value, equity, required
            plain.flag[pool] = 0 if equity - required > bound else 1
        close(one, plain)
        assert np.array_equal(one.flag, plain.flag)
    assert (t.mirrored[:FIRST_USER_POOL] != IN_LANES).all()
    assert t.mirrored[CCP_POOL] == ODD
    assert (t.mirrored[FIRST_USER_POOL : engine.pool_count] == IN_LANES).sum() > 0.8 * engine.pool_count


def test_a_window_that_outgrows_its_room_moves_and_then_everything_does(large):
    t, mirror = large.engine.tables, Mirror()
    mirror.patience = 1
    mirror.refresh(t)
    places, moved = mirror.lanes.first.copy(), 0
    laid_out = []
    for more in range(1, 12):
        for pool in range(FIRST_USER_POOL, WINDOW // 2):  # as if they had traded: one more contract, or one less
            row = t.pools[pool]
            at = int(row["first"]) + int(row["used"])
            if row["used"] < row["room"] and t.key[at] < 0:
                t.key[at], t.lots[at], t.cost[at] = 4 * (large.first_thing + more), 1 + more, more
                row["used"] += 1
                t.mirrored[pool] = IN_TABLES
        laid_out.append(mirror.refresh(t))
        if mirror.lanes.first.size == places.size:
            moved += int(mirror.lanes.first[0] != places[0])
        q, found = packed(t), columns(t)
        mirror.stand(t, q, found)
        for pool in range(0, large.engine.pool_count, 7):
            value, equity, required, _ = stand(t, q, pool, MAINTAIN)
            assert abs(found.value[pool] - value) <= 8
            assert abs(found.margin_equity[pool] - equity) <= 8
            assert found.required[pool] == pytest.approx(required, rel=1e-9, abs=1e-3)
    assert moved, "into spare room"
    assert 1 in laid_out, "one window alone"
    assert max(laid_out) > 1, "and everything, when there was no spare room"


def random_lanes(seed):
    """One window of blocks of every length, rows of prices of every kind, and sizes on both sides of what they hold."""
    chance = np.random.default_rng(seed)
    made = space(1, 4_000, 3_000)
    for at, count in ((made.first, made.columns), (made.first_asset, made.asset_columns)):
        count[:] = chance.integers(0, 6, count.size)
        at[:] = np.cumsum(count) - count
    made.base[:] = chance.normal(0, 1e15, made.base.size)
    made.thing[:], made.asset[:] = chance.integers(0, 300, made.thing.size), chance.integers(0, 65_000, made.asset.size)
    made.lots[:] = chance.integers(-(2**31) + 1, 2**31, made.lots.size) >> chance.integers(0, 31, made.lots.size)
    made.units[:] = chance.integers(0, 2**53, made.units.size)
    prices = chance.normal(0, 1e6, 4 * 65_536)
    prices[vectors.MOST :: 4] = 10.0 ** chance.uniform(0, 18, 65_536)
    prices[: 4 * 300][vectors.MOST :: 4] = chance.choice([-1.0, 100.0, 2.0**31, 1e300], 300)
    return made, prices


def test_vectors_and_the_plain_loop_agree_in_every_bit():
    made, prices = random_lanes(3)
    seen = 0
    for block in range(made.first.size):
        ours, plain = np.zeros((2, vectors.SUMS))
        noted, plainly = np.zeros((2, 20), np.int8)
        found = vectors.add_block(made, block, prices, ours, noted)
        assert found == vectors.add_block_plainly(made, block, prices, plain, plainly)
        assert vectors.verdicts(ours, 1e-15, 7.0) == vectors.verdicts_plainly(plain, 1e-15, 7.0)
        assert np.array_equal(ours.view(np.int64), plain.view(np.int64))
        assert np.array_equal(noted, plainly)
        seen += found != 0
    assert 50 < seen < made.first.size


@pytest.mark.skipif(not COMPILED, reason="the compiler is off: there is no machine code to look at")
def test_the_machine_code_of_a_block_multiplies_vectors():
    given = tuple(numba.typeof(one) for one in (random_lanes(0)[0], 0, np.zeros(1), np.zeros(1), np.zeros(1, np.int8)))
    code = {}
    for function in (vectors.add_block, vectors.add_block_plainly):
        fresh = numba.njit(**OPTIONS)(function.py_func)  # what comes from the cache has no text
        fresh.compile(given)
        code[function] = next(iter(fresh.inspect_asm().values()))
    text = code[vectors.add_block]
    if platform.machine() in ("x86_64", "AMD64"):
        assert text.count("mulpd") >= 3, "value, requirement and cuts"
        assert "mulsd" not in text
        if "+avx512f" in numba.core.codegen.get_host_cpu_features():
            assert text.count("%zmm") > 50
    else:
        assert text.count(".2d") > 10, "vectors of two doubles"
