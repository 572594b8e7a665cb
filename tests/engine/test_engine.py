"""The engine as a whole: payloads, answers, and an outcome that does not depend on how it is run."""

import os
import subprocess
import sys

import numpy as np
import pytest

from solvent.engine.commands import assemble, canonical, list_asset, list_instrument, open_pool, prices, schedule_rules
from solvent.engine.engine import Engine
from solvent.engine.records import CCP_POOL, COMMAND, Batch, Happened, PoolState, Reason, Verb, command
from tests.engine.world import (
    ALT,
    BTC,
    BTC_ID,
    COIN,
    FIRST,
    LIMITS,
    MARK,
    PERP,
    PERPETUAL,
    USDT,
    VENUES,
    D,
    World,
    refusal,
    said,
)


def story(world: World) -> list:
    """A history with fills, orders, stops, funding, interest and a crash; commands as (record, payload)."""
    sent = world.listing()
    seq = world.next
    marks = {BTC_ID: MARK, 2: MARK, 3: MARK, 4: MARK, 5: MARK, ALT: 1_000}
    sent.append(prices(1, seq(), marks, 0))
    sent.append((command(Verb.DEPOSIT, 1, seq(), pool=1, thing=0, amount=10**12), b""))
    for asset in (0, 1):
        sent.append((command(Verb.DEPOSIT, 1, seq(), pool=-5, thing=asset, amount=10**10), b""))
    for pool in range(FIRST, FIRST + 12):
        sent.append(open_pool(1, seq(), pool=pool, rules=0, owner=pool))
        sent.append((command(Verb.DEPOSIT, 1, seq(), pool=pool, thing=0, amount=(1_000 + 200 * pool) * 10**6), b""))
        if pool % 3 == 0:
            sent.append((command(Verb.DEPOSIT, 1, seq(), pool=pool, thing=1, amount=10**7), b""))
    for k in range(40):
        taker, maker = FIRST + k % 12, FIRST + (k * 5 + 1) % 12
        if taker == maker:
            maker = FIRST + (maker - FIRST + 1) % 12
        thing, ticks, lots = ((PERP, MARK, 150), (COIN, MARK, 2), (ALT, 1_000, 500))[k % 3]
        sent.append(
            (
                command(
                    Verb.FILL,
                    1,
                    seq(),
                    pool=taker,
                    other=maker,
                    thing=thing,
                    lots=-lots if taker % 2 else lots,
                    ticks=ticks,
                ),
                b"",
            )
        )
        if k % 8 == 0:
            sent.append(
                (command(Verb.RESERVE, 1, seq(), pool=taker, thing=PERP, lots=2, ticks=MARK - 1_000, ref=100 + k), b"")
            )
            sent.append((command(Verb.FUNDING, 1, seq(), thing=PERP, amount=100_000), b""))
            sent.append((command(Verb.INTEREST, 1, seq(), thing=0, amount=3_600), b""))
    for drop in (30_000, 60_000, 90_000):
        lower = {thing: ticks if thing == ALT else ticks - drop for thing, ticks in marks.items()}
        sent.append(prices(1, seq(), lower, drop))
        for pool in range(FIRST, FIRST + 12):
            at = {"pool": pool, "other": 0, "ticks": MARK - drop, "thing": PERP}
            sent.append((command(Verb.LIQUIDATE, 1, seq(), lots=-40 if pool % 2 == 0 else 40, **at), b""))
            sent.append((command(Verb.ADL, 1, seq(), lots=-10, **(at | {"other": 3})), b""))
            sent.append((command(Verb.CONVERT, 1, seq(), amount=10**5, **(at | {"thing": BTC_ID})), b""))
            sent.append((command(Verb.FUND, 1, seq(), pool=pool, amount=10**6), b""))
    return sent


def run(sent, size, **options):
    engine = Engine(LIMITS, venues=VENUES, **options)
    events = [engine.step(assemble(sent[at : at + size])) for at in range(0, len(sent), size)]
    return engine, np.concatenate(events)


