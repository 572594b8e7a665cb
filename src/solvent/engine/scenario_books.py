"""Option portfolios in columns: built from readable holdings or from plain arrays, and changed one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from solvent.book import Book, Holding, curve
from solvent.engine.scenario_judge import Books
from solvent.engine.tables import I64
from solvent.instruments import OptionKind
from solvent.margin.scenario.listing import Held, Listing, held
from solvent.rules import RulesError

SPARE = 4  # places more than a portfolio uses when it moves
LARGEST_FIXED = 1 << 60


def segments_of(listing: Listing) -> I64:
    """Which segment each thing is netted in: its expiry by first appearance; what is no option comes last."""
    names = [curve(one.underlying, one.expiry_ns) for one in listing.options]
    number = {name: k for k, name in enumerate(dict.fromkeys(names))}
    rest = [len(number)] * (listing.size - len(names))
    return np.array([*(number[name] for name in names), *rest], np.int64)


def books_of(listing: Listing, holdings: Iterable[tuple[Book, Holding]]) -> Books:
    """Portfolios of readable holdings, numbered in their order.

    Raises
    ------
    RulesError
        As :func:`~solvent.margin.scenario.listing.held`.

    """
    pools = [held(listing, book, holding) for book, holding in holdings]
    return books_of_held(listing, pools)


def books_of_held(listing: Listing, pools: Sequence[Held]) -> Books:
    """Portfolios given in rows."""
    counts = [len(one.lots) for one in pools]
    things = np.array([thing for one in pools for thing in one.lots], np.int64)
    lots = np.array([count for one in pools for count in one.lots.values()], np.int64)
    fixed = np.array([one.fixed for one in pools], np.int64)
    return from_columns(listing, np.array(counts, np.int64), things, lots, fixed)


def from_columns(listing: Listing, counts: I64, things: I64, lots: I64, fixed: I64) -> Books:
    """Portfolios given as arrays: how many positions each has, all positions in a row, and grains that no price moves.

    Contingent lots are found here; a thing must not come twice in a portfolio.

    Raises
    ------
    RulesError
        A thing is not listed or comes twice, or cash is beyond 2^60 grains.

    """
    if things.size and not (things.min() >= 0 and things.max() < listing.size):
        raise RulesError(f"things must be from 0 to {listing.size - 1}")
    if fixed.size and np.abs(fixed).max() > LARGEST_FIXED:
        raise RulesError(f"grains that no price moves must be within 2^60, not {np.abs(fixed).max()}")
    owner = np.repeat(np.arange(counts.size), counts)
    order = np.lexsort((things, segments_of(listing)[things], owner))
    owner, things, lots = owner[order], things[order], lots[order]
    twice = np.flatnonzero((owner[1:] == owner[:-1]) & (things[1:] == things[:-1]))
    if twice.size:
        raise RulesError(f"portfolio {owner[twice[0]]} holds thing {things[twice[0]]} twice")
    naked, perp = contingent(listing, counts.size, owner, things, lots)
    first = np.cumsum(counts) - counts
    row = (2 * things + (lots < 0)).astype(np.int32)
    used = counts.astype(np.int32)
    size = np.abs(lots)
    return Books(
        first.astype(np.int64), used, used.copy(), fixed.astype(np.int64), naked, perp, row, size, size.astype(float)
    )


def contingent(listing: Listing, pools: int, owner: I64, things: I64, lots: I64) -> tuple[I64, I64]:
    """By portfolio: short options that no long of the other type covers at their strike and expiry; net perpetuals."""
    options = len(listing.options)
    perp = np.zeros(pools, np.int64)
    line = (things >= options) & (things < listing.first_coin)
    np.add.at(perp, owner[line], lots[line])
    naked = np.zeros(pools, np.int64)
    if not options:
        return naked, perp
    places: dict[object, int] = {}
    pair = np.array([places.setdefault((one.strike, one.expiry_ns), len(places)) for one in listing.options])
    call = np.array([one.kind is OptionKind.CALL for one in listing.options])
    own = things < options
    key = owner[own] * len(places) + pair[things[own]]
    keys, at = np.unique(key, return_inverse=True)
    sides = np.zeros((2, keys.size), np.int64)
    np.add.at(sides, (call[things[own]].astype(np.int64), at), lots[own])
    for one, other in ((sides[0], sides[1]), (sides[1], sides[0])):
        np.add.at(naked, keys // len(places), np.where(one < 0, np.maximum(0, -one - np.maximum(0, other)), 0))
    return naked, perp


def largest_size(books: Books) -> int:
    """The most lots that one portfolio holds in all: what a row may be multiplied by."""
    if not books.size.size:
        return 0
    if float(books.size.max()) * float(books.used.max()) < 2.0**62:
        total = np.concatenate([[0], np.cumsum(books.size)])
        held_ = int((total[books.first + books.used] - total[books.first]).max())
        return max(held_, int(books.naked.max()) + int(np.abs(books.perp).max()))
    return 1 << 62


def changed(listing: Listing, books: Books, pool: int, new: Held) -> Books:
    """The same columns with one portfolio replaced, in its place if it fits there, else at the end."""
    one = books_of_held(listing, [new])
    count = int(one.used[0])
    if count > int(books.room[pool]):
        at, room = books.row.size, count + SPARE
        books = books._replace(
            row=np.concatenate([books.row, np.zeros(room, np.int32)]),
            size=np.concatenate([books.size, np.zeros(room, np.int64)]),
            lots=np.concatenate([books.lots, np.zeros(room)]),
        )
        books.first[pool], books.room[pool] = at, room
    start = int(books.first[pool])
    for column, new_one in ((books.row, one.row), (books.size, one.size), (books.lots, one.lots)):
        column[start : start + count] = new_one
        column[start + count : start + int(books.room[pool])] = 0
    books.used[pool], books.fixed[pool] = count, one.fixed[0]
    books.naked[pool], books.perp[pool] = one.naked[0], one.perp[0]
    return books
