"""Who is closed, how much, in what order and at what worst price: one round of steps for one pool.

A round closes at most the rule set's step of each leg and stops at surplus(RECOVER) ≥ 0. Steps are planned at frozen
marks, each at its own worst acceptable price, penalty included, and none leaves less surplus(RECOVER) than it found
(law L-08). Where no leg can be closed so, the round is one step: hand over. The round after a fill is a new plan.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.book import Book, BookError, Holding, Leg, Market, PriceKind, Purpose
from solvent.ledger import share_up
from solvent.liquidation.closing import Closing, Outcome, Standing, sized
from solvent.liquidation.depth import Depth, Level
from solvent.liquidation.legs import HeldLeg, held_legs
from solvent.margin.assess import assess_holding
from solvent.margin.valuation import Scene, numeraire_units, price_alternatives
from solvent.rules import Plan, VenueRules
from solvent.units import exact

MILLION = 1_000_000
NO_DEPTH = Depth()


class Action(enum.Enum):
    """What a step does."""

    CANCEL_ORDERS = "cancel_orders"
    CLOSE = "close"
    HAND_OVER = "hand_over"  # no close of its own can help: takeover, fund, ADL are other stages


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    ``lots`` is what the pool takes (signed; reduces), ``worst_ticks`` the limit price, ``penalty_units`` (numeraire)
    the most the step costs; ``before`` and ``after`` are surplus(RECOVER) if it fills whole at its worst price.
    """

    action: Action
    pool: str
    before: Decimal
    after: Decimal
    reason: str
    symbol: str = ""
    leg: Leg = Leg.NET
    lots: int = 0
    worst_ticks: int = 0
    penalty_units: int = 0


@exact
def plan(book: Book, market: Market, rules: VenueRules, pool: str, quotes: Mapping[str, Depth]) -> tuple[Step, ...]:
    """Plan one round for a pool in breach; an empty plan means that surplus(RECOVER) is not below zero.

    Parameters
    ----------
    book, market, rules
        The pool's book and the prices of the epoch.
    pool
        The pool's id.
    quotes
        What can be traded, by symbol; an instrument without an entry cannot be traded now.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from solvent.book import PriceKey
    >>> from solvent.liquidation import deep_at_mark
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> book, market = two_positions()
    >>> fallen = market.with_prices({PriceKey(PriceKind.MARK, "ETHUSDT", "USDT"): Decimal("1150")})
    >>> for step in plan(book, fallen, venue("binance_usdm_2021"), "cross", deep_at_mark(book, fallen)):
    ...     print(step.action.value, step.symbol, step.lots, step.worst_ticks, step.after >= 0)
    close ETHUSDT -98830 115000 True

    """
    standing = Standing.of(book, market, rules, book.holding(pool))
    if standing.surplus >= 0:
        return ()
    steps = _cancelled(standing)
    rounds = {
        Plan.MOST_UNPROFITABLE_FIRST: _most_unprofitable_first,
        Plan.PROPORTIONAL: _proportional,
        Plan.WHOLE: _every_leg,
        Plan.MARGINAL_RELIEF: _marginal_relief,
    }
    closes = rounds[rules.liquidation.plan](standing, quotes)
    return (*steps, *(closes or (_handed_over(standing, quotes),)))


def _cancelled(standing: Standing) -> tuple[Step, ...]:
    orders = standing.holding.orders
    if not orders or not standing.rules.liquidation.cancel_orders_first:
        return ()
    reason = f"{len(orders)} resting orders are released before anything is closed"
    return (Step(Action.CANCEL_ORDERS, standing.holding.pool.id, standing.surplus, standing.surplus, reason),)


def _handed_over(standing: Standing, quotes: Mapping[str, Depth]) -> Step:
    held = [position.symbol for position in standing.holding.positions]
    without = sorted({symbol for symbol in held if not _levels(standing, symbol, quotes)})
    reason = "no close at its own worst price would leave as much surplus as before"
    if not held:
        reason = "no position is left to close and the pool is still short"
    elif len(without) == len(set(held)):
        reason = "nothing can be traded within the worst price"
    elif without:
        reason += f"; nothing can be traded in {', '.join(without)}"
    return Step(Action.HAND_OVER, standing.holding.pool.id, standing.surplus, standing.surplus, reason)


def _levels(standing: Standing, symbol: str, quotes: Mapping[str, Depth]) -> tuple[Level, ...]:
    legs = [leg for leg in _legs(standing) if leg.position.symbol == symbol]
    return tuple(level for leg in legs for level in _usable(standing, leg, quotes))


