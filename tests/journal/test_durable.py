"""The durable engine: nothing leaves before its commit, and what was committed comes back."""

import sqlite3
import threading
import time

import numpy as np
import pytest
from fake_engine import FakeEngine, fake_batch, fake_source

from solvent.engine.records import Batch, Reason, Verb, command
from solvent.journal.durable import DEPTH, DurableEngine, EngineStopped
from solvent.journal.port import Diverged, JournalDamaged, JournalError, Request, RequestRepeated, VersionRefused
from solvent.journal.replay import show, verify
from solvent.journal.snapshots import begin_version, snapshot_folder
from solvent.journal.sqlite import SqliteJournal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


@pytest.fixture
def durable(path):
    with DurableEngine.create(path, fake_source()) as engine:
        yield engine


def plain(last):
    """What an uninterrupted engine without a journal gives: its events by batch and its state."""
    engine = FakeEngine()
    return [engine.step(fake_batch(n)).tobytes() for n in range(1, last + 1)], engine.state_hash()


def send_until_it_stops(durable):
    futures = []
    try:
        for n in range(2, 40):
            futures.append(durable.pipeline(fake_batch(n), time_ns=n))  # noqa: PERF401 - it raises on the way
        durable.drain()
    except EngineStopped:
        return futures
    raise AssertionError("it did not stop")


class FailingDatabase:
    """A connection whose disk is full from the given statement on."""

    def __init__(self, database, statement):
        self.database, self.statement = database, statement

    def execute(self, text, *values):
        if text.startswith(self.statement):
            raise sqlite3.OperationalError("database or disk is full")
        return self.database.execute(text, *values)

    def executemany(self, *arguments):
        return self.database.executemany(*arguments)

    def close(self):
        self.database.close()


def test_in_turn_and_pipelined_give_the_plain_engines_events(durable, path):
    events, state = plain(20)
    got = [durable.submit(fake_batch(n), time_ns=n).tobytes() for n in range(1, 6)]
    futures = [durable.pipeline(fake_batch(n), time_ns=n) for n in range(6, 16)]
    got += [future.result(10).tobytes() for future in futures]
    got += [durable.submit(fake_batch(n), time_ns=n).tobytes() for n in range(16, 21)]
    assert got == events
    assert durable.engine.state_hash() == state
    report = verify(path, fake_source())
    assert (report.damage, report.batches, report.executed, report.state_hash) == ("", 20, 20, state)


def test_events_are_released_only_after_their_commit(durable, monkeypatch):
    gate, seen = threading.Event(), []
    append = durable.journal.append

    def slow(*arguments, **named):
        assert gate.wait(10)
        link = append(*arguments, **named)
        seen.append(link.seq)
        return link

    monkeypatch.setattr(durable.journal, "append", slow)
    futures = [durable.pipeline(fake_batch(n), time_ns=n) for n in range(1, DEPTH + 1)]
    time.sleep(0.05)
    assert not any(future.done() for future in futures)  # executed, held back
    assert durable.engine.seq == 3 * DEPTH
    for n, future in enumerate(futures, 1):
        future.add_done_callback(lambda _, n=n: seen.append(-n))
    gate.set()
    durable.drain()
    assert seen == [sign * n for n in range(1, DEPTH + 1) for sign in (1, -1)]


@pytest.mark.parametrize("statement", ["begin", "insert into batch", "pragma user_version", "commit"])
def test_an_engine_that_cannot_commit_stops_and_publishes_nothing(durable, path, statement):
    durable.submit(fake_batch(1), time_ns=1)
    durable.journal._database = FailingDatabase(durable.journal._database, statement)
    futures = send_until_it_stops(durable)
    assert futures
    for future in futures:
        with pytest.raises(EngineStopped, match="disk is full"):
            future.result(10)
    with pytest.raises(EngineStopped):
        durable.submit(fake_batch(2), time_ns=2)
    durable.close()
    with DurableEngine.open(path, fake_source()) as again:
        assert again.seq == 1
        assert again.engine.state_hash() == plain(1)[1]


