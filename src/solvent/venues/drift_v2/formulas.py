"""The program's integer arithmetic: weights and ratios that depend on size.

Quote and prices count in 1e-6, base amounts in 1e-9, weights and ratios in 1e-4, imf factors and fees in 1e-6. Division
cuts towards zero unless a function says otherwise; a root is the whole part of the square root.
"""

from __future__ import annotations

import enum
from math import isqrt

from solvent.fixed import towards_zero, up
from solvent.rules import RulesError

WEIGHT = 10_000
PRICE = 1_000_000
QUOTE = 1_000_000
BASE = 1_000_000_000
IMF = 1_000_000
FEE = 1_000_000
FEE_PER_RATIO = FEE // WEIGHT
BASE_DECIMALS = 9
ROOT = 100_000  # the root of a size of 1e-9, times ten, counts in 1e-5
DISCOUNT_TOP = IMF + IMF // 10
MOST_INITIAL_PROFIT = 100 * QUOTE
U64_MOST = 2**64 - 1
U128_MOST = 2**128 - 1


class ProgramError(RulesError):
    """What the program itself refuses: a division by zero, a subtraction below zero, a call that may not be made."""


class MarginType(enum.Enum):
    """Which weights and ratios count: for new risk, for a fill, for staying alive."""

    INITIAL = "initial"
    FILL = "fill"
    MAINTENANCE = "maintenance"


def quotient(top: int, bottom: int) -> int:
    """``top`` ÷ ``bottom`` cut towards zero; :class:`ProgramError` where ``bottom`` is zero.

    >>> quotient(7, 2), quotient(-7, 2)
    (3, -3)
    """
    if bottom == 0:
        msg = f"{top} ÷ 0: the program refuses a division by zero"
        raise ProgramError(msg)
    return towards_zero(top, bottom)


def quotient_up(top: int, bottom: int) -> int:
    """``top`` ÷ ``bottom`` rounded up, both not negative; :class:`ProgramError` where ``bottom`` is zero.

    >>> quotient_up(7, 2)
    4
    """
    return up(top, bottom) if bottom else quotient(top, bottom)


def middle(initial: int, maintenance: int, margin_type: MarginType) -> int:
    """The figure of a margin type: a fill takes the mean of the two, cut.

    >>> middle(200, 101, MarginType.FILL)
    150
    """
    if margin_type is MarginType.INITIAL:
        return initial
    return maintenance if margin_type is MarginType.MAINTENANCE else (initial + maintenance) // 2


def reserve_size(tokens: int, decimals: int) -> int:
    """An amount of a token with ``decimals`` in the program's 1e-9 of base, cut.

    >>> reserve_size(1_500_000, 6), reserve_size(10**18, 18)
    (1500000000, 1000000000)
    """
    amount = abs(tokens)
    if decimals > BASE_DECIMALS:
        return int(amount // 10 ** (decimals - BASE_DECIMALS))
    return int(amount * 10 ** (BASE_DECIMALS - decimals))


def sized_weight(weight: int, size: int, imf: int) -> int:
    """``4/5·weight + imf·√size`` without a lower bound; the weight itself where ``imf`` is 0 (margin.rs).

    Parameters
    ----------
    weight
        Weight or ratio, 1e-4.
    size
        Size without sign, 1e-9 of base.
    imf
        Factor, 1e-6.

    >>> sized_weight(1000, 10**15, 50)
    1300

    """
    if imf == 0:
        return weight
    root = isqrt(abs(size) * 10 + 1)
    return weight - weight // 5 + root * imf // (ROOT * IMF // WEIGHT)


def size_premium(weight: int, size: int, imf: int) -> int:
    """A liability weight or margin ratio that grows with size, never below ``weight`` (margin.rs).

    >>> size_premium(11_000, 10**12, 100_000)
    40422
    """
    return max(weight, sized_weight(weight, size, imf))


def size_discount(weight: int, size: int, imf: int) -> int:
    """An asset weight that shrinks with size: ``min(weight, 1.1 ÷ (1 + imf·√size))`` (margin.rs).

    >>> size_discount(9_000, 10**12, 100_000)
    2642
    """
    if imf == 0:
        return weight
    root = isqrt(abs(size) * 10 + 1)
    return min(weight, DISCOUNT_TOP * WEIGHT // (IMF + root * imf // ROOT))


def scaled_initial_weight(weight: int, start: int, deposit_value: int) -> int:
    """The initial asset weight once all deposits of a market are worth more than ``start`` (quote; 0: never scaled).

    >>> scaled_initial_weight(9_000, 500_000, 1_500_000)
    3000
    """
    if start == 0 or deposit_value < start:
        return weight
    return quotient(weight * start, deposit_value)


def profit_weight(weight: int, profit: int, imf: int, max_imbalance: int = 0, net_profit: int = 0) -> int:
    """Weight of a positive unrealised profit for new risk and fills (perp_market.rs).

    Parameters
    ----------
    weight
        The market's initial weight of profit, 1e-4.
    profit
        The position's unrealised profit, quote 1e-6; its size is ``profit`` in whole quote.
    imf
        The market's factor for profit, 1e-6.
    max_imbalance, net_profit
        Where all users' net profit is above the market's limit (0: none), the weight shrinks in proportion.

    >>> profit_weight(10_000, 22_699_050_905, 1_000)
    9559

    """
    if max_imbalance and net_profit > max_imbalance:
        weight = quotient(weight * max_imbalance, net_profit)
    return size_discount(weight, profit * (BASE // QUOTE), imf) if weight else 0


def token_value(tokens: int, decimals: int, price: int) -> int:
    """Quote value of a signed token amount, rounded down: less for a balance, more for a debt (spot_balance.rs).

    >>> token_value(-1, 9, 100_000_000), token_value(19, 9, 100_000_000)
    (-1, 1)
    """
    return int(tokens * price // 10**decimals)


def base_value(base: int, price: int) -> int:
    """Quote value of a base amount without its sign, cut.

    >>> base_value(-1_500_000_000, 100_000_000)
    150000000
    """
    return abs(base) * price // BASE


def liability_value(base: int, price: int, *, prediction: bool = False) -> int:
    """What a position may owe: its value; a short of a prediction market owes ``1 − price`` a share.

    >>> liability_value(-1_000_000_000, 250_000, prediction=True)
    750000
    """
    if prediction and base < 0:
        return base_value(base, PRICE - price)
    return base_value(base, price)


def high_leverage_ratio(standard: int, lowered: int, size: int, imf: int) -> int:
    """The initial or fill ratio in high-leverage mode: the standard ratio's discount of size is kept (margin.rs).

    Parameters
    ----------
    standard, lowered
        Ratio of the margin type in standard and in high-leverage mode, 1e-4.
    size, imf
        As in :func:`sized_weight`.

    >>> high_leverage_ratio(1000, 100, 10_000_000_000, 50)
    104

    """
    adjusted = sized_weight(standard, size, imf)
    if adjusted > standard:
        return adjusted
    if adjusted == standard:
        return lowered
    spared = quotient((standard - adjusted) * IMF, standard // 5)
    left = max(0, IMF - spared)
    return max(1, standard - lowered) * left // IMF + lowered
