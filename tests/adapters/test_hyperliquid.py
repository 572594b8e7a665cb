"""Recorded accounts, rebuilt whole: every price, value and margin the exchange published, through ring 1."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from solvent.adapters.hyperliquid import account_rules, read
from solvent.book import BookError, Mode, Purpose
from solvent.margin import Deposit, account, assess, explain, liquidation_price, what_if
from solvent.units import ONE, Rounding, UnitsError, divide, exact
from solvent.venues import venue
from solvent.venues.hyperliquid.liquidation import frozen

DATA = Path(__file__).parent.parent / "data" / "hyperliquid"
MILLIONTH = Decimal("0.000001")
D = Decimal


def recorded(name):
    """A recording in this project's arrangement, as the message it was."""
    whole = json.loads((DATA / name).read_text(encoding="utf-8"))
    rows = [dict(zip(whole["columns"], row, strict=True)) for row in whole["positions"]]
    return message_of(whole, rows), whole, rows


def message_of(whole, rows):
    summaries = {
        field: {
            "accountValue": whole[part]["value"],
            "totalNtlPos": whole[part]["notional"],
            "totalRawUsd": whole[part]["raw"],
            "totalMarginUsed": whole[part]["margin_used"],
        }
        for field, part in (("marginSummary", "account"), ("crossMarginSummary", "cross"))
    }
    return {
        **summaries,
        "crossMaintenanceMarginUsed": whole["cross_maintenance"],
        "assetPositions": [{"type": "oneWay", "position": position_of(row)} for row in rows],
        "time": whole["time"],
    }


def position_of(row):
    leverage = {"type": "cross", "value": row["leverage"]}
    if row["isolated_raw"] is not None:
        leverage = {"type": "isolated", "value": row["leverage"], "rawUsd": row["isolated_raw"]}
    return {
        "coin": row["coin"],
        "szi": row["size"],
        "positionValue": row["worth"],
        "unrealizedPnl": row["profit"],
        "leverage": leverage,
        "maxLeverage": row["most_leverage"],
    }


@exact
def near(got, want, limit):
    return abs(got - D(want)) <= D(limit)


def pool_of(row):
    return "cross" if row["isolated_raw"] is None else f"cross:{row['coin']}"


