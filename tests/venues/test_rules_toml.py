"""Numbers of the rule sets: each has a source and a date, tables are monotone and continuous, rates are whole ppm."""

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

import solvent.venues
from solvent.book import Mode, Purpose
from solvent.instruments import DOLLARS
from solvent.rates import Schedule
from solvent.rules import RulesError
from solvent.venues import folder, names, numeraire, venue
from solvent.venues.parts import read_rules

ROOT = Path(solvent.venues.__file__).parent
FILES = sorted((path.parent.name, path.stem) for path in ROOT.glob("*/*.toml"))
FOLDERS = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())
NOT_NUMBERS = {"sources"}


def plain(name):
    """Whether a rule set is tables of schedules and weights alone, as the engine compiles them."""
    rules = venue(name)
    listed = rules.margin.every().values() if hasattr(rules.margin, "every") else []
    return not rules.models and listed and all(isinstance(s, Schedule) for f in listed for s in f.schedules.values())


PLAIN = [name for name in names() if plain(name)]


def has_number(value):
    if isinstance(value, bool):
        return False
    if isinstance(value, int | Decimal):
        return True
    if isinstance(value, dict):
        return any(has_number(inner) for inner in value.values())
    return isinstance(value, list) and any(has_number(inner) for inner in value)


def unsourced(table, keys, path=(), *, covered=False):
    """Paths of tables with numbers that neither they nor a table above them give a source."""
    covered = covered or table.get("source") in keys
    for name, value in table.items():
        if isinstance(value, dict) and name not in NOT_NUMBERS:
            yield from unsourced(value, keys, (*path, name), covered=covered)
        elif has_number(value) and not covered and name not in NOT_NUMBERS:
            yield ".".join((*path, name))


def test_all_folders_are_alike():
    assert {folder(name) for name in names()} <= set(FOLDERS)
    for one in FOLDERS:
        for file in ("rules.toml", "rules.py", "README.md"):
            assert (ROOT / one / file).exists(), f"{one} has no {file}"
    assert len(FOLDERS) >= 16
    assert {"generic", "binance_usdm", "hyperliquid"} <= set(PLAIN)


@pytest.mark.parametrize(("inside", "file"), FILES)
def test_every_number_has_a_source_with_address_and_date(inside, file):
    data = read_rules(inside, file)
    assert list(unsourced(data, set(data["sources"]))) == []
    for source in data["sources"].values():
        assert isinstance(source["effective_from"], date)
        assert re.match(r"https://[\w.-]+/\S+$|src/solvent/venues/\w+/README\.md$", source["address"])


def test_a_number_without_source_is_seen():
    assert list(unsourced({"a": {"b": 1}, "c": {"source": "x", "d": {"e": [[1]]}}}, {"x"})) == ["a.b"]


@pytest.mark.parametrize("name", PLAIN)
def test_schedules_are_continuous_rising_and_in_whole_ppm(name):
    rules = venue(name)
    multipliers = {Fraction(mode.requirement_multiplier) for mode in rules.modes.values()}
    for facts in rules.margin.every().values():
        for purpose in Purpose:
            schedule = facts.schedules[purpose]
            assert schedule.rising()
            for left, right in pairwise(schedule.pieces):
                # the pieces' own arithmetic, in fractions: no decimal context can hide a step
                at = [Fraction(p.rate) * Fraction(right.floor) - Fraction(p.deduction) for p in (left, right)]
                assert at[0] == at[1]
                assert left.rate < right.rate
            for piece in schedule.pieces:
                for multiplier in multipliers:
                    assert (Fraction(piece.rate) * multiplier * 1_000_000).denominator == 1


@pytest.mark.parametrize("name", PLAIN)
def test_leverage_brackets_fall_from_floor_to_floor(name):
    for symbol, facts in venue(name).margin.every().items():
        floors = [bracket.floor for bracket in facts.brackets]
        leverages = [bracket.max_leverage for bracket in facts.brackets]
        assert floors[0] == 0
        assert floors == sorted(set(floors)), symbol
        assert leverages == sorted(set(leverages), reverse=True), symbol
        assert [piece.floor for piece in facts.schedules[Purpose.MAINTAIN].pieces] == floors


@pytest.mark.parametrize("name", PLAIN)
def test_maintenance_is_below_initial_margin_at_the_highest_leverage(name):
    """A position at its bracket's highest leverage cap does not start in breach."""
    for symbol, facts in venue(name).margin.every().items():
        pieces = facts.schedules[Purpose.MAINTAIN].pieces
        for piece, bracket in zip(pieces, facts.brackets, strict=True):
            assert Fraction(piece.rate) * bracket.max_leverage < 1, (symbol, piece)


