"""Benchmarks: each a figure, its spread over runs, and the ratio to a limit or a peer measured in the same run.

The workloads are frozen and described in bench/README.md; this package builds and times them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

MEASURES = {
    "answer": ("answers", "measure"),
    "fills": ("fills", "measure"),
    "fills.makers": ("fills", "measure_makers"),
    "fills.durable": ("durable", "measure"),
    "revaluation": ("revaluation", "measure"),
    "lrvx": ("peers", "measure_lrvx"),
    "memory": ("memory", "measure"),
    "bands.calm": ("bands", "measure_calm"),
    "bands.scale": ("bands", "measure_scale"),
    "bands.crash": ("bands", "measure_crash"),
    "verdict.latency": ("bands", "measure_latency"),
    "scan": ("scan", "measure"),
    "whatif.options": ("what_if", "measure"),
    "greeks": ("greeks", "measure"),
}
NAMES = tuple(MEASURES)


def run(names: Sequence[str] = (), full: bool = False) -> list[dict[str, Any]]:
    """Run the benchmarks named (all of them when none is) at their small or their full size.

    Returns a list of ``{"name", "value", "unit", "baseline", "ratio", "low", "high", "runs"}`` and what else each has
    to say; ``value`` is the median over ``runs``, ``ratio`` is value over baseline.

    Raises
    ------
    ValueError
        A name that is no benchmark; the message names those there are.

    """
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        msg = f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}"
        raise ValueError(msg)
    chosen = [name for name in NAMES if name in (names or NAMES)]
    if "lrvx" in chosen:  # before the compiler's own library takes the thread-local memory that this one asks for
        with suppress(ImportError):
            import_module("lrvx")
    return [_measured(name, full) for name in chosen]


def _measured(name: str, full: bool) -> dict[str, Any]:
    """One benchmark's row; its module is imported only now, because NumPy and numba are slow to import."""
    module, verb = MEASURES[name]
    row: dict[str, Any] = getattr(import_module(f"solvent.bench.{module}"), verb)(full)
    return row
