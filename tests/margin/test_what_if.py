"""Pre-trade checks at the line where they flip, and the book after each change."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent import ledger
from solvent.book import Book, BookError, Holding, Leg, LegMode, Lending, Market, Mode, Order, Pool, Position, Purpose
from solvent.instruments import Spot
from solvent.margin import (
    Cancel,
    Deposit,
    Place,
    Reprice,
    SetLeverage,
    Trade,
    Withdraw,
    assess_pool,
    max_order,
    max_withdrawal,
    may_set_class,
    may_set_legs,
    may_set_leverage,
    may_set_mode,
    what_if,
)
from solvent.rules import Borrowing, Missing, RulesError, Transition
from tests.margin.small_rules import small_rules
from tests.margin.worlds import ASSETS, BTC, CONTRACTS, USDT, market, worlds

SOL = CONTRACTS["SOL-PERP"]
NOW = market({"SOL-PERP": 40_000, "ETH-PERP": 200_000})


def book(cash: str, *positions: Position, pool: Pool | None = None, orders: tuple[Order, ...] = ()) -> Book:
    holding = Holding(pool or Pool("cross"), {"USDT": USDT.units(Decimal(cash))}, positions, orders)
    return Book(ASSETS, CONTRACTS, (holding,))


def sol(lots: int, entry: int = 40_000, **more: object) -> Position:
    return Position("SOL-PERP", lots, SOL.worth(lots, entry), **more)  # type: ignore[arg-type]


# 100 lots at 40 = 4,000: leverage 10 asks 400 (tier asks 80), the taker's fee is 2
@pytest.mark.parametrize(("cash", "allowed"), [("402", True), ("401.999999", False)])
def test_a_trade_is_admitted_exactly_to_the_line(cash: str, *, allowed: bool) -> None:
    impact = what_if(book(cash), NOW, small_rules(), [Trade("cross", "SOL-PERP", 100, 40_000)])
    assert impact.allowed is allowed
    assert impact.fees == {"cross": 2_000_000}
    after = impact.after["cross", Purpose.ADMIT]
    assert after.required == 400
    if not allowed:
        (refusal,) = impact.refusals
        assert refusal.short == Decimal("-0.000001")
        assert (refusal.limit, refusal.pool, refusal.subject) == ("admit", "cross", "SOL-PERP")
        assert "surplus at ADMIT would be -0.000001 USDT" in refusal.text


# as maker at FILL: tiers × 1.5 = 60, fee 0.8
@pytest.mark.parametrize(("cash", "allowed"), [("60.8", True), ("60.799999", False)])
def test_a_resting_order_is_filled_at_its_own_purpose(cash: str, *, allowed: bool) -> None:
    impact = what_if(book(cash), NOW, small_rules(), [Trade("cross", "SOL-PERP", 100, 40_000, maker=True)])
    assert impact.allowed is allowed


def test_below_the_line_only_relief_is_allowed() -> None:
    poor = book("50", sol(100))  # ADMIT asks 400
    assert what_if(poor, NOW, small_rules(), [Trade("cross", "SOL-PERP", -50, 40_000)]).allowed
    assert what_if(poor, NOW, small_rules(), [Trade("cross", "SOL-PERP", -100, 40_000)]).allowed
    assert not what_if(poor, NOW, small_rules(), [Trade("cross", "SOL-PERP", 1, 40_000)]).allowed
    assert not what_if(poor, NOW, small_rules(), [Trade("cross", "SOL-PERP", -201, 40_000)]).allowed
    worse = what_if(poor, NOW, small_rules(), [Trade("cross", "SOL-PERP", -50, 35_000)])  # loses 250, frees 200
    assert not worse.allowed
    cheap = Trade("cross", "SOL-PERP", 1, 30_000)  # gains 10 at the mark and requires 4: better, but not less
    assert what_if(poor, NOW, small_rules(), [cheap]).refusals[0].short > -400
    strict = small_rules(transition=Transition.NOTHING)
    assert not what_if(poor, NOW, strict, [Trade("cross", "SOL-PERP", -50, 40_000)]).allowed


@pytest.mark.parametrize(("ticks", "allowed"), [(36_000, True), (35_999, False)])
def test_relief_is_measured_net_of_the_fee(ticks: int, *, allowed: bool) -> None:
    """Closing 50 frees 200 of the requirement at leverage 10: a loss of exactly 200 is no worse."""
    poor = book("50", sol(100))
    assert what_if(poor, NOW, small_rules(), [Trade("cross", "SOL-PERP", -50, ticks)]).allowed is allowed


@given(worlds(orders=False, hedge=False), st.integers(-3000, 3000).filter(bool), st.integers(30_000, 50_000))
def test_a_fill_moves_value_by_its_fee_and_its_distance_from_mark(
    world: tuple[Book, Market], lots: int, ticks: int
) -> None:
    before_book, prices = world
    rules = small_rules()
    impact = what_if(before_book, prices, rules, [Trade("cross", "SOL-PERP", lots, ticks)])
    before, after = (one["cross", Purpose.MAINTAIN].value for one in (impact.before, impact.after))
    mark = SOL.ticks(prices.prices[next(k for k in prices.prices if k.subject == "SOL-PERP")])
    gained = ledger.linear_worth(lots, mark, SOL.tick_value) - ledger.linear_worth(lots, ticks, SOL.tick_value)
    assert USDT.units(after) - USDT.units(before) == gained - impact.fees["cross"]


def test_changes_are_judged_one_after_another() -> None:
    impact = what_if(
        book("402"), NOW, small_rules(),
        [Trade("cross", "SOL-PERP", 100, 40_000), Withdraw("cross", "USDT", 1)],
    )  # fmt: skip
    assert [refusal.limit for refusal in impact.refusals] == ["withdraw"]


def test_a_withdrawal_never_leaves_a_debt_or_a_shortfall() -> None:
    """L-10 for one pool."""
    held = book("1000", sol(100, 30_000))
    most = max_withdrawal(held, NOW, small_rules(), "cross", "USDT")
    assert most == 600_000_000  # cash 1,000 less 400 at leverage 10: the 1,000 of profit stays
    assert what_if(held, NOW, small_rules(), [Withdraw("cross", "USDT", most)]).allowed
    assert not what_if(held, NOW, small_rules(), [Withdraw("cross", "USDT", most + 1)]).allowed
    empty = what_if(book("0"), NOW, small_rules(), [Withdraw("cross", "USDT", 1)])
    assert empty.refusals[0].limit == "cash"


def test_collateral_may_leave_as_far_as_its_weight_allows() -> None:
    one = book("0", sol(100)).with_holding(replace(book("0", sol(100)).holdings[0], cash={"USDT": 0, "BTC": 10**8}))
    most = max_withdrawal(one, NOW, small_rules(), "cross", "BTC")
    kept = 10**8 - most
    worth_micro = 300  # of one unit of bitcoin at 30,000
    assert kept * worth_micro * 9 >= 400_000_000 * 10
    assert (kept - 1) * worth_micro * 9 < 400_000_000 * 10


@pytest.mark.parametrize("side", [1, -1])
def test_the_largest_order_passes_and_one_lot_more_does_not(side: int) -> None:
    held = book("1000", sol(20))
    most = max_order(held, NOW, small_rules(), "cross", "SOL-PERP", side, 40_000)
    assert what_if(held, NOW, small_rules(), [Trade("cross", "SOL-PERP", side * most, 40_000)]).allowed
    assert not what_if(held, NOW, small_rules(), [Trade("cross", "SOL-PERP", side * (most + 1), 40_000)]).allowed


def test_leverage_brackets_bound_the_notional() -> None:
    rich = book("1000000")
    at_twenty = [SetLeverage("cross", "SOL-PERP", 20)]
    assert what_if(book("1000000", sol(10)), NOW, small_rules(), at_twenty).allowed
    exactly = Trade("cross", "SOL-PERP", 12_500, 40_000)  # 500,000: the most at leverage 10
    assert what_if(rich, NOW, small_rules(), [exactly]).allowed
    over = what_if(rich, NOW, small_rules(), [replace(exactly, lots=12_501)])
    assert [r.limit for r in over.refusals] == ["leverage"]
    assert "above 500000, the most at leverage 10" in over.refusals[0].text


def test_a_class_caps_leverage() -> None:
    assert may_set_leverage(book("1000", sol(1)), NOW, small_rules(), "cross", "SOL-PERP", 51)[0].limit == "leverage"
    assert not may_set_leverage(book("1000", sol(1)), NOW, small_rules(), "cross", "SOL-PERP", 50)
    assert may_set_leverage(book("1000"), NOW, small_rules(), "cross", "SOL-PERP", 51)
    assert not may_set_leverage(book("1000"), NOW, small_rules(), "cross", "SOL-PERP", 50)
    with pytest.raises(BookError, match="at least 1"):
        may_set_leverage(book("1"), NOW, small_rules(), "cross", "SOL-PERP", 0)
    assert may_set_class(book("1", sol(1, leverage=30)), small_rules(modes=small_rules().modes), "cross", "vip")
    assert not may_set_class(book("1", sol(1)), small_rules(), "cross", "standard")


def test_modes_switch_only_when_flat() -> None:
    """L-20 for one pool."""
    rules = small_rules()
    for flat, allowed in ((book("1"), True), (book("1", sol(1)), False)):
        assert (not may_set_legs(flat, rules, "cross", LegMode.HEDGE)) is allowed
        assert (not may_set_mode(flat, rules, "cross", Mode.ISOLATED)) is allowed
    resting = book("1", orders=(Order("1", "SOL-PERP", 1, 40_000),))
    assert may_set_legs(resting, rules, "cross", LegMode.HEDGE)
    assert not may_set_legs(resting, rules, "cross", LegMode.ONE_WAY)
    assert may_set_mode(book("1"), rules, "cross", Mode.PORTFOLIO)[0].text == "small has no portfolio margin"


def test_borrowing_needs_somebody_who_lends() -> None:
    rules = small_rules(borrowing=Borrowing(Missing.BORROW, cap_ppm=800_000))
    spot = Spot("BTC/USDT", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"), BTC)
    held = replace(book("100000"), instruments={**CONTRACTS, "BTC/USDT": spot})
    sell = [Trade("cross", "BTC/USDT", -1000, 300_000)]  # one bitcoin that is not there
    assert [r.limit for r in what_if(held, NOW, rules, sell).refusals] == ["borrow"]
    lent = replace(NOW, lending={"BTC": Lending(125_000_000, 0)})
    assert what_if(held, lent, rules, sell).allowed
    tight = replace(NOW, lending={"BTC": Lending(125_000_000, 1)})
    assert [r.limit for r in what_if(held, tight, rules, sell).refusals] == ["borrow"]
    after = what_if(held, lent, rules, sell).book.holdings[0].cash
    assert after == {"USDT": 130_000_000_000 - 15_000_000, "BTC": -100_000_000}


def test_orders_are_placed_cancelled_and_cost_their_worst_side() -> None:
    placed = what_if(book("402"), NOW, small_rules(), [Place("cross", Order("a", "SOL-PERP", 100, 40_000))])
    assert placed.allowed
    assert placed.after["cross", Purpose.ADMIT].required == 400
    both = what_if(placed.book, NOW, small_rules(), [Place("cross", Order("b", "SOL-PERP", -100, 40_000))])
    assert both.after["cross", Purpose.ADMIT].required == 400
    dear = what_if(placed.book, NOW, small_rules(), [Place("cross", Order("b", "SOL-PERP", 1, 40_000))])
    assert not dear.allowed
    gone = what_if(placed.book, NOW, small_rules(), [Cancel("cross", "a")])
    assert gone.after["cross", Purpose.ADMIT].required == 0
    for bad in (Cancel("cross", "z"), Place("cross", Order("a", "SOL-PERP", 1, 1))):
        with pytest.raises(BookError, match="orders"):
            what_if(placed.book, NOW, small_rules(), [bad])


def test_prices_and_deposits_are_changes_too() -> None:
    held = book("50", sol(100))
    key = next(k for k in NOW.prices if k.subject == "SOL-PERP")
    impact = what_if(held, NOW, small_rules(), [Deposit("cross", "USDT", 5), Reprice({key: Decimal(41)})])
    assert impact.after["cross", Purpose.MAINTAIN].value == Decimal("150.000005")
    assert impact.allowed
    with pytest.raises(BookError, match="must be positive, not 0 units"):
        what_if(held, NOW, small_rules(), [Deposit("cross", "USDT", 0)])


@pytest.mark.parametrize(
    ("trade", "message"),
    [
        (Trade("cross", "SOL-PERP", 0, 1), "lots must not be zero"),
        (Trade("cross", "SOL-PERP", 1, 0), "ticks must be positive"),
        (Trade("cross", "SOL-PERP", 1, 1, Leg.LONG), "leg LONG of SOL-PERP does not fit"),
        (Trade("cross", "X", 1, 1), "instruments: 'X' is not declared"),
        (Trade("other", "SOL-PERP", 1, 1), "no pool 'other'"),
    ],
)
def test_trades_that_cannot_be(trade: Trade, message: str) -> None:
    with pytest.raises(BookError, match=message):
        what_if(book("1"), NOW, small_rules(), [trade])


def test_hedge_legs_do_not_cross_zero_and_scope_binds() -> None:
    hedged = book("1000", sol(5, leg=Leg.LONG), pool=Pool("cross", legs=LegMode.HEDGE))
    with pytest.raises(BookError, match="cannot cross zero, to -1 lots"):
        what_if(hedged, NOW, small_rules(), [Trade("cross", "SOL-PERP", -6, 40_000, Leg.LONG)])
    scoped = book("1000", pool=Pool("cross", scope=frozenset({"ETH-PERP"})))
    with pytest.raises(BookError, match="may hold only"):
        what_if(scoped, NOW, small_rules(), [Trade("cross", "SOL-PERP", 1, 40_000)])
    listed = replace(book("1"), instruments={"NO-PERP": replace(SOL, symbol="NO-PERP")})
    prices = market({}).with_prices({next(k for k in NOW.prices)._replace(subject="NO-PERP"): Decimal(1)})
    with pytest.raises(RulesError, match="NO-PERP is not covered"):
        what_if(listed, prices, small_rules(), [Trade("cross", "NO-PERP", 1, 1)])


def test_an_isolated_multiplier_scales_the_tiers() -> None:
    pool = Pool("cross", mode=Mode.ISOLATED, parent="main")
    found = assess_pool(book("1000", sol(100), pool=pool), NOW, small_rules(), Purpose.MAINTAIN, "cross")
    assert found.required == 60


def test_without_anything_the_largest_order_is_none() -> None:
    assert max_order(book("0"), NOW, small_rules(), "cross", "SOL-PERP", 1, 40_000) == 0
    assert max_withdrawal(book("0"), NOW, small_rules(), "cross", "USDT") == 0
