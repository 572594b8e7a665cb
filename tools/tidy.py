"""House rules that no linter knows: reads every file of the project once and prints each breach.

Run it as ``python tools/tidy.py [FOLDER]``; the exit code is 1 when anything was found. Each check is a function from
one `Source` to findings; ``tests/house/test_tidy.py`` plants a breach of every one and sees it caught.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

FUNCTION_LINES_MAX = 60  # the docstring is not counted
FILE_LINES_MAX = 500
FILE_BYTES_MAX = 2_000_000

CODE_SUFFIXES = frozenset({".py", ".ts", ".svelte", ".sh"})
UNREAD_SUFFIXES = frozenset({".lock", ".png", ".ico", ".gz", ".xz", ".zst", ".npy", ".npz", ".bin", ".woff2"})

# Words that say nothing, from docs/glossary.md: banned as a part of any name that the project defines.
BANNED_PARTS = frozenset({"util", "utils", "helper", "helpers", "manager", "managers", "mgr", "amt", "pos", "process"})
# Words that say too little when they stand alone.
BANNED_WHOLE = frozenset({"balance", "handle_data", "health"})

VENUE_NAMES = (
    "aave|binance|bitget|bitmex|bybit|coinbase|compound_v3|deribit|derive|drift|dydx|gmx|hyperliquid|kraken|kucoin"
    "|mango|okx|synthetix"
)
VENUE = re.compile(rf"(?<![a-z])(?:{VENUE_NAMES})(?![a-z])")
# Of these names some are also plain words; alone they are no venue ("derive" a key, a "drift" of prices).
PLAIN_WORDS = frozenset({"derive", "drift"})

# Above the line of docs/architecture.md: no clock, no chance, no network, no database.
EFFECTS = ("adapters", "bench", "cli", "journal", "service")
AMBIENT_MODULES = frozenset({"random", "secrets", "uuid"})
OUTSIDE_MODULES = frozenset({"asyncio", "http", "socket", "sqlite3", "subprocess", "urllib"})
AMBIENT_CALLS = frozenset(
    {
        "date.today", "datetime.now", "datetime.today", "datetime.utcnow", "os.urandom", "time.monotonic",
        "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns", "time.sleep", "time.time", "time.time_ns",
    }
)  # fmt: skip
GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "Random", "SFC64", "SeedSequence", "default_rng"})

# Spelt in pieces, so that this file does not break its own rule.
MACHINE_PATH = re.compile("(?<![\\w.:/])/" + "(?:work|root|home|Users)" + "/[\\w.]")
WORKPLACE = re.compile(
    "\\.\\./(?:shared|\\.library)" + "|before" + "-stop" + "|files\\.python" + "hosted|pypi" + "\\.org"
)
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: the check that found it, the file, the line and what is wrong."""

    check: str
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.check}: {self.what}"


@dataclass(frozen=True, slots=True)
class Source:
    """One file as the checks see it; ``path`` is relative to the project, with forward slashes."""

    path: str
    text: str
    tree: ast.Module | None = None
    docstrings: frozenset[int] = field(default_factory=frozenset)  # id of each docstring's node

    @property
    def folder(self) -> str:
        """The part of the package it belongs to: ``ledger`` for ``src/solvent/ledger/fill.py``; empty outside src."""
        parts = self.path.split("/")
        return parts[2].removesuffix(".py") if parts[:2] == ["src", "solvent"] and len(parts) > 2 else ""

    @property
    def in_package(self) -> bool:
        """Whether the file is part of the installed package."""
        return self.path.startswith("src/") and self.path.endswith(".py")


Check = Callable[[Source], Iterator[Finding]]
Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def read(path: str, text: str) -> Source:
    """Make a `Source`; Python files are parsed once, here. A file that does not parse raises SyntaxError."""
    if not path.endswith(".py"):
        return Source(path, text)
    tree = ast.parse(text, path)
    holders = (n for n in ast.walk(tree) if isinstance(n, (ast.Module, ast.ClassDef, *FUNCTIONS)))
    return Source(path, text, tree, frozenset(id(n.body[0]) for n in holders if ast.get_docstring(n) is not None))


def nodes(source: Source) -> Iterator[ast.AST]:
    """All nodes of a Python file, its docstrings left out; nothing for other files."""
    stack: list[ast.AST] = [source.tree] if source.tree is not None else []
    while stack:
        node = stack.pop()
        if id(node) in source.docstrings:
            continue
        yield node
        stack.extend(ast.iter_child_nodes(node))


def line_of(node: ast.AST) -> int:
    """Line number of a node, 1 where it has none."""
    return int(getattr(node, "lineno", 1))


