"""``conform``, ``venues``, and the commands on the engine as far as they only pass on and print."""

from __future__ import annotations

import json
import sys
import types

import pytest

from solvent import venues
from solvent.cli import replaying
from solvent.cli.replaying import lawful

REPORT = {
    "dataset": "may-2021",
    "venue": "generic",
    "accounts": 20000,
    "seed": 7,
    "finished": True,
    "state_hash": "ab" * 32,
    "laws": {"L-01": {"checks": 12000, "held": 12000}, "L-02": {"checks": 3, "held": True}},
    "conservation": {"USDT": "0", "BTC": "0"},
    "states": {"HEALTHY": 19000, "BANKRUPT": 2},
    "refused": {"SHORT": 17},
    "start_ns": 1_621_382_400_000_000_000,
    "liquidations": 41,
    "fund_units": "12500000",
    "by_hour": [
        {"hour": 13, "symbol": "", "fills": 30, "notional_units": "1234567000000", "penalty_units": "99000000"}
    ],
    "by_instrument": [
        {"hour": 0, "symbol": f"S{k}USDT", "fills": 1, "notional_units": "5000000", "penalty_units": "1000000"}
        for k in range(25)
    ],
    "worst": [
        {
            "pool": 77,
            "mode": "cross",
            "account_class": "standard",
            "time_ns": 1_621_428_060_000_000_000,
            "value": "-5.25",
            "margin_equity": "-6",
            "required": "1000",
            "surplus": "-1006",
            "sentences": ["BTCUSDT: profit -5000"],
            "fills": 3,
            "closed_units": "7000000",
            "penalty_units": "0",
            "loss_units": "5250000",
            "end": "bankrupt",
        }
    ],
    "ring_1": {"compared": 1000, "equal": 1000},
    "lawful": True,
}


def test_conform_prints_counts_and_ends_with_zero(solvent, examples):
    folder = examples.parent / "tests" / "vectors"
    ran = solvent("conform", folder / "binance_usdm.json")
    assert ran.code == 0
    assert "34 passed, 0 failed, 1 unsupported" in ran.out
    assert "is not beside this file" in ran.out
    found = solvent("conform", folder, "--json").json()
    counts = {"passed", "failed", "unsupported", "by_venue", "by_evidence"}
    assert set(found) == {*counts, "failures", "not_asserted", "reasons"}
    assert found["by_venue"]["binance_coinm"]["liq_price_cross"] == [2, 0, 0]


def test_conform_ends_with_one_and_names_the_vector_that_failed(solvent, examples, tmp_path):
    file = tmp_path / "binance_usdm.json"
    text = (examples.parent / "tests" / "vectors" / "binance_usdm.json").read_text()
    assert text.count('"1153.26"') == 1
    file.write_text(text.replace('"1153.26"', '"1153.20"'))
    ran = solvent("conform", file)
    assert ran.code == 1
    assert "bin-003 failed: liq_price expected 1153.20, got 1153.2564" in ran.out
    ran = solvent("conform", file, "--json")
    assert ran.code == 1
    assert [one["id"] for one in ran.json()["failures"]] == ["bin-003"]


def test_a_run_in_which_nothing_was_looked_at_is_no_success(solvent, tmp_path):
    (tmp_path / "empty.json").write_text('{"vectors": []}')
    assert solvent("conform", tmp_path).code == 1


def test_venues_lists_every_rule_set_with_dates_and_gaps(solvent):
    ran = solvent("venues")
    found = solvent("venues", "--json").json()
    page = solvent("venues", "--markdown").out
    assert [row["venue"] for row in found] == list(venues.names())
    for row in found:
        rules = venues.venue(row["venue"])
        assert row["effective_from"] == rules.effective_from.isoformat()
        assert row["gaps"] == list(rules.capabilities.gaps)
        assert row["sources"]
        for shown in (ran.out, page):
            assert row["venue"] in shown
            assert row["effective_from"] in shown
            assert all(gap in shown for gap in row["gaps"])


@pytest.fixture
def replay_double(monkeypatch):
    """Stands for the simulation: records what it was asked and answers with a fixed report."""
    asked = {}

    class Report:
        def __init__(self, value):
            self.value = value

        def as_json(self):
            return self.value

    def run(options, progress):
        answer = asked.pop("answer", None)
        asked.update(options._asdict(), progress=progress)
        return Report(answer or json.loads(json.dumps(REPORT)))

    module = types.ModuleType("solvent.cli.stored_runs")
    module.run = run
    monkeypatch.setitem(sys.modules, "solvent.cli.stored_runs", module)
    return asked


def test_replay_passes_its_options_on_and_prints_the_report(solvent, replay_double, tmp_path):
    journal = tmp_path / "j.sqlite"
    switches = "--accounts 200 --seed 9 --batch 1 --threads 2 --no-screen --stop-after 5 --resume --brute-force --bands"
    switches += " --venue binance_usdm"
    ran = solvent("replay", "may-2021", *switches.split(), "--journal", journal, "--json")
    assert ran.code == 0
    assert ran.json() == REPORT
    assert replay_double.pop("progress") is None
    assert replay_double == {
        "dataset": "may-2021", "accounts": 200, "seed": 9, "venue": "binance_usdm", "batch": 1, "threads": 2,
        "screen": False, "journal": journal, "stop_after": 5, "resume": True, "brute_force": True,
        "bands": True,
    }  # fmt: skip


