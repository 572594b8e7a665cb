"""Reverse stress: the smallest move that liquidates, in standard deviations, over price and over price × volatility.

Prices and volatilities move by factors whose logarithms are in units of their standard deviation over a horizon; both
moves are taken as independent. A price's boundary is found by scanning outward in steps that grow and halving; two
boundaries closer together than a step (0.5 % near the present price) can be passed over. A joint move is searched along
rays from the present, so it is the smallest among the directions looked at, and the last is refined.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.research.stress.moving import Mover
from solvent.units import exact

FIRST, GROWTH, FARTHEST = 0.005, 1.2, math.log(1000.0)
HALVINGS = 48
RAYS, LEAST_SIGMAS, RAY_GROWTH, MOST_SIGMAS = 24, 0.5, 1.5, 60.0
REFINEMENTS = 6
YEAR_DAYS = 365.0
PLACES = 12


class Boundary(NamedTuple):
    """A move at which the verdict turns: factor on the price, share of volatility, and how far that is in sigmas.

    At ``price`` itself the pool is in breach (out of it, where it is in breach now). ``sigmas`` is None without a
    volatility to measure by.
    """

    price: Fraction
    volatility: Decimal
    sigmas: float | None


class Reverse(NamedTuple):
    """The nearest boundaries: of a falling price, of a rising one, and of price and volatility together."""

    in_breach: bool
    down: Boundary | None
    up: Boundary | None
    joint: Boundary | None

    @property
    def nearest(self) -> Boundary | None:
        """The one with the smallest move; by the price's logarithm where there are no sigmas."""
        found = [one for one in (self.down, self.up, self.joint) if one is not None]
        return min(found, key=lambda one: (one.sigmas or 0.0, abs(math.log(one.price))), default=None)


@exact
def reverse(
    moving: Mover, volatility: Decimal | None, days: Decimal = Decimal(1), vol_of_vol: Decimal = Decimal(1)
) -> Reverse:
    """The smallest moves that liquidate a pool.

    Parameters
    ----------
    volatility
        Yearly, of the price; None measures in no sigmas and searches no joint move.
    days
        The horizon.
    vol_of_vol
        Yearly volatility of the logarithm of volatility.

    """
    root = math.sqrt(float(days) / YEAR_DAYS)
    sigma = None if not volatility else float(volatility) * root
    start = moving.breached(Fraction(1))
    down, up = (_side(moving, sign, sigma, start=start) for sign in (-1, 1))
    joint = None
    if sigma is not None and moving.options is not None and not start:
        known = min(
            (one.sigmas for one in (down, up) if one is not None and one.sigmas is not None), default=MOST_SIGMAS
        )
        joint = _joint(moving, sigma, float(vol_of_vol) * root, known)
    return Reverse(start, down, up, joint)


def _side(moving: Mover, sign: int, sigma: float | None, *, start: bool) -> Boundary | None:
    """The nearest turn of the verdict when the price falls (−1) or rises (+1)."""
    at = _first(lambda away: moving.breached(_factor(sign * away)) != start, FIRST, GROWTH, FARTHEST)
    if at is None:
        return None
    return Boundary(_factor(sign * at), Decimal(0), None if sigma is None else at / sigma)


def _first(turned: Callable[[float], bool], first: float, growth: float, farthest: float) -> float | None:
    """The nearest distance at which something has turned, on a scan outward and by halving; None within reach."""
    before, step = 0.0, first
    while before < farthest:
        after = min(before + step, farthest)
        if turned(after):
            return _halved(turned, before, after)
        before, step = after, step * growth
    return None


def _halved(turned: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if turned(middle):
            high = middle
        else:
            low = middle
    return high


def _factor(log: float) -> Fraction:
    """A factor on a price from its logarithm, cut to twelve places so that prices stay short."""
    return Fraction(Decimal(f"{math.exp(log):.{PLACES}g}"))


def _joint(moving: Mover, sigma: float, vol_sigma: float, known: float) -> Boundary | None:
    """The smallest joint move along rays, then along directions between the best and its neighbours."""
    best: tuple[float, float] | None = None
    width = 2 * math.pi / RAYS
    for k in range(RAYS):
        best = _nearer(moving, k * width, sigma, vol_sigma, best, known)
    for _ in range(REFINEMENTS if best is not None else 0):
        width /= 2
        for side in (-1, 1):
            assert best is not None
            best = _nearer(moving, best[1] + side * width, sigma, vol_sigma, best, known)
    if best is None:
        return None
    price, volatility = _point(*best, sigma, vol_sigma)
    return Boundary(price, volatility, best[0])


def _nearer(
    moving: Mover, angle: float, sigma: float, vol_sigma: float, best: tuple[float, float] | None, known: float
) -> tuple[float, float] | None:
    """A boundary on this ray where it is nearer than the best so far, else the best so far."""
    reach = known * (1 + 1e-9) if best is None else best[0]

    def turned(radius: float) -> bool:
        return moving.breached(*_point(radius, angle, sigma, vol_sigma))

    found = _first(turned, LEAST_SIGMAS, RAY_GROWTH, reach)
    return best if found is None or (best is not None and found >= best[0]) else (found, angle)


def _point(radius: float, angle: float, sigma: float, vol_sigma: float) -> tuple[Fraction, Decimal]:
    grown = math.exp(radius * math.sin(angle) * vol_sigma) - 1.0
    return _factor(radius * math.cos(angle) * sigma), Decimal(f"{grown:.{PLACES}f}")
