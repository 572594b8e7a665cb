"""Whether a margin model covers what it says: tests of exceptions, and tools against procyclicality.

An exception is a day (or other period) whose loss is above the margin. P. Kupiec, "Techniques for verifying the
accuracy of risk measurement models" (1995); P. Christoffersen, "Evaluating interval forecasts" (1998); Basel Committee
on Banking Supervision, "Supervisory framework for the use of backtesting" (1996); Regulation (EU) 153/2013, Article 28.

Statistics are binary floating point (they move no money); binomial probabilities and margins are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import ZERO, exact

GREEN_BELOW, RED_FROM = Fraction(95, 100), Fraction(9999, 10_000)
PLUS_FACTORS = {5: "0.40", 6: "0.50", 7: "0.65", 8: "0.75", 9: "0.85"}
MOST_PLUS, BASEL_DAYS, BASEL_RATE = "1.00", 250, Fraction(1, 100)
QUARTER = Decimal("0.25")


class Tested(NamedTuple):
    """A likelihood ratio, the probability of a larger one when the model is right, and its 5% critical value."""

    ratio: float
    probability: float
    critical: float


class Transitions(NamedTuple):
    """How often a day followed another: the first digit is the earlier day, 1 is an exception."""

    n00: int
    n10: int
    n01: int
    n11: int


def exceptions(losses: Sequence[Decimal], margins: Sequence[Decimal]) -> tuple[bool, ...]:
    """Which periods lost more than their margin.

    >>> exceptions([Decimal(5), Decimal(7)], [Decimal(5), Decimal(6)])
    (False, True)
    """
    if len(losses) != len(margins):
        raise RulesError(f"backtest: got {len(losses)} losses and {len(margins)} margins, expected as many")
    return tuple(loss > margin for loss, margin in zip(losses, margins, strict=True))


def transitions(breaches: Sequence[bool]) -> Transitions:
    """The counts of pairs of following periods.

    >>> transitions([False, True, True, False])
    Transitions(n00=0, n10=1, n01=1, n11=1)
    """
    pairs = list(pairwise(breaches))
    return Transitions(*(pairs.count(pair) for pair in ((False, False), (True, False), (False, True), (True, True))))


def kupiec(periods: int, breaches: int, rate: Decimal) -> Tested:
    """Whether the number of exceptions agrees with ``rate`` (a fraction): proportion of failures, one degree.

    >>> round(kupiec(250, 3, Decimal("0.05")).ratio, 3)
    10.812
    """
    expected = _rate(rate)
    _counts(periods, breaches)
    seen = breaches / periods
    assumed = _log(breaches, expected) + _log(periods - breaches, 1 - expected)
    likely = _log(breaches, seen) + _log(periods - breaches, 1 - seen)
    return _one_degree(-2 * (assumed - likely))


def christoffersen(counts: Transitions) -> Tested:
    """Whether exceptions come independently of the day before; one degree."""
    return _one_degree(_independence(counts))


def conditional_coverage(periods: int, breaches: int, rate: Decimal, counts: Transitions) -> Tested:
    """Both together; two degrees.

    >>> round(conditional_coverage(1043, 57, Decimal("0.05"), Transitions(932, 53, 53, 4)).probability, 5)
    0.69763
    """
    ratio = kupiec(periods, breaches, rate).ratio + _independence(counts)
    return Tested(ratio, math.exp(-ratio / 2), -2 * math.log(0.05))


def _independence(counts: Transitions) -> float:
    n00, n10, n01, n11 = counts
    if min(counts) < 0 or not sum(counts):
        raise RulesError(f"transitions: got {counts}, expected counts of which one at least is positive")
    after_calm = n01 / (n00 + n01) if n00 + n01 else 0.0
    after_breach = n11 / (n10 + n11) if n10 + n11 else 0.0
    any_day = (n01 + n11) / sum(counts)
    same = _log(n00 + n10, 1 - any_day) + _log(n01 + n11, any_day)
    apart = _log(n00, 1 - after_calm) + _log(n01, after_calm) + _log(n10, 1 - after_breach) + _log(n11, after_breach)
    return max(0.0, -2 * (same - apart))


def _log(count: int, probability: float) -> float:
    """``count`` × ln(probability), 0 × ln(0) being 0."""
    return count * math.log(probability) if count else 0.0


def _one_degree(ratio: float) -> Tested:
    ratio = max(0.0, ratio)
    return Tested(ratio, math.erfc(math.sqrt(ratio / 2)), NormalDist().inv_cdf(0.975) ** 2)


def _rate(rate: Decimal) -> float:
    if not 0 < rate < 1:
        raise RulesError(f"rate: got {rate}, expected a fraction between 0 and 1")
    return float(rate)


def _counts(periods: int, breaches: int) -> None:
    if not 0 <= breaches <= periods or not periods:
        raise RulesError(f"exceptions: got {breaches} in {periods} periods, expected at most as many, of one at least")


class Light(NamedTuple):
    """The zone of a number of exceptions, how likely no more are, and what Basel adds to its multiplier.

    ``plus`` is None where Basel's table does not say: it is for 250 days at 1%.
    """

    zone: str
    cumulative: float
    plus: Decimal | None


def traffic_light(periods: int, rate: Decimal, breaches: int) -> Light:
    """Green below 95% of the cumulative probability, red from 99.99%, yellow between; exact.

    >>> traffic_light(250, Decimal("0.01"), 5)[::2]
    ('yellow', Decimal('0.40'))
    """
    _rate(rate)
    _counts(periods, breaches)
    reached = _cumulative(periods, rate)[breaches]
    zone = "green" if reached < GREEN_BELOW else "yellow" if reached < RED_FROM else "red"
    plus = None
    if (periods, Fraction(rate)) == (BASEL_DAYS, BASEL_RATE):
        plus = ZERO if zone == "green" else Decimal(PLUS_FACTORS.get(breaches, MOST_PLUS))
    return Light(zone, float(reached), plus)


class ZoneStarts(NamedTuple):
    """The least number of exceptions of the yellow and of the red zone."""

    yellow: int
    red: int


def zone_starts(periods: int, rate: Decimal) -> ZoneStarts:
    """Where the zones start.

    >>> zone_starts(250, Decimal("0.01"))
    ZoneStarts(yellow=5, red=10)
    """
    _rate(rate)
    _counts(periods, 0)
    reached = _cumulative(periods, rate)
    return ZoneStarts(
        *(next(x for x, share in enumerate(reached) if share >= line) for line in (GREEN_BELOW, RED_FROM))
    )


def _cumulative(periods: int, rate: Decimal) -> list[Fraction]:
    """The exact binomial probability of at most 0, 1, 2, … exceptions."""
    top, bottom = rate.as_integer_ratio()
    total, reached = 0, []
    for x in range(periods + 1):
        total += math.comb(periods, x) * top**x * (bottom - top) ** (periods - x)
        reached.append(total)
    return [Fraction(one, bottom**periods) for one in reached]


@dataclass(frozen=True, slots=True)
class Backtest:
    """A model's margins against what happened: counts and every test of them."""

    periods: int
    breaches: tuple[int, ...]
    kupiec: Tested
    independence: Tested
    coverage: Tested
    light: Light


