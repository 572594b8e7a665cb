"""Figures that a vector states and its source does not assert: compared and shown, and never a failure.

A vector says so itself, in one of three ways:

=====================================================  =================================================================
in the vector                                          not asserted
=====================================================  =================================================================
``"not_asserted": ["detail.bounded", "supply[9]"]``    these places of ``expected``, and everything inside them
``tolerance.upstream``: ``"assert… on A, B and C"``    every other field of ``expected``
``note``: ``"upstream compares steps 0..len-2 only"``  the last element of every list of ``expected``
=====================================================  =================================================================

The two sentences are those in which vector files quote what a test suite compares; any other words change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

ON_FIELDS = re.compile(r"^assert\w+ .*\bon (\w+(?:, \w+)*(?: and \w+)?)$")
ALL_BUT_LAST = "upstream compares steps 0..len-2 only"
STEP = re.compile(r"\.?(\w+)|\[(\d+)\]")


def stated(one: Mapping[str, Any]) -> tuple[str, ...]:
    """The places of a vector's ``expected`` that it says are not asserted.

    Raises
    ------
    ValueError
        ``not_asserted`` is no list of places, or names one that ``expected`` does not have.

    Examples
    --------
    >>> stated({"expected": {"IM": 1, "MM": 2, "parts": {}}, "tolerance": {"upstream": "assertEq on IM and MM"}})
    ('parts',)
    >>> stated({"expected": {"supply": [1, 2]}, "not_asserted": ["supply[1]"]})
    ('supply[1]',)

    """
    expected, given = one.get("expected"), one.get("not_asserted", [])
    if not isinstance(given, list) or not all(isinstance(place, str) and place for place in given):
        msg = f"got {given!r}, expected a list of places"
        raise ValueError(msg)
    for place in given:
        if not _there(expected, place):
            msg = f"{place!r} is no place of expected"
            raise ValueError(msg)
    return tuple(dict.fromkeys([*given, *_other_fields(one, expected), *_last_elements(one, expected)]))


def _there(expected: Any, place: str) -> bool:
    """Whether a place leads to something inside the expected result."""
    steps = list(STEP.finditer(place))
    if "".join(step[0] for step in steps) != place:
        return False
    for step in steps:
        name, index = step[1], step[2]
        if index is not None:
            if not isinstance(expected, list) or int(index) >= len(expected):
                return False
            expected = expected[int(index)]
        elif not isinstance(expected, dict) or name not in expected:
            return False
        else:
            expected = expected[name]
    return bool(steps)


def _other_fields(one: Mapping[str, Any], expected: Any) -> Iterable[str]:
    tolerance = one.get("tolerance")
    words = tolerance.get("upstream") if isinstance(tolerance, dict) else None
    found = ON_FIELDS.match(words) if isinstance(words, str) else None
    if found is None or not isinstance(expected, dict):
        return ()
    named = re.split(r", | and ", found[1])
    return (field for field in expected if field not in named) if set(named) <= expected.keys() else ()


def _last_elements(one: Mapping[str, Any], expected: Any) -> Iterable[str]:
    note = one.get("note")
    if not isinstance(note, str) or not note.startswith(ALL_BUT_LAST) or not isinstance(expected, dict):
        return ()
    return (f"{name}[{len(rows) - 1}]" for name, rows in expected.items() if isinstance(rows, list) and rows)


def inside(place: str, places: Iterable[str]) -> bool:
    """Whether a place is one of ``places`` or lies inside one.

    >>> inside("detail.bounded", ["detail"]), inside("details", ["detail"]), inside("rows[9].a", ["rows[9]"])
    (True, False, True)
    """
    return any(place == one or place.startswith((f"{one}.", f"{one}[")) for one in places)
