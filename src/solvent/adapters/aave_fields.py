"""Fields of a decoded message, each read as what it has to be; an error starts with the field's path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from solvent.book import BookError
from solvent.units import UnitsError, parse


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of a message and where it stands.

    Examples
    --------
    >>> Fields({"decimals": "18"}).whole("decimals")
    18
    >>> Fields({}, "reserves[0]").text("symbol")
    Traceback (most recent call last):
    ...
    solvent.book.BookError: reserves[0].symbol: nothing given, expected a text

    """

    given: Mapping[str, Any]
    place: str = ""

    def path(self, name: str) -> str:
        """The path of a field."""
        return f"{self.place}.{name}" if self.place else name

    def has(self, name: str) -> bool:
        """Whether the field is there with something in it."""
        return self.given.get(name) not in (None, "")

    def number(self, name: str) -> Decimal:
        """A decimal that is not negative, given as text or a whole number."""
        try:
            found = parse(self.given[name], self.path(name)) if self.has(name) else None
        except UnitsError:
            found = None
        if found is None or found < 0:
            self._refuse(name, "a number that is not negative, as text")
        return found

    def whole(self, name: str) -> int:
        """A whole number that is not negative."""
        found = self.number(name)
        if found != int(found):
            self._refuse(name, "a whole number")
        return int(found)

    def whole_or_zero(self, name: str) -> int:
        """A whole number, zero where nothing is given."""
        return self.whole(name) if self.has(name) else 0

    def text(self, name: str) -> str:
        """A text that is not empty."""
        found = self.given.get(name)
        if not isinstance(found, str) or not found:
            self._refuse(name, "a text")
        return found

    def inside(self, name: str) -> Fields:
        """An object inside."""
        found = self.given.get(name)
        if not isinstance(found, Mapping):
            self._refuse(name, "an object")
        return Fields(found, self.path(name))

    def rows(self, name: str) -> list[Fields]:
        """A list of objects."""
        found = self.given.get(name)
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            self._refuse(name, "a list of objects")
        return [Fields(one, f"{self.path(name)}[{k}]") for k, one in enumerate(found)]

    def _refuse(self, name: str, expected: str) -> NoReturn:
        got = f"got {self.given[name]!r}" if name in self.given else "nothing given"
        raise BookError(f"{self.path(name)}: {got}, expected {expected}")
