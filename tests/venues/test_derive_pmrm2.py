"""Derive's second portfolio manager: the rules that few of its own cases notice, each by itself."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Purpose
from solvent.conformance import conform, read_vectors, run
from solvent.margin import assess_pool, liquidation_price
from solvent.margin.scenario import Haircut, Move, Scenario
from solvent.margin.scenario.report import steps
from solvent.rules import Path as Along
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.derive_pmrm1.rules import scenario_list
from solvent.venues.derive_pmrm2.rules import parameters, portfolio_rules
from solvent.venues.derive_srm.composing import with_parameters
from solvent.venues.parts import read_rules
from tests.venues.derive_accounts import POOL, account
from tests.venues.test_derive_pmrm1 import LEGS, PERPS

RULES = venue("derive_pmrm2")
VECTORS = Path(__file__).parent.parent / "vectors"
D = Decimal


def surplus(book, market, purpose=Purpose.MAINTAIN, rules=RULES):
    return assess_pool(book, market, rules, purpose, POOL).surplus


def test_the_vectors_pass_with_every_step():
    report = conform([VECTORS / "derive_pmrm2.json"])
    assert report.as_json()["failures"] == []
    assert report.as_json()["passed"] == 85


def test_each_of_the_steps_is_compared_within_a_hundred_millionth():
    """7,833 figures, none of them left out, and a step that is off turns its vector red."""
    vectors = read_vectors(VECTORS / "derive_pmrm2.json")
    assert sum(leaves(one.expected) for one in vectors) == 7_833
    limits = {tuple(sorted((name, D(limit)) for name, limit in one.tolerance.items())) for one in vectors}
    assert limits == {(("abs", D("1e-8")), ("rel", D("1e-8")))}
    assert not any(one.not_asserted for one in vectors)
    one = vectors[0]
    rows = [*one.expected["scenario_pnl"]]
    rows[5] = D(rows[5]) + D("1e-5") * max(1, abs(D(rows[5])))
    planted = replace(one, expected={**one.expected, "scenario_pnl": rows})
    (found,) = run([planted]).results
    assert [wrong.place for wrong in found.wrong] == ["scenario_pnl[5]"]


def leaves(value):
    """How many figures a result holds."""
    if isinstance(value, dict | list):
        return sum(leaves(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return int(value is not None)


@exact
def test_a_perpetual_by_hand():
    """Long 2 at 1500: the worst is the weighted tail at × 0.34 or × 0.8; only it is multiplied, contingencies added."""
    book, market = account(perp=(2, 1500, 1490))
    worst = max(D("0.2") * 3000, D("0.66") * 3000 * D("0.21"), D("0.33") * 3000 * D("0.42"))
    near = D("1e-9")
    assert abs(surplus(book, market) - (1020 - D("0.8") * worst - 90)) < near
    assert abs(surplus(book, market, Purpose.ADMIT) - (1020 - worst - 90 - 30)) < near


@exact
def test_contingencies_are_not_multiplied():
    given = {"options": [(-1, "call", 1500, 7, 0.6)], "stable": "0.9"}
    found = assess_pool(*account(**given), RULES, Purpose.ADMIT, POOL)
    lines = {one.kind: one.required for one in found.lines if one.required}
    assert lines["option_contingency"] == D("4.5")
    assert lines["initial_option_contingency"] == 3
    assert steps(*account(**given), RULES, POOL).factor == D("1.36")


def test_options_are_discounted_by_a_positive_rate_only():
    by_rate = {
        r: steps(*account(options=[(1, "call", 1000, 365, 0.5)], rate=r), RULES, POOL) for r in ("0", "0.1", "-1")
    }
    assert float(by_rate["0.1"].option_value) / float(by_rate["0"].option_value) == pytest.approx(2.718281828**-0.1)
    assert by_rate["-1"].option_value == by_rate["0"].option_value


def test_what_is_owed_grows_but_never_above_its_undiscounted_value():
    slow = steps(*account(options=[(-1, "call", 1000, 365, 0.5)], rate="0.01"), RULES, POOL)
    fast = steps(*account(options=[(-1, "call", 1000, 365, 0.5)], rate="0.9"), RULES, POOL)
    assert slow.static_discounts[0][1] == pytest.approx(2.718281828459045**0.01)
    assert fast.static_discounts[0][1] == pytest.approx(1.04 * 2.718281828459045 ** (0.9 * 0.5 + 0.08))


def test_the_static_discount_is_of_the_whole_expiry():
    """A long and a short of one expiry whose values cancel are discounted as nothing."""
    both = account(options=[(1, "call", 1500, 90, 0.6), (-1, "call", 1500, 90, 0.6)])
    found = steps(*both, RULES, POOL).figures
    assert abs(found.scanned.by_expiry).max() < 1e-9


@exact
def test_only_collateral_of_the_underlying_takes_part_in_the_scan():
    hedge = account(perp=(-2, 1500, 1500), coins=[("ETH", 2, 1500)])
    assert [one.name for one in steps(*hedge, RULES, POOL).figures.scanned.linear] == ["ETH-PERP", "ETH"]
    stable = account(perp=(-2, 1500, 1500), coins=[("USDT", 3000, 1)])
    assert [one.name for one in steps(*stable, RULES, POOL).figures.scanned.linear] == ["ETH-PERP"]
    assert steps(*stable, RULES, POOL).contingencies["collateral_contingency"] == -60
    assert surplus(*hedge) > surplus(*stable)


@exact
def test_collateral_is_valued_in_the_numeraire_before_its_haircut():
    found = steps(*account(coins=[("USDT", 3000, 1)], stable="0.75"), RULES, POOL)
    assert found.collateral_value == 4000
    assert found.contingencies["collateral_contingency"] == -80
    assert found.contingencies["initial_collateral_contingency"] == -120


@exact
def test_a_perpetuals_confidence_reaches_options_but_not_collateral():
    given = {"perp": (2, 1500, 1500), "coins": [("ETH", 1, 1500)], "options": [(3, "call", 1500, 7, 0.6)]}
    by_perp = steps(*account(**given, confidence={"ETH-PERP": "0.5"}), RULES, POOL)
    assert by_perp.contingencies["oracle"] == -D("0.5") * (2 + 3) * 1500
    by_coin = steps(*account(**{**given, "coins": [("USDT", 1500, 1)]}, confidence={"USDT": "0.5"}), RULES, POOL)
    assert by_coin.contingencies["oracle"] == -D("0.5") * 1500
    by_spot = steps(*account(**given, confidence={"ETH": "0.5"}), RULES, POOL)
    assert by_spot.contingencies["oracle"] == -D("0.5") * (2 + 3 + 1) * 1500
    edge = steps(*account(**given, confidence={"ETH": "0.55"}), RULES, POOL)
    assert edge.contingencies["oracle"] == 0


def test_shocks_of_the_smile_never_net_over_expiries():
    calendar = account(options=[(-3, "call", 1900, 20, 0.6), (3, "call", 1900, 60, 0.6)])
    found = steps(*calendar, RULES, POOL).figures.scanned
    for row, one in enumerate(found.scenarios):
        if one.family == "skew":
            assert found.profit[row] == pytest.approx(-abs(found.by_expiry[row]).sum())
            assert abs(found.by_expiry[row]).min() > 0


def test_weights_scale_the_tails():
    found = steps(*account(perp=(1, 1500, 1500)), RULES, POOL).figures.scanned
    tails = [(one.spot, one.weight, p) for one, p in zip(found.scenarios, found.profit, strict=True) if one.weight != 1]
    assert len(tails) == 8
    assert all(p == pytest.approx(weight * 1500 * (spot - 1)) for spot, weight, p in tails)


def test_a_shock_of_the_smile_leaves_the_spot_alone_and_forty_scenarios_are_the_most():
    data = read_rules("derive_pmrm2")
    moved = (Scenario("x", 1.1, Move.SKEW_LINEAR),)
    with pytest.raises(RulesError, match=r"leaves the spot alone, not × 1\.1"):
        portfolio_rules(data, moved, {}, {})
    with pytest.raises(RulesError, match="at most 40 scenarios, not 41"):
        portfolio_rules(data, scenario_list([[1, ["up"]]] * 41), {}, {})
    assert len(portfolio_rules(data, scenario_list([[1, ["up"]]] * 40), {}, {}).scenarios) == 40


def test_the_basis_can_be_the_worst():
    """Long near, short far, one strike: the spot nets, the forwards do not."""
    given = account(options=[(20, "call", 1500, 2, 0.6), (-20, "call", 1500, 700, 0.6)], perp=(4, 1500, 1500))
    found = steps(*given, RULES, POOL)
    assert float(found.basis) < 0
    own = replace(parameters(), scenarios=(Scenario("still", 1.0),))
    alone = assess_pool(*given, with_parameters(RULES, own), Purpose.MAINTAIN, POOL)
    assert alone.binding.subject == "basis"


@settings(max_examples=20, deadline=None)
@given(LEGS, PERPS, st.sampled_from(["1", "0.95"]))
@example([(-1, "call", 1500, 7, 0.8)], (-3, 1500, 1480), "0.95")
def test_initial_margin_is_stricter_than_maintenance(legs, perp, stable):
    """L-07: WITHDRAW = ADMIT = FILL ≤ MAINTAIN, and RECOVER ≤ MAINTAIN."""
    book, market = account(options=legs, perp=perp, stable=stable, coins=[("ETH", "0.5", 1500)])
    found = {purpose: surplus(book, market, purpose) for purpose in Purpose}
    assert found[Purpose.WITHDRAW] == found[Purpose.ADMIT] == found[Purpose.FILL] <= found[Purpose.MAINTAIN]
    assert found[Purpose.RECOVER] <= found[Purpose.MAINTAIN]


@settings(max_examples=20, deadline=None)
@given(LEGS, PERPS)
@example([(-5, "call", 1200, 1, 1.3)], None)
def test_a_stable_collateral_lowers_no_surplus_and_a_larger_haircut_raises_none(legs, perp):
    """L-11 for cash and collateral outside the scan, where prices are sure."""
    poor = account(options=legs, perp=perp)
    rich = account(options=legs, perp=perp, coins=[("USDT", 500, 1)])
    harsher = with_parameters(RULES, replace(parameters(), collateral={"USDT": Haircut(D("0.5"), D("0.3"))}))
    for purpose in Purpose:
        assert surplus(*poor, purpose) <= surplus(*rich, purpose)
        assert surplus(*rich, purpose, harsher) <= surplus(*rich, purpose)


@exact
def test_the_liquidation_price_of_a_perpetual_is_a_tick_in_breach_beside_one_that_is_not():
    """L-13, along the perpetual's own mark."""
    book, market = account(cash="400", perp=(2, 1500, 1500))
    found = liquidation_price(book, market, RULES, POOL, "ETH-PERP", Along.INSTRUMENT)
    assert found.solved is not None
    key = next(k for k in market.prices if k.subject == "ETH-PERP")
    tick = book.instruments["ETH-PERP"].tick_size
    at = tick * found.ticks
    assert surplus(book, market.with_prices({key: at})) < 0 <= surplus(book, market.with_prices({key: at + tick}))
