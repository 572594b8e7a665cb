"""Payoff diagrams: what a pool's positions gain by a day, over prices of what moves, early legs settled on the way.

**The path.** The price moves from today's to the one shown, by default in a straight line in time that arrives on the
day asked for (:attr:`Arrival.LINEAR`), or at once (:attr:`Arrival.AT_ONCE`). A leg that expires before that day settles
at the path's price at its own expiry, and what it pays stays as it is. A later leg is worth its model's price then: its
volatility stays, and its forward is the price shown times what is left of today's growth.

Gains are against today's prices, in floats: a diagram, no money.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from solvent.book import SECOND_NS, PriceKind
from solvent.instruments import Future, Payoff, Perpetual
from solvent.margin.held_options import YEAR_SECONDS, HeldOptions, Moved
from solvent.pricing.inputs import F64
from solvent.research.stress.moving import Mover
from solvent.units import exact


class Arrival(enum.Enum):
    """When the price arrives."""

    LINEAR = "linear"
    AT_ONCE = "at_once"


class Line(NamedTuple):
    """The gains by one day: ``time_ns`` of it, and the gain at each factor on the price, in the numeraire."""

    time_ns: int
    gains: tuple[float, ...]


@exact
def payoff(
    moving: Mover, factors: Sequence[float], times_ns: Sequence[int], arrival: Arrival = Arrival.LINEAR
) -> list[Line]:
    """The gains of a pool by each time, over factors on the price of everything that moves."""
    return [Line(when, tuple(_gain(moving, factor, when, arrival) for factor in factors)) for when in times_ns]


def expiries(moving: Mover) -> list[int]:
    """The times at which something that moves expires, in order."""
    listed = [moving.book.instruments[symbol] for symbol in moving.moving.symbols]
    found = {one.expiry_ns for one in listed if isinstance(one, Future)}
    held = moving.options
    found |= {one.expiry_ns for one in held.listed} if held is not None else set()
    return sorted(when for when in found if when > moving.market.time_ns)


def _gain(moving: Mover, factor: float, when: int, arrival: Arrival) -> float:
    years = years_to(moving, when)
    total = sum(_contract(moving, symbol, factor, years, arrival) for symbol in moving.moving.symbols)
    if moving.options is not None:
        total += options_gain(moving.options, factor, years, arrival)
    own = moving.holding.pool.numeraire
    for name, units in moving.holding.cash.items():
        if name in moving.coins:
            price = float(moving.market.price(PriceKind.INDEX, name, own))
            total += float(moving.book.assets[name].amount(units)) * price * (factor - 1.0)
    return total


def years_to(moving: Mover, when: int) -> float:
    """Years from the market's time to another, not below zero."""
    return max(0, when - moving.market.time_ns) / SECOND_NS / YEAR_SECONDS


def on_the_way(factor: float, expiry: F64, years: float, arrival: Arrival) -> F64:
    """The factor of the price when something expires (in years from now), or at the end where it does not before.

    >>> on_the_way(1.2, np.array([0.25, 0.5, 9.0]), 0.5, Arrival.LINEAR).round(6).tolist()
    [1.1, 1.2, 1.2]
    """
    if arrival is Arrival.AT_ONCE or years <= 0.0:
        return np.full(expiry.shape, factor)
    found: F64 = 1.0 + (factor - 1.0) * np.minimum(expiry / years, 1.0)
    return found


def options_gain(held: HeldOptions, factor: float, years: float, arrival: Arrival) -> float:
    """What options gain: settled where they have expired on the way, by model where not."""
    reached = on_the_way(factor, held.years, years, arrival)
    side = np.where(held.is_call, 1.0, -1.0)
    settled = (
        np.maximum(side * (held.spot * reached - held.strike), 0.0) * held.size * held.worth
    )  # a coin's payoff at its price then
    later = held.values(Moved(factor, 0.0, years))
    return float((np.where(held.years <= years, settled, later) - held.values()).sum())


def _contract(moving: Mover, symbol: str, factor: float, years: float, arrival: Arrival) -> float:
    """What a perpetual or a future gains; a coin it is paid in moves along where it is among what moves."""
    listed = moving.book.instruments[symbol]
    assert isinstance(listed, Perpetual)
    market, own = moving.market, moving.holding.pool.numeraire
    mark = float(market.price(PriceKind.MARK, symbol, listed.quote.name))
    paid = 1.0 if listed.settle.name == own else float(market.price(PriceKind.INDEX, listed.settle.name, own))
    ending = mark * factor
    coin_factor = factor if listed.settle.name in moving.coins else 1.0
    if isinstance(listed, Future):
        left = years_to(moving, listed.expiry_ns)
        spot = float(market.price(PriceKind.INDEX, listed.underlying, listed.quote.name))
        reached = float(on_the_way(factor, np.array([left]), years, arrival)[0])
        growth = math.log(mark / spot) / left if left > 0 else 0.0
        ending = spot * reached * math.exp(growth * max(left - years, 0.0))
        coin_factor = reached if listed.settle.name in moving.coins else 1.0
    total = 0.0
    for position in moving.holding.positions:
        if position.symbol != symbol:
            continue
        size = float(listed.size(position.lots) * listed.contract_size)
        cost = float(listed.settle.amount(position.cost))
        if listed.payoff is Payoff.INVERSE:
            now, then = -size / mark - cost, -size / ending - cost
        else:
            now, then = size * mark - cost, size * ending - cost
        total += then * paid * coin_factor - now * paid
    return total
