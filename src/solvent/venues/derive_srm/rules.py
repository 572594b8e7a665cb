"""Derive's standard manager as a value: several markets, short options by themselves or at their worst payoff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.book import Method
from solvent.rules import RulesError, VenueRules
from solvent.units import exact
from solvent.venues.derive_srm.auction import AuctionTerms
from solvent.venues.derive_srm.cash import RateTerms
from solvent.venues.derive_srm.composing import rules_around
from solvent.venues.derive_srm.options import OptionTerms
from solvent.venues.derive_srm.standard import MarketTerms, Oracle, StandardAccount, StandardRules
from solvent.venues.parts import read_rules

FOLDER = "derive_srm"
GAPS = (
    "the numbers are those of a deployment script, not of the chain's present state",
    "markets without numbers of their own take the strictest perpetual class, and their coins are no collateral",
    "SOL's perpetual is taken to be of the class next to BTC and ETH",
    "a negative balance of cash is allowed: whether borrowing is enabled is a switch of the chain",
    "fees are assumed; an auction's price is a public function, not a plan of liquidation",
    "resting orders count as if the buys, or the sells, were filled: the matching engine's own rule was not found",
    "the check on trade that is left out for trades which only reduce is not left out here",
)


def option_terms(row: Mapping[str, Any]) -> OptionTerms:
    """Option terms from a table with their names."""
    return OptionTerms(*(Decimal(row[name]) for name in OptionTerms._fields))


def market_terms(option: OptionTerms, row: Sequence[Any]) -> MarketTerms:
    """A market's terms from its row: perpetual initial and maintenance, collateral factor and initial scale."""
    return MarketTerms(option, *(Decimal(one) for one in row))


@cache
def parameters() -> StandardRules:
    """The rule set's numbers.

    >>> str(parameters().terms("BTC").base), str(parameters().terms("DOGE").perp_initial)
    ('0.75', '0.50')
    """
    data = read_rules(FOLDER)
    option = option_terms(data["option"])
    rows = {**data["markets"], **data["named"]}
    return StandardRules(
        {name: market_terms(option, row) for name, row in rows.items() if name != "source"},
        market_terms(option, data["default"]["market"]),
        Oracle(*(Decimal(data["oracle"][name]) for name in Oracle._fields)),
        Decimal(data["depeg"]["threshold"]),
        Decimal(data["depeg"]["factor"]),
        Decimal(data["auction"]["buffer"]),
    )


def with_parameters(rules: VenueRules, own: StandardRules) -> VenueRules:
    """The rule set with other numbers: another deployment's, or a test's.

    >>> from solvent.venues import venue
    >>> with_parameters(venue("derive_srm"), parameters()) == venue("derive_srm")
    True
    """
    return replace(rules, models={Method.SCENARIO: StandardAccount(own)})


def model_of(rules: VenueRules) -> StandardAccount:
    """The rule set's account model; :class:`~solvent.rules.RulesError` where it is another manager's."""
    found = rules.models.get(Method.SCENARIO)
    if not isinstance(found, StandardAccount):
        raise RulesError(f"{rules.name} is not a standard manager")
    return found


def auction_terms() -> AuctionTerms:
    """The auction's numbers, the same for all managers.

    >>> str(auction_terms().buffer), str(auction_terms().cutoff)
    ('0.15', '0.70')
    """
    data = read_rules(FOLDER)["auction"]
    return AuctionTerms(*(Decimal(data[name]) for name in AuctionTerms._fields))


def rate_terms() -> RateTerms:
    """The numbers of the interest on cash.

    >>> str(rate_terms().kink)
    '0.85'
    """
    data = read_rules(FOLDER)["cash"]
    return RateTerms(*(Decimal(data[name]) for name in RateTerms._fields))


@exact
def derive_srm() -> VenueRules:
    """Standard margin over several markets, judged in USDC.

    Examples
    --------
    >>> derive_srm().method.value
    'scenario'

    """
    return rules_around(
        read_rules(FOLDER),
        StandardAccount(parameters()),
        GAPS,
        {"portfolio margin": "the other managers: derive_pmrm1 and derive_pmrm2"},
    )
