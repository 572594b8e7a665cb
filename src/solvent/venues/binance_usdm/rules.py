"""Binance futures as values: one composition, four dated variants that differ in numbers and collateral."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Mode, Purpose
from solvent.instruments import Payoff
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Capabilities,
    Collateral,
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
    Source,
    Transition,
    VenueRules,
)
from solvent.units import ONE, exact
from solvent.venues.parts import (
    NOTHING,
    TierTable,
    WeightTable,
    brackets,
    day,
    fees,
    in_full,
    liquidating,
    liquidation,
    read_rules,
    same_prices,
    schedule,
    sources,
)

FOLDER = "binance_usdm"
AT_MAINTENANCE = (Purpose.MAINTAIN, Purpose.RECOVER, Purpose.FILL)
AT_INITIAL = frozenset({Purpose.ADMIT, Purpose.WITHDRAW})
SINGLE_GAPS = (
    "liquidation fees are those of 2020; today's are per symbol and were not found",
    "which position of a cross account is closed first is not published: most unprofitable first is assumed",
    "limits on a liquidation order's price are not published: 5% from the mark is assumed",
    "symbols without a table of their own are margined like a small coin",
    "sub-account rules were not found",
)


@exact
def binance_usdm() -> VenueRules:
    """USD-M in single-asset mode, brackets of 2024-10-24.

    Examples
    --------
    >>> rules = binance_usdm()
    >>> [str(p.deduction.normalize()) for p in rules.margin.every()["BTCUSDT"].schedules[Purpose.MAINTAIN].pieces[:3]]
    ['0', '5E+1', '9.5E+2']

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data, (Mode.CROSS, Mode.ISOLATED), SINGLE_GAPS),
        margin=_tiers(data),
        collateral=in_full("USDT"),
        prices=same_prices(),
        profit={**dict.fromkeys(Purpose, Profit.IN_FULL), Purpose.WITHDRAW: Profit.LOSSES_ONLY},
        orders=OrderMargin.ORDER_COST,
        modes=dict.fromkeys((Mode.CROSS, Mode.ISOLATED), ModeRules(data["modes"]["max_leverage"])),
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=_penalty(data),
        losses=Losses((Loss.FUND, Loss.ADL), AdlRank.PROFIT_TIMES_MARGIN_RATIO, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=True),
        ratio=Ratio("margin ratio", requirement_over_equity=True, safer="lower"),
        forms={**dict.fromkeys(Purpose, Form.SEPARABLE), Purpose.WITHDRAW: Form.NESTED},
        breach_inclusive=True,
    )


@exact
def binance_usdm_multi_asset() -> VenueRules:
    """USD-M in multi-assets mode: judged in USD, assets at their bid rate, debts at their ask rate; cross only.

    Examples
    --------
    >>> binance_usdm_multi_asset().collateral.asset("BTC").debt_rate
    Decimal('1.05')

    """
    data, base = read_rules(FOLDER, "multi_asset"), binance_usdm()
    gaps = (
        *SINGLE_GAPS,
        "ask buffers by asset were not found: taken equal to the bid buffers",
        "the limits on how much of an asset may be brought in are not modelled",
        "auto-exchange at a loan to value of one without positions is left to the operator",
    )
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        sources=(*base.sources, *sources(data)),
        capabilities=_capabilities(read_rules(FOLDER), (Mode.CROSS,), gaps),
        collateral=_rates(data),
        modes={Mode.CROSS: base.modes[Mode.CROSS]},
        borrowing=Borrowing(Missing.CONVERT, convert_below=Decimal(data["auto_exchange"]["below"])),
        forms=dict.fromkeys(Purpose, Form.NESTED),
    )


@exact
def binance_usdm_2021() -> VenueRules:
    """USD-M in single-asset mode with the tables of March 2021, those of the exchange's example of two positions.

    Examples
    --------
    >>> eth = binance_usdm_2021().margin.every()["ETHUSDT"].schedules[Purpose.MAINTAIN]
    >>> eth.piece(Decimal(4_900_000)).rate, int(eth.piece(Decimal(4_900_000)).deduction)
    (Decimal('0.1'), 135365)

    """
    data, base = read_rules(FOLDER, "brackets_2021"), binance_usdm()
    gap = "the table of the 50x class was not found: symbols without one are margined like the 75x class"
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=replace(base.capabilities, gaps=(*SINGLE_GAPS[:3], gap, SINGLE_GAPS[4])),
        margin=_tiers(data),
    )


