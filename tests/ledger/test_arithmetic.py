"""The integer functions against rational arithmetic, at the edges of their declared ranges."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from solvent import ledger

MOST = 2**61
amounts = st.integers(-MOST, MOST)
positive = st.integers(0, MOST - 1)


@given(amounts, st.integers(1, 2**31))
def test_divisions_round_to_their_named_side(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert ledger.divide_down(numerator, denominator) == floor(exact)
    assert ledger.divide_up(numerator, denominator) == ceil(exact)


@given(amounts, st.integers(-2_000_000, 2_000_000))
@example(999_999, 1)
@example(1_000_000, 1)
@example(-1, 1)
@example(1, -500)
def test_shares_round_once(amount: int, ppm: int) -> None:
    exact = Fraction(amount * ppm, 1_000_000)
    assert ledger.share_up(amount, ppm) == ceil(exact)
    assert ledger.share_down(amount, ppm) == floor(exact)


@given(amounts, st.integers(1, 2**31 - 1), st.data())
def test_part_is_the_floor_of_the_share(amount: int, whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    assert ledger.part_down(amount, part, whole) == floor(Fraction(amount * part, whole))


@given(positive, st.integers(0, 10**12))
@example(1, 1)
@example(10**12, 1)
@example(10**6, 10**6)
@example(MOST - 1, 10**12 - 1)
def test_growth_is_rounded_up_over_its_whole_range(amount: int, growth: int) -> None:
    assert ledger.grown_up(amount, growth) == ceil(Fraction(amount * growth, 10**12))


@given(st.integers(-(2**31), 2**31), st.integers(1, 2**20), st.integers(1, 2**40))
def test_inverse_worth_and_notional_are_against_the_holder(lots: int, ticks: int, constant: int) -> None:
    assert ledger.inverse_worth(lots, ticks, constant) == floor(Fraction(-lots * constant, ticks))
    assert ledger.inverse_notional(lots, ticks, constant) == ceil(Fraction(abs(lots) * constant, ticks))


@given(amounts, st.integers(1, 10**9), st.integers(1, 10**9))
def test_conversions_round_against_the_holder(units: int, ticks: int, divisor: int) -> None:
    assert ledger.converted_down(units, ticks, divisor) == floor(Fraction(units * ticks, divisor))
    assert ledger.converted_up(units, ticks, divisor) == ceil(Fraction(units * ticks, divisor))


@pytest.mark.parametrize(
    ("lots", "cost", "fill_lots", "fill_cost", "after"),
    [
        (0, 0, 5, 500, 500),
        (5, 500, 5, 700, 1200),
        (-5, -500, -5, -700, -1200),
        (10, 1001, -5, -600, 500),  # 500.5 stays, rounded down
        (-10, -1001, 5, 600, -501),  # −500.5 stays, rounded down
        (10, 1000, -10, -1200, 0),
        (10, 1000, -15, -1800, -600),
        (-10, -1000, 15, 1801, 600),  # 600.33 of the fill's cost opens the long, rounded down
        (3, 10, -1, -4, 6),  # 6.67 rounded down
    ],
)
def test_cost_after_a_fill(lots: int, cost: int, fill_lots: int, fill_cost: int, after: int) -> None:
    assert ledger.cost_after(lots, cost, fill_lots, fill_cost) == after


lots = st.integers(-(2**31) + 1, 2**31 - 1)
prices = st.integers(1, 2**20)


@given(lots, lots, prices, prices)
def test_profit_does_not_depend_on_when_it_is_realised(held: int, more: int, entry: int, fill: int) -> None:
    """Cash plus worth less cost at any mark is the same before and after a fill at that mark."""
    cost, fill_cost = held * entry, more * fill
    after = ledger.cost_after(held, cost, more, fill_cost)
    gain = ledger.realised(cost, fill_cost, after)
    mark = fill
    assert held * mark - cost == gain + (held + more) * mark - after


@given(positive, st.integers(1, 10**9), st.integers(-(10**7), 10**7))
def test_funding_per_lot_is_the_floor(ticks_worth: int, tick_value: int, rate_ppb: int) -> None:
    ticks = ticks_worth % 2**30
    assert ledger.funding_per_lot(ticks, tick_value, rate_ppb) == floor(Fraction(ticks * tick_value * rate_ppb, 10**9))


@given(amounts, st.integers(0, 10**12), st.integers(0, 10**11))
def test_only_debts_pay_interest(units: int, touched: int, more: int) -> None:
    due = ledger.interest_due(units, touched + more, touched)
    assert due == (ceil(Fraction(-units * more, 10**12)) if units < 0 else 0)


def test_funding_is_paid_by_longs_when_the_index_rises() -> None:
    assert ledger.funding_due(10, 7, 5) == 20
    assert ledger.funding_due(-10, 7, 5) == -20


@given(positive, st.integers(1, 200))
def test_leverage_margin_is_rounded_up(notional: int, leverage: int) -> None:
    assert ledger.leverage_margin(notional, leverage) == ceil(Fraction(notional, leverage))


def test_fees_and_rebates_are_rounded_against_the_account() -> None:
    assert ledger.fill_fee(1_000_001, 500) == 501
    assert ledger.fill_fee(1_000_001, -500) == -500
