"""Counting for the report: liquidations by hour and instrument, the way losses went, the worst accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

import numpy as np
from numpy.typing import NDArray

from solvent.book import Purpose
from solvent.engine.engine import Engine
from solvent.engine.records import Happened, PoolState, Records, Verb
from solvent.engine.scan import with_legs
from solvent.margin import explain
from solvent.simulation.driver import Line
from solvent.simulation.report import Report, Worst
from solvent.simulation.settling import RunDown
from solvent.simulation.stage import Stage
from solvent.simulation.verdicts import assessments
from solvent.simulation.world import DOLLAR_SCALE
from solvent.units import exact, shifted

Ints = NDArray[np.int64]

KEPT = 5  # worst accounts explained
SEVERITY_PLACES = 9


@dataclass(slots=True)
class Counter:
    """Fills a report as events come in."""

    stage: Stage
    report: Report
    line: Line
    minute: int = 0
    exhausted: int = 0
    bankrupt: set[int] = field(default_factory=set)
    worst: dict[int, Worst] = field(default_factory=dict)
    _depths: dict[int, Decimal] = field(default_factory=dict)
    _shallowest_units: int = 0

    def read(self, commands: Records, answers: Records, events: Records, kept: Ints | None = None) -> None:
        """Take in what was sent and what came back; ``kept`` says of each RECOVERED event whether the pool had
        positions when it came (by default, whether it has them now).
        """
        done = answers["kind"] == Happened.DONE
        kinds = commands["kind"]
        self.report.fills += int((done & (kinds == Verb.FILL)).sum())
        self.report.stops += int((events["kind"] == Happened.STOPPED).sum())
        self.report.converted += int((done & (kinds == Verb.CONVERT)).sum())
        self._closed(answers[done & (kinds == Verb.LIQUIDATE)])
        self._deleveraged(answers[done & (kinds == Verb.ADL)])
        self._raised(answers[done & (kinds == Verb.FUND)])
        self._ended(events, recovered_with_legs(self.line.engine, events) if kept is None else kept)

    def _notionals(self, answers: Records) -> list[int]:
        """Notional of each trade, units; each fits 64 bits, their sum need not."""
        ticks = self.stage.world.tick_values[answers["thing"] - self.stage.world.first_perpetual]
        notionals: list[int] = (np.abs(answers["lots"]) * answers["ticks"] * ticks).tolist()
        return notionals

    def _closed(self, answers: Records) -> None:
        if not answers.size:
            return
        hour, first = self.report.hour_of(self.minute), self.stage.world.first_perpetual
        for thing in np.unique(answers["thing"]).tolist():
            mine = answers[answers["thing"] == thing]
            symbol, penalty = self.stage.world.perpetuals[thing - first].symbol, sum(mine["fee"].tolist())
            self.report.close(hour, symbol, sum(self._notionals(mine)), penalty, fills=mine.size)
        for pool, one in self.worst.items():
            mine = answers[answers["pool"] == pool]
            one.fills += int(mine.size)
            one.closed_units += sum(self._notionals(mine))
            one.penalty_units += sum(mine["fee"].tolist())

    def _deleveraged(self, answers: Records) -> None:
        if not answers.size:
            return
        self.report.adl += int(answers.size)
        self.report.adl_units += sum(self._notionals(answers))
        for pool, one in self.worst.items():
            if (answers["pool"] == pool).any():
                one.end = "deleveraged"

    def _raised(self, answers: Records) -> None:
        self.report.fund += int(answers.size)
        self.report.fund_units += sum(answers["amount"].tolist())

    def _ended(self, events: Records, kept: Ints) -> None:
        """Pools bankrupt, raised to zero, recovered; in the order of the events."""
        rows = events[(events["kind"] == Happened.RECOVERED) | (events["kind"] == Happened.BANKRUPT)]
        with_legs_left = iter(kept.tolist())
        for pool, kind, short in zip(rows["pool"].tolist(), rows["kind"].tolist(), rows["short"].tolist(), strict=True):
            if kind == Happened.BANKRUPT:
                self.report.bankrupt += 1
                self.bankrupt.add(pool)
                if pool in self.worst:
                    self.worst[pool].loss_units = -short
                    self.worst[pool].end = "bankrupt"
                continue
            partial = next(with_legs_left)
            if pool in self.bankrupt:
                self.bankrupt.discard(pool)
                continue
            self.report.recovered += 1
            self.report.partial += partial
            if pool in self.worst:
                self.worst[pool].end = self.worst[pool].end or "recovered"

    def breaches(self, engine: Engine, events: Records) -> None:
        """Liquidations began: counted, and those among the deepest explained."""
        rows = events["pool"].astype(np.int64) - self.stage.first
        rows = rows[rows >= 0]
        self.report.liquidations += int(events.size)
        self.report.isolated += int(self.stage.crowd.pools.isolated[rows].sum())
        for pool, short in zip(events["pool"].tolist(), events["short"].tolist(), strict=True):
            if len(self._depths) < KEPT or short < self._shallowest_units or pool in self._depths:
                self._breach(engine, pool)
                self._shallowest_units = ceil(shifted(max(self._depths.values()), DOLLAR_SCALE))

    def _breach(self, engine: Engine, pool: int) -> None:
        """Keep a pool among the deepest, if it is; the event's surplus, rounded down, was only a first look."""
        ((_, found),) = assessments(engine, [pool], Purpose.MAINTAIN)
        depth, known = found.low, self._depths.get(pool)
        if known is not None and depth >= known:
            return
        if known is None and len(self._depths) == KEPT and depth >= max(self._depths.values()):
            return
        self._depths[pool] = depth
        self.worst[pool] = explained(engine, pool)
        if len(self._depths) > KEPT:
            mildest = max(self._depths, key=lambda one: (self._depths[one], one))
            del self._depths[mildest], self.worst[mildest]

    def covered(self, found: list[RunDown]) -> None:
        """Losses that ran down the waterfall; what waits for the hour is not uncovered."""
        for _, done, waits in found:
            paid = {stage.name: stage.paid_units for stage in done.stages}
            self.report.socialised_units += paid.get("socialise", 0)
            self.report.uncovered_units += 0 if waits else done.left_units
            self.report.socialised += waits
            self.exhausted += paid.get("fund", 0) < done.loss_units

    def finished(self, engine: Engine) -> list[Worst]:
        """The worst accounts, deepest breach first, with how they ended."""
        for pool, one in self.worst.items():
            one.end = one.end or engine.state(pool).name.lower()
        return [self.worst[pool] for pool in sorted(self.worst, key=lambda one: (self._depths[one], one))]


