"""How near is near enough: every tolerance form of vector files, compared in exact arithmetic.

========================================  ==============================================================================
form                                      passes when
========================================  ==============================================================================
a number or a decimal text                abs(got − want) ≤ it, for every number of the expected result
``{"field": number, ...}``                the same by field; a field that is not named must be equal
``{"abs": a}``, ``{"rel": r}``, both      abs(got − want) ≤ max(r × abs(want), a)
``{"abs": a, "util": u}``                 a for every number, u for the field ``utilization``
``{"rule": "truncate_to_integer"}``       got, cut towards zero, is the whole number expected
``"exact integer"``, ``"boolean"``        equality
``"abs 2 wei"``, ``"abs 1 unit of debt"`` abs(got − want) ≤ the number in the text
``"boolean / stated figure"``             equality; 1e-6 for a field that ends in ``_approx``
``"utilization exact; ..."``              equality for ``utilization``, the number after ``abs`` for the rest
========================================  ==============================================================================

Of an expected object only the fields that are there are asserted; None inside a list asserts nothing. Texts, booleans
and None are always compared for equality.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from solvent.conformance.vectors import VectorError

Number = int | float | Decimal | Fraction
FLOAT_SLACK = Fraction(1, 10**9)  # what binary arithmetic may be off by at a limit
APPROXIMATE = Fraction(1, 10**6)
ABSOLUTE_TEXT = re.compile(r"\babs (\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
EXACT_TEXTS = frozenset({"exact integer", "boolean"})
KNOWN_KEYS = frozenset({"abs", "rel", "util", "rule", "upstream"})


class Mismatch(NamedTuple):
    """One number, text or shape that is not as expected; ``place`` is the field, empty for the result itself."""

    place: str
    expected: Any
    got: Any


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest distance allowed: the larger of an absolute one and a share of what is expected."""

    absolute: Fraction = Fraction(0)
    relative: Fraction = Fraction(0)
    truncate: bool = False

    def holds(self, want: Number, got: Number) -> bool:
        """Whether ``got`` is near enough; the limit itself is inside."""
        wanted, found = Fraction(want), Fraction(got)
        slack = FLOAT_SLACK if isinstance(got, float) else Fraction(0)
        if self.truncate:
            whole = int(abs(found) + slack)
            return (whole if found >= 0 else -whole) == wanted
        return abs(found - wanted) <= max(self.relative * abs(wanted), self.absolute) + slack


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A limit for every number, and other limits for single fields."""

    every: Limit
    fields: Mapping[str, Limit] = field(default_factory=dict)

    def limit(self, name: str) -> Limit:
        """The limit of a field; texts that say so treat fields ending in ``_approx`` as computed approximately."""
        if name in self.fields:
            return self.fields[name]
        return self.fields["_approx"] if name.endswith("_approx") and "_approx" in self.fields else self.every


def tolerance(given: Any) -> Tolerance:
    """Read a tolerance of any form; :class:`VectorError` for one that is none of them.

    Examples
    --------
    >>> tolerance({"rel": Decimal("0.01"), "abs": Decimal(5)}).every.holds(Decimal(1000), Decimal(1010))
    True
    >>> tolerance("abs 2 wei").every
    Limit(absolute=Fraction(2, 1), relative=Fraction(0, 1), truncate=False)

    """
    if isinstance(given, bool) or given is None:
        raise VectorError(f"tolerance: got {given!r}, expected a number, a text or an object")
    number = as_number(given)
    if number is not None:
        return Tolerance(Limit(_not_negative(number)))
    if isinstance(given, str):
        return _from_text(given)
    if isinstance(given, dict):
        return _from_object(given)
    raise VectorError(f"tolerance: got {given!r}, expected a number, a text or an object")


def _from_object(given: Mapping[str, Any]) -> Tolerance:
    if not given.keys() & (KNOWN_KEYS - {"upstream"}):
        return Tolerance(Limit(), {name: Limit(_part(given, name)) for name in given if name != "upstream"})
    strange = sorted(given.keys() - KNOWN_KEYS)
    if strange:
        raise VectorError(f"tolerance.{strange[0]}: unknown beside abs, rel, util and rule")
    if "rule" in given:
        if given["rule"] != "truncate_to_integer":
            raise VectorError(f"tolerance.rule: got {given['rule']!r}, expected 'truncate_to_integer'")
        return Tolerance(Limit(truncate=True))
    single = {"utilization": Limit(_part(given, "util"))} if "util" in given else {}
    return Tolerance(Limit(_part(given, "abs"), _part(given, "rel")), single)


def _from_text(given: str) -> Tolerance:
    if given in EXACT_TEXTS:
        return Tolerance(Limit())
    if given == "boolean / stated figure":
        return Tolerance(Limit(), {"_approx": Limit(APPROXIMATE)})
    stated = ABSOLUTE_TEXT.search(given)
    if stated is None:
        raise VectorError(f"tolerance: got {given!r}, which is no form of tolerance known here")
    every = Limit(Fraction(Decimal(stated[1])))
    return Tolerance(every, {"utilization": Limit()} if given.startswith("utilization exact") else {})


def _part(given: Mapping[str, Any], name: str) -> Fraction:
    number = as_number(given.get(name, 0))
    if number is None:
        raise VectorError(f"tolerance.{name}: got {given[name]!r}, expected a number")
    return _not_negative(number)


def _not_negative(number: Fraction) -> Fraction:
    if number < 0:
        raise VectorError(f"tolerance: got {number}, expected a number that is not negative")
    return number


def as_number(given: Any) -> Fraction | None:
    """A number, a decimal text or a fraction text as a fraction; None for anything else."""
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal | Fraction):
        return None
    try:
        return Fraction(given)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None


def mismatches(expected: Any, got: Any, given_tolerance: Any) -> list[Mismatch]:
    """Everything that is not as expected, empty when the vector passes.

    Examples
    --------
    >>> mismatches({"liq": Decimal("1153.26")}, {"liq": Decimal("1153.256"), "other": 1}, Decimal("0.005"))
    []
    >>> mismatches({"liq": Decimal("1153.26")}, {"liq": Decimal("1153.2")}, {"liq": Decimal("0.005")})
    [Mismatch(place='liq', expected=Decimal('1153.26'), got=Decimal('1153.2'))]

    """
    limits = tolerance(given_tolerance)
    found: list[Mismatch] = []
    _compare("", "", expected, got, limits, found)
    return found


def _compare(place: str, name: str, expected: Any, got: Any, limits: Tolerance, found: list[Mismatch]) -> None:
    if isinstance(expected, dict) and isinstance(got, dict):
        for key, want in expected.items():
            inner = f"{place}.{key}" if place else key
            if key not in got:
                found.append(Mismatch(inner, want, "absent"))
            else:
                _compare(inner, key, want, got[key], limits, found)
        return
    if isinstance(expected, list) and isinstance(got, list | tuple):
        if len(expected) != len(got):
            found.append(Mismatch(place, expected, list(got)))
            return
        for k, want in enumerate(expected):
            if want is not None:
                _compare(f"{place}[{k}]", name, want, got[k], limits, found)
        return
    if not _same(expected, got, limits.limit(name)):
        found.append(Mismatch(place, expected, got))


def _same(expected: Any, got: Any, limit: Limit) -> bool:
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(got, int | float | Decimal | Fraction):
        want, found = as_number(expected), as_number(got)
        return want is not None and found is not None and limit.holds(want, got)
    return bool(expected == got)


def near(got: Decimal, want: Decimal, relative: Decimal) -> bool:
    """Whether two figures differ by at most ``relative`` × max(1, abs(want)): how data sets are compared.

    >>> near(Decimal("50.00001"), Decimal(50), Decimal("1e-6"))
    True
    """
    return abs(Fraction(got) - Fraction(want)) <= Fraction(relative) * max(Fraction(1), abs(Fraction(want)))
