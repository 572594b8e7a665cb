"""Bybit unified trading accounts as books.

Messages are the exchange's answers (v5), whole or their ``result``, in any order: wallet-balance, position list,
tickers, instruments-info, risk-limit, open orders and account info. A coin's cash is its wallet balance less what was
borrowed for spot (a debt of contracts is a negative wallet already) and less the margin of isolated positions. What a
position cost is its worth at its own mark less its stated unrealised profit, else size × entry price, else its position
value. The price of a coin in USD is its stated value ÷ its equity. Options and spot orders are not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from solvent.adapters.building import built
from solvent.adapters.draft import Account, Draft, Held, Listed, Purse, Resting, supplemented
from solvent.adapters.expiry import expiry_ns
from solvent.adapters.fields import Row, refuse, rows
from solvent.adapters.steps import price_of
from solvent.adapters.tiers import Tier, marginal, with_facts
from solvent.book import Leg
from solvent.instruments import Payoff
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO, exact, shifted
from solvent.venues import venue

RULES = "bybit_uta"
CROSS, USD = "cross", "USD"
KNOWN = "an answer of wallet-balance, position list, tickers, instruments-info, risk-limit, open orders or account info"
SYMBOL = re.compile(r"([A-Z0-9]+?)(USDT|PERP|USDC|USD)(?:-?([0-9]{2}[A-Z]{3}[0-9]{2})|([HMUZ])([0-9]{2}))?")
# With a hyphen and no currency a dated contract is in USDC: BTC-26DEC26.
USDC_FUTURE = re.compile(r"([A-Z0-9]+)-([0-9]{1,2}[A-Z]{3}[0-9]{2})")
OPTION = re.compile(r"[A-Z0-9]+-[0-9]{1,2}[A-Z]{3}[0-9]{2}-[0-9.]+-[CP](-USDT)?")
LEGS = {0: Leg.NET, 1: Leg.LONG, 2: Leg.SHORT}


@dataclass(slots=True)
class _Answers:
    coins: list[Row] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)
    tickers: list[Row] = field(default_factory=list)
    instruments: dict[str, Row] = field(default_factory=dict)
    limits: dict[str, list[Row]] = field(default_factory=dict)
    orders: list[Row] = field(default_factory=list)
    isolated: bool = False
    time_ns: int = 0


@exact
def read(messages: Sequence[Any]) -> Account:
    """The account of decoded answers: the pool ``cross`` in USD, and one for each isolated position under it.

    Raises
    ------
    BookError
        An answer is none of those known or an error, a field is missing or of another kind, an option is held, or a
        mark or a price in USD is missing.

    Examples
    --------
    >>> coin = {"coin": "USDT", "walletBalance": "1000", "equity": "1250", "usdValue": "1250", "unrealisedPnl": "250"}
    >>> wallet = {"result": {"list": [{"accountType": "UNIFIED", "coin": [coin]}]}}
    >>> position = {"symbol": "BTCUSDT", "side": "Buy", "size": "0.5", "avgPrice": "50000", "markPrice": "50500"}
    >>> position |= {"unrealisedPnl": "250", "positionIdx": 0, "leverage": "10", "tradeMode": 0}
    >>> book, market, name = read([wallet, {"result": {"category": "linear", "list": [position]}}])
    >>> book.holding("cross").positions[0].cost, name
    (2500000000000, 'bybit_uta')

    """
    draft = Draft()
    answers = _sorted_out(supplemented(messages, draft))
    draft.time_ns = answers.time_ns
    for row in answers.tickers:
        _ticker(row, answers, draft)
    cross = draft.purse(CROSS, USD)
    for row in answers.coins:
        _coin(row, draft, cross)
    isolated: dict[tuple[str, Leg], Purse] = {}
    for row in answers.positions:
        if row.number("size"):
            _position(row, answers, draft, cross, isolated)
    for row in answers.orders:
        _order(row, answers, draft, cross, isolated)
    book, market = built(draft)
    return Account(book, market, RULES)


@exact
def account_rules(messages: Sequence[Any], base: VenueRules | None = None) -> VenueRules:
    """The rule set with the tiers of risk-limit answers. Errors as :func:`read`.

    Examples
    --------
    >>> row = {"symbol": "BTCUSDT", "riskLimitValue": "2000000", "maintenanceMargin": "0.005", "maxLeverage": "100.00"}
    >>> rules = account_rules([{"result": {"category": "linear", "list": [row]}}])
    >>> rules.margin.own["BTCUSDT"].brackets[0].max_leverage
    100

    """
    answers = _sorted_out(supplemented(messages, Draft()))
    own = {}
    for symbol, given in answers.limits.items():
        rising = sorted(given, key=lambda row: row.positive("riskLimitValue"))
        floors = [ZERO, *(row.positive("riskLimitValue") for row in rising[:-1])]
        tiers = [Tier(floor, _share(row), _leverage(row)) for floor, row in zip(floors, rising, strict=True)]
        own[symbol] = marginal(tiers, rising[0].path("maintenanceMargin"))
    return with_facts(base or venue(RULES), own)


def _share(row: Row) -> Decimal:
    """A maintenance rate; older answers have it in percent, and then it is more than the initial rate could be."""
    rate = row.positive("maintenanceMargin")
    return shifted(rate, -2) if rate * _leverage(row) > 1 else rate


def _leverage(row: Row) -> int:
    return row.leverage("maxLeverage") or row.refuse("maxLeverage", "a leverage greater than 0")


def _sorted_out(messages: Sequence[Any]) -> _Answers:
    answers = _Answers()
    for k, message in enumerate(messages):
        for row in rows(message, f"message[{k}]"):
            if row.given.get("retCode", 0) != 0:
                row.refuse("retCode", f"0; the exchange says {row.given.get('retMsg')!r}")
            answers.time_ns = max(answers.time_ns, row.time_ns("time"))
            inside = row.inside("result") if row.has("result") else row
            if inside.has("list"):
                option = inside.given.get("category") == "option"
                for one in inside.rows("list"):
                    _sort(one, answers, inside.given.get("category"))
                    if option and one.has("size") and one.number("size"):
                        one.refuse("symbol", "a perpetual or a future: options are not read")
            else:
                _sort(inside, answers, None)
    return answers


def _sort(row: Row, answers: _Answers, category: Any) -> None:
    if row.has("coin", "accountType"):
        answers.coins += row.rows("coin")
    elif row.has("orderId", "orderStatus"):
        answers.orders += [row] if category != "spot" else []
    elif row.has("positionIdx") or row.has("symbol", "size", "side"):
        answers.positions.append(row)
    elif row.has("riskLimitValue"):
        answers.limits.setdefault(row.text("symbol"), []).append(row)
    elif row.has("baseCoin", "quoteCoin"):
        answers.instruments[row.text("symbol")] = row
    elif row.has("symbol", "lastPrice"):
        answers.tickers.append(row)
    elif row.has("marginMode"):
        answers.isolated |= row.text("marginMode") == "ISOLATED_MARGIN"
    else:
        refuse(row.place, dict(row.given), KNOWN)


def _ticker(row: Row, answers: _Answers, draft: Draft) -> None:
    mark, index = row.price("markPrice"), row.price("indexPrice", "usdIndexPrice")
    if mark is None or OPTION.fullmatch(row.text("symbol")):
        return
    one = _listed(row, answers)
    draft.marks.setdefault(one.symbol, mark)
    if index is not None:
        draft.index[one.underlying, one.quote] = index
    if row.filled("fundingRate"):
        draft.wide["funding_rate", one.symbol] = row.number("fundingRate")


def _coin(row: Row, draft: Draft, cross: Purse) -> None:
    asset = row.text("coin")
    if asset in cross.cash:
        row.refuse("coin", "each coin once")
    cash = row.number("walletBalance") - row.number_or("spotBorrow")
    cross.add(asset, cash)
    equity, value = cash + row.number_or("unrealisedPnl"), row.number_or("usdValue")
    if equity and value:
        price = price_of(value, equity)
        if price <= 0:
            row.refuse("usdValue", f"a value with the sign of the equity {equity}")
        draft.index[asset, USD] = price


def _position(row: Row, answers: _Answers, draft: Draft, cross: Purse, isolated: dict[tuple[str, Leg], Purse]) -> None:
    one = _listed(row, answers)
    draft.listed[one.symbol] = one
    sign = ONE if row.choice("side", "buy", "sell") == "buy" else -ONE
    mark = row.price("markPrice")
    if mark is not None:
        draft.marks[one.symbol] = mark
    value = row.maybe("positionValue") if not row.filled("avgPrice") else None
    held = Held(
        one.symbol,
        sign * row.number("size"),
        row.place,
        mark=mark,
        profit=row.maybe("unrealisedPnl"),
        cost=None if not value else value * (sign if one.payoff is Payoff.LINEAR else -sign),
        entry=row.price("avgPrice", "entryPrice"),
        leg=_leg(row),
        leverage=row.leverage("leverage"),
    )
    if not answers.isolated and row.number_or("tradeMode") == ZERO:
        cross.positions.append(held)
        return
    margin = row.maybe("positionBalance", "positionIM")
    if margin is None:
        row.refuse("positionBalance", "the margin of the isolated position")
    cross.add(one.settle, -margin)
    isolated[one.symbol, held.leg] = draft.isolated(cross, held, margin)


def _leg(row: Row) -> Leg:
    given = row.whole("positionIdx") if row.filled("positionIdx") else 0
    return LEGS[given] if given in LEGS else row.refuse("positionIdx", "0, 1 or 2")


def _order(row: Row, answers: _Answers, draft: Draft, cross: Purse, isolated: Mapping[tuple[str, Leg], Purse]) -> None:
    if row.given.get("orderStatus") not in {"New", "PartiallyFilled"} or row.given.get("orderType", "Limit") != "Limit":
        return
    one, leg = _listed(row, answers), _leg(row)
    sign = ONE if row.choice("side", "buy", "sell") == "buy" else -ONE
    left = row.number("leavesQty") if row.filled("leavesQty") else row.number("qty") - row.number_or("cumExecQty")
    if not left:
        return
    draft.listed[one.symbol] = one
    purse = isolated.get((one.symbol, leg), cross)
    order = Resting(
        row.text("orderId"), one.symbol, sign * left, row.positive("price"), row.place, leg, row.flag("reduceOnly")
    )
    purse.orders.append(order)


def _listed(row: Row, answers: _Answers) -> Listed:
    """The contract of a symbol: from instruments-info, else from how the exchange forms its symbols."""
    symbol = row.text("symbol")
    info = answers.instruments.get(symbol)
    if info is not None:
        return _described(info)
    future = USDC_FUTURE.fullmatch(symbol)
    if future is not None:
        return Listed(symbol, future[1], "USDC", "USDC", expiry_ns=expiry_ns(future[2], row.path("symbol")))
    found = SYMBOL.fullmatch(symbol)
    if found is None or found[4]:
        row.refuse("symbol", "a perpetual or future such as BTCUSDT, BTCPERP or BTCUSD, or its instruments-info")
    expiry = None if found[3] is None else expiry_ns(found[3], row.path("symbol"))
    if found[2] == USD:
        return Listed(symbol, found[1], USD, found[1], Payoff.INVERSE, expiry_ns=expiry)
    quote = "USDC" if found[2] == "PERP" else found[2]
    return Listed(symbol, found[1], quote, quote, expiry_ns=expiry)


def _described(info: Row) -> Listed:
    settle, quote = info.text("settleCoin"), info.text("quoteCoin")
    delivery = info.time_ns("deliveryTime")
    return Listed(
        info.text("symbol"),
        info.text("baseCoin"),
        quote,
        settle,
        Payoff.INVERSE if settle != quote else Payoff.LINEAR,
        tick_size=info.inside("priceFilter").positive("tickSize"),
        lot_size=info.inside("lotSizeFilter").positive("qtyStep"),
        expiry_ns=delivery or None,
    )
