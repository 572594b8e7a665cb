"""Fits: smiles found again, real chains with a fifth of the strikes hidden, and quotes that contradict each other."""

from __future__ import annotations

import numpy as np
import pytest

from solvent.pricing import PricingError, Quotes, Svi, butterfly_free, calendar_free, fit_smiles, price76
from solvent.pricing import fitting as module
from solvent.pricing.chain import inside
from tests.pricing.chains import NAMES, chain, scored
from tools import surfaces

STRIKE = np.linspace(55.0, 180.0, 26)
CALL = STRIKE >= 100.0
EARLY = Svi(0.004, 0.05, -0.4, 0.01, 0.08, 100.0, 0.1)
LATE = Svi(0.02, 0.1, -0.3, 0.02, 0.15, 100.0, 0.25)


def quoted(smile, width=0.02, years=None):
    years = years or smile.years
    middle = price76(100.0, STRIKE, years, np.sqrt(smile.variance(np.log(STRIKE / 100.0)) / years), CALL) / 100.0
    return Quotes(years, 100.0, STRIKE, CALL, middle * (1 - width), middle * (1 + width))


def test_smiles_that_are_free_of_arbitrage_are_found_again():
    found = fit_smiles([quoted(LATE), quoted(EARLY)])
    assert found.butterfly_free
    assert found.calendar_free
    assert [one.years for one in found.slices] == [0.1, 0.25]
    for one, true in zip(found.slices, (EARLY, LATE), strict=True):
        assert np.all(np.abs(one.volatility(STRIKE) - true.volatility(STRIKE)) < 0.003)
        assert inside(quoted(true), one.volatility(STRIKE)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_real_chain_is_fitted_without_arbitrage(name):
    score, fit = scored(name)
    assert score.expiries >= 9
    assert (fit.butterfly_free, fit.calendar_free) == (True, True)
    assert calendar_free(fit.slices)
    assert all(butterfly_free(one) for one in fit.slices)


def test_nine_of_ten_hidden_strikes_of_real_chains_are_inside_bid_and_ask():
    tables = [scored(name)[0].table() for name in NAMES]
    held = np.concatenate([t["inside"][t["held"]] for t in tables])
    assert held.size > 200
    assert held.mean() >= 0.90
    for t in tables:
        assert t["inside"][t["held"]].mean() >= 0.85
        assert t["inside"][~t["held"]].mean() >= 0.88
        assert np.median(t["off"][t["held"]]) < 1.0  # volatility points


def test_hidden_strikes_are_a_fifth_drawn_before_the_fit_and_unseen_by_it():
    one = chain("in")
    first, again, other = (surfaces.held_out(one, seed) for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    for expiry, hidden in zip(one.expiries, first, strict=True):
        shown, whole = surfaces.quotes_of(one, expiry, hidden), surfaces.quotes_of(one, expiry)
        assert np.isnan(shown.bid[np.tile(hidden, 2)]).all()
        assert np.isnan(shown.ask[np.tile(hidden, 2)]).all()
        counted = surfaces.band(whole).row.size
        assert hidden.sum() == max(1, round(counted / 5))
        assert surfaces.band(shown).row.size == counted - hidden.sum()
        assert shown.forward == pytest.approx(whole.forward, rel=1e-6)


def test_quotes_with_calendar_arbitrage_get_smiles_without():
    """The later expiry is quoted below the earlier one: no surface fits both, and the one found is free."""
    found = fit_smiles([quoted(LATE, years=0.2), quoted(LATE._replace(a=0.012), years=0.25)])
    assert found.calendar_free
    assert found.butterfly_free
    assert calendar_free(found.slices)
    early, late = found.slices
    assert float(early.variance(0.0)) < float(late.variance(0.0))


def test_quotes_with_butterfly_arbitrage_get_a_smile_without():
    vogt = Svi(-0.041, 0.1331, 0.306, 0.3586, 0.4153, 100.0, 1.0)
    k = 100.0 * np.exp(np.linspace(-1.2, 1.3, 31))
    middle = price76(100.0, k, 1.0, vogt.volatility(k), k >= 100) / 100.0
    (found,), free, _, _ = fit_smiles([Quotes(1.0, 100.0, k, k >= 100, middle * 0.99, middle * 1.01)])
    assert free
    assert butterfly_free(found)
    assert np.all(np.abs(found.volatility(k) - vogt.volatility(k)) < 0.04)


def test_a_stale_quote_does_not_bend_the_smile():
    good = quoted(LATE)
    bid, ask = good.bid.copy(), good.ask.copy()
    bid[8], ask[8] = bid[8] * 1.6, ask[8] * 1.6
    (found,), *_ = fit_smiles([good._replace(bid=bid, ask=ask)])
    others = np.arange(STRIKE.size) != 8
    assert np.all(np.abs(found.volatility(STRIKE) - LATE.volatility(STRIKE))[others] < 0.006)


def test_narrow_quotes_count_for_more_than_wide_ones():
    wide, other = quoted(LATE, 0.3), quoted(LATE._replace(a=0.024), 0.01)
    mixed = wide._replace(
        bid=np.where(np.arange(26) % 2, wide.bid, other.bid), ask=np.where(np.arange(26) % 2, wide.ask, other.ask)
    )
    (found,), *_ = fit_smiles([mixed])
    assert inside(other, found.volatility(STRIKE))[::2].all()


def test_the_same_quotes_give_the_same_smiles_in_any_order():
    first, again = fit_smiles([quoted(EARLY), quoted(LATE)]), fit_smiles([quoted(LATE), quoted(EARLY)])
    assert first == again


def test_derivatives_are_those_of_the_residuals():
    """All of them, by differences, at a point where every penalty bites."""
    asked = module._asked([module.band(quoted(LATE, years=0.2)), module.band(quoted(LATE._replace(a=0.012)))])
    x = asked.start + 0.2 * np.random.default_rng(3).normal(size=asked.start.size)
    x[1:3], x[6:8] = 2.0, 0.5
    value, by = module._residuals(x, asked, 7.0)
    count = [asked.quotes.k.size, x.size, asked.sampled.k.size, asked.pairs.k.size, 2]
    parts = np.split(np.arange(value.size), np.cumsum(count)[:-1])
    assert all(np.any(value[part] != 0) for part in parts)
    for j in range(x.size):
        step = np.zeros_like(x)
        step[j] = 1e-6
        slope = (module._residuals(x + step, asked, 7.0)[0] - module._residuals(x - step, asked, 7.0)[0]) / 2e-6
        assert np.all(np.abs(slope - by[:, j]) <= 1e-5 * (1 + np.abs(by).max(axis=1)))


@pytest.mark.parametrize(
    ("chain_", "message"),
    [
        ([], "expiries of different times above 0"),
        ([quoted(EARLY), quoted(EARLY)], "expiries of different times above 0"),
        ([quoted(EARLY)._replace(years=0.0)], "expiries of different times above 0"),
        (
            [quoted(EARLY)._replace(bid=np.full(26, np.nan))],
            "expiry of 0.1 years: 0 usable quotes, expected at least 3",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(chain_, message):
    with pytest.raises(PricingError, match=message):
        fit_smiles(chain_)
