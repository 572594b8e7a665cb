"""Real daily prices that ship with the package, for back-tests: what they are, and how prices moved.

Two series: ``btc-daily`` (BTC, 2015 to 2026) and ``btc-eth-2022`` (BTC and ETH, 2022), each with its source note.
Prices are exact; the factors from day to day are binary floating point, for statistics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.rules import RulesError
from solvent.units import shifted

F64 = npt.NDArray[np.float64]
NAMES = ("btc-daily", "btc-eth-2022")


class Daily(NamedTuple):
    """Prices by asset, one a day from ``start`` on."""

    name: str
    title: str
    source: tuple[str, ...]
    start: date
    prices: Mapping[str, tuple[Decimal, ...]]

    @property
    def days(self) -> int:
        """How many prices each asset has."""
        return len(next(iter(self.prices.values())))

    def day(self, number: int) -> date:
        """The date of a price by its number from zero."""
        return self.start + timedelta(days=number)

    def factors(self, asset: str) -> F64:
        """What each day's price was multiplied by until the next day: one number fewer than prices.

        Raises
        ------
        RulesError
            The series has no such asset; the message lists those it has.

        Examples
        --------
        >>> found = daily("btc-daily").factors("BTC")
        >>> found.size, round(float(found.min()), 4)
        (4061, 0.6283)

        """
        column = self.prices.get(asset)
        if column is None:
            raise RulesError(f"{self.name}: no prices of {asset}; there are {', '.join(self.prices)}")
        prices = np.array([float(price) for price in column])
        found: F64 = prices[1:] / prices[:-1]
        return found


@cache
def daily(name: str) -> Daily:
    """A series by its name.

    Raises
    ------
    RulesError
        There is none of that name.

    Examples
    --------
    >>> found = daily("btc-eth-2022")
    >>> found.start.isoformat(), found.days, str(found.prices["ETH"][0])
    ('2022-01-01', 365, '3676.22')

    """
    if name not in NAMES:
        raise RulesError(f"no daily prices are named {name!r}; there are {', '.join(NAMES)}")
    text = resources.files("solvent.research").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    content = json.loads(text)
    prices = {asset: tuple(shifted(Decimal(one), -2) for one in column) for asset, column in content["cents"].items()}
    return Daily(name, content["title"], tuple(content["source"]), date.fromisoformat(content["start"]), prices)


def history_of(underlyings: frozenset[str]) -> Daily:
    """The longest series that has all of some underlyings.

    >>> history_of(frozenset({"BTC"})).name, history_of(frozenset({"ETH"})).name
    ('btc-daily', 'btc-eth-2022')
    """
    fitting = [found for found in map(daily, NAMES) if underlyings <= set(found.prices)]
    if not fitting:
        raise RulesError(f"no daily prices have all of {', '.join(sorted(underlyings))}")
    return max(fitting, key=lambda one: one.days)
