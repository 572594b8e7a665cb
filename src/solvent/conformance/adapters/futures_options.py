"""Observed margins of single future options, against the estimate made of them (an envelope, not a rule)."""

from __future__ import annotations

from typing import Any

from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.instruments import OptionKind
from solvent.venues.span.estimate import option_margin

RIGHTS = {"call": OptionKind.CALL, "put": OptionKind.PUT}
SIDES = {"long": True, "short": False}


def observed(inputs: Inputs, _: Vector) -> Any:
    """The estimate of one option's margin."""
    right, side = inputs.text("right"), inputs.text("side")
    if right not in RIGHTS or side not in SIDES:
        raise VectorError(f"{inputs.place}: got {right!r} and {side!r}, expected call or put, long or short")
    margin, price, strike = (inputs.number(name) for name in ("future_margin", "underlying_price", "strike"))
    return {"margin": option_margin(margin, price, strike, RIGHTS[right], long=SIDES[side])}


ADAPTERS = {("futures_options", "futures_option_margin_observed"): observed}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
