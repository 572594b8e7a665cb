"""Vectors of Derive's auction and of its cash: single formulas, whole auctions on small books, a ledger of cash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from solvent.book import Book, Market
from solvent.conformance.adapters.derive_pmrm1 import COIN, POOL, Drawn, inner, truth
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin.scenario.reading import expiry_after
from solvent.units import ZERO
from solvent.venues import venue
from solvent.venues.derive_pmrm1.rules import parameters
from solvent.venues.derive_srm import auction, cash
from solvent.venues.derive_srm.auction import AuctionTerms, Standing
from solvent.venues.derive_srm.cash import CashLedger, RateTerms
from solvent.venues.derive_srm.composing import with_parameters

Event = Callable[[CashLedger, str, str, Decimal], CashLedger]
UNEVENTFUL = frozenset({"START"})
EVENTS: Mapping[str, Event] = {
    "TRADE": lambda ledger, to, other, amount: ledger.traded(to, other, amount),
    "SETTLEMENT": lambda ledger, to, _, amount: ledger.settled(to, amount),
    "BORROW": lambda ledger, to, _, amount: ledger.moved(to, amount),
    "INSOLVENCY": lambda ledger, to, _, amount: ledger.paid_out(to, amount),
}
TERMS = ("start", "cutoff", "fast", "slow", "insolvent", "fee", "buffer")


def terms_of(given: Inputs) -> AuctionTerms:
    """An auction's terms."""
    return AuctionTerms(*(given.number(name) for name in TERMS))


def paid_share(inputs: Inputs) -> Decimal:
    """The share of the value a bidder pays at a vector's time."""
    return auction.share_of_value(terms_of(inner(inputs, "params")), inputs.number("elapsed"))


def discount(inputs: Inputs, _: Vector) -> Any:
    """The discount."""
    return paid_share(inputs)


def buffer_margin(inputs: Inputs, _: Vector) -> Any:
    """The buffer margin."""
    buffer = terms_of(inner(inputs, "params")).buffer
    return auction.buffer_margin(inputs.number("mm"), inputs.number("mtm"), buffer)


def max_proportion(inputs: Inputs, _: Vector) -> Any:
    """The largest share."""
    terms, paid = terms_of(inner(inputs, "params")), paid_share(inputs)
    return auction.largest_share(terms, inputs.number("mtm"), inputs.number("mm"), inputs.number("reserved"), paid)


def solvent_bid(inputs: Inputs, _: Vector) -> Any:
    """The price of the whole."""
    return auction.price(inputs.number("mtm"), inputs.number("reserved"), paid_share(inputs))


def solvent_cash(inputs: Inputs, vector: Vector) -> Any:
    """The price of a share."""
    return auction.cost(solvent_bid(inputs, vector), inputs.number("pct"))


def cash_for_max(inputs: Inputs, _: Vector) -> Any:
    """The price of the largest share, before anything is reserved."""
    terms, paid = terms_of(inner(inputs, "params")), paid_share(inputs)
    reserved = inputs.number("reserved") if "reserved" in inputs else ZERO
    share = auction.largest_share(terms, inputs.number("mtm"), inputs.number("mm"), reserved, paid)
    return auction.cost(auction.price(inputs.number("mtm"), reserved, paid), share)


def insolvent_bid(inputs: Inputs, _: Vector) -> Any:
    """The price of the whole of an insolvent account."""
    terms = terms_of(inner(inputs, "params"))
    return auction.insolvent_price(terms, inputs.number("mtm"), inputs.number("mm"), inputs.number("elapsed"))


def insolvent_bid_pct(inputs: Inputs, vector: Vector) -> Any:
    """The price of a share of it."""
    return auction.cost(insolvent_bid(inputs, vector), inputs.number("pct"))


def drawn(inputs: Inputs, feeds: Inputs, time: Decimal) -> tuple[Book, Market]:
    """A simulation's account, and its market at a time."""
    found = Drawn()
    found.money(inputs.number("cash"), feeds.number("stable"))
    found.spot(COIN, feeds.number("spot"), feeds.number("conf"))
    ends, vols = listed(feeds, "expiry_ts"), listed(feeds, "vol")
    when = {}
    for end, forward, rate in zip(dict.fromkeys(ends), listed(feeds, "fwd"), listed(feeds, "rate"), strict=True):
        when[end] = found.expiry(COIN, end, forward, {"rate": rate, "forward_confidence": feeds.number("conf")})
    for row, end, vol in zip(inputs.rows("options"), ends, vols, strict=True):
        size, strike = row.number("n"), row.number("K")
        found.option(COIN, when[end], strike, call=truth(row, "call"), size=size, vol=vol)
    market = found.market()
    return found.book(), Market(market.prices, time_ns=expiry_after(Market({}), time), wide=market.wide)


