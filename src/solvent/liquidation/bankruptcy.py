"""Bankruptcy prices, allocated: each leg gets a share of the pool's value, and its price is where that share is gone.

Shares go by notional and sum to the pool's value exactly. Closing every leg at its price leaves the pool with the
residuals: less than the value of one tick a leg, never negative where the price could be placed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent import fixed
from solvent.book import Book, Leg, Market, PriceKind, Purpose
from solvent.instruments import Payoff, Perpetual
from solvent.liquidation.legs import HeldLeg, held_legs
from solvent.liquidation.socialise import shares
from solvent.margin import assess_pool
from solvent.rules import VenueRules
from solvent.units import Rounding, divide, exact

MOST_TIMES_MARK = 100
UNREACHABLE_TICKS = 2**62  # no price is high enough: the price stops at its limit


@dataclass(frozen=True, slots=True)
class BankruptcyPrice:
    """A leg's share of the pool's value (numeraire units) and the price in ticks that uses it up.

    ``residual_units`` (settle units) is what closing at the price leaves over of the share; negative only where the
    price had to stop at one tick or at 100 times the mark.
    """

    symbol: str
    leg: Leg
    lots: int
    share_units: int
    ticks: int
    residual_units: int


class LegAtMark(NamedTuple):
    """A leg: its contract, signed lots, and the contract's mark in ticks."""

    contract: Perpetual
    leg: Leg
    lots: int
    ticks: int


@exact
def inverse_price(size: Decimal, entry: Decimal, backing: Decimal, places: int, rounding: Rounding) -> Decimal | None:
    """The price at which an inverse position alone has used up what stands behind it; None where no price does.

    From ``size ÷ entry − size ÷ price = −margin``: price = size × entry ÷ (size + margin × entry).

    Parameters
    ----------
    size
        Signed size in quote, not zero.
    entry
        Entry price, above zero.
    backing
        Margin in the coin × entry price: the margin's worth at entry, in quote.
    places, rounding
        Decimals kept, and to which side.

    Examples
    --------
    >>> inverse_price(Decimal(200_000), Decimal(10_000), Decimal(10_000), 2, Rounding.UP)
    Decimal('9523.81')

    """
    below = size + backing
    return divide(size * entry, below, places, rounding) if below * size > 0 else None


@exact
def bankruptcy_prices(book: Book, market: Market, rules: VenueRules, pool: str) -> tuple[BankruptcyPrice, ...]:
    """The allocated bankruptcy price of every leg of a pool, in order of symbol and leg.

    The pool's value is at MAINTAIN, before haircuts, rounded down to a unit of the numeraire.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> for one in bankruptcy_prices(*two_positions(), venue("binance_usdm_2021"), "cross"):
    ...     print(one.symbol, one.share_units, one.ticks)
    BTCUSDT 42858420164428 2805284
    ETHUSDT 60231135473572 117169

    """
    legs = held_legs(book, market, pool)
    if not legs:
        return ()
    holding = book.holding(pool)
    numeraire = book.assets[holding.pool.numeraire]
    value = assess_pool(book, market, rules, Purpose.MAINTAIN, pool).value
    units = int(divide(value * 10**numeraire.scale, Decimal(1), 0, Rounding.DOWN))
    named = {f"{leg.position.symbol} {leg.position.leg.value}": leg for leg in legs}
    notionals = {key: _numeraire_notional(book, market, pool, leg) for key, leg in named.items()}
    parts = shares(units, notionals)
    return tuple(_price(book, market, pool, leg, parts[key]) for key, leg in named.items())


def allocated(value_units: int, legs: Iterable[LegAtMark]) -> tuple[BankruptcyPrice, ...]:
    """The same from whole numbers, for legs that all settle in the pool's numeraire: ``value_units`` is its value.

    >>> from solvent.samples import two_positions
    >>> book, market = two_positions()
    >>> legs = [
    ...     LegAtMark(leg.contract, leg.position.leg, leg.position.lots, leg.ticks)
    ...     for leg in held_legs(book, market, "cross")
    ... ]
    >>> [one.ticks for one in allocated(103_089_555_638_000, legs)]
    [2805284, 117169]
    """
    ordered = {f"{leg.contract.symbol} {leg.leg.value}": leg for leg in sorted(legs, key=_place)}
    parts = shares(value_units, {key: leg.contract.notional(leg.lots, leg.ticks) for key, leg in ordered.items()})
    return tuple(_placed(leg, parts[key], parts[key]) for key, leg in ordered.items())


def _place(leg: LegAtMark) -> tuple[str, int]:
    return leg.contract.symbol, leg.leg.value


def _numeraire_notional(book: Book, market: Market, pool: str, leg: HeldLeg) -> int:
    """Notional in numeraire units, rounded up."""
    settle, numeraire = leg.contract.settle, book.assets[book.holding(pool).pool.numeraire]
    if settle.name == numeraire.name:
        return leg.notional
    worth = settle.amount(leg.notional) * market.price(PriceKind.INDEX, settle.name, numeraire.name)
    return int(divide(worth * 10**numeraire.scale, Decimal(1), 0, Rounding.UP))


def _price(book: Book, market: Market, pool: str, leg: HeldLeg, share: int) -> BankruptcyPrice:
    settle, numeraire = leg.contract.settle, book.assets[book.holding(pool).pool.numeraire]
    room = share
    if settle.name != numeraire.name:
        index = market.price(PriceKind.INDEX, settle.name, numeraire.name)
        room = int(divide(numeraire.amount(share) * 10**settle.scale, index, 0, Rounding.DOWN))
    return _placed(LegAtMark(leg.contract, leg.position.leg, leg.position.lots, leg.ticks), share, room)


def _placed(leg: LegAtMark, share: int, room: int) -> BankruptcyPrice:
    """The price that uses up ``room`` settle units, which are ``share`` in the numeraire."""
    lots, at_mark = leg.lots, leg.contract.worth(leg.lots, leg.ticks)
    ticks = _ticks(leg.contract, lots, at_mark - room)
    ticks = max(1, min(ticks, MOST_TIMES_MARK * leg.ticks))
    residual = room + leg.contract.worth(lots, ticks) - at_mark
    return BankruptcyPrice(leg.contract.symbol, leg.leg, lots, share, ticks, residual)


def _ticks(contract: Perpetual, lots: int, target: int) -> int:
    """The price furthest against the pool at which its lots are still worth at least ``target`` settle units."""
    if contract.payoff is not Payoff.INVERSE:
        per_tick = abs(lots) * contract.tick_value
        return fixed.up(target, per_tick) if lots > 0 else -target // per_tick
    owed = abs(lots) * contract.constant
    if lots > 0:  # worth = −owed ÷ ticks, always below zero
        return fixed.up(owed, -target) if target < 0 else UNREACHABLE_TICKS
    return owed // target if target > 0 else UNREACHABLE_TICKS
