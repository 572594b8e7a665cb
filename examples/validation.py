"""How margins cover real days, book by book and model by model, and what tools against procyclicality change.

``python examples/validation.py`` prints the two tables of docs/validation.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from solvent.research.measured import Measured, by_book, by_tool

HEAD = (
    "mean margin",
    "days covered",
    "breaches",
    "count p",
    "independence p",
    "zones",
    "peak ÷ trough",
    "rise, 1 day",
    "rise, 5 days",
)


def rows(found: Iterable[Measured], first: tuple[str, ...]) -> str:
    """One table in Markdown; ``first`` are the heads of the columns that name a row."""
    heads = (*first, *HEAD)
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for one in found:
        one_day, five_days = one.found.moves
        cells = (
            *((one.book, one.model) if len(first) == 2 else (one.model,)),
            f"{one.found.mean:,.0f}",
            f"{100 * one.found.covered:.2f} %",
            f"{one.found.breaches} of {one.found.days:,}",
            f"{one.found.number.probability:.3f}",
            f"{one.found.independence.probability:.3f}",
            "/".join(map(str, one.found.zones)),
            f"{one_day.peak_to_trough:.1f}",
            f"{100 * one_day.largest_rise:.0f} %",
            f"{100 * five_days.largest_rise:.0f} %",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def tables() -> tuple[str, str]:
    """Books by models, and tools."""
    return rows(by_book(), ("book", "model")), rows(by_tool(), ("tool",))


if __name__ == "__main__":
    print("\n\n".join(tables()))
