"""A journal cut at any byte, or with any bit flipped, opens to its last whole batch or refuses with the place."""

from pathlib import Path
from typing import NamedTuple

import pytest
from fake_engine import FakeEngine, fake_batch, fake_source

from solvent.journal.durable import DurableEngine
from solvent.journal.port import JournalDamaged, JournalError, Request
from solvent.journal.replay import verify
from solvent.journal.snapshots import restore, snapshot_folder
from solvent.journal.sqlite import SqliteJournal
from solvent.journal.sqlite_file import log_of
from solvent.journal.wal import FRAME_HEADER_BYTES, HEADER_BYTES, PAGE_BYTES

BATCHES = 6
SMALL_PAGE = 512  # SQLite's smallest: every byte of two batches in seconds; the deep test takes the real size


class Made(NamedTuple):
    path: Path
    file: bytes
    log: bytes
    log_ends: list  # log size after each batch, 0 … n
    hashes: list  # state after each batch


class Outcome(NamedTuple):
    seq: int
    state_hash: str
    notes: tuple


@pytest.fixture(scope="module", params=[SMALL_PAGE, pytest.param(PAGE_BYTES, marks=pytest.mark.deep)])
def made(request, tmp_path_factory):
    """A journal left by a killed writer: a first half folded into the file, the last two batches in the log."""
    path = tmp_path_factory.mktemp("made") / "journal.db"
    SqliteJournal.create(path, fake_source().segment(1, 1), page_bytes=request.param).close()
    hashes, log_ends = [FakeEngine().state_hash()], [0]
    for last in (BATCHES - 2, BATCHES):
        with DurableEngine.open(path, fake_source()) as engine:
            while engine.seq < last:
                number = engine.seq + 1
                keys = [Request(f"key-{number}", 0, 1)] if number % 2 else []
                engine.submit(fake_batch(number, payload=b"payload"), time_ns=number, requests=keys)
                hashes.append(engine.engine.state_hash())
                log_ends.append(log_of(path).stat().st_size if last == BATCHES else 0)
            file, log = path.read_bytes(), log_of(path).read_bytes()
    return Made(path, file, log, log_ends, hashes)


@pytest.fixture(scope="module")
def folded(made):
    """The same journal after a clean end: everything in one file."""
    assert not log_of(made.path).exists()
    return made._replace(file=made.path.read_bytes(), log=b"")


def reopen(folder, file, log, snapshots=None):
    """Open these bytes for reading and restore the engine; the outcome, or the JournalError."""
    path = folder / "journal.db"
    path.write_bytes(file)
    (folder / "journal.db-shm").unlink(missing_ok=True)
    log_of(path).write_bytes(log)
    try:
        journal = SqliteJournal.read(path)
    except JournalError as error:
        return error
    try:
        back = restore(journal, snapshots or snapshot_folder(path), fake_source())
    except JournalError as error:
        return error
    finally:
        journal.close()
    return Outcome(back.seq, back.engine.state_hash(), back.notes)


def places(data):
    """Every byte of a file with small pages; every 13th of one with real pages."""
    return range(0, len(data), 1 if len(data) < PAGE_BYTES else 13)


def flipped(data, place):
    changed = bytearray(data)
    changed[place] ^= 1 << place % 8
    return bytes(changed)


def whole_batches(made, size):
    """How many batches a log of ``size`` bytes still holds, with those in the file."""
    return BATCHES - 2 + sum(HEADER_BYTES < end <= size for end in made.log_ends[BATCHES - 1 :])


def test_the_undamaged_journal_opens_to_its_last_batch(made, tmp_path):
    assert reopen(tmp_path, made.file, made.log) == Outcome(BATCHES, made.hashes[-1], ())


def test_log_cut_at_every_byte_opens_to_the_last_whole_batch(made, tmp_path):
    noted = 0
    for size in range(len(made.log)):
        outcome = reopen(tmp_path, made.file, made.log[:size])
        expected = whole_batches(made, size)
        assert (outcome.seq, outcome.state_hash) == (expected, made.hashes[expected]), size
        noted += bool(outcome.notes)
    assert noted > len(made.log) // 4  # a half-written batch is spoken of as soon as its first page is there


