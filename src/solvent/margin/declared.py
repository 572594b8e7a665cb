"""What a book declares, by name: one clear error where it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvent.book import BookError

if TYPE_CHECKING:
    from solvent.book import Book
    from solvent.instruments import Instrument
    from solvent.units import Asset


def asset_of(book: Book, name: str) -> Asset:
    """An asset of the book; :class:`BookError` lists those it declares.

    >>> from solvent.samples import two_positions
    >>> asset_of(two_positions()[0], "USDT").name
    'USDT'
    """
    found = book.assets.get(name)
    if found is None:
        msg = f"assets: {name!r} is not declared; there are {sorted(book.assets)}"
        raise BookError(msg)
    return found


def instrument_of(book: Book, symbol: str) -> Instrument:
    """An instrument of the book; :class:`BookError` lists those it declares.

    >>> from solvent.samples import two_positions
    >>> instrument_of(two_positions()[0], "BTCUSDT").symbol
    'BTCUSDT'
    """
    found = book.instruments.get(symbol)
    if found is None:
        msg = f"instruments: {symbol!r} is not declared; there are {sorted(book.instruments)}"
        raise BookError(msg)
    return found
