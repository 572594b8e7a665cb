"""Opening pools, states of instruments, leverage, leg modes and rules rows: what is lawful, and what is refused."""

import dataclasses

import pytest

from solvent.book import Mode, Purpose
from solvent.engine.commands import list_asset, list_instrument, open_pool, schedule_rules
from solvent.engine.engine import Engine
from solvent.engine.records import CCP_POOL, PoolState, Reason, Setting, ThingState, Verb
from solvent.engine.slots import find
from solvent.engine.value import surplus
from solvent.units import Asset
from solvent.venues import venue
from tests.engine.world import (
    ALT,
    BTC_ID,
    COIN,
    FIRST,
    LIMITS,
    MARK,
    PERP,
    PERPETUAL,
    SPOT,
    USDT,
    USDT_ID,
    VENUES,
    D,
    World,
    refusal,
    said,
)  # fmt: skip


def opened(world, **fields):
    sent = {"pool": world.engine.pool_count, "rules": 0} | fields
    return world.send(open_pool(1, world.next(), **sent))


def test_pools_open_in_turn_and_say_why_not():
    world = World().start(pools=1)
    for fields, reason in (
        ({"pool": 4}, Reason.UNKNOWN_POOL),
        ({"pool": 2}, Reason.UNKNOWN_POOL),
        ({"rules": 2}, Reason.UNKNOWN_RULES),
        ({"rules": -1}, Reason.UNKNOWN_RULES),
        ({"mode": Mode.ISOLATED}, Reason.SWITCH),
        ({"rules": 1}, Reason.SWITCH),
        ({"mode": Mode.PORTFOLIO}, Reason.SWITCH),
        ({"scope": 99}, Reason.UNKNOWN_THING),
        ({"scope": BTC_ID}, Reason.UNKNOWN_THING),
        ({"owner": -1}, Reason.AMOUNT),
        ({"account": 1 << 31}, Reason.AMOUNT),
        ({"parent": 9}, Reason.UNKNOWN_POOL),
        ({"parent": 1}, Reason.UNKNOWN_POOL),
        ({"parent": 2, "owner": 5}, Reason.SCOPE),
    ):
        assert refusal(opened(world, **fields)) is reason, fields
    assert world.engine.pool_count == 3
    assert said(opened(world, rules=1, mode=Mode.ISOLATED, parent=2, scope=PERP)) == [("DONE", "OK")]
    assert refusal(opened(world, parent=3)) is Reason.SCOPE, "a child has no children"
    row = world.engine.tables.pools[3]
    assert [int(row[n]) for n in ("parent", "scope", "rules", "mode", "state", "cash")] == [2, PERP, 1, 1, 0, 0]


def test_a_child_holds_only_what_is_in_its_scope():
    world = World().start(pools=2)
    child = world.open(rules=1, mode=Mode.ISOLATED, parent=2, scope=PERP)
    world.fine(Verb.TRANSFER, pool=2, other=child, thing=USDT_ID, amount=10**9)
    assert refusal(world.do(Verb.FILL, pool=child, other=3, thing=ALT, lots=1, ticks=1_000)) is Reason.SCOPE
    assert refusal(world.do(Verb.SET, pool=child, thing=ALT, flags=Setting.LEVERAGE, amount=5)) is Reason.SCOPE
    world.fill(child, 3, 1)
    world.lawful()


def test_the_house_stands_from_the_start():
    engine = Engine(LIMITS)
    assert engine.pool_count == 2
    assert (engine.state(0), engine.state(1)) == (PoolState.HOUSE, PoolState.HEALTHY)


def test_states_of_an_instrument_move_lawfully():
    world = World().start(pools=2)
    for flags, reason in ((9, Reason.MALFORMED), (ThingState.CLOSED, Reason.STATE), (ThingState.LISTED, Reason.STATE)):
        assert refusal(world.do(Verb.STATE, thing=PERP, flags=flags)) is reason
    assert refusal(world.do(Verb.STATE, thing=99)) is Reason.UNKNOWN_THING
    assert refusal(world.do(Verb.STATE, thing=BTC_ID, flags=1)) is Reason.UNSUPPORTED
    world.fill(2, 3, 10)
    world.fine(Verb.STATE, thing=PERP, flags=ThingState.REDUCE_ONLY)
    assert refusal(world.do(Verb.FILL, pool=2, other=3, thing=PERP, lots=1, ticks=MARK)) is Reason.STATE
    world.fill(2, 3, -1)
    world.fine(Verb.STATE, thing=PERP, flags=ThingState.HALTED)
    assert refusal(world.do(Verb.FILL, pool=2, other=3, thing=PERP, lots=-1, ticks=MARK)) is Reason.STATE
    world.fine(Verb.STATE, thing=PERP, flags=ThingState.LISTED)
    world.fill(2, 3, 1)


def set_to(world, flags, amount, pool=2, thing=PERP):
    return world.do(Verb.SET, pool=pool, thing=thing, flags=flags, amount=amount)


