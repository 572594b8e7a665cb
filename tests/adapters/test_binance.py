"""Binance's answers as books: what a recorded answer states of its account is what the book is worth and needs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from solvent.adapters.binance import account_rules, read
from solvent.book import BookError, Leg, LegMode, Mode, PriceKey, PriceKind, Purpose
from solvent.instruments import Future, Payoff
from solvent.margin import assess, liquidation_price
from solvent.units import exact
from solvent.venues import venue

D = Decimal


@exact
def near(got, stated, limit):
    """Whether two exact figures differ by less than the limit."""
    return abs(got - D(stated)) < D(limit)


def wallet(asset="USDT", cash="1000", **more):
    return {"asset": asset, "walletBalance": cash, "marginBalance": cash, "crossWalletBalance": cash, **more}


def account(*assets, positions=(), **more):
    return {"totalWalletBalance": "0", "assets": list(assets or [wallet()]), "positions": list(positions), **more}


def risk(symbol="BTCUSDT", size="0.5", mark="60000", profit="-10", **more):
    return {
        "symbol": symbol, "positionAmt": size, "entryPrice": "60020", "markPrice": mark, "unRealizedProfit": profit,
        "leverage": "20", "marginType": "cross", "isolatedMargin": "0", "isolatedWallet": "0", "positionSide": "BOTH",
        **more,
    }  # fmt: skip


def test_totals_of_a_recorded_account_are_those_it_states(recorded, through_a_file):
    answer = recorded("binance_account_v3")
    tiers = {"symbol": "WLDUSDT", "brackets": [
        {"bracket": 1, "initialLeverage": 50, "notionalFloor": 0, "notionalCap": 50000, "maintMarginRatio": D("0.006")}
    ]}  # fmt: skip
    settings = [{"symbol": "WLDUSDT", "marginType": "CROSSED", "leverage": 20}]
    messages = [answer, [tiers], settings]
    book, market, name = through_a_file(read(messages))
    rules, (stated,) = account_rules(messages), answer["assets"]
    kept, opened = (assess(book, market, rules, one)["cross-USDT"] for one in (Purpose.MAINTAIN, Purpose.ADMIT))
    assert name == "binance_usdm"
    assert kept.value == D(stated["marginBalance"])
    assert book.holding("cross-USDT").cash == {"USDT": book.assets["USDT"].units(D(stated["walletBalance"]))}
    assert kept.lines[0].value == D(stated["unrealizedProfit"])
    assert near(kept.required, stated["maintMargin"], "1e-8")
    assert near(opened.required, stated["initialMargin"], "1.1e-8")
    assert market.prices[PriceKey(PriceKind.MARK, "WLDUSDT", "USDT")] == D("2.3468325")


def test_a_recorded_hedge_leg_is_liquidated_where_the_exchange_said(recorded, through_a_file):
    book, market, name = through_a_file(read([recorded("binance_hedge_risk")]))
    parent, own = book.holdings
    assert (own.pool.parent, own.pool.mode, own.pool.legs) == (parent.pool.id, Mode.ISOLATED, LegMode.HEDGE)
    assert own.cash == {"USDT": 1_320_070_726_908}
    assert assess(book, market, venue(name), Purpose.MAINTAIN)[own.pool.id].value == D("15517.54150468")
    solved = liquidation_price(book, market, venue(name), own.pool.id, "BTCUSDT").solved
    assert near(solved, "5930.78", "0.005")


def test_a_recorded_inverse_position_has_the_stated_margin_and_liquidation_price(recorded, through_a_file):
    (answer,) = recorded("binance_coinm_risk")
    book, market, name = through_a_file(read([answer]))
    contract, pool = book.instruments["BTCUSD_PERP"], "cross-BTC:BTCUSD_PERP"
    assert (name, contract.payoff, contract.contract_size) == ("binance_coinm", Payoff.INVERSE, 100)
    assert assess(book, market, venue(name), Purpose.MAINTAIN)[pool].value == D(answer["isolatedMargin"])
    solved = liquidation_price(book, market, venue(name), pool, "BTCUSD_PERP").solved
    # Its figures have eight decimals of a bitcoin, which is so much of a price.
    assert near(solved, answer["liquidationPrice"], "0.02")


def test_portfolio_margin_is_one_pool_of_both_wallets(recorded, through_a_file):
    prices = {"index": {"USDT": {"USD": "1"}, "ETH": {"USD": "2424"}}}
    book, market, name = through_a_file(read([*recorded("binance_portfolio"), prices]))
    found = assess(book, market, venue(name), Purpose.MAINTAIN)["cross"]
    assert name == "binance_pm"
    assert [line.value for line in found.lines[:2]] == [D("9.39173592"), D("0.0000036") * 2424]
    assert book.holding("cross").cash["USDT"] == book.assets["USDT"].units(D("66.9923261"))


def test_portfolio_margin_owes_what_it_borrowed(recorded):
    balance, _, _ = recorded("binance_portfolio")
    balance[0] |= {"crossMarginBorrowed": "80", "crossMarginInterest": "0.5"}
    found = read([balance, {"index": {"USDT": {"USD": "1"}}}])
    assert found.book.assets["USDT"].amount(found.book.holding("cross").cash["USDT"]) == D("-13.5076739")


def test_account_and_position_risk_complete_each_other_in_any_order():
    poor = {
        "symbol": "BTCUSDT",
        "positionAmt": "0.5",
        "unrealizedProfit": "99",
        "positionSide": "BOTH",
        "leverage": "7",
    }
    rich = risk()
    del rich["leverage"]
    for messages in ([account(positions=[poor]), [rich]], [[rich], account(positions=[poor])]):
        (position,) = read(messages).book.holding("cross-USDT").positions
        assert (position.cost, position.leverage) == (30010 * 10**8, 7)


def test_a_position_without_mark_costs_its_entry_and_takes_the_premium_index_mark():
    row = {"symbol": "BTCUSDT", "positionAmt": "0.003", "entryPrice": "60020.123456789", "positionSide": "BOTH"}
    premium = {"symbol": "BTCUSDT", "markPrice": "60001.5", "indexPrice": "60000.1", "lastFundingRate": "0.0001"}
    book, market, _ = read([account(positions=[row]), premium])
    (position,) = book.holding("cross-USDT").positions
    assert book.assets["USDT"].amount(position.cost) == D("180.060370370367")
    assert market.price(PriceKind.INDEX, "BTC", "USDT") == D("60000.1")
    assert market.figure("funding_rate", "BTCUSDT") == D("0.0001")


def test_multi_assets_mode_is_one_pool_in_usd_at_the_index_of_assets(through_a_file):
    index = [{"symbol": "USDTUSD", "index": "0.9998"}, {"symbol": "BTCUSD", "index": "60000"}]
    both = account(wallet(), wallet("BTC", "0.1"), multiAssetsMargin=True)
    found = through_a_file(read([both, [risk()], index]))
    assert found.venue == "binance_usdm_multi_asset"
    assert assess(*found[:2], venue(found.venue), Purpose.MAINTAIN)["cross"].value == D("6989.802")
    with pytest.raises(BookError, match=r"index\.BTC\.USD: nothing given, expected the price of BTC in USD"):
        read([both, [risk()], index[:1]])


def test_orders_rest_in_the_pool_of_their_position():
    rows = [
        {"orderId": 7, "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "price": "64000.25", "origQty": "0.5",
         "executedQty": "0.1", "positionSide": "LONG", "reduceOnly": False},
        {"orderId": 8, "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "price": "0", "origQty": "0.5"},
        {"orderId": 9, "symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "price": "3000", "origQty": "2",
         "executedQty": "0", "positionSide": "LONG"},
    ]  # fmt: skip
    held = risk(positionSide="LONG", marginType="isolated", isolatedWallet="400")
    mark = {"symbol": "ETHUSDT", "markPrice": "3100", "indexPrice": "3100"}
    book, _, _ = read([account(), [held], mark, rows])
    (own,) = book.holding("cross-USDT:BTCUSDT:long").orders
    contract = book.instruments["BTCUSDT"]
    assert (contract.size(own.lots), contract.price(own.ticks), own.leg) == (D("-0.4"), D("64000.25"), Leg.LONG)
    assert [one.id for one in book.holding("cross-USDT").orders] == ["9"]


def test_steps_of_exchange_info_are_kept_where_they_hold_the_numbers():
    info = {"symbols": [{
        "symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "marginAsset": "USDT",
        "contractType": "CURRENT_QUARTER", "deliveryDate": 1640332800000,
        "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}, {"filterType": "LOT_SIZE", "stepSize": "0.01"}],
    }]}  # fmt: skip
    fine, coarse = (read([account(), [risk(mark=mark)], info]).book.instruments["BTCUSDT"] for mark in ("7.5", "7.55"))
    assert (fine.tick_size, coarse.tick_size, fine.lot_size) == (D("0.10"), D("0.01"), D("0.01"))
    assert isinstance(fine, Future)


def test_dated_symbols_expire_on_their_day():
    (found,) = read([risk(symbol="BTCUSDT_210625")]).book.instruments.values()
    assert isinstance(found, Future)
    assert found.expiry_ns == 1_624_608_000_000_000_000


def test_an_account_over_a_balance_is_not_counted_twice():
    balance = [{"asset": "USDT", "balance": "5", "crossWalletBalance": "5"}]
    for messages in ([account(), balance], [balance, account()]):
        assert read(messages).book.holding("cross-USDT").cash == {"USDT": 1000 * 10**8}


def test_brackets_of_coin_margined_contracts_are_in_coins():
    row = {"bracket": 1, "initialLeverage": 20, "qtyFloor": 0, "qtyCap": 500000, "maintMarginRatio": D("0.0185")}
    rules = account_rules([[{"symbol": "XRPUSD_210326", "brackets": [row]}]], venue("binance_coinm"))
    assert rules.margin.own["XRPUSD_210326"].schedules[Purpose.MAINTAIN].at(D(1000)) == D("18.5")


def test_without_a_cross_wallet_the_isolated_ones_are_taken_out_of_the_whole():
    whole = {"asset": "USDT", "walletBalance": "1000", "marginBalance": "990"}
    old = risk(marginType="isolated", isolatedMargin="390")
    del old["isolatedWallet"]
    for held in (risk(marginType="isolated", isolatedWallet="400"), old):
        book = read([account(whole), [held]]).book
        cash = [one.cash["USDT"] for one in book.holdings]
        assert cash == [600 * 10**8, 400 * 10**8]


def test_the_mode_may_be_an_answer_of_its_own():
    assert read([account(), {"multiAssetsMargin": True}, {"index": {"USDT": {"USD": "1"}}}]).venue == (
        "binance_usdm_multi_asset"
    )


def test_portfolio_margin_keeps_its_rule_set_and_filled_orders_leave_no_trace(recorded):
    balance, _, _ = recorded("binance_portfolio")
    assert account_rules([balance]) is venue("binance_pm")
    filled = {"orderId": 7, "symbol": "BTCUSDT", "side": "SELL", "price": "1", "origQty": "1", "executedQty": "1"}
    assert read([account(), [filled]]) == read([account()])


REFUSED = [
    ([{"colour": 3}], r"message\[0\]: got an object, expected an answer of account"),
    ([risk(symbol="btc")], r"message\[0\]\.symbol: got 'btc', expected a futures symbol"),
    ([risk(size="many")], r"message\[0\]\.positionAmt: got 'many', expected a number"),
    ([risk(size="1e50")], r"message\[0\]\.positionAmt: got '1e50', expected a number"),
    ([risk(mark="-1")], r"message\[0\]\.markPrice: got '-1', expected a price greater than 0"),
    ([risk(positionSide="UP")], r"positionSide: got 'UP', expected 'both' or 'long' or 'short'"),
    ([risk(mark="0")], r"message\[0\]: no mark of BTCUSDT, expected its price in USDT in some message"),
    ([risk(mark="0", entryPrice="0"), {"mark": {"BTCUSDT": "5"}}], r"nothing given of what BTCUSDT cost"),
    ([risk(isolated=3, marginType="")], r"isolated: got 3, expected true or false"),
    ([risk(leverage="-2")], r"leverage: got '-2', expected a leverage that is not negative"),
    ([risk(), risk("BTCUSD_PERP", size="1")], "positions of USD-M and of COIN-M, expected one wallet at a time"),
    ([account(), {"assets": [wallet("BTC")], "positions": []}], "accounts of USD-M and of COIN-M"),
    ([account(wallet(), wallet())], r"assets\[1\]\.asset: got 'USDT', expected the balance of each asset once"),
    ([account({"asset": "USDT"})], r"assets\[0\]\.walletBalance: nothing given, expected a number"),
    ([{"assets": 3, "positions": []}], r"message\[0\]\.assets: got 3, expected a list of objects"),
    (["text"], r"message\[0\]: got 'text', expected a list of objects"),
    ([[3]], r"message\[0\]\[0\]: got 3, expected an object"),
    ([risk(symbol="BTCUSDT_219999")], r"symbol: got '219999', expected a day such as 261225"),
    ([risk(profit="1e-31")], r"USDT: got an amount of 31 decimals, expected at most 30"),
]


@pytest.mark.parametrize(("messages", "expected"), REFUSED)
def test_what_is_wrong_is_named_with_its_place(messages, expected):
    with pytest.raises(BookError, match=expected):
        read(messages)


def test_brackets_that_do_not_begin_at_zero_are_refused():
    rows = [{"notionalFloor": floor, "maintMarginRatio": rate, "initialLeverage": 5} for floor, rate in
            ((10, D("0.02")), (100, D("0.03")))]  # fmt: skip
    with pytest.raises(BookError, match=r"message\[0\]\.brackets: "):
        account_rules([{"symbol": "BTCUSDT", "brackets": rows}])
