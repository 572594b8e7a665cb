"""Where the examples are, and a way to run the program inside this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from solvent.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


@pytest.fixture
def solvent(capsys, monkeypatch):
    """Runs ``solvent`` with arguments: exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return Ran(ended.value.code, out, err)

    return run


@pytest.fixture
def examples():
    return EXAMPLES
