"""One portfolio under every venue that covers it: the same lots, costs, cash and prices, each venue's own rules.

A book is told in a venue's words before it is judged: the dollar it is counted in becomes the venue's dollar at par,
pools take the venue's method, and a kind of price the venue asks for and the book does not have is taken from the mark
(of an instrument) or the index (of an asset). Nothing else changes; what a venue does not cover it refuses by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from solvent import venues
from solvent.assessment import Assessment
from solvent.book import Book, BookError, Holding, Market, PriceKey, PriceKind, Purpose
from solvent.instruments import DOLLARS, Instrument, Spot
from solvent.margin import Explanation, Solution, UnsolvableError, account
from solvent.margin.assess import assess_holding
from solvent.rules import Path, RulesError, VenueRules
from solvent.units import ONE, Asset, Rounding, UnitsError, divide, exact

REFUSALS = (BookError, RulesError, UnitsError, UnsolvableError)
OF_ASSETS = (PriceKind.INDEX, PriceKind.SLOW)


@dataclass(frozen=True, slots=True)
class Row:
    """One pool under one venue: what it is worth and needs at MAINTAIN, what is free at ADMIT, where it ends.

    ``prices`` are the liquidation prices by instrument; every figure is in ``numeraire``, the venue's dollar.
    """

    venue: str
    title: str
    pool: str
    numeraire: str
    explanation: Explanation
    free: Decimal
    prices: Mapping[str, Solution]

    @property
    def found(self) -> Assessment:
        """The assessment at MAINTAIN."""
        return self.explanation.assessment

    @property
    @exact
    def used(self) -> Decimal | None:
        """Requirement ÷ margin equity at MAINTAIN, the same for every venue; None without equity."""
        found = self.found
        return divide(found.required, found.margin_equity, 8, Rounding.UP) if found.margin_equity > 0 else None


class Refused(NamedTuple):
    """A venue that does not cover the portfolio, and why."""

    venue: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows, the least used first, and the venues that do not cover the portfolio."""

    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]


@exact
def compare(book: Book, market: Market, names: Iterable[str] | None = None, along: Path | None = None) -> Comparison:
    """The pools of a book under each rule set of ``names`` (all there are).

    Liquidation prices are along the path ``along``, or each venue's own.

    Raises
    ------
    RulesError
        A name is no rule set.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> found = compare(*two_positions(), ["binance_usdm_2021", "generic"])
    >>> [(row.venue, str(row.prices["ETHUSDT"].displayed)) for row in found.rows]
    [('generic', '1072.86'), ('binance_usdm_2021', '1153.26')]

    """
    rows: list[Row] = []
    refused: list[Refused] = []
    for name in names if names is not None else venues.names():
        rules = venues.venue(name)
        try:
            told, prices = as_at(book, market, name)
            rows.extend(_row(told, prices, rules, holding, along) for holding in told.holdings)
        except REFUSALS as why:
            refused.append(Refused(name, str(why)))
    rows.sort(key=lambda row: (row.used is None, row.used or 0, row.venue, row.pool))
    return Comparison(tuple(rows), tuple(refused))


def _row(book: Book, market: Market, rules: VenueRules, holding: Holding, along: Path | None) -> Row:
    pool = holding.pool
    explained, prices = account(book, market, rules, pool.id, along)
    admit = assess_holding(book, market, rules, Purpose.ADMIT, holding)
    return Row(rules.name, rules.title, pool.id, pool.numeraire, explained, admit.surplus, prices)


@exact
def as_at(book: Book, market: Market, name: str) -> tuple[Book, Market]:
    """The same portfolio in the words of a venue.

    Raises
    ------
    RulesError
        The venue does not offer a pool's mode or legs, or is judged in something that is no dollar.

    """
    rules, dollar = venues.venue(name), venues.numeraire(name)
    _covered(book, rules)
    own = {holding.pool.numeraire for holding in book.holdings}
    if own != {dollar} and not own | {dollar} <= DOLLARS:
        raise RulesError(f"{name} judges pools in {dollar}, this book in {', '.join(sorted(own))}")
    renamed = dict.fromkeys(own - {dollar}, dollar)
    assets = _assets(book, renamed)
    instruments = {symbol: _instrument(listed, assets, renamed) for symbol, listed in book.instruments.items()}
    holdings = tuple(_holding(book, one, rules, assets, renamed) for one in book.holdings)
    told = Book(assets, instruments, holdings)
    return told, _market(told, market, rules, renamed)


