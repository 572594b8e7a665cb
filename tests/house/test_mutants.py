"""The list of planted faults fits the source, and the runner notices a fault that nothing catches."""

import pytest

from solvent import venues
from tools import mutants

LIST = mutants.mutants()


@pytest.mark.parametrize("mutant", LIST, ids=lambda one: one.name)
def test_every_fault_still_fits_the_source(mutant: mutants.Mutant) -> None:
    text = (mutants.ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.planted(text) != text


def test_there_are_at_least_sixty_faults_in_five_places() -> None:
    assert len(LIST) >= 60
    for part in ("engine", "ledger", "liquidation", "margin", "rates.py"):
        assert sum(one.file.startswith(f"src/solvent/{part}") for one in LIST) >= 5


@pytest.mark.parametrize("folder", sorted({venues.folder(name) for name in venues.names()} - {"generic"}))
def test_every_venue_has_at_least_five_faults(folder: str) -> None:
    assert sum(f"venues/{folder}/" in one.file for one in LIST) >= 5


def test_a_text_that_is_gone_or_not_alone_is_an_error() -> None:
    one = mutants.Mutant("x", "src/x.py", "", "a", "b")
    for text in ("", "aa"):
        with pytest.raises(mutants.MutantError, match="once"):
            one.planted(text)


def test_a_survivor_is_a_failure_unless_its_harmlessness_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    caught, survived = mutants.Outcome(LIST[0], "test", 1.0), mutants.Outcome(LIST[1], "", 1.0)
    assert mutants.verdict([caught], {}) == 0
    assert mutants.verdict([caught, survived], {}) == 1
    assert mutants.verdict([caught, survived], {LIST[1].name: "proof"}) == 0
    assert "NOT CAUGHT" in capsys.readouterr().out


def test_every_proof_is_of_a_fault_of_the_list_and_is_on_the_page() -> None:
    proofs = mutants.harmless()
    assert set(proofs) <= {one.name for one in LIST}
    assert mutants.PAGE.read_text(encoding="utf-8") == mutants.page(LIST, proofs)


def test_runs_begin_with_the_tests_nearest_to_the_fault() -> None:
    assert mutants.runs_for("src/solvent/ledger/positions.py")[0][0] == "tests/ledger"
    assert mutants.runs_for("src/solvent/samples.py") == mutants.REST
