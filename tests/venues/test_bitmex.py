"""BitMEX: steps on the whole position, maintenance on entry value, and the laws in the form these rules guarantee."""

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solvent.book import Book, Holding, Market, Order, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Payoff, Perpetual
from solvent.liquidation import bankruptcy_prices
from solvent.margin import Withdraw, assess_pool, explain, liquidation_price, max_withdrawal, what_if
from solvent.rules import RulesError
from solvent.units import Asset
from solvent.venues import venue
from solvent.venues.bitmex import formulas as f

BTC, USD, USDT, ETH = Asset("BTC", 8), Asset("USD", 8), Asset("USDT", 8), Asset("ETH", 8)
XBTUSD = Perpetual("XBTUSD", "BTC", USD, BTC, Decimal("0.1"), Decimal(1), Payoff.INVERSE)
ETHUSDT = Perpetual("ETHUSDT", "ETH", USDT, USDT, Decimal("0.01"), Decimal("0.001"))
SOLUSDT = Perpetual("SOLUSDT", "SOL", USDT, USDT, Decimal("0.01"), Decimal("0.001"))
ASSETS = {one.name: one for one in (BTC, USD, USDT, ETH)}
LISTED = {one.symbol: one for one in (XBTUSD, ETHUSDT, SOLUSDT)}
INVERSE, LINEAR = venue("bitmex"), venue("bitmex_usdt")
LIMITS = f.RiskLimits(Decimal("0.005"), Decimal("0.01"), Decimal(200), Decimal(150))


def held(wallet, *positions, orders=(), numeraire="USDT", **more):
    """One pool; positions are (contract, lots, entry in ticks)."""
    made = tuple(Position(one.symbol, lots, one.worth(lots, ticks)) for one, lots, ticks in positions)
    cash = {numeraire: wallet, **more}
    return Book(ASSETS, LISTED, (Holding(Pool("me", numeraire=numeraire), cash, made, orders),))


def marks(**ticks):
    index = {PriceKey(PriceKind.INDEX, "ETH", quote): Decimal(100) for quote in ("USDT", "BTC")}
    return Market(
        {PriceKey(PriceKind.MARK, s, LISTED[s].quote.name): LISTED[s].price(t) for s, t in ticks.items()} | index
    )


def needs(book, market, rules, purpose):
    return assess_pool(book, market, rules, purpose, "me").required


# --- risk limits: the whole position, at both sides of each step ----------------------------------------------------


@pytest.mark.parametrize(
    ("value", "steps", "maintenance", "initial"),
    [
        ("0", 0, "0.005", "0.01"),
        ("199", 0, "0.005", "0.01"),
        ("200", 0, "0.005", "0.01"),
        ("200.00000001", 1, "0.01", "0.015"),
        ("350", 1, "0.01", "0.015"),
        ("350.00000001", 2, "0.015", "0.02"),
        ("500", 2, "0.015", "0.02"),
        ("501", 3, "0.02", "0.025"),
    ],
)
def test_a_step_s_upper_bound_belongs_to_it(value, steps, maintenance, initial):
    assert LIMITS.steps(Decimal(value)) == steps
    assert LIMITS.rates(Decimal(value)) == (Decimal(maintenance), Decimal(initial))


def test_liquidation_goes_down_a_limit_at_a_time():
    assert [LIMITS.limit_below(Decimal(v)) for v in (501, 500, 350, 200, 10)] == [500, 350, 200, 0, 0]
    assert f.RiskLimits(Decimal("0.01"), Decimal("0.02")).limit_below(Decimal(10**9)) == 0


def test_limits_that_cannot_be_are_refused():
    with pytest.raises(RulesError, match="step must be positive, not 0"):
        f.RiskLimits(Decimal(0), Decimal(0), Decimal(1), Decimal(0))
    with pytest.raises(RulesError, match="initial margin must be at least maintenance"):
        f.RiskLimits(Decimal("0.02"), Decimal("0.01"))


