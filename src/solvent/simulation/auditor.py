"""An auditor that never looks inside the engine: it keeps books of its own from the events, and compares.

From the events of deposits and withdrawals it knows what came in of every asset; from those of fills, the net
lots of every pool in every instrument; from the events of accruals, the indices of funding and interest. The
engine's tables must say the same. What it cannot know from events, realised profits, is the audit's of the
tables themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solvent.engine.audit import Tally
from solvent.engine.names import ListedAsset, Names
from solvent.engine.records import FUND_POOL, Finality, Happened, House, Reason, Records, Verb
from solvent.engine.scan import cash_sums, entry_sums, joined_halves, lots_differ
from solvent.engine.tables import ASSET, TOP_POOLS, Tables

Ints = NDArray[np.int64]

TRADES = [int(Verb.FILL), int(Verb.LIQUIDATE), int(Verb.ADL)]


class Auditor:
    """Books kept from commands and their events.

    Args:
        pools: Most pools there will be.
        things: Most things there will be.

    """

    def __init__(self, pools: int, things: int) -> None:
        self.lots: Ints = np.zeros((pools, things), np.int64)
        self.came_in: list[int] = [0] * things
        self.carry: Ints = np.zeros(things, np.int64)
        self.events = 0
        self.answers = Tally()
        self.once = Tally()
        self._last: dict[int, int] = {}
        self.refused: dict[str, int] = {}

    def read(self, commands: Records, events: Records, spot_from: int) -> Records:
        """Take in what was sent and what came back; the answers (DONE or REFUSED), one a command.

        ``spot_from`` is the first thing id of the spot markets, whose fills leave no position.
        """
        kinds = events["kind"]
        answers: Records = events[(kinds == Happened.DONE) | (kinds == Happened.REFUSED)]
        self.answers.check(answers.size == commands.size, f"{commands.size} commands, {answers.size} answers")
        sequence = events["seq"] - np.arange(events.size)
        in_order = events.size == 0 or bool((sequence == self.events).all())
        self.answers.check(in_order, f"event numbers do not run on from {self.events}")
        self.events += int(events.size)
        self._applied_once(commands, answers)
        done = answers["kind"] == Happened.DONE
        self._money(commands[done], answers[done])
        self._trades(commands[done], answers[done], spot_from)
        accrued = events[kinds == Happened.ACCRUED]
        np.add.at(self.carry, accrued["thing"], accrued["amount"])
        reasons, counts = np.unique(answers["reason"][~done], return_counts=True)
        for reason, count in zip(reasons.tolist(), counts.tolist(), strict=True):
            name = Reason(reason).name
            self.refused[name] = self.refused.get(name, 0) + count
        return answers

    def _applied_once(self, commands: Records, answers: Records) -> None:
        """L-16: DUPLICATE exactly where a source's number is not above all before it."""
        for source in np.unique(commands["source"]).tolist():
            mine = commands["source"] == source
            numbers = commands["source_seq"][mine]
            high = np.maximum.accumulate(np.concatenate([[self._last.get(source, -1)], numbers]))
            repeated = numbers <= high[:-1]
            called = answers["reason"][mine] == Reason.DUPLICATE
            wrong = int((repeated != called).sum())
            self.once.checks += int(numbers.size)
            self.once.held += int(numbers.size) - wrong
            if wrong and not self.once.detail:
                self.once.detail = f"source {source}: {wrong} commands wrongly taken or refused as duplicates"
            self._last[source] = int(high[-1])

    def _money(self, commands: Records, answers: Records) -> None:
        into = (commands["kind"] == Verb.DEPOSIT) & (commands["flags"] != Finality.CONFIRM)
        out = commands["kind"] == Verb.WITHDRAW
        for rows, sign in ((into, 1), (out, -1)):
            for thing in np.unique(commands["thing"][rows]).tolist():
                amounts = answers["amount"][rows & (commands["thing"] == thing)]
                self.came_in[thing] += sign * sum(amounts.tolist())

    def _trades(self, commands: Records, answers: Records, spot_from: int) -> None:
        traded = answers[np.isin(commands["kind"], TRADES) & (answers["thing"] < spot_from)]
        np.add.at(self.lots, (traded["pool"], traded["thing"]), traded["lots"])
        np.add.at(self.lots, (traded["other"], traded["thing"]), -traded["lots"])

    def money_agrees(self, t: Tables, names: Names) -> Tally:
        """L-01 from outside: what the house owes to the outside is what came in, asset by asset."""
        tally = Tally()
        for thing, listed in enumerate(names.things):
            if isinstance(listed, ListedAsset):
                owed = -int(t.house[House.EXTERNAL, thing])
                tally.check(owed == self.came_in[thing], f"{listed.asset.name}: {self.came_in[thing]} in, {owed} owed")
        return tally

    def lots_agree(self, t: Tables, names: Names) -> Tally:
        """L-02 from outside: net lots of every pool, instrument by instrument, and their sum."""
        tally, things = Tally(), self.lots.shape[1]
        first, sums, scratch = np.full(things, -1, np.int64), np.zeros(things, np.int64), np.zeros(things, np.int64)
        pools = min(int(t.top[TOP_POOLS]), self.lots.shape[0])
        lots_differ(t, 0, pools, self.lots.reshape(-1), things, scratch, first, sums)
        for k, listed in enumerate(names.things):
            if not isinstance(listed, ListedAsset):
                tally.check(int(first[k]) < 0, f"{names.name(k)}: pool {first[k]} has other lots than its fills")
                tally.check(int(sums[k]) == 0, f"{names.name(k)}: fills do not sum to zero")
        return tally

    def indices_agree(self, t: Tables, names: Names) -> Tally:
        """L-21: the index of funding or interest of every thing is the sum of the increments announced."""
        tally = Tally()
        for thing in range(len(names.things)):
            index = int(t.things[thing]["carry"])
            tally.check(
                index == int(self.carry[thing]), f"{names.name(thing)}: index {index}, announced {self.carry[thing]}"
            )
        return tally

    def costs_agree(self, t: Tables, names: Names) -> Tally:
        """L-03 from outside: signed cost over all pools and the instrument's profit account cancel."""
        tally = Tally()
        _, costs = entries_by_thing(t, len(names.things))
        for thing, listed in enumerate(names.things):
            if not isinstance(listed, ListedAsset):
                rest = costs[thing] + int(t.things[thing]["pnl"])
                tally.check(rest == 0, f"{names.name(thing)}: cost and profit account leave {rest}")
        return tally


