"""The journal's own verbs: append, read back, refuse."""

import sqlite3
import time
from dataclasses import replace

import numpy as np
import pytest
from fake_engine import fake_batch, fake_source

from solvent.engine.records import COMMAND, EVENT, Batch
from solvent.journal import fold
from solvent.journal.port import (
    CommitFailed,
    JournalDamaged,
    JournalError,
    Request,
    Snapshot,
    StoredBatch,
    batch_link,
    segment_link,
)
from solvent.journal.sqlite import SqliteJournal
from solvent.journal.sqlite_file import log_of
from solvent.journal.version import digest_of_sources, engine_version, names_of_rules, rules_text
from solvent.venues import venue

EVENTS = bytes(EVENT.itemsize * 2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path):
    with_segment = SqliteJournal.create(path, fake_source().segment(1, 1))
    yield with_segment
    with_segment.close()


def test_what_was_appended_is_read_back_byte_for_byte(journal):
    given = [fake_batch(n, payload=b"p" * n) for n in (1, 2, 3)]
    for n, batch in enumerate(given, 1):
        journal.append(batch, EVENTS, time_ns=n * 10, requests=[Request(f"k{n}", 1, 2)])
    rows = list(journal.batches())
    assert [row.seq for row in rows] == [1, 2, 3]
    assert [row.time_ns for row in rows] == [10, 20, 30]
    assert [row.batch().commands.tobytes() for row in rows] == [batch.commands.tobytes() for batch in given]
    assert [row.payload for row in rows] == [b"p", b"pp", b"ppp"]
    assert all(row.events == EVENTS for row in rows)
    assert [row.requests for row in rows] == [(Request(f"k{n}", 1, 2, n),) for n in (1, 2, 3)]
    assert [row.seq for row in journal.batches(3)] == [3]
    assert list(journal.batches(4)) == []


def test_the_chain_is_the_documented_hash(journal):
    chain = segment_link(bytes(32), fake_source().segment(1, 1))
    assert journal.last == (0, chain)
    batch = fake_batch(1)
    link = journal.append(batch, EVENTS, time_ns=7)
    row = StoredBatch(1, 7, 3, batch.commands.tobytes(), b"", EVENTS)
    assert link == journal.last == (1, batch_link(chain, row))


ROW = StoredBatch(1, 2, 3, b"commands", b"payload", b"events", (Request("key", 0, 1),))


@pytest.mark.parametrize(
    "other",
    [
        StoredBatch(2, 2, 3, b"commands", b"payload", b"events", (Request("key", 0, 1),)),
        StoredBatch(1, 3, 3, b"commands", b"payload", b"events", (Request("key", 0, 1),)),
        StoredBatch(1, 2, 4, b"commands", b"payload", b"events", (Request("key", 0, 1),)),
        StoredBatch(1, 2, 3, b"commandsp", b"ayload", b"events", (Request("key", 0, 1),)),
        StoredBatch(1, 2, 3, b"commands", b"payloade", b"vents", (Request("key", 0, 1),)),
        StoredBatch(1, 2, 3, b"commands", b"payload", b"events", (Request("kez", 0, 1),)),
        StoredBatch(1, 2, 3, b"commands", b"payload", b"events", (Request("key", 0, 2),)),
        StoredBatch(1, 2, 3, b"commands", b"payload", b"events"),
    ],
)
def test_every_column_counts_in_the_chain(other):
    assert batch_link(bytes(32), other) != batch_link(bytes(32), ROW)
    assert batch_link(bytes(31) + b"x", ROW) != batch_link(bytes(32), ROW)


def test_a_request_key_is_found_again_and_only_once(journal):
    journal.append(fake_batch(1), EVENTS, time_ns=0, requests=[Request("order-1", 0, 2), Request("order-2", 2, 1)])
    assert journal.request("order-2") == Request("order-2", 2, 1, 1)
    assert journal.request("order-3") is None
    with pytest.raises(CommitFailed, match="UNIQUE"):
        journal.append(fake_batch(2), EVENTS, time_ns=0, requests=[Request("order-1", 0, 1)])
    assert journal.last.seq == 1
    assert journal.request("order-1") == Request("order-1", 0, 2, 1)


