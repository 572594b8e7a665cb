"""Portfolio margin by ten prices: points, classes, minima, groups, and the account's laws."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import BookError, Method, Order, Purpose
from solvent.conformance import Outcome, conform
from solvent.instruments import Exercise, OptionKind, Perpetual
from solvent.margin import assess_pool
from solvent.pricing import american
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.reg_t.listing import DOLLAR
from solvent.venues.tims.account import Moves, MovesTable, PortfolioAccount, ProductGroup, Scanned, group_required, scan
from solvent.venues.tims.rules import exercise_of, quotes_of_2007, with_class
from solvent.venues.tims.valuation import Listed, Spot, implied, option_changes, points
from tests.venues.securities import JULY, JUNE, D, account, leg

VECTORS = Path(__file__).parent.parent / "vectors" / "tims.json"
RULES = venue("tims")
ORDER = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL, Purpose.RECOVER, Purpose.MAINTAIN)
CALL, PUT = OptionKind.CALL, OptionKind.PUT


def held(*legs, underlying="X", **more):
    return account(underlying, *legs, method=Method.SCENARIO, **more)


def needed(*legs, rules=RULES, **more):
    return assess_pool(*held(*legs, **more), rules, Purpose.MAINTAIN, "securities").required


def test_every_vector_passes():
    report = conform([VECTORS])
    assert report.as_json()["failures"] == []
    assert len(report.of(Outcome.PASSED)) == 22


@exact
def test_ten_points_are_equidistant_and_the_last_ones_are_the_whole_move():
    up = [D(3 * k) / 100 for k in range(1, 6)]
    assert points(D("0.15"), D("-0.15"), 10) == (*up, *(-one for one in up))
    for wrong in (0, 1, 7, -2):
        with pytest.raises(BookError, match="expected an even number"):
            points(D("0.1"), D("-0.1"), wrong)


def test_stock_needs_its_worst_move_and_no_minimum():
    assert needed(("stock", 100, 100)) == needed(("stock", -100, 100)) == 1500
    assert needed(("stock", 100, 100), rules=with_class(RULES, "X", D("0.1"), D("-0.2"), 10, D("37.5"), D(100))) == 2000
    assert (
        needed(("stock", -100, 100), rules=with_class(RULES, "X", D("0.1"), D("-0.2"), 10, D("37.5"), D(100))) == 1000
    )


def test_a_hedged_class_needs_the_minimum_a_contract():
    """A conversion's legs cancel at every price; one contract short and one long count two minima."""
    legs = [leg("stock", 100, "100"), leg("put", 1, "5", "100"), leg("call", -1, "5", "100")]
    book, market = held(*legs, exercise=Exercise.EUROPEAN)
    found = assess_pool(book, market, RULES, Purpose.MAINTAIN, "securities")
    assert (found.required, found.binding.kind) == (75, "minimum")
    (one,) = scan(book, market, RULES, "securities")
    assert one.point is None
    assert max(abs(gain) for gain in one.classes[0].gains) < D("0.001")


def test_an_index_and_its_fund_are_one_class_and_two_stocks_are_not():
    fund = leg("stock", 1000, "145")._replace(symbol="SPY")
    hedged = held(fund, ("call", -1, "20", 1460), underlying="SPX", price="1450", exercise=Exercise.EUROPEAN)
    alone = held(fund, underlying="SPX", price="1450")
    assert len(scan(*hedged, RULES, "securities")) == 1
    of_both, of_one = (assess_pool(*one, RULES, Purpose.MAINTAIN, "securities").required for one in (hedged, alone))
    assert of_both < of_one == D("0.08") * 145_000
    apart = held(leg("stock", 100, "10")._replace(symbol="A"), leg("stock", -100, "10")._replace(symbol="B"))
    assert assess_pool(*apart, RULES, Purpose.MAINTAIN, "securities").required == 300


def test_a_group_credits_a_share_of_gains_and_sums_the_minima():
    one = Scanned("A", (D(-100), D(80)), D(0), D(7))
    other = Scanned("B", (D(90), D(-60)), D(0), D(5))
    group = ProductGroup("G", frozenset("AB"), D("0.9"))
    assert group_required(group, [one, other])[:3] == ("G", D("19.0"), 0)
    flat = [Scanned("A", (D(-11), D(0)), D(0), D(7)), Scanned("B", (D(0), D(0)), D(0), D(5))]
    assert group_required(group, flat)[:3] == ("G", D(12), None)
    with pytest.raises(RulesError, match="different numbers of points"):
        group_required(group, [one, Scanned("B", (D(1),), D(0), D(0))])
    grouped = MovesTable(Moves(D("0.1"), D("-0.1")), groups=(ProductGroup("AB", frozenset("AB"), D("0.5")),))
    rules = replace(RULES, models={Method.SCENARIO: PortfolioAccount(grouped)})
    apart = held(leg("stock", 100, "10")._replace(symbol="A"), leg("stock", -100, "10")._replace(symbol="B"))
    assert assess_pool(*apart, rules, Purpose.MAINTAIN, "securities").required == 50


def test_american_options_are_worth_what_exercise_brings_and_european_ones_may_be_less():
    spot = Spot(D(100), D("0.10"))
    listed = Listed("P", PUT, D(120), D("20.05"), D(1), Exercise.AMERICAN)
    assert implied(listed._replace(price=D(20)), spot) == 0  # exercise alone tells no volatility
    dearer = listed._replace(price=D("20.5"))
    assert 0 < implied(dearer, spot) < implied(dearer._replace(exercise=Exercise.EUROPEAN), spot)
    deep = listed._replace(price=D(20), strike=D(120))
    down = option_changes(deep, spot, [D("-0.5")]).gains[0]
    assert down == 50
    assert option_changes(deep._replace(exercise=Exercise.EUROPEAN), spot, [D("-0.5")]).gains[0] < 40
    at_exercise = Listed("P", PUT, D(200), D(100), D(1), Exercise.AMERICAN)
    assert implied(at_exercise, Spot(D(100), D("0.10"))) == pytest.approx(0.59, abs=0.6)


