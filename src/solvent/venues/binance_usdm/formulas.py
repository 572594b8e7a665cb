"""Small published formulas of Binance futures that are not margin: prices, funding, rates, order cost, ADL score.

Decimals in, decimals out, exact; a quotient is cut to ``places`` decimals on a named side, because the exchange does
not publish how many it keeps. Sources: FAQ "Liquidation Protocols" and its bundle of 2020 (360033525271), and the
pages named at each function.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.liquidation.adl import ranking
from solvent.marks import funding, median_of_three
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 8
INTEREST_RATE = Decimal("0.0001")
FUNDING_CLAMP = Decimal("0.0005")
FULL_INTERVAL_HOURS = 8
SHORT_PRICE_MARGIN = Decimal("0.0015")


class AssetRates(NamedTuple):
    """What one unit of an asset is worth in USD as an asset (bid) and as a debt (ask)."""

    bid: Decimal
    ask: Decimal


class OrderCost(NamedTuple):
    """What placing an order takes: initial margin and open loss, in quote."""

    initial_margin: Decimal
    open_loss: Decimal

    @property
    def total(self) -> Decimal:
        """Their sum."""
        return _sum(self.initial_margin, self.open_loss)


class AdlScore(NamedTuple):
    """Rank of a winner: profit share of the wallet, maintenance share of the equity, and their product."""

    profit_rate: Decimal
    margin_ratio: Decimal
    leverage_profit: Decimal


@exact
def _sum(left: Decimal, right: Decimal) -> Decimal:
    return left + right


@exact
def maintenance_amount(floor: Decimal, rate: Decimal, rate_before: Decimal, amount_before: Decimal) -> Decimal:
    """The amount a bracket deducts, from the bracket before it; makes the requirement continuous.

    >>> maintenance_amount(Decimal(5_000_000), Decimal("0.05"), Decimal("0.025"), Decimal(16_300))
    Decimal('141300.000')
    """
    return floor * (rate - rate_before) + amount_before


@exact
def price_one(
    index: Decimal, funding_rate: Decimal, left: Decimal, interval: Decimal = Decimal(8), places: int = PLACES
) -> Decimal:
    """Index moved by the last funding rate over the part of the interval that is left (same unit of time); cut down.

    >>> price_one(Decimal(10_000), Decimal("0.0003"), Decimal(4))
    Decimal('10001.50000000')
    """
    return funding.fair_price(index, funding_rate, left, interval, places)


@exact
def price_two(index: Decimal, average_basis: Decimal) -> Decimal:
    """Index plus the moving average of (bid + ask) / 2 − index."""
    return index + average_basis


@exact
def mark_price(first: Decimal, second: Decimal, contract: Decimal) -> Decimal:
    """The median of price 1, price 2 and the last contract price.

    >>> mark_price(Decimal(3), Decimal(1), Decimal(2))
    Decimal('2')
    """
    return median_of_three(first, second, contract)


@exact
def premium_index(
    impact_bid: Decimal, impact_ask: Decimal, mark: Decimal, spot: Decimal, places: int = PLACES
) -> Decimal:
    """One sample of the premium: how far the impact prices leave the mark, as a share of spot; cut down.

    >>> premium_index(Decimal(101), Decimal(102), Decimal(100), Decimal(100))
    Decimal('0.01000000')
    """
    return funding.premium_index(impact_bid, impact_ask, mark, spot, places)


@exact
def funding_rate(
    premium: Decimal,
    interest_rate: Decimal = INTEREST_RATE,
    clamp: Decimal = FUNDING_CLAMP,
    interval_hours: int = FULL_INTERVAL_HOURS,
) -> Decimal:
    """Premium plus the interest difference inside ± ``clamp``, in proportion to intervals other than 8 hours.

    The proportion holds from 2025-09-18. While the premium is between −0.04% and 0.06% the rate is 0.01%.

    >>> funding_rate(Decimal("0.0006")), funding_rate(Decimal("0.002"), interval_hours=4)
    (Decimal('0.0001'), Decimal('0.0007500'))
    """
    rate = funding.with_interest(premium, interest_rate, clamp)
    return rate if interval_hours == FULL_INTERVAL_HOURS else rate * interval_hours * Decimal("0.125")


@exact
def asset_rates(index: Decimal, bid_buffer: Decimal, ask_buffer: Decimal) -> AssetRates:
    """Multi-assets mode: bid rate for balances, ask rate for debts (FAQ c983a9268cfa4e70a4916c276bb3b7bc).

    >>> asset_rates(Decimal("0.99"), Decimal("0.01"), Decimal("0.005"))
    AssetRates(bid=Decimal('0.9801'), ask=Decimal('0.99495'))
    """
    return AssetRates(index * (ONE - bid_buffer), index * (ONE + ask_buffer))


@exact
def auto_exchange_amount(deficit: Decimal, rate: Decimal, places: int = PLACES) -> Decimal:
    """What is sold of other assets, at their rate, to cover a deficit; rounded up (multi-asset-info page).

    >>> auto_exchange_amount(Decimal(20_000), Decimal("0.975"), places=0)
    Decimal('20513')
    """
    return divide(deficit, rate, places, Rounding.UP)


@exact
def assuming_price(limit: Decimal, last: Decimal, mark: Decimal, side: int) -> Decimal:
    """Price an order's margin is counted at: the limit for a buy, the dearest of three for a sell.

    >>> assuming_price(Decimal(99), Decimal(100), Decimal(98), -1)
    Decimal('100.1500')
    """
    return limit if side > 0 else max(last * (ONE + SHORT_PRICE_MARGIN), mark, limit)


@exact
def order_cost(
    limit: Decimal, mark: Decimal, size: Decimal, leverage: int, side: int, places: int = PLACES
) -> OrderCost:
    """Initial margin of an order, rounded up, and what filling it would lose at once.

    The older text of FAQ 87fa7ee33b574f7084d42bd2ce2e463b; :func:`assuming_price` is the newer price of a sell.

    >>> order_cost(Decimal("9253.3"), Decimal("9259.84"), Decimal(1), 20, -1, places=3)
    OrderCost(initial_margin=Decimal('462.665'), open_loss=Decimal('6.54'))
    """
    margin = divide(limit * abs(size), Decimal(leverage), places, Rounding.UP)
    return OrderCost(margin, abs(size) * abs(min(ZERO, (mark - limit) * side)))


@exact
def coin_notional(contracts: Decimal, contract_size: Decimal, price: Decimal, places: int = PLACES) -> Decimal:
    """Notional of a COIN-M position in the coin, rounded up.

    >>> coin_notional(Decimal(100), Decimal(100), Decimal(25_000))
    Decimal('0.40000000')
    """
    return divide(abs(contracts) * contract_size, price, places, Rounding.UP)


@exact
def coin_initial_margin(
    contracts: Decimal, contract_size: Decimal, price: Decimal, leverage: int, places: int = PLACES
) -> Decimal:
    """Initial margin of a COIN-M position in the coin, rounded up (FAQ be2c7d9d95b04a7e8044ed02dd7dfe5c).

    >>> coin_initial_margin(Decimal(10), Decimal(100), Decimal(9_800), 20)
    Decimal('0.00510205')
    """
    return divide(abs(contracts) * contract_size, price * leverage, places, Rounding.UP)


@exact
def coin_maintenance_margin(
    contracts: Decimal, contract_size: Decimal, mark: Decimal, rate: Decimal, amount: Decimal, places: int = PLACES
) -> Decimal:
    """Maintenance margin of a COIN-M position in the coin, rounded up (FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46).

    >>> coin_maintenance_margin(Decimal(100), Decimal(100), Decimal(25_000), Decimal("0.004"), Decimal(0))
    Decimal('0.00160000')
    """
    return divide(abs(contracts) * contract_size * rate, mark, places, Rounding.UP) - amount


@exact
def adl_score(profit: Decimal, wallet: Decimal, maintenance: Decimal, places: int = PLACES) -> AdlScore:
    """ADL rank of a cross account (FAQ of 2020): a loss scores zero, and so does an account without equity.

    >>> adl_score(Decimal(10_000), Decimal(20_000), Decimal(300), places=3)
    AdlScore(profit_rate=Decimal('0.500'), margin_ratio=Decimal('0.010'), leverage_profit=Decimal('0.005000'))
    """
    equity = max(ZERO, wallet + profit)
    return AdlScore(*ranking(max(ZERO, profit), max(ONE, wallet), maintenance, equity, places))


@exact
def buffered_liquidation_price(entry: Decimal, liquidation: Decimal, side: int, buffer: Decimal) -> Decimal:
    """A client's early exit: the liquidation price moved towards the entry by a share of their distance.

    Not a rule of the exchange; trading programs such as freqtrade leave a position there.

    >>> buffered_liquidation_price(Decimal("18.884"), Decimal("17.47"), 1, Decimal("0.05"))
    Decimal('17.54070')
    """
    return liquidation + side * abs(entry - liquidation) * buffer
