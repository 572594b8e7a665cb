"""Which errors are the fault of what was given, and so are one line, and which are ours, and so keep their trace."""

from __future__ import annotations

import sys

# By module and name, so that asking needs no import: an error of a module that was never loaded cannot have happened.
REFUSALS = (
    ("solvent.book_json.errors", "BookFileError"),
    ("solvent.book", "BookError"),
    ("solvent.units", "UnitsError"),
    ("solvent.rates", "RatesError"),
    ("solvent.rules", "RulesError"),
    ("solvent.margin.forms", "UnsolvableError"),
    ("solvent.conformance.vectors", "VectorError"),
    ("solvent.journal.port", "JournalError"),
    ("solvent.simulation.datasets", "DatasetError"),
    ("solvent.pricing.inputs", "PricingError"),
    ("solvent.cli.stress_plot", "PlotError"),
)


class InputError(ValueError):
    """Something given to a command that it cannot take: names the argument, the value and what was expected."""


def is_refusal(error: BaseException) -> bool:
    """Whether an error speaks to whoever gave the input.

    >>> is_refusal(InputError("--trade: nothing given")), is_refusal(KeyError("fees"))
    (True, False)
    """
    if isinstance(error, InputError | OSError):
        return True
    known = (getattr(sys.modules.get(module), name, None) for module, name in REFUSALS)
    return isinstance(error, tuple(one for one in known if one is not None))