def test_in_turn_too(durable):
    durable.journal._database = FailingDatabase(durable.journal._database, "commit")
    with pytest.raises(EngineStopped, match="disk is full"):
        durable.submit(fake_batch(1), time_ns=1)
    assert durable.seq == 0


def test_a_fault_of_the_engine_stops_it_and_is_not_journalled(durable, path):
    durable.submit(fake_batch(1), time_ns=1)
    with pytest.raises(EngineStopped, match="planted fault"):
        durable.submit(Batch(command(Verb.STOP, 1, 99)), time_ns=2)
    with pytest.raises(EngineStopped, match="planted fault"):
        durable.pipeline(fake_batch(2), time_ns=2)
    durable.close()
    with DurableEngine.open(path, fake_source()) as again:
        assert again.engine.state_hash() == plain(1)[1]


def test_what_is_no_batch_is_refused_without_effect(durable):
    with pytest.raises(ValueError, match="expected COMMAND"):
        durable.submit(Batch(np.zeros(3)), time_ns=0)
    with pytest.raises(ValueError, match="time_ns is -1"):
        durable.submit(fake_batch(1), time_ns=-1)
    with pytest.raises(ValueError, match="batch of 3 commands"):
        durable.submit(fake_batch(1), time_ns=0, requests=[Request("k", 2, 2)])
    assert durable.engine.seq == 0
    assert len(durable.submit(fake_batch(1), time_ns=0)) == 3


def test_a_repeated_request_never_reaches_the_engine(durable):
    durable.pipeline(fake_batch(1), time_ns=0, requests=[Request("a", 0, 1)])
    with pytest.raises(RequestRepeated, match="'a'"):
        durable.pipeline(fake_batch(2), time_ns=0, requests=[Request("b", 0, 1), Request("a", 1, 1)])
    with pytest.raises(RequestRepeated, match="on its way"):
        durable.pipeline(fake_batch(2), time_ns=0, requests=[Request("b", 0, 1), Request("b", 1, 1)])
    durable.drain()
    with pytest.raises(RequestRepeated, match="in batch 1") as caught:
        durable.submit(fake_batch(2), time_ns=0, requests=[Request("a", 0, 1)])
    assert caught.value.seq == 1
    assert durable.engine.seq == 3


def test_the_caller_cannot_change_a_batch_on_its_way(durable, path):
    batch = fake_batch(1)
    future = durable.pipeline(batch, time_ns=0)
    batch.commands["amount"] = 10**6
    with pytest.raises(ValueError, match="read-only"):
        future.result(10)["amount"] = 1
    assert verify(path, fake_source()).good


def test_restore_takes_the_newest_snapshot_and_the_tail(durable, path):
    for n in range(1, 10):
        durable.submit(fake_batch(n), time_ns=n)
        if n % 3 == 0 and n < 9:
            assert durable.snapshot() == durable.snapshot()  # again at the same batch: the same snapshot
    durable.close()
    with DurableEngine.open(path, fake_source()) as again:
        assert (again.restored.snapshot_seq, again.restored.replayed, again.restored.notes) == (6, 3, ())
        assert again.engine.state_hash() == plain(9)[1]
    assert verify(path, fake_source()).snapshots == {3: "", 6: ""}


@pytest.mark.parametrize("harm", ["altered", "padded", "empty", "gone"])
def test_a_broken_snapshot_falls_back_and_says_so(durable, path, harm):
    for n in range(1, 10):
        durable.submit(fake_batch(n), time_ns=n)
        if n % 3 == 0 and n < 9:
            durable.snapshot()
    durable.close()
    files = sorted(snapshot_folder(path).iterdir())
    for broken, expected in ((files[1], 3), (files[0], 0)):
        if harm == "gone":
            broken.unlink()
        else:
            whole = broken.read_text()
            broken.write_text({"empty": "", "padded": whole + " ", "altered": whole.replace("1", "2", 1)}[harm])
        with DurableEngine.open(path, fake_source()) as again:
            assert again.restored.snapshot_seq == expected
            assert again.engine.state_hash() == plain(9)[1]
            assert len(again.restored.notes) == 2 - expected // 3
            assert "The snapshot after batch 6 was passed over" in again.restored.notes[0]
    report = verify(path, fake_source())
    assert report.good
    assert all(report.snapshots.values())


