"""Synthetix V3's orders, liquidation windows, funding and interest at the points where they turn."""

from dataclasses import replace
from fractions import Fraction

import pytest

from solvent.book import Order
from solvent.margin import Trade, assess_pool, what_if
from solvent.rules import RulesError
from solvent.venues import venue
from solvent.venues.synthetix_v3 import funding, orders
from solvent.venues.synthetix_v3.account import margins, model_of
from solvent.venues.synthetix_v3.liquidation import Liquidated, flagged, liquidation_step
from solvent.venues.synthetix_v3.requirement import PerpFacts
from solvent.venues.synthetix_v3.rewards import Guards, KeeperRules
from tests.venues.synthetix_accounts import (
    ADMIT,
    FREE,
    ONE_ETH,
    PLAIN,
    RULES,
    D,
    book,
    market,
    plain,
    usd,
)

# Orders

NO_FEES = D(0)


def order(delta, old="0", skew="0", price="100", facts=PLAIN):
    return orders.Order(facts, D(old), D(delta), D(skew), D(price))


def account(available, others=()):
    return orders.Account(D(available), D(available), others)


@pytest.mark.parametrize(
    ("skew", "delta", "price"),
    [
        ("0", "10", "100.05"),
        ("0", "-10", "99.95"),
        ("100", "10", "101.05"),
        ("-100", "10", "99.05"),
        ("-5", "10", "100"),
    ],
)
def test_a_fill_pays_the_mean_premium(skew, delta, price):
    assert orders.fill_price(D(skew), D(10_000), D(delta), D(100)) == D(price)


def test_a_fill_is_rounded_against_the_trader():
    assert orders.fill_price(D(0), D(3), D(2), D(1)) == D("1.333333333333333334")
    assert orders.fill_price(D(0), D(3), D(-2), D(1)) == D("0.666666666666666666")


@pytest.mark.parametrize(
    ("skew", "delta", "fee"),
    [
        ("0", "10", "10"),
        ("5", "10", "10"),
        ("-10", "10", "1"),
        ("-20", "10", "1"),
        ("-4", "10", "6.4"),
        ("4", "-10", "6.4"),
    ],
)
def test_makers_reduce_the_skew_and_takers_grow_it(skew, delta, fee):
    facts = replace(PLAIN, maker_fee=D("0.001"), taker_fee=D("0.01"))
    assert orders.order_fee(facts, D(skew), D(delta), D(100)) == D(fee)


@pytest.mark.parametrize(("available", "accepted"), [("10.5", True), ("10.4999", False)])
def test_an_order_needs_initial_margin_and_its_starting_loss(available, accepted):
    found = orders.order_check(account(available), order("10"), NO_FEES, FREE)
    assert (found.required, found.available) == (10, D(available) - D("0.5"))
    assert found.accepted is accepted
    assert found.refusals == (() if accepted else ("margin",))


def test_a_good_fill_gains_nothing_yet():
    found = orders.order_check(account("10"), order("10", skew="-100"), NO_FEES, FREE)
    assert (found.fill_price, found.available, found.accepted) == (D("99.05"), 10, True)


def test_fees_are_required_too():
    assert orders.order_check(account("11"), order("10"), D("0.6"), FREE).required == D("10.6")


@pytest.mark.parametrize(
    ("old", "delta", "required"),
    [
        ("10", "-4", "0"),
        ("10", "-10", "0"),
        ("-10", "4", "0"),
        ("10", "-11", "1"),
        ("10", "1", "11"),
        ("10", "-20", "10"),
    ],
)
def test_less_of_a_position_needs_only_its_fee(old, delta, required):
    found = orders.order_check(account("100"), order(delta, old=old), D("0.5"), FREE)
    assert found.required == D(required) + D("0.5")


