"""The protocol's arithmetic on whole numbers: present values, factors, rates, accrual, reserves.

Units throughout: amounts in smallest units of their asset, prices and values in 10^-8, factors and rates in 10^-18,
indices in 10^-15. Every division says where it is cut; on amounts that are never negative it is towards zero. Source:
compound-finance/comet@d5a30b0, the file named at each function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from solvent.fixed import up
from solvent.rules import RulesError

PRICE_PLACES = 8
FACTOR_PLACES = 18
INDEX_PLACES = 15
FACTOR_SCALE = 10**18
INDEX_SCALE = 10**15
STORED_FACTOR = 10**14
SECONDS_A_YEAR = 31_536_000


def stored_factor(factor: int) -> int:
    """A collateral factor as it is kept: cut to four decimals (asset packing in Comet.sol).

    >>> stored_factor(666_667 * 10**12)
    666600000000000000
    """
    return factor // STORED_FACTOR * STORED_FACTOR


def by_factor(amount: int, factor: int) -> int:
    """``amount`` ≥ 0 times a factor, cut down (CometCore.sol, mulFactor).

    >>> by_factor(7, FACTOR_SCALE // 2)
    3
    """
    return amount * factor // FACTOR_SCALE


def worth(units: int, price: int, scale: int) -> int:
    """Units ≥ 0 of an asset of ``scale`` units at a price, in 10^-8, cut down (CometCore.sol, mulPrice).

    >>> worth(1_500_000, 99_999_999, 10**6)
    149999998
    """
    return units * price // scale


def units_worth(value: int, price: int, scale: int) -> int:
    """The units a value ≥ 0 buys at a price, cut down (CometCore.sol, divPrice).

    >>> units_worth(100, 3, 10)
    333
    """
    return value * scale // price


def present_supply(index: int, principal: int) -> int:
    """What a supplied principal ≥ 0 is now, cut down (CometCore.sol, presentValueSupply).

    >>> present_supply(1_500_000_000_000_000, 3)
    4
    """
    return principal * index // INDEX_SCALE


def present_borrow(index: int, principal: int) -> int:
    """What a borrowed principal ≥ 0 is now, cut down (CometCore.sol, presentValueBorrow).

    >>> present_borrow(2 * INDEX_SCALE, 50_000_000)
    100000000
    """
    return principal * index // INDEX_SCALE


def supply_principal(index: int, present: int) -> int:
    """The principal of a supply, cut down: never more than was put in (CometCore.sol, principalValueSupply).

    >>> supply_principal(1_500_000_000_000_000, 4)
    2
    """
    return present * INDEX_SCALE // index


def borrow_principal(index: int, present: int) -> int:
    """The principal of a debt, rounded up: never less than was taken out (CometCore.sol, principalValueBorrow).

    >>> borrow_principal(1_500_000_000_000_000, 4)
    3
    """
    return up(present * INDEX_SCALE, index)


class Indices(NamedTuple):
    """Growth of supply and debt since the market opened, in 10^-15."""

    supply: int = INDEX_SCALE
    borrow: int = INDEX_SCALE

    def present(self, principal: int) -> int:
        """Signed present value of a signed principal.

        >>> Indices(INDEX_SCALE, 2 * INDEX_SCALE).present(-5)
        -10
        """
        return present_supply(self.supply, principal) if principal >= 0 else -present_borrow(self.borrow, -principal)

    def principal(self, present: int) -> int:
        """Signed principal of a signed present value: supply cut down, debt rounded up.

        >>> Indices(INDEX_SCALE, 2 * INDEX_SCALE).principal(-5)
        -3
        """
        return supply_principal(self.supply, present) if present >= 0 else -borrow_principal(self.borrow, -present)


class Totals(NamedTuple):
    """The market's books: base tokens it holds, and principals of everything supplied and borrowed, in units."""

    base_units: int
    supply_principal: int
    borrow_principal: int

    def reserves(self, indices: Indices) -> int:
        """Base units that belong to the protocol; below zero when suppliers are owed more (Comet.sol, getReserves).

        >>> Totals(100, 50, 10).reserves(Indices(2 * INDEX_SCALE, 5 * INDEX_SCALE))
        50
        """
        supplied = present_supply(indices.supply, self.supply_principal)
        return self.base_units - supplied + present_borrow(indices.borrow, self.borrow_principal)

    def utilization(self, indices: Indices) -> int:
        """Borrowed over supplied in 10^-18, cut down; zero where nothing is supplied, above one when over-lent.

        >>> Totals(0, 500, 25).utilization(Indices(2 * INDEX_SCALE, 4 * INDEX_SCALE))
        100000000000000000
        """
        supplied = present_supply(indices.supply, self.supply_principal)
        if supplied == 0:
            return 0
        return present_borrow(indices.borrow, self.borrow_principal) * FACTOR_SCALE // supplied


@dataclass(frozen=True, slots=True)
class Curve:
    """One kinked yearly rate of utilisation, every coefficient in 10^-18 a year; supply and debt have one each."""

    kink: int
    base: int
    slope_low: int
    slope_high: int

    def per_second(self, utilization: int) -> int:
        """The rate a second in 10^-18: each coefficient is first cut to a second (Comet.sol, getSupplyRate).

        The kink itself still has the low slope.

        >>> Curve(8 * 10**17, 10**16, 5 * 10**16, 3 * 10**17).per_second(10**17)
        475646878
        """
        base, low, high = (one // SECONDS_A_YEAR for one in (self.base, self.slope_low, self.slope_high))
        if utilization <= self.kink:
            return base + by_factor(low, utilization)
        return base + by_factor(low, self.kink) + by_factor(high, utilization - self.kink)

    def per_year(self, utilization: int) -> int:
        """The rate a second over 365 days, in 10^-18: what is shown; short of the coefficients by what was cut.

        >>> Curve(8 * 10**17, 10**16, 0, 0).per_year(0)
        9999999973584000
        """
        return self.per_second(utilization) * SECONDS_A_YEAR


NO_INTEREST = Curve(FACTOR_SCALE, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Rewards:
    """What accrues beside interest: tracking units a second (10^-15), and the least base principal that earns them."""

    supply_speed: int = 0
    borrow_speed: int = 0
    least_base: int = 0


class Tracking(NamedTuple):
    """Cumulative rewards per unit of base, in 10^-15."""

    supply: int = 0
    borrow: int = 0


NO_TRACKING = Tracking()


class Accrued(NamedTuple):
    """The market after an interval."""

    indices: Indices
    tracking: Tracking


def tracking_after(before: int, speed: int, seconds: int, principal: int, scale: int, least: int) -> int:
    """A tracking index after an interval: it moves only while at least ``least`` principal is there (Comet.sol).

    >>> [tracking_after(0, 10**15, 10, total, 10**6, 1000) for total in (999, 1000)]
    [0, 10000000000000000000]
    """
    return before + speed * seconds * scale // principal if principal >= least and principal else before


def accrue(
    totals: Totals,
    indices: Indices,
    curves: tuple[Curve, Curve],
    seconds: int,
    base_scale: int,
    rewards: Rewards | None = None,
    tracking: Tracking = NO_TRACKING,
) -> Accrued:
    """Indices after ``seconds``: simple interest inside the interval, at the utilisation it began with.

    Parameters
    ----------
    totals, indices
        The market before; ``curves`` are those of supply and of debt.
    seconds
        Length of the interval.
    base_scale
        Units of one base token.
    rewards, tracking
        Rewards beside interest and their indices so far; None where there are none.

    Raises
    ------
    RulesError
        A negative interval.

    Examples
    --------
    >>> flat = Curve(FACTOR_SCALE, 31_536 * 10**12, 0, 0)
    >>> accrue(Totals(0, 100, 50), Indices(), (flat, flat), 10, 10**6).indices
    Indices(supply=1000000010000000, borrow=1000000010000000)

    """
    if seconds < 0:
        msg = f"an interval must not be negative: got {seconds} seconds"
        raise RulesError(msg)
    used = totals.utilization(indices)
    supply, borrow = (
        index + by_factor(index, curve.per_second(used) * seconds) for index, curve in zip(indices, curves, strict=True)
    )
    after = tracking
    if rewards is not None:
        rows = (
            (tracking.supply, rewards.supply_speed, totals.supply_principal),
            (tracking.borrow, rewards.borrow_speed, totals.borrow_principal),
        )
        least = rewards.least_base
        after = Tracking(*(tracking_after(b, speed, seconds, held, base_scale, least) for b, speed, held in rows))
    return Accrued(Indices(supply, borrow), after)
