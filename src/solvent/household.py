"""Several books of one person: net exposure over venues, and collateral that only one venue can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent import venues
from solvent.book import Book, Holding, Market, PriceKind, Purpose
from solvent.instruments import Payoff, Perpetual
from solvent.margin import assess
from solvent.units import ZERO, Rounding, divide, exact


class Exposure(NamedTuple):
    """Signed amount of one coin: by contracts, by balances, and their sum; ``gross`` counts every venue apart."""

    contracts: Decimal
    balances: Decimal
    gross: Decimal

    @property
    @exact
    def net(self) -> Decimal:
        """Contracts and balances together: what a move of the coin is felt on."""
        return self.contracts + self.balances


class Venue(NamedTuple):
    """One venue of the household: its collateral, what of it is free, and what it would take to be called."""

    venue: str
    numeraire: str
    value: Decimal
    required: Decimal
    free: Decimal


@dataclass(frozen=True, slots=True)
class Household:
    """Books of one person by the rule set each is judged by, and the market of each.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> book, market = two_positions()
    >>> home = Household({"generic": (book, market), "binance_usdm_2021": (book, market)})
    >>> str(home.exposures()["BTC"].net), [one.venue for one in home.venues()]
    ('218.976', ['binance_usdm_2021', 'generic'])

    """

    books: Mapping[str, tuple[Book, Market]]

    @exact
    def exposures(self) -> dict[str, Exposure]:
        """Signed amounts by coin over all venues; dollars a contract settles in are no exposure of their own."""
        found: dict[str, Exposure] = {}
        for book, market in self.books.values():
            for holding in book.holdings:
                for coin, contracts, balances in _parts(book, market, holding):
                    was = found.get(coin, Exposure(ZERO, ZERO, ZERO))
                    amount = contracts + balances
                    found[coin] = Exposure(was.contracts + contracts, was.balances + balances, was.gross + abs(amount))
        return dict(sorted(found.items()))

    @exact
    def venues(self) -> list[Venue]:
        """What each venue holds and needs. Free collateral of one venue is trapped there: no other can count it."""
        rows = []
        for name in sorted(self.books):
            book, market = self.books[name]
            rules = venues.venue(name)
            maintain = assess(book, market, rules, Purpose.MAINTAIN)
            withdraw = assess(book, market, rules, Purpose.WITHDRAW)
            value = sum((one.value for one in maintain.values()), ZERO)
            required = sum((one.required for one in maintain.values()), ZERO)
            free = sum((max(ZERO, one.surplus) for one in withdraw.values()), ZERO)
            rows.append(Venue(name, venues.numeraire(name), value, required, free))
        return rows


def _parts(book: Book, market: Market, holding: Holding) -> list[tuple[str, Decimal, Decimal]]:
    """(coin, by contracts, by balances) of one pool; an inverse contract's are its size ÷ mark."""
    found = [(name, ZERO, book.assets[name].amount(units)) for name, units in holding.cash.items() if units]
    for position in holding.positions:
        listed = book.instruments[position.symbol]
        if not isinstance(listed, Perpetual):
            continue
        size = listed.size(position.lots) * listed.contract_size
        if listed.payoff is Payoff.INVERSE:
            mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
            size = divide(size, mark, listed.settle.scale, Rounding.DOWN)
        found.append((listed.underlying, size, ZERO))
    return found
