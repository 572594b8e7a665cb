"""One what-if of a book of twenty options: a resting order more, judged by the public verb at the venue's own rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.bench.scan import USDC, listing, market
from solvent.bench.timing import seconds, summary
from solvent.book import Book, Holding, Market, Method, Order, Pool, Position, curve
from solvent.margin.changes import Place
from solvent.margin.scenario import Scenario, values
from solvent.margin.scenario.account import NOW
from solvent.margin.scenario.reading import OptionHeld, Underlying, columns
from solvent.margin.what_if import what_if
from solvent.venues.derive_pmrm2.rules import derive_pmrm2 as portfolio_manager
from solvent.venues.derive_pmrm2.rules import parameters

LEGS, EVERY, RUNS, REPEATS = 20, 9, 15, 10
ORDER = 3  # the listed option that is ordered: none of the legs


def book() -> Book:
    """Twenty options of twenty strikes and ten expiries, long and short, and cash for them."""
    listed = listing()
    chosen = listed.options[: LEGS * EVERY : EVERY]
    positions = tuple(Position(one.symbol, 10 * (k % 7 - 3 or 5), 0) for k, one in enumerate(chosen))
    holding = Holding(Pool("p", numeraire="USDC", method=Method.SCENARIO), {"USDC": 10**9}, positions)
    return Book({"USDC": USDC}, {one.symbol: one for one in listed.options}, (holding,))


def measure(full: bool = False) -> dict[str, Any]:
    """What-ifs per second on ``derive_pmrm2``; the baseline prices the same three books' scenarios and no more."""
    held, now, rules = book(), market(listing()), portfolio_manager()
    change = Place("p", Order("o", listing().options[ORDER].symbol, 10, 500))
    repeats = REPEATS * (5 if full else 1)

    def ours() -> None:
        for _ in range(repeats):
            what_if(held, now, rules, [change])

    matrix = pricing(held, now)

    def limit() -> None:
        for _ in range(repeats):
            for _book in range(3):  # as it was, with the order, with the order filled
                matrix()

    found = what_if(held, now, rules, [change])
    if len(found.after) != len(found.before) or not found.allowed:
        msg = f"the order must be admitted, not {found.refusals}"
        raise RuntimeError(msg)
    ours()
    rates = [repeats / seconds(ours) for _ in range(RUNS)]
    limits = [repeats / seconds(limit) for _ in range(RUNS)]
    middle = sorted(rates)[RUNS // 2]
    return summary(
        "whatif.options", "what-ifs/s", rates, limits, "pricing the scenarios of the same three books", legs=LEGS,
        scenarios=len(parameters().scenarios), milliseconds=round(1e3 / middle, 3),
    )  # fmt: skip


def pricing(held: Book, now: Market) -> Any:
    """Work that prices every scenario of a book's options once."""
    own = parameters()
    options = [held.instruments[one.symbol] for one in held.holdings[0].positions]
    rows = tuple(OptionHeld(one, Decimal(1), curve("X", one.expiry_ns)) for one in options)  # type: ignore[union-attr, arg-type]
    series, expiries, _ = columns(now, Underlying("X", Decimal(100), rows, ()), "USDC")
    moves = (NOW, Scenario("up", own.basis.up), Scenario("down", own.basis.down), *own.scenarios)
    return lambda: values(moves, series, expiries, own.volatility)
