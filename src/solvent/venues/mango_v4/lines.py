"""What an account's health is made of, line by line: lines sum to equity at oracle prices, assets and liabilities.

Inside the exact context. Liabilities do not move with assets: where a loss of a perpetual and a balance of its settle
token meet, a line of kind ``offset`` counts the part that cancels at the liability price on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Line, Piecewise
from solvent.book import Leg
from solvent.units import ONE, ZERO
from solvent.venues.mango_v4.account import Account, HealthKind, Perp, Token
from solvent.venues.mango_v4.account_health import effective_balances, perp_health, spot_health, token_sides


class Taken(NamedTuple):
    """A pool as an account, the interest its debts owe by token, and its spot markets in the account's order."""

    account: Account
    interest: Mapping[str, Decimal]
    markets: tuple[str, ...]


def perp_lines(account: Account, kind: HealthKind) -> list[Line]:
    """A line a position, and a line for what its orders change."""
    lines = []
    for perp in account.perps:
        alone = _without_orders(perp)
        settle = account.token(perp.settle)
        value = (perp.quote_now + perp.base * perp.prices.oracle) * settle.prices.oracle
        before, after = perp_health(alone, kind), perp_health(perp, kind)
        equity, needed = _weighted(settle, kind, before)
        if perp.lots or perp.quote_now:
            piece = _piece(alone, settle, kind, needed)
            lines.append(Line("position", perp.symbol, Leg.NET, value, equity, needed, piece))
        if after != before:
            with_orders = _weighted(settle, kind, after)
            added = (with_orders[0] - equity, with_orders[1] - needed)
            lines.append(Line("orders", perp.symbol, Leg.NET, ZERO, *added))
    return lines


def _without_orders(perp: Perp) -> Perp:
    return Perp(
        perp.symbol,
        perp.settle,
        perp.prices,
        perp.weights,
        perp.lots,
        perp.quote,
        lot_size=perp.lot_size,
        funding=perp.funding,
    )


def _weighted(token: Token, kind: HealthKind, amount: Decimal) -> tuple[Decimal, Decimal]:
    """What an amount of a token counts as an asset, and as a liability."""
    return max(amount, ZERO) * token.asset_price(kind), max(-amount, ZERO) * token.liab_price(kind)


def _piece(perp: Perp, settle: Token, kind: HealthKind, needed: Decimal) -> Piecewise:
    """The requirement as a rate of notional less profit: both at the weight of a debt in the settle token."""
    short, weight = perp.base < 0, settle.liab_weight(kind)
    price = (perp.prices.liab(kind) if short else perp.prices.asset(kind)) * settle.prices.liab(kind)
    notional = abs(perp.base) * price
    if needed == 0:
        return Piecewise(notional, ZERO, ZERO, ZERO)
    rate = abs(ONE - perp.weights.base(kind, short=short)) * weight
    profit = perp.quote_now * settle.prices.liab(kind) + perp.base * price
    return Piecewise(notional, ZERO, rate, profit * weight)


def token_lines(found: Taken, kind: HealthKind) -> list[Line]:
    """A line a balance, its interest, and what a loss and a balance of one token give each other."""
    lines = []
    for token in found.account.tokens:
        due = found.interest.get(token.name, ZERO)
        before = token.amount + due
        lines.append(Line("cash", token.name, Leg.NET, before * token.prices.oracle, *_weighted(token, kind, before)))
        if due:
            value, needed = -due * token.prices.oracle, due * token.liab_price(kind)
            lines.append(Line("interest", token.name, Leg.NET, value, ZERO, needed))
        sides = token_sides(found.account, token, kind)
        counts = min(sides.assets, sides.liabs) * (token.liab_price(kind) - token.asset_price(kind))
        if counts:
            lines.append(Line("offset", token.name, Leg.NET, ZERO, counts))
    return lines


def spot_lines(found: Taken, kind: HealthKind) -> list[Line]:
    """A line a spot market: what its reserved funds are worth, and the least they can add."""
    account = found.account
    added = spot_health(account, kind, effective_balances(account, kind))
    lines = []
    for symbol, spot, counts in zip(found.markets, account.spots, added, strict=True):
        value = spot.base_reserved * account.token(spot.base).prices.oracle
        value += spot.quote_reserved * account.token(spot.quote).prices.oracle
        lines.append(Line("spot_orders", symbol, Leg.NET, value, counts))
    return lines
