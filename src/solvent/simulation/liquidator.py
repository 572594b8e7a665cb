"""The liquidator: takes every pool in breach through its plan, the book's depth, the fund, ADL, to its end.

Pools are taken in the order their breaches were announced: those of earlier epochs first, those of one epoch
worst first. Each minute a pool gets one round:

1. What it is worth at the prices its legs would fetch now is found. Where that is not below zero, the rule
   set's plan is made with the depth there is, by the engine's arrays or by ring 1, and its closes are sent at the
   prices the book gives, each no worse than its step's limit. A pool that needs no close any more gives up one
   lot, so that the engine looks again.
2. Where no close helps, or the worth is below zero, collateral in other assets is converted. A loss that the
   fund could pay within its draw limit lets the liquidator close everything into the book, whatever plan there
   is.
3. A greater loss is deleveraged: every leg at its allocated bankruptcy price against winners by the rule set's
   rank. What finds nobody is closed into the book.
4. A pool that ends flat below zero is bankrupt: the fund pays what its limit lets it, what is left is
   socialised where the rule set does so, and is stated as uncovered where it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from solvent.assessment import Assessment
from solvent.book import Purpose
from solvent.engine.commands import socialise
from solvent.engine.planning import Terms, depths, plans, readable, terms
from solvent.engine.plans import Outcome
from solvent.engine.records import FUND_POOL, OTHER_LEG_SHIFT, Happened, PoolState, Records, Verb, command
from solvent.ledger import share_down
from solvent.liquidation import Action, BankruptcyPrice, Covered, Depth, Level, Step, bankruptcy_prices, cover, plan
from solvent.margin import assess_pool
from solvent.rules import Loss
from solvent.simulation.auditor import fund_cash
from solvent.simulation.deleveraging import Deleveraging
from solvent.simulation.driver import Line
from solvent.simulation.holdings import Held, cash, legs, other_assets
from solvent.simulation.impact import Book as DepthBook
from solvent.simulation.impact import ImpactState
from solvent.simulation.stage import Stage
from solvent.simulation.world import LIQUIDATOR

PAID_BY_FUND = (Loss.FUND.value, Loss.BACKSTOP.value, Loss.LP_VAULT.value)  # all of them are the fund pool
JUDGED = 500  # winners of ADL whose ratio is compared before and after
SLICES = (16, 4, 1)  # levels of depth shown to a plan: a sixteenth, a quarter, all of it


@dataclass(slots=True)
class Case:
    """One pool under liquidation."""

    pool: int
    minute: int
    rounds: int = 0
    fills: int = 0
    adl: int = 0


@dataclass(slots=True)
class Planned:
    """What was planned for a pool this round: surplus(RECOVER) before it, and the steps."""

    pool: int
    before: int
    steps: tuple[Step, ...] = ()


@dataclass(slots=True)
class Liquidator:
    """Pools under liquidation, and the market their closes meet."""

    stage: Stage
    line: Line
    depth: DepthBook
    state: ImpactState
    cases: dict[int, Case] = field(default_factory=dict)
    planned: list[Planned] = field(default_factory=list)
    covered: list[tuple[int, Covered]] = field(default_factory=list)
    handed_over: int = 0
    sent: list[tuple[Records, Records]] = field(default_factory=list)
    deleveraging: Deleveraging = field(default_factory=Deleveraging)
    taken: list[tuple[int, Assessment, Assessment]] = field(default_factory=list)
    reader: Callable[[Records, Records], object] | None = None
    turn: int = 0
    known: Terms | None = None

    def begin(self, pool: int, minute: int) -> None:
        """A breach was announced."""
        self.cases[pool] = Case(pool, minute)

    def round(self) -> None:
        """One round for every pool under liquidation."""
        self.planned.clear()
        for pool in list(self.cases):
            case = self.cases[pool]
            case.rounds += 1
            self._one(case)
        self._send()

    def _one(self, case: Case) -> None:
        self._repay(case.pool)
        engine = self.line.engine
        if engine.state(case.pool) is not PoolState.LIQUIDATING:
            return
        held = legs(engine.tables, case.pool)
        if not held:
            self._convert(case.pool)
            return
        worth = self._executable(case.pool, held)
        if worth >= 0 and (not any(self._available(one) for one in held) or self._by_plan(case, held)):
            return
        self._convert(case.pool)
        if worth >= 0 or -worth <= self._fund_limit():
            self.handed_over += worth >= 0
            for one in held:
                self._close(case, one, -one.lots)
            return
        self._deleverage(case)

    def _repay(self, pool: int) -> None:
        """A debt in the numeraire is covered out of the pool's other assets, as far as they go, and sent at once."""
        t = self.line.engine.tables
        debt = -cash(t, pool)
        for thing, units in other_assets(t, pool):
            if units > 0 and debt > 0:
                mark, divisor = int(t.things[thing]["mark"]), int(t.things[thing]["divisor"])
                part = min(units, -(-debt * divisor // mark))
                debt -= part * mark // divisor
                self._exchange(pool, thing, part)
        if debt < -cash(t, pool):
            self._send()

    def _executable(self, pool: int, held: list[Held]) -> int:
        """Worth of the pool if every leg were closed now at the price all of it would fetch, units."""
        value = self.line.engine.value(pool)
        things = self.line.engine.tables.things
        for one in held:
            quote = self.depth.quote(self.state, self._instrument(one.thing), -one.lots)
            mark = int(things[one.thing]["mark"])
            price = quote.price_ticks if quote.filled_lots else mark
            value += one.lots * (price - mark) * int(things[one.thing]["tick_value"])
        return int(value)

    def _by_plan(self, case: Case, held: list[Held]) -> bool:
        """Send the plan's closes; False where no close helps although all could be traded."""
        before = self.line.engine.surplus(case.pool, Purpose.RECOVER)
        steps = self._steps(case.pool, self._quotes(held))
        if not steps:
            one = held[0]
            self._liquidate(
                case, one, -1 if one.lots > 0 else 1, int(self.line.engine.tables.things[one.thing]["mark"])
            )
            return True
        closes = [step for step in steps if step.action is Action.CLOSE]
        if not closes:
            return any(self._available(one) == 0 for one in held)
        self.planned.append(Planned(case.pool, before, steps))
        for step in closes:
            thing = self.line.engine.names.ids[step.symbol]
            one = next(one for one in held if (one.thing, one.leg) == (thing, step.leg.value))
            self._close(case, one, step.lots, step.worst_ticks)
        return True

    def _steps(self, pool: int, quotes: dict[str, Depth]) -> tuple[Step, ...]:
        """The pool's plan, by the engine's arrays where they cover it."""
        engine = self.line.engine
        found = plans(engine.tables, [pool], depths(engine.names, quotes), self._terms())
        if found.verdict[0] != Outcome.UNCOVERED:
            return readable(engine.tables, engine.names, found, 0)
        book, market, rules = engine.book(pool)
        return plan(book, market, rules, f"P{pool}", quotes)

    def _terms(self) -> Terms:
        """What plans need to know of the rules rows: a replay lists everything before its first minute."""
        if self.known is None:
            engine, rules = self.line.engine, self.stage.world.rules
            self.known = terms(engine.tables, engine.names, {row.rules: rules for row in engine.names.rules.values()})
        return self.known

    def _quotes(self, held: list[Held]) -> dict[str, Depth]:
        """Depth of the instruments a pool holds, both sides where it holds both legs."""
        found: dict[str, Depth] = {}
        for one in held:
            symbol = self.line.engine.names.name(one.thing)
            before = found.get(symbol, Depth())
            levels = self._levels(one)
            found[symbol] = Depth(levels, before.asks) if one.lots > 0 else Depth(before.bids, levels)
        return found

    def _levels(self, one: Held) -> tuple[Level, ...]:
        """Price levels that close a leg: each price is what all lots up to it fetch on average."""
        available, sign = self._available(one), -1 if one.lots > 0 else 1
        levels: list[Level] = []
        done = 0
        for part in SLICES:
            lots = available // part
            if lots <= done:
                continue
            quote = self.depth.quote(self.state, self._instrument(one.thing), sign * lots)
            if levels and (quote.price_ticks - levels[-1].ticks) * sign <= 0:
                levels[-1] = Level(levels[-1].ticks, levels[-1].lots + lots - done)
            else:
                levels.append(Level(quote.price_ticks, lots - done))
            done = lots
        return tuple(levels)

    def _available(self, one: Held) -> int:
        return self.depth.available_lots(self.state, self._instrument(one.thing), buying=one.lots < 0)

    def _instrument(self, thing: int) -> int:
        return thing - self.stage.world.first_perpetual

    def _close(self, case: Case, one: Held, lots: int, worst_ticks: int = 0) -> None:
        """Close ``lots`` (signed) of a leg as far as the depth goes, at the book's price, no worse than the limit."""
        quote = self.depth.quote(self.state, self._instrument(one.thing), lots)
        if quote.filled_lots == 0:
            return
        worse = (worst_ticks - quote.price_ticks) * (1 if lots < 0 else -1)
        if worst_ticks and worse > 0:
            return
        filled = self.depth.fill(self.state, self._instrument(one.thing), lots)
        self._liquidate(case, one, filled.filled_lots, filled.price_ticks)

    def _liquidate(self, case: Case, one: Held, lots: int, ticks: int) -> None:
        case.fills += 1
        self.turn += 1
        self.line.add(
            command(
                Verb.LIQUIDATE, LIQUIDATOR, 0, pool=case.pool, other=self.stage.makers.pool(self.turn), thing=one.thing,
                flags=one.leg, lots=lots, ticks=ticks,
            )
        )  # fmt: skip

    def _convert(self, pool: int) -> None:
        """Other assets into the numeraire, at their index, with a maker."""
        t = self.line.engine.tables
        for thing, units in other_assets(t, pool):
            if units > 0:
                self._exchange(pool, thing, units)

    def _exchange(self, pool: int, thing: int, units: int) -> None:
        self.turn += 1
        ticks = int(self.line.engine.tables.things[thing]["mark"])
        self.line.add(
            command(
                Verb.CONVERT, LIQUIDATOR, 0, pool=pool, other=self.stage.makers.pool(self.turn), thing=thing,
                amount=units, ticks=ticks,
            )
        )  # fmt: skip

    def _fund_limit(self) -> int:
        """The most the fund may pay for one loss now, units."""
        return share_down(max(0, fund_cash(self.line.engine.tables)), self.stage.world.rules.losses.fund_draw_ppm)

    def _deleverage(self, case: Case) -> None:
        """Close every leg at its allocated bankruptcy price against winners; the rest goes into the book."""
        self._send()
        engine, pool = self.line.engine, case.pool
        if engine.state(pool) is not PoolState.LIQUIDATING:
            return
        book, market, rules = engine.book(pool)
        for price in bankruptcy_prices(book, market, rules, f"P{pool}"):
            self._deleverage_leg(case, price)

    def _deleverage_leg(self, case: Case, price: BankruptcyPrice) -> None:
        engine, pool = self.line.engine, case.pool
        thing, left = engine.names.ids[price.symbol], price.lots
        asked = self.deleveraging.winners(engine, self.stage.world.rules, thing, price.lots, price.ticks)
        before = {one.pool: self._judged(one.pool) for one in asked if len(self.taken) < JUDGED}
        for one in asked:
            lots = -one.lots if price.lots > 0 else one.lots
            flags = price.leg.value | one.leg << OTHER_LEG_SHIFT
            self.line.add(
                command(
                    Verb.ADL, LIQUIDATOR, 0, pool=pool, other=one.pool, thing=thing, lots=lots, ticks=price.ticks,
                    flags=flags,
                )
            )  # fmt: skip
            left += lots
            case.adl += 1
        self._send()
        self.taken += [(one, found, self._judged(one)) for one, found in before.items()]
        if left and self.line.engine.state(pool) is PoolState.LIQUIDATING:
            self._close(case, Held(thing, price.leg.value, left, 0), -left)
            self._send()

    def _judged(self, pool: int) -> Assessment:
        book, market, rules = self.line.engine.book(pool)
        return assess_pool(book, market, rules, Purpose.MAINTAIN, f"P{pool}")

    def _send(self) -> None:
        """Send what is waiting, and go on where it ended."""
        commands, events = self.line.flush()
        if not commands.size:
            return
        self.sent.append((commands, events))
        if self.reader is not None:
            self.reader(commands, events)
        self.follow(events)

    def follow(self, events: Records) -> None:
        """Let go of pools that recovered or are bankrupt, and raise those that are bankrupt to zero."""
        for event in events[(events["kind"] == Happened.RECOVERED) | (events["kind"] == Happened.BANKRUPT)]:
            self.cases.pop(int(event["pool"]), None)
        for event in events[events["kind"] == Happened.BANKRUPT]:
            self.raise_to_zero(int(event["pool"]))

    def raise_to_zero(self, pool: int) -> None:
        """Run a bankrupt pool's loss down the waterfall."""
        engine = self.line.engine
        loss = -engine.value(pool)
        if loss <= 0:
            return
        cash = max(0, fund_cash(engine.tables))
        losses = self.stage.world.rules.losses
        payers = {} if loss <= share_down(cash, losses.fund_draw_ppm) else self._payers(pool)
        done = cover(losses, f"P{pool}", loss, fund_units=cash, vault_units=cash, winners_units=payers)
        self.covered.append((cash, done))
        for stage in done.stages:
            if stage.name in PAID_BY_FUND and stage.paid_units:
                self.line.add(command(Verb.FUND, LIQUIDATOR, 0, pool=pool, amount=stage.paid_units))
            if stage.name == "socialise" and stage.paid_units:
                paid = [one for one in done.postings if one.stage == "socialise" and one.units < 0]
                rows = {int(one.account[1:]): -one.units for one in paid}
                self.line.add_sent([socialise(LIQUIDATOR, 0, pool, rows)])
        self._send()
        self._repay(pool)

    def _payers(self, pool: int) -> dict[str, int]:
        """What every healthy pool is worth, rounded down, by name: among them a loss is socialised."""
        engine = self.line.engine
        value = engine.revalue().value
        healthy = np.flatnonzero(engine.tables.pools["state"][: value.size] == PoolState.HEALTHY)
        kept = healthy[(value[healthy] >= 1.0) & (healthy > FUND_POOL) & (healthy != pool)]
        return {f"P{one}": int(value[one]) for one in kept.tolist()}
