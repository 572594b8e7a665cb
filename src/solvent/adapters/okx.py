"""OKX accounts as books: futures mode (one currency stands for itself) and multi-currency margin.

Messages are the exchange's answers (v5), whole or their ``data``, in any order: account balance, positions, account
config, instruments, mark-price, index-tickers, position-tiers and pending orders. Positions are in contracts, so every
contract needs its instruments answer (or the user's own). What a position cost is its worth at its own mark less its
stated unrealised profit, else size × entry price: the exchange states profit to many more decimals than it rounds the
average price to. Cash is ``cashBal``; an isolated position's pool has its ``margin``. Options and margin (spot)
positions are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from solvent.adapters.building import built
from solvent.adapters.draft import Account, Draft, Held, Listed, Purse, Resting, supplemented
from solvent.adapters.fields import Row, refuse, rows
from solvent.adapters.steps import price_of
from solvent.adapters.tiers import AT_INITIAL, with_facts
from solvent.book import BookError, Leg, Purpose
from solvent.instruments import Payoff
from solvent.rates import RatesError
from solvent.rules import Bracket, ContractMargin, VenueRules
from solvent.units import ONE, ZERO, exact, shifted
from solvent.venues import venue
from solvent.venues.okx.tiers import Tier, steps

FUTURES, MULTI = "okx", "okx_multi"
JOINT, USD = "cross", "USD"
FUTURES_LEVEL, MULTI_LEVEL = "2", "3"
KNOWN = (
    "an answer of account balance, positions, account config, instruments, mark-price, index-tickers, "
    "position-tiers or orders-pending"
)
LEGS = {"net": Leg.NET, "long": Leg.LONG, "short": Leg.SHORT}
CONTRACTS = frozenset({"SWAP", "FUTURES"})
LIMIT_ORDERS = frozenset({"limit", "post_only", "mmp", "mmp_and_post_only"})
PPM = 6


@dataclass(slots=True)
class _Answers:
    accounts: list[Row] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)
    instruments: dict[str, Row] = field(default_factory=dict)
    marks: list[Row] = field(default_factory=list)
    indexes: list[Row] = field(default_factory=list)
    tiers: dict[str, list[Row]] = field(default_factory=dict)
    orders: list[Row] = field(default_factory=list)
    level: str = ""
    time_ns: int = 0


@exact
def read(messages: Sequence[Any]) -> Account:
    """The account of decoded answers: a pool a currency (``cross-USDT``), or ``cross`` in USD in multi-currency mode.

    The mode is that of account config (``acctLv``); without it, multi-currency where the balance has an ``adjEq``.

    Raises
    ------
    BookError
        An answer is none of those known or an error, a field is missing or of another kind, an option or margin
        position is held, or an instrument, mark or price is missing.

    Examples
    --------
    >>> balance = {"data": [{"adjEq": "", "details": [{"ccy": "USDT", "cashBal": "100"}]}]}
    >>> listed = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "ctType": "linear", "ctVal": "0.01", "uly": "BTC-USDT"}
    >>> listed |= {"ctMult": "1", "settleCcy": "USDT", "tickSz": "0.1", "lotSz": "0.01", "expTime": ""}
    >>> position = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": "2", "posSide": "net", "mgnMode": "cross"}
    >>> position |= {"avgPx": "60000", "markPx": "61000", "upl": "20", "lever": "10"}
    >>> book, market, name = read([balance, {"data": [listed]}, {"data": [position]}])
    >>> book.holding("cross-USDT").positions[0].cost, name
    (120000000000, 'okx')

    """
    draft = Draft()
    answers = _sorted_out(supplemented(messages, draft))
    draft.time_ns = answers.time_ns
    name = _mode(answers)
    for row in answers.marks:
        draft.marks.setdefault(row.text("instId"), row.positive("markPx"))
    for row in answers.indexes:
        base, _, quote = row.text("instId").partition("-")
        draft.index[base, quote] = row.positive("idxPx")
    for account in answers.accounts:
        for row in account.rows("details"):
            _currency(row, draft, name)
    isolated: dict[tuple[str, Leg], Purse] = {}
    for row in answers.positions:
        if row.number("pos"):
            _position(row, answers, draft, name, isolated)
    for row in answers.orders:
        _order(row, answers, draft, name, isolated)
    book, market = built(draft)
    return Account(book, market, name)


@exact
def account_rules(messages: Sequence[Any], base: VenueRules | None = None) -> VenueRules:
    """The rule set with the tiers of position-tiers answers, for contracts whose instruments answer is there.

    Maintenance has the liquidation fee of the rule set on top, as everywhere in it. Errors as :func:`read`.

    Examples
    --------
    >>> listed = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "ctType": "linear", "ctVal": "0.01", "uly": "BTC-USDT"}
    >>> listed |= {"ctMult": "1", "settleCcy": "USDT", "tickSz": "0.1", "lotSz": "0.01", "expTime": ""}
    >>> tier = {"uly": "BTC-USDT", "instId": "", "minSz": "0", "maxSz": "500", "mmr": "0.004", "imr": "0.01"}
    >>> rules = account_rules([{"data": [listed]}, {"data": [tier | {"maxLever": "100", "tier": "1"}]}])
    >>> rules.margin.own["BTC-USDT-SWAP"].brackets[0].max_leverage
    100

    """
    answers = _sorted_out(supplemented(messages, Draft()))
    rules = base or venue(_mode(answers))
    fee = shifted(Decimal(rules.fees.taker_ppm), -PPM)
    own = {}
    for symbol, info in answers.instruments.items():
        given = answers.tiers.get(symbol) or answers.tiers.get(str(info.given.get("uly")))
        if given and info.given.get("instType") in CONTRACTS:
            own[symbol] = _facts(given, _listed(info).contract_size, fee)
    return with_facts(rules, own)


def _facts(given: Sequence[Row], contract_size: Decimal, fee: Decimal) -> ContractMargin:
    """Whole-position steps by size; a message counts sizes in contracts, the rule set in coins or USD."""
    rising = sorted(given, key=lambda row: row.number("minSz"))
    floors = [ZERO, *(row.number("maxSz") * contract_size for row in rising[:-1])]
    tiers = [Tier(floor, row.positive("mmr"), row.positive("imr")) for floor, row in zip(floors, rising, strict=True)]
    try:
        kept, initial = steps(tiers, initial=False, fee=fee), steps(tiers, initial=True)
    except RatesError as error:
        raise BookError(f"{rising[0].path('mmr')}: {error}") from None
    most = rising[0].leverage("maxLever") or rising[0].refuse("maxLever", "a leverage greater than 0")
    schedules = {one: initial if one in AT_INITIAL else kept for one in Purpose}
    return ContractMargin(schedules, (Bracket(ZERO, most),), AT_INITIAL, most)


def _mode(answers: _Answers) -> str:
    if answers.level:
        if answers.level not in {FUTURES_LEVEL, MULTI_LEVEL}:
            refuse("acctLv", answers.level, f"{FUTURES_LEVEL!r} (futures mode) or {MULTI_LEVEL!r} (multi-currency)")
        return MULTI if answers.level == MULTI_LEVEL else FUTURES
    return MULTI if any(row.filled("adjEq") for row in answers.accounts) else FUTURES


def _sorted_out(messages: Sequence[Any]) -> _Answers:
    answers = _Answers()
    for k, message in enumerate(messages):
        for row in rows(message, f"message[{k}]"):
            if str(row.given.get("code", "0")) != "0":
                row.refuse("code", f"'0'; the exchange says {row.given.get('msg')!r}")
            for one in row.rows("data") if row.has("data") else [row]:
                _sort(one, answers)
    return answers


def _sort(row: Row, answers: _Answers) -> None:
    if row.has("details"):
        answers.accounts.append(row)
    elif row.has("acctLv"):
        answers.level = row.text("acctLv")
    elif row.has("ordId"):
        answers.orders += [row] if row.given.get("instType") in CONTRACTS else []
    elif row.has("pos", "instId"):
        answers.positions.append(row)
    elif row.has("settleCcy", "instId"):
        answers.instruments[row.text("instId")] = row
    elif row.has("mmr", "maxSz"):
        named = str(row.given.get("instId") or row.given.get("uly") or row.given.get("instFamily"))
        answers.tiers.setdefault(named, []).append(row)
    elif row.has("idxPx", "instId"):
        answers.indexes.append(row)
    elif row.has("markPx", "instId"):
        answers.marks.append(row)
    else:
        refuse(row.place, dict(row.given), KNOWN)
    answers.time_ns = max(answers.time_ns, row.time_ns("ts", "uTime"))


def _currency(row: Row, draft: Draft, name: str) -> None:
    asset = row.text("ccy")
    purse = _purse(draft, asset, name)
    if asset in purse.cash:
        row.refuse("ccy", "each currency once")
    purse.add(asset, row.number("cashBal"))
    equity, value = row.number_or("eq"), row.number_or("eqUsd")
    if equity and value and (asset, USD) not in draft.index:
        price = price_of(value, equity)
        if price > 0:
            draft.index[asset, USD] = price


def _purse(draft: Draft, asset: str, name: str) -> Purse:
    return draft.purse(JOINT, USD) if name == MULTI else draft.purse(f"{JOINT}-{asset}", asset)


def _position(row: Row, answers: _Answers, draft: Draft, name: str, isolated: dict[tuple[str, Leg], Purse]) -> None:
    one = _contract(row, answers)
    draft.listed[one.symbol] = one
    mark, leg = row.price("markPx"), _leg(row)
    if mark is not None:
        draft.marks[one.symbol] = mark
    size = row.number("pos")
    held = Held(
        one.symbol,
        -abs(size) if leg is Leg.SHORT else size,
        row.place,
        mark=mark,
        profit=row.maybe("upl"),
        entry=row.price("avgPx"),
        leg=leg,
        leverage=row.leverage("lever"),
    )
    parent = _purse(draft, one.settle, name)
    if row.choice("mgnMode", "cross", "isolated") == "cross":
        parent.positions.append(held)
        return
    isolated[one.symbol, leg] = draft.isolated(parent, held, row.number("margin"))


def _leg(row: Row) -> Leg:
    return LEGS[row.choice("posSide", *LEGS)] if row.filled("posSide") else Leg.NET


def _order(row: Row, answers: _Answers, draft: Draft, name: str, isolated: dict[tuple[str, Leg], Purse]) -> None:
    if row.given.get("ordType") not in LIMIT_ORDERS or row.given.get("state") not in {"live", "partially_filled"}:
        return
    one, leg = _contract(row, answers), _leg(row)
    left = row.number("sz") - row.number_or("accFillSz")
    if not left:
        return
    draft.listed[one.symbol] = one
    sign = ONE if row.choice("side", "buy", "sell") == "buy" else -ONE
    purse = isolated.get((one.symbol, leg)) or _purse(draft, one.settle, name)
    order = Resting(
        row.text("ordId"), one.symbol, sign * left, row.positive("px"), row.place, leg, row.flag("reduceOnly")
    )
    purse.orders.append(order)


def _contract(row: Row, answers: _Answers) -> Listed:
    if row.given.get("instType") not in CONTRACTS:
        row.refuse("instType", "SWAP or FUTURES: options and margin positions are not read")
    info = answers.instruments.get(row.text("instId"))
    return _listed(info) if info is not None else row.refuse("instId", "a contract whose instruments answer is given")


def _listed(info: Row) -> Listed:
    base, _, quote = info.text("uly").partition("-")
    inverse = info.choice("ctType", "linear", "inverse") == "inverse"
    return Listed(
        info.text("instId"),
        base,
        quote,
        info.text("settleCcy"),
        Payoff.INVERSE if inverse else Payoff.LINEAR,
        info.positive("ctVal") * (info.price("ctMult") or ONE),
        info.positive("tickSz"),
        info.positive("lotSz"),
        info.time_ns("expTime") or None,
    )
