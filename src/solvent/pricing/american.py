"""Options that may be exercised at any time, on a spot with continuous rate and dividend yield.

A put is worth its European value and, for each moment at which the spot is below the boundary of exercise, the interest
on the strike less the dividends of the spot. The boundary solves an integral equation, here at Chebyshev nodes in
√time, in the variable ln(B ÷ B₀)², by fixed-point iteration: L. Andersen, M. Lake and D. Offengenden,
"High-performance American option pricing", Journal of Computational Finance 20 (2016), system B. Where steps do not
shrink, as where the rate is large against the variance, they are taken half way (in logarithms), without which they
would swing. A call is a put with spot and strike, and rate and yield, changed round.

:data:`PRICE_ERROR` bounds the error of a price, as a share of strike plus spot, for volatilities from 5 % to 300 %, a
day to three years, and rates and yields up to 20 %. It is measured, not proved: against published figures, many more
nodes, and binomial trees (tests/pricing/test_american.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from solvent.pricing.black import black_scholes, spread_price
from solvent.pricing.elementary import normal
from solvent.pricing.implied import implied_volatility
from solvent.pricing.inputs import F64, Number, PricingError, arrays

PRICE_ERROR = 1e-6
NODES, INNER, OUTER = 20, 40, 80
MOST_STEPS = 100
ENOUGH = 1e-8
SHRINKING = 0.6
LEAST_SPREAD = 1e-4  # below it the spot is taken as certain
ENOUGH_PRICE = 1e-9  # of an implied volatility's price, as a share of spot plus strike
MOST_VOLATILITY = 40.0

Point = tuple[float, float]


class _Nodes(NamedTuple):
    """What depends on the numbers of nodes alone.

    ``root`` is √(τ ÷ T) of the nodes, from expiry back to now; ``share`` is (τ − u) ÷ τ at the points of the inner
    integral and ``weight`` their weights as a share of τ, ``inner`` turns values at nodes into values at its points;
    ``elapsed``, ``outer_weight`` and ``outer`` do the same for the premium.
    """

    root: F64
    share: F64
    weight: F64
    inner: F64
    elapsed: F64
    outer_weight: F64
    outer: F64


@cache
def _nodes(count: int, inner: int, outer: int) -> _Nodes:
    z = -np.cos(np.pi * np.arange(count + 1) / count)
    root = 0.5 * (1.0 + z)
    y, w = np.polynomial.legendre.leggauss(inner)
    share = (0.5 * (1.0 + y)) ** 2
    x, v = np.polynomial.legendre.leggauss(outer)
    elapsed = (0.5 * (1.0 + x)) ** 2
    at_inner = _interpolation(z, (root[1:, None] * np.sqrt(1.0 - share)).ravel())
    at_outer = _interpolation(z, np.sqrt(1.0 - elapsed))
    return _Nodes(root, share, w * 0.5 * (1.0 + y), at_inner, elapsed, v * 0.5 * (1.0 + x), at_outer)


def _interpolation(z: F64, root: F64) -> F64:
    """The matrix from values at Chebyshev nodes to values at other roots of time (barycentric formula)."""
    sign = (-1.0) ** np.arange(z.size)
    sign[[0, -1]] *= 0.5
    away = (2.0 * root - 1.0)[:, None] - z
    exact = np.abs(away) < 1e-15
    raw = sign / np.where(exact, 1.0, away)
    hit = exact.any(axis=1)
    raw[hit] = exact[hit]
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


def american(
    spot: Number,
    strike: float,
    years: float,
    volatility: float,
    is_call: bool,
    rate: float = 0.0,
    dividend: float = 0.0,
) -> F64:
    """Prices at one or many spots of an option of American exercise.

    Raises
    ------
    PricingError
        A spot or strike is not positive, years or volatility negative; or there may be two boundaries of exercise,
        which is not covered: a put whose rate is not above zero and whose yield is below it, or a call the other way.

    Examples
    --------
    >>> american([90.0, 100.0], 100.0, 1.0, 0.2, False, rate=0.05).round(4).tolist()
    [11.4927, 6.0904]

    """
    arrays(strike=strike, years=years, volatility=volatility)
    x, r, q = arrays(spot=spot, rate=rate, dividend=dividend)
    flat = x.ravel()
    if is_call:
        found = flat * _put(strike / flat, years, volatility, float(q.flat[0]), float(r.flat[0]))
    else:
        found = strike * _put(flat / strike, years, volatility, float(r.flat[0]), float(q.flat[0]))
    inside = flat - strike if is_call else strike - flat
    return np.asarray(np.maximum(found, inside).reshape(x.shape))


def _put(x: F64, years: float, vol: float, r: float, q: float) -> F64:
    """Puts of strike 1 at spots ``x``."""
    forward, discount = x * np.exp((r - q) * years), np.exp(-r * years)
    spread = vol * np.sqrt(years)
    european: F64 = discount * spread_price(forward, np.ones_like(x), np.full_like(x, spread), False)
    if r <= 0 and q < r:
        raise PricingError(f"rate {r} and dividend {q}: two boundaries of exercise are not covered")
    if r <= 0 or years == 0:  # never before the last day
        return european
    if spread < LEAST_SPREAD:
        return _certain(x, years, r, q)
    nodes = _nodes(NODES, INNER, OUTER)
    top, bent = _boundary(years, vol, r, q, nodes)
    u = years * nodes.elapsed
    limit = top * np.exp(-np.sqrt(np.maximum(nodes.outer @ bent, 0.0)))
    root = vol * np.sqrt(u)
    plus = (np.log(x[:, None] / limit) + (r - q) * u) / root + 0.5 * root
    gain = r * np.exp(-r * u) * normal(root - plus) - q * x[:, None] * np.exp(-q * u) * normal(-plus)
    held = european + years * (gain @ nodes.outer_weight)
    now = top * np.exp(-np.sqrt(max(bent[-1], 0.0)))
    return np.asarray(np.where(x <= now, 1.0 - x, np.maximum(held, np.maximum(1.0 - x, 0.0))))


def _certain(x: F64, years: float, r: float, q: float) -> F64:
    """A put whose spot is certain: the best of exercise at any time, which is first, last, or where the value turns."""
    times = [np.zeros_like(x), np.full_like(x, years)]
    if q > 0 and q != r:
        times.append(np.clip(np.log(q * x / r) / (q - r), 0.0, years))
    return np.asarray(np.maximum(0.0, np.max([np.exp(-r * t) - x * np.exp(-q * t) for t in times], axis=0)))


def _boundary(years: float, vol: float, r: float, q: float, nodes: _Nodes) -> tuple[float, F64]:
    """The boundary just before expiry, and ln(boundary ÷ that)² at the nodes."""
    top = min(1.0, r / q) if q > 0 else 1.0
    tau = years * nodes.root[1:] ** 2
    level, share, before = _guess(tau, vol, r, q, top), 1.0, np.inf
    for _ in range(MOST_STEPS):
        bent = np.concatenate([[0.0], np.log(level / top) ** 2])
        ratio = np.minimum(_step(level, top, bent, tau, (vol, r, q), nodes), top) / level
        moved = float(np.max(np.abs(ratio - 1.0)))
        share = 0.5 if moved > SHRINKING * before else share
        level, before = level * ratio**share, moved
        if moved < ENOUGH:
            break
    return top, np.concatenate([[0.0], np.log(level / top) ** 2])


def _guess(tau: F64, vol: float, r: float, q: float, top: float) -> F64:
    """Between the boundary at expiry and that of a perpetual put, as P. Bjerksund and G. Stensland (1993) go."""
    half = 0.5 - (r - q) / vol**2
    root = half - np.sqrt(half * half + 2 * r / vol**2)
    forever = root / (root - 1.0)
    fall = 2.0 * vol * np.sqrt(tau) * top / max(top - forever, 1e-12)
    return np.asarray(forever + (top - forever) * np.exp(-fall))


def _step(level: F64, top: float, bent: F64, tau: F64, facts: tuple[float, float, float], nodes: _Nodes) -> F64:
    """One application of system B to the boundary at all nodes."""
    vol, r, q = facts
    past = top * np.exp(-np.sqrt(np.maximum(nodes.inner @ bent, 0.0))).reshape(tau.size, -1)
    left = tau[:, None] * nodes.share  # τ − u
    then = tau[:, None] - left
    root = vol * np.sqrt(left)
    plus = (np.log(level[:, None] / past) + (r - q) * left) / root + 0.5 * root
    whole = vol * np.sqrt(tau)
    last = (np.log(level) + (r - q) * tau) / whole + 0.5 * whole
    measure = tau[:, None] * nodes.weight  # du
    above = normal(last - whole) + r * np.sum(measure * np.exp(r * then) * normal(plus - root), axis=1)
    below = normal(last) + q * np.sum(measure * np.exp(q * then) * normal(plus), axis=1)
    return np.asarray(np.exp(-(r - q) * tau) * above / below)


def american_volatility(
    price: float, spot: float, strike: float, years: float, is_call: bool, rate: float = 0.0, dividend: float = 0.0
) -> float:
    """The volatility at which :func:`american` gives a price, to 1e-9 of spot plus strike.

    0 where the price is what exercise brings now, of which no volatility is told; NaN where none gives it: below that,
    or as much as the spot (call) or strike (put). The search is a secant held in a bracket (the Illinois method).

    Examples
    --------
    >>> round(american_volatility(6.0904, 100.0, 100.0, 1.0, False, rate=0.05), 4)
    0.2

    """
    close = ENOUGH_PRICE * (spot + strike)
    inside = max(spot - strike if is_call else strike - spot, 0.0)
    if price <= inside + close:
        return 0.0 if price >= inside - close else float("nan")

    def off(vol: float) -> float:
        return float(american(spot, strike, years, vol, is_call, rate, dividend)) - price

    forward, discount = spot * np.exp((rate - dividend) * years), np.exp(-rate * years)
    plain = float(implied_volatility(price, forward, strike, years, is_call, discount))
    high = plain if plain > 0 else 0.5  # an American option is worth at least as much, so its volatility is not above
    value = off(high)
    while value < -close:
        high *= 2.0
        if high > MOST_VOLATILITY:
            return float("nan")
        value = off(high)
    if value <= close:
        return high
    point = 100.0 * float(black_scholes(spot, strike, years, high, is_call, rate, dividend).vega)
    low = max(high - 1.5 * value / point, 0.0) if point > 0 else 0.0  # their slopes are much alike
    below = off(low)
    if below > close and low > 0:
        low, below = 0.0, off(0.0)
    return float("nan") if below > close else _illinois(off, (low, below), (high, value), close)


def _illinois(off: Callable[[float], float], low: Point, high: Point, close: float) -> float:
    """Where a rising function is zero, to within ``close``, between two points on its two sides."""
    (a, below), (b, above) = low, high
    for _ in range(MOST_STEPS):
        middle = 0.5 * (a + b) if above <= below else b - above * (b - a) / (above - below)
        value = off(middle)
        if abs(value) <= close or b - a < 1e-12:
            return middle
        if value < 0:
            a, below, above = middle, value, 0.5 * above
        else:
            b, above, below = middle, value, 0.5 * below
    return 0.5 * (a + b)
