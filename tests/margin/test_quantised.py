"""The scenario matrix in whole numbers: what can be said so, how it is rounded, and how near it stays to the rules."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Method, Purpose
from solvent.margin import assess_pool
from solvent.margin.scenario import Basis, GrowingDiscount, Move, PortfolioRules, Scenario, values
from solvent.margin.scenario.listing import Listing, grains_down, held, quotes
from solvent.margin.scenario.quantised import priced, quantise
from solvent.margin.scenario.quantised_account import Standing, assess_quantised, standing
from solvent.margin.scenario.quantised_form import KNOWN, NO_DISCOUNT, quantised_form
from solvent.rules import RulesError
from solvent.units import exact, shifted
from solvent.venues import venue
from solvent.venues.derive_pmrm2.rules import parameters
from solvent.venues.derive_srm.composing import with_parameters
from tests.engine.option_world import ETH, USDC, book, listing, market, netted_rules, random_book, rules_of_all

LISTED = listing()
RULES = rules_of_all()
STRUCTURES = sorted(RULES)


def with_rules(**changed):
    return with_parameters(venue("derive_pmrm2"), replace(parameters(), **changed))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(STRUCTURES), st.integers(0, 10**6), st.sampled_from([Purpose.MAINTAIN, Purpose.RECOVER]),
    st.sampled_from(["1", "0.97", "1.03"]),
)  # fmt: skip
def test_what_is_rounded_is_never_above_the_rules_and_never_far_below(structure, seed, purpose, stable):
    form, rng = quantised_form(RULES[structure], purpose), random.Random(seed)
    now = market(LISTED, spot=rng.choice(("1290.55", "1500", "1700.01")), funding=rng.randint(-9, 9), stable=stable)
    mine, holding = random_book(LISTED, rng, junk=structure != "first")
    found = assess_quantised(form, LISTED, mine, now, holding)
    rules = assess_pool(mine, now, RULES[structure], purpose, "p")
    assert found.low <= rules.high
    assert rules.low <= found.high
    lots = sum(abs(x) for x in held(LISTED, mine, holding).lots.values())
    assert found.high - found.low <= amount(4 * lots + 1)


def amount(grains):
    return shifted(Decimal(grains), -LISTED.places)


@exact
def sums(found):
    lines = found.lines
    return tuple(sum(getattr(line, name) for line in lines) for name in ("value", "equity", "required"))


def test_the_lines_sum_to_the_totals_and_the_surplus_is_its_lower_bound():
    rng = random.Random(2)
    rows = quantise(quantised_form(RULES["second"]), LISTED, quotes(LISTED, market(LISTED)))
    kinds = set()
    for _ in range(30):
        mine, holding = random_book(LISTED, rng)
        form = quantised_form(RULES["second"])
        found = assess_quantised(form, LISTED, mine, market(LISTED), holding, rows)
        assert (found.value, found.margin_equity, found.required) == sums(found)
        pool = held(LISTED, mine, holding)
        alone = standing(rows, pool)
        assert found.low == found.surplus == amount(alone.low)
        assert (found.margin_equity, found.required) == (
            amount(alone.equity),
            amount(alone.required),
        )
        assert found.high == amount(alone.high)
        kinds |= {line.kind for line in found.lines if line.required}
        if alone.worst >= 0:
            assert found.binding.subject == form.columns[alone.worst]
    assert kinds == {"scenario", "collateral_contingency", "option_contingency", "perp_contingency"}


def test_a_lot_held_and_a_lot_owed_are_both_rounded_against_the_account():
    form, now = quantised_form(netted_rules()), quotes(LISTED, market(LISTED))
    rows = quantise(form, LISTED, now)
    matrix = values(priced(form), now.series, now.expiries, form.rules.volatility)
    discount = now.expiries.discount[now.series.expiry]
    for thing in range(len(LISTED.options)):
        present = Fraction(float(matrix[0, thing])) * Fraction(float(discount[thing])) * 10**8 / 100
        held_, owed = (int(rows.value[2 * thing + side]) for side in (0, 1))
        assert held_ <= present
        assert owed <= -present
        assert -2 <= held_ + owed <= -1  # no more than a rounding each is lost
        for column, scenario in enumerate(form.scenarios):
            shocked = Fraction(float(matrix[1 + column, thing])) * 10**8 / 100
            weight = Fraction(0.8) * Fraction(scenario.weight)  # the factor is in it
            exact_ = (1 - weight) * present + weight * shocked * Fraction(float(discount[thing]))
            long, short = (int(rows.branches[0, 2 * thing + side, column]) for side in (0, 1))
            assert long <= exact_ < long + int(rows.width[2 * thing])
            assert short <= -exact_ < short + int(rows.width[2 * thing + 1])


def test_a_scenario_in_which_nothing_moves_is_left_out_and_the_basis_comes_first():
    form = quantised_form(netted_rules())
    assert "1.0 none" not in form.columns
    assert (len(form.columns), form.netted, form.basis) == (21, True, False)
    second = quantised_form(venue("derive_pmrm2"))
    assert (second.columns[0], len(second.columns), second.netted) == ("basis", 34, False)
    credit = replace(netted_rules().models[Method.SCENARIO].rules, static_discount=GrowingDiscount(0.9, 0.0, 0.0))
    assert "1.0 none" in quantised_form(with_parameters(venue("derive_pmrm2"), credit)).columns


def test_what_cannot_be_said_in_rows_is_refused_with_the_reason():
    one = Scenario("half", 1.1, gains=0.5)
    for rules, text in (
        (venue("generic"), "generic does not margin by this scenario engine"),
        (with_rules(scenarios=(one,)), "derive_pmrm2: scenario half: a share of gains must be 1 or at most 0"),
        (with_rules(scenarios=(Scenario("odd", 1.1, weight=-1.0),)), "scenario odd: a weight must not be negative"),
        (with_rules(basis=Basis(1.05, 0.95, -0.1, 0.0)), "basis: its multiples must not be negative"),
    ):
        with pytest.raises(RulesError, match=text):
            quantised_form(rules)
    for purpose in (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL):
        with pytest.raises(RulesError, match=f"{purpose.name} counts orders and uncertain prices"):
            quantised_form(venue("derive_pmrm1"), purpose)
    form = quantised_form(with_rules(static_discount=GrowingDiscount(1.1, 0.0, 0.0)))
    with pytest.raises(RulesError, match="counts what is owed for less than what is held"):
        quantise(form, LISTED, quotes(LISTED, market(LISTED)))


def test_every_part_of_the_rules_is_known_to_the_form():
    """A new part of portfolio rules is refused unless it is at its default; here is the place to teach it."""
    plain = PortfolioRules.__dataclass_fields__
    assert set(plain) >= KNOWN


@pytest.mark.parametrize("places", [4, 6, 10])
def test_coarser_grains_only_lower_the_surplus(places):
    rng, coarse = random.Random(3), listing(places)
    form, now = quantised_form(RULES["second"]), market(LISTED)
    for _ in range(5):
        mine, holding = random_book(LISTED, rng)
        exactly = assess_pool(mine, now, RULES["second"], Purpose.MAINTAIN, "p")
        found = assess_quantised(form, coarse, mine, now, holding)
        assert found.low <= exactly.high
        assert exactly.low <= found.high
    assert grains_down(coarse, -15) == {4: -1, 6: -15, 10: -150_000}[places]


def test_positions_in_any_order_give_the_same():
    rng = random.Random(8)
    form, now = quantised_form(RULES["first"]), market(LISTED)
    mine, holding = random_book(LISTED, rng, most=12, junk=False)
    first = assess_quantised(form, LISTED, mine, now, holding)
    for _ in range(5):
        shuffled = replace(holding, positions=tuple(rng.sample(holding.positions, len(holding.positions))))
        found = assess_quantised(form, LISTED, mine, now, shuffled)
        assert (found.surplus, found.required, found.binding) == (first.surplus, first.required, first.binding)


def test_legs_of_one_contract_and_costs_of_perpetuals_are_netted():
    mine, holding = book(LISTED, {"ETH-PERP": 10}, cash=5, funding=3)
    twice = replace(holding, positions=holding.positions * 2)
    assert held(LISTED, mine, twice).lots == {len(LISTED.options): 20}
    (position,) = holding.positions
    assert held(LISTED, mine, holding).fixed == 100 * (5 - position.cost + 30)
    gone = replace(holding, positions=(position, replace(position, lots=-10, cost=-position.cost)))
    assert held(LISTED, mine, gone)[:2] == ({}, 500)


def test_what_is_not_listed_is_refused():
    mine, holding = book(LISTED, {"call-7-1500": 1})
    other = Listing("ETH", USDC, LISTED.options[:2])
    with pytest.raises(RulesError, match="pool p: call-7-1500 is not listed for the quantised scan"):
        held(other, mine, holding)
    with pytest.raises(RulesError, match="pool p: ETH is not listed for the quantised scan"):
        held(other, *book(LISTED, {}, coins=[("ETH", 1)]))
    with pytest.raises(RulesError, match=r"a balance of 1E-18 ETH must be a whole number of steps of 0.001"):
        held(LISTED, mine, replace(holding, cash={"ETH": 1}))
    with pytest.raises(RulesError, match="something is listed twice"):
        Listing("ETH", USDC, LISTED.options[:1] * 2)
    with pytest.raises(RulesError, match="a quantised scan of BTC does not cover call-1-1200"):
        Listing("BTC", USDC, LISTED.options[:1])
    with pytest.raises(RulesError, match="must be of one size"):
        Listing("ETH", USDC, (LISTED.options[0], replace(LISTED.options[1], lot_size=Decimal(1))))
    with pytest.raises(RulesError, match="covers linear contracts settled in ETH"):
        Listing("ETH", ETH, LISTED.options[:1])
    owing = replace(market(LISTED), interest={"USDC": 5})
    with pytest.raises(RulesError, match=r"market.interest.USDC: .* settle it in cash"):
        quotes(LISTED, owing)


def test_a_row_that_leaves_61_bits_is_refused():
    fine = Listing("ETH", USDC, LISTED.options, places=18)
    with pytest.raises(RulesError, match="choose fewer places or smaller lots"):
        quantise(quantised_form(RULES["second"]), fine, quotes(fine, market(fine)))


def test_verdicts_flip_at_the_line():
    for inclusive in (False, True):
        assert Standing(0, 5, 0, 3, 0).sound(inclusive=inclusive) is not inclusive
        assert Standing(0, 0, 0, 3, 0).sound(inclusive=inclusive)
        assert Standing(0, 5, 1, 3, 0).sound(inclusive=inclusive)
        assert not Standing(0, 5, -1, 0, 0).sound(inclusive=inclusive)
        assert Standing(0, 5, -4, -1, 0).breached(inclusive=inclusive)
        assert Standing(0, 5, -4, 0, 0).breached(inclusive=inclusive) is inclusive
        assert not Standing(0, 0, -4, 0, 0).breached(inclusive=inclusive)
        assert not Standing(0, 5, -4, 1, 0).breached(inclusive=inclusive)


def test_open_shorts_and_perpetuals_are_charged_by_the_lot():
    form, now = quantised_form(RULES["second"]), quotes(LISTED, market(LISTED))
    rows = quantise(form, LISTED, now)
    own = form.rules.maintenance
    assert rows.naked == int(own.option * 15 * 10**8)
    assert rows.perp == int(own.perp * 15 * 10**8)
    mine, holding = book(LISTED, {"call-7-1500": -7, "put-7-1500": 3, "put-7-1400": 9, "ETH-PERP": -4})
    pool = held(LISTED, mine, holding)
    assert (pool.naked, pool.perp) == (4, -4)
    free = rows._replace(naked=0, perp=0)
    assert standing(rows, pool).required - standing(free, pool).required == 4 * rows.naked + 4 * rows.perp


def test_coins_are_charged_when_held_and_not_when_owed():
    form = quantised_form(RULES["netted"])
    rows = quantise(form, LISTED, quotes(LISTED, market(LISTED)))
    first = 2 * LISTED.first_coin
    assert rows.charge[first + 2] == 1500 * 997 * 15  # the price in thousandths, 15 %, a thousandth of a coin
    assert (rows.charge[first + 1 :: 2] == 0).all()
    assert not rows.charge[:first].any()


def test_nothing_listed_but_cash_and_no_scenario_at_all():
    empty = Listing("ETH", USDC, ())
    form = quantised_form(with_rules(scenarios=(), basis=Basis(1.0, 1.0, 0.0, 0.0), static_discount=NO_DISCOUNT))
    rows = quantise(form, empty, quotes(empty, market(empty)))
    assert rows.branches.shape == (1, 0, 0)
    pool = held(empty, *book(empty, {}, cash=7))
    assert standing(rows, pool)._replace(high=0) == Standing(700, 0, 700, 0, -1)


def test_the_smile_counts_gains_against_the_account():
    """A scenario whose share of gains is −1: whichever way the wings move, the pool loses."""
    skews = tuple(one for one in parameters().scenarios if one.move in (Move.SKEW_LINEAR, Move.SKEW_ABSOLUTE))
    assert skews
    assert all(one.gains == -1.0 for one in skews)
    rules = with_rules(scenarios=skews, basis=Basis(1.0, 1.0, 0.0, 0.0), static_discount=NO_DISCOUNT)
    form, now = quantised_form(rules), market(LISTED)
    for lots in ({"call-31-1900": 50}, {"call-31-1900": -50}):
        mine, holding = book(LISTED, lots)
        found = assess_quantised(form, LISTED, mine, now, holding)
        taken = next(line.required for line in found.lines if line.kind == "scenario")
        assert taken > 1
        assert np.isclose(float(taken), -0.8 * float(worst_smile(form, now, lots)), rtol=1e-6)


def worst_smile(form, now, lots):
    have = quotes(LISTED, now)
    matrix = values(priced(form), have.series, have.expiries, form.rules.volatility)
    ((symbol, count),) = lots.items()
    k = LISTED.row[symbol]
    discount = have.expiries.discount[have.series.expiry[k]]
    return min(-abs(count / 100 * discount * (one - matrix[0, k])) for one in matrix[1:, k])
