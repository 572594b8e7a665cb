"""Bybit's answers as books."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from solvent.adapters.bybit import account_rules, read
from solvent.book import BookError, Leg, LegMode, Mode, PriceKey, PriceKind, Purpose
from solvent.instruments import Future, Payoff
from solvent.margin import assess
from solvent.rules import Fees
from solvent.units import exact
from solvent.venues import venue

D = Decimal


def coin(name="USDT", cash="1000", profit="0", value=None, **more):
    """A coin's row; its value is that of its equity at a dollar where none is given."""
    equity = exact(lambda: str(D(cash) + D(profit)))()
    return {"coin": name, "walletBalance": cash, "unrealisedPnl": profit, "equity": equity,
            "usdValue": equity if value is None else value, "borrowAmount": "0", "spotBorrow": "0", **more}  # fmt: skip


def wallet(*coins):
    whole = {"accountType": "UNIFIED", "coin": list(coins or [coin()])}
    return {"retCode": 0, "retMsg": "OK", "result": {"list": [whole]}, "time": 1700000000000}


def listed(*rows, category="linear"):
    return {"retCode": 0, "result": {"category": category, "list": list(rows)}}


def position(symbol="BTCUSDT", side="Buy", size="0.5", mark="50500", profit="250", **more):
    return {
        "symbol": symbol,
        "side": side,
        "size": size,
        "avgPrice": "50000",
        "positionValue": "25000",
        "leverage": "10",
        "markPrice": mark,
        "unrealisedPnl": profit,
        "positionIdx": 0,
        "tradeMode": 0,
        **more,
    }


def test_a_recorded_position_needs_what_the_exchange_said(recorded, through_a_file):
    """In 2022 margin was on entry value, the taker fee six basis points, and XRP's first tier one percent."""
    answer = recorded("bybit_position_2022")
    (stated,) = answer["result"]["list"]
    tiers = listed({"symbol": "XRPUSDT", "riskLimitValue": "200000", "maintenanceMargin": "1", "maxLeverage": "50"})
    messages = [answer, wallet(coin(cash="100", profit="-1.83")), tiers]
    book, market, name = through_a_file(read(messages))
    rules = account_rules(messages, replace(venue("bybit_uta_2024"), fees=Fees(600, 100)))
    kept, opened = (assess(book, market, rules, one)["cross"] for one in (Purpose.MAINTAIN, Purpose.ADMIT))
    assert name == "bybit_uta"
    assert (kept.required, opened.required) == (D(stated["positionMM"]), D(stated["positionIM"]))
    assert book.assets["USDT"].amount(book.holding("cross").positions[0].cost) == D(stated["positionValue"])
    assert kept.value == D("98.17")
    assert market.time_ns == 1_700_000_000_000_000_000


def test_the_account_is_worth_what_it_states_in_usd(through_a_file):
    coins = [coin("BTC", "0.805994", value="12920.95352538"), coin(cash="-50", profit="250", value="200.02")]
    book, market, name = through_a_file(read([wallet(*coins), listed(position())]))
    assert market.price(PriceKind.INDEX, "BTC", "USD") == D("16031.07904697")
    assert abs(assess(book, market, venue(name), Purpose.MAINTAIN)["cross"].value - D("13120.97352538")) < D("1e-8")


def test_what_is_borrowed_for_spot_is_a_debt_and_what_contracts_owe_is_one_already():
    owed = coin("ETH", "0", value="-191.31", spotBorrow="0.06142", borrowAmount="0.06142")
    found = read([wallet(owed, coin(cash="-5", value="-5", borrowAmount="5"))])
    amounts = {name: found.book.assets[name].amount(n) for name, n in found.book.holding("cross").cash.items()}
    assert amounts == {"ETH": D("-0.06142"), "USDT": D(-5)}