@exact
def price_limit(size, count):
    """How far off a printed price may be: the exchange cuts the maintenance of each position to a millionth."""
    top, bottom = abs(D(size)).as_integer_ratio()
    return MILLIONTH * (count + 2) * (bottom // top + 1)


def assert_prices(book, market, rules, rows):
    """Every published liquidation price, none included; the answer says what they are."""
    found = {}
    for row in rows:
        solved = liquidation_price(book, market, rules, pool_of(row), row["coin"]).solved
        if row["liquidation"] is None:
            assert solved is None, row["coin"]
        else:
            assert solved is not None, row["coin"]
            assert near(solved, row["liquidation"], price_limit(row["size"], len(rows))), (row["coin"], solved)
        found[row["coin"]] = solved
    return found


def test_the_account_of_2026_is_rebuilt_whole():
    message, whole, rows = recorded("account_2026-01-14.json")
    book, market = read(message)
    rules = account_rules(message)
    assert [len(h.positions) for h in book.holdings] == [14, 1, 1]
    assert [h.pool.mode for h in book.holdings] == [Mode.CROSS, Mode.ISOLATED, Mode.ISOLATED]
    kept, opened = (assess(book, market, rules, purpose) for purpose in (Purpose.MAINTAIN, Purpose.ADMIT))
    assert near(kept["cross"].value, whole["cross"]["value"], MILLIONTH)
    assert near(exact(sum)([one.value for one in kept.values()]), whole["account"]["value"], MILLIONTH)
    assert near(kept["cross"].required, whole["cross_maintenance"], MILLIONTH * 14)
    assert near(opened["cross"].required, whole["cross"]["margin_used"], MILLIONTH * 14)
    for row in rows[-2:]:
        assert near(kept[pool_of(row)].value, row["margin_used"], MILLIONTH)
    used = exact(lambda: opened["cross"].required + sum(kept[pool_of(row)].value for row in rows[-2:]))()
    assert near(used, whole["account"]["margin_used"], MILLIONTH * 16)
    prices = assert_prices(book, market, rules, rows)
    assert sum(one is None for one in prices.values()) == 6
    assert market.time_ns == 1_768_397_010_203_000_000


def test_the_account_of_2026_is_explained_position_by_position():
    message, whole, rows = recorded("account_2026-01-14.json")
    book, market = read(message)
    rules = account_rules(message)
    told, prices = account(book, market, rules, "cross")
    opened = explain(book, market, rules, "cross", Purpose.ADMIT)
    assert (told.state, told.assessment.binding.subject) == ("healthy", "HYPE")
    assert near(told.ratio, "0.04322286", "0.00000001")
    for row, one, first in zip(rows[:14], told.contributions, opened.contributions, strict=True):
        assert (one.symbol, one.size) == (row["coin"], D(row["size"]))
        assert near(one.notional, row["worth"], MILLIONTH)
        assert near(one.profit, row["profit"], "0")
        assert near(first.required, row["margin_used"], MILLIONTH)
        assert (prices[row["coin"]].solved is None) == (row["liquidation"] is None)
    total = exact(sum)([one.notional for one in told.contributions])
    assert near(total, whole["cross"]["notional"], MILLIONTH)


def with_the_rest(whole, rows):
    """The positions that were not published, as one long and one short: known by the totals, at the vault's own 50x.

    A long and a short have together the notional and the signed worth (value less raw USD) the totals leave.
    """
    signed = sum(D(r["worth"]) * (1 if D(r["size"]) > 0 else -1) for r in rows)
    notional = D(whole["cross"]["notional"]) - sum(D(r["worth"]) for r in rows)
    worth = divide(D(whole["cross"]["value"]) - D(whole["cross"]["raw"]) - signed, ONE, 6, Rounding.HALF_UP)
    long = divide(notional + worth, ONE + ONE, 6, Rounding.HALF_UP)
    stand_ins = [("LONGS", "1", long), ("SHORTS", "-1", notional - long)]
    return [
        *rows,
        *(
            dict(rows[0], coin=coin, size=size, worth=str(value), profit="0", margin_used=None, liquidation=None)
            for coin, size, value in stand_ins
        ),
    ]


def test_the_vault_of_2026_is_rebuilt_from_its_published_positions_and_totals():
    _, whole, rows = recorded("vault_2026-07-19.json")
    message = message_of(whole, exact(with_the_rest)(whole, rows))
    book, market = read(message)
    rules = account_rules(message)
    kept, opened = (assess(book, market, rules, purpose)["cross"] for purpose in (Purpose.MAINTAIN, Purpose.ADMIT))
    assert near(kept.value, whole["cross"]["value"], MILLIONTH)
    # The exchange cuts the maintenance of each position to a millionth, and the vault holds more than a hundred.
    assert near(kept.required, whole["cross_maintenance"], "0.0001")
    assert near(opened.required, whole["cross"]["margin_used"], "0.0001")
    prices = assert_prices(book, market, rules, rows)
    assert prices["BTC"] is None
    assert prices["ETH"] is None
    for row in rows:
        (line,) = [one for one in opened.lines if one.subject == row["coin"]]
        assert near(line.required, row["margin_used"], MILLIONTH)


def test_the_vaults_own_leverage_and_not_the_markets_decides():
    _, whole, rows = recorded("vault_2026-07-19.json")
    message = message_of(whole, exact(with_the_rest)(whole, rows))
    book, market = read(message)
    needed = [
        {one.subject: one.required for one in assess(book, market, rules, Purpose.MAINTAIN)["cross"].lines}["BTC"]
        for rules in (account_rules(message), venue("hyperliquid"))
    ]
    assert needed == [D("173.9038456"), D("217.379807")]


def test_the_recording_of_2023_follows_from_frozen_maintenance():
    message = json.loads((DATA / "account_2023-03-27.json").read_text(encoding="utf-8"))
    book, market = read(message)
    base = account_rules(message, base=venue("hyperliquid_2023"))
    rules = frozen(book, market, base, "cross")
    summary = message["crossMarginSummary"]
    kept, opened = (assess(book, market, base, purpose)["cross"] for purpose in (Purpose.MAINTAIN, Purpose.ADMIT))
    assert near(kept.value, summary["accountValue"], MILLIONTH)
    assert near(kept.required, "34.34815334", "0")
    assert near(opened.required, summary["totalMarginUsed"], MILLIONTH * 12)
    # What could be withdrawn then was what margin did not use.
    assert near(assess(book, market, base, Purpose.WITHDRAW)["cross"].surplus, message["withdrawable"], MILLIONTH * 12)
    nulls = 0
    for row in message["assetPositions"]:
        one = row["position"]
        solved = liquidation_price(book, market, rules, "cross", one["coin"]).solved
        if one["liquidationPx"] is None:
            nulls += 1
            assert solved is None, one["coin"]
        else:
            assert near(solved, one["liquidationPx"], price_limit(one["szi"], 12)), (one["coin"], solved)
    assert (len(message["assetPositions"]), nulls) == (12, 7)


def test_the_rule_of_today_does_not_give_the_prices_of_2023():
    message = json.loads((DATA / "account_2023-03-27.json").read_text(encoding="utf-8"))
    book, market = read(message)
    solved = liquidation_price(book, market, account_rules(message, base=venue("hyperliquid_2023")), "cross", "BTC")
    assert not near(solved.solved, "173198.69592357", 1000)


# The exchange's documentation shows an isolated position; ccxt quotes another (both MIT or facts of the API).
ISOLATED = [
    ("0.0335", "100.02765", "-0.0134", "-95.059824", 50, "2866.26936529", "4.967826"),
    ("0.2259", "500.12001", "0.0", "-475.23904", 50, "2125.00856238", "24.88097"),
]


@pytest.mark.parametrize(("size", "worth", "profit", "raw", "most", "price", "margin"), ISOLATED)
def test_isolated_positions_of_the_documentation(size, worth, profit, raw, most, price, margin):
    row = {"coin": "ETH", "size": size, "worth": worth, "profit": profit, "leverage": 20, "most_leverage": most}
    position = position_of({**row, "isolated_raw": raw})
    message = {"assetPositions": [{"position": position}], "crossMarginSummary": {"totalRawUsd": "100.0"}}
    book, market = read(message)
    rules = account_rules(message)
    assert near(assess(book, market, rules, Purpose.MAINTAIN)["cross:ETH"].value, margin, MILLIONTH)
    assert near(liquidation_price(book, market, rules, "cross:ETH", "ETH").solved, price, "0.0001")


def test_a_unified_account_is_liquidated_later_by_its_spot_balance():
    """4.5 BTC on 2026-09-25: the printed price counts 8,346.91 USDC of spot, which the answer does not show."""
    position = {
        "coin": "BTC", "szi": "4.5", "leverage": {"type": "cross", "value": 10}, "positionValue": "377667.0",
        "unrealizedPnl": "11884.306507", "maxLeverage": 40,
    }  # fmt: skip
    message = {"assetPositions": [{"position": position}], "crossMarginSummary": {"totalRawUsd": "-339414.3"}}
    book, market = read(message)
    rules = account_rules(message, base=venue("hyperliquid_unified"))
    kept, opened = (assess(book, market, rules, purpose)["cross"] for purpose in (Purpose.MAINTAIN, Purpose.ADMIT))
    assert (kept.value, kept.required, opened.required) == (D("38252.7"), D("4720.8375"), D("37766.7"))
    alone = liquidation_price(book, market, rules, "cross", "BTC").solved
    assert near(alone, "76380.15", "0.01")
    topped = what_if(book, market, rules, [Deposit("cross", "USDC", 8_346_913_850)]).book
    assert near(liquidation_price(topped, market, rules, "cross", "BTC").solved, "74501.802790436", "0.000001")


META = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {"name": "DYDX", "szDecimals": 1, "maxLeverage": 5, "marginTableId": 5},
        {"name": "HYPE", "szDecimals": 2, "maxLeverage": 10},
    ],
    "marginTables": [
        [56, {"description": "tiered 40x", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 40},
                                                           {"lowerBound": "140000000.0", "maxLeverage": 20}]}],
    ],
}  # fmt: skip


