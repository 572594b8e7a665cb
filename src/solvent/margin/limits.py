"""The most that still passes: largest order, largest withdrawal. Found on the exact check itself, by bisection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from solvent.book import Book, Leg, Market
from solvent.margin.changes import Combo, Trade, Withdraw, changed
from solvent.margin.what_if import judged
from solvent.rules import VenueRules
from solvent.units import exact

MOST_LOTS = 2**31 - 1


@exact
def max_order(
    book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, side: int, ticks: int, leg: Leg = Leg.NET
) -> int:
    """The most lots (unsigned) that ``pool`` may still buy (``side`` +1) or sell (−1) at ``ticks``, as taker.

    Closing what is held comes first; beyond that the check must pass for every smaller opening size too, so the answer
    is the end of the admissible stretch that starts at the smallest opening size.
    """
    held = book.holding(pool).position(symbol, leg)
    closing = max(0, -(held.lots if held is not None else 0) * side)

    def passes(lots: int) -> bool:
        trade = Trade(pool, symbol, side * lots, ticks, leg)
        after, prices, fee = changed(book, market, rules, trade)
        return not judged(book, after, prices, rules, trade, fee)

    limit = MOST_LOTS if leg is Leg.NET or closing == 0 else closing
    if closing and not passes(closing):
        return _largest(passes, 0, closing)
    return _largest(passes, closing, limit)


@exact
def max_combo(book: Book, market: Market, rules: VenueRules, combo: Combo) -> int:
    """How many times ``combo`` passes as a whole, at its legs' prices: all legs of each time or none.

    The check must pass for every smaller number too, so the answer is the end of the stretch that starts at one.
    """
    most = max(abs(leg.lots) for leg in combo.legs)

    def passes(times: int) -> bool:
        whole = Combo(combo.pool, tuple(replace(leg, lots=leg.lots * times) for leg in combo.legs))
        after, prices, fee = changed(book, market, rules, whole)
        return not judged(book, after, prices, rules, whole, fee)

    return _largest(passes, 0, MOST_LOTS // most)


@exact
def max_withdrawal(book: Book, market: Market, rules: VenueRules, pool: str, asset: str) -> int:
    """The most units of ``asset`` that may leave ``pool`` now: never more than what is held."""
    held = max(0, book.holding(pool).cash.get(asset, 0))

    def passes(units: int) -> bool:
        change = Withdraw(pool, asset, units)
        after, prices, fee = changed(book, market, rules, change)
        return not judged(book, after, prices, rules, change, fee)

    return _largest(passes, 0, held)


def _largest(passes: Callable[[int], bool], floor: int, limit: int) -> int:
    """The largest count in [floor, limit] that passes, where everything between passes too; ``floor`` is known to."""
    low, step = floor, 1
    while low < limit and passes(min(low + step, limit)):
        low = min(low + step, limit)
        step *= 2
    high = min(low + step, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if passes(middle):
            low = middle
        else:
            high = middle
    return low
