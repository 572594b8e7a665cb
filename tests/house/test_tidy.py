"""Each house rule is broken on purpose, at the line where the verdict flips, and must be caught there."""

from pathlib import Path

import pytest

from tools import tidy

DOC = '"""What it is."""\n'
LEDGER = "src/solvent/ledger/fill.py"
MARGIN = "src/solvent/margin/tiered.py"
WORLD = "src/solvent/simulation/paths.py"


def found(path: str, text: str) -> list[tuple[str, int]]:
    return [(f.check, f.line) for f in tidy.inspect(tidy.read(path, text))]


def function_of(lines: int, docstring: str = '    """Do."""\n') -> str:
    return f"def f():\n{docstring}" + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize(
    ("path", "line", "check"),
    [
        (MARGIN, "pos = 1", "banned-name"),
        (MARGIN, "def _f(risk_manager): ...", "banned-name"),
        (MARGIN, "class _PosManager: ...", "banned-name"),
        (MARGIN, "for amt in (): ...", "banned-name"),
        (MARGIN, "x.helper = 1", "banned-name"),
        (MARGIN, "balance = 1", "banned-name"),
        (LEDGER, "x = 0.5", "float-in-ledger"),
        (LEDGER, "x = 2j", "float-in-ledger"),
        (LEDGER, "x = float(1)", "float-in-ledger"),
        (LEDGER, "def _f(a: float): ...", "float-in-ledger"),
        (LEDGER, "x = 1 / 2", "float-in-ledger"),
        (LEDGER, "x /= 2", "float-in-ledger"),
        (LEDGER, "import numpy", "ledger-import"),
        (LEDGER, "from solvent.units import Amount", "ledger-import"),
        (LEDGER, "from ..units import Amount", "ledger-import"),
        (MARGIN, "import random", "ambient"),
        (MARGIN, "import uuid", "ambient"),
        (MARGIN, "from sqlite3 import connect", "ambient"),
        (WORLD, "import secrets", "ambient"),
        (MARGIN, "x = time.time()", "ambient"),
        (MARGIN, "x = datetime.datetime.now()", "ambient"),
        (WORLD, "x = time.perf_counter_ns()", "ambient"),
        (WORLD, "x = np.random.default_rng()", "ambient"),
        (WORLD, "x = np.random.normal(0, 1)", "ambient"),
        (WORLD, "x = random.random()", "ambient"),
        (MARGIN, "x = np.random.default_rng(7)", "ambient"),
        (MARGIN, "x = rules('binance_usdm')", "venue-name"),
        (MARGIN, "def _okx_margin(): ...", "venue-name"),
        (MARGIN, "from solvent.venues import bybit", "venue-name"),
        (MARGIN, "x = venues.hyperliquid", "venue-name"),
        (MARGIN, "def f(): ...", "docstring"),
        (MARGIN, "class C: ...", "docstring"),
        (MARGIN, "class _C:\n    pass\ndef g(): ...", "docstring"),
        ("docs/why.md", "see /" + "home/ann/book.json", "machine-path"),
        ("Makefile", "cd /" + "work/main", "machine-path"),
        ("tools/x.sh", "cat ../" + "shared/notes", "workplace"),
        (MARGIN, "# TO" + "DO: later", "unfinished"),
        ("tools/x.sh", "echo  ", "whitespace"),
    ],
)
def test_a_breach_is_caught(path: str, line: str, check: str) -> None:
    breach = DOC + line + "\n"
    last = breach.count("\n")
    caught = found(path, breach)
    assert (check, last) in caught, caught
    assert {name for name, _ in caught} == {check}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (MARGIN, "position = 1"),
        (MARGIN, "cash_balance = 1"),
        ("src/solvent/margin/lending.py", "health = 1"),
        (LEDGER, "x = 1 // 2"),
        (LEDGER, "from solvent.ledger.divide import divide_down"),
        (LEDGER, "x = 'floating'"),
        (MARGIN, "x = 0.5"),
        (WORLD, "x = np.random.default_rng(7)"),
        (WORLD, "x = np.random.Generator(np.random.PCG64(seed))"),
        (WORLD, "x = random.Random(7)"),
        ("src/solvent/cli/bench.py", "x = time.perf_counter()"),
        ("src/solvent/journal/store.py", "import sqlite3"),
        ("src/solvent/venues/binance_usdm/rules.py", "x = 'binance_usdm'"),
        ("src/solvent/cli/margin.py", "x = 'binance_usdm'"),
        ("tests/margin/test_tiered.py", "x = 'binance_usdm'"),
        (MARGIN, "x = 'drift'"),
        (MARGIN, "def _f():\n    '''After the rules of Binance.'''"),
        (MARGIN, "def _f(): ..."),
        ("docs/why.md", "https://example.org/home/page"),
        ("tests/x.py", "def pos(): ..."),
    ],
)
def test_what_is_allowed_is_left_alone(path: str, line: str) -> None:
    assert found(path, DOC + line + "\n") == []


