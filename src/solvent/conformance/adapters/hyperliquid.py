"""Vectors of Hyperliquid: margin and liquidation prices through ring 1, and the exchange's published formulas."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from solvent.book import Mode, Purpose
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin import Assessment, assess_pool, liquidation_price
from solvent.rates import Schedule
from solvent.units import ONE, ZERO
from solvent.venues.hyperliquid import funding, liquidation, portfolio, unified
from solvent.venues.hyperliquid.account import (
    SYMBOL,
    Known,
    account,
    known,
    known_by_raw,
    known_by_totals,
    mark_of,
    rest_of_maintenance,
)
from solvent.venues.hyperliquid.rules import hyperliquid_2023
from solvent.venues.hyperliquid.tiers import Tier, maintenance, tier_of

MODES = {mode.value: mode for mode in (Mode.CROSS, Mode.ISOLATED)}


def tiers(inputs: Inputs) -> list[Tier]:
    """The tiers of a vector."""
    return [Tier(row.number("lower_bound"), row.whole("max_leverage")) for row in inputs.rows("tiers")]


def one_tier(leverage: int) -> list[Tier]:
    """A market with one tier."""
    return [Tier(ZERO, leverage)]


def assessed(held: Known, purpose: Purpose) -> Assessment:
    """The account at a purpose."""
    return assess_pool(held.book, held.market, held.rules, purpose, held.pool)


def solved(held: Known) -> Decimal | None:
    """The liquidation price of the account's position."""
    return liquidation_price(*held).solved


def maintenance_margin(inputs: Inputs, _: Vector) -> Any:
    """Maintenance of a position alone, the tier it falls in, and where the backstop takes over."""
    held = known(ZERO, inputs.number("size"), inputs.number("mark"), tiers(inputs))
    found = assessed(held, Purpose.MAINTAIN)
    (notional,) = [line.piece.notional for line in found.lines if line.piece is not None]
    piece = tier_of(maintenance(tiers(inputs)), notional)
    return {
        "maintenance": found.required,
        "rate": piece.rate,
        "deduction": piece.deduction,
        "backstop": liquidation.backstop(found.required),
    }


def initial_and_transfer_margin(inputs: Inputs, _: Vector) -> Any:
    """What opening needs, and what must remain after a transfer."""
    leverage = inputs.whole("leverage")
    held = known(ZERO, inputs.number("size"), inputs.number("mark"), one_tier(leverage), leverage=leverage)
    transfer = liquidation.transfer_requirement(held.book, held.market, held.rules, held.pool)
    return {"initial": assessed(held, Purpose.ADMIT).required, "transfer": transfer}


def price(inputs: Inputs, _: Vector) -> Any:
    """Liquidation and backstop price of a position beside others of which only their maintenance is known."""
    mode = MODES.get(inputs.text("margin_mode"))
    if mode is None:
        raise VectorError(f"inputs.margin_mode: got {inputs.text('margin_mode')!r}, expected one of {list(MODES)}")
    held = known(
        inputs.number("account_value"),
        inputs.number("size"),
        inputs.number("mark"),
        tiers(inputs),
        others=inputs.number("other_maintenance") if "other_maintenance" in inputs else ZERO,
        mode=mode,
    )
    return {"liquidation_price": solved(held), "backstop_price": liquidation.backstop_price(*held).solved}


def cross(inputs: Inputs, _: Vector) -> Any:
    """One figure of a cross account as the exchange answers it, by what is given."""
    if "maintenance_rate" in inputs:
        held = known(ZERO, ONE, inputs.number("total_notional"), Schedule.flat(inputs.number("maintenance_rate")))
        return {"cross_maintenance": assessed(held, Purpose.MAINTAIN).required}
    if "account_value" in inputs:
        return {"liquidation_price": solved(_beside_others(inputs))}
    return _alone(inputs)


def _most_leverage(inputs: Inputs) -> int:
    """The position's own highest leverage, else the market's."""
    return inputs.whole("position_max_leverage" if "position_max_leverage" in inputs else "max_leverage")


def _beside_others(inputs: Inputs) -> Known:
    size, value, most = inputs.number("size"), inputs.number("position_value"), _most_leverage(inputs)
    others = rest_of_maintenance(inputs.number("cross_maintenance"), value, most)
    return known(inputs.number("account_value"), size, mark_of(value, size), one_tier(most), others=others)


def _alone(inputs: Inputs) -> Mapping[str, Decimal]:
    """A position of one unit: what it uses at the user's leverage, what it requires at its highest; what is given."""
    leverage = inputs.whole("leverage") if "leverage" in inputs else None
    listed = leverage is None or "max_leverage" in inputs or "position_max_leverage" in inputs
    most = _most_leverage(inputs) if listed else leverage
    held = known(ZERO, ONE, inputs.number("position_value"), one_tier(most or 0), leverage=leverage)
    needed = {"cross_maintenance": assessed(held, Purpose.MAINTAIN).required} if listed else {}
    return needed if leverage is None else {**needed, "margin_used": assessed(held, Purpose.ADMIT).required}


