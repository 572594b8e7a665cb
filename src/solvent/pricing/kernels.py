"""Loops over many options at once, for the compiler: Black-76 prices and Greeks written into given arrays."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from solvent.pricing.compiler import kernel
from solvent.pricing.elementary import DENSITY, fast_exp, fast_log, normal_given

F64 = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
LEAST_SPREAD = 1e-100


@kernel
def greeks_into(
    forward: F64, strike: F64, years: F64, volatility: F64, discount: F64, is_call: Truths,
    price: F64, delta: F64, gamma: F64, vega: F64, theta: F64,
) -> None:  # fmt: skip
    """Price and Greeks of each option, in the units of ``black``.

    Invariant: an option's numbers depend on its own arguments alone. Cost: a logarithm, an exponential and
    two tails of the normal distribution an option.
    """
    for i in range(forward.size):
        f, k, v, df = forward[i], strike[i], volatility[i], discount[i]
        root = math.sqrt(years[i])
        s = max(v * root, LEAST_SPREAD)
        ratio = f / k
        inverse = 1.0 / s
        d1 = fast_log(ratio) * inverse + 0.5 * s
        gauss = fast_exp(-0.5 * d1 * d1)
        sign = 2.0 * is_call[i] - 1.0
        n1 = normal_given(sign * d1, gauss)
        n2 = normal_given(sign * (d1 - s), gauss * ratio)
        gauss *= DENSITY * df
        price[i] = max(df * sign * (f * n1 - k * n2), 0.0)
        delta[i] = df * sign * n1
        gamma[i] = gauss * inverse / f
        slope = f * gauss * root
        vega[i] = 0.01 * slope
        share = v * inverse
        theta[i] = slope * v * share * share * (-0.5 / 365.0)
