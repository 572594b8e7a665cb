"""What a GMX V2 position pays while it is held: borrowing fees to the pool, funding to the other side.

Factors are fractions per second, amounts USD. Source: contracts/market/MarketUtils.sol of gmx-io/gmx-synthetics
(borrowing, usage, funding factor per second).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.gmx_v2.impact import USD_PLACES, OpenInterest, power

FACTOR_PLACES = 30
SMALLEST = Decimal("1e-30")


class Kink(NamedTuple):
    """A kinked borrowing rate: factors per second below and above the optimal usage (a fraction)."""

    optimal_usage: Decimal
    base: Decimal
    above: Decimal


class Adaptive(NamedTuple):
    """Parameters of adaptive funding; thresholds are fractions of total open interest, the others per second."""

    stable: Decimal
    decrease_below: Decimal
    increase: Decimal
    decrease: Decimal
    most: Decimal
    least: Decimal = ZERO
    exponent: Decimal = ONE


class Charge(NamedTuple):
    """A funding fee in USD that one whole side pays, and which side."""

    fee: Decimal
    longs_pay: bool


@exact
def reserved(
    open_interest_usd: Decimal, open_interest_tokens: Decimal, index_max: Decimal, *, is_long: bool
) -> Decimal:
    """What the pool keeps back for one side, in USD: a long side's tokens at the high price, a short side's size.

    >>> reserved(Decimal(200_000), Decimal(40), Decimal(6_000), is_long=True)
    Decimal('240000')
    """
    return open_interest_tokens * index_max if is_long else open_interest_usd


@exact
def usage_factor(reserved_usd: Decimal, pool_usd: Decimal, reserve_factor: Decimal) -> Decimal:
    """How much of what may be reserved is reserved; rounded up to 30 decimals.

    >>> usage_factor(Decimal(200_000), Decimal(5_000_000), Decimal("0.5")).normalize()
    Decimal('0.08')
    """
    return divide(reserved_usd, pool_usd * reserve_factor, FACTOR_PLACES, Rounding.UP)


@exact
def borrowing_per_second(
    reserved_usd: Decimal, pool_usd: Decimal, factor: Decimal, exponent: Decimal = ONE, *, skipped: bool = False
) -> Decimal:
    """The plain borrowing factor: reserved^exponent ÷ pool × factor; zero for the smaller side where that is skipped.

    >>> borrowing_per_second(Decimal(200_000), Decimal(5_000_000), Decimal("1e-7")).normalize()
    Decimal('4E-9')
    """
    if skipped or reserved_usd == 0:
        return ZERO
    return divide(power(reserved_usd, exponent) * factor, pool_usd, FACTOR_PLACES, Rounding.UP)


@exact
def kinked_borrowing_per_second(usage: Decimal, kink: Kink, *, skipped: bool = False) -> Decimal:
    """The kinked borrowing factor: usage × base, and above the optimal usage the rest at a steeper slope.

    The steeper part is only added where ``above`` exceeds ``base``; rounded up to 30 decimals. Not
    :func:`solvent.rates.kinked`: the contract divides what lies above the optimum, and rounds that quotient.

    >>> kink = Kink(Decimal("0.75"), Decimal("0.6"), Decimal("1.5"))
    >>> [str(kinked_borrowing_per_second(Decimal(u), kink).normalize()) for u in ("0.75", "1")]
    ['0.45', '1.5']
    """
    if skipped:
        return ZERO
    rate = usage * kink.base
    if usage > kink.optimal_usage and kink.above > kink.base:
        steeper = (usage - kink.optimal_usage) * (kink.above - kink.base)
        rate += divide(steeper, ONE - kink.optimal_usage, FACTOR_PLACES, Rounding.UP)
    return rate


@exact
def borrowing_fee(size_usd: Decimal, per_second: Decimal, seconds: Decimal) -> Decimal:
    """What a position of an entry size owes after some seconds at one borrowing factor, in USD.

    >>> borrowing_fee(Decimal(200_000), Decimal("4e-9"), Decimal(1_209_600))
    Decimal('967.680000000')
    """
    return size_usd * per_second * seconds


def _imbalance(interest: OpenInterest, exponent: Decimal) -> Decimal:
    """The difference of the sides (to an exponent) as a share of both; zero without open interest."""
    total = interest.long + interest.short
    if total == 0:
        return ZERO
    return divide(power(abs(interest.long - interest.short), exponent), total, FACTOR_PLACES, Rounding.DOWN)


class Adapted(NamedTuple):
    """The factor saved for the next time, and whether the factor charged now is paid by longs."""

    saved: Decimal
    charged: Decimal
    longs_pay: bool


@exact
def static_funding(
    interest: OpenInterest, factor: Decimal, exponent: Decimal, most: Decimal, seconds: Decimal
) -> Charge:
    """Static funding: imbalance × factor, at most ``most``, on the larger side's size for some seconds.

    >>> sides = OpenInterest(Decimal(200_000), Decimal(20_000))
    >>> charge = static_funding(sides, Decimal("1e-10"), Decimal(2), Decimal(1), Decimal(36_000))
    >>> int(charge.fee), charge.longs_pay
    (106036, True)
    """
    per_second = min(_imbalance(interest, exponent) * factor, most)
    fee = per_second * seconds * max(interest.long, interest.short)
    return Charge(divide(fee, ONE, USD_PLACES, Rounding.DOWN), interest.long > interest.short)


@exact
def next_saved_factor(interest: OpenInterest, saved: Decimal, seconds: Decimal, rules: Adaptive) -> Decimal:
    """Adaptive funding: the saved factor after some seconds; positive means longs pay.

    It moves towards the heavier side while it does not point there or the imbalance is above ``stable``; below
    ``decrease_below`` it shrinks, though never to zero; its size is at most ``most``. Steps are cut to 30 decimals.

    >>> rules = Adaptive(Decimal("0.05"), Decimal("0.03"), Decimal("1e-6"), Decimal("2e-8"), Decimal(1))
    >>> next_saved_factor(OpenInterest(Decimal(106_000), Decimal(94_000)), Decimal(0), Decimal(600), rules).normalize()
    Decimal('0.000036')
    """
    imbalance = _imbalance(interest, rules.exponent)
    points_at_heavier = (saved > 0 and interest.long > interest.short) or (saved < 0 and interest.long < interest.short)
    found = saved
    if not points_at_heavier or imbalance > rules.stable:
        step = divide(imbalance * rules.increase, ONE, FACTOR_PLACES, Rounding.DOWN) * seconds
        found = saved - step if interest.long < interest.short else saved + step
    elif imbalance < rules.decrease_below:
        left = max(abs(saved) - rules.decrease * seconds, SMALLEST)
        found = left.copy_sign(saved)
    return bounded(found, ZERO, rules.most)


@exact
def adapted(interest: OpenInterest, saved: Decimal, seconds: Decimal, rules: Adaptive) -> Adapted:
    """Adaptive funding after some seconds: the factor saved, and the one charged, which has a least size too.

    >>> rules = Adaptive(Decimal("0.05"), Decimal("0.03"), Decimal("1e-6"), Decimal("2e-8"), Decimal(1), Decimal("0.1"))
    >>> found = adapted(OpenInterest(Decimal(106_000), Decimal(94_000)), Decimal(0), Decimal(600), rules)
    >>> found.saved.normalize(), found.charged, found.longs_pay
    (Decimal('0.000036'), Decimal('0.1'), True)
    """
    found = next_saved_factor(interest, saved, seconds, rules)
    charged = bounded(found, rules.least, rules.most)
    return Adapted(found, charged, charged > 0)


@exact
def bounded(factor: Decimal, least: Decimal, most: Decimal) -> Decimal:
    """A signed factor whose size is at least ``least`` and at most ``most``; zero counts as positive.

    What is charged is bounded below by the least factor too, what is saved is not.

    >>> bounded(Decimal("-0.5"), Decimal(1), Decimal(2)), bounded(Decimal(0), Decimal(1), Decimal(2))
    (Decimal('-1'), Decimal('1'))
    """
    size = min(max(abs(factor), least), most)
    return -size if factor < 0 else size
