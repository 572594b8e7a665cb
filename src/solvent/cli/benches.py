"""Benchmarks for the command line: run elsewhere, printed here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from solvent.cli.bench_page import bench_page, figure
from solvent.cli.failures import InputError
from solvent.cli.output import console, table

Form = dict[str, Any]


def measured(names: Sequence[str], *, full: bool, page: Path | None = None) -> list[Form]:
    """The benchmarks asked for (all when none is named): name, value, unit, baseline, ratio, low, high, runs.

    They are written to ``page`` too, which is asked for its place before anything runs.
    """
    bench = import_module("solvent.bench")
    for name in names:
        if name not in bench.NAMES:
            raise InputError(f"benchmark {name!r}, expected one of {', '.join(bench.NAMES)}")
    if page is not None and (page.is_dir() or not page.parent.is_dir()):
        raise InputError(f"--write: {str(page)!r}, expected a file in a folder that is there")
    rows: list[Form] = bench.run(list(names), full)
    if page is not None:
        page.write_text(bench_page(rows, full), encoding="utf-8")
    return rows


def print_measured(rows: list[Form]) -> None:
    """Print the benchmarks as a table."""
    made = table("benchmark", "median", "unit", "low", "high", "baseline", "ratio", "runs")
    for row in rows:
        figures = (figure(row[key]) for key in ("low", "high", "baseline", "ratio"))
        made.add_row(row["name"], figure(row["value"]), row["unit"], *figures, str(row["runs"]))
    console().print(made)
