"""Capital by mode and coverage of real days: the series, revaluation by hand, modes, the tables as they are printed."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from solvent.book import Mode, Purpose
from solvent.book_json import load_book
from solvent.margin import assess_pool
from solvent.margin.scenario.joint import Follows
from solvent.pricing import price76
from solvent.research.capital import capital_of, compared, in_mode, tied
from solvent.research.history import NAMES, daily, history_of
from solvent.research.revalue import day_profits
from solvent.rules import RulesError
from solvent.venues import venue
from tests.margin.whole_books import D, option, perp, pool_of, structured

ROOT = Path(__file__).parent.parent.parent


def program(name):
    place = ROOT / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"examples_{name}", place)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def example(name):
    file = load_book(ROOT / "examples" / f"{name}.json")
    return file.book, file.market


def test_the_series_are_what_their_notes_say():
    long, year = map(daily, NAMES)
    assert (long.start.isoformat(), long.day(long.days - 1).isoformat()) == ("2015-01-01", "2026-02-13")
    assert (year.start.isoformat(), year.day(year.days - 1).isoformat()) == ("2022-01-01", "2022-12-31")
    worst = int(long.factors("BTC").argmin()) + 1
    assert (long.day(worst).isoformat(), long.prices["BTC"][worst]) == ("2020-03-12", D("4970.79"))
    assert all(price > 0 for one in (long, year) for column in one.prices.values() for price in column)
    # the two sources agree on bitcoin's days of 2022: one has closes, the other the next day's first open
    first = (year.start - long.start).days
    closes, opens = (
        np.array([float(x) for x in s]) for s in (long.prices["BTC"][first : first + 364], year.prices["BTC"][1:])
    )
    assert float(np.median(np.abs(closes / opens - 1))) < 0.002
    for wrong in (lambda: daily("x"), lambda: long.factors("ETH"), lambda: history_of(frozenset({"SOL"}))):
        with pytest.raises(RulesError, match=r"no (daily )?prices"):
            wrong()


def test_a_days_profit_by_hand():
    """A contract, a coin, a pool token and an option that is a day older."""
    follows = {"BTC": Follows(("BTC",)), "ETH-BTC-LP": Follows(("ETH", "BTC")), "ETH-USDT-LP": Follows(("ETH", "USDT"))}
    moves = {"BTC": np.array([0.81, 1.0]), "ETH": np.array([0.64, 1.0])}
    for held, cash, expected in (
        (((perp(), -2),), {}, 2 * 50_000 * 0.19),
        ((), {"BTC": 1}, -50_000 * 0.19),
        ((), {"ETH-BTC-LP": 10}, -4000 * (1 - 0.72)),
        ((), {"ETH-USDT-LP": 10}, -800 * 0.2),
    ):
        book, market = pool_of(*held, cash=cash)
        found = day_profits(book, market, book.holdings[0], follows, moves)
        assert found.tolist() == pytest.approx([expected, 0.0])
    book, market = pool_of((option("call", 52_000), 3))
    now, then = (float(price76(x, 52_000.0, t / 365, 0.6, True)) for x, t in ((50_000.0, 30), (40_500.0, 29)))
    still = float(price76(50_000.0, 52_000.0, 29 / 365, 0.6, True))
    found = day_profits(book, market, book.holdings[0], {}, moves)
    assert found.tolist() == pytest.approx([3 * (then - now), 3 * (still - now)])


def test_what_cannot_be_revalued_is_refused():
    moves = {"BTC": np.ones(2)}
    for held, cash, words in (
        (((perp("ETH"), 1),), {}, "no history of ETH"),
        ((), {"STETH": 1}, "STETH follows nothing here"),
        (((structured([("a", D(1))]), 1),), {}, "no price of its own"),
    ):
        book, market = pool_of(*held, cash=cash, prices={"NOTE": D(5)})
        with pytest.raises(RulesError, match=words):
            day_profits(book, market, book.holdings[0], {}, moves)


def test_isolated_margin_splits_a_book_and_leaves_coins_with_the_parent():
    book, _ = pool_of((perp(), 1), (perp("ETH"), -1), cash={"BTC": 1})
    parent, *alone = in_mode(book, Mode.ISOLATED).holdings
    assert (parent.positions, parent.cash["BTC"], parent.pool.mode) == ((), 10**8, Mode.CROSS)
    assert [(one.pool.parent, one.pool.scope, len(one.positions)) for one in alone] == [
        ("p", {"BTC-PERP"}, 1),
        ("p", {"ETH-PERP"}, 1),
    ]
    assert in_mode(book, Mode.CROSS).holdings[0].pool.mode is Mode.CROSS
    with pytest.raises(RulesError, match="a book of one pool, got 2"):
        in_mode(replace(book, holdings=book.holdings * 2), Mode.CROSS)


def test_capital_is_what_may_not_leave():
    """With that much and no more, the pool is exactly at its line."""
    book, market = pool_of((perp(), 1), cash={"JUNK": 1000})
    own = capital_of(book, market, venue("generic_pm"), "p")
    assert own == 9125 + 1000  # what does not count is tied up too
    just = book.with_holding(book.holdings[0].with_cash("USDT", 9125 * 10**8))
    assert assess_pool(just, market, venue("generic_pm"), Purpose.MAINTAIN, "p").surplus == 0


def test_a_day_is_covered_where_every_pool_bears_its_own():
    """Two isolated legs of a hedge: together they lose nothing, and one of them is still lost on a bad day."""
    book, market = pool_of((perp(), 1), (replace(perp(), symbol="OTHER"), -1))
    alone, joint = (tied(book, market, mode) for mode in (Mode.ISOLATED, Mode.PORTFOLIO))
    assert joint.breaches == 0
    assert joint.worst == pytest.approx(0.0, abs=1e-6)
    beyond = 1.1 * 9125 / 50_000
    moves = np.abs(daily("btc-daily").factors("BTC") - 1.0)
    assert alone.breaches == int((moves > beyond).sum()) > 0
    assert (alone.days, alone.history) == (4061, "btc-daily")


def test_greeks_are_left_out_where_they_do_not_count_the_collateral():
    book, market = example("delta_neutral_wrong_way")
    assert {one.venue for one in compared(book, market)} == {"generic_pm"}
    assert {one.venue for one in compared(*example("cash_and_carry"))} == {"generic_pm", "greeks"}


@pytest.mark.parametrize("name", ["iron_condor", "delta_neutral_wrong_way", "cash_and_carry"])
def test_modes_are_in_order_and_the_examples_can_pay(name):
    book, market = example(name)
    alone, cross, joint, *_ = compared(book, market)
    assert joint.capital < cross.capital < alone.capital
    (holding,) = book.holdings
    assert assess_pool(book, market, venue("generic_pm"), Purpose.ADMIT, holding.pool.id).surplus > 0


def test_collateral_that_falls_with_the_book_needs_more_than_dollars():
    """The wrong-way example, its collateral sold for dollars: what is left is the positions' own requirement."""
    book, market = example("delta_neutral_wrong_way")
    (holding,) = book.holdings
    dollars = replace(holding, cash={"USDT": book.assets["USDT"].units(D(299_700))})
    wrong, right = (
        assess_pool(book.with_holding(one), market, venue("generic_pm"), Purpose.MAINTAIN, "portfolio")
        for one in (holding, dollars)
    )
    assert wrong.margin_equity == right.margin_equity
    assert right.required == 12_000 + 24_000 + 1_500 + 1_200  # two gaps and closing: the hedge leaves no scenario
    assert wrong.required > 2.5 * float(right.required)


def test_the_readme_prints_this_table():
    assert program("capital").table() in (ROOT / "README.md").read_text(encoding="utf-8")
