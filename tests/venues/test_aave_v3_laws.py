"""L-07, L-11 and L-13 in the form this protocol guarantees, and the accounts that show where it does not."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Purpose
from solvent.margin import assess_pool, liquidation_price
from solvent.margin.paths import market_along, moved_by, subject
from solvent.rules import Path
from solvent.units import exact, shifted
from solvent.venues import venue
from solvent.venues.aave_v3.editions import EDITIONS
from solvent.venues.aave_v3.reserves import Listing, Listings
from solvent.venues.aave_v3.rules import with_listings
from solvent.venues.aave_v3.samples import account

SETS = ("aave_v3_0", "aave_v3_3", "aave_v3_5", "aave_v3_7")
CUT, WHOLE = SETS[:2], SETS[2:]
TICK = Decimal("1e-8")
# Prices are whole ticks of 10^-8, amounts whole millionths: figures that end where the protocol's do.
prices = st.integers(1, 5_000 * 10**8)
amounts = st.integers(0, 10**9)
holdings = st.fixed_dictionaries({name: st.tuples(amounts, prices) for name in ("WETH", "wstETH", "WBTC", "LINK")})


def pool(held, debt, rules):
    """A pool of amounts in millionths and prices in ticks, and a debt in millionths of a USDC."""
    names = {name: one for name, one in held.items() if one[0]}
    supplies = {name: (shifted(Decimal(units), -6), 18) for name, (units, _) in names.items()}
    quotes = {name: shifted(Decimal(price), -8) for name, (_, price) in names.items()} | {"USDC": Decimal(1)}
    debts = {"USDC": (shifted(Decimal(debt), -6), 6)} if debt else {}
    return (*account(supplies, debts, quotes), venue(rules))


def surplus(book, market, rules, purpose=Purpose.MAINTAIN):
    return assess_pool(book, market, rules, purpose, "main").surplus


@settings(max_examples=40, deadline=None)
@given(held=holdings, debt=amounts, rules=st.sampled_from(SETS))
@example(held={"WETH": (1, 79)}, debt=0, rules="aave_v3_7")
def test_l_07_borrowing_is_stricter_than_everything_else_which_is_the_liquidation_line(held, debt, rules):
    found = {purpose: surplus(*pool(held, debt, rules), purpose) for purpose in Purpose}
    line = found.pop(Purpose.MAINTAIN)
    assert found.pop(Purpose.ADMIT) <= line
    assert set(found.values()) == {line}


def test_l_07_a_withdrawal_may_go_where_a_borrow_may_not():
    """The usual order would have WITHDRAW below ADMIT: here a supply leaves down to a health factor of one."""
    book = pool({"WETH": (10_000_000, 1000 * 10**8)}, 8_200_000_000, "aave_v3")
    assert surplus(*book, Purpose.ADMIT) < 0 < surplus(*book, Purpose.WITHDRAW)


@settings(max_examples=40, deadline=None)
@given(held=holdings, debt=amounts, more=st.tuples(amounts, prices), rules=st.sampled_from(WHOLE))
def test_l_11_more_collateral_lowers_no_surplus_of_the_liquidation_line_since_v3_5(held, debt, more, rules):
    before, after = pool(held, debt, rules), pool({**held, "cbETH": more}, debt, rules)
    assert surplus(*after) >= surplus(*before)


@settings(max_examples=40, deadline=None)
@given(held=holdings, debt=amounts, more=st.tuples(amounts, prices), rules=st.sampled_from(SETS))
@exact
def test_l_11_more_collateral_never_costs_more_than_the_basis_point_that_averaging_cuts(held, debt, more, rules):
    before, after = pool(held, debt, rules), pool({**held, "cbETH": more}, debt, rules)
    for purpose in (Purpose.MAINTAIN, Purpose.ADMIT):
        value = assess_pool(*after, purpose, "main").value + shifted(Decimal(debt), -6)
        assert surplus(*after, purpose) >= surplus(*before, purpose) - shifted(value, -4) - TICK


@pytest.mark.parametrize(("rules", "purpose"), [(CUT[0], Purpose.MAINTAIN), (CUT[1], Purpose.MAINTAIN)])
def test_l_11_a_little_more_collateral_can_liquidate_until_v3_3(rules, purpose):
    """100 WETH at 8,300 bps count 83,000; with a dollar of cbETH the average is cut to 8,299: 82,990.83."""
    alone = pool({"WETH": (100_000_000, 1000 * 10**8)}, 82_995_000_000, rules)
    beside = pool({"WETH": (100_000_000, 1000 * 10**8), "cbETH": (1_000_000, 10**8)}, 82_995_000_000, rules)
    assert surplus(*alone, purpose) == 5
    assert surplus(*beside, purpose) == Decimal("-4.1701")
    assert surplus(*beside[:2], venue("aave_v3_5"), purpose) > 5


@pytest.mark.parametrize("rules", SETS)
def test_l_11_a_little_more_collateral_can_lower_what_may_be_borrowed_in_every_version(rules):
    alone = pool({"WETH": (100_000_000, 1000 * 10**8)}, 80_495_000_000, rules)
    beside = pool({"WETH": (100_000_000, 1000 * 10**8), "cbETH": (1_000_000, 10**8)}, 80_495_000_000, rules)
    assert surplus(*beside, Purpose.ADMIT) < 0 < surplus(*alone, Purpose.ADMIT)


@settings(max_examples=40, deadline=None)
@given(
    held=st.tuples(amounts, amounts, prices, prices),
    thresholds=st.tuples(st.integers(1, 9999), st.integers(1, 9999), st.integers(0, 9999)),
    version=st.sampled_from(sorted(EDITIONS)),
)
def test_l_11_a_lower_threshold_raises_no_surplus(held, thresholds, version):
    first, second, less = thresholds
    book, market = account(
        {"A": (shifted(Decimal(held[0]), -6), 6), "B": (shifted(Decimal(held[1]), -6), 6)},
        {},
        {"A": shifted(Decimal(held[2]), -8), "B": shifted(Decimal(held[3]), -8)},
    )
    found = []
    for other in (second, max(1, second - less)):
        listed = {name: Listing(name, 6, 0, bps, 10500) for name, bps in (("A", first), ("B", other))}
        rules = with_listings(venue(f"aave_v3_{version}"), Listings(listed))
        found.append(surplus(book, market, rules))
    assert found[1] <= found[0]


@settings(max_examples=15, deadline=None)
@given(
    weth=st.integers(10**5, 10**9),
    other=st.integers(0, 10**8),
    share=st.integers(100, 1500),
    rules=st.sampled_from(SETS),
    name=st.sampled_from(("WETH", "USDC")),
)
@example(weth=10_000_000, other=0, share=583, rules="aave_v3_7", name="WETH")
def test_l_13_the_reported_tick_is_in_breach_and_its_neighbour_is_not(weth, other, share, rules, name):
    debt = weth * share
    book, market, chosen = pool({"WETH": (weth, 1800 * 10**8), "WBTC": (other, 300 * 10**8)}, debt, rules)
    solution = liquidation_price(book, market, chosen, "main", name)
    for crossing in solution.crossings:
        at, beside = (_breached_at(book, market, chosen, name, tick) for tick in _pair(crossing))
        assert (at, beside) == (True, False)
    if not other:
        assert len(solution.crossings) == 1
        assert solution.in_breach is (share * 100 > 1800 * 83)


def _pair(crossing):
    return crossing.ticks, crossing.ticks + (1 if crossing.breach_below else -1)


@exact
def _breached_at(book, market, rules, name, ticks):
    one = subject(book, name, "USD")
    key = one.key
    moved = market.with_prices({key: TICK * ticks})
    assert market_along(book, market, moved_by(one, [], "USD", Path.INSTRUMENT), _factor(market, key, ticks)) == moved
    return assess_pool(book, moved, rules, Purpose.MAINTAIN, "main").breached(inclusive=False)


def _factor(market, key, ticks):
    return Fraction(TICK * ticks) / Fraction(market.prices[key])


@exact
def test_l_13_the_price_of_weth_at_which_a_loop_of_usdc_is_liquidated():
    """10,500 ÷ (10 × 0.83) = 1,265.06024096…: in breach at the tick below."""
    book, market, rules = pool({"WETH": (10_000_000, 1800 * 10**8)}, 10_500_000_000, "aave_v3")
    found = liquidation_price(book, market, rules, "main", "WETH")
    assert found.ticks == 126_506_024_096
    assert abs(found.solved - Decimal("1265.06024096385542")) < TICK