def test_a_snapshot_that_cannot_be_written_leaves_the_engine_running(durable, path):
    snapshot_folder(path).write_text("a file where the folder should be")
    durable.submit(fake_batch(1), time_ns=1)
    with pytest.raises(JournalError, match="could not be written"):
        durable.snapshot()
    durable.submit(fake_batch(2), time_ns=2)
    assert durable.journal.snapshots() == ()


class OtherEngine(FakeEngine):
    """The same verbs, another arithmetic."""

    def apply(self, command):
        return Reason.AMOUNT if command["source_seq"] == 8 else super().apply(command)


def test_an_engine_that_answers_differently_is_found_out(durable, path):
    for n in range(1, 6):
        durable.submit(fake_batch(n), time_ns=n)
    durable.close()
    source = fake_source()
    other = type(source)(source.engine, source.rules, source.setup, OtherEngine, OtherEngine.restore)
    with pytest.raises(Diverged, match=r"batch \d+ did not give the events stored there: event \d is"):
        DurableEngine.open(path, other)
    report = verify(path, other)
    assert not report.good
    assert "did not give the events" in report.damage


@pytest.mark.parametrize(("field", "name"), [("version", "engine"), ("rules", "rules"), ("setup", "set-up")])
def test_another_version_refuses_to_append_but_verifies_the_chain(durable, path, field, name):
    for n in range(1, 6):
        durable.submit(fake_batch(n), time_ns=n)
    durable.close()
    other = fake_source(**{field: "another"})
    with pytest.raises(VersionRefused, match=f"its {name}.*start a new segment from a snapshot"):
        DurableEngine.open(path, other)
    with pytest.raises(VersionRefused):
        show(path, other, 2, 3)
    report = verify(path, other)
    assert (report.good, report.batches, report.executed) == (True, 5, 0)
    assert "by chain and events only" in report.notes[0]


def test_another_version_goes_on_in_a_new_segment(durable, path):
    for n in range(1, 4):
        durable.submit(fake_batch(n), time_ns=n)
    newer = fake_source("fake-2")
    with pytest.raises(JournalError, match="after batch 3: there is none"):
        begin_version(durable.journal, snapshot_folder(path), newer)
    durable.snapshot()
    durable.close()
    journal = SqliteJournal.open(path)
    assert begin_version(journal, snapshot_folder(path), newer) == newer.segment(2, 4)
    assert begin_version(journal, snapshot_folder(path), newer) == newer.segment(2, 4)
    journal.close()
    with DurableEngine.open(path, newer) as engine:
        for n in range(4, 8):
            engine.submit(fake_batch(n), time_ns=n)
        engine.snapshot()
    with DurableEngine.open(path, newer) as engine:
        assert engine.engine.state_hash() == plain(7)[1]
    with pytest.raises(VersionRefused):
        DurableEngine.open(path, fake_source())
    assert verify(path, newer).executed == 4
    old = verify(path, fake_source())
    assert (old.good, old.executed, old.batches, old.segments) == (True, 3, 7, 2)
    assert show(path, fake_source(), 2, 2)[2] == 6
    for file in snapshot_folder(path).iterdir():
        file.unlink()
    with pytest.raises(JournalError, match="no good snapshot of it is left"):
        DurableEngine.open(path, newer)


