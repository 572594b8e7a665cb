"""Sizes and fees of a liquidation: how much covers a shortage, how much may go at once, what it costs.

Shortages and prices count in 1e-6 of quote, base in 1e-9, weights and ratios in 1e-4, fees and multipliers in 1e-6.
"""

from __future__ import annotations

from typing import NamedTuple

from solvent.venues.drift_v2.formulas import (
    BASE,
    FEE,
    FEE_PER_RATIO,
    PRICE,
    QUOTE,
    U64_MOST,
    U128_MOST,
    WEIGHT,
    ProgramError,
    quotient,
    quotient_up,
)

QUOTE_DECIMALS = 6
GRACE_SLOTS = 1500
FEE_PER_SLOT = 1
SMALL_SHORTAGE = 50 * QUOTE
DUST = QUOTE
KEPT_NUMERATOR, KEPT_DENOMINATOR = 19, 20  # of an implied fund fee, so that the fee alone bankrupts nobody


class Side(NamedTuple):
    """One token of a spot liquidation: its maintenance weight 1e-4 and liquidation multiplier 1e-6."""

    weight: int
    multiplier: int


class Token(NamedTuple):
    """One token of a transfer: its liquidation multiplier 1e-6, decimals and price 1e-6."""

    multiplier: int
    decimals: int
    price: int


def base_to_cover(shortage: int, ratio: int, fee: int, fund_fee: int, price: int, quote_price: int = PRICE) -> int:
    """Base whose transfer frees ``shortage``; the largest u64 where a transfer frees nothing (math/liquidation.rs).

    Parameters
    ----------
    shortage
        Missing collateral, quote.
    ratio
        Maintenance ratio with the buffer, 1e-4.
    fee, fund_fee
        Of the liquidator and of the insurance fund, 1e-6.
    price, quote_price
        Oracle prices of the underlying and of the quote token, 1e-6.

    Examples
    --------
    >>> base_to_cover(10_000_000, 1000, 0, 0, 100_000_000, 990_000)
    1010101010

    """
    margin = ratio * FEE_PER_RATIO
    if price == 0 or margin <= fee:
        return U64_MOST
    freed = price * quote_price // PRICE * (margin - fee) // FEE - price * fund_fee // FEE
    return quotient(shortage * BASE, _positive(freed))


def _positive(freed: int) -> int:
    if freed < 0:
        msg = f"a transfer frees {freed} a unit: the program refuses a subtraction below zero"
        raise ProgramError(msg)
    return freed


