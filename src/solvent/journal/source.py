"""How the journal makes engines: the few verbs it needs of one, and the versions that pin what it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from solvent.engine.records import Batch, Records
from solvent.engine.tables import Limits
from solvent.journal.port import Segment, VersionRefused
from solvent.journal.version import engine_version, rules_text, schema_version

if TYPE_CHECKING:
    from solvent.book import Book, Market
    from solvent.rules import VenueRules


class StepEngine(Protocol):
    """What the journal asks of an engine: deterministic steps, a hash of its state, a file of it, and its laws."""

    def step(self, batch: Batch) -> Records:
        """Apply a batch; its events."""

    def state_hash(self) -> str:
        """Hash of the meaning of the state."""

    def save(self, path: Path) -> None:
        """Write the state to a file."""

    def audit(self) -> Mapping[str, tuple[int, int, str]]:
        """Law → (how often checked, how often held, the first violation in words)."""

    def book(self, pool: int) -> tuple[Book, Market, VenueRules]:
        """One pool as ring 1 sees it."""


@dataclass(frozen=True, slots=True)
class EngineSource:
    """Makes engines of one version under one set of rules. Everything here must be the same for a replay to be equal.

    ``setup`` is canonical JSON of what else decides events (the engine refuses as FULL by its limits).
    """

    engine: str
    rules: str
    setup: str
    new: Callable[[], StepEngine]
    restore: Callable[[Path], StepEngine]

    def segment(self, segment_id: int, first_seq: int) -> Segment:
        """The header of a segment that this source writes."""
        return Segment(segment_id, first_seq, self.engine, schema_version(), self.rules, self.setup)

    def differences(self, segment: Segment) -> str:
        """What of a segment is not of this source, in words; "" where all is equal."""
        own = self.segment(segment.id, segment.first_seq)
        parts = [("engine version", "engine"), ("schema", "schema"), ("rules", "rules"), ("set-up", "setup")]
        wrong = [
            f"its {name} is {getattr(segment, field)}, this program's is {getattr(own, field)}"
            for name, field in parts
            if getattr(segment, field) != getattr(own, field)
        ]
        return "; ".join(wrong)

    def must_match(self, segment: Segment) -> None:
        """Raise VersionRefused unless the segment is of this source."""
        wrong = self.differences(segment)
        if wrong:
            raise VersionRefused(
                f"segment {segment.id} of the journal was written by another version: {wrong}. It can be verified "
                "(chain and events) but not appended to or re-executed; start a new segment from a snapshot."
            )


def setup_text(limits: Limits) -> str:
    """Canonical JSON of the table limits.

    >>> setup_text(Limits())[:20]
    '{"limits":{"entries"'
    """
    return json.dumps({"limits": limits._asdict()}, sort_keys=True, separators=(",", ":"))


def limits_of(setup: str) -> Limits:
    """The table limits that a segment's ``setup`` names; VersionRefused where it names something else.

    >>> limits_of(setup_text(Limits(pools=8))).pools
    8
    """
    try:
        found: Any = json.loads(setup)["limits"]
        return Limits(**{name: int(value) for name, value in found.items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VersionRefused(f"set-up {setup!r} does not name table limits: {error}") from error


def engine_source(
    venues: Mapping[str, VenueRules],
    *,
    limits: Limits | None = None,
    threads: int = 1,
    screen: bool = True,
    bands: bool = False,
) -> EngineSource:
    """Source of the real engine. ``threads``, ``screen`` and ``bands`` change no event: they are not in the set-up."""
    from solvent.engine.engine import Engine  # noqa: PLC0415 - compiling starts here, and only here

    sizes = limits or Limits()
    return EngineSource(
        engine=engine_version(),
        rules=rules_text(venues),
        setup=setup_text(sizes),
        new=lambda: Engine(sizes, threads=threads, screen=screen, bands=bands, venues=venues),
        restore=lambda path: Engine.restore(path, threads=threads, screen=screen, bands=bands, venues=venues),
    )
