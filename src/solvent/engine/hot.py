"""The hot loop: consecutive commands without payload that touch few pools, applied in order inside one kernel."""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

from solvent.engine.cash import FULL, MALFORMED, OK, deposit, transfer, withdraw
from solvent.engine.conversion import aftermath, convert
from solvent.engine.jit import kernel, prefetch, prefetch_row
from solvent.engine.losses import close_out, fund, raised
from solvent.engine.orders import release, reserve
from solvent.engine.records import LEG_MASK, REDUCE_ONLY, Happened, Reason, Records, Verb
from solvent.engine.tables import TOP_COMMANDS, TOP_POOLS, TOP_SEQ, Tables
from solvent.engine.trades import fill

DEPOSIT, WITHDRAW, TRANSFER, RESERVE, RELEASE, FILL, CONVERT = (
    int(Verb.DEPOSIT), int(Verb.WITHDRAW), int(Verb.TRANSFER), int(Verb.RESERVE), int(Verb.RELEASE), int(Verb.FILL),
    int(Verb.CONVERT),
)  # fmt: skip
LIQUIDATE, ADL, FUND = int(Verb.LIQUIDATE), int(Verb.ADL), int(Verb.FUND)
FOLLOWED = (CONVERT, LIQUIDATE, ADL, FUND)  # verbs that may change the state of their pool
DONE, REFUSED = int(Happened.DONE), int(Happened.REFUSED)
DUPLICATE = int(Reason.DUPLICATE)
MOST_EVENTS = 2  # of one hot command: its own, and what a step of a liquidation does to the pool's state


@kernel
def hot(kind: int) -> bool:
    """Whether a verb is applied here.

    Invariant: nothing is changed. Cost: a few comparisons.
    """
    return DEPOSIT <= kind <= FILL or kind in FOLLOWED


@kernel
def follows(kind: int) -> bool:
    """Whether a hot verb may change the state of its pool, so that an event of that may follow its own.

    Invariant: no hot verb writes more than :data:`MOST_EVENTS` events. Cost: four comparisons.
    """
    return kind in FOLLOWED


@kernel
def claim(t: Tables, source: int, source_seq: int) -> bool:
    """Take a command's number: False where it is not above the source's last, and where there is no such source.

    Invariant: a source's numbers only rise, so that none is applied twice. Cost: one read, one write.
    """
    if source < 0 or source >= t.sources.size or source_seq <= t.sources[source]:
        return False
    t.sources[source] = source_seq
    return True


@kernel
def write_event(t: Tables, commands: Records, j: int, events: Records, at: int, reason: int, short: int) -> None:
    """A command's own event: DONE or REFUSED, with the command's fields.

    Invariant: every field is written, and numbers of events have no gaps. Cost: one event.
    """
    c, out = commands[j], events[at]
    out["seq"], out["kind"], out["reason"] = t.top[TOP_SEQ], DONE if reason == OK else REFUSED, reason
    out["thing"], out["pool"], out["other"] = c["thing"], c["pool"], c["other"]
    out["lots"], out["ticks"], out["amount"], out["ref"] = c["lots"], c["ticks"], c["amount"], c["ref"]
    out["fee"], out["other_fee"], out["short"] = 0, 0, short
    t.top[TOP_SEQ] += 1


@kernel
def write_state(t: Tables, events: Records, at: int, kind: int, pool: int, short: int) -> None:
    """An event that says what became of a pool.

    Invariant: every field is written, and numbers of events have no gaps. Cost: one event.
    """
    out = events[at]
    out["seq"], out["kind"], out["reason"], out["thing"], out["pool"], out["other"] = (
        t.top[TOP_SEQ],
        kind,
        OK,
        0,
        pool,
        0,
    )
    out["lots"], out["ticks"], out["amount"], out["fee"], out["other_fee"], out["ref"] = 0, 0, 0, 0, 0, 0
    out["short"] = short
    t.top[TOP_SEQ] += 1


