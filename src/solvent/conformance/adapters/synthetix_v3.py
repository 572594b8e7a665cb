"""Vectors of Synthetix V3: accounts through ring 1 on small books, orders and rates by their public functions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.instruments import Perpetual
from solvent.margin import explain
from solvent.rules import VenueRules
from solvent.units import ZERO, Asset
from solvent.venues import venue
from solvent.venues.synthetix_v3 import funding, liquidation, orders
from solvent.venues.synthetix_v3.account import Margins, margins
from solvent.venues.synthetix_v3.collateral import discount
from solvent.venues.synthetix_v3.requirement import PerpFacts, PerpTable
from solvent.venues.synthetix_v3.rewards import Guards, KeeperRules, keeper_reward
from solvent.venues.synthetix_v3.rules import with_account

POOL = "vector"
USD = Asset("snxUSD", 24)
STEP = Decimal("1e-12")


def inner(inputs: Inputs, name: str) -> Inputs:
    """An object among the inputs."""
    found = inputs.given.get(name)
    if not isinstance(found, dict):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected an object")
    return Inputs(found, f"{inputs.place}.{name}")


def keeper(inputs: Inputs) -> KeeperRules:
    """The guards of a vector."""
    given = inner(inputs, "guards")
    return KeeperRules(
        Guards(
            given.number("min_keeper_reward_usd"),
            given.number("min_keeper_profit_ratio"),
            given.number("max_keeper_reward_usd"),
            given.number("max_keeper_scaling_ratio"),
        )
    )


def facts(inputs: Inputs) -> PerpFacts:
    """A market's parameters; no window is given, so that nothing limits a liquidation."""
    given = inner(inputs, "market")
    return PerpFacts(
        given.number("skew_scale"),
        given.number("initial_margin_ratio"),
        given.number("minimum_initial_margin_ratio"),
        given.number("maintenance_margin_scalar"),
        given.number("flag_reward_ratio"),
        given.number("minimum_position_margin"),
    )


def account(inputs: Inputs) -> tuple[Book, Market, VenueRules]:
    """An account with its collateral in USD, each position in a market of its own."""
    instruments, positions, prices, markets = {}, [], {}, {}
    for k, row in enumerate(inputs.rows("positions")):
        contract = Perpetual(f"P{k}", f"P{k}", USD, USD, STEP, STEP)
        lots = contract.lots(row.number("size"))
        cost = contract.worth(lots, contract.ticks(row.number("entry_fill"), "entry"))
        positions.append(Position(contract.symbol, lots, cost))
        prices[PriceKey(PriceKind.MARK, contract.symbol, USD.name)] = row.number("mark")
        instruments[contract.symbol], markets[contract.symbol] = contract, facts(row)
    cash = {USD.name: USD.units(inputs.number("collateral_usd"), "collateral")}
    holding = Holding(Pool(POOL, numeraire=USD.name), cash, tuple(positions))
    rules = with_account(venue("synthetix_v3"), PerpTable(by_symbol=markets), keeper(inputs))
    return Book({USD.name: USD}, instruments, (holding,)), Market(prices), rules


def figures(inputs: Inputs) -> Margins:
    """The account's figures."""
    book, market, rules = account(inputs)
    return margins(book, market, rules, POOL)


def account_margins(inputs: Inputs, _: Vector) -> Any:
    """Margin available, requirements, and what may be withdrawn."""
    found = figures(inputs)
    return {
        "available_margin": found.available,
        "initial_margin": found.initial,
        "maintenance_margin": found.maintenance,
        "withdrawable": found.withdrawable,
    }


def account_liquidation(inputs: Inputs, _: Vector) -> Any:
    """Profits and the verdict."""
    book, market, rules = account(inputs)
    found = margins(book, market, rules, POOL)
    return {
        "position_pnl": [one.profit for one in explain(book, market, rules, POOL).contributions],
        "available_margin": found.available,
        "liquidatable": found.liquidatable,
    }


