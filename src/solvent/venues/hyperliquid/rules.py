"""Hyperliquid as values: today's rule, its unified account, and the rule recorded in 2023."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Mode, Purpose
from solvent.rates import Schedule
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
    Source,
    Threshold,
    Transition,
    VenueRules,
)
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.hyperliquid.tiers import LISTED_PLACES, PLACES, Tier, contract_margin
from solvent.venues.parts import NOTHING, TierTable, day, fees, in_full, liquidation, read_rules, same_prices, sources

FOLDER = "hyperliquid"
FILES = ("rules", "rules_2023", "unified", "portfolio")
BOTH_MODES = (Mode.CROSS, Mode.ISOLATED)
GAPS = (
    "rates of 15x and 3x tiers are rounded up to whole parts per million; those of tiers read from an account are not",
    "coins without a table here are margined like the lowest leverage there is, 3x",
    "what must remain after a transfer is charged position by position, which is more where leverages are mixed",
    "what resting orders reserve is not published: each order's own margin at its price is assumed",
    "a position above 100,000 USDC is first closed by a fifth: the plan here closes as one (order_lots says how much)",
    "which position of a cross account is closed first, and limits on its price, are not published",
    "winners are ranked by leverage times profit; the exchange's own index (adl_index) is not a rank here",
    "the liquidator vault that takes over below two thirds of maintenance is a state here (flagged), not an account",
)


@exact
def hyperliquid() -> VenueRules:
    """Today's rule: marginal tiers at half of one over the highest leverage, notional ÷ leverage to open.

    Examples
    --------
    >>> btc = hyperliquid().margin.every()["BTC"]
    >>> [(int(p.floor), str(p.rate)) for p in btc.schedules[Purpose.MAINTAIN].pieces]
    [(0, '0.012500'), (150000000, '0.025000')]

    """
    data = read_rules(FOLDER)
    transfer = Schedule.flat(data["transfer"]["of_notional"])
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data, GAPS),
        margin=_tiers(data, transfer),
        collateral=in_full("USDC"),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.ORDER_COST,
        modes=dict.fromkeys(BOTH_MODES, ModeRules(data["modes"]["max_leverage"])),
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.BACKSTOP, Loss.ADL), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=(
            Threshold("bankrupt", Purpose.MAINTAIN, ZERO, inclusive=False),
            Threshold("flagged", Purpose.MAINTAIN, backstop_share(), inclusive=False),
            Threshold("liquidating", Purpose.MAINTAIN, ONE, inclusive=False),
        ),
        ratio=Ratio("margin ratio", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.SEPARABLE),
    )


@exact
def hyperliquid_unified() -> VenueRules:
    """A unified account: the same tiers; a pool is one quote token's balance, shared by spot and every exchange on it.

    Examples
    --------
    >>> hyperliquid_unified().ratio.name
    'unified account ratio'

    """
    data, base = read_rules(FOLDER, "unified"), hyperliquid()
    gaps = (
        *GAPS,
        "the ratio at which a unified account is liquidated is not printed: equity below maintenance is taken",
        "spot tokens other than the quote token of a pool do not count",
    )
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=(*sources(data), *base.sources),
        capabilities=replace(base.capabilities, gaps=gaps),
        ratio=Ratio("unified account ratio", requirement_over_equity=True, safer="lower"),
    )


@exact
def hyperliquid_2023() -> VenueRules:
    """The rule of 2023: maintenance at 1% of the notional for every coin, no 10% floor on withdrawals.

    The liquidation price the exchange printed then froze maintenance at today's notional: ask for it under
    :func:`solvent.venues.hyperliquid.liquidation.frozen`.

    Examples
    --------
    >>> str(hyperliquid_2023().margin.every()["*"].schedules[Purpose.MAINTAIN].pieces[0].rate)
    '0.010000'

    """
    data, base = read_rules(FOLDER, "rules_2023"), hyperliquid()
    gaps = (
        "fees, liquidation, backstop and deleveraging are those of today: the texts of 2023 were not found",
        *GAPS[3:],
    )
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=(*sources(data), *base.sources),
        capabilities=_capabilities(data, gaps),
        margin=_tiers(data, NOTHING),
        modes=dict.fromkeys(BOTH_MODES, ModeRules(data["modes"]["max_leverage"])),
    )


@exact
def backstop_share() -> Decimal:
    """The share of maintenance below which a backstop takes over: 2/3, cut down, so that a takeover is always proved.

    >>> str(backstop_share())[:12]
    '0.6666666666'
    """
    top, bottom = read_rules(FOLDER)["backstop"]["of_maintenance"]
    return divide(Decimal(top), Decimal(bottom), PLACES, Rounding.DOWN)


def listed_tiers(rules: VenueRules, name: str) -> tuple[Tier, ...] | None:
    """The tiers a rule set lists for a coin by name; None where only the default class would stand in.

    >>> [one.max_leverage for one in listed_tiers(hyperliquid(), "ETH") or ()]
    [25, 15]
    """
    table = rules.margin
    if not isinstance(table, TierTable):
        msg = f"{rules.name}: margin must be a table of tiers, not {type(table).__name__}"
        raise RulesError(msg)
    found = table.by_symbol.get(name) or table.by_underlying.get(name)
    return None if found is None else tuple(Tier(one.floor, one.max_leverage) for one in found.brackets)


def _capabilities(data: Mapping[str, Any], gaps: tuple[str, ...]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"perpetual"}),
        modes=frozenset(BOTH_MODES),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "spot": "spot tokens count only in unified accounts and portfolio margin",
            "future": "not offered",
            "option": "not offered",
            "inverse": "not offered",
            "quanto": "not offered",
            "portfolio": "portfolio margin is a ratio of loans: see the functions of portfolio",
        },
        gaps=gaps,
    )


def _tiers(data: Mapping[str, Any], transfer: Schedule) -> TierTable:
    default_leverage = data["leverage"]["default"]
    by_class = {
        name: contract_margin(
            [Tier(Decimal(floor), leverage) for floor, leverage in table["rows"]],
            default_leverage,
            transfer,
            LISTED_PLACES,
        )
        for name, table in data["tiers"].items()
    }
    tables = data["tiers"].items()
    return TierTable(
        by_underlying={coin: by_class[name] for name, table in tables for coin in table["underlyings"]},
        default=by_class[data["default"]["like"]],
    )


def cited() -> tuple[Source, ...]:
    """Every source of the folder, over all its files."""
    return tuple(source for name in FILES for source in sources(read_rules(FOLDER, name)))
