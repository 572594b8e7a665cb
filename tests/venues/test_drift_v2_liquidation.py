"""Drift v2: liquidations as calls over slots, sizes and fees, losses, interest, and what guards them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from solvent.venues.drift_v2 import guards, lending, losses
from solvent.venues.drift_v2 import liquidation as sizes
from solvent.venues.drift_v2.account import Account, calculate
from solvent.venues.drift_v2.formulas import U64_MOST, U128_MOST, MarginType, ProgramError
from solvent.venues.drift_v2.markets import PerpMarket
from solvent.venues.drift_v2.perp_liquidation import (
    Call,
    Liquidation,
    SufficientCollateralError,
    Terms,
    is_bankrupt,
    liquidate_perp,
)
from tests.venues.drift_accounts import perp, spot, usdc

TERMS = Terms(200, 1000, 150)
MARKET = PerpMarket(1000, 500, liquidator_fee=10_000, fund_fee=10_000, step=10_000_000)


def held(deposit, base=20 * 10**9, quote=-2_000_000_000, **more):
    return Account((usdc(deposit),), (perp(base, quote, market=MARKET, **more),))


def liquidated(account, call=None, before=None, settings_=TERMS):
    return liquidate_perp(account, "SOL-PERP", settings_, before or Liquidation(), call or Call(0, 10**12))


def test_an_account_on_its_requirement_is_not_liquidated_and_one_unit_below_it_is():
    with pytest.raises(SufficientCollateralError, match="100000000 meets the maintenance requirement 100000000"):
        liquidated(held(100_000_000))
    assert liquidated(held(99_999_999)).liquidation.taken > 0


def test_once_begun_a_liquidation_ends_only_with_the_buffer():
    begun = Liquidation(began=5, freed=9)
    assert liquidated(held(140_000_000), Call(5, 10**12), begun).liquidation == Liquidation()
    assert liquidated(held(139_999_999), Call(5, 10**7), begun).liquidation.taken == 10**7


def test_cancelled_orders_free_margin_before_anything_is_sold():
    account = held(50_000_000, bids=10 * 10**9, orders=1)
    after = liquidated(account)
    assert after.liquidation == Liquidation(began=0, freed=70_010_000)
    assert after.account.perps[0].base == account.perps[0].base
    assert not after.account.perps[0].orders
    enough = liquidated(held(140_000_000, bids=20 * 10**9, orders=1))
    assert enough.exited
    assert enough.account.perps[0].base == 20 * 10**9


def test_the_share_grows_with_slots_since_the_beginning():
    assert [sizes.most_share(50_000_000, slots, 1000, 150, 0) for slots in (0, 75, 134, 135, 999)] == [
        1000,
        6000,
        9933,
        10_000,
        10_000,
    ]
    assert sizes.most_share(49_999_999, 0, 1000, 150, 0) == 10_000
    assert sizes.most_share(50_000_000, 0, 1000, 0, 0) == 10_000
    assert sizes.most_share(50_000_000, 0, 1000, 150, 60_000_000) == 0


@pytest.mark.parametrize(("price", "left"), [(50_000_000, 0), (50_000_001, 990_000_000)])
def test_positions_of_at_most_fifty_dollars_go_whole(price, left):
    account = Account((usdc(0),), (perp(10**9, -300_000_000, price=price, market=MARKET),))
    after = liquidated(account, settings_=Terms(2000, 2, 10**9))
    assert after.account.perps[0].base == left


def test_the_liquidators_fee_grows_after_the_grace_with_the_whole_time():
    assert [sizes.grown_fee(10_000, 30_000, slots) for slots in (1499, 1500, 20_000, 20_001)] == [
        10_000,
        11_500,
        30_000,
        30_000,
    ]
    assert MARKET.most_fee == 30_000
    assert replace(MARKET, maintenance=200).most_fee == 20_000
    fast = replace(MARKET, high_initial=200, high_maintenance=100)
    assert (fast.base_fee(), fast.base_fee(high_leverage=True)) == (10_000, 8_000)


def test_fees_are_the_accounts_and_go_where_they_belong():
    after = liquidated(held(0, 10**9, -150_000_000), settings_=Terms(10, 10_000, 150))
    position, stands = after.account.perps[0], after.liquidation
    assert (position.base, position.quote, stands.taken, stands.paid) == (0, -51_000_000, 10**9, -99_000_000)
    short = liquidated(held(0, -(10**9), 50_000_000), settings_=Terms(10, 10_000, 150))
    assert (short.account.perps[0].quote, short.liquidation.taken, short.liquidation.paid) == (
        -51_000_000,
        -(10**9),
        101_000_000,
    )
    assert position.quote + stands.paid + stands.fund_fees == -150_000_000


def test_the_fund_is_paid_by_the_account_on_top_of_the_liquidator():
    """$90 short: 18 of 20 SOL cover it at 1 % to the liquidator and 1 % to the fund; 60 % of the way is allowed."""
    after = liquidated(held(50_000_000), Call(76, 10**12), Liquidation(began=1, freed=70_010_000))
    position, stands = after.account.perps[0], after.liquidation
    assert (position.base, stands.fund_fees) == (14_800_000_000, 5_200_000)
    assert position.quote == -2_000_000_000 + 520_000_000 - 5_200_000 - 5_200_000


def test_a_loss_is_short_of_its_own_buffer_too():
    found = calculate(Account((usdc(10**8),), (perp(0, -(10**8)),)), MarginType.MAINTENANCE, buffer=200)
    assert (found.meets, found.shortage) == (True, 2_000_000)


def test_nothing_left_and_something_owed_is_bankruptcy():
    after = liquidated(held(0, 10**9, -150_000_000), settings_=Terms(10, 10_000, 150))
    assert after.liquidation.bankrupt
    assert is_bankrupt(Account(perps=(perp(0, -1),)))
    assert is_bankrupt(Account((spot(-1),)))
    assert not is_bankrupt(Account())
    assert not is_bankrupt(Account((usdc(1), spot(-1))))
    assert not is_bankrupt(Account((spot(-1),), (perp(0, 1),)))
    assert not is_bankrupt(Account(perps=(perp(0, -1, orders=1),)))


def test_calls_the_program_refuses():
    with pytest.raises(ProgramError, match="less than one step"):
        liquidated(held(0), Call(0, 9_999_999))
    with pytest.raises(ProgramError, match="no position in BTC-PERP"):
        liquidate_perp(held(0), "BTC-PERP", TERMS, Liquidation(), Call(0, 1))
    with pytest.raises(ProgramError, match="refuses a division by zero"):
        sizes.step_down(1, 0)


def test_an_unfreeable_shortage_takes_everything_there_is():
    assert sizes.base_to_cover(1, 100, 10_000, 0, 1) == U64_MOST
    assert sizes.base_to_cover(1, 101, 10_000, 0, 0) == U64_MOST
    assert sizes.base_to_cover(10, 101, 10_000, 0, 100_000_000) == 10 * 10**9 // 10_000
    with pytest.raises(ProgramError, match="subtraction below zero"):
        sizes.base_to_cover(1, 200, 10_000, 20_000, 100_000_000)
    with pytest.raises(ProgramError, match="division by zero"):
        sizes.base_to_cover(1, 300, 10_000, 20_000, 100_000_000)


def test_the_most_liabilities_where_no_transfer_can_help():
    even = sizes.Side(10_000, 1_000_000)
    assert sizes.liability_to_cover(1, even, even, 6, 1_000_000, 0) == U128_MOST
    dear = sizes.Side(10_000, 1_100_000)
    assert sizes.liability_to_cover(1, dear, sizes.Side(11_000, 1_000_000), 6, 1_000_000, 0) == U128_MOST
    assert sizes.liability_to_cover(0, even, sizes.Side(11_000, 1_000_000), 6, 1_000_000, 0) == 1
    assert sizes.liability_to_cover(10_000_000, even, sizes.Side(11_000, 1_000_000), 4, 1_000_000, 0) == 1_000_000


def test_dust_of_the_asset_goes_with_the_rest():
    even, dollar = 1_000_000, 1_000_000
    for asset_left, taken in ((999_999, 10_999_999), (1_000_000, 10_000_000)):
        held_assets = 10_000_000 + asset_left
        six = sizes.Token(even, 6, dollar)
        assert sizes.asset_for_liability(held_assets, six, 10_000_000, six) == taken
    nine = sizes.Token(even, 9, dollar)
    assert sizes.asset_for_liability(10**10 + 10**8, nine, 10_000_000, sizes.Token(even, 6, dollar)) == 10**10
    assert sizes.asset_for_liability(10**8, sizes.Token(even, 6, dollar), 0, nine) == 1


def test_transfers_round_against_the_debt_and_for_the_asset():
    third = sizes.Token(1_000_000, 6, 3_000_000)
    one = sizes.Token(1_000_000, 6, 1_000_000)
    assert sizes.liability_for_asset(10, one, third) == 4
    assert sizes.asset_for_liability(10**9, third, 10, one) == 3


def test_insurance_fees_leave_a_twentieth_and_are_never_negative():
    fee = sizes.perp_fund_fee
    assert fee(0, 10**9, 500, 10_000, (100_000_000, 1_000_000), 10**6) == 38_000
    assert fee(0, 10**9, 500, 10_000, (100_000_000, 1_000_000), 37_999) == 37_999
    assert fee(4_000_000, 10**9, 500, 10_000, (100_000_000, 1_000_000), 10**6) == 0
    assert fee(10**12, 10**9, 500, 10_000, (100_000_000, 1_000_000), 10**6) == 0
    assert fee(0, 10**9, 100, 10_000, (100_000_000, 1_000_000), 10**6) == 0


def test_losses_of_a_perpetual_run_through_insurance_and_fees_to_everybody():
    pool = losses.PerpPool(5 * 10**9, -5 * 10**9, 41, 1000, 20)
    found = losses.perp_bankruptcy(-100, pool, 7, 9)
    assert (found.insured, found.from_fees, found.shared) == (40, 20, 40)
    assert (found.delta, found.long_rate, found.short_rate) == (4000, 4007, 9 - 4000)
    assert found.loss_of(-5 * 10**9) == 20
    capped = losses.perp_bankruptcy(-100, pool._replace(claim=10, fee_pool=0), 0, 0)
    assert (capped.insured, capped.shared) == (10, 90)
    spared = losses.perp_bankruptcy(-100, pool._replace(vault=101), 0, 0)
    assert (spared.insured, spared.shared, spared.delta) == (100, 0, 0)
    assert losses.perp_bankruptcy(-1, pool._replace(vault=1, fee_pool=0), 0, 0).insured == 0


def test_shares_of_a_loss_are_rounded_up():
    assert losses.funding_delta(1, 3 * 10**9, 0) == 1000
    assert losses.funding_delta(3, 3 * 10**9, 0) == 1000
    assert losses.deposit_delta(1, 3, 10) == 4
    assert losses.deposit_delta(1, 0, 10) == 0
    with pytest.raises(ProgramError, match="nobody holds"):
        losses.funding_delta(1, 0, 0)


def test_a_debt_beyond_all_deposits_cannot_be_shared():
    assert losses.spot_bankruptcy(10, 0, 10, 100).deposits_after == 0
    with pytest.raises(ProgramError, match="more than all deposits"):
        losses.spot_bankruptcy(11, 0, 10, 100)
    assert losses.spot_bankruptcy(10, 6, 10, 100)[:2] == (5, 5)


def test_the_borrow_rate_rises_in_six_stretches():
    curve = lending.RateCurve(800_000, 100_000, 1_100_000)
    rates = [lending.borrow_rate(curve, used) for used in (850_000, 900_000, 950_000, 990_000, 995_000, 1_000_000)]
    assert rates == [150_000, 250_000, 400_000, 600_000, 850_000, 1_100_000]
    assert lending.borrow_rate(curve, 825_000) == 125_000
    assert lending.borrow_rate(curve._replace(lowest=30), 1) == 150_000
    assert lending.borrow_rate(curve._replace(lowest=40), 825_000) == 200_000
    with pytest.raises(ProgramError, match="where the first stretch ends"):
        lending.borrow_rate(curve._replace(optimal=850_001), 900_000)
    assert lending.borrow_rate(curve._replace(optimal=850_000), 875_000) == 200_000
    assert lending.borrow_rate(curve._replace(optimal=850_000), 850_000) == 99_999


def test_depositors_earn_what_borrowers_pay_less_the_funds_share():
    start = lending.Indices(10**10, 10**10)
    assert lending.accrued(start, 100_000, 0, 100) == start
    assert lending.accrued(start, 100_000, 500_000, 0) == start
    found = lending.accrued(start, 100_000, 500_000, lending.YEAR_SECONDS)
    assert found == (10**10 + 5 * 10**8, 10**10 + 10**9 + 1)


def test_an_oracle_is_judged_by_the_worst_that_is_wrong():
    good = guards.Reading(100, 1, 10, 100)
    good = replace(good, price=100_000_000, last_average=100_000_000)
    assert guards.validity(good) is guards.Validity.VALID
    cases = [
        ({"price": 0}, guards.Validity.NON_POSITIVE),
        ({"last_average": 16_666_666}, guards.Validity.TOO_VOLATILE),
        ({"last_average": 16_666_667}, guards.Validity.VALID),
        ({"confidence": 2_000_000}, guards.Validity.VALID),
        ({"confidence": 2_000_100}, guards.Validity.TOO_UNCERTAIN),
        ({"confidence": 2_000_100, "tier_multiplier": 2}, guards.Validity.VALID),
        ({"delay_slots": 120}, guards.Validity.STALE_FOR_AMM),
        ({"delay_slots": 121}, guards.Validity.STALE_FOR_MARGIN),
        ({"enough_data": False}, guards.Validity.INSUFFICIENT_DATA),
        ({"delay_slots": 11}, guards.Validity.STALE_FOR_AMM),
    ]
    for changed, expected in cases:
        assert guards.validity(replace(good, **changed)) is expected, changed
    worst = [v for v in guards.Validity if not guards.serves(v, guards.Action.LIQUIDATE)]
    assert worst == [guards.Validity.NON_POSITIVE, guards.Validity.TOO_VOLATILE]
    assert not guards.serves(guards.Validity.STALE_FOR_MARGIN, guards.Action.MARGIN)
    assert guards.serves(guards.Validity.INSUFFICIENT_DATA, guards.Action.MARGIN)


def test_isolated_tiers_stand_alone():
    new = replace(perp(10**9, 0), name="NEW")
    alone = Account((usdc(-1),), (new,))
    assert guards.isolated_tier_breach(alone, {"NEW"}) == ""
    assert "margin trading" in guards.isolated_tier_breach(alone, {"NEW"}, margin_trading=True)
    assert guards.isolated_tier_breach(alone, {"NEW"}, margin_trading=True, reduce_only=True) == ""
    both = Account((), (new, perp(0, -1)))
    assert "another perpetual" in guards.isolated_tier_breach(both, {"NEW"})
    assert guards.isolated_tier_breach(both, {"OTHER"}) == ""
    owing = Account((spot(-1),), (new,))
    assert "['SOL'] are owed" in guards.isolated_tier_breach(owing, {"NEW"})
    assert "not the only liability" in guards.isolated_tier_breach(owing, {"SOL"})
    assert guards.isolated_tier_breach(Account((spot(-1), usdc(5))), {"SOL"}) == ""
