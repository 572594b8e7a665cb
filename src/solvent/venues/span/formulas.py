"""Scenarios, risk arrays and totals of one combined commodity. Losses are positive, for one contract held long.

Source: CME Group, "SPAN components", www.cme.com/clearing/rmspan/span/components.html.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 12
HALF = Decimal("0.5")
THIRD = Decimal(3)


class Scenario(NamedTuple):
    """Thirds of the price scan range, whole volatility scan ranges, and whether it is an extreme move."""

    thirds: int
    volatility: int
    extreme: bool = False


# In the order of CME: 1 to 14 in pairs of volatility up and down, then the extreme moves.
SCENARIOS: tuple[Scenario, ...] = (
    *(Scenario(thirds, side) for thirds in (0, 1, -1, 2, -2, 3, -3) for side in (1, -1)),
    Scenario(3, 0, extreme=True),
    Scenario(-3, 0, extreme=True),
)
NUMBER = len(SCENARIOS)
# Weights of the deltas at down three thirds to up three thirds; the middle is what the others leave of one.
DELTA_WEIGHTS: tuple[Decimal, ...] = tuple(
    map(Decimal, ("0.037", "0.111", "0.217", "0.270", "0.217", "0.111", "0.037"))
)


class FloorOrder(enum.Enum):
    """Where the short option minimum stands."""

    LAST = "last"  # max(scan + intra + spot − credits, minimum) − option value: CME, JSCC, ASX
    BEFORE_CREDITS = "before_credits"  # max(scan + intra + spot, minimum) − credits − option value: KDPW


class Extreme(NamedTuple):
    """How many scan ranges an extreme move is, and the fraction of its loss that is covered.

    Arrays published by a clearing house have both inside already.
    """

    multiplier: Decimal
    cover: Decimal


class ScanRisk(NamedTuple):
    """The worst loss (at least zero), the scenario's number from 1, and the netted array."""

    amount: Decimal
    scenario: int
    losses: tuple[Decimal, ...]


@exact
def price_moves(scan_range: Decimal, extreme: Extreme) -> tuple[Decimal, ...]:
    """How far the price moves in each scenario.

    >>> moves = price_moves(Decimal(30), Extreme(Decimal(2), Decimal("0.35")))
    >>> [int(one) for one in (moves[2], moves[7], moves[13], moves[15])]
    [10, 20, -30, -60]
    """
    return tuple(
        scan_range * extreme.multiplier * (ONE if one.thirds > 0 else -ONE)
        if one.extreme
        else divide(scan_range * one.thirds, THIRD, PLACES, Rounding.HALF_UP)
        for one in SCENARIOS
    )


@exact
def future_losses(
    scan_range: Decimal, extreme: Extreme, growth: Decimal = ONE, offset: Decimal = ZERO
) -> tuple[Decimal, ...]:
    """A future's risk array: its move in each scenario, times ``growth`` (cost of carry), less ``offset`` (a day's
    decay), the extreme ones times the cover.

    >>> [str(one) for one in future_losses(Decimal(9), Extreme(Decimal(2), Decimal("0.35")))[13:]]
    ['9.000000000000', '-6.30', '6.30']
    """
    moves = price_moves(scan_range, extreme)
    covers = (extreme.cover if one.extreme else ONE for one in SCENARIOS)
    return tuple(cover * (offset - move * growth) for move, cover in zip(moves, covers, strict=True))


@exact
def extreme_of(result: Decimal, scan_range: Decimal) -> Extreme:
    """The extreme move whose covered result is given in money."""
    if scan_range <= 0:
        raise RulesError(f"price scan range: got {scan_range}, expected a positive number")
    return Extreme(divide(result, scan_range, PLACES, Rounding.HALF_UP), ONE)


@exact
def gains(losses: Iterable[Decimal]) -> tuple[Decimal, ...]:
    """The same array with gains positive, or the other way round."""
    return tuple(-one for one in losses)


