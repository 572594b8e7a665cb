"""Steps and decimals that hold given numbers exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from solvent.units import EXACT, MOST_SCALE, ONE, Rounding, divide, exact, shifted

LEAST_SCALE = 8


@exact
def finest(numbers: Iterable[Decimal]) -> int:
    """Decimals that the numbers need; 0 for whole ones.

    >>> finest([Decimal("1.50"), Decimal("2.125")])
    3
    """
    return max((_decimals(one) for one in numbers), default=0)


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without exponent.

    >>> plain(Decimal("4.3250E+4")), plain(Decimal("0.50"))
    (Decimal('43250'), Decimal('0.5'))
    """
    return Decimal(f"{number.normalize(EXACT):f}")


@exact
def step_for(stated: Decimal | None, numbers: Sequence[Decimal]) -> Decimal:
    """The venue's step where every number is a multiple of it, else the power of ten that all of them are multiples of.

    >>> str(step_for(Decimal("0.5"), [Decimal("7.5")])), str(step_for(Decimal("0.5"), [Decimal("7.51")]))
    ('0.5', '0.01')
    """
    if stated is not None and not any(one % stated for one in numbers):
        return stated
    return shifted(ONE, -finest([*numbers, *([] if stated is None else [stated])]))


@exact
def price_of(value: Decimal, amount: Decimal) -> Decimal:
    """The price with the fewest decimals, from eight up, at which an amount is worth what is stated, to its decimals.

    >>> price_of(Decimal("12920.95352538"), Decimal("0.805994"))
    Decimal('16031.07904697')
    """
    places = finest([value])
    for decimals in range(LEAST_SCALE, MOST_SCALE):
        price = divide(value, amount, decimals, Rounding.HALF_UP)
        if divide(price * amount, ONE, places, Rounding.HALF_UP) == value:
            break
    return plain(price)


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) and number else 0
