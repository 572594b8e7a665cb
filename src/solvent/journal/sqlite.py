"""The journal in one SQLite file: write-ahead log, one row a batch, synced before ``append`` returns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from solvent.engine.records import COMMAND, EVENT, Batch
from solvent.journal import fault
from solvent.journal.fold import Folder
from solvent.journal.port import (
    NOTHING_BEFORE,
    CommitFailed,
    JournalDamaged,
    JournalError,
    Link,
    Request,
    Segment,
    Snapshot,
    StoredBatch,
    batch_link,
    segment_link,
    snapshot_seal,
)
from solvent.journal.sqlite_file import as_journal_error, connect, find_last, log_of, sync_folder
from solvent.journal.wal import PAGE_BYTES, dropped, mark_of

APPLICATION_ID = 0x534C5654  # "SLVT": tells our file from any other SQLite file
TABLES = """
create table segment(id integer primary key, first_seq integer not null, engine text not null, schema text not null,
  rules text not null, setup text not null);
create table batch(seq integer primary key, time_ns integer not null, count integer not null, commands blob not null,
  payload blob not null, events blob not null, chain blob not null);
create table request(key text primary key, seq integer not null, position integer not null, length integer not null)
  without rowid;
create index request_seq on request(seq);
create table snapshot(seq integer not null, file text not null, digest text not null, state_hash text not null,
  chain blob not null, seal blob not null);
