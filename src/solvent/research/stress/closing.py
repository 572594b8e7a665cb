"""What closing a whole pool costs against the depth there is, and against shares of it.

A book of orders is given by instrument (:class:`~solvent.liquidation.depth.Depth`), or made of one figure of the
market: ``depth_1pct``, the contracts offered within 1 % of an instrument's mark on each side. As many again then
stand in each further per cent, evenly, up to half of the mark; what finds no order is left open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.book import Book, Market, Position, PriceKey, PriceKind
from solvent.instruments import Spot
from solvent.liquidation.depth import Depth, Level
from solvent.research.stress.moving import Mover
from solvent.units import ONE, ZERO, exact

STEPS_A_PERCENT = 20
REACH_PPM = 500_000
MILLION = 1_000_000


class Closed(NamedTuple):
    """One position closed against a share of the depth: size, cost against the mark, size that found no order."""

    symbol: str
    size: Decimal
    cost: Decimal
    left: Decimal


class Closing(NamedTuple):
    """The whole pool closed at once, in the numeraire: what it costs, and the value that is left (negative: lost)."""

    share: Decimal
    positions: tuple[Closed, ...]
    cost: Decimal
    value: Decimal
    complete: bool


@exact
def closings(moving: Mover, shares: Sequence[Decimal], depth: Mapping[str, Depth] | None = None) -> list[Closing]:
    """The pool closed against each share of the depth; empty where the depth of a position is not known."""
    known = dict(depth or {})
    for position in moving.holding.positions:
        made = known.get(position.symbol) or from_figure(moving.book, moving.market, position.symbol)
        if made is None:
            return []
        known[position.symbol] = made
    value = moving.assessed(Fraction(1)).value
    found = []
    for share in shares:
        closed = tuple(_closed(moving, one, known[one.symbol], share) for one in moving.holding.positions)
        cost = sum((one.cost for one in closed), ZERO)
        found.append(Closing(share, closed, cost, value - cost, all(not one.left for one in closed)))
    return found


def unknown_depth(moving: Mover, depth: Mapping[str, Depth] | None = None) -> list[str]:
    """The positions whose depth is neither given nor a figure of the market."""
    return [
        one.symbol
        for one in moving.holding.positions
        if one.symbol not in (depth or {}) and ("depth_1pct", one.symbol) not in moving.market.wide
    ]


def from_figure(book: Book, market: Market, symbol: str) -> Depth | None:
    """An even book of orders from the figure ``depth_1pct``; None where there is none (inside the exact context)."""
    figure = market.wide.get(("depth_1pct", symbol))
    listed = book.instruments[symbol]
    key = PriceKey(PriceKind.MARK, symbol, listed.quote.name)
    if figure is None or figure <= 0 or key not in market.prices:
        return None
    mark = listed.ticks(market.prices[key], "mark")
    return Depth(
        _side(mark, Fraction(figure) / Fraction(listed.lot_size), -1),
        _side(mark, Fraction(figure) / Fraction(listed.lot_size), 1),
    )


def _side(mark: int, a_percent: Fraction, sign: int) -> tuple[Level, ...]:
    """Levels at even steps, against whoever closes; lots that round down to nothing wait for the next step."""
    levels: dict[int, int] = {}
    before = 0
    for step in range(1, STEPS_A_PERCENT * REACH_PPM * 100 // MILLION + 1):
        ticks = mark + sign * -(-mark * step // (100 * STEPS_A_PERCENT))
        lots = int(a_percent * step / STEPS_A_PERCENT)
        if ticks <= 0:
            break
        if lots > before:
            levels[ticks] = levels.get(ticks, 0) + lots - before
            before = lots
    return tuple(Level(ticks, lots) for ticks, lots in levels.items())


def _closed(moving: Mover, position: Position, depth: Depth, share: Decimal) -> Closed:
    listed = moving.book.instruments[position.symbol]
    assert not isinstance(listed, Spot)
    mark_price = moving.market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
    mark = listed.ticks(mark_price, "mark")
    selling = position.lots > 0
    wanted, side = abs(position.lots), 1 if selling else -1
    done = got = 0
    for level in depth.usable(selling=selling, mark=mark, worst_price_ppm=REACH_PPM):
        lots = min(wanted, int(level.lots * share)) - done
        if lots > 0:
            got += listed.worth(side * lots, level.ticks)
            done += lots
    cost = listed.settle.amount(listed.worth(side * done, mark) - got)
    own = moving.holding.pool.numeraire
    paid = ONE if listed.settle.name == own else moving.market.price(PriceKind.INDEX, listed.settle.name, own)
    return Closed(position.symbol, listed.size(position.lots), cost * paid, listed.size(side * (wanted - done)))
