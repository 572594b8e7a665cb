"""Pools of perpetuals, futures, options, coins and structured products for tests, in a few words."""

from __future__ import annotations

from decimal import Decimal

from solvent.book import Book, Holding, Market, Method, Mode, Pool, Position, PriceKey, PriceKind, curve
from solvent.instruments import Future, Option, OptionKind, Perpetual, Structured
from solvent.units import Asset, exact

D = Decimal
USDT = Asset("USDT", 8)
NAMES = ("BTC", "ETH", "SOL", "DOGE", "USDC", "STETH", "ETH-USDT-LP", "ETH-BTC-LP", "VENUE", "JUNK")
COINS = {name: Asset(name, 8) for name in NAMES}
PRICES = {"BTC": D(50_000), "ETH": D(2_000), "SOL": D(100), "DOGE": D("0.1")}
OTHERS = {"USDC": D(1), "STETH": D(2_000), "ETH-USDT-LP": D(80), "ETH-BTC-LP": D(400), "VENUE": D(5), "JUNK": D(1)}
DAY_NS = 86_400 * 10**9
NOW = 1_700_000_000 * 10**9
TICK, LOT = D("0.0001"), D("0.001")


def perp(name="BTC"):
    return Perpetual(f"{name}-PERP", name, USDT, USDT, TICK, LOT, contract_size=D(1))


def future(name="BTC", days=30):
    return Future(f"{name}-FUT{days}", name, USDT, USDT, TICK, LOT, expiry_ns=NOW + days * DAY_NS)


def option(kind, strike, days=30, name="BTC"):
    symbol = f"{name}-{days}-{strike}-{kind[0].upper()}"
    return Option(
        symbol, name, USDT, USDT, TICK, LOT, OptionKind(kind), D(strike), NOW + days * DAY_NS, contract_size=D(1)
    )


def structured(results, name="BTC"):
    return Structured("NOTE", name, USDT, USDT, TICK, LOT, tuple(results))


@exact
def pool_of(*held, cash=(), mode=Mode.PORTFOLIO, method=Method.SCENARIO, vols=None, prices=None, orders=(), rate=None):
    """Book and market of one pool ``p``; ``held`` are (instrument, size) or (instrument, size, entry price)."""
    prices = {**PRICES, **OTHERS, **(prices or {})}
    quotes = {PriceKey(PriceKind.INDEX, name, "USDT"): price for name, price in prices.items()}
    instruments, positions, wide = {}, [], {}
    for one, size, *entry in held:
        mark = prices.get(one.symbol, prices[one.underlying])
        quotes[PriceKey(PriceKind.MARK, one.symbol, "USDT")] = mark
        if isinstance(one, Option):
            vol = D(str((vols or {}).get(one.symbol, "0.6")))
            quotes[PriceKey(PriceKind.VOL, one.symbol, "USDT")] = vol
            if rate is not None:
                wide["rate", curve(one.underlying, one.expiry_ns)] = D(rate)
        instruments[one.symbol] = one
        lots = one.lots(D(str(size)))
        cost = one.worth(lots, one.ticks(D(str(entry[0])))) if entry else 0
        if not entry and not isinstance(one, Option):
            cost = one.worth(lots, one.ticks(mark))
        positions.append(Position(one.symbol, lots, cost))
    for one, _ in orders:
        instruments.setdefault(one.symbol, one)
        quotes.setdefault(PriceKey(PriceKind.MARK, one.symbol, "USDT"), prices.get(one.symbol, prices[one.underlying]))
    assets = {"USDT": USDT, **COINS}
    units = {name: assets[name].units(D(str(amount))) for name, amount in dict(cash).items()}
    pool = Pool("p", mode=mode, method=method, numeraire="USDT")
    holding = Holding(pool, units, tuple(positions), tuple(order for _, order in orders))
    return Book(assets, instruments, (holding,)), Market(quotes, time_ns=NOW, wide=wide)
