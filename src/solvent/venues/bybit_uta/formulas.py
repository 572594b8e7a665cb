"""Published formulas of the exchange that stand for themselves: fees, isolated and classic prices, options, ADL.

Decimals in, decimals out, exact; a quotient is rounded to ``places`` decimals against the account, because the exchange
does not publish how many it keeps. Sources: the help centre's pages named at each function, and the API documents of
bybit-exchange/docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Market, PriceKey, PriceKind, Purpose
from solvent.instruments import OptionKind, Payoff
from solvent.liquidation.adl import fund_fell
from solvent.liquidation.bankruptcy import inverse_price
from solvent.margin.options import out_of_the_money
from solvent.margin.premiums import OptionAtMark
from solvent.margin.unified import INITIAL
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
PPM = 6
CLASSIC_TAKER = Decimal("0.00075")
LOWEST_TAKER = Decimal("0.00055")
SHORT_RATE, SHORT_FLOOR = Decimal("0.15"), Decimal("0.10")


class ClassicCross(NamedTuple):
    """Bankruptcy and liquidation price of an inverse long in a classic cross account, in USD."""

    bankruptcy_price: Decimal
    liquidation_price: Decimal


class Sustainable(NamedTuple):
    """Initial margin, maintenance margin, and the loss a classic linear cross position can bear, in USDT."""

    initial: Decimal
    maintenance: Decimal
    loss: Decimal


class OptionMargin(NamedTuple):
    """Initial and maintenance margin of a short option, in the settle asset."""

    initial: Decimal
    maintenance: Decimal


class OptionCost(NamedTuple):
    """What buying an option takes: premium and fee, in the settle asset."""

    premium: Decimal
    fee: Decimal
    total: Decimal


class AdlTrigger(NamedTuple):
    """How far a symbol's result fell from its best of eight hours, as a share of the pool, and whether ADL starts."""

    ratio: Decimal
    triggered: bool


@exact
def isolated_collateral(
    value: Decimal, leverage: Decimal, extra: Decimal, taker: Decimal, side: int, places: int = PLACES
) -> Decimal:
    """What stands behind an isolated inverse position: value ÷ leverage, and added margin less its fee.

    Added margin moves the bankruptcy price, and with it the fee to close: extra ÷ (1 + side × taker) is left. In the
    coin. Source: "Liquidation Price Calculation under Isolated Mode", the version of 2026-05-27.

    >>> isolated_collateral(Decimal("1.2"), Decimal(10), Decimal(0), Decimal("0.00055"), 1)
    Decimal('0.120000000000000000')
    """
    return divide(value, leverage, places, Rounding.DOWN) + divide(extra, ONE + side * taker, places, Rounding.DOWN)


@exact
def bankruptcy_price_inverse(entry: Decimal, leverage: Decimal, side: int = 1, places: int = PLACES) -> Decimal:
    """Where an isolated inverse position has lost its margin: entry × leverage ÷ (leverage + side).

    Source: help centre 900000031623. A short at one times leverage has none (:class:`RulesError`).

    >>> bankruptcy_price_inverse(Decimal("7890.08"), Decimal(50), places=6)
    Decimal('7735.372549')
    """
    price = inverse_price(side * leverage, entry, ONE, places, Rounding.HALF_UP)
    if price is None:
        msg = f"leverage of a short must be above 1 for it to have a bankruptcy price, not {leverage}"
        raise RulesError(msg)
    return price


@exact
def classic_inverse_cross(
    contracts: Decimal,
    entry: Decimal,
    wallet: Decimal,
    order_margin: Decimal,
    rate: Decimal,
    taker: Decimal = CLASSIC_TAKER,
    places: int = PLACES,
) -> ClassicCross:
    """An inverse long in the classic cross account, margin on entry and the fee at bankruptcy inside.

    ``contracts`` in USD, wallet and order margin in the coin. Source: help centre 360039261334; the page rounds a
    long's price up to the tick.

    >>> prices = classic_inverse_cross(Decimal(10_000), Decimal(8_000), Decimal("0.5"), Decimal(0), Decimal("0.005"))
    >>> [int(price) for price in prices]
    [5718, 5739]
    """
    worth = divide(contracts, entry, places, Rounding.DOWN)
    free = wallet - order_margin
    bankrupt = divide((ONE + taker) * contracts, worth + free, places, Rounding.UP)
    loss = free - worth * rate - divide(contracts * taker, bankrupt, places, Rounding.UP)
    return ClassicCross(bankrupt, divide(contracts, worth + loss, places, Rounding.UP))


@exact
def to_tick(price: Decimal, tick: Decimal, side: int) -> Decimal:
    """A liquidation price as the exchange shows it: a long's rounded up to the tick, a short's down.

    >>> to_tick(Decimal("5739.08"), Decimal("0.5"), 1)
    Decimal('5739.5')
    """
    return tick * divide(price, tick, 0, Rounding.UP if side > 0 else Rounding.DOWN)


@exact
def sustainable_loss(
    size: Decimal, entry: Decimal, available: Decimal, initial_rate: Decimal, maintenance_rate: Decimal
) -> Sustainable:
    """What a classic linear cross position may lose: available balance and initial margin less maintenance margin.

    Source: help centre 900000181046.

    >>> sustainable_loss(Decimal(2), Decimal(10_000), Decimal(2_000), Decimal("0.01"), Decimal("0.005")).loss
    Decimal('2100.000')
    """
    value = abs(size) * entry
    initial, maintenance = value * initial_rate, value * maintenance_rate
    return Sustainable(initial, maintenance, available + initial - maintenance)


