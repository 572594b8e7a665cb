"""Every number of a pool, against the rule set itself in fractions, on random histories."""

from fractions import Fraction

import pytest

from solvent.book import Purpose
from solvent.engine import value as kernels
from solvent.engine.records import Verb
from tests.engine.kernel_history import history, reference_surplus
from tests.engine.kernel_world import (
    BTCUSD,
    BTCUSDT,
    MARKS,
    XRPUSDT,
    B,
    U,
    assess,
    held,
    laws,
    surplus,
    world,
)


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("hedge", [False, True])
def test_every_number_equals_the_rule_set_in_fractions(row, hedge):
    w = world(row=row, hedge=hedge)
    seen = 0
    for step, _ in history(w, 250, seed=row * 2 + hedge):
        if step % 10:
            continue
        for pool in range(1, 8):
            for purpose in Purpose:
                expected = assess(w, pool, purpose)
                got = kernels.assessed(w.t, pool, purpose.value)
                found = (int(got[0]), pair(got[1:3]), pair(got[3:5]))
                assert found == expected
                assert pair(kernels.surplus(w.t, pool, purpose.value)) == expected[1] - expected[2]
                seen += expected[2] > 0
            assert pair(kernels.admit_surplus(w.t, pool)) == surplus(w, pool, Purpose.ADMIT)
    assert seen > 300


def pair(parts) -> Fraction:
    """A normalised pair as one number."""
    assert 0 <= int(parts[1]) < 10**6
    return int(parts[0]) + Fraction(int(parts[1]), 10**6)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_the_cache_equals_the_recomputation_after_every_command(row):
    w = world(row=row)
    for _ in history(w, 300, seed=40 + row):
        for pool in range(1, 8):
            assert pair(kernels.admit_surplus(w.t, pool)) == pair(kernels.surplus(w.t, pool, Purpose.ADMIT.value))


@pytest.mark.parametrize("row", [0, 1, 2])
def test_fills_within_an_epoch_carry_the_millionths_of_the_cache(row):
    """Where the schedule asks more than leverage, no whole number of units, fills change both parts of the pair."""
    w = world(row=row)
    w.t.rules[row]["leverage_at"] = 0
    w.reprice({BTCUSDT: 300_007, XRPUSDT: 20_011})
    for pool in (2, 3):
        w.must(Verb.DEPOSIT, pool=pool, thing=U, amount=10**12)
        kernels.admit_surplus(w.t, pool)  # the cache is of this epoch from here on
    parts = set()
    for lots in (7, -3, 11, 1, -19, 5):
        for thing in (BTCUSDT, XRPUSDT):
            w.must(Verb.FILL, pool=2, other=3, thing=thing, lots=lots, ticks=int(w.t.things[thing]["mark"]))
            for pool in (2, 3):
                cached = kernels.admit_surplus(w.t, pool)
                parts.add(int(cached[1]))
                assert pair(cached) == pair(kernels.surplus(w.t, pool, Purpose.ADMIT.value))
    assert len(parts) > 3, "the pair's second part moves"


def test_the_breach_flips_at_one_millionth_and_at_zero_only_where_inclusive():
    for row, inclusive in ((0, False), (1, True)):
        w = world(row=row)
        w.must(Verb.DEPOSIT, pool=2, thing=U, amount=10**12)
        w.must(Verb.DEPOSIT, pool=3, thing=U, amount=10**12)
        w.must(Verb.FILL, pool=2, other=3, thing=XRPUSDT, lots=100_000, ticks=MARKS[XRPUSDT])
        left = surplus(w, 2, Purpose.MAINTAIN)
        w.t.pools[2]["cash"] -= int(left)
        assert surplus(w, 2, Purpose.MAINTAIN) == left - int(left)
        exact = left == int(left)
        assert bool(kernels.in_breach(w.t, 2)) is (exact and inclusive)
        w.t.pools[2]["cash"] -= 1
        assert bool(kernels.in_breach(w.t, 2))
        w.t.pools[2]["cash"] += 2
        assert not kernels.in_breach(w.t, 2)
    empty = world(row=1)
    assert not kernels.in_breach(empty.t, 2), "nothing required, nothing breached"


def test_an_upper_bound_belongs_to_its_tier():
    w = world()
    floor = 1_000_000 * 10**6  # the second tier of majors begins above one million
    for units, rate, deduction in ((floor, 5_000, 0), (floor + 1, 10_000, 5_000 * 10**6)):
        whole, millionths = kernels.normal(*kernels.schedule_at(w.t, 0, Purpose.MAINTAIN.value, 2 * BTCUSDT, units))
        assert pair((whole, millionths)) == Fraction(units * rate, 10**6) - deduction


def test_an_inverse_position_is_collateral_of_its_coin_through_the_haircut_tiers():
    w = world()
    for pool in (2, 3):
        w.must(Verb.DEPOSIT, pool=pool, thing=B, amount=300 * 10**8)
    w.must(Verb.FILL, pool=2, other=3, thing=BTCUSD, lots=20_000, ticks=MARKS[BTCUSD])
    for index, mark in ((300_000, 30_000), (310_000, 31_007), (166_666, 16_667), (400_000, 60_000)):
        w.reprice({B: index, BTCUSD: mark})
        for pool in (2, 3):
            for purpose in Purpose:
                assert pair(kernels.surplus(w.t, pool, purpose.value)) == surplus(w, pool, purpose)
    assert reference_surplus(w, 2) > reference_surplus(w, 3), "the long gains as the mark rises"


def test_a_debt_counts_at_its_rate_and_interest_is_owed():
    w = world()
    w.must(Verb.DEPOSIT, pool=2, thing=U, amount=10**12)
    w.must(Verb.DEPOSIT, pool=-5, thing=B, amount=10**10)
    w.must(Verb.DEPOSIT, pool=3, thing=U, amount=10**12)
    w.must(Verb.FILL, pool=2, other=3, thing=7, lots=-1_000, ticks=MARKS[7])
    slot = held(w, 2)[B * 4]
    assert int(w.t.lots[slot]) == -(10**8)
    before = surplus(w, 2, Purpose.MAINTAIN)
    w.t.things[B]["carry"] += 10**9  # a tenth of a percent
    w.reprice({})
    assert surplus(w, 2, Purpose.MAINTAIN) == before - Fraction(105, 100) * 10**5 * 300
    assert pair(kernels.surplus(w.t, 2, Purpose.MAINTAIN.value)) == surplus(w, 2, Purpose.MAINTAIN)


def test_largest_positions_leave_no_room_for_overflow():
    w = world()
    w.must(Verb.DEPOSIT, pool=2, thing=U, amount=1 << 59)
    w.must(Verb.DEPOSIT, pool=3, thing=U, amount=1 << 59)
    for thing in (BTCUSDT, XRPUSDT):
        w.must(Verb.FILL, pool=2, other=3, thing=thing, lots=100_000, ticks=MARKS[thing])
        w.t.things[thing]["mark"] = w.t.things[thing]["max_ticks"]
    w.reprice({})
    for pool in (2, 3):
        assert pair(kernels.surplus(w.t, pool, Purpose.ADMIT.value)) == surplus(w, pool, Purpose.ADMIT)
    laws(w)
