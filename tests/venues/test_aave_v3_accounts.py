"""502 recorded accounts of June 2023: health factors from the totals, and rebuilt from the amounts of each asset."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

from solvent.units import Rounding, divide, exact
from solvent.venues import venue
from solvent.venues.aave_v3.account import from_totals
from solvent.venues.aave_v3.editions import edition
from solvent.venues.aave_v3.model import pool_data
from solvent.venues.aave_v3.reserves import Category, Listing, Listings
from solvent.venues.aave_v3.rules import with_listings
from solvent.venues.aave_v3.samples import account

TABLE = Path(__file__).parent.parent / "data" / "aave" / "accounts_2023_06.csv.gz"
V3_0 = edition("v3.0")
# Prices of the totals' own block: what the totals of accounts with one asset a side leave room for. The origin's table
# prints prices of a later block (WETH 1,719.89763743, wstETH 1,941.42439258), 0.019% higher for both.
PRICES = {
    "wstETH": "1941.05455469",
    "WETH": "1719.57",
    "cbETH": "1786.16497100",
    "rETH": "1847.50923200",
    "USDC": "1.00021167",
    "USDT": "0.99974555",
    "DAI": "0.9999",
    "LUSD": "1.0069521",
    "WBTC": "26757.53028597",
}
# Loan-to-value and threshold: the whole per cents that the accounts' averages leave room for.
SHARES = {
    "wstETH": (6900, 8000),
    "WETH": (8050, 8300),
    "cbETH": (6700, 7400),
    "rETH": (6700, 7400),
    "USDC": (7700, 7900),
    "DAI": (6700, 8000),
    "WBTC": (7300, 7800),
}
CORRELATED = frozenset({"wstETH", "WETH", "cbETH", "rETH"})
DECIMALS = {"USDC": 6, "USDT": 6, "WBTC": 8}
SUPPLIES = {"wsteth": "wstETH", "weth": "WETH", "cbeth": "cbETH", "reth": "rETH", "usdc": "USDC", "dai": "DAI"}
SUPPLIES |= {"wbtc": "WBTC"}
DEBTS = {f"{name.lower()}_debt": name for name in ("WETH", "USDC", "USDT", "DAI", "LUSD", "WBTC")}


@cache
def rows():
    with gzip.open(TABLE, "rt", encoding="utf-8") as text:
        return tuple(csv.DictReader(text))


@cache
def june_rules():
    listed = {name: Listing(name, DECIMALS.get(name, 18), ltv, lt, 10500) for name, (ltv, lt) in SHARES.items()}
    mode = Category("ETH correlated", 9000, 9300, 10100, CORRELATED, CORRELATED)
    return with_listings(venue("aave_v3_0"), Listings(listed, {"emode_1": mode}))


@exact
def amounts(row, columns):
    found = {}
    for column, name in columns.items():
        decimals = DECIMALS.get(name, 18)
        amount = divide(Decimal(row[column] or 0), Decimal(1), decimals, Rounding.DOWN)
        if amount:
            found[name] = (amount, decimals)
    return found


@cache
def rebuilt():
    """Every account made from its amounts: (row, account data)."""
    found = []
    for row in rows():
        prices = {name: Decimal(price) for name, price in PRICES.items()}
        mode = "standard" if row["mode"] == "0" else "emode_1"
        book, market = account(amounts(row, SUPPLIES), amounts(row, DEBTS), prices, mode)
        found.append((row, pool_data(book, market, june_rules(), "main")))
    return tuple(found)


def relative(got, want):
    return abs(Fraction(got) / Fraction(want) - 1)


def complete():
    """The accounts whose listed amounts make up both totals to a millionth."""
    return [
        (row, data)
        for row, data in rebuilt()
        if relative(data.collateral_base, int(row["collateral_base"])) < Fraction(1, 10**6)
        and relative(data.debt_base, int(row["debt_base"])) < Fraction(1, 10**6)
    ]


def test_the_health_factor_of_every_account_follows_from_its_totals():
    gaps = []
    for row in rows():
        data = from_totals(V3_0, *(int(row[name]) for name in TOTALS))
        gaps.append(relative(data.health_factor, Decimal(row["health_factor"])))
        assert data.available_base == int(row["available_base"]), row["account"]
    assert len(gaps) == 502
    assert sum(gap <= Fraction(1, 10**9) for gap in gaps) == 502
    # Nearer than that: the published figures are binary numbers of about 16 digits, and nothing else differs.
    assert max(gaps) < Fraction(3, 10**16)


TOTALS = ("collateral_base", "debt_base", "ltv_bps", "threshold_bps")


def test_accounts_whose_amounts_are_complete_are_rebuilt():
    """326 accounts list all they hold and owe; the others hold or owe assets that the origin did not read."""
    found = complete()
    assert len(found) == 326
    gaps = {row["account"]: relative(data.health_factor, Decimal(row["health_factor"])) for row, data in found}
    assert sum(gap <= Fraction(1, 10**9) for gap in gaps.values()) == 114
    assert sum(gap <= Fraction(2, 10**7) for gap in gaps.values()) == 324
    averages = [
        (data.threshold_bps, data.ltv_bps) == (int(row["threshold_bps"]), int(row["ltv_bps"])) for row, data in found
    ]
    assert averages.count(True) == 324


def test_two_accounts_have_dust_of_another_asset_that_costs_a_basis_point():
    """Their averages are 7,999 although all they list has 8,000: something unlisted is worth nothing but counts."""
    cut = [row for row, data in complete() if data.threshold_bps != int(row["threshold_bps"])]
    assert [row["threshold_bps"] for row in cut] == ["7999", "7999"]
    assert {row["wbtc"] + row["reth"] + row["usdc"] for row in cut} == {""}


def test_the_gap_of_debts_in_dollars_is_interest_between_two_reads():
    """Amounts were read blocks after the totals: debts alone grew, those in USDC by 3 to 6 blocks of 12 seconds."""
    blocks = set()
    for row, data in complete():
        if [column for column in DEBTS if row[column]] != ["usdc_debt"] or int(row["debt_base"]) < 10**12:
            continue
        grown = Fraction(data.debt_base, int(row["debt_base"])) - 1
        a_block = Fraction(121, 10**10)  # what 3.2% a year is in 12 seconds
        blocks.add(round(grown / a_block))
        assert abs(grown / a_block - round(grown / a_block)) < Fraction(1, 20)
    assert blocks == {3, 4, 5, 6}


def test_an_account_is_found_liquidatable_exactly_where_its_published_health_is_below_one():
    published = {row["account"]: Decimal(row["health_factor"]) < 1 for row in rows()}
    assert not any(published.values())
    assert all(not data.liquidatable for _, data in complete())
    below = from_totals(V3_0, 10_000, 8_000, 7000, 7999)
    assert below.liquidatable
    assert not from_totals(V3_0, 10_000, 8_000, 7000, 8000).liquidatable
