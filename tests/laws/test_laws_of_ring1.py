"""Laws of ring 1, liquidation and the ledger: a test each, and a planted fault that it notices (docs/laws.md)."""

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent import ledger
from solvent.book import Book, Holding, Pool, Purpose
from solvent.liquidation import Action, Stage, cover, filled, plan
from solvent.margin import UnsolvableError, assess_pool, liquidation_price
from solvent.margin.liquidation_price import market_at
from solvent.rates import Schedule
from solvent.rules import Collateral, Path
from solvent.units import exact
from solvent.venues import venue
from tests.laws import checkers
from tests.liquidation.worlds import RULES, troubled
from tests.margin.small_rules import Collaterals, small_rules
from tests.margin.test_liquidation_price import moving_along
from tests.margin.worlds import ASSETS, CONTRACTS, market, worlds

FORTY = settings(max_examples=40)


# L-08: liquidating helps


def falls(book, market, rules, step):
    """Whether surplus(RECOVER) is lower after a step filled whole at its own worst price."""
    if step.action is not Action.CLOSE:
        return False
    after = filled(book, market, rules, step, step.lots, step.worst_ticks)
    pair = [assess_pool(one, market, rules, Purpose.RECOVER, "p").surplus for one in (book, after)]
    return pair[1] < pair[0]


@FORTY
@given(troubled())
def test_l08_a_planned_step_lowers_nothing(case):
    book, market, quotes, _ = case
    closes = [step for step in plan(book, market, RULES, "p", quotes) if step.action is Action.CLOSE]
    for step in closes[:1]:  # later steps are planned on the book that the first leaves
        assert not falls(book, market, RULES, step)


