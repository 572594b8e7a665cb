"""Full revaluation: value, margin equity, requirement and verdict of every pool, against the memory's limit and peers.

The limit is a two-thread read of 111 MB, which is what the book is as plain 64-bit columns. Every run times ours, the
read and each peer one after the other, so that all see the same machine.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from solvent.bench.peers import polars_peer
from solvent.bench.timing import RUNS, seconds, summary
from solvent.bench.world import Shape, world
from solvent.engine.engine import Standing
from solvent.engine.jit import kernel
from solvent.engine.records import FIRST_USER_POOL
from solvent.engine.tables import ASSET, FREE, I64, Tables

SMALL, FULL = 50_000, 1_000_000
READ_BYTES = 111_000_000  # at the full size
THREADS = 2  # NumPy has no more than one to offer for this
MORE_RUNS = 15  # of ours and of the read, which are quick
MAINTAIN = 4
F64 = npt.NDArray[np.float64]
Answer = tuple[F64, F64, F64, npt.NDArray[np.bool_]]


def measure(full: bool = False) -> dict[str, Any]:
    """Pools per second through ``Engine.revalue`` at 1,000,000 pools × 5 positions; small: 50,000 pools."""
    pools = FULL if full else SMALL
    made = world(Shape(pools, instruments=500, entries=5.0, seed=3, tiered=True), THREADS)
    engine, peer = made.engine, NumpyPeer(made.engine.tables, pools)
    columns = engine.revalue()
    users = slice(FIRST_USER_POOL, FIRST_USER_POOL + pools)
    agree(columns, users, peer.revalue(), "NumPy")
    frames, why = polars_peer(peer)
    if frames is not None:
        agree(columns, users, frames(), "polars")
    reads = np.ones(int(READ_BYTES * pools / FULL) // 8, np.int64)
    with ThreadPoolExecutor(THREADS) as crew:
        works: dict[str, Callable[[], object]] = {
            "ours": lambda: engine.revalue(into=columns), "read": lambda: read(reads, crew),
        }  # fmt: skip
        quick = interleaved(works, MORE_RUNS)
        works["numpy"] = peer.revalue
        if frames is not None:
            works["polars"] = frames
        times = interleaved(works, RUNS)
    ratios = [ours / limit for ours, limit in zip(quick["ours"], quick["read"], strict=True)]
    more: dict[str, Any] = {"polars": why}
    if frames is not None:
        more["polars"] = round(median(times["polars"]) / median(times["ours"]), 1)
    return summary(
        "revaluation", "pools/s", [pools / one for one in times["ours"]], [pools / one for one in times["numpy"]],
        "NumPy, CSR and reduceat, the same outputs", pools=pools, threads=THREADS,
        milliseconds=round(median(quick["ours"]) * 1e3, 3), read_milliseconds=round(median(quick["read"]) * 1e3, 3),
        read_ratio=round(median(ratios), 2), read_ratio_spread=[round(min(ratios), 2), round(max(ratios), 2)], **more,
    )  # fmt: skip


def interleaved(works: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Seconds of each of several works, all of them once in every run; once before, untimed."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for run in range(runs + 1):
        for name, work in works.items():
            spent = seconds(work)
            if run:
                times[name].append(spent)
    return times


@kernel
def total(numbers: I64, low: int, high: int) -> int:
    """A sum of whole numbers, which the compiler makes as fast as memory can be read.

    Invariant: nothing is changed. Cost: each number once.
    """
    found = 0
    for k in range(low, high):
        found += numbers[k]
    return found


def read(numbers: I64, crew: ThreadPoolExecutor) -> int:
    """Read an array on two threads, a half each."""
    half = numbers.size // 2
    runs = [crew.submit(total, numbers, 0, half), crew.submit(total, numbers, half, numbers.size)]
    return sum(int(one.result()) for one in runs)


def agree(found: Standing, users: slice, other: Answer, name: str) -> None:
    """Refuse to compare what does not say the same: every output within a millionth of the pool's gross."""
    for column, theirs in zip(("value", "margin_equity", "required"), other[:3], strict=True):
        ours = getattr(found, column)[users]
        scale = 1 + np.abs(found.value[users]) + found.required[users]
        if (np.abs(ours - theirs) > 1e-6 * scale).any():
            worst = int(np.argmax(np.abs(ours - theirs) / scale))
            msg = f"{column} of pool {worst}: {ours[worst]} here, {theirs[worst]} by {name}"
            raise RuntimeError(msg)


class NumpyPeer:
    """The same book as CSR arrays: positions by pool, collateral by column, schedules as rate and deduction tables."""

    def __init__(self, t: Tables, pools: int) -> None:
        rows = t.pools[FIRST_USER_POOL : FIRST_USER_POOL + pools]
        self.pools = pools
        pool = np.repeat(np.arange(pools), rows["used"])
        slot = rows["first"][pool] + np.arange(pool.size) - np.r_[0, np.cumsum(rows["used"])[:-1]][pool]
        kind = t.things["kind"][t.key[slot] >> 2]
        held = (t.key[slot] != FREE) & (kind != ASSET)
        self.thing, self.lots = t.key[slot[held]] >> 2, t.lots[slot[held]].astype(float)
        self.cost = t.cost[slot[held]].astype(float)
        self.start = np.searchsorted(pool[held], np.arange(pools))
        self.unit = (t.things["mark"] * t.things["tick_value"]).astype(float)
        self.cash = rows["cash"].astype(float)
        self.coins = []
        assets = np.flatnonzero(t.things["kind"] == ASSET)[1:]
        for asset in assets.tolist():
            amount = np.zeros(pools)
            mine = (t.key[slot] >> 2 == asset) & (t.key[slot] != FREE)
            amount[pool[mine]] = t.lots[slot[mine]] * (t.things["mark"][asset] / t.things["divisor"][asset])
            self.coins.append((amount, *_pieces(t, asset)))
        self.tables = [_pieces(t, thing) for thing in range(t.things.size)]
        most = max(floor.size for floor, _, _ in self.tables)
        self.floor = np.full((t.things.size, most), np.inf)
        self.rate, self.cut = np.zeros_like(self.floor), np.zeros_like(self.floor)
        for k, (floor, rate, cut) in enumerate(self.tables):
            self.floor[k, : floor.size], self.rate[k, : floor.size], self.cut[k, : floor.size] = floor, rate, cut

    def revalue(self) -> Answer:
        """Value, margin equity, requirement and whether it is short, by pool."""
        worth = self.lots * self.unit[self.thing]
        notional = np.abs(worth)
        tier = np.maximum((notional[:, None] > self.floor[self.thing]).sum(1) - 1, 0)
        needed = self.rate[self.thing, tier] * notional - self.cut[self.thing, tier]
        value = self.cash + np.add.reduceat(worth - self.cost, self.start)
        equity = value.copy()
        required = np.add.reduceat(needed, self.start)
        for amount, floor, rate, cut in self.coins:
            value += amount
            step = np.maximum((amount[:, None] > floor).sum(1) - 1, 0)
            equity += rate[step] * amount - cut[step]
        return value, equity, required, equity < required


def _pieces(t: Tables, thing: int) -> tuple[F64, F64, F64]:
    first, count = (int(x) for x in t.span[0, MAINTAIN, 2 * thing])
    k = slice(first, first + count)
    return t.floor[k].astype(float), t.rate[k] / 1e6, t.part[k] + t.rest[k] / 1e6
