"""Checkers: the laws, watched while a replay runs. Each counts how often it looked and how often the law held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from solvent import ledger
from solvent.book import Purpose
from solvent.engine.audit import Tally
from solvent.engine.engine import Engine
from solvent.engine.epochs import breaches
from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, Happened, PoolState, Records, Verb
from solvent.engine.scan import balances_of, surpluses_of
from solvent.engine.screen import packed
from solvent.engine.tables import TOP_POOLS, TOP_THINGS
from solvent.liquidation import socialised
from solvent.rules import Loss, VenueRules
from solvent.simulation.auditor import Auditor
from solvent.simulation.driver import Line
from solvent.simulation.holdings import Held, cash, legs
from solvent.simulation.liquidator import Liquidator
from solvent.simulation.report import Law
from solvent.simulation.settling import RunDown, Shared
from solvent.simulation.verdicts import assessments
from solvent.units import exact

Ints = NDArray[np.int64]

WATCHED = 24  # pools watched over each accrual
DIVIDED, DIVIDED_POOLS = 10, 200_000  # how often ring 1 divides a socialised sum, and among how many pools at most


@dataclass(slots=True)
class Checkers:
    """Tallies by law."""

    rules: VenueRules
    tallies: dict[str, Tally] = field(default_factory=dict)
    winners_seen: int = 0
    divided: int = 0

    def law(self, name: str) -> Tally:
        """The tally of a law."""
        return self.tallies.setdefault(name, Tally())

    def found(self) -> dict[str, Law]:
        """Every law's count so far."""
        return {name: Law(*tally.verdict()) for name, tally in self.tallies.items()}

    def add(self, found: Mapping[str, tuple[int, int, str]]) -> None:
        """Count verdicts made elsewhere."""
        for name, (checks, held, detail) in found.items():
            tally = self.law(name)
            tally.checks += checks
            tally.held += held
            tally.detail = tally.detail or detail

    def whole(self, engine: Engine, auditor: Auditor) -> None:
        """L-01, L-02, L-03, L-16, L-17 over all tables, by the engine's audit and by the auditor's own books."""
        t, names = engine.tables, engine.names
        self.add(engine.audit())
        outside = {
            "L-01": auditor.money_agrees(t, names),
            "L-02": auditor.lots_agree(t, names),
            "L-03": auditor.costs_agree(t, names),
            "L-16": auditor.once,
            "L-21": auditor.indices_agree(t, names),
        }
        self.add({law: tally.verdict() for law, tally in outside.items()})
        auditor.once = Tally()
        state = engine.state(FUND_POOL)
        self.law("L-17").check(state is PoolState.HEALTHY, f"the fund is {state.name}")

    def breached(self, engine: Engine, events: Records, *, most: int) -> None:
        """L-06: every breach announced is proved by the exact kernel, with the surplus the event gives; by ring 1 too
        where there are no more than ``most``, and otherwise for ``most`` of them: the worst, and others evenly spread.
        """
        pools = events["pool"].astype(np.int64)
        if not pools.size:
            return
        whole, millionths, required, rest = (np.zeros(pools.size, np.int64) for _ in range(4))
        surpluses_of(engine.tables, pools, whole, millionths, required, rest)
        inclusive = self.rules.breach_inclusive
        below = (whole < 0) | (inclusive & (whole == 0) & (millionths == 0) & (required + rest > 0))
        fine = below & (whole == events["short"])
        chosen = np.arange(pools.size) if pools.size <= most else _worst_and_others(pools.size, most)
        for row, (_, found) in zip(
            chosen.tolist(), assessments(engine, pools[chosen].tolist(), Purpose.MAINTAIN), strict=True
        ):
            fine[row] &= found.breached(inclusive=inclusive)
        law, held = self.law("L-06"), int(fine.sum())
        law.checks, law.held = law.checks + pools.size, law.held + held
        if held < pools.size and not law.detail:
            wrong = int(np.flatnonzero(~fine)[0])
            law.detail = f"pool {pools[wrong]}: surplus {whole[wrong]} is no breach"
        states = engine.book(int(pools[0]))[1].states
        law.check(not states, f"pools {pools[:3].tolist()}: prices {states} do not allow liquidation")
        law.checks, law.held = law.checks + pools.size - 1, law.held + (pools.size - 1) * (not states)

    def nobody_missed(self, engine: Engine) -> None:
        """L-18: after an epoch an exact pass over every pool finds no healthy one in breach."""
        t = engine.tables
        found = np.zeros(int(t.top[TOP_POOLS]), np.int32)
        count = int(breaches(t, packed(t), False, FIRST_USER_POOL, found.size, found))
        missed = found[FIRST_USER_POOL : FIRST_USER_POOL + count].tolist()
        self.law("L-18").check(count == 0, f"healthy pools in breach: {missed[:3]}")

    def withdrawn(self, engine: Engine, answers: Records, commands: Records) -> None:
        """L-10: after each withdrawal done, surplus(WITHDRAW) and the balance are not below zero."""
        done = (commands["kind"] == Verb.WITHDRAW) & (answers["kind"] == Happened.DONE)
        for pool in commands["pool"][done].tolist():
            left = engine.surplus(pool, Purpose.WITHDRAW)
            self.law("L-10").check(left >= 0 and cash(engine.tables, pool) >= 0, f"pool {pool}: {left} units left")

    def steps(self, engine: Engine, liquidator: Liquidator) -> None:
        """L-08: no planned step lowers surplus(RECOVER), as planned and as it came out at the fills' prices."""
        for planned in liquidator.planned:
            for step in planned.steps:
                self.law("L-08").check(step.after >= step.before, f"{step.pool}: {step.before} to {step.after}")
            if engine.state(planned.pool) in (PoolState.LIQUIDATING, PoolState.HEALTHY):
                after = engine.surplus(planned.pool, Purpose.RECOVER)
                fine = after >= planned.before
                self.law("L-08").check(fine, f"pool {planned.pool}: {planned.before} to {after} units")

    @exact
    def winners(self, liquidator: Liquidator) -> None:
        """L-14: nobody's margin equity over requirement is worse after giving up lots to ADL."""
        for pool, before, after in liquidator.taken[self.winners_seen :]:
            fine = after.margin_equity * before.required >= before.margin_equity * after.required
            fine = fine and (after.required > 0 or after.margin_equity >= 0)
            self.law("L-14").check(fine, f"pool {pool}: {before.low} to {after.low}")
        self.winners_seen = len(liquidator.taken)

    def waterfall(self, found: Iterable[RunDown]) -> None:
        """L-15: each stage gave all it could before the next was asked, in the rule set's order."""
        stages = ("account", *(stage.value for stage in self.rules.losses.stages))
        for fund_cash, done, _ in found:
            names = tuple(stage.name for stage in done.stages)
            self.law("L-15").check(names == stages, f"stages {names} instead of {stages}")
            left = done.loss_units
            for stage in done.stages:
                fine = stage.paid_units == min(left, stage.available_units)
                self.law("L-15").check(fine, f"{stage.name} paid {stage.paid_units} of {stage.available_units}")
                left -= stage.paid_units
            fund = sum(stage.paid_units for stage in done.stages if stage.name == Loss.FUND.value)
            self.law("L-15").check(fund <= fund_cash, f"the fund paid {fund} out of {fund_cash}")

    def socialised(self, found: Shared) -> None:
        """L-15: a sum was shared exactly, by value to within a unit, and left nobody below zero; the first few times
        ring 1 divides it too and says the same of everybody.
        """
        rows = np.flatnonzero((found.before > 0) | (found.after != found.before))
        before, paid = found.before[rows], (found.before - found.after)[rows]
        whole, law = int(before.sum()), self.law("L-15")
        raised = paid < 0  # a pool that was bankrupt and is worth something again counts among the healthy
        law.check(int(paid[~raised].sum()) == found.units, f"{paid[~raised].sum()} units paid instead of {found.units}")
        share = before * (found.units / max(whole, 1))
        fine = raised | (np.abs(paid - share) <= 1 + 1e-9 * share)
        law.check(bool(fine.all()), f"pool {rows[~fine][:1]} paid {paid[~fine][:1]} instead of {share[~fine][:1]}")
        if self.divided < DIVIDED and rows.size <= DIVIDED_POOLS:
            self.divided += 1
            own = socialised(
                found.units, {f"P{row}": units for row, units in zip(rows.tolist(), before.tolist(), strict=True)}
            )
            same = {f"P{row}": units for row, units in zip(rows.tolist(), paid.tolist(), strict=True) if units > 0}
            law.check(own == same, f"{found.units} units were not divided as ring 1 divides them")

    def followed(self, engine: Engine, liquidator: Liquidator) -> None:
        """L-06 at the end: whoever is still under liquidation is still being liquidated; nobody was let go midway."""
        under = np.flatnonzero(engine.tables.pools["state"] == PoolState.LIQUIDATING).tolist()
        self.law("L-06").check(under == sorted(liquidator.cases), f"{len(under)} pools liquidating, not all followed")

    def close_of_waterfall(self, socialised: int, uncovered: int, exhausted: int) -> None:
        """L-15 at the end: nothing was socialised or left uncovered that the fund could have paid."""
        fine = exhausted > 0 or not (socialised or uncovered)
        self.law("L-15").check(fine, f"{socialised} units socialised, {uncovered} uncovered, fund never exhausted")