def test_exercise_before_the_last_day_is_part_of_the_value():
    """A put with interest and a call with dividends are worth more than European ones at the same volatility."""
    spot = Spot(D(100), D("0.05"), D("0.05"))
    for kind in (CALL, PUT):
        early = Listed("X", kind, D(100), D("9.5"), D(1), Exercise.AMERICAN)
        vol = implied(early, spot)
        assert float(american(100.0, 100.0, 1.0, vol, kind is CALL, 0.05, 0.05)) == pytest.approx(9.5, abs=1e-6)
        move = D("-0.1") if kind is PUT else D("0.1")
        gained = option_changes(early, spot, [move])
        want = float(american(100.0 * (1 + float(move)), 100.0, 1.0, vol, kind is CALL, 0.05, 0.05)) - 9.5
        assert float(gained.gains[0]) == pytest.approx(want, abs=1e-9)
        assert D("2e-4") < gained.error < D("2e-3")  # four millionths of spot and strike
    for kind, still in ((CALL, Spot(D(100), D("0.05"))), (PUT, Spot(D(100), D(0), D("0.05")))):
        late = Listed("X", kind, D(100), D("9.5"), D(1), Exercise.AMERICAN)
        assert implied(late, still) == implied(late._replace(exercise=Exercise.EUROPEAN), still)
        assert option_changes(late, still, [D("0.1")]).error < D("1e-8")


def test_a_price_that_no_volatility_gives_is_refused_unless_it_is_exercise():
    spot = Spot(D(100), D(0))
    with pytest.raises(BookError, match="expected a price that some volatility gives"):
        implied(Listed("C", CALL, D(90), D(9), D(1), Exercise.EUROPEAN), spot)
    assert implied(Listed("C", CALL, D(90), D("9.95"), D(1), Exercise.AMERICAN), spot) == 0
    with pytest.raises(BookError, match="expected a price"):
        implied(Listed("C", CALL, D(90), D(101), D(1), Exercise.AMERICAN), spot)
    with pytest.raises(BookError, match="expired"):
        implied(Listed("C", CALL, D(90), D(12), D(0), Exercise.AMERICAN), spot)


def test_the_account_counts_options_at_their_prices():
    found = assess_pool(
        *held(("stock", 100, 100), ("call", -1, 3, 105), debit="4000"), RULES, Purpose.ADMIT, "securities"
    )
    assert found.value == found.margin_equity == 10_000 - 300 - 4000
    assert 0 < found.required < 1500
    assert found.binding.kind == "point 10"
    assert 0 < found.high - found.low < D("0.001")


def test_what_is_no_part_of_a_securities_account_is_refused():
    book, market = held(("call", 1, 3, 105))
    wrong = replace(book, instruments={"X-0": Perpetual("P", "X", DOLLAR, DOLLAR, D("0.01"), D(1))})
    with pytest.raises(RulesError, match="a perpetual is no part"):
        assess_pool(wrong, market, RULES, Purpose.MAINTAIN, "securities")
    ordered = book.with_holding(replace(book.holdings[0], orders=(Order("o", "X-0", 1, 1),)))
    with pytest.raises(RulesError, match="resting orders"):
        assess_pool(ordered, market, RULES, Purpose.MAINTAIN, "securities")


def test_rates_and_exercise_of_the_table_of_2007():
    assert exercise_of(RULES, "SPX") is Exercise.EUROPEAN
    assert exercise_of(RULES, "IBM") is Exercise.AMERICAN
    market = quotes_of_2007(held(("stock", 1, 1))[1])
    assert market.figure("dividend_yield", "SPX") == D("0.0147")


# Laws

legs = st.lists(
    st.tuples(
        st.sampled_from(["call", "put"]),
        st.sampled_from([-2, -1, 1, 2]),
        st.integers(24, 60).map(lambda n: D(n) / 2),
        st.sampled_from([90, 100, 110]),
        st.sampled_from([JUNE, JULY]),
    ),
    max_size=3,
)
shares = st.sampled_from([-200, -100, 100, 200])


@settings(max_examples=25, deadline=None)
@given(legs, shares)
def test_l07_every_purpose_finds_the_same(options, stock):
    book, market = held(*options, ("stock", stock, 100))
    assert len({assess_pool(book, market, RULES, purpose, "securities").surplus for purpose in ORDER}) == 1


@settings(max_examples=25, deadline=None)
@given(legs, shares, st.integers(1, 300))
@example([], -100, 100)
def test_l11_more_stock_lowers_no_surplus(options, stock, more):
    """A share is worth more than its worst move takes."""
    found = [
        assess_pool(*held(*options, ("stock", number, 100)), RULES, Purpose.MAINTAIN, "securities")
        for number in (stock, stock + more)
    ]
    assert found[0].surplus <= found[1].surplus


@settings(max_examples=25, deadline=None)
@given(legs, legs, shares)
@exact
def test_l12_two_portfolios_together_need_no_more_than_apart_before_minima(first, second, stock):
    rules = with_class(RULES, "X", D("0.15"), D("-0.15"), 10, D(0), D(100))
    parts = [[("stock", stock, 100), *first], [("stock", 100, 100), *second]]
    apart = sum(max(D(0), needed(*one, rules=rules)) for one in parts)
    both = needed(("stock", stock + 100 or 1, 100), *first, *second, rules=rules)
    assert both <= apart + (15 if stock == -100 else 0)
