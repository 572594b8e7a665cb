"""Every vector of tests/vectors through the public API, and the comparison itself caught being too kind."""

from __future__ import annotations

import ast
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from solvent.conformance import Outcome, Vector, VectorError, conform, find, read_vectors, run, vector_files
from solvent.conformance.adapters import binance_usdm

VECTORS = Path(__file__).parent.parent / "vectors"
BINANCE = VECTORS / "binance_usdm.json"
ADAPTERS = Path(binance_usdm.__file__).parent
MARGIN = 10


def test_the_vectors_of_binance_pass_or_name_why_they_are_not_supported():
    report = conform([BINANCE])
    assert report.as_json()["failures"] == []
    assert len(report.results) == 35
    assert len(report.of(Outcome.PASSED)) >= 34
    reasons = report.as_json()["reasons"]
    assert set(reasons) == {"bin-019"}
    assert "not beside this file" in reasons["bin-019"]


def test_every_vector_file_in_the_folder_runs_without_failure():
    report = conform([VECTORS])
    assert report.passed
    assert len(vector_files([VECTORS])) >= 1


def test_every_vector_has_a_source_and_says_how_strong_its_evidence_is():
    for vector in read_vectors(BINANCE):
        assert "http" in vector.source or ".com/" in vector.source or "Binance FAQ" in vector.source, vector.id
        assert vector.evidence in ("published", "derived"), vector.id


def shifted(value, step):
    """The same expected result with every number moved."""
    if isinstance(value, dict):
        return {key: shifted(inner, step[key] if isinstance(step, dict) else step) for key, inner in value.items()}
    return str(Fraction(value) + Fraction(step) * MARGIN)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_expected_value_ten_tolerances_away_turns_exactly_its_own_vector_red(sign):
    vectors = read_vectors(BINANCE)
    passing = [one.vector for one in run(vectors).of(Outcome.PASSED)]
    assert len(passing) >= 33
    for wrong in passing:
        step = wrong.tolerance if isinstance(wrong.tolerance, dict) else {"": wrong.tolerance}
        step = {key: sign * Fraction(one) for key, one in step.items()}
        step = step.get("", step)
        planted = changed(wrong, shifted(wrong.expected, step))
        report = run([planted if one is wrong else one for one in vectors])
        assert [one.vector.id for one in report.of(Outcome.FAILED)] == [wrong.id]


def test_each_single_field_of_an_expected_object_is_compared():
    vectors = {one.id: one for one in read_vectors(BINANCE)}
    looked_at = 0
    for vector in vectors.values():
        if not isinstance(vector.expected, dict) or run([vector]).of(Outcome.UNSUPPORTED):
            continue
        for key in vector.expected:
            step = vector.tolerance[key] if isinstance(vector.tolerance, dict) else vector.tolerance
            wrong = {**vector.expected, key: shifted(vector.expected[key], step)}
            result = run([changed(vector, wrong)]).results[0]
            assert result.outcome is Outcome.FAILED
            assert [one.place for one in result.wrong] == [key]
            looked_at += 1
    assert looked_at >= 15


def changed(vector, expected):
    fields = {name: getattr(vector, name) for name in Vector.__dataclass_fields__}
    return Vector(**{**fields, "expected": expected})


ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
CALLS = {"min", "max", "abs", "round", "sum", "pow", "divmod", "float", "sorted", "divide", "shifted"}
METHODS = {"quantize", "fma", "scaleb", "compare", "remainder_near", "sqrt", "copy_abs", "max", "min"}


