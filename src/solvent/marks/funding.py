"""Funding of perpetuals: the premium, the rate with its clamped interest, and the mark that funding carries.

Decimals in, decimals out, exact; a quotient is cut down to ``places`` decimals, because venues do not publish how many
they keep. Rates are fractions for the interval the venue names.
"""

from __future__ import annotations

from decimal import Decimal

from solvent.fixed import within
from solvent.units import ZERO, Rounding, divide, exact

PLACES = 18


@exact
def premium_index(
    impact_bid: Decimal, impact_ask: Decimal, reference: Decimal, spot: Decimal, places: int = PLACES
) -> Decimal:
    """One sample: how far the impact prices leave the reference price, as a share of spot.

    Positive where the impact bid is above the reference, negative where the impact ask is below it, else zero.

    >>> premium_index(Decimal(101), Decimal(102), Decimal(100), Decimal(100), places=2)
    Decimal('0.01')
    """
    outside = max(ZERO, impact_bid - reference) - max(ZERO, reference - impact_ask)
    return divide(outside, spot, places, Rounding.DOWN)


@exact
def with_interest(premium: Decimal, interest: Decimal, clamp: Decimal) -> Decimal:
    """The rate of an interval: premium plus the interest difference, which is held inside ± ``clamp``.

    So the rate is the interest while the premium is within ``clamp`` of it.

    >>> one, clamp = Decimal("0.0001"), Decimal("0.0005")
    >>> with_interest(Decimal("0.0006"), one, clamp), with_interest(Decimal("-0.002"), one, clamp)
    (Decimal('0.0001'), Decimal('-0.0015'))
    """
    return premium + within(interest - premium, clamp)


@exact
def fair_price(index: Decimal, rate: Decimal, left: Decimal, interval: Decimal, places: int = PLACES) -> Decimal:
    """Index moved by the last funding rate over the part of the interval that is left (both in one unit of time).

    >>> fair_price(Decimal(10_000), Decimal("0.0003"), Decimal(4), Decimal(8), places=2)
    Decimal('10001.50')
    """
    return index + divide(index * rate * left, interval, places, Rounding.DOWN)
