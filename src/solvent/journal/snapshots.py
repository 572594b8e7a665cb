"""Snapshots: a saved state beside the journal, whole or not there, and the way back from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from solvent.journal import fault
from solvent.journal.port import (
    NOTHING_BEFORE,
    Diverged,
    Journal,
    JournalDamaged,
    JournalError,
    Segment,
    Snapshot,
    StoredBatch,
    segment_link,
)
from solvent.journal.source import EngineSource, StepEngine
from solvent.journal.sqlite_file import sync_file, sync_folder

READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """An engine brought back: its state after batch ``seq``, from a snapshot (0: from the beginning) and the tail.

    ``notes`` say, in whole sentences, what could not be used on the way.
    """

    engine: StepEngine
    seq: int
    snapshot_seq: int
    replayed: int
    notes: tuple[str, ...]


def snapshot_folder(journal: Path) -> Path:
    """Where the snapshots of a journal file lie."""
    return journal.with_name(journal.name + ".snapshots")


def write_snapshot(engine: StepEngine, journal: Journal, folder: Path) -> Snapshot:
    """Save ``engine``, which must be at the journal's last batch: temporary file, sync, rename, sync folder, row.

    Errors of the disk come out as JournalError; the journal then has no row and the snapshot does not exist.
    """
    seq, chain = journal.last
    for earlier in journal.snapshots():  # its file is not written over: a kill in between would break it
        if (
            earlier.seq == seq
            and (folder / earlier.file).is_file()
            and digest_of(folder / earlier.file) == earlier.digest
        ):
            return earlier
    name = f"{seq:020d}.snapshot"
    draft = folder / f"{name}.partial"
    try:
        folder.mkdir(exist_ok=True)
        engine.save(draft)
        fault.reach(fault.IN_SNAPSHOT)
        sync_file(draft)
        digest = digest_of(draft)
        fault.reach(fault.BEFORE_RENAME)
        draft.rename(folder / name)
        sync_folder(folder)
    except OSError as error:
        raise JournalError(f"snapshot after batch {seq} could not be written: {error}") from error
    fault.reach(fault.AFTER_RENAME)
    snapshot = Snapshot(seq, name, digest, engine.state_hash(), chain)
    journal.add_snapshot(snapshot)
    return snapshot


def clear_partial(folder: Path) -> None:
    """Remove what a killed program left half-written."""
    for leftover in folder.glob("*.partial") if folder.is_dir() else ():
        leftover.unlink()


def digest_of(file: Path) -> str:
    """Digest of a file's bytes."""
    digest = hashlib.blake2b(digest_size=32)
    with file.open("rb") as handle:
        while part := handle.read(READ_BYTES):
            digest.update(part)
    return digest.hexdigest()


def load_snapshot(snapshot: Snapshot, folder: Path, source: EngineSource) -> StepEngine:
    """The engine of a snapshot, proved by the file's digest and the state's hash; JournalError says what is broken."""
    file = folder / snapshot.file
    if not file.is_file():
        raise JournalError(f"{file.name} is not there")
    if digest_of(file) != snapshot.digest:
        raise JournalError(f"{file.name} was altered: its digest is not the recorded one")
    try:
        engine = source.restore(file)
    except Exception as error:
        raise JournalError(f"{file.name} could not be read: {error}") from error
    if engine.state_hash() != snapshot.state_hash:
        raise JournalError(f"{file.name} gives another state hash than the recorded one")
    return engine


def restore(journal: Journal, folder: Path, source: EngineSource, *, upto: int | None = None) -> Restored:
    """The state after batch ``upto`` (default: the last): newest good snapshot, then the tail, executed again.

    Every event of the tail is compared byte for byte with the stored one (Diverged); a snapshot that is broken or does
    not fit the chain is passed over with a note. Raises VersionRefused for a segment of another version.
    """
    last = journal.last.seq if upto is None else upto
    segment = segment_at(journal, last)
    source.must_match(segment)
    notes = list(journal.notes)
    engine, start = _newest_good(journal, folder, source, segment, last, notes)
    seq = start
    if start < last:
        for stored in journal.batches(start + 1):
            execute_again(engine, stored)
            seq = stored.seq
            if seq == last:
                break
    return Restored(engine, seq, start, seq - start, tuple(notes))


