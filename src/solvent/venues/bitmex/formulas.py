"""The exchange's rules that are not sums over an account: risk limits, bankruptcy, fair price, ranks, order margin.

Decimals in, decimals out, exact; a quotient is cut to ``places`` decimals on the side named at each function, because
the exchange does not publish how many it keeps. Sources: the pages named at each function.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.instruments import Payoff
from solvent.liquidation.adl import ranking
from solvent.liquidation.bankruptcy import inverse_price
from solvent.margin.curves import EvenSteps
from solvent.marks import funding
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18


class Rates(NamedTuple):
    """Maintenance and initial margin as fractions of a position's value."""

    maintenance: Decimal
    initial: Decimal


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Margin rates of a contract that rise with the whole position, in steps (app/riskLimitsExamples).

    Parameters
    ----------
    maintenance, initial
        Rates up to and including the base limit.
    base, step
        Position value in the settle asset of the base limit and of each step beyond it; a base of None: no steps.

    Examples
    --------
    >>> limits = RiskLimits(Decimal("0.005"), Decimal("0.01"), Decimal(200), Decimal(150))
    >>> [str(limits.rates(Decimal(value)).maintenance) for value in (200, "200.01", 350, 499)]
    ['0.005', '0.010', '0.010', '0.015']

    """

    maintenance: Decimal
    initial: Decimal
    base: Decimal | None = None
    step: Decimal = ONE

    def __post_init__(self) -> None:
        """Refuse a step that is not positive and an initial rate below maintenance."""
        self.curve(initial=False)
        if not 0 <= self.maintenance <= self.initial:
            msg = f"initial margin must be at least maintenance, not {self.initial} against {self.maintenance}"
            raise RulesError(msg)

    def curve(self, *, initial: bool) -> EvenSteps:
        """Initial or maintenance rates by position value: each step adds the base maintenance rate to both.

        >>> RiskLimits(Decimal("0.005"), Decimal("0.01"), Decimal(200), Decimal(150)).curve(initial=True).at(
        ...     Decimal(499)
        ... )
        Decimal('0.020')
        """
        return EvenSteps(self.initial if initial else self.maintenance, self.maintenance, self.base, self.step)

    def steps(self, value: Decimal) -> int:
        """How many steps beyond the base limit a position value ≥ 0 needs."""
        return self.curve(initial=False).count(value)

    def rates(self, value: Decimal) -> Rates:
        """Rates of the whole position; a step's upper bound belongs to it."""
        return Rates(self.curve(initial=False).at(value), self.curve(initial=True).at(value))

    @exact
    def limit_below(self, value: Decimal) -> Decimal:
        """The position value liquidation first brings a position down to: the limit one step lower, zero at the base.

        >>> RiskLimits(Decimal("0.005"), Decimal("0.01"), Decimal(200), Decimal(150)).limit_below(Decimal(499))
        Decimal('350')
        """
        steps = self.steps(value)
        return ZERO if self.base is None or steps == 0 else self.base + (steps - 1) * self.step


@exact
def maintenance_margin(entry_value: Decimal, rate: Decimal) -> Decimal:
    """Margin of a position on its entry value, in the settle asset; neither mark nor profit changes it.

    >>> maintenance_margin(Decimal(180), Decimal("0.005"))
    Decimal('0.900')
    """
    return abs(entry_value) * rate


@exact
def maintenance_with_costs(
    entry_value: Decimal, rate: Decimal, bankrupt_value: Decimal, taker: Decimal, funding: Decimal = ZERO
) -> Decimal:
    """Maintenance of XBTUSD as staff describe it: with the taker fee of closing at bankruptcy, and funding due.

    Not part of the rule set: the exchange's own worked examples leave both out.

    >>> maintenance_with_costs(Decimal(20), Decimal("0.005"), Decimal(21), Decimal("0.00075"))
    Decimal('0.11575')
    """
    return maintenance_margin(entry_value, rate) + taker * abs(bankrupt_value) + funding


