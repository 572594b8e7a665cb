"""Prices, stops, funding, interest: verdicts aimed at the line where they flip, the screen never on the wrong side of
it.
"""

from fractions import Fraction

import numpy as np
import pytest

from solvent.book import Purpose
from solvent.engine.commands import pairs, prices
from solvent.engine.epochs import Breach
from solvent.engine.records import STOP_BELOW, Happened, House, PoolState, Reason, ThingState, Verb, command
from solvent.engine.screen import packed, stand
from solvent.engine.value import assessed, in_breach, surplus
from tests.engine.world import ALT, BTC_ID, COIN, FUTURE, MARK, PERP, SPOT, USDT_ID, World, refusal, said

MAINTAIN = Purpose.MAINTAIN.value


def set_cash(world, pool, surplus_units):
    """Aim a pool: its cash becomes what makes surplus(MAINTAIN), rounded down, ``surplus_units``; EXTERNAL follows."""
    t = world.engine.tables
    for _ in range(50):  # a debt's interest moves with it
        change = surplus_units - world.engine.surplus(pool)
        t.pools["cash"][pool] += change
        t.house[House.EXTERNAL, USDT_ID] -= change
        if change == 0:
            return
    raise AssertionError(f"pool {pool} cannot be aimed at {surplus_units}")


def aimed_world(lots=12_345, drop=777, **options):
    """Pools 2 (long) and 3 (short), and a mark at which the requirement has millionths of a unit."""
    world = World(**options).start(pools=2, cash=10**6)
    world.fill(2, 3, lots)
    world.fill(2, 3, 777, 1_001, ALT)
    world.price(MARK - drop)
    return world


@pytest.mark.parametrize("screen", [True, False])
@pytest.mark.parametrize(("units", "breached"), [(1, False), (0, False), (-1, True), (-2, True)])
def test_the_verdict_flips_between_zero_and_minus_one_unit(units, breached, screen):
    world = aimed_world(screen=screen)
    set_cash(world, 2, units)
    # -1 rounded down is -1 or a part of a unit below zero: both are breaches.
    events = world.price(MARK - 777)
    kinds = [kind for kind, _ in said(events)]
    assert ("BREACHED" in kinds) is breached
    assert world.engine.state(2) is (PoolState.LIQUIDATING if breached else PoolState.HEALTHY)
    if breached:
        event = events[kinds.index("BREACHED")]
        assert (int(event["pool"]), int(event["short"])) == (2, units)


@pytest.mark.parametrize(("millionths", "breached"), [(-1, True), (0, False), (1, False)])
def test_a_millionth_of_a_unit_decides(millionths, breached):
    world = aimed_world()
    set_cash(world, 2, 0)
    t = world.engine.tables
    piece = int(t.span[0, MAINTAIN, 2 * PERP, 0])
    # Move the deduction of the piece in force by what makes the surplus exactly the millionths wanted.
    n = 12_345 * (MARK - 777) * 100
    while piece + 1 < int(t.span[0, MAINTAIN, 2 * PERP, :].sum()) and n > int(t.floor[piece + 1]):
        piece += 1
    whole, parts = (int(x) for x in surplus(t, 2, MAINTAIN))
    moved = int(t.part[piece]) * 10**6 + int(t.rest[piece]) - (whole * 10**6 + parts) + millionths
    t.part[piece], t.rest[piece] = divmod(moved, 10**6)
    whole, parts = (int(x) for x in surplus(t, 2, MAINTAIN))
    assert whole * 10**6 + parts == millionths
    assert bool(in_breach(t, 2)) is breached
    _value, equity, required, bound = stand(t, packed(t), 2, MAINTAIN)
    assert not equity - required > bound, "so near the line nothing is proved in floats"
    assert ("BREACHED" in [kind for kind, _ in said(world.price(MARK - 777))]) is breached


