"""What the crowd does while the window runs: trades, order fills, stops, money in and out, and repeated commands.

Everything is drawn from a stream of its own for each minute, so that a minute's wishes depend on the seed and
the minute alone. Trades happen at the mark; in a minute whose bar is wilder than twice the median they are cut
to two fifths.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from solvent.engine.engine import Engine
from solvent.engine.records import OTHER_LEG_SHIFT, Happened, PoolState, Records, Verb, command
from solvent.simulation.holdings import lots_of
from solvent.simulation.impact import Book as DepthBook
from solvent.simulation.impact import ImpactState
from solvent.simulation.population import Orders
from solvent.simulation.randomness import Stream
from solvent.simulation.stage import Stage
from solvent.simulation.world import DOLLAR_ID, TRADING, records

Ints = NDArray[np.int64]

ACCOUNTS_A_TRADE = 500  # one trade a minute for so many accounts
CRASH_PER_MILLE = 400
REDUCE_PPM = 550_000
MOST_PART = 30  # a trade is 5 to 30 hundredths of the position first wished for
WITHDRAWALS, DEPOSITS = 2, 1  # a minute
RESENT = 3  # commands repeated on purpose every hour


@dataclass(slots=True)
class Trading:
    """The crowd's orders still standing, and its commands of a minute."""

    stage: Stage
    standing: NDArray[np.bool_] = field(init=False)
    calm: Ints = field(init=False)
    last: Records | None = None

    def __post_init__(self) -> None:
        """Every order stands at first."""
        self.standing = np.ones(self.stage.crowd.orders.pool.size, np.bool_)
        dataset = self.stage.world.dataset
        low, high = dataset.mark_range()
        spread = ((high - low) * 1_000_000 // (high + low)).sum(axis=1)
        self.calm = (spread <= 2 * np.sort(spread)[spread.size // 2]).astype(np.int64)

    def note(self, answers: Records, events: Records) -> None:
        """Orders refused or cancelled by the engine stand no more."""
        gone = events["ref"][events["kind"] == Happened.CANCELLED]
        refused = answers["ref"][(answers["kind"] == Happened.REFUSED) & (answers["ref"] > 0)]
        for refs in (gone, refused):
            known = refs[(refs > 0) & (refs <= self.standing.size)]
            self.standing[known - 1] = False

    def trades(self, minute: int, marks: Ints) -> Records:
        """Trades of the minute: a part of a position more or less, against a maker, at the mark."""
        stage, wishes = self.stage, self.stage.crowd.wishes
        stream = Stream(stage.seed, f"trading/{stage.world.dataset.name}/{minute}")
        count = max(1, stage.crowd.accounts // ACCOUNTS_A_TRADE)
        if not self.calm[minute // stage.world.dataset.interval_minutes]:
            count = max(1, count * CRASH_PER_MILLE // 1000)
        row = stream.integers(0, wishes.pool.size, count)
        part = stream.integers(5, MOST_PART + 1, count)
        sign = np.where(stream.chance(REDUCE_PPM, count), -1, 1) * np.sign(wishes.lots[row])
        lots = np.maximum(np.abs(wishes.lots[row]) * part // 100, 1)
        instrument = wishes.instrument[row]
        return records(
            Verb.FILL, TRADING, count, pool=stage.ids(wishes.pool[row]), other=stage.makers.drawn(stream, count),
            thing=instrument + stage.world.first_perpetual, flags=wishes.leg[row], lots=sign * lots,
            ticks=marks[instrument],
        )  # fmt: skip

    def money(self, minute: int) -> Records:
        """Deposits and withdrawals of a tenth of what somebody had at first, at most; withdrawals come last."""
        stage, pools = self.stage, self.stage.crowd.pools
        stream = Stream(stage.seed, f"money/{stage.world.dataset.name}/{minute}")
        count = DEPOSITS + WITHDRAWALS
        row = stream.integers(0, stage.crowd.accounts, count)
        part = stream.integers(1, 11, count)
        made = records(
            Verb.DEPOSIT, TRADING, count, pool=stage.ids(row), thing=DOLLAR_ID,
            amount=np.maximum(pools.cash_units[row] * part // 100, 1),
        )  # fmt: skip
        made["kind"][DEPOSITS:] = int(Verb.WITHDRAW)
        return made

    def reached(self, marks: Ints, minute: int) -> Records:
        """Fills of resting orders whose limit the mark has reached: the maker's side is the order."""
        orders: Orders = self.stage.crowd.orders
        mark = marks[orders.instrument]
        rows = np.flatnonzero(self.standing & np.where(orders.lots > 0, mark <= orders.ticks, mark >= orders.ticks))
        self.standing[rows] = False
        stage = self.stage
        return records(
            Verb.FILL, TRADING, rows.size, pool=stage.makers.pool(minute), other=stage.ids(orders.pool[rows]),
            thing=orders.instrument[rows] + stage.world.first_perpetual, flags=orders.leg[rows] << OTHER_LEG_SHIFT,
            lots=-orders.lots[rows], ticks=orders.ticks[rows], ref=orders.ref[rows],
        )  # fmt: skip

    def stopped(self, engine: Engine, events: Records, depth: DepthBook, state: ImpactState, minute: int) -> Records:
        """Orders for the stops that triggered: what is left of the position, no more, at the price the book gives."""
        found: list[Records] = []
        stops = self.stage.crowd.stops
        for event in events[events["kind"] == Happened.STOPPED]:
            pool, thing, lots = int(event["pool"]), int(event["thing"]), int(event["lots"])
            leg = int(stops.leg[int(event["ref"]) - int(stops.ref[0])])
            held = lots_of(engine.tables, pool, thing, leg)
            if held * lots >= 0 or engine.state(pool) is not PoolState.HEALTHY:
                continue
            wanted = max(lots, -held) if lots < 0 else min(lots, -held)
            instrument = thing - self.stage.world.first_perpetual
            quote = depth.fill(state, instrument, wanted)
            if quote.filled_lots:
                maker = self.stage.makers.pool(minute + len(found))
                found.append(
                    command(
                        Verb.FILL, TRADING, 0, pool=pool, other=maker, thing=thing, flags=leg,
                        lots=quote.filled_lots, ticks=quote.price_ticks,
                    )
                )  # fmt: skip
        return np.concatenate(found) if found else records(Verb.FILL, TRADING, 0)

    def repeated(self) -> Records:
        """The first commands of the batch sent last, sent again with their old numbers: each must be refused."""
        if self.last is None:
            return records(Verb.FILL, TRADING, 0)
        return self.last[:RESENT].copy()
