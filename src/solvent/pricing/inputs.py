"""What prices are asked of: arrays of one shape, checked once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Number = float | F64
Truth = bool | npt.NDArray[np.bool_]


class PricingError(ValueError):
    """An input no option has; the message names it, its value and what was expected."""


def arrays(**given: Any) -> tuple[F64, ...]:
    """The inputs as float64 arrays of one shape (NumPy's broadcasting).

    Every input must be finite. ``strike`` and ``forward`` and ``spot`` must be positive, ``years``, ``volatility``,
    ``price`` and ``discount`` not negative.

    >>> [one.tolist() for one in arrays(forward=100.0, strike=[90.0, 110.0])]
    [[100.0, 100.0], [90.0, 110.0]]
    >>> arrays(strike=-5.0)
    Traceback (most recent call last):
    ...
    solvent.pricing.inputs.PricingError: strike must be positive, not -5.0
    """
    found = []
    for name, value in given.items():
        one = np.asarray(value, dtype=np.float64)
        _check(name, one)
        found.append(one)
    return tuple(np.broadcast_arrays(*found)) if len(found) > 1 else (found[0],)


POSITIVE = frozenset({"forward", "strike", "spot"})
NOT_NEGATIVE = frozenset({"years", "volatility", "discount", "price"})


def _check(name: str, value: F64) -> None:
    if not np.all(np.isfinite(value)):
        raise PricingError(f"{name} must be finite, not {float(value[~np.isfinite(value)][0])}")
    if name in POSITIVE and not np.all(value > 0):
        raise PricingError(f"{name} must be positive, not {float(value[value <= 0][0])}")
    if name in NOT_NEGATIVE and not np.all(value >= 0):
        raise PricingError(f"{name} must not be negative, not {float(value[value < 0][0])}")
