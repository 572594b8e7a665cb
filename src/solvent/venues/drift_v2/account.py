"""An account as the program holds it, and its margin calculation: collateral and requirement, leg by leg.

Strict prices take, for each balance by itself, the worse of the oracle and its five-minute average: a hedged account is
charged for both sides. Only the price of a perpetual's own underlying is never strict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from solvent.venues.drift_v2.formulas import (
    MOST_INITIAL_PROFIT,
    PRICE,
    WEIGHT,
    MarginType,
    base_value,
    liability_value,
    quotient,
    reserve_size,
    token_value,
)
from solvent.venues.drift_v2.markets import ONE_QUOTE, PerpMarket, Quoted, SpotMarket

ORDER_REQUIREMENT = 10_000  # quote for every open order: one cent


@dataclass(frozen=True, slots=True)
class SpotBalance:
    """A token held (``tokens`` > 0) or owed, in the token's smallest units, with its open spot orders.

    ``bids`` ≥ 0 ≥ ``asks`` are tokens, ``orders`` their number, ``deposits`` what all users hold of the token.
    """

    name: str
    market: SpotMarket
    tokens: int
    decimals: int
    price: Quoted
    bids: int = 0
    asks: int = 0
    orders: int = 0
    deposits: int = 0


@dataclass(frozen=True, slots=True)
class PerpPosition:
    """A position: ``base`` (1e-9, signed), ``quote`` (1e-6: what it cost, with the opposite sign, and settled funding).

    ``funding`` is what is accrued and not settled, ``margin_ratio`` the user's own lower bound for this market (1e-4),
    ``net_profit`` all users' net profit in the market (quote).
    """

    name: str
    market: PerpMarket
    base: int
    quote: int
    price: int
    bids: int = 0
    asks: int = 0
    orders: int = 0
    funding: int = 0
    margin_ratio: int = 0
    net_profit: int = 0

    @property
    def profit(self) -> int:
        """Unrealised profit with funding, quote."""
        worth = base_value(self.base, self.price)
        return (worth if self.base > 0 else -worth) + self.quote + self.funding

    @property
    def worst(self) -> int:
        """The base amount if all orders of the dearer side were filled: most base, in prediction markets most loss."""
        bids, asks = self.base + self.bids, self.base + self.asks
        if self.market.prediction:
            values = [liability_value(size, self.price, prediction=True) for size in (bids, asks)]
            return bids if values[0] > values[1] else asks
        return bids if abs(bids) > abs(asks) else asks


@dataclass(frozen=True, slots=True)
class Account:
    """Everything margined together: a cross account, or one isolated position with its own deposit.

    ``margin_ratio`` is the user's own bound for new risk (1e-4), ``override`` one that counts always; ``quote`` is the
    price of the token perpetuals settle in.
    """

    spots: tuple[SpotBalance, ...] = ()
    perps: tuple[PerpPosition, ...] = ()
    quote: Quoted = ONE_QUOTE
    margin_ratio: int = 0
    override: int = 0
    high_leverage: bool = False

    def bound(self, margin_type: MarginType) -> int:
        """The user's own lower bound of ratios at a margin type."""
        return max(self.override, self.margin_ratio if margin_type is MarginType.INITIAL else 0)


class Part(NamedTuple):
    """One contribution, quote: ``value`` before weights, what counts, what is required, and the liability it is on."""

    kind: str
    name: str
    value: int = 0
    collateral: int = 0
    required: int = 0
    liability: int = 0
    ratio: int = 0


