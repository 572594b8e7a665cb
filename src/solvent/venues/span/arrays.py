"""Risk arrays of contracts that no file lists: a scan range as a share of the price, options by Black-76.

In binary floating point with a stated error, rounded up (a larger loss) to ten places.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.book import BookError
from solvent.instruments import Option, OptionKind
from solvent.pricing import PRICE_ERROR, black76, implied_volatility, price76
from solvent.units import ONE, ZERO, Rounding, divide, exact, shifted
from solvent.venues.span.formulas import SCENARIOS, Extreme, composite_delta, future_losses, price_moves

PLACES = 10
SLACK = 64
YEAR_NS = Decimal(365 * 86_400) * 10**9


class Scan(NamedTuple):
    """How a class of underlyings is scanned: price range as a share of the price, volatility range as a fraction.

    ``lookahead`` is the time that passes in every scenario, in years.
    """

    price_share: Decimal
    volatility: Decimal
    extreme: Extreme
    lookahead: Decimal


class Scanned(NamedTuple):
    """One unit's array, its composite delta, and the most each value may be off."""

    losses: tuple[Decimal, ...]
    delta: Decimal
    error: Decimal


@exact
def scanned_future(price: Decimal, scan: Scan) -> Scanned:
    """The array of one unit of a future; exact but for thirds of the range."""
    return Scanned(future_losses(price * scan.price_share, scan.extreme), ONE, ZERO)


@exact
def scanned_option(option: Option, price: Decimal, underlying: Decimal, time_ns: int, scan: Scan) -> Scanned:
    """The array of one unit of an option on a future at ``underlying``, at the volatility its price implies.

    Raises
    ------
    BookError
        It has expired, or no volatility gives its price.

    """
    years = float(divide(Decimal(option.expiry_ns - time_ns), YEAR_NS, PLACES, Rounding.DOWN))
    if years <= 0:
        raise BookError(f"{option.symbol}: expired; expected an option with time to run")
    is_call, strike, forward = option.kind is OptionKind.CALL, float(option.strike), float(underlying)
    volatility = float(implied_volatility(float(price), forward, strike, years, is_call))
    if math.isnan(volatility):
        raise BookError(f"market.mark.{option.symbol}: got {price}, expected a price that some volatility gives")
    moves = price_moves(underlying * scan.price_share, scan.extreme)
    prices = np.maximum(np.array([forward + float(move) for move in moves]), forward * 1e-9)
    shifts = np.array([one.volatility * float(scan.volatility) for one in SCENARIOS])
    covers = np.array([float(scan.extreme.cover) if one.extreme else 1.0 for one in SCENARIOS])
    left = max(years - float(scan.lookahead), 0.0)
    worth = price76(prices, strike, left, np.maximum(volatility + shifts, 0.0), is_call)
    losses = covers * (float(price) - worth)
    error = SLACK * PRICE_ERROR * (float(prices.max()) + strike)
    points = np.array([forward * (1 + float(scan.price_share) * k / 3) for k in range(-3, 4)])
    deltas = black76(np.maximum(points, forward * 1e-9), strike, years, max(volatility, 1e-9), is_call).delta
    delta = composite_delta([shifted(Decimal(round(float(one) * 10**PLACES)), -PLACES) for one in deltas])
    return Scanned(tuple(_up(float(one)) for one in losses), delta, _up(error))


def _up(value: float) -> Decimal:
    return shifted(Decimal(math.ceil(value * 10**PLACES)), -PLACES)
