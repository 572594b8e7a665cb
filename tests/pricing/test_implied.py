"""Implied volatility: from prices of 90 digits, far into the wings; and what has none."""

from __future__ import annotations

import numpy as np
import pytest

from solvent.pricing import implied_volatility, price76
from tests.pricing import high_precision as high

RANDOM = np.random.default_rng(11)
N = 400
X = RANDOM.normal(size=N) * RANDOM.choice([0, 0.05, 0.5, 3], N)
S = np.exp(RANDOM.uniform(-6, 2, N))
T = np.exp(RANDOM.uniform(-9, 1, N))


def test_the_volatility_comes_back_from_an_out_of_the_money_price():
    forward, strike, vol = 100.0, 100.0 * np.exp(X), S / np.sqrt(T)
    call = strike >= forward
    price = np.array(
        [
            float(high.black(forward, float(strike[i]), float(T[i]), float(vol[i]), 1, bool(call[i]))[0])
            for i in range(N)
        ]
    )
    most = np.where(call, forward, strike)
    told = (price > 1e-190) & (price < most * (1 - 1e-9))
    assert told.sum() > 250
    found = implied_volatility(price, forward, strike, T, call)
    dear = 1 / (1 - price / most)  # digits lost where the price is nearly the most it can be
    assert np.all(np.abs(found - vol)[told] <= vol[told] * (1e-12 + 1e-15 * dear[told]))


def test_cheap_wings_hold():
    for vol, strike, years in ((0.9, 400.0, 0.02), (0.3, 150.0, 0.003), (2.0, 1.0, 0.1)):
        price = float(high.black(100, strike, str(years), str(vol), 1, strike > 100)[0])
        assert price > 0
        assert implied_volatility(price, 100.0, strike, years, strike > 100) == pytest.approx(vol, rel=1e-12)


def test_in_the_money_prices_and_discounts():
    price = 0.97 * price76(100.0, 80.0, 0.5, 0.6, True)
    assert implied_volatility(price, 100.0, 80.0, 0.5, True, 0.97) == pytest.approx(0.6, rel=1e-12)


@pytest.mark.parametrize(
    ("price", "strike", "years", "expected"),
    [
        (10.0, 90.0, 0.5, 0.0),  # intrinsic value to the digit
        (9.999, 90.0, 0.5, np.nan),  # below it
        (100.0, 90.0, 0.5, np.nan),  # as much as the forward
        (12.0, 90.0, 0.0, np.nan),  # no time
        (0.0, 110.0, 0.5, 0.0),
    ],
)
def test_the_edges(price, strike, years, expected):
    assert np.array_equal(implied_volatility(price, 100.0, strike, years, True), expected, equal_nan=True)


def test_a_put_is_worth_at_most_its_strike():
    assert np.isnan(implied_volatility(80.0, 100.0, 80.0, 0.5, False))
    assert implied_volatility(79.0, 100.0, 80.0, 0.5, False) > 1
