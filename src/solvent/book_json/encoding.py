"""Book to text: the verb that writes a book file."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from solvent.book import Book, Holding, Leg, Market, Order, Pool, Position, PriceKey
from solvent.book_json.forms import (
    AssetForm,
    FileForm,
    FutureForm,
    InstrumentForm,
    LendingForm,
    MarketForm,
    OptionForm,
    OrderForm,
    PerpetualForm,
    PoolForm,
    PositionForm,
    SpotForm,
    StatesForm,
    StructuredForm,
)
from solvent.book_json.numbers import time_text
from solvent.instruments import Future, Instrument, Option, Spot, Structured
from solvent.units import Asset, exact

DEFAULT = Pool("")


@exact
def encode_book(book: Book, market: Market, venue: str | None = None) -> bytes:
    """A book file that :func:`decode_book` reads back to equal values; indented, in UTF-8.

    Positions carry their exact ``cost``; what equals its default is left out.

    Examples
    --------
    >>> book = Book({"USDT": Asset("USDT", 6)}, {}, (Holding(Pool("a"), {"USDT": 5_000_000}),))
    >>> print(encode_book(book, Market({})).decode().split('"pools": ')[1])
    [
        {
          "id": "a",
          "cash": {
            "USDT": "5.000000"
          }
        }
      ],
      "market": {}
    }

    """
    form = FileForm(
        solvent=1,
        venue=UNSET if venue is None else venue,
        assets={name: _asset(asset) for name, asset in book.assets.items()},
        instruments={symbol: _instrument(listed) for symbol, listed in book.instruments.items()} or UNSET,
        pools=[_pool(holding, book) for holding in book.holdings],
        market=_market(market, book),
    )
    return msgspec.json.format(msgspec.json.encode(form), indent=2)


def _asset(asset: Asset) -> AssetForm:
    return AssetForm(scale=asset.scale, native_scale=UNSET if asset.native_scale is None else asset.native_scale)


def _text(number: Decimal) -> str:
    return f"{number:f}"


def _instrument(listed: Instrument) -> InstrumentForm:
    settle = UNSET if listed.settle == listed.quote else listed.settle.name
    steps = {"tick_size": _text(listed.tick_size), "lot_size": _text(listed.lot_size)}
    if isinstance(listed, Spot):
        underlying = UNSET if listed.underlying == listed.base.name else listed.underlying
        return SpotForm(base=listed.base.name, quote=listed.quote.name, underlying=underlying, settle=settle, **steps)
    plain: dict[str, Any] = {"underlying": listed.underlying, "quote": listed.quote.name, "settle": settle, **steps}
    if isinstance(listed, Structured):
        return StructuredForm(results={name: _text(profit) for name, profit in listed.results}, **plain)
    common: dict[str, Any] = {
        **plain,
        "payoff": listed.payoff,
        "contract_size": _text(listed.contract_size),
    }
    if isinstance(listed, Option):
        expiry, strike = time_text(listed.expiry_ns), _text(listed.strike)
        return OptionForm(kind=listed.kind, strike=strike, expiry=expiry, exercise=listed.exercise, **common)
    if isinstance(listed, Future):
        return FutureForm(expiry=time_text(listed.expiry_ns), **common)
    return PerpetualForm(**common)


def _pool(holding: Holding, book: Book) -> PoolForm:
    pool = holding.pool
    given: dict[str, Any] = {
        name: getattr(pool, name)
        for name in ("account", "owner", "account_class", "parent", "mode", "method", "numeraire", "legs")
        if getattr(pool, name) != getattr(DEFAULT, name)
    }
    return PoolForm(
        id=pool.id,
        scope=sorted(pool.scope) or UNSET,
        cash={name: _text(book.assets[name].amount(count)) for name, count in holding.cash.items()} or UNSET,
        positions=[_position(position, book.instruments[position.symbol]) for position in holding.positions] or UNSET,
        orders=[_order(order, book.instruments[order.symbol]) for order in holding.orders] or UNSET,
        borrow_index={name: str(index) for name, index in holding.borrow_index.items()} or UNSET,
        **given,
    )


def _position(position: Position, listed: Instrument) -> PositionForm:
    return PositionForm(
        instrument=position.symbol,
        size=_text(listed.size(position.lots)),
        cost=_text(listed.settle.amount(position.cost)),
        leg=_leg(position.leg),
        leverage=UNSET if position.leverage is None else position.leverage,
        funding_index=str(position.funding_index) if position.funding_index else UNSET,
    )


def _order(order: Order, listed: Instrument) -> OrderForm:
    return OrderForm(
        id=order.id,
        instrument=order.symbol,
        size=_text(listed.size(order.lots)),
        price=_text(listed.price(order.ticks)),
        leg=_leg(order.leg),
        reduce_only=True if order.reduce_only else UNSET,
    )


def _leg(leg: Leg) -> Any:
    return UNSET if leg is Leg.NET else leg.name.lower()


def _market(market: Market, book: Book) -> MarketForm:
    states = _by_kind(market.states, book)
    return MarketForm(
        time=time_text(market.time_ns) if market.time_ns else UNSET,
        epoch=market.epoch or UNSET,
        states=StatesForm(**states) if states else UNSET,
        funding={symbol: str(index) for symbol, index in market.funding.items()} or UNSET,
        interest={name: str(index) for name, index in market.interest.items()} or UNSET,
        lending={
            name: LendingForm(
                supplied=_text(book.assets[name].amount(pool.supplied)),
                borrowed=_text(book.assets[name].amount(pool.borrowed)),
            )
            for name, pool in market.lending.items()
        }
        or UNSET,
        wide=_wide(market) or UNSET,
        **_by_kind({key: _text(price) for key, price in market.prices.items()}, book),
    )


def _wide(market: Market) -> dict[str, dict[str, Any]]:
    named: dict[str, dict[str, Any]] = {}
    for (name, subject), figure in market.wide.items():
        named.setdefault(name, {})[subject] = _text(figure)
    return named


def _by_kind(values: Mapping[PriceKey, Any], book: Book) -> dict[str, Any]:
    """Values by kind, subject and quote; plain where the subject is an instrument and its own quote the only one."""
    kinds: dict[str, dict[str, Any]] = {}
    for (kind, subject, quote), value in values.items():
        kinds.setdefault(kind.value, {}).setdefault(subject, {})[quote] = value
    for subjects in kinds.values():
        for subject, quotes in subjects.items():
            listed = book.instruments.get(subject)
            if listed is not None and list(quotes) == [listed.quote.name]:
                subjects[subject] = quotes[listed.quote.name]
    return kinds
