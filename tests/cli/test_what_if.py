"""``solvent what-if``: before, after, reasons, and a largest size that passes while one lot more does not."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from solvent.units import EXACT

TEN = "ten_positions.json"
TWO = "binance_two_positions.json"


def asked(solvent, examples, name, *arguments):
    ran = solvent("what-if", examples / name, *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.json()


def test_a_trade_that_passes_moves_size_fee_and_liquidation_price(solvent, examples):
    found = asked(solvent, examples, TWO, "--trade", "BTCUSDT -9.488 @ mark")
    assert found["allowed"] is True
    assert found["refusals"] == []
    before, after = ({one["instrument"]: one for one in found[side]["positions"]} for side in ("before", "after"))
    assert (before["BTCUSDT"]["size"], after["BTCUSDT"]["size"]) == ("109.488", "100")
    assert before["ETHUSDT"]["liquidation"]["displayed"] == "1153.26"
    assert Decimal(after["ETHUSDT"]["liquidation"]["displayed"]) < Decimal("1153.26")
    fee = Fraction("9.488") * Fraction("31967.27") / 2000  # a taker's 500 parts in a million
    values = [Fraction(found[side]["purposes"]["maintain"]["value"]) for side in ("before", "after")]
    assert 0 <= values[0] - values[1] - fee < Fraction(1, 10**8)  # rounded up to a unit


def test_a_refused_trade_names_limit_and_shortfall(solvent, examples):
    found = asked(solvent, examples, TEN, "--trade", "BTCUSDT +0.5 @ 60000")
    assert found["allowed"] is False
    (refusal,) = found["refusals"]
    assert refusal["limit"] == "admit"
    assert Decimal(refusal["short"]) < 0
    assert "margin equity" in refusal["text"]


@pytest.mark.parametrize("trade", ["ETHUSDT {} @ 1340", "BTCUSDT {} @ 32000"])
def test_one_lot_more_than_the_most_is_refused(solvent, examples, tmp_path, trade):
    smaller = (
        (examples / TWO).read_text().replace("1535443.01", "1700000.00").replace('"size": "3683.979"', '"size": "300"')
    )
    file = tmp_path / "book.json"
    file.write_text(smaller)
    most = asked(solvent, tmp_path, "book.json", "--trade", trade.format("+0.001"))["changes"][0]["most"]
    assert Decimal(most) > 1
    assert asked(solvent, tmp_path, "book.json", "--trade", trade.format(most))["allowed"] is True
    more = EXACT.add(Decimal(most), Decimal("0.001"))
    assert asked(solvent, tmp_path, "book.json", "--trade", trade.format(more))["allowed"] is False


def test_withdrawals_come_after_trades_and_one_unit_more_than_the_most_is_refused(solvent, examples):
    close = ("--trade", "SOLUSDT -60 @ mark", "--pool", "sol-alone")
    first = asked(solvent, examples, "isolated_and_cross.json", *close, "--withdraw", "USDT 1")
    most = Decimal(first["changes"][1]["most"])
    assert 0 < most < 100
    unit = Decimal("0.00000001")
    verdicts = [
        asked(solvent, examples, "isolated_and_cross.json", *close, "--withdraw", f"USDT {amount}")["allowed"]
        for amount in (most, EXACT.add(most, unit))
    ]
    assert verdicts == [True, False]


def test_tables_show_verdict_reason_and_both_sides(solvent, examples):
    ran = solvent("what-if", examples / TEN, "--trade", "BTCUSDT +0.5 @ 60000")
    assert ran.code == 0
    for words in ("REFUSED", "surplus at ADMIT", "the most that would pass is 0", "before", "after", "margin ratio"):
        assert words in ran.out


def test_a_leg_is_stated_in_hedge_mode_and_only_there(solvent, examples):
    found = asked(solvent, examples, "hedge_mode.json", "--trade", "BTCUSDT short +1 @ 51000")
    legs = {one["leg"]: one["size"] for one in found["after"]["positions"] if one["instrument"] == "BTCUSDT"}
    assert legs == {"long": "2"}
    assert "long or short before the size" in solvent(
        "what-if", examples / "hedge_mode.json", "--trade", "BTCUSDT +1 @ 51000"
    ).err  # fmt: skip
    assert "no leg" in solvent("what-if", examples / TEN, "--trade", "BTCUSDT long +1 @ 51000").err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "--trade or --withdraw: nothing given"),
        (["--trade", "BTCUSDT 1 60000"], "expected INSTRUMENT [long|short] SIZE @ PRICE"),
        (["--trade", "BTCUSDT 1 @ x"], "price must be a finite decimal, not 'x'"),
        (["--trade", "BTCUSDT 0.0005 @ 60000"], "must be a multiple of the lot size 0.001"),
        (["--trade", "BTCUSDT 1 @ 60000.05"], "must be a multiple of the tick size 0.1"),
        (["--trade", "BTCUSDT 0 @ 60000"], "expected a size other than zero"),
        (["--trade", "BTCUSDT 1 @ -5"], "must be positive"),
        (["--trade", "NOPE 1 @ 60000"], "instrument 'NOPE', expected one of BTCUSDT"),
        (["--withdraw", "USDT"], "expected ASSET AMOUNT"),
        (["--withdraw", "EUR 5"], "asset 'EUR', expected one of USDT"),
        (["--withdraw", "USDT -5"], "expected an amount above zero"),
        (["--withdraw", "USDT 0.000000001"], "must be a whole number of 1e-8 USDT"),
        (["--pool", "x", "--withdraw", "USDT 1"], "--pool: got 'x', expected one of cross"),
    ],
)
def test_what_cannot_be_read_is_one_line(solvent, examples, arguments, line):
    ran = solvent("what-if", examples / TEN, *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert line in ran.err


def test_a_book_of_several_pools_needs_the_pool(solvent, examples):
    ran = solvent("what-if", examples / "isolated_and_cross.json", "--withdraw", "USDT 1")
    assert ran.err == "solvent: --pool: nothing given, expected one of cross, eth-alone, sol-alone\n"
