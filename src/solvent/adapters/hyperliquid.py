"""Hyperliquid's ``clearinghouseState`` as a book, and the rule set of that very account.

The answer gives each position's value at mark and its unrealised profit, and the account's raw USD: its value less the
signed worth of its positions. Those are exact to a millionth of a USDC; entry prices are rounded and are not used.
Figures carry binary noise in their last digits, which is cut to the nearest millionth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from solvent.book import Book, BookError, Holding, Market, Mode, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Perpetual
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO, Asset, Rounding, divide, exact, parse, shifted
from solvent.venues import venue
from solvent.venues.hyperliquid.account import mark_of
from solvent.venues.hyperliquid.rules import listed_tiers
from solvent.venues.hyperliquid.tiers import Tier, with_tiers

RULES = "hyperliquid"
CROSS = "cross"
# A size has so many decimals as the market's szDecimals, its price the rest of six: their product is a whole unit.
DECIMALS = 6
MILLISECOND_NS = 1_000_000
# A margin table whose id is below this has one tier, at the id as its highest leverage.
FLAT_TABLES_BELOW = 50


class _Line(NamedTuple):
    """One open position of the message, read: its contract, mark in ticks, and what it cost."""

    coin: str
    contract: Perpetual
    ticks: int
    position: Position
    isolated_raw: int | None


@exact
def read(
    message: Mapping[str, Any], meta: Mapping[str, Any] | None = None, *, quote: str = "USDC", pool: str = CROSS
) -> tuple[Book, Market]:
    """The book of one account on one perpetual exchange, and the marks its answer implies.

    Cross positions share the pool named ``pool``; each isolated one has a pool ``<pool>:<coin>`` under it, with the
    margin set aside for it. Resting orders, spot balances and other exchanges are not in the message.

    Parameters
    ----------
    message
        A decoded answer to ``clearinghouseState``; numbers as text.
    meta
        A decoded answer to ``meta``: sizes of lots. Without it a lot is as fine as the position's own size.
    quote
        The token the exchange's margin is in.
    pool
        The id of the cross pool.

    Raises
    ------
    BookError
        A field is missing, is of another kind, or contradicts another; the message starts with its path.
    UnitsError
        A number is none, or finer than the exchange's steps.

    Examples
    --------
    >>> position = {
    ...     "coin": "BTC",
    ...     "szi": "0.5",
    ...     "positionValue": "30000.0",
    ...     "unrealizedPnl": "100.0",
    ...     "leverage": {"type": "cross", "value": 10},
    ...     "maxLeverage": 40,
    ... }
    >>> message = {"assetPositions": [{"position": position}], "crossMarginSummary": {"totalRawUsd": "-26000.0"}}
    >>> book, market = read(message)
    >>> from solvent.book import Purpose
    >>> from solvent.margin import assess_pool
    >>> found = assess_pool(book, market, account_rules(message), Purpose.MAINTAIN, "cross")
    >>> int(found.value), int(found.required)
    (4000, 375)

    """
    unit = Asset(quote, DECIMALS)
    lines = [_line(*one, unit, _decimals(meta)) for one in _positions(message)]
    _check_once([one.coin for one in lines])
    raw = _units(_number(_object(message, "crossMarginSummary"), "totalRawUsd", "crossMarginSummary"))
    shared = [one for one in lines if one.isolated_raw is None]
    holdings = [_holding(Pool(pool, numeraire=quote), raw, shared)]
    for one in lines:
        if one.isolated_raw is not None:
            own = Pool(
                f"{pool}:{one.coin}", parent=pool, mode=Mode.ISOLATED, numeraire=quote, scope=frozenset({one.coin})
            )
            holdings.append(_holding(own, one.isolated_raw, [one]))
    marks = {PriceKey(PriceKind.MARK, one.coin, quote): one.contract.price(one.ticks) for one in lines}
    book = Book({quote: unit}, {one.coin: one.contract for one in lines}, tuple(holdings))
    return book, Market(marks, time_ns=_time_ns(message))


@exact
def account_rules(
    message: Mapping[str, Any], meta: Mapping[str, Any] | None = None, base: VenueRules | None = None
) -> VenueRules:
    """The rule set of the account: the tiers of its positions, with exact rates, put into ``base``.

    A position's own ``maxLeverage`` decides (the exchange's vault has 50 where markets list less). Where it is the
    market's, the market's tiers hold: those of ``meta``, else those the rule set lists; otherwise one tier. A message
    without it (2023) leaves the rule set's tiers as they are.

    Errors as :func:`read`.

    Examples
    --------
    >>> position = {"coin": "BTC", "szi": "1", "leverage": {"type": "cross", "value": 10}, "maxLeverage": 50}
    >>> rules = account_rules({"assetPositions": [{"position": position}]})
    >>> [one.max_leverage for one in rules.margin.every()["BTC"].brackets]
    [50]

    """
    rules = base or venue(RULES)
    listed = _listed(meta)
    own = {}
    for path, position in _positions(message):
        coin = _text(position, "coin", path)
        tiers = listed.get(coin) or listed_tiers(rules, coin)
        if "maxLeverage" not in position:
            if tiers is not None:
                own[coin] = tiers
            continue
        most = _whole(position, "maxLeverage", path)
        own[coin] = tiers if tiers is not None and tiers[0].max_leverage == most else (Tier(ZERO, most),)
    return with_tiers(rules, own)


def _positions(message: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The open positions of the message with their paths; a position of size zero is none."""
    rows = message.get("assetPositions")
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        _refuse("assetPositions", rows, "a list of positions")
    found = []
    for k, row in enumerate(rows):
        path = f"assetPositions[{k}]"
        if not isinstance(row, Mapping):
            _refuse(path, row, "an object")
        position = _object(row, "position", path)
        if _number(position, "szi", f"{path}.position"):
            found.append((f"{path}.position", position))
    return found


