"""Planted faults: each breaks one law in a run's tables or records, and the law's checker must say so."""

from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest

from solvent.assessment import Line as AssessmentLine
from solvent.book import Purpose
from solvent.engine.audit import Tally
from solvent.engine.engine import Engine
from solvent.engine.records import EVENT, FIRST_USER_POOL, FUND_POOL, Happened, House, PoolState, Verb, command
from solvent.engine.tables import FREE
from solvent.liquidation.waterfall import Covered, Stage
from solvent.margin import assess_pool
from solvent.simulation.auditor import Auditor, residuals
from solvent.simulation.checkers import Accruals, Checkers, Parents, _worst_and_others
from solvent.simulation.driver import Line
from solvent.simulation.holdings import legs
from solvent.simulation.liquidator import Planned
from solvent.simulation.replay import engine_limits, stage_of
from solvent.simulation.run import Run, silent
from solvent.simulation.samples import Samples
from solvent.simulation.settling import RunDown
from solvent.simulation.world import venues
from solvent.units import EXACT


def fresh(minutes=61):
    stage = stage_of("mar-2020", 60, 7)
    run = Run(stage, Line(Engine(engine_limits(stage), venues=venues("generic"))), silent)
    run.set_up()
    for minute in range(minutes):
        run.minute(minute)
    return run


@pytest.fixture
def run():
    made = fresh(3)
    broken = {law: found for law, found in made.checkers.found().items() if found.checks != found.held}
    assert broken == {}
    return made


def held(run):
    """A pool with a position: its id, the slot, thing and lots of its first leg."""
    t = run.line.engine.tables
    for pool in range(run.stage.first, run.stage.pools):
        row = t.pools[pool]
        for slot in range(int(row["first"]), int(row["first"]) + int(row["used"])):
            thing = int(t.key[slot]) >> 2
            if t.key[slot] != FREE and thing >= run.stage.world.first_perpetual and t.lots[slot]:
                return pool, slot, thing, int(t.lots[slot])
    raise AssertionError("nobody holds anything")


def failing(checkers):
    return {law for law, found in checkers.found().items() if found.checks != found.held}


def audited(run):
    checkers = Checkers(run.stage.world.rules)
    checkers.whole(run.line.engine, run.auditor)
    return failing(checkers)


def test_untouched_tables_pass(run):
    assert audited(run) == set()
    assert set(residuals(run.line.engine.tables, run.line.engine.names).values()) == {0}


def test_one_unit_of_cash_too_many_breaks_l_01(run):
    run.line.engine.tables.pools["cash"][run.stage.first] += 1
    assert audited(run) == {"L-01"}
    assert residuals(run.line.engine.tables, run.line.engine.names)["USDT"] == 1


def test_a_deposit_nobody_made_breaks_l_01_for_the_auditor_alone(run):
    t = run.line.engine.tables
    t.pools["cash"][run.stage.first] += 5
    t.house[House.EXTERNAL, 0] -= 5
    assert all(found.checks == found.held for found in run.line.engine.audit().values())
    assert audited(run) == {"L-01"}


def test_one_lot_too_many_breaks_l_02(run):
    _, slot, _, _ = held(run)
    run.line.engine.tables.lots[slot] += 1
    assert "L-02" in audited(run)


def test_lots_moved_between_pools_are_seen_by_the_auditor_alone(run):
    t = run.line.engine.tables
    _, slot, thing, _ = held(run)
    other = next(
        s for s in range(t.key.size) if s != slot and t.key[s] != FREE and int(t.key[s]) >> 2 == thing and t.lots[s]
    )
    t.lots[slot] += 1
    t.lots[other] -= 1
    assert run.line.engine.audit()["L-02"].checks == run.line.engine.audit()["L-02"].held
    assert audited(run) >= {"L-02"}


def test_one_unit_of_cost_too_many_breaks_l_03(run):
    _, slot, _, _ = held(run)
    run.line.engine.tables.cost[slot] += 1
    assert audited(run) == {"L-03"}