def one_position(**changes):
    position = {
        "coin": "BTC", "szi": "2.0", "leverage": {"type": "cross", "value": 10}, "positionValue": "100000.0",
        "unrealizedPnl": "5.5", "maxLeverage": 40,
    }  # fmt: skip
    return {
        "assetPositions": [{"position": {**position, **changes}}],
        "crossMarginSummary": {"totalRawUsd": "-80000.0"},
    }


def leverages(message, symbol="BTC", meta=META):
    return [(int(one.floor), one.max_leverage) for one in account_rules(message, meta).margin.every()[symbol].brackets]


def test_tiers_come_from_meta_then_from_the_rule_set_then_from_the_position():
    assert leverages(one_position()) == [(0, 40), (140_000_000, 20)]
    assert leverages(one_position(), meta=None) == [(0, 40), (150_000_000, 20)]
    assert leverages(one_position(maxLeverage=50)) == [(0, 50)]
    assert leverages(one_position(coin="DYDX", maxLeverage=5), "DYDX") == [(0, 5)]
    assert leverages(one_position(coin="HYPE", maxLeverage=10), "HYPE") == [(0, 10), (20_000_000, 5)]
    assert leverages(one_position(coin="NEW", maxLeverage=7), "NEW") == [(0, 7)]


def test_rates_of_an_account_are_exact_where_the_listed_ones_are_rounded_up():
    message = one_position(coin="NEW", maxLeverage=3)
    book, market = read(message)
    own = assess(book, market, account_rules(message), Purpose.MAINTAIN)["cross"].required
    listed = assess(book, market, venue("hyperliquid"), Purpose.MAINTAIN)["cross"].required
    assert near(own, "16666.666666666666666666666667", "1e-20")
    assert listed == D("16666.7")


