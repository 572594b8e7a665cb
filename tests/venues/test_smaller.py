"""Single formulas of five exchanges, and the two kinds of account asked of ring 1, at the lines where verdicts flip."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Perpetual
from solvent.margin import assess_pool, liquidation_price
from solvent.rules import RulesError
from solvent.units import Asset
from solvent.venues import names
from solvent.venues.smaller import formulas as f
from solvent.venues.smaller.rules import collateral_rules, isolated_rules, kraken_haircuts

USDT, BTC = Asset("USDT", 8), Asset("BTC", 8)
PERP = Perpetual("X-PERP", "X", USDT, USDT, Decimal("0.0001"), Decimal("0.001"))


def isolated(margin, lots, entry):
    position = Position("X-PERP", lots, PERP.worth(lots, entry))
    return Book({"USDT": USDT}, {"X-PERP": PERP}, (Holding(Pool("me"), {"USDT": margin}, (position,)),))


def mark(ticks):
    return Market({PriceKey(PriceKind.MARK, "X-PERP", "USDT"): PERP.price(ticks)})


def test_no_rule_set_is_listed_for_these_exchanges():
    assert not {"gate", "kraken", "phemex", "bit_com", "dederi", "isolated", "collateral"} & set(names())


@pytest.mark.parametrize(("lots", "price"), [(1_000, "8.0857"), (-1_000, "11.8741")])
def test_the_closing_fee_brings_an_isolated_liquidation_price_nearer(lots, price):
    with_fee = isolated_rules(f.closing_rate(Decimal("0.01"), Decimal("0.0006")))
    without = isolated_rules(Decimal("0.01"))
    book, market = isolated(2 * 10**8, lots, 100_000), mark(100_000)
    near, far = (liquidation_price(book, market, rules, "me", "X-PERP").solved for rules in (with_fee, without))
    assert str(near)[: len(price)] == price
    assert (near > far) is (lots > 0)  # the price comes down on a long and up on a short


def test_the_line_itself_is_a_breach():
    book = isolated(1 * 10**8, 1_000, 100_000)  # 1 coin bought at 10 with 1 of margin, 10 % kept: line at 10
    rules = isolated_rules(Decimal("0.1"))
    at, above = (assess_pool(book, mark(t), rules, Purpose.MAINTAIN, "me") for t in (100_000, 100_001))
    assert (at.surplus, at.breached(inclusive=rules.breach_inclusive)) == (0, True)
    assert not above.breached(inclusive=rules.breach_inclusive)


def test_assigned_margin_takes_the_fee_on_what_is_not_margin():
    assert f.assigned_margin(Decimal(200), Decimal(5), Decimal("0.0006")) == Decimal("40.096")
    assert f.assigned_margin(Decimal(200), Decimal(1), Decimal("0.0006")) == 200
    assert f.assigned_margin(Decimal(1), Decimal(3), Decimal(0), places=2) == Decimal("0.34")
    with pytest.raises(RulesError, match=r"leverage must be at least 1, not 0\.5"):
        f.assigned_margin(Decimal(200), Decimal("0.5"), Decimal(0))


def test_forward_prices_grow_with_rate_and_days():
    index = Decimal(1000)
    assert f.forward_price(index, Decimal(0), Decimal(20)) == 1000
    assert f.forward_price(index, Decimal(1), Decimal(365), 9) == Decimal("2718.281828459")
    assert f.forward_price(index, Decimal(-1), Decimal(365), 9) == Decimal("367.879441171")
    with pytest.raises(RulesError, match="beyond any price"):
        f.forward_price(index, Decimal(101), Decimal(365))


def test_a_future_s_risk_by_side():
    long = f.future_risk(Decimal(10), Decimal(2000), Decimal(2100), Decimal("0.006"), [Decimal("-0.1"), Decimal("0.1")])
    short = f.future_risk(
        Decimal(-10), Decimal(2000), Decimal(2100), Decimal("0.006"), [Decimal("-0.1"), Decimal("0.1")]
    )
    assert long.contingency == short.contingency == 120
    assert long.profits == (-2100, 2100)
    assert short.profits == (2100, -2100)


def wallet(units, price):
    book = Book({"USD": Asset("USD", 8), "BTC": BTC}, {}, (Holding(Pool("me", numeraire="USD"), {"BTC": units}),))
    return book, Market({PriceKey(PriceKind.INDEX, "BTC", "USD"): Decimal(price)})


@pytest.mark.parametrize(("haircut", "counts"), [("0", "17500"), ("0.03", "16975"), ("0.04", "16800"), ("1", "0")])
def test_haircuts_on_half_a_bitcoin(haircut, counts):
    book, market = wallet(5 * 10**7, 35_000)
    rules = collateral_rules({"BTC": Decimal(haircut)})
    assert assess_pool(book, market, rules, Purpose.MAINTAIN, "me").margin_equity == Decimal(counts)


def test_debts_count_in_full_and_strangers_not_at_all():
    book, market = wallet(-5 * 10**7, 35_000)
    assert assess_pool(book, market, collateral_rules({"BTC": Decimal("0.5")}), Purpose.ADMIT, "me").surplus == -17_500
    held, market = wallet(5 * 10**7, 35_000)
    assert assess_pool(held, market, collateral_rules({}), Purpose.ADMIT, "me").margin_equity == 0


@pytest.mark.parametrize("haircut", ["-0.01", "1.01"])
def test_haircuts_outside_0_to_1_are_refused(haircut):
    with pytest.raises(RulesError, match="a haircut must be between 0 and 1"):
        f.haircut_weight(Decimal(haircut))


def test_the_published_table():
    table = kraken_haircuts()
    assert len(table) == 14
    assert (table["USDT"], table["BTC"], table["FIL"]) == (Decimal("0.01"), Decimal("0.03"), Decimal("0.1"))


@given(st.integers(0, 10**12), st.decimals("0.01", "100000", places=2), st.integers(0, 99), st.integers(1, 100))
def test_law_11_a_larger_haircut_raises_no_surplus_and_more_of_an_asset_lowers_none(units, price, low, more):
    high = min(100, low + more)
    rules = [collateral_rules({"BTC": Decimal(one) * Decimal("0.01")}) for one in (low, high)]
    book, market = wallet(units, price)
    lenient, strict = (assess_pool(book, market, one, Purpose.ADMIT, "me").surplus for one in rules)
    assert strict <= lenient
    larger = book.with_holding(book.holding("me").with_cash("BTC", more))
    assert assess_pool(larger, market, rules[1], Purpose.ADMIT, "me").surplus >= strict


@given(st.integers(1, 10**10), st.integers(-(10**6), 10**6).filter(bool), st.integers(1, 10**7), st.integers(0, 999))
def test_law_13_an_isolated_price_is_the_first_tick_in_breach(margin, lots, entry, rate):
    rules = isolated_rules(Decimal(rate) * Decimal("0.001"))
    book = isolated(margin, lots, entry)
    for one in liquidation_price(book, mark(entry), rules, "me", "X-PERP").crossings:
        sound = one.ticks + (1 if one.breach_below else -1)
        assume(sound >= 1)  # a breach at the lowest price has no neighbour below
        verdicts = [
            assess_pool(book, mark(t), rules, Purpose.MAINTAIN, "me").breached(inclusive=True)
            for t in (one.ticks, sound)
        ]
        assert verdicts == [True, False]
