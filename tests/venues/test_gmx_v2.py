"""GMX V2's rules for one position at the points where they turn."""

from dataclasses import replace

import pytest

from solvent.book import Book, Holding, Market, Mode, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Future, Payoff, Perpetual
from solvent.margin import Trade, explain, what_if
from solvent.rules import RulesError, Sized
from solvent.units import Asset
from solvent.venues.gmx_v2 import adl, requirement
from solvent.venues.gmx_v2.reported import Reported, book_of, prices_of
from tests.laws import checkers
from tests.venues.gmx_accounts import ADMIT, BARE, COIN, ETH, RULES, STEEP, USD, D, bare, book, found, market

# What stands and what does not


@pytest.mark.parametrize(
    ("cash", "size", "verdict"),
    [
        ("10", "1", False),  # 0.5 % of 2,000 is 10: at the line it stands
        ("9.99999999", "1", True),
        ("10", "-1", False),
        ("9.99999999", "-1", True),
        ("1", "0.01", False),  # 0.5 % of 20 is 0.1: the least USD binds
        ("0.99999999", "0.01", True),
    ],
)
def test_a_position_falls_strictly_below_its_line(cash, size, verdict):
    assert found(book(cash, size), market()).breached(inclusive=RULES.breach_inclusive) is verdict


@pytest.mark.parametrize(("cash", "verdict"), [("0", True), ("0.00000001", False)])
def test_something_must_remain_even_where_no_minimum_is_set(cash, verdict):
    rules = bare(min_collateral_usd=D(0), liquidation_factor=D(0))
    assert found(book(cash, "1"), market(), rules).breached(inclusive=False) is verdict


def test_size_is_counted_at_entry_not_at_the_mark():
    at_double = found(book("100", "1"), market(mark="4000"))
    assert (at_double.required, at_double.margin_equity) == (10, 2100)


def test_the_least_collateral_is_the_same_at_every_notional():
    curve = RULES.margin.contract(ETH).schedules[ADMIT]
    schedule = curve.at_size(Sized("ETH-USD", D(1), D(2000), Market({})))
    assert schedule.at(D(1)) == schedule.at(D(10**9)) == 10
    assert curve.at_size(Sized("ETH-USD", D(0), D(0), Market({}))).at(D(5)) == 0


@pytest.mark.parametrize(
    ("size", "bid", "ask", "equity"),
    [("1", "1990", "2010", 90), ("-1", "1990", "2010", 90), ("1", None, "2010", 100), ("-1", "1990", None, 100)],
)
def test_profit_is_counted_at_the_worse_bound(size, bid, ask, equity):
    assert found(book("100", size), market(bid=bid, ask=ask)).margin_equity == equity


def test_collateral_is_counted_at_the_low_price():
    held = book("0.1", "1", asset=COIN)
    assert found(held, market()).margin_equity == 200
    assert found(held, market(low="1900")).margin_equity == 190
    owing = book("-0.1", "1", asset=COIN)
    assert found(owing, market(low="1900")).margin_equity == -190


def test_a_settle_asset_other_than_the_numeraire_is_converted():
    usdc = Asset("USDC", 8)
    eth = Perpetual("ETH-USD", "ETH", usdc, usdc, D("0.01"), D("0.0001"))
    held = Position("ETH-USD", eth.lots(D(1)), eth.worth(eth.lots(D(1)), eth.ticks(D(2000))))
    pool = Pool("p", mode=Mode.ISOLATED, numeraire="USD")
    whole = Book({"USD": USD, "USDC": usdc}, {"ETH-USD": eth}, (Holding(pool, {"USDC": usdc.units(D(100))}, (held,)),))
    prices = Market(
        {PriceKey(PriceKind.MARK, "ETH-USD", "USDC"): D(1990), PriceKey(PriceKind.INDEX, "USDC", "USD"): D("0.5")}
    )
    one = found(whole, prices)
    assert (one.margin_equity, one.required) == (45, 5)


INTEREST = (("long_open_interest", "ETH-USD", "3000"), ("short_open_interest", "ETH-USD", "1000"))


@pytest.mark.parametrize(
    ("wide", "cap", "impact_usd"),
    [
        ((), "0.01", 0),
        ((("close_impact", "p", "-5"),), "0.01", -5),
        ((("close_impact", "p", "-20"),), "0.01", -20),
        ((("close_impact", "p", "-20.00000001"),), "0.01", -20),
        ((("close_impact", "p", "-5"),), "0", 0),
        ((("close_impact", "p", "5"),), "0.01", 0),
        ((("close_impact", "p", "5"), ("pending_impact_tokens", "p", "-0.004")), "0.01", -3),
        # 3,000 against 1,000, the position of 2,000 closed: 1,000 against 1,000; a gain is no collateral
        (INTEREST, "0.01", 0),
    ],
)
def test_impact_counts_only_against_the_position_and_under_its_cap(wide, cap, impact_usd):
    rules = bare(max_liquidation_impact=D(cap), impact=STEEP)
    assert found(book("100", "1"), market(wide=wide), rules).margin_equity == 100 + impact_usd


