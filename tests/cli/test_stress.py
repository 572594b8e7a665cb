"""``solvent stress``: tables, JSON and pictures of books with and without options."""

from __future__ import annotations

import builtins
import json
from decimal import Decimal

import pytest

from solvent import venues
from solvent.book_json import load_book
from solvent.cli.stress_plot import draw, picture, words_of
from solvent.research.stress import Settings, stress
from tests.cli.conftest import EXAMPLES

D = Decimal

BOOK, STRANGLE, TEN = "options_book.json", "short_strangle.json", "ten_positions.json"
SMALL = ("--grid", "-50:50:50 x 0,50", "--gaps", "-60,60", "--volatility", "0.5")


def asked(solvent, examples, name, *arguments):
    ran = solvent("stress", examples / name, *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.json()


def test_json_has_every_part(solvent, examples):
    found = asked(solvent, examples, STRANGLE, *SMALL)
    assert [[one["price"] for one in row] for row in found["matrix"]] == [["-0.5", "0", "0.5"]] * 2
    assert [row[0]["volatility"] for row in found["matrix"]] == ["0", "0.5"]
    assert [one["breached"] for one in found["ladder"]] == [False, False, True]
    assert (found["moves"], found["price"], found["volatility"]) == (["BTC"], "100000", "0.5")
    assert [one["expiry"] for one in found["expiries"]] == ["2026-03-27T08:00:00Z"]
    assert [line["time"][:10] for line in found["payoff"]["lines"]] == ["2026-01-28", "2026-03-27"]
    assert [one["share"] for one in found["closing"]] == ["1", "0.5", "0.25", "0.1"]
    assert [one["breached"] for one in found["silence"]["gaps"]] == [True, True]
    assert found["silence"]["gaps"][1]["line_price"][:10] == found["reverse"]["up"]["at"][:10] == "135038.222"
    sigmas = {name: float(found["reverse"][name]["sigmas"]) for name in ("down", "up", "joint", "nearest")}
    assert sigmas["nearest"] == sigmas["joint"] < sigmas["up"] < sigmas["down"]
    assert found["worst"] == found["matrix"][1][2]
    assert not any(key in found for key in ("told", "crisis"))


def test_tables_show_every_part(solvent, examples):
    ran = solvent("stress", examples / STRANGLE, *SMALL, "--greeks")
    assert ran.code == 0
    for words in ("profit, by volatility and price", "delta, by volatility and price", "-28,633!", "vega / point",
                  "2026-03-27T08:00:00Z", "gain by a day", "× 0.25", "silent for 30 minutes", "price rises",
                  "135,038.22", "price and volatility", "A sigma is one of 1 day(s) at 50.00 % a year"):  # fmt: skip
        assert words in ran.out, words


def test_a_book_of_perpetuals_has_no_volatility_rows_and_may_lack_depth(solvent, examples):
    found = asked(solvent, examples, TEN, "--grid", "-10,0,10 x -20,0,20", "--underlying", "ETH")
    assert len(found["matrix"]) == 1
    assert found["closing"] == []
    assert "ETHUSDT" in found["without_depth"]
    assert found["reverse"]["up"]["sigmas"] is None
    shown = solvent("stress", examples / TEN, "--grid", "-10,0,10", "--underlying", "ETH").out
    assert "Closing: unsupported, because the depth of" in shown
    assert "no yearly volatility is known" in shown


def test_another_venue_is_asked_in_its_own_words(solvent, examples):
    found = asked(solvent, examples, STRANGLE, "--venue", "tims", *SMALL)
    assert (found["venue"], found["numeraire"], found["told"][:4]) == ("tims", "USD", "USDC")


def test_depth_from_a_file_and_a_price_that_arrives_at_once(solvent, examples, tmp_path):
    levels = {one: {"bids": [["2000", "1"]], "asks": [["2500", "1"]]}
              for one in ("BTC-20260327-85000-P", "BTC-20260327-120000-C")}  # fmt: skip
    file = tmp_path / "depth.json"
    file.write_text(json.dumps(levels))
    found = asked(solvent, examples, STRANGLE, *SMALL, "--depth", file, "--shares", "1,0.5", "--arrival", "at_once")
    whole, half = found["closing"]
    assert Decimal(whole["cost"]) == 2500 - Decimal("2367.5") + 2500 - Decimal("2360.1")
    assert (whole["complete"], half["complete"]) == (True, False)
    assert Decimal(half["cost"]) * 2 == Decimal(whole["cost"])
    assert found["payoff"]["arrival"] == "at_once"


def test_a_crisis_is_told_with_its_first_liquidation(solvent, examples):
    found = asked(solvent, examples, TEN, "--crisis", "may-2021", "--grid", "0")["crisis"]
    assert Decimal(found["coins"]["BTC"][0]) < Decimal("-0.3")
    assert (found["breach"] is None) == (Decimal(found["worst"]["surplus"]) >= 0)
    assert "may-2021" in solvent("stress", examples / TEN, "--crisis", "may-2021", "--grid", "0").out


@pytest.fixture(scope="module")
def found():
    """The strangle under a small grid, and ten perpetuals."""
    small = Settings((D("-0.5"), D(0), D("0.5")), (D(0), D("0.5")))
    made = []
    for name, settings in ((STRANGLE, small), (TEN, Settings((D("-0.1"), D("0.9"))))):
        file = load_book(EXAMPLES / name)
        pool = file.book.holdings[0].pool.id
        made.append(stress(file.book, file.market, venues.venue(file.venue), pool, settings))
    return made


@pytest.mark.parametrize(("name", "which"), [("a.png", 0), ("b.svg", 1), ("c.html", 0)])
def test_pictures_of_options_and_of_perpetuals(found, tmp_path, name, which):
    draw(found[which], tmp_path / name)
    drawn = (tmp_path / name).read_bytes()
    if name.endswith("png"):
        assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
        return
    text = drawn.decode()
    assert "</svg>" in text
    assert text.startswith("<!doctype html>") == name.endswith("html")
    assert "<script" not in text
    assert "src=" not in text


def test_a_picture_says_what_liquidates(found):
    assert "The smallest move that liquidates: price +33.9 %, volatility +11 %" in words_of(found[0])
    figure = picture(found[0])
    axes = {one.get_title(loc="left"): one for part in figure.subfigs for one in _axes(part)}
    heat = axes["Profit, USDC"]
    assert [one.get_text() for one in heat.texts][3:] == ["-30.2k", "-6.6k", "-32.5k"]
    assert sum(line.get_color() == "#c1121f" for line in heat.lines) == 2  # one side of a cell in either row
    assert axes["Margin by price, volatility unmoved"].get_xlabel() == "price of BTC, USDC"


def _axes(figure):
    return [*figure.axes, *(one for part in figure.subfigs for one in _axes(part))]


def test_a_picture_without_its_library_or_of_another_kind_is_refused(solvent, examples, tmp_path, monkeypatch):
    assert (
        "--plot: got 'x.gif', expected a name that ends in .png, .svg, .html"
        in solvent("stress", examples / TEN, "--grid", "0", "--plot", tmp_path / "x.gif").err
    )
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    ran = solvent("stress", examples / TEN, "--grid", "0", "--plot", tmp_path / "x.png")
    assert (ran.code, ran.err) == (2, "solvent: --plot needs Matplotlib: pip install 'solvent[plot]'\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--grid", "1:2"], "--grid: got '1:2', expected FROM:TO:STEP"),
        (["--grid", "0 x 0 x 0"], "--grid: got '0 x 0 x 0', expected PRICES [x VOLATILITIES]"),
        (["--grid", "a"], "--grid: got 'a', expected a number written out"),
        (["--grid", "0:99:0.01"], "which has 9901 steps"),
        (["--grid", "-150,0"], "prices: got -1.50, 0.00, expected each above -1"),
        (["--arrival", "late"], "--arrival: got 'late', expected one of linear, at_once"),
        (["--underlying", "DOT"], "underlying: got 'DOT', expected one that the pool holds"),
        (["--crisis", "black-monday"], "dataset must be one of mar-2020, may-2021, oct-2025"),
        (["--minutes", "0"], "minutes: got 0, expected more than 0"),
        (["--depth", "no-such-file.json"], "no-such-file.json"),
    ],
)
def test_what_cannot_be_read_is_one_line(solvent, examples, arguments, line):
    ran = solvent("stress", examples / TEN, *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert line in ran.err
