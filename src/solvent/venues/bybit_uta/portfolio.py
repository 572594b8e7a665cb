"""Portfolio margin: the pieces that are published completely, as exact functions; amounts in USD.

Maintenance margin of a base coin is the worst loss of a grid of price and volatility moves, and contingencies on top.
Source: the account sample of docs/v5/asset/portfolio-margin.mdx in bybit-exchange/docs, which these reproduce.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.margin.grids import linear_results
from solvent.margin.unified import margin_share
from solvent.units import ZERO, Rounding, divide, exact

RATE_PLACES = 4


class AssetMargin(NamedTuple):
    """Contingencies and maintenance margin of a base coin, in USD."""

    contingency: Decimal
    maintenance: Decimal


@exact
def price_grid(reach: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    """The price moves from −``reach`` to ``reach`` in steps.

    BTC and ETH have ten steps of 2% since 2025-01-10, 11 points.

    >>> [str(move) for move in price_grid(Decimal("0.04"), Decimal("0.02"))]
    ['-0.04', '-0.02', '0.00', '0.02', '0.04']
    """
    count = int(divide(reach, step, 0, Rounding.DOWN))
    return tuple(step * k for k in range(-count, count + 1))


@exact
def contract_results(size: Decimal, price: Decimal, moves: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """What a linear contract of signed ``size`` gains at each price move.

    >>> contract_results(Decimal(-2), Decimal(100), [Decimal("-0.1"), Decimal("0.1")])
    (Decimal('20.0'), Decimal('-20.0'))
    """
    return linear_results(size * price, moves)


@exact
def spot_hedge_results(size: Decimal, price: Decimal, moves: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """What spot counted as a hedge gains at each price move: gains of its side only, no losses.

    >>> spot_hedge_results(Decimal(-2), Decimal(100), [Decimal("-0.1"), Decimal("0.1")])
    (Decimal('20.0'), Decimal('0'))
    """
    return tuple(max(ZERO, result) for result in linear_results(size * price, moves))


@exact
def future_contingency(size: Decimal, index: Decimal, rate: Decimal) -> Decimal:
    """The charge on futures and perpetuals: their size at the index × a rate (0.03% in the sample).

    >>> future_contingency(Decimal(-2), Decimal(50_000), Decimal("0.0003"))
    Decimal('30.0000')
    """
    return abs(size) * index * rate


@exact
def asset_maintenance(worst: Decimal, contingencies: Sequence[Decimal]) -> AssetMargin:
    """Maintenance margin of a base coin: the worst loss and every contingency.

    >>> asset_maintenance(Decimal(1_000), [Decimal(5), Decimal(2)])
    AssetMargin(contingency=Decimal('7'), maintenance=Decimal('1007'))
    """
    extra = sum(contingencies, ZERO)
    return AssetMargin(extra, worst + extra)


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
