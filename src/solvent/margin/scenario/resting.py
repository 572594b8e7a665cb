"""Resting orders of a pool that is margined whole: the worst of it as it is and with the orders of one side filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from solvent import ledger
from solvent.assessment import Assessment
from solvent.book import Book, Holding, Market, Position, Purpose
from solvent.instruments import Option, Spot
from solvent.margin.declared import instrument_of
from solvent.margin.sharing import once
from solvent.margin.tiered import WITH_ORDERS


def worst_with_orders(
    alone: Callable[[Holding], Assessment], book: Book, market: Market, purpose: Purpose, holding: Holding
) -> Assessment:
    """The worst of a pool as it is, with all its buys filled and with all its sells, where orders count.

    ``alone`` assesses a holding without its orders; the answer with the lowest bound of the surplus is the worst.
    """
    found = alone(holding)
    for side in (1, -1) if purpose in WITH_ORDERS else ():
        filled = once(with_fills, book, market, holding, side)
        if filled is not holding:
            other = alone(filled)
            found = other if other.low < found.low else found
    return found


def with_fills(book: Book, market: Market, holding: Holding, side: int) -> Holding:
    """The holding with all resting orders of a side (+1 buys, −1 sells) filled at their limits; itself without any.

    Funding due until now becomes cost, so that what an order adds owes none; a premium leaves cash; what a closed
    position has gained or lost is cash. Orders on spot and those that only reduce are left out.
    """
    found = holding
    for order in holding.orders:
        listed = instrument_of(book, order.symbol)
        if order.lots * side <= 0 or order.reduce_only or isinstance(listed, Spot):
            continue
        index = market.funding.get(order.symbol, 0)
        before = found.position(order.symbol, order.leg) or Position(order.symbol, 0, 0, order.leg)
        cost = before.cost + ledger.funding_due(before.lots, index, before.funding_index)
        lots, worth = before.lots + order.lots, listed.worth(order.lots, order.ticks)
        leaves = worth if isinstance(listed, Option) else 0
        cost += worth - leaves
        if lots == 0:
            leaves += cost
        found = found.with_cash(listed.settle.name, -leaves) if leaves else found
        found = found.with_position(replace(before, lots=lots, cost=cost, funding_index=index))
    return found
