"""Vectors of GMX V2: the account's check through ring 1 on a book of one position, the rest by its public function."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import Purpose
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin import assess
from solvent.units import ONE, ZERO
from solvent.venues import venue
from solvent.venues.gmx_v2 import adl, funding, impact, requirement
from solvent.venues.gmx_v2.liquidation import payout
from solvent.venues.gmx_v2.reported import Reported, book_of, prices_of
from solvent.venues.gmx_v2.rules import markets, with_markets

POOL = "position"
INDEX, COLLATERAL = "INDEX", "COLLATERAL"


def flag(inputs: Inputs, name: str) -> bool:
    """A yes or no."""
    found = inputs.given.get(name)
    if found is True or found is False:
        return found
    raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected true or false")


def optional(inputs: Inputs, name: str, default: Decimal) -> Decimal:
    """A number, or what stands where none is given."""
    return inputs.number(name) if name in inputs else default


def reported(inputs: Inputs) -> Reported:
    """The position of a vector."""
    return Reported(
        INDEX,
        flag(inputs, "is_long"),
        inputs.number("size_usd"),
        inputs.number("size_tokens"),
        COLLATERAL,
        inputs.number("collateral_amount"),
    )


def liquidatable(inputs: Inputs, _: Vector) -> Any:
    """The verdict of ring 1 at MAINTAIN."""
    position = reported(inputs)
    facts = replace(
        markets().default,
        min_collateral_usd=inputs.number("min_collateral_usd"),
        liquidation_factor=inputs.number("min_collateral_factor_liq"),
        max_liquidation_impact=inputs.number("max_impact_factor_liq"),
    )
    rules = with_markets(venue("gmx_v2"), requirement.MarketTable(facts))
    market = replace(
        prices_of(position, inputs.number("index_price"), inputs.number("collateral_price")),
        wide={
            ("close_impact", POOL): inputs.number("price_impact_usd"),
            ("fees_due", POOL): inputs.number("fees_usd"),
        },
    )
    found = assess(book_of(position, POOL), market, rules, Purpose.MAINTAIN)[POOL]
    return {"liquidatable": found.breached(inclusive=rules.breach_inclusive)}


def liquidation_payout(inputs: Inputs, _: Vector) -> Any:
    """What a closed position hands out."""
    size, tokens, price = inputs.number("size_usd"), inputs.number("size_tokens"), inputs.number("index_price")
    gain = adl.profit(size, tokens, price, is_long=flag(inputs, "is_long"))
    collateral_price = inputs.number("collateral_price")
    paid_price = optional(inputs, "pnl_paid_price", collateral_price)
    found = payout(inputs.number("collateral_amount"), collateral_price, gain, paid_price=paid_price)
    return {"returned_collateral": found.returned, "pool_delta_collateral": found.pool_delta}


def side(inputs: Inputs, *, is_long: bool) -> adl.Side:
    """One side of the pool."""
    size, tokens = inputs.number("open_interest_usd"), inputs.number("open_interest_tokens")
    return adl.Side(is_long, size, tokens, inputs.number("pool_usd_side"))


def adl_state(inputs: Inputs, _: Vector) -> Any:
    """Whether ADL may begin."""
    of = side(inputs, is_long=flag(inputs, "is_long"))
    factor = inputs.number("max_pnl_factor_for_adl")
    return {"adl_enabled": adl.adl_enabled(of, inputs.number("index_price"), factor)}


def adl_execute(inputs: Inputs, _: Vector) -> Any:
    """One step of ADL; the long side where none is named."""
    of = side(inputs, is_long=flag(inputs, "is_long") if "is_long" in inputs else True)
    delta, least = inputs.number("size_delta_usd"), inputs.number("min_pnl_factor_after_adl")
    found = adl.deleveraged(of, inputs.number("index_price"), delta, least)
    return {"remaining_size_usd": found.remaining_usd, "valid": found.valid}


def capped_pnl(inputs: Inputs, _: Vector) -> Any:
    """A profit under the pool's cap."""
    position, whole = inputs.number("position_pnl"), inputs.number("pool_pnl")
    pool, factor = inputs.number("pool_usd_side"), inputs.number("max_pnl_factor_traders")
    return {"capped_position_pnl": adl.capped_profit(position, whole, pool, factor)}


def borrowing_fee(inputs: Inputs, _: Vector) -> Any:
    """The plain borrowing fee."""
    exponent = optional(inputs, "exponent", ONE)
    factor, pool = inputs.number("borrowing_factor"), inputs.number("pool_usd_side")
    rate = funding.borrowing_per_second(inputs.number("reserved_usd"), pool, factor, exponent)
    return {"fee_usd": funding.borrowing_fee(inputs.number("position_size_usd"), rate, inputs.number("seconds"))}


def usage_factor(inputs: Inputs, _: Vector) -> Any:
    """How much of what may be reserved is reserved."""
    pool, factor = inputs.number("pool_usd_side"), inputs.number("open_interest_reserve_factor")
    return {"usage_factor": funding.usage_factor(inputs.number("reserved_usd"), pool, factor)}


def interest(inputs: Inputs) -> impact.OpenInterest:
    """Open interest of both sides."""
    return impact.OpenInterest(inputs.number("long_oi"), inputs.number("short_oi"))


