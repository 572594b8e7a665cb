"""dYdX's answers as books."""

from __future__ import annotations

from decimal import Decimal

import pytest

from solvent.adapters.dydx import account_rules, read
from solvent.book import BookError, PriceKind, Purpose
from solvent.margin import assess
from solvent.units import exact
from solvent.venues import venue

D = Decimal


def market(oracle="60000", **more):
    return {"oraclePrice": oracle, "initialMarginFraction": "0.02", "maintenanceMarginFraction": "0.012",
            "openInterest": "100", "tickSize": "1", "stepSize": "0.0001", **more}  # fmt: skip


def subaccount(*positions, usdc="1000", side="LONG", number=0):
    assets = {"USDC": {"symbol": "USDC", "side": side, "size": usdc}}
    return {"subaccountNumber": number, "openPerpetualPositions": list(positions), "assetPositions": assets}


def position(size="0.5", entry="43000", **more):
    return {"market": "BTC-USD", "status": "OPEN", "side": "LONG", "size": size, "entryPrice": entry, **more}


@exact
def near(got, stated, limit):
    return abs(got - D(stated)) < D(limit)


def test_a_recorded_subaccount_has_the_stated_equity_and_free_collateral(recorded, through_a_file):
    answer = recorded("dydx_subaccount_2025")
    stated = answer["subaccount"]
    messages = [answer, {"markets": {"BTC-USD": market(), "ETH-USD": market(stepSize="0.001")}}]
    book, found_market, name = through_a_file(read(messages))
    opened = assess(book, found_market, account_rules(messages), Purpose.ADMIT)["subaccount-0"]
    assert name == "dydx_v4"
    # The chain counts whole millionths of a dollar.
    assert near(opened.value, stated["equity"], "1e-6")
    assert near(opened.surplus, stated["freeCollateral"], "2e-6")
    for row in stated["openPerpetualPositions"].values():
        (line,) = [one for one in opened.lines if one.subject == row["market"]]
        assert near(line.value, row["unrealizedPnl"], "1e-6")


def test_a_stated_profit_decides_the_oracle_price_and_markets_do_without_one():
    for more, oracle in (({"unrealizedPnl": "125"}, 43_250), ({}, 60_000)):
        found = read([{"markets": {"BTC-USD": market()}}, subaccount(position(**more), usdc="20000", side="SHORT")])
        assert found.market.price(PriceKind.MARK, "BTC-USD", "USDC") == oracle
        assert found.market.figure("open_interest", "BTC-USD") == 100
        value = assess(found.book, found.market, venue("dydx_v4"), Purpose.MAINTAIN)["subaccount-0"].value
        assert value == oracle // 2 - 20_000


def test_every_subaccount_is_a_pool_and_its_orders_rest_in_it(through_a_file):
    order = {"id": "x", "ticker": "BTC-USD", "side": "SELL", "size": "0.5", "totalFilled": "0.2", "price": "61000",
             "status": "OPEN", "type": "LIMIT", "subaccountNumber": 128, "reduceOnly": True}  # fmt: skip
    messages = [
        {"subaccounts": [subaccount(), subaccount(position(), number=128)]},
        {"markets": {"BTC-USD": market(tickSize="1")}},
        [order, order | {"status": "UNTRIGGERED"}],
    ]
    book, _, _ = through_a_file(read(messages))
    assert [one.pool.id for one in book.holdings] == ["subaccount-0", "subaccount-128"]
    (found,) = book.holding("subaccount-128").orders
    assert book.instruments["BTC-USD"].size(found.lots) == D("-0.3")


def test_answers_may_be_wrapped():
    whole = {"status": "success", "result": {"subaccount": subaccount()}}
    assert read([whole]) == read([{"type": "subscribed", "contents": {"subaccount": subaccount()}}])


def test_caps_and_isolated_markets_are_the_markets():
    given = market(openInterestLowerCap="40000000", openInterestUpperCap="100000000", marketType="ISOLATED")
    margin = account_rules([{"markets": {"BTC-USD": given}}]).margin
    assert margin.by_symbol["BTC-USD"].open_interest_lower_cap == 40_000_000_000_000
    assert "BTC-USD" in margin.isolated


def test_filled_orders_leave_no_trace():
    filled = {
        "id": "x",
        "ticker": "BTC-USD",
        "side": "BUY",
        "size": "0.5",
        "totalFilled": "0.5",
        "price": "61000",
        "status": "OPEN",
        "subaccountNumber": 0,
    }
    assert read([subaccount(), [filled]]) == read([subaccount()])


REFUSED = [
    ([{"colour": 1}], r"message\[0\]: got an object, expected an answer of sub-account, perpetual markets or orders"),
    ([subaccount(position())], r"openPerpetualPositions\[0\]: no mark of BTC-USD, expected its price in USDC"),
    ([subaccount(position(entry="0"))], r"entryPrice: got '0', expected a number greater than 0"),
    ([subaccount(position(side="UP"))], r"side: got 'UP', expected 'long' or 'short'"),
    ([subaccount(position(size="NaN"))], r"size: got 'NaN', expected a number"),
    ([{"subaccountNumber": 0, "assetPositions": {"ETH": {"symbol": "ETH"}}}], r"symbol: got 'ETH', expected USDC"),
    ([{"markets": {"BTC-USD": 3}}], r"message\[0\]\.markets\.BTC-USD: got 3, expected an object"),
    ([{"markets": {"BTC-USD": market(initialMarginFraction="2")}}], r"BTC-USD\.initialMarginFraction: "),
]


@pytest.mark.parametrize(("messages", "expected"), REFUSED)
def test_what_is_wrong_is_named_with_its_place(messages, expected):
    def both():
        account_rules(messages)
        read(messages)

    with pytest.raises(BookError, match=expected):
        both()


def test_rules_of_another_kind_take_no_liquidity_tiers():
    with pytest.raises(BookError, match="base: got 'generic', expected a rule set of liquidity tiers"):
        account_rules([subaccount()], venue("generic"))
