"""Laws of the engine: a test each, and a planted fault that its checker notices (docs/laws.md)."""

from dataclasses import replace

import pytest
from hypothesis import settings

from solvent.book import Purpose
from solvent.engine.audit import applied_once
from solvent.engine.commands import assemble
from solvent.engine.engine import Engine
from solvent.engine.records import FUND_POOL, Happened, House, PoolState, Reason, Verb, command
from solvent.engine.tables import ASSET
from tests.equality import comparing
from tests.equality.history import History
from tests.equality.worlds import LIMITS, PERP, USDT_ID, VENUES
from tests.laws import checkers

FORTY = settings(max_examples=40)


@pytest.fixture(scope="module")
def history():
    return History(77).grow(220)


@pytest.fixture
def engine(history):
    return comparing.run(history, compare=False)


@pytest.fixture
def free_of_charge():
    """A planted fault: the engine's tables require nothing of anybody."""

    def plant(engine, k, _events):
        if k == 40:
            engine.tables.rate[:] = 0
            engine.tables.part[:] = 0
            engine.tables.rest[:] = 0
            engine.tables.rules["leverage_at"] = 0

    return plant


def held(engine, law):
    verdict = engine.audit()[law]
    assert verdict.checks > 0
    return verdict.held == verdict.checks


def an_entry(engine):
    """The slot of some position."""
    t = engine.tables
    held = (slot for slot in range(t.key.size) if t.key[slot] >= 0 and t.lots[slot])
    return next(slot for slot in held if int(t.things[int(t.key[slot]) >> 2]["kind"]) != ASSET)


# L-01, L-02, L-03: conservation


def test_l01_nothing_appears_and_nothing_vanishes(engine):
    assert held(engine, "L-01")


@pytest.mark.parametrize("account", [House.FEES, House.EXTERNAL, House.LENDING, House.CONVERSION])
def test_l01_notices_one_unit(engine, account):
    engine.tables.house[account, USDT_ID] += 1
    assert not held(engine, "L-01")


def test_l02_lots_sum_to_zero(engine):
    assert held(engine, "L-02")


def test_l02_notices_one_lot(engine):
    engine.tables.lots[an_entry(engine)] += 1
    assert not held(engine, "L-02")


def test_l03_cost_and_profit_account_cancel(engine):
    assert held(engine, "L-03")


@pytest.mark.parametrize("column", ["pnl", "funding_paid"])
def test_l03_notices_one_unit(engine, column):
    engine.tables.things[PERP][column] += 1
    assert not held(engine, "L-03")


def test_l03_notices_cost_lost_with_a_position(engine):
    engine.tables.cost[an_entry(engine)] -= 1
    assert not held(engine, "L-03")


# L-04: no way round the checks


def test_l04_no_verb_skips_a_check(history):
    (log,) = checkers.replayed(history, checkers.admitted_or_reducing)
    assert log.held, log.wrong[:3]


def test_l04_notices_an_unchecked_verb(history, free_of_charge):
    (log,) = checkers.replayed(history, checkers.admitted_or_reducing, plant=free_of_charge)
    assert log.wrong


def test_l04_the_fund_has_rules_too(history):
    engine = comparing.run(history, compare=False)
    mark = int(engine.tables.things[PERP]["mark"])
    fields = {"pool": FUND_POOL, "other": 0, "thing": PERP, "lots": 10**6, "ticks": mark}
    (event,) = engine.step(assemble([(command(Verb.FILL, 1, 1, **fields), b"")]))
    assert Reason(int(event["reason"])) in (Reason.TAKER_SHORT, Reason.LEVERAGE, Reason.BORROW)


# L-05: one outcome


def test_l05_cuts_threads_and_screen_change_nothing(history, engine):
    for how in ({"most": 1}, {"seed": 3, "threads": 2}, {"seed": 4, "screen": False}):
        assert comparing.run(history, compare=False, **how).state_hash() == engine.state_hash()


def test_l05_notices_one_unit_in_one_command(history, engine):
    other = Engine(LIMITS, venues=VENUES)
    at = next(k for k, e in enumerate(history.said) if e[0].kind == Happened.DONE and e[0].amount and not e[0].lots)
    sent = list(history.sent)
    record = sent[at][0].copy()
    record["amount"] += 1
    sent[at] = record, sent[at][1]
    other.step(assemble(sent))
    assert other.state_hash() != engine.state_hash()


# L-06, L-18: watching


def test_l06_a_liquidation_begins_only_where_the_breach_is_proved(history):
    (log,) = checkers.replayed(history, checkers.breaches_are_proved)
    assert log.held, log.wrong[:3]


def test_l06_notices_a_breach_that_is_none(history):
    def plant(engine, k, events):
        if k == 100:
            pool = next(p for p in range(2, engine.pool_count) if not checkers.below(engine, p))
            return [*events, events[0]._replace(kind=int(Happened.BREACHED), pool=pool)]
        return None

    (log,) = checkers.replayed(history, checkers.breaches_are_proved, plant=plant)
    assert len(log.wrong) == 1


def test_l18_no_breach_is_missed(history):
    (log,) = checkers.replayed(history, checkers.none_is_missed)
    assert log.held, log.wrong[:3]


