"""Vectors of exchanges with single published formulas: Gate, Phemex, bit.com, Kraken, Dederi."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.conformance.building import POOL, STEP, Held, asset, contract, small_book
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin import assess_pool, liquidation_price
from solvent.units import ONE
from solvent.venues.smaller import formulas
from solvent.venues.smaller.rules import collateral_rules, isolated_rules

CONTRACT = "contract"
DOLLAR = "USD"
SIDE = {1: "long", -1: "short"}


def signed_size(inputs: Inputs) -> Decimal:
    """The size with the sign of its side."""
    size, side = inputs.number("qty"), SIDE.get(inputs.whole("side"))
    if side is None:
        raise VectorError(f"inputs.side: got {inputs.whole('side')}, expected 1 or -1")
    return {"long": size, "short": size.copy_negate()}[side]


def listed_assets(inputs: Inputs) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """Amount, price and haircut of each asset, under a name of its own."""
    found = {}
    for k, row in enumerate(inputs.table("assets")):
        match row:
            case (amount, price, haircut):
                found[f"asset {k}"] = (amount, price, haircut)
            case _:
                raise VectorError(f"inputs.assets[{k}]: expected an amount, a price and a haircut")
    return found


def numbers(inputs: Inputs, name: str) -> list[Decimal]:
    """A list of numbers."""
    given = inputs.given.get(name)
    rows = [[one] for one in given] if isinstance(given, list) else given
    return [one for row in Inputs({name: rows}).table(name) for one in row]


def gate_price(inputs: Inputs, _: Vector) -> Any:
    """LP of an isolated position on its margin."""
    signed = signed_size(inputs)
    entry = inputs.number("entry")
    book, market = small_book(inputs.number("margin"), [Held(CONTRACT, signed, entry, entry)])
    rules = isolated_rules(formulas.closing_rate(inputs.number("mmr"), inputs.number("taker")))
    return liquidation_price(book, market, rules, POOL, CONTRACT).solved


def phemex_price(inputs: Inputs, _: Vector) -> Any:
    """Margin assigned to an isolated long and its LP; the position is given by its value at the opening."""
    value, fee = inputs.number("open_value"), inputs.number("fee")
    assigned = formulas.assigned_margin(value, inputs.number("leverage"), fee)
    listed = contract(Held(CONTRACT, ONE, ONE, ONE))
    position = Position(CONTRACT, listed.lots(inputs.number("size")), listed.settle.units(value))
    holding = Holding(Pool(POOL), {listed.settle.name: listed.settle.units(assigned)}, (position,))
    book = Book({listed.settle.name: listed.settle}, {CONTRACT: listed}, (holding,))
    rules = isolated_rules(formulas.closing_rate(inputs.number("mmr"), fee))
    # No mark is given and the price does not depend on one: the finest step stands for it.
    market = Market({PriceKey(PriceKind.MARK, CONTRACT, listed.quote.name): STEP})
    return {"assigned": assigned, "liq_price": liquidation_price(book, market, rules, POOL, CONTRACT).solved}


def collateral(inputs: Inputs, _: Vector) -> Any:
    """What several assets count together."""
    named = listed_assets(inputs)
    assets = {name: asset(name) for name in (DOLLAR, *named)}
    cash = {name: assets[name].units(row[0]) for name, row in named.items()}
    prices = {PriceKey(PriceKind.INDEX, name, DOLLAR): row[1] for name, row in named.items()}
    book = Book(assets, {}, (Holding(Pool(POOL, numeraire=DOLLAR), cash),))
    rules = collateral_rules({name: row[2] for name, row in named.items()})
    return assess_pool(book, Market(prices), rules, Purpose.MAINTAIN, POOL).margin_equity


def future_risk(inputs: Inputs, _: Vector) -> Any:
    """Price, contingency and profits of one future over a grid of shocks."""
    index, size = inputs.number("index"), inputs.number("qty")
    price = formulas.forward_price(index, inputs.number("abr"), inputs.number("days"))
    risk = formulas.future_risk(size, index, price, inputs.number("factor"), numbers(inputs, "shocks"))
    return {"F0": risk.price, "contingency": risk.contingency, "pnl": risk.profits}


ADAPTERS = {
    ("gate_linear_isolated", "liq_price_isolated"): gate_price,
    ("phemex_isolated", "liq_price_isolated"): phemex_price,
    ("bit_com_um", "collateral_haircut"): collateral,
    ("kraken_multi_collateral", "collateral_haircut"): collateral,
    ("dederi_pm", "future_contingency_and_grid"): future_risk,
}

ELSEWHERE: dict[Any, str] = {}
