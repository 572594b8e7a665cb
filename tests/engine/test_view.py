"""Ring 1's view of a pool has the numbers of the tables, and ring 1 finds the same surplus in it."""

import math

import pytest

from solvent.book import Leg, LegMode, Mode, PriceKey, PriceKind, Purpose
from solvent.engine.records import Setting, Verb
from solvent.margin.assess import assess
from solvent.rules import RulesError
from solvent.units import shifted
from tests.engine.world import ALT, BTC_ID, COIN, MARK, PERP, D, World


def mixed():
    """Pool 2: long BTC-PERP, short BTC-COIN, BTC collateral, an order, funding due; pool 3 the other side."""
    world = World().start(pools=2, cash=50_000, lend=10**12)
    for pool in (2, 3):
        world.fine(Verb.DEPOSIT, pool=pool, thing=BTC_ID, amount=30_000_000)
    world.fine(Verb.SET, pool=2, thing=PERP, flags=Setting.LEVERAGE, amount=20)
    world.fill(2, 3, 500)
    world.fill(2, 3, -3, thing=COIN)
    world.fill(2, 3, 700, 1_010, ALT)
    world.fine(Verb.RESERVE, pool=2, thing=PERP, lots=-7, ticks=MARK + 50, ref=9)
    world.fine(Verb.FUNDING, thing=PERP, amount=100_000)
    world.price(MARK - 12_345)
    return world


def test_the_books_numbers_are_the_tables():
    world = mixed()
    book, market, rules = world.engine.book(2)
    t = world.engine.tables
    (holding,) = book.holdings
    assert rules.name == "generic"
    assert (holding.pool.id, holding.pool.numeraire, holding.pool.mode) == ("P2", "USDT", Mode.CROSS)
    assert holding.cash["USDT"] == int(t.pools[2]["cash"])
    assert holding.cash["BTC"] > 0
    position = holding.position("BTC-PERP")
    assert (position.lots, position.leverage, position.cost) == (500, 20, 500 * MARK * 100)
    assert {p.symbol: p.lots for p in holding.positions} == {"BTC-PERP": 500, "BTC-COIN": -3, "ALT-PERP": 700}
    assert [(o.id, o.lots, o.ticks) for o in holding.orders] == [("9", -7, MARK + 50)]
    assert market.price(PriceKind.MARK, "BTC-PERP", "USDT") == D("58765.5")
    assert market.prices[PriceKey(PriceKind.INDEX, "BTC", "USDT")] == D("58765.5")
    assert market.funding["BTC-PERP"] == int(t.things[PERP]["carry"]) == 6_000
    assert (market.epoch, set(book.instruments)) == (
        int(t.top[7]),
        {"BTC-PERP", "BTC-COIN", "BTC-MAR", "BTC-SPOT", "ALT-PERP"},
    )


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("pool", [2, 3])
def test_ring_1_finds_the_same_surplus_to_the_unit(purpose, pool):
    world = mixed()
    book, market, rules = world.engine.book(pool)
    found = assess(book, market, rules, purpose)[f"P{pool}"]
    assert math.floor(shifted(found.surplus, 6)) == world.engine.surplus(pool, purpose)
    assert shifted(found.value, 6) == world.engine.value(pool)


def test_hedge_legs_scope_and_parent_are_seen():
    world = World().start(pools=1)
    child = world.open(rules=1, mode=Mode.ISOLATED, legs=LegMode.HEDGE, parent=2, scope=PERP)
    maker = world.open()
    for pool in (child, maker):
        world.fine(Verb.DEPOSIT, pool=pool, thing=0, amount=10**10)
    world.fill(child, maker, 5, flags=1)
    world.fill(child, maker, -4, flags=2)
    book, _, _ = world.engine.book(child)
    (holding,) = book.holdings
    assert (holding.pool.parent, holding.pool.scope, holding.pool.legs) == (
        "P2",
        frozenset({"BTC-PERP"}),
        LegMode.HEDGE,
    )
    assert {(p.leg, p.lots) for p in holding.positions} == {(Leg.LONG, 5), (Leg.SHORT, -4)}


def test_a_pool_without_rules_is_named():
    with pytest.raises(RulesError, match="pool 1: rules row 0 is not defined"):
        World().engine.book(1)
