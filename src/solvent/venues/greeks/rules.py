"""Margin on net Greeks as a value: Basel's structure, our numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.margin.greeks import CorrelationTable, GreeksAccount, GreeksRules, Weight
from solvent.margin.greeks.account import three_shifts
from solvent.margin.scenario.joint_account import Closing
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
    Path,
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
from solvent.venues.parts import (
    LinearContracts,
    day,
    fees,
    in_full,
    liquidation,
    read_rules,
    same_prices,
    schedule,
    sources,
)

FOLDER = "greeks"
GAPS = (
    "numbers are our own choice: Basel's are for bank capital",
    "Greeks are those of the present price: a far move is seen through gamma alone",
    "unrealised profit counts in full at every purpose",
    "inverse contracts, American options and structured products are refused",
)


@cache
def parameters() -> GreeksRules:
    """The margin's numbers; building them checks the correlations.

    >>> parameters().weight("DOGE").price
    Decimal('0.35')
    """
    data = read_rules(FOLDER)
    weights = {name: Weight(*map(Decimal, row)) for name, row in data["weights"].items() if name != "source"}
    weights["*"] = weights.pop("default")
    volatility, shift = data["volatility_correlations"], data["correlation_scenarios"]
    coins = data["collateral"]
    return GreeksRules(
        weights=weights,
        prices=_table(data["price_correlations"], ONE),
        volatilities=_table(volatility, Decimal(volatility["expiries"])),
        shifts=three_shifts(*(Decimal(shift[name]) for name in ("high_multiple", "low_multiple", "low_double_less"))),
        days=Decimal(data["theta"]["days"]),
        closing=Closing(data["closing"]["contract"], data["closing"]["option"]),
        coins=dict.fromkeys(coins["coins"], schedule(coins["add_on"])),
        multiples={purpose: Decimal(data["multiples"][purpose.name]) for purpose in Purpose},
    )


def _table(facts: Mapping[str, Any], inside: Decimal) -> CorrelationTable:
    pairs = {frozenset(row[:2]): Decimal(row[2]) for row in facts["pairs"]}
    return CorrelationTable(pairs, Decimal(facts["default"]), inside)


@exact
def greeks() -> VenueRules:
    """The rule set.

    Examples
    --------
    >>> greeks().method.value
    'greeks'

    """
    data = read_rules(FOLDER)
    leverage = data["modes"]["max_leverage"]
    states = ("liquidating", "margin_call", "warned")
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=Capabilities(
            instruments=frozenset({"spot", "perpetual", "future", "option"}),
            modes=frozenset({Mode.CROSS, Mode.PORTFOLIO}),
            legs=frozenset(LegMode),
            account_classes=frozenset(leverage),
            refused={
                "isolated": "another pool of the same rules isolates",
                "structured": "it states profits of scenarios, and no Greeks",
                "inverse": "not covered",
                "quanto": "no conversion at a fixed rate is defined",
            },
            gaps=GAPS,
        ),
        margin=LinearContracts(data["name"], max(leverage.values())),
        collateral=in_full(data["numeraire"]),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.PORTFOLIO: ModeRules(leverage), Mode.CROSS: ModeRules(leverage)},
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.PROPORTIONAL),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.FUND, Loss.ADL, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE),
        thresholds=tuple(
            Threshold(state, Purpose.MAINTAIN, Decimal(data["thresholds"][state]), inclusive=False) for state in states
        ),
        ratio=Ratio("requirement / equity", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        path=Path.UNDERLYING,
        method=Method.GREEKS,
        models={Method.GREEKS: GreeksAccount(parameters())},
    )
