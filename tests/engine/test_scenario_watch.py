"""Watching option portfolios by boxes: nobody in breach is overlooked, whatever prices and volatilities do."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.engine.scenario_books import books_of, books_of_held
from solvent.engine.scenario_judge import SOUND
from solvent.engine.scenario_table import ScenarioTable
from solvent.engine.scenario_watch import ScenarioWatch
from solvent.margin.scenario import PlainShock, TermShock
from solvent.margin.scenario.boxes import Spread, box_rows, edges, inside, shocked_between
from solvent.margin.scenario.listing import held, quotes
from solvent.margin.scenario.portfolio import GrowingDiscount
from solvent.margin.scenario.quantised import quantise
from solvent.margin.scenario.quantised_account import standing
from solvent.margin.scenario.quantised_form import quantised_form
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.derive_pmrm2.rules import parameters
from solvent.venues.derive_srm.composing import with_parameters
from tests.engine.option_world import DAYS, listing, market, random_book, rules_of_all
from tests.engine.test_scenario_table import at_the_line

RULES = rules_of_all()
STRUCTURES = sorted(RULES)
LISTED = listing(strikes=(1300, 1500, 1800))
SPREADS = (Spread(0.003, 0.01, 600.0), Spread(0.02, 0.05, 3600.0), Spread(0.08, 0.15, 20000.0))


@exact
def between(low, high, share):
    return low + (high - low) * Decimal(str(share))


def drawn(box, rng):
    """A market inside a box, often at its edges."""

    def share():
        return rng.choice((0.0, 1.0, rng.random(), rng.random()))

    low, high = box
    prices = {
        name: getattr(low, name) if not getattr(low, name) else tuple(
            between(a, b, share()) for a, b in zip(getattr(low, name), getattr(high, name), strict=True)
        )
        for name in ("perps", "coins")
    }  # fmt: skip
    later = share()
    seconds = high.expiries.seconds + later * (low.expiries.seconds - high.expiries.seconds)
    moves = np.array([share() for _ in low.expiries.names])
    moving = low.expiries.moving + moves * (high.expiries.moving - low.expiries.moving)
    moving = np.clip(moving, low.expiries.moving, high.expiries.moving)
    expiries = low.expiries._replace(seconds=seconds, years=seconds / 31_536_000.0, moving=moving)
    moves = np.array([share() for _ in low.series.symbols])
    volatility = low.series.volatility + moves * (high.series.volatility - low.series.volatility)
    volatility = np.clip(volatility, low.series.volatility, high.series.volatility)
    forward = (moving + expiries.settled)[low.series.expiry]
    series = low.series._replace(volatility=volatility, forward=forward)
    return low._replace(
        series=series, expiries=expiries, spot=between(low.spot, high.spot, share()),
        time_ns=high.time_ns + int(later * (low.time_ns - high.time_ns)), **prices,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(STRUCTURES), st.integers(0, 10**6), st.sampled_from(SPREADS))
def test_l18_rows_of_a_box_are_below_those_of_every_market_inside(structure, seed, spread):
    rng, form = random.Random(seed), quantised_form(RULES[structure])
    start = market(LISTED, spot=rng.choice(("1290", "1500", "1800")), vol=rng.uniform(0.3, 2), stable="0.99", funding=4)
    box = edges(quotes(LISTED, start), spread)
    bound = box_rows(form, LISTED, box)
    for _ in range(4):
        now = drawn(box, rng)
        assert inside(box, now)
        rows = quantise(form, LISTED, now)
        assert (bound.branches <= rows.branches).all()
        assert (bound.value <= rows.value).all()
        assert (bound.charge >= rows.charge).all()
        assert bound.naked >= rows.naked
        assert bound.perp >= rows.perp
        assert bound.segment.tolist() == rows.segment.tolist()


def test_a_box_is_as_tight_as_its_corner():
    """Where everything nets and the factor is one, the bound of a long call is its value at the box's own corner."""
    form, now = quantised_form(RULES["netted"]), quotes(LISTED, market(LISTED, rate="0"))
    box = edges(now, Spread(0.01, 0.02, 600.0))
    bound, corner = box_rows(form, LISTED, box), quantise(form, LISTED, box.low)
    calls = 2 * np.flatnonzero(now.series.is_call)
    assert (corner.value[calls] - bound.value[calls] <= 4).all()
    assert (corner.branches[0, calls] - bound.branches[0, calls] <= 4).all()


