"""European options: Black-76 on a forward, Black-Scholes on a spot, and options settled in the coin itself.

All functions take numbers or arrays that broadcast, and give arrays of the common shape (0-dimensional for numbers).
Units: ``years`` of 365 days, ``volatility`` as a fraction a year, ``price`` and ``theta`` in quote, ``delta`` in
underlying, ``gamma`` in underlying per quote; **vega per one volatility point (0.01), theta per day**.

Errors against 90 digits, of one option with s = volatility × √years: price 2e-15 × (forward + strike) × discount, delta
1e-15 × (1 + 1 ÷ s), gamma, vega and theta relative 2e-15 × (1 + d²) × (1 + 1 ÷ s) (tests/pricing/test_black.py).
Without time value (volatility × √years below 1e-100) an option is worth its intrinsic value and has no gamma, vega or
theta. F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solvent.pricing.elementary import DENSITY, fast_exp, fast_log, normal_given
from solvent.pricing.inputs import F64, Number, Truth, arrays

DAYS = 365.0
POINT = 0.01
LEAST_SPREAD = 1e-100
PRICE_ERROR = 2e-15  # × (forward + strike) × discount


class Greeks(NamedTuple):
    """Price and sensitivities, arrays of one shape."""

    price: F64
    delta: F64
    gamma: F64
    vega: F64
    theta: F64


def price76(forward: Number, strike: Number, years: Number, volatility: Number, is_call: Truth) -> F64:
    """Undiscounted Black-76 prices.

    Raises
    ------
    PricingError
        A forward or strike is not positive, a time or volatility is negative, or something is not finite.

    Examples
    --------
    >>> price76(1500.0, 1500.0, 500400 / 31536000, 1.0478844940849863, True).round(9)
    np.float64(78.932323504)

    """
    f, k, t, v = arrays(forward=forward, strike=strike, years=years, volatility=volatility)
    return spread_price(f, k, v * np.sqrt(t), np.asarray(is_call))


def spread_price(f: F64, k: F64, spread: F64, is_call: Truth) -> F64:
    """Undiscounted prices given forward, strike and volatility × √years; inputs unchecked, they broadcast.

    >>> spread_price(np.array([100.0, 120.0]), np.array(100.0), np.array(0.0), True).tolist()
    [0.0, 20.0]
    """
    s = np.maximum(spread, LEAST_SPREAD)
    ratio = f / k
    d1 = fast_log(ratio) / s + 0.5 * s
    gauss = fast_exp(-0.5 * d1 * d1)
    side = np.where(is_call, 1.0, -1.0)
    found: F64 = side * (f * normal_given(side * d1, gauss) - k * normal_given(side * (d1 - s), gauss * ratio))
    return np.maximum(found, 0.0)


def black76(
    forward: Number, strike: Number, years: Number, volatility: Number, is_call: Truth, discount: Number = 1.0
) -> Greeks:
    """Price and Greeks on a forward. Theta holds forward and discount factor: it is the decay of time value alone.

    Examples
    --------
    >>> found = black76(100.0, [90.0, 110.0], 0.25, 0.6, True)
    >>> [found.price.round(4).tolist(), found.vega.round(4).tolist()]
    [[17.0129, 8.141], [0.1759, 0.1967]]

    """
    f, k, t, v, df = arrays(forward=forward, strike=strike, years=years, volatility=volatility, discount=discount)
    root = np.sqrt(t)
    spread = v * root
    s = np.maximum(spread, LEAST_SPREAD)
    alive = spread > LEAST_SPREAD
    ratio = f / k
    d1 = fast_log(ratio) / s + 0.5 * s
    gauss = fast_exp(-0.5 * d1 * d1)
    side = np.where(is_call, 1.0, -1.0)
    n1 = normal_given(side * d1, gauss)
    price = df * side * (f * n1 - k * normal_given(side * (d1 - s), gauss * ratio))
    dense = np.where(alive, gauss * DENSITY * df, 0.0)
    slope = f * dense * root
    with np.errstate(divide="ignore", invalid="ignore"):
        decay = np.where(alive, -0.5 * slope * v / np.where(t > 0, t, 1.0), 0.0)
    return Greeks(np.maximum(price, 0.0), df * side * n1, dense / (f * s), POINT * slope, decay / DAYS)


def black_scholes(
    spot: Number,
    strike: Number,
    years: Number,
    volatility: Number,
    is_call: Truth,
    rate: Number = 0.0,
    dividend: Number = 0.0,
) -> Greeks:
    """Price and Greeks on a spot with continuous ``rate`` and ``dividend`` yield; theta is the whole day's change.

    Examples
    --------
    >>> found = black_scholes(100.0, 100.0, 1.0, 0.2, True, rate=0.05)
    >>> float(found.price.round(6)), float(found.theta.round(6))
    (10.450584, -0.017573)

    """
    x, k, t, v = arrays(spot=spot, strike=strike, years=years, volatility=volatility)
    r, q = arrays(rate=rate, dividend=dividend)
    growth, discount = np.exp((r - q) * t), np.exp(-r * t)
    found = black76(x * growth, k, t, v, is_call, discount)
    delta = found.delta * growth
    carry = r * found.price - (r - q) * x * delta
    return Greeks(found.price, delta, found.gamma * growth * growth, found.vega, found.theta + carry / DAYS)


def in_coin(forward: Number, strike: Number, years: Number, volatility: Number, is_call: Truth) -> Greeks:
    """Price and Greeks of an option that settles in the coin, in coin: the payoff is max(0, S − K) ÷ S for a call.

    Its value is the undiscounted price over the forward, so ``delta`` is in coin per quote, the hedge being
    delta − price; ``vega`` is per volatility point and ``theta`` per day, both in coin.

    Examples
    --------
    >>> found = in_coin(50000.0, 50000.0, 30 / 365, 0.8, True)
    >>> float(found.price.round(6)), bool(abs(found.delta * 50000.0 - 0.4543) < 1e-4)
    (0.091298, True)

    """
    (f,) = arrays(forward=forward)
    usd = black76(f, strike, years, volatility, is_call)
    price = usd.price / f
    delta = (usd.delta - price) / f
    return Greeks(price, delta, (usd.gamma - 2.0 * delta) / f, usd.vega / f, usd.theta / f)


def many(
    forward: F64, strike: F64, years: F64, volatility: F64, is_call: Truth, discount: F64, out: Greeks | None = None
) -> Greeks:
    """:func:`black76` for large batches by a compiled loop over flat arrays of one length, unchecked.

    Its last bits may differ from :func:`black76`'s, within the stated errors. ``out`` takes the results where given.

    Examples
    --------
    >>> one = np.full(3, 1.0)
    >>> many(100 * one, 90 * one, 0.25 * one, 0.6 * one, True, one).price.round(4).tolist()
    [17.0129, 17.0129, 17.0129]

    """
    from solvent.pricing import kernels  # noqa: PLC0415 - the compiler is loaded only where it is asked for

    into = out if out is not None else Greeks(*(np.empty(forward.size) for _ in Greeks._fields))
    calls = np.ascontiguousarray(np.broadcast_to(np.asarray(is_call, dtype=np.bool_), forward.shape))
    kernels.greeks_into(forward, strike, years, volatility, discount, calls, *into)
    return into