def function_length(source: Source) -> Iterator[Finding]:
    """A function is at most FUNCTION_LINES_MAX lines long, docstring and decorators not counted."""
    for node in nodes(source):
        if not isinstance(node, FUNCTIONS):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        first = node.body[0]
        if id(first) in source.docstrings:
            length -= (first.end_lineno or first.lineno) - first.lineno + 1
        if length > FUNCTION_LINES_MAX:
            what = f"{node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"
            yield Finding("function-length", source.path, node.lineno, what)


def file_length(source: Source) -> Iterator[Finding]:
    """A file of code has at most FILE_LINES_MAX lines; any file at most FILE_BYTES_MAX bytes."""
    lines = len(source.text.splitlines())
    if Path(source.path).suffix in CODE_SUFFIXES and lines > FILE_LINES_MAX:
        yield Finding("file-length", source.path, lines, f"{lines} lines, at most {FILE_LINES_MAX}")
    if len(source.text) > FILE_BYTES_MAX:
        yield Finding("file-length", source.path, 1, f"{len(source.text)} characters, at most {FILE_BYTES_MAX}")


def defined_names(source: Source) -> Iterator[tuple[str, int]]:
    """Every name that a Python file defines, with its line, the file's own name first."""
    yield Path(source.path).stem, 1
    for node in nodes(source):
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def words_of(name: str) -> list[str]:
    """The lower-case words of a name in snake_case or CamelCase.

    >>> words_of("PosManager_v2")
    ['pos', 'manager', 'v2']
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")


def banned_names(source: Source) -> Iterator[Finding]:
    """The package uses the words of the glossary and none of the banned ones."""
    if not source.in_package:
        return
    for name, line in defined_names(source):
        bad = BANNED_PARTS.intersection(words_of(name)) or BANNED_WHOLE.intersection({name.lower().strip("_")})
        if "lending" in source.path:
            bad = bad - {"health"}  # the word of lending profiles
        for word in sorted(bad):
            yield Finding("banned-name", source.path, line, f"{name!r} holds {word!r}: take a word of docs/glossary.md")


def exact_ledger(source: Source) -> Iterator[Finding]:
    """``ledger/`` knows integers only: no float, no true division."""
    if source.folder != "ledger":
        return
    for node in nodes(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            yield Finding("float-in-ledger", source.path, node.lineno, f"float literal {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float":
            yield Finding("float-in-ledger", source.path, node.lineno, "the name float")
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            yield Finding("float-in-ledger", source.path, node.lineno, "true division: name the rounding instead")


def imports(source: Source) -> Iterator[tuple[str, int]]:
    """Every module that a Python file imports, with its line."""
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node.lineno


def bare_ledger(source: Source) -> Iterator[Finding]:
    """``ledger/`` imports nothing but itself and the standard library's typing: numba compiles what it holds."""
    if source.folder != "ledger":
        return
    allowed = ("__future__", "collections.abc", "enum", "typing", "solvent.ledger", ".")
    for module, line in imports(source):
        if not module.startswith(allowed) or module.startswith(".."):
            yield Finding("ledger-import", source.path, line, f"imports {module}; ledger stands alone")


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of an attribute chain, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def ambient(source: Source) -> Iterator[Finding]:
    """Time, chance, network and disk come from outside: only the folders with effects may reach for them."""
    if not source.in_package or source.folder in EFFECTS:
        return
    seeded = source.folder == "simulation"
    for module, line in imports(source):
        top = module.split(".")[0]
        if top in OUTSIDE_MODULES or (top in AMBIENT_MODULES and not (seeded and top == "random")):
            yield Finding("ambient", source.path, line, f"imports {module}; it belongs to {', '.join(EFFECTS)}")
    for node in nodes(source):
        if isinstance(node, ast.Call):
            yield from ambient_call(source, node, seeded=seeded)


def ambient_call(source: Source, call: ast.Call, *, seeded: bool) -> Iterator[Finding]:
    """Judge one call: a clock, or a generator of chance that is not seeded or not in ``simulation``."""
    name = dotted(call.func)
    last_two = ".".join(name.split(".")[-2:])
    module, _, verb = name.rpartition(".")
    if last_two in AMBIENT_CALLS:
        yield Finding("ambient", source.path, call.lineno, f"{name}() reads the machine: take it as an argument")
    elif module.split(".")[-1] == "random" and verb not in GENERATORS and not (seeded and verb == "Generator"):
        yield Finding("ambient", source.path, call.lineno, f"{name}() draws from a generator nobody seeded")
    elif verb in GENERATORS and not (call.args or call.keywords):
        yield Finding("ambient", source.path, call.lineno, f"{name}() has no seed")
    elif verb in GENERATORS and not seeded:
        yield Finding("ambient", source.path, call.lineno, f"{name}() belongs to simulation")


