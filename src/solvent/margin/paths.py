"""Price paths: what moves with an instrument or asset, and the market where it has moved."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from solvent.book import Book, BookError, Holding, Market, PriceKey, PriceKind
from solvent.instruments import Option, Perpetual, Spot
from solvent.rules import Path, VenueRules
from solvent.units import Rounding, divide

if TYPE_CHECKING:
    from solvent.margin.held_options import HeldOptions

PLACES = 18
OF_INSTRUMENTS = frozenset({PriceKind.MARK, PriceKind.BID, PriceKind.ASK, PriceKind.SLOW})
OF_ASSETS = frozenset({PriceKind.INDEX, PriceKind.SLOW, PriceKind.BID, PriceKind.ASK})
ASSET_TICK = Decimal("1e-8")


class Moves(NamedTuple):
    """What a path moves: prices of these instruments, and of these assets; with options their forwards and marks."""

    symbols: frozenset[str]
    assets: frozenset[str]
    options: HeldOptions | None = None


class Subject(NamedTuple):
    """What a liquidation price is the price of: an instrument's mark or an asset's index, and its smallest step."""

    name: str
    underlying: str
    key: PriceKey
    tick: Decimal
    is_asset: bool

    def ticks(self, price: Decimal) -> int:
        """The whole steps in a price, cut down."""
        return int(divide(price, self.tick, 0, Rounding.DOWN))


def subject(book: Book, name: str, numeraire: str) -> Subject:
    """The instrument, asset or underlying of a name; :class:`BookError` where the book has none of it.

    A spot pair is its base, an option its underlying.
    """
    listed = book.instruments.get(name)
    if isinstance(listed, Perpetual):
        key = PriceKey(PriceKind.MARK, name, listed.quote.name)
        return Subject(name, listed.underlying, key, listed.tick_size, is_asset=False)
    asset = listed.base.name if isinstance(listed, Spot) else name
    if isinstance(listed, Option):
        asset = listed.underlying
    if asset not in book.assets and asset not in {one.underlying for one in book.instruments.values()}:
        msg = f"{name!r} is neither a contract nor an asset nor an underlying of this book"
        raise BookError(msg)
    return Subject(asset, asset, PriceKey(PriceKind.INDEX, asset, numeraire), ASSET_TICK, is_asset=True)


def moved_by(one: Subject, contracts: Iterable[Perpetual], numeraire: str, path: Path) -> Moves:
    """The prices that move with a subject along ``path``; ``contracts`` are those the pool holds."""
    if path is Path.INSTRUMENT:
        named = frozenset({one.name})
        return Moves(frozenset(), named) if one.is_asset else Moves(named, frozenset())
    held = tuple(contracts)
    coins = {one.underlying}
    if path is Path.MARKET:
        coins.update(contract.underlying for contract in held)
    symbols = {contract.symbol for contract in held if contract.underlying in coins}
    if not one.is_asset:
        symbols.add(one.name)
    return Moves(frozenset(symbols), frozenset(coins - {numeraire}))


def held_contracts(book: Book, holding: Holding) -> list[Perpetual]:
    """The contracts a pool has positions in, each once."""
    found = (book.instruments.get(symbol) for symbol in dict.fromkeys(p.symbol for p in holding.positions))
    return [one for one in found if isinstance(one, Perpetual)]


def moves(book: Book, market: Market, rules: VenueRules, holding: Holding, one: Subject, path: Path) -> Moves:
    """What moves with a subject for one pool: :func:`moved_by`, and where it holds options their forwards and marks.

    The volatility of each option is held.
    """
    found = moved_by(one, held_contracts(book, holding), holding.pool.numeraire, path)
    coins = option_coins(book, holding)
    if not coins or path is Path.INSTRUMENT:
        return found
    moved = found.assets | coins if path is Path.MARKET else found.assets
    from solvent.margin.held_options import held_options  # noqa: PLC0415 - formulas are loaded only for options

    return Moves(found.symbols, moved, held_options(book, market, rules, holding, moved))


def option_coins(book: Book, holding: Holding) -> frozenset[str]:
    """The underlyings of the options a pool holds."""
    listed = (book.instruments.get(position.symbol) for position in holding.positions)
    return frozenset(one.underlying for one in listed if isinstance(one, Option))


def followed(name: str) -> str:
    """The underlying in the name of an expiry (:func:`solvent.book.curve`).

    >>> followed("BTC@2026-03-27T08:00:00Z")
    'BTC'
    """
    return name.rpartition("@")[0]


def market_along(book: Book, market: Market, moving: Moves, factor: Fraction) -> Market:
    """The market where everything that moves has moved by ``factor`` (inside the exact context).

    Marks, bids and asks of instruments are cut to their own tick (never below one), indices and forwards to 18
    decimals. Marks of options are those of a model (:mod:`solvent.margin.held_options`) and on no tick.
    """
    changed: dict[PriceKey, Decimal] = {}
    for key, price in market.prices.items():
        if key.kind in OF_INSTRUMENTS and key.subject in moving.symbols:
            tick = book.instruments[key.subject].tick_size
            count = Fraction(price) * factor / Fraction(tick)
            changed[key] = tick * max(1, count.numerator // count.denominator)
        elif (key.kind in OF_ASSETS and key.subject in moving.assets) or (
            moving.options is not None and key.kind is PriceKind.FORWARD and followed(key.subject) in moving.assets
        ):
            moved = Decimal(factor.numerator) * price
            changed[key] = divide(moved, Decimal(factor.denominator), PLACES, Rounding.DOWN)
    if moving.options is not None:
        changed.update(moving.options.prices(market, float(factor)))
    return market.with_prices(changed)
