"""Stress: payoffs by hand, sigmas of known liquidation prices, gaps, depth, verdicts that a direct look confirms."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

from solvent import venues
from solvent.book import BookError, Purpose
from solvent.comparison import as_at
from solvent.liquidation.depth import Depth, Level
from solvent.margin import assess_pool, liquidation_price
from solvent.margin.held_options import Moved
from solvent.pricing import black76
from solvent.research.stress import (
    Arrival,
    Mover,
    Settings,
    closings,
    crisis,
    from_figure,
    mover,
    payoff,
    reverse,
    silence,
    stress,
)
from solvent.rules import Path
from solvent.samples import two_positions
from solvent.simulation.datasets import DatasetError
from solvent.units import ZERO, exact
from tests.research.option_books import FAR, NEAR, NOW, PERP, POOL, book, ns

D = Decimal
PMRM2, SRM = venues.venue("derive_pmrm2"), venues.venue("derive_srm")


def at(pair, rules=PMRM2, coin="BTC"):
    return mover(*pair, rules, POOL, coin)


def gains(moving, factors, when, arrival=Arrival.LINEAR):
    (line,) = payoff(moving, factors, [ns(when)], arrival)
    return line.gains


def test_a_call_spread_pays_between_its_strikes_as_by_hand():
    moving = at(book([(2, NEAR, 100000, "call"), (-2, NEAR, 110000, "call")]))
    worth = sum(moving.options.values())
    factors = [0.5, 1.0, 1.05, 1.1, 1.4]
    assert gains(moving, factors, NEAR) == pytest.approx([by - worth for by in (0, 0, 10_000, 20_000, 20_000)])


def test_a_calendar_s_early_leg_is_settled_and_its_late_leg_is_a_model_s():
    """At the early expiry: intrinsic value against a price with the time that is left, at the price shown."""
    moving = at(book([(-1, NEAR, 100000, "call"), (1, FAR, 100000, "call")], vol="0.6"))
    worth = sum(moving.options.values())
    left = (ns(FAR) - ns(NEAR)) / 1e9 / 31_536_000
    for factor in (0.8, 1.0, 1.3):
        late = float(black76(100_000 * factor, 100_000.0, left, 0.6, True).price)
        early = max(0.0, 100_000 * factor - 100_000)
        assert gains(moving, [factor], NEAR)[0] == pytest.approx(late - early - worth, rel=1e-9)


def test_what_expires_on_the_way_settles_at_the_path_s_price_of_its_own_day():
    """From 100000 to 130000 over both legs' time: the early call settles on the line, 30 of 58 days along it."""
    moving = at(book([(-1, NEAR, 100000, "call"), (1, FAR, 100000, "call")]))
    worth = sum(moving.options.values())
    share = (ns(NEAR) - ns(NOW)) / (ns(FAR) - ns(NOW))
    assert share == pytest.approx(30 / 58)
    assert gains(moving, [1.3], FAR)[0] == pytest.approx(30_000 - 30_000 * share - worth)
    assert gains(moving, [1.3], FAR, Arrival.AT_ONCE)[0] == pytest.approx(30_000 - 30_000 - worth)
    assert gains(moving, [0.7], FAR)[0] == pytest.approx(-worth)


def test_a_payoff_now_is_the_rule_set_s_own_change_of_value():
    made = book([(-3, NEAR, 110000, "call"), (2, FAR, 90000, "put")], coin="0.5", perp=(-0.7, 100100, 99000),
                forward="101000")  # fmt: skip
    moving = at(made)
    for factor in (Fraction(7, 10), Fraction(13, 10)):
        now, then = (float(exact(moving.assessed)(one).value) for one in (Fraction(1), factor))
        assert gains(moving, [float(factor)], NOW)[0] == pytest.approx(then - now, abs=0.1)


def test_a_future_settles_at_the_spot_and_its_growth_runs_off():
    """Ten per cent above the spot with a month to go: at the price of today it loses all of that by its expiry."""
    usd = as_at(*book([], future=(1, 110000, 110000)), "span")
    moving = mover(*usd, venues.venue("span"), POOL, "BTC")
    assert gains(moving, [1.0, 1.2], NOW) == pytest.approx([0, 22_000], abs=1e-6)
    assert gains(moving, [1.0, 1.2], NEAR) == pytest.approx([-10_000, 10_000])
    assert gains(moving, [1.2], FAR)[0] == pytest.approx(100_000 * (1 + 0.2 * 30 / 58) - 110_000)


