"""A real crash on a pool: every coin it holds moves as it did in a market window, hour by hour; volatilities stay.

The windows are those of :mod:`solvent.simulation.datasets`. Prices are factors on the window's first open. In each bar
the pool is looked at with all coins at their lows, all at their highs, and all at their closes; lows of one hour are
taken as simultaneous. The pool does nothing: no order, no funding, no liquidation, and time does not pass.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.book import Book, BookError, Market, Purpose
from solvent.margin.assess import assess_holding
from solvent.research.stress.moving import Mover, coins_of
from solvent.rules import VenueRules
from solvent.simulation.datasets import Dataset, Ints, load
from solvent.units import Rounding, divide, exact

PLACES = 6


class Moment(NamedTuple):
    """The pool in one bar; amounts in the numeraire."""

    time_ns: int
    profit: Decimal
    value: Decimal
    surplus: Decimal


class Crisis(NamedTuple):
    """What a window did: how far each coin went (lowest, highest), what it has no prices of, and three moments."""

    name: str
    hours: int
    coins: tuple[tuple[str, tuple[str, str]], ...]
    unmoved: tuple[str, ...]
    worst: Moment
    breach: Moment | None
    end: Moment


@exact
def crisis(book: Book, market: Market, rules: VenueRules, pool: str, name: str) -> Crisis:
    """One pool through a window: its worst moment, the first in which it is liquidated, and the end.

    Raises
    ------
    DatasetError
        No window of that name; the message lists those there are.
    BookError
        The window has no price of anything the pool holds.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> found = crisis(*two_positions(), venue("binance_usdm_2021"), "cross", "may-2021")
    >>> found.breach is not None, [coin for coin, _ in found.coins]
    (True, ['BTC', 'ETH'])

    """
    window, holding = load(name), book.holding(pool)
    rows = {listing.base: k for k, listing in enumerate(window.listings)}
    held = coins_of(book, holding)
    coins = [coin for coin in held if coin in rows]
    if not coins:
        raise BookError(f"{name} has no prices of {', '.join(held) or 'anything this pool holds'}: {', '.join(rows)}")
    moving = [Mover(book, market, rules, holding, frozenset([coin])) for coin in coins]
    present = assess_holding(book, market, rules, Purpose.MAINTAIN, holding).value
    columns = [rows[coin] for coin in coins]
    tables = (*window.mark_range(), window.close_ticks)
    breach: Moment | None = None
    moments: list[Moment] = []
    for bar in range(window.bars):
        for factors in _factors(window, tables, bar, columns):
            prices = market
            for one, factor in zip(moving, factors, strict=True):
                prices = one.moved_from(prices, factor)
            found = assess_holding(book, prices, rules, Purpose.MAINTAIN, holding)
            value = found.value
            when = window.time_ns(bar * window.interval_minutes)
            moments.append(Moment(when, value - present, value, found.surplus))
            if breach is None and found.breached(inclusive=rules.breach_inclusive):
                breach = moments[-1]
    worst = min(moments, key=lambda one: one.surplus)
    ranges = tuple((coin, _range(window, column)) for coin, column in zip(coins, columns, strict=True))
    unmoved = tuple(coin for coin in held if coin not in rows)
    return Crisis(name, window.minutes // 60, ranges, unmoved, worst, breach, moments[-1])


def _factors(window: Dataset, tables: tuple[Ints, ...], bar: int, columns: list[int]) -> list[list[Fraction]]:
    return [[Fraction(int(t[bar, k]), int(window.open_ticks[0, k])) for k in columns] for t in tables]


def _range(window: Dataset, column: int) -> tuple[str, str]:
    """The lowest and the highest share a coin moved by."""
    low, high = window.mark_range()
    first = Decimal(int(window.open_ticks[0, column]))
    ends = (Decimal(int(low[:, column].min())), Decimal(int(high[:, column].max())))
    lowest, highest = (divide(end - first, first, PLACES, Rounding.HALF_UP) for end in ends)
    return f"{lowest:f}", f"{highest:f}"
