"""A stream of batches for the real engine, each the same whenever it is made: the first lists, the rest trade."""

from decimal import Decimal

import numpy as np

from solvent.engine.commands import assemble, list_asset, list_instrument, open_pool, prices, schedule_rules
from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, Verb, command
from solvent.engine.tables import Limits
from solvent.instruments import Perpetual
from solvent.journal.source import engine_source
from solvent.units import Asset
from solvent.venues import venue

USDT, BTC = Asset("USDT", 6), Asset("BTC", 8)
USDT_ID, BTC_ID, PERP = range(3)
PERPETUAL = Perpetual("BTC-PERP", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"))
POOLS = 8
MARK = 600_000
LIMITS = Limits(pools=64, entries=1 << 10, orders=1 << 10, things=8, rules=4, pieces=1 << 10, sources=8)
VENUES = {"generic": venue("generic")}
SIZE = 24  # commands a batch


def real_source():
    return engine_source(VENUES, limits=LIMITS)


def real_batch(number):
    return assemble(first() if number == 1 else trades(number))


def first():
    user = range(FIRST_USER_POOL, FIRST_USER_POOL + POOLS)
    sent = [
        list_asset(1, 1, USDT, max_units=10**15),
        list_asset(1, 2, BTC, max_units=10**11, quote="USDT", tick=Decimal("0.1")),
        list_instrument(1, 3, PERPETUAL, max_lots=10**8, max_ticks=10**7),
        schedule_rules(1, 4, row=0, rules="generic"),
        prices(1, 5, {BTC_ID: MARK, PERP: MARK}, 0),
        (command(Verb.DEPOSIT, 1, 6, pool=FUND_POOL, thing=USDT_ID, amount=10**12), b""),
    ]
    sent += [open_pool(1, 10 + pool, pool=pool, rules=0, owner=pool) for pool in user]
    cash = [(pool, command(Verb.DEPOSIT, 1, 100 + pool, pool=pool, thing=USDT_ID, amount=10**10)) for pool in user]
    return sent + [(record, b"") for _, record in cash]


def trades(number):
    """Fills, orders, deposits, withdrawals, new marks: a good part is refused, some pools are found in breach."""
    draw = np.random.default_rng(number)
    mark = MARK + int(draw.integers(-150_000, 150_000))
    sent = [prices(1, number * 1000, {BTC_ID: mark, PERP: mark}, number * 10**9)]
    for place in range(1, SIZE):
        seq = number * 1000 + place
        pool, other = (int(p) for p in FIRST_USER_POOL + draw.permutation(POOLS)[:2])
        lots = int(draw.integers(1, 300)) * (1 if draw.random() < 0.5 else -1)
        ticks = mark + int(draw.integers(-2_000, 2_000))
        kind = int(draw.integers(0, 8))
        if kind < 4:
            record = command(Verb.FILL, 1, seq, pool=pool, other=other, thing=PERP, lots=lots, ticks=ticks)
        elif kind < 6:
            record = command(Verb.RESERVE, 1, seq, pool=pool, thing=PERP, lots=lots, ticks=ticks, ref=seq)
        elif kind < 7:
            verb = Verb.WITHDRAW if lots > 0 else Verb.DEPOSIT
            record = command(verb, 1, seq, pool=pool, thing=USDT_ID, amount=abs(lots) * 10**6)
        else:
            sent.append(prices(1, seq, {BTC_ID: ticks, PERP: ticks}, number * 10**9 + place))
            continue
        sent.append((record, b""))
    return sent
