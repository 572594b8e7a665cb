"""OKX: printed examples, tiers at their bounds, discounts, and the laws in the form the exchange guarantees."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Mode, Purpose
from solvent.conformance import conform
from solvent.margin import explain
from solvent.rules import RulesError
from solvent.venues import venue
from solvent.venues.okx import formulas as f
from solvent.venues.okx import portfolio
from solvent.venues.okx.rules import flat_rate
from solvent.venues.parts import with_ratios
from tests.venues import usd_accounts as usd

FUTURES, MULTI = venue("okx"), venue("okx_multi")
VECTORS = Path(__file__).parent.parent / "vectors" / "okx.json"
FEW = settings(max_examples=25, deadline=None)
IN_USDT = ("BTC-PERP", "DOGE-PERP")


def test_every_vector_passes():
    report = conform([VECTORS])
    assert report.as_json()["failures"] == []
    assert report.as_json()["passed"] == 18


@pytest.mark.parametrize(
    ("coin", "size", "maintenance", "initial"),
    [
        ("BTC", "1.5", "0.0055", "0.0133"),  # 15,000 contracts: the upper bound is inside its tier
        ("BTC", "1.501", "0.0080", "0.020"),
        ("BTC", "6", "0.0105", "0.025"),
        ("BTC", "6.001", "0.0155", "0.030"),
        ("BTC", "12", "0.0155", "0.030"),
        ("BTC", "12.001", "0.0205", "0.035"),
        ("ETH", "300", "0.0045", "0.008"),
        ("ETH", "600.01", "0.0105", "0.015"),
        ("SOL", "4000", "0.0205", "0.05"),
        ("SOL", "4001", "0.0255", "0.055"),
        ("SOL", "8001", "0.0305", "0.060"),
        ("BTC inverse", "200000", "0.0045", "0.008"),
        ("BTC inverse", "2000100", "0.0130", "0.020"),
        ("*", "1", "0.0405", "0.08"),
    ],
)
def test_the_whole_position_pays_the_rate_of_its_tier(coin, size, maintenance, initial):
    facts = FUTURES.margin.every()[coin]
    assert facts.schedules[Purpose.MAINTAIN].rate(Decimal(size)) == Decimal(maintenance)
    assert facts.schedules[Purpose.ADMIT].rate(Decimal(size)) == Decimal(initial)


def test_the_last_tier_asks_for_no_more_than_the_whole_value():
    for facts in FUTURES.margin.every().values():
        rate = facts.schedules[Purpose.ADMIT].rate(Decimal(10**12))
        assert Decimal("0.05") < rate <= 1


def test_a_position_over_a_bound_pays_the_higher_rate_on_everything():
    prices = usd.market("USDT")
    below = usd.book({"USDT": 10_000}, usd.position("BTC-PERP", 1_500), numeraire="USDT")
    above = usd.book({"USDT": 10_000}, usd.position("BTC-PERP", -1_501), numeraire="USDT")
    assert usd.asked(below, prices, FUTURES).required == 495  # 90,000 × 0.55%
    assert usd.asked(above, prices, FUTURES).required == Decimal("720.48")  # 90,060 × 0.8%


def test_the_liquidation_fee_is_inside_maintenance_and_not_inside_initial_margin():
    rules = flat_rate(FUTURES, "BTC-PERP", Decimal("0.01"), Decimal("0.0005"))
    held = usd.book({"USDT": 630}, usd.position("BTC-PERP", 1_000), numeraire="USDT")
    found = usd.asked(held, usd.market("USDT"), rules)
    assert found.required == 630
    assert found.breached(inclusive=rules.breach_inclusive)
    assert explain(held, usd.market("USDT"), rules, usd.POOL).ratio == 1
    assert explain(held, usd.market("USDT"), rules, usd.POOL).state == "liquidating"


def test_futures_mode_counts_only_the_settle_currency():
    held = usd.book({"USDT": 100, "BTC": 3}, usd.position("BTC-PERP", 1), numeraire="USDT")
    assert usd.asked(held, usd.market("USDT"), FUTURES).margin_equity == 100
    in_coin = usd.book({"BTC": 1}, usd.position("BTC-INV", 60), numeraire="BTC")
    assert usd.asked(in_coin, usd.market("BTC"), FUTURES).required == Decimal("0.00045")


def test_isolated_initial_margin_is_on_entry_and_cross_on_mark():
    prices = usd.market("USDT", BTC_PERP=660_000)
    needed = [
        usd.asked(
            usd.book({"USDT": 10_000}, usd.position("BTC-PERP", 1_000, leverage=10), numeraire="USDT", mode=mode),
            prices,
            FUTURES,
            Purpose.ADMIT,
        ).required
        for mode in (Mode.CROSS, Mode.ISOLATED)
    ]
    assert needed == [6_600, 6_000]


@pytest.mark.parametrize(
    ("quantity", "counted"), [("5000000", "5000000"), ("10000000", "9875000"), ("11000000", "10825000")]
)
def test_discounts_are_by_tiers_of_the_quantity(quantity, counted):
    found = usd.asked(usd.book({"USDC": quantity}), usd.market(), MULTI)
    assert found.margin_equity == Decimal(counted)


def test_what_is_owed_counts_in_full_and_needs_margin():
    found = usd.asked(usd.book({"USDT": -1_000}), usd.market(), MULTI)
    assert (found.margin_equity, found.required) == (-999, Decimal("29.97"))
    assert usd.asked(usd.book({"USDT": -1_000}), usd.market(), MULTI, Purpose.ADMIT).required == Decimal("99.9")


def test_hundred_bitcoin_count_no_more_than_the_total_in_print():
    found = usd.asked(usd.book({"BTC": 100}), usd.market(), MULTI).margin_equity
    assert 5_780_000 < found <= 5_785_500


@pytest.mark.parametrize(
    ("fund", "needed", "starts"), [("70.01", "70.01", False), ("70.01", "70.02", True), ("70", "0", True)]
)
def test_adl_starts_when_the_fund_cannot_pay_or_fell_by_thirty_percent(fund, needed, starts):
    assert f.deleverages(Decimal(fund), Decimal(100), Decimal(needed)) is starts


def test_partial_liquidation_goes_two_tiers_down():
    assert [f.tier_after_cut(tier) for tier in (1, 2, 3, 4, 9)] == [0, 0, 1, 2, 7]
    with pytest.raises(RulesError, match="at least 1"):
        f.tier_after_cut(0)


def test_the_spot_margin_price_is_rounded_against_the_account():
    figures = {"maintenance_rate": Decimal(0), "taker": Decimal(0), "places": 0}
    long = f.spot_margin_liquidation_price(Decimal(10), Decimal(0), Decimal(0), Decimal(3), **figures)
    short = f.spot_margin_liquidation_price(Decimal(0), Decimal(10), Decimal(3), Decimal(0), **figures)
    assert (long, short) == (4, 3)
    with pytest.raises(RulesError, match="no price"):
        f.spot_margin_liquidation_price(Decimal(0), Decimal(10), Decimal(3), Decimal(3), **figures)


def test_a_unit_pays_its_cost_of_reduction_at_least():
    parts = [Decimal(one) for one in (5, 7, 1, 2, 3, 6)]
    assert portfolio.unit_margin(*parts, Decimal(12), Decimal(4)).maintenance == 17  # 7 + 1 + 2 + 3, and 4
    assert portfolio.unit_margin(*parts, Decimal(14), Decimal(4)).maintenance == 18
    assert portfolio.unit_margin(*parts, Decimal(14)).initial == Decimal("18.2")


@pytest.mark.parametrize(("raw", "scaled"), [("10000", "10000"), ("10001", "10002"), ("70000", "130000")])
def test_reduction_is_scaled_on_increments(raw, scaled):
    rows = [(Decimal(10_000), Decimal(1)), (Decimal(70_000), Decimal(2)), (None, Decimal(4))]
    assert portfolio.scaled_reduction(Decimal(raw), rows) == Decimal(scaled)
    with pytest.raises(RulesError, match="no upper bound"):
        portfolio.scaled_reduction(Decimal(70_001), rows[:2])


def test_a_ratio_needs_something_to_divide_by():
    with pytest.raises(RulesError, match="above zero"):
        portfolio.margin_ratio(Decimal(1), Decimal(0), Decimal(0), Decimal(0), Decimal(0))


@FEW
@given(usd.worlds("USDT", IN_USDT, tuple(Mode)[:2]))
def test_l07_the_purposes_are_in_order_in_futures_mode(world):
    assert usd.out_of_order(world, FUTURES) == []


@FEW
@given(usd.worlds())
def test_l07_the_purposes_are_in_order_in_multi_currency_margin(world):
    assert usd.out_of_order(world, MULTI) == []


@FEW
@given(usd.worlds(), st.sampled_from(["USDT", "USDC", "BTC"]), st.integers(0, 10**12))
def test_l11_more_of_an_asset_is_never_worse(world, asset, units):
    assert usd.lowered(world, MULTI, asset, units) == []


@FEW
@given(usd.worlds())
def test_l11_a_larger_haircut_is_never_better(world):
    light, heavy = (with_ratios(MULTI, {"BTC": [(None, Decimal(rate))]}) for rate in ("0.9", "0.8"))
    for purpose in Purpose:
        assert usd.asked(*world, heavy, purpose).surplus <= usd.asked(*world, light, purpose).surplus


@settings(max_examples=8, deadline=None)
@given(usd.worlds(), st.sampled_from(sorted(usd.CONTRACTS)))
def test_l13_a_reported_tick_is_in_breach_and_its_neighbour_is_not(world, symbol):
    assert usd.wrong_crossings(world, MULTI, symbol)[0] == []


@pytest.mark.parametrize(
    ("lots", "exact"), [(1_000, Fraction(54_000 * 10_000, 9_945)), (-1_000, Fraction(66_000 * 10_000, 10_055))]
)
def test_l13_the_price_of_a_leveraged_position_is_the_closed_form(lots, exact):
    """1 BTC at 60,000 with 6,000: (entry ∓ margin) ÷ (1 ∓ 0.55%)."""
    held = usd.book({"USDT": 6_000}, usd.position("BTC-PERP", lots), numeraire="USDT")
    wrong, solution = usd.wrong_crossings((held, usd.market("USDT")), FUTURES, "BTC-PERP")
    assert wrong == []
    assert abs(Fraction(solution.solved) - exact) < Fraction(1, 10**6)
