"""The answer of ``solvent compare``: one portfolio under every venue that covers it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from solvent import venues
from solvent.book_json import decode_book
from solvent.cli.failures import InputError
from solvent.cli.figures import ABSENT, shown, text
from solvent.cli.output import console, table
from solvent.comparison import Row, compare
from solvent.rules import Path
from solvent.units import shifted

Form = dict[str, Any]
SYMBOLS_A_TABLE = 6
PATHS = {path.value: path for path in Path}


def answer_form(data: bytes, names: Sequence[str] | None, path: str | None = None) -> Form:
    """The comparison of a book file as a plain object; exact decimals as text (docs/cli.md).

    >>> from solvent.book_json import encode_book
    >>> from solvent.samples import two_positions
    >>> found = answer_form(encode_book(*two_positions()), ["generic"])
    >>> found["venues"][0]["venue"], found["venues"][0]["binding"]["subject"]
    ('generic', 'ETHUSDT')
    """
    for name in names or ():
        if name not in venues.names():
            raise InputError(f"--venues: got {name!r}, expected some of {', '.join(venues.names())}")
    if path is not None and path not in PATHS:
        raise InputError(f"--path: got {path!r}, expected one of {', '.join(PATHS)}")
    file = decode_book(data)
    found = compare(file.book, file.market, names, None if path is None else PATHS[path])
    return {
        "solvent": 1,
        "venues": [_row(row) for row in found.rows],
        "refused": [{"venue": one.venue, "reason": one.reason} for one in found.refused],
    }


def _row(row: Row) -> Form:
    explained, total = row.explanation, row.found
    return {
        "venue": row.venue,
        "title": row.title,
        "pool": row.pool,
        "numeraire": row.numeraire,
        "value": text(total.value),
        "margin_equity": text(total.margin_equity),
        "required": text(total.required),
        "used": None if row.used is None else text(row.used),
        "ratio": {"name": explained.ratio_name, "value": _maybe(explained.ratio)},
        "state": explained.state,
        "free": text(row.free),
        "leverage": _maybe(explained.leverage),
        "binding": None
        if total.binding is None
        else {
            "kind": total.binding.kind,
            "subject": total.binding.subject,
            "required": text(total.binding.required),
        },
        "liquidation_prices": {symbol: _maybe(one.displayed) for symbol, one in row.prices.items()},
        "why": list(explained.sentences),
    }


def _maybe(number: Decimal | None) -> str | None:
    return None if number is None else text(number)


def print_comparison(found: Form, *, explain: bool) -> None:
    """Print the venues, least used first, their liquidation prices, what binds, and who does not cover the book."""
    screen = console()
    rows = found["venues"]
    if rows:
        screen.print(_totals(rows))
        symbols = list(dict.fromkeys(symbol for row in rows for symbol in row["liquidation_prices"]))
        for first in range(0, len(symbols), SYMBOLS_A_TABLE):
            screen.print(_prices(rows, symbols[first : first + SYMBOLS_A_TABLE]))
    if explain:
        for row in rows:
            screen.print(f"\n[bold]{row['venue']}[/], pool {row['pool']}: {row['title']}")
            for line in row["why"]:
                screen.print(f"  {line}", soft_wrap=True)
    elif rows:
        screen.print("Each venue counts in its own dollar, taken at par. --explain says line by line why they differ.")
    for one in found["refused"]:
        screen.print(f"not covered by {one['venue']}: {one['reason']}", soft_wrap=True)


def _totals(rows: Sequence[Form]) -> Any:
    columns = ("used", "value", "margin equity", "required", "free to trade", "leverage", "own ratio", "what binds")
    several = len({row["pool"] for row in rows}) > 1
    made = table("venue", *columns)
    for row in rows:
        used = ABSENT if row["used"] is None else f"{shown(shifted(Decimal(row['used']), 2))} %"
        figures = (shown(Decimal(row[key])) for key in ("value", "margin_equity", "required", "free"))
        ratio = row["ratio"]["value"]
        made.add_row(
            f"{row['venue']}, {row['pool']}" if several else row["venue"],
            used,
            *figures,
            ABSENT if row["leverage"] is None else f"{shown(Decimal(row['leverage']))} ×",
            ABSENT if ratio is None else shown(Decimal(ratio), 4),
            ABSENT if row["binding"] is None else row["binding"]["subject"] or row["binding"]["kind"],
        )
    return made


def _prices(rows: Sequence[Form], symbols: Sequence[str]) -> Any:
    made = table("liquidation price", *symbols)
    for row in rows:
        made.add_row(row["venue"], *(_price(row["liquidation_prices"].get(symbol)) for symbol in symbols))
    return made


def _price(displayed: str | None) -> str:
    return ABSENT if displayed is None else f"{Decimal(displayed):,f}"
