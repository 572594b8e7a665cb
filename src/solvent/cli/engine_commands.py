"""Commands on the engine: ``replay``, ``journal verify``, ``journal show`` and ``bench``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from solvent.cli.account_commands import JSON


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@click.command()
@click.argument("dataset")
@click.option("--accounts", type=click.IntRange(min=1), default=20_000, show_default=True, help="Accounts to generate.")
@click.option("--seed", type=int, default=7, show_default=True, help="Seed of everything that is drawn.")
@click.option("--venue", metavar="V", default="generic", show_default=True, help="Rule set to judge by.")
@click.option("--batch", type=click.IntRange(min=1), default=1_000, show_default=True, help="Commands in a batch.")
@click.option(
    "--threads",
    type=click.IntRange(1, 2),
    default=lambda: min(2, processors()),
    show_default="2, or 1 on a single processor",
    help="Threads of the scan.",
)
@click.option(
    "--screen/--no-screen", default=True, show_default=True, help="Proved float screen before exact verdicts."
)
@click.option("--bands/--no-bands", default=False, show_default=True, help="Safe price bands before the scan.")
@click.option("--journal", "journal_file", type=click.Path(path_type=Path), help="Keep a durable journal in this file.")
@click.option("--stop-after", type=click.IntRange(min=1), metavar="N", help="Stop after N batches.")
@click.option("--resume", is_flag=True, help="Go on from the end of the journal.")
@click.option("--brute-force", is_flag=True, help="Check every epoch by an exact scan of all pools, and by ring 1.")
@JSON
def replay(
    dataset: str,
    accounts: int,
    seed: int,
    venue: str,
    batch: int,
    threads: int,
    screen: bool,
    bands: bool,
    journal_file: Path | None,
    stop_after: int | None,
    resume: bool,
    brute_force: bool,
    as_json: bool,
) -> int:
    """A real market window through the engine with a generated population; every law is checked."""
    from solvent.cli.replaying import RunOptions, run_replay

    options = RunOptions(
        dataset, accounts, seed, venue, batch, threads, screen, journal_file, stop_after, resume, brute_force, bands
    )
    return run_replay(options, as_json=as_json)


@click.group()
def journal() -> None:
    """A journal: replay and prove it, or look at one pool at one moment."""


@journal.command()
@click.argument("file", type=click.Path(path_type=Path))
@JSON
def verify(file: Path, as_json: bool) -> int:
    """Replay a journal from its start and check every link, event, snapshot and law; 1 when anything is wrong."""
    from solvent.cli.journals import print_verified, verified

    report = verified(file)
    if as_json:
        from solvent.cli.output import print_json

        print_json(report)
    else:
        print_verified(report)
    return 0 if report["good"] else 1


@journal.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--pool", metavar="ID", required=True, help="The pool: its number, with or without a P before it.")
@click.option("--seq", metavar="N", required=True, type=click.IntRange(min=0), help="Number of the last batch seen.")
@click.option("--json", "as_json", is_flag=True, help="The book file is JSON in any case.")
def show(file: Path, pool: str, seq: int, as_json: bool) -> None:
    """Book, market and rules of a pool right after batch N, as the book file that solvent margin reads."""
    del as_json
    from solvent.cli.journals import shown_book

    click.echo(shown_book(file, pool, seq))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--full", is_flag=True, help="The whole workload instead of a short one.")
@click.option("--write", "page", type=click.Path(path_type=Path), metavar="FILE", help="A page of the figures as well.")
@JSON
def bench(names: tuple[str, ...], full: bool, page: Path | None, as_json: bool) -> None:
    """The benchmarks, each as a ratio to a limit or a peer measured in the same run."""
    from solvent.cli.benches import measured, print_measured

    rows = measured(names, full=full, page=page)
    if as_json:
        from solvent.cli.output import print_json

        print_json(rows)
    else:
        print_measured(rows)
