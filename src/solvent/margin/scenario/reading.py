"""From a book and a market to what is scanned: positions by underlying, series in columns, feeds by name.

Names of figures (``Market.wide``), each by the name it is of:

=====================  ===============  =============================================================================
name                   of               meaning, and what holds without it
=====================  ===============  =============================================================================
stable_price           the numeraire    dollars one is worth; 1
rate                   an expiry        continuous rate a year; 0
settled_forward        an expiry        part of the forward that a settlement average has fixed; 0
svi_a, _b, _rho, _m,   an expiry        the smile's parameters, its forward and its years; used where an option has no
_sigma, _forward,                       price of kind VOL
_years
=====================  ===============  =============================================================================

Prices: INDEX of a coin, MARK of a perpetual, VOL of an option, FORWARD of an expiry by
:func:`solvent.book.curve`, of which it is the part that still moves; without it the spot stands for it. All are in
dollars, for which the pool's numeraire stands.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent import ledger
from solvent.book import Book, BookError, Holding, Market, Position, PriceKey, PriceKind, curve
from solvent.instruments import Option, OptionKind, Payoff, Perpetual
from solvent.margin.scenario.series import YEAR_SECONDS, Expiries, Series
from solvent.margin.sharing import once
from solvent.pricing import Svi
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Asset, exact, shifted, whole

SVI = ("svi_a", "svi_b", "svi_rho", "svi_m", "svi_sigma", "svi_forward", "svi_years")
BILLION = 1_000_000_000
UNIT = 2.0**-52


class PerpHeld(NamedTuple):
    """A perpetual: signed size, mark, unrealised profit, and funding received (negative: owed), in the numeraire."""

    symbol: str
    size: Decimal
    price: Decimal
    profit: Decimal
    funding: Decimal

    @property
    @exact
    def gain(self) -> Decimal:
        """Profit and funding together."""
        return self.profit + self.funding


class OptionHeld(NamedTuple):
    """An option position: signed size in underlying, and the expiry's name."""

    listed: Option
    size: Decimal
    expiry: str


class Underlying(NamedTuple):
    """All positions of a pool in one underlying."""

    name: str
    spot: Decimal
    options: tuple[OptionHeld, ...]
    perps: tuple[PerpHeld, ...]

    @property
    @exact
    def perp_size(self) -> Decimal:
        """The net size of its perpetuals."""
        return sum((one.size for one in self.perps), ZERO)


class CoinHeld(NamedTuple):
    """A balance in another asset than the numeraire, and its price in dollars."""

    name: str
    amount: Decimal
    price: Decimal


class Pooled(NamedTuple):
    """A pool taken apart: cash in the numeraire (interest paid), other balances, positions by underlying."""

    cash: Decimal
    coins: tuple[CoinHeld, ...]
    underlyings: tuple[Underlying, ...]


def expiry_after(market: Market, seconds: Decimal) -> int:
    """The time of an expiry that is ``seconds`` from the market's, in nanoseconds.

    >>> expiry_after(Market({}, time_ns=5), Decimal("1.5"))
    1500000005
    """
    return market.time_ns + whole(shifted(seconds, 9), "time to expiry", "nanoseconds")


@exact
def position_worth(contract: Perpetual, lots: int, mark: Decimal, profit: Decimal, funding: Decimal = ZERO) -> Position:
    """A position whose unrealised profit and funding received are known, as venues report them, not its cost.

    What of the funding does not divide by lots counts as profit; the market's funding index is taken as zero.

    >>> usd = Asset("USDC", 6)
    >>> eth = Perpetual("ETH-PERP", "ETH", usd, usd, Decimal("0.1"), Decimal("0.01"))
    >>> position_worth(eth, 200, Decimal(1500), Decimal("12.5")).cost
    2987500000
    """
    worth = contract.worth(lots, contract.ticks(mark, "mark"))
    per_lot, rest = divmod(contract.settle.units(funding, "funding"), lots)
    cost = worth - contract.settle.units(profit, "unrealised profit") - rest
    return Position(contract.symbol, lots, cost, funding_index=per_lot)


