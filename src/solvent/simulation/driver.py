"""The line to an engine: commands are collected, numbered, cut into batches, sent, and their events handed back.

The engine may stand behind a store that keeps every batch before its events are given out (:class:`Store`). A run that
was killed is resumed by running it again: the commands made anew are executed on a second engine and compared, byte by
byte, with what the store kept, and so are their events. At the end of what was kept both engines must have the same
state; from there on the store's engine goes on. So a resumed run proves again all that was done before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from solvent.engine.commands import Sent
from solvent.engine.desk import PAYLOAD_VERBS
from solvent.engine.engine import Engine
from solvent.engine.records import COMMAND, EVENT, Batch, Records

TWIN_BATCH = 7
TWIN_COMMANDS = 5_000
FEW = 16  # commands that are numbered one by one
PART = 1 << 18  # most commands that are on their way at once: a long set-up is read as it goes
PAYLOAD_KINDS = np.array(sorted(int(verb) for verb in PAYLOAD_VERBS), dtype=np.int16)


class Past(NamedTuple):
    """A batch that a store kept, and its events."""

    batch: Batch
    events: Records


class Store(Protocol):
    """An engine whose batches are kept before their events are given out, as the journal's durable engine does."""

    engine: Engine

    def submit(self, batch: Batch, *, time_ns: int) -> Records:
        """Execute a batch, keep it, and only then give out its events."""
        ...


class ResumeError(RuntimeError):
    """What a store kept is not what this run does."""


class Stopped(RuntimeError):
    """The run was to end after a number of batches."""


