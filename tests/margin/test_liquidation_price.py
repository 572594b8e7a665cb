"""Liquidation prices against a brute-force walk over ticks, and the published ones."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solvent.book import Book, Holding, Leg, LegMode, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.margin import UnsolvableError, assess_pool, liquidation_price, liquidation_prices
from solvent.margin.forms import Affine, Form, Term
from solvent.margin.liquidation_price import market_at
from solvent.margin.paths import Moves
from solvent.margin.roots import _several, _single
from solvent.rates import Schedule
from solvent.rules import Path, VenueRules
from solvent.units import exact
from tests.margin.small_rules import Margins, small_rules
from tests.margin.worlds import ASSETS, CONTRACTS, linear, market, worlds

NO_MARGIN_ON_LEVERAGE = small_rules()


def breached(book: Book, prices: Market, rules: VenueRules, symbol: str, ticks: int, moving: Moves) -> bool:
    moved = exact(market_at)(book, prices, moving, CONTRACTS[symbol], ticks)
    found = assess_pool(book, moved, rules, Purpose.MAINTAIN, "cross")
    return found.breached(inclusive=rules.breach_inclusive)


@given(worlds(orders=False), st.booleans(), st.sampled_from([Path.INSTRUMENT, Path.UNDERLYING]))
@settings(max_examples=250)
def test_the_verdict_turns_at_every_reported_tick_and_nowhere_else(
    world: tuple[Book, Market], inclusive: bool, along: Path
) -> None:
    """L-13: in breach at the tick, not one tick before it; and the crossings account for every turn of the verdict."""
    book, prices = world
    rules = small_rules(breach_inclusive=inclusive)
    for position in book.holdings[0].positions[:2]:
        symbol = position.symbol
        try:
            found = liquidation_price(book, prices, rules, "cross", symbol, along)
        except UnsolvableError:
            assert along is not Path.INSTRUMENT
            continue
        moving = moving_along(book, symbol, along)
        for crossing in found.crossings:
            step = 1 if crossing.breach_below else -1
            assert breached(book, prices, rules, symbol, crossing.ticks, moving)
            if crossing.ticks + step >= 1:
                assert not breached(book, prices, rules, symbol, crossing.ticks + step, moving)
        present = CONTRACTS[symbol].ticks(prices.price(PriceKind.MARK, symbol, "USDT"))
        check_turns(book, prices, rules, symbol, moving, sorted(c.ticks for c in found.crossings), present)


def check_turns(
    book: Book, prices: Market, rules: VenueRules, symbol: str, moving: Moves, ticks: list[int], present: int
) -> None:
    """On a coarse grid the verdict changes only between grid points that a crossing separates."""
    grid = sorted({max(1, present * k // 16) for k in range(1, 48)})
    verdicts = [breached(book, prices, rules, symbol, one, moving) for one in grid]
    for (low, was), (high, now) in zip(
        zip(grid, verdicts, strict=True), list(zip(grid, verdicts, strict=True))[1:], strict=False
    ):
        if was != now:
            assert any(low - 1 <= one <= high + 1 for one in ticks), (low, high, ticks)


def moving_along(book: Book, symbol: str, along: Path) -> Moves:
    if along is Path.INSTRUMENT:
        return Moves(frozenset({symbol}), frozenset())
    coin = CONTRACTS[symbol].underlying
    symbols = {p.symbol for p in book.holdings[0].positions if CONTRACTS[p.symbol].underlying == coin}
    return Moves(frozenset(symbols), frozenset({coin}))


@given(st.integers(-(10**6), 10**6), st.integers(-(10**4), 10**4), st.integers(1, 10**4))
@settings(max_examples=300)
def test_the_quick_solver_equals_the_general_one(constant: int, slope: int, amount: int) -> None:
    tiers = Schedule.marginal([("0", "0.01"), ("1000", "0.02"), ("50000", "0.5"), ("70000", "0.9")])
    one = Form(
        Affine(Decimal(constant), Decimal(slope)),
        (Term(Affine(Decimal(0), Decimal(amount)), tiers, Decimal(0), -1),),
        exact=True,
    )
    quick = exact(_single)(one, reciprocal=False)
    assume(quick is not None)  # a surplus of zero at a floor is left to the general solver
    assert quick == exact(_several)(one, reciprocal=False)


def two_legs(cash: str, long: int, short: int) -> tuple[Book, Market]:
    one = CONTRACTS["SOL-PERP"]
    positions = (
        Position("SOL-PERP", long, one.worth(long, 40_000), Leg.LONG),
        Position("SOL-PERP", -short, one.worth(-short, 41_000), Leg.SHORT),
    )
    pool = Pool("cross", legs=LegMode.HEDGE)
    return Book(ASSETS, CONTRACTS, (Holding(pool, {"USDT": ASSETS["USDT"].units(Decimal(cash))}, positions),)), market(
        {"SOL-PERP": 40_000}
    )


def test_a_fully_hedged_pool_is_liquidated_by_its_requirement_alone() -> None:
    """Equal legs: profit stands still, and only the requirement rises with the price."""
    book, prices = two_legs("300", 1000, 1000)
    found = liquidation_price(book, prices, small_rules(margin=Margins(Schedule.flat("0.01"))), "cross", "SOL-PERP")
    # cash 300 + locked profit 1,000 = 2 · 1,000 · 0.01 · P → P = 65
    assert found.solved == 65
    assert [c.breach_below for c in found.crossings] == [False]


def test_both_sides_can_liquidate() -> None:
    """A long whose collateral falls faster than a short hedge gains has a price above and a price below."""
    book, prices = two_legs("100", 1000, 1010)
    both = liquidation_price(book, prices, small_rules(margin=Margins(Schedule.flat("0.01"))), "cross", "SOL-PERP")
    assert len(both.crossings) == 1
    assert both.solved is not None
    assert both.solved > both.mark


def test_no_price_liquidates_a_rich_account() -> None:
    book, prices = two_legs("1000000", 10, 1)
    found = liquidation_price(book, prices, small_rules(), "cross", "SOL-PERP")
    assert found.solved is None
    assert found.displayed is None


@exact
def test_the_other_positions_requirement_counts() -> None:
    """TorchTrade issue 344: equity 5, one unit long at 100, rate 0.4 %, another position's maintenance 4: 99.3976."""
    other = linear("OTHER", "X", "0.01", "1")
    unit = linear("UNIT", "Y", "0.0001", "1")
    book = Book(
        ASSETS,
        {"OTHER": other, "UNIT": unit},
        (Holding(Pool("cross"), {"USDT": 5_000_000}, (
            Position("OTHER", 1, other.worth(1, 10_000)), Position("UNIT", 1, unit.worth(1, 1_000_000)))),),
    )  # fmt: skip
    prices = Market(
        {
            PriceKey(PriceKind.MARK, "OTHER", "USDT"): Decimal(100),
            PriceKey(PriceKind.MARK, "UNIT", "USDT"): Decimal(100),
        }
    )
    rules = small_rules(margin=Margins(by_symbol={"OTHER": Schedule.flat("0.04"), "UNIT": Schedule.flat("0.004")}))
    found = liquidation_price(book, prices, rules, "cross", "UNIT")
    assert found.displayed == Decimal("99.3976")
    assert set(liquidation_prices(book, prices, rules, "cross")) == {"OTHER", "UNIT"}


