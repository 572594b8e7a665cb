"""Totals of a pool: what its lines sum to, and what decided."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Purpose
from solvent.units import ZERO


def assessed(pool: str, purpose: Purpose, numeraire: str, lines: Sequence[Line]) -> Assessment:
    """The assessment whose totals are the sums of ``lines`` (inside the exact context).

    Parameters
    ----------
    pool, purpose, numeraire
        What is assessed, for what, and the asset of every figure.
    lines
        Contributions to value, margin equity and requirement.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from solvent.book import Leg
    >>> lines = [Line("cash", "USDT", Leg.NET, Decimal(10), Decimal(10)), Line("fee", "", Leg.NET, required=Decimal(3))]
    >>> assessed("cross", Purpose.MAINTAIN, "USDT", lines).surplus
    Decimal('7')

    """
    value = _sum([line.value for line in lines])
    equity = _sum([line.equity for line in lines])
    required = _sum([line.required for line in lines])
    surplus = equity - required
    binding = None
    worst = max((line for line in lines if line.required > 0), key=lambda line: line.required, default=None)
    if worst is not None:
        binding = Binding(worst.kind, worst.subject, worst.required)
    return Assessment(pool, purpose, numeraire, value, equity, required, surplus, surplus, tuple(lines), binding)


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
