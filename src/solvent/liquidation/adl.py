"""Auto-deleveraging: winners on the other side, ranked by the rule set, give up lots at the bankruptcy price.

Ranks are fractions compared by cross-multiplication; equals in order of pool and leg. A candidate holds the opposite
side with profit at the mark. It takes min(budget, capacity): its capacity is its lots when the price still pays it a
profit and its margin equity ÷ requirement does not get worse, else nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cmp_to_key
from typing import NamedTuple

from solvent import ledger
from solvent.assessment import Assessment
from solvent.book import Book, Leg, Market, PriceKind, Purpose
from solvent.liquidation.closing import Closing, Standing
from solvent.liquidation.legs import HeldLeg, held_legs
from solvent.margin.assess import assess_holding
from solvent.rules import AdlRank, VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact


@dataclass(frozen=True, slots=True)
class Candidate:
    """A winner's leg: signed lots, and its figures in the pool's numeraire at mark.

    ``profit`` and ``notional`` are the leg's, ``entry`` its absolute cost; ``value``, ``unrealised`` and ``required``
    (at MAINTAIN) the pool's.
    """

    pool: str
    leg: Leg
    lots: int
    profit: Decimal
    notional: Decimal
    entry: Decimal
    value: Decimal
    unrealised: Decimal
    required: Decimal


class Deleveraged(NamedTuple):
    """Lots (absolute) one winner gives up."""

    pool: str
    leg: Leg
    lots: int


@dataclass(frozen=True, slots=True)
class Deleveraging:
    """Who gave up how many lots, in order of rank, and how many found nobody."""

    taken: tuple[Deleveraged, ...]
    left_lots: int


@exact
def score(one: Candidate, rank: AdlRank) -> tuple[Decimal, Decimal]:
    """The rank as numerator and positive denominator; higher is deleveraged first.

    PROFIT_TIMES_LEVERAGE: profit ÷ entry × notional ÷ value. PROFIT_TIMES_MARGIN_RATIO: profit ÷ max(1, wallet) ×
    requirement ÷ value, the wallet being value without unrealised profit. A pool without value scores zero.

    Examples
    --------
    >>> d = Decimal
    >>> one = Candidate("w", Leg.NET, 1, d(10_000), d(60_000), d(50_000), d(30_000), d(10_000), d(300))
    >>> score(one, AdlRank.PROFIT_TIMES_MARGIN_RATIO)
    (Decimal('3000000'), Decimal('600000000'))

    """
    if one.value <= 0 or one.profit <= 0:
        return ZERO, ONE
    if rank is AdlRank.PROFIT_TIMES_LEVERAGE:
        return one.profit * one.notional, max(ONE, one.entry) * one.value
    return one.profit * one.required, max(ONE, one.value - one.unrealised) * one.value


class Ranking(NamedTuple):
    """A winner's rank as venues print it: profit share, effective leverage, and their product."""

    profit_share: Decimal
    leverage: Decimal
    product: Decimal


@exact
def ranking(gain: Decimal, paid: Decimal, exposure: Decimal, backing: Decimal, places: int) -> Ranking:
    """Profit share ``gain ÷ paid`` times leverage ``exposure ÷ backing``, both cut down at ``places`` decimals.

    The printed form of :func:`score`, for venues that show both factors; without backing there is no leverage: zero.

    >>> ranking(Decimal(20), Decimal(100), Decimal(120), Decimal(60), places=2)
    Ranking(profit_share=Decimal('0.20'), leverage=Decimal('2.00'), product=Decimal('0.4000'))
    """
    share = divide(gain, paid, places, Rounding.DOWN)
    leverage = divide(exposure, backing, places, Rounding.DOWN) if backing else ZERO
    return Ranking(share, leverage, share * leverage)


@exact
def fund_fell(change: Decimal, highest: Decimal, limit: Decimal) -> bool:
    """Whether a fund's change from its highest is a fall by ``limit`` of it (below zero) or more: ADL starts.

    >>> fund_fell(Decimal(-30), Decimal(100), Decimal("-0.3")), fund_fell(Decimal(-29), Decimal(100), Decimal("-0.3"))
    (True, False)
    """
    return change <= limit * highest


@exact
def ranked(candidates: Iterable[Candidate], rank: AdlRank) -> tuple[Candidate, ...]:
    """Candidates in the order they are deleveraged: highest rank first, equals by pool and leg."""
    scored = [(score(one, rank), one) for one in candidates]
    ordered = sorted(scored, key=cmp_to_key(_compared))
    return tuple(one for _, one in ordered)


