"""Losses on their way down: the fund at once, the rest once an hour; passing over pools changes no command."""

import numpy as np
import pytest

from solvent.engine.engine import Engine
from solvent.engine.records import FUND_POOL, Happened, PoolState, Verb, command
from solvent.engine.waiting import bankruptcy_ticks
from solvent.engine.winners import candidates
from solvent.liquidation import Covered, bankruptcy_prices
from solvent.rules import Loss
from solvent.simulation import liquidator
from solvent.simulation.checkers import Checkers
from solvent.simulation.driver import Line
from solvent.simulation.holdings import legs
from solvent.simulation.replay import engine_limits, replay, stage_of
from solvent.simulation.run import Run, silent
from solvent.simulation.settling import RunDown, Shared
from solvent.simulation.world import venues

CRASH = {"dataset": "mar-2020", "accounts": 150, "seed": 7, "minutes": 2_160}


class Watched(Run):
    """Keeps what the settlement of each hour saw, and what was sent."""

    def __init__(self, *given):
        super().__init__(*given)
        self.seen, self.verbs, self.prices = [], [], []

    def _settle(self):
        settling, engine = self.liquidator.settling, self.line.engine
        self.seen.append([(pool, engine.state(pool), -engine.value(pool)) for pool in settling.waiting])
        super()._settle()
        assert settling.waiting == []

    def _read(self, commands, events, kept=None):
        self.verbs += [int(kind) for kind in commands["kind"]]
        return super()._read(commands, events, kept)


@pytest.fixture(scope="module")
def crash():
    stage = stage_of(CRASH["dataset"], CRASH["accounts"], CRASH["seed"])
    run = Watched(stage, Line(Engine(engine_limits(stage), venues=venues("generic"))), silent)
    run.set_up()
    for minute in range(CRASH["minutes"]):
        run.minute(minute)
    run.done = run.end()
    return run


def test_losses_wait_for_the_hour_as_bankrupt_pools_and_are_socialised_once(crash):
    hours = [hour for hour in crash.seen if hour]
    assert hours
    assert {state for hour in hours for _, state, _ in hour} == {PoolState.BANKRUPT}
    assert 0 < crash.verbs.count(Verb.SOCIALISE) <= len(hours)
    assert crash.done.socialised == sum(map(len, hours)) > len(hours)
    assert crash.done.socialised_units > 0
    assert crash.done.lawful, {law: one for law, one in crash.done.laws.items() if one.checks != one.held}
    assert crash.done.states["bankrupt"] == 0


def test_the_fund_is_empty_when_a_loss_is_left_to_wait(crash):
    assert crash.done.fund_end_units >= 0
    assert crash.checkers.divided > 0, "ring 1 divided some of the sums"


def test_passing_over_pools_changes_no_command(crash, monkeypatch):
    monkeypatch.setattr(liquidator, "next_to_act", lambda _tables, _pools, at, *_given: at)
    assert replay(**CRASH).state_hash == crash.done.state_hash


def test_bands_and_threads_change_no_event(crash):
    assert replay(**CRASH, bands=True, threads=2).state_hash == crash.done.state_hash


def test_prices_from_the_tables_are_ring_1s(crash):
    """Allocated bankruptcy prices of everybody who holds something, by both ways."""
    engine, compared = crash.line.engine, 0
    for pool in range(crash.stage.first, crash.stage.pools):
        if legs(engine.tables, pool):
            book, market, rules = engine.book(pool)
            assert crash.liquidator._prices(pool) == bankruptcy_prices(book, market, rules, f"P{pool}")
            compared += 1
    assert compared > 50


