"""The order of purposes (law L-07): the textbook keeps it, and each way to break it is refused by name."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.book import Book, Holding, Market, Order, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Future, Option, OptionKind, Payoff, Perpetual, Spot
from solvent.margin import assess
from solvent.rates import Schedule
from solvent.rules import Collateral, PenaltyBase, Plan, Profit, RulesError
from solvent.units import Asset, exact
from solvent.venues import check_order, names, venue
from solvent.venues.generic.rules import generic
from solvent.venues.lawful import ORDER, never_above
from solvent.venues.parts import TierTable, WeightTable

RULES = venue("generic")
USDT, USDC, BTC = Asset("USDT", 6), Asset("USDC", 6), Asset("BTC", 8)
LINEAR = Perpetual("BTC-PERP", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"))
COIN = Perpetual("ABC-PERP", "ABC", USDT, USDT, Decimal("0.01"), Decimal(1))
INVERSE = Perpetual("BTC-INV", "BTC", USDT, BTC, Decimal("0.5"), Decimal(1), Payoff.INVERSE, Decimal(100))


@pytest.mark.parametrize("base", PenaltyBase)
@pytest.mark.parametrize("plan", Plan)
def test_every_variant_of_the_textbook_is_in_order(base, plan):
    rules = generic(penalty_base=base, plan=plan)
    check_order(rules)
    assert (rules.penalty.base, rules.liquidation.plan) == (base, plan)


def broken_requirement():
    entry = RULES.margin.every()["*"]
    lower = {**entry.schedules, Purpose.FILL: entry.schedules[Purpose.MAINTAIN].scaled(Decimal("0.999999"))}
    return replace(RULES, margin=TierTable(default=replace(entry, schedules=lower)))


def broken_leverage():
    entry = RULES.margin.every()["*"]
    return replace(RULES, margin=TierTable(default=replace(entry, leverage_at=frozenset({Purpose.ADMIT}))))


def broken_weight():
    fine = RULES.collateral.every()["BTC"]
    weights = {**fine.weights, Purpose.WITHDRAW: Schedule.weights([("0", "0.920001")])}
    return replace(RULES, collateral=WeightTable({"BTC": Collateral(weights)}))


def falling_weight():
    weights = dict.fromkeys(Purpose, Schedule.step([("0", "0.9"), ("10", "0.5")]))
    return replace(RULES, collateral=WeightTable({"BTC": Collateral(weights)}))


def broken_profit():
    return replace(RULES, profit={**RULES.profit, Purpose.FILL: Profit.LOSSES_ONLY})


def broken_prices():
    positions = {**RULES.prices.positions, Purpose.MAINTAIN: (PriceKind.MARK, PriceKind.SLOW)}
    return replace(RULES, prices=replace(RULES.prices, positions=positions))


BREACHES = [
    (broken_requirement, r"FILL must be at least as strict as MAINTAIN, but the requirement of \* is somewhere lower"),
    (
        broken_leverage,
        r"WITHDRAW must be at least as strict as ADMIT, but the leverage margin of \* counts only at ADMIT",
    ),
    (broken_weight, "WITHDRAW must be at least as strict as ADMIT, but more of BTC counts somewhere at WITHDRAW"),
    (falling_weight, "the value counted of BTC falls somewhere"),
    (broken_profit, "ADMIT must be at least as strict as FILL, but unrealised profit counts in full at ADMIT"),
    (broken_prices, "FILL must be at least as strict as MAINTAIN, but the prices of positions at MAINTAIN"),
]


@pytest.mark.parametrize(("rules", "message"), BREACHES)
def test_each_breach_of_the_order_is_named(rules, message):
    with pytest.raises(RulesError, match=message):
        check_order(rules())


def test_venues_that_charge_leverage_alone_at_admit_are_not_in_schedule_order():
    """Their order rests on the brackets' leverage instead, which another test checks."""
    for name in names():
        if name.startswith(("binance_usdm", "binance_coinm")):
            with pytest.raises(RulesError, match="ADMIT must be at least as strict as FILL"):
                check_order(venue(name))


rate = st.integers(0, 1000).map(lambda n: Decimal(n).scaleb(-3))
floors = st.lists(st.integers(1, 100), unique=True, max_size=4).map(sorted)


@given(floors, floors, st.data())
def test_never_above_agrees_with_a_dense_scan(low_floors, high_floors, data):
    low, high = (
        Schedule.marginal([(Decimal(f), data.draw(rate)) for f in (0, *some)]) for some in (low_floors, high_floors)
    )
    points = [Fraction(n, 2) for n in range(500)]

    def at(schedule, point):
        piece = schedule.piece(Decimal(point.numerator) / point.denominator)
        return Fraction(piece.rate) * point - Fraction(piece.deduction)

    scanned = exact(lambda: all(at(low, p) <= at(high, p) for p in points))()
    same_end = low.pieces[-1].rate <= high.pieces[-1].rate
    if scanned and same_end:
        assert never_above(low, high)
    if not scanned:
        assert not never_above(low, high)


