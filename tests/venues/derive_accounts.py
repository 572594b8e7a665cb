"""Small books under Derive's managers."""

from __future__ import annotations

from decimal import Decimal

from solvent.book import Book, Holding, Market, Method, Order, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Option, OptionKind, Perpetual
from solvent.margin.scenario import curve
from solvent.units import Asset, exact

USDC = Asset("USDC", 24)
DAY_NS = 86_400 * 10**9
TICK, LOT = Decimal("0.01"), Decimal("0.01")
POOL = "cross"


@exact
def account(cash="1000", options=(), perp=None, coins=(), orders=(), spot="1500", stable="1", coin="ETH", **figures):
    """A book and its market.

    ``options`` are (size, kind, strike, days, volatility), ``perp`` is (size, mark, entry), ``coins`` (name, amount,
    price); figures by name are of the coin, of ``perp`` or of every expiry.
    """
    instruments, positions = {}, []
    prices = {PriceKey(PriceKind.INDEX, coin, "USDC"): Decimal(spot)}
    wide = {("stable_price", "USDC"): Decimal(stable)}
    for k, (size, kind, strike, days, vol) in enumerate(options):
        when = int(Decimal(str(days)) * DAY_NS)
        listed = Option(f"O{k}", coin, USDC, USDC, TICK, LOT, OptionKind(kind), Decimal(str(strike)), when)
        instruments[listed.symbol] = listed
        positions.append(Position(listed.symbol, listed.lots(Decimal(str(size))), 0))
        prices[PriceKey(PriceKind.VOL, listed.symbol, "USDC")] = Decimal(str(vol))
        name = curve(coin, when)
        for figure in ("forward_confidence", "volatility_confidence", "rate", "settled_forward"):
            if figure in figures:
                wide[figure, name] = Decimal(figures[figure])
        if "forward" in figures:
            prices[PriceKey(PriceKind.FORWARD, name, "USDC")] = Decimal(figures["forward"])
    if perp is not None:
        size, mark, entry = (Decimal(str(one)) for one in perp)
        listed = Perpetual(f"{coin}-PERP", coin, USDC, USDC, TICK, LOT)
        instruments[listed.symbol] = listed
        lots = listed.lots(size)
        positions.append(Position(listed.symbol, lots, listed.worth(lots, listed.ticks(entry))))
        prices[PriceKey(PriceKind.MARK, listed.symbol, "USDC")] = mark
        wide["confidence", listed.symbol] = Decimal(figures.get("perp_confidence", "1"))
    assets, held = {"USDC": USDC}, {"USDC": USDC.units(Decimal(cash))}
    for name, amount, price in coins:
        assets[name] = Asset(name, 18)
        held[name] = assets[name].units(Decimal(amount))
        prices[PriceKey(PriceKind.INDEX, name, "USDC")] = Decimal(price)
    for subject, value in figures.get("confidence", {}).items():
        wide["confidence", subject] = Decimal(value)
    resting = tuple(Order(f"r{k}", symbol, lots, ticks) for k, (symbol, lots, ticks) in enumerate(orders))
    holding = Holding(Pool(POOL, numeraire="USDC", method=Method.SCENARIO), held, tuple(positions), resting)
    return Book(assets, instruments, (holding,)), Market(prices, wide=wide)
