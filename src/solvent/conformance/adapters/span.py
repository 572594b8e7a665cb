"""Vectors of SPAN: risk arrays, scan risk, spread charges and credits, totals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.conformance.adapters.deribit import by_name
from solvent.conformance.vectors import Inputs, Unsupported, Vector, VectorError
from solvent.units import ONE, ZERO
from solvent.venues.span import formulas, spreads

NUMBERED = "name"


def array(inputs: Inputs, name: str) -> tuple[Decimal, ...]:
    """A list of numbers."""
    given = inputs.given.get(name)
    if not isinstance(given, list):
        raise VectorError(f"{inputs.place}.{name}: expected a list of numbers")
    return tuple(Inputs({NUMBERED: one}, f"{inputs.place}.{name}").number(NUMBERED) for one in given)


def future_array(inputs: Inputs, _: Vector) -> Any:
    """A future's array, by gains and by losses, and what one contract needs."""
    scan_range = inputs.number("price_scan_range")
    if "extreme_move_result" in inputs:
        extreme = formulas.extreme_of(inputs.number("extreme_move_result"), scan_range)
    else:
        extreme = formulas.Extreme(inputs.number("extreme_multiplier"), inputs.number("extreme_cover_fraction"))
    growth = inputs.number("carry_growth") if "carry_growth" in inputs else ONE
    offset = inputs.number("theta_offset") if "theta_offset" in inputs else ZERO
    losses = formulas.future_losses(scan_range, extreme, growth, offset)
    worst = formulas.scan_risk([(ONE, losses)]).amount
    return {
        "pnl_long_1": formulas.gains(losses),
        "loss_long_1": losses,
        "span_requirement": worst,
        "worst_loss": worst,
    }


def scan(inputs: Inputs, _: Vector) -> Any:
    """Positions netted by scenario."""
    held = [(row.number("qty"), formulas.gains(array(row, "pnl"))) for row in inputs.rows("positions")]
    found = formulas.scan_risk(held)
    return {
        "pnl": formulas.gains(found.losses),
        "scan_risk": found.amount,
        "worst_scenario": found.scenario,
    }


def scan_units(inputs: Inputs, _: Vector) -> Any:
    """Some units of one array."""
    return {"scan_risk": formulas.scan_risk([(inputs.number("qty_units"), array(inputs, "loss_long_1"))]).amount}


def total(inputs: Inputs, _: Vector) -> Any:
    """The requirement of one combined commodity."""
    names = ("scan_risk", "intra", "spot", "inter", "som")
    parts = formulas.Charges(*(inputs.number(name) if name in inputs else ZERO for name in names))
    return {"margin": formulas.requirement(parts, inputs.number("net_option_value"))}


def customer_margin(inputs: Inputs, _: Vector) -> Any:
    """The rule before SPAN."""
    given = (inputs.number(name) for name in ("future_margin", "option_premium", "otm_amount"))
    return {"margin": formulas.customer_margin(*given)}


def price_risk(inputs: Inputs, _: Vector) -> Any:
    """What of a scan is the price's."""
    found = formulas.scan_risk([(ONE, array(inputs, "losses"))])
    risk = formulas.price_risk(found, inputs.number("net_delta"))
    return {
        "scan_risk": found.amount,
        "active_scenario": found.scenario,
        "paired_avg": risk.paired,
        "time_risk": risk.time,
        "price_risk": risk.price,
        "weighted_futures_price_risk": risk.per_delta,
    }


def credit(inputs: Inputs, _: Vector) -> Any:
    """One spread between commodities."""
    rows = inputs.rows("legs")
    legs = tuple(
        spreads.InterLeg(row.text("name"), row.number("ratio"), row.text("side") if "side" in row else "")
        for row in rows
    )
    deltas = {row.text("name"): row.number("delta") for row in rows}
    risks = {row.text("name"): row.number("wfpr") for row in rows}
    found = spreads.intercommodity(deltas, risks, spreads.InterSpread(1, inputs.number("rate"), legs))
    return {
        "n_spreads": found.times,
        "credit_total": found.total,
        **{f"credit_{leg.name}": found.credits.get(leg.name, ZERO) for leg in legs},
        **{f"delta_left_{leg.name}": found.left[leg.name] for leg in legs},
    }


def charge(inputs: Inputs, _: Vector) -> Any:
    """Spreads inside a commodity; each tier is one month."""
    deltas = [spreads.MonthDelta(tier, tier, delta) for tier, delta in by_name(inputs, "tier_delta").items()]
    listed = [
        spreads.IntraSpread(
            row.whole("priority"),
            row.number("rate"),
            tuple(spreads.Leg(leg.text("tier"), leg.number("ratio"), leg.text("side")) for leg in row.rows("legs")),
        )
        for row in inputs.rows("spreads")
    ]
    found = spreads.intracommodity(deltas, listed)
    return {"charge": found.charge, "left": found.by_tier()}


def initial(inputs: Inputs, _: Vector) -> Any:
    """Initial margin from maintenance."""
    return {"initial": formulas.initial(inputs.number("maintenance"), inputs.number("ratio"))}


def full_file(inputs: Inputs, _: Vector) -> Any:
    """A portfolio under a clearing house's own file, which is not public to ship."""
    name = inputs.text("risk_parameter_file")
    raise Unsupported(f"needs the clearing house's risk parameter file {name}, which nobody can ship")


ADAPTERS = {
    ("span", "span_risk_array_future"): future_array,
    ("span", "span_scan_risk"): scan,
    ("span", "span_scan_risk_units"): scan_units,
    ("span", "span_total"): total,
    ("span", "pre_span_customer_margin"): customer_margin,
    ("span", "span_price_risk"): price_risk,
    ("span", "span_intercommodity_credit"): credit,
    ("span", "span_intracommodity_charge"): charge,
    ("span", "maintenance_initial_ratio"): initial,
    ("span", "span_full_file"): full_file,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
