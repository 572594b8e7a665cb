"""The twin's state: dictionaries, and ring 1's view of any pool of it."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal

from solvent.assessment import Assessment
from solvent.book import (
    Book,
    Holding,
    Leg,
    LegMode,
    Lending,
    Market,
    Mode,
    Order,
    Pool,
    Position,
    PriceKey,
    PriceKind,
    Purpose,
)
from solvent.engine.names import ListedAsset, ListedInstrument, Names
from solvent.engine.records import CCP_POOL, FIRST_USER_POOL, House, PoolState, ThingState
from solvent.instruments import Payoff, Perpetual
from solvent.margin.assess import assess_pool
from solvent.rules import VenueRules
from solvent.units import EXACT


@dataclass
class Thing:
    """An asset or instrument."""

    listed: ListedAsset | ListedInstrument
    state: int = ThingState.LISTED
    mark: int = 0
    carry: int = 0
    funding_paid: int = 0

    @property
    def is_asset(self):
        return isinstance(self.listed, ListedAsset)


@dataclass
class Entry:
    """A position, or the place of resting orders and of a leverage choice."""

    lots: int = 0
    cost: int = 0
    carry: int = 0
    leverage: int = 0


@dataclass
class Resting:
    """A resting order."""

    thing: int
    leg: int
    lots: int
    ticks: int
    reduce_only: bool


@dataclass
class Stop:
    """A standing stop."""

    thing: int
    leg: int
    lots: int
    ticks: int
    below: bool


@dataclass
class TwinPool:
    """A pool: balances by asset, entries by (thing, leg), orders and stops by reference."""

    id: int
    rules: int = 0
    state: int = PoolState.HEALTHY
    mode: Mode = Mode.CROSS
    legs: LegMode = LegMode.ONE_WAY
    owner: int = 0
    account: int = 0
    parent: int = -1
    scope: int = -1
    cash: dict[int, int] = field(default_factory=dict)
    touched: dict[int, int] = field(default_factory=dict)
    entries: dict[tuple[int, int], Entry] = field(default_factory=dict)
    orders: dict[tuple[int, int], Resting] = field(default_factory=dict)  # by (thing, reference)
    stops: dict[int, Stop] = field(default_factory=dict)

    def copy(self):
        return deepcopy(self)

    def lots(self, thing, leg):
        found = self.entries.get((thing, leg))
        return found.lots if found else 0

    def side(self, thing, leg, side, *, every=False):
        """Σ lots of the orders of one side of an entry."""
        return sum(
            o.lots
            for o in self.orders.values()
            if (o.thing, o.leg) == (thing, leg) and o.lots * side > 0 and (every or not o.reduce_only)
        )

    def engaged(self):
        return bool(self.orders) or any(e.lots for e in self.entries.values())

    def tidy(self):
        """Free flat entries without orders; a leverage choice goes with its entry."""
        held = {(o.thing, o.leg) for o in self.orders.values()}
        for key in [k for k, e in self.entries.items() if not e.lots and k not in held and not e.leverage]:
            del self.entries[key]

    def free(self, key):
        """Free one entry where it is flat and without orders, its leverage choice too."""
        held = any((o.thing, o.leg) == key for o in self.orders.values())
        if key in self.entries and not self.entries[key].lots and not held:
            del self.entries[key]


@dataclass
class Row:
    """A rules row: a rule set in a mode and account class."""

    venue: VenueRules
    mode: Mode
    account_class: str
    numeraire: int


@dataclass
class World:
    """Everything the twin knows."""

    names: Names = field(default_factory=Names)
    things: list[Thing] = field(default_factory=list)
    pools: list[TwinPool] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    house: dict[tuple[int, int], int] = field(default_factory=dict)
    time: int = 0
    verdicts: list[Decimal] = field(default_factory=list)  # how far from its line each verdict of a command was, units

    def post(self, account, asset, units):
        """Add units to an account of the house."""
        self.house[account, asset] = self.house.get((account, asset), 0) + units

    def lent(self, asset):
        return self.house.get((House.LENDING, asset), 0)

    def borrowed(self, asset):
        return sum(max(0, -p.cash.get(asset, 0)) for p in self.pools if p.id != CCP_POOL)

    def row(self, pool):
        return self.rows[pool.rules]

    def numeraire(self, pool):
        return self.row(pool).numeraire

    def known(self, pool):
        return 0 <= pool < len(self.pools)

    def is_user(self, pool):
        return FIRST_USER_POOL <= pool < len(self.pools)

    def is_instrument(self, thing):
        return 0 <= thing < len(self.things) and not self.things[thing].is_asset

    def is_asset(self, thing):
        return 0 <= thing < len(self.things) and self.things[thing].is_asset

    def instrument(self, thing):
        return self.things[thing].listed.instrument

    def fits(self, thing, ticks):
        """Whether a price is inside the thing's limits; an inverse contract's largest worth must fit its coin's."""
        listed = self.things[thing].listed
        if not 0 < ticks <= listed.max_ticks:
            return False
        instrument = None if isinstance(listed, ListedAsset) else listed.instrument
        if not isinstance(instrument, Perpetual) or instrument.payoff is not Payoff.INVERSE:
            return True
        coin = self.things[listed.settle].listed
        return coin.quote == listed.settle or listed.max_lots * instrument.constant <= ticks * coin.max_units

    def values_asset(self, pool, asset):
        """Whether the pool's rules can value the asset: it is the numeraire, or its index is in it."""
        return asset == self.numeraire(pool) or self.things[asset].listed.quote == self.numeraire(pool)

    # Ring 1

    def market(self):
        prices, funding, interest, lending = {}, {}, {}, {}
        for t, thing in enumerate(self.things):
            listed = thing.listed
            if isinstance(listed, ListedAsset):
                interest[listed.asset.name] = thing.carry
                lending[listed.asset.name] = Lending(self.lent(t), self.borrowed(t))
                if thing.mark and listed.quote != t:
                    key = PriceKey(PriceKind.INDEX, listed.asset.name, self.names.name(listed.quote))
                    prices[key] = EXACT.multiply(listed.tick, Decimal(thing.mark))
                continue
            funding[listed.instrument.symbol] = thing.carry
            if thing.mark:
                key = PriceKey(PriceKind.MARK, listed.instrument.symbol, listed.instrument.quote.name)
                prices[key] = listed.instrument.price(thing.mark)
        return Market(prices, 0, self.time, {}, funding, interest, lending)

    def book(self, pool):
        names, row = self.names, self.row(pool)
        assets = {t.listed.asset.name: t.listed.asset for t in self.things if t.is_asset}
        instruments = {t.listed.instrument.symbol: t.listed.instrument for t in self.things if not t.is_asset}
        scope = frozenset() if pool.scope < 0 else frozenset({names.name(pool.scope)})
        identity = Pool(
            f"P{pool.id}",
            account_class=row.account_class,
            mode=pool.mode,
            numeraire=names.name(row.numeraire),
            legs=pool.legs,
            scope=scope,
        )
        positions = tuple(
            Position(names.name(t), e.lots, e.cost, Leg(leg), e.leverage or None, e.carry)
            for (t, leg), e in pool.entries.items()
        )
        orders = tuple(
            Order(str(ref), names.name(o.thing), o.lots, o.ticks, Leg(o.leg), o.reduce_only)
            for (_, ref), o in sorted(pool.orders.items(), key=lambda item: (item[0][1], item[0][0]))
        )
        cash = {names.name(a): units for a, units in pool.cash.items()}
        index = {names.name(a): at for a, at in pool.touched.items()}
        return Book(assets, instruments, (Holding(identity, cash, positions, orders, index),))

    def assessed(self, pool, purpose) -> Assessment:
        """Ring 1's assessment of a pool, present or would-be."""
        return assess_pool(self.book(pool), self.market(), self.row(pool).venue, purpose, f"P{pool.id}")

    def surplus(self, pool, purpose) -> Decimal:
        """Surplus in numeraire units, exact."""
        return self.units(pool, self.assessed(pool, purpose).surplus)

    def value(self, pool) -> int:
        """Value in numeraire units."""
        return math.floor(self.units(pool, self.assessed(pool, Purpose.MAINTAIN).value))

    def units(self, pool, amount):
        """An amount of the numeraire in its units."""
        return amount.scaleb(self.things[self.numeraire(pool)].listed.asset.scale, EXACT)