def test_isolated_positions_stand_under_the_cross_pool_with_their_margin(through_a_file):
    alone = position(tradeMode=1, positionBalance="2500.5", positionIdx=1)
    book, market, name = through_a_file(read([wallet(coin(cash="3000", profit="250")), listed(alone)]))
    own = book.holding("cross:BTCUSDT:long")
    assert (own.pool.mode, own.pool.parent, own.pool.legs) == (Mode.ISOLATED, "cross", LegMode.HEDGE)
    found = assess(book, market, venue(name), Purpose.MAINTAIN)
    assert (found["cross"].value, found[own.pool.id].value) == (D("499.5"), D("2750.5"))
    account = {"retCode": 0, "result": {"marginMode": "ISOLATED_MARGIN", "updatedTime": "1"}}
    plain = position(positionBalance="2500.5", positionIdx=1)
    assert read([wallet(coin(cash="3000", profit="250")), account, listed(plain)])[:2] == (book, market)


def test_both_sides_of_one_contract_are_held_apart():
    rows = [position(positionIdx=1), position(side="Sell", positionIdx=2, size="0.2", profit="-100")]
    holding = read([wallet(), listed(*rows, position("ETHUSDT", size="3"))]).book.holding("cross")
    assert holding.pool.legs is LegMode.HEDGE
    assert [(one.symbol, one.leg) for one in holding.positions] == [
        ("BTCUSDT", Leg.LONG), ("BTCUSDT", Leg.SHORT), ("ETHUSDT", Leg.LONG)
    ]  # fmt: skip


def test_inverse_and_dated_contracts_by_their_symbols(through_a_file):
    inverse = position("BTCUSD", size="1000", mark="60000.5", profit="0.00012345", positionValue="0.0168")
    dated = position("BTC-26DEC25", profit="1")
    coins = [coin("BTC", "1", value="60000"), coin("USDC", "1")]
    book, market, _ = through_a_file(read([wallet(*coins), listed(inverse), listed(dated)]))
    contract = book.instruments["BTCUSD"]
    position_of = book.holding("cross").position("BTCUSD")
    worth = contract.worth(position_of.lots, contract.ticks(D("60000.5")))
    assert (contract.payoff, contract.settle.name) == (Payoff.INVERSE, "BTC")
    assert contract.settle.amount(worth - position_of.cost) == D("0.00012345")
    assert isinstance(book.instruments["BTC-26DEC25"], Future)
    assert book.instruments["BTC-26DEC25"].settle.name == "USDC"
    assert PriceKey(PriceKind.INDEX, "USDC", "USD") in market.prices


def test_a_position_without_mark_costs_its_entry_or_its_value():
    ticker = listed({"symbol": "BTCUSDT", "lastPrice": "1", "markPrice": "50600", "indexPrice": "50590",
                     "fundingRate": "0.0001"})  # fmt: skip
    for given, cost in (({}, 25_000), ({"avgPrice": ""}, 25_001)):
        row = position(markPrice="", positionValue="25001", **given)
        book, market, _ = read([wallet(), listed(row), ticker])
        assert book.assets["USDT"].amount(book.holding("cross").positions[0].cost) == cost
    assert market.figure("funding_rate", "BTCUSDT") == D("0.0001")
    assert market.price(PriceKind.INDEX, "BTC", "USDT") == 50_590


def test_resting_limit_orders_are_read_and_others_left():
    row = {"orderId": "a", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Limit", "orderStatus": "PartiallyFilled",
           "price": "52000.5", "qty": "0.5", "leavesQty": "0.3", "reduceOnly": True, "positionIdx": 0}  # fmt: skip
    others = [row | {"orderId": "b", "orderStatus": "Untriggered"}, row | {"orderId": "c", "orderType": "Market"}]
    spot = listed(row | {"orderId": "d"}, category="spot")
    (order,) = read([wallet(), listed(position()), listed(row, *others), spot]).book.holding("cross").orders
    assert (order.id, order.lots, order.reduce_only) == ("a", -3, True)


