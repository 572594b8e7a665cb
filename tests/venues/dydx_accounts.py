"""Small sub-accounts of the chain for tests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from solvent.venues import venue
from solvent.venues.dydx_v4.accounts import (
    ChainPerpetual,
    ChainPosition,
    Subaccount,
    chain_state,
)
from solvent.venues.dydx_v4.formulas import (
    LiquidityTier,
)
from solvent.venues.dydx_v4.limits import liquidation_config
from solvent.venues.dydx_v4.model import risk

RULES = venue("dydx_v4")
TIER = LiquidityTier(200_000, 500_000)
BTC = ChainPerpetual(0, -8, 5_000_000_000, -5, TIER)
ETH = ChainPerpetual(1, -9, 3_000_000_000, -6, TIER)
CONFIG = liquidation_config()


def account(usdc, *positions, name="a"):
    return Subaccount(name, usdc, tuple(ChainPosition(market, size) for market, size in positions))


def state(*accounts):
    return chain_state(accounts, RULES)


def risk_of(*accounts):
    made = state(*accounts)
    return risk(made.book, made.market, made.rules, "a")


sizes = st.integers(-(10**12), 10**12)
prices = st.integers(1, 10**12)
tiers = st.builds(LiquidityTier, st.integers(0, 1_000_000), st.integers(0, 1_000_000))
perpetuals = st.builds(
    ChainPerpetual, st.just(0), st.integers(-10, 1), prices, st.integers(-10, 2), tiers, st.just(False),
    st.integers(-(10**9), 10**9), st.integers(0, 10**12),
)  # fmt: skip
others = perpetuals.map(lambda one: replace(one, id=1))


@st.composite
def subaccounts(draw, name="a"):
    """Two markets, with funding not settled, a quote balance and sometimes a leverage of the user's own."""
    leverage = st.none() | st.integers(1, 30)
    position = [
        ChainPosition(draw(market), draw(sizes), draw(st.integers(-9, 9)), draw(st.integers(-(10**9), 10**9)),
                      draw(leverage))
        for market in (perpetuals, others)
    ]  # fmt: skip
    return Subaccount(name, draw(st.integers(-(10**15), 10**15)), tuple(position))
