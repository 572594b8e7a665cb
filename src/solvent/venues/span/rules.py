"""SPAN as a value: a clearing house's parameters where there are any, own scans for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.instruments import Instrument, Payoff, Spot, Structured
from solvent.rules import (
    AdlRank,
    Borrowing,
    Bracket,
    Capabilities,
    ContractMargin,
    Form,
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
    RulesError,
    Threshold,
    Transition,
    VenueRules,
)
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.parts import day, fees, in_full, liquidation, read_rules, same_prices, sources
from solvent.venues.span.account import SpanAccount
from solvent.venues.span.arrays import Scan
from solvent.venues.span.formulas import Extreme
from solvent.venues.span.parameters import RiskParameters

FOLDER = "span"
DAYS = Decimal(365)
PLACES = 12
GAPS = (
    "without a clearing house's file contracts are scanned by shares of the price that are our choice",
    "spreads credited by scanning all legs again, and scan tiers, give no credit; a reader says which it left out",
    "delivery months by basis risk (method 11) are not charged",
    "spreads between clearing organisations are not formed",
    "option value beyond the risk of its commodity counts for nothing else unless the file says so",
    "resting orders are refused: ask what-if for each",
    "collateral is the account's own currency alone",
)


@dataclass(frozen=True, slots=True)
class Contracts:
    """Futures, options on them, and perpetuals taken for futures: what they need is their portfolio's."""

    def contract(self, instrument: Instrument) -> ContractMargin:
        """No schedule of its own; :class:`RulesError` for what is no linear contract."""
        if isinstance(instrument, Spot):
            raise RulesError(f"{instrument.symbol}: spot has no margin under span")
        if isinstance(instrument, Structured):
            raise RulesError(f"{instrument.symbol}: a structured product has no risk array of this kind")
        if instrument.payoff is not Payoff.LINEAR:
            raise RulesError(f"{instrument.symbol}: {instrument.payoff.value} contracts are not covered")
        return ContractMargin({}, (Bracket(ZERO, 1),), frozenset(), 1)


@cache
def account() -> SpanAccount:
    """The account without a file: own scans.

    >>> account().default.extreme
    Extreme(multiplier=Decimal('2'), cover=Decimal('0.35'))
    """
    data = read_rules(FOLDER)
    scans = {name: _scan(data, row["price_share"]) for name, row in data["scans"].items()}
    return SpanAccount(
        RiskParameters(), _scan(data, data["default"]["price_share"]), scans, Decimal(data["initial"]["ratio"])
    )


@exact
def _scan(data: Mapping[str, Any], share: Decimal) -> Scan:
    extreme = Extreme(Decimal(data["extreme"]["multiplier"]), data["extreme"]["cover"])
    lookahead = divide(Decimal(data["scan"]["lookahead_days"]), DAYS, PLACES, Rounding.UP)
    return Scan(share, data["scan"]["volatility"], extreme, lookahead)


def with_parameters(parameters: RiskParameters) -> VenueRules:
    """The rule set under a clearing house's file: a contract that is not in it is refused.

    >>> with_parameters(RiskParameters("XYZ", "20260620")).title
    'SPAN, first generation: XYZ 20260620'
    """
    model = SpanAccount(parameters, initial_ratio=ONE)
    named = f"SPAN, first generation: {parameters.name} {parameters.date}"
    return replace(span(), title=" ".join(named.split()), models={Method.SCENARIO: model})


@exact
def span() -> VenueRules:
    """The rule set without a file.

    Examples
    --------
    >>> span().method.value
    'scenario'

    """
    data = read_rules(FOLDER)
    leverage = data["modes"]["max_leverage"]
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=Contracts(),
        collateral=in_full("USD"),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.PORTFOLIO: ModeRules(leverage), Mode.CROSS: ModeRules(leverage)},
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.FUND, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE),
        thresholds=(Threshold("liquidating", Purpose.MAINTAIN, ONE, inclusive=False),),
        ratio=Ratio("requirement / equity", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.SCENARIO),
        method=Method.SCENARIO,
        models={Method.SCENARIO: account()},
    )


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"future", "option", "perpetual"}),
        modes=frozenset({Mode.PORTFOLIO, Mode.CROSS}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "spot": "a futures account holds contracts and its currency",
            "isolated": "not offered",
            "inverse": "not offered",
            "quanto": "not offered",
        },
        gaps=GAPS,
    )
