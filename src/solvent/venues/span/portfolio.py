"""A portfolio of contracts under risk parameters: every combined commodity scanned, charged, credited and floored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.units import ZERO, exact
from solvent.venues.span import formulas, spreads
from solvent.venues.span.formulas import Charges, FloorOrder, ScanRisk
from solvent.venues.span.parameters import Commodity, Kind, PerDelta, RiskParameters, Series
from solvent.venues.span.spreads import InterSpread, MonthDelta


class Contracts(NamedTuple):
    """Signed contracts of a series, the value of one (an option's premium in money), and its array's error."""

    series: Series
    size: Decimal
    value: Decimal = ZERO
    error: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Margined:
    """What one combined commodity needs, and from what.

    ``risk`` is before option value, ``requirement`` after; ``error`` is what the arrays may be off by.
    """

    commodity: Commodity
    scan: ScanRisk
    parts: Charges
    option_value: Decimal
    risk: Decimal
    requirement: Decimal
    net_delta: Decimal
    error: Decimal


@exact
def margined(held: Iterable[Contracts], parameters: RiskParameters) -> tuple[Margined, ...]:
    """The requirement of every combined commodity, in order of its code.

    Examples
    --------
    >>> flat = tuple(Decimal(n) for n in (0, 0, -1, -1, 1, 1, -2, -2, 2, 2, -3, -3, 3, 3, -2, 2))
    >>> june = Series("ES M", "ES", Kind.FUTURE, "202606", flat, Decimal(1))
    >>> found = margined([Contracts(june, Decimal(2))], RiskParameters(commodities={"ES": Commodity("ES")}))
    >>> str(found[0].requirement), found[0].scan.scenario
    ('6', 13)

    """
    groups: dict[str, list[Contracts]] = {}
    for one in held:
        groups.setdefault(one.series.commodity, []).append(one)
    books = {code: _Book(_commodity(parameters, code), rows) for code, rows in sorted(groups.items())}
    earned = _credits(books, [one for one in parameters.inter if one.super_spread])
    charged = {code: book.charged() for code, book in books.items()}
    for code, credit in _credits(books, [one for one in parameters.inter if not one.super_spread]).items():
        earned[code] = earned.get(code, ZERO) + credit
    return tuple(book.margined(charged[code], earned.get(code, ZERO), parameters.floor) for code, book in books.items())


def _commodity(parameters: RiskParameters, code: str) -> Commodity:
    return parameters.commodities.get(code, Commodity(code))


class _Book:
    """One combined commodity while spreads are formed (inside the exact context)."""

    def __init__(self, commodity: Commodity, rows: Sequence[Contracts]) -> None:
        self.commodity, self.rows = commodity, rows
        self.scan = formulas.scan_risk([(one.size, one.series.losses) for one in rows])
        months: dict[str, Decimal] = {}
        for one in rows:
            months[one.series.month] = months.get(one.series.month, ZERO) + one.size * one.series.delta
        self.deltas = [MonthDelta(month, commodity.tier(month), months[month]) for month in sorted(months)]
        self.net = sum(months.values(), ZERO)
        self.left = self.net

    def per_delta(self) -> Decimal | None:
        """Price risk a delta, by the commodity's own method."""
        found = formulas.price_risk(self.scan, self.net).per_delta
        own = self.commodity
        if found is None or own.per_delta is PerDelta.NORMAL:
            return found
        return own.scan_range if own.per_delta is PerDelta.SCAN_RANGE else min(found, own.scan_range)

    def charged(self) -> tuple[Decimal, Decimal]:
        """The charges of spreads inside, and of delivery months."""
        taken = self.net - self.left
        before = _without(self.deltas, taken)
        found = spreads.intracommodity(before, self.commodity.intra)
        return found.charge, spreads.spot_charge(before, found.left, self.commodity.spot)

    def margined(self, charged: tuple[Decimal, Decimal], credit: Decimal, order: FloorOrder) -> Margined:
        own = self.commodity
        short = {kind: self._short(kind) for kind in (Kind.CALL, Kind.PUT)}
        minimum = formulas.short_option_minimum(
            own.minimum_rate, short[Kind.CALL], short[Kind.PUT], gross=own.minimum_gross
        )
        parts = Charges(self.scan.amount, *charged, credit, minimum)
        options = (one for one in self.rows if one.series.kind is not Kind.FUTURE)
        value = ZERO if own.futures_style else sum((one.size * one.value for one in options), ZERO)
        risk = max(ZERO, formulas.span_risk(parts, order))
        error = sum((abs(one.size) * one.error for one in self.rows), ZERO)
        needed = formulas.requirement(parts, value, order)
        return Margined(own, self.scan, parts, value, risk, needed, self.net, error)

    def _short(self, kind: Kind) -> Decimal:
        return sum((-one.size for one in self.rows if one.series.kind is kind and one.size < 0), ZERO)


def _without(deltas: Sequence[MonthDelta], taken: Decimal) -> list[MonthDelta]:
    """Deltas after super spreads took some of the net, the nearest month of that sign first."""
    left = []
    for one in deltas:
        part = ZERO
        if taken and one.delta * taken > 0:
            part = one.delta if abs(one.delta) < abs(taken) else taken
        taken -= part
        left.append(one._replace(delta=one.delta - part))
    return left


def _credits(books: Mapping[str, _Book], listed: Iterable[InterSpread]) -> dict[str, Decimal]:
    """Credits by commodity, spreads in order of priority; each takes delta from the next."""
    earned: dict[str, Decimal] = {}
    risks = {code: book.per_delta() for code, book in books.items()}
    for spread in sorted(listed, key=lambda one: one.priority):
        found = spreads.intercommodity({code: book.left for code, book in books.items()}, risks, spread)
        for code, book in books.items():
            book.left = found.left[code]
        for code, credit in found.credits.items():
            earned[code] = earned.get(code, ZERO) + credit
    return earned
