"""The account model as ring 1 sees it: a pool's assessment from the program's own margin calculation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Assessment, Line, Piecewise
from solvent.book import Book, Holding, Leg, Market, Purpose
from solvent.margin.totals import assessed
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, shifted
from solvent.venues.drift_v2.account import Calculation, Part, calculate
from solvent.venues.drift_v2.formulas import MarginType
from solvent.venues.drift_v2.native import NO_SETTINGS, Markets, Settings, account_of

PLACES = 6
RATIO_PLACES = 4


class Stage(NamedTuple):
    """How a purpose is tested: which weights, strict prices or not, with the liquidation buffer or without."""

    margin_type: MarginType
    strict: bool = False
    buffered: bool = False


STAGES: Mapping[Purpose, Stage] = {
    Purpose.WITHDRAW: Stage(MarginType.INITIAL, strict=True),
    Purpose.ADMIT: Stage(MarginType.INITIAL, strict=True),
    Purpose.FILL: Stage(MarginType.FILL),
    Purpose.RECOVER: Stage(MarginType.MAINTENANCE, buffered=True),
    Purpose.MAINTAIN: Stage(MarginType.MAINTENANCE),
}


@dataclass(frozen=True, slots=True)
class DriftModel:
    """Assess a pool as the program does; ``buffer`` is the liquidation buffer, 1e-4."""

    markets: Markets
    buffer: int
    stages: Mapping[Purpose, Stage] = field(default_factory=lambda: STAGES)
    settings: Settings = NO_SETTINGS

    def calculation(self, book: Book, market: Market, purpose: Purpose, holding: Holding) -> Calculation:
        """The program's sums for a holding at a purpose."""
        stage = self.stages[purpose]
        account = account_of(book, market, self.markets, holding, self.settings)
        buffer = self.buffer if stage.buffered else 0
        return calculate(account, stage.margin_type, strict=stage.strict, buffer=buffer)

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The program's sums as lines; ``rules`` names the set in errors only.

        Raises
        ------
        RulesError
            The rule set has no such margin mode.

        """
        if holding.pool.mode not in rules.modes:
            msg = f"{rules.name}: no {holding.pool.mode.value} margin; pool {holding.pool.id}"
            raise RulesError(msg)
        found = self.calculation(book, market, purpose, holding)
        lines = [line for part in found.parts for line in _lines(part)]
        if found.buffer:
            extra = _money(found.collateral_buffer), _money(found.required_buffer)
            lines.append(Line("buffer", "", Leg.NET, ZERO, *extra))
        return assessed(holding.pool.id, purpose, holding.pool.numeraire, lines)


def _money(units: int) -> Decimal:
    return shifted(Decimal(units), -PLACES)


def _lines(part: Part) -> Iterator[Line]:
    """A part's lines: what it is worth and requires, then what its weight takes or its profit does not count."""
    value, counted, required = _money(part.value), _money(part.collateral), _money(part.required)
    if part.kind == "position":
        notional, rate = _money(part.liability), shifted(Decimal(part.ratio), -RATIO_PLACES)
        yield Line("position", part.name, Leg.NET, value, value, required, Piecewise(notional, ZERO, rate, ZERO))
        if counted != value:
            yield Line("unfunded", part.name, Leg.NET, ZERO, counted - value)
    elif part.kind == "cash" and value >= 0 and not required:
        yield Line("cash", part.name, Leg.NET, value, value)
        if counted != value:
            yield Line("haircut", part.name, Leg.NET, ZERO, counted - value)
    elif part.kind == "cash":
        yield Line("debt", part.name, Leg.NET, value, counted, required)
    else:
        yield Line("orders", part.name, Leg.NET, value, counted, required)