def test_the_screen_proves_no_breach_healthy_and_is_inside_its_bound():
    world = World().start(pools=30, cash=0, lend=10**13)
    bits = np.random.Generator(np.random.PCG64(5))
    for pool in range(2, 32):
        world.fine(Verb.DEPOSIT, pool=pool, thing=USDT_ID, amount=int(bits.integers(10**10, 10**12)))
        world.fine(Verb.DEPOSIT, pool=pool, thing=BTC_ID, amount=int(bits.integers(1, 10**9)))
    for _ in range(120):
        taker, maker = (int(x) for x in bits.choice(30, 2, replace=False) + 2)
        thing, most, ticks = ((PERP, 900, MARK), (COIN, 50, MARK), (ALT, 9_000, 1_000))[int(bits.integers(3))]
        world.do(Verb.FILL, pool=taker, other=maker, thing=thing, lots=int(bits.integers(1, most)), ticks=ticks)
    world.fine(Verb.FUNDING, thing=PERP, amount=123_456)
    world.fine(Verb.INTEREST, thing=USDT_ID, amount=86_400)
    t, near = world.engine.tables, 0
    for mark in (MARK - 1, MARK - 99_999, MARK + 77_777):
        world.price(mark)
        q = packed(t)
        for pool in range(2, 32):
            for aim in (None, -1, 0, 1, 2):
                if aim is not None:
                    set_cash(world, pool, aim)
                whole, parts = (int(x) for x in surplus(t, pool, MAINTAIN))
                value, equity, required, bound = stand(t, q, pool, MAINTAIN)
                exact = Fraction(whole) + Fraction(parts, 10**6)
                error = abs(Fraction(equity) - Fraction(required) - exact)
                assert error <= Fraction(bound), (pool, mark, aim)
                assert abs(value - int(assessed(t, pool, MAINTAIN)[0])) <= 1 + bound
                if in_breach(t, pool):
                    assert not equity - required > bound, (pool, mark, aim)
                near += abs(exact) <= 2
    assert near >= 270, near


def test_breaches_are_taken_worst_first_by_exact_ratio_then_by_id():
    rows = [
        Breach(5, -1, 3),
        Breach(4, -2, 6),
        Breach(9, -7, 0),
        Breach(3, 10**18, 10**18 + 1),
        Breach(2, 10**18 - 1, 10**18),
    ]
    assert [one.pool for one in sorted(rows, key=Breach.badness)] == [9, 4, 5, 2, 3]


def test_a_breach_releases_the_pools_orders_and_says_so_pool_by_pool():
    world = World().start(pools=4, cash=20_000)
    for taker in (2, 4):
        world.fill(taker, taker + 1, 2_000)
        for ref in (8, 7):
            world.fine(Verb.RESERVE, pool=taker, thing=PERP, lots=1, ticks=MARK - 9, ref=ref)
    set_cash(world, 4, -5 * 10**6)
    set_cash(world, 2, -3 * 10**6)
    events = world.price(MARK)
    kinds = [(Happened(int(e["kind"])).name, int(e["pool"]), int(e["ref"])) for e in events[1:]]
    assert kinds == [
        ("BREACHED", 4, 0), ("CANCELLED", 4, 7), ("CANCELLED", 4, 8),
        ("BREACHED", 2, 0), ("CANCELLED", 2, 7), ("CANCELLED", 2, 8),
    ]  # fmt: skip
    assert int(world.engine.tables.top[10]) == 0
    assert "BREACHED" not in [k for k, _ in said(world.price(MARK))], "judged once, while healthy"


def test_prices_refuse_the_whole_command():
    world = World().start(pools=0)
    before = world.engine.tables.things["mark"].copy()
    most = int(world.engine.tables.things["max_ticks"][PERP])
    cases = {
        Reason.AMOUNT: [{PERP: 0}, {PERP: 5, ALT: most * 100}, {PERP: -3}, {PERP: most + 1}, {COIN: 1}],
        Reason.UNKNOWN_THING: [{99: 5}, {-1: 5}],
    }
    for reason, all_ticks in cases.items():
        for ticks in all_ticks:
            assert refusal(world.send(prices(1, world.next(), ticks, 0))) is reason, ticks
    record = command(Verb.PRICES, 1, world.next())
    assert refusal(world.send((record, b"123"))) is Reason.MALFORMED
    twice = pairs([(PERP, 5), (PERP, 6)])
    assert refusal(world.send((command(Verb.PRICES, 1, world.next()), twice))) is Reason.MALFORMED
    world.fine(Verb.ADVANCE_TIME, amount=50)
    assert refusal(world.send(prices(1, world.next(), {PERP: 5}, 49))) is Reason.TIME
    assert refusal(world.do(Verb.ADVANCE_TIME, amount=49)) is Reason.TIME
    np.testing.assert_array_equal(world.engine.tables.things["mark"], before)


