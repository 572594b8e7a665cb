"""Bybit's accounts with options and in portfolio margin: printed examples as accounts, and others by hand."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Leg, LegMode, Method, Order, Purpose
from solvent.margin.scenario.units import units_of
from solvent.rules import RulesError
from solvent.venues import venue
from solvent.venues.bybit_uta import portfolio
from solvent.venues.bybit_uta.rules import parameters
from tests.venues.option_accounts import POOL, Account, D, black, checked, close

CROSS, UNITS = venue("bybit_uta"), venue("bybit_pm")
TIERED = Method.TIERED


# Options in cross margin


def test_the_printed_short_call_as_an_account():
    """byb-010: maintenance of 1,260 and a rate of 12.6% of a margin balance of 10,000."""
    held = Account(method=TIERED).index("BTC", 30_000).holds("USDT", 10_000).option("BTC", "C", 31_000, -1, 300, "USDT")
    found = held.asked(CROSS)
    assert (found.required, found.margin_equity, found.value) == (1_260, 10_000, 9_700)


def test_the_printed_put_spread_as_an_account():
    """byb-011: the long leg needs nothing, the short one 2,315 to open and 938 to hold."""
    held = Account(method=TIERED).index("BTC", 20_250).holds("USDT", 10_000)
    held.option("BTC", "P", 18_500, -1, 290, "USDT", entry=280).option("BTC", "P", 17_500, 1, 120, "USDT", entry=130)
    assert held.asked(CROSS).required == 938
    assert held.asked(CROSS, Purpose.ADMIT).required == 2_315


def test_legs_of_one_option_held_apart_are_margined_apart():
    held = Account(method=TIERED).index("BTC", 30_000).holds("USDT", 10_000).option("BTC", "C", 31_000, -1, 300, "USDT")
    (short,) = held.positions
    held.legs = LegMode.HEDGE
    held.positions = [replace(short, leg=Leg.SHORT), replace(short, leg=Leg.LONG, lots=-2 * short.lots)]
    found = held.asked(CROSS)
    needs = {line.leg: (line.value, line.required) for line in found.lines if line.kind == "position"}
    assert needs == {Leg.SHORT: (-300, 1_260), Leg.LONG: (600, 0)}


def test_the_dearer_of_average_and_mark_counts_to_open():
    held = Account(method=TIERED).index("BTC", 20_250).holds("USDT", 10_000)
    held.option("BTC", "P", 18_500, -1, 290, "USDT", entry=300)
    assert held.asked(CROSS, Purpose.ADMIT).required == 2_325
    assert held.asked(CROSS).required == 938


def test_an_index_in_the_settle_asset_stands_before_dollars():
    held = Account(method=TIERED, USDT="0.9").index("BTC", 27_000).index("BTC", 30_000, "USDT").holds("USDT", 10_000)
    held.option("BTC", "C", 31_000, -1, 300, "USDT")
    assert held.asked(CROSS).required == D("0.9") * 1_260


def test_options_settled_in_the_coin_are_refused():
    held = Account(method=TIERED).index("BTC", 30_000).holds("BTC", 1).option("BTC", "C", 31_000, -1, "0.01", "BTC")
    with pytest.raises(RulesError, match="options that settle in a dollar are covered, not this inverse one"):
        held.asked(CROSS)


# Portfolio margin


def stress(held, *, hedged=False):
    (unit,) = units_of(held.book(), held.market(), held.book().holding(POOL), UNITS.name)
    return portfolio.stressed(held.market(), unit, "USD", parameters(), hedged=hedged)


def test_a_perpetual_pays_ten_percent_and_its_contingency():
    """byb-014's size at a round price: a tenth is lost, 0.03% on top, and 1.2 times that to open."""
    held = Account().index("BTC", 70_000).holds("USDT", 9_000).contract("BTC", "0.038", 70_100, "USDT")
    assert held.asked(UNITS).required == D("266.798")
    assert held.asked(UNITS, Purpose.ADMIT).required == D("320.1576")
    assert held.asked(UNITS).binding.subject == "BTC: price -0.10, volatility up"


def test_inverse_and_linear_contracts_offset_and_both_have_a_contingency():
    held = Account().index("BTC", 50_000).holds("BTC", 1)
    held.contract("BTC", 50_000, 50_000, "BTC").contract("BTC", -1, 50_000, "USDC")
    assert held.lines(UNITS) == {("contingency", "BTC"): D("30.0000")}


