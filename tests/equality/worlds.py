"""Worlds for ring equality: assets with haircuts, many kinds of contracts, rule sets plain and odd."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import LegMode, Mode, Purpose
from solvent.engine.commands import list_asset, list_instrument, open_pool, prices, schedule_rules
from solvent.engine.records import House, Verb, command
from solvent.engine.tables import Limits
from solvent.instruments import Future, Payoff, Perpetual, Spot
from solvent.rates import Schedule
from solvent.rules import (
    Borrowing,
    Collateral,
    LiquidationRules,
    Missing,
    OrderMargin,
    Penalty,
    PenaltyBase,
    Plan,
)
from solvent.units import Asset
from solvent.venues import venue
from tests.margin.small_rules import Collaterals, Margins, small_rules

D = Decimal
USDT, BTC, ETH = Asset("USDT", 6), Asset("BTC", 8), Asset("ETH", 8)
MINIS = 12
ODD_TIERS = Schedule.marginal([("0", "0.01004"), ("777.000001", "0.0204"), ("5000.5", "0.05"), ("90000", "0.25")])
STEPS = Schedule.step([("0", "0.01004"), ("777.000001", "0.0204"), ("5000.5", "0.05"), ("90000", "0.25")])
ODD_WEIGHTS = Schedule.weights([("0", "0.912345"), ("1234.567891", "0.5")], cap="60000")


def odd_rules(**changes):
    """Odd floors and rates, margin by order cost, borrowing with a low cap, a penalty on the deficit."""
    weights = dict.fromkeys(Purpose, ODD_WEIGHTS)
    facts = {"BTC": Collateral(weights, D("1.07")), "ETH": Collateral(weights, D(1))}
    parts = {
        "name": "odd",
        "margin": Margins(default=ODD_TIERS, by_symbol={"EDGE": STEPS}, default_leverage=7),
        "collateral": Collaterals(facts),
        "orders": OrderMargin.ORDER_COST,
        "borrowing": Borrowing(Missing.BORROW, 20_000, 100_000, 3_000_000, 800_000, 900_000),
        "penalty": Penalty(PenaltyBase.DEFICIT, 100_000, {"ALT": 250_000}),
        "liquidation": LiquidationRules(Plan.PROPORTIONAL, 500_000, 20_000),
        "breach_inclusive": True,
    }
    return small_rules(**{**parts, **changes})


def seizing_rules():
    """The odd set's sister: worst side of orders, plain negative balances, a penalty on seized collateral."""
    return small_rules(
        name="seizing",
        margin=Margins(by_symbol={"EDGE": ODD_TIERS}),
        penalty=Penalty(PenaltyBase.SEIZED_COLLATERAL, 12_345),
    )


VENUES = {
    "generic": venue("generic"),
    "binance_usdm": venue("binance_usdm"),
    "odd": odd_rules(),
    "seizing": seizing_rules(),
}
NUMERAIRES = dict.fromkeys(VENUES, "USDT")
ROWS = [
    ("generic", Mode.CROSS), ("generic", Mode.ISOLATED), ("binance_usdm", Mode.CROSS),
    ("binance_usdm", Mode.ISOLATED), ("odd", Mode.CROSS), ("seizing", Mode.CROSS), ("seizing", Mode.ISOLATED),
]  # fmt: skip
LIMITS = Limits(pools=128, entries=1 << 12, orders=1 << 10, things=40, rules=8, pieces=1 << 13, sources=4)


def _linear(symbol, underlying, tick, lot):
    return Perpetual(symbol, underlying, USDT, USDT, D(tick), D(lot))


@dataclass(frozen=True)
class Listing:
    """An instrument, its limits and its first mark in ticks."""

    instrument: object
    max_lots: int
    max_ticks: int
    mark: int


