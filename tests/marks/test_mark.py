"""Mark formulas where they flip: exactly at the cap, at the ends of the funding interval, on and beside the tick."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.marks import (
    MarksError,
    basis_price,
    carry_price,
    contract_mark,
    median_of_three,
    moving_average,
    smoothed,
    to_tick,
)
from solvent.units import Rounding

PRICES = st.decimals("0.01", "100000", places=2)


@pytest.mark.parametrize(
    ("basis", "mark"), [("20", "1020"), ("20.01", "1020"), ("-20", "980"), ("-20.01", "980"), ("19.99", "1019.99")]
)
def test_the_basis_is_held_exactly_at_its_cap(basis, mark):
    assert basis_price(Decimal(1000), Decimal(basis), 20_000) == Decimal(mark)


@pytest.mark.parametrize(("left", "price"), [(0, "1000"), (1, "1000.33"), (2, "1000.66"), (3, "1001")])
def test_carry_falls_to_the_index_at_funding_time(left, price):
    assert carry_price(Decimal(1000), Decimal("0.001"), left, 3, 2) == Decimal(price)


def test_negative_carry_is_rounded_down_too():
    assert carry_price(Decimal(1000), Decimal("-0.001"), 1, 3, 2) == Decimal("999.66")


def test_averages_round_to_the_named_side_once():
    values = [Decimal(v) for v in ("1", "2", "2")]
    assert moving_average(values, 2) == Decimal("1.66")
    assert moving_average(values, 2, Rounding.UP) == Decimal("1.67")
    assert moving_average([-v for v in values], 2) == Decimal("-1.67")
    assert smoothed(Decimal(1), Decimal(2), 333_333, 5) == Decimal("1.33333")
    assert smoothed(Decimal(1), Decimal(2), 333_333, 5, Rounding.UP) == Decimal("1.33334")
    assert smoothed(Decimal(1), Decimal(2), 1_000_000, 0) == 2


@given(st.lists(PRICES, min_size=1, max_size=12))
def test_a_moving_average_is_within_one_step_of_the_fraction(values):
    exact = sum(map(Fraction, values)) / len(values)
    assert 0 <= exact - Fraction(moving_average(values, 3)) < Fraction(1, 1000)


@given(PRICES, PRICES, st.integers(1, 1_000_000))
def test_a_smoothed_price_stays_between_its_two(previous, value, weight_ppm):
    found = smoothed(previous, value, weight_ppm, 6)
    assert min(previous, value) <= found <= max(previous, value)


def test_smoothing_a_price_that_stands_still_comes_as_near_as_promised():
    price, weight_ppm, average = Decimal(110), 100_000, Decimal(100)
    for _ in range(400):
        average = smoothed(average, price, weight_ppm, 4)
    assert 0 <= Fraction(price) - Fraction(average) < Fraction(1, 10**4) / Fraction(weight_ppm, 10**6)


@pytest.mark.parametrize("last", ["1", "100", "100.5", "101", "500"])
def test_the_last_price_moves_the_mark_only_between_the_two_from_the_index(last):
    found = contract_mark(Decimal(100), Decimal(101), Decimal(last))
    assert found == min(max(Decimal(last), Decimal(100)), Decimal(101))


@given(PRICES, PRICES, PRICES)
def test_the_median_of_three_does_not_depend_on_their_order(a, b, c):
    assert median_of_three(a, b, c) == median_of_three(c, a, b) == median_of_three(b, a, c) == sorted([a, b, c])[1]


@pytest.mark.parametrize(
    ("price", "down", "up"), [("10.05", "10.05", "10.05"), ("10.051", "10.05", "10.10"), ("0.01", "0.05", "0.05")]
)
def test_a_mark_is_put_on_the_tick_to_the_named_side_and_never_at_zero(price, down, up):
    tick = Decimal("0.05")
    assert to_tick(Decimal(price), tick, Rounding.DOWN) == Decimal(down)
    assert to_tick(Decimal(price), tick, Rounding.UP) == Decimal(up)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: moving_average([], 2), "at least one value"),
        (lambda: smoothed(Decimal(1), Decimal(1), 0, 2), "weight_ppm must be 1 to 1,000,000, not 0"),
        (lambda: smoothed(Decimal(1), Decimal(1), 1_000_001, 2), "weight_ppm"),
        (lambda: basis_price(Decimal(0), Decimal(1), 1), "index must be a number greater than 0, not 0"),
        (lambda: basis_price(Decimal(1), Decimal(1), 1_000_000), "cap_ppm"),
        (lambda: carry_price(Decimal(1), Decimal(1), 4, 3, 2), "left_ns must be between 0 and the interval of 3 ns"),
        (lambda: carry_price(Decimal(1), Decimal(1), 0, 0, 2), "which is positive"),
        (lambda: carry_price(Decimal(1), Decimal(-1), 3, 3, 2), "carry price must be"),
        (lambda: contract_mark(Decimal(1), Decimal(1), Decimal("NaN")), "last price must be"),
        (lambda: to_tick(Decimal(1), Decimal(0), Rounding.UP), "tick size must be"),
    ],
)
def test_what_cannot_be_a_price_is_refused_by_name(make, words):
    with pytest.raises(MarksError, match=words):
        make()
