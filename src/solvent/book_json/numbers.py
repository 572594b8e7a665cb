"""Decimals, whole counts and times of a book file, read from text and written to text.

Functions that compute run in the exact context their caller has entered.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from solvent.book_json.errors import BookFileError
from solvent.book_json.forms import DECIMAL_PATTERN, TIME_PATTERN
from solvent.units import Asset

MOST_WHOLE = 10**40
TIME_LIMIT_NS = 2**63
SECOND_NS = 1_000_000_000
ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
_is_decimal = re.compile(DECIMAL_PATTERN).fullmatch
_is_time = re.compile(TIME_PATTERN).fullmatch


def decimal(given: str | int, field: str) -> Decimal:
    """The number a field holds: text of digits without exponent, or a JSON integer.

    >>> decimal("-0.10", "size"), decimal(3, "size")
    (Decimal('-0.10'), Decimal('3'))
    """
    if type(given) is str:
        if _is_decimal(given) is None:
            raise BookFileError(field, given, 'a finite decimal as text, digits without exponent ("0.5")')
    elif not -MOST_WHOLE < int(given) < MOST_WHOLE:
        raise BookFileError(field, given, "at most 40 digits before the point")
    return Decimal(given)


def positive(given: str | int, field: str) -> Decimal:
    """A number greater than zero."""
    number = decimal(given, field)
    if number <= 0:
        raise BookFileError(field, given, "a number greater than 0")
    return number


def steps(given: str | int, each: Decimal, field: str, unit: str) -> int:
    """How many whole steps a number makes; ``unit`` names the step in the error.

    >>> steps("1.5", Decimal("0.5"), "size", "lot size")
    3
    """
    count, rest = divmod(decimal(given, field), each)
    if rest:
        raise BookFileError(field, given, f"a multiple of the {unit} {each:f}")
    return int(count)


def units(given: str | int, asset: Asset, field: str) -> int:
    """Ledger units of an amount of an asset."""
    amount = decimal(given, field)
    scaled = amount.scaleb(asset.scale)
    count = int(scaled)
    if count != scaled:
        raise BookFileError(field, given, f"a multiple of {unit_of(asset)}; {finer(asset, amount)}")
    return count


def whole(given: str | int, field: str) -> int:
    """A whole number, possibly as text (JSON readers elsewhere lose digits of long integers)."""
    number = decimal(given, field)
    count = int(number)
    if count != number:
        raise BookFileError(field, given, "a whole number")
    return count


def unit_of(asset: Asset) -> str:
    """What one ledger unit of an asset is called in errors: ``1e-8 USDT``."""
    return f"1e-{asset.scale} {asset.name}"


def finer(asset: Asset, amount: Decimal) -> str:
    """Which scale an amount that is finer than one ledger unit needs."""
    exponent = amount.normalize().as_tuple().exponent
    return f"it needs scale {-int(exponent)} where assets.{asset.name}.scale is {asset.scale}"


def time_ns(given: str | int, field: str) -> int:
    """Nanoseconds since 1970 of a UTC time as text, or as the count itself.

    >>> time_ns("1970-01-01T00:00:01.5Z", "time")
    1500000000
    """
    expected = "a UTC time such as 2021-05-19T13:00:00Z, or nanoseconds since 1970, before 2262"
    if type(given) is int:
        count = given
    else:
        text = str(given)
        if _is_time(text) is None:
            raise BookFileError(field, given, expected)
        try:
            moment = datetime.fromisoformat(text[:19] + "+00:00")
        except ValueError:
            raise BookFileError(field, given, expected) from None
        count = (moment - ORIGIN) // timedelta(seconds=1) * SECOND_NS + int(text[20:-1].ljust(9, "0"))
    if not 0 <= count < TIME_LIMIT_NS:
        raise BookFileError(field, given, expected)
    return count


def time_text(count_ns: int) -> str | int:
    """The text :func:`time_ns` reads back; a count outside its range stays a count.

    >>> time_text(1_500_000_000)
    '1970-01-01T00:00:01.5Z'
    """
    if not 0 <= count_ns < TIME_LIMIT_NS:
        return count_ns
    moment = ORIGIN + timedelta(seconds=count_ns // SECOND_NS)
    fraction = f"{count_ns % SECOND_NS:09d}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}Z"
