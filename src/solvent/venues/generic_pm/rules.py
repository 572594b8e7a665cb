"""The textbook of portfolio margin, composed from its dated numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.margin.scenario import Move, TermShock
from solvent.margin.scenario.joint import Follows, Joint, JointRules, Moved
from solvent.margin.scenario.joint_account import Closing, JointAccount
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
from solvent.units import exact
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

FOLDER = "generic_pm"
GAPS = (
    "numbers are our own choice; no venue uses exactly these",
    "unrealised profit counts in full at every purpose",
    "a gap moves one underlying from where it is, not from where a scenario has put it",
    "a future and its spot move together: the basis is covered by the cost of closing alone",
    "inverse contracts and American options are refused",
)


@cache
def parameters() -> JointRules:
    """The scan's numbers.

    >>> len(parameters().scenarios), parameters().scenarios[2].name
    (22, 'market +4 %, volatility up')
    """
    data = read_rules(FOLDER)
    moved = {name: Moved(*map(Decimal, row)) for name, row in data["underlyings"].items() if name != "source"}
    moved["*"] = moved.pop("default")
    return JointRules(
        scenarios=tuple(_scenarios(data["scenarios"])),
        volatility=_volatility(data["volatility"]),
        underlyings=moved,
        collateral={name: _follows(facts) for name, facts in data["collateral"].items()},
        least=data["scenarios"]["least_factor"],
    )


def _scenarios(data: Mapping[str, Any]) -> Iterator[Joint]:
    for move in map(Decimal, data["moves"]):
        for volatility in (Move.UP, Move.DOWN):
            yield Joint(_name(move, volatility), move, volatility)
    for row in data["extremes"]:
        move, volatility = Decimal(row[0]), Move(row[1])
        yield Joint(f"extreme: {_name(move, volatility)}", move, volatility, Decimal(row[2]))
    for row in data["depegs"]:
        move, volatility = Decimal(row[0]), Move(row[1])
        yield Joint(f"pegs lost: {_name(move, volatility)}", move, volatility, Decimal(row[2]), depeg=True)


@exact
def _name(move: Decimal, volatility: Move) -> str:
    percent = move * 100
    return f"market {'+' if percent > 0 else ''}{percent.normalize():f} %, volatility {volatility.value}"


def _volatility(data: Mapping[str, Any]) -> TermShock:
    names = ("up", "down", "short_power", "long_power", "least_seconds", "least_up")
    up, down, short, long, least_seconds, least_up = (float(data[name]) for name in names)
    return TermShock(up, down, short, long, least_seconds, least_up)


def _follows(facts: Mapping[str, Any]) -> Follows:
    beta, gap, depeg = (Decimal(facts[name]) for name in ("beta", "gap", "depeg"))
    return Follows(tuple(facts["legs"]), beta, gap, depeg, schedule(facts["add_on"]))


@exact
def generic_pm() -> VenueRules:
    """The rule set.

    Examples
    --------
    >>> generic_pm().method.value, generic_pm().forms[Purpose.MAINTAIN].value
    ('scenario', 'scenario')

    """
    data = read_rules(FOLDER)
    closing = Closing(data["closing"]["contract"], data["closing"]["option"])
    multiples = {purpose: Decimal(data["multiples"][purpose.name]) for purpose in Purpose}
    leverage = data["modes"]["max_leverage"]
    states = ("liquidating", "margin_call", "warned")
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=LinearContracts(data["name"], max(leverage.values())),
        collateral=in_full(data["numeraire"]),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={
            Mode.PORTFOLIO: ModeRules(leverage),
            Mode.CROSS: ModeRules(leverage),
            Mode.ISOLATED: ModeRules(leverage, data["modes"]["isolated_multiplier"]),
        },
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
        forms=dict.fromkeys(Purpose, Form.SCENARIO),
        path=Path.UNDERLYING,
        method=Method.SCENARIO,
        models={Method.SCENARIO: JointAccount(parameters(), closing, multiples)},
    )


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future", "option", "structured"}),
        modes=frozenset({Mode.CROSS, Mode.ISOLATED, Mode.PORTFOLIO}),
        legs=frozenset(LegMode),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={"inverse": "not in the scan", "quanto": "no conversion at a fixed rate is defined"},
        gaps=GAPS,
    )
