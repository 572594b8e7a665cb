"""Compound III: whole-number edges, the order of steps, and the laws in the form the protocol guarantees."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Book, BookError, Holding, Market, Method, Order, Pool, PriceKey, PriceKind, Purpose
from solvent.instruments import Perpetual
from solvent.margin import Withdraw, assess, explain, liquidation_price, max_withdrawal, what_if
from solvent.rules import RulesError
from solvent.units import Asset, shifted
from solvent.venues import check_order, venue
from solvent.venues.compound_v3 import formulas as f
from solvent.venues.compound_v3.facts import CollateralAsset, MarketFacts
from solvent.venues.compound_v3.lending import BorrowTooSmall, NotCollateralized, withdraw_base
from solvent.venues.compound_v3.liquidation import (
    InsufficientReserves,
    NotForSale,
    NotLiquidatable,
    TooMuchSlippage,
    absorb,
    buy_collateral,
    quote_collateral,
)
from solvent.venues.compound_v3.rules import market_rules
from solvent.venues.compound_v3.stated import confirmed, stated_accrual

ASSETS = {
    "USDC": Asset("USDC", 6),
    "WETH": Asset("WETH", 18),
    "WBTC": Asset("WBTC", 8),
    "DOGE": Asset("DOGE", 8),
    "USD": Asset("USD", 8),
}
RULES = venue("compound_v3")
ONE = f.FACTOR_SCALE
PERCENT = ONE // 100


def held(**cash):
    return Book(ASSETS, {}, (Holding(Pool("me", method=Method.LENDING, numeraire="USD"), cash),))


def prices(wide=None, **by_name):
    given = {"USDC": "1", "WETH": "2000", "WBTC": "60000", "DOGE": "0.1", **by_name}
    keys = {PriceKey(PriceKind.INDEX, name, "USD"): Decimal(price) for name, price in given.items()}
    return Market(keys, wide=wide or {})


def surplus(book, market, purpose, rules=RULES):
    return assess(book, market, rules, purpose)["me"].surplus


def test_a_debt_is_a_requirement_and_collateral_counts_by_the_factor_of_the_purpose():
    book = held(USDC=-1000 * 10**6, WETH=10**18)
    found = assess(book, prices(), RULES, Purpose.MAINTAIN)["me"]
    assert (found.value, found.margin_equity, found.required) == (1000, Decimal(1790), 1000)
    assert surplus(book, prices(), Purpose.ADMIT) == 650
    assert [line.subject for line in found.lines] == ["USDC", "WETH", "WETH"]


# Debt in units, verdicts at the line: one WETH at 2,000 carries 1,650 of borrowing and 1,790 before liquidation.
@pytest.mark.parametrize(
    ("debt", "may_borrow", "liquidatable"),
    [
        (1_650 * 10**6, True, False),
        (1_650 * 10**6 + 1, False, False),
        (1_790 * 10**6, False, False),
        (1_790 * 10**6 + 1, False, True),
    ],
)
def test_equality_is_collateralised_and_not_liquidatable(debt, may_borrow, liquidatable):
    book = held(USDC=-debt, WETH=10**18)
    assert (surplus(book, prices(), Purpose.ADMIT) >= 0) is may_borrow
    assert assess(book, prices(), RULES, Purpose.MAINTAIN)["me"].breached(inclusive=False) is liquidatable


def test_values_are_cut_before_the_factor_and_again_after_it():
    # 3 units at a price of 0.50000001: 1.50000003 → 1 in 10^-8 of a coin of 8 places, then × 0.77 → 0
    book = held(WBTC=3)
    found = assess(book, prices(WBTC="0.50000001"), RULES, Purpose.MAINTAIN)["me"]
    assert (found.value, found.margin_equity) == (Decimal("1e-8"), 0)


def test_a_debt_of_less_than_a_value_unit_still_has_no_surplus_below_zero():
    tiny = Book({**ASSETS, "USDC": Asset("USDC", 12)}, {}, held(USDC=-9_999).holdings)
    assert surplus(tiny, prices(), Purpose.MAINTAIN) == 0
    owed = Book({**ASSETS, "USDC": Asset("USDC", 12)}, {}, held(USDC=-10_000).holdings)
    assert surplus(owed, prices(), Purpose.MAINTAIN) == Decimal("-1e-8")


def test_the_debt_is_its_principal_times_the_index_cut_down():
    grown = prices({("borrow_index", "USDC"): Decimal("1.5"), ("supply_index", "USDC"): Decimal("1.25")})
    assert assess(held(USDC=-3), grown, RULES, Purpose.MAINTAIN)["me"].required == Decimal("0.000004")
    assert assess(held(USDC=5), grown, RULES, Purpose.MAINTAIN)["me"].value == Decimal("0.000006")


def test_a_price_finer_than_the_feeds_is_cut_against_the_account():
    book = held(USDC=-(10**6), WETH=10**18)
    found = assess(book, prices(USDC="1.000000001", WETH="2000.999999999"), RULES, Purpose.MAINTAIN)["me"]
    assert found.required == Decimal("1.00000001")
    assert found.value == Decimal("1999.99999998")


def test_what_the_market_does_not_list_counts_nothing():
    found = assess(held(DOGE=10**9), prices(), RULES, Purpose.MAINTAIN)["me"]
    assert (found.value, found.margin_equity) == (1, 0)
    assert absorb(held(DOGE=10**9, USDC=-1), prices(), RULES, ["me"], f.Totals(0, 0, 1)).accounts[0].seized == {}


def test_contracts_and_debts_of_collateral_are_refused():
    usdc = ASSETS["USDC"]
    perpetual = Perpetual("ETH-PERP", "ETH", usdc, usdc, Decimal("0.1"), Decimal("0.01"))
    order = Order("a", "ETH-PERP", 1, 1)
    book = Book(ASSETS, {"ETH-PERP": perpetual}, (Holding(held().holdings[0].pool, {}, (), (order,)),))
    with pytest.raises(RulesError, match=r"has no contracts; pool me holds \['ETH-PERP'\]"):
        assess(book, prices(), RULES, Purpose.ADMIT)
    with pytest.raises(RulesError, match="only USDC is lent in this market: pool me owes WETH"):
        assess(held(WETH=-1), prices(), RULES, Purpose.ADMIT)
    with pytest.raises(RulesError, match="ETH-PERP: this market lends and borrows assets; it has no contracts"):
        RULES.margin.contract(perpetual)
    with pytest.raises(BookError, match="no index of WETH"):
        assess(held(WETH=1), Market({}), RULES, Purpose.ADMIT)


def test_the_ratio_and_the_price_of_a_whole_account():
    book = held(USDC=-1000 * 10**6, WETH=10**18)
    found = explain(book, prices(), RULES, "me")
    assert (found.state, found.ratio) == ("healthy", Decimal("0.55865922"))
    solved = liquidation_price(book, prices(), RULES, "me", "WETH")
    assert solved.displayed == Decimal("1117.31843576")  # 1,000 ÷ 0.895 = 1,117.3184357…
    assert solved.ticks == 111_731_843_575
    assert explain(book, prices(WETH="1117.31843575"), RULES, "me").state == "liquidating"


# Taking out: supply first, then a loan of at least the minimum, then the collateral check.
@pytest.mark.parametrize(
    ("cash", "units", "error"),
    [
        ({"USDC": 500 * 10**6}, 500 * 10**6, None),
        ({"USDC": 500 * 10**6, "WETH": 10**18}, 600 * 10**6 - 1, BorrowTooSmall),
        ({"USDC": 500 * 10**6, "WETH": 10**18}, 600 * 10**6, None),
        ({"USDC": 500 * 10**6}, 600 * 10**6 - 1, BorrowTooSmall),
        ({"USDC": 500 * 10**6}, 600 * 10**6, NotCollateralized),
        ({"WETH": 10**18}, 1_650 * 10**6, None),
        ({"WETH": 10**18}, 1_650 * 10**6 + 1, NotCollateralized),
    ],
)
def test_withdrawals_of_the_base_asset_at_their_lines(cash, units, error):
    if error is not None:
        with pytest.raises(error):
            withdraw_base(held(**cash), prices(), RULES, "me", units)
        return
    done = withdraw_base(held(**cash), prices(), RULES, "me", units)
    assert done.debt_units == max(0, units - cash.get("USDC", 0))
    assert done.book.holding("me").cash["USDC"] == cash.get("USDC", 0) - units


def test_a_new_debt_is_rounded_up_to_a_principal_that_owes_at_least_it():
    grown = prices({("borrow_index", "USDC"): Decimal("1.3")})
    done = withdraw_base(held(WETH=10**18), grown, RULES, "me", 100 * 10**6)
    assert done.book.holding("me").cash["USDC"] == -76_923_077  # 100,000,000 ÷ 1.3 = 76,923,076.9…
    assert done.after.required >= 100
    with pytest.raises(BookError, match="must be positive, not 0"):
        withdraw_base(held(), prices(), RULES, "me", 0)
    with pytest.raises(RulesError, match="generic: no lending market of this kind"):
        withdraw_base(held(), prices(), venue("generic"), "me", 1)


def test_collateral_leaves_to_the_last_unit_that_carries_the_debt():
    book = held(USDC=-1_650 * 10**6, WETH=2 * 10**18)
    assert max_withdrawal(book, prices(), RULES, "me", "WETH") == 10**18
    assert what_if(book, prices(), RULES, [Withdraw("me", "WETH", 10**18)]).allowed
    (refusal,) = what_if(book, prices(), RULES, [Withdraw("me", "WETH", 10**18 + 1)]).refusals
    assert refusal.limit == "withdraw"


# --- absorption -----------------------------------------------------------------------------------------------------


def test_an_absorbed_account_loses_all_collateral_and_keeps_what_its_credit_leaves():
    book = held(USDC=-1_800 * 10**6, WETH=10**18)
    done = absorb(book, prices(), RULES, ["me"], f.Totals(0, 0, 1_800 * 10**6))
    (one,) = done.accounts
    assert (one.base_paid_out, one.principal) == (1_900 * 10**6, 100 * 10**6)  # 2,000 × 0.95 − 1,800
    assert done.book.holding("me").cash == {"USDC": 100 * 10**6, "WETH": 0}
    assert done.totals == f.Totals(0, 100 * 10**6, 0)
    assert (one.values, one.seized) == ({"WETH": 2_000 * 10**8}, {"WETH": 10**18})


def test_a_debt_above_the_credit_is_cleared_and_eats_reserves():
    book = held(USDC=-3_000 * 10**6, WETH=10**18)
    before = f.Totals(500 * 10**6, 0, 3_000 * 10**6)
    done = absorb(book, prices(), RULES, ["me"], before)
    assert done.accounts[0].principal == 0
    assert (before.reserves(f.Indices()), done.totals.reserves(f.Indices())) == (3_500 * 10**6, 500 * 10**6)


def test_absorbing_with_indices_moves_principals_and_not_present_values():
    grown = prices({("borrow_index", "USDC"): Decimal(2), ("supply_index", "USDC"): Decimal(4)})
    done = absorb(held(USDC=-900 * 10**6, WETH=10**18), grown, RULES, ["me"], f.Totals(0, 7, 900 * 10**6 + 5))
    assert done.accounts[0].base_paid_out == 1_900 * 10**6  # present values: 100 left of 1,900 − 1,800
    assert done.accounts[0].principal == 25 * 10**6
    assert done.totals == f.Totals(0, 25 * 10**6 + 7, 5)


def test_one_account_above_the_line_refuses_all():
    low = held(USDC=-1_800 * 10**6, WETH=10**18).holdings[0]
    fine = Holding(Pool("fine", method=Method.LENDING, numeraire="USD"), {"USDC": -1_790 * 10**6, "WETH": 10**18})
    with pytest.raises(NotLiquidatable, match="pool fine is not in breach"):
        absorb(Book(ASSETS, {}, (low, fine)), prices(), RULES, ["me", "fine"], f.Totals(0, 0, 0))


# --- store front ----------------------------------------------------------------------------------------------------

COMP = CollateralAsset("COMP", liquidation_factor=80 * PERCENT)
SHOP = MarketFacts("USDC", store_front_factor=50 * PERCENT, target_reserves_units=100)
TERMS = (SHOP, COMP, (10**8, 10**8), (10**6, 10**18))


def buying(**changed):
    given = {
        "base_given": 900,
        "least": 10**15,
        "reserves": 99,
        "contract_units": 3 * 10**15,
        "users_units": 2 * 10**15,
    }
    return buy_collateral(*TERMS, **{**given, **changed})


def test_a_sale_at_its_lines():
    assert buying() == (10**15, 10**15, 999)
    with pytest.raises(TooMuchSlippage):
        buying(least=10**15 + 1)
    with pytest.raises(InsufficientReserves):
        buying(users_units=2 * 10**15 + 1)
    assert buying(reserves=-100).reserves == 800
    with pytest.raises(BookError, match="must not be negative, not -1"):
        buying(base_given=-1)


def test_a_quote_multiplies_before_it_divides():
    terms = (SHOP, COMP, (99_999_999, 10**8), (10**6, 10**18))
    assert quote_collateral(*terms, 1) == 1_111_111_100_000  # 0.00000099999999 USD at 0.9; dividing first gives less


def test_the_checks_come_in_the_order_of_the_protocol():
    with pytest.raises(NotForSale):
        buying(reserves=100, least=10**16, users_units=3 * 10**15)
    with pytest.raises(TooMuchSlippage):
        buying(least=10**16, users_units=3 * 10**15)


def test_reserves_below_zero_are_for_sale_even_without_a_target():
    nothing = MarketFacts("USDC", target_reserves_units=0)
    terms = (nothing, COMP, (10**8, 10**8), (10**6, 10**18))
    left = {"base_given": 1, "least": 0, "contract_units": 10**18, "users_units": 0}
    assert buy_collateral(*terms, reserves=-1, **left).reserves == 0
    with pytest.raises(NotForSale):
        buy_collateral(*terms, reserves=0, **left)


def test_transfer_fees_are_cut_down_on_both_tokens():
    assert buying(fee_bps=1, base_given=9_999, least=0, contract_units=10**18) == (
        11_110_000_000_000_000,
        11_108_889_000_000_000,
        10_098,
    )


# --- rates and accrual ----------------------------------------------------------------------------------------------

CURVE = f.Curve(80 * PERCENT, PERCENT, 5 * PERCENT, 30 * PERCENT)


def test_rates_turn_above_the_kink_and_go_on_above_full_use():
    low, high = (one * PERCENT // f.SECONDS_A_YEAR for one in (5, 30))
    base = PERCENT // f.SECONDS_A_YEAR
    at_kink = base + low * 80 // 100
    assert CURVE.per_second(80 * PERCENT) == at_kink
    assert CURVE.per_second(81 * PERCENT) == at_kink + high * 1 // 100
    assert CURVE.per_second(120 * PERCENT) == at_kink + high * 40 // 100
    over = f.Totals(0, 100, 150)
    assert over.utilization(f.Indices()) == 150 * PERCENT
    assert f.Totals(0, 0, 5).utilization(f.Indices()) == 0


def test_accrual_is_simple_inside_an_interval_and_compounds_between_them():
    flat = f.Curve(ONE, 10 * PERCENT * f.SECONDS_A_YEAR, 0, 0)  # a tenth a second
    totals = f.Totals(0, 100, 50)
    once = f.accrue(totals, f.Indices(), (flat, flat), 2, 1).indices
    half = f.accrue(totals, f.Indices(), (flat, flat), 1, 1).indices
    twice = f.accrue(totals, half, (flat, flat), 1, 1).indices
    assert (once.borrow, twice.borrow) == (1_200_000_000_000_000, 1_210_000_000_000_000)
    assert f.accrue(totals, once, (flat, flat), 0, 1).indices == once
    with pytest.raises(RulesError, match="must not be negative: got -1 seconds"):
        f.accrue(totals, once, (flat, flat), -1, 1)


def test_each_curve_grows_its_own_index():
    supply, borrow = f.Curve(ONE, f.SECONDS_A_YEAR * PERCENT, 0, 0), f.Curve(ONE, 2 * f.SECONDS_A_YEAR * PERCENT, 0, 0)
    after = f.accrue(f.Totals(0, 1, 1), f.Indices(), (supply, borrow), 1, 1).indices
    assert after == f.Indices(1_010_000_000_000_000, 1_020_000_000_000_000)


WORDS = (
    "index += index*rate(utilization)*dt//1e18; "
    "trackingIndex += speed*dt*baseScale//totalBase only when totalBase>=baseMinForRewards"
)
ACCRUAL = (f.Totals(0, 12_000, 11_999), f.Indices(), (CURVE, CURVE), 1000, 10**6, f.Rewards(10**15, 10**15, 12_000))


def test_the_rule_in_words_gives_what_the_rule_here_gives():
    assert confirmed(WORDS, *ACCRUAL) == WORDS
    stated = stated_accrual(WORDS, *ACCRUAL)
    assert stated == f.accrue(*ACCRUAL)
    assert stated.tracking.supply > 0
    assert stated.tracking.borrow == 0


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("*dt//1e18", "*dt*dt//1e18"),
        ("1e18", "1e17"),
        ("only when totalBase>=baseMinForRewards", "only when totalBase>baseMinForRewards"),
        ("only when totalBase>=baseMinForRewards", ""),
        ("speed*dt*baseScale", "speed*baseScale"),
        ("index*rate(utilization)", "rate(utilization)"),
    ],
)
def test_another_rule_in_words_is_refused_with_both_results(was, now):
    assert was in WORDS
    with pytest.raises(RulesError, match="the rule here Accrued"):
        confirmed(WORDS.replace(was, now), *ACCRUAL)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("index = 3", "must be an assignment"),
        ("index += )", "must be arithmetic"),
        ("index += open('x')", "knows only its names"),
        ("index += price", "knows only its names"),
        ("index += 0.5", "must be whole, not 0.5"),
        ("index += 'a'", "must be whole, not 'a'"),
        ("index += 1 only when dt", "must compare two numbers"),
    ],
)
def test_words_that_are_no_rule_are_refused(words, message):
    with pytest.raises(RulesError, match=message):
        stated_accrual(words, *ACCRUAL)


# --- factors --------------------------------------------------------------------------------------------------------


def test_factors_are_kept_to_four_decimals_and_checked_after_the_cut():
    assert CollateralAsset("A", 66_667 * 10**13, 666_766 * 10**12).borrow_factor == 6_666 * 10**14
    with pytest.raises(RulesError, match="must be below its liquidate factor"):
        CollateralAsset("A", 66_661 * 10**13, 66_669 * 10**13)  # both are kept as 0.6666
    with pytest.raises(RulesError, match=r"at most 1, not 0\.5 and 1\.0001"):
        CollateralAsset("A", ONE // 2, ONE + f.STORED_FACTOR)
    with pytest.raises(RulesError, match=r"liquidation factor of A must be between 0 and 1, not 1\.5"):
        CollateralAsset("A", liquidation_factor=ONE * 3 // 2)


@pytest.mark.parametrize("name", ["compound_v3", "compound_v3_usdt", "compound_v3_weth"])
def test_purposes_are_in_order_in_every_market(name):
    check_order(venue(name))


def test_the_usdc_market_has_the_deployments_numbers():
    facts = RULES.models[Method.LENDING].facts
    assert (facts.least_borrow_units, facts.target_reserves_units) == (100 * 10**6, 5_000_000 * 10**6)
    assert facts.supply_curve == f.Curve(80 * PERCENT, 0, 325 * 10**14, 40 * PERCENT)
    weth = facts.assets["ETH"]
    assert (weth.borrow_factor, weth.liquidate_factor, weth.liquidation_factor) == (
        825 * 10**15,
        895 * 10**15,
        95 * PERCENT,
    )
    assert RULES.penalty.ppm("WETH") == 50_000


def test_the_market_of_ether_is_judged_in_ether():
    assets = {"WETH": Asset("WETH", 18), "wstETH": Asset("wstETH", 18)}
    pool = Pool("me", method=Method.LENDING, numeraire="WETH")
    book = Book(assets, {}, (Holding(pool, {"WETH": -(10**18), "wstETH": 10**18}),))
    market = Market({PriceKey(PriceKind.INDEX, "wstETH", "WETH"): Decimal("1.2")})
    rules = venue("compound_v3_weth")
    assert surplus(book, market, Purpose.ADMIT, rules) == Decimal("0.08")  # 1.2 × 0.9 − 1
    assert surplus(book, market, Purpose.MAINTAIN, rules) == Decimal("0.116")  # 1.2 × 0.93 − 1
    assert liquidation_price(book, market, rules, "me", "wstETH").displayed == Decimal("1.07526882")  # 1 ÷ 0.93


# --- laws -----------------------------------------------------------------------------------------------------------

cash = st.fixed_dictionaries(
    {"USDC": st.integers(-(10**12), 10**11), "WETH": st.integers(0, 10**21), "WBTC": st.integers(0, 10**10)}
)
quotes = st.decimals("0.00000001", "100000", places=8)
markets = st.builds(
    lambda weth, wbtc, grown: prices({("borrow_index", "USDC"): grown}, WETH=weth, WBTC=wbtc),
    quotes,
    quotes,
    st.decimals(1, 3, places=15),
)


@given(cash, markets)
def test_law_07_purposes_are_in_order(balances, market):
    by_purpose = {purpose: surplus(held(**balances), market, purpose) for purpose in Purpose}
    assert by_purpose[Purpose.WITHDRAW] <= by_purpose[Purpose.ADMIT]
    assert by_purpose[Purpose.ADMIT] <= min(by_purpose[Purpose.FILL], by_purpose[Purpose.RECOVER])
    assert max(by_purpose[Purpose.FILL], by_purpose[Purpose.RECOVER]) <= by_purpose[Purpose.MAINTAIN]


@given(cash, markets, st.sampled_from(["USDC", "WETH", "WBTC", "DOGE"]), st.integers(1, 10**18))
def test_law_11_more_of_an_asset_lowers_no_surplus(balances, market, name, units):
    book = held(**balances)
    more = book.with_holding(book.holding("me").with_cash(name, units))
    for purpose in Purpose:
        assert surplus(more, market, purpose) >= surplus(book, market, purpose)


@given(cash, markets, st.integers(2, 9_998), st.integers(1, 9_997))
def test_law_11_a_smaller_factor_raises_no_surplus(balances, market, high, cut):
    low = max(1, high - cut)
    rules = [
        market_rules(MarketFacts("USDC", {"WETH": CollateralAsset("WETH", one * 10**14, (one + 1) * 10**14)}))
        for one in (low, high)
    ]
    for purpose in Purpose:
        strict, lenient = (surplus(held(**balances), market, purpose, one) for one in rules)
        assert strict <= lenient


@settings(max_examples=25)
@given(st.integers(10**8, 10**12), st.integers(10**15, 10**21), st.decimals("0.01", "100000", places=8))
def test_law_13_the_reported_tick_is_in_breach_and_the_next_is_not(debt, ether, weth):
    book = held(USDC=-debt, WETH=ether)
    solved = liquidation_price(book, prices(WETH=weth), RULES, "me", "WETH")
    for one in solved.crossings:
        assert one.breach_below
        assert breached_at(book, one.ticks)
        assert not breached_at(book, one.ticks + 1)


def breached_at(book, ticks):
    market = prices(WETH=shifted(Decimal(ticks), -8))
    return assess(book, market, RULES, Purpose.MAINTAIN)["me"].breached(inclusive=False)


def test_law_13_at_a_line_that_is_a_whole_price():
    book = held(USDC=-895 * 10**6, WETH=10**18)
    (one,) = liquidation_price(book, prices(), RULES, "me", "WETH").crossings
    assert (one.ticks, breached_at(book, one.ticks), breached_at(book, one.ticks + 1)) == (99_999_999_999, True, False)