def test_l08_notices_a_step_at_a_ruinous_price():
    """A step that would sell at a tenth of the mark."""
    found = []

    @settings(max_examples=120)
    @given(troubled())
    def look(case):
        book, market, quotes, _ = case
        for step in plan(book, market, RULES, "p", quotes)[:1]:
            worse = max(1, step.worst_ticks // 10) if step.lots < 0 else step.worst_ticks * 10
            if step.action is Action.CLOSE:
                found.append(falls(book, market, RULES, replace(step, worst_ticks=worse)))

    look()
    assert any(found)


# L-11: more collateral is never worse


def lowers(book, market, rules, units):
    """Whether more of an asset lowers a surplus."""
    more = book.with_holding(book.holding("cross").with_cash("BTC", units))
    return any(
        assess_pool(more, market, rules, p, "cross").surplus < assess_pool(book, market, rules, p, "cross").surplus
        for p in Purpose
    )


def heavier_haircut(weights):
    return Collaterals({"BTC": Collateral(dict.fromkeys(Purpose, weights), Decimal("1.05"))})


@FORTY
@given(worlds(), st.integers(0, 10**9), st.sampled_from(["generic", "small"]))
def test_l11_more_collateral_is_never_worse(world, units, name):
    book, market = world
    rules = small_rules() if name == "small" else venue(name)
    assert not lowers(book, market, rules, units)
    light, heavy = (
        replace(small_rules(), collateral=heavier_haircut(Schedule.weights([("0", w)]))) for w in ("0.9", "0.8")
    )
    for purpose in Purpose:
        surplus = [assess_pool(book, market, r, purpose, "cross").surplus for r in (heavy, light)]
        assert surplus[0] <= surplus[1]


def test_l11_notices_a_weight_that_falls_on_the_whole_value():
    rules = replace(small_rules(), collateral=heavier_haircut(Schedule.step([("0", "0.9"), ("90000", "0.1")])))
    holding = Holding(Pool("cross"), {"BTC": 290_000_000})  # 87,000 at 30,000; a fifth of a bitcoin more is 93,000
    book = Book(ASSETS, CONTRACTS, (holding,))
    assert lowers(book, market({}), rules, 20_000_000)
    assert not lowers(book, market({}), rules, 1_000_000)


# L-13: liquidation prices


def breach_test(book, prices, rules, symbol, along):
    moving = moving_along(book, symbol, along)

    def breached(ticks):
        moved = exact(market_at)(book, prices, moving, CONTRACTS[symbol], ticks)
        found = assess_pool(book, moved, rules, Purpose.MAINTAIN, "cross")
        return found.surplus < 0 or (rules.breach_inclusive and found.surplus == 0 and found.required > 0)

    return breached


def crossings(world, inclusive, along):
    """(crossing, breach test) of every position of a random book: coins as collateral, inverse legs, both legs."""
    book, prices = world
    rules = small_rules(breach_inclusive=inclusive)
    for position in book.holdings[0].positions:
        try:
            found = liquidation_price(book, prices, rules, "cross", position.symbol, along)
        except UnsolvableError:
            continue
        for crossing in found.crossings:
            yield crossing, breach_test(book, prices, rules, position.symbol, along)


PATHS = st.sampled_from([Path.INSTRUMENT, Path.UNDERLYING])


@settings(max_examples=80)
@given(worlds(orders=False), st.booleans(), PATHS)
def test_l13_the_verdict_turns_at_the_reported_tick(world, inclusive, along):
    for crossing, breached in crossings(world, inclusive, along):
        assert checkers.turns_at(breached, crossing.ticks, 1 if crossing.breach_below else -1).held


def test_l13_notices_a_tick_too_far():
    found = []

    @settings(max_examples=120)
    @given(worlds(orders=False), st.booleans(), PATHS)
    def look(world, inclusive, along):
        for crossing, breached in crossings(world, inclusive, along):
            step = 1 if crossing.breach_below else -1
            found.append(checkers.turns_at(breached, crossing.ticks + step, step).wrong)

    look()
    assert found
    assert all(found)


# L-15: the waterfall

UNITS = st.integers(0, 1_000)


@given(UNITS, UNITS, UNITS, st.lists(UNITS, max_size=3), st.lists(UNITS, max_size=3), st.permutations(range(3)))
def test_l15_losses_run_down_in_order(loss, equity, fund, adl, winners, order):
    stages = tuple(venue("generic").losses.stages[k] for k in order)
    rules = replace(venue("generic").losses, stages=stages)
    done = cover(
        rules, "P9", loss, equity_units=equity, fund_units=fund, adl_units=[(f"A{k}", n) for k, n in enumerate(adl)],
        winners_units={f"W{k}": n for k, n in enumerate(winners)},
    )  # fmt: skip
    log = checkers.in_waterfall_order([stage.value for stage in stages], loss, done.stages, done.left_units)
    assert log.held, log.wrong
    assert sum(posting.units for posting in done.postings) == 0


def test_l15_notices_a_stage_that_was_skipped():
    order = ["fund", "adl", "socialise"]
    skipped = (Stage("account", 0, 0), Stage("fund", 50, 49), Stage("adl", 10, 1), Stage("socialise", 0, 0))
    assert checkers.in_waterfall_order(order, 50, skipped, 0).wrong
    swapped = (skipped[0], Stage("adl", 10, 10), Stage("fund", 50, 40), skipped[3])
    assert checkers.in_waterfall_order(order, 50, swapped, 0).wrong


# L-19: explanations


@FORTY
@given(worlds(), st.sampled_from(list(Purpose)))
def test_l19_lines_sum_to_the_totals(world, purpose):
    book, market = world
    for rules in (small_rules(), venue("generic")):
        log = checkers.lines_add_up(assess_pool(book, market, rules, purpose, "cross"))
        assert log.held, log.wrong


# L-21: index accrual


def accrued(rng, interest_due, debts=30):
    """(due by index, exact sum of a loop over the same points, touches) of one debt."""
    units, index, touched, due, looped = -rng.randint(1, 10**15), 0, 0, 0, Fraction(0)
    touches = 0
    for _ in range(debts):
        growth = rng.randint(0, 10**7)
        index += growth
        if rng.random() < 0.4:
            charge = interest_due(units, index, touched)
            looped += Fraction(-units * (index - touched), ledger.TRILLION)
            due, touches, touched = due + charge, touches + 1, index
            units -= charge
    return due, looped, touches


@pytest.mark.parametrize("seed", range(40))
def test_l21_an_index_gives_what_a_loop_gives(seed):
    due, looped, touches = accrued(random.Random(seed), ledger.interest_due)
    assert not touches or checkers.accrual_like_a_loop(due, looped, touches).held


@pytest.mark.parametrize("seed", range(40))
def test_l21_funding_by_index_is_the_sum_of_its_payments(seed):
    rng = random.Random(seed)
    lots, index, touched, paid, looped = 0, 0, 0, 0, 0
    for _ in range(40):
        more = ledger.funding_per_lot(rng.randint(1, 10**6), 100, rng.randint(-(10**6), 10**6))
        index, looped = index + more, looped + lots * more
        if rng.random() < 0.5:
            paid += ledger.funding_due(lots, index, touched)
            lots, touched = lots + rng.randint(-50, 50), index
    assert paid + ledger.funding_due(lots, index, touched) == looped


def test_l21_notices_a_rounding_for_the_account():
    def rounded_down(units, index, touched):
        return -units * (index - touched) // ledger.TRILLION

    found = [checkers.accrual_like_a_loop(*accrued(random.Random(seed), rounded_down)).wrong for seed in range(20)]
    assert any(found)
