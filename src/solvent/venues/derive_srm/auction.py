"""The Dutch auction that liquidates an account: a share of it is sold at a discount that grows with time.

Everything is net margins and mark to market, in the numeraire. Source: derivexyz/v2-core,
src/liquidation/DutchAuction.sol: start (line 152), fee (596), largest share (618), discount (640), buffer margin (674),
price (689), insolvent price (713).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, Holding, Market, Purpose
from solvent.margin.assess import assess_pool
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact, shifted

PLACES = 18


class AuctionTerms(NamedTuple):
    """Discounts at the start and at the cutoff, lengths in seconds, the fee and the buffer as shares."""

    start: Decimal
    cutoff: Decimal
    fast_seconds: Decimal
    slow_seconds: Decimal
    insolvent_seconds: Decimal
    fee: Decimal
    buffer: Decimal


@exact
def share_of_value(terms: AuctionTerms, elapsed: Decimal) -> Decimal:
    """The share of the value a bidder pays after ``elapsed`` seconds: fast to the cutoff, then slowly to nothing.

    >>> terms = AuctionTerms(*(Decimal(x) for x in ("1", "0.8", "600", "7200", "600", "0", "0.1")))
    >>> [float(share_of_value(terms, Decimal(s))) for s in (0, 300, 600, 4200, 9000)]
    [1.0, 0.9, 0.8, 0.4, 0.0]
    """
    if elapsed < terms.fast_seconds:
        fall = divide((terms.start - terms.cutoff) * elapsed, terms.fast_seconds, PLACES, Rounding.UP)
        return terms.start - fall
    gone = elapsed - terms.fast_seconds
    if gone >= terms.slow_seconds:
        return ZERO
    return terms.cutoff - divide(terms.cutoff * gone, terms.slow_seconds, PLACES, Rounding.UP)


@exact
def buffer_margin(maintenance: Decimal, value: Decimal, buffer: Decimal) -> Decimal:
    """The net margin an auction restores: maintenance, and a share of the requirement on top.

    >>> str(buffer_margin(Decimal("-21.75"), Decimal(30), Decimal("0.05")))
    '-24.3375'
    """
    return maintenance + (maintenance - value) * buffer


@exact
def largest_share(
    terms: AuctionTerms, value: Decimal, maintenance: Decimal, reserved: Decimal, paid: Decimal
) -> Decimal:
    """The most of an account that may be sold when ``paid`` is the share of the value a bidder pays.

    After selling it the buffer margin is zero. ``reserved`` is cash that earlier bidders paid and no later one gets.

    >>> terms = AuctionTerms(*(Decimal(x) for x in ("1", "0.8", "600", "7200", "600", "0", "0.1")))
    >>> round(float(largest_share(terms, Decimal(300), Decimal(-100), ZERO, ONE)), 4)
    0.3182
    """
    short = min(ZERO, buffer_margin(maintenance, value, terms.buffer))
    if not short:
        return ZERO
    below = short - value * paid - reserved * (ONE - paid)
    return min(ONE, divide(-short, -below, PLACES, Rounding.UP)) if below < 0 else ONE


@exact
def price(value: Decimal, reserved: Decimal, paid: Decimal) -> Decimal:
    """What the whole account costs a bidder.

    >>> str(price(Decimal(300), ZERO, Decimal("0.9")))
    '270.0'
    """
    return (value - reserved) * paid


@exact
def insolvent_price(terms: AuctionTerms, value: Decimal, maintenance: Decimal, elapsed: Decimal) -> Decimal:
    """What the whole of an insolvent account costs (negative: what the security module pays a bidder to take it).

    From the value, where that is below zero, in a straight line to the maintenance margin.

    >>> terms = AuctionTerms(*(Decimal(x) for x in ("1", "0.8", "600", "7200", "600", "0", "0.1")))
    >>> float(insolvent_price(terms, Decimal(-100), Decimal(-300), Decimal(12)))
    -104.0
    """
    first = min(ZERO, value)
    gone = min(elapsed, terms.insolvent_seconds)
    return first - divide((first - maintenance) * gone, terms.insolvent_seconds, PLACES, Rounding.DOWN)


@exact
def cost(whole: Decimal, share: Decimal) -> Decimal:
    """What a share of the account costs, given the price of the whole.

    >>> str(cost(Decimal(-104), Decimal("0.5")))
    '-52.0'
    """
    return whole * share


class Standing(NamedTuple):
    """An account in auction at one moment: value, net margins, and the most that may be sold."""

    value: Decimal
    maintenance: Decimal
    buffer: Decimal
    largest: Decimal


@dataclass(frozen=True, slots=True)
class Auction:
    """A running auction of a pool: its terms, when it began, the cash earlier bidders paid, and what share is left."""

    pool: str
    terms: AuctionTerms
    began_ns: int
    reserved: Decimal = ZERO
    left: Decimal = ONE

    @exact
    def elapsed(self, market: Market) -> Decimal:
        """Seconds since it began."""
        return shifted(Decimal(market.time_ns - self.began_ns), -9)


class Bid(NamedTuple):
    """A bid that was taken: what was paid for which share of the account, and how it stood before and stands after.

    ``reported`` is the share as the contract reports it: what was wanted, at most the largest share of the account as
    it was when the auction began.
    """

    paid: Decimal
    share: Decimal
    reported: Decimal
    before: Standing
    after: Standing
    book: Book
    auction: Auction


@exact
def standing(book: Book, market: Market, rules: VenueRules, auction: Auction) -> Standing:
    """How an account in auction stands; errors as :func:`solvent.margin.assess`."""
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, auction.pool)
    paid = share_of_value(auction.terms, auction.elapsed(market))
    return Standing(
        found.value,
        found.surplus,
        buffer_margin(found.surplus, found.value, auction.terms.buffer),
        largest_share(auction.terms, found.value, found.surplus, auction.reserved, paid),
    )


@exact
def begin(
    book: Book, market: Market, rules: VenueRules, pool: str, terms: AuctionTerms
) -> tuple[Book, Auction, Decimal]:
    """Start the auction of an account that is proved to be in breach, and take the fee from its cash.

    Returns the book after the fee, the auction, and the fee: the largest share at the full value × the value's amount ×
    the fee's share.

    Raises
    ------
    RulesError
        The account is not proved to be below its maintenance margin.

    """
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, pool)
    if not found.breached(inclusive=rules.breach_inclusive):
        raise RulesError(f"pool {pool}: not below its maintenance margin ({found.surplus})")
    share = largest_share(terms, found.value, found.surplus, ZERO, ONE)
    fee = share * abs(found.value) * terms.fee
    holding = _with_cash(book, book.holding(pool), -fee)
    return book.with_holding(holding), Auction(pool, terms, market.time_ns), fee


@exact
def take(book: Book, market: Market, rules: VenueRules, auction: Auction, wanted: Decimal) -> Bid:
    """A bid for ``wanted`` of a solvent account (at most the largest share): pays, and takes that part of everything.

    The bidder gets the share of every position and of the cash nobody paid in the auction.
    """
    before = standing(book, market, rules, auction)
    share = min(wanted, before.largest)
    whole = price(before.value, auction.reserved, share_of_value(auction.terms, auction.elapsed(market)))
    paid = cost(whole, share)
    holding = book.holding(auction.pool)
    numeraire = holding.pool.numeraire
    cash = book.assets[numeraire].amount(holding.cash.get(numeraire, 0))
    kept = _less(holding, ONE - share)
    after = book.with_holding(_with_cash(book, kept, paid - (cash - auction.reserved) * share))
    later = replace(auction, reserved=auction.reserved + paid, left=auction.left * (ONE - share))
    reported = min(wanted, before.largest * auction.left)
    return Bid(paid, share, reported, before, standing(after, market, rules, later), after, later)


def _less(holding: Holding, kept: Decimal) -> Holding:
    """Every position cut down to a share, its cost with it; what does not divide into lots stays with the account."""
    found = []
    for one in holding.positions:
        size = int(divide(abs(one.lots) * kept, ONE, 0, Rounding.UP))
        if size:
            lots = size if one.lots > 0 else -size
            cost = int(divide(Decimal(one.cost) * lots, Decimal(one.lots), 0, Rounding.UP))
            found.append(replace(one, lots=lots, cost=cost))
    return replace(holding, positions=tuple(found))


def _with_cash(book: Book, holding: Holding, amount: Decimal) -> Holding:
    """Cash changed by an amount, rounded down to the numeraire's unit."""
    asset = book.assets[holding.pool.numeraire]
    units = int(divide(shifted(amount, asset.scale), ONE, 0, Rounding.DOWN))
    return holding.with_cash(asset.name, units)