def liability_to_cover(shortage: int, asset: Side, liability: Side, decimals: int, price: int, fund_fee: int) -> int:
    """Liability tokens whose transfer frees ``shortage``, at least 1; the largest u128 where no transfer can.

    >>> liability_to_cover(10_000_000, Side(8000, 1_000_000), Side(12_000, 1_000_000), 9, 100_000_000, 10_000)
    257731958
    """
    if asset.weight >= liability.weight:
        return U128_MOST
    owed = liability.weight * 10
    covered = quotient(asset.weight * 10 * asset.multiplier, liability.multiplier)
    if covered >= owed:
        return U128_MOST
    freed = _positive(price * (owed - covered) - price * fund_fee // FEE * owed)
    above, below = _scales(decimals, QUOTE_DECIMALS)
    tokens = quotient(shortage * above * PRICE * WEIGHT * 10, freed)
    return max(1, tokens // below)


def _scales(decimals: int, other: int) -> tuple[int, int]:
    """What a count with ``other`` decimals is multiplied and divided by to have ``decimals``."""
    return 10 ** max(0, decimals - other), 10 ** max(0, other - decimals)


def liability_for_asset(assets: int, asset: Token, liability: Token) -> int:
    """Liability tokens a number of asset tokens pays for, rounded up.

    >>> liability_for_asset(10_000_000, Token(1_010_000, 6, 1_000_000), Token(990_000, 9, 100_000_000))
    98019802
    """
    above, below = _scales(liability.decimals, asset.decimals)
    worth = assets * above * asset.price * liability.multiplier
    return quotient_up(quotient_up(worth, liability.price * asset.multiplier), below)


def asset_for_liability(held: int, asset: Token, liabilities: int, liability: Token) -> int:
    """Asset tokens a number of liability tokens costs, at least 1; all that is ``held`` where dust would be left.

    >>> asset_for_liability(200_000_000, Token(1_010_000, 6, 1_000_000), 10**9, Token(990_000, 9, 100_000_000))
    102020202
    """
    above, below = _scales(asset.decimals, liability.decimals)
    worth = liabilities * above * liability.price * asset.multiplier
    tokens = max(1, quotient(worth, asset.price * liability.multiplier) // below)
    # Where a token has more than six decimals the program multiplies by them once more: hardly anything is dust then.
    scale = 10 ** abs(asset.decimals - QUOTE_DECIMALS)
    left = abs(held - tokens) * asset.price // PRICE * scale
    return held if left < DUST else tokens


def perp_fund_fee(shortage: int, base: int, ratio: int, fee: int, prices: tuple[int, int], most: int) -> int:
    """The insurance fund's fee, 1e-6: what the position's margin leaves after fee and shortage, less a twentieth.

    Parameters
    ----------
    shortage, base
        The market's share of the shortage (quote) and the position without sign (1e-9).
    ratio, fee
        Maintenance ratio with the buffer (1e-4), liquidator's fee (1e-6).
    prices
        Oracle prices of the underlying and of the quote token, 1e-6.
    most
        The market's highest fee, 1e-6.

    Examples
    --------
    >>> perp_fund_fee(20_000_000, 10_000_000_000, 500, 10_000, (100_000_000, 1_000_000), 50_000)
    19000

    """
    price = prices[0] * prices[1] // PRICE
    margin = ratio * FEE_PER_RATIO - fee
    if margin <= 0 or base == 0 or price == 0:
        return 0
    missing = shortage * BASE // base * PRICE // price
    return min(most, max(0, margin - missing) * KEPT_NUMERATOR // KEPT_DENOMINATOR)


def spot_fund_fee(
    shortage: int, tokens: int, asset: Side, liability: Side, decimals: int, price: int, most: int
) -> int:
    """The insurance fund's fee on a transferred liability, 1e-6; 0 where there is nothing to divide by.

    >>> spot_fund_fee(5_000_000, 10**9, Side(10_000, 1_010_000), Side(11_000, 1_000_000), 9, 100_000_000, 50_000)
    36363
    """
    if asset.weight >= liability.weight or 0 in (price, tokens, liability.multiplier):
        return 0
    owed = liability.weight * FEE_PER_RATIO
    covered = asset.weight * FEE_PER_RATIO * asset.multiplier // liability.multiplier
    missing = shortage * FEE * 10**decimals // tokens // price
    implied = max(0, max(0, owed - covered) - missing)
    return int(min(most, implied * FEE // owed))


def most_share(shortage: int, elapsed_slots: int, initial: int, duration_slots: int, freed: int) -> int:
    """The share of the transfer allowed now, 1e-4: it grows with the slots since the liquidation began.

    Below a shortage of $50 everything may go. ``initial`` is the share at once (1e-4), ``freed`` the margin freed
    so far.

    >>> most_share(90_000_000, 75, 1000, 150, 70_010_000)
    2888
    """
    if shortage < SMALL_SHORTAGE:
        return WEIGHT
    grown = elapsed_slots * WEIGHT // duration_slots if duration_slots else WEIGHT
    allowed = min(WEIGHT, grown + initial)
    freeable = max(0, (shortage + freed) * allowed // WEIGHT - freed)
    return freeable * WEIGHT // shortage


def grown_fee(base_fee: int, most: int, elapsed_slots: int) -> int:
    """The liquidator's fee, 1e-6: after the grace the whole elapsed time counts, 0.01 bp a slot.

    >>> grown_fee(20_000, 50_000, 1_499), grown_fee(20_000, 50_000, 1_500), grown_fee(20_000, 50_000, 100_000)
    (20000, 21500, 50000)
    """
    if elapsed_slots < GRACE_SLOTS:
        return base_fee
    return min(most, base_fee + elapsed_slots * FEE_PER_SLOT)


def step_down(base: int, step: int) -> int:
    """``base`` cut to a multiple of the market's step; a step of zero is refused.

    >>> step_down(19, 10), step_up(11, 10)
    (10, 20)
    """
    return quotient(base, step) * step


def step_up(base: int, step: int) -> int:
    """``base`` raised to a multiple of the market's step."""
    return quotient_up(base, step) * step