def test_a_command_applied_twice_breaks_l_16():
    auditor = Auditor(8, 2)
    sent = np.concatenate(
        [command(Verb.DEPOSIT, 1, 1, pool=3, amount=5), command(Verb.DEPOSIT, 1, 1, pool=3, amount=5)]
    )
    events = np.zeros(2, EVENT)
    events["seq"], events["kind"], events["amount"] = [0, 1], int(Happened.DONE), 5
    auditor.read(sent, events, 9)
    assert (auditor.once.checks, auditor.once.held) == (2, 1)
    assert "source 1" in auditor.once.detail


def test_a_negative_fund_breaks_l_17(run):
    t = run.line.engine.tables
    t.pools["cash"][run.stage.first] += int(t.pools["cash"][FUND_POOL]) + 1
    t.pools["cash"][FUND_POOL] = -1
    assert audited(run) == {"L-01", "L-17"}  # a negative fund would be a debt that nobody lent


def test_an_index_moved_in_silence_breaks_l_21(run):
    t = run.line.engine.tables
    t.things["carry"][run.stage.world.first_perpetual] += 1
    assert "L-21" in audited(run)


def announced(engine, *pools):
    """BREACHED events as the engine would write them for these pools now."""
    events = np.zeros(len(pools), EVENT)
    events["kind"], events["pool"] = int(Happened.BREACHED), pools
    events["short"] = [engine.surplus(pool) for pool in pools]
    return events


@pytest.mark.parametrize("most", [0, 2, 9])
def test_a_liquidation_without_a_breach_breaks_l_06(run, most):
    engine, checkers = run.line.engine, Checkers(run.stage.world.rules)
    pool, _, _, _ = held(run)
    engine.tables.pools["cash"][pool] -= 10**13
    checkers.breached(engine, announced(engine, pool, pool, pool), most=most)
    assert checkers.found()["L-06"] == (6, 6, "")
    checkers.breached(engine, announced(engine, pool, run.stage.makers.pool(0), pool), most=most)
    assert checkers.found()["L-06"][:2] == (12, 11)
    assert failing(checkers) == {"L-06"}


def test_a_breach_announced_with_another_surplus_breaks_l_06(run):
    engine, checkers = run.line.engine, Checkers(run.stage.world.rules)
    pool, _, _, _ = held(run)
    engine.tables.pools["cash"][pool] -= 10**13
    events = announced(engine, pool)
    events["short"] += 1
    checkers.breached(engine, events, most=9)
    assert checkers.found()["L-06"][:2] == (2, 1)


def test_ring_1_proves_the_worst_and_others_evenly_spread():
    chosen = _worst_and_others(1_000, 16)
    assert chosen.size == 16
    assert chosen[:8].tolist() == list(range(8))
    assert chosen[-1] == 999
    assert np.diff(chosen[8:]).max() - np.diff(chosen[8:]).min() <= 1


def test_a_pool_let_go_midway_breaks_l_06(run):
    run.line.engine.tables.pools["state"][run.stage.first] = PoolState.LIQUIDATING
    checkers = Checkers(run.stage.world.rules)
    checkers.followed(run.line.engine, run.liquidator)
    assert failing(checkers) == {"L-06"}


def test_a_breach_not_announced_breaks_l_18(run):
    pool, _, _, _ = held(run)
    run.line.engine.tables.pools["cash"][pool] -= 10**13
    checkers = Checkers(run.stage.world.rules)
    checkers.nobody_missed(run.line.engine)
    assert failing(checkers) == {"L-18"}