def test_the_flag_reward_counts_the_order_at_its_fill():
    rules = KeeperRules(Guards(D(0), D(0), D(1000), D(1000)))
    facts = replace(PLAIN, flag_ratio=D("0.1"))
    others = [orders.Entry(facts, D(-2), D(50))]
    found = orders.order_check(account("1000", others), order("10", old="10", facts=facts), NO_FEES, rules)
    assert found.required == 20 + 1 + 10 + 20 * D("100.05") * D("0.1")


@pytest.mark.parametrize(("available", "refused"), [("5", False), ("4.99", True)])
def test_a_liquidatable_account_may_do_nothing(available, refused):
    found = orders.order_check(account(available), order("-5", old="10"), NO_FEES, FREE)
    assert ("liquidatable" in found.refusals) is refused


def test_admission_of_a_book_reads_the_market():
    held = book(usd(100), ONE_ETH)
    wide = (("skew", "ETH-PERP", "100"), ("settlement_reward", "ETH-PERP", "0.1"))
    rules = plain(taker_fee=D("0.001"))
    found = orders.admission(held, market(wide=wide), rules, "p", "ETH-PERP", 10_000)
    assert found.fill_price == 2000 + 2000 * D("0.01005")
    assert found.fees == found.fill_price * D("0.001") + D("0.1")
    assert found.required == D("42.1201")
    assert found.available == 100 - D("20.1")
    assert found.accepted
    other = orders.admission(held, market(), rules, "p", "BTC-PERP", 1)
    assert Fraction(other.required) == Fraction("20.06") + Fraction(other.fees)
    with pytest.raises(RulesError, match="an order needs a perpetual of the book"):
        orders.admission(held, market(), rules, "p", "DOGE-PERP", 1)
    with pytest.raises(RulesError, match="has no account with a capped reward"):
        orders.admission(held, market(), venue("generic"), "p", "ETH-PERP", 1)


@pytest.mark.parametrize(
    ("lots", "name", "of", "limit", "refused"),
    [
        (10_000, "max_market_size", "ETH-PERP", "61", False),
        (10_000, "max_market_size", "ETH-PERP", "60.999", True),
        (-20_000, "max_market_size", "ETH-PERP", "41", False),
        (-20_000, "max_market_size", "ETH-PERP", "40.999", True),
        (10_000, "max_market_value", "ETH-PERP", "122000", False),
        (10_000, "max_market_value", "ETH-PERP", "121999.99", True),
        (10_000, "credit", "lp", "2000", False),
        (10_000, "credit", "lp", "1999.99", True),
        (-10_000, "max_market_size", "ETH-PERP", "0", False),  # less of a position always may
    ],
)
def test_caps_of_a_market(lots, name, of, limit, refused):
    # longs 60, shorts 40, and one of the longs is this account's
    wide = (("open_interest", "ETH-PERP", "100"), ("skew", "ETH-PERP", "20"), (name, of, limit))
    found = orders.admission(book(usd(1000), ONE_ETH), market(wide=wide), plain(), "p", "ETH-PERP", lots)
    assert found.refusals == ((name,) if refused else ())


def test_an_account_holds_so_many_positions():
    narrow = replace(model_of(plain()), most_positions=1)
    rules = replace(plain(), models=dict.fromkeys(plain().models, narrow))
    held = book(usd(10_000), ONE_ETH)
    assert orders.admission(held, market(), rules, "p", "ETH-PERP", 1).accepted
    assert orders.admission(held, market(), rules, "p", "BTC-PERP", 1).refusals == ("max_positions",)
    assert model_of(RULES).most_positions == 10


def test_the_ordinary_check_sees_requirement_and_reward():
    held = book(usd(40), ONE_ETH)
    rules = plain(KeeperRules(Guards(D(5), D(0), D(5), D(1))))
    trade = Trade("p", "ETH-PERP", 5_000, 200_000)
    assert what_if(held, market(), rules, [trade]).allowed  # 30 + 5, and a fee of 0.5
    assert not what_if(held, market(), rules, [replace(trade, lots=7_500)]).allowed


