"""Position tiers: whole-position steps by size, and tables that differ for linear and inverse contracts.

The whole position is charged at the rates of the tier its size falls in; an upper bound belongs to its tier. Sizes are
in the coin (linear) or in USD (inverse), as the exchange's contracts × contract value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.instruments import Instrument, Payoff, Perpetual
from solvent.rates import Schedule
from solvent.rules import ContractMargin, Sized
from solvent.units import ONE, ZERO, exact
from solvent.venues.parts import TierTable


class Tier(NamedTuple):
    """One tier: sizes above ``floor``, maintenance rate, and the smallest initial rate."""

    floor: Decimal
    maintenance: Decimal
    initial: Decimal


@dataclass(frozen=True, slots=True)
class SizeSteps:
    """A rate on the whole position by its size, and a fee on top.

    Parameters
    ----------
    steps
        Rates by size: a schedule whose pieces deduct nothing.
    fee
        A share of the notional added at every size.

    Examples
    --------
    >>> steps = SizeSteps(Schedule.step([("0", "0.01"), ("2000", "0.015")]))
    >>> steps.rate(Decimal(2000)), steps.rate(Decimal(-2001))
    (Decimal('0.01'), Decimal('0.015'))

    """

    steps: Schedule
    fee: Decimal = ZERO

    @exact
    def rate(self, size: Decimal) -> Decimal:
        """The rate of a size (either sign), fee included; an upper bound belongs to its tier."""
        return self.steps.piece(abs(size)).rate + self.fee

    def at_size(self, sized: Sized) -> Schedule:
        """The rate of this size on every notional."""
        return Schedule.flat(self.rate(sized.size))


@exact
def steps(tiers: Sequence[Tier], *, initial: bool, fee: Decimal = ZERO) -> SizeSteps:
    """The maintenance or initial rates of a table."""
    rows = [(tier.floor, tier.initial if initial else tier.maintenance) for tier in tiers]
    return SizeSteps(Schedule.step(rows), fee)


@exact
def continued(tiers: Sequence[Tier], width: Decimal, rise: Decimal) -> tuple[Tier, ...]:
    """A table with its open end: every ``width`` more, both rates rise, as long as initial margin is at most all of it.

    >>> first = [Tier(Decimal(0), Decimal("0.01"), Decimal("0.98")), Tier(Decimal(5), Decimal("0.02"), Decimal("0.99"))]
    >>> [str(tier.floor) for tier in continued(first, Decimal(5), Decimal("0.005"))]
    ['0', '5', '10', '15']
    """
    return (*tiers, *_rising(tiers[-1], width, rise))


def _rising(last: Tier, width: Decimal, rise: Decimal) -> Iterator[Tier]:
    while rise > 0 and last.initial + rise <= ONE:
        last = Tier(last.floor + width, last.maintenance + rise, last.initial + rise)
        yield last


@dataclass(frozen=True, slots=True)
class PositionTiers:
    """Margin facts by underlying, linear and inverse contracts apart; each table has its own default class."""

    linear: TierTable
    inverse: TierTable

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument; :class:`~solvent.rules.RulesError` for what has no tiers."""
        inverse = isinstance(instrument, Perpetual) and instrument.payoff is Payoff.INVERSE
        return (self.inverse if inverse else self.linear).contract(instrument)

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name; those of inverse contracts end in ``" inverse"``."""
        inverse = {f"{name} inverse": facts for name, facts in self.inverse.every().items()}
        return {**self.linear.every(), **inverse}