@kernel
def one(t: Tables, commands: Records, j: int) -> tuple[int, int, int, int]:
    """Apply one hot command whose number is taken: (reason, short, fee, the other side's fee).

    Invariant: a refused command has changed nothing. Cost: that of its verb.
    """
    c = commands[j]
    kind, flags, pool, other, thing = c["kind"], c["flags"], c["pool"], c["other"], c["thing"]
    if kind == FILL:
        return fill(t, pool, other, thing, flags, c["lots"], c["ticks"], c["amount"], c["ref"])
    if kind == DEPOSIT:
        return deposit(t, pool, thing, c["amount"], flags), 0, 0, 0
    if kind == RESERVE:
        if flags & ~(LEG_MASK | REDUCE_ONLY) != 0:
            return MALFORMED, 0, 0, 0
        reason, short = reserve(t, pool, thing, flags, c["lots"], c["ticks"], c["ref"])
        return reason, short, 0, 0
    if kind in (LIQUIDATE, ADL):
        reason, short, fee = close_out(t, pool, other, thing, flags, c["lots"], c["ticks"], kind == ADL)
        return reason, short, fee, 0
    if kind == FUND:
        reason, short = fund(t, pool, flags, c["amount"])
        return reason, short, 0, 0
    if flags != 0:
        return MALFORMED, 0, 0, 0
    if kind == RELEASE:
        return release(t, pool, thing, c["ref"]), 0, 0, 0
    if kind == WITHDRAW:
        reason, short = withdraw(t, pool, thing, c["amount"])
        return reason, short, 0, 0
    if kind == TRANSFER:
        reason, short = transfer(t, pool, other, thing, c["amount"])
        return reason, short, 0, 0
    reason, short, fee = convert(t, pool, other, thing, c["amount"], c["ticks"])
    return reason, short, fee, 0


@kernel
def look_ahead(t: Tables, commands: Records, j: int, first: int, stop: int, ahead: int) -> None:
    """Ask for the memory of fills to come, of those from ``first`` to ``stop``: pool rows first, then the blocks they
    point to, from end to end. Changes nothing.

    Invariant: nothing is changed. Cost: a dozen hints.
    """
    at = j + 2 * ahead
    if first <= at < stop:
        for pool in (commands[at]["pool"], commands[at]["other"]):
            if 0 <= pool < t.top[TOP_POOLS]:
                prefetch_row(t.pools, pool)
    at = j + ahead
    if first <= at < stop:
        for pool in (commands[at]["pool"], commands[at]["other"]):
            if 0 <= pool < t.top[TOP_POOLS]:
                look_at_block(t, t.pools[pool]["first"], t.pools[pool]["used"])


@kernel
def look_at_block(t: Tables, first: int, used: int) -> None:
    """Ask for a pool's entries: of each column a line, of blocks of more than eight the first and the last one.

    Invariant: nothing is changed. Cost: nine hints at most.
    """
    last = first + max(used, 1) - 1
    prefetch(t.key, first)
    prefetch(t.orders, first)
    prefetch(t.leverage, first)
    for e in (first, last):
        prefetch(t.lots, e)
        prefetch(t.cost, e)
        prefetch(t.carry, e)


@kernel
def apply(
    t: Tables, commands: Records, start: int, stop: int, events: Records, event_start: int, ahead: int
) -> tuple[int, int]:
    """Apply hot commands from ``start`` on: (next command, next event).

    Stops at ``stop``, at the first verb that is not hot, and where there is no room left for a command's events (two
    where something may follow). Every command has exactly one DONE or REFUSED event; a refused one has changed nothing
    else but its source's number, and a duplicate not even that. ``ahead`` (0: none) is how many commands ahead memory
    is asked for: it never changes a result.

    Invariant: how a run is cut changes no event and no table. Cost: that of its commands.
    """
    j, at = start, event_start
    if ahead > 0:
        for k in range(start - 2 * ahead, start):
            look_ahead(t, commands, k, start, stop, ahead)
    while j < stop and hot(commands[j]["kind"]):
        if at + (MOST_EVENTS if follows(commands[j]["kind"]) else 1) > events.size:
            break
        if ahead > 0:
            look_ahead(t, commands, j, start, stop, ahead)
        source = commands[j]["source"]
        reason, short, fee, other_fee = DUPLICATE, 0, 0, 0
        if source < 0 or source >= t.sources.size:
            reason = FULL
        elif claim(t, source, commands[j]["source_seq"]):
            reason, short, fee, other_fee = one(t, commands, j)
        write_event(t, commands, j, events, at, reason, short)
        events[at]["fee"], events[at]["other_fee"] = fee, other_fee
        at += 1
        t.top[TOP_COMMANDS] += 1
        if reason == OK and follows(commands[j]["kind"]):
            pool = commands[j]["pool"]
            kind, short = raised(t, pool) if commands[j]["kind"] == FUND else aftermath(t, pool)
            if kind != 0:
                write_state(t, events, at, kind, pool, short)
                at += 1
        j += 1
    return j, at
