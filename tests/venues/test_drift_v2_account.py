"""Drift v2: what one account counts and requires, where each rule of the margin calculation turns."""

from __future__ import annotations

from dataclasses import replace

from solvent.venues.drift_v2.account import Account, calculate
from solvent.venues.drift_v2.formulas import MarginType, token_value
from solvent.venues.drift_v2.markets import PerpMarket, Quoted, SpotMarket
from tests.venues.drift_accounts import perp, spot, sums, usdc


def test_profit_is_worth_less_cost_on_both_sides_and_funding_counts():
    assert perp(2 * 10**9, -150_000_000, funding=-7).profit == 49_999_993
    assert perp(-2 * 10**9, 150_000_000).profit == -50_000_000
    assert perp(0, -5).profit == -5


def test_balances_are_cut_and_debts_rounded_up():
    assert (token_value(19, 9, 100_000_000), token_value(-19, 9, 100_000_000)) == (1, -2)
    assert sums(Account((spot(-1),)), MarginType.INITIAL) == (0, 1)


def test_at_most_a_hundred_dollars_of_profit_count_for_new_risk_alone():
    market = PerpMarket(1000, 500, profit_initial=10_000)
    for profit, counted in ((100_000_000, 100_000_000), (100_000_001, 100_000_000)):
        account = Account(perps=(perp(0, profit, market=market),))
        assert sums(account, MarginType.INITIAL)[0] == counted
        assert sums(account, MarginType.FILL)[0] == profit
        assert sums(account)[0] == profit


def test_a_loss_counts_in_full_whatever_the_weight_of_profit():
    account = Account(perps=(perp(0, -300_000_000, market=PerpMarket(1000, 500, profit_maintenance=0)),))
    assert [sums(account, kind)[0] for kind in MarginType] == [-300_000_000] * 3


def test_the_weight_of_profit_falls_with_everybodys_net_profit_and_its_size():
    market = PerpMarket(1000, 500, profit_initial=10_000, max_imbalance=100)
    assert [market.profit_weight(1, MarginType.FILL, net) for net in (100, 101, 400)] == [10_000, 9900, 2500]
    assert market.profit_weight(1, MarginType.MAINTENANCE, 400) == 10_000
    assert PerpMarket(1000, 500).profit_weight(5, MarginType.INITIAL) == 0


def test_strict_prices_are_taken_leg_by_leg():
    """A deposit at its low, a debt at its high: a hedged account pays on both sides, unlike a whole-book minimum."""
    eth = replace(spot(-(10**9), 100_000_000, 110_000_000), name="ETH")
    account = Account((spot(10**9, 100_000_000, 90_000_000), eth))
    assert sums(account, MarginType.INITIAL) == (80_000_000, 120_000_000)
    assert sums(account, MarginType.INITIAL, strict=True) == (72_000_000, 132_000_000)


def test_the_quote_token_is_strict_for_profits_and_requirements_and_the_underlying_is_not():
    market = PerpMarket(1000, 500, profit_initial=10_000)
    account = Account(perps=(perp(10**9, -90_000_000, market=market),), quote=Quoted(1_000_000, 900_000))
    assert sums(account, MarginType.INITIAL, strict=True) == (9_000_000, 10_000_000)
    account = replace(account, quote=Quoted(1_000_000, 1_100_000))
    assert sums(account, MarginType.INITIAL, strict=True) == (10_000_000, 11_000_000)


def test_open_orders_count_at_every_purpose_the_larger_position_and_a_cent_each():
    held = perp(10**9, -100_000_000, bids=10**9, asks=-(2 * 10**9), orders=2)
    assert held.worst == 2 * 10**9
    assert sums(Account(perps=(held,))) == (0, 10_020_000)
    assert perp(10**9, 0, bids=10**9, asks=-(3 * 10**9)).worst == -(2 * 10**9)
    assert perp(10**9, 0, bids=10**9, asks=-(4 * 10**9)).worst == -(3 * 10**9)


