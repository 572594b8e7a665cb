"""Bybit's unified account: printed examples, the edges of each rule, and the laws in the form it guarantees."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Mode, Purpose
from solvent.conformance import conform
from solvent.instruments import OptionKind
from solvent.margin import explain, liquidation_price
from solvent.margin.weights import floors
from solvent.rates import Schedule
from solvent.rules import RulesError
from solvent.venues import venue
from solvent.venues.bybit_uta import formulas as f
from solvent.venues.bybit_uta.rules import flat_rate
from solvent.venues.parts import with_ratios
from tests.venues import usd_accounts as usd

RULES, ON_ENTRY = venue("bybit_uta"), venue("bybit_uta_2024")
VECTORS = Path(__file__).parent.parent / "vectors" / "bybit_uta.json"
FEW = settings(max_examples=25, deadline=None)
# Upper bound, maintenance rate in percent, deduction: the exchange's own table of BTCUSDT.
PRINTED = [
    ("2000000", "0.5", 0), ("2600000", "0.56", 1_200), ("3200000", "0.63", 3_020), ("3800000", "0.67", 4_300),
    ("4400000", "0.71", 5_820), ("5000000", "0.77", 8_460), ("5600000", "0.91", 15_460), ("8500000", "1", 20_500),
    ("10000000", "1.3", 46_000), ("14000000", "1.5", 66_000), ("20000000", "1.6", 80_000), ("28000000", "2", 160_000),
    ("38000000", "2.5", 300_000), ("50000000", "2.9", 452_000), ("55000000", "3", 502_000),
    ("60000000", "3.5", 777_000),
    ("65000000", "3.6", 837_000), ("70000000", "3.8", 967_000), ("75000000", "4", 1_107_000),
    ("80000000", "4.5", 1_482_000),
]  # fmt: skip


def test_every_vector_passes():
    report = conform([VECTORS])
    assert report.as_json()["failures"] == []
    assert report.as_json()["passed"] == 26


@pytest.mark.parametrize(("cap", "rate", "deduction"), PRINTED)
def test_the_bitcoin_table_has_the_printed_rates_and_deductions(cap, rate, deduction):
    table = RULES.margin.every()["BTC"].schedules[Purpose.MAINTAIN]
    piece = table.piece(Decimal(cap))
    assert (Fraction(piece.rate) * 100, piece.deduction) == (Fraction(rate), deduction)
    if cap != "80000000":
        assert table.piece(Decimal(int(cap) + 1)).rate > piece.rate


def test_cross_margin_is_tiers_and_the_fee_to_close_on_mark():
    """1 BTC long at 10 times, mark 66,000: 0.5% and 0.055% of 90% of the value."""
    held = usd.book({"USDT": 10_000}, usd.position("BTC-PERP", 1_000, leverage=10), numeraire="USDT")
    found = usd.asked(held, usd.market("USDT", BTC_PERP=660_000), RULES)
    assert found.required == Decimal("362.67")
    short = usd.book({"USDT": 10_000}, usd.position("BTC-PERP", -1_000, leverage=10), numeraire="USDT")
    assert usd.asked(short, usd.market("USDT", BTC_PERP=660_000), RULES).required == Decimal("369.93")


def test_isolated_margin_takes_initial_margin_and_the_fee_on_entry():
    held = usd.book(
        {"USDT": 10_000}, usd.position("BTC-PERP", 1_000, leverage=10), numeraire="USDT", mode=Mode.ISOLATED
    )
    prices = usd.market("USDT", BTC_PERP=660_000)
    assert usd.asked(held, prices, RULES).required == Decimal("359.7")
    assert usd.asked(held, prices, RULES, Purpose.ADMIT).required == Decimal("6029.7")


def test_until_2025_margin_did_not_move_with_the_mark():
    held = usd.book({"USDT": 50_000}, usd.position("BTC-PERP", 1_000, leverage=10), numeraire="USDT")
    for ticks in (300_000, 600_000, 660_000):
        prices = usd.market("USDT", BTC_PERP=ticks)
        assert usd.asked(held, prices, ON_ENTRY).required == Decimal("329.7")
        assert usd.asked(held, prices, ON_ENTRY, Purpose.ADMIT).required == Decimal("6029.7")


@pytest.mark.parametrize("numeraire", ["USD", "USDT"])
def test_entry_value_of_an_inverse_position_is_priced_at_the_coins_index(numeraire):
    """6,000,000 USD of contracts entered at 60,000 are 100 BTC: the tier of 6 million, whatever the dollar is."""
    held = usd.book({"BTC": 90}, usd.position("BTC-INV", 60_000, leverage=10), numeraire=numeraire)
    found = usd.asked(held, usd.market(numeraire), ON_ENTRY)
    assert sum(one.required for one in found.lines if one.kind in ("position", "entry")) == 39_500  # 1% less 20,500


def test_what_is_owed_needs_margin_after_profit_is_settled():
    held = usd.book({"USDT": -1_000, "USDC": 5_000})
    (line,) = [one for one in usd.asked(held, usd.market(), RULES).lines if one.kind == "borrow"]
    assert line.required == Decimal("39.96")
    paid = usd.book({"USDT": -1_000}, usd.position("BTC-PERP", 1_000, 500_000))  # 10,000 of profit
    assert not [one for one in usd.asked(paid, usd.market(), RULES).lines if one.kind == "borrow"]


@pytest.mark.parametrize(
    ("quantity", "counted"), [("10", "9.8"), ("10.00000001", "9.8000000095"), ("50", "44.8"), ("51", "44.8")]
)
def test_collateral_ratios_are_by_quantity(quantity, counted):
    held = usd.book({"BTC": quantity})
    found = usd.asked(held, usd.market(), RULES).margin_equity
    assert Fraction(found) == Fraction(counted) * 60_000


def test_a_negative_asset_counts_in_full():
    assert usd.asked(usd.book({"BTC": -1}), usd.market(), RULES).margin_equity == -60_000


def test_an_account_at_exactly_its_requirement_is_liquidated():
    rules = flat_rate(RULES, "BTC-PERP", Schedule.flat("0.01"))
    at_line = usd.book({"USDT": 600}, usd.position("BTC-PERP", 1_000), numeraire="USDT")
    above = usd.book({"USDT": "600.00000001"}, usd.position("BTC-PERP", 1_000), numeraire="USDT")
    prices = usd.market("USDT")
    assert usd.asked(at_line, prices, rules).breached(inclusive=rules.breach_inclusive)
    assert not usd.asked(above, prices, rules).breached(inclusive=rules.breach_inclusive)
    assert explain(at_line, prices, rules, usd.POOL).ratio == 1


def test_the_inverse_price_on_mark_is_the_published_form():
    """Short 60,000 at 50,000, 10 times, 0.5%, 0.01 of added margin: Q(1 − m) ÷ (Q/E − Q/(E·lev) − x/(1 − fee))."""
    worth, fee = Decimal("1.2"), Decimal("0.00055")
    kept = f.isolated_collateral(worth, Decimal(10), Decimal("0.01"), fee, -1)
    bottom = Fraction(worth) - Fraction(kept)
    rules = flat_rate(RULES, "BTC-INV", Schedule.flat("0.005"))
    held = usd.book({"BTC": f"{kept:.10f}"}, usd.position("BTC-INV", -600, 100_000), numeraire="BTC")
    solved = liquidation_price(held, usd.market("BTC", BTC_INV=100_000), rules, usd.POOL, "BTC-INV").solved
    assert abs(float(solved) - 59_700 / float(bottom)) < 0.01


def test_added_margin_of_an_isolated_position_pays_its_change_of_the_fee():
    kept = [f.isolated_collateral(Decimal(1), Decimal(10), Decimal(1), Decimal("0.25"), side, 4) for side in (1, -1)]
    assert kept == [Decimal("0.9"), Decimal("1.4333")]


def test_classic_prices_round_up_to_the_tick_for_a_long():
    prices = f.classic_inverse_cross(Decimal(10_000), Decimal(8_000), Decimal("0.5"), Decimal(0), Decimal("0.005"))
    assert f.to_tick(prices.liquidation_price, Decimal("0.5"), 1) == Decimal("5739.5")
    assert f.to_tick(prices.liquidation_price, Decimal("0.5"), -1) == Decimal("5739.0")
    assert f.bankruptcy_price_inverse(Decimal("7890.08"), Decimal(50), -1) > Decimal("7890.08")
    with pytest.raises(RulesError, match="leverage of a short"):
        f.bankruptcy_price_inverse(Decimal(100), Decimal(1), -1)


@pytest.mark.parametrize(
    ("profit", "pool", "starts"),
    [("0.4", "2", True), ("0.4000001", "2", False), ("0.9", "0", True), ("0.9", "0.0001", False), ("0.4", "1", False)],
)
def test_adl_starts_at_the_limit_or_with_an_empty_pool(profit, pool, starts):
    limits = (Decimal(1), Decimal("-0.3"))
    assert f.adl_trigger(Decimal(pool), Decimal(2), Decimal(profit), Decimal(1), *limits).triggered is starts
    assert f.adl_trigger(Decimal(0), Decimal(0), Decimal(0), Decimal(0), *limits).triggered


@pytest.mark.parametrize(
    ("kind", "strike", "initial"),
    [
        (OptionKind.CALL, "100", "15.0"),  # at the money: 15% and the mark
        (OptionKind.CALL, "104", "11.0"),
        (OptionKind.CALL, "105", "10.0"),
        (OptionKind.CALL, "106", "10.0"),  # never below 10%
        (OptionKind.PUT, "96", "11.0"),
        (OptionKind.PUT, "106", "15.0"),
    ],
)
def test_a_short_option_pays_by_how_far_it_is_out_of_the_money(kind, strike, initial):
    figures = (Decimal(-2), Decimal(strike), Decimal(100), Decimal(3), Decimal(4), Decimal("0.03"), Decimal("0.002"))
    found = f.short_option_margin(kind, *figures)
    assert found.initial == 2 * (Fraction(initial) + 4)  # the average of 4 is dearer than the mark of 3
    assert found.maintenance == Decimal("12.4")


def test_the_option_fee_is_capped_by_the_price():
    assert f.option_cost(Decimal(1), Decimal(40_000), Decimal(10), Decimal("0.0003"), Decimal("0.125")).fee == Decimal(
        "1.25"
    )
    assert f.option_cost(Decimal(1), Decimal(40_000), Decimal(96), Decimal("0.0003"), Decimal("0.125")).fee == 12


def test_tables_without_an_end_are_only_ended_by_their_last_row():
    with pytest.raises(RulesError, match="only the last tier"):
        floors([(None, Decimal(1)), (Decimal(2), Decimal(1))])
    with pytest.raises(RulesError, match="at least one row"):
        floors([])


@FEW
@given(usd.worlds())
def test_l07_the_purposes_are_in_order_in_cross_margin(world):
    assert usd.out_of_order(world, RULES) == []
    assert usd.out_of_order(world, ON_ENTRY) == []


@FEW
@given(usd.worlds("USDT", ("BTC-PERP", "DOGE-PERP"), (Mode.ISOLATED,)))
def test_l07_the_purposes_are_in_order_in_isolated_margin(world):
    assert usd.out_of_order(world, RULES) == []


def test_l07_an_isolated_short_whose_mark_has_risen_needs_no_less_for_new_risk():
    """Initial margin stays on entry, 20,000 at 10 times; maintenance on mark is more by then and takes its place."""
    held = usd.book(
        {"USDT": 900_000}, usd.position("DOGE-PERP", -1_000_000, 2_000, 10), numeraire="USDT", mode=Mode.ISOLATED
    )
    prices = usd.market("USDT", DOGE_PERP=8_000)
    assert usd.asked(held, prices, RULES).required == usd.asked(held, prices, RULES, Purpose.ADMIT).required
    assert usd.asked(held, prices, RULES).required > 20_000
    assert usd.out_of_order((held, prices), RULES) == []


@FEW
@given(usd.worlds(), st.sampled_from(["USDT", "USDC", "BTC"]), st.integers(0, 10**12))
def test_l11_more_of_an_asset_is_never_worse(world, asset, units):
    assert usd.lowered(world, RULES, asset, units) == []


@FEW
@given(usd.worlds())
def test_l11_a_larger_haircut_is_never_better(world):
    kind = {name: with_ratios(RULES, {"BTC": [(Decimal(50), Decimal(name))]}) for name in ("0.9", "0.8")}
    for purpose in Purpose:
        assert usd.asked(*world, kind["0.8"], purpose).surplus <= usd.asked(*world, kind["0.9"], purpose).surplus


@settings(max_examples=8, deadline=None)
@given(usd.worlds(), st.sampled_from(sorted(usd.CONTRACTS)))
def test_l13_a_reported_tick_is_in_breach_and_its_neighbour_is_not(world, symbol):
    assert usd.wrong_crossings(world, RULES, symbol)[0] == []


@pytest.mark.parametrize("rules", [RULES, ON_ENTRY])
@pytest.mark.parametrize("lots", [1_000, -1_000])
def test_l13_a_leveraged_position_has_a_price(rules, lots):
    held = usd.book({"USDT": 6_000}, usd.position("BTC-PERP", lots, leverage=10))
    wrong, solution = usd.wrong_crossings((held, usd.market()), rules, "BTC-PERP")
    assert wrong == []
    assert solution.solved is not None
    assert (solution.solved < 60_000) == (lots > 0)
