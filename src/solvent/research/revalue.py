"""What a pool gains in a day if prices move as they once did: full revaluation, in binary floating point.

Contracts and coins move with their underlying, a staked token with its coin (no history of lost pegs is here), a pool
token as the root of both legs; options are priced a day older at the volatility they have now. So what is tested is how
a requirement covers moves of prices, not of volatility, of pegs or of the basis.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from solvent.book import Book, Holding, Market
from solvent.instruments import DOLLARS
from solvent.margin.scenario.joint import Follows
from solvent.margin.scenario.series import YEAR_SECONDS
from solvent.margin.scenario.whole import Group, Whole, unit_prices, whole_pool
from solvent.pricing.black import spread_price
from solvent.rules import RulesError
from solvent.units import exact

F64 = npt.NDArray[np.float64]
DAY_SECONDS = 86_400.0


@exact
def day_profits(
    book: Book, market: Market, holding: Holding, collateral: Mapping[str, Follows], factors: Mapping[str, F64]
) -> F64:
    """Profit of a pool over one day for each day of a history, in the numeraire.

    Parameters
    ----------
    book, market, holding
        The pool as it is now; it is held unchanged through every day.
    collateral
        What coins follow (:class:`~solvent.margin.scenario.joint.Follows`).
    factors
        By underlying, what its price is multiplied by on each day; arrays of one length.

    Raises
    ------
    RulesError
        An underlying has no factors, a coin follows nothing, or a structured product is held.

    Examples
    --------
    >>> import numpy as np
    >>> from solvent.samples import two_positions
    >>> book, market = two_positions()
    >>> two = {"BTC": np.array([1.0, 0.9]), "ETH": np.array([1.0, 1.0])}
    >>> day_profits(book, market, book.holdings[0], {}, two).round(2).tolist()
    [0.0, -350003.25]

    """
    whole = whole_pool(book, market, holding, "a day's revaluation")
    if whole.structured:
        raise RulesError(f"{whole.structured[0][1].symbol}: a structured product has no price of its own to move")
    days = next(iter(factors.values())).size
    found = np.zeros(days)
    for group in whole.groups:
        found += _group(group, _of(factors, group.name))
    return found + _coins(whole, collateral, factors)


def _of(factors: Mapping[str, F64], name: str) -> F64:
    if name not in factors:
        raise RulesError(f"no history of {name}; there is {', '.join(sorted(factors))}")
    return factors[name]


def _group(group: Group, factor: F64) -> F64:
    found = np.zeros(factor.size)
    for entry in group.contracts:
        found += float(entry.size * entry.price) * (factor - 1.0)
    entries, series, expiries = group.options
    if not entries:
        return found
    older = np.maximum(expiries.seconds - DAY_SECONDS, 0.0) / YEAR_SECONDS
    discount = np.exp(-np.maximum(expiries.rate, 0.0) * older)
    spread = series.volatility * np.sqrt(older[series.expiry])
    forward = factor[:, None] * expiries.moving[series.expiry] + expiries.settled[series.expiry]
    then = spread_price(forward, series.strike, spread, series.is_call) * discount[series.expiry]
    sizes = np.array([float(entry.size) for entry in entries])
    gained: F64 = ((then - unit_prices(series, expiries)) * sizes).sum(axis=1)
    return found + gained


def _coins(whole: Whole, collateral: Mapping[str, Follows], factors: Mapping[str, F64]) -> F64:
    days = next(iter(factors.values())).size
    found = np.zeros(days)
    for coin in whole.coins:
        follows = collateral.get(coin.name)
        if follows is None:
            raise RulesError(f"{coin.name} follows nothing here; there are {', '.join(sorted(collateral))}")
        moved = [np.ones(days) if leg in DOLLARS else _of(factors, leg) for leg in follows.legs]
        if len(moved) == 1:
            factor = np.maximum(0.0, 1.0 + float(follows.beta) * (moved[0] - 1.0))
        else:
            factor = np.sqrt(moved[0] * moved[1])
        found += float(coin.amount * coin.price) * (factor - 1.0)
    return found
