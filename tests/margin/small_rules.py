"""A small rule set for tests of ring 1: every part plain, so that a reader can do the sums in the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from solvent.book import LegMode, Mode, PriceKind, Purpose
from solvent.instruments import Instrument
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Bracket,
    Capabilities,
    Collateral,
    ContractMargin,
    Fees,
    Form,
    LiquidationRules,
    Loss,
    Losses,
    Missing,
    ModeRules,
    OrderMargin,
    Penalty,
    PenaltyBase,
    Plan,
    PricePolicy,
    Profit,
    Ratio,
    RulesError,
    Threshold,
    Transition,
    VenueRules,
)  # fmt: skip

ALL = tuple(Purpose)
TIERS = Schedule.marginal([("0", "0.01"), ("10000", "0.02"), ("100000", "0.05")])


@dataclass(frozen=True)
class Margins:
    """One table for everything, or one by symbol."""

    default: Schedule = TIERS
    by_symbol: Mapping[str, Schedule] = field(default_factory=dict)
    leverage_at: frozenset[Purpose] = frozenset({Purpose.ADMIT, Purpose.WITHDRAW})
    default_leverage: int = 10

    def contract(self, instrument: Instrument) -> ContractMargin:
        if instrument.symbol.startswith("NO"):
            raise RulesError(f"small: {instrument.symbol} is not covered")
        maintain = self.by_symbol.get(instrument.symbol, self.default)
        factor = {
            Purpose.MAINTAIN: "1",
            Purpose.RECOVER: "1.2",
            Purpose.FILL: "1.5",
            Purpose.ADMIT: "2",
            Purpose.WITHDRAW: "2",
        }
        schedules = {purpose: maintain.scaled(Decimal(factor[purpose])) for purpose in ALL}
        brackets = (Bracket(Decimal(0), 50), Bracket(Decimal(50_000), 20), Bracket(Decimal(500_000), 5))
        return ContractMargin(schedules, brackets, self.leverage_at, self.default_leverage)


@dataclass(frozen=True)
class Collaterals:
    """BTC counts 90 % up to 50,000 and 50 % of the rest; ETH 80 %; nothing else."""

    facts: Mapping[str, Collateral] = field(
        default_factory=lambda: {
            "BTC": Collateral(dict.fromkeys(ALL, Schedule.weights([("0", "0.9"), ("50000", "0.5")])), Decimal("1.05")),
            "ETH": Collateral(dict.fromkeys(ALL, Schedule.weights([("0", "0.8")], cap="20000"))),
        }
    )

    def asset(self, name: str) -> Collateral | None:
        return self.facts.get(name)


def small_rules(**changes: object) -> VenueRules:
    """The rule set, with some parts replaced by name."""
    parts: dict[str, object] = {
        "name": "small", "title": "Small", "effective_from": date(2026, 1, 1), "sources": (),
        "capabilities": Capabilities(
            frozenset({"perpetual", "future", "spot"}), frozenset(Mode), frozenset(LegMode), frozenset({"standard"})
        ),
        "margin": Margins(), "collateral": Collaterals(),
        "prices": PricePolicy(dict.fromkeys(ALL, (PriceKind.MARK,)), dict.fromkeys(ALL, (PriceKind.INDEX,))),
        "profit": {p: Profit.LOSSES_ONLY if p is Purpose.WITHDRAW else Profit.IN_FULL for p in ALL},
        "orders": OrderMargin.WORST_SIDE,
        "modes": {Mode.CROSS: ModeRules({"standard": 50}), Mode.ISOLATED: ModeRules({"standard": 20}, Decimal("1.5"))},
        "transition": Transition.REDUCE_NO_WORSE, "fees": Fees(500, 200),
        "borrowing": Borrowing(Missing.NEGATIVE),
        "liquidation": LiquidationRules(Plan.MOST_UNPROFITABLE_FIRST, 250_000, 20_000),
        "penalty": Penalty(PenaltyBase.CLOSED_NOTIONAL, 5_000),
        "losses": Losses((Loss.FUND, Loss.ADL, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE),
        "thresholds": (Threshold("liquidating", Purpose.MAINTAIN, Decimal(1), inclusive=False),
                       Threshold("warned", Purpose.MAINTAIN, Decimal("1.25"), inclusive=True)),
        "ratio": Ratio("margin ratio", requirement_over_equity=True, safer="lower"),
        "forms": dict.fromkeys(ALL, Form.NESTED),
    }  # fmt: skip
    return VenueRules(**{**parts, **changes})  # type: ignore[arg-type]