def test_stops_trigger_at_their_tick_in_order_of_reference():
    world = World().start(pools=3, cash=100_000)
    world.fill(2, 3, 10)
    world.fine(Verb.STOP, pool=2, thing=PERP, flags=STOP_BELOW, lots=-4, ticks=MARK - 10, ref=12)
    world.fine(Verb.STOP, pool=3, thing=PERP, lots=10, ticks=MARK + 10, ref=5)
    world.fine(Verb.STOP, pool=2, thing=PERP, flags=STOP_BELOW, lots=-10, ticks=MARK - 10, ref=11)
    assert said(world.price(MARK - 9)) == [("DONE", "OK")]
    events = world.price(MARK - 10)
    rows = [[int(e[n]) for n in ("pool", "thing", "lots", "ticks", "ref")] for e in events[1:]]
    assert rows == [[2, PERP, -10, MARK - 10, 11], [2, PERP, -4, MARK - 10, 12]]
    assert {int(e["kind"]) for e in events[1:]} == {Happened.STOPPED}
    assert [int(e["ref"]) for e in world.price(MARK + 10)[1:]] == [5]
    assert said(world.price(MARK - 500)) == [("DONE", "OK")]
    world.lawful()


def test_stops_are_refused_with_a_reason_and_withdrawn_by_reference():
    world = World().start(pools=2, cash=100_000)
    world.fill(2, 3, 10)
    stop = {"pool": 2, "thing": PERP, "flags": STOP_BELOW, "lots": -4, "ticks": MARK - 10, "ref": 12}
    for change, reason in (
        ({"pool": 9}, Reason.UNKNOWN_POOL),
        ({"thing": 99}, Reason.UNKNOWN_THING),
        ({"thing": SPOT}, Reason.UNSUPPORTED),
        ({"flags": 64}, Reason.MALFORMED),
        ({"flags": STOP_BELOW | 1}, Reason.LEG),
        ({"ref": 0}, Reason.AMOUNT),
        ({"ticks": 0}, Reason.AMOUNT),
        ({"thing": ALT}, Reason.NOT_HELD),
        ({"lots": 4}, Reason.NOT_REDUCING),
        ({"lots": -11}, Reason.NOT_REDUCING),
        ({"lots": 0}, Reason.UNKNOWN_ORDER),
    ):
        assert refusal(world.do(Verb.STOP, **(stop | change))) is reason, change
    world.fine(Verb.STOP, **stop)
    assert refusal(world.do(Verb.STOP, **stop)) is Reason.REFERENCE_TAKEN
    world.fine(Verb.STOP, **(stop | {"lots": 0}))
    assert said(world.price(MARK - 100)) == [("DONE", "OK")]


def test_funding_moves_the_index_and_is_zero_sum_when_touched():
    world = World().start(pools=2, cash=100_000, lend=10**13)
    for pool in (2, 3):
        world.fine(Verb.DEPOSIT, pool=pool, thing=BTC_ID, amount=10**8)
    world.fill(2, 3, 1_000)
    world.fill(2, 3, 10, thing=COIN)
    events = world.fine(Verb.FUNDING, thing=PERP, amount=100_000)
    assert (said(events)[1][0], int(events[1]["amount"])) == ("ACCRUED", 6_000)  # 60,000,000 units × 0.0001
    # A lot of the inverse is worth 100 / 60,000 BTC = 166,666.67 units; × 0.0001 = 16.67, rounded down.
    assert int(world.fine(Verb.FUNDING, thing=COIN, amount=100_000)[1]["amount"]) == 16
    assert int(world.fine(Verb.FUNDING, thing=COIN, amount=-100_000)[1]["amount"]) == -17
    before = world.engine.value(2)
    world.lawful()
    world.fill(2, 3, -1_000)
    t = world.engine.tables
    assert int(t.things["funding_paid"][PERP]) == 0, "the long paid what the short received"
    assert before - world.engine.value(2) == 60_000_000 * 1_000 * 510 // 10**6, "touching changes nothing but the fee"
    world.lawful()


def test_funding_is_refused_where_there_is_none():
    world = World().start(pools=0)
    assert refusal(world.do(Verb.FUNDING, thing=99, amount=1)) is Reason.UNKNOWN_THING
    for thing in (USDT_ID, FUTURE, SPOT):
        assert refusal(world.do(Verb.FUNDING, thing=thing, amount=1)) is Reason.UNSUPPORTED
    assert refusal(world.do(Verb.FUNDING, thing=PERP, amount=10**9 + 1)) is Reason.AMOUNT
    world.engine.tables.things["mark"][PERP] = 0
    assert refusal(world.do(Verb.FUNDING, thing=PERP, amount=1)) is Reason.PRICE_STATE


