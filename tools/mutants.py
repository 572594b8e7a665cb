"""Plant faults one at a time and see the fast tests catch each: a test of the tests.

``python tools/mutants.py`` copies the tree to a temporary folder, changes one exact piece of source there, runs the
tests most likely to see it (compiler off) and then the rest of the fast suite, until one fails. The list is in
``tools/mutants/*.toml``; faults proved harmless are in ``tools/mutants/harmless.toml`` with the proof. The exit code is
1 when a fault survives that is not proved harmless. ``--list`` prints the list, ``--only NAME`` plants those alone,
``--docs`` writes docs/mutants.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tools/mutants"
HARMLESS = FOLDER / "harmless.toml"
PAGE = ROOT / "docs/mutants.md"
COPIED = ("src", "tests", "tools", "docs", "examples", "conftest.py", "pyproject.toml", "README.md")
SECONDS_A_RUN = 600
VENUES = "src/solvent/venues/"
FAILED_TESTS, NO_TESTS = 1, 5

EQUALITY = ("tests/equality/test_equality.py", "-k", "every_event")
EVENTS = "tests/equality/test_equality.py::test_every_event_and_every_number_equals_the_twins"
FEW = tuple(f"{EVENTS}[{seed}]" for seed in range(10))
ROWS = (
    ("tests/margin/test_quantised.py",),
    ("tests/engine/test_scenario_table.py",),
    ("tests/engine/test_scenario_watch.py",),
)
HEDGED = ("tests/engine/test_hedges.py", "-m", "not deep")
WATCHING = tuple(f"src/solvent/engine/{name}.py" for name in ("arming", "bands", "ladders", "leaving", "watching"))
MIRRORED = tuple(f"src/solvent/engine/{name}.py" for name in ("lanes", "layout", "mirror", "sweep"))
PLANNED = tuple(f"src/solvent/engine/{name}.py" for name in ("closes", "planning", "plans", "winners"))
# Where a fault stands → the runs of pytest that see it first, quickest first.
FIRST: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "src/solvent/ledger": (("tests/ledger", "src/solvent/ledger"), ("tests/margin", "tests/laws")),
    "src/solvent/units.py": (("tests/test_units.py", "src/solvent/units.py"),),
    "src/solvent/rates.py": (("tests/test_rates.py", "src/solvent/rates.py"), ("tests/margin",), EQUALITY),
    "src/solvent/margin/scenario/joint": (("tests/venues/test_generic_pm.py", "tests/laws/test_l12.py"),),
    "src/solvent/margin/scenario/whole": (("tests/venues/test_greeks.py", "tests/venues/test_generic_pm.py"),),
    "src/solvent/margin/sharing.py": (("tests/margin/test_sharing.py", "src/solvent/margin/sharing.py"),),
    "src/solvent/margin/scenario/quantised": ROWS,
    "src/solvent/margin/scenario/listing": ROWS,
    "src/solvent/margin/scenario/boxes": ROWS[2:],
    "src/solvent/engine/scenario_": ROWS[1:],
    "src/solvent/margin/scenario/units.py": (
        (
            "tests/venues/test_deribit_portfolio.py",
            "tests/venues/test_okx_portfolio.py",
            "tests/venues/test_bybit_uta_portfolio.py",
        ),
    ),
    "src/solvent/margin/premiums.py": (
        (
            "tests/venues/test_deribit_portfolio.py",
            "tests/venues/test_okx_portfolio.py",
            "tests/venues/test_bybit_uta_portfolio.py",
        ),
    ),
    "src/solvent/margin/scenario/volatilities.py": (("tests/margin/test_volatilities.py",),),
    "src/solvent/margin/scenario": (
        ("tests/margin/test_scenario.py", "src/solvent/margin/scenario"),
        ("tests/venues/test_derive_pmrm1.py", "tests/venues/test_derive_pmrm2.py"),
        ("tests/margin",),
    ),
    **dict.fromkeys(
        (f"src/solvent/margin/{name}.py" for name in ("held_options", "option_lines", "combos", "sensitivities")),
        (
            ("tests/margin/test_options.py", "tests/margin/test_options_in_coin.py"),
            ("tests/research/test_stress.py",),
        ),
    ),
    "src/solvent/cli/combos.py": (("tests/cli/test_options.py",),),
    "src/solvent/research/stress": (("tests/research/test_stress.py", "src/solvent/research/stress"),),
    "src/solvent/margin/greeks": (("tests/venues/test_greeks.py", "src/solvent/margin/greeks"), ("tests/laws",)),
    "src/solvent/research": (("tests/research",),),
    "src/solvent/margin": (("tests/margin", "src/solvent/margin"), FEW, ("tests/laws",), EQUALITY),
    **{
        f"src/solvent/pricing/{name}.py": ((f"tests/pricing/test_{name}.py",),)
        for name in ("american", "chain", "fitting", "proof", "smiles")
    },
    "src/solvent/pricing": (("tests/pricing", "src/solvent/pricing"), ("tests/margin/test_scenario.py",)),
    **dict.fromkeys(WATCHING, (("tests/engine/test_bands.py", "tests/engine/test_ladders.py"), HEDGED, FEW, EQUALITY)),
    "src/solvent/engine/hedges.py": (HEDGED,),
    **dict.fromkeys(MIRRORED, (("tests/engine/test_mirror.py",), FEW, EQUALITY)),
    **dict.fromkeys(PLANNED, (("tests/engine/test_plans.py", "tests/engine/test_winners.py"), FEW, EQUALITY)),
    "src/solvent/engine": (FEW, ("tests/engine", "tests/laws"), EQUALITY),
    "src/solvent/adapters": (("tests/adapters",),),
    "src/solvent/comparison.py": (("tests/test_comparison.py",),),
    "src/solvent/conformance": (("tests/conformance",),),
    "src/solvent/venues/offered.py": (("tests/venues/test_offered.py",),),
    "src/solvent/fixed.py": (("tests/test_fixed.py", "tests/marks", "src/solvent/fixed.py"), ("tests/conformance",)),
    "src/solvent/marks": (("tests/marks", "src/solvent/marks"), ("tests/conformance",)),
    "tools/surfaces.py": (("tests/pricing/test_fitting.py", "tests/pricing/test_chain.py"),),
    "src/solvent/household.py": (("tests/test_household.py",),),
    "src/solvent/liquidation": (
        (
            "tests/liquidation/test_plan.py",
            "tests/liquidation/test_losses.py",
            "tests/liquidation/test_states_stops.py",
            "src/solvent/liquidation",
        ),
        ("tests/laws",),
    ),
}
# Tests of the house look at sources, not at what they do: a planted fault would be noticed for its text.
REST = (("tests", "--ignore=tests/house", "--ignore=tests/cli", "-m", "not deep"),)


class MutantError(ValueError):
    """A planted fault that does not fit the tree."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: ``old`` occurs exactly once in ``file``, and ``new`` stands in its place when it is planted."""

    name: str
    file: str
    what: str
    old: str
    new: str

    def planted(self, text: str) -> str:
        """The file's text with the fault in it; :class:`MutantError` where the old text is not there exactly once."""
        count = text.count(self.old)
        if count != 1:
            raise MutantError(f"{self.name}: the old text must occur once in {self.file}, not {count} times")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a planted fault: the run that failed, or an empty text when all passed."""

    mutant: Mutant
    caught_by: str
    seconds: float


def mutants(folder: Path = FOLDER) -> list[Mutant]:
    """Every fault of the list, by file of the list and place in it."""
    found = [
        Mutant(**row)
        for path in sorted(folder.glob("*.toml"))
        if path.name != HARMLESS.name
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    ]
    names = [one.name for one in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise MutantError(f"names of faults must differ, not {repeated}")
    return found


def harmless(path: Path = HARMLESS) -> dict[str, str]:
    """Faults proved harmless: name → proof."""
    if not path.exists():
        return {}
    rows: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8")).get("proof", {})
    return rows


def runs_for(file: str, *, quick: bool = False) -> tuple[tuple[str, ...], ...]:
    """The runs of pytest for a fault in a file, first those that most likely see it; ``quick``: those alone."""
    first = next((runs for start, runs in FIRST.items() if file.startswith(start)), ()) or of_venue(file)
    return first if quick else (*first, *REST)


def of_venue(file: str) -> tuple[tuple[str, ...], ...]:
    """The runs for a fault in a venue's folder: its own tests and examples, then every vector.

    >>> of_venue("src/solvent/venues/bitmex/rules.py")[0]
    ('tests/venues/test_bitmex.py', 'src/solvent/venues/bitmex')
    """
    if not file.startswith(VENUES):
        return ()
    venue = file.removeprefix(VENUES).split("/")[0]
    own = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(f"tests/venues/test_{venue}*.py"))
    return (*own, f"{VENUES}{venue}"), ("tests/conformance",)


def place_of(mutant: Mutant) -> str:
    """Where a fault stands, for the score: the venue, else the part.

    >>> place_of(Mutant("x", "src/solvent/venues/okx/tiers.py", "", "", ""))
    'venues/okx'
    """
    parts = mutant.file.removeprefix("src/solvent/").split("/")
    return "/".join(parts[:2]) if parts[0] == "venues" and len(parts) > 2 else parts[0]


def copy_of(root: Path, target: Path) -> Path:
    """A copy of the tree to plant faults in."""
    leave = shutil.ignore_patterns("__pycache__", ".*", "*.npz")
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=leave)
        elif source.exists():
            shutil.copy(source, target / name)
    for data in (root / "src").rglob("*.npz"):  # data sets are large: they are linked
        (target / data.relative_to(root)).symlink_to(data)
    return target


def run_tests(tree: Path, run: Sequence[str]) -> str:
    """The first failing test of a run, or an empty text; raises where pytest could not run at all."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_DISABLE_JIT": "1",
    }
    existing = [part for part in run if not part.startswith(("src/", "tests")) or (tree / part.split("::")[0]).exists()]
    if not any(part.startswith(("src/", "tests")) for part in existing):
        return ""
    # Assertions are rewritten only for good messages: plain ones start sooner.
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *existing]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS_A_RUN, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{' '.join(run)}: no end within {SECONDS_A_RUN} s"
    if done.returncode in (0, NO_TESTS):
        return ""
    if done.returncode != FAILED_TESTS and "error" not in done.stdout.lower():
        raise MutantError(
            f"pytest {' '.join(run)} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    marks = ("FAILED ", "ERROR ")
    failed = [line for line in done.stdout.splitlines() if line.startswith(marks)]
    headed = [line.strip("_ ") for line in done.stdout.splitlines() if line.startswith("____")]
    return (failed or headed or [" ".join(run)])[0].split(" - ")[0]


def try_out(mutant: Mutant, tree: Path, *, quick: bool = False) -> Outcome:
    """Plant one fault in a copy, run tests until one fails, and take the fault out again."""
    path, started = tree / mutant.file, time.monotonic()
    text = path.read_text(encoding="utf-8")
    path.write_text(mutant.planted(text), encoding="utf-8")
    try:
        for run in runs_for(mutant.file, quick=quick):
            caught = run_tests(tree, run)
            if caught:
                return Outcome(mutant, caught, time.monotonic() - started)
        return Outcome(mutant, "", time.monotonic() - started)
    finally:
        path.write_text(text, encoding="utf-8")


class Workshop:
    """Copies of the tree, each used by one fault at a time."""

    def __init__(self, folder: Path, jobs: int) -> None:
        """Make ``jobs`` copies under ``folder``."""
        self.jobs = jobs
        self.trees: Queue[Path] = Queue()
        for k in range(jobs):
            (folder / str(k)).mkdir()
            self.trees.put(copy_of(ROOT, folder / str(k)))

    @contextmanager
    def tree(self) -> Iterator[Path]:
        """A copy nobody else works on."""
        tree = self.trees.get()
        try:
            yield tree
        finally:
            self.trees.put(tree)

    def check_unharmed(self, chosen: Iterable[Mutant]) -> None:
        """The first runs must pass without any fault: else every fault would seem caught."""
        runs = list(dict.fromkeys(run for one in chosen for run in runs_for(one.file, quick=True)))

        def failed(run: tuple[str, ...]) -> str:
            with self.tree() as tree:
                return run_tests(tree, run)

        with ThreadPoolExecutor(self.jobs) as crew:
            wrong = [one for one in crew.map(failed, runs) if one]
        if wrong:
            raise MutantError(f"tests fail without any fault planted: {wrong}")

    def try_all(self, chosen: Sequence[Mutant], *, quick: bool) -> list[Outcome]:
        """Every chosen fault, each alone."""

        def one(mutant: Mutant) -> Outcome:
            with self.tree() as tree:
                outcome = try_out(mutant, tree, quick=quick)
            said = f"caught by {outcome.caught_by}" if outcome.caught_by else "SURVIVED"
            print(f"{mutant.name:24} {outcome.seconds:6.1f} s  {said}", flush=True)
            return outcome

        with ThreadPoolExecutor(self.jobs) as crew:
            return list(crew.map(one, chosen))


def page(found: Iterable[Mutant], proofs: Mapping[str, str]) -> str:
    """docs/mutants.md: the list, and the proofs of those that are harmless."""
    rows = list(found)
    lines = [
        "# Planted faults",
        "",
        "A test that cannot fail proves nothing. `make mutants` changes one place of the source at a time, in a copy,",
        f"and runs the fast tests: each of the {len(rows)} faults below must make one fail. List: `tools/mutants/`;",
        "a test of the house sees that every fault still fits the source. This page is written by",
        "`python tools/mutants.py --docs`.",
        "",
        "| fault | file | what is wrong |",
        "|---|---|---|",
    ]
    lines += [f"| `{one.name}` | `{one.file}` | {one.what} |" for one in rows]
    lines += ["", "## Proved harmless", ""]
    known = {one.name: one for one in rows}
    lines += [f"- `{name}` ({known[name].what}): {proof.strip()}" for name, proof in sorted(proofs.items())]
    if not proofs:
        lines.append("None: every fault of the list changes what somebody pays or may do.")
    return "\n".join(lines) + "\n"


def verdict(outcomes: Sequence[Outcome], proofs: Mapping[str, str]) -> int:
    """Print the score; 1 when a fault survived that is not proved harmless."""
    survivors = [one.mutant for one in outcomes if not one.caught_by]
    unproved = [one for one in survivors if one.name not in proofs]
    for place in sorted({place_of(one.mutant) for one in outcomes}):
        there = [one for one in outcomes if place_of(one.mutant) == place]
        print(f"{place:28} {sum(bool(one.caught_by) for one in there)} of {len(there)} caught")
    print(f"{len(outcomes) - len(survivors)} of {len(outcomes)} faults caught, {len(survivors)} survived")
    for one in survivors:
        print(f"  {'harmless' if one.name in proofs else 'NOT CAUGHT'}: {one.name} ({one.file}): {one.what}")
    return 1 if unproved else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description="Plant faults one at a time and see the fast tests catch each.")
    parser.add_argument("--list", action="store_true", help="print the faults and stop")
    parser.add_argument("--docs", action="store_true", help="write docs/mutants.md and stop")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="plant these alone")
    parser.add_argument("--quick", action="store_true", help="run the nearest tests alone, not the rest of the suite")
    parser.add_argument("--jobs", type=int, default=2, help="faults tried at the same time (2)")
    asked = parser.parse_args(arguments)
    found, proofs = mutants(), harmless()
    if asked.docs:
        PAGE.write_text(page(found, proofs), encoding="utf-8")
        return 0
    if asked.list:
        for one in found:
            print(f"{one.name:24} {one.file:40} {one.what}")
        return 0
    unknown = sorted(set(asked.only) - {one.name for one in found})
    if unknown:
        parser.error(f"no fault is named {', '.join(unknown)}")
    chosen = [one for one in found if not asked.only or one.name in asked.only]
    with tempfile.TemporaryDirectory(prefix="solvent-mutants-") as folder:
        shop = Workshop(Path(folder), asked.jobs)
        shop.check_unharmed(chosen)
        return verdict(shop.try_all(chosen, quick=asked.quick), proofs)


if __name__ == "__main__":
    sys.exit(main())