def listed(given: Inputs, name: str) -> list[Decimal]:
    """A list of numbers."""
    found = given.given.get(name)
    if not isinstance(found, list):
        raise VectorError(f"{given.place}.{name}: expected a list of numbers")
    return [Decimal(one) for one in found]


def standing(found: Standing, when: str) -> dict[str, Decimal]:
    """How an account stands, under the vectors' names."""
    return {
        f"{when}MtM": found.value,
        f"{when}MM": found.maintenance,
        f"{when}BM": found.buffer,
        f"{when}FMax": found.largest,
    }


def portfolio(inputs: Inputs, _: Vector) -> Any:
    """A whole auction of an account of the first portfolio manager."""
    rules = with_parameters(venue("derive_pmrm1"), parameters("suite"))
    book, market = drawn(inputs, inner(inputs, "initial_feeds"), inputs.number("start"))
    book, running, fee = auction.begin(book, market, rules, POOL, terms_of(inner(inputs, "auction")))
    steps = []
    for action in inputs.rows("actions"):
        _book, market = drawn(inputs, inner(action, "feeds"), action.number("time"))
        bid = auction.take(book, market, rules, running, action.number("pct_want"))
        book, running = bid.book, bid.auction
        steps.append(
            {
                **standing(bid.before, "Pre"),
                **standing(bid.after, "Post"),
                "ExpectedBidPrice": bid.paid,
                "fLiquidatedOfOriginal": bid.share,
                "FinalPercentageReceived": bid.reported,
                "Lowerbound": ZERO,
                "SMPayout": ZERO,
            }
        )
    return {"liquidation_fee": fee, "steps": steps}


def rates(given: Inputs) -> RateTerms:
    """The interest rate's terms."""
    return RateTerms(*(given.number(name) for name in ("min", "mult", "high", "opt")))


def borrow_rate(inputs: Inputs, _: Vector) -> Any:
    """The yearly rate."""
    used = cash.utilisation(inputs.number("supply"), inputs.number("borrow"))
    return cash.borrow_rate(rates(inner(inputs, "p")), used)


def interest_factor(inputs: Inputs, vector: Vector) -> Any:
    """What a debt grows by."""
    return cash.interest_factor(borrow_rate(inputs, vector), inputs.number("seconds"))


def sequence(inputs: Inputs, _: Vector) -> Any:
    """A ledger of cash through a list of events."""
    names = inputs.given.get("accounts")
    if not isinstance(names, list):
        raise VectorError(f"{inputs.place}.accounts: expected a list of names")
    balances = dict(zip(names, listed(inputs, "starting_balances"), strict=True))
    ledger = cash.opened(rates(inner(inputs, "p")), inputs.number("sm_fee"), balances)
    rows = [ledger]
    for event in inputs.rows("events"):
        kind = event.text("key1")
        if kind in UNEVENTFUL:
            continue
        ledger = ledger.accrued(cash.whole_days(event.number("key5")))
        to, amount = event.text("key2").lower(), cash.from_e18(event.number("key4"))
        if kind not in EVENTS:
            raise VectorError(f"{event.place}.key1: got {kind!r}, expected one of {', '.join(EVENTS)}")
        ledger = EVENTS[kind](ledger, to, event.text("key3").lower(), amount).collected()
        rows.append(ledger)
    return {
        "totalSupply": [one.supply for one in rows],
        "totalBorrow": [one.borrowed for one in rows],
        "utilization": [one.used for one in rows],
        "borrowRate": [one.rate for one in rows],
        "stable_balance": [one.stable for one in rows],
    }


ADAPTERS = {
    ("derive_auction", "discount"): discount,
    ("derive_auction", "buffer_margin"): buffer_margin,
    ("derive_auction", "max_proportion"): max_proportion,
    ("derive_auction", "solvent_bid"): solvent_bid,
    ("derive_auction", "solvent_cash"): solvent_cash,
    ("derive_auction", "cash_for_max"): cash_for_max,
    ("derive_auction", "insolvent_bid"): insolvent_bid,
    ("derive_auction", "insolvent_bid_pct"): insolvent_bid_pct,
    ("derive_auction", "portfolio"): portfolio,
    ("derive_auction", "borrow_rate"): borrow_rate,
    ("derive_auction", "interest_factor"): interest_factor,
    ("derive_auction", "sequence"): sequence,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
