"""Funding and prices of Hyperliquid: premium, rate, payment, and the median mark.

Sources: https://hyperliquid.gitbook.io/hyperliquid-docs/trading/funding and …/trading/robust-price-indices.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.book import BookError
from solvent.fixed import within
from solvent.marks import median_of_three
from solvent.marks.funding import premium_index, with_interest
from solvent.units import Rounding, divide, exact
from solvent.venues.hyperliquid.rules import FOLDER
from solvent.venues.hyperliquid.tiers import PLACES
from solvent.venues.parts import read_rules


class Rate(NamedTuple):
    """A funding rate an hour, before and after the hourly cap."""

    uncapped: Decimal
    hourly: Decimal


@exact
def premium(impact_bid: Decimal, impact_ask: Decimal, oracle: Decimal, places: int = PLACES) -> Decimal:
    """One sample: how far the impact prices leave the oracle price, as a share of it; cut down at ``places`` decimals.

    The impact prices are those of 20,000 USDC for BTC and ETH and of 6,000 for others; samples of an hour are averaged.

    >>> premium(Decimal(102), Decimal(103), Decimal(100), places=4)
    Decimal('0.0200')
    """
    _positive("oracle price", oracle)
    return premium_index(impact_bid, impact_ask, oracle, oracle, places)


@exact
def rate(
    average_premium: Decimal,
    interest: Decimal | None = None,
    clamp: Decimal | None = None,
    hours: Decimal | None = None,
    cap: Decimal | None = None,
    places: int = PLACES,
) -> Rate:
    """The hourly rate: premium plus the clamped interest difference of ``hours``, divided by them, capped.

    What is not given is the exchange's own: 0.01% an eight hours, ± 0.05%, 4% an hour. The quotient is cut down at
    ``places`` decimals.

    >>> rate(Decimal("0.0006")).hourly.normalize(), rate(Decimal(1)).hourly
    (Decimal('0.0000125'), Decimal('0.04'))
    """
    own = read_rules(FOLDER)["funding"]
    base: Decimal = own["interest_rate"] if interest is None else interest
    most: Decimal = own["clamp"] if clamp is None else clamp
    span = Decimal(own["hours"]) if hours is None else hours
    limit: Decimal = own["hourly_cap"] if cap is None else cap
    _positive("hours of a funding rate", span)
    hourly = divide(with_interest(average_premium, base, most), span, places, Rounding.DOWN)
    return Rate(hourly, within(hourly, limit))


@exact
def payment(size: Decimal, oracle: Decimal, hourly_rate: Decimal) -> Decimal:
    """What a position pays for an hour (negative: receives), at the oracle price and not the mark.

    >>> payment(Decimal(-3), Decimal(100), Decimal("0.01"))
    Decimal('-3.00')
    """
    return size * oracle * hourly_rate


@exact
def impact_notional(coin: str) -> Decimal:
    """The USDC an impact price is taken at.

    >>> impact_notional("BTC"), impact_notional("SOL")
    (Decimal('20000'), Decimal('6000'))
    """
    own = read_rules(FOLDER)["funding"]["impact_notional"]
    return Decimal(own.get(coin, own["other"]))


@exact
def mark_price(oracle_average: Decimal, book: Decimal, perpetuals: Decimal | None, book_average: Decimal) -> Decimal:
    """The median of three prices; where the outside perpetuals are missing, the book's own average stands for them.

    Parameters
    ----------
    oracle_average
        Oracle price plus the 150-second average of mid less oracle.
    book
        Median of best bid, best ask and last trade.
    perpetuals
        Weighted median of perpetual mids at other exchanges; None where there is none.
    book_average
        The 30-second average of ``book``.

    Examples
    --------
    >>> mark_price(Decimal(3), Decimal(1), Decimal(2), Decimal(9)), mark_price(Decimal(3), Decimal(1), None, Decimal(2))
    (Decimal('2'), Decimal('2'))

    """
    return median_of_three(oracle_average, book, book_average if perpetuals is None else perpetuals)


@exact
def weighted_median(prices: Sequence[tuple[Decimal, int]]) -> Decimal:
    """The lowest price at which half of the weight is reached: an oracle or perpetual price over exchanges.

    :func:`solvent.marks.weighted_median` takes the midpoint where two prices split the weight; the exchange does not.

    >>> weighted_median([(Decimal(1), 3), (Decimal(5), 2), (Decimal(9), 2)])
    Decimal('5')
    """
    whole = sum(weight for _, weight in prices)
    reached = 0
    for price, weight in sorted(prices):
        reached += weight
        if 2 * reached >= whole and weight:
            return price
    msg = "a weighted median needs a price with a weight"
    raise BookError(msg)


def _positive(name: str, number: Decimal) -> None:
    if number <= 0:
        msg = f"{name} must be positive, not {number}"
        raise BookError(msg)
