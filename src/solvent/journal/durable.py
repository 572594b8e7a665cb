"""An engine whose every event is on stable storage before anybody sees it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from solvent.engine.records import COMMAND, EVENT, Batch, Records
from solvent.journal import fault
from solvent.journal.port import Journal, JournalError, Request, RequestRepeated, Snapshot
from solvent.journal.snapshots import Restored, clear_partial, restore, snapshot_folder, write_snapshot
from solvent.journal.source import EngineSource, StepEngine
from solvent.journal.sqlite import SqliteJournal

DEPTH = 4  # batches executed but not committed, at most


class EngineStopped(JournalError):
    """The engine could not execute or commit a batch and takes no more; open the journal anew to go on."""


class _Work(NamedTuple):
    batch: Batch
    events: bytes
    time_ns: int
    requests: tuple[Request, ...]
    released: Future[Records]


class DurableEngine:
    """One engine, one journal, one writer. Call it from one thread; ``pipeline`` commits in a thread of its own.

    Events are given out only after the batch they belong to is committed. When a batch cannot be executed or committed
    the engine stops: nothing of that batch or of later ones is ever given out.
    """

    def __init__(self, engine: StepEngine, journal: Journal, folder: Path, restored: Restored) -> None:
        self.engine = engine
        self.restored = restored
        self._journal, self._folder = journal, folder
        self._stopped = ""
        self._queue: queue.Queue[_Work | None] = queue.Queue(DEPTH)
        self._writer: threading.Thread | None = None
        self._on_their_way: set[str] = set()

    @classmethod
    def create(cls, path: Path | str, source: EngineSource) -> Self:
        """A new engine with a new journal at ``path``; JournalError where a file is there already."""
        SqliteJournal.create(path, source.segment(1, 1)).close()
        return cls.open(path, source)

    @classmethod
    def open(cls, path: Path | str, source: EngineSource) -> Self:
        """The engine of a journal, at its last whole batch; ``restored.notes`` says what was dropped or passed over.

        Raises JournalDamaged with the place, VersionRefused, Diverged; nothing is written then.
        """
        journal = SqliteJournal.open(path)
        try:
            folder = snapshot_folder(Path(path))
            clear_partial(folder)
            back = restore(journal, folder, source)
        except BaseException:
            journal.close()
            raise
        return cls(back.engine, journal, folder, back)

    @property
    def seq(self) -> int:
        """Number of the last committed batch."""
        return self._journal.last.seq

    @property
    def journal(self) -> Journal:
        """The journal; read it only while nothing is in flight (after :meth:`drain`)."""
        return self._journal

    def submit(self, batch: Batch, *, time_ns: int, requests: Sequence[Request] = ()) -> Records:
        """Execute a batch, commit it, and only then return its events (read-only).

        ``time_ns`` is the moment the caller gives the batch, for its records only. Raises ValueError for a malformed
        batch and RequestRepeated for a known key, both without effect; EngineStopped after any failure.
        """
        self.drain()
        work = self._execute(batch, time_ns, requests)
        self._commit(work)
        return work.released.result()

    def pipeline(self, batch: Batch, *, time_ns: int, requests: Sequence[Request] = ()) -> Future[Records]:
        """Execute a batch now and commit it in the writer's thread; the result is there once it is committed.

        Blocks while DEPTH batches wait for their commit. Errors as in :meth:`submit`; a failed commit raises
        EngineStopped from this future and from all later ones.
        """
        work = self._execute(batch, time_ns, requests)
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="journal-writer", daemon=True)
            self._writer.start()
        self._queue.put(work)
        return work.released

    def drain(self) -> None:
        """Wait until everything in flight is committed; raises EngineStopped when that failed."""
        self._queue.join()
        self._must_run()

    def snapshot(self) -> Snapshot:
        """Save the state after the last batch beside the journal. A failure leaves journal and engine as they were."""
        self.drain()
        return write_snapshot(self.engine, self._journal, self._folder)

    def close(self) -> None:
        """Commit what is in flight, then let go of the journal. Does not raise for a stopped engine."""
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join()
            self._writer = None
        self._stopped = self._stopped or "it was closed"
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _execute(self, batch: Batch, time_ns: int, requests: Sequence[Request]) -> _Work:
        """Step the engine; what was given and what came out are copied, so that nobody can change them afterwards."""
        self._must_run()
        _check_batch(batch, time_ns, requests)
        self._check_keys(requests)
        batch = Batch(batch.commands.copy(), bytes(batch.payload))
        try:
            events = self.engine.step(batch)
            if events.dtype != EVENT:
                raise TypeError(f"events have dtype {events.dtype}")  # noqa: TRY301 - an engine fault like any other
        except BaseException as error:  # its state may be half changed: only a restart from the journal is safe
            self._stopped = f"a batch could not be executed: {error!r}"
            if isinstance(error, Exception):
                raise EngineStopped(f"the engine stopped: {self._stopped}") from error
            raise
        self._on_their_way.update(request.key for request in requests)
        return _Work(batch, events.tobytes(), time_ns, tuple(requests), Future())

    def _commit(self, work: _Work) -> None:
        """Commit one batch and give its events out, or stop."""
        try:
            if self._stopped:
                raise EngineStopped(f"the engine stopped: {self._stopped}")  # noqa: TRY301 - goes to the future below
            self._journal.append(work.batch, work.events, time_ns=work.time_ns, requests=work.requests)
            fault.reach(fault.AFTER_COMMIT)
        except BaseException as error:  # noqa: BLE001 - whatever it was, nothing may be published
            self._stopped = self._stopped or str(error)
            stopped = EngineStopped(f"the engine stopped: {self._stopped}")
            stopped.__cause__ = error
            work.released.set_exception(stopped)
            return
        self._on_their_way.difference_update(request.key for request in work.requests)
        work.released.set_result(np.frombuffer(work.events, EVENT))

    def _write(self) -> None:
        """The writer's thread: commit batches in order until told to end."""
        while (work := self._queue.get()) is not None:
            self._commit(work)
            self._queue.task_done()
        self._queue.task_done()

    def _must_run(self) -> None:
        if self._stopped:
            raise EngineStopped(f"the engine stopped: {self._stopped}")

    def _check_keys(self, requests: Sequence[Request]) -> None:
        """Raise RequestRepeated for a key that is committed or in flight, before the engine sees the batch."""
        seen: set[str] = set()
        for request in requests:
            if request.key in self._on_their_way or request.key in seen:
                raise RequestRepeated(request.key, -1)
            seen.add(request.key)
            found = self._journal.request(request.key)
            if found is not None:
                raise RequestRepeated(request.key, found.seq)


def _check_batch(batch: Batch, time_ns: int, requests: Sequence[Request]) -> None:
    """Raise ValueError for what is no batch at all; what a batch asks for is the engine's to judge."""
    commands = batch.commands
    if commands.dtype != COMMAND or commands.ndim != 1:
        raise ValueError(f"commands have dtype {commands.dtype} and {commands.ndim} dimensions; expected COMMAND and 1")
    if not 0 <= time_ns < 1 << 63:
        raise ValueError(f"time_ns is {time_ns}; expected 0 to 2^63 - 1")
    for request in requests:
        if not request.key or not 0 <= request.position <= request.position + request.length <= len(batch):
            raise ValueError(f"request {request} is not inside a batch of {len(batch)} commands with a key of its own")
