"""The chain's integer arithmetic of margin: whole quote quantums (1e-6 USDC), parts per million, named roundings.

Nothing here is a decimal: amounts are ``int`` counts of quote quantums, sizes ``int`` counts of base quantums
(10^atomic resolution of a coin), rates ``int`` parts per million. Source: dydxprotocol/v4-chain@84d4664bae, files under
``protocol/`` named at each function.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from solvent.fixed import towards_zero
from solvent.ledger import MILLION, divide_up, share_down, share_up
from solvent.rules import RulesError

QUOTE_SCALE = 6
PREFIX = "perpetual-"


class Outcome(enum.Enum):
    """What the chain answers to a change of a sub-account; the values are the chain's own words."""

    SUCCESS = "Success"
    NEWLY_UNDERCOLLATERALIZED = "NewlyUndercollateralized"
    STILL_UNDERCOLLATERALIZED = "StillUndercollateralized"


class Risk(NamedTuple):
    """Net collateral, initial and maintenance requirement of a sub-account, in quote quantums; they add by position."""

    net_collateral: int
    initial: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class LiquidityTier:
    """How risky a market is, in parts per million; the caps are open interest in quote quantums, zero for none.

    Raises
    ------
    RulesError
        When a fraction is outside 0 to 1,000,000 or the caps are out of order.

    Examples
    --------
    >>> LiquidityTier(50_000, 600_000).maintenance_ppm
    30000

    """

    initial_margin_ppm: int
    maintenance_fraction_ppm: int
    open_interest_lower_cap: int = 0
    open_interest_upper_cap: int = 0

    def __post_init__(self) -> None:
        """Refuse what the chain refuses."""
        for name in ("initial_margin_ppm", "maintenance_fraction_ppm"):
            if not 0 <= getattr(self, name) <= MILLION:
                msg = f"{name} must be 0 to {MILLION}, not {getattr(self, name)}"
                raise RulesError(msg)
        if not 0 <= self.open_interest_lower_cap <= self.open_interest_upper_cap:
            caps = f"{self.open_interest_lower_cap} and {self.open_interest_upper_cap}"
            msg = f"open interest caps must not be negative and the lower must not be above the upper: {caps}"
            raise RulesError(msg)

    @property
    def maintenance_ppm(self) -> int:
        """Maintenance margin in parts per million of notional, rounded down: the rate that is shown."""
        return maintenance_margin_ppm(self.initial_margin_ppm, self.maintenance_fraction_ppm)


def symbol(perpetual_id: int) -> str:
    """The name of a market of the chain in a book made from its account objects.

    >>> symbol(5)
    'perpetual-5'
    """
    return f"{PREFIX}{perpetual_id}"


def perpetual_id(name: str) -> int:
    """The number of a market by the name :func:`symbol` gave it.

    >>> perpetual_id("perpetual-5")
    5
    """
    return int(name.removeprefix(PREFIX))


def power_of_ten(value: int, exponent: int) -> int:
    """``value`` × 10^``exponent`` cut towards zero.

    >>> power_of_ten(-12345, -2), power_of_ten(3, 2)
    (-123, 300)
    """
    return value * 10**exponent if exponent >= 0 else towards_zero(value, 10**-exponent)


def notional(quantums: int, price: int, exponent: int, atomic_resolution: int) -> int:
    """Signed worth of base quantums at an oracle price × 10^exponent, in quote quantums, cut towards zero.

    Source: lib/quantums.go.

    >>> notional(-10_000_000, 5_000_000_000, -5, -8)
    -5000000000
    """
    return power_of_ten(quantums * price, exponent + atomic_resolution + QUOTE_SCALE)


def maintenance_margin_ppm(initial_margin_ppm: int, maintenance_fraction_ppm: int) -> int:
    """Base initial margin × maintenance fraction, rounded down (x/perpetuals/types/liquidity_tier.go).

    >>> maintenance_margin_ppm(637_239, 289_284)
    184343
    """
    return share_down(initial_margin_ppm, maintenance_fraction_ppm)


def effective_initial_ppm(tier: LiquidityTier, open_interest_notional: int) -> int:
    """Initial margin fraction at an open interest: the base up to the lower cap, all of it from the upper, between them
    a straight line, rounded down (x/perpetuals/types/liquidity_tier.go).

    >>> capped = LiquidityTier(200_000, 500_000, 1_000_000, 2_000_000)
    >>> [effective_initial_ppm(capped, oi) for oi in (1_000_000, 1_500_000, 2_000_000)]
    [200000, 600000, 1000000]
    """
    base, low, high = tier.initial_margin_ppm, tier.open_interest_lower_cap, tier.open_interest_upper_cap
    if high == 0 or open_interest_notional <= low:
        return base
    if open_interest_notional >= high:
        return MILLION
    return (MILLION - base) * (open_interest_notional - low) // (high - low) + base


