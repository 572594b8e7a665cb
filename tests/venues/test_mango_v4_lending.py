"""Interest, fees, moving weights and the stable price of Mango v4, at the points where they turn."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from solvent.rules import RulesError
from solvent.venues.mango_v4 import lending, stable_price
from solvent.venues.mango_v4.account import (
    Account,
    Prices,
    SpotOrders,
    Token,
    TokenWeights,
)
from solvent.venues.mango_v4.rules import rate_curve

D = Decimal
ONE = Prices(D(1), D(1))


def test_the_rate_curve_turns_at_its_points_and_is_clamped():
    curve = lending.RateCurve(*map(D, ("0.01", "0.5", "0.02", "0.75", "0.05", "0.5")))
    for used, want in (
        ("-1", "0.01"),
        ("0.5", "0.02"),
        ("0.75", "0.05"),
        ("1", "0.5"),
        ("9", "0.5"),
        ("0.625", "0.035"),
    ):
        assert curve.at(D(used)) == D(want)
    assert curve._replace(scaling=D(4)).at(D("0.5")) == D("0.08")
    assert curve._replace(scaling=D(0)).at(D("0.5")) == D("0.02")
    assert rate_curve().at(D(1)) == 2
    with pytest.raises(RulesError, match="a rate curve needs"):
        curve._replace(util0=D("0.8")).at(D("0.5"))
    assert curve._replace(util0=D(0), util1=D(1)).at(D("0.5")) == D("0.035")


def test_scaling_moves_with_the_distance_from_the_target_and_never_below_one():
    for used, want in (("0.5", "4"), ("1", "4.016"), ("0.25", "3.992"), ("0", "3.984"), ("3", "4.016")):
        assert lending.new_scaling(D(4), D(used), D("0.5"), D("0.004")) == D(want)
    assert lending.new_scaling(D(1), D(0), D("0.5"), D("0.004")) == 1


def test_depositors_get_what_borrowers_pay_without_the_loan_fee():
    grown = lending.accrued(lending.Indices(), D("0.2"), D("0.5"), D("0.1"), lending.YEAR_SECONDS)
    assert grown == (D("1.1"), D("1.3"))
    twice = lending.accrued_in_steps(D("0.2"), D(1), D(0), lending.YEAR_SECONDS // 2, lending.YEAR_SECONDS)
    assert twice == (D("1.21"), D("1.21"))
    rest = lending.accrued_in_steps(D("0.2"), D(1), D(0), lending.YEAR_SECONDS, lending.YEAR_SECONDS * 3 // 2)
    assert rest.borrow == D("1.2") * D("1.1")
    with pytest.raises(RulesError, match="step_seconds"):
        lending.accrued_in_steps(D(1), D(1), D(0), 0, 9)


def test_collateral_fees_count_the_share_in_use():
    held = (Token("a", D(100), ONE, TokenWeights.around_one(D("0.8"), D("0.8"))), Token("b", D(-40), ONE))
    account, day = Account(held), D(lending.DAY_SECONDS)
    assert lending.collateral_fees(account, {"a": D("0.1"), "b": D("0.1")}, day) == {"a": D(5)}
    assert lending.collateral_fees(account, {"a": D("0.1")}, 9 * day, day)["a"] == 10  # two intervals at most
    assert lending.collateral_fees(account, {"a": D("0.1")}, day - 1, day)["a"] == 0
    deep = Account((held[0], replace(held[1], amount=D(-400))))
    assert lending.collateral_fees(deep, {"a": D("0.1")}, day)["a"] == 10  # all of it, and no more
    orders = (SpotOrders("a", "b", base_total=D(100)),)
    assert lending.collateral_fees(replace(account, spots=orders), {"a": D("0.1")}, day)["a"] == D("2.5")
    assert lending.collateral_fees(Account((replace(held[0], amount=D(-1)),)), {"a": D("0.1")}, day) == {}


@pytest.mark.parametrize(
    ("now", "want"), [("100", "1"), ("101", "1.001"), ("1099", "1.999"), ("1100", "2"), ("9999", "2")]
)
def test_weights_move_between_start_and_end(now, want):
    ramp = lending.Ramp(*map(D, ("100", "1100", "1", "0", "2", "10")))
    assert lending.ramped(ramp, D(now))[0] == D(want)


def test_falling_asset_weights_are_rounded_down_and_liability_weights_up():
    ramp = lending.Ramp(*map(D, ("0", "3", "1", "1", "0", "2")))
    asset, liab = lending.ramped(ramp, D(1))
    step = Fraction(1, 10**18)
    assert Fraction(asset) < Fraction(2, 3) < Fraction(asset) + step
    assert Fraction(liab) - step < Fraction(4, 3) < Fraction(liab)


def test_updates_closer_than_ten_seconds_are_ignored_and_long_gaps_count_ten_minutes():
    model = stable_price.StablePrice.reset(D(1))
    assert model.updated(9, D(2)) == model
    assert model.updated(10, D(2)).stable == D("1.003")
    assert model.updated(600, D(2)).stable == model.updated(3_000, D(2)).stable == D("1.18")
    late = model.updated(3_000, D(2))
    assert (late.weighted, late.weighed_seconds) == (1_200, 3_000)
    assert model.updated(600, D("1.1")).stable == D("1.1")
    assert model.updated(10, D("0.5")).stable == D("0.997")


def test_delay_prices_close_at_the_hour_with_their_limit():
    model = stable_price.observed(
        stable_price.StablePrice.reset(D(1)), stable_price.one_switch(60, 60, D(9), 9**9, D(1))
    )
    assert model.delays[0] == D("1.06")
    assert set(model.delays[1:]) == {D(1)}
    assert model.interval == 1
    gap = stable_price.StablePrice.reset(D(1)).updated(3 * 3_600, D(1))
    assert (gap.interval, set(gap.delays[3:])) == (3, {D(1)})
    assert set(gap.delays[:3]) == {D("0.94")}  # 600 of 10,800 seconds were weighed: far below, held by the limit
    day = stable_price.StablePrice.reset(D(1)).updated(25 * 3_600, D(1))
    assert set(day.delays) == {D("0.94")}
    with pytest.raises(RulesError, match="above 0, not 0"):
        stable_price.StablePrice.reset(D(0))


def test_the_stable_price_is_held_back_by_the_square_of_its_distance_from_the_delay_price():
    model = replace(stable_price.StablePrice.reset(D(1)), stable=D(2))
    assert model.updated(10, D(9)).stable == D("2.0015")
    below = replace(stable_price.StablePrice.reset(D(1)), stable=D("0.5"))
    assert below.updated(10, D(9)).stable == D("0.500375")
