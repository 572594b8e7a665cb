"""Option portfolios: thirty-one scenarios of 100,000 portfolios with ten options each, against scipy's sparse product.

bench/README.md describes the workload. Ours gives surplus, requirement, margin equity, worst scenario and verdict in
whole numbers; the peer's product and minimum give the worst profit alone, in floats. Both are checked to agree first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from solvent.bench.peers import installed
from solvent.bench.revaluation import interleaved
from solvent.bench.timing import RUNS, summary
from solvent.book import Market, PriceKey, PriceKind
from solvent.engine.scenario_books import from_columns
from solvent.engine.scenario_judge import SOUND, judge_all, scratch
from solvent.engine.scenario_table import ScenarioTable
from solvent.engine.scenario_watch import ScenarioWatch
from solvent.engine.tables import I64
from solvent.instruments import Option, OptionKind
from solvent.margin.scenario import Basis, Factors, Move, PlainShock, Scenario
from solvent.margin.scenario.listing import Listing, Quotes, quotes
from solvent.margin.scenario.portfolio import Shares
from solvent.margin.scenario.quantised import Quantised, quantise
from solvent.margin.scenario.quantised_form import NO_DISCOUNT
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO, Asset
from solvent.venues.derive_pmrm2.rules import derive_pmrm2 as portfolio_manager
from solvent.venues.derive_pmrm2.rules import parameters
from solvent.venues.derive_srm.composing import with_parameters

PORTFOLIOS, SMALL, POSITIONS, MOST_LOTS = 100_000, 10_000, 10, 50
SPOT, DAY_NS = 100, 86_400 * 10**9
STRIKES = tuple(60 + 90 * k // 19 for k in range(20))
DAYS = (1, 3, 7, 14, 30, 60, 90, 180, 270, 360)
SHIFTS = tuple(round(0.85 + 0.3 * k / 9, 6) for k in range(10))
PLACES = 8
MORE_RUNS = 15
CALM = (100.04, 99.97, 100.07, 99.95)  # spots of the watched epochs
USDC = Asset("USDC", 6)


def listing() -> Listing:
    """Two hundred options, calls above the spot and puts below, of twenty strikes and ten expiries."""
    lot = Decimal("0.01")
    return Listing(
        "X", USDC,
        tuple(
            Option(f"X-{day}-{k}", "X", USDC, USDC, lot, lot, _kind(k), Decimal(k), day * DAY_NS)
            for k in STRIKES
            for day in DAYS
        ),
        places=PLACES,
    )  # fmt: skip


def _kind(strike: int) -> OptionKind:
    return OptionKind.CALL if strike > SPOT else OptionKind.PUT


def market(listed: Listing, spot: float = SPOT) -> Market:
    """Flat forwards, and volatilities that smile."""
    prices = {PriceKey(PriceKind.INDEX, "X", "USDC"): Decimal(str(spot))}
    for one in listed.options:
        vol = 0.6 + 0.3 * abs(np.log(float(one.strike) / SPOT))
        prices[PriceKey(PriceKind.VOL, one.symbol, "USDC")] = Decimal(f"{vol:.6f}")
    return Market(prices)


def netted() -> VenueRules:
    """Ten moves of the spot × three of volatility, and nothing; full netting, and no charge beside it."""
    grid = tuple(
        Scenario(f"{spot} {move.value}", spot, move) for spot in SHIFTS for move in (Move.DOWN, Move.NONE, Move.UP)
    )
    own = replace(
        parameters(),
        scenarios=(*grid, Scenario("nothing", 1.0)),
        volatility=PlainShock(0.25, 0.25),
        static_discount=NO_DISCOUNT,
        basis=Basis(1.0, 1.0, 0.0, 0.0),
        factors=Factors(ONE, ONE, ZERO, ZERO),
        maintenance=Shares(ZERO, ZERO),
    )
    return with_parameters(portfolio_manager(), own)


class Portfolios(NamedTuple):
    """Positions: portfolio after portfolio, things that rise in each, signed lots."""

    counts: I64
    things: I64
    lots: I64


def portfolios(listed: Listing, count: int, seed: int = 1) -> Portfolios:
    """Ten options each, all equally likely, of one to fifty lots either way."""
    rng = np.random.default_rng(seed)
    things = np.sort(np.argsort(rng.random((count, listed.size), dtype=np.float32), axis=1)[:, :POSITIONS], axis=1)
    lots = rng.integers(1, MOST_LOTS + 1, count * POSITIONS) * rng.choice([-1, 1], count * POSITIONS)
    return Portfolios(np.full(count, POSITIONS), things.astype(np.int64).ravel(), lots)


def table(rules: VenueRules, listed: Listing, made: Portfolios, now: Quotes, threads: int) -> ScenarioTable:
    """Portfolios whose surplus is log-normal: its median half the requirement, spread 1; one in a thousand below."""
    count = made.counts.size
    empty = ScenarioTable(rules, listed, from_columns(listed, *made, np.zeros(count, np.int64)), threads=threads)
    found = empty.judge(now)
    rng = np.random.default_rng(2)
    wanted = found.required * 0.5 * np.exp(rng.normal(0, 1, count))
    wanted = np.where(rng.random(count) < 1e-3, -0.1 * found.required - 1e6, wanted)
    fixed = wanted.astype(np.int64) - found.surplus
    return ScenarioTable(rules, listed, from_columns(listed, *made, fixed), threads=threads)


def measure(full: bool = False) -> dict[str, Any]:
    """Portfolios per second at 100,000 portfolios, rows laid out beforehand on both sides; small: 10,000 of them."""
    listed, count = listing(), PORTFOLIOS if full else SMALL
    now, made = quotes(listed, market(listed)), portfolios(listed, count)
    one, two, whole = (table(rules, listed, made, now, threads) for rules, threads in tables())
    rows = quantise(two.form, listed, now)
    works: dict[str, Callable[[], object]] = {
        "ours": scan_of(two, rows),
        "one": scan_of(one, rows),
        "whole": scan_of(whole, quantise(whole.form, listed, now)),
        "epoch": partial(two.step, market(listed)),
    }
    works |= watched(two, listed)
    peer, why = scipy_peer(made, rows, two)
    more: dict[str, Any] = {"scipy": why} if peer is None else {}
    works |= peer or {}
    times = interleaved(works, MORE_RUNS if full else RUNS)
    told = {name: round(median(spent) * 1e3, 3) for name, spent in times.items()}
    base = times["scipy"] if peer else times["one"]
    return summary(
        "scan", "portfolios/s", [count / spent for spent in times["ours"]], [count / spent for spent in base],
        "scipy's sparse × dense product and its minimum, float64" if peer else "the same scan on one thread",
        portfolios=count, threads=2, milliseconds=told["ours"], one_thread_milliseconds=told["one"],
        by_expiry_milliseconds=told["whole"], epoch_milliseconds=told["epoch"], watched_milliseconds=told["watched"],
        looked_at=looked_at(two, listed), scipy_milliseconds=told.get("scipy"),
        scipy_int64_milliseconds=told.get("scipy int64"), **more,
    )  # fmt: skip


def tables() -> Sequence[tuple[VenueRules, int]]:
    """The rule sets and threads that are timed."""
    return (netted(), 1), (netted(), 2), (portfolio_manager(), 2)


def scan_of(one: ScenarioTable, rows: Quantised) -> Callable[[], object]:
    """Judging everybody on rows that are laid out already."""
    grid = one.grid(rows)

    def scan() -> None:
        one.run(lambda low, high: judge_all(one.books, grid, one.standing, low, high, scratch(grid)), one.count)

    return scan


def watched(one: ScenarioTable, listed: Listing) -> dict[str, Callable[[], object]]:
    """An epoch of a calm market, watched by boxes."""
    watch = ScenarioWatch(one)
    watch.step(market(listed))
    epochs = iter(range(10**9))
    markets = [quotes(listed, market(listed, spot)) for spot in CALM]
    return {"watched": lambda: watch.judge(markets[next(epochs) % len(markets)])}


def looked_at(one: ScenarioTable, listed: Listing) -> int:
    """How many portfolios a calm epoch looks at; what it finds is what judging everybody finds."""
    watch = ScenarioWatch(one)
    watch.step(market(listed))
    now = quotes(listed, market(listed, CALM[0]))
    seen = watch.judge(now)
    truth = np.flatnonzero(one.judge(now).verdict != SOUND)
    if not np.array_equal(seen.unsound, truth):
        msg = f"{truth.size} portfolios are not sound, watching finds {seen.unsound.size}"
        raise RuntimeError(msg)
    return seen.looked_at


def scipy_peer(
    made: Portfolios, rows: Quantised, one: ScenarioTable
) -> tuple[dict[str, Callable[[], object]] | None, str]:
    """scipy's CSR matrix of lots × a dense matrix of profits a lot, and the minimum, in floats and in integers; or why
    not.
    """
    sparse, why = installed("scipy.sparse")
    if sparse is None:
        return None, why
    columns = (rows.branches[0] - rows.value[:, None])[::2]
    start = np.r_[0, np.cumsum(made.counts)]
    shape = made.counts.size, columns.shape[0]
    profits = np.ascontiguousarray(columns.astype(float))
    floats = sparse.csr_matrix((made.lots.astype(float), made.things, start), shape=shape)
    whole = sparse.csr_matrix((made.lots, made.things, start), shape=shape)
    found = (floats @ profits).min(axis=1)
    ours = -one.judge(quotes(one.listing, market(one.listing))).required
    far = np.abs(np.minimum(found, 0.0) - ours) > 2.0 * rows.width.max() * POSITIONS * MOST_LOTS
    if far.any():
        at = int(np.argmax(far))
        msg = f"worst profit of portfolio {at}: {ours[at]} here, {found[at]} by scipy"
        raise RuntimeError(msg)
    return {
        "scipy": lambda: (floats @ profits).min(axis=1),
        "scipy int64": lambda: (whole @ np.ascontiguousarray(columns)).min(axis=1),
    }, ""
