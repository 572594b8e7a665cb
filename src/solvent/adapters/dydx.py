"""dYdX v4 sub-accounts as books.

Messages are the indexer's answers, in any order: sub-account (or a list of them), perpetual markets and orders. The
USDC of an answer is after what was paid for positions, so a pool's cash is that plus the cost of its positions, and its
value is the stated equity. What a position cost is size × entry price, exactly, to all the decimals of the answer. The
oracle price is the one at which the stated unrealised profit holds; where none does, that of the markets answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from solvent.adapters.building import built
from solvent.adapters.draft import Account, Draft, Held, Listed, Purse, Resting, supplemented
from solvent.adapters.fields import Row, each, refuse, rows
from solvent.book import BookError
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, Rounding, divide, exact, shifted
from solvent.venues import venue
from solvent.venues.dydx_v4.formulas import QUOTE_SCALE, LiquidityTier
from solvent.venues.dydx_v4.model import DOLLAR, OPEN_INTEREST
from solvent.venues.dydx_v4.tiers import LiquidityTiers

RULES = "dydx_v4"
KNOWN = "an answer of sub-account, perpetual markets or orders"
# Oracle prices have exponents down to this.
PRICE_PLACES = 18
PPM = 6
RESTING = frozenset({"OPEN", "BEST_EFFORT_OPENED"})
SIDES = ("long", "short", "buy", "sell")


@dataclass(slots=True)
class _Answers:
    subaccounts: list[Row] = field(default_factory=list)
    markets: dict[str, Row] = field(default_factory=dict)
    orders: list[Row] = field(default_factory=list)


@exact
def read(messages: Sequence[Any]) -> Account:
    """The account of decoded answers: a pool ``subaccount-<number>`` each.

    Raises
    ------
    BookError
        An answer is none of those known, a field is missing or of another kind, another asset than USDC is held, or
        an oracle price is missing.

    Examples
    --------
    >>> position = {"market": "BTC-USD", "status": "OPEN", "side": "LONG", "size": "0.5", "entryPrice": "43000.0"}
    >>> subaccount = {"subaccountNumber": 0, "openPerpetualPositions": {"BTC-USD": position | {"unrealizedPnl": "125"}}}
    >>> subaccount |= {"assetPositions": {"USDC": {"symbol": "USDC", "side": "SHORT", "size": "20000"}}}
    >>> book, market, name = read([{"subaccount": subaccount}])
    >>> book.holding("subaccount-0").cash, [str(price) for price in market.prices.values()], name
    ({'USDC': 150000000000}, ['43250'], 'dydx_v4')

    """
    draft = Draft()
    answers = _sorted_out(supplemented(messages, draft))
    for symbol, market in answers.markets.items():
        draft.listed[symbol] = _listed(symbol, market)
        draft.marks.setdefault(symbol, market.positive("oraclePrice"))
        if market.filled("openInterest"):
            draft.wide[OPEN_INTEREST, symbol] = market.number("openInterest")
    for row in answers.subaccounts:
        _subaccount(row, draft)
    for row in answers.orders:
        _order(row, draft)
    book, market_of = built(draft)
    return Account(book, market_of, RULES)


@exact
def account_rules(messages: Sequence[Any], base: VenueRules | None = None) -> VenueRules:
    """The rule set with the margin fractions of the markets answer, caps on open interest included.

    Raises
    ------
    BookError
        As :func:`read`, or the rule set is not one of liquidity tiers.

    Examples
    --------
    >>> market = {"ticker": "BTC-USD", "oraclePrice": "89919.2", "initialMarginFraction": "0.02"}
    >>> rules = account_rules([{"markets": {"BTC-USD": market | {"maintenanceMarginFraction": "0.012"}}}])
    >>> rules.margin.by_symbol["BTC-USD"].maintenance_ppm
    12000

    """
    answers = _sorted_out(supplemented(messages, Draft()))
    rules = base or venue(RULES)
    if not isinstance(rules.margin, LiquidityTiers):
        refuse("base", rules.name, "a rule set of liquidity tiers")
    tiers = {symbol: _tier(market) for symbol, market in answers.markets.items()}
    isolated = {symbol for symbol, market in answers.markets.items() if market.given.get("marketType") == "ISOLATED"}
    margin = replace(
        rules.margin, by_symbol={**rules.margin.by_symbol, **tiers}, isolated=rules.margin.isolated | isolated
    )
    return replace(rules, margin=margin)


def _tier(market: Row) -> LiquidityTier:
    initial, kept = market.positive("initialMarginFraction"), market.number("maintenanceMarginFraction")
    fraction = divide(kept, initial, PPM, Rounding.HALF_UP)
    caps = [market.number_or(f"openInterest{which}Cap") for which in ("Lower", "Upper")]
    try:
        return LiquidityTier(
            int(shifted(initial, PPM)), int(shifted(fraction, PPM)), *(int(shifted(cap, QUOTE_SCALE)) for cap in caps)
        )
    except RulesError as error:
        raise BookError(f"{market.path('initialMarginFraction')}: {error}") from None


def _sorted_out(messages: Sequence[Any]) -> _Answers:
    answers = _Answers()
    for k, message in enumerate(messages):
        for row in rows(message, f"message[{k}]"):
            while row.has("result") or row.has("contents"):
                row = row.inside("result" if row.has("result") else "contents")  # noqa: PLW2901
            _sort(row, answers)
    return answers


def _sort(row: Row, answers: _Answers) -> None:
    if row.has("subaccount"):
        _sort(row.inside("subaccount"), answers)
    elif row.has("subaccounts") or row.has("childSubaccounts"):
        answers.subaccounts += row.rows("subaccounts" if row.has("subaccounts") else "childSubaccounts")
    elif row.has("assetPositions"):
        answers.subaccounts.append(row)
    elif row.has("markets"):
        answers.markets |= dict(each(row.inside("markets").given, row.path("markets")))
    elif row.has("totalFilled", "ticker"):
        answers.orders.append(row)
    else:
        refuse(row.place, dict(row.given), KNOWN)


def _listed(symbol: str, market: Row | None) -> Listed:
    steps = (None, None) if market is None else (market.price("tickSize"), market.price("stepSize"))
    return Listed(symbol, symbol.split("-", maxsplit=1)[0], DOLLAR, DOLLAR, tick_size=steps[0], lot_size=steps[1])


def _inside(row: Row, name: str) -> Iterable[Row]:
    """Positions as the indexer has them: an object by name, or a list."""
    given = row.given.get(name)
    return (one for _, one in each(given, row.path(name))) if isinstance(given, dict) else row.rows_or_none(name)


def _signed(row: Row, size: Decimal) -> Decimal:
    return abs(size) if row.choice("side", *SIDES) in {"long", "buy"} else -abs(size)


def _purse(row: Row, draft: Draft) -> Purse:
    return draft.purse(f"subaccount-{row.whole('subaccountNumber')}", DOLLAR)


def _subaccount(row: Row, draft: Draft) -> None:
    purse = _purse(row, draft)
    for one in _inside(row, "assetPositions"):
        if one.text("symbol") != DOLLAR:
            one.refuse("symbol", f"{DOLLAR}, the one asset of a sub-account")
        purse.add(DOLLAR, _signed(one, one.number("size")))
    for one in _inside(row, "openPerpetualPositions"):
        if one.number("size"):
            _position(one, draft, purse)


def _position(row: Row, draft: Draft, purse: Purse) -> None:
    symbol = row.text("market")
    draft.listed.setdefault(symbol, _listed(symbol, None))
    size = _signed(row, row.number("size"))
    cost = size * row.positive("entryPrice")
    purse.add(DOLLAR, cost)
    purse.positions.append(Held(symbol, size, row.place, cost=cost))
    if row.filled("unrealizedPnl"):
        worth = cost + row.number("unrealizedPnl")
        mark = divide(worth, size, PRICE_PLACES, Rounding.HALF_UP).normalize()
        if mark > 0 and mark * size == worth:
            draft.marks[symbol] = mark


def _order(row: Row, draft: Draft) -> None:
    if row.given.get("status") not in RESTING or row.given.get("type", "LIMIT") != "LIMIT":
        return
    symbol = row.text("ticker")
    left = _signed(row, row.number("size")) if row.number("size") else ZERO
    filled = row.number("totalFilled")
    left -= filled if left > 0 else -filled
    if not left:
        return
    draft.listed.setdefault(symbol, _listed(symbol, None))
    order = Resting(row.text("id"), symbol, left, row.positive("price"), row.place, reduce_only=row.flag("reduceOnly"))
    _purse(row, draft).orders.append(order)
