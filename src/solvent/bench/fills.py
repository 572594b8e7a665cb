"""Fills: one trade with both sides checked at ADMIT over the whole pool, fees, command id and event."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from solvent.bench.bands import armed, told
from solvent.bench.parts import nanoseconds
from solvent.bench.timing import RUNS, seconds, summary
from solvent.bench.world import Shape, World, trades, world
from solvent.engine.jit import kernel
from solvent.engine.records import Batch, Happened, Records
from solvent.engine.tables import Tables

BATCH = 1_000
SMALL, FULL = 20_000, 1_000_000
FULL_MAKERS = 100_000
MAKER_SHARE = 0.8


def measure(full: bool = False) -> dict[str, Any]:
    """Trades per second at 1,000,000 pools in batches of 1,000, all pools watched by bands; small: 20,000 pools."""
    return _measure("fills", Shape(FULL if full else SMALL), 200_000 if full else 40_000, 0.0)


def measure_makers(full: bool = False) -> dict[str, Any]:
    """The same at 100,000 pools, of which 1 % hold 100 entries and more and stand on one side of 80 % of the trades."""
    pools = FULL_MAKERS if full else SMALL
    shape = Shape(pools, makers=pools // 100)
    return _measure("fills.makers", shape, 200_000 if full else 40_000, MAKER_SHARE)


def _measure(name: str, shape: Shape, count: int, maker_share: float) -> dict[str, Any]:
    made = world(shape, bands=True)
    run(made, trades(made, count // 4, 100, maker_share))
    rates, limits, listed = [], [], []
    for k in range(RUNS):
        sent = trades(made, count, k, maker_share)
        armed(made)
        limits.append(count / seconds(partial(touch, made.engine.tables, sent)))
        rates.append(count / seconds(partial(run, made, sent)))
        listed.append(told(made.engine).listed)
    refused = _refused(made, trades(made, count, RUNS, maker_share))
    share = refused / count
    parts = {} if maker_share else {"parts_ns": nanoseconds(made, count // 2)}
    return summary(
        name, "trades/s", rates, limits, "reading both sides' pool and entries in the same order, nothing else",
        pools=shape.pools, trades=count, refused_share=round(share, 4), batch=BATCH,
        listed=round(median(listed)), **parts,
    )  # fmt: skip


def _refused(made: World, sent: Records) -> int:
    return sum(int((events["kind"] == int(Happened.REFUSED)).sum()) for events in run(made, sent))


def run(made: World, sent: Records) -> list[Records]:
    """Step through commands in batches of 1,000; their events."""
    return [made.engine.step(Batch(sent[k : k + BATCH])) for k in range(0, sent.size, BATCH)]


@kernel
def touch(t: Tables, commands: Records) -> int:
    """Read what a trade must read: both pools' rows and all their entries. The memory's limit for this access.

    Invariant: nothing is changed. Cost: two rows and their entries a command.
    """
    total = 0
    for j in range(commands.size):
        for pool in (commands[j]["pool"], commands[j]["other"]):
            row = t.pools[pool]
            total += row["cash"]
            for e in range(row["first"], row["first"] + row["used"]):
                total += t.key[e] + t.lots[e] + t.cost[e]
    return total
