"""The account under uniMMR: maintenance of futures and loans without offsets, and the line at 105% of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from solvent.assessment import Assessment
from solvent.book import Book, Holding, Market, PriceKind, Purpose
from solvent.margin.unified import UnifiedAccount
from solvent.margin.weights import at_price
from solvent.rates import Schedule
from solvent.rules import Sized, VenueRules
from solvent.units import exact

AT_THE_LINE = (Purpose.MAINTAIN, Purpose.RECOVER, Purpose.FILL)


@dataclass(frozen=True, slots=True)
class UniAccount:
    """How a pool is judged.

    The requirement is the maintenance margin itself, so that equity ÷ requirement is uniMMR; liquidation begins at
    ``line`` × the requirement. ``low`` and ``high`` of an assessment are therefore the distance to that line at
    :data:`AT_THE_LINE`, and the surplus elsewhere.
    """

    tiers: UnifiedAccount
    line: Decimal

    @exact
    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """Tiers of every contract, loans at their rate, and the distance to the line; exact."""
        found = self.tiers.assess(book, market, rules, purpose, holding)
        if purpose not in AT_THE_LINE:
            return found
        distance = found.margin_equity - found.required * self.line
        return replace(found, low=distance, high=distance)


def index_of(market: Market, coin: str) -> Decimal:
    """A coin's index in USD, or in the only asset it is quoted in.

    Raises
    ------
    BookError
        There is none, or several and none in USD.

    """
    found = {key.quote: price for key, price in market.prices.items() if key[:2] == (PriceKind.INDEX, coin)}
    if len(found) == 1:
        return next(iter(found.values()))
    return market.price(PriceKind.INDEX, coin, "USD")


@dataclass(frozen=True, slots=True)
class CoinTiers:
    """Tiers on notional in a coin, as a schedule on notional in USD at the coin's index."""

    tiers: Schedule
    coin: str

    def at_size(self, sized: Sized) -> Schedule:
        """The tiers at the coin's present price; an index of zero is refused by the schedule."""
        return at_price(self.tiers, index_of(sized.market, self.coin))
