"""The laws, checked over the tables from nothing but themselves: what each says is in docs/laws.md.

L-01, per asset s, exactly::

    Σ over pools of the balance in s
    + Σ over the house's accounts of s
    + Σ over contracts settling in s of (pnl + funding_paid) = 0

A deposit lowers EXTERNAL by what it adds to a pool. A fill moves ``realised`` = cost after − cost before − the fill's
cost into the balance: over both sides the fill's costs cancel, so balances rise by the change of Σ cost, and pnl = −Σ
cost falls by as much. Touching a position takes what is due from the balance and adds it to ``funding_paid``; interest
goes from the balance to LENDING, fees to FEES, what a conversion gives to the side it is converted with, and rounding
at settlement to ROUNDING. What is lent is counted too: Σ of users' negative balances is ``borrowed``.

L-02, per contract: Σ lots = 0. L-03, per contract: Σ cost + pnl = 0, and ``funding_paid`` + Σ due = 0, because what is
due is lots × (index − index at touch), Σ lots = 0, and a touch moves the same amount from one term to the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.engine.hashing import Entries, live_entries, live_orders
from solvent.engine.names import ListedAsset, Names
from solvent.engine.records import FUND_POOL, Happened, Reason, Records
from solvent.engine.tables import I64, TOP_COMMANDS, TOP_LIVE_ORDERS, TOP_POOLS, TOP_SEQ, Tables

HALF_BITS = 32
HALF_MASK = (1 << HALF_BITS) - 1


class Verdict(NamedTuple):
    """How a law stands: how often it was checked, how often it held, and the first violation in words."""

    checks: int
    held: int
    detail: str


class Tally:
    """Counts the checks of one law and keeps the first violation."""

    def __init__(self) -> None:
        self.checks = 0
        self.held = 0
        self.detail = ""

    def check(self, fine: bool, detail: str) -> None:
        """One check; ``detail`` says what is wrong where it is not fine."""
        self.checks += 1
        self.held += bool(fine)
        if not fine and not self.detail:
            self.detail = detail

    def verdict(self) -> Verdict:
        """The count so far."""
        return Verdict(self.checks, self.held, self.detail)


def sums_by(group: I64, amounts: I64, groups: int) -> list[int]:
    """Σ of 64-bit ``amounts`` by group, exact whatever their size: upper and lower halves are summed apart.

    >>> most = 2**63 - 1
    >>> sums_by(np.array([1, 1, 0]), np.array([most, most, -5]), 2) == [-5, 2 * most]
    True
    """
    order = np.argsort(group, kind="stable")
    group, amounts = group[order], amounts[order]
    totals = [0] * groups
    if group.size == 0:
        return totals
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    high = np.add.reduceat(amounts >> HALF_BITS, starts)
    low = np.add.reduceat(amounts & HALF_MASK, starts)
    for at, upper, lower in zip(starts, high, low, strict=True):
        totals[int(group[at])] = (int(upper) << HALF_BITS) + int(lower)
    return totals


class Audited(NamedTuple):
    """What the laws look at: live entries by thing, and every pool's numeraire."""

    entries: Entries
    thing: I64
    is_asset: npt.NDArray[np.bool_]
    numeraire: I64


def _audited(t: Tables, names: Names) -> Audited:
    entries = live_entries(t)
    thing = entries.key >> 2
    assets = np.array([isinstance(one, ListedAsset) for one in names.things], dtype=np.bool_)
    pools = t.pools[: int(t.top[TOP_POOLS])]
    numeraire = t.rules["numeraire"][pools["rules"]].astype(np.int64)
    return Audited(entries, thing, assets, numeraire)


def audit(t: Tables, names: Names) -> dict[str, Verdict]:
    """Every law the tables alone can show, by name."""
    if not names.things:
        return {}
    a = _audited(t, names)
    return {
        "L-01": conserved(t, names, a),
        "L-02": lots_balance(t, names, a),
        "L-03": costs_balance(t, names, a),
        "L-16": counters(t),
        "L-17": fund(t),
    }


def conserved(t: Tables, names: Names, a: Audited) -> Verdict:
    """L-01: per asset everything sums to zero, and what is lent is what users owe."""
    tally, things = Tally(), len(names.things)
    pools = t.pools[: int(t.top[TOP_POOLS])]
    held = a.is_asset[a.thing]
    asset = np.concatenate([a.numeraire, a.thing[held]])
    units = np.concatenate([pools["cash"], t.lots[a.entries.slot[held]]])
    owner = np.concatenate([np.arange(pools.size, dtype=np.int64), a.entries.pool[held]])
    balances = sums_by(asset, units, things)
    owing = (units < 0) & (owner >= FUND_POOL)
    owed = sums_by(asset[owing], -units[owing], things)
    through = [0] * things
    for thing in np.flatnonzero(~a.is_asset).tolist():
        row = t.things[thing]
        through[int(row["settle"])] += int(row["pnl"]) + int(row["funding_paid"])
    for s in np.flatnonzero(a.is_asset).tolist():
        house = sum(int(x) for x in t.house[:, s])
        rest = balances[s] + house + through[s]
        parts = f"pools {balances[s]}, house {house}, contracts {through[s]}"
        tally.check(rest == 0, f"{names.name(s)}: {rest} units too many ({parts})")
        lent = int(t.things[s]["borrowed"])
        tally.check(lent == owed[s], f"{names.name(s)}: borrowed says {lent} units, users owe {owed[s]}")
    return tally.verdict()


