"""Vectors of Bybit: isolated and classic accounts, options, portfolio margin, collateral, ADL."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from solvent.book import Book, Holding, Market, Pool, PriceKey, PriceKind, Purpose
from solvent.conformance.building import POOL, Held, asset, lone_unit, one_bracket, small_book
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.instruments import OptionKind, Payoff
from solvent.margin import assess_pool, explain, liquidation_price, unified
from solvent.margin.scenario.money import figure
from solvent.margin.scenario.shocks import PlainShock, Scenario
from solvent.margin.scenario.units import Grid, along, worst
from solvent.rates import Schedule
from solvent.rules import VenueRules
from solvent.units import ZERO
from solvent.venues import venue
from solvent.venues.bybit_uta import formulas, portfolio, tiers
from solvent.venues.bybit_uta.rules import flat_rate
from solvent.venues.parts import with_ratios

CONTRACT = "contract"
USD = "USD"
COIN = "BTC"
SIDE = {1: "long", -1: "short"}
KIND = {"C": OptionKind.CALL, "P": OptionKind.PUT}
CONTINGENCIES = (
    "option_contingency",
    "delta_contingency",
    "vega_contingency",
    "usdt_usdc_contingency",
    "future_contingency",
)
UNMOVED = PlainShock(0.0, 0.0)
GRID_ROWS = ("perp", "option_iv_down", "spot_hedge")


def side(inputs: Inputs) -> str:
    """The word of a side."""
    number = inputs.whole("side")
    if number not in SIDE:
        raise VectorError(f"{inputs.place}.side: got {number}, expected 1 or -1")
    return SIDE[number]


def signed(inputs: Inputs, name: str = "qty") -> Decimal:
    """A size with the sign of its side."""
    amount = inputs.number(name)
    return {"long": amount, "short": amount.copy_negate()}[side(inputs)]


def numbers(inputs: Inputs, name: str) -> list[Decimal]:
    """A list of numbers."""
    given = inputs.given.get(name)
    if not isinstance(given, list):
        raise VectorError(f"{inputs.place}.{name}: expected a list of numbers")
    return [Inputs({"number": one}, f"{inputs.place}.{name}[{k}]").number("number") for k, one in enumerate(given)]


def caps(given: Any, place: str) -> list[tuple[Decimal | None, Decimal]]:
    """Rows of upper bound (null: none) and rate."""
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise VectorError(f"{place}: expected a list of rows of upper bound and rate")
    found = []
    for row in given:
        named = Inputs(dict(zip(("cap", "rate"), row, strict=False)), place)
        found.append((None if named.given.get("cap") is None else named.number("cap"), named.number("rate")))
    return found


def solved(rules: VenueRules, wallet: Decimal, held: Held) -> Decimal | None:
    """The liquidation price of one position with its wallet."""
    book, market = small_book(wallet, [held])
    return liquidation_price(book, market, rules, POOL, held.symbol).solved


def isolated(inputs: Inputs, payoff: Payoff) -> dict[str, Any]:
    """An isolated position under the entry-price rules: value, margins and liquidation price."""
    entry, settle = inputs.number("entry"), {Payoff.LINEAR: "USDT", Payoff.INVERSE: COIN}[payoff]
    held = Held(CONTRACT, signed(inputs), entry, entry, payoff=payoff, settle=settle)
    rules = flat_rate(venue("bybit_uta_2024"), CONTRACT, Schedule.flat(inputs.number("mmr")))
    book, market = small_book(ZERO, [held])
    (found,) = explain(book, market, rules, POOL).contributions
    initial = unified.initial_margin(found.notional, inputs.number("leverage"))
    return {
        "position_value": found.notional,
        "im": initial,
        "mm": found.required,
        "liq_price": solved(rules, initial, held),
    }


def linear_isolated(inputs: Inputs, _: Vector) -> Any:
    """A linear isolated position until 2025-09-02."""
    return isolated(inputs, Payoff.LINEAR)


def inverse_isolated(inputs: Inputs, _: Vector) -> Any:
    """An inverse isolated position until 2025-09-02."""
    return isolated(inputs, Payoff.INVERSE)


def inverse_isolated_on_mark(inputs: Inputs, _: Vector) -> Any:
    """Liquidation price of an inverse isolated position with margin on mark."""
    entry, contracts = inputs.number("entry"), signed(inputs)
    held = Held(CONTRACT, contracts, entry, entry, payoff=Payoff.INVERSE, settle=COIN)
    rules = flat_rate(venue("bybit_uta"), CONTRACT, one_bracket(inputs.number("mmr"), inputs.number("deduction")))
    book, market = small_book(ZERO, [held])
    (found,) = explain(book, market, rules, POOL).contributions
    leverage, extra, fee = inputs.number("leverage"), inputs.number("extra"), inputs.number("fee")
    wallet = formulas.isolated_collateral(found.notional, leverage, extra, fee, inputs.whole("side"))
    return solved(rules, wallet, held)


def classic_inverse_cross(inputs: Inputs, _: Vector) -> Any:
    """An inverse long in the classic cross account."""
    found = formulas.classic_inverse_cross(
        inputs.number("qty"),
        inputs.number("entry"),
        inputs.number("balance"),
        inputs.number("order_margin"),
        inputs.number("mmr"),
    )
    return {"bankruptcy_price": found.bankruptcy_price, "liq_price": found.liquidation_price}


def sustainable_loss(inputs: Inputs, _: Vector) -> Any:
    """What a classic linear cross position may lose."""
    found = formulas.sustainable_loss(
        inputs.number("qty"),
        inputs.number("entry"),
        inputs.number("available"),
        inputs.number("imr"),
        inputs.number("mmr"),
    )
    return {"im": found.initial, "mm": found.maintenance, "sustainable_loss": found.loss}


def bankruptcy_price(inputs: Inputs, _: Vector) -> Any:
    """Bankruptcy price of an isolated inverse position, a long where no side is given."""
    number = inputs.whole("side") if "side" in inputs else 1
    return formulas.bankruptcy_price_inverse(inputs.number("entry"), inputs.number("leverage"), number)


def tiered_margin(inputs: Inputs, _: Vector) -> Any:
    """Maintenance margin of a position over a given table of tiers."""
    table = tiers.risk_tiers(caps(inputs.given.get("tiers"), f"{inputs.place}.tiers"))
    price = inputs.number("price")
    book, market = small_book(ZERO, [Held(CONTRACT, inputs.number("qty"), price, price)])
    found = explain(book, market, flat_rate(venue("bybit_uta"), CONTRACT, table), POOL)
    (one,) = found.contributions
    (piece,) = [line.piece for line in found.assessment.lines if line.piece is not None]
    return {"position_value": one.notional, "rate": piece.rate, "deduction": piece.deduction, "mm": one.required}


def _short_option(inputs: Inputs, average: str) -> formulas.OptionMargin:
    kind = inputs.text("type")
    if kind not in KIND:
        raise VectorError(f"{inputs.place}.type: got {kind!r}, expected C or P")
    size, strike, index, mark = (inputs.number(name) for name in ("qty", "strike", "index", "mark"))
    rate, fee = inputs.number("mmf"), inputs.number("liqfee")
    return formulas.short_option_margin(KIND[kind], size, strike, index, mark, inputs.number(average), rate, fee)


def short_option_maintenance(inputs: Inputs, _: Vector) -> Any:
    """Maintenance margin of a short option, and its share of the margin balance."""
    maintenance = _short_option(inputs, "mark").maintenance
    return {"mm": maintenance, "mm_rate": unified.margin_share(maintenance, inputs.number("margin_balance"))}


def short_option_margin(inputs: Inputs, _: Vector) -> Any:
    """Initial and maintenance margin of a short option."""
    found = _short_option(inputs, "avg")
    return {"im": found.initial, "mm": found.maintenance}


def option_cost(inputs: Inputs, _: Vector) -> Any:
    """What a long option takes."""
    size, index, price = inputs.number("qty"), inputs.number("index"), inputs.number("price")
    found = formulas.option_cost(size, index, price, inputs.number("taker"), inputs.number("cap"))
    return {"premium": found.premium, "fee": found.fee, "cost": found.total}


def account_rates(inputs: Inputs, _: Vector) -> Any:
    """Account rates in portfolio margin."""
    equity = inputs.number("equity")
    return {
        "mm_rate": portfolio.account_rate(inputs.number("account_mm"), equity),
        "im_rate": portfolio.account_rate(inputs.number("account_im"), equity),
    }


def grid_of_contract(inputs: Inputs, _: Vector) -> Any:
    """Results of a contract over the grid."""
    unit = lone_unit(inputs.number("qty"), inputs.number("price"))
    return list(along(Market({}), unit, USD, numbers(inputs, "grid"), in_coin=False))


def grid_total(inputs: Inputs, _: Vector) -> Any:
    """Results of all rows over the grid, as the scan adds them up."""
    rows = portfolio.together([np.array(numbers(inputs, name), dtype=np.float64) for name in GRID_ROWS])
    scenarios = tuple(Scenario(f"point {k}", 1.0) for k in range(len(rows)))
    found = worst(Grid(scenarios, UNMOVED, in_coin=False), GRID_ROWS, rows)
    return [figure(one) for one in found.profit.tolist()]


def asset_margin(inputs: Inputs, _: Vector) -> Any:
    """Contingencies and maintenance margin of a base coin."""
    found = portfolio.asset_maintenance(
        inputs.number("max_loss"), [inputs.number(name) for name in CONTINGENCIES if name in inputs]
    )
    return {"contingency": found.contingency, "asset_mm": found.maintenance}


def initial_factor(inputs: Inputs, _: Vector) -> Any:
    """Initial margin of a base coin."""
    return portfolio.asset_initial(inputs.number("asset_mm"), inputs.number("im_factor"))


def future_contingency(inputs: Inputs, _: Vector) -> Any:
    """The charge on futures and perpetuals."""
    return portfolio.future_contingency(inputs.number("qty"), inputs.number("index"), inputs.number("rate"))


def adl_trigger(inputs: Inputs, _: Vector) -> Any:
    """Whether auto-deleveraging starts."""
    found = formulas.adl_trigger(
        inputs.number("balance"),
        inputs.number("max_balance_8h"),
        inputs.number("pnl"),
        inputs.number("max_pnl_8h"),
        inputs.number("trigger"),
        inputs.number("pnl_ratio"),
    )
    return {"pnl_ratio": found.ratio, "triggered": found.triggered}


def collateral_value(inputs: Inputs, _: Vector) -> Any:
    """What balances count as margin in USD."""
    return counted_balances(venue("bybit_uta"), inputs)


def counted_balances(rules: VenueRules, inputs: Inputs) -> Decimal:
    """The margin equity of balances with their own tables of collateral ratios under a rule set judged in USD."""
    rows = _balances(inputs)
    names = [f"asset {k}" for k in range(len(rows))]
    cash = {name: asset(name).units(row.number("quantity")) for name, row in zip(names, rows, strict=True)}
    prices = {PriceKey(PriceKind.INDEX, name, USD): row.number("price") for name, row in zip(names, rows, strict=True)}
    ratios = {name: caps(row.given.get("tiers"), f"{row.place}.tiers") for name, row in zip(names, rows, strict=True)}
    assets = {name: asset(name) for name in [USD, *names]}
    book = Book(assets, {}, (Holding(Pool(POOL, numeraire=USD), cash),))
    return assess_pool(book, Market(prices), with_ratios(rules, ratios), Purpose.MAINTAIN, POOL).margin_equity


def _balances(inputs: Inputs) -> Sequence[Inputs]:
    given = inputs.given.get("assets")
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise VectorError(f"{inputs.place}.assets: expected a list of rows of quantity, price and tiers")
    words = ("quantity", "price", "tiers")
    return [Inputs(dict(zip(words, row, strict=False)), f"{inputs.place}.assets[{k}]") for k, row in enumerate(given)]


ADAPTERS = {
    ("bybit_linear_isolated_v1", "liq_price_isolated"): linear_isolated,
    ("bybit_inverse_isolated_v1", "liq_price_isolated"): inverse_isolated,
    ("bybit_uta_isolated_v2", "liq_price_isolated_inverse"): inverse_isolated_on_mark,
    ("bybit_inverse_cross_classic", "liq_price_cross"): classic_inverse_cross,
    ("bybit_linear_cross_classic", "sustainable_loss"): sustainable_loss,
    ("bybit", "bankruptcy_price_inverse_isolated"): bankruptcy_price,
    ("bybit_linear", "tiered_mm"): tiered_margin,
    ("bybit_options_cross", "option_short_mm"): short_option_maintenance,
    ("bybit_options_cross", "option_short_im_mm"): short_option_margin,
    ("bybit_options_cross", "option_long_cost"): option_cost,
    ("bybit_pm", "account_rates"): account_rates,
    ("bybit_pm", "stress_grid_perp"): grid_of_contract,
    ("bybit_pm", "stress_grid_total"): grid_total,
    ("bybit_pm", "asset_mm"): asset_margin,
    ("bybit_pm", "im_factor"): initial_factor,
    ("bybit_pm", "future_contingency"): future_contingency,
    ("bybit_adl", "adl_trigger"): adl_trigger,
    ("bybit_uta", "collateral_value"): collateral_value,
}

ELSEWHERE: dict[tuple[str, str] | str, str] = {}
