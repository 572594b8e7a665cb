"""The line to the engine: numbering, cutting, payloads, and going on from what a store kept."""

import numpy as np
import pytest

from solvent.engine.engine import Engine
from solvent.engine.records import Happened, Reason, Verb
from solvent.simulation.datasets import load
from solvent.simulation.driver import Line, Past, ResumeError, Stopped
from solvent.simulation.market_makers import commands as maker_commands
from solvent.simulation.replay import engine_limits, stage_of
from solvent.simulation.stage import accounts, house
from solvent.simulation.world import listings, price_command, venues

STAGE = stage_of("mar-2020", 20, 7)


def new_engine():
    return Engine(engine_limits(STAGE), venues=venues("generic"))


class Kept:
    """A store in memory."""

    def __init__(self) -> None:
        self.engine = new_engine()
        self.past: list[Past] = []

    def submit(self, batch, *, time_ns):
        events = self.engine.step(batch)
        self.past.append(Past(batch, events))
        return events


def drive(line):
    """A short set-up in four flushes; every event."""
    data = load("mar-2020")
    line.add_sent(listings(STAGE.world))
    sheets = [line.flush()]
    line.add_sent([price_command(STAGE.world, data.open_ticks[0], data.time_ns(0))])
    sheets.append(line.flush())
    for rows in (*house(STAGE), *maker_commands(STAGE.world, STAGE.makers), *accounts(STAGE)):
        line.add(rows)
    sheets.append(line.flush())
    line.add_sent([price_command(STAGE.world, data.open_ticks[1], data.time_ns(1))])
    sheets.append(line.flush())
    return np.concatenate([events for _, events in sheets])


def test_events_do_not_depend_on_the_cut():
    whole, single, seven = (drive(Line(new_engine(), batch=size)) for size in (1_000, 1, 7))
    assert whole.tobytes() == single.tobytes() == seven.tobytes()
    assert (whole["kind"] == Happened.DONE).sum() > 50


@pytest.mark.parametrize("batch", [4, 7])
def test_a_long_set_up_in_parts_gives_the_same_events(monkeypatch, batch):
    whole = drive(Line(new_engine(), batch=batch))
    monkeypatch.setattr("solvent.simulation.driver.PART", 8)
    line = Line(new_engine(), batch=batch)
    assert drive(line).tobytes() == whole.tobytes()
    line.add_sent(listings(STAGE.world))
    sizes = [rows.size for rows, _ in line.parts()]
    assert max(sizes) == {4: 8, 7: 7}[batch]
    assert sum(sizes) == len(listings(STAGE.world))


def test_numbers_rise_by_source_and_repeated_commands_keep_theirs():
    line = Line(new_engine())
    line.add_sent(listings(STAGE.world))
    sent, _ = line.flush()
    assert sent["source_seq"].tolist() == list(range(1, sent.size + 1))
    line.add(sent[:2].copy())
    _, events = line.flush()
    assert events["reason"].tolist() == [Reason.DUPLICATE] * 2


@pytest.mark.parametrize(("first", "second"), [(1_000, 1_000), (7, 3), (3, 1_000)])
@pytest.mark.parametrize("batches", [1, 2, 3, 5])
def test_a_killed_run_goes_on_from_what_was_kept(first, second, batches):
    expected_engine = new_engine()
    expected = drive(Line(expected_engine))
    store = Kept()
    try:
        drive(Line(new_engine(), batch=first, store=store, stop_after=batches))
    except Stopped:
        assert len(store.past) == batches
    line = Line(new_engine(), batch=second, store=store, past=list(store.past))
    assert drive(line).tobytes() == expected.tobytes()
    line.finish()
    assert line.engine is store.engine
    assert store.engine.state_hash() == expected_engine.state_hash()


def test_a_store_of_another_run_is_refused():
    store = Kept()
    drive(Line(new_engine(), store=store))
    past = list(store.past)
    rows = past[2].batch.commands.copy()
    rows["amount"][-1] += 1
    past[2] = Past(type(past[2].batch)(rows, past[2].batch.payload), past[2].events)
    with pytest.raises(ResumeError, match="commands kept are not those of this run"):
        drive(Line(new_engine(), store=store, past=past))


def test_events_kept_that_differ_are_refused():
    store = Kept()
    drive(Line(new_engine(), store=store))
    past = list(store.past)
    events = past[0].events.copy()
    events["amount"][0] += 1
    past[0] = Past(past[0].batch, events)
    with pytest.raises(ResumeError, match="events kept"):
        drive(Line(new_engine(), store=store, past=past))


def test_a_store_whose_state_differs_is_refused():
    store = Kept()
    with pytest.raises(Stopped):
        drive(Line(new_engine(), store=store, stop_after=2))
    store.engine = new_engine()
    with pytest.raises(ResumeError, match="the state kept has hash"):
        drive(Line(new_engine(), store=store, past=list(store.past)))


def test_a_store_that_kept_more_than_the_run_is_refused():
    store = Kept()
    drive(Line(new_engine(), store=store))
    line = Line(new_engine(), store=store, past=list(store.past))
    line.add_sent(listings(STAGE.world))
    line.flush()
    with pytest.raises(ResumeError, match="kept more commands"):
        line.finish()


def test_an_empty_flush_sends_nothing_and_a_batch_of_none_is_refused():
    line = Line(new_engine())
    commands, events = line.flush()
    assert commands.size == events.size == line.batches == 0
    with pytest.raises(ValueError, match="batch must be at least 1, not 0"):
        Line(new_engine(), batch=0)


def test_the_listing_is_done_whole():
    line = Line(new_engine())
    line.add_sent(listings(STAGE.world))
    sent, events = line.flush()
    assert (events["kind"] == Happened.DONE).all()
    assert events.size == sent.size
    assert (sent["kind"] == Verb.SCHEDULE_RULES).sum() == 4
