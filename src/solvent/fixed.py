"""Whole-number division with a named rounding, of any size: what venues that count in integers are made of.

Arguments are Python integers without a limit. The ledger has its own division inside 64 bits, because it is compiled.
A divisor of zero raises :class:`ZeroDivisionError`; a venue that has an error of its own for it checks before.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

Number = TypeVar("Number", int, Decimal)


def down(top: int, bottom: int) -> int:
    """``top`` ÷ ``bottom`` towards minus infinity.

    >>> down(7, 2), down(-7, 2)
    (3, -4)
    """
    return top // bottom


def up(top: int, bottom: int) -> int:
    """``top`` ÷ ``bottom`` towards plus infinity.

    >>> up(7, 2), up(-7, 2)
    (4, -3)
    """
    return -(-top // bottom)


def towards_zero(top: int, bottom: int) -> int:
    """``top`` ÷ ``bottom`` cut towards zero, whichever signs they have.

    >>> towards_zero(7, 2), towards_zero(-7, 2), towards_zero(7, -2)
    (3, -3, -3)
    """
    whole = abs(top) // abs(bottom)
    return whole if (top < 0) == (bottom < 0) else -whole


def half_up(top: int, bottom: int) -> int:
    """``top`` ÷ ``bottom`` to the nearest whole number, halves towards plus infinity.

    >>> half_up(5, 2), half_up(-5, 2), half_up(4, 3)
    (3, -2, 1)
    """
    if bottom < 0:
        top, bottom = -top, -bottom
    return (2 * top + bottom) // (2 * bottom)


def within(number: Number, bound: Number) -> Number:
    """``number`` inside ± ``bound``, which is at least zero.

    >>> within(-7, 5), within(3, 5)
    (-5, 3)
    """
    return max(-bound, min(bound, number))
