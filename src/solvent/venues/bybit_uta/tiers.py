"""Tables by upper bound: risk limits on value, and collateral ratios on quantity.

The exchange prints a tier by its upper bound, which belongs to it. Collateral ratios are by quantity of the coin, so
the schedule on value moves with the coin's price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from solvent.book import Market, Purpose
from solvent.rates import Piece, Schedule
from solvent.rules import CollateralFacts, Counting, RulesError, VenueRules
from solvent.units import ONE, ZERO, exact

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


def risk_tiers(rows: Caps) -> Schedule:
    """Maintenance margin by value: each tier's rate on the part of the value inside it; the last one goes on.

    >>> risk_tiers([(Decimal(1000), Decimal("0.02")), (Decimal(2000), Decimal("0.025"))]).at(Decimal(2000))
    Decimal('45.000')
    """
    return Schedule.marginal(floors(rows))


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
class RatioTable:
    """Collateral facts by asset; an asset without an entry is no collateral, and its debts count in full."""

    by_asset: Mapping[str, CollateralFacts] = field(default_factory=dict)

    def asset(self, name: str) -> CollateralFacts | None:
        """The facts of an asset, or None."""
        return self.by_asset.get(name)

    def every(self) -> Mapping[str, CollateralFacts]:
        """Every entry by asset."""
        return self.by_asset


def with_ratios(rules: VenueRules, tables: Mapping[str, Caps]) -> VenueRules:
    """The rule set with collateral ratios of the caller's own: rows of (upper quantity, ratio) by asset."""
    return replace(rules, collateral=RatioTable({name: quantity_tiers(rows) for name, rows in tables.items()}))
