"""Vectors of Derive's second portfolio manager: small books through ring 1, with every step between."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.conformance.adapters.derive_pmrm1 import COIN, POOL, Drawn, inner, shared
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin.scenario.portfolio import Haircut, PortfolioRules
from solvent.margin.scenario.reading import SVI
from solvent.margin.scenario.report import steps
from solvent.units import ONE, ZERO
from solvent.venues import venue
from solvent.venues.derive_pmrm1.rules import scenario_list
from solvent.venues.derive_pmrm2.rules import portfolio_rules
from solvent.venues.derive_srm.composing import with_parameters
from solvent.venues.derive_srm.feeds import days_in_seconds

WORDS = {"basis": "fwd_contingency"}
CALLS = {ONE: True, ZERO: False}
SKEW = {
    "linear_cap": "LINEAR_SCALE_CAP",
    "linear_slope": "LINEAR_CBASE",
    "absolute_cap": "ABS_SCALE_CAP",
    "absolute_slope": "ABS_CBASE",
    "least_width": "MIN_K_STAR",
    "width_scale": "MIN_WIDTH_SCALE",
    "vol_fixed": "VOL_PARAM_STATIC",
    "vol_slope": "VOL_PARAM_SCALE",
}
VOL = {
    "up": "VOLRANGEUP",
    "down": "VOLRANGEDOWN",
    "short_power": "SHORTTERMPOWER",
    "long_power": "LONGTERMPOWER",
    "least_up": "MIN_VOL_EVAL_SHOCKED",
}
DISCOUNT = {
    "long_base": "BASE_STATIC_DISCOUNT",
    "long_rate": "LONG_RATE_MULTSCALE",
    "long_add": "LONG_RATE_ADDSCALE",
    "short_base": "BASE_STATIC_DISCOUNT_NEG",
    "short_rate": "SHORT_RATE_MULTSCALE",
    "short_add": "SHORT_RATE_ADDSCALE",
}
BASIS = {
    "up": "SCENARIO_SPOT_UP",
    "down": "SCENARIO_SPOT_DOWN",
    "add": "BASIS_CONT_ADD_FACTOR",
    "multiple": "BASIS_CONT_MULT_FACTOR",
}


def drawn(given: Inputs) -> Drawn:
    """A vector's portfolio and feeds."""
    found = Drawn()
    found.money(given.number("Cash"), given.number("StablePrice"))
    found.spot(COIN, given.number("SpotPrice"), given.number("SpotConfidence"))
    for row in given.rows("Collaterals"):
        name = row.text("Name")
        found.coin(name, row.number("Amount"))
        found.spot(name, row.number("Price"), row.number("Confidence"))
    expiries = {}
    for row in given.rows("OptionFeeds"):
        feeds = dict(zip(SVI, numbers(row, "SVIparam", len(SVI)), strict=True))
        feeds["rate"] = row.number("Rate")
        feeds["forward_confidence"] = row.number("ForwardConfidence")
        feeds["rate_confidence"] = row.number("RateConfidence")
        feeds["volatility_confidence"] = row.number("OptionVolConfidences")
        seconds = row.number("FeedExpiry")
        expiries[seconds] = found.expiry(COIN, seconds, row.number("Forward"), feeds)
    for row in given.rows("Options"):
        when = expiries.get(row.number("Expiry"))
        call = CALLS.get(row.number("IsCall"))
        if when is None or call is None:
            raise VectorError(f"{row.place}: expected an expiry with feeds, and IsCall 0 or 1")
        found.option(COIN, when, row.number("Strike"), call=call, size=row.number("Amount"), vol=None)
    if given.number("NumPerps"):
        profit, funding = given.number("UnrealisedPerpPNL"), given.number("UnrealisedFunding")
        size, price, sure = given.number("NumPerps"), given.number("PerpPrice"), given.number("PerpConfidence")
        found.perp(COIN, size, price, profit, sure, funding)
    return found


def numbers(given: Inputs, name: str, count: int) -> list[Decimal]:
    """A list of so many numbers."""
    found = given.given.get(name)
    if not isinstance(found, list) or len(found) not in {count}:  # noqa: FURB171 - adapters compare nothing
        raise VectorError(f"{given.place}.{name}: expected {count} numbers")
    return [Decimal(one) for one in found]


