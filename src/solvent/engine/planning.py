"""Asking for plans in bulk: depth and rule sets in, arrays of steps out, or the readable plan's own steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.book import Leg
from solvent.engine.closes import CASE, STEP, Round
from solvent.engine.names import Names
from solvent.engine.plans import Outcome, Way, plan_all
from solvent.engine.records import LEG_MASK
from solvent.engine.tables import I64, NONE, Rows, Tables
from solvent.engine.view import pool_name
from solvent.ledger import MILLION
from solvent.liquidation import Action, Depth, Step
from solvent.rules import Plan, VenueRules
from solvent.units import exact

WAYS: Mapping[Plan, Way] = {plan: Way[plan.name] for plan in Plan}
REASON = "as the rule set's plan chooses"


class Depths(NamedTuple):
    """What can be traded, as arrays: side 2 × thing are its bids, + 1 its asks; T things, L levels.

    ``first`` and ``size`` (2T) say where a side's levels stand in ``ticks`` and ``lots`` (L), best first.
    """

    first: I64
    size: I64
    ticks: I64
    lots: I64


class Terms(NamedTuple):
    """What plans need of rule sets (R rows: way, step, worst price) and of names (T things: place in order of text)."""

    order: I64
    way: I64
    step_ppm: I64
    worst_ppm: I64


class Plans(NamedTuple):
    """Steps of P pools: ``steps[place[k]:place[k] + used[k]]`` (dtype ``STEP``) are those of ``pools[k]``.

    ``verdict`` is an :class:`~solvent.engine.plans.Outcome` by pool, ``surplus`` surplus(RECOVER) as it was (P × 2).
    """

    pools: I64
    verdict: I64
    place: I64
    used: I64
    surplus: I64
    steps: Rows

    def of(self, k: int) -> Rows:
        """The steps of the pool at place ``k``."""
        first = int(self.place[k])
        return self.steps[first : first + int(self.used[k])]


def depths(names: Names, quotes: Mapping[str, Depth]) -> Depths:
    """Depth by symbol, as arrays."""
    first, size = np.zeros(2 * len(names.things), np.int64), np.zeros(2 * len(names.things), np.int64)
    ticks: list[int] = []
    lots: list[int] = []
    for symbol, depth in quotes.items():
        for side, levels in enumerate((depth.bids, depth.asks), 2 * names.ids[symbol]):
            first[side], size[side] = len(ticks), len(levels)
            ticks += [level.ticks for level in levels]
            lots += [level.lots for level in levels]
    return Depths(first, size, np.array(ticks, np.int64), np.array(lots, np.int64))


def terms(t: Tables, names: Names, venues: Mapping[str, VenueRules]) -> Terms:
    """Terms of everything listed and scheduled so far; a row whose rule set is not among ``venues`` is not planned."""
    symbols = [names.name(thing) for thing in range(len(names.things))]
    order = np.empty(len(symbols), np.int64)
    order[sorted(range(len(symbols)), key=symbols.__getitem__)] = np.arange(len(symbols))
    rows = t.rules.size
    way, step, worst = np.full(rows, NONE, np.int64), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    for row, named in names.rules.items():
        rules = venues.get(named.rules)
        if rules is not None and rules.liquidation.step_ppm > 0:
            way[row] = WAYS[rules.liquidation.plan]
            step[row], worst[row] = rules.liquidation.step_ppm, rules.liquidation.worst_price_ppm
    return Terms(order, way, step, worst)


def plans(t: Tables, pools: Sequence[int] | I64, offered: Depths, known: Terms) -> Plans:
    """Plan one round for each of ``pools``, each as if it were alone; no table changes.

    Examples
    --------
    >>> from solvent.engine.engine import Engine
    >>> engine = Engine()
    >>> known = terms(engine.tables, engine.names, {})
    >>> int(plans(engine.tables, [1], depths(engine.names, {}), known).verdict[0]) == Outcome.UNCOVERED
    True

    """
    chosen = np.array(pools, np.int64)
    block = t.pools["used"][chosen].astype(np.int64)
    place, legs, levels = np.cumsum(block) - block, int(block.max(initial=0)), int(offered.size.max(initial=0))
    verdict, used, surplus = (np.zeros(n * chosen.size, np.int64) for n in (1, 1, 2))
    steps: Rows = np.zeros(int(block.sum()), STEP)
    slots, profits, prices, lots = (np.zeros(size, np.int64) for size in (legs, legs, levels, levels))
    whole = Round(
        known.order, *offered, known.way, known.step_ppm, known.worst_ppm, chosen, place, used, verdict, surplus,
        steps, np.zeros(2, CASE), slots, profits, prices, lots,
    )  # fmt: skip
    plan_all(t, whole)
    return Plans(chosen, verdict, place, used, surplus.reshape(-1, 2), steps)


@exact
def readable(t: Tables, names: Names, found: Plans, k: int) -> tuple[Step, ...]:
    """The steps of the pool at place ``k`` as the readable plan has them: releasing orders and reasons aside."""
    pool = int(found.pools[k])
    rules = int(t.pools[pool]["rules"])
    scale = names.asset(int(t.rules[rules]["numeraire"])).scale
    if found.verdict[k] == Outcome.HAND_OVER:
        whole, millionths = found.surplus[k].tolist()
        before = _amount(whole, millionths, scale)
        return (Step(Action.HAND_OVER, pool_name(pool), before, before, "no close of its own helps"),)
    steps = []
    for _, key, lots, ticks, penalty, before, before_rest, after, after_rest in found.of(k).tolist():
        thing, leg = divmod(key, LEG_MASK + 1)
        pair = _amount(before, before_rest, scale), _amount(after, after_rest, scale)
        steps.append(
            Step(Action.CLOSE, pool_name(pool), *pair, REASON, names.name(thing), Leg(leg), lots, ticks, penalty)
        )
    return tuple(steps)


def _amount(whole: int, millionths: int, scale: int) -> Decimal:
    """A pair of units and millionths as an amount of the asset."""
    return Decimal(whole * MILLION + millionths).scaleb(-scale - 6)