def test_leverage_may_be_chosen_before_the_first_order_and_decides_admission():
    world = World().start(pools=2, cash=1_000)
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**11)
    trade = {
        "pool": 2,
        "other": 3,
        "thing": PERP,
        "lots": 300,
        "ticks": MARK,
    }  # 18,000 on 1,000: default leverage is 10
    assert refusal(world.do(Verb.FILL, **trade)) is Reason.TAKER_SHORT
    assert said(set_to(world, Setting.LEVERAGE, 20)) == [("DONE", "OK")]
    world.fine(Verb.FILL, **trade)
    world.lawful()


def test_leverage_is_refused_past_caps_and_brackets_or_when_short():
    world = World().start(pools=2, cash=1_000)
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**13)
    for amount in (-1, 51):  # the class's cap is 50
        assert refusal(set_to(world, Setting.LEVERAGE, amount)) is Reason.LEVERAGE
    assert refusal(set_to(world, Setting.LEVERAGE, 5, thing=99)) is Reason.UNKNOWN_THING
    assert refusal(set_to(world, Setting.LEVERAGE, 5, thing=USDT_ID)) is Reason.UNKNOWN_THING
    assert refusal(set_to(world, Setting.LEVERAGE, 5, pool=99)) is Reason.UNKNOWN_POOL
    assert refusal(set_to(world, 9, 5)) is Reason.MALFORMED
    assert refusal(set_to(world, Setting.MANDATE, 5)) is Reason.UNSUPPORTED
    world.fill(2, 3, 100)  # 6,000 on about 997
    before = world.engine.tables.leverage.copy()
    events = set_to(world, Setting.LEVERAGE, 6)
    assert (refusal(events), int(events["short"][0])) == (Reason.TAKER_SHORT, -3_060_000), "the fee and the levy"
    assert (world.engine.tables.leverage == before).all()
    # 5,000,000 of notional is the most that 50 allows: 83,333 lots are 4,999,980.
    world.fill(3, 0, 83_434)
    assert refusal(set_to(world, Setting.LEVERAGE, 50, pool=3)) is Reason.LEVERAGE
    world.fill(3, 0, -1)
    assert int(world.engine.tables.lots.max()) == 83_333
    assert said(set_to(world, Setting.LEVERAGE, 50, pool=3)) == [("DONE", "OK")]


def test_a_choice_taken_back_frees_its_entry():
    world = World().start(pools=1)
    before = world.engine.state_hash
    set_to(world, Setting.LEVERAGE, 20, thing=COIN)
    assert int(world.engine.tables.pools["used"][2]) > 0
    set_to(world, Setting.LEVERAGE, 0, thing=COIN)
    assert int(world.engine.tables.pools["used"][2]) == 0
    assert before() == world.engine.state_hash()


def test_leg_modes_change_only_while_nothing_is_held():
    world = World().start(pools=2)
    set_to(world, Setting.LEVERAGE, 20)
    assert refusal(set_to(world, Setting.LEGS, 2)) is Reason.MALFORMED
    assert said(set_to(world, Setting.LEGS, 1)) == [("DONE", "OK")]
    set_to(world, Setting.LEVERAGE, 7)
    world.fill(2, 3, 5, flags=1)
    assert refusal(world.do(Verb.FILL, pool=2, other=3, thing=PERP, lots=1, ticks=MARK)) is Reason.LEG
    assert refusal(set_to(world, Setting.LEGS, 0)) is Reason.SWITCH
    (holding,) = world.engine.book(2)[0].holdings
    assert {p.leg.name: (p.lots, p.leverage) for p in holding.positions} == {"LONG": (5, 7), "SHORT": (0, 7)}
    world.fill(2, 3, -5, flags=1)
    world.fine(Verb.RESERVE, pool=2, thing=PERP, flags=2, lots=-1, ticks=MARK, ref=1)
    assert refusal(set_to(world, Setting.LEGS, 0)) is Reason.SWITCH, "an order rests"
    world.fine(Verb.RELEASE, pool=2, thing=PERP, ref=1)
    assert said(set_to(world, Setting.LEGS, 0)) == [("DONE", "OK")]


def classes():
    world = World().start(pools=2, cash=1_000)
    world.send(schedule_rules(1, world.next(), row=2, rules="generic", account_class="retail"))
    world.send(schedule_rules(1, world.next(), row=3, rules="generic", account_class="professional"))
    return world


def test_the_account_class_may_change_while_what_is_held_fits_it():
    world = classes()
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**11)
    set_to(world, Setting.LEVERAGE, 40)
    world.fill(2, 3, 100)
    assert refusal(set_to(world, Setting.RULES, 9)) is Reason.UNKNOWN_RULES
    assert refusal(set_to(world, Setting.RULES, 2)) is Reason.LEVERAGE, "retail may have 20 at most"
    assert int(world.engine.tables.pools["rules"][2]) == 0
    assert said(set_to(world, Setting.RULES, 3)) == [("DONE", "OK")]
    assert said(set_to(world, Setting.LEVERAGE, 15)) == [("DONE", "OK")]
    assert said(set_to(world, Setting.RULES, 2)) == [("DONE", "OK")]


