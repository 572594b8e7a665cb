"""Vectors of an account of one long stock bought on a loan."""

from __future__ import annotations

from typing import Any

from solvent.book import Purpose
from solvent.conformance.vectors import Inputs, Vector
from solvent.margin.assess import assess_pool
from solvent.venues import venue
from solvent.venues.reg_t.listing import Row, securities
from solvent.venues.reg_t.rules import rates_of, with_class, with_stock_rate
from solvent.venues.reg_t.stock_account import StockAccount

NAME = "STOCK"


def account(inputs: Inputs) -> StockAccount:
    """The account of a vector."""
    return StockAccount(inputs.number("shares"), inputs.number("debit"), inputs.number("maintenance"))


def figures(inputs: Inputs, _: Vector) -> Any:
    """The account at a price."""
    price, rate = inputs.number("price"), inputs.number("maintenance")
    rules = with_class(venue("reg_t"), NAME, with_stock_rate(rates_of("equity"), rate))
    row = Row("stock", inputs.number("shares"), price)
    book, market = securities(NAME, price, [row], debit=inputs.number("debit"))
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, "securities")
    value = account(inputs).value(price)
    return {
        "market_value": value,
        "equity": found.margin_equity,
        "maintenance": found.required,
        "excess": found.surplus,
    }


def call_price(inputs: Inputs, _: Vector) -> Any:
    """Where the account is called."""
    return {"price": account(inputs).call_price()}


def trigger_price(inputs: Inputs, _: Vector) -> Any:
    """Where too much of maintenance is missing."""
    return {"price": account(inputs).deficiency_price(inputs.number("deficiency_fraction"))}


def stress_price(inputs: Inputs, _: Vector) -> Any:
    """Where a move of the index would eat the excess."""
    return {"price": account(inputs).stressed_price(inputs.number("beta"), inputs.number("spy_move"))}


ADAPTERS = {
    ("reg_t_account", "regt_long_stock_account"): figures,
    ("reg_t_account", "regt_margin_call_price"): call_price,
    ("reg_t_account", "regt_deficiency_trigger_price"): trigger_price,
    ("reg_t_account", "beta_stress_restriction_price"): stress_price,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
