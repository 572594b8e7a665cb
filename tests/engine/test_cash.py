"""Deposits, withdrawals, transfers, conversions: at the line, at the limits, and conserved."""

import pytest

from solvent.book import Purpose
from solvent.engine import cash
from solvent.engine.records import House, PoolState, Reason, Verb
from tests.engine.kernel_world import BTCUSDT, MARKS, XRPUSDT, B, C, U, held, laws, surplus, world

FIRST, SECOND = 2, 3


def reason(event) -> Reason:
    return Reason(int(event["reason"]))


def traded(row: int = 0, coins: int = 10**8):
    """Two users on both sides of a contract, the first with coins too."""
    w = world(row=row)
    w.must(Verb.DEPOSIT, pool=-5, thing=B, amount=10**10)
    w.must(Verb.DEPOSIT, pool=-5, thing=U, amount=10**13)
    for pool in (FIRST, SECOND):
        w.must(Verb.DEPOSIT, pool=pool, thing=U, amount=10**11)
    w.must(Verb.DEPOSIT, pool=FIRST, thing=B, amount=coins)
    w.must(Verb.FILL, pool=FIRST, other=SECOND, thing=XRPUSDT, lots=100_000, ticks=MARKS[XRPUSDT])
    return w


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_withdrawal_may_leave_exactly_zero_and_not_one_unit_less(row):
    w = traded(row, coins=10**6)
    most = int(surplus(w, FIRST, Purpose.WITHDRAW))
    refused = w.send(Verb.WITHDRAW, pool=FIRST, thing=U, amount=most + 1)
    assert (reason(refused), int(refused["short"])) == (Reason.TAKER_SHORT, -1)
    w.must(Verb.WITHDRAW, pool=FIRST, thing=U, amount=most)
    assert 0 <= surplus(w, FIRST, Purpose.WITHDRAW) < 1
    laws(w)


def test_only_what_is_held_can_leave():
    w = traded()
    assert reason(w.send(Verb.WITHDRAW, pool=FIRST, thing=B, amount=10**8 + 1)) is Reason.NOT_HELD
    assert reason(w.send(Verb.WITHDRAW, pool=FIRST, thing=C, amount=1)) is Reason.NOT_HELD
    w.must(Verb.WITHDRAW, pool=FIRST, thing=B, amount=10**8)
    assert B * 4 not in held(w, FIRST)


def test_interest_is_settled_before_a_debt_is_touched():
    w = traded()
    w.must(Verb.FILL, pool=FIRST, other=SECOND, thing=7, lots=-2_000, ticks=MARKS[7])
    slot = held(w, FIRST)[B * 4]
    assert int(w.t.lots[slot]) == -(10**8)
    lent = int(w.t.house[House.LENDING, B])
    w.t.things[B]["carry"] += 3
    w.reprice({})
    w.must(Verb.DEPOSIT, pool=FIRST, thing=B, amount=1)
    assert int(w.t.lots[slot]) == -(10**8) - 1 + 1, "3 parts of 10^12 of 10^8 is a part of a unit: one unit"
    assert int(w.t.house[House.LENDING, B]) == lent + 1
    assert int(w.t.carry[slot]) == 3
    w.must(Verb.DEPOSIT, pool=FIRST, thing=B, amount=10**8)
    assert B * 4 not in held(w, FIRST)
    assert int(w.t.things[B]["borrowed"]) == 0
    laws(w)


def test_the_borrow_cap_is_met_exactly():
    w = traded()
    cap = int(w.t.house[House.LENDING, B]) * int(w.t.rules[0]["cap_ppm"]) // 10**6
    assert int(cash.borrows(w.t, FIRST, B, -(10**8) - cap, 0)) == cap
    assert int(cash.borrows(w.t, FIRST, B, -(10**8) - cap - 1, 0)) == -1
    assert int(cash.borrows(w.t, FIRST, B, -(10**8) - cap, 1)) == -1
    assert int(cash.borrows(w.t, FIRST, B, -(10**8), 0)) == 0
    w.t.rules[0]["missing"] = 2
    assert int(cash.borrows(w.t, FIRST, B, -(10**8) - cap - 1, 0)) == cap + 1


