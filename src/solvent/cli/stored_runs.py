"""A replay with or without a journal: what the command line asks for, put together from simulation and journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

from solvent.cli.failures import InputError
from solvent.cli.replaying import Progress, RunOptions
from solvent.journal.durable import DurableEngine
from solvent.journal.source import EngineSource, engine_source
from solvent.journal.sqlite import SqliteJournal
from solvent.simulation.driver import Past, ResumeError, Store
from solvent.simulation.replay import engine_limits, replay, stage_of
from solvent.simulation.report import Report
from solvent.simulation.world import venues


def run(options: RunOptions, progress: Progress | None = None) -> Report:
    """Run a replay; with a journal every batch is on disk before its events are used, and a stopped run can go on.

    Raises
    ------
    InputError
        The journal is there already (without ``resume``), is not there (with it), or was made by another run.

    """
    if options.journal is None:
        return _replayed(options, None, iter(()), progress)
    if options.journal.exists() != options.resume:
        found = "there is no such file" if options.resume else "the file exists already"
        raise InputError(f"--journal {options.journal}: {found}; --resume goes on from a journal that exists")
    source = _source(options)
    make = DurableEngine.open if options.resume else DurableEngine.create
    with make(options.journal, source) as durable:
        try:
            return _replayed(options, cast("Store", durable), kept(options.journal), progress)
        except ResumeError as error:
            raise InputError(f"--journal {options.journal}: {error}") from None


def _source(options: RunOptions) -> EngineSource:
    stage = stage_of(options.dataset, options.accounts, options.seed, options.venue)
    return engine_source(
        venues(options.venue),
        limits=engine_limits(stage),
        threads=options.threads,
        screen=options.screen,
        bands=options.bands,
    )


def kept(journal: Path) -> Iterator[Past]:
    """The batches a journal holds and their events, oldest first."""
    with closing(SqliteJournal.read(journal)) as reader:
        for stored in reader.batches():
            yield Past(stored.batch(), stored.records())


def _replayed(options: RunOptions, store: Store | None, past: Iterator[Past], progress: Progress | None) -> Report:
    return replay(
        options.dataset,
        options.accounts,
        options.seed,
        options.venue,
        options.batch,
        options.threads,
        options.screen,
        bands=options.bands,
        store=store,
        past=past,
        stop_after=options.stop_after,
        brute_force=options.brute_force,
        progress=progress,
    )
