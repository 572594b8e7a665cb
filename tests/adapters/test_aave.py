"""Answers of the protocol's view contract, and rows of a table of positions, read as books."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from solvent.adapters.aave import account_rules, read, stated
from solvent.book import BookError, Method, PriceKey, PriceKind, Purpose
from solvent.book_json import decode_book, encode_book
from solvent.margin import assess_pool
from solvent.units import shifted
from solvent.venues import venue
from solvent.venues.aave_v3.model import pool_data

TABLE = Path(__file__).parent.parent / "data" / "aave" / "accounts_2023_06.csv.gz"
RAY = 10**27


def reserve(address, symbol, decimals, price, ltv=0, threshold=0, bonus=0, **more):
    return {
        "underlyingAsset": address,
        "symbol": symbol,
        "decimals": decimals,
        "priceInMarketReferenceCurrency": str(price),
        "liquidityIndex": str(RAY),
        "variableBorrowIndex": str(RAY),
        "baseLTVasCollateral": str(ltv),
        "reserveLiquidationThreshold": str(threshold),
        "reserveLiquidationBonus": str(bonus),
        **more,
    }


def message():
    return {
        "reserves": [
            reserve("0xAA", "WETH", 18, 171957000000, 8050, 8300, 10500, liquidityIndex=str(2 * RAY)),
            reserve("0xBB", "USDC", 6, 100021167, 7700, 7900, 10450, variableBorrowIndex=str(3 * RAY // 2)),
            reserve("0xCC", "UNI", 18, 453615000, 6500, 7700, 11000),
        ],
        "userReserves": [
            {
                "underlyingAsset": "0xaa",
                "scaledATokenBalance": str(10**18),
                "usageAsCollateralEnabledOnUser": True,
                "scaledVariableDebt": str(10**17),
            },
            {"underlyingAsset": "0xbb", "scaledATokenBalance": "0", "scaledVariableDebt": "1000000001"},
            {
                "underlyingAsset": "0xcc",
                "scaledATokenBalance": str(5 * 10**18),
                "usageAsCollateralEnabledOnUser": False,
            },
        ],
        "userEmodeCategoryId": 0,
    }


def test_balances_come_from_scaled_amounts_and_a_debt_beside_its_supply_has_a_name_of_its_own():
    book, market = read(message())
    cash = {"WETH": 2 * 10**18, "variableDebtWETH": -(10**17), "USDC": -1_500_000_002}
    assert book.holding("main").cash == cash
    assert book.holding("unused").cash == {"UNI": 5 * 10**18}
    assert {h.pool.method for h in book.holdings} == {Method.LENDING}
    assert market.price(PriceKind.INDEX, "variableDebtWETH", "USD") == Decimal("1719.57")


def test_a_scaled_debt_rounds_up_since_v3_5_and_half_up_before():
    given = message()
    given["userReserves"][1]["scaledVariableDebt"] = "3"
    given["reserves"][1]["variableBorrowIndex"] = str(RAY * 14 // 10)  # 4.2
    owed = {version: read(given, version=version)[0].holding("main").cash["USDC"] for version in ("v3.3", "v3.5")}
    assert owed == {"v3.3": -4, "v3.5": -5}


def test_the_rule_set_of_an_account_has_the_messages_own_parameters():
    book, market = read(message())
    rules = account_rules(message())
    data = pool_data(book, market, rules, "main")
    assert (data.threshold_bps, data.ltv_bps) == (8300, 8050)
    assert data.collateral_base == 3439_14000000
    assert data.debt_base == 171_95700000 + 1500_31750701
    unused = assess_pool(book, market, rules, Purpose.MAINTAIN, "unused")
    assert (unused.required, unused.value) == (0, Decimal("22.68075"))
    assert account_rules({"healthf": "1"}) is venue("aave_v3")


def test_modes_are_read_from_the_reserves_that_name_them():
    given = message()
    given["userEmodeCategoryId"] = 1
    given["reserves"][0] |= {
        "eModeCategoryId": 1,
        "eModeLtv": 9000,
        "eModeLiquidationThreshold": 9300,
        "eModeLiquidationBonus": 10100,
        "eModeLabel": "ETH correlated",
    }
    book, market = read(given)
    assert book.holding("main").pool.account_class == "emode_1"
    assert pool_data(book, market, account_rules(given), "main").threshold_bps == 9300


def test_indices_grow_to_the_messages_time():
    given = message()
    for one in given["reserves"]:
        one |= {"lastUpdateTimestamp": "1000", "liquidityRate": str(RAY // 10), "variableBorrowRate": str(RAY // 10)}
    given["timestamp"] = 1000 + 365 * 24 * 3600
    book, _ = read(given)
    assert book.holding("main").cash["WETH"] == 2_200_000_000_000_000_000
    # e^0.1 to three terms is 1.10516666…, of 1,500,000,001.5 smallest units, up.
    assert book.holding("main").cash["USDC"] == -1_657_750_002
    given["timestamp"] = 999
    with pytest.raises(BookError, match=r"reserves\[0\]\.lastUpdateTimestamp: got 1000, which is after"):
        read(given)


def test_what_the_message_states_is_the_contracts_own_answer():
    data = {"totalCollateralBase": "3516418011725683", "totalDebtBase": "3017208484709221"}
    data |= {"currentLiquidationThreshold": "9300", "ltv": "9000"}
    found = stated({"accountData": data}, version="v3.0")
    assert str(found.health_factor)[:18] == "1.0838723169042302"
    assert found.available_base == 147567725843894


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda m: m.pop("reserves"), "reserves: nothing given, expected a list of objects"),
        (lambda m: m["reserves"][0].pop("symbol"), r"reserves\[0\]\.symbol: nothing given, expected a text"),
        (lambda m: m["reserves"][0].update(decimals="x"), r"reserves\[0\]\.decimals: got 'x'"),
        (lambda m: m["reserves"][0].update(decimals=18.0), r"reserves\[0\]\.decimals: got 18\.0"),
        (lambda m: m["reserves"][0].update(liquidityIndex="-1"), r"reserves\[0\]\.liquidityIndex: got '-1'"),
        (lambda m: m["userReserves"][0].update(underlyingAsset="0xdd"), r"userReserves\[0\].*no reserve '0xdd'"),
        (lambda m: m["userReserves"][0].update(scaledATokenBalance="1.5"), "expected a whole number"),
        (lambda m: m["userReserves"][0].update(principalStableDebt="1"), "stable debt is not covered"),
    ],
)
def test_what_is_wrong_in_a_message_is_named_by_its_path(change, place):
    given = message()
    change(given)
    with pytest.raises(BookError, match=place):
        read(given)


def test_a_row_of_a_table_is_read_with_its_own_prices():
    row = {"collateral": "2000", "debt": "1001.5", "threshold": "8000", "ltv": "6900", "healthf": "1.6", "emode": "0"}
    row |= {"amount": "1.00000000000000000149", "steth_price": "1941.42439258", "ethdebt": "0.5"}
    row |= {"eth_price": "1719.89763743", "usdc": "141551181.0", "usdc_price": "100021167", "cbeth_collateral": "0.0"}
    book, market = read(row)
    assert book.holding("main").cash == {"wstETH": 10**18 + 1, "WETH": -5 * 10**17, "USDC": -141_551_181}
    assert market.price(PriceKind.INDEX, "USDC", "USD") == Decimal("1.00021167")
    assert stated(row, version="v3.0").health_wad == 1_597_603_594_608_087_868
    with pytest.raises(BookError, match="usdc_price: nothing given"):
        read({key: value for key, value in row.items() if key != "usdc_price"})


def test_every_recorded_account_is_read_as_a_row_and_states_its_published_health_factor():
    count = 0
    with gzip.open(TABLE, "rt", encoding="utf-8") as text:
        for found in csv.DictReader(text):
            row = as_row(found)
            book, market = read(row)
            assert market.prices.keys() >= {PriceKey(PriceKind.INDEX, "wstETH", "USD")}
            assert book.holding("main").pool.account_class == ("emode_1" if found["mode"] == "1" else "standard")
            health = Fraction(stated(row, version="v3.0").health_factor)
            assert abs(health / Fraction(found["health_factor"]) - 1) <= Fraction(1, 10**9)
            count += 1
    assert count == 502


PRICES = {"steth_price": "1941.42439258", "eth_price": "1719.89763743", "cbeth_price": "1786.5052977"}
PRICES |= {"reth_price": "1847.86124623", "usdc_price": "100021167", "usdt_price": "99974555"}
PRICES |= {"dai_price": "99990000", "lusd_price": "100695210", "wbtc_price": "2675753028597"}
NAMES = {"amount": ("wsteth", 0), "cbeth_collateral": ("cbeth", 0), "reth_collateral": ("reth", 0)}
NAMES |= {"weth_collateral": ("weth", 18), "usdc_collateral": ("usdc", 6), "dai_collateral": ("dai", 18)}
NAMES |= {"wbtc_collateral": ("wbtc", 8), "ethdebt": ("weth_debt", 0), "usdc": ("usdc_debt", 6)}
NAMES |= {"usdt": ("usdt_debt", 6), "dai": ("dai_debt", 18), "lusd": ("lusd_debt", 18), "wbtc": ("wbtc_debt", 8)}


def as_row(found):
    """An account of the recorded table under the names of its origin."""
    row = {"emode": found["mode"], "threshold": found["threshold_bps"], "ltv": found["ltv_bps"], **PRICES}
    row |= {"collateral": f"{found['collateral_base'][:-8] or '0'}.{found['collateral_base'][-8:].zfill(8)}"}
    row |= {"debt": f"{found['debt_base'][:-8] or '0'}.{found['debt_base'][-8:].zfill(8)}"}
    row |= {"healthf": found["health_factor"]}
    return row | {name: str(shifted(Decimal(found[column] or 0), places)) for name, (column, places) in NAMES.items()}


def test_a_book_read_from_a_message_survives_its_json_form():
    book, market = read(message())
    text = encode_book(book, market)
    again, prices = decode_book(text)[:2]
    assert again.holding("main").cash == book.holding("main").cash
    assert prices.prices == market.prices