def test_orders_of_a_prediction_market_count_by_what_they_may_lose():
    market = PerpMarket(10_000, 9_999, prediction=True)
    cheap = perp(0, 0, price=250_000, market=market, bids=2 * 10**9, asks=-(10**9))
    assert cheap.worst == -(10**9)
    assert replace(cheap, market=PerpMarket(1000, 500)).worst == 2 * 10**9


def test_spot_orders_count_on_the_side_that_leaves_less():
    bids = spot(0, bids=10**9, orders=1)
    assert sums(Account((bids,)), MarginType.INITIAL) == (80_000_000, 100_010_000)
    asks = spot(10**9, asks=-(2 * 10**9))
    assert sums(Account((asks,)), MarginType.INITIAL) == (200_000_000, 120_000_000)
    harmless = spot(2 * 10**9, asks=-(10**9))
    assert sums(Account((harmless,)), MarginType.INITIAL) == (160_000_000, 0)


def test_a_market_in_settlement_requires_nothing_but_keeps_its_profit():
    account = Account(perps=(perp(10**9, -90_000_000, market=PerpMarket(1000, 500, settlement=True)),))
    assert sums(account) == (10_000_000, 0)


def test_the_users_own_ratio_bounds_new_risk_and_an_override_everything():
    account = Account((usdc(10**9), spot(-(10**9)), replace(spot(10**9), name="ETH")), (perp(10**9, 0),))
    own = replace(account, margin_ratio=5000)
    assert sums(own, MarginType.FILL) == sums(account, MarginType.FILL)
    assert sums(own, MarginType.INITIAL) == (10**9 + 50_000_000 + 0, 150_000_000 + 50_000_000)
    assert sums(replace(account, override=5000)) == (10**9 + 50_000_000 + 100_000_000, 200_000_000)
    mine = replace(account, perps=(perp(10**9, 0, margin_ratio=2000),))
    assert sums(mine, MarginType.INITIAL)[1] - sums(account, MarginType.INITIAL)[1] == 10_000_000
    assert sums(mine) == sums(account)


def test_high_leverage_mode_counts_where_the_market_offers_it():
    market = PerpMarket(1000, 501, 50, 200, 101)
    small_size = 10**9
    ratios = [market.ratio(small_size, kind, high_leverage=True) for kind in MarginType]
    assert ratios == [200, 150, 101]
    plain = PerpMarket(1000, 501, 50, 200, 0)
    assert [plain.ratio(small_size, kind, high_leverage=True) for kind in MarginType] == [1000, 750, 501]
    assert market.ratio(10**15, MarginType.INITIAL, high_leverage=True) == 1300


def test_size_premiums_meet_the_plain_ratio_where_the_program_says():
    """At √size·imf = a fifth of the ratio the two are equal; the high-leverage ratio is then the lowered one."""
    market = PerpMarket(1000, 500, 50, 100, 50)
    even = 16 * 10**13
    assert market.ratio(even, MarginType.INITIAL) == 1000
    assert market.ratio(even, MarginType.INITIAL, high_leverage=True) == 100
    beyond = even + 2 * 10**12
    assert market.ratio(beyond, MarginType.INITIAL) == market.ratio(beyond, MarginType.INITIAL, high_leverage=True)


def test_deposits_scale_the_initial_weight_from_their_limit_on():
    market = SpotMarket(8000, 9000, 12000, 11000, scale_start=100)
    assert [market.asset_weight(0, MarginType.INITIAL, value) for value in (99, 100, 101, 200)] == [
        8000,
        8000,
        7920,
        4000,
    ]
    assert [market.asset_weight(0, MarginType.FILL, 200), market.asset_weight(0, MarginType.MAINTENANCE, 200)] == [
        6500,
        9000,
    ]


def test_the_buffer_is_cut_part_by_part_and_charges_only_what_is_below_zero():
    account = Account(
        (usdc(10**8),), (perp(0, -(10**8)), replace(perp(0, -49), name="BTC"), replace(perp(0, 9), name="X"))
    )
    found = calculate(account, MarginType.MAINTENANCE, buffer=200)
    assert (found.collateral_buffer, found.required_buffer) == (-2_000_000, 0)
    assert calculate(Account((spot(-(10**9)),)), MarginType.MAINTENANCE, buffer=200).required_buffer == 2_000_000
