"""The square-root law, its decay and the depth it needs, against the formulas written out in fractions and floats."""

from fractions import Fraction
from math import isclose, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.simulation.datasets import load
from solvent.simulation.impact import (
    MILLION,
    Book,
    ImpactError,
    ImpactModel,
    ImpactState,
    average_ppm,
    bar_volatility_ppm,
    decay_per_minute_ppb,
    depth_per_minute_lots,
    displaced_ticks,
)
from solvent.simulation.paths import minute_marks

MAY = load("may-2021")
BTC = MAY.symbols.index("BTCUSDT")
CRASH = 61 * 60  # 19 May 2021, 13:00 UTC
BOOK = Book(MAY, minute_marks(MAY, 7))


def state_at(minute, book=BOOK):
    state = book.state()
    book.advance(state, minute)
    return state


def deep(**changes):
    """A book whose depth no test exhausts."""
    return Book(MAY, BOOK.bridged, ImpactModel(participation_ppm=MILLION, depth_floor_ppm=MILLION, **changes))


def test_displacement_is_y_sigma_root_q_over_v():
    book, state = deep(), state_at(CRASH)
    before = int(book.marks(state)[BTC])
    lots = int(MAY.volume_lots[61, BTC]) // 100
    book.fill(state, BTC, -lots)
    low, high = int(MAY.low_ticks[61, BTC]), int(MAY.high_ticks[61, BTC])
    sigma = (high - low) / ((high + low) / 2) / 1.6651092
    expected = sigma * sqrt(lots / int(MAY.volume_lots[61, BTC]))
    assert isclose(expected, 0.0145, rel_tol=0.01)
    assert isclose(before / int(book.marks(state)[BTC]) - 1, expected, rel_tol=1e-3)


@pytest.mark.parametrize(("y_ppm", "times"), [(2 * MILLION, 2.0), (MILLION // 2, 0.5)])
def test_displacement_is_in_proportion_to_y(y_ppm, times):
    squares = []
    for book in (deep(), deep(y_ppm=y_ppm)):
        state = state_at(CRASH)
        book.fill(state, BTC, 1_000_000)
        squares.append(state.squares[BTC])
    assert isclose(sqrt(squares[1] / squares[0]), times, rel_tol=1e-6)


def test_four_times_the_size_moves_the_price_twice_as_far():
    moves = []
    for lots in (100_000, 400_000):
        state = state_at(CRASH)
        deep().fill(state, BTC, lots)
        moves.append(sqrt(state.squares[BTC]))
    assert isclose(moves[1], 2 * moves[0], rel_tol=1e-5)


@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=8), st.booleans())
def test_pieces_move_the_price_as_far_as_the_whole_and_cost_as_much(pieces, buying):
    side, book = (1 if buying else -1), deep()
    whole, parts = state_at(CRASH), state_at(CRASH)
    at_once = book.fill(whole, BTC, side * sum(pieces))
    fills = [book.fill(parts, BTC, side * piece) for piece in pieces]
    assert at_once.filled_lots == side * sum(pieces) == sum(fill.filled_lots for fill in fills)
    assert 0 <= side * (parts.squares[BTC] - whole.squares[BTC]) <= len(pieces)
    mark = int(BOOK.bridged[CRASH, BTC])
    mean = Fraction(sum(f.price_ticks * f.filled_lots for f in fills), side * sum(pieces))
    # One millionth and one tick for each average rounded, and as much for the root the pieces leave behind.
    assert abs(mean - at_once.price_ticks) <= 3 + Fraction(3 * mark, MILLION)


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12).filter(bool))
def test_the_average_is_the_integral_s(before, step):
    after = before + step
    first, last = (sqrt(abs(square)) for square in (before, after))
    if before * after >= 0:  # the same quotient without a difference of near numbers
        expected = (last**2 + last * first + first**2) * 2 / 3 / (last + first) * (1 if before + after > 0 else -1)
    else:
        expected = (last**3 - first**3) * 2 / 3 / step
    ends = sorted((first if before >= 0 else -first, last if after >= 0 else -last))
    found = average_ppm(before, after)
    assert ends[0] - 1 <= found <= ends[1] + 1
    assert abs(found - expected) <= 1.001
    if abs(step) > 10**8:  # far from the roots' own rounding the last step goes against the trade
        assert (found - expected) * (1 if step > 0 else -1) > -0.01


