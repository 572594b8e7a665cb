"""Fills: both sides judged at the line, posted or not at all. What a fill leads to is found by posting it on a copy."""

import random
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from solvent.book import Purpose
from solvent.engine import fills
from solvent.engine.hot import apply, claim
from solvent.engine.records import EVENT, PoolState, Reason, ThingState, Verb, command
from solvent.engine.value import notional
from tests.engine.kernel_history import fill_fields, fund, move
from tests.engine.kernel_world import (
    BTCUSD,
    BTCUSDT,
    ETHUSDC,
    MARKS,
    PAIR,
    XRPUSDT,
    B,
    U,
    held,
    into,
    laws,
    orders_of,
    owed,
    surplus,
    world,
)

FIRST, SECOND = 2, 3
SAVED = ("pools", "key", "lots", "cost", "carry", "leverage", "house", "things")


def reason(event) -> Reason:
    return Reason(int(event["reason"]))


def pair(row: int = 0, cash: int = 10**12, hedge: bool = False):
    w = world(row=row, hedge=hedge)
    for pool in (FIRST, SECOND, 4):
        w.must(Verb.DEPOSIT, pool=pool, thing=U, amount=cash)
    return w


def forced(w, fields):
    """A copy where the fill has happened whatever its verdict; None where the engine refused before judging it."""
    after = w.copy()
    for pool in range(8):  # nobody is ever short there; what a debt owes is settled, as the fill does it
        row = after.t.pools[pool]
        row["cash"] += (1 << 58) - owed(w, pool, U, int(row["cash"]), int(row["accrual"]))
        row["accrual"] = after.t.things[U]["carry"]
    after.t.house[4, :3] = 1 << 60
    event = after.send(Verb.FILL, **fields)
    for pool in range(8):
        after.t.pools[pool]["cash"] -= 1 << 58
    return after if reason(event) is Reason.OK else None


