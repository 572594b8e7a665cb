"""Tests of exceptions against published figures, zones exactly, and tools against procyclicality."""

import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from solvent.conformance import Outcome, conform
from solvent.research.validate import (
    Transitions,
    backtest,
    buffered,
    christoffersen,
    conditional_coverage,
    exceptions,
    floored,
    kupiec,
    offset_limited,
    procyclicality,
    stress_weighted,
    traffic_light,
    transitions,
    zone_starts,
)
from solvent.rules import RulesError

D = Decimal
VECTORS = Path(__file__).parent.parent / "vectors" / "backtest.json"


def test_every_vector_passes():
    report = conform([VECTORS])
    assert report.as_json()["failures"] == []
    assert len(report.of(Outcome.PASSED)) == 11


def test_a_loss_equal_to_the_margin_is_no_exception():
    assert exceptions([D(5), D(5)], [D(5), D("4.99")]) == (False, True)
    with pytest.raises(RulesError, match="2 losses and 1 margins"):
        exceptions([D(1), D(1)], [D(1)])


def test_transitions_name_the_earlier_day_first():
    assert transitions([True, False, False, True, True]) == Transitions(n00=1, n10=1, n01=1, n11=1)
    assert transitions([True, False]) == Transitions(0, 1, 0, 0)


def test_nothing_times_the_logarithm_of_nothing_is_nothing():
    assert kupiec(100, 0, D("0.01")).ratio == pytest.approx(-200 * math.log(0.99))
    assert kupiec(3, 3, D("0.5")).ratio == pytest.approx(6 * math.log(2))
    assert christoffersen(Transitions(10, 0, 0, 0)).ratio == 0
    assert christoffersen(Transitions(95, 2, 2, 0)).ratio > 0


def test_what_is_expected_exactly_is_not_rejected_and_its_critical_values_are_known():
    found = kupiec(100, 5, D("0.05"))
    assert (found.ratio, found.probability) == (0.0, 1.0)
    assert found.critical == pytest.approx(3.841458820694124)
    assert conditional_coverage(100, 5, D("0.05"), Transitions(90, 4, 4, 1)).critical == pytest.approx(
        5.991464547107979
    )


def test_zones_start_where_the_exact_probability_reaches_the_line():
    """At 20 days and 5% eight exceptions are the first beyond 99.99%."""
    for periods, rate in ((20, D("0.05")), (250, D("0.01")), (500, D("0.005"))):
        starts = zone_starts(periods, rate)
        share = Fraction(rate)
        reached = [
            sum(math.comb(periods, k) * share**k * (1 - share) ** (periods - k) for k in range(x + 1))
            for x in range(20)
        ]
        assert starts.yellow == next(x for x, p in enumerate(reached) if p >= Fraction(95, 100))
        assert starts.red == next(x for x, p in enumerate(reached) if p >= Fraction(9999, 10_000))
        assert traffic_light(periods, rate, starts.yellow - 1).zone == "green"
        assert traffic_light(periods, rate, starts.yellow).zone == "yellow"
        assert traffic_light(periods, rate, starts.red - 1).zone == "yellow"
        assert traffic_light(periods, rate, starts.red).zone == "red"


def test_basels_plus_factors_are_for_250_days_at_one_percent():
    plus = [traffic_light(250, D("0.01"), x).plus for x in (0, 4, 5, 6, 7, 8, 9, 10, 30)]
    assert plus == [D(0), D(0), *map(D, ("0.40", "0.50", "0.65", "0.75", "0.85", "1.00", "1.00"))]
    assert traffic_light(500, D("0.01"), 30).plus is None


def test_a_backtest_of_a_margin_that_is_too_low():
    losses = [D(3) if day % 10 < 2 else D(1) for day in range(250)]
    found = backtest(losses, [D(2)] * 250, D("0.01"))
    assert (found.periods, len(found.breaches), found.light.zone) == (250, 50, "red")
    assert found.kupiec.probability < 1e-6
    assert found.coverage.ratio == pytest.approx(found.kupiec.ratio + found.independence.ratio)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: kupiec(10, 11, D("0.1")), "11 in 10 periods"),
        (lambda: kupiec(0, 0, D("0.1")), "of one at least"),
        (lambda: kupiec(10, 1, D(1)), "between 0 and 1"),
        (lambda: christoffersen(Transitions(0, 0, 0, 0)), "one at least is positive"),
        (lambda: backtest([D(1)], [D(1)], D("0.1")), "two at least"),
        (lambda: procyclicality([]), "positive margins"),
        (lambda: procyclicality([D(1), D(0)]), "positive margins"),
        (lambda: stress_weighted([D(1)], D(1), D("1.1")), "from 0 to 1"),
    ],
)
def test_what_cannot_be_tested_is_refused(wrong, message):
    with pytest.raises(RulesError, match=message):
        wrong()


def test_the_buffer_is_used_up_while_margins_rise_and_comes_back_while_they_fall():
    raw = [D(100), D(110), D(125), D(126), D(90), D(80)]
    assert buffered(raw) == (D(125), D(125), D(125), D(126), D("112.5"), D(100))
    assert all(low <= high for low, high in zip(raw, buffered(raw), strict=True))


def test_the_other_tools():
    assert stress_weighted([D(100), D(200)], D(400)) == (D(175), D(250))
    assert floored([D(100), D(60)], D(75)) == (D(100), D(75))
    assert offset_limited([D(60), D(60)], D(10)) == 32
    assert offset_limited([D(60), D(60)], D(40)) == 56


def test_tools_lower_the_figures_of_procyclicality():
    raw = [D(100), D(80), D(160), D(200), D(90)]
    before = procyclicality(raw, periods=2)
    assert before == (2.5, 1.5)
    for damped in (buffered(raw), stress_weighted(raw, D(200)), floored(raw, D(120))):
        after = procyclicality(damped, periods=2)
        assert after.peak_to_trough < before.peak_to_trough
        assert after.largest_rise < before.largest_rise