def backtest(losses: Sequence[Decimal], margins: Sequence[Decimal], rate: Decimal) -> Backtest:
    """Losses of each period (gains negative) against the margin held, for a model that allows ``rate`` exceptions.

    >>> losses = [Decimal(3 if day % 50 == 0 else 1) for day in range(250)]
    >>> found = backtest(losses, [Decimal(2)] * 250, Decimal("0.01"))
    >>> len(found.breaches), found.light.zone
    (5, 'yellow')
    """
    breaches = exceptions(losses, margins)
    periods, number, counts = len(breaches), sum(breaches), transitions(breaches)
    if periods < 2:
        raise RulesError(f"backtest: got {periods} periods, expected two at least")
    return Backtest(
        periods,
        tuple(k for k, breach in enumerate(breaches) if breach),
        kupiec(periods, number, rate),
        christoffersen(counts),
        conditional_coverage(periods, number, rate, counts),
        traffic_light(periods, rate, number),
    )


Damper = Callable[[Sequence[Decimal]], tuple[Decimal, ...]]


@exact
def buffered(margins: Iterable[Decimal], share: Decimal = QUARTER) -> tuple[Decimal, ...]:
    """A buffer of a share on top, used up while margins rise: Article 28(1)(a).

    Each margin is the model's, or the last one where that is higher, but at most the model's and the buffer.

    >>> [str(one) for one in buffered([Decimal(100), Decimal(80), Decimal(110), Decimal(140)])]
    ['125.00', '100.00', '110', '140']
    """
    found: list[Decimal] = []
    for raw in margins:
        with_buffer = raw + raw * share
        found.append(max(raw, min(with_buffer, found[-1])) if found else with_buffer)
    return tuple(found)


@exact
def stress_weighted(margins: Iterable[Decimal], stressed: Decimal, share: Decimal = QUARTER) -> tuple[Decimal, ...]:
    """A weight on a margin from stressed observations: Article 28(1)(b).

    >>> stress_weighted([Decimal(100)], Decimal(300))
    (Decimal('150.00'),)
    """
    if not 0 <= share <= 1:
        raise RulesError(f"stress weight: got {share}, expected a fraction from 0 to 1")
    return tuple((1 - share) * raw + share * stressed for raw in margins)


@exact
def floored(margins: Iterable[Decimal], long_run: Decimal) -> tuple[Decimal, ...]:
    """Never below the margin at the volatility of ten years: Article 28(1)(c).

    >>> floored([Decimal(100), Decimal(60)], Decimal(75))
    (Decimal('100'), Decimal('75'))
    """
    return tuple(max(raw, long_run) for raw in margins)


class Procyclicality(NamedTuple):
    """How a margin moves through time: peak over trough, and the largest rise in a number of periods (a fraction)."""

    peak_to_trough: float
    largest_rise: float


def procyclicality(margins: Sequence[Decimal], periods: int = 5) -> Procyclicality:
    """The figures of a series of positive margins.

    >>> procyclicality([Decimal(100), Decimal(80), Decimal(160)], periods=1)
    Procyclicality(peak_to_trough=2.0, largest_rise=1.0)
    """
    if not margins or min(margins) <= 0 or periods < 1:
        raise RulesError("procyclicality: expected positive margins, one at least, and one period or more")
    rises = [
        Fraction(later) / Fraction(margins[start]) - 1
        for start in range(len(margins))
        for later in margins[start + 1 : start + periods + 1]
    ]
    return Procyclicality(float(Fraction(max(margins)) / Fraction(min(margins))), float(max([*rises, Fraction(0)])))


@exact
def offset_limited(standalone: Sequence[Decimal], portfolio: Decimal, most: Decimal = Decimal("0.8")) -> Decimal:
    """A portfolio margin whose saving is at most a share of the sum's: Article 27.

    >>> offset_limited([Decimal(60), Decimal(60)], Decimal(10))
    Decimal('32.0')
    """
    apart = sum(standalone, ZERO)
    return apart - most * max(ZERO, apart - portfolio)
