"""Options in standard margin, settlement, margin use, and the contingencies of the portfolio margin of 2019.

Decimals in, decimals out, exact; a quotient is rounded to ``places`` decimals against the account. Amounts
of inverse products are in the coin.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import NamedTuple

from solvent.book import Market, PriceKey, PriceKind, Purpose, curve
from solvent.instruments import DOLLARS, OptionKind, Payoff
from solvent.margin.options import intrinsic, out_of_the_money
from solvent.margin.premiums import OptionAtMark
from solvent.margin.unified import INITIAL
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
INITIAL_RATE, INITIAL_FLOOR = Decimal("0.15"), Decimal("0.10")
MAINTENANCE_RATE = Decimal("0.075")
MONTH_DAYS = Decimal(30)
DIGITS = 40
ROUNDED = Context(prec=DIGITS, traps=[])  # for powers only


class OptionMargin(NamedTuple):
    """Initial and maintenance margin of a short option, in the coin."""

    initial: Decimal
    maintenance: Decimal


@exact
def short_option_margin(
    kind: OptionKind, size: Decimal, strike: Decimal, underlying: Decimal, mark: Decimal, places: int = PLACES
) -> OptionMargin:
    """Standard margin of ``size`` short inverse options (either sign), in the coin.

    Call: 15% less what is out of the money as a share of the underlying, at least 10%, and the mark; maintenance 7.5%
    and the mark. Put: maintenance the larger of 7.5% and 7.5% of the mark, and the mark; initial never below it.
    ``mark`` is in the coin. A long option needs its premium only. Source: doc.tslab.pro, "Deribit margin requirements".

    >>> short_option_margin(OptionKind.CALL, Decimal(1), Decimal(110_000), Decimal(100_000), Decimal("0.02"), places=3)
    OptionMargin(initial=Decimal('0.12'), maintenance=Decimal('0.095'))
    """
    if underlying <= 0:
        msg = f"the price of the underlying must be above zero, not {underlying}"
        raise RulesError(msg)
    away = out_of_the_money(kind, strike, underlying)
    share = max(INITIAL_RATE - divide(away, underlying, places, Rounding.DOWN), INITIAL_FLOOR)
    if kind is OptionKind.CALL:
        return OptionMargin((share + mark) * abs(size), (MAINTENANCE_RATE + mark) * abs(size))
    maintenance = max(MAINTENANCE_RATE, MAINTENANCE_RATE * mark) + mark
    return OptionMargin(max(share + mark, maintenance) * abs(size), maintenance * abs(size))


@dataclass(frozen=True, slots=True)
class StandardOptions:
    """What standard margin asks for options sold.

    The underlying is the forward of the option's expiry where the market has one, else the index, in dollars. An
    option settled in a dollar is margined as the same option of the coin, at the coin's price (bit.com prints the same
    constants for linear options).
    """

    @exact
    def required(self, held: OptionAtMark, market: Market, purpose: Purpose) -> Decimal:
        """See :class:`~solvent.margin.premiums.ShortOptions`."""
        listed = held.listed
        coin = listed.payoff is Payoff.INVERSE
        dollar = "USD" if coin or listed.settle.name not in DOLLARS else listed.settle.name
        price = underlying_price(market, listed.underlying, listed.expiry_ns, dollar)
        mark = held.mark if coin else divide(held.mark, price, PLACES, Rounding.UP)
        found = short_option_margin(listed.kind, held.size, listed.strike, price, mark)
        needed = found.initial if purpose in INITIAL else found.maintenance
        return needed if coin else needed * price


def underlying_price(market: Market, underlying: str, expiry_ns: int, dollar: str) -> Decimal:
    """The forward of an expiry, else the index, in a dollar or in USD."""
    for quote in (dollar, "USD"):
        forward = market.prices.get(PriceKey(PriceKind.FORWARD, curve(underlying, expiry_ns), quote))
        if forward is not None:
            return forward
    found = market.prices.get(PriceKey(PriceKind.INDEX, underlying, dollar))
    return market.price(PriceKind.INDEX, underlying, "USD") if found is None else found


@exact
def settled_option(
    kind: OptionKind, strike: Decimal, settlement: Decimal, premium: Decimal, size: Decimal, places: int = PLACES
) -> Decimal:
    """What an inverse option has gained when it is settled, in the coin: size × (payoff ÷ settlement − premium).

    Source: the options page of the exchange's documents, examples 1 to 4. Rounded down.

    >>> settled_option(OptionKind.CALL, Decimal(10_000), Decimal(12_500), Decimal("0.05"), Decimal(1), places=2)
    Decimal('0.15')
    """
    payoff = intrinsic(kind, strike, settlement)
    return divide(size * payoff, settlement, places, Rounding.DOWN) - size * premium


@exact
def volatility_shock(days: Decimal, base: Decimal, power: Decimal, places: int = PLACES) -> Decimal:
    """The largest change of implied volatility: base × (30 ÷ days to expiry)^power; the portfolio margin of 2019.

    A power has no exact decimal: it is found to 40 digits and the result rounded up.

    >>> volatility_shock(Decimal(15), Decimal("0.38"), Decimal("0.3"), places=12)
    Decimal('0.467834877072')
    """
    if days <= 0:
        msg = f"days to expiry must be above zero, not {days}"
        raise RulesError(msg)
    months = divide(MONTH_DAYS, days, DIGITS, Rounding.UP)
    return divide(base * ROUNDED.power(months, power), ONE, places, Rounding.UP)


@exact
def option_contingency(calls: Decimal, puts: Decimal, charge: Decimal) -> Decimal:
    """The charge on net short options of a strike, in the coin: 0.01 an option in 2019.

    >>> option_contingency(Decimal(10), Decimal(-20), Decimal("0.01"))
    Decimal('0.10')
    """
    return max(ZERO, -(calls + puts)) * charge


@exact
def future_contingency(long: Decimal, short: Decimal, rate: Decimal) -> Decimal:
    """The charge on futures that offset one another, in the coin: 1% of the smaller side in 2019.

    >>> future_contingency(Decimal(100), Decimal(-60), Decimal("0.01"))
    Decimal('0.60')
    """
    return min(abs(long), abs(short)) * rate
