"""The polynomials against 90 digits, and their constants made again."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from solvent.pricing import coefficients
from solvent.pricing.elementary import fast_exp, fast_log, normal, scaled_erfc
from tests.pricing import fits
from tests.pricing import high_precision as high


@high.precise
def worst(got, exact, scale):
    return max(float(abs(Decimal(float(g)) - e) / Decimal(s)) for g, e, s in zip(got, exact, scale, strict=True))


@high.precise
def exponentials(x):
    return [Decimal(a).exp() for a in x]


@high.precise
def logarithms(x):
    return [Decimal(a).ln() for a in x]


@pytest.mark.parametrize("name", sorted(fits.FITS))
def test_the_constants_are_the_fit(name):
    made, _ = fits.FITS[name]()
    assert getattr(coefficients, name) == tuple(float(one) for one in made)


def test_the_fits_are_cut_below_a_rounding_of_their_result():
    cut = {name: float(fit()[1]) for name, fit in fits.FITS.items()}
    assert cut["EXP"] < 1e-17
    assert cut["LOG"] < 1e-19
    assert cut["TAIL"] < 2e-15


def test_exp_within_its_stated_error():
    x = np.concatenate([[0.0, 1.0, -1.0], np.random.default_rng(1).uniform(-700, 700, 800)])
    exact = exponentials(x.tolist())
    assert worst(fast_exp(x), exact, exact) <= 5e-16
    assert fast_exp(np.array([-1e6]))[0] == fast_exp(np.array([-708.0]))[0] < 1e-307


def test_log_within_its_stated_error():
    random = np.random.default_rng(2)
    x = np.exp(np.concatenate([random.uniform(-50, 50, 500), 0.1 * random.normal(size=300)]))
    exact = logarithms(x.tolist())
    assert worst(fast_log(x), exact, [max(abs(float(e)), 0.01) for e in exact]) <= 5e-16
    assert fast_log(np.array([1.0]))[0] == 0.0


def test_the_scaled_error_function_and_the_normal_distribution_within_their_stated_errors():
    random = np.random.default_rng(3)
    x = np.concatenate([[0.0], random.uniform(0, 40, 300)])
    exact = [high.erfcx(a) for a in x.tolist()]
    assert worst(scaled_erfc(x), exact, exact) <= 2e-15
    d = np.concatenate([[0.0, -0.0], random.uniform(-30, 30, 400), random.normal(size=200)])
    exact = [high.normal(a) for a in d.tolist()]
    assert worst(normal(d), exact, [Decimal(1)] * len(exact)) <= 1e-15
    left = d <= 0
    tail = [e for e, one in zip(exact, left, strict=True) if one]
    assert worst(normal(d)[left], tail, tail) <= 1e-13


@high.precise
def test_the_oracle_knows_tabled_values():
    """N(1), N(−2) and erfcx(1) as printed in tables (Abramowitz and Stegun, table 26.1; exp(1)·erfc(1))."""
    assert abs(high.normal(1) - Decimal("0.841344746068543")) < Decimal("1e-15")
    assert abs(high.normal(-2) - Decimal("0.022750131948179")) < Decimal("1e-15")
    assert abs(high.erfcx(1) - Decimal("0.427583576155807")) < Decimal("1e-15")
    near, far = high.erfcx(Decimal("6.9999999")), high.erfcx(Decimal("7.0000001"))
    assert abs(near / far - 1) < Decimal("1e-7")  # where the series gives way to the fraction
