"""Small accounts of Drift v2 in the program's own integers, for the tests of that venue."""

from __future__ import annotations

from solvent.venues.drift_v2.account import PerpPosition, SpotBalance, calculate
from solvent.venues.drift_v2.formulas import MarginType
from solvent.venues.drift_v2.markets import ONE_QUOTE, PerpMarket, Quoted, SpotMarket


def perp(base, quote, *, price=100_000_000, market=None, **more):
    return PerpPosition("SOL-PERP", market or PerpMarket(1000, 500), base, quote, price, **more)


def spot(tokens, price=100_000_000, average=None, market=None, **more):
    quoted = Quoted(price, price if average is None else average)
    return SpotBalance("SOL", market or SpotMarket(8000, 9000, 12000, 11000), tokens, 9, quoted, **more)


def usdc(tokens, price=ONE_QUOTE):
    return SpotBalance("USDC", SpotMarket(quote=True), tokens, 6, price)


def sums(account, kind=MarginType.MAINTENANCE, **more):
    found = calculate(account, kind, **more)
    return found.collateral, found.required
