"""Smiles fitted to a chain: one SVI slice an expiry, all together, free of butterfly and calendar arbitrage.

What is minimised is, over all two-sided quotes out of the money, how far the smile's variance is from the middle of the
band that bid and ask leave open, in half widths of the band: squared inside the band, straight outside, so that a stale
quote cannot bend a smile (the function of P. J. Huber, in its smooth form). No arbitrage is held in three ways:

- by the parameters: a slice's least variance and its two wing slopes are the variables, the first above zero, the
  slopes between 0 and 2 (R. Lee, "The moment formula for implied volatility at extreme strikes", Mathematical Finance
  14 (2004));
- by penalties, at sampled strikes, on Durrleman's g below zero, on variance that falls from an expiry to the next, and
  on wing slopes that do;
- by a proof over the whole line (:mod:`solvent.pricing.proof`) after each fit: as long as it fails, penalties become
  heavier and look also where the last fit was worst. :class:`Fit` says which proofs were found.

The search is the method of K. Levenberg and D. Marquardt with derivatives by formula; nothing in it is drawn at random.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.pricing.chain import Band, Quotes, band
from solvent.pricing.inputs import F64, PricingError
from solvent.pricing.proof import butterfly_proved, calendar_proved
from solvent.pricing.surface import Svi

SIZE = 5  # log least variance, logits of the two wing slopes over 2, centre and log width in at-the-money spreads
TURN = 1.0  # half widths of a band at which distances turn from squared to straight
PRIOR = 0.05  # weight of staying near the start: decides only what quotes do not
MARGIN_G = 0.01  # g is asked to stay this far above zero
MARGIN_RISE = 5e-3  # and variance to rise by this share of a typical one
FIRST_WEIGHT, HEAVIER = 1.0, 4.0
MOST_ROUNDS = 10
MOST_STEPS = 80
ENOUGH = 1e-7
REACH, POINTS = 60.0, 61  # sampled log-moneyness: out to so many at-the-money spreads, denser near the forward
FARTHEST = 4.0  # but no farther than this
WORST = np.concatenate(
    [-np.geomspace(1e-3, 20.0, 400)[::-1], np.geomspace(1e-3, 20.0, 400)]
)  # where the worst is sought

I64 = npt.NDArray[np.int64]


class Fit(NamedTuple):
    """Smiles in order of time, whether each proof was found, and how often penalties were made heavier."""

    slices: tuple[Svi, ...]
    butterfly_free: bool
    calendar_free: bool
    rounds: int


class _Rows(NamedTuple):
    """Sampled variances: the slice each is of, its log-moneyness, and for quotes the band's middle and half width."""

    at: I64
    k: F64
    middle: F64
    half: F64


class _Asked(NamedTuple):
    """All a fit is asked: quotes, sampled strikes of each slice, strikes of neighbours, the spreads and the start."""

    quotes: _Rows
    sampled: _Rows
    pairs: _Rows
    spread: F64
    start: F64


def fit_smiles(chain: Sequence[Quotes]) -> Fit:
    """One smile an expiry of a chain.

    Expiries may come in any order. Only quotes that are there count; leave a strike out by giving it none.

    Raises
    ------
    PricingError
        No expiry, two of the same time, one without time, or one with fewer than three usable quotes.

    Examples
    --------
    >>> from solvent.pricing.black import price76
    >>> true = Svi(0.02, 0.1, -0.3, 0.02, 0.15, 100.0, 0.25)
    >>> k = np.linspace(60.0, 160.0, 21)
    >>> mid = price76(100.0, k, 0.25, true.volatility(k), k >= 100) / 100
    >>> found = fit_smiles([Quotes(0.25, 100.0, k, k >= 100, mid * 0.98, mid * 1.02)])
    >>> found.butterfly_free, bool(np.all(abs(found.slices[0].volatility(k) - true.volatility(k)) < 0.002))
    (True, True)

    """
    ordered = sorted(chain, key=lambda one: one.years)
    if not ordered or ordered[0].years <= 0 or len({one.years for one in ordered}) < len(ordered):
        raise PricingError(f"a fit needs expiries of different times above 0, not {[one.years for one in ordered]}")
    bands = [band(one) for one in ordered]
    for one, found in zip(ordered, bands, strict=True):
        if found.k.size < 3:
            raise PricingError(f"expiry of {one.years} years: {found.k.size} usable quotes, expected at least 3")
    return _together(ordered, bands)