class Recorded:
    """What a store kept, as three streams of bytes: commands, payloads, events."""

    def __init__(self, past: Iterable[Past]) -> None:
        self._past: Iterator[Past] = iter(past)
        self.commands, self.payload, self.events = bytearray(), bytearray(), bytearray()

    def fill(self, commands: int) -> int:
        """Read on until ``commands`` commands are there or all is read; how many there are, at most that many."""
        while len(self.commands) < commands * COMMAND.itemsize:
            one = next(self._past, None)
            if one is None:
                break
            self.commands += plain(one.batch)
            self.payload += one.batch.payload
            self.events += one.events.tobytes()
        return min(commands, len(self.commands) // COMMAND.itemsize)

    def compare(self, batch: Batch, events: Records) -> None:
        """Take a batch and its events off the streams; :class:`ResumeError` names the stream that differs."""
        for name, made in (("commands", plain(batch)), ("payload", batch.payload), ("events", events.tobytes())):
            kept: bytearray = getattr(self, name)
            if kept[: len(made)] != made:
                raise ResumeError(f"the {name} kept are not those of this run: same dataset, accounts, seed and venue?")
            del kept[: len(made)]


def plain(batch: Batch) -> bytes:
    """The commands without the places of their payloads, which depend on how batches were cut."""
    commands = batch.commands.copy()
    commands["lots"][np.isin(commands["kind"], PAYLOAD_KINDS)] = 0
    return commands.tobytes()


def joined(sheets: Sequence[Records], kind: np.dtype[np.void]) -> Records:
    """Records one after the other. (NumPy compares every field's name and type whenever it concatenates records.)

    >>> joined([np.zeros(2, EVENT), np.zeros(1, EVENT)], EVENT).size
    3
    """
    if len(sheets) == 1:
        return sheets[0]
    made: Records = np.empty(sum(one.size for one in sheets), kind)
    at = 0
    for one in sheets:
        made[at : at + one.size] = one
        at += one.size
    return made


class Line:
    """Commands out, events in.

    Args:
        engine: A new engine.
        batch: Most commands of a batch.
        store: What keeps batches, or None.
        past: What the store kept before, oldest first.
        stop_after: Raise :class:`Stopped` once so many batches were sent; None never.

    """

    def __init__(
        self,
        engine: Engine,
        *,
        batch: int = 1000,
        store: Store | None = None,
        past: Iterable[Past] = (),
        stop_after: int | None = None,
    ) -> None:
        if batch < 1:
            raise ValueError(f"batch must be at least 1, not {batch}")
        self.engine = engine
        self.commands = self.batches = 0
        self.time_ns = 0
        self.twin: Engine | None = None
        self.compare_twin: Callable[[], None] | None = None
        self._batch, self._stop_after = batch, stop_after
        self._store = store
        self._recorded: Recorded | None = Recorded(past) if store is not None else None
        self._rows: list[Records] = []
        self._payloads: dict[int, bytes] = {}
        self._waiting = 0
        self._numbers: dict[int, int] = {}

    @property
    def waiting(self) -> int:
        """How many commands wait to be sent."""
        return self._waiting

    def add(self, rows: Records) -> None:
        """Commands without payload; those numbered 0 get their source's next numbers when they are sent."""
        if rows.size:
            self._rows.append(rows)
            self._waiting += int(rows.size)

    def add_sent(self, sent: Iterable[Sent]) -> None:
        """Commands with payloads."""
        for rows, payload in sent:
            if payload:
                self._payloads[self._waiting] = payload
            self.add(rows)

    def flush(self) -> tuple[Records, Records]:
        """Send everything waiting; the commands as sent (places of payloads aside) and all their events, in order."""
        if not self._payloads and 0 < self._waiting <= min(FEW, self._batch):
            return self._few()
        parts = list(self.parts())
        if not parts:
            return np.zeros(0, COMMAND), np.zeros(0, EVENT)
        return joined([rows for rows, _ in parts], COMMAND), joined([events for _, events in parts], EVENT)

    def _few(self) -> tuple[Records, Records]:
        """As :meth:`flush`, for a few commands without payloads: one batch, numbered one after the other."""
        rows = _own(self._rows)
        self._rows, self._waiting = [], 0
        numbers = rows["source_seq"].tolist()
        for k, source in enumerate(rows["source"].tolist()):
            if numbers[k] == 0:
                numbers[k] = self._numbers[source] = self._numbers.get(source, 0) + 1
        rows["source_seq"] = numbers
        return rows, self._send(Batch(rows))

    def parts(self) -> Iterator[tuple[Records, Records]]:
        """As :meth:`flush`, in parts of :data:`PART` commands at most, each handed back before the next is sent.

        Batches are cut as if it were one.
        """
        rows, payloads = self._rows, self._payloads
        self._rows, self._payloads, self._waiting = [], {}, 0
        most, at = max(1, PART // self._batch) * self._batch, 0
        for part in _regrouped(rows, most):
            self._number(part)
            yield part, self._batches(part, at, payloads)
            at += part.size

    def _batches(self, rows: Records, before: int, payloads: dict[int, bytes]) -> Records:
        """Send ``rows``, which ``before`` others came before in the flush, batch by batch; all their events."""
        sheets = []
        for at in range(0, rows.size, self._batch):
            cut = rows[at : at + self._batch].copy()
            first = before + at
            inside = sorted(place for place in payloads if first <= place < first + cut.size)
            offset = 0
            for place in inside:
                cut["lots"][place - first], cut["ticks"][place - first] = offset, len(payloads[place])
                offset += len(payloads[place])
            sheets.append(self._send(Batch(cut, b"".join(payloads[place] for place in inside))))
        return joined(sheets, EVENT)

    def _number(self, rows: Records) -> None:
        fresh = rows["source_seq"] == 0
        for source in sorted(set(rows["source"][fresh].tolist())):
            mine = np.flatnonzero(fresh & (rows["source"] == source))
            last = self._numbers.get(source, 0)
            rows["source_seq"][mine] = last + 1 + np.arange(mine.size)
            self._numbers[source] = last + int(mine.size)

    def _send(self, batch: Batch) -> Records:
        if self._stop_after is not None and self.batches >= self._stop_after:
            raise Stopped(f"stopped after {self.batches} batches")
        self.batches += 1
        self.commands += len(batch)
        events = self._through(batch)
        if self.twin is not None:
            for at in range(0, len(batch), TWIN_BATCH):
                self.twin.step(_part(batch, at, min(at + TWIN_BATCH, len(batch))))
            if self.commands > TWIN_COMMANDS and self.compare_twin is not None:
                self.compare_twin()
        return events

    def _through(self, batch: Batch) -> Records:
        """The engine's events; while a store's past lasts they come from the second engine and are compared."""
        if self._store is None:
            return self.engine.step(batch)
        if self._recorded is None:
            return self._store.submit(batch, time_ns=self.time_ns)
        known = self._recorded.fill(len(batch))
        sheets = []
        if known:
            first = _part(batch, 0, known)
            sheets.append(self.engine.step(first))
            self._recorded.compare(first, sheets[0])
        if known < len(batch):
            self._hand_over()
            sheets.append(self._store.submit(_part(batch, known, len(batch)), time_ns=self.time_ns))
        return joined(sheets, EVENT)

    def finish(self) -> None:
        """At the end of a run: what a store kept must have been done again, to its last command."""
        if self._recorded is None:
            return
        if self._recorded.fill(1) or self._recorded.payload or self._recorded.events:
            raise ResumeError("the store kept more commands than this run has")
        self._hand_over()

    def _hand_over(self) -> None:
        """All that was kept is done again: the store's engine goes on."""
        if self._store is None:
            raise AssertionError("there is no store to hand over to")
        own, kept = self.engine.state_hash(), self._store.engine.state_hash()
        if own != kept:
            raise ResumeError(f"the state kept has hash {kept}, this run's at the same command is {own}")
        self.engine, self._recorded = self._store.engine, None


def _regrouped(blocks: list[Records], most: int) -> Iterator[Records]:
    """The same records in new blocks of ``most``; the blocks given are let go of as they are used up."""
    blocks.reverse()
    waiting, count = list[Records](), 0
    while blocks:
        block = blocks.pop()
        while block.size >= most - count:
            waiting.append(block[: most - count])
            block = block[most - count :]
            yield _own(waiting)
            waiting, count = [], 0
        if block.size:
            waiting.append(block)
            count += block.size
    if waiting:
        yield _own(waiting)


def _own(blocks: list[Records]) -> Records:
    """The blocks as one that nobody else holds: it will be numbered."""
    return joined(blocks, COMMAND) if len(blocks) > 1 else blocks[0].copy()


def _part(batch: Batch, first: int, last: int) -> Batch:
    """Commands ``first`` to ``last`` of a batch with their payloads alone."""
    cut = batch.commands[first:last].copy()
    with_payload = np.flatnonzero(np.isin(cut["kind"], PAYLOAD_KINDS))
    pieces, offset = [], 0
    for k in with_payload:
        start, length = int(cut["lots"][k]), int(cut["ticks"][k])
        pieces.append(batch.payload[start : start + length])
        cut["lots"][k] = offset
        offset += length
    return Batch(cut, b"".join(pieces))
