"""Regulation T as a value: stock and options, each short leg where it costs least."""

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
    RulesError,
    Threshold,
    Transition,
    VenueRules,
)
from solvent.units import ONE, ZERO, exact
from solvent.venues.parts import (
    OptionsOnly,
    WeightTable,
    day,
    fees,
    in_full,
    liquidation,
    read_rules,
    same_prices,
    sources,
)
from solvent.venues.reg_t.account import ClassTable, StrategyAccount, model_of
from solvent.venues.reg_t.formulas import Rates, Sides

FOLDER = "reg_t"
GAPS = (
    "the short rates a share and the strategies of the rule text were read in examples, not in the text itself",
    "resting orders are refused: ask what-if for each",
    "more than nine months is taken as more than 274 days",
    "early exercise, day trading and concentration rules of a broker's house are not part of it",
    "an underlying that is not listed is margined as a stock",
    "spreads of more than two pairs at once have no strategy of their own",
)


@cache
def table() -> ClassTable:
    """The classes of underlyings there are.

    >>> table().rates("SPX").naked_share, table().rates("IBM").naked_share
    (Decimal('0.15'), Decimal('0.20'))
    """
    data = read_rules(FOLDER)
    named = {one: rates_of(name) for name, row in data["classes"].items() for one in row.get("names", ())}
    covers = {name: {k: Decimal(n) for k, n in row["shares"].items()} for name, row in data["covers"].items()}
    return ClassTable(named, rates_of("equity"), covers, Decimal(data["account"]["least_equity"]))


@cache
def rates_of(name: str) -> Rates:
    """The numbers of a class of underlyings: equity, narrow_index or broad_index.

    >>> rates_of("narrow").naked_share
    Traceback (most recent call last):
    ...
    solvent.rules.RulesError: no class of underlyings is named 'narrow'; there are broad_index, equity, narrow_index
    """
    data = read_rules(FOLDER)
    if name not in data["classes"]:
        raise RulesError(f"no class of underlyings is named {name!r}; there are {', '.join(sorted(data['classes']))}")
    row, stock, held, options = data["classes"][name], data["stock"], data["maintenance"], data["options"]
    return Rates(
        naked_share=row["naked_share"],
        naked_floor=options["naked_floor"],
        initial=Sides(stock["initial_long"], stock["initial_short"]),
        maintenance=Sides(held["long"], held["short"]),
        short_least=Decimal(held["short_least"]),
        cheap_below=Decimal(held["cheap_below"]),
        cheap_least=Decimal(held["cheap_least"]),
        protective_share=options["protective_share"],
        collar_share=options["collar_share"],
        loan_share=options["loan_share"],
        loan_days=data["long_dated"]["loan_days"],
        cash_calls_at_strike=row["cash_calls_at_strike"],
    )


def rates_at(rules: VenueRules, underlying: str) -> Rates:
    """The numbers a rule set has for an underlying."""
    return model_of(rules).table.rates(underlying)


@exact
def with_stock_rate(rates: Rates, rate: Decimal) -> Rates:
    """The numbers with one rate for stock on both sides and at both times, as a broker may set it."""
    return rates._replace(initial=Sides(rate, rate), maintenance=Sides(rate, rate))


def with_class(
    rules: VenueRules, underlying: str, rates: Rates, covers: Mapping[str, Decimal] | None = None
) -> VenueRules:
    """The rule set with an underlying's own numbers, and assets that stand for it; no least equity.

    >>> from solvent.venues import venue
    >>> model_of(with_class(venue("reg_t"), "XYZ", rates_of("broad_index"))).table.rates("XYZ").naked_share
    Decimal('0.15')
    """
    own = model_of(rules).table
    every = own.covers if covers is None else {**own.covers, underlying: covers}
    changed = replace(own, by_underlying={**own.by_underlying, underlying: rates}, covers=every, least_equity=ZERO)
    return replace(rules, models={Method.STRATEGY: StrategyAccount(changed)})


@exact
def reg_t() -> VenueRules:
    """The rule itself.

    Examples
    --------
    >>> reg_t().method.value
    'strategy'

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=OptionsOnly(data["name"]),
        collateral=_collateral(),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: ModeRules(data["modes"]["max_leverage"])},
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.SOCIALISE,), AdlRank.PROFIT_TIMES_LEVERAGE),
        thresholds=(Threshold("liquidating", Purpose.MAINTAIN, ONE, inclusive=False),),
        ratio=Ratio("maintenance / equity", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        method=Method.STRATEGY,
        models={Method.STRATEGY: StrategyAccount(table())},
    )


@exact
def reg_t_broker() -> VenueRules:
    """A broker's house rules on top: a share of the call's price on covered calls.

    >>> model_of(reg_t_broker()).table.rates("IBM").call_premium_share
    Decimal('0.8')
    """
    plain, share = reg_t(), read_rules(FOLDER)["house"]["call_premium_share"]
    own = table()
    named = {name: rates._replace(call_premium_share=share) for name, rates in own.by_underlying.items()}
    house = replace(own, by_underlying=named, default=own.default._replace(call_premium_share=share))
    return replace(
        plain,
        name="reg_t_broker",
        title=f"{plain.title}, with a broker's covered calls",
        models={Method.STRATEGY: StrategyAccount(house)},
    )


def _collateral() -> WeightTable:
    return in_full("USD")


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"option", "spot"}),
        modes=frozenset({Mode.CROSS}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "perpetual": "no part of a securities account",
            "future": "held in a futures account, not in a securities account",
            "isolated": "not offered",
            "portfolio": "the rule set tims",
            "inverse": "not offered",
            "quanto": "not offered",
        },
        gaps=GAPS,
    )