def _together(ordered: Sequence[Quotes], bands: Sequence[Band]) -> Fit:
    """Each slice alone first, then all at once under penalties that become heavier until the proofs are found."""
    alone = [_asked([one]) for one in bands]
    starts = [_searched(partial(_residuals, asked=one, weight=FIRST_WEIGHT), one.start) for one in alone]
    asked = _asked(bands)._replace(start=np.concatenate(starts))
    x, weight, rounds = asked.start, FIRST_WEIGHT, 0
    while True:
        rounds += 1
        x = _searched(partial(_residuals, asked=asked, weight=weight), x)
        slices = tuple(_slice(x[SIZE * i :], asked.spread[i], one) for i, one in enumerate(ordered))
        found = Fit(slices, all(butterfly_proved(one) for one in slices), calendar_proved(slices), rounds)
        if (found.butterfly_free and found.calendar_free) or rounds == MOST_ROUNDS:
            return found
        weight *= HEAVIER
        asked = _looking_closer(asked, slices)


def _looking_closer(asked: _Asked, slices: Sequence[Svi]) -> _Asked:
    """The same question, sampled also at every local worst of the last answer."""
    g = [one.durrleman(WORST) - MARGIN_G for one in slices]
    rises = [late.variance(WORST) - early.variance(WORST) for early, late in pairwise(slices)]
    short = [rise - MARGIN_RISE * _typical(s, WORST) for rise, s in zip(rises, asked.spread[:-1], strict=True)]
    return asked._replace(sampled=_with_worst(asked.sampled, g), pairs=_with_worst(asked.pairs, short))


def _with_worst(rows: _Rows, left: Sequence[F64]) -> _Rows:
    for at, one in enumerate(left):
        walled = np.concatenate([[np.inf], one, [np.inf]])
        dip = np.flatnonzero((one < 0) & (one <= walled[:-2]) & (one <= walled[2:]))
        rows = rows._replace(at=np.append(rows.at, np.full(dip.size, at)), k=np.append(rows.k, WORST[dip]))
    return rows


def _slice(x: F64, spread: float, one: Quotes) -> Svi:
    v, lower, upper, m, sigma = (float(part[0]) for part in _raw(x[None, :SIZE], np.array([spread])))
    b = 0.5 * (lower + upper)
    return Svi(v - sigma * math.sqrt(lower * upper), b, (upper - lower) / (2 * b), m, sigma, one.forward, one.years)


def _raw(x: F64, spread: F64) -> tuple[F64, F64, F64, F64, F64]:
    """Least variance, slopes of the lower and upper wing, centre and width of each row of parameters."""
    slope = 2.0 / (1.0 + np.exp(-np.clip(x[:, 1:3], -60, 60)))
    least: F64 = np.exp(x[:, 0])
    return least, slope[:, 0], slope[:, 1], x[:, 3] * spread, np.exp(x[:, 4]) * spread


def _asked(bands: Sequence[Band]) -> _Asked:
    middle = [0.5 * (one.low + one.high) for one in bands]
    spreads = np.array([np.sqrt(w[np.argmin(np.abs(one.k))]) for one, w in zip(bands, middle, strict=True)])
    start = [_start(one.k, w, s) for one, w, s in zip(bands, middle, spreads, strict=True)]
    grids = [_grid(s) for s in spreads]
    both = [np.union1d(early, late) for early, late in pairwise(grids)]
    half = np.concatenate([0.5 * (one.high - one.low) for one in bands])
    quotes = _rows([one.k for one in bands])._replace(middle=np.concatenate(middle), half=half)
    return _Asked(quotes, _rows(grids), _rows(both), spreads, np.concatenate(start))


