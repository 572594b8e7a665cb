"""Interest between depositors and borrowers of one token: utilisation, a borrow rate of many kinks, two indices.

Utilisation and yearly rates count in 1e-6, indices in 1e-10.
"""

from __future__ import annotations

from typing import NamedTuple

from solvent.venues.drift_v2.formulas import ProgramError, quotient

UNIT = 1_000_000
YEAR_SECONDS = 31_536_000
MINIMUM_STEP = 5_000  # the market's minimum rate counts in half per cents
# Ends of the stretches above the optimal utilisation, and the hundredths of the remaining rate each adds.
STRETCHES = ((850_000, 5), (900_000, 10), (950_000, 15), (990_000, 20), (995_000, 25), (1_000_000, 25))


class RateCurve(NamedTuple):
    """A token's curve: optimal utilisation, the rate there, the highest rate, the lowest in half per cents."""

    optimal: int
    optimal_rate: int
    highest_rate: int
    lowest: int = 0


def utilisation(borrowed: int, deposited: int) -> int:
    """What is borrowed of what is deposited, cut; everything where nothing is deposited and something borrowed.

    >>> utilisation(1, 3), utilisation(5, 0), utilisation(0, 0)
    (333333, 1000000, 0)
    """
    if deposited == 0:
        return UNIT if borrowed else 0
    return borrowed * UNIT // deposited


def borrow_rate(curve: RateCurve, used: int) -> int:
    """The yearly rate at a utilisation (spot_balance.rs).

    Above the optimal utilisation six stretches, ever steeper, share what is left up to the highest rate.

    Raises
    ------
    ProgramError
        The optimal utilisation is zero, or above the end of the first stretch.

    Examples
    --------
    >>> curve = RateCurve(800_000, 100_000, 1_000_000)
    >>> [borrow_rate(curve, used) for used in (400_000, 800_000, 850_000, 995_000, 1_000_000)]
    [50000, 100000, 145000, 775000, 1000000]

    """
    lowest = curve.lowest * MINIMUM_STEP
    if used <= curve.optimal:
        slope = quotient(curve.optimal_rate * UNIT, curve.optimal)
        return max(lowest, used * slope // UNIT)
    rest, rate, start = curve.highest_rate - curve.optimal_rate, curve.optimal_rate, curve.optimal
    for end, share in STRETCHES:
        if end < start:
            msg = f"optimal utilisation {curve.optimal} is above {end}, where the first stretch ends"
            raise ProgramError(msg)
        if used <= end:
            return max(lowest, rate + rest * share // 100 * (used - start) // (end - start))
        rate, start = rate + rest * share // 100, end
    return max(lowest, rate)


class Indices(NamedTuple):
    """A token's cumulative interest of deposits and of borrows, 1e-10."""

    deposits: int
    borrows: int


def accrued(before: Indices, rate: int, used: int, seconds: int, fund_share: int = 0) -> Indices:
    """The indices after some seconds of simple interest; ``fund_share`` (1e-6) of what depositors earn goes elsewhere.

    Borrowers pay a unit more than computed; nothing moves while depositors would earn nothing.

    >>> accrued(Indices(10**10, 10**10), 100_000, 500_000, 31_536_000, 200_000)
    Indices(deposits=10400000000, borrows=11000000001)
    """
    if used == 0 or seconds <= 0:
        return before
    owed = before.borrows * (rate * seconds) // YEAR_SECONDS // UNIT + 1
    earned = before.deposits * (rate * seconds * used // UNIT) // YEAR_SECONDS // UNIT
    if earned <= 0 or owed <= 1:
        return before
    return Indices(before.deposits + earned - earned * fund_share // UNIT, before.borrows + owed)
