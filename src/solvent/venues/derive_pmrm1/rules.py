"""Derive's first portfolio manager as a value: scenarios of spot and volatility, contingencies inside the factor."""

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
    Move,
    Oracle,
    PortfolioRules,
    Scenario,
    Shares,
    SkewShock,
    TermShock,
)
from solvent.rules import VenueRules
from solvent.units import ZERO, exact
from solvent.venues.derive_srm.composing import portfolio_rule_set
from solvent.venues.parts import read_rules

FOLDER = "derive_pmrm1"
GAPS = (
    "the numbers are those of a deployment script, not of the chain's present state",
    "fees are assumed; an auction's price is a public function, not a plan of liquidation",
    "resting orders count as if the buys, or the sells, were filled: the matching engine's own rule was not found",
    "prices that are too old stop the venue's accounts; here the market's states say so, and the model does not",
)


def scenario_list(rows: Any) -> tuple[Scenario, ...]:
    """Scenarios from rows of (factor on the spot, moves of volatility, weight if not 1).

    >>> [one.name for one in scenario_list([[Decimal("1.1"), ["up", "none"]]])]
    ['spot × 1.1, volatility up', 'spot × 1.1, volatility none']
    """
    found = []
    for spot, moves, *weight in rows:
        for move in moves:
            skew = Move(move) in (Move.SKEW_LINEAR, Move.SKEW_ABSOLUTE)
            name = f"{'smile' if skew else f'spot × {spot}, volatility'} {move}"
            share = float(weight[0]) if weight else 1.0
            found.append(Scenario(name, float(spot), Move(move), share, -1.0 if skew else 1.0))
    return tuple(found)


def term_shock(vol: Mapping[str, Any], least_up: float, skew: SkewShock | None) -> TermShock:
    """The shock of volatility by time to expiry from a table with its names."""
    up, down, short, long, least = (
        float(vol[name]) for name in ("up", "down", "short_power", "long_power", "least_seconds")
    )
    return TermShock(up, down, short, long, least, least_up, skew)


@cache
def parameters(file: str = "rules") -> PortfolioRules:
    """The rule set's numbers, or those of another file of the folder: ``"suite"``.

    >>> len(parameters().scenarios), len(parameters("suite").scenarios), parameters().inside
    (23, 21, True)
    """
    data = read_rules(FOLDER, file)
    return portfolio_rules(data, scenario_list(data["scenarios"]["rows"]))


def portfolio_rules(data: Mapping[str, Any], scenarios: tuple[Scenario, ...]) -> PortfolioRules:
    """Version 1 with the numbers of a table shaped as ``rules.toml``, and its own scenarios."""
    basis, factors, oracle, part = (data[name] for name in ("basis", "factors", "oracle", "contingencies"))
    fixed, vol = data["static_discount"], data["volatility"]
    return PortfolioRules(
        scenarios=scenarios,
        volatility=term_shock(vol, 0.0, None),
        static_discount=GrowingDiscount(*(float(fixed[name]) for name in ("base", "rate", "add"))),
        discounted=False,
        basis=Basis(*(float(basis[name]) for name in ("up", "down", "add", "multiple"))),
        factors=Factors(
            *(Decimal(factors[name]) for name in ("maintenance", "initial", "peg_threshold", "peg_factor"))
        ),
        inside=True,
        maintenance=Shares(Decimal(part["perp"]), Decimal(part["option"])),
        initial_extra=Shares(ZERO, ZERO),
        oracle=Oracle(Decimal(oracle["threshold"]), Decimal(oracle["margin"]), perp_first=True),
        coin_in_spot=True,
        own={"*": Haircut(Decimal(part["collateral"]), ZERO)},
        buffer=Decimal(data["auction"]["buffer"]),
    )


@exact
def derive_pmrm1() -> VenueRules:
    """Portfolio margin of one underlying, judged in USDC.

    Examples
    --------
    >>> derive_pmrm1().method.value
    'scenario'

    """
    return portfolio_rule_set(read_rules(FOLDER), parameters(), GAPS)
