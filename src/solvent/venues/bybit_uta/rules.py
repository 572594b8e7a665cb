"""Bybit's unified trading account as values: the rules since 2025-09-02 (on mark), and those before (on entry)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.instruments import Payoff
from solvent.margin.premiums import OptionAccount
from solvent.margin.scenario.shocks import PlainShock
from solvent.margin.scenario.units import UnitAccount
from solvent.margin.unified import ANY, INITIAL, Rates, UnifiedAccount
from solvent.margin.weights import quantity_tiers
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Capabilities,
    Collateral,
    CollateralFacts,
    ContractMargin,
    Fees,
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
    Transition,
    VenueRules,
)
from solvent.units import exact
from solvent.venues.bybit_uta.formulas import CrossOptions
from solvent.venues.bybit_uta.portfolio import SPOT_HEDGE, Parameters, PortfolioMargin, Stress
from solvent.venues.parts import (
    COUNTED_IN_FULL,
    TierTable,
    WeightTable,
    brackets,
    day,
    fees,
    liquidating,
    liquidation,
    read_rules,
    same_prices,
    schedule,
    sources,
)
from solvent.venues.with_options import AlsoOptions, Unscheduled

FOLDER = "bybit_uta"
GAPS = (
    "tables of ETH and SOL were not found: they begin as the API sample of ETHPERP and rise in steps of ours",
    "other symbols without a table are margined like a small coin",
    "inverse contracts use the table of the USDT contract, in USD; of their own only the first tier was found",
    "collateral ratios of ETH and SOL were not found: 0.95 and 0.9, and 0.85 are assumed; other coins count nothing",
    "margin for borrowing is known for BTC only (4% and 20%) and taken for every asset",
    "in cross margin the fee to close is taken on mark value; the page's text for it was not seen",
    "the fee to close is not added for resting orders",
    "liquidation steps after repayment, price limits and platform-wide collateral caps are not modelled",
)
PORTFOLIO = "portfolio"
PORTFOLIO_GAPS = (
    "volatility moves by a fifth of itself at every expiry, as one option's in a sample: the table was not found",
    "price moves of coins other than BTC and ETH were not found: 20% in steps of 4% is assumed",
    "contingencies of short options, vega, stablecoins and basis were not found: zero unless the market has them",
    "an account with options or spreads needs at least what is shown",
    "the rate on futures (0.03%) is inferred from one sample; the factor of initial margin (1.2) is known for BTC",
    *GAPS[3:5],
    "liquidation steps after repayment, price limits and platform-wide collateral caps are not modelled",
)


@exact
def bybit_uta() -> VenueRules:
    """Cross and isolated margin on mark price, since 2025-09-02.

    Examples
    --------
    >>> btc = bybit_uta().margin.every()["BTC"].schedules[Purpose.MAINTAIN]
    >>> [int(piece.deduction) for piece in btc.pieces[:5]]
    [0, 1200, 3020, 4300, 5820]

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=AlsoOptions(_tiers(data)),
        collateral=WeightTable(_ratios(data["ratios"])),
        prices=same_prices(),
        profit={**dict.fromkeys(Purpose, Profit.IN_FULL), Purpose.WITHDRAW: Profit.LOSSES_ONLY},
        orders=OrderMargin.ORDER_COST,
        modes=dict.fromkeys((Mode.CROSS, Mode.ISOLATED), ModeRules(data["modes"]["max_leverage"])),
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.FUND, Loss.ADL), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=True),
        ratio=Ratio("account maintenance margin rate", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        breach_inclusive=True,
        models={Method.TIERED: _with_options(UnifiedAccount(_borrow(data["borrow"])))},
    )


@exact
def bybit_uta_2024() -> VenueRules:
    """The same account until 2025-09-02: initial and maintenance margin on entry value.

    Examples
    --------
    >>> bybit_uta_2024().effective_from.year
    2024

    """
    data, base = read_rules(FOLDER), bybit_uta()
    before: Mapping[str, Any] = data["entry_rules"]
    since: date = before["effective_from"]
    return replace(
        base,
        name=before["name"],
        title=before["title"],
        effective_from=since,
        models={Method.TIERED: _with_options(UnifiedAccount(_borrow(data["borrow"]), on_entry=True))},
    )


