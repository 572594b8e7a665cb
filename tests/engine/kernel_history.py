"""Random histories of hot commands over a small world, with prices, funding and interest moving between them."""

from __future__ import annotations

import random
from fractions import Fraction

from solvent.book import Purpose
from solvent.engine.records import Verb
from solvent.engine.tables import TOP_EPOCH, TOP_POOLS
from tests.engine.kernel_world import (
    BTCUSD,
    BTCUSDT,
    ETHUSDC,
    MARKS,
    PAIR,
    XRPUSDT,
    B,
    C,
    U,
    World,
    held,
    laws,
    orders_of,
    surplus,
)

TRADED = (BTCUSDT, XRPUSDT, ETHUSDC, BTCUSD, PAIR)
SIZES = {BTCUSDT: 40_000, XRPUSDT: 500_000, ETHUSDC: 50_000, BTCUSD: 20_000, PAIR: 2_000}


def fund(w: World, chance: random.Random) -> None:
    """Cash for everybody and something to lend."""
    for asset, amount in ((U, 10**13), (B, 10**11), (C, 10**13)):
        w.must(Verb.DEPOSIT, pool=-5, thing=asset, amount=amount)
        w.must(Verb.DEPOSIT, pool=0, thing=asset, amount=amount)
    for pool in range(1, int(w.t.top[TOP_POOLS])):
        w.must(Verb.DEPOSIT, pool=pool, thing=U, amount=chance.randrange(10**11, 10**12))
        if chance.random() < 0.7:
            w.must(Verb.DEPOSIT, pool=pool, thing=B, amount=chance.randrange(10**8, 10**10))
        if chance.random() < 0.5:
            w.must(Verb.DEPOSIT, pool=pool, thing=C, amount=chance.randrange(10**9, 10**12))


def move(w: World, chance: random.Random) -> None:
    """Another epoch: prices walk, funding and interest accrue."""
    for thing, usual in MARKS.items():
        if thing != U and chance.random() < 0.7:
            mark = int(usual * (0.8 + 0.4 * chance.random()))
            w.t.things[thing]["mark"] = min(max(1, mark), int(w.t.things[thing]["max_ticks"]))
    for thing in (BTCUSDT, XRPUSDT, ETHUSDC):
        w.t.things[thing]["carry"] += chance.randrange(-50, 51)
    for asset in (U, B, C):
        w.t.things[asset]["carry"] += chance.randrange(0, 10**8)
    w.t.top[TOP_EPOCH] += 1


def fill_fields(w: World, chance: random.Random) -> dict[str, int]:
    """A fill between two pools, often closing or flipping what is held, sometimes of a resting order."""
    thing = chance.choice(TRADED)
    pool, other = chance.sample(range(int(w.t.top[TOP_POOLS])), 2)
    legs = [0, 0]
    for k, one in enumerate((pool, other)):
        if thing != PAIR and w.t.pools[one]["legs"]:
            legs[k] = chance.choice((1, 2))
    slot = held(w, pool).get(thing * 4 + legs[0])
    have = int(w.t.lots[slot]) if slot is not None else 0
    lots = chance.choice((1, -1)) * chance.randrange(1, SIZES[thing])
    if have and chance.random() < 0.4:
        lots = -chance.choice((have, have // 2 or have, 2 * have))
    ticks = max(1, int(int(w.t.things[thing]["mark"]) * (0.97 + 0.06 * chance.random())))
    fields = {
        "pool": pool,
        "other": other,
        "thing": thing,
        "flags": legs[0] | legs[1] << 2,
        "lots": lots,
        "ticks": ticks,
    }
    for name, one, leg, sign in (("amount", pool, legs[0], 1), ("ref", other, legs[1], -1)):
        at = held(w, one).get(thing * 4 + leg)
        resting = orders_of(w, at) if at is not None else []
        if resting and chance.random() < 0.5:
            ref, left, _, _ = chance.choice(resting)
            if "amount" not in fields or fields["amount"] == 0:
                fields["lots"] = sign * (left if chance.random() < 0.5 else left // 2 or left)
            fields[name] = ref
    return fields


def next_command(w: World, chance: random.Random) -> tuple[Verb, dict[str, int]]:  # noqa: PLR0911
    """Any hot command."""
    kind = chance.random()
    pools = int(w.t.top[TOP_POOLS])
    pool = chance.randrange(1, pools)
    if kind < 0.6:
        return Verb.FILL, fill_fields(w, chance)
    if kind < 0.75:
        thing = chance.choice(TRADED[:-1])
        lots = chance.choice((1, -1)) * chance.randrange(1, SIZES[thing])
        ticks = max(1, int(int(w.t.things[thing]["mark"]) * (0.95 + 0.1 * chance.random())))
        leg = chance.choice((1, 2)) if w.t.pools[pool]["legs"] else 0
        ref = chance.randrange(1, 400)
        return Verb.RESERVE, {
            "pool": pool, "thing": thing, "flags": leg | 16 * (chance.random() < 0.2), "lots": lots, "ticks": ticks,
            "ref": ref,
        }  # fmt: skip
    if kind < 0.82:
        resting = [
            (key >> 2, one[0]) for key, slot in held(w, pool).items() for one in orders_of(w, slot)
        ]  # fmt: skip
        thing, ref = chance.choice(resting) if resting else (BTCUSDT, 1)
        return Verb.RELEASE, {"pool": pool, "thing": thing, "ref": ref}
    asset = chance.choice((U, B, C))
    amount = chance.randrange(1, {U: 10**11, B: 10**9, C: 10**11}[asset])
    if kind < 0.87:
        return Verb.DEPOSIT, {"pool": pool, "thing": asset, "amount": amount}
    if kind < 0.93:
        return Verb.WITHDRAW, {"pool": pool, "thing": asset, "amount": amount}
    if kind < 0.96:
        other = chance.randrange(1, pools)
        w.t.pools[other]["account"] = w.t.pools[pool]["account"]
        return Verb.TRANSFER, {"pool": pool, "other": other, "thing": asset, "amount": amount}
    other = chance.choice((-6, chance.randrange(0, pools)))
    return Verb.CONVERT, {
        "pool": pool, "other": other, "thing": asset, "amount": amount, "ticks": int(w.t.things[asset]["mark"])
    }  # fmt: skip


def history(w: World, steps: int, seed: int):
    """Yield (step, event) after each of ``steps`` commands; the laws are checked on the way."""
    chance = random.Random(seed)
    fund(w, chance)
    for step in range(steps):
        if chance.random() < 0.1:
            move(w, chance)
        verb, fields = next_command(w, chance)
        yield step, w.send(verb, **fields)
        if step % 20 == 0:
            laws(w)
    laws(w)


def reference_surplus(w: World, pool: int) -> Fraction:
    """surplus(MAINTAIN) of a pool."""
    return surplus(w, pool, Purpose.MAINTAIN)
