"""Derive's second portfolio manager as a value: discounted options, weighted tails, shocks of the smile."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.margin.scenario import (
    Basis,
    Factors,
    GrowingDiscount,
    Haircut,
    Oracle,
    PortfolioRules,
    Scenario,
    Shares,
    SkewShock,
)
from solvent.rules import RulesError, VenueRules
from solvent.units import exact
from solvent.venues.derive_pmrm1.rules import scenario_list, term_shock
from solvent.venues.derive_srm.composing import portfolio_rule_set
from solvent.venues.parts import read_rules

FOLDER = "derive_pmrm2"
MOST_SCENARIOS = 40
GAPS = (
    "the numbers are those of a deployment script, not of the chain's present state; its static discount looks swapped",
    "so the static discount and the haircuts are the test suite's defaults",
    "trusted assessors' check with three scenarios is not a rule set of its own",
    "fees are assumed; an auction's price is a public function, not a plan of liquidation",
    "resting orders count as if the buys, or the sells, were filled: the matching engine's own rule was not found",
)


def haircuts(rows: Mapping[str, Any]) -> dict[str, Haircut]:
    """Haircuts by asset from rows of (maintenance, initial extra, coin it moves with)."""
    return {
        name: Haircut(Decimal(row[0]), Decimal(row[1]), row[2] if len(row) > 2 else "")
        for name, row in rows.items()
        if name != "source"
    }


def portfolio_rules(
    data: Mapping[str, Any],
    scenarios: tuple[Scenario, ...],
    collateral: Mapping[str, Haircut],
    own: Mapping[str, Haircut],
) -> PortfolioRules:
    """Version 2 with the numbers of a table shaped as ``rules.toml``; at most 40 scenarios."""
    if len(scenarios) > MOST_SCENARIOS:
        raise RulesError(f"at most {MOST_SCENARIOS} scenarios, not {len(scenarios)}")
    basis, factors, oracle = (data[name] for name in ("basis", "factors", "oracle"))
    fixed, vol, skew = data["static_discount"], data["volatility"], data["skew"]
    held, extra = data["maintenance"], data["initial_extra"]
    discounts = ("long_base", "long_rate", "long_add", "short_base", "short_rate", "short_add")
    smile = SkewShock(*(float(skew[name]) for name in SkewShock.__dataclass_fields__))
    return PortfolioRules(
        scenarios=scenarios,
        volatility=term_shock(vol, float(vol["least_up"]), smile),
        static_discount=GrowingDiscount(*(float(fixed[name]) for name in discounts)),
        discounted=True,
        basis=Basis(*(float(basis[name]) for name in ("up", "down", "add", "multiple"))),
        factors=Factors(
            *(Decimal(factors[name]) for name in ("maintenance", "initial", "peg_threshold", "peg_factor"))
        ),
        inside=False,
        maintenance=Shares(Decimal(held["perp"]), Decimal(held["option"])),
        initial_extra=Shares(Decimal(extra["perp"]), Decimal(extra["option"])),
        oracle=Oracle(Decimal(oracle["threshold"]), Decimal(oracle["margin"]), perp_first=False),
        collateral=collateral,
        own=own,
        buffer=Decimal(data["auction"]["buffer"]),
    )


@cache
def parameters() -> PortfolioRules:
    """The rule set's numbers.

    >>> len(parameters().scenarios), parameters().scenarios[-1].gains
    (33, -1.0)
    """
    data = read_rules(FOLDER)
    own = haircuts(data["own"])
    own["*"] = own.pop("default")
    return portfolio_rules(data, scenario_list(data["scenarios"]["rows"]), haircuts(data["collateral"]), own)


@exact
def derive_pmrm2() -> VenueRules:
    """Portfolio margin of one underlying with several collaterals, judged in USDC.

    Examples
    --------
    >>> derive_pmrm2().method.value
    'scenario'

    """
    return portfolio_rule_set(read_rules(FOLDER), parameters(), GAPS)