def _rows(ks: Sequence[F64]) -> _Rows:
    at = np.repeat(np.arange(len(ks)), [k.size for k in ks])
    none = np.zeros(0)
    return _Rows(at, np.concatenate([none, *ks]), none, none)


def _grid(spread: float) -> F64:
    """Log-moneynesses at which penalties look."""
    z = np.linspace(-1.0, 1.0, POINTS)
    found: F64 = np.clip(np.sinh(z * np.arcsinh(REACH)) * spread, -FARTHEST, FARTHEST)
    return found


def _start(k: F64, w: F64, spread: float) -> F64:
    """Where the search of a slice begins: the lowest quote, and slopes from there to the outermost ones."""
    low = int(np.argmin(w))
    rises = [(w[j] - w[low]) / max(abs(k[j] - k[low]), 0.3 * spread) for j in (0, -1)]
    slopes = [np.log(s / (2 - s)) for s in np.clip(rises, 0.05 * spread, 1.5)]
    return np.array([np.log(0.8 * w[low]), *slopes, np.clip(k[low] / spread, -1.5, 1.5), 0.0])


def _residuals(x: F64, asked: _Asked, weight: float) -> tuple[F64, F64]:
    """Everything whose squares are summed, and its derivatives by all parameters."""
    parts = [_quoted(x, asked), _prior(x, asked), _butterflies(x, asked, weight)]
    if asked.pairs.k.size:
        parts += [_calendars(x, asked, weight), _wings(x, asked, weight)]
    return np.concatenate([r for r, _ in parts]), np.concatenate([j for _, j in parts])


def _quoted(x: F64, asked: _Asked) -> tuple[F64, F64]:
    """The smooth Huber root of each quote's distance from the middle of its band, in half widths."""
    rows = asked.quotes
    (w, _, _), (w_by, _, _) = _smile(x, asked.spread, rows.at, rows.k)
    away = (w - rows.middle) / rows.half
    square = (away / TURN) ** 2
    root = np.sqrt(1.0 + square)
    shrink = np.sqrt(2.0 / (1.0 + root))
    slope = shrink * (1.0 - square / (2.0 * root * (1.0 + root)))
    return away * shrink, _spread_out(w_by * (slope / rows.half)[:, None], rows.at, x.size)


def _prior(x: F64, asked: _Asked) -> tuple[F64, F64]:
    return PRIOR * (x - asked.start), PRIOR * np.eye(x.size)


def _butterflies(x: F64, asked: _Asked, weight: float) -> tuple[F64, F64]:
    """How far Durrleman's g is below its margin."""
    rows = asked.sampled
    (w, p, q), (w_by, p_by, q_by) = _smile(x, asked.spread, rows.at, rows.k)
    gap = 1 - rows.k * p / (2 * w)
    g = gap**2 - p * p / 4 * (1 / w + 0.25) + q / 2
    g_w = gap * rows.k * p / (w * w) + p * p / (4 * w * w)
    g_p = -gap * rows.k / w - p / 2 * (1 / w + 0.25)
    by = g_w[:, None] * w_by + g_p[:, None] * p_by + 0.5 * q_by
    return _hinge(MARGIN_G - g, -by, rows.at, x.size, weight)


def _calendars(x: F64, asked: _Asked, weight: float) -> tuple[F64, F64]:
    """How far variance misses its rise to the next expiry, as a share of :func:`_typical` variance."""
    rows = asked.pairs
    scale = _typical(asked.spread[rows.at], rows.k)
    (early, _, _), (early_by, _, _) = _smile(x, asked.spread, rows.at, rows.k)
    (late, _, _), (late_by, _, _) = _smile(x, asked.spread, rows.at + 1, rows.k)
    short = MARGIN_RISE + (early - late) / scale
    r, by = _hinge(short, early_by / scale[:, None], rows.at, x.size, weight)
    return r, by + _hinge(short, -late_by / scale[:, None], rows.at + 1, x.size, weight)[1]


def _typical(spread: F64, k: F64) -> F64:
    """A variance of the usual size: the one at the money, growing with the distance from there as wings do."""
    return np.asarray(spread * np.hypot(spread, k))