def walked(rng, steps):
    """Markets of a walk: small moves, sometimes a jump of price or of volatility, sometimes hours at once."""
    spot, vol, seconds, carry = 1500.0, 1.0, 0, 0
    for _ in range(steps):
        spot *= 1 + rng.gauss(0, 0.004) + (rng.choice((-0.12, 0.1)) if rng.random() < 0.06 else 0)
        vol *= 1 + rng.gauss(0, 0.004) + (rng.choice((-0.3, 0.5)) if rng.random() < 0.06 else 0)
        seconds += rng.choice((1, 30, 400)) if rng.random() < 0.95 else 9000
        carry += rng.random() < 0.03
        yield market(LISTED, spot=f"{spot:.2f}", vol=vol, seconds=seconds, funding=carry)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(STRUCTURES), st.integers(0, 10**6), st.sampled_from([1, 2]))
def test_l18_watching_by_boxes_finds_what_judging_everybody_finds(structure, seed, threads):
    rng = random.Random(seed)
    table, _ = watched(structure, rng, 40, threads)
    watch = ScenarioWatch(table, SPREADS)
    brute = ScenarioTable(RULES[structure], LISTED, table.books)
    for now in walked(rng, 15):
        seen = watch.step(now)
        truth = brute.step(now)
        assert seen.unsound.tolist() == np.flatnonzero(truth.verdict != SOUND).tolist()
        for mine, theirs in zip(table.standing, truth, strict=True):
            assert mine[seen.unsound].tolist() == theirs[seen.unsound].tolist()


def watched(structure, rng, count, threads=1):
    """Portfolios that stand from just below the line to far above it, and their books."""
    form = quantised_form(RULES[structure])
    rows = quantise(form, LISTED, quotes(LISTED, market(LISTED)))
    pairs = []
    for _ in range(count):
        pair = random_book(LISTED, rng, junk=structure != "first")
        pairs.append(at_the_line(form, rows, pair, int(rng.expovariate(1 / 3e10)) - 10**8, LISTED))
    return ScenarioTable(RULES[structure], LISTED, books_of(LISTED, pairs), threads=threads), pairs


def test_a_calm_market_looks_at_few_and_every_level_is_used():
    rng = random.Random(3)
    table, _ = watched("second", rng, 300)
    watch = ScenarioWatch(table, SPREADS)
    first = watch.step(market(LISTED))
    assert first.renewed
    counts = np.bincount(watch.level, minlength=4)
    assert counts.min() > 10
    calm = watch.step(market(LISTED, spot="1501.5", seconds=60))
    assert (calm.renewed, calm.looked_at) == (False, counts[0])
    wider = watch.step(market(LISTED, spot="1515", seconds=60))
    assert (wider.renewed, wider.looked_at) == (False, counts[0] + counts[1])
    back = watch.step(market(LISTED, spot="1500", seconds=60))
    assert (back.renewed, back.looked_at) == (False, counts[0])
    away = watch.step(market(LISTED, spot="1700", seconds=60))
    assert away.renewed


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_box_proves_to_the_grain(structure):
    """One grain short on a box's rows is not proved, though a breach is not proved either."""
    form, now = quantised_form(RULES[structure]), quotes(LISTED, market(LISTED))
    bound = box_rows(form, LISTED, edges(now, SPREADS[0]))
    pool = held(LISTED, *random_book(LISTED, random.Random(7), junk=structure != "first"))
    least = standing(bound, pool).low
    pools = [pool._replace(fixed=pool.fixed - least + more) for more in (-1, 0, 1)]
    watch = ScenarioWatch(ScenarioTable(RULES[structure], LISTED, books_of_held(LISTED, pools)), SPREADS[:1])
    watch.judge(now)
    assert watch.level.tolist() == [0, 0 if form.inclusive else 1, 1]


