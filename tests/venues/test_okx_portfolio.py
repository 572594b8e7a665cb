"""OKX's accounts with options and in portfolio margin: the exchange's sample account whole, and others by hand."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Method, Order, Purpose
from solvent.instruments import OptionKind
from solvent.margin.scenario.units import UnitAccount, units_of
from solvent.units import Rounding, divide, exact
from solvent.venues import venue
from solvent.venues.okx import formulas as f
from solvent.venues.okx import portfolio
from solvent.venues.okx.rules import parameters
from tests.venues.option_accounts import POOL, Account, D, black, checked, close

FUTURES, MULTI, UNITS = venue("okx"), venue("okx_multi"), venue("okx_pm")
TIERED = Method.TIERED


# Options outside portfolio margin


def test_a_short_option_in_the_coin_in_futures_mode():
    """An account of BTC: what is sold counts below zero in equity, and its mark again in the margin, as printed."""
    held = Account("BTC", method=TIERED).index("BTC", 50_000).holds("BTC", 1)
    held.option("BTC", "C", 55_000, -2, "0.02", "BTC")
    found = held.asked(FUTURES, Purpose.ADMIT)
    assert (found.margin_equity, found.required) == (D("0.96"), 2 * D("0.12"))  # 0.15 − 0.1 is below 0.1
    assert held.asked(FUTURES).required == 2 * D("0.05")  # 3% and the mark


def test_a_long_option_is_apart():
    held = Account("BTC", method=TIERED).index("BTC", 50_000).holds("BTC", 1)
    held.option("BTC", "C", 55_000, 2, "0.02", "BTC")
    found = held.asked(FUTURES)
    assert (found.value, found.margin_equity, found.required) == (D("1.04"), 1, 0)


def test_a_short_options_value_passes_through_the_discount():
    """21 BTC less 0.5 owed on options: 20 count 0.98, the rest 0.96."""
    held = Account(method=TIERED).index("BTC", 50_000).holds("BTC", 21).option("BTC", "P", 40_000, -1, "0.5", "BTC")
    found = held.asked(MULTI)
    assert found.margin_equity == 50_000 * (20 * D("0.98") + D("0.5") * D("0.96"))
    assert found.required == 50_000 * D("0.53")


@pytest.mark.parametrize(
    ("coin", "kind", "purpose", "expected"),
    [
        ("BTC", OptionKind.CALL, "initial", "7.8"),  # (0.15 − 0.1) is below 0.1: 10% of 50 and the mark, each
        ("BTC", OptionKind.CALL, "maintenance", "4.3"),
        ("BTC", OptionKind.PUT, "initial", "10.3"),  # in the money
        ("ETH", OptionKind.PUT, "maintenance", "5.3"),
        ("DOGE", OptionKind.PUT, "maintenance", "5.3"),
    ],
)
def test_options_in_dollars_pay_a_share_of_the_index(coin, kind, purpose, expected):
    held = Account(method=TIERED).index(coin, 50).holds("USDC", 100)
    letter = "C" if kind is OptionKind.CALL else "P"
    held.option(coin, letter, 55, -1, "2.8", "USDC")
    asked = Purpose.ADMIT if purpose == "initial" else Purpose.MAINTAIN
    assert held.asked(MULTI, asked).required == D(expected)


def test_a_put_dearer_than_the_coin_pays_by_its_mark():
    terms = f.OptionTerms(D("0.1"), D("0.15"), D("0.03"), D("1.1"))
    found = f.short_option_margin(OptionKind.PUT, D(-1), D(300_000), D(50_000), D(5), terms)
    assert found.maintenance == D("5.165")
    assert found.initial == found.maintenance  # 0.15 × 1.1 + 5 is as much
    dear = f.short_option_margin(OptionKind.PUT, D(-1), D(900_000), D(50_000), D(17), terms)
    assert dear.initial == dear.maintenance == D("17.561")


# Portfolio margin


@exact
def sample():
    """The sample reply's account: ten contracts of BTC and some of LTC sold, 100 USDT, and a large loss.

    Sizes, marks and indices of LTC and the entries are not printed; they are such that delta, MR1 and loss are.
    """
    held = Account(USDT="0.99954").index("BTC", "97078.9", "USDT").index("BTC", "97034.243706")
    mark, shock = D("102.0000"), D("183.50672805719995")
    index = divide(shock, D("0.18") * D("0.99954") * 10, 14, Rounding.HALF_UP)
    held.index("LTC", index, "USDT").index("LTC", index * D("0.99954")).holds("USDT", 100)
    held.contract("BTC", "-0.1", "97093.7", "USDT", gain="-78000").contract("LTC", -10, mark, "USDT", gain="-689.37")
    return held


def test_the_sample_account_whole():
    """okx-001 to okx-010: units, borrowing, totals and the account's ratio of −25.9537."""
    held = sample()
    lines, open_ = held.lines(UNITS), held.lines(UNITS, Purpose.ADMIT)
    assert close(lines["unit", "BTC"], 1183.8207318516002, 1e-6)
    assert close(lines["unit", "LTC"], 191.6629744572, 1e-6)
    assert close(lines["borrow", "USDT"], 1571.064377796, 1e-6)
    assert close(open_["unit", "BTC"], 1538.9669514070802, 1e-6)
    assert close(open_["borrow", "USDT"], 7855.32188898, 1e-5)
    assert close(held.asked(UNITS, Purpose.ADMIT).required, 9643.45070718144, 1e-5)
    found = held.asked(UNITS)
    assert close(found.margin_equity, -78553.21888979999, 1e-6)
    assert close(float(found.margin_equity) / float(found.required), -25.95365779811705, 1e-6)
    assert close(lines["fee", "USDT"], 0.001 * (78553.2188898 + 1571.064377796), 1e-6)
    assert found.binding.subject.startswith("BTC: index +0.12")


