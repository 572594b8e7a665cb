"""A volatility surface made of SVI slices and forwards, without arbitrage between and beyond its expiries.

With k = ln(strike ÷ forward), and prices of options out of the money over their forward:

- **Between expiries** prices of the same k are mixed, in such shares that total variance at the money is linear in
  time. A mixture of two smiles free of butterflies is free of them, and prices of one k never fall in time when the two
  slices' do not (Gatheral and Jacquier 2014, lemma 5.1).
- **Before the first** they are mixed with those of an option that expires now, in the same way.
- **After the last** every total variance grows by what keeps the volatility at the money: for w′ and w″ as they are, a
  larger w leaves g above zero (M. Fukasawa, "The normalizing transformation of the implied volatility smile",
  Mathematical Finance 22 (2012): k·w′ ÷ 2w is below 1 on a smile free of butterflies).

So the surface is free of static arbitrage at every time when its slices are, which :mod:`solvent.pricing.proof` proves.
Where a mixed price is below 1e-250 of the forward, total variance is linear in time instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solvent.pricing.black import spread_price
from solvent.pricing.implied import implied_volatility
from solvent.pricing.inputs import F64, Number, PricingError, arrays
from solvent.pricing.surface import ForwardCurve, Svi

LEAST_PRICE = 1e-250


@dataclass(frozen=True, slots=True)
class SmileSurface:
    """Volatility by strike and time from slices in order of time; strikes are measured against ``curve``'s forwards.

    >>> slices = [Svi(0.01 * n, 0.04 * n, -0.3, 0.0, 0.2, 100.0, 0.1 * n) for n in (1, 2)]
    >>> surface = SmileSurface(tuple(slices), ForwardCurve(100.0, (0.1, 0.2), (100.0, 100.0)))
    >>> surface.volatility([80.0, 100.0, 125.0], 0.15).round(4)
    array([0.5062, 0.4243, 0.45  ])
    """

    slices: tuple[Svi, ...]
    curve: ForwardCurve

    def __post_init__(self) -> None:
        """Refuse slices that do not rise in time from above zero."""
        times = [one.years for one in self.slices]
        if not times or times[0] <= 0 or any(early >= late for early, late in pairwise(times)):
            raise PricingError(f"years of a surface's slices must rise from above 0, not {times}")

    def forward(self, years: Number) -> F64:
        """The forward at a time."""
        return self.curve.forward(years)

    def volatility(self, strike: Number, years: Number) -> F64:
        """Volatility at strikes and times (years > 0)."""
        strikes, times = arrays(strike=strike, years=years)
        return np.asarray(np.sqrt(self.variance(np.log(strikes / self.curve.forward(times)), times) / times))

    def variance(self, k: Number, years: Number) -> F64:
        """Total variance at log-moneynesses and times (years > 0).

        Raises
        ------
        PricingError
            A time is not above zero.

        """
        ks, times = arrays(k=k, years=years)
        if not np.all(times > 0):
            raise PricingError(f"years must be positive, not {float(times.min())}")
        flat_k, flat_t, found = ks.ravel(), times.ravel(), np.empty(ks.size)
        after = np.searchsorted([one.years for one in self.slices], flat_t, side="left")
        for place in np.unique(after):
            here = after == place
            found[here] = self._between(int(place), flat_k[here], flat_t[here])
        return found.reshape(ks.shape)

    def _between(self, place: int, k: F64, t: F64) -> F64:
        """Total variances at times after slice ``place`` − 1 and not after slice ``place``."""
        if place == len(self.slices):
            last = self.slices[-1]
            return last.variance(k) + last.variance(0.0) * (t / last.years - 1.0)
        late = self.slices[place]
        if place == 0:
            return _mixed(k, np.zeros_like(k), late.variance(k), 0.0, float(late.variance(0.0)), t / late.years)
        early = self.slices[place - 1]
        share = (t - early.years) / (late.years - early.years)
        middles = float(early.variance(0.0)), float(late.variance(0.0))
        return _mixed(k, early.variance(k), late.variance(k), *middles, share)


def _mixed(k: F64, early: F64, late: F64, low: float, high: float, share: F64) -> F64:
    """Variances of mixed prices, such that the one at the money is linear between ``low`` and ``high``."""
    at_money = [_price(np.zeros_like(share), w) for w in (np.full_like(share, low), low + (high - low) * share,
                                                          np.full_like(share, high))]  # fmt: skip
    rise = at_money[2] - at_money[0]
    part = np.where(rise > 0, (at_money[1] - at_money[0]) / np.where(rise > 0, rise, 1.0), share)
    first, second = _price(k, early), _price(k, late)
    price = first + part * (second - first)
    told = price > LEAST_PRICE
    spread = implied_volatility(np.where(told, price, 0.1), 1.0, np.exp(np.where(told, k, 0.0)), 1.0, k >= 0)
    straight = early + (late - early) * share
    return np.where(part >= 1.0, late, np.where(told, spread * spread, straight))


def _price(k: F64, variance: F64) -> F64:
    """Price over forward of the option out of the money at k."""
    return spread_price(np.ones_like(k), np.exp(k), np.sqrt(variance), k >= 0)


def smile_surface(slices: Sequence[Svi], spot: float) -> SmileSurface:
    """The surface of fitted slices, in any order, with the forwards they were fitted at.

    >>> early = Svi(0.01, 0.04, -0.3, 0.0, 0.2, 101.0, 0.1)
    >>> surface = smile_surface([early._replace(a=0.02, years=0.2, forward=102.0), early], 100.0)
    >>> surface.forward([0.1, 0.2]).round(6).tolist()
    [101.0, 102.0]
    """
    ordered = tuple(sorted(slices, key=lambda one: one.years))
    curve = ForwardCurve(spot, tuple(one.years for one in ordered), tuple(one.forward for one in ordered))
    return SmileSurface(ordered, curve)
