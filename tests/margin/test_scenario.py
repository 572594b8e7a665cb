"""The scenario engine: shocks by hand, the matrix against 90 digits, the order of factors, bounds of errors."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import BookError, Market, PriceKey, PriceKind, Purpose
from solvent.margin import assess_pool
from solvent.margin.scenario import (
    Basis,
    GrowingDiscount,
    Linear,
    Move,
    PlainShock,
    Scenario,
    SkewShock,
    TermShock,
    scan,
    values,
)
from solvent.margin.scenario.contingencies import naked_shorts
from solvent.margin.scenario.errors import scan_error
from solvent.margin.scenario.reading import columns, pooled, smile_volatility
from solvent.margin.scenario.report import rules_of, steps
from solvent.margin.scenario.scan import by_expiry
from solvent.margin.scenario.series import YEAR_SECONDS, Expiries, one_series
from solvent.pricing import Svi
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from tests.pricing import high_precision as high
from tests.venues.derive_accounts import POOL, account

TERM = TermShock(0.5, 0.3, 0.3, 0.13, 86400.0, 0.4, SkewShock(0.15, -0.05, 0.2, -0.1, 0.01, 4.0, 0.6, -0.1))


def flat(rate=0.0, years=(0.1, 0.5)):
    t, zero = np.array(years), np.zeros(len(years))
    return Expiries(tuple(str(x) for x in years), t * YEAR_SECONDS, t, 100 + zero, zero, rate + zero)


def test_ranges_by_time_change_their_power_at_thirty_days_and_stop_at_the_floor():
    days = np.array([0.0, 1.0, 30.0, 120.0]) * 86400
    assert TERM.ranges(days).tolist() == pytest.approx([30**0.3, 30**0.3, 1.0, 0.25**0.13])
    near = np.array([15.0, 29.8, 30.2]) * 86400
    assert TERM.ranges(near).tolist() == pytest.approx([2**0.3, (30 / 29.8) ** 0.3, (30 / 30.2) ** 0.13])


def test_up_has_a_floor_and_down_stops_at_zero():
    series, expiries = one_series(100.0, 0.1, 30 * 86400.0)
    assert TERM.shocked(Move.UP, series, expiries).tolist() == [0.4]
    assert TERM.shocked(Move.DOWN, series, expiries).tolist() == pytest.approx([0.07])
    steep = TermShock(0.5, 3.0, 0.3, 0.13, 86400.0)
    assert steep.shocked(Move.DOWN, series, expiries).tolist() == [0.0]
    assert steep.shocked(Move.UP, series, expiries).tolist() == pytest.approx([0.15])


@pytest.mark.parametrize(("strike", "linear", "absolute"), [(60.0, -1, 1), (99.0, -1, 1), (101.0, 1, 1), (160.0, 1, 1)])
def test_the_smile_tilts_or_bends(strike, linear, absolute):
    years = 0.25
    series, expiries = one_series(strike, 0.8, years * YEAR_SECONDS)
    k = np.log(strike / 100)
    width = max(0.01, 0.5 * 4 * (0.6 - 0.1 * 0.5))
    for move, sign, cap in (
        (Move.SKEW_LINEAR, linear, -0.05 * 0.5 + 0.15),
        (Move.SKEW_ABSOLUTE, absolute, -0.1 * 0.5 + 0.2),
    ):
        change = sign * min(cap, abs(k) * cap / width)
        assert TERM.shocked(move, series, expiries).tolist() == pytest.approx([0.8 * (1 + change)])


def test_moves_a_rule_does_not_have_are_refused():
    with pytest.raises(RulesError, match="no shock of the smile"):
        TermShock(0.5, 0.3, 0.3, 0.13, 1.0).shocked(Move.SKEW_LINEAR, *one_series(100.0, 0.5, 1.0))
    with pytest.raises(RulesError, match="no move linear"):
        PlainShock(0.5, 0.3).shocked(Move.SKEW_LINEAR, *one_series(100.0, 0.5, 1.0))
    assert PlainShock(0.2, 0.1, in_points=True, least=0.45).shocked(
        Move.DOWN, *one_series(100.0, 0.5, 1.0)
    ).tolist() == [0.45]


def test_the_order_of_factors():
    """Discount by the sign of the whole expiry, then the present value off, gains by share, the line, the weight."""
    expiries = flat()
    credit = GrowingDiscount(0.9, 0.0, 0.0, 1.05, 0.0, 0.0)
    shocked, present = np.array([[20.0, -20.0]]), np.array([10.0, -10.0])
    found = scan([Scenario("s", 1.1)], shocked, present, [Linear("p", 50.0)], expiries, credit)
    up, down = credit.factors(expiries)
    assert (up.tolist(), down.tolist()) == ([0.9, 0.9], [1.0, 1.0])  # never more than one over the discount factor
    assert found.profit.tolist() == pytest.approx([(18 - 10) + (-20 + 10) + 5])
    half = scan([Scenario("s", 1.1, weight=0.5, gains=0.25)], shocked, present, [Linear("p", 50.0)], expiries, credit)
    assert half.profit.tolist() == pytest.approx([0.5 * (0.25 * 8 - 10 + 5)])
    never = scan([Scenario("s", 1.0, gains=-1.0)], shocked, present, [Linear("p", 50.0)], expiries, None)
    assert never.profit.tolist() == [-20.0]
    assert never.by_expiry.tolist() == [[10.0, -10.0]]


def test_the_worst_scenario_is_named_and_the_first_of_equals():
    expiries = flat(years=(0.1,))
    many = [Scenario("a", 1.0), Scenario("b", 1.0), Scenario("c", 1.0)]
    found = scan(many, np.array([[1.0], [-2.0], [-2.0]]), np.zeros(1), [], expiries)
    assert (found.name, found.loss, found.worst) == ("b", -2.0, 1)
    nothing = scan([], np.zeros((0, 1)), np.zeros(1), [], expiries)
    assert (nothing.name, nothing.loss, nothing.worst) == ("", 0.0, None)


def test_static_discounts_grow_with_rate_and_time():
    expiries = flat(0.2)
    above, below = GrowingDiscount(0.95, 1.0, 0.08, 1.04, 0.5, 0.08).factors(expiries)
    assert above.tolist() == pytest.approx([0.95 * np.exp(-0.1 * 0.28), 0.95 * np.exp(-0.5 * 0.28)])
    assert below.tolist() == pytest.approx([np.exp(0.1 * 0.2), np.exp(0.5 * 0.2)])  # held at one over the discount
    assert GrowingDiscount(0.95, 1.0, 0.08, 1.001, 0.0, 0.01).factors(expiries)[1].tolist() == pytest.approx(
        [1.001 * np.exp(0.001), 1.001 * np.exp(0.005)]
    )
    assert flat(-0.5).discount.tolist() == [1.0, 1.0]


def test_the_basis_takes_the_worse_move_of_each_expiry_and_no_gain():
    basis = Basis(1.05, 0.95, 0.5, 2.0)
    found = basis.charge(np.array([-10.0, 5.0, 1.0]), np.array([4.0, -6.0, 2.0]), np.array([0.1, 0.5, 1.0]))
    assert found == pytest.approx(-10 * 0.7 - 6 * 1.5)


@exact
def naked(*options):
    return naked_shorts(pooled(*with_holding(account(options=options)), "x").underlyings[0].options)


def with_holding(pair):
    book, market = pair
    return book, market, book.holdings[0]


def test_a_short_is_covered_by_a_long_of_the_other_type_at_its_strike_alone():
    assert naked((-3, "call", 100, 5, 0.5)) == 3
    assert naked((-3, "call", 100, 5, 0.5), (1, "put", 100, 5, 0.5)) == 2
    assert naked((-3, "call", 100, 5, 0.5), (1, "put", 110, 5, 0.5)) == 3
    assert naked((-3, "call", 100, 5, 0.5), (1, "put", 100, 6, 0.5)) == 3
    assert naked((-3, "call", 100, 5, 0.5), (9, "put", 100, 5, 0.5)) == 0
    assert naked((-3, "call", 100, 5, 0.5), (-1, "put", 100, 5, 0.5)) == 4
    assert naked((-3, "call", 100, 5, 0.5), (2, "call", 100, 5, 0.5)) == 1


def test_a_smile_is_held_at_its_edges():
    smile = Svi(0.01, 0.1, 0.0, 0.0, 0.1, 100.0, 0.25)
    edge = 4 * np.sqrt(0.02)
    near, far = (smile_volatility(smile, 100 * np.exp(k))[0] for k in (edge, 3 * edge))
    assert near == pytest.approx(far)
    assert near == pytest.approx(float(smile.volatility(100 * np.exp(edge))))
    with pytest.raises(BookError, match="negative variance"):
        smile_volatility(Svi(-1.0, 0.1, 0.0, 0.0, 0.1, 100.0, 0.25), 100.0)


def test_missing_feeds_are_named():
    book, market = account(options=[(1, "call", 1500, 5, 0.5)])
    bare = Market({k: v for k, v in market.prices.items() if k.kind is not PriceKind.VOL})
    with pytest.raises(BookError, match=r"market\.vol\.O0: no volatility of O0, and no smile of ETH@1970-01-06"):
        assess_pool(book, bare, venue("derive_pmrm2"), Purpose.MAINTAIN, POOL)
    no_spot = Market({k: v for k, v in market.prices.items() if k.kind is not PriceKind.INDEX})
    with pytest.raises(BookError, match="no index of ETH in USDC"):
        assess_pool(book, no_spot, venue("derive_pmrm2"), Purpose.MAINTAIN, POOL)
    negative = market.with_prices({PriceKey(PriceKind.VOL, "O0", "USDC"): Decimal(-1)})
    with pytest.raises(BookError, match="must not be negative, not -1"):
        assess_pool(book, negative, venue("derive_pmrm2"), Purpose.MAINTAIN, POOL)


LEGS = st.lists(
    st.tuples(
        st.integers(-9, 9).filter(bool),
        st.sampled_from(["call", "put"]),
        st.sampled_from([700, 1400, 1500, 1600, 3000]),
        st.sampled_from([0.01, 1, 30, 31, 400]),
        st.sampled_from([0.05, 0.6, 2.5]),
    ),
    min_size=1,
    max_size=5,
)


@high.precise
def exact_profit(one, series, expiries, amounts, own):
    """A scenario's profit with 90 digits, given the volatilities and factors in floats as exact numbers."""
    vols = own.volatility.shocked(one.move, series, expiries)
    above, below = own.static_discount.factors(expiries)
    discount = expiries.discount if own.discounted else np.ones(len(expiries.names))
    total = Decimal(0)
    for e in range(len(expiries.names)):
        now = then = Decimal(0)
        for i in np.flatnonzero(series.expiry == e):
            args = float(series.strike[i]), Decimal(float(expiries.years[e]))
            move = Decimal(one.spot) * Decimal(float(expiries.moving[e])) + Decimal(float(expiries.settled[e]))
            call, n, df = bool(series.is_call[i]), Decimal(float(amounts[i])), Decimal(float(discount[e]))
            now += n * high.black(float(series.forward[i]), *args, float(series.volatility[i]), df, call)[0]
            then += n * high.black(move, *args, float(vols[i]), df, call)[0]
        then *= Decimal(float(above[e] if then >= 0 else below[e]))
        gained = then - now
        total += gained * Decimal(one.gains) if gained > 0 else gained
    return total * Decimal(one.weight)


