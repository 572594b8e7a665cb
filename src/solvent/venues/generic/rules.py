"""The textbook of cross margin, composed from its dated numbers."""

from __future__ import annotations

from collections.abc import Mapping
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
    LiquidationRules,
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
from solvent.venues.lawful import check_order
from solvent.venues.parts import TierTable, WeightTable, brackets, day, fees, read_rules, same_prices, schedule, sources

FOLDER = "generic"
LEVERAGE_AT = frozenset({Purpose.WITHDRAW, Purpose.ADMIT})
WEIGHT_COLUMNS = (Purpose.MAINTAIN, Purpose.RECOVER, Purpose.FILL, Purpose.ADMIT, Purpose.WITHDRAW)


@exact
def generic(
    penalty_base: PenaltyBase = PenaltyBase.CLOSED_NOTIONAL, plan: Plan = Plan.MOST_UNPROFITABLE_FIRST
) -> VenueRules:
    """The textbook with a choice of penalty base and plan; its order of purposes is checked at once.

    Raises
    ------
    RulesError
        When the numbers would let a stricter purpose find more surplus than a more lenient one.

    Examples
    --------
    >>> generic(plan=Plan.PROPORTIONAL).liquidation.plan
    <Plan.PROPORTIONAL: 'proportional'>

    """
    data = read_rules(FOLDER)
    rules = VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=_tiers(data),
        collateral=WeightTable({name: _collateral(facts) for name, facts in data["collateral"].items()}),
        prices=same_prices(),
        profit={**dict.fromkeys(Purpose, Profit.IN_FULL), Purpose.WITHDRAW: Profit.LOSSES_ONLY},
        orders=OrderMargin.WORST_SIDE,
        modes={mode: _mode(data["modes"][mode.value]) for mode in (Mode.CROSS, Mode.ISOLATED)},
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=_borrowing(data["borrowing"]),
        liquidation=LiquidationRules(plan, data["liquidation"]["step_ppm"], data["liquidation"]["worst_price_ppm"]),
        penalty=Penalty(penalty_base, data["penalty"][f"{penalty_base.value}_ppm"]),
        losses=Losses(
            (Loss.FUND, Loss.ADL, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]
        ),
        thresholds=tuple(
            Threshold(state, Purpose.MAINTAIN, Decimal(data["thresholds"][state]), inclusive=False)
            for state in ("liquidating", "margin_call", "warned")
        ),
        ratio=Ratio("margin ratio", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.NESTED),
        path=Path.UNDERLYING,
    )
    check_order(rules)
    return rules


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future"}),
        modes=frozenset({Mode.CROSS, Mode.ISOLATED}),
        legs=frozenset(LegMode),
        account_classes=frozenset(data["modes"]["cross"]["max_leverage"]),
        refused={
            "option": "tiers on notional say nothing about an option's risk",
            "quanto": "no conversion at a fixed rate is defined",
            "portfolio": "the textbook has no scenario model",
        },
    )


def _tiers(data: Mapping[str, Any]) -> TierTable:
    majors = _margin(data, data["tiers"]["majors"]["rows"])
    return TierTable(
        by_underlying=dict.fromkeys(data["tiers"]["majors"]["underlyings"], majors),
        default=_margin(data, data["tiers"]["others"]["rows"]),
        payoffs=frozenset({Payoff.LINEAR, Payoff.INVERSE}),
    )


def _margin(data: Mapping[str, Any], rows: list[list[Any]]) -> ContractMargin:
    base = schedule(rows)
    return ContractMargin(
        schedules={purpose: base.scaled(Decimal(data["multiples"][purpose.name])) for purpose in Purpose},
        brackets=brackets(rows),
        leverage_at=LEVERAGE_AT,
        default_leverage=data["leverage"]["default"],
    )


def _collateral(facts: Mapping[str, Any]) -> Collateral:
    cap = None if "cap" not in facts else Decimal(facts["cap"])
    weights = {
        purpose: Schedule.weights([(Decimal(row[0]), Decimal(row[column])) for row in facts["rows"]], cap)
        for column, purpose in enumerate(WEIGHT_COLUMNS, 1)
    }
    return Collateral(weights, Decimal(facts["debt_rate"]))


def _mode(facts: Mapping[str, Any]) -> ModeRules:
    return ModeRules(facts["max_leverage"], Decimal(facts["requirement_multiplier"]), facts["fund_levy_ppm"])


def _borrowing(facts: Mapping[str, Any]) -> Borrowing:
    numbers = ("base_ppm", "slope_low_ppm", "slope_high_ppm", "kink_ppm", "cap_ppm", "convert_fee_ppm")
    return Borrowing(Missing.BORROW, **{name: facts[name] for name in numbers})
