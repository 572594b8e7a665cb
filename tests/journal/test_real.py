"""The journal around the real engine: every law at the end, and the book of a moment as ring 1 reads it."""

import pytest
from real_world import FIRST_USER_POOL, LIMITS, POOLS, VENUES, real_batch, real_source

from solvent.engine.records import Happened
from solvent.journal.durable import DurableEngine
from solvent.journal.replay import show, source_of, verify
from solvent.journal.source import engine_source, setup_text
from solvent.venues import venue

LAST = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(journal, state hash, kinds of events seen, book of one pool after each batch)."""
    path, kinds, books = tmp_path_factory.mktemp("real") / "journal.db", set(), {}
    with DurableEngine.create(path, real_source()) as durable:
        for number in range(1, LAST + 1):
            kinds |= {int(kind) for kind in durable.submit(real_batch(number), time_ns=number)["kind"]}
            books[number] = durable.engine.book(FIRST_USER_POOL)
            if number == LAST // 2:
                durable.snapshot()
        return path, durable.engine.state_hash(), kinds, books


def test_the_stream_is_worth_replaying(made):
    assert made[2] >= {Happened.DONE, Happened.REFUSED, Happened.BREACHED}


def test_verify_executes_everything_again_and_holds_the_laws(made):
    report = verify(made[0], source_of(made[0], {**VENUES, "another": venue("binance_usdm")}))
    assert report.good, report
    assert (report.batches, report.executed, report.state_hash) == (LAST, LAST, made[1])
    assert report.snapshots == {LAST // 2: ""}
    assert {"L-01", "L-02", "L-03"} <= {law for law, (checks, _, _) in report.laws.items() if checks}


def test_opening_takes_snapshot_and_tail(made):
    with DurableEngine.open(made[0], real_source()) as durable:
        assert (durable.restored.snapshot_seq, durable.restored.replayed) == (LAST // 2, LAST // 2)
        assert durable.engine.state_hash() == made[1]


def test_show_gives_the_book_of_the_moment(made):
    for number in (1, 5, LAST // 2, LAST // 2 + 3, LAST):
        assert show(made[0], source_of(made[0], VENUES), FIRST_USER_POOL, number) == made[3][number]
    assert made[3][5] != made[3][LAST]
    assert POOLS > 1


def test_threads_and_screen_are_no_part_of_the_header_but_limits_are(made):
    fast = engine_source(VENUES, limits=LIMITS, threads=2, screen=False)
    assert verify(made[0], fast).state_hash == made[1]
    other = engine_source(VENUES, limits=LIMITS._replace(pools=65))
    report = verify(made[0], other)
    assert (report.good, report.executed) == (True, 0)
    assert setup_text(LIMITS) in report.notes[0]
