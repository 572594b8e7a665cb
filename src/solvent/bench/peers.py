"""Other packages on the same work, where they are installed: ``pip install solvent[bench]``.

A peer that is missing is said to be missing, with its row; nothing is left out in silence. What each does is said at
its function, and both sides are checked to agree before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from solvent.bench.timing import RUNS, seconds, summary
from solvent.bench.world import FLAT_RATE, SOURCE, Shape, World, world
from solvent.engine.commands import assemble, prices
from solvent.engine.records import FIRST_USER_POOL

if TYPE_CHECKING:
    from solvent.bench.revaluation import NumpyPeer

F64 = npt.NDArray[np.float64]
MISSING = "not installed: pip install 'solvent[bench]'"
ACCOUNTS, SYMBOLS = 5_000, 6
MORE_RUNS, EPOCHS = 7, 20
DOLLAR = 1e6  # units
TOLERANCE = 1e-9
NEXT = 1_000_000  # sequence numbers above those that made the world
Marks = list[dict[int, int]]


def installed(name: str) -> tuple[Any, str]:
    """A package and nothing, or None and why it is not there."""
    try:
        return import_module(name), ""
    except ModuleNotFoundError:
        return None, MISSING
    except ImportError as error:
        return None, f"cannot be loaded: {error}"


def polars_peer(book: NumpyPeer) -> tuple[Callable[[], Any] | None, str]:
    """A revaluation in polars on all its threads: a lazy left join with the instruments' prices and tiers, the tiers'
    largest term, a sum by pool, and a join with what the pools hold; None, and why, without polars.
    """
    pl, why = installed("polars")
    if pl is None:
        return None, why
    count, tiers = book.pools, book.rate.shape[1]
    sizes = np.diff(np.r_[book.start, book.thing.size])
    held = pl.DataFrame(
        {"pool": np.repeat(np.arange(count), sizes), "thing": book.thing, "lots": book.lots, "cost": book.cost}
    )
    shared = {f"rate{k}": book.rate[:, k] for k in range(tiers)} | {f"cut{k}": book.cut[:, k] for k in range(tiers)}
    things = pl.DataFrame({"thing": np.arange(book.unit.size, dtype=book.thing.dtype), "unit": book.unit, **shared})
    coins = {f"coin{c}": amount for c, (amount, _, _, _) in enumerate(book.coins)}
    pools = pl.DataFrame({"pool": np.arange(count), "cash": book.cash, **coins})

    def weighted(c: int) -> Any:
        _, _, rate, cut = book.coins[c]
        return pl.min_horizontal(*[float(r) * pl.col(f"coin{c}") - float(d) for r, d in zip(rate, cut, strict=True)])

    def revalue() -> Any:
        x = held.lazy().join(things.lazy(), on="thing", how="left")
        x = x.with_columns(worth=pl.col("lots") * pl.col("unit")).with_columns(size=pl.col("worth").abs())
        needs = [pl.col(f"rate{k}") * pl.col("size") - pl.col(f"cut{k}") for k in range(tiers)]
        x = x.with_columns(need=pl.max_horizontal(*needs), gain=pl.col("worth") - pl.col("cost"))
        x = x.group_by("pool").agg(pl.col("gain").sum(), pl.col("need").sum())
        x = pools.lazy().join(x, on="pool", how="left", maintain_order="left")
        mine = pl.col("cash") + pl.col("gain")
        x = x.with_columns(
            value=mine + pl.sum_horizontal(*coins), equity=mine + sum(weighted(c) for c in range(len(coins)))
        )
        x = x.select("value", "equity", "need", short=pl.col("equity") < pl.col("need"))
        return tuple(column.to_numpy() for column in x.collect().get_columns())

    return revalue, ""


def measure_lrvx(full: bool = False) -> dict[str, Any]:  # noqa: ARG001 - it has one size
    """Accounts per second from new prices to the equity, requirement and state of 5,000 accounts × 6 positions.

    Ours, on one thread: ``Engine.step`` with the prices as a command (checked, everybody judged exactly, events), then
    ``Engine.revalue``. Theirs: ``LiquidationEngine.on_marks`` (the marks of every account, then a walk over accounts
    for each symbol), then equity, unrealised profit and headroom of each account. Nobody is liquidated on either side.
    ``verdict_ratio`` is without the numbers: the command alone against ``on_marks`` alone.
    """
    lrvx, why = installed("lrvx")
    made = world(Shape(ACCOUNTS, instruments=SYMBOLS, makers=ACCOUNTS, maker_entries=SYMBOLS, flat=True))
    marks = _marks(made, EPOCHS)
    ours = Ours(made, marks)
    ours.told(0)
    ours.told(1)
    if lrvx is None:
        rates = [
            ACCOUNTS * EPOCHS / seconds(partial(_epochs, ours.told)) for _ in range(RUNS)
        ]  # the ratio is 1: nothing to say
        return summary("lrvx", "accounts/s", rates, rates, f"lrvx, {why}", accounts=ACCOUNTS, positions=SYMBOLS)
    theirs = Theirs(lrvx, made, marks)
    agree(ours.told(1), theirs.told(1))
    times: dict[str, list[float]] = {"ours": [], "step": [], "theirs": [], "on_marks": []}
    works = {"ours": ours.told, "step": ours.priced, "theirs": theirs.told, "on_marks": theirs.priced}
    for _ in range(MORE_RUNS):
        for name, work in works.items():
            times[name].append(seconds(partial(_epochs, work)) / EPOCHS)
    return summary(
        "lrvx", "accounts/s", [ACCOUNTS / one for one in times["ours"]], [ACCOUNTS / one for one in times["theirs"]],
        f"lrvx {version('lrvx')}: on_marks, then three numbers of each account",
        accounts=ACCOUNTS, positions=SYMBOLS, threads=1,
        verdict_ratio=round(median(times["on_marks"]) / median(times["step"]), 1),
    )  # fmt: skip


def _epochs(work: Callable[[int], object]) -> None:
    """One run: so many epochs, one after the other."""
    for k in range(EPOCHS):
        work(k)


def _marks(made: World, count: int) -> Marks:
    """Prices that go up and down by a thousandth, so that nobody is ever near a liquidation."""
    things = made.engine.tables.things
    listed = range(made.first_thing, made.first_thing + made.instruments)
    usual = {thing: int(things["mark"][thing]) for thing in listed}
    return [
        {thing: max(1, round(mark * (1 + 0.001 * (-1) ** k))) for thing, mark in usual.items()} for k in range(count)
    ]


class Ours:
    """The engine, with a command of prices for each epoch."""

    def __init__(self, made: World, marks: Marks) -> None:
        self.engine = made.engine
        self.sent = [assemble([prices(SOURCE, NEXT, epoch, 0)]) for epoch in marks]
        self.columns = self.engine.revalue()
        self.done = 0

    def priced(self, k: int) -> None:
        """New prices; everybody judged, nobody in breach. An epoch may come again: it is sent as a new command."""
        self.sent[k].commands["source_seq"] = self.sent[k].commands["amount"] = NEXT + self.done
        self.done += 1
        events = self.engine.step(self.sent[k])
        if events.size != 1:
            raise RuntimeError(f"{events.size - 1} events of accounts at prices {k}, expected none")

    def told(self, k: int) -> tuple[F64, F64]:
        """New prices, and then every account's equity and requirement, dollars."""
        self.priced(k)
        found = self.engine.revalue(into=self.columns)
        if found.flag[FIRST_USER_POOL:].any():
            raise RuntimeError("an account is not proved healthy")
        return found.value[FIRST_USER_POOL:], found.required[FIRST_USER_POOL:]


