"""Collateral on Synthetix V3: a discount that grows with the account's own amount against the spot market's depth.

``clamp(amount ÷ spot skew scale × scalar, lower, upper)``; the scale is the market's figure ``spot_skew_scale``.
Nothing is ever owed in a synth. Source: contracts/storage/PerpsCollateralConfiguration.sol of
Synthetixio/synthetix-v3, markets/perps-market.
"""

from __future__ import annotations

from decimal import Decimal

from solvent.margin.weights import AmountDiscount

FIGURE = "spot_skew_scale"


def discount(asset: str, scalar: Decimal, lower: Decimal, upper: Decimal) -> AmountDiscount:
    """How one asset is discounted; all three are fractions.

    >>> discount("ETH", Decimal(2), Decimal("0.01"), Decimal("0.05")).rate(Decimal(700), Decimal(50_000)).normalize()
    Decimal('0.028')
    """
    return AmountDiscount(asset, FIGURE, scalar, lower, upper)
