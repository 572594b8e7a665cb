"""Volatility by strike and expiry: SVI slices with their tests for arbitrage, a plain grid, and the forward curve.

The tests here look at sampled strikes; :mod:`solvent.pricing.proof` proves on the whole line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from solvent.pricing.inputs import F64, Number, PricingError, arrays

WIDTH = 1.5  # log-moneyness on each side that the tests for arbitrage look at, as a rule
STEPS = 601


class Svi(NamedTuple):
    """One expiry's total variance ``a + b·(ρ·(k − m) + √((k − m)² + σ²))`` in log-moneyness k = ln(strike ÷ forward).

    ``forward`` and ``years`` are those of the fit. J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility
    surfaces", Quantitative Finance 14 (2014).
    """

    a: float
    b: float
    rho: float
    m: float
    sigma: float
    forward: float
    years: float

    def variance(self, k: Number) -> F64:
        """Total variance at log-moneyness ``k``."""
        away = np.asarray(k, dtype=np.float64) - self.m
        found: F64 = np.asarray(self.a + self.b * (self.rho * away + np.sqrt(away * away + self.sigma * self.sigma)))
        return found

    def volatility(self, strike: Number) -> F64:
        """Volatility at a strike.

        >>> Svi(0.04, 0.1, -0.3, 0.0, 0.2, 100.0, 0.5).volatility(100.0).round(6)
        np.float64(0.34641)
        """
        (k,) = arrays(strike=strike)
        found: F64 = np.sqrt(self.variance(np.log(k / self.forward)) / self.years)
        return found

    def durrleman(self, k: Number) -> F64:
        """g(k): the density of the forward at k up to a positive factor; a butterfly is arbitrage where it is negative.

        Source: Gatheral and Jacquier (2014), equation 2.1.
        """
        away = np.asarray(k, dtype=np.float64) - self.m
        root = np.sqrt(away * away + self.sigma * self.sigma)
        w = self.variance(k)
        first = self.b * (self.rho + away / root)
        second = self.b * self.sigma * self.sigma / root**3
        found: F64 = (1 - k * first / (2 * w)) ** 2 - first * first / 4 * (1 / w + 0.25) + second / 2
        return found


def butterfly_free(one: Svi, width: float = WIDTH) -> bool:
    """Whether no butterfly within ``width`` of the forward is arbitrage, at :data:`STEPS` points.

    >>> butterfly_free(Svi(0.04, 0.1, -0.3, 0.0, 0.2, 100.0, 0.5))
    True
    >>> butterfly_free(Svi(-0.041, 0.1331, 0.306, 0.3586, 0.4153, 100.0, 1.0))  # the example of A. Vogt
    False
    """
    k = np.linspace(-width, width, STEPS)
    return bool(np.all(one.variance(k) > 0) and np.all(one.durrleman(k) >= 0))


def calendar_free(slices: Sequence[Svi], width: float = WIDTH) -> bool:
    """Whether total variance never falls from one expiry to the next, at :data:`STEPS` log-moneynesses.

    >>> calendar_free([Svi(0.04, 0.1, 0.0, 0.0, 0.2, 100.0, 0.5), Svi(0.03, 0.1, 0.0, 0.0, 0.2, 100.0, 1.0)])
    False
    """
    k = np.linspace(-width, width, STEPS)
    ordered = sorted(slices, key=lambda one: one.years)
    return all(bool(np.all(early.variance(k) <= late.variance(k))) for early, late in pairwise(ordered))


@dataclass(frozen=True, slots=True)
class GridSurface:
    """Volatilities at strikes × expiries: linear in strike, linear in total variance between expiries.

    Outside the grid the nearest edge holds (of volatility). ``volatilities`` has a row an expiry.

    >>> grid = GridSurface((0.1, 0.4), (90.0, 110.0), ((0.5, 0.7), (0.4, 0.6)))
    >>> grid.volatility(100.0, 0.1).round(6), grid.volatility(200.0, 2.0).round(6)
    (np.float64(0.6), np.float64(0.6))
    """

    years: tuple[float, ...]
    strikes: tuple[float, ...]
    volatilities: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        """Refuse axes that do not rise and rows of another length."""
        for name, axis in (("years", self.years), ("strikes", self.strikes)):
            if not axis or any(low >= high for low, high in pairwise(axis)):
                raise PricingError(f"{name} of a grid must rise, not {axis}")
        if [len(row) for row in self.volatilities] != [len(self.strikes)] * len(self.years):
            raise PricingError(f"volatilities must be {len(self.years)} rows of {len(self.strikes)}")

    def volatility(self, strike: Number, years: Number) -> F64:
        """Volatility at strikes and times (years > 0)."""
        k, t = arrays(strike=strike, years=years)
        at = np.array([np.interp(k, self.strikes, row) for row in self.volatilities])
        times = np.array(self.years)
        bounded = np.clip(t, times[0], times[-1])
        right = np.clip(np.searchsorted(times, bounded), 1, max(len(times) - 1, 1))
        left = right - 1
        if len(times) == 1:
            return np.asarray(at[0])
        share = (bounded - times[left]) / (times[right] - times[left])
        early = np.take_along_axis(at, left[None, ...], 0)[0] ** 2 * times[left]
        late = np.take_along_axis(at, right[None, ...], 0)[0] ** 2 * times[right]
        found: F64 = np.sqrt((early + (late - early) * share) / bounded)
        return found


@dataclass(frozen=True, slots=True)
class ForwardCurve:
    """Forwards by expiry: growth is constant between expiries, from the spot to the first, and after the last.

    >>> curve = ForwardCurve(100.0, (0.5, 1.0), (102.0, 103.0))
    >>> curve.forward([0.0, 0.5, 1.0]).round(6).tolist()
    [100.0, 102.0, 103.0]
    """

    spot: float
    years: tuple[float, ...]
    forwards: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse expiries that do not rise from above zero, and prices that are not positive."""
        if len(self.years) != len(self.forwards) or not self.years:
            raise PricingError(f"a curve needs one forward an expiry, not {self.forwards} at {self.years}")
        if self.years[0] <= 0 or any(low >= high for low, high in pairwise(self.years)):
            raise PricingError(f"years of a curve must rise from above 0, not {self.years}")
        arrays(spot=self.spot, forward=self.forwards)

    def forward(self, years: Number) -> F64:
        """The forward at a time."""
        (t,) = arrays(years=years)
        knots = np.array([0.0, *self.years])
        logs = np.log(np.array([self.spot, *self.forwards]))
        right = np.clip(np.searchsorted(knots, t), 1, len(knots) - 1)
        slope = (logs[right] - logs[right - 1]) / (knots[right] - knots[right - 1])
        found: F64 = np.exp(logs[right - 1] + slope * (t - knots[right - 1]))
        return found