def test_a_gain_at_close_offsets_what_was_recorded_at_opening_only_under_its_caps():
    rules = bare(max_liquidation_impact=D("0.05"), max_positive_impact=D("0.004"), impact=STEEP)
    pending = ("pending_impact_tokens", "p", "-0.015")  # −30 USD at 2,000; closing would gain 20, capped at 8
    assert found(book("100", "1"), market(wide=(*INTEREST, pending)), rules).margin_equity == 78
    poor = (*INTEREST, pending, ("impact_pool", "ETH-USD", "3"))
    assert found(book("100", "1"), market(wide=poor), rules).margin_equity == 73


def test_closing_a_short_of_the_heavier_side_costs_what_unbalances():
    rules = bare(max_liquidation_impact=D("0.05"), impact=STEEP)
    # shorts 1,000 (the lighter side): closing 2,000 of them is more than there is, but the formula only sees sides
    assert found(book("100", "-0.5"), market(wide=INTEREST), rules).margin_equity == 100 - 50


FEES = {"closing_fee": D("0.001"), "closing_fee_balancing": D("0.0005")}


@pytest.mark.parametrize(
    ("size", "fields", "fees"),
    [
        ("1", {}, "1"),
        ("1", {"wide": (("close_impact", "p", "-1"),)}, "2"),
        ("1", {"funding": {"ETH-USD": 5000}}, "1.5"),  # 10,000 lots × 5,000 units
        ("1", {"funding": {"ETH-USD": -5000}}, "1"),  # received: claimed apart
        ("-1", {"funding": {"ETH-USD": -5000}}, "1.5"),
        ("1", {"wide": (("borrowing_factor_long", "ETH-USD", "0.003"),)}, "7"),
        ("-1", {"wide": (("borrowing_factor_long", "ETH-USD", "0.003"),)}, "1"),
        ("1", {"wide": (("fees_due", "p", "3"),)}, "3"),
    ],
)
def test_fees_due_lower_what_remains(size, fields, fees):
    one = found(book("100", size), market(**fields), bare(**FEES))
    assert one.margin_equity == 100 - D(fees)


def test_borrowing_counts_from_the_last_touch():
    held = book("100", "1")
    touched = replace(held.holding("p"), borrow_index={"ETH-USD": 2_000_000_000})
    prices = market(wide=(("borrowing_factor_long", "ETH-USD", "0.003"),))
    assert found(held.with_holding(touched), prices).margin_equity == 98


SIDE = (("long_open_interest", "ETH-USD", "20000"), ("long_open_interest_tokens", "ETH-USD", "10"))


@pytest.mark.parametrize(
    ("pool", "counts"),
    [
        ("1000000", 50),
        ("555.55555556", 50),  # 90 % of it covers all 500 of the side's profit
        ("500", 45),
        ("0", 50),  # an empty pool caps nothing: so the contract reads
    ],
)
def test_profits_are_capped_by_the_pool_in_proportion(pool, counts):
    prices = market(mark="2050", wide=(*SIDE, ("long_pool", "ETH-USD", pool)))
    one = found(book("100", "1"), prices)
    assert one.margin_equity == 100 + counts
    assert sum((line.value for line in one.lines), D(0)) == one.value == one.margin_equity


def test_losses_are_not_capped():
    prices = market(mark="1950", wide=(*SIDE, ("long_pool", "ETH-USD", "1")))
    assert found(book("100", "1"), prices).margin_equity == 50


# What may be opened


@pytest.mark.parametrize(
    ("cash", "mark", "interest", "surplus"),
    [
        ("20", "2000", "0", "0"),
        ("19.99", "2000", "0", "-0.01"),
        ("30", "1985", "0", "-5"),  # 15 remain of 20: the first test
        ("15", "2100", "0", "-5"),  # a profit is no collateral: the second
        ("20", "2000", "1000000", "0"),
        ("20", "2000", "1000001", "-0.00002"),  # 1e-8 × open interest above 1 %
    ],
)
def test_opening_needs_both_tests(cash, mark, interest, surplus):
    prices = market(mark=mark, wide=(("long_open_interest", "ETH-USD", interest),))
    rules = bare(interest_multiplier=D("1e-8"))
    for purpose in (ADMIT, Purpose.WITHDRAW, Purpose.FILL):
        one = found(book(cash, "1"), prices, rules, purpose)
        assert one.surplus == D(surplus)
        assert checkers.lines_add_up(one).held