def _line(path: str, position: Mapping[str, Any], unit: Asset, decimals: Mapping[str, int]) -> _Line:
    coin, size = _text(position, "coin", path), _number(position, "szi", path)
    lot_decimals = decimals.get(coin, max(0, -int(size.normalize().as_tuple().exponent)))
    if not 0 <= lot_decimals <= DECIMALS:
        _refuse(f"{path}.szi", str(size), f"at most {DECIMALS} decimals")
    steps = (shifted(ONE, lot_decimals - DECIMALS), shifted(ONE, -lot_decimals))
    contract = Perpetual(coin, coin, unit, unit, *steps)
    lots, value = contract.lots(size, f"{path}.szi"), _number(position, "positionValue", path)
    mark = mark_of(value, size, DECIMALS - lot_decimals)
    if mark <= 0 or abs(mark * abs(size) - value) > shifted(ONE, -DECIMALS):
        _refuse(f"{path}.positionValue", str(value), f"{abs(size)} × a mark with {DECIMALS - lot_decimals} decimals")
    ticks = contract.ticks(mark)
    leverage = _object(position, "leverage", path)
    cost = contract.worth(lots, ticks) - _units(_number(position, "unrealizedPnl", path))
    held = Position(coin, lots, cost, leverage=_whole(leverage, "value", f"{path}.leverage"))
    return _Line(coin, contract, ticks, held, _isolated_raw(leverage, f"{path}.leverage"))


def _isolated_raw(leverage: Mapping[str, Any], path: str) -> int | None:
    """Raw USD of an isolated position in units; None for a cross one."""
    kind = leverage.get("type")
    if kind == Mode.CROSS.value:
        return None
    if kind != Mode.ISOLATED.value:
        _refuse(f"{path}.type", kind, "'cross' or 'isolated'")
    return _units(_number(leverage, "rawUsd", path))


def _holding(pool: Pool, raw: int, lines: Sequence[_Line]) -> Holding:
    """Cash is raw USD plus what the positions cost: the account's value less unrealised profit."""
    cash = raw + sum(one.position.cost for one in lines)
    return Holding(pool, {pool.numeraire: cash}, tuple(one.position for one in lines))


