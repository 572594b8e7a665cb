"""Single published formulas of exchanges that have no whole rule set here, each with its source.

Decimals in, decimals out, exact; a quotient is rounded to ``places`` decimals on the side named. What is a whole
account (an isolated position, a collateral account) is asked of ring 1 under :mod:`solvent.venues.smaller.rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, Overflow
from typing import NamedTuple

from solvent.margin.grids import linear_results
from solvent.rules import RulesError
from solvent.units import ZERO, Rounding, divide, exact

PLACES = 18
DAYS_A_YEAR = Decimal(365)
EXPONENT_PLACES = 40
GROWTH_DIGITS = 40
LARGEST_EXPONENT = 100
_APART = Context(prec=GROWTH_DIGITS, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN,
                 traps=[InvalidOperation, Overflow])  # fmt: skip


@exact
def closing_rate(maintenance: Decimal, fee: Decimal) -> Decimal:
    """What an isolated position must keep at the liquidation price, of its notional there: maintenance and closing fee.

    Gate: freqtrade/freqtrade@c9ae5e1, tests/exchange/test_exchange.py, lines 6016-6065. Phemex:
    help-center/liq-price-for-USDTM.

    >>> closing_rate(Decimal("0.01"), Decimal("0.0006"))
    Decimal('0.0106')
    """
    return maintenance + fee


@exact
def assigned_margin(open_value: Decimal, leverage: Decimal, fee: Decimal, places: int = PLACES) -> Decimal:
    """Phemex: margin set apart for an isolated position, its initial margin and a fee on the rest of its value.

    Rounded up (help-center/liq-price-for-USDTM).

    >>> assigned_margin(Decimal(200), Decimal(5), Decimal("0.0006"), places=3)
    Decimal('40.0960000')
    """
    if leverage < 1:
        msg = f"leverage must be at least 1, not {leverage}"
        raise RulesError(msg)
    initial = divide(open_value, leverage, places, Rounding.UP)
    return initial + (open_value - initial) * fee


@exact
def forward_price(index: Decimal, yearly_rate: Decimal, days: Decimal, places: int = PLACES) -> Decimal:
    """Dederi: price of a future from the index and a yearly basis rate, ``index × e^(rate × days ÷ 365)``.

    The growth factor is correctly rounded to 40 digits (relative error below 1e-39, and 1e-38 from the cut exponent);
    the price is then cut down (wiki.dederi.io, RiskControlRules/portfolio_margin).

    Raises
    ------
    RulesError
        An exponent beyond ± 100: no such price exists.

    Examples
    --------
    >>> forward_price(Decimal("2243.3"), Decimal("0.08"), Decimal(20), places=2)
    Decimal('2253.15')

    """
    exponent = divide(yearly_rate * days, DAYS_A_YEAR, EXPONENT_PLACES, Rounding.DOWN)
    if abs(exponent) > LARGEST_EXPONENT:
        msg = f"a yearly rate of {yearly_rate} over {days} days is beyond any price"
        raise RulesError(msg)
    return divide(index * _APART.exp(exponent), Decimal(1), places, Rounding.DOWN)


class FutureRisk(NamedTuple):
    """What one future adds to a scenario margin: its price, its contingency and its profit in each scenario."""

    price: Decimal
    contingency: Decimal
    profits: tuple[Decimal, ...]


@exact
def future_risk(
    size: Decimal,
    index: Decimal,
    price: Decimal,
    contingency_factor: Decimal,
    shocks: Sequence[Decimal],
) -> FutureRisk:
    """Dederi: contingency ``factor × index × |size|`` and profit ``size × price × shock`` of each price shock.

    Shocks are signed fractions of the future's own price (wiki.dederi.io, RiskControlRules/portfolio_margin).

    >>> future_risk(Decimal(-10), Decimal(2000), Decimal(2100), Decimal("0.006"), [Decimal("0.1")])
    FutureRisk(price=Decimal('2100'), contingency=Decimal('120.000'), profits=(Decimal('-2100.0'),))
    """
    profits = linear_results(size * price, shocks)
    return FutureRisk(price, contingency_factor * index * abs(size), profits)


@exact
def haircut_weight(haircut: Decimal) -> Decimal:
    """The share of a value that counts; :class:`RulesError` for a haircut outside 0 to 1.

    bit.com: helpcenter.bitexch.io article 9777671. Kraken: support article 4843323030164.

    >>> haircut_weight(Decimal("0.04"))
    Decimal('0.96')
    """
    if not ZERO <= haircut <= 1:
        msg = f"a haircut must be between 0 and 1, not {haircut}"
        raise RulesError(msg)
    return 1 - haircut
