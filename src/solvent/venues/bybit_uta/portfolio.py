"""Portfolio margin: the worst loss of a grid of price and volatility moves, and contingencies on top; amounts in USD.

Source: the account sample of docs/v5/asset/portfolio-margin.mdx in bybit-exchange/docs, whose rows these reproduce. The
contingencies of short options, vega, stablecoins and basis are figures of the market: their tables are not published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Holding, Leg, Market, Purpose
from solvent.margin.scenario.money import figure
from solvent.margin.scenario.series import F64
from solvent.margin.scenario.shocks import Move, PlainShock, Scenario
from solvent.margin.scenario.units import Grid, Required, Unit, contract_value, gained, worst
from solvent.margin.unified import INITIAL, margin_share
from solvent.units import ONE, ZERO, Rounding, divide, exact

RATE_PLACES = 4
SPOT_HEDGE = "spot_hedge"
GIVEN = ("option_contingency", "delta_contingency", "vega_contingency", "usdt_usdc_contingency")


class AssetMargin(NamedTuple):
    """Contingencies and maintenance margin of a base coin, in USD."""

    contingency: Decimal
    maintenance: Decimal


class Stress(NamedTuple):
    """How far a base coin's price moves, and in which steps."""

    reach: Decimal
    step: Decimal


@dataclass(frozen=True, slots=True)
class Parameters:
    """The portfolio margin's numbers: price moves by base coin with a default, volatility, rate on futures, factor."""

    stress: Mapping[str, Stress]
    default: Stress
    volatility: PlainShock
    future_rate: Decimal
    initial_factor: Decimal

    def of(self, coin: str) -> Stress:
        """The price moves of a base coin."""
        return self.stress.get(coin, self.default)


class Stressed(NamedTuple):
    """A base coin's largest loss, the contingencies in the order of :data:`GIVEN` and futures last, what was worst."""

    name: str
    loss: Decimal
    contingencies: tuple[Decimal, ...]
    scenario: str
    error: float


@exact
def price_grid(reach: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    """The price moves from −``reach`` to ``reach`` in steps.

    BTC and ETH have ten steps of 2% since 2025-01-10, 11 points.

    >>> [str(move) for move in price_grid(Decimal("0.04"), Decimal("0.02"))]
    ['-0.04', '-0.02', '0.00', '0.02', '0.04']
    """
    count = int(divide(reach, step, 0, Rounding.DOWN))
    return tuple(step * k for k in range(-count, count + 1))


def grid_of(stress: Stress, volatility: PlainShock) -> Grid:
    """A base coin's grid: every price with volatility up, unchanged and down."""
    found = [
        Scenario(f"price {move:+f}, volatility {vol.value}", float(ONE + move), vol)
        for move in price_grid(stress.reach, stress.step)
        for vol in (Move.UP, Move.NONE, Move.DOWN)
    ]
    return Grid(tuple(found), volatility, in_coin=False)


def hedge_gains(value: float, factors: F64) -> F64:
    """What spot counted as a hedge gains at each factor on the price: gains of its side only, no losses.

    >>> hedge_gains(-200.0, np.array([0.5, 1.5])).tolist()
    [100.0, 0.0]
    """
    return np.maximum(0.0, value * (factors - 1.0))


def together(rows: Sequence[F64]) -> F64:
    """Rows of one grid, one column each: what the scan adds up.

    >>> together([np.array([-5.0, 5.0]), np.array([2.0, -9.0])]).sum(axis=1).tolist()
    [-3.0, -4.0]
    """
    return np.column_stack(list(rows))


@exact
def future_contingency(size: Decimal, index: Decimal, rate: Decimal) -> Decimal:
    """The charge on futures and perpetuals: their size at the index × a rate (0.03% in the sample).

    >>> future_contingency(Decimal(-2), Decimal(50_000), Decimal("0.0003"))
    Decimal('30.0000')
    """
    return abs(size) * index * rate


@exact
def asset_maintenance(worst_loss: Decimal, contingencies: Sequence[Decimal]) -> AssetMargin:
    """Maintenance margin of a base coin: the worst loss and every contingency.

    >>> asset_maintenance(Decimal(1_000), [Decimal(5), Decimal(2)])
    AssetMargin(contingency=Decimal('7'), maintenance=Decimal('1007'))
    """
    extra = sum(contingencies, ZERO)
    return AssetMargin(extra, worst_loss + extra)


@exact
def asset_initial(maintenance: Decimal, factor: Decimal) -> Decimal:
    """Initial margin of a base coin: maintenance × its factor (1.2 for BTC).

    >>> asset_initial(Decimal(1_000), Decimal("1.2"))
    Decimal('1200.0')
    """
    return maintenance * factor


def account_rate(margin: Decimal, equity: Decimal, places: int = RATE_PLACES) -> Decimal:
    """An account rate in portfolio margin: margin ÷ **equity** (not margin balance), cut down to 4 decimals.

    >>> account_rate(Decimal("1069.93399838"), Decimal("52197.86892104"))
    Decimal('0.0204')
    """
    return margin_share(margin, equity, places, Rounding.DOWN)


@exact
def stressed(market: Market, unit: Unit, numeraire: str, parameters: Parameters, *, hedged: bool) -> Stressed:
    """A base coin's stress test and contingencies; ``hedged``: the coin's balance counts as a hedge."""
    grid = grid_of(parameters.of(unit.name), parameters.volatility)
    found = gained(market, unit, numeraire, grid)
    columns = [found.matrix[:, k] for k in range(len(found.assets))]
    names = list(found.assets)
    if hedged and unit.coin:
        names.append(SPOT_HEDGE)
        factors = np.array([one.spot for one in grid.scenarios])
        columns.append(hedge_gains(float(unit.coin * unit.spot), factors))
    scanned = worst(grid, names, together(columns))
    futures = sum(
        (future_contingency(contract_value(one, in_coin=False), ONE, parameters.future_rate) for one in unit.contracts),
        ZERO,
    )
    given = tuple(market.figure(name, unit.name, ZERO) for name in GIVEN)
    loss = min(scanned.loss, 0.0)
    return Stressed(unit.name, figure(abs(loss)), (*given, futures), scanned.name if loss else "", found.error)


@dataclass(frozen=True, slots=True)
class PortfolioMargin:
    """What Bybit asks of base coins: each one's margin, added up. Spot joins in the account class ``spot_hedge``."""

    parameters: Parameters

    @exact
    def required(
        self,
        market: Market,
        units: Sequence[Unit],
        found: Assessment,  # noqa: ARG002
        holding: Holding,
        purpose: Purpose,
    ) -> Required:
        """See :class:`~solvent.margin.scenario.units.UnitMargin`; margin for what is owed is a line of ``found``."""
        pool = holding.pool
        hedged = pool.account_class == SPOT_HEDGE
        each = [stressed(market, unit, pool.numeraire, self.parameters, hedged=hedged) for unit in units]
        factor = self.parameters.initial_factor if purpose in INITIAL else ONE
        lines = []
        for one in each:
            parts = {"scenario": one.loss, "contingency": asset_maintenance(ZERO, one.contingencies).contingency}
            for kind, amount in parts.items():
                lines.append(Line(kind, one.name, Leg.NET, required=asset_initial(amount, factor)))
        decided = max(each, key=lambda one: one.loss, default=None)
        binding = None
        if decided is not None and decided.loss:
            binding = Binding("scenario", f"{decided.name}: {decided.scenario}", decided.loss)
        error = sum(one.error for one in each) * float(factor)
        return Required(tuple(line for line in lines if line.required), error, binding)
