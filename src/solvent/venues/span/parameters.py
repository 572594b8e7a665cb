"""A clearing house's risk parameters as a value: what its file says, whatever the file's format was."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from solvent.units import ONE, ZERO
from solvent.venues.span.formulas import FloorOrder
from solvent.venues.span.spreads import InterSpread, IntraSpread, SpotCharge


class RiskFileError(ValueError):
    """A risk parameter file that cannot be read; the message names line or element, field and what was expected."""


class Kind(enum.Enum):
    """What a contract is."""

    FUTURE = "future"
    CALL = "call"
    PUT = "put"


class PerDelta(enum.Enum):
    """How the price risk of one delta is found for credits between commodities."""

    NORMAL = "normal"  # from the active scenario
    SCAN_RANGE = "scan_range"  # the scan range itself
    CAPPED = "capped"  # from the active scenario, at most the scan range


@dataclass(frozen=True, slots=True)
class Series:
    """One contract: its risk array (money, loss for one held long), composite delta times its scaling factor.

    ``month`` is a text that sorts by time (``"202606"``); ``price`` and ``value_factor`` give money a contract.
    """

    symbol: str
    commodity: str
    kind: Kind
    month: str
    losses: tuple[Decimal, ...]
    delta: Decimal
    price: Decimal = ZERO
    value_factor: Decimal = ONE
    strike: Decimal = ZERO


class Tier(NamedTuple):
    """Contract months from first to last (both included) that are treated alike."""

    name: str
    first: str
    last: str

    def holds(self, month: str) -> bool:
        """Whether a month is in it, compared on the digits both have."""
        length = min(len(month), len(self.first)) or 1
        return self.first[:length] <= month[:length] <= self.last[:length]


@dataclass(frozen=True, slots=True)
class Commodity:
    """A combined commodity: what is charged and credited inside it.

    ``futures_style`` options have no value of their own (their gains are paid daily); ``excess_value_lost`` says that
    option value beyond the risk counts for nothing else. ``scan_range`` is in money a delta.
    """

    code: str
    currency: str = "USD"
    tiers: tuple[Tier, ...] = ()
    intra: tuple[IntraSpread, ...] = ()
    spot: tuple[SpotCharge, ...] = ()
    minimum_rate: Decimal = ZERO
    minimum_gross: bool = False
    initial_ratio: Decimal = ONE
    per_delta: PerDelta = PerDelta.NORMAL
    scan_range: Decimal = ZERO
    futures_style: bool = False
    excess_value_lost: bool = True

    def tier(self, month: str) -> str:
        """The tier of a month; the month itself where none holds it."""
        for one in self.tiers:
            if one.holds(month):
                return one.name
        return month


@dataclass(frozen=True, slots=True)
class RiskParameters:
    """Commodities, contracts and spreads between commodities; ``skipped`` says what a reader left out, and why."""

    name: str = ""
    date: str = ""
    commodities: Mapping[str, Commodity] = field(default_factory=dict)
    series: Mapping[str, Series] = field(default_factory=dict)
    inter: tuple[InterSpread, ...] = ()
    floor: FloorOrder = FloorOrder.LAST
    skipped: tuple[str, ...] = ()