@exact
def break_even_price(entry: Decimal, size: Decimal, realised: Decimal, taker: Decimal, places: int = PLACES) -> Decimal:
    """Where closing leaves nothing gained or lost, fee included (docs/v5/position.mdx).

    ``size`` is signed; the fee counted is never below 0.055%.

    >>> break_even_price(Decimal(100), Decimal(1), Decimal(0), Decimal("0.00055"), places=4)
    Decimal('100.0551')
    """
    fee = abs(size) * max(taker, LOWEST_TAKER)
    return divide(entry * size - realised, size - fee, places, Rounding.UP if size > 0 else Rounding.DOWN)


@exact
def usd_price(usdt_index: Decimal, btc_usd: Decimal, btc_usdt: Decimal, places: int = PLACES) -> Decimal:
    """A coin's price in USD: its index in USDT × what a USDT is worth by bitcoin's two indices; rounded down.

    >>> usd_price(Decimal(2_000), Decimal(60_000), Decimal(60_030), places=2)
    Decimal('1999.00')
    """
    return divide(usdt_index * btc_usd, btc_usdt, places, Rounding.DOWN)


@exact
def short_option_margin(
    kind: OptionKind,
    size: Decimal,
    strike: Decimal,
    index: Decimal,
    mark: Decimal,
    average: Decimal,
    maintenance_rate: Decimal,
    liquidation_fee: Decimal,
) -> OptionMargin:
    """Margin of a short option in cross margin, in the settle asset, for ``size`` options (either sign).

    Maintenance: the larger of ``maintenance_rate`` × index and × mark, the mark, and the liquidation fee on the index.
    Initial: max(15% of the index less what is out of the money, 10% of the index) and the dearer of average price and
    mark; never below maintenance. Source: help centre 000001546 and "Comparison of Spread Strategies".

    >>> short_option_margin(
    ...     OptionKind.PUT,
    ...     Decimal(-1),
    ...     Decimal(18_500),
    ...     Decimal(20_250),
    ...     Decimal(290),
    ...     Decimal(280),
    ...     Decimal("0.03"),
    ...     Decimal("0.002"),
    ... )
    OptionMargin(initial=Decimal('2315.00'), maintenance=Decimal('938.000'))
    """
    count = abs(size)
    maintenance = (max(maintenance_rate * index, maintenance_rate * mark) + mark + liquidation_fee * index) * count
    room = max(SHORT_RATE * index - out_of_the_money(kind, strike, index), SHORT_FLOOR * index)
    return OptionMargin(max((room + max(average, mark)) * count, maintenance), maintenance)


@dataclass(frozen=True, slots=True)
class CrossOptions:
    """What cross margin asks for options sold: a share of the index, the mark and the liquidation fee."""

    maintenance_rate: Decimal
    liquidation_fee: Decimal

    @exact
    def required(self, held: OptionAtMark, market: Market, purpose: Purpose) -> Decimal:
        """See :class:`~solvent.margin.premiums.ShortOptions`; the average price is the position's cost by size."""
        listed = held.listed
        if listed.payoff is not Payoff.LINEAR:
            msg = f"{listed.symbol}: options that settle in a dollar are covered, not this {listed.payoff.value} one"
            raise RulesError(msg)
        index = market.prices.get(PriceKey(PriceKind.INDEX, listed.underlying, listed.settle.name))
        if index is None:
            index = market.price(PriceKind.INDEX, listed.underlying, "USD")
        rates = self.maintenance_rate, self.liquidation_fee
        found = short_option_margin(listed.kind, held.size, listed.strike, index, held.mark, held.average, *rates)
        return found.initial if purpose in INITIAL else found.maintenance


@exact
def option_cost(size: Decimal, index: Decimal, price: Decimal, taker: Decimal, cap: Decimal) -> OptionCost:
    """What a long option takes: its premium and the fee, the smaller of taker × index and cap × price, per option.

    >>> option_cost(Decimal("0.3"), Decimal(42_000), Decimal(3_500), Decimal("0.0003"), Decimal("0.125")).total
    Decimal('1053.78000')
    """
    premium = price * abs(size)
    fee = min(taker * index, cap * price) * abs(size)
    return OptionCost(premium, fee, premium + fee)


@exact
def adl_trigger(
    pool: Decimal,
    highest: Decimal,
    profit: Decimal,
    highest_profit: Decimal,
    threshold: Decimal,
    limit: Decimal,
    places: int = PLACES,
) -> AdlTrigger:
    """Whether a fund pool starts auto-deleveraging (docs/v5/market/adl-alert.mdx); amounts in USD.

    It does when the pool has nothing left, or when the symbol's result fell from its best of eight hours by ``limit``
    (−0.3) of the pool's highest amount or more. Equality starts it, as the document's second example shows.

    >>> adl_trigger(Decimal(2), Decimal(2), Decimal("0.4"), Decimal(1), Decimal(1), Decimal("-0.3"), places=1)
    AdlTrigger(ratio=Decimal('-0.3'), triggered=True)
    """
    if highest <= 0:  # then the pool holds nothing now either
        return AdlTrigger(ZERO, triggered=True)
    fallen = profit - highest_profit
    below = fund_fell(fallen, highest, limit)
    started = pool <= 0 or (pool > threshold and below)
    return AdlTrigger(divide(fallen, highest, places, Rounding.DOWN), started)


@exact
def adl_stops(ratio: Decimal, limit: Decimal = Decimal("-0.25")) -> bool:
    """Whether auto-deleveraging ends: the ratio is back above ``limit``.

    >>> adl_stops(Decimal("-0.25")), adl_stops(Decimal("-0.2499"))
    (False, True)
    """
    return ratio > limit
