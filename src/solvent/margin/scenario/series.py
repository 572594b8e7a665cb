"""What is scanned: option series in columns, and the facts of their expiries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
YEAR_SECONDS = 31_536_000.0


class Expiries(NamedTuple):
    """Expiries of one underlying, in columns.

    Attributes
    ----------
    names
        Their names in the market's figures (:func:`solvent.margin.scenario.reading.curve`).
    seconds, years
        Time to expiry, a year being 365 days.
    moving, settled
        The part of the forward that still moves, and the part a settlement average has fixed already.
    rate
        Continuous rate a year, as given.

    """

    names: tuple[str, ...]
    seconds: F64
    years: F64
    moving: F64
    settled: F64
    rate: F64

    @property
    def discount(self) -> F64:
        """exp(−max(rate, 0)·T)."""
        found: F64 = np.exp(-np.maximum(self.rate, 0.0) * self.years)
        return found


class Series(NamedTuple):
    """Option series, in columns: ``expiry`` is the row of :class:`Expiries`, ``forward`` its whole forward.

    ``slack`` is a bound on the error a volatility brings to a price, as a share of the forward.
    """

    symbols: tuple[str, ...]
    expiry: I64
    strike: F64
    is_call: npt.NDArray[np.bool_]
    volatility: F64
    forward: F64
    slack: F64


def one_series(strike: float, volatility: float, seconds: float, forward: float = 100.0) -> tuple[Series, Expiries]:
    """A single call and its expiry: for examples."""
    one, zero = np.ones(1), np.zeros(1)
    expiries = Expiries(("",), seconds * one, seconds / YEAR_SECONDS * one, forward * one, zero, zero)
    first, call = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.bool_)
    return Series(("",), first, strike * one, call, volatility * one, forward * one, zero), expiries
