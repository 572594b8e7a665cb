"""The report of a replay as tables: figures by hour and instrument, losses, worst accounts, laws, the state hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solvent.cli.output import console, table

Form = dict[str, Any]
LAST = ("laws", "conservation", "state_hash")


def print_replay(report: Form) -> None:
    """Print every part of a replay's report, the laws and the state hash last."""
    screen = console()
    figures = {name: value for name, value in report.items() if not isinstance(value, Mapping | list)}
    made = table("figure", "")
    for name, value in figures.items():
        if name not in LAST:
            made.add_row(words(name), _cell(value))
    if made.row_count:
        screen.print(made)
    for name, value in report.items():
        if name not in LAST and name not in figures and value:
            screen.print(_part(name, value))
    _print_proof(report)


def words(name: str) -> str:
    """A field's name as a reader says it.

    >>> words("by_hour")
    'by hour'
    """
    return name.replace("_", " ")


def _part(name: str, value: Any) -> Any:
    rows = _rows(value)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    made = table(*(words(column) for column in columns), title=words(name))
    for row in rows:
        made.add_row(*(_cell(row.get(column)) for column in columns))
    return made


def _rows(value: Any) -> list[Form]:
    """A list of objects, an object of objects or a plain object, as rows."""
    if isinstance(value, Mapping):
        if all(isinstance(inner, Mapping) for inner in value.values()):
            return [{"": key, **inner} for key, inner in value.items()]
        return [{"": words(str(key)), "value": inner} for key, inner in value.items()]
    return [dict(row) if isinstance(row, Mapping) else {"": row} for row in value]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{words(str(key))} {_cell(inner)}" for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_cell(inner) for inner in value)
    return str(value)


def _print_proof(report: Form) -> None:
    from solvent.cli.laws import laws_table

    screen = console()
    if report.get("laws"):
        screen.print(laws_table(report["laws"]))
    residuals = report.get("conservation", {})
    if residuals:
        broken = {asset: residual for asset, residual in residuals.items() if int(residual)}
        verdict = f"nothing created or lost in {', '.join(residuals)}" if not broken else f"NOT CONSERVED: {broken}"
        screen.print(f"Conservation: {verdict}", soft_wrap=True)
    if "state_hash" in report:
        screen.print(f"State hash: {report['state_hash']}", soft_wrap=True)
