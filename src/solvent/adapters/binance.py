"""Binance futures accounts as books: USD-M (single and multi-assets), COIN-M and portfolio margin.

Messages are the exchange's answers, in any order: account (v2, v3), balance, positionRisk (v2, v3), premiumIndex,
leverageBracket, openOrders, exchangeInfo, symbolConfig, assetIndex and multiAssetsMargin of either futures wallet, and
balance, account and positionRisk of portfolio margin. What a position cost is its worth at its own mark less its stated
unrealised profit: the entry price of a message is an average rounded to eight decimals. Without a mark beside the
profit (account v2) it is size × entry price. Only resting limit orders are read; conditional ones reserve nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from solvent.adapters.binance_answers import Answers, sorted_out
from solvent.adapters.building import built
from solvent.adapters.draft import Account, Draft, Held, Listed, Purse, Resting, supplemented
from solvent.adapters.expiry import expiry_ns
from solvent.adapters.fields import MILLISECOND_NS, Row
from solvent.adapters.tiers import Tier, marginal, with_facts
from solvent.book import BookError, Leg
from solvent.instruments import Payoff
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues import venue

USDM, MULTI, COINM, PORTFOLIO = "binance_usdm", "binance_usdm_multi_asset", "binance_coinm", "binance_pm"
JOINT, USD = "cross", "USD"
# A COIN-M contract is worth 100 USD of BTC and 10 USD of every other coin, where exchangeInfo does not say.
COINM_SIZES, COINM_SIZE = {"BTC": Decimal(100)}, Decimal(10)
SYMBOL = re.compile(r"([A-Z0-9]+?)(USDT|USDC|BUSD|FDUSD|USD|BTC|ETH|BNB)(?:_(PERP|[0-9]{6}))?")
LEGS = {"both": Leg.NET, "long": Leg.LONG, "short": Leg.SHORT}
PLACES = 8
PERPETUALS = frozenset({"PERPETUAL", "TRADIFI_PERPETUAL", ""})


@exact
def read(messages: Sequence[Any]) -> Account:
    """The account of decoded answers: one pool an asset (``cross-USDT``), or ``cross`` in joint modes.

    An isolated position has a pool ``<cross pool>:<symbol>`` under its cross pool, in hedge mode with its side.

    Raises
    ------
    BookError
        An answer is none of those known, a field is missing or of another kind, or a mark or price is missing.

    Examples
    --------
    >>> wallet = {"asset": "USDT", "walletBalance": "100", "crossWalletBalance": "100"}
    >>> account = {"totalWalletBalance": "100", "assets": [wallet], "positions": []}
    >>> risk = {"symbol": "BTCUSDT", "positionAmt": "0.002", "entryPrice": "50000", "markPrice": "51000"}
    >>> risk |= {"unRealizedProfit": "2", "positionSide": "BOTH", "marginType": "cross", "leverage": "20"}
    >>> book, market, name = read([account, [risk]])
    >>> book.holding("cross-USDT").positions[0].cost, name
    (10000000000, 'binance_usdm')

    """
    draft = Draft()
    answers = sorted_out(supplemented(messages, draft))
    draft.time_ns = answers.time_ns
    _prices(answers, draft)
    name, joint = _mode(answers)
    _cash(answers, draft, joint=joint, name=name)
    isolated: dict[tuple[str, Leg], Purse] = {}
    for row in answers.positions.values():
        if row.number("positionAmt"):
            _position(row, answers, draft, isolated, joint=joint)
    for row in answers.orders:
        _order(row, answers, draft, isolated, joint=joint)
    book, market = built(draft)
    return Account(book, market, name)


@exact
def account_rules(messages: Sequence[Any], base: VenueRules | None = None) -> VenueRules:
    """The rule set with the brackets of leverageBracket answers: by symbol, as the account has them.

    Portfolio margin has no brackets of an account's own here and leaves ``base`` as it is. Errors as :func:`read`.

    Examples
    --------
    >>> bracket = {"initialLeverage": 50, "notionalFloor": 0, "maintMarginRatio": Decimal("0.01")}
    >>> rules = account_rules([{"symbol": "SUSHIUSDT", "brackets": [bracket]}])
    >>> rules.margin.own["SUSHIUSDT"].brackets[0].max_leverage
    50

    """
    answers = sorted_out(supplemented(messages, Draft()))
    name, _ = _mode(answers)
    rules = base or venue(name)
    if name == PORTFOLIO:
        return rules
    own = {}
    for row in answers.brackets:
        rows = row.rows("brackets")
        floor = "notionalFloor" if rows and rows[0].has("notionalFloor") else "qtyFloor"
        tiers = [Tier(one.number(floor), one.number("maintMarginRatio"), one.whole("initialLeverage")) for one in rows]
        own[row.text("symbol")] = marginal(tiers, row.path("brackets"))
    return with_facts(rules, own)


def _mode(answers: Answers) -> tuple[str, bool]:
    """The rule set, and whether one pool holds every asset."""
    if answers.portfolio:
        return PORTFOLIO, True
    if answers.multi_assets:
        return MULTI, True
    held = [row for row in answers.positions.values() if row.number("positionAmt")]
    inverse = {_listed(row, answers).payoff is Payoff.INVERSE for row in (*held, *answers.orders)}
    if len(inverse) > 1 or (answers.usdm and True in inverse):
        raise BookError("message: positions of USD-M and of COIN-M, expected one wallet at a time")
    return (COINM if True in inverse or (answers.coinm and not inverse) else USDM), False


def _prices(answers: Answers, draft: Draft) -> None:
    for row in answers.asset_index:
        asset = row.text("symbol").removesuffix(USD)
        draft.index[asset, USD] = row.positive("index")
    for row in answers.premiums:
        one = _listed(row, answers)
        mark, index = row.price("markPrice"), row.price("indexPrice")
        if mark is not None:
            draft.marks.setdefault(one.symbol, mark)
        if index is not None:
            draft.index[one.underlying, one.quote] = index
        if row.filled("lastFundingRate"):
            draft.wide["funding_rate", one.symbol] = row.number("lastFundingRate")


def _cash(answers: Answers, draft: Draft, *, joint: bool, name: str) -> None:
    """Cross wallets; what stands apart for isolated positions is in their pools."""
    for asset, row in answers.balances.items():
        purse = _purse(draft, asset, joint=joint)
        if name == PORTFOLIO:
            owed = row.number_or("crossMarginBorrowed") + row.number_or("crossMarginInterest")
            purse.add(asset, row.number("totalWalletBalance") - owed)
        elif row.filled("crossWalletBalance"):
            purse.add(asset, row.number("crossWalletBalance"))
        else:
            purse.add(asset, row.number("walletBalance") - _set_aside(answers, asset))


def _set_aside(answers: Answers, asset: str) -> Decimal:
    rows = [row for row in answers.positions.values() if row.number("positionAmt") and _is_isolated(row)]
    return sum((_margin(row) for row in rows if _listed(row, answers).settle == asset), ZERO)


def _purse(draft: Draft, asset: str, *, joint: bool) -> Purse:
    return draft.purse(JOINT, USD) if joint else draft.purse(f"{JOINT}-{asset}", asset)


def _position(row: Row, answers: Answers, draft: Draft, isolated: dict[tuple[str, Leg], Purse], *, joint: bool) -> None:
    one = _listed(row, answers)
    size = row.number("positionAmt")
    mark = row.price("markPrice") or _implied_mark(row, size)
    if mark is not None:
        draft.marks[one.symbol] = mark
    draft.listed[one.symbol] = one
    held = Held(
        one.symbol,
        size,
        row.place,
        mark=mark,
        profit=row.maybe("unRealizedProfit", "unrealizedProfit"),
        entry=row.price("entryPrice"),
        leg=_leg(row),
        leverage=_leverage(row, answers),
    )
    parent = _purse(draft, one.settle, joint=joint)
    if _is_isolated(row):
        isolated[one.symbol, held.leg] = draft.isolated(parent, held, _margin(row))
    else:
        parent.positions.append(held)


def _implied_mark(row: Row, size: Decimal) -> Decimal | None:
    """The mark that a row's notional (quote, eight decimals) is at, where such a mark gives that very notional."""
    notional = row.maybe("notional")
    if not notional:
        return None
    mark = divide(notional, size, PLACES, Rounding.HALF_UP)
    return mark if mark > 0 and mark * size == notional else None


