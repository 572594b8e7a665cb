"""The chain's integer rules at the points where verdicts flip, and what its pools may hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from solvent.book import Book, BookError, Holding, Leg, LegMode, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Future, Payoff, Perpetual
from solvent.margin import (
    assess,
    assess_pool,
    explain,
)
from solvent.margin.transitions import no_riskier
from solvent.rules import RulesError
from solvent.units import Asset, exact
from solvent.venues import numeraire, venue
from solvent.venues.dydx_v4 import funding
from solvent.venues.dydx_v4.accounts import (
    ChainPosition,
    Subaccount,
    chain_state,
    held,
    settled,
)
from solvent.venues.dydx_v4.deleveraging import BLOCKED_BLOCKS, MOST_COUNTERPARTIES
from solvent.venues.dydx_v4.formulas import (
    LiquidityTier,
    Outcome,
    Risk,
    below_initial,
    compare_risk,
    custom_initial_ppm,
    effective_initial_ppm,
    initial_collateralised,
    initial_margin,
    liquidatable,
    maintenance_margin,
    notional,
    transition,
)
from solvent.venues.dydx_v4.model import quantums_of, risk
from solvent.venues.dydx_v4.tiers import margin_facts
from solvent.venues.parts import read_rules
from tests.venues.dydx_accounts import BTC, CONFIG, ETH, RULES, account, risk_of, state, subaccounts

# --- rates and requirements ------------------------------------------------------------------------------------------

CAPPED = LiquidityTier(200_000, 500_000, 1_000_000, 2_000_000)


@pytest.mark.parametrize(
    ("interest", "ppm"),
    [(999_999, 200_000), (1_000_000, 200_000), (1_000_001, 200_000), (1_000_002, 200_001), (1_999_999, 999_999),
     (2_000_000, 1_000_000), (9_000_000, 1_000_000)],
)  # fmt: skip
def test_initial_margin_grows_from_just_above_the_lower_cap_to_the_whole_at_the_upper(interest, ppm):
    assert effective_initial_ppm(CAPPED, interest) == ppm


def test_both_requirements_are_rounded_up_maintenance_twice():
    tier = LiquidityTier(100_000, 900_000)
    assert [initial_margin(n, tier, 0) for n in (0, 1, 10, -11)] == [0, 1, 1, 2]
    assert maintenance_margin(10, tier) == 1
    assert maintenance_margin(-11, tier) == 2  # 1.1 → 2, 1.8 → 2; rounded once, 0.99 would be 1
    assert maintenance_margin(100, LiquidityTier(100_000, 100_000)) == 1
    assert maintenance_margin(101, LiquidityTier(100_000, 100_000)) == 2


def test_maintenance_grows_neither_with_open_interest_nor_with_a_users_own_fraction():
    crowded = replace(BTC, tier=replace(CAPPED, open_interest_upper_cap=2_000_000), open_interest=10**9)
    made = state(Subaccount("a", 0, (ChainPosition(crowded, 10_000_000, leverage=2),)))
    assert risk(*made, "a") == Risk(5_000_000_000, 5_000_000_000, 500_000_000)
    calm = state(Subaccount("a", 0, (ChainPosition(replace(crowded, open_interest=0), 10_000_000, leverage=2),)))
    assert risk(*calm, "a") == Risk(5_000_000_000, 2_500_000_000, 500_000_000)


@pytest.mark.parametrize(("leverage", "initial"), [(None, 1_000), (6, 1_000), (5, 1_000), (4, 1_250), (1, 5_000)])
def test_a_users_own_fraction_counts_where_it_is_larger(leverage, initial):
    made = state(Subaccount("a", 0, (ChainPosition(BTC, 10_000_000, leverage=leverage),)))
    assert risk(*made, "a").initial == initial * 10**6
    assert assess_pool(*made, Purpose.ADMIT, "a").required == initial


def test_a_leverage_that_does_not_divide_a_million_is_rounded_against_the_account():
    assert [custom_initial_ppm(n) for n in (1, 3, 7, 20)] == [1_000_000, 333_334, 142_858, 50_000]
    with pytest.raises(RulesError, match="leverage must be at least 1, not 0"):
        custom_initial_ppm(0)


@pytest.mark.parametrize("tier", [(-1, 0), (0, 1_000_001), (0, 0, 2, 1), (0, 0, -1, 1)])
def test_a_tier_the_chain_refuses_is_refused(tier):
    with pytest.raises(RulesError, match="must"):
        LiquidityTier(*tier)


def test_a_tier_with_caps_needs_the_open_interest_of_its_market():
    crowded = replace(BTC, tier=CAPPED)
    made = state(account(0, (crowded, 10_000_000)))
    blind = replace(made.market, wide={})
    with pytest.raises(BookError, match=r"market.wide.open_interest.perpetual-0: the rule set needs the open interest"):
        assess(made.book, blind, made.rules, Purpose.ADMIT)
    assert assess(made.book, blind, made.rules, Purpose.MAINTAIN)["a"].required == 500


# --- net collateral --------------------------------------------------------------------------------------------------


def test_notional_is_cut_towards_zero_on_both_sides():
    odd = replace(BTC, price=5_000_000_001, exponent=-6)
    for size in (3, -3):
        sign = 1 if size > 0 else -1
        assert notional(size, odd.price, odd.exponent, -8) == sign * 150
        assert risk_of(account(0, (odd, size))).net_collateral == sign * 150
    fine = replace(BTC, price=199, exponent=-4)  # one quantum is worth 0.000199 of a quote quantum
    assert [risk_of(account(0, (fine, n))).net_collateral for n in (5_025, 5_026, -5_025, -5_026)] == [0, 1, 0, -1]


def test_funding_of_all_positions_is_rounded_down_once():
    def funded(*due):
        positions = [
            ChainPosition(replace(market, funding_index=0), size, funding_index=index)
            for market, (size, index) in zip((BTC, ETH), due, strict=False)
        ]
        made = chain_state([Subaccount("a", 0, tuple(positions))], RULES)
        worth = sum(notional(p.quantums, p.perpetual.price, p.perpetual.exponent, p.perpetual.atomic_resolution)
                    for p in positions)  # fmt: skip
        return risk(*made, "a").net_collateral - worth

    assert funded((1_000_000, 1)) == 1
    assert funded((1_000_000, -1)) == -1
    assert funded((999_999, 1)) == 0
    assert funded((1, -1)) == -1
    assert funded((500_000, 1), (500_000, 1)) == 1
    assert funded((500_000, -1), (500_000, -1)) == -1
    assert funded((-2_000_000, 3)) == -6


def test_a_positions_quote_balance_counts_and_stays_when_the_position_is_none():
    made = chain_state([Subaccount("a", 5, (ChainPosition(BTC, 1, 70), ChainPosition(ETH, 0, 3)))], RULES)
    assert risk(*made, "a").net_collateral == 500 + 5 + 70 + 3
    assert held(made.book, "a") == (8, {"perpetual-0": 1})


def test_settling_pays_whole_quantums_and_touches_the_index():
    market = replace(BTC, funding_index=40)
    made = chain_state([Subaccount("a", 100, (ChainPosition(market, 1_250_000, funding_index=41),))], RULES)
    after = made.book.with_holding(settled(made.book, made.market, "a"))
    assert held(after, "a").usdc == 101
    assert risk(after, made.market, made.rules, "a") == risk(*made, "a")
    assert after.holding("a").positions[0].funding_index == made.market.funding["perpetual-0"]


@given(subaccounts())
def test_the_assessment_is_the_protocols_sums(one):
    """Against the chain's own order of operations, position by position, on plain integers."""
    made = chain_state([one], RULES)
    worth, initial, kept, due, balances = 0, 0, 0, 0, 0
    for p in one.positions:
        m = p.perpetual
        amount = notional(p.quantums, m.price, m.exponent, m.atomic_resolution)
        worth += amount
        balances += p.quote_balance
        due += funding.settlement_ppm(p.quantums, m.funding_index, p.funding_index)
        own = custom_initial_ppm(p.leverage) if p.leverage else 0
        initial += -(-abs(amount) * max(m.tier.initial_margin_ppm, own) // 10**6)
        base = -(-abs(amount) * m.tier.initial_margin_ppm // 10**6)
        kept += -(-base * m.tier.maintenance_fraction_ppm // 10**6)
    expected = Risk(one.usdc + worth + balances + due // 10**6, initial, kept)
    assert risk(*made, "a") == expected
    for purpose, required in ((Purpose.ADMIT, initial), (Purpose.MAINTAIN, kept)):
        found = assess_pool(*made, purpose, "a")
        assert (quantums_of(found.margin_equity), quantums_of(found.required)) == (
            expected.net_collateral,
            required,
        )
        assert found.value == found.margin_equity
        assert exact(sum)(line.value for line in found.lines) == found.value


# --- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "maintenance", "verdict"),
    [(100, 100, False), (99, 100, True), (-1, 1, True), (-1, 0, False), (0, 0, False), (0, 1, True)],
)
def test_liquidatable_below_the_line_and_only_where_something_is_required(net, maintenance, verdict):
    assert liquidatable(Risk(net, 2 * maintenance, maintenance)) is verdict


@pytest.mark.parametrize("usdc", [-4_500_000_000, -4_500_000_001])
def test_ring_1_and_the_chain_agree_on_the_line(usdc):
    made = state(account(usdc, (BTC, 10_000_000)))
    found = assess_pool(*made, Purpose.MAINTAIN, "a")
    assert found.breached(inclusive=RULES.breach_inclusive) is (usdc == -4_500_000_001)
    assert liquidatable(risk(*made, "a")) is (usdc == -4_500_000_001)
    assert explain(*made, "a").state == ("liquidating" if usdc == -4_500_000_001 else "healthy")


def test_the_initial_line_itself_is_enough():
    assert initial_collateralised(Risk(10, 10, 5))
    assert not initial_collateralised(Risk(9, 10, 5))


risks = st.builds(lambda n, m, more: Risk(n, m + more, m), st.integers(-60, 60), st.integers(0, 8), st.integers(0, 9))


@given(risks, risks, risks)
@example(Risk(-100, 0, 150), Risk(-100, 0, 100), Risk(0, 0, 0))
@example(Risk(0, 0, 3), Risk(0, 0, 5), Risk(1, 0, 5))
def test_riskier_is_a_smaller_ratio_then_more_maintenance_then_less_collateral(first, second, third):
    assert compare_risk(first, second) == -compare_risk(second, first)
    assert compare_risk(first, first) == 0
    if first.maintenance and second.maintenance:
        left, right = (Fraction(one.net_collateral, one.maintenance) for one in (first, second))
        expected = (left, -first.maintenance) < (right, -second.maintenance)
        assert (compare_risk(first, second) == 1) == expected
        if third.maintenance and compare_risk(first, second) == compare_risk(second, third) == 1:
            assert compare_risk(first, third) == 1
    elif not first.maintenance and not second.maintenance:
        assert (compare_risk(first, second) == 1) == (first.net_collateral < second.net_collateral)


# before (NC, IMR, MMR), after (NC, MMR) below its initial line, the chain's word
TRANSITIONS = [
    ((50, 100, 60), (50, 60), "Success"),
    ((50, 100, 60), (49, 60), "StillUndercollateralized"),
    ((50, 100, 60), (500, 61), "StillUndercollateralized"),
    ((50, 100, 60), (25, 30), "Success"),
    ((50, 100, 60), (24, 30), "StillUndercollateralized"),
    ((-50, 100, 60), (-25, 30), "Success"),
    ((-50, 100, 60), (-26, 30), "StillUndercollateralized"),
    ((100, 100, 60), (50, 60), "NewlyUndercollateralized"),
    ((100, 100, 60), (50, 30), "Success"),
    ((-1, 5, 3), (-1, 0), "StillUndercollateralized"),
    ((-2, 0, 0), (-1, 0), "Success"),
    ((-1, 0, 0), (-1, 0), "StillUndercollateralized"),
    ((0, 0, 0), (-1, 0), "NewlyUndercollateralized"),
]


@pytest.mark.parametrize(("before", "after", "word"), TRANSITIONS)
def test_below_the_initial_line_only_what_is_less_or_equally_risky(before, after, word):
    assert below_initial(Risk(*before), *after).value == word
    assert transition(Risk(*before), Risk(after[0], 10**9, after[1])).value == word
    assert transition(Risk(*before), Risk(after[0], after[0], after[1])) is Outcome.SUCCESS


@given(subaccounts(), st.integers(-(10**15), 10**15), st.integers(-1000, 1000))
def test_the_transition_is_the_relation_that_what_if_applies(one, usdc, part):
    """The shared relation on assessments and the chain's on integers say the same of the same two books."""
    smaller = tuple(replace(p, quantums=p.quantums * part // 1000) for p in one.positions)
    before, after = (chain_state([acc], RULES) for acc in (one, replace(one, usdc=usdc, positions=smaller)))
    relation = exact(no_riskier)(*(assess_pool(*made, Purpose.MAINTAIN, "a") for made in (before, after)))
    now = risk(*after, "a")
    assert relation == (below_initial(risk(*before, "a"), now.net_collateral, now.maintenance) is Outcome.SUCCESS)


# --- funding ---------------------------------------------------------------------------------------------------------


def test_votes_samples_and_rates():
    large = LiquidityTier(50_000, 600_000)
    assert funding.premium_price(100, 100, 102, 99, 103) == 100
    assert funding.premium_price(100, 101, 102, 99, 103) == 99
    assert funding.premium_price(100, 98, 99, 97, 98) == 98
    assert funding.premium_ppm(30_000, 29_999, large) == -33
    assert funding.premium_ppm(1, 3, large) == 1_200_000
    assert [funding.median_ppm(v) for v in ([-3, 0], [3, 0], [-1, 2], [5])] == [-2, 2, 1, 5]
    assert funding.minute_sample([9] * 16) == 9
    assert funding.hourly_rate([-7] * 10, large) == -1
    assert funding.hourly_rate([7] * 70, large) == 7
    assert funding.hourly_rate([1_000_000] * 60, large) == 120_000
    assert funding.hourly_rate([-1_000_000] * 60, large) == -120_000


# --- what a pool may hold --------------------------------------------------------------------------------------------

USDC, USDT = Asset("USDC", 6), Asset("USDT", 6)
PERP = Perpetual("BTC-PERP", "BTC", USDC, USDC, Decimal("0.1"), Decimal("0.001"))

DATED = Future("BTC-MAR", "BTC", USDC, USDC, Decimal("0.1"), Decimal("0.001"), expiry_ns=1)


def plain(contract, pool=None, cash=None, position=None):
    holding = Holding(
        pool or Pool("p", numeraire="USDC"),
        {"USDC": 10**9} if cash is None else cash,
        (position or Position(contract.symbol, 10, 600_000_000),),
    )
    marks = {PriceKey(PriceKind.MARK, contract.symbol, contract.quote.name): Decimal("60123.4")}
    return Book({"USDC": USDC, "USDT": USDT}, {contract.symbol: contract}, (holding,)), Market(marks)


def test_an_ordinary_book_is_judged_by_the_tier_of_its_underlying():
    book, market = plain(PERP)
    found = assess_pool(book, market, RULES, Purpose.MAINTAIN, "p")
    assert (found.value, found.required) == (Decimal("1001.234"), Decimal("18.037020"))
    assert assess_pool(book, market, RULES, Purpose.WITHDRAW, "p").required == Decimal("30.0617")
    book, market = plain(replace(PERP, symbol="X-PERP", underlying="X"))
    assert assess_pool(book, market, RULES, Purpose.WITHDRAW, "p").required == Decimal("120.2468")


@pytest.mark.parametrize("scale", [2, 6, 12])
def test_a_book_may_count_dollars_more_coarsely_or_finely(scale):
    dollar = Asset("USDC", scale)
    contract = replace(PERP, quote=dollar, settle=dollar, lot_size=Decimal("0.1"))
    holding = Holding(Pool("p", numeraire="USDC"), {"USDC": -5 * 10**scale}, (Position("BTC-PERP", -1, 0),))
    market = Market({PriceKey(PriceKind.MARK, "BTC-PERP", "USDC"): Decimal("60000.5")})
    book = Book({"USDC": dollar}, {"BTC-PERP": contract}, (holding,))
    assert risk(book, market, RULES, "p") == (-6_005_050_000, 300_002_500, 180_001_500)


REFUSED = [
    (PERP, {"cash": {"USDC": 1, "USDT": 1}}, "USDT is no collateral; a sub-account holds USDC alone"),
    (PERP, {"pool": Pool("p", numeraire="USDT")}, "judges sub-accounts in USDC, not in USDT"),
    (replace(PERP, quote=USDT, settle=USDT), {}, "one net position, settled in USDC"),
    (PERP, {"pool": Pool("p", numeraire="USDC", legs=LegMode.HEDGE),
            "position": Position("BTC-PERP", 1, 0, Leg.LONG)}, "one net position"),
    (DATED, {}, "a future is not offered"),
    (replace(PERP, payoff=Payoff.QUANTO), {}, "quanto contracts are not offered; only linear ones are"),
]  # fmt: skip


@pytest.mark.parametrize(("contract", "changed", "message"), REFUSED)
def test_what_a_subaccount_cannot_hold_is_refused_by_name(contract, changed, message):
    book, market = plain(contract, **changed)
    with pytest.raises(RulesError, match=message):
        assess(book, market, RULES, Purpose.MAINTAIN)


def test_an_empty_other_balance_is_no_offence():
    book, market = plain(PERP, cash={"USDC": 0, "USDT": 0})
    assert assess(book, market, RULES, Purpose.MAINTAIN)["p"].value == Decimal("1.234")


def test_accounts_that_contradict_each_other_are_refused():
    with pytest.raises(BookError, match="two positions describe this market differently"):
        state(account(0, (BTC, 1)), account(0, (replace(BTC, price=1), 1), name="b"))
    with pytest.raises(BookError, match="sub-account a: holds one market in two positions"):
        state(account(0, (BTC, 1), (BTC, 1)))
    with pytest.raises(RulesError, match="margined by liquidity tiers, not by TierTable"):
        chain_state([account(0)], venue("generic"))


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_the_tiers_of_genesis():
    shown = {name: (facts.highest_leverage(Decimal(1))) for name, facts in RULES.margin.every().items()}
    assert (shown["BTC"], shown["ETH"], shown["SOL"], shown["SEI"], shown["*"]) == (20, 20, 10, 5, 5)
    assert len(shown) == 34
    assert margin_facts(LiquidityTier(50_000, 600_000)).schedules[Purpose.MAINTAIN].at(Decimal(100)) == 3
    assert (CONFIG.max_fee_ppm, CONFIG.spread_to_maintenance_ppm) == (15_000, 1_500_000)
    assert (RULES.fees.taker_ppm, RULES.fees.maker_ppm, numeraire("dydx_v4")) == (500, 100, "USDC")


def test_the_constants_in_the_code_are_the_sourced_numbers():
    data = read_rules("dydx_v4")
    assert data["funding"] == {
        "source": "genesis",
        "rate_clamp_factor_ppm": funding.RATE_CLAMP_PPM,
        "vote_clamp_factor_ppm": funding.VOTE_CLAMP_PPM,
        "least_votes": funding.LEAST_VOTES,
    }
    assert data["limits"] == {
        "source": "code",
        "counterparties_a_deleverage": MOST_COUNTERPARTIES,
        "blocked_blocks": BLOCKED_BLOCKS,
    }