def lots_balance(t: Tables, names: Names, a: Audited) -> Verdict:
    """L-02: per contract, lots over all pools sum to zero."""
    tally = Tally()
    held = ~a.is_asset[a.thing]
    lots = sums_by(a.thing[held], t.lots[a.entries.slot[held]], len(names.things))
    for thing in np.flatnonzero(~a.is_asset).tolist():
        tally.check(lots[thing] == 0, f"{names.name(thing)}: lots sum to {lots[thing]}")
    return tally.verdict()


def costs_balance(t: Tables, names: Names, a: Audited) -> Verdict:
    """L-03: per contract, Σ cost + pnl = 0 and funding paid + Σ due = 0."""
    tally, things = Tally(), len(names.things)
    held = ~a.is_asset[a.thing]
    thing, slot = a.thing[held], a.entries.slot[held]
    costs = sums_by(thing, t.cost[slot], things)
    carry: I64 = t.things["carry"][thing].astype(np.int64)
    owed: I64 = np.multiply(t.lots[slot], np.subtract(carry, t.carry[slot]), dtype=np.int64)
    due = sums_by(thing, owed, things)
    for one in np.flatnonzero(~a.is_asset).tolist():
        row = t.things[one]
        rest, unpaid = costs[one] + int(row["pnl"]), due[one] + int(row["funding_paid"])
        tally.check(rest == 0, f"{names.name(one)}: cost {costs[one]} and pnl {int(row['pnl'])} leave {rest}")
        tally.check(unpaid == 0, f"{names.name(one)}: funding paid and due leave {unpaid}")
    return tally.verdict()


def counters(t: Tables) -> Verdict:
    """L-16, as far as tables show it: every command has its event, and no order reference stands twice."""
    tally = Tally()
    commands, events = int(t.top[TOP_COMMANDS]), int(t.top[TOP_SEQ])
    tally.check(0 <= commands <= events, f"{commands} commands have only {events} events")
    rows = t.order[live_orders(t)]
    names = np.stack([rows["ref"], rows["pool"], rows["key"], rows["flags"]], axis=1)
    doubled = names[1:][(names[1:] == names[:-1]).all(axis=1)]
    tally.check(doubled.size == 0, f"order (ref, pool, key, flags) {doubled[:1].tolist()} stands twice")
    counted = int(t.top[TOP_LIVE_ORDERS])
    tally.check(counted == rows.size, f"{counted} orders counted, {rows.size} stand")
    return tally.verdict()


def applied_once(last: I64, commands: Records, events: Records) -> Verdict:
    """L-16 over one batch: DUPLICATE exactly where a source's number is not above all before it.

    ``last`` is ``sources`` before the batch; ``events`` are all events the batch gave.
    """
    tally = Tally()
    answers = events[np.isin(events["kind"], [Happened.DONE, Happened.REFUSED])]
    tally.check(answers.size == commands.size, f"{commands.size} commands have {answers.size} answers")
    seen: dict[int, int] = {}
    for command, answer in zip(commands, answers, strict=False):
        source, number = int(command["source"]), int(command["source_seq"])
        if not 0 <= source < last.size:
            continue
        before = seen.get(source, int(last[source]))
        twice = int(answer["reason"]) == Reason.DUPLICATE
        tally.check(twice == (number <= before), f"source {source}: number {number} after {before}, duplicate: {twice}")
        seen[source] = max(before, number)
    return tally.verdict()


def fund(t: Tables) -> Verdict:
    """L-17: the fund's cash is never negative."""
    tally = Tally()
    cash = int(t.pools[FUND_POOL]["cash"])
    tally.check(cash >= 0, f"the fund's cash is {cash} units")
    return tally.verdict()


def laws_as_json(found: dict[str, Verdict]) -> dict[str, dict[str, Any]]:
    """The verdicts as plain mappings, for reports.

    >>> laws_as_json({"L-17": Verdict(1, 1, "")})
    {'L-17': {'checks': 1, 'held': 1, 'detail': ''}}
    """
    return {law: verdict._asdict() for law, verdict in found.items()}
