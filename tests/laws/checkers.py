"""A checker a law: each says how often it looked and what it found wrong. Verdicts are ring 1's."""

from __future__ import annotations

from fractions import Fraction

from solvent.book import Purpose
from solvent.engine.commands import MODE_NUMBER, assemble
from solvent.engine.engine import Engine
from solvent.engine.records import FIRST_USER_POOL, Happened, PoolState, Setting, Verb
from solvent.engine.value import surplus
from solvent.ledger import MILLION
from solvent.margin import assess_pool
from tests.equality.comparing import said_by
from tests.equality.worlds import LIMITS, VENUES

EPOCHS = (Verb.PRICES, Verb.FUNDING, Verb.INTEREST)
MODES = {number: mode for mode, number in MODE_NUMBER.items()}


class Log:
    """Checks made and violations found."""

    def __init__(self):
        self.checks, self.wrong = 0, []

    def check(self, fine, what):
        self.checks += 1
        if not fine:
            self.wrong.append(what)

    @property
    def held(self):
        return self.checks > 0 and not self.wrong


def replayed(history, *watchers, plant=None):
    """The history on a fresh engine, one command at a time, each watcher called as (log, engine, command, events).

    ``plant(engine, k)`` may break something after command ``k``, before the watchers look.
    """
    engine, logs = Engine(LIMITS, venues=VENUES), [Log() for _ in watchers]
    for k, one in enumerate(history.sent):
        events = said_by(engine.step(assemble([one])))
        if plant is not None:
            events = plant(engine, k, events) or events
        record = {name: int(one[0][name][0]) for name in one[0].dtype.names}
        for log, watch in zip(logs, watchers, strict=True):
            watch(log, engine, record, events)
    return logs


def assessed(engine, pool, purpose):
    book, market, rules = engine.book(pool)
    return assess_pool(book, market, rules, purpose, f"P{pool}"), rules


def below(engine, pool):
    """Whether ring 1 proves a pool in breach: its surplus is below zero, or not above where the venue is inclusive."""
    found, rules = assessed(engine, pool, Purpose.MAINTAIN)
    return found.surplus < 0 or (rules.breach_inclusive and found.surplus == 0 and found.required > 0)


def exact_surplus(engine, pool, purpose):
    whole, millionths = surplus(engine.tables, pool, purpose.value)
    return int(whole) * MILLION + int(millionths)


# Watchers


def breaches_are_proved(log, engine, _command, events):
    """L-06: only a pool that ring 1 proves in breach is taken; it goes free only where RECOVER is satisfied."""
    for event in events:
        if event.kind == Happened.BREACHED:
            log.check(below(engine, event.pool), event)
        if event.kind in (Happened.RECOVERED, Happened.BANKRUPT):
            found, _ = assessed(engine, event.pool, Purpose.RECOVER)
            log.check((found.surplus >= 0) is (event.kind == Happened.RECOVERED), event)


def none_is_missed(log, engine, command, events):
    """L-18: after every point of evaluation each pool in breach is not healthy any more, or was seen and recovered."""
    if command["kind"] not in EPOCHS or events[0].kind != Happened.DONE:
        return
    seen = {event.pool for event in events if event.kind == Happened.RECOVERED}
    for pool in range(FIRST_USER_POOL, engine.pool_count):
        if engine.state(pool) is PoolState.HEALTHY:
            log.check(pool in seen or not below(engine, pool), pool)


def withdrawals_leave_enough(log, engine, command, events):
    """L-10: after a withdrawal or transfer surplus(WITHDRAW) of the giver is not negative."""
    if command["kind"] in (Verb.WITHDRAW, Verb.TRANSFER) and events[0].kind == Happened.DONE:
        found, _ = assessed(engine, command["pool"], Purpose.WITHDRAW)
        log.check(found.surplus >= 0, (command, found.surplus))


