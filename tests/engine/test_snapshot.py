"""A snapshot restores to the same hash and goes on as if nothing had happened; a damaged one says so."""

import dataclasses

import numpy as np
import pytest

from solvent.engine.commands import assemble
from solvent.engine.engine import Engine
from solvent.engine.snapshot import SnapshotError
from solvent.venues import venue
from tests.engine.test_engine import run, story
from tests.engine.world import VENUES, World


@pytest.fixture
def halfway(tmp_path):
    sent = story(World())
    engine, events = run(sent[:80], 20)
    engine.save(tmp_path / "half.npz")
    return sent, engine, events, tmp_path / "half.npz"


def test_the_hash_is_the_same_and_so_is_what_follows(halfway):
    sent, engine, _, path = halfway
    restored = Engine.restore(path, venues=VENUES, threads=2)
    assert restored.state_hash() == engine.state_hash()
    assert restored.pool_count == engine.pool_count
    rest = [one.step(assemble(sent[80:])) for one in (engine, restored)]
    assert rest[0].tobytes() == rest[1].tobytes()
    assert restored.state_hash() == engine.state_hash()
    assert restored.audit() == engine.audit()


def test_compiled_rules_are_rebuilt_equal(halfway):
    _, engine, _, path = halfway
    restored = Engine.restore(path, venues=VENUES)
    for name in (
        "rules",
        "span",
        "floor",
        "rate",
        "part",
        "rest",
        "debt_ppm",
        "default_leverage",
        "bracket_floor",
        "penalty_ppm",
    ):
        np.testing.assert_array_equal(getattr(restored.tables, name), getattr(engine.tables, name), name)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused_by_name(halfway, share):
    _, _, _, path = halfway
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SnapshotError, match=r"half\.npz"):
        Engine.restore(path, venues=VENUES)


def test_a_changed_amount_is_refused(halfway):
    _, _, _, path = halfway
    with np.load(path) as found:
        columns = {name: found[name] for name in found.files}
    columns["pools"]["cash"][3] += 1
    np.savez(path, **columns)
    with pytest.raises(SnapshotError, match="state hash is"):
        Engine.restore(path, venues=VENUES)


def test_rule_sets_that_changed_are_refused(halfway):
    _, _, _, path = halfway
    with pytest.raises(SnapshotError, match="UNKNOWN_RULES"):
        Engine.restore(path)
    rules = venue("generic")
    none = dataclasses.replace(rules, collateral=type(rules.collateral)({}))
    with pytest.raises(SnapshotError, match="rule sets have changed"):
        Engine.restore(path, venues={"generic": none})


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(SnapshotError, match="nothing here"):
        Engine.restore(tmp_path / "nothing here")
