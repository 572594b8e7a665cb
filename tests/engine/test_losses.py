"""The way down: liquidation steps, penalties, recovery, bankruptcy, ADL, the fund, socialised loss, settlement."""

import pytest

from solvent.book import LegMode, Purpose
from solvent.engine.commands import socialise
from solvent.engine.records import CCP_POOL, FUND_POOL, Happened, House, PoolState, Reason, ThingState, Verb, command
from tests.engine.world import ALT, BTC_ID, COIN, FUTURE, MARK, PERP, USDT_ID, World, refusal, said

LOT = 60_000_000  # a lot of BTC-PERP at 60,000: 60 USDT
NOBODY = 10_000


def failing(drop=68_000, lots=1_000, cash=7_000, fund=0, lend=0, **options):
    """Pool 2 is long 60,000 USDT on 7,000; pool 3 short; pool 4 rich and flat. The mark falls: pool 2 liquidates."""
    world = World(**options).start(pools=0, fund=fund, lend=lend)
    for money in (cash, 10**6, 10**6):
        world.open()
        world.fine(Verb.DEPOSIT, pool=world.engine.pool_count - 1, thing=USDT_ID, amount=money * 10**6)
    world.fill(2, 3, lots)
    world.fill(2, 4, 1, 1_000, ALT)
    world.price(MARK - drop)
    return world


def step(world, lots, ticks, other=4, verb=Verb.LIQUIDATE, **fields):
    return world.do(verb, pool=2, other=other, thing=PERP, lots=lots, ticks=ticks, **fields)


def cash(world, pool):
    return int(world.engine.tables.pools["cash"][pool])


def test_a_partial_liquidation_pays_the_penalty_and_ends_at_recover():
    world = failing()
    assert world.engine.state(2) is PoolState.LIQUIDATING
    fund = cash(world, FUND_POOL)
    first = step(world, -100, MARK - 68_000)
    assert said(first) == [("DONE", "OK")]
    penalty = 100 * (MARK - 68_000) * 100 * 5_000 // 10**6  # 0.5 % of what was closed
    assert int(first[0]["fee"]) == penalty == cash(world, FUND_POOL) - fund
    world.lawful()
    assert said(step(world, -100, MARK - 68_000)) == [("DONE", "OK")], "not yet at RECOVER"
    events = step(world, -500, MARK - 62_000)
    assert said(events)[1:] == [("RECOVERED", "OK")]
    assert (int(events[1]["pool"]), world.engine.state(2)) == (2, PoolState.HEALTHY)
    assert int(events[1]["short"]) >= 0
    assert refusal(step(world, -10, MARK - 68_000)) is Reason.POOL_STATE
    world.lawful()


def test_the_penalty_never_makes_the_value_negative():
    world = failing()
    left = world.engine.value(2)
    assert left > 0
    # A price at which the step costs all but 3 units' worth of the value: the penalty takes what is there, no more.
    ticks = MARK - 68_000
    world.engine.tables.pools["cash"][2] -= left - 3
    world.engine.tables.house[House.EXTERNAL, USDT_ID] += left - 3
    events = step(world, -999, ticks)
    assert (int(events[0]["fee"]), world.engine.value(2)) == (3, 0)
    world.lawful()


def test_bankruptcy_then_fund_then_socialise_raise_to_exactly_zero():
    world = failing(90_000, fund=500)
    assert said(step(world, -1_000, MARK - 90_000)) == [("DONE", "OK")]
    events = world.do(Verb.LIQUIDATE, pool=2, other=4, thing=ALT, lots=-1, ticks=1_000)
    assert said(events)[1:] == [("BANKRUPT", "OK")]
    missing = -world.engine.value(2)
    assert (int(events[1]["short"]), missing > 0, world.engine.state(2)) == (-missing, True, PoolState.BANKRUPT)
    fund = cash(world, FUND_POOL)
    assert refusal(world.do(Verb.FUND, pool=2, amount=missing + 1)) is Reason.AMOUNT
    assert refusal(world.do(Verb.FUND, pool=2, amount=fund + 1)) is Reason.FUNDS
    assert said(world.do(Verb.FUND, pool=2, amount=fund)) == [("DONE", "OK")]
    assert cash(world, FUND_POOL) == 0
    left = missing - fund
    for payers, reason in (
        ({3: left - 1}, Reason.AMOUNT),
        ({3: left, 4: 1}, Reason.AMOUNT),
        ({3: left + 1, 4: -1}, Reason.AMOUNT),
        ({2: left}, Reason.SAME_POOL),
        ({99: left}, Reason.UNKNOWN_POOL),
        ({FUND_POOL: left}, Reason.FUNDS),
    ):
        assert refusal(world.send(socialise(1, world.next(), 2, payers))) is reason, payers
    before = cash(world, 3), cash(world, 4)
    events = world.send(socialise(1, world.next(), 2, {3: left - 7, 4: 7}))
    assert said(events) == [("DONE", "OK"), ("RECOVERED", "OK")]
    assert (cash(world, 3), cash(world, 4)) == (before[0] - left + 7, before[1] - 7)
    assert (world.engine.value(2), world.engine.state(2)) == (0, PoolState.HEALTHY)
    world.lawful()


