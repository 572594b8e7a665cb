"""Reserves and efficiency modes as values: what each asset counts for, its caps, and which checks it brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.venues.aave_v3 import arithmetic as ints
from solvent.venues.aave_v3.editions import Edition, ProtocolError, Reason
from solvent.venues.aave_v3.interest import Slopes

# A debt beside a supply of the same asset is held under this name: a book has one figure an asset.
DEBT = "variableDebt"
CEILING_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """One reserve's parameters, shares in basis points.

    ``bonus_bps`` is 10,000 plus the liquidation bonus. Caps are in whole tokens, the debt ceiling in whole dollars;
    zero is no limit (a ceiling above zero makes the asset isolated collateral). ``borrowable_in_isolation``,
    ``siloed`` and the ceiling matter until v3.6.
    """

    symbol: str
    decimals: int
    ltv_bps: int
    threshold_bps: int
    bonus_bps: int
    fee_bps: int = 0
    reserve_factor_bps: int = 0
    supply_cap: int = 0
    borrow_cap: int = 0
    debt_ceiling: int = 0
    borrowable: bool = True
    frozen: bool = False
    borrowable_in_isolation: bool = False
    siloed: bool = False
    slopes: Slopes | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """An efficiency mode: what its collateral counts for in place of the reserves' own parameters.

    ``isolated`` (v3.7) gives every other collateral a loan-to-value of zero; ``zero_ltv`` (v3.6) its own members.
    """

    label: str
    ltv_bps: int
    threshold_bps: int
    bonus_bps: int
    collateral: frozenset[str]
    borrowable: frozenset[str]
    zero_ltv: frozenset[str] = frozenset()
    isolated: bool = False


class Shares(NamedTuple):
    """What a collateral counts for in an account's mode, in bps; ``bonus`` is what its liquidation pays."""

    ltv: int
    threshold: int
    bonus: int


@dataclass(frozen=True, slots=True)
class Listings:
    """The reserves and efficiency modes of one market at one time.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> eth = Listing("WETH", 18, 8050, 8300, 10500)
    >>> correlated = Category("ETH correlated", 9000, 9300, 10100, frozenset({"WETH"}), frozenset({"WETH"}))
    >>> listed = Listings({"WETH": eth}, {"emode_1": correlated}, {"ETH": "WETH"})
    >>> [listed.shares(edition("v3.0"), "ETH", mode) for mode in ("standard", "emode_1")]
    [Shares(ltv=8050, threshold=8300, bonus=10500), Shares(ltv=9000, threshold=9300, bonus=10100)]

    """

    reserves: Mapping[str, Listing]
    categories: Mapping[str, Category] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def underlying(self, name: str) -> str:
        """The asset a name stands for: ``variableDebtWETH`` is WETH."""
        return name.removeprefix(DEBT)

    def listing(self, name: str) -> Listing | None:
        """The reserve of an asset or of its alias (ETH is held as WETH); None where there is none."""
        asset = self.underlying(name)
        return self.reserves.get(asset) or self.reserves.get(self.aliases.get(asset, ""))

    def required(self, name: str) -> Listing:
        """The reserve of an asset; :class:`RulesError` lists those there are."""
        found = self.listing(name)
        if found is None:
            msg = f"{name}: no reserve; there are {sorted(self.reserves)}"
            raise RulesError(msg)
        return found

    def category(self, account_class: str) -> Category | None:
        """The efficiency mode an account class names; None for ``standard``."""
        if account_class == "standard":
            return None
        if account_class not in self.categories:
            msg = f"account class {account_class!r}: expected standard or one of {sorted(self.categories)}"
            raise RulesError(msg)
        return self.categories[account_class]

    def shares(self, edition: Edition, name: str, account_class: str) -> Shares:
        """What an asset counts for as collateral in an account's mode; nothing where it has no reserve."""
        found, category = self.listing(name), self.category(account_class)
        if found is None:
            return Shares(0, 0, 0)
        if category is None:
            return Shares(found.ltv_bps, found.threshold_bps, found.bonus_bps)
        if found.symbol in category.collateral:
            return _in_category(edition, found, category)
        return Shares(0 if category.isolated else found.ltv_bps, found.threshold_bps, found.bonus_bps)


