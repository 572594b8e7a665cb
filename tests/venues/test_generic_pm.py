"""Portfolio margin by joint scenarios: the scan by hand, wrong-way collateral, modes, refusals, laws."""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import Method, Mode, Order, PriceKey, PriceKind, Purpose
from solvent.instruments import Payoff, Perpetual, Structured
from solvent.margin import Trade, assess_pool, what_if
from solvent.margin.scenario.joint import Follows, Joint, loss_of, scanned
from solvent.margin.scenario.series import one_series
from solvent.margin.scenario.whole import whole_pool
from solvent.pricing import price76
from solvent.rules import RulesError
from solvent.units import Asset, Rounding, UnitsError, exact
from solvent.venues import check_order, venue
from solvent.venues.generic_pm.rules import parameters
from tests.margin.whole_books import USDT, D, future, option, perp, pool_of, structured
from tests.pricing import high_precision as high

RULES = venue("generic_pm")
ORDER = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL, Purpose.RECOVER, Purpose.MAINTAIN)
NAMES = [one.name for one in parameters().scenarios]


def found_of(*legs, purpose=Purpose.MAINTAIN, **more):
    return assess_pool(*pool_of(*legs, **more), RULES, purpose, "p")


@exact
def part(found, kind):
    return sum((line.required for line in found.lines if line.kind == kind), D(0))


def gap(found, name):
    return {line.subject: line.required for line in found.lines if line.kind == "gap"}.get(name, 0)


@exact
def scan(*legs, **more):
    book, market = pool_of(*legs, **more)
    held = list(scanned(parameters(), whole_pool(book, market, book.holdings[0], "generic_pm"), "USDT"))
    return loss_of(parameters().scenarios, held)


def test_a_perpetual_loses_the_worst_weighted_move_its_own_gap_and_what_closing_costs():
    """One BTC at 50,000: 16 % (an extreme 32 % counts at 0.4), 2 % by itself, 0.25 %."""
    for size, name in ((1, "market -16 %, volatility up"), (-1, "market +16 %, volatility up")):
        found = found_of((perp(), size))
        assert (part(found, "scenario"), part(found, "gap"), part(found, "closing")) == (8000, 1000, 125)
        assert found.binding[:2] == ("scenario", name)
        assert found.low == found.high
    ether = found_of((perp("ETH"), 10))
    assert (part(ether, "scenario"), part(ether, "gap")) == (4000, 1000)  # beta 1.25: 20 %; gap 5 %


def test_one_factor_nets_and_gaps_do_not():
    """25,000 of ETH against as much of BTC by beta: no factor is left, both gaps are charged."""
    found = found_of((perp(), "-0.5"), (perp("ETH"), 10))
    assert part(found, "scenario") == 0
    assert (gap(found, "BTC"), gap(found, "ETH")) == (500, 1000)


def test_a_far_fall_stops_at_the_least_factor():
    steep = replace(parameters(), scenarios=(Joint("all", D("-0.9")),))
    assert parameters().moved("DOGE").beta == D("1.8")
    assert exact(steep.factor)("DOGE", D("-0.9")) == D("0.02")
    assert exact(steep.factor)("BTC", D("-0.9")) == D("0.1")


def test_collateral_that_falls_with_the_position_needs_more_than_dollars_exactly():
    """A long of one BTC on 2 BTC: 16 % and 2 % of all three, against dollars, where only the position moves."""
    dollars = found_of((perp(), 1), cash={"USDT": 100_000})
    coins = found_of((perp(), 1), cash={"BTC": 2})
    assert dollars.margin_equity == coins.margin_equity == 100_000
    assert dollars.required == 8000 + 1000 + 125
    assert coins.required == 3 * (8000 + 1000) + 125 + 500
    against = found_of((perp(), -2), cash={"BTC": 2})
    assert against.required == 250 + 500  # the coin hedges the short: nothing but closing


WRONG_WAY = [
    # collateral, amount worth 10,000, what the scan adds to a long ETH position's own 20 % and 5 % gap
    ("ETH", 5, D("2000"), D("500"), D(0), D(50)),
    ("STETH", 5, D("2640"), D("500"), D(100), D(100)),  # 20 % and then 8 % of the rest; its own 1 %
    ("ETH-USDT-LP", 125, D("1055.728091"), D("253.205656"), D(100), D(100)),  # 1 − √0.8; 1 − √0.95
    ("ETH-BTC-LP", 25, D("1802.439387"), D(0), D(100), D(100)),  # 1 − √(0.8 × 0.84)
    ("VENUE", 2000, D("3880"), D(0), D(1500), D(500)),  # 2 × 16 % and then 10 %
]