def _is_isolated(row: Row) -> bool:
    if row.filled("marginType"):
        return row.text("marginType").lower() == "isolated"
    return row.flag("isolated") or bool(row.number_or("isolatedWallet"))


def _margin(row: Row) -> Decimal:
    """Cash set aside: the isolated wallet; older answers have only the margin, which has the profit in it."""
    if row.filled("isolatedWallet"):
        return row.number("isolatedWallet")
    return row.number("isolatedMargin") - (row.maybe("unRealizedProfit", "unrealizedProfit") or ZERO)


def _leverage(row: Row, answers: Answers) -> int | None:
    settings = answers.settings.get(row.text("symbol"))
    found = row.leverage("leverage")
    return settings.leverage("leverage") if found is None and settings is not None else found


def _leg(row: Row) -> Leg:
    return LEGS[row.choice("positionSide", *LEGS)] if row.filled("positionSide") else Leg.NET


def _order(row: Row, answers: Answers, draft: Draft, isolated: Mapping[tuple[str, Leg], Purse], *, joint: bool) -> None:
    if row.given.get("type", "LIMIT") not in {"LIMIT", "LIMIT_MAKER"}:
        return
    one, leg = _listed(row, answers), _leg(row)
    left = row.number("origQty") - row.number_or("executedQty")
    side = ONE if row.choice("side", "buy", "sell") == "buy" else -ONE
    if not left:
        return
    draft.listed[one.symbol] = one
    purse = isolated.get((one.symbol, leg)) or _purse(draft, one.settle, joint=joint)
    order = Resting(
        str(row.whole("orderId")), one.symbol, side * left, row.positive("price"), row.place, leg,
        reduce_only=row.flag("reduceOnly"),
    )  # fmt: skip
    purse.orders.append(order)


