"""Derive's first portfolio manager: contingencies inside the factor, and where its verdicts flip."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Mode, Purpose
from solvent.conformance import conform
from solvent.margin import assess_pool
from solvent.margin.scenario import Haircut
from solvent.margin.scenario.report import steps
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.derive_pmrm1.rules import parameters
from solvent.venues.derive_srm.composing import with_parameters
from tests.venues.derive_accounts import POOL, account

NAME = "derive_pmrm1"
RULES = venue(NAME)
SUITE = with_parameters(RULES, parameters("suite"))
VECTORS = Path(__file__).parent.parent / "vectors"
D = Decimal
LEGS = st.lists(
    st.tuples(
        st.integers(-5, 5).filter(bool),
        st.sampled_from(["call", "put"]),
        st.integers(12, 19).map(lambda k: 100 * k),
        st.sampled_from([1, 7, 45]),
        st.sampled_from([0.4, 0.8, 1.3]),
    ),
    max_size=5,
)
PERPS = st.one_of(st.none(), st.integers(-4, 4).filter(bool).map(lambda n: (n, 1500, 1480)))


def surplus(book, market, purpose=Purpose.MAINTAIN, rules=RULES):
    return assess_pool(book, market, rules, purpose, POOL).surplus


def test_the_vectors_pass():
    report = conform([VECTORS / "derive_pmrm1.json"])
    assert report.as_json()["failures"] == []
    assert report.as_json()["passed"] == 47


@exact
def test_a_perpetual_by_hand():
    """Long 2 at 1500, entered at 1490: the worst spot is −20 %; 3 % of the value on top, both × 1.25 at initial."""
    book, market = account(perp=(2, 1500, 1490))
    near = D("1e-9")
    assert abs(surplus(book, market) - (1000 + 20 - 600 - 90)) < near
    assert abs(surplus(book, market, Purpose.ADMIT) - (1020 - D("1.25") * 690)) < near
    assert abs(surplus(book, market, Purpose.RECOVER) - (1020 - D("1.15") * 690)) < near


@exact
def test_the_underlyings_coin_offsets_a_short_perpetual_and_other_coins_count_nothing():
    hedged = account(perp=(-2, 1500, 1500), coins=[("ETH", 2, 1500)])
    found = assess_pool(*hedged, RULES, Purpose.MAINTAIN, POOL)
    assert abs(found.required - 2 * D("0.03") * 3000) < D("1e-9")
    other = assess_pool(*account(coins=[("BTC", 1, 30000), ("ETH", 1, 1500)], perp=(1, 1500, 1500)), RULES,
                        Purpose.MAINTAIN, POOL)  # fmt: skip
    assert other.value - other.margin_equity == 30000


@exact
@pytest.mark.parametrize(("stable", "factor"), [("1", "1.25"), ("0.99", "1.25"), ("0.98", "1.29"), ("0.9", "1.61")])
def test_a_falling_stablecoin_raises_the_initial_factor(stable, factor):
    assert steps(*account(stable=stable), RULES, POOL).factor == D(factor)


@exact
@pytest.mark.parametrize(("spot", "perp", "rate"), [("1", "0.55", "0"), ("1", "0.5", "0.5"), ("0.4", "0.5", "0.6")])
def test_the_perpetuals_confidence_carries_to_collateral_and_options(spot, perp, rate):
    given = {"perp": (-2, 1500, 1500), "coins": [("ETH", 1, 1500)], "options": [(3, "call", 1500, 7, 0.6)]}
    sound = account(**given)
    book, market = account(**given, confidence={"ETH": spot, "ETH-PERP": perp})
    charge = surplus(*sound, Purpose.ADMIT) - surplus(book, market, Purpose.ADMIT)
    assert charge == D(rate) * (2 + 1 + 3) * 1500
    assert surplus(*sound) == surplus(book, market)


@exact
def test_the_oracle_charge_is_outside_the_factor_and_contingencies_inside():
    book, market = account(perp=(2, 1500, 1500), confidence={"ETH": "0.5"})
    found = assess_pool(book, market, RULES, Purpose.ADMIT, POOL)
    lines = {one.kind: one.required for one in found.lines if one.required}
    assert lines["perp_contingency"] == D("1.25") * 90
    assert lines["oracle"] == D("0.5") * 3000


@exact
def test_a_covered_call_pays_no_contingency_for_shorts_covered_by_puts_of_its_strike():
    naked = steps(*account(options=[(-1, "call", 1500, 7, 0.6)]), RULES, POOL)
    covered = steps(*account(options=[(-1, "call", 1500, 7, 0.6), (1, "put", 1500, 7, 0.6)]), RULES, POOL)
    assert (naked.static, covered.static) == (30, 0)


@exact
def test_the_worst_is_named():
    short = assess_pool(*account(options=[(-1, "call", 1500, 30, 0.6)]), RULES, Purpose.MAINTAIN, POOL)
    assert short.binding.subject == "spot × 1.2, volatility up"
    calendar = account(options=[(-3, "call", 1500, 1, 0.6), (3, "call", 1500, 300, 0.6)])
    found = steps(*calendar, RULES, POOL)
    assert found.figures.worst == min(float(found.figures.basis), found.figures.scanned.loss)
    flat = assess_pool(*account(), RULES, Purpose.MAINTAIN, POOL)
    assert (flat.required, flat.binding) == (0, None)


def test_options_are_not_discounted_and_gains_are_by_the_static_discount():
    rich = account(options=[(1, "call", 1000, 365, 0.5)], rate="0.3")
    poor = account(options=[(1, "call", 1000, 365, 0.5)], rate="0")
    a, b = (steps(*one, RULES, POOL) for one in (rich, poor))
    assert a.option_value == b.option_value
    assert a.static_discounts[0][0] < b.static_discounts[0][0] < 1
    assert a.static_discounts[0][1] == 1


def test_one_underlying_a_pool():
    book, market = account(perp=(1, 1500, 1500))
    other, prices = account(perp=(1, 30000, 30000), coin="BTC", spot="30000")
    both = replace(book, instruments={**book.instruments, **other.instruments})
    joined = book.holding(POOL).with_position(other.holding(POOL).positions[0])
    market = replace(market, prices={**market.prices, **prices.prices})
    with pytest.raises(RulesError, match="one underlying a pool; cross has ETH, BTC"):
        assess_pool(both.with_holding(joined), market, RULES, Purpose.MAINTAIN, POOL)


def test_cross_and_portfolio_pools_are_margined_alike():
    assert {Mode.CROSS, Mode.PORTFOLIO} == set(RULES.modes)


@settings(max_examples=20, deadline=None)
@given(LEGS, PERPS, st.sampled_from(["1", "0.95"]))
@example([(-1, "call", 1500, 7, 0.8)], (-3, 1500, 1480), "0.95")
def test_initial_margin_is_stricter_than_the_buffer_and_that_than_maintenance(legs, perp, stable):
    """L-07 as this venue has it: the initial factor 1.25 is above the buffer's 1.15."""
    book, market = account(options=legs, perp=perp, stable=stable, coins=[("ETH", "0.5", 1500)])
    found = {purpose: surplus(book, market, purpose) for purpose in Purpose}
    assert found[Purpose.WITHDRAW] == found[Purpose.ADMIT] == found[Purpose.FILL]
    assert found[Purpose.FILL] <= found[Purpose.RECOVER] <= found[Purpose.MAINTAIN]


