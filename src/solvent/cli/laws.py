"""The laws as a table, wherever a report has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.cli.output import table


def holds(law: Mapping[str, Any]) -> bool:
    """Whether a law was checked and held every time; ``held`` is a verdict or the number of times.

    >>> holds({"checks": 3, "held": True}), holds({"checks": 3, "held": 2}), holds({"checks": 0, "held": 0})
    (True, False, False)
    """
    held = law["held"]
    return bool(law["checks"]) and (held if isinstance(held, bool) else held == law["checks"])


def laws_table(laws: Mapping[str, Mapping[str, Any]]) -> Any:
    """Every law with how often it was checked and whether it held."""
    made = table("law", "verdict", "checks", words=2)
    for name, law in sorted(laws.items()):
        words = "held" if holds(law) else "[bold red]BROKEN[/]" if law["checks"] else "[bold red]NOT CHECKED[/]"
        made.add_row(name, f"{words} {law.get('detail', '')}".strip(), f"{law['checks']:,}")
    return made
