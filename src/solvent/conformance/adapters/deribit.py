"""Vectors of Deribit: standard margin of futures and options, settlement, and portfolio margin of futures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from solvent.book import Market, Purpose
from solvent.conformance.adapters.bybit_uta import KIND, numbers
from solvent.conformance.building import POOL, Held, coin_futures, lone_unit, small_book
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.instruments import OptionKind
from solvent.margin import assess_pool
from solvent.margin.scenario.money import figure
from solvent.margin.scenario.units import along
from solvent.margin.unified import margin_share
from solvent.units import ONE, ZERO
from solvent.venues import venue
from solvent.venues.deribit import formulas, portfolio
from solvent.venues.deribit.portfolio import Parameters
from solvent.venues.deribit.rules import parameters as default_parameters
from solvent.venues.deribit.rules import simulations, with_parameters
from solvent.venues.deribit.slopes import Slopes, with_slopes

CONTRACT, COIN = "contract", "BTC"
EXTRAS = ("delta_shock", "correlation_contingency", "mmp_margin", "open_orders_margin")
CASE = ("type", "strike", "settlement", "premium", "size")


def kind(inputs: Inputs) -> OptionKind:
    """Call or put."""
    text = inputs.text("type")
    if text not in KIND:
        raise VectorError(f"{inputs.place}.type: got {text!r}, expected C or P")
    return KIND[text]


def by_name(inputs: Inputs, name: str) -> dict[str, Decimal]:
    """An object of numbers."""
    given = inputs.given.get(name)
    if not isinstance(given, dict):
        raise VectorError(f"{inputs.place}.{name}: expected an object of numbers")
    inner = Inputs(given, f"{inputs.place}.{name}")
    return {key: inner.number(key) for key in given}


def future_margin(inputs: Inputs, _: Vector) -> Any:
    """Initial and maintenance margin of a linear position."""
    price = inputs.number("price")
    rules = with_slopes(venue("deribit"), Slopes(inputs.number("im0"), inputs.number("mm0"), inputs.number("slope")))
    book, market = small_book(ZERO, [Held(CONTRACT, inputs.number("qty"), price, price)])
    found: dict[str, Decimal] = {}
    for word, purpose in (("im", Purpose.ADMIT), ("mm", Purpose.MAINTAIN)):
        (line,) = [one for one in assess_pool(book, market, rules, purpose, POOL).lines if one.piece is not None]
        found.update({word: line.required, f"{word}_pct": line.piece.rate if line.piece is not None else ZERO})
    return found


def short_option(inputs: Inputs, _: Vector) -> Any:
    """Margins of a short inverse option."""
    size, strike = inputs.number("qty"), inputs.number("strike")
    found = formulas.short_option_margin(kind(inputs), size, strike, inputs.number("und"), inputs.number("mark"))
    return {"im": found.initial, "mm": found.maintenance}


def settled_options(inputs: Inputs, _: Vector) -> Any:
    """Gains of options at settlement."""
    given = inputs.given.get("cases")
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise VectorError(f"{inputs.place}.cases: expected a list of rows")
    cases = [Inputs(dict(zip(CASE, row, strict=False)), f"{inputs.place}.cases[{k}]") for k, row in enumerate(given)]
    return [
        formulas.settled_option(
            kind(case),
            case.number("strike"),
            case.number("settlement"),
            case.number("premium"),
            case.number("size"),
        )
        for case in cases
    ]


def parameters(inputs: Inputs) -> Parameters:
    """The vector's risk parameters for one coin; what it does not give is the rule set's own."""
    own = default_parameters()
    pair, terms = own.pair(COIN), own.currency(COIN)
    return replace(
        own,
        buckets=inputs.whole("buckets"),
        maintenance_share=inputs.number("mm_factor"),
        pairs={COIN: pair._replace(price_range=inputs.number("price_range"))},
        currencies={
            COIN: terms._replace(
                gain_credit=inputs.number("pnl_offset"),
                least_move=inputs.number("min_annualised_move"),
                move_by_year=inputs.number("annualised_move_risk"),
            )
        },
    )


def simulated(inputs: Inputs, _: Vector) -> Any:
    """Portfolio margin of an account of inverse futures, and the parts of its risk matrix."""
    days = by_name(inputs, "dte") if "dte" in inputs else {}
    book, market = coin_futures(COIN, by_name(inputs, "positions"), days)
    given = {(name, COIN): inputs.number(name) for name in EXTRAS if name in inputs}
    market = replace(market, wide=given)
    rules = with_parameters(venue("deribit_pm_segregated"), parameters(inputs))
    (found,) = simulations(book, market, rules, POOL)
    admit, maintain = (assess_pool(book, market, rules, one, POOL) for one in (Purpose.ADMIT, Purpose.MAINTAIN))
    return {
        "worst_case": found.worst,
        "roll_shock": found.roll_shock,
        "risk_matrix_margin": found.risk_matrix,
        "initial_margin": admit.required,
        "maintenance_margin": maintain.required,
    }


def price_vector(inputs: Inputs, _: Vector) -> Any:
    """Results of an inverse future over the grid."""
    unit = lone_unit(inputs.number("q"), ONE, inverse=True)
    return list(along(Market({}), unit, COIN, numbers(inputs, "shocks"), in_coin=True))


def credited_gains(inputs: Inputs, _: Vector) -> Any:
    """Gains at the share that counts."""
    gains = np.array(numbers(inputs, "gains"), dtype=np.float64)
    return [figure(one) for one in portfolio.credited(gains, inputs.number("pnl_offset")).tolist()]


def margin_use(inputs: Inputs, _: Vector) -> Any:
    """Margins as shares of equity, all in USD."""
    equity = inputs.number("total_equity_usd")
    return {
        "im_pct": margin_share(inputs.number("total_initial_margin_usd"), equity),
        "mm_pct": margin_share(inputs.number("total_maintenance_margin_usd"), equity),
    }


def volatility_shock(inputs: Inputs, _: Vector) -> Any:
    """Volatility changes by days to expiry."""
    base, power = inputs.number("base"), inputs.number("power")
    return [formulas.volatility_shock(days, base, power) for days in numbers(inputs, "dte")]


def contingencies(inputs: Inputs, _: Vector) -> Any:
    """Contingencies of 2019."""
    calls, puts = inputs.number("call"), inputs.number("put")
    long, short = inputs.number("fut_long"), inputs.number("fut_short")
    return {
        "option": formulas.option_contingency(calls, puts, inputs.number("per_option")),
        "future": formulas.future_contingency(long, short, inputs.number("fut_rate")),
    }


ADAPTERS = {
    ("deribit_sm_linear", "im_mm"): future_margin,
    ("deribit_sm_option", "option_short_im_mm"): short_option,
    ("deribit_options", "settlement_inverse"): settled_options,
    ("deribit_pm", "pm_simulate"): simulated,
    ("deribit_pm", "pm_price_vector"): price_vector,
    ("deribit_pm", "pm_pnl_offset"): credited_gains,
    ("deribit_sm_account", "cross_pm_usd"): margin_use,
    ("deribit_pm_2019", "vol_shock"): volatility_shock,
    ("deribit_pm_2019", "contingencies"): contingencies,
}

ELSEWHERE: dict[tuple[str, str] | str, str] = {}
