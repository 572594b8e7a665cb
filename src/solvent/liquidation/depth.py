"""What can be traded now: price levels and lots on both sides, and what of them a liquidation step may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from solvent.book import Book, Market, PriceKey, PriceKind
from solvent.instruments import Perpetual
from solvent.ledger import share_down
from solvent.liquidation.legs import mark_ticks

PLENTY_LOTS = 2**53


class DepthError(ValueError):
    """Levels that are not in order, or not positive."""


class Level(NamedTuple):
    """A price and the lots offered at it."""

    ticks: int
    lots: int


@dataclass(frozen=True, slots=True)
class Depth:
    """Bids (falling) and asks (rising), best first.

    Examples
    --------
    >>> Depth(bids=(Level(99, 5), Level(100, 5)))
    Traceback (most recent call last):
    ...
    solvent.liquidation.depth.DepthError: bids must be positive lots at falling positive ticks, not 100 after 99

    """

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        """Refuse levels out of order or not positive."""
        for name, levels, way, sign in (("bids", self.bids, "falling", -1), ("asks", self.asks, "rising", 1)):
            last = None
            for level in levels:
                rises = last is None or (level.ticks - last) * sign > 0
                if level.lots <= 0 or level.ticks <= 0 or not rises:
                    after = "" if last is None else f" after {last}"
                    msg = f"{name} must be positive lots at {way} positive ticks, not {level.ticks}{after}"
                    raise DepthError(msg)
                last = level.ticks

    def usable(self, *, selling: bool, mark: int, worst_price_ppm: int) -> tuple[Level, ...]:
        """Levels within the worst price, best first: the price of each, and all lots up to and including it.

        A price better than the bound on the other side of the mark is cut to it: it is then a limit, not a quote.

        Examples
        --------
        >>> Depth(bids=(Level(99, 5), Level(97, 5), Level(90, 9))).usable(
        ...     selling=True, mark=100, worst_price_ppm=50_000
        ... )
        (Level(ticks=99, lots=5), Level(ticks=97, lots=10))

        """
        reach = share_down(mark, worst_price_ppm)
        low, high = max(1, mark - reach), mark + reach
        found: list[Level] = []
        total = 0
        for level in self.bids if selling else self.asks:
            if (selling and level.ticks < low) or (not selling and level.ticks > high):
                break
            total += level.lots
            found.append(Level(max(low, min(high, level.ticks)), total))
        return tuple(found)


def deep_at_mark(book: Book, market: Market) -> Mapping[str, Depth]:
    """Depth without limit at the mark of every contract that has one: for a first look at a plan, not for a crash.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> deep_at_mark(*two_positions())["ETHUSDT"].bids[0].ticks
    133518

    """
    found = {}
    for symbol, instrument in book.instruments.items():
        if not isinstance(instrument, Perpetual):
            continue
        if PriceKey(PriceKind.MARK, symbol, instrument.quote.name) in market.prices:
            level = (Level(mark_ticks(market, instrument), PLENTY_LOTS),)
            found[symbol] = Depth(level, level)
    return found
