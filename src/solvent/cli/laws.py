"""The laws as a table, wherever a report has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.cli.output import table


def laws_table(laws: Mapping[str, Mapping[str, Any]]) -> Any:
    """Every law with how often it was checked and whether it held."""
    made = table("law", "verdict", "checks", words=2)
    for law, found in sorted(laws.items()):
        made.add_row(law, "held" if found["held"] else "[bold red]BROKEN[/]", f"{found['checks']:,}")
    return made
