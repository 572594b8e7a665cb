"""Portfolio margin of futures, exactly as private/pme/simulate answers it; amounts in the coin.

The worst loss over a grid of price moves, where gains are credited at a share only, a roll shock on every position, and
contingencies; maintenance is a share of the sum. Options, the delta shock's own formula and the extended moves are not
published completely: their figures are taken as given. Source: the response example of docs.deribit.com
private/pme/simulate (2024-06-17) and a production reply of 2026-02-15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.margin.grids import worst_loss
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
SHOWN_PLACES = 9
YEAR_DAYS = Decimal(365)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Risk parameters of a currency pair.

    ``buckets`` points each side of ``price_range``; ``gain_credit`` is the share of a gain that counts; a position's
    roll shock is ``least_move``, or ``move_by_year`` for the time to its expiry where that is more.
    """

    price_range: Decimal
    buckets: int
    gain_credit: Decimal
    least_move: Decimal
    move_by_year: Decimal
    maintenance_share: Decimal


class Extras(NamedTuple):
    """Figures added as they are: to the risk matrix (first two) and to initial margin (last two), in the coin."""

    delta_shock: Decimal = ZERO
    correlation: Decimal = ZERO
    market_maker_protection: Decimal = ZERO
    open_orders: Decimal = ZERO


class Simulated(NamedTuple):
    """A simulated portfolio's margins and the parts of its risk matrix, in the coin."""

    worst_case: Decimal
    roll_shock: Decimal
    risk_matrix: Decimal
    initial: Decimal
    maintenance: Decimal


@exact
def price_moves(reach: Decimal, buckets: int, places: int = PLACES) -> tuple[Decimal, ...]:
    """The moves of the grid: −``reach`` to ``reach``, ``buckets`` points each side and zero.

    >>> [str(move.normalize()) for move in price_moves(Decimal("0.16"), 2)]
    ['-0.16', '-0.08', '0', '0.08', '0.16']
    """
    if buckets < 1:
        msg = f"buckets must be at least 1, not {buckets}"
        raise RulesError(msg)
    return tuple(divide(reach * k, Decimal(buckets), places, Rounding.HALF_UP) for k in range(-buckets, buckets + 1))


@exact
def inverse_results(size: Decimal, moves: Sequence[Decimal], places: int = PLACES) -> tuple[Decimal, ...]:
    """What an inverse future gains at each move, in the coin: size × s ÷ (1 + s), size in coins at mark.

    Rounded down. A linear one gains size × price × s in its settle currency.

    >>> inverse_results(Decimal(1), [Decimal("-0.2"), Decimal("0.25")], places=2)
    (Decimal('-0.25'), Decimal('0.20'))
    """
    if any(move <= -ONE for move in moves):
        msg = "a price cannot fall by all of itself or more"
        raise RulesError(msg)
    return tuple(divide(size * move, ONE + move, places, Rounding.DOWN) for move in moves)


@exact
def credited(results: Sequence[Decimal], gain_credit: Decimal) -> tuple[Decimal, ...]:
    """Losses in full, gains at their share.

    >>> credited([Decimal(-2), Decimal(2)], Decimal("0.6"))
    (Decimal('-2'), Decimal('1.2'))
    """
    return tuple(result * gain_credit if result > 0 else result for result in results)


@exact
def roll_shock(sizes: Mapping[str, Decimal], days: Mapping[str, Decimal], parameters: Parameters) -> Decimal:
    """The charge for rolling positions: size × max(least move, yearly move × time to expiry), all added up.

    ``days`` to expiry by instrument; what has none (a perpetual) has zero.
    """
    total = ZERO
    for name, size in sizes.items():
        move = divide(parameters.move_by_year * days.get(name, ZERO), YEAR_DAYS, PLACES, Rounding.UP)
        total += abs(size) * max(parameters.least_move, move)
    return total


@exact
def simulate(
    sizes: Mapping[str, Decimal], days: Mapping[str, Decimal], parameters: Parameters, extras: Extras | None = None
) -> Simulated:
    """Margins of inverse futures held together.

    Parameters
    ----------
    sizes
        Signed size of each instrument in coins at mark.
    days
        Days to expiry of those that expire.
    parameters
        The currency's risk parameters.
    extras
        What is added as it is; nothing by default.

    Examples
    --------
    >>> risk = Parameters(Decimal("0.18"), 4, Decimal("0.6"), Decimal("0.005"), Decimal("0.05"), Decimal("0.8"))
    >>> simulate({"ETH-PERPETUAL": Decimal("-0.999487053")}, {}, risk).initial
    Decimal('0.157461562')

    """
    added = extras or Extras()
    moves = price_moves(parameters.price_range, parameters.buckets)
    together = inverse_results(sum(sizes.values(), ZERO), moves)
    worst = worst_loss(credited(together, parameters.gain_credit))
    roll = roll_shock(sizes, days, parameters)
    # The replies add the worst case rounded to nine decimals, and print it unrounded.
    matrix = _shown(worst) + roll + added.delta_shock + added.correlation
    initial = _shown(matrix + added.market_maker_protection + added.open_orders)
    return Simulated(worst, roll, matrix, initial, matrix * parameters.maintenance_share)


def _shown(amount: Decimal) -> Decimal:
    return divide(amount, ONE, SHOWN_PLACES, Rounding.HALF_UP)
