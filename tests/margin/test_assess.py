"""Ring 1 against an oracle in fractions: every total, at every purpose, in both order forms."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Book, BookError, Holding, Market, Method, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Exercise, Option, OptionKind
from solvent.margin import assess, assess_pool
from solvent.rules import OrderMargin, PricePolicy, Profit, RulesError
from solvent.units import exact
from tests.margin.small_rules import ALL, small_rules
from tests.margin.worlds import ASSETS, CONTRACTS, USDT, Oracle, market, worlds

MICRO = 10**6


@given(worlds(), st.sampled_from(list(OrderMargin)), st.sampled_from(ALL))
@settings(max_examples=300)
def test_totals_equal_the_definition(world: tuple[Book, Market], orders: OrderMargin, purpose: Purpose) -> None:
    book, prices = world
    rules = small_rules(orders=orders)
    oracle = Oracle(book, prices, rules, purpose)
    found = assess_pool(book, prices, rules, purpose, "cross")
    assert Fraction(found.margin_equity) * MICRO == oracle.equity()
    assert Fraction(found.required) * MICRO == oracle.required()
    assert Fraction(found.value) * MICRO == oracle.equity(weighted=False)
    assert Fraction(found.surplus) * MICRO == oracle.surplus()
    assert found.low == found.high == found.surplus


@given(worlds(), st.sampled_from(ALL))
def test_lines_sum_to_the_totals(world: tuple[Book, Market], purpose: Purpose) -> None:
    """L-19."""
    found = assess_pool(*world, small_rules(), purpose, "cross")
    for total in ("value", "equity", "required"):
        stated = Fraction(getattr(found, "margin_equity" if total == "equity" else total))
        assert sum(Fraction(getattr(line, total)) for line in found.lines) == stated


@given(worlds())
def test_purposes_are_ordered(world: tuple[Book, Market]) -> None:
    """L-07 for a rule set whose schedules rise with strictness."""
    found = {p: assess_pool(*world, small_rules(), p, "cross").surplus for p in ALL}
    assert found[Purpose.WITHDRAW] <= found[Purpose.ADMIT]
    assert found[Purpose.ADMIT] <= min(found[Purpose.FILL], found[Purpose.RECOVER])
    assert max(found[Purpose.FILL], found[Purpose.RECOVER]) <= found[Purpose.MAINTAIN]


@given(worlds(), st.sampled_from(["USDT", "BTC", "ETH"]), st.integers(1, 10**9))
def test_more_collateral_never_lowers_the_surplus(world: tuple[Book, Market], asset: str, units: int) -> None:
    """L-11."""
    book, prices = world
    richer = book.with_holding(book.holdings[0].with_cash(asset, units))
    for purpose in ALL:
        before = assess_pool(book, prices, small_rules(), purpose, "cross").surplus
        assert assess_pool(richer, prices, small_rules(), purpose, "cross").surplus >= before


def held(cash: str, *positions: Position, orders: tuple[object, ...] = ()) -> Book:
    holding = Holding(Pool("cross"), {"USDT": USDT.units(Decimal(cash))}, positions, orders)  # type: ignore[arg-type]
    return Book(ASSETS, CONTRACTS, (holding,))


def sol(lots: int, entry: int = 40_000) -> Position:
    return Position("SOL-PERP", lots, CONTRACTS["SOL-PERP"].worth(lots, entry))


@pytest.mark.parametrize(
    ("lots", "needed"),
    [
        (250, "100"),  # 10,000 at 40: the upper bound belongs to its tier: 1 %
        (251, "100.8"),  # 10,040: 2 % − 100
        (2500, "1900"),  # 100,000: 2 % − 100
        (2501, "1902"),  # 100,040: 5 % − 3,100
        (-251, "100.8"),
    ],
)
def test_a_tiers_upper_bound_belongs_to_it(lots: int, needed: str) -> None:
    found = assess_pool(held("5000", sol(lots)), market({"SOL-PERP": 40_000}), small_rules(), Purpose.MAINTAIN, "cross")
    assert found.required == Decimal(needed)
    assert found.binding is not None
    assert found.binding.subject == "SOL-PERP"


@pytest.mark.parametrize(
    ("cash", "inclusive", "breached"),
    [("100.8", False, False), ("100.8", True, True), ("100.799999", False, True), ("100.800001", True, False)],
)
def test_the_line_itself(cash: str, *, inclusive: bool, breached: bool) -> None:
    found = assess_pool(held(cash, sol(251)), market({"SOL-PERP": 40_000}), small_rules(), Purpose.MAINTAIN, "cross")
    assert found.breached(inclusive=inclusive) is breached


@pytest.mark.parametrize(("cash", "breached"), [("0", False), ("-0.000001", True)])
def test_an_empty_pool_is_in_breach_only_with_a_debt(cash: str, *, breached: bool) -> None:
    found = assess_pool(held(cash), market({}), small_rules(), Purpose.MAINTAIN, "cross")
    assert found.breached(inclusive=True) is breached
    assert found.breached(inclusive=False) is breached


def test_profit_does_not_leave_before_it_is_realised() -> None:
    book = held("1000", sol(100, entry=30_000))  # 1,000 of unrealised profit
    found = {p: assess_pool(book, market({"SOL-PERP": 40_000}), small_rules(), p, "cross") for p in ALL}
    assert found[Purpose.ADMIT].margin_equity == 2000
    assert found[Purpose.WITHDRAW].margin_equity == 1000
    assert found[Purpose.WITHDRAW].value == 2000


@exact
def test_two_price_kinds_take_the_worse_of_the_whole_book() -> None:
    """A hedged book is not charged leg by leg: both legs move together under each price."""
    kinds = dict.fromkeys(ALL, (PriceKind.MARK, PriceKind.SLOW))
    rules = small_rules(prices=PricePolicy(kinds, dict.fromkeys(ALL, (PriceKind.INDEX,))))
    prices = market({"SOL-PERP": 40_000}).with_prices({PriceKey(PriceKind.SLOW, "SOL-PERP", "USDT"): Decimal(30)})
    long = assess_pool(held("5000", sol(100)), prices, rules, Purpose.ADMIT, "cross")
    short = assess_pool(held("5000", sol(-100)), prices, rules, Purpose.ADMIT, "cross")
    assert long.value == 4000
    assert short.value == 5000


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BookError, match="no mark of SOL-PERP in USDT"):
        assess(held("1", sol(1)), market({}), small_rules(), Purpose.ADMIT)
    unknown = held("1", Position("DOGE-PERP", 1, 1))
    with pytest.raises(BookError, match="instruments: 'DOGE-PERP' is not declared"):
        assess(unknown, market({}), small_rules(), Purpose.ADMIT)
    gone = replace(held("1"), assets={})
    with pytest.raises(BookError, match="assets: 'USDT' is not declared"):
        assess(gone, market({}), small_rules(), Purpose.ADMIT)


def test_options_and_other_methods_are_refused_by_name() -> None:
    call = Option(
        "CALL", "BTC", USDT, USDT, Decimal("0.1"), Decimal(1), OptionKind.CALL, Decimal(1), 0, Exercise.EUROPEAN
    )
    book = replace(held("1", Position("CALL", 1, 1)), instruments={"CALL": call})
    with pytest.raises(RulesError, match="covers perpetuals and futures, not Option CALL"):
        assess(book, market({}), small_rules(), Purpose.ADMIT)
    scenario = Book(ASSETS, CONTRACTS, (Holding(Pool("cross", method=Method.SCENARIO)),))
    with pytest.raises(RulesError, match="does not margin by scenario"):
        assess(scenario, market({}), small_rules(), Purpose.ADMIT)


def test_losses_count_where_profits_do_not() -> None:
    rules = small_rules(profit=dict.fromkeys(ALL, Profit.LOSSES_ONLY))
    found = assess_pool(held("5000", sol(100, 50_000)), market({"SOL-PERP": 40_000}), rules, Purpose.MAINTAIN, "cross")
    assert found.margin_equity == 4000