def test_a_step_that_makes_it_worse_breaks_l_08(run):
    pool, _, _, _ = held(run)
    checkers = Checkers(run.stage.world.rules)
    run.liquidator.planned = [Planned(pool, run.line.engine.surplus(pool, Purpose.RECOVER) + 1)]
    checkers.steps(run.line.engine, run.liquidator)
    assert failing(checkers) == {"L-08"}
    fine = Checkers(run.stage.world.rules)
    run.liquidator.planned = [Planned(pool, run.line.engine.surplus(pool, Purpose.RECOVER))]
    fine.steps(run.line.engine, run.liquidator)
    assert failing(fine) == set()
    assert fine.found()["L-08"].checks == 1


def test_a_parent_that_pays_for_its_isolated_pool_breaks_l_09(run):
    rows = np.flatnonzero(run.stage.crowd.pools.isolated == 1)
    pool = int(rows[0]) + run.stage.first
    parent = int(run.line.engine.tables.pools[pool]["parent"])
    parents, tally = Parents(run.line), Tally()
    parents.look([pool])
    parents.check(tally, [], {pool})
    assert (tally.checks, tally.held) == (1, 1)
    run.line.engine.tables.pools["cash"][parent] -= 1
    parents.check(tally, [], {pool})
    assert (tally.checks, tally.held) == (2, 1)


def test_a_withdrawal_too_far_breaks_l_10(run):
    pool, _, _, _ = held(run)
    engine = run.line.engine
    sent = command(Verb.WITHDRAW, 3, 10**6, pool=pool, amount=1)
    answers = np.zeros(1, EVENT)
    answers["kind"] = int(Happened.DONE)
    fine = Checkers(run.stage.world.rules)
    fine.withdrawn(engine, answers, command(Verb.WITHDRAW, 3, 1, pool=run.stage.makers.pool(0), amount=1))
    assert failing(fine) == set()
    assert fine.found()["L-10"].checks == 1
    engine.tables.pools["cash"][pool] -= 10**13
    checkers = Checkers(run.stage.world.rules)
    checkers.withdrawn(engine, answers, sent)
    assert failing(checkers) == {"L-10"}


@pytest.mark.parametrize(
    "stages",
    [
        (Stage("account", 0, 0), Stage("fund", 60, 50), Stage("adl", 0, 0), Stage("socialise", 90, 50)),
        (Stage("account", 0, 0), Stage("adl", 0, 0), Stage("fund", 60, 60), Stage("socialise", 40, 40)),
        (Stage("account", 0, 0), Stage("fund", 70, 70), Stage("adl", 0, 0), Stage("socialise", 90, 30)),
    ],
)
def test_a_stage_skipped_or_out_of_order_or_overdrawn_breaks_l_15(run, stages):
    checkers = Checkers(run.stage.world.rules)
    found = [RunDown(60, Covered(100, stages, (), 0))]
    checkers.waterfall(found)
    assert failing(checkers) == {"L-15"}


def test_socialising_what_the_fund_could_pay_breaks_l_15(run):
    checkers = Checkers(run.stage.world.rules)
    checkers.close_of_waterfall(1, 0, 0)
    assert failing(checkers) == {"L-15"}


def test_a_winner_left_worse_breaks_l_14(run):
    pool, _, _, _ = held(run)
    book, market, rules = run.line.engine.book(pool)
    before = assess_pool(book, market, rules, Purpose.MAINTAIN, f"P{pool}")
    with localcontext(EXACT):
        after = replace(before, margin_equity=before.margin_equity - Decimal("0.000001"))
    run.liquidator.taken = [(pool, before, before), (pool, before, after)]
    checkers = Checkers(run.stage.world.rules)
    checkers.winners(run.liquidator)
    assert checkers.found()["L-14"][:2] == (2, 1)


def test_verdicts_that_differ_by_a_unit_are_seen(run):
    pool, _, _, _ = held(run)
    engine = run.line.engine

    class Off:
        def __getattr__(self, name):
            return getattr(engine, name)

        def surplus(self, one, purpose):
            return engine.surplus(one, purpose) + (purpose is Purpose.FILL)

    samples = Samples(Checkers(run.stage.world.rules))
    samples.pools(engine, [pool])
    assert (samples.compared, samples.equal) == (6, 6)
    samples.pools(Off(), [pool])
    assert (samples.compared, samples.equal) == (12, 11)
    assert failing(samples.checkers) == {"L-05"}
    assert "FILL" in samples.first