def impact_usd(inputs: Inputs) -> Decimal:
    """The impact of a vector's change in size."""
    exponent = inputs.number("exponent")
    factors = impact.ImpactFactors(inputs.number("pos_factor"), inputs.number("neg_factor"), exponent, exponent)
    return impact.price_impact(
        interest(inputs), inputs.number("size_delta_usd"), factors, is_long=flag(inputs, "is_long")
    )


def impact_increase(inputs: Inputs, _: Vector) -> Any:
    """Impact and execution price of an increase."""
    found, size, price = impact_usd(inputs), inputs.number("size_delta_usd"), inputs.number("index_price")
    executed = impact.increase_price(size, found, price, is_long=flag(inputs, "is_long"))
    return {"price_impact_usd": found, "execution_price": executed}


def impact_decrease(inputs: Inputs, _: Vector) -> Any:
    """Impact and execution price of a decrease."""
    found, price = impact_usd(inputs), inputs.number("index_price")
    held = inputs.number("position_size_usd"), inputs.number("position_size_tokens")
    size, is_long = inputs.number("size_delta_usd"), flag(inputs, "is_long")
    return {
        "price_impact_usd": found,
        "execution_price": impact.decrease_price(*held, size, found, price, is_long=is_long),
    }


def impact_doc(inputs: Inputs, _: Vector) -> Any:
    """The impact of an imbalance that stays on its side."""
    factor, exponent = inputs.number("factor"), inputs.number("exponent")
    factors = impact.ImpactFactors(factor, factor, exponent, exponent)
    initial, following = inputs.number("initial_diff"), inputs.number("next_diff")
    return {"impact_usd": impact.impact_of_imbalance(initial, following, factors, same_side=True)}


def capped_negative(inputs: Inputs, _: Vector) -> Any:
    """A negative impact under its cap."""
    size, raw = inputs.number("size_delta_usd"), inputs.number("raw_total_impact_usd")
    found = impact.capped_negative(size, raw, inputs.number("max_negative_factor"))
    return {"charged_impact_usd": found.charged, "claimable_usd": found.claimable}


def claimable(inputs: Inputs, _: Vector) -> Any:
    """What may be claimed now."""
    terms = impact.ClaimTerms(
        inputs.number("claimable_factor"),
        inputs.number("reduction_factor"),
        inputs.number("delay"),
        inputs.number("elapsed"),
    )
    return {"claim_now": impact.claimable_now(inputs.number("claimable"), terms, inputs.number("claimed"))}


def min_collateral(inputs: Inputs, _: Vector) -> Any:
    """Whether collateral alone covers a position while open interest is what it is."""
    facts = replace(
        markets().default,
        min_collateral_factor=inputs.number("min_collateral_factor"),
        interest_multiplier=inputs.number("oi_multiplier"),
    )
    change = requirement.Change(
        inputs.number("side_open_interest_usd"),
        inputs.number("open_interest_delta_usd"),
        inputs.number("realized_pnl_usd"),
    )
    collateral, price = inputs.number("collateral_amount"), inputs.number("collateral_price")
    found = requirement.sufficiency_after(facts, inputs.number("position_size_usd"), collateral, price, change)
    return {"factor": found.factor, "sufficient": found.sufficient}


def funding_static(inputs: Inputs, _: Vector) -> Any:
    """Static funding."""
    factor, exponent = inputs.number("funding_factor"), inputs.number("exponent")
    found = funding.static_funding(
        interest(inputs), factor, exponent, inputs.number("max_factor"), inputs.number("seconds")
    )
    return {"fee_usd": found.fee, "longs_pay": found.longs_pay}


def funding_adaptive(inputs: Inputs, _: Vector) -> Any:
    """Adaptive funding."""
    terms = funding.Adaptive(
        inputs.number("threshold_stable"),
        inputs.number("threshold_decrease"),
        inputs.number("increase_per_second"),
        inputs.number("decrease_per_second"),
        inputs.number("max_factor"),
        optional(inputs, "min_factor", ZERO),
        optional(inputs, "exponent", ONE),
    )
    saved, seconds = inputs.number("saved_factor_per_second"), inputs.number("seconds")
    found = funding.adapted(interest(inputs), saved, seconds, terms)
    return {"next_saved": found.saved, "longs_pay": found.longs_pay}


ADAPTERS = {
    ("gmx_v2", "is_position_liquidatable"): liquidatable,
    ("gmx_v2", "liquidation_payout"): liquidation_payout,
    ("gmx_v2", "adl_state"): adl_state,
    ("gmx_v2", "adl_execute"): adl_execute,
    ("gmx_v2", "capped_pnl"): capped_pnl,
    ("gmx_v2", "borrowing_fee"): borrowing_fee,
    ("gmx_v2", "usage_factor"): usage_factor,
    ("gmx_v2", "price_impact_increase"): impact_increase,
    ("gmx_v2", "price_impact_decrease"): impact_decrease,
    ("gmx_v2", "price_impact_doc"): impact_doc,
    ("gmx_v2", "capped_negative_impact_claimable"): capped_negative,
    ("gmx_v2", "claimable_collateral"): claimable,
    ("gmx_v2", "oi_scaled_min_collateral"): min_collateral,
    ("gmx_v2", "funding_static"): funding_static,
    ("gmx_v2", "funding_adaptive"): funding_adaptive,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
