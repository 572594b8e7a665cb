"""A pool taken apart once, so that totals, lines and many price paths are found without valuing anything twice."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Piecewise
from solvent.margin.collateral import counted, value_units
from solvent.margin.tiered import Entry, requirement
from solvent.margin.valuation import Equity, Scene, Valued, equities, valued
from solvent.units import ZERO


class Parts(NamedTuple):
    """What each asset counts and each position requires, resting orders apart, and the surplus they sum to.

    ``requirements`` and their pieces are in the order of ``positions``; ``equities`` and ``counted`` are by asset, and
    ``ticks`` are the marks by symbol. ``counts_in_full``: all unrealised profit counts.
    """

    scene: Scene
    positions: list[Valued]
    requirements: list[tuple[Decimal, Piecewise]]
    equities: dict[str, Equity]
    counted: dict[str, Decimal]
    ticks: dict[str, int]
    counts_in_full: bool
    required: Decimal
    surplus: Decimal


def parts(scene: Scene) -> Parts:
    """Value a pool's positions and assets (inside the exact context)."""
    positions = [valued(scene, p) for p in scene.holding.positions]
    needed = [requirement(scene, p.contract, p.margin, Entry.held(p.position), p.notional) for p in positions]
    owned = {one.asset.name: one for one in equities(scene, positions)}
    values = {
        name: counted(scene, one, scene.numeraire.amount(value_units(scene, one.asset, one.counted_units)))
        for name, one in owned.items()
    }
    required = sum((one for one, _ in needed), ZERO)
    ticks = {one.position.symbol: one.ticks for one in positions}
    in_full = all(one.counted_profit == one.profit for one in owned.values())
    surplus = sum(values.values(), ZERO) - required
    return Parts(scene, positions, needed, owned, values, ticks, in_full, required, surplus)
