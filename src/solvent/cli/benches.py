"""Benchmarks for the command line: run elsewhere, printed here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from solvent.cli.failures import InputError
from solvent.cli.output import console, table

Form = dict[str, Any]


def measured(names: Sequence[str], *, full: bool) -> list[Form]:
    """The benchmarks asked for (all when none is named): name, value, unit, baseline, ratio, low, high, runs."""
    bench = import_module("solvent.bench")
    for name in names:
        if name not in bench.NAMES:
            raise InputError(f"benchmark {name!r}, expected one of {', '.join(bench.NAMES)}")
    rows: list[Form] = bench.run(list(names), full)
    return rows


def print_measured(rows: list[Form]) -> None:
    """Print the benchmarks as a table."""
    made = table("benchmark", "median", "unit", "low", "high", "baseline", "ratio", "runs")
    for row in rows:
        figures = (_figure(row[key]) for key in ("low", "high", "baseline", "ratio"))
        made.add_row(row["name"], _figure(row["value"]), row["unit"], *figures, str(row["runs"]))
    console().print(made)


def _figure(number: float | None) -> str:
    if number is None:
        return "–"
    return f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:,.4g}"