def _in_category(edition: Edition, listing: Listing, category: Category) -> Shares:
    """Until v3.5 a reserve that is no collateral, or has a loan-to-value of zero, is so inside a mode too."""
    closed = listing.ltv_bps == 0 and not edition.modes_apart
    threshold = 0 if listing.threshold_bps == 0 and not edition.modes_apart else category.threshold_bps
    ltv = 0 if closed or listing.symbol in category.zero_ltv else category.ltv_bps
    return Shares(ltv, threshold, category.bonus_bps)


def isolated_debt(amount: int, decimals: int, ceiling_decimals: int = CEILING_DECIMALS) -> int:
    """What a borrow adds to the debt ceiling's count: dollars with two decimals, at one token a dollar, down.

    >>> isolated_debt(10 * 10**18, 18)
    1000
    """
    return ints.mul_div_floor(amount, 10**ceiling_decimals, 10**decimals)


class Whole(NamedTuple):
    """A reserve's totals in smallest units: what is supplied and owed, and, of an isolated collateral, its debt count.

    ``isolated_debt`` is in the ceiling's units: dollars with two decimals.
    """

    supplied: int = 0
    owed: int = 0
    isolated_debt: int = 0


def check_supply(listing: Listing, whole: Whole, amount: int) -> None:
    """Refuse a supply to a frozen reserve or above its cap; the cap itself is allowed."""
    if listing.frozen:
        raise ProtocolError(Reason.RESERVE_FROZEN, f"{listing.symbol} takes no new supplies")
    cap = listing.supply_cap * 10**listing.decimals
    if cap and whole.supplied + amount > cap:
        text = f"{listing.symbol}: {whole.supplied + amount} supplied would be above {cap}"
        raise ProtocolError(Reason.SUPPLY_CAP_EXCEEDED, text)


def check_borrow(listing: Listing, whole: Whole, amount: int, category: Category | None = None) -> None:
    """Refuse a borrow by what the reserve allows: borrowing switched on, the cap (itself allowed), the mode's list."""
    if listing.frozen:
        raise ProtocolError(Reason.RESERVE_FROZEN, f"{listing.symbol} takes no new borrows")
    if not listing.borrowable:
        raise ProtocolError(Reason.BORROWING_NOT_ENABLED, f"{listing.symbol} is not lent")
    cap = listing.borrow_cap * 10**listing.decimals
    if cap and whole.owed + amount > cap:
        text = f"{listing.symbol}: {whole.owed + amount} borrowed would be above {cap}"
        raise ProtocolError(Reason.BORROW_CAP_EXCEEDED, text)
    if category is not None and listing.symbol not in category.borrowable:
        text = f"{listing.symbol} cannot be borrowed in {category.label!r}"
        raise ProtocolError(Reason.NOT_BORROWABLE_IN_EMODE, text)


def check_isolation(
    edition: Edition,
    collateral: tuple[Listing, ...],
    owed: tuple[Listing, ...],
    borrowed: Listing,
    amount: int,
    whole: Whole,
) -> None:
    """Refuse a borrow by isolation mode, debt ceiling or siloed borrowing, which exist until v3.6.

    An account whose only collateral has a debt ceiling is isolated. ``whole`` is that collateral's, ``owed`` what the
    account owes already.
    """
    if not edition.isolation:
        return
    if len(collateral) == 1 and collateral[0].debt_ceiling:
        _check_ceiling(collateral[0], borrowed, amount, whole)
    others = [one for one in owed if one.symbol != borrowed.symbol]
    if others and (borrowed.siloed or any(one.siloed for one in owed)):
        text = f"{borrowed.symbol} beside {sorted(one.symbol for one in others)}: a siloed asset is borrowed alone"
        raise ProtocolError(Reason.SILOED_BORROWING_VIOLATION, text)


def _check_ceiling(isolated: Listing, borrowed: Listing, amount: int, whole: Whole) -> None:
    if not borrowed.borrowable_in_isolation:
        text = f"{borrowed.symbol} cannot be borrowed against {isolated.symbol} alone"
        raise ProtocolError(Reason.ASSET_NOT_BORROWABLE_IN_ISOLATION, text)
    count = whole.isolated_debt + isolated_debt(amount, borrowed.decimals)
    ceiling = isolated.debt_ceiling * 10**CEILING_DECIMALS
    if count > ceiling:
        text = f"{count} owed against {isolated.symbol} would be above {ceiling}, in cents"
        raise ProtocolError(Reason.DEBT_CEILING_EXCEEDED, text)