@pytest.mark.parametrize(
    ("lots", "entry", "maintain", "admit"),
    [
        (2_000_000, 100_000, "1", "2"),  # 200 XBT: the base limit
        (-2_000_000, 100_000, "1", "2"),
        (2_300_000, 100_000, "2.3", "3.45"),  # 230 XBT: the page's trade, one step up on the whole position
    ],
)
def test_the_whole_position_pays_its_step_on_entry_value_whatever_the_mark(lots, entry, maintain, admit):
    book = held(10**10, (XBTUSD, lots, entry), numeraire="BTC")
    for mark in (50_000, 100_000, 250_000):
        market = marks(XBTUSD=mark)
        assert needs(book, market, INVERSE, Purpose.MAINTAIN) == Decimal(maintain)
        assert needs(book, market, INVERSE, Purpose.ADMIT) == Decimal(admit)


def test_orders_raise_the_step_of_the_position_they_would_make():
    orders = (Order("a", "XBTUSD", 500_000, 100_000),)
    book = held(10**10, (XBTUSD, 1_800_000, 100_000), orders=orders, numeraire="BTC")
    market = marks(XBTUSD=100_000)
    assert needs(book, market, INVERSE, Purpose.ADMIT) == Decimal("3.45")  # 230 XBT at 1.5 %
    assert needs(book, market, INVERSE, Purpose.MAINTAIN) == Decimal("0.9")  # 180 XBT at 0.5 %


# --- prices ---------------------------------------------------------------------------------------------------------


def test_the_exchange_s_example_of_a_cross_position():
    book = held(10_000 * 10**8, (ETHUSDT, 20_000, 100_000))
    market = marks(ETHUSDT=100_000)
    assert needs(book, market, LINEAR, Purpose.ADMIT) == 400
    assert needs(book, market, LINEAR, Purpose.MAINTAIN) == 200
    assert assess_pool(book, market, LINEAR, Purpose.ADMIT, "me").surplus == 9_600
    solved = liquidation_price(book, market, LINEAR, "me", "ETHUSDT")
    assert (solved.solved, solved.ticks) == (510, 51_000)
    assert explain(book, marks(ETHUSDT=51_000), LINEAR, "me").state == "liquidating"
    assert explain(book, marks(ETHUSDT=51_001), LINEAR, "me").state == "healthy"


@pytest.mark.parametrize(("contract", "lots", "entry"), [(ETHUSDT, 20_000, 100_000), (ETHUSDT, -20_000, 100_000)])
def test_the_bankruptcy_formula_is_the_price_the_pool_s_value_gives(contract, lots, entry):
    book = held(10_000 * 10**8, (contract, lots, entry))
    (one,) = bankruptcy_prices(book, marks(ETHUSDT=entry), LINEAR, "me")
    assert contract.price(one.ticks) == f.bankruptcy_price(contract.size(lots), contract.price(entry), Decimal(10_000))


def test_bankruptcy_of_inverse_positions_on_both_sides():
    long = f.bankruptcy_price(Decimal(200_000), Decimal(10_000), Decimal(1), Payoff.INVERSE, 2)
    short = f.bankruptcy_price(Decimal(-200_000), Decimal(10_000), Decimal(1), Payoff.INVERSE, 2)
    assert (long, short) == (Decimal("9523.81"), Decimal("10526.31"))
    book = held(10**8, (XBTUSD, 200_000, 100_000), numeraire="BTC")
    (one,) = bankruptcy_prices(book, marks(XBTUSD=100_000), INVERSE, "me")
    assert XBTUSD.price(one.ticks) == Decimal("9523.9")  # the same, at the first tick of 0.1 above


def test_positions_that_cannot_go_bankrupt_have_no_such_price():
    assert f.bankruptcy_price(Decimal(1), Decimal(100), Decimal(100)) is None
    assert f.bankruptcy_price(Decimal(1), Decimal(100), Decimal("99.99"), places=2) == Decimal("0.01")
    assert f.bankruptcy_price(Decimal(-100), Decimal(100), Decimal(1), Payoff.INVERSE) is None
    assert f.bankruptcy_price(Decimal(-100), Decimal(100), Decimal("0.5"), Payoff.INVERSE, 2) == 200
    with pytest.raises(RulesError, match="a position needs a size and a positive entry, not 0 at 1"):
        f.bankruptcy_price(Decimal(0), Decimal(1), Decimal(1))
    with pytest.raises(RulesError, match="not quanto ones"):
        f.bankruptcy_price(Decimal(1), Decimal(1), Decimal(1), Payoff.QUANTO)


