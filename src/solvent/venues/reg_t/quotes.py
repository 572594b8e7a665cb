"""A broker's quoted figures, read beside the rule's."""

from __future__ import annotations

from decimal import Decimal

from solvent.units import shifted

DIGITS = (-3, -2, -1, 1, 2, 3)


def digit_slip(quoted: Decimal, other: Decimal) -> bool:
    """Whether two figures are the same but for the place of the decimal point, as when a zero is typed too many.

    >>> digit_slip(Decimal(10_000), Decimal(1000)), digit_slip(Decimal(9000), Decimal(1000))
    (True, False)
    """
    return quoted != 0 and any(shifted(other, places) == quoted for places in DIGITS)