def asset_of(book: Book, name: str) -> Asset:
    """An asset of the book; :class:`BookError` when it is not declared."""
    found = book.assets.get(name)
    if found is None:
        raise BookError(f"assets: {name!r} is not declared; there are {sorted(book.assets)}")
    return found


def pooled(book: Book, market: Market, holding: Holding, venue: str) -> Pooled:
    """A pool taken apart (inside the exact context).

    Raises
    ------
    BookError
        A price, asset or instrument is missing; the message names it.
    RulesError
        An instrument is neither a linear European option nor a linear perpetual settled in the numeraire.

    """
    numeraire = holding.pool.numeraire
    options: dict[str, list[OptionHeld]] = {}
    perps: dict[str, list[PerpHeld]] = {}
    unpaid = ZERO  # premium that has not left cash: the cost of options
    for position in holding.positions:
        listed = book.instruments.get(position.symbol)
        if listed is None:
            raise BookError(f"instruments: {position.symbol!r} is not declared; there are {sorted(book.instruments)}")
        covered(listed, numeraire, venue)
        if isinstance(listed, Option):
            size = listed.size(position.lots) * listed.contract_size
            held = OptionHeld(listed, size, curve(listed.underlying, listed.expiry_ns))
            options.setdefault(listed.underlying, []).append(held)
            unpaid += listed.settle.amount(position.cost)
        elif isinstance(listed, Perpetual):
            perps.setdefault(listed.underlying, []).append(_perp(market, listed, position))
    names = dict.fromkeys([*options, *perps])
    found = tuple(
        Underlying(
            name,
            market.price(PriceKind.INDEX, name, numeraire),
            tuple(options.get(name, ())),
            tuple(perps.get(name, ())),
        )
        for name in names
    )
    return Pooled(cash_of(book, market, holding, numeraire) - unpaid, coins_of(book, market, holding), found)


def covered(listed: object, numeraire: str, venue: str) -> None:
    """Refuse what is not a linear European option or perpetual settled in the numeraire (:class:`RulesError`)."""
    symbol = getattr(listed, "symbol", "")
    if type(listed) not in (Option, Perpetual):
        raise RulesError(f"{venue} does not cover a {type(listed).__name__.lower()} ({symbol})")
    if isinstance(listed, Option | Perpetual) and (
        listed.payoff is not Payoff.LINEAR or listed.settle.name != numeraire
    ):
        raise RulesError(f"{venue} covers linear contracts settled in {numeraire}, not {symbol}")
    if isinstance(listed, Option) and listed.exercise.value != "european":
        raise RulesError(f"{venue} covers European options, not {symbol}")


def _perp(market: Market, listed: Perpetual, position: Position) -> PerpHeld:
    price = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
    due = ledger.funding_due(position.lots, market.funding.get(listed.symbol, 0), position.funding_index)
    profit = listed.worth(position.lots, listed.ticks(price, "mark")) - position.cost
    size = listed.size(position.lots) * listed.contract_size
    return PerpHeld(listed.symbol, size, price, listed.settle.amount(profit), listed.settle.amount(-due))


def cash_of(book: Book, market: Market, holding: Holding, name: str) -> Decimal:
    """A balance less the interest it owes, as an amount."""
    units = holding.cash.get(name, 0)
    due = ledger.interest_due(units, market.interest.get(name, 0), holding.borrow_index.get(name, 0))
    return asset_of(book, name).amount(units - due)


def coins_of(book: Book, market: Market, holding: Holding) -> tuple[CoinHeld, ...]:
    """Balances in other assets than the numeraire, interest paid, with their index prices."""
    own = holding.pool.numeraire
    return tuple(
        CoinHeld(name, cash_of(book, market, holding, name), market.price(PriceKind.INDEX, name, own))
        for name, units in holding.cash.items()
        if units and name != own
    )


