"""Clock and summary: medians of several runs with their spread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

RUNS = 5


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_seconds(work: Callable[[], object]) -> float:
    """What one call takes of this thread's processor, whoever else wants it meanwhile."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def summary(
    name: str, unit: str, values: Sequence[float], baselines: Sequence[float], baseline: str, **more: Any
) -> dict[str, Any]:
    """One benchmark's row: median, spread, and the ratio of medians to a baseline of the same run."""
    middle, against = median(values), median(baselines)
    return {
        "name": name,
        "value": middle,
        "unit": unit,
        "baseline": against,
        "baseline_is": baseline,
        "ratio": middle / against,
        "low": min(values),
        "high": max(values),
        "runs": len(values),
        **more,
    }