@pytest.mark.parametrize("name", PLAIN)
def test_weights_and_debt_rates_are_whole_ppm(name):
    for asset, facts in venue(name).collateral.every().items():
        assert facts.debt_rate >= 1
        assert (Fraction(facts.debt_rate) * 1_000_000).denominator == 1
        for purpose in Purpose:
            rates = [piece.rate for piece in facts.weights[purpose].pieces]
            assert all(0 <= rate <= 1 for rate in rates), asset
            assert all((Fraction(rate) * 1_000_000).denominator == 1 for rate in rates)


@pytest.mark.parametrize("name", PLAIN)
def test_default_leverage_is_within_the_first_bracket_and_some_class(name):
    rules = venue(name)
    caps = rules.modes[Mode.CROSS].max_leverage.values()
    for facts in rules.margin.every().values():
        assert 1 <= facts.default_leverage <= min(facts.brackets[0].max_leverage, max(caps))


# Floor, maintenance rate, highest leverage and amount of the BTCUSDT table of 2024-10-24, in the exchange's own words.
BTCUSDT = [
    (0, "0.004", 125, 0),
    (50_000, "0.005", 100, 50),
    (600_000, "0.0065", 75, 950),
    (3_000_000, "0.01", 50, 11_450),
    (12_000_000, "0.02", 25, 131_450),
    (70_000_000, "0.025", 20, 481_450),
    (100_000_000, "0.05", 10, 2_981_450),
    (230_000_000, "0.1", 5, 14_481_450),
    (480_000_000, "0.125", 4, 26_481_450),
    (600_000_000, "0.15", 3, 41_481_450),
    (800_000_000, "0.25", 2, 121_481_450),
    (1_200_000_000, "0.5", 1, 421_481_450),
]


def test_btcusdt_brackets_and_amounts_are_the_published_ones():
    facts = venue("binance_usdm").margin.every()["BTCUSDT"]
    pieces = facts.schedules[Purpose.MAINTAIN].pieces
    made = [
        (int(p.floor), str(p.rate), b.max_leverage, Fraction(p.deduction))
        for p, b in zip(pieces, facts.brackets, strict=True)
    ]
    assert made == [(f, r, lev, Fraction(cum)) for f, r, lev, cum in BTCUSDT]


# (variant, symbol or coin, notional, rate, amount): lookups the exchange prints in its FAQs.
PRINTED = [
    ("binance_usdm_2021", "BTCUSDT", "264000", "0.01", "1300"),
    ("binance_usdm_2021", "BTCUSDT", "500000", "0.01", "1300"),
    ("binance_usdm_2021", "BTCUSDT", "3500032.46", "0.025", "16300"),
    ("binance_usdm_2021", "ETHUSDT", "4918775.08", "0.1", "135365"),
    ("binance_usdm", "BTCUSDT", "1000000", "0.0065", "950"),
    ("binance_usdm", "BTCUSDT", "75000000", "0.025", "481450"),
    ("binance_coinm", "BTC", "300", "0.125", "11.605"),
    ("binance_coinm", "BTC", "0.4", "0.004", "0"),
]


@pytest.mark.parametrize(("name", "symbol", "notional", "rate", "amount"), PRINTED)
def test_printed_bracket_lookups(name, symbol, notional, rate, amount):
    piece = venue(name).margin.every()[symbol].schedules[Purpose.MAINTAIN].piece(Decimal(notional))
    assert (str(piece.rate), Fraction(piece.deduction)) == (rate, Fraction(amount))


def test_a_brackets_upper_bound_belongs_to_it():
    schedule = venue("binance_usdm").margin.every()["BTCUSDT"].schedules[Purpose.MAINTAIN]
    assert str(schedule.piece(Decimal(50_000)).rate) == "0.004"
    assert str(schedule.piece(Decimal("50000.01")).rate) == "0.005"


def test_unknown_names_are_refused_with_the_known_ones():
    for verb in (venue, numeraire):
        with pytest.raises(RulesError, match=r"no rule set is named 'mtgox'; there are aave_v3, .*generic"):
            verb("mtgox")


def test_numeraires():
    assert numeraire("binance_coinm") == numeraire("bitmex") == "BTC"
    assert (numeraire("binance_usdm"), numeraire("hyperliquid")) == ("USDT", "USDC")
    for name in names():
        assert numeraire(name) in DOLLARS | {"BTC", "WETH"}
