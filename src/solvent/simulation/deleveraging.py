"""Choosing whom auto-deleveraging asks: short lists by a fast score, then the exact rank of ring 1 among each.

The fast score only decides who is looked at first: eight, then thirty-two more, then sixty-four; whoever ranks
below those hundred and four is not asked, and what they could not take goes into the book. The score is found
once an epoch; what a pool holds and whether it may give up anything is looked up when it is asked. Pools that
would lose by closing at the price are not asked: ring 1 would take nothing from them. Where all refused a
price, a worse one is not offered again in the same epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solvent.book import Book, Market
from solvent.engine.engine import Engine
from solvent.engine.hashing import live_entries
from solvent.engine.records import FIRST_USER_POOL, PoolState
from solvent.engine.tables import TOP_EPOCH
from solvent.engine.winners import Given, candidates, deleveraged
from solvent.engine.winners import ranked as in_order
from solvent.liquidation import deleverage
from solvent.rules import VenueRules

Ints = NDArray[np.int64]

ASKED = (8, 32, 64)  # at a time


class Ranked(NamedTuple):
    """Legs with profit on both sides of one instrument, highest fast score first."""

    pool: Ints
    lots: Ints
    cost: Ints


@dataclass(slots=True)
class Deleveraging:
    """Ranks of one epoch, by instrument and side."""

    epoch: int = -1
    found: dict[tuple[int, bool], Ranked] = field(default_factory=dict)
    refused: dict[tuple[int, bool], int] = field(default_factory=dict)  # best price at which lots were left over

    def winners(self, engine: Engine, rules: VenueRules, thing: int, losing_lots: int, ticks: int) -> list[Given]:
        """Who takes the other side of closing ``losing_lots`` of an instrument at ``ticks``, best rank first."""
        self._renew(engine)
        side = (thing, losing_lots > 0)
        known = self.refused.get(side)
        if known is not None and (ticks - known) * (1 if losing_lots > 0 else -1) >= 0:
            return []
        left, taken = abs(losing_lots), list[Given]()
        for pools in _lists(self._asked(engine, rules, thing, losing_lots, ticks)):
            more, left = _given(engine, rules, pools, thing, left if losing_lots > 0 else -left, ticks)
            taken += more
            if left == 0:
                return taken
        self.refused[side] = ticks
        return taken

    def _renew(self, engine: Engine) -> None:
        """Forget what was found in another epoch."""
        epoch = int(engine.tables.top[TOP_EPOCH])
        if epoch != self.epoch:
            self.epoch, self.found, self.refused = epoch, {}, {}

    def _asked(self, engine: Engine, rules: VenueRules, thing: int, losing_lots: int, ticks: int) -> list[int]:
        """Healthy pools on the opposite side that would not lose by closing at ``ticks``."""
        if (thing, True) not in self.found:
            for longs in (True, False):
                self.found[thing, longs] = ranked(engine, rules, thing, 1 if longs else -1)
        one = self.found[thing, losing_lots > 0]
        gain = one.lots * ticks * int(engine.tables.things[thing]["tick_value"]) - one.cost
        fits = (gain >= 0) & (engine.tables.pools["state"][one.pool] == PoolState.HEALTHY)
        return list(dict.fromkeys(one.pool[fits].tolist()))


def ranked(engine: Engine, rules: VenueRules, thing: int, losing_lots: int) -> Ranked:
    """Every user's leg opposite to a loser's with profit at the mark, by the rule set's rank where all are covered."""
    found = candidates(engine.tables, thing, losing_lots)
    if found is None:
        return _roughly(engine, thing, losing_lots)
    found = found.at(in_order(found, rules.losses.adl_rank, _one(engine, thing)))
    return Ranked(found.pool, found.lots, engine.tables.cost[found.slot])


def _roughly(engine: Engine, thing: int, losing_lots: int) -> Ranked:
    """The same by profit ÷ entry × leverage in floats, highest first, then by pool."""
    t = engine.tables
    entries = live_entries(t)
    row = t.things[thing]
    mine = (entries.key >> 2 == thing) & (entries.pool >= FIRST_USER_POOL)
    pool, slot = entries.pool[mine], entries.slot[mine]
    lots, cost = t.lots[slot], t.cost[slot]
    worth = lots * int(row["mark"]) * int(row["tick_value"])
    profit = worth - cost - lots * (int(row["carry"]) - t.carry[slot])
    value = np.maximum(engine.revalue().value[pool], 1.0)
    score = profit.astype(np.float64) / np.maximum(np.abs(cost), 1) * np.abs(worth) / value
    order = np.lexsort((pool, -np.round(score, 9)))
    order = order[(profit[order] > 0) & (lots[order] * losing_lots < 0)]
    return Ranked(pool[order], lots[order], cost[order])


def _one(engine: Engine, thing: int) -> int:
    """One whole of the asset a contract settles in, in units."""
    return int(10 ** engine.names.asset(int(engine.tables.things[thing]["settle"])).scale)


def _lists(pools: list[int]) -> Iterator[list[int]]:
    at = 0
    for size in ASKED:
        if at < len(pools):
            yield pools[at : at + size]
        at += size


def _given(
    engine: Engine, rules: VenueRules, pools: list[int], thing: int, losing_lots: int, ticks: int
) -> tuple[list[Given], int]:
    """Who of ``pools`` gives up lots, by the engine's arrays or, where they do not cover all, by ring 1; lots left."""
    found = candidates(engine.tables, thing, losing_lots, np.array(pools))
    if found is not None:
        rank = rules.losses.adl_rank
        return deleveraged(engine.tables, found, rank, _one(engine, thing), losing_lots, ticks)
    book, market, rules = _together(engine, pools)
    done = deleverage(book, market, rules, engine.names.name(thing), losing_lots, ticks)
    return [Given(int(one.pool[1:]), one.leg.value, one.lots) for one in done.taken], done.left_lots


def _together(engine: Engine, pools: list[int]) -> tuple[Book, Market, VenueRules]:
    """One book of several pools."""
    book, market, rules = engine.book(pools[0])
    return replace(book, holdings=tuple(engine.holding(pool) for pool in pools)), market, rules