def test_after_a_failed_commit_nothing_more_is_taken(journal, path):
    journal.append(fake_batch(1), EVENTS, time_ns=0, requests=[Request("a", 0, 1)])
    for _ in range(2):
        with pytest.raises(CommitFailed, match="batch 2"):
            journal.append(fake_batch(2), EVENTS, time_ns=0, requests=[Request("a", 0, 1)])
    journal.close()
    assert [row.seq for row in SqliteJournal.read(path).batches()] == [1]


def test_a_second_writer_cannot_fork_the_chain(journal, path):
    second = SqliteJournal.open(path)
    journal.append(fake_batch(1), EVENTS, time_ns=0)
    with pytest.raises(CommitFailed, match="UNIQUE"):
        second.append(fake_batch(1), EVENTS, time_ns=0)
    second.close()
    assert len(list(journal.batches())) == 1


def test_a_reader_looks_on_and_changes_nothing(journal, path):
    journal.append(fake_batch(1), EVENTS, time_ns=0)
    reader = SqliteJournal.read(path)
    assert [row.seq for row in reader.batches()] == [1]
    with pytest.raises(CommitFailed, match="readonly"):
        reader.append(fake_batch(2), EVENTS, time_ns=0)
    reader.close()
    journal.append(fake_batch(2), EVENTS, time_ns=0)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("time_ns", 6, "hash"),
        ("count", 2, "hash"),
        ("commands", bytes(64 * 3), "hash"),
        ("payload", b"x", "hash"),
        ("events", b"", "hash"),
        ("events", "text", "type"),
        ("chain", bytes(32), "hash"),
        ("seq", 9, "mark of the last batch"),
    ],
)
def test_an_altered_row_is_refused_with_its_number(journal, path, column, value, what):
    for n in range(1, 6):
        journal.append(fake_batch(n), EVENTS, time_ns=5)
    journal.close()
    database = sqlite3.connect(path)
    database.execute(f"update batch set {column}=? where seq=3", (value,))
    database.commit()
    database.close()
    with pytest.raises(JournalDamaged, match=what) as caught:
        list(SqliteJournal.read(path).batches())
    assert caught.value.seq == (10 if column == "seq" else 3)


def test_a_row_taken_away_is_missed_in_the_middle_and_at_the_end(journal, path):
    for n in range(1, 6):
        journal.append(fake_batch(n), EVENTS, time_ns=5)
    journal.close()
    database = sqlite3.connect(path)
    database.execute("delete from batch where seq=5")
    database.commit()
    with pytest.raises(JournalDamaged, match="mark of the last batch is 5, but the last row is batch 4"):
        SqliteJournal.open(path)
    database.execute("pragma user_version=4")
    database.execute("delete from batch where seq=2")
    database.commit()
    database.close()
    with pytest.raises(JournalDamaged, match="the next is batch 3") as caught:
        list(SqliteJournal.read(path).batches())
    assert caught.value.seq == 2
    assert caught.value.offset > 0


def test_an_altered_header_breaks_the_first_link(journal, path):
    journal.append(fake_batch(1), EVENTS, time_ns=5)
    journal.close()
    database = sqlite3.connect(path)
    database.execute("update segment set rules='other rules'")
    database.commit()
    database.close()
    with pytest.raises(JournalDamaged, match="batch 1"):
        SqliteJournal.open(path)


def test_an_altered_snapshot_row_is_left_out_and_noted(journal, path):
    journal.append(fake_batch(1), EVENTS, time_ns=5)
    snapshot = Snapshot(1, "name", "digest", "hash", journal.last.chain)
    journal.add_snapshot(snapshot)
    assert journal.snapshots() == (snapshot,)
    journal.close()
    database = sqlite3.connect(path)
    database.execute("update snapshot set state_hash='better'")
    database.commit()
    database.close()
    reader = SqliteJournal.read(path)
    assert reader.snapshots() == ()
    assert reader.notes == ("The row of the snapshot after batch 1 was altered; it is not used.",)


