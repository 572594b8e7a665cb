"""Proving a journal: every link, every event, every snapshot, every law; and looking at one pool at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from solvent.engine.records import Happened
from solvent.journal.port import JournalDamaged, JournalError, Segment, Snapshot, StoredBatch, VersionRefused
from solvent.journal.snapshots import execute_again, load_snapshot, restore, snapshot_folder
from solvent.journal.source import EngineSource, StepEngine, engine_source, limits_of
from solvent.journal.sqlite import SqliteJournal
from solvent.journal.version import names_of_rules, schema_version

if TYPE_CHECKING:
    from solvent.book import Book, Market
    from solvent.rules import VenueRules


@dataclass(slots=True)
class Report:
    """What :func:`verify` found. ``damage`` is "" when nothing is wrong; otherwise a sentence with the place.

    ``executed`` of the ``batches`` were executed again, their events compared byte for byte; the others were made by
    another version and only their chain and the form of their events were checked. ``snapshots`` maps the batch to ""
    or to what is broken. ``laws``: law → (checks, held, detail), after the last batch executed.
    """

    path: str
    segments: int = 0
    batches: int = 0
    executed: int = 0
    commands: int = 0
    events: int = 0
    refused: int = 0
    requests: int = 0
    first_time_ns: int = 0
    last_time_ns: int = 0
    chain: str = ""
    state_hash: str = ""
    snapshots: dict[int, str] = field(default_factory=dict)
    laws: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    damage: str = ""

    @property
    def good(self) -> bool:
        """Whether the journal is whole, equal to its re-execution, and every law held."""
        return not self.damage and all(held == checks for checks, held, _ in self.laws.values())


def verify(path: Path | str, source: EngineSource) -> Report:
    """Replay a journal from its start and compare everything that can be compared; changes nothing.

    Damage is reported, not raised; JournalError where there is no journal at all.
    """
    path = Path(path)
    report = Report(str(path))
    if not path.exists():
        raise JournalError(f"no journal at {path}")
    try:
        with closing(SqliteJournal.read(path)) as journal:
            report.notes.extend(journal.notes)
            complaint = journal.check_structure()
            if complaint:
                raise JournalDamaged(f"SQLite's check says: {complaint}", seq=1, file=path)
            _Verifier(journal, snapshot_folder(path), source, report).run()
    except JournalError as error:
        report.damage = str(error)
    return report


def show(path: Path | str, source: EngineSource, pool: int, seq: int) -> tuple[Book, Market, VenueRules]:
    """Book, market and rules of ``pool`` right after batch ``seq``, as ring 1 reads them; changes nothing.

    JournalError for a batch that is not there; JournalDamaged, VersionRefused and Diverged as for opening.
    """
    path = Path(path)
    with closing(SqliteJournal.read(path)) as journal:
        return restore(journal, snapshot_folder(path), source, upto=seq).engine.book(pool)


def source_of(path: Path | str, venues: Mapping[str, VenueRules], *, threads: int = 1) -> EngineSource:
    """The real engine's source for a journal: with the table limits and, of ``venues``, the rule sets that it names."""
    with closing(SqliteJournal.read(path)) as journal:
        newest = journal.segments()[-1]
    used = names_of_rules(newest.rules)
    venues = {name: rules for name, rules in venues.items() if name in used}
    try:
        limits = limits_of(newest.setup)
    except VersionRefused:  # made by something else: its segments will not match, which verify then says
        limits = None
    return engine_source(venues, limits=limits, threads=threads)


class _Verifier:
    """One pass over the batches; holds the engine that follows them, where there is one."""

    def __init__(self, journal: SqliteJournal, folder: Path, source: EngineSource, report: Report) -> None:
        self.journal, self.folder, self.source, self.report = journal, folder, source, report
        self.engine: StepEngine | None = None
        self.next_event: int | None = None
        self.snapshots = {snapshot.seq: snapshot for snapshot in journal.snapshots()}
        report.notes.extend(note for note in journal.notes if note not in report.notes)

    def run(self) -> None:
        """Fill the report; raises JournalError at the first thing that is wrong."""
        report = self.report
        report.segments = len(self.journal.segments())
        self._enter_segments(1)
        self._look_at_snapshot(0)
        for stored in self.journal.batches():
            self._one(stored)
            self._look_at_snapshot(stored.seq)
            self._enter_segments(stored.seq + 1)
        report.chain = self.journal.last.chain.hex()
        if self.engine is not None:
            report.state_hash = self.engine.state_hash()
            report.laws = dict(self.engine.audit())

    def _one(self, stored: StoredBatch) -> None:
        report = self.report
        if not report.batches:
            report.first_time_ns = stored.time_ns
        report.last_time_ns = stored.time_ns
        report.batches += 1
        report.commands += stored.count
        report.requests += len(stored.requests)
        if self.segment.schema == schema_version():
            self._check_form(stored)
        if self.engine is not None:
            execute_again(self.engine, stored)
            report.executed += 1

    def _check_form(self, stored: StoredBatch) -> None:
        """Events are numbered without gaps, and every command was answered once."""
        events = stored.records()
        self.report.events += len(events)
        self.report.refused += int(np.count_nonzero(events["kind"] == Happened.REFUSED))
        numbers = events["seq"]
        first = int(numbers[0]) if self.next_event is None and len(events) else self.next_event
        if len(events) and not np.array_equal(numbers, np.arange(len(events)) + (first or 0)):
            raise JournalDamaged(f"event numbers do not run on from {first}", seq=stored.seq)
        self.next_event = first + len(events) if first is not None else None
        answers = int(np.count_nonzero(np.isin(events["kind"], (Happened.DONE, Happened.REFUSED))))
        if answers != stored.count:
            raise JournalDamaged(f"{stored.count} commands have {answers} answers", seq=stored.seq)

    def _enter_segments(self, seq: int) -> None:
        """Change engines where a segment begins at batch ``seq``."""
        for segment in self.journal.segments():
            if segment.first_seq == seq:
                self.segment = segment
                self.engine = self._engine_for(segment)

    def _engine_for(self, segment: Segment) -> StepEngine | None:
        """An engine at the start of a segment, or None (with a note) where it cannot be executed here."""
        wrong = self.source.differences(segment)
        if wrong:
            self.report.notes.append(f"Segment {segment.id} is checked by chain and events only: {wrong}.")
            return None
        if segment.first_seq == 1:
            return self.source.new()
        snapshot = self.snapshots.get(segment.first_seq - 1)
        try:
            if snapshot is None:
                raise JournalError("there is none")  # noqa: TRY301 - ends in the note below
            return load_snapshot(snapshot, self.folder, self.source)
        except JournalError as error:
            note = f"Segment {segment.id} is checked by chain and events only: the snapshot it starts from: {error}."
            self.report.notes.append(note)
            return None

    def _look_at_snapshot(self, seq: int) -> None:
        """Compare the snapshot after batch ``seq``, if any: its hash with the replay's, its file with both."""
        snapshot = self.snapshots.get(seq)
        if snapshot is None or self.engine is None:
            return
        if self.engine.state_hash() != snapshot.state_hash:
            raise JournalDamaged(
                f"state hash differs from the one recorded with the snapshot after batch {seq}", seq=seq
            )
        self.report.snapshots[seq] = _broken(snapshot, self.folder, self.source)


def _broken(snapshot: Snapshot, folder: Path, source: EngineSource) -> str:
    """What is wrong with a snapshot's file: "" for nothing."""
    try:
        load_snapshot(snapshot, folder, source)
    except JournalError as error:
        return str(error)
    return ""
