"""Formulas of the exchange that stand for themselves: initial margin in coin or quote, spot margin, deleveraging.

Decimals in, decimals out, exact; a quotient is rounded to ``places`` decimals against the account. Sources: help pages
named at each function.
"""

from __future__ import annotations

from decimal import Decimal

from solvent.liquidation.adl import fund_fell
from solvent.rules import RulesError
from solvent.units import ONE, Rounding, divide, exact

PLACES = 18
MILLION = Decimal(1_000_000)
FUND_FALL = Decimal("-0.3")
LOWEST_TIER_CUT = 3
TIERS_A_ROUND = 2


@exact
def position_value(size: Decimal, price: Decimal) -> Decimal:
    """What a linear position is worth in quote: its size in the coin × price.

    >>> position_value(Decimal(-1), Decimal(10_000))
    Decimal('10000')
    """
    return abs(size) * price


@exact
def spot_margin_liquidation_price(
    quote_owed: Decimal,
    quote_held: Decimal,
    base_owed: Decimal,
    base_held: Decimal,
    maintenance_rate: Decimal,
    taker: Decimal,
    places: int = PLACES,
) -> Decimal:
    """Price at which net assets equal maintenance margin and fees of an isolated spot margin position.

    Quick margin mode (help page 10665080281997): what is held of the base less what is owed of it, grown by maintenance
    and fee, is worth what is owed of the quote, grown alike, less what is held of it. :class:`RulesError` where nothing
    of the base is at stake.

    >>> spot_margin_liquidation_price(
    ...     Decimal(10_000), Decimal(0), Decimal(0), Decimal("0.3"), Decimal("0.03"), Decimal("0.001"), places=4
    ... )
    Decimal('34367.6667')
    """
    grown = (ONE + maintenance_rate) * (ONE + taker)
    at_stake = base_held - base_owed * grown
    if at_stake == 0:
        msg = "the base held equals the base owed with margin and fee: no price liquidates"
        raise RulesError(msg)
    return divide(quote_owed * grown - quote_held, at_stake, places, Rounding.UP if at_stake > 0 else Rounding.DOWN)


@exact
def deleverages(fund: Decimal, highest: Decimal, needed: Decimal, limit: Decimal = FUND_FALL) -> bool:
    """Whether a fund hands over to ADL: it cannot pay, or has fallen 30% or more from its highest of eight hours.

    ADL trades are **at mark price**, and no loss is socialised (help page iv-introduction-to-auto-deleveraging-adl).

    >>> deleverages(Decimal(71), Decimal(100), Decimal(0)), deleverages(Decimal(70), Decimal(100), Decimal(0))
    (False, True)
    """
    return fund < needed or fund_fell(fund - highest, highest, limit)


def tier_after_cut(tier: int) -> int:
    """The tier a partial liquidation cuts a position down to; 0 is the whole position.

    From the third tier on two tiers a round, checked again each minute; tiers 1 and 2 are closed whole (360020411711).

    >>> [tier_after_cut(tier) for tier in (1, 2, 3, 5)]
    [0, 0, 1, 3]
    """
    if tier < 1:
        msg = f"tier must be at least 1, not {tier}"
        raise RulesError(msg)
    return tier - TIERS_A_ROUND if tier >= LOWEST_TIER_CUT else 0
