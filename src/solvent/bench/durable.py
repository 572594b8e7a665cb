"""Durable fills: the same trades, each batch committed to the journal before its events are given out."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from solvent.bench.bands import armed
from solvent.bench.fills import BATCH, FULL, SMALL, run
from solvent.bench.timing import RUNS, seconds, summary
from solvent.bench.world import Shape, trades, world
from solvent.engine.engine import Engine
from solvent.engine.records import Batch, Records
from solvent.journal.durable import DurableEngine
from solvent.journal.port import Segment
from solvent.journal.snapshots import Restored
from solvent.journal.sqlite import SqliteJournal

IN_FLIGHT = 1  # one is written while the next is executed; more of them only wait longer


def measure(full: bool = False) -> dict[str, Any]:
    """Trades per second and time to disk of a batch of 1,000; the baseline is the same trades without a journal."""
    pools, count = (FULL, 200_000) if full else (SMALL, 40_000)
    made = world(Shape(pools), bands=True)
    run(made, trades(made, count // 4, 100))
    rates, bare, waits = [], [], []
    for k in range(RUNS):
        armed(made)
        bare.append(count / seconds(partial(run, made, trades(made, count, 2 * k))))
        armed(made)
        folder = Path(tempfile.mkdtemp(prefix="solvent-bench-"))
        try:
            rate, wait = _journalled(made.engine, folder, trades(made, count, 2 * k + 1))
        finally:
            shutil.rmtree(folder)
        rates.append(rate)
        waits.extend(wait)
    return summary(
        "fills.durable", "trades/s", rates, bare, "the same trades without a journal", pools=pools, trades=count,
        batch=BATCH, in_flight=IN_FLIGHT, batch_p50_ms=round(float(np.percentile(waits, 50)) * 1e3, 3),
        batch_p99_ms=round(float(np.percentile(waits, 99)) * 1e3, 3),
    )  # fmt: skip


def _journalled(engine: Engine, folder: Path, sent: Records) -> tuple[float, list[float]]:
    """Trades per second and seconds from handing in a batch to holding its events; IN_FLIGHT are awaited at most."""
    path = folder / "journal.sqlite"
    SqliteJournal.create(path, Segment(1, 1, "benchmark", "benchmark", "", "")).close()
    durable = DurableEngine(engine, SqliteJournal.open(path), folder, Restored(engine, 0, 0, 0, ()))
    waits: list[float] = []
    flying: deque[Future[Records]] = deque()
    start = time.perf_counter()
    for k in range(0, sent.size, BATCH):
        entered = time.perf_counter()
        released = durable.pipeline(Batch(sent[k : k + BATCH]), time_ns=k)
        released.add_done_callback(partial(_released, waits, entered))
        flying.append(released)
        if len(flying) > IN_FLIGHT:
            flying.popleft().result()
    durable.drain()
    spent = time.perf_counter() - start
    durable.close()
    return sent.size / spent, waits


def _released(waits: list[float], entered: float, _: Future[Records]) -> None:
    waits.append(time.perf_counter() - entered)
