"""Compile every kernel once and keep it: ``python -m solvent.engine.warm`` before several processes need them.

Each kernel is compiled for the types its parameters are annotated with, which are the ones the engine calls it with.
"""

from __future__ import annotations

from typing import Any, get_type_hints

import numpy as np

from solvent.engine import engine, scenario_table, winners
from solvent.engine.closes import Round, empty_round
from solvent.engine.jit import KERNELS, say_if_cold
from solvent.engine.ladders import Bands, empty_bands
from solvent.engine.lanes import I16, Lanes
from solvent.engine.layout import space
from solvent.engine.records import COMMAND, EVENT, Records
from solvent.engine.scenario_judge import Answers, Books, Grid, answers, empty_books, empty_grid
from solvent.engine.screen import F64, I8, Marks, packed
from solvent.engine.tables import I32, I64, Limits, Tables, empty

TINY = Limits(pools=2, entries=4, orders=1, things=1, rules=1, pieces=1, sources=1)
PACKAGE = engine.__name__.rpartition(".")[0]  # importing the engine imports every module that has kernels …
NOT_IMPORTED = (winners, scenario_table)  # … but these, which answer questions and change nothing


def warm() -> int:
    """Compile, or take from the cache, every kernel of the engine; how many there are (0 with the compiler off)."""
    kernels = [one for one in KERNELS if one.py_func.__module__.startswith(PACKAGE)]
    samples = _samples()
    for one in kernels:
        one.compile(tuple(_kind(samples, name, hint) for name, hint in parameters(one.py_func).items()))
    return len(kernels)


def parameters(function: Any) -> dict[str, Any]:
    """A kernel's parameters and the types they are annotated with, in order."""
    hints = get_type_hints(function)
    hints.pop("return", None)
    return hints


def _samples() -> list[tuple[Any, Any]]:
    """A value for each annotated type."""
    t = empty(TINY)
    arrays = [(I32, np.int32), (I64, np.int64), (F64, np.float64), (I8, np.int8), (I16, np.int16)]
    samples = [(kind, np.zeros(1, number)) for kind, number in arrays]
    known = [(Tables, t), (Marks, packed(t)), (Lanes, space(1, 1, 1)), (Bands, empty_bands(TINY, 0))]
    known += [(Round, empty_round()), (Books, empty_books()), (Grid, empty_grid()), (Answers, answers(1))]
    return [*known, (bool, True), (int, 1), (float, 1.0), *samples]


def _kind(samples: list[tuple[Any, Any]], name: str, hint: Any) -> Any:
    """The compiler's type of a parameter; of records there are two, told apart by the parameter's name."""
    from numba import typeof  # noqa: PLC0415 (only with the compiler on)

    if hint == Records:
        return typeof(np.zeros(1, COMMAND if name == "commands" else EVENT))  # type: ignore[no-untyped-call]
    for kind, sample in samples:
        if hint == kind:
            return typeof(sample)  # type: ignore[no-untyped-call]
    raise TypeError(f"{name} is annotated with {hint}, expected one of {[kind for kind, _ in samples]}")


if __name__ == "__main__":
    say_if_cold()
    warm()
