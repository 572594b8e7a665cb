"""Brute force over a crash: nothing missed, nothing wrong; and each fault planted in the answers is counted."""

from contextlib import suppress

import numpy as np
import pytest

from solvent.engine.engine import Engine
from solvent.engine.records import Happened
from solvent.simulation.brute_force import BruteForce
from solvent.simulation.driver import Line
from solvent.simulation.replay import engine_limits, replay, stage_of
from solvent.simulation.run import Run, silent
from solvent.simulation.world import venues


def proved(report):
    found = report.brute_force
    assert (found["missed"], found["wrong"]) == (0, 0)
    assert found["announced"] == report.liquidations > 0
    assert found["scanned"] == found["epochs"] * (report.pools - 2)
    assert report.lawful
    return found


@pytest.mark.parametrize("bands", [False, True])
def test_a_crash_of_500_accounts_by_brute_force(bands):
    report = replay("mar-2020", 500, 7, minutes=1_080 if bands else 2_160, bands=bands, brute_force=True)
    found = proved(report)
    assert found["epochs"] > (1_080 if bands else 2_160)
    assert found["other"] > (10_000 if bands else 20_000)
    assert bands or found["near"] > 0
    assert (found["by_bands"] > 100_000) is bands
    assert replay("mar-2020", 500, 7, minutes=report.minutes_done).state_hash == report.state_hash


@pytest.mark.deep
@pytest.mark.parametrize("bands", [False, True])
def test_a_crash_of_50_000_accounts_by_brute_force(bands):
    report = replay("may-2021", 50_000, 7, threads=2, bands=bands, brute_force=True)
    found = proved(report)
    assert (found["by_bands"] > 10_000_000) is bands
    assert report.finished
    assert found["epochs"] > 7_200
    assert found["near"] > 100
    assert found["other"] > 100_000


@pytest.fixture(scope="module")
def epoch():
    """An engine right after an epoch that announced several breaches, and the epoch's events."""
    stage = stage_of("may-2021", 300, 7)
    run = Run(stage, Line(Engine(engine_limits(stage), venues=venues("generic"))), silent)
    kept = {}

    class Last(BruteForce):
        """Stops the run where several breaches were announced at once."""

        def look(self, engine, events):
            super().look(engine, events)
            if (events["kind"] == Happened.BREACHED).sum() > 3:
                kept["events"] = events
                raise StopIteration

    run.brute_force = Last(stage.world.rules, 7, stage.pools)
    run.set_up()
    minutes = iter(range(run.last))
    while not kept:
        with suppress(StopIteration):
            run.minute(next(minutes))
    assert (run.brute_force.missed, run.brute_force.wrong) == (0, 0)
    return run, kept["events"]


def looked(epoch, change):
    run, events = epoch
    found = BruteForce(run.stage.world.rules, 7, run.stage.pools)
    breached = np.flatnonzero(events["kind"] == Happened.BREACHED)
    found.look(run.line.engine, change(events.copy(), breached))
    return found.missed, found.wrong


def test_the_engines_own_answer_is_right(epoch):
    assert looked(epoch, lambda events, _: events) == (0, 0)


def test_a_breach_that_is_not_in_breach_is_wrong(epoch):
    def another(events, rows):
        events["pool"][rows[0]] = 2  # a market maker
        return events

    missed, wrong = looked(epoch, another)
    assert (missed, wrong > 0) == (0, True)


def test_a_surplus_off_by_a_unit_is_wrong(epoch):
    def off(events, rows):
        events["short"][rows[1]] += 1
        return events

    assert looked(epoch, off) == (0, 1)


def test_another_order_is_wrong(epoch):
    def swapped(events, rows):
        events[rows[:2]] = events[rows[:2][::-1]]
        return events

    missed, wrong = looked(epoch, swapped)
    assert (missed, wrong > 0) == (0, True)


def test_a_breach_kept_silent_is_missed(epoch):
    run, events = epoch
    pool = int(events["pool"][events["kind"] == Happened.BREACHED][0])
    state = run.line.engine.tables.pools["state"]
    before, state[pool] = int(state[pool]), 0
    try:
        assert looked(epoch, lambda one, rows: np.delete(one, rows[0])) == (1, 0)
    finally:
        state[pool] = before


def test_ring_1_sees_a_scan_that_is_off(epoch, monkeypatch):
    run, events = epoch

    def off(t, low, high, whole, *rest):
        surpluses(t, low, high, whole, *rest)
        whole[run.stage.first] += 1

    from solvent.simulation.brute_force import surpluses

    monkeypatch.setattr("solvent.simulation.brute_force.surpluses", off)
    found = BruteForce(run.stage.world.rules, 7, run.stage.pools, others=5_000)
    found.look(run.line.engine, events)
    assert (found.missed, found.wrong) == (0, 1)
    assert "ring 1" in found.first
