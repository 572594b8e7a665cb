"""Results on a grid of price moves: what a position gains at each point."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from solvent.units import exact


@exact
def linear_results(value: Decimal, moves: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """What a linear position of signed ``value`` gains at each relative price move.

    >>> linear_results(Decimal(-200), [Decimal("-0.1"), Decimal("0.1")])
    (Decimal('20.0'), Decimal('-20.0'))
    """
    return tuple(value * move for move in moves)
