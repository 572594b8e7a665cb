"""The state hash says what the state means, not where it lies; the rules' digest says what their numbers are."""

import dataclasses
from decimal import Decimal

import pytest

from solvent.engine.commands import schedule_rules
from solvent.engine.hashing import rules_digest
from solvent.engine.records import Reason, Verb
from solvent.rules import Fees
from solvent.venues import venue
from tests.engine.world import ALT, LIMITS, MARK, PERP, World, refusal, said


def traded(limits=LIMITS):
    world = World(limits).start(pools=3)
    world.fill(2, 3, 10)
    world.fill(3, 4, 5, 1_000, ALT)
    return world


def test_two_equal_histories_have_one_hash_and_reserved_room_does_not_matter():
    roomy = LIMITS._replace(pools=512, entries=1 << 14, orders=99, things=40, sources=20)
    assert traded().engine.state_hash() == traded().engine.state_hash() == traded(roomy).engine.state_hash()


def test_moved_entries_hash_the_same_but_a_changed_one_does_not():
    world = traded()
    t, before = world.engine.tables, world.engine.state_hash()
    first = int(t.pools[3]["first"])
    for column in (t.key, t.lots, t.cost, t.carry, t.leverage, t.orders):
        column[[first, first + 1]] = column[[first + 1, first]]
    assert world.engine.state_hash() == before
    for column in (t.lots, t.cost, t.carry, t.leverage):
        column[first] += 1
        assert world.engine.state_hash() != before
        column[first] -= 1
    t.pools["whole"][2] += 5
    assert world.engine.state_hash() == before, "derived columns say nothing"


@pytest.mark.parametrize(
    "column", ["cash", "accrual", "reach", "owner", "account", "parent", "scope", "rules", "state", "mode", "legs"]
)
def test_every_saved_column_of_a_pool_counts(column):
    world = traded()
    before = world.engine.state_hash()
    world.engine.tables.pools[column][3] += 1
    assert world.engine.state_hash() != before


@pytest.mark.parametrize("column", ["mark", "carry", "pnl", "funding_paid", "borrowed", "state"])
def test_every_changing_column_of_a_thing_counts(column):
    world = traded()
    before = world.engine.state_hash()
    world.engine.tables.things[column][PERP] += 1
    assert world.engine.state_hash() != before


def test_orders_hash_by_reference_wherever_they_lie():
    hashes = []
    for refs in ((7, 8), (8, 7)):
        world = World().start(pools=1)
        for ref in refs:
            world.fine(Verb.RESERVE, pool=2, thing=PERP, lots=1, ticks=MARK, ref=ref)
        hashes.append(world.engine.state_hash())
    assert hashes[0] == hashes[1]
    world.fine(Verb.RELEASE, pool=2, thing=PERP, ref=7)
    assert world.engine.state_hash() != hashes[0]


def test_the_digest_of_rules_follows_their_numbers_and_pins_a_rules_row():
    rules = venue("generic")
    digest = rules_digest(rules)
    dearer = dataclasses.replace(rules, fees=Fees(rules.fees.taker_ppm + 1, rules.fees.maker_ppm))
    other = dataclasses.replace(rules, liquidation=dataclasses.replace(rules.liquidation, step_ppm=1))
    later = dataclasses.replace(rules, borrowing=dataclasses.replace(rules.borrowing, convert_below=Decimal(1)))
    assert len({digest, rules_digest(dearer), rules_digest(other), rules_digest(later)}) == 4
    world = World().start(pools=0)
    wrong = world.send(schedule_rules(1, world.next(), row=2, rules="generic", digest=rules_digest(dearer)))
    assert refusal(wrong) is Reason.MALFORMED
    assert digest in world.engine.errors[int(wrong["seq"][0])]
    assert said(world.send(schedule_rules(1, world.next(), row=2, rules="generic", digest=digest))) == [("DONE", "OK")]