def _compared(left: tuple[tuple[Decimal, Decimal], Candidate], right: tuple[tuple[Decimal, Decimal], Candidate]) -> int:
    (top, bottom), one = left
    (other_top, other_bottom), other = right
    ahead, behind = top * other_bottom, other_top * bottom
    if ahead != behind:
        return -1 if ahead > behind else 1
    mine, theirs = (one.pool, one.leg.value), (other.pool, other.leg.value)
    return (mine > theirs) - (mine < theirs)


@exact
def candidates(book: Book, market: Market, rules: VenueRules, symbol: str, losing_lots: int) -> tuple[Candidate, ...]:
    """Every leg of the book opposite to ``losing_lots`` of ``symbol`` with profit at the mark, in order of pool."""
    found = []
    for holding in book.holdings:
        legs = held_legs(book, market, holding.pool.id)
        if not any(_opposite(leg, symbol, losing_lots) for leg in legs):
            continue
        whole = assess_holding(book, market, rules, Purpose.MAINTAIN, holding)
        rates = [_rate(market, leg, holding.pool.numeraire) for leg in legs]
        unrealised = sum(
            (leg.contract.settle.amount(leg.profit) * rate for leg, rate in zip(legs, rates, strict=True)), ZERO
        )
        for leg, rate in zip(legs, rates, strict=True):
            if _opposite(leg, symbol, losing_lots):
                found.append(_candidate(whole, leg, rate, unrealised))
    return tuple(sorted(found, key=lambda one: (one.pool, one.leg.value)))


def _opposite(leg: HeldLeg, symbol: str, losing_lots: int) -> bool:
    return leg.position.symbol == symbol and leg.position.lots * losing_lots < 0 and leg.profit > 0


def _candidate(whole: Assessment, leg: HeldLeg, rate: Decimal, unrealised: Decimal) -> Candidate:
    settle = leg.contract.settle
    return Candidate(
        whole.pool,
        leg.position.leg,
        leg.position.lots,
        settle.amount(leg.profit) * rate,
        settle.amount(leg.notional) * rate,
        settle.amount(abs(leg.position.cost)) * rate,
        whole.value,
        unrealised,
        whole.required,
    )


def _rate(market: Market, leg: HeldLeg, numeraire: str) -> Decimal:
    settle = leg.contract.settle.name
    return ONE if settle == numeraire else market.price(PriceKind.INDEX, settle, numeraire)


@exact
def deleverage(
    book: Book, market: Market, rules: VenueRules, symbol: str, losing_lots: int, ticks: int
) -> Deleveraging:
    """Who takes the other side of closing ``losing_lots`` (signed, as held by the loser) at ``ticks``.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> deleverage(*two_positions(), venue("binance_usdm_2021"), "ETHUSDT", 1_000, 133_518)
    Deleveraging(taken=(), left_lots=1000)

    """
    budget = abs(losing_lots)
    taken: list[Deleveraged] = []
    for one in ranked(candidates(book, market, rules, symbol, losing_lots), rules.losses.adl_rank):
        if budget == 0:
            break
        lots = capacity(book, market, rules, symbol, one, min(budget, abs(one.lots)), ticks)
        if lots:
            taken.append(Deleveraged(one.pool, one.leg, lots))
            budget -= lots
    return Deleveraging(tuple(taken), budget)


def capacity(
    book: Book, market: Market, rules: VenueRules, symbol: str, one: Candidate, most_lots: int, ticks: int
) -> int:
    """How many of ``most_lots`` a winner can give up at ``ticks``: all of them, or none (inside the exact context).

    None where the close itself would lose, or where the pool's margin equity ÷ requirement would fall.
    """
    holding = book.holding(one.pool)
    legs = held_legs(book, market, one.pool)
    leg = next(leg for leg in legs if (leg.position.symbol, leg.position.leg) == (symbol, one.leg))
    fill = most_lots if one.lots < 0 else -most_lots
    fill_cost = leg.contract.worth(fill, ticks)
    cost = ledger.cost_after(leg.position.lots, leg.position.cost, fill, fill_cost)
    if ledger.realised(leg.position.cost, fill_cost, cost) < 0:
        return 0
    before = assess_holding(book, market, rules, Purpose.MAINTAIN, holding)
    closing = Closing(Standing.of(book, market, rules, holding), leg)
    after = assess_holding(book, market, rules, Purpose.MAINTAIN, closing.holding_after(most_lots, ticks, 0))
    worse = after.margin_equity * before.required < before.margin_equity * after.required
    worse = worse or (after.required == 0 and after.margin_equity < 0)
    return 0 if worse else most_lots
