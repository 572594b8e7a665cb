"""Synthetix V3's rules for an account at the points where they turn."""

from dataclasses import replace

import pytest

from solvent.book import Market, Mode, PriceKey, PriceKind
from solvent.instruments import Future, Payoff, Perpetual
from solvent.margin import Withdraw, assess_pool, explain, what_if
from solvent.rules import RulesError, Sized
from solvent.units import Asset, exact
from solvent.venues.parts import WeightTable
from solvent.venues.synthetix_v3.account import margins
from solvent.venues.synthetix_v3.collateral import discount
from solvent.venues.synthetix_v3.requirement import PerpFacts, PerpTable, SkewCurve
from solvent.venues.synthetix_v3.rewards import Costs, Guards, KeeperRules, keeper_reward, possible_reward
from solvent.venues.synthetix_v3.rules import table, vault
from tests.laws import checkers
from tests.venues.synthetix_accounts import (
    ADMIT,
    ETH,
    LISTED,
    MAINTAIN,
    ONE_ETH,
    PLAIN,
    RULES,
    USD,
    WITHDRAW,
    D,
    book,
    market,
    plain,
    usd,
)

# Requirement


def test_the_requirement_is_quadratic_in_size_and_linear_in_price():
    facts = PerpFacts(D(1000), D(2), D("0.01"), D("0.5"), D(0), D(15))
    at = [facts.required(D(n), D(100), initial=True) for n in (1, -1, 10, 20)]
    assert at == [D("16.2"), D("16.2"), 45, 115]
    assert facts.required(D(20), D(100), initial=False) == 65
    assert facts.required(D(20), D(200), initial=True) == 215
    assert facts.required(D(0), D(100), initial=True) == 0


def test_a_rate_is_rounded_up():
    assert PerpFacts(D(3), D(1), D(0), D(1), D(0), D(0)).initial_rate(D(1)) == D("0.333333333333333334")


def test_the_curve_is_what_the_market_requires():
    for facts in (*table().by_underlying.values(), table().default):
        for initial in (True, False):
            for size in (D("0.01"), D(-7), D(300)):
                sized = Sized("X", size, D(0), Market({}))
                schedule = SkewCurve(facts, initial).at_size(sized)
                notional = abs(size) * 100
                assert exact(schedule.at)(notional) == facts.required(size, D(100), initial=initial)
    assert SkewCurve(PLAIN, True).at_size(Sized("X", D(0), D(0), Market({}))).at(D(5)) == 0


def test_markets_not_listed_take_the_strict_class_and_their_own_skew_scale():
    strict = table().facts(LISTED["NEW"])
    assert strict.minimum_ratio == max(one.minimum_ratio for one in (*table().by_underlying.values(), strict))
    held = book(usd(1000), {"NEW-PERP": 10_000_000})
    wide = assess_pool(held, market(wide=(("skew_scale", "NEW-PERP", "10000"),)), RULES, ADMIT, "p")
    deep = assess_pool(held, market(), RULES, ADMIT, "p")
    assert wide.required > deep.required
    with pytest.raises(RulesError, match=r"market\.wide\.skew_scale\.NEW-PERP: got 0, expected more than 0"):
        assess_pool(held, market(wide=(("skew_scale", "NEW-PERP", "0"),)), RULES, ADMIT, "p")
    listed = book(usd(1000), ONE_ETH)
    given = market(wide=(("skew_scale", "ETH-PERP", "1"),))
    assert assess_pool(listed, given, RULES, ADMIT, "p") == assess_pool(listed, market(), RULES, ADMIT, "p")


@pytest.mark.parametrize(("cash", "verdict"), [("10", False), ("9.99999999", True)])
def test_an_account_falls_strictly_below_its_line(cash, verdict):
    found = margins(book(usd(cash), ONE_ETH), market(), plain(), "p")
    assert (found.available, found.liquidatable) == (D(cash), verdict)


def test_markets_are_added_up_and_profits_counted_in_full():
    held = book(usd(100), {**ONE_ETH, "BTC-PERP": -100}, {"ETH-PERP": 190_000})
    found = margins(held, market({"BTC-PERP": 6_100_000}), plain(), "p")
    assert (found.available, found.initial, found.maintenance) == (100 + 100 - 10, D("26.1"), D("13.05"))
    assert found.withdrawable == 190 - D("26.1")