def _check_once(coins: Sequence[str]) -> None:
    for coin in coins:
        if coins.count(coin) > 1:
            _refuse("assetPositions", coin, "each coin once")


def _universe(meta: Mapping[str, Any] | None) -> list[tuple[str, Mapping[str, Any]]]:
    rows = [] if meta is None else meta.get("universe")
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        _refuse("meta.universe", rows, "a list of markets")
    for k, row in enumerate(rows):
        if not isinstance(row, Mapping):
            _refuse(f"meta.universe[{k}]", row, "an object")
    return [(f"meta.universe[{k}]", row) for k, row in enumerate(rows)]


def _decimals(meta: Mapping[str, Any] | None) -> dict[str, int]:
    """Decimals of a lot by coin."""
    return {_text(row, "name", path): _whole(row, "szDecimals", path) for path, row in _universe(meta)}


def _listed(meta: Mapping[str, Any] | None) -> dict[str, tuple[Tier, ...]]:
    """Tiers by coin, of the markets whose table ``meta`` gives."""
    tables = _tables(meta)
    found = {}
    for path, row in _universe(meta):
        if row.get("marginTableId") is None:
            continue
        number = _whole(row, "marginTableId", path)
        tiers = tables.get(number) or ((Tier(ZERO, number),) if 0 < number < FLAT_TABLES_BELOW else None)
        if tiers is None:
            _refuse(f"{path}.marginTableId", number, f"a table of meta.marginTables, or below {FLAT_TABLES_BELOW}")
        found[_text(row, "name", path)] = tiers
    return found


def _tables(meta: Mapping[str, Any] | None) -> dict[int, tuple[Tier, ...]]:
    rows = [] if meta is None else meta.get("marginTables") or []
    found = {}
    for k, row in enumerate(rows):
        path = f"meta.marginTables[{k}]"
        if not isinstance(row, Sequence) or len(row) != 2 or not isinstance(row[1], Mapping):
            _refuse(path, row, "a pair of id and table")
        tiers = row[1].get("marginTiers")
        if not isinstance(tiers, Sequence) or not tiers or not all(isinstance(one, Mapping) for one in tiers):
            _refuse(f"{path}[1].marginTiers", tiers, "a list of tiers")
        found[int(row[0])] = tuple(
            Tier(_number(one, "lowerBound", path), _whole(one, "maxLeverage", path)) for one in tiers
        )
    return found


def _time_ns(message: Mapping[str, Any]) -> int:
    """The message's time; messages of 2023 have none, and stand at zero."""
    return 0 if message.get("time") is None else _whole(message, "time", "message") * MILLISECOND_NS


def _object(row: Mapping[str, Any], name: str, path: str = "message") -> Mapping[str, Any]:
    found = row.get(name)
    if not isinstance(found, Mapping):
        _refuse(f"{path}.{name}", found, "an object")
    return found


def _text(row: Mapping[str, Any], name: str, path: str) -> str:
    found = row.get(name)
    if not isinstance(found, str) or not found:
        _refuse(f"{path}.{name}", found, "a text")
    return found


def _number(row: Mapping[str, Any], name: str, path: str) -> Decimal:
    found = row.get(name)
    if found is None:
        _refuse(f"{path}.{name}", found, "a number")
    return parse(found, f"{path}.{name}")


def _whole(row: Mapping[str, Any], name: str, path: str) -> int:
    number = _number(row, name, path)
    if number != int(number):
        _refuse(f"{path}.{name}", str(number), "a whole number")
    return int(number)


def _units(amount: Decimal) -> int:
    """The nearest millionth: what is finer is noise of the answer."""
    return int(shifted(divide(amount, ONE, DECIMALS, Rounding.HALF_UP), DECIMALS))


def _refuse(path: str, got: object, expected: str) -> NoReturn:
    raise BookError(f"{path}: got {got!r}, expected {expected}")
