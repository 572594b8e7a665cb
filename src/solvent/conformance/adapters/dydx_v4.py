"""Vectors of dYdX v4: the protocol's own test tables, in quote quantums, base quantums and parts per million."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solvent.book import Purpose
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin import assess_pool
from solvent.venues import venue
from solvent.venues.dydx_v4 import formulas, funding
from solvent.venues.dydx_v4.accounts import (
    ChainPerpetual,
    ChainPosition,
    ChainState,
    Held,
    Subaccount,
    chain_state,
    held,
)
from solvent.venues.dydx_v4.deleveraging import TransitionRefused, deleverage
from solvent.venues.dydx_v4.limits import liquidation_config, position_limits, subaccount_limits
from solvent.venues.dydx_v4.liquidation import (
    DeltaError,
    Fill,
    bankruptcy_price,
    fillable_price,
    fund_covers,
    insurance_fund_delta,
)
from solvent.venues.dydx_v4.model import quantums_of, risk

ACCOUNT, LIQUIDATED, OFFSETTING = "account", "liquidated", "offsetting"
ERROR = "error"
ISOLATED = {"CROSS": False, "ISOLATED": True}


def _inner(inputs: Inputs, name: str) -> Inputs:
    """An object inside the inputs."""
    found = inputs.given.get(name)
    if not isinstance(found, dict):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected an object")
    return Inputs(found, f"{inputs.place}.{name}")


def _count(inputs: Inputs, name: str) -> int:
    """A whole number; zero where the vector does not give one."""
    return inputs.whole(name) if name in inputs else 0


def _truth(inputs: Inputs, name: str) -> bool:
    found = inputs.given.get(name)
    if not isinstance(found, bool):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected true or false")
    return found


def _tier(inputs: Inputs) -> formulas.LiquidityTier:
    return formulas.LiquidityTier(
        _count(inputs, "InitialMarginPpm"),
        _count(inputs, "MaintenanceFractionPpm"),
        _count(inputs, "OpenInterestLowerCap"),
        _count(inputs, "OpenInterestUpperCap"),
    )


def _position(row: Inputs) -> ChainPosition:
    perpetual, price = _inner(row, "perpetual"), _inner(row, "market_price")
    kind = perpetual.text("MarketType") if "MarketType" in perpetual else "CROSS"
    if kind not in ISOLATED:
        raise VectorError(f"{perpetual.place}.MarketType: got {kind!r}, expected one of {list(ISOLATED)}")
    listed = ChainPerpetual(
        _count(perpetual, "PerpetualId"),
        perpetual.whole("AtomicResolution"),
        price.whole("Price"),
        price.whole("Exponent"),
        _tier(_inner(row, "liquidity_tier")),
        ISOLATED[kind],
        _count(row, "perpetual_funding_index"),
        _count(row, "open_interest_base_quantums"),
    )
    return ChainPosition(
        listed, _count(row, "quantums"), _count(row, "quote_balance"), _count(row, "position_funding_index")
    )


def _subaccount(inputs: Inputs, name: str) -> Subaccount:
    account = _inner(inputs, name)
    return Subaccount(name, _count(account, "usdc"), tuple(_position(row) for row in account.rows("positions")))


def _state(*accounts: Subaccount) -> ChainState:
    return chain_state(accounts, venue("dydx_v4"))


def _symbol(inputs: Inputs) -> str:
    return formulas.symbol(inputs.whole("perpetualId"))


def risk_is_liquidatable(inputs: Inputs, _: Vector) -> Any:
    """Whether an account of this risk may be liquidated."""
    return formulas.liquidatable(formulas.Risk(inputs.whole("NC"), 0, inputs.whole("MMR")))


def risk_is_initial_collateralized(inputs: Inputs, _: Vector) -> Any:
    """Whether net collateral covers the initial requirement."""
    return formulas.initial_collateralised(formulas.Risk(inputs.whole("NC"), inputs.whole("IMR"), 0))


def risk_cmp(inputs: Inputs, _: Vector) -> Any:
    """Which of two risks is riskier."""
    first = formulas.Risk(inputs.whole("firstNC"), 0, inputs.whole("firstMMR"))
    return formulas.compare_risk(first, formulas.Risk(inputs.whole("secondNC"), 0, inputs.whole("secondMMR")))


def maintenance_margin_ppm(inputs: Inputs, _: Vector) -> Any:
    """Maintenance margin as a share of notional."""
    return formulas.maintenance_margin_ppm(inputs.whole("initialMarginPpm"), inputs.whole("maintenanceFractionPpm"))


def funding_clamp_ppm(inputs: Inputs, _: Vector) -> Any:
    """Bound of a funding rate or vote."""
    initial, fraction = inputs.whole("initialMarginPpm"), inputs.whole("maintenanceFractionPpm")
    return funding.clamp_ppm(inputs.whole("clampFactorPpm"), initial, fraction)


def oi_scaled_imf_ppm(inputs: Inputs, _: Vector) -> Any:
    """Initial margin fraction at an open interest."""
    tier = _tier(_inner(inputs, "liquidity_tier"))
    return formulas.effective_initial_ppm(tier, inputs.whole("open_interest_notional"))


def initial_margin_oi_scaled(inputs: Inputs, _: Vector) -> Any:
    """Initial requirement of a notional at an open interest."""
    tier = _tier(_inner(inputs, "liquidity_tier"))
    return formulas.initial_margin(inputs.whole("quote_quantums"), tier, inputs.whole("open_interest_notional"))


def position_margin(inputs: Inputs, _: Vector) -> Any:
    """Both requirements of one position (by formula: a price of zero, which no book has, is among the inputs)."""
    price, resolution = _inner(inputs, "market_price"), _inner(inputs, "perpetual").whole("AtomicResolution")
    at = (price.whole("Price"), price.whole("Exponent"), resolution)
    worth = formulas.notional(inputs.whole("quantums"), *at)
    interest = formulas.notional(_count(inputs, "open_interest_base_quantums"), *at)
    tier = _tier(_inner(inputs, "liquidity_tier"))
    return {
        "IMR": formulas.initial_margin(worth, tier, interest),
        "MMR": formulas.maintenance_margin(worth, tier),
    }


def funding_settlement_ppm(inputs: Inputs, _: Vector) -> Any:
    """What a position receives in funding."""
    index, own = inputs.whole("perpetual_funding_index"), inputs.whole("position_funding_index")
    return funding.settlement_ppm(inputs.whole("quantums"), index, own)


def funding_index_delta(inputs: Inputs, _: Vector) -> Any:
    """How far the funding index moves."""
    price, rate = _inner(inputs, "market_price"), inputs.whole("funding_rate_8h_ppm")
    at = (inputs.whole("AtomicResolution"), price.whole("Price"), price.whole("Exponent"))
    return funding.index_delta(*at, rate, inputs.whole("seconds_since_last"))


def subaccount_risk(inputs: Inputs, _: Vector) -> Any:
    """Net collateral and requirements of the account after its updates, as ring 1 assesses it."""
    state = _state(_subaccount(inputs, "account_after"))
    initial = assess_pool(state.book, state.market, state.rules, Purpose.ADMIT, "account_after")
    kept = assess_pool(state.book, state.market, state.rules, Purpose.MAINTAIN, "account_after")
    return {
        "NC": quantums_of(initial.margin_equity),
        "IMR": quantums_of(initial.required),
        "MMR": quantums_of(kept.required),
    }


def is_liquidatable(inputs: Inputs, _: Vector) -> Any:
    """Whether an account may be liquidated."""
    state = _state(_subaccount(inputs, ACCOUNT))
    return formulas.liquidatable(risk(state.book, state.market, state.rules, ACCOUNT))


def bankruptcy(inputs: Inputs, _: Vector) -> Any:
    """Quote quantums received at the bankruptcy price of a change."""
    state = _state(_subaccount(inputs, ACCOUNT))
    try:
        return bankruptcy_price(*state, ACCOUNT, _symbol(inputs), inputs.whole("deltaQuantums"))
    except DeltaError:
        return ERROR


def fillable(inputs: Inputs, _: Vector) -> Any:
    """Limit price of a liquidation order."""
    state, given = _state(_subaccount(inputs, ACCOUNT)), _inner(inputs, "FillablePriceConfig")
    config = replace(
        liquidation_config(),
        bankruptcy_adjustment_ppm=given.whole("BankruptcyAdjustmentPpm"),
        spread_to_maintenance_ppm=given.whole("SpreadToMaintenanceMarginRatioPpm"),
    )
    try:
        return fillable_price(*state, ACCOUNT, _symbol(inputs), inputs.whole("deltaQuantums"), config)
    except DeltaError:
        return ERROR


def fund_delta(inputs: Inputs, _: Vector) -> Any:
    """What a fill brings or costs the insurance fund."""
    state, exponent = _state(_subaccount(inputs, ACCOUNT)), inputs.whole("QuantumConversionExponent")
    fill = Fill(_truth(inputs, "isBuy"), inputs.whole("fillAmount"), inputs.whole("subticks"), exponent)
    config = replace(liquidation_config(), max_fee_ppm=inputs.whole("MaxLiquidationFeePpm"))
    try:
        return insurance_fund_delta(*state, ACCOUNT, _symbol(inputs), fill, config)
    except DeltaError:
        return ERROR


def fund_delta_valid(inputs: Inputs, _: Vector) -> Any:
    """Whether the fund can take part."""
    return fund_covers(inputs.whole("insuranceFundBalance"), inputs.whole("insuranceFundDelta"))


def position_block_limits(inputs: Inputs, _: Vector) -> Any:
    """Least and most of a position in one block."""
    price, resolution = _inner(inputs, "market_price"), _inner(inputs, "perpetual").whole("AtomicResolution")
    worth = formulas.notional(inputs.whole("quantums"), price.whole("Price"), price.whole("Exponent"), resolution)
    given = _inner(inputs, "PositionBlockLimits")
    limits = position_limits(
        worth,
        replace(
            liquidation_config(),
            min_position_notional=given.whole("MinPositionNotionalLiquidated"),
            max_position_portion_ppm=given.whole("MaxPositionPortionLiquidatedPpm"),
        ),
    )
    return {"min": limits.least, "max": limits.most}


def subaccount_block_limits(inputs: Inputs, _: Vector) -> Any:
    """What is left of an account's limits in one block."""
    given = _inner(inputs, "SubaccountBlockLimits")
    config = replace(
        liquidation_config(),
        max_subaccount_notional=given.whole("MaxNotionalLiquidated"),
        max_insurance_lost=given.whole("MaxQuantumsInsuranceLost"),
    )
    before, delta = _count(inputs, "previousNotionalLiquidated"), _count(inputs, "previousInsuranceFundDelta")
    left = subaccount_limits(config, before, delta)
    return {"max_notional": left.notional, "max_insurance_lost": left.insurance_lost}