def test_each_side_has_its_own_open_interest():
    prices = market(wide=(("short_open_interest", "ETH-USD", "2000000"),))
    rules = bare(interest_multiplier=D("1e-8"))
    assert found(book("20", "1"), prices, rules, ADMIT).surplus == 0
    assert found(book("20", "-1"), prices, rules, ADMIT).surplus == -20


def test_due_fees_stay_in_the_value_of_the_second_test():
    prices = market(mark="2100", wide=(("fees_due", "p", "3"),))
    one = found(book("15", "1"), prices, bare(), ADMIT)
    assert (one.value, one.margin_equity) == (112, 15)


@pytest.mark.parametrize(
    ("collateral", "realised", "sufficient"),
    [("10", "0", True), ("9.99", "0", False), ("9.99", "5", False), ("12", "-2", True), ("12", "-2.01", False)],
)
def test_only_a_realised_loss_is_taken_from_collateral(collateral, realised, sufficient):
    change = requirement.Change(D(0), D(0), D(realised))
    assert requirement.sufficiency_after(BARE, D(1000), D(collateral), D(1), change).sufficient is sufficient


def test_collateral_below_zero_covers_nothing():
    change = requirement.Change(D(0), D(0), D(-11))
    free = replace(BARE, min_collateral_factor=D(0))
    assert not requirement.sufficiency_after(free, D(1000), D(10), D(1), change).sufficient


def test_a_trade_that_leaves_too_little_is_refused_with_its_reason():
    held = book("40", "1")
    allowed = what_if(held, market(), bare(), [Trade("p", "ETH-USD", ETH.lots(D("0.9")), ETH.ticks(D(2000)))])
    assert allowed.allowed
    refused = what_if(held, market(), bare(), [Trade("p", "ETH-USD", ETH.lots(D("1.1")), ETH.ticks(D(2000)))])
    assert [one.limit for one in refused.refusals] == ["admit"]


# Refusals


def test_what_gmx_has_not_is_refused_by_name():
    held = book("100", "1")
    two = replace(held.holding("p"), positions=(*held.holding("p").positions, Position("BTC-USD", 1, 1)))
    with pytest.raises(RulesError, match=r"pool p: on GMX a pool is one position; this one holds \['ETH-USD', 'BTC"):
        found(held.with_holding(two), market())
    crossed = replace(held.holding("p"), pool=replace(held.holding("p").pool, mode=Mode.CROSS))
    with pytest.raises(RulesError, match="no cross margin"):
        found(replace(held, holdings=(crossed,)), market())
    with pytest.raises(RulesError, match="a future is not traded on GMX"):
        RULES.margin.contract(Future("F", "ETH", USD, USD, D("0.01"), D("0.0001")))
    with pytest.raises(RulesError, match="inverse contracts are not traded on GMX"):
        RULES.margin.contract(Perpetual("I", "ETH", USD, USD, D("0.01"), D(1), payoff=Payoff.INVERSE))
    with pytest.raises(RulesError, match="ADL closes more than 0 and at most 10 USD of a side, not 11"):
        adl.deleveraged(adl.Side(True, D(10), D(1), D(5)), D(20), D(11), D(0))


def test_a_pool_without_a_position_requires_nothing():
    empty = found(book("0", "0"), market())
    assert (empty.required, empty.breached(inclusive=False)) == (0, False)


# A position as the contract reports it


def test_a_size_finer_than_a_lot_is_cut_against_the_position():
    odd_size = D("0.2500000000000000005")
    held = Reported("SOL", True, D(1), odd_size, "USDC", D("1.5"))
    assert book_of(held).holding("position").positions[0].lots == 250_000_000_000_000_000
    short = held._replace(is_long=False)
    assert book_of(short).holding("position").positions[0].lots == -250_000_000_000_000_001
    assert prices_of(held, D(1), D(2)).price(PriceKind.INDEX, "USDC", "USD") == 2
    assert book_of(held._replace(size_tokens=D(0))).holding("position").positions == ()
    with pytest.raises(RulesError, match="SOL-USD: sizes and collateral are at least 0"):
        book_of(held._replace(size_usd=D(-1)))


def test_explanation_names_what_decides():
    held, prices = book("100", "1"), market(mark="1990", wide=(("close_impact", "p", "-5"),))
    told = explain(held, prices, bare(max_liquidation_impact=D("0.01"), **FEES), "p")
    assert told.contributions[0].profit == -10
    assert any("closing fee" in line for line in told.sentences)
    assert any("price impact" in line for line in told.sentences)
    assert told.ratio == D("8.3")
