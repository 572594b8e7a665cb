"""What stands before a margin calculation: how far an oracle may be trusted, and what isolated tiers forbid."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

from solvent.venues.drift_v2.account import Account
from solvent.venues.drift_v2.formulas import PRICE

MOST_VOLATILITY = 5  # times the last hourly average
MOST_CONFIDENCE = 20_000  # of the price, 1e-6
STALE_FOR_MARGIN = 120  # slots
STALE_FOR_AMM = 10
MOST_DIVERGENCE = 500_000  # from the five-minute average, 1e-6


class Validity(enum.IntEnum):
    """How an oracle price stands, the worst first."""

    NON_POSITIVE = 0
    TOO_VOLATILE = 1
    TOO_UNCERTAIN = 2
    STALE_FOR_MARGIN = 3
    INSUFFICIENT_DATA = 4
    STALE_FOR_AMM = 5
    VALID = 6


class Action(enum.Enum):
    """What a price is wanted for; the value is the worst validity that still serves."""

    LIQUIDATE = Validity.TOO_UNCERTAIN
    MARGIN = Validity.INSUFFICIENT_DATA


@dataclass(frozen=True, slots=True)
class Reading:
    """An oracle's price and confidence (1e-6), slots since it was written, the last average, and its market's patience.

    ``tier_multiplier`` widens the confidence a market's tier accepts.
    """

    price: int
    confidence: int
    delay_slots: int
    last_average: int
    tier_multiplier: int = 1
    enough_data: bool = True


def validity(reading: Reading) -> Validity:
    """The worst that is wrong with a reading (math/oracle.rs); the program cuts the volatility to whole times.

    >>> validity(Reading(100_000_000, 2_000_000, 0, 100_000_000)).name
    'VALID'
    >>> validity(Reading(100_000_000, 2_000_100, 0, 100_000_000)).name
    'TOO_UNCERTAIN'
    """
    if reading.price <= 0:
        return Validity.NON_POSITIVE
    high, low = max(reading.price, reading.last_average), min(reading.price, reading.last_average)
    if high // max(1, low) > MOST_VOLATILITY:
        return Validity.TOO_VOLATILE
    if max(1, reading.confidence) * PRICE // reading.price > MOST_CONFIDENCE * reading.tier_multiplier:
        return Validity.TOO_UNCERTAIN
    if reading.delay_slots > STALE_FOR_MARGIN:
        return Validity.STALE_FOR_MARGIN
    if not reading.enough_data:
        return Validity.INSUFFICIENT_DATA
    return Validity.STALE_FOR_AMM if reading.delay_slots > STALE_FOR_AMM else Validity.VALID


def serves(found: Validity, action: Action) -> bool:
    """Whether a price of this validity may be used; where it may not, the action fails, and nothing counts as zero.

    >>> serves(Validity.STALE_FOR_MARGIN, Action.LIQUIDATE), serves(Validity.STALE_FOR_MARGIN, Action.MARGIN)
    (True, False)
    """
    return found >= action.value


def too_divergent(price: int, average: int, most: int = MOST_DIVERGENCE) -> bool:
    """Whether a price is too far from its five-minute average for a liquidation; the limit itself is too far.

    >>> too_divergent(150_000_000, 100_000_000), too_divergent(149_999_999, 100_000_000)
    (True, False)
    """
    return abs(price - average) * PRICE >= most * abs(average)


def isolated_tier_breach(
    account: Account, isolated: Collection[str], *, margin_trading: bool = False, reduce_only: bool = False
) -> str:
    """Why an account may not hold what it holds beside a market of the isolated tier; empty where it may (margin.rs).

    Parameters
    ----------
    account
        The account after the change that is asked for.
    isolated
        Names of perpetuals and tokens of the isolated tier.
    margin_trading
        Whether the user has spot margin trading switched on.
    reduce_only
        A user who may only reduce is exempt.

    Examples
    --------
    >>> from solvent.venues.drift_v2.account import PerpPosition
    >>> from solvent.venues.drift_v2.markets import PerpMarket
    >>> perps = tuple(PerpPosition(name, PerpMarket(1000, 500), 1, 0, 1) for name in ("SOL", "NEW"))
    >>> isolated_tier_breach(Account(perps=perps), {"NEW"})
    'NEW is of the isolated tier and another perpetual is owed'

    """
    perps = [p.name for p in account.perps if p.base or p.quote < 0 or p.orders or p.bids or p.asks]
    debts = [spot.name for spot in account.spots if spot.tokens + spot.asks < 0]
    quotes = {spot.name for spot in account.spots if spot.market.quote}
    found = ""
    for name in [name for name in perps if name in isolated]:
        if len(perps) > 1:
            found = found or f"{name} is of the isolated tier and another perpetual is owed"
        if margin_trading:
            found = found or f"{name} is of the isolated tier and spot margin trading is on"
        if set(debts) - quotes:
            found = found or f"{name} is of the isolated tier and {debts} are owed"
    for name in [name for name in debts if name in isolated]:
        if perps or len(debts) > 1:
            found = found or f"{name} is of the isolated tier and is not the only liability"
    return "" if reduce_only else found