def test_lots_are_the_markets_where_meta_says_them():
    assert str(read(one_position(), META)[0].instruments["BTC"].lot_size) == "0.00001"
    assert str(read(one_position())[0].instruments["BTC"].lot_size) == "1"


def test_cash_is_raw_usd_and_cost_so_that_profit_is_the_published_one():
    book, market = read(one_position())
    (holding,) = book.holdings
    assert holding.positions[0].cost == 99_994_500_000
    assert holding.cash == {"USDC": 19_994_500_000}
    assert assess(book, market, account_rules(one_position()), Purpose.MAINTAIN)["cross"].value == 20_000


def test_a_closed_position_is_none_and_an_empty_account_is_a_book():
    book, market = read(one_position(szi="0.0", entryPx=None, liquidationPx="NaN"))
    assert book.holdings[0].positions == ()
    assert market.prices == {}
    assert assess(book, market, venue("hyperliquid"), Purpose.MAINTAIN)["cross"].value == -80_000


REFUSED = [
    ({"szi": None}, BookError, r"assetPositions\[0\]\.position\.szi: got None, expected a number"),
    ({"szi": "NaN"}, UnitsError, r"assetPositions\[0\]\.position\.szi must be a finite decimal"),
    ({"szi": 2.0}, UnitsError, "must be a decimal given as text"),
    ({"szi": "0.1234567"}, BookError, "at most 6 decimals"),
    ({"szi": "2.00001"}, BookError, r"positionValue: got '100000.0', expected 2.00001 × a mark with 1 decimals"),
    ({"positionValue": "-100000"}, BookError, "expected 2.0 × a mark"),
    ({"leverage": None}, BookError, r"position\.leverage: got None, expected an object"),
    ({"leverage": {"type": "shared", "value": 1}}, BookError, r"leverage\.type: got 'shared', expected 'cross' or"),
    ({"leverage": {"type": "isolated", "value": 1}}, BookError, r"leverage\.rawUsd: got None, expected a number"),
    ({"leverage": {"type": "cross", "value": "1.5"}}, BookError, r"leverage\.value: got '1.5', expected a whole"),
    ({"coin": ""}, BookError, r"position\.coin: got '', expected a text"),
    ({"unrealizedPnl": None}, BookError, r"unrealizedPnl: got None"),
]


@pytest.mark.parametrize(("changes", "error", "message"), REFUSED)
def test_a_message_that_contradicts_itself_is_refused_with_its_place(changes, error, message):
    with pytest.raises(error, match=message):
        read(one_position(**changes))


def test_messages_of_another_shape_are_refused():
    with pytest.raises(BookError, match="assetPositions: got None, expected a list of positions"):
        read({})
    with pytest.raises(BookError, match=r"assetPositions\[0\]: got 3, expected an object"):
        read({"assetPositions": [3]})
    with pytest.raises(BookError, match=r"crossMarginSummary: got None, expected an object"):
        read({"assetPositions": []})
    twice = one_position()
    twice["assetPositions"] *= 2
    with pytest.raises(BookError, match="got 'BTC', expected each coin once"):
        read(twice)
    with pytest.raises(BookError, match=r"meta\.universe: got None, expected a list of markets"):
        read(one_position(), {})
    unknown = {"universe": [{"name": "BTC", "szDecimals": 5, "marginTableId": 77}]}
    with pytest.raises(BookError, match=r"marginTableId: got 77, expected a table of meta\.marginTables, or below 50"):
        account_rules(one_position(), unknown)
    with pytest.raises(BookError, match=r"meta\.marginTables\[0\]: got 3, expected a pair of id and table"):
        account_rules(one_position(), {**unknown, "marginTables": [3]})
