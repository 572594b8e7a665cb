"""Price impact of GMX V2: what moving the open interest's imbalance costs or earns, its caps, and execution prices.

Amounts in USD, sizes of a change in USD (positive opens, negative closes). Sources: contracts/pricing/PricingUtils.sol,
PositionPricingUtils.sol, contracts/position/PositionUtils.sol, contracts/order/BaseOrderUtils.sol,
contracts/market/MarketUtils.sol of gmx-io/gmx-synthetics.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal
from typing import NamedTuple

from solvent.units import EXACT, ONE, ZERO, Rounding, divide, exact

USD_PLACES = 30
POWER_DIGITS = 60


class ImpactFactors(NamedTuple):
    """Factors and exponents of an impact that improves the balance (positive) and one that does not (negative)."""

    positive: Decimal
    negative: Decimal
    exponent_positive: Decimal
    exponent_negative: Decimal


class OpenInterest(NamedTuple):
    """Open interest of both sides, in USD at entry."""

    long: Decimal
    short: Decimal


class Charged(NamedTuple):
    """A negative impact after its cap: what is charged now, and what of it the trader may claim later."""

    charged: Decimal
    claimable: Decimal


class ClaimTerms(NamedTuple):
    """What decides how much of a claimable amount may be claimed; ``delay`` and ``elapsed`` in seconds."""

    factor: Decimal
    reduction: Decimal
    delay: Decimal
    elapsed: Decimal


@exact
def power(base: Decimal, exponent: Decimal) -> Decimal:
    """``base`` to ``exponent`` as the contract takes it: zero below one USD; exact for whole exponents.

    Other exponents are computed to 60 digits and rounded up to 30 decimals: less than 2e-30 above the true value as
    long as that is below 1e29. The contract itself is about 2e-17 (relative) below it.

    >>> power(Decimal(200_000), Decimal(2)), power(Decimal(4), Decimal("0.5")), power(Decimal("0.9"), Decimal(2))
    (Decimal('40000000000'), Decimal('2'), Decimal('0'))
    """
    if base < ONE:
        return ZERO
    if exponent == int(exponent) and exponent >= 0:
        return EXACT.power(base, int(exponent))
    raw = Context(prec=POWER_DIGITS, rounding=ROUND_CEILING).power(base, exponent)
    return divide(raw, ONE, USD_PLACES, Rounding.UP).normalize(EXACT)


def _improved(factors: ImpactFactors) -> tuple[Decimal, Decimal]:
    """Factor and exponent of an improvement: never better than what worsening by the same amount costs."""
    return min(factors.positive, factors.negative), min(factors.exponent_positive, factors.exponent_negative)


@exact
def impact_of_imbalance(initial: Decimal, following: Decimal, factors: ImpactFactors, *, same_side: bool) -> Decimal:
    """Impact of moving an imbalance from ``initial`` to ``following`` USD, without its caps; positive is a gain.

    ``same_side`` is false where the heavier side changes: then the old imbalance is an improvement and the new one is
    not.

    >>> flat = ImpactFactors(Decimal("2e-7"), Decimal("2e-7"), Decimal(2), Decimal(2))
    >>> impact_of_imbalance(Decimal(50_000), Decimal(25_000), flat, same_side=True).normalize()
    Decimal('375')
    """
    good_factor, good_exponent = _improved(factors)
    if not same_side:
        gain = power(initial, good_exponent) * good_factor
        return gain - power(following, factors.exponent_negative) * factors.negative
    if following < initial:
        return (power(initial, good_exponent) - power(following, good_exponent)) * good_factor
    worse = factors.exponent_negative
    return (power(initial, worse) - power(following, worse)) * factors.negative


@exact
def price_impact(interest: OpenInterest, size_delta_usd: Decimal, factors: ImpactFactors, *, is_long: bool) -> Decimal:
    """Impact in USD of changing one side by a signed size, without caps and virtual inventory; positive is a gain.

    >>> usual = ImpactFactors(Decimal("5e-9"), Decimal("1e-8"), Decimal(2), Decimal(2))
    >>> price_impact(OpenInterest(Decimal(0), Decimal(0)), Decimal(200_000), usual, is_long=True).normalize()
    Decimal('-4E+2')
    """
    long = interest.long + (size_delta_usd if is_long else ZERO)
    short = interest.short + (ZERO if is_long else size_delta_usd)
    same_side = (interest.long <= interest.short) == (long <= short)
    return impact_of_imbalance(abs(interest.long - interest.short), abs(long - short), factors, same_side=same_side)


@exact
def with_virtual_inventory(impact: Decimal, virtual_impact: Decimal | None) -> Decimal:
    """The impact that counts: where it is negative and a virtual inventory exists, the worse of the two.

    >>> with_virtual_inventory(Decimal(-5), Decimal(-9)), with_virtual_inventory(Decimal(5), Decimal(-9))
    (Decimal('-9'), Decimal('5'))
    """
    if impact >= 0 or virtual_impact is None:
        return impact
    return min(impact, virtual_impact)


@exact
def capped_negative(size_delta_usd: Decimal, impact: Decimal, max_factor: Decimal) -> Charged:
    """The impact charged at a close: not below −size × ``max_factor``; the excess becomes claimable collateral.

    >>> capped_negative(Decimal(20_000), Decimal(-400), Decimal("0.001"))
    Charged(charged=Decimal('-20.000'), claimable=Decimal('380.000'))
    """
    charged = max(impact, -abs(size_delta_usd) * max_factor)
    return Charged(charged, charged - impact)


@exact
def capped_positive(size_delta_usd: Decimal, impact: Decimal, max_factor: Decimal, impact_pool_usd: Decimal) -> Decimal:
    """A gain after its caps: at most size × ``max_factor``, and at most what the impact pool holds (and may lend).

    >>> capped_positive(Decimal(10_000), Decimal(90), Decimal("0.004"), Decimal(35))
    Decimal('35')
    """
    if impact <= 0:
        return impact
    return min(impact, abs(size_delta_usd) * max_factor, impact_pool_usd)


@exact
def claimable_now(amount: Decimal, terms: ClaimTerms, claimed: Decimal) -> Decimal:
    """How much of a claimable amount may be claimed now, in the amount's own unit; never negative.

    ``factor`` is the larger of the time's and the account's; while it and the reduction are both zero it becomes one
    after the delay.

    >>> claimable_now(Decimal(380), ClaimTerms(Decimal(1), Decimal("0.8"), Decimal(86_400), Decimal(0)), Decimal(0))
    Decimal('76.0')
    """
    factor = terms.factor
    if factor == 0 and terms.reduction == 0 and terms.elapsed > terms.delay:
        factor = ONE
    return max(ZERO, amount * max(ZERO, factor - terms.reduction) - claimed)


@exact
def increase_price(
    size_delta_usd: Decimal, impact_usd: Decimal, index_price: Decimal, *, is_long: bool, places: int = USD_PLACES
) -> Decimal:
    """Execution price of an increase: size ÷ tokens, impact in tokens added for a long, taken off for a short.

    Rounded against the trader: up for a long, down for a short.

    >>> increase_price(Decimal(200_000), Decimal(-400), Decimal(5_000), is_long=True, places=6)
    Decimal('5010.020041')
    """
    side = 1 if is_long else -1
    rounding = Rounding.UP if is_long else Rounding.DOWN
    # size ÷ (size ÷ price ± impact ÷ price), the price multiplied through
    return divide(size_delta_usd * index_price, size_delta_usd + side * impact_usd, places, rounding)


@exact
def decrease_price(
    position_usd: Decimal,
    position_tokens: Decimal,
    size_delta_usd: Decimal,
    impact_usd: Decimal,
    index_price: Decimal,
    *,
    is_long: bool,
    places: int = USD_PLACES,
) -> Decimal:
    """Execution price of a decrease: price ± impact × (size ÷ tokens) ÷ the size closed; a gain raises a long's.

    Rounded against the trader: down for a long, up for a short.

    >>> held = Decimal(400_000), Decimal(80)
    >>> decrease_price(*held, Decimal(-100_000), Decimal(-100), Decimal(5_000), is_long=True).normalize()
    Decimal('4995')
    """
    side = 1 if is_long else -1
    rounding = Rounding.DOWN if is_long else Rounding.UP
    moved = divide(side * impact_usd * position_usd, position_tokens * abs(size_delta_usd), places, rounding)
    return index_price + moved
