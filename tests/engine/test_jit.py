"""The compiler's door: one cache folder a source state, and the ledger's own objects."""

import os
import subprocess
import sys
from pathlib import Path

from solvent import ledger
from solvent.engine import jit

RUN = [sys.executable, "-c"]


def run(code: str, **environment: str) -> str:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    result = subprocess.run([*RUN, code], env=inherited | environment, capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_the_folder_is_named_by_what_is_compiled_and_lies_under_what_was_given(tmp_path):
    code = "from solvent.engine import jit; print(jit.CACHE)"
    found = Path(run(code, NUMBA_CACHE_DIR=str(tmp_path)))
    assert found.parent == tmp_path
    assert found.name.startswith("solvent-")
    assert Path(run(code, NUMBA_CACHE_DIR=str(found))) == found, "a child process inherits the folder, not a nested one"
    checked = Path(run(code, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_BOUNDSCHECK="1"))
    assert checked.parent == tmp_path
    assert checked != found


def test_a_home_that_takes_no_files_falls_back_to_a_temporary_folder(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = run("from solvent.engine import jit; print(jit.CACHE)", XDG_CACHE_HOME=str(blocked), TMPDIR=str(tmp_path))
    assert Path(found).parent.parent == tmp_path


def test_importing_the_package_imports_no_compiler():
    assert run("import solvent, solvent.engine, sys; print('numba' in sys.modules)") == "False"


def test_a_fresh_machine_is_told_that_it_compiles(tmp_path):
    code = "from solvent.engine.jit import say_if_cold; print(say_if_cold())"
    assert run(code, NUMBA_CACHE_DIR=str(tmp_path)) == "True"
    assert run(code, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="1") == "False"


def test_kernels_call_the_ledgers_own_functions():
    from solvent.engine import value

    assert value.converted_down is ledger.converted_down
    assert jit.fingerprint() == jit.fingerprint()


def test_compiled_ledger_functions_round_like_plain_ones():
    from solvent.engine.tables import Limits, empty
    from solvent.engine.value import asset_value

    t = empty(Limits(4, 8, 4, 4, 1, 4, 2))
    t.things[1]["divisor"] = 7
    for units in (-15, -14, -1, 0, 1, 13, 14):
        t.things[1]["mark"] = 3
        assert int(asset_value(t, 1, units)) == ledger.converted_down(units, 3, 7)
