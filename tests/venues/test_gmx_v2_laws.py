"""The laws in the form they hold on GMX V2."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Book, Holding, Mode, Pool, Position, Purpose
from solvent.margin import assess_pool, liquidation_price
from solvent.margin.paths import market_along, moved_by, subject
from solvent.rules import Path
from solvent.units import exact
from solvent.venues.gmx_v2 import requirement
from solvent.venues.gmx_v2.rules import markets, with_markets
from tests.venues.gmx_accounts import ADMIT, COIN, ETH, MAINTAIN, RULES, USD, D, bare, book, market

# Laws

CASH = st.integers(0, 10**12)
SIZES = st.integers(-(10**6), 10**6).filter(lambda lots: lots != 0)
TICKS = st.integers(50_000, 500_000)


@st.composite
def worlds(draw):
    """A position of one market with collateral in USD and in ether, and a market with figures of its own."""
    lots, entry, mark = draw(SIZES), draw(TICKS), draw(TICKS)
    usd, weth = draw(CASH), draw(st.integers(0, 10**9))
    pool = Pool("p", mode=Mode.ISOLATED, numeraire="USD")
    held = Position("ETH-USD", lots, ETH.worth(lots, entry))
    cash = {"USD": usd, "ETH": weth}
    size = ETH.worth(abs(lots), entry) // 10**8
    more = draw(st.integers(0, 10**8))
    wide = [
        ("long_open_interest", "ETH-USD", size + more),
        ("short_open_interest", "ETH-USD", size + draw(st.integers(0, 10**8))),
        ("pending_impact_tokens", "p", draw(st.integers(-10, 10))),
        ("long_pool", "ETH-USD", draw(st.integers(1, 10**8))),
        ("long_open_interest_tokens", "ETH-USD", abs(lots) // 10_000 + more),
    ]
    price = str(exact(ETH.price)(mark))
    prices = market(mark=price, index=price, wide=[(name, of, str(n)) for name, of, n in wide])
    whole = Book({"USD": USD, "ETH": COIN}, {"ETH-USD": ETH}, (Holding(pool, cash, (held,)),))
    return whole, prices


ORDER = (Purpose.WITHDRAW, ADMIT, Purpose.FILL, Purpose.RECOVER, MAINTAIN)
IMPACT = replace(markets().by_underlying["ETH"], max_liquidation_impact=D("0.005"))
LISTED = with_markets(RULES, requirement.MarketTable(IMPACT))


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_l07_a_stricter_purpose_finds_no_more_surplus(world):
    surplus = [assess_pool(*world, LISTED, purpose, "p").surplus for purpose in ORDER]
    assert surplus == sorted(surplus)
    assert surplus[0] == surplus[2]
    assert surplus[3] == surplus[4]


@settings(max_examples=60, deadline=None)
@given(worlds(), st.sampled_from(["USD", "ETH"]), CASH)
def test_l11_more_collateral_lowers_nothing(world, asset, units):
    held, prices = world
    more = held.with_holding(held.holding("p").with_cash(asset, units))
    for purpose in ORDER:
        before, after = (assess_pool(one, prices, LISTED, purpose, "p").surplus for one in (held, more))
        assert after >= before


PLAIN = (book("300", "1"), market(wide=()))


@settings(max_examples=25, deadline=None)
@given(worlds(), st.sampled_from([Path.INSTRUMENT, Path.UNDERLYING]))
@example(PLAIN, Path.INSTRUMENT)
def test_l13_the_verdict_turns_at_the_reported_tick(world, along):
    held, prices = world
    solution = liquidation_price(held, prices, LISTED, "p", "ETH-USD", along)
    for crossing in solution.crossings:
        step = 1 if crossing.breach_below else -1
        verdicts = [at(held, prices, crossing.ticks + k * step, along) for k in (0, 1)]
        assert verdicts == [True, False]


def at(held, prices, ticks, along):
    """Whether the position falls with the mark at ``ticks`` and what the path moves moved along."""
    one = subject(held, "ETH-USD", "USD")
    moving = moved_by(one, [ETH], "USD", along)
    factor = Fraction(ticks) * Fraction(ETH.tick_size) / Fraction(prices.price(*one.key))
    changed = exact(market_along)(held, prices, moving, factor)
    return assess_pool(held, changed, LISTED, MAINTAIN, "p").breached(inclusive=False)


def test_the_liquidation_price_of_a_plain_position():
    solution = liquidation_price(book("110", "1"), market(), bare(), "p", "ETH-USD")
    assert (solution.ticks, solution.crossings[0].breach_below) == (189_999, True)
    assert solution.solved == 1900  # 110 − 100 = 10 is the line
    short = liquidation_price(book("110", "-1"), market(), bare(), "p", "ETH-USD")
    assert (short.ticks, short.solved) == (210_001, 2100)
