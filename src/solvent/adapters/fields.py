"""Decoded messages, read field by field: numbers exactly, and errors that name place, value and what was expected.

Venues write numbers as decimal text or as JSON numbers, and an absent one as ``null``, ``""`` or not at all.
:func:`decoded` keeps JSON numbers as the decimals they are written as; none passes through a binary float.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from solvent.book import BookError
from solvent.units import ZERO

MOST_DIGITS = 40
MOST_SHOWN = 60
MILLISECOND_NS = 1_000_000
EMPTY = (None, "")
_MISSING = object()


def decoded(data: bytes | str, name: str) -> Any:
    """JSON with its numbers as integers and exact decimals.

    Parameters
    ----------
    data
        The text of one answer.
    name
        What to call it in errors: the file.

    Raises
    ------
    BookError
        It is no JSON, or an object names a field twice.

    Examples
    --------
    >>> decoded('{"cum": 0.1}', "tiers.json")
    {'cum': Decimal('0.1')}

    """

    def pairs(given: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(given)
        if len(found) < len(given):
            names = [one for one, _ in given]
            twice = next(one for k, one in enumerate(names) if one in names[:k])
            raise BookError(f"{name}: got {twice!r} twice, expected each field once in an object")
        return found

    def constant(text: str) -> NoReturn:
        raise BookError(f"{name}: got {text}, expected a finite number")

    try:
        return json.loads(data, parse_float=Decimal, parse_constant=constant, object_pairs_hook=pairs)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BookError(f"{name}: got {error}, expected JSON") from None


@dataclass(frozen=True, slots=True)
class Row:
    """An object of a message and its place there.

    Examples
    --------
    >>> Row({"pos": "-0.10", "lever": ""}, "data[0]").number("pos")
    Decimal('-0.10')
    >>> Row({"pos": "many"}, "data[0]").number("pos")
    Traceback (most recent call last):
    ...
    solvent.book.BookError: data[0].pos: got 'many', expected a number

    """

    given: Mapping[str, Any]
    place: str = "message"

    def path(self, name: str) -> str:
        """The path of a field."""
        return f"{self.place}.{name}"

    def has(self, *names: str) -> bool:
        """Whether every one of these fields is there, be it empty."""
        return all(name in self.given for name in names)

    def filled(self, name: str) -> bool:
        """Whether the field is there with something in it."""
        return self.given.get(name) not in EMPTY

    def number(self, name: str) -> Decimal:
        """A number given as text, whole number or decimal."""
        found = _number(self.given.get(name))
        return self.refuse(name, "a number") if found is None else found

    def number_or(self, name: str, default: Decimal = ZERO) -> Decimal:
        """A number, or the default where nothing is given."""
        return self.number(name) if self.filled(name) else default

    def maybe(self, *names: str) -> Decimal | None:
        """The number of the first of these fields that is filled; None where none is."""
        for name in names:
            if self.filled(name):
                return self.number(name)
        return None

    def positive(self, name: str) -> Decimal:
        """A number greater than zero."""
        found = self.number(name)
        return found if found > 0 else self.refuse(name, "a number greater than 0")

    def price(self, *names: str) -> Decimal | None:
        """The first of these fields with a price in it; venues write 0 where there is none."""
        for name in names:
            if self.filled(name):
                found = self.number(name)
                if found < 0:
                    self.refuse(name, "a price greater than 0")
                if found:
                    return found
        return None

    def whole(self, name: str) -> int:
        """A whole number."""
        found = self.number(name)
        return int(found) if found == int(found) else self.refuse(name, "a whole number")

    def leverage(self, *names: str) -> int | None:
        """A leverage cap: the first filled field, cut to a whole number (the ledger keeps no other); None for none."""
        for name in names:
            if self.filled(name):
                found = self.number(name)
                if found < 0:
                    self.refuse(name, "a leverage that is not negative")
                return max(1, int(found)) if found else None
        return None

    def text(self, name: str) -> str:
        """A text that is not empty."""
        found = self.given.get(name)
        return found if isinstance(found, str) and found else self.refuse(name, "a text")

    def choice(self, name: str, *allowed: str) -> str:
        """A text that is one of those allowed, in any case of letters; answered in lower case."""
        found = self.given.get(name)
        if not isinstance(found, str) or found.lower() not in allowed:
            self.refuse(name, " or ".join(repr(one) for one in allowed))
        return found.lower()

    def flag(self, name: str) -> bool:
        """A truth as ``true`` or ``"true"``; absent is false."""
        found = self.given.get(name)
        if found in EMPTY or found is False or found == "false":
            return False
        return True if found is True or found == "true" else self.refuse(name, "true or false")

    def inside(self, name: str) -> Row:
        """An object inside."""
        found = self.given.get(name)
        return Row(found, self.path(name)) if isinstance(found, Mapping) else self.refuse(name, "an object")

    def rows(self, name: str) -> list[Row]:
        """A list of objects inside."""
        return rows(self.given.get(name), self.path(name))

    def rows_or_none(self, name: str) -> list[Row]:
        """A list of objects inside; nothing where it is absent."""
        return self.rows(name) if self.given.get(name) is not None else []

    def time_ns(self, *names: str) -> int:
        """Nanoseconds of the first filled field of milliseconds since 1970; 0 where there is none."""
        for name in names:
            if self.filled(name):
                return self.whole(name) * MILLISECOND_NS
        return 0

    def refuse(self, name: str, expected: str) -> NoReturn:
        """Raise: the field's path, what is there, what was expected."""
        refuse(self.path(name), self.given.get(name, _MISSING), expected)


def rows(value: Any, place: str) -> list[Row]:
    """The objects of a list with their places; an object alone is a list of one.

    >>> [one.place for one in rows([{}, {}], "positions")]
    ['positions[0]', 'positions[1]']
    """
    if isinstance(value, Mapping):
        return [Row(value, place)]
    if not isinstance(value, Sequence) or isinstance(value, str):
        refuse(place, value, "a list of objects")
    for k, one in enumerate(value):
        if not isinstance(one, Mapping):
            refuse(f"{place}[{k}]", one, "an object")
    return [Row(one, f"{place}[{k}]") for k, one in enumerate(value)]


def each(value: Mapping[str, Any], place: str) -> Iterator[tuple[str, Row]]:
    """The objects inside an object, by name."""
    for name, one in value.items():
        if not isinstance(one, Mapping):
            refuse(f"{place}.{name}", one, "an object")
        yield name, Row(one, f"{place}.{name}")


def refuse(path: str, value: Any, expected: str) -> NoReturn:
    """Raise :class:`~solvent.book.BookError` with path, value and what was expected.

    >>> refuse("positions[0].side", "up", "'long' or 'short'")
    Traceback (most recent call last):
    ...
    solvent.book.BookError: positions[0].side: got 'up', expected 'long' or 'short'
    """
    if value is _MISSING:
        raise BookError(f"{path}: nothing given, expected {expected}")
    if isinstance(value, Mapping | list):
        shown = "an object" if isinstance(value, Mapping) else "a list"
    else:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        shown = shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"
    raise BookError(f"{path}: got {shown}, expected {expected}")


def _number(given: Any) -> Decimal | None:
    """The finite decimal a field holds, of at most 40 digits on either side of the point; None for anything else."""
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal) or given == "":
        return None
    try:
        found = Decimal(given)
    except InvalidOperation:
        return None
    if not found.is_finite():
        return None
    exponent = found.as_tuple().exponent
    if found.adjusted() >= MOST_DIGITS or not isinstance(exponent, int) or exponent < -MOST_DIGITS:
        return None
    return found
