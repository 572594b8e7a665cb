"""The page of figures: the machine, the versions, the workload, and each benchmark beside its target.

It has no date: figures belong to a version of the code, and the history of the file says when they were taken.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
PACKAGES = ("numpy", "numba", "llvmlite", "msgspec", "scipy", "lrvx", "polars")
SAID = frozenset(
    {"name", "value", "unit", "baseline", "baseline_is", "ratio", "low", "high", "runs", "parts_ns", "tables"}
)
BARS = str.maketrans({"|": "\\|"})


class Target(NamedTuple):
    """What a figure of a row should reach: at least or at most so much, at the full size."""

    key: str
    at_least: bool
    number: float
    words: str

    def met(self, row: Row) -> bool:
        """Whether the row's figure reaches it."""
        found = float(row[self.key])
        return found >= self.number if self.at_least else found <= self.number


# Of the full sizes. A read of the same memory, NumPy, a full scan: what each is a ratio to stands in the row.
TARGETS: dict[str, tuple[Target, ...]] = {
    "fills": (Target("value", True, 500_000, "≥ 500,000 trades a second, all pools armed"),),
    "fills.durable": (Target("value", True, 350_000, "≥ 350,000 trades a second, each batch on disk first"),),
    "revaluation": (
        Target("read_ratio", False, 4, "≤ 4 × the time of a two-thread read of 111 MB"),
        Target("ratio", True, 20, "≥ 20 × NumPy"),
    ),
    "lrvx": (Target("ratio", True, 40, "≥ 40 × lrvx"),),
    "memory": (Target("at_five_positions", False, 600, "≤ 600 bytes a pool of five positions"),),
    "bands.calm": (
        Target("value", True, 6_000_000, "≥ 6,000,000 prices a second"),
        Target("touched_an_epoch", True, 1, "with at least one pool touched an epoch"),
        Target("fills_per_second", True, 10_000, "and 10,000 trades a second"),
    ),
    "bands.scale": (Target("ratio", False, 2, "≤ 2 × an epoch with a tenth of the pools"),),
    "bands.crash": (Target("ratio", False, 1.5, "worst epoch ≤ 1.5 × the median full scan"),),
    "scan": (
        Target("milliseconds", False, 2, "≤ 2 ms for 100,000 portfolios"),
        Target("ratio", True, 8, "≥ 8 × scipy"),
    ),
    "whatif.options": (Target("milliseconds", False, 2, "≤ 2 ms"),),
    "greeks": (
        Target("value", True, 70_000_000, "≥ 70,000,000 options a second on one thread"),
        Target("ratio", True, 200, "≥ 200 × QuantLib"),
    ),
}


def bench_page(rows: Sequence[Row], full: bool) -> str:
    """The page in Markdown."""
    size = (
        "full sizes (`solvent bench --full`)" if full else "small sizes (`solvent bench`), to which no target applies"
    )
    return "\n".join(
        [
            "# Benchmarks", "",
            "<!-- written by: solvent bench --write -->", "",
            "Every figure is the median of several runs on one machine, with its lowest and its highest. A ratio is",
            "the figure over a baseline of the same run, and travels better than the figure. The workloads are",
            f"described in [bench/README.md](../bench/README.md). These are of the {size}.", "",
            "## Machine and versions", "", *_table(("what", "which"), machine()), "",
            "## Figures", "", *_table(COLUMNS, [_figures(row, full) for row in rows]), "",
            *[line for row in rows for line in _rest(row)],
        ]
    ).rstrip() + "\n"  # fmt: skip


COLUMNS = ("name", "median", "unit", "spread", "runs", "baseline", "ratio", "target", "met")


def machine() -> list[tuple[str, str]]:
    """What the figures were taken on."""
    found = [(name, _version(name)) for name in ("solvent", *PACKAGES)]
    return [
        ("processor", _processor()),
        ("processors", f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}"),
        ("memory", _memory()),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("SQLite", sqlite3.sqlite_version),
        *found,
    ]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, ValueError, OSError):
        return "unknown"


def _figures(row: Row, full: bool) -> tuple[str, ...]:
    goals = TARGETS.get(row["name"], ()) if full else ()
    return (
        f"`{row['name']}`", figure(row["value"]), row["unit"], f"{figure(row['low'])} – {figure(row['high'])}",
        str(row["runs"]), f"{figure(row['baseline'])}: {row['baseline_is']}", figure(row["ratio"]),
        "; ".join(goal.words for goal in goals) or "–",
        "; ".join("yes" if goal.met(row) else f"no: {figure(row[goal.key])}" for goal in goals) or "–",
    )  # fmt: skip


def _rest(row: Row) -> list[str]:
    """What else a row has to say: its further figures, where a trade's time goes, memory by table."""
    more = {key: value for key, value in row.items() if key not in SAID}
    lines = [
        f"### {row['name']}",
        "",
        *_table(("figure", "value"), [(f"`{k}`", _words(v)) for k, v in more.items()]),
        "",
    ]
    if "parts_ns" in row:
        total = sum(row["parts_ns"].values())
        parts = [(k, figure(v), f"{100 * v / total:.0f} %") for k, v in row["parts_ns"].items()]
        lines += ["Where a trade's time goes, trades in what both sides hold:", ""]
        lines += [*_table(("part", "nanoseconds", "share"), parts), ""]
    if "tables" in row:
        sizes = sorted(row["tables"].items(), key=lambda one: -one[1])
        lines += ["Table by table:", "", *_table(("table", row["unit"]), [(f"`{k}`", figure(v)) for k, v in sizes]), ""]
    return lines


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " – ".join(figure(one) for one in value)
    return figure(value) if value is None or isinstance(value, (int, float)) else str(value)


def figure(number: float | None) -> str:
    """A number with as many digits as it is worth.

    >>> figure(1234567.8), figure(0.123456), figure(512), figure(None)
    ('1,234,568', '0.1235', '512', '–')
    """
    if number is None:
        return "–"
    return f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:,.4g}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(one.translate(BARS) for one in row) + " |" for row in rows]
    return ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *lines]
