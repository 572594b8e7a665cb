"""SPAN: arrays, spreads, totals; portfolios under an invented file; the account and its laws."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Book, BookError, Holding, Market, Method, Order, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.conformance import Outcome, conform
from solvent.instruments import Future, Option, OptionKind, Payoff, Perpetual
from solvent.margin import assess_pool, liquidation_price
from solvent.rules import RulesError
from solvent.units import Asset, exact
from solvent.venues import venue
from solvent.venues.span.account import margins
from solvent.venues.span.arrays import scanned_option
from solvent.venues.span.estimate import option_margin
from solvent.venues.span.files import read_pa2
from solvent.venues.span.formulas import (
    SCENARIOS,
    Charges,
    Extreme,
    FloorOrder,
    composite_delta,
    price_moves,
    price_risk,
    requirement,
    scan_risk,
    short_option_minimum,
    span_risk,
)
from solvent.venues.span.parameters import Commodity, Kind, PerDelta, RiskParameters, Series, Tier
from solvent.venues.span.portfolio import Contracts, margined
from solvent.venues.span.rules import account as own_account
from solvent.venues.span.rules import with_parameters
from solvent.venues.span.spreads import (
    InterLeg,
    InterSpread,
    IntraSpread,
    Leg,
    MonthDelta,
    SpotCharge,
    intercommodity,
    intracommodity,
    spot_charge,
)
from tests.venues.risk_files import LOSSES, pa2
from tests.venues.securities import D

VECTORS = Path(__file__).parent.parent / "vectors"
RULES = venue("span")
FILE = read_pa2(pa2())
USD = Asset("USD", 10)
ORDER = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL, Purpose.RECOVER, Purpose.MAINTAIN)
DAY_NS = 86_400 * 10**9


# The published figures


def test_every_vector_passes_but_those_that_need_a_file():
    report = conform([VECTORS / "span.json"])
    assert report.as_json()["failures"] == []
    assert len(report.of(Outcome.PASSED)) == 13
    reasons = report.as_json()["reasons"]
    assert len(reasons) == 6
    assert all("risk parameter file" in why and "nobody can ship" in why for why in reasons.values())


def test_the_estimate_stays_within_the_observed_envelope():
    report = conform([VECTORS / "futures_options.json"])
    assert len(report.of(Outcome.PASSED)) == len(report.results) == 56
    for kind in OptionKind:
        for long in (True, False):
            for strike in (D("1e-9"), D(50), D(100), D(200), D("1e12")):
                share = option_margin(D(1), D(100), strike, kind, long=long)
                assert 0 <= share <= D("1.366")
    with pytest.raises(RulesError, match="must be positive"):
        option_margin(D(1), D(0), D(1), OptionKind.CALL, long=True)


# Scenarios and totals


@exact
def test_the_sixteen_scenarios_in_their_order():
    moves = price_moves(D(30), Extreme(D(2), D("0.35")))
    assert [int(one) for one in moves] == [0, 0, 10, 10, -10, -10, 20, 20, -20, -20, 30, 30, -30, -30, 60, -60]
    assert [one.volatility for one in SCENARIOS] == [1, -1] * 7 + [0, 0]


def test_the_worst_scenario_is_the_first_of_equals_and_a_gain_is_no_risk():
    assert scan_risk([(D(1), LOSSES)])[:2] == (300, 13)
    assert scan_risk([(D(-1), LOSSES)])[:2] == (300, 11)
    assert scan_risk([(D(1), (D(-1),) * 16)])[:2] == (0, 1)
    with pytest.raises(RulesError, match="got 3 values, expected 16"):
        scan_risk([(D(1), (D(1),) * 3)])


def test_price_risk_pairs_scenarios_but_not_the_extremes():
    losses = tuple(map(D, (10, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 300, 0, 0)))
    assert price_risk(scan_risk([(D(1), losses)]), D(4)) == (400, 20, 380, 95)
    extreme = (*losses[:15], D(900))
    assert price_risk(scan_risk([(D(1), extreme)]), D(-4)).price == 880
    assert price_risk(scan_risk([(D(1), losses)]), D(0)).per_delta is None


@pytest.mark.parametrize(
    ("order", "value", "needed"),
    [
        (FloorOrder.LAST, 0, 80),
        (FloorOrder.BEFORE_CREDITS, 0, 45),
        (FloorOrder.LAST, 30, 50),
        (FloorOrder.LAST, 80, 0),
        (FloorOrder.LAST, 81, 0),
        (FloorOrder.LAST, -20, 100),
    ],
)
def test_where_the_minimum_stands_and_option_value_after_it(order, value, needed):
    parts = Charges(D(80), intra=D(10), spot=D(5), inter=D(50), minimum=D(80))
    assert requirement(parts, D(value), order) == needed


def test_the_short_option_minimum_by_the_larger_side_or_all():
    assert short_option_minimum(D(30), D(2), D(3), gross=False) == 90
    assert short_option_minimum(D(30), D(2), D(3), gross=True) == 150


@exact
def test_composite_delta_weighs_seven_points():
    assert composite_delta([D(0)] * 3 + [D(1)] + [D(0)] * 3) == D("0.270")
    assert composite_delta([D(1)] + [D(0)] * 6) == D("0.037")
    with pytest.raises(RulesError, match="got 1 deltas, expected 7"):
        composite_delta([D(1)])


# Spreads


def months(*rows):
    return [MonthDelta(month, tier, D(delta)) for month, tier, delta in rows]


def spread(priority, rate, first, second, **more):
    legs = tuple(Leg(name, D(ratio), side, **more) for (name, ratio), side in zip((first, second), "AB", strict=True))
    return IntraSpread(priority, D(rate), legs)


def test_spreads_go_by_priority_in_either_orientation():
    deltas = months(("1", "1", -6), ("2", "2", 4), ("3", "3", 5))
    listed = [spread(2, 80, ("1", 1), ("3", 1)), spread(1, 50, ("1", 1), ("2", 1))]
    found = intracommodity(deltas, listed)
    assert found.charge == 4 * 50 + 2 * 80
    assert found.by_tier() == {"1": 0, "2": 0, "3": 3}


def test_no_spread_without_opposite_sides():
    assert intracommodity(months(("1", "1", 6), ("2", "2", 4)), [spread(1, 50, ("1", 1), ("2", 1))]).charge == 0
    assert intracommodity(months(("1", "1", 6), ("2", "2", 0)), [spread(1, 50, ("1", 1), ("2", 1))]).charge == 0


def test_a_tier_spreads_within_itself_by_the_months_of_each_sign():
    deltas = months(("202607", "1", 3), ("202608", "1", -2))
    found = intracommodity(deltas, [spread(1, 50, ("1", 1), ("1", 1))])
    assert (found.charge, [one.delta for one in found.left]) == (100, [1, 0])


def test_ratios_and_months_take_the_nearest_first():
    deltas = months(("202607", "1", 1), ("202608", "1", 4), ("202612", "2", -3))
    found = intracommodity(deltas, [spread(1, 10, ("1", 2), ("2", 3))])
    assert found.charge == 10
    assert [one.delta for one in found.left] == [0, 3, 0]
    by_month = intracommodity(deltas, [spread(1, 10, ("202608", 1), ("202612", 1), by_month=True)])
    assert [one.delta for one in by_month.left] == [1, 1, 0]


def test_a_number_of_spreads_that_is_not_whole_is_charged_up_and_taken_down():
    found = intracommodity(months(("1", "1", 1), ("2", "2", -9)), [spread(1, 3, ("1", 3), ("2", 1))])
    assert found.charge == D("1.000000000002")
    assert found.left[0].delta == D("0.000000000001")


def test_delivery_months_charge_what_is_in_spreads_and_what_is_not():
    before, left = months(("202607", "1", -6)), months(("202607", "1", -2))
    assert spot_charge(before, left, [SpotCharge("202607", D(10), D(25)), SpotCharge("202609", D(9), D(9))]) == 90


@pytest.mark.parametrize(
    ("deltas", "sides", "times"),
    [
        ((10, -9), ("", ""), 3),
        ((10, 9), ("", ""), 0),
        ((10, -9), ("A", "B"), 3),
        ((-10, 9), ("A", "B"), 3),
        ((10, -9), ("A", "A"), 0),
        ((-10, -9), ("A", "A"), 3),
        ((0, -9), ("A", "B"), 0),
    ],
)
def test_credits_between_commodities_need_opposite_sides(deltas, sides, times):
    legs = tuple(InterLeg(name, D(ratio), side) for name, ratio, side in zip("XY", (2, 3), sides, strict=True))
    given = dict(zip("XY", map(D, deltas), strict=True))
    found = intercommodity(given, {"X": D(100), "Y": D(10)}, InterSpread(1, D("0.5"), legs))
    assert found.times == times
    assert found.total == times * (D(100) * 2 + D(10) * 3) / 2
    assert abs(found.left["X"]) == abs(given["X"]) - 2 * times


def test_no_credit_without_price_risk_and_a_flat_one_by_the_spread():
    legs = (InterLeg("X", D(1)), InterLeg("Y", D(1)))
    deltas = {"X": D(4), "Y": D(-4)}
    for risk in (D(0), D(-1), None):
        assert intercommodity(deltas, {"X": risk, "Y": D(1)}, InterSpread(1, D(1), legs)).times == 0
    flat = intercommodity(deltas, {"X": D(7), "Y": D(9)}, InterSpread(1, D(30), legs, flat=True))
    assert (flat.total, flat.credits["X"]) == (120, 60)


# Portfolios under the invented file


def contracts(symbol, size, value="0"):
    return Contracts(FILE.series[symbol], D(size), D(value))


def test_a_portfolio_of_two_commodities():
    """Six July against two September grain, and four meal against what is left."""
    held = [contracts("GR FUT 202607", 6), contracts("GR FUT 202609", -2), contracts("ME FUT 202607", -4)]
    grain, meal = margined(held, FILE)
    assert (grain.scan.amount, grain.scan.scenario, grain.net_delta) == (1200, 13, 4)
    assert grain.parts.intra == 2 * 50
    assert grain.parts.spot == 2 * 10 + 4 * 25
    # two spreads of one grain and two meal: 300 and 3,000 a delta at 75%
    assert (grain.parts.inter, meal.parts.inter) == (450, 9000)
    assert (grain.requirement, meal.requirement) == (1200 + 100 + 120 - 450, 12_000 - 9000)


def test_short_options_need_their_minimum_and_their_value():
    (found,) = margined([contracts("GR OOF 202607 C 460", -1, "600"), contracts("GR FUT 202607", 1)], FILE)
    assert found.parts.minimum == 30
    assert found.option_value == -600
    assert found.requirement == found.risk + 600
    long_only = margined([contracts("GR OOF 202607 C 460", 2, "600")], FILE)[0]
    assert (long_only.parts.minimum, long_only.option_value, long_only.requirement) == (0, 1200, 0)


@exact
def test_the_floor_order_is_the_files():
    rows = [contracts("GR OOF 202607 C 460", -20, "1"), contracts("ME FUT 202607", 2)]
    cheap = replace(FILE.commodities["GRAIN"], minimum_rate=D(900), spot=(), intra=())
    files = [replace(FILE, commodities={"GRAIN": cheap}, floor=order) for order in FloorOrder]
    last, before = (margined(rows, one)[0] for one in files)
    assert last.risk == 18_000
    assert before.risk == 18_000 - before.parts.inter < 18_000


@exact
def test_super_spreads_take_their_delta_before_spreads_inside():
    held = [contracts("GR FUT 202607", 6), contracts("GR FUT 202609", -2), contracts("ME FUT 202607", -8)]
    plain = margined(held, FILE)[0]
    first = replace(FILE, inter=(replace_spread(FILE.inter[0]),))
    taken = margined(held, first)[0]
    assert plain.parts.intra == 100
    assert taken.parts.inter == plain.parts.inter == 4 * 300 * D("0.75")
    assert taken.parts.intra == 100
    assert taken.parts.spot == 2 * 10 < plain.parts.spot


def replace_spread(one):
    return one._replace(super_spread=True)


def test_price_risk_a_delta_by_the_commoditys_method():
    def credit(method):
        grain = replace(FILE.commodities["GRAIN"], per_delta=method, scan_range=D(100))
        held = [contracts("GR FUT 202607", 1), contracts("ME FUT 202607", -2)]
        return margined(held, replace(FILE, commodities={**FILE.commodities, "GRAIN": grain}))[0].parts.inter

    assert [credit(method) for method in PerDelta] == [225, 75, 75]


def test_futures_style_options_have_no_value_of_their_own():
    grain = replace(FILE.commodities["GRAIN"], futures_style=True)
    held = [contracts("GR OOF 202607 C 460", -1, "600")]
    found = margined(held, replace(FILE, commodities={"GRAIN": grain}))[0]
    assert (found.option_value, found.requirement) == (0, found.risk)


def test_months_find_their_tier_by_the_digits_both_have():
    grain = Commodity("G", tiers=(Tier("1", "202607", "202609"),))
    assert [grain.tier(month) for month in ("202606", "202607", "20260930", "202610")] == ["202606", "1", "1", "202610"]


# The account

JULY = Future("GR FUT 202607", "GRAIN", USD, USD, D("0.01"), D(1), contract_size=D(50), expiry_ns=90 * DAY_NS)
CALL = Option(
    "GR OOF 202607 C 460", "GRAIN", USD, USD, D("0.01"), D(1), OptionKind.CALL, D(460), 90 * DAY_NS, contract_size=D(50)
)
PERP = Perpetual("BTC-PERP", "BTC", USD, USD, D("0.01"), D("0.001"))
LISTED = {one.symbol: one for one in (JULY, CALL, PERP)}
PRICES = {"GR FUT 202607": D(450), "GR OOF 202607 C 460": D(12), "BTC-PERP": D(60_000)}
MARKET = Market(
    {
        **{PriceKey(PriceKind.MARK, name, "USD"): price for name, price in PRICES.items()},
        PriceKey(PriceKind.INDEX, "GRAIN", "USD"): D(450),
    }
)


def book(cash="0", lots=None, costs=None, **more):
    positions = tuple(Position(name, n, USD.units(D((costs or {}).get(name, 0)))) for name, n in (lots or {}).items())
    pool = Pool("p", numeraire="USD", method=Method.SCENARIO)
    return Book({"USD": USD}, LISTED, (Holding(pool, {"USD": USD.units(D(cash))}, positions, **more),))


@exact
def test_an_account_under_a_file():
    rules = with_parameters(FILE)
    held = book("5000", {"GR FUT 202607": 1, "GR OOF 202607 C 460": -1}, {"GR FUT 202607": 22_000})
    (found,) = margins(held, MARKET, rules, "p")
    maintain = assess_pool(held, MARKET, rules, Purpose.MAINTAIN, "p")
    assert maintain.value == maintain.margin_equity == 5000 + 500 - 600
    assert maintain.required == found.risk > 0
    assert assess_pool(held, MARKET, rules, Purpose.ADMIT, "p").required == found.risk * D("1.1")
    assert (maintain.binding.kind, maintain.low) == (f"scenario {found.scan.scenario}", maintain.high)


def test_option_value_beyond_the_risk_counts_for_nothing_else_unless_the_file_says_so():
    held = book("0", {"GR OOF 202607 C 460": 2})
    lost = assess_pool(held, MARKET, with_parameters(FILE), Purpose.MAINTAIN, "p")
    assert (lost.value, lost.surplus) == (1200, 0)
    grain = replace(FILE.commodities["GRAIN"], excess_value_lost=False)
    kept = with_parameters(replace(FILE, commodities={"GRAIN": grain}))
    assert assess_pool(held, MARKET, kept, Purpose.MAINTAIN, "p").surplus > 0


def test_without_a_file_contracts_are_scanned_by_a_share_of_the_price():
    needed = assess_pool(book(lots={"BTC-PERP": 1000}), MARKET, RULES, Purpose.MAINTAIN, "p").required
    assert needed == D("0.35") * 60_000
    with pytest.raises(RulesError, match="not in the risk parameters"):
        assess_pool(book(lots={"BTC-PERP": 1}), MARKET, with_parameters(FILE), Purpose.MAINTAIN, "p")


def test_an_options_own_array_gains_and_loses_as_it_should():
    scan = own_account().default
    found = scanned_option(CALL, D(12), D(450), 0, scan)
    up, down = found.losses[10], found.losses[12]
    assert up < 0 < down <= 12
    assert found.losses[0] < found.losses[1]  # a rise of volatility is a gain for a long option
    assert found.losses[15] == pytest.approx(D("0.35") * 12, rel=D("0.01"))
    assert 0 < found.delta < 1
    assert 0 < found.error < D("1e-6")
    with pytest.raises(BookError, match="expired"):
        scanned_option(CALL, D(12), D(450), 90 * DAY_NS, scan)
    with pytest.raises(BookError, match="some volatility gives"):
        scanned_option(CALL, D(500), D(450), 0, scan)


def test_what_a_futures_account_does_not_hold_is_refused():
    with pytest.raises(RulesError, match="resting orders"):
        assess_pool(book(lots={}, orders=(Order("o", "BTC-PERP", 1, 1),)), MARKET, RULES, Purpose.MAINTAIN, "p")
    other = replace(book().holdings[0], cash={"EUR": 1})
    with pytest.raises(RulesError, match="EUR is no collateral"):
        assess_pool(Book({"EUR": Asset("EUR", 2)}, {}, (other,)), MARKET, RULES, Purpose.MAINTAIN, "p")
    inverse = replace(PERP, payoff=Payoff.INVERSE, tick_size=D(1), lot_size=D(1))
    held = replace(book(lots={"BTC-PERP": 1}), instruments={"BTC-PERP": inverse})
    with pytest.raises(RulesError, match="only linear"):
        assess_pool(held, MARKET, RULES, Purpose.MAINTAIN, "p")


# Laws

arrays = st.lists(st.integers(-500, 500), min_size=16, max_size=16).map(lambda row: tuple(map(D, row)))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(arrays, st.integers(-3, 3)), min_size=1, max_size=4), st.lists(st.integers(-3, 3), max_size=4)
)
@exact
def test_l12_the_scan_of_two_portfolios_together_is_no_more_than_apart(rows, others):
    first = [(D(size), losses) for losses, size in rows]
    second = [(D(size), losses) for (losses, _), size in zip(rows, others, strict=False)]
    both = [*first, *second]
    assert scan_risk(both).amount <= scan_risk(first).amount + scan_risk(second or [(D(0), LOSSES)]).amount


@settings(max_examples=25, deadline=None)
@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-3000, 3000))
def test_l07_a_stricter_purpose_finds_no_more_surplus(futures, options, btc):
    held = book("1000", {"GR FUT 202607": futures, "GR OOF 202607 C 460": options, "BTC-PERP": btc})
    surplus = [assess_pool(held, MARKET, RULES, purpose, "p").surplus for purpose in ORDER]
    assert surplus == sorted(surplus)


@settings(max_examples=15, deadline=None)
@given(st.integers(-3000, 3000), st.integers(1, 10**6))
@exact
def test_l11_more_cash_lowers_no_surplus(btc, more):
    found = [
        assess_pool(book(cash, {"BTC-PERP": btc}), MARKET, RULES, Purpose.MAINTAIN, "p").surplus
        for cash in ("1000", str(1000 + more))
    ]
    assert found[1] - found[0] == more


@exact
def test_l13_the_reported_price_is_in_breach_and_the_one_before_is_not():
    held = book("30000", {"BTC-PERP": 1000}, {"BTC-PERP": 60_000})
    found = liquidation_price(held, MARKET, RULES, "p", "BTC-PERP")
    tick = D("0.01")
    for ticks, breached in ((found.ticks, True), (found.ticks + 1, False)):
        at = MARKET.with_prices({PriceKey(PriceKind.MARK, "BTC-PERP", "USD"): tick * ticks})
        assert assess_pool(held, at, RULES, Purpose.MAINTAIN, "p").breached(inclusive=False) is breached


def test_kinds_of_series_are_what_the_minimum_counts():
    flat = tuple(map(D, LOSSES))
    short = [Contracts(Series(f"S{k}", "C", kind, "202607", flat, D(0)), D(-2)) for k, kind in enumerate(Kind)]
    parameters = RiskParameters(commodities={"C": Commodity("C", minimum_rate=D(1000), minimum_gross=True)})
    assert margined(short, parameters)[0].parts.minimum == 4000
    assert span_risk(Charges(D(1), minimum=D(2)), FloorOrder.LAST) == 2
