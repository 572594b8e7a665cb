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
from solvent.engine.records import FIRST_USER_POOL, PoolState, Records, Verb
from solvent.engine.tables import TOP_EPOCH
from solvent.engine.waiting import NONE_REFUSED
from solvent.engine.winners import Given, candidates, deleveraged
from solvent.engine.winners import ranked as in_order
from solvent.liquidation import deleverage
from solvent.rules import VenueRules
from solvent.simulation.stage import Stage

Ints = NDArray[np.int64]

ASKED = (8, 32, 64)  # at a time
LOOKED_AT = 256  # rows of a rank at a time, until there are enough to ask


class Ranked(NamedTuple):
    """Legs with profit on both sides of one instrument, highest fast score first."""

    pool: Ints
    lots: Ints
    cost: Ints


@dataclass(slots=True)
class Holders:
    """Who may hold an instrument: whoever ever wished for it, the market makers, and who was seen trading it besides.

    The crowd trades only what it wished for at first; probes tell of what they trade (:meth:`note`).
    """

    stage: Stage
    known: dict[int, Ints] = field(default_factory=dict)

    def of(self, thing: int) -> Ints:
        """Ids of pools, rising."""
        if thing not in self.known:
            stage, instrument = self.stage, thing - self.stage.world.first_perpetual
            mine = stage.ids(stage.crowd.wishes.pool[stage.crowd.wishes.instrument == instrument])
            makers = np.arange(stage.makers.first, stage.makers.first + stage.makers.count)
            found = np.unique(np.concatenate([makers, mine]))
            self.known[thing] = found[found >= FIRST_USER_POOL]
        return self.known[thing]

    def note(self, commands: Records) -> None:
        """Both sides of trades that are not the crowd's own may hold their instrument from now on."""
        trades = commands[commands["kind"] == Verb.FILL]
        for thing, *sides in trades[["thing", "pool", "other"]].tolist():
            known = self.of(thing)
            places = np.searchsorted(known, sides)
            new = {
                one: at
                for one, at in zip(sides, places.tolist(), strict=True)
                if one >= FIRST_USER_POOL and (at == known.size or known[at] != one)
            }
            if new:  # rising stays rising without a sort
                ids = sorted(new)
                self.known[thing] = np.insert(known, [new[one] for one in ids], ids)


@dataclass(slots=True)
class Deleveraging:
    """Ranks of one epoch, by instrument and side."""

    holders: Holders
    epoch: int = -1
    found: dict[tuple[int, bool], Ranked] = field(default_factory=dict)
    refused: Ints = field(init=False)  # best prices at which lots were left over: 2 × thing of longs, + 1 of shorts

    def __post_init__(self) -> None:
        """Nobody has refused anything yet."""
        self.refused = np.zeros(2 * self.holders.stage.world.things, np.int64)
        self.refused[::2] = NONE_REFUSED

    def winners(self, engine: Engine, rules: VenueRules, thing: int, losing_lots: int, ticks: int) -> list[Given]:
        """Who takes the other side of closing ``losing_lots`` of an instrument at ``ticks``, best rank first."""
        self.renew(engine)
        side = 2 * thing + (losing_lots < 0)
        if (ticks - int(self.refused[side])) * (1 if losing_lots > 0 else -1) >= 0:
            return []
        left, taken = abs(losing_lots), list[Given]()
        for pools in _lists(self._asked(engine, rules, thing, losing_lots, ticks)):
            more, left = _given(engine, rules, pools, thing, left if losing_lots > 0 else -left, ticks)
            taken += more
            if left == 0:
                return taken
        self.refused[side] = ticks
        return taken

    def renew(self, engine: Engine) -> None:
        """Forget what was found in another epoch."""
        epoch = int(engine.tables.top[TOP_EPOCH])
        if epoch != self.epoch:
            self.epoch, self.found = epoch, {}
            self.refused[::2], self.refused[1::2] = NONE_REFUSED, 0

    def _asked(self, engine: Engine, rules: VenueRules, thing: int, losing_lots: int, ticks: int) -> list[int]:
        """Healthy pools on the opposite side that would not lose by closing at ``ticks``: as many as are ever asked."""
        side = (thing, losing_lots > 0)
        if side not in self.found:
            self.found[side] = ranked(engine, rules, thing, 1 if losing_lots > 0 else -1, self.holders.of(thing))
        one, states = self.found[side], engine.tables.pools["state"]
        tick_value, found = int(engine.tables.things[thing]["tick_value"]), dict[int, None]()
        for at in range(0, one.pool.size, LOOKED_AT):
            pool, lots, cost = (column[at : at + LOOKED_AT] for column in one)
            fits = (lots * ticks * tick_value >= cost) & (states[pool] == PoolState.HEALTHY)
            found.update(dict.fromkeys(pool[fits].tolist()))
            if len(found) >= sum(ASKED):
                break
        return list(found)


def ranked(engine: Engine, rules: VenueRules, thing: int, losing_lots: int, holders: Ints | None = None) -> Ranked:
    """Every leg of ``holders`` (all users, unless said) opposite to a loser's with profit at the mark.

    By the rule set's rank where all are covered, else roughly.
    """
    found = candidates(engine.tables, thing, losing_lots, holders, engine.crew)
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
