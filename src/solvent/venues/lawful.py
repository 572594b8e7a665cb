"""The order of purposes, checked on the numbers of a rule set.

A stricter purpose never finds more surplus than a more lenient one:
surplus(WITHDRAW) ≤ surplus(ADMIT) ≤ {surplus(FILL), surplus(RECOVER)} ≤ surplus(MAINTAIN), for every book and market.
It follows when each part is ordered: requirements and leverage margins rise, collateral weights fall, profits and
prices are no kinder. The check compares piecewise affine schedules exactly, at every breakpoint and in the last slope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

from solvent.book import Purpose
from solvent.rates import Piece, Schedule
from solvent.rules import Collateral, ContractMargin, Profit, RulesError, VenueRules
from solvent.units import exact

ORDER: tuple[tuple[Purpose, Purpose], ...] = (
    (Purpose.WITHDRAW, Purpose.ADMIT),
    (Purpose.ADMIT, Purpose.FILL),
    (Purpose.ADMIT, Purpose.RECOVER),
    (Purpose.FILL, Purpose.MAINTAIN),
    (Purpose.RECOVER, Purpose.MAINTAIN),
)


@runtime_checkable
class _Tiers(Protocol):
    def every(self) -> Mapping[str, ContractMargin]: ...


@runtime_checkable
class _Weights(Protocol):
    def every(self) -> Mapping[str, Collateral]: ...


@exact
def never_above(low: Schedule, high: Schedule) -> bool:
    """Whether ``low`` is at most ``high`` at every amount ≥ 0; exact.

    Examples
    --------
    >>> never_above(Schedule.flat("0.1"), Schedule.marginal([("0", "0.1"), ("50", "0.2")]))
    True
    >>> never_above(Schedule.flat("0.1"), Schedule.marginal([("0", "0.2"), ("50", "0.05")]))
    False

    """
    floors = sorted({piece.floor for piece in (*low.pieces, *high.pieces)})
    for k in range(len(floors)):
        under, over = _from(low, k, floors), _from(high, k, floors)
        ends = floors[k : k + 2]
        if any(under.at(end) > over.at(end) for end in ends):
            return False
        if len(ends) == 1 and under.rate > over.rate:
            return False
    return True


def _from(schedule: Schedule, k: int, floors: Sequence[Decimal]) -> Piece:
    """The piece that holds amounts just above the k-th floor."""
    return next(piece for piece in reversed(schedule.pieces) if piece.floor <= floors[k])


def check_order(rules: VenueRules) -> None:
    """Refuse a rule set whose purposes are out of order.

    Raises
    ------
    RulesError
        Naming the instrument or asset and the offending pair of purposes; or when the tables cannot be listed.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> check_order(venue("generic"))

    """
    if not isinstance(rules.margin, _Tiers) or not isinstance(rules.collateral, _Weights):
        msg = f"{rules.name}: the order of purposes can be checked only where tiers and weights can be listed"
        raise RulesError(msg)
    for strict, lenient in ORDER:
        for why in (*_tiers(rules, strict, lenient), *_weights(rules, strict, lenient), *_rest(rules, strict, lenient)):
            msg = f"{rules.name}: {strict.name} must be at least as strict as {lenient.name}, but {why}"
            raise RulesError(msg)


def _tiers(rules: VenueRules, strict: Purpose, lenient: Purpose) -> Iterator[str]:
    assert isinstance(rules.margin, _Tiers)
    for name, facts in rules.margin.every().items():
        below, above = facts.schedules[lenient], facts.schedules[strict]
        if not isinstance(below, Schedule) or not isinstance(above, Schedule):
            yield f"the requirement of {name} depends on its size: no schedule can be compared"
        elif not never_above(below, above):
            yield f"the requirement of {name} is somewhere lower at {strict.name}"
        if lenient in facts.leverage_at and strict not in facts.leverage_at:
            yield f"the leverage margin of {name} counts only at {lenient.name}"


def _weights(rules: VenueRules, strict: Purpose, lenient: Purpose) -> Iterator[str]:
    assert isinstance(rules.collateral, _Weights)
    for name, facts in rules.collateral.every().items():
        if not facts.weights[lenient].rising():
            yield f"the value counted of {name} falls somewhere at {lenient.name}"
        if not never_above(facts.weights[strict], facts.weights[lenient]):
            yield f"more of {name} counts somewhere at {strict.name}"


def _rest(rules: VenueRules, strict: Purpose, lenient: Purpose) -> Iterator[str]:
    if rules.profit[lenient] is Profit.LOSSES_ONLY and rules.profit[strict] is Profit.IN_FULL:
        yield f"unrealised profit counts in full at {strict.name}"
    for what, kinds in (("positions", rules.prices.positions), ("collateral", rules.prices.collateral)):
        if not set(kinds[lenient]) <= set(kinds[strict]):
            yield f"the prices of {what} at {lenient.name} are not all used at {strict.name}"
