"""Margin on net Greeks: parity, netting, correlations by hand, refusals, laws."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import BookError, Method, Order, PriceKey, PriceKind, Purpose
from solvent.instruments import Exercise, OptionKind, Spot
from solvent.margin import assess_pool
from solvent.margin.greeks import CorrelationTable, Sensitivities, Shift, charges, positive_semidefinite, size
from solvent.margin.greeks.sensitivities import sensitivities
from solvent.margin.scenario.whole import whole_pool
from solvent.pricing import black76
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues import venue
from solvent.venues.greeks.rules import parameters
from tests.margin.whole_books import COINS, NOW, USDT, D, future, option, perp, pool_of, structured

RULES = venue("greeks")
ORDER = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL, Purpose.RECOVER, Purpose.MAINTAIN)
COINS_THAT_COUNT = frozenset({"BTC", "ETH", "SOL"})


def held(*legs, **more):
    return pool_of(*legs, method=Method.GREEKS, **more)


def margined(*legs, purpose=Purpose.MAINTAIN, **more):
    return assess_pool(*held(*legs, **more), RULES, purpose, "p")


@exact
def part(found, kind):
    return sum((line.required for line in found.lines if line.kind == kind), D(0))


@exact
def net(*legs, **more):
    book, market = held(*legs, **more)
    return sensitivities(whole_pool(book, market, book.holdings[0], "greeks"), COINS_THAT_COUNT, "greeks")


@pytest.mark.parametrize("strike", [35_000, 50_000, 62_000])
def test_a_long_call_and_a_short_put_at_one_strike_margin_as_one_long_future(strike):
    """Parity: gamma, vega and theta cancel, and delta is that of the future."""
    synthetic = margined((option("call", strike), 2), (option("put", strike), -2))
    outright = margined((future(), 2))
    assert part(synthetic, "delta") == part(outright, "delta") == D("16000")
    for kind in ("vega", "curvature", "theta"):
        assert part(synthetic, kind) < D("0.000001")
    assert part(outright, "vega") == part(outright, "curvature") == 0


@exact
def test_a_long_call_and_a_long_put_are_the_pair_that_nets_delta():
    call, put = (option(kind, 50_000) for kind in ("call", "put"))
    alone = [part(margined((one, 1)), "delta") for one in (call, put)]
    straddle, synthetic = (part(margined((call, 1), (put, sign)), "delta") for sign in (1, -1))
    assert straddle == abs(alone[0] - alone[1])
    assert synthetic == 8000
    assert abs(sum(alone) - synthetic) <= D("0.00000002")  # two roots, each rounded up
    assert straddle < min(alone) / 5


def test_sensitivities_against_the_formula():
    """Delta by the price, gamma by its square, vega by the whole volatility, a day's theta; a discount lowers all."""
    found = net((option("call", 55_000, 60), -3), (perp(), 1), cash={"ETH": 2}, rate="0.1")
    years = 60 / 365
    one = black76(50_000.0, 55_000.0, years, 0.6, True, math.exp(-0.1 * years))
    assert float(found.delta["BTC"]) == pytest.approx(50_000 * (1 - 3 * float(one.delta)))
    assert float(found.gamma["BTC"]) == pytest.approx(-3 * float(one.gamma) * 50_000**2)
    assert float(*found.vega.values()) == pytest.approx(-3 * float(one.vega) * 60)
    assert float(found.theta) == pytest.approx(-3 * float(one.theta))
    assert found.delta["ETH"] == 4000


def test_correlations_by_hand():
    """BTC 100 × 16 %, ETH −80 × 20 %: 16² + 16² − 2ρ·16·16 at ρ 0.8, 1 and 0.6; the lowest is the dearest."""
    rules = parameters()
    hedged = Sensitivities({"BTC": D(100), "ETH": D(-80)}, {}, {}, D(0), {})
    assert charges(rules, hedged, 6)[:2] == ("low", D("14.310836"))  # √(512 × 0.4), up
    same = Sensitivities({"BTC": D(100), "ETH": D(80)}, {}, {}, D(0), {})
    assert charges(rules, same, 6)[:2] == ("high", D(32))
    assert charges(rules, Sensitivities({"DOGE": D(100), "SHIB": D(-100)}, {}, {}, D(0), {}), 6).delta == D("39.131190")


def test_vega_nets_between_expiries_at_their_correlation_and_between_underlyings_at_theirs():
    rules = parameters()
    june, july = ("BTC", "june"), ("BTC", "july")
    spread = Sensitivities({}, {}, {june: D(100), july: D(-100)}, D(0), {})
    assert charges(rules, spread, 6).vega == D("35.777088")  # 40·√(2 − 2·0.6)
    both = Sensitivities({}, {}, {june: D(100), ("ETH", "june"): D(-80)}, D(0), {})
    assert charges(rules, both, 6).vega == D("37.202151")  # 40, −36 at 0.525