@exact
def bankruptcy_price(
    size: Decimal, entry: Decimal, margin: Decimal, payoff: Payoff = Payoff.LINEAR, places: int = PLACES
) -> Decimal | None:
    """The price at which ``margin`` is used up by a position alone (app/isolatedMarginExamples).

    Parameters
    ----------
    size
        Signed size, not zero: in the base asset (linear) or in contracts of one quote unit (inverse).
    entry
        Entry price.
    margin
        What stands behind it, in the settle asset: the posted margin, or the whole available wallet in cross.
    payoff
        Linear or inverse.
    places
        Decimals kept; rounded towards the entry, so that the margin is not passed.

    Returns
    -------
    Decimal or None
        None where no positive price uses the margin up.

    Examples
    --------
    >>> bankruptcy_price(Decimal(20), Decimal(1000), Decimal(10_000), places=2)
    Decimal('500.00')
    >>> bankruptcy_price(Decimal(200_000), Decimal(10_000), Decimal(1), Payoff.INVERSE, places=2)
    Decimal('9523.81')

    """
    if size == 0 or entry <= 0:
        msg = f"a position needs a size and a positive entry, not {size} at {entry}"
        raise RulesError(msg)
    towards = Rounding.UP if size > 0 else Rounding.DOWN
    if payoff is Payoff.LINEAR:
        price = divide(entry * size - margin, size, places, towards)
        return price if price > 0 else None
    if payoff is not Payoff.INVERSE:
        msg = f"bankruptcy prices are known for linear and inverse contracts, not {payoff.value} ones"
        raise RulesError(msg)
    return inverse_price(size, entry, margin * entry, places, towards)


@exact
def fair_price(
    index: Decimal, funding_rate: Decimal, left: Decimal, interval: Decimal = Decimal(8), places: int = PLACES
) -> Decimal:
    """Mark of a perpetual: the index moved by the funding rate over the part of the interval left (same unit of time).

    Cut down (app/fairPriceMarking).

    >>> fair_price(Decimal(10_000), Decimal("0.0003"), Decimal(4), places=2)
    Decimal('10001.50')
    """
    return funding.fair_price(index, funding_rate, left, interval, places)


class AdlRank(NamedTuple):
    """Rank of a winner: profit share of the entry value, effective leverage, and the ranking of the two."""

    profit_share: Decimal
    leverage: Decimal
    ranking: Decimal


@exact
def adl_rank(mark_value: Decimal, entry_value: Decimal, bankrupt_value: Decimal, places: int = PLACES) -> AdlRank:
    """ADL rank from **signed** values: an inverse long's are negative (support article 18589621443357).

    A gain counts times the leverage, a loss by the leverage. Quotients are cut down.

    Raises
    ------
    RulesError
        No entry value, or a position at its bankruptcy price already: it has no leverage.

    Examples
    --------
    >>> adl_rank(Decimal(120), Decimal(100), Decimal(60), places=2)
    AdlRank(profit_share=Decimal('0.20'), leverage=Decimal('2.00'), ranking=Decimal('0.4000'))

    """
    if entry_value == 0 or mark_value == bankrupt_value:
        msg = f"no rank: entry value {entry_value}, mark value {mark_value}, bankrupt value {bankrupt_value}"
        raise RulesError(msg)
    gain, backing = mark_value - entry_value, mark_value - bankrupt_value
    profit, leverage, product = ranking(gain, abs(entry_value), abs(mark_value), backing, places)
    if profit > 0:
        return AdlRank(profit, leverage, product)
    return AdlRank(profit, leverage, divide(profit, leverage, places, Rounding.DOWN) if leverage else ZERO)


@exact
def cross_loss(size: Decimal, entry: Decimal, price: Decimal, places: int = PLACES) -> Decimal:
    """Loss in the coin of a position of signed ``size`` coins bought at ``entry``; gains are negative; rounded up.

    >>> cross_loss(Decimal(100), Decimal(100), Decimal(94), places=2)
    Decimal('6.00')
    """
    return divide(size * (entry - price), entry, places, Rounding.UP)


@exact
def isolated_loss(size: Decimal, entry: Decimal, price: Decimal, margin: Decimal, places: int = PLACES) -> Decimal:
    """The same with isolated margin: never more than what was posted (app/isolatedMarginExamples).

    >>> isolated_loss(Decimal(100), Decimal(100), Decimal(94), Decimal(4), places=2)
    Decimal('4')
    """
    return min(margin, cross_loss(size, entry, price, places))


@exact
def order_margin(side: int, limit: Decimal, best_bid: Decimal, size: Decimal, rate: Decimal) -> Decimal:
    """Initial margin of an opening order: a buy at its limit, a sell at the higher of limit and best bid.

    Linear contracts; ``size`` ≥ 0 in the base asset (app/exchangeGuide).

    >>> order_margin(-1, Decimal(99), Decimal(100), Decimal(2), Decimal("0.01"))
    Decimal('2.00')
    """
    return rate * size * (limit if side > 0 else max(limit, best_bid))
