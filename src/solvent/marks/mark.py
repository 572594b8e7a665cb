"""Mark formulas: the price positions are valued at, made from the index and the contract's own market, robustly.

Averages are taken over what the caller recorded; time is an argument. A quotient is rounded once, to the price scale
and side named; the last step, :func:`to_tick`, puts a mark on the ledger's tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from solvent.marks.index import MarksError
from solvent.units import ZERO, Rounding, divide, exact, shifted

MILLION = 1_000_000


@exact
def moving_average(values: Sequence[Decimal], price_scale: int, rounding: Rounding = Rounding.DOWN) -> Decimal:
    """The mean of ``values``, to ``price_scale`` decimals.

    >>> moving_average([Decimal(1), Decimal(2), Decimal(2)], 2)
    Decimal('1.66')
    """
    if not values:
        msg = "a moving average needs at least one value"
        raise MarksError(msg)
    return divide(sum(values, ZERO), Decimal(len(values)), price_scale, rounding)


@exact
def smoothed(
    previous: Decimal, value: Decimal, weight_ppm: int, price_scale: int, rounding: Rounding = Rounding.DOWN
) -> Decimal:
    """One step of an exponential average: previous + weight × (value − previous), to ``price_scale`` decimals.

    ``weight_ppm`` (1 to 1,000,000) is the new value's share. Each step rounds, so the average of a value that stands
    still stops less than 10^−scale ÷ weight away from it: choose two or three decimals more than the tick.

    >>> smoothed(Decimal(100), Decimal(110), 250_000, 4)
    Decimal('102.5000')
    """
    if not 0 < weight_ppm <= MILLION:
        msg = f"weight_ppm must be 1 to 1,000,000, not {weight_ppm}"
        raise MarksError(msg)
    return divide(previous * (MILLION - weight_ppm) + value * weight_ppm, Decimal(MILLION), price_scale, rounding)


@exact
def basis_price(index: Decimal, average_basis: Decimal, cap_ppm: int) -> Decimal:
    """Index plus average basis (contract's mid price − index), the basis held within ``cap_ppm`` of the index.

    >>> basis_price(Decimal(1000), Decimal(-30), cap_ppm=20_000)
    Decimal('980.000000')
    """
    _positive(index, "index")
    if not 0 <= cap_ppm < MILLION:
        msg = f"cap_ppm must be 0 to 999,999, not {cap_ppm}"
        raise MarksError(msg)
    cap = index * shifted(Decimal(cap_ppm), -6)
    return index + min(max(average_basis, -cap), cap)


@exact
def carry_price(index: Decimal, funding_rate: Decimal, left_ns: int, interval_ns: int, price_scale: int) -> Decimal:
    """Index × (1 + last funding rate × time to the next funding ÷ funding interval), rounded down.

    >>> carry_price(Decimal(1000), Decimal("0.001"), left_ns=1, interval_ns=4, price_scale=2)
    Decimal('1000.25')
    """
    _positive(index, "index")
    if not 0 <= left_ns <= interval_ns or interval_ns == 0:
        msg = f"left_ns must be between 0 and the interval of {interval_ns} ns, which is positive; it is {left_ns}"
        raise MarksError(msg)
    grown = index * (interval_ns + funding_rate * left_ns)
    price = divide(grown, Decimal(interval_ns), price_scale, Rounding.DOWN)
    return _positive(price, "carry price")


def median_of_three(first: Decimal, second: Decimal, third: Decimal) -> Decimal:
    """The middle one: no single price moves it past the other two.

    >>> median_of_three(Decimal(9), Decimal(1), Decimal(5))
    Decimal('5')
    """
    return sorted((first, second, third))[1]


def contract_mark(carry: Decimal, basis: Decimal, last: Decimal) -> Decimal:
    """Mark of a perpetual: the median of :func:`carry_price`, :func:`basis_price` and the contract's last price.

    The last price comes from the venue's own book and moves the mark only between the two that rest on the index.
    Form: Binance futures, mark price of perpetual contracts (median of price 1, price 2 and the contract price).

    >>> contract_mark(Decimal(100), Decimal(101), Decimal(500))
    Decimal('101')
    """
    for price, name in ((carry, "carry price"), (basis, "basis price"), (last, "last price")):
        _positive(price, name)
    return median_of_three(carry, basis, last)


@exact
def to_tick(price: Decimal, tick_size: Decimal, rounding: Rounding) -> Decimal:
    """``price`` on a multiple of ``tick_size``, rounded to the named side; at least one tick.

    >>> to_tick(Decimal("31967.277"), Decimal("0.05"), Rounding.DOWN)
    Decimal('31967.25')
    """
    _positive(price, "price")
    _positive(tick_size, "tick size")
    return max(divide(price, tick_size, 0, rounding), Decimal(1)) * tick_size


def _positive(price: Decimal, name: str) -> Decimal:
    if not price.is_finite() or price <= 0:
        msg = f"{name} must be a number greater than 0, not {price}"
        raise MarksError(msg)
    return price
