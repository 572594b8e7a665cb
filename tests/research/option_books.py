"""Small books with options under several rule sets, at one time and price."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from solvent.book import Book, Holding, Market, Method, Pool, Position, PriceKey, PriceKind, curve
from solvent.instruments import Future, Option, OptionKind, Perpetual, Spot
from solvent.units import Asset, exact

USDC, BTC = Asset("USDC", 12), Asset("BTC", 8)
POOL = "p"
NOW = datetime(2026, 1, 28, 8, tzinfo=UTC)
NEAR, FAR = datetime(2026, 2, 27, 8, tzinfo=UTC), datetime(2026, 3, 27, 8, tzinfo=UTC)
PERP, PAIR = "BTC-PERP", "BTC/USDC"
TICK, LOT = Decimal("0.1"), Decimal("0.01")


def ns(when):
    return int(when.timestamp()) * 10**9


def symbol(when, strike, kind):
    return f"BTC-{when:%Y%m%d}-{strike}-{kind[0].upper()}"


def option(when, strike, kind):
    name = symbol(when, strike, kind)
    return Option(name, "BTC", USDC, USDC, TICK, LOT, OptionKind(kind), Decimal(strike), ns(when))


@exact
def book(
    options, cash="100000", coin="0", perp=None, future=None, spot="100000", forward=None, vol="0.5", mark="2000.0"
):
    """A book and its market: ``options`` are (size, when, strike, kind); ``perp`` and ``future`` (size, mark, entry).

    Every option is listed at both kinds of its strike and expiry, with one volatility and one mark.
    """
    listed = {PAIR: Spot(PAIR, "BTC", USDC, USDC, TICK, LOT, BTC)}
    positions = []
    prices = {PriceKey(PriceKind.INDEX, "BTC", "USDC"): Decimal(spot)}
    prices[PriceKey(PriceKind.MARK, PAIR, "USDC")] = Decimal(spot)
    for size, when, strike, kind in options:
        for each in ("call", "put"):
            one = option(when, strike, each)
            listed[one.symbol] = one
            prices[PriceKey(PriceKind.VOL, one.symbol, "USDC")] = Decimal(vol)
            prices[PriceKey(PriceKind.MARK, one.symbol, "USDC")] = Decimal(mark)
        prices[PriceKey(PriceKind.FORWARD, curve("BTC", ns(when)), "USDC")] = Decimal(forward or spot)
        if size:
            own = listed[symbol(when, strike, kind)]
            positions.append(Position(own.symbol, own.lots(Decimal(str(size))), 0))
    for name, held, made in ((PERP, perp, Perpetual), ("BTC-FUT", future, Future)):
        if held is None:
            continue
        size, at, entry = (Decimal(str(one)) for one in held)
        more = {"expiry_ns": ns(NEAR)} if made is Future else {}
        one = made(name, "BTC", USDC, USDC, TICK, LOT, **more)
        listed[name] = one
        positions.append(Position(name, one.lots(size), one.worth(one.lots(size), one.ticks(entry))))
        prices[PriceKey(PriceKind.MARK, name, "USDC")] = at
    held = {"USDC": USDC.units(Decimal(cash))}
    if coin != "0":
        held["BTC"] = BTC.units(Decimal(coin))
    pool = Pool(POOL, numeraire="USDC", method=Method.SCENARIO)
    return Book({"USDC": USDC, "BTC": BTC}, listed, (Holding(pool, held, tuple(positions)),)), Market(
        prices, time_ns=ns(NOW)
    )
