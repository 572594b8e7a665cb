"""A generated population: who has an account, what is in it, and what it wants to hold when the window opens.

Every number is drawn from a named stream of the seed, as whole numbers. The distributions are assumptions, stated in
docs/replay.md; they are not fitted to any venue's accounts. Arrays are columns, one row a pool, a wish, an order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solvent.book import Leg, LegMode, Mode
from solvent.rules import Missing
from solvent.simulation.datasets import Dataset
from solvent.simulation.randomness import MILLION, Stream
from solvent.simulation.world import DOLLAR_SCALE, World

Ints = NDArray[np.int64]

BOTH_MODES = frozenset({Mode.CROSS, Mode.ISOLATED})
UNIT = 10**DOLLAR_SCALE
PROFESSIONAL_PPM = 150_000
SUB_ACCOUNT_PPM = 40_000
HEDGE_PPM = 60_000
LONG_PPM = (620_000, 500_000)  # retail, professional
SAME_SIDE_PPM = 800_000  # an account's positions share its first one's side
EQUITY_MEDIAN = (800, 8_000)  # USDT: retail, professional
EQUITY_SIGMA_PPM = (1_200_000, 1_500_000)
EQUITY_RANGE = (100, 1_000_000)
CROSS_LEVERAGE_MILLI = (2_000, 1_800)  # median of gross notional ÷ equity, thousandths
CROSS_SIGMA_PPM = (700_000, 900_000)
ISOLATED_LEVERAGE_MILLI = (4_000, 5_000)
ISOLATED_SIGMA_PPM = 600_000
MOST_LEVERAGE_MILLI = (11_000, 25_000)
POSITIONS_WEIGHTS = (42, 27, 15, 9, 5, 2)  # one to six instruments
ISOLATED_WEIGHTS = (72, 22, 6)  # isolated positions under an account: none, one, two
COIN_COLLATERAL_PPM = 280_000
SPOT_PPM, SPOT_SHORT_PPM = 40_000, 12_000
ORDER_PPM, STOP_PPM = 120_000, 150_000
OFTEN_ROOM_PPM = 1_700_000  # leverage cap chosen over leverage used


@dataclass(frozen=True, slots=True)
class Pools:
    """One row a pool, in order of opening; ``parent`` and the tables below give pools by their row."""

    owner: Ints
    account: Ints
    parent: Ints  # −1: none
    professional: Ints  # 0 or 1
    isolated: Ints  # 0 or 1
    hedge: Ints  # 0 or 1
    scope: Ints  # an isolated pool's instrument, else −1
    equity_units: Ints  # all of its collateral, USDT units
    coin: Ints  # which listed coin a part of it is held in, −1: none
    coin_units: Ints  # that part, units of the coin
    cash_units: Ints  # the rest, USDT units
    leverage_milli: Ints  # gross notional over equity wished for, thousandths

    @property
    def count(self) -> int:
        """Number of pools."""
        return int(self.owner.size)


@dataclass(frozen=True, slots=True)
class Wishes:
    """One row a position wished for: pool row, instrument, leg number, signed lots, leverage cap (0: the default)."""

    pool: Ints
    instrument: Ints
    leg: Ints
    lots: Ints
    leverage: Ints


@dataclass(frozen=True, slots=True)
class Orders:
    """One row a resting order or a stop: pool row, instrument, leg number, signed lots, ticks, reference."""

    pool: Ints
    instrument: Ints
    leg: Ints
    lots: Ints
    ticks: Ints
    ref: Ints


@dataclass(frozen=True, slots=True)
class Spots:
    """One row a spot trade on margin: pool row, listed coin, signed lots."""

    pool: Ints
    coin: Ints
    lots: Ints


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody but the market makers."""

    accounts: int
    pools: Pools
    wishes: Wishes
    orders: Orders
    stops: Orders
    spots: Spots

    @property
    def gross_lots(self) -> Ints:
        """Absolute lots wished for, one number a wish."""
        return np.abs(self.wishes.lots)


