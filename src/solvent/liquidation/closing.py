"""One leg of a pool, partly closed: the exact surplus(RECOVER) after it, and the smallest size that restores it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.book import Book, Holding, Market, Purpose
from solvent.liquidation.depth import Level
from solvent.liquidation.legs import HeldLeg
from solvent.liquidation.penalties import step_penalty
from solvent.margin.assess import assess_holding
from solvent.margin.changes import moved
from solvent.margin.tiered import Entry, requirement
from solvent.margin.valuation import Scene, numeraire_units, price_alternatives
from solvent.rates import Schedule
from solvent.rules import Profit, VenueRules
from solvent.units import Rounding, divide

NOTHING = Schedule.flat(Decimal(0))


class Outcome(NamedTuple):
    """What closing ``lots`` (absolute) at ``ticks`` leads to: surplus(RECOVER) and the penalty in numeraire units."""

    lots: int
    ticks: int
    surplus: Decimal
    penalty_units: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A pool under liquidation: its holding, surplus(RECOVER), value and deficit at MAINTAIN in numeraire units."""

    book: Book
    market: Market
    rules: VenueRules
    holding: Holding
    surplus: Decimal
    value_units: int
    deficit_units: int

    @staticmethod
    def of(book: Book, market: Market, rules: VenueRules, holding: Holding) -> Standing:
        """Assess a holding once for all its legs (inside the exact context)."""
        recover = assess_holding(book, market, rules, Purpose.RECOVER, holding)
        maintain = assess_holding(book, market, rules, Purpose.MAINTAIN, holding)
        scale = book.assets[holding.pool.numeraire].scale
        return Standing(
            book,
            market,
            rules,
            holding,
            recover.low,
            _units(maintain.value, scale, Rounding.DOWN),
            max(0, _units(-maintain.low, scale, Rounding.UP)),
        )


def _units(amount: Decimal, scale: int, rounding: Rounding) -> int:
    return int(divide(amount * 10**scale, Decimal(1), 0, rounding))


