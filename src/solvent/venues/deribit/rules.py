"""Deribit as a value: standard margin with cross collateral, everything in USD."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
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
    Transition,
    VenueRules,
)
from solvent.units import ONE, exact
from solvent.venues.deribit.slopes import AT_INITIAL, Slopes, SlopeTable
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

FOLDER = "deribit"
GAPS = (
    "haircuts other than stETH's were not found: none for BTC, ETH, USDC and USDT, 10% for SOL; others count nothing",
    "rates of dated futures and of other coins were not found: dated futures have the perpetual's, others 10% and 5%",
    "options are margined by formulas of their own and are not assessed with an account",
    "segregated accounts are not a rule set of their own",
    "currencies that offset only their own products are no collateral here",
    "liquidation fees are those of 2022; the size of a slice and its price limit are assumed",
    "initial margin of resting orders is taken as if the orders of one side were filled",
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
        margin=_slopes(data),
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
        models={Method.TIERED: UnifiedAccount(fee_to_close=False)},
    )


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future"}),
        modes=frozenset((Mode.CROSS,)),
        legs=frozenset((LegMode.ONE_WAY,)),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "option": "margined by formulas of their own (formulas.py); an account with options is not assessed",
            "quanto": "not offered",
            "isolated": "the exchange has cross margin and sub-accounts only",
            "portfolio": "complete for futures as a function (portfolio.py); options need tables that were not found",
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