def test_fair_price_falls_back_to_the_index_at_the_funding_time():
    assert f.fair_price(Decimal(10_000), Decimal("0.0003"), Decimal(8)) == 10_003
    assert f.fair_price(Decimal(10_000), Decimal("-0.0003"), Decimal(4)) == Decimal("9998.5")
    assert f.fair_price(Decimal(10_000), Decimal("0.0003"), Decimal(0)) == 10_000


def test_losses_by_mode():
    given_ = (Decimal(100), Decimal(100))
    assert f.isolated_loss(*given_, Decimal(96), Decimal(4)) == f.cross_loss(*given_, Decimal(96)) == 4
    assert f.isolated_loss(*given_, Decimal(95), Decimal(4)) == 4
    assert f.cross_loss(*given_, Decimal(95)) == 5
    assert f.cross_loss(*given_, Decimal(101)) == -1
    assert f.cross_loss(Decimal(-100), Decimal(100), Decimal(101)) == 1


def test_maintenance_as_staff_describe_it_adds_fee_and_funding():
    costs = (Decimal(21), Decimal("0.00075"))
    assert f.maintenance_with_costs(Decimal(-20), Decimal("0.005"), *costs, Decimal("0.01")) == Decimal("0.12575")


def test_the_margin_of_a_sell_is_at_the_higher_of_limit_and_best_bid():
    rate = Decimal("0.01")
    for side, limit, bid, needed in ((1, 99, 100, 99), (-1, 99, 100, 100), (-1, 101, 100, 101)):
        assert f.order_margin(side, Decimal(limit), Decimal(bid), Decimal(100), rate) == needed


# --- ranks ----------------------------------------------------------------------------------------------------------


def test_ranks_multiply_for_gains_and_divide_for_losses():
    gain = f.adl_rank(Decimal(-8), Decimal(-10), Decimal(-12), 4)
    assert gain == (Decimal("0.2"), Decimal(2), Decimal("0.4"))
    loss = f.adl_rank(Decimal(-10), Decimal(-8), Decimal(-15), 4)
    assert loss == (Decimal("-0.25"), Decimal(2), Decimal("-0.125"))
    assert f.adl_rank(Decimal(10), Decimal(10), Decimal(5), 4).ranking == 0
    with pytest.raises(RulesError, match="no rank: entry value 0"):
        f.adl_rank(Decimal(1), Decimal(0), Decimal(0))
    with pytest.raises(RulesError, match="no rank: entry value 2, mark value 1, bankrupt value 1"):
        f.adl_rank(Decimal(1), Decimal(2), Decimal(1))


# --- the rule sets --------------------------------------------------------------------------------------------------


def test_profit_does_not_leave_and_loss_counts():
    book = held(10**11, (ETHUSDT, 1_000, 100_000))
    assert max_withdrawal(book, marks(ETHUSDT=200_000), LINEAR, "me", "USDT") == 10**11 - 20 * 10**8
    assert max_withdrawal(book, marks(ETHUSDT=90_000), LINEAR, "me", "USDT") == 10**11 - 120 * 10**8
    (refusal,) = what_if(
        book, marks(ETHUSDT=100_000), LINEAR, [Withdraw("me", "USDT", 10**11 - 20 * 10**8 + 1)]
    ).refusals
    assert refusal.limit == "withdraw"


def test_only_the_settlement_currency_counts():
    book = held(10**8, ETH=10**8)
    assert assess_pool(book, marks(), LINEAR, Purpose.MAINTAIN, "me").margin_equity == 1


def test_contracts_of_the_other_wallet_are_refused():
    with pytest.raises(RulesError, match="XBTUSD: inverse contracts are not covered"):
        LINEAR.margin.contract(XBTUSD)
    with pytest.raises(RulesError, match="ETHUSDT: linear contracts are not covered"):
        INVERSE.margin.contract(ETHUSDT)
    other = Perpetual("ETHUSD", "ETH", USD, ETH, Decimal("0.1"), Decimal(1), Payoff.INVERSE)
    with pytest.raises(RulesError, match="ETHUSD: no tiers"):
        INVERSE.margin.contract(other)
    doge = Perpetual("DOGEUSDT", "DOGE", USDT, USDT, Decimal("0.0001"), Decimal(1))
    assert LINEAR.margin.contract(doge) is LINEAR.margin.every()["ETHUSDT"]


# --- laws -----------------------------------------------------------------------------------------------------------

