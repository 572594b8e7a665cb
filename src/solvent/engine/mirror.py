"""A second form of the pools for full passes: windows of 4,096, sorted by how much they hold, eight side by side.

The mirror follows from the tables and is neither hashed nor saved. ``t.mirrored`` says for each pool whether it is up
to date: IN_TABLES (the pool has changed since, or was never mirrored; whoever changes a pool writes this), IN_LANES, or
ODD (its form is not one for lanes). Whatever is not IN_LANES is read from the tables, so that a stale mirror costs time
and never changes a result. :meth:`Mirror.refresh` lays out again the windows in which reading the tables has come to
cost more than that.

Lanes are for pools whose health at MAINTAIN separates: contracts in the numeraire and balances of other assets, none
negative, with profit counted in full and no leverage required. A requirement on entry value does not depend on
prices and becomes one number a pool. Everything else is ODD.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from solvent.engine.lanes import F64, I8, LANES, ROW, SUMS
from solvent.engine.layout import (
    ABSENT,
    MOST_COLUMNS,
    WINDOW,
    arrange,
    count_unmirrored,
    lay_out,
    price_rows,
    space,
)  # fmt: skip
from solvent.engine.screen import Marks, in_turn
from solvent.engine.sweep import breach_windows, stand_windows
from solvent.engine.tables import I32, I64, TOP_POOLS, Tables

SLACK = 16  # a window has room for a sixteenth more columns
SPARE = 8  # an eighth of the columns, at least twice a window's, is kept for windows that outgrow their room


class Mirror:
    """The lanes of one engine and what is needed to keep them.

    ``from_pools`` is how many pools an engine must have before it keeps lanes; ``patience`` how many pools are read
    from the tables, over passes, before their window is laid out again. What a pass finds depends on neither.
    """

    from_pools = WINDOW
    patience = 1024

    def __init__(self) -> None:
        self.lanes = space(0, 0, 0)
        self.prices = np.zeros(0)
        self._used = self._room = self._first = np.zeros((0, 2), np.int64)
        self._next = [0, 0]
        self._debt = np.zeros(0, np.int64)
        self._scratch = [(np.zeros(SUMS), np.zeros(MOST_COLUMNS, np.int8)) for _ in range(2)]
        self._buffers = [(np.zeros(ABSENT + 1, np.int32), np.zeros(2 * WINDOW, np.int16)) for _ in range(2)]

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return sum(one.nbytes for one in (*self.lanes, self.prices, self._debt))

    def worth_keeping(self, t: Tables) -> bool:
        """Whether an engine of so many pools keeps lanes."""
        return int(t.top[TOP_POOLS]) >= self.from_pools

    def refresh(
        self, t: Tables, most: int | None = None, threads: int = 1, crew: ThreadPoolExecutor | None = None
    ) -> int:
        """Lay out again the windows that are due (at most so many); how many were. 0.2 ms each, 0.2 s a million pools.

        The first time, and where the pools have outgrown the lanes, everything is laid out.
        """
        windows = _windows(t)
        if windows > self._debt.size:
            return self._lay_out_all(t, windows)
        due, words = np.zeros(windows, np.int64), t.mirrored.view(np.int64)
        found = due[: int(count_unmirrored(t, words, self._debt[:windows], due, self.patience))][:most].tolist()
        self._debt[found] = 0
        used = np.zeros((len(found), 2), np.int64)
        shares = _shares(len(found), threads)

        def arranged(low: int, high: int) -> None:
            for k in range(low, high):
                used[k] = arrange(t, self.lanes, found[k], *self._buffers[low > 0])

        def laid_out(low: int, high: int) -> None:
            for k in range(low, high):
                lay_out(t, self.lanes, found[k], *self._first[found[k]].tolist())

        in_turn(arranged, shares, crew)
        if not all(self._has_room(window, row) for window, row in zip(found, used.tolist(), strict=True)):
            return self._lay_out_all(t, windows)
        in_turn(laid_out, shares, crew)
        return len(found)

    def _has_room(self, window: int, used: list[int]) -> bool:
        """Whether a window has room for so many columns of both kinds, if need be spare room; False where none is."""
        for k, spare in enumerate((self.lanes.thing.size, self.lanes.asset.size)):
            if used[k] > self._room[window, k]:
                room = used[k] + used[k] // SLACK
                if self._next[k] + room > spare // LANES:
                    return False
                self._first[window, k], self._room[window, k] = self._next[k], room
                self._next[k] += room
        return True

    def _lay_out_all(self, t: Tables, windows: int) -> int:
        """Room for a quarter more windows than there are, then each of them."""
        most = max(windows + windows // 4, 1)
        arranged = space(most, 0, 0)
        used = np.zeros((most, 2), np.int64)
        for window in range(windows):
            used[window] = arrange(t, arranged, window, *self._buffers[0])
        self._room = used + used // SLACK
        ends = np.cumsum(self._room, axis=0)
        self._first, self._next = ends - self._room, [int(one) for one in ends[-1]]
        largest = self._room.max(axis=0).tolist()
        columns, assets = (one + max(one // SPARE, 2 * room) for one, room in zip(self._next, largest, strict=True))
        self.lanes = space(most, columns, assets)._replace(
            place=arranged.place, columns=arranged.columns, asset_columns=arranged.asset_columns
        )
        self._debt = np.zeros(most, np.int64)
        for window in range(windows):
            lay_out(t, self.lanes, window, *(int(one) for one in self._first[window]))
        self.prices = np.zeros(ROW * (t.rules.size * t.things.size + 2))
        return windows

    def stand(
        self, t: Tables, q: Marks, out: tuple[F64, F64, F64, I8], threads: int = 1,
        crew: ThreadPoolExecutor | None = None,
    ) -> None:  # fmt: skip
        """How every pool stands at MAINTAIN, into four columns by pool id."""
        words = self._prepare(t, q, threads, crew)
        value, equity, required, flag = out

        def run(low: int, high: int) -> None:
            sums, over = self._scratch[low > 0]
            stand_windows(t, q, self.lanes, self.prices, words, low, high, sums, over, value, equity, required, flag)

        in_turn(run, _shares(_windows(t), threads), crew)

    def breaches(self, t: Tables, q: Marks, threads: int = 1, crew: ThreadPoolExecutor | None = None) -> I32:
        """Users' healthy pools in breach at MAINTAIN, in no order."""
        words, found = self._prepare(t, q, threads, crew), np.zeros(_windows(t) * WINDOW, np.int32)

        def run(low: int, high: int) -> Any:
            sums, over = self._scratch[low > 0]
            count = breach_windows(t, q, self.lanes, self.prices, words, low, high, sums, over, found)
            return found[low * WINDOW : low * WINDOW + count]

        return np.concatenate(in_turn(run, _shares(_windows(t), threads), crew))

    def _prepare(self, t: Tables, q: Marks, threads: int, crew: ThreadPoolExecutor | None) -> I64:
        """Lanes as they should be, this epoch's rows of prices, and the pools' bytes eight at once."""
        self.refresh(t, None, threads, crew)
        price_rows(t, q, self.prices)
        return t.mirrored.view(np.int64)


def _windows(t: Tables) -> int:
    return -(-int(t.top[TOP_POOLS]) // WINDOW)


def _shares(windows: int, threads: int) -> list[tuple[int, int]]:
    """Which of so many windows each thread takes."""
    return list(itertools.pairwise(windows * k // threads for k in range(threads + 1)))
