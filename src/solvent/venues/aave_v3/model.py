"""A pool of a book under the protocol's rules: supplies, variable debts, and the assessment they make.

Cash above zero is a supply that is used as collateral, below zero a variable debt; a debt beside a supply of the same
asset is held under ``variableDebt`` and the asset's name. Figures are US dollars with eight decimals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Assessment, Line
from solvent.book import Book, BookError, Holding, Leg, Market, Method, PriceKind, Purpose
from solvent.ledger import interest_due
from solvent.margin.declared import asset_of
from solvent.margin.totals import assessed
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, exact, shifted
from solvent.venues.aave_v3 import arithmetic as ints
from solvent.venues.aave_v3.account import BASE_PLACES, AccountData, Supply, account_data, in_usd
from solvent.venues.aave_v3.editions import Edition
from solvent.venues.aave_v3.reserves import DEBT, Listings, Shares


class Entry(NamedTuple):
    """One balance of a pool, valued: smallest units (negative is a debt), base units (never negative), its shares."""

    name: str
    amount: int
    base: int
    shares: Shares

    @property
    def is_debt(self) -> bool:
        """Whether it is owed."""
        return self.amount < 0


@dataclass(frozen=True, slots=True)
class LendingModel:
    """How the protocol values a pool: the version's rules and the market's reserves.

    Surplus at MAINTAIN is what the collateral counts for less the debts: not negative exactly where the health factor
    is one or more. ADMIT compares debts with the largest debt a borrow may leave. WITHDRAW is the maintenance line.
    """

    edition: Edition
    listings: Listings

    def entries(
        self, book: Book, market: Market, holding: Holding, account_class: str | None = None
    ) -> tuple[Entry, ...]:
        """Every balance of a pool valued as the protocol does: supplies down, debts as the version says.

        ``account_class`` is another mode than the pool's own, to see what it would make of the collateral.

        Raises
        ------
        BookError
            A price is missing or not above zero, an asset is not declared, or a name for debts holds a supply.
        RulesError
            The pool holds positions or orders, or its account class is no efficiency mode.

        """
        pool = holding.pool
        if holding.positions or holding.orders:
            msg = f"pool {pool.id}: {self.edition.name} lends and borrows; it has no positions and no orders"
            raise RulesError(msg)
        mode = account_class or pool.account_class
        self.listings.category(mode)
        return tuple(self._entry(book, market, holding, name, mode) for name, units in holding.cash.items() if units)

    def _entry(self, book: Book, market: Market, holding: Holding, name: str, mode: str) -> Entry:
        units = holding.cash[name]
        asset = asset_of(book, name)
        if name.startswith(DEBT) and units > 0:
            msg = f"pool {holding.pool.id}: {name} is a debt; expected an amount below zero, not {asset.amount(units)}"
            raise BookError(msg)
        due = interest_due(units, market.interest.get(name, 0), holding.borrow_index.get(name, 0))
        price, unit = base_price(market, self.listings.underlying(name), holding.pool.numeraire), int(10**asset.scale)
        amount = units - due
        if amount < 0:
            return Entry(name, amount, self.edition.debt_value(-amount, price, unit), Shares(0, 0, 0))
        shares = self.listings.shares(self.edition, name, mode)
        return Entry(name, amount, ints.mul_div_floor(amount, price, unit), shares)

    def data(self, book: Book, market: Market, holding: Holding) -> AccountData:
        """Totals, averages and health factor of a pool."""
        return summed(self.edition, self.entries(book, market, holding))

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment: a line a balance, and a line for what averaging and rounding make of the shares."""
        del rules
        entries = self.entries(book, market, holding)
        found = summed(self.edition, entries)
        lines = list(_lines(entries, purpose))
        counts = found.counted_base
        if purpose is Purpose.ADMIT:
            counts = min(counts, Decimal(found.most_debt_base))
        rest = shifted(counts, -BASE_PLACES) - sum((line.equity for line in lines), ZERO)
        if rest:
            lines.append(Line("haircut", "average", Leg.NET, ZERO, rest))
        return assessed(holding.pool.id, purpose, holding.pool.numeraire, lines)


def summed(edition: Edition, entries: tuple[Entry, ...]) -> AccountData:
    """The account that these balances make."""
    supplies = [Supply(one.base, one.shares.ltv, one.shares.threshold) for one in entries if not one.is_debt]
    return account_data(edition, supplies, sum(one.base for one in entries if one.is_debt))


def _lines(entries: tuple[Entry, ...], purpose: Purpose) -> Iterator[Line]:
    for one in entries:
        value = in_usd(one.base)
        if one.is_debt:
            yield Line("debt", one.name, Leg.NET, -value, ZERO, value)
            continue
        share = one.shares.ltv if purpose is Purpose.ADMIT and one.shares.threshold else one.shares.threshold
        yield Line("cash", one.name, Leg.NET, value, value)
        yield Line("haircut", one.name, Leg.NET, ZERO, shifted(Decimal(share), -4) * value - value)


def base_price(market: Market, name: str, numeraire: str) -> int:
    """The oracle's price, cut to its eight decimals; one where the asset is the base currency itself."""
    if name == numeraire:
        return int(10**BASE_PLACES)
    given = market.price(PriceKind.INDEX, name, numeraire)
    if given <= 0:
        msg = f"market.index.{name}: a price must be above zero, not {given}"
        raise BookError(msg)
    return int(shifted(given, BASE_PLACES))


def lending(rules: VenueRules) -> LendingModel:
    """The lending model of a rule set; :class:`RulesError` where it has none of this protocol."""
    found = rules.models.get(Method.LENDING)
    if not isinstance(found, LendingModel):
        msg = f"{rules.name} does not lend by the rules of this protocol"
        raise RulesError(msg)
    return found


@exact
def pool_data(book: Book, market: Market, rules: VenueRules, pool: str) -> AccountData:
    """Totals, averages and health factor of one pool by its id, as ``getUserAccountData`` would answer.

    Examples
    --------
    >>> from solvent.book import Pool, PriceKey
    >>> from solvent.units import Asset
    >>> from solvent.venues.aave_v3.rules import aave_v3_0
    >>> assets = {"USD": Asset("USD", 8), "WETH": Asset("WETH", 18), "USDC": Asset("USDC", 6)}
    >>> pool = Pool("main", method=Method.LENDING, numeraire="USD")
    >>> book = Book(assets, {}, (Holding(pool, {"WETH": 10**18, "USDC": -1_000_000_000}),))
    >>> prices = {"WETH": Decimal(1800), "USDC": Decimal(1)}
    >>> market = Market({PriceKey(PriceKind.INDEX, name, "USD"): price for name, price in prices.items()})
    >>> str(pool_data(book, market, aave_v3_0(), "main").health_factor)
    '1.494000000000000000'

    """
    return lending(rules).data(book, market, book.holding(pool))
