"""What a journal is: its rows, its errors, and the port that SQLite fills today.

A journal is a sequence of batches numbered from 1. Each row carries a hash over itself and the row before, so that the
last hash speaks for everything. Numbers of engine versions and rules stand in *segments*; a segment is a link too.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from solvent.engine.records import COMMAND, EVENT, Batch, Records

FORMAT = 1
CHAIN_BYTES = 32
NOTHING_BEFORE = bytes(CHAIN_BYTES)


class JournalError(Exception):
    """The journal cannot do what was asked; the message says what and why. Nothing was changed."""


class JournalDamaged(JournalError):
    """The journal was truncated or altered: ``seq`` is the first batch not whole, ``offset`` a byte of ``file``.

    ``offset`` is where the last whole batch ends (or the damage begins) as well as that can be told; −1: not known.
    """

    def __init__(self, what: str, *, seq: int, file: Path | str = "", offset: int = -1) -> None:
        self.what, self.seq, self.file, self.offset = what, seq, str(file), offset
        place = f"batch {seq}" + (f", {self.file} from byte {offset}" if offset >= 0 else "")
        super().__init__(f"journal damaged at {place}: {what}")


class VersionRefused(JournalError):
    """The journal was written by another engine version, schema, rule set or set-up."""


class Diverged(JournalError):
    """Re-executing batch ``seq`` gave other events than those stored."""

    def __init__(self, seq: int, what: str) -> None:
        self.seq = seq
        super().__init__(f"re-executing batch {seq} did not give the events stored there: {what}")


class CommitFailed(JournalError):
    """The batch may or may not be in the journal: whoever appends must stop and publish nothing of it."""


class RequestRepeated(JournalError):
    """A request key that was answered before; ``seq`` is its batch, or −1 while that batch is not committed yet."""

    def __init__(self, key: str, seq: int) -> None:
        self.key, self.seq = key, seq
        where = f"in batch {seq}" if seq >= 0 else "in a batch on its way"
        super().__init__(f"request key {key!r} was used before, {where}; expected a new key")


class Segment(NamedTuple):
    """A run of batches made by one engine version under one set of rules; ``first_seq`` is its first batch."""

    id: int
    first_seq: int
    engine: str  # version: package version and digest of the sources that decide events
    schema: str  # journal format and digest of the record layouts
    rules: str  # canonical JSON: digest of each rule set by name
    setup: str  # canonical JSON of what else decides events: the table limits


class Request(NamedTuple):
    """A client's idempotency key and where its commands are: ``length`` commands of batch ``seq`` from ``position``."""

    key: str
    position: int
    length: int
    seq: int = 0


class Link(NamedTuple):
    """The end of the chain: number and hash of the last batch (0 and the segment's own hash where there is none)."""

    seq: int
    chain: bytes


class Snapshot(NamedTuple):
    """A saved state: after batch ``seq``, in ``file`` (a name, relative to the snapshot folder)."""

    seq: int
    file: str
    digest: str  # of the file's bytes
    state_hash: str
    chain: bytes  # of batch seq


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One row: the bytes exactly as stored. ``time_ns`` is the caller's; the engine never sees it."""

    seq: int
    time_ns: int
    count: int
    commands: bytes
    payload: bytes
    events: bytes
    requests: tuple[Request, ...] = ()
    chain: bytes = b""

    def batch(self) -> Batch:
        """The commands, ready to be executed again."""
        return Batch(np.frombuffer(self.commands, COMMAND), self.payload)

    def records(self) -> Records:
        """The events, read-only."""
        return np.frombuffer(self.events, EVENT)


class Journal(Protocol):
    """The port. Batches are numbered without gaps; ``append`` returns after the batch is on stable storage."""

    @property
    def last(self) -> Link:
        """Number and hash of the last batch."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be dropped at opening, in whole sentences; empty when nothing was."""

    def segments(self) -> tuple[Segment, ...]:
        """All segments, oldest first; never empty."""

    def begin_segment(self, segment: Segment) -> None:
        """Start a segment after the last batch."""

    def append(self, batch: Batch, events: bytes, *, time_ns: int, requests: Sequence[Request] = ()) -> Link:
        """Commit one batch and its events; raises CommitFailed where that is not certain."""

    def batches(self, first: int = 1) -> Iterator[StoredBatch]:
        """Batches from number ``first`` on, each checked against the chain; raises JournalDamaged."""

    def request(self, key: str) -> Request | None:
        """The committed request of that key."""

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Record a snapshot whose file is already in place."""

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Recorded snapshots, newest first; rows that do not bear their own seal are left out and noted."""

    def close(self) -> None:
        """Let go of the files."""


def segment_link(previous: bytes, segment: Segment) -> bytes:
    """Hash of a segment's row after ``previous``: the link that its first batch hangs on."""
    parts = [segment.engine, segment.schema, segment.rules, segment.setup]
    numbers = struct.pack("<qq", segment.id, segment.first_seq)
    return _hash(b"solvent/segment", previous, numbers, *(part.encode() for part in parts))


def batch_link(previous: bytes, row: StoredBatch) -> bytes:
    """Hash of a batch's row after ``previous``: number, time, count, commands, payload, events, request keys.

    >>> row = StoredBatch(1, 0, 0, b"", b"", b"")
    >>> batch_link(NOTHING_BEFORE, row).hex()[:8] == batch_link(b"x" * 32, row).hex()[:8]
    False
    """
    numbers = struct.pack("<qqq", row.seq, row.time_ns, row.count)
    keys = b"".join(_request_bytes(request) for request in sorted(row.requests))
    return _hash(b"solvent/batch", previous, numbers, row.commands, row.payload, row.events, keys)


def snapshot_seal(snapshot: Snapshot) -> bytes:
    """Hash of a snapshot's row."""
    parts = [snapshot.file.encode(), snapshot.digest.encode(), snapshot.state_hash.encode(), snapshot.chain]
    return _hash(b"solvent/snapshot", b"", struct.pack("<q", snapshot.seq), *parts)


def _request_bytes(request: Request) -> bytes:
    key = request.key.encode()
    return struct.pack("<qqq", len(key), request.position, request.length) + key


def _hash(person: bytes, previous: bytes, numbers: bytes, *parts: bytes) -> bytes:
    """blake2b over the parts; every part but the fixed-width numbers is preceded by its length."""
    digest = hashlib.blake2b(previous, digest_size=CHAIN_BYTES, person=person[:16])
    digest.update(numbers)
    for part in parts:
        digest.update(struct.pack("<q", len(part)))
        digest.update(part)
    return digest.digest()
