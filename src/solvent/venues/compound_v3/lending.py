"""Health of an account: its debt against its collateral, in the protocol's whole numbers, as a pool of a book.

The balance of the base asset is the **principal**: what stands in the protocol's storage. It grows with the indices
``("supply_index", base)`` and ``("borrow_index", base)`` of the market's wide figures (1 where absent: the balance is
then the present amount). Every other positive balance is collateral. Source: compound-finance/comet@d5a30b0,
contracts/Comet.sol (isBorrowCollateralized, isLiquidatable, withdrawBase).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Assessment, Line
from solvent.book import Book, BookError, Holding, Leg, Market, Method, PriceKind, Purpose
from solvent.margin import assess_pool
from solvent.margin.declared import asset_of
from solvent.margin.totals import assessed
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact, shifted, whole
from solvent.venues.compound_v3.facts import MarketFacts
from solvent.venues.compound_v3.formulas import INDEX_PLACES, PRICE_PLACES, Indices, by_factor, worth


class BorrowTooSmall(RulesError):
    """A withdrawal of the base asset that would leave a debt below the market's minimum."""


class NotCollateralized(RulesError):
    """A withdrawal that would leave a debt without enough collateral at the borrow factors."""


@dataclass(frozen=True, slots=True)
class LendingModel:
    """Margins a pool as the protocol judges an account: requirement = debt, margin equity = collateral × factor.

    A supply of the base asset counts in full. Values are cut to 10^-8 of the numeraire, asset by asset, value first and
    the factored value after it.

    Parameters
    ----------
    facts
        The market the account is in.

    Examples
    --------
    >>> from solvent.margin import assess
    >>> from solvent.book import Pool, PriceKey
    >>> from solvent.units import Asset
    >>> from solvent.venues import venue
    >>> pool = Pool("me", method=Method.LENDING, numeraire="USDC")
    >>> holding = Holding(pool, {"USDC": -1_000_000, "WETH": 10**15})
    >>> book = Book({"USDC": Asset("USDC", 6), "WETH": Asset("WETH", 18)}, {}, (holding,))
    >>> market = Market({PriceKey(PriceKind.INDEX, "WETH", "USDC"): Decimal(2000)})
    >>> found = assess(book, market, venue("compound_v3"), Purpose.MAINTAIN)["me"]
    >>> str(found.margin_equity), str(found.required)
    ('1.79000000', '1.00000000')

    """

    facts: MarketFacts

    @exact
    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment; its surplus is the protocol's signed liquidity of an account in debt.

        Raises
        ------
        RulesError
            The pool holds contracts, or owes something other than the base asset.
        BookError
            A price is missing.

        """
        if holding.positions or holding.orders:
            named = [*(one.symbol for one in holding.positions), *(one.symbol for one in holding.orders)]
            msg = f"{rules.name}: lends against collateral and has no contracts; pool {holding.pool.id} holds {named}"
            raise RulesError(msg)
        lines = list(_lines(book, market, self.facts, purpose, holding))
        return assessed(holding.pool.id, purpose, holding.pool.numeraire, lines)


def _lines(book: Book, market: Market, facts: MarketFacts, purpose: Purpose, holding: Holding) -> Iterator[Line]:
    """The base balance (a debt is a requirement), then each collateral and what its factor takes."""
    present = base_units(market, facts.base, holding)
    if present:
        scale = _scale(book, facts.base)
        rounding = Rounding.UP if present < 0 else Rounding.DOWN
        amount = _figure(worth(abs(present), price_of(market, facts.base, holding, rounding), scale))
        if present < 0:
            yield Line("cash", facts.base, Leg.NET, ZERO - amount, ZERO, amount)
        else:
            yield Line("cash", facts.base, Leg.NET, amount, amount)
    for name, value in collateral_values(book, market, facts, holding).items():
        counted = by_factor(value, facts.assets[name].factor(purpose)) if name in facts.assets else 0
        yield Line("cash", name, Leg.NET, _figure(value), _figure(value))
        if counted != value:
            yield Line("haircut", name, Leg.NET, ZERO, _figure(counted - value))


def collateral_values(book: Book, market: Market, facts: MarketFacts, holding: Holding) -> dict[str, int]:
    """Value of every balance beside the base asset, in 10^-8, before factors; :class:`RulesError` for a debt of one."""
    values = {}
    for name, units in holding.cash.items():
        if name == facts.base or not units:
            continue
        if units < 0:
            msg = f"only {facts.base} is lent in this market: pool {holding.pool.id} owes {name}"
            raise RulesError(msg)
        values[name] = worth(units, price_of(market, name, holding, Rounding.DOWN), _scale(book, name))
    return values


def indices(market: Market, base: str) -> Indices:
    """The market's indices in 10^-15, from its wide figures.

    >>> indices(Market({}, wide={("borrow_index", "USDC"): Decimal("1.5")}), "USDC")
    Indices(supply=1000000000000000, borrow=1500000000000000)
    """
    names = ("supply_index", "borrow_index")
    given = (shifted(market.figure(name, base, ONE), INDEX_PLACES) for name in names)
    return Indices(*(whole(one, f"index of {base}", "10^-15") for one in given))


def base_units(market: Market, base: str, holding: Holding) -> int:
    """The signed present amount of the base asset, in units: below zero it is what is owed."""
    return indices(market, base).present(holding.cash.get(base, 0))


def price_of(market: Market, name: str, holding: Holding, rounding: Rounding) -> int:
    """The index of an asset in the pool's numeraire in 10^-8; feeds have no more places, what is finer is cut."""
    if name == holding.pool.numeraire:
        return int(shifted(ONE, PRICE_PLACES))
    price = market.price(PriceKind.INDEX, name, holding.pool.numeraire)
    return int(shifted(divide(price, ONE, PRICE_PLACES, rounding), PRICE_PLACES))