def verdict(w, after, fields, side):
    """(allowed, surplus after) of one side by its numbers before and after, in fractions."""
    pool, ref = (fields["pool"], fields.get("amount", 0)) if side > 0 else (fields["other"], fields.get("ref", 0))
    if pool == 0:
        return True, Fraction(0)
    purpose = Purpose.FILL if ref else Purpose.ADMIT
    then = surplus(after, pool, purpose)
    if then >= 0:
        return True, then
    leg = fields["flags"] & 3 if side > 0 else fields["flags"] >> 2
    thing = fields["thing"]
    slot = held(w, pool).get(thing * 4 + leg)
    have = int(w.t.lots[slot]) if slot is not None and thing != PAIR else 0
    left = have + side * fields["lots"]
    if not (abs(left) < abs(have) and left * have >= 0):
        return False, then
    row = w.t.rules[int(w.t.pools[pool]["rules"])]
    amount = int(notional(w.t, thing, fields["lots"], fields["ticks"]))
    ppms = (int(row["taker_ppm" if side > 0 else "maker_ppm"]), int(row["levy_ppm"]))
    fee = sum(-(-amount * ppm // 10**6) for ppm in ppms)
    if pool == 1:  # the fund's own levy comes back, and the other side's with it
        other = w.t.rules[int(w.t.pools[fields["other" if side > 0 else "pool"]]["rules"])]
        paying = fields["other" if side > 0 else "pool"] != 0
        fee = -(-amount * ppms[0] // 10**6) - paying * -(-amount * int(other["levy_ppm"]) // 10**6)
    return then >= surplus(w, pool, purpose) - into(w, int(w.t.things[thing]["settle"]), fee, True), then


@pytest.mark.parametrize(("row", "hedge"), [(0, False), (1, False), (2, False), (0, True)])
def test_every_verdict_is_what_the_posted_copy_says_half_of_them_aimed_at_the_line(row, hedge):  # noqa: C901
    w, chance = world(row=row, hedge=hedge), random.Random(11 + row)
    fund(w, chance)
    seen = dict.fromkeys(Reason, 0)
    for _ in range(350):
        if chance.random() < 0.15:
            move(w, chance)
        if chance.random() < 0.2:
            pool, thing = chance.randrange(2, 8), chance.choice((BTCUSDT, XRPUSDT, ETHUSDC, BTCUSD))
            leg = chance.choice((1, 2)) if hedge else 0
            lots, ticks = chance.choice((1, -1)) * chance.randrange(1, 5_000), int(w.t.things[thing]["mark"])
            w.send(
                Verb.RESERVE, pool=pool, thing=thing, flags=leg, lots=lots, ticks=ticks, ref=chance.randrange(1, 999)
            )
        fields = fill_fields(w, chance)
        after = forced(w, fields)
        if after is None:
            continue
        if chance.random() < 0.7 and fields["pool"] and fields["other"]:  # aim: surplus after is 0 or −1 unit
            side = chance.choice((1, -1))
            pool = fields["pool"] if side > 0 else fields["other"]
            shift = floor(verdict(w, after, fields, side)[1]) + chance.randrange(2)
            if abs(shift) < 1 << 50:
                w.must(Verb.DEPOSIT, pool=-5, thing=U, amount=10**14)  # debts may be larger now
                w.t.pools[pool]["cash"] -= shift
                after = forced(w, fields)
        w.t.things[U]["borrowed"] = sum(max(0, -int(c)) for c in w.t.pools["cash"][1:8])
        allowed = [verdict(w, after, fields, side) for side in (1, -1)]
        expected = (Reason.OK, 0)
        if not allowed[0][0]:
            expected = (Reason.TAKER_SHORT, floor(allowed[0][1]))
        elif not allowed[1][0]:
            expected = (Reason.MAKER_SHORT, floor(allowed[1][1]))
        before = w.copy()
        event = w.send(Verb.FILL, **fields)
        seen[reason(event)] += 1
        if reason(event) in (Reason.LEVERAGE, Reason.BORROW, Reason.REACH):
            continue
        assert (reason(event), int(event["short"])) == expected, (fields, event)
        if expected[0] is not Reason.OK:
            for pool in range(8):
                assert {k: int(w.t.lots[s]) for k, s in held(w, pool).items()} == {
                    k: int(before.t.lots[s]) for k, s in held(before, pool).items()
                }
            assert (w.t.house == before.t.house).all()
            assert (w.t.things == before.t.things).all()
    assert min(seen[Reason.OK], seen[Reason.TAKER_SHORT], seen[Reason.MAKER_SHORT]) >= 8, seen


def test_a_taker_may_be_left_with_exactly_zero_and_not_one_unit_less():
    for missing, expected in ((0, Reason.OK), (1, Reason.TAKER_SHORT)):
        w = pair()
        fields = {"pool": FIRST, "other": SECOND, "thing": XRPUSDT, "flags": 0, "lots": 50_000, "ticks": MARKS[XRPUSDT]}
        then = surplus(forced(w, fields), FIRST, Purpose.ADMIT)
        w.must(Verb.WITHDRAW, pool=FIRST, thing=U, amount=floor(then) + missing)
        event = w.send(Verb.FILL, **fields)
        assert (reason(event), int(event["short"])) == (expected, -missing)
        laws(w)


def test_who_is_below_the_line_may_reduce_but_not_flip_or_get_worse():
    w = pair()
    w.must(Verb.FILL, pool=FIRST, other=SECOND, thing=XRPUSDT, lots=50_000, ticks=MARKS[XRPUSDT])
    w.t.pools[FIRST]["cash"] -= floor(surplus(w, FIRST, Purpose.ADMIT)) + 10**9
    w.t.things[U]["borrowed"] = max(0, -int(w.t.pools[FIRST]["cash"]))
    w.t.house[4, U] = 1 << 50
    mark = MARKS[XRPUSDT]
    for lots, ticks, expected in (
        (1, mark, Reason.TAKER_SHORT),
        (-100_001, mark, Reason.TAKER_SHORT),
        (-1_000, mark * 8 // 10, Reason.TAKER_SHORT),
        (-1_000, mark, Reason.OK),
    ):
        event = w.send(Verb.FILL, pool=FIRST, other=SECOND, thing=XRPUSDT, lots=lots, ticks=ticks)
        assert reason(event) is expected, (lots, ticks)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"flags": 16}, Reason.MALFORMED),
        ({"pool": 99}, Reason.UNKNOWN_POOL),
        ({"other": -1}, Reason.UNKNOWN_POOL),
        ({"thing": 99}, Reason.UNKNOWN_THING),
        ({"thing": B}, Reason.UNKNOWN_THING),
        ({"ref": 5}, Reason.UNKNOWN_ORDER),
        ({"amount": -1}, Reason.UNKNOWN_ORDER),
        ({"other": FIRST}, Reason.SAME_POOL),
        ({"lots": 0}, Reason.AMOUNT),
        ({"lots": 1_000_001}, Reason.AMOUNT),
        ({"lots": -(1 << 63)}, Reason.AMOUNT),
        ({"ticks": 0}, Reason.AMOUNT),
        ({"ticks": 8 * MARKS[XRPUSDT] + 1}, Reason.AMOUNT),
        ({"ticks": (1 << 63) - 1}, Reason.AMOUNT),
        ({"flags": 1}, Reason.LEG),
        ({"flags": 8}, Reason.LEG),
        ({"thing": BTCUSD, "ticks": 999}, Reason.AMOUNT),
        ({"thing": PAIR, "ref": 1}, Reason.UNKNOWN_ORDER),
        ({"thing": PAIR, "flags": 1}, Reason.LEG),
        ({"thing": PAIR, "lots": -1}, Reason.BORROW),
    ],
)
def test_a_bad_fill_has_its_reason_and_changes_nothing(change, expected):
    w = pair()
    before = w.copy()
    fields = {"pool": FIRST, "other": SECOND, "thing": XRPUSDT, "lots": 10, "ticks": MARKS[XRPUSDT]} | change
    event = w.send(Verb.FILL, **fields)
    assert reason(event) is expected
    assert int(event["fee"]) == int(event["other_fee"]) == 0
    for pool in (0, 1, FIRST, SECOND):
        for name in ("cash", "accrual", "reach", "state"):
            assert w.t.pools[pool][name] == before.t.pools[pool][name]
        assert held(w, pool) == {}
    assert (w.t.things == before.t.things).all()
    assert (w.t.house == before.t.house).all()


