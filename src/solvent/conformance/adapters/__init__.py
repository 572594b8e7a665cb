"""Adapters: for each vector file, functions that translate one kind of vector to calls of the public API and back.

``solvent.conformance.adapters.<file>`` has a table ``ADAPTERS`` by (venue, kind) of functions from inputs and vector
to the result, and a table ``ELSEWHERE`` by venue or (venue, kind) of reasons. An adapter holds no rule: it neither
computes with numbers nor compares them (a test reads its syntax tree).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvent.conformance.vectors import Inputs, Vector

Adapter = Callable[["Inputs", "Vector"], Any]
MODULE_NAME = re.compile(r"[a-z][a-z0-9_]*")


def find(vector: Vector) -> Adapter | str:
    """The adapter of a vector, or the reason why there is none.

    Examples
    --------
    >>> from pathlib import Path
    >>> from solvent.conformance.vectors import Vector
    >>> find(Vector("n-1", "nowhere", "nowhere", "liq_price", {}, 0, 0, Path("nowhere.json")))
    'no rule set here covers vectors of nowhere'

    """
    name = f"{__name__}.{vector.file}"
    if not MODULE_NAME.fullmatch(vector.file) or find_spec(name) is None:
        return f"no rule set here covers vectors of {vector.file}"
    module = import_module(name)
    adapter: Adapter | None = module.ADAPTERS.get((vector.venue, vector.kind))
    if adapter is not None:
        return adapter
    reason = module.ELSEWHERE.get((vector.venue, vector.kind)) or module.ELSEWHERE.get(vector.venue)
    return str(reason) if reason else f"no adapter for {vector.kind} of {vector.venue}"