def test_lines_that_do_not_sum_break_l_19(run):
    pool, _, _, _ = held(run)
    book, market, rules = run.line.engine.book(pool)
    found = assess_pool(book, market, rules, Purpose.MAINTAIN, f"P{pool}")
    first = found.lines[0]
    with localcontext(EXACT):
        more = first.value + 1
    wrong = replace(found, lines=(AssessmentLine(*first[:3], more, *first[4:]), *found.lines[1:]))
    samples = Samples(Checkers(rules))
    samples._lines(pool, {Purpose.MAINTAIN: wrong})
    assert failing(samples.checkers) == {"L-19"}


def test_purposes_out_of_order_break_l_07(run):
    pool, _, _, _ = held(run)
    book, market, rules = run.line.engine.book(pool)
    found = {purpose: assess_pool(book, market, rules, purpose, f"P{pool}") for purpose in Purpose}
    samples = Samples(Checkers(rules))
    samples._ordered(pool, found, rules)
    assert failing(samples.checkers) == set()
    samples._ordered(pool, {**found, Purpose.MAINTAIN: found[Purpose.WITHDRAW]}, rules)
    assert failing(samples.checkers) == {"L-07"}


def test_an_accrual_that_differs_from_the_loop_breaks_l_21(run):
    pool, _, thing, lots = held(run)
    watched = Accruals(run.line, Tally())
    watched.look([pool])
    watched.funding(thing, 0)
    assert (watched.tally.checks, watched.tally.held) == (1, 1)
    watched.funding(thing, 3)
    assert (watched.tally.checks, watched.tally.held) == (2, 1)
    assert lots


def test_a_debt_that_does_not_grow_breaks_l_21(run):
    pool = run.stage.first
    run.line.engine.tables.pools["cash"][pool] = -(10**12)
    watched = Accruals(run.line, Tally())
    watched.look([pool])
    watched.interest(10**9)
    assert (watched.tally.checks, watched.tally.held) == (1, 0)


def test_the_twin_with_another_history_breaks_l_05():
    stage = stage_of("mar-2020", 10, 7)
    line = Line(Engine(engine_limits(stage), venues=venues("generic")))
    line.twin = Engine(engine_limits(stage), venues=venues("generic"), screen=False)
    run = Run(stage, line, silent)
    run.set_up()
    line.twin.tables.pools["cash"][FIRST_USER_POOL] += 1
    run.end()
    assert "L-05" in failing(run.checkers)


def test_the_twin_is_compared_once_and_let_go_of(monkeypatch):
    monkeypatch.setattr("solvent.simulation.driver.TWIN_COMMANDS", 100)
    stage = stage_of("mar-2020", 60, 7)
    line = Line(Engine(engine_limits(stage), venues=venues("generic")), batch=40)
    line.twin = Engine(engine_limits(stage), venues=venues("generic"), screen=False)
    run = Run(stage, line, silent)
    run.set_up()
    assert line.commands > 200
    assert line.twin is None
    assert run.checkers.found()["L-05"] == (1, 1, "")


def test_changed_hands_are_the_probes_business():
    """L-04, L-16 and L-20 are asked every hour: each was asked, and a forged answer is noticed."""
    run = fresh(1)
    found = run.checkers.found()
    assert min(found[law].checks for law in ("L-04", "L-16", "L-20")) > 0
    pool, _, thing, _ = held(run)
    run.line.engine.tables.pools["cash"][pool] -= 10**13
    run.probes._passes(pool, [one.lots for one in legs(run.line.engine.tables, pool) if one.thing == thing], thing)
    assert "L-04" in failing(run.checkers)
