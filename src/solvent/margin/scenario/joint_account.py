"""A pool margined by joint scenarios: as one risk, or thing by thing.

In portfolio margin everything is scanned together. In cross and isolated margin each position and each collateral is
scanned alone and the losses add up: the same scenarios, and nothing nets. That makes the three comparable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, Holding, Leg, Market, Mode, Purpose
from solvent.margin.scenario.joint import JointRules, Scanned, loss_of, scanned
from solvent.margin.scenario.money import bounded
from solvent.margin.scenario.resting import worst_with_orders
from solvent.margin.scenario.whole import Whole, value_error, value_lines, whole_pool
from solvent.rates import Schedule
from solvent.rules import VenueRules
from solvent.units import ZERO


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing costs, as shares: of contracts' and structured products' worth, and of options' underlying."""

    contract: Decimal
    option: Decimal


@dataclass(frozen=True, slots=True)
class JointAccount:
    """The pool model. ``multiples`` of the requirement by purpose.

    Resting orders count at ADMIT and WITHDRAW: the worst of the pool as it is, with all buys filled at their limits,
    and with all sells.
    """

    rules: JointRules
    closing: Closing
    multiples: Mapping[Purpose, Decimal]

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment (inside the exact context)."""
        return worst_with_orders(
            lambda held: self._alone(book, market, rules, purpose, held), book, market, purpose, holding
        )

    def _alone(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        pool = holding.pool
        whole = whole_pool(book, market, holding, rules.name)
        held = list(scanned(self.rules, whole, pool.numeraire))
        multiple = self.multiples[purpose] * rules.modes[pool.mode].requirement_multiplier
        add_ons = {name: follows.add_on for name, follows in self.rules.collateral.items()}
        risks = self._joint(held) if pool.mode is Mode.PORTFOLIO else self._apart(held)
        needs = [*risks, *closing_costs(whole, self.closing, add_ons)]
        needs = [one._replace(required=one.required * multiple) for one in needs if one.required]
        values = list(value_lines(whole, self.rules.collateral.__contains__, pool.numeraire))
        error = sum((one.error for one in held), 0.0) * float(multiple) * 3.0 + value_error(whole)
        largest = max(needs, key=lambda one: one.required, default=None)
        binding = None if largest is None else Binding(largest.kind, largest.subject, largest.required)
        return bounded(pool.id, purpose, pool.numeraire, [*values, *needs], error, binding)

    def _joint(self, held: list[Scanned]) -> Iterator[Line]:
        found = loss_of(self.rules.scenarios, held)
        yield Line("scenario", found.scenario, Leg.NET, required=found.amount)
        for name, amount in found.gaps.items():
            yield Line("gap", name, Leg.NET, required=amount)

    def _apart(self, held: list[Scanned]) -> Iterator[Line]:
        for one in held:
            yield Line("alone", one.subject, one.leg, required=loss_of(self.rules.scenarios, [one]).total)


def closing_costs(whole: Whole, closing: Closing, coins: Mapping[str, Schedule]) -> Iterator[Line]:
    """What closing costs, size by size (inside the exact context): never less for a hedged book.

    ``coins`` are the schedules on value of coins that count.
    """
    for group in whole.groups:
        for entry in group.contracts:
            yield _cost(entry.symbol, entry.leg, abs(entry.size * entry.price) * closing.contract)
        for entry in group.options.entries:
            yield _cost(entry.symbol, entry.leg, abs(entry.size) * group.spot * closing.option)
    for entry, _ in whole.structured:
        yield _cost(entry.symbol, entry.leg, abs(entry.size * entry.price) * closing.contract)
    for coin in whole.coins:
        if coin.name in coins:
            yield _cost(coin.name, Leg.NET, coins[coin.name].at(abs(coin.amount * coin.price)))


def _cost(subject: str, leg: Leg, amount: Decimal) -> Line:
    return Line("closing", subject, leg, ZERO, ZERO, amount)
