"""What three books tie up under isolated, cross and portfolio margin, and how many real days that would have covered.

``python examples/capital.py`` prints the table of the README. Every figure is computed from the book files beside this
one, the rule sets ``generic_pm`` and ``greeks``, and the daily prices that ship with the package.
"""

from __future__ import annotations

from pathlib import Path

from solvent.book_json import load_book
from solvent.research.capital import compared

BOOKS = ("iron_condor", "delta_neutral_wrong_way", "cash_and_carry")
HEAD = ("book", "margin", "rules", "capital (USDT)", "days covered", "breaches", "worst day")


def table() -> str:
    """The table, in Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|---|---|---|---|---|---|"]
    for name in BOOKS:
        file = load_book(Path(__file__).parent / f"{name}.json")
        for one in compared(file.book, file.market):
            cells = (
                name,
                one.mode.value,
                f"`{one.venue}`",
                f"{one.capital:,.0f}",
                f"{100 * one.covered:.2f} %",
                f"{one.breaches} of {one.days:,}",
                f"{one.worst:,.0f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