def test_curvature_is_charged_where_gamma_is_short_and_pays_for_nothing_elsewhere():
    rules = parameters()
    short = Sensitivities({}, {"BTC": D(-1000), "ETH": D(5000)}, {}, D(0), {})
    assert charges(rules, short, 6).curvature == D("12.8")  # ½ · 1000 · 0.16²
    both = Sensitivities({}, {"BTC": D(-1000), "ETH": D(-1000)}, {}, D(0), {})
    assert charges(rules, both, 6)[:4:3] == ("high", D("32.8"))  # 12.8 and 20 at a correlation of one, squared
    assert charges(rules, Sensitivities({}, {"BTC": D(1000)}, {}, D(0), {}), 6).total == 0
    others = Sensitivities({}, {"DOGE": D(-1000), "SHIB": D(-1000)}, {}, D(0), {})
    assert charges(rules, others, 6).curvature == D("102.147116")  # 61.25 each, at the square of 0.625


def test_time_is_charged_to_whoever_pays_it():
    rules = parameters()
    assert charges(rules, Sensitivities({}, {}, {}, D(-7), {}), 6).theta == 7
    assert charges(rules, Sensitivities({}, {}, {}, D(7), {}), 6).theta == 0


def test_a_root_is_rounded_against_the_account():
    table = CorrelationTable({}, D(0))
    assert size({("A", ""): D(1), ("B", ""): D(1)}, table, 2) == D("1.42")
    assert size({("A", ""): D(-3), ("B", ""): D(4)}, table, 2) == 5
    assert size({}, table, 2) == 0


def test_correlations_that_nothing_can_have_are_refused():
    def table(ab, ac, bc, default="0", inside="1"):
        names = (("A", "B", ab), ("A", "C", ac), ("B", "C", bc))
        return CorrelationTable({frozenset(n[:2]): D(n[2]) for n in names}, D(default), D(inside))

    table("0.9", "0.9", "0.63").check("x")
    with pytest.raises(RulesError, match="correlations x: nothing can have all of them together"):
        table("0.9", "0.9", "0.61").check("x")
    with pytest.raises(RulesError, match="nothing can have"):
        table("0", "0", "0", default="0.4").check("x")  # many others at 0.4 with three that have nothing in common
    with pytest.raises(RulesError, match="nothing can have"):
        table("0", "0", "0", default="0", inside="-0").__class__({}, D("0.5"), D("0.4")).check("x")
    with pytest.raises(RulesError, match=r"got 1.01, expected one from 0 to 1"):
        table("1.01", "0", "0").check("x")
    with pytest.raises(RulesError, match="one at least"):
        replace(parameters(), shifts=())
    with pytest.raises(RulesError, match="of prices, wild"):
        replace(parameters(), shifts=(Shift("wild", D("1.25"), D("0.9")),))


def test_a_pivot_of_zero_needs_a_row_of_zeros():
    assert positive_semidefinite([[D(1), D(1)], [D(1), D(1)]])
    assert not positive_semidefinite([[D(0), D(1)], [D(1), D(5)]])
    assert positive_semidefinite([[D(0), D(0)], [D(0), D(5)]])
    assert not positive_semidefinite([[D(0), D(0)], [D(0), D(-5)]])


def test_a_coin_counts_in_full_and_as_delta():
    """A coin and a short of it need only what closing costs, and the coin's add-on."""
    found = margined((perp(), -1), cash={"BTC": 1})
    assert found.margin_equity == 50_000
    assert (part(found, "delta"), part(found, "closing")) == (0, D("125") + D("250"))
    junk = margined((perp(), 1), cash={"JUNK": 1000, "USDT": 9000})
    assert (junk.value, junk.margin_equity) == (10_000, 9_000)


def test_what_has_no_greeks_is_refused():
    with pytest.raises(RulesError, match="NOTE states profits of scenarios, and no Greeks"):
        margined((structured([("x", D(1))]), 1))
    with pytest.raises(RulesError, match="a debt in JUNK has no weight"):
        margined(cash={"JUNK": -1})
    with pytest.raises(RulesError, match="European options"):
        margined((replace(option("call", 50_000), exercise=Exercise.AMERICAN), 1))
    with pytest.raises(BookError, match="expired"):
        margined((option("call", 50_000, 0), 1))
    spot = Spot("BTC/USDT", "BTC", USDT, USDT, D("0.01"), D("0.001"), COINS["BTC"])
    book, market = held((perp(), 1))
    with pytest.raises(RulesError, match="does not cover a position in spot"):
        assess_pool(replace(book, instruments={"BTC-PERP": spot}), market, RULES, Purpose.MAINTAIN, "p")


