"""Memory: what the engine keeps of a pool with five positions, table by table."""

from __future__ import annotations

from typing import Any

import numpy as np

from solvent.bench.bands import armed, told
from solvent.bench.timing import summary
from solvent.bench.world import Shape, world
from solvent.engine.engine import Engine
from solvent.engine.tables import TOP_ENTRIES, TOP_ORDERS, TOP_POOLS, Tables

SMALL, FULL = 50_000, 1_000_000
MOST_BYTES = 600  # a pool, everything in
OF_POOLS, OF_ENTRIES, OF_ORDERS = (
    ("pools", "mirrored", "active"),
    ("key", "lots", "cost", "carry", "leverage", "orders"),
    ("order",),
)


def measure(full: bool = False) -> dict[str, Any]:
    """Bytes a pool, all of them armed: of each table what is in use, and what is made of it for passes and bands.

    ``at_five_positions`` is the same in proportion to positions, which are a little fewer than five a pool.
    """
    pools = FULL if full else SMALL
    made = world(Shape(pools, instruments=500, entries=5.0, seed=3), bands=True)
    made.engine.revalue()
    armed(made)
    tables = {name: size / pools for name, size in used_bytes(made.engine).items()}
    whole, positions = sum(tables.values()), made.holder.size / pools
    return summary(
        "memory", "bytes/pool", [whole], [float(MOST_BYTES)], f"{MOST_BYTES} bytes, the most allowed", pools=pools,
        positions=round(positions, 3), at_five_positions=round(whole * 5 / positions, 1),
        listed=told(made.engine).listed, tables={name: round(size, 2) for name, size in tables.items()},
    )  # fmt: skip


def used_bytes(engine: Engine) -> dict[str, int]:
    """Bytes in use of each table, and of what an engine derives from them."""
    t = engine.tables
    counts = {name: int(t.top[top]) for top, names in _prefixes().items() for name in names}
    found = {name: _bytes(t, name, counts.get(name)) for name in t._fields}
    return {name: size for name, size in (found | engine.derived_bytes()).items() if size}


def _prefixes() -> dict[int, tuple[str, ...]]:
    return {TOP_POOLS: OF_POOLS, TOP_ENTRIES: OF_ENTRIES, TOP_ORDERS: OF_ORDERS}


def _bytes(t: Tables, name: str, count: int | None) -> int:
    column: np.ndarray[Any, Any] = getattr(t, name)
    return column.nbytes if count is None else column[:count].nbytes