@exact
def scan_risk(held: Sequence[tuple[Decimal, Sequence[Decimal]]]) -> ScanRisk:
    """The worst loss of signed contracts with their arrays; the lowest number where several are equal.

    Raises
    ------
    RulesError
        An array is not of sixteen values.

    Examples
    --------
    >>> scan_risk([(Decimal(-2), (Decimal(1),) * 13 + (Decimal(-4),) + (Decimal(0),) * 2)])[:2]
    (Decimal('8'), 14)

    """
    for _, losses in held:
        if len(losses) != NUMBER:
            raise RulesError(f"risk array: got {len(losses)} values, expected {NUMBER}")
    netted = tuple(sum((size * losses[k] for size, losses in held), ZERO) for k in range(NUMBER))
    worst = max(netted)
    return ScanRisk(max(ZERO, worst), netted.index(worst) + 1, netted)


class PriceRisk(NamedTuple):
    """What of a scan is the price's: for credits between commodities, in money a delta."""

    paired: Decimal
    time: Decimal
    price: Decimal
    per_delta: Decimal | None


@exact
def price_risk(scan: ScanRisk, net_delta: Decimal) -> PriceRisk:
    """The active scenario averaged with its pair (volatility taken out), less time; over the net delta.

    ``per_delta`` is None without a net delta. It is rounded down: credits are made from it.
    """
    active = scan.scenario - 1
    pair = active if SCENARIOS[active].extreme else active ^ 1
    paired = (scan.losses[active] + scan.losses[pair]) * HALF
    time = (scan.losses[0] + scan.losses[1]) * HALF
    price = paired - time
    per_delta = divide(price, abs(net_delta), PLACES, Rounding.DOWN) if net_delta else None
    return PriceRisk(paired, time, price, per_delta)


class Charges(NamedTuple):
    """The parts of a combined commodity's requirement; credits are positive."""

    scan: Decimal
    intra: Decimal = ZERO
    spot: Decimal = ZERO
    inter: Decimal = ZERO
    minimum: Decimal = ZERO


@exact
def span_risk(parts: Charges, order: FloorOrder) -> Decimal:
    """What a combined commodity needs before the value of its options.

    >>> parts = Charges(Decimal(100), inter=Decimal(60), minimum=Decimal(80))
    >>> span_risk(parts, FloorOrder.LAST), span_risk(parts, FloorOrder.BEFORE_CREDITS)
    (Decimal('80'), Decimal('40'))
    """
    charged = parts.scan + parts.intra + parts.spot
    if order is FloorOrder.LAST:
        return max(charged - parts.inter, parts.minimum)
    return max(charged, parts.minimum) - parts.inter


@exact
def requirement(parts: Charges, net_option_value: Decimal, order: FloorOrder = FloorOrder.LAST) -> Decimal:
    """The requirement of a combined commodity: its risk less net option value, at least zero.

    >>> requirement(Charges(Decimal(5_701_000), minimum=Decimal(294_000)), Decimal(-32_000_000))
    Decimal('37701000')
    """
    return max(ZERO, span_risk(parts, order) - net_option_value)


@exact
def short_option_minimum(rate: Decimal, calls: Decimal, puts: Decimal, *, gross: bool) -> Decimal:
    """The least that short options need: ``rate`` times the larger side, or times both together."""
    return rate * (calls + puts if gross else max(calls, puts))


@exact
def initial(maintenance: Decimal, ratio: Decimal) -> Decimal:
    """Initial margin of an account type."""
    return maintenance * ratio


@exact
def composite_delta(deltas: Sequence[Decimal]) -> Decimal:
    """The weighted average of an option's deltas at the seven price points, lowest price first.

    >>> composite_delta([Decimal(1)] * 7)
    Decimal('1.000')
    """
    if len(deltas) != len(DELTA_WEIGHTS):
        raise RulesError(f"composite delta: got {len(deltas)} deltas, expected {len(DELTA_WEIGHTS)}")
    return sum((weight * delta for weight, delta in zip(DELTA_WEIGHTS, deltas, strict=True)), ZERO)


@exact
def customer_margin(future_margin: Decimal, premium: Decimal, out_of_money: Decimal) -> Decimal:
    """The older rule for a covered future option: the future's margin and the premium less half of what it is out of
    the money. Source: L. McMillan, Options as a Strategic Investment, chapter 34.
    """
    return future_margin + premium - HALF * out_of_money
