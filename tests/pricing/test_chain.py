"""Quotes, forwards and bands, on numbers by hand and on real chains."""

from __future__ import annotations

import numpy as np
import pytest

from solvent.pricing import PricingError, Quotes, implied_volatility, in_coin, parity_forward, price76
from solvent.pricing.chain import band, inside, out_of_the_money, two_sided
from tests.pricing.chains import NAMES, chain
from tools import surfaces

STRIKE = np.array([80.0, 90.0, 100.0, 120.0])
CALL = np.array([False, False, True, True])
HOLE = np.nan


def quotes(bid, ask, **more):
    return Quotes(0.25, 100.0, STRIKE, CALL, np.array(bid), np.array(ask), **more)


def test_the_forward_by_hand():
    """In coin C − P = 1 − K ÷ F: at F 100 and K 80 the difference is 0.2; in quote 0.95 · (100 − 80) = 19."""
    call, put = np.array([0.25, HOLE, 0.05, 0.01]), np.array([0.05, 0.02, 0.05, 0.21])
    assert parity_forward(STRIKE, call, put) == pytest.approx(100.0)
    assert parity_forward(STRIKE[:1], np.array([21.0]), np.array([2.0]), in_coin=False, discount=0.95) == 100.0
    wrong = call + np.array([0.5, 0, 0, 0.5])
    assert parity_forward(STRIKE, wrong, put, at_most=1) == pytest.approx(100.0)  # the strike nearest the money


@pytest.mark.parametrize(("call", "put"), [([HOLE, 0.1], [0.1, HOLE]), ([3.0, 3.0], [0.1, 0.1])])
def test_prices_that_tell_no_forward_are_refused(call, put):
    with pytest.raises(PricingError, match="call and put"):
        parity_forward(STRIKE[:2], np.array(call), np.array(put))


def test_what_counts_is_out_of_the_money_and_has_two_sides():
    given = quotes([0.01, HOLE, 0.05, 0.0], [0.02, 0.04, 0.05, 0.02])
    assert two_sided(given).tolist() == [True, False, False, False]
    assert out_of_the_money(given).all()
    assert not out_of_the_money(given._replace(is_call=~CALL)).any()
    assert band(given).row.tolist() == [0]


def test_the_band_is_what_is_inside():
    for more, unit in (({}, 100.0), ({"in_coin": False, "discount": 0.9}, 1 / 0.9)):
        price = price76(100.0, STRIKE, 0.25, 0.6, CALL) / unit
        given = quotes(price * 0.97, price * 1.05, **more)
        found = band(given)
        low, high = np.sqrt(found.low / 0.25), np.sqrt(found.high / 0.25)
        assert np.all((low < 0.6) & (high > 0.6))
        assert inside(given, low).all()
        assert inside(given, high).all()
        assert not inside(given, low - 1e-9).any()
        assert not inside(given, high + 1e-9).any()


def test_a_missing_side_is_open():
    given = quotes([HOLE] * 4, [0.001] * 4)
    assert not inside(given, 0.9).any()
    assert inside(given._replace(ask=np.full(4, HOLE)), 0.9).all()


@pytest.mark.parametrize("name", NAMES)
def test_real_marks_reprice_from_the_venues_own_volatilities(name):
    errors = surfaces.repriced(chain(name))
    assert errors.size > 600
    assert np.quantile(errors, 0.95) <= 3e-5  # 3e-4 of the underlying is asked
    assert errors.max() <= 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_the_forward_of_marks_lies_where_quotes_allow_it(name):
    """A call bought and a put sold is a forward: bid − ask ≤ 1 − K ÷ F ≤ ask − bid, for all but a few stale quotes."""
    one = chain(name)
    broken = total = 0
    for expiry in one.expiries:
        forward = parity_forward(expiry.strike, *expiry.mark)
        worth = 1 - expiry.strike / forward
        low, high = expiry.bid[0] - expiry.ask[1], expiry.ask[0] - expiry.bid[1]
        told = np.isfinite(low) & np.isfinite(high)
        broken += int(np.sum((worth < low)[told] | (worth > high)[told]))
        total += int(told.sum())
    assert total > 200
    assert broken <= 0.05 * total


@pytest.mark.parametrize("name", NAMES)
def test_implied_volatility_comes_back_in_real_wings(name):
    """Every listed strike at the venue's own volatility, down to options worth 1e-190 of the forward."""
    one = chain(name)
    least = 1.0
    for expiry in one.expiries:
        forward, years = parity_forward(expiry.strike, *expiry.mark), one.years(expiry)
        for side in (0, 1):
            wing = (expiry.strike >= forward) == (side == 0)
            strike, vol = expiry.strike[wing], expiry.volatility[side][wing]
            price = price76(forward, strike, years, vol, side == 0)
            found = implied_volatility(price, forward, strike, years, side == 0)
            assert np.all(np.abs(found - vol) <= 1e-11 * vol)
            least = min(least, float(np.min(price / forward)))
    assert least < 1e-7


@pytest.mark.parametrize("name", NAMES)
def test_implied_volatilities_of_rounded_marks_are_the_venues_within_the_rounding(name):
    """Half of 1e-4 of volatility, a millionth of a coin, and the minute that the venue takes to list a chain."""
    one = chain(name)
    for expiry in one.expiries:
        forward, years = parity_forward(expiry.strike, *expiry.mark), one.years(expiry)
        for side in (0, 1):
            wing = ((expiry.strike >= forward) == (side == 0)) & (expiry.mark[side] > 1e-5)
            strike, vol = expiry.strike[wing], expiry.volatility[side][wing]
            found = implied_volatility(expiry.mark[side][wing] * forward, forward, strike, years, side == 0)
            point = in_coin(forward, strike, years, vol, side == 0).vega
            minute = vol * 0.5 * 60 / (years * surfaces.YEAR_SECONDS)
            assert np.all(np.abs(found - vol) <= 6e-5 + 0.01 * 1e-6 / point + minute)


def test_the_projects_form_gives_back_what_was_written():
    one = chain("in")
    again = surfaces.from_json(surfaces.to_json(one, ("here",)))
    for first, second in zip(one.expiries, again.expiries, strict=True):
        assert first.at == second.at
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first[1:], second[1:], strict=True))
    with pytest.raises(ValueError, match="format: got 'x'"):
        surfaces.from_json('{"format": "x"}')
