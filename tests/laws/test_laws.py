"""One named test a law, and for each a planted fault that its checker notices. The wording is in docs/laws.md."""

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent import ledger
from solvent.book import Purpose
from solvent.engine.audit import applied_once
from solvent.engine.commands import assemble
from solvent.engine.engine import Engine
from solvent.engine.records import FUND_POOL, Happened, House, PoolState, Reason, Verb, command
from solvent.engine.tables import ASSET
from solvent.liquidation import Action, Stage, cover, filled, plan
from solvent.margin import UnsolvableError, assess_pool, liquidation_price
from solvent.margin.liquidation_price import market_along
from solvent.rates import Schedule
from solvent.rules import Collateral, Path
from solvent.units import exact
from solvent.venues import venue
from tests.equality import comparing
from tests.equality.history import History
from tests.equality.worlds import LIMITS, PERP, USDT_ID, VENUES
from tests.laws import checkers
from tests.liquidation.worlds import RULES, troubled
from tests.margin.test_liquidation_price import moving_along
from tests.margin.small_rules import Collaterals, small_rules
from tests.margin.worlds import CONTRACTS, worlds

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


def test_L01_nothing_appears_and_nothing_vanishes(engine):
    assert held(engine, "L-01")


@pytest.mark.parametrize("account", [House.FEES, House.EXTERNAL, House.LENDING, House.CONVERSION])
def test_L01_notices_one_unit(engine, account):
    engine.tables.house[account, USDT_ID] += 1
    assert not held(engine, "L-01")


def test_L02_lots_sum_to_zero(engine):
    assert held(engine, "L-02")


def test_L02_notices_one_lot(engine):
    engine.tables.lots[an_entry(engine)] += 1
    assert not held(engine, "L-02")


def test_L03_cost_and_profit_account_cancel(engine):
    assert held(engine, "L-03")


@pytest.mark.parametrize("column", ["pnl", "funding_paid"])
def test_L03_notices_one_unit(engine, column):
    engine.tables.things[PERP][column] += 1
    assert not held(engine, "L-03")


def test_L03_notices_cost_lost_with_a_position(engine):
    engine.tables.cost[an_entry(engine)] -= 1
    assert not held(engine, "L-03")


# L-04: no way round the checks


def test_L04_no_verb_skips_a_check(history):
    (log,) = checkers.replayed(history, checkers.admitted_or_reducing)
    assert log.held, log.wrong[:3]


def test_L04_notices_an_unchecked_verb(history, free_of_charge):
    (log,) = checkers.replayed(history, checkers.admitted_or_reducing, plant=free_of_charge)
    assert log.wrong


def test_L04_the_fund_has_rules_too(history):
    engine = comparing.run(history, compare=False)
    mark = int(engine.tables.things[PERP]["mark"])
    fields = {"pool": FUND_POOL, "other": 0, "thing": PERP, "lots": 10**6, "ticks": mark}
    (event,) = engine.step(assemble([(command(Verb.FILL, 1, 1, **fields), b"")]))
    assert Reason(int(event["reason"])) in (Reason.TAKER_SHORT, Reason.LEVERAGE, Reason.BORROW)


# L-05: one outcome


def test_L05_cuts_threads_and_screen_change_nothing(history, engine):
    for how in ({"most": 1}, {"seed": 3, "threads": 2}, {"seed": 4, "screen": False}):
        assert comparing.run(history, compare=False, **how).state_hash() == engine.state_hash()


def test_L05_notices_one_unit_in_one_command(history, engine):
    other = Engine(LIMITS, venues=VENUES)
    at = next(k for k, e in enumerate(history.said) if e[0].kind == Happened.DONE and e[0].amount and not e[0].lots)
    sent = list(history.sent)
    record = sent[at][0].copy()
    record["amount"] += 1
    sent[at] = record, sent[at][1]
    other.step(assemble(sent))
    assert other.state_hash() != engine.state_hash()


# L-06, L-18: watching


def test_L06_a_liquidation_begins_only_where_the_breach_is_proved(history):
    (log,) = checkers.replayed(history, checkers.breaches_are_proved)
    assert log.held, log.wrong[:3]


