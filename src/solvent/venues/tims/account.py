"""A portfolio margin account: every underlying is one class, margined for the worst of ten prices.

Stock is a balance. Margin equity is the account's whole value, options at their prices; the requirement is what the
portfolio may lose from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, NamedTuple

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, Holding, Leg, Market, Method, PriceKind, Purpose
from solvent.instruments import Exercise, Option
from solvent.margin.options import Reads
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.parts import securities_option
from solvent.venues.tims.valuation import Changes, Listed, Spot, option_changes, points, stock_changes

YEAR_NS = Decimal(365 * 86_400) * 10**9
YEAR_PLACES = 12


class Moves(NamedTuple):
    """How far a class of underlyings moves (fractions, ``down`` below zero), at how many points.

    ``least_per_unit`` of the underlying is the least that an option contract needs; ``exercise`` is that of its options
    where a book does not say otherwise.
    """

    up: Decimal
    down: Decimal
    points: int = 10
    least_per_unit: Decimal = Decimal("0.375")
    exercise: Exercise = Exercise.AMERICAN


class ProductGroup(NamedTuple):
    """Classes whose gains pay for each other's losses at a share."""

    name: str
    classes: frozenset[str]
    offset: Decimal


@dataclass(frozen=True, slots=True)
class MovesTable:
    """Moves by underlying, assets that belong to a class of another name, and product groups."""

    default: Moves
    by_underlying: Mapping[str, Moves] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[ProductGroup, ...] = ()

    def moves(self, underlying: str) -> Moves:
        """The moves of a class."""
        return self.by_underlying.get(underlying, self.default)

    def group(self, underlying: str) -> ProductGroup:
        """The product group of a class; one of its own where none lists it."""
        for one in self.groups:
            if underlying in one.classes:
                return one
        return ProductGroup(underlying, frozenset({underlying}), ZERO)


class Scanned(NamedTuple):
    """One class at each point: the gains of everything in it, rounded down, their possible error, and the minimum."""

    underlying: str
    gains: tuple[Decimal, ...]
    error: Decimal
    least: Decimal


class Required(NamedTuple):
    """What a product group needs: at which point it loses most (None where the minimum decides)."""

    name: str
    amount: Decimal
    point: int | None
    error: Decimal
    classes: tuple[Scanned, ...]


@exact
def scan(book: Book, market: Market, rules: VenueRules, pool: str) -> tuple[Required, ...]:
    """What each product group of a pool needs, with the gains of its classes at every point."""
    return tuple(required(book, market, model_of(rules).table, book.holding(pool)))


def model_of(rules: VenueRules) -> PortfolioAccount:
    """The rule set's account model; :class:`RulesError` where it margins by something else."""
    found = rules.models.get(Method.SCENARIO)
    if not isinstance(found, PortfolioAccount):
        raise RulesError(f"{rules.name} does not margin by valuation points of this kind")
    return found


def required(book: Book, market: Market, table: MovesTable, holding: Holding) -> Iterator[Required]:
    """The requirement of every product group (inside the exact context), in order of name."""
    groups: dict[str, tuple[ProductGroup, list[Scanned]]] = {}
    for one in _classes(book, market, table, holding):
        group = table.group(one.underlying)
        groups.setdefault(group.name, (group, []))[1].append(one)
    for name in sorted(groups):
        yield group_required(*groups[name])


@exact
def group_required(group: ProductGroup, classes: Sequence[Scanned]) -> Required:
    """Losses in full and a share of gains at each point, and at least the sum of the minima.

    Raises
    ------
    RulesError
        Classes of one group have different numbers of points.

    Examples
    --------
    >>> gains = (Decimal(-10), Decimal(6))
    >>> up, down = Scanned("A", gains, Decimal(0), Decimal(1)), Scanned("B", gains[::-1], Decimal(0), Decimal(1))
    >>> group_required(ProductGroup("G", frozenset("AB"), Decimal("0.5")), [up, down]).amount
    Decimal('7.0')

    """
    if len({len(one.gains) for one in classes}) != 1:
        raise RulesError(f"product group {group.name}: its classes have different numbers of points")
    alone = len(classes) == 1
    totals = []
    for gains in zip(*(one.gains for one in classes), strict=True):
        won = sum((gain for gain in gains if gain > 0), ZERO)
        lost = sum((gain for gain in gains if gain < 0), ZERO)
        totals.append(lost + (won if alone else won * group.offset))
    worst = min(totals)
    least = sum((one.least for one in classes), ZERO)
    error = sum((one.error for one in classes), ZERO)
    if -worst > least:
        return Required(group.name, -worst, totals.index(worst), error, tuple(classes))
    return Required(group.name, least, None, error, tuple(classes))


