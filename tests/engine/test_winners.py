"""Winners ranked on arrays are ranked as the readable rule ranks them, near ties and equals included."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from solvent.book import Leg
from solvent.engine.view import pool_name
from solvent.engine.winners import Candidates, candidates, deleveraged, ranked
from solvent.liquidation import adl
from solvent.rules import AdlRank, Profit
from solvent.units import exact
from tests.engine.plan_world import INVERSE, MARKS, hold, listed, losses_only, opened, rule_sets, troubled

ONE = 10**6
FIGURES = ("profit", "notional", "entry", "value", "unrealised")
PLAIN, ENTRY = rule_sets()[0], next(one for one in rule_sets() if one.name.startswith("entry"))


def crowd(seed, rules=PLAIN, pools=40):
    """Random pools under one rule set, some with more cash than they need, three of them alike."""
    luck, engine = random.Random(seed), listed([rules])
    made = []
    for k in range(pools):
        hedge = luck.random() < 0.4
        made.append((opened(engine, 0, hedge, k), hedge))
    for thing in (2, 3, 4, 5):
        engine.tables.things[thing]["carry"] = luck.randint(-30, 30)
    for pool, hedge in made:
        troubled(engine, luck, pool, hedge, [2, 3, 4, 5])
        engine.tables.pools[pool]["cash"] += luck.choice([0, 10**6, 10**9, 10**11])
    for target in (made[7][0], made[13][0]):
        for name in ("first", "used", "room", "cash", "legs"):
            engine.tables.pools[target][name] = engine.tables.pools[made[3][0]][name]
    return engine, [pool for pool, _ in made]


def book_of_all(engine, pools):
    book, market, rules = engine.book(pools[0])
    return replace(book, holdings=tuple(engine.holding(pool) for pool in pools)), market, rules


@pytest.mark.parametrize("rules", [PLAIN, ENTRY], ids=["notional", "entry"])
@pytest.mark.parametrize("seed", range(3))
def test_whole_crowds_are_ranked_and_deleveraged_alike(seed, rules):
    engine, pools = crowd(seed, rules)
    book, market, rules = book_of_all(engine, pools)
    given_up = refused = 0
    for thing in (2, 4, 5):
        symbol = engine.names.name(thing)
        for losing in (10**6, -(10**6), 777, -3):
            wanted = adl.candidates(book, market, rules, symbol, losing)
            found = candidates(engine.tables, thing, losing)
            for rank in AdlRank:
                order = found.at(ranked(found, rank, ONE))
                names = [pool_name(pool) for pool in order.pool.tolist()]
                got = list(zip(names, order.leg.tolist(), order.lots.tolist(), strict=True))
                assert got == [(one.pool, one.leg.value, one.lots) for one in adl.ranked(wanted, rank)]
                by_rank = replace(rules, losses=replace(rules.losses, adl_rank=rank))
                for per_cent in (100, 98, 103):
                    ticks = MARKS[symbol] * per_cent // 100
                    done = adl.deleverage(book, market, by_rank, symbol, losing, ticks)
                    taken, left = deleveraged(engine.tables, found, rank, ONE, losing, ticks)
                    assert left == done.left_lots
                    again = [(pool_name(one.pool), Leg(one.leg), one.lots) for one in taken]
                    assert again == [tuple(one) for one in done.taken]
                    given_up += len(taken)
                    refused += left > 0
    assert given_up > 20
    assert refused > 5


@exact
def readable(figures, required, pool):
    """The candidate as the readable rule has it."""
    amounts = {name: Decimal(units).scaleb(-6) for name, units in zip(FIGURES, figures, strict=True)}
    return adl.Candidate(pool_name(pool), Leg.NET, 1, required=Decimal(required).scaleb(-12), **amounts)


BIG = st.integers(1, 2**57)
ROWS = st.lists(
    st.tuples(st.tuples(BIG, BIG, BIG, st.integers(-5, 2**57), st.integers(-(2**50), 2**57)), st.integers(0, 2**70)),
    min_size=1, max_size=6,
)  # fmt: skip
NEAR = ((2**57, 2**57 - 1, 2**56 + 1, 2**55, 5), 2**70 - 1)
NEARER = ((2**57, 2**57, 2**56 + 1, 2**55, 5), 2**70)


@given(ROWS, st.lists(st.integers(-2, 2), min_size=20, max_size=20), st.sampled_from(AdlRank))
@example([NEAR, NEARER], [0] * 20, AdlRank.PROFIT_TIMES_LEVERAGE)
@example([NEARER, NEAR], [1] * 20, AdlRank.PROFIT_TIMES_MARGIN_RATIO)
@example([((ONE, 5, ONE - 1, ONE, 0), 7), ((ONE, 5, ONE, ONE, 0), 7)], [0] * 20, AdlRank.PROFIT_TIMES_LEVERAGE)
@example([((0, 5, 5, ONE, 0), 7), ((5, 5, 5, 0, 0), 7)], [0] * 20, AdlRank.PROFIT_TIMES_LEVERAGE)
def test_any_figures_are_ranked_exactly(rows, nudges, rank):
    """Each row three times: as it is, and a unit or two away in its figures; pools named so that 10 is before 9."""
    rows = [*rows, *rows, *rows]
    figures = np.array([row for row, _ in rows], np.int64)
    required = np.array([units for _, units in rows], object)
    for k, nudge in enumerate(nudges):
        at = len(rows) // 3 + k
        if at < len(rows):
            figures[at, k % 5] = max(0 if k % 5 < 3 else -9, figures[at, k % 5] + nudge)
            required[at] = max(0, required[at] + nudge)
    pool = np.arange(3, 3 + len(rows), dtype=np.int64)
    none = np.zeros(len(rows), np.int64)
    whole = (required // 10**6).astype(np.int64), (required % 10**6).astype(np.int64)
    found = Candidates(pool, none, none, none + 1, *(column.copy() for column in figures.T), *whole)
    wanted = adl.ranked([readable(f, r, p) for f, r, p in zip(figures.tolist(), required, pool, strict=True)], rank)
    assert [pool_name(one) for one in pool[ranked(found, rank, ONE)].tolist()] == [one.pool for one in wanted]


def test_a_crowd_of_chosen_pools_and_what_is_not_covered():
    engine, pools = crowd(1)
    everyone = candidates(engine.tables, 2, 1)
    some = everyone.pool[::2]
    assert candidates(engine.tables, 2, 1, some).pool.tolist() == some.tolist()
    assert (everyone.lots < 0).all()
    assert (candidates(engine.tables, 2, -1).lots > 0).all()
    assert (everyone.profit > 0).all()
    winner = int(everyone.pool[0])
    assert winner in pools
    coin = (4 * 6, 5, -5 * INVERSE.constant // 600_000, 0)
    hold(engine, winner, [(4 * 2, -5, -5 * 700_000 * 100, 0), coin], 10**12)
    assert candidates(engine.tables, 2, 1) is None
    hold(engine, winner, [(4 * 2, -5, -5 * 700_000 * 100, 0)], 10**12)
    assert winner in candidates(engine.tables, 2, 1).pool
    strict, loser = listed([losses_only_at_maintain()]), 2
    assert opened(strict, 0, False, 0) == loser
    hold(strict, loser, [(4 * 2, -5, -5 * 700_000 * 100, 0)], 10**12)
    assert candidates(strict.tables, 2, 1) is None


def losses_only_at_maintain():
    """Profit counts only when negative, at MAINTAIN too."""
    rules = losses_only()
    return replace(rules, profit=dict.fromkeys(rules.profit, Profit.LOSSES_ONLY))
