"""What each strategy of stock and options needs: plain formulas on one unit of the underlying, exact.

All figures are in dollars for one unit of the underlying. A requirement is what the equity of cash and stock must
cover, with the proceeds of what was sold inside that equity and with options held long counted at nothing. Sources:
FINRA rule 4210(f)(2) and the margin manual of CBOE; a broker's tables, www.interactivebrokers.com/en/index.php?f=26660.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from solvent.instruments import OptionKind
from solvent.margin.options import intrinsic, out_of_the_money
from solvent.units import ONE, ZERO, exact


class Sides(NamedTuple):
    """Shares of a stock's value required on the long and on the short side."""

    long: Decimal
    short: Decimal


class Rates(NamedTuple):
    """The numbers of a class of underlyings; all but the dollars a share are fractions.

    ``naked_share`` of the underlying less what an option is out of the money, at least ``naked_floor``, both times
    ``leverage`` (of a leveraged fund). A short stock needs ``short_least`` dollars a share at MAINTAIN, from
    ``cheap_below`` dollars down ``cheap_least`` or its whole value. ``call_premium_share`` of a covered call's value is
    added by some brokers. ``protective_share`` of a strike and ``collar_share`` of a collar's call bound hedged stock;
    ``loan_share`` of a long option is lent against when it has more than ``loan_days`` to run.
    """

    naked_share: Decimal = Decimal("0.20")
    naked_floor: Decimal = Decimal("0.10")
    leverage: Decimal = ONE
    initial: Sides = Sides(Decimal("0.5"), Decimal("0.5"))
    maintenance: Sides = Sides(Decimal("0.25"), Decimal("0.30"))
    short_least: Decimal = Decimal(5)
    cheap_below: Decimal = Decimal(5)
    cheap_least: Decimal = Decimal("2.5")
    call_premium_share: Decimal = ZERO
    protective_share: Decimal = Decimal("0.10")
    collar_share: Decimal = Decimal("0.25")
    loan_share: Decimal = Decimal("0.25")
    loan_days: int = 274
    cash_calls_at_strike: bool = False


class Needed(NamedTuple):
    """A requirement when a position is opened and while it is held."""

    initial: Decimal
    maintenance: Decimal

    @classmethod
    def both(cls, amount: Decimal) -> Needed:
        """The same at both times."""
        return cls(amount, amount)

    @classmethod
    def ordered(cls, initial: Decimal, maintenance: Decimal) -> Needed:
        """What is needed to open is never less than what is needed to hold."""
        return cls(max(initial, maintenance), maintenance)


class Payoff(NamedTuple):
    """An option as a payoff: its kind, strike and signed count."""

    kind: OptionKind
    strike: Decimal
    lots: int


@exact
def naked(rates: Rates, kind: OptionKind, strike: Decimal, underlying: Decimal) -> Decimal:
    """What an uncovered short option needs on top of its own price.

    >>> naked(Rates(), OptionKind.CALL, Decimal(120), Decimal("128.5"))
    Decimal('25.700')
    """
    floor_on = underlying if kind is OptionKind.CALL else strike
    share = rates.naked_share * rates.leverage * underlying - out_of_the_money(kind, strike, underlying)
    return max(share, rates.naked_floor * rates.leverage * floor_on)


@exact
def worst_loss(legs: Iterable[Payoff]) -> Decimal | None:
    """The most a group of options can lose at expiry; None where it is not bounded.

    A piecewise linear payoff is least at zero or at a strike, or falls for ever.

    >>> condor = [("put", 300, 1), ("put", 310, -1), ("call", 310, -1), ("call", 325, 1)]
    >>> worst_loss(Payoff(OptionKind(kind), Decimal(strike), count) for kind, strike, count in condor)
    Decimal('15')
    """
    held = tuple(legs)
    if sum(leg.lots for leg in held if leg.kind is OptionKind.CALL) < 0:
        return None
    prices = {ZERO, *(leg.strike for leg in held)}
    lowest = min(sum((leg.lots * intrinsic(leg.kind, leg.strike, p) for leg in held), ZERO) for p in prices)
    return max(ZERO, -lowest)


@exact
def stock(rates: Rates, price: Decimal, shares: Decimal, *, short: bool) -> Needed:
    """What stock needs alone: ``shares`` > 0 at ``price`` dollars each, held long or sold short.

    A short sale's proceeds stay in the account, so that its 150% is 50% beside them.

    >>> stock(Rates(), Decimal(4), Decimal(100), short=True)
    Needed(initial=Decimal('400'), maintenance=Decimal('400'))
    """
    value = price * shares
    if not short:
        return Needed.ordered(rates.initial.long * value, rates.maintenance.long * value)
    if price < rates.cheap_below:
        held = max(rates.cheap_least * shares, value)
    else:
        held = max(rates.short_least * shares, rates.maintenance.short * value)
    return Needed.ordered(rates.initial.short * value, held)


@exact
def covered_call(
    rates: Rates, alone: Needed, value: Decimal, strike: Decimal, underlying: Decimal, premium: Decimal
) -> Needed:
    """A short call on stock held: the stock counts at no more than the strike.

    ``alone`` is what the stock needs by itself, ``value`` what it is worth.
    """
    inside = intrinsic(OptionKind.CALL, strike, underlying)
    written = inside + rates.maintenance.long * min(underlying, strike)
    held = max(written, min(value, max(premium, rates.maintenance.long * value)))
    return Needed.ordered(alone.initial + rates.call_premium_share * premium, held)


@exact
def covered_put(alone: Needed, strike: Decimal, underlying: Decimal) -> Needed:
    """A short put on stock sold short: the stock's requirement and what the put is in the money."""
    inside = intrinsic(OptionKind.PUT, strike, underlying)
    return Needed(alone.initial + inside, alone.maintenance + inside)


@exact
def protected(rates: Rates, alone: Needed, kind: OptionKind, strike: Decimal, underlying: Decimal) -> Needed:
    """Stock with an option held against it: a tenth of the strike and what it is out of the money, or less."""
    hedged = rates.protective_share * strike + out_of_the_money(kind, strike, underlying)
    return Needed.ordered(alone.initial, min(hedged, alone.maintenance))


@exact
def collar(
    rates: Rates,
    alone: Needed,
    bought: tuple[OptionKind, Decimal],
    sold: tuple[OptionKind, Decimal],
    underlying: Decimal,
) -> Needed:
    """Stock between an option bought and one sold; kinds and strikes. Both at one strike: conversion or reversal.

    The stock counts at no better than the strike of what was sold.

    >>> alone, sold = Needed(Decimal(262), Decimal(131)), (OptionKind.CALL, Decimal(534))
    >>> collar(Rates(), alone, (OptionKind.PUT, Decimal(514)), sold, Decimal("524.62")).maintenance
    Decimal('62.02')
    """
    inside = intrinsic(*sold, underlying)
    hedged = rates.protective_share * bought[1]
    if bought[1] != sold[1]:
        most = rates.collar_share * sold[1] if sold[0] is OptionKind.CALL else alone.maintenance
        hedged = min(hedged + out_of_the_money(*bought, underlying), most)
    return Needed.ordered(alone.initial + inside, hedged + inside)
