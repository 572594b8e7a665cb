"""Derive's standard manager: where its verdicts flip, its auction and its cash."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Purpose
from solvent.conformance import conform
from solvent.instruments import OptionKind
from solvent.margin import assess_pool
from solvent.rules import RulesError
from solvent.units import ZERO, exact
from solvent.venues import venue
from solvent.venues.derive_srm import auction, cash
from solvent.venues.derive_srm.feeds import forward_parts
from solvent.venues.derive_srm.options import OptionTerms, Written, expiry_margin, isolated
from solvent.venues.derive_srm.rules import model_of, parameters, with_parameters
from tests.venues.derive_accounts import POOL, account

RULES = venue("derive_srm")
VECTORS = Path(__file__).parent.parent / "vectors"
SUITE = OptionTerms(*(Decimal(x) for x in ("0.15", "0.1", "0.075", "0.075", "0.075", "1.2", "1.1", "1.05")))
D = Decimal


def surplus(book, market, purpose=Purpose.MAINTAIN, rules=RULES):
    return assess_pool(book, market, rules, purpose, POOL).surplus


def written(kind, strike, size, worth=0):
    return Written(OptionKind(kind), D(strike), D(size), D(worth))


def test_the_vectors_pass():
    report = conform([VECTORS / "derive_srm.json", VECTORS / "derive_auction.json"])
    assert report.as_json()["failures"] == []
    assert report.as_json()["passed"] == 76


@exact
def test_a_short_call_by_hand_out_of_the_money_and_below_the_least_share():
    """Spot 1500, most 15 %, least 10 %: at 1550 the share is 225 − 50 = 175, at 1600 it is 150, the least."""
    for strike, need in ((1500, 225), (1550, 175), (1575, 150), (1600, 150), (1400, 225)):
        assert isolated(written("call", strike, -1, -20), D(1500), SUITE, initial=True) == -20 - need
        assert isolated(written("call", strike, -1, -20), D(1500), SUITE, initial=False) == -20 - D("112.5")


@exact
def test_a_short_put_by_hand():
    """Maintenance is the larger of 7.5 % of the spot and of the value; initial at least 105 % of maintenance."""
    assert isolated(written("put", 1500, -2, -200), D(1500), SUITE, initial=False) == -200 - 225
    assert isolated(written("put", 9000, -1, -7500), D(1500), SUITE, initial=False) == -7500 - D("562.5")
    assert isolated(written("put", 9000, -1, -7500), D(1500), SUITE, initial=True) == D("1.05") * D("-8062.5")
    assert isolated(written("put", 1450, -1, -50), D(1500), SUITE, initial=True) == -50 - 175
    assert isolated(written("put", 1500, 3, 90), D(1500), SUITE, initial=True) == 0


@exact
def test_the_better_of_both_margins_counts():
    spread = [written("call", 100, -1, -12), written("call", 105, 1, 9)]
    found = expiry_margin(spread, D(100), D(100), SUITE, initial=True)
    assert (found.isolated, found.bounded, found.margin) == (-27, -5, -5)
    wide = [written("call", 100, -1, -12), written("call", 150, 1, 1)]
    found = expiry_margin(wide, D(100), D(100), SUITE, initial=True)
    assert (found.bounded, found.margin) == (-50, -27)


@exact
def test_net_short_calls_are_charged_a_share_of_the_forward_and_puts_at_a_price_of_zero():
    naked = expiry_margin([written("call", 100, -2, -8)], D(100), D(110), SUITE, initial=True)
    assert naked.bounded == -2 * D("1.2") * 110
    assert (
        expiry_margin([written("call", 100, -2, -8)], D(100), D(110), SUITE, initial=False).bounded
        == -2 * D("1.1") * 110
    )
    put = expiry_margin([written("put", 100, -2, -8)], D(100), D(110), SUITE, initial=True)
    assert put.bounded == -200
    box = [written("call", 90, 1), written("call", 100, -1), written("put", 90, -1), written("put", 100, 1)]
    assert expiry_margin(box, D(100), D(100), SUITE, initial=True).bounded == 0


@exact
def test_options_of_one_strike_and_type_are_one():
    halves = [written("call", 100, -1, -5), written("call", 100, 1, 5)]
    found = expiry_margin(halves, D(100), D(100), SUITE, initial=True)
    assert (found.isolated, found.bounded) == (0, 0)


def test_expiries_do_not_offset():
    calendar = account(options=[(-1, "call", 1500, 10, 0.6), (1, "call", 1500, 40, 0.6)])
    together = account(options=[(-1, "call", 1500, 10, 0.6), (1, "call", 1500, 10, 0.6)])
    assert surplus(*together) == 1000
    short = account(options=[(-1, "call", 1500, 10, 0.6)])
    assert surplus(*calendar) == surplus(*short)  # a long option of another expiry gives nothing


@exact
def test_perpetuals_and_collateral_by_hand():
    """Long 2 at 1505, entered at 1500: profit 10, 6.5 % of 3010; 1 ETH counts 80 % × 1500, × 0.9375 at initial."""
    book, market = account(perp=(2, 1505, 1500), coins=[("ETH", 1, 1500)])
    assert surplus(book, market) == 1000 + 10 - D("0.065") * 3010 + 1200
    assert surplus(book, market, Purpose.ADMIT) == 1000 + 10 - 301 + D("0.9375") * 1200
    found = assess_pool(book, market, RULES, Purpose.MAINTAIN, POOL)
    assert found.value == 1000 + 10 + 1500
    assert found.low == found.high == found.surplus  # no option: exact


@exact
@pytest.mark.parametrize(("sure", "charge"), [("0.55", 0), ("0.5499", "0.4501"), ("0.1", "0.9")])
def test_prices_below_the_threshold_are_charged_at_initial_margin_only(sure, charge):
    book, market = account(perp=(-2, 1500, 1500), confidence={"ETH-PERP": sure})
    plain = account(perp=(-2, 1500, 1500))
    assert surplus(book, market, Purpose.ADMIT) == surplus(*plain, Purpose.ADMIT) - D(charge) * 3000
    assert surplus(book, market) == surplus(*plain)


@exact
def test_a_falling_stablecoin_charges_shorts_and_perpetuals():
    given = {"options": [(-1, "call", 1500, 10, 0.6), (2, "put", 1400, 10, 0.6)], "perp": (-3, 1500, 1500)}
    sound, falling = account(**given, stable="0.99"), account(**given, stable="0.95")
    assert surplus(*sound, Purpose.ADMIT) == surplus(*account(**given), Purpose.ADMIT)
    charge = 2 * D("0.04") * (1 + 3) * 1500
    assert surplus(*falling, Purpose.ADMIT) == surplus(*sound, Purpose.ADMIT) - charge
    assert surplus(*falling) == surplus(*sound)


@exact
def test_collateral_is_valued_in_the_numeraire_and_counted_in_dollars():
    book, market = account(coins=[("ETH", 1, 1500)], stable="0.75")
    found = assess_pool(book, market, RULES, Purpose.MAINTAIN, POOL)
    assert (found.value, found.surplus) == (3000, 1000 + 1200)


@exact
def test_the_buffer_margin_is_maintenance_and_a_share_of_the_requirement():
    book, market = account(perp=(2, 1500, 1500), coins=[("ETH", 1, 1500)])
    found = assess_pool(book, market, RULES, Purpose.MAINTAIN, POOL)
    expected = auction.buffer_margin(found.surplus, found.value, parameters().buffer)
    assert surplus(book, market, Purpose.RECOVER) == expected


def test_resting_orders_count_as_the_worse_side_where_orders_are_admitted():
    book, market = account(perp=(1, 1500, 1500), orders=[("ETH-PERP", -500, 150_000), ("ETH-PERP", 100, 150_000)])
    assert surplus(book, market) == surplus(*account(perp=(1, 1500, 1500)))
    assert surplus(book, market, Purpose.ADMIT) == surplus(*account(perp=(-4, 1500, 1500)), Purpose.ADMIT)


def test_other_coins_have_the_strictest_class_and_are_no_collateral():
    book, market = account(perp=(1, 100, 100), coin="DOGE", spot="100", coins=[("DOGE", 5, 100)])
    found = assess_pool(book, market, RULES, Purpose.ADMIT, POOL)
    assert found.value == 1500
    assert found.surplus == 950


def test_what_is_not_covered_is_refused_by_name():
    book, market = account(perp=(1, 1500, 1500))
    listed = replace(book.instruments["ETH-PERP"], settle=book.assets["USDC"])
    other = replace(book, holdings=(replace(book.holdings[0], pool=replace(book.holdings[0].pool, numeraire="USD")),))
    with pytest.raises((RulesError, ValueError), match="USD"):
        assess_pool(other, market, RULES, Purpose.MAINTAIN, POOL)
    assert RULES.margin.contract(listed).brackets[0].max_leverage == 1000
    with pytest.raises(RulesError, match="not a standard manager"):
        model_of(venue("derive_pmrm1"))


LEGS = st.lists(
    st.tuples(
        st.integers(-5, 5).filter(bool),
        st.sampled_from(["call", "put"]),
        st.integers(12, 19).map(lambda k: 100 * k),
        st.sampled_from([1, 7, 45]),
        st.sampled_from([0.4, 0.8, 1.3]),
    ),
    max_size=5,
)
PERPS = st.one_of(st.none(), st.integers(-4, 4).filter(bool).map(lambda n: (n, 1500, 1480)))


@settings(max_examples=25, deadline=None)
@given(LEGS, PERPS, st.sampled_from(["1", "0.95"]))
@example([(-1, "put", 1800, 7, 1.3), (2, "call", 1200, 1, 0.4)], (-3, 1500, 1480), "0.95")
def test_initial_margin_is_stricter_than_maintenance(legs, perp, stable):
    """L-07: WITHDRAW = ADMIT = FILL ≤ MAINTAIN, and RECOVER ≤ MAINTAIN."""
    book, market = account(options=legs, perp=perp, stable=stable, coins=[("BTC", "0.01", 30000)])
    found = {purpose: surplus(book, market, purpose) for purpose in Purpose}
    assert found[Purpose.WITHDRAW] == found[Purpose.ADMIT] == found[Purpose.FILL] <= found[Purpose.MAINTAIN]
    assert found[Purpose.RECOVER] <= found[Purpose.MAINTAIN]


def test_the_buffer_may_ask_for_more_than_opening_does():
    """L-07 holds no further: a spread needs its worst payoff to open, and 15 % more to leave an auction."""
    book, market = account(options=[(-1, "put", 1500, 7, 0.5), (1, "put", 1400, 7, 0.5)])
    assert surplus(book, market, Purpose.RECOVER) < surplus(book, market, Purpose.ADMIT)


@settings(max_examples=20, deadline=None)
@given(LEGS, PERPS, st.sampled_from(["ETH", "BTC", "DOGE"]))
@example([], (2, 1500, 1480), "ETH")
def test_a_coin_lowers_no_surplus_and_a_smaller_factor_raises_none(legs, perp, coin):
    """L-11, where prices are sure."""
    bare, rich = account(options=legs, perp=perp), account(options=legs, perp=perp, coins=[(coin, 1, 1500)])
    own = parameters()
    cut = {name: one._replace(base=one.base / 2) for name, one in own.markets.items()}
    for purpose in (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL, Purpose.MAINTAIN):
        assert surplus(*bare, purpose) <= surplus(*rich, purpose)
        harsher = with_parameters(RULES, replace(own, markets=cut))
        assert surplus(*rich, purpose, harsher) <= surplus(*rich, purpose)


def test_a_coin_nobody_is_sure_of_can_lower_a_surplus():
    """L-11 does not hold where a coin's confidence is below the threshold: its charge is more than it counts."""
    rich = account(coins=[("ETH", 1, 1500)], confidence={"ETH": "0.1"})
    assert surplus(*rich, Purpose.ADMIT) < surplus(*account(), Purpose.ADMIT)


