"""Changed expectations turn red: in every file of vectors, and exactly the vectors that were changed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from solvent.conformance import Outcome, read_vectors, run, vector_files
from solvent.conformance.tolerances import as_number, tolerance

FILES = vector_files([Path(__file__).parent.parent / "vectors"])
TIMES = 10
LEAST = Fraction(1, 10**6)


def leaves(expected, place=()):
    """The place of every number or verdict in an expected result."""
    if isinstance(expected, dict):
        return [leaf for key, inner in expected.items() for leaf in leaves(inner, (*place, key))]
    if isinstance(expected, list):
        return [leaf for k, inner in enumerate(expected) for leaf in leaves(inner, (*place, k))]
    return [] if expected is None else [place]


def step_of(value, name, given):
    """Ten tolerances, or where equality is asked a whole unit (of figures that are not whole: a millionth of them)."""
    limit = tolerance(given).limit(name)
    allowed = max(limit.relative * abs(value), limit.absolute)
    if limit.truncate:
        return Fraction(TIMES)
    if allowed:
        return TIMES * allowed
    return Fraction(1) if value.denominator == 1 else max(abs(value) * LEAST, LEAST)


def changed(expected, place, given, sign, name=""):
    """The same expected result with one leaf changed."""
    if place:
        copy = dict(expected) if isinstance(expected, dict) else list(expected)
        key = place[0]
        copy[key] = changed(expected[key], place[1:], given, sign, key if isinstance(key, str) else name)
        return copy
    if isinstance(expected, bool):
        return not expected
    number = as_number(expected)
    if number is None:
        return f"not {expected}"
    return str(number + sign * step_of(number, name, given))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("turn", [0, 1])
def test_exactly_the_changed_vectors_turn_red(file, turn):
    """Every second vector has one number changed, another one in the other turn; the others must stay as they are."""
    vectors = read_vectors(file)
    passing = [one.vector for one in run(vectors).of(Outcome.PASSED) if leaves(one.vector.expected)]
    planted = {}
    for k, vector in enumerate(passing[turn::2]):
        places = leaves(vector.expected)
        place = places[(7 * k + turn) % len(places)]
        wrong = changed(vector.expected, place, vector.tolerance, 1 if k % 4 < 2 else -1)
        planted[vector.id] = replace(vector, expected=wrong)
    report = run([planted.get(one.id, one) for one in vectors])
    assert {one.vector.id for one in report.of(Outcome.FAILED)} == set(planted)


def test_more_than_two_hundred_expected_values_are_changed():
    counted = sum(len([one for one in read_vectors(file) if leaves(one.expected)]) for file in FILES)
    assert counted >= 200
