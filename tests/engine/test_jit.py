"""The compiler's door: one cache folder a source state, and the ledger's own objects."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from solvent import ledger
from solvent.engine import jit
from solvent.engine.records import COMMAND, Batch, Verb, command
from solvent.engine.tables import INVERSE, Limits, empty
from solvent.engine.value import lowest_ticks
from solvent.engine.warm import warm
from tests.engine.world import PERP, World

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


def test_the_first_engine_says_once_that_it_compiles_although_importing_makes_folders(tmp_path):
    code = "from solvent.engine.engine import Engine; Engine(); Engine()"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")} | {"NUMBA_CACHE_DIR": str(tmp_path)}
    said = subprocess.run([*RUN, code], env=clean, capture_output=True, text=True, check=True).stderr
    assert said.count("compiling") == 1
    assert said.count("\n") == 1


@pytest.mark.skipif(not jit.COMPILED, reason="the compiler is off: nothing is compiled")
def test_warming_compiles_each_kernel_once_and_for_what_the_engine_calls_it_with():
    made = warm()
    kernels = [one for one in jit.KERNELS if one.py_func.__module__.startswith("solvent.engine.")]
    assert made == len(kernels) > 100
    world = World().start(pools=3, fund=10, lend=10**6)
    world.fill(2, 3, 100)
    world.fine(Verb.FUNDING, thing=PERP, amount=100)
    world.engine.step(Batch(np.frombuffer(command(Verb.DEPOSIT, 2, 1, pool=2, amount=1).tobytes(), COMMAND)))
    world.engine.revalue()
    world.lawful()
    many = {one.py_func.__name__: one.signatures for one in kernels if len(one.signatures) != 1}
    assert not many, "each is compiled for one kind of argument"


def test_kernels_take_arrays_in_a_row_only():
    if jit.COMPILED:
        askew = empty(Limits(4, 8, 4, 4, 1, 4, 2))._replace(house=np.zeros((6, 8), np.int64)[:, ::2])
        with pytest.raises(TypeError, match=r"Tables\.house must be an array in C order"):
            lowest_ticks(askew, 1)
    other = empty(Limits(4, 8, 4, 4, 1, 4, 2))
    other.things["kind"][1], other.things["max_lots"][1], other.things["constant"][1] = INVERSE, 7, 15
    other.things["divisor"][1], other.things["settle"][1] = 1, 2
    other.things["max_lots"][2] = 10
    assert int(lowest_ticks(other, 1)) == 11  # ⌈7 × 15 ÷ 10⌉: read through the one address


def test_kernels_call_the_ledgers_own_functions():
    from solvent.engine import value

    assert value.converted_down is ledger.converted_down
    assert jit.fingerprint() == jit.fingerprint()


def test_compiled_ledger_functions_round_like_plain_ones():
    from solvent.engine.value import asset_value

    t = empty(Limits(4, 8, 4, 4, 1, 4, 2))
    t.things[1]["divisor"] = 7
    for units in (-15, -14, -1, 0, 1, 13, 14):
        t.things[1]["mark"] = 3
        assert int(asset_value(t, 1, units)) == ledger.converted_down(units, 3, 7)