@dataclass(frozen=True, slots=True)
class Calculation:
    """Sums of the parts, quote; the buffer (1e-4) adds to requirements by liability and to collateral below zero."""

    parts: tuple[Part, ...]
    buffer: int = 0
    collateral: int = field(init=False)
    required: int = field(init=False)
    collateral_buffer: int = field(init=False)
    required_buffer: int = field(init=False)

    def __post_init__(self) -> None:
        """Add up; each part's buffer is cut by itself."""
        below = [quotient(min(0, part.collateral) * self.buffer, WEIGHT) for part in self.parts]
        above = [part.liability * self.buffer // WEIGHT for part in self.parts]
        object.__setattr__(self, "collateral", sum(part.collateral for part in self.parts))
        object.__setattr__(self, "required", sum(part.required for part in self.parts))
        object.__setattr__(self, "collateral_buffer", sum(below))
        object.__setattr__(self, "required_buffer", sum(above))

    @property
    def meets(self) -> bool:
        """Whether collateral reaches the requirement, without buffer."""
        return self.collateral >= self.required

    @property
    def shortage(self) -> int:
        """What is missing to the requirement with the buffer, never negative."""
        return max(0, self.required + self.required_buffer - self.collateral - self.collateral_buffer)

    def required_by(self, name: str) -> int:
        """The requirement of one perpetual with its orders."""
        return sum(part.required for part in self.parts if part.name == name and part.kind in PERP_KINDS)


PERP_KINDS = ("position", "perp_orders")


def calculate(account: Account, margin_type: MarginType, *, strict: bool = False, buffer: int = 0) -> Calculation:
    """The margin calculation of an account (margin.rs).

    Parameters
    ----------
    account
        Balances and positions with their markets and prices.
    margin_type
        Which weights and ratios count.
    strict
        Whether each balance takes the worse of oracle and five-minute average.
    buffer
        The liquidation buffer, 1e-4; 0 where none counts.

    Examples
    --------
    >>> sol = SpotMarket(8000, 9000, 12000, 11000)
    >>> usdc = SpotBalance("USDC", SpotMarket(quote=True), 20_000_000_000, 6, ONE_QUOTE)
    >>> debt = SpotBalance("SOL", sol, -100_000_000_000, 9, Quoted(100_000_000, 100_000_000))
    >>> found = calculate(Account((usdc, debt)), MarginType.INITIAL)
    >>> found.collateral, found.required
    (20000000000, 12000000000)

    """
    parts = [part for spot in account.spots for part in _spot(account, spot, margin_type, strict=strict)]
    parts += [part for perp in account.perps for part in _perp(account, perp, margin_type, strict=strict)]
    return Calculation(tuple(parts), buffer)


def _spot(account: Account, spot: SpotBalance, margin_type: MarginType, *, strict: bool) -> Iterator[Part]:
    plain = token_value(spot.tokens, spot.decimals, spot.price.oracle)
    price = spot.price.low(strict=strict) if spot.tokens > 0 else spot.price.high(strict=strict)
    value = token_value(spot.tokens, spot.decimals, price)
    if spot.market.quote:
        yield Part("cash", spot.name, plain, max(0, value), max(0, -value), max(0, -value))
    else:
        tokens, filled, orders_value = _worst_side(spot, value, margin_type, strict=strict)
        weighted = _weighted(account, spot, (tokens, filled), margin_type)
        yield Part("cash", spot.name, plain, max(0, weighted), max(0, -weighted), max(0, -filled))
        if orders_value:
            owed = max(0, -orders_value)
            yield Part("orders", spot.name, 0, max(0, orders_value), owed, owed)
    if spot.orders:
        yield Part("orders", spot.name, required=spot.orders * ORDER_REQUIREMENT)


def _worst_side(spot: SpotBalance, value: int, margin_type: MarginType, *, strict: bool) -> tuple[int, int, int]:
    """Tokens, their value and the orders' cash after all bids or all asks: the side that leaves less collateral."""
    if not spot.bids and not spot.asks:
        return spot.tokens, value, 0
    sides = []
    for tokens in (spot.asks, spot.bids):
        cash = token_value(-tokens, spot.decimals, spot.price.high(strict=strict))
        after = (spot.tokens + tokens, value - cash)
        sides.append((_market_weighted(spot, after, margin_type) + cash, (*after, cash)))
    asks, bids = sides
    return asks[1] if asks[0] <= bids[0] else bids[1]


def _market_weighted(spot: SpotBalance, after: tuple[int, int], margin_type: MarginType) -> int:
    tokens, value = after
    return quotient(value * _market_weight(spot, tokens, value, margin_type), WEIGHT)


def _market_weight(spot: SpotBalance, tokens: int, value: int, margin_type: MarginType) -> int:
    size = reserve_size(tokens, spot.decimals)
    if value < 0:
        return spot.market.liability_weight(size, margin_type)
    deposits = token_value(spot.deposits, spot.decimals, spot.price.oracle)
    return spot.market.asset_weight(size, margin_type, deposits)


def _weighted(account: Account, spot: SpotBalance, after: tuple[int, int], margin_type: MarginType) -> int:
    """The weighted value; a bound of the user's own bounds initial weights, whatever the margin type."""
    bound = account.bound(margin_type)
    if not bound:
        return _market_weighted(spot, after, margin_type)
    tokens, value = after
    weight = _market_weight(spot, tokens, value, MarginType.INITIAL)
    weight = max(weight, WEIGHT + bound) if value < 0 else min(weight, max(0, WEIGHT - bound))
    return quotient(value * weight, WEIGHT)


def _perp(account: Account, perp: PerpPosition, margin_type: MarginType, *, strict: bool) -> Iterator[Part]:
    market, worst = perp.market, perp.worst
    liability = liability_value(worst, perp.price, prediction=market.prediction)
    liability = liability * account.quote.high(strict=strict) // PRICE
    ratio = 0
    if not market.settlement:
        own = max(account.bound(margin_type), perp.margin_ratio if margin_type is MarginType.INITIAL else 0)
        ratio = max(own, market.ratio(abs(worst), margin_type, high_leverage=account.high_leverage))
    plain = quotient(perp.profit * account.quote.oracle, PRICE)
    counted = _counted_profit(account, perp, margin_type, strict=strict)
    yield Part("position", perp.name, plain, counted, liability * ratio // WEIGHT, liability, ratio)
    if perp.orders:
        yield Part("perp_orders", perp.name, required=perp.orders * ORDER_REQUIREMENT)


def _counted_profit(account: Account, perp: PerpPosition, margin_type: MarginType, *, strict: bool) -> int:
    """Profit at its weight and the low price, loss in full at the high price; at most $100 for new risk."""
    profit = perp.profit
    price = account.quote.low(strict=strict) if profit > 0 else account.quote.high(strict=strict)
    weighted = quotient(profit * perp.market.profit_weight(profit, margin_type, perp.net_profit), WEIGHT)
    counted = quotient(weighted * price, PRICE)
    return min(counted, MOST_INITIAL_PROFIT) if margin_type is MarginType.INITIAL else counted
