"""Results on a grid of price moves: what positions gain at each point, together, and at worst."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from solvent.rules import RulesError
from solvent.units import ZERO, exact


@exact
def linear_results(value: Decimal, moves: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """What a linear position of signed ``value`` gains at each relative price move.

    >>> linear_results(Decimal(-200), [Decimal("-0.1"), Decimal("0.1")])
    (Decimal('20.0'), Decimal('-20.0'))
    """
    return tuple(value * move for move in moves)


@exact
def summed(rows: Sequence[Sequence[Decimal]]) -> tuple[Decimal, ...]:
    """The results of several positions point by point; :class:`RulesError` where rows differ in their points.

    >>> summed([[Decimal(1), Decimal(2)], [Decimal(-3), Decimal(4)]])
    (Decimal('-2'), Decimal('6'))
    """
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        msg = f"every row of a grid must have the same points, not {sorted(lengths)}"
        raise RulesError(msg)
    return tuple(sum(column, ZERO) for column in zip(*rows, strict=True))


@exact
def worst_loss(results: Sequence[Decimal]) -> Decimal:
    """The largest loss of a grid as a positive amount; zero where nothing loses.

    >>> worst_loss([Decimal(5), Decimal(-7)]), worst_loss([Decimal(5)])
    (Decimal('7'), Decimal('0'))
    """
    return -min([ZERO, *results])
