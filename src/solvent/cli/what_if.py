"""What trades and withdrawals would do to a pool: parsed from text, judged by ring 1, answered as a plain object."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from solvent.book import Book, BookError, Holding, Leg, LegMode, Market, Purpose
from solvent.book_json import decode_book
from solvent.cli.combos import read_combo, times_of, unit_of
from solvent.cli.failures import InputError
from solvent.cli.figures import text
from solvent.cli.margin import chosen, liquidation_form, liquidations
from solvent.instruments import Option, Perpetual, Spot
from solvent.margin import (
    Assessment,
    Change,
    Combo,
    Impact,
    Trade,
    Withdraw,
    max_combo,
    max_order,
    max_withdrawal,
    state,
    venue_ratio,
)
from solvent.margin import what_if as judge
from solvent.margin.paths import option_coins
from solvent.rules import VenueRules
from solvent.units import Rounding, UnitsError, divide, exact, parse

Form = dict[str, Any]
LEGS = {"long": Leg.LONG, "short": Leg.SHORT}
TRADE_FORM = 'INSTRUMENT [long|short] SIZE @ PRICE, such as "BTCUSDT +0.5 @ 64000"'
WITHDRAW_FORM = 'ASSET AMOUNT, such as "USDT 100"'
PURPOSES = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.MAINTAIN)


@exact
def answer_form(
    data: bytes,
    venue: str | None,
    pool: str | None,
    trades: Sequence[str],
    withdrawals: Sequence[str],
    combos: Sequence[str] = (),
) -> Form:
    """Before, after, reasons, and the most that would still pass of each change, on the book it would meet.

    Raises
    ------
    InputError
        A change that cannot be read, or a pool that is not there; and what :func:`solvent.cli.margin.answer` raises.

    """
    file = decode_book(data)
    book, market, rules, told = chosen(file, venue)
    held = chosen_pool(book, pool)
    read: list[tuple[str, Change]] = [(one, read_trade(book, market, held, one)) for one in trades]
    read += [(one, read_combo(book, market, held, one)) for one in combos]
    read += [(one, read_withdrawal(book, held, one)) for one in withdrawals]
    if not read:
        raise InputError("--trade or --withdraw: nothing given, expected at least one change")
    changes = [change for _, change in read]
    impact = judge(book, market, rules, changes)
    return {
        "solvent": 1,
        "venue": rules.name,
        "pool": held,
        **({"told": told} if told else {}),
        "numeraire": book.holding(held).pool.numeraire,
        "allowed": impact.allowed,
        "refusals": [{**one._asdict(), "short": text(one.short)} for one in impact.refusals],
        "changes": _changes(book, market, rules, read),
        "before": _side(book, market, rules, held, impact, after=False),
        "after": _side(impact.book, impact.market, rules, held, impact, after=True),
    }


def chosen_pool(book: Book, pool: str | None) -> str:
    """The pool asked for, or the only one."""
    ids = [held.pool.id for held in book.holdings]
    if pool is None and len(ids) == 1:
        return ids[0]
    if pool not in ids:
        given = "nothing given" if pool is None else f"got {pool!r}"
        raise InputError(f"--pool: {given}, expected one of {', '.join(ids)}")
    return pool


def read_trade(book: Book, market: Market, pool: str, given: str) -> Trade:
    """A trade from its text.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> book, market = two_positions()
    >>> read_trade(book, market, "cross", "BTCUSDT -0.5 @ mark").ticks
    3196727

    """
    order, at, price = given.partition("@")
    words = order.split()
    leg = LEGS.get(words[1].lower()) if len(words) == 3 else Leg.NET
    if not at or leg is None or len(words) not in (2, 3):
        raise InputError(f"--trade: got {given!r}, expected {TRADE_FORM}")
    listed = book.instruments.get(words[0])
    if not isinstance(listed, Perpetual | Spot | Option):
        raise InputError(f"--trade {given!r}: instrument {words[0]!r}, expected one of {', '.join(book.instruments)}")
    hedged = book.holding(pool).pool.legs is LegMode.HEDGE and not isinstance(listed, Spot)
    if hedged != (leg is not Leg.NET):
        expected = "long or short before the size" if hedged else "no leg: the pool nets"
        raise InputError(f"--trade {given!r}: pool {pool} is in {book.holding(pool).pool.legs.value} mode, {expected}")
    try:
        limit = _mark(market, listed) if price.strip() == "mark" else parse(price.strip(), "price")
        lots, ticks = listed.lots(parse(words[-1], "size")), listed.ticks(limit)
    except UnitsError as error:
        raise InputError(f"--trade {given!r}: {error}") from None
    if lots == 0:
        raise InputError(f"--trade {given!r}: size {words[-1]}, expected a size other than zero")
    return Trade(pool, words[0], lots, ticks, leg)


def _mark(market: Market, listed: Perpetual | Spot | Option) -> Decimal:
    from solvent.book import PriceKind

    return market.price(PriceKind.MARK, listed.symbol, listed.quote.name)


def read_withdrawal(book: Book, pool: str, given: str) -> Withdraw:
    """A withdrawal from its text."""
    words = given.split()
    if len(words) != 2:
        raise InputError(f"--withdraw: got {given!r}, expected {WITHDRAW_FORM}")
    asset = book.assets.get(words[0])
    if asset is None:
        raise InputError(f"--withdraw {given!r}: asset {words[0]!r}, expected one of {', '.join(book.assets)}")
    try:
        units = asset.units(parse(words[1], "amount"))
    except UnitsError as error:
        raise InputError(f"--withdraw {given!r}: {error}") from None
    if units <= 0:
        raise InputError(f"--withdraw {given!r}: amount {words[1]}, expected an amount above zero")
    return Withdraw(pool, asset.name, units)


def _changes(book: Book, market: Market, rules: VenueRules, read: Sequence[tuple[str, Change]]) -> list[Form]:
    """Each change with the most of it that would pass on the book that the changes before it leave."""
    found = []
    for words, change in read:
        most = _most_times(book, market, rules, change, words) if isinstance(change, Combo) else ""
        row: Form = {"change": words, "most": most or text(_most(book, market, rules, change))}
        if isinstance(change, Combo):
            row["legs"] = [_leg(book, leg) for leg in change.legs]
        found.append(row)
        book = judge(book, market, rules, [change]).book
    return found


def _leg(book: Book, leg: Trade) -> Form:
    listed = book.instruments[leg.symbol]
    return {"instrument": leg.symbol, "size": text(listed.size(leg.lots)), "price": text(listed.price(leg.ticks))}


def _most_times(book: Book, market: Market, rules: VenueRules, combo: Combo, words: str) -> str:
    """How many of a combo would pass as a whole, after its x; cut to ten places."""
    unit, times = unit_of(combo)
    most = Decimal(max_combo(book, market, rules, unit))
    return f"x{text(divide(most * times_of(words), Decimal(times), 10, Rounding.TOWARDS_ZERO))}"


def _most(book: Book, market: Market, rules: VenueRules, change: Change) -> Decimal:
    if isinstance(change, Trade):
        side = 1 if change.lots > 0 else -1
        lots = max_order(book, market, rules, change.pool, change.symbol, side, change.ticks, change.leg)
        return book.instruments[change.symbol].size(side * lots)
    if isinstance(change, Withdraw):
        return book.assets[change.asset].amount(max_withdrawal(book, market, rules, change.pool, change.asset))
    raise BookError(f"no largest amount is defined for {type(change).__name__}")


def _side(book: Book, market: Market, rules: VenueRules, pool: str, impact: Impact, *, after: bool) -> Form:
    found = impact.after if after else impact.before
    held = book.holding(pool)
    maintain = found[pool, Purpose.MAINTAIN]
    ratio = venue_ratio(maintain, rules)
    prices = liquidations(book, market, rules, held)
    return {
        "state": state(maintain, rules),
        "ratio": {"name": rules.ratio.name, "value": None if ratio is None else text(ratio)},
        "purposes": {purpose.name.lower(): _totals(found[pool, purpose]) for purpose in PURPOSES},
        "cash": {asset: text(book.assets[asset].amount(units)) for asset, units in held.cash.items()},
        "positions": [
            {
                "instrument": one.symbol,
                "leg": one.leg.name.lower(),
                "size": text(book.instruments[one.symbol].size(one.lots)),
                "liquidation": {"of": _priced(book, one.symbol), **liquidation_form(prices[_priced(book, one.symbol)])},
            }
            for one in held.positions
        ],
        **_greeks(book, market, rules, held),
    }


def _greeks(book: Book, market: Market, rules: VenueRules, held: Holding) -> Form:
    """Of a pool with options: the Greeks of each underlying, everything on it added up."""
    if not option_coins(book, held):
        return {}
    from solvent.margin.option_lines import cut
    from solvent.margin.sensitivities import by_underlying, exposures

    names = ("delta", "gamma", "vega", "theta")
    return {
        "greeks": {
            one.underlying: {name: text(cut(getattr(one, name))) for name in names}
            for one in by_underlying(exposures(book, market, rules, held.pool.id))
        }
    }


def _priced(book: Book, symbol: str) -> str:
    listed = book.instruments[symbol]
    return listed.underlying if isinstance(listed, Option) else symbol


def _totals(found: Assessment) -> Form:
    return {
        "value": text(found.value),
        "margin_equity": text(found.margin_equity),
        "required": text(found.required),
        "surplus": text(found.surplus),
    }