def test_tiers_are_by_upper_bound_and_in_percent_only_where_they_must_be():
    rows = [
        {"symbol": "BTCUSDT", "riskLimitValue": "4000000", "maintenanceMargin": "0.01", "maxLeverage": "50.00"},
        {"symbol": "BTCUSDT", "riskLimitValue": "2000000", "maintenanceMargin": "0.005", "maxLeverage": "100.00"},
        {"symbol": "NEWUSDT", "riskLimitValue": "1000", "maintenanceMargin": "0.5", "maxLeverage": "1"},
    ]
    own = account_rules([listed(*rows)]).margin.own
    assert own["BTCUSDT"].schedules[Purpose.MAINTAIN].at(D(3_000_000)) == D(20_000)
    assert own["NEWUSDT"].schedules[Purpose.MAINTAIN].at(D(100)) == 50


def test_steps_and_expiry_of_instruments_info(through_a_file):
    info = {
        "symbol": "BTCUSDH26", "baseCoin": "BTC", "quoteCoin": "USD", "settleCoin": "BTC",
        "deliveryTime": "1774598400000", "priceFilter": {"tickSize": "0.50"}, "lotSizeFilter": {"qtyStep": "1"},
    }  # fmt: skip
    perpetual = info | {"symbol": "BTCUSDT", "quoteCoin": "USDT", "settleCoin": "USDT", "deliveryTime": "0"}
    rows = [position("BTCUSDH26", size="1000", profit="0.0001"), position(size="2")]
    coins = [coin("BTC", "1", value="60000"), coin()]
    found = through_a_file(read([wallet(*coins), listed(*rows), listed(info, perpetual)]))
    dated, linear = (found.book.instruments[symbol] for symbol in ("BTCUSDH26", "BTCUSDT"))
    assert (dated.payoff, dated.expiry_ns, dated.tick_size) == (Payoff.INVERSE, 1_774_598_400_000_000_000, D("0.5"))
    assert (type(linear).__name__, linear.tick_size, linear.lot_size) == ("Perpetual", D("0.5"), 1)


def test_options_and_filled_orders_leave_no_trace():
    option = listed({"symbol": "BTC-27DEC24-55000-P", "lastPrice": "1", "markPrice": "11814.6"}, category="option")
    filled = {
        "orderId": "a",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "orderStatus": "New",
        "price": "1",
        "qty": "1",
        "cumExecQty": "1",
        "leavesQty": "",
    }
    assert read([wallet(), option, listed(filled)]) == read([wallet()])


REFUSED = [
    ([{"retCode": 10003, "retMsg": "API key is invalid."}], r"retCode: got 10003, expected 0; the exchange says 'API"),
    ([{"colour": 1}], r"message\[0\]: got an object, expected an answer of wallet-balance"),
    ([listed(position(side="Up"))], r"result\.list\[0\]\.side: got 'Up', expected 'buy' or 'sell'"),
    ([listed(position(positionIdx=3))], r"positionIdx: got 3, expected 0, 1 or 2"),
    ([listed(position(tradeMode=1, positionBalance=""))], r"positionBalance: got '', expected the margin of the isol"),
    (
        [listed(position("BTC-27DEC24-55000-P"), category="option")],
        r"symbol: got 'BTC-27DEC24-55000-P', expected a per",
    ),
    ([listed(position("BTC-27DEC24-55000-P"))], r"symbol: got 'BTC-27DEC24-55000-P', expected a perpetual or future"),
    ([listed(position())], r"index\.USDT\.USD: nothing given, expected the price of USDT in USD in some message"),
    ([wallet(), listed(position(), position())], r"got BTCUSDT net again, expected one position a leg and pool"),
    ([wallet(coin(), coin())], r"coin\[1\]\.coin: got 'USDT', expected each coin once"),
    ([wallet(coin(value="-5"))], r"usdValue: got '-5', expected a value with the sign of the equity 1000"),
    ([listed({"symbol": "A", "riskLimitValue": "1", "maintenanceMargin": "0.1"})], "maxLeverage: nothing given"),
]


@pytest.mark.parametrize(("messages", "expected"), REFUSED)
def test_what_is_wrong_is_named_with_its_place(messages, expected):
    def both():
        account_rules(messages)
        read(messages)

    with pytest.raises(BookError, match=expected):
        both()
