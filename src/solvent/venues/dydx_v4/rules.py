"""The chain as a value: liquidity tiers of genesis, and a pool model in whole quote quantums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.rules import (
    AdlRank,
    Borrowing,
    Capabilities,
    Form,
    LiquidationRules,
    Loss,
    Losses,
    Missing,
    ModeRules,
    OrderMargin,
    Penalty,
    PenaltyBase,
    Plan,
    Profit,
    Ratio,
    Transition,
    VenueRules,
)
from solvent.units import exact
from solvent.venues.dydx_v4.formulas import LiquidityTier
from solvent.venues.dydx_v4.model import DOLLAR, SubaccountModel
from solvent.venues.dydx_v4.tiers import LiquidityTiers
from solvent.venues.parts import day, fees, in_full, liquidating, read_rules, same_prices, sources

FOLDER = "dydx_v4"
GAPS = (
    "tiers, markets and limits are those of the mainnet genesis; governance has changed them since",
    "markets that genesis does not list are margined in the Long-Tail tier",
    "resting orders require nothing; what placing one is checked against was not read",
    "a leverage that does not divide a million is rounded up to an initial margin fraction",
    "which position and which counterparty come first is random on the chain; here the caller says",
    "trading fees are those of the first tier; tiers by volume, rewards and affiliates are not modelled",
    "cash keeps fractions of a quote quantum that a fill leaves, and is cut when the account is judged",
)


@exact
def dydx_v4() -> VenueRules:
    """Sub-accounts in USDC under the liquidity tiers of the mainnet genesis.

    Examples
    --------
    >>> from decimal import Decimal
    >>> rules = dydx_v4()
    >>> {name: facts.highest_leverage(Decimal(1)) for name, facts in rules.margin.every().items() if len(name) <= 3}[
    ...     "BTC"
    ... ]
    20

    """
    data = read_rules(FOLDER)
    cap = ModeRules({name: most for name, most in data["modes"]["max_leverage"].items() if name != "source"})
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(),
        margin=_tiers(data),
        collateral=in_full(DOLLAR),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes=dict.fromkeys((Mode.CROSS, Mode.ISOLATED), cap),
        transition=Transition.NO_RISKIER,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=LiquidationRules(
            Plan.MOST_UNPROFITABLE_FIRST,
            data["liquidation"]["max_position_portion_ppm"],
            data["step"]["worst_price_ppm"],
            cancel_orders_first=False,
        ),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["liquidation"]["max_fee_ppm"]),
        losses=Losses((Loss.FUND, Loss.ADL), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=False),
        ratio=Ratio("net collateral ÷ maintenance margin", requirement_over_equity=False, safer="higher"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        models={Method.TIERED: SubaccountModel()},
    )


def _capabilities() -> Capabilities:
    return Capabilities(
        instruments=frozenset({"perpetual"}),
        modes=frozenset({Mode.CROSS, Mode.ISOLATED}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset({"standard"}),
        refused={
            "spot": "a sub-account holds USDC and perpetuals",
            "future": "not offered",
            "option": "not offered",
            "inverse": "not offered",
            "quanto": "not offered",
            "hedge": "a sub-account holds one net position a market",
            "portfolio": "requirements are plain sums over markets",
            "collateral other than USDC": "the chain refuses it as not implemented",
        },
        gaps=GAPS,
    )


def _tiers(data: Mapping[str, Any]) -> LiquidityTiers:
    by_name = {
        name: LiquidityTier(facts["initial_margin_ppm"], facts["maintenance_fraction_ppm"])
        for name, facts in data["tiers"].items()
    }
    listed = {coin: by_name[name] for name, facts in data["tiers"].items() for coin in facts["underlyings"]}
    return LiquidityTiers(by_underlying=listed, default=by_name[data["default"]["like"]])
