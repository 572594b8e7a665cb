"""How the constants of :mod:`solvent.pricing.coefficients` are made: Chebyshev fits with 90 digits.

A test makes them again and compares.
"""

from __future__ import annotations

from decimal import Decimal

from tests.pricing import high_precision as high

NODES = 48
CENTRE = Decimal("3.75")


@high.precise
def cosine(angle):
    """cos by its series, for angles up to π."""
    term = total = Decimal(1)
    k = 0
    while abs(term) > Decimal(10) ** -high.DIGITS:
        k += 2
        term *= -angle * angle / (k * (k - 1))
        total += term
    return total


@high.precise
def chebyshev(function, count):
    """The first ``count`` Chebyshev coefficients of a function on [−1, 1], and the sum of the rest."""
    angles = [high.pi() * (2 * k + 1) / (2 * NODES) for k in range(NODES)]
    at = [cosine(angle) for angle in angles]
    values = [function(x) for x in at]
    found = []
    before, now = [Decimal(1)] * NODES, list(at)
    for j in range(NODES - 8):
        basis = before
        found.append(
            sum((v * b for v, b in zip(values, basis, strict=True)), Decimal(0)) * (1 if j == 0 else 2) / NODES
        )
        before, now = now, [2 * x * b - a for x, a, b in zip(at, before, now, strict=True)]
    return found[:count], sum(abs(c) for c in found[count:])


@high.precise
def powers(coefficients):
    """A Chebyshev sum as a polynomial in powers."""
    size = len(coefficients)
    total = [Decimal(0)] * size
    before, now = [Decimal(1)], [Decimal(0), Decimal(1)]
    for c in coefficients:
        for k, a in enumerate(before):
            total[k] += c * a
        after = [Decimal(0), *(2 * a for a in now)]
        for k, a in enumerate(before):
            after[k] -= a
        before, now = now, after
    return total


@high.precise
def scaled_tail(t):
    """(1 + 2x)·erfcx(x) at t = (x − 3.75) ÷ (x + 3.75); 2/√π at infinity."""
    x = CENTRE * (1 + t) / (1 - t)
    return (1 + 2 * x) * high.erfcx(x)


@high.precise
def exponential():
    """exp(r) on |r| ≤ ln 2 ÷ 2, in powers of r."""
    half = Decimal(2).ln() / 2 * Decimal("1.0001")
    found, rest = chebyshev(lambda u: (u * half).exp(), 12)
    return [c / half**k for k, c in enumerate(powers(found))], rest


@high.precise
def logarithm():
    """ln(m) ÷ s in powers of z = s², where s = (m − 1) ÷ (m + 1) and m runs over [√½, √2]."""
    half = ((Decimal(2).sqrt() - 1) / (Decimal(2).sqrt() + 1)) ** 2 / 2

    def ratio(u):
        z = (u + 1) * half
        s = z.sqrt()
        return ((1 + s) / (1 - s)).ln() / s

    found, rest = chebyshev(ratio, 9)
    shifted = [Decimal(0)] * 9
    for k, c in enumerate(powers(found)):  # c·(z/half − 1)^k
        term = Decimal(1)
        for j in range(k + 1):
            sign = -1 if (k - j) % 2 else 1
            shifted[j] += c * term * sign / half**j
            term = term * (k - j) / (j + 1)
    return shifted, rest


def tail():
    """The fit of :func:`scaled_tail` in powers of t, and its truncation error."""
    found, rest = chebyshev(scaled_tail, 22)
    return powers(found), rest


FITS = {"EXP": exponential, "LOG": logarithm, "TAIL": tail}
