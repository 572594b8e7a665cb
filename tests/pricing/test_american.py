"""Early exercise: published figures, binomial trees, many more nodes, and what must hold whatever the numbers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from solvent.pricing import PricingError, american, american_volatility, black_scholes

MODULE = sys.modules["solvent.pricing.american"]
RANDOM = np.random.default_rng(23)


def drawn():
    """Spot, strike, years, volatility, call or put, rate, yield: over all of the domain of the stated error."""
    years, vol = (float(np.exp(RANDOM.uniform(np.log(a), np.log(b)))) for a, b in ((1 / 365, 3), (0.05, 3)))
    rates = RANDOM.choice([0.0, 1e-3, 0.01, 0.05, 0.2], 2)
    spot = 100 * float(np.exp(RANDOM.normal() * vol * np.sqrt(years)))
    return spot, 100.0, years, vol, bool(RANDOM.random() < 0.5), float(rates[0]), float(rates[1])


def tree(spot, strike, years, vol, is_call, rate, dividend, steps):
    """J. C. Cox, S. A. Ross and M. Rubinstein (1979)."""
    dt = years / steps
    up = np.exp(vol * np.sqrt(dt))
    chance = (np.exp((rate - dividend) * dt) - 1 / up) / (up - 1 / up)
    side = 1 if is_call else -1
    prices = spot * up ** (steps - 2.0 * np.arange(steps + 1))
    value = np.maximum(side * (prices - strike), 0)
    for _ in range(steps):
        prices = prices[:-1] / up
        value = np.exp(-rate * dt) * (chance * value[:-1] + (1 - chance) * value[1:])
        value = np.maximum(value, side * (prices - strike))
    return float(value[0])


def european(spot, strike, years, vol, is_call, rate, dividend):
    return float(black_scholes(spot, strike, years, vol, is_call, rate, dividend).price)


def test_the_published_premium_of_early_exercise():
    """Andersen, Lake and Offengenden (2016), table 2: spot, strike 100, a year, 25 %, rate and yield 5 %."""
    facts = (100.0, 100.0, 1.0, 0.25, False, 0.05, 0.05)
    assert float(american(*facts)) - european(*facts) == pytest.approx(0.106952702747, abs=2e-8)


@pytest.mark.parametrize(("spot", "price"), [(80.0, 23.22834), (100.0, 12.60521), (120.0, 6.482425)])
def test_published_puts(spot, price):
    """Three years, 20 %, rate and yield 4 %: figures that open implementations of that paper assert."""
    assert float(american(spot, 100.0, 3.0, 0.2, False, 0.04, 0.04)) == pytest.approx(price, abs=6e-6)


def test_binomial_trees_agree():
    for facts in [drawn() for _ in range(12)]:
        want = (tree(*facts, 400) + tree(*facts, 401)) / 2
        assert float(american(*facts)) == pytest.approx(want, abs=2e-4 * (facts[0] + facts[1])), facts


def test_the_stated_error_holds_against_many_more_nodes(monkeypatch):
    cases = [drawn() for _ in range(24)]
    found = [float(american(*facts)) for facts in cases]
    for name, value in {"NODES": 28, "INNER": 64, "OUTER": 160, "ENOUGH": 1e-10}.items():
        monkeypatch.setattr(MODULE, name, value)
    for facts, price in zip(cases, found, strict=True):
        assert abs(price - float(american(*facts))) <= MODULE.PRICE_ERROR * (facts[0] + facts[1]), facts


def test_it_is_never_below_exercise_nor_below_the_european_option():
    for spot, strike, years, vol, is_call, rate, dividend in [drawn() for _ in range(40)]:
        price = float(american(spot, strike, years, vol, is_call, rate, dividend))
        slack = MODULE.PRICE_ERROR * (spot + strike)
        assert price >= (spot - strike if is_call else strike - spot)
        assert price >= european(spot, strike, years, vol, is_call, rate, dividend) - slack
        assert price <= (spot if is_call else strike) + slack


def test_a_call_without_dividends_is_european_and_so_is_a_put_without_interest():
    for facts in ((90.0, 100.0, 0.5, 0.4, True, 0.07, 0.0), (90.0, 100.0, 0.5, 0.4, False, 0.0, 0.07)):
        assert float(american(*facts)) == pytest.approx(european(*facts), abs=1e-12)


def test_a_call_is_a_put_changed_round():
    call, put = american(110.0, 100.0, 0.7, 0.3, True, 0.02, 0.06), american(100.0, 110.0, 0.7, 0.3, False, 0.06, 0.02)
    assert float(call) == pytest.approx(float(put), rel=1e-12)


def test_below_the_boundary_it_is_worth_exercise():
    spots = np.array([50.0, 70.0, 84.0, 95.0])
    found = american(spots, 100.0, 1.0, 0.2, False, 0.08)
    assert found[:2].tolist() == pytest.approx([50.0, 30.0], rel=1e-15)
    assert found[3] > 5.5
    assert np.all(np.diff(found) / np.diff(spots) >= -1 - 1e-9)


def test_without_volatility_the_best_moment_is_known():
    """Without yield at once (a put) or last (a call); with a yield above the rate the best moment may lie between."""
    assert float(american(90.0, 100.0, 1.0, 0.0, False, 0.05)) == 10.0
    assert float(american(110.0, 100.0, 1.0, 0.0, True, 0.05)) == pytest.approx(110 - 100 * np.exp(-0.05))
    later = max(100 * np.exp(-0.02 * t) - 100 * np.exp(-0.06 * t) for t in np.linspace(0, 2, 2001))
    assert float(american(100.0, 100.0, 2.0, 0.0, False, 0.02, 0.06)) == pytest.approx(later, abs=1e-9)
    many = 100 * np.exp(-0.02 * 27.4653) - 100 * np.exp(-0.06 * 27.4653)  # ln 3 ÷ 0.04 years, before the end
    assert float(american(100.0, 100.0, 40.0, 0.0, False, 0.02, 0.06)) == pytest.approx(many, abs=1e-6)
    assert american([90.0, 110.0], 100.0, 0.0, 0.3, False, 0.05).tolist() == [10.0, 0.0]


def test_bad_input_is_refused():
    with pytest.raises(PricingError, match="two boundaries of exercise"):
        american(100.0, 100.0, 1.0, 0.2, False, -0.01, -0.02)
    with pytest.raises(PricingError, match="two boundaries of exercise"):
        american(100.0, 100.0, 1.0, 0.2, True, -0.02, -0.01)
    with pytest.raises(PricingError, match="spot must be positive"):
        american(0.0, 100.0, 1.0, 0.2, False)


def test_the_volatility_comes_back():
    for spot, strike, years, vol, is_call, rate, dividend in [drawn() for _ in range(16)]:
        price = float(american(spot, strike, years, vol, is_call, rate, dividend))
        found = american_volatility(price, spot, strike, years, is_call, rate, dividend)
        again = float(american(spot, strike, years, found, is_call, rate, dividend))
        assert abs(again - price) <= 2e-9 * (spot + strike)
        if price - max(spot - strike if is_call else strike - spot, 0.0) > 0.01:
            assert found == pytest.approx(vol, rel=2e-4)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (20.0, 0.0),  # what exercise brings
        (19.99, np.nan),
        (120.0, np.nan),  # as much as the strike
        (121.0, np.nan),
    ],
)
def test_the_edges_of_implied_volatility(price, expected):
    found = american_volatility(price, 100.0, 120.0, 0.5, False, 0.05, 0.01)
    assert np.array_equal(found, expected, equal_nan=True)
    assert american_volatility(20.5, 100.0, 120.0, 0.5, False, 0.05, 0.01) > 0.15
