"""Marginal relief: what frees most per notional goes first, and nothing that costs what it frees or asks for more."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from solvent.assessment import Line
from solvent.book import Leg
from solvent.liquidation import Action, Depth, Level, deep_at_mark, plan
from solvent.liquidation.legs import held_legs
from solvent.margin.assess import tiered
from solvent.margin.totals import assessed
from solvent.rules import Plan
from solvent.units import exact
from solvent.venues.generic.rules import generic
from tests.liquidation.test_plan import cash_for, recover
from tests.liquidation.worlds import MAJOR, MINOR, book_of, holding_of, market_of, troubled

RELIEF, UNPROFITABLE = generic(plan=Plan.MARGINAL_RELIEF), generic(plan=Plan.MOST_UNPROFITABLE_FIRST)


def free_of_penalty(rules, **liquidation):
    return replace(
        rules,
        penalty=replace(rules.penalty, default_ppm=0),
        liquidation=replace(rules.liquidation, **liquidation),
    )


def bids(**ticks):
    """Plenty to sell into, at one price each."""
    return {name.replace("_", "-"): Depth(bids=(Level(at, 10**9),)) for name, at in ticks.items()}


def two_longs(major_entry=500_000, minor_entry=1_000):
    """10,000 of each at the mark; at RECOVER majors ask for 0.6 % of it, others for 1.2 %."""
    held = [(MINOR, 1_000, minor_entry), (MAJOR, 200, major_entry)]
    book, market = book_of(holding_of("p", {"USDT": 0}, held)), market_of({"ABC-PERP": 1_000, "BTC-PERP": 500_000})
    return cash_for(book, market, RELIEF, -10 * 10**6), market


@pytest.mark.parametrize(
    ("minor_ticks", "first"),
    [(1_000, "ABC-PERP"), (995, "ABC-PERP"), (993, "BTC-PERP"), (989, "BTC-PERP"), (988, "BTC-PERP")],
)
def test_what_frees_most_per_notional_net_of_its_price_goes_first(minor_ticks, first):
    """0.6 % away from its mark, the minor frees as little as the major at its own."""
    book, market = two_longs()
    rules = free_of_penalty(RELIEF, step_ppm=1_000_000)
    steps = plan(book, market, rules, "p", bids(ABC_PERP=minor_ticks, BTC_PERP=500_000))
    assert steps[0].symbol == first
    assert steps[-1].after >= 0
    others = {step.symbol for step in steps[1:]}
    assert others <= ({"ABC-PERP", "BTC-PERP"} - {first} if minor_ticks > 988 else set())


@pytest.mark.parametrize(
    ("major_entry", "minor_entry", "first"), [(500_001, 1_000, "BTC-PERP"), (500_000, 1_001, "ABC-PERP")]
)
def test_legs_that_free_alike_go_by_profit_the_worst_first(major_entry, minor_entry, first):
    book, market = two_longs(major_entry, minor_entry)
    steps = plan(book, market, free_of_penalty(RELIEF), "p", bids(ABC_PERP=994, BTC_PERP=500_000))
    assert steps[0].symbol == first


def test_the_most_unprofitable_leg_waits_where_another_frees_more():
    book, market = two_longs(major_entry=600_000)
    quotes = deep_at_mark(book, market)
    assert plan(book, market, free_of_penalty(UNPROFITABLE), "p", quotes)[0].symbol == "BTC-PERP"
    assert plan(book, market, free_of_penalty(RELIEF), "p", quotes)[0].symbol == "ABC-PERP"


@pytest.mark.parametrize(("price", "penalty_ppm", "action"), [
    (989, 0, Action.CLOSE), (988, 0, Action.HAND_OVER),
    (1_000, 11_999, Action.CLOSE), (1_000, 12_000, Action.HAND_OVER),
    (994, 6_036, Action.CLOSE), (994, 6_037, Action.HAND_OVER),
])  # fmt: skip
def test_penalty_and_distance_together_must_cost_less_than_what_is_freed(price, penalty_ppm, action):
    """1.2 % of notional is freed; a close that costs exactly as much is handed over."""
    rules = free_of_penalty(RELIEF)
    rules = replace(rules, penalty=replace(rules.penalty, default_ppm=penalty_ppm))
    book = book_of(holding_of("p", {"USDT": 100 * 10**6}, [(MINOR, 1_000, 1_000)]))
    market = market_of({"ABC-PERP": 1_000})
    steps = plan(book, market, rules, "p", bids(ABC_PERP=price))
    assert [step.action for step in steps] == [action]


def test_the_next_best_leg_follows_until_the_pool_is_restored():
    book, market = two_longs()
    book = cash_for(book, market, RELIEF, -100 * 10**6)
    rules = free_of_penalty(RELIEF, step_ppm=500_000)
    steps = plan(book, market, rules, "p", deep_at_mark(book, market))
    assert [(step.symbol, step.lots) for step in steps] == [("ABC-PERP", -500), ("BTC-PERP", -100)]
    assert steps[-1].after < 0, "each leg is closed by its share at most once a round"
    enough = cash_for(book, market, RELIEF, -60 * 10**6)
    assert len(plan(enough, market, rules, "p", deep_at_mark(book, market))) == 1
    one_more = cash_for(book, market, RELIEF, -60 * 10**6 - 1)
    assert len(plan(one_more, market, rules, "p", deep_at_mark(book, market))) == 2


@dataclass(frozen=True)
class OnNet:
    """A requirement of 3 % of what long and short notional do not offset."""

    def assess(self, book, market, rules, purpose, holding):
        plain = tiered(book, market, rules, purpose, holding)
        legs = held_legs(book.with_holding(holding), market, holding.pool.id)
        net = abs(sum(leg.notional * (1 if leg.position.lots > 0 else -1) for leg in legs))
        needed = Decimal(net * 3).scaleb(-8)
        lines = [line._replace(required=Decimal(0)) for line in plain.lines]
        lines.append(Line("other", "net", Leg.NET, Decimal(0), Decimal(0), needed))
        return assessed(plain.pool, purpose, plain.numeraire, lines)


def test_a_leg_whose_close_raises_the_requirement_is_never_closed():
    """Buying the short back 5 % below the mark would raise the surplus most, and lay the long open."""
    held = [(MINOR, 1_000, 1_000, Leg.LONG), (MINOR, -900, 900, Leg.SHORT)]
    book, market = book_of(holding_of("p", {"USDT": 0}, held)), market_of({"ABC-PERP": 1_000})
    quotes = {"ABC-PERP": Depth(bids=(Level(985, 10**9),), asks=(Level(950, 10**9),))}
    found = {}
    for rules in (RELIEF, UNPROFITABLE):
        with_model = replace(free_of_penalty(rules, step_ppm=100_000), models={book.holding("p").pool.method: OnNet()})
        short = cash_for(book, market, with_model, -4 * 10**6)
        found[rules.liquidation.plan] = [step.leg for step in plan(short, market, with_model, "p", quotes)]
    assert found == {Plan.MARGINAL_RELIEF: [Leg.LONG], Plan.MOST_UNPROFITABLE_FIRST: [Leg.SHORT]}


@given(troubled())
def test_every_step_frees_more_than_it_costs_and_no_later_one_frees_more_per_notional(case):
    """At the prices and sizes planned; the rest of a leg's levels are worse by the order of depth."""
    book, market, quotes, marks = case
    steps = [step for step in plan(book, market, RELIEF, "p", quotes) if step.action is Action.CLOSE]
    for step in steps:
        assert step.after > step.before
    assert len({(step.symbol, step.leg) for step in steps}) == len(steps)
    if len(steps) > 1 and steps[0].symbol != "BTC-INV":
        first, symbol = steps[0], steps[1].symbol
        alone = {symbol: quotes[symbol]}
        others = plan(book, market, RELIEF, "p", alone)
        if others[0].action is Action.CLOSE and symbol != "BTC-INV":
            assert rate(book, marks, first) >= rate(book, marks, others[0])
    assert recover(book, market, RELIEF) < 0 or not steps


def rate(book, marks, step):
    """Surplus gained per unit of notional closed at the mark."""
    notional = exact(book.instruments[step.symbol].notional)(step.lots, marks[step.symbol])
    return (Fraction(step.after) - Fraction(step.before)) / notional