def model_of(rules: VenueRules) -> LendingModel:
    """The rule set's lending model; :class:`RulesError` where it is another venue's."""
    found = rules.models.get(Method.LENDING)
    if not isinstance(found, LendingModel):
        msg = f"{rules.name}: no lending market of this kind"
        raise RulesError(msg)
    return found


class Withdrawal(NamedTuple):
    """What a withdrawal of the base asset leaves: the book after it, the debt then, and the account at ADMIT."""

    book: Book
    debt_units: int
    after: Assessment


@exact
def withdraw_base(book: Book, market: Market, rules: VenueRules, pool: str, units: int) -> Withdrawal:
    """Take base units out of the supply and, beyond it, as a loan; judged on the state it leaves.

    Parameters
    ----------
    book, market, rules
        As for :func:`solvent.margin.assess`.
    pool, units
        Who takes out, and how many units of the base asset (> 0).

    Raises
    ------
    BorrowTooSmall
        A debt is left and it is below the minimum; the minimum itself is allowed.
    NotCollateralized
        A debt is left that the collateral does not carry at the borrow factors.
    BookError
        The amount is not positive.

    Examples
    --------
    >>> from solvent.book import Pool
    >>> from solvent.units import Asset
    >>> from solvent.venues.compound_v3.rules import market_rules
    >>> rules = market_rules(MarketFacts("USDC", least_borrow_units=100))
    >>> holding = Holding(Pool("me", method=Method.LENDING, numeraire="USDC"), {"USDC": 500})
    >>> book = Book({"USDC": Asset("USDC", 6)}, {}, (holding,))
    >>> withdraw_base(book, Market({}), rules, "me", 500).debt_units
    0
    >>> withdraw_base(book, Market({}), rules, "me", 599)
    Traceback (most recent call last):
    ...
    solvent.venues.compound_v3.lending.BorrowTooSmall: a debt of 99 units of USDC is below the smallest allowed, 100

    """
    if units <= 0:
        msg = f"amount to withdraw must be positive, not {units} units"
        raise BookError(msg)
    facts, holding = model_of(rules).facts, book.holding(pool)
    after_units = base_units(market, facts.base, holding) - units
    principal = indices(market, facts.base).principal(after_units)
    changed = holding.with_cash(facts.base, principal - holding.cash.get(facts.base, 0))
    after_book = book.with_holding(changed)
    after = assess_pool(after_book, market, rules, Purpose.ADMIT, pool)
    debt = max(0, -after_units)
    if 0 < debt < facts.least_borrow_units:
        least = facts.least_borrow_units
        msg = f"a debt of {debt} units of {facts.base} is below the smallest allowed, {least}"
        raise BorrowTooSmall(msg)
    if after.surplus < 0:
        msg = f"{facts.base}: collateral would be {-after.surplus} {after.numeraire} short of the debt"
        raise NotCollateralized(msg)
    return Withdrawal(after_book, debt, after)


def _scale(book: Book, name: str) -> int:
    return int(10 ** asset_of(book, name).scale)


def _figure(value: int) -> Decimal:
    return shifted(Decimal(value), -PRICE_PLACES)
