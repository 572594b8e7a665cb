"""Hyperliquid's formulas at the points where they turn, and vectors with figures that no file has."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from solvent.book import BookError
from solvent.conformance import Outcome, Vector, run
from solvent.rules import RulesError
from solvent.venues.hyperliquid import funding, liquidation, portfolio, unified

D = Decimal


# Liquidation orders and ranks

SECOND = 1_000_000_000
ORDERS = [
    # lots, notional, nanoseconds since the last partial liquidation, lots of the order
    (1_000, "100000", None, -1_000),
    (1_000, "100000.000001", None, -200),
    (-1_000, "200000", None, 200),
    (1_001, "200000", None, -201),
    (1_000, "200000", 30 * SECOND - 1, -1_000),
    (1_000, "200000", 30 * SECOND, -200),
    (1_000, "100000", 30 * SECOND, -1_000),
]


@pytest.mark.parametrize(("lots", "notional", "since", "sent"), ORDERS)
def test_positions_above_100k_are_sent_by_a_fifth_once_in_thirty_seconds(lots, notional, since, sent):
    now = 10**18
    last = None if since is None else now - since
    assert liquidation.order_lots(lots, D(notional), now, last) == sent


def test_the_printed_index_is_not_turned_over_for_shorts_unless_asked():
    printed = liquidation.adl_index(D(80), D(100), D(800), D(400), places=4)
    turned = liquidation.adl_index(D(80), D(100), D(800), D(400), side=-1, places=4)
    assert (printed, turned) == (D("1.6"), D("2.5"))
    for entry, value in ((D(0), D(1)), (D(1), D(0))):
        with pytest.raises(RulesError, match="must be positive"):
            liquidation.adl_index(D(1), entry, D(1), value)


# Funding


@pytest.mark.parametrize(
    ("premium", "hourly"),
    [
        ("-0.00041", "0.00001125"),
        ("-0.0004", "0.0000125"),
        ("0", "0.0000125"),
        ("0.0006", "0.0000125"),
        ("0.00061", "0.00001375"),
        ("0.3205", "0.04"),
        ("0.3204", "0.0399875"),
        ("1", "0.04"),
        ("-0.3205", "-0.04"),
        ("-1", "-0.04"),
    ],
)
def test_the_hourly_rate_is_flat_in_the_middle_and_capped_at_both_ends(premium, hourly):
    assert funding.rate(D(premium)).hourly == D(hourly)


def test_premium_counts_only_what_is_outside_the_oracle_price():
    assert funding.premium(D(99), D(101), D(100)) == 0
    assert funding.premium(D(98), D(99), D(100)) == D("-0.01")
    assert funding.premium(D(102), D(99), D(100)) == D("0.01")
    with pytest.raises(BookError, match="oracle price must be positive, not 0"):
        funding.premium(D(1), D(1), D(0))
    with pytest.raises(BookError, match="hours of a funding rate must be positive"):
        funding.rate(D(1), hours=D(0))


def test_longs_pay_a_positive_rate_at_the_oracle_price():
    assert funding.payment(D(3), D(100), D("0.01")) == 3
    assert funding.payment(D(-3), D(100), D("-0.01")) == 3


def test_mark_and_oracle_are_medians():
    assert funding.mark_price(D(9), D(1), D(5), D(100)) == 5
    assert funding.mark_price(D(9), D(1), None, D(100)) == 9
    assert funding.weighted_median([(D(9), 1), (D(1), 3), (D(5), 2)]) == 1
    assert funding.weighted_median([(D(9), 2), (D(1), 3), (D(5), 2)]) == 5
    with pytest.raises(BookError, match="needs a price"):
        funding.weighted_median([])


# Unified accounts and portfolio margin


def test_the_unified_ratio_is_the_worst_token_and_refuses_what_it_cannot_divide():
    rows = [unified.Exchange("USDC", D(2), D(1)), unified.Exchange("USDH", D(3), D(0))]
    assert unified.ratio(rows, {"USDC": D(9), "USDH": D(6)}) == D("0.5")
    assert unified.ratio([unified.Exchange("USDC", D(0), D(0))], {"USDC": D(-5)}) == 0
    with pytest.raises(BookError, match="nothing given of USDH"):
        unified.ratio(rows, {"USDC": D(9)})
    with pytest.raises(BookError, match=r"balances\.USDC: 0 is left beside isolated margin"):
        unified.ratio(rows, {"USDC": D(1), "USDH": D(6)})


@pytest.mark.parametrize(("utilisation", "yearly"), [("0", "0.05"), ("0.8", "0.05"), ("0.81", "0.0975"), ("1", "1")])
def test_the_borrow_rate_rises_above_four_fifths(utilisation, yearly):
    assert portfolio.borrow_rate(D(utilisation)) == D(yearly)


def test_figures_of_portfolio_margin_at_their_caps():
    free = portfolio.Token(D(100), D(0), D(2), D("0.5"), D(50), D(70))
    assert portfolio.carried(free) == 170  # 100 + min(70, 50 × 2 × 0.75)
    assert portfolio.carried(free._replace(borrow_cap=D(80))) == 175
    assert portfolio.carried(free._replace(supply_cap=D(10))) == 115
    assert portfolio.requirement(free._replace(borrowed=D(3)), D(64)) == 90
    poor = free._replace(held=D(0))
    for tokens, message in (([], "at least one borrowable token"), ([poor], "is carried by a balance of 0")):
        with pytest.raises(BookError, match=message):
            portfolio.ratio(tokens, D(1))
    worse = free._replace(held=D(10))
    assert portfolio.ratio([free, worse], D(64), places=4) == D("3.3600")
    with pytest.raises(BookError, match=r"utilisation must be from 0 to 1, not 1\.01"):
        portfolio.borrow_rate(D("1.01"))


# Vectors nobody has seen

TEN = [{"lower_bound": "0", "max_leverage": 10}, {"lower_bound": "1000", "max_leverage": 5}]
UNSEEN = [
    ("maintenance_margin", {"size": "-30", "mark": "100", "tiers": TEN}, {"maintenance": "250", "deduction": "50"}),
    ("initial_and_transfer_margin", {"size": "-2", "mark": "50", "leverage": 3}, {"initial": "33.333333333333333"}),
    (
        "liquidation_price",
        {"margin_mode": "cross", "account_value": "600", "size": "-30", "mark": "100", "tiers": TEN},
        # 3600 − 30 x = 3 x − 50
        {"liquidation_price": "110.606060606060606"},
    ),
    ("clearinghouse_cross", {"position_value": "600", "max_leverage": 3}, {"cross_maintenance": "100"}),
    ("clearinghouse_cross", {"position_value": "600", "leverage": 7}, {"margin_used": "85.714285714285714"}),
    ("clearinghouse_cross", {"total_notional": "80", "maintenance_rate": "0.0125"}, {"cross_maintenance": "1"}),
    (
        "clearinghouse_cross_2023",
        {"positions": [{"position_value": "10", "leverage": 4}, {"position_value": "9", "leverage": 3}]},
        {"total_margin_used": "5.5"},
    ),
    (
        "clearinghouse_isolated",
        {"size": "2", "raw_usd": "-150", "position_value": "200", "max_leverage": 2},
        {"liquidation_price": "100", "margin_used": "50"},
    ),
    (
        "unified_account_ratio",
        {"dexes": [{"token": "USDH", "cross_mm": 1, "isolated": 0}], "spot": {"USDH": 8, "USDC": 1}},
        {"ratio": "0.125"},
    ),
    ("funding_rate", {"premium": "0.002"}, {"hourly": "0.0001875"}),
    ("funding_rate", {"premium": "-1", "cap": "0.01", "hours": 4}, {"uncapped": "-0.249875", "hourly": "-0.01"}),
]


def result_of(kind, inputs, expected):
    as_read = json.loads(json.dumps(inputs), parse_int=Decimal, parse_float=Decimal)
    vector = Vector("new", "hyperliquid", "hyperliquid", kind, as_read, expected, "1e-15", Path("hyperliquid.json"))
    return run([vector]).results[0]


@pytest.mark.parametrize(("kind", "inputs", "expected"), UNSEEN)
def test_vectors_with_other_numbers_fields_and_lengths_are_answered(kind, inputs, expected):
    result = result_of(kind, inputs, expected)
    assert (result.outcome, result.wrong, result.reason) == (Outcome.PASSED, (), "")


@pytest.mark.parametrize(
    ("kind", "inputs", "reason"),
    [
        (
            "maintenance_margin",
            {"size": "0", "mark": "1", "tiers": TEN},
            "BookError: size of position must not be zero",
        ),
        (
            "maintenance_margin",
            {"size": "1", "mark": "0", "tiers": TEN},
            "UnitsError: mark of position must be positive",
        ),
        ("maintenance_margin", {"size": "1", "mark": "1", "tiers": TEN[1:]}, "RatesError: a schedule's first floor"),
        ("liquidation_price", {"margin_mode": "joint"}, "VectorError: inputs.margin_mode: got 'joint'"),
        ("unified_account_ratio", {"dexes": [], "spot": 3}, "VectorError: inputs.spot: got Decimal('3')"),
        (
            "adl_index",
            {"mark": 1, "entry": 1, "notional": 1, "account_value": 0},
            "RulesError: mark, entry and account",
        ),
        (
            "funding_premium",
            {"impact_bid": 1, "impact_ask": 1, "oracle": 0},
            "BookError: oracle price must be positive",
        ),
    ],
)
def test_vectors_that_cannot_be_are_refused_by_name(kind, inputs, reason):
    result = result_of(kind, inputs, 0)
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith(reason)