def test_any_bit_of_the_last_batch_in_the_log_drops_that_batch_and_says_so(made, tmp_path):
    silent = []
    for place in range(made.log_ends[-2], made.log_ends[-1]):
        outcome = reopen(tmp_path, made.file, flipped(made.log, place))
        if isinstance(outcome, JournalError):  # the page with the mark was hit: it speaks of a batch far ahead
            assert isinstance(outcome, JournalDamaged), outcome
            continue
        assert (outcome.seq, outcome.state_hash) == (BATCHES - 1, made.hashes[-2]), place
        if not outcome.notes:
            silent.append(place - made.log_ends[-2])
    # Only a hit on the frame's page number or on the mark itself can hide which batch the page spoke of.
    assert all(place < 4 or FRAME_HEADER_BYTES + 60 <= place < FRAME_HEADER_BYTES + 64 for place in silent), silent


def test_any_bit_of_the_batch_before_the_last_in_the_log_is_refused_with_the_place(made, tmp_path):
    start = 0 if made.log_ends[-3] == 0 else made.log_ends[-3]
    for place in range(start, made.log_ends[-2]):
        outcome = reopen(tmp_path, made.file, flipped(made.log, place))
        assert isinstance(outcome, JournalDamaged), (place, outcome)
        assert outcome.seq == BATCHES - 1, (place, outcome)
        assert outcome.offset >= 0, (place, outcome)


def test_file_cut_at_every_byte_is_refused_or_has_lost_nothing(folded, tmp_path):
    refused = 0
    for size in places(folded.file):
        outcome = reopen(tmp_path, folded.file[:size], b"")
        if isinstance(outcome, JournalError):
            refused += 1
            assert isinstance(outcome, JournalDamaged) or size < 512, outcome
            continue
        assert (outcome.seq, outcome.state_hash) == (BATCHES, folded.hashes[-1]), size
    assert refused > len(places(folded.file)) // 2


def test_any_bit_of_the_file_is_refused_or_changes_nothing(folded, tmp_path):
    refused = 0
    for place in places(folded.file):
        outcome = reopen(tmp_path, flipped(folded.file, place), b"")
        if isinstance(outcome, JournalError):
            refused += 1
            continue
        assert (outcome.seq, outcome.state_hash) == (BATCHES, folded.hashes[-1]), (place, outcome)
    assert refused > 100


def test_after_a_cut_the_engine_goes_on_from_the_last_whole_batch(made, tmp_path):
    path = tmp_path / "journal.db"
    for size in range(0, len(made.log), max(1, len(made.log) // 40)):
        path.write_bytes(made.file)
        log_of(path).write_bytes(made.log[:size])
        with DurableEngine.open(path, fake_source()) as engine:
            assert engine.seq == whole_batches(made, size)
            while engine.seq < BATCHES:
                engine.submit(fake_batch(engine.seq + 1, payload=b"payload"), time_ns=9)
            assert engine.engine.state_hash() == made.hashes[-1]
        assert verify(path, fake_source()).good


def test_any_bit_of_a_snapshot_file_falls_back_and_says_so(tmp_path):
    path = tmp_path / "journal.db"
    with DurableEngine.create(path, fake_source()) as engine:
        for number in range(1, 5):
            engine.submit(fake_batch(number), time_ns=number)
        engine.snapshot()
        engine.submit(fake_batch(5), time_ns=5)
        state = engine.engine.state_hash()
    file = next(snapshot_folder(path).iterdir())
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(flipped(whole, place))
        outcome = reopen(tmp_path, path.read_bytes(), b"")
        assert (outcome.seq, outcome.state_hash) == (5, state)
        assert "after batch 4 was passed over" in outcome.notes[0]
    file.write_bytes(whole)
    assert reopen(tmp_path, path.read_bytes(), b"") == Outcome(5, state, ())
