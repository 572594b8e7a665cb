"""Who pays: bankruptcy prices, ADL, the waterfall and socialised loss. Sums are exact and stages keep their order."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from solvent.book import Leg, Mode, Purpose
from solvent.liquidation import (
    Candidate,
    bankruptcy_prices,
    candidates,
    cover,
    deleverage,
    plan,
    ranked,
    score,
    shares,
    socialised,
    step_penalty,
    worst_first,
)
from solvent.liquidation.bankruptcy import MOST_TIMES_MARK
from solvent.liquidation.closing import Closing, Standing
from solvent.liquidation.legs import held_legs
from solvent.liquidation.socialise import ShareError
from solvent.liquidation.waterfall import FUND, WaterfallError
from solvent.margin import Assessment, assess_pool
from solvent.rules import AdlRank, Loss, Losses, Penalty, PenaltyBase
from solvent.units import exact
from tests.liquidation.worlds import INVERSE, MAJOR, MINOR, RULES, book_of, holding_of, market_of, troubled

units = st.integers(0, 10**12)
weights = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), units, min_size=1, max_size=8)
orders_of_stages = st.lists(st.sampled_from(list(Loss)), unique=True, max_size=3).map(tuple)


@given(st.integers(-(10**15), 10**15), weights)
def test_shares_sum_to_the_amount_and_are_within_a_unit_of_proportion(amount, parts):
    if not sum(parts.values()):
        with pytest.raises(ShareError, match="must sum to more than zero"):
            shares(amount, parts)
        return
    found = shares(amount, parts)
    assert sum(found.values()) == amount
    for key, weight in parts.items():
        assert abs(found[key] - Fraction(amount * weight, sum(parts.values()))) < 1


def test_a_negative_weight_is_refused():
    with pytest.raises(ShareError, match="must not be negative"):
        shares(5, {"a": 3, "b": -1})


@given(units, st.dictionaries(st.text("abc", min_size=1, max_size=2), st.integers(-(10**9), 10**9), max_size=6))
def test_socialised_loss_is_paid_exactly_and_by_nobody_beyond_their_value(loss, values):
    paid = socialised(loss, values)
    able = sum(value for value in values.values() if value > 0)
    assert sum(paid.values()) == min(loss, able)
    assert all(0 < part <= values[pool] for pool, part in paid.items())


@given(
    orders_of_stages,
    st.integers(0, 1_000_000),
    units,
    units,
    units,
    st.lists(st.tuples(st.sampled_from("xyz"), units), max_size=3, unique_by=lambda pair: pair[0]),
    st.dictionaries(st.sampled_from("uvw"), st.integers(-(10**6), 10**12), max_size=3),
)
def test_l15_losses_run_down_in_order_and_sum_exactly(stages, draw_ppm, loss, equity, fund, adl, winners):
    losses = Losses(stages, AdlRank.PROFIT_TIMES_LEVERAGE, draw_ppm)
    done = cover(
        losses,
        "P",
        loss,
        equity_units=equity,
        fund_units=fund,
        vault_units=equity,
        adl_units=adl,
        winners_units=winners,
    )
    assert [stage.name for stage in done.stages] == ["account", *(stage.value for stage in stages)]
    assert sum(stage.paid_units for stage in done.stages) + done.left_units == loss
    left = loss
    for stage in done.stages:
        # A stage pays all that is left or all it has: so nothing below it is asked before it is empty.
        assert stage.paid_units == min(left, stage.available_units)
        left -= stage.paid_units
    for name in {posting.stage for posting in done.postings}:
        assert sum(posting.units for posting in done.postings if posting.stage == name) == 0
    paid_by_fund = -sum(posting.units for posting in done.postings if posting.account == FUND)
    assert paid_by_fund <= fund * draw_ppm // 1_000_000
    event(f"left over: {done.left_units > 0}")


def test_a_negative_source_or_a_stage_named_twice_is_refused():
    losses = Losses((Loss.FUND,), AdlRank.PROFIT_TIMES_LEVERAGE)
    with pytest.raises(WaterfallError, match="fund must not be negative, not -1 units"):
        cover(losses, "P", 5, fund_units=-1)
    with pytest.raises(WaterfallError, match="ADL of x must not be negative"):
        cover(losses, "P", 5, adl_units=[("x", -2)])
    with pytest.raises(WaterfallError, match="named twice"):
        cover(replace(losses, stages=(Loss.FUND, Loss.FUND)), "P", 5)


@given(troubled())
def test_bankruptcy_prices_use_up_the_pools_value_exactly(case):
    book, market, _, marks = case
    prices = bankruptcy_prices(book, market, RULES, "p")
    legs = held_legs(book, market, "p")
    assert [(p.symbol, p.leg) for p in prices] == [(g.position.symbol, g.position.leg) for g in legs]
    if not prices:
        return
    value = assess_pool(book, market, RULES, Purpose.MAINTAIN, "p").value
    assert sum(price.share_units for price in prices) == int(Fraction(value) * 10**6 // 1)
    for price, leg in zip(prices, legs, strict=True):
        placed = 1 < price.ticks < MOST_TIMES_MARK * marks[price.symbol]
        if leg.contract is INVERSE or not placed:
            continue
        gained = leg.contract.worth(price.lots, price.ticks) - leg.contract.worth(price.lots, leg.ticks)
        assert gained == price.residual_units - price.share_units
        assert 0 <= price.residual_units < abs(price.lots) * leg.contract.tick_value


@given(troubled(contracts=(INVERSE,)))
def test_an_inverse_leg_at_its_bankruptcy_price_keeps_a_residual_a_tick_less_would_not(case):
    book, market, _, marks = case
    for price in bankruptcy_prices(book, market, RULES, "p"):
        room = price.residual_units - (
            INVERSE.worth(price.lots, price.ticks) - INVERSE.worth(price.lots, marks["BTC-INV"])
        )
        if 1 < price.ticks < MOST_TIMES_MARK * marks["BTC-INV"]:
            further = price.ticks + (-1 if price.lots > 0 else 1)
            assert price.residual_units >= 0
            assert room + INVERSE.worth(price.lots, further) - INVERSE.worth(price.lots, marks["BTC-INV"]) < 0


@given(troubled(contracts=(MAJOR, MINOR)))
def test_closing_everything_at_bankruptcy_prices_leaves_the_residuals_and_no_debt(case):
    book, market, _, marks = case
    prices = bankruptcy_prices(book, market, RULES, "p")
    placed = all(1 < price.ticks < MOST_TIMES_MARK * marks[price.symbol] for price in prices)
    for price in prices:
        leg = next(g for g in held_legs(book, market, "p") if g.position.symbol == price.symbol)
        standing = exact(Standing.of)(book, market, RULES, book.holding("p"))
        closed = exact(lambda s=standing, g=leg, p=price: Closing(s, g).holding_after(abs(p.lots), p.ticks, 0))()
        book = book.with_holding(closed)
    after = Fraction(assess_pool(book, market, RULES, Purpose.MAINTAIN, "p").value) * 10**6
    if placed and prices:
        assert after == sum(price.residual_units for price in prices)
        assert after >= 0


def candidate(pool, profit, *, value=1_000, required=10, notional=1_000, entry=1_000):
    d = Decimal
    return Candidate(pool, Leg.NET, 1, d(profit), d(notional), d(entry), d(value), d(profit), d(required))


def test_ranks_are_profit_share_times_leverage_or_margin_ratio():
    small, large = candidate("a", 100, value=500), candidate("b", 150, value=1_000)
    assert [c.pool for c in ranked([large, small], AdlRank.PROFIT_TIMES_LEVERAGE)] == ["a", "b"]
    calm, tight = candidate("a", 100, required=1), candidate("b", 90, required=100)
    assert [c.pool for c in ranked([calm, tight], AdlRank.PROFIT_TIMES_MARGIN_RATIO)] == ["b", "a"]
    assert score(candidate("z", 10, value=0), AdlRank.PROFIT_TIMES_LEVERAGE) == (0, 1)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9)), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
)
def test_ranking_does_not_depend_on_the_order_given(figures, chance):
    some = [candidate(str(k), profit, value=value * 100) for k, (profit, value) in enumerate(figures)]
    shuffled = list(some)
    chance.shuffle(shuffled)
    for rank in AdlRank:
        found = ranked(some, rank)
        assert ranked(shuffled, rank) == found
        values = [Fraction(*(Fraction(x) for x in score(one, rank))) for one in found]
        assert values == sorted(values, reverse=True)


def crowd(*winners):
    """A loser long 1,000 ABC from 12 and shorts who sold at 12; the mark is at 10."""
    loser = holding_of("loser", {"USDT": 1_900 * 10**6}, [(MINOR, 1_000, 1_200)])
    shorts = [holding_of(name, {"USDT": cash * 10**6}, [(MINOR, -lots, 1_200)]) for name, lots, cash in winners]
    return book_of(loser, *shorts), market_of({"ABC-PERP": 1_000})


def test_adl_takes_from_the_highest_rank_up_to_its_lots_and_states_what_is_left():
    book, market = crowd(("calm", 700, 50_000), ("bold", 600, 2_000))
    done = deleverage(book, market, RULES, "ABC-PERP", 1_000, 1_000)
    assert [(one.pool, one.lots) for one in done.taken] == [("bold", 600), ("calm", 400)]
    assert done.left_lots == 0
    assert deleverage(book, market, RULES, "ABC-PERP", 2_000, 1_000).left_lots == 700


def test_only_winners_on_the_other_side_are_candidates():
    book, market = crowd(("short", 700, 50_000))
    assert [c.pool for c in candidates(book, market, RULES, "ABC-PERP", 1_000)] == ["short"]
    assert candidates(book, market, RULES, "ABC-PERP", -1_000) == ()
    risen = market_of({"ABC-PERP": 1_300})
    assert [c.pool for c in candidates(book, risen, RULES, "ABC-PERP", -1)] == ["loser"]


@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(1, 9_000)), min_size=1, max_size=4),
    st.integers(1, 2_500),
    st.integers(900, 1_250),
)
def test_adl_takes_no_more_than_budget_and_lots_from_profit_and_worsens_nobody(winners, budget, ticks):
    book, market = crowd(*((f"w{k}", lots, cash) for k, (lots, cash) in enumerate(winners)))
    done = deleverage(book, market, RULES, "ABC-PERP", budget, ticks)
    assert sum(one.lots for one in done.taken) + done.left_lots == budget
    if done.left_lots:
        event("budget not met")
    for one in done.taken:
        holding = book.holding(one.pool)
        assert 0 < one.lots <= abs(holding.positions[0].lots)
        assert ticks <= 1_200, "an entry at 1,200 has no profit above it"
        before = assess_pool(book, market, RULES, Purpose.MAINTAIN, one.pool)
        leg = held_legs(book, market, one.pool)[0]
        standing = exact(Standing.of)(book, market, RULES, holding)
        after_holding = exact(lambda s=standing, g=leg, n=one.lots: Closing(s, g).holding_after(n, ticks, 0))()
        after = assess_pool(book.with_holding(after_holding), market, RULES, Purpose.MAINTAIN, one.pool)
        assert Fraction(after.margin_equity) * Fraction(before.required) >= Fraction(before.margin_equity) * Fraction(
            after.required
        )


def test_adl_at_a_price_without_profit_takes_nothing():
    book, market = crowd(("short", 700, 50_000))
    for ticks, taken in ((1_200, 1), (1_201, 0)):
        assert len(deleverage(book, market, RULES, "ABC-PERP", 10, ticks).taken) == taken


def test_adl_that_would_weaken_a_winner_takes_nothing():
    """A short with 100 of equity: at the mark giving up lots frees margin, at 11.99 it costs more than it frees."""
    book, market = crowd(("thin", 600, -1_100))
    for ticks, taken in ((1_000, 10), (1_199, 0)):
        done = deleverage(book, market, RULES, "ABC-PERP", 10, ticks)
        assert sum(one.lots for one in done.taken) == taken


def test_the_three_penalty_bases_and_the_cut_to_the_pools_value():
    amounts = {"notional_units": 1_000_001, "deficit_units": 300, "seized_units": 2_000}
    for base, whole in (
        (PenaltyBase.CLOSED_NOTIONAL, 10_001),
        (PenaltyBase.DEFICIT, 3),
        (PenaltyBase.SEIZED_COLLATERAL, 20),
    ):
        penalty = Penalty(base, 10_000)
        assert step_penalty(penalty, "X", value_units=whole, **amounts) == whole
        assert step_penalty(penalty, "X", value_units=whole - 1, **amounts) == whole - 1
        assert step_penalty(penalty, "X", value_units=-5, **amounts) == 0
    by_symbol = Penalty(PenaltyBase.CLOSED_NOTIONAL, 10_000, {"X": 0})
    assert step_penalty(by_symbol, "X", value_units=9**9, **amounts) == 0
    assert (
        step_penalty(Penalty(PenaltyBase.DEFICIT, 10_000), "X", notional_units=5, deficit_units=-9, value_units=9) == 0
    )


def found(pool, equity, required):
    e, r = Decimal(equity), Decimal(required)
    return Assessment(pool, Purpose.MAINTAIN, "USDT", e, e, r, Fraction(0), Fraction(0), (), None)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 20)), max_size=8), st.randoms(use_true_random=False))
def test_pools_in_breach_are_taken_worst_first_whatever_the_order_given(figures, chance):
    some = [found(f"P{k}", equity, required) for k, (equity, required) in enumerate(figures)]
    ordered = worst_first(some)
    shuffled = list(some)
    chance.shuffle(shuffled)
    assert worst_first(shuffled) == ordered
    ratios = [Fraction(int(one.margin_equity), int(one.required)) for one in ordered if one.required]
    assert ratios == sorted(ratios)
    owing = [one.required == 0 and one.margin_equity < 0 for one in ordered]
    assert owing == sorted(owing, reverse=True)


@given(troubled(contracts=(MAJOR, MINOR)))
def test_l09_an_isolated_pools_plan_reads_and_touches_nothing_of_its_parent(case):
    book, market, quotes, _ = case
    child = book.holding("p")
    isolated = replace(child, pool=replace(child.pool, id="p", parent="cross", mode=Mode.ISOLATED))
    rich = holding_of("cross", {"USDT": 10**15}, [(MAJOR, 5, 400_000)])
    alone, beside = book_of(isolated), book_of(isolated, rich)
    assert plan(alone, market, RULES, "p", quotes) == plan(beside, market, RULES, "p", quotes)
    assert all(step.pool == "p" for step in plan(beside, market, RULES, "p", quotes))
    assert bankruptcy_prices(alone, market, RULES, "p") == bankruptcy_prices(beside, market, RULES, "p")
