"""Interest of a token's bank, fees on collateral in use, weights that move over time, and the limit on new loans.

Sources: programs/mango-v4/src/state/bank.rs, instructions/token_charge_collateral_fees.rs. The program computes some of
this in binary floating point; here it is exact, and a quotient keeps 18 decimals on the side named.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from solvent import rates
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.mango_v4.account import PLACES, Account, HealthKind
from solvent.venues.mango_v4.account_health import effective_balances

YEAR_SECONDS = 365 * 24 * 60 * 60
HOUR_SECONDS = 60 * 60
DAY_SECONDS = 24 * HOUR_SECONDS


class RateCurve(NamedTuple):
    """A yearly borrow rate in three straight stretches: (0, zero), (util0, rate0), (util1, rate1), (1, max).

    ``scaling`` multiplies the rate; 0 stands for 1, as in banks listed before it existed.
    """

    zero_rate: Decimal
    util0: Decimal
    rate0: Decimal
    util1: Decimal
    rate1: Decimal
    max_rate: Decimal
    scaling: Decimal = ONE

    @exact
    def at(self, utilisation: Decimal) -> Decimal:
        """The yearly rate at a utilisation, which counts as 0 to 1; rounded up, against the borrower.

        >>> curve = RateCurve(*map(Decimal, ("0", "0.5", "0.02", "0.75", "0.05", "0.5")))
        >>> [str(curve.at(Decimal(u)).normalize()) for u in ("0.25", "0.75", "2")]
        ['0.01', '0.05', '0.5']
        """
        if not 0 <= self.util0 <= self.util1 <= 1:
            msg = f"a rate curve needs 0 ≤ util0 ≤ util1 ≤ 1, not {self.util0} and {self.util1}"
            raise RulesError(msg)
        used = max(ZERO, min(utilisation, ONE))
        points = ((ZERO, self.zero_rate), (self.util0, self.rate0), (self.util1, self.rate1), (ONE, self.max_rate))
        stretches = (pair for pair in pairwise(points) if pair[0][0] < pair[1][0])
        (low, low_rate), (high, high_rate) = next(pair for pair in stretches if used <= pair[1][0])
        rise = divide((high_rate - low_rate) * (used - low), high - low, PLACES, Rounding.UP)
        return (low_rate + rise) * (self.scaling or ONE)


def utilisation(deposits: Decimal, borrows: Decimal) -> Decimal:
    """Borrows over deposits, 0 to 1; 0 without deposits; rounded up.

    >>> utilisation(Decimal(4), Decimal(5)), utilisation(Decimal(0), Decimal(5))
    (Decimal('1'), Decimal('0'))
    """
    return rates.utilisation(borrows, deposits, PLACES)


@exact
def new_scaling(scaling: Decimal, average_utilisation: Decimal, target: Decimal, adjustment: Decimal) -> Decimal:
    """The curve's scaling after an update: it moves by ``adjustment`` times the distance from the target, -1 to 1.

    Never below 1; rounded up.

    >>> str(new_scaling(Decimal(4), Decimal(1), Decimal("0.5"), Decimal("0.004")).normalize())
    '4.016'
    """
    used = max(ZERO, min(average_utilisation, ONE))
    span = ONE - target if used > target else target
    distance = divide(used - target, span, PLACES, Rounding.UP) if span else ZERO
    return max(ONE, scaling * (ONE + adjustment * distance))


class Indices(NamedTuple):
    """What one token deposited, and one token borrowed, has grown to since listing."""

    deposit: Decimal = ONE
    borrow: Decimal = ONE


@exact
def accrued(indices: Indices, rate: Decimal, used: Decimal, loan_fee_rate: Decimal, seconds: int) -> Indices:
    """Indices after ``seconds`` at a yearly borrow rate and utilisation; simple interest within the interval.

    Depositors get the rate times the utilisation, borrowers pay the loan fee on top. Deposits are rounded down and
    debts up.

    >>> accrued(Indices(), Decimal("0.1"), Decimal("0.5"), Decimal("0.01"), YEAR_SECONDS).borrow.normalize()
    Decimal('1.11')
    """
    year = Decimal(YEAR_SECONDS)
    return Indices(
        divide(indices.deposit * (year + rate * used * seconds), year, PLACES, Rounding.DOWN),
        divide(indices.borrow * (year + (rate + loan_fee_rate) * seconds), year, PLACES, Rounding.UP),
    )


@exact
def accrued_in_steps(rate: Decimal, used: Decimal, loan_fee_rate: Decimal, step_seconds: int, seconds: int) -> Indices:
    """Indices from 1 after ``seconds`` in which the bank is updated every ``step_seconds``."""
    if step_seconds <= 0:
        msg = f"step_seconds must be above 0, not {step_seconds}"
        raise RulesError(msg)
    indices, left = Indices(), seconds
    while left > 0:
        step = min(left, step_seconds)
        indices, left = accrued(indices, rate, used, loan_fee_rate, step), left - step
    return indices


class Ramp(NamedTuple):
    """Maintenance weights on their way to other ones, in a straight line from ``start`` to ``end`` (seconds)."""

    start: Decimal
    end: Decimal
    asset: Decimal
    liab: Decimal
    asset_target: Decimal
    liab_target: Decimal


@exact
def ramped(ramp: Ramp, now: Decimal) -> tuple[Decimal, Decimal]:
    """Asset and liability weight at a time: asset rounded down, liability up.

    >>> [str(w.normalize()) for w in ramped(Ramp(*map(Decimal, (100, 1100, 1, 0, 2, 10))), Decimal(600))]
    ['1.5', '5']
    """
    if now <= ramp.start:
        return ramp.asset, ramp.liab
    if now >= ramp.end:
        return ramp.asset_target, ramp.liab_target
    gone, whole = now - ramp.start, ramp.end - ramp.start
    return (
        ramp.asset + divide((ramp.asset_target - ramp.asset) * gone, whole, PLACES, Rounding.DOWN),
        ramp.liab + divide((ramp.liab_target - ramp.liab) * gone, whole, PLACES, Rounding.UP),
    )


@exact
def collateral_fees(
    account: Account, per_day: Mapping[str, Decimal], seconds: Decimal, interval_seconds: Decimal | None = None
) -> Mapping[str, Decimal]:
    """Fee on every deposit with a daily rate, for the share of the assets that liabilities use; in tokens, rounded up.

    Shares are of health at MAINT with all spot orders taken back. Nothing falls due before ``interval_seconds``, and
    never more than two intervals (None: every moment).

    >>> from solvent.venues.mango_v4.account import Prices, Token
    >>> one = Prices(Decimal(1), Decimal(1))
    >>> held = Account((Token("SOL", Decimal(100), one), Token("USDC", Decimal(-50), one)))
    >>> collateral_fees(held, {"SOL": Decimal("0.01")}, Decimal(DAY_SECONDS))["SOL"].normalize()
    Decimal('0.5')
    """
    charged = seconds
    if interval_seconds is not None:
        charged = ZERO if seconds < interval_seconds else min(seconds, 2 * interval_seconds)
    assets, liabs = _maint_sides(account)
    if assets <= 0:
        return {}
    used = min(ONE, divide(liabs, assets, PLACES, Rounding.UP))
    return {
        token.name: divide(token.amount * used * charged * rate, Decimal(DAY_SECONDS), PLACES, Rounding.UP)
        for token in account.tokens
        if token.amount > 0 and (rate := per_day.get(token.name, ZERO)) > 0
    }


@exact
def collateral_fees_of_hours(account: Account, per_day: Mapping[str, Decimal], hours: Decimal) -> Mapping[str, Decimal]:
    """:func:`collateral_fees` of a time in hours."""
    return collateral_fees(account, per_day, hours * HOUR_SECONDS)


def _maint_sides(account: Account) -> tuple[Decimal, Decimal]:
    balances = dict(effective_balances(account, HealthKind.MAINT))
    for spot in account.spots:
        balances[spot.base] += spot.base_reserved
        balances[spot.quote] += spot.quote_reserved
    amounts = [token.contribution(HealthKind.MAINT, balances[token.name]) for token in account.tokens]
    assets = sum((amount for amount in amounts if amount > 0), ZERO)
    return assets, assets - sum(amounts, ZERO)


@exact
def loan_refused(limit: Decimal, net_borrows: Decimal, price: Decimal) -> bool:
    """Whether net borrows of a window (tokens, the new loan included) are worth more dollars than its limit.

    >>> loan_refused(Decimal(5_000), Decimal(50), Decimal(100)), loan_refused(Decimal(5_000), Decimal(51), Decimal(100))
    (False, True)
    """
    return net_borrows * price > limit