def deleverage_at_bankruptcy(inputs: Inputs, _: Vector) -> Any:
    """Both accounts after a trade at the bankruptcy price of one."""
    state = _state(_subaccount(inputs, LIQUIDATED), _subaccount(inputs, OFFSETTING))
    try:
        done = deleverage(*state, LIQUIDATED, OFFSETTING, _symbol(inputs), inputs.whole("deltaQuantums"))
    except (DeltaError, TransitionRefused):
        return ERROR
    return {name: _shown(held(done.book, name)) for name in (LIQUIDATED, OFFSETTING)}


def _shown(account: Held) -> dict[str, Any]:
    positions = [[formulas.perpetual_id(name), quantums] for name, quantums in account.quantums.items()]
    return {"usdc": account.usdc, "positions": positions}


def undercollateralized_transition(inputs: Inputs, _: Vector) -> Any:
    """What the chain answers to a change that ends below the initial requirement."""
    old, new = _inner(inputs, "old"), _inner(inputs, "new")
    before = formulas.Risk(old.whole("NC"), old.whole("IMR"), old.whole("MMR"))
    return formulas.below_initial(before, new.whole("NC"), new.whole("MMR")).value


ADAPTERS = {
    ("dydx_v4", "risk_is_liquidatable"): risk_is_liquidatable,
    ("dydx_v4", "risk_is_initial_collateralized"): risk_is_initial_collateralized,
    ("dydx_v4", "risk_cmp"): risk_cmp,
    ("dydx_v4", "maintenance_margin_ppm"): maintenance_margin_ppm,
    ("dydx_v4", "funding_clamp_ppm"): funding_clamp_ppm,
    ("dydx_v4", "oi_scaled_imf_ppm"): oi_scaled_imf_ppm,
    ("dydx_v4", "initial_margin_oi_scaled"): initial_margin_oi_scaled,
    ("dydx_v4", "position_margin"): position_margin,
    ("dydx_v4", "funding_settlement_ppm"): funding_settlement_ppm,
    ("dydx_v4", "funding_index_delta"): funding_index_delta,
    ("dydx_v4", "subaccount_risk"): subaccount_risk,
    ("dydx_v4", "is_liquidatable"): is_liquidatable,
    ("dydx_v4", "bankruptcy_price"): bankruptcy,
    ("dydx_v4", "fillable_price"): fillable,
    ("dydx_v4", "insurance_fund_delta"): fund_delta,
    ("dydx_v4", "insurance_fund_delta_valid"): fund_delta_valid,
    ("dydx_v4", "position_block_limits"): position_block_limits,
    ("dydx_v4", "subaccount_block_limits"): subaccount_block_limits,
    ("dydx_v4", "deleverage_at_bankruptcy"): deleverage_at_bankruptcy,
    ("dydx_v4", "undercollateralized_transition"): undercollateralized_transition,
}

ELSEWHERE: dict[str, str] = {}