def _wings(x: F64, asked: _Asked, weight: float) -> tuple[F64, F64]:
    """How far the wing slopes of each slice fall short of those of the slice before, in its spreads."""
    count = asked.spread.size
    slopes = np.stack(_raw(x.reshape(count, SIZE), asked.spread)[1:3], axis=1)
    steep = slopes * (1 - slopes / 2)
    first, side = np.divmod(np.arange(2 * (count - 1)), 2)
    scale = asked.spread[first]
    short = (slopes[first, side] - slopes[first + 1, side]) / scale + MARGIN_RISE
    by = np.zeros((short.size, x.size))
    row = np.arange(short.size)
    by[row, SIZE * first + 1 + side] = steep[first, side] / scale
    by[row, SIZE * (first + 1) + 1 + side] = -steep[first + 1, side] / scale
    active = short > 0
    return weight * np.where(active, short, 0.0), weight * np.where(active[:, None], by, 0.0)


def _hinge(short: F64, by: F64, at: I64, size: int, weight: float) -> tuple[F64, F64]:
    active = short > 0
    held = _spread_out(np.where(active[:, None], by, 0.0), at, size)
    return weight * np.where(active, short, 0.0), weight * held


def _spread_out(by: F64, at: I64, size: int) -> F64:
    """Derivatives by a slice's own parameters, in the columns of all parameters."""
    found = np.zeros((at.size, size))
    columns = SIZE * at[:, None] + np.arange(SIZE)
    np.put_along_axis(found, columns, by, axis=1)
    return found


def _smile(x: F64, spread: F64, at: I64, k: F64) -> tuple[tuple[F64, F64, F64], tuple[F64, F64, F64]]:
    """w, w′ and w″ at sampled strikes, and their derivatives by the five parameters of the slice."""
    v, lower, upper, m, sigma = (part[at] for part in _raw(x.reshape(-1, SIZE), spread))
    y = k - m
    r = np.hypot(y, sigma)
    half, tilt, root = 0.5 * (upper + lower), 0.5 * (upper - lower), np.sqrt(lower * upper)
    unit, bend = y / r, sigma * sigma / r**3
    values = (v - sigma * root + tilt * y + half * r, tilt + half * unit, half * bend)
    inner = (lower * (1 - lower / 2), upper * (1 - upper / 2), spread[at], sigma)  # of slopes, centre and width
    zero = np.zeros_like(y)
    by_w = (v, 0.5 * (r - y - sigma * upper / root), 0.5 * (r + y - sigma * lower / root), -values[1],
            half * sigma / r - root)  # fmt: skip
    by_p = (zero, 0.5 * (unit - 1), 0.5 * (unit + 1), -half * bend, -half * y * sigma / r**3)
    by_q = (zero, 0.5 * bend, 0.5 * bend, 3 * half * bend * y / r**2, half * sigma * (2 - 3 * (sigma / r) ** 2) / r**3)
    scaled = [np.stack([by[0], *(d * s for d, s in zip(by[1:], inner, strict=True))], 1) for by in (by_w, by_p, by_q)]
    return values, (scaled[0], scaled[1], scaled[2])


def _searched(residuals: Callable[[F64], tuple[F64, F64]], x: F64) -> F64:
    """The parameters at which the sum of squares is least, near a start (Levenberg and Marquardt)."""
    r, j = residuals(x)
    cost, damping = float(r @ r), 1e-3
    for _ in range(MOST_STEPS):
        square, slope = j.T @ j, j.T @ r
        scale = np.diag(np.diag(square) + 1e-12)
        step = np.linalg.solve(square + damping * scale, -slope)
        tried = x + np.clip(step, -1.0, 1.0)
        r_new, j_new = residuals(tried)
        new = float(r_new @ r_new)
        if np.isfinite(new) and new < cost:
            done = cost - new < ENOUGH * cost
            x, r, j, cost, damping = tried, r_new, j_new, new, max(damping / 5, 1e-9)
            if done:
                break
        elif damping > 1e9:
            break
        else:
            damping *= 4
    return x
