"""What differs between versions of the protocol, as values: each difference is one field with its reason."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from solvent.rules import RulesError
from solvent.venues.aave_v3 import arithmetic as ints


class Reason(enum.Enum):
    """Why the protocol refuses. The value is the error's name since v3.4, the member's name the one before."""

    LTV_VALIDATION_FAILED = "LtvValidationFailed"
    HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD = "HealthFactorLowerThanLiquidationThreshold"
    HEALTH_FACTOR_NOT_BELOW_THRESHOLD = "HealthFactorNotBelowThreshold"
    COLLATERAL_BALANCE_IS_ZERO = "CollateralBalanceIsZero"
    COLLATERAL_CANNOT_COVER_NEW_BORROW = "CollateralCannotCoverNewBorrow"
    COLLATERAL_CANNOT_BE_LIQUIDATED = "CollateralCannotBeLiquidated"
    SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER = "SpecifiedCurrencyNotBorrowedByUser"
    BORROWING_NOT_ENABLED = "BorrowingNotEnabled"
    BORROW_CAP_EXCEEDED = "BorrowCapExceeded"
    SUPPLY_CAP_EXCEEDED = "SupplyCapExceeded"
    NOT_BORROWABLE_IN_EMODE = "NotBorrowableInEMode"
    ASSET_NOT_BORROWABLE_IN_ISOLATION = "AssetNotBorrowableInIsolation"
    DEBT_CEILING_EXCEEDED = "DebtCeilingExceeded"
    SILOED_BORROWING_VIOLATION = "SiloedBorrowingViolation"
    RESERVE_FROZEN = "ReserveFrozen"
    MUST_NOT_LEAVE_DUST = "MustNotLeaveDust"


class ProtocolError(RulesError):
    """What the protocol's contracts would refuse; ``reason`` says which of their checks."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(f"{reason.value}: {text}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of the protocol's rules.

    Attributes
    ----------
    whole_threshold
        The health factor uses the average threshold cut to whole basis points (true) or the weighted sum itself.
    debt_up
        Debts are valued upwards and balances follow their index to the protocol's side; before, floor and half up.
    needed_up
        The collateral a borrow needs is rounded up; before, half up.
    close_by_account
        The close factor is a share of the account's whole debt, small sides may be closed whole, and no dust may stay.
    deficit
        Debt that no collateral is left for is taken off the account and booked as the reserve's deficit.
    directed_seizure
        The three roundings of a seizure have a named side; before, half up.
    scaled_seizure
        What a seizure consumes is counted in scaled units, as the tokens are burned.
    isolation
        Isolation mode, debt ceilings and siloed borrowing exist.
    binomial
        Compounded interest is three terms of a binomial; otherwise three terms of the exponential.
    modes_apart
        What a reserve is outside an efficiency mode (its loan-to-value of zero, say) does not matter inside one.

    """

    name: str
    whole_threshold: bool
    debt_up: bool
    needed_up: bool
    close_by_account: bool
    deficit: bool
    directed_seizure: bool
    scaled_seizure: bool
    isolation: bool
    binomial: bool
    modes_apart: bool

    def debt_value(self, amount: int, price: int, unit: int) -> int:
        """What an amount owed is worth in base units; the price is in base units for ``unit`` smallest units.

        >>> edition("v3.7").debt_value(1, 1, 10), edition("v3.0").debt_value(1, 1, 10)
        (1, 0)
        """
        return ints.mul_div_ceil(amount, price, unit) if self.debt_up else ints.mul_div_floor(amount, price, unit)

    def supplied(self, scaled: int, index: int) -> int:
        """A supply's amount from its scaled amount and the liquidity index (ray).

        >>> edition("v3.7").supplied(49, 2050000000000000000000000000)
        100
        """
        return ints.ray_mul_floor(scaled, index) if self.debt_up else ints.ray_mul(scaled, index)

    def owed(self, scaled: int, index: int) -> int:
        """A debt's amount from its scaled amount and the borrow index (ray).

        >>> edition("v3.7").owed(30, 4050000000000000000000000000)
        122
        """
        return ints.ray_mul_ceil(scaled, index) if self.debt_up else ints.ray_mul(scaled, index)

    def burned_supply(self, amount: int, index: int) -> int:
        """The scaled amount a withdrawal or seizure of ``amount`` takes from a supply."""
        return ints.ray_div_ceil(amount, index) if self.debt_up else ints.ray_div(amount, index)

    def burned_debt(self, amount: int, index: int) -> int:
        """The scaled amount a repayment of ``amount`` takes from a debt."""
        return ints.ray_div_floor(amount, index) if self.debt_up else ints.ray_div(amount, index)


_V3_0 = Edition(
    "v3.0",
    whole_threshold=True,
    debt_up=False,
    needed_up=False,
    close_by_account=False,
    deficit=False,
    directed_seizure=False,
    scaled_seizure=False,
    isolation=True,
    binomial=True,
    modes_apart=False,
)
_V3_3 = replace(_V3_0, name="v3.3", close_by_account=True, deficit=True)
_V3_5 = replace(_V3_3, name="v3.5", whole_threshold=False, debt_up=True, needed_up=True, binomial=False)
_V3_7 = replace(_V3_5, name="v3.7", directed_seizure=True, scaled_seizure=True, isolation=False, modes_apart=True)
EDITIONS: Mapping[int, Edition] = {0: _V3_0, 3: _V3_3, 5: _V3_5, 7: _V3_7}
VERSION = re.compile(r"v3\.(\d+|x)\+?")


def edition(version: str) -> Edition:
    """The rules of a version: the newest edition that is not newer than it. ``"v3.x"`` is the newest there is.

    Raises
    ------
    RulesError
        The text is not a version such as ``"v3.3"`` or ``"v3.3+"``, or newer than the rules known here.

    Examples
    --------
    >>> [edition(name).name for name in ("v3.2", "v3.3+", "v3.6", "v3.x")]
    ['v3.0', 'v3.3', 'v3.5', 'v3.7']

    """
    found = VERSION.fullmatch(version)
    newest = max(EDITIONS)
    if found is None or (found[1] != "x" and int(found[1]) > newest):
        msg = f"version {version!r}: expected one of v3.0 to v3.{newest}, or v3.x"
        raise RulesError(msg)
    minor = newest if found[1] == "x" else int(found[1])
    return EDITIONS[max(known for known in EDITIONS if known <= minor)]
