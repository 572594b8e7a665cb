"""Running a replay from the command line: its progress, its report, its verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from solvent.cli.failures import InputError
from solvent.cli.laws import holds

Progress = Callable[[int, int, str], None]


class RunOptions(NamedTuple):
    """What a replay is asked to do."""

    dataset: str
    accounts: int
    seed: int
    venue: str
    batch: int
    threads: int
    screen: bool
    journal: Path | None
    stop_after: int | None
    resume: bool
    brute_force: bool = False
    bands: bool = False


def run_replay(options: RunOptions, *, as_json: bool) -> int:
    """Run it and print its report; 1 when a law was broken or something was created or lost."""
    if options.resume and options.journal is None:
        raise InputError("--resume: no --journal given, expected the journal to go on from")
    from solvent.cli.stored_runs import run

    with _Bar(visible=not as_json and sys.stderr.isatty()) as progress:
        report = run(options, progress).as_json()
    if as_json:
        from solvent.cli.output import print_json

        print_json(report)
    else:
        from solvent.cli.replay_tables import print_replay

        print_replay(report)
    return 0 if lawful(report) else 1


def lawful(report: dict[str, Any]) -> bool:
    """Whether every law was checked and held, ring 1 agreed, and every conservation residual is zero.

    >>> lawful({"laws": {"L-01": {"checks": 3, "held": 3}}, "conservation": {"USDT": "0"}})
    True
    """
    if not all(holds(law) for law in report.get("laws", {}).values()) or not report.get("lawful", True):
        return False
    return all(int(residual) == 0 for residual in report.get("conservation", {}).values())


class _Bar:
    """A progress bar on stderr, or nothing where nobody looks."""

    def __init__(self, *, visible: bool) -> None:
        self._visible = visible

    def __enter__(self) -> Progress | None:
        if not self._visible:
            return None
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True)
        )
        self._bar.start()
        self._task = self._bar.add_task("starting", total=None)
        return lambda done, total, words: self._bar.update(
            self._task, completed=done, total=total or None, description=words
        )

    def __exit__(self, *_: object) -> None:
        if self._visible:
            self._bar.stop()