def stress(held, rules=UNITS):
    model = rules.models[Method.SCENARIO]
    assert isinstance(model, UnitAccount)
    (unit,) = units_of(held.book(), held.market(), held.book().holding(POOL), rules.name)
    return portfolio.stressed(held.market(), unit, "USD", model.margin.parameters)


def test_the_stress_of_a_unit_has_the_printed_parts():
    held = Account().index("BTC", 100_000).holds("USDT", 9_000).contract("BTC", "0.1", 100_000, "USDT")
    found = stress(held)
    assert close(found.spot, 1_200)
    assert close(found.extreme, 1_200)  # half of 24%
    assert (found.basis, found.reduction) == (20, 45)


def with_charges(**changed):
    """The rule set with other terms of BTC."""
    own = parameters()
    margin = portfolio.PortfolioMargin(replace(own, terms={**own.terms, "BTC": own.of("BTC")._replace(**changed)}))
    return replace(UNITS, models={Method.SCENARIO: replace(UNITS.models[Method.SCENARIO], margin=margin)})


def test_spot_that_hedges_joins_its_unit():
    """The printed example of 2024, ten coins against a perpetual: no price risk, MR4 twice 0.6% and MR7 0.45%."""
    price = D("67111.00")
    held = Account().index("BTC", price).holds("BTC", 15).contract("BTC", -10, price, "USDT")
    found = stress(held, with_charges(basis=D("0.006")))
    assert (found.spot, found.extreme) == (0, 0)
    assert close(found.basis, 8053.32, 1e-6)
    assert close(found.reduction, 3019.995, 1e-6)  # printed 3,020.17, at a mark a little above
    assert held.lines(with_charges(basis=D("0.006")))["unit", "BTC"] == D("8053.32")


@pytest.mark.parametrize(
    ("coins", "perps", "loss"), [(10, -10, 0), (4, -10, 6), (15, -10, 0), (10, 10, 10), (-4, 10, 6), (-4, -10, 10)]
)
def test_spot_in_use_is_what_hedges(coins, perps, loss):
    held = Account().index("BTC", 1_000).holds("BTC", coins).contract("BTC", perps, 1_000, "USDT")
    assert close(stress(held).spot, loss * 1_000 * 0.12)


def test_inverse_and_linear_contracts_of_one_underlying_offset():
    held = Account().index("BTC", 50_000).holds("BTC", 1)
    held.contract("BTC", 50_000, 50_000, "BTC").contract("BTC", -1, 50_000, "USDC", days=73)
    found = stress(held)
    assert found.spot == 0
    assert found.basis == 50_000 * D("0.002") + 50_000 * D("0.01")  # a fifth of a year of 5%
    assert found.reduction == 2 * 225


