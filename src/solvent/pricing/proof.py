"""Proofs that smiles are free of arbitrage on the whole line, not only at sampled strikes.

Up to a distance the line is cut into pieces, on each of which a lower bound is found; a piece whose bound is not above
zero is halved, until all are proved or the pieces are too small. Beyond it the asymptotes decide, because an SVI smile
is convex and its excess over its asymptote falls. Bounds are binary floating point: what is proved holds up to
:data:`ROUNDING`. A proof that is not found is no proof of arbitrage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from solvent.pricing.inputs import F64
from solvent.pricing.surface import Svi

ROUNDING = 1e-12
MOST_HALVINGS = 40
MOST_PIECES = 200_000
FARTHEST = 1e9
Bound = Callable[[F64, F64], F64]


def butterfly_proved(one: Svi) -> bool:
    """Whether Durrleman's g is proved positive at every strike, and the variance too.

    >>> butterfly_proved(Svi(0.04, 0.1, -0.3, 0.0, 0.2, 100.0, 0.5))
    True
    >>> butterfly_proved(Svi(-0.041, 0.1331, 0.306, 0.3586, 0.4153, 100.0, 1.0))  # the example of A. Vogt
    False
    """
    least = one.a + one.b * one.sigma * np.sqrt(max(1.0 - one.rho * one.rho, 0.0))
    if not (least > ROUNDING and one.b >= 0 and one.sigma > 0 and abs(one.rho) < 1):
        return False
    far = _doubled(lambda edge: _tail(one, edge) > ROUNDING and _tail(_mirrored(one), edge) > ROUNDING)
    return far > 0 and _positive(lambda low, high: _least_g(one, low, high), far)


def calendar_proved(slices: Sequence[Svi]) -> bool:
    """Whether total variance is proved to rise from each expiry to the next, at every log-moneyness.

    >>> early = Svi(0.03, 0.1, 0.0, 0.0, 0.2, 100.0, 0.5)
    >>> calendar_proved([early, early._replace(a=0.04, years=1.0)]), calendar_proved([early, early])
    (True, False)
    """
    ordered = sorted(slices, key=lambda one: one.years)
    return all(_above(early, late) for early, late in pairwise(ordered))


def _mirrored(one: Svi) -> Svi:
    """The smile seen from the other side: k → −k, which turns g into itself."""
    return one._replace(rho=-one.rho, m=-one.m)


def _doubled(holds: Callable[[float], bool]) -> float:
    """The first of 1, 2, 4, … at which something holds; 0 where it never does."""
    edge = 1.0
    while edge < FARTHEST:
        if holds(edge):
            return edge
        edge *= 2.0
    return 0.0


def _tail(one: Svi, edge: float) -> float:
    """A lower bound of g at and above ``edge``.

    There 0 ≤ w′ ≤ s, w lies above its asymptote c + s·k, and k·w′ ÷ 2w is at most the larger of ½ and its bound at the
    edge; so g ≥ (1 − that)² − s² ÷ 4 · (1 ÷ w + ¼), and w only rises.
    """
    slope = one.b * (1.0 + one.rho)
    start = one.a - slope * one.m
    line = start + slope * edge
    if edge <= one.m or line <= 0 or slope <= 0 or one.rho * np.hypot(edge - one.m, one.sigma) < one.m - edge:
        return -np.inf
    share = max(0.5, edge * slope / (2.0 * line))
    if share >= 1:
        return -np.inf
    return float((1 - share) ** 2 - slope * slope / 4 * (1 / float(one.variance(edge)) + 0.25))


def _least_g(one: Svi, low: F64, high: F64) -> F64:
    """A lower bound of g on each piece [low, high], from bounds of w, w′ and w″ on it."""
    ends = [np.stack([_parts(one, low)[j], _parts(one, high)[j]]) for j in range(2)]
    bottom = one.m - one.rho * one.sigma / np.sqrt(1.0 - one.rho * one.rho)
    lowest = one.a + one.b * one.sigma * np.sqrt(1.0 - one.rho * one.rho)
    w_low = np.where((low <= bottom) & (bottom <= high), lowest, ends[0].min(axis=0))
    w_high = ends[0].max(axis=0)  # w is convex
    p_low, p_high = ends[1]  # and w′ rises
    p_most = np.maximum(np.abs(p_low), np.abs(p_high))
    away = np.maximum(np.abs(low - one.m), np.abs(high - one.m))
    bend = one.b * one.sigma**2 / np.hypot(away, one.sigma) ** 3
    corners = np.stack([x * p / (2 * w) for x in (low, high) for p in (p_low, p_high) for w in (w_low, w_high)])
    gap_low, gap_high = 1 - corners.max(axis=0), 1 - corners.min(axis=0)
    square = np.where((gap_low <= 0) & (gap_high >= 0), 0.0, np.minimum(gap_low**2, gap_high**2))
    return np.asarray(square - p_most**2 / 4 * (1 / w_low + 0.25) + bend / 2)


def _parts(one: Svi, k: F64) -> tuple[F64, F64]:
    away = k - one.m
    return one.variance(k), np.asarray(one.b * (one.rho + away / np.hypot(away, one.sigma)))


def _above(early: Svi, late: Svi) -> bool:
    """Whether one smile's variance is proved to be above another's."""
    sides = ((early, late), (_mirrored(early), _mirrored(late)))
    far = _doubled(lambda edge: all(_tail_rise(first, second, edge) > ROUNDING for first, second in sides))
    return far > 0 and _positive(lambda low, high: _least_rise(early, late, low, high), far)


def _tail_rise(early: Svi, late: Svi, edge: float) -> float:
    """A lower bound of the rise at and above ``edge``: the later asymptote over the earlier one and its excess."""
    first, second = early.b * (1 + early.rho), late.b * (1 + late.rho)
    if second < first:
        return -np.inf
    excess = float(early.variance(edge)) - (early.a + first * (edge - early.m))
    return float(late.a - second * late.m - early.a + first * early.m + (second - first) * edge - excess)


def _least_rise(early: Svi, late: Svi, low: F64, high: F64) -> F64:
    """A lower bound of the rise on each piece: the later smile's tangents less the earlier one's chord; both convex."""
    (w, p), (v, q) = _parts(late, low), _parts(late, high)
    one, two = early.variance(low), early.variance(high)
    width = high - low
    left, right = np.minimum(w - one, w + p * width - two), np.minimum(v - q * width - one, v - two)
    return np.maximum(left, right)


def _positive(bound: Bound, far: float) -> bool:
    """Whether a bound is above zero on all of [−far, far], after as many halvings as it takes."""
    reach = np.arcsinh(far * 1e3)
    knots = np.sinh(np.linspace(-reach, reach, 401)) / 1e3
    knots[0], knots[-1] = -far, far
    low, high = knots[:-1], knots[1:]
    for _ in range(MOST_HALVINGS):
        if np.any(bound(low, low) <= ROUNDING):  # on a piece without length a bound is the value
            return False
        open_ = ~(bound(low, high) > ROUNDING)
        if not np.any(open_):
            return True
        low, high = low[open_], high[open_]
        middle = 0.5 * (low + high)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        if low.size > MOST_PIECES:
            return False
    return False