def named(given: Inputs, names: dict[str, str]) -> dict[str, Decimal]:
    """Numbers under our names."""
    return {ours: given.number(theirs) for ours, theirs in names.items()}


def haircuts(given: Inputs) -> dict[str, Haircut]:
    """The collaterals' haircuts; one that cancels risk moves with the underlying."""
    found = {}
    for row in given.rows("Collaterals"):
        cancels = row.given.get("IsRiskCancelling")
        if not isinstance(cancels, bool):
            raise VectorError(f"{row.place}.IsRiskCancelling: expected true or false")
        coin = COIN if cancels else ""
        found[row.text("Name")] = Haircut(row.number("MMHaircut"), row.number("IMHaircut"), coin)
    return found


def parameters_of(given: Inputs, portfolio: Inputs) -> PortfolioRules:
    """A set of parameters, with the portfolio's haircuts."""
    other, margin = inner(given, "OtherContingency"), inner(given, "Margin")
    vol = inner(given, "VolShock")
    table = {
        "basis": named(inner(given, "BasisContingency"), BASIS),
        "factors": {
            "maintenance": margin.number("MM_LOSS_FACTOR"),
            "initial": margin.number("IM_LOSS_FACTOR"),
            "peg_threshold": other.number("PEG_LOSS_THRESHOLD"),
            "peg_factor": other.number("PEG_LOSS_FACTOR"),
        },
        "oracle": {"threshold": other.number("CONF_THRESHOLD"), "margin": other.number("CONF_MARGIN")},
        "maintenance": named(other, {"perp": "MM_PERP_PERCENT", "option": "MM_OPTION_PERCENT"}),
        "initial_extra": named(other, {"perp": "IM_PERP_PERCENT", "option": "IM_OPTION_PERCENT"}),
        "static_discount": named(margin, DISCOUNT),
        "volatility": {**named(vol, VOL), "least_seconds": days_in_seconds(vol.number("DTE_FLOOR"))},
        "skew": named(inner(given, "SkewShock"), SKEW),
        "auction": {"buffer": ZERO},
    }
    rows = [
        [row.number("SpotShock"), [row.text("VolShockDirection").lower()], row.number("DampeningFactor")]
        for row in given.rows("Scenarios")
    ]
    return portfolio_rules(table, scenario_list(rows), haircuts(portfolio), {})


def portfolio(inputs: Inputs, vector: Vector) -> Any:
    """Net margins and every step to them."""
    given = inner(shared(vector, "scenarios"), inputs.text("scenario"))
    own = parameters_of(inner(shared(vector, "parameters"), inputs.text("parameters")), given)
    drawing = drawn(given)
    found = steps(drawing.book(), drawing.market(), with_parameters(venue("derive_pmrm2"), own), POOL)
    parts = found.contingencies
    return {
        "MM": found.maintenance,
        "IM": found.initial,
        "MMHand": found.maintenance,
        "IMHand": found.initial,
        "OptionMTM": found.option_value,
        "CollateralMTM": found.collateral_value,
        "PortfolioMTM": found.value,
        "ForwardContingency": found.basis,
        "OracleCont": parts.get("oracle", ZERO),
        "MMPerpCont": parts.get("perp_contingency", ZERO),
        "IMPerpCont": parts.get("initial_perp_contingency", ZERO),
        "MMBaseCont": parts.get("collateral_contingency", ZERO),
        "IMBaseCont": parts.get("initial_collateral_contingency", ZERO),
        "MMOptionCont": parts.get("option_contingency", ZERO),
        "IMOptionCont": parts.get("initial_option_contingency", ZERO),
        "im_loss_factor": found.factor,
        "worst_all_scenarios": WORDS.get(found.worst_kind, found.worst_kind),
        "worst_reg_loss": found.worst_of["regular"],
        "worst_tail_loss": found.worst_of["tail"],
        "worst_skew_loss": found.worst_of["skew"],
        "discount_factors_pos_neg": found.static_discounts,
        "vol_shock_up_mult": found.multiples_up,
        "vol_shock_down_mult": found.multiples_down,
        "scenario_pnl": found.figures.scanned.profit.tolist(),
    }


ADAPTERS = {("derive_pmrm2", "portfolio"): portfolio}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
