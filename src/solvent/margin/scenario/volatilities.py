"""From a volatility surface to a market: the volatility of each option, and the forward of each expiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from solvent.book import BookError, Market, PriceKey, PriceKind, curve
from solvent.instruments import Instrument, Option
from solvent.margin.scenario.reading import BILLION
from solvent.margin.scenario.series import YEAR_SECONDS
from solvent.pricing.inputs import F64
from solvent.units import exact, shifted

PLACES = 8


class Surface(Protocol):
    """What has a volatility by strike and years, and a forward by years."""

    def volatility(self, strike: float, years: float) -> F64:
        """Volatility at a strike and a time."""
        ...

    def forward(self, years: float) -> F64:
        """The forward at a time."""
        ...


@exact
def with_surfaces(market: Market, listed: Iterable[Instrument], surfaces: Mapping[str, Surface]) -> Market:
    """The market with a VOL of every option listed and a FORWARD of every expiry, from its underlying's surface.

    Both are rounded to the nearest 1e-8: a market's volatilities are inputs of the margin, and from here on exact. Time
    runs from the market's ``time_ns``. Forwards are whole; where a settlement average has begun, give the part that
    still moves and the figure ``settled_forward`` instead (:mod:`solvent.margin.scenario.reading`).

    Raises
    ------
    BookError
        An option's underlying has no surface, or it has expired; nothing is filled then.

    Examples
    --------
    >>> from solvent.instruments import OptionKind
    >>> from solvent.pricing import Svi, smile_surface
    >>> from solvent.units import Asset
    >>> usd, cent = Asset("USDC", 6), Decimal("0.01")
    >>> call = Option("C", "ETH", usd, usd, cent, cent, OptionKind.CALL, Decimal(3300), 15_768_000 * 10**9)
    >>> surface = smile_surface([Svi(0.04, 0.1, -0.3, 0.0, 0.2, 3000.0, 0.5)], 2950.0)
    >>> filled = with_surfaces(Market({}), [call], {"ETH": surface})
    >>> {key.kind.value: str(price) for key, price in filled.prices.items()}
    {'vol': '0.34437076', 'forward': '3000.00000000'}

    """
    found: dict[PriceKey, Decimal] = {}
    for one in listed:
        if not isinstance(one, Option):
            continue
        surface = surfaces.get(one.underlying)
        if surface is None:
            raise BookError(f"surfaces: none of {one.underlying} for {one.symbol}; there are {sorted(surfaces)}")
        if one.expiry_ns <= market.time_ns:
            raise BookError(f"market.time: {one.symbol} has expired; expected an option with time to run")
        years = (one.expiry_ns - market.time_ns) / BILLION / YEAR_SECONDS
        volatility = surface.volatility(float(one.strike), years)
        found[PriceKey(PriceKind.VOL, one.symbol, one.quote.name)] = _rounded(float(volatility))
        name = curve(one.underlying, one.expiry_ns)
        found[PriceKey(PriceKind.FORWARD, name, one.quote.name)] = _rounded(float(surface.forward(years)))
    return market.with_prices(found)


def _rounded(value: float) -> Decimal:
    return shifted(Decimal(round(value * 10**PLACES)), -PLACES)
