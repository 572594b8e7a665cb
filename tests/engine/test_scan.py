"""Passes over many pools give what a look at each pool gives."""

import numpy as np
import pytest

from solvent.book import Purpose
from solvent.engine import scan
from solvent.engine.engine import Engine
from solvent.engine.hashing import live_entries
from solvent.engine.tables import ASSET
from solvent.simulation.driver import Line
from solvent.simulation.holdings import cash, legs, lots_of, other_assets
from solvent.simulation.replay import engine_limits, stage_of
from solvent.simulation.run import Run, silent
from solvent.simulation.world import venues


@pytest.fixture(scope="module")
def engine():
    stage = stage_of("may-2021", 150, 7)
    run = Run(stage, Line(Engine(engine_limits(stage), venues=venues("generic"))), silent)
    run.set_up()
    for minute in range(62):
        run.minute(minute)
    return run.line.engine


def zeros(count):
    return np.zeros(count, np.int64)


def test_surpluses_are_those_of_the_pools_one_by_one(engine):
    count = engine.pool_count
    columns = [zeros(count) for _ in range(4)]
    scan.surpluses(engine.tables, 0, count, *columns)
    assert columns[0].tolist() == [engine.surplus(pool, Purpose.MAINTAIN) for pool in range(count)]
    pools = np.arange(count - 1, 0, -7)
    chosen = [zeros(pools.size) for _ in range(4)]
    scan.surpluses_of(engine.tables, pools, *chosen)
    for whole, one in zip(columns, chosen, strict=True):
        assert whole[pools].tolist() == one.tolist()
    assert columns[2].any()


def test_lots_legs_and_balances_are_those_of_the_pools_one_by_one(engine):
    t, count = engine.tables, engine.pool_count
    pools = np.arange(count)
    things = len(engine.names.things)
    entries = live_entries(t)
    lots = zeros(entries.pool.size)
    scan.lots_held(t, entries.pool, entries.key, lots)
    held = t.things["kind"][entries.key >> 2] != ASSET
    expected = [
        lots_of(t, int(pool), int(key) >> 2, int(key) & 3)
        for pool, key in zip(entries.pool[held], entries.key[held], strict=True)
    ]
    assert lots[held].tolist() == expected
    with_legs = zeros(count)
    scan.with_legs(t, pools, with_legs)
    assert with_legs.tolist() == [int(bool(legs(t, pool))) for pool in range(count)]
    units = zeros(count * things)
    scan.balances_of(t, pools, things, units)
    for pool in range(2, count):
        own = {0: cash(t, pool), **dict(other_assets(t, pool))}
        row = units[pool * things : (pool + 1) * things]
        assert {k: n for k, n in enumerate(row.tolist()) if n} == {k: n for k, n in own.items() if n}


def test_sums_are_exact_past_64_bits(engine):
    t, count = engine.tables, engine.pool_count
    size = 2 * t.things.size
    lots, costs, money = zeros(size), zeros(size), zeros(size)
    entries = live_entries(t)
    before, most = int(t.cost[entries.slot[0]]), 2**63 - 1
    try:
        t.cost[entries.slot[0]] = most
        scan.entry_sums(t, 0, count, lots, costs)
    finally:
        t.cost[entries.slot[0]] = before
    scan.cash_sums(t, 0, count, money)
    for thing in range(len(engine.names.things)):
        mine = entries.slot[entries.key >> 2 == thing]
        more = most - before if entries.key[0] >> 2 == thing else 0
        assert scan.joined_halves(lots, thing) == sum(t.lots[mine].tolist())
        assert scan.joined_halves(costs, thing) == sum(t.cost[mine].tolist()) + more
    assert scan.joined_halves(money, 0) == sum(t.pools["cash"][:count].tolist())
