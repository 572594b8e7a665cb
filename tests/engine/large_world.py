"""A made-up venue of many pools, written straight into tables: for measuring, and for tests of many entries.

300 linear contracts with popularity ~ rank^−0.8, textbook tiers, 1 + Poisson positions a pool (makers: 100 to 140),
log-normal sizes, a second collateral asset in every third pool, a resting order in every eighth entry.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from solvent.book import Mode
from solvent.engine.compile import compile_rules
from solvent.engine.orders import reserve
from solvent.engine.records import COMMAND, PoolState, Verb
from solvent.engine.tables import (
    ASSET,
    FREE,
    LINEAR,
    NONE,
    TOP_ENTRIES,
    TOP_EPOCH,
    TOP_POOLS,
    TOP_RULES,
    TOP_THINGS,
    Limits,
    Tables,
    empty,
)
from solvent.instruments import Perpetual
from solvent.units import Asset
from solvent.venues.generic.rules import generic

USDT, BTC = Asset("USDT", 8), Asset("BTC", 8)
ASSETS = 2


def listed(t: Tables, instruments: int, rng: np.random.Generator) -> None:
    """Two assets and the contracts."""
    things = [USDT, BTC]
    row = t.things[0]
    row["kind"], row["settle"], row["divisor"], row["max_lots"], row["max_ticks"] = ASSET, 0, 1, 1 << 60, 1
    row = t.things[1]
    row["kind"], row["settle"], row["divisor"], row["max_lots"], row["max_ticks"] = ASSET, 0, 10, 10**13, 400_000
    t.things["mark"][:2] = 1, 300_000
    price = np.exp(rng.normal(2, 2, instruments))
    tick = np.floor(np.log10(price)).astype(int) - 4
    lot = np.clip(np.round(np.log10(20 / price)), -3, 3).astype(int)
    for k in range(instruments):
        one = Perpetual(
            f"P{k}", "BTC" if k < 2 else f"U{k}", USDT, USDT, Decimal(10) ** int(tick[k]), Decimal(10) ** int(lot[k])
        )
        row = t.things[ASSETS + k]
        row["kind"], row["settle"], row["tick_value"] = LINEAR, 0, max(1, int(10.0 ** (tick[k] + lot[k] + 8)))
        row["mark"] = max(1, round(price[k] / 10.0 ** tick[k]))
        row["max_ticks"] = 8 * row["mark"]
        row["max_lots"] = min((1 << 31) - 1, (1 << 57) // (int(row["max_ticks"]) * int(row["tick_value"])))
        things.append(one)
    t.things["base"][: len(things)] = NONE
    t.top[TOP_THINGS], t.top[TOP_RULES], t.top[TOP_EPOCH] = len(things), 1, 1
    compile_rules(t, 0, generic(), Mode.CROSS, "professional", things)


def large_world(pools: int, instruments: int = 300, seed: int = 7, makers: int = 0) -> Tables:
    """Tables of ``pools`` users; the first ``makers`` of them hold 100 to 140 positions each."""
    rng = np.random.default_rng(seed)
    count = 1 + rng.poisson(4.5, pools)
    count[:makers] = rng.integers(100, 141, makers)
    popular = 1 / np.arange(1, instruments + 1) ** 0.8
    owner = np.repeat(np.arange(pools), count)
    pick = rng.choice(instruments, owner.size, p=popular / popular.sum())
    extra = rng.random(owner.size) < 2  # all kept; makers' repeats vanish in the unique below
    maker_rows = owner < makers
    pick[maker_rows] = rng.integers(0, instruments, int(maker_rows.sum()))
    pairs = np.unique(owner[extra] * instruments + pick[extra])
    owner, inst = pairs // instruments, pairs % instruments
    coin = np.arange(0, pools, 3)
    owner, key = np.r_[owner, coin], np.r_[(inst + ASSETS) * 4, np.full(coin.size, 4)]
    order = np.argsort(owner * 4096 + key, kind="stable")
    owner, key = owner[order], key[order]
    used = np.bincount(owner, minlength=pools)
    room = np.maximum(4, 2 ** np.ceil(np.log2(np.maximum(used, 1))).astype(np.int64))
    slab = int(room.sum() * 1.3) + 4096
    t = empty(Limits(pools=pools + 2, entries=slab, orders=1 << 18, things=512, rules=2, pieces=4096, sources=16))
    listed(t, instruments, rng)
    first = np.r_[0, np.cumsum(room)[:-1]]
    at = first[owner] + np.arange(owner.size) - np.r_[0, np.cumsum(used)[:-1]][owner]
    contract, thing = key >= 4 * ASSETS, key >> 2
    unit = t.things["mark"] * np.maximum(1, t.things["tick_value"])
    size = np.exp(rng.normal(7, 1.3, pools))[owner] * np.exp(rng.normal(0, 0.8, owner.size)) * 1e8
    lots = np.maximum(1, np.round(size / unit[thing])).astype(np.int64)
    lots = np.minimum(lots, t.things["max_lots"][thing] // 50) * rng.choice([-1, 1], owner.size)
    lots[~contract] = rng.integers(10**5, 10**7, int((~contract).sum()))
    t.key[at], t.lots[at] = key, lots
    t.cost[at] = np.where(contract, lots * unit[thing], 0)
    per_lot = np.where(contract, t.things["max_ticks"][thing] * t.things["tick_value"][thing], 0)
    reach = np.bincount(owner, np.where(contract, np.abs(lots) * per_lot.astype(float), 4e17), pools)
    gross = np.bincount(owner[contract], np.abs(t.cost[at][contract]).astype(float), pools)
    rows = t.pools[2 : pools + 2]
    rows["cash"] = (gross / np.exp(rng.normal(1, 0.9, pools)).clip(0.5, 8)).astype(np.int64) + 10**8
    rows["first"], rows["used"], rows["room"], rows["reach"] = first, used, room, reach.astype(np.int64)
    t.pools["owner"], t.pools["account"], t.pools["parent"], t.pools["scope"] = 0, 0, NONE, NONE
    t.pools[0]["state"] = PoolState.HOUSE
    t.pools["epoch"] = -1
    t.house[4, :2] = 1 << 60
    t.top[TOP_POOLS], t.top[TOP_ENTRIES] = pools + 2, room.sum()
    for k, e in enumerate(at[contract][::8]):
        pool = int(owner[contract][::8][k]) + 2
        mark = int(t.things[int(t.key[e]) >> 2]["mark"])
        reserve(t, pool, int(t.key[e]) >> 2, 0, int(max(1, abs(t.lots[e]) // 20)), max(1, mark * 99 // 100), k + 1)
    return t


def trades(t: Tables, n: int, seed: int = 1, makers: int = 0) -> np.ndarray:
    """FILL commands between holders, 90 % in something the taker holds; ``makers`` > 0: 80 % have one as maker."""
    rng = np.random.default_rng(seed)
    c = np.zeros(n, COMMAND)
    used, first = t.pools["used"].astype(np.int64), t.pools["first"]
    pool_of = np.repeat(np.arange(used.size), used)
    at = first[pool_of] + np.arange(pool_of.size) - np.r_[0, np.cumsum(used)[:-1]][pool_of]
    keep = (t.key[at] != FREE) & (t.key[at] >= 4 * ASSETS)
    pool_of, at = pool_of[keep], at[keep]
    thing = t.key[at] >> 2
    order = np.argsort(thing, kind="stable")
    pool_of, at, thing = pool_of[order], at[order], thing[order]
    pick = rng.integers(0, at.size, n)
    c["pool"], c["thing"] = pool_of[pick], thing[pick]
    swap = rng.random(n) < 0.1
    c["thing"][swap] = rng.permutation(c["thing"][swap])
    start = np.searchsorted(thing, np.arange(t.things.size + 1))
    low, high = start[c["thing"]], start[c["thing"] + 1]
    c["other"] = pool_of[low + rng.integers(0, 1 << 40, n) % (high - low)]
    if makers:
        by_maker = rng.random(n) < 0.8
        c["other"] = np.where(by_maker, 2 + rng.integers(0, makers, n), c["other"])
    c["other"] = np.where(c["other"] == c["pool"], (c["pool"] - 1) % (t.pools.size - 2) + 2, c["other"])
    c["other"] = np.where(c["other"] == c["pool"], c["pool"] % (t.pools.size - 3) + 2, c["other"])
    usual = np.abs(t.lots[at[pick]]) * 0.05
    mark = t.things["mark"][c["thing"]]
    usual[swap] = 100 * 1e8 / (mark * t.things["tick_value"][c["thing"]])[swap]
    c["lots"] = np.maximum(1, np.round(usual * rng.uniform(0.2, 3, n))) * rng.choice([-1, 1], n)
    c["ticks"] = np.maximum(1, np.round(mark * (1 + rng.normal(0, 5e-4, n))))
    c["kind"], c["source"], c["source_seq"] = int(Verb.FILL), rng.integers(0, 8, n), np.arange(1, n + 1)
    return c