def rules_in(text):
    """Every place of a Python text that computes with numbers or compares them."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if (
            (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ARITHMETIC))
            or (
                isinstance(node, ast.UnaryOp)
                and isinstance(node.op, ast.USub)
                and not isinstance(node.operand, ast.Constant)
            )
            or (isinstance(node, ast.Compare) and any(isinstance(one, ORDER) for one in node.ops))
        ):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            listed = CALLS if isinstance(node.func, ast.Name) else METHODS
            if name in listed:
                found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def test_adapters_translate_and_hold_no_rule():
    files = sorted(ADAPTERS.glob("*.py"))
    assert len(files) >= 2
    for file in files:
        assert rules_in(file.read_text(encoding="utf-8")) == [], file.name


@pytest.mark.parametrize(
    "rule",
    [
        "x = size * price",
        "x = cost / size",
        "x = a + b",
        "x -= fee",
        "x = -size",
        "x = max(a, 0)",
        "ok = a <= b",
        "ok = a == b",
        "x = amount.quantize(b)",
        "x = abs(a)",
    ],
)
def test_the_search_for_rules_finds_each_kind(rule):
    assert len(rules_in(rule)) == 1


def test_a_vector_of_another_file_is_unsupported_with_a_reason(tmp_path):
    file = tmp_path / "elsewhere.json"
    file.write_text('{"vectors": [{"id": "e-1", "kind": "k", "inputs": {}, "expected": 1, "tolerance": 0}]}')
    report = conform([file])
    assert report.as_json()["reasons"] == {"e-1": "no rule set here covers vectors of elsewhere"}
    assert report.by_venue() == {"elsewhere": {"k": [0, 0, 1]}}


def test_a_kind_without_adapter_is_unsupported(tmp_path):
    file = tmp_path / "binance_usdm.json"
    vector = {"id": "b-1", "kind": "moon_phase", "inputs": {}, "expected": 1, "tolerance": 0}
    file.write_text(json.dumps({"venue": "binance_usdm", "vectors": [vector]}))
    assert conform([file]).as_json()["reasons"] == {"b-1": "no adapter for moon_phase of binance_usdm"}


WHOLE = '{"id": "a", "kind": "k", "inputs": {}, "expected": 1, "tolerance": 0}'


def test_an_input_that_is_missing_fails_with_its_name(tmp_path):
    file = tmp_path / "binance_usdm.json"
    vector = {"id": "b-1", "kind": "funding_rate", "inputs": {"P": "0"}, "expected": 1, "tolerance": 0}
    file.write_text(json.dumps({"venue": "binance_usdm", "vectors": [vector]}))
    (failure,) = conform([file]).as_json()["failures"]
    assert failure["got"] == {"error": "VectorError: inputs.I: nothing given, expected a number"}


def test_hedge_legs_with_different_brackets_are_unsupported_rather_than_wrong():
    (hedge,) = [one for one in read_vectors(BINANCE) if one.kind == "liq_price_cross_hedge_mode"]
    planted = Vector(**{**{name: getattr(hedge, name) for name in Vector.__dataclass_fields__},
                        "inputs": {**hedge.inputs, "mmrS": "0.01"}})  # fmt: skip
    assert run([planted]).results[0].outcome is Outcome.UNSUPPORTED


def test_the_bracket_table_is_read_where_it_is(tmp_path):
    """Two made-up tables, one bracket of which deducts the wrong amount."""
    good = [bracket(0, 50, "0.01", "0"), bracket(50, 600, "0.02", "0.5"), bracket(600, 900, "0.05", "18.5")]
    wrong = [bracket(0, 50, "0.01", "0"), bracket(50, 600, "0.02", "0.51"), bracket(700, 900, "0.05", "21.51")]
    (tmp_path / "tables.json").write_text(json.dumps({"A": good, "B": wrong}))
    (source,) = [one for one in read_vectors(BINANCE) if one.kind == "maintenance_amount_dataset"]
    file = tmp_path / "binance_usdm.json"
    file.write_text("{}")
    fields = {name: getattr(source, name) for name in Vector.__dataclass_fields__}
    vector = Vector(**{**fields, "path": file, "inputs": {"file": "tables.json"},
                       "expected": {"symbols": 2, "tiers": 6, "recurrence_ok": 2, "recurrence_bad": 2}})  # fmt: skip
    assert run([vector]).results[0].wrong == ()


def bracket(floor, cap, rate, amount):
    return {"minNotional": floor, "maxNotional": cap, "maintenanceMarginRate": rate, "info": {"cum": amount}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "a list named vectors"),
        ('{"vectors": [{"id": "a"}]}', r"vectors\[0\]\.kind: nothing given"),
        ('{"vectors": [3]}', r"vectors\[0\]: expected an object"),
        (f'{{"vectors": [{WHOLE.replace("{}", "[]")}]}}', "inputs: expected an object"),
        (f'{{"vectors": [{WHOLE.replace("{}", "NaN")}]}}', "NaN"),
        (f'{{"vectors": [{WHOLE}, {WHOLE}]}}', "got 'a' twice"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_vector_file_is_refused_with_its_place(tmp_path, text, message):
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(VectorError, match=message):
        conform([file])


def test_paths_that_hold_nothing_are_refused(tmp_path):
    with pytest.raises(VectorError, match="no vector files"):
        conform([tmp_path])
    with pytest.raises(VectorError, match="no such file or folder"):
        conform([tmp_path / "absent.json"])


def test_numbers_are_read_as_written():
    for vector in read_vectors(BINANCE):
        assert not any(isinstance(value, float) for value in vector.inputs.values())
    assert callable(find(read_vectors(BINANCE)[0]))


def test_json_numbers_are_decimals_not_binary(tmp_path):
    file = tmp_path / "x.json"
    file.write_text('{"vectors": [{"id": "a", "kind": "k", "inputs": {"x": 0.1}, "expected": 0.3, "tolerance": 1e-9}]}')
    (vector,) = read_vectors(file)
    assert vector.inputs["x"] == Decimal("0.1")
    assert vector.expected == Decimal("0.3")
