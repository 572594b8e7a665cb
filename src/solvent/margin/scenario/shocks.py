"""Scenarios as data: a factor on the price, a move of volatility, a weight, and what share of gains counts.

What a move does to volatility is a rule of its own (:class:`VolatilityShock`): by time to expiry with powers
(:class:`TermShock`) and along the smile (:class:`SkewShock`), or plainly by a share or by points
(:class:`PlainShock`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from solvent.margin.scenario.series import F64, Expiries, Series
from solvent.rules import RulesError

MONTH_SECONDS = 30 * 86_400.0
TAIL_MOVE = 0.3


class Move(enum.Enum):
    """What happens to volatility."""

    NONE = "none"
    UP = "up"
    DOWN = "down"
    SKEW_LINEAR = "linear"  # one wing up, the other down
    SKEW_ABSOLUTE = "abs"  # both wings up


class Scenario(NamedTuple):
    """A joint shock.

    Attributes
    ----------
    spot
        Factor on the spot and on what still moves of each forward.
    weight
        Share of the scenario's result that counts: below 1 for moves too far to be covered in full.
    gains
        Share of an expiry's gain that counts against losses elsewhere: 1 nets in full, 0 not at all, −1 takes a gain
        for a loss, so that nothing nets and either direction of the shock is covered.

    """

    name: str
    spot: float
    move: Move = Move.NONE
    weight: float = 1.0
    gains: float = 1.0

    @property
    def family(self) -> str:
        """``skew`` for shocks of the smile, ``tail`` for weighted moves and those of more than 30 %, else ``regular``.

        >>> Scenario("far", 3.0, Move.UP, 0.036).family
        'tail'
        """
        if self.move in (Move.SKEW_LINEAR, Move.SKEW_ABSOLUTE):
            return "skew"
        return "regular" if self.weight == 1.0 and abs(self.spot - 1.0) <= TAIL_MOVE else "tail"


class VolatilityShock(Protocol):
    """A rule that says what a move makes of each series' volatility."""

    def shocked(self, move: Move, series: Series, expiries: Expiries) -> F64:
        """Volatility of each series after the move; :class:`~solvent.rules.RulesError` for a move it does not have."""
        ...


@dataclass(frozen=True, slots=True)
class PlainShock:
    """Up and down by a share of volatility, or by points (fractions) where ``in_points``; never below ``least``.

    >>> from solvent.margin.scenario.series import one_series
    >>> PlainShock(0.5, 0.25).shocked(Move.DOWN, *one_series(100.0, 0.8, 86400.0)).tolist()
    [0.6000000000000001]
    """

    up: float
    down: float
    in_points: bool = False
    least: float = 0.0

    def shocked(self, move: Move, series: Series, expiries: Expiries) -> F64:  # noqa: ARG002
        """See :class:`VolatilityShock`."""
        if move is Move.NONE:
            return series.volatility
        if move not in (Move.UP, Move.DOWN):
            raise RulesError(f"a plain shock of volatility has no move {move.value}")
        step = self.up if move is Move.UP else -self.down
        found = series.volatility + step if self.in_points else series.volatility * (1.0 + step)
        return np.maximum(found, self.least)


@dataclass(frozen=True, slots=True)
class SkewShock:
    """Wings against the middle, by log-moneyness k = ln(strike ÷ forward) over a width that grows with √T.

    ``width = max(least_width, √T·width_scale·(vol_fixed + vol_slope·√T))`` and ``cap = cap_base + cap_slope·√T``; the
    multiple of volatility is 1 + k·cap ÷ width, where the change is at most the cap on the right and at least its
    negative on the left.
    """

    linear_cap: float
    linear_slope: float
    absolute_cap: float
    absolute_slope: float
    least_width: float
    width_scale: float
    vol_fixed: float
    vol_slope: float

    def multiples(self, move: Move, series: Series, years: F64) -> F64:
        """The multiple of each series' volatility, not below zero; ``years`` by series."""
        root = np.sqrt(years)
        linear = move is Move.SKEW_LINEAR
        base, slope = (self.linear_cap, self.linear_slope) if linear else (self.absolute_cap, self.absolute_slope)
        k = np.log(series.strike / series.forward)
        k = k if linear else np.abs(k)
        width = np.maximum(self.least_width, root * self.width_scale * (self.vol_fixed + self.vol_slope * root))
        cap = slope * root + base
        change = k * cap / width
        change = np.where(k >= 0, np.minimum(change, cap), np.maximum(change, -cap))
        return np.maximum(0.0, 1.0 + change)


@dataclass(frozen=True, slots=True)
class TermShock:
    """Volatility up and down by a range that shrinks with time: (30 days ÷ time) to a power, by side of 30 days.

    ``least_up`` is the least volatility an upward move may leave; a downward move never goes below zero.

    >>> term = TermShock(0.45, 0.3, 0.3, 0.13, 86400.0)
    >>> [round(float(x), 6) for x in (*term.multiple(Move.UP, np.array([2592000.0])), *term.ranges(np.array([0.0])))]
    [1.45, 2.774191]
    """

    up: float
    down: float
    short_power: float
    long_power: float
    least_seconds: float
    least_up: float = 0.0
    skew: SkewShock | None = None

    def ranges(self, seconds: F64) -> F64:
        """What the ranges are multiplied by, by time to expiry."""
        power = np.where(seconds <= MONTH_SECONDS, self.short_power, self.long_power)
        found: F64 = np.power(MONTH_SECONDS / np.maximum(seconds, self.least_seconds), power)
        return found

    def multiple(self, move: Move, seconds: F64) -> F64:
        """The multiple of volatility of an up or down move, by time to expiry."""
        if move is Move.UP:
            return 1.0 + self.up * self.ranges(seconds)
        return np.maximum(0.0, 1.0 - self.down * self.ranges(seconds))

    def shocked(self, move: Move, series: Series, expiries: Expiries) -> F64:
        """See :class:`VolatilityShock`."""
        if move is Move.NONE:
            return series.volatility
        if move in (Move.UP, Move.DOWN):
            found = series.volatility * self.multiple(move, expiries.seconds)[series.expiry]
            return np.maximum(found, self.least_up) if move is Move.UP else found
        if self.skew is None:
            raise RulesError(f"this rule set has no shock of the smile for the move {move.value}")
        return series.volatility * self.skew.multiples(move, series, expiries.years[series.expiry])
