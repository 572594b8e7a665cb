"""Markets of the program: what a token weighs and what a perpetual requires, by size and margin type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from solvent.venues.drift_v2.formulas import (
    FEE_PER_RATIO,
    PRICE,
    WEIGHT,
    MarginType,
    high_leverage_ratio,
    middle,
    profit_weight,
    scaled_initial_weight,
    size_discount,
    size_premium,
)


class Quoted(NamedTuple):
    """An oracle price and its five-minute average, 1e-6 of quote."""

    oracle: int
    average: int

    def low(self, *, strict: bool) -> int:
        """What a balance is worth."""
        return min(self) if strict else self.oracle

    def high(self, *, strict: bool) -> int:
        """What a debt costs."""
        return max(self) if strict else self.oracle


ONE_QUOTE = Quoted(PRICE, PRICE)


@dataclass(frozen=True, slots=True)
class SpotMarket:
    """Facts of a token: weights 1e-4, imf and fees 1e-6, ``scale_start`` in quote.

    ``quote`` marks the market everything settles in: it counts at its price, without weights.
    """

    initial_asset: int = WEIGHT
    maintenance_asset: int = WEIGHT
    initial_liability: int = WEIGHT
    maintenance_liability: int = WEIGHT
    imf: int = 0
    scale_start: int = 0
    liquidator_fee: int = 0
    fund_fee: int = 0
    quote: bool = False

    def asset_weight(self, size: int, margin_type: MarginType, deposit_value: int = 0) -> int:
        """Weight of a balance of ``size`` (1e-9 of base) when all deposits are worth ``deposit_value`` (quote).

        >>> SpotMarket(1500, 7500, 15000, 12500, imf=100_000).asset_weight(10**14, MarginType.FILL)
        337
        """
        initial = scaled_initial_weight(self.initial_asset, self.scale_start, deposit_value)
        return size_discount(middle(initial, self.maintenance_asset, margin_type), size, self.imf)

    def liability_weight(self, size: int, margin_type: MarginType) -> int:
        """Weight of a debt of ``size`` (1e-9 of base)."""
        return size_premium(middle(self.initial_liability, self.maintenance_liability, margin_type), size, self.imf)


@dataclass(frozen=True, slots=True)
class PerpMarket:
    """Facts of a perpetual: ratios and profit weights 1e-4, imf and fees 1e-6, ``step`` in 1e-9 of base.

    ``prediction`` markets pay between 0 and 1; a market in ``settlement`` requires nothing any more.
    """

    initial: int
    maintenance: int
    imf: int = 0
    high_initial: int = 0
    high_maintenance: int = 0
    profit_initial: int = 0
    profit_maintenance: int = WEIGHT
    profit_imf: int = 0
    max_imbalance: int = 0
    liquidator_fee: int = 0
    fund_fee: int = 0
    step: int = 1
    prediction: bool = False
    settlement: bool = False

    def ratio(self, size: int, margin_type: MarginType, *, high_leverage: bool = False) -> int:
        """Margin ratio of a position of ``size`` (1e-9 of base), 1e-4.

        >>> PerpMarket(1000, 500, 50, 100, 50).ratio(3 * 10**12, MarginType.INITIAL, high_leverage=True)
        221
        """
        if self.settlement:
            return 0
        standard = middle(self.initial, self.maintenance, margin_type)
        if not (high_leverage and self.has_high_leverage):
            return size_premium(standard, size, self.imf)
        lowered = middle(self.high_initial, self.high_maintenance, margin_type)
        if margin_type is MarginType.MAINTENANCE:
            return size_premium(lowered, size, self.imf)
        return high_leverage_ratio(standard, lowered, size, self.imf)

    @property
    def has_high_leverage(self) -> bool:
        """Whether the market offers the mode."""
        return self.high_initial > 0 and self.high_maintenance > 0

    def profit_weight(self, profit: int, margin_type: MarginType, net_profit: int = 0) -> int:
        """Weight of unrealised profit (quote); losses count in full."""
        if profit <= 0:
            return WEIGHT
        if margin_type is MarginType.MAINTENANCE:
            return self.profit_maintenance
        return profit_weight(self.profit_initial, profit, self.profit_imf, self.max_imbalance, net_profit)

    def base_fee(self, *, high_leverage: bool = False) -> int:
        """The liquidator's fee before it grows; at most 4/5 of the maintenance ratio in high-leverage mode."""
        if not (high_leverage and self.has_high_leverage):
            return self.liquidator_fee
        ratio = self.high_maintenance * FEE_PER_RATIO
        return min(self.liquidator_fee, ratio - ratio // 5)

    @property
    def most_fee(self) -> int:
        """The most the liquidator's fee grows to: three times itself, and the maintenance ratio."""
        return min(3 * self.liquidator_fee, self.maintenance * FEE_PER_RATIO)
