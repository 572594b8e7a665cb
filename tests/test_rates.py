"""Schedules against their definition, at and beside every floor."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solvent.rates import Piece, RatesError, Schedule, Slope
from solvent.units import exact, shifted

UNIT = Decimal("0.000001")


@st.composite
def brackets(draw: st.DrawFn) -> list[tuple[Decimal, Decimal]]:
    floors = sorted(draw(st.sets(st.integers(1, 10**7), max_size=6)))
    rates = sorted(draw(st.lists(st.integers(0, 500_000), min_size=len(floors) + 1, max_size=len(floors) + 1)))
    return list(zip(map(Decimal, [0, *floors]), (shifted(Decimal(r), -6) for r in rates), strict=True))


def charged(steps: list[tuple[Decimal, Decimal]], amount: Fraction) -> Fraction:
    """The tax-bracket definition, without deductions."""
    total = Fraction(0)
    for k, (floor, rate) in enumerate(steps):
        top = Fraction(steps[k + 1][0]) if k + 1 < len(steps) else amount
        total += Fraction(rate) * max(Fraction(0), min(amount, top) - Fraction(floor))
    return total


@exact
def around(schedule: Schedule) -> list[Decimal]:
    """Amounts at, one unit below and one unit above every floor."""
    edges = [piece.floor for piece in schedule.pieces]
    return [edge + step for edge in edges for step in (-UNIT, Decimal(0), UNIT) if edge + step >= 0]


@given(brackets(), st.integers(0, 2 * 10**7))
def test_marginal_is_the_tax_bracket(steps: list[tuple[Decimal, Decimal]], amount: int) -> None:
    schedule = Schedule.marginal(steps)
    assert schedule.continuous
    for one in [*around(schedule), Decimal(amount)]:
        assert Fraction(exact(schedule.at)(one)) == charged(steps, Fraction(one))


@given(brackets(), st.integers(0, 10**7))
def test_the_inverse_is_the_largest_amount_within(steps: list[tuple[Decimal, Decimal]], value: int) -> None:
    schedule = Schedule.marginal(steps)
    found = schedule.inverse(Decimal(value))
    if found is None:
        assert charged(steps, Fraction(10**12)) <= value
        return
    assert charged(steps, found) <= value
    assert charged(steps, found + Fraction(1, 10**9)) > value


def test_a_bracket_owns_its_upper_bound() -> None:
    schedule = Schedule.step([("0", "0.01"), ("2000", "0.02")])
    assert schedule.at(Decimal(2000)) == 20
    assert schedule.at(Decimal(2001)) == Decimal("40.02")
    assert not schedule.continuous


def test_binance_deductions_of_the_published_bitcoin_brackets() -> None:
    """floor·(rate − previous rate) + previous deduction: 50, 950, 11,450, 131,450 (brackets of 2024-10-24)."""
    schedule = Schedule.marginal(
        [("0", "0.004"), ("50000", "0.005"), ("600000", "0.0065"), ("3000000", "0.01"), ("12000000", "0.02")]
    )
    assert [piece.deduction for piece in schedule.pieces] == [0, 50, 950, 11_450, 131_450]


def test_weights_stop_at_their_cap() -> None:
    schedule = Schedule.weights([("0", "0.9"), ("10", "0.5")], cap="20")
    assert [schedule.at(Decimal(v)) for v in (0, 10, 20, 21, 1000)] == [0, 9, 14, 14, 14]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([("0", "0.5"), ("10", "0.9")], "must not rise"),
        ([("0", "1.1")], "between 0 and 1"),
        ([("0", "-0.1")], "between 0 and 1"),
    ],
)
def test_weights_that_cannot_be(steps: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(RatesError, match=message):
        Schedule.weights(steps)


def test_floors_start_at_zero_and_rise() -> None:
    with pytest.raises(RatesError, match="first floor must be 0, not 5"):
        Schedule.marginal([("5", "0.1")])
    with pytest.raises(RatesError, match="must rise: 10 follows 10"):
        Schedule.marginal([("0", "0.1"), ("10", "0.2"), ("10", "0.3")])
    with pytest.raises(RatesError, match="absent"):
        Schedule(())


def test_a_falling_schedule_has_no_inverse() -> None:
    with pytest.raises(RatesError, match="never falls"):
        Schedule((Piece(Decimal(0), Decimal("-0.1"), Decimal(0)),)).inverse(Decimal(1))


@given(brackets(), st.integers(1, 5))
def test_a_multiplier_scales_every_value(steps: list[tuple[Decimal, Decimal]], factor: int) -> None:
    schedule = Schedule.marginal(steps)
    scaled = schedule.scaled(Decimal(factor))
    for left, right in pairwise([*scaled.pieces, Piece(Decimal(10**8), Decimal(0), Decimal(0))]):
        middle = (int(left.floor) + int(right.floor)) // 2
        assert Fraction(left.rate) * middle - Fraction(left.deduction) == factor * charged(steps, Fraction(middle))


@given(st.integers(0, 10**5), st.integers(1, 10**5), st.integers(0, 10**9))
def test_slope_inverse_is_the_largest_step_within(base: int, slope: int, value: int) -> None:
    curve = Slope(shifted(Decimal(base), -6), shifted(Decimal(slope), -9))
    step = Decimal("0.001")
    found = curve.inverse(Decimal(value), step)
    assume(found < 10**9)

    def at(amount: Fraction) -> Fraction:
        return (Fraction(curve.base) + Fraction(curve.slope) * amount) * amount

    assert at(Fraction(found)) <= value < at(Fraction(found) + Fraction(step))
    assert curve.at(found) == at(Fraction(found))
