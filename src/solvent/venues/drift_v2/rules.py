"""Drift v2 as a value: the program's account model over dated markets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from solvent.book import LegMode, Method, Mode, PriceKind, Purpose
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
    PricePolicy,
    Profit,
    Ratio,
    Transition,
    VenueRules,
)
from solvent.units import exact
from solvent.venues.drift_v2.markets import PerpMarket, SpotMarket
from solvent.venues.drift_v2.model import STAGES, DriftModel, Stage
from solvent.venues.drift_v2.native import HIGH_LEVERAGE, NO_SETTINGS, Markets, Settings
from solvent.venues.drift_v2.perp_liquidation import Terms
from solvent.venues.drift_v2.views import PerpMargins, TokenWeights
from solvent.venues.parts import day, fees, liquidating, read_rules, sources

FOLDER = "drift_v2"
GAPS = (
    "margin ratios are on the chain; of published ones only limits of 20x (BTC-PERP) and 5x (PUMP-PERP) were found",
    "SOL and ETH are margined like BTC-PERP, other contracts like PUMP-PERP, and maintenance is half of initial",
    "size factors of perpetuals were not found: size adds nothing until a caller gives markets of its own",
    "ratios of high-leverage mode were not found: it changes nothing until a caller gives markets of its own",
    "the deposits at which a token's initial weight begins to fall were not found: never, unless a caller says so",
    "tokens without published weights count nothing as collateral, and their debts in full",
    "where a token has no slow price the oracle price stands for its five-minute average",
    "isolated contract tiers and pools of collateral are left to the caller",
)


@exact
def drift_v2() -> VenueRules:
    """Cross and isolated accounts, judged in USDC.

    Examples
    --------
    >>> rules = drift_v2()
    >>> rules.margin.every()["BTC"].brackets[0].max_leverage, rules.models[Method.TIERED].buffer
    (20, 200)

    """
    data = read_rules(FOLDER)
    plan = data["plan"]
    markets = listed_markets()
    leverage = dict(data["modes"]["max_leverage"])
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(),
        margin=PerpMargins(markets),
        collateral=TokenWeights(markets),
        prices=_prices(STAGES),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes=dict.fromkeys((Mode.CROSS, Mode.ISOLATED), ModeRules({**leverage, HIGH_LEVERAGE: leverage["standard"]})),
        transition=Transition.REDUCE_FREELY,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=LiquidationRules(Plan.PROPORTIONAL, plan["step_ppm"], plan["worst_price_ppm"]),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["liquidation"]["fund_fee"]),
        losses=Losses((Loss.FUND, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=False),
        ratio=Ratio("maintenance requirement ÷ collateral", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        models={Method.TIERED: DriftModel(markets, data["buffer"]["ratio"])},
    )


def _capabilities() -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual"}),
        modes=frozenset({Mode.CROSS, Mode.ISOLATED}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset({"standard", HIGH_LEVERAGE}),
        refused={
            "future": "not offered",
            "option": "not offered",
            "inverse": "not offered",
            "quanto": "not offered",
            "hedge": "one net position a market",
            "portfolio": "requirements are plain sums over positions",
        },
        gaps=GAPS,
    )


def _prices(stages: Mapping[Purpose, Stage]) -> PricePolicy:
    """A contract at its mark; a token at its index, and at its slow price too where the purpose is strict."""
    pair = {True: (PriceKind.INDEX, PriceKind.SLOW), False: (PriceKind.INDEX,)}
    return PricePolicy(
        positions=dict.fromkeys(stages, (PriceKind.MARK,)),
        collateral={purpose: pair[stage.strict] for purpose, stage in stages.items()},
    )


def listed_markets() -> Markets:
    """The markets of the rule file.

    >>> listed_markets().spots["SOL"].imf
    1250
    """
    data = read_rules(FOLDER)
    fees = data["liquidation"]
    spots = {
        name: replace(
            SpotMarket(*row),
            liquidator_fee=fees["liquidator_fee"],
            fund_fee=fees["fund_fee"],
            quote=name == data["numeraire"],
        )
        for name, row in data["spots"].items()
        if name != "source"
    }
    tables = data["perps"]
    perps = {coin: _perp_market(data, table) for table in tables.values() for coin in table["underlyings"]}
    return Markets(spots, perps, _perp_market(data, tables["other"]))


def _perp_market(data: Mapping[str, Any], table: Mapping[str, Any]) -> PerpMarket:
    profit, fees = data["profit"], data["liquidation"]
    return PerpMarket(
        table["initial"],
        table["maintenance"]["ratio"],
        profit_initial=profit["initial"],
        profit_maintenance=profit["maintenance"],
        profit_imf=profit["imf"],
        liquidator_fee=fees["liquidator_fee"],
        fund_fee=fees["fund_fee"],
        step=fees["step"],
    )


def terms() -> Terms:
    """The program's liquidation settings in the rule file.

    >>> terms()
    Terms(buffer=200, initial_share=1000, duration_slots=150)
    """
    data = read_rules(FOLDER)
    fees = data["liquidation"]
    return Terms(data["buffer"]["ratio"], fees["initial_share"], fees["duration_slots"])


@exact
def with_markets(
    rules: VenueRules,
    markets: Markets,
    settings: Settings = NO_SETTINGS,
    stages: Mapping[Purpose, Stage] = STAGES,
    buffer: int | None = None,
) -> VenueRules:
    """The rule set with markets, a user's settings, stages by purpose or a buffer of the caller's own.

    Parameters
    ----------
    rules
        The rule set everything else is taken from.
    markets
        Tokens and perpetuals, as read from the chain.
    settings
        What the user has set on the account.
    stages
        How each purpose is tested.
    buffer
        The liquidation buffer, 1e-4; the rule set's own where None.

    Examples
    --------
    >>> rules = with_markets(drift_v2(), Markets({}, {"SOL": PerpMarket(1000, 500)}))
    >>> rules.margin.every()["SOL"].default_leverage
    10

    """
    own = rules.models[Method.TIERED]
    kept = own.buffer if isinstance(own, DriftModel) else 0
    model = DriftModel(markets, kept if buffer is None else buffer, stages, settings)
    return replace(
        rules,
        margin=PerpMargins(markets),
        collateral=TokenWeights(markets),
        prices=_prices(stages),
        models={Method.TIERED: model},
    )
