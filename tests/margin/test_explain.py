"""What an explanation says is what the numbers are."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from solvent.assessment import Line
from solvent.book import Book, Holding, Leg, Market, Pool, Position, Purpose
from solvent.margin import explain, venue_ratio
from solvent.margin.totals import assessed
from solvent.rules import Ratio
from solvent.units import exact
from solvent.venues import venue
from tests.margin.small_rules import small_rules
from tests.margin.worlds import ASSETS, CONTRACTS, USDT, market

NOW = market({"SOL-PERP": 40_000, "BTC-INV": 60_000})


def account(cash: str, lots: int, btc: int = 0) -> Book:
    one = CONTRACTS["SOL-PERP"]
    held = (Position("SOL-PERP", lots, one.worth(lots, 39_000)),) if lots else ()
    balances = {"USDT": USDT.units(Decimal(cash)), **({"BTC": btc} if btc else {})}
    return Book(ASSETS, CONTRACTS, (Holding(Pool("cross"), balances, held),))


def test_every_line_in_words() -> None:
    found = explain(account("-100", 500, btc=10**7), NOW, small_rules(), "cross")
    assert found.sentences == (
        "SOL-PERP: profit 500, requires 300 USDT = 2 % of 20000 − 100 (tier above 10000)",
        "USDT: balance worth -100 USDT",
        "BTC: balance worth 3000 USDT",
        "BTC: haircut -300 USDT",
    )
    (one,) = found.contributions
    assert (one.size, one.mark, one.notional, one.profit, one.required) == (500, 40, 20_000, 500, 300)
    assert one.most_loss == 3400  # the pool is worth less than the position
    assert found.leverage == Decimal("5.8824")
    assert found.state == "healthy"
    assert found.ratio == Decimal("0.09677420")


@pytest.mark.parametrize(
    ("cash", "state"), [("0", "healthy"), ("-125", "warned"), ("-200", "warned"), ("-200.000001", "liquidating")]
)
def test_states_follow_their_thresholds(cash: str, state: str) -> None:
    """Equity 500 + cash against a requirement of 300: warned at 375 inclusive, liquidating below 300."""
    assert explain(account(cash, 500), NOW, small_rules(), "cross").state == state


def test_the_most_a_position_can_lose() -> None:
    long = explain(account("100000", 500), NOW, small_rules(), "cross").contributions[0]
    short = explain(account("100000", -500), NOW, small_rules(), "cross").contributions[0]
    assert long.most_loss == 20_000
    assert short.most_loss == 99_500  # a short has no bound but what the pool is worth


def test_ratios_in_both_directions_and_without_a_denominator() -> None:
    other = small_rules(ratio=Ratio("uniMMR", requirement_over_equity=False, safer="higher"))
    assert explain(account("100", 500), NOW, other, "cross").ratio == 2
    assert explain(account("100", 0), NOW, other, "cross").ratio is None
    assert explain(account("-900", 500), NOW, small_rules(), "cross").ratio is None


def test_an_inverse_short_is_bounded_and_interest_is_named() -> None:
    inverse = CONTRACTS["BTC-INV"]
    held = (Position("BTC-INV", -10, inverse.worth(-10, 60_000), Leg.NET),)
    book = Book(ASSETS, CONTRACTS, (Holding(Pool("cross"), {"USDT": -1_000_000, "BTC": 10**8}, held),))
    prices = Market(NOW.prices, interest={"USDT": 10**10})
    found = explain(book, prices, small_rules(), "cross")
    # 1,000 of contracts are 0.03333334 of the coin, rounded up
    assert found.contributions[0].most_loss == Decimal("1000.0002")
    assert "USDT: interest due -0.01 USDT" in found.sentences


@pytest.mark.parametrize(("safer", "shown"), [("higher", "0.99999999"), ("lower", "1.00000000")])
def test_a_ratio_is_rounded_towards_danger(safer, shown):
    """A cover a hair under one is not shown as one; a use a hair under one is."""
    line = Line("x", "", Leg.NET, equity=Decimal("999999999.9"), required=Decimal(1000000000))
    if safer == "lower":
        line = line._replace(equity=line.required, required=line.equity)
    found = exact(assessed)("p", Purpose.MAINTAIN, "USD", [line])
    rules = replace(venue("generic"), ratio=Ratio("cover", requirement_over_equity=safer == "lower", safer=safer))
    assert str(venue_ratio(found, rules)) == shown
