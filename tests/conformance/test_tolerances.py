"""Every tolerance form, each at the line where its verdict flips."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from solvent.conformance import Mismatch, VectorError, mismatches

D = Decimal


@pytest.mark.parametrize(
    ("tolerance", "expected", "inside", "outside"),
    [
        (D("0.005"), D("10"), D("10.005"), D("10.0050000001")),
        (D("0.005"), D("10"), D("9.995"), D("9.9949999999")),
        (D(0), D("10"), D("10.0"), D("10.0000000000000000000001")),
        ("0", "10", D(10), D("10.0000000000000000000001")),
        ("1e-30", "0", D("1e-30"), D("1.1e-30")),
        ("0.001", "1/3", Fraction(1, 3), D("0.335")),
        ({"abs": D(1)}, D(100), D(101), D("101.01")),
        ({"abs": D(0)}, "7", D(7), D("7.01")),
        ({"rel": D("0.01")}, D(-200), D(-202), D("-202.01")),
        ({"rel": D("0.01"), "abs": D(5)}, D(100), D(105), D("105.01")),
        ({"rel": D("0.01"), "abs": D("0.5")}, D(100), D(101), D("101.01")),
        ({"rel": D("0.0"), "upstream": "approx"}, D(5), D(5), D("5.1")),
        ({"rule": "truncate_to_integer"}, D(5), D("5.999"), D(6)),
        ({"rule": "truncate_to_integer"}, D(-5), D("-5.999"), D(-6)),
        ("exact integer", "24", 24, 25),
        ("abs 2 wei", "1000", 1002, 1003),
        ("abs 1 unit of debt", "1000", 999, 998),
        ("boolean / stated figure", "1000", 1000, 1001),
    ],
)
def test_a_form_flips_at_its_line(tolerance, expected, inside, outside):
    assert mismatches(expected, inside, tolerance) == []
    assert mismatches(expected, outside, tolerance) == [Mismatch("", expected, outside)]


def test_binary_results_have_the_slack_of_binary_arithmetic_and_exact_ones_none():
    assert mismatches(D("0.3"), 0.1 + 0.2, D(0)) == []
    assert mismatches(D(6), 5.9999999999, {"rule": "truncate_to_integer"}) == []
    assert mismatches(D(6), D("5.9999999999"), {"rule": "truncate_to_integer"}) != []
    assert mismatches(D("0.3"), 0.3000001, D(0)) != []


def test_per_field_tolerances_leave_other_fields_exact():
    expected, limits = {"liq": D(10), "n": D(3)}, {"liq": D("0.5")}
    assert mismatches(expected, {"liq": D("10.5"), "n": D(3)}, limits) == []
    assert mismatches(expected, {"liq": D("10.5"), "n": D("3.0001")}, limits) == [Mismatch("n", D(3), D("3.0001"))]


def test_utilisation_has_its_own_limit():
    limits = {"abs": D(1), "util": D("1e-6")}
    expected = {"debt": [D(5), None], "utilization": D("0.5")}
    assert mismatches(expected, {"debt": [D(6), D(99)], "utilization": D("0.500001")}, limits) == []
    assert mismatches(expected, {"debt": [D(6), D(99)], "utilization": D("0.51")}, limits) != []
    words = "utilization exact; annualised rates abs 1e8 of 1e18"
    expected = {"utilization": "5", "supplyRatePerYear": "1000000000"}
    assert mismatches(expected, {"utilization": 5, "supplyRatePerYear": 1100000000}, words) == []
    assert mismatches(expected, {"utilization": 6, "supplyRatePerYear": 1100000001}, words) != []
    assert len(mismatches(expected, {"utilization": 6, "supplyRatePerYear": 1100000001}, words)) == 2


def test_fields_that_are_approximate_by_name_get_a_millionth():
    words = "boolean / stated figure"
    assert mismatches({"hf_approx": D(1), "ok": True}, {"hf_approx": D("1.000001"), "ok": True}, words) == []
    assert len(mismatches({"hf_approx": D(1), "ok": True}, {"hf_approx": D("1.0000011"), "ok": False}, words)) == 2


def test_only_listed_fields_are_asserted_and_absent_ones_are_caught():
    assert mismatches({"a": D(1)}, {"a": D(1), "b": D(2)}, D(0)) == []
    assert mismatches({"a": D(1)}, {"b": D(2)}, D(0)) == [Mismatch("a", D(1), "absent")]


def test_texts_booleans_null_and_shapes_are_compared_for_equality():
    assert mismatches("ok", "ok", D(5)) == []
    assert mismatches(True, True, "boolean") == []
    assert mismatches(None, None, D(0)) == []
    for expected, got in (
        ("ok", "no"), (True, False), (True, 1), (None, D(0)), ([D(1)], [D(1), D(2)]), ({"a": D(1)}, D(1)),
        (D(1), None), (D(1), "1"), ([D(1)], {"a": D(1)}),
    ):  # fmt: skip
        assert mismatches(expected, got, D(5)) != [], (expected, got)


@pytest.mark.parametrize(
    "given", [True, None, "roughly", [], D(-1), {"rule": "round"}, {"abs": "x"}, {"abs": D(1), "liq": D(1)}]
)
def test_a_tolerance_of_no_known_form_is_refused(given):
    with pytest.raises(VectorError, match="tolerance"):
        mismatches(D(1), D(1), given)
