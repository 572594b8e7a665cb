"""The scan: profit and loss of each series once a scenario, then positions × matrix, then the worst scenario.

The order of factors is fixed, and every number in it is data: undiscounted values by series and scenario × amounts,
summed by expiry → × discount → × a static discount that depends on the sign of the expiry's value → less the present
value → × the share of gains that counts → summed with what moves in a straight line → × the scenario's weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from solvent.margin.scenario.series import F64, Expiries, Series
from solvent.margin.scenario.shocks import Scenario, VolatilityShock
from solvent.pricing.black import spread_price


class StaticDiscount(Protocol):
    """Factors on an expiry's shocked value: one where it is worth something, one where it is owed."""

    def factors(self, expiries: Expiries) -> tuple[F64, F64]:
        """The factor of values ≥ 0 and of values < 0, by expiry."""
        ...


class Linear(NamedTuple):
    """What gains ``worth × (factor − 1)`` when the spot moves: a perpetual, a coin held as collateral."""

    name: str
    worth: float


@dataclass(frozen=True, slots=True)
class Scan:
    """The result: every scenario's profit, weighted, with the matrix it is the sum of, and which one is worst.

    Attributes
    ----------
    by_expiry
        Scenarios × expiries, before weights and before the share of gains is taken.
    profit
        By scenario, weighted.
    worst
        The row of the smallest profit; None where there is no scenario.

    """

    scenarios: tuple[Scenario, ...]
    expiries: tuple[str, ...]
    linear: tuple[Linear, ...]
    by_expiry: F64
    profit: F64
    worst: int | None

    @property
    def loss(self) -> float:
        """The worst scenario's profit (negative for a loss); zero without scenarios."""
        return 0.0 if self.worst is None else float(self.profit[self.worst])

    def worst_of(self, family: str) -> float:
        """The smallest profit among scenarios of a family (:attr:`Scenario.family`); zero where it has none."""
        found = [float(p) for one, p in zip(self.scenarios, self.profit, strict=True) if one.family == family]
        return min(found, default=0.0)

    @property
    def name(self) -> str:
        """The worst scenario's name; empty without scenarios."""
        return "" if self.worst is None else self.scenarios[self.worst].name


def values(scenarios: Sequence[Scenario], series: Series, expiries: Expiries, shock: VolatilityShock) -> F64:
    """Undiscounted value of one option of each series in each scenario: the matrix, scenarios × series.

    Examples
    --------
    >>> from solvent.margin.scenario.series import one_series
    >>> from solvent.margin.scenario.shocks import Move, PlainShock
    >>> two = [Scenario("same", 1.0), Scenario("down, up", 0.9, Move.UP)]
    >>> values(two, *one_series(100.0, 0.8, 2592000.0), PlainShock(0.5, 0.25)).round(4).tolist()
    [[9.1298], [8.5716]]

    """
    if not series.symbols:
        return np.zeros((len(scenarios), 0))
    vols = {move: shock.shocked(move, series, expiries) for move in {one.move for one in scenarios}}
    factor = np.array([one.spot for one in scenarios])[:, None]
    forward = factor * expiries.moving[series.expiry] + expiries.settled[series.expiry]
    spread = np.stack([vols[one.move] for one in scenarios]) * np.sqrt(expiries.years[series.expiry])
    return spread_price(forward, series.strike, spread, series.is_call)


def by_expiry(matrix: F64, amounts: F64, series: Series, count: int) -> F64:
    """Scenarios × expiries: the value of all options of each expiry (positions × matrix)."""
    found = np.zeros((matrix.shape[0], count))
    weighted = matrix * amounts
    for k in range(count):
        found[:, k] = weighted[:, series.expiry == k].sum(axis=1)
    return found


def scan(
    scenarios: Sequence[Scenario],
    shocked: F64,
    present: F64,
    linear: Sequence[Linear],
    expiries: Expiries,
    credit: StaticDiscount | None = None,
) -> Scan:
    """The worst of the scenarios.

    Parameters
    ----------
    scenarios
        In the order of ``shocked``'s rows.
    shocked, present
        Values by scenario and expiry, and at present, discounted alike (:func:`by_expiry`).
    linear
        What moves in a straight line with the spot.
    expiries
        Facts of the expiries, for ``credit``.
    credit
        The static discount, or None for none.

    Examples
    --------
    >>> from solvent.margin.scenario.series import one_series
    >>> _, expiries = one_series(100.0, 0.8, 2592000.0)
    >>> two = [Scenario("up", 1.1), Scenario("down", 0.9, weight=0.5)]
    >>> found = scan(two, np.array([[16.0], [4.0]]), np.array([9.0]), [Linear("ETH", -100.0)], expiries)
    >>> found.name, found.profit.round(6).tolist()
    ('up', [-3.0, 2.5])

    """
    if credit is not None:
        above, below = credit.factors(expiries)
        shocked = np.where(shocked >= 0, shocked * above, shocked * below)
    gained = shocked - present
    share = np.array([one.gains for one in scenarios])[:, None]
    counted = np.where(gained > 0, gained * share, gained).sum(axis=1)
    straight = sum(one.worth for one in linear)
    moved = np.array([one.spot for one in scenarios]) - 1.0
    profit = (counted + straight * moved) * np.array([one.weight for one in scenarios])
    worst = int(np.argmin(profit)) if profit.size else None
    return Scan(tuple(scenarios), expiries.names, tuple(linear), gained, profit, worst)
