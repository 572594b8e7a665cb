"""Keeps the documentation true: regenerates generated pages, then checks the links and code blocks of all pages.

Run it as ``python tools/docs.py``. Links inside the project must lead to a file and, where they name one, to a
heading. Blocks marked ``python`` are run page by page, in order and in one namespace. Blocks marked ``sh`` may name
only targets the Makefile has, commands the program has and files that exist; lines that start with ``solvent`` and
stand in a block marked ``sh run`` are run too. What stands between ``<!-- output of: solvent ... -->`` and
``<!-- end of output -->`` is replaced by what that command prints. The exit code is 1 when anything is wrong.
"""

from __future__ import annotations

import contextlib
import decimal
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^([a-z][a-z-]*):(?!=)", re.MULTILINE)
OUTPUT = re.compile(r"(<!-- output of: (solvent [^\n]+?) -->\n).*?(<!-- end of output -->)", re.DOTALL)
COMMAND_SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, the words after it, its text and the line where it starts."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


def pages(root: Path) -> list[Path]:
    """Every page of the project: Markdown at the top, under docs/, examples/ and beside the venues' rules."""
    found = [*root.glob("*.md")]
    for folder in ("docs", "examples", "src", "bench", "tests"):
        found += (root / folder).rglob("*.md")
    return sorted(found)


def blocks(text: str) -> list[Block]:
    r"""The fenced blocks of a page.

    >>> blocks("```sh run\nsolvent venues\n```\n")
    [Block(language='sh', words=('run',), text='solvent venues\n', line=1)]
    """
    return [Block(m[1], tuple(m[2].split()), m[3], text.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(text)]


def anchor(heading: str) -> str:
    """The name that a heading gets on the web page.

    >>> anchor("4. Two rings, `one` law")
    '4-two-rings-one-law'
    """
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(text: str) -> set[str]:
    """The names of all headings of a page, code blocks left out."""
    return {anchor(h) for h in HEADING.findall(FENCE.sub("", text))}


def check_links(page: Path) -> Iterator[str]:
    """Say which links of a page lead nowhere inside the project."""
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, part = target.partition("#")
        goal = (page.parent / name).resolve() if name else page
        if not goal.exists():
            yield f"link to {target}: there is no such file"
        elif part and goal.suffix == ".md" and part not in anchors(goal.read_text(encoding="utf-8")):
            yield f"link to {target}: that page has no such heading"


def check_python(page: Path) -> Iterator[str]:
    """Run the Python blocks of a page in order in one namespace: with ``>>>`` as a doctest, else as a program.

    They run in the decimal context that a reader's interpreter has, whatever the one around is.
    """
    with decimal.localcontext(decimal.Context(prec=28)):
        wrong = list(run_python(page))
    yield from wrong


def run_python(page: Path) -> Iterator[str]:
    """Run the Python blocks of a page in the context around; say which raise or print something else."""
    names: dict[str, object] = {"__name__": "__page__"}
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language != "python":
            continue
        if ">>> " in block.text:
            test = doctest.DocTestParser().get_doctest(block.text, names, page.name, str(page), block.line)
            printed = io.StringIO()
            doctest.DocTestRunner(verbose=False).run(test, out=printed.write, clear_globs=False)
            names.update(test.globs)
            if printed.getvalue():
                yield f"python block at line {block.line}: {printed.getvalue().strip()}"
            continue
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, f"{page.name}:{block.line}", "exec"), names)  # noqa: S102
        except Exception as error:  # noqa: BLE001 - whatever a page's code raises is what we report
            yield f"python block at line {block.line}: {type(error).__name__}: {error}"


def shell_lines(block: Block) -> Iterator[str]:
    """The commands of a shell block, prompts, comments and empty lines left out, continued lines joined."""
    for line in block.text.replace("\\\n", " ").splitlines():
        command = line.removeprefix("$ ").split(" #")[0].strip()
        if command and not command.startswith("#"):
            yield command


