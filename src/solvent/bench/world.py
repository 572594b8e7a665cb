"""The frozen workload: a venue with many instruments, pools that hold several of them, and trades between holders.

bench/README.md describes it. Everything follows from the seed; pools are written straight into the tables because the
benchmarks measure what is done to them, not how they came to be. The mirror pool holds what the pools lack to sum to
zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from solvent.book import Mode, Purpose
from solvent.engine.commands import assemble, list_asset, list_instrument, prices, schedule_rules
from solvent.engine.engine import Engine
from solvent.engine.records import CCP_POOL, COMMAND, FIRST_USER_POOL, Batch, Records, Verb
from solvent.engine.tables import FREE, NONE, TOP_ENTRIES, TOP_POOLS, Limits
from solvent.instruments import Perpetual
from solvent.rates import Schedule
from solvent.rules import Collateral, ContractMargin, VenueRules
from solvent.units import Asset, shifted
from solvent.venues import venue
from solvent.venues.parts import TierTable, WeightTable, brackets, schedule

I64 = npt.NDArray[np.int64]
SOURCE = 1
FLAT_RATE = 0.005
MOST_TICKS_FACTOR = 8
ORDER_SHARE = 10  # one pool in this many has resting orders
MOST_LOTS = 2**31 - 1


@dataclass(frozen=True)
class Shape:
    """What a world is made of."""

    pools: int
    instruments: int = 300
    entries: float = 5.5
    makers: int = 0
    maker_entries: int = 120
    seed: int = 7
    leverage: float = math.e  # median
    most_leverage: float = 15.0
    tiered: bool = False  # five tiers an instrument, and three collaterals of three tiers each, which every pool holds
    flat: bool = False  # one tier for everything, and no collateral but the numeraire
    margin: float = 0.0  # of gross: cash is raised until surplus(MAINTAIN) is at least this; 0: as it comes


@dataclass
class World:
    """An engine with its pools, and who holds what: one row a position, sorted by instrument."""

    engine: Engine
    first_thing: int
    instruments: int
    holder: I64
    thing: I64
    lots: I64
    start: I64  # per instrument: first row; one more at the end
    makers: int
    next_seq: int = 0


def listed(shape: Shape, threads: int = 1, bands: bool = False) -> tuple[Engine, int, I64]:
    """An engine with assets, instruments, rules and first prices; the first instrument's thing id; marks in ticks."""
    rng = np.random.default_rng(shape.seed)
    entries = int(shape.pools * 16 + shape.makers * 512 + 4096)
    orders, things = shape.pools // 4 + 1024, shape.instruments + 8
    limits = Limits(pools=shape.pools + 16, entries=entries, orders=orders, things=things)
    rules = tiered_rules() if shape.tiered else flat_rules() if shape.flat else venue("generic")
    engine = Engine(limits, venues={"generic": rules}, threads=threads, bands=bands)
    usdt, btc, eth = Asset("USDT", 6), Asset("BTC", 8), Asset("ETH", 8)
    cent = Decimal("0.01")
    sent = [
        list_asset(SOURCE, 0, usdt, max_units=2**60),
        list_asset(SOURCE, 1, btc, max_units=10**11, quote="USDT", tick=cent),
        list_asset(SOURCE, 2, eth, max_units=10**11, quote="USDT", tick=cent),
    ]
    if shape.tiered:
        sent.append(list_asset(SOURCE, 3, Asset("USDC", 6), max_units=10**14, quote="USDT", tick=Decimal("0.0001")))
    first = len(sent)
    marks = np.empty(shape.instruments, np.int64)
    price = np.exp(rng.normal(2, 2, shape.instruments))
    for k in range(shape.instruments):
        tick = int(np.floor(np.log10(price[k]))) - 4
        lot = min(max(round(float(np.log10(20 / price[k]))), -3), 3)
        lot = max(lot, -6 - tick)
        marks[k] = max(1, round(price[k] / 10.0**tick))
        one = Perpetual(f"I{k:03d}", f"I{k:03d}", usdt, usdt, shifted(Decimal(1), tick), shifted(Decimal(1), lot))
        most = int(marks[k]) * MOST_TICKS_FACTOR
        sent.append(
            list_instrument(
                SOURCE, first + k, one, max_lots=min(MOST_LOTS, 2**57 // (most * one.tick_value)), max_ticks=most
            )
        )
    at = first + shape.instruments
    sent.append(schedule_rules(SOURCE, at, row=0, rules="generic", mode=Mode.CROSS, account_class="professional"))
    coins = {1: 6_000_000, 2: 300_000, **({3: 9_990} if shape.tiered else {})}
    sent.append(prices(SOURCE, at + 1, {**coins, **{first + k: int(marks[k]) for k in range(shape.instruments)}}, 1))
    events = engine.step(assemble(sent))
    if (events["kind"] == 2).any():
        refused = events[events["kind"] == 2][0]
        msg = f"the world's listing was refused: {refused}, {dict(engine.errors)}"
        raise RuntimeError(msg)
    return engine, first, marks


def tiered_rules() -> VenueRules:
    """The textbook with five tiers an instrument, and with three collaterals of three tiers each."""
    rows = [[0, "0.005", 100], [50_000, "0.01", 50], [250_000, "0.025", 20], [1_000_000, "0.05", 10]]
    rows.append([5_000_000, "0.1", 5])
    facts = {}
    for name, rates in {
        "BTC": ("0.95", "0.9", "0.8"), "ETH": ("0.95", "0.85", "0.7"), "USDC": ("0.99", "0.97", "0.95"),
    }.items():  # fmt: skip
        weights = Schedule.weights(
            [(Decimal(f), Decimal(w)) for f, w in zip((0, 500_000, 5_000_000), rates, strict=True)]
        )
        facts[name] = Collateral(dict.fromkeys(Purpose, weights), Decimal("1.05"))
    contract = ContractMargin(dict.fromkeys(Purpose, schedule(rows)), brackets(rows), frozenset(), 10)
    return replace(venue("generic"), margin=TierTable(default=contract), collateral=WeightTable(facts))


def flat_rules() -> VenueRules:
    """The textbook with one tier."""
    rows = [[0, str(FLAT_RATE), 100]]
    contract = ContractMargin(dict.fromkeys(Purpose, schedule(rows)), brackets(rows), frozenset(), 10)
    return replace(venue("generic"), margin=TierTable(default=contract))


def world(shape: Shape, threads: int = 1, bands: bool = False) -> World:
    """The frozen world of a shape, in an engine of so many threads."""
    engine, first_thing, marks = listed(shape, threads, bands)
    rng = np.random.default_rng(shape.seed + 1)
    owner, thing = _holdings(shape, rng)
    t = engine.tables
    unit = marks * t.things["tick_value"][first_thing : first_thing + shape.instruments]
    size = np.exp(rng.normal(7, 1.5, shape.pools))[owner] * np.exp(rng.normal(0, 0.8, owner.size)) * 1e6
    lots = np.maximum(1, np.round(size / unit[thing])).astype(np.int64)
    lots = np.minimum(lots, t.things["max_lots"][first_thing + thing] // 4) * rng.choice([-1, 1], owner.size)
    _write(engine, shape, rng, owner, first_thing + thing, lots, unit[thing])
    order = np.argsort(thing, kind="stable")
    start = np.searchsorted(thing[order], np.arange(shape.instruments + 1))
    made = World(
        engine, first_thing, shape.instruments, owner[order] + FIRST_USER_POOL, thing[order], lots[order], start,
        shape.makers, shape.instruments + 16,
    )  # fmt: skip
    _orders(made, shape, rng)
    return made


def _holdings(shape: Shape, rng: np.random.Generator) -> tuple[I64, I64]:
    """Pairs (pool, instrument) without repetition, sorted: popularity falls as rank^−0.8."""
    count = 1 + rng.poisson(shape.entries - 1, shape.pools)
    count[: shape.makers] = min(shape.maker_entries, shape.instruments)
    popular = 1 / np.arange(1, shape.instruments + 1) ** 0.8
    drawn = rng.choice(shape.instruments, int(count.sum()), p=popular / popular.sum())
    pairs = np.unique(np.repeat(np.arange(shape.pools), count) * shape.instruments + drawn)
    if shape.makers:
        every = np.arange(shape.makers)[:, None] * shape.instruments + np.arange(count[0])[None, :]
        pairs = np.unique(np.r_[pairs, every.ravel()])
    return pairs // shape.instruments, pairs % shape.instruments


def _write(
    engine: Engine, shape: Shape, rng: np.random.Generator, owner: I64, thing: I64, lots: I64, unit: I64
) -> None:
    """Pools, entries and collateral into the tables."""
    t = engine.tables
    coins = np.where(rng.random(shape.pools) < 0.3, 1, 0) + np.where(rng.random(shape.pools) < 0.2, 1, 0)
    if shape.tiered or shape.flat:
        coins[:] = 3 if shape.tiered else 0
    used = np.bincount(owner, minlength=shape.pools) + coins
    room = 4 * 2 ** np.ceil(np.log2(np.maximum(1, -(-used // 4)))).astype(np.int64)
    mirror_room = 4 * 2 ** int(np.ceil(np.log2(shape.instruments / 4)))
    first = mirror_room + np.r_[0, np.cumsum(room)[:-1]]
    at = first[owner] + _rank(owner)
    key, amount, cost = thing * 4, lots, lots * unit
    t.key[at], t.lots[at], t.cost[at] = key, amount, cost
    gross = np.bincount(owner, np.abs(lots) * unit.astype(float), shape.pools)
    equity = gross / np.clip(np.exp(rng.normal(math.log(shape.leverage), 0.9, shape.pools)), 0.5, shape.most_leverage)
    equity[: shape.makers] *= 20
    for coin, mark, divisor in ((1, 6_000_000, 10_000), (2, 300_000, 10_000), (3, 9_990, 10_000)):
        with_coin = np.flatnonzero(coins >= coin)
        slots = first[with_coin] + used[with_coin] - coins[with_coin] + coin - 1
        t.key[slots] = coin * 4
        t.lots[slots] = np.minimum(equity[with_coin] * 0.4 / mark * divisor, 10**10).astype(np.int64)
    rows = t.pools[FIRST_USER_POOL : FIRST_USER_POOL + shape.pools]
    rows["cash"] = equity.astype(np.int64)
    rows["first"], rows["used"], rows["room"] = first, used, room
    rows["owner"], rows["account"] = np.arange(shape.pools), np.arange(shape.pools)
    rows["parent"], rows["scope"], rows["epoch"] = NONE, NONE, -1
    most = t.things["max_ticks"] * t.things["tick_value"]
    reach = np.zeros(shape.pools, np.int64)
    np.add.at(reach, owner, np.abs(lots) * most[thing])
    rows["reach"] = reach
    _mirror(engine, thing, lots, unit, mirror_room)
    t.top[TOP_POOLS] = FIRST_USER_POOL + shape.pools
    t.top[TOP_ENTRIES] = mirror_room + int(room.sum())
    for column in (t.carry, t.leverage):  # their memory is there, as after commands: else trades would wait for it
        column[: int(t.top[TOP_ENTRIES])] = 0
    if shape.margin:
        standing = engine.revalue()
        short = gross * shape.margin - (standing.margin_equity - standing.required)[FIRST_USER_POOL:]
        rows["cash"] += np.maximum(0, short).astype(np.int64)
        t.mirrored[:] = 0  # they have changed


def _rank(owner: I64) -> I64:
    """Place of each row inside its pool's run of rows; ``owner`` is sorted."""
    starts = np.r_[0, np.flatnonzero(np.diff(owner)) + 1]
    lengths = np.diff(np.r_[starts, owner.size])
    ranks: I64 = np.arange(owner.size) - np.repeat(starts, lengths)
    return ranks


def _mirror(engine: Engine, thing: I64, lots: I64, unit: I64, room: int) -> None:
    """The other side of everything: one entry an instrument in the mirror pool, so that lots and costs sum to zero."""
    t = engine.tables
    total, cost = np.zeros(t.things.size, np.int64), np.zeros(t.things.size, np.int64)
    np.add.at(total, thing, lots)
    np.add.at(cost, thing, lots * unit)
    held = np.flatnonzero(total)
    t.key[: held.size], t.lots[: held.size], t.cost[: held.size] = held * 4, -total[held], -cost[held]
    row = t.pools[CCP_POOL]
    row["first"], row["used"], row["room"], row["epoch"] = 0, held.size, room, -1
    t.key[held.size : room] = FREE


def _orders(made: World, shape: Shape, rng: np.random.Generator) -> None:
    """One pool in ten rests one to three orders near the mark, of a twentieth of what it holds."""
    rows = rng.choice(made.holder.size, max(1, shape.pools // ORDER_SHARE), replace=False)
    rows = np.repeat(rows, rng.integers(1, 4, rows.size))
    things = made.engine.tables.things
    sent = np.zeros(rows.size, COMMAND)
    sent["kind"], sent["source"] = int(Verb.RESERVE), SOURCE
    sent["source_seq"] = made.next_seq + np.arange(rows.size)
    made.next_seq += rows.size
    sent["pool"], sent["thing"] = made.holder[rows], made.first_thing + made.thing[rows]
    size = np.maximum(1, np.abs(made.lots[rows]) // 20)
    sent["lots"] = size * rng.choice([-1, 1], rows.size)
    mark = things["mark"][sent["thing"]]
    sent["ticks"] = np.maximum(1, np.round(mark * (1 - np.sign(sent["lots"]) * 0.01))).astype(np.int64)
    sent["ref"] = 1 + np.arange(rows.size)
    step(made.engine, sent)


def trades(made: World, count: int, seed: int, maker_share: float = 0.0) -> Records:
    """Trades between holders: 90 % in something the taker holds, of about a twentieth of it, near the mark.

    With ``maker_share`` that part of the trades has a market maker on the other side.
    """
    rng = np.random.default_rng(seed)
    sent = np.zeros(count, COMMAND)
    sent["kind"] = int(Verb.FILL)
    sent["source"] = 2 + rng.integers(0, 8, count)
    sent["source_seq"] = made.next_seq + np.arange(count)
    made.next_seq += count
    row = rng.integers(0, made.holder.size, count)
    thing = made.thing[row]
    swap = rng.random(count) < 0.1
    thing[swap] = rng.permutation(thing[swap])
    low, high = made.start[thing], made.start[thing + 1]
    other = made.holder[low + rng.integers(0, 1 << 40, count) % (high - low)]
    if maker_share:
        with_maker = rng.random(count) < maker_share
        chosen = FIRST_USER_POOL + rng.integers(0, made.makers, count)
        other = np.where(with_maker, chosen, other)
    taker = made.holder[row]
    sent["pool"] = taker
    sent["other"] = np.where(other == taker, np.where(taker > FIRST_USER_POOL, taker - 1, taker + 1), other)
    sent["thing"] = made.first_thing + thing
    things = made.engine.tables.things
    unit = things["mark"][sent["thing"]] * things["tick_value"][sent["thing"]]
    usual = np.where(swap, 1e8 / unit, np.abs(made.lots[row]) * 0.05)
    size = np.maximum(1, np.round(usual * rng.uniform(0.2, 3, count))).astype(np.int64)
    sent["lots"] = size * rng.choice([-1, 1], count)
    near = np.round(things["mark"][sent["thing"]] * (1 + rng.normal(0, 5e-4, count)))
    sent["ticks"] = np.maximum(1, near).astype(np.int64)
    return sent


def step(engine: Engine, commands: Records) -> Any:
    """One step of plain commands; the events."""
    return engine.step(Batch(commands))
