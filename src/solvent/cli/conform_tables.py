"""A conformance report as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvent.cli.output import console, table
from solvent.conformance import Outcome, Report
from solvent.conformance.report import plain

if TYPE_CHECKING:
    from rich.console import Console


def print_report(report: Report) -> None:
    """Counts by venue and kind, then every failure and every reason."""
    screen = console()
    made = table("venue", "kind", "passed", "failed", "unsupported", words=2)
    for venue, kinds in report.by_venue().items():
        for kind, counts in kinds.items():
            made.add_row(venue, kind, *map(str, counts))
    screen.print(made)
    _print_single(screen, report)
    for evidence, (passed, failed, unsupported) in sorted(report.by_evidence().items()):
        screen.print(f"{evidence}: {passed} passed, {failed} failed, {unsupported} unsupported", markup=False)
    counts = [len(report.of(outcome)) for outcome in Outcome]
    screen.print(f"{counts[0]} passed, {counts[1]} failed, {counts[2]} unsupported")


def _print_single(screen: Console, report: Report) -> None:
    """Every failure, every figure that differs without being asserted, and every reason."""
    for one in report.of(Outcome.FAILED):
        if one.reason:
            screen.print(f"{one.vector.id} failed: {one.reason}", soft_wrap=True, markup=False)
        screen.print(f"{one.vector.id} is {one.vector.evidence}: {one.vector.source}", soft_wrap=True, markup=False)
        for wrong in one.wrong:
            place = f" {wrong.place}" if wrong.place else ""
            words = f"expected {plain(wrong.expected)}, got {plain(wrong.got)}"
            screen.print(f"{one.vector.id} failed:{place} {words}", soft_wrap=True, markup=False)
    for one in report.results:
        for other in one.aside:
            words = f"states {plain(other.expected)}, which its source does not assert; got {plain(other.got)}"
            screen.print(f"{one.vector.id} {other.place}: {words}", soft_wrap=True, markup=False)
    reasons: dict[str, list[str]] = {}
    for one in report.of(Outcome.UNSUPPORTED):
        reasons.setdefault(one.reason, []).append(one.vector.id)
    for reason, ids in reasons.items():
        which = ids[0] if len(ids) == 1 else f"{len(ids)} vectors ({ids[0]} to {ids[-1]})"
        screen.print(f"{which} unsupported: {reason}", soft_wrap=True, markup=False)
