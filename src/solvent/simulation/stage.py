"""The commands before the first minute: accounts opened and funded, positions taken at the first marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solvent.engine.commands import LEGS_SHIFT
from solvent.engine.records import (
    FIRST_USER_POOL,
    FUND_POOL,
    STOP_BELOW,
    House,
    Records,
    Setting,
    Verb,
)
from solvent.rules import Missing
from solvent.simulation.market_makers import Makers, gross_units
from solvent.simulation.population import UNIT, Orders, Population
from solvent.simulation.randomness import MILLION, Stream
from solvent.simulation.world import DOLLAR_ID, SET_UP, TRADING, World, records

Ints = NDArray[np.int64]

FUND_PPM = 3_000  # the fund's first cash, of the crowd's gross notional
LENT_PPM = 250_000  # the lending pools' supply, of what the crowd owns
FEES_ROOM = 1_000 * UNIT


@dataclass(frozen=True, slots=True)
class Stage:
    """Who is where: the crowd's pool rows become pool ids from ``first`` on."""

    world: World
    crowd: Population
    makers: Makers
    seed: int

    @property
    def first(self) -> int:
        """Pool id of the crowd's first row."""
        return FIRST_USER_POOL + (0 if self.world.vault else self.makers.count)

    @property
    def pools(self) -> int:
        """How many pools there are once everything is open, the house's two included."""
        return self.first + self.crowd.pools.count

    def ids(self, rows: Ints) -> Ints:
        """Pool ids of pool rows."""
        return rows + self.first


def rules_rows(world: World, professional: Ints, isolated: Ints) -> Ints:
    """The rules row of each pool by class and mode."""
    place = {(mode.value == "isolated", bool(pro)): row for row, (mode, pro) in enumerate(world.rows)}
    table = np.array([[place.get((bool(i), bool(p)), -1) for p in (0, 1)] for i in (0, 1)], dtype=np.int64)
    return table[isolated, professional].astype(np.int64)


def house(stage: Stage) -> list[Records]:
    """The fund's first cash, and what lenders supply."""
    world, crowd = stage.world, stage.crowd
    fund = gross_units(world, crowd) // MILLION * FUND_PPM + FEES_ROOM
    rows = [records(Verb.DEPOSIT, SET_UP, 1, pool=FUND_POOL, thing=DOLLAR_ID, amount=fund)]
    if world.rules.borrowing.missing is not Missing.BORROW:
        return rows
    lent = int(crowd.pools.equity_units.sum()) // MILLION * LENT_PPM + FEES_ROOM
    lending = -1 - int(House.LENDING)
    rows.append(records(Verb.DEPOSIT, SET_UP, 1, pool=lending, thing=DOLLAR_ID, amount=lent))
    for k, instrument in enumerate(world.coins):
        units = lent // 4 // int(world.dataset.open_ticks[0, instrument]) * world.coin_divisor(k)
        rows.append(records(Verb.DEPOSIT, SET_UP, 1, pool=lending, thing=1 + k, amount=units))
    return rows


def accounts(stage: Stage) -> list[Records]:
    """Open every pool and fund it; isolated pools get theirs by a transfer from their parent."""
    pools = stage.crowd.pools
    rows = np.arange(pools.count, dtype=np.int64)
    parents = np.where(pools.parent >= 0, pools.parent + stage.first, -1)
    scope = np.where(pools.scope >= 0, pools.scope + stage.world.first_perpetual, -1)
    opened = records(
        Verb.OPEN, SET_UP, pools.count, pool=stage.ids(rows), other=parents, thing=scope, lots=pools.owner,
        amount=pools.account, ref=rules_rows(stage.world, pools.professional, pools.isolated),
        flags=pools.isolated | pools.hedge << LEGS_SHIFT,
    )  # fmt: skip
    cross, alone = np.flatnonzero(pools.parent < 0), np.flatnonzero(pools.parent >= 0)
    with_coin = np.flatnonzero((pools.coin >= 0) & (pools.coin_units > 0))
    return [
        opened,
        _paid_in(stage, cross, np.full(cross.size, DOLLAR_ID), np.maximum(pools.cash_units[cross], 1)),
        _paid_in(stage, with_coin, 1 + pools.coin[with_coin], pools.coin_units[with_coin]),
        records(
            Verb.TRANSFER, TRADING, alone.size, pool=parents[alone], other=stage.ids(alone), thing=DOLLAR_ID,
            amount=pools.cash_units[alone],
        ),
    ]  # fmt: skip


def _paid_in(stage: Stage, rows: Ints, asset: Ints, units: Ints) -> Records:
    return records(Verb.DEPOSIT, TRADING, rows.size, pool=stage.ids(rows), thing=asset, amount=units)


def positions(stage: Stage) -> list[Records]:
    """Leverage caps, then every position taken from a maker at the first mark, then spot, orders and stops."""
    world, wishes = stage.world, stage.crowd.wishes
    things = wishes.instrument + world.first_perpetual
    chosen = np.flatnonzero(wishes.leverage > 0)
    stream = Stream(stage.seed, f"stage/{world.dataset.name}")
    marks = world.dataset.open_ticks[0]
    levers = records(
        Verb.SET, TRADING, chosen.size, pool=stage.ids(wishes.pool[chosen]), thing=things[chosen],
        flags=int(Setting.LEVERAGE), amount=wishes.leverage[chosen],
    )  # fmt: skip
    turn = stream.child("turn").order(wishes.pool.size)
    opened = records(
        Verb.FILL, TRADING, turn.size, pool=stage.ids(wishes.pool[turn]),
        other=stage.makers.drawn(stream.child("makers"), turn.size), thing=things[turn], flags=wishes.leg[turn],
        lots=wishes.lots[turn], ticks=marks[wishes.instrument[turn]],
    )  # fmt: skip
    return [levers, opened, _spot(stage, marks, stream), resting(stage, stage.crowd.orders), stops(stage)]


def _spot(stage: Stage, marks: Ints, stream: Stream) -> Records:
    spots = stage.crowd.spots
    instrument = np.array((*stage.world.coins, 0), dtype=np.int64)[spots.coin]
    return records(
        Verb.FILL, TRADING, spots.pool.size, pool=stage.ids(spots.pool), thing=stage.world.first_spot + spots.coin,
        other=stage.makers.drawn(stream.child("spot"), spots.pool.size), lots=spots.lots, ticks=marks[instrument],
    )  # fmt: skip


def resting(stage: Stage, orders: Orders) -> Records:
    """RESERVE of each order."""
    return records(
        Verb.RESERVE, TRADING, orders.pool.size, pool=stage.ids(orders.pool), flags=orders.leg, lots=orders.lots,
        thing=orders.instrument + stage.world.first_perpetual, ticks=orders.ticks, ref=orders.ref,
    )  # fmt: skip


def stops(stage: Stage) -> Records:
    """STOP of each standing stop: sells are triggered below, buys above."""
    standing = stage.crowd.stops
    below = np.where(standing.lots < 0, STOP_BELOW, 0)
    return records(
        Verb.STOP, TRADING, standing.pool.size, pool=stage.ids(standing.pool), flags=standing.leg | below,
        thing=standing.instrument + stage.world.first_perpetual, lots=standing.lots, ticks=standing.ticks,
        ref=standing.ref,
    )  # fmt: skip