class Closing:
    """The exact effect of closing part of a leg (use inside the exact context).

    Where the leg settles in the numeraire, closing changes the pool's equity by the price's distance from the mark
    and the penalty, and its requirement by this leg's alone, so that no assessment is needed; elsewhere the pool is
    assessed after the close. Both ways give the same number.
    """

    def __init__(self, standing: Standing, leg: HeldLeg) -> None:
        """Find the leg's requirement at RECOVER once."""
        self.standing, self.leg = standing, leg
        rules = standing.rules
        kinds = price_alternatives(rules, Purpose.RECOVER)
        self._scene = Scene(standing.book, standing.market, rules, standing.holding, Purpose.RECOVER, *kinds[0])
        self._margin = self._scene.margin_of(leg.contract)
        self.separable = (
            leg.contract.settle.name == standing.holding.pool.numeraire
            and rules.profit[Purpose.RECOVER] is Profit.IN_FULL
            and len(kinds) == 1
            and isinstance(self._margin.schedules.get(Purpose.RECOVER, NOTHING), Schedule)
            and rules.model_of(standing.holding.pool) is None
        )
        self._needed = self._required(abs(leg.position.lots)) if self.separable else Decimal(0)

    @property
    def selling(self) -> bool:
        """Whether closing sells."""
        return self.leg.position.lots > 0

    def _required(self, lots: int) -> Decimal:
        contract, position = self.leg.contract, self.leg.position
        notional = contract.notional(lots, self.leg.ticks)
        return requirement(self._scene, contract, self._margin, Entry.held(position), notional)[0]

    def signed(self, lots: int) -> int:
        """The pool's fill that closes ``lots`` (absolute)."""
        return -lots if self.selling else lots

    def gained(self, lots: int, ticks: int) -> int:
        """Settle units the pool's equity changes by when ``lots`` are closed at ``ticks``, the penalty left out."""
        contract, held, fill = self.leg.contract, self.leg.position.lots, self.signed(lots)
        kept = contract.worth(held + fill, self.leg.ticks) - contract.worth(held, self.leg.ticks)
        return kept - contract.worth(fill, ticks)

    def penalty(self, lots: int, ticks: int) -> int:
        """Numeraire units of penalty, cut to the value the pool has after the close."""
        notional = self.leg.contract.notional(lots, ticks)
        return step_penalty(
            self.standing.rules.penalty,
            self.leg.position.symbol,
            notional_units=numeraire_units(self._scene, notional, self.leg.contract.settle),
            deficit_units=self.standing.deficit_units,
            value_units=self._value_after(lots, ticks),
        )

    def _value_after(self, lots: int, ticks: int) -> int:
        """Numeraire units the pool is worth after the close and before the penalty."""
        if self._in_numeraire():
            return self.standing.value_units + self.gained(lots, ticks)
        book, market, rules = self.standing.book, self.standing.market, self.standing.rules
        found = assess_holding(book, market, rules, Purpose.MAINTAIN, self.holding_after(lots, ticks, 0))
        return _units(found.value, self._scene.numeraire.scale, Rounding.DOWN)

    def _in_numeraire(self) -> bool:
        return self.leg.contract.settle.name == self.standing.holding.pool.numeraire

    def after(self, lots: int, ticks: int) -> Outcome:
        """The outcome of closing ``lots`` (absolute) at ``ticks``."""
        penalty = self.penalty(lots, ticks)
        if not self.separable:
            book, market, rules = self.standing.book, self.standing.market, self.standing.rules
            found = assess_holding(book, market, rules, Purpose.RECOVER, self.holding_after(lots, ticks, penalty))
            return Outcome(lots, ticks, found.low, penalty)
        freed = self._needed - self._required(abs(self.leg.position.lots) - lots)
        surplus = self.standing.surplus + self._scene.numeraire.amount(self.gained(lots, ticks) - penalty) + freed
        return Outcome(lots, ticks, surplus, penalty)

    def holding_after(self, lots: int, ticks: int, penalty: int) -> Holding:
        """The holding once ``lots`` (absolute) are closed: cost carried, profit realised, funding and penalty paid."""
        contract, held = self.leg.contract, self.leg.position
        market = self.standing.market
        index = market.funding.get(held.symbol, 0)
        due = ledger.funding_due(held.lots, index, held.funding_index)
        fill = self.signed(lots)
        fill_cost = contract.worth(fill, ticks)
        cost = ledger.cost_after(held.lots, held.cost, fill, fill_cost)
        gain = ledger.realised(held.cost, fill_cost, cost)
        left = replace(held, lots=held.lots + fill, cost=cost, funding_index=index)
        paid = moved(market, self.standing.holding, contract.settle.name, gain - due)
        if penalty:
            paid = moved(market, paid, paid.pool.numeraire, -penalty)
        return paid.with_position(left)

    def corners(self, low: int, high: int, ticks: int) -> list[int]:
        """Sizes in (low, high] at which the outcome's slope may change, ``high`` included, rising.

        They are where the notional left crosses a tier, and where the pool's value turns negative.
        """
        held = abs(self.leg.position.lots)
        found = {high}
        schedule = self._margin.schedules.get(Purpose.RECOVER)
        for piece in schedule.pieces[1:] if isinstance(schedule, Schedule) else ():
            left = _last_true(lambda n, floor=piece.floor: self._notional(n) <= floor, 0, held)  # type: ignore[misc]
            found.update((held - left, held - left - 1))
        if self._in_numeraire():
            value = self.standing.value_units
            found.add(_last_true(lambda n: value + self.gained(n, ticks) >= 0, low, high))
            found.add(_last_true(lambda n: self._whole_penalty(n, ticks), low, high))
        return sorted(size for size in found if low < size <= high)

    def _whole_penalty(self, lots: int, ticks: int) -> bool:
        """Whether the pool's value leaves the penalty uncut."""
        return self.penalty(lots, ticks) < self.standing.value_units + self.gained(lots, ticks)

    def _notional(self, lots: int) -> Decimal:
        units = numeraire_units(self._scene, self.leg.contract.notional(lots, self.leg.ticks), self.leg.contract.settle)
        return self._scene.numeraire.amount(units)


def _last_true(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The largest number in [low, high] for which ``holds``, given that it holds up to some number; ``low`` if none."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def sized(closing: Closing, levels: Sequence[Level], most_lots: int) -> Outcome | None:
    """The smallest close that restores surplus(RECOVER) ≥ 0, else the one that helps most; None where none may be.

    ``levels`` are prices, best first, with all lots up to each; the whole close is judged at the price of the level
    that its last lot needs: the step's own worst price. A close never leaves less surplus than there was.
    Between the corners of a level the surplus is affine but for rounding, so a bisection inside the first stretch that
    ends above zero finds the size.
    """
    before = closing.standing.surplus
    best: Outcome | None = None
    done = 0
    for level in levels:
        reach = min(level.lots, most_lots)
        low = done
        for corner in closing.corners(done, reach, level.ticks) if reach > done else ():
            first = closing.after(low + 1, level.ticks)
            if first.surplus >= 0:
                return first
            last = closing.after(corner, level.ticks)
            if last.surplus >= 0:
                return _restoring(closing, first, last)
            if last.surplus >= before and (best is None or last.surplus >= best.surplus):
                best = last
            low = corner
        done = max(done, reach)
    return best


def _restoring(closing: Closing, short: Outcome, enough: Outcome) -> Outcome:
    """The smallest size between one that does not restore and one that does."""
    while enough.lots - short.lots > 1:
        middle = closing.after((short.lots + enough.lots) // 2, enough.ticks)
        if middle.surplus >= 0:
            enough = middle
        else:
            short = middle
    return enough
