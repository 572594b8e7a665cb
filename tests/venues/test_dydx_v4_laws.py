"""What-if and liquidation prices on the chain's sub-accounts, and the laws in the form it guarantees."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import PriceKey, PriceKind, Purpose
from solvent.margin import (
    Deposit,
    SetLeverage,
    Trade,
    Withdraw,
    assess,
    assess_pool,
    liquidation_price,
    what_if,
)
from solvent.venues.dydx_v4.accounts import (
    ChainPosition,
    Subaccount,
    chain_state,
    with_tiers,
)
from solvent.venues.dydx_v4.formulas import (
    LiquidityTier,
)
from solvent.venues.dydx_v4.model import LeverageRefused, quantums_of, risk, with_leverage
from solvent.venues.lawful import ORDER
from tests.venues.dydx_accounts import BTC, ETH, RULES, account, state, subaccounts


def test_whoever_is_below_the_line_may_still_reduce_and_nothing_else():
    made = state(account(-4_400_000_000, (BTC, 10_000_000)))  # 600 of 1,000 initial, 500 maintenance
    free = replace(made.rules, fees=replace(made.rules.fees, taker_ppm=0))
    at_oracle = made.book.instruments["perpetual-0"].ticks(Decimal(50_000))
    # turning the position round to the same size is equally risky, to a larger one riskier
    for lots, fine in ((-10_000, True), (10_000, False), (-20_000_000, True), (-20_000_001, False)):
        impact = what_if(made.book, made.market, free, [Trade("a", "perpetual-0", lots, at_oracle)])
        assert impact.allowed is fine, lots
    # paying away more than the risk taken off: 1 % of the position sold 20 % below the oracle
    cheap = what_if(made.book, made.market, free, [Trade("a", "perpetual-0", -100_000, at_oracle * 8 // 10)])
    assert [one.limit for one in cheap.refusals] == ["admit"]


@pytest.mark.parametrize(
    ("leverage", "message"),
    [
        (6, "an initial margin fraction of 166667 ppm is below the tier's 200000"),
        (5, ""),
        (2, ""),
        (1, "5000000000 quote quantums would be required, and there are 2500000000"),
    ],
)
def test_a_leverage_is_within_the_tiers_own_and_the_account_has_its_margin(leverage, message):
    made = state(account(-2_500_000_000, (BTC, 10_000_000)))
    if message:
        with pytest.raises(LeverageRefused, match=message):
            with_leverage(*made, "a", "perpetual-0", leverage)
    else:
        after = with_leverage(*made, "a", "perpetual-0", leverage)
        assert after.holding("a").positions[0].leverage == leverage
    with pytest.raises(LeverageRefused, match="holds no perpetual-8"):
        with_leverage(*made, "a", "perpetual-8", 1)
    assert what_if(made.book, made.market, made.rules, [SetLeverage("a", "perpetual-0", 5)]).allowed
    assert not what_if(made.book, made.market, made.rules, [SetLeverage("a", "perpetual-0", 6)]).allowed


def test_a_withdrawal_counts_unrealised_profit_and_stops_at_the_initial_line():
    """With the entry in the position's quote balance the USDC is positive, as the shared check wants."""
    position = ChainPosition(BTC, 10_000_000, -4_000_000_000)
    made = chain_state([Subaccount("a", 2_000_000_000, (position,))], RULES)
    unit = 10 ** (made.book.assets["USDC"].scale - 6)
    for quantums, fine in ((2_000_000_000, True), (2_000_000_001, False)):
        impact = what_if(made.book, made.market, made.rules, [Withdraw("a", "USDC", quantums * unit)])
        assert impact.allowed is fine
    poorer = chain_state([Subaccount("a", 1_000_000_000, (position,))], RULES)
    most = 1_000_000_000
    assert what_if(poorer.book, poorer.market, poorer.rules, [Withdraw("a", "USDC", most * unit)]).allowed
    assert what_if(poorer.book, poorer.market, poorer.rules, [Deposit("a", "USDC", unit)]).allowed


