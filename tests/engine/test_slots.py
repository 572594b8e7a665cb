"""Blocks of entries: found, grown, given back, and nothing stale ever comes back."""

import random

import numpy as np

from solvent.engine import slots
from solvent.engine.tables import FREE, NONE, TOP_ENTRIES
from tests.engine.kernel_world import BTCUSD, BTCUSDT, B, U, world


def test_random_places_and_releases_equal_a_dictionary():
    w, chance = world(), random.Random(3)
    for thing in range(w.t.things.size):
        w.t.things[thing]["kind"], w.t.things[thing]["settle"] = 1, U
    model = {pool: {} for pool in range(8)}
    grown = 0
    for step in range(3_000):
        pool, key = chance.randrange(8), chance.randrange(4, 44)
        if chance.random() < 0.55:
            slot = int(slots.place(w.t, pool, key))
            assert slot >= 0
            if key not in model[pool]:
                assert (w.t.lots[slot], w.t.cost[slot], w.t.leverage[slot], w.t.orders[slot]) == (0, 0, 0, NONE)
                w.t.lots[slot] = w.t.cost[slot] = w.t.leverage[slot] = step + 1
                model[pool][key] = step + 1
        elif key in model[pool]:
            slot = int(slots.find(w.t, pool, key))
            w.t.lots[slot] = 0
            slots.tidy(w.t, pool, slot)
            del model[pool][key]
        assert int(slots.find(w.t, pool, key)) >= 0 if key in model[pool] else int(slots.find(w.t, pool, key)) == -1
        grown = max(grown, int(w.t.pools[pool]["room"]))
    assert grown >= 32
    for pool, expected in model.items():
        assert {k: int(w.t.lots[slots.find(w.t, pool, k)]) for k in expected} == expected
    assert (w.t.key != FREE).sum() == sum(map(len, model.values()))


def test_a_block_given_back_is_the_next_of_its_size():
    w = world()
    for thing in range(5):
        slots.place(w.t, 2, thing * 4 + 1)
    top = int(w.t.top[TOP_ENTRIES])
    slots.place(w.t, 3, 1)
    assert int(w.t.pools[3]["first"]) == 0, "pool 2 moved out of the first block, pool 3 takes it"
    assert int(w.t.top[TOP_ENTRIES]) == top


def test_a_full_slab_says_so_and_changes_nothing():
    w = world()
    w.t.top[TOP_ENTRIES] = w.t.key.size - 4
    assert [int(slots.place(w.t, 2, thing * 4 + 1)) >= 0 for thing in range(5)] == [True] * 4 + [False]
    assert int(w.t.pools[2]["used"]) == 4
    assert int(slots.place(w.t, 3, 1)) == -1
    assert int(w.t.pools[3]["room"]) == 0


def test_a_settle_asset_stays_while_something_settles_in_it_and_goes_with_the_last():
    w = world()
    coin, position = int(slots.place(w.t, 2, B * 4)), int(slots.place(w.t, 2, BTCUSD * 4))
    assert int(w.t.pools[2]["reach"]) == int(slots.asset_reach(w.t, B)) > 0
    slots.tidy(w.t, 2, coin)
    assert int(slots.find(w.t, 2, B * 4)) == coin
    w.t.lots[position] = 1
    slots.tidy(w.t, 2, position)
    assert int(slots.find(w.t, 2, BTCUSD * 4)) == position
    w.t.lots[position] = 0
    slots.tidy(w.t, 2, position)
    assert int(slots.find(w.t, 2, B * 4)) == -1
    assert int(w.t.pools[2]["reach"]) == 0
    assert int(w.t.pools[2]["used"]) == 0


def test_leverage_and_orders_keep_an_entry_or_not():
    w = world()
    slot = int(slots.place(w.t, 2, BTCUSDT * 4))
    w.t.orders[slot] = 3
    slots.tidy(w.t, 2, slot)
    assert int(w.t.key[slot]) == BTCUSDT * 4
    w.t.orders[slot], w.t.leverage[slot] = NONE, 7
    slots.tidy(w.t, 2, slot)
    assert int(w.t.key[slot]) == FREE
    assert not np.any(w.t.leverage)
