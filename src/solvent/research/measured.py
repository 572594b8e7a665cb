"""The project's own validation: four books of bitcoin, four ways to margin them, eleven years of days.

Everything is measured on the daily prices that ship with the package; ``examples/validation.py`` prints the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.book import Book, Holding, Market, Mode, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Option, OptionKind, Perpetual
from solvent.research.capital import SCANNED, capital_of
from solvent.research.history import daily
from solvent.research.margins import Coverage, amounts, constant, coverage, filtered, historical
from solvent.research.revalue import day_profits
from solvent.research.validate import buffered, floored, stress_weighted
from solvent.units import Asset, exact
from solvent.venues import venue

F64 = npt.NDArray[np.float64]
HISTORY = "btc-daily"
WINDOW = 500
STRESS_WINDOW = 250
APART = 1461  # days of the first four years: stress and floor are found in them, tools are tested after them
DOLLAR = Asset("USDT", 8)
SPOT = Decimal(60_000)
MONTH_NS = 30 * 86_400 * 10**9
MODELS = ("historical", "filtered", SCANNED, "greeks")
CONTRACT = Perpetual("BTC-PERP", "BTC", DOLLAR, DOLLAR, Decimal("0.1"), Decimal("0.001"))
# Kind, strike, contracts, yearly volatility of 30-day options.
STRADDLE = (("call", 60_000, -10, "0.58"), ("put", 60_000, -10, "0.58"))
CONDOR = (
    ("put", 50_000, 10, "0.66"),
    ("put", 54_000, -10, "0.62"),
    ("call", 66_000, -10, "0.56"),
    ("call", 70_000, 10, "0.57"),
)


class Measured(NamedTuple):
    """One book under one model or tool, and how its margins covered."""

    book: str
    model: str
    found: Coverage


@exact
def books() -> dict[str, tuple[Book, Market]]:
    """The four books, each of one pool without cash, BTC at 60,000.

    >>> list(books())
    ['long', 'short', 'short straddle', 'iron condor']
    """
    return {
        "long": _book((), 10),
        "short": _book((), -10),
        "short straddle": _book(STRADDLE, 0),
        "iron condor": _book(CONDOR, 0),
    }


def _book(options: Sequence[tuple[str, int, int, str]], contracts: int) -> tuple[Book, Market]:
    prices = {
        PriceKey(PriceKind.INDEX, "BTC", "USDT"): SPOT,
        PriceKey(PriceKind.MARK, CONTRACT.symbol, "USDT"): SPOT,
    }
    listed: dict[str, Perpetual | Option] = {}
    positions = []
    if contracts:
        listed[CONTRACT.symbol] = CONTRACT
        lots = CONTRACT.lots(Decimal(contracts))
        positions.append(Position(CONTRACT.symbol, lots, CONTRACT.worth(lots, CONTRACT.ticks(SPOT))))
    for kind, strike, size, volatility in options:
        name = f"BTC-{strike}-{kind}"
        one = Option(
            name, "BTC", DOLLAR, DOLLAR, Decimal(1), Decimal("0.1"), OptionKind(kind), Decimal(strike), MONTH_NS
        )
        listed[name] = one
        prices[PriceKey(PriceKind.VOL, name, "USDT")] = Decimal(volatility)
        positions.append(Position(name, one.lots(Decimal(size)), 0))
    holding = Holding(Pool("p", mode=Mode.PORTFOLIO, method=venue(SCANNED).method), {}, tuple(positions))
    return Book({"USDT": DOLLAR}, listed, (holding,)), Market(prices)


def losses_of(book: Book, market: Market) -> F64:
    """What a book would have lost on each day of the long history (gains below zero)."""
    factors = {"BTC": daily(HISTORY).factors("BTC")}
    return -day_profits(book, market, book.holdings[0], {}, factors)


def margins_of(model: str, book: Book, market: Market, losses: F64) -> tuple[Decimal, ...]:
    """A model's margin for each day after the first 500."""
    if model == "historical":
        return historical(losses, WINDOW)
    if model == "filtered":
        return filtered(losses, WINDOW)
    rules, holding = venue(model), book.holdings[0]
    told = book.with_holding(replace(holding, pool=replace(holding.pool, method=rules.method)))
    return constant(capital_of(told, market, rules, holding.pool.id), losses.size - WINDOW)


def by_book() -> Iterator[Measured]:
    """Every book under every model, over the same days."""
    for name, (book, market) in books().items():
        losses = losses_of(book, market)
        happened = amounts(losses[WINDOW:])
        for model in MODELS:
            yield Measured(name, model, coverage(happened, margins_of(model, book, market, losses)))


@exact
def by_tool() -> Iterator[Measured]:
    """The long book under filtered margins, as they are and through each tool against procyclicality.

    Stress and floor come from the days of 2015 to 2018 alone, the tests from those after them: a stress weight takes
    the margin of the most volatile 250 days, a floor that of all four years.
    """
    losses = losses_of(*books()["long"])
    raw = filtered(losses, WINDOW)[APART - WINDOW :]
    before, happened = losses[:APART], amounts(losses[APART:])
    windows = np.lib.stride_tricks.sliding_window_view(before, STRESS_WINDOW)
    wildest = windows[int(np.argmax(windows.std(axis=1)))]
    stressed, long_run = (_margin_of(one) for one in (wildest, before))
    for name, margins in (
        ("none", raw),
        ("buffer of 25 %", buffered(raw)),
        ("stress weight of 25 %", stress_weighted(raw, stressed)),
        ("floor", floored(raw, long_run)),
    ):
        yield Measured("long", name, coverage(happened, margins))


def _margin_of(losses: F64) -> Decimal:
    """The loss that 1 % of some days exceed."""
    return historical(np.append(losses, 0.0), losses.size)[0]
