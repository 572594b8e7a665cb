"""Hyperliquid's rules at the points where they turn, and the laws in the form they hold there."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Book, BookError, Holding, Market, Mode, Order, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.engine.compile import compile_rules
from solvent.instruments import Perpetual
from solvent.liquidation.states import State, watched_state
from solvent.margin import Trade, Withdraw, assess, assess_pool, liquidation_price, liquidation_prices, what_if
from solvent.margin.explain import state, venue_ratio
from solvent.rates import Schedule
from solvent.rules import Form, RulesError
from solvent.units import Asset, exact
from solvent.venues import venue
from solvent.venues.hyperliquid import account as accounts
from solvent.venues.hyperliquid import liquidation, unified
from solvent.venues.hyperliquid.account import account, known, mark_of
from solvent.venues.hyperliquid.rules import cited, listed_tiers
from solvent.venues.hyperliquid.tiers import Tier, maintenance, maintenance_rate, tier_of, with_tiers
from tests.engine.kernel_world import BTCUSDT, THINGS, XRPUSDT
from tests.engine.test_compile import tables

D = Decimal
NAMES = ("hyperliquid", "hyperliquid_2023", "hyperliquid_unified")
USDC = Asset("USDC", 6)


def listed(coin, decimals):
    return Perpetual(coin, coin, USDC, USDC, D(1).scaleb(decimals - 6), D(1).scaleb(-decimals))


CONTRACTS = {one.symbol: one for one in (listed("BTC", 5), listed("ETH", 4), listed("HYPE", 2), listed("NEW", 0))}
MARKS = {"BTC": 600_000, "ETH": 300_000, "HYPE": 300_000, "NEW": 2_000_000}  # 60,000, 3,000, 30, 2


def book_of(cash, lots, marks=None, orders=(), leverage=None):
    """One cross pool with positions entered at their present marks."""
    ticks = {**MARKS, **(marks or {})}
    positions = tuple(
        Position(coin, count, CONTRACTS[coin].worth(count, MARKS[coin]), leverage=leverage)
        for coin, count in lots.items()
        if count
    )
    prices = exact(lambda: {key(coin): CONTRACTS[coin].price(count) for coin, count in ticks.items()})()
    holding = Holding(Pool("p", numeraire="USDC"), {"USDC": cash}, positions, tuple(orders))
    return Book({"USDC": USDC}, CONTRACTS, (holding,)), Market(prices)


def key(coin):
    return PriceKey(PriceKind.MARK, coin, "USDC")


def moved(market, coin, ticks):
    return market.with_prices({key(coin): exact(CONTRACTS[coin].price)(ticks)})


# Tiers


def test_equality_takes_the_higher_tier_and_changes_nothing_of_the_requirement():
    tiers = maintenance([Tier(D(0), 10), Tier(D(1000), 5)])
    below, at = (tier_of(tiers, D(n)) for n in ("999.999999", "1000"))
    assert (below.rate, below.deduction, at.rate, at.deduction) == (D("0.05"), 0, D("0.1"), 50)
    assert exact(tiers.at)(D(1000)) == exact(at.at)(D(1000)) == 50


def test_rates_are_rounded_up_and_only_the_listed_ones_to_parts_per_million():
    for leverage in (3, 7, 15):
        exactly = Fraction(1, 2 * leverage)
        assert 0 < Fraction(maintenance_rate(leverage)) - exactly < Fraction(1, 10**40)
        assert 0 < Fraction(maintenance_rate(leverage, places=6)) - exactly < Fraction(1, 10**6)
    eth = venue("hyperliquid").margin.every()["ETH"].schedules[Purpose.MAINTAIN].pieces
    assert [str(piece.rate) for piece in eth] == ["0.020000", "0.033334"]
    with pytest.raises(RulesError, match="max leverage of a tier must be at least 1, not 0"):
        maintenance_rate(0)


# Coin, first tier, floor of the second, second tier: the mainnet table of the documentation.
PRINTED = [
    ("BTC", 40, 150_000_000, 20),
    ("ETH", 25, 100_000_000, 15),
    ("SOL", 20, 70_000_000, 10),
    ("XRP", 20, 40_000_000, 10),
    ("DOGE", 10, 20_000_000, 5),
    ("HYPE", 10, 20_000_000, 5),
    ("kPEPE", 10, 20_000_000, 5),
    ("BNB", 10, 3_000_000, 5),
    ("kSHIB", 10, 3_000_000, 5),
]


@pytest.mark.parametrize(("coin", "first", "floor", "second"), PRINTED)
def test_the_printed_tiers(coin, first, floor, second):
    assert listed_tiers(venue("hyperliquid"), coin) == (Tier(D(0), first), Tier(D(floor), second))
    schedule = venue("hyperliquid").margin.every()[coin].schedules[Purpose.MAINTAIN]
    half = Fraction(floor, 2 * first)
    assert Fraction(exact(schedule.at)(D(floor))) == half
    beyond = Fraction(exact(schedule.at)(D(2 * floor))) - half - Fraction(floor, 2 * second)
    assert 0 <= beyond <= Fraction(floor, 10**6)


def test_coins_without_a_table_have_the_lowest_leverage_there_is_and_2023_had_one_table():
    assert listed_tiers(venue("hyperliquid"), "NEW") is None
    assert venue("hyperliquid").margin.contract(CONTRACTS["NEW"]).brackets[0].max_leverage == 3
    assert venue("hyperliquid_2023").margin.contract(CONTRACTS["BTC"]).brackets[0].max_leverage == 50
    assert len(cited()) == 13


@pytest.mark.parametrize("name", NAMES)
def test_the_rule_sets_compile_to_the_engines_tables(name):
    rules = venue(name)
    assert set(rules.forms.values()) == {Form.SEPARABLE}
    for mode in rules.modes:
        t = tables()
        compile_rules(t, 0, rules, mode, "standard", THINGS)
        for thing in (BTCUSDT, XRPUSDT):
            pieces = rules.margin.contract(THINGS[thing]).schedules[Purpose.MAINTAIN].pieces
            first, count = t.span[0, Purpose.MAINTAIN.value, 2 * thing]
            assert [int(t.rate[first + k]) for k in range(count)] == [int(p.rate.scaleb(6)) for p in pieces]


# Verdicts: initial at opening, maintenance, transfer


def test_opening_takes_notional_over_leverage_whatever_the_tier_rate():
    book, market = book_of(6_000_000_000, {})  # 6,000 USDC open 60,000 at 10x and not a lot more
    rules = venue("hyperliquid")
    open_one = [Trade("p", "BTC", 100_000, MARKS["BTC"], maker=False)]
    held = Holding(Pool("p", numeraire="USDC"), {"USDC": 6_027_000_000}, (Position("BTC", 1, 600_000, leverage=10),))
    with_leverage = book.with_holding(held)
    assert what_if(with_leverage, market, rules, [Trade("p", "BTC", 99_999, MARKS["BTC"])]).allowed
    assert not what_if(with_leverage, market, rules, [Trade("p", "BTC", 100_010, MARKS["BTC"])]).allowed
    assert what_if(book, market, rules, open_one).allowed  # at the default 20x


def test_a_resting_order_is_tested_again_at_initial_margin_when_it_fills():
    """6,000 USDC at 10x: a fill of 60,000 as maker costs a fee of 9 and is refused, though maintenance is far below."""
    holding = Holding(Pool("p", numeraire="USDC"), {"USDC": 6_000_000_000}, (Position("BTC", 1, 600_000, leverage=10),))
    book, market = book_of(0, {})
    impact = what_if(
        book.with_holding(holding), market, venue("hyperliquid"), [Trade("p", "BTC", 100_000, 600_000, maker=True)]
    )
    assert [one.limit for one in impact.refusals] == ["fill"]


def test_a_withdrawal_leaves_a_tenth_of_the_notional_or_the_initial_margin():
    for leverage, needed in ((40, 6_000), (20, 6_000), (10, 6_000), (5, 12_000)):
        book, market = book_of(20_000_000_000, {"BTC": 100_000}, leverage=leverage)
        for more, allowed in ((0, True), (1, False)):
            units = 20_000_000_000 - needed * 10**6 + more
            assert what_if(book, market, venue("hyperliquid"), [Withdraw("p", "USDC", units)]).allowed is allowed


def test_in_2023_a_withdrawal_left_the_initial_margin_alone():
    book, market = book_of(20_000_000_000, {"BTC": 100_000}, leverage=50)
    for more, allowed in ((0, True), (1, False)):
        change = Withdraw("p", "USDC", 20_000_000_000 - 1_200_000_000 + more)
        assert what_if(book, market, venue("hyperliquid_2023"), [change]).allowed is allowed


def test_unrealised_profit_opens_positions_and_may_be_withdrawn():
    book, market = book_of(6_000_000_000, {"BTC": 100_000}, {"BTC": 660_000}, leverage=10)
    found = {p: assess_pool(book, market, venue("hyperliquid"), p, "p") for p in Purpose}
    assert {one.margin_equity for one in found.values()} == {12_000}
    assert [found[p].required for p in Purpose] == [6_600, 6_600, 6_600, 825, 825]


def test_the_pool_wide_transfer_requirement_is_the_larger_sum_and_ring_1_is_on_the_safe_side():
    """60,000 at 20x and at 5x: 10% of all is 12,000, initial 3,000 + 12,000; position by position 6,000 + 12,000."""
    positions = (
        Position("BTC", 100_000, 60_000_000_000, leverage=20),
        Position("ETH", 200_000, 60_000_000_000, leverage=5),
    )
    book, market = book_of(0, {})
    book = book.with_holding(Holding(Pool("p", numeraire="USDC"), {"USDC": 10**11}, positions))
    rules = venue("hyperliquid")
    assert liquidation.transfer_requirement(book, market, rules, "p") == 15_000
    assert assess_pool(book, market, rules, Purpose.WITHDRAW, "p").required == 18_000


# 60,000 of BTC long require 750 at MAINTAIN; the backstop takes over below 500.
STATES = [
    (750_000_000, "healthy", State.HEALTHY),
    (749_999_999, "liquidating", State.LIQUIDATING),
    (500_000_000, "liquidating", State.LIQUIDATING),
    (499_999_999, "flagged", State.LIQUIDATING),
    (0, "flagged", State.LIQUIDATING),
    (-1, "bankrupt", State.LIQUIDATING),
]


@pytest.mark.parametrize(("cash", "name", "watched"), STATES)
def test_states_turn_strictly_below_maintenance_two_thirds_of_it_and_nothing(cash, name, watched):
    book, market = book_of(cash, {"BTC": 100_000})
    rules = venue("hyperliquid")
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, "p")
    assert found.required == 750
    assert (state(found, rules), watched_state(found, rules)) == (name, watched)
    assert found.breached(inclusive=rules.breach_inclusive) == (watched is State.LIQUIDATING)
    assert liquidation.deleveraged(found) is (cash < 0)


def test_the_ratio_is_maintenance_over_equity():
    book, market = book_of(3_000_000_000, {"BTC": 100_000})
    assert venue_ratio(
        assess_pool(book, market, venue("hyperliquid"), Purpose.MAINTAIN, "p"), venue("hyperliquid")
    ) == D("0.25")


def test_an_isolated_position_neither_helps_nor_hurts_the_cross_pool():
    book, market = book_of(3_000_000_000, {"BTC": 100_000})
    alone = Pool("p:ETH", parent="p", mode=Mode.ISOLATED, numeraire="USDC", scope=frozenset({"ETH"}))
    held = Holding(alone, {"USDC": -500_000_000}, (Position("ETH", 10_000, 3_000_000_000),))
    found = assess(
        Book(book.assets, book.instruments, (*book.holdings, held)), market, venue("hyperliquid"), Purpose.MAINTAIN
    )
    assert found["p"].surplus == 2_250
    assert found["p:ETH"].surplus == -560


# Liquidation prices


def test_the_tier_at_the_liquidation_price_decides_and_not_todays():
    """A short of 3,000 BTC at 45,000 (135M, 40x) is liquidated at a price where its notional is in the 20x tier."""
    held = known(D(30_000_000), D(-3_000), D(45_000), listed_tiers(venue("hyperliquid"), "BTC"))
    solved = Fraction(liquidation_price(*held).solved)
    # 165M − 3000 x = 75 x − 1.875M
    assert abs(solved - Fraction(166_875_000, 3_075)) < Fraction(1, 10**17)
    assert solved * 3_000 > 150_000_000


def test_backstop_prices_lie_beyond_liquidation_prices_and_may_be_none():
    for size in (D(1), D(-1)):
        held = known(D(20), size, D(100), [Tier(D(0), 10)])
        first, then = liquidation_price(*held).solved, liquidation.backstop_price(*held).solved
        assert exact(lambda a, b, s: (a - b) * s > 0)(first, then, size)
    beside = known(D(130), D(1), D(40), [Tier(D(0), 10)], others=D(100))
    assert liquidation.backstop_price(*beside).solved is None
    assert str(liquidation_price(*beside).solved)[:9] == "10.526315"


def test_frozen_maintenance_gives_the_price_at_which_equity_is_todays_maintenance():
    held = account(D(0), {"A": (D(-2), D(100), [Tier(D(0), 50)], 20), "B": (D(1), D(500), [Tier(D(0), 50)], 20)})
    rules = liquidation.frozen(held.book, held.market, held.rules, held.pool)
    solved = liquidation_prices(held.book, held.market, rules, held.pool)
    assert solved["A"].solved == D("246.5")  # 300 − 7 = 2 × 146.5
    assert solved["B"].solved == 207
    with pytest.raises(RulesError, match="margin must be a table of tiers, not ContractMargin"):
        liquidation.frozen(held.book, held.market, with_margin(held.rules), held.pool)


def with_margin(rules):
    """A rule set whose margin is no table."""
    return replace(rules, margin=rules.margin.default)


# Laws

cash_units = st.integers(-(10**9), 10**13)
sides = st.integers(-200_000, 200_000)


@st.composite
def books(draw, *, orders=True):
    """A cross pool of up to four coins, some above their first tier, with leverages the brackets allow."""
    lots = {coin: draw(sides) * (draw(st.sampled_from([1, 10_000])) if coin == "BTC" else 1) for coin in CONTRACTS}
    moves = {coin: MARKS[coin] * draw(st.integers(50, 160)) // 100 for coin in CONTRACTS}
    resting = []
    for coin in CONTRACTS:
        side = draw(sides)
        if orders and side and draw(st.booleans()):
            resting.append(Order(coin, coin, side, MARKS[coin] * draw(st.integers(90, 110)) // 100))
    return book_of(draw(cash_units), lots, moves, resting, draw(st.sampled_from([None, 1, 2, 3])))


@settings(max_examples=60)
@given(books(), st.sampled_from(NAMES))
@example(book_of(10**9, {"BTC": 100_000}), "hyperliquid")
@example(book_of(10**13, {"BTC": 1_000_000_000}, leverage=40), "hyperliquid")
def test_l07_a_stricter_purpose_never_finds_more_surplus(case, name):
    book, market = case
    found = {purpose: assess_pool(book, market, venue(name), purpose, "p").surplus for purpose in Purpose}
    assert found[Purpose.WITHDRAW] <= found[Purpose.ADMIT] <= found[Purpose.FILL] <= found[Purpose.MAINTAIN]
    assert found[Purpose.ADMIT] <= found[Purpose.RECOVER] <= found[Purpose.MAINTAIN]


def test_l07_rests_on_a_leverage_within_twice_the_tiers_own():
    """No such leverage can be chosen; a book that has one anyway breaks the order."""
    book, market = book_of(10**9, {"BTC": 100_000}, leverage=81)
    found = {purpose: assess_pool(book, market, venue("hyperliquid"), purpose, "p").surplus for purpose in Purpose}
    assert found[Purpose.FILL] > found[Purpose.MAINTAIN]
    changes = [Trade("p", "BTC", 1, MARKS["BTC"])]
    (refusal,) = what_if(book, market, venue("hyperliquid"), changes).refusals
    assert refusal.limit == "leverage"


@settings(max_examples=40)
@given(books(), st.integers(0, 10**12), st.sampled_from(NAMES))
@example(book_of(0, {"BTC": 100_000}), 1, "hyperliquid")
def test_l11_more_cash_raises_every_surplus_by_itself(case, units, name):
    book, market = case
    more = book.with_holding(book.holding("p").with_cash("USDC", units))
    for purpose in Purpose:
        before, after = (assess_pool(one, market, venue(name), purpose, "p").surplus for one in (book, more))
        assert exact(lambda a, b: b - a)(before, after) == exact(USDC.amount)(units)


@settings(max_examples=60)
@given(books(orders=False), st.sampled_from(NAMES), st.sampled_from(sorted(CONTRACTS)))
@example(book_of(-54_000_000_000, {"BTC": 100_000}), "hyperliquid", "BTC")
@example(book_of(10_000_000_000, {"BTC": -100_000}), "hyperliquid", "BTC")
def test_l13_at_a_liquidation_price_the_tick_is_in_breach_and_its_neighbour_is_not(case, name, coin):
    book, market = case
    rules = venue(name)
    for crossing in liquidation_price(book, market, rules, "p", coin).crossings:
        sound = crossing.ticks + (1 if crossing.breach_below else -1)
        verdicts = [
            assess_pool(book, moved(market, coin, ticks), rules, Purpose.MAINTAIN, "p").breached(inclusive=False)
            for ticks in (crossing.ticks, sound)
            if ticks > 0
        ]
        assert verdicts in ([True, False], [True])


def test_l13_has_crossings_to_judge():
    long, short = (
        liquidation_price(*book_of(6_000_000_000, {"BTC": lots}), venue("hyperliquid"), "p", "BTC")
        for lots in (100_000, -100_000)
    )
    assert (long.ticks, short.ticks) == (546_835, 651_852)  # 54,683.54…; 65,185.18…


# Unified accounts


def test_the_ratio_of_a_unified_book_counts_isolated_margin_as_set_aside():
    book, market = book_of(3_000_000_000, {"BTC": 100_000})
    alone = Pool("p:ETH", parent="p", mode=Mode.ISOLATED, numeraire="USDC", scope=frozenset({"ETH"}))
    held = Holding(alone, {"USDC": 500_000_000}, (Position("ETH", 10_000, 3_000_000_000),))
    both = Book(book.assets, book.instruments, (*book.holdings, held))
    assert unified.account_ratio(both, market, venue("hyperliquid_unified"), places=8) == D("0.25")


# Accounts known by their summary


def test_a_mark_is_the_nearest_to_the_reported_value():
    assert mark_of(D("3878574.0336500001"), D("-149078.45"), 4) == D("26.0170")
    with pytest.raises(BookError, match="size of a position must not be zero"):
        mark_of(D(1), D(0))
    with pytest.raises(BookError, match="size of position must not be zero"):
        known(D(1), D(0), D(1), [Tier(D(0), 10)])


def test_a_schedule_may_stand_for_tiers_with_the_leverages_of_its_rates():
    rules = with_tiers(venue("hyperliquid"), {"X": Schedule.marginal([("0", "0.01"), ("50", "0.03")])})
    assert [one.max_leverage for one in rules.margin.every()["X"].brackets] == [50, 16]
    with pytest.raises(RulesError, match="maintenance rate of a tier must be positive, not 0"):
        with_tiers(venue("hyperliquid"), {"X": Schedule.flat("0")})
    with pytest.raises(RulesError, match="margin must be a table of tiers with a default"):
        with_tiers(with_margin(venue("hyperliquid")), {})


def test_what_other_positions_require_does_not_move_with_this_one():
    assert accounts.rest_of_maintenance(D(100), D(800), 10) == 60
    held = known(D(200), D(1), D(800), [Tier(D(0), 10)], others=D(60))
    found = assess_pool(held.book, held.market, held.rules, Purpose.MAINTAIN, held.pool)
    assert (found.required, found.value) == (100, 200)
    solved = Fraction(liquidation_price(*held).solved)
    assert abs(solved - Fraction(660) / Fraction("0.95")) < Fraction(1, 10**17)