@pytest.mark.parametrize(("coin", "amount", "scenario", "eth_gap", "own", "add_on"), WRONG_WAY)
@exact
def test_each_wrong_way_collateral_is_margined_with_a_long(coin, amount, scenario, eth_gap, own, add_on):
    alone, held = found_of((perp("ETH"), 10)), found_of((perp("ETH"), 10), cash={coin: amount})
    assert held.margin_equity - alone.margin_equity == 10_000
    assert abs(part(held, "scenario") - 4000 - scenario) < D("1e-6")
    if eth_gap:
        assert abs(gap(held, "ETH") - 1000 - eth_gap) < D("1e-6")
    assert gap(held, f"{coin} itself") == own
    assert part(held, "closing") - part(alone, "closing") == add_on


def test_lost_pegs_are_scenarios_of_their_own():
    assert part(found_of(cash={"USDC": 10_000}), "scenario") == 1000
    assert found_of(cash={"USDC": 10_000}).binding.subject == "pegs lost: market 0 %, volatility none"
    hedged = found_of((perp("ETH"), -5), cash={"STETH": 5})
    assert hedged.binding.subject == "pegs lost: market 0 %, volatility none"
    assert part(hedged, "scenario") == 800


@exact
def test_a_pool_token_loses_by_its_invariant_and_is_rounded_against_whoever_has_it():
    token, half = Follows(("ETH", "USDT")), {"ETH": D("0.5")}
    down, up = (token.factor(half, one, depeg=False) for one in (Rounding.DOWN, Rounding.UP))
    assert down < up
    assert up - down == D("1e-18")
    assert down * down < D("0.5") < up * up
    assert Follows(("ETH", "BTC")).factor({"ETH": D("0.5"), "BTC": D(2)}, Rounding.DOWN, depeg=False) == 1
    assert Follows(("ETH",), beta=D(3)).factor(half, Rounding.DOWN, depeg=False) == 0
    owed, held = (scan(cash={"ETH-USDT-LP": sign * 10**6}).gaps["ETH"] for sign in (-1, 1))
    assert owed < held  # √1.05 − 1 is less than 1 − √0.95


def test_options_are_scanned_by_their_formula():
    """A short straddle: up 32 % at 0.4 against 16 %, volatility by time, to the scan's twelve places."""
    legs = [(option("call", 50_000), -1), (option("put", 50_000), -1)]
    found = scan(*legs)
    now = sum(float(price76(50_000.0, 50_000.0, 30 / 365, 0.6, c)) for c in (True, False))
    worst = min(
        -float(one.weight)
        * (
            sum(
                float(price76(50_000.0 * (1 + float(one.move)), 50_000.0, 30 / 365, 0.6 * vol, c))
                for c in (True, False)
            )
            - now
        )
        for one in parameters().scenarios
        for vol in [{"up": 1.4, "down": 0.75, "none": 1.0}[one.volatility.value]]
    )
    assert float(found.amount) == pytest.approx(-worst, rel=1e-9)
    assert found.scenario == "market +16 %, volatility up"
    assert set(found.gaps) == {"BTC"}


def test_an_iron_condor_needs_at_most_its_width():
    wings = [("put", 42_000, 1), ("put", 45_000, -1), ("call", 55_000, -1), ("call", 58_000, 1)]
    legs = [(option(kind, strike), size) for kind, strike, size in wings]
    together, apart = scan(*legs).total, sum(float(scan(leg).total) for leg in legs)
    assert 0 < together < 3000
    assert apart > 5 * float(together)


def test_modes_scan_the_same_and_net_differently():
    legs = [(perp(), 1), (future(), -1)]
    joint, apart, alone = (found_of(*legs, mode=mode) for mode in (Mode.PORTFOLIO, Mode.CROSS, Mode.ISOLATED))
    assert joint.required == 250
    assert apart.required == 18_250
    assert alone.required == D("1.1") * 18_250


def test_purposes_multiply():
    found = {purpose: found_of((perp(), 1), purpose=purpose).required for purpose in ORDER}
    assert [found[one] / 9125 for one in ORDER] == [D("1.3"), D("1.2"), D("1.1"), D("1.1"), 1]


@exact
def test_a_scan_in_which_everything_gains_requires_nothing():
    note = structured([(name, D(7)) for name in NAMES])
    found = scan((note, 3), prices={"NOTE": D(50)})
    assert (found.scenario, found.amount, found.total) == ("", 0, 0)


