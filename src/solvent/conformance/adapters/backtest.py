"""Vectors of the statistics that judge a margin model."""

from __future__ import annotations

from typing import Any

from solvent.conformance.vectors import Inputs, Vector
from solvent.research import validate


def counts(inputs: Inputs) -> validate.Transitions:
    """The pairs of following days."""
    return validate.Transitions(*(inputs.whole(name) for name in validate.Transitions._fields))


def told(found: validate.Tested) -> Any:
    """A test's figures."""
    return {"lr": found.ratio, "pvalue": found.probability, "critical_95": found.critical}


def kupiec(inputs: Inputs, _: Vector) -> Any:
    """The proportion of failures."""
    return told(validate.kupiec(inputs.whole("n"), inputs.whole("x"), inputs.number("p")))


def independence(inputs: Inputs, _: Vector) -> Any:
    """Independence of exceptions."""
    return told(validate.christoffersen(counts(inputs)))


def coverage(inputs: Inputs, _: Vector) -> Any:
    """Conditional coverage."""
    given = (inputs.whole("n"), inputs.whole("x"), inputs.number("p"))
    return told(validate.conditional_coverage(*given, counts(inputs)))


def light(inputs: Inputs, _: Vector) -> Any:
    """The traffic light."""
    found = validate.traffic_light(inputs.whole("n"), inputs.number("p"), inputs.whole("x"))
    return {"zone": found.zone, "plus_factor": found.plus}


def starts(inputs: Inputs, _: Vector) -> Any:
    """Where zones start."""
    found = validate.zone_starts(inputs.whole("n"), inputs.number("p"))
    return {"yellow_start": found.yellow, "red_start": found.red}


ADAPTERS = {
    ("backtest", "kupiec_pof"): kupiec,
    ("backtest", "christoffersen_independence"): independence,
    ("backtest", "christoffersen_conditional_coverage"): coverage,
    ("backtest", "basel_traffic_light"): light,
    ("backtest", "traffic_light_zone_starts"): starts,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