def admitted_or_reducing(log, engine, command, events):
    """L-04: whatever verb a healthy pool used, it stands at the verb's purpose, or its position became smaller."""
    if events[0].kind != Happened.DONE:
        return
    setting = command["kind"] == Verb.SET and command["flags"] in (Setting.LEVERAGE, Setting.RULES)
    if command["kind"] in (Verb.RESERVE, Verb.WITHDRAW, Verb.TRANSFER) or setting:
        purpose = Purpose.WITHDRAW if command["kind"] in (Verb.WITHDRAW, Verb.TRANSFER) else Purpose.ADMIT
        found, _ = assessed(engine, command["pool"], purpose)
        log.check(found.surplus >= 0, (command, found.surplus))


class Parents:
    """L-09: what happens to an isolated pool's positions moves nothing in its parent."""

    def __init__(self):
        self.before = {}

    def __call__(self, log, engine, command, events):
        rows = {p: engine.tables.pools[p][["cash", "accrual", "state"]].copy() for p in range(engine.pool_count)}
        concerned = {command["pool"], command["other"], *(e.pool for e in events)}
        for pool in range(FIRST_USER_POOL, engine.pool_count):
            parent = int(engine.tables.pools[pool]["parent"])
            if parent >= 0 and pool in concerned and parent not in concerned and parent in self.before:
                log.check(rows[parent] == self.before[parent], (command, parent))
        self.before = rows


class ModeChanges:
    """L-20: a margin mode changes by a command alone, to one the venue has, and only while nothing is held."""

    def __init__(self):
        self.before = {}

    def __call__(self, log, engine, command, events):
        asked = command["kind"] == Verb.SET and command["flags"] == Setting.RULES and events[0].kind == Happened.DONE
        for pool in range(FIRST_USER_POOL, engine.pool_count):
            row = engine.tables.pools[pool]
            mode, rules = MODES[int(row["mode"])], int(row["rules"])
            was = self.before.get(pool, (mode, rules))
            self.before[pool] = mode, rules
            book, _, venue = engine.book(pool)
            log.check(mode in venue.modes and engine.names.rules[rules].mode is mode, (pool, mode))
            if was[0] is mode:
                continue
            holding = book.holdings[0]
            held = any(p.lots for p in holding.positions) or holding.orders
            log.check(asked and command["pool"] == pool and not held, (pool, was, mode))


# Checkers of a state, of an answer


def purposes_in_order(engine, pools):
    """L-07: stricter purposes find no more surplus."""
    log = Log()
    for pool in pools:
        at = {purpose: exact_surplus(engine, pool, purpose) for purpose in Purpose}
        middle = (at[Purpose.FILL], at[Purpose.RECOVER])
        log.check(at[Purpose.WITHDRAW] <= at[Purpose.ADMIT] <= min(middle), (pool, at))
        log.check(max(middle) <= at[Purpose.MAINTAIN], (pool, at))
    return log


def lines_add_up(assessment):
    """L-19."""
    log = Log()
    for name in ("value", "equity", "required"):
        total = {"equity": "margin_equity"}.get(name, name)
        lines = sum((Fraction(getattr(line, name)) for line in assessment.lines), Fraction(0))
        log.check(lines == Fraction(getattr(assessment, total)), (name, lines))
    return log


def in_waterfall_order(order, loss, stages, left):
    """L-15: stages as the rules list them; none gives before those above are used up; all that is paid was missing."""
    log = Log()
    log.check([stage.name for stage in stages] == ["account", *order], stages)
    for k, stage in enumerate(stages):
        log.check(0 <= stage.paid_units <= stage.available_units, stage)
        if stage.paid_units:
            log.check(all(s.paid_units == s.available_units for s in stages[:k]), stage)
    log.check(sum(stage.paid_units for stage in stages) + left == loss, (loss, left))
    return log


def turns_at(breached, ticks, step):
    """L-13: in breach at the tick, not one tick before it."""
    log = Log()
    log.check(breached(ticks), ticks)
    if ticks + step >= 1:
        log.check(not breached(ticks + step), ticks + step)
    return log


def accrual_like_a_loop(due, exact_sum, touches):
    """L-21: within one unit a touch, never for the account (what is due is never less than the loop's exact sum)."""
    log = Log()
    log.check(exact_sum <= due < exact_sum + touches, (due, float(exact_sum), touches))
    return log
