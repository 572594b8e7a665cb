"""OKX's answers as books."""

from __future__ import annotations

from decimal import Decimal

import pytest

from solvent.adapters.okx import account_rules, read
from solvent.book import BookError, Leg, LegMode, PriceKind, Purpose
from solvent.instruments import Future
from solvent.margin import assess, liquidation_price
from solvent.units import Rounding, divide, exact
from solvent.venues import venue

D = Decimal


def data(*rows):
    return {"code": "0", "msg": "", "data": list(rows)}


def balance(*details, **more):
    return data({"adjEq": "", "details": list(details or [currency()]), "uTime": "1700000000000", **more})


def currency(name="USDT", cash="1000", **more):
    return {"ccy": name, "cashBal": cash, "eq": cash, "eqUsd": cash, "upl": "0", **more}


def instrument(symbol="BTC-USDT-SWAP", kind="linear", value="0.01", settle="USDT", **more):
    return {
        "instId": symbol,
        "instType": "SWAP",
        "ctType": kind,
        "ctVal": value,
        "ctMult": "1",
        "settleCcy": settle,
        "uly": "-".join(symbol.split("-")[:2]),
        "tickSz": "0.1",
        "lotSz": "0.01",
        "expTime": "",
        **more,
    }


def position(symbol="BTC-USDT-SWAP", size="2", mark="61000", profit="20", **more):
    return {"instId": symbol, "instType": "SWAP", "pos": size, "posSide": "net", "mgnMode": "cross", "avgPx": "60000",
            "markPx": mark, "upl": profit, "lever": "10", "margin": "", **more}  # fmt: skip


@exact
def near(got, stated, limit):
    return abs(got - D(stated)) < D(limit)


def test_a_recorded_future_has_the_stated_maintenance_ratio_and_profit(recorded, through_a_file):
    """Its mark is worked back from its profit; its tier's rate from its maintenance: 0.8 %, with 0.05 % fee on top."""
    answer = recorded("okx_future_2021")
    (stated,) = answer["data"]
    symbol = stated["instId"]
    dated = instrument(symbol, "inverse", "10", "ETH", instType="FUTURES", expTime="1619769600000", tickSz="0.01")
    tier = {"uly": "ETH-USD", "instId": "", "minSz": "0", "maxSz": "500", "mmr": "0.008", "imr": "0.01",
            "maxLever": "100", "tier": "1"}  # fmt: skip
    mark = {"instId": symbol, "instType": "FUTURES", "markPx": "2565.656", "ts": "1619507761462"}
    messages = [answer, data(dated), data(mark), data(tier)]
    book, market, name = through_a_file(read(messages))
    pool = f"cross-ETH:{symbol}:long"
    rules = account_rules(messages)
    found = assess(book, market, rules, Purpose.MAINTAIN)[pool]
    assert isinstance(book.instruments[symbol], Future)
    assert name == "okx"
    assert near(found.value, exact(lambda: D(stated["margin"]) + D(stated["upl"]))(), "1e-15")
    fee = divide(found.required, D(17), 20, Rounding.HALF_UP)
    assert near(exact(lambda: found.required - fee)(), stated["mmr"], "1e-15")
    assert near(divide(found.value, found.required, 9, Rounding.HALF_UP), stated["mgnRatio"], "1e-7")
    assert near(liquidation_price(book, market, rules, pool, symbol).solved, stated["liqPx"], "0.2")


def test_futures_mode_has_a_pool_a_currency(through_a_file):
    swap = instrument("BTC-USD-SWAP", "inverse", "100", "BTC", lotSz="1")
    rows = [position(), position("BTC-USD-SWAP", "-3", "61000", "-0.0001")]
    found = through_a_file(read([balance(currency(), currency("BTC", "0.5")), data(*rows), data(swap, instrument())]))
    book, market, name = found
    assert [one.pool.id for one in book.holdings] == ["cross-USDT", "cross-BTC"]
    worth = {key: one.value for key, one in assess(book, market, venue(name), Purpose.MAINTAIN).items()}
    assert worth == {"cross-USDT": 1020, "cross-BTC": D("0.4999")}
    assert market.time_ns == 1_700_000_000_000_000_000


def test_multi_currency_mode_is_one_pool_in_usd(through_a_file):
    details = [currency(eqUsd="999.5"), currency("BTC", "0.5", eqUsd="30000")]
    for message in (balance(*details, adjEq="30999.5"), balance(*details)):
        config = [] if message["data"][0]["adjEq"] else [data({"acctLv": "3", "posMode": "net_mode"})]
        book, market, name = through_a_file(read([message, *config]))
        assert (name, book.holdings[0].pool.numeraire) == ("okx_multi", "USD")
        assert market.price(PriceKind.INDEX, "BTC", "USD") == 60_000
        assert assess(book, market, venue(name), Purpose.MAINTAIN)["cross"].value == D("30999.5")


def test_profit_counts_in_what_a_currencys_value_is_divided_by():
    detail = currency(cash="980", eq="1000", eqUsd="1000")
    market = read([balance(detail, adjEq="1"), data(position()), data(instrument())]).market
    assert market.price(PriceKind.INDEX, "USDT", "USD") == 1


