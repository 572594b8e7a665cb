"""Ring equality: every event of random histories equals the plain twin's, whose verdicts are ring 1's.

Histories hold invalid commands too, and at least 30 % of the commands that ask for a verdict are aimed within two units
of its line. Afterwards every pool's value, margin equity, requirement and surplus at every purpose is compared with
ring 1, bit for bit, and the same commands are run again cut differently, on two threads, and without the float screen.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from solvent.engine.records import FUND_POOL
from tests.equality import comparing
from tests.equality.history import History
from tests.equality.worlds import USDT_ID

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(40)
STEPS = 300
SHARE = 0.30


@cache
def told(seed):
    """A history, made when it is first asked for: whoever stops at the first difference makes one only."""
    return History(seed).grow(STEPS)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_event_and_every_number_equals_the_twins(seed):
    history = told(seed)
    engine = comparing.run(history, seed=seed)
    assert comparing.compare_states(history, engine) > 100
    for law, verdict in engine.audit().items():
        fine = law != "L-17" or history.world.pools[FUND_POOL].cash.get(USDT_ID, 0) >= 0
        assert (verdict.held == verdict.checks) == fine, (law, verdict)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_cuts_threads_and_screen_change_nothing(seed):
    history = told(seed)
    hashes = {
        comparing.run(history, compare=False, **how).state_hash()
        for how in ({"most": 1}, {"most": 10**6}, {"seed": 5, "threads": 2}, {"seed": 6, "screen": False})
    }
    assert len(hashes) == 1


def test_at_least_three_cases_in_ten_stand_within_two_units_of_a_line(capsys):
    histories = [told(seed) for seed in SEEDS]
    near, cases = sum(h.near for h in histories), sum(h.cases for h in histories)
    with capsys.disabled():
        sys.stdout.write(f"\nring equality: {near} of {cases} verdicts within 2 units of a line ({near / cases:.0%})\n")
    assert near / cases >= SHARE


def test_the_comparison_notices_one_unit():
    history = told(0)
    at = next(k for k, events in enumerate(history.said) if events[0].fee)
    history.said[at][0] = history.said[at][0]._replace(fee=history.said[at][0].fee + 1)
    try:
        with pytest.raises(comparing.Disagreement, match=f"command {at}"):
            comparing.run(history)
    finally:
        history.said[at][0] = history.said[at][0]._replace(fee=history.said[at][0].fee - 1)


SMALL = """
from tests.equality import comparing
from tests.equality.history import History
for seed in (101, 102, 103):
    history = History(seed).grow(120)
    engine = comparing.run(history, seed=seed)
    comparing.compare_states(history, engine)
    print(engine.state_hash())
"""


def hashes_with(**switches):
    environment = {
        **os.environ,
        **switches,
        "PYTHONPATH": os.pathsep.join(path for path in (os.environ.get("PYTHONPATH"), str(ROOT)) if path),
    }
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SMALL],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout.split()


def test_the_compiler_off_and_bounds_checked_say_the_same():
    off = hashes_with(NUMBA_DISABLE_JIT="1")
    assert len(off) == 3
    assert hashes_with(NUMBA_BOUNDSCHECK="1") == off
    assert hashes_with() == off
