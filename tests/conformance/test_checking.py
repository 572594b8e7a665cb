"""Third parties' checks: every rule set here passes them, and each contradiction is found and named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from solvent.book import Method, Mode, Purpose
from solvent.conformance import check_margin_model, check_rules
from solvent.margin.assess import tiered
from solvent.rules import Form, Threshold
from solvent.samples import two_positions
from solvent.units import ONE
from solvent.venues import names, venue

GENERIC = venue("generic")


@pytest.mark.parametrize("name", names())
def test_no_rule_set_contradicts_itself(name):
    assert check_rules(venue(name)) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sources": ()}, "no source"),
        ({"profit": {}}, "how unrealised profit counts is missing at MAINTAIN"),
        ({"forms": {Purpose.MAINTAIN: Form.NESTED}}, "declared form is missing at FILL"),
        ({"modes": {Mode.CROSS: GENERIC.modes[Mode.CROSS]}}, "margin modes"),
        ({"thresholds": (Threshold("x", Purpose.MAINTAIN, -ONE, inclusive=True),)}, "at least 0"),
        ({"capabilities": replace(GENERIC.capabilities, account_classes=frozenset({"x"}))}, "account classes"),
        ({"models": {Method.TIERED: object()}, "forms": dict.fromkeys(Purpose, Form.NESTED)}, "model of their own"),
    ],
)  # fmt: skip
def test_each_contradiction_is_named(wrong, said):
    assert any(said in finding for finding in check_rules(replace(GENERIC, **wrong)))


@dataclass(frozen=True)
class Skewed:
    """A margin model with one fault."""

    fault: str

    def assess(self, book, market, rules, purpose, holding):
        plain = replace(rules, models={})
        found = tiered(book, market, plain, purpose, holding)
        if self.fault == "sum":
            return replace(found, required=found.required + 1, low=found.low - 1, high=found.high - 1)
        if self.fault == "order" and purpose is Purpose.WITHDRAW:
            return tiered(book, market, plain, Purpose.MAINTAIN, holding)
        if self.fault == "greed":
            cash = Decimal(holding.cash["USDT"])
            return replace(
                found, low=found.low - cash, high=found.high - cash, margin_equity=found.margin_equity - cash
            )
        return found


@pytest.mark.parametrize(("fault", "law"), [("sum", "L-19"), ("order", "L-07"), ("greed", "L-11"), ("none", "")])
def test_a_model_that_breaks_a_law_is_caught(fault, law):
    wrong = replace(GENERIC, models={Method.TIERED: Skewed(fault)}, forms=dict.fromkeys(Purpose, Form.RING1))
    findings = check_margin_model(wrong, [two_positions()])
    assert any(one.startswith(law) for one in findings) if law else findings == []


def test_only_claimed_laws_are_judged():
    wrong = replace(GENERIC, models={Method.TIERED: Skewed("order")})
    assert check_margin_model(wrong, [two_positions()], ["L-19", "L-13"]) == []
