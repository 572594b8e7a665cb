"""Generated books of one underlying, their markets, and rule sets of each structure."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

from solvent.book import Book, Holding, Market, Method, Pool, Position, PriceKey, PriceKind, curve
from solvent.instruments import Option, OptionKind, Perpetual
from solvent.margin.scenario import Basis, GrowingDiscount, Move, PlainShock, Scenario, Shares
from solvent.margin.scenario.listing import CoinStep, Listing
from solvent.margin.scenario.portfolio import Haircut
from solvent.margin.scenario.quantised_form import NO_DISCOUNT
from solvent.units import ZERO, Asset
from solvent.venues import venue
from solvent.venues.derive_pmrm2.rules import parameters
from solvent.venues.derive_srm.composing import with_parameters

USDC = Asset("USDC", 6)
ETH, STETH, JUNK = Asset("ETH", 18), Asset("STETH", 18), Asset("JUNK", 6)
HUNDREDTH = Decimal("0.01")
DAY_NS = 86_400 * 10**9
START_NS = 1_700_000_000 * 10**9
DAYS = (1, 7, 29, 31, 180)
STRIKES = (1200, 1400, 1500, 1600, 1900)
SPOT = Decimal(1500)


def listing(places=8, days=DAYS, strikes=STRIKES):
    options = tuple(
        Option(
            f"{kind.value}-{day}-{strike}", "ETH", USDC, USDC, HUNDREDTH, HUNDREDTH, kind, Decimal(strike), expiry(day)
        )
        for day in days
        for strike in strikes
        for kind in OptionKind
    )
    perp = Perpetual("ETH-PERP", "ETH", USDC, USDC, HUNDREDTH, HUNDREDTH)
    coins = (CoinStep(ETH, Decimal("0.001")), CoinStep(STETH, Decimal("0.001")), CoinStep(JUNK, Decimal("0.1")))
    return Listing("ETH", USDC, options, (perp,), coins, places)


def expiry(day):
    return START_NS + day * DAY_NS


def netted_rules():
    """Spot × volatility on a grid with full netting: nothing told apart by expiry."""
    grid = tuple(
        Scenario(f"{spot} {move.value}", spot, move)
        for spot in (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15)
        for move in (Move.UP, Move.NONE, Move.DOWN)
    )
    return with_parameters(
        venue("derive_pmrm2"),
        replace(
            parameters(),
            scenarios=(*grid, Scenario("far", 3.0, Move.UP, 0.1)),
            volatility=PlainShock(0.3, 0.25),
            static_discount=NO_DISCOUNT,
            basis=Basis(1.0, 1.0, 0.0, 0.0),
            collateral={"STETH": Haircut(Decimal("0.15"), ZERO, "ETH"), "JUNK": Haircut(Decimal("0.5"), ZERO)},
        ),
    )


def rules_of_all():
    """A rule set of each structure."""
    own = parameters()
    wide = {"STETH": Haircut(Decimal("0.15"), ZERO, "ETH"), "JUNK": Haircut(Decimal("0.5"), ZERO)}
    second = replace(own, collateral=wide)
    many = tuple(Scenario(f"s{k}", 0.7 + 0.01 * k, Move.DOWN) for k in range(40))
    netted = netted_rules()
    return {
        "first": venue("derive_pmrm1"),
        "second": with_parameters(venue("derive_pmrm2"), second),
        "inclusive": replace(
            with_parameters(venue("derive_pmrm2"), replace(second, inside=True, discounted=False)),
            breach_inclusive=True,
        ),
        "netted": netted,
        "many": with_parameters(
            netted, replace(netted.models[Method.SCENARIO].rules, scenarios=many, maintenance=Shares(ZERO, ZERO))
        ),
        "basis alone": with_parameters(
            netted, replace(netted.models[Method.SCENARIO].rules, basis=Basis(1.05, 0.95, 0.5, 1.0))
        ),
        "smile alone": with_parameters(
            venue("derive_pmrm2"),
            replace(
                second,
                scenarios=tuple(one for one in own.scenarios if one.gains < 0),
                static_discount=GrowingDiscount(0.9, 0.5, 0.1, 1.1, 0.5, 0.2),
                basis=Basis(1.0, 1.0, 0.0, 0.0),
            ),
        ),
        "nothing nets": with_parameters(
            venue("derive_pmrm2"),
            replace(second, scenarios=tuple(one._replace(gains=0.0) for one in second.scenarios)),
        ),
    }


def market(listed, *, spot=SPOT, vol=1.0, seconds=0, seed=0, stable="1", funding=0, rate="0.05"):
    """A market whose volatilities smile and whose forwards carry, moved by shares of price and of volatility."""
    rng = random.Random(seed)
    prices = {PriceKey(PriceKind.INDEX, "ETH", "USDC"): Decimal(spot)}
    wide = {("stable_price", "USDC"): Decimal(stable)}
    for one in listed.options:
        base = 0.6 + 0.3 * abs(float(one.strike) / 1500 - 1) + 0.05 * rng.random()
        prices[PriceKey(PriceKind.VOL, one.symbol, "USDC")] = Decimal(f"{base * vol:.6f}")
        name = curve("ETH", one.expiry_ns)
        days = (one.expiry_ns - START_NS) // DAY_NS
        prices[PriceKey(PriceKind.FORWARD, name, "USDC")] = Decimal(f"{float(spot) * (1 + 0.0002 * days):.4f}")
        wide["rate", name] = Decimal(rate)
        if days == 1:
            wide["settled_forward", name] = Decimal("3.5")
    for one in listed.perps:
        prices[PriceKey(PriceKind.MARK, one.symbol, "USDC")] = Decimal(f"{float(spot) * 1.001:.2f}")
    for coin in listed.coins:
        worth = {"ETH": 1.0, "STETH": 0.997}.get(coin.asset.name, 0.001)
        prices[PriceKey(PriceKind.INDEX, coin.asset.name, "USDC")] = Decimal(f"{float(spot) * worth:.4f}")
    paid = {one.symbol: funding for one in listed.perps}
    return Market(prices, time_ns=START_NS + seconds * 10**9, wide=wide, funding=paid)


def book(listed, lots, cash=0, coins=(), entry=SPOT, funding=0, pool="p"):
    """A book of one pool: ``lots`` by symbol, cash in units, ``coins`` by name in whole steps."""
    assets = {one.name: one for one in (USDC, ETH, STETH, JUNK)}
    instruments = {one.symbol: one for one in (*listed.options, *listed.perps)}
    positions = []
    for symbol, count in lots.items():
        contract = instruments[symbol]
        cost = contract.worth(count, contract.ticks(entry)) if isinstance(contract, Perpetual) else 0
        positions.append(Position(symbol, count, cost, funding_index=funding))
    steps = {one.asset.name: one for one in listed.coins}
    held = {"USDC": cash} | {name: steps[name].asset.units(steps[name].step * count) for name, count in coins}
    holding = Holding(Pool(pool, numeraire="USDC", method=Method.SCENARIO), held, tuple(positions))
    return Book(assets, instruments, (holding,)), holding


def random_book(listed, rng, most=8, junk=True):
    """A book whose surplus is as often below the line as above it."""
    names = [one.symbol for one in listed.options]
    lots = {name: rng.choice((-1, 1)) * rng.randint(1, 400) for name in rng.sample(names, rng.randint(0, most))}
    if rng.random() < 0.5:
        lots["ETH-PERP"] = rng.choice((-1, 1)) * rng.randint(1, 400)
    pairs = list(lots.items())
    rng.shuffle(pairs)
    coins = [
        (name, rng.randint(-500, 3000)) for name in ("ETH", "STETH", "JUNK")[: 3 if junk else 1] if rng.random() < 0.4
    ]
    return book(listed, dict(pairs), rng.randint(-3_000_000_000, 5_000_000_000), coins, funding=rng.randint(-50, 50))