def test_files_that_are_no_journal_are_refused(tmp_path, path, journal):
    with pytest.raises(JournalError, match="no journal at"):
        SqliteJournal.open(tmp_path / "absent.db")
    with pytest.raises(JournalError, match="expected a new name"):
        SqliteJournal.create(path, fake_source().segment(1, 1))
    (tmp_path / "empty.db").touch()
    with pytest.raises(JournalError, match="no journal of ours"):
        SqliteJournal.open(tmp_path / "empty.db")
    (tmp_path / "text.db").write_text("not a database at all, but long enough to look like one\n" * 20)
    with pytest.raises(JournalDamaged, match="not a database"):
        SqliteJournal.open(tmp_path / "text.db")
    assert (tmp_path / "empty.db").read_bytes() == b""


def test_a_segment_must_follow_on(journal):
    journal.append(fake_batch(1), EVENTS, time_ns=5)
    with pytest.raises(JournalError, match=r"expected \(id, first_seq\) = \(2, 2\)"):
        journal.begin_segment(fake_source("fake-2").segment(2, 1))
    before = journal.last
    journal.begin_segment(fake_source("fake-2").segment(2, 2))
    assert journal.last != before
    journal.append(fake_batch(2), EVENTS, time_ns=5)
    assert [row.seq for row in journal.batches()] == [1, 2]


def test_a_large_batch_and_an_empty_one(journal):
    commands = np.zeros(5000, COMMAND)
    journal.append(Batch(commands, bytes(100_000)), bytes(EVENT.itemsize * 5000), time_ns=2**63 - 1)
    journal.append(Batch(commands[:0]), b"", time_ns=0)
    assert [row.count for row in journal.batches()] == [5000, 0]


def test_the_log_is_folded_into_the_file_and_stays_short(journal, path, monkeypatch):
    monkeypatch.setattr(fold, "PAGES_BETWEEN", 20)
    commands, longest = np.zeros(1000, COMMAND), 0
    for n in range(1, 151):
        journal.append(Batch(commands), bytes(EVENT.itemsize * 1000), time_ns=n)
        longest = max(longest, log_of(path).stat().st_size)
        time.sleep(0.001)
    assert journal._fold.complaint == ""
    assert longest < path.stat().st_size / 2
    assert path.stat().st_size > 100 * 64_000
    assert [row.time_ns for row in journal.batches()] == list(range(1, 151))


def test_a_fold_that_fails_loses_nothing(journal, path, monkeypatch):
    monkeypatch.setattr(fold, "PAGES_BETWEEN", 2)
    monkeypatch.setattr(fold, "FOLD", "no such statement")
    for n in range(1, 21):
        journal.append(fake_batch(n), EVENTS, time_ns=n)
    journal._fold.close()
    assert "syntax error" in journal._fold.complaint
    assert [row.seq for row in SqliteJournal.read(path).batches()] == list(range(1, 21))


def test_versions_follow_the_sources_that_decide_events(tmp_path):
    package = tmp_path / "solvent"
    for name in ("engine/a.py", "ledger/b.py", "units.py", "rates.py", "instruments.py", "book.py", "rules.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("one = 1\n")
    (package / "cli.py").write_text("one = 1\n")
    first = digest_of_sources(package)
    (package / "cli.py").write_text("one = 2\n")
    assert digest_of_sources(package) == first
    (package / "ledger/b.py").write_text("one = 2\n")
    second = digest_of_sources(package)
    (package / "ledger/b.py").rename(package / "ledger/c.py")
    assert len({first, second, digest_of_sources(package)}) == 3
    assert engine_version() == engine_version()


def test_the_text_of_rules_follows_their_numbers_and_names_them():
    generic = venue("generic")
    fees = replace(generic.fees, taker_ppm=generic.fees.taker_ppm + 1)
    first = rules_text({"generic": generic, "other": generic})
    assert first == rules_text({"other": generic, "generic": generic})
    assert first != rules_text({"generic": replace(generic, fees=fees), "other": generic})
    assert names_of_rules(first) == {"generic", "other"}
    assert names_of_rules("[]") == names_of_rules("no rules") == frozenset()