def test_states_of_instrument_and_pool_decide():
    def tried(lots=-10, **changes):
        w = pair()
        w.must(Verb.FILL, pool=FIRST, other=SECOND, thing=XRPUSDT, lots=100, ticks=MARKS[XRPUSDT])
        for column, (at, name, value) in changes.items():
            getattr(w.t, column)[at][name] = value
        return reason(w.send(Verb.FILL, pool=FIRST, other=SECOND, thing=XRPUSDT, lots=lots, ticks=MARKS[XRPUSDT]))

    assert tried() is Reason.OK
    for state in (ThingState.HALTED, ThingState.SETTLING, ThingState.CLOSED):
        assert tried(things=(XRPUSDT, "state", state)) is Reason.STATE
    assert tried(things=(XRPUSDT, "state", ThingState.REDUCE_ONLY)) is Reason.OK
    assert tried(lots=10, things=(XRPUSDT, "state", ThingState.REDUCE_ONLY)) is Reason.STATE
    assert tried(lots=-101, things=(XRPUSDT, "state", ThingState.REDUCE_ONLY)) is Reason.STATE
    assert tried(things=(XRPUSDT, "mark", 0)) is Reason.PRICE_STATE
    for state in (PoolState.LIQUIDATING, PoolState.BANKRUPT, PoolState.CLOSED):
        assert tried(pools=(SECOND, "state", state)) is Reason.POOL_STATE
    assert tried(pools=(FIRST, "scope", BTCUSDT)) is Reason.SCOPE
    assert tried(pools=(FIRST, "reach", 1 << 61)) is Reason.OK, "less of a position needs less reach"
    assert tried(lots=1, pools=(FIRST, "reach", 1 << 61)) is Reason.REACH


def test_hedge_legs_stay_on_their_side():
    w = pair(hedge=True)
    fields = {"pool": FIRST, "other": SECOND, "thing": XRPUSDT, "ticks": MARKS[XRPUSDT]}
    long_short, short_long = 1 | 2 << 2, 2 | 1 << 2
    assert reason(w.send(Verb.FILL, **fields, lots=-1, flags=long_short)) is Reason.LEG
    w.must(Verb.FILL, **fields, lots=100, flags=long_short)
    w.must(Verb.FILL, **fields, lots=-60, flags=short_long)
    assert {k: int(w.t.lots[s]) for k, s in held(w, FIRST).items()} == {XRPUSDT * 4 + 1: 100, XRPUSDT * 4 + 2: -60}
    assert reason(w.send(Verb.FILL, **fields, lots=-101, flags=long_short)) is Reason.LEG
    assert reason(w.send(Verb.FILL, **fields, lots=61, flags=short_long)) is Reason.LEG
    assert reason(w.send(Verb.FILL, **fields, lots=1, flags=0)) is Reason.LEG
    w.must(Verb.FILL, **fields, lots=-100, flags=long_short)
    laws(w)