def venue_words(source: Source) -> Iterator[tuple[str, int]]:
    """Names used and strings written in a Python file, docstrings left out, with their lines."""
    yield Path(source.path).stem, 1
    for node in nodes(source):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name, node.lineno) for alias in node.names)


def venue_names(source: Source) -> Iterator[Finding]:
    """A venue is a value in ``venues/``: no shared part may know one by name (docstrings may cite it as a source)."""
    if not source.in_package or source.folder in ("venues", "adapters", "cli"):
        return
    if source.path.startswith("src/solvent/conformance/adapters"):
        return
    for text, line in venue_words(source):
        found = VENUE.search(text.lower())
        if found and text.lower() not in PLAIN_WORDS:
            yield Finding("venue-name", source.path, line, f"{found[0]!r} outside venues/")


def public_parts(body: Iterable[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes of a module or class body, methods included."""
    for node in body:
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_parts(node.body)


def docstrings(source: Source) -> Iterator[Finding]:
    """Every module of the package and every public name in it says what it is."""
    if not source.in_package or source.tree is None:
        return
    if source.text.strip() and ast.get_docstring(source.tree) is None:
        yield Finding("docstring", source.path, 1, "the module has none")
    for node in public_parts(source.tree.body):
        overload = any(dotted(d).endswith("overload") for d in node.decorator_list)
        if ast.get_docstring(node) is None and not overload:
            yield Finding("docstring", source.path, node.lineno, f"public {node.name} has none")


def own_words(source: Source) -> Iterator[Finding]:
    """No file names a place on somebody's machine, the place where it was written, or unfinished work."""
    rules = (
        (MACHINE_PATH, "machine-path", "a path of one machine"),
        (WORKPLACE, "workplace", "a word that belongs to no reader of this project"),
        (UNFINISHED, "unfinished", "finish it, or write an entry in docs/decisions"),
    )
    for number, line in enumerate(source.text.splitlines(), 1):
        for pattern, check, why in rules:
            found = pattern.search(line)
            if found:
                yield Finding(check, source.path, number, f"{found[0]!r}: {why}")


def whitespace(source: Source) -> Iterator[Finding]:
    """Text files end with one newline and hold no tabs for spaces (Makefiles excepted) and no trailing blanks."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if line != line.rstrip() and not source.path.endswith(".md"):
            yield Finding("whitespace", source.path, number, "blanks at the end of the line")
    if source.text and not source.text.endswith("\n"):
        yield Finding("whitespace", source.path, source.text.count("\n") + 1, "no newline at the end of the file")


CHECKS: tuple[Check, ...] = (
    function_length, file_length, banned_names, exact_ledger, bare_ledger, ambient, venue_names, docstrings, own_words,
    whitespace,
)  # fmt: skip


def inspect(source: Source) -> list[Finding]:
    """All findings of all checks in one file, in the order of its lines."""
    return sorted((f for check in CHECKS for f in check(source)), key=lambda f: (f.line, f.check))


def licence(root: Path) -> Iterator[Finding]:
    """The licence's whole text is there and the package names it."""
    path = root / "LICENSE"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for part in ("Apache License", "Version 2.0, January 2004", "9. Accepting Warranty", "END OF TERMS AND CONDITIONS"):
        if part not in text:
            yield Finding("licence", "LICENSE", 1, f"misses {part!r}")
    project = root / "pyproject.toml"
    if not project.is_file() or 'license = "Apache-2.0"' not in project.read_text(encoding="utf-8"):
        yield Finding("licence", "pyproject.toml", 1, 'does not say license = "Apache-2.0"')


def project_files(root: Path) -> list[str]:
    """Paths of the project's text files as git sees them (tracked, or new and not ignored)."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(p for p in set(listed) if p and (root / p).is_file() and Path(p).suffix not in UNREAD_SUFFIXES)


def inspect_project(root: Path) -> tuple[int, list[Finding]]:
    """How many files were read, and everything found in them and about the licence."""
    findings = list(licence(root))
    paths = project_files(root)
    for path in paths:
        try:
            findings += inspect(read(path, (root / path).read_text(encoding="utf-8")))
        except UnicodeDecodeError as error:
            findings.append(Finding("encoding", path, 1, f"is not UTF-8 text: {error.reason} at byte {error.start}"))
        except SyntaxError as error:
            findings.append(Finding("syntax", path, error.lineno or 1, error.msg))
    return len(paths), findings


def main(arguments: list[str]) -> int:
    """Inspect the project in the named folder (the one above this file if none); print findings; 1 if any."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    count, findings = inspect_project(root)
    for finding in findings:
        print(finding)
    print(f"tidy: {count} files read, {len(findings)} findings")
    return 1 if findings or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
