"""The contract legs of a pool at their marks: what plans, bankruptcy prices and ADL look at."""

from __future__ import annotations

from typing import NamedTuple

from solvent.book import Book, BookError, Market, Position, PriceKind
from solvent.instruments import Perpetual
from solvent.ledger import funding_due


class HeldLeg(NamedTuple):
    """A position with its contract, mark in ticks, and profit and notional in settle units at that mark."""

    position: Position
    contract: Perpetual
    ticks: int
    profit: int
    notional: int


def contract_of(book: Book, symbol: str) -> Perpetual:
    """A contract of the book; :class:`BookError` when it is not one."""
    found = book.instruments.get(symbol)
    if not isinstance(found, Perpetual):
        msg = f"instruments: {symbol!r} is not a perpetual or future of this book"
        raise BookError(msg)
    return found


def mark_ticks(market: Market, contract: Perpetual) -> int:
    """The contract's mark in ticks."""
    return contract.ticks(market.price(PriceKind.MARK, contract.symbol, contract.quote.name), "mark")


def held_legs(book: Book, market: Market, pool: str) -> tuple[HeldLeg, ...]:
    """A pool's legs with lots, in order of symbol and leg; funding is paid inside the profit.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> [leg.profit for leg in held_legs(*two_positions(), "cross")]
    [-5635456848000, -44819288514000]

    """
    found = []
    for position in book.holding(pool).positions:
        if position.lots == 0:
            continue
        contract = contract_of(book, position.symbol)
        ticks = mark_ticks(market, contract)
        due = funding_due(position.lots, market.funding.get(position.symbol, 0), position.funding_index)
        profit = contract.worth(position.lots, ticks) - position.cost - due
        found.append(HeldLeg(position, contract, ticks, profit, contract.notional(position.lots, ticks)))
    return tuple(sorted(found, key=lambda leg: (leg.position.symbol, leg.position.leg.value)))
