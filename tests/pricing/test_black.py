"""Black-76, Black-Scholes, coin-settled and Bachelier options against 90 digits, and the compiled loop against them."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from solvent.pricing import PRICE_ERROR, PricingError, bachelier, black76, black_scholes, in_coin, many, price76
from tests.pricing import high_precision as high

RANDOM = np.random.default_rng(5)
N = 400
F = np.exp(RANDOM.uniform(-3, 12, N))
K = F * np.exp(RANDOM.normal(size=N) * RANDOM.choice([0.01, 0.3, 2], N))
T = np.exp(RANDOM.uniform(-9, 1, N))
V = np.exp(RANDOM.uniform(-3, 1.5, N))
DF = np.exp(-RANDOM.uniform(0, 0.1, N) * T)
CALL = RANDOM.random(N) < 0.5


@pytest.fixture(scope="module")
def exact():
    return [
        high.black(float(F[i]), float(K[i]), float(T[i]), float(V[i]), float(DF[i]), bool(CALL[i])) for i in range(N)
    ]


@high.precise
def shared(want, per):
    return want / per


@high.precise
def off(got, want):
    return abs(float(Decimal(float(got)) - want))


def test_price_and_greeks_within_their_stated_errors(exact):
    found = black76(F, K, T, V, CALL, DF)
    for i, (price, delta, gamma, vega, theta) in enumerate(exact):
        s = V[i] * np.sqrt(T[i])
        d = np.log(F[i] / K[i]) / s + s / 2
        steep = 1 + 1 / s
        assert off(found.price[i], price) <= PRICE_ERROR * (F[i] + K[i]) * DF[i]
        assert off(found.delta[i], delta) <= 1e-15 * steep
        for got, want, per in ((found.gamma, gamma, 1), (found.vega, vega, 100), (found.theta, theta, 365)):
            assert off(got[i], shared(want, per)) <= 2e-15 * (1 + d * d) * steep * abs(float(want)) / per + 1e-290


def test_the_compiled_loop_agrees(exact):
    found, reference = many(F, K, T, V, CALL, DF), black76(F, K, T, V, CALL, DF)
    for i, (price, *_) in enumerate(exact):
        assert off(found.price[i], price) <= PRICE_ERROR * (F[i] + K[i]) * DF[i]
    for got, want, scale in zip(found[1:], reference[1:], (1.0, *(np.abs(one) for one in reference[2:])), strict=True):
        steep = (1 + (np.log(F / K) / (V * np.sqrt(T))) ** 2 + V * V * T) * (1 + 1 / (V * np.sqrt(T)))
        assert np.all(np.abs(got - want) <= 2e-14 * steep * (scale + 1e-290))


def test_without_the_compiler_the_loop_gives_the_same_within_its_errors():
    code = (
        "import numpy as np; from solvent.pricing import many, black76; one = np.ones(3)\n"
        "a = many(100*one, 90*one, one/4, one/2, True, one); b = black76(100*one, 90*one, one/4, one/2, True)\n"
        "assert all(np.allclose(x, y, rtol=1e-13, atol=0) for x, y in zip(a, b)); print('same')"
    )
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert ran.stdout == "same\n", ran.stderr


def test_prices_alone_are_the_price_of_the_greeks():
    assert np.array_equal(price76(F, K, T, V, CALL), black76(F, K, T, V, CALL).price)


def test_parity_holds():
    call, put = black76(F, K, T, V, True, DF), black76(F, K, T, V, False, DF)
    assert np.all(np.abs(call.price - put.price - DF * (F - K)) <= 2 * PRICE_ERROR * (F + K))
    assert np.allclose(call.delta - put.delta, DF, rtol=0, atol=1e-15)
    assert np.array_equal(call.vega, put.vega)


@pytest.mark.parametrize(("years", "vol"), [(0.0, 0.5), (0.3, 0.0), (0.0, 0.0)])
def test_without_time_value_an_option_is_worth_what_it_is_in_the_money(years, vol):
    found = black76([90.0, 100.0, 110.0], 100.0, years, vol, True)
    assert found.price.tolist() == pytest.approx([0.0, 0.0, 10.0], abs=1e-13)
    assert found.gamma.tolist() == found.vega.tolist() == found.theta.tolist() == [0.0, 0.0, 0.0]
    assert black76([90.0, 110.0], 100.0, years, vol, False).price.tolist() == pytest.approx([10.0, 0.0], abs=1e-13)


def test_at_enormous_volatility_a_call_is_the_forward_and_a_put_the_strike():
    assert black76(100.0, 250.0, 1.0, 60.0, True).price == pytest.approx(100.0)
    assert black76(100.0, 250.0, 1.0, 60.0, False).price == pytest.approx(250.0)


def bumped(price, of, step):
    return (price(of + step) - price(of - step)) / (2 * step)


def test_vega_is_per_point_and_theta_per_day():
    found = black76(100.0, 110.0, 0.25, 0.6, False, 0.99)
    by_vol = bumped(lambda v: float(black76(100.0, 110.0, 0.25, v, False, 0.99).price), 0.6, 1e-4) / 100
    by_day = bumped(lambda t: float(black76(100.0, 110.0, t, 0.6, False, 0.99).price), 0.25, 1e-4) / -365
    assert float(found.vega) == pytest.approx(by_vol, rel=1e-6)
    assert float(found.theta) == pytest.approx(by_day, rel=1e-6)


@pytest.mark.parametrize("is_call", [True, False])
def test_on_a_spot_every_greek_is_a_derivative(is_call):
    def price(spot=100.0, years=0.5, vol=0.4):
        return float(black_scholes(spot, 95.0, years, vol, is_call, rate=0.07, dividend=0.03).price)

    found = black_scholes(100.0, 95.0, 0.5, 0.4, is_call, rate=0.07, dividend=0.03)
    assert float(found.delta) == pytest.approx(bumped(lambda x: price(spot=x), 100.0, 1e-3), rel=1e-6)
    curve = (price(spot=100.1) - 2 * price() + price(spot=99.9)) / 0.01
    assert float(found.gamma) == pytest.approx(curve, rel=1e-4)
    assert float(found.vega) == pytest.approx(bumped(lambda v: price(vol=v), 0.4, 1e-5) / 100, rel=1e-6)
    assert float(found.theta) == pytest.approx(bumped(lambda t: price(years=t), 0.5, 1e-5) / -365, rel=1e-6)


def test_the_textbook_call_on_a_stock():
    """J. C. Hull, Options, Futures and Other Derivatives: S 42, K 40, r 10 %, σ 20 %, half a year: 4.76 and 0.81."""
    assert float(black_scholes(42.0, 40.0, 0.5, 0.2, True, rate=0.1).price) == pytest.approx(4.76, abs=0.005)
    assert float(black_scholes(42.0, 40.0, 0.5, 0.2, False, rate=0.1).price) == pytest.approx(0.81, abs=0.005)


@pytest.mark.parametrize("is_call", [True, False])
def test_in_coin_every_greek_is_a_derivative_of_the_price_in_coin(is_call):
    def price(forward=50000.0, years=0.2, vol=0.7):
        return float(in_coin(forward, 52000.0, years, vol, is_call).price)

    found = in_coin(50000.0, 52000.0, 0.2, 0.7, is_call)
    assert price() == pytest.approx(float(price76(50000.0, 52000.0, 0.2, 0.7, is_call)) / 50000, rel=1e-15)
    assert float(found.delta) == pytest.approx(bumped(lambda f: price(forward=f), 50000.0, 1.0), rel=1e-6)
    curve = (price(forward=50050.0) - 2 * price() + price(forward=49950.0)) / 2500
    assert float(found.gamma) == pytest.approx(curve, rel=1e-3)
    assert float(found.vega) == pytest.approx(bumped(lambda v: price(vol=v), 0.7, 1e-5) / 100, rel=1e-6)
    assert float(found.theta) == pytest.approx(bumped(lambda t: price(years=t), 0.2, 1e-6) / -365, rel=1e-6)


def test_bachelier_within_its_error_and_through_negative_prices():
    for f, k, t, v, call in ((-37.63, -40, 0.1, 50, True), (5, 20, 0.3, 12, False), (-1, 1, 2, 0.5, True)):
        found, want = bachelier(f, k, t, v, call, 0.98), high.bachelier(str(f), k, str(t), str(v), "0.98", call)
        assert off(found.price, want) <= 4e-15 * (abs(f - k) + v * np.sqrt(t))
    slope = bumped(lambda f: float(bachelier(f, -40.0, 0.1, 50.0, False).price), -37.0, 1e-4)
    assert float(bachelier(-37.0, -40.0, 0.1, 50.0, False).delta) == pytest.approx(slope, rel=1e-6)
    decay = bumped(lambda t: float(bachelier(-37.0, -40.0, t, 50.0, False).price), 0.1, 1e-6) / -365
    assert float(bachelier(-37.0, -40.0, 0.1, 50.0, False).theta) == pytest.approx(decay, rel=1e-6)
    point = bumped(lambda v: float(bachelier(-37.0, -40.0, 0.1, v, False).price), 50.0, 1e-4) / 100
    assert float(bachelier(-37.0, -40.0, 0.1, 50.0, False).vega) == pytest.approx(point, rel=1e-6)
    curve = bumped(lambda f: float(bachelier(f, -40.0, 0.1, 50.0, False).delta), -37.0, 1e-4)
    assert float(bachelier(-37.0, -40.0, 0.1, 50.0, False).gamma) == pytest.approx(curve, rel=1e-6)
    assert bachelier([-41.0, -39.0], -40.0, 0.0, 50.0, True).price.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"forward": 0.0}, "forward must be positive, not 0.0"),
        ({"strike": -1.0}, "strike must be positive, not -1.0"),
        ({"years": -0.1}, "years must not be negative, not -0.1"),
        ({"volatility": float("nan")}, "volatility must be finite, not nan"),
    ],
)
def test_what_no_option_has_is_refused_by_name(change, message):
    given = {"forward": 100.0, "strike": 100.0, "years": 1.0, "volatility": 0.5, "is_call": True, **change}
    with pytest.raises(PricingError, match=message):
        black76(**given)


def test_importing_the_formulas_does_not_load_the_compiler():
    code = "import sys, solvent.pricing, solvent.margin.scenario; assert 'numba' not in sys.modules; print('light')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "light\n", ran.stderr
