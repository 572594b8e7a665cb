"""What must remain of a GMX V2 position's collateral, by market: parameters, requirement curves and the opening factor.

Sources: contracts/position/PositionUtils.sol and contracts/market/MarketUtils.sol of gmx-io/gmx-synthetics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Purpose
from solvent.instruments import Instrument, Payoff, Perpetual
from solvent.margin.curves import OnEntryAtLeast
from solvent.rates import Schedule
from solvent.rules import Bracket, ContractMargin, RulesError
from solvent.units import ONE, ZERO, exact
from solvent.venues.gmx_v2.impact import ImpactFactors
from solvent.venues.parts import every_entry, listed

LEAST_USD = Decimal("1e-30")  # the contract counts USD in this unit: something must remain
OPENING = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL)


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """Parameters of one market; factors and fees are fractions of the position's size."""

    min_collateral_usd: Decimal
    min_collateral_factor: Decimal
    liquidation_factor: Decimal
    interest_multiplier: Decimal
    max_liquidation_impact: Decimal
    max_positive_impact: Decimal
    closing_fee_balancing: Decimal
    closing_fee: Decimal
    max_profit_factor: Decimal
    impact: ImpactFactors


def least_collateral(min_usd: Decimal, factor: Decimal) -> OnEntryAtLeast:
    """The least that must remain of an entry: ``max(least USD, entry size × factor)``, whatever the price."""
    return OnEntryAtLeast(Schedule.flat(factor), max(min_usd, LEAST_USD))


@dataclass(frozen=True, slots=True)
class MarketTable:
    """Facts by underlying, and those of every other market."""

    default: MarketFacts
    by_underlying: Mapping[str, MarketFacts] = field(default_factory=dict)

    def facts(self, instrument: Instrument) -> MarketFacts:
        """The facts of a linear perpetual's market; :class:`RulesError` names what is not covered."""
        kind = type(instrument).__name__.lower()
        if type(instrument) is not Perpetual:
            raise RulesError(f"{instrument.symbol}: a {kind} is not traded on GMX; it has perpetuals alone")
        if instrument.payoff is not Payoff.LINEAR:
            raise RulesError(f"{instrument.symbol}: {instrument.payoff.value} contracts are not traded on GMX")
        return listed(instrument, {}, self.by_underlying, None) or self.default

    def contract(self, instrument: Instrument) -> ContractMargin:
        """What must remain by purpose, and the leverage the factor allows."""
        return _margin(self.facts(instrument))

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name, the default under ``"*"``."""
        return {name: _margin(one) for name, one in every_entry({}, self.by_underlying, self.default).items()}


def _margin(facts: MarketFacts) -> ContractMargin:
    opening = least_collateral(facts.min_collateral_usd, facts.min_collateral_factor)
    standing = least_collateral(facts.min_collateral_usd, facts.liquidation_factor)
    highest = int(ONE // max(facts.min_collateral_factor, Decimal("0.001")))
    schedules = {purpose: opening if purpose in OPENING else standing for purpose in Purpose}
    return ContractMargin(schedules, (Bracket(ZERO, highest),), frozenset(), highest)


class Sufficiency(NamedTuple):
    """Whether collateral alone covers a position, and the factor that was asked."""

    factor: Decimal
    sufficient: bool


class Change(NamedTuple):
    """What a change of a position does, in USD: its side's open interest before, the change of it, profit realised."""

    interest: Decimal
    interest_delta: Decimal
    realised: Decimal


@exact
def interest_factor(facts: MarketFacts, interest_usd: Decimal) -> Decimal:
    """The factor that collateral alone must cover: the market's own, or more where open interest is large.

    >>> from solvent.venues.gmx_v2.rules import markets
    >>> interest_factor(markets().by_underlying["BTC"], Decimal(90_000_000)).normalize()
    Decimal('0.0054')
    """
    return max(facts.min_collateral_factor, interest_usd * facts.interest_multiplier)


@exact
def sufficiency_after(
    facts: MarketFacts, size_usd: Decimal, collateral: Decimal, collateral_price: Decimal, change: Change
) -> Sufficiency:
    """Whether collateral left after a change is at least size × a factor that grows with open interest.

    A loss realised by the change is paid from collateral; a profit, realised or not, does not count.

    >>> from solvent.venues.gmx_v2.rules import markets
    >>> change = Change(Decimal(50_000), Decimal(-25_000), Decimal(0))
    >>> sufficiency_after(markets().by_underlying["BTC"], Decimal(1000), Decimal(5), Decimal(1), change)
    Sufficiency(factor=Decimal('0.005'), sufficient=True)
    """
    factor = interest_factor(facts, change.interest + change.interest_delta)
    left = collateral * collateral_price + min(ZERO, change.realised)
    return Sufficiency(factor, left >= 0 and left >= size_usd * factor)
