"""Portfolio margin: what is published completely, as exact functions; amounts in USD.

A risk unit is everything on one underlying. Its requirement is the worst of a price and volatility grid (MR1), decay
(MR2) and an extreme move (MR6), plus term structure (MR3), basis (MR4) and interest rate (MR5), at least a cost of
reduction (MR7), plus stablecoin depeg (MR9); borrowing (MR8) is the account's. MR2, MR3, MR5 and MR9 come as figures:
their formulas are not published. Source: the sample reply of POST /api/v5/account/position-builder, which these equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.margin.grids import linear_results, summed, worst_loss
from solvent.margin.unified import margin_cover
from solvent.rules import RulesError
from solvent.units import ZERO, Rounding, divide, exact

INITIAL_FACTOR = Decimal("1.3")
EXTREME_SHARE = Decimal("0.5")
PLACES = 18


class Extreme(NamedTuple):
    """Result of the extreme move, and the half of its loss that is charged, in USD."""

    result: Decimal
    charge: Decimal


class Linear(NamedTuple):
    """Basis charge (MR4) and cost of reduction (MR7) of a swap, in USD."""

    basis: Decimal
    reduction: Decimal


class Unit(NamedTuple):
    """Maintenance and initial margin of a risk unit, in USD."""

    maintenance: Decimal
    initial: Decimal


class Totals(NamedTuple):
    """An account's margins, in USD: derivatives' maintenance, borrowing's two, and the sums."""

    derivatives: Decimal
    borrow_maintenance: Decimal
    borrow_initial: Decimal
    maintenance: Decimal
    initial: Decimal


@exact
def cash_delta(contracts: Decimal, contract_value: Decimal, mark: Decimal, usd_rate: Decimal) -> Decimal:
    """Signed cash delta of a linear swap: size × **mark** × the settle currency's USD rate.

    >>> cash_delta(Decimal(-10), Decimal("0.01"), Decimal("97093.7"), Decimal("0.99954"))
    Decimal('-9704.90368980')
    """
    return contracts * contract_value * mark * usd_rate


@exact
def spot_results(side: int, base: Decimal, shocks: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """MR1 of a linear swap: what it gains at each price shock; ``base`` is its size × **index** × USD rate.

    Volatility does not matter to it. Shocks are ±0, 4, 8, 12% for BTC and ETH.

    >>> spot_results(-1, Decimal(100), [Decimal("-0.04"), Decimal("0.04")])
    (Decimal('4.00'), Decimal('-4.00'))
    """
    return linear_results(base * side, shocks)


@exact
def worst_spot(rows: Sequence[Sequence[Decimal]]) -> Decimal:
    """MR1 of a unit: the largest loss over the shocks of all its positions together, never below zero.

    >>> worst_spot([[Decimal(-5), Decimal(5)], [Decimal(2), Decimal(-9)]])
    Decimal('4')
    """
    return worst_loss(summed(rows))


@exact
def extreme_move(base: Decimal, shock: Decimal, share: Decimal = EXTREME_SHARE) -> Extreme:
    """MR6 of a linear position: half of what the extreme move (24% for BTC and ETH) against it loses.

    ``base`` is its size × index × USD rate, without sign.

    >>> extreme_move(Decimal(100), Decimal("0.24")).charge
    Decimal('12.000')
    """
    loss = abs(base) * shock
    return Extreme(-loss, loss * share)


@exact
def linear_charges(delta: Decimal, basis_rate: Decimal, reduction_rate: Decimal) -> Linear:
    """MR4 and MR7 of a lone swap: rates on its cash delta (0.20% and 0.45% for BTC in the sample).

    >>> linear_charges(Decimal(-1000), Decimal("0.002"), Decimal("0.0045"))
    Linear(basis=Decimal('2.000'), reduction=Decimal('4.5000'))
    """
    return Linear(abs(delta) * basis_rate, abs(delta) * reduction_rate)


@exact
def scaled_reduction(raw: Decimal, tiers: Sequence[tuple[Decimal | None, Decimal]]) -> Decimal:
    """MR7 after its scaling: each part of the raw amount × its tier's multiplier (rows of upper bound, multiplier).

    >>> scaled_reduction(Decimal(30_000), [(Decimal(10_000), Decimal(1)), (None, Decimal(2))])
    Decimal('50000')
    """
    total, floor = ZERO, ZERO
    for cap, multiplier in tiers:
        top = raw if cap is None else min(raw, cap)
        total += max(ZERO, top - floor) * multiplier
        if cap is None:
            return total
        floor = cap
    if raw > floor:
        msg = f"the tiers of MR7 end at {floor}, below {raw}; the last one needs no upper bound"
        raise RulesError(msg)
    return total


@exact
def unit_margin(
    spot: Decimal,
    decay: Decimal,
    term: Decimal,
    basis: Decimal,
    interest: Decimal,
    extreme: Decimal,
    reduction: Decimal,
    depeg: Decimal = ZERO,
) -> Unit:
    """Margin of a risk unit from MR1, MR2, MR3, MR4, MR5, MR6, MR7 and MR9.

    >>> unit_margin(Decimal(9), ZERO, Decimal(1), ZERO, ZERO, Decimal(8), Decimal(11), Decimal(2))
    Unit(maintenance=Decimal('13'), initial=Decimal('16.9'))
    """
    maintenance = max(max(spot, decay, extreme) + term + basis + interest, reduction) + depeg
    return Unit(maintenance, maintenance * INITIAL_FACTOR)


@exact
def account_totals(
    units: Sequence[Decimal], owed: Decimal, borrow_rate: Decimal, borrow_leverage: Decimal, places: int = PLACES
) -> Totals:
    """Margins of an account: its units' maintenance, and MR8 on what it owes (2% maintenance in the sample).

    >>> account_totals([Decimal(100)], Decimal(1_000), Decimal("0.02"), Decimal(10), places=0).initial
    Decimal('230.0')
    """
    derivatives = sum(units, ZERO)
    borrow, borrow_initial = owed * borrow_rate, divide(owed, borrow_leverage, places, Rounding.UP)
    initial = derivatives * INITIAL_FACTOR + borrow_initial
    return Totals(derivatives, borrow, borrow_initial, derivatives + borrow, initial)


@exact
def margin_ratio(
    equity: Decimal, maintenance: Decimal, owed: Decimal, borrow: Decimal, fee: Decimal, places: int = PLACES
) -> Decimal:
    """Equity ÷ (maintenance + liquidation fees), rounded down; fees are on what is owed and its margin.

    :class:`RulesError` where nothing is required.

    >>> margin_ratio(Decimal(100), Decimal(40), Decimal(0), Decimal(0), Decimal("0.001"), places=1)
    Decimal('2.5')
    """
    bottom = maintenance + fee * (owed + borrow)
    return margin_cover(equity, bottom, places)