def test_a_payer_is_never_pushed_below_zero():
    world = failing(90_000)
    step(world, -1_000, MARK - 90_000)
    world.do(Verb.LIQUIDATE, pool=2, other=4, thing=ALT, lots=-1, ticks=1_000)
    missing = -world.engine.value(2)
    poor = world.open()
    world.fine(Verb.DEPOSIT, pool=poor, thing=USDT_ID, amount=99)
    events = world.send(socialise(1, world.next(), 2, {poor: 100, 3: missing - 100}))
    assert refusal(events) is Reason.MAKER_SHORT
    assert int(events[0]["short"]) == -1
    assert said(world.send(socialise(1, world.next(), 2, {poor: 99, 3: missing - 99})))[0] == ("DONE", "OK")
    world.lawful()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pool": 3, "other": 4}, Reason.POOL_STATE),
        ({"pool": NOBODY}, Reason.UNKNOWN_POOL),
        ({"other": NOBODY}, Reason.UNKNOWN_POOL),
        ({"other": 2}, Reason.SAME_POOL),
        ({"thing": 99}, Reason.UNKNOWN_THING),
        ({"thing": BTC_ID}, Reason.UNKNOWN_THING),
        ({"thing": 5}, Reason.UNSUPPORTED),
        ({"thing": COIN}, Reason.NOT_HELD),
        ({"lots": 0}, Reason.AMOUNT),
        ({"lots": 10}, Reason.NOT_REDUCING),
        ({"lots": -1_001}, Reason.NOT_REDUCING),
        ({"ticks": 0}, Reason.AMOUNT),
        ({"ticks": 10**8}, Reason.AMOUNT),
        ({"flags": 1}, Reason.LEG),
        ({"flags": 99}, Reason.MALFORMED),
    ],
)
def test_a_step_is_refused_with_a_reason_and_changes_nothing(fields, reason):
    world = failing()
    sent = {"pool": 2, "other": 4, "thing": PERP, "lots": -10, "ticks": MARK - 68_000} | fields
    t = world.engine.tables
    before = [t.pools[["cash", "reach", "state"]].copy(), t.lots.copy(), t.key.copy(), t.house.copy()]
    for verb in (Verb.LIQUIDATE, Verb.ADL):
        assert refusal(world.do(verb, **sent)) is reason
    for old, new in zip(before, [t.pools[["cash", "reach", "state"]], t.lots, t.key, t.house], strict=True):
        assert (old == new).all()


