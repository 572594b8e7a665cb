"""The account under uniMMR: maintenance of futures and loans without offsets, and the line at 105% of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from solvent.assessment import Assessment
from solvent.book import Book, Holding, Market, PriceKind, Purpose
from solvent.instruments import Instrument, Payoff, Perpetual
from solvent.rates import Schedule
from solvent.rules import Collateral, ContractMargin, Sized, VenueRules
from solvent.units import exact
from solvent.venues.bybit_uta.account import UnifiedAccount
from solvent.venues.bybit_uta.tiers import at_price
from solvent.venues.parts import TierTable

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


@dataclass(frozen=True, slots=True)
class FuturesTiers:
    """USD-M and COIN-M margin facts side by side, by symbol and underlying."""

    linear: TierTable
    inverse: TierTable

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument; :class:`~solvent.rules.RulesError` for what has no tiers."""
        inverse = isinstance(instrument, Perpetual) and instrument.payoff is Payoff.INVERSE
        return (self.inverse if inverse else self.linear).contract(instrument)

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name; those of COIN-M end in ``" inverse"``."""
        inverse = {f"{name} inverse": facts for name, facts in self.inverse.every().items()}
        return {**self.linear.every(), **inverse}


@dataclass(frozen=True, slots=True)
class RatesOrDefault:
    """Collateral rates by asset; every other asset has the default rate."""

    by_asset: Mapping[str, Collateral]
    default: Collateral

    def asset(self, name: str) -> Collateral:
        """The facts of an asset."""
        return self.by_asset.get(name, self.default)

    def every(self) -> Mapping[str, Collateral]:
        """Every entry by asset, the default under ``"*"``."""
        return {**self.by_asset, "*": self.default}
