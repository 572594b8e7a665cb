"""Checkers: the laws, watched while a replay runs. Each counts how often it looked and how often the law held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from solvent import ledger
from solvent.assessment import Assessment
from solvent.book import Purpose
from solvent.engine.audit import Tally
from solvent.engine.engine import Engine
from solvent.engine.epochs import breaches
from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, Happened, PoolState, Records, Verb
from solvent.engine.screen import packed
from solvent.engine.tables import TOP_POOLS
from solvent.margin import assess_pool
from solvent.rules import Loss, VenueRules
from solvent.simulation.auditor import Auditor
from solvent.simulation.driver import Line
from solvent.simulation.holdings import Held, cash, legs, standing
from solvent.simulation.liquidator import Liquidator
from solvent.simulation.report import Law
from solvent.units import exact

WATCHED = 24  # pools watched over each accrual


@dataclass(slots=True)
class Checkers:
    """Tallies by law."""

    rules: VenueRules
    tallies: dict[str, Tally] = field(default_factory=dict)
    winners_seen: int = 0

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

    def breached(self, engine: Engine, pool: int) -> Assessment:
        """L-06: ring 1 proves the breach of a pool whose liquidation was announced."""
        book, market, rules = engine.book(pool)
        found = assess_pool(book, market, rules, Purpose.MAINTAIN, f"P{pool}")
        proved = found.breached(inclusive=rules.breach_inclusive)
        self.law("L-06").check(proved, f"pool {pool}: surplus {found.low} is no breach")
        self.law("L-06").check(not market.states, f"pool {pool}: prices {market.states} do not allow liquidation")
        return found

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

    def waterfall(self, liquidator: Liquidator) -> None:
        """L-15: each stage gave all it could before the next was asked, in the rule set's order."""
        stages = ("account", *(stage.value for stage in self.rules.losses.stages))
        for fund_cash, done in liquidator.covered:
            names = tuple(stage.name for stage in done.stages)
            self.law("L-15").check(names == stages, f"stages {names} instead of {stages}")
            left = done.loss_units
            for stage in done.stages:
                fine = stage.paid_units == min(left, stage.available_units)
                self.law("L-15").check(fine, f"{stage.name} paid {stage.paid_units} of {stage.available_units}")
                left -= stage.paid_units
            fund = sum(stage.paid_units for stage in done.stages if stage.name == Loss.FUND.value)
            self.law("L-15").check(fund <= fund_cash, f"the fund paid {fund} out of {fund_cash}")

    def followed(self, engine: Engine, liquidator: Liquidator) -> None:
        """L-06 at the end: whoever is still under liquidation is still being liquidated; nobody was let go midway."""
        under = np.flatnonzero(engine.tables.pools["state"] == PoolState.LIQUIDATING).tolist()
        self.law("L-06").check(under == sorted(liquidator.cases), f"{len(under)} pools liquidating, not all followed")

    def close_of_waterfall(self, socialised: int, uncovered: int, exhausted: int) -> None:
        """L-15 at the end: nothing was socialised or left uncovered that the fund could have paid."""
        fine = exhausted > 0 or not (socialised or uncovered)
        self.law("L-15").check(fine, f"{socialised} units socialised, {uncovered} uncovered, fund never exhausted")


@dataclass(slots=True)
class Parents:
    """L-09: what the parents of isolated pools under liquidation own, before and after a round."""

    line: Line
    before: dict[int, tuple[int, tuple[tuple[int, int], ...]]] = field(default_factory=dict)

    def look(self, pools: list[int]) -> None:
        """Remember the parents of those of ``pools`` that are isolated."""
        t = self.line.engine.tables
        parents = {int(t.pools[pool]["parent"]) for pool in pools} - {-1}
        self.before = {parent: standing(t, parent) for parent in sorted(parents)}

    def check(self, tally: Tally, sent: list[tuple[Records, Records]], own: set[int]) -> None:
        """Unchanged, unless the parent was itself a party: liquidated, deleveraged or asked to pay."""
        parties = set(own)
        for commands, _ in sent:
            adl = commands["kind"] == Verb.ADL
            parties |= set(commands["other"][adl].tolist())
            if (commands["kind"] == Verb.SOCIALISE).any():
                return
        for parent, owned in self.before.items():
            if parent not in parties:
                now = standing(self.line.engine.tables, parent)
                tally.check(now == owned, f"parent {parent} had {owned}, has {now}")


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
