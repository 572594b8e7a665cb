"""Deribit as values: standard margin with cross collateral, and portfolio margin, in USD or segregated by coin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from solvent.book import Book, LegMode, Market, Method, Mode, Purpose
from solvent.margin.premiums import OptionAccount
from solvent.margin.scenario.shocks import TermShock
from solvent.margin.scenario.units import UnitAccount, units_of
from solvent.margin.unified import UnifiedAccount
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Capabilities,
    Collateral,
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
    Transition,
    VenueRules,
)
from solvent.units import ONE, ZERO, exact
from solvent.venues.deribit.formulas import StandardOptions
from solvent.venues.deribit.portfolio import Currency, Pair, Parameters, PortfolioMargin, Simulated, simulate
from solvent.venues.deribit.slopes import AT_INITIAL, MOST_LEVERAGE, Slopes, SlopeTable
from solvent.venues.parts import (
    COUNTED_IN_FULL,
    WeightTable,
    day,
    fees,
    liquidating,
    liquidation,
    read_rules,
    same_prices,
    sources,
)
from solvent.venues.with_options import AlsoOptions, Unscheduled

FOLDER = "deribit"
GAPS = (
    "haircuts other than stETH's were not found: none for BTC, ETH, USDC and USDT, 10% for SOL; others count nothing",
    "rates of dated futures and of other coins were not found: dated futures have the perpetual's, others 10% and 5%",
    "option values are taken not to count in the margin balance of standard margin: no text was found",
    "segregated accounts in standard margin are not a rule set of their own",
    "currencies that offset only their own products are no collateral here",
    "liquidation fees are those of 2022; the size of a slice and its price limit are assumed",
    "initial margin of resting orders is taken as if the orders of one side were filled",
)
PORTFOLIO = "portfolio"
PORTFOLIO_GAPS = (
    "parameters were found for BTC and ETH only; other underlyings are refused",
    "the delta shock's formula was not found: ours, zero up to the published 20 million dollars of delta",
    "the fraction of an extended move is a clone's: range over move, for options; futures stay at the grid's edge",
    "no published reply holds an option: its scenarios are the page's words and parameters",
    "in cross collateral BTC has ETH's share of gains (0.6 and 20 million dollars), segregated accounts none: assumed",
    "correlation contingency and margins of orders and quotes count where the market gives them; orders also as fills",
    *GAPS[:2],
    "currencies that offset only their own products are no collateral here",
    "liquidation fees are those of 2022; the size of a slice and its price limit are assumed",
)


@exact
def deribit() -> VenueRules:
    """Standard margin with cross collateral: linear and inverse futures, judged in USD.

    Examples
    --------
    >>> btc = deribit().margin.every()["BTC"].schedules[Purpose.MAINTAIN]
    >>> btc.rate(Decimal(25))
    Decimal('0.01125')

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=AlsoOptions(_slopes(data)),
        collateral=_haircuts(data),
        prices=same_prices(),
        profit={**dict.fromkeys(Purpose, Profit.IN_FULL), Purpose.WITHDRAW: Profit.LOSSES_ONLY},
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: ModeRules(data["modes"]["max_leverage"])},
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.PROPORTIONAL),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"], data["penalty"]["by_symbol_ppm"]),
        losses=Losses((Loss.FUND, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=True),
        ratio=Ratio("maintenance margin use", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        breach_inclusive=True,
        models={Method.TIERED: OptionAccount(UnifiedAccount(fee_to_close=False), StandardOptions())},
    )


@exact
def deribit_pm() -> VenueRules:
    """Portfolio margin with cross collateral: every underlying scanned by itself, judged in USD.

    Examples
    --------
    >>> deribit_pm().method.value
    'scenario'

    """
    data = read_rules(FOLDER, PORTFOLIO)
    found = _portfolio(data, PortfolioMargin(parameters()))
    return replace(found, name=data["name"], title=data["title"], effective_from=day(data))


@exact
def deribit_pm_segregated() -> VenueRules:
    """Portfolio margin of one currency by itself: what settles in a coin, judged in the coin.

    Examples
    --------
    >>> str(deribit_pm_segregated().effective_from)
    '2024-06-17'

    """
    own = read_rules(FOLDER, PORTFOLIO)["segregated"]
    found = _portfolio(read_rules(FOLDER, PORTFOLIO), PortfolioMargin(parameters(credit=False), segregated=True))
    since: date = own["effective_from"]
    return replace(found, name=own["name"], title=own["title"], effective_from=since, collateral=WeightTable())


def _portfolio(data: Mapping[str, Any], margin: PortfolioMargin) -> VenueRules:
    base = deribit()
    mode = base.modes[Mode.CROSS]
    return replace(
        base,
        sources=(*sources(data), *base.sources),
        capabilities=replace(
            base.capabilities,
            modes=frozenset({Mode.CROSS, Mode.PORTFOLIO}),
            refused={name: base.capabilities.refused[name] for name in ("quanto", "isolated")},
            gaps=PORTFOLIO_GAPS,
        ),
        margin=Unscheduled(MOST_LEVERAGE),
        modes={Mode.CROSS: mode, Mode.PORTFOLIO: mode},
        forms=dict.fromkeys(Purpose, Form.SCENARIO),
        method=Method.SCENARIO,
        models={Method.SCENARIO: UnitAccount(UnifiedAccount(fee_to_close=False), margin)},
    )


def with_parameters(rules: VenueRules, own: Parameters) -> VenueRules:
    """A portfolio margin rule set with other numbers, as the exchange's replies state them beside their results."""
    model = _unit_account(rules)
    assert isinstance(model.margin, PortfolioMargin)
    return replace(rules, models={Method.SCENARIO: replace(model, margin=replace(model.margin, parameters=own))})


@exact
def simulations(book: Book, market: Market, rules: VenueRules, pool: str) -> tuple[Simulated, ...]:
    """Every underlying of a pool taken apart, as private/pme/simulate does; errors as :func:`solvent.margin.assess`."""
    holding, model = book.holding(pool), _unit_account(rules)
    assert isinstance(model.margin, PortfolioMargin)
    own = model.margin.parameters
    units = units_of(book, market, holding, rules.name)
    return tuple(simulate(market, unit, holding.pool.numeraire, own) for unit in units)


def _unit_account(rules: VenueRules) -> UnitAccount:
    found = rules.models.get(Method.SCENARIO)
    if not isinstance(found, UnitAccount):
        raise RulesError(f"{rules.name} is no portfolio margin of risk units")
    return found


def parameters(*, credit: bool = True) -> Parameters:
    """The portfolio margin's numbers; without ``credit`` no gain counts, as in the segregated example.

    >>> found = parameters()
    >>> found.currencies["BTC"].gain_credit, parameters(credit=False).currencies["BTC"].gain_credit
    (Decimal('0.6'), Decimal('0'))
    """
    data = read_rules(FOLDER, PORTFOLIO)
    terms, least = data["terms"], float(data["chosen_terms"]["least_seconds"])
    powers = float(terms["short_power"]), float(terms["long_power"])
    threshold, most = Decimal(data["delta_shock"]["threshold"]), Decimal(data["delta_shock"]["most"])
    pairs = {
        name: Pair(
            row["price_range"],
            TermShock(float(row["up"]), float(row["down"]), *powers, least, float(row["least_up"])),
            row["impact"],
            threshold,
            most,
        )
        for name, row in data["pairs"].items()
    }
    currencies = {}
    for name, row in data["currencies"].items():
        share, gain = (Decimal(row.get(key, data["chosen_credit"][key])) for key in ("gain_credit", "most_gain"))
        currencies[name] = Currency(
            row["least_move"],
            row["move_by_year"],
            share if credit else ZERO,
            gain if credit else None,
            Decimal(row["dampener"]),
        )
    grid = data["grid"]
    extended = tuple(Decimal(one) for one in data["extended"]["moves"])
    return Parameters(grid["buckets"], extended, grid["maintenance_share"], pairs, currencies)


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future", "option"}),
        modes=frozenset((Mode.CROSS,)),
        legs=frozenset((LegMode.ONE_WAY,)),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "quanto": "not offered",
            "isolated": "the exchange has cross margin and sub-accounts only",
            "portfolio": "deribit_pm and deribit_pm_segregated",
        },
        gaps=GAPS,
    )


def _slopes(data: Mapping[str, Any]) -> SlopeTable:
    return SlopeTable({coin: _slope(row) for coin, row in data["slopes"].items()}, _slope(data["default"]))


def _slope(row: Mapping[str, Any]) -> Slopes:
    return Slopes(row["initial"], row["maintenance"], Decimal(row["slope"]))


def _haircuts(data: Mapping[str, Any]) -> WeightTable:
    """Weights of one less the haircut where initial margin is tested, in full where maintenance is."""
    none = dict.fromkeys(Purpose, COUNTED_IN_FULL)
    found = {asset: Collateral(none) for asset in data["no_haircut"]["assets"]}
    for table in ("haircuts", "chosen_haircuts"):
        for asset, cut in data[table].items():
            if asset != "source":
                weight = Schedule.weights([("0", ONE - Decimal(cut))])
                found[asset] = Collateral({**none, **dict.fromkeys(AT_INITIAL, weight)})
    return WeightTable(found)