def test_L06_notices_a_breach_that_is_none(history):
    def plant(engine, k, events):
        if k == 100:
            pool = next(p for p in range(2, engine.pool_count) if not checkers.below(engine, p))
            return [*events, events[0]._replace(kind=int(Happened.BREACHED), pool=pool)]
        return None

    (log,) = checkers.replayed(history, checkers.breaches_are_proved, plant=plant)
    assert len(log.wrong) == 1


def test_L18_no_breach_is_missed(history):
    (log,) = checkers.replayed(history, checkers.none_is_missed)
    assert log.held, log.wrong[:3]


def test_L18_notices_a_pool_that_was_overlooked(history):
    def plant(engine, _k, events):
        for event in events:
            if event.kind == Happened.BREACHED:
                engine.tables.pools[event.pool]["state"] = PoolState.HEALTHY

    (log,) = checkers.replayed(history, checkers.none_is_missed, plant=plant)
    assert log.wrong


# L-07: the order of purposes


def generic_pools(engine):
    return [p for p in range(1, engine.pool_count) if engine.book(p)[2].name == "generic"]


def test_L07_stricter_purposes_find_no_more(engine):
    assert checkers.purposes_in_order(engine, generic_pools(engine)).held


def test_L07_notices_a_lenient_admission(engine):
    t, pools = engine.tables, generic_pools(engine)
    for thing in range(3, 25):  # what ADMIT requires becomes what MAINTAIN does
        t.span[:, Purpose.ADMIT.value, 2 * thing] = 0
    t.rules["leverage_at"] = 0
    assert checkers.purposes_in_order(engine, pools).wrong


# L-08: liquidating helps


def falls(book, market, rules, step):
    """Whether surplus(RECOVER) is lower after a step filled whole at its own worst price."""
    if step.action is not Action.CLOSE:
        return False
    after = filled(book, market, rules, step, step.lots, step.worst_ticks)
    pair = [assess_pool(one, market, rules, Purpose.RECOVER, "p").surplus for one in (book, after)]
    return pair[1] < pair[0]


@FORTY
@given(troubled())
def test_L08_a_planned_step_lowers_nothing(case):
    book, market, quotes, _ = case
    closes = [step for step in plan(book, market, RULES, "p", quotes) if step.action is Action.CLOSE]
    for step in closes[:1]:  # later steps are planned on the book that the first leaves
        assert not falls(book, market, RULES, step)


