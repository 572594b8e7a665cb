"""Proofs of no arbitrage: what is proved is true wherever one looks, and what sampling misses is not proved."""

from __future__ import annotations

import numpy as np
import pytest

from solvent.pricing import Svi, butterfly_free, butterfly_proved, calendar_free, calendar_proved

GOOD = Svi(0.04, 0.1, -0.3, 0.02, 0.2, 100.0, 0.5)
VOGT = Svi(-0.041, 0.1331, 0.306, 0.3586, 0.4153, 100.0, 1.0)
EVERYWHERE = np.concatenate([-np.geomspace(1e-6, 1e5, 4_000)[::-1], np.geomspace(1e-6, 1e5, 4_000)])
RANDOM = np.random.default_rng(17)


def drawn():
    b, rho, sigma = RANDOM.uniform(0.01, 1.2), RANDOM.uniform(-0.95, 0.95), np.exp(RANDOM.uniform(-4, 0.5))
    least = np.exp(RANDOM.uniform(-7, -1))
    return Svi(least - b * sigma * np.sqrt(1 - rho * rho), b, rho, RANDOM.normal() * 0.2, sigma, 100.0, 0.5)


def test_a_smile_is_proved_where_it_is_free_and_only_there():
    proved = free = 0
    for one in [drawn() for _ in range(120)]:
        g = one.durrleman(EVERYWHERE)
        truly = bool(np.all(g > 0)) and one.b * (1 + abs(one.rho)) < 2
        if butterfly_proved(one):
            assert truly
            proved += 1
        free += truly and float(g.min()) > 1e-4
    assert 20 < free <= proved < 110


def test_the_example_of_vogt_is_not_proved_and_a_raised_one_is():
    assert not butterfly_proved(VOGT)
    assert butterfly_proved(VOGT._replace(a=0.0))


def test_a_wing_too_steep_is_seen_beyond_the_samples():
    """Variance above 2|k| far out: the density is negative from k = 4.36 on, and at no sample."""
    steep = Svi(1.0, 2.02, 0.0, 0.0, 1.0, 100.0, 1.0)
    assert steep.durrleman(4.5) < 0 < steep.durrleman(4.0)
    assert butterfly_free(steep)
    assert not butterfly_proved(steep)
    assert butterfly_proved(steep._replace(b=1.9))
    lopsided = Svi(0.5, 1.08, 0.9, 0.0, 1.0, 100.0, 1.0)
    assert butterfly_free(lopsided)
    assert not butterfly_proved(lopsided)
    assert not butterfly_proved(lopsided._replace(rho=-0.9))
    assert butterfly_proved(lopsided._replace(b=0.9))


@pytest.mark.parametrize("wrong", [{"a": -0.1}, {"b": -0.1}, {"sigma": 0.0}, {"rho": 1.0}])
def test_what_is_no_smile_is_not_proved(wrong):
    assert not butterfly_proved(GOOD._replace(**wrong))


def test_a_calendar_is_proved_where_variance_rises_and_only_there():
    proved = rising = 0
    for early in [drawn() for _ in range(120)]:
        late = early._replace(years=1.0, a=early.a + RANDOM.uniform(-0.02, 0.1), b=early.b * RANDOM.uniform(0.95, 1.3),
                              rho=np.clip(early.rho + RANDOM.normal() * 0.03, -0.95, 0.95))  # fmt: skip
        rise = late.variance(EVERYWHERE) - early.variance(EVERYWHERE)
        if calendar_proved([late, early]):
            assert np.all(rise > 0)
            proved += 1
        rising += bool(np.all(rise > 1e-6))
    assert 12 < rising <= proved < 110


@pytest.mark.parametrize("side", [1, -1])
def test_smiles_that_cross_in_the_tail_are_seen_beyond_the_samples(side):
    early = GOOD._replace(rho=side * 0.3)
    late = early._replace(years=1.0, a=0.06, rho=side * 0.29)
    assert calendar_free([early, late])
    assert not calendar_proved([early, late])
    assert calendar_proved([early, late._replace(b=0.105)])


@pytest.mark.parametrize("side", [1, -1])
def test_smiles_whose_centre_is_far_out_are_seen_there(side):
    """Equal slopes, and the later centre farther out by more than the later smile is higher."""
    early = Svi(0.04, 0.1, 0.0, side * 3.0, 0.5, 100.0, 0.5)
    late = early._replace(years=1.0, a=0.06, m=side * 3.3)
    assert calendar_free([early, late])
    assert not calendar_proved([early, late])
    assert calendar_proved([early, late._replace(a=0.08)])


def test_every_pair_of_neighbours_is_looked_at():
    slices = [GOOD._replace(years=t, a=0.04 + 0.02 * t) for t in (0.5, 1.0, 1.5)]
    assert calendar_proved(slices)
    assert not calendar_proved([slices[0], slices[1], slices[2]._replace(a=0.05)])
    assert not calendar_proved([slices[0]._replace(a=0.07), slices[1], slices[2]])