wallets = st.integers(-(10**12), 10**14)
linear_lots = st.integers(-(10**6), 10**6).filter(bool)
ticks = st.integers(1, 10**6)
two_linear = st.builds(
    lambda wallet, a, b, c, d: held(wallet, (ETHUSDT, a, b), (SOLUSDT, c, d)),
    wallets, linear_lots, ticks, linear_lots, ticks,
)  # fmt: skip
linear_marks = st.builds(lambda a, b: marks(ETHUSDT=a, SOLUSDT=b), ticks, ticks)


@given(two_linear, linear_marks)
def test_law_07_purposes_are_in_order(book, market):
    found = {p: assess_pool(book, market, LINEAR, p, "me").surplus for p in Purpose}
    assert found[Purpose.WITHDRAW] <= found[Purpose.ADMIT]
    assert found[Purpose.ADMIT] <= min(found[Purpose.FILL], found[Purpose.RECOVER])
    assert max(found[Purpose.FILL], found[Purpose.RECOVER]) <= found[Purpose.MAINTAIN]


@given(st.integers(-(10**12), 10**12), st.integers(-(10**9), 10**9).filter(bool), ticks, ticks)
def test_law_07_with_risk_limit_steps(wallet, lots, entry, mark):
    book = held(wallet, (XBTUSD, lots, entry), numeraire="BTC")
    found = [assess_pool(book, marks(XBTUSD=mark), INVERSE, p, "me").surplus for p in Purpose]
    assert found == sorted(found)


@given(two_linear, linear_marks, st.sampled_from(["USDT", "ETH", "BTC"]), st.integers(1, 10**12))
def test_law_11_more_of_an_asset_lowers_no_surplus(book, market, name, units):
    market = market.with_prices({PriceKey(PriceKind.INDEX, "BTC", "USDT"): Decimal(50_000)})
    more = book.with_holding(book.holding("me").with_cash(name, units))
    for purpose in Purpose:
        before, after = (assess_pool(one, market, LINEAR, purpose, "me").surplus for one in (book, more))
        assert after >= before


def test_law_11_does_not_cover_positions_a_larger_one_may_be_charged_more_than_it_gains():
    """A profitable addition that crosses a step raises the requirement of the whole position."""
    market = marks(XBTUSD=100_000)
    small = held(10**10, (XBTUSD, 2_000_000, 100_000), numeraire="BTC")
    larger = held(10**10, (XBTUSD, 2_000_001, 100_000), numeraire="BTC")
    assert needs(small, market, INVERSE, Purpose.MAINTAIN) == 1
    assert needs(larger, market, INVERSE, Purpose.MAINTAIN) == Decimal("2.000001")


@settings(max_examples=40)
@given(two_linear, linear_marks, st.sampled_from(["ETHUSDT", "SOLUSDT"]))
def test_law_13_linear(book, market, symbol):
    _law_13(book, market, LINEAR, symbol)


@settings(max_examples=40)
@given(st.integers(1, 10**11), st.integers(-(10**8), 10**8).filter(bool), st.integers(10, 10**6))
def test_law_13_inverse(wallet, lots, entry):
    book = held(wallet, (XBTUSD, lots, entry), numeraire="BTC")
    _law_13(book, marks(XBTUSD=entry), INVERSE, "XBTUSD")


def _law_13(book, market, rules, symbol):
    solved = liquidation_price(book, market, rules, "me", symbol)
    listed = LISTED[symbol]
    key = PriceKey(PriceKind.MARK, symbol, listed.quote.name)

    def breached(count):
        there = market.with_prices({key: listed.price(count)})
        return assess_pool(book, there, rules, Purpose.MAINTAIN, "me").breached(inclusive=True)

    for one in solved.crossings:
        beyond = one.ticks + (1 if one.breach_below else -1)
        assume(beyond >= 1)
        assert breached(one.ticks)
        assert not breached(beyond)


def test_law_13_at_the_line_of_an_inverse_short():
    book = held(10**8, (XBTUSD, -200_000, 100_000), numeraire="BTC")
    (one,) = liquidation_price(book, marks(XBTUSD=100_000), INVERSE, "me", "XBTUSD").crossings
    assert not one.breach_below
    # 20 XBT at 0.5 % is 0.1: breach where 1 − (20 − 200,000 ÷ P) reaches 0.1
    assert XBTUSD.price(one.ticks) == Decimal("10471.3")  # 200,000 ÷ 19.1 = 10,471.2…
