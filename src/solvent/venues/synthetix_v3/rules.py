"""Synthetix V3 perpetuals as a value: a cross account with a requirement by size and one capped reward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.rules import (
    AdlRank,
    Borrowing,
    Capabilities,
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
    Threshold,
    Transition,
    VenueRules,
)
from solvent.units import ONE, exact
from solvent.venues.parts import WeightTable, day, fees, liquidation, read_rules, same_prices, sources
from solvent.venues.synthetix_v3.account import CrossAccount
from solvent.venues.synthetix_v3.collateral import discount
from solvent.venues.synthetix_v3.requirement import PerpFacts, PerpTable
from solvent.venues.synthetix_v3.rewards import Guards, KeeperRules
from solvent.venues.synthetix_v3.vault import LpVault

FOLDER = "synthetix_v3"
GAPS = (
    "markets without a table of their own take the small market's numbers; their skew scale is a figure of the market",
    "the spot markets' skew scales were not found: without one a collateral takes its highest discount",
    "the reward that is a share of collateral was not found: taken as zero",
    "an order's extra rules (its part of the reward at the fill price, no gain from a good fill) are `admission`'s",
    "a withdrawal is judged on the account it leaves; the contract compares its full value with what was there before",
    "the limit of collaterals an account may hold is not enforced",
)


@cache
def table() -> PerpTable:
    """The markets that are listed, and the numbers of every other one.

    >>> table().by_underlying["BTC"].window_amount == Decimal("281.8125")
    True
    """
    data = read_rules(FOLDER)
    listed = {name: _facts(one) for name, one in data["markets"].items()}
    return PerpTable(listed, default=replace(_facts(data["default"]), skew_scale_given=True))


def _facts(one: Mapping[str, Any]) -> PerpFacts:
    return PerpFacts(
        skew_scale=Decimal(one["skew_scale"]),
        initial_ratio=Decimal(one["initial_ratio"]),
        minimum_ratio=Decimal(one["minimum_ratio"]),
        maintenance_scalar=Decimal(one["maintenance_scalar"]),
        flag_ratio=Decimal(one["flag_ratio"]),
        minimum_margin=Decimal(one["minimum_margin"]),
        maker_fee=Decimal(one["maker_fee"]),
        taker_fee=Decimal(one["taker_fee"]),
        window_multiplier=Decimal(one["window_multiplier"]),
        window_seconds=Decimal(one["window_seconds"]),
        max_premium=Decimal(one["max_premium"]),
        max_velocity=Decimal(one["max_velocity"]),
    )


@cache
def keeper() -> KeeperRules:
    """The guards of keepers' rewards.

    >>> keeper().guards.most
    Decimal('30')
    """
    data = read_rules(FOLDER)["keeper"]
    guards = Guards(*(Decimal(data[name]) for name in Guards._fields))
    return KeeperRules(guards, Decimal(data["collateral"]["ratio"]))


def with_account(rules: VenueRules, markets: PerpTable, guards: KeeperRules) -> VenueRules:
    """The rule set with other markets and guards: another deployment's, or a test's.

    >>> from solvent.venues import venue
    >>> with_account(venue("synthetix_v3"), PerpTable(), keeper()).margin.every()
    {}
    """
    return replace(rules, margin=markets, models={Method.TIERED: CrossAccount(markets, guards)})


def vault() -> LpVault:
    """The liquidity providers' pool, as data.

    >>> vault().bears_bad_debt
    True
    """
    listed = read_rules(FOLDER)["markets"]
    ratios = {name: Decimal(one["locked_ratio"]) for name, one in listed.items()}
    return LpVault(account="lp:perps", locked_ratio=ratios)


@exact
def synthetix_v3() -> VenueRules:
    """The account of the Base deployment.

    Examples
    --------
    >>> rules = synthetix_v3()
    >>> rules.forms[Purpose.MAINTAIN].value, rules.breach_inclusive
    ('ring1', False)

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=table(),
        collateral=_discounts(data),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: ModeRules(data["modes"]["max_leverage"])},
        transition=Transition.REDUCE_FREELY,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.SEIZED_COLLATERAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.LP_VAULT,), AdlRank.PROFIT_TIMES_LEVERAGE),
        thresholds=(Threshold("liquidating", Purpose.MAINTAIN, ONE, inclusive=False),),
        ratio=Ratio("margin ratio", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        models={Method.TIERED: CrossAccount(table(), keeper(), data["account"]["most_positions"])},
    )


def _discounts(data: Mapping[str, Any]) -> WeightTable:
    facts = {
        name: discount(name, Decimal(one["scalar"]), Decimal(one["lower"]), Decimal(one["upper"]))
        for name, one in data["collateral"].items()
    }
    return WeightTable(facts)


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"perpetual"}),
        modes=frozenset({Mode.CROSS}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "isolated": "an account is cross over its markets; another account isolates",
            "portfolio": "not offered",
            "option": "not offered",
            "future": "not offered",
            "spot": "the spot market is another system",
            "inverse": "not offered",
            "quanto": "not offered",
        },
        gaps=GAPS,
    )
