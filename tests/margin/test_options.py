"""Options in ring 1: premiums, combos as one, Greeks, strategies by name, and liquidation prices by search."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from solvent import venues
from solvent.book import BookError, Order, Position, PriceKey, PriceKind, Purpose
from solvent.comparison import as_at
from solvent.instruments import Exercise, OptionKind
from solvent.margin import Combo, Trade, UnsolvableError, account, assess_pool, liquidation_prices, max_combo, what_if
from solvent.margin.changes import fill
from solvent.margin.combos import SHAPES, combo_legs
from solvent.margin.held_options import Moved, held_options
from solvent.margin.paths import market_along, moves, subject
from solvent.margin.sensitivities import exposures
from solvent.pricing import black76
from solvent.rules import Fees, Path, Transition
from solvent.units import exact
from tests.research.option_books import FAR, NEAR, NOW, PAIR, PERP, POOL, USDC, book, ns, symbol
from tests.venues.option_accounts import Account

D = Decimal
PMRM2, SRM = venues.venue("derive_pmrm2"), venues.venue("derive_srm")
FREE = replace(PMRM2, fees=Fees(0, 0))
CALL = symbol(FAR, 120000, "call")
VENUES = ("derive_pmrm2", "derive_pmrm1", "derive_srm", "span", "tims", "reg_t")


def strangle(cash="45000", mark="2400.0"):
    return book([(-1, FAR, 85000, "put"), (-1, FAR, 120000, "call")], cash=cash, mark=mark)


@pytest.mark.parametrize("name", VENUES)
def test_every_rule_set_finds_two_prices_of_a_short_strangle_and_the_verdict_turns_there(name):
    made, market = as_at(*strangle(), name)
    rules, holding = venues.venue(name), made.holdings[0]
    (coin, solved), *rest = liquidation_prices(made, market, rules, POOL).items()
    assert (coin, rest, solved.path) == ("BTC", [], Path.UNDERLYING)
    assert [one.breach_below for one in solved.crossings] == [True, False]
    one = subject(made, "BTC", holding.pool.numeraire)
    moving = exact(moves)(made, market, rules, holding, one, Path.UNDERLYING)
    for crossing in solved.crossings:
        verdicts = []
        for ticks in (crossing.ticks, crossing.ticks + (1 if crossing.breach_below else -1)):
            factor = Fraction(one.tick) * ticks / Fraction(solved.mark)
            moved = exact(market_along)(made, market, moving, factor)
            verdicts.append(assess_pool(made, moved, rules, Purpose.MAINTAIN, POOL).breached(inclusive=False))
        assert verdicts == [True, False]


def test_along_a_path_forwards_and_marks_move_and_volatilities_do_not():
    made, market = book([(1, NEAR, 100000, "call"), (1, FAR, 90000, "put")], forward="101000", mark="6000.0")
    rules, holding = PMRM2, made.holdings[0]
    moving = exact(moves)(made, market, rules, holding, subject(made, "BTC", "USDC"), Path.UNDERLYING)
    moved = exact(market_along)(made, market, moving, Fraction(11, 10))
    day = PriceKey(PriceKind.FORWARD, f"BTC@{NEAR:%Y-%m-%dT%H:%M:%SZ}", "USDC")
    assert moved.prices[day] == 111_100
    changed = {key for key, price in moved.prices.items() if market.prices[key] != price}
    assert {key.kind for key in changed} == {PriceKind.INDEX, PriceKind.FORWARD, PriceKind.MARK}
    assert moved.prices[PriceKey(PriceKind.MARK, symbol(NEAR, 100000, "call"), "USDC")] > 6000
    assert moved.prices[PriceKey(PriceKind.MARK, symbol(FAR, 90000, "put"), "USDC")] < 6000
    assert PriceKey(PriceKind.MARK, PAIR, "USDC") not in changed
    alone = exact(moves)(made, market, rules, holding, subject(made, "BTC", "USDC"), Path.INSTRUMENT)
    assert alone.options is None


def test_a_pool_with_options_is_never_asked_along_one_mark_alone():
    made = book([(-1, FAR, 120000, "call")], perp=(-1, 100000, 100000), cash="40000")
    found = liquidation_prices(*made, PMRM2, POOL, Path.INSTRUMENT)
    assert {name: one.path for name, one in found.items()} == {"BTC": Path.UNDERLYING, PERP: Path.UNDERLYING}
    assert float(found["BTC"].solved) == pytest.approx(float(found[PERP].solved), abs=0.2)


def test_marks_are_those_of_the_volatility_they_imply_and_never_below_intrinsic_value():
    made, market = as_at(*book([(1, FAR, 120000, "call"), (-1, FAR, 80000, "put")], mark="2400.0"), "tims")
    held = held_options(made, market, venues.venue("tims"), made.holdings[0])
    assert held.models().round(6).tolist() == [2400, 2400]
    for factor in (1e-5, 0.1, 0.8, 1.3, 20.0, 900.0):
        prices = held.prices(market, factor)
        call, put = (float(prices[PriceKey(PriceKind.MARK, one.symbol, "USD")]) for one in held.listed)
        assert call >= max(1e5 * factor - 120_000, 1e-20)
        assert put >= max(80_000 - 1e5 * factor, 1e-20)


def test_an_option_without_volatility_or_mark_is_refused_by_name():
    made, market = strangle()
    gone = {key: price for key, price in market.prices.items() if key.subject != CALL}
    with pytest.raises(BookError, match=f"market.vol.{CALL}: neither a volatility nor a mark"):
        held_options(made, replace(market, prices=gone), PMRM2, made.holdings[0])


def test_a_premium_moves_in_cash_and_the_value_falls_by_the_fee_alone_at_the_model_s_price():
    made, market = strangle()
    cash = made.holdings[0].cash["USDC"]
    trade = Trade(POOL, CALL, -50, 24_000)
    filled = exact(fill)(made, market, PMRM2, made.holdings[0], trade)
    premium = USDC.units(D(1200))
    assert filled.fee == premium * PMRM2.fees.taker_ppm // 10**6
    assert filled.holding.cash["USDC"] == cash + premium - filled.fee
    assert filled.holding.position(CALL).lots == -150
    assert filled.holding.position(CALL).cost == 0


def test_a_premium_that_is_still_a_cost_is_settled_as_lots_are_closed_and_counts_before():
    made, market = strangle()
    holding = made.holdings[0]
    owed = replace(holding.position(CALL), cost=-USDC.units(D(2000)))
    unpaid = made.with_holding(holding.with_position(owed))
    before, after = (assess_pool(one, market, PMRM2, Purpose.MAINTAIN, POOL).value for one in (made, unpaid))
    assert after - before == 2000
    trade = Trade(POOL, CALL, 50, 24_000)
    filled = exact(fill)(unpaid, market, FREE, unpaid.holdings[0], trade).holding
    assert filled.position(CALL).cost == -USDC.units(D(1000))
    assert filled.cash["USDC"] == holding.cash["USDC"] + USDC.units(D(1000)) - USDC.units(D(1200))
    paid = exact(fill)(made, market, FREE, holding, trade).holding
    values = [
        assess_pool(made.with_holding(one), market, PMRM2, Purpose.MAINTAIN, POOL).value for one in (paid, filled)
    ]
    assert values[1] - values[0] == 2000


def test_a_combo_is_tested_once_on_the_book_all_its_legs_leave():
    """The short leg alone would be refused; with the long one beside it the whole passes, and is one line."""
    made, market = book([(0, FAR, 100000, "call"), (0, FAR, 105000, "call")], cash="6000", mark="6000.0")
    short, long = (
        Trade(POOL, symbol(FAR, strike, "call"), lots, 60_000) for strike, lots in ((100000, -100), (105000, 100))
    )
    assert not what_if(made, market, FREE, [short]).allowed
    assert what_if(made, market, FREE, [short, long]).refusals
    whole = what_if(made, market, FREE, [Combo(POOL, (short, long))])
    assert whole.allowed
    paid = [what_if(made, market, PMRM2, one).fees[POOL] for one in ([Combo(POOL, (short, long))], [long, short])]
    assert paid[0] == paid[1] > 0
    apart = what_if(made, market, FREE, [long, short])
    assert whole.book.holding(POOL).cash == apart.book.holding(POOL).cash
    assert {one.symbol: one.lots for one in whole.book.holding(POOL).positions} == {
        short.symbol: -100,
        long.symbol: 100,
    }


def test_the_most_combos_pass_and_one_more_does_not():
    made, market = book([(0, FAR, 100000, "call"), (0, FAR, 105000, "call")], cash="6000", mark="6000.0")
    legs = tuple(Trade(POOL, symbol(FAR, k, "call"), n, 60_000) for k, n in ((100000, -1), (105000, 1)))
    most = max_combo(made, market, FREE, Combo(POOL, legs))
    assert most > 50
    for times, allowed in ((most, True), (most + 1, False)):
        combo = Combo(POOL, tuple(replace(leg, lots=leg.lots * times) for leg in legs))
        assert what_if(made, market, FREE, [combo]).allowed is allowed


def test_a_combo_below_the_line_may_pass_where_every_leg_reduces():
    made, market = book([(-1, FAR, 85000, "put"), (-4, FAR, 120000, "call")], cash="10000", mark="2400.0")
    told, prices = as_at(made, market, "span")
    rules = replace(venues.venue("span"), transition=Transition.REDUCE_NO_WORSE, fees=Fees(0, 0))
    closing = tuple(Trade(POOL, one.symbol, 100, 24_000) for one in told.holdings[0].positions)
    assert assess_pool(told, prices, rules, Purpose.ADMIT, POOL).surplus < 0
    assert what_if(told, prices, rules, [Combo(POOL, closing)]).allowed
    opening = replace(closing[0], lots=-1)
    mixed = what_if(told, prices, rules, [Combo(POOL, (closing[1], opening))])
    assert mixed.after[POOL, Purpose.ADMIT].surplus > mixed.before[POOL, Purpose.ADMIT].surplus
    assert not mixed.allowed


def test_a_combo_s_legs_are_of_its_pool_and_settle_in_one_asset():
    with pytest.raises(BookError, match="one at least"):
        Combo(POOL, ())
    with pytest.raises(BookError, match="legs must be trades of pool q"):
        Combo("q", (Trade(POOL, CALL, 1, 1),))


def test_an_explanation_has_the_greeks_of_every_option_and_the_lines_still_sum():
    made = book([(-1, FAR, 85000, "put"), (2, NEAR, 120000, "call")], perp=(0.5, 100000, 99000))
    explained, prices = account(*made, PMRM2, POOL)
    parts = {one.symbol: one for one in explained.contributions}
    held = held_options(*made, PMRM2, made[0].holdings[0])
    assert float(parts[symbol(NEAR, 120000, "call")].greeks.vega) == pytest.approx(held.greeks().vega[1])
    assert parts[PERP].greeks is None
    assert (parts[PERP].priced, parts[symbol(FAR, 85000, "put")].priced) == (PERP, "BTC")
    assert set(prices) == {"BTC", PERP}
    assert parts[symbol(NEAR, 120000, "call")].most_loss == parts[symbol(NEAR, 120000, "call")].profit
    assert parts[symbol(FAR, 85000, "put")].most_loss < explained.assessment.value
    assert any("vega a point" in words for words in explained.sentences)
    assert parts[PERP].notional == 50_000


def test_exposures_by_expiry_add_up():
    made = book([(-1, FAR, 85000, "put"), (2, NEAR, 120000, "call")], perp=(0.5, 100000, 99000), coin="0.25")
    found = exposures(*made, PMRM2, POOL)
    assert [one.bucket for one in found] == [0, ns(NEAR), ns(FAR)]
    assert found[0].delta == pytest.approx(0.75)
    assert found[0].value == pytest.approx(25_000 + 500)
    assert sum(one.value for one in found) + 100_000 == pytest.approx(
        float(assess_pool(*made, PMRM2, Purpose.MAINTAIN, POOL).value)
    )


STRIKES = tuple(D(one) for one in (90000, 95000, 105000, 110000))
P, C = "P", "C"
# (kind or underlying, strike, expiry) by ratio, from the trade's own description
KNOWN = {
    "vertical": {(C, 0): 1, (C, 1): -1},
    "call-spread": {(C, 0): 1, (C, 1): -1},
    "put-spread": {(P, 1): 1, (P, 0): -1},
    "straddle": {(C, 0): 1, (P, 0): 1},
    "strangle": {(P, 0): 1, (C, 1): 1},
    "butterfly": {(C, 0): 1, (C, 1): -2, (C, 2): 1},
    "condor": {(C, 0): 1, (C, 1): -1, (C, 2): -1, (C, 3): 1},
    "iron-condor": {(P, 0): 1, (P, 1): -1, (C, 2): -1, (C, 3): 1},
    "iron-butterfly": {(P, 0): 1, (P, 1): -1, (C, 1): -1, (C, 2): 1},
    "risk-reversal": {(P, 0): -1, (C, 1): 1},
    "box": {(C, 0): 1, (C, 1): -1, (P, 1): 1, (P, 0): -1},
    "ratio": {(C, 0): 1, (C, 1): -2},
    "covered-call": {"held": 1, (C, 0): -1},
    "protective-put": {"held": 1, (P, 0): 1},
    "collar": {"held": 1, (P, 0): 1, (C, 1): -1},
    "conversion": {"held": 1, (P, 0): 1, (C, 0): -1},
}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_strategies_have_the_legs_everybody_knows(name):
    made, _ = book([(0, FAR, int(one), "call") for one in STRIKES])
    count = 1 + max(part.strike for part in SHAPES[name].parts)
    found = {}
    for leg in combo_legs(made, name, "BTC", ["20260327"], STRIKES[:count]):
        strike = getattr(leg.listed, "strike", None)
        key = "held" if strike is None else (leg.listed.symbol[-1], STRIKES.index(strike))
        found[key] = int(leg.ratio)
    assert found == KNOWN[name]


def test_calendars_sell_the_near_and_buy_the_far_and_puts_may_be_asked_for():
    made, _ = book([(0, NEAR, 100000, "call"), (0, FAR, 100000, "call"), (0, FAR, 110000, "call")])
    days, strikes = ["20260227", "20260327"], [D(100000), D(110000)]
    legs = combo_legs(made, "calendar", "BTC", days, strikes[:1], OptionKind.PUT)
    assert {leg.listed.symbol: leg.ratio for leg in legs} == {
        symbol(NEAR, 100000, "put"): -1, symbol(FAR, 100000, "put"): 1}  # fmt: skip
    legs = combo_legs(made, "diagonal", "BTC", days, strikes)
    assert [leg.listed.symbol for leg in legs] == [symbol(NEAR, 100000, "call"), symbol(FAR, 110000, "call")]
    legs = combo_legs(made, "ratio", "BTC", days[1:], strikes, ratio=(2, 3))
    assert [leg.ratio for leg in legs] == [2, -3]


def test_the_underlying_is_the_spot_pair_else_a_perpetual():
    made, _ = book([(0, FAR, 100000, "call")], perp=(1, 100000, 100000))
    assert combo_legs(made, "covered-call", "BTC", ["20260327"], [D(100000)])[0].listed.symbol == PAIR
    without = replace(made, instruments={k: one for k, one in made.instruments.items() if k != PAIR})
    assert combo_legs(without, "covered-call", "BTC", ["20260327"], [D(100000)])[0].listed.symbol == PERP
    bare = replace(made, instruments={k: one for k, one in without.instruments.items() if k != PERP})
    with pytest.raises(BookError, match="neither a spot pair nor a perpetual of BTC"):
        combo_legs(bare, "conversion", "BTC", ["20260327"], [D(100000)])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("butterfly-net", "BTC", ["20260327"], [D(1)]), "got 'butterfly-net', expected one of vertical"),
        (("straddle", "ETH", ["20260327"], [D(1)]), "'ETH' has no options, expected one of BTC"),
        (("straddle", "BTC", ["20260328"], [D(1)]), "no BTC option expires on 20260328, expected 20260327"),
        (("straddle", "BTC", ["20260327"], [D(1)]), "no call of BTC 20260327 at 1, expected a strike of 90000, 95000"),
        (("strangle", "BTC", ["20260327"], [D(1)]), r"got 1 strikes \(1\), expected 2"),
        (("calendar", "BTC", ["20260327"], [D(90000)]), r"got 1 days of expiry \(20260327\), expected 2"),
        (("strangle", "BTC", ["20260327"], [D(95000), D(90000)]), "expected rising ones"),
        (("straddle", "BTC", ["20260327"], [D(90000)], OptionKind.CALL, (1, 3)), "a straddle has no ratio of its own"),
    ],
)
def test_a_strategy_that_is_not_there_says_what_is(arguments, words):
    made, _ = book([(0, FAR, int(one), "call") for one in STRIKES])
    with pytest.raises(BookError, match=words):
        combo_legs(made, *arguments)


def test_a_resting_order_in_an_option_pays_its_premium_once():
    """Bought at what it is worth a long option changes no value: what it needs is what the scan finds."""
    made, market = book([(0, FAR, 100000, "call")], cash="20000")
    name = symbol(FAR, 100000, "call")
    bought = made.with_holding(made.holdings[0].with_position(Position(name, 100, 0)))
    worth = assess_pool(bought, market, PMRM2, Purpose.ADMIT, POOL).value
    ticks = int((float(worth) - 20_000) * 10)
    resting = made.with_holding(replace(made.holdings[0], orders=(Order("1", name, 100, ticks),)))
    found = assess_pool(resting, market, PMRM2, Purpose.ADMIT, POOL)
    assert float(found.value) == pytest.approx(20_000, abs=0.1)


def test_an_american_put_is_never_worth_less_than_exercising_it():
    """Deep in the money with a rate: the European is worth less than its intrinsic value, the American is not."""
    made, market = as_at(*book([(1, FAR, 120000, "put")], mark="20500.0"), "tims")
    market.wide["rate", "USD"] = D("0.1")
    listed = {name: replace(one, exercise=Exercise.AMERICAN) if name.endswith("P") else one
              for name, one in made.instruments.items()}  # fmt: skip
    rules = venues.venue("tims")
    european = held_options(made, market, rules, made.holdings[0])
    american = held_options(replace(made, instruments=listed), market, rules, made.holdings[0])
    low = Moved(0.5)
    assert european.models(low)[0] < 69_500
    assert american.models(low)[0] == 70_000
    assert held_options(replace(made, instruments=listed), market, PMRM2, made.holdings[0]).american.tolist() == [0]


def test_where_marks_are_read_the_forward_is_the_spot_grown_by_rate_less_yield():
    made, market = as_at(*book([(1, FAR, 100000, "call")], mark="9000.0"), "tims")
    market.wide["rate", "USD"], market.wide["dividend_yield", "BTC"] = D("0.08"), D("0.02")
    held = held_options(made, market, venues.venue("tims"), made.holdings[0])
    years = (ns(FAR) - ns(NOW)) / 1e9 / 31_536_000
    assert held.forward()[0] == pytest.approx(1e5 * math.exp(0.06 * years))
    rolled = held.forward(Moved(1.0, 0.0, years / 2))
    assert rolled[0] == pytest.approx(1e5 * math.exp(0.06 * years / 2))
    flat = held_options(made, market, venues.venue("span"), made.holdings[0])
    assert flat.forward().tolist() == [1e5]


def test_an_option_in_the_coin_is_worth_its_dollars_and_moves_its_mark_in_coin():
    """Deribit's form: mark 0.05 of a coin, the payoff over the price; value and delta are those in dollars."""
    made = Account().holds("BTC", 2).index("BTC", 100_000).forward("BTC", 30, 101_000)
    made.option("BTC", "C", 110_000, 1, "0.0300", settle="BTC", vol="0.5")
    held_book, market = made.book(), made.market()
    rules = venues.venue("deribit_pm")
    held = held_options(held_book, market, rules, held_book.holdings[0])
    usd = float(black76(101_000.0, 110_000.0, 30 / 365, 0.5, True).price)
    assert held.values()[0] == pytest.approx(usd * 100_000 / 101_000)
    moved = next(iter(held.prices(market, 1.1).values()))
    rise = float(black76(111_100.0, 110_000.0, 30 / 365, 0.5, True).price)
    assert float(moved) == pytest.approx((rise + 0.03 * 101_000 - usd) / 111_100)
    up, down = (held.values(Moved(one))[0] for one in (1.001, 0.999))
    assert held.greeks().delta[0] == pytest.approx((up - down) / 200, rel=1e-4)
    found = liquidation_prices(held_book, market, rules, POOL)
    assert set(found) == {"BTC"}


def test_a_pool_judged_in_the_coin_of_its_options_has_no_price_to_move():
    made = Account(numeraire="BTC").holds("BTC", 2).index("BTC", 100_000).forward("BTC", 30, 101_000)
    made.option("BTC", "C", 110_000, 1, "0.0300", settle="BTC", vol="0.5")
    with pytest.raises(UnsolvableError, match="is judged in BTC and holds options on it"):
        liquidation_prices(made.book(), made.market(), venues.venue("deribit_pm_segregated"), POOL)