def _covered(book: Book, rules: VenueRules) -> None:
    able = rules.capabilities
    for holding in book.holdings:
        pool = holding.pool
        if pool.mode not in able.modes:
            raise RulesError(f"{rules.name} has no {pool.mode.value} margin (pool {pool.id})")
        if pool.legs not in able.legs and holding.positions:
            raise RulesError(f"{rules.name} does not hold legs as {pool.legs.value} (pool {pool.id})")
        for position in holding.positions:
            kind = type(book.instruments[position.symbol]).__name__.lower()
            if kind not in able.instruments:
                raise RulesError(f"{rules.name} does not cover a {kind} ({position.symbol})")


def _assets(book: Book, renamed: Mapping[str, str]) -> dict[str, Asset]:
    """The assets under their new names; where two become one, the finer scale stays."""
    found: dict[str, Asset] = {}
    for name, asset in book.assets.items():
        new = renamed.get(name, name)
        known = found.get(new)
        if known is None or known.scale < asset.scale:
            found[new] = asset if new == name else Asset(new, asset.scale, asset.native_scale)
    return found


def _instrument(listed: Instrument, assets: Mapping[str, Asset], renamed: Mapping[str, str]) -> Instrument:
    def told(asset: Asset) -> Asset:
        return assets[renamed.get(asset.name, asset.name)]

    if isinstance(listed, Spot):
        return replace(listed, quote=told(listed.quote), settle=told(listed.settle), base=told(listed.base))
    return replace(listed, quote=told(listed.quote), settle=told(listed.settle))


def _holding(
    book: Book, holding: Holding, rules: VenueRules, assets: Mapping[str, Asset], renamed: Mapping[str, str]
) -> Holding:
    """Cash and costs in the units of the renamed assets (a coarser one may have become finer)."""
    cash: dict[str, int] = {}
    for name, units in holding.cash.items():
        new = renamed.get(name, name)
        cash[new] = cash.get(new, 0) + units * _finer(book.assets[name], assets[new])
    positions = []
    for position in holding.positions:
        settle = book.instruments[position.symbol].settle
        times = _finer(settle, assets[renamed.get(settle.name, settle.name)])
        positions.append(replace(position, cost=position.cost * times, funding_index=position.funding_index * times))
    numeraire = renamed.get(holding.pool.numeraire, holding.pool.numeraire)
    pool = replace(holding.pool, numeraire=numeraire, method=rules.method, account_class=_class(holding, rules))
    return replace(holding, pool=pool, cash=cash, positions=tuple(positions))


def _class(holding: Holding, rules: VenueRules) -> str:
    """The pool's account class where the venue has it, else the one with the most leverage."""
    own, classes = holding.pool.account_class, rules.modes[holding.pool.mode].max_leverage
    return own if own in classes or not classes else max(sorted(classes), key=lambda one: classes[one])


def _finer(old: Asset, new: Asset) -> int:
    return int(10 ** (new.scale - old.scale))


def _market(book: Book, market: Market, rules: VenueRules, renamed: Mapping[str, str]) -> Market:
    """Prices in the renamed quotes, and those the venue asks for beside them."""
    prices = {
        PriceKey(key.kind, renamed.get(key.subject, key.subject), renamed.get(key.quote, key.quote)): price
        for key, price in market.prices.items()
    }
    policies = (*rules.prices.positions.values(), *rules.prices.collateral.values())
    asked = {kind for kinds in policies for kind in kinds}
    for symbol, listed in book.instruments.items():
        mark = prices.get(PriceKey(PriceKind.MARK, symbol, listed.quote.name))
        if mark is None:
            continue
        for kind in asked:
            prices.setdefault(PriceKey(kind, symbol, listed.quote.name), mark)
            if kind in OF_ASSETS:
                prices.setdefault(PriceKey(PriceKind.INDEX, listed.underlying, listed.quote.name), mark)
    for (kind, subject, quote), price in list(prices.items()):
        if kind is PriceKind.INDEX and PriceKind.SLOW in asked:
            prices.setdefault(PriceKey(PriceKind.SLOW, subject, quote), price)
    for holding in book.holdings:
        for name in holding.cash:
            if name in DOLLARS:
                prices.setdefault(PriceKey(PriceKind.INDEX, name, holding.pool.numeraire), ONE)
    return replace(market, prices=prices)
