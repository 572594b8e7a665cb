"""The rule set that the engine compiles says what the venue's own model says of a position on dollars."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.book import Book, Purpose
from solvent.margin import assess_pool, liquidation_price
from solvent.rules import Loss, Plan
from solvent.units import exact
from solvent.venues import venue
from tests.venues.gmx_accounts import ETH, book, market

MODEL, TABLES = venue("gmx_v2"), venue("gmx_v2_dollar")
BTC = replace(ETH, symbol="BTC-USD", underlying="BTC")
DOGE = replace(ETH, symbol="DOGE-USD", underlying="DOGE")


def both(held, prices, purpose):
    return (assess_pool(held, prices, rules, purpose, "p") for rules in (MODEL, TABLES))


def text(number, places):
    """A whole number with so many decimals cut off, as text."""
    digits = f"{abs(number):0{places + 1}d}"
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"


sizes = st.integers(-200_000, 200_000).filter(bool).map(lambda n: text(n, 4))


@given(
    st.integers(0, 10**7).map(lambda n: text(n, 2)),
    sizes,
    st.integers(100_000, 300_000).map(lambda n: text(n, 2)),
    st.integers(50_000, 500_000).map(lambda n: text(n, 2)),
)
def test_both_find_the_same_remaining_collateral_and_opening_is_no_kinder(cash, size, entry, mark):
    held, prices = book(cash, size, entry), market(mark)
    for purpose in (Purpose.MAINTAIN, Purpose.RECOVER):
        model, tables = both(held, prices, purpose)
        assert (tables.surplus, tables.value) == (model.surplus, exact(Decimal.__add__)(model.value, fee(size, entry)))
    for purpose in (Purpose.FILL, Purpose.ADMIT, Purpose.WITHDRAW):
        model, tables = both(held, prices, purpose)
        assert tables.surplus <= model.surplus


@exact
def fee(size, entry):
    """The closing fee: a line of the model's value, a part of the tables' requirement."""
    lots = ETH.lots(Decimal(size))
    units = abs(ETH.worth(lots, ETH.ticks(Decimal(entry))))
    return Decimal(units).scaleb(-8) * Decimal("0.0005")


@pytest.mark.parametrize("size", ["0.05", "0.1", "-3"])
def test_both_end_at_the_same_tick(size):
    held, prices = book("40", size), market()
    model, tables = (liquidation_price(held, prices, rules, "p", "ETH-USD") for rules in (MODEL, TABLES))
    assert [one.ticks for one in model.crossings] == [one.ticks for one in tables.crossings]


def test_below_two_hundred_dollars_of_size_one_dollar_must_remain():
    held = book("1.03", "0.03")  # sixty dollars: one must remain, three cents is the fee
    model, tables = both(held, market(), Purpose.MAINTAIN)
    assert tables.surplus == model.surplus == 0
    assert tables.required == Decimal("1.03")


def test_a_market_of_its_own_and_the_class_of_all_others():
    for contract, highest in ((BTC, 200), (ETH, 200), (DOGE, 100)):
        assert TABLES.margin.contract(contract).brackets[0].max_leverage == highest
        one = Book({"USD": ETH.settle}, {contract.symbol: contract}, ())
        assert one.instruments[contract.symbol].settle.name == "USD"


def test_positions_end_whole_and_liquidity_providers_bear_the_loss():
    assert TABLES.liquidation.plan is Plan.WHOLE
    assert TABLES.losses.stages == MODEL.losses.stages == (Loss.LP_VAULT,)
