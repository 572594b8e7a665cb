"""Questions put to the engine on purpose, once an hour: what must be refused is refused, and what is done keeps
the rules.

Probes are commands of the run like any others, so that they are part of its hash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solvent.book import LegMode, Purpose
from solvent.engine.commands import LEGS_NUMBER
from solvent.engine.records import FUND_POOL, Happened, PoolState, Reason, Records, Setting, Verb, command
from solvent.margin import assess_pool, may_set_legs, may_set_mode
from solvent.simulation.checkers import Checkers
from solvent.simulation.driver import Line
from solvent.simulation.holdings import cash, legs
from solvent.simulation.randomness import Stream
from solvent.simulation.stage import Stage
from solvent.simulation.world import DOLLAR_ID

PROBES = 5  # the source of these commands
TRADES, SWITCHES = 4, 3


@dataclass(slots=True)
class Probes:
    """Sends probes and judges the answers; ``note`` of the run gets every command and event."""

    stage: Stage
    line: Line
    checkers: Checkers

    def ask(self, hour: int) -> list[tuple[Records, Records]]:
        """All probes of an hour; what was sent and what came back."""
        stream = Stream(self.stage.seed, f"probes/{self.stage.world.dataset.name}/{hour}")
        rows = stream.integers(0, self.stage.crowd.pools.count, TRADES + SWITCHES).tolist()
        pools = [self.stage.first + row for row in rows]
        times = stream.integers(1, 60, TRADES).tolist()
        found = [self._trade(pool, k, times[k]) for k, pool in enumerate(pools[:TRADES])]
        found += [self._switch(pool) for pool in pools[TRADES:]]
        return [*found, self._fund_trades(), self._fund_pays()]

    def _one(self, **fields: int) -> tuple[Records, Records]:
        verb = Verb(fields.pop("verb"))
        self.line.add(command(verb, PROBES, 0, **fields))
        return self.line.flush()

    def _trade(self, pool: int, turn: int, times: int) -> tuple[Records, Records]:
        """L-04: a trade of 1 to 59 times a pool's worth; done, both sides pass ring 1 at ADMIT or only reduced."""
        world, engine = self.stage.world, self.line.engine
        instrument = int(self.stage.crowd.wishes.instrument[turn])
        thing, maker = world.first_perpetual + instrument, self.stage.makers.pool(turn)
        mark = int(engine.tables.things[thing]["mark"])
        per_lot = mark * world.perpetuals[instrument].tick_value
        lots = max(1, min(max(engine.value(pool), 0) * times // per_lot, int(engine.tables.things[thing]["max_lots"])))
        before = {one: [held.lots for held in legs(engine.tables, one) if held.thing == thing] for one in (pool, maker)}
        leg = 1 if int(engine.tables.pools[pool]["legs"]) else 0
        sent = self._one(verb=Verb.FILL, pool=pool, other=maker, thing=thing, lots=lots, ticks=mark, flags=leg)
        event = sent[1][0]
        if int(event["kind"]) == Happened.DONE:
            for one in (pool, maker):
                self._passes(one, before[one], thing)
        elif int(event["reason"]) in (Reason.TAKER_SHORT, Reason.MAKER_SHORT):
            self.checkers.law("L-04").check(
                int(event["short"]) < 0, f"pool {pool} refused with surplus {event['short']}"
            )
        return sent

    def _passes(self, pool: int, before: list[int], thing: int) -> None:
        book, market, rules = self.line.engine.book(pool)
        found = assess_pool(book, market, rules, Purpose.ADMIT, f"P{pool}")
        now = [held.lots for held in legs(self.line.engine.tables, pool) if held.thing == thing]
        reduced = sum(map(abs, now)) < sum(map(abs, before))
        self.checkers.law("L-04").check(found.low >= 0 or reduced, f"pool {pool} traded into surplus {found.low}")

    def _fund_trades(self) -> tuple[Records, Records]:
        """L-04, L-17: the fund may not take a position its own margin does not carry."""
        engine, world = self.line.engine, self.stage.world
        thing = world.first_perpetual
        row = engine.tables.things[thing]
        per_lot = int(row["mark"]) * int(row["tick_value"])
        lots = max(1, 200 * max(engine.value(FUND_POOL), 1) // per_lot)
        sent = self._one(
            verb=Verb.FILL, pool=FUND_POOL, other=self.stage.makers.pool(0), thing=thing,
            lots=min(lots, int(row["max_lots"])), ticks=int(row["mark"]),
        )  # fmt: skip
        refused = int(sent[1][0]["kind"]) == Happened.REFUSED
        self.checkers.law("L-04").check(refused, "the fund took two hundred times what it has")
        return sent

    def _fund_pays(self) -> tuple[Records, Records]:
        """L-04: not even the fund may withdraw what it does not have."""
        more = max(0, cash(self.line.engine.tables, FUND_POOL)) + 1
        sent = self._one(verb=Verb.WITHDRAW, pool=FUND_POOL, thing=DOLLAR_ID, amount=more)
        refused = int(sent[1][0]["kind"]) == Happened.REFUSED
        self.checkers.law("L-04").check(refused, "the fund withdrew more than it has")
        return sent

    def _switch(self, pool: int) -> tuple[Records, Records]:
        """L-20: leg mode and margin mode change only where ring 1 says the venue allows it."""
        engine = self.line.engine
        book, _, rules = engine.book(pool)
        # A leverage cap chosen for an instrument that is not held is no position.
        kept = tuple(position for position in book.holdings[0].positions if position.lots)
        holding, name = replace(book.holdings[0], positions=kept), f"P{pool}"
        book = book.with_holding(holding)
        healthy = engine.state(pool) is PoolState.HEALTHY
        other = LegMode.ONE_WAY if holding.pool.legs is LegMode.HEDGE else LegMode.HEDGE
        allowed = healthy and not may_set_legs(book, rules, name, other)
        legs_sent = self._one(verb=Verb.SET, pool=pool, flags=int(Setting.LEGS), amount=LEGS_NUMBER[other])
        done = int(legs_sent[1][0]["kind"]) == Happened.DONE
        held = bool(kept or holding.orders)
        self.checkers.law("L-20").check(not (done and (held or not healthy)), f"{name} changed legs with positions")
        self.checkers.law("L-20").check(done or not allowed, f"{name} may change legs and was refused")
        others = [(k, mode) for k, (mode, _) in enumerate(self.stage.world.rows) if mode is not holding.pool.mode]
        if not others:
            return legs_sent
        row, mode = others[0]
        lawful = healthy and not may_set_mode(book, rules, name, mode)
        mode_sent = self._one(verb=Verb.SET, pool=pool, flags=int(Setting.RULES), amount=row)
        done = int(mode_sent[1][0]["kind"]) == Happened.DONE
        self.checkers.law("L-20").check(lawful or not done, f"{name} changed to {mode.value}, which is not allowed")
        return _joined(legs_sent, mode_sent)


def _joined(first: tuple[Records, Records], second: tuple[Records, Records]) -> tuple[Records, Records]:
    return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
