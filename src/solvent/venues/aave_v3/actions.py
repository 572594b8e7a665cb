"""What a pool of a book may do under the protocol's rules, and what a liquidation of it moves."""

from __future__ import annotations

from typing import NamedTuple

from solvent.book import Book, BookError, Holding, Market
from solvent.rules import VenueRules
from solvent.units import exact
from solvent.venues.aave_v3.account import borrow_refusals, leave_refusals, mode_refusals
from solvent.venues.aave_v3.editions import ProtocolError, Reason
from solvent.venues.aave_v3.liquidation import Seized, Side, Terms, liquidate
from solvent.venues.aave_v3.model import LendingModel, base_price, lending, summed
from solvent.venues.aave_v3.reserves import DEBT, Listing, Whole, check_borrow, check_isolation

NO_TOTALS = Whole()


class Deal(NamedTuple):
    """One liquidation: the collateral seized, the debt repaid, and how much of it (None: as much as is allowed)."""

    collateral: str
    debt: str
    cover_units: int | None = None


@exact
def borrow_check(
    book: Book, market: Market, rules: VenueRules, pool: str, asset: str, units: int, whole: Whole = NO_TOTALS
) -> tuple[Reason, ...]:
    """Why a pool may not borrow ``units`` more of an asset; empty where it may.

    ``whole`` are the totals the caps are compared with: of the borrowed reserve, and in isolation mode the debt counted
    against the collateral. The reserve's own checks come first; the account's are made on the book after the borrow.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> from solvent.venues.aave_v3.samples import looped
    >>> book, market = looped()
    >>> [reason.value for reason in borrow_check(book, market, venue("aave_v3"), "main", "USDC", 10**10)]
    ['HealthFactorLowerThanLiquidationThreshold', 'CollateralCannotCoverNewBorrow']

    """
    model, holding = lending(rules), book.holding(pool)
    try:
        _reserve_checks(model, holding, asset, units, whole)
    except ProtocolError as refused:
        return (refused.reason,)
    after = book.with_holding(holding.with_cash(_debt_name(holding, asset), -units))
    return borrow_refusals(model.data(after, market, after.holding(pool)))


def _reserve_checks(model: LendingModel, holding: Holding, asset: str, units: int, whole: Whole) -> None:
    listed, borrowed = model.listings, model.listings.required(asset)
    check_borrow(borrowed, whole, units, listed.category(holding.pool.account_class))
    collateral = tuple(one for one in _listed(model, holding, debts=False) if one.threshold_bps)
    owed = _listed(model, holding, debts=True)
    check_isolation(model.edition, collateral, owed, borrowed, units, whole)


def _listed(model: LendingModel, holding: Holding, *, debts: bool) -> tuple[Listing, ...]:
    names = [name for name, units in holding.cash.items() if (units < 0 if debts else units > 0)]
    return tuple(one for one in map(model.listings.listing, names) if one is not None)


def _debt_name(holding: Holding, asset: str) -> str:
    """The name a debt of an asset is held under: its own, or apart where the pool supplies the same asset."""
    return f"{DEBT}{asset}" if holding.cash.get(asset, 0) > 0 else asset


@exact
def withdraw_check(
    book: Book, market: Market, rules: VenueRules, pool: str, asset: str, units: int
) -> tuple[Reason, ...]:
    """Why ``units`` of a supply may not leave a pool; empty where they may.

    :class:`BookError` where the pool has fewer.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> from solvent.venues.aave_v3.samples import looped
    >>> book, market = looped()
    >>> [reason.value for reason in withdraw_check(book, market, venue("aave_v3"), "main", "WETH", 9 * 10**18)]
    ['HealthFactorLowerThanLiquidationThreshold']

    """
    model, holding = lending(rules), book.holding(pool)
    held = holding.cash.get(asset, 0)
    if units > held:
        msg = f"pool {pool}: {asset} holds {held} units, not {units}"
        raise BookError(msg)
    after = book.with_holding(holding.with_cash(asset, -units))
    leaving = model.listings.shares(model.edition, asset, holding.pool.account_class).ltv
    before = model.data(book, market, holding)
    return leave_refusals(before, model.data(after, market, after.holding(pool)), leaving)


@exact
def mode_check(book: Book, market: Market, rules: VenueRules, pool: str, account_class: str) -> tuple[Reason, ...]:
    """Why a pool may not change to another efficiency mode (``standard`` leaves one); empty where it may.

    Every debt must be borrowable in the mode, the health factor with its parameters must be one or more, and into an
    isolated mode nobody brings collateral that would have a loan-to-value of zero.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> from solvent.venues.aave_v3.samples import looped
    >>> book, market = looped()
    >>> mode_check(book, market, venue("aave_v3"), "main", "emode_1")
    (<Reason.NOT_BORROWABLE_IN_EMODE: 'NotBorrowableInEMode'>,)

    """
    model, holding = lending(rules), book.holding(pool)
    category = model.listings.category(account_class)
    owed = {one.symbol for one in _listed(model, holding, debts=True)}
    if category is not None and owed - category.borrowable:
        return (Reason.NOT_BORROWABLE_IN_EMODE,)
    found = model.entries(book, market, holding, account_class)
    ltvs = [one.shares.ltv for one in found if not one.is_debt and one.shares.threshold]
    return mode_refusals(summed(model.edition, found), ltvs if category is not None and category.isolated else ())


@exact
def liquidation(book: Book, market: Market, rules: VenueRules, pool: str, deal: Deal) -> Seized:
    """What liquidating a pool moves: debt repaid, collateral to the liquidator, fee to the protocol, smallest units.

    Raises
    ------
    ProtocolError
        The health factor is not below one, a side is empty, or dust would be left.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from solvent.venues import venue
    >>> from solvent.venues.aave_v3.samples import looped
    >>> book, market = looped(weth_price=Decimal(1250))
    >>> liquidation(book, market, venue("aave_v3"), "main", Deal("WETH", "USDC"))
    Seized(debt=5250000000, collateral=4389000000000000000, fee=21000000000000000)

    """
    model, holding = lending(rules), book.holding(pool)
    listed = model.listings.required(deal.collateral)
    bonus = model.listings.shares(model.edition, deal.collateral, holding.pool.account_class).bonus
    held = Side(max(0, holding.cash.get(deal.collateral, 0)), *_priced(book, market, holding, model, deal.collateral))
    owed = Side(max(0, -_owed(holding, deal.debt)), *_priced(book, market, holding, model, deal.debt))
    data = model.data(book, market, holding)
    return liquidate(model.edition, data, held, owed, deal.cover_units, Terms(bonus, listed.fee_bps))


def _owed(holding: Holding, asset: str) -> int:
    return min(0, holding.cash.get(asset, 0)) + min(0, holding.cash.get(f"{DEBT}{asset}", 0))


def _priced(book: Book, market: Market, holding: Holding, model: LendingModel, name: str) -> tuple[int, int]:
    price = base_price(market, model.listings.underlying(name), holding.pool.numeraire)
    return price, int(10 ** book.assets[name].scale)
