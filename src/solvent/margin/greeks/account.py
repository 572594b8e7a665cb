"""A pool margined on its net Greeks: delta, vega, curvature and time, each under correlations between underlyings.

The structure is that of Basel's sensitivities-based method (MAR21.4 to MAR21.6): sensitivities times weights, √(Σ Σ ρ W
W) for delta and for vega, curvature beside them, all for three scenarios of correlations of which the dearest counts.
It differs in two ways, both against the account: curvature is the gamma's own square term, and no gain of it in one
underlying pays for a loss in another; and the time value that a day takes is charged.

Every part is positively homogeneous and at most the sum of the parts of a divided book, and so is their sum (L-12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, Holding, Leg, Market, Purpose
from solvent.margin.greeks.quadratic import CorrelationTable, Key, Shift, size
from solvent.margin.greeks.sensitivities import Sensitivities, sensitivities
from solvent.margin.scenario.joint_account import Closing, closing_costs
from solvent.margin.scenario.money import bounded
from solvent.margin.scenario.resting import worst_with_orders
from solvent.margin.scenario.whole import Whole, value_error, value_lines, whole_pool
from solvent.rates import Schedule
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, ZERO, exact

HALF = Decimal("0.5")


class Weight(NamedTuple):
    """The moves that are covered: of an underlying's price and of its volatility, as shares of them."""

    price: Decimal
    volatility: Decimal


@dataclass(frozen=True, slots=True)
class GreeksRules:
    """Everything the margin needs, as data; ``weights`` has an entry ``"*"`` for any other underlying.

    ``coins`` count at full value, each as delta of the underlying of its name, with ``add_on`` on its value for closing
    it; ``days`` of time value are charged.
    """

    weights: Mapping[str, Weight]
    prices: CorrelationTable
    volatilities: CorrelationTable
    shifts: tuple[Shift, ...]
    days: Decimal
    closing: Closing
    coins: Mapping[str, Schedule]
    multiples: Mapping[Purpose, Decimal]

    def __post_init__(self) -> None:
        """Refuse correlations that nothing can have, in any scenario, and rules without a scenario."""
        if not self.shifts:
            raise RulesError("greeks: got no scenario of correlations, expected one at least")
        for shift in self.shifts:
            self.prices.shifted(shift).check(f"of prices, {shift.name}")
            self.volatilities.shifted(shift).check(f"of volatilities, {shift.name}")

    def weight(self, underlying: str) -> Weight:
        """The moves of an underlying."""
        return self.weights.get(underlying, self.weights["*"])


class Charged(NamedTuple):
    """The parts of a requirement in the worst scenario of correlations, and its name."""

    shift: str
    delta: Decimal
    vega: Decimal
    curvature: Decimal
    theta: Decimal

    @property
    @exact
    def total(self) -> Decimal:
        """All parts together."""
        return self.delta + self.vega + self.curvature + self.theta


@exact
def charges(rules: GreeksRules, net: Sensitivities, unit_scale: int) -> Charged:
    """What net sensitivities require, roots rounded up to a multiple of 10^−``unit_scale``.

    Examples
    --------
    >>> from solvent.venues.greeks.rules import parameters
    >>> one = Sensitivities({"BTC": Decimal(100), "ETH": Decimal(-80)}, {}, {}, Decimal(-2), {})
    >>> found = charges(parameters(), one, 2)
    >>> found.shift, str(found.delta), str(found.theta)
    ('low', '14.32', '2')

    """
    delta = {(name, ""): rules.weight(name).price * amount for name, amount in net.delta.items()}
    vega = {key: rules.weight(key[0]).volatility * amount for key, amount in net.vega.items()}
    curved = {(name, ""): max(ZERO, -_curvature(rules, name, amount)) for name, amount in net.gamma.items()}
    theta = max(ZERO, -net.theta) * rules.days
    found = [_shifted(rules, shift, delta, vega, curved, theta, unit_scale) for shift in rules.shifts]
    return max(found, key=lambda one: one.total)


def _curvature(rules: GreeksRules, underlying: str, gamma: Decimal) -> Decimal:
    """What gamma brings beyond delta at the covered move, whichever way it goes: ½ Γ (w·S)²."""
    move = rules.weight(underlying).price
    return HALF * gamma * move * move


def _shifted(
    rules: GreeksRules,
    shift: Shift,
    delta: Mapping[Key, Decimal],
    vega: Mapping[Key, Decimal],
    curved: Mapping[Key, Decimal],
    theta: Decimal,
    unit_scale: int,
) -> Charged:
    prices, volatilities = rules.prices.shifted(shift), rules.volatilities.shifted(shift)
    squared = CorrelationTable({pair: one * one for pair, one in prices.pairs.items()}, prices.default * prices.default)
    return Charged(
        shift.name,
        size(delta, prices, unit_scale),
        size(vega, volatilities, unit_scale),
        size(curved, squared, unit_scale),
        theta,
    )


@dataclass(frozen=True, slots=True)
class GreeksAccount:
    """The pool model; resting orders count at ADMIT and WITHDRAW as if all buys, or all sells, were filled."""

    rules: GreeksRules

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment (inside the exact context)."""
        return worst_with_orders(
            lambda held: self._alone(book, market, rules, purpose, held), book, market, purpose, holding
        )

    def _alone(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        pool, own = holding.pool, self.rules
        whole = whole_pool(book, market, holding, rules.name)
        net = sensitivities(whole, frozenset(own.coins), rules.name)
        multiple = own.multiples[purpose] * rules.modes[pool.mode].requirement_multiplier
        found = charges(own, net, book.assets[pool.numeraire].scale)
        needs = [one._replace(required=one.required * multiple) for one in self._needs(found, whole) if one.required]
        values = list(value_lines(whole, own.coins.__contains__, pool.numeraire))
        error = self._error(net) * float(multiple) + value_error(whole)
        largest = max(needs, key=lambda one: one.required, default=None)
        binding = None if largest is None else Binding(largest.kind, largest.subject, largest.required)
        return bounded(pool.id, purpose, pool.numeraire, [*values, *needs], error, binding)

    def _needs(self, found: Charged, whole: Whole) -> Iterator[Line]:
        named = f"{found.shift} correlations"
        yield Line("delta", named, Leg.NET, required=found.delta)
        yield Line("vega", named, Leg.NET, required=found.vega)
        yield Line("curvature", named, Leg.NET, required=found.curvature)
        yield Line("theta", "", Leg.NET, required=found.theta)
        yield from closing_costs(whole, self.rules.closing, self.rules.coins)

    def _error(self, net: Sensitivities) -> float:
        """A length changes by at most the sum of what its entries change by; each weight is at most its own."""
        found = 0.0
        for name, error in net.errors.items():
            price, volatility = (float(one) for one in self.rules.weight(name))
            found += error * (price + volatility + 0.5 * price * price + float(self.rules.days))
        return found


def three_shifts(high: Decimal, low: Decimal, less: Decimal) -> tuple[Shift, ...]:
    """Correlations as they are, raised and lowered (Basel MAR21.6).

    >>> [one.name for one in three_shifts(Decimal("1.25"), Decimal("0.75"), ONE)]
    ['medium', 'high', 'low']
    """
    return Shift("medium", ONE), Shift("high", high), Shift("low", low, less)
