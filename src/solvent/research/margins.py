"""Margins day by day from what a book would have lost, and how well they covered what came next.

Each margin is made from the days before it alone. Historical simulation takes the loss that a given share of the last
days exceeds; filtered historical simulation first divides each loss by the volatility expected for its day and
multiplies by the volatility expected now (J. Hull and A. White, "Incorporating volatility updating into the historical
simulation method for value-at-risk", Journal of Risk, 1998; volatility by exponential weights of 0.97, as LCH says of
its PAIRS, https://www.lch.com). Numbers are binary floating point until a margin is made, rounded up to a cent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.research.validate import (
    BASEL_DAYS,
    BASEL_RATE,
    Procyclicality,
    Tested,
    christoffersen,
    conditional_coverage,
    exceptions,
    kupiec,
    procyclicality,
    transitions,
    zone_starts,
)
from solvent.rules import RulesError
from solvent.units import exact, shifted

F64 = npt.NDArray[np.float64]
DECAY = 0.97
CENTS = 2
ONE_PERCENT = Decimal("0.01")


@exact
def historical(losses: F64, window: int, rate: Decimal = ONE_PERCENT) -> tuple[Decimal, ...]:
    """For each day after the first ``window``: the loss that ``rate`` of the last ``window`` days exceeded.

    Examples
    --------
    >>> falls = np.array([1.0, 5.0, 2.0, 3.0, 4.0])
    >>> [str(one) for one in historical(falls, 4, Decimal("0.25"))]
    ['3.00']

    """
    _enough(losses, window)
    return tuple(_cents(one) for one in _quantiles(losses, window, rate)[:-1])


@exact
def filtered(losses: F64, window: int, rate: Decimal = ONE_PERCENT, decay: float = DECAY) -> tuple[Decimal, ...]:
    """The same of losses by their day's expected volatility, times the volatility expected now.

    Examples
    --------
    >>> calm = filtered(np.array([1.0, -1.0] * 40), 20)
    >>> len(calm), str(calm[-1])
    (60, '1.00')

    """
    _enough(losses, window)
    expected = expected_volatility(losses, decay)
    standard = losses / expected[:-1]
    scaled = _quantiles(standard, window, rate) * expected[window:]
    return tuple(_cents(one) for one in scaled[:-1])


def expected_volatility(losses: F64, decay: float = DECAY) -> F64:
    """The volatility expected for each day from the days before it, one number more than days.

    The first is the root mean square of all of the first 30 days, so that the start is no accident.

    >>> expected_volatility(np.array([3.0, 4.0]), 0.5).round(6).tolist()
    [3.535534, 3.278719, 3.657185]
    """
    start = float(np.mean(losses[:30] ** 2))
    found = np.empty(losses.size + 1)
    found[0] = start
    for k, loss in enumerate(losses):
        found[k + 1] = decay * found[k] + (1.0 - decay) * loss * loss
    if not found.min() > 0:
        raise RulesError("margins: expected losses that are not all zero")
    return np.sqrt(found)


def _quantiles(losses: F64, window: int, rate: Decimal) -> F64:
    """By end of window, from the first full one: the loss that at most ``rate`` of the window's days exceed."""
    beyond = math.floor(window * rate)
    ordered = np.sort(np.lib.stride_tricks.sliding_window_view(losses, window), axis=1)
    found: F64 = np.maximum(ordered[:, window - 1 - beyond], 0.0)
    return found


def _cents(number: float) -> Decimal:
    """A margin in whole cents, upwards, at least one."""
    return shifted(Decimal(max(1, math.ceil(number * 10**CENTS))), -CENTS)


def _enough(losses: F64, window: int) -> None:
    if not 2 <= window < losses.size:
        raise RulesError(f"window: got {window}, expected from 2 to fewer than the {losses.size} days")


class Coverage(NamedTuple):
    """How a series of margins covered the losses that followed.

    ``zones`` counts blocks of 250 days by Basel's zone (green, yellow, red); a rest of fewer days is left out.
    ``moves`` are the figures of procyclicality over a day and over five.
    """

    days: int
    breaches: int
    number: Tested
    independence: Tested
    both: Tested
    zones: tuple[int, int, int]
    mean: float
    moves: tuple[Procyclicality, Procyclicality]

    @property
    def covered(self) -> float:
        """The share of days that are covered."""
        return 1.0 - self.breaches / self.days


@exact
def coverage(losses: Sequence[Decimal], margins: Sequence[Decimal], rate: Decimal = ONE_PERCENT) -> Coverage:
    """Margins against the losses of the same days, gains below zero.

    Examples
    --------
    >>> found = coverage([Decimal(3 if day % 50 == 0 else 1) for day in range(500)], [Decimal(2)] * 500)
    >>> found.breaches, found.zones, found.covered
    (10, (0, 2, 0), 0.98)

    """
    breaches = exceptions(losses, margins)
    if len(breaches) < 2:
        raise RulesError(f"coverage: got {len(breaches)} days, expected two at least")
    days, number, counts = len(breaches), sum(breaches), transitions(breaches)
    return Coverage(
        days,
        number,
        kupiec(days, number, rate),
        christoffersen(counts),
        conditional_coverage(days, number, rate, counts),
        zones(breaches),
        float(sum(margins)) / days,
        (procyclicality(margins, 1), procyclicality(margins, 5)),
    )


def zones(breaches: Sequence[bool]) -> tuple[int, int, int]:
    """Blocks of 250 days by the zone of their exceptions at 1 %: green, yellow, red.

    >>> zones([True] * 4 + [False] * 246 + [True] * 5 + [False] * 245 + [True] * 250)
    (1, 1, 1)
    """
    starts = zone_starts(BASEL_DAYS, Decimal(BASEL_RATE.numerator) / BASEL_RATE.denominator)
    found = [0, 0, 0]
    for first in range(0, len(breaches) - BASEL_DAYS + 1, BASEL_DAYS):
        number = sum(breaches[first : first + BASEL_DAYS])
        found[(number >= starts.yellow) + (number >= starts.red)] += 1
    return found[0], found[1], found[2]


def amounts(losses: F64) -> tuple[Decimal, ...]:
    """Losses as exact amounts in cents, to be compared with margins: the nearest.

    >>> amounts(np.array([1.005, -2.0]))
    (Decimal('1.00'), Decimal('-2.00'))
    """
    return tuple(shifted(Decimal(round(float(one) * 10**CENTS)), -CENTS) for one in losses)


def constant(margin: Decimal, days: int) -> tuple[Decimal, ...]:
    """The same margin every day: a requirement by rule."""
    return (margin,) * days
