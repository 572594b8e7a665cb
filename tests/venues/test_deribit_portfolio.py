"""Deribit with options and in portfolio margin: whole accounts by hand and as the exchange's replies show."""

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import BookError, Method, Order, Purpose
from solvent.book_json import BookFileError, decode_book, encode_book
from solvent.instruments import Exercise
from solvent.margin import assess_pool
from solvent.margin.scenario.units import Unit, along
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.deribit import portfolio
from solvent.venues.deribit.rules import parameters, simulations, with_parameters
from tests.venues.option_accounts import POOL, Account, black, checked, close

D = Decimal
STANDARD, CROSS, ALONE = venue("deribit"), venue("deribit_pm"), venue("deribit_pm_segregated")
TIERED = Method.TIERED


# Standard margin


def test_a_short_call_in_the_coin_pays_its_share_and_its_mark():
    """The printed form: 0.15 less 0.10 out of the money is below 0.10; the mark is 0.02 and the coin 100,000."""
    held = Account(method=TIERED).index("BTC", 100_000).holds("BTC", 1).option("BTC", "C", 110_000, -1, "0.02", "BTC")
    name = "BTC-BTC-30-110000-C"
    assert held.lines(STANDARD, Purpose.ADMIT) == {("position", name): 12_000}
    assert held.lines(STANDARD) == {("position", name): 9_500}
    found = held.asked(STANDARD)
    assert (found.value, found.margin_equity, found.required) == (98_000, 100_000, 9_500)


def test_a_long_option_is_worth_its_mark_and_needs_nothing():
    held = Account(method=TIERED).index("BTC", 100_000).holds("BTC", 1).option("BTC", "C", 110_000, 2, "0.02", "BTC")
    for purpose in Purpose:
        found = held.asked(STANDARD, purpose)
        assert (found.value, found.margin_equity, found.required) == (104_000, 100_000, 0)


def test_an_option_in_dollars_is_margined_like_the_coins():
    held = Account(method=TIERED).index("BTC", 100_000).holds("USDC", 50_000)
    held.option("BTC", "P", 95_000, -2, 1_500, "USDC")
    name = "BTC-USDC-30-95000-P"
    assert held.lines(STANDARD, Purpose.ADMIT) == {("position", name): 2 * (10_000 + 1_500)}  # 0.15 − 0.05
    assert held.lines(STANDARD) == {("position", name): 2 * (7_500 + 1_500)}


def test_the_forward_of_the_expiry_stands_before_the_index():
    held = Account(method=TIERED).index("BTC", 100_000).holds("BTC", 1).forward("BTC", 30, 110_000)
    held.option("BTC", "C", 110_000, -1, "0.02", "BTC")
    assert held.asked(STANDARD, Purpose.ADMIT).required == 17_000  # at the money of the forward: 0.15 + 0.02 of a coin


def test_options_and_futures_of_one_account_add_up():
    held = Account(method=TIERED).index("BTC", 100_000).holds("USDC", 50_000).contract("BTC", 2, 100_000)
    held.option("BTC", "C", 110_000, -1, 2_000, "USDC")
    found = held.asked(STANDARD)
    assert found.required == D("2020.0") + 9_500  # 1% + 2 × 0.005% of 200,000
    assert found.value == 50_000 - 2_000


def test_orders_on_options_count_as_filled_to_open_and_not_to_hold():
    held = Account(method=TIERED).index("BTC", 100_000).holds("BTC", 1).option("BTC", "C", 110_000, 0, "0.02", "BTC")
    held.order(Order("1", "BTC-BTC-30-110000-C", -10, 250))  # 1 option at 0.025
    assert held.asked(STANDARD).required == 0
    admit = held.asked(STANDARD, Purpose.ADMIT)
    assert (admit.margin_equity, admit.required) == (102_500, 12_000)
    held.orders[0] = Order("1", "BTC-BTC-30-110000-C", 10, 250)
    admit = held.asked(STANDARD, Purpose.ADMIT)
    assert (admit.margin_equity, admit.required, admit.value) == (97_500, 0, 99_500)


@exact
def test_lines_of_an_account_with_options_sum_to_its_totals():
    held = Account(method=TIERED, USDC="0.99").index("BTC", 100_000).holds("BTC", "0.5").holds("USDC", 7)
    held.option("BTC", "C", 110_000, -1, "0.02", "BTC").option("BTC", "P", 90_000, 1, 1_200, "USDC")
    for purpose in Purpose:
        found = held.asked(STANDARD, purpose)
        sums = [sum((getattr(line, name) for line in found.lines), D(0)) for name in ("value", "equity", "required")]
        assert sums == [found.value, found.margin_equity, found.required]


