"""Funding: the premium on both sides of the book, the clamp at its bounds, and the mark funding carries."""

from decimal import Decimal

import pytest

from solvent.marks import funding

D = Decimal
INTEREST, CLAMP = D("0.0001"), D("0.0005")


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [("99", "101", "0"), ("100", "101", "0"), ("102", "103", "0.02"), ("97", "98", "-0.02"), ("99", "100", "0")],
)
def test_a_premium_is_what_the_book_leaves_the_reference_by(bid, ask, expected):
    assert funding.premium_index(D(bid), D(ask), D(100), D(100)) == D(expected)


def test_a_premium_is_a_share_of_spot_and_cut_down():
    assert funding.premium_index(D(104), D(105), D(102), D(300), places=4) == D("0.0066")
    assert funding.premium_index(D(97), D(100), D(102), D(300), places=4) == D("-0.0067")


@pytest.mark.parametrize(
    ("premium", "expected"),
    [
        ("0.0001", "0.0001"),
        ("0.0006", "0.0001"),  # interest − premium is −0.0005, on the clamp
        ("0.0007", "0.0002"),
        ("-0.0004", "0.0001"),
        ("-0.0005", "0"),
        ("0.002", "0.0015"),
    ],
)
def test_interest_counts_inside_its_clamp(premium, expected):
    assert funding.with_interest(D(premium), INTEREST, CLAMP) == D(expected)


def test_the_fair_price_meets_the_index_when_funding_falls_due():
    assert funding.fair_price(D(10_000), D("0.0003"), D(8), D(8)) == D(10_003)
    assert funding.fair_price(D(10_000), D("-0.0003"), D(4), D(8)) == D("9998.5")
    assert funding.fair_price(D(10_000), D("0.0003"), D(0), D(8)) == 10_000
    assert funding.fair_price(D(10_000), D("0.0001"), D(1), D(3), places=2) == D("10000.33")
