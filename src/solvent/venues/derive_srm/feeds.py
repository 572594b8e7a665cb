"""What Derive's feeds say, and how they are read."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.units import ZERO, Rounding, divide, exact

DAY = Decimal(86_400)
SETTLEMENT = Decimal(1_800)
PLACES = 18


class ForwardParts(NamedTuple):
    """A forward in two parts: what a shock still moves, and what the settlement average has fixed."""

    moving: Decimal
    settled: Decimal


@exact
def days_in_seconds(days: Decimal) -> Decimal:
    """A time in days, in seconds.

    >>> days_in_seconds(Decimal("0.5"))
    Decimal('43200.0')
    """
    return days * DAY


@exact
def forward_parts(forward: Decimal, average: Decimal, seconds: Decimal) -> ForwardParts:
    """A forward within 30 minutes of expiry, of which the ``average`` so far fixes what has passed.

    Source: derivexyz/v2-core, src/risk-managers (arrange portfolio), and the forward feed.

    >>> forward_parts(Decimal(1500), Decimal(1470), Decimal(600))
    ForwardParts(moving=Decimal('500.000000000000000000'), settled=Decimal('980.000000000000000000'))
    """
    if seconds >= SETTLEMENT:
        return ForwardParts(forward, ZERO)
    left = max(ZERO, seconds)
    moving = divide(forward * left, SETTLEMENT, PLACES, Rounding.DOWN)
    return ForwardParts(moving, divide(average * (SETTLEMENT - left), SETTLEMENT, PLACES, Rounding.DOWN))