def test_an_inverse_option_is_told_in_json_and_read_back():
    held = Account(method=TIERED).index("BTC", 100_000).holds("BTC", 1).option("BTC", "C", 110_000, -1, "0.02", "BTC")
    told = json.loads(encode_book(held.book(), held.market()))
    file = decode_book(json.dumps(told).encode())
    assert file.book == replace(held.book(), assets=file.book.assets)
    assert assess_pool(file.book, file.market, STANDARD, Purpose.MAINTAIN, POOL) == held.asked(STANDARD)
    told["instruments"]["BTC-BTC-30-110000-C"]["quote"] = "USD"
    told["instruments"]["BTC-BTC-30-110000-C"]["settle"] = "BTC"
    with pytest.raises(BookFileError, match=r"BTC-BTC-30-110000-C\.quote: got 'USD', expected the coin .* BTC"):
        decode_book(json.dumps(told).encode())


def test_american_options_and_missing_marks_are_refused():
    held = Account(method=TIERED).index("BTC", 100_000).holds("BTC", 1)
    held.option("BTC", "C", 110_000, 1, "0.02", "BTC", exercise=Exercise.AMERICAN)
    with pytest.raises(RulesError, match="deribit covers European options, not BTC-BTC-30-110000-C"):
        held.asked(STANDARD)
    held = Account(method=TIERED).index("BTC", 100_000).holds("BTC", 1).option("BTC", "C", 110_000, 1, "0.02", "BTC")
    held.prices = {key: price for key, price in held.prices.items() if "30-110000" not in key.subject}
    with pytest.raises(BookError, match=r"market\.mark\.BTC-BTC-30-110000-C"):
        held.asked(STANDARD)


# Portfolio margin


def segregated():
    """The account of the exchange's response example of 2024-06-17: 0.3145 BTC of a perpetual against a future.

    Marks are one dollar, so that the sizes in coins are as printed.
    """
    held = Account("BTC").index("BTC", 1).holds("BTC", 1)
    held.contract("BTC", "0.3145", 1, "BTC").contract("BTC", "-0.0012", 1, "BTC", days=11)
    return held


@exact
def test_the_printed_vector_of_an_inverse_future():
    """der-008 has 27 entries a contract: at −16% a long of q coins loses q × 0.16 ÷ 0.84."""
    (found,) = simulations(segregated().book(), segregated().market(), ALONE, POOL)
    assert close(found.worst, 0.3133 * 0.16 / 0.84, 1e-12)
    assert found.scenario.startswith("price -0.16")
    assert found.roll_shock == D("0.003157")  # 1% of both sides, added up


def test_shocks_are_shares_of_value_in_dollars():
    held = Account().index("ETH", 3_000).holds("USDC", 20_000).contract("ETH", 10, 3_000)
    found = {
        ("scenario", "ETH"): D(5_400),
        ("roll_shock", "ETH"): D(300),
    }
    assert held.lines(CROSS, Purpose.ADMIT) == found
    assert held.lines(CROSS) == {key: amount * D("0.8") for key, amount in found.items()}


def test_gains_in_another_currency_count_at_their_share():
    """Long one coin of inverse, short one of linear: at −16% 9,523.81 is lost and 0.4 of 8,000 gained."""
    held = Account().index("BTC", 50_000).holds("USDC", 20_000)
    held.contract("BTC", 50_000, 50_000, "BTC").contract("BTC", -1, 50_000)
    (found,) = simulations(held.book(), held.market(), CROSS, POOL)
    assert close(found.worst, 50_000 * 0.16 / 0.84 - 0.4 * 8_000, 1e-9)
    assert found.roll_shock == 500 + 500
    assert found.scenario.startswith("price -0.16")


def test_gains_are_credited_up_to_a_limit_in_dollars():
    own = parameters()
    usd = own.currencies["USD"]._replace(most_gain=D(1_000))
    rules = with_parameters(CROSS, replace(own, currencies={**own.currencies, "USD": usd}))
    held = Account().index("BTC", 50_000).holds("USDC", 20_000)
    held.contract("BTC", 50_000, 50_000, "BTC").contract("BTC", -1, 50_000)
    (found,) = simulations(held.book(), held.market(), rules, POOL)
    assert close(found.worst, 50_000 * 0.16 / 0.84 - 1_000, 1e-9)


@exact
def test_opposite_positions_in_one_currency_cancel_before_gains_are_cut():
    held = Account().index("ETH", 3_000).holds("USDC", 20_000)
    held.contract("ETH", 10, 3_000).contract("ETH", -10, 3_000, days=100)
    (found,) = simulations(held.book(), held.market(), CROSS, POOL)
    assert found.worst == 0
    assert found.roll_shock == 600 + D("521.917808219178090000")  # 1% is least; 10% × 100 ÷ 365 is more
    assert held.asked(CROSS).binding.kind == "roll_shock"