def test_a_coin_that_counts_nothing_lowers_the_margin_an_auction_restores():
    """L-11 does not hold at RECOVER: the buffer is a share of value less margin, and the coin is value."""
    rich = account(coins=[("DOGE", 1, 1500)])
    assert surplus(*rich, Purpose.RECOVER) < surplus(*account(), Purpose.RECOVER)


def test_the_forward_is_split_in_the_last_half_hour():
    assert forward_parts(D(1500), D(1400), D(1800)) == (1500, 0)
    assert forward_parts(D(1500), D(1400), D(900)) == (750, 700)
    assert forward_parts(D(1500), D(1400), ZERO) == (0, 1400)


TERMS = auction.AuctionTerms(*(D(x) for x in ("1", "0.8", "600", "7200", "600", "0", "0.1")))


@exact
def test_an_auction_sells_what_brings_the_buffer_margin_to_zero():
    book, market = account(cash="250", perp=(2, 1500, 1500), options=[(-1, "call", 1500, 6, 1.0)])
    before = assess_pool(book, market, RULES, Purpose.MAINTAIN, POOL)
    assert before.surplus < 0
    left, running, fee = auction.begin(book, market, RULES, POOL, TERMS)
    assert fee == 0
    bid = auction.take(left, market, RULES, running, D(1))
    assert bid.share < 1
    assert bid.share == bid.before.largest
    assert -2 < bid.after.buffer <= 0  # what does not divide into lots stays with the account
    assert bid.after.maintenance > 0
    assert bid.auction.reserved == bid.paid


