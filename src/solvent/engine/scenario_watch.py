"""Watching option portfolios by boxes: whoever is proved sound all over a box is not looked at while prices are inside.

Boxes of growing size stand round one market, and each portfolio has a *level*: in how many of them, from the smallest,
it is proved sound (:mod:`solvent.margin.scenario.boxes` has the proof). At a market inside box k, portfolios of a
higher level than k are sound; all others are judged as ever. Outside all boxes, or when too many have to be looked at,
boxes are set up anew round the present market. Which portfolios are not proved sound, and how they stand, is what
judging everybody would have found.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from solvent.book import Book, Holding, Market
from solvent.engine.scenario_judge import SOUND, answers, judge_some, scratch
from solvent.engine.scenario_table import ScenarioTable
from solvent.engine.tables import I32
from solvent.margin.scenario.boxes import Edges, Spread, box_rows, edges, inside
from solvent.margin.scenario.listing import Quotes, quotes
from solvent.margin.scenario.quantised import quantise

SPREADS = (
    Spread(0.0025, 0.01, 120.0), Spread(0.01, 0.02, 300.0), Spread(0.03, 0.05, 900.0), Spread(0.08, 0.1, 1800.0),
)  # fmt: skip
MOST_LOOKED_AT = 0.5  # of the portfolios: above it new boxes are cheaper


class Seen(NamedTuple):
    """Portfolios that are not proved sound, by number; and what it cost."""

    unsound: I32
    looked_at: int
    renewed: bool


class ScenarioWatch:
    """Boxes round a table's portfolios.

    Parameters
    ----------
    table
        The portfolios; change them through :meth:`change` as long as they are watched.
    spreads
        How far the boxes reach, growing in everything.
    most_looked_at
        The share of portfolios above which boxes are set up anew; the outcome is the same.

    """

    def __init__(
        self, table: ScenarioTable, spreads: Sequence[Spread] = SPREADS, most_looked_at: float = MOST_LOOKED_AT
    ) -> None:
        for one, next_ in itertools.pairwise(spreads):
            if any(a > b for a, b in zip(_sizes(one), _sizes(next_), strict=True)):
                raise ValueError(f"boxes must grow, {next_} does not hold {one}")
        self.table, self.spreads, self.most_looked_at = table, tuple(spreads), most_looked_at
        self.level = np.zeros(table.count, np.int8)
        self.boxes: list[Edges] = []
        self.never = 0  # how many were in no box when boxes were set up: new ones would not help them

    def step(self, market: Market) -> Seen:
        """Judge whoever has to be judged; errors as :meth:`ScenarioTable.step`."""
        return self.judge(quotes(self.table.listing, market))

    def judge(self, now: Quotes) -> Seen:
        """As :meth:`step`, at prices in columns; the table's answers are up to date for portfolios looked at alone."""
        inner = next((k for k, box in enumerate(self.boxes) if inside(box, now)), None)
        if inner is not None:
            pools = np.flatnonzero(self.level <= inner).astype(np.int32)
            if pools.size - self.never <= self.most_looked_at * self.table.count:
                return self._looked_at(now, pools, renewed=False)
        self.arm(now)
        return self._looked_at(now, np.flatnonzero(self.level <= 0).astype(np.int32), renewed=True)

    def _looked_at(self, now: Quotes, pools: I32, *, renewed: bool) -> Seen:
        if pools.size:
            self.table.judge_these(self.table.grid(quantise(self.table.form, self.table.listing, now)), pools)
        unsound = pools[self.table.standing.verdict[pools] != SOUND]
        return Seen(unsound, int(pools.size), renewed)

    def arm(self, now: Quotes) -> None:
        """New boxes round a market, and everybody's level: a scan for each box of those sound in the smaller ones."""
        table = self.table
        self.boxes = [edges(now, spread) for spread in self.spreads]
        self.level = np.zeros(table.count, np.int8)
        found = answers(table.count)
        for number, box in enumerate(self.boxes):
            pools = np.flatnonzero(self.level == number).astype(np.int32)
            grid = table.grid(box_rows(table.form, table.listing, box))
            table.run(
                lambda low, high, p=pools, g=grid: judge_some(table.books, g, found, p, low, high, scratch(g)),  # type: ignore[misc]
                pools.size,
            )
            self.level[pools[found.verdict[pools] == SOUND]] = number + 1
        self.never = int((self.level == 0).sum())

    def change(self, pool: int, book: Book, holding: Holding) -> None:
        """Replace a portfolio, which is looked at until boxes are set up anew."""
        self.table.change(pool, book, holding)
        self.level[pool] = 0


def _sizes(one: Spread) -> tuple[float, float, float]:
    return one.price, one.volatility, one.seconds