LISTINGS = [
    Listing(_linear("BTC-PERP", "BTC", "0.1", "0.001"), 10**7, 10**7, 600_000),
    Listing(_linear("ETH-PERP", "ETH", "0.01", "0.01"), 10**7, 10**7, 300_000),
    Listing(_linear("ALT", "ALT", "0.0001", "1"), 10**7, 10**8, 12_345),
    Listing(_linear("EDGE", "EDGE", "0.000001", "1"), 1 << 17, 1 << 40, 777_000_001),
    Listing(Perpetual("BTC-COIN", "BTC", USDT, BTC, D("0.1"), D(1), Payoff.INVERSE, D(100)), 10**5, 10**7, 600_000),
    Listing(Future("BTC-MAR", "BTC", USDT, USDT, D("0.1"), D("0.001"), expiry_ns=1_000), 10**7, 10**7, 601_000),
    Listing(Spot("BTC-SPOT", "BTC", USDT, USDT, D("0.1"), D("0.001"), BTC), 10**6, 10**7, 600_000),
    *(Listing(_linear(f"M{k:02}", f"M{k:02}", "0.001", "0.1"), 10**7, 10**7, 10_000 + 777 * k) for k in range(MINIS)),
]
ASSETS = 3
USDT_ID, BTC_ID, ETH_ID = range(ASSETS)
PERP, ETH_PERP, ALT, EDGE, COIN, FUTURE, SPOT = range(ASSETS, ASSETS + 7)
FIRST_MINI = ASSETS + 7
CONTRACTS = [PERP, ETH_PERP, ALT, EDGE, COIN, FUTURE, *range(FIRST_MINI, FIRST_MINI + MINIS)]
MARKS = {BTC_ID: 600_000, ETH_ID: 300_000} | {ASSETS + k: one.mark for k, one in enumerate(LISTINGS)}


def stage(rng: random.Random, next_seq) -> list:
    """Commands that list everything, price it, lend, and open pools with money; some may be refused."""
    units = 10**6
    sent = [
        list_asset(0, next_seq(), USDT, max_units=10**15),
        list_asset(0, next_seq(), BTC, max_units=10**12, quote="USDT", tick=D("0.1")),
        list_asset(0, next_seq(), ETH, max_units=10**11, quote="USDT", tick=D("0.01")),
    ]
    late = rng.sample(range(len(LISTINGS)), 4)  # some are listed after the rules, all in the same order
    cut = min(late)
    rows = [schedule_rules(0, next_seq(), row=k, rules=name, mode=mode) for k, (name, mode) in enumerate(ROWS)]
    listings = [
        list_instrument(0, 0, one.instrument, max_lots=one.max_lots, max_ticks=one.max_ticks) for one in LISTINGS
    ]
    for record, _ in listings[:cut]:
        record["source_seq"] = next_seq()
    sent += listings[:cut]
    for record, _ in rows:
        record["source_seq"] = next_seq()
    sent += rows
    for record, _ in listings[cut:]:
        record["source_seq"] = next_seq()
    sent += listings[cut:]
    sent.append(prices(0, next_seq(), MARKS, 0))
    for asset, lent in ((USDT_ID, rng.choice([0, 10**5 * units])), (BTC_ID, rng.choice([0, 10**9])), (ETH_ID, 10**7)):
        if lent:
            sent.append(_plain(Verb.DEPOSIT, next_seq, pool=-1 - House.LENDING, thing=asset, amount=lent))
    sent.append(_plain(Verb.DEPOSIT, next_seq, pool=1, thing=USDT_ID, amount=rng.randint(0, 20_000) * units))
    return sent + _pools(rng, next_seq)


def _plain(verb, next_seq, **fields):
    return command(verb, 0, next_seq(), **fields), b""


def _pools(rng, next_seq):
    """Cross pools of every rule set, one in hedge mode each, isolated children, a market maker."""
    sent, pool = [], 2
    for row, (_, mode) in enumerate(ROWS):
        for k in range(3 if mode is Mode.CROSS else 1):
            parent = pool - 1 if mode is Mode.ISOLATED else -1
            owner = pool - 1 if mode is Mode.ISOLATED else pool
            legs = LegMode.HEDGE if k == 1 else LegMode.ONE_WAY
            scope = rng.choice([-1, PERP, EDGE]) if mode is Mode.ISOLATED else -1
            sent.append(
                open_pool(
                    0, next_seq(), pool=pool, rules=row, owner=owner, account=owner, mode=mode, legs=legs,
                    parent=parent, scope=scope,
                )
            )  # fmt: skip
            sent.append(
                _plain(
                    Verb.DEPOSIT, next_seq, pool=pool, thing=USDT_ID,
                    amount=rng.choice([10**9, 10**10, 10**11]) + rng.randint(0, 99),
                )
            )  # fmt: skip
            if rng.random() < 0.6:
                asset = rng.choice([BTC_ID, ETH_ID])
                sent.append(_plain(Verb.DEPOSIT, next_seq, pool=pool, thing=asset, amount=rng.randint(1, 10**8)))
            pool += 1
    return sent
