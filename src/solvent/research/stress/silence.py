"""A silent oracle: the price stands still for some minutes, nobody is liquidated, and it returns with a gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.research.stress.moving import Mover
from solvent.units import ONE, ZERO, exact

YEAR_MINUTES = 525_600
STILL = Fraction(1)


class Gap(NamedTuple):
    """The pool at the first price after the silence; amounts in the numeraire.

    Attributes
    ----------
    gap
        Share by which the price has moved.
    sigmas
        The gap in standard deviations of so many minutes; None without a volatility.
    lost
        What the pool owes beyond all it has: never below zero.
    line
        Factor at which it would have been liquidated on the way, had the price been there; None where it would not.
    silence_cost
        Value at that line less value at the gap: what the silence took; None without a line.

    """

    gap: Decimal
    sigmas: float | None
    profit: Decimal
    value: Decimal
    surplus: Decimal
    breached: bool
    lost: Decimal
    line: Fraction | None
    silence_cost: Decimal | None


@exact
def silence(
    moving: Mover,
    gaps: Sequence[Decimal],
    minutes: int,
    volatility: Decimal | None,
    lines: Sequence[Fraction],
) -> list[Gap]:
    """The pool after each gap; ``lines`` are the factors at which its verdict turns."""
    now = moving.assessed(Fraction(1))
    sound = not now.breached(inclusive=moving.rules.breach_inclusive)
    spread = None if not volatility else float(volatility) * math.sqrt(minutes / YEAR_MINUTES)
    found = []
    for gap in gaps:
        factor = Fraction(ONE + gap)
        then = moving.assessed(factor)
        passed = [line for line in lines if min(factor, STILL) <= line <= max(factor, STILL)] if sound else []
        line = min(passed, key=lambda one: abs(one - 1), default=None)
        found.append(
            Gap(
                gap,
                None if not spread else math.log(float(factor)) / spread,
                then.value - now.value,
                then.value,
                then.surplus,
                then.breached(inclusive=moving.rules.breach_inclusive),
                max(ZERO, -then.value),
                line,
                None if line is None else moving.assessed(line).value - then.value,
            )
        )
    return found
