"""Vector files: published inputs and expected results, read without a binary number on the way.

A file is ``{"venue", "units", "shared", "vectors": [{"id", "kind", "source", "evidence", "inputs", "expected",
"tolerance", "note", "venue"?, "not_asserted"?}]}``. Every JSON number is read as the decimal that is written there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from solvent.conformance.unasserted import stated

REQUIRED = ("id", "kind", "inputs", "expected", "tolerance")


class VectorError(ValueError):
    """A vector file that cannot be read, or an input that is not what its kind needs; the message names the place."""


class Unsupported(Exception):
    """An adapter's answer where a vector belongs to something the rule sets do not cover; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector.

    Attributes
    ----------
    file
        The name of its file without ending: adapters are keyed by file, venue and kind.
    venue
        The product variant; the file's venue where the vector names none.
    path
        Where the file is: inputs may name other files relative to it.
    rules_version
        The version of the venue's rules, empty where the file does not say.
    not_asserted
        Places of ``expected`` that the source states and does not assert (:mod:`solvent.conformance.unasserted`).

    """

    id: str
    file: str
    venue: str
    kind: str
    inputs: Mapping[str, Any]
    expected: Any
    tolerance: Any
    path: Path
    source: str = ""
    evidence: str = ""
    note: str = ""
    shared: Mapping[str, Any] = field(default_factory=dict)
    rules_version: str = ""
    not_asserted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """A vector's inputs by name, each read as what it has to be; what is missing or of another kind is an error.

    Examples
    --------
    >>> inputs = Inputs({"side": Decimal(-1), "mark": "9800.5"})
    >>> inputs.number("mark"), inputs.whole("side")
    (Decimal('9800.5'), -1)
    >>> inputs.number("entry")
    Traceback (most recent call last):
    ...
    solvent.conformance.vectors.VectorError: inputs.entry: nothing given, expected a number

    """

    given: Mapping[str, Any]
    place: str = "inputs"

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def number(self, name: str) -> Decimal:
        """A decimal."""
        found = _number(self.given.get(name))
        if found is None:
            self._refuse(name, "a number")
        return found

    def whole(self, name: str) -> int:
        """A whole number."""
        found = self.number(name)
        if found != int(found):
            self._refuse(name, "a whole number")
        return int(found)

    def text(self, name: str) -> str:
        """A text."""
        found = self.given.get(name)
        if not isinstance(found, str):
            self._refuse(name, "a text")
        return found

    def rows(self, name: str) -> list[Inputs]:
        """A list of objects."""
        found = self.given.get(name)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            self._refuse(name, "a list of objects")
        return [Inputs(row, f"{self.place}.{name}[{k}]") for k, row in enumerate(found)]

    def table(self, name: str) -> list[tuple[Decimal, ...]]:
        """A list of rows of numbers."""
        found = self.given.get(name)
        if not isinstance(found, list):
            self._refuse(name, "a list of rows of numbers")
        table = []
        for row in found:
            numbers = [_number(one) for one in row] if isinstance(row, list) else [None]
            if None in numbers:
                self._refuse(name, "a list of rows of numbers")
            table.append(tuple(one for one in numbers if one is not None))
        return table

    def _refuse(self, name: str, expected: str) -> NoReturn:
        given = f"got {self.given[name]!r}" if name in self.given else "nothing given"
        raise VectorError(f"{self.place}.{name}: {given}, expected {expected}")


def _number(given: Any) -> Decimal | None:
    if isinstance(given, str):
        try:
            given = Decimal(given)
        except ArithmeticError:
            return None
    return given if isinstance(given, Decimal) and given.is_finite() else None


def read_json(path: Path) -> Any:
    """A JSON file whose numbers are decimals as written; :class:`VectorError` names file and place."""
    try:
        return json.loads(
            path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant
        )
    except OSError as error:
        raise VectorError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise VectorError(f"{path}: not JSON: {error}") from None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def read_vectors(path: Path) -> list[Vector]:
    """The vectors of a file, in its order.

    Raises
    ------
    VectorError
        The file is not there, not JSON, or a vector misses a field or repeats an id; the message says where.

    """
    whole = read_json(path)
    if not isinstance(whole, dict) or not isinstance(whole.get("vectors"), list):
        raise VectorError(f"{path}: expected an object with a list named vectors")
    found: dict[str, Vector] = {}
    for k, one in enumerate(whole["vectors"]):
        vector = _vector(path, k, one, whole)
        if vector.id in found:
            raise VectorError(f"{path}: vectors[{k}].id: got {vector.id!r} twice, expected each id once")
        found[vector.id] = vector
    return list(found.values())


def _vector(path: Path, k: int, one: Any, whole: Mapping[str, Any]) -> Vector:
    if not isinstance(one, dict):
        raise VectorError(f"{path}: vectors[{k}]: expected an object")
    for name in REQUIRED:
        if name not in one:
            raise VectorError(f"{path}: vectors[{k}].{name}: nothing given")
    if not isinstance(one["inputs"], dict):
        raise VectorError(f"{path}: vectors[{k}].inputs: expected an object")
    shared = whole.get("shared")
    try:
        not_asserted = stated(one)
    except ValueError as why:
        raise VectorError(f"{path}: vectors[{k}].not_asserted: {why}") from None
    return Vector(
        id=str(one["id"]),
        file=path.stem,
        venue=str(one.get("venue") or whole.get("venue") or path.stem),
        kind=str(one["kind"]),
        inputs=one["inputs"],
        expected=one["expected"],
        tolerance=one["tolerance"],
        path=path,
        source=str(one.get("source", "")),
        evidence=str(one.get("evidence", "")),
        note=str(one.get("note", "")),
        shared=shared if isinstance(shared, dict) else {},
        rules_version=str(one.get("rules_version", "")),
        not_asserted=not_asserted,
    )


def vector_files(paths: Iterable[Path]) -> list[Path]:
    """The vector files at ``paths``: files as named, folders as the ``*.json`` directly in them, in order of name.

    :class:`VectorError` where a path is not there or a folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.json"))
            if not inside:
                raise VectorError(f"{path}: no vector files (*.json) in this folder")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise VectorError(f"{path}: no such file or folder")
    return list(found)