def generate(world: World, accounts: int, seed: int) -> Population:
    """The population of ``accounts`` accounts; isolated positions come on top of them as pools of their own.

    >>> from solvent.simulation.datasets import load
    >>> from solvent.simulation.world import build
    >>> crowd = generate(build(load("mar-2020"), "generic"), 1_000, seed=7)
    >>> crowd.pools.count > 1_000, int((crowd.pools.isolated == 0).sum())
    (True, 1000)
    """
    if accounts < 1:
        raise ValueError(f"accounts must be at least 1, not {accounts}")
    stream = Stream(seed, f"population/{world.dataset.name}")
    marks = world.dataset.open_ticks[0]
    pools = _pools(world, accounts, marks, stream)
    wishes = _wishes(world, pools, marks, stream.child("positions"))
    return Population(
        accounts,
        pools,
        wishes,
        _orders(wishes, marks, stream.child("orders")),
        _stops(wishes, marks, stream.child("stops")),
        _spots(world, pools, marks, stream.child("spot")),
    )


def popularity(dataset: Dataset) -> list[int]:
    """Weight of each instrument: the square root of its turnover, so that small ones are held too."""
    lots, ticks = dataset.volume_lots.sum(axis=0), dataset.close_ticks[-1]
    turnover = [
        int(n) * int(p) * int(one.tick_size * one.lot_size * 10**12)
        for n, p, one in zip(lots, ticks, dataset.listings, strict=True)
    ]
    return [1 + int(np.sqrt(np.float64(one))) // 10**4 for one in turnover]


def by_class(professional: Ints, of: tuple[int, int]) -> Ints:
    """A number for each row by its class: (retail, professional)."""
    return np.where(professional == 1, of[1], of[0]).astype(np.int64)


def _pools(world: World, accounts: int, marks: Ints, stream: Stream) -> Pools:
    able = world.rules.capabilities
    professional = stream.child("class").chance(PROFESSIONAL_PPM, accounts).astype(np.int64)
    sub = stream.child("sub-accounts").chance(SUB_ACCOUNT_PPM, accounts)
    sub[0] = False
    owner = np.cumsum(~sub) - 1
    equity = _equity(professional, stream.child("equity"))
    leverage = _leverage(professional, CROSS_LEVERAGE_MILLI, CROSS_SIGMA_PPM, stream.child("leverage"))
    hedge = stream.child("legs").chance(HEDGE_PPM if LegMode.HEDGE in able.legs else 0, accounts).astype(np.int64)
    coin, coin_units, cash = _collateral(world, equity, marks, stream.child("collateral"))
    parent, scope, own = _isolated(world, equity, cash, stream.child("isolated"))
    if able.modes != BOTH_MODES:  # only cross pools, or every position a pool of its own
        parent, scope, own = parent[:0], scope[:0], own[:0]
    only_isolated = Mode.CROSS not in able.modes
    count = parent.size
    hot = _leverage(
        professional[parent], ISOLATED_LEVERAGE_MILLI, (ISOLATED_SIGMA_PPM,) * 2, stream.child("isolated leverage")
    )
    zeros, ones, none = np.zeros(count, np.int64), np.ones(count, np.int64), np.full(count, -1, np.int64)
    return Pools(
        owner=np.concatenate([owner, owner[parent]]),
        account=np.concatenate([np.arange(accounts), parent]),
        parent=np.concatenate([np.full(accounts, -1), parent]),
        professional=np.concatenate([professional, professional[parent]]),
        isolated=np.concatenate([np.full(accounts, int(only_isolated)), ones]),
        hedge=np.concatenate([hedge, zeros]),
        scope=np.concatenate([np.full(accounts, -1), scope]),
        equity_units=np.concatenate([equity, own]),
        coin=np.concatenate([coin, none]),
        coin_units=np.concatenate([coin_units, zeros]),
        cash_units=np.concatenate([cash, own]),
        leverage_milli=np.concatenate([leverage, hot]),
    )


def _equity(professional: Ints, stream: Stream) -> Ints:
    """Lognormal, USDT units: many small accounts and a few large ones."""
    found = np.zeros(professional.size, np.int64)
    for k in (0, 1):
        drawn = stream.child(str(k)).lognormal(EQUITY_MEDIAN[k] * 100, EQUITY_SIGMA_PPM[k], professional.size)
        found = np.where(professional == k, drawn, found)
    low, high = EQUITY_RANGE
    clipped: Ints = np.clip(found, low * 100, high * 100).astype(np.int64) * (UNIT // 100)
    return clipped


def _leverage(professional: Ints, median: tuple[int, int], sigma: tuple[int, ...], stream: Stream) -> Ints:
    found = np.zeros(professional.size, np.int64)
    for k in (0, 1):
        drawn = stream.child(str(k)).lognormal(median[k], sigma[k], professional.size)
        found = np.where(professional == k, np.clip(drawn, 300, MOST_LEVERAGE_MILLI[k]), found)
    return found.astype(np.int64)


def _collateral(world: World, equity: Ints, marks: Ints, stream: Stream) -> tuple[Ints, Ints, Ints]:
    """Part of some accounts' equity is in a coin: which, its units, and what is left in USDT."""
    count = equity.size
    if not world.coins:
        return np.full(count, -1, np.int64), np.zeros(count, np.int64), equity
    weights = [max(1, 24 >> k) for k in range(len(world.coins))]
    coin = stream.child("coin").pick(weights, count)
    coin = np.where(stream.child("has").chance(COIN_COLLATERAL_PPM, count), coin, -1)
    part = stream.child("part").integers(200_000, 800_000, count)
    worth = equity // MILLION * part
    ticks = marks[list(world.coins)][coin]
    divisors = np.array([world.coin_divisor(k) for k in range(len(world.coins))], dtype=np.int64)[coin]
    units = np.where(coin >= 0, worth // ticks * divisors, 0)
    return coin, units.astype(np.int64), np.where(coin >= 0, equity - worth, equity).astype(np.int64)


def _isolated(world: World, equity: Ints, cash: Ints, stream: Stream) -> tuple[Ints, Ints, Ints]:
    """Isolated positions: the account's row, the instrument, and the collateral moved over from it."""
    count = stream.child("count").pick(ISOLATED_WEIGHTS, equity.size)
    parent = np.repeat(np.arange(equity.size), count).astype(np.int64)
    scope = stream.child("instrument").pick(popularity(world.dataset), parent.size)
    part = stream.child("part").integers(50_000, 300_000, parent.size)
    own = np.maximum(equity[parent] // MILLION * part, 20 * UNIT)
    return parent, scope, np.minimum(own, cash[parent] // 3).astype(np.int64)


def _wishes(world: World, pools: Pools, marks: Ints, stream: Stream) -> Wishes:
    count = np.where(pools.isolated == 1, 1, 1 + stream.child("count").pick(POSITIONS_WEIGHTS, pools.count))
    pool = np.repeat(np.arange(pools.count), count).astype(np.int64)
    size = pool.size
    drawn = stream.child("instrument").pick(popularity(world.dataset), size)
    instrument = np.where(pools.scope[pool] >= 0, pools.scope[pool], drawn).astype(np.int64)
    first = np.unique(pool * len(world.perpetuals) + instrument, return_index=True)[1]
    kept = np.sort(first)
    pool, instrument = pool[kept], instrument[kept]
    long = _sides(pools, pool, stream)
    number = np.bincount(pool, minlength=pools.count)
    share = pools.equity_units[pool] // 1000 * pools.leverage_milli[pool] // number[pool]
    per_lot = marks[instrument] * world.tick_values[instrument]
    lots = np.where(long, 1, -1) * (share // per_lot)
    leg = np.where(pools.hedge[pool] == 1, np.where(long, Leg.LONG.value, Leg.SHORT.value), Leg.NET.value)
    leverage = _caps(world, pools, pool, instrument, np.abs(lots) * per_lot)
    some = lots != 0
    return Wishes(*(one[some].astype(np.int64) for one in (pool, instrument, leg, lots, leverage)))


def _sides(pools: Pools, pool: Ints, stream: Stream) -> NDArray[np.bool_]:
    words = stream.child("side").integers(0, MILLION, pools.count)
    favourite = words < by_class(pools.professional, LONG_PPM)
    same = stream.child("same side").chance(SAME_SIDE_PPM, pool.size)
    return np.where(same, favourite[pool], ~favourite[pool]).astype(np.bool_)


def _caps(world: World, pools: Pools, pool: Ints, instrument: Ints, notional: Ints) -> Ints:
    """Leverage cap chosen: enough for the leverage used, within class and brackets; 0 where the default does."""
    wanted = pools.leverage_milli[pool] * OFTEN_ROOM_PPM // MILLION // 1000 + 1
    caps = np.array([mode.leverage_cap(world.classes[k]) for mode in world.rules.modes.values() for k in (0, 1)])
    most = caps.reshape(-1, 2).min(axis=0)[pools.professional[pool]]
    found = np.minimum(wanted, most)
    default = np.zeros(pool.size, np.int64)
    for k in range(len(world.perpetuals)):
        facts = world.margin(k)
        rows = instrument == k
        floors = np.array([int(one.floor) * UNIT for one in facts.brackets], dtype=np.int64)
        levels = np.array([one.max_leverage for one in facts.brackets], dtype=np.int64)
        place = np.maximum(np.searchsorted(floors, notional[rows] * 3 // 2, side="left") - 1, 0)
        found[rows] = np.minimum(found[rows], levels[place])
        default[rows] = facts.default_leverage
    plenty = (wanted <= default) & (found >= wanted) & (default <= most)
    return np.where(plenty & (found == wanted), 0, np.maximum(found, 1)).astype(np.int64)


def _orders(wishes: Wishes, marks: Ints, stream: Stream) -> Orders:
    """Resting orders: to add a fifth to a position when its price is 1 to 6 % better."""
    rows = np.flatnonzero(stream.child("has").chance(ORDER_PPM, wishes.pool.size))
    away = stream.child("away").integers(10_000, 60_000, rows.size)
    long = wishes.lots[rows] > 0
    mark = marks[wishes.instrument[rows]]
    ticks = np.where(long, mark - mark * away // MILLION, mark + mark * away // MILLION)
    lots = np.where(long, 1, -1) * np.maximum(np.abs(wishes.lots[rows]) // 5, 1)
    return _picked(wishes, rows, lots, ticks, 1)


def _stops(wishes: Wishes, marks: Ints, stream: Stream) -> Orders:
    """Standing stops: the whole position at a price 3 to 15 % against it."""
    rows = np.flatnonzero(stream.child("has").chance(STOP_PPM, wishes.pool.size))
    away = stream.child("away").integers(30_000, 150_000, rows.size)
    long = wishes.lots[rows] > 0
    mark = marks[wishes.instrument[rows]]
    ticks = np.where(long, mark - mark * away // MILLION, mark + mark * away // MILLION)
    return _picked(wishes, rows, -wishes.lots[rows], ticks, 1 + 2 * wishes.pool.size)


def _picked(wishes: Wishes, rows: Ints, lots: Ints, ticks: Ints, first_ref: int) -> Orders:
    ref = first_ref + np.arange(rows.size, dtype=np.int64)
    return Orders(
        wishes.pool[rows], wishes.instrument[rows], wishes.leg[rows], lots.astype(np.int64),
        np.maximum(ticks, 1).astype(np.int64), ref,
    )  # fmt: skip


def _spots(world: World, pools: Pools, marks: Ints, stream: Stream) -> Spots:
    """Spot bought with borrowed USDT, or sold with a borrowed coin; nobody where the rule set does not lend."""
    if not world.coins or world.rules.borrowing.missing is not Missing.BORROW:
        empty = np.zeros(0, np.int64)
        return Spots(empty, empty, empty)
    cross = pools.isolated == 0
    word = stream.child("has").integers(0, MILLION, pools.count)
    rows = np.flatnonzero(cross & (word < SPOT_PPM + SPOT_SHORT_PPM))
    coin = stream.child("coin").pick([max(1, 4 >> k) for k in range(len(world.coins))], rows.size)
    part = stream.child("part").integers(300_000, 900_000, rows.size)
    worth = pools.equity_units[rows] // MILLION * part
    instrument = np.array(world.coins, dtype=np.int64)[coin]
    lots = worth // (marks[instrument] * world.tick_values[instrument])
    sign = np.where(word[rows] < SPOT_PPM, 1, -1)
    some = lots > 0
    return Spots(rows[some].astype(np.int64), coin[some], (sign * lots)[some].astype(np.int64))
