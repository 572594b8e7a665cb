"""Small worlds for tests of kernels, and what every number in them must be, from the rule set itself and fractions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from solvent.book import Mode, Purpose
from solvent.engine.compile import compile_rules
from solvent.engine.hot import apply
from solvent.engine.records import EVENT, PoolState, Verb, command
from solvent.engine.tables import (
    ASSET,
    FREE,
    INVERSE,
    LINEAR,
    NONE,
    SPOT,
    TOP_EPOCH,
    TOP_POOLS,
    TOP_RULES,
    TOP_THINGS,
    Limits,
    empty,
)
from solvent.instruments import Payoff, Perpetual, Spot
from solvent.rules import OrderMargin, Profit, VenueRules
from solvent.units import Asset, exact
from solvent.venues.generic.rules import generic

LIMITS = Limits(pools=16, entries=512, orders=128, things=12, rules=4, pieces=1024, sources=4)
USDT, BTC, USDC = Asset("USDT", 6), Asset("BTC", 8), Asset("USDC", 6)
D = Decimal
CONTRACTS = (
    Perpetual("BTCUSDT", "BTC", USDT, USDT, D("0.1"), D("0.001")),
    Perpetual("XRPUSDT", "XRP", USDT, USDT, D("0.0001"), D("1")),
    Perpetual("ETHUSDC", "ETH", USDC, USDC, D("0.01"), D("0.01")),
    Perpetual("BTCUSD", "BTC", USDT, BTC, D("1"), D("1"), Payoff.INVERSE, D("100")),
)
THINGS = (USDT, BTC, USDC, *CONTRACTS, Spot("BTC/USDT", "BTC", USDT, USDT, D("0.1"), D("0.001"), BTC))
U, B, C, BTCUSDT, XRPUSDT, ETHUSDC, BTCUSD, PAIR = range(8)
MARKS = {U: 1, B: 300_000, C: 9_990, BTCUSDT: 300_000, XRPUSDT: 20_000, ETHUSDC: 200_000, BTCUSD: 30_000, PAIR: 300_000}
ROWS = (0, 1, 2)


def rule_sets() -> tuple[VenueRules, ...]:
    """The textbook, the same with orders at their own price and an inclusive line, and with only losses counted."""
    book = generic()
    profit = dict.fromkeys(Purpose, Profit.LOSSES_ONLY)
    return (book, replace(book, orders=OrderMargin.ORDER_COST, breach_inclusive=True), replace(book, profit=profit))


@dataclass
class World:
    """Tables, the rule sets behind their rows, and the next command number."""

    t: object
    rules: tuple[VenueRules, ...]
    number: int = 0

    def send(self, verb: Verb, **fields: int):
        """Apply one command; its own event."""
        self.number += 1
        events = np.zeros(4, EVENT)
        done, written = apply(self.t, command(verb, 1, self.number, **fields), 0, 1, events, 0, 0)
        assert (int(done), int(written)) == (1, 1)
        return events[0]

    def must(self, verb: Verb, **fields: int):
        """Apply one command that must be done."""
        event = self.send(verb, **fields)
        assert int(event["reason"]) == 0, (verb, fields, event)
        return event

    def copy(self) -> World:
        """An independent copy."""
        return World(type(self.t)(*(column.copy() for column in self.t)), self.rules, self.number)

    def reprice(self, ticks: dict[int, int]) -> None:
        """New marks, new epoch."""
        for thing, mark in ticks.items():
            self.t.things[thing]["mark"] = mark
        self.t.top[TOP_EPOCH] += 1


def list_things(t) -> None:
    """The things' rows, as listing fills them."""
    facts = {
        U: (ASSET, U, 1, (1 << 60)), B: (ASSET, U, 1000, 10**13), C: (ASSET, U, 10_000, 2 * 10**14),
    }  # fmt: skip
    for thing, (kind, settle, divisor, most) in facts.items():
        row = t.things[thing]
        row["kind"], row["settle"], row["divisor"], row["max_lots"], row["base"] = kind, settle, divisor, most, NONE
        row["max_ticks"] = {U: 1, B: 400_000, C: 20_000}[thing]
    for thing, settle in ((BTCUSDT, U), (XRPUSDT, U), (ETHUSDC, C), (BTCUSD, B)):
        row, one = t.things[thing], THINGS[thing]
        row["settle"], row["base"] = settle, NONE
        row["max_lots"], row["max_ticks"] = 1_000_000, (8 if thing != BTCUSD else 4) * MARKS[thing]
        if one.payoff is Payoff.INVERSE:
            row["kind"], row["constant"] = INVERSE, one.constant
        else:
            row["kind"], row["tick_value"] = LINEAR, one.tick_value
    row = t.things[PAIR]
    row["kind"], row["settle"], row["base"] = SPOT, U, B
    row["tick_value"], row["lot_units"] = THINGS[PAIR].tick_value, THINGS[PAIR].lot_units
    row["max_lots"], row["max_ticks"] = 1_000_000, 8 * MARKS[PAIR]
    t.top[TOP_THINGS] = len(THINGS)