# Rewards

GUARDS = Guards(D(2), D("0.5"), D(30), D("0.1"))


@pytest.mark.parametrize(
    ("reward", "cost", "seized", "paid"),
    [
        ("0", "0", "1000", "2"),
        ("0", "2", "1000", "4"),  # cost and the least USD; profit would be 3
        ("0", "10", "1000", "15"),  # cost and half of it
        ("5", "10", "1000", "15"),
        ("6", "10", "1000", "16"),
        ("40", "0", "1000", "30"),
        ("40", "0", "200", "20"),  # a tenth of what is seized
        ("40", "0", "0", "30"),  # nothing seized: no share bounds it
        ("1", "0", "5", "0.5"),
    ],
)
def test_a_reward_inside_its_guards(reward, cost, seized, paid):
    assert keeper_reward(GUARDS, D(reward), D(cost), D(seized)) == D(paid)


def test_further_windows_cost_a_call_each():
    rules, costs = KeeperRules(GUARDS, D("0.01")), Costs(D(1), D(2))
    paid = [possible_reward(rules, D(0), D(1000), windows, costs) for windows in (0, 1, 2, 3)]
    # one call: max(3 + 2, 4.5, 10 + 3) = 13, the ten a hundredth of the collateral; each further one 2 + 2
    assert paid == [13, 13, 17, 21]


def test_the_reward_is_capped_over_the_whole_account():
    rules = plain(KeeperRules(Guards(D(0), D(0), D(30), D(1))), flag_ratio=D("0.01"))
    alone = margins(book(usd(1000), ONE_ETH), market(), rules, "p")
    both = margins(book(usd(1000), {**ONE_ETH, "SOL-PERP": 100_000}), market(), rules, "p")
    assert (alone.reward, both.reward) == (20, 30)  # 1 % of 2,000 and of 1,000 more
    assert alone.withdrawable == 1000 - 20 - 20


def test_windows_and_keepers_costs_enter_the_account():
    rules = plain(KeeperRules(GUARDS), maker_fee=D("0.01"), taker_fee=D("0.01"), skew_scale=D(10),
                  window_multiplier=D(1), window_seconds=D(2))  # fmt: skip
    costs = (("flag_cost", "keeper", "1"), ("liquidate_cost", "keeper", "2"))
    # a window holds 0.4; one ether takes three, bitcoin one
    held = book(usd(1000), {"BTC-PERP": 1, "ETH-PERP": 10_000})
    assert margins(held, market(wide=costs), rules, "p").reward == 5 + 2 * 4
    assert PLAIN.windows(D(5)) == 0
    exactly = replace(PLAIN, maker_fee=D("0.5"), window_multiplier=D(1), window_seconds=D("0.0001"))
    assert [exactly.windows(D(n)) for n in ("0.5", "0.5000001", "-1")] == [1, 2, 2]


def test_seized_collateral_is_undiscounted_and_no_debt():
    rules = replace(plain(KeeperRules(Guards(D(0), D(0), D(500), D("0.01"))), flag_ratio=D("0.9")))
    deep = (("spot_skew_scale", "cbBTC", "1"),)
    held = book(usd(-100), ONE_ETH, coins=usd("0.1"))
    assert margins(held, market(wide=deep), rules, "p").reward == 60


# Collateral


@pytest.mark.parametrize(
    ("amount", "scale", "rate"),
    [("0", "100", "0.01"), ("1", "100", "0.01"), ("2", "100", "0.02"), ("7.5", "100", "0.075"), ("8", "100", "0.075"),
     ("8", "0", "0"), ("8", None, "0.075"), ("1", "30", "0.033333333333333334")],
)  # fmt: skip
def test_the_discount_grows_with_the_amount_between_its_limits(amount, scale, rate):
    terms = discount("cbBTC", D(1), D("0.01"), D("0.075"))
    assert terms.rate(D(amount), None if scale is None else D(scale)) == D(rate)


