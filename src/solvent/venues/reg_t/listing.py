"""A book of stock and options on one underlying from plain figures, as a broker's screen lists them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, BookError, Holding, Market, Method, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Exercise, Instrument, Option, OptionKind
from solvent.units import ONE, ZERO, Asset, exact

DOLLAR = Asset("USD", 12)
SHARE_SCALE = 8
TICK = Decimal("1e-8")
DAY_NS = 86_400_000_000_000
EPOCH = date(1970, 1, 1)


class Row(NamedTuple):
    """One leg: ``kind`` is call, put or stock, ``quantity`` signed contracts or shares, ``price`` of one unit.

    ``symbol`` names stock that is not the underlying itself.
    """

    kind: str
    quantity: Decimal
    price: Decimal
    strike: Decimal = ONE
    expiry_ns: int = 0
    symbol: str = ""


def day_ns(text: str) -> int:
    """The start of a day (UTC) in nanoseconds; :class:`BookError` for what is no date.

    >>> day_ns("1970-01-03") // 86_400_000_000_000
    2
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BookError(f"expiry: got {text!r}, expected a date as 2026-06-19") from None
    return int(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp()) * 10**9


def days_ns(days: Decimal) -> int:
    """A number of days in nanoseconds, cut to whole ones."""
    return int(days * DAY_NS)


@exact
def securities(
    underlying: str,
    price: Decimal,
    rows: Sequence[Row],
    *,
    multiplier: Decimal = Decimal(100),
    time_ns: int | None = None,
    method: Method = Method.STRATEGY,
    exercise: Exercise = Exercise.AMERICAN,
    debit: Decimal = ZERO,
) -> tuple[Book, Market]:
    """One pool, named ``securities``, with these legs; premiums count as paid.

    Parameters
    ----------
    underlying, price
        The underlying's name and its price in dollars.
    multiplier
        Units of the underlying of one contract.
    time_ns
        When it is looked at; the first expiry where nobody says.
    debit
        What the account owes, in dollars.

    Raises
    ------
    BookError
        A leg of another kind, or a quantity that is no whole number of contracts.

    Examples
    --------
    >>> book, market = securities("IBM", Decimal(97), [Row("call", Decimal(-2), Decimal("1.68"), Decimal(100))])
    >>> book.holding("securities").positions[0].lots
    -2

    """
    assets: dict[str, Asset] = {DOLLAR.name: DOLLAR}
    held: dict[str, int] = {DOLLAR.name: DOLLAR.units(-debit, "debit")}
    listed: dict[str, Instrument] = {}
    positions: list[Position] = []
    prices = {PriceKey(PriceKind.INDEX, underlying, DOLLAR.name): price}
    for k, row in enumerate(rows):
        if row.kind == "stock":
            name = row.symbol or underlying
            assets[name] = Asset(name, SHARE_SCALE)
            held[name] = held.get(name, 0) + assets[name].units(row.quantity, f"legs[{k}].quantity")
            prices[PriceKey(PriceKind.INDEX, name, DOLLAR.name)] = row.price
            continue
        symbol = f"{underlying}-{k}"
        listed[symbol] = _option(symbol, underlying, row, multiplier, exercise)
        positions.append(Position(symbol, listed[symbol].lots(row.quantity), 0))
        prices[PriceKey(PriceKind.MARK, symbol, DOLLAR.name)] = row.price
    expiries = [row.expiry_ns for row in rows if row.kind != "stock"]
    now = min(expiries, default=0) if time_ns is None else time_ns
    pool = Pool("securities", numeraire=DOLLAR.name, method=method)
    return Book(assets, listed, (Holding(pool, held, tuple(positions)),)), Market(prices, time_ns=now)


def _option(symbol: str, underlying: str, row: Row, multiplier: Decimal, exercise: Exercise) -> Option:
    try:
        kind = OptionKind(row.kind)
    except ValueError:
        raise BookError(f"{symbol}.kind: got {row.kind!r}, expected call, put or stock") from None
    return Option(
        symbol,
        underlying,
        DOLLAR,
        DOLLAR,
        TICK,
        ONE,
        kind,
        row.strike,
        row.expiry_ns,
        exercise,
        contract_size=multiplier,
    )
