"""Drift v2: the laws in the form the program guarantees, and books as the program sees them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.book import (
    Book,
    BookError,
    Holding,
    Leg,
    Market,
    Method,
    Mode,
    Order,
    Pool,
    Position,
    PriceKey,
    PriceKind,
    Purpose,
)
from solvent.instruments import Future, Payoff, Perpetual, Spot
from solvent.margin import assess, assess_pool, explain, liquidation_price
from solvent.rules import RulesError, Sized
from solvent.units import Asset
from solvent.venues import venue
from solvent.venues.drift_v2.account import Account, SpotBalance, calculate
from solvent.venues.drift_v2.books import book_of, markets_of
from solvent.venues.drift_v2.formulas import MarginType, token_value
from solvent.venues.drift_v2.markets import ONE_QUOTE, PerpMarket, Quoted, SpotMarket
from solvent.venues.drift_v2.model import STAGES
from solvent.venues.drift_v2.native import Markets, Settings, account_of
from solvent.venues.drift_v2.perp_liquidation import Call, Liquidation, liquidate_perp
from solvent.venues.drift_v2.rules import drift_v2, listed_markets, terms, with_markets
from tests.venues.drift_accounts import perp, usdc

RULES = venue("drift_v2")
USDC, SOL, ETH = Asset("USDC", 6), Asset("SOL", 9), Asset("ETH", 8)
ASSETS = {one.name: one for one in (USDC, SOL, ETH)}
LISTED = {
    one.symbol: one
    for one in (
        Perpetual("SOL-PERP", "SOL", USDC, USDC, Decimal("0.001"), Decimal("0.01")),
        Perpetual("BTC-PERP", "BTC", USDC, USDC, Decimal("0.1"), Decimal("0.0001")),
        Perpetual("WIF-PERP", "WIF", USDC, USDC, Decimal("0.0001"), Decimal(1)),
        Spot("SOL/USDC", "SOL", USDC, USDC, Decimal("0.01"), Decimal("0.1"), SOL),
    )
}
BASE_TICKS = {"SOL-PERP": 150_000, "BTC-PERP": 600_000, "WIF-PERP": 20_000}
# Markets with every rule switched on: sizes count, profit counts for new risk, deposits scale a weight.
FULL = Markets(
    {
        "USDC": SpotMarket(quote=True),
        "SOL": SpotMarket(8000, 9000, 12000, 11000, 50_000, scale_start=10**12),
        "ETH": SpotMarket(7000, 8500, 13000, 11500),
    },
    {
        "SOL": PerpMarket(1000, 500, 300, 200, 100, profit_initial=9000, profit_imf=900),
        "BTC": PerpMarket(500, 300, 2000),
    },
    PerpMarket(2000, 1000),
)
RULE_SETS = (RULES, with_markets(RULES, FULL))


def index(name, price, slow=None):
    keys = {PriceKey(PriceKind.INDEX, name, "USDC"): Decimal(price)}
    return keys if slow is None else {**keys, PriceKey(PriceKind.SLOW, name, "USDC"): Decimal(slow)}


def mark(symbol, ticks):
    return {PriceKey(PriceKind.MARK, symbol, "USDC"): LISTED[symbol].price(ticks)}


@st.composite
def worlds(draw, *, orders=True):
    ticks = {symbol: draw(st.integers(base // 2, base * 2)) for symbol, base in BASE_TICKS.items()}
    prices = {key: price for symbol, count in ticks.items() for key, price in mark(symbol, count).items()}
    for name, base in (("SOL", 150), ("ETH", 3000)):
        prices |= index(name, draw(st.integers(base // 2, base * 2)), draw(st.integers(base // 2, base * 2)))
    positions = tuple(draw(position_of(symbol, ticks[symbol])) for symbol in draw(st.sets(st.sampled_from([*ticks]))))
    resting = tuple(draw(st.lists(order_of(ticks), max_size=4))) if orders else ()
    cash = {
        "USDC": draw(st.integers(-(10**10), 10**12)),
        "SOL": draw(st.one_of(st.just(0), st.integers(-(10**12), 10**13))),
        "ETH": draw(st.integers(-(10**8), 10**10)),
    }
    pool = Pool("cross", numeraire="USDC", account_class=draw(st.sampled_from(["standard", "high_leverage"])))
    numbered = tuple(replace(order, id=str(k)) for k, order in enumerate(resting))
    wide = {("deposits", "SOL"): Decimal(draw(st.integers(0, 50_000)))}
    market = Market(prices, funding={"SOL-PERP": draw(st.integers(-9, 9))}, wide=wide)
    return Book(ASSETS, LISTED, (Holding(pool, cash, positions, numbered),)), market


@st.composite
def position_of(draw, symbol, ticks):
    lots = draw(st.integers(1, 50_000)) * draw(st.sampled_from([1, -1]))
    entry = draw(st.integers(ticks * 8 // 10, ticks * 12 // 10))
    leverage = draw(st.sampled_from([None, 3, 7]))
    return Position(symbol, lots, LISTED[symbol].worth(lots, entry), leverage=leverage)


@st.composite
def order_of(draw, ticks):
    symbol = draw(st.sampled_from([*ticks, "SOL/USDC"]))
    lots = draw(st.integers(1, 20_000)) * draw(st.sampled_from([1, -1]))
    return Order("", symbol, lots, ticks.get(symbol, 15_000), reduce_only=draw(st.booleans()))


def surpluses(book, market, rules):
    return {purpose: assess(book, market, rules, purpose)["cross"].surplus for purpose in Purpose}


@pytest.mark.parametrize("rules", RULE_SETS)
@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_l07_new_risk_fills_and_maintenance_are_in_order_and_so_are_the_buffer_and_maintenance(rules, world):
    found = surpluses(*world, rules)
    assert found[Purpose.WITHDRAW] == found[Purpose.ADMIT] <= found[Purpose.FILL] <= found[Purpose.MAINTAIN]
    assert found[Purpose.RECOVER] <= found[Purpose.MAINTAIN]


def test_l07_is_not_guaranteed_between_admit_and_recover():
    """The buffer charges debts of the quote token and losses again; new risk does not."""
    debt = Holding(Pool("cross", numeraire="USDC"), {"USDC": -100_000_000})
    found = surpluses(Book(ASSETS, LISTED, (debt,)), Market({}), RULES)
    assert (found[Purpose.ADMIT], found[Purpose.RECOVER]) == (-100, -102)


def test_l07_breaks_at_the_sizes_where_high_leverage_mode_jumps():
    """160,000 SOL meet the standard 10 % exactly: new risk takes 1 %, a fill the 8 % its size asks for."""
    rules = with_markets(RULES, Markets({}, {"SOL": PerpMarket(1000, 500, 50, 100, 50)}))
    rates = {}
    for lots in (15_960_000, 16_000_000, 17_000_000):
        book, market = small({}, Position("SOL-PERP", lots, 0), account_class="high_leverage")
        for purpose in (Purpose.ADMIT, Purpose.FILL):
            lines = assess(book, market, rules, purpose)["cross"].lines
            rates[lots, purpose] = next(line.piece.rate for line in lines if line.piece)
    assert [str(rates[lots, Purpose.ADMIT]) for lots in (15_960_000, 16_000_000, 17_000_000)] == [
        "0.0995",
        "0.0100",
        "0.1006",
    ]
    assert rates[16_000_000, Purpose.FILL] == Decimal("0.08")


@pytest.mark.parametrize("rules", RULE_SETS)
@settings(max_examples=60, deadline=None)
@given(world=worlds(), name=st.sampled_from(["USDC", "ETH"]), added=st.integers(1, 10**9))
def test_l11_more_of_a_token_without_size_discount_lowers_no_surplus(rules, world, name, added):
    rules = with_markets(rules, without_size(rules.models[Method.TIERED].markets, name))
    book, market = world
    before = surpluses(book, market, rules)
    after = surpluses(book.with_holding(book.holdings[0].with_cash(name, added)), market, rules)
    assert all(after[purpose] >= before[purpose] for purpose in Purpose)


def without_size(markets, name):
    return replace(markets, spots={**markets.spots, name: replace(markets.spots[name], imf=0)})


def test_l11_is_not_guaranteed_where_the_size_discount_counts():
    """The weight is cut to 1e-4: one more lamport can take a step of it from the whole balance."""
    market = SpotMarket(8000, 9000, 12000, 11000, 1250)
    held = SpotBalance("SOL", market, 90_500_000_000_000, 9, Quoted(100_000_000, 100_000_000))

    def counted(tokens):
        return calculate(Account((replace(held, tokens=tokens),)), MarginType.INITIAL).collateral

    low, high = 90_500_000_000_000, 90_600_000_000_000
    weight = market.asset_weight(low, MarginType.INITIAL)
    assert market.asset_weight(high, MarginType.INITIAL) < weight
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if market.asset_weight(middle, MarginType.INITIAL) == weight else (low, middle)
    assert counted(high) < counted(low)
    assert counted(low) - counted(high) <= token_value(high, 9, 100_000_000) // 10_000 + 1


@settings(max_examples=60, deadline=None)
@given(world=worlds(), cut=st.integers(0, 9000), raised=st.integers(0, 9000))
def test_l11_a_larger_haircut_raises_no_surplus(world, cut, raised):
    eth = FULL.spots["ETH"]
    dearer = replace(
        eth,
        initial_asset=max(0, eth.initial_asset - cut),
        maintenance_asset=max(0, eth.maintenance_asset - cut),
        initial_liability=eth.initial_liability + raised,
        maintenance_liability=eth.maintenance_liability + raised,
    )
    strict = with_markets(RULES, replace(FULL, spots={**FULL.spots, "ETH": dearer}))
    before, after = surpluses(*world, RULE_SETS[1]), surpluses(*world, strict)
    assert all(after[purpose] <= before[purpose] for purpose in Purpose)


@pytest.mark.parametrize("rules", RULE_SETS)
@settings(max_examples=25, deadline=None)
@given(world=worlds())
def test_l13_the_solved_tick_is_in_breach_and_its_neighbour_is_not(rules, world):
    book, market = world
    for position in book.holdings[0].positions:
        found = liquidation_price(book, market, rules, "cross", position.symbol)
        for crossing in found.crossings:
            ticks = crossing.ticks
            beside = ticks + 1 if crossing.breach_below else ticks - 1
            assert breached(book, market, rules, position.symbol, ticks)
            assert not breached(book, market, rules, position.symbol, beside)


def breached(book, market, rules, symbol, ticks):
    moved = market.with_prices(mark(symbol, ticks))
    return assess_pool(book, moved, rules, Purpose.MAINTAIN, "cross").breached(inclusive=False)


def test_l13_a_long_of_ten_sol():
    """10 SOL from 150 with 200 USDC at 10 %: below 1,300 ÷ 9 = 144.44 the account is in breach."""
    rules = with_markets(RULES, Markets({}, {"SOL": PerpMarket(2000, 1000)}))
    book, market = small({"USDC": 200_000_000}, Position("SOL-PERP", 1000, 1_500_000_000))
    found = liquidation_price(book, market, rules, "cross", "SOL-PERP")
    assert (found.ticks, str(found.displayed)) == (144_444, "144.444")
    assert breached(book, market, rules, "SOL-PERP", 144_444)
    assert not breached(book, market, rules, "SOL-PERP", 144_445)


def small(cash, *positions, orders=(), **pool):
    holding = Holding(Pool("cross", numeraire="USDC", **pool), cash, positions, orders)
    prices = {**mark("SOL-PERP", 150_000), **mark("WIF-PERP", 20_000), **index("SOL", 150)}
    return Book(ASSETS, LISTED, (holding,)), Market(prices)


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_a_book_and_back_is_the_same_account(world):
    book, market = world
    account = account_of(book, replace(market, funding={}), FULL, book.holdings[0])
    account = replace(account, perps=tuple(replace(one, margin_ratio=0) for one in account.perps), quote=ONE_QUOTE)
    told, prices = book_of({"cross": account})
    again = account_of(told, prices, markets_of({"cross": account}), told.holdings[0])
    assert {one.name: one for one in again.perps} == {one.name: one for one in account.perps}
    assert again.high_leverage == account.high_leverage
    kept = {one.name: one for one in account.spots if one.tokens or one.orders}
    assert {one.name: replace(one, market=kept[one.name].market) for one in again.spots if one.name in kept} == kept


def test_an_isolated_position_is_judged_by_its_own_deposit():
    accounts = {"main": Account((usdc(10**9),)), "alone": Account((usdc(10**7),), (perp(10**9, -100_000_000),))}
    book, market = book_of(accounts)
    assert [h.pool.mode for h in book.holdings] == [Mode.CROSS, Mode.ISOLATED]
    found = assess(book, market, with_markets(RULES, markets_of(accounts)), Purpose.MAINTAIN)
    assert (found["main"].surplus, found["alone"].surplus) == (1000, 5)


def test_what_a_book_may_not_hold_is_refused_by_name():
    short_leg = Position("SOL-PERP", 1, 0, Leg.SHORT)
    with pytest.raises(BookError, match="positions: SOL-PERP short: one net position"):
        assess(*small({}, short_leg), RULES, Purpose.MAINTAIN)
    book, market = small({"DOGE": 1})
    with pytest.raises(BookError, match="'DOGE' is not declared"):
        assess(book, market, RULES, Purpose.MAINTAIN)
    inverse = Perpetual("X", "X", USDC, SOL, Decimal(1), Decimal(1), payoff=Payoff.INVERSE, contract_size=Decimal(1))
    future = Future("F", "SOL", USDC, USDC, Decimal("0.001"), Decimal("0.01"))
    for listed in (inverse, future, LISTED["SOL/USDC"]):
        with pytest.raises(RulesError, match="only linear perpetuals and spot trade here"):
            FULL.perp(listed)
    with pytest.raises(RulesError, match="no market; there are"):
        Markets({}, {}).perp(LISTED["SOL-PERP"])
    with pytest.raises(RulesError, match="no portfolio margin"):
        assess(*small({}, mode=Mode.PORTFOLIO), RULES, Purpose.MAINTAIN)


def test_prices_finer_than_the_programs_are_rounded_against_the_account():
    for units, equity, required in ((10**12, "2345.677", "0"), (-(10**12), "0", "2580.2458")):
        book, market = small({"SOL": units})
        found = assess(book, market.with_prices(index("SOL", "2.3456779")), markets_in_full(), Purpose.MAINTAIN)[
            "cross"
        ]
        assert (found.margin_equity, found.required) == (Decimal(equity), Decimal(required))
    book, market = small({"SOL": 10**9})
    assert assess(book, market.with_prices(index("SOL", "1e-8")), RULES, Purpose.MAINTAIN)["cross"].value == 0
    with pytest.raises(BookError, match="price of SOL must be positive, not 0"):
        assess(book, market.with_prices(index("SOL", 0)), RULES, Purpose.MAINTAIN)


def markets_in_full():
    return with_markets(RULES, Markets({"SOL": SpotMarket(10_000, 10_000, 11_000, 11_000)}, {}))


def test_orders_that_are_not_counted_cannot_be_told():
    with pytest.raises(BookError, match="1 sides have orders, but 0 orders are counted"):
        book_of({"cross": Account(perps=(perp(0, 0, bids=1),))})
    with pytest.raises(BookError, match=r"market\.index\.USDC"):
        book_of({"a": Account(), "b": Account(quote=Quoted(2, 2))})


def test_orders_of_a_book_reach_the_account_and_reduce_only_ones_only_count():
    orders = (
        Order("1", "SOL-PERP", 500, 1),
        Order("2", "SOL-PERP", -200, 1),
        Order("3", "SOL-PERP", 900, 1, reduce_only=True),
        Order("4", "SOL/USDC", 30, 1),
    )
    book, market = small({"USDC": 10**9}, Position("SOL-PERP", 100, 150_000_000), orders=orders)
    account = account_of(book, market, FULL, book.holdings[0])
    assert (account.perps[0].bids, account.perps[0].asks, account.perps[0].orders) == (5 * 10**9, -2 * 10**9, 3)
    (sol,) = [one for one in account.spots if one.name == "SOL"]
    assert (sol.tokens, sol.bids, sol.asks, sol.orders) == (0, 3 * 10**9, 0, 1)
    lines = assess(book, market, RULES, Purpose.MAINTAIN)["cross"].lines
    assert sorted(str(line.required) for line in lines if line.kind == "orders" and not line.equity) == [
        "0.010000",
        "0.030000",
        "450.000000",
    ]


def test_interest_due_makes_a_debt_larger_and_deposits_scale_weights():
    book, market = small({"SOL": -(10**9)})
    grown = replace(market, interest={"SOL": 10**11})
    assert assess(book, grown, RULES, Purpose.MAINTAIN)["cross"].required == Decimal("181.5")
    rules = with_markets(RULES, Markets({"SOL": SpotMarket(8000, 9000, 12000, 11000, scale_start=10**9)}, {}))
    book, market = small({"SOL": 10**9})
    crowded = replace(market, wide={("deposits", "SOL"): Decimal(20)})
    assert assess(book, market, rules, Purpose.ADMIT)["cross"].margin_equity == 120
    assert assess(book, crowded, rules, Purpose.ADMIT)["cross"].margin_equity == Decimal("39.9900")


def test_a_users_leverage_and_class_reach_the_requirement():
    for leverage, required in ((None, 15), (5, 30), (3, Decimal("50.01"))):
        book, market = small({"USDC": 10**9}, Position("SOL-PERP", 100, 150_000_000, leverage=leverage))
        rules = with_markets(RULES, Markets({}, {"SOL": PerpMarket(1000, 500, 0, 200, 100)}))
        assert assess(book, market, rules, Purpose.ADMIT)["cross"].required == required
        assert assess(book, market, rules, Purpose.MAINTAIN)["cross"].required == Decimal("7.5")
    book, market = small({}, Position("SOL-PERP", 100, 150_000_000), account_class="high_leverage")
    assert assess(book, market, rules, Purpose.ADMIT)["cross"].required == 3
    bound = with_markets(rules, rules.models[Method.TIERED].markets, Settings(margin_ratio=4000))
    assert assess(book, market, bound, Purpose.ADMIT)["cross"].required == 60


def test_tokens_nobody_listed_count_nothing_and_are_owed_in_full():
    assets = {**ASSETS, "DOGE": Asset("DOGE", 6)}
    for units, equity, required in ((10**6, 0, 0), (-(10**6), 0, 2)):
        holding = Holding(Pool("cross", numeraire="USDC"), {"DOGE": units})
        found = assess(Book(assets, {}, (holding,)), Market(index("DOGE", 2)), RULES, Purpose.ADMIT)["cross"]
        assert (found.margin_equity, found.required, found.value) == (equity, required, 2 * units // 10**6)


def test_the_rule_set_covers_any_linear_perpetual_and_names_its_numbers():
    markets = listed_markets()
    assert [markets.perp(LISTED[s]).initial for s in ("BTC-PERP", "SOL-PERP", "WIF-PERP")] == [500, 500, 2000]
    assert markets.spots["USDC"].quote
    assert not markets.spots["USDT"].quote
    assert terms() == (200, 1000, 150)
    assert drift_v2() == RULES
    assert RULES.models[Method.TIERED].stages is STAGES
    for name, facts in RULES.collateral.every().items():
        assert facts.debt_rate >= 1, name


def test_curves_and_weights_shown_are_the_programs():
    """The views other tools read give what the model charges."""
    book, market = small({"USDC": 10**9, "SOL": 10**12}, Position("SOL-PERP", 10**6, 1_500_000 * 10**6))
    rules = RULE_SETS[1]
    found = assess(book, market, rules, Purpose.ADMIT)["cross"]
    (line,) = [line for line in found.lines if line.kind == "position"]
    curve = rules.margin.contract(LISTED["SOL-PERP"]).schedules[Purpose.ADMIT]
    piece = curve.at_size(Sized("SOL-PERP", Decimal(10_000), Decimal(0), market)).pieces[0]
    assert piece.rate == line.piece.rate == Decimal("0.11")
    counting = rules.collateral.asset("SOL").counting(Purpose.ADMIT, Decimal(1000), Decimal(150), market)
    (taken,) = [line.equity for line in found.lines if line.kind == "haircut"]
    assert counting.schedule.at(Decimal(150_000)) - 150_000 == taken
    assert rules.collateral.asset("USDC").counting(Purpose.ADMIT, Decimal(1), Decimal(1), market).debt_rate == 1
    assert rules.collateral.asset("PEPE") is None


def test_an_explanation_names_what_each_line_takes():
    book, market = small({"USDC": 10**9, "SOL": -(10**9)}, Position("SOL-PERP", 100, 140_000_000))
    told = explain(book, market, RULES, "cross", Purpose.ADMIT)
    assert "SOL: debt worth -150 USDC, requires 180 USDC" in told.sentences
    assert "SOL-PERP: unrealised profit that does not count -10 USDC" in told.sentences
    assert told.assessment.margin_equity == 1000
    recovering = assess(book, market, RULES, Purpose.RECOVER)["cross"]
    (buffer,) = [line for line in recovering.lines if line.kind == "buffer"]
    assert (buffer.equity, buffer.required) == (0, 6)


def test_a_book_can_be_liquidated_as_the_program_would():
    book, market = small({"USDC": 13_700_000}, Position("SOL-PERP", 100, 160_000_000))
    account = account_of(book, market, listed_markets(), book.holdings[0])
    assert assess(book, market, RULES, Purpose.MAINTAIN)["cross"].breached(inclusive=False)
    after = liquidate_perp(account, "SOL-PERP", terms(), Liquidation(), Call(0, 10**9))
    assert (after.account.perps[0].base, after.liquidation.paid) == (130_000_000, -129_195_000)


def test_the_price_of_a_token_owed_has_its_own_liquidation_price():
    """1 SOL owed at 110 % against 220 USDC: above 200 the account is in breach."""
    book, market = small({"USDC": 220_000_000, "SOL": -(10**9)})
    found = liquidation_price(book, market, RULES, "cross", "SOL")
    assert found.displayed == 200
    assert [crossing.breach_below for crossing in found.crossings] == [False]