def test_a_synth_counts_at_its_discount_and_every_other_asset_nothing():
    wide = (("spot_skew_scale", "cbBTC", "50"),)
    found = assess_pool(book(0, coins=usd(1)), market(wide=wide), RULES, MAINTAIN, "p")
    assert found.margin_equity == 60_000 * D("0.98")
    assert RULES.collateral.asset("DOGE") is None
    assert set(WeightTable({}).by_asset) == set()
    owed = assess_pool(book(usd(100), coins=usd("-0.001")), market(), RULES, MAINTAIN, "p")
    assert owed.margin_equity == 40


# Withdrawal


def test_without_positions_collateral_leaves_at_its_full_value():
    held = book(0, coins=usd(1))
    assert assess_pool(held, market(), RULES, ADMIT, "p").surplus == 55_500
    leaving = assess_pool(held, market(), RULES, WITHDRAW, "p")
    assert leaving.surplus == 60_000
    assert checkers.lines_add_up(leaving).held
    # so a withdrawal finds more surplus than an order: the order of purposes is not kept here


def test_what_is_no_collateral_stays_worth_nothing_at_a_withdrawal():
    doge = Asset("DOGE", 8)
    held = book(usd(5))
    more = replace(held, assets={**held.assets, "DOGE": doge}).with_holding(held.holding("p").with_cash("DOGE", usd(7)))
    prices = market().with_prices({PriceKey(PriceKind.INDEX, "DOGE", "snxUSD"): D(1)})
    assert assess_pool(more, prices, RULES, WITHDRAW, "p").surplus == 5


@pytest.mark.parametrize("lots", [{}, ONE_ETH])
def test_with_a_debt_nothing_leaves(lots):
    held = book(usd(-1), lots, coins=usd(1))
    assert assess_pool(held, market(), RULES, WITHDRAW, "p").surplus <= -1
    assert margins(held, market(), RULES, "p").withdrawable == 0
    refused = what_if(held, market(), RULES, [Withdraw("p", "cbBTC", 1)])
    assert [one.limit for one in refused.refusals] == ["withdraw"]
    deep_in_debt = book(usd(-70_000), lots, coins=usd(1))
    assert assess_pool(deep_in_debt, market(), RULES, WITHDRAW, "p").surplus < -70_000


@pytest.mark.parametrize(("debt", "liquidatable"), [("0", False), ("-55498", False), ("-55499.00000001", True)])
def test_an_account_without_positions_falls_when_its_debt_and_the_reward_are_not_covered(debt, liquidatable):
    held = book(usd(debt), coins=usd(1))
    assert margins(held, market(), RULES, "p").liquidatable is liquidatable


# What is not offered, and the pool


def test_what_synthetix_has_not_is_refused_by_name():
    for listed in (
        Future("F", "ETH", USD, USD, D("0.01"), D("0.0001")),
        Perpetual("I", "ETH", USD, USD, D("0.01"), D(1), payoff=Payoff.INVERSE),
    ):
        with pytest.raises(RulesError, match="is not traded here; there are linear perpetuals"):
            RULES.margin.contract(listed)
    with pytest.raises(RulesError, match=r"ETH-PERP: no market; there are \['A'\]"):
        PerpTable({"A": PLAIN}).contract(ETH)
    held = book(usd(100), ONE_ETH)
    alone = replace(held.holding("p"), pool=replace(held.holding("p").pool, mode=Mode.ISOLATED))
    with pytest.raises(RulesError, match="no isolated margin"):
        assess_pool(replace(held, holdings=(alone,)), market(), RULES, MAINTAIN, "p")


def test_the_providers_pool_takes_the_other_side():
    pool = vault()
    assert pool.opposite(-3, 7) == (3, -7)
    assert pool.locked("SOL", D(10)) == 5
    assert pool.locked("NEW", D(10)) == 10
    assert (pool.takes_seized, pool.bears_bad_debt, pool.trade_price_with_skew) == (True, True, True)


def test_the_explanation_names_the_reward():
    told = explain(book(usd(100), ONE_ETH), market(), RULES, "p")
    assert any(line.startswith("reward requires 1 ") for line in told.sentences)
    assert told.state == "healthy"
    assert explain(book(usd(20), ONE_ETH), market(), RULES, "p").state == "liquidating"
