"""The laws hold after a full history, and each planted fault is found by its law and said in words."""

import numpy as np
import pytest

from solvent.engine.audit import applied_once, laws_as_json, sums_by
from solvent.engine.engine import Engine
from solvent.engine.records import COMMAND, EVENT, Happened, Reason, Verb
from tests.engine.test_engine import run, story
from tests.engine.world import ALT, COIN, LIMITS, MARK, PERP, World


def test_the_laws_hold_after_a_crash_with_funding_and_debts():
    engine, _ = run(story(World()), 50)
    found = engine.audit()
    assert set(found) == {"L-01", "L-02", "L-03", "L-16", "L-17"}
    for law, verdict in found.items():
        assert verdict.checks == verdict.held > 0, (law, verdict.detail)
    assert int(engine.tables.things["funding_paid"][PERP]) != 0 or int(engine.tables.things["carry"][PERP]) != 0


def pool_cash(t):
    t.pools["cash"][3] += 1


def house(t):
    t.house[1, 0] -= 1


def balance_of_another_asset(t):
    t.lots[slot(t, 6, 4)] += 1


def slot(t, pool, key):
    first = int(t.pools[pool]["first"])
    return next(e for e in range(first, first + int(t.pools[pool]["used"])) if t.key[e] == key)


def lots(t):
    t.lots[slot(t, 2, 4 * PERP)] += 1


def cost(t):
    t.cost[slot(t, 2, 4 * PERP)] += 1


def pnl(t):
    t.things["pnl"][PERP] += 1


def funding(t):
    t.things["funding_paid"][ALT] += 1


def touch(t):
    t.carry[slot(t, 2, 4 * PERP)] += 1


def borrowed(t):
    t.things["borrowed"][0] += 1


def fund_cash(t):
    t.pools["cash"][1] = -1


def counted(t):
    t.top[9] = t.top[6] + 1


def twice(t):
    at = np.flatnonzero(t.order["ref"] > 0)
    t.order[at[1]] = t.order[at[0]]


@pytest.mark.parametrize(
    ("fault", "law", "words"),
    [
        (pool_cash, "L-01", "USDT: 1 units too many"),
        (house, "L-01", "USDT: -1 units too many"),
        (balance_of_another_asset, "L-01", "BTC: 1 units too many"),
        (borrowed, "L-01", "USDT: borrowed says"),
        (lots, "L-02", "BTC-PERP: lots sum to 1"),
        (cost, "L-03", "BTC-PERP: cost"),
        (pnl, "L-03", "BTC-PERP: cost"),
        (funding, "L-03", "ALT-PERP: funding paid and due leave 1"),
        (touch, "L-03", "BTC-PERP: funding paid and due leave"),
        (counted, "L-16", "commands have only"),
        (twice, "L-16", "stands twice"),
        (fund_cash, "L-17", "the fund's cash is -1 units"),
    ],
)
def test_each_planted_fault_is_found_by_its_law(fault, law, words):
    world = World().start(pools=6, fund=1, lend=10**12)
    world.fine(Verb.DEPOSIT, pool=6, thing=1, amount=10**7)
    world.fill(2, 3, 10)
    world.fill(4, 5, 10, 1_000, ALT)
    world.fill(6, 7, 1, thing=COIN)
    for ref in (1, 2):
        world.fine(Verb.RESERVE, pool=2, thing=PERP, lots=1, ticks=MARK - 5, ref=ref)
    world.lawful()
    fault(world.engine.tables)
    verdict = world.engine.audit()[law]
    assert verdict.held < verdict.checks
    assert words in verdict.detail


def test_sums_are_exact_beyond_64_bits():
    group = np.array([0, 2, 2, 2, 0], np.int64)
    most = (1 << 63) - 1
    assert sums_by(group, np.array([-most, most, most, most, -most], np.int64), 3) == [-2 * most, 0, 3 * most]


def test_a_number_applied_twice_is_found():
    commands, events = np.zeros(3, COMMAND), np.zeros(3, EVENT)
    commands["source_seq"] = [4, 4, 5]
    events["kind"] = Happened.DONE
    last = np.array([3], np.int64)
    assert applied_once(last, commands, events).detail == "source 0: number 4 after 4, duplicate: False"
    events["kind"][1], events["reason"][1] = Happened.REFUSED, Reason.DUPLICATE
    assert applied_once(last, commands, events).held == applied_once(last, commands, events).checks == 4
    assert applied_once(last, commands, events[:2]).detail == "3 commands have 2 answers"


def test_nothing_listed_is_nothing_to_check():
    assert Engine(LIMITS).audit() == {} == laws_as_json({})
