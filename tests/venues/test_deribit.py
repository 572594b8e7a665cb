"""Deribit: printed examples, slopes, haircuts and option margins at their edges, and the laws it guarantees."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Purpose
from solvent.conformance import conform
from solvent.instruments import OptionKind
from solvent.margin import explain
from solvent.margin.unified import margin_share
from solvent.rates import Schedule
from solvent.rules import Collateral, RulesError
from solvent.venues import venue
from solvent.venues.deribit import formulas as f
from solvent.venues.deribit.slopes import Slopes, with_slopes
from solvent.venues.parts import WeightTable
from tests.venues import usd_accounts as usd

RULES = venue("deribit")
VECTORS = Path(__file__).parent.parent / "vectors" / "deribit.json"
FEW = settings(max_examples=25, deadline=None)
CALL, PUT = OptionKind.CALL, OptionKind.PUT


def test_every_vector_passes():
    report = conform([VECTORS])
    assert report.as_json()["failures"] == []
    assert report.as_json()["passed"] == 11


@pytest.mark.parametrize(
    ("coin", "size", "initial", "maintenance"),
    [
        ("BTC", "0", "0.02", "0.01"),
        ("BTC", "350", "0.0375", "0.0275"),
        ("ETH", "1000", "0.024", "0.014"),
        ("SOL", "6000", "0.07", "0.05"),
        ("*", "1000000", "0.1", "0.05"),
    ],
)
def test_rates_grow_with_size(coin, size, initial, maintenance):
    facts = RULES.margin.every()[coin]
    assert facts.schedules[Purpose.ADMIT].rate(Decimal(size)) == Decimal(initial)
    assert facts.schedules[Purpose.MAINTAIN].rate(Decimal(f"-{size}")) == Decimal(maintenance)  # either sign


def test_a_linear_position_pays_by_its_own_size():
    held = usd.book({"USDT": 1}, usd.position("BTC-PERP", -25_000), numeraire="USDT")
    prices = usd.market("USDT")
    assert usd.asked(held, prices, RULES).required == 16_875  # 1.5 million × 1.125%
    assert usd.asked(held, prices, RULES, Purpose.ADMIT).required == 31_875


def test_an_inverse_position_pays_by_its_size_in_coins_at_the_mark():
    """1.2 million USD of contracts: 20 coins at 60,000 (1.1%), 40 at 30,000 (1.2%); judged in the coin."""
    held = usd.book({"BTC": 9}, usd.position("BTC-INV", 12_000), numeraire="BTC")
    assert usd.asked(held, usd.market("BTC"), RULES).required == Decimal("0.22")
    assert usd.asked(held, usd.market("BTC", BTC_INV=60_000), RULES).required == Decimal("0.48")


def test_haircuts_count_for_new_risk_and_withdrawal_only():
    rules = usd.without(RULES, collateral=WeightTable({"BTC": RULES.collateral.asset("stETH")}))
    held = usd.book({"BTC": 1})
    counted = [usd.asked(held, usd.market(), rules, purpose).margin_equity for purpose in Purpose]
    assert counted == [55_500, 55_500, 60_000, 60_000, 60_000]


def test_maintenance_that_reaches_the_equity_liquidates():
    rules = with_slopes(RULES, Slopes(Decimal("0.02"), Decimal("0.01")))
    for cash, breached in (("600", True), ("600.00000001", False)):
        held = usd.book({"USDT": cash}, usd.position("BTC-PERP", 1_000), numeraire="USDT")
        found = usd.asked(held, usd.market("USDT"), rules)
        assert found.breached(inclusive=rules.breach_inclusive) is breached
    assert explain(held, usd.market("USDT"), rules, usd.POOL).ratio == 1  # rounded up from just below


@pytest.mark.parametrize(
    ("kind", "strike", "initial", "maintenance"),
    [
        (CALL, "100", "0.17", "0.095"),
        (CALL, "104", "0.13", "0.095"),
        (CALL, "105", "0.12", "0.095"),
        (CALL, "106", "0.12", "0.095"),
        (CALL, "90", "0.17", "0.095"),
        (PUT, "96", "0.13", "0.095"),
        (PUT, "90", "0.12", "0.095"),
    ],
)
def test_a_short_option_pays_by_how_far_it_is_out_of_the_money(kind, strike, initial, maintenance):
    found = f.short_option_margin(kind, Decimal(-1), Decimal(strike), Decimal(100), Decimal("0.02"))
    assert found == (Decimal(initial), Decimal(maintenance))


def test_a_dear_put_needs_its_maintenance_at_least():
    """A mark above one coin: 7.5% of the mark is more than 7.5%, and with the mark more than initial margin's 10%."""
    found = f.short_option_margin(PUT, Decimal(2), Decimal(300), Decimal(100), Decimal(2))
    assert found.maintenance == Decimal("4.300")
    assert found.initial == Decimal("4.30")
    with pytest.raises(RulesError, match="above zero"):
        f.short_option_margin(PUT, Decimal(2), Decimal(300), Decimal(0), Decimal(2))


def test_options_settle_at_what_they_pay_less_their_premium():
    assert f.settled_option(PUT, Decimal(10_000), Decimal(10_000), Decimal("0.05"), Decimal(1)) == Decimal("-0.05")
    assert f.settled_option(CALL, Decimal(10_000), Decimal(20_000), Decimal("0.05"), Decimal(-2)) == Decimal("-0.9")
    third = f.settled_option(CALL, Decimal(10), Decimal(15), Decimal(0), Decimal(-1), places=2)
    assert third == Decimal("-0.34")  # rounded down: never for the account


def test_contingencies_of_2019_see_net_shorts_and_the_smaller_side():
    assert f.option_contingency(Decimal(-3), Decimal(3), Decimal("0.01")) == 0
    assert f.option_contingency(Decimal(5), Decimal(0), Decimal("0.01")) == 0
    assert f.future_contingency(Decimal(60), Decimal(-100), Decimal("0.01")) == Decimal("0.6")
    with pytest.raises(RulesError, match="days"):
        f.volatility_shock(Decimal(0), Decimal(1), Decimal(1))
    with pytest.raises(RulesError, match="equity"):
        margin_share(Decimal(1), Decimal(0))


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
    light, heavy = (
        usd.without(
            RULES, collateral=WeightTable({"BTC": Collateral(dict.fromkeys(Purpose, Schedule.weights([("0", rate)])))})
        )
        for rate in ("0.9", "0.8")
    )
    for purpose in Purpose:
        assert usd.asked(*world, heavy, purpose).surplus <= usd.asked(*world, light, purpose).surplus


@settings(max_examples=8, deadline=None)
@given(usd.worlds(), st.sampled_from(sorted(usd.CONTRACTS)))
def test_l13_a_reported_tick_is_in_breach_and_its_neighbour_is_not(world, symbol):
    assert usd.wrong_crossings(world, RULES, symbol)[0] == []


@pytest.mark.parametrize(
    ("symbol", "lots", "cash"), [("BTC-PERP", 25_000, {"USDT": 100_000}), ("BTC-INV", 12_000, {"BTC": 3})]
)
def test_l13_a_leveraged_long_has_a_price(symbol, lots, cash):
    held = usd.book(cash, usd.position(symbol, lots))
    wrong, solution = usd.wrong_crossings((held, usd.market()), RULES, symbol)
    assert wrong == []
    assert 0 < solution.solved < 60_000