def test_deposits_stop_at_the_declared_largest_balance():
    w = world()
    most = int(w.t.things[B]["max_lots"])
    assert reason(w.send(Verb.DEPOSIT, pool=FIRST, thing=B, amount=most + 1)) is Reason.AMOUNT
    w.must(Verb.DEPOSIT, pool=FIRST, thing=B, amount=most)
    assert reason(w.send(Verb.DEPOSIT, pool=FIRST, thing=B, amount=1)) is Reason.AMOUNT
    for amount in (0, -1, -(1 << 63), (1 << 63) - 1):
        assert reason(w.send(Verb.DEPOSIT, pool=FIRST, thing=U, amount=amount)) is Reason.AMOUNT
    laws(w)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pool": 99, "thing": U, "amount": 1}, Reason.UNKNOWN_POOL),
        ({"pool": -1, "thing": U, "amount": 1}, Reason.UNKNOWN_POOL),
        ({"pool": FIRST, "thing": BTCUSDT, "amount": 1}, Reason.UNKNOWN_THING),
        ({"pool": FIRST, "thing": 500, "amount": 1}, Reason.UNKNOWN_THING),
        ({"pool": FIRST, "thing": U, "amount": 1, "flags": 1}, Reason.UNSUPPORTED),
        ({"pool": FIRST, "thing": U, "amount": 1, "flags": 9}, Reason.MALFORMED),
        ({"pool": -5, "thing": U, "amount": 0}, Reason.AMOUNT),
    ],
)
def test_a_bad_deposit_has_its_reason_and_changes_nothing(fields, expected):
    w = world()
    before = w.copy()
    assert reason(w.send(Verb.DEPOSIT, **fields)) is expected
    for name in ("pools", "key", "lots", "house", "things", "free"):
        assert (getattr(w.t, name) == getattr(before.t, name)).all(), name


def test_transfers_stay_with_one_owner_or_account_and_are_tested_like_withdrawals():
    w = traded(coins=10**6)
    assert reason(w.send(Verb.TRANSFER, pool=FIRST, other=SECOND, thing=U, amount=1)) is Reason.SCOPE
    w.t.pools[SECOND]["owner"] = w.t.pools[FIRST]["owner"]
    most = int(surplus(w, FIRST, Purpose.WITHDRAW))
    assert reason(w.send(Verb.TRANSFER, pool=FIRST, other=SECOND, thing=U, amount=most + 1)) is Reason.TAKER_SHORT
    w.must(Verb.TRANSFER, pool=FIRST, other=SECOND, thing=U, amount=most)
    assert reason(w.send(Verb.TRANSFER, pool=FIRST, other=FIRST, thing=U, amount=1)) is Reason.SAME_POOL
    w.t.pools[FIRST]["state"] = PoolState.LIQUIDATING
    assert reason(w.send(Verb.TRANSFER, pool=FIRST, other=SECOND, thing=B, amount=1)) is Reason.POOL_STATE
    w.must(Verb.TRANSFER, pool=SECOND, other=FIRST, thing=U, amount=1)
    laws(w)


def test_a_conversion_is_at_the_index_rounded_down_and_conserved():
    w = traded()
    w.must(Verb.DEPOSIT, pool=0, thing=U, amount=10**12)
    assert (
        reason(w.send(Verb.CONVERT, pool=FIRST, other=0, thing=B, amount=77, ticks=MARKS[B] - 1)) is Reason.PRICE_STATE
    )
    before = int(w.t.pools[FIRST]["cash"])
    w.must(Verb.CONVERT, pool=FIRST, other=0, thing=B, amount=77, ticks=MARKS[B])
    assert int(w.t.pools[FIRST]["cash"]) - before == 77 * MARKS[B] // 1000
    w.must(Verb.CONVERT, pool=FIRST, other=-1 - House.CONVERSION, thing=B, amount=10**8 - 77, ticks=MARKS[B])
    assert B * 4 not in held(w, FIRST)
    assert int(w.t.house[House.CONVERSION, B]) == 10**8 - 77
    laws(w)


def test_a_conversion_under_liquidation_recovers_the_pool_at_zero_surplus():
    w = traded()
    w.t.pools[FIRST]["state"] = PoolState.LIQUIDATING
    value = surplus(w, FIRST, Purpose.RECOVER)
    from solvent.engine.conversion import aftermath

    w.t.pools[FIRST]["cash"] -= int(value) + 1
    assert tuple(map(int, aftermath(w.t, FIRST))) == (0, 0)
    assert int(w.t.pools[FIRST]["state"]) == PoolState.LIQUIDATING
    w.t.pools[FIRST]["cash"] += 1
    assert int(aftermath(w.t, FIRST)[0]) == 4
    assert int(w.t.pools[FIRST]["state"]) == PoolState.HEALTHY