def test_a_halted_instrument_and_a_short_buyer_refuse_a_step():
    world = failing()
    poor = world.open()
    world.fine(Verb.DEPOSIT, pool=poor, thing=USDT_ID, amount=LOT // 20)
    events = step(world, -10, MARK - 68_000, other=poor)
    assert refusal(events) is Reason.MAKER_SHORT
    assert int(events[0]["short"]) < 0
    world.fine(Verb.STATE, thing=PERP, flags=ThingState.HALTED)
    assert refusal(step(world, -10, MARK - 68_000)) is Reason.STATE


def test_adl_takes_from_a_winner_who_reduces_without_fee_or_penalty():
    world = failing()
    fees, fund = world.engine.tables.house[House.FEES, USDT_ID], cash(world, FUND_POOL)
    assert refusal(step(world, -10, MARK - 55_000, other=4, verb=Verb.ADL)) is Reason.NOT_HELD
    events = step(world, -400, MARK - 55_000, other=3, verb=Verb.ADL)
    assert said(events)[0] == ("DONE", "OK")
    assert int(events[0]["fee"]) == int(events[0]["other_fee"]) == 0
    assert (world.engine.tables.house[House.FEES, USDT_ID], cash(world, FUND_POOL)) == (fees, fund)
    world.lawful()


def test_adl_takes_no_loser():
    world = World().start(pools=0, lend=10**13)
    for money in (7_000, 10**6, 10**6):
        world.open()
        world.fine(Verb.DEPOSIT, pool=world.engine.pool_count - 1, thing=USDT_ID, amount=money * 10**6)
    world.fill(2, 4, 1_000)
    world.price(MARK - 80_000)
    world.fill(3, 4, -1, MARK - 90_000)
    assert refusal(step(world, -1, MARK - 80_000, other=3, verb=Verb.ADL)) is Reason.NOT_HELD
    assert refusal(step(world, -1_001, MARK - 80_000, other=4, verb=Verb.ADL)) is Reason.NOT_REDUCING
    assert said(step(world, -1, MARK - 80_000, other=4, verb=Verb.ADL))[0] == ("DONE", "OK")


def test_a_liquidation_against_the_mirror_needs_no_margin_there():
    world = failing()
    assert said(step(world, -10, MARK - 68_000, other=CCP_POOL))[0] == ("DONE", "OK")
    world.lawful()


def test_what_a_pool_could_withdraw_it_may_give_to_the_fund():
    world = failing(0)
    after = world.engine.tables
    most = min(cash(world, 4), world.engine.surplus(4, Purpose.WITHDRAW))
    assert refusal(world.do(Verb.FUND, pool=4, amount=most + 1, flags=1)) is Reason.TAKER_SHORT
    before = cash(world, FUND_POOL)
    world.fine(Verb.FUND, pool=4, amount=most, flags=1)
    assert int(after.pools["cash"][FUND_POOL]) == before + most
    assert refusal(world.do(Verb.FUND, pool=4, amount=0, flags=1)) is Reason.AMOUNT
    assert refusal(world.do(Verb.FUND, pool=4, amount=1)) is Reason.POOL_STATE
    assert refusal(world.do(Verb.FUND, pool=4, amount=1, flags=2)) is Reason.MALFORMED
    world.lawful()


def test_a_future_settles_after_expiry_at_one_price():
    world = World().start(pools=3, cash=100_000)
    world.fill(2, 3, 100, thing=FUTURE)
    world.fill(4, 3, 7, thing=FUTURE)
    world.fine(Verb.RESERVE, pool=2, thing=FUTURE, lots=1, ticks=MARK - 5, ref=3)
    world.fine(Verb.STOP, pool=2, thing=FUTURE, lots=-1, ticks=MARK + 5_000, ref=4)
    sent = {"thing": FUTURE, "ticks": MARK + 100}
    assert refusal(world.do(Verb.SETTLE, **sent)) is Reason.TIME
    world.fine(Verb.ADVANCE_TIME, amount=1_000)
    assert refusal(world.do(Verb.SETTLE, thing=PERP, ticks=5)) is Reason.UNSUPPORTED
    assert refusal(world.do(Verb.SETTLE, thing=FUTURE, ticks=0)) is Reason.AMOUNT
    before = [cash(world, pool) for pool in (2, 3, 4)]
    events = world.do(Verb.SETTLE, **sent)
    rows = [(Happened(int(e["kind"])).name, int(e["pool"]), int(e["lots"]), int(e["ref"])) for e in events[1:]]
    assert rows == [("SETTLED", 2, 100, 0), ("SETTLED", 3, -107, 0), ("SETTLED", 4, 7, 0), ("CANCELLED", 2, 1, 3)]
    gained = [cash(world, pool) - old for pool, old in zip((2, 3, 4), before, strict=True)]
    assert gained == [100 * 100 * 100, -107 * 100 * 100, 7 * 100 * 100]
    t = world.engine.tables
    assert (int(t.things["state"][FUTURE]), int(t.top[10])) == (ThingState.CLOSED, 0)
    assert refusal(world.do(Verb.SETTLE, **sent)) is Reason.STATE
    assert refusal(world.do(Verb.FILL, pool=2, other=3, thing=FUTURE, lots=1, ticks=MARK)) is Reason.STATE
    world.lawful()


def test_settlement_of_a_coin_future_rounds_against_the_holder_and_keeps_the_rest():
    from dataclasses import replace

    from solvent.engine.commands import list_instrument, prices
    from solvent.instruments import Payoff
    from tests.engine.world import BTC, DATED, D

    world = World().start(pools=2, cash=100_000, lend=10**13)
    coin = replace(DATED, symbol="COIN-MAR", settle=BTC, payoff=Payoff.INVERSE, contract_size=D(100), lot_size=D(1))
    assert said(world.send(list_instrument(1, world.next(), coin, max_lots=10**4, max_ticks=10**7)))[0] == (
        "DONE",
        "OK",
    )
    world.send(prices(1, world.next(), {7: MARK}, 0))
    for pool in (2, 3):
        world.fine(Verb.DEPOSIT, pool=pool, thing=BTC_ID, amount=10**8)
    world.fill(2, 3, 7, thing=7)
    world.fine(Verb.ADVANCE_TIME, amount=2_000)
    world.fine(Verb.SETTLE, thing=7, ticks=MARK - 1)
    assert int(world.engine.tables.house[House.ROUNDING, BTC_ID]) == 1
    world.lawful()


def test_a_liquidating_pool_made_flat_by_settlement_is_bankrupt_at_once():
    world = World().start(pools=2, cash=10_000)
    t = world.engine.tables
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**12)
    world.fill(2, 3, 1_000, thing=FUTURE)
    world.price(MARK - 98_000)
    assert world.engine.state(2) is PoolState.LIQUIDATING
    world.fine(Verb.ADVANCE_TIME, amount=1_000)
    events = world.do(Verb.SETTLE, thing=FUTURE, ticks=MARK - 150_000)
    assert [kind for kind, _ in said(events)] == ["DONE", "SETTLED", "SETTLED", "BANKRUPT"]
    assert world.engine.value(2) == int(events[-1]["short"]) < 0
    assert int(t.pools["state"][2]) == PoolState.BANKRUPT


