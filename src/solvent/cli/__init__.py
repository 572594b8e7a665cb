"""The program ``solvent``: its commands (docs/cli.md). Reading this file and ``--help`` load nothing heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from solvent import __version__
from solvent.cli.account_commands import compare, margin, what_if
from solvent.cli.check_commands import conform, venues
from solvent.cli.engine_commands import bench, journal, replay
from solvent.cli.failures import is_refusal
from solvent.cli.import_command import import_account
from solvent.cli.stress_command import stress

FAILED, REFUSED, INTERRUPTED = 1, 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def program() -> None:
    """One shared pool of collateral: what an account is worth, what it needs, where it is liquidated, and why."""


for _command in (margin, what_if, compare, stress, import_account, replay, conform, venues, journal, bench):
    program.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the program: 0 when it did what was asked, 1 when a check failed, 2 for bad input.

    Bad input is answered with one line on stderr that names the place, what was given and what was expected.
    """
    try:
        code = program.main(args=arguments, prog_name="solvent", standalone_mode=False)
    except click.exceptions.Abort:
        _end("interrupted", INTERRUPTED)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "solvent"
        _end(f"{error.format_message()} (see {command} --help)", REFUSED)
    except click.ClickException as error:
        _end(error.format_message(), REFUSED)
    except BrokenPipeError:  # the reader had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:
        if not is_refusal(error):
            raise
        _end(f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error), REFUSED)
    sys.exit(code or 0)


def _end(text: str, code: int) -> NoReturn:
    click.echo(f"solvent: {' '.join(text.split())}", err=True)
    sys.exit(code)
