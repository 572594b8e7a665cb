"""Which changes of margin mode, leg mode, leverage and account class a venue allows, with the reason when not."""

from __future__ import annotations

from solvent.book import Book, BookError, Holding, Leg, LegMode, Market, Mode
from solvent.margin.changes import SetLeverage
from solvent.margin.what_if import Refusal, what_if
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, exact


@exact
def may_set_legs(book: Book, rules: VenueRules, pool: str, legs: LegMode) -> tuple[Refusal, ...]:
    """Leg mode changes only on a pool without positions or orders, to one the venue has."""
    holding = book.holding(pool)
    if legs not in rules.capabilities.legs:
        return (Refusal("legs", pool, legs.value, ZERO, f"{rules.name} has no {legs.value} mode"),)
    return _must_be_flat(holding, f"leg mode to {legs.value}") if legs is not holding.pool.legs else ()


@exact
def may_set_mode(book: Book, rules: VenueRules, pool: str, mode: Mode) -> tuple[Refusal, ...]:
    """Margin mode changes only on a pool without positions or orders, to one the venue has."""
    holding = book.holding(pool)
    if mode not in rules.modes:
        return (Refusal("mode", pool, mode.value, ZERO, f"{rules.name} has no {mode.value} margin"),)
    return _must_be_flat(holding, f"margin mode to {mode.value}") if mode is not holding.pool.mode else ()


@exact
def may_set_class(book: Book, rules: VenueRules, pool: str, account_class: str) -> tuple[Refusal, ...]:
    """Account class changes where the class exists and no chosen leverage is above its cap."""
    holding = book.holding(pool)
    try:
        cap = rules.modes[holding.pool.mode].leverage_cap(account_class)
    except RulesError as error:
        return (Refusal("class", pool, account_class, ZERO, str(error)),)
    over = [p for p in holding.positions if p.leverage is not None and p.leverage > cap]
    return tuple(
        Refusal("class", pool, p.symbol, ZERO, f"leverage cap {p.leverage} of {p.symbol} is above {cap}") for p in over
    )


@exact
def may_set_leverage(
    book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, leverage: int, leg: Leg = Leg.NET
) -> tuple[Refusal, ...]:
    """A leverage cap changes within the brackets and the class's cap, and only where the pool passes ADMIT after it."""
    if leverage < 1:
        msg = f"leverage of {symbol} must be at least 1, not {leverage}"
        raise BookError(msg)
    if book.holding(pool).position(symbol, leg) is None:
        cap = rules.modes[book.holding(pool).pool.mode].leverage_cap(book.holding(pool).pool.account_class)
        text = f"leverage cap {leverage} of {symbol} is above {cap}, the most for this account class and mode"
        return (Refusal("leverage", pool, symbol, ZERO, text),) if leverage > cap else ()
    return what_if(book, market, rules, [SetLeverage(pool, symbol, leverage, leg)]).refusals


def _must_be_flat(holding: Holding, what: str) -> tuple[Refusal, ...]:
    if not holding.positions and not holding.orders:
        return ()
    held = f"{len(holding.positions)} positions and {len(holding.orders)} orders"
    text = f"{what}: pool {holding.pool.id} has {held}; close them first"
    return (Refusal("switch", holding.pool.id, what, ZERO, text),)