@settings(max_examples=20, deadline=None)
@given(LEGS, PERPS)
@example([(-5, "call", 1200, 1, 1.3)], None)
def test_cash_raises_every_surplus_by_itself_and_a_larger_haircut_raises_none(legs, perp):
    """L-11 for cash and for haircuts; a coin joins the scan and may raise or lower a requirement."""
    poor, rich = (account(cash=c, options=legs, perp=perp, coins=[("ETH", 1, 1500)]) for c in ("1000", "1500"))
    harsher = with_parameters(RULES, replace(parameters(), own={"*": Haircut(D("0.1"), D("0.1"))}))
    for purpose in Purpose:
        assert exact(lambda: surplus(*rich, purpose) - surplus(*poor, purpose))() == 500  # noqa: B023
        assert surplus(*rich, purpose, harsher) <= surplus(*rich, purpose)


def test_a_coin_may_lower_a_surplus_where_the_scan_is_doubted():
    """L-11 does not hold where a coin is uncertain: its charge and scan are more than it is worth."""
    rich = account(coins=[("ETH", 1, 1500)], confidence={"ETH": "0.05"})
    assert surplus(*rich, Purpose.ADMIT, SUITE) > 1000
    harsh = with_parameters(RULES, parameters())
    assert surplus(*rich, Purpose.ADMIT, harsh) < 1000


@exact
def test_resting_orders_count_as_the_worse_side():
    book, market = account(perp=(1, 1500, 1500), orders=[("ETH-PERP", -500, 150_000), ("ETH-PERP", 100, 150_000)])
    assert surplus(book, market) == surplus(*account(perp=(1, 1500, 1500)))
    assert surplus(book, market, Purpose.ADMIT) == surplus(*account(perp=(-4, 1500, 1500)), Purpose.ADMIT)
    option = account(options=[(1, "call", 1500, 7, 0.6)], orders=[("O0", -300, 5_000)])
    written = account(cash="1150", options=[(-2, "call", 1500, 7, 0.6)])
    assert surplus(*option, Purpose.ADMIT) == surplus(*written, Purpose.ADMIT)


@exact
def test_a_coins_contingency_is_on_the_spot_and_its_value_in_the_numeraire():
    found = steps(*account(coins=[("ETH", 1, 1500)], stable="0.5"), RULES, POOL)
    assert (found.collateral_value, found.static) == (3000, 45)
    doubted = steps(*account(coins=[("ETH", 1, 1500)], stable="0.5", confidence={"ETH": "0.1"}), RULES, POOL)
    assert doubted.contingencies["oracle"] == -D("0.9") * 1500
