"""Hashes of meaning: of the state, wherever its blocks lie, and of a rule set, however it was composed."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from solvent.engine.names import Names
from solvent.engine.tables import FREE, I64, TOP_COMMANDS, TOP_EPOCH, TOP_ORDERS, TOP_POOLS, TOP_SEQ, TOP_TIME, Tables
from solvent.rules import VenueRules

DIGEST_BYTES = 16
# Derived columns, places in the slab, and room are left out: they say nothing.
SAVED_POOL = ("cash", "accrual", "reach", "owner", "account", "parent", "scope", "rules", "state", "mode", "legs")
SAVED_ORDER = ("ref", "pool", "key", "lots", "ticks", "flags")


class Entries(NamedTuple):
    """Live entries in order of pool and key: their pools, their slots in the slab, and their keys."""

    pool: I64
    slot: I64
    key: I64


def live_entries(t: Tables) -> Entries:
    """Every live entry of every pool, sorted by pool and key."""
    pools = t.pools[: int(t.top[TOP_POOLS])]
    used = pools["used"].astype(np.int64)
    before = np.cumsum(used) - used
    pool = np.repeat(np.arange(pools.size, dtype=np.int64), used)
    slot = np.repeat(pools["first"].astype(np.int64) - before, used) + np.arange(pool.size, dtype=np.int64)
    live = t.key[slot] != FREE
    pool, slot = pool[live], slot[live]
    key = t.key[slot].astype(np.int64)
    order = np.argsort(pool * (4 * t.things.size) + key, kind="stable")
    return Entries(pool[order], slot[order], key[order])


def live_orders(t: Tables) -> I64:
    """Slots of every live order and standing stop, sorted by reference; where that is shared by pool, key and flags."""
    slots = np.flatnonzero(t.order["ref"][: int(t.top[TOP_ORDERS])] > 0)
    rows = t.order[slots]
    return slots[np.lexsort((rows["flags"], rows["key"], rows["pool"], rows["ref"]))].astype(np.int64)


def state_hash(t: Tables, names: Names) -> str:
    """Hash of what the tables mean: equal histories give equal hashes, whatever blocks moved or slots were reused."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    pools, things = t.pools[: int(t.top[TOP_POOLS])], len(names.things)
    entries, orders = live_entries(t), live_orders(t)
    columns = [pools[name] for name in SAVED_POOL]
    columns += [entries.pool, entries.key, t.lots[entries.slot], t.cost[entries.slot], t.carry[entries.slot]]
    columns += [t.leverage[entries.slot]]
    columns += [t.order[name][orders] for name in SAVED_ORDER]
    columns += [
        t.things[:things],
        t.house[:, :things],
        t.sources[: 1 + int(np.max(np.flatnonzero(t.sources >= 0), initial=-1))],
    ]
    columns += [t.top[[TOP_SEQ, TOP_EPOCH, TOP_TIME, TOP_COMMANDS]]]
    for column in columns:
        digest.update(np.int64(column.size).tobytes())
        digest.update(np.ascontiguousarray(column).tobytes())
    for verb, ref, payload in names.payloads:
        digest.update(np.array([verb, ref, len(payload)], "<i8").tobytes())
        digest.update(payload)
    return digest.hexdigest()


def rules_digest(rules: VenueRules) -> str:
    """Hash of a rule set's contents: every number, name and part, independent of order in sets and mappings."""
    return hashlib.blake2b(_described(rules).encode(), digest_size=DIGEST_BYTES).hexdigest()


def _described(part: Any) -> str:
    """One text for equal parts: dataclasses and plain objects by their fields, sets and mappings sorted."""
    if isinstance(part, enum.Enum):
        return f"{type(part).__name__}.{part.name}"
    if isinstance(part, Mapping):
        return "{" + ",".join(sorted(f"{_described(k)}:{_described(v)}" for k, v in part.items())) + "}"
    if isinstance(part, frozenset | set):
        return "<" + ",".join(sorted(_described(one) for one in part)) + ">"
    if isinstance(part, tuple | list):
        return "[" + ",".join(_described(one) for one in part) + "]"
    if dataclasses.is_dataclass(part):
        inside = (f"{f.name}={_described(getattr(part, f.name))}" for f in dataclasses.fields(part))
        return f"{type(part).__name__}({','.join(inside)})"
    if hasattr(part, "__dict__"):
        return f"{type(part).__name__}({_described(vars(part))})"
    return repr(part)
