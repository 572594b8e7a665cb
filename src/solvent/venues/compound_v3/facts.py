"""One lending market as facts: its base asset, its collateral assets and their factors, its curves and reserves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from solvent.book import Purpose
from solvent.rules import RulesError
from solvent.units import shifted
from solvent.venues.compound_v3.formulas import FACTOR_PLACES, FACTOR_SCALE, NO_INTEREST, Curve, Rewards, stored_factor

AT_BORROW = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL)
# What the protocol's own tests take where a test does not say: see tests/helpers of the repository at that commit.
DEFAULT_BORROW_FACTOR = FACTOR_SCALE - 1


@dataclass(frozen=True, slots=True)
class CollateralAsset:
    """Factors of one collateral asset in 10^-18, as configured; they are kept cut to four decimals.

    Parameters
    ----------
    borrow_factor, liquidate_factor
        Share of value that counts when borrowing and when liquidation is asked: the first below the second.
    liquidation_factor
        Share of value credited to the account when it is absorbed.

    Examples
    --------
    >>> CollateralAsset("COMP", 9 * 10**17, 9 * 10**17)
    Traceback (most recent call last):
    ...
    solvent.rules.RulesError: borrow factor of COMP must be below its liquidate factor of at most 1, not 0.9 and 0.9

    """

    name: str
    borrow_factor: int = DEFAULT_BORROW_FACTOR
    liquidate_factor: int = FACTOR_SCALE
    liquidation_factor: int = FACTOR_SCALE

    def __post_init__(self) -> None:
        """Cut the factors to four decimals; refuse those the protocol refuses, before and after the cut."""
        given = (self.borrow_factor, self.liquidate_factor, self.liquidation_factor)
        names = ("borrow_factor", "liquidate_factor", "liquidation_factor")
        for name, value in zip(names, given, strict=True):
            object.__setattr__(self, name, stored_factor(value))
        if not 0 <= self.borrow_factor < self.liquidate_factor <= FACTOR_SCALE:
            borrow, liquidate = (shifted(Decimal(one), -FACTOR_PLACES).normalize() for one in given[:2])
            msg = (
                f"borrow factor of {self.name} must be below its liquidate factor of at most 1, "
                f"not {borrow} and {liquidate}"
            )
            raise RulesError(msg)
        if not 0 <= self.liquidation_factor <= FACTOR_SCALE:
            got = shifted(Decimal(given[2]), -FACTOR_PLACES).normalize()
            msg = f"liquidation factor of {self.name} must be between 0 and 1, not {got}"
            raise RulesError(msg)

    def factor(self, purpose: Purpose) -> int:
        """The factor at a purpose: the borrow factor where risk is taken, else the liquidate factor.

        >>> CollateralAsset("WETH", 825 * 10**15, 895 * 10**15).factor(Purpose.MAINTAIN)
        895000000000000000
        """
        return self.borrow_factor if purpose in AT_BORROW else self.liquidate_factor


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """A market: one base asset that is lent, and what may stand against it, by the asset's name in a book.

    Parameters
    ----------
    base
        Name of the base asset.
    assets
        Collateral by the name a book gives it; several names may stand for one asset.
    least_borrow_units
        The smallest debt that may be left by a borrow, in units of the base asset.
    store_front_factor
        Share of (1 − liquidation factor) that a buyer of seized collateral gets off the price, in 10^-18.
    target_reserves_units
        Seized collateral is for sale while reserves are below this, in units of the base asset.
    supply_curve, borrow_curve, rewards
        Interest, and what accrues beside it.

    """

    base: str
    assets: Mapping[str, CollateralAsset] = field(default_factory=dict)
    least_borrow_units: int = 0
    store_front_factor: int = FACTOR_SCALE
    target_reserves_units: int = 0
    supply_curve: Curve = NO_INTEREST
    borrow_curve: Curve = NO_INTEREST
    rewards: Rewards | None = None