def test_a_structured_product_enters_by_its_scenarios():
    results = [(name, D(-100) if "+16" in name else D(7)) for name in NAMES]
    note = structured(results)
    prices = {"NOTE": D(50)}
    assert scan((note, 3), prices=prices).amount == 300
    assert scan((note, -3), prices=prices).amount == 21
    with_hedge = scan((note, 3), (perp(), "0.03"), prices=prices)  # 0.03 BTC gains 240 where the note loses 300
    assert with_hedge.amount == D("240") - 21
    found = found_of((note, 3), prices=prices)
    assert part(found, "closing") == D("0.375")
    for wrong in (results[1:], [*results, ("else", D(0))]):
        with pytest.raises(RulesError, match="its results must name this rule set's 22 scenarios"):
            scan((structured(wrong), 1), prices=prices)
    with pytest.raises(UnitsError, match="states no result of scenario 'x'"):
        note.result("x")
    for bad in ([], [("a", D(1)), ("a", D(2))]):
        with pytest.raises(UnitsError, match="must name each scenario once"):
            structured(bad)
    assert isinstance(note, Structured)


def test_a_structured_product_is_traded_like_a_contract():
    """Two more at 50 on one at a mark of 50: the fee leaves cash, and the requirement is that of three."""
    note = structured([(name, D(-100)) for name in NAMES])
    book, market = pool_of((note, 1), cash={"USDT": 1000}, prices={"NOTE": D(50)})
    found = what_if(book, market, RULES, [Trade("p", "NOTE", 2000, note.ticks(D(50)))])
    after = assess_pool(found.book, found.market, RULES, Purpose.MAINTAIN, "p")
    assert after.value == 1000 - D("0.05")  # 0.05 % of 100
    assert after.required == D("300.375")


def test_other_rule_sets_refuse_a_structured_product():
    note = (structured([("a", D(1))]), 1)
    book, market = pool_of(note, prices={"NOTE": D(50)}, method=Method.TIERED, mode=Mode.CROSS)
    with pytest.raises(RulesError, match="not Structured NOTE"):
        assess_pool(book, market, venue("generic"), Purpose.MAINTAIN, "p")
    scenario = pool_of(note, prices={"NOTE": D(50)})
    for name, words in (("derive_pmrm2", "does not cover a structured"), ("span", "linear futures and options")):
        with pytest.raises(RulesError, match=words):
            assess_pool(*scenario, venue(name), Purpose.MAINTAIN, "p")


def test_what_is_not_listed_counts_nothing_and_cannot_be_owed():
    found = found_of(cash={"JUNK": 500, "USDT": 10})
    assert (found.value, found.margin_equity, found.required) == (510, 10, 0)
    with pytest.raises(RulesError, match="a debt in JUNK has no scan"):
        found_of(cash={"JUNK": -1})
    inverse = Perpetual("I", "BTC", USDT, Asset("BTC", 8), D(1), D(1), Payoff.INVERSE)
    book, market = pool_of((perp(), 1))
    with pytest.raises(RulesError, match="covers linear contracts settled in USDT, not I"):
        assess_pool(replace(book, instruments={"BTC-PERP": inverse}), market, RULES, Purpose.MAINTAIN, "p")


def test_rules_that_contradict_themselves_are_refused():
    own = parameters()
    with pytest.raises(RulesError, match="names must differ"):
        replace(own, scenarios=(Joint("a", D(0)), Joint("a", D(1))))
    for weight in ("0", "1.01"):
        with pytest.raises(RulesError, match="above 0 and at most 1"):
            replace(own, scenarios=(Joint("a", D(0), weight=D(weight)),))
    with pytest.raises(RulesError, match="got 3 legs"):
        replace(own, collateral={"X": Follows(("A", "B", "C"))})


def test_funding_and_entry_prices_count_in_value():
    book, market = pool_of((perp(), 1, 49_000), cash={"USDT": 10})
    paid = replace(market, funding={"BTC-PERP": 5_000_000})
    assert assess_pool(book, market, RULES, Purpose.MAINTAIN, "p").value == 1010
    assert assess_pool(book, paid, RULES, Purpose.MAINTAIN, "p").value == 1010 - 50
    without = {key: price for key, price in market.prices.items() if key != PriceKey(PriceKind.INDEX, "BTC", "USDT")}
    assert assess_pool(book, replace(market, prices=without), RULES, Purpose.MAINTAIN, "p").required == 9125


