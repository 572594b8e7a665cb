"""Which of ccxt's unified structures is which: by the name of its method, else by the fields its rows have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from solvent.adapters.fields import Row, each, refuse, rows

WALLET, EQUITY = "wallet", "equity"
PARTS = ("balance", "positions", "tickers", "leverage_tiers", "open_orders", "markets", "exchange", "totals")
SPELT = {"mark_prices": "tickers", "marks": "tickers", "orders": "open_orders", "tiers": "leverage_tiers"}
KNOWN = f"an object with {', '.join(PARTS[:6])}, or one of these structures"


@dataclass(slots=True)
class Answers:
    """Rows of all structures by what they say."""

    balances: list[Row] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)
    tickers: list[Row] = field(default_factory=list)
    tiers: dict[str, list[Row]] = field(default_factory=dict)
    orders: list[Row] = field(default_factory=list)
    markets: dict[str, Row] = field(default_factory=dict)
    exchange: str | None = None
    totals: str | None = None


def sorted_out(messages: Sequence[Any]) -> Answers:
    """Every structure in its place; :class:`~solvent.book.BookError` for what is none of them.

    Examples
    --------
    >>> sorted_out([{"exchange": "bybit", "fetchPositions": [{"symbol": "A", "contracts": 0}]}]).positions[0].place
    'message[0].fetchPositions[0]'

    """
    answers = Answers()
    for k, message in enumerate(messages):
        place = f"message[{k}]"
        parts = {_part(name): name for name in message} if isinstance(message, dict) else {}
        if parts and set(parts) <= set(PARTS):
            for part, name in parts.items():
                _sort(part, message[name], f"{place}.{name}", answers)
        elif message not in ([], {}):
            _sort(_shape(message, place), message, place, answers)
    return answers


def _part(name: str) -> str:
    """``fetchLeverageTiers`` and ``fetch_leverage_tiers`` as ``leverage_tiers``."""
    plain = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower().removeprefix("fetch_")
    return SPELT.get(plain, plain)


def _shape(message: Any, place: str) -> str:
    """Which structure a message without names is, by the fields it has."""
    if isinstance(message, Mapping) and "total" in message:
        return "balance"
    if not isinstance(message, Mapping | list):
        refuse(place, message, KNOWN)
    first: Any = next(iter(message.values() if isinstance(message, Mapping) else message), None)
    if isinstance(first, list):
        return "leverage_tiers"
    row = first if isinstance(first, Mapping) else {}
    for part, marked in (("markets", "base"), ("positions", "contracts"), ("open_orders", "remaining")):
        if marked in row:
            return part
    return "tickers" if "symbol" in row else refuse(place, message, KNOWN)


def _sort(part: str, value: Any, place: str, answers: Answers) -> None:
    if part in {"exchange", "totals"}:
        found = Row({part: value}, place.rpartition(".")[0])
        if part == "exchange":
            answers.exchange = found.text(part)
        else:
            answers.totals = found.choice(part, WALLET, EQUITY)
    elif part == "balance":
        answers.balances += rows(value, place)
    elif part == "leverage_tiers":
        tables = Row(value, place) if isinstance(value, Mapping) else refuse(place, value, "an object by symbol")
        answers.tiers |= {symbol: tables.rows(symbol) for symbol in tables.given}
    else:
        found_rows = [one for _, one in each(value, place)] if isinstance(value, Mapping) else rows(value, place)
        if part == "markets":
            answers.markets |= {one.text("symbol"): one for one in found_rows}
        else:
            {"positions": answers.positions, "tickers": answers.tickers, "open_orders": answers.orders}[part].extend(
                found_rows
            )