def custom_initial_ppm(leverage: int) -> int:
    """The initial margin fraction of a leverage a user chose, rounded up: against the account.

    >>> custom_initial_ppm(3)
    333334
    """
    if leverage < 1:
        msg = f"leverage must be at least 1, not {leverage}"
        raise RulesError(msg)
    return divide_up(MILLION, leverage)


def initial_margin(
    notional_quantums: int, tier: LiquidityTier, open_interest_notional: int, custom_ppm: int = 0
) -> int:
    """Initial requirement of a signed notional, rounded up (x/perpetuals/lib/lib.go).

    The fraction is the larger of the tier's, scaled by open interest, and the user's own.

    >>> initial_margin(-500_000, LiquidityTier(200_000, 500_000), 0)
    100000
    """
    fraction_ppm = max(effective_initial_ppm(tier, open_interest_notional), custom_ppm)
    return share_up(abs(notional_quantums), fraction_ppm)


def maintenance_margin(notional_quantums: int, tier: LiquidityTier) -> int:
    """Maintenance requirement: base initial margin rounded up, times the fraction, rounded up again.

    It never grows with open interest and never with a user's own fraction (x/perpetuals/lib/lib.go).

    >>> maintenance_margin(1, LiquidityTier(100_000, 500_000))
    1
    """
    base = share_up(abs(notional_quantums), tier.initial_margin_ppm)
    return share_up(base, tier.maintenance_fraction_ppm)


def initial_collateralised(risk: Risk) -> bool:
    """Whether net collateral covers the initial requirement, the line itself included (lib/margin/risk.go).

    >>> initial_collateralised(Risk(100, 100, 50))
    True
    """
    return risk.net_collateral >= risk.initial


def liquidatable(risk: Risk) -> bool:
    """Whether something is required and net collateral is below it; on the line it is not (lib/margin/risk.go).

    A debt without positions requires nothing and cannot be liquidated.

    >>> liquidatable(Risk(99, 200, 100)), liquidatable(Risk(100, 200, 100)), liquidatable(Risk(-5, 0, 0))
    (True, False, False)
    """
    return risk.maintenance > 0 and risk.maintenance > risk.net_collateral


def compare_risk(first: Risk, second: Risk) -> int:
    """1 where ``first`` is riskier, −1 where it is less risky, 0 where both are equal (lib/margin/risk.go).

    Riskier is the smaller net collateral ÷ maintenance, cross-multiplied; then the larger maintenance; then, where
    neither requires anything, the smaller net collateral.

    >>> compare_risk(Risk(0, 0, 150), Risk(100, 0, 100)), compare_risk(Risk(-100, 0, 150), Risk(-100, 0, 100))
    (1, -1)
    """
    left = first.net_collateral * second.maintenance
    right = second.net_collateral * first.maintenance
    if left != right:
        return 1 if left < right else -1
    if first.maintenance != second.maintenance:
        return 1 if first.maintenance > second.maintenance else -1
    if first.net_collateral != second.net_collateral:
        return 1 if first.net_collateral < second.net_collateral else -1
    return 0


def transition(before: Risk, after: Risk) -> Outcome:
    """Whether a sub-account may go from one risk to another (x/subaccounts/keeper/subaccount.go).

    Above the initial line everything is allowed; below it only what :func:`below_initial` accepts.

    >>> transition(Risk(5, 10, 5), Risk(4, 8, 4)).value, transition(Risk(5, 10, 5), Risk(3, 8, 4)).value
    ('Success', 'StillUndercollateralized')
    """
    if initial_collateralised(after):
        return Outcome.SUCCESS
    return below_initial(before, after.net_collateral, after.maintenance)


def below_initial(before: Risk, net_collateral: int, maintenance: int) -> Outcome:
    """What the chain answers where a change leaves less than the initial requirement (x/subaccounts/lib/updates.go).

    Accepted where maintenance does not rise and net collateral ÷ maintenance does not fall; where either requires
    nothing, only if both do and net collateral rises.

    >>> below_initial(Risk(10, 10, 5), 9, 5).value
    'NewlyUndercollateralized'
    """
    if _less_or_equally_risky(before, net_collateral, maintenance):
        return Outcome.SUCCESS
    if initial_collateralised(before):
        return Outcome.NEWLY_UNDERCOLLATERALIZED
    return Outcome.STILL_UNDERCOLLATERALIZED


def _less_or_equally_risky(before: Risk, net_collateral: int, maintenance: int) -> bool:
    if before.maintenance == 0 or maintenance == 0:
        return before.maintenance == maintenance and net_collateral > before.net_collateral
    if maintenance > before.maintenance:
        return False
    return net_collateral * before.maintenance >= before.net_collateral * maintenance


def open_interest_after(open_interest: int, changes: list[tuple[int, int]]) -> int:
    """Open interest in base quantums after a match: plus how the longs among (size before, size after) change.

    Source: x/subaccounts/lib/oimf.go. The check of a match uses this figure, not the one before.

    >>> open_interest_after(100, [(0, 10), (5, -5)])
    105
    """
    return open_interest + sum(max(0, after) - max(0, before) for before, after in changes)
