"""An account in the protocol's own numbers: totals, averages, health factor, and what it may borrow or take out.

Amounts of value are whole base units: 10^-8 US dollars. Shares are whole basis points. Source: GenericLogic.sol and
ValidationLogic.sol of the version an :class:`~solvent.venues.aave_v3.editions.Edition` stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.units import shifted
from solvent.venues.aave_v3 import arithmetic as ints
from solvent.venues.aave_v3.editions import Edition, Reason

BASE_PLACES = 8
WAD_PLACES = 18


class Supply(NamedTuple):
    """A supply that counts as collateral: its value in base units, loan-to-value and liquidation threshold in bps."""

    base: int
    ltv_bps: int
    threshold_bps: int


@dataclass(frozen=True, slots=True)
class AccountData:
    """What the protocol says of an account.

    Attributes
    ----------
    collateral_base, debt_base
        Value of the collateral and of the debts, base units.
    ltv_bps, threshold_bps
        Averages weighted by value, cut to whole basis points.
    health_wad
        The health factor with 18 decimals; None without debt, where it has no bound.
    counted_base
        What the collateral counts for against the debts, in base units: rounded half up where the threshold is cut,
        and with four more digits where it is not.
    zero_ltv
        Some collateral has a loan-to-value of zero.

    """

    edition: Edition
    collateral_base: int
    debt_base: int
    ltv_bps: int
    threshold_bps: int
    health_wad: int | None
    counted_base: Decimal
    zero_ltv: bool

    @property
    def health_factor(self) -> Decimal | None:
        """The health factor as a number."""
        return None if self.health_wad is None else shifted(Decimal(self.health_wad), -WAD_PLACES)

    @property
    def liquidatable(self) -> bool:
        """Whether the health factor is below one."""
        return self.health_wad is not None and self.health_wad < ints.WAD

    @property
    def available_base(self) -> int:
        """What may still be borrowed, in base units."""
        share = ints.percent_mul_floor if self.edition.needed_up else ints.percent_mul
        return max(0, share(self.collateral_base, self.ltv_bps) - self.debt_base)

    @property
    def most_debt_base(self) -> int:
        """The largest debt, in base units, that a borrow may leave the account with."""
        if self.edition.needed_up:
            return self.collateral_base * self.ltv_bps // ints.PERCENT
        above = (self.collateral_base + 1) * self.ltv_bps - self.ltv_bps // 2
        return max(0, (above - 1) // ints.PERCENT)


def account_data(edition: Edition, supplies: Iterable[Supply], debt_base: int) -> AccountData:
    """Totals, averages and health factor of an account.

    Parameters
    ----------
    edition
        The version's rules.
    supplies
        Everything that counts as collateral; a threshold of zero means that it does not.
    debt_base
        The debts' value, base units.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> data = account_data(edition("v3.0"), [Supply(271_00000000, 8000, 8250)], 241_90000000)
    >>> str(data.health_factor), data.liquidatable, data.available_base
    ('0.924245556014882183', True, 0)

    """
    counting = [supply for supply in supplies if supply.threshold_bps]
    collateral = sum(supply.base for supply in counting)
    weighted = sum(supply.base * supply.threshold_bps for supply in counting)
    ltv = sum(supply.base * supply.ltv_bps for supply in counting) // collateral if collateral else 0
    threshold = weighted // collateral if collateral else 0
    return AccountData(
        edition,
        collateral,
        debt_base,
        ltv,
        threshold,
        _health_wad(edition, collateral, threshold, weighted, debt_base),
        _counted(edition, collateral, threshold, weighted),
        any(supply.ltv_bps == 0 for supply in counting),
    )


def from_totals(
    edition: Edition, collateral_base: int, debt_base: int, ltv_bps: int, threshold_bps: int
) -> AccountData:
    """An account of which only the totals and averages are known, as ``getUserAccountData`` prints them.

    Where the version does not cut the threshold, the printed one is cut and the health factor is at most one basis
    point of the collateral too low.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> data = from_totals(edition("v3.0"), 3516418011725683, 3017208484709221, 9000, 9300)
    >>> str(data.health_factor), data.available_base
    ('1.083872316904230206', 147567725843894)

    """
    return account_data(edition, [Supply(collateral_base, ltv_bps, threshold_bps)], debt_base)


def _health_wad(edition: Edition, collateral: int, threshold: int, weighted: int, debt: int) -> int | None:
    if not debt:
        return None
    if edition.whole_threshold:
        return ints.wad_div(ints.percent_mul(collateral, threshold), debt)
    return ints.wad_div(weighted, debt) // ints.PERCENT


def _counted(edition: Edition, collateral: int, threshold: int, weighted: int) -> Decimal:
    if edition.whole_threshold:
        return Decimal(ints.percent_mul(collateral, threshold))
    return shifted(Decimal(weighted), -4)


def in_usd(base: int) -> Decimal:
    """Base units as US dollars.

    >>> in_usd(216_80000000)
    Decimal('216.80000000')
    """
    return shifted(Decimal(base), -BASE_PLACES)


def borrow_refusals(after: AccountData) -> tuple[Reason, ...]:
    """Why a borrow that leaves the account like this is refused; empty where it is allowed.

    Exactly the average loan-to-value, and a health factor of exactly one, are allowed.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> borrow_refusals(account_data(edition("v3.0"), [Supply(100_00000000, 9800, 9800)], 98_00000000))
    ()

    """
    refused = []
    if not after.collateral_base:
        refused.append(Reason.COLLATERAL_BALANCE_IS_ZERO)
    elif not after.ltv_bps:
        refused.append(Reason.LTV_VALIDATION_FAILED)
    if after.liquidatable:
        refused.append(Reason.HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD)
    if after.debt_base > after.most_debt_base:
        refused.append(Reason.COLLATERAL_CANNOT_COVER_NEW_BORROW)
    return tuple(refused)


def leave_refusals(before: AccountData, after: AccountData, leaving_ltv_bps: int | None) -> tuple[Reason, ...]:
    """Why a supply may not leave, or stop being collateral; empty where it may.

    The health factor after it must be one or more. While some collateral before it has a loan-to-value of zero and
    there is debt, only such collateral may leave. ``leaving_ltv_bps`` is the leaving supply's own;
    None, where it is not known, counts as above zero.
    """
    if not before.debt_base:
        return ()
    refused = []
    if after.liquidatable:
        refused.append(Reason.HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD)
    if before.zero_ltv and leaving_ltv_bps != 0:
        refused.append(Reason.LTV_VALIDATION_FAILED)
    return tuple(refused)


def mode_refusals(after: AccountData, ltvs_bps: Sequence[int] = ()) -> tuple[Reason, ...]:
    """Why an efficiency mode may not be left or entered: the health factor with the new parameters.

    ``ltvs_bps`` are the loan-to-values the collateral would have in an isolated category, where zero keeps one out.
    """
    refused = []
    if after.liquidatable:
        refused.append(Reason.HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD)
    if any(ltv == 0 for ltv in ltvs_bps):
        refused.append(Reason.LTV_VALIDATION_FAILED)
    return tuple(refused)
