"""Rule sets around a pool model: what Derive's three managers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.instruments import Instrument, Option, Payoff, Perpetual
from solvent.margin.scenario import PortfolioRules, ScenarioAccount
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
    PoolModel,
    Profit,
    Ratio,
    RulesError,
    Threshold,
    Transition,
    VenueRules,
)
from solvent.units import ONE, ZERO
from solvent.venues.parts import day, fees, in_full, liquidation, same_prices, sources


@dataclass(frozen=True, slots=True)
class WholePools:
    """Margin facts of single instruments where pools are margined whole: none, and no limit of leverage.

    >>> WholePools(1000).every()
    {}
    """

    most_leverage: int

    def contract(self, instrument: Instrument) -> ContractMargin:
        """No schedule; :class:`~solvent.rules.RulesError` for what is not covered."""
        if type(instrument) not in (Option, Perpetual) or getattr(instrument, "payoff", None) is not Payoff.LINEAR:
            kind = type(instrument).__name__.lower()
            raise RulesError(f"{instrument.symbol}: linear options and perpetuals are covered, not this {kind}")
        return ContractMargin({}, (Bracket(ZERO, self.most_leverage),), frozenset(), self.most_leverage)

    def every(self) -> Mapping[str, ContractMargin]:
        """No instrument has tiers of its own."""
        return {}


def rules_around(
    data: Mapping[str, Any], model: PoolModel, gaps: tuple[str, ...], refused: Mapping[str, str]
) -> VenueRules:
    """The rule set around a pool model."""
    classes = {"standard": int(data["modes"]["most_leverage"])}
    mode = ModeRules(classes)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=Capabilities(
            instruments=frozenset({"spot", "perpetual", "option"}),
            modes=frozenset({Mode.CROSS, Mode.PORTFOLIO}),
            legs=frozenset({LegMode.ONE_WAY}),
            account_classes=frozenset(classes),
            refused={
                "isolated": "another sub-account isolates",
                "future": "not offered",
                "inverse": "not offered",
                "quanto": "not offered",
                **refused,
            },
            gaps=gaps,
        ),
        margin=WholePools(classes["standard"]),
        collateral=in_full(data["numeraire"]),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: mode, Mode.PORTFOLIO: mode},
        transition=Transition.NOTHING,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.PROPORTIONAL),
        penalty=Penalty(PenaltyBase.DEFICIT, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.FUND, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE),
        thresholds=(Threshold("in_auction", Purpose.MAINTAIN, ONE, inclusive=False),),
        ratio=Ratio("requirement over value", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.SCENARIO),
        method=Method.SCENARIO,
        models={Method.SCENARIO: model},
    )


def portfolio_rule_set(data: Mapping[str, Any], own: PortfolioRules, gaps: tuple[str, ...]) -> VenueRules:
    """A portfolio manager's rule set with its numbers."""
    return rules_around(data, ScenarioAccount(own), gaps, {})


def with_parameters(rules: VenueRules, own: PortfolioRules) -> VenueRules:
    """A portfolio manager's rule set with other numbers: another deployment's, or a test's.

    >>> from solvent.venues import venue
    >>> from solvent.venues.derive_pmrm1.rules import parameters
    >>> with_parameters(venue("derive_pmrm1"), parameters()) == venue("derive_pmrm1")
    True
    """
    return replace(rules, models={Method.SCENARIO: ScenarioAccount(own)})