@pytest.mark.parametrize("size", [1, -1])
def test_a_perpetual_s_reverse_stress_is_its_liquidation_price_in_sigmas(size):
    made = book([], cash="20000", perp=(size, 100000, 100000))
    solved = liquidation_price(*made, PMRM2, POOL, PERP, Path.UNDERLYING)
    found = reverse(at(made), D("0.6"), days=D(4))
    one = found.down if size > 0 else found.up
    assert abs(float(one.price) * 100_000 - float(solved.solved)) <= 0.1  # a tick
    assert one.sigmas == pytest.approx(abs(math.log(float(solved.solved) / 1e5)) / (0.6 * math.sqrt(4 / 365)), rel=1e-4)
    assert (found.up if size > 0 else found.down) is None
    assert found.joint is None
    assert found.nearest == one


def test_a_short_strangle_has_two_liquidation_prices_and_both_are_reverse_stresses():
    made = book([(-1, FAR, 85000, "put"), (-1, FAR, 120000, "call")], cash="45000")
    solved = liquidation_price(*made, SRM, POOL, "BTC")
    assert [one.breach_below for one in solved.crossings] == [True, False]
    found = reverse(at(made, SRM), D("0.5"))
    near = [float(found.down.price) * 1e5, float(found.up.price) * 1e5]
    assert near == pytest.approx([float(one.price) for one in solved.crossings], rel=1e-9)
    for one in (found.down, found.up):
        nearer = one.price + (Fraction(1) - one.price) / 10**7
        verdicts = [exact(at(made, SRM).breached)(price) for price in (one.price, nearer)]
        assert verdicts == [True, False]


def test_a_joint_move_is_smaller_than_either_side_and_on_the_line():
    moving = at(book([(-1, FAR, 85000, "put"), (-1, FAR, 120000, "call")], cash="45000"), SRM)
    found = reverse(moving, D("0.5"), D(30), D(2))
    assert found.joint.sigmas < min(found.down.sigmas, found.up.sigmas)
    assert found.nearest == found.joint
    assert found.joint.volatility > D("0.05")
    assert exact(moving.breached)(found.joint.price, found.joint.volatility)
    root = math.sqrt(30 / 365)
    measured = math.hypot(math.log(found.joint.price) / (0.5 * root),
                          math.log1p(float(found.joint.volatility)) / (2 * root))  # fmt: skip
    assert measured == pytest.approx(found.joint.sigmas, rel=1e-6)
    share = Fraction(999, 1000)
    back = Fraction(math.exp(math.log(found.joint.price) * share))
    less = D(f"{math.expm1(math.log1p(float(found.joint.volatility)) * float(share)):.12f}")
    assert not exact(moving.breached)(back, less)


def test_a_pool_in_breach_is_asked_where_it_would_no_longer_be():
    found = reverse(at(book([], cash="-90000", perp=(1, 100000, 10000))), D("0.6"))
    assert found.in_breach
    assert found.up is not None
    assert found.joint is None


def test_the_matrix_is_the_rule_set_s_own_at_each_moved_market():
    """Signs and orders that anybody can say of a short strangle, and totals that a direct assessment gives."""
    made = book([(-1, FAR, 85000, "put"), (-1, FAR, 120000, "call")], cash="45000")
    asked = Settings((D("-0.3"), D(0), D("0.3")), (D("-0.2"), D(0), D("0.5")), volatility=D("0.5"))
    found = stress(*made, SRM, POOL, asked)
    assert [[cell.price for cell in row] for row in found.matrix] == [[Fraction(n, 10) for n in (7, 10, 13)]] * 3
    profits = [[cell.profit for cell in row] for row in found.matrix]
    assert all(low > high for low, high in pairwise(row[1] for row in profits))  # more volatility costs it
    assert profits[1][1] == 0
    assert max(profits[1]) == 0
    moving = at(made, SRM)
    direct = assess_pool(made[0], exact(moving.moved)(Fraction(13, 10), D("0.5")), SRM, Purpose.MAINTAIN, POOL)
    corner = found.matrix[2][2]
    assert (corner.surplus, corner.value, corner.required) == (direct.surplus, direct.value, direct.required)
    assert corner.breached == direct.breached(inclusive=False)
    assert found.worst == min((one for row in found.matrix for one in row), key=lambda one: one.surplus)
    assert found.ladder == found.matrix[1]


