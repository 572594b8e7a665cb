"""SET: what an account may change about itself, and when. A refused change leaves everything as it was.

A leverage cap chosen for an instrument lives in the pool's entry of it, and only as long as that entry does: it may be
chosen before the first order, and is gone when the entry is flat, without orders, and freed.
"""

from __future__ import annotations

from solvent.book import Purpose
from solvent.engine.chains import side_lots
from solvent.engine.commands import LEGS_NUMBER
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.orders import leverage_allows
from solvent.engine.records import LEG_MASK, Reason, ThingState
from solvent.engine.slots import find, place, tidy
from solvent.engine.tables import ASSET, FREE, NONE, Tables
from solvent.engine.value import surplus

ADMIT = Purpose.ADMIT.value
STALE = -1
NET_LEG, LONG_LEG, SHORT_LEG = range(3)
LEGS_OF = {0: (NET_LEG,), 1: (LONG_LEG, SHORT_LEG)}


def set_leverage(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """A leverage cap for one instrument (0: the default again), on both legs of a hedge-mode pool."""
    t = desk.t
    row = t.pools[c.pool]
    if int(row["scope"]) not in (NONE, c.thing):
        return Answer(Reason.SCOPE)
    if int(t.things[c.thing]["state"]) == ThingState.CLOSED:
        return Answer(Reason.STATE)
    rules = int(row["rules"])
    highest = min(int(t.rules[rules]["max_leverage"]), int(t.bracket_leverage[rules, c.thing, 0]))
    if not 0 <= c.amount <= highest:
        return Answer(Reason.LEVERAGE)
    keys = [c.thing * (LEG_MASK + 1) + leg for leg in LEGS_OF[int(row["legs"])]]
    before = {key: _leverage(t, c.pool, key) for key in keys}
    answer = _choose(t, c, keys)
    if answer.reason is not Reason.OK:
        for key, leverage in before.items():
            _put(t, c.pool, key, leverage)
    return answer


def _choose(t: Tables, c: Command, keys: list[int]) -> Answer:
    for key in keys:
        if not _put(t, c.pool, key, c.amount):
            return Answer(Reason.FULL)
    if any(not _within_brackets(t, c.pool, key) for key in keys):
        return Answer(Reason.LEVERAGE)
    after = int(surplus(t, c.pool, ADMIT)[0])
    return Answer(Reason.TAKER_SHORT, after) if after < 0 else DONE


def _leverage(t: Tables, pool: int, key: int) -> int:
    slot = int(find(t, pool, key))
    return int(t.leverage[slot]) if slot >= 0 else 0


def _put(t: Tables, pool: int, key: int, leverage: int) -> bool:
    """Write a leverage cap into the entry, made or freed where that is needed; False where there is no room."""
    slot = int(find(t, pool, key))
    if slot < 0 and leverage == 0:
        return True
    if slot < 0:
        slot = int(place(t, pool, key))
    if slot < 0:
        return False
    t.leverage[slot] = leverage
    t.pools[pool]["epoch"] = STALE
    if leverage == 0:
        tidy(t, pool, slot)
    return True


def _within_brackets(t: Tables, pool: int, key: int) -> bool:
    """Whether the entry, with its worst side of orders filled at mark, is no larger than its leverage cap allows."""
    slot = int(find(t, pool, key))
    if slot < 0:
        return True
    sides = int(side_lots(t, slot, 1)), int(side_lots(t, slot, -1))
    return bool(leverage_allows(t, pool, slot, key >> 2, int(t.lots[slot]), *sides))


def contract_slots(t: Tables, pool: int) -> list[int]:
    """Slots of a pool's entries in instruments, in the order of their keys."""
    first = int(t.pools[pool]["first"])
    slots = [e for e in range(first, first + int(t.pools[pool]["used"])) if t.key[e] != FREE]
    found = [e for e in slots if int(t.things[int(t.key[e]) >> 2]["kind"]) != ASSET]
    return sorted(found, key=lambda e: int(t.key[e]))


def _engaged(t: Tables, pool: int) -> bool:
    """Whether the pool has a position or a resting order."""
    return any(t.lots[e] != 0 or t.orders[e] != NONE for e in contract_slots(t, pool))


def set_legs(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """One net position an instrument, or a long and a short apart; only while there is neither position nor order."""
    t = desk.t
    if c.amount not in LEGS_NUMBER.values():
        return Answer(Reason.MALFORMED)
    row = t.pools[c.pool]
    if not int(t.rules[int(row["rules"])]["legs"]) >> c.amount & 1 or _engaged(t, c.pool):
        return Answer(Reason.SWITCH)
    _forget_choices(t, c.pool)
    row["legs"] = c.amount
    return DONE


def _forget_choices(t: Tables, pool: int) -> None:
    for slot in contract_slots(t, pool):
        t.leverage[slot] = 0
        tidy(t, pool, slot)
    t.pools[pool]["epoch"] = STALE


def set_rules(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """Another mode or account class of the same rule set: another mode only while nothing is held or ordered."""
    t, rows = desk.t, desk.names.rules
    if c.amount not in rows:
        return Answer(Reason.UNKNOWN_RULES)
    row = t.pools[c.pool]
    old, new = t.rules[int(row["rules"])], t.rules[c.amount]
    same = rows[c.amount].rules == rows[int(row["rules"])].rules and int(old["numeraire"]) == int(new["numeraire"])
    if not same or not int(new["legs"]) >> int(row["legs"]) & 1:
        return Answer(Reason.SWITCH)
    if int(old["mode"]) != int(new["mode"]) and (_engaged(t, c.pool) or int(row["parent"]) != NONE):
        return Answer(Reason.SWITCH)
    before = int(row["rules"]), int(row["mode"])
    row["rules"], row["mode"], row["epoch"] = c.amount, int(new["mode"]), STALE
    t.mirrored[c.pool] = 0
    after = int(surplus(t, c.pool, ADMIT)[0])
    if after >= 0 and all(_within_brackets(t, c.pool, int(t.key[e])) for e in contract_slots(t, c.pool)):
        return DONE
    row["rules"], row["mode"] = before
    row["epoch"] = STALE
    return Answer(Reason.TAKER_SHORT, after) if after < 0 else Answer(Reason.LEVERAGE)
