"""The generated crowd: the same for a seed, in the proportions documented, within the venue's rules."""

import numpy as np
import pytest

from solvent.simulation import population
from solvent.simulation.datasets import load
from solvent.simulation.market_makers import gross_units, makers
from solvent.simulation.population import generate
from solvent.simulation.world import build

ACCOUNTS = 4_000


@pytest.fixture(scope="module")
def world():
    return build(load("may-2021"), "generic")


@pytest.fixture(scope="module")
def crowd(world):
    return generate(world, ACCOUNTS, seed=7)


def columns(one):
    parts = (one.pools, one.wishes, one.orders, one.stops, one.spots)
    return [getattr(part, name) for part in parts for name in part.__dataclass_fields__]


def test_a_seed_means_one_crowd_and_another_seed_another(world, crowd):
    again, other = generate(world, ACCOUNTS, seed=7), generate(world, ACCOUNTS, seed=8)
    assert all(np.array_equal(a, b) for a, b in zip(columns(crowd), columns(again), strict=True))
    assert not np.array_equal(crowd.pools.equity_units, other.pools.equity_units)


def test_proportions_are_those_documented(crowd):
    pools, main = crowd.pools, crowd.pools.isolated == 0
    assert main.sum() == ACCOUNTS
    assert pools.professional[main].mean() == pytest.approx(population.PROFESSIONAL_PPM / 1e6, abs=0.02)
    assert pools.hedge[main].mean() == pytest.approx(population.HEDGE_PPM / 1e6, abs=0.015)
    assert (pools.coin[main] >= 0).mean() == pytest.approx(population.COIN_COLLATERAL_PPM / 1e6, abs=0.03)
    shared = ACCOUNTS - len(np.unique(pools.owner[main]))
    assert shared / ACCOUNTS == pytest.approx(population.SUB_ACCOUNT_PPM / 1e6, abs=0.015)
    retail = main & (pools.professional == 0)
    median = np.median(pools.equity_units[retail]) / population.UNIT
    assert median == pytest.approx(population.EQUITY_MEDIAN[0], rel=0.1)
    assert pools.equity_units[retail].mean() > 1.5 * np.median(pools.equity_units[retail])  # a heavy tail


def test_isolated_pools_hang_under_their_own_account_and_hold_one_instrument(crowd):
    pools = crowd.pools
    alone = np.flatnonzero(pools.isolated == 1)
    assert alone.size > ACCOUNTS // 5
    assert (pools.owner[alone] == pools.owner[pools.parent[alone]]).all()
    assert (pools.isolated[pools.parent[alone]] == 0).all()
    rows = np.isin(crowd.wishes.pool, alone)
    assert (crowd.wishes.instrument[rows] == pools.scope[crowd.wishes.pool[rows]]).all()


def test_nobody_wishes_for_one_instrument_twice_and_legs_fit_the_mode(crowd):
    wishes = crowd.wishes
    keys = wishes.pool * 1_000 + wishes.instrument
    assert len(np.unique(keys)) == keys.size
    hedge = crowd.pools.hedge[wishes.pool] == 1
    assert (wishes.leg[~hedge] == 0).all()
    assert (wishes.leg[hedge] == np.where(wishes.lots[hedge] > 0, 1, 2)).all()


def test_leverage_caps_stay_within_class_and_bracket(world, crowd):
    wishes, marks = crowd.wishes, world.dataset.open_ticks[0]
    for k in np.flatnonzero(wishes.leverage > 0).tolist():
        instrument = int(wishes.instrument[k])
        units = abs(int(wishes.lots[k])) * int(marks[instrument]) * int(world.tick_values[instrument])
        most = world.margin(instrument).highest_leverage(units // population.UNIT)
        account_class = world.classes[int(crowd.pools.professional[wishes.pool[k]])]
        caps = [mode.leverage_cap(account_class) for mode in world.rules.modes.values()]
        assert 1 <= wishes.leverage[k] <= min(most, *caps)


def test_stops_are_against_their_position_and_orders_better_than_the_mark(world, crowd):
    marks = world.dataset.open_ticks[0]
    assert crowd.stops.ref.size > 100
    assert crowd.orders.ref.size > 100
    assert (np.where(crowd.stops.lots < 0, crowd.stops.ticks < marks[crowd.stops.instrument], True)).all()
    assert (np.where(crowd.orders.lots > 0, crowd.orders.ticks < marks[crowd.orders.instrument], True)).all()
    refs = np.concatenate([crowd.orders.ref, crowd.stops.ref])
    assert len(np.unique(refs)) == refs.size
    assert refs.min() > 0


def test_a_rule_set_without_lending_has_no_spot_on_margin():
    crowd = generate(build(load("mar-2020"), "binance_usdm"), 1_000, seed=7)
    assert crowd.spots.pool.size == 0
    assert (crowd.pools.coin == -1).all()


def test_makers_own_twice_the_gross_notional(world, crowd):
    own = makers(world, crowd)
    assert own.count * own.cash_units >= 2 * gross_units(world, crowd) - own.count


def test_no_accounts_are_refused_by_name(world):
    with pytest.raises(ValueError, match="accounts must be at least 1, not 0"):
        generate(world, 0, seed=7)
