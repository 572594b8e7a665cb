"""Which engine wrote a segment: digests of the sources that decide events, of the record layouts and of the rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import solvent
from solvent.engine.hashing import rules_digest
from solvent.engine.records import COMMAND, EVENT
from solvent.journal.port import FORMAT
from solvent.rules import VenueRules

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
    layouts = repr((COMMAND.descr, EVENT.descr)).encode()
    return f"{FORMAT}+{hashlib.blake2b(layouts, digest_size=DIGEST_BYTES).hexdigest()}"


def rules_text(venues: Mapping[str, VenueRules]) -> str:
    """Canonical JSON of rule sets: the digest of each by its name. A rule set not used needs not be named.

    >>> rules_text({})
    '{}'
    """
    return json.dumps({name: rules_digest(rules) for name, rules in venues.items()}, sort_keys=True)


def names_of_rules(text: str) -> frozenset[str]:
    """The names in a text made by :func:`rules_text`; none where it is something else.

    >>> names_of_rules('{"generic": "00"}'), names_of_rules("nothing of ours")
    (frozenset({'generic'}), frozenset())
    """
    try:
        found = json.loads(text)
    except ValueError:
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()