def entries_by_thing(t: Tables, things: int) -> tuple[list[int], list[int]]:
    """Σ lots (of assets: units) and Σ cost of all live entries, by thing, exact."""
    lots, costs = np.zeros(2 * t.things.size, np.int64), np.zeros(2 * t.things.size, np.int64)
    entry_sums(t, 0, int(t.top[TOP_POOLS]), lots, costs)
    return [joined_halves(lots, k) for k in range(things)], [joined_halves(costs, k) for k in range(things)]


def residuals(t: Tables, names: Names) -> dict[str, int]:
    """What is left over of each asset when everything that holds it is added up: zero, exactly.

    Pools' balances, the house's accounts, and the instruments' profit and funding accounts that settle in it.
    """
    things = len(names.things)
    halves = np.zeros(2 * t.things.size, np.int64)
    cash_sums(t, 0, int(t.top[TOP_POOLS]), halves)
    balances = [joined_halves(halves, thing) for thing in range(things)]
    others, _ = entries_by_thing(t, things)
    found = {}
    for thing, listed in enumerate(names.things):
        if isinstance(listed, ListedAsset):
            through = sum(
                int(t.things[k]["pnl"]) + int(t.things[k]["funding_paid"])
                for k in range(things)
                if int(t.things[k]["kind"]) != ASSET and int(t.things[k]["settle"]) == thing
            )
            house = sum(int(units) for units in t.house[:, thing])
            found[listed.asset.name] = balances[thing] + others[thing] + house + through
    return found


def fund_cash(t: Tables) -> int:
    """Cash of the insurance fund, units."""
    return int(t.pools[FUND_POOL]["cash"])