def fill_price(inputs: Inputs, _: Vector) -> Any:
    """The price of a fill."""
    skew, scale = inputs.number("skew"), inputs.number("skew_scale")
    return {"fill_price": orders.fill_price(skew, scale, inputs.number("size_delta"), inputs.number("price"))}


def order_margin(inputs: Inputs, _: Vector) -> Any:
    """Whether an order may be taken."""
    given = inner(inputs, "order")
    numbers = (given.number(name) for name in ("old_size", "size_delta", "skew", "price"))
    order = orders.Order(facts(given), *numbers)
    others = [
        orders.Entry(facts(row), row.number("size"), row.number("mark")) for row in inputs.rows("other_positions")
    ]
    held = orders.Account(inputs.number("available_margin_before"), inputs.number("collateral_usd"), others)
    found = orders.order_check(held, order, inputs.number("order_fees"), keeper(inputs))
    return {"required": found.required, "available": found.available, "accepted": found.accepted}


def liquidation_window(inputs: Inputs, _: Vector) -> Any:
    """How much of a position may be liquidated now."""
    market = PerpFacts(
        inputs.number("skew_scale"),
        ZERO,
        ZERO,
        ZERO,
        ZERO,
        ZERO,
        maker_fee=inputs.number("maker_fee"),
        taker_fee=inputs.number("taker_fee"),
        window_multiplier=inputs.number("multiplier"),
        window_seconds=inputs.number("window_seconds"),
        max_premium=inputs.number("max_liquidation_pd"),
    )
    history = [liquidation.Liquidated(int(row[0]), row[1]) for row in inputs.table("history")]
    now, requested = inputs.whole("now"), inputs.number("requested")
    found = liquidation.liquidation_step(market, inputs.number("skew"), history, now, requested)
    return {"max_in_window": found.in_window, "liquidated": found.amount}


def reward(inputs: Inputs, _: Vector) -> Any:
    """A keeper's reward."""
    flag, cost = inputs.number("flag_reward"), inputs.number("execution_cost")
    return {"reward": keeper_reward(keeper(inputs).guards, flag, cost, inputs.number("seized_margin"))}


def funding_paid(inputs: Inputs, _: Vector) -> Any:
    """The funding rate after a time, and what a position has paid."""
    skew, scale, most = inputs.number("skew"), inputs.number("skew_scale"), inputs.number("max_funding_velocity")
    last, days, price = inputs.number("last_funding_rate"), inputs.number("elapsed_days"), inputs.number("price")
    found = funding.funding_after(skew, scale, most, last, days, price)
    paid = found.paid(inputs.number("position_size"), inputs.number("accrued_before"))
    return {"funding_rate": found.rate, "trader_pays": paid}


def utilisation_interest(inputs: Inputs, _: Vector) -> Any:
    """Interest at the pool's utilisation."""
    gradients = funding.Gradients(
        inputs.number("low_gradient"), inputs.number("breakpoint"), inputs.number("high_gradient")
    )
    locked, delegated = inputs.number("locked_credit"), inputs.number("delegated_collateral")
    return {"rate": funding.interest_rate(locked, delegated, gradients)}


def collateral_discount(inputs: Inputs, _: Vector) -> Any:
    """The discount of an amount, and what it counts."""
    terms = discount("asset", *(inputs.number(name) for name in ("discount_scalar", "lower_limit", "upper_limit")))
    amount, scale = inputs.number("amount"), inputs.number("spot_skew_scale")
    return {"discount": terms.rate(amount, scale), "value": terms.value(amount, inputs.number("price"), scale)}


ADAPTERS = {
    ("synthetix_v3", "account_margins"): account_margins,
    ("synthetix_v3", "account_liquidation"): account_liquidation,
    ("synthetix_v3", "fill_price"): fill_price,
    ("synthetix_v3", "order_margin"): order_margin,
    ("synthetix_v3", "liquidation_window"): liquidation_window,
    ("synthetix_v3", "keeper_reward"): reward,
    ("synthetix_v3", "funding"): funding_paid,
    ("synthetix_v3", "utilisation_interest"): utilisation_interest,
    ("synthetix_v3", "collateral_discount"): collateral_discount,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