def world(pools: int = 8, row: int = 0, hedge: bool = False) -> World:
    """The mirror, the fund, and users under one rules row; lending pools and cash are the test's to give."""
    t, rules = empty(LIMITS), rule_sets()
    list_things(t)
    for at in ROWS:
        compile_rules(t, at, rules[at], Mode.CROSS, "professional", THINGS)
    t.top[TOP_RULES] = len(ROWS)
    for pool in range(pools):
        one = t.pools[pool]
        one["owner"], one["account"], one["parent"], one["scope"], one["rules"] = pool, pool, NONE, NONE, row
        one["legs"] = 1 if hedge and pool > 1 else 0
        one["state"] = PoolState.HOUSE if pool == 0 else PoolState.HEALTHY
    t.top[TOP_POOLS] = pools
    made = World(t, rules)
    made.reprice(MARKS)
    return made


def held(w: World, pool: int) -> dict[int, int]:
    """Slots of a pool's entries by key."""
    row = w.t.pools[pool]
    first = int(row["first"])
    return {int(w.t.key[e]): e for e in range(first, first + int(row["used"])) if w.t.key[e] != FREE}


def orders_of(w: World, slot: int) -> list[tuple[int, int, int, bool]]:
    """(reference, lots, ticks, reduce only) of an entry's orders, as chained."""
    found, at = [], int(w.t.orders[slot])
    while at != NONE:
        row = w.t.order[at]
        found.append((int(row["ref"]), int(row["lots"]), int(row["ticks"]), bool(row["flags"] & 16)))
        at = int(row["next"])
    return found


