"""The row of option formulas: with a stand-in peer, without one, and with one that disagrees."""

from __future__ import annotations

import math
import types

import pytest

from solvent.bench import greeks
from solvent.pricing import black76, many


class Calculator:
    """What the row asks of QuantLib's calculator, by our own readable formulas."""

    def __init__(self, payoff, forward, spread, discount):
        self.kind, self.strike = payoff
        self.found = black76(forward, self.strike, 1.0, spread, self.kind == "call", discount)

    def value(self):
        return float(self.found.price)

    def deltaForward(self):  # noqa: N802
        return float(self.found.delta)

    def gammaForward(self):  # noqa: N802
        return float(self.found.gamma)

    def vega(self, years):
        return 100 * float(self.found.vega) * math.sqrt(years)

    def theta(self, forward, years):
        return forward * years


@pytest.fixture
def library(monkeypatch):
    option = types.SimpleNamespace(Call="call", Put="put")
    made = types.SimpleNamespace(
        __version__="0",
        Option=option,
        PlainVanillaPayoff=lambda kind, strike: (kind, strike),
        BlackCalculator=Calculator,
    )
    monkeypatch.setattr(greeks, "installed", lambda name: (made, "") if name == "QuantLib" else (None, name))
    monkeypatch.setattr(greeks, "Requoted", lambda _ql, given: lambda: greeks.calculated(made, given))
    monkeypatch.setattr(greeks, "MANY_RUNS", 3)
    monkeypatch.setattr(greeks, "FEWER", 20)
    monkeypatch.setattr(greeks, "SMALL", 64)
    monkeypatch.setattr(greeks, "RUN", 128)
    return made


def test_the_row_is_the_ratio_to_the_peer(library):
    row = greeks.measure()
    assert (row["name"], row["unit"], row["options"], row["runs"]) == ("greeks", "options/s", 64, 3)
    assert row["baseline_is"].startswith("QuantLib 0 through Python: ")
    assert row["ratio"] == pytest.approx(row["value"] / row["baseline"])
    assert row["ratio"] > 1


def test_a_missing_peer_is_said_to_be_missing(library, monkeypatch):
    monkeypatch.setattr(greeks, "installed", lambda _name: (None, "not installed"))
    row = greeks.measure()
    assert row["baseline_is"] == "QuantLib, not installed"
    assert row["ratio"] == 1


def test_what_does_not_say_the_same_is_not_compared(library):
    given = greeks.options(20)
    theirs = greeks.calculated(library, given)
    greeks.agree(many(*given), theirs)
    for column, name in enumerate(("price", "delta", "gamma", "vega")):
        wrong = [tuple(x * (1.01 if j == column else 1) for j, x in enumerate(one)) for one in theirs]
        with pytest.raises(RuntimeError, match=f"{name} of option"):
            greeks.agree(many(*given), wrong)
