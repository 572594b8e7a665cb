"""Option portfolios judged by kernels: ring 2's whole numbers are ring 1's, and vectors give what plain loops give."""

from __future__ import annotations

import random
from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Method, Purpose
from solvent.engine.jit import COMPILED, OPTIONS
from solvent.engine.scenario_books import books_of, books_of_held, from_columns
from solvent.engine.scenario_judge import BREACH, SOUND, UNDECIDED, judge_all, laid_out
from solvent.engine.scenario_lanes import (
    BLOCK,
    LANES,
    NOWHERE,
    add_folded,
    add_folded_in_floats,
    add_folded_in_floats_plainly,
    add_folded_plainly,
    add_netted,
    add_netted_in_floats,
    add_netted_in_floats_plainly,
    add_netted_plainly,
    least_of,
    least_plainly,
    place_of,
    place_plainly,
    sum_alone,
    sum_alone_plainly,
)
from solvent.engine.scenario_table import ScenarioTable
from solvent.margin.scenario.listing import held, quotes
from solvent.margin.scenario.quantised import quantise
from solvent.margin.scenario.quantised_account import standing
from solvent.rules import RulesError
from solvent.venues import venue
from tests.engine.option_world import book, listing, market, random_book, rules_of_all

LISTED = listing()
RULES = rules_of_all()
STRUCTURES = sorted(RULES)


def at_the_line(form, rows, pair, grains, listed=LISTED):
    """The book with cash changed so that it stands about so many grains from the line."""
    mine, holding = pair
    found = standing(rows, held(listed, mine, holding))
    cash = holding.cash["USDC"] + (grains - found.low) // 100
    changed = replace(holding, cash={**holding.cash, "USDC": cash})
    return mine.with_holding(changed), changed


def books_near(form, rows, rng, structure, count):
    """Books of which most stand within a few grains, or a few roundings, of the line."""
    found = []
    for _ in range(count):
        pair = random_book(LISTED, rng, junk=structure != "first")
        away = rng.choice((0, 0, -1, 1, 99, -99, -5_000, -100_000, 10**9, None))
        found.append(pair if away is None else at_the_line(form, rows, pair, away))
    return found


def assert_equal(table, rows, pairs):
    """Every portfolio stands as the readable twin says."""
    answers = table.standing
    for k, (mine, holding) in enumerate(pairs):
        found = standing(rows, held(LISTED, mine, holding))
        ours = answers.surplus[k], answers.required[k], answers.equity[k], answers.worst[k]
        assert ours == (found.low, found.required, found.equity, found.worst)
        if answers.verdict[k] == UNDECIDED:
            assert not found.sound(inclusive=table.form.inclusive)
            assert not found.breached(inclusive=table.form.inclusive)
        else:
            assert found.sound(inclusive=table.form.inclusive) == (answers.verdict[k] == SOUND)
            assert found.breached(inclusive=table.form.inclusive) == (answers.verdict[k] == BREACH)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(STRUCTURES), st.integers(0, 10**6), st.sampled_from([Purpose.MAINTAIN, Purpose.RECOVER]),
    st.sampled_from([1, 2]),
)  # fmt: skip
def test_l05_kernels_and_the_readable_twin_agree_to_the_grain(structure, seed, purpose, threads):
    rng = random.Random(seed)
    now = market(
        LISTED, spot=rng.choice(("1300", "1500", "1777.7")), vol=rng.uniform(0.3, 2), funding=rng.randint(-9, 9)
    )
    empty = ScenarioTable(RULES[structure], LISTED, books_of(LISTED, []), purpose=purpose)
    rows = quantise(empty.form, LISTED, quotes(LISTED, now))
    pairs = books_near(empty.form, rows, rng, structure, 12)
    table = ScenarioTable(RULES[structure], LISTED, books_of(LISTED, pairs), purpose=purpose, threads=threads)
    table.step(now)
    assert_equal(table, rows, pairs)


def test_books_near_the_line_have_every_verdict():
    rng, now = random.Random(1), market(LISTED)
    table = ScenarioTable(RULES["second"], LISTED, books_of(LISTED, []))
    rows = quantise(table.form, LISTED, quotes(LISTED, now))
    pairs = books_near(table.form, rows, rng, "second", 60)
    table = ScenarioTable(RULES["second"], LISTED, books_of(LISTED, pairs))
    found = np.bincount(table.step(now).verdict, minlength=3)
    assert found.min() >= 5
    assert len(set(table.standing.worst.tolist())) > 5


@pytest.mark.parametrize("structure", STRUCTURES)
def test_l05_neither_threads_nor_the_order_of_positions_change_anything(structure):
    rng, now = random.Random(4), market(LISTED)
    pairs = [random_book(LISTED, rng, junk=structure != "first") for _ in range(31)]
    shuffled = [
        (mine, replace(holding, positions=tuple(rng.sample(holding.positions, len(holding.positions)))))
        for mine, holding in pairs
    ]
    one = ScenarioTable(RULES[structure], LISTED, books_of(LISTED, pairs)).step(now)
    two = ScenarioTable(RULES[structure], LISTED, books_of(LISTED, shuffled), threads=2).step(now)
    for mine, theirs in zip(one, two, strict=True):
        assert mine.tolist() == theirs.tolist()


