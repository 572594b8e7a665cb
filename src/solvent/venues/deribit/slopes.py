"""Standard margin of futures: a rate that grows with the position's size in the coin.

Rate = base + slope × size. The size of an inverse position is its value in the coin at mark, so its rate moves with the
mark, and its requirement is quadratic in the coin: pools are searched for liquidation prices, not solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from solvent.book import Purpose
from solvent.instruments import Instrument, Payoff, Perpetual
from solvent.margin.curves import RateBySize, Sloped
from solvent.rules import Bracket, ContractMargin, VenueRules
from solvent.units import ZERO
from solvent.venues.parts import TierTable

MOST_LEVERAGE = 50
AT_INITIAL = (Purpose.WITHDRAW, Purpose.ADMIT)


@dataclass(frozen=True, slots=True)
class Slopes:
    """Initial and maintenance rate of an underlying at no size, and the slope both grow with a coin."""

    initial: Decimal
    maintenance: Decimal
    slope: Decimal = ZERO

    def facts(self, quote: str = "") -> ContractMargin:
        """The margin facts of a contract; ``quote`` is given for an inverse one."""
        initial = RateBySize(Sloped(self.initial, self.slope), quote=quote)
        kept = RateBySize(Sloped(self.maintenance, self.slope), quote=quote)
        return ContractMargin(
            schedules={one: initial if one in AT_INITIAL else kept for one in Purpose},
            brackets=(Bracket(ZERO, MOST_LEVERAGE),),
            leverage_at=frozenset(),
            default_leverage=MOST_LEVERAGE,
        )


@dataclass(frozen=True, slots=True)
class SlopeTable:
    """Slopes by underlying; others have the default's."""

    by_underlying: Mapping[str, Slopes]
    default: Slopes

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of a perpetual or future; :class:`~solvent.rules.RulesError` for anything else."""
        slopes = self.by_underlying.get(instrument.underlying, self.default)
        inverse = isinstance(instrument, Perpetual) and instrument.payoff is Payoff.INVERSE
        facts = slopes.facts(instrument.quote.name if inverse else "")
        return TierTable(default=facts, payoffs=frozenset({Payoff.LINEAR, Payoff.INVERSE})).contract(instrument)

    def every(self) -> Mapping[str, ContractMargin]:
        """The facts of linear contracts by underlying, the default under ``"*"``."""
        return {name: slopes.facts() for name, slopes in {**self.by_underlying, "*": self.default}.items()}


def with_slopes(rules: VenueRules, slopes: Slopes) -> VenueRules:
    """The rule set with rates of the caller's own for every contract."""
    return replace(rules, margin=SlopeTable({}, slopes))
