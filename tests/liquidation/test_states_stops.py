"""States move only as allowed; stops reduce only and trigger exactly at their mark."""

from decimal import Decimal
from itertools import product

import pytest

from solvent.book import Leg, Purpose
from solvent.liquidation import MOVES, State, Stop, checked, move, triggered, watched_state
from solvent.liquidation.states import MoveError
from solvent.liquidation.stops import StopError
from solvent.margin import assess_pool
from solvent.venues import names, venue
from tests.liquidation.worlds import MINOR, RULES, book_of, holding_of, market_of


def test_every_pair_of_states_is_allowed_or_refused_by_the_table():
    assert set(MOVES) == set(State)
    for before, after in product(State, State):
        if after in MOVES[before]:
            assert move(before, after) is after
        else:
            with pytest.raises(MoveError, match=f"that is {before.value} cannot become {after.value}"):
                move(before, after)


def test_a_liquidation_starts_only_from_a_watched_state_and_every_state_can_end():
    assert {before for before in State if State.LIQUIDATING in MOVES[before]} == {
        State.HEALTHY,
        State.WARNED,
        State.MARGIN_CALL,
    }
    reached = {State.CLOSED}
    for _ in State:
        reached |= {before for before in State if MOVES[before] & reached}
    assert reached == set(State)


@pytest.mark.parametrize("name", names())
def test_thresholds_of_rule_sets_name_states(name):
    named = {State(threshold.state) for threshold in venue(name).thresholds}
    assert named & {State.LIQUIDATING, State.IN_AUCTION}


@pytest.mark.parametrize(
    ("equity_per_cent", "state"),
    [
        ("150", State.HEALTHY),
        ("149.9", State.WARNED),
        ("120", State.WARNED),
        ("119.9", State.MARGIN_CALL),
        ("100", State.MARGIN_CALL),
        ("99.9", State.LIQUIDATING),
    ],
)
def test_states_begin_below_their_multiple_of_the_requirement(equity_per_cent, state):
    """1,000 contracts at 10.00 require 100 USDT at MAINTAIN."""
    units = int(Decimal(equity_per_cent).scaleb(6))
    book = book_of(holding_of("p", {"USDT": units}, [(MINOR, 1_000, 1_000)]))
    found = assess_pool(book, market_of({"ABC-PERP": 1_000}), RULES, Purpose.MAINTAIN, "p")
    assert found.required == 100
    assert watched_state(found, RULES) is state


def test_on_the_line_an_inclusive_venue_liquidates():
    rules = venue("binance_usdm")
    for units, state in ((175_000_000, State.LIQUIDATING), (175_000_001, State.HEALTHY)):
        book = book_of(holding_of("p", {"USDT": units}, [(MINOR, 1_000, 1_000)]))
        found = assess_pool(book, market_of({"ABC-PERP": 1_000}), rules, Purpose.MAINTAIN, "p")
        assert found.required == 175  # 5,000 at 1% and 5,000 at 2.5%
        assert watched_state(found, rules) is state
        assert found.breached(inclusive=rules.breach_inclusive) == (state is State.LIQUIDATING)


def stop(lots, *, leg=Leg.NET, ticks=900):
    return Stop(7, "p", "ABC-PERP", lots, ticks, below=True, leg=leg)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (stop(5), "5 lots do not reduce the 10 lots"),
        (stop(-11), "-11 lots do not reduce the 10 lots"),
        (stop(0), "0 lots do not reduce the 10 lots"),
        (stop(-5, ticks=0), "trigger must be a positive number of ticks, not 0"),
        (stop(-5, leg=Leg.SHORT), r"pool p holds no ABC-PERP \(SHORT\)"),
    ],
)
def test_stops_that_do_not_reduce_are_refused(wrong, message):
    holding = holding_of("p", {}, [(MINOR, 10, 1_000)])
    assert checked(stop(-10), holding) == stop(-10)
    with pytest.raises(StopError, match=message):
        checked(wrong, holding)


def test_stops_trigger_at_their_mark_and_in_order_of_number():
    low, high = Stop(9, "p", "X", -1, 900, below=True), Stop(3, "p", "X", -1, 901, below=False)
    assert triggered([low, high], {"X": 899}) == (low,)
    assert triggered([low, high], {"X": 900}) == (low,)
    assert triggered([low, high], {"X": 901}) == (high,)
    both = Stop(1, "q", "X", 2, 950, below=True)
    assert triggered([low, high, both], {"X": 900}) == (both, low)
    assert triggered([low, high, both], {"Y": 900}) == ()