def test_l18_notices_a_pool_that_was_overlooked(history):
    def plant(engine, _k, events):
        for event in events:
            if event.kind == Happened.BREACHED:
                engine.tables.pools[event.pool]["state"] = PoolState.HEALTHY

    (log,) = checkers.replayed(history, checkers.none_is_missed, plant=plant)
    assert log.wrong


# L-07: the order of purposes


def generic_pools(engine):
    return [p for p in range(1, engine.pool_count) if engine.book(p)[2].name == "generic"]


def test_l07_stricter_purposes_find_no_more(engine):
    assert checkers.purposes_in_order(engine, generic_pools(engine)).held


def test_l07_notices_a_lenient_admission(engine):
    t, pools = engine.tables, generic_pools(engine)
    for thing in range(3, 25):  # what ADMIT requires becomes what MAINTAIN does
        t.span[:, Purpose.ADMIT.value, 2 * thing] = 0
    t.rules["leverage_at"] = 0
    assert checkers.purposes_in_order(engine, pools).wrong


# L-09: isolation


def test_l09_an_isolated_pool_loses_its_own(history):
    (log,) = checkers.replayed(history, checkers.Parents())
    assert log.held, log.wrong[:3]


def test_l09_notices_a_parent_that_pays(history):
    def plant(engine, _k, events):
        parent = int(engine.tables.pools[events[0].pool]["parent"]) if events[0].pool > 1 else -1
        if parent >= 0 and events[0].kind == Happened.DONE:
            engine.tables.pools[parent]["cash"] -= 1

    (log,) = checkers.replayed(history, checkers.Parents(), plant=plant)
    assert log.wrong


# L-10: withdrawals


def test_l10_a_withdrawal_leaves_enough(history):
    (log,) = checkers.replayed(history, checkers.withdrawals_leave_enough)
    assert log.held, log.wrong[:3]


def test_l10_notices_an_unfunded_withdrawal(history, free_of_charge):
    (log,) = checkers.replayed(history, checkers.withdrawals_leave_enough, plant=free_of_charge)
    assert log.wrong


# L-16: once


def test_l16_a_command_is_applied_once(history, engine):
    before, at_hash = engine.tables.sources.copy(), engine.state_hash()
    again = engine.step(assemble(history.sent))
    assert {int(e["reason"]) for e in again} <= {Reason.DUPLICATE, Reason.FULL}
    assert engine.tables.sources.tolist() == before.tolist()
    engine.step(assemble(history.sent[:1]))
    assert at_hash == comparing.run(history, compare=False).state_hash()


def test_l16_notices_a_command_applied_twice(history, engine):
    batch = assemble(history.sent[-5:])
    before = engine.tables.sources.copy()
    events = engine.step(batch)
    fine = applied_once(before, batch.commands, events)
    assert fine.held == fine.checks > 0
    events["kind"][0], events["reason"][0] = Happened.DONE, Reason.OK
    verdict = applied_once(before, batch.commands, events)
    assert verdict.held < verdict.checks


# L-17: the fund


def test_l17_the_fund_never_pays_what_it_has_not():
    history = History(78).grow(120)
    engine = comparing.run(history, compare=False)
    bankrupt = [p for p in range(2, engine.pool_count) if engine.state(p) is PoolState.BANKRUPT]
    cash = int(engine.tables.pools[FUND_POOL]["cash"])
    for verb, fields in (
        (Verb.WITHDRAW, {"pool": FUND_POOL, "thing": USDT_ID, "amount": max(cash, 0) + 1}),
        *((Verb.FUND, {"pool": p, "amount": cash + 1}) for p in bankrupt if cash < -engine.value(p)),
    ):
        (event,) = engine.step(assemble([(command(verb, 1, engine.pool_count + int(verb), **fields), b"")]))
        assert Reason(int(event["reason"])) in (Reason.NOT_HELD, Reason.FUNDS)
    assert (int(engine.tables.pools[FUND_POOL]["cash"]) >= 0) == held(engine, "L-17")


def test_l17_notices_a_fund_in_debt(engine):
    engine.tables.pools[FUND_POOL]["cash"] = -1
    assert not held(engine, "L-17")


# L-19: explanations


def test_l19_notices_a_line_left_out(history):
    engine = comparing.run(history, compare=False)
    seen = 0
    for pool in range(2, engine.pool_count):
        found, _ = checkers.assessed(engine, pool, Purpose.MAINTAIN)
        lines = [line for line in found.lines if line.value or line.equity or line.required]
        for line in lines:
            rest = tuple(other for other in found.lines if other is not line)
            seen += bool(checkers.lines_add_up(replace(found, lines=rest)).wrong)
    assert seen > 10


# L-20: modes


def test_l20_modes_change_only_as_the_venue_allows(history):
    (log,) = checkers.replayed(history, checkers.ModeChanges())
    assert log.held, log.wrong[:3]


def test_l20_notices_a_switch_with_a_position(history):
    def plant(engine, k, _events):
        if k == len(history.sent) - 1:
            slot = an_entry(engine)
            t = engine.tables
            pool = next(
                p for p in range(2, engine.pool_count)
                if int(t.pools[p]["first"]) <= slot < int(t.pools[p]["first"]) + int(t.pools[p]["used"])
            )  # fmt: skip
            t.pools[pool]["mode"] = 1 - int(t.pools[pool]["mode"])

    (log,) = checkers.replayed(history, checkers.ModeChanges(), plant=plant)
    assert log.wrong
