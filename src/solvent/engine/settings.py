"""Verbs that set the stage: assets, instruments, rules rows, pools and what may be changed about them."""

from __future__ import annotations

from solvent.book import Mode
from solvent.engine.commands import LEGS_NUMBER, LEGS_SHIFT, MODE_NUMBER
from solvent.engine.compile import check_limits, compile_rules, compile_thing
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.hashing import rules_digest
from solvent.engine.leaving import leave
from solvent.engine.names import ListedAsset, ListedInstrument, PayloadError, read_asset, read_instrument, read_rules
from solvent.engine.records import FIRST_USER_POOL, LEG_MASK, PoolState, Reason, Setting, ThingState
from solvent.engine.switches import set_legs, set_leverage, set_rules
from solvent.engine.tables import (
    ASSET,
    INVERSE,
    LINEAR,
    NONE,
    SPOT,
    TOP_PIECES,
    TOP_POOLS,
    TOP_RULES,
    TOP_THINGS,
    Tables,
)
from solvent.instruments import Payoff, Perpetual, Spot
from solvent.ledger import MILLION
from solvent.rules import RulesError
from solvent.units import exact

MODES = {number: mode for mode, number in MODE_NUMBER.items()}
LEGS = {number: legs for legs, number in LEGS_NUMBER.items()}
STALE = -1
LAWFUL_STATES: dict[int, frozenset[int]] = {
    ThingState.LISTED: frozenset({ThingState.REDUCE_ONLY, ThingState.HALTED, ThingState.SETTLING}),
    ThingState.REDUCE_ONLY: frozenset({ThingState.LISTED, ThingState.HALTED, ThingState.SETTLING}),
    ThingState.HALTED: frozenset({ThingState.LISTED, ThingState.REDUCE_ONLY, ThingState.SETTLING}),
    ThingState.SETTLING: frozenset({ThingState.LISTED, ThingState.REDUCE_ONLY, ThingState.HALTED}),
    ThingState.CLOSED: frozenset(),
}


