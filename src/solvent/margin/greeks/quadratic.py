"""The size of a vector of weighted sensitivities under correlations: √(Σ Σ ρ_ij W_i W_j), a whole-number root.

Where the correlations can be those of anything (the matrix has no negative eigenvalue) this is a length: twice the
vector is twice as long, and a sum is at most as long as its parts together. Rounded up to a unit it stays so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, exact, root

Pair = frozenset[str]
Key = tuple[str, str]  # underlying, and where it matters the expiry


class Shift(NamedTuple):
    """A scenario of correlations: ρ becomes min(1, multiple × ρ), or max(2ρ − less, multiple × ρ) where ``less`` is.

    Source: Basel Framework, MAR21.6 (https://www.bis.org/basel_framework/chapter/MAR/21.htm).

    >>> Shift("high", Decimal("1.25")).of(Decimal("0.9"))
    Decimal('1')
    >>> Shift("low", Decimal("0.75"), ONE).of(Decimal("0.9")), Shift("low", Decimal("0.75"), ONE).of(Decimal("0.4"))
    (Decimal('0.8'), Decimal('0.300'))
    """

    name: str
    multiple: Decimal
    less: Decimal | None = None

    @exact
    def of(self, correlation: Decimal) -> Decimal:
        """The correlation in this scenario."""
        if self.less is None:
            return min(ONE, self.multiple * correlation)
        return max(2 * correlation - self.less, self.multiple * correlation)


@dataclass(frozen=True, slots=True)
class CorrelationTable:
    """Correlations between underlyings, and between the expiries of one.

    Parameters
    ----------
    pairs
        By pair of underlyings.
    default
        Of any other pair.
    inside
        Between two entries of one underlying with different expiries.

    """

    pairs: Mapping[Pair, Decimal]
    default: Decimal
    inside: Decimal = ONE

    def of(self, one: Key, other: Key) -> Decimal:
        """The correlation of two entries.

        >>> table = CorrelationTable({frozenset(("A", "B")): Decimal("0.8")}, Decimal("0.5"), Decimal("0.9"))
        >>> [str(table.of(("A", ""), other)) for other in (("A", ""), ("A", "june"), ("B", ""), ("C", ""))]
        ['1', '0.9', '0.8', '0.5']
        """
        if one == other:
            return ONE
        if one[0] == other[0]:
            return self.inside
        return self.pairs.get(frozenset((one[0], other[0])), self.default)

    def shifted(self, shift: Shift) -> CorrelationTable:
        """The table in a scenario."""
        pairs = {pair: shift.of(correlation) for pair, correlation in self.pairs.items()}
        return CorrelationTable(pairs, shift.of(self.default), shift.of(self.inside))

    def check(self, name: str) -> None:
        """Refuse a table that nothing could have, however many underlyings and expiries there are.

        It is enough to look at what entries of an underlying have in common (``inside``), and at what any number of
        underlyings that are not listed have in common (``default``).

        Raises
        ------
        RulesError
            A correlation is not within 0 and 1, or the matrix has a negative eigenvalue.

        """
        for correlation in (*self.pairs.values(), self.default, self.inside):
            if not ZERO <= correlation <= ONE:
                raise RulesError(f"correlations {name}: got {correlation}, expected one from 0 to 1")
        listed = sorted({underlying for pair in self.pairs for underlying in pair})
        rows = [[self.inside if a == b else self.of((a, ""), (b, "")) for b in listed] for a in listed]
        rows = [[*row, self.default] for row in rows] + [[self.default] * (len(listed) + 1)]
        if self.default > self.inside or not positive_semidefinite(rows):
            raise RulesError(f"correlations {name}: nothing can have all of them together ({', '.join(listed)})")


def positive_semidefinite(rows: Sequence[Sequence[Decimal]]) -> bool:
    """Whether a symmetric matrix has no negative eigenvalue, in exact fractions.

    >>> positive_semidefinite([[ONE, Decimal("0.9")], [Decimal("0.9"), ONE]])
    True
    >>> positive_semidefinite([[ONE, Decimal("1.1")], [Decimal("1.1"), ONE]])
    False
    """
    left = [[Fraction(one) for one in row] for row in rows]
    while left:
        pivot, *rest = left[0]
        if pivot < 0 or (pivot == 0 and any(rest)):
            return False
        if pivot == 0:
            left = [row[1:] for row in left[1:]]
        else:
            left = [[b - row[0] * a / pivot for a, b in zip(rest, row[1:], strict=True)] for row in left[1:]]
    return True


@exact
def size(weighted: Mapping[Key, Decimal], table: CorrelationTable, unit_scale: int) -> Decimal:
    """√(Σ Σ ρ_ij W_i W_j), rounded up to a multiple of 10^−``unit_scale``: against the account.

    Examples
    --------
    >>> table = CorrelationTable({frozenset(("A", "B")): Decimal("0.5")}, ZERO)
    >>> [str(size({("A", ""): Decimal(3), ("B", ""): Decimal(b)}, table, 2)) for b in (5, -5)]
    ['7.00', '4.36']

    """
    entries = [(key, amount) for key, amount in sorted(weighted.items()) if amount]
    square = ZERO
    for k, (key, amount) in enumerate(entries):
        square += amount * amount
        for other, more in entries[:k]:
            square += 2 * table.of(key, other) * amount * more
    return root(square, unit_scale, Rounding.UP)
