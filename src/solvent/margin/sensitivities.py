"""Greeks of a whole pool by underlying: options by formula, contracts and coins by what they are worth.

When an underlying moves by a share, everything on it moves by that share: marks, forwards, and the coin itself as
collateral. A delta is the change of the pool's value (before haircuts) for one quote on the underlying.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from solvent.book import Book, Holding, Market, Position, PriceKey, PriceKind
from solvent.instruments import Payoff, Perpetual
from solvent.margin.held_options import STILL, HeldOptions, Moved, held_options
from solvent.rules import VenueRules
from solvent.units import exact


class Exposure(NamedTuple):
    """One underlying of a pool: its price, and Greeks in the numeraire (a volatility point is 0.01, theta a day).

    ``bucket`` is the expiry's time in nanoseconds for options and futures, 0 for what does not expire.
    """

    underlying: str
    bucket: int
    price: float
    delta: float
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    value: float = 0.0

    def plus(self, other: Exposure) -> Exposure:
        """Both together, named as this one."""
        names = ("delta", "gamma", "vega", "theta", "value")
        return self._replace(**{name: getattr(self, name) + getattr(other, name) for name in names})


@exact
def exposures(book: Book, market: Market, rules: VenueRules, pool: str, volatility: float = 0.0) -> list[Exposure]:
    """The exposures of a pool by underlying and expiry, in order of both.

    ``volatility`` is a share by which every volatility is moved first (the market's prices are taken as they are).

    Raises
    ------
    BookError
        A price is missing; the message names it.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> [(one.underlying, round(one.delta, 3)) for one in exposures(*two_positions(), venue("generic"), "cross")]
    [('BTC', 109.488), ('ETH', 3683.979)]

    """
    holding = book.holding(pool)
    found: dict[tuple[str, int], Exposure] = {}
    held = held_options(book, market, rules, holding)
    parts = [*_linear(book, market, holding)]
    if held is not None:
        parts += _of_options(held, STILL._replace(volatility=volatility))
    for one in parts:
        key = (one.underlying, one.bucket)
        found[key] = found[key].plus(one) if key in found else one
    return [found[key] for key in sorted(found)]


def by_underlying(parts: list[Exposure]) -> list[Exposure]:
    """The same without expiries, in order of name."""
    found: dict[str, Exposure] = {}
    for one in parts:
        whole = one._replace(bucket=0)
        found[one.underlying] = found[one.underlying].plus(one) if one.underlying in found else whole
    return [found[name] for name in sorted(found)]


def _of_options(held: HeldOptions, moved: Moved) -> Iterator[Exposure]:
    greeks = held.greeks(moved)
    for k, one in enumerate(held.listed):
        columns = (greeks.delta[k], greeks.gamma[k], greeks.vega[k], greeks.theta[k], greeks.price[k])
        yield Exposure(one.underlying, one.expiry_ns, float(held.spot[k]), *map(float, columns))


def _linear(book: Book, market: Market, holding: Holding) -> Iterator[Exposure]:
    own = holding.pool.numeraire
    for position in holding.positions:
        listed = book.instruments[position.symbol]
        if isinstance(listed, Perpetual):
            yield from _contract(market, own, listed, position)
    for name, units in holding.cash.items():
        if name != own and units:
            price = float(market.price(PriceKind.INDEX, name, own))
            amount = float(book.assets[name].amount(units))
            yield Exposure(name, 0, price, amount, value=amount * price)


def _contract(market: Market, own: str, listed: Perpetual, position: Position) -> Iterator[Exposure]:
    """A contract's own exposure, and that of its profit where it is paid in a coin."""
    mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
    ticks = listed.ticks(mark, "mark")
    settle = listed.settle
    paid = 1.0 if settle.name == own else float(market.price(PriceKind.INDEX, settle.name, own))
    worth = listed.worth(position.lots, ticks)
    profit = float(settle.amount(worth - position.cost))
    index = market.prices.get(PriceKey(PriceKind.INDEX, listed.underlying, own))
    price = float(mark if index is None else index)
    moves = float(settle.amount(-worth if listed.payoff is Payoff.INVERSE else worth)) * paid
    bucket = getattr(listed, "expiry_ns", 0)
    yield Exposure(listed.underlying, bucket, price, moves / price, value=profit * paid)
    if settle.name != own:
        yield Exposure(settle.name, 0, paid, profit)
