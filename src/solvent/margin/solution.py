"""What a search for a liquidation price finds: crossings of the line, and the one that matters."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.rules import Path


class Crossing(NamedTuple):
    """One crossing: the unrounded ``price`` (to 18 decimals), as venues print it, and the first tick in breach.

    ``breach_below`` says that lower prices are in breach. At ``ticks`` the pool is in breach; one tick towards the
    other side it is not. ``displayed`` is the price at the nearest tick, halves up.
    """

    price: Decimal
    displayed: Decimal
    ticks: int
    breach_below: bool


class Solution(NamedTuple):
    """Every crossing along a path, and the one that matters.

    ``solved`` is the rule's boundary nearest to the present mark, ``ticks`` the first ledger tick in breach there, and
    ``displayed`` the boundary at the instrument's nearest tick, as venues print it; None where no price on this path
    liquidates. ``in_breach`` says that the pool is in breach now.
    """

    pool: str
    symbol: str
    path: Path
    mark: Decimal
    in_breach: bool
    crossings: tuple[Crossing, ...]
    solved: Decimal | None
    ticks: int | None
    displayed: Decimal | None


def nearest(found: Sequence[Crossing], mark: Decimal, *, in_breach: bool) -> Crossing | None:
    """The crossing nearest to the mark that leads into breach (out of it, for a pool in breach)."""
    best: Crossing | None = None
    for one in found:
        leads = (one.price <= mark) == one.breach_below
        if leads == in_breach and one.price != mark:
            continue
        if best is None or abs(one.price - mark) < abs(best.price - mark):
            best = one
    return best
