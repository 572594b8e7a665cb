"""Option chains: quotes of one expiry in columns, the forward that they imply, and the band of variances they allow.

A chain of options settled in the coin has prices in coin (an option is worth its undiscounted price over the forward);
any other has prices in quote, discounted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.pricing.black import price76
from solvent.pricing.implied import implied_volatility
from solvent.pricing.inputs import F64, Number, PricingError, arrays

Truths = npt.NDArray[np.bool_]


class Quotes(NamedTuple):
    """Quotes of one expiry, a row an option.

    Attributes
    ----------
    years, forward
        Time to expiry (a year has 365 days) and the expiry's forward.
    strike, is_call
        The options.
    bid, ask
        Their quotes, NaN where there is none: in coin with ``in_coin``, else in quote and discounted.
    in_coin, discount
        How they settle; ``discount`` is the discount factor of those that settle in quote.

    """

    years: float
    forward: float
    strike: F64
    is_call: Truths
    bid: F64
    ask: F64
    in_coin: bool = True
    discount: float = 1.0

    @property
    def unit(self) -> float:
        """What one unit of a quote is worth in undiscounted quote."""
        return self.forward if self.in_coin else 1.0 / self.discount


class Band(NamedTuple):
    """Total variances between bid and ask, a row a quote, at log-moneyness ``k``; ``row`` is its row in the quotes."""

    row: npt.NDArray[np.int64]
    k: F64
    low: F64
    high: F64


def parity_forward(
    strike: F64, call: F64, put: F64, in_coin: bool = True, discount: float = 1.0, at_most: int = 0
) -> float:
    """The forward that calls and puts of the same strikes and moment imply: the median over strikes.

    In coin a call less a put is worth 1 − strike ÷ forward, in quote discount × (forward − strike); so every strike
    tells the forward, and prices that are rounded tell it the better the nearer the strike. ``at_most`` keeps only as
    many strikes, those where call and put differ least (0: all). Rows with NaN are left out.

    Raises
    ------
    PricingError
        No strike has both prices, or they imply no positive forward.

    Examples
    --------
    >>> k = np.array([90.0, 110.0])
    >>> round(parity_forward(k, np.array([0.17, 0.08]), np.array([0.07, 0.18])), 6)
    100.0
    >>> round(parity_forward(k, np.array([11.0, 1.0]), np.array([1.5, 10.5]), in_coin=False, discount=0.95), 6)
    100.0

    """
    told = np.isfinite(call) & np.isfinite(put)
    if not np.any(told):
        raise PricingError("call and put: no strike has both prices, expected at least one")
    k, apart = strike[told], (call - put)[told]
    found = k / (1.0 - apart) if in_coin else k + apart / discount
    if at_most:
        found = found[np.argsort(np.abs(apart), kind="stable")[:at_most]]
    middle = float(np.median(found))
    if not (middle > 0 and np.isfinite(middle)):
        raise PricingError(f"call and put: they imply a forward of {middle}, expected a positive one")
    return middle


def out_of_the_money(quotes: Quotes) -> Truths:
    """Puts below the forward and calls at or above it."""
    return np.asarray(quotes.is_call == (quotes.strike >= quotes.forward))


def two_sided(quotes: Quotes) -> Truths:
    """Where there is a bid above zero and an ask above the bid."""
    return np.asarray((quotes.bid > 0) & (quotes.ask > quotes.bid))


def variances(quotes: Quotes, price: F64) -> F64:
    """Total variances (volatility² × years) of prices, a row an option; NaN where no volatility gives a price."""
    known = np.isfinite(price)
    safe = np.where(known, price, 0.0) * quotes.unit
    vol = implied_volatility(safe, quotes.forward, quotes.strike, quotes.years, quotes.is_call)
    return np.where(known, vol * vol * quotes.years, np.nan)


def band(quotes: Quotes) -> Band:
    """The variances that two-sided quotes out of the money leave open.

    Rows whose bid or ask no volatility gives are left out.

    >>> two = Quotes(
    ...     0.25,
    ...     100.0,
    ...     np.array([80.0, 100.0]),
    ...     np.array([False, True]),
    ...     np.array([0.01, 0.1]),
    ...     np.array([0.02, np.nan]),
    ... )
    >>> found = band(two)
    >>> found.row.tolist(), np.sqrt(found.low / 0.25).round(3), np.sqrt(found.high / 0.25).round(3)
    ([0], array([0.38]), array([0.477]))
    """
    low, high = variances(quotes, quotes.bid), variances(quotes, quotes.ask)
    row = np.flatnonzero(out_of_the_money(quotes) & two_sided(quotes) & np.isfinite(low) & np.isfinite(high))
    return Band(row, np.log(quotes.strike[row] / quotes.forward), low[row], high[row])


def inside(quotes: Quotes, volatility: Number) -> Truths:
    """Whether the price at a volatility (a number, or a row an option) lies between bid and ask, both included.

    What is missing leaves a side open. Prices are compared with a tolerance of their own error, 1e-14 of the forward.
    """
    (vol,) = arrays(volatility=volatility)
    price = price76(quotes.forward, quotes.strike, quotes.years, vol, quotes.is_call) / quotes.unit
    slack = 1e-14 * quotes.forward / quotes.unit
    return np.asarray(~(price < quotes.bid - slack) & ~(price > quotes.ask + slack))
