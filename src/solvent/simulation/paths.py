"""Minute marks between real bars: seeded bridges pinned to each bar's open, high, low and close.

Inside a bar of M minutes the path of an instrument starts at the open (minute 0), touches both extremes exactly, ends
at the close (minute M - 1) and never leaves the range between them. A gap between a close and the next open is the
step from the last minute of one bar to the first of the next, as it was traded. Between pins the path is a Brownian
bridge: a random walk of normal steps, less its own chord, added to the straight line; what would leave the range is
reflected. The walk's scale is the one whose expected range is the bar's: E[range] = sqrt(8/pi) sigma sqrt(M) for
Brownian motion (Feller 1951, Annals of Mathematical Statistics 22, 427).

Instruments fall together: most of every step is common to all (12/13 of it, a correlation of 144/169 before pins), the
two minutes of the extremes are drawn once a bar and shared up to a small shift, and nine times in ten so is the draw
that decides which extreme comes first. A falling bar meets its high first with a probability that grows with its body:
1/2 + 0.45 (open - close) / (high - low).

Everything is integer arithmetic on named streams, so that a seed means the same marks on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isqrt
from typing import cast

import numpy as np
from numpy.typing import NDArray

from solvent.simulation.datasets import Dataset, DatasetError
from solvent.simulation.randomness import MILLION, Stream

Ints = NDArray[np.int64]

LEAST_MINUTES = 4
COMMON_WEIGHT, OWN_WEIGHT, WHOLE_WEIGHT = 12, 5, 13  # 12^2 + 5^2 = 13^2: the mixed step has the variance of its parts
SHARED_ORDER_PPM = 900_000
BODY_ORDER_PPM = 450_000
SHIFT_PART = 20  # an instrument's extremes are at most a twentieth of the bar from the common minutes
ROOT_8_OVER_PI_PPM = 1_595_769  # sqrt(8/pi)
MOST_RANGE = 2**34  # range x walk stays inside 63 bits


@dataclass(frozen=True, slots=True)
class Pins:
    """What a bar fixes: int64 arrays, bars x instruments.

    Args:
        first_minute: Minute of the bar (0 .. M - 2) at which the first extreme is touched.
        second_minute: Minute of the other one, later than ``first_minute``.
        first_ticks: The extreme touched first.
        second_ticks: The other one.

    """

    first_minute: Ints
    second_minute: Ints
    first_ticks: Ints
    second_ticks: Ints


def minute_marks(dataset: Dataset, seed: int) -> Ints:
    """Marks of every minute of a dataset in ticks, int64, minutes x instruments; row m is minute m of the window.

    The ranges are those of :meth:`~solvent.simulation.datasets.Dataset.mark_range`: a suspect extreme is not followed.

    Raises:
        DatasetError: Bars of fewer than four minutes or a range of 2^34 ticks or more.

    >>> from solvent.simulation.datasets import load
    >>> march = load("mar-2020")
    >>> marks = minute_marks(march, seed=7)
    >>> marks.shape, bool((marks[0] == march.open_ticks[0]).all()), bool((marks[-1] == march.close_ticks[-1]).all())
    ((5760, 3), True, True)

    """
    low, high = dataset.mark_range()
    return bridge(dataset.open_ticks, high, low, dataset.close_ticks, dataset.interval_minutes, seed)


def bridge(opening: Ints, high: Ints, low: Ints, close: Ints, minutes: int, seed: int) -> Ints:
    """Paths through bars given as int64 arrays (bars x instruments) of ticks; result (bars ``minutes``) x instruments.

    >>> bar = [np.array([[n]]) for n in (100, 110, 90, 95)]
    >>> path = bridge(*bar, minutes=30, seed=1)[:, 0]
    >>> int(path[0]), int(path.max()), int(path.min()), int(path[-1])
    (100, 110, 90, 95)
    """
    if minutes < LEAST_MINUTES:
        raise DatasetError(f"a bar must have at least {LEAST_MINUTES} minutes, not {minutes}")
    if int((high - low).max()) >= MOST_RANGE:
        raise DatasetError(f"a bar's range must be below {MOST_RANGE} ticks, not {int((high - low).max())}")
    pins = place_extremes(opening, high, low, close, minutes, Stream(seed, "paths/extremes"))
    walk = common_walk(opening.shape, minutes, Stream(seed, "paths/steps"))
    path = _pinned(opening, close, pins, _scaled(walk, high - low, minutes))
    path = _inside(path, low[..., np.newaxis], high[..., np.newaxis])
    return np.ascontiguousarray(path.transpose(0, 2, 1).reshape(-1, opening.shape[1]))


def place_extremes(opening: Ints, high: Ints, low: Ints, close: Ints, minutes: int, stream: Stream) -> Pins:
    """Order and minutes of the extremes; one at the open may be touched in minute 0, one at the close in the last."""
    bars, count = opening.shape
    common = stream.child("order").integers(0, MILLION, bars)[:, np.newaxis]
    own = stream.child("own order").integers(0, MILLION, bars * count).reshape(bars, count)
    shared = stream.child("shared").chance(SHARED_ORDER_PPM, bars * count).reshape(bars, count)
    high_first_ppm = MILLION // 2 + BODY_ORDER_PPM * (opening - close) // np.maximum(high - low, 1)
    high_first = np.where(shared, common, own) < high_first_ppm
    first_ticks, second_ticks = np.where(high_first, high, low), np.where(high_first, low, high)
    first, second = _two_minutes(bars, count, minutes, stream)
    first = np.where(first_ticks == opening, 0, first)
    second = np.where(second_ticks == close, minutes - 1, second)
    return Pins(first, second, first_ticks, second_ticks)


def _two_minutes(bars: int, count: int, minutes: int, stream: Stream) -> tuple[Ints, Ints]:
    """Two rising minutes inside 1 .. ``minutes`` - 2: common to a bar, shifted a little for each instrument."""
    inner = minutes - 2
    one = stream.child("one").integers(0, inner, bars)
    other = (one + stream.child("other").integers(1, inner, bars)) % inner  # another minute, each equally likely
    most = minutes // SHIFT_PART
    shift = stream.child("shift").integers(-most, most + 1, 2 * bars * count).reshape(2, bars, count)
    first = np.minimum(one, other)[:, np.newaxis] + shift[0]
    second = np.maximum(one, other)[:, np.newaxis] + shift[1]
    first = np.clip(first, 0, inner - 2)
    second = np.clip(second, first + 1, inner - 1)
    return first + 1, second + 1


def common_walk(shape: tuple[int, ...], minutes: int, stream: Stream) -> Ints:
    """Random walks in millionths of a deviation, bars x instruments x minutes; most of each step is shared."""
    bars, count = shape
    common = stream.child("common").normal_ppm(bars * minutes).reshape(bars, 1, minutes)
    own = stream.child("own").normal_ppm(bars * count * minutes).reshape(bars, count, minutes)
    steps = (COMMON_WEIGHT * common + OWN_WEIGHT * own) // WHOLE_WEIGHT
    return cast("Ints", np.cumsum(steps, axis=2, dtype=np.int64))


def _scaled(walk: Ints, ranges: Ints, minutes: int) -> Ints:
    """The walks in ticks: a deviation is range / (sqrt(8/pi) sqrt(minutes))."""
    thousandths = walk // 1_000
    divisor = ROOT_8_OVER_PI_PPM * isqrt(minutes * MILLION) // MILLION  # thousandths of sqrt(8 minutes / pi)
    return cast("Ints", thousandths * ranges[..., np.newaxis] // divisor)


def _pinned(opening: Ints, close: Ints, pins: Pins, walk: Ints) -> Ints:
    """Straight lines through the four pins plus the walk less its own chord, bars x instruments x minutes."""
    minutes = walk.shape[2]
    start, end = np.zeros_like(opening), np.full_like(opening, minutes - 1)
    knots = [
        (start, opening),
        (pins.first_minute, pins.first_ticks),
        (pins.second_minute, pins.second_ticks),
        (end, close),
    ]
    path = np.empty_like(walk)
    minute = np.arange(minutes, dtype=np.int64)
    for (begin, from_ticks), (stop, to_ticks) in pairwise(knots):
        line = _chord(begin, from_ticks, stop, to_ticks, minute)
        ends = [np.take_along_axis(walk, at[..., np.newaxis], axis=2)[..., 0] for at in (begin, stop)]
        bridged = line + walk - _chord(begin, ends[0], stop, ends[1], minute)
        inside = (minute >= begin[..., np.newaxis]) & (minute <= stop[..., np.newaxis])
        path = np.where(inside, bridged, path)
    return path


def _chord(begin: Ints, from_ticks: Ints, stop: Ints, to_ticks: Ints, minute: Ints) -> Ints:
    """The straight line between two knots at every minute, rounded down; exact at both knots."""
    length = np.maximum(stop - begin, 1)[..., np.newaxis]
    rise = (to_ticks - from_ticks)[..., np.newaxis] * (minute - begin[..., np.newaxis])
    return cast("Ints", from_ticks[..., np.newaxis] + rise // length)


def _inside(path: Ints, low: Ints, high: Ints) -> Ints:
    """Reflect at the high, then at the low; a path so wild that it is still outside is cut off there."""
    path = np.where(path > high, 2 * high - path, path)
    path = np.where(path < low, 2 * low - path, path)
    return cast("Ints", np.clip(path, low, high))
