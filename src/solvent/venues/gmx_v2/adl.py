"""Pool solvency of GMX V2: capped profits, and when and how far a side is deleveraged. Amounts in USD.

Sources: contracts/market/MarketUtils.sol, contracts/adl/AdlUtils.sol, contracts/exchange/AdlHandler.sol and
contracts/position/PositionUtils.sol of gmx-io/gmx-synthetics.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import ZERO, Rounding, divide, exact
from solvent.venues.gmx_v2.impact import USD_PLACES


class Side(NamedTuple):
    """One side of a pool: open interest at entry in USD and in index tokens, and the pool's own amount of that side.

    ``pool_usd`` leaves unrealised profit out; where long and short token are the same it is half of the pool.
    """

    is_long: bool
    size_usd: Decimal
    size_tokens: Decimal
    pool_usd: Decimal


class Adl(NamedTuple):
    """A side after closing part of it, and whether the contract accepts that step."""

    remaining_usd: Decimal
    valid: bool


@exact
def profit(size_usd: Decimal, size_tokens: Decimal, price: Decimal, *, is_long: bool) -> Decimal:
    """Unrealised profit of a position or of a whole side at a price of the index token.

    >>> profit(Decimal(450_000), Decimal(30_000), Decimal("14.99"), is_long=True)
    Decimal('-300.00')
    """
    worth = size_tokens * price
    return worth - size_usd if is_long else size_usd - worth


@exact
def capped_profit(position_profit: Decimal, side_profit: Decimal, pool_usd: Decimal, max_factor: Decimal) -> Decimal:
    """A position's profit after the pool's cap, shared in proportion over its side; a loss stays. Cut to 30 decimals.

    A pool without anything caps nothing: that is how the contract reads.

    >>> capped_profit(Decimal(125_000), Decimal(250_000), Decimal(1_000_000), Decimal("0.07")).normalize()
    Decimal('3.5E+4')
    """
    most = pool_usd * max_factor
    if position_profit <= 0 or side_profit <= most or most <= 0:
        return position_profit
    return divide(position_profit * most, side_profit, USD_PLACES, Rounding.DOWN)


@exact
def adl_enabled(side: Side, index_price: Decimal, max_factor: Decimal) -> bool:
    """Whether a side may be deleveraged: its profit is more than ``max_factor`` of the pool; exactly that is not.

    >>> side = Side(True, Decimal(2_000_000), Decimal(100_000), Decimal(5_000_000))
    >>> adl_enabled(side, Decimal(25), Decimal("0.1")), adl_enabled(side, Decimal("25.01"), Decimal("0.1"))
    (False, True)
    """
    if side.pool_usd <= 0:
        return max_factor < 0
    return _side_profit(side, index_price) > max_factor * side.pool_usd


@exact
def deleveraged(side: Side, index_price: Decimal, size_delta_usd: Decimal, min_factor: Decimal) -> Adl:
    """Close part of a side at the index price; its share of the profit leaves the pool.

    The step is valid when profit ÷ pool is lower than before and not below ``min_factor``. A position's own part is
    taken in proportion to its size, as all of the side had the same entry.

    >>> side = Side(True, Decimal(2_000_000), Decimal(100_000), Decimal(5_000_000))
    >>> deleveraged(side, Decimal(26), Decimal(1_000_000), Decimal("0.02"))
    Adl(remaining_usd=Decimal('1000000'), valid=True)
    """
    if not 0 < size_delta_usd <= side.size_usd:
        raise RulesError(f"ADL closes more than 0 and at most {side.size_usd} USD of a side, not {size_delta_usd}")
    before = _side_profit(side, index_price)
    # all times the side's size, so that nothing is divided
    paid = before * size_delta_usd
    left, pool = before * side.size_usd - paid, side.pool_usd * side.size_usd - paid
    remaining = side.size_usd - size_delta_usd
    if pool <= 0 or side.pool_usd <= 0:
        return Adl(remaining, valid=False)
    lower = left * side.pool_usd < before * pool
    return Adl(remaining, lower and left >= min_factor * pool)


def _side_profit(side: Side, index_price: Decimal) -> Decimal:
    return profit(side.size_usd, side.size_tokens, index_price, is_long=side.is_long) if side.size_usd else ZERO
