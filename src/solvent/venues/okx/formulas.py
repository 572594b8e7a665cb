"""Formulas of the exchange that stand for themselves: initial margin in coin or quote, spot margin, deleveraging.

Decimals in, decimals out, exact; a quotient is rounded to ``places`` decimals against the account. Sources: help pages
named at each function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Market, PriceKey, PriceKind, Purpose, curve
from solvent.instruments import OptionKind, Payoff
from solvent.liquidation.adl import fund_fell
from solvent.margin.options import out_of_the_money
from solvent.margin.premiums import OptionAtMark
from solvent.margin.unified import INITIAL
from solvent.rules import RulesError
from solvent.units import ONE, Rounding, divide, exact

PLACES = 18
MILLION = Decimal(1_000_000)
FUND_FALL = Decimal("-0.3")
LOWEST_TIER_CUT = 3
TIERS_A_ROUND = 2


class OptionTerms(NamedTuple):
    """Shares that options sold need: initial floor and rate, maintenance rate, the factor of the position's tier."""

    floor: Decimal
    rate: Decimal
    maintenance: Decimal
    factor: Decimal


class OptionMargin(NamedTuple):
    """Initial and maintenance margin of an option sold, in its settle asset."""

    initial: Decimal
    maintenance: Decimal


@exact
def short_option_margin(
    kind: OptionKind,
    size: Decimal,
    strike: Decimal,
    forward: Decimal,
    mark: Decimal,
    terms: OptionTerms,
    unit: Decimal = ONE,
    places: int = PLACES,
) -> OptionMargin:
    """Margin of ``size`` options sold (either sign), outside portfolio margin.

    Initial: max(floor, rate − what is out of the money ÷ the forward of its expiry) × factor × unit + mark.
    Maintenance: a call's rate × factor × unit + mark; a put's max(rate × unit, rate × mark) × factor + mark. ``unit``
    is 1 where the mark is in the coin, and the index where it is in dollars. Initial is taken to be never below
    maintenance. Source: help page ii-option-margin; the example is a rewrite's.

    >>> terms = OptionTerms(*(Decimal(n) for n in ("0.1", "0.15", "0.03", "1.02")))
    >>> strike, forward, mark = Decimal(6_000), Decimal(5_900), Decimal("0.0575")
    >>> short_option_margin(OptionKind.CALL, Decimal(1), strike, forward, mark, terms, places=6).initial
    Decimal('0.19321202')
    """
    away = divide(out_of_the_money(kind, strike, forward), forward, places, Rounding.DOWN)
    opening = max(terms.floor, terms.rate - away) * terms.factor * unit + mark
    each = terms.maintenance * unit if kind is OptionKind.CALL else terms.maintenance * max(unit, mark)
    kept = each * terms.factor + mark
    return OptionMargin(max(opening, kept) * abs(size), kept * abs(size))


@dataclass(frozen=True, slots=True)
class StandardOptions:
    """What options sold need outside portfolio margin: terms by underlying, and a default."""

    terms: Mapping[str, OptionTerms]
    default: OptionTerms

    @exact
    def required(self, held: OptionAtMark, market: Market, purpose: Purpose) -> Decimal:
        """See :class:`~solvent.margin.premiums.ShortOptions`; the index stands for a forward that is not there."""
        listed = held.listed
        coin = listed.payoff is Payoff.INVERSE
        dollar = "USD" if coin else listed.settle.name
        index = market.prices.get(PriceKey(PriceKind.INDEX, listed.underlying, dollar))
        if index is None:
            index = market.price(PriceKind.INDEX, listed.underlying, "USD")
        name = curve(listed.underlying, listed.expiry_ns)
        forward = market.prices.get(PriceKey(PriceKind.FORWARD, name, dollar), index)
        terms = self.terms.get(listed.underlying, self.default)
        unit = ONE if coin else index
        found = short_option_margin(listed.kind, held.size, listed.strike, forward, held.mark, terms, unit)
        return found.initial if purpose in INITIAL else found.maintenance


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
