"""Collateral on Synthetix V3: a discount that grows with the account's own amount against the spot market's depth.

Source: contracts/storage/PerpsCollateralConfiguration.sol of Synthetixio/synthetix-v3, markets/perps-market.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import Market, Purpose
from solvent.rates import Schedule
from solvent.rules import Counting
from solvent.units import ONE, ZERO, Rounding, divide, exact

DISCOUNT_PLACES = 18


@dataclass(frozen=True, slots=True)
class Discount:
    """How one asset is discounted: ``clamp(amount ÷ spot skew scale × scalar, lower, upper)``; fractions.

    The scale is the market's figure ``spot_skew_scale`` of the asset; where it is not given the upper limit stands.
    """

    asset: str
    scalar: Decimal
    lower: Decimal
    upper: Decimal

    @exact
    def rate(self, amount: Decimal, scale: Decimal | None) -> Decimal:
        """The discount of an amount, rounded up to 18 decimals; none where the scale is zero.

        >>> eth = Discount("ETH", Decimal(2), Decimal("0.01"), Decimal("0.05"))
        >>> [str(eth.rate(Decimal(n), Decimal(50_000)).normalize()) for n in (100, 700, 5_000)]
        ['0.01', '0.028', '0.05']
        """
        if scale is None:
            return self.upper
        if scale == 0:
            return ZERO
        drawn = divide(amount * self.scalar, scale, DISCOUNT_PLACES, Rounding.UP)
        return min(self.upper, max(self.lower, drawn))

    @exact
    def value(self, amount: Decimal, price: Decimal, scale: Decimal | None) -> Decimal:
        """What an amount counts at a price, in the price's quote.

        >>> eth = Discount("ETH", Decimal(2), Decimal("0.01"), Decimal("0.05"))
        >>> int(eth.value(Decimal(700), Decimal(2000), Decimal(50_000)))
        1360800
        """
        return amount * price * (ONE - self.rate(amount, scale))

    def counting(self, purpose: Purpose, amount: Decimal, price: Decimal, market: Market) -> Counting:  # noqa: ARG002
        """The weight of an amount, the same for every purpose and price; nothing is ever owed in a synth."""
        discount = self.rate(max(ZERO, amount), market.wide.get(("spot_skew_scale", self.asset)))
        return Counting(_weight(discount), ONE)


@exact
def _weight(discount: Decimal) -> Schedule:
    return Schedule.flat(ONE - discount)


@dataclass(frozen=True, slots=True)
class Discounts:
    """The collateral there is, by asset; every other asset counts nothing."""

    by_asset: Mapping[str, Discount]

    def asset(self, name: str) -> Discount | None:
        """The discount of an asset, or None."""
        return self.by_asset.get(name)

    def every(self) -> Mapping[str, Discount]:
        """Every entry by asset."""
        return self.by_asset
