"""Market makers: well-capitalised pools on the other side of everything, opened and margined like any other pool.

They hold what the crowd does not: its net position. Their capital is a multiple of the crowd's gross notional,
so that a crash that ruins the crowd does not ruin them; a trade they cannot carry is refused like anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, Records, Setting, Verb
from solvent.simulation.population import UNIT, Population
from solvent.simulation.randomness import Stream
from solvent.simulation.world import DOLLAR_ID, SET_UP, World, records

Ints = NDArray[np.int64]

LEAST, ACCOUNTS_EACH = 6, 800
CAPITAL_TIMES_GROSS = 2
LEAST_CAPITAL = 5_000_000  # USDT, each
OWN_LEVERAGE = 2


@dataclass(frozen=True, slots=True)
class Makers:
    """How many there are and what each starts with; their pools are the first user pools."""

    count: int
    cash_units: int
    first: int = FIRST_USER_POOL

    def pool(self, turn: int) -> int:
        """The pool of the maker whose turn it is."""
        return self.first + turn % self.count

    def drawn(self, stream: Stream, count: int) -> Ints:
        """``count`` makers' pools, each equally likely."""
        return self.first + stream.integers(0, self.count, count)


def makers(world: World, crowd: Population) -> Makers:
    """One maker for 800 accounts, six at least; together they own twice the crowd's gross notional.

    Where liquidity providers stand on the other side of every trade, their vault alone: the house's fund pool.

    >>> from solvent.simulation.datasets import load
    >>> from solvent.simulation.population import generate
    >>> from solvent.simulation.world import build
    >>> world = build(load("mar-2020"), "generic")
    >>> makers(world, generate(world, 300, seed=7)).count
    6
    """
    if world.vault:
        return Makers(1, max(CAPITAL_TIMES_GROSS * gross_units(world, crowd), LEAST_CAPITAL * UNIT), FUND_POOL)
    count = max(LEAST, crowd.accounts // ACCOUNTS_EACH)
    capital = CAPITAL_TIMES_GROSS * gross_units(world, crowd) // count
    return Makers(count, max(capital, LEAST_CAPITAL * UNIT))


def gross_units(world: World, crowd: Population) -> int:
    """Gross notional the crowd wishes for at the first marks, USDT units."""
    marks = world.dataset.open_ticks[0]
    per_lot = marks * world.tick_values
    return int((crowd.gross_lots * per_lot[crowd.wishes.instrument]).sum())


def commands(world: World, own: Makers) -> list[Records]:
    """Open every maker, give it its cash, and choose a low leverage cap for every instrument."""
    if world.vault:
        return [records(Verb.DEPOSIT, SET_UP, 1, pool=own.first, thing=DOLLAR_ID, amount=own.cash_units)]
    pools = own.first + np.arange(own.count, dtype=np.int64)
    instruments = world.first_perpetual + np.arange(len(world.perpetuals), dtype=np.int64)
    owners = (1 << 30) + np.arange(own.count, dtype=np.int64)
    return [
        records(Verb.OPEN, SET_UP, own.count, pool=pools, other=-1, thing=-1, lots=owners, amount=owners, ref=0),
        records(Verb.DEPOSIT, SET_UP, own.count, pool=pools, thing=DOLLAR_ID, amount=own.cash_units),
        records(
            Verb.SET, SET_UP, own.count * instruments.size, pool=np.repeat(pools, instruments.size),
            thing=np.tile(instruments, own.count), flags=int(Setting.LEVERAGE), amount=OWN_LEVERAGE,
        ),
    ]  # fmt: skip