@exact
def bybit_pm() -> VenueRules:
    """Portfolio margin: every base coin stressed by itself, judged in USD.

    Account class ``spot_hedge`` lets the coin's own balance hedge its derivatives.

    Examples
    --------
    >>> sorted(bybit_pm().capabilities.account_classes)
    ['spot_hedge', 'standard']

    """
    data, base = read_rules(FOLDER, PORTFOLIO), bybit_uta()
    most = base.modes[Mode.CROSS].leverage_cap("standard")
    mode = ModeRules(dict.fromkeys(("standard", SPOT_HEDGE), most))
    rest = UnifiedAccount(_borrow(read_rules(FOLDER)["borrow"]), fee_to_close=False)
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=(*sources(data), *base.sources),
        capabilities=replace(
            base.capabilities,
            modes=frozenset((Mode.CROSS, Mode.PORTFOLIO)),
            legs=frozenset((LegMode.ONE_WAY,)),
            account_classes=frozenset(mode.max_leverage),
            refused={"quanto": "not offered", "isolated": "the rules of bybit_uta"},
            gaps=PORTFOLIO_GAPS,
        ),
        margin=Unscheduled(most),
        modes={Mode.CROSS: mode, Mode.PORTFOLIO: mode},
        forms=dict.fromkeys(Purpose, Form.SCENARIO),
        method=Method.SCENARIO,
        models={Method.SCENARIO: UnitAccount(rest, PortfolioMargin(parameters()))},
    )


def parameters() -> Parameters:
    """The portfolio margin's numbers.

    >>> [str(one) for one in parameters().of("BTC")], str(parameters().of("SOL").reach)
    (['0.1', '0.02'], '0.2')
    """
    data = read_rules(FOLDER, PORTFOLIO)
    classes = {name: Stress(row["reach"], row["step"]) for name, row in data["classes"].items()}
    named = {coin: classes[name] for name, row in data["classes"].items() for coin in row["underlyings"]}
    shock = PlainShock(float(data["volatility"]["up"]), float(data["volatility"]["down"]))
    return Parameters(named, classes["other"], shock, data["charges"]["future"], data["charges"]["initial_factor"])


def _with_options(rest: UnifiedAccount) -> OptionAccount:
    row = read_rules(FOLDER, PORTFOLIO)["options"]
    return OptionAccount(rest, CrossOptions(row["maintenance"], row["liquidation_fee"]))


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future", "option"}),
        modes=frozenset((Mode.CROSS, Mode.ISOLATED)),
        legs=frozenset(LegMode),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "quanto": "not offered",
            "portfolio": "bybit_pm",
        },
        gaps=GAPS,
    )


def _tiers(data: Mapping[str, Any]) -> TierTable:
    by_class = {name: _margin(data, table["rows"]) for name, table in data["tiers"].items()}
    named = {coin: by_class[name] for name, table in data["tiers"].items() for coin in table.get("underlyings", ())}
    return TierTable(
        by_underlying=named,
        default=by_class[data["default"]["like"]],
        payoffs=frozenset({Payoff.LINEAR, Payoff.INVERSE}),
    )


def _margin(data: Mapping[str, Any], rows: list[list[Any]]) -> ContractMargin:
    """Maintenance by tiers at every purpose; initial margin is value ÷ leverage where that is more."""
    return ContractMargin(
        schedules=dict.fromkeys(Purpose, schedule(rows)),
        brackets=brackets(rows),
        leverage_at=frozenset(INITIAL),
        default_leverage=data["leverage"]["default"],
    )


def _ratios(tables: Mapping[str, Any]) -> dict[str, CollateralFacts]:
    in_full = Collateral(dict.fromkeys(Purpose, COUNTED_IN_FULL))
    found: dict[str, CollateralFacts] = dict.fromkeys(tables["in_full"]["assets"], in_full)
    for name in ("published", "chosen"):
        for asset, rows in tables[name].items():
            if asset != "source":
                found[asset] = quantity_tiers([(Decimal(cap), Decimal(rate)) for cap, rate in rows])
    return found


def _borrow(rates: Mapping[str, Any]) -> Rates:
    return {one: {ANY: rates["initial" if one in INITIAL else "maintenance"]} for one in Purpose}


def flat_rate(rules: VenueRules, symbol: str, schedule_of_value: Schedule) -> VenueRules:
    """The rule set with one schedule for an instrument and without fees: the forms that printed examples use.

    Parameters
    ----------
    rules
        :func:`bybit_uta` or :func:`bybit_uta_2024`; the second takes it on entry value.
    symbol
        The instrument it is for; others are refused.
    schedule_of_value
        The requirement by value, in the pool's numeraire.

    """
    facts = ContractMargin(
        dict.fromkeys(Purpose, schedule_of_value), brackets([[0, 0, 1000]]), frozenset(INITIAL), default_leverage=1
    )
    table = TierTable(by_symbol={symbol: facts}, payoffs=frozenset(Payoff))
    return replace(rules, margin=table, fees=Fees(0, 0))
