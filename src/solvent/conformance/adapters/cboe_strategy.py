"""Vectors in the manner of CBOE's margin manual: requirements with proceeds, and deposits of a cash account."""

from __future__ import annotations

from typing import Any

from solvent.book import Purpose
from solvent.conformance.vectors import Inputs, Vector
from solvent.units import ONE
from solvent.venues import venue
from solvent.venues.reg_t.account import statement
from solvent.venues.reg_t.listing import Row, days_ns, securities
from solvent.venues.reg_t.rules import rates_of, with_class

NAME, SHARES = "UNDERLYING", "SHARES"


def rows(inputs: Inputs) -> list[Row]:
    """The legs of a vector; stock at what it was bought or sold for."""
    found = []
    for leg in inputs.rows("legs"):
        expiry = days_ns(leg.number("days_to_expiry")) if "days_to_expiry" in leg else 0
        strike = leg.number("strike") if "strike" in leg else ONE
        found.append(Row(leg.text("type"), leg.number("qty"), leg.number("price"), strike, expiry, SHARES))
    return found


def margin(inputs: Inputs, _: Vector) -> Any:
    """The initial requirement with proceeds, and the deposit of a cash account."""
    own = rates_of(inputs.text("underlying_class"))._replace(leverage=inputs.number("leverage_factor"))
    rules = with_class(venue("reg_t"), NAME, own, {SHARES: ONE})
    price, size = inputs.number("underlying_price"), inputs.number("contract_multiplier")
    book, market = securities(NAME, price, rows(inputs), multiplier=size, time_ns=0)
    found = statement(book, market, rules, "securities", Purpose.ADMIT)
    return {"margin": found.with_proceeds, "cash_account": found.cash_account}


ADAPTERS = {("cboe_strategy", "cboe_margin_manual"): margin}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