def test_a_hedge_leg_is_closed_by_itself():
    world = World().start(pools=0)
    for legs in (LegMode.HEDGE, LegMode.ONE_WAY):
        world.open(legs=legs)
    world.fine(Verb.DEPOSIT, pool=2, thing=USDT_ID, amount=7_000 * 10**6)
    world.fine(Verb.DEPOSIT, pool=3, thing=USDT_ID, amount=10**12)
    world.fill(2, 3, 1_000, flags=1)
    world.fill(2, 3, -100, flags=2)
    world.price(MARK - 80_000)
    assert world.engine.state(2) is PoolState.LIQUIDATING
    assert (
        refusal(world.do(Verb.LIQUIDATE, pool=2, other=3, thing=PERP, lots=10, ticks=MARK, flags=1))
        is Reason.NOT_REDUCING
    )
    assert said(world.do(Verb.LIQUIDATE, pool=2, other=3, thing=PERP, lots=10, ticks=MARK - 80_000, flags=2))[0] == (
        "DONE",
        "OK",
    )
    world.lawful()


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_conversion_that_mends_a_pool_has_room_for_both_its_events_wherever_it_stands_in_a_batch(before):
    world = failing()
    world.fine(Verb.DEPOSIT, pool=2, thing=BTC_ID, amount=10**8)
    assert world.engine.state(2) is PoolState.LIQUIDATING
    small = [(command(Verb.DEPOSIT, 1, world.next(), pool=4, thing=USDT_ID, amount=1), b"") for _ in range(before)]
    at = {"pool": 2, "other": CCP_POOL, "thing": BTC_ID, "amount": 10**8, "ticks": MARK - 68_000}
    events = world.send(*small, (command(Verb.CONVERT, 1, world.next(), **at), b""))
    assert said(events) == [("DONE", "OK")] * (before + 1) + [("RECOVERED", "OK")]
    assert world.engine.state(2) is PoolState.HEALTHY