@pytest.mark.parametrize(
    ("days", "share"), [(1, "0.01"), ("36.5", "0.01"), ("36.6", "0.010027397260273973"), (73, "0.02")]
)
@exact
def test_the_roll_shock_has_a_floor(days, share):
    held = Account().index("ETH", 1_000).holds("USDC", 20_000).contract("ETH", 1, 1_000, days=days)
    (found,) = simulations(held.book(), held.market(), CROSS, POOL)
    assert close(found.roll_shock, 1_000 * float(share), 1e-10)


def shocked(kind, size, strike, vol, days, factor, move):
    """What a linear ETH option gains, worked out apart: volatility by (30 ÷ days) to the power of its side."""
    years = days / 365
    power = 0.3 if days <= 30 else 0.13
    range_ = {"up": 0.4, "none": 0.0, "down": -0.25}[move] * (30 / days) ** power
    moved = max(vol * (1 + range_), 0.5) if move == "up" else vol * (1 + range_)
    return size * (black(kind, 3_000 * factor, strike, moved, years) - black(kind, 3_000, strike, vol, years))


def grid(kind, size, strike, vol, days):
    moves = [k * 0.18 / 4 for k in range(-4, 5)]
    return [shocked(kind, size, strike, vol, days, 1 + s, v) for s in moves for v in ("up", "none", "down")]


@pytest.mark.parametrize(("days", "vol"), [(10, 0.6), (60, 0.6), (60, 0.3)])
def test_a_short_straddles_worst_case_by_hand(days, vol):
    held = Account().index("ETH", 3_000).holds("USDC", 20_000)
    held.option("ETH", "C", 3_100, -2, 90, days=days, vol=vol).option("ETH", "P", 2_900, -1, 80, days=days, vol=vol)
    rows = zip(grid("C", -2, 3_100, vol, days), grid("P", -1, 2_900, vol, days), strict=True)
    (found,) = simulations(held.book(), held.market(), CROSS, POOL)
    assert close(found.worst, -min(a + b for a, b in rows), 1e-9)
    assert found.roll_shock == 0  # options are not rolled


def test_an_extended_move_counts_its_fraction_and_is_dampened():
    """Far calls sold: the grid sees little of them, the price at six times a part of much."""
    held = (
        Account().index("ETH", 3_000).holds("USDC", 900_000_000).option("ETH", "C", 9_000, -1_000, 1, days=30, vol=0.6)
    )
    (found,) = simulations(held.book(), held.market(), CROSS, POOL)
    at_six = shocked("C", -1_000, 9_000, 0.6, 30, 6, "up") * 0.18 / 5
    assert found.scenario == "extended +5, volatility up"
    assert close(found.worst, -at_six - 25_000, 1e-6)


def test_the_dampener_of_a_loss_below_it_leaves_nothing():
    held = Account().index("ETH", 3_000).holds("USDC", 9_000).option("ETH", "C", 9_000, -1, 1, days=30, vol=0.6)
    (found,) = simulations(held.book(), held.market(), CROSS, POOL)
    assert "extended" not in found.scenario
    assert found.worst < 1


def test_futures_stay_at_the_edge_of_the_grid_in_extended_moves():
    own = parameters()
    tables = {name: row._replace(dampener=D(0)) for name, row in own.currencies.items()}
    rules = with_parameters(CROSS, replace(own, currencies=tables))
    held = Account().index("ETH", 3_000).holds("USDC", 20_000).contract("ETH", -10, 3_000)
    (found,) = simulations(held.book(), held.market(), rules, POOL)
    assert close(found.worst, 5_400, 1e-9)
    assert "extended" not in found.scenario


def test_an_option_in_the_coin_gains_coins():
    """A short call settled in ETH, in a segregated account: value over forward, now and then."""
    held = Account("ETH").index("ETH", 3_000).holds("ETH", 10).option("ETH", "C", 3_100, -2, "0.03", "ETH", vol=0.6)
    worst = 0.0
    for s in (k * 0.18 / 4 for k in range(-4, 5)):
        for move in (0.6 * 1.4, 0.6, 0.6 * 0.75):
            then = black("C", 3_000 * (1 + s), 3_100, max(move, 0.5) if move > 0.6 else move, 30 / 365) / (
                3_000 * (1 + s)
            )
            worst = min(worst, -2 * (then - black("C", 3_000, 3_100, 0.6, 30 / 365) / 3_000))
    found = held.asked(ALONE, Purpose.ADMIT)
    assert close(found.required, round(-worst, 9), 1e-12)
    assert found.value == found.margin_equity == D("9.94")


