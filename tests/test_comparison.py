"""One book under every venue: what is told in its words, what is refused, and how rows are sorted."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from solvent import venues
from solvent.book import Book, Holding, Leg, LegMode, Market, Mode, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.book_json import decode_book
from solvent.cli.compare import answer_form
from solvent.cli.failures import InputError
from solvent.comparison import as_at, compare
from solvent.instruments import Perpetual
from solvent.margin import assess, liquidation_prices
from solvent.rules import Path as Along
from solvent.samples import two_positions
from solvent.units import Asset

EXAMPLES = Path(__file__).parent.parent / "examples"
USDT, USDC = Asset("USDT", 6), Asset("USDC", 8)
D = Decimal


def book_of(name):
    file = decode_book((EXAMPLES / f"{name}.json").read_bytes())
    return file.book, file.market


@pytest.mark.parametrize("name", ["basis_trade", "market_maker"])
def test_the_examples_are_covered_by_at_least_ten_venues(name):
    found = compare(*book_of(name))
    assert len({venues.folder(row.venue) for row in found.rows}) >= 10, list(found.refused)
    assert {row.venue for row in found.rows} | {one.venue for one in found.refused} == set(venues.names())


def test_rows_are_what_the_venue_itself_says():
    """The comparison adds nothing: the same book asked directly gives the same figures."""
    book, market = two_positions()
    (row,) = compare(book, market, ["binance_usdm_2021"]).rows
    rules = venues.venue("binance_usdm_2021")
    direct = assess(book, market, rules, Purpose.MAINTAIN)["cross"]
    assert (row.found.value, row.found.margin_equity, row.found.required) == (
        direct.value,
        direct.margin_equity,
        direct.required,
    )
    assert row.prices == liquidation_prices(book, market, rules, "cross")
    assert row.free == assess(book, market, rules, Purpose.ADMIT)["cross"].surplus


def test_the_least_used_venue_comes_first_and_ruin_last():
    found = compare(*book_of("market_maker"))
    used = [row.used for row in found.rows]
    known = [one for one in used if one is not None]
    assert known == sorted(known)
    assert used[: len(known)] == known


def test_the_books_dollar_becomes_the_venues_at_par_and_other_dollars_join_it():
    btc = Perpetual("BTC-PERP", "BTC", USDT, USDT, D("0.1"), D("0.001"))
    pool = Holding(Pool("a"), {"USDT": 5_000_000, "USDC": 100_000_000}, (Position("BTC-PERP", 1, 6_000_000_000),))
    book = Book({"USDT": USDT, "USDC": USDC}, {"BTC-PERP": btc}, (pool,))
    market = Market({PriceKey(PriceKind.MARK, "BTC-PERP", "USDT"): D(60_000)})
    told, prices = as_at(book, market, "hyperliquid")
    (held,) = told.holdings
    assert held.pool.numeraire == "USDC"
    assert told.assets["USDC"].scale == 8
    assert held.cash == {"USDC": 5_000_000 * 100 + 100_000_000}
    assert held.positions[0].cost == 6_000_000_000 * 100
    assert told.instruments["BTC-PERP"].settle.name == "USDC"
    assert prices.price(PriceKind.MARK, "BTC-PERP", "USDC") == 60_000


def test_what_a_venue_does_not_offer_is_refused_by_name():
    book, market = two_positions()
    (held,) = book.holdings
    one = Holding(Pool("cross", legs=LegMode.HEDGE), held.cash, (Position("ETHUSDT", 1, 1_000, Leg.LONG),))
    hedged = Book(book.assets, book.instruments, (one,))
    (refused,) = compare(hedged, market, ["hyperliquid"]).refused
    assert "hedge" in refused.reason
    apart = Book(book.assets, book.instruments, (Holding(Pool("a", parent="b", mode=Mode.ISOLATED), held.cash),))
    (refused,) = compare(apart, market, ["binance_usdm_multi_asset"]).refused
    assert "isolated" in refused.reason
    (refused,) = compare(book, market, ["binance_coinm"]).refused
    assert refused.reason == "binance_coinm judges pools in BTC, this book in USDT"


def test_the_form_has_exact_text_and_says_why():
    data = (EXAMPLES / "basis_trade.json").read_bytes()
    found = answer_form(data, ["generic", "binance_usdm"])
    assert json.loads(json.dumps(found)) == found
    generic, binance = sorted(found["venues"], key=lambda row: row["venue"] != "generic")
    # Bitcoin carries the short where it is collateral; where it is not, only dollars do.
    assert D(generic["margin_equity"]) > 600_000
    assert D(binance["margin_equity"]) < 100_000
    assert any(line.startswith("BTC: haircut") for line in binance["why"])
    assert generic["binding"]["subject"] == "BTC-PERP"


def test_names_and_paths_that_do_not_exist_are_refused():
    data = (EXAMPLES / "basis_trade.json").read_bytes()
    with pytest.raises(InputError, match="mtgox"):
        answer_form(data, ["mtgox"])
    with pytest.raises(InputError, match="--path"):
        answer_form(data, None, "sideways")


def test_along_the_coin_the_collateral_moves_too():
    book, market = book_of("basis_trade")
    alone, together = (
        compare(book, market, ["generic"], path).rows[0].prices["BTC-PERP"]
        for path in (Along.INSTRUMENT, Along.UNDERLYING)
    )
    # Ten bitcoin held carry ten bitcoin sold, up to where their haircut grows; alone the mark hurts much sooner.
    assert alone.solved < 130_000
    assert together.solved > 800_000