def test_a_fill_owes_the_funding_until_now_and_none_from_before_it():
    """Five dollars a lot of 0.001 have been paid since the beginning: the held lots owe them, new ones do not."""
    buy = Order("o", "BTC-PERP", 1000, perp().ticks(D(50_000)))
    book, market = pool_of((perp(), 1), cash={"USDT": 10_000}, orders=((perp(), buy),))
    paid = replace(market, funding={"BTC-PERP": 5 * 10**6})
    admit, maintain = (assess_pool(book, paid, RULES, one, "p") for one in (Purpose.ADMIT, Purpose.MAINTAIN))
    assert maintain.value == admit.value == 10_000 - 50
    assert admit.required == D("1.2") * 2 * 9125
    fresh, market = pool_of(cash={"USDT": 10_000}, orders=((perp(), buy),))
    assert (
        assess_pool(fresh, replace(market, funding={"BTC-PERP": 5 * 10**6}), RULES, Purpose.ADMIT, "p").value == 10**4
    )


legs = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from([perp(), perp("ETH"), future("SOL")]),
            st.builds(option, st.sampled_from(["call", "put"]), st.sampled_from([40_000, 50_000, 65_000]), st.just(30)),
        ),
        st.integers(-5, 5).filter(bool),
    ),
    max_size=4,
    unique_by=lambda leg: leg[0].symbol,
)
coins = st.dictionaries(st.sampled_from(sorted(parameters().collateral)), st.integers(1, 50), max_size=2)


@settings(max_examples=25, deadline=None)
@given(legs, coins, st.sampled_from([Mode.PORTFOLIO, Mode.CROSS]))
def test_l07_stricter_purposes_find_no_more(held, cash, mode):
    book, market = pool_of(*held, cash={"USDT": 100, **cash}, mode=mode)
    found = [assess_pool(book, market, RULES, purpose, "p").surplus for purpose in ORDER]
    assert found == sorted(found)


@settings(max_examples=40, deadline=None)
@given(legs, coins, st.sampled_from(sorted(parameters().collateral)), st.integers(1, 10**6), st.sampled_from(Mode))
@exact
def test_l11_more_collateral_lowers_no_surplus(held, cash, coin, more, mode):
    before = pool_of(*held, cash=cash, mode=mode)
    after = pool_of(*held, cash={**cash, coin: cash.get(coin, 0) + more}, mode=mode)
    for purpose in (Purpose.MAINTAIN, Purpose.WITHDRAW):
        low, high = (assess_pool(*pair, RULES, purpose, "p") for pair in (before, after))
        assert high.surplus >= low.surplus


@settings(max_examples=25, deadline=None)
@given(legs, coins)
@exact
def test_l19_lines_sum_and_portfolio_margin_is_the_least(held, cash):
    joint, apart = (found_of(*held, cash=cash, mode=mode) for mode in (Mode.PORTFOLIO, Mode.CROSS))
    for found in (joint, apart):
        assert found.required == sum((line.required for line in found.lines), D(0))
        assert found.low <= found.surplus <= found.high
    assert joint.required <= apart.required


def test_the_rule_set_is_offered_for_what_it_covers():
    check_order(venue("generic"))
    assert RULES.capabilities.modes == {Mode.CROSS, Mode.ISOLATED, Mode.PORTFOLIO}
    assert RULES.margin.contract(option("call", 1)).schedules == {}
    with pytest.raises(RulesError, match="margins linear contracts and options"):
        RULES.margin.contract(Perpetual("I", "BTC", USDT, Asset("BTC", 8), D(1), D(1), Payoff.INVERSE))


@pytest.mark.parametrize("days", [2, 60])
@pytest.mark.parametrize("strike", [42_000, 50_500])
def test_the_bound_holds_the_profit_of_ninety_digits(strike, days):
    """Each scenario's profit of a held option is within the bound that travels to the assessment."""
    listed = option("put", strike, days)
    book, market = pool_of((listed, -7))
    (one,) = exact(lambda: list(scanned(parameters(), whole_pool(book, market, book.holdings[0], "x"), "USDT")))()
    shock = parameters().volatility
    series, expiries = one_series(strike, 0.6, days * 86_400.0, 50_000.0)
    years = D(float(expiries.years[0]))
    now = high.black(D(50_000), D(strike), years, D(0.6), D(1), False)[0]
    assert 0 < one.error < 1e-7
    for scenario, profit in zip(parameters().scenarios, one.profits, strict=True):
        volatility = D(float(shock.shocked(scenario.volatility, series, expiries)[0]))
        factor = D(float(exact(parameters().factor)("BTC", scenario.move)))
        with localcontext(Context(prec=high.DIGITS, traps=[])):
            then = high.black(50_000 * factor, D(strike), years, volatility, D(1), False)[0]
            off = abs(scenario.weight * -7 * (then - now) - profit)
        assert off <= one.error