def _usable(standing: Standing, leg: HeldLeg, quotes: Mapping[str, Depth]) -> tuple[Level, ...]:
    depth = quotes.get(leg.position.symbol, NO_DEPTH)
    bound = standing.rules.liquidation.worst_price_ppm
    return depth.usable(selling=leg.position.lots > 0, mark=leg.ticks, worst_price_ppm=bound)


def _legs(standing: Standing) -> tuple[HeldLeg, ...]:
    """Legs by profit in the numeraire, the worst first; equals by symbol and leg."""
    book, market, holding = standing.book, standing.market, standing.holding
    legs = held_legs(book.with_holding(holding), market, holding.pool.id)
    return tuple(sorted(legs, key=lambda leg: _profit(standing, leg)))


def _profit(standing: Standing, leg: HeldLeg) -> Decimal:
    settle, numeraire = leg.contract.settle, standing.holding.pool.numeraire
    amount = settle.amount(leg.profit)
    if settle.name == numeraire:
        return amount
    return amount * standing.market.price(PriceKind.INDEX, settle.name, numeraire)


def _most_lots(standing: Standing, leg: HeldLeg) -> int:
    """The most one step closes of a leg: its share, rounded up."""
    held = abs(leg.position.lots)
    return min(held, share_up(held, standing.rules.liquidation.step_ppm))


