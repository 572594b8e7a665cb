"""Requirements by notional tiers: positions at mark, leverage caps, and the worst case over resting orders."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.assessment import Piecewise
from solvent.book import Order, Position, Purpose
from solvent.instruments import Future, Perpetual
from solvent.margin.valuation import Scene, numeraire_units
from solvent.rates import Schedule
from solvent.rules import ContractMargin, OrderMargin, Sized
from solvent.units import ONE, ZERO

WITH_ORDERS = (Purpose.WITHDRAW, Purpose.ADMIT)


class Entry(NamedTuple):
    """Signed lots whose requirement is asked, their signed cost in settle units, and the position they begin from."""

    lots: int
    cost: int
    position: Position | None

    @classmethod
    def held(cls, position: Position) -> Entry:
        """A position as it is."""
        return cls(position.lots, position.cost, position)


def schedule_of(
    scene: Scene, contract: Perpetual | Future, margin: ContractMargin, lots: int, cost: int
) -> Schedule | None:
    """The schedule of an entry at the scene's purpose; None where nothing is required."""
    facts = margin.schedules.get(scene.purpose)
    if facts is None or isinstance(facts, Schedule):
        return facts
    size = contract.size(lots) * contract.contract_size
    return facts.at_size(Sized(contract.symbol, size, contract.settle.amount(cost), scene.market))


def requirement(
    scene: Scene, contract: Perpetual | Future, margin: ContractMargin, entry: Entry, notional: int
) -> tuple[Decimal, Piecewise]:
    """Requirement of a notional in settle units, and the piece it fell on, in the numeraire."""
    units = numeraire_units(scene, notional, contract.settle)
    amount = scene.numeraire.amount(units)
    schedule = schedule_of(scene, contract, margin, entry.lots, entry.cost)
    multiplier = scene.multiplier
    needed, found = ZERO, Piecewise(amount, ZERO, ZERO, ZERO)
    if schedule is not None:
        piece = schedule.piece(amount)
        needed = piece.at(amount)
        found = Piecewise(amount, piece.floor, piece.rate, piece.deduction)
        if multiplier != ONE:
            needed *= multiplier
            found = Piecewise(amount, piece.floor, piece.rate * multiplier, piece.deduction * multiplier)
    if scene.purpose in margin.leverage_at:
        leverage = scene.leverage(margin, entry.position)
        by_leverage = scene.numeraire.amount(ledger.leverage_margin(units, leverage))
        if by_leverage > needed:
            return by_leverage, Piecewise(amount, ZERO, ZERO, ZERO, leverage)
    return needed, found


def with_orders(
    scene: Scene,
    contract: Perpetual | Future,
    position: Position | None,
    orders: Sequence[Order],
    ticks: int,
    alone: Decimal,
) -> Decimal:
    """Requirement of an instrument's leg with its resting orders, given what it requires without them.

    Orders count at the purposes of :data:`WITH_ORDERS` only.
    """
    if scene.rules.orders is OrderMargin.WORST_SIDE:
        return _worst_side(scene, contract, position, orders, ticks, alone)
    return alone + max(_order_cost(scene, contract, position, orders, ticks, side) for side in (1, -1))


def open_loss(scene: Scene, contract: Perpetual | Future, lots: int, limit_ticks: int, mark_ticks: int) -> int:
    """What filling an order at its limit would lose at once at the mark, in numeraire units, rounded up."""
    loss = max(0, contract.worth(lots, limit_ticks) - contract.worth(lots, mark_ticks))
    return numeraire_units(scene, loss, contract.settle)


def _worst_side(
    scene: Scene,
    contract: Perpetual | Future,
    position: Position | None,
    orders: Sequence[Order],
    ticks: int,
    alone: Decimal,
) -> Decimal:
    margin = scene.margin_of(contract)
    lots = position.lots if position is not None else 0
    worst = alone
    for side in (1, -1):
        same = [order for order in orders if order.lots * side > 0]
        if not same:
            continue
        filled = lots + sum(order.lots for order in same)
        cost = sum(contract.worth(order.lots, order.ticks) for order in same)
        entry = Entry(filled, cost + (position.cost if position is not None else 0), position)
        needed, _ = requirement(scene, contract, margin, entry, contract.notional(filled, ticks))
        loss = sum(open_loss(scene, contract, order.lots, order.ticks, ticks) for order in same)
        worst = max(worst, needed + scene.numeraire.amount(loss))
    return worst


def _order_cost(
    scene: Scene,
    contract: Perpetual | Future,
    position: Position | None,
    orders: Sequence[Order],
    ticks: int,
    side: int,
) -> Decimal:
    """Margin at each opening order's own price plus its open loss; closing lots, oldest order first, cost nothing."""
    margin = scene.margin_of(contract)
    lots = position.lots if position is not None else 0
    closing = max(0, -lots * side)
    leverage = scene.leverage(margin, position)
    units = 0
    for order in orders:
        if order.lots * side <= 0:
            continue
        opening = max(0, abs(order.lots) - closing)
        closing = max(0, closing - abs(order.lots))
        if opening:
            notional = numeraire_units(scene, contract.notional(opening, order.ticks), contract.settle)
            units += ledger.leverage_margin(notional, leverage)
            units += open_loss(scene, contract, opening * side, order.ticks, ticks)
    return scene.numeraire.amount(units)