def _worst_and_others(count: int, most: int) -> Ints:
    """Rows of ``count`` announced worst first: half of ``most`` from the front, the others evenly spread."""
    front = most // 2
    others = np.linspace(front, count - 1, most - front).astype(np.int64)
    return np.unique(np.concatenate([np.arange(front), others]))


@dataclass(slots=True)
class Parents:
    """L-09: what the parents of isolated pools under liquidation own, before and after a round."""

    line: Line
    parents: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    before: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def look(self, pools: list[int]) -> None:
        """Remember the parents of those of ``pools`` that are isolated."""
        parents = np.unique(self.line.engine.tables.pools["parent"][np.array(pools, np.int64)])
        self.parents = parents[parents >= 0].astype(np.int64)
        self.before = self._owned()

    def _owned(self) -> Ints:
        """Units of every asset, one row a parent."""
        t = self.line.engine.tables
        things = int(t.top[TOP_THINGS])
        units = np.zeros(self.parents.size * things, np.int64)
        balances_of(t, self.parents, things, units)
        return units.reshape(-1, things)

    def check(self, tally: Tally, sent: list[tuple[Records, Records]], own: set[int]) -> None:
        """Unchanged, unless the parent was itself a party: liquidated, deleveraged or asked to pay."""
        parties = [np.fromiter(own, np.int64, len(own))]
        for commands, _ in sent:
            parties.append(commands["other"][commands["kind"] == Verb.ADL].astype(np.int64))
            if (commands["kind"] == Verb.SOCIALISE).any():
                return
        now = self._owned()
        watched = ~np.isin(self.parents, np.concatenate(parties), kind="table")
        fine = (now == self.before).all(axis=1)[watched]
        wrong = self.parents[watched][~fine]
        tally.checks += int(fine.size)
        tally.held += int(fine.sum())
        if wrong.size and not tally.detail:
            row = int(np.flatnonzero(self.parents == wrong[0])[0])
            tally.detail = f"parent {wrong[0]} had {self.before[row].tolist()}, has {now[row].tolist()}"