def test_arrays_and_holdings_build_the_same_books():
    rng = random.Random(6)
    pairs = [random_book(LISTED, rng) for _ in range(40)]
    pools = [held(LISTED, *pair) for pair in pairs]
    found = books_of(LISTED, pairs)
    assert found.naked.tolist() == [one.naked for one in pools]
    assert found.perp.tolist() == [one.perp for one in pools]
    assert sum(one.naked for one in pools) > 0
    table = ScenarioTable(RULES["second"], LISTED, found)
    assert [table.held(k) for k in range(40)] == pools


def test_a_portfolio_is_replaced_in_its_place_or_at_the_end():
    rng, now = random.Random(9), market(LISTED)
    pairs = [random_book(LISTED, rng) for _ in range(6)]
    table = ScenarioTable(RULES["second"], LISTED, books_of(LISTED, pairs))
    rows = quantise(table.form, LISTED, quotes(LISTED, now))
    for most in (12, 1, 20, 20, 0, 25):
        pool = rng.randrange(6)
        pairs[pool] = random_book(LISTED, rng, most=most)
        table.change(pool, *pairs[pool])
        assert table.held(pool) == held(LISTED, *pairs[pool])
        table.step(now)
        assert_equal(table, rows, pairs)
    with pytest.raises(ValueError, match="pool must be 0 to 5, not 6"):
        table.change(6, *pairs[0])
    before = table.held(2)
    with pytest.raises(RulesError, match="is not listed"):
        table.change(2, *book(listing(strikes=(9,)), {"call-1-9": 1}))
    assert table.held(2) == before


def test_what_the_columns_cannot_hold_is_refused():
    ones = np.ones(1, np.int64)
    with pytest.raises(RulesError, match="things must be from 0 to 53"):
        from_columns(LISTED, ones, ones * 54, ones, ones)
    with pytest.raises(RulesError, match="portfolio 0 holds thing 3 twice"):
        from_columns(LISTED, ones * 2, np.array([3, 3]), np.array([1, 2]), ones)
    with pytest.raises(RulesError, match="must be within 2\\^60"):
        from_columns(LISTED, ones, ones, ones, ones * (2**60 + 1))
    with pytest.raises(ValueError, match="threads must be 1 or 2, not 3"):
        ScenarioTable(RULES["second"], LISTED, books_of(LISTED, []), threads=3)
    with pytest.raises(RulesError, match="does not margin by this scenario engine"):
        ScenarioTable(venue("generic"), LISTED, books_of(LISTED, []))


def test_a_sum_that_could_leave_62_bits_is_refused_and_nothing_is_judged():
    rng, now = random.Random(1), market(LISTED)
    pairs = [random_book(LISTED, rng) for _ in range(3)]
    table = ScenarioTable(RULES["second"], LISTED, books_of(LISTED, pairs))
    before = [one.tolist() for one in table.step(now)]
    huge = held(LISTED, *book(LISTED, {"call-7-1500": 10**9}))
    big = ScenarioTable(RULES["second"], LISTED, books_of_held(LISTED, [huge]))
    with pytest.raises(RulesError, match=r"of 1000000000 lots at .* leaves 62 bits: fewer places"):
        big.step(now)
    table.change(0, *book(LISTED, {"call-7-1500": 10**9}))
    with pytest.raises(RulesError, match="leaves 62 bits"):
        table.step(now)
    assert [one.tolist() for one in table.standing] == before
    coarse = ScenarioTable(RULES["second"], listing(2), books_of_held(listing(2), [huge]))
    assert coarse.step(now).verdict.tolist() == [SOUND]


def test_the_netted_form_is_one_branch_of_the_whole_form():
    """Rows of a rule set where everything nets, laid out in full, give the same answers."""
    rng, now = random.Random(12), market(LISTED)
    pairs = [random_book(LISTED, rng) for _ in range(20)]
    table = ScenarioTable(RULES["netted"], LISTED, books_of(LISTED, pairs))
    rows = quantise(table.form, LISTED, quotes(LISTED, now))
    found = [one.tolist() for one in table.step(now)]
    whole = rows._replace(branches=np.repeat(rows.branches, 4, axis=0))
    for in_floats in (False, True):
        grid = laid_out(whole, inclusive=False, in_floats=in_floats)
        sums = np.zeros(BLOCK * 2, np.int64)
        table.standing.surplus[:] = 0
        judge_all(table.books, grid, table.standing, 0, 20, sums)
        assert [one.tolist() for one in table.standing] == found
    assert RULES["netted"].models[Method.SCENARIO].rules.maintenance.option > 0


def random_run(rng, rows=9, positions=7):
    row = rng.integers(0, rows, positions).astype(np.int32)
    size = rng.integers(0, 2**20, positions)
    matrix = rng.integers(-(2**38), 2**38, rows * BLOCK * 2)
    return row, size, matrix