def cross_2023(inputs: Inputs, _: Vector) -> Any:
    """The rule of 2023: maintenance frozen at today's notional; or the margin all positions use."""
    if "positions" in inputs:
        rows = {f"{k}": row for k, row in enumerate(inputs.rows("positions"))}
        held = account(
            ZERO,
            {
                name: (ONE, row.number("position_value"), one_tier(row.whole("leverage")), row.whole("leverage"))
                for name, row in rows.items()
            },
            rules=hyperliquid_2023(),
        )
        return {"total_margin_used": assessed(held, Purpose.ADMIT).required}
    held = known_by_totals(
        inputs.number("account_value"),
        inputs.number("total_notional"),
        inputs.number("maintenance_rate"),
        inputs.number("size"),
        inputs.number("position_value"),
        hyperliquid_2023(),
    )
    rules = liquidation.frozen(held.book, held.market, held.rules, held.pool)
    return {"liquidation_price": liquidation_price(held.book, held.market, rules, held.pool, SYMBOL).solved}


def isolated(inputs: Inputs, _: Vector) -> Any:
    """An isolated position with its raw USD."""
    size = inputs.number("size")
    mark = mark_of(inputs.number("position_value"), size)
    held = known_by_raw(inputs.number("raw_usd"), size, mark, one_tier(_most_leverage(inputs)))
    return {"liquidation_price": solved(held), "margin_used": assessed(held, Purpose.MAINTAIN).value}


def funding_premium(inputs: Inputs, _: Vector) -> Any:
    """One sample of the premium."""
    bid, ask = inputs.number("impact_bid"), inputs.number("impact_ask")
    return {"premium": funding.premium(bid, ask, inputs.number("oracle"))}


def funding_rate(inputs: Inputs, _: Vector) -> Any:
    """Rate an hour."""
    interest, clamp, hours, cap = (
        inputs.number(name) if name in inputs else None for name in ("interest", "clamp", "hours", "cap")
    )
    found = funding.rate(inputs.number("premium"), interest, clamp, hours, cap)
    return {"uncapped": found.uncapped, "hourly": found.hourly}


def funding_payment(inputs: Inputs, _: Vector) -> Any:
    """What an hour costs."""
    return {"payment": funding.payment(inputs.number("size"), inputs.number("oracle"), inputs.number("rate"))}


def unified_ratio(inputs: Inputs, _: Vector) -> Any:
    """Ratio of a unified account."""
    exchanges = [
        unified.Exchange(f"{row.given.get('token')}", row.number("cross_mm"), row.number("isolated"))
        for row in inputs.rows("dexes")
    ]
    spot = inputs.given.get("spot")
    if not isinstance(spot, dict):
        raise VectorError(f"inputs.spot: got {spot!r}, expected an object of balances by token")
    balances = Inputs(spot, "inputs.spot")
    return {"ratio": unified.ratio(exchanges, {token: balances.number(token) for token in spot})}


def borrowable(inputs: Inputs, _: Vector) -> Any:
    """What a balance may borrow."""
    held, oracle = inputs.number("balance"), inputs.number("oracle")
    return {"borrowable": portfolio.borrowable(held, oracle, inputs.number("ltv"))}


def borrow_rate(inputs: Inputs, _: Vector) -> Any:
    """Yearly rate of a loan."""
    return {"apy": portfolio.borrow_rate(inputs.number("utilisation"))}


def adl_index(inputs: Inputs, _: Vector) -> Any:
    """Rank of a winner, as printed."""
    mark, entry = inputs.number("mark"), inputs.number("entry")
    index = liquidation.adl_index(mark, entry, inputs.number("notional"), inputs.number("account_value"))
    return {"index": index}


ADAPTERS = {
    ("hyperliquid", "maintenance_margin"): maintenance_margin,
    ("hyperliquid", "initial_and_transfer_margin"): initial_and_transfer_margin,
    ("hyperliquid", "liquidation_price"): price,
    ("hyperliquid", "clearinghouse_cross"): cross,
    ("hyperliquid", "clearinghouse_cross_2023"): cross_2023,
    ("hyperliquid", "clearinghouse_isolated"): isolated,
    ("hyperliquid", "funding_premium"): funding_premium,
    ("hyperliquid", "funding_rate"): funding_rate,
    ("hyperliquid", "funding_payment"): funding_payment,
    ("hyperliquid", "unified_account_ratio"): unified_ratio,
    ("hyperliquid", "pm_borrowable"): borrowable,
    ("hyperliquid", "pm_borrow_rate"): borrow_rate,
    ("hyperliquid", "adl_index"): adl_index,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
