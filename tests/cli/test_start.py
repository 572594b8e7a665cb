"""The program starts light, says what went wrong in one line, and ends with the right code."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

HEAVY = ("numba", "numpy", "scipy", "llvmlite", "rich", "msgspec", "solvent.margin", "solvent.venues", "solvent.engine")
LOADED = """
import sys
from solvent.cli import main
try:
    main(["--help"])
except SystemExit as ended:
    assert ended.code == 0
print("LOADED", *sorted(sys.modules))
"""


def test_help_loads_nothing_heavy_and_says_how_long_it_took(capsys):
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    with capsys.disabled():
        sys.stdout.write(f"\nsolvent --help: {seconds * 1000:.0f} ms\n")
    shown, _, loaded = done.stdout.partition("LOADED")
    assert "Usage: solvent" in shown
    modules = set(loaded.split())
    assert "solvent.cli" in modules
    assert [name for name in HEAVY if name in modules] == []


def test_each_command_has_help(solvent):
    shown = solvent("--help").out
    commands = ["margin", "what-if", "replay", "conform", "venues", "journal", "bench"]
    for command in commands:
        assert command in shown
        ran = solvent(command, "--help")
        assert ran.code == 0
        assert "Usage: solvent" in ran.out


def test_the_version_is_printed(solvent):
    assert solvent("--version").out.startswith("solvent 0.")


GOOD = {
    "solvent": 1,
    "venue": "binance_usdm",
    "assets": {"USDT": {"scale": 8}},
    "instruments": {
        "BTCUSDT": {"type": "perpetual", "underlying": "BTC", "quote": "USDT", "tick_size": "0.1", "lot_size": "0.001"}
    },
    "pools": [
        {"id": "a", "cash": {"USDT": "100"}, "positions": [{"instrument": "BTCUSDT", "size": "0.01", "entry": "60000"}]}
    ],
    "market": {"mark": {"BTCUSDT": "60000"}},
}


def put(path, value):
    *above, last = path
    whole = json.loads(json.dumps(GOOD))
    found = whole
    for name in above:
        found = found[name]
    if value is None:
        del found[last]
    else:
        found[last] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (
            ("pools", 0, "positions", 0, "size"),
            "0.0005",
            "pools[0].positions[0].size: got '0.0005', expected a multiple",
        ),
        (("pools", 0, "positions", 0, "instrument"), "X", "pools[0].positions[0].instrument: got 'X', expected"),
        (("market", "mark", "BTCUSDT"), "NaN", "market.mark.BTCUSDT: got 'NaN', expected"),
        (("market", "mark", "BTCUSDT"), "-1", "market.mark.BTCUSDT: got '-1', expected"),
        (("market", "mark"), None, "BTCUSDT"),
        (("pools", 0, "colour"), "red", "colour"),
        (("venue",), None, "venue: nothing given, expected a rule set here or with --venue: "),
        (("venue",), "nowhere", "no rule set is named 'nowhere'"),
        (("pools", 0, "numeraire"), "USD", "pools[0].numeraire: got 'USD', expected"),
    ],
)
def test_a_bad_book_is_one_line_with_path_value_and_what_was_expected(solvent, tmp_path, path, value, line):
    file = tmp_path / "bad.json"
    file.write_text(put(path, value))
    ran = solvent("margin", file)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("solvent: ")
    assert line in ran.err


def test_the_same_book_unspoilt_is_answered(solvent, tmp_path):
    file = tmp_path / "good.json"
    file.write_text(json.dumps(GOOD))
    assert solvent("margin", file).code == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["margin", "absent.json"], "solvent: absent.json: No such file or directory"),
        (["margin"], "solvent: Missing argument 'BOOK.json'. (see solvent margin --help)"),
        (["nonsense"], "solvent: No such command 'nonsense'. (see solvent --help)"),
        (["conform", "absent"], "solvent: absent: no such file or folder"),
        (["journal", "verify", "absent"], "solvent: absent: no such file, expected a journal"),
        (["journal", "show", "absent", "--pool", "x", "--seq", "1"],
         "solvent: --pool: got 'x', expected the number of a pool, such as 17 or P17"),
        (["replay", "may-2021", "--resume"],
         "solvent: --resume: no --journal given, expected the journal to go on from"),
        (["replay", "may-2021", "--accounts", "0"],
         "solvent: Invalid value for '--accounts': 0 is not in the range x>=1. (see solvent replay --help)"),
    ],
)  # fmt: skip
def test_bad_arguments_are_one_line_and_exit_code_two(solvent, arguments, line):
    ran = solvent(*arguments)
    assert (ran.code, ran.out, ran.err) == (2, "", f"{line}\n")


def test_a_fault_of_ours_keeps_its_trace(monkeypatch, examples):
    from solvent.cli import main, margin_tables

    def broken(_):
        raise KeyError("fees")

    monkeypatch.setattr(margin_tables, "print_margin", broken)
    with pytest.raises(KeyError):
        main(["margin", str(examples / "hedge_mode.json")])


def test_a_reader_that_leaves_early_is_no_error():
    program = "from solvent.cli import main; main(['venues'])"
    reading = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    reading.stdout.close()
    _, err = reading.communicate()
    assert "Traceback" not in err