def test_a_sound_account_has_no_auction():
    with pytest.raises(RulesError, match="not below its maintenance margin"):
        auction.begin(*account(), RULES, POOL, TERMS)


@exact
def test_the_edges_of_an_auction():
    assert [auction.share_of_value(TERMS, D(s)) for s in (600, 7800, 7801)] == [D("0.8"), 0, 0]
    assert auction.largest_share(TERMS, D(300), D(50), ZERO, D(1)) == 0
    assert auction.largest_share(TERMS, D(-50), D(-300), ZERO, D(1)) == 1
    assert auction.insolvent_price(TERMS, D(50), D(-300), D(0)) == 0
    assert auction.insolvent_price(TERMS, D(-100), D(-300), D(9999)) == -300


@exact
def test_cash_interest_is_shared_and_sums():
    rates = cash.RateTerms(*(D(x) for x in ("0.05", "0.3", "2", "0.6")))
    assert cash.borrow_rate(rates, D("0.6")) == D("0.23")
    assert cash.borrow_rate(rates, D("0.7")) == D("0.43")
    ledger = cash.opened(rates, D("0.2"), {"a": D(-30), "b": D(20), "c": D(50), "sm": ZERO})
    later = ledger.accrued(cash.YEAR_SECONDS)
    assert abs(later.supply - later.borrowed - ledger.stable) < D("1e-20")
    earned = later.borrowed - ledger.borrowed
    assert abs(later.fees - earned * D("0.2")) < D("1e-20")
    assert abs((later.balances["c"] - 50) / 50 - (later.balances["b"] - 20) / 20) < D("1e-20") if later.fees else False
    assert cash.utilisation(D(100), D(80), D(-100)) == D("0.4")
    assert cash.utilisation(D(100), D(80), D(100)) == D("0.8")
    assert cash.utilisation(ZERO, D(80)) == 0


@exact
def test_an_insolvency_takes_the_security_module_then_fees_then_new_cash():
    rates = cash.RateTerms(*(D(x) for x in ("0.05", "0.3", "2", "0.6")))
    ledger = replace(cash.opened(rates, D("0.2"), {"a": D(-30), "b": D(60), "sm": D(10)}), fees=D(5))
    paid = ledger.paid_out("a", D(12))
    assert (paid.balances["sm"], paid.fees, paid.balances["a"]) == (0, 3, -18)
    most = ledger.paid_out("a", D(40))
    assert (most.balances["sm"], most.fees, most.balances["a"]) == (0, 0, 10)
    assert most.supply - most.borrowed - (ledger.supply - ledger.borrowed) == 25  # cash nobody stands behind