def list_asset(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """LIST_ASSET: the next thing id; a numeraire (no quote) has index 1 from the start."""
    t = desk.t
    listed = read_asset(desk.names, c.payload or b"")
    if int(t.top[TOP_THINGS]) == t.things.size:
        return Answer(Reason.FULL)
    row = t.things[_next_thing(desk)]
    row["kind"], row["settle"], row["base"], row["underlying"] = ASSET, listed.quote, NONE, len(desk.names.things)
    row["divisor"], row["max_lots"], row["max_ticks"] = listed.divisor, listed.max_units, listed.max_ticks
    row["mark"] = 1 if listed.quote == len(desk.names.things) else 0
    return _listed(desk, c, listed)


@exact
def list_instrument(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """LIST: the next thing id; without a price until the next PRICES."""
    t = desk.t
    listed = read_instrument(desk.names, c.payload or b"")
    if int(t.top[TOP_THINGS]) == t.things.size:
        return Answer(Reason.FULL)
    instrument = listed.instrument
    row = t.things[_next_thing(desk)]
    row["settle"], row["base"], row["underlying"] = listed.settle, listed.base, listed.underlying
    row["max_lots"], row["max_ticks"], row["expiry_ns"] = listed.max_lots, listed.max_ticks, listed.expiry_ns
    if isinstance(instrument, Spot):
        row["kind"], row["tick_value"], row["lot_units"] = SPOT, instrument.tick_value, instrument.lot_units
    elif isinstance(instrument, Perpetual) and instrument.payoff is Payoff.INVERSE:
        row["kind"], row["constant"] = INVERSE, instrument.constant
    else:
        row["kind"], row["tick_value"] = LINEAR, instrument.tick_value
    return _listed(desk, c, listed)


def _next_thing(desk: Desk) -> int:
    thing = int(desk.t.top[TOP_THINGS])
    if thing != len(desk.names.things):
        raise AssertionError(f"{thing} things in the tables, {len(desk.names.things)} names")
    desk.t.things[thing] = 0
    return thing


def _listed(desk: Desk, c: Command, listed: ListedAsset | ListedInstrument) -> Answer:
    """Name the new thing, and teach every rules row about it; where a row cannot take it, nothing of it stays."""
    t, names = desk.t, desk.names
    thing, pieces = names.add(listed), int(t.top[TOP_PIECES])
    leverage_at, on_entry = t.rules["leverage_at"].copy(), t.rules["on_entry"].copy()
    try:
        check_limits(t, thing)
        for row, made in sorted(names.rules.items()):
            compile_thing(
                t, row, desk.venues[made.rules], made.mode, made.account_class, names.compiled(), thing
            )  # fmt: skip
    except RulesError as error:
        names.drop_last()
        t.things[thing] = 0
        t.rules["leverage_at"], t.rules["on_entry"] = leverage_at, on_entry
        _forget_rules(t, slice(None), slice(thing, thing + 1), pieces)
        return Answer(Reason.MALFORMED, text=str(error))
    names.payloads.append((c.kind, c.ref, c.payload or b""))
    t.top[TOP_THINGS] += 1
    return DONE


def _forget_rules(t: Tables, rows: slice, things: slice, pieces: int) -> None:
    """Take back what compiling wrote about some rows and things, and the pieces from ``pieces`` on."""
    t.span[rows, :, slice(2 * (things.start or 0), None if things.stop is None else 2 * things.stop), :] = 0
    t.debt_ppm[rows, things] = MILLION
    for column in (t.default_leverage, t.bracket_floor, t.bracket_leverage, t.penalty_ppm):
        column[rows, things] = 0
    used = int(t.top[TOP_PIECES])
    for column in (t.floor, t.rate, t.part, t.rest):
        column[pieces:used] = 0
    t.top[TOP_PIECES] = pieces


def schedule_rules(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """SCHEDULE_RULES: the next rules row, compiled for everything listed so far; at once, and never changed again.

    Pools under the row are margined in the first listed asset that is its own quote.
    """
    t, names, made = desk.t, desk.names, read_rules(c.payload or b"")
    if c.ref == t.rules.size:
        return Answer(Reason.FULL)
    if c.ref != int(t.top[TOP_RULES]):
        raise PayloadError(f"ref must be the next rules row {int(t.top[TOP_RULES])}, not {c.ref}")
    venue = desk.venues.get(made.rules)
    if venue is None:
        return Answer(Reason.UNKNOWN_RULES, text=f"no rule set {made.rules!r}; there are {sorted(desk.venues)}")
    if made.digest and made.digest != rules_digest(venue):
        raise PayloadError(f"digest of {made.rules} must be {rules_digest(venue)}, not {made.digest}")
    numeraire = names.first_numeraire()
    if numeraire == NONE:
        return Answer(Reason.UNKNOWN_THING, text="no asset is listed that is its own quote")
    pieces = int(t.top[TOP_PIECES])
    try:
        compile_rules(
            t, c.ref, venue, made.mode, made.account_class, names.compiled(), numeraire, names.venue_number(made.rules)
        )
    except RulesError as error:
        t.rules[c.ref] = 0
        _forget_rules(t, slice(c.ref, c.ref + 1), slice(None), pieces)
        return Answer(Reason.MALFORMED, text=str(error))
    if c.ref == 0:
        t.pools[:FIRST_USER_POOL]["mode"] = t.rules[0]["mode"]  # the house's pools are under the first row
    t.top[TOP_RULES] += 1
    names.rules[c.ref] = made
    names.payloads.append((c.kind, c.ref, c.payload or b""))
    return DONE


def state(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """STATE: an instrument becomes listed, reduce-only, halted or settling; only SETTLE closes it."""
    if not 0 <= c.thing < int(desk.t.top[TOP_THINGS]):
        return Answer(Reason.UNKNOWN_THING)
    if c.flags not in LAWFUL_STATES:
        return Answer(Reason.MALFORMED)
    row = desk.t.things[c.thing]
    if int(row["kind"]) == ASSET:
        return Answer(Reason.UNSUPPORTED)
    if c.flags not in LAWFUL_STATES[int(row["state"])]:
        return Answer(Reason.STATE)
    row["state"] = c.flags
    return DONE


def open_pool(desk: Desk, c: Command, _sheet: Sheet) -> Answer:
    """OPEN: the next pool id, under a rules row of its mode, empty and healthy."""
    t = desk.t
    if c.pool != int(t.top[TOP_POOLS]):
        return Answer(Reason.FULL if c.pool == t.pools.size else Reason.UNKNOWN_POOL)
    if c.pool == t.pools.size:
        return Answer(Reason.FULL)
    if c.thing != NONE and not _is_instrument(t, c.thing):
        return Answer(Reason.UNKNOWN_THING)
    if c.ref not in desk.names.rules:
        return Answer(Reason.UNKNOWN_RULES)
    mode, legs = c.flags & LEG_MASK, c.flags >> LEGS_SHIFT
    if mode not in MODES or legs not in LEGS:
        return Answer(Reason.MALFORMED)
    if not (0 <= c.lots < 1 << 31 and 0 <= c.amount < 1 << 31):
        return Answer(Reason.AMOUNT)
    refused = _parent_fits(t, c) or _venue_allows(t, c.ref, mode, legs)
    if refused:
        return Answer(refused)
    row = t.pools[c.pool]
    row["owner"], row["account"], row["parent"], row["scope"] = c.lots, c.amount, c.other, c.thing
    row["rules"], row["mode"], row["legs"], row["state"] = c.ref, mode, legs, PoolState.HEALTHY
    row["epoch"] = STALE
    t.top[TOP_POOLS] += 1
    return DONE


def _is_instrument(t: Tables, thing: int) -> bool:
    return 0 <= thing < int(t.top[TOP_THINGS]) and int(t.things[thing]["kind"]) != ASSET


def _parent_fits(t: Tables, c: Command) -> Reason | None:
    """A parent is an open cross pool without a parent, of the same owner and account."""
    if c.other == NONE:
        return None
    if not FIRST_USER_POOL <= c.other < int(t.top[TOP_POOLS]):
        return Reason.UNKNOWN_POOL
    row = t.pools[c.other]
    if int(row["parent"]) != NONE or int(row["mode"]) != MODE_NUMBER[Mode.CROSS]:
        return Reason.SCOPE
    if (int(row["owner"]), int(row["account"])) != (c.lots, c.amount):
        return Reason.SCOPE
    return Reason.POOL_STATE if int(row["state"]) == PoolState.CLOSED else None


def _venue_allows(t: Tables, rules: int, mode: int, legs: int) -> Reason | None:
    row = t.rules[rules]
    fits = int(row["mode"]) == mode and int(row["legs"]) >> legs & 1
    return None if fits else Reason.SWITCH


def change_setting(desk: Desk, c: Command, sheet: Sheet) -> Answer:
    """SET: leverage of an instrument, leg mode, or rules row of a healthy pool."""
    if not FIRST_USER_POOL <= c.pool < int(desk.t.top[TOP_POOLS]):
        return Answer(Reason.UNKNOWN_POOL)
    verbs = {Setting.LEVERAGE: set_leverage, Setting.LEGS: set_legs, Setting.RULES: set_rules}
    if c.flags == Setting.MANDATE:
        return Answer(Reason.UNSUPPORTED)
    if c.flags not in verbs:
        return Answer(Reason.MALFORMED)
    if c.flags == Setting.LEVERAGE and not _is_instrument(desk.t, c.thing):
        return Answer(Reason.UNKNOWN_THING)
    if int(desk.t.pools[c.pool]["state"]) != PoolState.HEALTHY:
        return Answer(Reason.POOL_STATE)
    leave(desk.t, c.pool)  # leverage and rules may change what is required
    return verbs[Setting(c.flags)](desk, c, sheet)
