"""BitMEX perpetuals as values: the inverse contracts of the XBT wallet and the linear ones of the USDT wallet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Mode, Purpose
from solvent.instruments import Payoff
from solvent.margin.curves import RateByEntry
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
    Transition,
    VenueRules,
)
from solvent.units import ZERO, exact
from solvent.venues.bitmex.formulas import RiskLimits
from solvent.venues.parts import (
    TierTable,
    day,
    fees,
    in_full,
    liquidating,
    liquidation,
    read_rules,
    same_prices,
    sources,
)

FOLDER = "bitmex"
AT_INITIAL = (Purpose.ADMIT, Purpose.WITHDRAW)
GAPS = (
    "the taker fee and funding that staff count in XBTUSD maintenance are left out, as in the published examples",
    "a position's risk limit is found from its entry value at once; the exchange asks the user to raise it first",
    "a leverage chosen by the user does not raise the initial requirement above the risk limit's rate",
    "the price limit of a liquidation order was not found: 5% from the mark is assumed",
    "quanto contracts and contracts on other coins settled in XBT are not covered",
)


def contract_margin(limits: RiskLimits, highest_leverage: int) -> ContractMargin:
    """Margin facts of a contract with these risk limits.

    >>> sorted(p.name for p in contract_margin(RiskLimits(Decimal(0), Decimal(1)), 1).schedules)
    ['ADMIT', 'FILL', 'MAINTAIN', 'RECOVER', 'WITHDRAW']
    """
    return ContractMargin(
        schedules={purpose: RateByEntry(limits.curve(initial=purpose in AT_INITIAL)) for purpose in Purpose},
        brackets=(Bracket(ZERO, highest_leverage),),
        leverage_at=frozenset(),
        default_leverage=highest_leverage,
    )


@exact
def bitmex() -> VenueRules:
    """Inverse perpetuals on bitcoin, margined in the coin.

    Examples
    --------
    >>> bitmex().margin.every()["BTC"].schedules[Purpose.MAINTAIN].rates.base
    Decimal('200')

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data, "linear", GAPS),
        margin=_tiers(data, Payoff.INVERSE),
        collateral=in_full(data["numeraire"]),
        prices=same_prices(),
        profit={**dict.fromkeys(Purpose, Profit.IN_FULL), Purpose.WITHDRAW: Profit.LOSSES_ONLY},
        orders=OrderMargin.WORST_SIDE,
        modes=_modes(data),
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.FUND, Loss.ADL), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=True),
        ratio=Ratio("margin ratio", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        breach_inclusive=True,
    )


@exact
def bitmex_usdt() -> VenueRules:
    """Linear perpetuals, margined in USDT.

    Examples
    --------
    >>> bitmex_usdt().margin.every()["*"].schedules[Purpose.ADMIT].rates.first
    Decimal('0.02')

    """
    data, base = read_rules(FOLDER, "linear"), bitmex()
    gaps = (
        "rates were found for ETHUSDT only: every linear contract is margined like it",
        "risk limits of linear contracts were not found: the rates do not rise with size",
        GAPS[2],
        GAPS[3],
    )
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=(*sources(data), *base.sources),
        capabilities=_capabilities(data, "inverse", gaps),
        margin=_tiers(data, Payoff.LINEAR),
        collateral=in_full(data["numeraire"]),
        modes=_modes(data),
    )


def _modes(data: Mapping[str, Any]) -> Mapping[Mode, ModeRules]:
    return dict.fromkeys((Mode.CROSS, Mode.ISOLATED), ModeRules(data["modes"]["max_leverage"]))


def _tiers(data: Mapping[str, Any], payoff: Payoff) -> TierTable:
    highest = data["leverage"]["highest"]
    tables = {name: contract_margin(_limits(row), highest) for name, row in data["risk_limits"].items()}
    rows = data["risk_limits"].items()
    like = data.get("default", {}).get("like")
    return TierTable(
        by_symbol={symbol: tables[name] for name, row in rows for symbol in row["symbols"]},
        by_underlying={coin: tables[name] for name, row in rows for coin in row["underlyings"]},
        default=None if like is None else tables[like],
        payoffs=frozenset({payoff}),
    )


def _limits(row: Mapping[str, Any]) -> RiskLimits:
    rates = (Decimal(row["maintenance"]), Decimal(row["initial"]))
    return RiskLimits(*rates, Decimal(row["base"]), Decimal(row["step"])) if "base" in row else RiskLimits(*rates)


def _capabilities(data: Mapping[str, Any], other: str, gaps: tuple[str, ...]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future"}),
        modes=frozenset({Mode.CROSS, Mode.ISOLATED}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "option": "another product of the exchange",
            "quanto": "the fixed rate of quanto contracts is not modelled",
            "portfolio": "the exchange has no portfolio margin here",
            other: "the other wallet of the exchange: a rule set of its own",
        },
        gaps=gaps,
    )
