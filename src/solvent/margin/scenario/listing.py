"""What a quantised scan is over: the contracts of one underlying in rows, and their prices at one moment.

A row is an option, a perpetual or a coin held as collateral, in that order; sizes are whole lots (of a coin: whole
steps). Money is counted in *grains*, 10^−places of the numeraire.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, Holding, Market, PriceKind, curve
from solvent.instruments import Option, Perpetual
from solvent.margin.scenario.contingencies import naked_shorts
from solvent.margin.scenario.reading import OptionHeld, Underlying, columns, covered, stable_price
from solvent.margin.scenario.series import Expiries, Series
from solvent.rules import RulesError
from solvent.units import Asset, exact


class CoinStep(NamedTuple):
    """A coin as collateral, and the amount of it that is one step."""

    asset: Asset
    step: Decimal


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of one underlying.

    All options share one lot, and so do all perpetuals: contingencies count them together.

    Raises
    ------
    RulesError
        A contract is not linear, not European, of another underlying or numeraire, listed twice, or of another lot.

    """

    underlying: str
    numeraire: Asset
    options: tuple[Option, ...]
    perps: tuple[Perpetual, ...] = ()
    coins: tuple[CoinStep, ...] = ()
    places: int = 8
    row: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check what is listed, and number it."""
        contracts = (*self.options, *self.perps)
        for one in contracts:
            covered(one, self.numeraire.name, "a quantised scan")
            if one.underlying != self.underlying:
                raise RulesError(f"a quantised scan of {self.underlying} does not cover {one.symbol}")
        for kind in (self.options, self.perps):
            lots = {size_of(one) for one in kind}
            if len(lots) > 1:
                raise RulesError(f"lots of {kind[0].symbol} and its like must be of one size, not {sorted(lots)}")
        names = [*(one.symbol for one in contracts), *(one.asset.name for one in self.coins)]
        if len(set(names)) < len(names):
            raise RulesError(f"something is listed twice among {names}")
        object.__setattr__(self, "row", {name: k for k, name in enumerate(names)})

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.row)

    @property
    def first_coin(self) -> int:
        """The row of the first coin."""
        return len(self.options) + len(self.perps)


@exact
def size_of(contract: Option | Perpetual) -> Decimal:
    """The size of one lot, in underlying."""
    return contract.lot_size * contract.contract_size


class Quotes(NamedTuple):
    """Prices of one moment: ``perps`` marks, ``coins`` prices in dollars, ``funding`` units paid so far by a lot."""

    series: Series
    expiries: Expiries
    spot: Decimal
    perps: tuple[Decimal, ...]
    coins: tuple[Decimal, ...]
    stable: Decimal
    funding: tuple[int, ...]
    time_ns: int


@exact
def quotes(listing: Listing, market: Market) -> Quotes:
    """A market's prices of what is listed.

    Raises
    ------
    BookError
        A price is missing; the message names it.
    RulesError
        Balances owe interest by index, which a quantised scan does not follow.

    """
    own = listing.numeraire.name
    for name in (own, *(one.asset.name for one in listing.coins)):
        if market.interest.get(name, 0):
            raise RulesError(f"market.interest.{name}: a quantised scan does not follow interest; settle it in cash")
    spot = market.price(PriceKind.INDEX, listing.underlying, own)
    options = tuple(OptionHeld(one, size_of(one), curve(one.underlying, one.expiry_ns)) for one in listing.options)
    series, expiries, _ = columns(market, Underlying(listing.underlying, spot, options, ()), own)
    return Quotes(
        series,
        expiries,
        spot,
        tuple(market.price(PriceKind.MARK, one.symbol, one.quote.name) for one in listing.perps),
        tuple(market.price(PriceKind.INDEX, one.asset.name, own) for one in listing.coins),
        stable_price(market, own),
        tuple(market.funding.get(one.symbol, 0) for one in listing.perps),
        market.time_ns,
    )


class Held(NamedTuple):
    """A pool in rows: signed ``lots`` by row; ``fixed`` grains that no price moves; lots that bear a contingency.

    ``naked`` are open short options (:func:`~solvent.margin.scenario.contingencies.naked_shorts`), ``perp`` the net
    perpetuals.
    """

    lots: dict[int, int]
    fixed: int
    naked: int
    perp: int


@exact
def held(listing: Listing, book: Book, holding: Holding) -> Held:
    """What a pool holds, in rows; resting orders do not count, as at MAINTAIN.

    A balance that is no whole number of grains is rounded down, against the account.

    Raises
    ------
    RulesError
        Something it holds is not listed, or a coin's balance is no whole number of steps.

    """
    lots: dict[int, int] = {}
    units = holding.cash.get(listing.numeraire.name, 0)
    for position in holding.positions:
        at = listing.row.get(position.symbol)
        if at is None or at >= listing.first_coin:
            raise RulesError(f"pool {holding.pool.id}: {position.symbol} is not listed for the quantised scan")
        lots[at] = lots.get(at, 0) + position.lots
        if at >= len(listing.options):
            units += position.lots * position.funding_index - position.cost
    for name, owned in holding.cash.items():
        if owned and name != listing.numeraire.name:
            at = listing.row.get(name)
            if at is None or at < listing.first_coin:
                raise RulesError(f"pool {holding.pool.id}: {name} is not listed for the quantised scan")
            lots[at] = _steps(book.assets[name].amount(owned), listing.coins[at - listing.first_coin])
    shorts = [
        OptionHeld(one, Decimal(lots[k]), curve(one.underlying, one.expiry_ns))
        for k, one in enumerate(listing.options)
        if k in lots
    ]
    net = sum((lots.get(k, 0) for k in range(len(listing.options), listing.first_coin)), 0)
    fixed = grains_down(listing, units)
    return Held({at: n for at, n in sorted(lots.items()) if n}, fixed, int(naked_shorts(shorts)), net)


def _steps(amount: Decimal, coin: CoinStep) -> int:
    count, rest = divmod(amount, coin.step)
    if rest:
        raise RulesError(f"a balance of {amount} {coin.asset.name} must be a whole number of steps of {coin.step}")
    return int(count)


def grains_down(listing: Listing, units: int) -> int:
    """Numeraire units in grains, rounded down."""
    shift = listing.places - listing.numeraire.scale
    return units * int(10**shift) if shift >= 0 else units // int(10**-shift)