def columns(market: Market, held: Underlying, numeraire: str) -> tuple[Series, Expiries, np.ndarray]:
    """Series and expiries of an underlying's options in columns, and the signed amounts."""
    listed = [one.listed for one in held.options]
    names = list(dict.fromkeys(one.expiry for one in held.options))
    expiries = _expiries(market, held, names, numeraire)
    row = np.array([names.index(one.expiry) for one in held.options], dtype=np.int64)
    smiles = [_volatility(market, one, held.options[k].expiry) for k, one in enumerate(listed)]
    series = Series(
        tuple(one.symbol for one in listed),
        row,
        np.array([float(one.strike) for one in listed]),
        np.array([one.kind is OptionKind.CALL for one in listed], dtype=np.bool_),
        np.array([vol for vol, _ in smiles]),
        (expiries.moving + expiries.settled)[row] if names else np.zeros(0),
        np.array([slack for _, slack in smiles]),
    )
    return series, expiries, np.array([float(one.size) for one in held.options])


def _expiries(market: Market, held: Underlying, names: list[str], numeraire: str) -> Expiries:
    first = {one.expiry: one.listed.expiry_ns for one in reversed(held.options)}
    left = [max(0, first[name] - market.time_ns) for name in names]
    seconds = np.array([ns / BILLION for ns in left])
    forwards = [market.prices.get(PriceKey(PriceKind.FORWARD, name, numeraire), held.spot) for name in names]
    return Expiries(
        tuple(names),
        seconds,
        seconds / YEAR_SECONDS,
        np.array([float(one) for one in forwards]),
        np.array([float(market.figure("settled_forward", name, ZERO)) for name in names]),
        np.array([float(market.figure("rate", name, ZERO)) for name in names]),
    )


def _volatility(market: Market, listed: Option, expiry: str) -> tuple[float, float]:
    """An option's volatility, and the bound of what its rounding does to a price, as a share of the forward."""
    given = market.prices.get(PriceKey(PriceKind.VOL, listed.symbol, listed.quote.name))
    if given is not None:
        if given < 0:
            raise BookError(f"market.vol.{listed.symbol}: a volatility must not be negative, not {given}")
        return float(given), 0.0
    if ("svi_a", expiry) not in market.wide:
        raise BookError(f"market.vol.{listed.symbol}: no volatility of {listed.symbol}, and no smile of {expiry}")
    return smile_volatility(once(_smile, market, expiry), float(listed.strike))


def _smile(market: Market, expiry: str) -> Svi:
    return Svi(*(float(market.figure(name, expiry)) for name in SVI))


def smile_volatility(smile: Svi, strike: float) -> tuple[float, float]:
    """Volatility of a strike from a smile, log-moneyness held within four times the smile's own spread.

    Total variance is at most 144. Returned with a bound of the error that rounding the variance brings to a price, as a
    share of the forward. Source: lyra-utils, src/math/SVI.sol.

    >>> round(smile_volatility(Svi(0.04, 0.1, -0.3, 0.0, 0.2, 100.0, 0.5), 100.0)[0], 6)
    0.34641
    """
    edge = 4.0 * np.sqrt(max(smile.a + smile.b * smile.sigma, 0.0))
    k = min(max(float(np.log(strike / smile.forward)), -edge), edge)
    raw = float(smile.variance(k))
    if raw < 0:
        raise BookError(f"a smile has a negative variance ({raw}) at strike {strike}")
    variance = min(raw, 144.0)
    size = abs(smile.a) + abs(smile.b) * (abs(k - smile.m) + smile.sigma)
    slack = 32 * UNIT * size / (2 * np.sqrt(variance)) if variance else 0.0
    return float(np.sqrt(variance / smile.years)), float(0.4 * slack)


def stable_price(market: Market, numeraire: str) -> Decimal:
    """Dollars one unit of the numeraire is worth."""
    found = market.figure("stable_price", numeraire, ONE)
    if found <= 0:
        raise BookError(f"market.wide.stable_price.{numeraire}: must be positive, not {found}")
    return found