def test_function_length_flips_at_sixty_one_lines() -> None:
    assert found("tools/x.py", function_of(60)) == []
    assert found("tools/x.py", function_of(61)) == [("function-length", 1)]


def test_a_docstring_costs_a_function_nothing() -> None:
    docstring = '    """' + "a\n    " * 30 + '"""\n'
    assert found("tools/x.py", function_of(60, docstring)) == []
    assert found("tools/x.py", function_of(61, docstring)) == [("function-length", 1)]


def test_file_length_flips_at_five_hundred_and_one_lines() -> None:
    assert found("tools/x.py", "x = 1\n" * 500) == []
    assert found("tools/x.py", "x = 1\n" * 501) == [("file-length", 501)]
    assert found("docs/why.md", "x\n" * 501) == []


def test_a_huge_file_is_caught_whatever_it_holds() -> None:
    assert found("docs/why.md", "x" * 1_999_999 + "\n") == []
    assert found("docs/why.md", "x" * 2_000_000 + "\n") == [("file-length", 1)]


def test_a_module_without_docstring_is_caught_and_an_empty_one_is_not() -> None:
    assert found(MARGIN, "x = 1\n") == [("docstring", 1)]
    assert found("src/solvent/margin/__init__.py", "") == []


def test_a_missing_last_newline_is_caught() -> None:
    assert found("Makefile", "a\nb") == [("whitespace", 2)]


def test_the_licence_must_be_whole_and_named(tmp_path: Path) -> None:
    root = Path(tidy.__file__).parent.parent
    text = (root / "LICENSE").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('license = "Apache-2.0"\n', encoding="utf-8")
    assert [f.path for f in tidy.licence(tmp_path)] == ["LICENSE"] * 4
    (tmp_path / "LICENSE").write_text(text.replace("END OF TERMS", "END"), encoding="utf-8")
    assert [f.what for f in tidy.licence(tmp_path)] == ["misses 'END OF TERMS AND CONDITIONS'"]
    (tmp_path / "LICENSE").write_text(text, encoding="utf-8")
    assert list(tidy.licence(tmp_path)) == []
    (tmp_path / "pyproject.toml").write_text('license = "MIT"\n', encoding="utf-8")
    assert [f.path for f in tidy.licence(tmp_path)] == ["pyproject.toml"]


def test_a_whole_project_is_read_once_and_a_breach_fails_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(tidy.__file__).parent.parent
    for name in ("LICENSE", "pyproject.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    (tmp_path / "good.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(tidy, "project_files", lambda _: ["good.py", "bad.py", "broken.py"])
    (tmp_path / "bad.py").write_bytes(b"\xff\n")
    (tmp_path / "broken.py").write_text("def (\n", encoding="utf-8")
    assert tidy.main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "bad.py:1: encoding" in printed
    assert "broken.py:1: syntax" in printed
    assert "3 files read, 2 findings" in printed
    monkeypatch.setattr(tidy, "project_files", lambda _: ["good.py"])
    assert tidy.main([str(tmp_path)]) == 0


def test_the_list_of_files_is_the_projects_own() -> None:
    root = Path(tidy.__file__).parent.parent
    files = tidy.project_files(root)
    assert "tools/tidy.py" in files
    assert not any(name.startswith(".venv/") for name in files)