def test_the_margin_mode_changes_only_while_nothing_is_held():
    world = World().start(pools=2)
    world.fill(2, 3, 1)
    assert refusal(set_to(world, Setting.RULES, 1)) is Reason.SWITCH
    world.fill(2, 3, -1)
    assert said(set_to(world, Setting.RULES, 1)) == [("DONE", "OK")]
    assert (world.engine.book(2)[0].holdings[0].pool.mode, world.engine.surplus(2, Purpose.ADMIT) > 0) == (
        Mode.ISOLATED,
        True,
    )


def test_another_rule_set_is_no_mode_of_this_one():
    other = dataclasses.replace(venue("generic"), name="other")
    world = World()
    world.engine = Engine(LIMITS, venues=VENUES | {"other": other})
    world.start(pools=1)
    assert said(world.send(schedule_rules(1, world.next(), row=2, rules="other"))) == [("DONE", "OK")]
    assert refusal(set_to(world, Setting.RULES, 2)) is Reason.SWITCH


def test_settings_wait_until_a_liquidation_is_over():
    world = World().start(pools=2, cash=7_000)
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**12)
    world.fill(2, 3, 1_000)
    world.price(MARK - 68_000)
    assert refusal(set_to(world, Setting.LEVERAGE, 5)) is Reason.POOL_STATE


def test_a_rules_row_that_cannot_be_compiled_leaves_nothing():
    odd = dataclasses.replace(
        VENUES["generic"], prices=dataclasses.replace(venue("generic").prices, positions=dict.fromkeys(Purpose, ()))
    )
    world = World()
    world.engine = Engine(LIMITS, venues=VENUES | {"odd": odd})
    world.start(pools=0)
    t = world.engine.tables
    before = [t.rules.copy(), t.span.copy(), t.top[5], t.debt_ppm.copy(), t.default_leverage.copy()]
    for sent, words in (
        (schedule_rules(1, world.next(), row=2, rules="odd"), "must be the mark alone"),
        (schedule_rules(1, world.next(), row=2, rules="generic", account_class="nobody"), "no leverage cap"),
        (schedule_rules(1, world.next(), row=5, rules="generic"), "next rules row 2, not 5"),
    ):
        events = world.send(sent)
        assert refusal(events) is Reason.MALFORMED
        assert words in world.engine.errors[int(events["seq"][0])]
    for old, new in zip(before, [t.rules, t.span, t.top[5], t.debt_ppm, t.default_leverage], strict=True):
        assert (old == new).all()


def test_rules_need_a_numeraire_and_are_taught_what_is_listed_later():
    world = World()
    assert refusal(world.send(schedule_rules(1, world.next(), row=0, rules="generic"))) is Reason.UNKNOWN_THING
    world.start(pools=2, cash=100_000)
    late = dataclasses.replace(PERPETUAL, symbol="ETH-PERP", underlying="ETH")
    world.send(list_asset(1, world.next(), Asset("ETH", 8), max_units=10**12, quote="USDT", tick=D("0.1")))
    assert said(world.send(list_instrument(1, world.next(), late, max_lots=10**6, max_ticks=10**7))) == [("DONE", "OK")]
    assert refusal(world.do(Verb.FILL, pool=2, other=3, thing=8, lots=1, ticks=40_000)) is Reason.PRICE_STATE
    from solvent.engine.commands import prices

    world.send(prices(1, world.next(), {7: 40_000, 8: 40_000}, 0))
    world.fill(2, 3, 1, 40_000, 8)
    world.fine(Verb.DEPOSIT, pool=2, thing=7, amount=10**8)
    assert world.engine.surplus(2) > 10**11 + 3 * 10**9


@pytest.mark.parametrize("thing", [SPOT, COIN])
def test_leverage_means_nothing_for_a_spot(thing):
    world = World().start(pools=1)
    events = set_to(world, Setting.LEVERAGE, 5, thing=thing)
    assert said(events) == ([("REFUSED", "LEVERAGE")] if thing == SPOT else [("DONE", "OK")])
    assert USDT.name == "USDT"


@pytest.mark.parametrize("left", [0, -1])
def test_a_leverage_cap_is_chosen_exactly_to_the_line(left):
    """At leverage 5 surplus(ADMIT) is made 0 or −1 unit by a deposit before the choice: at zero it is allowed."""
    world = World().start(pools=1, cash=10_000)
    pool = FIRST
    world.fill(pool, CCP_POOL, 1_500)  # 90,000 USDT: 9,000 at the default leverage of 10, 18,000 at 5
    t = world.engine.tables
    slot = int(find(t, pool, PERP * 4))
    t.leverage[slot] = 5
    missing = -int(surplus(t, pool, Purpose.ADMIT.value)[0])
    t.leverage[slot] = 0
    assert missing > 1
    world.fine(Verb.DEPOSIT, pool=pool, thing=USDT_ID, amount=missing + left)
    events = set_to(world, Setting.LEVERAGE, 5, pool=pool)
    if left:
        assert refusal(events) is Reason.TAKER_SHORT
        assert int(events[0]["short"]) == -1
    else:
        assert said(events) == [("DONE", "OK")]