def test_volatility_moves_what_a_rule_set_reads_be_it_feeds_or_marks():
    """The same straddle where options are worth their marks: more volatility is worth vega times the points."""
    made = book([(1, FAR, 100000, "call"), (1, FAR, 100000, "put")], mark="7900.0")
    for pair, rules in ((made, PMRM2), (as_at(*made, "tims"), venues.venue("tims")),
                        (as_at(*made, "span"), venues.venue("span"))):  # fmt: skip
        moving = at(pair, rules)
        vol = 0.5 if rules is PMRM2 else float(moving.options.volatility[0])
        now, then = (float(exact(moving.assessed)(Fraction(1), one).value) for one in (D(0), D("0.02")))
        assert then - now == pytest.approx(moving.greeks(pair[1]).vega * vol * 2, rel=2e-3), rules.name


def test_greeks_are_the_slopes_of_the_rule_set_s_own_value():
    """Central differences of exact values: delta over price, gamma of delta, vega over volatility."""
    made = book([(-3, NEAR, 110000, "call"), (2, FAR, 90000, "put")], coin="0.5", perp=(-0.7, 100100, 99000),
                forward="101000")  # fmt: skip
    moving = at(made)
    greeks = moving.greeks(made[1])

    def value(price, vol=ZERO):
        return float(exact(moving.assessed)(price, vol).value)

    up, down = Fraction(1001, 1000), Fraction(999, 1000)
    with_vol = value(Fraction(1), D("0.01")) - value(Fraction(1), D("-0.01"))
    delta = (value(up) - value(down)) / 200
    assert greeks.delta == pytest.approx(delta, abs=2e-3)  # the perpetual's mark is on a tick
    slopes = [moving.greeks(exact(moving.moved)(factor)).delta for factor in (up, down)]
    assert greeks.gamma == pytest.approx((slopes[0] - slopes[1]) / 200, rel=1e-3)
    assert greeks.vega == pytest.approx(with_vol, rel=1e-3)
    assert greeks.cash_delta == pytest.approx(greeks.delta * 100_000)
    assert greeks.cash_gamma == pytest.approx(greeks.gamma * 1e10 / 100)


@pytest.mark.parametrize(("entry", "delta"), [(60_000, 0), (50_000, -0.2)])
def test_an_inverse_contract_and_its_coin_have_one_delta(entry, delta):
    """A short inverse of all the coin held is worth the same dollars at any price; a loss in coin is a short coin."""
    from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind
    from solvent.instruments import Payoff, Perpetual
    from solvent.units import Asset

    btc, usdt = Asset("BTC", 8), Asset("USDT", 6)
    one = Perpetual("BTCUSD", "BTC", usdt, btc, D("0.5"), D(1), Payoff.INVERSE, D(100))
    worth = one.worth(-600, one.ticks(D(entry)))  # 600 contracts of 100 dollars: one coin
    pool = Holding(Pool(POOL), {"BTC": 10**8}, (Position("BTCUSD", -600, worth),))
    prices = {PriceKey(PriceKind.MARK, "BTCUSD", "USDT"): D(60000), PriceKey(PriceKind.INDEX, "BTC", "USDT"): D(60000)}
    made = Book({"BTC": btc, "USDT": usdt}, {"BTCUSD": one}, (pool,)), Market(prices)
    moving = mover(*made, venues.venue("generic"), POOL, "BTC")
    assert moving.greeks(made[1]).delta == pytest.approx(delta, abs=1e-9)
    expected = [delta * 60_000 * (factor - 1) for factor in (0.7, 1.5)]
    assert payoff(moving, [0.7, 1.5], [0])[0].gains == pytest.approx(expected, abs=1e-3)


def test_a_gap_past_the_line_costs_what_lies_beyond_it():
    made = book([], cash="30000", perp=(1, 100000, 100000))
    moving = at(made)
    line = reverse(moving, None).down.price
    near, far, gone = silence(moving, [D("-0.05"), D("-0.3"), D("-0.4")], 30, D("0.6"), [line])
    assert (near.breached, near.line, near.silence_cost, near.lost) == (False, None, None, 0)
    assert (far.breached, far.line, far.value) == (True, line, 0)
    assert far.silence_cost == exact(moving.assessed)(line).value
    assert (gone.lost, gone.value) == (10_000, -10_000)
    assert near.sigmas == pytest.approx(math.log(0.95) / (0.6 * math.sqrt(30 / 525_600)))


def test_closing_walks_the_levels_that_a_share_leaves():
    """One coin to sell: 0.6 at 99900 and 0.6 at 99000; with half of each 0.3, 0.3 and the rest open."""
    made = book([], perp=(1, 100000, 100000))
    moving = at(made)
    tick = {"BTC-PERP": Depth(bids=(Level(999_000, 60), Level(990_000, 60)))}
    whole, half = closings(moving, [D(1), D("0.5")], tick)
    assert (whole.cost, whole.complete) == (D("0.6") * 100 + D("0.4") * 1000, True)
    assert whole.value == 100_000 - whole.cost
    assert (half.cost, half.complete, half.positions[0].left) == (D("0.3") * 100 + D("0.3") * 1000, False, D("0.40"))