def test_show_gives_the_moment_after_a_batch(durable, path):
    engine = FakeEngine()
    for n in range(1, 8):
        durable.submit(fake_batch(n), time_ns=n)
        if n == 4:
            durable.snapshot()
    for n in range(1, 8):
        engine.step(fake_batch(n))
        assert show(path, fake_source(), 3, n) == engine.book(3)
    with pytest.raises(JournalError, match="batch 8 is not in the journal; expected 0 to 7"):
        show(path, fake_source(), 3, 8)


def test_verify_reports_damage_with_the_place(durable, path):
    for n in range(1, 6):
        durable.submit(fake_batch(n), time_ns=n)
    durable.close()
    database = sqlite3.connect(path)
    database.execute("update batch set events=(select events from batch where seq=1) where seq=3")
    database.commit()
    database.close()
    report = verify(path, fake_source())
    assert not report.good
    assert report.damage.startswith("journal damaged at batch 3, ")
    assert report.batches == 2


def test_a_recorded_state_hash_that_is_not_the_replays_is_found(durable, path):
    for n in range(1, 4):
        durable.submit(fake_batch(n), time_ns=n)
    good = durable.snapshot()
    durable.submit(fake_batch(4), time_ns=4)
    durable.journal.add_snapshot(good._replace(state_hash="another"))
    durable.close()
    with DurableEngine.open(path, fake_source()) as again:
        assert "gives another state hash" in again.restored.notes[0]
        assert again.restored.snapshot_seq == 3  # from the first row of the two
    database = sqlite3.connect(path)
    database.execute("delete from snapshot where state_hash!='another'")
    database.commit()
    database.close()
    assert "state hash differs" in verify(path, fake_source()).damage


def test_a_snapshot_of_another_journal_is_passed_over(durable, path):
    durable.submit(fake_batch(1), time_ns=1)
    good = durable.snapshot()
    durable.submit(fake_batch(2), time_ns=2)
    durable.journal.add_snapshot(good._replace(seq=2))
    durable.journal.add_snapshot(good._replace(chain=bytes(32)))
    durable.close()
    with DurableEngine.open(path, fake_source()) as again:
        assert len(again.restored.notes) == 2
        assert all("does not belong to this journal's chain" in note for note in again.restored.notes)
        assert again.engine.state_hash() == plain(2)[1]


def test_verify_checks_the_form_of_events_of_other_versions(tmp_path):
    def report(change):
        path = tmp_path / f"{change}.db"
        journal = SqliteJournal.create(path, fake_source().segment(1, 1))
        engine = FakeEngine()
        for n in (1, 2):
            events = engine.step(fake_batch(n))
            if n == 2:
                events["seq" if change == "number" else "kind"][1] += {"number": 1, "answer": 2, "none": 0}[change]
            journal.append(fake_batch(n), events.tobytes(), time_ns=n)
        journal.close()
        return verify(path, fake_source("fake-2"))

    assert report("none").good
    assert "event numbers do not run on from 3" in report("number").damage
    assert "3 commands have 2 answers" in report("answer").damage


def test_a_snapshot_of_an_older_segment_is_not_executed_across(durable, path):
    durable.submit(fake_batch(1), time_ns=1)
    durable.snapshot()
    durable.submit(fake_batch(2), time_ns=2)
    file = durable.snapshot().file
    newer = fake_source("fake-2")
    begin_version(durable.journal, snapshot_folder(path), newer)
    durable.close()
    (snapshot_folder(path) / file).unlink()
    with pytest.raises(JournalError, match="no good snapshot of it is left"):
        DurableEngine.open(path, newer)
    report = verify(path, newer)
    assert (report.good, report.executed, report.batches) == (True, 0, 2)


def test_a_row_that_goes_away_under_a_reader_is_missed(durable, path):
    for n in range(1, 4):
        durable.submit(fake_batch(n), time_ns=n)
    reader = SqliteJournal.read(path)
    database = sqlite3.connect(path)
    database.execute("delete from batch where seq=3")
    database.commit()
    database.close()
    with pytest.raises(JournalDamaged, match="rows end before batch 3"):
        list(reader.batches())
    reader.close()
