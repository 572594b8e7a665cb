"""The order in which pools in breach are taken: worst margin equity to requirement first, then by id."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cmp_to_key

from solvent.margin import Assessment
from solvent.units import exact


@exact
def worst_first(found: Iterable[Assessment]) -> tuple[Assessment, ...]:
    """Assessments with the lowest margin equity ÷ requirement first; equals by pool id.

    Ratios are compared by cross-multiplication. Where nothing is required, the sign of the equity decides: a debt with
    no requirement comes before everything, an unindebted pool after everything.

    Examples
    --------
    >>> from decimal import Decimal as D
    >>> from solvent.book import Purpose
    >>> def pool(name: str, equity: int, required: int) -> Assessment:
    ...     e, r = D(equity), D(required)
    ...     return Assessment(name, Purpose.MAINTAIN, "USDT", e, e, r, e - r, e - r, (), None)
    >>> [a.pool for a in worst_first([pool("b", 1, 2), pool("c", -1, 0), pool("a", 2, 4), pool("d", 1, 3)])]
    ['c', 'd', 'a', 'b']

    """
    return tuple(sorted(found, key=cmp_to_key(_compared)))


def _compared(left: Assessment, right: Assessment) -> int:
    ahead, behind = Decimal(_group(left)), Decimal(_group(right))
    if ahead == behind:
        ahead, behind = left.margin_equity, right.margin_equity
        if left.required > 0 and right.required > 0:
            ahead, behind = left.margin_equity * right.required, right.margin_equity * left.required
    if ahead != behind:
        return -1 if ahead < behind else 1
    return (left.pool > right.pool) - (left.pool < right.pool)


def _group(one: Assessment) -> int:
    """Debts without a requirement, then ordinary ratios, then pools that neither owe nor need anything."""
    if one.required > 0:
        return 1
    return 0 if one.margin_equity < 0 else 2
