"""exp, ln and the normal distribution as straight-line polynomials: no branch, no table, no library's own rounding.

Each function takes and gives arrays of float64 as it stands here. :mod:`solvent.pricing.kernels` compiles the very same
functions for single numbers, so that loops over them become vector instructions. Because they are additions,
multiplications, divisions and moves of bits alone, they give the same bits on every machine.

Errors, against 90 digits (tests/pricing/test_elementary.py):

==================  ===================================================
exp                 relative 5e-16 for |x| ≤ 700
ln                  5e-16 × max(|ln x|, 0.01)
scaled_erfc         relative 2e-15
normal              absolute 1e-15; relative 1e-13 in the lower tail, d ≥ −30
==================  ===================================================

exp answers e^−708 below −708. Sources: W. J. Cody and W. Waite, "Software manual for the elementary functions" (1980),
for the reductions of exp and ln; the fit of the tail is described in :mod:`solvent.pricing.coefficients`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solvent.pricing.coefficients import EXP, LOG, TAIL

INVERSE_LN2 = 1.4426950408889634
LN2_HIGH = 6.93147180369123816490e-01  # the first 33 bits of ln 2, so that k × it is exact
LN2_LOW = 1.90821492927058770002e-10
BITS_OF_ROOT_HALF = 0x3FE6A09E667F3BCD
BITS_OF_HALF = 0x3FE0000000000000
SIGN_BIT = -0x8000000000000000
ROOT_HALF = 0.7071067811865476
DENSITY = 0.3989422804014327  # 1 ÷ √(2π)
CENTRE = 3.75


def bits(x: Any) -> Any:
    """The bits of float64 numbers as int64."""
    return np.asarray(x, dtype=np.float64).view(np.int64)


def of_bits(i: Any) -> Any:
    """The float64 numbers with these bits."""
    return np.asarray(i, dtype=np.int64).view(np.float64)


def fast_exp(x: Any) -> Any:
    """exp(x).

    >>> bool(abs(fast_exp(np.float64(1.0)) - 2.718281828459045) < 1e-15)
    True
    """
    x = np.minimum(np.maximum(x, -708.0), 709.0)
    k = np.rint(x * INVERSE_LN2)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    u = r * r
    even = ((((EXP[10] * u + EXP[8]) * u + EXP[6]) * u + EXP[4]) * u + EXP[2]) * u + EXP[0]
    odd = ((((EXP[11] * u + EXP[9]) * u + EXP[7]) * u + EXP[5]) * u + EXP[3]) * u + EXP[1]
    return (even + odd * r) * of_bits((np.int64(k) + 1023) << 52)


def fast_log(x: Any) -> Any:
    """ln(x) of positive normal numbers.

    >>> bool(abs(fast_log(np.float64(10.0)) - 2.302585092994046) < 1e-15)
    True
    """
    i = bits(x)
    k = (i - BITS_OF_ROOT_HALF) >> 52
    m = of_bits(i - (k << 52))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    u = z * z
    even = (((LOG[8] * u + LOG[6]) * u + LOG[4]) * u + LOG[2]) * u + LOG[0]
    odd = ((LOG[7] * u + LOG[5]) * u + LOG[3]) * u + LOG[1]
    power = k * 1.0
    return s * (even + odd * z) + power * LN2_LOW + power * LN2_HIGH


def scaled_erfc(x: Any) -> Any:
    """exp(x²)·erfc(x) for x ≥ 0.

    >>> bool(abs(scaled_erfc(np.float64(0.0)) - 1.0) < 2e-15)
    True
    """
    w = 1.0 + 2.0 * x
    q = 1.0 / ((x + CENTRE) * w)
    return tail_polynomial((x - CENTRE) * w * q) * (x + CENTRE) * q


def tail_polynomial(t: Any) -> Any:
    """(1 + 2x)·exp(x²)·erfc(x) at t = (x − 3.75) ÷ (x + 3.75)."""
    u = t * t
    even = (
        (
            (
                (
                    (((((TAIL[20] * u + TAIL[18]) * u + TAIL[16]) * u + TAIL[14]) * u + TAIL[12]) * u + TAIL[10]) * u
                    + TAIL[8]
                )
                * u
                + TAIL[6]
            )
            * u
            + TAIL[4]
        )
        * u
        + TAIL[2]
    ) * u + TAIL[0]
    odd = (
        (
            (
                (
                    (((((TAIL[21] * u + TAIL[19]) * u + TAIL[17]) * u + TAIL[15]) * u + TAIL[13]) * u + TAIL[11]) * u
                    + TAIL[9]
                )
                * u
                + TAIL[7]
            )
            * u
            + TAIL[5]
        )
        * u
        + TAIL[3]
    ) * u + TAIL[1]
    return even + odd * t


def normal_given(d: Any, gauss: Any) -> Any:
    """N(d), given exp(−d²/2): one exponential can serve density and distribution, and two strikes' d."""
    x = np.abs(d) * ROOT_HALF
    below = 0.5 * gauss * scaled_erfc(x)
    sign = bits(d) & SIGN_BIT
    return (0.5 + of_bits(BITS_OF_HALF | sign)) - of_bits(bits(below) | sign)


def normal(d: Any) -> Any:
    """N(d).

    >>> [float(normal(np.float64(d)).round(12)) for d in (-1.0, 0.0, 1.0)]
    [0.158655253931, 0.5, 0.841344746069]
    """
    return normal_given(d, fast_exp(-0.5 * d * d))
