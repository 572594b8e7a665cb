"""What a run of vectors found: passed, failed and unsupported, by venue and kind."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from solvent.conformance.tolerances import Mismatch
from solvent.conformance.vectors import Vector

ERROR_KEY = "error"


class Outcome(enum.Enum):
    """How one vector went; the value is its place in the counts of a report."""

    PASSED = 0
    FAILED = 1
    UNSUPPORTED = 2


@dataclass(frozen=True, slots=True)
class Result:
    """One vector and how it went: what the API gave, what is not as expected, and why where it is not supported.

    ``aside`` is what differs where the source itself does not assert the figure.
    """

    vector: Vector
    outcome: Outcome
    got: Any = None
    wrong: tuple[Mismatch, ...] = ()
    reason: str = ""
    aside: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The results of a run, in the order of the files."""

    results: tuple[Result, ...]

    def of(self, outcome: Outcome) -> tuple[Result, ...]:
        """The results with one outcome."""
        return tuple(one for one in self.results if one.outcome is outcome)

    @property
    def passed(self) -> bool:
        """Whether nothing failed and at least one vector was looked at."""
        return bool(self.results) and not self.of(Outcome.FAILED)

    def by_venue(self) -> dict[str, dict[str, list[int]]]:
        """``{venue: {kind: [passed, failed, unsupported]}}``."""
        counts: dict[str, dict[str, list[int]]] = {}
        for one in self.results:
            row = counts.setdefault(one.vector.venue, {}).setdefault(one.vector.kind, [0, 0, 0])
            row[one.outcome.value] += 1
        return counts

    def by_evidence(self) -> dict[str, list[int]]:
        """``{evidence class: [passed, failed, unsupported]}``, as the files tag their vectors."""
        counts: dict[str, list[int]] = {}
        for one in self.results:
            counts.setdefault(one.vector.evidence or "untagged", [0, 0, 0])[one.outcome.value] += 1
        return counts

    def as_json(self) -> dict[str, Any]:
        """The documented form: counts, counts by venue and kind, failures, and reasons by id; numbers as text.

        ``not_asserted`` lists figures that differ where the source states them without asserting them.
        """
        return {
            "passed": len(self.of(Outcome.PASSED)),
            "failed": len(self.of(Outcome.FAILED)),
            "unsupported": len(self.of(Outcome.UNSUPPORTED)),
            "by_venue": self.by_venue(),
            "by_evidence": self.by_evidence(),
            "failures": [_failure(one) for one in self.of(Outcome.FAILED)],
            "not_asserted": [_aside(one) for one in self.results if one.aside],
            "reasons": {one.vector.id: one.reason for one in self.of(Outcome.UNSUPPORTED)},
        }


def _failure(result: Result) -> dict[str, Any]:
    got = {ERROR_KEY: result.reason} if result.reason else result.got
    vector = result.vector
    found = {"id": vector.id, "expected": plain(vector.expected), "got": plain(got)}
    return {**found, "evidence": vector.evidence, "source": vector.source}


def _aside(result: Result) -> dict[str, Any]:
    places = {one.place: {"stated": plain(one.expected), "got": plain(one.got)} for one in result.aside}
    return {"id": result.vector.id, "places": places, "source": result.vector.source}


def plain(value: Any) -> Any:
    """A result as JSON can hold it: exact numbers as text, tuples as lists.

    >>> plain({"price": Decimal("1153.26"), "ok": True, "shares": (Fraction(1, 3),)})
    {'price': '1153.26', 'ok': True, 'shares': ['1/3']}
    """
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, Fraction) else value
