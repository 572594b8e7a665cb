"""The two commands, the other targets and the set-up behave as the README says, on machines that lack things too."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGETS = ("setup", "run", "test", "test-deep", "test-bare", "mutants", "check", "bench", "docs")
PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, env=PLAIN, capture_output=True, text=True, check=True
    )
    return done.stdout


def recipe(target: str) -> str:
    """What a target would do on a machine that is set up (nothing is done)."""
    stamps = ["-o", ".venv/.ready-run", "-o", ".venv/.ready-dev"]
    return make("-n", *stamps, target)


def locked(name: str) -> dict[str, list[str]]:
    """Versions by package of a lock file."""
    versions: dict[str, list[str]] = {}
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    for package, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.MULTILINE):
        versions.setdefault(package, []).append(version)
    return versions


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def set_up(folder: Path, python: Path) -> subprocess.CompletedProcess[str]:
    # The folder is the whole PATH: a uv of this machine must not be found.
    environment = {**PLAIN, "PATH": str(folder), "PYTHON": str(python), "VENV": str(folder / "venv")}
    command = ["/bin/sh", str(ROOT / "tools/setup.sh"), "requirements/run.lock"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_plain_make_lists_every_target_in_one_line_each() -> None:
    lines = make().splitlines()
    for target in TARGETS:
        assert sum(bool(re.match(rf"  make {target} +\S", line)) for line in lines) == 1, target


def test_make_run_replays_the_crash_with_twenty_thousand_accounts() -> None:
    assert recipe("run").split() == [".venv/bin/solvent", "replay", "may-2021", "--accounts", "20000", "--seed", "7"]


def test_make_test_leaves_out_what_make_test_deep_runs() -> None:
    assert '-n 2 -m "not deep"' in recipe("test")
    (whole,) = (line for line in recipe("test-deep").splitlines() if "SOLVENT_TESTS=deep" in line)
    assert whole == "SOLVENT_TESTS=deep .venv/bin/python -m pytest -n 2"


def test_make_test_deep_runs_the_engine_uncompiled_and_with_bounds_checked() -> None:
    for setting in ("NUMBA_DISABLE_JIT=1", "NUMBA_BOUNDSCHECK=1"):
        assert f'{setting} .venv/bin/python -m pytest -n 2 -m "not deep" tests/engine' in recipe("test-deep")


def test_make_check_runs_all_its_checks() -> None:
    done = [line.removeprefix(".venv/bin/") for line in recipe("check").splitlines()]
    assert done == ["ruff check .", "ruff format --check .", "mypy --strict", "lint-imports", "python tools/tidy.py"]


def test_run_and_test_set_themselves_up() -> None:
    for target, lock in (("run", "run.lock"), ("test", "dev.lock")):
        planned = make("-n", "VENV=.no-such-folder", target)
        assert f"tools/setup.sh requirements/{lock}" in planned, target


def test_continuous_integration_runs_the_checks_and_the_readmes_test_command() -> None:
    path = ROOT / ".ci/run"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert os.access(path, os.X_OK)
    assert lines[0] == "set -euo pipefail"
    assert lines[-2:] == ["make check </dev/null", "make test </dev/null"]


def test_locks_name_no_host_and_hash_every_version() -> None:
    for path in sorted((ROOT / "requirements").glob("*.lock")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"://|index-url|find-links", text), path.name
        for entry in re.split(r"\n(?=[a-z])", text):
            assert re.match(r"[a-z0-9-]+==\S+", entry), (path.name, entry[:40])
            assert "--hash=sha256:" in entry, (path.name, entry[:40])


def test_locks_hold_what_the_project_asks_for_and_agree() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    core = re.findall(r'"([a-z-]+)>=', text.partition("dependencies = [")[2].partition("]")[0])
    extras = re.findall(r'"([a-z-]+)>=', text.partition("optional-dependencies]")[2].partition("[project.scripts]")[0])
    run, dev = locked("run.lock"), locked("dev.lock")
    assert len(core) == 5
    assert {*core, "hatchling", "editables"} <= set(run)
    assert {*core, *extras, "hatchling", "editables"} <= set(dev)
    assert {name: dev[name] for name in run} == run


def test_an_old_python_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    old = program(tmp_path, "python3", 'case "$1" in -V) echo "Python 3.9.2";; *) exit 1;; esac')
    done = set_up(tmp_path, old)
    assert done.returncode == 1
    assert "Python 3.9.2: solvent needs Python 3.11 or newer" in done.stderr


def test_no_python_at_all_is_refused(tmp_path: Path) -> None:
    done = set_up(tmp_path, tmp_path / "python9")
    assert done.returncode == 1
    assert "solvent needs Python 3.11 or newer" in done.stderr


def test_a_python_without_ensurepip_is_told_the_package(tmp_path: Path) -> None:
    text = f'case "$*" in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac'
    done = set_up(tmp_path, program(tmp_path, "python3", text))
    assert done.returncode == 1
    assert f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv (or python3-venv)" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_uv_is_taken_where_it_is_and_may_fetch_no_python(tmp_path: Path) -> None:
    program(tmp_path, "uv", f'echo "uv $* [$UV_PYTHON_DOWNLOADS]" >> "{tmp_path}/calls"')
    done = set_up(tmp_path, Path(sys.executable))
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert done.returncode == 0, done.stderr
    assert [call.split()[1] for call in calls] == ["venv", "pip", "pip"]
    assert all(call.endswith("[never]") for call in calls)
    assert "--require-hashes -r requirements/run.lock" in calls[1]
    assert "--no-deps --no-build-isolation -e ." in calls[2]


def test_a_failed_installation_leaves_no_stamp(tmp_path: Path) -> None:
    program(tmp_path, "uv", "exit 3")
    environment = {**PLAIN, "PATH": f"{tmp_path}:{PLAIN['PATH']}"}
    command = ["make", f"VENV={tmp_path / 'venv'}", f"PYTHON={sys.executable}", "setup"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert not list(tmp_path.glob("venv/.ready*"))


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, solvent; print(sorted({'numpy', 'numba', 'click', 'rich', 'msgspec'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_said_once() -> None:
    import importlib.metadata

    import solvent

    assert importlib.metadata.version("solvent") == solvent.__version__
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(solvent.__version__)}\]", text, re.MULTILINE)