"""
BATCH_COLUMNS = "seq, time_ns, count, commands, payload, events, chain"
BATCH_TYPES = (int, int, int, bytes, bytes, bytes, bytes)
PAGES_BESIDE = 3  # of a transaction, beside the batch's bytes: page 1, the way to the row
REQUEST_TYPES = (str, int, int, int)


class SqliteJournal:
    """A :class:`~solvent.journal.port.Journal` in a SQLite file. One writer at a time; readers may look on."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path = path
        self._database = database
        self._reader: sqlite3.Connection | None = None  # opened when first asked: the other one is the writer's
        self._notes: list[str] = []
        self._fold = Folder(path)
        self._failed = ""
        try:
            self._segments = self._read_segments()
            self._last = self._read_last()
        except BaseException:
            database.close()
            raise

    @classmethod
    def create(cls, path: Path | str, segment: Segment, *, page_bytes: int = PAGE_BYTES) -> Self:
        """Make a new journal with its first segment and open it for writing; JournalError if the file is there.

        It is made whole under another name first, so a file called ``path`` is never half a journal.
        """
        path = Path(path)
        if path.exists() or log_of(path).exists():
            raise JournalError(f"cannot create journal {path}: the file or its log exists; expected a new name")
        draft = path.with_name(path.name + ".new")
        for leftover in (draft, log_of(draft), draft.with_name(draft.name + "-shm")):
            leftover.unlink(missing_ok=True)
        with as_journal_error(draft):
            database = connect(draft, "rwc", page_bytes)
            database.execute("begin immediate")
            for statement in TABLES.split(";\n"):
                database.execute(statement)
            database.execute(f"pragma application_id={APPLICATION_ID}")
            database.execute("insert into segment values(?,?,?,?,?,?)", segment)
            database.execute("commit")
            database.close()  # folds the log into the file
        draft.rename(path)
        sync_folder(path.parent)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open for appending; raises JournalDamaged, before anything is written, where the end is not whole."""
        cls.read(path).close()
        path = Path(path)
        with as_journal_error(path):
            journal = cls(path, connect(path, "rw"))
        journal._check_end()
        return journal

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Open for reading only; nothing in the file or its log changes. Checks the end as :meth:`open` does."""
        path = Path(path)
        if not path.exists():
            raise JournalError(f"no journal at {path}; expected a file made by create")
        with as_journal_error(path):
            journal = cls(path, connect(path, "ro"))
        try:
            journal._check_end()
        except BaseException:
            journal.close()
            raise
        return journal

    @property
    def last(self) -> Link:
        """Number and hash of the last batch."""
        return self._last

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be dropped at opening, in whole sentences."""
        return tuple(self._notes)

    def segments(self) -> tuple[Segment, ...]:
        """All segments, oldest first."""
        return self._segments

    def begin_segment(self, segment: Segment) -> None:
        """Start a segment after the last batch; JournalError where its numbers do not follow on."""
        expected = (self._segments[-1].id + 1, self._last.seq + 1)
        if (segment.id, segment.first_seq) != expected:
            raise JournalError(f"segment {segment[:2]} does not follow on; expected (id, first_seq) = {expected}")
        with self._transaction(self._last.seq):
            self._database.execute("insert into segment values(?,?,?,?,?,?)", segment)
        self._segments = (*self._segments, segment)
        self._last = Link(self._last.seq, segment_link(self._last.chain, segment))

    def append(self, batch: Batch, events: bytes, *, time_ns: int, requests: Sequence[Request] = ()) -> Link:
        """Commit one batch and its events; raises CommitFailed where that is not certain, and ever after."""
        if self._failed:
            raise CommitFailed(f"journal {self.path} takes no more batches: {self._failed}")
        seq = self._last.seq + 1
        requests = tuple(request._replace(seq=seq) for request in requests)
        row = StoredBatch(seq, time_ns, len(batch), batch.commands.tobytes(), batch.payload, events, requests)
        link = Link(seq, batch_link(self._last.chain, row))
        values = (seq, time_ns, row.count, row.commands, row.payload, events, link.chain)
        with self._transaction(seq):
            self._database.execute(f"insert into batch({BATCH_COLUMNS}) values(?,?,?,?,?,?,?)", values)
            self._database.executemany("insert into request(key, position, length, seq) values(?,?,?,?)", requests)
            fault.reach(fault.BEFORE_COMMIT)
        self._last = link
        written = len(row.commands) + len(row.payload) + len(events)
        self._fold.after_commit(self._database, written // PAGE_BYTES + PAGES_BESIDE)
        return link

    def batches(self, first: int = 1) -> Iterator[StoredBatch]:
        """Batches from number ``first`` on, each checked against the chain; raises JournalDamaged."""
        chain = self._chain_before(first)
        seq = first
        with as_journal_error(self.path, lambda what: self._damaged(what, seq, chain)):
            query = f"select {BATCH_COLUMNS} from batch where seq>=? order by seq"  # noqa: S608 - no outside text
            for values in self._database.execute(query, (first,)):
                row = self._row(values, seq, chain)
                yield row
                chain = row.chain
                seq += 1
                chain = self._through_segments(chain, seq)
        if seq != self._last.seq + 1:
            raise self._damaged(f"rows end before batch {self._last.seq}", seq, chain)

    def request(self, key: str) -> Request | None:
        """The committed request of that key. May be called while another thread appends."""
        query = "select key, position, length, seq from request where key=?"
        with as_journal_error(self.path):
            if self._reader is None:
                self._reader = connect(self.path, "ro")
            values = self._reader.execute(query, (key,)).fetchone()
        return Request(*values) if values else None

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Record a snapshot whose file is already in place."""
        with self._transaction(self._last.seq):
            row = (*snapshot, snapshot_seal(snapshot))
            self._database.execute("insert into snapshot values(?,?,?,?,?,?)", row)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Recorded snapshots, newest first; rows that do not bear their own seal are left out and noted."""
        good = []
        with as_journal_error(self.path):
            rows = self._database.execute("select * from snapshot order by seq desc, rowid desc").fetchall()
        for *values, seal in rows:
            snapshot = Snapshot(*values)
            if tuple(map(type, values)) == (int, str, str, str, bytes) and snapshot_seal(snapshot) == seal:
                good.append(snapshot)
            else:
                self._note(f"The row of the snapshot after batch {values[0]} was altered; it is not used.")
        return tuple(good)

    def check_structure(self) -> str:
        """SQLite's own integrity check: "" or its first complaint. Reads the whole file."""
        with as_journal_error(self.path):
            answer = str(self._database.execute("pragma integrity_check(1)").fetchone()[0])
        return "" if answer == "ok" else answer

    def close(self) -> None:
        """Let go of the file; the last writer folds the log into it."""
        self._fold.close()
        for database in (self._reader, self._database):
            with suppress(sqlite3.Error):
                if database is not None:
                    database.close()

    @contextmanager
    def _transaction(self, seq: int) -> Iterator[None]:
        """Commit what the block writes together with the mark of batch ``seq``; any failure is final."""
        try:
            self._database.execute("begin immediate")
            yield
            self._database.execute(f"pragma user_version={mark_of(seq)}")
            self._database.execute("commit")
        except BaseException as error:
            self._failed = f"batch {seq} could not be committed ({error})"
            with suppress(sqlite3.Error):
                self._database.execute("rollback")
            if isinstance(error, Exception):
                raise CommitFailed(f"journal {self.path}: {self._failed}") from error
            raise

    def _row(self, values: tuple[Any, ...], seq: int, chain: bytes) -> StoredBatch:
        """A row as a StoredBatch, proved to be batch ``seq`` after ``chain``."""
        if values[0] != seq:
            raise self._damaged(f"the row is missing (the next is batch {values[0]})", seq, chain)
        if tuple(map(type, values)) != BATCH_TYPES:
            raise self._damaged("a column has the wrong type", seq, chain)
        query = "select key, position, length, seq from request where seq=? order by key"
        requests = tuple(Request(*found) for found in self._database.execute(query, (seq,)))
        if any(tuple(map(type, request)) != REQUEST_TYPES for request in requests):
            raise self._damaged("a request has a column of the wrong type", seq, chain)
        stored: bytes = values[-1]
        number, time_ns, count, commands, payload, events = values[:-1]
        row = StoredBatch(number, time_ns, count, commands, payload, events, requests, stored)
        if batch_link(chain, row) != stored:
            raise self._damaged("its hash does not match commands, payload, events and the batch before", seq, chain)
        if row.count * COMMAND.itemsize != len(row.commands) or len(row.events) % EVENT.itemsize:
            raise self._damaged("its records are not whole", seq, chain)
        return row

    def _chain_before(self, first: int) -> bytes:
        """The link that batch ``first`` hangs on."""
        if not 1 <= first <= self._last.seq + 1:
            raise JournalError(f"first batch {first} is not in the journal; expected 1 to {self._last.seq + 1}")
        chain = NOTHING_BEFORE
        if first > 1:
            with as_journal_error(self.path):
                found = self._database.execute("select chain from batch where seq=?", (first - 1,)).fetchone()
            if found is None or type(found[0]) is not bytes:
                raise self._damaged("the row is missing", first - 1, NOTHING_BEFORE)
            chain = found[0]
        return self._through_segments(chain, first)

    def _through_segments(self, chain: bytes, seq: int) -> bytes:
        """The chain, led through the segments that begin at batch ``seq``."""
        for segment in self._segments:
            if segment.first_seq == seq:
                chain = segment_link(chain, segment)
        return chain

    def _read_segments(self) -> tuple[Segment, ...]:
        if self._one("pragma application_id") != APPLICATION_ID:
            raise JournalError(f"{self.path} is no journal of ours; expected application id {APPLICATION_ID:#x}")
        segments = tuple(Segment(*row) for row in self._database.execute("select * from segment order by id"))
        whole = [segment.id for segment in segments] == list(range(1, len(segments) + 1))
        typed = all(tuple(map(type, segment)) == (int, int, str, str, str, str) for segment in segments)
        if not (segments and whole and typed and segments[0].first_seq == 1):
            raise JournalDamaged("the table of segments is not whole", seq=1, file=self.path)
        return segments

    def _read_last(self) -> Link:
        """The last batch by its row; its hash is checked by :meth:`_check_end`."""
        seq = self._one("select max(seq) from batch") or 0
        if type(seq) is not int or seq < 0:
            raise JournalDamaged(f"the last row has number {seq!r}", seq=1, file=self.path)
        self._last = Link(seq, NOTHING_BEFORE)
        return Link(seq, self._chain_before(seq + 1))

    def _check_end(self) -> None:
        """Whether the journal ends where it says; notes a half-written transaction that SQLite dropped."""
        last = self._last.seq
        lost = dropped(log_of(self.path), last, self._one("pragma page_size"))
        if lost is not None and lost.ahead > 1:
            what = f"its log speaks of batch {last + lost.ahead}, but is broken before it"
            raise JournalDamaged(what, seq=last + 1, file=log_of(self.path), offset=lost.offset)
        if lost is not None:
            self._note(
                f"A half-written batch {last + 1} was dropped ({log_of(self.path).name} from byte {lost.offset})."
            )
        mark = self._one("pragma user_version")
        if mark != mark_of(last):
            raise self._damaged(f"the mark of the last batch is {mark}, but the last row is batch {last}", last + 1)
        if self._segments[-1].first_seq > last + 1:
            raise self._damaged(f"segment {self._segments[-1].id} begins after the last row", last + 1)
        for _ in self.batches(max(1, last)):
            pass

    def _one(self, query: str) -> Any:
        with as_journal_error(self.path):
            return self._database.execute(query).fetchone()[0]

    def _note(self, sentence: str) -> None:
        if sentence not in self._notes:
            self._notes.append(sentence)

    def _damaged(self, what: str, seq: int, chain: bytes = b"") -> JournalDamaged:
        """The error, with the byte after which the damage lies: where the hash of the last whole batch is stored."""
        for file in (self.path, log_of(self.path)):
            if chain and chain != NOTHING_BEFORE and file.exists():
                found = find_last(file, chain)
                if found >= 0:
                    return JournalDamaged(what, seq=seq, file=file, offset=found + len(chain))
        return JournalDamaged(what, seq=seq, file=self.path)