def _listed(row: Row, answers: Answers) -> Listed:
    """The contract of a symbol: from exchangeInfo, else from how the exchange forms its symbols."""
    symbol = row.text("symbol")
    info = answers.symbols.get(symbol)
    if info is not None:
        return _described(info)
    found = SYMBOL.fullmatch(symbol)
    if found is None:
        row.refuse("symbol", "a futures symbol such as BTCUSDT, BTCUSD_PERP or BTCUSDT_261225, or its exchangeInfo")
    base, quote, ending = found.groups()
    expiry = None if ending in (None, "PERP") else expiry_ns(ending, row.path("symbol"))
    if quote != USD:
        return Listed(symbol, base, quote, quote, expiry_ns=expiry)
    size = COINM_SIZES.get(base, COINM_SIZE)
    return Listed(symbol, base, USD, base, Payoff.INVERSE, size, lot_size=ONE, expiry_ns=expiry)


def _described(info: Row) -> Listed:
    quote, settle = info.text("quoteAsset"), info.text("marginAsset")
    inverse = settle != quote
    steps = dict(_steps(info))
    perpetual = info.given.get("contractType", "") in PERPETUALS
    return Listed(
        info.text("symbol"),
        info.text("baseAsset"),
        quote,
        settle,
        Payoff.INVERSE if inverse else Payoff.LINEAR,
        info.positive("contractSize") if inverse else ONE,
        steps.get("tickSize"),
        steps.get("stepSize"),
        None if perpetual else info.whole("deliveryDate") * MILLISECOND_NS,
    )


def _steps(info: Row) -> Iterator[tuple[str, Decimal]]:
    wanted: Mapping[str, str] = {"PRICE_FILTER": "tickSize", "LOT_SIZE": "stepSize"}
    for one in info.rows_or_none("filters"):
        name = wanted.get(str(one.given.get("filterType")))
        if name is not None:
            yield name, one.positive(name)
