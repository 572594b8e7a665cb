"""What becomes of losses: the fund pays at once as far as it may, the rest waits for the hour and is socialised once.

A pool that ends flat below zero is bankrupt. The fund pays at once what its draw limit lets it. What is then missing
stays with the pool, where the rule set socialises, until the end of the hour. Then one waterfall runs for the sum of
what is missing: the fund again, with what it has earned since, and for the rest all healthy pools, in proportion to
value. So an hour costs one pass over the payers, however many losses it had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solvent.engine.commands import socialise_all
from solvent.engine.cover import able
from solvent.engine.engine import Engine
from solvent.engine.records import FIRST_USER_POOL, PoolState, Verb, command
from solvent.ledger import share_down
from solvent.liquidation import Covered, cover
from solvent.rules import Loss, Losses
from solvent.simulation.auditor import fund_cash
from solvent.simulation.driver import Line
from solvent.simulation.world import LIQUIDATOR

Ints = NDArray[np.int64]

PAID_BY_FUND = (Loss.FUND.value, Loss.BACKSTOP.value, Loss.LP_VAULT.value)  # all of them are the fund pool
SOCIALISE = Loss.SOCIALISE.value
EVERYBODY = "all healthy pools"


class RunDown(NamedTuple):
    """A waterfall as it ran: the fund's cash before, what was covered, and whether what is left waits for the hour."""

    cash: int
    done: Covered
    waits: bool = False


class Shared(NamedTuple):
    """A sum that was socialised, units; by pool id what each could be asked for before, and what it is worth after."""

    units: int
    before: Ints
    after: Ints


def worth_of_healthy(engine: Engine) -> Ints:
    """What every healthy pool of a user is worth, units, by pool id; zero for all others, and for those below zero."""
    found = np.zeros(engine.pool_count, np.int64)
    able(engine.tables, FIRST_USER_POOL, found.size, int(engine.tables.rules[0]["numeraire"]), found)
    return found


@dataclass(slots=True)
class Settling:
    """Losses of bankrupt pools on their way down.

    ``send`` sends what is waiting on the line; ``repay`` converts a pool's other assets into what it owes. Every
    ``watched``-th sum that is socialised is kept in ``shared`` with what everybody had before and after.
    """

    line: Line
    losses: Losses
    send: Callable[[], None]
    repay: Callable[[int], None]
    watched: int = 1
    covered: list[RunDown] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    sums: int = 0
    unjudged: bool = False  # something was socialised, and no epoch has judged its payers yet

    def fund_limit(self) -> int:
        """The most the fund may pay for one loss now, units."""
        return share_down(max(0, fund_cash(self.line.engine.tables)), self.losses.fund_draw_ppm)

    def raise_to_zero(self, pool: int) -> None:
        """A pool has become bankrupt: the fund pays as far as it may; the rest waits where losses are socialised."""
        loss = -self.line.engine.value(pool)
        if loss <= 0:
            return
        cash = max(0, fund_cash(self.line.engine.tables))
        done = cover(self.losses, f"P{pool}", loss, fund_units=cash, vault_units=cash)
        waits = done.left_units > 0 and Loss.SOCIALISE in self.losses.stages
        self.covered.append(RunDown(cash, done, waits))
        self._from_fund([pool], [loss], _paid_by_fund(done))
        self.send()
        if waits:
            self.waiting.append(pool)
        else:
            self.repay(pool)

    def settle(self) -> None:
        """At the end of an hour: one waterfall for everything that waits."""
        pools = np.array(self.waiting, np.int64)
        engine = self.line.engine
        pools = pools[engine.tables.pools["state"][pools] == PoolState.BANKRUPT]
        self.waiting.clear()
        if not pools.size:
            return
        missing = [max(0, -engine.value(pool)) for pool in pools.tolist()]
        cash = max(0, fund_cash(engine.tables))
        worth = worth_of_healthy(engine)
        total = int(worth.sum())
        done = cover(
            self.losses, EVERYBODY, sum(missing), fund_units=cash, vault_units=cash, winners_units={EVERYBODY: total}
        )
        self.covered.append(RunDown(cash, done))
        left = self._from_fund(pools.tolist(), missing, _paid_by_fund(done))
        self.send()
        if left and not done.left_units:
            self._socialise(left, sum(stage.paid_units for stage in done.stages if stage.name == SOCIALISE), worth)
        for pool in pools.tolist():
            self.repay(pool)

    def _socialise(self, pools: list[int], units: int, before: Ints) -> None:
        self.line.add_sent([socialise_all(LIQUIDATOR, 0, pools)])
        self.send()
        self.unjudged = True
        if self.sums % self.watched == 0:
            self.shared.append(Shared(units, before, worth_of_healthy(self.line.engine)))
        self.sums += 1

    def _from_fund(self, pools: list[int], missing: list[int], units: int) -> list[int]:
        """FUND, pool after pool as long as ``units`` last; who is then still short."""
        left = []
        for pool, short in zip(pools, missing, strict=True):
            paid = min(units, short)
            if paid:
                self.line.add(command(Verb.FUND, LIQUIDATOR, 0, pool=pool, amount=paid))
                units -= paid
            if paid < short or not short:
                left.append(pool)
        return left


def _paid_by_fund(done: Covered) -> int:
    return sum(stage.paid_units for stage in done.stages if stage.name in PAID_BY_FUND)
