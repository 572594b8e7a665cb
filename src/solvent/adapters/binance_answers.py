"""Which of Binance's answers is which, by the fields their rows have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from solvent.adapters.fields import Row, refuse, rows
from solvent.book import BookError

KNOWN = (
    "an answer of account, balance, positionRisk, premiumIndex, leverageBracket, openOrders, exchangeInfo, "
    "symbolConfig, assetIndex or multiAssetsMargin"
)


@dataclass(slots=True)
class Answers:
    """Rows of all answers by what they say; positions by symbol and side, the richer answer over the poorer."""

    balances: dict[str, Row] = field(default_factory=dict)
    positions: dict[tuple[str, str], Row] = field(default_factory=dict)
    premiums: list[Row] = field(default_factory=list)
    brackets: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    asset_index: list[Row] = field(default_factory=list)
    settings: dict[str, Row] = field(default_factory=dict)
    symbols: dict[str, Row] = field(default_factory=dict)
    multi_assets: bool = False
    portfolio: bool = False
    usdm: bool = False
    coinm: bool = False
    time_ns: int = 0
    repeated: Row | None = None

    def balance_of(self, row: Row) -> None:
        """Keep a balance: that of portfolio margin holds the futures wallets, an account is richer than a balance."""
        asset = row.text("asset")
        had = self.balances.get(asset)
        if had is None or _richness(row) > _richness(had):
            self.balances[asset] = row
        elif _richness(row) == _richness(had):
            self.repeated = row

    def position(self, row: Row) -> None:
        """Keep a position; of two answers on one leg the fields of the one with a mark win, and its place."""
        key = (row.text("symbol"), str(row.given.get("positionSide", "BOTH")))
        had = self.positions.get(key)
        if had is not None:
            first, second = (had, row) if row.has("markPrice") else (row, had)
            row = Row({**first.given, **second.given}, second.place)
        self.positions[key] = row


def sorted_out(messages: Sequence[Any]) -> Answers:
    """Every row of every answer in its place; :class:`~solvent.book.BookError` for a row of none of them.

    Examples
    --------
    >>> found = sorted_out([[{"symbol": "BTCUSDT", "markPrice": "1", "indexPrice": "1"}]])
    >>> found.premiums[0].place
    'message[0][0]'

    """
    answers = Answers()
    for k, message in enumerate(messages):
        for row in rows(message, f"message[{k}]"):
            answers.time_ns = max(answers.time_ns, row.time_ns("time", "serverTime", "updateTime"))
            _sort(row, answers)
    if answers.usdm and answers.coinm and not answers.portfolio:
        raise BookError("message: accounts of USD-M and of COIN-M, expected one wallet at a time")
    if answers.repeated is not None and answers.repeated.has("umWalletBalance") is answers.portfolio:
        answers.repeated.refuse("asset", "the balance of each asset once")
    return answers


def _sort(row: Row, answers: Answers) -> None:
    if row.has("assets", "positions"):
        for one in row.rows("assets"):
            answers.balance_of(one)
        answers.multi_assets |= row.flag("multiAssetsMargin")
        answers.usdm |= row.has("totalWalletBalance")
        answers.coinm |= not row.has("totalWalletBalance")
        for one in row.rows("positions"):
            if one.filled("positionAmt"):
                answers.position(one)
    elif row.has("symbols"):
        answers.symbols |= {one.text("symbol"): one for one in row.rows("symbols")}
    elif row.has("uniMMR") or row.has("umWalletBalance"):
        answers.portfolio = True
        if row.has("umWalletBalance"):
            answers.balance_of(row)
    elif row.has("multiAssetsMargin"):
        answers.multi_assets |= row.flag("multiAssetsMargin")
    else:
        _sort_row(row, answers)


def _sort_row(row: Row, answers: Answers) -> None:
    if row.has("positionAmt", "symbol"):
        answers.position(row)
    elif row.has("markPrice", "symbol"):
        answers.premiums.append(row)
    elif row.has("brackets"):
        answers.brackets.append(row)
    elif row.has("orderId"):
        answers.orders.append(row)
    elif row.has("asset", "crossWalletBalance"):
        answers.balance_of(row)
    elif row.has("index", "symbol"):
        answers.asset_index.append(row)
    elif row.has("symbol", "leverage"):
        answers.settings[row.text("symbol")] = row
    else:
        refuse(row.place, dict(row.given), KNOWN)


def _richness(row: Row) -> tuple[bool, bool]:
    return row.has("umWalletBalance"), row.has("marginBalance")
