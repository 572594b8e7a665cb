"""The support matrix: every rule set, what it covers, since when, and what is known to be missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvent import venues
from solvent.cli.output import console, table
from solvent.instruments import Payoff
from solvent.rules import Loss, VenueRules

Form = dict[str, Any]


def rows() -> list[Form]:
    """One object a rule set, in order of name.

    >>> [row["venue"] for row in rows() if row["modes"] == ["isolated"]]
    ['gmx_v2', 'gmx_v2_dollar']
    """
    return [_row(name, venues.venue(name)) for name in venues.names()]


def _row(name: str, rules: VenueRules) -> Form:
    able = rules.capabilities
    payoffs: frozenset[Payoff] = getattr(rules.margin, "payoffs", frozenset())
    return {
        "venue": name,
        "title": rules.title,
        "effective_from": rules.effective_from.isoformat(),
        "numeraire": venues.numeraire(name),
        "instruments": sorted(able.instruments),
        "payoffs": sorted(payoff.value for payoff in payoffs),
        "modes": sorted(mode.value for mode in able.modes),
        "legs": sorted(legs.value for legs in able.legs),
        "account_classes": sorted(able.account_classes),
        "liquidation": rules.liquidation.plan.value,
        "losses": [stage.value for stage in rules.losses.stages if isinstance(stage, Loss)],
        "refused": dict(sorted(able.refused.items())),
        "gaps": list(able.gaps),
        "sources": [
            {
                "address": one.address,
                "effective_from": one.effective_from.isoformat() if one.effective_from is not None else None,
                "note": one.note,
            }
            for one in rules.sources
        ],
    }


def print_rows(found: Iterable[Form]) -> None:
    """Print the matrix, then what each rule set refuses and what is missing."""
    screen, listed = console(), list(found)
    made = table("rule set", "rules of", "judged in", "instruments", "payoffs", "modes", "legs", words=7)
    for row in listed:
        lists = (", ".join(row[key]) for key in ("instruments", "payoffs", "modes", "legs"))
        made.add_row(row["venue"], row["effective_from"], row["numeraire"], *lists)
    screen.print(made)
    for row in listed:
        screen.print(f"[bold]{row['venue']}[/]: {row['title']}")
        for what, why in row["refused"].items():
            screen.print(f"  refused: {what} ({why})", soft_wrap=True)
        for gap in row["gaps"]:
            screen.print(f"  gap: {gap}", soft_wrap=True)


def markdown(found: Iterable[Form]) -> str:
    """The matrix and its details as Markdown."""
    listed = list(found)
    lines = [
        "| rule set | rules of | judged in | instruments | payoffs | modes | legs | losses after equity |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in listed:
        lists = (", ".join(row[key]) for key in ("instruments", "payoffs", "modes", "legs", "losses"))
        lines.append(f"| `{row['venue']}` | {row['effective_from']} | {row['numeraire']} | {' | '.join(lists)} |")
    for row in listed:
        lines += ["", f"## {row['venue']}: {row['title']}", ""]
        lines += [f"- Refused: {what}, because: {why}." for what, why in row["refused"].items()]
        lines += [f"- Gap: {gap}." for gap in row["gaps"]]
        for one in row["sources"]:
            since = f" (from {one['effective_from']})" if one["effective_from"] else ""
            note = f": {one['note']}" if one["note"] else ""
            lines.append(f"- Source: {one['address']}{since}{note}")
    return "\n".join(lines)
