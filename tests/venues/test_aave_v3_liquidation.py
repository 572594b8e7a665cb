"""Aave v3: close factor, seizure, dust, deficit and interest, where their verdicts flip, by version."""

from __future__ import annotations

from decimal import Decimal

import pytest

from solvent.rules import RulesError
from solvent.venues import venue
from solvent.venues.aave_v3 import actions, interest, liquidation
from solvent.venues.aave_v3 import arithmetic as ints
from solvent.venues.aave_v3.account import Supply, account_data
from solvent.venues.aave_v3.actions import Deal
from solvent.venues.aave_v3.editions import EDITIONS, ProtocolError, Reason
from solvent.venues.aave_v3.liquidation import Scaled, Seized, Side, Terms
from solvent.venues.aave_v3.samples import looped

OLD, CLOSER, ROUNDED, NEW = (EDITIONS[minor] for minor in (0, 3, 5, 7))
USD = 10**8


# --- liquidation


def under(rules, collateral=10_000 * USD, debt=8_100 * USD, threshold=8000):
    return account_data(rules, [Supply(collateral, 7000, threshold)], debt)


@pytest.mark.parametrize("rules", EDITIONS.values())
def test_the_close_factor_turns_just_above_a_health_factor_of_95_hundredths(rules):
    at = 95 * 10**16
    assert liquidation.close_factor_bps(rules, at, 3000 * USD, 3000 * USD) == 10_000
    assert liquidation.close_factor_bps(rules, at + 1, 3000 * USD, 3000 * USD) == 5000


def test_half_of_the_reserve_in_v3_0_and_half_of_all_debt_since_v3_3():
    """8,100 owed, 3,000 of it in this asset: 1,500 may be repaid, or all 3,000."""
    collateral, debt = Side(10_000 * USD, 1, 1), Side(3_000 * USD, 1, 1)
    assert liquidation.most_repaid(OLD, under(OLD), collateral, debt) == 1_500 * USD
    for rules in (CLOSER, ROUNDED, NEW):
        assert liquidation.most_repaid(rules, under(rules), collateral, debt) == 3_000 * USD
        whole = Side(8_100 * USD, 1, 1)
        assert liquidation.most_repaid(rules, under(rules), collateral, whole) == 4_050 * USD


@pytest.mark.parametrize(("side", "share"), [(2000 * USD, 5000), (2000 * USD - 1, 10_000)])
def test_a_side_below_two_thousand_dollars_may_be_closed_whole_since_v3_3(side, share):
    near_one = 99 * 10**16
    assert liquidation.close_factor_bps(CLOSER, near_one, side, 9000 * USD) == share
    assert liquidation.close_factor_bps(CLOSER, near_one, 9000 * USD, side) == share
    assert liquidation.close_factor_bps(OLD, near_one, side, side) == 5000


def test_no_liquidation_at_a_health_factor_of_one_or_of_an_empty_side():
    healthy = account_data(NEW, [Supply(100 * USD, 7000, 8000)], 80 * USD)
    one = Side(100 * USD, 1, 1)
    cases = [
        (healthy, one, one, Reason.HEALTH_FACTOR_NOT_BELOW_THRESHOLD),
        (account_data(NEW, [], 0), one, one, Reason.HEALTH_FACTOR_NOT_BELOW_THRESHOLD),
        (under(NEW), Side(0, 1, 1), one, Reason.COLLATERAL_CANNOT_BE_LIQUIDATED),
        (under(NEW), one, Side(0, 1, 1), Reason.SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER),
    ]
    for data, collateral, debt, reason in cases:
        with pytest.raises(ProtocolError) as found:
            liquidation.most_repaid(NEW, data, collateral, debt)
        assert found.value.reason is reason


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (OLD, Seized(31, 32, 1)),  # 31 × 1.05 = 32.55 → 33; without bonus 31.43 → 31; fee 2 × 0.3 = 0.6 → 1
        (NEW, Seized(31, 31, 1)),  # 32.55 → 32; without bonus 30.48 → 30; fee 2 × 0.3 = 0.6 → 1
    ],
)
def test_the_three_roundings_of_a_seizure_by_version(rules, found):
    assert liquidation.seize(rules, Side(1000, 1, 1), Side(31, 1, 1), 31, Terms(10_500, 3000)) == found


@pytest.mark.parametrize(("rules", "repaid", "fee"), [(OLD, 95, 0), (CLOSER, 95, 0), (ROUNDED, 96, 0), (NEW, 96, 1)])
def test_a_seizure_of_everything_by_version(rules, repaid, fee):
    """100 held, 122 owed, bonus 5%: 100 ÷ 1.05 = 95.24 repaid; the bonus is 5 (95 without), a tenth of it the fee."""
    found = liquidation.seize(rules, Side(100, 1, 1), Side(122, 1, 1), 10**40, Terms(10_500, 1000))
    assert found.debt == repaid
    assert found.whole == 100
    assert found.fee == (1 if rules is not NEW else fee)


def test_what_is_offered_beyond_the_debt_is_not_repaid():
    found = liquidation.seize(NEW, Side(10**6, 1, 1), Side(100, 1, 1), 10**40, Terms(10_500))
    assert found == Seized(100, 105, 0)


