"""What a Synthetix V3 position pays while it is held: funding that drifts with the skew, and utilisation interest.

Rates of funding are per day, of interest per year of 31,557,600 seconds. Sources: contracts/storage/PerpsMarket.sol and
InterestRate.sol of Synthetixio/synthetix-v3, markets/perps-market.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.fixed import within
from solvent.rates import kinked, utilisation
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
HALF = Decimal("0.5")
YEAR_SECONDS = 31_557_600
PERCENT = Decimal(100)


class Funding(NamedTuple):
    """The funding rate per day after a time, and what one unit of a long has accrued since (below zero: paid)."""

    rate: Decimal
    accrued_per_unit: Decimal

    @exact
    def paid(self, size: Decimal, accrued_before: Decimal = ZERO) -> Decimal:
        """What a signed size has paid, given what it had accrued before, in the price's quote.

        >>> Funding(Decimal("0.006"), Decimal(-6)).paid(Decimal(20), Decimal(-120))
        Decimal('240')
        """
        return -(accrued_before + self.accrued_per_unit * size)


class Gradients(NamedTuple):
    """Interest per percentage point of utilisation below and above a breakpoint (a fraction)."""

    low: Decimal
    breakpoint: Decimal
    high: Decimal


@exact
def velocity(skew: Decimal, skew_scale: Decimal, most: Decimal) -> Decimal:
    """How fast the funding rate changes, per day: the skew's share of its scale, from −1 to 1, times ``most``.

    >>> velocity(Decimal(-50), Decimal(100), Decimal(9)), velocity(Decimal(500), Decimal(100), Decimal(9))
    (Decimal('-4.500000000000000000'), Decimal('9'))
    """
    share = divide(skew, skew_scale, PLACES, Rounding.DOWN)
    return within(share, ONE) * most


@exact
def funding_after(
    skew: Decimal, skew_scale: Decimal, most: Decimal, last_rate: Decimal, days: Decimal, price: Decimal
) -> Funding:
    """Funding after some days of one skew: the rate drifts by the velocity, the mean of both rates accrues.

    >>> found = funding_after(Decimal(20), Decimal(10_000), Decimal(3), Decimal(0), Decimal(1), Decimal(2000))
    >>> str(found.rate.normalize()), int(found.paid(Decimal(20)))
    ('0.006', 120)
    """
    rate = last_rate + velocity(skew, skew_scale, most) * days
    return Funding(rate, -(last_rate + rate) * HALF * days * price)


@exact
def interest_rate(locked_credit: Decimal, delegated: Decimal, gradients: Gradients) -> Decimal:
    """Interest a year at the pool's utilisation, which is at most one, and one where nothing is delegated.

    >>> interest_rate(Decimal(40_000), Decimal(2_000_000), Gradients(*map(Decimal, ("0.0003", "0.75", "0.01"))))
    Decimal('0.0006000000000000000000')
    """
    used = utilisation(locked_credit, delegated, PLACES, of_nothing=ONE)
    return kinked(used, gradients.breakpoint, ZERO, gradients.low, gradients.high) * PERCENT


@exact
def interest_due(
    notional: Decimal, locked_ratio: Decimal, rate: Decimal, seconds: Decimal, places: int = PLACES
) -> Decimal:
    """Interest of a position after some seconds, on the share of its notional that locks credit; rounded up.

    >>> interest_due(Decimal(1000), Decimal("0.1"), Decimal("0.05"), Decimal(YEAR_SECONDS)).normalize()
    Decimal('5')
    """
    return divide(notional * locked_ratio * rate * seconds, Decimal(YEAR_SECONDS), places, Rounding.UP)
