"""Choosing whom auto-deleveraging asks: a short list by a fast score, then the exact rank of ring 1 among them.

The fast score only decides who is looked at first. The list is the best forty; when they cannot take all, the
next forty are asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solvent.book import Book, Market
from solvent.engine.engine import Engine
from solvent.engine.hashing import live_entries
from solvent.engine.records import FIRST_USER_POOL, LEG_MASK, PoolState
from solvent.liquidation import deleverage
from solvent.rules import VenueRules

Ints = NDArray[np.int64]

ASKED_AT_ONCE = 40


class Winner(NamedTuple):
    """One pool that gives up ``lots`` (absolute) of a leg."""

    pool: int
    leg: int
    lots: int


def winners(engine: Engine, thing: int, losing_lots: int, ticks: int) -> list[Winner]:
    """Who takes the other side of closing ``losing_lots`` of an instrument at ``ticks``, best rank first."""
    symbol = engine.names.name(thing)
    left, found = abs(losing_lots), list[Winner]()
    for pools in _shortlists(engine, thing, losing_lots):
        book, market, rules = _together(engine, pools)
        done = deleverage(book, market, rules, symbol, left if losing_lots > 0 else -left, ticks)
        found += [Winner(int(one.pool[1:]), one.leg.value, one.lots) for one in done.taken]
        left = done.left_lots
        if left == 0:
            break
    return found


def _shortlists(engine: Engine, thing: int, losing_lots: int) -> Iterator[list[int]]:
    """Healthy pools with profit on the opposite side, highest fast score first, forty at a time."""
    t = engine.tables
    entries = live_entries(t)
    row = t.things[thing]
    at_thing = entries.key >> 2 == thing
    pool, slot = entries.pool[at_thing], entries.slot[at_thing]
    lots, cost = t.lots[slot], t.cost[slot]
    worth = lots * int(row["mark"]) * int(row["tick_value"])
    profit = worth - cost - lots * (int(row["carry"]) - t.carry[slot])
    state = t.pools["state"][pool]
    fits = (lots * np.sign(losing_lots) < 0) & (profit > 0) & (pool >= FIRST_USER_POOL) & (state == PoolState.HEALTHY)
    pool, profit, worth, cost = pool[fits], profit[fits], worth[fits], cost[fits]
    value = np.maximum(engine.revalue().value[pool], 1.0)
    score = profit.astype(np.float64) / np.maximum(np.abs(cost), 1) * np.abs(worth) / value
    order = np.lexsort((pool, -np.round(score, 9)))
    ids = list(dict.fromkeys(pool[order].tolist()))
    for at in range(0, len(ids), ASKED_AT_ONCE):
        yield ids[at : at + ASKED_AT_ONCE]


def _together(engine: Engine, pools: list[int]) -> tuple[Book, Market, VenueRules]:
    """One book of several pools."""
    book, market, rules = engine.book(pools[0])
    holdings = [engine.book(pool)[0].holdings[0] for pool in pools]
    return replace(book, holdings=tuple(holdings)), market, rules


def leg_of(key: int) -> int:
    """The leg number in an entry's key."""
    return key & LEG_MASK