@pytest.mark.parametrize("left", [999 * USD + USD - 1, 1000 * USD])
def test_less_than_a_thousand_dollars_may_not_stay_on_a_side_that_is_not_emptied(left):
    collateral, debt = Side(5000 * USD, 1, 1), Side(5000 * USD, 1, 1)
    by_debt = Seized(debt.amount - left, 100, 0)
    by_collateral = Seized(100, collateral.amount - left, 0)
    for seized in (by_debt, by_collateral):
        liquidation.check_dust(OLD, collateral, debt, seized)
        if left == 1000 * USD:
            liquidation.check_dust(NEW, collateral, debt, seized)
        else:
            with pytest.raises(ProtocolError, match="MustNotLeaveDust"):
                liquidation.check_dust(NEW, collateral, debt, seized)
    liquidation.check_dust(NEW, collateral, debt, Seized(debt.amount, 100, 0))
    liquidation.check_dust(NEW, collateral, debt, Seized(100, collateral.amount - 7, 7))


def test_the_fee_counts_towards_what_is_taken_from_the_collateral():
    collateral, debt = Side(5000 * USD, 1, 1), Side(5000 * USD, 1, 1)
    liquidation.check_dust(NEW, collateral, debt, Seized(USD, 4000 * USD, 0))
    with pytest.raises(ProtocolError, match="MustNotLeaveDust"):
        liquidation.check_dust(NEW, collateral, debt, Seized(USD, 4000 * USD, 1))


def test_debt_no_collateral_is_left_for_becomes_a_deficit_since_v3_3():
    held, owed = Scaled(100 * USD, ints.RAY), Scaled(200 * USD, ints.RAY)
    seized = Seized(95 * USD, 100 * USD, 0)
    assert liquidation.settle(OLD, held, owed, seized, USD, USD) == (0, 105 * USD, 0)
    for rules in (CLOSER, ROUNDED, NEW):
        assert liquidation.settle(rules, held, owed, seized, USD, USD) == (0, 0, 105 * USD)
        assert liquidation.settle(rules, held, owed, seized, USD, USD, other_base=1) == (0, 105 * USD, 0)


def test_a_burn_rounded_up_that_empties_the_balance_counts_as_nothing_left_only_in_v3_7():
    """Two scaled units at an index of five: 6 seized leave 4, but burn ceil(6 ÷ 5) = 2 scaled units, all there are."""
    held, owed = Scaled(2, 5 * ints.RAY), Scaled(9, ints.RAY)
    seized = Seized(6, 6, 0)
    assert liquidation.settle(NEW, held, owed, seized, 10**17, 10**6) == (0, 0, 3)
    assert liquidation.settle(ROUNDED, held, owed, seized, 10**17, 10**6) == (0, 3, 0)


def test_liquidating_a_pool_drives_the_same_steps():
    book, market = looped(Decimal(1250))
    deal = Deal("WETH", "USDC", 1_000_000_000)
    found = liquidation_of(book, market, "aave_v3_7", deal)
    assert found == Seized(1_000_000_000, 836_000_000_000_000_000, 4_000_000_000_000_000)
    with pytest.raises(ProtocolError, match="HealthFactorNotBelowThreshold"):
        liquidation_of(*looped(), "aave_v3_7", deal)


def liquidation_of(book, market, rules, deal):
    return actions.liquidation(book, market, venue(rules), "main", deal)


# --- interest


def test_the_kink_itself_is_on_the_lower_stretch():
    slopes = interest.slopes_from_bps(8000, 100, 400, 6000)
    assert slopes.at(slopes.optimal) == 500 * interest.BPS_RAY
    just_above = slopes.at(slopes.optimal + ints.RAY // 10**9)
    assert just_above > 500 * interest.BPS_RAY
    with pytest.raises(RulesError, match="optimal utilisation"):
        interest.slopes_from_bps(0, 0, 0, 0)


def test_unbacked_supply_and_the_reserve_factor_lower_what_suppliers_get():
    slopes = interest.slopes_from_bps(8000, 100, 400, 6000)
    plain = interest.rates(slopes, interest.Reserve(200, 800))
    assert plain.liquidity == 400 * interest.BPS_RAY
    assert interest.rates(slopes, interest.Reserve(200, 800, unbacked=1000)).liquidity == 200 * interest.BPS_RAY
    assert (
        interest.rates(slopes, interest.Reserve(200, 800, reserve_factor_bps=1000)).liquidity == 360 * interest.BPS_RAY
    )


def test_interest_on_interest_never_exceeds_the_exponential_and_beats_the_straight_line():
    rate, year = 10**26, interest.YEAR
    for rules in EDITIONS.values():
        grown = interest.compounded(rules, rate, year)
        assert interest.linear(rate, year) < grown < 1_105_170_918_075_647_624_811_707_827
        assert interest.compounded(rules, rate, 0) == ints.RAY


def test_the_binomial_of_v3_0_starts_with_simple_interest():
    rate = 10**26
    assert interest.compounded(OLD, rate, 1) == interest.linear(rate, 1)
    assert interest.compounded(OLD, rate, 2) == interest.linear(rate, 2) + rate * rate // ints.RAY // interest.YEAR**2


def test_scaled_balances_round_to_the_protocol_since_v3_5():
    index = 3 * ints.RAY // 2
    assert (OLD.supplied(1, index), OLD.owed(1, index)) == (2, 2)
    assert (NEW.supplied(1, index), NEW.owed(1, index)) == (1, 2)
    assert (NEW.burned_supply(1, index), NEW.burned_debt(2, index)) == (1, 1)
    assert (OLD.burned_supply(2, index), OLD.burned_debt(2, index)) == (1, 1)
    assert NEW.burned_supply(2, index) == 2
