"""Mango v4 at the points where its rules turn, and the laws in the form they hold there."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solvent.book import Book, BookError, Holding, Leg, Market, Order, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Option, OptionKind, Payoff, Perpetual, Spot
from solvent.margin import assess, explain, liquidation_price
from solvent.rules import RulesError
from solvent.units import Asset
from solvent.venues import check_order, venue
from solvent.venues.mango_v4 import account_health
from solvent.venues.mango_v4.account import (
    Account,
    BankTotals,
    HealthKind,
    Perp,
    PerpWeights,
    Prices,
    SpotOrders,
    Token,
    TokenWeights,
)
from solvent.venues.mango_v4.model import KINDS, TokenFacts
from solvent.venues.mango_v4.rules import health_model, with_weights

D = Decimal
RULES = venue("mango_v4")
ONE = Prices(D(1), D(1))
TINY = Fraction(1, 10**12)
USDC, SOL, BTC = Asset("USDC", 6), Asset("SOL", 9), Asset("BTC", 8)
ASSETS = {one.name: one for one in (USDC, SOL, BTC)}
LISTED = {
    one.symbol: one
    for one in (
        Perpetual("BTC-PERP", "BTC", USDC, USDC, D("0.1"), D("0.0001")),
        Perpetual("SOL-PERP", "SOL", USDC, USDC, D("0.01"), D("0.01")),
        Perpetual("SOL-COIN", "SOL", SOL, SOL, D("0.01"), D("0.01")),
        Spot("SOL/USDC", "SOL", USDC, USDC, D("0.001"), D("0.001"), SOL),
        Spot("BTC/USDC", "BTC", USDC, USDC, D("0.1"), D("0.0001"), BTC),
    )
}
WIDE = {("deposits", "SOL"): D(70_000), ("borrows", "SOL"): D(60_000), ("deposits", "BTC"): D(3)}


def flat(price):
    return Prices(D(price), D(price))


def book_of(cash=(), lots=(), entries=(), orders=()):
    """One cross pool; cash in units, positions as lots with their entry in ticks."""
    entered = dict(entries)
    positions = tuple(Position(s, n, LISTED[s].worth(n, entered.get(s, START[s]))) for s, n in dict(lots).items() if n)
    holding = Holding(Pool("p", numeraire="USDC"), dict(cash), positions, tuple(orders))
    return Book(ASSETS, LISTED, (holding,))


START = {"BTC-PERP": 600_000, "SOL-PERP": 15_000, "SOL-COIN": 100}


def market_of(sol="150", btc="60000", slow_sol=None, slow_btc=None, wide=None):
    prices = {
        PriceKey(PriceKind.INDEX, "SOL", "USDC"): D(sol),
        PriceKey(PriceKind.INDEX, "BTC", "USDC"): D(btc),
        PriceKey(PriceKind.MARK, "SOL-PERP", "USDC"): D(sol),
        PriceKey(PriceKind.MARK, "BTC-PERP", "USDC"): D(btc),
        PriceKey(PriceKind.MARK, "SOL-COIN", "SOL"): D(1),
    }
    for slow, subjects in ((slow_sol, ("SOL", "SOL-PERP")), (slow_btc, ("BTC", "BTC-PERP"))):
        if slow is not None:
            prices.update({PriceKey(PriceKind.SLOW, subject, "USDC"): D(slow) for subject in subjects})
    return Market(prices, wide=wide or {})


def surplus(book, market, purpose, rules=RULES):
    return assess(book, market, rules, purpose)["p"].surplus


# --- the whole health, against fractions written from the formulas alone ---


def weigh(kind, prices, weights, scale, amount):
    """Health of a net balance in fractions."""
    init, maint = weights[:2], weights[2:]
    asset, liab = maint if kind is HealthKind.MAINT else init
    low, high = (min(prices), max(prices)) if kind is HealthKind.INIT else (prices[0], prices[0])
    if kind is HealthKind.INIT:
        deposits, borrows, start = scale
        asset = asset if deposits * high <= start else asset * start / (deposits * high)
        liab = liab if borrows * high <= start else liab * borrows * high / start
    return amount * (asset * low if amount >= 0 else liab * high)


def result_of(kind, perp):
    """Unweighted and weighted result of a perpetual in fractions: the worse of two fills."""
    prices, weights, lots, quote, bids, asks = perp
    low, high = (min(prices), max(prices)) if kind is HealthKind.INIT else (prices[0], prices[0])
    long, short, overall = (
        (weights[2], weights[3], weights[5]) if kind is HealthKind.MAINT else (*weights[:2], weights[4])
    )
    cases = []
    for filled, price in ((bids, high), (-asks, low)):
        net = lots + filled
        cases.append(quote - filled * price + net * (long * low if net >= 0 else short * high))
    worst = min(cases)
    return worst * overall if worst > 0 else worst


amounts = st.integers(-50, 50)
counts = st.integers(0, 20)
slow = st.sampled_from([D(4), D(5), D(7)])


@given(st.sampled_from(list(HealthKind)), amounts, amounts, amounts, amounts, counts, counts, slow, counts, counts)
@settings(max_examples=150, deadline=None)
def test_health_without_spot_orders_is_the_formula(kind, dollars, coins, lots, quote, bids, asks, stable, held, owed):
    weights = ("0.8", "1.2", "0.9", "1.1")
    perp_weights = ("0.7", "1.3", "0.85", "1.15", "0.6", "0.75")
    totals = BankTotals(D(held), D(owed), D(3), D(40), D(40))
    prices = Prices(D(5), stable)
    tokens = (
        Token("USDC", D(dollars), ONE, TokenWeights(*map(D, weights))),
        Token("SOL", D(coins), prices, TokenWeights(*map(D, weights)), totals),
    )
    perp = Perp(
        "P", "USDC", prices, PerpWeights(*map(D, perp_weights)), D(lots), D(quote), D(bids), D(asks), lot_size=D(2)
    )
    pair = (Fraction(5), Fraction(stable))
    facts = [Fraction(w) for w in weights]
    moved = result_of(kind, (pair, [Fraction(w) for w in perp_weights], 2 * lots, quote, 2 * bids, 2 * asks))
    scale = (Fraction(held + 3), Fraction(owed), Fraction(40))
    want = weigh(kind, (Fraction(1),) * 2, facts, (Fraction(0), Fraction(0), Fraction(1)), dollars + moved)
    want += weigh(kind, pair, facts, scale, Fraction(coins))
    got = Fraction(account_health.health_of(Account(tokens, perps=(perp,)), kind))
    assert want - TINY <= got <= want  # quotients are rounded against the account


@given(st.sampled_from(list(HealthKind)), st.tuples(amounts, amounts, amounts), amounts, amounts, st.booleans())
@settings(max_examples=80, deadline=None)
def test_both_splits_of_health_have_the_same_difference(kind, balances, quote, lots, orders):
    weights = TokenWeights.around_one(D("0.8"), D("0.9"))
    tokens = tuple(
        Token(name, D(a), flat(p), weights)
        for (name, p), a in zip((("a", 1), ("b", 5), ("c", 10)), balances, strict=True)
    )
    perps = (
        Perp("P", "a", flat(5), PerpWeights.around_one(D("0.8"), D("0.5")), D(lots), D(quote)),
        Perp("Q", "b", flat(2), PerpWeights.around_one(D("0.7")), D(-lots), D(quote)),
    )
    spots = (SpotOrders("b", "a", D(3), D(9)), SpotOrders("c", "a", D(1), D(4))) if orders else ()
    account = Account(tokens, spots, perps)
    liabs, assets = (account_health.assets_and_liabs(account, kind, stable_assets=side) for side in (False, True))
    assert liabs.net == assets.net == account_health.health_of(account, kind)
    assert min(*liabs, *assets) >= 0


# --- a book: the assessment is the health, and explains it ---


@st.composite
def worlds(draw, *, orders=True):
    """A pool with balances, three perpetuals, and orders on the perpetuals and on one spot market."""
    cash = {
        "USDC": draw(st.integers(-(10**11), 2 * 10**11)),
        "SOL": draw(st.integers(-(10**12), 10**12)),
        "BTC": draw(st.integers(-(10**8), 10**8)),
    }
    lots = {s: draw(st.integers(-20_000, 20_000)) for s in START}
    entries = {s: draw(st.integers(START[s] // 2, START[s] * 2)) for s in START}
    resting = []
    if orders:
        for k, symbol in enumerate(("SOL-PERP", "SOL/USDC", "SOL-PERP", "SOL/USDC")):
            count = draw(st.integers(-5_000, 5_000))
            if count:
                ticks = draw(st.integers(10_000, 20_000)) * (10 if "/" in symbol else 1)
                resting.append(Order(str(k), symbol, count, ticks, reduce_only=draw(st.booleans())))
    stable = {
        "slow_sol": draw(st.sampled_from([None, "120", "180"])),
        "slow_btc": draw(st.sampled_from([None, "55000"])),
    }
    wide = draw(st.sampled_from([None, WIDE]))
    return book_of(cash, lots, entries, resting), market_of(wide=wide, **stable)


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_the_surplus_of_a_book_is_its_health_and_lines_sum_to_it(world):
    book, market = world
    account = health_model().taken(book, market, book.holdings[0]).account
    for purpose in Purpose:
        found = assess(book, market, RULES, purpose)["p"]
        assert found.surplus == account_health.health_of(account, KINDS[purpose])
        assert found.value == account_health.marked(account).net
        assert found.required >= 0
        for column in ("value", "margin_equity", "required"):
            part = "equity" if column == "margin_equity" else column
            assert sum(Fraction(getattr(line, part)) for line in found.lines) == Fraction(getattr(found, column))
        for line in found.lines:
            piece = line.piece
            if piece is not None:
                want = Fraction(piece.rate) * Fraction(piece.notional) - Fraction(piece.deduction)
                assert Fraction(line.required) == want


CHAIN = [
    (Purpose.WITHDRAW, Purpose.ADMIT),
    (Purpose.ADMIT, Purpose.FILL),
    (Purpose.ADMIT, Purpose.RECOVER),
    (Purpose.RECOVER, Purpose.MAINTAIN),
    (Purpose.FILL, Purpose.MAINTAIN),
]
# Every part of the account in play: both kinds of orders, slow prices on the bad side, scaled weights.
BUSY = (
    book_of(
        {"USDC": -(10**10), "SOL": 10**11, "BTC": -(10**7)},
        {"BTC-PERP": -5_000, "SOL-PERP": 9_000, "SOL-COIN": 700},
        {"BTC-PERP": 610_000, "SOL-PERP": 14_000, "SOL-COIN": 150},
        [
            Order("1", "SOL/USDC", 900, 151_000),
            Order("2", "SOL/USDC", -700, 149_000),
            Order("3", "SOL-PERP", 90, 15_000),
        ],
    ),
    market_of(slow_sol="120", slow_btc="66000", wide=WIDE),
)


@given(worlds())
@example(BUSY)
@settings(max_examples=60, deadline=None)
def test_law_07_holds_with_orders_on_at_most_one_spot_market(world):
    for strict, lenient in CHAIN:
        assert surplus(*world, strict) <= surplus(*world, lenient)


def test_each_kind_is_strictly_below_the_next_where_every_part_is_in_play():
    init, end, maint = (surplus(*BUSY, p) for p in (Purpose.ADMIT, Purpose.RECOVER, Purpose.MAINTAIN))
    assert init < end < maint
    check_order(RULES)


# Three tokens, two markets that share one of them: what another market adds takes from what this one adds.
SHARED = (SpotOrders("b", "a", D(17), D(40)), SpotOrders("b", "c", D(21)))
HALVES = [("a", 1, "0.8", "0.9"), ("b", 5, "0.5", "0.7"), ("c", 10, "0.5", "0.7")]


def three(balances, spots, slow_c="10"):
    slows = {"c": D(slow_c)}
    return Account(
        tuple(
            Token(n, D(x), Prices(D(p), slows.get(n, D(p))), TokenWeights.around_one(D(i), D(m)))
            for (n, p, i, m), x in zip(HALVES, balances, strict=True)
        ),
        spots,
    )


def test_law_07_fails_where_two_spot_markets_share_a_token():
    """A lower slow price shrinks what one market's orders become, and thereby what the other's are held to add."""
    spots = (SpotOrders("b", "a", D(15), D(5)), SpotOrders("b", "c", D(5), D(5)))
    account = three((-34, -21, -35), spots, slow_c="8")
    assert account_health.health_of(account, HealthKind.INIT) > account_health.health_of(
        account, HealthKind.LIQUIDATION_END
    )


def test_law_11_fails_where_two_spot_markets_share_a_token():
    end, poor = HealthKind.LIQUIDATION_END, three((-11, -26, -1), SHARED)
    assert account_health.health_of(poor.with_balance("b", D(1)), end) < account_health.health_of(poor, end)


@given(worlds(), st.sampled_from(["USDC", "SOL", "BTC"]), st.integers(1, 10**10))
@example(BUSY, "SOL", 1)
@settings(max_examples=60, deadline=None)
def test_law_11_adding_an_asset_lowers_no_surplus(world, name, units):
    book, market = world
    richer = book.with_holding(book.holdings[0].with_cash(name, units))
    for purpose in Purpose:
        assert surplus(richer, market, purpose) >= surplus(book, market, purpose)


@given(worlds())
@example(BUSY)
@settings(max_examples=40, deadline=None)
def test_law_11_a_larger_haircut_raises_no_surplus(world):
    old = health_model().tokens["SOL"].weights
    cut = replace_weights(old, init_asset=old.init_asset - D("0.1"), maint_asset=old.maint_asset - D("0.1"))
    harder = with_weights(RULES, {"SOL": health_model().tokens["SOL"]._replace(weights=cut)}, {})
    for purpose in Purpose:
        assert surplus(*world, purpose, harder) <= surplus(*world, purpose)


def replace_weights(weights, **changes):
    return weights._replace(**changes)


@given(
    st.sampled_from([5_000, -5_000, 12_345]), st.integers(2_000 * 10**6, 20_000 * 10**6), st.integers(-(10**10), 10**11)
)
@example(5_000, 3_000 * 10**6, 0)
@settings(max_examples=15, deadline=None)
def test_law_13_the_solved_tick_is_in_breach_and_its_neighbour_is_not(lots, dollars, coins):
    book, market = book_of({"USDC": dollars, "SOL": coins}, {"BTC-PERP": lots}), market_of()
    found = liquidation_price(book, market, RULES, "p", "BTC-PERP")
    for crossing in found.crossings:
        other = crossing.ticks + (1 if crossing.breach_below else -1)
        verdicts = [at(book, market, ticks) < 0 for ticks in (crossing.ticks, other)]
        assert verdicts == [True, False]


def at(book, market, ticks):
    mark = PriceKey(PriceKind.MARK, "BTC-PERP", "USDC")
    return surplus(book, market.with_prices({mark: LISTED["BTC-PERP"].price(ticks)}), Purpose.MAINTAIN)


def test_a_liquidation_price_by_hand():
    """0.5 BTC at 60,000 on 3,000 dollars: 3,000 + 0.5 (0.975 p − 60,000) = 0 at 55,384.6…; breach is below zero."""
    book = book_of({"USDC": 3_000 * 10**6}, {"BTC-PERP": 5_000})
    found = liquidation_price(book, market_of(), RULES, "p", "BTC-PERP")
    assert (found.ticks, found.displayed, found.in_breach) == (553_846, D("55384.6"), False)
    level = book_of({"USDC": 750 * 10**6}, {"BTC-PERP": 5_000})  # maintenance of exactly 750: health is zero
    assert surplus(level, market_of(), Purpose.MAINTAIN) == 0
    assert not liquidation_price(level, market_of(), RULES, "p", "BTC-PERP").in_breach
    assert at(level, market_of(), 599_999) < 0


def test_explain_shows_the_venues_own_numbers():
    book = book_of({"USDC": 3_000 * 10**6, "SOL": -(10**9)}, {"BTC-PERP": -5_000})
    found = explain(book, market_of(), RULES, "p")
    assert found.state == "healthy"
    assert found.assessment.required == D("165") + D("750")  # 150 × 1.1 of debt, 30,000 × 2.5 % of position
    assert abs(Fraction(found.ratio) - Fraction(3_000, 915)) < Fraction(1, 10**8)  # assets over liabilities
    assert "BTC-PERP: profit 0, requires 750 USDC = 2.5 % of 30000" in found.sentences
    poor = book_of({"USDC": 749 * 10**6}, {"BTC-PERP": -5_000})
    assert explain(poor, market_of(), RULES, "p").state == "liquidating"


# --- edges of health ---


def test_unlisted_coins_count_nothing_and_unlisted_contracts_are_5x_without_unsettled_profit():
    assert RULES.models[RULES.method].tokens.get("DOGE") is None
    assert health_model().other_token.weights == (D(0), D("1.8"), D(0), D("1.4"))
    won = book_of({}, {"SOL-PERP": 100}, {"SOL-PERP": 10_000})
    lost = book_of({}, {"SOL-PERP": 100}, {"SOL-PERP": 20_000})
    assert surplus(won, market_of(), Purpose.MAINTAIN) == 0
    assert surplus(lost, market_of(), Purpose.MAINTAIN) == D(-50) - D(15)
    assert surplus(lost, market_of(), Purpose.ADMIT) == D(-50) - D(30)


def test_profit_meets_a_debt_of_the_settle_token_before_weights():
    """A loan of 100 and a result of 90 leave a loan of 10; weighted apart they would leave more."""
    token = Token("a", D(-100), ONE, TokenWeights.around_one(D("0.8")))
    won = Perp("P", "a", ONE, quote=D(90))
    assert account_health.health_of(Account((token,), perps=(won,)), HealthKind.INIT) == D("-12")


@pytest.mark.parametrize(("deposits", "weight"), [("99", "0.8"), ("100", "0.8"), ("160", "0.5")])
def test_deposit_scaling_starts_above_the_start(deposits, weight):
    totals = BankTotals(deposits=D(deposits), deposit_scale_start=D(200))
    token = Token("a", D(1), Prices(D(1), D(2)), TokenWeights(D("0.8")), totals)  # valued at the higher price, 2
    assert token.asset_weight(HealthKind.INIT) == D(weight)
    assert token.asset_weight(HealthKind.LIQUIDATION_END) == D("0.8")
    assert replace(token, totals=totals._replace(potential=D(300))).asset_weight(HealthKind.INIT) < D("0.5")


@pytest.mark.parametrize(("borrows", "weight"), [("100", "1.2"), ("150", "1.8")])
def test_borrow_scaling_starts_above_the_start(borrows, weight):
    totals = BankTotals(borrows=D(borrows), borrow_scale_start=D(200))
    token = Token("a", D(1), Prices(D(1), D(2)), TokenWeights(init_liab=D("1.2")), totals)
    assert token.liab_weight(HealthKind.INIT) == D(weight)
    with pytest.raises(RulesError, match="borrow_scale_start of a"):
        replace(token, totals=totals._replace(borrow_scale_start=D(0))).liab_weight(HealthKind.INIT)


def test_a_recorded_price_counts_only_where_it_gives_less():
    tokens = (Token("q", D(0), ONE), Token("b", D(0), flat(5)))
    for ask, want in ((D(0), 20), (D(4), 18), (D(6), 20)):
        spot = SpotOrders("b", "q", D(2), D(10), lowest_ask=ask)
        assert account_health.reserved(Account(tokens, (spot,)), spot, HealthKind.INIT).as_quote == want
    for inverse, want in ((D(0), 4), (D("0.1"), 3), (D("0.25"), 4)):
        spot = SpotOrders("b", "q", D(2), D(10), highest_bid_inverse=inverse)
        assert account_health.reserved(Account(tokens, (spot,)), spot, HealthKind.INIT).as_base == want


def test_an_order_of_a_book_reserves_from_its_balance():
    """A bid for 1 SOL at 200 where SOL is 150: filled it leaves a coin that counts 0.9 × 150 for 200 dollars."""
    bid = Order("1", "SOL/USDC", 1_000, 200_000)
    book, bare = book_of({"USDC": 300 * 10**6}, orders=[bid]), book_of({"USDC": 300 * 10**6})
    assert surplus(bare, market_of(), Purpose.MAINTAIN) == 300
    assert surplus(book, market_of(), Purpose.MAINTAIN) == 100 + D("0.9") * 150
    assert assess(book, market_of(), RULES, Purpose.MAINTAIN)["p"].value == 300
    ask = Order("1", "SOL/USDC", -1_000, 100_000)
    selling = book_of({"SOL": 10**9}, orders=[ask])
    assert surplus(selling, market_of(), Purpose.MAINTAIN) == 100  # sold at the recorded 100, below 135 as a coin
    reducing = book_of({"USDC": 300 * 10**6}, orders=[replace(bid, reduce_only=True)])
    assert surplus(reducing, market_of(), Purpose.MAINTAIN) == 300


def test_interest_of_a_debt_counts_at_the_weight_of_a_debt():
    book = book_of({"SOL": -(10**9)})
    grown = replace(market_of(), interest={"SOL": 10**11})  # a tenth of the debt
    assert surplus(book, grown, Purpose.MAINTAIN) == D("-1.1") * 150 * D("1.1")
    lines = {
        line.kind: line for line in assess(book, grown, RULES, Purpose.MAINTAIN)["p"].lines if line.subject == "SOL"
    }
    assert (lines["interest"].value, lines["interest"].required) == (D(-15), D("16.5"))


def test_funding_owed_lowers_the_result():
    book = book_of({"USDC": 1_000 * 10**6}, {"BTC-PERP": 10})
    before = surplus(book, market_of(), Purpose.MAINTAIN)
    assert surplus(book, replace(market_of(), funding={"BTC-PERP": 10**6}), Purpose.MAINTAIN) == before - 10


def test_tokens_may_be_left_out_only_where_that_lowers_health():
    account = three((100, 10, -10), (SpotOrders("b", "a", D(1), D(5)),))
    whole = account_health.health_of(account, HealthKind.INIT)
    for names in ({"a"}, {"b"}, {"a", "b"}):
        assert account_health.health_of(account.without(names), HealthKind.INIT) < whole
    with pytest.raises(BookError, match=r"tokens\.c: a debt of 10"):
        account.without({"c"})
    perp = Perp("P", "a", ONE, lots=D(1), quote=D(-5))
    with pytest.raises(BookError, match=r"perps\.P: it settles in a"):
        replace(account, perps=(perp,)).without({"a"})
    assert replace(account, perps=(Perp("P", "a", ONE),)).without({"a"}).perps == ()


def test_what_the_model_does_not_cover_is_refused_by_name():
    option = Option("SOL-C", "SOL", USDC, USDC, D("0.01"), D(1), OptionKind.CALL, D(100), 1)
    inverse = Perpetual("SOL-INV", "SOL", USDC, SOL, D("0.5"), D(1), Payoff.INVERSE, D(100))
    for one in (option, inverse):
        holding = Holding(Pool("p", numeraire="USDC"), {}, (Position(one.symbol, 1, 0),))
        book = Book(ASSETS, {**LISTED, one.symbol: one}, (holding,))
        with pytest.raises(RulesError, match=f"{one.symbol}: only spot and linear perpetuals"):
            assess(book, market_of(), RULES, Purpose.MAINTAIN)
    holding = Holding(Pool("p", numeraire="USDC"), {}, (Position("SOL-PERP", 1, 0, Leg.LONG),))
    with pytest.raises(RulesError, match="SOL-PERP: a long leg"):
        assess(Book(ASSETS, LISTED, (holding,)), market_of(), RULES, Purpose.MAINTAIN)
    with pytest.raises(BookError, match="assets: 'DOGE'"):
        assess(book_of({"DOGE": 1}), market_of(), RULES, Purpose.MAINTAIN)
    with pytest.raises(BookError, match="free must be 0 to the total 1, not 2"):
        SpotOrders("a", "b", D(1), base_free=D(2))


def test_leverage_divides_by_no_less_than_a_thousandth():
    account = Account((Token("a", D(5), ONE), Token("b", D(-5), ONE)))
    assert account_health.leverage(account) == 5_000
    assert TokenFacts(TokenWeights()).weights.maint_liab == 1
