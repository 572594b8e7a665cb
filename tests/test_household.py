"""Books of one person: exposures add up with their signs, free collateral does not travel."""

from __future__ import annotations

from decimal import Decimal

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.household import Household
from solvent.instruments import Payoff, Perpetual
from solvent.margin import assess
from solvent.units import Asset
from solvent.venues import venue

USDT, USD, BTC = Asset("USDT", 6), Asset("USD", 6), Asset("BTC", 8)
D = Decimal


def linear(lots):
    btc = Perpetual("BTC-PERP", "BTC", USDT, USDT, D("0.1"), D("0.001"))
    held = Holding(Pool("a"), {"USDT": 20_000_000_000}, (Position("BTC-PERP", lots, lots * 60_000_000),))
    market = Market({PriceKey(PriceKind.MARK, "BTC-PERP", "USDT"): D(60_000)})
    return Book({"USDT": USDT}, {"BTC-PERP": btc}, (held,)), market


def inverse():
    """A long of 60,000 dollars' worth on one bitcoin of collateral."""
    btc = Perpetual("BTCUSD", "BTC", USD, BTC, D("0.1"), D(1), payoff=Payoff.INVERSE)
    cost = btc.worth(60_000, 600_000)
    held = Holding(Pool("b", numeraire="BTC"), {"BTC": 100_000_000}, (Position("BTCUSD", 60_000, cost),))
    market = Market({PriceKey(PriceKind.MARK, "BTCUSD", "USD"): D(60_000)})
    return Book({"BTC": BTC, "USD": USD}, {"BTCUSD": btc}, (held,)), market


def test_a_hedge_over_two_venues_nets_to_what_is_left():
    home = Household({"generic": linear(-2_500), "binance_coinm": inverse()})
    btc = home.exposures()["BTC"]
    assert btc.contracts == D("-1.5")  # 2.5 sold here, a long worth one bitcoin there
    assert btc.balances == 1
    assert btc.net == D("-0.5")
    assert btc.gross == D("4.5")


def test_free_collateral_is_told_venue_by_venue_and_never_below_zero():
    ruined = linear(-900_000)
    home = Household({"generic": linear(-1_000), "binance_usdm": ruined})
    first, second = home.venues()
    assert (first.venue, second.venue) == ("binance_usdm", "generic")
    assert first.free == 0
    assert first.required > first.value
    rules = venue("generic")
    assert second.free == assess(*linear(-1_000), rules, Purpose.WITHDRAW)["a"].surplus > 0
