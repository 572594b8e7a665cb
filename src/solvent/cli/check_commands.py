"""Commands that say what is covered and whether it is right: ``conform`` and ``venues``."""

from __future__ import annotations

from pathlib import Path

import click

from solvent.cli.account_commands import JSON


@click.command()
@click.argument("paths", metavar="FILE_OR_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@JSON
def conform(paths: tuple[Path, ...], as_json: bool) -> int:
    """Vector files through the public API: passed, failed and unsupported by venue and kind; 1 on any failure."""
    from solvent.conformance import conform as run_files

    report = run_files(paths)
    if as_json:
        from solvent.cli.output import print_json

        print_json(report.as_json())
    else:
        from solvent.cli.conform_tables import print_report

        print_report(report)
    return 0 if report.passed else 1


@click.command()
@JSON
@click.option("--markdown", is_flag=True, help="Print the page that docs/venues.md shows.")
def venues(as_json: bool, markdown: bool) -> None:
    """The support matrix: what each rule set covers, since when its rules hold, and what is known to be missing."""
    from solvent.cli import venue_matrix

    rows = venue_matrix.rows()
    if as_json:
        from solvent.cli.output import print_json

        print_json(rows)
    elif markdown:
        click.echo(venue_matrix.markdown(rows))
    else:
        venue_matrix.print_rows(rows)
