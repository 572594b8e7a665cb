"""The exchange's small formulas at the points where they turn."""

from decimal import Decimal

import pytest

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Perpetual
from solvent.margin import assess_pool
from solvent.units import Asset
from solvent.venues import numeraire, venue
from solvent.venues.binance_usdm import formulas as f

SIDES = [
    # limit, mark, side, open loss: it turns at the mark, and only against the order
    ("100", "100", 1, "0"),
    ("100.01", "100", 1, "0.01"),
    ("99.99", "100", 1, "0"),
    ("100.01", "100", -1, "0"),
    ("99.99", "100", -1, "0.01"),
]


@pytest.mark.parametrize(("limit", "mark", "side", "loss"), SIDES)
def test_open_loss_turns_at_the_mark(limit, mark, side, loss):
    cost = f.order_cost(Decimal(limit), Decimal(mark), Decimal(1), 20, side)
    assert cost.open_loss == Decimal(loss)
    assert cost.total == cost.initial_margin + Decimal(loss)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        ("-0.00041", "0.00009"),
        ("-0.0004", "0.0001"),
        ("0", "0.0001"),
        ("0.0006", "0.0001"),
        ("0.00061", "0.00011"),
    ],
)
def test_the_funding_rate_is_flat_between_its_two_printed_premiums(premium, rate):
    assert f.funding_rate(Decimal(premium)) == Decimal(rate)


def test_funding_of_shorter_intervals_is_in_proportion():
    assert f.funding_rate(Decimal("0.002"), interval_hours=1) == Decimal("0.0001875")
    assert f.funding_rate(Decimal("0.002"), interval_hours=8) == Decimal("0.0015")


def test_mark_is_the_median_in_any_order():
    for prices in ((1, 2, 3), (3, 1, 2), (2, 3, 1), (2, 2, 9)):
        assert f.mark_price(*map(Decimal, prices)) == 2
    assert f.price_two(Decimal(100), Decimal("-0.5")) == Decimal("99.5")


def test_premium_counts_only_what_leaves_the_mark():
    assert f.premium_index(Decimal(99), Decimal(101), Decimal(100), Decimal(100)) == 0
    assert f.premium_index(Decimal(98), Decimal(99), Decimal(100), Decimal(100)) == Decimal("-0.01")


def test_the_price_of_a_sell_is_the_dearest_of_three():
    assert f.assuming_price(Decimal(200), Decimal(100), Decimal(98), -1) == 200
    assert f.assuming_price(Decimal(99), Decimal(100), Decimal(300), -1) == 300
    assert f.assuming_price(Decimal(99), Decimal(100), Decimal(300), 1) == 99


def test_coin_margins_round_against_the_account():
    assert f.coin_notional(Decimal(-1), Decimal(100), Decimal(30_000), places=4) == Decimal("0.0034")
    assert f.coin_initial_margin(Decimal(1), Decimal(100), Decimal(30_000), 10, places=4) == Decimal("0.0004")
    held = (Decimal(1), Decimal(100), Decimal(30_000))
    assert f.coin_maintenance_margin(*held, Decimal("0.1"), Decimal("0.0001"), places=4) == Decimal("0.0003")


def test_adl_scores_of_losers_and_of_accounts_without_equity_are_zero():
    assert f.adl_score(Decimal(-5), Decimal(100), Decimal(1)).leverage_profit == 0
    assert f.adl_score(Decimal(5), Decimal(-5), Decimal(1)).margin_ratio == 0
    at_half = f.adl_score(Decimal("0.5"), Decimal("0.5"), Decimal(1), places=2)
    assert at_half == (Decimal("0.50"), Decimal("1.00"), Decimal("0.5"))


def test_the_buffered_price_moves_towards_the_entry_on_both_sides():
    assert f.buffered_liquidation_price(Decimal(100), Decimal(90), 1, Decimal("0.1")) == 91
    assert f.buffered_liquidation_price(Decimal(100), Decimal(110), -1, Decimal("0.1")) == 109


def test_a_margin_ratio_of_exactly_one_is_liquidated_and_a_unit_more_is_not():
    """One bitcoin at 60,000: 0.5 % less 50 is 250 of maintenance; today's text says that 100 % liquidates."""
    usdt = Asset("USDT", 8)
    btc = Perpetual("BTCUSDT", "BTC", usdt, usdt, Decimal("0.1"), Decimal("0.001"))
    market = Market({PriceKey(PriceKind.MARK, "BTCUSDT", "USDT"): Decimal(60_000)})
    for name in ("binance_usdm", "binance_usdm_multi_asset"):
        own = numeraire(name)
        told = Perpetual("BTCUSDT", "BTC", Asset(own, 8), Asset(own, 8), btc.tick_size, btc.lot_size)
        prices = Market({PriceKey(PriceKind.MARK, "BTCUSDT", own): Decimal(60_000), **market.prices})
        for more, breached in ((0, True), (1, False)):
            held = Position("BTCUSDT", 1_000, told.worth(1_000, 600_000))
            pool = Holding(Pool("a", numeraire=own), {own: 250 * 10**8 + more}, (held,))
            book = Book({own: told.settle}, {"BTCUSDT": told}, (pool,))
            rules = venue(name)
            found = assess_pool(book, prices, rules, Purpose.MAINTAIN, "a")
            assert found.required == 250
            assert found.breached(inclusive=rules.breach_inclusive) is breached