def recovered_with_legs(engine: Engine, events: Records) -> Ints:
    """1 for each RECOVERED event whose pool holds positions now, else 0, in the events' order."""
    pools = events["pool"][events["kind"] == Happened.RECOVERED].astype(np.int64)
    found = np.zeros(pools.size, np.int64)
    if pools.size:
        with_legs(engine.tables, pools, found)
    return found


@exact
def explained(engine: Engine, pool: int) -> Worst:
    """A pool in breach, in ring 1's words."""
    book, market, rules = engine.book(pool)
    found = explain(book, market, rules, f"P{pool}")
    one = found.assessment
    return Worst(
        pool,
        book.holdings[0].pool.mode.value,
        book.holdings[0].pool.account_class,
        market.time_ns,
        _plain(one.value),
        _plain(one.margin_equity),
        _plain(one.required),
        _plain(one.low),
        found.sentences,
    )


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def states(engine: Engine, stage: Stage) -> dict[str, int]:
    """How many of the crowd's pools are in each state at the end; healthy ones by the rule set's thresholds.

    The thresholds are a view, on floats: no verdict rests on them.
    """
    t = engine.tables
    standing = engine.revalue()
    pools = np.arange(stage.first, stage.pools)
    state = t.pools["state"][pools]
    found = {one.name.lower(): int((state == one).sum()) for one in PoolState if one is not PoolState.HOUSE}
    healthy = pools[state == PoolState.HEALTHY]
    equity, required = standing.margin_equity[healthy], standing.required[healthy]
    empty = (required == 0) & (equity < 1)
    level = np.zeros(healthy.size, np.int64)
    thresholds = sorted(stage.world.rules.thresholds, key=lambda one: -one.multiple)
    for k, threshold in enumerate(thresholds, 1):
        level[(required > 0) & (equity < required * float(threshold.multiple))] = k
    found["healthy"] = int(((level == 0) & ~empty).sum())
    for k, threshold in enumerate(thresholds, 1):
        found[threshold.state] = found.get(threshold.state, 0) + int((level == k).sum())
    found["empty"] = int(empty.sum())
    return found
