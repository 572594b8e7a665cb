"""The real chains that ship with the tests."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from tools import surfaces

FOLDER = Path(__file__).resolve().parent.parent / "data/chains"
NAMES = ("before", "in", "after")


@cache
def chain(name: str) -> surfaces.Chain:
    return surfaces.from_json(gzip.decompress((FOLDER / f"btc_{name}.json.gz").read_bytes()).decode())


@cache
def scored(name: str):
    return surfaces.scored(chain(name))
