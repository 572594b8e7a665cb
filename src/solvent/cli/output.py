"""Where commands print: JSON as it is, tables through rich at the terminal's width."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_COLUMNS = 140


def print_json(value: Any) -> None:
    """Indented JSON, in the order of the fields."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def console() -> Console:
    """The terminal; a pipe has no width of its own and gets a generous one."""
    from rich.console import Console

    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if wide else PIPE_COLUMNS)


def table(*columns: str, title: str = "", words: int = 1) -> Table:
    """A table without frames: the first ``words`` columns are words, the rest figures on the right."""
    from rich import box
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        wordy = place < words
        made.add_column(column, justify="left" if wordy else "right", overflow="fold", no_wrap=not (wordy and place))
    return made
