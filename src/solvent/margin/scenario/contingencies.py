"""Charges beside the scenarios, exact: open short options, perpetuals, collateral, and prices nobody is sure of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from solvent.assessment import Line
from solvent.book import Leg, Market
from solvent.instruments import OptionKind
from solvent.margin.scenario.portfolio import Haircut, PortfolioRules
from solvent.margin.scenario.reading import CoinHeld, OptionHeld, Underlying
from solvent.margin.sharing import once
from solvent.units import ONE, ZERO, Rounding, divide

CENTI_QUADRILLIONTHS = 18


def value_of(coin: CoinHeld, stable: Decimal) -> Decimal:
    """A balance's value in the numeraire: amount × price ÷ the stablecoin's price, rounded down at 18 places."""
    worth = coin.amount * coin.price
    return worth if stable == ONE else divide(worth, stable, CENTI_QUADRILLIONTHS, Rounding.DOWN)


def naked_shorts(options: Iterable[OptionHeld]) -> Decimal:
    """Short options not covered by a long of the other type at the same strike and expiry, as a positive size.

    >>> naked_shorts([])
    Decimal('0')
    """
    net: dict[tuple[str, Decimal], tuple[Decimal, Decimal]] = {}
    for one in options:
        place = one.expiry, one.listed.strike
        call, put = net.get(place, (ZERO, ZERO))
        net[place] = (call + one.size, put) if one.listed.kind is OptionKind.CALL else (call, put + one.size)
    total = ZERO
    for call, put in net.values():
        for short, other in ((call, put), (put, call)):
            if short < 0:
                total += max(ZERO, -short - max(ZERO, other))
    return total


def haircut_of(rules: PortfolioRules, coin: str, underlying: str) -> Haircut | None:
    """The haircut of a collateral; the underlying's own coin may have one of its own."""
    if rules.own and coin == underlying:
        return rules.own.get(coin, rules.own.get("*", Haircut(ONE, ZERO)))._replace(coin=underlying)
    return rules.collateral.get(coin)


def static_charges(
    rules: PortfolioRules, held: Underlying, coins: Iterable[CoinHeld], stable: Decimal, *, initial: bool
) -> Iterator[Line]:
    """Contingencies of perpetuals, open short options and collateral (inside the exact context)."""
    naked = once(naked_shorts, held.options)
    for share, stage in ((rules.maintenance, ""), (rules.initial_extra, "initial_")):
        if stage and not initial:
            continue
        perp = abs(held.perp_size) * held.spot * share.perp
        yield Line(f"{stage}perp_contingency", held.name, Leg.NET, required=perp)
        option = naked * held.spot * share.option
        yield Line(f"{stage}option_contingency", held.name, Leg.NET, required=option)
    for coin in coins:
        cut = haircut_of(rules, coin.name, held.name)
        if cut is None:
            continue
        on = coin.amount * held.spot if rules.coin_in_spot else value_of(coin, stable)
        on = max(ZERO, on)
        yield Line("collateral_contingency", coin.name, Leg.NET, required=on * cut.maintenance)
        if initial:
            yield Line("initial_collateral_contingency", coin.name, Leg.NET, required=on * cut.initial)


def oracle_charges(
    rules: PortfolioRules, held: Underlying, coins: Iterable[CoinHeld], market: Market, stable: Decimal
) -> Iterator[Line]:
    """Charges for prices below the confidence threshold (inside the exact context).

    Confidences are figures of the market by name: ``confidence`` of a coin or a perpetual, ``forward_confidence``,
    ``rate_confidence`` and ``volatility_confidence`` of an expiry; 1 where nothing is said.
    """
    lowest = market.figure("confidence", held.name, ONE)
    perp = min((market.figure("confidence", one.symbol, ONE) for one in held.perps if one.size), default=ONE)
    before = min(lowest, perp)
    for coin in coins:
        own = market.figure("confidence", coin.name, ONE)
        folded = before if rules.oracle.perp_first else min(lowest, own)
        on = coin.amount * held.spot if rules.coin_in_spot else value_of(coin, stable)
        yield Line("oracle", coin.name, Leg.NET, required=rules.oracle.rate(folded) * max(ZERO, on))
    if held.perp_size:
        notional = abs(held.perp_size) * held.spot
        yield Line("oracle", held.perps[0].symbol, Leg.NET, required=rules.oracle.rate(before) * notional)
    sizes: dict[str, Decimal] = {}
    for one in held.options:
        sizes[one.expiry] = sizes.get(one.expiry, ZERO) + abs(one.size)
    for expiry, size in sizes.items():
        names = ("forward_confidence", "rate_confidence", "volatility_confidence")
        feeds = min(market.figure(name, expiry, ONE) for name in names)
        yield Line("oracle", expiry, Leg.NET, required=rules.oracle.rate(min(before, feeds)) * size * held.spot)
