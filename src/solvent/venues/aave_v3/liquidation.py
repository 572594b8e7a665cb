"""Liquidation: how much debt may be repaid, what is seized for it, what may not be left, and what becomes bad debt.

Amounts are in each asset's smallest units, prices in base units (10^-8 US dollars) of a whole asset, a ``unit`` is how
many smallest units a whole asset has. Source: LiquidationLogic.sol of the version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from solvent.venues.aave_v3 import arithmetic as ints
from solvent.venues.aave_v3.account import BASE_PLACES, AccountData
from solvent.venues.aave_v3.editions import Edition, ProtocolError, Reason
from solvent.venues.parts import read_rules

_NUMBERS = read_rules("aave_v3")
CLOSE_FACTOR_BPS: int = _NUMBERS["close_factor"]["share_bps"]
CLOSE_FACTOR_HEALTH: int = ints.WAD * _NUMBERS["close_factor"]["whole_up_to_health_bps"] // ints.PERCENT
SMALL_BASE: int = _NUMBERS["small"]["small_usd"] * 10**BASE_PLACES  # a smaller side may be closed whole (v3.3)
LEFTOVER_BASE: int = _NUMBERS["small"]["leftover_usd"] * 10**BASE_PLACES  # neither side may keep less (v3.3)


class Side(NamedTuple):
    """The collateral or the debt of one asset: the account's amount, the asset's price and unit."""

    amount: int
    price: int
    unit: int


class Seized(NamedTuple):
    """What a liquidation moves: ``debt`` repaid, ``collateral`` to the liquidator, ``fee`` to the protocol."""

    debt: int
    collateral: int
    fee: int

    @property
    def whole(self) -> int:
        """All collateral that leaves the account."""
        return self.collateral + self.fee


@dataclass(frozen=True, slots=True)
class Terms:
    """The collateral's liquidation bonus (10,500 is 5%) and the protocol's share of the bonus, both in bps."""

    bonus_bps: int
    fee_bps: int = 0


def debt_below(collateral_base: int, threshold_bps: int, health_wad: int) -> int:
    """A debt in base units that takes the health factor to ``health_wad`` or just below, by one bp of threshold.

    >>> debt_below(18_000_000_000_000, 8600, ints.WAD)
    15481800000000
    """
    return ints.percent_mul(collateral_base, threshold_bps + 1) * ints.WAD // health_wad


def close_factor_bps(edition: Edition, health_wad: int | None, collateral_base: int, debt_base: int) -> int:
    """The share of the debt one liquidation may repay: of that reserve's debt in v3.0, of all debt since v3.3.

    ``collateral_base`` and ``debt_base`` are the two reserves' own, in base units; they matter since v3.3. A health
    factor of None has no bound.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> [close_factor_bps(edition("v3.3"), h * 10**16, SMALL_BASE, SMALL_BASE) for h in (95, 96)]
    [10000, 5000]
    >>> close_factor_bps(edition("v3.3"), 96 * 10**16, SMALL_BASE - 1, SMALL_BASE)
    10000

    """
    if health_wad is not None and health_wad <= CLOSE_FACTOR_HEALTH:
        return ints.PERCENT
    if edition.close_by_account and (collateral_base < SMALL_BASE or debt_base < SMALL_BASE):
        return ints.PERCENT
    return CLOSE_FACTOR_BPS


def most_repaid(edition: Edition, data: AccountData, collateral: Side, debt: Side) -> int:
    """The most of one debt that one liquidation may repay, in the debt's smallest units.

    :class:`ProtocolError` where the account may not be liquidated, or there is nothing of either side.
    """
    if data.health_wad is None or not data.liquidatable:
        raise ProtocolError(Reason.HEALTH_FACTOR_NOT_BELOW_THRESHOLD, f"the health factor is {data.health_factor}")
    if not collateral.amount:
        raise ProtocolError(Reason.COLLATERAL_CANNOT_BE_LIQUIDATED, "the account has no such collateral")
    if not debt.amount:
        raise ProtocolError(Reason.SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER, "the account owes nothing of it")
    collateral_base = ints.mul_div_floor(collateral.amount, collateral.price, collateral.unit)
    debt_base = edition.debt_value(debt.amount, debt.price, debt.unit)
    share = close_factor_bps(edition, data.health_wad, collateral_base, debt_base)
    if share == ints.PERCENT:
        return debt.amount
    if not edition.close_by_account:
        return ints.percent_mul(debt.amount, share)
    allowed = ints.percent_mul(data.debt_base, share)
    if debt_base <= allowed:
        return debt.amount
    return ints.mul_div_floor(allowed, debt.unit, debt.price)


def seize(edition: Edition, collateral: Side, debt: Side, cover: int, terms: Terms) -> Seized:
    """What is seized for repaying ``cover`` of a debt: its worth in collateral plus the bonus, at most what is held.

    Where the collateral does not suffice, all of it goes and the debt repaid is what it pays for. The protocol's fee is
    a share of the bonus and comes out of the liquidator's part.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> held, owed = Side(10, 10**17, 10**6), Side(9, 10**17, 10**6)
    >>> seize(edition("v3.7"), held, owed, 9, Terms(10500, 1000))
    Seized(debt=9, collateral=8, fee=1)

    """
    directed, repaid = edition.directed_seizure, min(cover, debt.amount)
    base = ints.mul_div_floor(debt.price * repaid, collateral.unit, collateral.price * debt.unit)
    taken = ints.percent_mul_floor(base, terms.bonus_bps) if directed else ints.percent_mul(base, terms.bonus_bps)
    if taken > collateral.amount:
        taken = collateral.amount
        worth = ints.mul_div_floor(collateral.price * taken, debt.unit, debt.price * collateral.unit)
        repaid = (ints.percent_div_ceil if edition.debt_up else ints.percent_div)(worth, terms.bonus_bps)
    without = (ints.percent_div_floor if directed else ints.percent_div)(taken, terms.bonus_bps)
    fee = (ints.percent_mul_ceil if directed else ints.percent_mul)(taken - without, terms.fee_bps)
    return Seized(repaid, taken - fee, fee)


def leftover_base(collateral: Side, seized: Seized) -> int:
    """What the collateral left is worth, in base units, down."""
    return ints.mul_div_floor(collateral.amount - seized.whole, collateral.price, collateral.unit)


def check_dust(edition: Edition, collateral: Side, debt: Side, seized: Seized) -> None:
    """Since v3.3 one side is closed whole or both keep at least 1,000 dollars; :class:`ProtocolError` otherwise."""
    if not edition.close_by_account or seized.debt >= debt.amount or seized.whole >= collateral.amount:
        return
    debt_left = edition.debt_value(debt.amount - seized.debt, debt.price, debt.unit)
    collateral_left = leftover_base(collateral, seized)
    if debt_left < LEFTOVER_BASE or collateral_left < LEFTOVER_BASE:
        left = f"{collateral_left} of collateral and {debt_left} of debt would be left, in base units"
        raise ProtocolError(Reason.MUST_NOT_LEAVE_DUST, f"{left}; each must be {LEFTOVER_BASE} or none")


def liquidate(
    edition: Edition, data: AccountData, collateral: Side, debt: Side, cover: int | None, terms: Terms
) -> Seized:
    """One liquidation call: the close factor, the seizure, the rule on dust.

    Parameters
    ----------
    edition, data
        The version's rules, and the account as it stands.
    collateral, debt
        What is seized and what is repaid.
    cover
        What the liquidator offers to repay; None for as much as is allowed.
    terms
        Bonus and fee of the collateral.

    Raises
    ------
    ProtocolError
        The account is not liquidatable, or the call would leave dust.

    """
    allowed = most_repaid(edition, data, collateral, debt)
    repaid = allowed if cover is None else min(cover, allowed)
    seized = seize(edition, collateral, debt, repaid, terms)
    check_dust(edition, collateral, debt, seized)
    return seized


class Scaled(NamedTuple):
    """A balance as the protocol keeps it: the scaled amount and its index (ray)."""

    amount: int
    index_ray: int


class Settled(NamedTuple):
    """What is left of one collateral and one debt after a seizure.

    ``deficit`` is debt taken off the account because nothing is left to seize.
    """

    scaled_collateral: int
    debt: int
    deficit: int


def settle(
    edition: Edition, collateral: Scaled, debt: Scaled, seized: Seized, price: int, unit: int, other_base: int = 0
) -> Settled:
    """The balances after a seizure, and the bad debt of this reserve.

    Parameters
    ----------
    collateral, debt
        The balances before, scaled.
    seized
        What the liquidation moves.
    price, unit
        Of the collateral asset.
    other_base
        The value of the account's other collateral, base units: with any left, no debt is bad.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> settle(edition("v3.7"), Scaled(2, 5 * ints.RAY), Scaled(1, 9 * ints.RAY), Seized(9, 8, 1), 10**17, 10**6)
    Settled(scaled_collateral=0, debt=0, deficit=0)

    """
    burned = edition.burned_supply(seized.collateral, collateral.index_ray)
    fee = min(edition.burned_supply(seized.fee, collateral.index_ray), max(0, collateral.amount - burned))
    left = max(0, collateral.amount - burned - fee)
    owed = edition.owed(debt.amount, debt.index_ray)
    scaled_debt = max(0, debt.amount - edition.burned_debt(seized.debt, debt.index_ray))
    remaining = edition.owed(scaled_debt, debt.index_ray) if seized.debt < owed else 0
    if edition.deficit and _nothing_left(edition, collateral, seized, left, price, unit, other_base):
        return Settled(left, 0, max(0, owed - seized.debt))
    return Settled(left, remaining, 0)


def _nothing_left(
    edition: Edition, collateral: Scaled, seized: Seized, left: int, price: int, unit: int, other_base: int
) -> bool:
    """Whether what is consumed is worth, in base units, as much as all the account's collateral was."""
    held = edition.supplied(collateral.amount, collateral.index_ray)
    whole = ints.mul_div_floor(held, price, unit) + other_base
    consumed = seized.whole
    if edition.scaled_seizure:
        consumed = edition.supplied(collateral.amount - left, collateral.index_ray)
    return ints.mul_div_floor(consumed, price, unit) == whole
