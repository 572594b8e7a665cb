"""Assets, amounts in smallest units, and the exact decimal context of ring 1.

An amount of money is an ``int`` count of an asset's ledger units; a figure shown or compared is the exact ``Decimal``
of the same amount. Ring 1 adds, subtracts, multiplies and compares decimals only, inside :func:`exact`, where a result
that would have to be rounded raises ``decimal.Inexact``. The one division is :func:`divide`, which names its rounding.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
    Underflow,
    localcontext,
)
from functools import wraps
from math import isqrt
from typing import ParamSpec, TypeVar

from solvent import fixed

P = ParamSpec("P")
R = TypeVar("R")

MOST_DIGITS = 400
MOST_SCALE = 30
ZERO = Decimal(0)
ONE = Decimal(1)
EXACT = Context(
    prec=MOST_DIGITS,
    Emax=MAX_EMAX,
    Emin=MIN_EMIN,
    traps=[Inexact, Rounded, InvalidOperation, DivisionByZero, Overflow, Underflow, Clamped, FloatOperation],
)


class UnitsError(ValueError):
    """An amount, price or size that its asset or instrument cannot hold exactly."""


class Rounding(enum.Enum):
    """How a quotient is rounded: down is towards minus infinity, up towards plus infinity; halves go up."""

    DOWN = "down"
    UP = "up"
    TOWARDS_ZERO = "towards_zero"
    HALF_UP = "half_up"


def exact(verb: Callable[P, R]) -> Callable[P, R]:
    """Run a public verb in the exact decimal context, whatever context the caller's thread has.

    >>> @exact
    ... def third() -> Decimal:
    ...     return Decimal(1) / 3
    >>> third()
    Traceback (most recent call last):
    ...
    decimal.Inexact: [<class 'decimal.Inexact'>, <class 'decimal.Rounded'>]
    """

    @wraps(verb)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(EXACT):
            return verb(*args, **kwargs)

    return inside


def shifted(number: Decimal, places: int) -> Decimal:
    """``number`` × 10^``places``, exactly, in any ambient context.

    >>> shifted(Decimal("1.25"), -2)
    Decimal('0.0125')
    """
    return number.scaleb(places, EXACT)


def whole(number: Decimal, name: str, unit: str) -> int:
    """The integer that ``number`` is.

    Raises
    ------
    UnitsError
        When it has a fractional part: ``name`` says what it is and ``unit`` what it must be a multiple of.

    """
    count = int(number)
    if count != number:
        msg = f"{name} must be a whole number of {unit}, not {number}"
        raise UnitsError(msg)
    return count


def parse(text: str | int | Decimal, name: str) -> Decimal:
    """A finite decimal from text; floats are refused because a float is already rounded.

    >>> parse("0.10", "size")
    Decimal('0.10')
    >>> parse("NaN", "mark of BTC-PERP")
    Traceback (most recent call last):
    ...
    solvent.units.UnitsError: mark of BTC-PERP must be a finite decimal, not 'NaN'
    """
    if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
        msg = f"{name} must be a decimal given as text, not {text!r}"
        raise UnitsError(msg)
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        msg = f"{name} must be a finite decimal, not {str(text)!r}"
        raise UnitsError(msg)
    return number


def divide(numerator: Decimal, denominator: Decimal, unit_scale: int, rounding: Rounding) -> Decimal:
    """``numerator`` ÷ ``denominator`` to a multiple of 10^−``unit_scale``, rounded once, to the named side.

    >>> divide(Decimal(2), Decimal(3), 4, Rounding.UP)
    Decimal('0.6667')
    >>> divide(Decimal(-2), Decimal(3), 4, Rounding.DOWN)
    Decimal('-0.6667')
    """
    top, bottom = numerator.as_integer_ratio(), denominator.as_integer_ratio()
    above, below = top[0] * bottom[1] * 10**unit_scale, top[1] * bottom[0]
    return shifted(Decimal(_quotient(above, below, rounding)), -unit_scale)


def _quotient(above: int, below: int, rounding: Rounding) -> int:
    if rounding is Rounding.DOWN:
        return above // below
    if rounding is Rounding.UP:
        return fixed.up(above, below)
    return fixed.half_up(above, below) if rounding is Rounding.HALF_UP else fixed.towards_zero(above, below)


def root(square: Decimal, unit_scale: int, rounding: Rounding) -> Decimal:
    """The square root of ``square`` ≥ 0 to a multiple of 10^−``unit_scale``: a whole-number root, down or up, once.

    >>> root(Decimal(2), 4, Rounding.UP), root(Decimal(2), 4, Rounding.DOWN), root(Decimal("0.25"), 1, Rounding.UP)
    (Decimal('1.4143'), Decimal('1.4142'), Decimal('0.5'))
    """
    if square < 0 or rounding not in (Rounding.DOWN, Rounding.UP):
        msg = f"root: got {square}, {rounding.value}, expected a number of at least zero and a rounding down or up"
        raise UnitsError(msg)
    top, bottom = square.as_integer_ratio()
    whole_part, rest = divmod(top * 10 ** (2 * unit_scale), bottom)
    found = isqrt(whole_part)
    if rounding is Rounding.UP and (rest or found * found != whole_part):
        found += 1
    return shifted(Decimal(found), -unit_scale)


@dataclass(frozen=True, slots=True)
class Asset:
    """A thing money is counted in.

    Parameters
    ----------
    name
        The symbol, unique in a book: ``"USDT"``.
    scale
        One whole asset is 10^``scale`` ledger units; 0 to 30.
    native_scale
        Decimals of the asset at its origin (18 for ether in wei); defaults to ``scale``. What is finer than a ledger
        unit stays at the door.

    Examples
    --------
    >>> usdt = Asset("USDT", 6)
    >>> usdt.units(Decimal("1.5")), usdt.amount(1_500_000)
    (1500000, Decimal('1.500000'))

    """

    name: str
    scale: int
    native_scale: int | None = None

    def __post_init__(self) -> None:
        """Refuse a scale outside 0 to 30."""
        if not 0 <= self.scale <= MOST_SCALE:
            msg = f"scale of asset {self.name} must be 0 to {MOST_SCALE}, not {self.scale}"
            raise UnitsError(msg)

    def units(self, amount: Decimal, name: str = "amount") -> int:
        """``amount`` in ledger units; :class:`UnitsError` when it is finer than one unit."""
        return whole(shifted(amount, self.scale), f"{name} {amount} {self.name}", f"1e-{self.scale} {self.name}")

    def amount(self, units: int) -> Decimal:
        """The exact decimal amount of ``units`` ledger units."""
        return shifted(Decimal(units), -self.scale)
