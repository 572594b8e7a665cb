"""The order of the layers is checked: a planted upward import and a package without a place both break it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LINT = Path(sys.executable).parent / "lint-imports"


def lint(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the project's own contracts over a small package of the same name."""
    package = folder / "solvent"
    package.mkdir()
    for name, text in {"__init__.py": "", "units.py": "", "engine.py": "", "journal.py": "", **files}.items():
        (package / name).write_text(text, encoding="utf-8")
    config = ROOT / "pyproject.toml"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "LANG": "C.UTF-8"}
    command = [str(LINT), "--no-cache", "--config", str(config)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_imports_of_what_comes_before_are_allowed(tmp_path: Path) -> None:
    done = lint(tmp_path, {"journal.py": "import solvent.engine\nimport solvent.units\n"})
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("engine.py", "import solvent.journal\n"),
        ("engine.py", "def f():\n    from solvent import journal\n"),
        ("units.py", "import solvent.engine\n"),
    ],
)
def test_an_import_of_what_comes_after_is_caught(tmp_path: Path, name: str, text: str) -> None:
    done = lint(tmp_path, {name: text})
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_a_package_without_a_place_is_caught(tmp_path: Path) -> None:
    done = lint(tmp_path, {"misc.py": ""})
    assert done.returncode == 1
    assert "misc" in done.stdout