def test_both_sides_and_orders():
    rows = [position(posSide="long"), position(posSide="short", profit="-20")]
    order = {
        "ordId": "1",
        "instId": "BTC-USDT-SWAP",
        "instType": "SWAP",
        "side": "sell",
        "posSide": "long",
        "sz": "2",
        "accFillSz": "0.5",
        "px": "65000.1",
        "ordType": "post_only",
        "state": "live",
        "reduceOnly": "true",
    }
    others = [order | {"ordId": "2", "ordType": "market"}, order | {"ordId": "3", "instType": "SPOT"}]
    book, _, _ = read([balance(), data(*rows), data(instrument()), data(order, *others)])
    holding, contract = book.holding("cross-USDT"), book.instruments["BTC-USDT-SWAP"]
    assert holding.pool.legs is LegMode.HEDGE
    assert [(one.leg, contract.size(one.lots)) for one in holding.positions] == [(Leg.LONG, 2), (Leg.SHORT, -2)]
    assert [(one.id, contract.size(one.lots), one.leg) for one in holding.orders] == [("1", D("-1.5"), Leg.LONG)]


def test_tiers_are_steps_of_the_whole_position_in_coins():
    tiers = [
        {"uly": "BTC-USDT", "instId": "", "minSz": low, "maxSz": high, "mmr": rate, "imr": "0.02", "maxLever": "50"}
        for low, high, rate in (("0", "100", "0.004"), ("100", "300", "0.005"))
    ]
    book, market, _ = read([balance(), data(position(size="100")), data(instrument())])
    big, _, _ = read([balance(), data(position(size="100.01")), data(instrument())])
    rules = account_rules([data(*tiers), data(instrument())])
    at = [assess(one, market, rules, Purpose.MAINTAIN)["cross-USDT"].required for one in (book, big)]
    assert at == [D("274.5"), D("335.53355")]


def test_index_tickers_price_currencies_over_another():
    rows = [{"instId": "BTC-USDT", "idxPx": "60000", "ts": "1"}, {"instId": "USDT-USD", "idxPx": "0.9998", "ts": "2"}]
    details = [currency(eqUsd=""), currency("BTC", "0.5", eqUsd="")]
    market = read([balance(*details, adjEq="1"), data(*rows)]).market
    assert market.price(PriceKind.INDEX, "BTC", "USD") == 59_988


def test_tiers_that_overlap_are_refused():
    rows = [
        {"uly": "BTC-USDT", "minSz": low, "maxSz": "5", "mmr": "0.01", "imr": "0.02", "maxLever": "5"} for low in "013"
    ]
    with pytest.raises(BookError, match=r"data\[0\]\.mmr: "):
        account_rules([data(*rows), data(instrument())])


def test_filled_orders_leave_no_trace():
    filled = {
        "ordId": "1",
        "instId": "BTC-USDT-SWAP",
        "instType": "SWAP",
        "side": "sell",
        "sz": "2",
        "accFillSz": "2",
        "px": "1",
        "ordType": "limit",
        "state": "live",
    }
    assert read([balance(), data(instrument()), data(filled)]) == read([balance()])


REFUSED = [
    ([{"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []}], r"code: got '50111', expected '0'; the exchange"),
    ([data({"colour": 1})], r"message\[0\]\.data\[0\]: got an object, expected an answer of account balance"),
    ([data(position())], r"data\[0\]\.instId: got 'BTC-USDT-SWAP', expected a contract whose instruments answer"),
    ([data(position(instType="OPTION"))], r"instType: got 'OPTION', expected SWAP or FUTURES"),
    ([data(position(posSide="up")), data(instrument())], r"posSide: got 'up', expected 'net' or 'long' or 'short'"),
    ([data(position(mgnMode="cash")), data(instrument())], r"mgnMode: got 'cash', expected 'cross' or 'isolated'"),
    ([data(position(mgnMode="isolated")), data(instrument())], r"data\[0\]\.margin: got '', expected a number"),
    ([data(position(markPx="")), data(instrument())], r"no mark of BTC-USDT-SWAP, expected its price in USDT"),
    ([data(position()), data(instrument(ctType="round"))], r"ctType: got 'round', expected 'linear' or 'inverse'"),
    ([data(position()), data(instrument(lotSz="0"))], r"lotSz: got '0', expected a number greater than 0"),
    ([data({"acctLv": "4"})], r"acctLv: got '4', expected '2' \(futures mode\) or '3'"),
    ([balance(currency(), currency())], r"details\[1\]\.ccy: got 'USDT', expected each currency once"),
    ([balance(currency(cash="28 .2"))], r"details\[0\]\.cashBal: got '28 \.2', expected a number"),
    ([balance(currency("ETH", "1", eqUsd=""), adjEq="1")], r"index\.ETH\.USD: nothing given"),
]


@pytest.mark.parametrize(("messages", "expected"), REFUSED)
def test_what_is_wrong_is_named_with_its_place(messages, expected):
    with pytest.raises(BookError, match=expected):
        read(messages)