def test_a_reserved_order_is_filled_in_parts_at_the_lenient_purpose():
    w = pair()
    w.must(Verb.RESERVE, pool=SECOND, thing=XRPUSDT, lots=-100, ticks=MARKS[XRPUSDT], ref=9)
    fields = {"pool": FIRST, "other": SECOND, "thing": XRPUSDT, "ticks": MARKS[XRPUSDT], "ref": 9}
    assert reason(w.send(Verb.FILL, **fields, lots=-1)) is Reason.AMOUNT
    assert reason(w.send(Verb.FILL, **fields, lots=101)) is Reason.AMOUNT
    w.must(Verb.FILL, **fields, lots=60)
    assert orders_of(w, held(w, SECOND)[XRPUSDT * 4]) == [(9, -40, MARKS[XRPUSDT], False)]
    w.must(Verb.FILL, **fields, lots=40)
    assert reason(w.send(Verb.FILL, **fields, lots=1)) is Reason.UNKNOWN_ORDER
    laws(w)


def test_numbers_of_a_source_rise_and_are_taken_once():
    w = world()
    assert claim(w.t, 1, 5)
    assert not claim(w.t, 1, 5)
    assert not claim(w.t, 1, 4)
    assert claim(w.t, 1, 6)
    assert not claim(w.t, 99, 1)
    assert not claim(w.t, -1, 1)


def test_a_batch_stops_at_a_cold_verb_and_where_events_end_and_ahead_changes_nothing():
    commands = np.concatenate([command(Verb.DEPOSIT, 1, k + 1, pool=2, thing=U, amount=5) for k in range(6)])
    commands["kind"][4] = int(Verb.PRICES)
    results = []
    for ahead in (0, 1, 8):
        w, events = world(), np.zeros(3, EVENT)
        assert tuple(map(int, apply(w.t, commands, 0, 6, events, 0, ahead))) == (3, 3)
        assert tuple(map(int, apply(w.t, commands, 3, 6, events, 0, ahead))) == (4, 1)
        assert tuple(map(int, apply(w.t, commands, 4, 6, events, 0, ahead))) == (4, 0)
        results.append((int(w.t.pools[2]["cash"]), events["seq"].tolist()))
    assert results == [(20, [3, 1, 2])] * 3


def test_a_cost_is_computed_once_and_mirrored_for_an_inverse_contract():
    w = pair()
    for pool in (FIRST, SECOND):
        w.must(Verb.DEPOSIT, pool=pool, thing=B, amount=10**10)
    w.must(Verb.FILL, pool=FIRST, other=SECOND, thing=BTCUSD, lots=7, ticks=29_999)
    costs = [int(w.t.cost[held(w, pool)[BTCUSD * 4]]) for pool in (FIRST, SECOND)]
    assert costs == [-(7 * 10**10 // 29_999) - 1, 7 * 10**10 // 29_999 + 1]
    assert int(fills.fill_cost(w.t, BTCUSD, 7, 29_999)) == costs[0]
    laws(w)


def test_brackets_allow_exactly_their_floor_with_the_worst_side_of_orders():
    for more, expected in ((0, Reason.OK), (1, Reason.LEVERAGE)):
        w = pair()
        w.t.default_leverage[0, XRPUSDT] = 25  # up to 500,000 USDT of notional: 250,000 lots of 2 USDT
        fields = {"pool": FIRST, "other": SECOND, "thing": XRPUSDT, "ticks": MARKS[XRPUSDT]}
        assert reason(w.copy().send(Verb.FILL, **fields, lots=250_000 + more)) is expected
        w.must(Verb.RESERVE, pool=SECOND, thing=XRPUSDT, lots=-50_000, ticks=MARKS[XRPUSDT], ref=1)
        assert reason(w.copy().send(Verb.FILL, **fields, lots=200_000 + more)) is expected
        own = {"pool": SECOND, "thing": XRPUSDT, "ticks": MARKS[XRPUSDT], "ref": 2}
        assert reason(w.copy().send(Verb.RESERVE, **own, lots=-200_000 - more)) is expected
        assert reason(w.copy().send(Verb.FILL, **fields, lots=50_000, ref=1)) is Reason.OK
        w.t.rules[0]["max_leverage"] = 25 - more
        assert reason(w.send(Verb.FILL, **fields, lots=1)) is expected
