"""Vectors of BitMEX: risk limits, bankruptcy and liquidation prices, fair price, ADL rank."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solvent.book import Purpose
from solvent.conformance.building import POOL, Held, small_book
from solvent.conformance.vectors import Inputs, Vector
from solvent.instruments import Payoff
from solvent.margin import assess_pool, liquidation_price
from solvent.rules import VenueRules
from solvent.venues.bitmex import formulas
from solvent.venues.bitmex.formulas import RiskLimits
from solvent.venues.bitmex.rules import bitmex_usdt, contract_margin
from solvent.venues.parts import TierTable

CONTRACT = "contract"
HIGHEST_LEVERAGE = 100


def linear_rules(inputs: Inputs) -> VenueRules:
    """The linear rule set with the vector's own rates."""
    margin = contract_margin(RiskLimits(inputs.number("mmr"), inputs.number("imr")), HIGHEST_LEVERAGE)
    return replace(bitmex_usdt(), margin=TierTable(by_symbol={CONTRACT: margin}))


def liquidation_and_bankruptcy(inputs: Inputs, _: Vector) -> Any:
    """A linear position on a whole wallet: requirements, what is left, and both prices."""
    size, entry, wallet = inputs.number("qty"), inputs.number("entry"), inputs.number("wallet")
    book, market = small_book(wallet, [Held(CONTRACT, size, entry, entry)])
    rules = linear_rules(inputs)
    admitted = assess_pool(book, market, rules, Purpose.ADMIT, POOL)
    return {
        "im": admitted.required,
        "mm": assess_pool(book, market, rules, Purpose.MAINTAIN, POOL).required,
        "bankruptcy_price": formulas.bankruptcy_price(size, entry, wallet),
        "liq_price": liquidation_price(book, market, rules, POOL, CONTRACT).solved,
        "available": admitted.surplus,
    }


def risk_limit(inputs: Inputs, _: Vector) -> Any:
    """Rates of a whole position."""
    limits = RiskLimits(inputs.number("mm0"), inputs.number("im0"), inputs.number("base"), inputs.number("step"))
    rates = limits.rates(inputs.number("position"))
    return {"mm": rates.maintenance, "im": rates.initial}


def maintenance(inputs: Inputs, _: Vector) -> Any:
    """Margin of a position value."""
    return formulas.maintenance_margin(inputs.number("position"), inputs.number("mm"))


def fair_price(inputs: Inputs, _: Vector) -> Any:
    """Mark of a perpetual."""
    left, interval = inputs.number("time_until"), inputs.number("interval")
    return formulas.fair_price(inputs.number("index"), inputs.number("funding"), left, interval)


def adl_rank(inputs: Inputs, _: Vector) -> Any:
    """Rank of a position by its signed values."""
    mark, entry = inputs.number("mark_value"), inputs.number("avg_entry_value")
    rank = formulas.adl_rank(mark, entry, inputs.number("bankrupt_value"))
    return {"pnl_pct": rank.profit_share, "eff_leverage": rank.leverage, "ranking": rank.ranking}


def bankruptcy(inputs: Inputs, _: Vector) -> Any:
    """Bankruptcy price of an isolated inverse position."""
    size, entry, margin = inputs.number("qty"), inputs.number("entry"), inputs.number("im")
    return formulas.bankruptcy_price(size, entry, margin, Payoff.INVERSE)


def losses(inputs: Inputs, _: Vector) -> Any:
    """The same loss with isolated margin and with the whole wallet."""
    given = (inputs.number("position_xbt"), inputs.number("entry"), inputs.number("price"))
    return {
        "isolated_loss": formulas.isolated_loss(*given, inputs.number("isolated_margin")),
        "cross_loss": formulas.cross_loss(*given),
    }


ADAPTERS = {
    ("bitmex", "liq_bankruptcy"): liquidation_and_bankruptcy,
    ("bitmex", "risk_limit_step"): risk_limit,
    ("bitmex", "maintenance_margin"): maintenance,
    ("bitmex", "fair_price"): fair_price,
    ("bitmex", "adl_rank"): adl_rank,
    ("bitmex", "bankruptcy_price"): bankruptcy,
    ("bitmex", "isolated_vs_cross_loss"): losses,
}

ELSEWHERE: dict[Any, str] = {}
