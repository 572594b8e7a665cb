"""Plans: what they close, how little of it, and that no step makes things worse (law L-08)."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from solvent.book import BookError, Leg, Order, Purpose
from solvent.liquidation import Action, Depth, Level, deep_at_mark, filled, plan
from solvent.liquidation.closing import Closing, Standing
from solvent.liquidation.depth import DepthError
from solvent.liquidation.legs import held_legs
from solvent.margin import assess_pool
from solvent.rules import PenaltyBase, Plan
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.generic.rules import generic
from tests.liquidation.worlds import BTC, INVERSE, MAJOR, MINOR, USDT, book_of, holding_of, market_of, troubled

RULES = generic()
VARIANTS = [generic(base, way) for base in PenaltyBase for way in Plan]
BINANCE = venue("binance_usdm")


def recover(book, market, rules, pool="p"):
    return assess_pool(book, market, rules, Purpose.RECOVER, pool).surplus


def free_of_penalty(rules=RULES, **liquidation):
    return replace(
        rules,
        penalty=replace(rules.penalty, default_ppm=0),
        liquidation=replace(rules.liquidation, **liquidation),
    )


@given(troubled(), st.integers(0, len(VARIANTS) - 1))
def test_l08_no_step_lowers_surplus_at_its_own_worst_price(case, variant):
    rules = VARIANTS[variant]
    book, market, quotes, marks = case
    for _ in range(3):
        steps = plan(book, market, rules, "p", quotes)
        for step in steps:
            before = recover(book, market, rules)
            assert step.before == before
            if step.action is not Action.CLOSE:
                assert step.after == before
                continue
            held = book.holding("p").position(step.symbol, step.leg).lots
            bound = marks[step.symbol] * rules.liquidation.worst_price_ppm // 1_000_000
            assert step.lots * held < 0
            share = 1_000_000 if rules.liquidation.plan is Plan.WHOLE else rules.liquidation.step_ppm
            assert 0 < abs(step.lots) <= -(-abs(held) * share // 1_000_000)
            assert abs(step.worst_ticks - marks[step.symbol]) <= bound
            book = filled(book, market, rules, step, step.lots, step.worst_ticks)
            # The planned outcome, found without an assessment, is the assessed one, bit for bit.
            assert recover(book, market, rules) == step.after >= before
            event(f"restores: {step.after >= 0}")
        if not steps:
            assert recover(book, market, rules) >= 0
        elif steps[-1].action is Action.HAND_OVER:
            event("handed over")
            if rules.liquidation.plan is not Plan.WHOLE:  # a whole close that costs too much is not made smaller
                assert_nothing_helps(book, market, rules, quotes)


def assert_nothing_helps(book, market, rules, quotes):
    """No size at any level of any leg would keep the surplus: one lot, the most, and some between."""
    standing = exact(Standing.of)(book, market, rules, book.holding("p"))
    for leg in held_legs(book, market, "p"):
        closing = exact(Closing)(standing, leg)
        held = abs(leg.position.lots)
        most = -(-held * rules.liquidation.step_ppm // 1_000_000)
        depth = quotes.get(leg.position.symbol, Depth())
        bound = rules.liquidation.worst_price_ppm
        for level in depth.usable(selling=closing.selling, mark=leg.ticks, worst_price_ppm=bound):
            reach = min(most, level.lots)
            for lots in {1, reach, *(1 + reach * k // 17 for k in range(17))}:
                if lots <= reach:
                    surplus = exact(closing.after)(lots, level.ticks).surplus
                    relief = rules.liquidation.plan is Plan.MARGINAL_RELIEF  # refuses what costs all it frees, too
                    assert surplus < standing.surplus or (relief and surplus == standing.surplus)


@given(troubled(contracts=(MAJOR, MINOR)))
def test_better_fills_than_the_worst_price_leave_no_less_than_planned(case):
    book, market, quotes, _ = case
    for step in plan(book, market, RULES, "p", quotes)[:1]:
        if step.action is Action.CLOSE and step.worst_ticks > 1:
            better = step.worst_ticks + (1 if step.lots < 0 else -1)
            after = recover(filled(book, market, RULES, step, step.lots, better), market, RULES)
            per_tick = abs(step.lots) * book.instruments[step.symbol].tick_value
            # The penalty follows the price: a better sale pays a little more of it, never more than it gains.
            assert after >= step.after
            assert Fraction(after) - Fraction(step.after) <= Fraction(2 * per_tick, 10**6)


@given(st.integers(1, 130), st.integers(0, 400), st.sampled_from([0, 5_000]), st.integers(0, 40))
def test_the_smallest_size_that_restores_is_found(held, equity, penalty_ppm, away):
    """Small positions, so that every size can be tried; a lot is worth much more than a rounding."""
    rules = free_of_penalty(step_ppm=1_000_000)
    rules = replace(rules, penalty=replace(rules.penalty, default_ppm=penalty_ppm))
    wide = replace(MINOR, lot_size=Decimal(1000), symbol="ABC-PERP")
    book = book_of(holding_of("p", {"USDT": held * 1_000_000 * equity}, [(wide, held, 1_000)]))
    book = replace(book, instruments={**book.instruments, "ABC-PERP": wide})
    market = market_of({"ABC-PERP": 1_000})
    price = 1_000 - away
    quotes = {"ABC-PERP": Depth(bids=(Level(price, 10**9),))}

    closing = exact(
        lambda: Closing(Standing.of(book, market, rules, book.holding("p")), held_legs(book, market, "p")[0])
    )()
    start = recover(book, market, rules)
    tried = [exact(closing.after)(n, price).surplus for n in range(1, held + 1)]
    enough = [n for n, surplus in enumerate(tried, 1) if surplus >= 0]
    helps = max((s for s in tried if s >= start), default=None)
    steps = plan(book, market, rules, "p", quotes)
    if start >= 0:
        assert steps == ()
    elif enough:
        assert [(s.action, s.lots) for s in steps] == [(Action.CLOSE, -enough[0])]
    elif helps is not None:
        assert (steps[0].action, steps[0].after) == (Action.CLOSE, helps)
    else:
        assert steps[0].action is Action.HAND_OVER


def short_pool(**more):
    """A long of 100,000 ABC at 10.00 with 1,000 less equity than RECOVER asks for; majors beside it in profit."""
    held = [(MINOR, 100_000, 1_010), (MAJOR, 1_000, 490_000)]
    return book_of(holding_of("p", {"USDT": 0, **more}, held)), market_of({"ABC-PERP": 1_000, "BTC-PERP": 500_000})


def cash_for(book, market, rules, surplus_units):
    """The same book with so much cash that surplus(RECOVER) is ``surplus_units``."""
    there = int(exact(lambda: recover(book, market, rules) * 10**6)())
    return book.with_holding(book.holding("p").with_cash("USDT", surplus_units - there))


def test_the_line_itself_is_no_breach_of_recover_and_one_unit_below_is():
    book, market = short_pool()
    quotes = deep_at_mark(book, market)
    assert plan(cash_for(book, market, RULES, 0), market, RULES, "p", quotes) == ()
    steps = plan(cash_for(book, market, RULES, -1), market, RULES, "p", quotes)
    assert [step.action for step in steps] == [Action.CLOSE]
    assert abs(steps[0].lots) == 1


def test_the_most_unprofitable_leg_is_closed_first_and_only_as_much_as_needed():
    book, market = short_pool()
    book = cash_for(book, market, RULES, -100 * 10**6)
    (step,) = plan(book, market, RULES, "p", deep_at_mark(book, market))
    assert (step.symbol, step.lots < 0, step.after >= 0) == ("ABC-PERP", True, True)
    closing = exact(
        lambda: Closing(Standing.of(book, market, RULES, book.holding("p")), held_legs(book, market, "p")[0])
    )()
    assert exact(closing.after)(abs(step.lots) - 1, step.worst_ticks).surplus < 0


def test_a_leg_without_depth_is_passed_over_for_the_next():
    book, market = short_pool()
    book = cash_for(book, market, RULES, -100 * 10**6)
    quotes = {"BTC-PERP": deep_at_mark(book, market)["BTC-PERP"]}
    assert [step.symbol for step in plan(book, market, RULES, "p", quotes)] == ["BTC-PERP"]
    (step,) = plan(book, market, RULES, "p", {})
    assert (step.action, step.reason) == (Action.HAND_OVER, "nothing can be traded within the worst price")


def test_a_close_that_costs_more_than_it_frees_is_handed_over():
    """At RECOVER the first bracket frees 1.2%; a price 1.3% away frees less than it loses."""
    rules = free_of_penalty()
    book = book_of(holding_of("p", {"USDT": 100 * 10**6}, [(MINOR, 1_000, 1_000)]))
    market = market_of({"ABC-PERP": 1_000})
    for price, action in ((988, Action.CLOSE), (987, Action.HAND_OVER)):
        steps = plan(book, market, rules, "p", {"ABC-PERP": Depth(bids=(Level(price, 10**9),))})
        assert [step.action for step in steps] == [action], price
    assert "as much surplus as before" in steps[0].reason


def test_depth_beyond_the_worst_price_is_not_used():
    rules = free_of_penalty(worst_price_ppm=2_000)
    book = book_of(holding_of("p", {"USDT": 100 * 10**6}, [(MINOR, 1_000, 1_000)]))
    market = market_of({"ABC-PERP": 1_000})
    for price, action in ((998, Action.CLOSE), (997, Action.HAND_OVER)):
        steps = plan(book, market, rules, "p", {"ABC-PERP": Depth(bids=(Level(price, 10**9),))})
        assert [step.action for step in steps] == [action], price


def test_a_step_closes_at_most_its_share_of_a_leg():
    rules = free_of_penalty(step_ppm=100_000)
    book = book_of(holding_of("p", {"USDT": 1 * 10**6}, [(MINOR, -1_001, 1_000)]))
    market = market_of({"ABC-PERP": 1_000})
    (step,) = plan(book, market, rules, "p", deep_at_mark(book, market))
    assert (step.lots, step.after < 0) == (101, True)


def test_proportional_takes_the_same_share_of_every_leg():
    rules = replace(generic(plan=Plan.PROPORTIONAL), penalty=replace(RULES.penalty, default_ppm=0))
    book, market = short_pool()
    book = cash_for(book, market, rules, -100 * 10**6)
    steps = plan(book, market, rules, "p", deep_at_mark(book, market))
    assert {step.symbol for step in steps} == {"ABC-PERP", "BTC-PERP"}
    shares = {Fraction(abs(s.lots), book.holding("p").position(s.symbol).lots) for s in steps}
    assert max(shares) - min(shares) <= Fraction(1, 1_000)
    assert steps[-1].after >= 0


def test_proportional_takes_the_smallest_share():
    rules = replace(generic(plan=Plan.PROPORTIONAL), penalty=replace(RULES.penalty, default_ppm=0))
    book, market = short_pool()
    steps = plan(cash_for(book, market, rules, -1), market, rules, "p", deep_at_mark(book, market))
    assert {step.reason.split(";")[0] for step in steps} == {"the same share of every leg: 1 in a million"}
    short = cash_for(book, market, rules, -100 * 10**6)
    for step in plan(short, market, rules, "p", deep_at_mark(book, market)):
        share = int(step.reason.split(":")[1].split()[0])
        assert abs(step.lots) == -(-book.holding("p").position(step.symbol).lots * share // 1_000_000)
    less = replace(rules, liquidation=replace(rules.liquidation, step_ppm=share - 1))
    assert plan(short, market, less, "p", deep_at_mark(book, market))[-1].after < 0


def test_proportional_takes_less_than_the_share_where_only_less_helps():
    """Ten lots at the mark help; the eleventh would be 4% away."""
    rules = generic(plan=Plan.PROPORTIONAL)
    book = book_of(holding_of("p", {"USDT": 50 * 10**6}, [(MINOR, 1_000, 1_000)]))
    market = market_of({"ABC-PERP": 1_000})
    quotes = {"ABC-PERP": Depth(bids=(Level(1_000, 10), Level(960, 10**6)))}
    (step,) = plan(book, market, rules, "p", quotes)
    assert (step.action, step.lots, step.worst_ticks) == (Action.CLOSE, -10, 1_000)


def test_a_penalty_on_the_deficit_is_a_share_of_what_maintenance_lacks():
    """MAINTAIN asks for 100, the pool has 50: a tenth of 50 is 5, whatever is closed."""
    rules = generic(PenaltyBase.DEFICIT)
    book = book_of(holding_of("p", {"USDT": 50 * 10**6}, [(MINOR, 1_000, 1_000)]))
    market = market_of({"ABC-PERP": 1_000})
    (step,) = plan(book, market, rules, "p", deep_at_mark(book, market))
    assert (step.lots, step.penalty_units) == (-500, 5 * 10**6)
    richer = book.with_holding(book.holding("p").with_cash("USDT", 55 * 10**6))
    (step,) = plan(richer, market, rules, "p", deep_at_mark(book, market))
    assert step.penalty_units == 0, "above maintenance there is no deficit, though RECOVER is not reached"


def test_a_quote_past_the_bound_on_the_better_side_is_cut_to_it():
    better = Depth(bids=(Level(120, 3),), asks=(Level(80, 4),))
    assert better.usable(selling=True, mark=100, worst_price_ppm=50_000) == (Level(105, 3),)
    assert better.usable(selling=False, mark=100, worst_price_ppm=50_000) == (Level(95, 4),)


@given(troubled())
def test_a_legs_profit_is_the_assessments_funding_included(case):
    book, market, _, _ = case
    lines = {
        (line.subject, line.leg): line.value
        for line in assess_pool(book, market, RULES, Purpose.MAINTAIN, "p").lines
        if line.kind == "position"
    }
    for leg in held_legs(book, market, "p"):
        if leg.contract.settle is USDT:
            assert lines[leg.position.symbol, leg.position.leg] == USDT.amount(leg.profit)


def test_orders_are_released_first():
    book, market = short_pool()
    holding = replace(book.holding("p"), orders=(Order("1", "ABC-PERP", 5, 900),))
    book = cash_for(book.with_holding(holding), market, RULES, -1)
    first, second = plan(book, market, RULES, "p", deep_at_mark(book, market))
    assert (first.action, second.action) == (Action.CANCEL_ORDERS, Action.CLOSE)
    assert filled(book, market, RULES, first, 0, 0).holding("p").orders == ()


def test_both_legs_of_a_hedge_are_separate_closes():
    held = [(MINOR, 1_000, 1_100, Leg.LONG), (MINOR, -900, 1_000, Leg.SHORT)]
    book, market = book_of(holding_of("p", {"USDT": 0}, held)), market_of({"ABC-PERP": 1_000})
    book = cash_for(book, market, RULES, -(10**6))
    (step,) = plan(book, market, RULES, "p", deep_at_mark(book, market))
    assert (step.leg, step.lots < 0) == (Leg.LONG, True)


def test_a_pool_without_positions_is_handed_over():
    book, market = book_of(holding_of("p", {"USDT": -1}, [])), market_of({})
    (step,) = plan(book, market, RULES, "p", {})
    assert (step.action, step.before) == (Action.HAND_OVER, Decimal("-0.000001"))
    assert "no position is left" in step.reason


def test_the_plan_of_an_inclusive_venue_stops_at_its_line():
    held = [(replace(MINOR, symbol="ABC-PERP"), 1_000, 1_000)]
    book, market = book_of(holding_of("p", {"USDT": 80 * 10**6}, held)), market_of({"ABC-PERP": 1_000})
    (step,) = plan(book, market, BINANCE, "p", deep_at_mark(book, market))
    assert step.after >= 0
    book = filled(book, market, BINANCE, step, step.lots, step.worst_ticks)
    assert recover(book, market, BINANCE) == step.after


@given(st.integers(-200, 200).filter(bool), st.integers(1, 199), st.integers(60_000, 140_000))
def test_a_leg_settling_in_a_coin_is_planned_by_assessment(held, part, ticks):
    lots = min(part, abs(held))
    book = book_of(holding_of("p", {"USDT": 10**9, "BTC": 10**6}, [(INVERSE, held, 100_000)]))
    market = market_of({"BTC-INV": 100_000})
    closing = exact(
        lambda: Closing(Standing.of(book, market, RULES, book.holding("p")), held_legs(book, market, "p")[0])
    )()
    assert not closing.separable
    found = exact(closing.after)(lots, ticks)
    after = book.with_holding(exact(closing.holding_after)(lots, ticks, found.penalty_units))
    assert recover(after, market, RULES) == found.surplus
    assert BTC.name in after.holding("p").cash


def test_fills_outside_a_step_are_refused():
    book, market = short_pool()
    book = cash_for(book, market, RULES, -1)
    (step,) = plan(book, market, RULES, "p", deep_at_mark(book, market))
    for lots, ticks in (
        (step.lots - 1, step.worst_ticks),
        (-step.lots, step.worst_ticks),
        (step.lots, 999),
        (0, 1_000),
    ):
        with pytest.raises(BookError, match="is not within the step"):
            filled(book, market, RULES, step, lots, ticks)


def test_levels_out_of_order_are_refused():
    with pytest.raises(DepthError, match="asks must be positive lots at rising positive ticks, not 5 after 5"):
        Depth(asks=(Level(5, 1), Level(5, 1)))
    with pytest.raises(DepthError, match="bids must be positive"):
        Depth(bids=(Level(5, 0),))
    assert USDT.scale == 6


def test_a_whole_plan_closes_every_leg_although_less_would_do():
    rules = replace(RULES, liquidation=replace(RULES.liquidation, plan=Plan.WHOLE, step_ppm=1))
    held = [(MAJOR, 1_000, 600_000), (MINOR, -500, 10_000)]
    book = book_of(holding_of("p", {"USDT": 1_700 * 10**6}, held))
    market = market_of({"BTC-PERP": 592_000, "ABC-PERP": 10_000})
    depth = {c.symbol: Depth((Level(t, 10**6),), (Level(t, 10**6),)) for c, t in ((MAJOR, 592_000), (MINOR, 10_000))}
    steps = plan(book, market, rules, "p", depth)
    assert [(one.symbol, one.lots) for one in steps] == [("BTC-PERP", -1_000), ("ABC-PERP", 500)]
    assert steps[0].after >= 0, "the first close alone restores the pool"
    smallest = plan(book, market, replace(RULES, liquidation=replace(RULES.liquidation, step_ppm=10**6)), "p", depth)
    assert sum(abs(one.lots) for one in smallest) < 1_500