lots = st.integers(-2_000_000, 2_000_000)
cash = st.integers(-(10**13), 10**14)


@st.composite
def books(draw):
    """A pool with debts, coins, linear and inverse positions, and orders on both sides."""
    marks = {LINEAR: draw(st.integers(100_000, 900_000)), COIN: draw(st.integers(1, 90_000)), INVERSE: 0}
    marks[INVERSE] = marks[LINEAR] // 5
    positions, orders = [], []
    for contract, mark in marks.items():
        held = draw(lots)
        if held:
            entry = max(1, mark * draw(st.integers(50, 150)) // 100)
            positions.append(Position(contract.symbol, held, contract.worth(held, entry)))
        if draw(st.booleans()):
            side = draw(lots.filter(bool))
            orders.append(
                Order(contract.symbol, contract.symbol, side, max(1, mark * draw(st.integers(80, 120)) // 100))
            )
    holding = Holding(
        Pool("p", numeraire="USDT"),
        {"USDT": draw(cash), "USDC": draw(cash), "BTC": draw(st.integers(-(10**10), 10**12))},
        tuple(positions),
        tuple(orders),
    )
    price = exact(lambda: {PriceKey(PriceKind.MARK, c.symbol, "USDT"): c.price(m) for c, m in marks.items()})()
    price[PriceKey(PriceKind.INDEX, "BTC", "USDT")] = exact(LINEAR.price)(marks[LINEAR])
    price[PriceKey(PriceKind.INDEX, "USDC", "USDT")] = Decimal("0.997")
    instruments = {c.symbol: c for c in marks}
    return Book({a.name: a for a in (USDT, USDC, BTC)}, instruments, (holding,)), Market(price)


@given(books())
def test_l07_a_stricter_purpose_never_finds_more_surplus(case):
    book, market = case
    surplus = {purpose: assess(book, market, RULES, purpose)["p"].surplus for purpose in Purpose}
    for strict, lenient in ORDER:
        assert surplus[strict] <= surplus[lenient]


def test_what_is_not_covered_is_refused_by_name():
    spot = Spot("BTC-SPOT", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"), BTC)
    option = Option("BTC-C", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"), OptionKind.CALL, Decimal(1), 0)
    for instrument, kind in ((spot, "spot"), (option, "option")):
        with pytest.raises(RulesError, match=f"a {kind} has no tier here"):
            RULES.margin.contract(instrument)
    with pytest.raises(RulesError, match="inverse contracts are not covered; this rule set covers linear ones"):
        venue("binance_usdm").margin.contract(INVERSE)
    with pytest.raises(RulesError, match="linear contracts are not covered"):
        venue("binance_coinm").margin.contract(LINEAR)
    other = replace(INVERSE, symbol="ETHUSD", underlying="ETH")
    with pytest.raises(RulesError, match=r"ETHUSD: no tiers; this rule set has \['BTC'\]"):
        venue("binance_coinm").margin.contract(other)
    assert RULES.collateral.asset("DOGE2") is None


def test_the_textbook_takes_any_contract_majors_by_underlying():
    dated = Future("BTC-MAR", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"), expiry_ns=1)
    major, other = RULES.margin.contract(dated), RULES.margin.contract(COIN)
    assert major is RULES.margin.contract(INVERSE)
    assert (major.brackets[0].max_leverage, other.brackets[0].max_leverage) == (100, 50)
    with pytest.raises(RulesError, match="quanto contracts are not covered; this rule set covers inverse, linear ones"):
        RULES.margin.contract(replace(COIN, payoff=Payoff.QUANTO))


def multi_asset_value(units):
    """Margin equity of ``units`` of BTC alone at 50,000 USD in multi-assets mode."""
    usd = Asset("USD", 6)
    holding = Holding(Pool("p", numeraire="USD"), {"BTC": units})
    market = Market({PriceKey(PriceKind.INDEX, "BTC", "USD"): Decimal(50_000)})
    book = Book({"USD": usd, "BTC": BTC}, {}, (holding,))
    return assess(book, market, venue("binance_usdm_multi_asset"), Purpose.MAINTAIN)["p"].margin_equity


def test_multi_assets_mode_counts_balances_at_the_bid_rate_and_debts_at_the_ask_rate():
    assert multi_asset_value(10**8) == 47_500
    assert multi_asset_value(-(10**8)) == -52_500
