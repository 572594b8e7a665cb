"""Resting orders of pools margined whole: what a fill leaves, to the unit."""

from dataclasses import replace

from solvent.book import Order, Position
from solvent.margin.scenario.resting import with_fills
from solvent.samples import two_positions


def pool_with(*positions, orders=()):
    book, market = two_positions()
    sample = book.holdings[0]
    return book, market, replace(sample, positions=tuple(positions), orders=tuple(orders))


def order(lots, ticks):
    return Order("o", "BTCUSDT", lots, ticks)


def settle(book):
    return book.instruments["BTCUSDT"].settle.name


def test_what_a_closed_position_gained_is_cash():
    book, market, held = pool_with(Position("BTCUSDT", 5, 100), orders=[order(-5, 7)])
    worth = book.instruments["BTCUSDT"].worth(5, 7)
    after = with_fills(book, market, held, -1)
    assert after.position("BTCUSDT") is None
    assert after.cash.get(settle(book), 0) - held.cash.get(settle(book), 0) == worth - 100


def test_what_an_order_adds_owes_no_funding_of_the_past():
    book, market, held = pool_with(orders=[order(3, 7)])
    market = replace(market, funding={"BTCUSDT": 1_000})
    made = with_fills(book, market, held, 1).position("BTCUSDT")
    assert (made.lots, made.cost, made.funding_index) == (3, book.instruments["BTCUSDT"].worth(3, 7), 1_000)


def test_funding_due_until_the_fill_becomes_cost():
    book, market, held = pool_with(Position("BTCUSDT", 2, 50, funding_index=400), orders=[order(3, 7)])
    market = replace(market, funding={"BTCUSDT": 1_000})
    made = with_fills(book, market, held, 1).position("BTCUSDT")
    assert made.cost == 50 + 2 * 600 + book.instruments["BTCUSDT"].worth(3, 7)


def test_the_other_side_and_what_only_reduces_are_left_out():
    book, market, held = pool_with(orders=[order(3, 7), replace(order(-2, 7), reduce_only=True)])
    assert with_fills(book, market, held, -1) is held
