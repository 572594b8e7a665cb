"""The laws in the form they hold on Synthetix V3."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Purpose
from solvent.margin import assess_pool, liquidation_price
from solvent.margin.paths import market_along, moved_by, subject
from solvent.rules import Path
from solvent.units import exact
from solvent.venues.parts import WeightTable
from solvent.venues.synthetix_v3.collateral import discount
from solvent.venues.synthetix_v3.rules import keeper
from tests.venues.synthetix_accounts import (
    ADMIT,
    BTC,
    CONTRACTS,
    MAINTAIN,
    MARKS,
    ONE_ETH,
    RULES,
    WITHDRAW,
    D,
    book,
    market,
    plain,
    usd,
)

# Laws

ORDER = (WITHDRAW, ADMIT, Purpose.FILL, Purpose.RECOVER, MAINTAIN)
SIZES = st.integers(-(10**7), 10**7).filter(lambda lots: lots != 0)


@st.composite
def worlds(draw):
    """An account in up to four markets with USD (or a debt) and bitcoin, at marks away from its entries."""
    lots = draw(st.dictionaries(st.sampled_from(sorted(CONTRACTS)), SIZES, min_size=1, max_size=4))
    entries = {symbol: MARKS[symbol] * draw(st.integers(50, 200)) // 100 for symbol in lots}
    marks = {symbol: MARKS[symbol] * draw(st.integers(50, 200)) // 100 for symbol in lots}
    scale = draw(st.sampled_from([None, "0", "10", "100000"]))
    wide = [] if scale is None else [("spot_skew_scale", "cbBTC", scale)]
    wide.append(("liquidate_cost", "keeper", str(draw(st.integers(0, 3)))))
    cash = draw(st.integers(-(10**13), 10**15))
    return book(cash, lots, entries, coins=draw(st.integers(0, 10**11))), market(marks, wide=wide)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_l07_with_a_position_a_stricter_purpose_finds_no_more_surplus(world):
    surplus = [assess_pool(*world, RULES, purpose, "p").surplus for purpose in ORDER]
    assert surplus == sorted(surplus)


def test_l07_does_not_hold_for_withdrawing_without_positions():
    held = book(0, coins=usd(1))
    assert (
        assess_pool(held, market(), RULES, WITHDRAW, "p").surplus
        > assess_pool(held, market(), RULES, ADMIT, "p").surplus
    )


HEAVIER = WeightTable({"cbBTC": discount("cbBTC", D(2), D("0.02"), D("0.15"))})


@settings(max_examples=60, deadline=None)
@given(worlds(), st.sampled_from(["snxUSD", "cbBTC"]), st.integers(0, 10**13))
def test_l11_more_collateral_lowers_nothing_and_a_larger_discount_raises_nothing(world, asset, units):
    held, prices = world
    more = held.with_holding(held.holding("p").with_cash(asset, units))
    for purpose in ORDER:
        before, after = (assess_pool(one, prices, RULES, purpose, "p").surplus for one in (held, more))
        assert after >= before
        heavier = assess_pool(held, prices, replace(RULES, collateral=HEAVIER), purpose, "p").surplus
        assert heavier <= before


def test_l11_would_fail_where_a_discount_could_pass_one_half():
    steep = discount("X", D(1), D(0), D("0.9"))
    assert steep.value(D(80), D(1), D(100)) < steep.value(D(50), D(1), D(100))
    assert all(one.upper <= D("0.5") for one in RULES.collateral.by_asset.values())


@settings(max_examples=25, deadline=None)
@given(worlds(), st.sampled_from([Path.INSTRUMENT, Path.UNDERLYING]))
@example((book(usd(30), ONE_ETH), market()), Path.INSTRUMENT)
def test_l13_the_verdict_turns_at_the_reported_tick(world, along):
    held, prices = world
    symbol = held.holding("p").positions[0].symbol
    for crossing in liquidation_price(held, prices, RULES, "p", symbol, along).crossings:
        step = 1 if crossing.breach_below else -1
        assert [at(held, prices, symbol, crossing.ticks + k * step, along) for k in (0, 1)] == [True, False]


def at(held, prices, symbol, ticks, along):
    """Whether the account falls with the mark at ``ticks`` and what the path moves moved along."""
    one = subject(held, symbol, "snxUSD")
    contracts = [CONTRACTS[position.symbol] for position in held.holding("p").positions]
    moving = moved_by(one, contracts, "snxUSD", along)
    factor = Fraction(ticks) * Fraction(CONTRACTS[symbol].tick_size) / Fraction(prices.price(*one.key))
    changed = exact(market_along)(held, prices, moving, factor)
    return assess_pool(held, changed, RULES, MAINTAIN, "p").breached(inclusive=False)


def test_the_liquidation_price_of_one_position():
    solution = liquidation_price(book(usd(110), ONE_ETH), market(), plain(), "p", "ETH-PERP")
    # 110 + p − 2000 = 0.5 % of p at 1,899.497…
    assert (solution.ticks, solution.crossings[0].breach_below) == (189_949, True)
    assert keeper().guards.least == 1
    assert BTC.symbol == "BTC-PERP"
