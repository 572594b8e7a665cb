"""Resting orders: chained by reference, counted in requirements, freed without a trace."""

import random

import numpy as np
import pytest

from solvent.book import Purpose
from solvent.engine import chains, orders
from solvent.engine.records import EVENT, REDUCE_ONLY, Reason, Verb
from solvent.engine.tables import NONE, TOP_LIVE_ORDERS, TOP_ORDERS
from tests.engine.kernel_world import BTCUSDT, MARKS, XRPUSDT, U, held, laws, orders_of, surplus, world

POOL = 2


def reason(event) -> Reason:
    return Reason(int(event["reason"]))


def funded(row: int = 0):
    w = world(row=row)
    w.must(Verb.DEPOSIT, pool=POOL, thing=U, amount=10**12)
    return w


def test_chains_are_in_order_of_reference_whatever_came_first():
    w, chance = funded(), random.Random(1)
    refs = chance.sample(range(1, 1000), 40)
    for ref in refs:
        w.must(Verb.RESERVE, pool=POOL, thing=XRPUSDT, lots=chance.choice((1, -1)), ticks=MARKS[XRPUSDT], ref=ref)
    for ref in refs[:20]:
        w.must(Verb.RELEASE, pool=POOL, thing=XRPUSDT, ref=ref)
    slot = held(w, POOL)[XRPUSDT * 4]
    assert [one[0] for one in orders_of(w, slot)] == sorted(refs[20:])
    for ref in refs[20:]:
        w.must(Verb.RELEASE, pool=POOL, thing=XRPUSDT, ref=ref)
    assert held(w, POOL) == {}
    assert int(w.t.top[TOP_LIVE_ORDERS]) == int(w.t.pools[POOL]["reach"]) == 0
    for name in ("ref", "pool", "key", "lots", "ticks", "flags"):
        assert not w.t.order[name].any()


@pytest.mark.parametrize("row", [0, 1, 2])
def test_an_order_rests_down_to_exactly_zero_and_not_one_unit_less(row):
    for missing, expected in ((0, Reason.OK), (1, Reason.TAKER_SHORT)):
        w = funded(row)
        fields = {"pool": POOL, "thing": XRPUSDT, "lots": 30_000, "ticks": MARKS[XRPUSDT] * 101 // 100, "ref": 1}
        tried = w.copy()
        tried.must(Verb.RESERVE, **fields)
        then = surplus(tried, POOL, Purpose.ADMIT)
        w.must(Verb.WITHDRAW, pool=POOL, thing=U, amount=int(then // 1) + missing)
        event = w.send(Verb.RESERVE, **fields)
        assert (reason(event), int(event["short"])) == (expected, -missing)
        laws(w)


def test_a_reduce_only_order_asks_for_nothing():
    w = funded()
    before = surplus(w, POOL, Purpose.ADMIT)
    w.must(Verb.RESERVE, pool=POOL, thing=XRPUSDT, flags=REDUCE_ONLY, lots=-50_000, ticks=MARKS[XRPUSDT], ref=1)
    assert surplus(w, POOL, Purpose.ADMIT) == before
    w.must(Verb.RESERVE, pool=POOL, thing=XRPUSDT, lots=-50_000, ticks=MARKS[XRPUSDT], ref=2)
    assert surplus(w, POOL, Purpose.ADMIT) < before


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"flags": 64}, Reason.MALFORMED),
        ({"pool": 99}, Reason.UNKNOWN_POOL),
        ({"thing": U}, Reason.UNKNOWN_THING),
        ({"thing": 7}, Reason.UNSUPPORTED),
        ({"ref": 0}, Reason.AMOUNT),
        ({"lots": 0}, Reason.AMOUNT),
        ({"lots": -(1 << 63)}, Reason.AMOUNT),
        ({"ticks": 0}, Reason.AMOUNT),
        ({"ticks": 8 * MARKS[XRPUSDT] + 1}, Reason.AMOUNT),
        ({"lots": 999_991}, Reason.AMOUNT),
        ({"ref": 7}, Reason.REFERENCE_TAKEN),
        ({"flags": 1}, Reason.LEG),
        ({"pool": 0}, Reason.POOL_STATE),
    ],
)
def test_a_bad_order_has_its_reason_and_leaves_nothing(change, expected):
    w = funded()
    w.must(Verb.RESERVE, pool=POOL, thing=XRPUSDT, lots=10, ticks=MARKS[XRPUSDT], ref=7)
    fields = {"pool": POOL, "thing": XRPUSDT, "lots": 5, "ticks": MARKS[XRPUSDT], "ref": 8} | change
    assert reason(w.send(Verb.RESERVE, **fields)) is expected
    assert orders_of(w, held(w, POOL)[XRPUSDT * 4]) == [(7, 10, MARKS[XRPUSDT], False)]
    laws(w)


def test_the_table_of_orders_may_be_full_and_rows_come_back():
    w = funded()
    for ref in range(1, w.t.order.size + 1):
        w.must(Verb.RESERVE, pool=POOL, thing=XRPUSDT, lots=1, ticks=MARKS[XRPUSDT], ref=ref)
    more = {"pool": POOL, "thing": BTCUSDT, "lots": 1, "ticks": MARKS[BTCUSDT], "ref": 1}
    assert reason(w.send(Verb.RESERVE, **more)) is Reason.FULL
    assert BTCUSDT * 4 not in held(w, POOL)
    w.must(Verb.RELEASE, pool=POOL, thing=XRPUSDT, ref=64)
    w.must(Verb.RESERVE, **more)
    assert int(w.t.top[TOP_ORDERS]) == w.t.order.size
    assert reason(w.send(Verb.RELEASE, pool=POOL, thing=XRPUSDT, ref=64)) is Reason.UNKNOWN_ORDER


def test_releasing_everything_says_so_by_key_and_reference():
    w = funded()
    for thing, ref in ((XRPUSDT, 5), (BTCUSDT, 9), (XRPUSDT, 2), (BTCUSDT, 1)):
        w.must(Verb.RESERVE, pool=POOL, thing=thing, lots=3, ticks=MARKS[thing], ref=ref)
    events = np.zeros(8, EVENT)
    assert int(chains.count_orders(w.t, POOL)) == 4
    assert int(orders.release_all(w.t, POOL, NONE, events, 2)) == 6
    assert [(int(e["thing"]), int(e["ref"])) for e in events[2:6]] == [
        (BTCUSDT, 1),
        (BTCUSDT, 9),
        (XRPUSDT, 2),
        (XRPUSDT, 5),
    ]
    assert set(events["kind"][2:6].tolist()) == {9}
    assert np.all(np.diff(events["seq"][2:6]) == 1)
    assert held(w, POOL) == {}
    laws(w)
