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
4. A pool that ends flat below zero is bankrupt: what becomes of its loss is in :mod:`solvent.simulation.settling`.

Pools for which nothing can be done before there is new depth are passed over by one kernel
(:func:`solvent.engine.waiting.next_to_act`); they would not send a command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from solvent.assessment import Assessment
from solvent.book import Leg, Purpose
from solvent.engine.names import ListedInstrument
from solvent.engine.planning import Terms, depths, plans, readable, terms
from solvent.engine.plans import Outcome
from solvent.engine.records import LEG_MASK, OTHER_LEG_SHIFT, Happened, PoolState, Records, Verb, command
from solvent.engine.waiting import next_to_act
from solvent.instruments import Perpetual
from solvent.liquidation import (
    Action,
    BankruptcyPrice,
    Depth,
    LegAtMark,
    Level,
    Step,
    allocated,
    bankruptcy_prices,
    plan,
)
from solvent.margin import assess_pool
from solvent.simulation.deleveraging import Deleveraging, Holders
from solvent.simulation.driver import Line
from solvent.simulation.holdings import Held, cash, legs, other_assets
from solvent.simulation.impact import Book as DepthBook
from solvent.simulation.impact import ImpactState
from solvent.simulation.settling import Settling
from solvent.simulation.stage import Stage
from solvent.simulation.world import LIQUIDATOR

Ints = NDArray[np.int64]

JUDGED = 500  # winners of ADL whose ratio is compared before and after
SLICES = (16, 4, 1)  # levels of depth shown to a plan: a sixteenth, a quarter, all of it


@dataclass(slots=True)
class Case:
    """One pool under liquidation."""

    pool: int
    minute: int
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
    handed_over: int = 0
    sent: list[tuple[Records, Records]] = field(default_factory=list)
    deleveraging: Deleveraging = field(init=False)
    taken: list[tuple[int, Assessment, Assessment]] = field(default_factory=list)
    reader: Callable[[Records, Records], object] | None = None
    turn: int = 0
    known: Terms | None = None
    settling: Settling = field(init=False)
    nothing_refused: Ints = field(init=False)
    scratch: tuple[Ints, ...] = field(init=False)
    open_lots: Ints = field(init=False)  # depth left in this minute: at 2 × thing what can be sold, + 1 bought

    def __post_init__(self) -> None:
        """Nobody is bankrupt yet."""
        self.deleveraging = Deleveraging(Holders(self.stage))
        self.settling = Settling(self.line, self.stage.world.rules.losses, self._send, self._repay)
        things = self.stage.world.things
        self.open_lots = np.zeros(2 * things, np.int64)
        self.nothing_refused = self.deleveraging.refused.copy()
        self.scratch = tuple(np.zeros((LEG_MASK + 1) * things, np.int64) for _ in range(3))

    def begin(self, pool: int, minute: int) -> None:
        """A breach was announced."""
        self.cases[pool] = Case(pool, minute)

    def round(self) -> None:
        """One round for every pool under liquidation for which anything can be done."""
        self.planned.clear()
        for instrument in range(self.state.count):
            self._look_at_depth(instrument)
        pools = np.fromiter(self.cases, np.int64, len(self.cases))
        self.deleveraging.renew(self.line.engine)
        at = self._next(pools, 0)
        while at < pools.size:
            self._one(self.cases[int(pools[at])])
            at = self._next(pools, at + 1)
        self._send()

    def _next(self, pools: Ints, at: int) -> int:
        """The place of the next pool for which anything can be done.

        While commands wait, a pool whose legs have all been refused is not passed over: its round would send them.
        """
        refused = self.nothing_refused if self.line.waiting else self.deleveraging.refused
        limit, scratch = self.settling.fund_limit(), self.scratch
        order = self._terms().order
        return int(next_to_act(self.line.engine.tables, pools, at, self.open_lots, limit, order, refused, *scratch))

    def _look_at_depth(self, instrument: int) -> None:
        """What the book still takes of an instrument, both sides."""
        place = 2 * (instrument + self.stage.world.first_perpetual)
        for buying in (False, True):
            self.open_lots[place + buying] = self.depth.available_lots(self.state, instrument, buying=buying)

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
        if worth >= 0 or -worth <= self.settling.fund_limit():
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
        self._look_at_depth(self._instrument(one.thing))
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

    def _deleverage(self, case: Case) -> None:
        """Close every leg at its allocated bankruptcy price against winners; the rest goes into the book."""
        self._send()
        engine, pool = self.line.engine, case.pool
        if engine.state(pool) is not PoolState.LIQUIDATING:
            return
        for price in self._prices(pool):
            self._deleverage_leg(case, price)

    def _prices(self, pool: int) -> tuple[BankruptcyPrice, ...]:
        """Allocated bankruptcy prices: from the tables where all settles in one asset, else by ring 1's view."""
        engine = self.line.engine
        t, things = engine.tables, engine.names.things
        held = [(one, things[one.thing]) for one in legs(t, pool)]
        numeraire = int(t.rules[int(t.pools[pool]["rules"])]["numeraire"])
        at_mark = [
            LegAtMark(listed.instrument, Leg(one.leg), one.lots, int(t.things[one.thing]["mark"]))
            for one, listed in held
            if isinstance(listed, ListedInstrument)
            and isinstance(listed.instrument, Perpetual)
            and listed.settle == numeraire
        ]
        if at_mark and len(at_mark) == len(held):
            return allocated(engine.value(pool), at_mark)
        book, market, rules = engine.book(pool)
        return bankruptcy_prices(book, market, rules, f"P{pool}")

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
        if not self.line.waiting:
            return
        commands, events = self.line.flush()
        self.sent.append((commands, events))
        if self.reader is not None:
            self.reader(commands, events)
        self.follow(events)

    def follow(self, events: Records) -> None:
        """Let go of pools that recovered or are bankrupt, and raise those that are bankrupt to zero."""
        for event in events[(events["kind"] == Happened.RECOVERED) | (events["kind"] == Happened.BANKRUPT)]:
            self.cases.pop(int(event["pool"]), None)
        for event in events[events["kind"] == Happened.BANKRUPT]:
            self.settling.raise_to_zero(int(event["pool"]))
