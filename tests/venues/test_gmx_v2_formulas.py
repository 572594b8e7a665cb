"""GMX V2's formulas at the points where they turn: impact, funding, deleveraging, closing."""

from fractions import Fraction

import pytest

from solvent.rules import RulesError
from solvent.venues.gmx_v2 import adl, funding, impact
from solvent.venues.gmx_v2.liquidation import payout, settled
from solvent.venues.gmx_v2.rules import vault
from tests.venues.gmx_accounts import STEEP, D

# Impact


@pytest.mark.parametrize(
    ("long", "short", "delta", "is_long", "usd"),
    [
        ("0", "0", "1000", True, "-10"),
        ("1000", "0", "-1000", True, "5"),
        ("1000", "0", "1000", False, "5"),
        ("1000", "0", "1500", False, "2.5"),  # crossing: 5 earned, 2.5 paid
        ("0", "1000", "1500", True, "2.5"),
        ("1000", "1000", "-500", True, "-2.5"),
        ("1000", "1000", "500", True, "-2.5"),
        ("0", "1000", "-500", False, "3.75"),
    ],
)
def test_impact_of_sides(long, short, delta, is_long, usd):
    found_usd = impact.price_impact(impact.OpenInterest(D(long), D(short)), D(delta), STEEP, is_long=is_long)
    assert found_usd == D(usd)


def test_an_improvement_is_never_cheaper_than_what_it_undoes():
    odd = impact.ImpactFactors(D("0.00002"), D("0.00001"), D(3), D(2))
    assert impact.impact_of_imbalance(D(1000), D(0), odd, same_side=True) == 10
    assert impact.impact_of_imbalance(D(1000), D(0), odd, same_side=False) == 10


@pytest.mark.parametrize(("base", "exponent"), [("2", "1.4"), ("90000000", "1.4"), ("4", "2.36"), ("1", "0.5")])
def test_a_power_is_never_below_and_hardly_above(base, exponent):
    got = Fraction(impact.power(D(base), D(exponent)))
    top, bottom = D(exponent).as_integer_ratio()
    assert got**bottom >= Fraction(base) ** top
    assert (got - Fraction(2, 10**30)) ** bottom < Fraction(base) ** top


def test_powers_below_one_usd_count_nothing():
    assert impact.power(D("0.999999"), D(1)) == 0
    assert impact.power(D(1), D(2)) == 1
    assert impact.power(D(3), D(0)) == 1


def test_caps_of_a_gain_and_of_a_cost():
    assert impact.capped_positive(D(-1000), D(5), D("0.004"), D(100)) == 4
    assert impact.capped_positive(D(1000), D(-5), D("0.004"), D(0)) == -5
    assert impact.capped_negative(D(1000), D(5), D("0.001")) == (5, 0)
    assert impact.capped_negative(D(-1000), D("-1"), D("0.001")) == (-1, 0)
    assert impact.with_virtual_inventory(D(-5), None) == -5
    assert impact.with_virtual_inventory(D(-5), D(3)) == -5


@pytest.mark.parametrize(
    ("factor", "reduction", "elapsed", "claimed", "now"),
    [
        ("0", "0", "86400", "0", "0"),  # only after the delay, not at it
        ("0", "0", "86401", "0", "380"),
        ("0", "0.8", "86401", "0", "0"),
        ("1", "0.8", "0", "76", "0"),
        ("1", "0.9", "0", "76", "0"),
        ("0.5", "0", "0", "90", "100"),
    ],
)
def test_claims(factor, reduction, elapsed, claimed, now):
    terms = impact.ClaimTerms(D(factor), D(reduction), D(86_400), D(elapsed))
    assert impact.claimable_now(D(380), terms, D(claimed)) == D(now)


def test_execution_prices_are_rounded_against_the_trader():
    args = D(7), D(1), D(100)
    assert impact.increase_price(*args, is_long=True, places=2) == D("87.50")
    assert impact.increase_price(*args, is_long=False, places=2) == D("116.66")
    assert impact.increase_price(D(7), D(-1), D(100), is_long=True, places=2) == D("116.67")
    held = D(700), D(3), D(-7), D(1), D(100)
    assert impact.decrease_price(*held, is_long=True, places=1) == D("133.3")
    assert impact.decrease_price(*held, is_long=False, places=1) == D("66.7")


# Funding and borrowing

ADAPTIVE = funding.Adaptive(D("0.05"), D("0.03"), D("1e-6"), D("2e-8"), D("0.0001"))


@pytest.mark.parametrize(
    ("long", "short", "saved", "after"),
    [
        ("105", "95", "0.00002", "0.00002"),  # exactly at both thresholds nothing happens
        ("103", "97", "0.00002", "0.00002"),
        ("102.9", "97.1", "0.00002", "0.000018"),
        ("105.1", "94.9", "0.00002", "0.0000251"),
        ("97.1", "102.9", "-0.00002", "-0.000018"),
        ("104", "96", "-0.00002", "-0.000016"),  # the wrong way: turned however small the imbalance
        ("101", "99", "0", "0.000001"),
        ("100", "100", "0", "0"),
        ("102.9", "97.1", "0.000001", "1e-30"),
        ("102.9", "97.1", "0.000002", "1e-30"),
        ("200", "0", "0.00002", "0.0001"),
        ("0", "200", "-0.00002", "-0.0001"),
    ],
)
def test_adaptive_funding_at_its_thresholds(long, short, saved, after):
    interest = impact.OpenInterest(D(long), D(short))
    assert funding.next_saved_factor(interest, D(saved), D(100), ADAPTIVE) == D(after)


