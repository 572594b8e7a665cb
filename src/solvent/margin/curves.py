"""Requirements that depend on more than the price: shared pieces that venues compose (:class:`solvent.rules.Curve`).

A rate of a whole amount (:class:`Steps`, :class:`EvenSteps`, :class:`Sloped`) is put on size by :class:`RateBySize` and
on entry value by :class:`RateByEntry`; :class:`OnEntry` and :class:`OnEntryAtLeast` put a schedule on entry value.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from solvent.book import PriceKind
from solvent.rates import Piece, Schedule
from solvent.rules import RulesError, Sized
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18


class WholeRate(Protocol):
    """A rate that the whole of an amount is charged at."""

    def at(self, amount: Decimal) -> Decimal:
        """The rate of an amount ≥ 0."""
        ...


@dataclass(frozen=True, slots=True)
class Steps:
    """A rate for each bracket of the amount, and a share added to every one (a fee); an upper bound is inside.

    Examples
    --------
    >>> steps = Steps(Schedule.step([("0", "0.01"), ("2000", "0.015")]), added=Decimal("0.0005"))
    >>> steps.at(Decimal(2000)), steps.at(Decimal(2001))
    (Decimal('0.0105'), Decimal('0.0155'))

    """

    steps: Schedule
    added: Decimal = ZERO

    @exact
    def at(self, amount: Decimal) -> Decimal:
        """The rate of the bracket that holds the amount, and what is added."""
        return self.steps.piece(amount).rate + self.added


@dataclass(frozen=True, slots=True)
class EvenSteps:
    """A rate that rises without end: ``first`` up to ``base``, and ``rise`` more for each ``step`` begun beyond it.

    An upper bound is inside its step; without a base there are no steps.

    Examples
    --------
    >>> steps = EvenSteps(Decimal("0.01"), Decimal("0.005"), Decimal(200), Decimal(150))
    >>> [str(steps.at(Decimal(amount))) for amount in (200, "200.01", 350, 499)]
    ['0.010', '0.015', '0.015', '0.020']

    """

    first: Decimal
    rise: Decimal
    base: Decimal | None = None
    step: Decimal = ONE

    def __post_init__(self) -> None:
        """Refuse a step that is not positive."""
        if self.step <= 0:
            msg = f"a risk limit's step must be positive, not {self.step}"
            raise RulesError(msg)

    @exact
    def count(self, amount: Decimal) -> int:
        """How many steps beyond the base an amount ≥ 0 needs.

        >>> EvenSteps(Decimal("0.01"), Decimal("0.005"), Decimal(200), Decimal(150)).count(Decimal(499))
        2
        """
        if self.base is None or amount <= self.base:
            return 0
        return int(divide(amount - self.base, self.step, 0, Rounding.UP))

    @exact
    def at(self, amount: Decimal) -> Decimal:
        """The rate of the whole amount."""
        return self.first + self.count(amount) * self.rise


@dataclass(frozen=True, slots=True)
class Sloped:
    """A rate that grows with the amount: ``(base + slope × amount ÷ per) × share``.

    The quotient is rounded up to 18 decimals; with ``per`` one the rate is exact.

    Examples
    --------
    >>> Sloped(Decimal("0.02"), Decimal("0.00005")).at(Decimal(25))
    Decimal('0.02125')
    >>> Sloped(Decimal("0.01"), Decimal("0.02"), per=Decimal(10_000)).at(Decimal(3)).normalize()
    Decimal('0.010006')

    """

    base: Decimal
    slope: Decimal
    per: Decimal = ONE
    share: Decimal = ONE

    @exact
    def at(self, amount: Decimal) -> Decimal:
        """The rate of an amount ≥ 0."""
        grown = self.slope * amount
        if self.per != ONE:
            grown = divide(grown, self.per, PLACES, Rounding.UP)
        return (self.base + grown) * self.share


@dataclass(frozen=True, slots=True)
class RateBySize:
    """The whole notional at the rate of the position's size, and ``minimum`` on top of every position.

    Parameters
    ----------
    rates
        The rate of a size.
    minimum
        An amount in the numeraire that every position needs besides.
    quote
        Where given, the asset the mark is in, and sizes are divided by the mark (rounded up) before the rate is found:
        an inverse contract whose rate is by size in the coin.

    Examples
    --------
    >>> curve = RateBySize(Sloped(Decimal("0.01"), Decimal("0.001")), minimum=Decimal(5))
    >>> from solvent.book import Market
    >>> curve.at_size(Sized("BTC-PERP", Decimal(-10), Decimal(0), Market({}))).at(Decimal(1000))
    Decimal('25.000')

    """

    rates: WholeRate
    minimum: Decimal = ZERO
    quote: str = ""

    @exact
    def rate(self, size: Decimal) -> Decimal:
        """The rate of a size, either sign."""
        return self.rates.at(abs(size))

    @exact
    def at_size(self, sized: Sized) -> Schedule:
        """The rate of this size on every notional; nothing for no position."""
        size = abs(sized.size)
        if size == 0:
            return Schedule.flat(ZERO)
        if self.quote:
            mark = sized.market.price(PriceKind.MARK, sized.symbol, self.quote)
            size = divide(size, mark, PLACES, Rounding.UP)
        return Schedule((Piece(ZERO, self.rates.at(size), -self.minimum),))


@dataclass(frozen=True, slots=True)
class RateByEntry:
    """The whole entry value at the rate of the entry value; the price changes nothing.

    Examples
    --------
    >>> from solvent.book import Market
    >>> curve = RateByEntry(EvenSteps(Decimal("0.01"), Decimal("0.005"), Decimal(200), Decimal(150)))
    >>> curve.at_size(Sized("XBTUSD", Decimal(2_000_000), Decimal(-230), Market({}))).at(Decimal(9))
    Decimal('3.450')

    """

    rates: WholeRate

    @exact
    def at_size(self, sized: Sized) -> Schedule:
        """The same amount at every notional."""
        value = abs(sized.cost)
        return Schedule.fixed(value * self.rates.at(value))


@dataclass(frozen=True, slots=True)
class OnEntry:
    """A schedule on entry value: the price does not change what is required, only a trade does.

    For contracts that settle in the numeraire. The engine evaluates it as well.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from solvent.book import Market
    >>> half = OnEntry(Schedule.flat("0.5"))
    >>> half.at_size(Sized("BTC-PERP", Decimal(-2), Decimal(-120), Market({}))).at(Decimal(999))
    Decimal('60.0')

    """

    schedule: Schedule

    @exact
    def at_size(self, sized: Sized) -> Schedule:
        """The same amount at every notional."""
        return Schedule.fixed(self.schedule.at(abs(sized.cost)))


@dataclass(frozen=True, slots=True)
class OnEntryAtLeast:
    """A schedule on entry value that is never below ``least`` for a position, however small; ring 1 alone reads it.

    Examples
    --------
    >>> from solvent.book import Market
    >>> curve = OnEntryAtLeast(Schedule.flat("0.01"), least=Decimal(1))
    >>> [str(curve.at_size(Sized("X", Decimal(n), Decimal(n), Market({}))).at(Decimal(9))) for n in (0, 2, -200)]
    ['0', '1', '2.00']

    """

    schedule: Schedule
    least: Decimal

    @exact
    def at_size(self, sized: Sized) -> Schedule:
        """The same amount at every notional; nothing for no position."""
        if sized.size == 0:
            return Schedule.flat(ZERO)
        return Schedule.fixed(max(self.least, self.schedule.at(abs(sized.cost))))
