"""What an option is worth without time, and how far it is from being worth anything; in its strike's asset."""

from __future__ import annotations

import enum
from decimal import Decimal

from solvent.instruments import OptionKind
from solvent.units import ZERO, exact


@exact
def intrinsic(kind: OptionKind, strike: Decimal, price: Decimal) -> Decimal:
    """What exercising an option is worth at a price of the underlying, never below zero.

    >>> intrinsic(OptionKind.CALL, Decimal(10_000), Decimal(12_500))
    Decimal('2500')
    """
    return max(ZERO, price - strike if kind is OptionKind.CALL else strike - price)


@exact
def out_of_the_money(kind: OptionKind, strike: Decimal, price: Decimal) -> Decimal:
    """How far an option is out of the money, never below zero.

    >>> out_of_the_money(OptionKind.PUT, Decimal(18_500), Decimal(20_250))
    Decimal('1750')
    """
    return max(ZERO, strike - price if kind is OptionKind.CALL else price - strike)


class Reads(enum.Enum):
    """What a rule set prices options from, where they or their underlying move: see each member."""

    FEEDS = "feeds"  # forwards and volatilities of the market, discounted by the expiry's rate
    FEEDS_UNDISCOUNTED = "feeds_undiscounted"  # the same without discount
    MARKS = "marks"  # their marks; the volatility a mark implies on the index grown by rate less dividend yield
    MARKS_UNDISCOUNTED = "marks_undiscounted"  # their marks; on the index as it is, as for options on futures

    @property
    def by_mark(self) -> bool:
        """Whether an option is worth its mark.

        >>> Reads.MARKS.by_mark, Reads.FEEDS.by_mark
        (True, False)
        """
        return self in (Reads.MARKS, Reads.MARKS_UNDISCOUNTED)
