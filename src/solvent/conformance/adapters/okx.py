"""Vectors of OKX: isolated and spot margin, tiers, discounts, and the published parts of portfolio margin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.book import Market
from solvent.conformance.adapters.bybit_uta import caps, counted_balances, numbers, signed, solved
from solvent.conformance.building import Held, lone_unit
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin import unified
from solvent.margin.curves import RateBySize, Steps
from solvent.margin.scenario.units import Unit, along
from solvent.rates import Schedule
from solvent.units import ONE, ZERO
from solvent.venues import venue
from solvent.venues.okx import formulas, portfolio
from solvent.venues.okx.rules import flat_rate

CONTRACT, USD = "contract", "USD"
PARTS = ("mr1", "mr2", "mr3", "mr4", "mr5", "mr6", "mr7", "mr9")


def unit_of(inputs: Inputs) -> Unit:
    """A linear swap of a base worth so many dollars at the index, long or short (short where no side is given)."""
    base = signed(inputs, "base_usd") if "side" in inputs else inputs.number("base_usd").copy_negate()
    return lone_unit(base, ONE)


def spot_scenarios(inputs: Inputs, _: Vector) -> Any:
    """Results of a linear swap by shock, keyed by the shock as it is written."""
    shocks = numbers(inputs, "shocks")
    results = along(Market({}), unit_of(inputs), USD, shocks, in_coin=False)
    return {str(shock): result for shock, result in zip(shocks, results, strict=True)}


def extreme_move(inputs: Inputs, _: Vector) -> Any:
    """The extreme move against a short swap and its charge."""
    (result,) = along(Market({}), unit_of(inputs), USD, [inputs.number("shock")], in_coin=False)
    found = portfolio.extreme_charge(result, inputs.number("factor"))
    return {"pnl": found.result, "mr6": found.charge}


def cash_delta(inputs: Inputs, _: Vector) -> Any:
    """Cash delta of a swap."""
    contracts, value = inputs.number("contracts"), inputs.number("ct_val")
    return portfolio.cash_delta(contracts, value, inputs.number("mark"), inputs.number("usdt_usd"))


def linear_charges(inputs: Inputs, _: Vector) -> Any:
    """Basis and reduction charges of a lone swap."""
    delta = inputs.number("delta")
    found = portfolio.linear_charges(delta, inputs.number("mr4_rate"), inputs.number("mr7_rate"))
    return {"mr4": found.basis, "mr7": found.reduction}


def unit_margin(inputs: Inputs, _: Vector) -> Any:
    """Margin of a risk unit from its parts; a part that is not given is zero."""
    found = portfolio.unit_margin(*(inputs.number(name) if name in inputs else ZERO for name in PARTS))
    return {"mmr": found.maintenance, "imr": found.initial}


def account_totals(inputs: Inputs, _: Vector) -> Any:
    """Margins of an account."""
    owed, rate = inputs.number("liab_usd"), inputs.number("borrow_mmr_rate")
    found = portfolio.account_totals(numbers(inputs, "unit_mmr"), owed, rate, inputs.number("borrow_leverage"))
    return {
        "deriv_mmr": found.derivatives,
        "borrow_mmr": found.borrow_maintenance,
        "borrow_imr": found.borrow_initial,
        "total_mmr": found.maintenance,
        "total_imr": found.initial,
    }


def margin_ratio(inputs: Inputs, _: Vector) -> Any:
    """Equity over margin and fees."""
    equity, maintenance, owed = (inputs.number(name) for name in ("eq", "total_mmr", "liab_usd"))
    return portfolio.margin_ratio(equity, maintenance, owed, inputs.number("borrow_mmr"), inputs.number("fee"))


def one_balance(inputs: Inputs, _: Vector) -> Any:
    """What one balance counts in USD; the vector gives a debt, and no discount table."""
    whole = {"assets": [[inputs.number("cash"), inputs.number("usdt_usd"), [[None, Decimal(1)]]]]}
    return counted_balances(venue("okx_multi"), Inputs(whole))


def scaled_reduction(inputs: Inputs, _: Vector) -> Any:
    """MR7 after scaling, and the margin it leads to with the rest of the unit's."""
    table = caps(inputs.given.get("tiers"), f"{inputs.place}.tiers")
    scaled = portfolio.scaled_reduction(inputs.number("mr7_raw"), table)
    unit = portfolio.unit_margin(inputs.number("mr"), ZERO, ZERO, ZERO, ZERO, ZERO, scaled)
    return {"mr7_adj": scaled, "mmr": unit.maintenance}


def discounted(inputs: Inputs, _: Vector) -> Any:
    """What balances count as margin in USD."""
    return counted_balances(venue("okx_multi"), inputs)


def initial_margin(inputs: Inputs, _: Vector) -> Any:
    """Initial margin in the coin and in quote."""
    size, leverage = inputs.number("btc"), inputs.number("leverage")
    value = formulas.position_value(size, inputs.number("price"))
    return {
        "crypto_margined_btc": unified.initial_margin(size, leverage),
        "usdt_margined": unified.initial_margin(value, leverage),
    }


def isolated_price(inputs: Inputs, _: Vector) -> Any:
    """Liquidation price of an isolated position with its margin, the fee inside."""
    entry = inputs.number("entry")
    rules = flat_rate(venue("okx"), CONTRACT, inputs.number("mmr"), inputs.number("taker"))
    return solved(rules, inputs.number("margin"), Held(CONTRACT, signed(inputs), entry, entry))


def bracket(inputs: Inputs, _: Vector) -> Any:
    """The rates of sizes over a table of floors."""
    try:
        rows = [(floor, rate) for floor, rate in inputs.table("tiers_floor_exclusive")]
    except ValueError:
        raise VectorError(f"{inputs.place}.tiers_floor_exclusive: expected rows of floor and rate") from None
    table = RateBySize(Steps(Schedule.step(rows)))
    return [table.rate(size) for size in numbers(inputs, "notional")]


def spot_margin_price(inputs: Inputs, _: Vector) -> Any:
    """Liquidation price of an isolated spot margin position."""
    return formulas.spot_margin_liquidation_price(
        quote_owed=inputs.number("quote_liab"),
        quote_held=inputs.number("quote_asset"),
        base_owed=inputs.number("base_liab"),
        base_held=inputs.number("base_asset"),
        maintenance_rate=inputs.number("mmr"),
        taker=inputs.number("taker"),
    )


ADAPTERS = {
    ("okx_pm", "mr1_scenarios"): spot_scenarios,
    ("okx_pm", "mr6"): extreme_move,
    ("okx_pm", "delta_usd"): cash_delta,
    ("okx_pm", "mr4_mr7"): linear_charges,
    ("okx_pm", "risk_unit_mmr"): unit_margin,
    ("okx_pm", "mmr_with_spot_offset"): unit_margin,
    ("okx_pm", "account_totals"): account_totals,
    ("okx_pm", "margin_ratio"): margin_ratio,
    ("okx_pm", "equity_usdt_discount"): one_balance,
    ("okx_pm", "mr7_scaling"): scaled_reduction,
    ("okx_mcm", "discounted_collateral"): discounted,
    ("okx_isolated", "initial_margin"): initial_margin,
    ("okx_linear_isolated", "liq_price_isolated"): isolated_price,
    ("okx_tiers", "bracket_lookup"): bracket,
    ("okx_spot_margin", "liq_price_spot_margin"): spot_margin_price,
}

ELSEWHERE: dict[tuple[str, str] | str, str] = {}
