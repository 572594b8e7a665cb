"""A real crash through the engine: the window's marks, a generated crowd, liquidations, every law watched."""

from __future__ import annotations

from collections.abc import Iterable

from solvent.engine.engine import Engine
from solvent.engine.tables import Limits
from solvent.simulation.brute_force import BruteForce
from solvent.simulation.datasets import load
from solvent.simulation.driver import TWIN_COMMANDS, Line, Past, Stopped, Store
from solvent.simulation.market_makers import makers
from solvent.simulation.population import generate
from solvent.simulation.report import Report
from solvent.simulation.run import Progress, Run, silent
from solvent.simulation.stage import Stage
from solvent.simulation.world import build, limits, venues


def replay(
    dataset: str,
    accounts: int,
    seed: int,
    venue: str = "generic",
    batch: int = 1000,
    threads: int = 1,
    screen: bool = True,
    *,
    bands: bool = False,
    store: Store | None = None,
    past: Iterable[Past] = (),
    stop_after: int | None = None,
    minutes: int | None = None,
    brute_force: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Run a window from its first to its last minute, or as far as asked.

    Parameters
    ----------
    dataset, venue
        Names of the window and of the rule set.
    accounts, seed
        Size and chance of the crowd.
    batch, threads, screen, bands
        How the engine is driven; they change no result.
    store, past
        What keeps batches (made with :func:`engine_limits` and :func:`~solvent.simulation.world.venues`), and what it
        has kept so far: a run that was killed goes on from there.
    stop_after
        End after so many batches; the report says that it is not finished.
    minutes
        End after so many minutes of the window.
    brute_force
        Check every epoch by an exact scan of all pools and by ring 1
        (:class:`~solvent.simulation.brute_force.BruteForce`); changes no other figure of the report.
    progress
        Called with (minutes done, minutes, text).

    Examples
    --------
    >>> report = replay("mar-2020", 20, 7, minutes=3)
    >>> report.minutes_done, report.as_json()["conservation"]["USDT"]
    (3, '0')

    """
    stage = stage_of(dataset, accounts, seed, venue)
    engine = Engine(engine_limits(stage), threads=threads, screen=screen, bands=bands, venues=venues(venue))
    line = Line(engine, batch=batch, store=store, past=past, stop_after=stop_after)
    line.twin = Engine(
        _twin_limits(stage, batch), threads=3 - threads, screen=not screen, bands=not bands, venues=venues(venue)
    )
    run = Run(stage, line, progress or silent)
    if brute_force:
        run.brute_force = BruteForce(stage.world.rules, seed, stage.pools)
    try:
        run.set_up()
        for minute in range(run.last if minutes is None else min(minutes, run.last)):
            run.minute(minute)
        run.report.finished = True
    except Stopped:
        return run.stopped()
    return run.end()


def stage_of(dataset: str, accounts: int, seed: int, venue: str = "generic") -> Stage:
    """Who stands where before the first minute: the same for equal arguments."""
    world = build(load(dataset), venue)
    crowd = generate(world, accounts, seed)
    return Stage(world, crowd, makers(world, crowd), seed)


def _twin_limits(stage: Stage, batch: int) -> Limits:
    """Room for what the twin is sent: a pool, entries and an order a command at most."""
    most, commands = engine_limits(stage), TWIN_COMMANDS + batch
    return most._replace(
        pools=min(most.pools, commands), entries=min(most.entries, 64 * commands), orders=min(most.orders, commands)
    )


def engine_limits(stage: Stage) -> Limits:
    """The table sizes of a run's engine; a store's engine must have the same."""
    return limits(stage.pools, stage.world.things)
