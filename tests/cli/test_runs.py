"""``replay`` and ``journal`` for real, small: a journal of a stopped run, resumed, proved, looked into and spoilt."""

from __future__ import annotations

import contextlib
import io
import json
import shutil

import pytest

from solvent.cli import main

RUN = ("replay", "mar-2020", "--accounts", "12", "--seed", "3", "--batch", "40")
STOP = ("--stop-after", "6")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the journal of a run stopped after six batches, and what the run printed."""
    folder = tmp_path_factory.mktemp("made")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main([*RUN, "--journal", str(folder / "run.journal"), *STOP, "--json"])
    assert ended.value.code in {0, 1}  # so early in the window not every law has had its chance
    report = json.loads(printed.getvalue())
    assert (report["finished"], report["batches"]) == (False, 6)
    return folder


@pytest.fixture
def journal(made, tmp_path):
    """A copy of its own."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy" / "run.journal"


def test_a_stopped_run_goes_on_and_ends_where_an_unbroken_one_does(solvent, journal):
    longer = ("--stop-after", "12", "--json")
    unbroken = solvent(*RUN, *longer).json()
    resumed = solvent(*RUN, "--journal", journal, "--resume", *longer).json()
    assert unbroken["batches"] == 12
    assert resumed["state_hash"] == unbroken["state_hash"]
    assert solvent("journal", "verify", journal, "--json").json()["state_hash"] == unbroken["state_hash"]


def test_verify_proves_a_journal_and_counts_what_it_holds(solvent, journal):
    ran = solvent("journal", "verify", journal)
    assert ran.code == 0, ran.out
    assert "good" in ran.out
    found = solvent("journal", "verify", journal, "--json").json()
    assert found["good"] is True
    assert (found["batches"], found["executed"]) == (6, 6)
    assert found["laws"]["L-01"]["checks"] == found["laws"]["L-01"]["held"] > 0


def test_show_prints_a_book_that_margin_reads(solvent, journal, tmp_path):
    ran = solvent("journal", "show", journal, "--pool", "P5", "--seq", "6")
    assert ran.code == 0
    assert ran.json()["pools"][0]["id"] == "P5"
    book = tmp_path / "book.json"
    book.write_text(ran.out)
    assert solvent("margin", book, "--json").json()["pools"][0]["pool"] == "P5"
    assert solvent("journal", "show", journal, "--pool", "5", "--seq", "6").out == ran.out
    earlier = solvent("journal", "show", journal, "--pool", "5", "--seq", "1")
    assert earlier.code != 0 or earlier.out != ran.out


def test_a_spoilt_journal_ends_with_one_and_names_the_place(solvent, journal):
    data = bytearray(journal.read_bytes())
    place = len(data) - 700
    data[place] ^= 1
    journal.write_bytes(bytes(data))
    ran = solvent("journal", "verify", journal)
    assert ran.code in {1, 2}
    assert "batch" in ran.out + ran.err or "journal" in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "the file exists already; --resume goes on from a journal that exists"),
        (("--resume", "--accounts", "13"), ""),
    ],
)
def test_a_journal_of_another_run_is_refused_in_one_line(solvent, journal, arguments, line):
    ran = solvent(*RUN, "--journal", journal, *STOP, *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert line in ran.err


def test_what_is_not_there_is_refused(solvent, tmp_path, journal):
    assert "no such file" in solvent(*RUN, "--journal", tmp_path / "none", "--resume").err
    ran = solvent("replay", "dec-1999")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "may-2021" in ran.err
    ran = solvent("journal", "show", journal, "--pool", "5", "--seq", "99")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    ran = solvent("journal", "show", journal, "--pool", "99999", "--seq", "3")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