def test_new_boxes_when_more_would_have_to_be_looked_at_than_the_limit():
    rng = random.Random(3)
    table, _ = watched("second", rng, 60)
    eager, patient = ScenarioWatch(table, SPREADS, 0.0), ScenarioWatch(table, SPREADS, 1.0)
    for watch in (eager, patient):
        watch.step(market(LISTED))
    near = market(LISTED, spot="1515", seconds=60)
    found = [watch.step(near) for watch in (eager, patient)]
    assert [one.renewed for one in found] == [True, False]
    assert found[0].unsound.tolist() == found[1].unsound.tolist()


def test_a_portfolio_that_changes_is_looked_at():
    rng = random.Random(5)
    table, pairs = watched("second", rng, 30)
    watch = ScenarioWatch(table, SPREADS)
    watch.step(market(LISTED))
    pool = int(np.flatnonzero(watch.level == 3)[0])
    mine, holding = pairs[pool]
    poor = replace(holding, cash={**holding.cash, "USDC": -(10**11)})
    watch.change(pool, mine.with_holding(poor), poor)
    seen = watch.step(market(LISTED, seconds=1))
    assert not seen.renewed
    assert pool in seen.unsound


@pytest.mark.parametrize(
    "what", ["spot", "perps", "coins", "stable", "funding", "time", "forward", "vol", "rate", "back"]
)
def test_a_market_outside_in_one_thing_alone_is_outside(what):
    now = quotes(LISTED, market(LISTED))
    box = edges(now, Spread(0.01, 0.02, 60.0))
    assert inside(box, now)
    up = Decimal("1.02")
    with_up = exact(lambda prices: tuple(one * up for one in prices))
    changed = {
        "spot": lambda: now._replace(spot=with_up((now.spot,))[0]),
        "perps": lambda: now._replace(perps=with_up(now.perps)),
        "coins": lambda: now._replace(coins=with_up(now.coins)),
        "stable": lambda: now._replace(stable=up),
        "funding": lambda: now._replace(funding=(1,)),
        "time": lambda: now._replace(time_ns=now.time_ns + 61 * 10**9),
        "back": lambda: now._replace(time_ns=now.time_ns - 1),
        "forward": lambda: now._replace(expiries=now.expiries._replace(moving=now.expiries.moving * 1.0101)),
        "vol": lambda: now._replace(series=now.series._replace(volatility=now.series.volatility * 0.979)),
        "rate": lambda: now._replace(expiries=now.expiries._replace(rate=now.expiries.rate + 1e-9)),
    }[what]()
    assert not inside(box, changed)


def test_boxes_must_grow_and_must_be_boxes():
    table, _ = watched("second", random.Random(1), 2)
    with pytest.raises(ValueError, match="boxes must grow"):
        ScenarioWatch(table, SPREADS[::-1])
    for wrong in ((1.0, 0.0, 0.0), (-0.1, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (0.0, float("nan"), 0.0)):
        with pytest.raises(RulesError, match="a box"):
            Spread(*wrong)


def test_rules_without_a_known_bound_are_refused():
    now = quotes(LISTED, market(LISTED))
    box = edges(now, SPREADS[0])

    class Other(PlainShock):
        pass

    for shock in (Other(0.1, 0.1), TermShock(0.4, 0.3, -0.3, 0.1, 86400.0)):
        with pytest.raises(RulesError, match=f"shocked by {type(shock).__name__} in a box"):
            shocked_between(shock, parameters().scenarios[1].move, box)
    for fixed in (GrowingDiscount(0.9, 0.0, 0.0, 1.0, -1.0), GrowingDiscount(0.9, 0.0, 0.0, 1.0, 0.0, -1.0)):
        form = quantised_form(with_parameters(venue("derive_pmrm2"), replace(parameters(), static_discount=fixed)))
        with pytest.raises(RulesError, match="no bound of its static discount"):
            box_rows(form, LISTED, box)


def test_expiries_that_pass_inside_a_box_are_bounded_too():
    short = listing(days=DAYS[:1], strikes=(1500,))
    form = quantised_form(RULES["second"])
    start = market(short, seconds=86_400 - 300)
    box = edges(quotes(short, start), Spread(0.01, 0.02, 3600.0))
    bound, rng = box_rows(form, short, box), random.Random(1)
    assert box.low.expiries.seconds.tolist() == [0.0]
    for _ in range(10):
        assert (bound.branches <= quantise(form, short, drawn(box, rng)).branches).all()
