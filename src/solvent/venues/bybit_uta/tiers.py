"""Risk limits as the exchange prints them: tiers of value by their upper bound, which belongs to its tier."""

from __future__ import annotations

from solvent.margin.weights import Caps, floors
from solvent.rates import Schedule


def risk_tiers(rows: Caps) -> Schedule:
    """Maintenance margin by value: each tier's rate on the part of the value inside it; the last one goes on.

    >>> from decimal import Decimal
    >>> risk_tiers([(Decimal(1000), Decimal("0.02")), (Decimal(2000), Decimal("0.025"))]).at(Decimal(2000))
    Decimal('45.000')
    """
    return Schedule.marginal(floors(rows))