@dataclass(slots=True)
class Accruals:
    """L-21: an index moves every pool's value by what a loop over its positions would, to the unit."""

    line: Line
    tally: Tally
    values: dict[int, int] = field(default_factory=dict)
    held: dict[int, list[Held]] = field(default_factory=dict)
    debts: dict[int, int] = field(default_factory=dict)

    def look(self, pools: list[int]) -> None:
        """Remember what pools are worth and hold before an accrual."""
        t = self.line.engine.tables
        self.values = {pool: self.line.engine.value(pool) for pool in pools[:WATCHED]}
        self.held = {pool: legs(t, pool) for pool in self.values}
        self.debts = {pool: min(0, cash(t, pool)) for pool in self.values}

    def funding(self, thing: int, increment: int) -> None:
        """Each pool lost its lots times the increment, exactly."""
        for pool, before in self.values.items():
            due = sum(ledger.funding_due(one.lots, increment, 0) for one in self.held[pool] if one.thing == thing)
            now = self.line.engine.value(pool)
            self.tally.check(now == before - due, f"pool {pool}: {before} to {now}, due {due}")

    def interest(self, increment: int) -> None:
        """Each debt grew by its share of the increment, within one unit, and never in the account's favour."""
        for pool, before in self.values.items():
            lost = before - self.line.engine.value(pool)
            exact = Fraction(-self.debts[pool] * increment, ledger.TRILLION)
            self.tally.check(exact - 1 <= lost <= exact + 1, f"pool {pool} lost {lost}, interest is {exact}")