def test_a_volatility_grid_by_hand():
    held = Account().index("ETH", 3_000).holds("USDC", 9_000)
    held.option("ETH", "C", 3_000, 2, 180, vol=0.6).option("ETH", "P", 2_700, -3, 60, vol=0.7)

    def gained(kind, size, strike, vol, shock, share):
        years = 30 / 365
        moved = black(kind, 3_000 * (1 + shock), strike, vol * share, years)
        return size * (moved - black(kind, 3_000, strike, vol, years))

    rows = [
        gained("C", 2, 3_000, 0.6, k / 50, share) + gained("P", -3, 2_700, 0.7, k / 50, share)
        for k in range(-5, 6)
        for share in (1.2, 1, 0.8)
    ]
    assert close(stress(held).loss, -min(rows), 1e-9)
    assert held.asked(UNITS).margin_equity == 9_000 + 360 - 180  # option value counts in portfolio margin


@pytest.mark.parametrize(("coins", "perps", "loss"), [(-1, 2, 10), (1, -2, 10), (1, 2, 20), (-1, -2, 20), (3, -2, 0)])
def test_a_hedge_counts_on_its_winning_side_and_never_loses(coins, perps, loss):
    held = Account().index("BTC", 100).holds("USDT", 9_000).holds("BTC", coins).contract("BTC", perps, 100, "USDT")
    assert close(stress(held, hedged=True).loss, loss, 1e-9)
    assert close(stress(held).loss, 20, 1e-9)


def test_spot_hedging_is_an_account_class():
    held = Account(account_class="spot_hedge").index("BTC", 100).holds("USDT", 9_000).holds("BTC", 2)
    held.contract("BTC", -2, 100, "USDT")
    assert held.lines(UNITS) == {("contingency", "BTC"): D("0.0600")}
    held.account_class = "standard"
    assert held.lines(UNITS)["scenario", "BTC"] == 20


def test_figures_of_the_market_stand_for_contingencies_without_a_table():
    held = Account().index("BTC", 70_000).holds("USDT", 9_000).contract("BTC", "0.038", 70_000, "USDT")
    for k, name in enumerate(portfolio.GIVEN):
        held.figure(name, "BTC", 10**k)
    assert held.lines(UNITS)["contingency", "BTC"] == D("1111.798")
    assert held.lines(UNITS, Purpose.ADMIT)["contingency", "BTC"] == D("1334.1576")


def test_other_coins_move_further_and_debts_need_margin():
    held = Account().index("SOL", 100).holds("USDT", 9_000).holds("SOL", -10).contract("SOL", 10, 100, "USDT")
    assert held.lines(UNITS) == {
        ("scenario", "SOL"): 200,
        ("contingency", "SOL"): D("0.3"),
        ("borrow", "SOL"): 40,
    }
    assert held.lines(UNITS, Purpose.ADMIT)["borrow", "SOL"] == 200


def test_orders_count_as_the_worse_side_filled():
    held = Account().index("BTC", 1_000).holds("USDT", 20_000).contract("BTC", 1, 1_000, "USDT")
    held.order(Order("1", "BTC-USDT-PERP", 10_000, 10_000_000)).order(Order("2", "BTC-USDT-PERP", -5_000, 10_000_000))
    assert held.asked(UNITS).required == D("100.3")
    assert held.asked(UNITS, Purpose.ADMIT).required == 2 * D("1.2") * D("100.3")


def test_pieces():
    assert len(portfolio.price_grid(D("0.1"), D("0.02"))) == 11
    assert len(portfolio.grid_of(parameters().of("BTC"), parameters().volatility).scenarios) == 33
    assert portfolio.account_rate(D("0.99999"), D(1)) == D("0.9999")
    assert replace(parameters(), initial_factor=D(2)).of("ETH") == parameters().of("BTC")


@settings(max_examples=15, deadline=None)
@given(st.integers(-40, 40), st.integers(-20, 20), st.integers(-20, 20), st.integers(-10, 10), st.integers(-9, 50_000))
def test_l07_and_l19_in_random_accounts(perps, calls, puts, coins, dollars):
    held = Account(account_class="spot_hedge").index("ETH", 3_000).holds("USDC", dollars).holds("ETH", coins)
    held.contract("ETH", perps, 3_010)
    held.option("ETH", "C", 3_200, calls, 90, vol=0.7).option("ETH", "P", 2_800, puts, 60, vol=0.8, days=9)
    checked(held, UNITS)
    held.method, held.account_class = TIERED, "standard"
    checked(held, CROSS)
