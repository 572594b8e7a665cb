"""Options in an account whose other positions are margined by tiers: what they are worth, and what short ones need.

An option's premium has been paid from cash, so it is worth its mark. Marks are of kind MARK in the option's quote (the
coin where it settles in the coin); lines are in the pool's numeraire, at the INDEX of the settle asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple, Protocol

from solvent.assessment import Assessment, Line
from solvent.book import Book, Holding, Leg, Market, Position, PriceKind, Purpose
from solvent.instruments import Exercise, Option
from solvent.margin.declared import instrument_of
from solvent.margin.scenario.resting import worst_with_orders
from solvent.margin.totals import assessed
from solvent.rules import PoolModel, RulesError, VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact, shifted

PLACES = 18


class OptionAtMark(NamedTuple):
    """An option position: signed size in units of the underlying, its mark, and what one of its settle asset is worth.

    ``average`` is what it was opened at (zero where the book has no cost); ``mark`` and ``average`` are in its quote,
    and ``rate`` is numeraire per settle asset.
    """

    listed: Option
    position: Position
    size: Decimal
    mark: Decimal
    average: Decimal
    rate: Decimal

    @property
    def key(self) -> tuple[str, Leg]:
        """The position's symbol and leg."""
        return self.listed.symbol, self.position.leg

    @property
    @exact
    def settled(self) -> Decimal:
        """Its value in the settle asset; below zero where it is sold."""
        return self.size * self.mark

    @property
    @exact
    def worth(self) -> Decimal:
        """Its value in the numeraire."""
        return self.settled * self.rate


class ShortOptions(Protocol):
    """What a venue asks for options sold, one by one."""

    def required(self, held: OptionAtMark, market: Market, purpose: Purpose) -> Decimal:
        """The requirement of a short position in its settle asset (inside the exact context)."""
        ...


def options_at_marks(book: Book, market: Market, holding: Holding, venue: str) -> tuple[OptionAtMark, ...]:
    """The options a pool holds (inside the exact context), each at its mark.

    Raises
    ------
    BookError
        A mark or the index of a settle asset is missing.
    RulesError
        An option is not European.

    """
    own, found = holding.pool.numeraire, []
    for position in holding.positions:
        listed = instrument_of(book, position.symbol)
        if not isinstance(listed, Option):
            continue
        if listed.exercise is not Exercise.EUROPEAN:
            raise RulesError(f"{venue} covers European options, not {listed.symbol}")
        settle = listed.settle.name
        rate = ONE if settle == own else market.price(PriceKind.INDEX, settle, own)
        mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
        each = Decimal(listed.tick_value * position.lots)
        average = divide(listed.tick_size * position.cost, each, PLACES, Rounding.UP)
        size = listed.size(position.lots) * listed.contract_size
        found.append(OptionAtMark(listed, position, size, mark, average, rate))
    return tuple(found)


def with_premiums(book: Book, holding: Holding, options: Sequence[OptionAtMark]) -> Holding:
    """The holding without its options, their value (rounded down to a unit of the settle asset) in its cash."""
    rest = _without(holding, options)
    for one in options:
        asset = book.assets[one.listed.settle.name]
        rest = rest.with_cash(asset.name, _units(one))
    return rest


def _without(holding: Holding, options: Sequence[OptionAtMark]) -> Holding:
    keys = {one.key for one in options}
    return replace(holding, positions=tuple(one for one in holding.positions if (one.symbol, one.leg) not in keys))


def _units(held: OptionAtMark) -> int:
    settle = held.listed.settle
    return int(divide(shifted(held.settled, settle.scale), ONE, 0, Rounding.DOWN))


def option_lines(found: Assessment, options: Sequence[OptionAtMark], counted: Sequence[OptionAtMark]) -> list[Line]:
    """The lines of an assessment of :func:`with_premiums`, with a line an option instead of a part of the cash.

    What is in ``counted`` is in ``found`` as cash; the others add to value and not to margin equity. Inside the exact
    context.
    """
    inside = {one.key for one in counted}
    taken: dict[str, Decimal] = {}
    for one in counted:
        name = one.listed.settle.name
        taken[name] = taken.get(name, ZERO) + one.worth
    lines = [
        line._replace(value=line.value - taken[line.subject], equity=line.equity - taken.pop(line.subject))
        if line.kind == "cash" and line.subject in taken
        else line
        for line in found.lines
    ]
    for one in options:
        equity = one.worth if one.key in inside else ZERO
        lines.append(Line("position", one.listed.symbol, one.position.leg, one.worth, equity))
    return lines


@dataclass(frozen=True, slots=True)
class OptionAccount:
    """A pool whose options are margined one by one and whose rest is margined by another model.

    Options at their marks are part of the value. Those sold may be part of margin equity; those bought never are, and
    need nothing. Resting orders on options count at ADMIT and WITHDRAW as if the buys, or the sells, were filled.

    Parameters
    ----------
    rest
        The model of everything that is no option.
    shorts
        What options sold need.
    shorts_in_equity
        Whether the value of options sold (below zero) counts in margin equity, through their asset's weight.

    """

    rest: PoolModel
    shorts: ShortOptions
    shorts_in_equity: bool = False

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment; exact. Errors as those of the rest, and of :func:`options_at_marks`."""
        on_options = tuple(one for one in holding.orders if isinstance(book.instruments.get(one.symbol), Option))
        others = tuple(one for one in holding.orders if one not in on_options)

        def alone(held: Holding) -> Assessment:
            return self._alone(book, market, rules, purpose, replace(held, orders=others))

        return worst_with_orders(alone, book, market, purpose, replace(holding, orders=on_options))

    @exact
    def _alone(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        options = options_at_marks(book, market, holding, rules.name)
        if not options:
            return self.rest.assess(book, market, rules, purpose, holding)
        counted = tuple(one for one in options if self.shorts_in_equity and one.size < 0)
        plain = _without(with_premiums(book, holding, counted), options)
        found = self.rest.assess(book, market, rules, purpose, plain)
        needed = {one.key: self.shorts.required(one, market, purpose) * one.rate for one in options if one.size < 0}
        lines = [
            line._replace(required=needed.get((line.subject, line.leg), line.required))
            if line.kind == "position"
            else line
            for line in option_lines(found, options, counted)
        ]
        return assessed(found.pool, purpose, found.numeraire, lines)
