"""Run the same commands through the engine and compare everything it says and knows with the twin."""

from __future__ import annotations

import math
import random

from solvent.book import Purpose
from solvent.engine.commands import assemble
from solvent.engine.engine import Engine
from solvent.engine.records import CCP_POOL, House, Verb
from solvent.engine.value import assessed, surplus
from solvent.ledger import MILLION
from solvent.margin.assess import assess_pool
from solvent.units import EXACT, exact
from tests.equality.worlds import LIMITS, VENUES
from tests.twin.events import Said


class Disagreement(AssertionError):
    """The engine and the twin say different things."""


def said_by(events):
    """The engine's events as the twin's tuples."""
    return [Said(*(int(event[name]) for name in Said._fields)) for event in events]


def cuts(rng, count, most):
    """Random consecutive slices of ``range(count)``."""
    at = 0
    while at < count:
        size = min(rng.randint(1, most), count - at)
        yield at, at + size
        at += size


def run(history, *, most=12, seed=0, compare=True, **options):
    """An engine that was given the history's commands in random batches, every event compared."""
    engine = Engine(LIMITS, venues=VENUES, **options)
    for start, stop in cuts(random.Random(seed), len(history.sent), most):
        found = said_by(engine.step(assemble(history.sent[start:stop])))
        if compare:
            compare_events(history, start, stop, found, engine)
    return engine


def compare_events(history, start, stop, found, engine):
    at = 0
    for k in range(start, stop):
        expected = history.said[k]
        got = found[at : at + len(expected)]
        at += len(expected)
        if got != expected:
            record = history.sent[k][0][0]
            asked = {n: int(record[n]) for n in record.dtype.names if int(record[n])}
            msg = f"command {k}, {Verb(int(record['kind'])).name} {asked}: the twin says {expected}, the engine {got}"
            raise Disagreement(f"{msg}; {list(engine.errors.items())[-2:]}")
    if at != len(found):
        raise Disagreement(f"commands {start} to {stop}: the engine adds {found[at:]}")


@exact
def compare_states(history, engine):
    """Every pool at every purpose, bit for bit, by the twin's book and the engine's own; balances, entries, house."""
    world, checks = history.world, 0
    for pool in world.pools[1:]:
        book, market, rules = engine.book(pool.id)
        for purpose in Purpose:
            expected = world.assessed(pool, purpose)
            own = assess_pool(book, market, rules, purpose, f"P{pool.id}")
            value, *pairs = (int(n) for n in assessed(engine.tables, pool.id, purpose.value))
            whole, millionths = (int(n) for n in surplus(engine.tables, pool.id, purpose.value))
            numbers = {
                "surplus": (whole * MILLION + millionths, expected.surplus, own.surplus),
                "value": (value * MILLION, expected.value, own.value),
                "margin equity": (pairs[0] * MILLION + pairs[1], expected.margin_equity, own.margin_equity),
                "required": (pairs[2] * MILLION + pairs[3], expected.required, own.required),
            }
            for name, (engine_says, *rings) in numbers.items():
                for ring in rings:
                    exactly = EXACT.multiply(world.units(pool, ring), MILLION)
                    if name == "value":
                        exactly = math.floor(world.units(pool, ring)) * MILLION
                    if exactly != engine_says:
                        raise Disagreement(f"pool {pool.id} {purpose.name} {name}: {engine_says}, not {exactly}")
                    checks += 1
    return checks + compare_tables(world, engine)


def compare_tables(world, engine):
    t, checks = engine.tables, 0
    for k, thing in enumerate(world.things):
        row = t.things[k]
        wanted = {"mark": thing.mark, "carry": thing.carry, "state": thing.state}
        if thing.is_asset:
            wanted["borrowed"] = world.borrowed(k)
        else:
            wanted["pnl"] = -sum(e.cost for p in world.pools for (t_, _), e in p.entries.items() if t_ == k)
            wanted["funding_paid"] = thing.funding_paid
        for name, value in wanted.items():
            if int(row[name]) != value:
                raise Disagreement(f"thing {k} {name}: {int(row[name])}, not {value}")
            checks += 1
        for account in House:
            value = world.house.get((account, k), 0)
            if int(t.house[account, k]) != value:
                raise Disagreement(f"house {account.name} of thing {k}: {int(t.house[account, k])}, not {value}")
            checks += 1
    for pool in world.pools:
        if int(t.pools[pool.id]["state"]) != pool.state:
            raise Disagreement(f"pool {pool.id} state: {int(t.pools[pool.id]['state'])}, not {pool.state}")
        compare_entries(world, pool, t)
    return checks


def compare_entries(world, pool, t):
    row = t.pools[pool.id]
    numeraire = world.numeraire(pool)
    held = {numeraire * 4: (int(row["cash"]), 0)} if int(row["cash"]) else {}
    leverage = {}
    for e in range(int(row["first"]), int(row["first"]) + int(row["used"])):
        if int(t.key[e]) >= 0:
            held[int(t.key[e])] = int(t.lots[e]), int(t.cost[e])
            leverage[int(t.key[e])] = int(t.leverage[e])
    expected = {a * 4: (units, 0) for a, units in pool.cash.items()}
    expected |= {thing * 4 + leg: (e.lots, e.cost) for (thing, leg), e in pool.entries.items()}
    found = {key: both for key, both in held.items() if any(both)}
    if found != {key: both for key, both in expected.items() if any(both)}:
        raise Disagreement(f"pool {pool.id} holds {found}, not {expected}")
    chosen = {thing * 4 + leg: e.leverage for (thing, leg), e in pool.entries.items() if e.leverage}
    if pool.id != CCP_POOL and {k: v for k, v in leverage.items() if v} != chosen:
        raise Disagreement(f"pool {pool.id} chose leverage {leverage}, not {chosen}")
