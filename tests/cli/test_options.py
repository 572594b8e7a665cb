"""Books with options through ``margin`` and ``what-if``: Greeks, several liquidation prices, combos as one."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from solvent.units import EXACT

BOOK, STRANGLE = "options_book.json", "short_strangle.json"
CONDOR = "iron-condor BTC-20260327 90000/95000/105000/110000 x2"


@pytest.mark.parametrize("venue", ["derive_pmrm2", "derive_pmrm1", "derive_srm", "span", "tims", "reg_t"])
def test_a_book_with_options_is_answered_by_every_rule_set_of_options(solvent, examples, venue):
    found = solvent("margin", examples / STRANGLE, "--venue", venue, "--json").json()
    (pool,) = found["pools"]
    assert found["venue"] == venue
    assert (found.get("told", "")[:24] == "USDC counted as USD at p") == (venue in ("span", "tims", "reg_t"))
    (coin,) = pool["underlyings"]
    assert [one["breach_below"] for one in coin["liquidation"]["crossings"]] == [True, False]
    assert [one["liquidation"]["of"] for one in pool["positions"]] == ["BTC", "BTC"]
    with localcontext(EXACT):
        for total, part in (("value", "value"), ("margin_equity", "equity"), ("required", "required")):
            assert sum(Decimal(line[part]) for line in pool["lines"]) == Decimal(pool[total])
    assert all(set(one["greeks"]) == {"delta", "gamma", "vega", "theta"} for one in pool["positions"])


def test_tables_show_greeks_and_each_price_that_liquidates(solvent, examples):
    ran = solvent("margin", examples / STRANGLE)
    assert ran.code == 0
    for words in ("vega / point", "at and below", "48,103.28", "at and above", "135,038.22", "volatilities are held"):
        assert words in ran.out
    assert "BTC-20260327-85000-P" in ran.out


def test_a_venue_that_does_not_cover_the_book_says_what(solvent, examples):
    assert solvent("margin", examples / BOOK, "--venue", "tims").err == (
        "solvent: tims does not cover a perpetual (BTC-PERP)\n"
    )
    assert "BTC is no collateral here" in solvent("margin", examples / BOOK, "--venue", "span").err


def asked(solvent, examples, name, *arguments):
    ran = solvent("what-if", examples / name, *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.json()


def test_an_option_is_traded_by_its_name_and_its_greeks_follow(solvent, examples):
    found = asked(solvent, examples, BOOK, "--trade", "BTC-20260327-100000-C +1 @ 8584.6")
    sides = [found[side]["greeks"]["BTC"] for side in ("before", "after")]
    vega = [float(one["vega"]) for one in sides]
    (held,) = (one for one in found["before"]["positions"] if one["instrument"] == "BTC-20260327-100000-C")
    assert held["size"] == "4"
    assert vega[1] - vega[0] == pytest.approx(632.578 / 4, abs=0.01)
    before, after = (float(found[side]["cash"]["USDC"]) for side in ("before", "after"))
    assert 8584 < before - after < 8600
    assert all(one["liquidation"]["of"] in ("BTC", "BTC-PERP") for one in found["after"]["positions"])


def test_a_combo_is_its_four_legs_as_one(solvent, examples):
    found = asked(solvent, examples, BOOK, "--combo", CONDOR)
    (change,) = found["changes"]
    assert [(leg["instrument"][13:], leg["size"]) for leg in change["legs"]] == [
        ("90000-P", "2"), ("95000-P", "-2"), ("105000-C", "-2"), ("110000-C", "2")]  # fmt: skip
    most = change["most"]
    assert most.startswith("x")
    times = Decimal(most[1:])
    verdicts = [
        asked(solvent, examples, BOOK, "--combo", CONDOR.replace("x2", f"x{one}"))["allowed"]
        for one in (times, EXACT.add(times, Decimal("0.01")))
    ]
    assert verdicts == [True, False]


def test_a_combo_at_a_net_price_moves_its_first_leg(solvent, examples):
    words = "calendar BTC-20260227/20260327 110000 x-3 @ {}"
    marked = asked(solvent, examples, BOOK, "--combo", words.format("mark"))["changes"][0]["legs"]
    net = EXACT.subtract(Decimal(marked[1]["price"]), Decimal(marked[0]["price"]))
    better = asked(solvent, examples, BOOK, "--combo", words.format(EXACT.add(net, Decimal(100))))["changes"][0]["legs"]
    assert [leg["size"] for leg in better] == ["3", "-3"]
    assert EXACT.subtract(Decimal(marked[0]["price"]), Decimal(better[0]["price"])) == 100
    assert better[1] == marked[1]


def test_tables_of_a_combo(solvent, examples):
    ran = solvent("what-if", examples / BOOK, "--combo", CONDOR)
    for words in ("ALLOWED", "the most that would pass is x", "BTC-20260327-95000-P -2 @", "BTC vega a point", "BTC 1"):
        assert words in ran.out


@pytest.mark.parametrize(
    ("combo", "line"),
    [
        ("straddle", "expected NAME COIN-YYYYMMDD STRIKE"),
        ("straddle BTC-20260327 100000", "expected NAME COIN-YYYYMMDD STRIKE"),
        ("straddle BTC-20260327 abc x1", "expected NAME COIN-YYYYMMDD STRIKE"),
        ("straddle BTC-20260327 100000 x1 sideways", "expected NAME COIN-YYYYMMDD STRIKE"),
        ("straddle BTC-20260327 100000 x0.001", "must be a multiple of the lot size 0.01"),
        ("straddle BTC-20260327 99999 x1", "no call of BTC 20260327 at 99999, expected a strike of 80000"),
        ("straddle BTC-20260401 100000 x1", "no BTC option expires on 20260401"),
        ("strangle BTC-20260327 90000/110000 x1 @ 0.03", "expected one on the tick"),
        ("strangle BTC-20260327 90000/110000 x1 @ 5", "expected more than 0"),
        ("collars BTC-20260327 90000/110000 x1", "expected one of vertical, call-spread"),
    ],
)
def test_a_combo_that_cannot_be_read_is_one_line(solvent, examples, combo, line):
    ran = solvent("what-if", examples / BOOK, "--combo", combo)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert line in ran.err
