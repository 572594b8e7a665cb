"""ccxt's unified structures as books. The structures have the documented form, the figures are invented."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from solvent.adapters.ccxt import account_rules, read
from solvent.adapters.fields import decoded
from solvent.book import BookError, Leg, LegMode, Mode, PriceKind, Purpose
from solvent.instruments import Future, Payoff
from solvent.margin import assess
from solvent.venues import venue

D = Decimal

BTC = "BTC/USDT:USDT"


def position(symbol=BTC, side="long", mark=61000.5, profit=500.25, **more):
    return {"symbol": symbol, "side": side, "contracts": 0.5, "contractSize": 1.0, "markPrice": mark, "info": {"x": 1},
            "entryPrice": 60000.0, "unrealizedPnl": profit, "leverage": 10, "marginMode": "cross", "hedged": False,
            "collateral": None, "notional": 30500.25, **more}  # fmt: skip


def message(*positions, total=None, **more):
    """One message as it comes out of a file: JSON numbers, read exactly."""
    total = {"USDT": 9000.1} if total is None else total
    given = {"balance": {"info": {}, "total": total, "free": {}, "timestamp": 1700000000000}, "positions": positions}
    return decoded(json.dumps(given | more), "file")


def test_json_numbers_are_the_decimals_they_are_written_as(through_a_file):
    book, market, name = through_a_file(read([message(position())]))
    holding = book.holding("cross")
    found = assess(book, market, venue(name), Purpose.MAINTAIN)["cross"]
    assert (name, holding.pool.numeraire, holding.positions[0].leverage) == ("generic", "USDT", 10)
    assert found.value == D("9500.35")
    assert market.time_ns == 1_700_000_000_000_000_000


def test_structures_alone_and_method_names_give_the_same():
    whole = message(position())
    apart = [whole["balance"], whole["positions"]]
    spelt = [{"fetchBalance": whole["balance"], "fetch_positions": whole["positions"]}]
    assert read([whole]) == read(apart) == read(spelt)


def test_totals_that_have_profit_in_them_are_worth_what_they_say():
    whole = message(position(), exchange="binanceusdm")
    book, market, name = read([whole])
    assert (name, book.holdings[0].pool.id) == ("binance_usdm", "cross-USDT")
    assert assess(book, market, venue(name), Purpose.MAINTAIN)["cross-USDT"].value == D("9000.1")
    said = read([message(position(), totals="equity")])
    assert assess(*said[:2], venue("generic"), Purpose.MAINTAIN)["cross"].value == D("9000.1")


def test_isolated_positions_take_their_collateral_out_of_the_total(through_a_file):
    alone = position(marginMode="isolated", collateral=3500.25)
    for exchange, rest, whole in (("binanceusdm", D("5499.85"), "cross-USDT"), ("mexc", D("6000.1"), "cross")):
        book, market, name = through_a_file(read([message(alone, exchange=exchange)]))
        own = book.holding(f"{whole}:{BTC}")
        found = assess(book, market, venue(name), Purpose.MAINTAIN)
        assert (own.pool.mode, own.pool.parent) == (Mode.ISOLATED, whole)
        assert (found[whole].value, found[own.pool.id].value) == (rest, D("3500.25"))


def test_one_pool_in_usd_needs_the_price_of_every_asset(through_a_file):
    tickers = {"USDT/USD": {"symbol": "USDT/USD", "last": 0.9998}, "BTC/USDT": {"symbol": "BTC/USDT", "last": 60000}}
    given = message(position(), total={"USDT": 100, "BTC": 0.5, "ETH": 0}, exchange="bybit", tickers=tickers)
    book, market, name = through_a_file(read([given]))
    assert (name, market.price(PriceKind.INDEX, "BTC", "USD")) == ("bybit_uta", D(59988))
    assert assess(book, market, venue(name), Purpose.MAINTAIN)["cross"].value == D("30594.12995")
    del given["tickers"]["USDT/USD"]
    with pytest.raises(BookError, match=r"index\.USDT\.USD: nothing given"):
        read([given])
    assert read([given, {"index": {"USDT": {"USD": D("0.9998")}}}]).book == book


def test_what_is_owed_is_taken_off_once():
    given = message(total={"USDT": 100, "ETH": -2})
    given["balance"]["debt"] = {"USDT": 30, "ETH": 3}
    found = read([given, {"index": {"ETH": {"USDT": D(3000)}}}]).book
    assert {name: found.assets[name].amount(n) for name, n in found.holding("cross").cash.items()} == {
        "USDT": 70, "ETH": -3
    }  # fmt: skip


def test_two_sides_are_held_apart_and_orders_go_to_the_side_they_open_or_close():
    rows = [position(), position(side="short", profit=-500.25)]
    order = {
        "id": "1",
        "symbol": BTC,
        "side": "sell",
        "type": "limit",
        "price": 65000,
        "remaining": 0.2,
        "reduceOnly": True,
    }
    opening = order | {"id": "2", "reduceOnly": False}
    others = [
        order | {"id": "3", "type": "market"},
        order | {"id": "4", "triggerPrice": 1},
        order | {"symbol": "BTC/USDT"},
    ]
    book, _, _ = read([message(*rows, open_orders=[order, opening, *others])])
    holding = book.holding("cross")
    assert holding.pool.legs is LegMode.HEDGE
    assert [(one.id, one.leg, one.lots) for one in holding.orders] == [("1", Leg.LONG, -2), ("2", Leg.SHORT, -2)]


def test_inverse_and_dated_contracts(through_a_file):
    inverse = position("BTC/USD:BTC", mark=61000.5, profit=0.0001, contracts=100, contractSize=100)
    dated = position("BTC/USDT:USDT-261225")
    given = message(inverse, dated, total={"BTC": 1, "USDT": 5}, exchange="okx", totals="wallet")
    prices = {"index": {"BTC": {"USD": D(61000)}, "USDT": {"USD": D(1)}}}
    book, market, _ = through_a_file(read([given, prices]))
    coin = book.instruments["BTC/USD:BTC"]
    (first, _) = book.holding("cross").positions
    worth = coin.worth(first.lots, coin.ticks(market.price(PriceKind.MARK, coin.symbol, "USD")))
    assert (coin.payoff, coin.contract_size) == (Payoff.INVERSE, 100)
    assert coin.settle.amount(worth - first.cost) == D("0.0001")
    assert isinstance(book.instruments["BTC/USDT:USDT-261225"], Future)


def test_tickers_give_marks_to_positions_and_orders_without_one():
    ticker = {BTC: {"symbol": BTC, "markPrice": 61000.5, "indexPrice": 61001}}
    order = {"id": "1", "symbol": BTC, "side": "buy", "type": "limit", "price": 1, "remaining": 2}
    given = message(position(mark=None, profit=None), tickers=ticker, orders=[order], markets=[
        {"symbol": BTC, "base": "BTC", "contractSize": 0.01}])  # fmt: skip
    book, market, _ = read([given])
    assert book.assets["USDT"].amount(book.holding("cross").positions[0].cost) == 300
    assert market.price(PriceKind.INDEX, "BTC", "USDT") == 61001


def test_tiers_of_the_message_go_into_the_rule_set():
    rows = [
        {"tier": 1, "minNotional": 0, "maxNotional": 50000, "maintenanceMarginRate": 0.004, "maxLeverage": 125},
        {"tier": 2, "minNotional": 50000, "maxNotional": None, "maintenanceMarginRate": 0.005, "maxLeverage": 100},
    ]
    whole = message(position(), leverage_tiers={BTC: rows}, exchange="binanceusdm")
    book, market, _ = read([whole])
    rules = account_rules([whole])
    assert assess(book, market, rules, Purpose.MAINTAIN)["cross-USDT"].required == D("122.001")
    assert assess(book, market, rules, Purpose.ADMIT)["cross-USDT"].required == D("3050.025")


def test_tiers_and_tickers_alone_are_seen_by_their_fields():
    row = {"minNotional": 0, "maintenanceMarginRate": D("0.01"), "maxLeverage": 50}
    assert account_rules([{BTC: [row]}]).margin.own[BTC].brackets[0].max_leverage == 50
    option = {"symbol": "BTC/USDT:USDT-261225-60000-C", "markPrice": 5}
    tickers = {BTC: {"symbol": BTC, "markPrice": 7}, option["symbol"]: option}
    found = read([message(position(mark=None, profit=None)), tickers])
    assert found.market.price(PriceKind.MARK, BTC, "USDT") == 7


REFUSED = [
    ([message(exchange="dydx")], "exchange: got 'dydx', expected another one: dYdX's own answers"),
    ([message(totals="all")], r"message\[0\]\.totals: got 'all', expected 'wallet' or 'equity'"),
    (
        [message(position("BTC/USDT:USDT-261225-60000-C"))],
        "symbol: got 'BTC/USDT:USDT-261225-60000-C', expected a perp",
    ),
    ([message(position("BTC/USD:ETH"))], "expected a linear or inverse contract: quanto ones are not read"),
    ([message(position(side="up"))], r"positions\[0\]\.side: got 'up', expected 'long' or 'short'"),
    ([message(position(mark=None))], rf"positions\[0\]: no mark of {BTC}, expected its price in USDT"),
    ([message(position(marginMode="isolated"))], r"positions\[0\]\.collateral: got None, expected a number"),
    ([message(position(marginMode="shared"))], r"marginMode: got 'shared', expected 'cross' or 'isolated'"),
    ([message(position(profit=None), totals="equity")], r"unrealizedPnl: got None, expected a number"),
    ([message() | {"balance": {"free": {}}}], r"message\[0\]\.balance\.total: nothing given, expected an object"),
    ([message(leverage_tiers=[1])], r"leverage_tiers: got a list, expected an object by symbol"),
    ([{"colour": {"red": 1}}], r"message\[0\]: got an object, expected an object with balance, positions"),
    ([3], r"message\[0\]: got 3, expected an object with balance"),
]


@pytest.mark.parametrize(("messages", "expected"), REFUSED)
def test_what_is_wrong_is_named_with_its_place(messages, expected):
    with pytest.raises(BookError, match=expected):
        read(messages)
