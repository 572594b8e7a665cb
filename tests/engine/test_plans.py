"""Plans in bulk are the readable plans, bit for bit; what they do not cover they say."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from solvent.engine.planning import depths, plans, readable, terms
from solvent.engine.plans import Outcome, greater, product
from solvent.liquidation import Action, Depth, Level, plan
from solvent.rules import PenaltyBase, Plan
from solvent.venues.generic.rules import generic
from tests.engine.plan_world import (
    BTC,
    CONTRACTS,
    INVERSE,
    USDT,
    hold,
    listed,
    losses_only,
    opened,
    quoted,
    rule_sets,
    troubled,
)

DEEP = os.environ.get("SOLVENT_TESTS") == "deep"
SEEDS, POOLS = (40, 150) if DEEP else (3, 100)
RULES = rule_sets()
KNOWN = {one.name: one for one in [*RULES, losses_only()]}
LINEAR, COIN = [2, 3, 4, 5], 6


def same(step):
    """What must be equal of a step: everything but the words."""
    return (
        step.action, step.pool, step.symbol, step.leg, step.lots, step.worst_ticks, step.penalty_units,
        step.before, step.after,
    )  # fmt: skip


def compare(engine, pools, quotes, rules=KNOWN):
    """Plan all at once and one by one; what became of each covered pool, with its rules and number of steps."""
    known = terms(engine.tables, engine.names, rules)
    before = engine.state_hash()
    found = plans(engine.tables, pools, depths(engine.names, quotes), known)
    assert engine.state_hash() == before
    seen = []
    for k, pool in enumerate(pools):
        verdict = Outcome(int(found.verdict[k]))
        book, market, rules = engine.book(pool)
        if verdict is not Outcome.UNCOVERED:
            wanted = plan(book, market, rules, f"P{pool}", quotes)
            got = readable(engine.tables, engine.names, found, k)
            assert [same(one) for one in got] == [same(one) for one in wanted], (pool, rules.name)
            kinds = {one.action for one in wanted}
            assert (verdict is Outcome.NO_NEED) is (not kinds)
            assert (verdict is Outcome.HAND_OVER) is (kinds == {Action.HAND_OVER})
        seen.append((verdict, rules, len(found.of(k))))
    return seen


@pytest.mark.parametrize("seed", range(SEEDS))
def test_steps_of_random_pools_are_the_readable_ones(seed):
    """Every plan, penalty base, tier, entry value, leverage cap, hedge leg; depth that ends, bounds on the price."""
    luck = random.Random(seed)
    engine = listed([*RULES, losses_only()])
    made = []
    for k in range(POOLS):
        row, hedge = luck.randrange(len(RULES)), luck.random() < 0.4
        made.append((opened(engine, row, hedge, k), row, hedge))
    for thing in LINEAR:
        engine.tables.things[thing]["carry"] = luck.randint(-30, 30)
    for pool, row, hedge in made:
        coin = [COIN] if luck.random() < 0.05 and not RULES[row].name.startswith("entry") else []
        troubled(engine, luck, pool, hedge, LINEAR + coin)
    seen = compare(engine, [pool for pool, *_ in made], quoted(engine, luck))
    verdicts = [verdict for verdict, *_ in seen]
    assert {Outcome.NO_NEED, Outcome.CLOSES, Outcome.HAND_OVER} <= set(verdicts)
    assert verdicts.count(Outcome.UNCOVERED) < POOLS // 5
    closing = {rules.liquidation.plan for verdict, rules, _ in seen if verdict is Outcome.CLOSES}
    assert closing == set(Plan)
    assert max(steps for *_, steps in seen) > 1


def test_a_coin_margined_pool_of_inverse_contracts_is_covered():
    """Where the coin is the numeraire its inverse contracts settle in it, and their worth is rounded."""
    luck = random.Random(5)
    ways = [generic(base, way) for way in Plan for base in PenaltyBase]
    rules = [replace(one, name=f"coin/{k}") for k, one in enumerate(ways)]
    engine = listed(rules, contracts=(INVERSE,), assets=(BTC, USDT))
    pools = [opened(engine, luck.randrange(len(rules)), False, k) for k in range(40)]
    for pool in pools:
        lots, entry = luck.choice([-1, 1]) * luck.randint(1, 10**4), luck.choice([550_000, 600_000, 640_000])
        hold(engine, pool, [(4 * 2, lots, -lots * INVERSE.constant // entry, 0)], 0)
        engine.tables.pools[pool]["cash"] = -engine.surplus(pool) - luck.choice([1, 10**3, 10**5, 10**6])
    seen = compare(engine, pools, quoted(engine, luck), {one.name: one for one in rules})
    assert [verdict for verdict, *_ in seen].count(Outcome.CLOSES) > 10
    assert Outcome.UNCOVERED not in {verdict for verdict, *_ in seen}


@pytest.fixture(scope="module")
def small():
    """An engine with a pool under each of three rule sets, flat."""
    engine = listed([RULES[0], losses_only()])
    return engine, [opened(engine, 0, False, 0), opened(engine, 1, False, 1), opened(engine, 0, True, 2)]


def test_what_is_not_covered_is_said(small):
    engine, (plain, losses, hedge) = small
    hold(engine, plain, [(4 * COIN, 5, -5 * CONTRACTS[-1].constant // 600_000, 0)], -(10**9))
    hold(engine, losses, [(4 * 2, 5, 0, 0)], -(10**12))
    hold(engine, hedge, [(4 * 4 + 1, 5, 5_000 * 10**3, 0)], -(10**9))
    known = terms(engine.tables, engine.names, KNOWN)
    nothing = depths(engine.names, {"ALT-PERP": Depth((), (Level(1_000, 10**6),))})
    found = plans(engine.tables, [plain, losses, hedge], nothing, known)
    assert found.verdict.tolist() == [Outcome.UNCOVERED, Outcome.UNCOVERED, Outcome.HAND_OVER]
    assert [len(found.of(k)) for k in range(3)] == [0, 0, 0]
    # Terms that do not know a rule set, and a price that is not there.
    strangers = terms(engine.tables, engine.names, {})
    assert plans(engine.tables, [hedge], nothing, strangers).verdict.tolist() == [Outcome.UNCOVERED]
    engine.tables.things[4]["mark"] = 0
    assert plans(engine.tables, [hedge], nothing, known).verdict.tolist() == [Outcome.UNCOVERED]
    engine.tables.things[4]["mark"] = 1_000


def test_nobody_to_plan_is_no_plan(small):
    engine, _ = small
    known = terms(engine.tables, engine.names, KNOWN)
    found = plans(engine.tables, [], depths(engine.names, {}), known)
    assert (found.verdict.size, found.steps.size, found.surplus.shape) == (0, 0, (0, 2))


def test_the_line_itself_needs_no_plan_and_a_unit_below_it_does(small):
    engine, (pool, *_) = small
    hold(engine, pool, [(4 * 4, 100_000, 100_000 * 1_000 * 10**3, 0)], 0)
    known = terms(engine.tables, engine.names, KNOWN)
    quotes = {"ALT-PERP": Depth((Level(1_000, 10**6),), ())}
    needed = -plans(engine.tables, [pool], depths(engine.names, quotes), known).surplus[0, 0]
    for cash, verdict in ((needed, Outcome.NO_NEED), (needed - 1, Outcome.CLOSES)):
        engine.tables.pools[pool]["cash"] = cash
        assert compare(engine, [pool], quotes)[0][0] is verdict
    found = plans(engine.tables, [pool], depths(engine.names, quotes), known)
    assert found.of(0)["lots"].tolist() == [-1]


def test_legs_of_equal_profit_go_in_order_of_text_not_of_listing(small):
    """AAA-PERP is listed after ALT-PERP."""
    engine, (pool, *_) = small
    hold(engine, pool, [(4 * 4, 1_000, 10**9, 0), (4 * 5, 50, 10**9, 0)], -(10**8))
    quotes = {name: Depth((Level(at, 10**6),), ()) for name, at in (("ALT-PERP", 1_000), ("AAA-PERP", 20_000))}
    ((verdict, _, steps),) = compare(engine, [pool], quotes)
    assert (verdict, steps) == (Outcome.CLOSES, 2)
    found = plans(engine.tables, [pool], depths(engine.names, quotes), terms(engine.tables, engine.names, KNOWN))
    assert (found.of(0)["key"] >> 2).tolist() == [5, 4]


@pytest.mark.parametrize("way", Plan)
def test_a_second_steps_penalty_is_on_the_deficit_the_first_one_left(way):
    rules = generic(PenaltyBase.DEFICIT, way)
    engine = listed([replace(rules, name="deficit")])
    pool = opened(engine, 0, False, 0)
    hold(engine, pool, [(4 * 4, 100_000, 10**11, 0), (4 * 5, 5_000, 10**11, 0)], 300 * 10**6)
    quotes = {name: Depth((Level(at, 10**6),), ()) for name, at in (("ALT-PERP", 1_000), ("AAA-PERP", 20_000))}
    known = {"deficit": rules}
    assert [steps for *_, steps in compare(engine, [pool], quotes, known)] == [2]
    found = plans(engine.tables, [pool], depths(engine.names, quotes), terms(engine.tables, engine.names, known))
    first, second = found.of(0)["penalty"].tolist()
    assert first > second > 0


def test_a_quote_past_the_bound_on_the_better_side_is_cut_to_it(small):
    engine, (pool, *_) = small
    hold(engine, pool, [(4 * 4, 1_000, 10**9, 0)], -(10**9))
    quotes = {"ALT-PERP": Depth((Level(1_200, 10**6),), ())}
    assert compare(engine, [pool], quotes)[0][0] is Outcome.CLOSES
    found = plans(engine.tables, [pool], depths(engine.names, quotes), terms(engine.tables, engine.names, KNOWN))
    assert found.of(0)["ticks"].tolist() == [1_050]


PAIRS = st.tuples(st.integers(0, 2**61 - 1), st.integers(0, 10**6 - 1), st.integers(1, 2**61 - 1))


@given(PAIRS, PAIRS, st.booleans())
@example((2**61 - 1, 999_999, 2**61 - 1), (2**61 - 1, 999_998, 2**61 - 1), True)
@example((5, 500_000, 11), (1, 0, 2), False)
def test_fractions_of_pairs_compare_exactly(one, other, alike):
    if alike:
        other = (one[0], max(0, one[1] - 1), one[2])
    fractions = [Fraction(whole * 10**6 + rest, units) for whole, rest, units in (one, other)]
    assert bool(greater(*one, *other)) is (fractions[0] > fractions[1])
    assert bool(greater(*other, *one)) is (fractions[1] > fractions[0])


@given(st.integers(0, 2**62 - 1), st.integers(0, 2**62 - 1))
@example(2**62 - 1, 2**62 - 1)
def test_products_of_two_words_are_exact(a, b):
    high, low = product(a, b)
    assert 0 <= int(low) < 2**62
    assert int(high) * 2**62 + int(low) == a * b


def test_a_thousand_pools_are_planned_as_each_alone():
    luck = random.Random(11)
    engine = listed([RULES[0], RULES[3]])
    pools = [opened(engine, k % 2, False, k) for k in range(60)]
    for pool in pools:
        troubled(engine, luck, pool, False, LINEAR)
    known, offered = terms(engine.tables, engine.names, KNOWN), depths(engine.names, quoted(engine, luck))
    together = plans(engine.tables, np.array(pools * 17), offered, known)
    for k, pool in enumerate(pools * 17):
        alone = plans(engine.tables, [pool], offered, known)
        assert together.verdict[k] == alone.verdict[0]
        assert together.of(k).tolist() == alone.of(0).tolist()