def test_interest_follows_utilisation_rounded_up():
    world = World().start(pools=1, cash=1_000, lend=10**10)
    t = world.engine.tables
    t.things["borrowed"][USDT_ID] = 10**9  # 10 %: 1 % + 10 % × 0.1 = 2 % a year
    events = world.do(Verb.INTEREST, thing=USDT_ID, amount=365 * 86_400)
    assert int(events[1]["amount"]) == 20_000_000_000
    assert int(world.do(Verb.INTEREST, thing=USDT_ID, amount=1)[1]["amount"]) == -(-20_000_000_000 // 31_536_000)
    t.things["borrowed"][USDT_ID] = 9 * 10**9  # 90 %: 1 % + 10 % × 0.8 + 300 % × 0.1 = 39 %
    assert int(world.do(Verb.INTEREST, thing=USDT_ID, amount=365 * 86_400)[1]["amount"]) == 390_000_000_000
    assert refusal(world.do(Verb.INTEREST, thing=PERP, amount=1)) is Reason.UNKNOWN_THING
    assert refusal(world.do(Verb.INTEREST, thing=USDT_ID, amount=0)) is Reason.AMOUNT
    assert refusal(world.do(Verb.INTEREST, thing=USDT_ID, amount=10**9)) is Reason.AMOUNT, "past 100 %: 64 bits end"


def test_interest_is_owed_by_a_debtor_and_judged():
    world = World().start(pools=2, cash=5_000, lend=10**12)
    world.fine(Verb.DEPOSIT, pool=2, thing=BTC_ID, amount=10**8)
    world.fill(2, 3, 200)
    world.price(MARK - 90_000)
    world.price(MARK - 40_000)
    world.fill(2, 3, -200, MARK - 40_000)
    world.fine(Verb.WITHDRAW, pool=2, thing=USDT_ID, amount=int(world.engine.tables.pools["cash"][2]))
    world.fill(2, 3, 10, MARK - 40_000)
    debt = -int(world.engine.tables.pools["cash"][2])
    assert debt > 0
    before = world.engine.value(2)
    world.fine(Verb.INTEREST, thing=USDT_ID, amount=10**8)
    owed = before - world.engine.value(2)
    assert owed == -(-debt * int(world.engine.tables.things["carry"][USDT_ID]) // 10**12) > 0
    world.lawful()
    world.fine(Verb.DEPOSIT, pool=2, thing=USDT_ID, amount=10**9)
    assert world.engine.value(2) == before - owed + 10**9
    assert int(world.engine.tables.house[House.LENDING, USDT_ID]) == 10**12 + owed
    world.lawful()


def test_revalue_gives_every_pool_with_two_threads_as_with_one():
    worlds = [aimed_world(threads=threads) for threads in (1, 2)]
    for world in worlds:
        set_cash(world, 3, -1)
    one, two = (world.engine.revalue() for world in worlds)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.flag.tolist()[2:] == [0, 1]
    assert one.value[2] == pytest.approx(worlds[0].engine.value(2), abs=1)
    assert one.margin_equity[2] - one.required[2] == pytest.approx(worlds[0].engine.surplus(2), abs=1)


def test_a_halted_instrument_still_has_a_price():
    world = World().start(pools=0)
    world.fine(Verb.STATE, thing=PERP, flags=ThingState.HALTED)
    world.price(MARK - 1)
    assert int(world.engine.tables.things["mark"][PERP]) == MARK - 1


def test_a_flat_debtor_worth_less_than_nothing_is_bankrupt_at_once():
    world = World().start(pools=2, cash=0, lend=10**12)
    t = world.engine.tables
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**12)
    world.fine(Verb.DEPOSIT, pool=2, thing=BTC_ID, amount=10**8)
    world.fill(2, 3, 100)
    world.price(MARK - 300_000)
    world.fill(2, 3, -100, MARK - 300_000)
    assert (int(t.pools["cash"][2]) < 0, world.engine.value(2) > 0) == (True, True)
    kinds = [kind for kind, _ in said(world.price(20_000))]
    assert kinds == ["DONE", "BREACHED", "BANKRUPT"]
    assert world.engine.value(2) < 0
    world.lawful()
