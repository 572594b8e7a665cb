"""How a GMX V2 position is closed by force: the whole of it, at the oracle, paid in a fixed order out of collateral.

Source: contracts/liquidation/LiquidationUtils.sol and contracts/position/DecreasePositionCollateralUtils.sol of
gmx-io/gmx-synthetics. There is no insurance fund: what collateral does not cover, the liquidity pool loses.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from solvent.units import ZERO, Rounding, divide, exact

TOKEN_PLACES = 18
ORDER = ("funding", "loss", "fees", "impact", "impact_difference")


class Payout(NamedTuple):
    """What a closed position hands out, in collateral tokens: to the trader, and to the pool (below zero: from it)."""

    returned: Decimal
    pool_delta: Decimal


class Settlement(NamedTuple):
    """Costs in USD as they were paid in their order, what nobody paid, and what is left of the collateral.

    ``insolvent`` says at which cost collateral ran out: from there on nothing is charged, and fees already paid go to
    the pool, not to their receiver.
    """

    paid: Mapping[str, Decimal]
    dropped: Decimal
    left: Decimal
    insolvent: str | None


@exact
def payout(
    collateral: Decimal,
    collateral_price: Decimal,
    profit_usd: Decimal,
    *,
    paid_price: Decimal | None = None,
    fees_usd: Decimal = ZERO,
    places: int = TOKEN_PLACES,
) -> Payout:
    """Tokens returned to the trader and gained by the pool when a whole position is closed.

    A loss and the fees are taken at the collateral's low price, rounded up; a profit is paid in tokens worth
    ``paid_price`` (the collateral's where none is given), rounded down.

    >>> payout(Decimal(1), Decimal(2500), Decimal(-300)).returned.normalize()
    Decimal('0.88')
    """
    gained = divide(
        max(ZERO, profit_usd), collateral_price if paid_price is None else paid_price, places, Rounding.DOWN
    )
    owed = divide(max(ZERO, -profit_usd) + fees_usd, collateral_price, places, Rounding.UP)
    returned = max(ZERO, collateral + gained - owed)
    return Payout(returned, collateral - returned)


@exact
def settled(collateral_usd: Decimal, costs_usd: Mapping[str, Decimal]) -> Settlement:
    """Pay costs in the contract's order until collateral runs out; the rest is dropped and the pool bears it.

    >>> settled(Decimal(100), {"loss": Decimal(70), "fees": Decimal(40)})
    Settlement(paid={'loss': Decimal('70'), 'fees': Decimal('30')}, dropped=Decimal('10'), left=Decimal('0'), \
insolvent='fees')
    """
    left, dropped, insolvent = collateral_usd, ZERO, None
    paid: dict[str, Decimal] = {}
    for name in ORDER:
        cost = costs_usd.get(name, ZERO)
        part = min(cost, left) if insolvent is None else ZERO
        if cost > part and insolvent is None:
            insolvent = name
        if part:
            paid[name] = part
        left -= part
        dropped += cost - part
    return Settlement(paid, dropped, left, insolvent)
