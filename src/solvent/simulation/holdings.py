"""Reading one pool out of the engine's tables: its legs, its other assets, its cash. Plain whole numbers."""

from __future__ import annotations

from typing import NamedTuple

from solvent.engine.records import LEG_MASK
from solvent.engine.tables import ASSET, FREE, SPOT, Tables


class Held(NamedTuple):
    """One leg of a pool: thing, leg number, signed lots and signed cost."""

    thing: int
    leg: int
    lots: int
    cost: int


def legs(t: Tables, pool: int) -> list[Held]:
    """A pool's contract legs with lots, by thing and leg."""
    row = t.pools[pool]
    found = []
    for slot in range(int(row["first"]), int(row["first"]) + int(row["used"])):
        key, lots = int(t.key[slot]), int(t.lots[slot])
        if key != FREE and lots:
            thing, leg = divmod(key, LEG_MASK + 1)
            if int(t.things[thing]["kind"]) not in (ASSET, SPOT):
                found.append(Held(thing, leg, lots, int(t.cost[slot])))
    return sorted(found)


def other_assets(t: Tables, pool: int) -> list[tuple[int, int]]:
    """Assets a pool has besides its numeraire: (thing, units), debts below zero."""
    row = t.pools[pool]
    found = []
    for slot in range(int(row["first"]), int(row["first"]) + int(row["used"])):
        key, units = int(t.key[slot]), int(t.lots[slot])
        if key != FREE and units and int(t.things[key // (LEG_MASK + 1)]["kind"]) == ASSET:
            found.append((key // (LEG_MASK + 1), units))
    return sorted(found)


def lots_of(t: Tables, pool: int, thing: int, leg: int) -> int:
    """Signed lots of one leg, 0 where there is none."""
    return sum(held.lots for held in legs(t, pool) if (held.thing, held.leg) == (thing, leg))


def cash(t: Tables, pool: int) -> int:
    """A pool's numeraire balance, units."""
    return int(t.pools[pool]["cash"])


def standing(t: Tables, pool: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Everything a pool owns apart from its contracts: cash and other assets."""
    return cash(t, pool), tuple(other_assets(t, pool))