def test_resting_orders_count_as_the_worse_side_filled():
    resting = Order("o", "ETH-PERP", 10_000, 200_000)
    found = assess_pool(book(usd(100), ONE_ETH, orders=[resting]), market(), plain(), ADMIT, "p")
    assert found.required == 40


# Liquidation

WINDOW = PerpFacts(D(1000), D(0), D(0), D(0), D(0), D(0), D("0.007"), D("0.003"), D(1), D(10), D("0.06"))


@pytest.mark.parametrize(
    ("history", "skew", "requested", "amount"),
    [
        ([], "300", "150", "100"),
        ([], "300", "50", "50"),
        ([(991, "60")], "300", "150", "40"),
        ([(990, "60")], "300", "150", "100"),  # just left the window
        ([(995, "60"), (999, "30")], "300", "150", "10"),
        ([(995, "100")], "60", "150", "0"),  # the premium is at its limit, not below
        ([(995, "100")], "-59.9", "150", "100"),
        ([(995, "100")], "59.9", "20", "20"),
        ([(995, "50"), (1000, "50")], "0", "150", "0"),  # in the block of the last one
        ([(995, "120")], "300", "150", "0"),
    ],
)
def test_liquidations_fit_a_rolling_window(history, skew, requested, amount):
    past = [Liquidated(at, D(size)) for at, size in history]
    step = liquidation_step(WINDOW, D(skew), past, 1000, D(requested))
    assert step == (100, D(amount))


def test_some_liquidations_have_no_limit():
    past = [Liquidated(1000, D(100))]
    assert liquidation_step(WINDOW, D(0), past, 1000, D(500), endorsed=True).amount == 500
    assert liquidation_step(replace(WINDOW, maker_fee=D(0), taker_fee=D(0)), D(0), past, 1000, D(500)) == (0, 500)
    strict = replace(WINDOW, max_premium=D(0))
    assert liquidation_step(strict, D(0), [Liquidated(995, D(100))], 1000, D(500)).amount == 0


def test_flagging_takes_everything_and_leaves_the_positions():
    resting = Order("o", "ETH-PERP", 1, 200_000)
    held = book(usd("-70"), ONE_ETH, orders=[resting], coins=usd("0.001"))
    rules = plain(KeeperRules(Guards(D(1), D(0), D(30), D("0.3"))))
    seized = flagged(held, market(), rules, "p")
    after = seized.book.holding("p")
    assert (seized.taken, seized.debt_wiped, seized.reward) == ({"cbBTC": usd("0.001")}, usd(70), 1)
    assert (dict(after.cash), after.orders) == ({"snxUSD": 0, "cbBTC": 0}, ())
    assert after.positions == held.holding("p").positions
    assert margins(seized.book, market(), rules, "p").liquidatable
    with pytest.raises(RulesError, match="pool p is not liquidatable: surplus 90 snxUSD"):
        flagged(book(usd(100), ONE_ETH), market(), plain(), "p")


# Funding and interest


def test_the_funding_rate_drifts_and_its_mean_accrues():
    found = funding.funding_after(D(-500), D(100), D(9), D("0.5"), D(2), D(10))
    assert found == (D("-17.5"), 170)
    assert found.paid(D(2)) == -340
    assert found.paid(D(-2), D(5)) == 335


@pytest.mark.parametrize(
    ("locked", "delegated", "rate"),
    [
        ("50", "100", "0.5"),
        ("75", "100", "0.75"),
        ("80", "100", "1.25"),
        ("200", "100", "3.25"),
        ("0", "0", "3.25"),
        ("1", "-5", "3.25"),
    ],
)
def test_interest_turns_at_its_breakpoint(locked, delegated, rate):
    assert funding.interest_rate(D(locked), D(delegated), funding.Gradients(D("0.01"), D("0.75"), D("0.1"))) == D(rate)


def test_interest_is_charged_on_what_locks_credit():
    assert funding.interest_due(D(1000), D("0.1"), D("0.5"), D(3_155_760)) == 5
    assert funding.interest_due(D(1), D(1), D(1), D(1), places=2) == D("0.01")