def _most_unprofitable_first(standing: Standing, quotes: Mapping[str, Depth]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for leg in _legs(standing):
        closing = Closing(standing, leg)
        found = sized(closing, _usable(standing, leg, quotes), _most_lots(standing, leg))
        if found is None:
            continue
        steps.append(_step(closing, found, "the most unprofitable leg that a close helps"))
        standing = _next(closing, found)
        if standing.surplus >= 0:
            break
    return tuple(steps)


def _proportional(standing: Standing, quotes: Mapping[str, Depth]) -> tuple[Step, ...]:
    """The smallest equal share of every leg, in ppm, that restores; the rule set's step where none does."""
    low, high = 0, standing.rules.liquidation.step_ppm
    best = _at_share(standing, quotes, high)
    if not best or best[-1].after < 0:
        return best
    while high - low > 1:
        middle = (low + high) // 2
        trial = _at_share(standing, quotes, middle)
        if trial and trial[-1].after >= 0:
            high, best = middle, trial
        else:
            low = middle
    return best


def _every_leg(standing: Standing, quotes: Mapping[str, Depth]) -> tuple[Step, ...]:
    """Every leg whole, the worst first; one whose close lowers the surplus waits for the others."""
    steps: list[Step] = []
    for leg in _legs(standing):
        closing = Closing(standing, leg)
        found = _whole(closing, _usable(standing, leg, quotes), abs(leg.position.lots))
        if found is None or found.surplus < standing.surplus:
            continue
        steps.append(_step(closing, found, "positions are closed whole"))
        standing = _next(closing, found)
    return tuple(steps)


class Relief(NamedTuple):
    """A close that frees more than it costs: what, how much, and surplus(RECOVER) gained per notional at the mark."""

    closing: Closing
    outcome: Outcome
    rate: Fraction


def _marginal_relief(standing: Standing, quotes: Mapping[str, Depth]) -> tuple[Step, ...]:
    """The leg whose close frees most per notional, then the best of the others; equals by profit, the worst first."""
    steps: list[Step] = []
    left = _legs(standing)
    while standing.surplus < 0:
        found = [one for leg in left if (one := _relief(standing, leg, quotes)) is not None]
        if not found:
            break
        best = max(found, key=lambda one: one.rate)
        steps.append(_step(best.closing, best.outcome, "the leg that frees most surplus for what is closed"))
        standing = _next(best.closing, best.outcome)
        left = tuple(leg for leg in left if leg is not best.closing.leg)
    return tuple(steps)


def _relief(standing: Standing, leg: HeldLeg, quotes: Mapping[str, Depth]) -> Relief | None:
    """A leg's close; None where penalty and distance from the mark cost all it frees, or more margin is asked after.

    What a close frees is the requirement's fall, what it costs the fall of margin equity: it costs less than it frees
    exactly where the surplus rises. A better price than the mark's is no reason to close a leg that hedges others.
    """
    closing = Closing(standing, leg)
    found = sized(closing, _usable(standing, leg, quotes), _most_lots(standing, leg))
    if found is None or found.surplus <= standing.surplus or _freed(closing, found) < 0:
        return None
    return Relief(closing, found, Fraction(found.surplus - standing.surplus) / _closed_units(closing, found))


def _freed(closing: Closing, found: Outcome) -> Decimal:
    """By how much the requirement at RECOVER falls."""
    before = closing.standing
    after = closing.holding_after(found.lots, found.ticks, found.penalty_units)
    asked = [
        assess_holding(before.book, before.market, before.rules, Purpose.RECOVER, holding).required
        for holding in (before.holding, after)
    ]
    return asked[0] - asked[1]


def _closed_units(closing: Closing, found: Outcome) -> int:
    """Notional closed at the mark, in numeraire units, rounded up."""
    before, leg = closing.standing, closing.leg
    kinds = price_alternatives(before.rules, Purpose.RECOVER)[0]
    scene = Scene(before.book, before.market, before.rules, before.holding, Purpose.RECOVER, *kinds)
    return numeraire_units(scene, leg.contract.notional(found.lots, leg.ticks), leg.contract.settle)


def _at_share(standing: Standing, quotes: Mapping[str, Depth], ppm: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    for leg in _legs(standing):
        closing = Closing(standing, leg)
        lots = min(abs(leg.position.lots), share_up(abs(leg.position.lots), ppm))
        levels = _usable(standing, leg, quotes)
        found = _whole(closing, levels, lots)
        if found is not None and found.surplus < standing.surplus:
            # Less than the share may still help a pool that is short; one that is not needs no more of this leg.
            found = sized(closing, levels, lots) if standing.surplus < 0 else None
        if found is None:
            continue
        steps.append(_step(closing, found, f"the same share of every leg: {ppm} in a million"))
        standing = _next(closing, found)
    return tuple(steps)


def _whole(closing: Closing, levels: tuple[Level, ...], lots: int) -> Outcome | None:
    """All of ``lots``, or all there is to trade, at the price the last lot needs."""
    for level in levels:
        if level.lots >= lots:
            return closing.after(lots, level.ticks)
    return closing.after(levels[-1].lots, levels[-1].ticks) if levels else None


def _next(closing: Closing, found: Outcome) -> Standing:
    before = closing.standing
    holding = closing.holding_after(found.lots, found.ticks, found.penalty_units)
    return Standing.of(before.book, before.market, before.rules, holding)


def _step(closing: Closing, found: Outcome, why: str) -> Step:
    position, before = closing.leg.position, closing.standing.surplus
    end = "restores the pool" if found.surplus >= 0 else "helps, and does not restore the pool alone"
    return Step(
        Action.CLOSE,
        closing.standing.holding.pool.id,
        before,
        found.surplus,
        f"{why}; closing {found.lots} of {abs(position.lots)} lots {end}",
        position.symbol,
        position.leg,
        closing.signed(found.lots),
        found.ticks,
        found.penalty_units,
    )


@exact
def filled(book: Book, market: Market, rules: VenueRules, step: Step, lots: int, ticks: int) -> Book:
    """The book after a step filled ``lots`` (signed, at most the step's) at ``ticks`` (no worse than its limit).

    Raises
    ------
    BookError
        When the fill is not within the step.

    Examples
    --------
    >>> from solvent.liquidation import deep_at_mark
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> book, market = two_positions()
    >>> step = Step(Action.CLOSE, "cross", Decimal(0), Decimal(0), "", "ETHUSDT", Leg.NET, -1_000, 133_518)
    >>> filled(book, market, venue("generic"), step, -400, 133_600).holding("cross").position("ETHUSDT").lots
    3683579

    """
    better = (ticks - step.worst_ticks) * (1 if step.lots < 0 else -1)
    if step.action is Action.CANCEL_ORDERS:
        return book.with_holding(replace(book.holding(step.pool), orders=()))
    if step.action is not Action.CLOSE or lots * step.lots <= 0 or abs(lots) > abs(step.lots) or better < 0:
        msg = f"a fill of {lots} at {ticks} is not within the step of {step.lots} at {step.worst_ticks}"
        raise BookError(msg)
    standing = Standing.of(book, market, rules, book.holding(step.pool))
    leg = _held(standing.holding, held_legs(book, market, step.pool), step)
    closing = Closing(standing, leg)
    return book.with_holding(closing.holding_after(abs(lots), ticks, closing.penalty(abs(lots), ticks)))


def _held(holding: Holding, legs: tuple[HeldLeg, ...], step: Step) -> HeldLeg:
    for leg in legs:
        if (leg.position.symbol, leg.position.leg) == (step.symbol, step.leg):
            return leg
    msg = f"positions: {step.symbol} ({step.leg.name}) is not held in pool {holding.pool.id}"
    raise BookError(msg)