def test_what_is_charged_has_a_least_size_and_what_is_saved_has_not():
    rules = ADAPTIVE._replace(least=D("0.00001"))
    got = funding.adapted(impact.OpenInterest(D(99), D(101)), D(0), D(100), rules)
    assert got == (D("-0.000001"), D("-0.00001"), False)


def test_static_funding_is_capped_and_paid_by_the_larger_side():
    interest = impact.OpenInterest(D(100), D(300))
    assert funding.static_funding(interest, D(1), D(1), D("0.25"), D(2)) == (150, False)
    assert funding.static_funding(interest, D("0.2"), D(1), D("0.25"), D(2)) == (60, False)
    empty = impact.OpenInterest(D(0), D(0))
    assert funding.static_funding(empty, D(1), D(1), D(1), D(1)).fee == 0


def test_borrowing_rates():
    kink = funding.Kink(D("0.5"), D("0.1"), D("0.3"))
    rates = [funding.kinked_borrowing_per_second(D(u), kink) for u in ("0.5", "0.75")]
    assert rates == [D("0.05"), D("0.175")]
    flat = kink._replace(above=D("0.05"))
    assert funding.kinked_borrowing_per_second(D("0.75"), flat) == D("0.075")
    assert funding.kinked_borrowing_per_second(D("0.75"), kink, skipped=True) == 0
    assert funding.borrowing_per_second(D(100), D(50), D(1), D(2)) == 200
    assert funding.borrowing_per_second(D(100), D(50), D(1), skipped=True) == 0
    assert funding.borrowing_per_second(D(0), D(0), D(1)) == 0
    assert funding.borrowing_per_second(D(1), D(3), D(1)) == D("0." + "3" * 29 + "4")
    assert funding.reserved(D(5), D(2), D(4), is_long=True) == 8
    assert funding.reserved(D(5), D(2), D(4), is_long=False) == 5


# Deleveraging and closing


@pytest.mark.parametrize(
    ("is_long", "price", "enabled"),
    [(True, "25", False), (True, "25.01", True), (False, "15", False), (False, "14.99", True), (True, "10", False)],
)
def test_adl_begins_strictly_above(is_long, price, enabled):
    side = adl.Side(is_long, D(2_000_000), D(100_000), D(5_000_000))
    assert adl.adl_enabled(side, D(price), D("0.1")) is enabled
    assert not adl.adl_enabled(side._replace(pool_usd=D(0)), D(price), D("0.1"))


@pytest.mark.parametrize(
    ("price", "delta", "least", "valid"),
    [
        ("26", "1000000", "0.0638297", True),  # 0.3 m ÷ 4.7 m = 0.063829…
        ("26", "1000000", "0.0638299", False),
        ("26", "2000000", "0", True),
        ("20", "1000000", "0", False),  # nothing was lowered
        ("15", "1000000", "-1", False),  # a side that loses is made worse
    ],
)
def test_adl_must_lower_the_factor_and_not_overcorrect(price, delta, least, valid):
    side = adl.Side(True, D(2_000_000), D(100_000), D(5_000_000))
    assert adl.deleveraged(side, D(price), D(delta), D(least)).valid is valid


def test_adl_of_a_pool_that_pays_out_everything_is_not_valid():
    side = adl.Side(True, D(1000), D(100), D(1000))
    assert not adl.deleveraged(side, D(21), D(1000), D(0)).valid


@pytest.mark.parametrize(
    ("profit", "fees", "returned", "pool"),
    [
        ("-3", "0", "9", "1"),
        ("-30", "0", "0", "10"),
        ("3", "0", "11", "-1"),
        ("3", "6", "9", "1"),
        ("-1", "0", "9.6", "0.4"),
    ],
)
def test_a_closed_position_pays_its_loss_or_takes_its_profit(profit, fees, returned, pool):
    got = payout(D(10), D(3), D(profit), fees_usd=D(fees), places=1)
    assert got == (D(returned), D(pool))


def test_a_profit_is_paid_at_its_own_price_rounded_down():
    assert payout(D(10), D(4), D(2), paid_price=D(3), places=1).returned == D("10.6")


def test_costs_are_paid_in_their_order_until_nothing_is_left():
    costs = {"impact": D(5), "fees": D(40), "loss": D(70), "funding": D(10)}
    got = settled(D(100), costs)
    assert list(got.paid.items()) == [("funding", 10), ("loss", 70), ("fees", 20)]
    assert (got.dropped, got.left, got.insolvent) == (25, 0, "fees")
    solvent = settled(D(125), costs)
    assert (solvent.dropped, solvent.left, solvent.insolvent) == (0, 0, None)
    assert settled(D(130), costs).left == 5


def test_after_a_cost_fell_short_nothing_more_is_charged():
    got = settled(D(0), {"fees": D(1), "impact": D(0)})
    assert (dict(got.paid), got.dropped, got.insolvent) == ({}, 1, "fees")


def test_the_pool_takes_the_other_side_and_reserves_a_share():
    pool = vault("ETH")
    assert pool.opposite(-3, 7) == (3, -7)
    assert (pool.fee_share, pool.bears_bad_debt) == (D("0.63"), True)
    with pytest.raises(RulesError, match="lp:ETH: the pool is worth at least 0 USD, not -1"):
        pool.admits(D(0), D(-1))
