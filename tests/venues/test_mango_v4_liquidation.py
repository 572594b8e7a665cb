"""Liquidation and bankruptcy on Mango v4, at the points where they turn."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from solvent.venues.mango_v4 import account_health, bankruptcy, liquidation, perp_liquidation
from solvent.venues.mango_v4.account import (
    Account,
    HealthKind,
    Perp,
    PerpWeights,
    Prices,
    SpotOrders,
    Token,
    TokenWeights,
)
from solvent.venues.mango_v4.liquidation import LiquidationRefused, Phase
from solvent.venues.mango_v4.rules import perp_fees, token_fees

D = Decimal
ONE = Prices(D(1), D(1))
TINY = Fraction(1, 10**12)


def flat(price):
    return Prices(D(price), D(price))


def pair(owned, owed, asset_price=1, liab_price=1, weight="0.8", **perps):
    tokens = tuple(
        Token(n, D(x), flat(p), TokenWeights.around_one(D(weight), D(weight)))
        for n, x, p in (("asset", owned, asset_price), ("liab", owed, liab_price))
    )
    made = tuple(Perp(name, name, ONE, PerpWeights(init_overall=D("0.5")), quote=D(q)) for name, q in perps.items())
    return Account(tokens, perps=made)


def test_a_liquidation_stops_at_health_zero_and_pays_both_fees():
    fees = liquidation.TokenFees(D("0.02"), D("0.03"), D("0.01"), D("0.01"))
    assert fees.liquidator == D("1.0506")
    assert fees.total == D("1.0712")
    done = liquidation.token_with_token(pair(10, -9, 2, 2), "asset", "liab", D(100), fees)
    left = account_health.health_of(done.account, HealthKind.LIQUIDATION_END)
    assert abs(left) < D("1e-15")
    paid = 10 - Fraction(done.account.token("asset").amount)
    repaid = Fraction(done.repaid)
    assert 4 < repaid < 9
    assert abs(paid - repaid * Fraction("1.0712")) < TINY
    assert abs(Fraction(done.to_liquidator) - repaid * Fraction("1.0506")) < TINY
    assert Fraction(done.to_liquidator) + Fraction(done.to_platform) == paid


def test_results_of_perpetuals_bound_what_may_be_repaid_and_paid():
    capped = liquidation.token_with_token(pair(20, -9, liab="5"), "asset", "liab", D(100))
    assert capped.repaid <= D("6.5")  # 9 owed, of which 2.5 are made up for
    bounded = liquidation.token_with_token(pair(9, -20, asset="-4"), "asset", "liab", D(100))
    assert bounded.account.token("asset").amount == 4
    for account, text in (
        (pair(4, -20, asset="-4"), "asset is not owned"),
        (pair(9, -2, liab="4"), "liab is not owed"),
        (pair(9, 0), "liab is not owed"),
        (pair(0, -1), "asset is not owned"),
    ):
        with pytest.raises(LiquidationRefused, match=text):
            liquidation.token_with_token(account, "asset", "liab", D(100))
    with pytest.raises(LiquidationRefused, match="nothing of it is to be repaid"):
        liquidation.token_with_token(pair(9, -20), "asset", "liab", D(0))
    with pytest.raises(LiquidationRefused, match="gains no health"):
        liquidation.token_with_token(pair(9, -20), "asset", "liab", D(9), liquidation.TokenFees(D("0.5")))


def test_nothing_moves_once_health_is_not_negative():
    assert liquidation.token_with_token(pair(20, -9), "asset", "liab", D(100)).repaid == 0
    assert not liquidation.may_start(pair("13.5", -9))  # 13.5 × 0.8 = 9 × 1.2: exactly zero is not below
    assert liquidation.may_start(pair("13.49", -9))


def test_a_liquidation_ends_above_minus_one_unit():
    unit = D("0.01")
    assert liquidation.recovered(pair(0, D("-0.0099"), weight=1), unit)
    assert not liquidation.recovered(pair(0, D("-0.01"), weight=1), unit)


def test_phases_open_one_after_the_other():
    unit = D("0.01")
    resting = replace(pair(9, -20), perps=(Perp("P", "asset", ONE, bid_lots=D(1)),))
    assert liquidation.phase(resting, unit) is Phase.CANCEL_ORDERS
    assert (
        liquidation.phase(replace(pair(9, -20), spots=(SpotOrders("asset", "liab", D(1)),)), unit)
        is Phase.CANCEL_ORDERS
    )
    assert liquidation.phase(pair(9, -20), unit) is Phase.TOKENS_AND_BASE
    assert liquidation.phase(pair("0.009", -20), unit) is Phase.BANKRUPTCY  # below a unit
    assert liquidation.phase(pair("0.01", -20), unit) is Phase.TOKENS_AND_BASE
    assert liquidation.phase(pair(0, 0, asset="3"), unit) is Phase.TOKENS_AND_BASE
    assert liquidation.phase(pair(0, 0, asset="-3"), unit) is Phase.BANKRUPTCY
    assert liquidation.phase(pair(5, 0), unit) is Phase.DONE


def test_fees_of_listed_and_other_tokens():
    assert token_fees("SOL", "USDC").total == D("1.05")
    assert token_fees("DOGE", "SOL").total == D("1.1") * D("1.05")
    assert perp_fees("DOGE") == perp_liquidation.PerpFees(D("0.05"), D(0), D("0.025"))


# --- liquidation of perpetuals ---


def perp_account(spot, lots, quote, other=0, base="0.5", overall="0.5", price=1, lot=1):
    weights = PerpWeights.around_one(D(base), D(overall))
    perp = Perp("P", "s", flat(price), weights, D(lots), D(quote), lot_size=D(lot))
    return Account((Token("s", D(spot), ONE), Token("o", D(other), ONE)), perps=(perp,))


PERP_CASES = [
    # spot, lots, quote, overall, most lots, most settled -> spot, lots, quote: tables of the program's own tests
    (("5", -10, "0"), "0.5", -1, 100, ("5", -9, "-1")),
    (("5", -10, "0"), "0.5", -20, 100, ("5", 0, "-10")),
    (("5", -4, "0"), "0.5", -20, 100, ("5", -2, "-2")),
    (("0", 20, "-30"), "0.5", 100, 100, ("0", 0, "-10")),
    (("5", 20, "-20"), "0.5", 100, 100, ("5", 10, "-10")),
    (("-25", 20, "10"), "0.5", 100, 100, ("0", 10, "-5")),
    (("-23", 20, "10"), "0.5", 100, 21, ("-2", 10, "-1")),
    (("-20", 20, "10"), "0.5", 100, 0, ("-20", 0, "30")),
    (("-30", 20, "10"), "0", 5, 30, ("-7.5", 15, "-7.5")),
    (("-7", 70, "-40", "-100"), "0.5", 200, 10, ("3", 0, "20")),
]


@pytest.mark.parametrize(("start", "overall", "most_lots", "most_settled", "end"), PERP_CASES)
def test_five_steps_of_a_perpetuals_liquidation(start, overall, most_lots, most_settled, end):
    account = perp_account(*start, overall=overall)
    done = perp_liquidation.base_or_positive_result(account, "P", D(most_lots), D(most_settled)).account
    assert (done.token("s").amount, done.perp("P").lots, done.perp("P").quote) == tuple(map(D, end))


def test_lots_are_rounded_up_and_fees_come_off_the_quote():
    fees = perp_liquidation.PerpFees(D("0.1"), D("0.05"), D("0.25"))
    done = perp_liquidation.base_or_positive_result(perp_account(0, 9, -8, price=2, overall=1), "P", D(9), D(0), fees)
    assert done.lots == 0  # 9 × 2 × 0.5 − 8 = 1: healthy
    done = perp_liquidation.base_or_positive_result(perp_account(0, 9, -10, price=2, overall=1), "P", D(9), D(0), fees)
    assert done.lots == -2  # 1 missing, 2 × (0.85 − 0.5) = 0.7 a lot
    assert done.quote == 4 * D("0.85")
    assert done.liquidator_quote == -4 * D("0.9")
    short = perp_liquidation.base_or_positive_result(
        perp_account(0, -9, 26, price=2, overall=1), "P", D(-9), D(0), fees
    )
    assert (short.lots, short.quote, short.liquidator_quote) == (2, -4 * D("1.15"), 4 * D("1.1"))


def test_the_last_step_starts_below_half_a_unit():
    """A result of 10 counts 5 and a lot adds 0.25: three lots for 0.6 that are missing, none for 0.5."""
    for spot, unit, lots in (("-5.5", "1", 0), ("-5.6", "1", -3), ("-5.5", "0.01", -2)):
        account = perp_account(D(spot), 20, 0)
        assert perp_liquidation.base_or_positive_result(account, "P", D(20), D(0), unit=D(unit)).lots == lots


def test_settling_pays_its_fee_and_stops_at_the_liquidators_limit():
    fees = perp_liquidation.PerpFees(positive_result=D("0.25"))
    done = perp_liquidation.base_or_positive_result(perp_account(-9, 0, 20, overall="0.25"), "P", D(0), D(100), fees)
    assert (done.settled, done.received) == (D(8), D(6))  # −9 + 5 = −4; each settled gains 0.75 − 0.25
    least = perp_liquidation.base_or_positive_result(perp_account(-9, 0, 20, overall="0.25"), "P", D(0), D(3), fees)
    assert least.settled == 3
    dear = perp_liquidation.base_or_positive_result(perp_account(-99, 0, 20, overall="0.75"), "P", D(0), D(9), fees)
    assert dear.settled == 0  # what is received is worth no more than the weighted result


def test_a_perpetuals_liquidation_is_refused_by_name():
    with pytest.raises(LiquidationRefused, match="max_lots of P must have the sign"):
        perp_liquidation.base_or_positive_result(perp_account(0, 9, 0), "P", D(-1), D(0))
    with pytest.raises(LiquidationRefused, match="gains no health"):
        perp_liquidation.base_or_positive_result(
            perp_account(0, 9, 0), "P", D(1), D(0), perp_liquidation.PerpFees(D("0.5"))
        )


# --- bankruptcy ---


VAULT = bankruptcy.Insurance(D(6), D(3), 0)


def bankrupt(spot=40, quote=-50, other=-36, price=2):
    weights = TokenWeights.around_one(D("0.9"), D("0.9"))
    tokens = (Token("s", D(spot), flat(price), weights), Token("o", D(other), ONE))
    return Account(tokens, perps=(Perp("P", "s", ONE, quote=D(quote)),))


def test_settling_comes_before_insurance_and_insurance_before_everyone():
    done = bankruptcy.negative_result(bankrupt(), "P", D(40), D(100), VAULT)
    assert (done.settled, done.taken_over, done.insurance, done.socialised) == (20, 9, 6, 21)
    assert done.liquidator_quote == -29
    assert done.account.perp("P").quote == 0
    some = bankruptcy.negative_result(bankrupt(), "P", D(19), D(100), VAULT)  # less than may be settled: no bankruptcy
    assert (some.settled, some.insurance, some.socialised) == (19, 0, 0)
    empty = bankruptcy.negative_result(bankrupt(), "P", D(19), D(100), VAULT._replace(available=D(0)))
    assert (empty.settled, empty.socialised) == (19, 0)
    full = bankruptcy.negative_result(bankrupt(), "P", D(29), D(100), VAULT._replace(available=D(7)))
    assert (full.taken_over, full.insurance, full.socialised) == (9, 6, 0)  # the vault is not empty: nobody else pays


def test_insurance_is_rounded_up_to_its_unit():
    done = bankruptcy.negative_result(bankrupt(), "P", D("25"), D(100), VAULT._replace(available=D(100)))
    assert (done.taken_over, done.insurance) == (5, 4)  # 5 × 2 ÷ 3 = 3.33…
    fine = bankruptcy.negative_result(bankrupt(), "P", D("25"), D(100), bankruptcy.Insurance(D(100), D(3), 2))
    assert fine.insurance == D("3.34")
    costly = bankruptcy.negative_result(bankrupt(), "P", D("25"), D(100), VAULT._replace(available=D(100)), D("0.5"))
    assert costly.insurance == 5


def test_a_result_that_is_not_negative_is_refused_and_health_bounds_the_loss():
    for quote in (0, 1):
        with pytest.raises(LiquidationRefused, match="P has no negative result"):
            bankruptcy.negative_result(bankrupt(quote=quote), "P", D(9), D(9), VAULT)
    well = bankruptcy.negative_result(bankrupt(other=100), "P", D(9), D(0), VAULT._replace(available=D(0)))
    assert (well.settled, well.socialised) == (0, 0)  # healthy: nothing leaves the account


def test_a_token_debt_takes_the_smaller_of_two_balances():
    debt = Account((Token("a", D(-10), flat(2)),), perps=(Perp("P", "a", ONE, quote=D(4)),))
    done = bankruptcy.token_debt(debt, "a", D(100), bankruptcy.Insurance(D(5), D(1), 0))
    assert (done.insurance, done.repaid, done.socialised) == (5, D("2.5"), D("3.5"))
    rounded = bankruptcy.token_debt(debt, "a", D("1.2"), bankruptcy.Insurance(D(100), D(1), 0))
    assert (rounded.insurance, rounded.repaid, rounded.socialised) == (3, D("1.5"), 0)
    with pytest.raises(LiquidationRefused, match="a is not owed for certain"):
        bankruptcy.token_debt(replace(debt, perps=(Perp("P", "a", ONE, quote=D(10)),)), "a", D(1), VAULT)


def test_shared_losses_go_by_index():
    index = bankruptcy.FundingIndex(D(1), D(1))
    assert bankruptcy.socialised_funding(index, D(3), D(6)) == (D("1.5"), D("0.5"))
    assert bankruptcy.socialised_funding(index, D(3), D(0)) == index
    assert bankruptcy.deposit_index_after(D(2), D(1), D(4)) == D("1.5")
    with pytest.raises(LiquidationRefused, match="cannot be shared"):
        bankruptcy.deposit_index_after(D(2), D(5), D(4))
