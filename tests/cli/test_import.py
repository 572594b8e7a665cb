"""``solvent import``: files of messages in, a book file out that every other command reads; keys never anywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from solvent import adapters
from solvent.book_json import decode_book
from solvent.cli.import_command import SECRETS, SOURCES

DATA = Path(__file__).parent.parent / "data"
ANSWERS = DATA / "venue_answers"


def written(folder, name, value):
    path = folder / name
    path.write_text(json.dumps(value))
    return path


def test_the_sources_are_those_of_the_adapters():
    assert adapters.names() == SOURCES


@pytest.mark.parametrize(
    ("source", "name", "more", "venue"),
    [
        ("binance", "binance_account_v3.json", [], "binance_usdm"),
        ("binance", "binance_coinm_risk.json", [], "binance_coinm"),
        (
            "binance",
            "binance_portfolio.json",
            [{"index": {"USDT": {"USD": "1"}, "ETH": {"USD": "2424.5"}}}],
            "binance_pm",
        ),
        ("bybit", "bybit_position_2022.json", [{"index": {"USDT": {"USD": "1"}}}], "bybit_uta"),
        ("dydx", "dydx_subaccount_2025.json", [], "dydx_v4"),
        ("hyperliquid", "../hyperliquid/account_2023-03-27.json", [], "hyperliquid"),
    ],
)
def test_what_is_imported_can_be_asked_about(solvent, tmp_path, source, name, more, venue):
    files = [ANSWERS / name, *(written(tmp_path, f"{k}.json", one) for k, one in enumerate(more))]
    ran = solvent("import", "--from", source, *files)
    assert (ran.code, ran.err) == (0, "")
    assert decode_book(ran.out).venue == venue
    book = tmp_path / "book.json"
    book.write_text(ran.out)
    asked = solvent("margin", book, "--json")
    assert asked.code == 0
    assert asked.json()["venue"] == venue


def test_venue_names_another_rule_set(solvent):
    ran = solvent("import", "--from", "binance", ANSWERS / "binance_account_v3.json", "--venue", "generic", "--json")
    assert decode_book(ran.out).venue == "generic"
    assert "no rule set is named 'nowhere'" in solvent("import", "--from", "binance", "x", "--venue", "nowhere").err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "--from: nothing given, expected one of aave, binance, bybit, ccxt, dydx, hyperliquid, okx, or --live"),
        (["--from", "binance"], "FILE.json: nothing given, expected the answers of the account"),
        (["--from", "binance", "--live", "bybit"], "--from: --from and --live given, expected one of"),
        (["--from", "nowhere", "GOOD"], "source: got 'nowhere', expected aave, binance"),
        (["--from", "bybit", "GOOD"], "expected an answer of wallet-balance"),
        (["--from", "binance", "absent.json"], "absent.json: No such file or directory"),
        (["--live", "bybit", "GOOD"], 'FILE.json number 1: expected prices alone beside --live: {"index"'),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(solvent, arguments, line):
    given = [ANSWERS / "binance_account_v3.json" if one == "GOOD" else one for one in arguments]
    ran = solvent("import", *given)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert line in ran.err


def test_a_text_or_a_broken_file_is_named(solvent, tmp_path):
    assert "expected an object or a list" in solvent("import", "--from", "okx", written(tmp_path, "a.json", 3)).err
    broken = tmp_path / "b.json"
    broken.write_text("{")
    assert "b.json: got Expecting property name" in solvent("import", "--from", "okx", broken).err


@pytest.mark.parametrize("option", SECRETS)
def test_keys_are_refused_on_the_command_line_and_not_repeated(solvent, option):
    for arguments in ((option, "hush-4711"), (f"{option}=hush-4711",)):
        ran = solvent("import", "--live", "bybit", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert "keys are not taken on the command line" in ran.err
        assert "hush-4711" not in ran.err
    assert option not in solvent("import", "--help").out


def test_live_without_the_extra_names_it(solvent, monkeypatch):
    monkeypatch.setitem(sys.modules, "ccxt", None)
    ran = solvent("import", "--live", "bybit")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "solvent: --live bybit: ccxt is not installed, expected the extra: pip install 'solvent[live]'\n"