def test_a_path_that_is_not_piecewise_affine_says_why() -> None:
    inverse, straight = CONTRACTS["BTC-INV"], CONTRACTS["BTC-PERP"]
    positions = (
        Position("BTC-INV", 10, inverse.worth(10, 60_000)),
        Position("BTC-PERP", 10, straight.worth(10, 300_000)),
    )
    coin_pool = Pool("cross", numeraire="BTC")
    book = Book(ASSETS, CONTRACTS, (Holding(coin_pool, {"BTC": 10**8}, positions),))
    prices = market({"BTC-INV": 60_000, "BTC-PERP": 300_000}).with_prices(
        {PriceKey(PriceKind.INDEX, "USDT", "BTC"): Decimal("0.00003")}
    )
    with pytest.raises(UnsolvableError, match="linear and inverse contracts move together"):
        liquidation_price(book, prices, small_rules(), "cross", "BTC-INV", Path.UNDERLYING)


@given(worlds(orders=False, inverse=False, hedge=False))
def test_market_wide_moves_are_solved_or_refused(world: tuple[Book, Market]) -> None:
    book, prices = world
    assume(book.holdings[0].positions)
    symbol = book.holdings[0].positions[0].symbol
    found = liquidation_price(book, prices, small_rules(), "cross", symbol, Path.MARKET)
    symbols = frozenset(p.symbol for p in book.holdings[0].positions)
    moving = Moves(symbols, frozenset(CONTRACTS[s].underlying for s in symbols))
    for crossing in found.crossings:
        assert breached(book, prices, small_rules(), symbol, crossing.ticks, moving)


@pytest.mark.parametrize(("inclusive", "long_ticks", "short_ticks"), [(False, 29_999, 50_001), (True, 30_000, 50_000)])
def test_a_crossing_on_a_tick_is_a_breach_only_on_an_inclusive_line(
    inclusive: bool, long_ticks: int, short_ticks: int
) -> None:
    """100 SOL at 40, flat 1 %: a long with 1,030 is at zero at 30 exactly, a short with 1,050 at 50."""
    rules = small_rules(margin=Margins(Schedule.flat("0.01")), breach_inclusive=inclusive)
    one = CONTRACTS["SOL-PERP"]
    for lots, cash, first in ((100, 1_030, long_ticks), (-100, 1_050, short_ticks)):
        held = (Position("SOL-PERP", lots, one.worth(lots, 40_000)),)
        book = Book(ASSETS, CONTRACTS, (Holding(Pool("cross"), {"USDT": cash * 10**6}, held),))
        found = liquidation_price(book, market({"SOL-PERP": 40_000}), rules, "cross", "SOL-PERP")
        assert found.ticks == first
        assert found.solved == (30 if lots > 0 else 50)
