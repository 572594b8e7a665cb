"""Snapshots: used prefixes of the saved columns and the payloads applied so far; what follows from them is rebuilt."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from solvent.engine.records import Verb
from solvent.engine.tables import (
    TOP_ENTRIES,
    TOP_ORDERS,
    TOP_PIECES,
    TOP_POOLS,
    TOP_RULES,
    TOP_THINGS,
    Limits,
    Tables,
    empty,
)

FORM = 2  # changes when an older snapshot can no longer be read
ENTRY_COLUMNS = ("key", "lots", "cost", "carry", "leverage", "orders")
STALE = -1
LISTINGS = (int(Verb.LIST_ASSET), int(Verb.LIST))
REBUILT = [TOP_THINGS, TOP_RULES, TOP_PIECES]


class SnapshotError(ValueError):
    """A snapshot that is damaged, of another form, or does not give the state it says; the message names the file."""


def write(path: Path, t: Tables, payloads: list[tuple[int, int, bytes]], limits: Limits, state: str) -> None:
    """Write the state to a file; ``state`` is its hash, checked when it is read again."""
    pools, entries, orders = (int(t.top[k]) for k in (TOP_POOLS, TOP_ENTRIES, TOP_ORDERS))
    things = sum(1 for verb, _, _ in payloads if verb in LISTINGS)
    head = {
        "form": FORM,
        "limits": list(limits),
        "state": state,
        "payloads": [[verb, ref, base64.b64encode(payload).decode()] for verb, ref, payload in payloads],
    }
    rows = t.pools[:pools].copy()
    for derived in ("whole", "millionths", "watch"):
        rows[derived] = 0
    rows["epoch"] = STALE
    columns: dict[str, Any] = {name: getattr(t, name)[:entries] for name in ENTRY_COLUMNS}
    with path.open("wb") as out:
        np.savez(
            out,
            head=np.frombuffer(json.dumps(head, sort_keys=True).encode(), np.uint8),
            pools=rows,
            order=t.order[:orders],
            free=t.free,
            top=t.top,
            things=t.things[:things],
            house=t.house[:, :things],
            sources=t.sources,
            **columns,
        )


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The head and the columns of a snapshot.

    Raises
    ------
    SnapshotError
        The file is damaged or of another form.

    """
    try:
        with path.open("rb") as source, np.load(source, allow_pickle=False) as found:
            columns = {name: found[name] for name in found.files}
        head = json.loads(columns.pop("head").tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SnapshotError(f"{path}: no readable snapshot: {error}") from None
    if head.get("form") != FORM:
        raise SnapshotError(f"{path}: a snapshot of form {head.get('form')}, expected {FORM}")
    head["payloads"] = [(verb, ref, base64.b64decode(text)) for verb, ref, text in head["payloads"]]
    return head, columns


def laid_out(head: dict[str, Any]) -> Tables:
    """Empty tables of the snapshot's limits."""
    return empty(Limits(*head["limits"]))


def fill(t: Tables, columns: dict[str, Any]) -> None:
    """Overlay the saved columns on tables in which the payloads have been applied; ``top`` keeps the rules' own
    counts.
    """
    rules_counts = t.top.copy()
    t.pools[: columns["pools"].size] = columns["pools"]
    for name in ENTRY_COLUMNS:
        getattr(t, name)[: columns[name].size] = columns[name]
    t.order[: columns["order"].size] = columns["order"]
    t.free[:] = columns["free"]
    t.things[: columns["things"].size] = columns["things"]
    t.house[:, : columns["things"].size] = columns["house"]
    t.sources[:] = columns["sources"]
    t.top[:] = columns["top"]
    if (rules_counts[REBUILT] != t.top[REBUILT]).any():
        raise SnapshotError(
            f"rules compile to {rules_counts[REBUILT].tolist()} things, rows and pieces, "
            f"the snapshot had {t.top[REBUILT].tolist()}: the rule sets have changed"
        )
