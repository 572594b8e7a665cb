"""What a replay found, as plain data: totals, tables by hour and instrument, laws, and the worst accounts explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Law(NamedTuple):
    """How often a law was checked, how often it held, and the first violation in words."""

    checks: int
    held: int
    detail: str = ""


@dataclass(slots=True)
class Closed:
    """Liquidation fills of one instrument in one hour: their number, closed notional and penalties in USDT units."""

    hour: int
    symbol: str
    fills: int = 0
    notional_units: int = 0
    penalty_units: int = 0


@dataclass(slots=True)
class Worst:
    """One of the pools deepest in breach, explained as it was when the breach was proved; amounts are USDT as text."""

    pool: int
    mode: str
    account_class: str
    time_ns: int
    value: str
    margin_equity: str
    required: str
    surplus: str
    sentences: tuple[str, ...]
    fills: int = 0
    closed_units: int = 0
    penalty_units: int = 0
    loss_units: int = 0
    end: str = ""


@dataclass(slots=True)
class Report:
    """A replay in figures. Amounts are whole USDT units (10^-6) unless their name says otherwise.

    ``liquidations`` counts pools whose breach started a liquidation; ``partial`` those that recovered with positions
    kept; ``isolated`` those that were isolated pools. ``fund`` and ``adl`` count their events, ``socialised`` too.
    """

    dataset: str
    venue: str
    accounts: int
    seed: int
    minutes: int = 0
    minutes_done: int = 0
    finished: bool = False
    pools: int = 0
    market_makers: int = 0
    commands: int = 0
    events: int = 0
    batches: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    state_hash: str = ""
    laws: dict[str, Law] = field(default_factory=dict)
    conservation: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    liquidations: int = 0
    partial: int = 0
    isolated: int = 0
    recovered: int = 0
    bankrupt: int = 0
    liquidation_fills: int = 0
    liquidated_units: int = 0
    penalty_units: int = 0
    stops: int = 0
    converted: int = 0
    handed_over: int = 0
    fund: int = 0
    fund_units: int = 0
    fund_start_units: int = 0
    fund_end_units: int = 0
    adl: int = 0
    adl_units: int = 0
    socialised: int = 0
    socialised_units: int = 0
    uncovered_units: int = 0
    fills: int = 0
    funding_epochs: int = 0
    interest_epochs: int = 0
    closed: dict[tuple[int, str], Closed] = field(default_factory=dict)
    worst: list[Worst] = field(default_factory=list)
    comparisons: int = 0
    comparisons_equal: int = 0
    share_ppm: int = 0
    brute_force: dict[str, int] = field(default_factory=dict)
    source: tuple[str, ...] = ()
    start_ns: int = 0

    @property
    def lawful(self) -> bool:
        """Whether every law was checked and held, every comparison was equal, and nothing is left over."""
        laws = all(law.checks > 0 and law.checks == law.held for law in self.laws.values())
        laws = laws and not any(self.brute_force.get(name, 0) for name in ("missed", "wrong"))
        return laws and self.comparisons == self.comparisons_equal and not any(self.conservation.values())

    def hour_of(self, minute: int) -> int:
        """The hour of the window a minute is in."""
        return minute // 60

    def close(self, hour: int, symbol: str, notional_units: int, penalty_units: int, *, fills: int = 1) -> None:
        """More liquidation fills of an instrument, together of this notional and these penalties."""
        one = self.closed.setdefault((hour, symbol), Closed(hour, symbol))
        one.fills += fills
        one.notional_units += notional_units
        one.penalty_units += penalty_units
        self.liquidation_fills += fills
        self.liquidated_units += notional_units
        self.penalty_units += penalty_units

    def by_hour(self) -> list[Closed]:
        """Liquidation fills by hour of the window, all instruments together."""
        return _summed(self.closed.values(), lambda one: (one.hour, ""))

    def by_instrument(self) -> list[Closed]:
        """Liquidation fills by instrument, the largest notional first."""
        rows = _summed(self.closed.values(), lambda one: (0, one.symbol))
        return sorted(rows, key=lambda one: (-one.notional_units, one.symbol))

    def as_json(self) -> dict[str, Any]:
        """Everything as plain mappings and lists; amounts of money and residuals are text.

        >>> Report("mar-2020", "generic", 10, 7).as_json()["liquidations"]
        0
        """
        skipped = {"closed", "worst", "laws", "conservation", "source", "brute_force"}
        plain: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            if name not in skipped:
                value = getattr(self, name)
                plain[name] = str(value) if name.endswith("_units") else value
        plain["laws"] = {law: _law(verdict) for law, verdict in sorted(self.laws.items())}
        plain["conservation"] = {asset: str(units) for asset, units in sorted(self.conservation.items())}
        plain["by_hour"] = [_row(one) for one in self.by_hour()]
        plain["by_instrument"] = [_row(one) for one in self.by_instrument()]
        plain["worst"] = [_plain(one) for one in self.worst]
        plain["ring_1"] = {"compared": self.comparisons, "equal": self.comparisons_equal}
        if self.brute_force:
            plain["brute_force"] = dict(self.brute_force)
        plain["source"] = list(self.source)
        plain["lawful"] = self.lawful
        return plain


def _law(law: Law) -> dict[str, Any]:
    found: dict[str, Any] = {"checks": law.checks, "held": law.held}
    return {**found, "detail": law.detail} if law.detail else found


def _row(one: Closed) -> dict[str, Any]:
    return {name: _text(name, getattr(one, name)) for name in one.__dataclass_fields__}


def _plain(one: Worst) -> dict[str, Any]:
    return {name: _text(name, getattr(one, name)) for name in one.__dataclass_fields__}


def _text(name: str, value: Any) -> Any:
    if name.endswith("_units"):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _summed(rows: Any, key: Any) -> list[Closed]:
    sums: dict[tuple[int, str], Closed] = {}
    for one in rows:
        total = sums.setdefault(key(one), Closed(*key(one)))
        total.fills += one.fills
        total.notional_units += one.notional_units
        total.penalty_units += one.penalty_units
    return [sums[place] for place in sorted(sums)]


def tallied(found: Mapping[str, Law], more: Mapping[str, Law]) -> dict[str, Law]:
    """Two counts of laws added up, by law.

    >>> tallied({"L-01": Law(1, 1)}, {"L-01": Law(2, 1, "off by one")})
    {'L-01': Law(checks=3, held=2, detail='off by one')}
    """
    summed = dict(found)
    for law, one in more.items():
        before = summed.get(law, Law(0, 0))
        summed[law] = Law(before.checks + one.checks, before.held + one.held, before.detail or one.detail)
    return summed