@pytest.mark.parametrize(
    ("size", "scenario"), [(-2, "index +0.12, volatility up"), (2, "index -0.12, volatility down")]
)
def test_options_are_stressed_with_volatility(size, scenario):
    held = Account().index("ETH", 3_000).holds("USDC", 9_000).option("ETH", "C", 3_200, size, 100, vol=0.6)

    def gained(shock, vol):
        years = 30 / 365
        return size * (black("C", 3_000 * (1 + shock), 3_200, vol, years) - black("C", 3_000, 3_200, 0.6, years))

    spots = [0, 0.04, 0.08, 0.12, -0.04, -0.08, -0.12]
    found = stress(held)
    assert close(found.spot, -min(gained(s, v) for s in spots for v in (0.9, 0.6, 0.3)), 1e-9)
    assert close(found.extreme, -0.5 * min(gained(s, 0.6) for s in (0.24, -0.24)), 1e-9)
    assert found.scenario == scenario


def test_an_options_delta_is_hedged_by_spot_and_charged_for_its_tenor():
    held = Account().index("ETH", 3_000).holds("ETH", 10).holds("USDC", 9_000)
    held.option("ETH", "C", 1, -2, 2_999, vol=0.6, days=146)  # a delta of one, each
    found = stress(held)
    assert close(found.spot, 0, 1e-6)
    assert close(found.basis, 6_000 * 0.02 + 6_000 * 0.002, 1e-6)  # two fifths of a year of 5%, and spot at least
    assert found.reduction == 0


def test_figures_of_the_market_stand_for_what_is_not_published():
    held = Account().index("BTC", 100_000).holds("USDT", 9_000).contract("BTC", "0.1", 100_000, "USDT")
    for name, number in (("mr2", 5_000), ("mr3", 1), ("mr5", 2), ("mr9", 4)):
        held.figure(name, "BTC", number)
    assert held.asked(UNITS).required == 5_000 + 1 + 20 + 2 + 4
    assert held.asked(UNITS, Purpose.ADMIT).required == D("1.3") * 5_027


@pytest.mark.parametrize(("size", "charge"), [("500", "225000"), ("600", "290000"), ("2000", "2350000")])
def test_reduction_is_scaled_for_large_units(size, charge):
    """0.45% of size × 100,000: 225,000, 270,000 (20,000 twice) and 900,000 (250,000 twice, 400,000 four times)."""
    held = Account().index("BTC", 100_000).holds("USDT", 9_000).contract("BTC", size, 100_000, "USDT")
    assert stress(held).reduction == D(charge)
    assert stress(held, with_charges(scaling=())).reduction == D(size) * 450


def test_classes_have_their_moves():
    for coin, move, extreme in (("ETH", 0.12, 0.24), ("LTC", 0.18, 0.36), ("SOL", 0.25, 0.36), ("DOGE", 0.25, 0.36)):
        held = Account().index(coin, 100).holds("USDT", 9_000).contract(coin, -10, 100, "USDT")
        found = stress(held)
        assert close(found.spot, 1_000 * move, 1e-9)
        assert close(found.extreme, 500 * extreme, 1e-9)


def test_orders_count_as_the_worse_side_filled():
    held = Account().index("BTC", 1_000).holds("USDT", 20_000).contract("BTC", 1, 1_000, "USDT")
    held.order(Order("1", "BTC-USDT-PERP", 10_000, 10_000_000)).order(Order("2", "BTC-USDT-PERP", -5_000, 10_000_000))
    assert held.asked(UNITS).required == 122
    assert held.asked(UNITS, Purpose.ADMIT).required == 2 * D("1.3") * 122


@settings(max_examples=15, deadline=None)
@given(st.integers(-40, 40), st.integers(-20, 20), st.integers(-20, 20), st.integers(-10, 10), st.integers(-9, 50_000))
def test_l07_and_l19_in_random_accounts(perps, calls, puts, coins, dollars):
    held = Account().index("ETH", 3_000).holds("USDC", dollars).holds("ETH", coins).contract("ETH", perps, 3_010)
    held.option("ETH", "C", 3_200, calls, "0.02", "ETH", vol=0.7).option("ETH", "P", 2_800, puts, 60, vol=0.8, days=9)
    checked(held, UNITS)
    held.method = TIERED
    checked(held, MULTI)
