"""Mango v4 as a value: its weights, and the health model that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Method, Mode, PriceKind, Purpose
from solvent.ledger import MILLION
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Bracket,
    Capabilities,
    Collateral,
    ContractMargin,
    Form,
    LiquidationRules,
    Loss,
    Losses,
    Missing,
    ModeRules,
    OrderMargin,
    Path,
    Penalty,
    PenaltyBase,
    Plan,
    PricePolicy,
    Profit,
    Ratio,
    Transition,
    VenueRules,
)
from solvent.units import ONE, Rounding, divide, exact
from solvent.venues.mango_v4.account import HealthKind, PerpWeights, TokenWeights
from solvent.venues.mango_v4.lending import RateCurve
from solvent.venues.mango_v4.liquidation import TokenFees
from solvent.venues.mango_v4.model import KINDS, HealthModel, TokenFacts
from solvent.venues.mango_v4.perp_liquidation import PerpFees
from solvent.venues.parts import TierTable, WeightTable, day, fees, liquidating, read_rules, sources

FOLDER = "mango_v4"
AT_INIT = (Purpose.WITHDRAW, Purpose.ADMIT)
GAPS = (
    "of the perpetuals only BTC-PERP has its own weights; others have a test group's: 5x, unsettled profit not counted",
    "tokens without an entry count nothing as collateral, and their debts 140% and 180%, as the lowest preset",
    "parameters are those of set-up scripts and presets; votes changed some of them later",
    "which preset BTC had was not found: AA is assumed",
    "weights at INIT are scaled only where the market gives deposits and borrows of the token",
    "without a SLOW price of a token or contract its stable price is taken to be the oracle's",
    "collateral fees and loan origination fees are functions, not part of an assessment",
    "limits on settling a perpetual's result and on deposits are not modelled; nor are conditional swaps",
)


def health_model() -> HealthModel:
    """The health model with the folder's weights.

    Examples
    --------
    >>> str(health_model().tokens["SOL"].weights.init_asset)
    '0.8'

    """
    data = read_rules(FOLDER)
    return HealthModel(
        tokens={name: _token(facts) for name, facts in data["tokens"].items()},
        perps={name: _perp(facts) for name, facts in data["perps"].items()},
        other_token=_token(data["other_token"]),
        other_perp=_perp(data["other_perp"]),
    )


def _token(facts: Mapping[str, Any]) -> TokenFacts:
    start = Decimal(facts["scale_start"]) if "scale_start" in facts else None
    return TokenFacts(TokenWeights(*(Decimal(weight) for weight in facts["weights"])), start, start)


def _perp(facts: Mapping[str, Any]) -> PerpWeights:
    return PerpWeights(*(Decimal(weight) for weight in facts["weights"]))


@exact
def mango_v4() -> VenueRules:
    """Mango v4 as its mainnet group was set up.

    Examples
    --------
    >>> rules = mango_v4()
    >>> rules.ratio.name, rules.method.value
    ('assets over liabilities', 'lending')

    """
    data = read_rules(FOLDER)
    model = health_model()
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(),
        margin=_tiers(model),
        collateral=_weights(model),
        prices=_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: ModeRules({"standard": _leverage(model.perps["BTC"])})},
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=LiquidationRules(
            Plan.PROPORTIONAL, data["liquidation"]["step_ppm"], data["worst_price"]["worst_price_ppm"]
        ),
        penalty=_penalty(data),
        losses=Losses((Loss.FUND, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=False),
        ratio=Ratio("assets over liabilities", requirement_over_equity=False, safer="higher"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        breach_inclusive=False,
        path=Path.INSTRUMENT,
        method=Method.LENDING,
        models=dict.fromkeys((Method.LENDING, Method.TIERED), model),
    )


@exact
def with_weights(rules: VenueRules, tokens: Mapping[str, TokenFacts], perps: Mapping[str, PerpWeights]) -> VenueRules:
    """The rule set with weights of the caller's own, by asset and by symbol or underlying, beside the folder's.

    Examples
    --------
    >>> own = with_weights(mango_v4(), {"SOL": TokenFacts(TokenWeights(maint_asset=Decimal("0.5")))}, {})
    >>> str(own.collateral.asset("SOL").weights[Purpose.MAINTAIN].at(Decimal(10)))
    '5.0'

    """
    old = health_model()
    model = replace(old, tokens={**old.tokens, **tokens}, perps={**old.perps, **perps})
    models = dict.fromkeys(rules.models, model)
    return replace(rules, models=models, margin=_tiers(model), collateral=_weights(model))


def token_fees(asset: str, liab: str) -> TokenFees:
    """Liquidation fees of two tokens, as they were set up; platform fees were set later and are not known.

    >>> str(token_fees("SOL", "USDC").total)
    '1.05'
    """
    return TokenFees(asset=_liquidation_fee(asset), liab=_liquidation_fee(liab))


def _liquidation_fee(token: str) -> Decimal:
    data = read_rules(FOLDER)
    return Decimal(data["tokens"].get(token, data["other_token"])["liquidation_fee"])


def perp_fees(underlying: str) -> PerpFees:
    """Liquidation fees of an underlying's perpetual.

    >>> str(perp_fees("BTC").base)
    '0.0125'
    """
    data = read_rules(FOLDER)
    facts = data["perps"].get(underlying, data["other_perp"])
    return PerpFees(base=Decimal(facts["base_fee"]), positive_result=Decimal(facts["positive_result_fee"]))


def rate_curve() -> RateCurve:
    """The borrow rate curve of the presets.

    >>> str(rate_curve().at(Decimal("0.5")).normalize())
    '0.072'
    """
    facts = read_rules(FOLDER)["interest"]
    keys = ("zero_rate", "util0", "rate0", "util1", "rate1", "max_rate", "scaling")
    return RateCurve(*(Decimal(facts[key]) for key in keys))


def _capabilities() -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual"}),
        modes=frozenset({Mode.CROSS}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset({"standard"}),
        refused={
            "future": "not offered",
            "option": "not offered",
            "inverse": "not offered",
            "quanto": "not offered",
            "isolated": "a market whose profit does not count until it is settled takes its place",
            "portfolio": "not offered",
            "hedge": "one net position a market",
        },
        gaps=GAPS,
    )


def _penalty(data: Mapping[str, Any]) -> Penalty:
    """The share of closed base a liquidator takes."""
    own = {f"{coin}-PERP": int(facts["base_fee"] * MILLION) for coin, facts in data["perps"].items()}
    return Penalty(PenaltyBase.CLOSED_NOTIONAL, int(data["other_perp"]["base_fee"] * MILLION), own)


def _rates(weights: PerpWeights) -> Mapping[Purpose, Schedule]:
    """The share of notional a position takes from its settle token: the larger of a long's and a short's."""
    rates = {
        kind: max(ONE - weights.base(kind, short=False), weights.base(kind, short=True) - ONE) for kind in HealthKind
    }
    return {purpose: Schedule.flat(rates[kind]) for purpose, kind in KINDS.items()}


def _leverage(weights: PerpWeights) -> int:
    rate = max(ONE - weights.init_asset, weights.init_liab - ONE)
    return int(divide(ONE, rate, 0, Rounding.DOWN))


def _tiers(model: HealthModel) -> TierTable:
    """Margin facts for display and for checks of leverage; health itself reads the weights."""
    rows = {**model.perps, "": model.other_perp}
    made = {
        name: ContractMargin(_rates(w), (Bracket(Decimal(0), _leverage(w)),), frozenset(), _leverage(w))
        for name, w in rows.items()
        if _rates(w)[Purpose.ADMIT].pieces[0].rate > 0
    }
    named = {name: facts for name, facts in made.items() if name}
    return TierTable(by_symbol=named, by_underlying=named, default=made[""])


def _weights(model: HealthModel) -> WeightTable:
    """Weights of deposits for display; weights of debts differ by purpose, and the least is shown."""
    found = {}
    for name, facts in model.tokens.items():
        weights = facts.weights
        by_kind = {
            HealthKind.INIT: weights.init_asset,
            HealthKind.LIQUIDATION_END: weights.init_asset,
            HealthKind.MAINT: weights.maint_asset,
        }
        counted = {purpose: Schedule.weights([("0", by_kind[kind])]) for purpose, kind in KINDS.items()}
        found[name] = Collateral(counted, weights.maint_liab)
    return WeightTable(found)


def _prices() -> PricePolicy:
    """For display: INIT uses the worse of oracle and stable price, leg by leg."""
    at_init = dict.fromkeys(AT_INIT, PriceKind.SLOW)
    return PricePolicy(
        positions={p: (PriceKind.MARK, at_init[p]) if p in at_init else (PriceKind.MARK,) for p in Purpose},
        collateral={p: (PriceKind.INDEX, at_init[p]) if p in at_init else (PriceKind.INDEX,) for p in Purpose},
    )
