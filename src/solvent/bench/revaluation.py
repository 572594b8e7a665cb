"""Full revaluation: value, margin equity, requirement and verdict of every pool, against NumPy over the same book."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from solvent.bench.timing import RUNS, seconds, summary
from solvent.bench.world import Shape, world
from solvent.engine.engine import Engine
from solvent.engine.records import FIRST_USER_POOL
from solvent.engine.tables import ASSET, FREE, Tables

SMALL, FULL = 50_000, 1_000_000
THREADS = 2  # NumPy has no more than one to offer for this
MAINTAIN = 4
F64 = npt.NDArray[np.float64]
Answer = tuple[F64, F64, F64, npt.NDArray[np.bool_]]


def measure(full: bool = False) -> dict[str, Any]:
    """Pools per second through ``Engine.revalue`` at 1,000,000 pools × 5 positions; small: 50,000 pools."""
    pools = FULL if full else SMALL
    made = world(Shape(pools, instruments=500, entries=5.0, seed=3), THREADS)
    peer = NumpyPeer(made.engine.tables, pools)
    agree(made.engine, peer)
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(pools / seconds(made.engine.revalue))
        theirs.append(pools / seconds(peer.revalue))
    return summary(
        "revaluation", "pools/s", ours, theirs, "NumPy, CSR and reduceat, the same outputs", pools=pools,
        threads=THREADS,
    )  # fmt: skip


def agree(engine: Engine, peer: NumpyPeer) -> None:
    """Refuse to compare what does not say the same: every output within a millionth of the pool's gross."""
    found, other = engine.revalue(), peer.revalue()
    users = slice(FIRST_USER_POOL, FIRST_USER_POOL + peer.pools)
    for name, theirs in zip(("value", "margin_equity", "required"), other[:3], strict=True):
        ours = getattr(found, name)[users]
        scale = 1 + np.abs(found.value[users]) + found.required[users]
        if (np.abs(ours - theirs) > 1e-6 * scale).any():
            worst = int(np.argmax(np.abs(ours - theirs) / scale))
            msg = f"{name} of pool {worst}: {ours[worst]} here, {theirs[worst]} by NumPy"
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
        for asset in (1, 2):
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
