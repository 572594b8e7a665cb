"""One pool whose underlyings move together: its market, assessment and Greeks at any price and volatility."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.assessment import Assessment
from solvent.book import Book, BookError, Holding, Market, PriceKey, PriceKind, Purpose
from solvent.instruments import DOLLARS, Future, Option, Perpetual
from solvent.margin.assess import assess_holding
from solvent.margin.held_options import HeldOptions, held_options
from solvent.margin.paths import Moves, market_along
from solvent.margin.sensitivities import by_underlying, exposures
from solvent.rules import VenueRules
from solvent.units import ZERO


class Greeks(NamedTuple):
    """Sensitivities of a pool's value, floats in the numeraire.

    ``delta`` and ``gamma`` are in units of the one underlying that moves, None where several do; ``cash_delta`` is the
    change for a rise of all of them by 100 %, ``cash_gamma`` what that grows by for each 1 %. Vega is for a volatility
    point (0.01), theta for a day.
    """

    delta: float | None
    gamma: float | None
    cash_delta: float
    cash_gamma: float
    vega: float
    theta: float


class Cell(NamedTuple):
    """The pool at one shock; amounts in the numeraire, ``profit`` against the present value before haircuts.

    ``price`` is a factor on the underlyings, ``volatility`` the share by which every volatility has grown.
    """

    price: Fraction
    volatility: Decimal
    profit: Decimal
    value: Decimal
    margin_equity: Decimal
    required: Decimal
    surplus: Decimal
    breached: bool
    greeks: Greeks


@dataclass(frozen=True, slots=True)
class Mover:
    """A pool and what moves with ``coins`` (all by one factor): contracts, collateral, forwards, options' marks."""

    book: Book
    market: Market
    rules: VenueRules
    holding: Holding
    coins: frozenset[str]
    moving: Moves = field(init=False)

    def __post_init__(self) -> None:
        """Find the contracts and options on the coins that the pool holds."""
        listed = (self.book.instruments.get(one.symbol) for one in self.holding.positions)
        symbols = {one.symbol for one in listed if isinstance(one, Perpetual) and one.underlying in self.coins}
        held = held_options(self.book, self.market, self.rules, self.holding, self.coins)
        object.__setattr__(self, "moving", Moves(frozenset(symbols), self.coins, held))

    @property
    def options(self) -> HeldOptions | None:
        """The options that move."""
        return self.moving.options

    @property
    def coin(self) -> str | None:
        """The one underlying that moves, or None."""
        return next(iter(self.coins)) if len(self.coins) == 1 else None

    def moved(self, price: Fraction, volatility: Decimal = ZERO) -> Market:
        """The market after a shock (inside the exact context)."""
        found = market_along(self.book, self.market, self.moving, price) if price != 1 else self.market
        if volatility and self.options is not None:
            found = found.with_prices(self.options.prices(self.market, float(price), float(volatility)))
        return found

    def moved_from(self, market: Market, price: Fraction) -> Market:
        """Another market whose prices of these coins are not moved yet, with them moved (inside the exact context)."""
        return market_along(self.book, market, self.moving, price)

    def assessed(self, price: Fraction, volatility: Decimal = ZERO) -> Assessment:
        """The pool at MAINTAIN after a shock (inside the exact context)."""
        return assess_holding(self.book, self.moved(price, volatility), self.rules, Purpose.MAINTAIN, self.holding)

    def breached(self, price: Fraction, volatility: Decimal = ZERO) -> bool:
        """Whether the pool is liquidated after a shock (inside the exact context)."""
        return self.assessed(price, volatility).breached(inclusive=self.rules.breach_inclusive)

    def cell(self, price: Fraction, volatility: Decimal, present: Decimal) -> Cell:
        """The pool after a shock, against its ``present`` value (inside the exact context)."""
        market = self.moved(price, volatility)
        found = assess_holding(self.book, market, self.rules, Purpose.MAINTAIN, self.holding)
        return Cell(
            price,
            volatility,
            found.value - present,
            found.value,
            found.margin_equity,
            found.required,
            found.surplus,
            found.breached(inclusive=self.rules.breach_inclusive),
            self.greeks(market),
        )

    def greeks(self, market: Market) -> Greeks:
        """The Greeks of everything that moves, at a market's prices."""
        parts = exposures(self.book, market, self.rules, self.holding.pool.id)
        moving = [one for one in by_underlying(parts) if one.underlying in self.coins]
        alone = self.coin is not None
        return Greeks(
            sum(one.delta for one in moving) if alone else None,
            sum(one.gamma for one in moving) if alone else None,
            sum(one.delta * one.price for one in moving),
            sum(one.gamma * one.price * one.price for one in moving) / 100,
            sum(one.vega for one in moving),
            sum(one.theta for one in moving),
        )


def mover(book: Book, market: Market, rules: VenueRules, pool: str, underlying: str | None = None) -> Mover:
    """What moves: one underlying, or everything a pool holds but dollars; :class:`BookError` where that is nothing."""
    holding = book.holding(pool)
    coins = coins_of(book, holding)
    if underlying is not None and underlying not in coins:
        raise BookError(f"underlying: got {underlying!r}, expected one that the pool holds: {', '.join(coins)}")
    if not coins:
        raise BookError(f"pool {pool} holds nothing whose price moves; there is nothing to stress")
    return Mover(book, market, rules, holding, frozenset(coins if underlying is None else [underlying]))


def coins_of(book: Book, holding: Holding) -> list[str]:
    """The underlyings a pool has positions on, and the coins it holds; in order of name."""
    found = {name for name, units in holding.cash.items() if units}
    for position in holding.positions:
        listed = book.instruments[position.symbol]
        if isinstance(listed, Perpetual | Future | Option):
            found |= {listed.underlying, listed.settle.name}
    return sorted(found - DOLLARS - {holding.pool.numeraire})


def price_now(one: Mover) -> Decimal | None:
    """The present price of the one underlying that moves: its index, else the mark of a contract on it."""
    if one.coin is None:
        return None
    own = one.holding.pool.numeraire
    found = one.market.prices.get(PriceKey(PriceKind.INDEX, one.coin, own))
    if found is not None:
        return found
    for symbol in sorted(one.moving.symbols):
        listed = one.book.instruments[symbol]
        return one.market.price(PriceKind.MARK, symbol, listed.quote.name)
    return None


def volatility_now(one: Mover) -> Decimal | None:
    """A yearly volatility of what moves: the market's figure, else that of the option held nearest to the money."""
    if one.coin is not None:
        given = one.market.wide.get(("volatility", one.coin))
        if given is not None:
            return given
    held = one.options
    if held is None or one.coin is None:
        return None
    away = abs(held.forward() / held.strike - 1.0)
    return Decimal(f"{float(held.volatility[int(away.argmin())]):.6f}")
