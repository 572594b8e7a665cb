"""Ring 1's view of a pool: the same numbers as the tables hold, as a book, a market and a rule set."""

from __future__ import annotations

from collections.abc import Mapping

from solvent.book import Book, Holding, Leg, LegMode, Market, Mode, Order, Pool, Position, PriceKey, PriceKind
from solvent.engine.commands import LEGS_NUMBER, MODE_NUMBER
from solvent.engine.names import ListedAsset, Names
from solvent.engine.records import LEG_MASK, REDUCE_ONLY
from solvent.engine.tables import FREE, NONE, TOP_EPOCH, TOP_TIME, Tables
from solvent.rules import RulesError, VenueRules
from solvent.units import exact

MODES: Mapping[int, Mode] = {number: mode for mode, number in MODE_NUMBER.items()}
LEGS: Mapping[int, LegMode] = {number: legs for legs, number in LEGS_NUMBER.items()}


def pool_name(pool: int) -> str:
    """The name a pool has in a book.

    >>> pool_name(7)
    'P7'
    """
    return f"P{pool}"


@exact
def book_of(t: Tables, names: Names, venues: Mapping[str, VenueRules], pool: int) -> tuple[Book, Market, VenueRules]:
    """The pool as ring 1 reads it; :class:`~solvent.rules.RulesError` where its rules row is not defined."""
    held = holding_of(t, names, pool)
    assets = {one.asset.name: one.asset for one in names.things if isinstance(one, ListedAsset)}
    instruments = {one.instrument.symbol: one.instrument for one in names.things if not isinstance(one, ListedAsset)}
    rules = venues[names.rules[int(t.pools[pool]["rules"])].rules]
    return Book(assets, instruments, (held,)), market_of(t, names), rules


def holding_of(t: Tables, names: Names, pool: int) -> Holding:
    """What the pool holds; :class:`~solvent.rules.RulesError` where its rules row is not defined."""
    row = int(t.pools[pool]["rules"])
    if row not in names.rules:
        raise RulesError(f"pool {pool}: rules row {row} is not defined; there are {sorted(names.rules)}")
    return _holding(t, names, pool, row)


@exact
def market_of(t: Tables, names: Names) -> Market:
    """Marks, index prices and cumulative indices of the present epoch; what has no price yet is absent."""
    prices, funding, interest = {}, {}, {}
    for thing, listed in enumerate(names.things):
        row, name = t.things[thing], names.name(thing)
        mark = int(row["mark"])
        if isinstance(listed, ListedAsset):
            interest[name] = int(row["carry"])
            if mark and listed.quote != thing:
                prices[PriceKey(PriceKind.INDEX, name, names.name(listed.quote))] = listed.tick * mark
        else:
            funding[name] = int(row["carry"])
            if mark:
                key = PriceKey(PriceKind.MARK, name, listed.instrument.quote.name)
                prices[key] = listed.instrument.price(mark)
    return Market(prices, int(t.top[TOP_EPOCH]), int(t.top[TOP_TIME]), funding=funding, interest=interest)


def _holding(t: Tables, names: Names, pool: int, rules: int) -> Holding:
    row = t.pools[pool]
    numeraire = int(t.rules[rules]["numeraire"])
    cash, borrow_index = {names.name(numeraire): int(row["cash"])}, {names.name(numeraire): int(row["accrual"])}
    positions: list[Position] = []
    block = slice(int(row["first"]), int(row["first"]) + int(row["used"]))
    columns = (t.key, t.lots, t.cost, t.carry, t.leverage, t.orders)
    entries = sorted(e for e in zip(*(column[block].tolist() for column in columns), strict=True) if e[0] != FREE)
    for key, lots, cost, carry, leverage, _ in entries:
        thing, leg = divmod(key, LEG_MASK + 1)
        name = names.name(thing)
        if isinstance(names.things[thing], ListedAsset):
            cash[name], borrow_index[name] = lots, carry
        elif lots or leverage:
            positions.append(Position(name, lots, cost, Leg(leg), leverage or None, carry))
    resting = _orders(t, names, [first for *_, first in entries if first != NONE])
    return Holding(_pool(t, names, pool, rules), cash, tuple(positions), resting, borrow_index)


def _orders(t: Tables, names: Names, firsts: list[int]) -> tuple[Order, ...]:
    """Chains of resting orders by reference; standing stops reserve nothing and are left out."""
    found: list[tuple[int, Order]] = []
    for first in firsts:
        at = first
        while at != NONE:
            row = t.order[at]
            thing, leg = divmod(int(row["key"]), LEG_MASK + 1)
            reduce_only = bool(int(row["flags"]) & REDUCE_ONLY)
            ref = int(row["ref"])
            order = Order(str(ref), names.name(thing), int(row["lots"]), int(row["ticks"]), Leg(leg), reduce_only)
            found.append((ref, order))
            at = int(row["next"])
    return tuple(order for _, order in sorted(found, key=lambda one: one[0]))


def _pool(t: Tables, names: Names, pool: int, rules: int) -> Pool:
    row, made = t.pools[pool], names.rules[rules]
    scope, parent = int(row["scope"]), int(row["parent"])
    return Pool(
        pool_name(pool),
        account=str(int(row["account"])),
        owner=str(int(row["owner"])),
        account_class=made.account_class,
        parent=pool_name(parent) if parent != NONE else None,
        mode=MODES[int(row["mode"])],
        numeraire=names.name(int(t.rules[rules]["numeraire"])),
        legs=LEGS[int(row["legs"])],
        scope=frozenset({names.name(scope)}) if scope != NONE else frozenset(),
    )
