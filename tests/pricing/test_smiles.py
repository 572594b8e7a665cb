"""The surface between, before and after its slices: what it holds, and that no butterfly or calendar is arbitrage."""

from __future__ import annotations

import numpy as np
import pytest

from solvent.pricing import ForwardCurve, PricingError, SmileSurface, Svi, price76, smile_surface
from tests.pricing.chains import scored

EARLY = Svi(0.004, 0.05, -0.4, 0.01, 0.08, 101.0, 0.1)
LATE = Svi(0.02, 0.1, -0.3, 0.02, 0.15, 102.0, 0.25)
SURFACE = smile_surface([LATE, EARLY], 100.0)
K = np.linspace(-1.5, 1.5, 241)


def test_at_its_expiries_it_is_its_slices_at_their_forwards():
    for one in (EARLY, LATE):
        strike = one.forward * np.exp(K)
        assert SURFACE.volatility(strike, one.years) == pytest.approx(one.volatility(strike), rel=1e-12)
    assert SURFACE.forward([0.0, 0.1, 0.25]).tolist() == pytest.approx([100.0, 101.0, 102.0])


def test_strikes_are_measured_against_the_forward_of_their_time():
    middle = float(SURFACE.forward(0.2))
    assert float(SURFACE.volatility(middle * 1.1, 0.2)) == pytest.approx(
        np.sqrt(SURFACE.variance(np.log(1.1), 0.2) / 0.2)
    )


def test_at_the_money_variance_is_linear_between_expiries_and_volatility_constant_outside():
    low, high = float(EARLY.variance(0.0)), float(LATE.variance(0.0))
    assert float(SURFACE.variance(0.0, 0.15)) == pytest.approx(low + (high - low) / 3, rel=1e-12)
    assert float(SURFACE.variance(0.0, 0.03)) == pytest.approx(0.3 * low, rel=1e-12)
    assert float(SURFACE.variance(0.0, 0.75)) == pytest.approx(3 * high, rel=1e-12)


@pytest.mark.parametrize("surface", [SURFACE, smile_surface(scored("in")[1].slices, 63_700.0)], ids=["two", "real"])
def test_no_butterfly_and_no_calendar_is_arbitrage_at_any_time(surface):
    """Call prices over forward by strike over forward are convex, and at one moneyness never fall in time."""
    k = np.linspace(-1.2, 1.2, 401)
    strike = np.exp(k)
    last = surface.slices[-1].years
    times = np.sort(np.concatenate([[one.years for one in surface.slices], np.geomspace(1e-4, 3 * last, 40)]))
    before = np.maximum(1 - strike, 0.0)
    for t in times:
        price = price76(1.0, strike, float(t), np.sqrt(surface.variance(k, float(t)) / t), True)
        slope = np.diff(price) / np.diff(strike)
        assert np.all(slope >= -1 - 1e-12)
        assert np.all(slope <= 1e-12)
        assert np.all(np.diff(slope) >= -1e-11 / np.diff(strike)[1:])
        assert np.all(price >= before - 1e-14)
        before = price


def test_what_is_worth_nothing_has_a_variance_all_the_same():
    found = SURFACE.variance([-20.0, 20.0], 0.15)
    assert np.all(np.isfinite(found))
    assert np.all(found > 0)


def test_numbers_and_arrays_of_times_and_strikes():
    whole = SURFACE.variance(K[:, None], np.array([0.05, 0.1, 0.2, 0.3]))
    assert whole.shape == (241, 4)
    assert float(whole[7, 2]) == float(SURFACE.variance(K[7], 0.2))


def test_bad_input_is_refused():
    with pytest.raises(PricingError, match="years must be positive, not 0"):
        SURFACE.variance(0.0, [0.1, 0.0])
    with pytest.raises(PricingError, match="slices must rise from above 0"):
        SmileSurface((LATE, EARLY), ForwardCurve(100.0, (0.1,), (100.0,)))
    with pytest.raises(PricingError, match="slices must rise from above 0"):
        SmileSurface((), ForwardCurve(100.0, (0.1,), (100.0,)))