def test_a_seller_gets_less_than_the_mark_and_more_than_the_last_price():
    state = state_at(CRASH)
    before = int(BOOK.marks(state)[BTC])
    quote = BOOK.fill(state, BTC, -20_000)
    after = int(BOOK.marks(state)[BTC])
    assert after < quote.price_ticks < before
    buyer = state_at(CRASH)
    bought = BOOK.fill(buyer, BTC, 20_000)
    assert before < bought.price_ticks < int(BOOK.marks(buyer)[BTC])


def test_the_smallest_order_is_rounded_against_itself():
    mark = int(BOOK.bridged[CRASH, BTC])
    assert BOOK.quote(state_at(CRASH), BTC, -1).price_ticks < mark < BOOK.quote(state_at(CRASH), BTC, 1).price_ticks


@pytest.mark.parametrize("lots", [-40_000, -39_999, -7, 7, 39_999, 40_000])
def test_a_fill_s_price_is_rounded_once_against_the_order(lots):
    quote = deep().quote(state_at(CRASH), BTC, lots)
    mark, mean = int(BOOK.bridged[CRASH, BTC]), average_ppm(0, quote.square)
    exact = Fraction(mark * (MILLION + mean), MILLION) if lots > 0 else Fraction(mark * MILLION, MILLION - mean)
    assert exact.denominator > 1
    assert quote.price_ticks == (int(exact) + 1 if lots > 0 else int(exact))


def test_buying_back_undoes_the_move():
    state, book = state_at(CRASH), deep()
    book.fill(state, BTC, -30_000)
    book.fill(state, BTC, 30_000)
    assert state.squares[BTC] == 0
    assert (book.marks(state) == BOOK.bridged[CRASH]).all()


def test_one_instrument_s_trades_leave_the_others_alone():
    state = state_at(CRASH)
    BOOK.fill(state, BTC, -20_000)
    changed = np.flatnonzero(BOOK.marks(state) != BOOK.bridged[CRASH])
    assert changed.tolist() == [BTC]


def test_a_quote_changes_nothing_and_a_fill_keeps_it():
    state = state_at(CRASH)
    frozen = state.to_ints()
    quote = BOOK.quote(state, BTC, -20_000)
    assert state.to_ints() == frozen
    assert BOOK.fill(state, BTC, -20_000) == quote
    assert state.to_ints() != frozen


def test_a_minute_takes_its_depth_and_no_more_on_each_side():
    state = state_at(CRASH)
    depth = int(BOOK.depth_lots[CRASH, BTC])
    assert BOOK.fill(state, BTC, -(depth - 1)).filled_lots == -(depth - 1)
    assert BOOK.available_lots(state, BTC, buying=False) == 1
    assert BOOK.fill(state, BTC, -5).filled_lots == -1
    spent = BOOK.fill(state, BTC, -5)
    assert spent.filled_lots == 0
    assert spent.price_ticks == int(BOOK.marks(state)[BTC])
    assert BOOK.fill(state, BTC, depth + 5).filled_lots == depth
    BOOK.advance(state, CRASH + 1)
    assert BOOK.fill(state, BTC, -5).filled_lots == -5


def test_advancing_to_the_same_minute_gives_no_new_depth():
    state = state_at(CRASH)
    BOOK.fill(state, BTC, -(10**9))
    BOOK.advance(state, CRASH)
    assert BOOK.available_lots(state, BTC, buying=False) == 0


def test_depth_is_a_share_of_real_volume_that_thins_in_a_crash():
    model = ImpactModel()
    volatility = bar_volatility_ppm(MAY)
    depth = depth_per_minute_lots(MAY, volatility, model)
    assert depth.shape == (MAY.minutes, 12)
    share = depth[::60] * 60 / MAY.volume_lots
    assert isclose(share[61, BTC], 0.028, rel_tol=1e-3)  # 10 % of the volume, thinned to 28 %
    calm = int(volatility[:, BTC].argmin())
    assert isclose(share[calm, BTC], 0.1, rel_tol=1e-3)
    order = np.argsort(volatility[:, BTC], kind="stable")
    assert isclose(share[order[60], BTC], 0.1, rel_tol=1e-3)  # the median bar is not thinned
    assert share[order[70], BTC] < 0.0999
    assert (np.diff(share[order, BTC]) <= 1e-4).all()