def _classes(book: Book, market: Market, table: MovesTable, holding: Holding) -> Iterator[Scanned]:
    if holding.orders:
        raise RulesError(f"pool {holding.pool.id}: resting orders are not margined; ask what_if for each")
    held: dict[str, list[tuple[Decimal, Changes]]] = {}
    least: dict[str, Decimal] = {}
    own = holding.pool.numeraire
    for name, units in holding.cash.items():
        if name != own and units:
            underlying = table.members.get(name, name)
            moves = _moves(table, underlying)
            changes = stock_changes(market.price(PriceKind.INDEX, name, own), moves)
            held.setdefault(underlying, []).append((book.assets[name].amount(units), changes))
    for position in holding.positions:
        listed = securities_option(book.instruments[position.symbol], own)
        contracts = listed.size(position.lots)
        changes = _option(listed, market, table, own)
        held.setdefault(listed.underlying, []).append((contracts * listed.contract_size, changes))
        own_least = table.moves(listed.underlying).least_per_unit * abs(contracts) * listed.contract_size
        least[listed.underlying] = least.get(listed.underlying, ZERO) + own_least
    for underlying in sorted(held):
        yield _scanned(underlying, held[underlying], least.get(underlying, ZERO))


def _moves(table: MovesTable, underlying: str) -> tuple[Decimal, ...]:
    facts = table.moves(underlying)
    return points(facts.up, facts.down, facts.points)


def _option(listed: Option, market: Market, table: MovesTable, own: str) -> Changes:
    price = market.price(PriceKind.INDEX, listed.underlying, own)
    rate = market.figure("rate", own, ZERO)
    dividend = market.figure("dividend_yield", listed.underlying, ZERO)
    left = divide(Decimal(listed.expiry_ns - market.time_ns), YEAR_NS, YEAR_PLACES, Rounding.HALF_UP)
    mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
    terms = Listed(listed.symbol, listed.kind, listed.strike, mark, left, listed.exercise)
    return option_changes(terms, Spot(price, rate, dividend), _moves(table, listed.underlying))


def _scanned(underlying: str, held: Sequence[tuple[Decimal, Changes]], least: Decimal) -> Scanned:
    number = len(held[0][1].gains)
    gains = tuple(sum((size * changes.gains[k] for size, changes in held), ZERO) for k in range(number))
    error = sum((abs(size) * changes.error for size, changes in held), ZERO)
    return Scanned(underlying, gains, error, least)


@dataclass(frozen=True, slots=True)
class PortfolioAccount:
    """The pool model: the account's value against the worst point of every product group, the same at each purpose."""

    table: MovesTable
    reads: ClassVar[Reads] = Reads.MARKS

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:  # noqa: ARG002
        """Balances and options at their values, a line a product group; bounds from the valuation's error."""
        found = [*required(book, market, self.table, holding)]
        lines = [*_values(book, market, holding)]
        lines += [Line("class", one.name, Leg.NET, required=one.amount) for one in found]
        value = sum((line.value for line in lines), ZERO)
        needed = sum((one.amount for one in found), ZERO)
        error = sum((one.error for one in found), ZERO)
        worst = max(found, key=lambda one: one.amount, default=None)
        binding = None
        if worst is not None and worst.amount > 0:
            where = "minimum" if worst.point is None else f"point {worst.point + 1}"
            binding = Binding(where, worst.name, worst.amount)
        pool, surplus = holding.pool, value - needed
        return Assessment(
            pool.id,
            purpose,
            pool.numeraire,
            value,
            value,
            needed,
            surplus - error,
            surplus + error,
            tuple(lines),
            binding,
        )


def _values(book: Book, market: Market, holding: Holding) -> Iterator[Line]:
    own = holding.pool.numeraire
    for name, units in holding.cash.items():
        amount = book.assets[name].amount(units)
        value = amount * (ONE if name == own else market.price(PriceKind.INDEX, name, own))
        yield Line("cash" if name == own else "stock", name, Leg.NET, value, value)
    for position in holding.positions:
        listed = book.instruments[position.symbol]
        assert isinstance(listed, Option)
        mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
        worth = mark * listed.size(position.lots) * listed.contract_size - listed.settle.amount(position.cost)
        yield Line("position", position.symbol, position.leg, worth, worth)
