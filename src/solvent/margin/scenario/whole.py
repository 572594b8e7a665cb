"""A whole pool taken apart, whatever it holds: linear contracts, options, coins and structured products.

Options are worth their model price where the market has a volatility or a smile for them
(:mod:`solvent.margin.scenario.reading`), else their mark, which then implies the volatility. A position gains what it
is worth less its cost and the funding it has paid; a premium is such a cost, and leaves the cash alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent import ledger
from solvent.assessment import Line
from solvent.book import Book, BookError, Holding, Leg, Market, Position, PriceKey, PriceKind, curve
from solvent.instruments import Exercise, Instrument, Option, OptionKind, Payoff, Perpetual, Structured
from solvent.margin.declared import instrument_of
from solvent.margin.scenario.errors import value_errors
from solvent.margin.scenario.money import figure
from solvent.margin.scenario.reading import CoinHeld, OptionHeld, Underlying, cash_of, coins_of, columns
from solvent.margin.scenario.series import F64, YEAR_SECONDS, Expiries, Series
from solvent.pricing import implied_volatility
from solvent.pricing.black import spread_price
from solvent.rules import RulesError
from solvent.units import ZERO

NANO = 1_000_000_000


class Entry(NamedTuple):
    """One position: signed size (× contract size), price of one, what it has gained, and the error of the price."""

    symbol: str
    leg: Leg
    size: Decimal
    price: Decimal
    gain: Decimal
    error: float = 0.0


class Options(NamedTuple):
    """The options of one underlying: entries, and the same in columns."""

    entries: tuple[Entry, ...]
    series: Series
    expiries: Expiries


class Group(NamedTuple):
    """Everything on one underlying, whose price is ``spot``."""

    name: str
    spot: Decimal
    contracts: tuple[Entry, ...]
    options: Options


class Whole(NamedTuple):
    """A pool: cash in the numeraire, coins, groups in order of their name, structured products."""

    cash: Decimal
    coins: tuple[CoinHeld, ...]
    groups: tuple[Group, ...]
    structured: tuple[tuple[Entry, Structured], ...]

    @property
    def entries(self) -> Iterator[Entry]:
        """Every position."""
        for group in self.groups:
            yield from (*group.contracts, *group.options.entries)
        yield from (entry for entry, _ in self.structured)


def whole_pool(book: Book, market: Market, holding: Holding, venue: str) -> Whole:
    """A pool taken apart (inside the exact context).

    Raises
    ------
    BookError
        A price, asset or instrument is missing, or an option has expired; the message names it.
    RulesError
        An instrument is not linear, not European, or does not settle in the numeraire.

    """
    own = holding.pool.numeraire
    listed = [(position, instrument_of(book, position.symbol)) for position in holding.positions]
    for _, one in listed:
        _covered(one, own, venue)
    names = sorted({one.underlying for _, one in listed if not isinstance(one, Structured)})
    structured = tuple((_entry(market, one, position), one) for position, one in listed if isinstance(one, Structured))
    groups = tuple(_group(market, name, [pair for pair in listed if pair[1].underlying == name], own) for name in names)
    return Whole(cash_of(book, market, holding, own), coins_of(book, market, holding), groups, structured)


def _covered(listed: Instrument, numeraire: str, venue: str) -> None:
    if not isinstance(listed, Perpetual | Option | Structured):
        raise RulesError(f"{venue} does not cover a position in {type(listed).__name__.lower()} ({listed.symbol})")
    payoff = Payoff.LINEAR if isinstance(listed, Structured) else listed.payoff
    if payoff is not Payoff.LINEAR or listed.settle.name != numeraire:
        raise RulesError(f"{venue} covers linear contracts settled in {numeraire}, not {listed.symbol}")
    if isinstance(listed, Option) and listed.exercise is not Exercise.EUROPEAN:
        raise RulesError(f"{venue} covers European options, not {listed.symbol}")


def _entry(market: Market, listed: Perpetual | Structured, position: Position) -> Entry:
    price = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
    due = ledger.funding_due(position.lots, market.funding.get(listed.symbol, 0), position.funding_index)
    worth = listed.worth(position.lots, listed.ticks(price, f"mark of {listed.symbol}"))
    unit = listed.contract_size if isinstance(listed, Perpetual) else 1
    gain = listed.settle.amount(worth - position.cost - due)
    return Entry(position.symbol, position.leg, listed.size(position.lots) * unit, price, gain)


def _group(market: Market, name: str, listed: list[tuple[Position, Instrument]], own: str) -> Group:
    contracts = tuple(_entry(market, one, held) for held, one in listed if isinstance(one, Perpetual))
    given = market.prices.get(PriceKey(PriceKind.INDEX, name, own))
    spot = given if given is not None else contracts[0].price if contracts else None
    if spot is None:
        raise BookError(f"market.index.{name}: no index of {name} in {own}")
    options = [(held, one) for held, one in listed if isinstance(one, Option)]
    return Group(name, spot, contracts, _options(market, name, spot, options, own))


def _options(market: Market, name: str, spot: Decimal, listed: list[tuple[Position, Option]], own: str) -> Options:
    """The options in columns; where the market has no volatility for one, its mark implies it and is its price."""
    marked: dict[str, Decimal] = {}
    for _, one in listed:
        expiry = curve(name, one.expiry_ns)
        known = PriceKey(PriceKind.VOL, one.symbol, one.quote.name) in market.prices or ("svi_a", expiry) in market.wide
        if one.expiry_ns <= market.time_ns:
            raise BookError(f"{one.symbol}: expired; expected an option with time to run")
        if not known:
            marked[one.symbol] = market.price(PriceKind.MARK, one.symbol, one.quote.name)
            implied = _implied(market, one, marked[one.symbol], spot, own)
            market = market.with_prices({PriceKey(PriceKind.VOL, one.symbol, one.quote.name): implied})
    held = tuple(
        OptionHeld(one, one.size(position.lots) * one.contract_size, curve(name, one.expiry_ns))
        for position, one in listed
    )
    series, expiries, _ = columns(market, Underlying(name, spot, held, ()), own)
    prices = unit_prices(series, expiries)
    errors = value_errors(series, np.ones(len(held)), 1.0)
    entries = []
    for k, ((position, one), option) in enumerate(zip(listed, held, strict=True)):
        price = marked.get(one.symbol)
        error = 0.0 if price is not None else float(errors[k])
        price = figure(float(prices[k])) if price is None else price
        gain = option.size * price - one.settle.amount(position.cost)
        entries.append(Entry(one.symbol, position.leg, option.size, price, gain, error))
    return Options(tuple(entries), series, expiries)


def unit_prices(series: Series, expiries: Expiries) -> F64:
    """The discounted price of one option of each series."""
    spread = series.volatility * np.sqrt(expiries.years[series.expiry])
    return spread_price(series.forward, series.strike, spread, series.is_call) * expiries.discount[series.expiry]


def _implied(market: Market, listed: Option, mark: Decimal, spot: Decimal, own: str) -> Decimal:
    expiry = curve(listed.underlying, listed.expiry_ns)
    forward = float(market.prices.get(PriceKey(PriceKind.FORWARD, expiry, own), spot))
    forward += float(market.figure("settled_forward", expiry, ZERO))
    years = (listed.expiry_ns - market.time_ns) / NANO / YEAR_SECONDS
    discount = math.exp(-max(0.0, float(market.figure("rate", expiry, ZERO))) * years)
    is_call = listed.kind is OptionKind.CALL
    found = float(implied_volatility(float(mark), forward, float(listed.strike), years, is_call, discount))
    if math.isnan(found):
        raise BookError(f"market.mark.{listed.symbol}: got {mark}, expected a price that some volatility gives")
    return figure(found)


def value_lines(whole: Whole, counts: Callable[[str], bool], numeraire: str) -> Iterator[Line]:
    """What the pool is worth: cash, coins (those that do not count are worth no margin), gains of positions."""
    yield Line("cash", numeraire, Leg.NET, whole.cash, whole.cash)
    for coin in whole.coins:
        worth = coin.amount * coin.price
        yield Line("collateral", coin.name, Leg.NET, worth, worth if counts(coin.name) else ZERO)
    for entry in whole.entries:
        yield Line("position", entry.symbol, entry.leg, entry.gain, entry.gain)


def value_error(whole: Whole) -> float:
    """A bound of the error of all prices that are a model's."""
    return sum((abs(float(entry.size)) * entry.error for entry in whole.entries), 0.0)