def test_an_option_without_a_volatility_is_worth_its_mark_which_implies_one():
    call = option("call", 50_000)
    book, market = held((call, 1, "3000"), prices={call.symbol: D("3500")})
    blind = replace(market, prices={k: v for k, v in market.prices.items() if k.kind is not PriceKind.VOL})
    found = assess_pool(book, blind, RULES, Purpose.MAINTAIN, "p")
    assert found.value == 500
    modelled = assess_pool(book, market, RULES, Purpose.MAINTAIN, "p").value
    one = black76(50_000.0, 50_000.0, 30 / 365, 0.6, True)
    assert float(modelled) == pytest.approx(float(one.price) - 3000)
    low = blind.with_prices({PriceKey(PriceKind.MARK, call.symbol, "USDT"): D(60_000)})
    with pytest.raises(BookError, match="expected a price that some volatility gives"):
        assess_pool(book, low, RULES, Purpose.MAINTAIN, "p")


def test_orders_count_as_if_one_side_were_filled_at_admission():
    buy, sell = (
        Order(str(lots), "BTC-PERP", lots, perp().ticks(D(price))) for lots, price in ((2000, 50_000), (-500, 50_000))
    )
    book, market = held((perp(), 1), cash={"USDT": 20_000}, orders=((perp(), buy), (perp(), sell)))
    admit, maintain = (assess_pool(book, market, RULES, one, "p") for one in (Purpose.ADMIT, Purpose.MAINTAIN))
    assert admit.required == D("1.2") * 3 * (8000 + 125)
    assert maintain.required == 8125
    closing = Order("c", "BTC-PERP", -1000, perp().ticks(D(51_000)))
    book, market = held((perp(), 1, 49_000), orders=((perp(), closing),))
    assert assess_pool(book, market, RULES, Purpose.ADMIT, "p").value == 1000  # worse as it is than closed at 51,000


def test_what_a_closed_position_brought_is_cash():
    """A hedged long that has gained 1,000: with its sell filled the short stands alone, and the gain is still there."""
    sell = Order("s", "BTC-PERP", -1000, perp().ticks(D(50_000)))
    book, market = held((perp(), 1, 49_000), (future(), -1), orders=((perp(), sell),))
    found = assess_pool(book, market, RULES, Purpose.ADMIT, "p")
    assert (found.value, found.required) == (1000, D("1.2") * 8125)


legs = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from([perp(), perp("ETH"), future("DOGE")]),
            st.builds(option, st.sampled_from(["call", "put"]), st.sampled_from([40_000, 50_000, 65_000]), st.just(30)),
            st.builds(option, st.just("put"), st.sampled_from([1_500, 2_200]), st.just(9), st.just("ETH")),
        ),
        st.integers(-5, 5).filter(bool),
    ),
    max_size=5,
    unique_by=lambda leg: leg[0].symbol,
)


@settings(max_examples=30, deadline=None)
@given(legs, st.integers(-3, 3))
def test_l07_stricter_purposes_find_no_more(held_legs, coins):
    book, market = held(*held_legs, cash={"BTC": coins, "USDT": 1000})
    found = [assess_pool(book, market, RULES, purpose, "p").surplus for purpose in ORDER]
    assert found == sorted(found)


@settings(max_examples=30, deadline=None)
@given(legs)
@exact
def test_l19_lines_sum_to_the_totals_and_bounds_hold_the_surplus(held_legs):
    found = margined(*held_legs, cash={"USDT": 5})
    assert found.required == sum((line.required for line in found.lines), D(0))
    assert found.value == sum((line.value for line in found.lines), D(0))
    assert found.low <= found.surplus <= found.high
    assert found.high - found.low < D("0.001")


def test_options_carry_a_bound_and_linear_books_are_exact():
    assert margined((perp(), 1)).low == margined((perp(), 1)).high
    found = margined((option("call", 50_000), 1))
    assert 0 < found.high - found.low < Decimal("0.00001")
    assert held()[1].time_ns == NOW
    assert OptionKind.CALL is option("call", 1).kind


def test_a_pool_that_names_no_method_takes_the_rule_sets():
    """A book file without a method is margined by what the rule set has, never by tiers that it has not."""
    book, market = held((perp(), 1))
    default = book.with_holding(replace(book.holdings[0], pool=replace(book.holdings[0].pool, method=Method.TIERED)))
    assert assess_pool(default, market, RULES, Purpose.MAINTAIN, "p").required == 8125
    other = replace(book.holdings[0].pool, method=Method.SCENARIO)
    with pytest.raises(RulesError, match="greeks does not margin by scenario"):
        assess_pool(book.with_holding(replace(book.holdings[0], pool=other)), market, RULES, Purpose.MAINTAIN, "p")
