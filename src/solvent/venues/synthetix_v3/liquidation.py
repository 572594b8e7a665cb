"""Liquidation on Synthetix V3: everything is seized at once, then positions close within a rolling window.

Source: contracts/modules/LiquidationModule.sol, contracts/storage/PerpsMarket.sol and PerpsAccount.sol of
Synthetixio/synthetix-v3, markets/perps-market.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, Market, Purpose
from solvent.margin.assess import assess_pool
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, exact
from solvent.venues.synthetix_v3.account import model_of
from solvent.venues.synthetix_v3.requirement import PerpFacts


class Liquidated(NamedTuple):
    """What was liquidated at a time (seconds), in the underlying."""

    timestamp: int
    amount: Decimal


class Step(NamedTuple):
    """The most a window holds (zero: no limit), and how much of a request is liquidated now."""

    in_window: Decimal
    amount: Decimal


class Seizure(NamedTuple):
    """A flagged account: the book after it, what was taken in units by asset, the debt wiped, and the keeper's reward.

    Its positions are still open, with nothing behind them: the liquidity pool bears what they lose from now on.
    """

    book: Book
    taken: Mapping[str, int]
    debt_wiped: int
    reward: Decimal


@exact
def liquidation_step(
    facts: PerpFacts,
    skew: Decimal,
    history: Sequence[Liquidated],
    now: int,
    requested: Decimal,
    *,
    endorsed: bool = False,
) -> Step:
    """How much of a position may be liquidated now.

    Amounts of the last window count (those later than now − window). Once it is used up, another full window is
    allowed while the premium |skew| ÷ scale is below the market's limit, but not in the block of the last liquidation.
    An endorsed liquidator has no limit, and neither has a market whose window is zero.

    >>> facts = PerpFacts(*map(Decimal, ("1000", "0", "0", "0", "0", "0", "0.007", "0.003", "1", "10", "0")))
    >>> liquidation_step(facts, Decimal(300), (), 1000, Decimal(150)).amount.normalize()
    Decimal('1E+2')
    """
    most = facts.window_amount
    if endorsed or most == 0:
        return Step(most, requested)
    used = sum((one.amount for one in history if one.timestamp > now - facts.window_seconds), ZERO)
    room = max(ZERO, most - used)
    if room > 0:
        return Step(most, min(room, requested))
    latest = max((one.timestamp for one in history), default=None)
    calm = abs(skew) < facts.max_premium * facts.skew_scale
    if facts.max_premium > 0 and latest != now and calm:
        return Step(most, min(most, requested))
    return Step(most, ZERO)


@exact
def flagged(book: Book, market: Market, rules: VenueRules, pool: str) -> Seizure:
    """Flag a pool that may be liquidated: its collateral is taken, its debt wiped, its orders cancelled.

    Raises
    ------
    RulesError
        The pool is not liquidatable.

    """
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, pool)
    if not found.breached(inclusive=rules.breach_inclusive):
        raise RulesError(f"pool {pool} is not liquidatable: surplus {found.surplus.normalize():f} {found.numeraire}")
    holding = book.holding(pool)
    taken = {name: units for name, units in holding.cash.items() if units > 0}
    owed = -min(0, holding.cash.get(holding.pool.numeraire, 0))
    reward = model_of(rules).reward(book, market, holding, found.lines)
    after = replace(holding, cash=dict.fromkeys(holding.cash, 0), orders=())
    return Seizure(book.with_holding(after), taken, owed, reward)
