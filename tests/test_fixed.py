"""Whole-number division: every rounding against exact fractions, on both signs, and no argument too large."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent import fixed
from solvent.units import Rounding, divide

NUMBERS = st.integers(-(2**200), 2**200)
HALF = Fraction(1, 2)


@given(NUMBERS, NUMBERS.filter(bool))
def test_each_rounding_is_that_of_the_exact_quotient(top: int, bottom: int) -> None:
    exact = Fraction(top, bottom)
    assert fixed.down(top, bottom) == floor(exact)
    assert fixed.up(top, bottom) == ceil(exact)
    assert fixed.towards_zero(top, bottom) == trunc(exact)
    assert fixed.half_up(top, bottom) == floor(exact + HALF)


@pytest.mark.parametrize(
    ("rounding", "function"),
    [
        (Rounding.DOWN, fixed.down),
        (Rounding.UP, fixed.up),
        (Rounding.TOWARDS_ZERO, fixed.towards_zero),
        (Rounding.HALF_UP, fixed.half_up),
    ],
)
@pytest.mark.parametrize(("top", "bottom"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (5, 3), (-5, 3), (6, 3), (0, -3)])
def test_decimal_division_rounds_as_whole_numbers_do(rounding, function, top, bottom) -> None:
    assert divide(Decimal(top), Decimal(bottom), 0, rounding) == function(top, bottom)


@pytest.mark.parametrize("function", [fixed.down, fixed.up, fixed.towards_zero, fixed.half_up])
def test_nothing_is_divided_by_zero(function) -> None:
    with pytest.raises(ZeroDivisionError):
        function(1, 0)


@pytest.mark.parametrize(("number", "expected"), [(-6, -5), (-5, -5), (0, 0), (5, 5), (6, 5)])
def test_a_number_is_held_inside_its_bound(number: int, expected: int) -> None:
    assert fixed.within(number, 5) == expected
    assert fixed.within(Decimal(number), Decimal(5)) == expected
