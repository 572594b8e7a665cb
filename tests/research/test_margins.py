"""Margins day by day: quantiles by hand, nothing from the future, zones, and the tables of the page as they are."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from solvent.research.margins import amounts, constant, coverage, expected_volatility, filtered, historical, zones
from solvent.research.measured import MODELS, books, by_tool, losses_of
from solvent.rules import RulesError
from tests.research.test_capital import program

D = Decimal
PAGE = Path(__file__).parent.parent.parent / "docs" / "validation.md"


def test_a_historical_margin_is_the_loss_that_a_share_of_days_exceeds():
    losses = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 0.0, 0.0])
    assert historical(losses, 10, D("0.1")) == (D("9.00"), D("9.00"))
    assert historical(losses, 10, D("0.2")) == (D("8.00"), D("8.00"))
    assert historical(losses, 10, D("0.05")) == (D("10.00"), D("10.00"))


def test_a_margin_is_at_least_a_cent_and_rounded_up():
    assert historical(np.array([-1.0, -2.0, -1.0, 5.0]), 3) == (D("0.01"),)
    assert historical(np.array([1.001, 0.5, 0.2, 5.0]), 3) == (D("1.01"),)


@pytest.mark.parametrize("model", [historical, filtered])
def test_no_margin_knows_its_own_day_or_a_later_one(model):
    losses = np.sin(np.arange(60.0)) + 2
    changed = losses.copy()
    changed[50:] = 1000.0
    before, after = model(losses, 20), model(changed, 20)
    assert before[:31] == after[:31]  # margins of days 20 to 50; day 50's is made on the days before it
    assert before[31:] != after[31:]


def test_filtering_scales_by_the_volatility_expected_now():
    """Losses that double from one day on: the margin follows as the weights forget, at once in part."""
    calm = np.tile([1.0, -1.0], 100)
    losses = np.concatenate([calm, 2 * calm])
    margins = filtered(losses, 50, D("0.02"))
    start = 200 - 50
    assert float(margins[start]) == pytest.approx(1.0)
    assert float(margins[start + 1]) > 1.0
    assert float(margins[-1]) == pytest.approx(2.0, rel=0.05)
    assert expected_volatility(losses)[201] == pytest.approx(math.sqrt(0.97 + 0.03 * 4))
    assert expected_volatility(losses)[0] == pytest.approx(1.0)


def test_zones_count_whole_blocks():
    assert zones([False] * 249) == (0, 0, 0)
    assert zones([True] * 9 + [False] * 241 + [True] * 10 + [False] * 240 + [True] * 100) == (0, 1, 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: historical(np.ones(5), 5), "fewer than the 5 days"),
        (lambda: historical(np.ones(5), 1), "window: got 1"),
        (lambda: filtered(np.zeros(5), 2), "not all zero"),
        (lambda: coverage([D(1)], [D(1)]), "got 1 days"),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong, words):
    with pytest.raises(RulesError, match=words):
        wrong()


def test_a_rule_is_the_same_every_day_and_amounts_are_in_cents():
    assert constant(D(5), 3) == (D(5),) * 3
    assert amounts(np.array([0.014, -0.016])) == (D("0.01"), D("-0.02"))


def test_a_long_and_a_short_lose_what_the_other_gains():
    found = books()
    assert losses_of(*found["long"]).tolist() == pytest.approx((-losses_of(*found["short"])).tolist())
    assert len(MODELS) == 4


def test_each_tool_lowers_the_figures_of_procyclicality_and_costs_margin():
    plain, *tools = by_tool()
    for one in tools:
        assert one.found.moves[0].peak_to_trough < plain.found.moves[0].peak_to_trough
        assert one.found.moves[1].largest_rise < plain.found.moves[1].largest_rise
        assert one.found.mean > plain.found.mean
        assert one.found.breaches <= plain.found.breaches


def test_the_page_prints_these_tables():
    text = PAGE.read_text(encoding="utf-8")
    for table in program("validation").tables():
        assert table in text
