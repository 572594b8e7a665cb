"""Pools past their line under many rule sets, written straight into tables, and a depth to close them in."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

from solvent.book import LegMode, Mode, Purpose
from solvent.engine.commands import assemble, list_asset, list_instrument, open_pool, prices, schedule_rules
from solvent.engine.engine import Engine
from solvent.engine.tables import TOP_ENTRIES, Limits
from solvent.instruments import Perpetual
from solvent.liquidation import Depth, Level
from solvent.margin.curves import OnEntry
from solvent.rates import Schedule
from solvent.rules import PenaltyBase, Plan, Profit, RulesError, VenueRules
from solvent.units import exact
from solvent.venues.generic.rules import generic
from tests.engine.world import ALTCOIN, BTC, DATED, INVERSE, PERPETUAL, USDT, said
from tests.margin.small_rules import Margins

D = Decimal
LIMITS = Limits(pools=512, entries=1 << 14, orders=8, things=16, rules=64, pieces=1 << 13, sources=2)
# Symbols whose order of text is not the order of listing.
CHEAP = Perpetual("AAA-PERP", "AAA", USDT, USDT, D("0.001"), D(1))
CONTRACTS = (PERPETUAL, DATED, ALTCOIN, CHEAP, INVERSE)
FIRST_CONTRACT = 2
MARKS = {"BTC-PERP": 600_000, "BTC-MAR": 601_000, "ALT-PERP": 1_000, "AAA-PERP": 20_000, "BTC-COIN": 600_000}
AWAY = (0, 1, 2, 3, 4, 6, 9, 15, 40, 70)  # thousandths of the mark
STEEP = Schedule.marginal([("0", "0.01"), ("9000.5", "0.0204"), ("70000", "0.3")])


class Tiers(Margins):
    """Schedules on notional or on entry value, with leverage caps at some purposes."""

    def contract(self, instrument):
        facts = super().contract(instrument)
        if self.on_entry:
            if instrument.settle.name != USDT.name:
                raise RulesError(f"{instrument.symbol} does not settle in {USDT.name}")
            curves = {purpose: OnEntry(schedule) for purpose, schedule in facts.schedules.items()}
            return replace(facts, schedules=curves, leverage_at=frozenset())
        return replace(facts, leverage_at=frozenset({Purpose.RECOVER, Purpose.ADMIT, Purpose.WITHDRAW}))


class EntryTiers(Tiers):
    on_entry = True


class LeverageTiers(Tiers):
    on_entry = False


def rule_sets() -> list[VenueRules]:
    """Every plan with every penalty base, and one of each odd kind."""
    plain = [replace(generic(base, way), name=f"{base.value}/{way.value}") for base in PenaltyBase for way in Plan]
    odd = []
    for way in Plan:
        one = generic(plan=way)
        odd += [
            replace(one, name=f"entry/{way.value}", margin=EntryTiers(default=STEEP)),
            replace(one, name=f"leverage/{way.value}", margin=LeverageTiers(default=STEEP)),
            replace(
                one, name=f"free/{way.value}", breach_inclusive=True, penalty=replace(one.penalty, default_ppm=0),
                liquidation=replace(one.liquidation, step_ppm=333_333, worst_price_ppm=10_000),
            ),
        ]  # fmt: skip
    return [*plain, *odd]


def losses_only() -> VenueRules:
    """A rule set whose profit counts only when negative: planned by the readable plan alone."""
    book = generic()
    return replace(book, name="losses", profit={**book.profit, Purpose.RECOVER: Profit.LOSSES_ONLY})


def listed(rules: list[VenueRules], contracts=CONTRACTS, assets=(USDT, BTC)) -> Engine:
    """An engine with two assets (the first is the numeraire), contracts and a rules row of each set, all priced."""
    engine = Engine(LIMITS, venues={one.name: one for one in rules})
    (dollar, other), number = assets, iter(range(1, 10_000))
    tick, index = (D("0.1"), MARKS["BTC-PERP"]) if other is BTC else (D("0.000001"), 17)
    sent = [
        list_asset(1, next(number), dollar, max_units=10**15),
        list_asset(1, next(number), other, max_units=10**11, quote=dollar.name, tick=tick),
    ]
    sent += [
        list_instrument(1, next(number), one, max_lots=10**4 if one is INVERSE else 10**6, max_ticks=10**7)
        for one in contracts
    ]
    sent += [
        schedule_rules(1, next(number), row=row, rules=one.name, account_class="professional")
        for row, one in enumerate(rules)
    ]
    marks = {thing: MARKS[one.symbol] for thing, one in enumerate(contracts, FIRST_CONTRACT)}
    sent.append(prices(1, next(number), {1: index, **marks}, 0))
    events = engine.step(assemble(sent))
    assert set(said(events)) == {("DONE", "OK")}, (said(events), dict(engine.errors))
    return engine


def opened(engine: Engine, rules: int, hedge: bool, number: int) -> int:
    """A new pool under a rules row."""
    pool = engine.pool_count
    legs = LegMode.HEDGE if hedge else LegMode.ONE_WAY
    events = engine.step(assemble([open_pool(1, 10_000 + number, pool=pool, rules=rules, mode=Mode.CROSS, legs=legs)]))
    assert said(events)[0] == ("DONE", "OK"), (said(events), dict(engine.errors))
    return pool


def hold(engine: Engine, pool: int, entries: list[tuple[int, int, int, int]], cash: int) -> None:
    """Write a pool's entries (key, lots, cost, carry) in any order into a block of its own, and its cash."""
    t = engine.tables
    first, room = int(t.top[TOP_ENTRIES]), max(4, 1 << (len(entries) - 1).bit_length())
    for e, (key, lots, cost, carry) in enumerate(entries, first):
        t.key[e], t.lots[e], t.cost[e], t.carry[e] = key, lots, cost, carry
    row = t.pools[pool]
    row["first"], row["used"], row["room"], row["cash"] = first, len(entries), room, cash
    t.top[TOP_ENTRIES] += room


