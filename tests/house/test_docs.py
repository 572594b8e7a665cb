"""The documentation is true: links lead somewhere, code runs, tests that it names exist; and the checks notice."""

import ast
import re
from pathlib import Path

import pytest

from solvent import ledger
from tools import docs

ROOT = Path(__file__).resolve().parent.parent.parent
LAWS = ROOT / "docs/laws.md"
TEST_ID = re.compile(r"`([\w./-]+\.py)::([\w.]+)`")


def page_of(folder: Path, text: str) -> Path:
    (folder / "page.md").write_text(text, encoding="utf-8")
    (folder / "Makefile").write_text("run: ; true\ntest-deep: ; true\nX := 1\n", encoding="utf-8")
    return folder / "page.md"


def defines(path: Path, name: str) -> bool:
    """Whether a Python file defines a function, method or class of this (dotted) name."""
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for part in name.split("."):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found = [n for n in body if isinstance(n, kinds) and n.name == part]
        if not found:
            return False
        body = found[0].body
    return True


def missing_tests(root: Path, text: str) -> list[str]:
    """The ``file.py::name`` of a page that do not exist under root."""
    named = TEST_ID.findall(text)
    return [f"{p}::{n}" for p, n in named if not (root / p).is_file() or not defines(root / p, n)]


def test_every_page_is_true() -> None:
    assert docs.check_all(ROOT) == []


def test_there_are_pages_to_check() -> None:
    names = {str(p.relative_to(ROOT)) for p in docs.pages(ROOT)}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/laws.md", "docs/myths.md"} <= names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a](none.md)", "no such file"),
        ("# A b\n[a](#a-c)", "no such heading"),
        ("[a](page.md#b)\n# A", "no such heading"),
        ("```\n# A\n```\n[a](#a)", "no such heading"),
    ],
)
def test_a_dead_link_is_noticed(tmp_path: Path, text: str, said: str) -> None:
    (wrong,) = docs.check_links(page_of(tmp_path, text + "\n"))
    assert said in wrong


def test_good_links_and_links_in_code_are_left_alone(tmp_path: Path) -> None:
    text = "# A b, `c`\n[a](#a-b-c) [b](page.md#a-b-c) [c](https://example.org/x) [d](Makefile)\n```\n[e](none)\n```\n"
    assert list(docs.check_links(page_of(tmp_path, text))) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [(">>> 1 + 1\n3", "Expected"), ("assert 1 == 2", "AssertionError"), ("1 +", "SyntaxError"), ("x", "NameError")],
)
def test_a_wrong_python_block_is_noticed(tmp_path: Path, code: str, said: str) -> None:
    (wrong,) = docs.check_python(page_of(tmp_path, f"```python\n{code}\n```\n"))
    assert said in wrong


def test_python_blocks_of_a_page_share_their_names(tmp_path: Path) -> None:
    text = "```python\nx = 1\n```\n```python\n>>> x\n1\n>>> y = 2\n```\n```python\nassert x + y == 3\n```\n"
    assert list(docs.check_python(page_of(tmp_path, text))) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("make walk", "no target 'walk'"),
        ("make X", "no target 'X'"),
        ("solvent dance", "no command 'dance'"),
        ("$ solvent margin examples/none.json", "there is no examples/none.json"),
    ],
)
def test_a_wrong_shell_line_is_noticed(tmp_path: Path, line: str, said: str) -> None:
    page = page_of(tmp_path, f"```sh\n{line}\n```\n")
    (wrong,) = docs.check_shell(page, docs.make_targets(tmp_path), {"margin"}, tmp_path)
    assert said in wrong


def test_right_shell_lines_are_left_alone(tmp_path: Path) -> None:
    page = page_of(tmp_path, "```sh\n# make walk\nmake -s run N=1 test-deep\nsolvent --help\nls none\n```\n")
    assert list(docs.check_shell(page, docs.make_targets(tmp_path), {"margin"}, tmp_path)) == []


def test_lines_marked_run_are_run_and_their_failure_is_noticed(tmp_path: Path) -> None:
    page = page_of(tmp_path, "```sh run\nsolvent venues\n```\n```sh\nsolvent venues --wrong\n```\n")
    solvent = tmp_path / "solvent"
    solvent.write_text('#!/bin/sh\necho "$@" >> ran\nexit 0\n', encoding="utf-8")
    solvent.chmod(0o755)
    assert list(docs.check_shell(page, set(), {"venues"}, tmp_path)) == []
    assert (tmp_path / "ran").read_text(encoding="utf-8") == "venues\n"
    solvent.write_text('#!/bin/sh\necho "no such book" >&2\nexit 2\n', encoding="utf-8")
    (wrong,) = docs.check_shell(page, set(), {"venues"}, tmp_path)
    assert "ended with 2: no such book" in wrong