@exact
def binance_coinm() -> VenueRules:
    """COIN-M on BTC: inverse contracts, equity and requirement in the coin.

    Examples
    --------
    >>> btc = binance_coinm().margin.every()["BTC"].schedules[Purpose.MAINTAIN]
    >>> btc.piece(Decimal(300)).deduction.normalize()
    Decimal('11.605')

    """
    data, base = read_rules(FOLDER, "coinm"), binance_usdm()
    gaps = (
        "only BTC has a table; contracts on other coins are refused",
        "brackets above 1,000 BTC were not seen: 15% is kept beyond",
        "liquidation fees are those of USD-M in 2020",
        *SINGLE_GAPS[1:3],
    )
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(read_rules(FOLDER), (Mode.CROSS, Mode.ISOLATED), gaps, "linear"),
        margin=_tiers(data, Payoff.INVERSE),
        collateral=in_full("BTC"),
        fees=fees(data),
        penalty=_penalty(data),
    )


def _capabilities(
    data: Mapping[str, Any], modes: tuple[Mode, ...], gaps: tuple[str, ...], other: str = "inverse"
) -> Capabilities:
    wallet = "the other futures wallet of the exchange: a rule set of its own"
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future"}),
        modes=frozenset(modes),
        legs=frozenset(LegMode),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "option": "another product of the exchange",
            "quanto": "not offered",
            "portfolio": "portfolio margin is another product of the exchange",
            other: wallet,
        },
        gaps=gaps,
    )


def _tiers(data: Mapping[str, Any], payoff: Payoff = Payoff.LINEAR) -> TierTable:
    by_class = {name: _margin(table["rows"]) for name, table in data["tiers"].items()}
    tables = data["tiers"].items()
    like = data.get("default", {}).get("like")
    by_symbol = {symbol: by_class[name] for name, table in tables for symbol in table.get("symbols", ())}
    coins = {coin: by_class[name] for name, table in tables for coin in table.get("underlyings", ())}
    return TierTable(
        by_symbol=by_symbol,
        # A contract by another name has the table of the exchange's own contract on that coin.
        by_underlying={symbol.removesuffix("USDT"): facts for symbol, facts in by_symbol.items()} | coins,
        default=None if like is None else by_class[like],
        payoffs=frozenset({payoff}),
    )


def _margin(rows: list[list[Any]]) -> ContractMargin:
    """Maintenance by brackets; initial margin is notional over leverage alone."""
    return ContractMargin(
        schedules={**dict.fromkeys(AT_MAINTENANCE, schedule(rows)), **dict.fromkeys(AT_INITIAL, NOTHING)},
        brackets=brackets(rows),
        leverage_at=AT_INITIAL,
        default_leverage=read_rules(FOLDER)["leverage"]["default"],
    )


def _rates(data: Mapping[str, Any]) -> WeightTable:
    """Weights of one less the bid buffer, debts at one plus the ask buffer; USD itself counts in full."""
    found = dict(in_full("USD").every())
    for asset, buffer in data["bid_buffers"].items():
        if asset != "source":
            weight = Schedule.weights([("0", ONE - buffer)])
            found[asset] = Collateral(dict.fromkeys(Purpose, weight), ONE + data["ask_buffers"][asset])
    return WeightTable(found)


def _penalty(data: Mapping[str, Any]) -> Penalty:
    facts = data["penalty"]
    return Penalty(PenaltyBase.CLOSED_NOTIONAL, facts["default_ppm"], facts.get("by_symbol_ppm", {}))


def cited() -> tuple[Source, ...]:
    """Every source of the folder, over all variants."""
    files = ("rules", "multi_asset", "brackets_2021", "coinm")
    return tuple(source for name in files for source in sources(read_rules(FOLDER, name)))
