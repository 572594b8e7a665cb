"""Watching by bands: calm markets, how the cost grows with pools, a crash, and from a price to its verdicts.

bench/README.md describes the workload. Every figure is of whole ``Engine.step`` calls, commands in and events out; in
the crash a second engine without bands is given the same commands, and every event of both is compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from solvent.bench.timing import RUNS, seconds, summary
from solvent.bench.world import SOURCE, Shape, World, trades, world
from solvent.engine.arming import Watched
from solvent.engine.commands import assemble, prices
from solvent.engine.engine import Engine
from solvent.engine.epochs import scanned
from solvent.engine.records import FIRST_USER_POOL, Batch, Happened, Verb, command
from solvent.engine.screen import packed
from solvent.engine.tables import TOP_TIME
from solvent.engine.warm import warm

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
INSTRUMENTS, COINS = 500, 2
PRICES = INSTRUMENTS + COINS
SMALL, FULL = 20_000, 1_000_000
SMALL_SCALE, FULL_SCALE = (10_000, 40_000), (300_000, 3_000_000)
DAILY, DAY, HOUR = 0.04, 86_400, 3_600
CRASH_EPOCHS, CRASH_FALL, CRASH_NOISE, JUMP_CHANCE, JUMP = 300, -0.15, 5.0, 1e-5, 0.05
INTEREST_EVERY = 60  # epochs
FUNDING_PPB = 12_500  # of the mark, an hour
WARM = 20


@dataclass
class Market:
    """A world, its prices at the start, and where its random walk has come to."""

    made: World
    start: I64
    beta: F64
    rng: np.random.Generator
    log: F64
    seq: int
    time: int

    @property
    def things(self) -> I64:
        """Thing ids of all prices."""
        return np.arange(1, PRICES + 1)


def market(pools: int, bands: bool, seed: int = 11, threads: int = 1) -> Market:
    """The frozen pools at median leverage 10, and a market at rest; ``bands`` armed."""
    warm()  # or the first breach waits for its kernels to be loaded
    shape = Shape(
        pools, instruments=INSTRUMENTS, entries=5.0, seed=3, leverage=10.0, most_leverage=40.0, margin=0.005,
    )  # fmt: skip
    made = world(shape, threads, bands)
    rng = np.random.default_rng(seed)
    beta = np.clip(rng.normal(1, 0.25, PRICES), 0.3, 2)
    start = made.engine.tables.things["mark"][1 : PRICES + 1].copy()
    out = Market(made, start, beta, rng, np.zeros(PRICES), made.next_seq + 10**9, 10)
    out.made.engine.step(assemble([price_command(out)]))
    return out


def arm(engine: Engine) -> float:
    """Arm every pool; how long it takes."""
    watch = engine._desk.watch  # noqa: SLF001 - the engine arms page by page, in calm epochs
    if watch is None:
        return 0.0
    return seconds(lambda: watch.arm_to(engine.tables, engine.pool_count))


def armed(made: World) -> float:
    """An epoch at the prices there are, and then every pool is armed; how long the arming takes."""
    things = made.engine.tables.things
    made.next_seq += 1
    marks = {thing: int(mark) for thing, mark in enumerate(things["mark"].tolist()) if mark}
    made.engine.step(assemble([prices(SOURCE, made.next_seq, marks, int(made.engine.tables.top[TOP_TIME]))]))
    return arm(made.engine)


def told(engine: Engine) -> Watched:
    """What watching has cost the engine so far."""
    found = engine.watched
    if found is None:
        raise AssertionError("watching by bands must be on")
    return found


def moved(one: Market, crash: bool = False) -> None:
    """One second of the market: a common factor times beta, noise of its own for each, in a crash a fall and jumps."""
    noise = DAILY / math.sqrt(DAY) * (CRASH_NOISE if crash else 1.0)
    step = one.rng.normal(0, noise) * one.beta + one.rng.normal(0, noise, PRICES)
    if crash:
        step += CRASH_FALL / CRASH_EPOCHS * one.beta
        step += np.where(one.rng.random(PRICES) < JUMP_CHANCE, one.rng.normal(0, JUMP, PRICES), 0.0)
    one.log += step


def price_command(one: Market, only: int = -1) -> Any:
    """PRICES of everything (or of one thing) as the walk stands now."""
    ticks = np.maximum(1, np.round(one.start * np.exp(one.log))).astype(np.int64)
    chosen = slice(None) if only < 0 else slice(only, only + 1)
    one.seq += 1
    one.time += 1
    return prices(
        SOURCE, one.seq, dict(zip(one.things[chosen].tolist(), ticks[chosen].tolist(), strict=True)), one.time
    )


def calm_batches(one: Market, epochs: int) -> list[Batch]:
    """So many seconds: a trade, all prices; funding of every instrument once an hour, spread over it; interest."""
    sent, out = trades(one.made, epochs, one.seq % 1_000), []
    for k in range(epochs):
        moved(one)
        commands = [(sent[k : k + 1], b"")]
        for thing in range(k * INSTRUMENTS // HOUR, (k + 1) * INSTRUMENTS // HOUR):
            one.seq += 1
            chosen = one.made.first_thing + thing % INSTRUMENTS
            commands.append((command(Verb.FUNDING, SOURCE, one.seq, thing=chosen, amount=FUNDING_PPB), b""))
        if k % INTEREST_EVERY == 0:
            one.seq += 1
            commands.append((command(Verb.INTEREST, SOURCE, one.seq, amount=INTEREST_EVERY), b""))
        out.append(assemble([*commands, price_command(one)]))
    return out


def timed(engine: Engine, batches: list[Batch]) -> F64:
    """Seconds of each step."""
    return np.array([seconds(lambda b=batch: engine.step(b)) for batch in batches])  # type: ignore[misc]


def full_scan(engine: Engine) -> float:
    """Seconds of judging every pool by the scan, which is what an epoch costs without bands."""
    desk = engine._desk  # noqa: SLF001 - the scan is not part of the engine's verbs
    return seconds(lambda: scanned(desk, packed(engine.tables), FIRST_USER_POOL))


def measure_calm(full: bool = False) -> dict[str, Any]:
    """Prices per second, 502 an epoch, with trades, funding and interest; 1,000 epochs a run at 1,000,000 pools."""
    pools, epochs = (FULL, 1_000) if full else (SMALL, 100)
    rates, limits, fills, armed, touched, listed, scans = [], [], [], [], [], [], []
    for run in range(RUNS):
        one = market(pools, bands=True, seed=11 + run)
        engine = one.made.engine
        armed.append(arm(engine))
        timed(engine, calm_batches(one, WARM))
        before = told(engine)
        spent = float(timed(engine, calm_batches(one, epochs)).sum())
        after = told(engine)
        rates.append(epochs * PRICES / spent)
        fills.append(epochs / spent)
        touched.append((after.touched - before.touched) / epochs)
        listed.append(after.listed)
        scans.append(after.scans - before.scans)
        limits.append(PRICES / full_scan(engine))
    return summary(
        "bands.calm", "prices/s", rates, limits, "judging every pool by the scan at every epoch", pools=pools,
        epochs=epochs, touched_an_epoch=round(median(touched), 3), fills_per_second=round(median(fills)),
        scans=max(scans), listed=median(listed), arming_seconds=round(median(armed), 3),
    )  # fmt: skip


def measure_scale(full: bool = False) -> dict[str, Any]:
    """Median time of an epoch of 502 prices at 3,000,000 pools, its baseline that at 300,000; one price likewise."""
    epochs = 300 if full else 60
    found = [epoch_medians(pools, epochs) for pools in (FULL_SCALE if full else SMALL_SCALE)]
    (small, small_tick), (large, large_tick) = found
    return summary(
        "bands.scale", "µs", large, small, "an epoch with a tenth of the pools (small: a quarter)",
        pools=(FULL_SCALE if full else SMALL_SCALE)[1], tick_us=round(median(large_tick), 2),
        tick_us_of_fewer=round(median(small_tick), 2),
    )  # fmt: skip


def epoch_medians(pools: int, epochs: int) -> tuple[list[float], list[float]]:
    """Medians, in microseconds, of several runs of epochs of all prices, and of as many of one price."""
    one = market(pools, bands=True)
    engine = one.made.engine
    arm(engine)
    whole, single = [], []
    for _ in range(RUNS):
        batches = []
        for _k in range(epochs):
            moved(one)
            batches.append(assemble([price_command(one)]))
        whole.append(float(np.median(timed(engine, batches))) * 1e6)
        moved(one)
        batches = [assemble([price_command(one, k % PRICES)]) for k in range(epochs)]
        single.append(float(np.median(timed(engine, batches))) * 1e6)
    return whole, single


def crash_pair(pools: int, epochs: int, seed: int) -> tuple[F64, F64, int]:
    """Seconds of each epoch of a crash with bands and without, by turns, and how many pools fell; events are equal."""
    one, other = market(pools, bands=True, seed=seed), market(pools, bands=False, seed=seed)
    arm(one.made.engine)
    spent, plain, fallen = np.zeros(epochs), np.zeros(epochs), 0
    for k in range(epochs):
        moved(one, crash=True)
        batch = assemble([price_command(one)])
        said: list[Any] = []
        spent[k] = seconds(lambda b=batch, s=said: s.append(one.made.engine.step(b)))  # type: ignore[misc]
        plain[k] = seconds(lambda b=batch, s=said: s.append(other.made.engine.step(b)))  # type: ignore[misc]
        if said[0].tobytes() != said[1].tobytes():
            msg = f"epoch {k}: {len(said[0])} events with bands, {len(said[1])} without"
            raise RuntimeError(msg)
        fallen += int((said[0]["kind"] == int(Happened.BREACHED)).sum())
    return spent, plain, fallen


def measure_crash(full: bool = False) -> dict[str, Any]:
    """The worst epoch of a crash of 15 % in five minutes, against the median epoch without bands in the same run."""
    pools, epochs = (FULL, CRASH_EPOCHS) if full else (SMALL, 60)
    worst, scans, medians, fell = [], [], [], 0
    for run in range(RUNS):
        spent, plain, fell = crash_pair(pools, epochs, 11 + run)
        worst.append(float(spent[1:].max()) * 1e3)
        medians.append(float(np.median(spent)) * 1e3)
        scans.append(float(np.median(plain)) * 1e3)
    return summary(
        "bands.crash", "ms", worst, scans, "the median epoch of the same crash judged by the scan", pools=pools,
        epochs=epochs, median_ms=round(median(medians), 3), fallen=fell,
    )  # fmt: skip


def measure_latency(full: bool = False) -> dict[str, Any]:
    """From a vector of prices to its verdicts, in a calm market and in a crash: median, 99th of 100, greatest."""
    pools, epochs = (FULL, CRASH_EPOCHS) if full else (SMALL, 60)
    one = market(pools, bands=True)
    engine = one.made.engine
    arm(engine)
    timed(engine, calm_batches(one, WARM))
    middle, scans, calm = [], [], []
    for _ in range(RUNS):
        batches = []
        for _k in range(epochs):
            moved(one)
            batches.append(assemble([price_command(one)]))
        run = timed(engine, batches) * 1e6
        calm.append(run)
        middle.append(float(np.median(run)))
        scans.append(full_scan(engine) * 1e6)
    batches = []
    for _k in range(epochs):
        moved(one, crash=True)
        batches.append(assemble([price_command(one)]))
    crash = timed(engine, batches) * 1e6
    every = np.concatenate(calm)
    return summary(
        "verdict.latency", "µs", middle, scans, "judging every pool by the scan", pools=pools,
        calm_p99_us=round(float(np.quantile(every, 0.99)), 1), calm_max_us=round(float(every.max()), 1),
        crash_p50_us=round(float(np.median(crash)), 1), crash_p99_us=round(float(np.quantile(crash, 0.99)), 1),
        crash_max_us=round(float(crash.max()), 1),
    )  # fmt: skip
