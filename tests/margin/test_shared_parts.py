"""Parts several venues compose: curves on size and entry value, account lines, weights, grids, what a book declares."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.book import BookError, Market, PriceKey, PriceKind, Purpose
from solvent.instruments import OptionKind
from solvent.margin import curves, grids, options, unified, weights
from solvent.margin.declared import asset_of, instrument_of
from solvent.rates import RatesError, Schedule, kinked, utilisation
from solvent.rules import RulesError, Sized
from solvent.samples import two_positions
from solvent.units import exact

D = Decimal
EMPTY = Market({})
EVEN = curves.EvenSteps(D("0.01"), D("0.005"), D(200), D(150))
SIZES = st.decimals(-1000, 1000, places=3)


@exact
def needed(curve, size="0", cost="0", notional="1000", market=EMPTY):
    return curve.at_size(Sized("X", D(size), D(cost), market)).at(D(notional))


# --- rates of a whole amount ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "rate"), [("0", "0.02"), ("10", "0.02"), ("10.001", "0.03"), ("99", "0.03")])
def test_an_upper_bound_belongs_to_its_step_and_the_fee_is_on_every_step(amount, rate):
    steps = curves.Steps(Schedule.step([("0", "0.015"), ("10", "0.025")]), added=D("0.005"))
    assert steps.at(D(amount)) == D(rate)


@pytest.mark.parametrize(
    ("amount", "count"), [("0", 0), ("200", 0), ("200.001", 1), ("350", 1), ("350.001", 2), ("1000000", 6666)]
)
def test_even_steps_rise_without_end(amount, count):
    assert EVEN.count(D(amount)) == count
    assert EVEN.at(D(amount)) == D("0.01") + count * D("0.005")


def test_even_steps_without_a_base_are_flat_and_need_a_positive_width():
    assert curves.EvenSteps(D("0.01"), D("0.005")).at(D(10**9)) == D("0.01")
    with pytest.raises(RulesError, match="step must be positive, not 0"):
        curves.EvenSteps(D("0.01"), D("0.005"), D(1), D(0))


def test_a_slope_is_exact_unless_it_is_per_something_and_then_rounded_up():
    assert curves.Sloped(D("0.02"), D("1e-30")).at(D(3)) == D("0.020000000000000000000000000003")
    third = curves.Sloped(D("0.02"), D(1), per=D(3)).at(D(1))
    assert third == D("0.353333333333333334")
    assert curves.Sloped(D("0.02"), D(1), per=D(3), share=D("0.5")).at(D(1)) == D("0.176666666666666667")


# --- curves --------------------------------------------------------------------------------------------------------


@given(SIZES.filter(bool))
def test_both_sides_of_a_market_require_the_same(size):
    for curve in (
        curves.RateBySize(curves.Sloped(D("0.01"), D("0.0001")), minimum=D(3)),
        curves.RateBySize(curves.Steps(Schedule.step([("0", "0.01"), ("7", "0.02")]))),
        curves.RateByEntry(EVEN),
        curves.OnEntry(Schedule.marginal([("0", "0.01"), ("7", "0.02")])),
        curves.OnEntryAtLeast(Schedule.flat("0.01"), D(2)),
    ):
        assert needed(curve, size, size) == needed(curve, size.copy_negate(), size.copy_negate()) > 0


def test_a_rate_by_size_is_on_notional_and_a_minimum_comes_on_top():
    curve = curves.RateBySize(curves.Sloped(D("0.01"), D("0.001")), minimum=D(5))
    assert needed(curve, "-10") == D(25)
    assert needed(curve, "-10", notional="2000") == D(45)
    assert needed(curve, "0") == 0
    assert curve.rate(D(-10)) == D("0.02")


def test_an_inverse_size_is_found_at_the_mark():
    market = Market({PriceKey(PriceKind.MARK, "X", "USD"): D(50_000)})
    curve = curves.RateBySize(curves.Sloped(D("0.01"), D("0.001")), quote="USD")
    assert needed(curve, "500000", market=market) == D(20)
    with pytest.raises(BookError, match="X"):
        needed(curve, "500000")


@pytest.mark.parametrize("notional", ["0", "1", "100000"])
def test_what_is_on_entry_value_does_not_move_with_the_price(notional):
    assert needed(curves.RateByEntry(EVEN), "1", "-230", notional) == D("3.45")
    assert needed(curves.OnEntry(Schedule.flat("0.5")), "1", "-120", notional) == D(60)


@pytest.mark.parametrize(("cost", "expected"), [("99", "1"), ("100", "1"), ("101", "1.01"), ("-200", "2")])
def test_a_least_amount_holds_for_small_positions_and_not_for_none(cost, expected):
    curve = curves.OnEntryAtLeast(Schedule.flat("0.01"), D(1))
    assert needed(curve, "1", cost) == D(expected)
    assert needed(curve, "0", cost) == 0


# --- account lines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "fee"), [(1, "24.75"), (-1, "30.25")])
def test_the_fee_to_close_is_on_the_value_at_bankruptcy(shift, fee):
    assert unified.closing_fee(D(50_000), 10, shift, 550) == D(fee)


def test_margins_are_rounded_against_the_account_and_ratios_say_what_they_need():
    assert unified.initial_margin(D(1), D(3), places=2) == D("0.34")
    assert unified.margin_share(D(1), D(3), places=2) == D("0.34")
    assert unified.margin_cover(D(1), D(3), places=2) == D("0.33")
    with pytest.raises(RulesError, match="equity must be above zero for a share of it, not 0"):
        unified.margin_share(D(1), D(0))
    with pytest.raises(RulesError, match="maintenance margin must be above zero for a ratio, not -1"):
        unified.margin_cover(D(1), D(-1))


# --- weights -------------------------------------------------------------------------------------------------------


def test_tiers_of_quantity_follow_the_price_and_nothing_counts_above_the_last_bound():
    tiers = weights.quantity_tiers([(D(10), D("0.98")), (D(20), D("0.9"))])
    counting = tiers.counting(Purpose.MAINTAIN, D(15), D(100), EMPTY)
    assert [counting.schedule.at(D(v)) for v in (1000, 1500, 2000, 9000)] == [980, 1430, 1880, 1880]
    assert counting.debt_rate == 1
    assert tiers.counting(Purpose.MAINTAIN, D(15), D(0), EMPTY).schedule is None


def test_tables_by_upper_bound_are_refused_where_only_the_last_may_be_open():
    assert weights.floors([(D(10), D(1)), (None, D(2))]) == [(0, 1), (10, 2)]
    with pytest.raises(RulesError, match="only the last tier"):
        weights.floors([(None, D(1)), (D(2), D(1))])
    with pytest.raises(RulesError, match="at least one row"):
        weights.floors([])
    with pytest.raises(RatesError, match="must not rise"):
        weights.quantity_tiers([(D(10), D("0.9")), (None, D("0.95"))])


@pytest.mark.parametrize(("amount", "weight"), [("0", "0.99"), ("250", "0.99"), ("700", "0.972"), ("9999", "0.95")])
def test_a_discount_grows_with_the_amount_between_its_limits(amount, weight):
    terms = weights.AmountDiscount("ETH", "depth", D(2), D("0.01"), D("0.05"))
    deep = Market({}, wide={("depth", "ETH"): D(50_000)})
    assert terms.counting(Purpose.MAINTAIN, D(amount), D(7), deep).schedule.at(D(1)) == D(weight)
    assert terms.counting(Purpose.MAINTAIN, D(amount), D(7), EMPTY).schedule.at(D(1)) == D("0.95")


@pytest.mark.parametrize(
    ("value", "asset", "debt"),
    [("99", "0.8", "1.2"), ("100", "0.8", "1.2"), ("300", "0.26", "3.6"), ("700", "0.11", "8.4")],
)
def test_weights_scale_above_the_start(value, asset, debt):
    assert weights.pool_scaled_weight(D("0.8"), D(value), D(100), places=2) == D(asset)
    assert weights.pool_scaled_debt(D("1.2"), D(value), D(100), places=2) == D(debt)


def test_without_a_start_nothing_is_scaled_and_a_start_of_nothing_is_named():
    assert weights.pool_scaled_weight(D("0.8"), D(10**9), None) == D("0.8")
    assert weights.pool_scaled_debt(D("1.2"), D(10**9), None) == D("1.2")
    with pytest.raises(RulesError, match="start of SOL must be above 0"):
        weights.pool_scaled_debt(D("1.2"), D(1), D(0), "start of SOL")


# --- rates of loans, grids, options, declarations -------------------------------------------------------------------


@pytest.mark.parametrize(("used", "rate"), [("0", "0.02"), ("0.8", "0.1"), ("0.9", "0.6"), ("1", "1.1")])
def test_a_kinked_rate_turns_at_its_kink(used, rate):
    assert kinked(D(used), D("0.8"), D("0.02"), D("0.1"), D(5)) == D(rate)


@pytest.mark.parametrize(
    ("borrowed", "supplied", "expected"), [("1", "3", "0.34"), ("3", "3", "1"), ("4", "3", "1"), ("1", "0", "7")]
)
def test_utilisation_is_at_most_one_and_rounded_up(borrowed, supplied, expected):
    assert utilisation(D(borrowed), D(supplied), 2, of_nothing=D(7)) == D(expected)


def test_a_linear_position_gains_its_value_times_each_move():
    assert grids.linear_results(D(-50), [D("-0.1"), D(0), D("0.1")]) == (5, 0, -5)


@pytest.mark.parametrize("price", ["90", "100", "110"])
def test_an_option_is_in_the_money_on_one_side_only(price):
    for kind, sign in ((OptionKind.CALL, 1), (OptionKind.PUT, -1)):
        worth, away = options.intrinsic(kind, D(100), D(price)), options.out_of_the_money(kind, D(100), D(price))
        assert worth - away == sign * (D(price) - 100)
        assert min(worth, away) == 0


def test_what_a_book_does_not_declare_is_named_with_what_it_does():
    book = two_positions()[0]
    assert asset_of(book, "USDT").scale >= 0
    with pytest.raises(BookError, match=r"assets: 'X' is not declared; there are \['"):
        asset_of(book, "X")
    with pytest.raises(BookError, match=r"instruments: 'X' is not declared; there are \['BTCUSDT'"):
        instrument_of(book, "X")
