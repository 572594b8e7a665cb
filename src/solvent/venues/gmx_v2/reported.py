"""A position as the contract's reader reports it, as a book of one isolated pool.

USD has 30 decimals, index prices 12 and sizes 18 here, as in the contract for a token of 18 decimals. A size given
finer than that is cut against the position: fewer tokens for a long, more for a short.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, Holding, Market, Mode, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Perpetual
from solvent.rules import RulesError
from solvent.units import Asset, Rounding, divide, exact

USD = Asset("USD", 30)
TICK, LOT_PLACES = Decimal("1e-12"), 18
LOT = Decimal("1e-18")


class Reported(NamedTuple):
    """A position: its market's underlying, side, entry size in USD and index tokens, and its collateral token."""

    underlying: str
    is_long: bool
    size_usd: Decimal
    size_tokens: Decimal
    collateral_token: str
    collateral_amount: Decimal

    @property
    def symbol(self) -> str:
        """The market's symbol in the book."""
        return f"{self.underlying}-USD"


@exact
def book_of(position: Reported, pool: str = "position") -> Book:
    """A book with this position alone; an empty one (size zero) leaves only its collateral.

    >>> held = Reported("SOL", True, Decimal(450_000), Decimal(30_000), "WETH", Decimal(1))
    >>> book_of(held).holding("position").positions[0].lots
    30000000000000000000000
    """
    if position.size_usd < 0 or position.size_tokens < 0 or position.collateral_amount < 0:
        raise RulesError(f"{position.symbol}: sizes and collateral are at least 0; the side says which way")
    contract = Perpetual(position.symbol, position.underlying, USD, USD, TICK, LOT)
    token = USD if position.collateral_token == USD.name else Asset(position.collateral_token, 24)
    side, cut = (1, Rounding.DOWN) if position.is_long else (-1, Rounding.UP)
    lots = contract.lots(divide(position.size_tokens, Decimal(1), LOT_PLACES, cut))
    held = Position(contract.symbol, side * lots, side * USD.units(position.size_usd, "size"))
    holding = Holding(
        Pool(pool, mode=Mode.ISOLATED, numeraire=USD.name),
        {token.name: token.units(position.collateral_amount, "collateral")},
        (held,) if lots else (),
    )
    return Book({USD.name: USD, token.name: token}, {contract.symbol: contract}, (holding,))


@exact
def prices_of(position: Reported, index_price: Decimal, collateral_price: Decimal) -> Market:
    """A market with the oracle's price of the index token and of the collateral; low and high bounds the same.

    >>> held = Reported("SOL", True, Decimal(450_000), Decimal(30_000), "WETH", Decimal(1))
    >>> prices_of(held, Decimal(15), Decimal(5_000)).price(PriceKind.MARK, "SOL-USD", "USD")
    Decimal('15')
    """
    prices = {PriceKey(PriceKind.MARK, position.symbol, USD.name): index_price}
    if position.collateral_token != USD.name:
        prices[PriceKey(PriceKind.INDEX, position.collateral_token, USD.name)] = collateral_price
    return Market(prices)
