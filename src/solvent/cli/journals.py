"""Proving a journal and looking into one, for the command line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from solvent import venues
from solvent.book_json import encode_book
from solvent.cli.failures import InputError
from solvent.cli.laws import laws_table
from solvent.cli.output import console
from solvent.journal import replay
from solvent.rules import VenueRules

Form = dict[str, Any]


def _every_venue() -> dict[str, VenueRules]:
    return {name: venues.venue(name) for name in venues.names()}


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise InputError(f"{file}: no such file, expected a journal")
    return file


def verified(file: Path) -> Form:
    """What the proof of a journal found, as a plain object; ``good`` says whether all of it is well."""
    source = replay.source_of(_existing(file), _every_venue())
    report = replay.verify(file, source)
    laws = {
        law: {"checks": checks, "held": held, "detail": detail} for law, (checks, held, detail) in report.laws.items()
    }
    snapshots = {str(seq): broken for seq, broken in report.snapshots.items()}
    return {"good": report.good, **asdict(report), "snapshots": snapshots, "laws": laws}


def print_verified(report: Form) -> None:
    """Print the verdict, the counts and every law."""
    screen = console()
    screen.print(f"{report['path']}: {'good' if report['good'] else 'NOT GOOD'}", markup=False)
    if report["damage"]:
        screen.print(report["damage"], markup=False, soft_wrap=True)
    for key in ("batches", "executed", "commands", "events", "refused", "requests", "segments"):
        screen.print(f"  {key}: {report[key]:,}")
    screen.print(f"  state hash: {report['state_hash'] or 'not executed'}")
    for seq, broken in report["snapshots"].items():
        screen.print(f"  snapshot after batch {seq}: {broken or 'good'}", markup=False, soft_wrap=True)
    for note in report["notes"]:
        screen.print(f"  note: {note}", markup=False, soft_wrap=True)
    if report["laws"]:
        screen.print(laws_table(report["laws"]))


def shown_book(file: Path, pool: str, seq: int) -> str:
    """The book file of a pool right after a batch."""
    number = pool.removeprefix("P")
    if not number.lstrip("-").isdecimal():
        raise InputError(f"--pool: got {pool!r}, expected the number of a pool, such as 17 or P17")
    source = replay.source_of(_existing(file), _every_venue())
    try:
        book, market, rules = replay.show(file, source, int(number), seq)
    except ValueError as error:  # the engine's answer to a pool it does not have
        raise InputError(f"--pool {pool}: {error}") from None
    return encode_book(book, market, rules.name).decode()