def owed(w: World, pool: int, asset: int, units: int, touched: int) -> int:
    """Interest on a debt, rounded up."""
    if units >= 0 or pool == 0:
        return 0
    return -(units * (int(w.t.things[asset]["carry"]) - touched) // 10**12)


def worth(w: World, thing: int, lots: int, ticks: int) -> int:
    """Settle units of lots at a price, an inverse contract against the holder."""
    one = THINGS[thing]
    if one.payoff is Payoff.INVERSE:
        return -lots * one.constant // ticks
    return lots * ticks * one.tick_value


def notional(w: World, thing: int, lots: int, ticks: int) -> int:
    """Absolute settle units, rounded up."""
    one = THINGS[thing]
    if one.payoff is Payoff.INVERSE:
        return -(-abs(lots) * one.constant // ticks)
    return abs(lots) * ticks * one.tick_value


def into(w: World, asset: int, units: int, up: bool) -> int:
    """Units of an asset in USDT units at the index."""
    if asset == U:
        return units
    product, divisor = units * int(w.t.things[asset]["mark"]), int(w.t.things[asset]["divisor"])
    return -(-product // divisor) if up else product // divisor


@exact
def needed(w: World, rules: VenueRules, thing: int, purpose: Purpose, units: int, leverage: int) -> Fraction:
    """Requirement of a notional in USDT units, by the rule set itself."""
    facts = rules.margin.contract(THINGS[thing])
    base = Fraction(facts.schedules[purpose].at(Decimal(units).scaleb(-6))) * 10**6
    if purpose in facts.leverage_at:
        return max(base, Fraction(-(-units // leverage)))
    return base


def requirement(w: World, pool: int, slot: int, purpose: Purpose) -> Fraction:
    """Requirement of an entry with its orders."""
    rules = w.rules[int(w.t.pools[pool]["rules"])]
    thing, lots = int(w.t.key[slot]) >> 2, int(w.t.lots[slot])
    mark, settle = int(w.t.things[thing]["mark"]), int(w.t.things[thing]["settle"])
    leverage = int(w.t.leverage[slot]) or 10

    def at_mark(size: int) -> Fraction:
        return needed(w, rules, thing, purpose, into(w, settle, notional(w, thing, size, mark), True), leverage)

    def loss(size: int, ticks: int) -> int:
        return into(w, settle, max(0, worth(w, thing, size, ticks) - worth(w, thing, size, mark)), True)

    total = at_mark(lots)
    if purpose not in (Purpose.WITHDRAW, Purpose.ADMIT):
        return total
    resting = [one for one in orders_of(w, slot) if not one[3]]
    if rules.orders is OrderMargin.WORST_SIDE:
        worst = [total]
        for side in (1, -1):
            same = [one for one in resting if one[1] * side > 0]
            if same:
                worst.append(at_mark(lots + sum(o[1] for o in same)) + sum(loss(o[1], o[2]) for o in same))
        return max(worst)
    dearer = []
    for side in (1, -1):
        closing, units = max(0, -lots * side), 0
        for _, size, ticks, _ in sorted(one for one in resting if one[1] * side > 0):
            opening = max(0, abs(size) - closing)
            closing = max(0, closing - abs(size))
            if opening:
                at_limit = into(w, settle, notional(w, thing, opening, ticks), True)
                units += -(-at_limit // leverage) + loss(opening * side, ticks)
        dearer.append(units)
    return total + max(dearer)


def assess(w: World, pool: int, purpose: Purpose) -> tuple[int, Fraction, Fraction]:
    """Value, margin equity and requirement of a pool, in USDT units."""
    t, row = w.t, w.t.pools[pool]
    rules = w.rules[int(row["rules"])]
    cash = int(row["cash"])
    balances = {U: cash - owed(w, pool, U, cash, int(row["accrual"]))}
    profits: dict[int, int] = {}
    required = Fraction(0)
    for key, slot in held(w, pool).items():
        thing, lots = key >> 2, int(t.lots[slot])
        if t.things[thing]["kind"] == ASSET:
            balances[thing] = lots - owed(w, pool, thing, lots, int(t.carry[slot]))
            continue
        settle, mark = int(t.things[thing]["settle"]), int(t.things[thing]["mark"])
        due = lots * (int(t.things[thing]["carry"]) - int(t.carry[slot]))
        profits[settle] = profits.get(settle, 0) + worth(w, thing, lots, mark) - int(t.cost[slot]) - due
        required += requirement(w, pool, slot, purpose)
    value, equity = 0, Fraction(0)
    for asset in balances.keys() | profits.keys():
        gain = profits.get(asset, 0)
        full = into(w, asset, balances.get(asset, 0) + gain, False)
        value += full
        if rules.profit[purpose] is Profit.LOSSES_ONLY:
            gain = min(0, gain)
        counts = into(w, asset, balances.get(asset, 0) + gain, False)
        equity += counted(rules, asset, purpose, counts)
    return value, equity, required


@exact
def counted(rules: VenueRules, asset: int, purpose: Purpose, value: int) -> Fraction:
    """V_s of a value in USDT units."""
    if asset == U:
        return Fraction(value)
    facts = rules.collateral.asset(THINGS[asset].name)
    if value < 0:
        return value * Fraction(facts.debt_rate)
    return Fraction(facts.weights[purpose].at(Decimal(value).scaleb(-6))) * 10**6


def surplus(w: World, pool: int, purpose: Purpose) -> Fraction:
    """Margin equity less requirement."""
    _, equity, required = assess(w, pool, purpose)
    return equity - required


def reach(w: World, pool: int) -> int:
    """Σ |lots| × a lot's reach over positions and orders, and the largest value of every other asset."""
    total = 0
    for key, slot in held(w, pool).items():
        row = w.t.things[key >> 2]
        if row["kind"] == ASSET:
            total += int(row["max_lots"]) * int(row["max_ticks"]) // int(row["divisor"])
            continue
        settle = w.t.things[row["settle"]]
        if int(row["settle"]) != U:
            of_lot = (
                int(settle["max_lots"]) * int(settle["max_ticks"]) // int(settle["divisor"]) // int(row["max_lots"]) + 1
            )
        else:
            of_lot = int(row["max_ticks"]) * int(row["tick_value"])
        total += (abs(int(w.t.lots[slot])) + sum(abs(one[1]) for one in orders_of(w, slot))) * of_lot
    return total


def laws(w: World) -> None:
    """Everything of an asset sums to zero, lots and costs of a contract too; borrowed and reach are what they say."""
    t, pools = w.t, range(int(w.t.top[TOP_POOLS]))
    balances = {asset: [int(t.pools[p]["cash"]) if asset == U else 0 for p in pools] for asset in (U, B, C)}
    lots, cost, due = (dict.fromkeys(range(len(THINGS)), 0) for _ in range(3))
    for pool in pools:
        for key, slot in held(w, pool).items():
            thing = key >> 2
            if t.things[thing]["kind"] == ASSET:
                balances[thing][pool] += int(t.lots[slot])
            else:
                lots[thing] += int(t.lots[slot])
                cost[thing] += int(t.cost[slot])
                due[thing] += int(t.lots[slot]) * (int(t.things[thing]["carry"]) - int(t.carry[slot]))
                assert t.lots[slot] != 0 or t.orders[slot] != NONE
        assert int(t.pools[pool]["reach"]) == reach(w, pool)
    for asset, held_by in balances.items():
        through = [
            row for row in t.things[: len(THINGS)] if row["kind"] in (LINEAR, INVERSE) and row["settle"] == asset
        ]
        rest = sum(int(row["pnl"]) + int(row["funding_paid"]) for row in through)
        assert sum(held_by) + sum(int(x) for x in t.house[:, asset]) + rest == 0, asset
        assert int(t.things[asset]["borrowed"]) == sum(max(0, -units) for units in held_by[1:]), asset
    for thing in range(BTCUSDT, PAIR):
        assert lots[thing] == 0, thing
        assert cost[thing] + int(t.things[thing]["pnl"]) == 0, thing
        assert due[thing] + int(t.things[thing]["funding_paid"]) == 0, thing
    live = sum(len(orders_of(w, slot)) for pool in pools for slot in held(w, pool).values())
    assert live == int(t.top[10])
    free = t.key == FREE
    assert not t.lots[free].any()
    assert not t.carry[free].any()
    assert not t.leverage[free].any()
    assert (t.orders[free] == NONE).all()
