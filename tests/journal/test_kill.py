"""kill -9 of a real program with work in flight: what it acknowledged is there, and nothing is different.

One journal lives through a whole series of kills: each program goes on where the killed one left it.
"""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from kill_child import digest, stream_of

from solvent.journal import fault
from solvent.journal.durable import DurableEngine
from solvent.journal.replay import verify
from solvent.journal.snapshots import restore, snapshot_folder
from solvent.journal.sqlite import SqliteJournal

CHILD = Path(__file__).with_name("kill_child.py")
ENDLESS = 10**6
PATIENCE_S = 120


class Life(NamedTuple):
    """What one program said before it died."""

    opened: int  # the batch it found; −1: it died before
    acknowledged: dict  # batch → digest of its events
    snapshots: list
    code: int


def live(kind, path, kill, last=ENDLESS):
    """Run one program until it dies; ``kill`` is a fault point, or (acknowledgements to wait for, seconds after)."""
    environment = os.environ | ({fault.VARIABLE: kill} if isinstance(kill, str) else {})
    command = [sys.executable, str(CHILD), kind, str(path), str(last)]
    opened, acknowledged, snapshots = -1, {}, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True) as child:
        if not isinstance(kill, str) and kill[0] < 0:
            time.sleep(kill[1])
            child.send_signal(signal.SIGKILL)
        for line in child.stdout:
            word, *rest = line.split()
            if not line.endswith("\n"):
                break  # cut by the kill: not said
            if word == "open":
                opened = int(rest[0])
            elif word == "ack":
                acknowledged[int(rest[0])] = rest[1]
            elif word == "snapshot":
                snapshots.append(int(rest[0]))
            if not isinstance(kill, str) and len(acknowledged) >= kill[0] >= 0:
                time.sleep(kill[1])
                child.send_signal(signal.SIGKILL)
                kill = (ENDLESS, 0)
        code = child.wait(PATIENCE_S)
        complaint = child.stderr.read()
    assert code == -signal.SIGKILL or last != ENDLESS, f"it was not killed but ended with {code}: {complaint}"
    return Life(opened, acknowledged, snapshots, code)


class Uninterrupted:
    """The engine that nobody kills, and the events it gave."""

    def __init__(self, kind):
        self.source, self.batch_of = stream_of(kind)
        self.engine, self.digests = self.source.new(), [""]

    def upto(self, seq):
        while len(self.digests) <= seq:
            self.digests.append(digest(self.engine.step(self.batch_of(len(self.digests)))))
        assert len(self.digests) == seq + 1, "the journal went back behind a state it had shown before"
        return self.engine


def inspect(path, uninterrupted, life, before):
    """Everything acknowledged is there, and the whole is what an uninterrupted run of it gives; the last batch."""
    with closing(SqliteJournal.read(path)) as journal:
        back = restore(journal, snapshot_folder(path), uninterrupted.source)
        seqs = {snapshot.seq for snapshot in journal.snapshots()}
    newest = max(life.acknowledged, default=before)
    assert sorted(life.acknowledged) == list(range(newest - len(life.acknowledged) + 1, newest + 1))
    assert back.seq >= newest
    assert life.opened in (-1, before)
    assert seqs >= set(life.snapshots)
    assert all("snapshot" not in note for note in back.notes), back.notes
    assert back.engine.state_hash() == uninterrupted.upto(back.seq).state_hash()
    assert all(uninterrupted.digests[seq] == found for seq, found in life.acknowledged.items())
    return back.seq


def moments(count, seed):
    """When to kill: a third at fault points, the rest after some acknowledgements and a moment, or while opening."""
    draw = random.Random(seed)
    for number in range(count):
        if number % 3 == 0:
            point = fault.POINTS[number // 3 % len(fault.POINTS)]
            yield f"{point}:{draw.randint(1, 3 if 'snapshot' in point or 'rename' in point else 12)}"
        elif number % 8 == 7:
            yield (-1, draw.random() * 0.3)
        else:
            yield (draw.randint(0, 25), draw.random() * 0.004)


def series(kind, path, count, seed):
    """Kill ``count`` programs one after the other on one journal; how often work in flight was lost or kept."""
    uninterrupted, at, beyond = Uninterrupted(kind), 0, 0
    for kill in moments(count, seed):
        life = live(kind, path, kill)
        if not path.exists():
            assert not life.acknowledged
            continue
        last = inspect(path, uninterrupted, life, at)
        beyond += last > max(life.acknowledged, default=at)
        at = last
    assert beyond, "no kill ever came between a commit and its acknowledgement: the moments are badly chosen"
    assert live(kind, path, "", at + 5).code == 0
    report = verify(path, uninterrupted.source)
    assert report.good, report
    assert (report.batches, report.state_hash) == (at + 5, uninterrupted.upto(at + 5).state_hash())
    return report


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_twenty_kills_lose_nothing_acknowledged(kind, tmp_path):
    report = series(kind, tmp_path / "journal.db", 20, seed=1)
    assert report.snapshots


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10))
def test_three_hundred_kills_lose_nothing_acknowledged(seed, tmp_path):
    assert series("real", tmp_path / "journal.db", 30, seed=100 + seed).batches > 100


@pytest.mark.parametrize(("point", "kept"), [(fault.BEFORE_COMMIT, 4), (fault.AFTER_COMMIT, 5)])
def test_at_the_fifth_commit(point, kept, tmp_path):
    """Before the commit the batch is gone, after it the batch is there; either way it was not acknowledged."""
    life = live("fake", tmp_path / "journal.db", f"{point}:5")
    assert sorted(life.acknowledged) == [1, 2, 3, 4]
    with DurableEngine.open(tmp_path / "journal.db", stream_of("fake")[0]) as durable:
        assert durable.seq == kept


@pytest.mark.parametrize("point", [fault.IN_SNAPSHOT, fault.BEFORE_RENAME, fault.AFTER_RENAME])
def test_inside_the_second_snapshot(point, tmp_path):
    path = tmp_path / "journal.db"
    life = live("fake", path, f"{point}:2")
    assert life.snapshots == [7]
    names = sorted(file.name for file in snapshot_folder(path).iterdir())
    assert len(names) == 2
    assert names[1].endswith(".snapshot" if point == fault.AFTER_RENAME else ".partial")
    with DurableEngine.open(path, stream_of("fake")[0]) as durable:
        assert (durable.seq, durable.restored.snapshot_seq, durable.restored.notes) == (14, 7, ())
        assert durable.snapshot().seq == 14
    assert not list(snapshot_folder(path).glob("*.partial"))
    with DurableEngine.open(path, stream_of("fake")[0]) as durable:
        assert durable.restored.snapshot_seq == 14


def test_fault_points_do_nothing_unless_asked():
    program = f"from solvent.journal import fault; [fault.reach(p) for p in fault.POINTS]; print({os.getpid()})"
    for asked, code in ((None, 0), ("no-such-point", 0), (fault.AFTER_COMMIT, -signal.SIGKILL)):
        environment = {k: v for k, v in os.environ.items() if k != fault.VARIABLE}
        environment |= {fault.VARIABLE: asked} if asked else {}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
        assert done.returncode == code