def test_L08_notices_a_step_at_a_ruinous_price():
    """A step that would sell at a tenth of the mark."""
    found = []

    @settings(max_examples=40)
    @given(troubled())
    def look(case):
        book, market, quotes, _ = case
        for step in plan(book, market, RULES, "p", quotes)[:1]:
            worse = max(1, step.worst_ticks // 10) if step.lots < 0 else step.worst_ticks * 10
            if step.action is Action.CLOSE:
                found.append(falls(book, market, RULES, replace(step, worst_ticks=worse)))

    look()
    assert any(found)


# L-09: isolation


def test_L09_an_isolated_pool_loses_its_own(history):
    (log,) = checkers.replayed(history, checkers.Parents())
    assert log.held, log.wrong[:3]


def test_L09_notices_a_parent_that_pays(history):
    def plant(engine, _k, events):
        parent = int(engine.tables.pools[events[0].pool]["parent"]) if events[0].pool > 1 else -1
        if parent >= 0 and events[0].kind == Happened.DONE:
            engine.tables.pools[parent]["cash"] -= 1

    (log,) = checkers.replayed(history, checkers.Parents(), plant=plant)
    assert log.wrong


# L-10: withdrawals


def test_L10_a_withdrawal_leaves_enough(history):
    (log,) = checkers.replayed(history, checkers.withdrawals_leave_enough)
    assert log.held, log.wrong[:3]


def test_L10_notices_an_unfunded_withdrawal(history, free_of_charge):
    (log,) = checkers.replayed(history, checkers.withdrawals_leave_enough, plant=free_of_charge)
    assert log.wrong


# L-11: more collateral is never worse


def lowers(book, market, rules, units):
    """Whether more of an asset lowers a surplus."""
    more = book.with_holding(book.holding("cross").with_cash("BTC", units))
    return any(
        assess_pool(more, market, rules, p, "cross").surplus < assess_pool(book, market, rules, p, "cross").surplus
        for p in Purpose
    )


def heavier_haircut(weights):
    return Collaterals({"BTC": Collateral(dict.fromkeys(Purpose, weights), Decimal("1.05"))})


@FORTY
@given(worlds(), st.integers(0, 10**9), st.sampled_from(["generic", "small"]))
def test_L11_more_collateral_is_never_worse(world, units, name):
    book, market = world
    rules = small_rules() if name == "small" else venue(name)
    assert not lowers(book, market, rules, units)
    light, heavy = (
        replace(small_rules(), collateral=heavier_haircut(Schedule.weights([("0", w)]))) for w in ("0.9", "0.8")
    )
    for purpose in Purpose:
        surplus = [assess_pool(book, market, r, purpose, "cross").surplus for r in (heavy, light)]
        assert surplus[0] <= surplus[1]


def test_L11_notices_a_weight_that_falls_on_the_whole_value():
    rules = replace(small_rules(), collateral=heavier_haircut(Schedule.step([("0", "0.9"), ("90000", "0.1")])))
    found = []

    @settings(max_examples=40)
    @given(worlds(), st.integers(10**8, 10**9))
    def look(world, units):
        found.append(lowers(*world, rules, units))

    look()
    assert any(found)


# L-13: liquidation prices


def breach_test(book, prices, rules, symbol, along):
    moving = moving_along(book, symbol, along)

    def breached(ticks):
        moved = exact(market_along)(book, prices, moving, CONTRACTS[symbol], ticks)
        found = assess_pool(book, moved, rules, Purpose.MAINTAIN, "cross")
        return found.surplus < 0 or (rules.breach_inclusive and found.surplus == 0 and found.required > 0)

    return breached


def crossings(world, inclusive, along):
    """(crossing, breach test) of every position of a random book: coins as collateral, inverse legs, both legs."""
    book, prices = world
    rules = small_rules(breach_inclusive=inclusive)
    for position in book.holdings[0].positions:
        try:
            found = liquidation_price(book, prices, rules, "cross", position.symbol, along)
        except UnsolvableError:
            continue
        for crossing in found.crossings:
            yield crossing, breach_test(book, prices, rules, position.symbol, along)


PATHS = st.sampled_from([Path.INSTRUMENT, Path.UNDERLYING])


@settings(max_examples=80)
@given(worlds(orders=False), st.booleans(), PATHS)
def test_L13_the_verdict_turns_at_the_reported_tick(world, inclusive, along):
    for crossing, breached in crossings(world, inclusive, along):
        assert checkers.turns_at(breached, crossing.ticks, 1 if crossing.breach_below else -1).held


def test_L13_notices_a_tick_too_far():
    found = []

    @settings(max_examples=40)
    @given(worlds(orders=False), st.booleans(), PATHS)
    def look(world, inclusive, along):
        for crossing, breached in crossings(world, inclusive, along):
            step = 1 if crossing.breach_below else -1
            found.append(checkers.turns_at(breached, crossing.ticks + step, step).wrong)

    look()
    assert found
    assert all(found)


# L-15: the waterfall

UNITS = st.integers(0, 1_000)


@given(UNITS, UNITS, UNITS, st.lists(UNITS, max_size=3), st.lists(UNITS, max_size=3), st.permutations(range(3)))
def test_L15_losses_run_down_in_order(loss, equity, fund, adl, winners, order):
    stages = tuple(venue("generic").losses.stages[k] for k in order)
    rules = replace(venue("generic").losses, stages=stages)
    done = cover(
        rules, "P9", loss, equity_units=equity, fund_units=fund, adl_units=[(f"A{k}", n) for k, n in enumerate(adl)],
        winners_units={f"W{k}": n for k, n in enumerate(winners)},
    )  # fmt: skip
    log = checkers.in_waterfall_order([stage.value for stage in stages], loss, done.stages, done.left_units)
    assert log.held, log.wrong
    assert sum(posting.units for posting in done.postings) == 0


def test_L15_notices_a_stage_that_was_skipped():
    order = ["fund", "adl", "socialise"]
    skipped = (Stage("account", 0, 0), Stage("fund", 50, 49), Stage("adl", 10, 1), Stage("socialise", 0, 0))
    assert checkers.in_waterfall_order(order, 50, skipped, 0).wrong
    swapped = (skipped[0], Stage("adl", 10, 10), Stage("fund", 50, 40), skipped[3])
    assert checkers.in_waterfall_order(order, 50, swapped, 0).wrong


# L-16: once


def test_L16_a_command_is_applied_once(history, engine):
    before, at_hash = engine.tables.sources.copy(), engine.state_hash()
    again = engine.step(assemble(history.sent))
    assert {int(e["reason"]) for e in again} <= {Reason.DUPLICATE, Reason.FULL}
    assert engine.tables.sources.tolist() == before.tolist()
    engine.step(assemble(history.sent[:1]))
    assert at_hash == comparing.run(history, compare=False).state_hash()


def test_L16_notices_a_command_applied_twice(history, engine):
    batch = assemble(history.sent[-5:])
    before = engine.tables.sources.copy()
    events = engine.step(batch)
    fine = applied_once(before, batch.commands, events)
    assert fine.held == fine.checks > 0
    events["kind"][0], events["reason"][0] = Happened.DONE, Reason.OK
    verdict = applied_once(before, batch.commands, events)
    assert verdict.held < verdict.checks


# L-17: the fund


def test_L17_the_fund_never_pays_what_it_has_not():
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


def test_L17_notices_a_fund_in_debt(engine):
    engine.tables.pools[FUND_POOL]["cash"] = -1
    assert not held(engine, "L-17")


# L-19: explanations


@FORTY
@given(worlds(), st.sampled_from(list(Purpose)))
def test_L19_lines_sum_to_the_totals(world, purpose):
    book, market = world
    for rules in (small_rules(), venue("generic")):
        log = checkers.lines_add_up(assess_pool(book, market, rules, purpose, "cross"))
        assert log.held, log.wrong


def test_L19_notices_a_line_left_out(history):
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


def test_L20_modes_change_only_as_the_venue_allows(history):
    (log,) = checkers.replayed(history, checkers.ModeChanges())
    assert log.held, log.wrong[:3]


def test_L20_notices_a_switch_with_a_position(history):
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


# L-21: index accrual


def accrued(rng, interest_due, debts=30):
    """(due by index, exact sum of a loop over the same points, touches) of one debt."""
    units, index, touched, due, looped = -rng.randint(1, 10**15), 0, 0, 0, Fraction(0)
    touches = 0
    for _ in range(debts):
        growth = rng.randint(0, 10**7)
        index += growth
        if rng.random() < 0.4:
            charge = interest_due(units, index, touched)
            looped += Fraction(-units * (index - touched), ledger.TRILLION)
            due, touches, touched = due + charge, touches + 1, index
            units -= charge
    return due, looped, touches


@pytest.mark.parametrize("seed", range(40))
def test_L21_an_index_gives_what_a_loop_gives(seed):
    due, looped, touches = accrued(random.Random(seed), ledger.interest_due)
    assert not touches or checkers.accrual_like_a_loop(due, looped, touches).held


@pytest.mark.parametrize("seed", range(40))
def test_L21_funding_by_index_is_the_sum_of_its_payments(seed):
    rng = random.Random(seed)
    lots, index, touched, paid, looped = 0, 0, 0, 0, 0
    for _ in range(40):
        more = ledger.funding_per_lot(rng.randint(1, 10**6), 100, rng.randint(-(10**6), 10**6))
        index, looped = index + more, looped + lots * more
        if rng.random() < 0.5:
            paid += ledger.funding_due(lots, index, touched)
            lots, touched = lots + rng.randint(-50, 50), index
    assert paid + ledger.funding_due(lots, index, touched) == looped


def test_L21_notices_a_rounding_for_the_account():
    def rounded_down(units, index, touched):
        return -units * (index - touched) // ledger.TRILLION

    found = [checkers.accrual_like_a_loop(*accrued(random.Random(seed), rounded_down)).wrong for seed in range(20)]
    assert any(found)
