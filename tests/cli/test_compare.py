"""`solvent compare`: tables for people, JSON for programs, one line for bad input; and lending in `solvent margin`."""

from __future__ import annotations

import json
from decimal import Decimal

from tests.cli.conftest import ROOT

BASIS = str(ROOT / "examples/basis_trade.json")
MAKER = str(ROOT / "examples/market_maker.json")
LENDING = str(ROOT / "examples/lending_health.json")


def test_the_table_names_every_venue_and_says_who_does_not_cover_the_book(solvent):
    ran = solvent("compare", BASIS)
    assert ran.code == 0
    for words in ("bybit_uta", "hyperliquid", "liquidation price", "not covered by aave_v3: ", "--explain"):
        assert words in ran.out
    order = [line.split()[0] for line in ran.out.splitlines() if line.strip().startswith(("generic", "okx "))]
    assert order[0] == "generic", "where bitcoin is collateral less of it is used"


def test_explain_prints_the_lines_of_each_venue(solvent):
    ran = solvent("compare", BASIS, "--venues", "generic,binance_usdm", "--explain")
    assert "BTC: haircut" in ran.out
    assert "BTC: balance worth 599812.5" in ran.out
    assert "bybit_uta" not in ran.out


def test_json_is_exact_text_sorted_by_what_is_used(solvent):
    ran = solvent("compare", MAKER, "--json")
    found = json.loads(ran.out)
    used = [Decimal(row["used"]) for row in found["venues"]]
    assert used == sorted(used)
    assert len(found["venues"]) >= 10
    assert set(found["venues"][0]["liquidation_prices"]) >= {"BTC-PERP", "UNI-PERP"}
    assert {row["venue"] for row in found["venues"]}.isdisjoint(one["venue"] for one in found["refused"])


def test_names_and_paths_that_are_none_are_one_line_and_code_two(solvent):
    for given, named in ((("--venues", "mtgox"), "mtgox"), (("--path", "sideways"), "--path")):
        ran = solvent("compare", BASIS, *given)
        assert (ran.code, ran.out) == (2, "")
        assert named in ran.err
        assert ran.err.count("\n") == 1


def test_several_pools_are_told_apart(solvent):
    ran = solvent("compare", str(ROOT / "examples/isolated_and_cross.json"), "--venues", "generic")
    assert "generic, cross" in ran.out


def test_a_lending_pool_has_a_health_factor_and_a_price_for_each_asset(solvent):
    ran = solvent("margin", LENDING)
    for words in ("health factor", "1.2450", "1445.78313253", "USDC: debt worth -12000 USD"):
        assert words in ran.out
    (pool,) = json.loads(solvent("margin", LENDING, "--json").out)["pools"]
    assert pool["ratio"] == {"name": "health factor", "value": "1.245", "safer": "higher"}
    assert [(one["asset"], one["liquidation"]["displayed"]) for one in pool["assets"]] == [
        ("WETH", "1445.78313253"),
        ("USDC", "1.245"),
    ]