def execute_again(engine: StepEngine, stored: StoredBatch) -> None:
    """Step ``engine`` by a stored batch; raises Diverged unless the events are the stored ones, byte for byte."""
    events = engine.step(stored.batch())
    if events.tobytes() == stored.events:
        return
    expected = stored.records()
    pairs = enumerate(zip(expected, events, strict=False))
    first = next((n for n, (old, new) in pairs if old.tobytes() != new.tobytes()), min(len(expected), len(events)))
    old, new = expected[first : first + 1], events[first : first + 1]
    counts = "" if len(expected) == len(events) else f" ({len(events)} events, {len(expected)} stored)"
    raise Diverged(stored.seq, f"event {first} is {new.tolist()}, stored is {old.tolist()}{counts}")


def segment_at(journal: Journal, seq: int) -> Segment:
    """The segment whose engine made batch ``seq``, or the newest where that batch is the last; JournalError if none."""
    if not 0 <= seq <= journal.last.seq:
        raise JournalError(f"batch {seq} is not in the journal; expected 0 to {journal.last.seq}")
    segments = journal.segments()
    if seq == journal.last.seq:
        return segments[-1]
    return max((s for s in segments if s.first_seq <= max(seq, 1)), key=lambda s: s.id)


def _newest_good(
    journal: Journal, folder: Path, source: EngineSource, segment: Segment, last: int, notes: list[str]
) -> tuple[StepEngine, int]:
    """The state to start from and its batch number; says in ``notes`` what was passed over."""
    for snapshot in journal.snapshots():
        if not segment.first_seq - 1 <= snapshot.seq <= last:
            continue
        try:
            _must_fit(journal, snapshot)
            return load_snapshot(snapshot, folder, source), snapshot.seq
        except JournalDamaged:
            raise
        except JournalError as error:
            notes.append(f"The snapshot after batch {snapshot.seq} was passed over: {error}.")
    notes.extend(note for note in journal.notes if note not in notes)
    if segment.first_seq > 1:
        raise JournalError(
            f"segment {segment.id} begins at batch {segment.first_seq}, and no good snapshot of it is left. "
            + " ".join(notes)
        )
    return source.new(), 0


def _must_fit(journal: Journal, snapshot: Snapshot) -> None:
    """Raise JournalError unless the snapshot's chain is the journal's at that batch."""
    chain = next(iter(journal.batches(snapshot.seq))).chain if snapshot.seq else NOTHING_BEFORE
    links = [chain]
    for segment in journal.segments():
        if segment.first_seq == snapshot.seq + 1:
            links.append(segment_link(links[-1], segment))
    if snapshot.chain not in links:
        raise JournalError("it does not belong to this journal's chain")


def begin_version(journal: Journal, folder: Path, source: EngineSource) -> Segment:
    """Let another engine version go on: it must load a snapshot of the very last batch with the same state hash.

    The version before writes that snapshot; this one proves that it reads it and starts a segment. Returns the newest
    segment, unchanged where the version is the same already; JournalError where there is no such snapshot.
    """
    newest, last = journal.segments()[-1], journal.last.seq
    if not source.differences(newest):
        return newest
    why = "there is none"
    for snapshot in journal.snapshots():
        if snapshot.seq != last:
            continue
        try:
            _must_fit(journal, snapshot)
            load_snapshot(snapshot, folder, source)
        except JournalError as error:
            why = str(error)
        else:
            segment = source.segment(newest.id + 1, last + 1)
            journal.begin_segment(segment)
            return segment
    raise JournalError(f"a new version starts from a good snapshot after batch {last}: {why}")
