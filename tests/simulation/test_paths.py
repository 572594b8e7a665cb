"""Every path keeps its bar's four prices; draws are the same everywhere and have the distributions they claim."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.simulation.datasets import DatasetError, load, names
from solvent.simulation.paths import MOST_RANGE, _inside, bridge, minute_marks, place_extremes
from solvent.simulation.randomness import RandomnessError, Stream, power_of_two

ALL = [load(name) for name in names()]


def assert_pinned(marks, opening, high, low, close, minutes):
    paths = marks.reshape(len(opening), minutes, opening.shape[1])
    assert (paths[:, 0] == opening).all()
    assert (paths[:, -1] == close).all()
    assert (paths.max(axis=1) == high).all()
    assert (paths.min(axis=1) == low).all()


@pytest.mark.parametrize("seed", [0, 7, 2**70])
@pytest.mark.parametrize("window", ALL, ids=names())
def test_every_bar_of_every_window_keeps_its_four_prices(window, seed):
    marks = minute_marks(window, seed)
    assert marks.dtype == np.int64
    assert marks.shape == (window.minutes, len(window.listings))
    low, high = window.mark_range()
    assert_pinned(marks, window.open_ticks, high, low, window.close_ticks, window.interval_minutes)


@st.composite
def random_bars(draw):
    bars, instruments = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    top = draw(st.sampled_from([2, 5, 1_000, 10**6, MOST_RANGE - 1]))
    size = bars * instruments
    four = draw(st.lists(st.lists(st.integers(1, top), min_size=4, max_size=4), min_size=size, max_size=size))
    ordered = [[min(prices), max(prices), *prices] for prices in four]
    table = np.array(ordered, dtype=np.int64).reshape(bars, instruments, 6)
    at = draw(st.permutations([2, 3, 4, 5]))
    return table[..., at[0]], table[..., 1], table[..., 0], table[..., at[1]]


@given(random_bars(), st.integers(4, 61), st.integers(0, 2**32))
def test_every_random_bar_keeps_its_four_prices(bars, minutes, seed):
    assert_pinned(bridge(*bars, minutes=minutes, seed=seed), *bars, minutes)


@given(random_bars(), st.integers(4, 61))
def test_extremes_are_met_at_two_different_minutes_of_the_bar(bars, minutes):
    pins = place_extremes(*bars, minutes, Stream(1, "x"))
    assert (pins.first_minute >= 0).all()
    assert (pins.first_minute < pins.second_minute).all()
    assert (pins.second_minute <= minutes - 1).all()
    assert ((pins.first_minute > 0) | (pins.first_ticks == bars[0])).all()
    assert ((pins.second_minute < minutes - 1) | (pins.second_ticks == bars[3])).all()


def test_a_gap_between_close_and_open_is_one_step():
    may = load("may-2021")
    marks = minute_marks(may, 7)
    steps = marks[may.interval_minutes :: may.interval_minutes] - marks[may.interval_minutes - 1 : -1 : 60]
    gaps = may.open_ticks[1:] - may.close_ticks[:-1]
    assert (steps == gaps).all()
    assert gaps.any()


def test_a_mark_does_not_follow_the_march_wick():
    march = load("mar-2020")
    eth = march.symbols.index("ETHUSDT")
    marks = minute_marks(march, 7)[50 * 60 : 51 * 60, eth]
    assert int(marks.max()) == 12_462
    assert int(march.high_ticks[50, eth]) == 32_300
    assert int(marks.min()) == int(march.low_ticks[50, eth])


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("mar-2020", "0a2db8f8a7f1d080"),
        ("may-2021", "9f53d0ad9844c8f6"),
        ("oct-2025", "f4176865ce1d5664"),
    ],
)
def test_a_seed_means_these_marks_on_every_machine(name, digest):
    marks = minute_marks(load(name), 7)
    assert hashlib.sha256(marks.astype("<i8").tobytes()).hexdigest()[:16] == digest
    assert (minute_marks(load(name), 8) != marks).any()


def test_instruments_fall_together_inside_a_bar():
    october = load("oct-2025")
    marks = minute_marks(october, 7)
    minutes = marks[90 * 30 : 91 * 30].argmin(axis=0)  # 10 October 2025, 21:00 to 21:30 UTC
    common = np.bincount(minutes, minlength=30)
    assert max(common[m : m + 5].sum() for m in range(26)) > 24  # more than half of 48 within five minutes
    steps = np.diff(marks.astype(np.float64), axis=0)
    pairs = np.corrcoef(steps.T)[np.triu_indices(48, 1)]
    assert np.median(pairs) > 0.35


def test_a_falling_bar_meets_its_high_first_more_often():
    shape = (4_000, 1)
    high, low = np.full(shape, 200), np.full(shape, 100)
    falling = place_extremes(np.full(shape, 190), high, low, np.full(shape, 110), 60, Stream(7, "x"))
    rising = place_extremes(np.full(shape, 110), high, low, np.full(shape, 190), 60, Stream(7, "x"))
    assert 0.83 < (falling.first_ticks == 200).mean() < 0.89  # 1/2 + 0.45 x 80/100 = 0.86
    assert 0.11 < (rising.first_ticks == 200).mean() < 0.17


def test_a_path_moves_about_as_much_as_its_bar_says():
    shape = (400, 1)
    bars = [np.full(shape, n) for n in (100_000, 110_000, 90_000, 100_000)]
    steps = np.diff(bridge(*bars, minutes=60, seed=3).reshape(400, 60), axis=1)
    expected = 20_000 / (1.5958 * 60**0.5)
    assert 1.1 < steps.std() / expected < 1.25  # a little above one: the way to the extremes comes on top


def test_what_leaves_the_range_is_reflected_and_at_last_cut_off():
    path = np.array([100, 101, 110, 111, 125, 99, 96, 70, 145])
    inside = _inside(path, np.int64(100), np.int64(110))
    assert inside.tolist() == [100, 101, 110, 109, 105, 101, 104, 110, 110]  # 145 is reflected to 75, to 125, and cut


def test_bars_too_short_or_too_wide_are_refused():
    bar = [np.array([[n]]) for n in (2, 3, 1, 2)]
    with pytest.raises(DatasetError, match="at least 4 minutes, not 3"):
        bridge(*bar, minutes=3, seed=1)
    assert len(bridge(*bar, minutes=4, seed=1)) == 4
    bar[1] = np.array([[MOST_RANGE + 1]])
    with pytest.raises(DatasetError, match="range must be below"):
        bridge(*bar, minutes=4, seed=1)


def test_the_words_of_a_name_and_seed_are_these():
    words = [16346585833105497926, 12444922907236462678, 904618661659565365]
    assert Stream(7, "golden").bits(3).tolist() == words
    stream = Stream(7, "golden")
    assert [*stream.bits(1).tolist(), *stream.bits(2).tolist()] == words


def test_streams_are_independent_by_name_and_seed():
    draws = {s: tuple(Stream(*s).integers(0, 2**62, 4).tolist()) for s in [(1, "a"), (1, "b"), (2, "a"), (-1, "a")]}
    assert len(set(draws.values())) == 4
    parent = Stream(1, "a")
    parent.child("b").bits(100)
    assert tuple(parent.integers(0, 2**62, 4).tolist()) == draws[1, "a"]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**62), st.integers(0, 50))
def test_whole_numbers_stay_in_their_range(low, span, count):
    high = min(low + span, 2**63)
    draws = Stream(5, "range").integers(low, high, count).tolist()
    assert len(draws) == count
    assert all(low <= draw < high for draw in draws)


def test_whole_numbers_are_even():
    counts = np.bincount(Stream(5, "even").integers(0, 7, 70_000), minlength=7)
    assert counts.min() > 9_600
    assert counts.max() < 10_400


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 2), (0, 2**62 + 1)])
def test_empty_or_too_wide_ranges_are_refused(low, high):
    with pytest.raises(RandomnessError, match="low < high"):
        Stream(1, "r").integers(low, high, 1)


def test_normal_draws_have_the_moments_and_tails_of_the_normal():
    draws = Stream(5, "normal").normal_ppm(400_000) / 1e6
    assert abs(draws.mean()) < 0.006
    assert abs(draws.std() - 1) < 0.005
    assert abs((draws**4).mean() - 3) < 0.08
    assert 0.00085 < (np.abs(draws) > 3.2905).mean() < 0.00115  # 1 in 1,000
    assert np.abs(draws).max() < 4.77


def test_uniform_chance_and_pick_have_their_frequencies():
    uniform = Stream(5, "u").uniform(50_000)
    assert 0 <= uniform.min() < uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.005
    assert abs(Stream(5, "c").chance(250_000, 50_000).mean() - 0.25) < 0.008
    picks = np.bincount(Stream(5, "p").pick([1, 0, 3], 40_000))
    assert picks[1] == 0
    assert abs(picks[2] / 40_000 - 0.75) < 0.01
    assert not Stream(5, "c").chance(0, 100).any()


def test_a_chance_is_of_the_draws_below_it():
    draw = Stream(5, "c").integer(0, 1_000_000)
    assert not Stream(5, "c").chance(draw, 1)[0]
    assert Stream(5, "c").chance(draw + 1, 1)[0]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 5]])
def test_weights_that_cannot_be_are_refused(weights):
    with pytest.raises(RandomnessError, match="weights of stream p"):
        Stream(1, "p").pick(weights, 1)


def test_lognormal_draws_have_their_median_and_spread():
    draws = Stream(5, "l").lognormal(10**6, 1_500_000, 100_000)
    logs = np.log(draws)
    assert abs(np.median(draws) / 1e6 - 1) < 0.02
    assert abs(logs.std() - 1.5) < 0.02
    assert abs(((logs - logs.mean()) ** 3).mean()) < 0.15


@given(st.integers(-40_000_000, 30_000_000), st.integers(1, 2**30))
def test_powers_of_two_are_those_of_the_real_numbers(exponent_ppm, factor):
    exact = factor * 2 ** (exponent_ppm / 1e6)
    assert abs(int(power_of_two(np.array([exponent_ppm]), factor)[0]) - exact) <= 1 + exact * 1e-6


def test_a_power_that_would_overflow_is_refused():
    with pytest.raises(RandomnessError, match="leaves 62 bits"):
        power_of_two(np.array([32_000_000]), 2**30)
    with pytest.raises(RandomnessError, match="factor must be 1 to"):
        power_of_two(np.array([0]), 0)


def test_an_order_is_a_permutation():
    assert sorted(Stream(5, "o").order(100).tolist()) == list(range(100))
