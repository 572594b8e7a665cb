"""Small books for examples and first steps."""

from __future__ import annotations

from decimal import Decimal

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Perpetual
from solvent.units import Asset


def two_positions() -> tuple[Book, Market]:
    """A cross account long ether and bitcoin on one wallet: the worked example of the Binance liquidation FAQ.

    Wallet 1,535,443.01 USDT; 3,683.979 ETH at 1,456.84 marked at 1,335.18; 109.488 BTC at 32,481.98 marked at 31,967.27
    (binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93).

    Examples
    --------
    >>> book, market = two_positions()
    >>> [position.symbol for position in book.holding("cross").positions]
    ['ETHUSDT', 'BTCUSDT']

    """
    usdt = Asset("USDT", 8)
    cent, lot = Decimal("0.01"), Decimal("0.001")
    ether = Perpetual("ETHUSDT", "ETH", usdt, usdt, cent, lot)
    bitcoin = Perpetual("BTCUSDT", "BTC", usdt, usdt, cent, lot)
    held = []
    for contract, size, entry in ((ether, "3683.979", "1456.84"), (bitcoin, "109.488", "32481.98")):
        lots = contract.lots(Decimal(size))
        held.append(Position(contract.symbol, lots, contract.worth(lots, contract.ticks(Decimal(entry)))))
    holding = Holding(Pool("cross"), {"USDT": usdt.units(Decimal("1535443.01"))}, tuple(held))
    prices = {
        PriceKey(PriceKind.MARK, "ETHUSDT", "USDT"): Decimal("1335.18"),
        PriceKey(PriceKind.MARK, "BTCUSDT", "USDT"): Decimal("31967.27"),
    }
    return Book({"USDT": usdt}, {one.symbol: one for one in (ether, bitcoin)}, (holding,)), Market(prices)
