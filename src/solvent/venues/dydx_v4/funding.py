"""Funding of the chain in whole parts per million: votes, samples, the hourly rate, the index and its settlement.

Source: dydxprotocol/v4-chain@84d4664bae, ``protocol/x/perpetuals`` and the files named at each function.
"""

from __future__ import annotations

from collections.abc import Sequence

from solvent.fixed import towards_zero, up, within
from solvent.ledger import MILLION, share_down
from solvent.venues.dydx_v4.formulas import LiquidityTier, maintenance_margin_ppm, notional

RATE_SECONDS = 8 * 60 * 60
RATE_CLAMP_PPM = 6_000_000
VOTE_CLAMP_PPM = 60_000_000
LEAST_VOTES = 15
SAMPLES_AN_HOUR = 60


def clamp_ppm(factor_ppm: int, initial_margin_ppm: int, maintenance_fraction_ppm: int) -> int:
    """The bound of a rate: factor × (initial − maintenance margin), rounded down (types/liquidity_tier.go).

    >>> clamp_ppm(6_000_000, 150_000, 800_000)
    180000
    """
    spread = initial_margin_ppm - maintenance_margin_ppm(initial_margin_ppm, maintenance_fraction_ppm)
    return share_down(factor_ppm, spread)


def clamped(rate_ppm: int, factor_ppm: int, tier: LiquidityTier) -> int:
    """A rate inside ± the tier's bound.

    >>> clamped(200_000, RATE_CLAMP_PPM, LiquidityTier(50_000, 600_000))
    120000
    """
    bound = clamp_ppm(factor_ppm, tier.initial_margin_ppm, tier.maintenance_fraction_ppm)
    return within(rate_ppm, bound)


def premium_price(index: int, best_bid: int, best_ask: int, impact_bid: int, impact_ask: int) -> int:
    """The price a vote compares with the index: an impact price where the index lies outside the book, else the index.

    Source: x/clob/memclob/memclob.go. All five are in the same unit.

    >>> premium_price(100, 102, 103, 101, 104), premium_price(100, 99, 101, 98, 102), premium_price(100, 97, 98, 96, 99)
    (101, 100, 99)
    """
    if index < best_bid:
        return impact_bid
    return impact_ask if index > best_ask else index


def premium_ppm(index: int, price: int, tier: LiquidityTier) -> int:
    """One vote: how far ``price`` is above the index, cut towards zero and inside the bound of a vote.

    >>> premium_ppm(30_000, 30_001, LiquidityTier(50_000, 600_000))
    33
    """
    return clamped(towards_zero((price - index) * MILLION, index), VOTE_CLAMP_PPM, tier)


def median_ppm(numbers: Sequence[int]) -> int:
    """The median; the mean of the two middle numbers is rounded away from zero (lib/math.go).

    >>> median_ppm([3, 1, 2]), median_ppm([1, 2]), median_ppm([-2, -1])
    (2, 2, -2)
    """
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    both = ordered[middle - 1] + ordered[middle]
    return both // 2 if both < 0 else up(both, 2)


def minute_sample(votes: Sequence[int], least_votes: int = LEAST_VOTES) -> int:
    """The sample of a minute: the median of its votes, filled up with zeros where there are too few.

    >>> minute_sample([50] * 8), minute_sample([50] * 7)
    (50, 0)
    """
    return median_ppm([*votes, *[0] * (least_votes - len(votes))])


def hourly_rate(
    samples: Sequence[int], tier: LiquidityTier, default_ppm: int = 0, samples_an_hour: int = SAMPLES_AN_HOUR
) -> int:
    """The rate of an hour, stated for eight: the mean of its samples filled up with zeros, cut towards zero, plus the
    market's default rate, inside the bound of a rate.

    >>> hourly_rate([600] * 30, LiquidityTier(50_000, 600_000), default_ppm=100)
    400
    """
    mean = towards_zero(sum(samples), max(len(samples), samples_an_hour))
    return clamped(mean + default_ppm, RATE_CLAMP_PPM, tier)


def index_delta(atomic_resolution: int, price: int, exponent: int, rate_8h_ppm: int, seconds: int) -> int:
    """What one base quantum pays over ``seconds``, in parts per million of a quote quantum, cut towards zero twice.

    Source: funding/funding.go.

    >>> index_delta(-12, 1_000, 0, 1_001_999, 28_800)
    1001
    """
    return towards_zero(notional(seconds * rate_8h_ppm, price, exponent, atomic_resolution), RATE_SECONDS)


def settlement_ppm(quantums: int, index: int, position_index: int) -> int:
    """What a position receives since its last settlement, in parts per million of a quote quantum.

    Sums over positions are rounded down once, to whole quote quantums (x/subaccounts/lib/updates.go).

    >>> settlement_ppm(-30_000, 100, -100)
    6000000
    """
    return -(index - position_index) * quantums
