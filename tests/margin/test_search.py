"""Liquidation prices found by search: equal to the closed form where there is one, and right at the tick where not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.assessment import Line
from solvent.book import Book, BookError, Holding, Leg, Market, Method, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Payoff, Perpetual, Spot
from solvent.margin import assess_pool, liquidation_price, liquidation_prices
from solvent.margin.assess import tiered
from solvent.margin.curves import OnEntry
from solvent.margin.paths import ASSET_TICK, market_along, moved_by, subject
from solvent.margin.totals import assessed
from solvent.rates import Schedule
from solvent.rules import Counting, Path, Sized
from solvent.units import ONE, ZERO, Asset, exact
from tests.margin.small_rules import Collaterals, small_rules

D = Decimal
USDT, BTC = Asset("USDT", 6), Asset("BTC", 8)
PERP = Perpetual("BTC-PERP", "BTC", USDT, USDT, D("0.1"), D("0.001"))
SPOT = Spot("BTC-SPOT", "BTC", USDT, USDT, D("0.1"), D("0.001"), BTC)
RULES = small_rules()


class Plain:
    """The tiered model as a model of its own: it must be searched, and has a closed form to compare with."""

    def assess(self, book, market, rules, purpose, holding):
        return tiered(book, market, replace(rules, models={}), purpose, holding)


SEARCHED = replace(RULES, models={Method.TIERED: Plain()})


def world(lots, cash=20_000, coins=0, mark="60000"):
    pool = Holding(Pool("a"), {"USDT": cash * 10**6, "BTC": coins}, (Position("BTC-PERP", lots, lots * 60_000_000),))
    prices = {
        PriceKey(PriceKind.MARK, "BTC-PERP", "USDT"): D(mark),
        PriceKey(PriceKind.INDEX, "BTC", "USDT"): D(mark),
    }
    return Book({"USDT": USDT, "BTC": BTC}, {"BTC-PERP": PERP, "BTC-SPOT": SPOT}, (pool,)), Market(prices)


@given(st.integers(-3_000, 3_000).filter(bool), st.integers(0, 60_000), st.sampled_from([0, 10**8, -(10**7)]))
def test_the_search_finds_what_the_closed_form_finds(lots, cash, coins):
    book, market = world(lots, cash, coins)
    for path in (Path.INSTRUMENT, Path.UNDERLYING):
        known = liquidation_price(book, market, RULES, "a", "BTC-PERP", path)
        found = liquidation_price(book, market, SEARCHED, "a", "BTC-PERP", path)
        assert found.in_breach == known.in_breach
        wide = [one for one in known.crossings if 60 < one.price < 60_000_000]
        assert [(one.ticks, one.breach_below) for one in found.crossings if 60 < one.price < 60_000_000] == [
            (one.ticks, one.breach_below) for one in wide
        ]


def test_the_boundary_between_two_ticks_is_interpolated_and_shown_at_the_nearest():
    book, market = world(1_000)
    known, found = (liquidation_price(book, market, rules, "a", "BTC-PERP") for rules in (RULES, SEARCHED))
    assert abs(found.solved - known.solved) < D("0.0001")
    assert found.displayed == known.displayed


def test_an_asset_has_a_liquidation_price_of_its_own():
    """Bitcoin as collateral of a short: its index alone moves, and at the reported step the pool is in breach."""
    book, market = world(-400, cash=100, coins=10**8)
    found = liquidation_price(book, market, RULES, "a", "BTC", Path.INSTRUMENT)
    (crossing,) = found.crossings
    assert crossing.breach_below
    for step, breached in ((0, True), (1, False)):
        key = PriceKey(PriceKind.INDEX, "BTC", "USDT")
        moved = market.with_prices({key: exact(lambda k: ASSET_TICK * (crossing.ticks + k))(step)})
        assert assess_pool(book, moved, RULES, Purpose.MAINTAIN, "a").breached(inclusive=False) is breached
    by_pair = liquidation_price(book, market, RULES, "a", "BTC-SPOT", Path.INSTRUMENT)
    assert by_pair.crossings == found.crossings


def test_a_name_that_is_neither_is_refused():
    book, market = world(1)
    with pytest.raises(BookError, match="'DOGE' is neither a contract nor an asset"):
        liquidation_price(book, market, RULES, "a", "DOGE")


class Shrinking:
    """Bitcoin counts less the more of it there is: a hundredth less for each coin."""

    def counting(self, purpose, amount, price, market):
        return Counting(Schedule.flat(max(ZERO, D("0.9") - D("0.01") * amount)), ONE)


class Amounts(Collaterals):
    def asset(self, name):
        return Shrinking() if name == "BTC" else super().asset(name)


def test_collateral_that_counts_by_amount_is_counted_and_searched():
    rules = replace(RULES, collateral=Amounts())
    book, market = world(-6_000, cash=1_000, coins=5 * 10**8)
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, "a")
    (haircut,) = [line for line in found.lines if line.kind == "haircut"]
    assert haircut.equity == -D("0.15") * 300_000  # five coins count 85 %
    price = liquidation_price(book, market, rules, "a", "BTC-PERP", Path.UNDERLYING)
    assert price.crossings
    check(book, market, rules, price)
    # With the mark alone moving, nothing that counts by amount moves: the closed form answers.
    alone = liquidation_price(book, market, rules, "a", "BTC-PERP", Path.INSTRUMENT)
    check(book, market, rules, alone)
    assert alone.crossings


def check(book, market, rules, solved):
    one = subject(book, solved.symbol, "USDT")
    moving = moved_by(one, [PERP], "USDT", solved.path)
    for crossing in solved.crossings:
        for tick, breached in ((crossing.ticks, True), (crossing.ticks + (1 if crossing.breach_below else -1), False)):
            factor = Fraction(tick) * Fraction(one.tick) / Fraction(market.price(*one.key))
            moved = exact(market_along)(book, market, moving, factor)
            assert assess_pool(book, moved, rules, Purpose.MAINTAIN, solved.pool).breached(inclusive=False) is breached


@dataclass(frozen=True)
class Two:
    """In breach below 40,000 and above 90,000: several crossings, and the nearest that leads into breach matters."""

    def assess(self, book, market, rules, purpose, holding):
        mark = market.price(PriceKind.MARK, "BTC-PERP", "USDT")
        line = Line("test", "", Leg.NET, equity=min(mark - 40_000, 90_000 - mark), required=ZERO)
        return assessed(holding.pool.id, purpose, "USDT", [line])


@pytest.mark.parametrize(("mark", "nearest"), [("50000", "40000"), ("80000", "90000"), ("30000", "40000")])
def test_of_several_crossings_the_nearest_that_turns_the_verdict_is_solved(mark, nearest):
    book, market = world(1, mark=mark)
    rules = replace(RULES, models={Method.TIERED: Two()})
    found = liquidation_prices(book, market, rules, "a")["BTC-PERP"]
    assert [one.price for one in found.crossings] == [D(40_000), D(90_000)]
    assert (found.solved, found.displayed) == (D(nearest), D(nearest))
    assert found.in_breach == (mark == "30000")
    assert found.crossings[0].ticks == 399_999
    assert found.crossings[1].ticks == 900_001


def test_a_requirement_on_entry_value_stays_in_closed_form():
    class Entry:
        def contract(self, instrument):
            facts = RULES.margin.contract(instrument)
            curves = {purpose: OnEntry(schedule) for purpose, schedule in facts.schedules.items()}
            return replace(facts, schedules=curves)

    rules = replace(RULES, margin=Entry())
    book, market = world(1_000)
    found = liquidation_price(book, market, rules, "a", "BTC-PERP")
    # 20,000 of equity less 1 % of 10,000 and 2 % of 50,000, over one coin.
    assert found.solved == 60_000 - (20_000 - 100 - 1_000)
    sized = Sized("BTC-PERP", ONE, D(60_000), market)
    assert exact(OnEntry(Schedule.flat("0.1")).at_size)(sized).piece(ONE).deduction == -6_000


@dataclass(frozen=True)
class Island:
    """In breach only between 20,000 and 30,000: two crossings below the present price, and sound again under them."""

    def assess(self, book, market, rules, purpose, holding):
        mark = market.price(PriceKind.MARK, "BTC-PERP", "USDT")
        line = Line("test", "", Leg.NET, equity=abs(mark - 25_000) - 5_000, required=ZERO)
        return assessed(holding.pool.id, purpose, "USDT", [line])


def test_both_shores_of_a_breach_below_the_price_are_found():
    book, market = world(1)
    rules = replace(RULES, models={Method.TIERED: Island()})
    found = liquidation_price(book, market, rules, "a", "BTC-PERP")
    assert [(one.price, one.breach_below) for one in found.crossings] == [(D(20_000), False), (D(30_000), True)]
    assert found.solved == 30_000


def test_collateral_by_amount_counts_the_profit_that_settles_in_it():
    coin = Perpetual("BTC-COIN", "BTC", USDT, BTC, D("0.1"), D(1), Payoff.INVERSE, D(100))
    held = Position("BTC-COIN", 1_200, coin.worth(1_200, 400_000))  # three coins bought at 40,000: one is profit now
    pool = Holding(Pool("a"), {"USDT": 0, "BTC": 4 * 10**8}, (held,))
    book = Book({"USDT": USDT, "BTC": BTC}, {"BTC-COIN": coin}, (pool,))
    prices = {
        PriceKey(PriceKind.MARK, "BTC-COIN", "USDT"): D(60_000),
        PriceKey(PriceKind.INDEX, "BTC", "USDT"): D(60_000),
    }
    found = assess_pool(book, Market(prices), replace(RULES, collateral=Amounts()), Purpose.MAINTAIN, "a")
    (haircut,) = [line for line in found.lines if line.kind == "haircut"]
    assert haircut.equity == -D("0.15") * 300_000  # five coins count 85 %, four would count 86 %
