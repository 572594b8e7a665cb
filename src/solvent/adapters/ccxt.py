"""Accounts in ccxt's unified structures, whatever exchange they come from, as books.

A message is one object with what was fetched under the name of its method (``balance``, ``positions``, ``tickers``,
``leverage_tiers``, ``open_orders``, ``markets``; ``fetchBalance`` and ``fetch_balance`` do as well) and the exchange's
id under ``exchange``; or one of those structures alone. Numbers are JSON numbers or text. What a position cost is its
worth at its own mark less its stated unrealised profit, else contracts × contract size × entry price.

Whether the ``total`` of a balance has unrealised profit in it differs by exchange; for exchanges not in
:data:`EXCHANGES` say it under ``totals``: ``"wallet"`` (without, the default) or ``"equity"`` (with).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from solvent.adapters.building import built
from solvent.adapters.ccxt_answers import EQUITY, WALLET, Answers, sorted_out
from solvent.adapters.draft import Account, Draft, Held, Listed, Purse, Resting, supplemented
from solvent.adapters.expiry import expiry_ns
from solvent.adapters.fields import Row, refuse
from solvent.adapters.tiers import Tier, marginal, with_facts
from solvent.book import Leg
from solvent.instruments import Payoff
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO, exact
from solvent.venues import numeraire, venue

CROSS = "cross"
# By exchange: its rule set, and what the total of a balance is (read in ccxt 4.5.90).
EXCHANGES: Mapping[str, tuple[str, str]] = {
    "binance": ("binance_usdm", EQUITY),
    "binanceusdm": ("binance_usdm", EQUITY),
    "binancecoinm": ("binance_coinm", EQUITY),
    "bybit": ("bybit_uta", WALLET),
    "hyperliquid": ("hyperliquid", EQUITY),
    "okx": ("okx_multi", EQUITY),
}
OTHER = ("generic", WALLET)
# In these rule sets every asset stands for itself.
APART = frozenset({"binance_usdm", "binance_usdm_2021", "binance_coinm", "okx"})
SYMBOL = re.compile(r"([^/:]+)/([^/:]+):([^/:-]+)(?:-([0-9]{6}))?")
OPTION = re.compile(r"[^/:]+/[^/:]+:[^/:-]+-[0-9]{6}-[0-9.]+-[CP]")


@exact
def read(messages: Sequence[Any], rules: str | None = None) -> Account:
    """The account of decoded structures: ``cross`` in the rule set's numeraire, or a pool an asset (``cross-USDT``).

    Parameters
    ----------
    messages
        Decoded; see the module.
    rules
        The name of the rule set; otherwise that of the exchange, and ``generic`` where none is known.

    Raises
    ------
    BookError
        A structure is none of those known, a field is missing or of another kind, an option is held, or a mark or
        price is missing; also for dYdX, whose totals need its own answers.

    Examples
    --------
    >>> position = {"symbol": "BTC/USDT:USDT", "side": "short", "contracts": 0.5, "contractSize": 1, "leverage": 10}
    >>> position = {name: str(value) for name, value in position.items()}
    >>> position |= {"markPrice": "61000", "unrealizedPnl": "-500", "marginMode": "cross"}
    >>> book, market, name = read([{"balance": {"total": {"USDT": "9000"}}, "positions": [position]}])
    >>> book.holding("cross").positions[0].cost, name
    (-3000000000000, 'generic')

    """
    draft = Draft()
    answers = sorted_out(supplemented(messages, draft))
    if answers.exchange == "dydx":
        refuse("exchange", answers.exchange, "another one: dYdX's own answers are read with the adapter dydx")
    known, meant = EXCHANGES.get(answers.exchange or "", OTHER)
    name, totals = rules or known, answers.totals or meant
    for row in answers.tickers:
        _ticker(row, answers, draft)
    for row in answers.balances:
        draft.time_ns = max(draft.time_ns, row.time_ns("timestamp"))
        for asset, amount in _totals(row).items():
            _purse(draft, asset, name).add(asset, amount)
    hedged = _hedged(answers.positions)
    isolated: dict[tuple[str, Leg], Purse] = {}
    for row in answers.positions:
        if row.number_or("contracts"):
            _position(row, answers, draft, (name, totals), hedged, isolated)
    for row in answers.orders:
        _order(row, answers, draft, name, hedged, isolated)
    book, market = built(draft)
    return Account(book, market, name)


@exact
def account_rules(messages: Sequence[Any], base: VenueRules | None = None) -> VenueRules:
    """The rule set with the leverage tiers of the message, as marginal tiers of notional. Errors as :func:`read`.

    Examples
    --------
    >>> tier = {"minNotional": "0", "maintenanceMarginRate": "0.01", "maxLeverage": "50"}
    >>> rules = account_rules([{"leverage_tiers": {"BTC/USDT:USDT": [tier]}}])
    >>> rules.margin.own["BTC/USDT:USDT"].brackets[0].max_leverage
    50

    """
    answers = sorted_out(supplemented(messages, Draft()))
    name, _ = EXCHANGES.get(answers.exchange or "", OTHER)
    own = {}
    for symbol, given in answers.tiers.items():
        tiers = [
            Tier(one.number("minNotional"), one.number("maintenanceMarginRate"), one.leverage("maxLeverage") or 1)
            for one in given
        ]
        own[symbol] = marginal(tiers, f"leverage_tiers.{symbol}")
    return with_facts(base or venue(name), own)


def _totals(row: Row) -> dict[str, Decimal]:
    """Total by asset, less what is owed beyond a total that is negative by itself."""
    totals = row.inside("total")
    debts = row.inside("debt") if row.filled("debt") else Row({})
    found = {}
    for asset in totals.given:
        total = totals.number_or(asset)
        found[asset] = total - max(ZERO, debts.number_or(asset) - max(ZERO, -total))
    return found


def _purse(draft: Draft, asset: str, rules: str) -> Purse:
    return draft.purse(f"{CROSS}-{asset}", asset) if rules in APART else draft.purse(CROSS, numeraire(rules))


def _ticker(row: Row, answers: Answers, draft: Draft) -> None:
    symbol = row.text("symbol")
    if OPTION.fullmatch(symbol):
        return
    if ":" not in symbol:
        base, _, quote = symbol.partition("/")
        price = row.price("last", "close")
        if price is not None:
            draft.index[base, quote] = price
        return
    one = _listed(row, answers)
    mark, index = row.price("markPrice", "mark"), row.price("indexPrice")
    if mark is not None:
        draft.marks.setdefault(symbol, mark)
    if index is not None:
        draft.index.setdefault((one.underlying, one.quote), index)


def _hedged(positions: Sequence[Row]) -> frozenset[str]:
    """Symbols whose two sides are held apart."""
    sides: dict[str, set[Any]] = {}
    flagged = set()
    for row in positions:
        if row.number_or("contracts"):
            sides.setdefault(row.text("symbol"), set()).add(row.given.get("side"))
            flagged |= {row.text("symbol")} if row.flag("hedged") else set()
    return frozenset(flagged | {symbol for symbol, found in sides.items() if len(found) > 1})


def _position(
    row: Row,
    answers: Answers,
    draft: Draft,
    meant: tuple[str, str],
    hedged: frozenset[str],
    isolated: dict[tuple[str, Leg], Purse],
) -> None:
    one = _listed(row, answers)
    draft.listed[one.symbol] = one
    long = row.choice("side", "long", "short") == "long"
    mark, profit = row.price("markPrice"), row.maybe("unrealizedPnl")
    if mark is not None:
        draft.marks[one.symbol] = mark
    leg = Leg.NET if one.symbol not in hedged else Leg.LONG if long else Leg.SHORT
    size = abs(row.number("contracts"))
    held = Held(
        one.symbol, size if long else -size, row.place, mark, profit, None, row.price("entryPrice"), leg,
        row.leverage("leverage"),
    )  # fmt: skip
    parent = _purse(draft, one.settle, meant[0])
    if meant[1] == EQUITY:
        parent.add(one.settle, -(row.number("unrealizedPnl") if profit is None else profit))
    if not row.filled("marginMode") or row.choice("marginMode", "cross", "isolated") == "cross":
        parent.positions.append(held)
        return
    margin = row.number("collateral") - (profit or ZERO)
    parent.add(one.settle, -margin)
    isolated[one.symbol, leg] = draft.isolated(parent, held, margin)


def _order(
    row: Row,
    answers: Answers,
    draft: Draft,
    rules: str,
    hedged: frozenset[str],
    isolated: Mapping[tuple[str, Leg], Purse],
) -> None:
    symbol = row.text("symbol")
    triggered = row.filled("triggerPrice") or row.filled("stopPrice")
    if ":" not in symbol or triggered or row.given.get("type", "limit") != "limit" or not row.number_or("remaining"):
        return
    one = _listed(row, answers)
    draft.listed[one.symbol] = one
    buy, reduces = row.choice("side", "buy", "sell") == "buy", row.flag("reduceOnly")
    leg = Leg.NET if symbol not in hedged else Leg.LONG if buy is not reduces else Leg.SHORT
    left = row.number("remaining")
    purse = isolated.get((symbol, leg)) or _purse(draft, one.settle, rules)
    order = Resting(row.text("id"), symbol, left if buy else -left, row.positive("price"), row.place, leg, reduces)
    purse.orders.append(order)


def _listed(row: Row, answers: Answers) -> Listed:
    """The contract of a unified symbol; the size of a contract from its market, else from the position."""
    symbol = row.text("symbol")
    found = SYMBOL.fullmatch(symbol)
    if found is None:
        row.refuse(
            "symbol", "a perpetual or future such as BTC/USDT:USDT or BTC/USDT:USDT-261225: options are not read"
        )
    base, quote, settle, day = found.groups()
    market = answers.markets.get(symbol, row)
    sizes = [one.positive("contractSize") for one in (market, *answers.positions)
             if one.given.get("symbol") == symbol and one.filled("contractSize")]  # fmt: skip
    expiry = None if day is None else expiry_ns(day, row.path("symbol"))
    payoff = Payoff.LINEAR if settle == quote else Payoff.INVERSE if settle == base else Payoff.QUANTO
    if payoff is Payoff.QUANTO:
        row.refuse("symbol", "a linear or inverse contract: quanto ones are not read")
    return Listed(symbol, base, quote, settle, payoff, sizes[0] if sizes else ONE, expiry_ns=expiry)
