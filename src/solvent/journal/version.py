"""Which engine wrote a segment: digests of the sources that decide events, of the record layouts and of the rules."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import solvent
from solvent.engine.records import COMMAND, EVENT
from solvent.journal.port import FORMAT

DIGEST_BYTES = 16
# What decides events: the engine, its arithmetic, and the vocabulary that rules are compiled from.
DECIDING = ("engine", "ledger", "units.py", "rates.py", "instruments.py", "book.py", "rules.py")


@cache
def engine_version() -> str:
    """Package version and digest of the sources of the engine, the ledger and the vocabulary below them.

    >>> engine_version().split("+")[0] == solvent.__version__
    True
    """
    return f"{solvent.__version__}+{digest_of_sources(Path(solvent.__file__).parent)}"


def digest_of_sources(package: Path) -> str:
    """Digest of the Python sources under ``package`` that decide events: names and contents, in order of name."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for file in sorted(_sources(package)):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0")
        digest.update(hashlib.blake2b(file.read_bytes().replace(b"\r\n", b"\n")).digest())
    return digest.hexdigest()


def _sources(package: Path) -> Iterator[Path]:
    for name in DECIDING:
        place = package / name
        yield from place.rglob("*.py") if place.is_dir() else [place]


def schema_version() -> str:
    """Journal format and digest of the layouts of commands and events."""
    return f"{FORMAT}+{_digest(repr((COMMAND.descr, EVENT.descr)))}"


def rules_digest(venues: Mapping[str, Any]) -> str:
    """Digest of rule sets by name: every number and choice in them, in an order that does not vary.

    Raises TypeError for a value that has no canonical form (a float, an open file, an object with hidden state).

    >>> rules_digest({"a": 1}) == rules_digest({"a": 2})
    False
    """
    return _digest(canonical(venues))


def canonical(value: Any) -> str:
    """One text for one value: dataclasses by field, mappings and sets sorted, functions and classes by their name."""
    if value is None or isinstance(value, (bool, int, str, bytes)) and not isinstance(value, enum.Enum):
        return f"{type(value).__name__}:{value!r}"
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{canonical(k)}={canonical(v)}" for k, v in value.items())) + "}"
    if isinstance(value, (set, frozenset)):
        return "<" + ",".join(sorted(map(canonical, value))) + ">"
    if isinstance(value, (tuple, list)):
        return "(" + ",".join(map(canonical, value)) + ")"
    return _canonical_object(value)


def _canonical_object(value: Any) -> str:
    if isinstance(value, np.generic):
        return canonical(value.item())
    if isinstance(value, type) or hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    name = type(value).__qualname__
    if is_dataclass(value):
        return f"{name}({','.join(f'{f.name}={canonical(getattr(value, f.name))}' for f in fields(value))})"
    if name in ("Decimal", "date", "datetime", "Fraction"):
        return f"{name}:{value}"
    if not getattr(value, "__dict__", True) and not hasattr(type(value), "__slots__"):
        return name  # an object without state: its class says all
    raise TypeError(f"a rule set holds {value!r} of type {name}, which has no canonical form")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
