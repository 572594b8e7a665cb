"""Dividing a whole number of units so that nothing is left over: largest remainders, ties by key."""

from __future__ import annotations

from collections.abc import Mapping


class ShareError(ValueError):
    """Weights among which an amount cannot be divided."""


def shares(amount_units: int, weights: Mapping[str, int]) -> dict[str, int]:
    """``amount_units`` divided in proportion to ``weights``, in whole units that sum to it exactly.

    Each share is the proportional one rounded down, and the units left go one each to the largest remainders; equal
    remainders in order of key. The amount may be negative; the weights may not, and one must be positive.

    Examples
    --------
    >>> shares(10, {"a": 1, "b": 1, "c": 1})
    {'a': 4, 'b': 3, 'c': 3}
    >>> shares(-10, {"a": 1, "b": 2})
    {'a': -3, 'b': -7}

    """
    total = sum(weights.values())
    if total <= 0 or any(weight < 0 for weight in weights.values()):
        msg = f"weights must not be negative and must sum to more than zero, not {dict(weights)}"
        raise ShareError(msg)
    parts = {key: divmod(amount_units * weight, total) for key, weight in weights.items()}
    found = {key: quotient for key, (quotient, _) in parts.items()}
    left = amount_units - sum(found.values())
    for key in sorted(parts, key=lambda key: (-parts[key][1], key))[:left]:
        found[key] += 1
    return found


def socialised(loss_units: int, value_units: Mapping[str, int]) -> dict[str, int]:
    """Who pays how much of a loss: in proportion to positive value, nobody more than they have.

    Parameters
    ----------
    loss_units
        Units still uncovered, more than zero.
    value_units
        Value of each pool that may be asked (winners only, or all: the rule set's choice); those at or below zero pay
        nothing.

    Returns
    -------
    dict
        Payments above zero by pool. Their sum is the loss, or all there is when that is less.

    Examples
    --------
    >>> socialised(3, {"a": 100, "b": 50, "c": -20})
    {'a': 2, 'b': 1}
    >>> socialised(300, {"a": 100, "b": 50})
    {'a': 100, 'b': 50}

    """
    able = {pool: value for pool, value in value_units.items() if value > 0}
    budget = min(loss_units, sum(able.values()))
    if budget <= 0:
        return {}
    # No share exceeds a value: the proportional part is at most the value, a whole number, so rounding up stays there.
    return {pool: units for pool, units in shares(budget, able).items() if units > 0}
