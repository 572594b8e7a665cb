"""Smiles, grids and forwards."""

from __future__ import annotations

import numpy as np
import pytest

from solvent.pricing import ForwardCurve, GridSurface, PricingError, Svi, butterfly_free, calendar_free, price76

GOOD = Svi(0.04, 0.1, -0.3, 0.02, 0.2, 100.0, 0.5)


def test_a_smile_by_hand():
    """k = ln 1.2 = 0.182322; 0.04 + 0.1·(−0.3·0.162322 + √(0.162322² + 0.04)) = 0.060889…; ÷ 0.5, root."""
    assert float(GOOD.variance(np.log(1.2))) == pytest.approx(0.0608890, abs=1e-6)
    assert float(GOOD.volatility(120.0)) == pytest.approx(np.sqrt(0.0608890 / 0.5), abs=1e-5)


def test_durrlemans_function_is_the_sign_of_the_density():
    """Where g is negative a butterfly has a negative price, and where it is positive none has."""
    vogt = Svi(-0.041, 0.1331, 0.306, 0.3586, 0.4153, 100.0, 1.0)
    for one in (GOOD, vogt):
        k = np.linspace(-1.4, 1.4, 57)
        strike, step = 100 * np.exp(k), 1e-2
        price = [price76(100.0, strike + d, one.years, one.volatility(strike + d), True) for d in (-step, 0, step)]
        butterfly = (price[0] - 2 * price[1] + price[2]) / step**2
        sure = np.abs(butterfly) > 1e-7
        assert np.array_equal(np.sign(butterfly[sure]), np.sign(one.durrleman(k)[sure]))
    assert butterfly_free(GOOD)
    assert not butterfly_free(vogt)
    assert not butterfly_free(Svi(-0.1, 0.1, 0.0, 0.0, 0.2, 100.0, 0.5))  # negative variance


def test_calendars_are_looked_at_in_order_of_time():
    later = GOOD._replace(years=1.0, a=0.05)
    assert calendar_free([later, GOOD])
    assert not calendar_free([GOOD, later._replace(a=0.039)])
    assert not calendar_free([GOOD, GOOD._replace(years=1.0, rho=0.3)])  # crosses on one side


def test_a_grid_holds_its_points_and_is_straight_between():
    grid = GridSurface((0.1, 0.4, 0.5), (90.0, 110.0), ((0.5, 0.7), (0.4, 0.6), (0.4, 0.6)))
    assert grid.volatility([90.0, 110.0], 0.4).tolist() == pytest.approx([0.4, 0.6])
    assert float(grid.volatility(100.0, 0.1)) == pytest.approx(0.6)
    between = np.sqrt((0.5 * (0.36 * 0.1) + 0.5 * (0.25 * 0.4)) / 0.25)
    assert float(grid.volatility(100.0, 0.25)) == pytest.approx(between)
    assert float(grid.volatility(500.0, 9.0)) == pytest.approx(0.6)
    assert float(GridSurface((0.5,), (90.0, 110.0), ((0.5, 0.7),)).volatility(95.0, 3.0)) == pytest.approx(0.55)
    with pytest.raises(PricingError, match="years of a grid must rise"):
        GridSurface((0.4, 0.1), (90.0,), ((0.5,), (0.5,)))
    with pytest.raises(PricingError, match="2 rows of 1"):
        GridSurface((0.1, 0.4), (90.0,), ((0.5,),))


def test_forwards_grow_at_one_rate_between_expiries():
    curve = ForwardCurve(100.0, (0.5, 1.0), (102.0, 103.0))
    assert curve.forward([0.0, 0.5, 1.0]).tolist() == pytest.approx([100.0, 102.0, 103.0])
    assert float(curve.forward(0.75)) == pytest.approx(np.sqrt(102 * 103))
    assert float(curve.forward(1.5)) == pytest.approx(103 * 103 / 102)
    with pytest.raises(PricingError, match="must rise from above 0"):
        ForwardCurve(100.0, (0.0, 1.0), (102.0, 103.0))