def test_cuts_threads_and_screen_change_nothing():
    sent = story(World())
    engine, events = run(sent, len(sent))
    kinds = [name for name, _ in said(events)]
    assert {"BREACHED", "CANCELLED", "ACCRUED", "DONE"} <= set(kinds)
    for size, options in (
        (1, {}),
        (7, {"threads": 2}),
        (1_000, {"screen": False}),
        (64, {"threads": 2, "screen": False}),
    ):
        other, same = run(sent, size, **options)
        assert same.tobytes() == events.tobytes(), (size, options)
        assert other.state_hash() == engine.state_hash(), (size, options)
    assert {law: v.held == v.checks > 0 for law, v in engine.audit().items()} == dict.fromkeys(engine.audit(), True)


def test_without_the_compiler_the_hash_is_the_same():
    program = (
        "from tests.engine.test_engine import run, story; from tests.engine.world import World;"
        "s = story(World()); print(run(s, 50)[0].state_hash())"
    )
    hashes = set()
    for off in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": off, "PYTHONHASHSEED": off}
        found = subprocess.run(
            [sys.executable, "-W", "error", "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stderr
        hashes.add(found.stdout)
    assert len(hashes) == 1, hashes


def test_sequence_numbers_count_events_and_every_command_is_answered_first():
    sent = story(World())
    engine, events = run(sent, 100)
    assert events["seq"].tolist() == list(range(events.size))
    answers = np.isin(events["kind"], [Happened.DONE, Happened.REFUSED])
    assert int(answers.sum()) == len(sent) == int(engine.tables.top[9])


def test_a_command_is_applied_once():
    world = World().start(pools=1)
    again = command(Verb.DEPOSIT, 1, world.seq, pool=2, thing=0, amount=5)
    before = world.engine.state_hash()
    events = world.send((again, b""))
    assert refusal(events) is Reason.DUPLICATE
    assert int(world.engine.tables.pools[2]["cash"]) == 10_000 * 10**6
    assert world.engine.state_hash() != before, "the refusal is an event, and counted"
    price = command(Verb.ADVANCE_TIME, 1, world.seq - 1, amount=7)
    assert refusal(world.send((price, b""))) is Reason.DUPLICATE
    assert int(world.engine.tables.top[8]) == 0


@pytest.mark.parametrize("verb", [Verb.ADJUST, Verb.SEIZE, Verb.EXERCISE, Verb.CORRECT, Verb.AUCTION_BID])
def test_declared_verbs_are_refused_by_name(verb):
    world = World().start(pools=1)
    assert refusal(world.do(verb, pool=2)) is Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "no JSON"),
        (b"[]", "exactly the fields"),
        (b"\xff\xfe", "no JSON"),
        (canonical({"name": "X"}), "exactly the fields"),
        (
            canonical({"name": "X", "scale": 19, "quote": None, "tick": None, "max_units": 1}),
            "scale must be an integer from 0 to 18",
        ),
        (canonical({"name": "X", "scale": True, "quote": None, "tick": None, "max_units": 1}), "scale must be"),
        (canonical({"name": "X", "scale": 2, "quote": None, "tick": "1", "max_units": 1}), "tick of X must be null"),
        (
            canonical({"name": "X", "scale": 2, "quote": "Y", "tick": "1", "max_units": 1}),
            "quote must be a listed asset",
        ),
        (canonical({"name": "USDT", "scale": 2, "quote": None, "tick": None, "max_units": 1}), "listed already"),
        (canonical({"name": "X", "scale": 2, "quote": "USDT", "tick": "NaN", "max_units": 1}), "tick must be a finite"),
        (canonical({"name": "X", "scale": 2, "quote": "USDT", "tick": "-1", "max_units": 1}), "tick must be positive"),
        (canonical({"name": "X", "scale": 2, "quote": "USDT", "tick": "7", "max_units": 1}), "whole fraction"),
        (canonical({"name": "X", "scale": 2, "quote": None, "tick": None, "max_units": 1 << 61}), "max_units must be"),
        (b'{"max_units": 1,"name":"X","quote":null,"scale":2,"tick":null}', "canonical"),
        (b'{"max_units":1.5,"name":"X","quote":null,"scale":2,"tick":null}', "written as text"),
    ],
)
def test_a_malformed_payload_is_refused_in_words_and_changes_nothing(payload, words):
    world = World().start(pools=1)
    things = int(world.engine.tables.top[3])
    events = world.send((command(Verb.LIST_ASSET, 1, world.next()), payload))
    assert refusal(events) is Reason.MALFORMED
    assert words in world.engine.errors[int(events["seq"][0])]
    assert int(world.engine.tables.top[3]) == things == len(world.engine.names.things)