def check_command(command: str, targets: set[str], commands: set[str], root: Path) -> Iterator[str]:
    """Say what a shell line names that does not exist: a Makefile target, a command of ours, a file of an example."""
    words = shlex.split(command)
    if words[0] == "make":
        wanted = [w for w in words[1:] if "=" not in w and not w.startswith("-")]
        yield from (f"{command!r}: the Makefile has no target {w!r}" for w in wanted if w not in targets)
    if words[0] == "solvent" and len(words) > 1 and not words[1].startswith("-") and words[1] not in commands:
        yield f"{command!r}: solvent has no command {words[1]!r}"
    for word in words[1:]:
        if word.startswith(("examples/", "docs/", "tests/", "tools/")) and not (root / word).exists():
            yield f"{command!r}: there is no {word}"


def program(root: Path) -> Path:
    """The installed command, beside the interpreter that runs this file."""
    return Path(sys.executable).parent / "solvent" if root == ROOT else root / "solvent"


def run_command(command: str, root: Path) -> tuple[str, str]:
    """Run one line of ours as a reader would, from the project's folder: what it printed, and how it failed if so."""
    words = [str(program(root)), *shlex.split(command)[1:]]
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}
    try:
        done = subprocess.run(
            words, check=False, cwd=root, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"{command!r}: {error}"
    if done.returncode:
        return "", f"{command!r} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}"
    return done.stdout, ""


def regenerated(text: str, root: Path) -> tuple[str, list[str]]:
    """A page's text with the marked outputs made anew, and how commands failed (their old output stays then)."""
    wrong = []

    def renew(found: re.Match[str]) -> str:
        printed, failure = run_command(found[2], root)
        if failure:
            wrong.append(failure)
            return found[0]
        lines = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
        return f"{found[1]}\n```text\n{lines}\n```\n\n{found[3]}"

    return OUTPUT.sub(renew, text), wrong


def regenerate(root: Path) -> list[str]:
    """Write every page whose marked outputs have changed; say which commands failed."""
    wrong = []
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        renewed, failures = regenerated(text, root)
        wrong += [f"{page.relative_to(root)}: {w}" for w in failures]
        if renewed != text:
            page.write_text(renewed, encoding="utf-8")
            print(f"{page.relative_to(root)}: written anew")
    return wrong


def check_shell(page: Path, targets: set[str], commands: set[str], root: Path) -> Iterator[str]:
    """Check every shell block of a page, and run those marked ``run``."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language != "sh":
            continue
        for command in shell_lines(block):
            wrong = list(check_command(command, targets, commands, root))
            if not wrong and "run" in block.words and command.startswith("solvent "):
                failure = run_command(command, root)[1]
                wrong = [failure] if failure else []
            yield from (f"sh block at line {block.line}: {w}" for w in wrong)


def make_targets(root: Path) -> set[str]:
    """The targets that the Makefile has."""
    return set(TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))


def our_commands(root: Path) -> set[str]:
    """The commands that ``solvent --help`` lists."""
    done = subprocess.run([str(program(root)), "--help"], check=False, capture_output=True, text=True)
    return set(re.findall(r"^  ([a-z][a-z-]+)(?:  .*)?$", done.stdout.partition("Commands:")[2], re.MULTILINE))


def check_all(root: Path) -> list[str]:
    """Everything wrong on any page, one line each."""
    targets, commands = make_targets(root), our_commands(root)
    wrong = []
    for page in pages(root):
        name = page.relative_to(root)
        found = [*check_links(page), *check_python(page), *check_shell(page, targets, commands, root)]
        wrong += [f"{name}: {w}" for w in found]
    return wrong


def main() -> int:
    """Renew generated parts, then check the pages; print what is wrong; 1 if anything is."""
    wrong = regenerate(ROOT) + check_all(ROOT)
    for line in wrong:
        print(line)
    print(f"docs: {len(pages(ROOT))} pages checked, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
