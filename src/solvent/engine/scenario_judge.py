"""Judging option portfolios on the rows of one epoch: the kernel that walks portfolios, and what it reads and writes.

The readable twin is :mod:`solvent.margin.scenario.quantised_account`; both give the same whole numbers.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from solvent.engine.handed import handed
from solvent.engine.jit import from_start, kernel
from solvent.engine.scenario_lanes import (
    BLOCK,
    CHARGE,
    F64,
    I8,
    LANES,
    LEAST,
    NOWHERE,
    PLACE,
    VALUE,
    add_folded,
    add_folded_in_floats,
    add_netted,
    add_netted_in_floats,
    least_of,
    place_of,
    sum_alone,
)
from solvent.engine.tables import I32, I64
from solvent.margin.scenario.quantised import Quantised

Number = TypeVar("Number", np.int64, np.float64)
CACHE_LINE = 64
SOUND, BREACH, UNDECIDED = range(3)
# Places in Grid.facts.
BLOCKS, ROWS, WIDTH, FORM, NAKED, PERP, INCLUSIVE, IN_FLOATS = range(8)
SEGMENTS, NETTED, ALONE = range(3)  # forms: by segments; everything nets; so, in one block and in floats


@handed
class Books(NamedTuple):
    """Portfolios by number: P portfolios, E places of positions, a portfolio's one after the other.

    Within a portfolio positions are in the order of their segments. A place that is not used holds no lots.
    """

    first: I64  # P: first place
    used: I32  # P: how many are used
    room: I32  # P: how many there are
    fixed: I64  # P: grains that no price moves
    naked: I64  # P: lots of open short options
    perp: I64  # P: net lots of perpetuals
    row: I32  # E: 2 × thing, + 1 where the lots are owed
    size: I64  # E: lots, not negative
    lots: F64  # E: the same in floats, where they hold them exactly


@handed
class Grid(NamedTuple):
    """The rows of one epoch, laid out for the kernels."""

    matrix: I64  # blocks × rows × 32
    numbers: F64  # the same in floats; empty where a sum could leave what floats hold exactly
    segment: I32  # by row
    width: I64  # by row
    facts: I64


@handed
class Answers(NamedTuple):
    """How each portfolio stands, by its number; grains."""

    surplus: I64
    required: I64
    equity: I64
    worst: I32  # a column; −1 where nothing loses
    verdict: I8


def empty_books() -> Books:
    """No portfolio."""
    longs, shorts = np.zeros(0, np.int64), np.zeros(0, np.int32)
    return Books(longs, shorts, shorts, longs, longs, longs, shorts, longs, np.zeros(0))


def empty_grid() -> Grid:
    """A matrix of nothing."""
    return Grid(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))


def answers(count: int) -> Answers:
    """Room for the answers of so many portfolios."""
    surplus, required, equity = np.zeros((3, count), np.int64)
    return Answers(surplus, required, equity, np.zeros(count, np.int32), np.zeros(count, np.int8))


def lanes_of(columns: int, netted: bool) -> int:
    """How many lanes hold so many columns, the charge and the value: a whole number of blocks."""
    step = BLOCK if netted else LANES
    return -(-(columns + 2) // step) * step


def on_lines(numbers: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """A copy that begins on a line of the cache, so that no vector of eight is read from two of them.

    >>> on_lines(np.arange(3)).ctypes.data % 64
    0
    """
    room = np.zeros(numbers.size + LANES, numbers.dtype)
    start = -room.ctypes.data % CACHE_LINE // room.itemsize
    found = room[start : start + numbers.size]
    found[:] = numbers
    return found


def laid_out(rows: Quantised, inclusive: bool, in_floats: bool) -> Grid:
    """Rows as the kernels read them: the columns, copies of the value where nothing is, the charge, the value."""
    kinds, count, columns = rows.branches.shape
    netted = kinds == 1
    lanes = lanes_of(columns, netted)
    whole = np.empty((kinds, count, lanes), np.int64)
    whole[:, :, :columns] = rows.branches
    whole[:, :, columns:] = rows.value[:, None]
    whole[:, :, lanes - 2] = rows.charge
    blocks = lanes // (BLOCK if netted else LANES)
    form = ALONE if netted and in_floats and lanes == BLOCK else NETTED if netted else SEGMENTS
    parts = whole.reshape(kinds, count, blocks, -1).transpose(2, 1, 0, 3)
    facts = np.array([blocks, count, lanes, form, rows.naked, rows.perp, inclusive, in_floats], np.int64)
    matrix = on_lines(np.ascontiguousarray(parts).reshape(-1))
    numbers = on_lines(matrix.astype(float)) if in_floats else np.zeros(0)
    return Grid(matrix, numbers, rows.segment.astype(np.int32), rows.width, facts)


def scratch(grid: Grid) -> I64:
    """Room for the sums of one portfolio."""
    return np.zeros(-(-int(grid.facts[WIDTH]) // BLOCK) * BLOCK, np.int64)


@kernel
def add_segments(b: Books, g: Grid, first: int, stop: int, sums: I64) -> None:
    """The columns of one portfolio where gains and losses of different expiries do not net in full.

    Invariant: positions of one expiry stand together and net among themselves, in whole numbers. Cost: every position
    once a block of columns, and a share a column and expiry.
    """
    for block in range(g.facts[BLOCKS]):
        start = block * g.facts[ROWS] * BLOCK
        for lane in range(LANES):
            sums[LANES * block + lane] = 0
        low = first
        while low < stop:
            segment, high = g.segment[b.row[low]], low + 1
            while high < stop and g.segment[b.row[high]] == segment:
                high += 1
            if g.facts[IN_FLOATS] != 0:
                add_folded_in_floats(b.row, b.lots, g.numbers, start, low, high, sums, LANES * block)
            else:
                add_folded(b.row, b.size, g.matrix, start, low, high, sums, LANES * block)
            low = high


@kernel
def room_for_error(b: Books, g: Grid, pool: int) -> int:
    """How much more than the surplus found the exact surplus can be.

    Invariant: a bound in whole units, never too small. Cost: the portfolio's positions once.
    """
    room = b.naked[pool] + abs(b.perp[pool]) + 1
    for e in range(b.first[pool], b.first[pool] + b.used[pool]):
        room += b.size[e] * g.width[b.row[e]]
    return room


@kernel
def add_columns(b: Books, g: Grid, first: int, stop: int, sums: I64, lanes: int, form: int) -> None:
    """All columns of positions ``first`` … ``stop``, and then what is told of them, to the first places of ``sums``.

    Invariant: sums of whole numbers, so the order of positions changes none. Cost: every position once a block.
    """
    if form == SEGMENTS:
        add_segments(b, g, first, stop, sums)
    else:
        for at in range(0, lanes, BLOCK):
            if g.facts[IN_FLOATS] != 0:
                add_netted_in_floats(b.row, b.lots, g.numbers, at * g.facts[ROWS], first, stop, sums, at)
            else:
                add_netted(b.row, b.size, g.matrix, at * g.facts[ROWS], first, stop, sums, at)
    value, charge = sums[from_start(lanes - 1)], sums[from_start(lanes - 2)]
    least = value
    for at in range(0, lanes, BLOCK):
        least = least_of(sums, at, lanes - 2 - at, least)
    at, place = 0, 0
    if least < value:
        place = place_of(sums, 0, least)
        while place == NOWHERE:
            at += BLOCK
            place = place_of(sums, at, least)
    sums[LEAST], sums[PLACE], sums[CHARGE], sums[VALUE] = least, at + place, charge, value


@kernel
def judge_one(b: Books, g: Grid, a: Answers, pool: int, sums: I64, lanes: int, form: int, naked: int, perp: int) -> int:
    """Judge one portfolio and write its answers; the verdict. Numbers after ``sums`` are facts of the grid.

    Invariant: BREACH only where the exact surplus is proved to be one. Cost: the columns once, 30 ns with ten options;
    the positions again where it is not sound.
    """
    p = from_start(pool)
    first = b.first[p]
    if form == ALONE:
        sum_alone(b.row, b.lots, g.numbers, first, first + b.used[p], sums)
    else:
        add_columns(b, g, first, first + b.used[p], sums, lanes, form)
    least, value = sums[LEAST], sums[VALUE]
    charges = sums[CHARGE]
    if naked != 0:
        charges += b.naked[p] * naked
    if perp != 0:
        charges += abs(b.perp[p]) * perp
    surplus, required = b.fixed[p] + least - charges, value - least + charges
    a.surplus[p], a.required[p], a.equity[p] = surplus, required, b.fixed[p] + value
    a.worst[p] = sums[PLACE] if least < value else -1
    verdict = SOUND
    if surplus < 0 or (surplus == 0 and required > 0 and g.facts[INCLUSIVE] != 0):
        high = surplus + room_for_error(b, g, pool)
        proved = high < 0 or (high == 0 and required > 0 and g.facts[INCLUSIVE] != 0)
        verdict = BREACH if proved else UNDECIDED
    a.verdict[p] = verdict
    return verdict


@kernel
def judge_all(b: Books, g: Grid, a: Answers, low: int, high: int, sums: I64) -> int:
    """Judge portfolios ``low`` … ``high``; how many are not proved sound.

    Invariant: a portfolio's answers depend on its own positions and the grid alone. Cost: about 30 ns each with ten
    options.
    """
    count, lanes, form, naked, perp = 0, g.facts[WIDTH], g.facts[FORM], g.facts[NAKED], g.facts[PERP]
    for pool in range(low, high):
        if judge_one(b, g, a, pool, sums, lanes, form, naked, perp) != SOUND:
            count += 1
    return count


@kernel
def judge_some(b: Books, g: Grid, a: Answers, pools: I32, low: int, high: int, sums: I64) -> int:
    """Judge the portfolios named by ``pools[low:high]``; how many are not proved sound.

    Invariant: the answers are those of :func:`judge_all`. Cost: as there, and portfolios are not side by side.
    """
    count, lanes, form, naked, perp = 0, g.facts[WIDTH], g.facts[FORM], g.facts[NAKED], g.facts[PERP]
    for k in range(low, high):
        if judge_one(b, g, a, pools[k], sums, lanes, form, naked, perp) != SOUND:
            count += 1
    return count
