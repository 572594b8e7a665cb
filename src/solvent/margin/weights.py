"""Collateral that counts by more than its value: tiers of quantity, a discount that grows with the amount, pool size.

A table that prints tiers by their upper bound means it inclusively: the bound belongs to its tier. Tiers by quantity of
the coin are a schedule on value that moves with the coin's price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import Market, Purpose
from solvent.rates import Piece, Schedule
from solvent.rules import Counting, RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
Caps = Sequence[tuple[Decimal | None, Decimal]]


def floors(rows: Caps) -> list[tuple[Decimal, Decimal]]:
    """Rows of (floor, rate) from rows of (upper bound, rate); only the last row may have no upper bound.

    >>> floors([(Decimal(10), Decimal("0.98")), (None, Decimal("0.9"))])
    [(Decimal('0'), Decimal('0.98')), (Decimal('10'), Decimal('0.9'))]
    """
    if not rows:
        msg = "a table of tiers needs at least one row, not none"
        raise RulesError(msg)
    starts = [ZERO]
    for cap, _ in rows[:-1]:
        if cap is None:
            msg = "only the last tier may be without an upper bound"
            raise RulesError(msg)
        starts.append(cap)
    return [(start, rate) for start, (_, rate) in zip(starts, rows, strict=True)]


def quantity_tiers(rows: Caps) -> QuantityTiers:
    """Collateral value ratios by quantity; nothing counts above the last upper bound, where there is one."""
    last = rows[-1][0] if rows else None
    return QuantityTiers(Schedule.weights(floors(rows), last))


@dataclass(frozen=True, slots=True)
class QuantityTiers:
    """Collateral that counts by tiers of its quantity; a negative balance counts in full.

    Parameters
    ----------
    by_quantity
        What a quantity counts as, in the coin: a falling weight on each tier's part.

    """

    by_quantity: Schedule

    def counting(self, purpose: Purpose, amount: Decimal, price: Decimal, market: Market) -> Counting:  # noqa: ARG002
        """The same tiers on value at the present price; a coin without a price counts nothing."""
        return Counting(None if price <= 0 else at_price(self.by_quantity, price), ONE)


@exact
def at_price(by_quantity: Schedule, price: Decimal) -> Schedule:
    """A schedule on quantity as a schedule on value, at a price above zero.

    >>> tiers = at_price(Schedule.weights([("0", "0.98"), ("10", "0.95")]), Decimal(50_000))
    >>> [int(piece.floor) for piece in tiers.pieces], [int(piece.deduction) for piece in tiers.pieces]
    ([0, 500000], [0, -15000])
    """
    return Schedule(tuple(Piece(p.floor * price, p.rate, p.deduction * price) for p in by_quantity.pieces))


@dataclass(frozen=True, slots=True)
class AmountDiscount:
    """A discount that grows with the amount: ``clamp(amount ÷ scale × scalar, lower, upper)``; fractions.

    The scale, how much of the asset a market bears, is the market's ``figure`` of the asset; where it is not given the
    upper limit stands.
    """

    asset: str
    figure: str
    scalar: Decimal
    lower: Decimal
    upper: Decimal

    @exact
    def rate(self, amount: Decimal, scale: Decimal | None) -> Decimal:
        """The discount of an amount, rounded up to 18 decimals; none where the scale is zero.

        >>> eth = AmountDiscount("ETH", "depth", Decimal(2), Decimal("0.01"), Decimal("0.05"))
        >>> [str(eth.rate(Decimal(n), Decimal(50_000)).normalize()) for n in (100, 700, 5_000)]
        ['0.01', '0.028', '0.05']
        """
        if scale is None:
            return self.upper
        if scale == 0:
            return ZERO
        drawn = divide(amount * self.scalar, scale, PLACES, Rounding.UP)
        return min(self.upper, max(self.lower, drawn))

    @exact
    def value(self, amount: Decimal, price: Decimal, scale: Decimal | None) -> Decimal:
        """What an amount counts at a price, in the price's quote.

        >>> eth = AmountDiscount("ETH", "depth", Decimal(2), Decimal("0.01"), Decimal("0.05"))
        >>> int(eth.value(Decimal(700), Decimal(2000), Decimal(50_000)))
        1360800
        """
        return amount * price * (ONE - self.rate(amount, scale))

    def counting(self, purpose: Purpose, amount: Decimal, price: Decimal, market: Market) -> Counting:  # noqa: ARG002
        """The weight of an amount, the same for every purpose and price; a debt counts in full."""
        discount = self.rate(max(ZERO, amount), market.wide.get((self.figure, self.asset)))
        return Counting(_weight(discount), ONE)


@exact
def _weight(discount: Decimal) -> Schedule:
    return Schedule.flat(ONE - discount)


@exact
def pool_scaled_weight(weight: Decimal, pool_value: Decimal, start: Decimal | None, places: int = PLACES) -> Decimal:
    """Weight of a balance once all of an asset in the venue is worth more than ``start`` (None: never scaled).

    ``weight × start ÷ pool value``, rounded down: the asset counts as if no more than ``start`` of it were there.

    >>> pool_scaled_weight(Decimal("0.8"), Decimal(200), Decimal(100), places=2)
    Decimal('0.40')
    """
    if start is None or pool_value <= start:
        return weight
    return divide(weight * start, pool_value, places, Rounding.DOWN)


@exact
def pool_scaled_debt(
    weight: Decimal, pool_value: Decimal, start: Decimal | None, name: str = "start", places: int = PLACES
) -> Decimal:
    """Weight of a debt once all debts in an asset are worth more than ``start``; ``weight × value ÷ start``, up.

    :class:`RulesError` names the parameter where ``start`` is not above zero although there are debts.

    >>> pool_scaled_debt(Decimal("1.2"), Decimal(200), Decimal(100), places=2)
    Decimal('2.40')
    """
    if start is None or pool_value <= start:
        return weight
    if start <= 0:
        msg = f"{name} must be above 0 while the asset is borrowed, not {start}"
        raise RulesError(msg)
    return divide(weight * pool_value, start, places, Rounding.UP)
