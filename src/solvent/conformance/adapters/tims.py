"""Vectors of portfolio margin by theoretical values, and the strategy-based figures printed beside them."""

from __future__ import annotations

from typing import Any

from solvent.book import Book, Market, Method, Purpose
from solvent.conformance.vectors import Inputs, Vector
from solvent.margin.assess import assess_pool
from solvent.units import ONE
from solvent.venues import venue
from solvent.venues.reg_t.account import Statement, statement
from solvent.venues.reg_t.listing import Row, day_ns, securities
from solvent.venues.reg_t.rules import rates_of, with_class
from solvent.venues.tims import rules as tims

DATE = slice(10)  # a remark may stand behind a date


def account(inputs: Inputs, method: Method) -> tuple[Book, Market]:
    """The legs of a vector as one pool."""
    name = inputs.text("underlying")
    expiry = day_ns(inputs.text("expiry"))
    found = []
    for leg in inputs.rows("legs"):
        strike = leg.number("strike") if "strike" in leg else ONE
        symbol = leg.text("symbol") if "symbol" in leg else ""
        found.append(Row(leg.text("type"), leg.number("qty"), leg.number("price"), strike, expiry, symbol))
    return securities(
        name,
        inputs.number("underlying_price"),
        found,
        multiplier=inputs.number("contract_multiplier"),
        time_ns=day_ns(inputs.text("valuation_date")[DATE]),
        method=method,
        exercise=tims.exercise_of(venue("tims"), name),
    )


def portfolio(inputs: Inputs, vector: Vector) -> Any:
    """The requirement over the valuation points; beside it the strategy-based deposit where the vector prints one."""
    book, market = account(inputs, Method.SCENARIO)
    own = tims.with_class(
        venue("tims"),
        inputs.text("underlying"),
        inputs.number("shock_up"),
        inputs.number("shock_down"),
        inputs.whole("n_points"),
        inputs.number("min_per_contract"),
        inputs.number("contract_multiplier"),
    )
    found = assess_pool(book, tims.quotes_of_2007(market), own, Purpose.MAINTAIN, "securities")
    figures = {"margin": found.required}
    if "strategy_based_net_of_premium" in vector.expected:
        figures["strategy_based_net_of_premium"] = strategies(inputs, "equity").deposit
    return figures


def strategies(inputs: Inputs, name: str) -> Statement:
    """The same legs by strategies, in a class of underlyings."""
    book, market = account(inputs, Method.STRATEGY)
    rules = with_class(venue("reg_t"), inputs.text("underlying"), rates_of(name))
    return statement(book, market, rules, "securities", Purpose.ADMIT)


def strategy_table(inputs: Inputs, _: Vector) -> Any:
    """The deposit that opening the strategy takes."""
    return {"margin_net_of_premium": strategies(inputs, inputs.text("underlying_class")).deposit}


ADAPTERS = {
    ("tims", "tims_portfolio_margin"): portfolio,
    ("tims", "strategy_based_2007_table"): strategy_table,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
