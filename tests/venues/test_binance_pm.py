"""Binance Portfolio Margin: uniMMR and its states at their lines, collateral, loans, and the laws it guarantees."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import BookError, Purpose
from solvent.conformance import conform
from solvent.margin import Trade, explain, what_if
from solvent.rates import Schedule
from solvent.rules import Collateral, RulesError
from solvent.venues import venue
from solvent.venues.binance_pm import formulas as f
from solvent.venues.binance_pm.account import index_of
from solvent.venues.binance_pm.rules import STATES
from solvent.venues.parts import WeightTable
from tests.venues import usd_accounts as usd

RULES = venue("binance_pm")
VECTORS = Path(__file__).parent.parent / "vectors" / "binance_usdm.json"
FEW = settings(max_examples=25, deadline=None)


def test_every_vector_of_portfolio_margin_passes():
    table = conform([VECTORS]).by_venue()["binance_pm_pro"]
    assert table == {"upnl": [2, 0, 0], "margin_loan_mm": [1, 0, 0]}


def at(equity):
    """One BTC long at its mark of 60,000: maintenance 250 (0.5% less 50); equity in USD itself."""
    return usd.book({"USD": equity}, usd.position("BTC-PERP", 1_000))


@pytest.mark.parametrize(
    ("equity", "state", "breached"),
    [
        ("375.00000001", "healthy", False),
        ("375", "warned", False),
        ("300.00000001", "warned", False),
        ("300", "margin_call", False),
        ("262.50000001", "margin_call", False),
        ("262.5", "liquidating", True),
        ("250.00000001", "liquidating", True),
        ("250", "flagged", True),
    ],
)
def test_states_and_liquidation_turn_at_their_lines(equity, state, breached):
    rate = {"USDT": "1"}  # a round rate of the settle asset keeps maintenance at 250
    prices = usd.market().with_prices(
        {key: Decimal(rate.get(key.subject, price)) for key, price in usd.market().prices.items()}
    )
    held = at(equity)
    found = usd.asked(held, prices, RULES)
    assert found.required == 250
    assert found.breached(inclusive=RULES.breach_inclusive) is breached
    shown = explain(held, prices, RULES, usd.POOL)
    assert (shown.state, shown.ratio_name) == (state, "uniMMR")
    word = f.state(found.margin_equity, found.required).value
    assert {"free": "healthy", **STATES}[word] == state


def test_uni_mmr_is_equity_over_maintenance_rounded_down():
    assert f.uni_mmr(Decimal(1), Decimal(3), places=4) == Decimal("0.3333")
    assert f.state(Decimal(0), Decimal(0)) is f.State.FREE
    assert f.state(Decimal(-1), Decimal(0)) is f.State.CLAIM
    with pytest.raises(RulesError, match="above zero"):
        f.uni_mmr(Decimal(1), Decimal(0))


def test_positions_do_not_offset():
    pair = usd.book({"USD": 10_000}, usd.position("BTC-PERP", 1_000), usd.position("ETH-PERP", -2_000))
    alone = [usd.book({"USD": 10_000}, one) for one in pair.holding(usd.POOL).positions]
    needed = [Fraction(usd.asked(one, usd.market(), RULES).required) for one in (pair, *alone)]
    assert needed[0] == needed[1] + needed[2] > 0


def test_coin_margined_brackets_are_in_the_coin():
    """1.2 million USD of contracts are 20 BTC: 1% less 0.055 BTC, 0.145 BTC at 60,000."""
    held = usd.book({"BTC": 9}, usd.position("BTC-INV", 12_000))
    assert usd.asked(held, usd.market(), RULES).required == 8_700


def test_a_coin_without_an_index_or_with_several_is_refused():
    prices = usd.market().prices
    with pytest.raises(BookError, match="no index of SOL"):
        index_of(usd.market(), "SOL")
    both = usd.market("USDT").with_prices({key._replace(quote="USDC"): price for key, price in prices.items()})
    with pytest.raises(BookError, match="no index of BTC in USD"):
        index_of(both, "BTC")
    assert index_of(usd.market("USDT").with_prices(prices), "BTC") == 60_000
    assert index_of(usd.market("USDT"), "BTC") == 60_000


@pytest.mark.parametrize(("asset", "counted"), [("BTC", 57_000), ("USDT", "0.9989001"), ("USDC", "0.9999"), ("USD", 1)])
def test_assets_count_at_their_rate(asset, counted):
    assert usd.asked(usd.book({asset: 1}), usd.market(), RULES).margin_equity == Decimal(counted)


def test_an_asset_without_a_rate_counts_a_tenth():
    assert RULES.collateral.asset("SHIB").weights[Purpose.MAINTAIN].at(Decimal(100)) == 10
    assert f.counted_equity(Decimal(-2), Decimal(100), Decimal("0.1")) == -200
    assert f.adjusted_equity(Decimal(5), Decimal(7)) == -2


def test_loans_need_their_rate_whatever_profit_stands_against_them():
    held = usd.book({"USDT": -1_000}, usd.position("BTC-PERP", 1_000, 500_000))
    (line,) = [one for one in usd.asked(held, usd.market(), RULES).lines if one.kind == "borrow"]
    assert line.required == Decimal("99.9")
    assert [f.loan_rate(leverage) for leverage in (3, 5, 10)] == [Decimal("0.1"), Decimal("0.08"), Decimal("0.05")]
    with pytest.raises(RulesError, match="loan leverage"):
        f.loan_rate(4)


def test_new_risk_needs_a_hundred_and_twenty_percent():
    prices = usd.market()
    for lots, allowed in ((1, True), (2_000, False)):
        trade = Trade(usd.POOL, "BTC-PERP", lots, usd.MARKS["BTC-PERP"])
        assert what_if(at("400"), prices, RULES, [trade]).allowed is allowed
    assert not what_if(at("270"), prices, RULES, [Trade(usd.POOL, "BTC-PERP", 1, 600_000)]).allowed
    assert what_if(at("270"), prices, RULES, [Trade(usd.POOL, "BTC-PERP", -500, 600_000)]).allowed


@FEW
@given(usd.worlds())
def test_l07_the_purposes_are_in_order(world):
    assert usd.out_of_order(world, RULES) == []


@FEW
@given(usd.worlds(), st.sampled_from(["USDT", "USDC", "BTC"]), st.integers(0, 10**12))
def test_l11_more_of_an_asset_is_never_worse(world, asset, units):
    assert usd.lowered(world, RULES, asset, units) == []


@FEW
@given(usd.worlds())
def test_l11_a_larger_haircut_is_never_better(world):
    found = []
    for rate in ("0.9", "0.8"):
        facts = Collateral(dict.fromkeys(Purpose, Schedule.weights([("0", rate)])))
        found.append(replace(RULES, collateral=WeightTable({"BTC": facts}, facts)))
    for purpose in Purpose:
        light, heavy = (usd.asked(*world, rules, purpose).surplus for rules in found)
        assert heavy <= light


@settings(max_examples=8, deadline=None)
@given(usd.worlds(), st.sampled_from(sorted(usd.CONTRACTS)))
def test_l13_a_reported_tick_is_in_breach_and_its_neighbour_is_not(world, symbol):
    assert usd.wrong_crossings(world, RULES, symbol)[0] == []


def test_l13_the_price_is_where_equity_is_a_hundred_and_five_percent_of_maintenance():
    """1 BTC at 60,000 with 3,000 USD, USDT worth 1: 3,000 + (p − 60,000)·(1 below entry) = 1.05 × (0.5% p − 50)."""
    prices = usd.market().with_prices({key: Decimal(1) for key in usd.market().prices if key.subject == "USDT"})
    wrong, solution = usd.wrong_crossings((at("3000"), prices), RULES, "BTC-PERP")
    assert wrong == []
    exact = Fraction(57_000 * 1_000 - 52_500, 1_000) / (1 - Fraction(525, 100_000))
    assert abs(Fraction(solution.solved) - exact) < Fraction(1, 10**6)