@high.precise
def gap(a, b):
    return float(abs(Decimal(float(a)) - b))


@settings(max_examples=6, deadline=None)
@given(LEGS, st.sampled_from(["derive_pmrm1", "derive_pmrm2"]))
@example([(-9, "put", 3000, 400, 2.5), (9, "put", 3000, 400, 2.5), (-1, "call", 700, 0.01, 0.05)], "derive_pmrm2")
def test_no_scenario_is_further_off_than_its_bound(legs, name):
    book, market = account(options=legs, rate="0.1")
    own = rules_of(venue(name))
    held = pooled_of(book, market)
    series, expiries, amounts = columns(market, held, "USDC")
    found = steps(book, market, venue(name), POOL).figures
    room = scan_error(own.scenarios, series, amounts, expiries, [], own.static_discount)
    assert 0 < room < 1e-6
    for row in (0, 1, 11, len(own.scenarios) - 1):
        want = exact_profit(own.scenarios[row], series, expiries, amounts, own)
        assert gap(found.scanned.profit[row], want) <= room
    assert found.error >= room


@exact
def pooled_of(book, market):
    return pooled(book, market, book.holdings[0], "x").underlyings[0]


@settings(max_examples=15, deadline=None)
@given(LEGS, LEGS)
@example([(-1, "call", 1500, 30, 0.6)], [(1, "call", 1600, 30, 0.6)])
def test_the_worst_loss_of_two_books_is_no_more_than_both_of_theirs(first, second):
    """L-12 for the scenarios of version 1, whose discount and shares of gains leave losses to add."""
    own = rules_of(venue("derive_pmrm1"))

    def loss(legs):
        book, market = account(options=legs)
        series, expiries, amounts = columns(market, pooled_of(book, market), "USDC")
        rows = values([Scenario("now", 1.0), *own.scenarios], series, expiries, own.volatility)
        summed = by_expiry(rows, amounts, series, len(expiries.names))
        return min(0.0, scan(own.scenarios, summed[1:], summed[0], [], expiries).loss)

    assert -loss([*first, *second]) <= -loss(first) - loss(second) + 1e-6


def test_the_lines_sum_to_the_totals_and_the_bound_holds_them():
    """L-19."""
    book, market = account(options=[(-2, "call", 1500, 30, 0.6), (1, "put", 1400, 7, 0.7)], perp=(1, 1500, 1490))
    for name in ("derive_srm", "derive_pmrm1", "derive_pmrm2"):
        for purpose in Purpose:
            found = assess_pool(book, market, venue(name), purpose, POOL)
            total = [sum((getattr(one, f) for one in found.lines), Decimal(0)) for f in ("value", "equity", "required")]
            assert total == [found.value, found.margin_equity, found.required]
            assert found.low < found.surplus < found.high
            assert found.high - found.low < Decimal("1e-6")
            assert found.required >= 0


test_the_lines_sum_to_the_totals_and_the_bound_holds_them = exact(
    test_the_lines_sum_to_the_totals_and_the_bound_holds_them
)