def test_the_march_wick_is_no_volatility():
    march = load("mar-2020")
    eth = march.symbols.index("ETHUSDT")
    with_wick = (32_300 - 8_423) * 2 / (32_300 + 8_423) / 1.6651
    assert with_wick > 0.7
    assert (
        bar_volatility_ppm(march)[50, eth] == (12_462 - 8_423) * 2 * MILLION // (12_462 + 8_423) * MILLION // 1_665_109
    )


@pytest.mark.parametrize("half_life", [1, 2, 7, 20, 240])
def test_displacement_halves_every_half_life(half_life):
    book, state = deep(half_life_minutes=half_life), state_at(CRASH)
    state.squares[BTC], state.squares[0] = 4 * 10**10, -4 * 10**10
    for times in (2, 4):
        book.advance(state, state.minute + half_life)
        assert isclose(sqrt(state.squares[BTC]), 2e5 / times, rel_tol=1e-5)
        assert state.squares[0] == -state.squares[BTC]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_steps_of_the_clock_do_not_change_the_decay(steps):
    one, many = state_at(0), state_at(0)
    one.squares[BTC] = many.squares[BTC] = -(10**9)
    BOOK.advance(one, sum(steps))
    for step in steps:
        BOOK.advance(many, many.minute + step)
    assert one == many


@given(st.integers(1, 300))
def test_decay_is_the_largest_factor_below_the_root(half_life):
    f = decay_per_minute_ppb(half_life)
    assert 4 * f**half_life <= 10 ** (9 * half_life) < 4 * (f + 1) ** half_life


@given(st.integers(1, 10**9), st.integers(-50 * MILLION, 50 * MILLION))
def test_prices_move_up_by_a_product_and_down_by_a_quotient(mark, displacement):
    factor = Fraction(MILLION + abs(displacement), MILLION)
    exact = mark * factor if displacement >= 0 else mark / factor
    down, up = displaced_ticks(mark, displacement), displaced_ticks(mark, displacement, up=True)
    assert down <= exact <= up <= down + 1
    assert exact - down < 1


def test_a_mark_is_never_below_one_tick():
    state = state_at(CRASH)
    state.squares = [-(10**40)] * 12
    assert BOOK.marks(state).tolist() == [1] * 12
    assert BOOK.quote(state, BTC, -1).price_ticks == 1


def test_a_state_survives_being_written_down():
    state = state_at(CRASH)
    BOOK.fill(state, BTC, -10_000)
    BOOK.fill(state, 0, 10)
    numbers = state.to_ints()
    assert all(type(number) is int for number in numbers)
    again = ImpactState.from_ints(numbers)
    for each in (state, again):
        BOOK.advance(each, CRASH + 3)
    assert again == state


@pytest.mark.parametrize("numbers", [[], [12], [0, 5], [2, 0, 1, 2, 3, 4, 5]])
def test_a_state_of_another_length_is_refused(numbers):
    with pytest.raises(ImpactError, match="a state must be"):
        ImpactState.from_ints(numbers)


def test_what_cannot_be_is_refused():
    state = state_at(CRASH)
    with pytest.raises(ImpactError, match=f"minute must be {CRASH} to 7199, not {CRASH - 1}"):
        BOOK.advance(state, CRASH - 1)
    with pytest.raises(ImpactError, match="not 7200"):
        BOOK.advance(state, 7_200)
    for instrument, lots in ((BTC, 0), (12, 1), (-1, 1)):
        with pytest.raises(ImpactError, match="lots other than 0"):
            BOOK.quote(state, instrument, lots)
    with pytest.raises(ImpactError, match="must have shape"):
        Book(MAY, BOOK.bridged[:-1])
    with pytest.raises(ImpactError, match="squares must hold 3 numbers, not 2"):
        ImpactState(3, squares=[1, 2])


@pytest.mark.parametrize(
    ("field", "bad", "good"),
    [
        ("y_ppm", 10 * MILLION + 1, 10 * MILLION),
        ("participation_ppm", -1, 0),
        ("depth_floor_ppm", MILLION + 1, MILLION),
        ("half_life_minutes", 0, 1),
    ],
)
def test_constants_outside_their_range_are_named(field, bad, good):
    with pytest.raises(ImpactError, match=f"{field} must be .* not {bad}"):
        ImpactModel(**{field: bad})
    assert getattr(ImpactModel(**{field: good}), field) == good
