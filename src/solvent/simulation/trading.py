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
from solvent.engine.records import LEG_MASK, OTHER_LEG_SHIFT, Happened, PoolState, Records, Verb
from solvent.engine.scan import lots_held
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
class Queue:
    """Resting orders of one side of an instrument, the best price first: those the mark has been through are behind.

    Args:
        instrument: Its number.
        side: 1 where the orders buy, −1 where they sell.
        rows: Rows of the orders.
        ticks: Their limits times ``side``, falling.
        passed: How many of them the mark has reached.

    """

    instrument: int
    side: int
    rows: Ints
    ticks: Ints
    passed: int = 0

    @classmethod
    def of(cls, orders: Orders, instrument: int, side: int) -> Queue:
        """The orders of one side of an instrument, none reached yet."""
        rows = np.flatnonzero((orders.instrument == instrument) & (np.sign(orders.lots) == side))
        rows = rows[np.argsort(-side * orders.ticks[rows], kind="stable")]
        return cls(instrument, side, rows, side * orders.ticks[rows])

    def reached(self, marks: Ints) -> Ints:
        """Rows of the orders that this minute's mark reaches first."""
        before, mark = self.passed, self.side * int(marks[self.instrument])
        while self.passed < self.rows.size and self.ticks[self.passed] >= mark:
            self.passed += 1
        return self.rows[before : self.passed]


@dataclass(slots=True)
class Trading:
    """The crowd's orders still standing, and its commands of a minute."""

    stage: Stage
    standing: NDArray[np.bool_] = field(init=False)
    calm: Ints = field(init=False)
    queues: list[Queue] = field(init=False)
    last: Records | None = None

    def __post_init__(self) -> None:
        """Every order stands at first."""
        orders = self.stage.crowd.orders
        self.standing = np.ones(orders.pool.size, np.bool_)
        self.queues = [
            Queue.of(orders, instrument, side)
            for instrument in range(len(self.stage.world.perpetuals))
            for side in (1, -1)
        ]
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
        rows = np.sort(np.concatenate([np.zeros(0, np.int64), *(queue.reached(marks) for queue in self.queues)]))
        rows = rows[self.standing[rows]]
        self.standing[rows] = False
        stage = self.stage
        return records(
            Verb.FILL, TRADING, rows.size, pool=stage.makers.pool(minute), other=stage.ids(orders.pool[rows]),
            thing=orders.instrument[rows] + stage.world.first_perpetual, flags=orders.leg[rows] << OTHER_LEG_SHIFT,
            lots=-orders.lots[rows], ticks=orders.ticks[rows], ref=orders.ref[rows],
        )  # fmt: skip

    def stopped(self, engine: Engine, events: Records, depth: DepthBook, state: ImpactState, minute: int) -> Records:
        """Orders for the stops that triggered: what is left of the position, no more, at the price the book gives."""
        stops, t = self.stage.crowd.stops, engine.tables
        rows = events[events["kind"] == Happened.STOPPED]
        if not rows.size:
            return records(Verb.FILL, TRADING, 0)
        legs = stops.leg[rows["ref"] - stops.ref[0]]
        pools, things = rows["pool"].astype(np.int64), rows["thing"].astype(np.int64)
        held = np.zeros(rows.size, np.int64)
        lots_held(t, pools, things * (LEG_MASK + 1) + legs, held)
        reduces = held * np.sign(rows["lots"]) < 0
        chosen = np.flatnonzero(reduces & (t.pools["state"][pools] == PoolState.HEALTHY))
        wanted = np.sign(rows["lots"]) * np.minimum(np.abs(rows["lots"]), np.abs(held))
        found: list[tuple[int, int, int, int]] = []
        for k in chosen.tolist():
            quote = depth.fill(state, int(things[k]) - self.stage.world.first_perpetual, int(wanted[k]))
            if quote.filled_lots:
                found.append((k, self.stage.makers.pool(minute + len(found)), quote.filled_lots, quote.price_ticks))
        at, makers, lots, ticks = np.array(found, np.int64).reshape(-1, 4).T
        return records(
            Verb.FILL, TRADING, at.size, pool=pools[at], other=makers, thing=things[at], flags=legs[at], lots=lots,
            ticks=ticks,
        )  # fmt: skip

    def repeated(self) -> Records:
        """The first commands of the batch sent last, sent again with their old numbers: each must be refused."""
        if self.last is None:
            return records(Verb.FILL, TRADING, 0)
        return self.last[:RESENT].copy()