class Theirs:
    """lrvx's engine with the same accounts, a price of it being so many ticks of ours."""

    def __init__(self, lrvx: Any, made: World, marks: Marks) -> None:
        t, first = made.engine.tables, made.first_thing
        self.engine = lrvx.LiquidationEngine().add_tier(0.0, FLAT_RATE)
        self.accounts = []
        for pool in range(FIRST_USER_POOL, made.engine.pool_count):
            row = t.pools[pool]
            account = lrvx.Account(pool, int(row["cash"]) / DOLLAR)
            for e in range(int(row["first"]), int(row["first"]) + int(row["used"])):
                thing = int(t.key[e]) >> 2
                lot = int(t.things["tick_value"][thing])
                entry = int(t.cost[e]) / (int(t.lots[e]) * lot)
                account.open_position(thing - first, int(t.lots[e]) * lot / DOLLAR, entry)
            self.engine.attach_account(account)
            self.accounts.append(account)
        self.marks = [[(thing - first, float(mark)) for thing, mark in epoch.items()] for epoch in marks]

    def priced(self, k: int) -> None:
        """New prices, and a walk over all accounts for each."""
        if self.engine.on_marks(self.marks[k])["liquidated"]:
            raise RuntimeError(f"lrvx liquidates at prices {k}")

    def told(self, k: int) -> list[tuple[float, float, float]]:
        """New prices, and then every account's equity, unrealised profit and headroom, dollars."""
        self.priced(k)
        return [(one.equity(), one.total_unrealised_pnl(), one.cross_headroom(FLAT_RATE)) for one in self.accounts]


def agree(ours: tuple[F64, F64], theirs: list[tuple[float, float, float]]) -> None:
    """Refuse to compare what does not say the same: equity and requirement within a billionth."""
    equity, profit, headroom = np.array(theirs).T
    for name, mine, other in (
        ("equity", ours[0], equity + profit),
        ("requirement", ours[1], equity + profit - headroom),
    ):
        off = np.abs(mine / DOLLAR - other) / (1 + np.abs(other))
        if (off > TOLERANCE).any():
            worst = int(off.argmax())
            raise RuntimeError(f"{name} of account {worst}: {mine[worst] / DOLLAR} here, {other[worst]} by lrvx")