def test_a_payload_outside_the_batch_is_malformed():
    engine = Engine(LIMITS)
    record = command(Verb.LIST_ASSET, 1, 1, lots=3, ticks=10)
    events = engine.step(Batch(record, b"12345"))
    assert refusal(events) is Reason.MALFORMED
    assert "outside" in engine.errors[0]


def test_limits_that_could_leave_64_bits_are_refused_at_listing():
    world = World().start(pools=0)
    from dataclasses import replace

    fresh = replace(PERPETUAL, symbol="NEW")
    # tick value 100: 2^58 is 288,230,376,151,711,744 = max_lots × max_ticks × 100 + a rest.
    most = (1 << 58) // (100 * 10**7)
    assert (
        refusal(world.send(list_instrument(1, world.next(), fresh, max_lots=most + 1, max_ticks=10**7)))
        is Reason.MALFORMED
    )
    assert said(world.send(list_instrument(1, world.next(), fresh, max_lots=most, max_ticks=10**7))) == [("DONE", "OK")]


def test_what_does_not_fit_is_refused_as_full():
    world = World(LIMITS._replace(things=7, rules=2, pools=3)).start(pools=1)
    from solvent.units import Asset

    assert refusal(world.send(list_asset(1, world.next(), Asset("X", 2), max_units=5))) is Reason.FULL
    assert refusal(world.send(schedule_rules(1, world.next(), row=2, rules="generic"))) is Reason.FULL
    assert refusal(world.send(open_pool(1, world.next(), pool=3, rules=0))) is Reason.FULL


def test_unknown_rules_are_named():
    world = World().start(pools=0)
    events = world.send(schedule_rules(1, world.next(), row=2, rules="nowhere"))
    assert refusal(events) is Reason.UNKNOWN_RULES
    assert "there are ['generic']" in world.engine.errors[int(events["seq"][0])]


def test_one_event_of_an_empty_batch_is_none():
    assert Engine(LIMITS).step(Batch(np.zeros(0, COMMAND))).size == 0


def test_surplus_value_and_state_are_readable_and_unknown_pools_are_named():
    world = World().start(pools=1)
    assert (world.engine.value(2), world.engine.surplus(2), world.engine.state(2)) == (
        10**10,
        10**10,
        PoolState.HEALTHY,
    )
    with pytest.raises(ValueError, match="pool must be 0 to 2, not 3"):
        world.engine.value(3)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="threads must be 1 or 2, not 3"):
        Engine(threads=3)
    with pytest.raises(ValueError, match="at least 2, not 1"):
        Engine(LIMITS._replace(pools=1))


def test_the_spot_of_one_asset_needs_a_lot_of_whole_units():
    from solvent.instruments import Spot

    world = World().start(pools=0)
    fine = Spot("S2", "BTC", USDT, USDT, D("0.1"), D("0.001"), BTC)
    assert said(world.send(list_instrument(1, world.next(), fine, max_lots=10, max_ticks=10))) == [("DONE", "OK")]
    record, payload = list_instrument(1, world.next(), fine, max_lots=10, max_ticks=10)
    payload = payload.replace(b'"lot_size":"0.001"', b'"lot_size":"0.000000001"').replace(b'"S2"', b'"S3"')
    events = world.send((record, payload.replace(b'"tick_size":"0.1"', b'"tick_size":"1000000"')))
    assert refusal(events) is Reason.MALFORMED
    assert "lot of S3 must be a whole number of BTC units" in world.engine.errors[int(events["seq"][0])]


def test_both_sides_positions_are_limited():
    """The largest position of the listing binds the maker too, here the mirror: 10^6 lots and not one more."""
    world = World().start(pools=2, cash=10**6)
    world.send(prices(1, world.next(), {ALT: 1_000}, 2))
    taker, other = FIRST, FIRST + 1
    world.fine(Verb.FILL, pool=taker, other=CCP_POOL, thing=ALT, lots=600_000, ticks=1_000)
    over = world.do(Verb.FILL, pool=other, other=CCP_POOL, thing=ALT, lots=400_001, ticks=1_000)
    assert said(over)[0] == ("REFUSED", "AMOUNT")
    world.fine(Verb.FILL, pool=other, other=CCP_POOL, thing=ALT, lots=400_000, ticks=1_000)