def test_figures_the_exchange_states_are_added_where_they_belong():
    held = Account().index("ETH", 3_000).holds("USDC", 20_000).contract("ETH", 10, 3_000)
    for name, number in (
        ("delta_shock", 1),
        ("correlation_contingency", 2),
        ("mmp_margin", 4),
        ("open_orders_margin", 8),
    ):
        held.figure(name, "ETH", number)
    assert held.asked(CROSS, Purpose.ADMIT).required == 5_700 + 15
    assert held.asked(CROSS).required == D("0.8") * (5_700 + 3)


@exact
def test_initial_margin_is_rounded_to_nine_decimals_and_says_so():
    held = Account("BTC").index("BTC", 1).holds("BTC", 1).contract("BTC", "0.9995", 1, "BTC")
    (found,) = simulations(held.book(), held.market(), ALONE, POOL)
    admit = held.asked(ALONE, Purpose.ADMIT)
    assert admit.required == found.initial == portfolio.shown(found.worst) + found.roll_shock
    held.figure("mmp_margin", "BTC", "0.0000000004")
    admit = held.asked(ALONE, Purpose.ADMIT)
    assert admit.required == found.initial
    assert held.lines(ALONE, Purpose.ADMIT)["rounding", "BTC"] == D("-4E-10")


def test_a_large_delta_is_charged_above_the_threshold():
    held = Account().index("ETH", 2_000).holds("USDC", 99_000_000)
    held.contract("ETH", 10_000, 2_000)
    assert ("delta_shock", "ETH") not in held.lines(CROSS, Purpose.ADMIT)
    held.option("ETH", "C", 1, 1_000, 1_999, days=30, vol=0.6)  # a delta of one
    charged = held.lines(CROSS, Purpose.ADMIT)["delta_shock", "ETH"]
    assert close(charged, 22_000_000 * 0.000004 * 1_000, 1e-3)


def test_what_has_no_parameters_is_refused():
    held = Account().index("SOL", 100).holds("USDC", 20_000).contract("SOL", 10, 100)
    with pytest.raises(RulesError, match="no portfolio margin parameters of SOL were found"):
        held.asked(CROSS)
    held = (
        Account("BTC").index("BTC", 50_000).holds("BTC", 1).index("USDC", "0.00002", "BTC").contract("BTC", 1, 50_000)
    )
    with pytest.raises(RulesError, match="a segregated account of BTC holds what settles in BTC; BTC has USDC"):
        held.asked(ALONE)
    held = Account().index("ETH", 3_000).holds("USDC", 1).option("ETH", "C", 3_000, 1, 90)
    with pytest.raises(BookError, match="no volatility of ETH-USDC-30-3000-C"):
        held.asked(CROSS)


def test_orders_count_as_the_worse_side_filled():
    held = Account().index("ETH", 3_000).holds("USDC", 20_000).contract("ETH", 1, 3_000)
    held.order(Order("1", "ETH-USDC-PERP", 10_000, 30_000_000)).order(Order("2", "ETH-USDC-PERP", -5_000, 30_000_000))
    assert held.asked(CROSS).required == D("0.8") * 570
    assert held.asked(CROSS, Purpose.ADMIT).required == 2 * 570


def test_pieces_at_their_edges():
    assert portfolio.credited(np.array([4.0, -4.0]), D("0.5")).tolist() == [2.0, -4.0]
    assert portfolio.dampened(np.array([-3.0, -3.0]), 1, 3.0).tolist() == [-3.0, 0.0]
    with pytest.raises(RulesError, match="buckets"):
        portfolio.price_moves(D("0.1"), 0)
    with pytest.raises(RulesError, match="cannot fall by all of itself or more"):
        along(segregated().market(), Unit("BTC", D(1), (), (), D(0)), "BTC", [D("0.1"), D(-1)], in_coin=True)
    moves = [scenario.spot for scenario in portfolio.grid_of(parameters(), "BTC").scenarios]
    assert (len(moves), min(moves[:27]), max(moves[:27]), moves[27:]) == (
        35,
        0.84,
        1.16,
        [0.34, 0.67, 1.5, 2, 3, 4, 5, 6],
    )


@settings(max_examples=15, deadline=None)
@given(
    st.integers(-40, 40),
    st.integers(-20, 20),
    st.integers(-20, 20),
    st.integers(0, 50_000),
)
def test_l07_and_l19_in_random_accounts(perps, calls, puts, dollars):
    held = Account().index("ETH", 3_000).holds("USDC", dollars).holds("ETH", 3)
    held.contract("ETH", perps, 3_010)
    held.option("ETH", "C", 3_200, calls, "0.02", "ETH", vol=0.7).option("ETH", "P", 2_800, puts, 60, vol=0.8, days=9)
    checked(held, CROSS)
