"""Counting for the report: liquidations by hour and instrument, the way losses went, the worst accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from solvent.assessment import Assessment
from solvent.engine.engine import Engine
from solvent.engine.records import Happened, PoolState, Records, Verb
from solvent.liquidation import Covered
from solvent.margin import explain
from solvent.simulation.driver import Line
from solvent.simulation.holdings import legs
from solvent.simulation.report import Report, Worst
from solvent.simulation.stage import Stage
from solvent.units import exact

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

    def read(self, commands: Records, answers: Records, events: Records) -> None:
        """Take in what was sent and what came back."""
        done = answers["kind"] == Happened.DONE
        kinds = commands["kind"]
        self.report.fills += int((done & (kinds == Verb.FILL)).sum())
        self.report.stops += int((events["kind"] == Happened.STOPPED).sum())
        self.report.converted += int((done & (kinds == Verb.CONVERT)).sum())
        for answer in answers[done & (kinds == Verb.LIQUIDATE)]:
            self._closed(answer)
        self._deleveraged(answers[done & (kinds == Verb.ADL)])
        self._raised(answers[done & (kinds == Verb.FUND)], int((done & (kinds == Verb.SOCIALISE)).sum()))
        for event in events[(events["kind"] == Happened.RECOVERED) | (events["kind"] == Happened.BANKRUPT)]:
            self._ended(event)

    def _notional(self, answer: Any) -> int:
        instrument = int(answer["thing"]) - self.stage.world.first_perpetual
        return abs(int(answer["lots"])) * int(answer["ticks"]) * self.stage.world.perpetuals[instrument].tick_value

    def _closed(self, answer: Any) -> None:
        notional, penalty = self._notional(answer), int(answer["fee"])
        symbol = self.stage.world.perpetuals[int(answer["thing"]) - self.stage.world.first_perpetual].symbol
        self.report.close(self.report.hour_of(self.minute), symbol, notional, penalty)
        one = self.worst.get(int(answer["pool"]))
        if one is not None:
            one.fills += 1
            one.closed_units += notional
            one.penalty_units += penalty

    def _deleveraged(self, answers: Records) -> None:
        self.report.adl += int(answers.size)
        self.report.adl_units += sum(self._notional(answer) for answer in answers)
        for pool in answers["pool"].tolist():
            if pool in self.worst:
                self.worst[pool].end = "deleveraged"

    def _raised(self, answers: Records, socialised: int) -> None:
        self.report.fund += int(answers.size)
        self.report.fund_units += sum(answers["amount"].tolist())
        self.report.socialised += socialised

    def _ended(self, event: Any) -> None:
        pool = int(event["pool"])
        if int(event["kind"]) == Happened.BANKRUPT:
            self.report.bankrupt += 1
            self.bankrupt.add(pool)
            if pool in self.worst:
                self.worst[pool].loss_units = -int(event["short"])
                self.worst[pool].end = "bankrupt"
            return
        if pool in self.bankrupt:
            self.bankrupt.discard(pool)
            return
        self.report.recovered += 1
        if legs(self.line.engine.tables, pool):
            self.report.partial += 1
        if pool in self.worst:
            self.worst[pool].end = self.worst[pool].end or "recovered"

    def breach(self, engine: Engine, pool: int, found: Assessment) -> None:
        """A liquidation began."""
        self.report.liquidations += 1
        row = pool - self.stage.first
        if row >= 0 and int(self.stage.crowd.pools.isolated[row]):
            self.report.isolated += 1
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

    def covered(self, found: list[tuple[int, Covered]]) -> None:
        """Losses that ran down the waterfall."""
        for _, done in found:
            paid = {stage.name: stage.paid_units for stage in done.stages}
            self.report.socialised_units += paid.get("socialise", 0)
            self.report.uncovered_units += done.left_units
            self.exhausted += paid.get("fund", 0) < done.loss_units

    def finished(self, engine: Engine) -> list[Worst]:
        """The worst accounts, deepest breach first, with how they ended."""
        for pool, one in self.worst.items():
            one.end = one.end or engine.state(pool).name.lower()
        return [self.worst[pool] for pool in sorted(self.worst, key=lambda one: (self._depths[one], one))]


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
