"""Portfolio margin of a securities account as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.book import LegMode, Market, Method, Mode, Purpose
from solvent.instruments import Exercise
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
from solvent.units import ONE, Rounding, divide, exact
from solvent.venues.parts import OptionsOnly, day, fees, in_full, liquidation, read_rules, same_prices, sources
from solvent.venues.tims.account import Moves, MovesTable, PortfolioAccount, model_of

FOLDER = "tims"
LEAST_PLACES = 12
GAPS = (
    "the clearing house's surface and binomial tree are not published: each option keeps its implied volatility",
    "shares of gains across classes of a product group were not obtained: no group is listed, callers may give theirs",
    "resting orders are refused: ask what-if for each",
    "a broker's concentration charge is not part of it",
    "dividends are a continuous yield, a figure of the market; without it there are none",
)


@cache
def table() -> MovesTable:
    """The classes that are listed; every other underlying is a stock.

    >>> table().moves("SPX").down, table().moves("IBM").down, table().members["SPY"]
    (Decimal('-0.08'), Decimal('-0.15'), 'SPX')
    """
    data = read_rules(FOLDER)
    rows = data["classes"]
    named = {one: _moves(data, row) for row in rows.values() for one in row.get("names", ())}
    return MovesTable(_moves(data, rows["equity"]), named, data["members"])


def _moves(data: Mapping[str, Any], row: Mapping[str, Any]) -> Moves:
    return Moves(row["up"], row["down"], row["points"], data["least"]["per_unit"], Exercise(row["exercise"]))


@exact
def with_class(
    rules: VenueRules,
    underlying: str,
    up: Decimal,
    down: Decimal,
    points: int,
    least_per_contract: Decimal,
    multiplier: Decimal,
) -> VenueRules:
    """The rule set with an underlying's own moves, and the least a contract of ``multiplier`` units needs.

    >>> from solvent.venues import venue
    >>> ten = Decimal("0.1")
    >>> own = with_class(venue("tims"), "XYZ", ten, -ten, 10, Decimal("37.5"), Decimal(100))
    >>> float(model_of(own).table.moves("XYZ").least_per_unit)
    0.375
    """
    known = model_of(rules).table
    least = divide(least_per_contract, multiplier, LEAST_PLACES, Rounding.UP)
    changed = known.moves(underlying)._replace(up=up, down=down, points=points, least_per_unit=least)
    own = replace(known, by_underlying={**known.by_underlying, underlying: changed})
    return replace(rules, models={Method.SCENARIO: PortfolioAccount(own)})


def exercise_of(rules: VenueRules, underlying: str) -> Exercise:
    """How options on an underlying are exercised where nobody says.

    >>> exercise_of(tims(), "SPX").value
    'european'
    """
    return model_of(rules).table.moves(underlying).exercise


def quotes_of_2007(market: Market) -> Market:
    """The market with the rate and dividend yields of CBOE's table of 23 February 2007.

    >>> str(quotes_of_2007(Market({})).figure("rate", "USD"))
    '0.0495'
    """
    given = read_rules(FOLDER)["quotes_2007"]
    yields = {("dividend_yield", name): share for name, share in given["dividend_yield"].items()}
    return replace(market, wide={**market.wide, ("rate", "USD"): given["rate"], **yields})


@exact
def tims() -> VenueRules:
    """The rule set.

    Examples
    --------
    >>> tims().method.value, tims().forms[Purpose.MAINTAIN].value
    ('scenario', 'scenario')

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=OptionsOnly(data["name"]),
        collateral=in_full("USD"),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={
            Mode.PORTFOLIO: ModeRules(data["modes"]["max_leverage"]),
            Mode.CROSS: ModeRules(data["modes"]["max_leverage"]),
        },
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.SOCIALISE,), AdlRank.PROFIT_TIMES_LEVERAGE),
        thresholds=(Threshold("liquidating", Purpose.MAINTAIN, ONE, inclusive=False),),
        ratio=Ratio("requirement / equity", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.SCENARIO),
        method=Method.SCENARIO,
        models={Method.SCENARIO: PortfolioAccount(table())},
    )


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"option", "spot"}),
        modes=frozenset({Mode.PORTFOLIO, Mode.CROSS}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "perpetual": "no part of a securities account",
            "future": "held in a futures account, not in a securities account",
            "isolated": "not offered",
            "inverse": "not offered",
            "quanto": "not offered",
        },
        gaps=GAPS,
    )
