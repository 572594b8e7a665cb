"""Options quoted and settled in the coin: their Greeks are of dollars, their marks move along a path as coins."""

from fractions import Fraction

import pytest

from solvent.book import BookError, Method, PriceKey, PriceKind
from solvent.conformance import check_margin_model
from solvent.margin import explain
from solvent.margin.held_options import Moved, held_options
from solvent.margin.paths import market_along, moves, subject
from solvent.rules import Path
from solvent.units import exact
from solvent.venues import venue
from tests.venues.option_accounts import POOL, Account, black, close

RULES, CROSS = venue("deribit"), venue("deribit_pm")
CALL, PUT = "BTC-BTC-30-110000-C", "BTC-BTC-30-90000-P"
YEARS = 30 / 365


def account(method=Method.TIERED):
    """Half a coin and dollars, two calls sold and a put bought in the coin; the forward is 2% above the index."""
    held = Account(method=method).index("BTC", 100_000).holds("BTC", "0.5").holds("USDC", 40_000)
    held.forward("BTC", 30, 102_000)
    return held.option("BTC", "C", 110_000, -2, "0.03", "BTC", vol=0.55).option("BTC", "P", 90_000, 1, "0.01", "BTC")


def test_greeks_are_of_dollars_and_marks_of_coins():
    held = account()
    found = explain(held.book(), held.market(), RULES, POOL)
    call, put = found.contributions
    assert (str(call.mark), call.notional) == ("0.03", 200_000)
    step = 1.0
    up, down = (black("C", 102_000 * (1 + s / 100_000), 110_000, 0.55, YEARS) for s in (step, -step))
    per_spot = 100_000 / 102_000  # a price over the forward, in coins worth the spot
    assert close(call.greeks.delta, -2 * (up - down) / (2 * step) * per_spot, 1e-5)
    assert call.profit == -6_000
    assert put.required == 0


def test_the_volatility_a_mark_in_the_coin_implies():
    """The put has none of its own: its mark of a hundredth is 1,020 dollars on a forward of 102,000."""
    held = account()
    found = held_options(held.book(), held.market(), RULES, held.book().holding(POOL))
    assert close(black("P", 102_000, 90_000, float(found.volatility[1]), YEARS), 1_020, 1e-6)
    assert close(found.off[1], 0, 1e-6)


@exact
def test_marks_move_as_coins_along_a_path():
    held = account()
    book, market = held.book(), held.market()
    one = subject(book, "BTC", "USD")
    moving = moves(book, market, RULES, book.holding(POOL), one, Path.UNDERLYING)
    moved = market_along(book, market, moving, Fraction(11, 10))
    before, after = (black("C", forward, 110_000, 0.55, YEARS) for forward in (102_000, 112_200))
    off = 0.03 * 102_000 - before  # the mark is dearer than the model by so many dollars, and stays so
    assert close(moved.prices[PriceKey(PriceKind.MARK, CALL, "BTC")], (after + off) / 112_200, 2e-10)
    assert moved.prices[PriceKey(PriceKind.INDEX, "BTC", "USD")] == 110_000


@pytest.mark.parametrize(("rules", "method"), [(RULES, Method.TIERED), (CROSS, Method.SCENARIO)])
def test_l13_liquidation_prices_of_the_underlying(rules, method):
    held = account(method)
    held.prices[PriceKey(PriceKind.VOL, PUT, "BTC")] = held.prices[PriceKey(PriceKind.VOL, CALL, "BTC")]
    found = explain(held.book(), held.market(), rules, POOL)
    assert found.assessment.surplus > 0
    assert check_margin_model(rules, [(held.book(), held.market())], {"L-07", "L-13", "L-19"}) == []


def test_a_coins_own_pool_counts_its_options_in_the_coin():
    held = account(Method.SCENARIO)
    held.numeraire = "BTC"
    found = held_options(held.book(), held.market(), venue("deribit_pm_segregated"), held.book().holding(POOL))
    dollars = black("C", 102_000, 110_000, 0.55, YEARS)
    assert close(found.values()[0], -2 * dollars / 102_000, 1e-9)
    moved = black("C", 112_200, 110_000, 0.55, YEARS)
    assert close(found.values(Moved(1.1))[0], -2 * moved / 112_200, 1e-9)


def test_what_is_missing_is_named_in_dollars():
    held = account()
    held.prices = {key: price for key, price in held.prices.items() if key.subject != "BTC"}
    with pytest.raises(BookError, match=r"market\.index\.BTC: no index of BTC in USD"):
        held_options(held.book(), held.market(), RULES, held.book().holding(POOL))
