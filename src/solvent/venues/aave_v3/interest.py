"""Interest: rates by utilisation, and the growth of the two indices that scaled balances are multiplied by.

Rates are ray (27 decimals) a year of 365 days. Source: DefaultReserveInterestRateStrategy.sol of aave/aave-v3-core,
DefaultReserveInterestRateStrategyV2.sol and MathUtils.sol of aave-dao/aave-v3-origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.venues.aave_v3 import arithmetic as ints
from solvent.venues.aave_v3.editions import Edition

YEAR = 365 * 24 * 3600
BPS_RAY = ints.RAY // ints.PERCENT


class Rates(NamedTuple):
    """Yearly rates in ray: what suppliers get, what variable and (until v3.2) stable debt pays."""

    liquidity: int
    variable: int
    stable: int | None = None


@dataclass(frozen=True, slots=True)
class Slopes:
    """A kinked rate in ray: ``base`` + ``low``·u/optimal up to ``optimal``, then + ``high``·(u−optimal)/(1−optimal).

    ``low`` and ``high`` are what each stretch adds at its end.
    """

    optimal: int
    base: int
    low: int
    high: int

    def __post_init__(self) -> None:
        """Refuse an optimal utilisation outside what can be divided by."""
        if not 0 < self.optimal < ints.RAY:
            msg = f"the optimal utilisation must lie between 0 and 1 (ray), not {self.optimal}"
            raise RulesError(msg)

    def at(self, used: int) -> int:
        """The rate at a utilisation in ray; the kink itself is on the lower stretch."""
        if used > self.optimal:
            excess = ints.ray_div(used - self.optimal, ints.RAY - self.optimal)
            return self.base + self.low + ints.ray_mul(self.high, excess)
        return self.base + ints.ray_div(ints.ray_mul(self.low, used), self.optimal)


@dataclass(frozen=True, slots=True)
class StableSlopes:
    """The stable rate of v3.0 in ray: its own kinked rate, and an offset where stable debt is more than ``optimal``.

    Its base is the variable rate's lower slope plus ``base_offset``.
    """

    low: int
    high: int
    base_offset: int
    excess_offset: int
    optimal: int


class Reserve(NamedTuple):
    """A reserve's amounts in smallest units, and its reserve factor in bps."""

    liquidity: int
    variable_debt: int
    stable_debt: int = 0
    average_stable_rate: int = 0
    unbacked: int = 0
    reserve_factor_bps: int = 0


def slopes_from_bps(optimal: int, base: int, low: int, high: int) -> Slopes:
    """A kinked rate given in basis points, as reserves are configured since v3.1.

    >>> slopes_from_bps(8000, 100, 400, 6000).at(0) // BPS_RAY
    100
    """
    return Slopes(optimal * BPS_RAY, base * BPS_RAY, low * BPS_RAY, high * BPS_RAY)


def rates(slopes: Slopes, reserve: Reserve) -> Rates:
    """The rates of a reserve without stable debt.

    Examples
    --------
    >>> slopes = slopes_from_bps(8000, 100, 400, 6000)
    >>> found = rates(slopes, Reserve(0, 10**18, reserve_factor_bps=1000))
    >>> found.liquidity // BPS_RAY, found.variable // BPS_RAY
    (5850, 6500)

    """
    debt = reserve.variable_debt
    if not debt:
        return Rates(0, slopes.base)
    variable = slopes.at(ints.ray_div(debt, reserve.liquidity + debt))
    backing = ints.ray_div(debt, reserve.liquidity + debt + reserve.unbacked)
    earned = ints.percent_mul(ints.ray_mul(variable, backing), ints.PERCENT - reserve.reserve_factor_bps)
    return Rates(earned, variable)


def rates_with_stable(slopes: Slopes, stable: StableSlopes, reserve: Reserve) -> Rates:
    """The rates of a reserve with variable and stable debt, as until v3.2.

    Suppliers earn the average rate that both debts pay, weighted by their amounts.
    """
    debt = reserve.variable_debt + reserve.stable_debt
    stable_slopes = Slopes(slopes.optimal, slopes.low + stable.base_offset, stable.low, stable.high)
    if not debt:
        return Rates(0, slopes.base, stable_slopes.base)
    used = ints.ray_div(debt, reserve.liquidity + debt)
    variable, stable_rate = slopes.at(used), stable_slopes.at(used)
    share = ints.ray_div(reserve.stable_debt, debt)
    if share > stable.optimal:
        excess = ints.ray_div(share - stable.optimal, ints.RAY - stable.optimal)
        stable_rate += ints.ray_mul(stable.excess_offset, excess)
    backing = ints.ray_div(debt, reserve.liquidity + debt + reserve.unbacked)
    paid = _average(reserve, variable)
    earned = ints.percent_mul(ints.ray_mul(paid, backing), ints.PERCENT - reserve.reserve_factor_bps)
    return Rates(earned, variable, stable_rate)


def _average(reserve: Reserve, variable_rate: int) -> int:
    paid = ints.ray_mul(ints.wad_to_ray(reserve.variable_debt), variable_rate)
    paid += ints.ray_mul(ints.wad_to_ray(reserve.stable_debt), reserve.average_stable_rate)
    return ints.ray_div(paid, ints.wad_to_ray(reserve.variable_debt + reserve.stable_debt))


def linear(rate: int, seconds: int) -> int:
    """The factor (ray) a supply's index grows by: one plus rate × time, down.

    >>> linear(8 * 10**25, YEAR // 2)
    1040000000000000000000000000
    """
    return ints.RAY + rate * seconds // YEAR


def compounded(edition: Edition, rate: int, seconds: int) -> int:
    """The factor (ray) a debt's index grows by: three terms of interest on interest.

    Examples
    --------
    >>> from solvent.venues.aave_v3.editions import edition
    >>> compounded(edition("v3.7"), 8 * 10**25, YEAR)
    1083285333333333333333333333
    >>> compounded(edition("v3.0"), 8 * 10**25, YEAR)
    1083283634984800035051648000

    """
    if not seconds:
        return ints.RAY
    if edition.binomial:
        return _binomial(rate, seconds)
    grown = rate * seconds // YEAR
    return ints.RAY + grown + ints.ray_mul(grown, grown // 2 + ints.ray_mul(grown, grown // 6))


def _binomial(rate: int, seconds: int) -> int:
    """1 + n·r + n(n−1)/2·r² + n(n−1)(n−2)/6·r³ with r the rate of one second, the powers divided first."""
    square = ints.ray_mul(rate, rate) // (YEAR * YEAR)
    cube = ints.ray_mul(square, rate) // YEAR
    pairs = seconds * (seconds - 1)
    triples = pairs * max(0, seconds - 2)
    return ints.RAY + rate * seconds // YEAR + pairs * square // 2 + triples * cube // 6


def next_index(index: int, factor: int) -> int:
    """An index after its growth, half up."""
    return ints.ray_mul(factor, index)
