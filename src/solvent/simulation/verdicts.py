"""Ring 1's verdict on many pools at one moment: the market is read once, and each pool's holdings apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from solvent.assessment import Assessment
from solvent.book import Book, Market, Purpose
from solvent.engine.engine import Engine
from solvent.margin import assess_pool
from solvent.rules import VenueRules


def books(engine: Engine, pools: Iterable[int]) -> Iterator[tuple[int, Book, Market, VenueRules]]:
    """Each pool's own book, as :meth:`~solvent.engine.engine.Engine.book` gives it, while nothing happens between."""
    first: tuple[Book, Market, VenueRules] | None = None
    for pool in pools:
        if first is None:
            first = engine.book(pool)
            yield pool, *first
        else:
            book, market, rules = first
            yield pool, replace(book, holdings=(engine.holding(pool),)), market, rules


def assessments(engine: Engine, pools: Iterable[int], purpose: Purpose) -> Iterator[tuple[int, Assessment]]:
    """What ring 1 says of each pool at a purpose; one rule set is in force, whatever the pools' rows of it."""
    for pool, book, market, rules in books(engine, pools):
        yield pool, assess_pool(book, market, rules, purpose, f"P{pool}")