def test_prices_of_the_kernel_are_those_allocated(crash):
    """Of everybody who holds something, made poor by a gift to nobody: losses of all sizes up to the notional."""
    engine, one, compared = crash.line.engine, crash.liquidator, 0
    t, (slots, ticks, rests) = engine.tables, one.scratch
    for pool in range(crash.stage.first, crash.stage.pools):
        held = legs(t, pool)
        kept = int(t.pools["cash"][pool])
        whole = sum(
            abs(leg.lots) * int(t.things[leg.thing]["mark"] * t.things[leg.thing]["tick_value"]) for leg in held
        )
        for loss in (1, whole // 7 + pool, whole - 1, whole) if held else ():
            t.pools["cash"][pool] += -loss - engine.value(pool)
            asked = engine.value(pool), int(bankruptcy_ticks(t, pool, one._terms().order, slots, ticks, rests))
            if asked[0] == -loss:  # a debt that grows by less than a unit may round
                found = [price.ticks for price in one._prices(pool)]
                assert (asked[1], ticks[: len(found)].tolist()) == (len(held), found)
                compared += len(held)
            t.pools["cash"][pool] = kept
        assert int(bankruptcy_ticks(t, pool, one._terms().order, slots, ticks, rests)) <= (engine.value(pool) < 0) * 99
    assert compared > 200


def test_what_waits_is_not_uncovered_and_counts_as_socialised(crash):
    stages = ("account", *(one.value for one in crash.stage.world.rules.losses.stages))
    assert Loss.SOCIALISE.value in stages
    report = crash.counter.report
    before = report.uncovered_units, report.socialised
    done = Covered(5, (), (), 5)
    crash.counter.covered([RunDown(0, done, waits=True)])
    assert (report.uncovered_units, report.socialised) == (before[0], before[1] + 1)
    crash.counter.covered([RunDown(0, done)])
    assert report.uncovered_units == before[0] + 5
    report.uncovered_units, report.socialised = before


def shared(paid):
    before = np.array([0, 0, 100, 200, 0, 300])
    return Shared(60, before, before - np.array(paid))


def test_a_wrong_division_breaks_l_15(crash):
    for paid, fine in (
        ([0, 0, 10, 20, 0, 30], True),
        ([0, 0, 10, 20, 0, 29], False),  # a unit nobody pays
        ([0, 0, 12, 18, 0, 30], False),  # not by value
        ([0, 0, 11, 20, 0, 29], False),  # within a unit, and not as ring 1 divides
        ([0, 0, 10, 20, -7, 30], True),  # who was raised and owns something again paid nothing
    ):
        checkers = Checkers(crash.stage.world.rules)
        checkers.socialised(shared(paid))
        law = checkers.found()["L-15"]
        assert (law.checks == law.held) == fine, paid


def test_payers_are_judged_once_more_where_the_end_has_socialised():
    stage = stage_of(CRASH["dataset"], 40, 7)
    run = Run(stage, Line(Engine(engine_limits(stage), venues=venues("generic"))), silent)
    run.set_up()
    for minute in range(3):
        run.minute(minute)
    run.liquidator.settling.unjudged = True
    epochs = []
    run._epoch = lambda minute, events: epochs.append(int((events["kind"] == Happened.DONE).sum()))
    run._last_look()
    assert epochs == [1]
    assert run.line.engine.state(FUND_POOL) is PoolState.HEALTHY


def test_who_may_hold_an_instrument_is_nobody_too_few(crash):
    """What deleveraging looks at, against a look at everybody; and who is seen trading is looked at from then on."""
    engine, holders = crash.line.engine, crash.liquidator.deleveraging.holders
    first = crash.stage.world.first_perpetual
    for thing in range(first, crash.stage.world.first_spot):
        for losing in (1, -1):
            everybody = candidates(engine.tables, thing, losing)
            some = candidates(engine.tables, thing, losing, holders.of(thing))
            assert everybody.pool.tolist() == some.pool.tolist()
    known = holders.of(first)
    stranger = next(pool for pool in range(crash.stage.first, crash.stage.pools) if pool not in known)
    holders.note(command(Verb.FILL, 1, 1, pool=stranger, other=FUND_POOL, thing=first))
    assert holders.of(first).tolist() == sorted([*known.tolist(), stranger])
    holders.note(command(Verb.FILL, 1, 1, pool=stranger, other=int(known[0]), thing=first))
    assert holders.of(first).size == known.size + 1