def test_depth_from_one_figure_is_even_and_against_whoever_closes():
    made, market = book([], perp=(-1, 100000, 100000))
    assert closings(at((made, market)), [D(1)]) == []
    market.wide["depth_1pct", PERP] = D(2)
    found = exact(from_figure)(made, market, PERP)
    within = [level for level in found.asks if level.ticks <= 1_010_000]
    assert sum(level.lots for level in within) == 200
    assert within[-1].ticks == 1_010_000
    assert found.bids[19].ticks == 990_000
    assert sum(level.lots for level in found.asks) == 100 * 100
    (one,) = closings(at((made, market)), [D(1)])
    assert one.cost == sum((D(5) * k for k in range(1, 11)), D(0))  # a tenth of a coin at each 50 more


def test_a_crisis_moves_each_coin_as_it_did():
    made = book([(-1, FAR, 85000, "put")], cash="20000", perp=(0.3, 100000, 100000))
    found = crisis(*made, SRM, POOL, "may-2021")
    ((coin, (low, high)),) = found.coins
    assert (coin, low[:6], float(high) < 0.01) == ("BTC", "-0.382", True)
    moving = at(made, SRM)
    down = exact(moving.assessed)(1 + Fraction(low))
    assert float(found.worst.surplus) == pytest.approx(float(down.surplus), abs=1)
    assert found.breach is None or found.breach.time_ns <= found.worst.time_ns
    assert (found.breach is None) == (found.worst.surplus >= 0)
    with pytest.raises(DatasetError, match="mar-2020"):
        crisis(*made, SRM, POOL, "black-monday")


def test_several_coins_move_together_and_one_may_be_asked_for():
    made = two_positions()
    rules = venues.venue("binance_usdm_2021")
    together = stress(*made, rules, "cross", Settings((D("-0.2"), D(0)), volatility=D(1)))
    alone = stress(*made, rules, "cross", Settings((D("-0.2"), D(0)), underlying="ETH", volatility=D(1)))
    assert together.coins == ("BTC", "ETH")
    assert together.ladder[0].profit < alone.ladder[0].profit < 0
    assert together.now.greeks.delta is None
    assert alone.now.greeks.delta == pytest.approx(3683.979)
    assert alone.price == D("1335.18")
    assert together.without_depth == ("ETHUSDT", "BTCUSDT")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prices": ()}, "prices: got nothing"),
        ({"prices": (D("-1"),)}, "prices: got -1, expected each above -1"),
        ({"volatilities": (D("0.2"), D("0.1"))}, "expected shares that rise"),
        ({"shares": (D(0),)}, "shares: got 0, expected each above 0"),
        ({"days": D(0)}, "days: got 0, expected more than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given, words):
    with pytest.raises(BookError, match=words):
        Settings(**given)


def test_what_cannot_be_stressed_is_refused():
    with pytest.raises(BookError, match="nothing whose price moves"):
        mover(*book([]), PMRM2, POOL)
    with pytest.raises(BookError, match="got 'ETH', expected one that the pool holds: BTC"):
        mover(*book([], coin="1"), PMRM2, POOL, "ETH")


def test_a_sticky_strike_and_what_a_settlement_average_has_fixed():
    """Half an hour before its expiry half of a forward is fixed: it moves by half of what the spot does."""
    made, market = book([(1, NEAR, 100000, "call")], forward="50000")
    market.wide["settled_forward", f"BTC@{NEAR:%Y-%m-%dT%H:%M:%SZ}"] = D(50000)
    moving = at((made, market))
    assert moving.options.forward().tolist() == [100_000]
    assert moving.options.forward(Moved(1.1)).tolist() == [pytest.approx(105_000)]
    assert moving.options.greeks().delta[0] == pytest.approx(0.5 * float(black76(1e5, 1e5, 30 / 365, 0.5, True).delta))
    moved = exact(moving.moved)(Fraction(11, 10))
    assert Mover(made, moved, PMRM2, made.holdings[0], frozenset(["BTC"])).options.forward().tolist() == [105_000]
    with_options = Mover(made, market, PMRM2, made.holdings[0], frozenset(["BTC"])).options
    assert with_options.volatility.tolist() == [0.5]
