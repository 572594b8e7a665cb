"""The one error of a book file: which field, what was given, what was expected."""

from __future__ import annotations

from typing import Any

MOST_SHOWN = 80
MOST_SHOWN_BITS = 200


class BookFileError(ValueError):
    """A book file that does not say what a book file must say.

    Parameters
    ----------
    path
        The field, as one would write it to reach it: ``pools[0].positions[2].size``. Empty for the file as a whole.
    value
        What was given there; None where nothing was (the format itself knows no null).
    expected
        What would have been right, as the end of a sentence.

    Examples
    --------
    >>> str(BookFileError("size", "0.0005", "a multiple of the lot size 0.001").under("positions[2]").under("pools[0]"))
    "pools[0].positions[2].size: got '0.0005', expected a multiple of the lot size 0.001"

    """

    def __init__(self, path: str, value: Any, expected: str) -> None:
        super().__init__(path, value, expected)
        self.path = path
        self.value = value
        self.expected = expected

    def __str__(self) -> str:
        given = "nothing given" if self.value is None else f"got {_shown(self.value)}"
        return f"{self.path or 'the file'}: {given}, expected {self.expected}"

    def under(self, prefix: str) -> BookFileError:
        """The same error seen from the level above, whose name for this level is ``prefix``."""
        return BookFileError(f"{prefix}.{self.path}" if self.path else prefix, self.value, self.expected)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > MOST_SHOWN_BITS:  # Python refuses to write very long integers
        return "a very long integer"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
