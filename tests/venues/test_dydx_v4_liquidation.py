"""Liquidation and deleveraging on the chain, in quote quantums."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from solvent.rules import RulesError
from solvent.venues.dydx_v4.accounts import (
    chain_state,
    held,
    settled,
)
from solvent.venues.dydx_v4.deleveraging import (
    CROSS_POOL,
    DeleveragePrice,
    PoolTransfer,
    TransitionRefused,
    collateral_pool,
    deleverage,
    deleverage_price,
    deleverage_walk,
    insurance_fund,
    pool_transfer,
    withdrawals_blocked,
)
from solvent.venues.dydx_v4.formulas import (
    LiquidityTier,
    maintenance_margin,
    notional,
    open_interest_after,
)
from solvent.venues.dydx_v4.limits import Left, position_limits, subaccount_limits
from solvent.venues.dydx_v4.liquidation import (
    DeltaError,
    Fill,
    FillRefused,
    Ranked,
    bankruptcy_price,
    checked_fill,
    fillable_price,
    in_order,
    insurance_fund_delta,
    limit_subticks,
    liquidation_lots,
)
from solvent.venues.dydx_v4.model import risk
from tests.venues.dydx_accounts import BTC, CONFIG, ETH, RULES, TIER, account, risk_of, state, subaccounts

# --- liquidation -----------------------------------------------------------------------------------------------------

THIN = account(-13_000_000, (BTC, 100_000_000))


def test_the_bankruptcy_price_is_rounded_up_for_the_fund():
    made = state(THIN)
    whole = risk(*made, "a")
    freed = 5_000_000_000 - maintenance_margin(notional(100_000_000 - 21_347, BTC.price, -5, -8), TIER)
    exactly = 21_347 * 500 - Fraction(whole.net_collateral * freed, whole.maintenance)
    price = bankruptcy_price(*made, "a", "perpetual-0", -21_347)
    assert (price, exactly < price < exactly + 1) == (2776, True)


@given(subaccounts(), st.integers(1, 1000))
@example(THIN, 1)
def test_closing_a_part_at_the_bankruptcy_price_makes_nobody_riskier(one, part):
    """The rest keeps at least its share of what the account is worth, by no more than a quantum."""
    made = chain_state([one], RULES)
    before = risk(*made, "a")
    for position in made.book.holding("a").positions:
        lots = -(position.lots * part // 1000)
        if before.maintenance == 0 or lots == 0 or abs(lots) > abs(position.lots):
            continue
        price = bankruptcy_price(*made, "a", position.symbol, lots)
        touched = settled(made.book, made.market, "a")
        still = replace(touched.position(position.symbol), lots=position.lots + lots)
        unit = 10 ** (made.book.assets["USDC"].scale - 6)
        paid = touched.with_position(still).with_cash("USDC", price * unit)
        if still.lots == 0:
            paid = paid.with_cash("USDC", -still.cost)  # what it cost goes with it
        after = risk(made.book.with_holding(paid), made.market, made.rules, "a")
        share = Fraction(before.net_collateral * after.maintenance, before.maintenance)
        assert share <= after.net_collateral < share + 1


@pytest.mark.parametrize(("usdc", "price"), [(-4_501_000_000, 4_501_000_000), (-5_100_000_000, 5_100_000_000)])
def test_closing_everything_at_the_bankruptcy_price_leaves_nothing(usdc, price):
    assert bankruptcy_price(*state(account(usdc, (BTC, 10_000_000))), "a", "perpetual-0", -10_000_000) == price


@pytest.mark.parametrize("lots", [0, 1, -10_000_001])
def test_a_change_that_does_not_reduce_the_position_is_refused(lots):
    made = state(account(-4_501_000_000, (BTC, 10_000_000)))
    for ask in (
        lambda: bankruptcy_price(*made, "a", "perpetual-0", lots),
        lambda: fillable_price(*made, "a", "perpetual-0", lots, CONFIG),
        lambda: bankruptcy_price(*made, "a", "perpetual-9", -1),
    ):
        with pytest.raises(DeltaError, match="does not reduce a position"):
            ask()


def test_an_account_that_requires_nothing_has_no_bankruptcy_price():
    free = replace(BTC, tier=LiquidityTier(0, 0))
    with pytest.raises(RulesError, match="nothing is required at maintenance"):
        bankruptcy_price(*state(account(-1, (free, 1))), "a", "perpetual-0", -1)


def test_the_fillable_price_moves_from_the_oracle_to_the_full_spread():
    """ABR is 0 on the maintenance line, 1 at nothing left and below, and is not less than 0 above the line."""
    narrow = replace(CONFIG, spread_to_maintenance_ppm=100_000)

    def price(usdc, config=narrow, size=10_000_000):
        made = state(account(usdc, (BTC, size)))
        return fillable_price(*made, "a", "perpetual-0", -size, config)

    assert price(-4_500_000_000) == 500
    assert price(-4_000_000_000) == 500
    assert price(-4_750_000_000) == Fraction(500) - Fraction(50, 20)
    assert price(-5_000_000_000) == 495
    assert price(-6_000_000_000) == 495
    assert price(-4_750_000_000, replace(narrow, bankruptcy_adjustment_ppm=2_000_000)) == 495
    assert price(5_000_000_000, size=-10_000_000) == 505
    safe = state(account(0, (replace(BTC, tier=LiquidityTier(1_000_000, 1_000_000)), 10_000_000)))
    with pytest.raises(RulesError, match="more than the position is worth"):
        fillable_price(*state(account(-9_000_000_000, (replace(BTC, tier=LiquidityTier(1_000_000, 1_000_000)),
                       10_000_000))), "a", "perpetual-0", -1, CONFIG)  # fmt: skip
    assert fillable_price(*safe, "a", "perpetual-0", -1, CONFIG) == 500


@pytest.mark.parametrize(
    ("price", "per_tick", "sell", "buy"),
    [(Fraction(10), 5, 10, 10), (Fraction(21, 2), 5, 15, 10), (Fraction(1, 2), 5, 5, 5), (Fraction(2**64), 5,
     2**64 - 1, 2**64 - 1)],
)  # fmt: skip
def test_the_limit_is_on_the_tick_towards_the_account(price, per_tick, sell, buy):
    assert limit_subticks(price, 0, per_tick, selling=True) == sell
    assert limit_subticks(price, 0, per_tick, selling=False) == buy
    assert limit_subticks(price / 100, -2, per_tick, selling=True) == sell


SHORT = account(4_900_000_000, (BTC, -10_000_000))


@pytest.mark.parametrize(
    ("subticks", "fee_ppm", "delta"),
    [
        (49_000_000_000, 5_000, 0),  # at the bankruptcy price
        (49_000_000_100, 5_000, -10),  # 1e-8 × 10^7: ten quantums worse
        (48_999_999_900, 5_000, 10),  # ten better: all of it is the fee
        (48_756_218_905, 5_000, 24_378_109),  # the fee at its most: 24,378,109.45 cut
        (44_100_000_000, 1_000_000, 490_000_000),
    ],
)
def test_the_fund_is_paid_at_most_what_is_left_above_bankruptcy(subticks, fee_ppm, delta):
    config = replace(CONFIG, max_fee_ppm=fee_ppm)
    fill = Fill(True, 10_000_000, subticks, -8)
    assert insurance_fund_delta(*state(SHORT), "a", "perpetual-0", fill, config) == delta


def test_a_fill_is_rejected_by_an_empty_fund_and_by_the_blocks_limits():
    made = state(SHORT)
    worse = Fill(True, 10_000_000, 49_000_000_100, -8)
    plenty = Left(5_000_000_000, 10)

    def fund_delta(left, fund):
        return checked_fill(*made, "a", "perpetual-0", worse, CONFIG, left, fund)

    assert fund_delta(plenty, 10) == -10
    with pytest.raises(FillRefused, match="the insurance fund holds 9"):
        fund_delta(plenty, 9)
    with pytest.raises(FillRefused, match="4999999999 left in this block"):
        fund_delta(Left(4_999_999_999, 10), 10)
    with pytest.raises(FillRefused, match="a loss of 10 is more than the 9 left"):
        fund_delta(Left(5_000_000_000, 9), 10)


def test_block_limits_turn_at_a_thousand_dollars_and_ten_per_cent():
    dollar = 10**6
    assert position_limits(999 * dollar, CONFIG) == (999 * dollar, 999 * dollar)
    assert position_limits(-10_000 * dollar, CONFIG) == (1_000 * dollar, 1_000 * dollar)
    assert position_limits(10_010 * dollar, CONFIG) == (1_000 * dollar, 1_001 * dollar)
    assert position_limits(10_000 * dollar + 19, CONFIG).most == 1_000 * dollar + 1
    assert subaccount_limits(CONFIG, 1, 5) == (99_999_999_999, 10**12)
    assert subaccount_limits(CONFIG, 0, -5) == (10**11, 10**12 - 5)


@pytest.mark.parametrize(
    ("size", "step", "liquidated", "lots"),
    [
        (2_000_000, 1, 0, -2_000_000),  # 1,000 dollars: all of it
        (2_000_001, 1, 0, -2_000_000),  # just above: a thousand dollars
        (100_000_000, 1, 0, -10_000_000),  # 50,000 dollars: a tenth
        (-100_000_000, 3_000_000, 0, 9_000_000),  # rounded down to steps
        (100_000_000, 20_000_000, 0, -20_000_000),  # at least a step
        (2_100_000, 2_100_000, 0, -2_100_000),  # one step is not cut
        (10_000_000_000, 1, 0, -200_000_000),  # 5,000,000 dollars: the account's 100,000 a block
        (10_000_000_000, 1, 99_999_000_000, -2_000),  # what is left of them
    ],
)
def test_how_much_a_block_liquidates(size, step, liquidated, lots):
    made = state(account(0, (BTC, size)))
    assert liquidation_lots(*made, "a", "perpetual-0", CONFIG, step=step, liquidated=liquidated) == lots
    with pytest.raises(DeltaError, match="holds no perpetual-7"):
        liquidation_lots(*made, "a", "perpetual-7", CONFIG)


def test_orders_go_by_distance_then_size_then_hash():
    far, large, small = (
        Ranked(Fraction(90), Fraction(100), 1, "z"),
        Ranked(Fraction(105), Fraction(100), 9, "y"),
        Ranked(Fraction(95), Fraction(100), 9, "x"),
    )
    assert in_order([large, small, far]) == [far, small, large]
    assert in_order([small, large._replace(notional=10)]) == [large._replace(notional=10), small]


# --- deleveraging ----------------------------------------------------------------------------------------------------

BANKRUPT = account(49_999_000_000, (BTC, -100_000_000), name="x")


def test_both_sides_trade_at_the_bankruptcy_price_and_nothing_is_lost():
    made = state(BANKRUPT, account(50_000_000_000, (BTC, 100_000_000), name="y"))
    done = deleverage(*made, "x", "y", "perpetual-0", 100_000_000)
    assert (held(done.book, "x"), held(done.book, "y")) == ((0, {}), (99_999_000_000, {}))
    assert done.received == -49_999_000_000
    at_oracle = state(account(50_001_000_000, (BTC, -100_000_000), name="x"), account(0, (BTC, 100_000_000), name="y"))
    settled_up = deleverage(*at_oracle, "x", "y", "perpetual-0", 100_000_000, DeleveragePrice.ORACLE)
    assert (held(settled_up.book, "x").usdc, held(settled_up.book, "y").usdc) == (1_000_000, 50_000_000_000)


def test_funding_is_settled_before_the_trade_so_that_it_is_not_lost_with_the_position():
    """The short owes 3 millionths a quantum, the long is owed them: 300 quote quantums on 100 million."""
    paying = replace(BTC, funding_index=-3)
    made = state(account(49_999_000_000, (paying, -100_000_000), name="x"), account(5, (paying, 100_000_000), name="y"))
    assert risk(*made, "x").net_collateral == -1_000_300
    done = deleverage(*made, "x", "y", "perpetual-0", 100_000_000)
    assert (done.received, held(done.book, "x"), held(done.book, "y")) == (
        -49_998_999_700,
        (0, {}),
        (49_998_999_700 + 5 + 300, {}),
    )
    part = deleverage(*made, "x", "y", "perpetual-0", 25_000_000)
    assert risk(part.book, part.market, made.rules, "y").net_collateral == (
        risk(*made, "y").net_collateral - 12_500_000_000 - part.received
    )


@pytest.mark.parametrize(("usdc", "fine"), [(-49_999_000_000, True), (-49_999_000_001, False)])
def test_a_counterparty_that_would_end_below_zero_is_refused(usdc, fine):
    made = state(BANKRUPT, account(usdc, (BTC, 100_000_000), name="y"))
    if fine:
        assert held(deleverage(*made, "x", "y", "perpetual-0", 100_000_000).book, "y").usdc == 0
    else:
        with pytest.raises(TransitionRefused, match=r"pool y: (Still|Newly)Undercollateralized"):
            deleverage(*made, "x", "y", "perpetual-0", 100_000_000)


def test_a_walk_passes_over_the_wrong_side_and_the_riskier_and_stops_when_done():
    made = state(
        BANKRUPT,
        account(9 * 10**10, (BTC, -100_000_000), name="short"),
        account(-50_001_000_000, (BTC, 100_000_000), name="broke"),
        account(0, (BTC, 60_000_000), name="first"),
        account(0, (BTC, 70_000_000), name="second"),
        account(0, (BTC, 70_000_000), name="third"),
    )
    names = ("short", "broke", "x", "first", "second", "third")
    walked = deleverage_walk(*made, "x", "perpetual-0", names)
    assert (walked.closed, walked.left) == ({"first": 60_000_000, "second": 40_000_000}, 0)
    short = deleverage_walk(*made, "x", "perpetual-0", names, most=4)
    assert (short.closed, short.left) == ({"first": 60_000_000}, 40_000_000)
    assert held(short.book, "x").quantums == {"perpetual-0": -40_000_000}
    total = sum(held(made.book, name).usdc for name in names)
    assert sum(held(walked.book, name).usdc for name in names) == total
    with pytest.raises(DeltaError, match="holds no perpetual-3"):
        deleverage_walk(*made, "x", "perpetual-3", names)


def test_positions_keep_their_order_through_a_partial_trade():
    made = state(
        account(80_000_000_000, (BTC, -100_000_000), (ETH, -10_000_000_000), name="x"),
        account(0, (BTC, 100_000_000), (ETH, 1), name="y"),
    )
    done = deleverage(*made, "x", "y", "perpetual-0", 40_000_000)
    assert list(held(done.book, "x").quantums.items()) == [("perpetual-0", -60_000_000), ("perpetual-1", -(10**10))]
    assert list(held(done.book, "y").quantums.items()) == [("perpetual-0", 60_000_000), ("perpetual-1", 1)]


def test_deleveraging_takes_open_interest_away():
    crowded = replace(BTC, open_interest=300_000_000)
    made = state(account(49_999_000_000, (crowded, -100_000_000), name="x"), account(0, (crowded, 10**8), name="y"))
    done = deleverage(*made, "x", "y", "perpetual-0", 100_000_000)
    assert done.market.figure("open_interest", "perpetual-0") == 2
    blind = replace(made.market, wide={})
    assert deleverage(made.book, blind, made.rules, "x", "y", "perpetual-0", 100_000_000).market == blind
    assert open_interest_after(300, [(-100, 0), (100, 0)]) == 200
    assert open_interest_after(300, [(-100, -150), (-20, 30)]) == 330


def test_deleveraging_is_for_accounts_below_zero_or_markets_in_final_settlement():
    assert deleverage_price(-1, final_settlement=True) is DeleveragePrice.BANKRUPTCY
    assert deleverage_price(0, final_settlement=True) is DeleveragePrice.ORACLE
    assert deleverage_price(0) is None


# --- isolated markets ------------------------------------------------------------------------------------------------

ALONE = replace(ETH, isolated=True)


def test_an_isolated_market_takes_a_whole_subaccount_with_its_own_pool_and_fund():
    made = state(account(5_000_000, (ALONE, 100)))
    holding = made.book.holding("a")
    assert collateral_pool(made.rules, holding) == "subaccounts:perpetual-1"
    assert insurance_fund(made.rules, holding) == "insurance-fund:perpetual-1"
    with pytest.raises(RulesError, match="perpetual-1 is an isolated market and takes a whole sub-account"):
        risk_of(account(0, (ALONE, 100), (BTC, 1)))
    assert risk_of(account(0, (ETH, 100), (BTC, 1))).net_collateral == 800
    common = state(account(7_000_000, (BTC, 1)))
    assert collateral_pool(common.rules, common.book.holding("a")) == CROSS_POOL


def test_opening_moves_what_was_there_and_closing_what_is_left():
    made = state(account(5_000_000, (ALONE, 100)))
    opened = made.book.holding("a")
    empty = replace(opened.with_cash("USDC", 300), positions=())
    unit = 10 ** (made.book.assets["USDC"].scale - 6)
    empty = replace(opened, positions=(), cash={"USDC": 5_000_300 * unit})
    own = "subaccounts:perpetual-1"
    assert pool_transfer(made.rules, made.book, empty, opened) == PoolTransfer(CROSS_POOL, own, 5_000_300)
    closed = replace(opened, positions=(), cash={"USDC": 5_000_299 * unit})
    assert pool_transfer(made.rules, made.book, opened, closed) == PoolTransfer(own, CROSS_POOL, 5_000_299)
    assert pool_transfer(made.rules, made.book, opened, opened) is None
    with pytest.raises(TransitionRefused, match="a negative amount of -1 cannot move"):
        pool_transfer(made.rules, made.book, opened, replace(closed, cash={"USDC": -unit}))


@pytest.mark.parametrize(("block", "blocked"), [(100, True), (149, True), (150, False)])
def test_withdrawals_are_held_back_for_fifty_blocks(block, blocked):
    assert withdrawals_blocked(block, negative_seen=100) is blocked
    assert withdrawals_blocked(block, outage_ended=100) is blocked
    assert withdrawals_blocked(block, negative_seen=1, outage_ended=100) is blocked
    assert not withdrawals_blocked(block)