def breached_at(made, symbol, ticks):
    contract = made.book.instruments[symbol]
    key = PriceKey(PriceKind.MARK, symbol, "USDC")
    market = made.market.with_prices({key: contract.price(ticks)})
    return assess_pool(made.book, market, made.rules, Purpose.MAINTAIN, "a").breached(inclusive=False)


@st.composite
def near_the_line(draw):
    """A sub-account whose net collateral is between nothing and three times what maintenance requires."""
    one = draw(subaccounts())
    now = risk(*chain_state([one], RULES), "a")
    target = now.maintenance * draw(st.integers(0, 24)) // 8
    return replace(one, usdc=one.usdc + target - now.net_collateral)


@given(near_the_line())
@example(account(-4_400_000_000, (BTC, 10_000_000)))
@example(account(5_600_000_000, (BTC, -10_000_000)))
@settings(max_examples=80)
def test_l13_the_reported_tick_is_in_breach_and_the_one_before_is_not(one):
    made = chain_state([one], RULES)
    for position in made.book.holding("a").positions:
        found = liquidation_price(*made, "a", position.symbol)
        assert len(found.crossings) <= 1
        for crossing in found.crossings:
            step = 1 if crossing.breach_below else -1
            assert crossing.breach_below == (position.lots > 0)
            assert breached_at(made, position.symbol, crossing.ticks)
            assert not breached_at(made, position.symbol, crossing.ticks + step)


@pytest.mark.parametrize(
    ("usdc", "size", "ticks"), [(-4_400_000_000, 10_000_000, 4_888_888_888), (0, 10_000_000, None)]
)
def test_l13_by_hand(usdc, size, ticks):
    """0.1 coin at 10% of maintenance: 4,400 ÷ 0.09 = 48,888.888…; without a debt no price liquidates a long."""
    assert liquidation_price(*state(account(usdc, (BTC, 10_000_000))), "a", "perpetual-0").ticks == ticks


def test_the_liquidation_price_is_the_root_of_the_unrounded_rule():
    made = state(account(-4_400_000_000, (BTC, 10_000_000), (ETH, -10_000_000)))
    whole = risk(*made, "a")
    other = 3_000_000
    root = Fraction(other - whole.net_collateral + 5_000_000_000, 10**6) / Fraction(9, 100)
    solved = liquidation_price(*made, "a", "perpetual-0").solved
    assert abs(Fraction(solved) - root) < Fraction(1, 10**4)


@given(subaccounts())
@example(account(0, (BTC, 1)))
def test_l07_initial_purposes_find_no_more_surplus_than_maintenance_ones(one):
    made = chain_state([one], RULES)
    surplus = {purpose: assess(*made, purpose)["a"].surplus for purpose in Purpose}
    for strict, lenient in ORDER:
        assert surplus[strict] <= surplus[lenient]
    assert surplus[Purpose.WITHDRAW] == surplus[Purpose.ADMIT] == surplus[Purpose.FILL]
    assert surplus[Purpose.RECOVER] == surplus[Purpose.MAINTAIN]


@given(subaccounts(), st.integers(0, 10**12), st.integers(0, 10**6))
def test_l11_more_dollars_raise_and_a_stricter_tier_lowers_every_surplus(one, usdc, harder):
    made, richer = (chain_state([acc], RULES) for acc in (one, replace(one, usdc=one.usdc + usdc)))
    strict = [
        replace(p.perpetual, tier=LiquidityTier(
            min(10**6, p.perpetual.tier.initial_margin_ppm + harder), p.perpetual.tier.maintenance_fraction_ppm))
        for p in one.positions
    ]  # fmt: skip
    for purpose in Purpose:
        surplus = assess_pool(*made, purpose, "a").surplus
        more = assess_pool(*richer, purpose, "a").surplus
        assert quantums_of(more) == quantums_of(surplus) + usdc
        harsher = with_tiers(made.rules, strict)
        assert assess_pool(made.book, made.market, harsher, purpose, "a").surplus <= surplus
