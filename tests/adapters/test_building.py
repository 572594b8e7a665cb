"""From stated decimals to scales, ticks and lots: nothing is rounded, whatever the numbers are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent import adapters
from solvent.adapters.building import built
from solvent.adapters.draft import Draft, Held, Listed, Resting
from solvent.adapters.fields import Row, decoded
from solvent.adapters.steps import price_of
from solvent.book import BookError, Leg, LegMode, PriceKey, PriceKind
from solvent.book_json import decode_book, encode_book
from solvent.instruments import Payoff
from solvent.units import ONE, Rounding, divide, exact, shifted

D = Decimal

MARK = PriceKey(PriceKind.MARK, "BTCUSDT", "USDT")


def numbers(least=None, places=8):
    return st.decimals(least, 10**6, allow_nan=False, allow_infinity=False, places=places)


def drafted(held, payoff=Payoff.LINEAR, cash=ONE, size=ONE, tick=None):
    settle = "USDT" if payoff is Payoff.LINEAR else "BTC"
    draft = Draft(
        {"BTCUSDT": Listed("BTCUSDT", "BTC", "USDT", settle, payoff, size, tick)}, marks={"BTCUSDT": held.mark}
    )
    purse = draft.purse("cross", settle)
    purse.add(settle, cash)
    purse.positions.append(held)
    return draft


@given(
    st.integers(-(10**9), 10**9).filter(bool), numbers(D("1e-8")), numbers(-(10**6)), numbers(-(10**6), 10),
    st.sampled_from([Payoff.LINEAR, Payoff.INVERSE]), st.sampled_from([None, D("0.5"), D("0.1"), D("2.5")]),
)  # fmt: skip
def test_stated_profit_mark_size_and_cash_come_back_exactly(lots, mark, profit, cash, payoff, tick):
    size = shifted(D(lots), -3)
    held = Held("BTCUSDT", size, "positions[0]", mark=mark, profit=profit)
    book, market = built(drafted(held, payoff, cash, D("0.01"), tick))
    assert decode_book(encode_book(book, market))[:2] == (book, market)
    contract, holding = book.instruments["BTCUSDT"], book.holding("cross")
    (position,) = holding.positions
    worth = contract.worth(position.lots, contract.ticks(market.prices[MARK]))
    assert contract.settle.amount(worth - position.cost) == profit
    assert contract.size(position.lots) == size
    assert market.prices[MARK] == mark
    assert contract.settle.amount(holding.cash[contract.settle.name]) == cash


@given(st.integers(-(10**6), 10**6).filter(bool), numbers(D("1e-8")))
def test_an_entry_price_is_an_exact_cost(lots, entry):
    size = shifted(D(lots), -3)
    book, _ = built(drafted(Held("BTCUSDT", size, "positions[0]", mark=D(7), entry=entry)))
    (position,) = book.holding("cross").positions
    cost = exact(lambda: size * entry)()
    assert book.assets["USDT"].amount(position.cost) == cost


def test_an_inverse_cost_by_entry_is_rounded_down_as_the_ledger_rounds():
    book, _ = built(drafted(Held("BTCUSDT", D(3), "positions[0]", mark=D(7), entry=D(7)), Payoff.INVERSE))
    assert book.holding("cross").positions[0].cost == -42857143


@given(numbers(D("0.01")), numbers(D("1e-8")))
def test_a_price_gives_the_stated_value_back(value, amount):
    assert divide(exact(lambda: price_of(value, amount) * amount)(), D(1), 8, Rounding.HALF_UP) == value


def test_a_one_way_position_in_a_hedged_pool_is_on_its_own_side():
    draft = drafted(Held("BTCUSDT", D(-3), "positions[0]", mark=D(7), entry=D(7)))
    draft.listed["ETHUSDT"], draft.marks["ETHUSDT"] = Listed("ETHUSDT", "ETH", "USDT", "USDT"), D(5)
    purse = draft.purses["cross"]
    purse.positions.append(Held("ETHUSDT", D(1), "positions[1]", mark=D(5), entry=D(5), leg=Leg.LONG))
    purse.orders.append(Resting("1", "BTCUSDT", D(3), D(6), "orders[0]", reduce_only=True))
    (holding,) = built(draft)[0].holdings
    assert holding.pool.legs is LegMode.HEDGE
    assert [one.leg for one in (*holding.positions, *holding.orders)] == [Leg.SHORT, Leg.LONG, Leg.SHORT]


def test_an_unknown_contract_and_a_mark_too_fine_are_named():
    draft = drafted(Held("BTCUSDT", D(1), "positions[0]", mark=D("1e-31"), entry=D(7)))
    with pytest.raises(BookError, match="USDT: got an amount of 31 decimals, expected at most 30"):
        built(draft)
    thirds = drafted(Held("BTCUSDT", D(1), "positions[0]", mark=D(9), entry=D(7)), Payoff.INVERSE, tick=D(3))
    with pytest.raises(BookError, match="tick size 3: expected one that divides 1 × a power of ten"):
        built(thirds)
    del draft.listed["BTCUSDT"]
    with pytest.raises(BookError, match=r"positions\[0\]: got 'BTCUSDT', expected a contract whose description was"):
        built(draft)


def test_an_empty_account_is_a_book():
    draft = Draft()
    draft.purse("cross", "USDT")
    book, market = built(draft)
    assert (book.holding("cross").positions, market.prices) == ((), {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "file: got Expecting property name"),
        ('{"a": NaN}', "file: got NaN, expected a finite number"),
        ('{"a": 1, "a": 2}', "file: got 'a' twice, expected each field once"),
        (b"\xff\xfe\x00", "file: got .* expected JSON"),
    ],
)
def test_what_is_no_json_is_refused(text, expected):
    with pytest.raises(BookError, match=expected):
        decoded(text, "file")


def test_no_number_passes_through_a_float():
    row = Row(decoded('{"a": 0.1234567890123456789012345, "b": 1e-9, "c": true}', "file"))
    assert (row.number("a"), row.number("b")) == (D("0.1234567890123456789012345"), D("0.000000001"))
    with pytest.raises(BookError, match=r"message\.c: got True, expected a number"):
        row.number("c")


def test_lone_sources_take_their_parts_and_refuse_others():
    position = {"coin": "BTC", "szi": "0.5", "positionValue": "30000.0", "unrealizedPnl": "100.0", "maxLeverage": 40,
                "leverage": {"type": "cross", "value": 10}}  # fmt: skip
    state = {"assetPositions": [{"position": position}], "crossMarginSummary": {"totalRawUsd": "-26000.0"}}
    meta = {"universe": [{"name": "BTC", "szDecimals": 5}]}
    for messages in ([state], [meta, state]):
        assert adapters.read("hyperliquid", messages).venue == "hyperliquid"
    assert adapters.read("hyperliquid", [state], "hyperliquid_unified").venue == "hyperliquid_unified"
    assert adapters.account_rules("hyperliquid", [state]).name == "hyperliquid"
    with pytest.raises(BookError, match="messages: got 2, expected one clearinghouseState and at most one meta"):
        adapters.read("hyperliquid", [state, state])
    reserve = {"underlyingAsset": "0x1", "symbol": "WETH", "decimals": 18, "liquidityIndex": str(10**27),
               "variableBorrowIndex": str(10**27), "priceInMarketReferenceCurrency": "180000000000"}  # fmt: skip
    mine = {"underlyingAsset": "0x1", "scaledATokenBalance": str(10**18), "usageAsCollateralEnabledOnUser": True}
    assert adapters.read("aave", [{"reserves": [reserve]}, {"userReserves": [mine]}]).venue == "aave_v3"
    with pytest.raises(BookError, match=r"message\[1\]\.reserves: got it again"):
        adapters.read("aave", [{"reserves": []}, {"reserves": []}])
    with pytest.raises(BookError, match=r"message\[0\]: got list, expected an object"):
        adapters.read("aave", [[]])
    with pytest.raises(BookError, match="messages: nothing given"):
        adapters.read("binance", [])
