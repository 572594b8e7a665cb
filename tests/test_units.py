"""Amounts, scales and the exact context."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.units import Asset, Rounding, UnitsError, divide, exact, parse, root, shifted

numbers = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=9)


@given(numbers, numbers.filter(lambda n: n > 0), st.integers(0, 18))
def test_divide_rounds_once_to_the_named_side(top: Decimal, bottom: Decimal, scale: int) -> None:
    true = Fraction(top) / Fraction(bottom)
    down, up = (Fraction(divide(top, bottom, scale, side)) for side in (Rounding.DOWN, Rounding.UP))
    unit = Fraction(1, 10**scale)
    assert down <= true <= up
    assert up - down in (0, unit)
    assert (down / unit).denominator == 1


@given(numbers, st.integers(-20, 20))
def test_shifted_is_exact_in_any_context(number: Decimal, places: int) -> None:
    with localcontext(Context(prec=3)):
        assert Fraction(shifted(number, places)) == Fraction(number) * Fraction(10) ** places


def test_an_amount_finer_than_a_unit_is_refused_by_name() -> None:
    with pytest.raises(UnitsError, match=r"deposit 0\.1234567 USDT must be a whole number of 1e-6 USDT"):
        Asset("USDT", 6).units(Decimal("0.1234567"), "deposit")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "x", "", "1,5"])
def test_what_is_no_finite_decimal_is_refused(text: str) -> None:
    with pytest.raises(UnitsError, match="size must be a finite decimal"):
        parse(text, "size")


@pytest.mark.parametrize("value", [1.5, True, None])
def test_floats_and_flags_are_not_decimals(value: object) -> None:
    with pytest.raises(UnitsError, match="decimal given as text"):
        parse(value, "size")  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [-1, 31])
def test_scales_are_bounded(scale: int) -> None:
    with pytest.raises(UnitsError, match="scale of asset X must be 0 to 30"):
        Asset("X", scale)


def test_exact_refuses_to_round_and_leaves_the_callers_context_alone() -> None:
    @exact
    def lossy() -> Decimal:
        return Decimal(1) / Decimal(3)

    with localcontext(Context(prec=5)) as outer:
        with pytest.raises(Inexact):
            lossy()
        assert outer.prec == 5


@given(st.integers(-(2**62), 2**62), st.integers(0, 30))
def test_units_and_amounts_are_inverse(units: int, scale: int) -> None:
    asset = Asset("A", scale)
    assert asset.units(asset.amount(units)) == units


@given(numbers.filter(lambda n: n >= 0), st.integers(0, 18))
def test_a_root_is_rounded_once_to_the_named_side(square: Decimal, scale: int) -> None:
    down, up = (Fraction(root(square, scale, side)) for side in (Rounding.DOWN, Rounding.UP))
    assert down**2 <= Fraction(square) <= up**2
    assert up - down in (0, Fraction(1, 10**scale))


def test_a_root_that_is_whole_is_not_rounded_and_a_negative_has_none() -> None:
    assert root(Decimal("0.09"), 1, Rounding.UP) == root(Decimal("0.09"), 1, Rounding.DOWN) == Decimal("0.3")
    for wrong, side in ((Decimal(-1), Rounding.UP), (Decimal(1), Rounding.HALF_UP)):
        with pytest.raises(UnitsError, match="expected a number of at least zero and a rounding down or up"):
            root(wrong, 0, side)
