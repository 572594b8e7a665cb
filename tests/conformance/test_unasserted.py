"""Figures that a vector's source states without asserting them: shown when they differ, and never a failure."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from solvent.cli.conform_tables import print_report
from solvent.conformance import Outcome, VectorError, conform, read_vectors
from solvent.conformance.unasserted import inside, stated

VECTORS = Path(__file__).parent.parent / "vectors"


def one(tmp_path, expected, got, **more):
    """A report of one made-up vector whose adapter answers ``got``."""
    file = tmp_path / "mine.json"
    vector = {"id": "v-1", "kind": "k", "inputs": {}, "expected": expected, "tolerance": "0.5", **more}
    file.write_text(json.dumps({"venue": "mine", "vectors": [vector]}))
    return conform([file], lambda _: lambda inputs, vector: got)


def test_a_figure_said_to_be_unasserted_is_shown_and_fails_nothing(tmp_path):
    report = one(tmp_path, {"a": 1, "b": 2}, {"a": Decimal(1), "b": Decimal(5)}, not_asserted=["b"])
    assert report.passed
    assert report.as_json()["not_asserted"] == [
        {"id": "v-1", "places": {"b": {"stated": "2", "got": "5"}}, "source": ""}
    ]


def test_an_asserted_figure_beside_it_still_fails(tmp_path):
    report = one(tmp_path, {"a": 1, "b": 2}, {"a": Decimal(4), "b": Decimal(5)}, not_asserted=["b"])
    (found,) = report.of(Outcome.FAILED)
    assert [wrong.place for wrong in found.wrong] == ["a"]
    assert [other.place for other in found.aside] == ["b"]


def test_an_unasserted_figure_that_agrees_is_not_listed(tmp_path):
    assert one(tmp_path, {"a": 1}, {"a": Decimal("1.5")}, not_asserted=["a"]).as_json()["not_asserted"] == []


def test_a_missing_element_beside_the_unasserted_one_fails(tmp_path):
    assert not one(tmp_path, {"a": [1, 2]}, {"a": [Decimal(1)]}, not_asserted=["a[1]"]).passed


@pytest.mark.parametrize(
    ("place", "places", "found"),
    [
        ("a", ["a"], True),
        ("a.b", ["a"], True),
        ("a[3]", ["a"], True),
        ("ab", ["a"], False),
        ("a[1]", ["a[10]"], False),
        ("a[10]", ["a[1]"], False),
        ("", ["a"], False),
    ],
)
def test_a_place_covers_itself_and_what_is_inside(place, places, found):
    assert inside(place, places) is found


@pytest.mark.parametrize("given", ["detail", [3], [""], ["absent"], ["a[2]"], ["a.b"], ["a[0"]])
def test_a_list_of_places_that_are_not_there_is_refused(tmp_path, given):
    with pytest.raises(VectorError, match=r"vectors\[0\]\.not_asserted"):
        one(tmp_path, {"a": [1, 2]}, {}, not_asserted=given)


@pytest.mark.parametrize(
    ("vector", "places"),
    [
        (
            {"expected": {"IM": 1, "MM": 1, "x": 1}, "tolerance": {"upstream": "assertApproxEqRel 1 on IM and MM"}},
            ("x",),
        ),
        ({"expected": {"IM": 1, "x": 1}, "tolerance": {"upstream": "assertApproxEqAbs 1e6 wei"}}, ()),
        ({"expected": {"IM": 1, "x": 1}, "tolerance": {"upstream": "assertEq on IM and another"}}, ()),
        ({"expected": {"s": [1, 2], "n": 1}, "note": "upstream compares steps 0..len-2 only; within 1"}, ("s[1]",)),
        ({"expected": {"s": [1, 2]}, "note": "upstream compares 3 truncated digits"}, ()),
        ({"expected": 1, "note": "upstream compares steps 0..len-2 only"}, ()),
    ],
)
def test_two_sentences_of_vector_files_say_what_a_suite_compares(vector, places):
    assert stated(vector) == places


def test_exactly_these_figures_of_the_vectors_differ_without_being_asserted(capsys):
    """Nothing else may hide behind the property."""
    report = conform([VECTORS / "derive_srm.json", VECTORS / "derive_auction.json"])
    found = {
        f"{row['id']} {place}": figures["got"][:9]
        for row in report.as_json()["not_asserted"]
        for place, figures in row["places"].items()
    }
    assert found == {
        "derive.srm.cases.Test24 detail.ETHOptionBoundedMM": "-1595.185",
        "derive.srm.cases.Test24 detail.ETHOptionBoundedIM": "-1740.202",
        "derive.cash.sequence totalSupply[9]": "520235.09",
        "derive.cash.sequence utilization[9]": "0.1332309",
    }
    declared = {vector.id: len(vector.not_asserted) for vector in read_all() if vector.not_asserted}
    assert declared == {"derive.srm.cases.Test24": 2, "derive.cash.sequence": 5}
    print_report(report)
    assert "does not assert; got 520235.09" in capsys.readouterr().out


def read_all():
    return [vector for path in sorted(VECTORS.glob("*.json")) for vector in read_vectors(path)]
