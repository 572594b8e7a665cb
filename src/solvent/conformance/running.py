"""Running vectors: find the adapter, ask the public API, compare, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from solvent.book import BookError
from solvent.conformance.adapters import Adapter, find
from solvent.conformance.report import Outcome, Report, Result
from solvent.conformance.tolerances import mismatches
from solvent.conformance.unasserted import inside
from solvent.conformance.vectors import Inputs, Unsupported, Vector, VectorError, read_vectors, vector_files
from solvent.margin import UnsolvableError
from solvent.rates import RatesError
from solvent.rules import RulesError
from solvent.units import UnitsError

Finder = Callable[[Vector], Adapter | str]
# What the public API raises for inputs it refuses. Anything else is a fault and ends the run with its trace.
REFUSALS = (BookError, RatesError, RulesError, UnitsError, UnsolvableError, VectorError, ArithmeticError)


def conform(paths: Iterable[Path], finder: Finder = find) -> Report:
    """Run every vector of the files (or of the files in folders) at ``paths``.

    Parameters
    ----------
    paths
        Vector files, or folders of them.
    finder
        Gives the adapter of a vector, or the reason why there is none: a third party passes its own.

    Raises
    ------
    VectorError
        A path is not there or a file is not a vector file.

    """
    return run((vector for path in vector_files(paths) for vector in read_vectors(path)), finder)


def run(vectors: Iterable[Vector], finder: Finder = find) -> Report:
    """Run vectors already read.

    Examples
    --------
    >>> from decimal import Decimal
    >>> given = {"notional": Decimal(5), "rate": Decimal("0.1")}
    >>> vector = Vector("x-1", "mine", "mine", "flat", given, Decimal("0.5"), Decimal(0), Path("mine.json"))
    >>> report = run([vector], lambda one: lambda inputs, _: inputs.number("notional") * inputs.number("rate"))
    >>> report.as_json()["passed"]
    1

    """
    return Report(tuple(_one(vector, finder) for vector in vectors))


def _one(vector: Vector, finder: Finder) -> Result:
    adapter = finder(vector)
    if isinstance(adapter, str):
        return Result(vector, Outcome.UNSUPPORTED, reason=adapter)
    try:
        got = adapter(Inputs(vector.inputs), vector)
        found = mismatches(vector.expected, got, vector.tolerance)
    except Unsupported as why:
        return Result(vector, Outcome.UNSUPPORTED, reason=str(why))
    except REFUSALS as error:
        return Result(vector, Outcome.FAILED, reason=f"{type(error).__name__}: {error}")
    aside = tuple(one for one in found if inside(one.place, vector.not_asserted))
    wrong = tuple(one for one in found if one not in aside)
    return Result(vector, Outcome.FAILED if wrong else Outcome.PASSED, got, wrong, aside=aside)
