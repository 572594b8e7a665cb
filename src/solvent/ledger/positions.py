"""What fills, marks, funding and interest do to a position and to cash.

Lots and cost are signed: a long has positive lots. A linear contract's worth at a price is lots × ticks × tick value;
an inverse contract's is −lots × constant / ticks, in units of the coin. Profit is worth less cost. No average price is
kept.
"""

from solvent.ledger.arithmetic import divide_down, divide_up, grown_up, part_down, share_up


def linear_worth(lots: int, ticks: int, tick_value: int) -> int:
    """Settle units of ``lots`` at ``ticks``; ``tick_value`` is units for one lot moving one tick.

    >>> linear_worth(-3, 100, 10)
    -3000
    """
    return lots * (ticks * tick_value)


def inverse_worth(lots: int, ticks: int, constant: int) -> int:
    """Settle units of an inverse position at ``ticks``, rounded down: against the holder.

    ``constant`` is contract size × lot size ÷ tick size in settle units, so that a lot is worth constant / ticks.

    >>> inverse_worth(3, 7, 10), inverse_worth(-3, 7, 10)
    (-5, 4)
    """
    return divide_down(-lots * constant, ticks)


def linear_notional(lots: int, ticks: int, tick_value: int) -> int:
    """Absolute worth of a linear position in settle units."""
    return abs(lots) * (ticks * tick_value)


def inverse_notional(lots: int, ticks: int, constant: int) -> int:
    """Absolute worth of an inverse position in settle units, rounded up: against the holder."""
    return divide_up(abs(lots) * constant, ticks)


def cost_after(lots: int, cost: int, fill_lots: int, fill_cost: int) -> int:
    """Signed cost of a position after a fill.

    Adding to a position adds the fill's cost. Reducing it releases cost in proportion, rounded so that what stays is
    rounded down. Crossing through zero leaves the part of the fill's cost that opened the other side. Lots < 2^31.

    >>> cost_after(10, 1000, 5, 600), cost_after(10, 1000, -5, -600), cost_after(10, 1000, -15, -1800)
    (1600, 500, -600)
    """
    after = lots + fill_lots
    if lots == 0 or (lots > 0) == (fill_lots > 0):
        return cost + fill_cost
    if after == 0:
        return 0
    if (after > 0) == (lots > 0):
        return part_down(cost, abs(after), abs(lots))
    return part_down(fill_cost, abs(after), abs(fill_lots))


def realised(cost: int, fill_cost: int, after: int) -> int:
    """Profit a fill moved into cash, given the costs before, of the fill, and after.

    >>> realised(1000, -600, 500)
    100
    """
    return after - cost - fill_cost


def fill_fee(notional: int, ppm: int) -> int:
    """Fee on a fill's notional, rounded up against the account; a rebate (negative ``ppm``) is rounded up too."""
    return share_up(notional, ppm)


def funding_per_lot(ticks: int, tick_value: int, rate_ppb: int) -> int:
    """Settle units one long lot pays for a funding rate in parts per billion, rounded to the nearest below.

    >>> funding_per_lot(60_000, 1_000, 100_000)
    6000
    """
    worth = ticks * tick_value
    billion = 1_000_000_000
    return worth // billion * rate_ppb + divide_down(worth % billion * rate_ppb, billion)


def funding_due(lots: int, cumulative: int, touched: int) -> int:
    """Settle units a position owes (positive) since its last touch; ``cumulative`` is the index per lot."""
    return lots * (cumulative - touched)


def interest_due(units: int, cumulative: int, touched: int) -> int:
    """Units a negative balance owes since its last touch, rounded up; nothing for a positive balance.

    The index is the sum of rate × time in parts of 10^12, so interest is simple between touches.

    >>> interest_due(-1_000, 2_000_000_000, 1_000_000_000), interest_due(1_000, 2, 1)
    (1, 0)
    """
    if units >= 0:
        return 0
    return grown_up(-units, cumulative - touched)


def converted_down(units: int, ticks: int, divisor: int) -> int:
    """Value of ``units`` of one asset in units of another, rounded down: less for assets, more for debts.

    >>> converted_down(150, 7, 100), converted_down(-150, 7, 100)
    (10, -11)
    """
    return divide_down(units * ticks, divisor)


def converted_up(units: int, ticks: int, divisor: int) -> int:
    """Value of ``units`` of one asset in units of another, rounded up: for requirements."""
    return divide_up(units * ticks, divisor)


def leverage_margin(notional: int, leverage: int) -> int:
    """Margin of ``notional`` at a leverage cap, rounded up.

    >>> leverage_margin(100, 3)
    34
    """
    return divide_up(notional, leverage)
