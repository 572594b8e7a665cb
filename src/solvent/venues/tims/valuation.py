"""What options and stock are worth at each valuation point, in binary floating point with a stated error.

An option is valued at the volatility its own price implies: by Black-Scholes, or, where exercise before the last day
may pay (a put with interest, a call with dividends, of American exercise), by :func:`solvent.pricing.american`. One of
American exercise is never worth less than what exercise brings. Against CBOE's table of 2007 this is within 0.2% for a
stock and 1.7% for an index: the clearing house uses a binomial tree and a surface of its own, which are not published.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from solvent.book import BookError
from solvent.instruments import Exercise, OptionKind
from solvent.pricing import PRICE_ERROR, american, american_volatility, implied_volatility, price76
from solvent.pricing.american import PRICE_ERROR as EARLY_ERROR
from solvent.units import ZERO, Rounding, divide, exact, shifted

PLACES = 10
MOVE_PLACES = 12
SLACK = 64  # prices carry the error of their volatility and of two roundings beside their own
EARLY_SLACK = 4  # and those with early exercise that of the price that tells their volatility


class Listed(NamedTuple):
    """An option's terms: its price and strike, years to expiry, and how it may be exercised."""

    symbol: str
    kind: OptionKind
    strike: Decimal
    price: Decimal
    years: Decimal
    exercise: Exercise


class Spot(NamedTuple):
    """An underlying's price, the yearly rate and its dividend yield, both continuous."""

    price: Decimal
    rate: Decimal = ZERO
    dividend: Decimal = ZERO


class Changes(NamedTuple):
    """What one unit held long gains at each point, rounded down, and the most each figure may be off."""

    gains: tuple[Decimal, ...]
    error: Decimal


@exact
def points(up: Decimal, down: Decimal, number: int) -> tuple[Decimal, ...]:
    """Equidistant moves: half of them up to ``up``, half down to ``down`` (below zero), the nearest first.

    >>> [float(one) for one in points(Decimal("0.06"), Decimal("-0.08"), 4)]
    [0.03, 0.06, -0.04, -0.08]
    """
    half = number // 2
    if number < 2 or number % 2:
        raise BookError(f"points: got {number}, expected an even number of at least two")
    steps = range(1, half + 1)
    return tuple(_share(side * Decimal(k), half) for side in (up, down) for k in steps)


def _share(top: Decimal, parts: int) -> Decimal:
    return divide(top, Decimal(parts), MOVE_PLACES, Rounding.HALF_UP)


@exact
def stock_changes(price: Decimal, moves: Sequence[Decimal]) -> Changes:
    """What a share gains at each move; exact.

    >>> stock_changes(Decimal(50), [Decimal("-0.15")]).gains
    (Decimal('-7.50'),)
    """
    return Changes(tuple(price * move for move in moves), ZERO)


@exact
def option_changes(option: Listed, spot: Spot, moves: Sequence[Decimal]) -> Changes:
    """What one unit of an option gains at each move of the underlying, at its own implied volatility.

    Raises
    ------
    BookError
        No volatility gives the option's price, or it has expired.

    Examples
    --------
    >>> call = Listed("C", OptionKind.CALL, Decimal(100), Decimal("1.68"), Decimal("0.156"), Exercise.AMERICAN)
    >>> gained = option_changes(call, Spot(Decimal("97.73"), Decimal("0.0495")), [Decimal("0.15")]).gains[0]
    >>> round(float(gained), 2)
    11.52

    """
    volatility = implied(option, spot)
    prices = np.array([float(spot.price * (1 + move)) for move in moves])
    years, rate, dividend = float(option.years), float(spot.rate), float(spot.dividend)
    forwards = prices * math.exp((rate - dividend) * years)
    is_call, strike = option.kind is OptionKind.CALL, float(option.strike)
    if early := _early(option, spot):
        worth = american(prices, strike, years, volatility, is_call, rate, dividend)
    else:
        worth = price76(forwards, strike, years, volatility, is_call) * math.exp(-rate * years)
    if option.exercise is Exercise.AMERICAN:
        worth = np.maximum(worth, np.maximum((prices - strike) if is_call else (strike - prices), 0.0))
    largest = max(float(np.max(forwards)), float(np.max(prices))) + strike
    share = EARLY_SLACK * EARLY_ERROR if early else SLACK * PRICE_ERROR
    error = shifted(Decimal(math.ceil(share * largest * 10**PLACES) + 1), -PLACES)
    gains = tuple(_down(value) - option.price for value in worth)
    return Changes(gains, error)


def implied(option: Listed, spot: Spot) -> float:
    """The yearly volatility that an option's price implies; 0 for an American one at what exercise brings."""
    if option.years <= 0:
        raise BookError(f"{option.symbol}: expired; expected an option with time to run")
    years = float(option.years)
    forward = float(spot.price) * math.exp((float(spot.rate) - float(spot.dividend)) * years)
    discount = math.exp(-float(spot.rate) * years)
    is_call = option.kind is OptionKind.CALL
    if _early(option, spot):
        found = _early_volatility(option, spot)
    else:
        found = float(implied_volatility(float(option.price), forward, float(option.strike), years, is_call, discount))
    if not math.isnan(found):
        return found
    inside = spot.price - option.strike if is_call else option.strike - spot.price
    if option.exercise is Exercise.AMERICAN and abs(inside - option.price) * 100 <= option.price:
        return 0.0
    raise BookError(f"market.mark.{option.symbol}: got {option.price}, expected a price that some volatility gives")


def _early(option: Listed, spot: Spot) -> bool:
    """Whether exercise before the last day may pay."""
    gain = spot.dividend if option.kind is OptionKind.CALL else spot.rate
    return option.exercise is Exercise.AMERICAN and gain > 0


@lru_cache(maxsize=4096)
def _early_volatility(option: Listed, spot: Spot) -> float:
    facts = float(option.price), float(spot.price), float(option.strike), float(option.years)
    return american_volatility(*facts, option.kind is OptionKind.CALL, float(spot.rate), float(spot.dividend))


def _down(value: float) -> Decimal:
    return shifted(Decimal(math.floor(value * 10**PLACES)), -PLACES)