@pytest.mark.parametrize(("has", "threads"), [(1, 1), (2, 2), (8, 2)])
def test_replay_uses_two_threads_where_there_are_two_processors(solvent, replay_double, monkeypatch, has, threads):
    monkeypatch.setattr("solvent.cli.engine_commands.processors", lambda: has)
    assert solvent("replay", "may-2021").code == 0
    assert replay_double["threads"] == threads


def test_replay_tables_show_every_part_laws_and_hash(solvent, replay_double):
    ran = solvent("replay", "may-2021")
    assert ran.code == 0
    totals = ("20,000 accounts", "41", "2021-05-19 13:00", "1,234,567", "S19USDT", "5 more", "bankrupt", "short")
    worst = ("Pool 77", "2021-05-19 12:41", "BTCUSDT: profit -5000")
    proof = ("L-01", "12,000", "held", "1,000", "ab" * 32, "nothing created or lost in USDT, BTC")
    for words in (*totals, *worst, *proof):
        assert words in ran.out
    assert "S20USDT" not in ran.out


@pytest.mark.parametrize(
    "wrong",
    [
        {"laws": {"L-01": {"checks": 3, "held": False}}},
        {"laws": {"L-01": {"checks": 3, "held": 2}}},
        {"laws": {"L-01": {"checks": 0, "held": 0}}},
        {"conservation": {"USDT": 1}},
        {"conservation": {"USDT": "-1"}},
        {"lawful": False},
    ],
)
def test_a_broken_law_or_a_residual_ends_with_one(solvent, replay_double, wrong):
    replay_double["answer"] = {**REPORT, **wrong}
    assert not lawful({**REPORT, **wrong})
    ran = solvent("replay", "may-2021")
    assert ran.code == 1
    marks = {"laws": ("BROKEN", "NOT CHECKED"), "conservation": ("NOT CONSERVED",), "lawful": ("State hash",)}
    assert any(mark in ran.out for name in wrong for mark in marks[name])


def test_the_progress_bar_goes_on_and_ends(monkeypatch, capsys):
    with replaying._Bar(visible=True) as progress:
        progress(1, 10, "13:00")
        progress(10, 10, "done")
    assert "done" in capsys.readouterr().err


def test_bench_passes_names_on_and_prints_rows(solvent, monkeypatch):
    row = {"name": "fills", "value": 512345.0, "unit": "fills/s", "baseline": 400000.0, "ratio": 1.28, "low": 5e5,
           "high": 5.2e5, "runs": 5}  # fmt: skip
    asked = []
    module = types.ModuleType("solvent.bench")
    module.NAMES = ("fills",)
    module.run = lambda names, full: asked.append((names, full)) or [row]
    monkeypatch.setitem(sys.modules, "solvent.bench", module)
    assert solvent("bench", "fills", "--full", "--json").json() == [row]
    ran = solvent("bench")
    assert asked == [(["fills"], True), ([], False)]
    for words in ("fills", "512,345", "1.28", "400,000"):
        assert words in ran.out
    assert solvent("bench", "nope").err == "solvent: benchmark 'nope', expected one of fills\n"


BENCHED = [
    {"name": "fills", "value": 512345.0, "unit": "trades/s", "baseline": 2e6, "baseline_is": "a read | of rows",
     "ratio": 0.256, "low": 5e5, "high": 5.2e5, "runs": 5, "pools": 1_000_000,
     "parts_ns": {"reading": 250.0, "rest": 750.0}},
    {"name": "memory", "value": 590.0, "unit": "bytes/pool", "baseline": 600.0, "baseline_is": "600 bytes",
     "ratio": 0.98, "low": 590.0, "high": 590.0, "runs": 1, "at_five_positions": 608.0,
     "tables": {"key": 28.4, "pools": 88.0}},
]  # fmt: skip


def test_bench_writes_a_page_with_machine_figures_and_targets(solvent, monkeypatch, tmp_path):
    module = types.ModuleType("solvent.bench")
    module.NAMES, module.run = ("fills", "memory"), lambda _names, _full: BENCHED
    monkeypatch.setitem(sys.modules, "solvent.bench", module)
    page = tmp_path / "figures.md"
    assert solvent("bench", "--full", "--write", str(page), "--json").json() == BENCHED
    text = page.read_text(encoding="utf-8")
    rows = {line.split(" | ")[0].strip("| `"): line for line in text.splitlines() if line.startswith("| ")}
    assert rows["fills"].endswith("| ≥ 500,000 trades a second, all pools armed | yes |")
    assert "500,000 – 520,000 | 5 | 2,000,000: a read \\| of rows | 0.256" in rows["fills"]
    assert rows["memory"].endswith("| ≤ 600 bytes a pool of five positions | no: 608 |"), (
        "the figure that misses is named"
    )
    assert rows["rest"] == "| rest | 750 | 75 % |"
    assert list(rows).index("pools") < list(rows).index("key"), "the largest table first"
    assert rows["numpy"].count(".") >= 1
    assert "20" + "26" not in text, "a page has no date"
    solvent("bench", "--write", str(page))
    small = page.read_text(encoding="utf-8")
    assert "to which no target applies" in small
    assert "yes |" not in small


def test_bench_refuses_a_page_it_could_not_write_before_it_runs(solvent, monkeypatch, tmp_path):
    module = types.ModuleType("solvent.bench")
    module.NAMES, module.run = ("fills",), lambda _names, _full: pytest.fail("it ran")
    monkeypatch.setitem(sys.modules, "solvent.bench", module)
    for place in (tmp_path, tmp_path / "none" / "page.md"):
        said = solvent("bench", "--write", str(place)).err
        assert said == f"solvent: --write: {str(place)!r}, expected a file in a folder that is there\n"
