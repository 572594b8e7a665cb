"""What a book ties up under isolated, cross and portfolio margin, and how many real days that would have covered.

The capital of a pool is what of its value may not leave: value less surplus at MAINTAIN, that is the requirement and
what of the collateral does not count. A day is covered when no pool of the book loses more than its own capital.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.book import Book, Holding, Market, Mode, Pool, Purpose
from solvent.instruments import DOLLARS
from solvent.margin import assess_pool
from solvent.margin.greeks import GreeksAccount
from solvent.margin.scenario.joint_account import JointAccount
from solvent.research.history import Daily, history_of
from solvent.research.revalue import day_profits
from solvent.research.validate import Tested, kupiec
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, exact
from solvent.venues import venue

ONE_PERCENT = Decimal("0.01")
SCANNED = "generic_pm"
WAYS = ((Mode.ISOLATED, SCANNED), (Mode.CROSS, SCANNED), (Mode.PORTFOLIO, SCANNED), (Mode.PORTFOLIO, "greeks"))


class Tied(NamedTuple):
    """One book in one mode: the capital it ties up, and the days that covers.

    ``worst`` is the largest loss of a day over all pools together; ``kupiec`` tests the breaches against 1 %.
    """

    mode: Mode
    venue: str
    capital: Decimal
    days: int
    breaches: int
    worst: float
    kupiec: Tested
    history: str

    @property
    def covered(self) -> float:
        """The share of days that are covered."""
        return 1.0 - self.breaches / self.days


@exact
def in_mode(book: Book, mode: Mode) -> Book:
    """A book of one pool as its owner would hold it in a mode.

    In isolated margin every position is a pool of its own under the one that keeps cash and coins; in the others the
    pool stays whole.

    Raises
    ------
    RulesError
        The book has several pools, or legs of one instrument.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> [one.pool.id for one in in_mode(two_positions()[0], Mode.ISOLATED).holdings]
    ['cross', 'cross, ETHUSDT', 'cross, BTCUSDT']

    """
    if len(book.holdings) != 1:
        raise RulesError(f"expected a book of one pool, got {len(book.holdings)}")
    (holding,) = book.holdings
    if mode is not Mode.ISOLATED:
        return replace(book, holdings=(replace(holding, pool=replace(holding.pool, mode=mode)),))
    parent = replace(holding, pool=replace(holding.pool, mode=Mode.CROSS), positions=(), orders=())
    alone = []
    for position in holding.positions:
        name = f"{holding.pool.id}, {position.symbol}"
        pool: Pool = replace(
            holding.pool,
            id=name,
            mode=Mode.ISOLATED,
            parent=holding.pool.id,
            scope=frozenset({position.symbol}),
        )
        alone.append(Holding(pool, {}, (position,)))
    return replace(book, holdings=(parent, *alone))


@exact
def capital_of(book: Book, market: Market, rules: VenueRules, pool: str) -> Decimal:
    """What of a pool's value may not leave: value less surplus at MAINTAIN."""
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, pool)
    return found.value - found.surplus


@exact
def tied(book: Book, market: Market, mode: Mode, name: str = SCANNED, history: Daily | None = None) -> Tied:
    """One book of one pool in one mode under a rule set, against the longest real history of its underlyings.

    Raises
    ------
    RulesError, BookError
        The rule set does not cover the book, or no history has all its underlyings.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> found = tied(*two_positions(), Mode.PORTFOLIO)
    >>> found.history, found.days, found.covered > 0.99
    ('btc-eth-2022', 364, True)

    """
    rules, follows = venue(name), _scan().rules.collateral
    held = in_mode(book, mode)
    told = replace(held, holdings=tuple(replace(h, pool=replace(h.pool, method=rules.method)) for h in held.holdings))
    known = history or history_of(_underlyings(book))
    factors = {asset: known.factors(asset) for asset in known.prices}
    capital, breached, summed = ZERO, np.zeros(known.days - 1, dtype=np.bool_), np.zeros(known.days - 1)
    for holding in told.holdings:
        own = capital_of(told, market, rules, holding.pool.id)
        profits = day_profits(told, market, holding, follows, factors)
        capital += own
        breached |= -profits > float(own)
        summed += profits
    days, breaches = int(breached.size), int(breached.sum())
    return Tied(
        mode, name, capital, days, breaches, -float(summed.min()), kupiec(days, breaches, ONE_PERCENT), known.name
    )


def compared(book: Book, market: Market) -> tuple[Tied, ...]:
    """A book in every mode: isolated, cross and portfolio under the same scenarios, and on its net Greeks."""
    return tuple(tied(book, market, mode, name) for mode, name in WAYS if _fits(book, name))


def _fits(book: Book, name: str) -> bool:
    """Whether a rule set counts every coin the book has: where it does not, its capital would say nothing."""
    rules = venue(name)
    model = rules.models[rules.method]
    counted = model.rules.coins if isinstance(model, GreeksAccount) else _scan().rules.collateral
    return all(coin in counted or coin == holding.pool.numeraire for holding in book.holdings for coin in holding.cash)


def _scan() -> JointAccount:
    found = venue(SCANNED)
    model = found.models[found.method]
    assert isinstance(model, JointAccount)
    return model


def _underlyings(book: Book) -> frozenset[str]:
    collateral = _scan().rules.collateral
    names = {book.instruments[position.symbol].underlying for h in book.holdings for position in h.positions}
    for holding in book.holdings:
        for coin in holding.cash:
            if coin in collateral:
                names |= {leg for leg in collateral[coin].legs if leg not in DOLLARS}
    return frozenset(names)


def rows(found: Sequence[Tied]) -> list[list[str]]:
    """A table's cells: mode, rules, capital, days covered in percent and in number, worst day."""
    return [
        [
            one.mode.value,
            one.venue,
            f"{one.capital:,.0f}",
            f"{100 * one.covered:.2f} %",
            f"{one.breaches} of {one.days}",
            f"{one.worst:,.0f}",
        ]
        for one in found
    ]
