"""Where a trade's time goes: the same trades up to one part after another, then the whole of them.

A trade is left after its memory has been read, after it has been found sound, after its limits, after both surpluses;
nothing is changed by any of these. What a part costs is the difference to the part before, in time of the thread's
processor, each the least of several runs. The whole is the engine's own kernel, then ``Engine.step``.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from solvent.bench.bands import armed
from solvent.bench.timing import RUNS, processor_seconds
from solvent.bench.world import World, trades
from solvent.engine.cash import OK
from solvent.engine.engine import AHEAD, Engine
from solvent.engine.fills import charges, fill_cost, reach_allows, side_borrows, side_leverage, side_short
from solvent.engine.hot import apply, look_ahead
from solvent.engine.jit import kernel
from solvent.engine.records import EVENT, Batch, Records
from solvent.engine.slots import find
from solvent.engine.tables import I8, Tables
from solvent.engine.trades import held_at, sound
from solvent.engine.value import ADMIT, notional

BATCH = 1_000
MEMORY, SOUND, LIMITS, SURPLUS, POSTED = range(5)
NAMES = (
    "memory of both pools",
    "entries found, command sound, fees",
    "reach, leverage, loans",
    "surplus of both sides",
    "posting, command number, event",
    "Engine.step around the kernel",
)


@kernel
def held_by_both(t: Tables, commands: Records, found: I8) -> None:
    """1 for each trade in something both sides have an entry of; such a trade makes no entry.

    Invariant: the tables are not changed. Cost: a look through both sides' entries a trade.
    """
    for j in range(commands.size):
        c = commands[j]
        here, there = find(t, c["pool"], c["thing"] * 4), find(t, c["other"], c["thing"] * 4)
        found[j] = 1 if here >= 0 and there >= 0 else 0


@kernel
def read_sides(t: Tables, commands: Records, j: int) -> int:
    """Both sides' rows and entries, read and nothing else.

    Invariant: nothing is changed. Cost: two rows and their entries.
    """
    total = 0
    for pool in (commands[j]["pool"], commands[j]["other"]):
        row = t.pools[pool]
        total += row["cash"]
        for e in range(row["first"], row["first"] + row["used"]):
            total += t.key[e] + t.lots[e] + t.cost[e] + t.carry[e]
    return total


@kernel
def taken_to(t: Tables, commands: Records, j: int, part: int) -> int:
    """One trade up to and with a part, in the order of the engine's own kernel; nothing is changed.

    Invariant: no position and no balance is changed. Cost: that of the parts of a fill up to the one named.
    """
    c = commands[j]
    pool, other, thing, lots, ticks = c["pool"], c["other"], c["thing"], c["lots"], c["ticks"]
    slot, other_slot = find(t, pool, thing * 4), find(t, other, thing * 4)
    if sound(t, pool, other, thing, 0, lots, ticks, held_at(t, slot), held_at(t, other_slot), -1, -1) != OK:
        return 0
    cost, amount = fill_cost(t, thing, lots, ticks), notional(t, thing, lots, ticks)
    fee, levy = charges(t, pool, thing, amount, True)
    other_fee, other_levy = charges(t, other, thing, amount, False)
    charge, other_charge = fee + levy, other_fee + other_levy
    if part == SOUND or not within_limits(t, pool, slot, thing, lots, cost, charge):
        return charge
    if not within_limits(t, other, other_slot, thing, -lots, -cost, other_charge) or part == LIMITS:
        return other_charge
    short, _surplus = side_short(t, pool, slot, thing, lots, cost, charge, ADMIT)
    if not short:
        short, _surplus = side_short(t, other, other_slot, thing, -lots, -cost, other_charge, ADMIT)
    return 1 if short else 0


@kernel
def within_limits(t: Tables, pool: int, slot: int, thing: int, lots: int, cost: int, charge: int) -> bool:
    """What is asked of a side before its surplus.

    Invariant: nothing is changed. Cost: that of the three questions.
    """
    if not reach_allows(t, pool, slot, thing, lots, cost, charge, False):
        return False
    return (
        side_leverage(t, pool, slot, thing, lots, -1) and side_borrows(t, pool, slot, thing, lots, cost, charge, 0) >= 0
    )


@kernel
def taken(t: Tables, commands: Records, part: int, ahead: int) -> int:
    """All trades up to and with a part, their memory asked for in advance as the engine does.

    Invariant: no position and no balance is changed. Cost: that of :func:`taken_to` a trade.
    """
    total = 0
    for j in range(-2 * ahead, commands.size):
        look_ahead(t, commands, j, 0, commands.size, ahead)
        if j >= 0:
            total += read_sides(t, commands, j)
            total += taken_to(t, commands, j, part) if part > MEMORY else 0
    return total


def nanoseconds(made: World, count: int) -> dict[str, float]:
    """Nanoseconds a trade of each part, by the least of several runs; in each, everybody's surplus is found anew."""
    engine = made.engine
    cumulative: list[list[float]] = [[] for _ in NAMES]
    for run in range(RUNS):
        for part in range(len(NAMES)):
            sent = _held(made, count, len(NAMES) * run + part)
            armed(made)
            cumulative[part].append(processor_seconds(partial(_worked, engine, sent, part)) / count * 1e9)
    ends = [min(one) for one in cumulative]
    return {name: round(end - start, 1) for name, start, end in zip(NAMES, [0.0, *ends], ends, strict=False)}


def _held(made: World, count: int, seed: int) -> Records:
    """So many trades in what both sides hold."""
    sent = trades(made, 2 * count, 200 + seed)
    found = np.zeros(sent.size, np.int8)
    held_by_both(made.engine.tables, sent, found)
    both: Records = sent[found == 1][:count]
    return both


def _worked(engine: Engine, sent: Records, part: int) -> None:
    """The trades up to and with a part, the last two in batches as they come."""
    if part <= SURPLUS:
        taken(engine.tables, sent, part, AHEAD)
        return
    for k in range(0, sent.size, BATCH):
        batch = sent[k : k + BATCH]
        if part == POSTED:
            apply(engine.tables, batch, 0, batch.size, np.empty(BATCH, EVENT), 0, AHEAD)
        else:
            engine.step(Batch(batch))
