"""Aave v3 where its verdicts flip: averages, rounding by version, admission, close factor, dust, deficit, interest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from solvent.book import BookError, Holding, Method, Order, PriceKind, Purpose
from solvent.margin import assess_pool, explain
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.aave_v3 import account as accounts
from solvent.venues.aave_v3 import arithmetic as ints
from solvent.venues.aave_v3.account import Supply, account_data
from solvent.venues.aave_v3.actions import borrow_check, mode_check, withdraw_check
from solvent.venues.aave_v3.editions import EDITIONS, ProtocolError, Reason, edition
from solvent.venues.aave_v3.model import pool_data
from solvent.venues.aave_v3.reserves import (
    Category,
    Listing,
    Listings,
    Whole,
    check_borrow,
    check_isolation,
    check_supply,
)
from solvent.venues.aave_v3.rules import listings, with_listings
from solvent.venues.aave_v3.samples import account

OLD, CLOSER, ROUNDED, NEW = (EDITIONS[minor] for minor in (0, 3, 5, 7))
SETS = ("aave_v3_0", "aave_v3_3", "aave_v3_5", "aave_v3_7")
USD = 10**8


def made(supplies, debts, prices, rules="aave_v3", mode="standard"):
    """An account of amounts and decimals in words: ``{"WETH": "2"}``."""
    decimals = {name: listings().listing(name).decimals for name in {*supplies, *debts}}
    book, market = account(
        {name: (Decimal(amount), decimals[name]) for name, amount in supplies.items()},
        {name: (Decimal(amount), decimals[name]) for name, amount in debts.items()},
        {name: Decimal(price) for name, price in prices.items()},
        mode,
    )
    return book, market, venue(rules)


# --- arithmetic


@pytest.mark.parametrize(
    ("name", "arguments", "found"),
    [
        ("percentMul", (1, 5000), 1),
        ("percentMul", (1, 4999), 0),
        ("percentMulFloor", (1, 9999), 0),
        ("percentMulCeil", (1, 1), 1),
        ("percentDiv", (1, 20_001), 0),
        ("percentDiv", (1, 20_000), 1),
        ("percentDivFloor", (5, 3), 16_666),
        ("percentDivCeil", (3, 3), 10_000),
        ("wadMul", (1, ints.WAD // 2), 1),
        ("rayDiv", (2, 3), 666_666_666_666_666_666_666_666_667),
        ("rayMulCeil", (1, 1), 1),
        ("rayDivFloor", (2, 3), 666_666_666_666_666_666_666_666_666),
        ("rayDivCeil", (2, 3), 666_666_666_666_666_666_666_666_667),
    ],
)
def test_each_rounding_turns_at_its_own_half(name, arguments, found):
    assert ints.function(name)(*arguments) == found


def test_a_division_by_zero_and_an_unknown_function_are_refused():
    with pytest.raises(RulesError, match="above zero"):
        ints.percent_div(1, 0)
    with pytest.raises(RulesError, match="percentDivFloor"):
        ints.function("percentPow")


@pytest.mark.parametrize("name", ["v3.8", "v2.0", "", "3.0", "v3.3++"])
def test_versions_that_are_not_known_are_refused(name):
    with pytest.raises(RulesError, match=r"expected one of v3\.0 to v3\.7"):
        edition(name)


# --- accounts


def test_the_average_threshold_is_cut_until_v3_3_and_not_after():
    """Two thirds at 8,000 and one third at 8,001: the average is 8,000.33."""
    supplies = [Supply(20_000, 7000, 8000), Supply(10_000, 7000, 8001)]
    old, new = account_data(OLD, supplies, 24_001), account_data(NEW, supplies, 24_001)
    assert old.threshold_bps == new.threshold_bps == 8000
    assert old.liquidatable
    assert old.counted_base == 24_000
    assert not new.liquidatable
    assert new.counted_base == 24_001
    assert account_data(NEW, supplies, 24_002).liquidatable


def test_a_health_factor_of_exactly_one_is_not_liquidatable():
    for rules in EDITIONS.values():
        assert account_data(rules, [Supply(10_000, 7000, 8000)], 8000).health_wad == ints.WAD
        assert not account_data(rules, [Supply(10_000, 7000, 8000)], 8000).liquidatable
        assert account_data(rules, [Supply(10_000, 7000, 8000)], 8001).liquidatable


def test_without_debt_the_health_factor_has_no_bound_and_without_collateral_it_is_zero():
    assert account_data(NEW, [], 0).health_factor is None
    assert account_data(NEW, [Supply(1, 1, 1)], 0).health_factor is None
    assert account_data(NEW, [], 1).health_factor == 0
    assert account_data(NEW, [], 1).liquidatable


def test_what_is_counted_rounds_half_up_where_the_threshold_is_cut():
    assert account_data(OLD, [Supply(1, 5000, 5000)], 0).counted_base == 1
    assert account_data(OLD, [Supply(1, 4999, 4999)], 0).counted_base == 0
    assert account_data(NEW, [Supply(1, 4999, 4999)], 0).counted_base == Decimal("0.4999")


@pytest.mark.parametrize(("rules", "most"), [(OLD, 8), (CLOSER, 8), (ROUNDED, 7), (NEW, 7)])
def test_the_largest_debt_of_a_borrow_by_version(rules, most):
    """Ten units at 7,950 bps: half up a debt of 8 needs 10.06, rounded to 10; rounded up it needs 11."""
    for debt in (most, most + 1):
        refused = accounts.borrow_refusals(account_data(rules, [Supply(10, 7950, 9000)], debt))
        assert refused == (() if debt == most else (Reason.COLLATERAL_CANNOT_COVER_NEW_BORROW,))
    assert ints.percent_div(8, 7950) == 10
    assert ints.percent_div_ceil(8, 7950) == 11


def test_borrowing_names_what_stands_against_it():
    nothing = account_data(NEW, [], 1)
    assert accounts.borrow_refusals(nothing)[0] is Reason.COLLATERAL_BALANCE_IS_ZERO
    zero = account_data(NEW, [Supply(100, 0, 8000)], 1)
    assert accounts.borrow_refusals(zero)[0] is Reason.LTV_VALIDATION_FAILED
    assert accounts.borrow_refusals(account_data(NEW, [Supply(100, 7000, 8000)], 70)) == ()


def test_zero_ltv_collateral_leaves_first_while_there_is_debt():
    mixed = [Supply(10 * USD, 0, 8000), Supply(10 * USD, 8000, 8500)]
    before = account_data(OLD, mixed, USD)
    after = account_data(OLD, mixed[:1], USD)
    assert accounts.leave_refusals(before, after, 8000) == (Reason.LTV_VALIDATION_FAILED,)
    assert accounts.leave_refusals(before, after, None) == (Reason.LTV_VALIDATION_FAILED,)
    assert accounts.leave_refusals(before, account_data(OLD, mixed[1:], USD), 0) == ()
    assert accounts.leave_refusals(account_data(OLD, mixed, 0), after, 8000) == ()
    plain = account_data(OLD, mixed[1:], USD)
    assert accounts.leave_refusals(plain, plain, 8000) == ()


def test_what_may_still_be_borrowed_is_never_negative():
    assert account_data(NEW, [Supply(100, 7000, 8000)], 71).available_base == 0
    assert account_data(NEW, [Supply(100, 7000, 8000)], 60).available_base == 10
    assert account_data(OLD, [Supply(1, 5000, 8000)], 0).available_base == 1
    assert account_data(NEW, [Supply(1, 5000, 8000)], 0).available_base == 0


# --- a pool of a book


@pytest.mark.parametrize("rules", SETS)
def test_the_surplus_is_not_negative_exactly_where_the_health_factor_is_one_or_more(rules):
    """10 WETH at 8,300 bps against 10,500 USDC: one at 1,265.0602…; the tick below is liquidatable."""
    for price, safe in (("1265.06024097", True), ("1265.06024096", False)):
        book, market, chosen = made({"WETH": "10"}, {"USDC": "10500"}, {"WETH": price, "USDC": "1"}, rules)
        found = assess_pool(book, market, chosen, Purpose.MAINTAIN, "main")
        data = pool_data(book, market, chosen, "main")
        assert (found.surplus >= 0) is safe
        assert data.liquidatable is not safe
        assert found.breached(inclusive=chosen.breach_inclusive) is not safe


@exact
def test_the_lines_of_an_assessment_sum_to_its_totals_and_say_what_averaging_does():
    book, market, rules = made(
        {"WETH": "1.3", "wstETH": "0.7", "USDC": "12.5"},
        {"DAI": "1000.33"},
        {"WETH": "1719.57", "wstETH": "1941.05455469", "USDC": "1.00021167", "DAI": "0.9999"},
        "aave_v3_0",
    )
    for purpose in Purpose:
        found = assess_pool(book, market, rules, purpose, "main")
        assert sum(line.equity for line in found.lines) == found.margin_equity
        assert sum(line.required for line in found.lines) == found.required
        assert sum(line.value for line in found.lines) == found.value
    average = [line for line in found.lines if line.subject == "average"]
    assert len(average) == 1
    assert -Decimal("0.5") < average[0].equity < 0  # less than a basis point of 3,606 dollars


def test_supplies_are_valued_down_and_debts_up_since_v3_5():
    supplies, debts = {"WETH": "0.000000000000000001"}, {"USDC": "0.000001"}
    prices = {"WETH": "1800", "USDC": "0.99999999"}
    old = pool_data(*made(supplies, debts, prices, "aave_v3_3"), "main")
    new = pool_data(*made(supplies, debts, prices, "aave_v3_5"), "main")
    assert (old.collateral_base, old.debt_base) == (0, 99)
    assert (new.collateral_base, new.debt_base) == (0, 100)


def test_a_debt_beside_a_supply_of_the_same_asset_counts_on_both_sides():
    book, market, rules = made({"WETH": "10"}, {"WETH": "5"}, {"WETH": "1800"}, mode="emode_1")
    data = pool_data(book, market, rules, "main")
    assert (data.collateral_base, data.debt_base) == (18_000 * USD, 9_000 * USD)
    assert data.health_factor == Decimal("1.86")
    holding = replace(book.holdings[0], cash={**book.holdings[0].cash, "variableDebtWETH": 1})
    with pytest.raises(BookError, match="variableDebtWETH is a debt"):
        pool_data(book.with_holding(holding), market, rules, "main")


def test_an_asset_without_reserve_is_no_collateral_and_its_debt_counts_in_full():
    assert listings().listing("SOL") is None
    book, market = account(
        {"SOL": (Decimal(10), 9), "WETH": (Decimal(1), 18)},
        {"XRP": (Decimal(100), 6)},
        {"SOL": Decimal(100), "XRP": Decimal(1), "WETH": Decimal(1000)},
    )
    data = pool_data(book, market, venue("aave_v3"), "main")
    assert (data.collateral_base, data.debt_base, data.zero_ltv) == (1000 * USD, 100 * USD, False)
    assert assess_pool(book, market, venue("aave_v3"), Purpose.MAINTAIN, "main").value == 1900


def test_coins_stand_for_their_wrapped_form():
    shares = [listings().shares(NEW, name, "standard") for name in ("ETH", "WETH", "BTC", "WBTC")]
    assert shares[0] == shares[1]
    assert shares[2] == shares[3]
    assert shares[0] != shares[2]


def test_what_a_pool_may_not_hold_is_refused_by_name():
    book, market, rules = made({"WETH": "1"}, {}, {"WETH": "1800"})
    holding = book.holdings[0]
    with_order = replace(holding, orders=(Order("o", "WETH-PERP", 1, 1),))
    with pytest.raises(RulesError, match="no positions and no orders"):
        pool_data(book.with_holding(with_order), market, rules, "main")
    unknown = replace(holding, pool=replace(holding.pool, account_class="emode_9"))
    with pytest.raises(RulesError, match="expected standard or one of"):
        pool_data(book.with_holding(unknown), market, rules, "main")
    with pytest.raises(BookError, match="'GONE' is not declared"):
        pool_data(book.with_holding(replace(holding, cash={"GONE": 5})), market, rules, "main")
    free = market.with_prices(dict.fromkeys(market.prices, Decimal(0)))
    with pytest.raises(BookError, match="a price must be above zero"):
        pool_data(book, free, rules, "main")
    with pytest.raises(RulesError, match="does not lend"):
        pool_data(book, market, venue("generic"), "main")


def test_interest_the_market_counts_is_added_to_the_debt():
    book, market, rules = made({"WETH": "10"}, {"USDC": "100"}, {"WETH": "1800", "USDC": "1"})
    later = replace(market, interest={"USDC": 10**11})
    assert pool_data(book, later, rules, "main").debt_base == 110 * USD


def test_explain_shows_the_health_factor():
    book, market, rules = made({"WETH": "10"}, {"USDC": "8300"}, {"WETH": "1800", "USDC": "1"})
    told = explain(book, market, rules, "main")
    assert told.ratio_name == "health factor"
    assert told.ratio == Decimal("1.8")
    assert told.state == "healthy"
    book, market, rules = made({"WETH": "10"}, {"USDC": "15000"}, {"WETH": "1800", "USDC": "1"})
    assert explain(book, market, rules, "main").state == "liquidating"


# --- admission


def test_borrowing_to_the_average_loan_to_value_is_allowed_and_one_unit_more_is_not():
    book, market, rules = made({"WETH": "10"}, {}, {"WETH": "1800", "USDC": "1"})
    book = replace(book, assets={**book.assets, **made({"USDC": "1"}, {}, {"USDC": "1"})[0].assets})
    market = market.with_prices(made({"USDC": "1"}, {}, {"USDC": "1"})[1].prices)
    assert borrow_check(book, market, rules, "main", "USDC", 14_490_000_000) == ()
    refused = (Reason.COLLATERAL_CANNOT_COVER_NEW_BORROW,)
    assert borrow_check(book, market, rules, "main", "USDC", 14_490_000_001) == refused


def test_withdrawing_stops_where_the_health_factor_would_fall_below_one():
    book, market, rules = made({"WETH": "10"}, {"USDC": "8300"}, {"WETH": "1000", "USDC": "1"})
    assert withdraw_check(book, market, rules, "main", "WETH", 0) == ()
    refused = (Reason.HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD,)
    assert withdraw_check(book, market, rules, "main", "WETH", 10**10) == refused
    with pytest.raises(BookError, match="WETH holds"):
        withdraw_check(book, market, rules, "main", "WETH", 11 * 10**18)


def test_modes_are_left_and_entered_by_the_health_factor_and_the_list_of_what_may_be_borrowed():
    book, market, rules = made({"wstETH": "10"}, {"WETH": "8.5"}, {"wstETH": "1000", "WETH": "1000"}, mode="emode_1")
    assert mode_check(book, market, rules, "main", "emode_1") == ()
    refused = (Reason.HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD,)
    assert mode_check(book, market, rules, "main", "standard") == refused
    book, market, rules = made({"wstETH": "10"}, {"USDC": "1"}, {"wstETH": "1000", "USDC": "1"})
    assert mode_check(book, market, rules, "main", "emode_1") == (Reason.NOT_BORROWABLE_IN_EMODE,)


def test_an_isolated_mode_gives_other_collateral_no_loan_to_value_but_keeps_its_threshold():
    listed = listings()
    isolated = replace(listed.categories["emode_1"], isolated=True)
    listed = replace(listed, categories={"emode_1": isolated})
    assert listed.shares(NEW, "USDC", "emode_1")[:2] == (0, 8000)
    rules = with_listings(venue("aave_v3"), listed)
    book, market, _ = made({"USDC": "100"}, {}, {"USDC": "1"})
    assert mode_check(book, market, rules, "main", "emode_1") == (Reason.LTV_VALIDATION_FAILED,)


def test_a_reserve_closed_outside_a_mode_is_closed_inside_until_v3_6():
    closed = Listing("WETH", 18, 0, 0, 10500)
    mode = Category("correlated", 9000, 9300, 10100, frozenset({"WETH"}), frozenset({"WETH"}))
    listed = Listings({"WETH": closed}, {"emode_1": mode})
    assert listed.shares(ROUNDED, "WETH", "emode_1")[:2] == (0, 0)
    assert listed.shares(NEW, "WETH", "emode_1")[:2] == (9000, 9300)


def test_caps_themselves_are_allowed():
    usdc = replace(listings().required("USDC"), supply_cap=10, borrow_cap=5)
    check_supply(usdc, Whole(supplied=9_999_999), 1)
    check_borrow(usdc, Whole(owed=4_999_999), 1)
    for refused, call in (
        (Reason.SUPPLY_CAP_EXCEEDED, lambda: check_supply(usdc, Whole(supplied=9_999_999), 2)),
        (Reason.BORROW_CAP_EXCEEDED, lambda: check_borrow(usdc, Whole(owed=4_999_999), 2)),
        (Reason.BORROWING_NOT_ENABLED, lambda: check_borrow(listings().required("AAVE"), Whole(), 1)),
        (Reason.RESERVE_FROZEN, lambda: check_borrow(replace(usdc, frozen=True), Whole(), 1)),
        (Reason.RESERVE_FROZEN, lambda: check_supply(replace(usdc, frozen=True), Whole(), 1)),
    ):
        with pytest.raises(ProtocolError) as found:
            call()
        assert found.value.reason is refused
    check_borrow(replace(usdc, borrow_cap=0), Whole(owed=10**30), 1)


def test_isolated_collateral_borrows_what_is_allowed_up_to_the_ceiling_until_v3_6():
    uni, usdc, weth = (listings().required(name) for name in ("UNI", "USDC", "WETH"))
    ceiling = uni.debt_ceiling * 100
    check_isolation(OLD, (uni,), (), usdc, 1_009_999, Whole(isolated_debt=ceiling - 100))
    with pytest.raises(ProtocolError, match="DebtCeilingExceeded"):
        check_isolation(OLD, (uni,), (), usdc, 1_010_000, Whole(isolated_debt=ceiling - 100))
    with pytest.raises(ProtocolError, match="AssetNotBorrowableInIsolation"):
        check_isolation(OLD, (uni,), (), weth, 1, Whole())
    check_isolation(OLD, (uni, weth), (), weth, 1, Whole())
    check_isolation(NEW, (uni,), (), weth, 1, Whole())
    siloed = replace(usdc, siloed=True)
    with pytest.raises(ProtocolError, match="SiloedBorrowingViolation"):
        check_isolation(OLD, (weth,), (weth,), siloed, 1, Whole())
    with pytest.raises(ProtocolError, match="SiloedBorrowingViolation"):
        check_isolation(OLD, (weth,), (siloed,), weth, 1, Whole())
    check_isolation(OLD, (weth,), (siloed,), siloed, 1, Whole())


# --- the rule sets


def test_the_newest_version_has_the_plain_name_and_each_set_its_own_rules():
    assert venue("aave_v3").models[Method.LENDING] == venue("aave_v3_7").models[Method.LENDING]
    editions = [venue(name).models[Method.LENDING].edition.name for name in SETS]
    assert editions == ["v3.0", "v3.3", "v3.5", "v3.7"]
    assert {PriceKind.INDEX} == {kind for kinds in venue("aave_v3").prices.collateral.values() for kind in kinds}


def test_the_snapshot_of_october_2023():
    weth = listings().required("WETH")
    assert (weth.ltv_bps, weth.threshold_bps, weth.bonus_bps, weth.fee_bps) == (8050, 8300, 10_500, 1000)
    assert len(listings().reserves) == 25
    assert weth.slopes.at(0) == 0
    assert [name for name, one in sorted(listings().reserves.items()) if one.debt_ceiling][:3] == [
        "1INCH",
        "BAL",
        "CRV",
    ]


def test_an_empty_pool_needs_nothing():
    book, market, rules = made({"WETH": "1"}, {}, {"WETH": "1"})
    empty = book.with_holding(Holding(book.holdings[0].pool))
    found = assess_pool(empty, market, rules, Purpose.MAINTAIN, "main")
    assert (found.required, found.surplus, found.breached(inclusive=False)) == (0, 0, False)