def test_marked_output_is_made_anew_and_kept_when_the_command_fails(tmp_path: Path) -> None:
    page = page_of(tmp_path, "a\n<!-- output of: solvent venues -->\nold\n<!-- end of output -->\nb\n")
    solvent = tmp_path / "solvent"
    solvent.write_text('#!/bin/sh\nprintf "new  \\nlines\\n"\n', encoding="utf-8")
    solvent.chmod(0o755)
    expected = "a\n<!-- output of: solvent venues -->\n\n```text\nnew\nlines\n```\n\n<!-- end of output -->\nb\n"
    assert docs.regenerate(tmp_path) == []
    assert page.read_text(encoding="utf-8") == expected
    solvent.write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")
    assert docs.regenerate(tmp_path) == ["page.md: 'solvent venues' ended with 2: "]
    assert page.read_text(encoding="utf-8") == expected


def test_marked_output_on_the_pages_is_what_the_commands_print() -> None:
    for page in docs.pages(ROOT):
        text = page.read_text(encoding="utf-8")
        assert docs.regenerated(text, ROOT) == (text, []), f"{page.name}: make docs renews it"


def test_every_decision_is_numbered_in_order_and_listed() -> None:
    folder = ROOT / "docs/decisions"
    names = sorted(p.name for p in folder.glob("[0-9]*.md"))
    listed = re.findall(r"^\| \[(\d{4})\]\((\1-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [name for _, name in listed] == names
    numbers = [int(number) for number, _ in listed]
    assert numbers == sorted(set(numbers))


def test_the_page_of_laws_words_and_lists_each_law_once() -> None:
    numbers = re.findall(r"^\| (L-\d\d) \|", LAWS.read_text(encoding="utf-8"), re.MULTILINE)
    assert numbers == [f"L-{n:02}" for n in range(1, 25)] * 2


def test_every_row_of_proofs_has_its_four_cells() -> None:
    proofs = LAWS.read_text(encoding="utf-8").partition("## Where each is proved")[2]
    rows = re.findall(r"^\| L-\d\d \|.*$", proofs, re.MULTILINE)
    assert [row.count("|") for row in rows] == [6] * 24
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))


def test_every_test_named_on_the_page_of_laws_exists() -> None:
    assert missing_tests(ROOT, LAWS.read_text(encoding="utf-8")) == []


def test_a_test_that_does_not_exist_is_noticed() -> None:
    here = "tests/house/test_docs.py"
    text = f"`{here}::test_every_page_is_true` `{here}::test_nothing` `tests/none.py::test_x` `{here}::defines.inner`"
    assert missing_tests(ROOT, text) == [f"{here}::test_nothing", "tests/none.py::test_x", f"{here}::defines.inner"]


def unknown_names(root: Path, text: str) -> list[str]:
    """The `module.name` and `Class.name` of a page about the engine that the engine, or the ledger, does not define."""
    named = re.findall(r"`([A-Za-z_]+)\.([A-Za-z_]+)(?:\([^`]*\))?`", text)
    return [f"{a}.{b}" for a, b in named if a != "t" and b not in ("py", "toml") and not in_engine(root, a, b)]


def in_engine(root: Path, owner: str, name: str) -> bool:
    """Whether a module or class of the engine, the scenarios or the ledger defines a name; `t.name` is a column."""
    folder, scenarios = root / "src/solvent/engine", root / "src/solvent/margin/scenario"
    if owner == "ledger":
        return hasattr(ledger, name)
    if owner[0].isupper():
        return any(defines(path, f"{owner}.{name}") for path in folder.glob("*.py"))
    module = next((one for one in (folder / f"{owner}.py", scenarios / f"{owner}.py") if one.is_file()), folder)
    if not module.is_file():
        return False
    source = module.read_text(encoding="utf-8")
    return defines(module, name) or re.search(rf"^ *(def {name}\(|{name}\b.* = )", source, re.MULTILINE) is not None


def test_the_engines_page_names_what_exists() -> None:
    """Every `module.name` of docs/engine.md is a function, class or constant of that module."""
    text = (ROOT / "docs/engine.md").read_text(encoding="utf-8")
    assert len(set(re.findall(r"`[a-z_]+\.[a-z_]+`", text))) >= 50
    assert unknown_names(ROOT, text) == []


def test_a_function_that_the_engine_has_not_is_noticed() -> None:
    text = "`value.surplus` `value.none` `nowhere.fill` `Engine.step` `Engine.stop` `ledger.cost_after` `ledger.x`"
    assert unknown_names(ROOT, text) == ["value.none", "nowhere.fill", "Engine.stop", "ledger.x"]