@pytest.mark.parametrize("seed", range(10))
def test_vectors_and_plain_loops_agree(seed):
    rng = np.random.default_rng(seed)
    row, size, matrix = random_run(rng)
    ours, plain = rng.integers(-5, 5, (2, 3 * BLOCK))
    plain[:] = ours
    first, stop = sorted(rng.integers(0, 8, 2).tolist())
    block = 9 * BLOCK * int(rng.integers(0, 2))
    add_netted(row, size, matrix, block, first, stop, ours, BLOCK)
    add_netted_plainly(row, size, matrix, block, first, stop, plain, BLOCK)
    assert ours.tolist() == plain.tolist()
    add_folded(row, size, matrix, block, first, stop, ours, 5 * LANES)
    add_folded_plainly(row, size, matrix, block, first, stop, plain, 5 * LANES)
    assert ours.tolist() == plain.tolist()
    size, matrix = size >> 10, matrix >> 10  # seven products of 10 + 28 bits
    exactly, floats = (row, size, matrix), (row, size.astype(float), matrix.astype(float))
    for ints, vectors, loop in (
        (add_netted_plainly, add_netted_in_floats, add_netted_in_floats_plainly),
        (add_folded_plainly, add_folded_in_floats, add_folded_in_floats_plainly),
    ):
        sums = [ours.copy() for _ in range(3)]
        ints(*exactly, block, first, stop, sums[0], BLOCK)
        vectors(*floats, block, first, stop, sums[1], BLOCK)
        loop(*floats, block, first, stop, sums[2], BLOCK)
        assert sums[0].tolist() == sums[1].tolist() == sums[2].tolist()
    told = [np.zeros(BLOCK, np.int64) for _ in range(2)]
    sum_alone(*floats, first, stop, told[0])
    sum_alone_plainly(*floats, first, stop, told[1])
    assert told[0][:4].tolist() == told[1][:4].tolist()
    for one in (3, 9, 22, 31):  # the least column is told, the first of equals, and never the charge
        matrix[:] = 5
        matrix[one::BLOCK] = matrix[24::BLOCK] = -7
        matrix[30::BLOCK] = -9
        sum_alone(row, floats[1], matrix.astype(float), 0, 7, told[0])
        lots = int(size.sum())
        assert told[0][:4].tolist() == [-7 * lots, min(one, 24), -9 * lots, (5 if one < 31 else -7) * lots]
    for keep in (-3, 0, 1, 8, 30, 32, 50):
        for value in (-(2**60), 0, 2**60):
            least = least_of(ours, BLOCK, keep, value)
            assert least == least_plainly(plain, BLOCK, keep, value)
            assert place_of(ours, BLOCK, least) == place_plainly(plain, BLOCK, least)
    ours[BLOCK + 3] = ours[BLOCK + 21] = -(2**61)
    assert place_of(ours, BLOCK, -(2**61)) == place_plainly(ours, BLOCK, -(2**61)) == 3
    assert place_of(ours, 0, 77) == place_plainly(ours, 0, 77) == NOWHERE


@pytest.mark.skipif(not COMPILED, reason="the compiler is off: there is no machine code to look at")
def test_the_machine_code_of_a_scan_multiplies_vectors():
    row, size, matrix = random_run(np.random.default_rng(0))
    features, sums = numba.core.codegen.get_host_cpu_features(), np.zeros(1, np.int64)
    for function, kind, times, code in (
        (add_netted, np.int64, "mul <8 x i64>", "vpmullq"),
        (add_folded, np.int64, "mul <8 x i64>", "vpmullq"),
        (add_netted_in_floats, np.float64, "@llvm.fmuladd.v8f64", "%zmm"),
        (add_folded_in_floats, np.float64, "@llvm.fmuladd.v8f64", "%zmm"),
    ):
        given_ = tuple(numba.typeof(one) for one in (row, size.astype(kind), matrix.astype(kind), 0, 0, 7, sums, 0))
        fresh = numba.njit(**OPTIONS)(function.py_func)  # what comes from the cache has no text
        fresh.compile(given_)
        assert next(iter(fresh.inspect_llvm().values())).count(times) >= 4, "a block's four vectors"
        if "+avx512dq" in features:
            assert next(iter(fresh.inspect_asm().values())).count(code) >= 4


def test_sums_that_floats_do_not_hold_are_taken_in_integers():
    """Lots × grains just below 2^53 go in floats, just above in integers; both are right to the grain."""
    now = market(LISTED)
    rows = quantise(ScenarioTable(RULES["second"], LISTED, books_of(LISTED, [])).form, LISTED, quotes(LISTED, now))
    largest = max(int(np.abs(one).max()) for one in (rows.branches, rows.value, rows.charge))
    for more in (0, 1):
        lots = 2**53 // largest + more
        one = held(LISTED, *book(LISTED, {"put-180-1900": lots - 3, "call-7-1500": 3}))
        table = ScenarioTable(RULES["second"], LISTED, books_of_held(LISTED, [one]))
        assert (table.grid(rows).numbers.size == 0) == bool(more)
        table.step(now)
        found = standing(rows, one)
        assert (table.standing.surplus[0], table.standing.required[0]) == (found.low, found.required)
