"""An oracle of its own: normal distribution, Black-76 and Bachelier with 60 decimal digits, from series and fractions.

Nothing here shares a formula with the code under test beyond the definition of what is computed: the error function is
summed from its series (or its continued fraction far out), not fitted.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from functools import cache, wraps

DIGITS = 90


def precise(function):
    """Run in a context of 90 digits, whatever the caller's is."""

    @wraps(function)
    def inside(*args):
        with localcontext(Context(prec=DIGITS, traps=[])):
            return function(*args)

    return inside


@cache
@precise
def pi():
    """π by Machin's formula."""

    def arctan_of_inverse(n):
        total, power, k = Decimal(0), Decimal(1) / n, 1
        while abs(power) > Decimal(10) ** -(DIGITS + 5):
            total += power / k if k % 4 == 1 else -power / k
            power /= n * n
            k += 2
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))


@precise
def erfcx(x):
    """exp(x²)·erfc(x) for x ≥ 0."""
    x = Decimal(x)
    if x > 7:
        found = x
        for k in range(400, 0, -1):
            found = x + Decimal(k) / 2 / found
        return 1 / (found * pi().sqrt())
    term = total = x
    n = 0
    while abs(term) > Decimal(10) ** -DIGITS:
        n += 1
        term *= 2 * x * x / (2 * n + 1)
        total += term
    return (x * x).exp() - 2 / pi().sqrt() * total


@precise
def normal(d):
    """N(d)."""
    d = Decimal(d)
    x = abs(d) / Decimal(2).sqrt()
    tail = (-x * x).exp() * erfcx(x) / 2
    return 1 - tail if d > 0 else tail


@precise
def density(d):
    """φ(d)."""
    d = Decimal(d)
    return (-d * d / 2).exp() / (2 * pi()).sqrt()


@precise
def black(forward, strike, years, vol, discount, call):
    """Price, delta, gamma, vega per unit of volatility and theta per year of a Black-76 option."""
    f, k, t, v, df = (Decimal(x) for x in (forward, strike, years, vol, discount))
    s = v * t.sqrt()
    if not s:
        inner = f - k if call else k - f
        return df * max(inner, Decimal(0)), df * (1 if inner > 0 else 0) * (1 if call else -1), 0, 0, 0
    d1 = (f / k).ln() / s + s / 2
    d2 = d1 - s
    if call:
        price, delta = df * (f * normal(d1) - k * normal(d2)), df * normal(d1)
    else:
        price, delta = df * (k * normal(-d2) - f * normal(-d1)), -df * normal(-d1)
    gamma = df * density(d1) / (f * s)
    vega = df * f * density(d1) * t.sqrt()
    return price, delta, gamma, vega, -df * f * density(d1) * v / (2 * t.sqrt())


@precise
def bachelier(forward, strike, years, vol, discount, call):
    """Price of an option on a normally distributed forward."""
    f, k, t, v, df = (Decimal(x) for x in (forward, strike, years, vol, discount))
    s = v * t.sqrt()
    side = 1 if call else -1
    if not s:
        return df * max(side * (f - k), Decimal(0))
    d = side * (f - k) / s
    return df * (side * (f - k) * normal(d) + s * density(d))