def troubled(engine: Engine, luck: random.Random, pool: int, hedge: bool, things: list[int]) -> None:
    """Random legs, collateral and funding; cash such that surplus(RECOVER) is from just above its line to far below."""
    t = engine.tables
    entries = []
    for thing in luck.sample(things, luck.randint(0 if luck.random() < 0.05 else 1, len(things))):
        row = t.things[thing]
        notional = luck.choice([10**9, 10**10, 10**11, 10**12, 10**13])
        most = max(1, min(10**6, notional // max(1, int(row["mark"]) * int(row["tick_value"]) or 10**6)))
        for leg in (1, 2) if hedge else (0,):
            lots = luck.randint(1, most) * {0: luck.choice([-1, 1]), 1: 1, 2: -1}[leg]
            entry = int(row["mark"]) * luck.choice([80, 95, 99, 100, 100, 101, 105, 120]) // 100
            worth = (
                lots * entry * int(row["tick_value"]) if row["tick_value"] else -lots * int(row["constant"]) // entry
            )
            if luck.random() < 0.9:
                entries.append((thing * 4 + leg, lots, worth, luck.randint(-50, 50)))
    if luck.random() < 0.5:
        entries.append((4, luck.randint(-(10**6), 10**8), 0, 0))
    luck.shuffle(entries)
    hold(engine, pool, entries, 0)
    needed = sum(abs(lots) for key, lots, *_ in entries if key >= 8)
    found = engine.surplus(pool, Purpose.RECOVER)
    scale = luck.choice([0, 1, 10**3, 10**6, 10**8, 10**10, 10**11]) if needed else 1
    t.pools[pool]["cash"] = -found - luck.randint(-1, 3) * scale - luck.randint(0, 1)


@exact
def quoted(engine: Engine, luck: random.Random, most_levels: int = 4) -> dict[str, Depth]:
    """Random levels on both sides of every mark; sometimes nothing."""
    found = {}
    for thing in range(FIRST_CONTRACT, len(engine.names.things)):
        mark, sides = int(engine.tables.things[thing]["mark"]), []
        for sign in (-1, 1):
            away = sorted(luck.sample(AWAY, luck.randint(0, most_levels)))
            if luck.random() < 0.3:
                away = [-60, *away]  # past the bound on the better side
            ticks = list(dict.fromkeys(max(1, mark + sign * mark * step // 1_000) for step in away))
            sides.append(tuple(Level(at, luck.choice([1, 7, 100, 5_000, 10**6, 2**53])) for at in ticks))
        if luck.random() < 0.95:
            found[engine.names.name(thing)] = Depth(*sides)
    return found
