"""Net sensitivities of a pool, each in money: what a move of a whole price, of all volatility, or of a day brings.

Delta is what a move by the whole price would bring (delta × price), gamma the same of curvature (gamma × price²), vega
what a move by the whole volatility would bring (vega × volatility, Basel MAR21.25), theta what a day brings. Greeks are
those of one option, floats rounded to twelve places; sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.margin.greeks.quadratic import Key
from solvent.margin.scenario.money import HALF_PLACE, figure
from solvent.margin.scenario.whole import Group, Whole
from solvent.pricing import black76
from solvent.rules import RulesError
from solvent.units import ZERO

LEAST_SPREAD = 1e-8
ROUGH = 4e-15  # black76's own errors and the products here
WHOLE_VOLATILITY = 100.0  # volatility points


class Sensitivities(NamedTuple):
    """Net sensitivities: by underlying, vega by underlying and expiry, theta of everything; all in the numeraire.

    ``errors`` bound what any of delta, gamma, vega (added up over expiries) and theta may be off by, by underlying.
    """

    delta: Mapping[str, Decimal]
    gamma: Mapping[str, Decimal]
    vega: Mapping[Key, Decimal]
    theta: Decimal
    errors: Mapping[str, float]


def sensitivities(whole: Whole, coins: frozenset[str], venue: str) -> Sensitivities:
    """The net sensitivities of a pool, coins among them (inside the exact context).

    Raises
    ------
    RulesError
        A structured product, or a debt in a coin that does not count.

    """
    if whole.structured:
        symbol = whole.structured[0][1].symbol
        raise RulesError(f"{venue}: {symbol} states profits of scenarios, and no Greeks")
    delta: dict[str, Decimal] = {}
    gamma: dict[str, Decimal] = {}
    vega: dict[Key, Decimal] = {}
    errors: dict[str, float] = {}
    theta = ZERO
    for group in whole.groups:
        for entry in group.contracts:
            delta[group.name] = delta.get(group.name, ZERO) + entry.size * entry.price
        theta += _add_options(group, delta, gamma, vega, errors)
    for coin in whole.coins:
        if coin.name in coins:
            delta[coin.name] = delta.get(coin.name, ZERO) + coin.amount * coin.price
        elif coin.amount < 0:
            raise RulesError(f"{venue}: a debt in {coin.name} has no weight; there are {', '.join(sorted(coins))}")
    return Sensitivities(delta, gamma, vega, theta, errors)


def _add_options(
    group: Group,
    delta: dict[str, Decimal],
    gamma: dict[str, Decimal],
    vega: dict[Key, Decimal],
    errors: dict[str, float],
) -> Decimal:
    """Add the options of an underlying to the sums; their theta is returned."""
    entries, series, expiries = group.options
    if not entries:
        return ZERO
    years = expiries.years[series.expiry]
    found = black76(
        series.forward, series.strike, years, series.volatility, series.is_call, expiries.discount[series.expiry]
    )
    spread = np.maximum(series.volatility * np.sqrt(years), LEAST_SPREAD)
    d1 = np.log(series.forward / series.strike) / spread + 0.5 * spread
    share = ROUGH * (1.0 + d1 * d1) * (1.0 + 1.0 / spread) + series.slack
    by_price = found.delta * series.forward
    by_curve = found.gamma * series.forward * series.forward
    by_volatility = found.vega * WHOLE_VOLATILITY * series.volatility
    largest = np.maximum(series.forward, np.maximum(np.abs(by_curve), np.maximum(by_volatility, np.abs(found.theta))))
    theta, name = ZERO, group.name
    for k, entry in enumerate(entries):
        key = (name, expiries.names[series.expiry[k]])
        delta[name] = delta.get(name, ZERO) + entry.size * figure(float(by_price[k]))
        gamma[name] = gamma.get(name, ZERO) + entry.size * figure(float(by_curve[k]))
        vega[key] = vega.get(key, ZERO) + entry.size * figure(float(by_volatility[k]))
        theta += entry.size * figure(float(found.theta[k]))
        off = abs(float(entry.size)) * (float(share[k] * largest[k]) + HALF_PLACE)
        errors[name] = errors.get(name, 0.0) + off
    return theta
