"""Position tiers: whole-position steps by size, maintenance and initial rates, and how a table goes on.

The whole position is charged at the rates of the tier its size falls in; an upper bound belongs to its tier. Sizes are
in the coin (linear) or in USD (inverse), as the exchange's contracts × contract value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.margin.curves import RateBySize, Steps
from solvent.rates import Schedule
from solvent.units import ONE, ZERO, exact


class Tier(NamedTuple):
    """One tier: sizes above ``floor``, maintenance rate, and the smallest initial rate."""

    floor: Decimal
    maintenance: Decimal
    initial: Decimal


@exact
def steps(tiers: Sequence[Tier], *, initial: bool, fee: Decimal = ZERO) -> RateBySize:
    """The maintenance or initial rates of a table, and a fee on every one.

    >>> table = [Tier(Decimal(0), Decimal("0.01"), Decimal("0.02")), Tier(Decimal(5), Decimal("0.02"), Decimal("0.03"))]
    >>> steps(table, initial=False).rate(Decimal(-5)), steps(table, initial=False).rate(Decimal("5.1"))
    (Decimal('0.01'), Decimal('0.02'))
    """
    rows = [(tier.floor, tier.initial if initial else tier.maintenance) for tier in tiers]
    return RateBySize(Steps(Schedule.step(rows), fee))


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
