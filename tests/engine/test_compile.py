"""Rule sets compiled exactly or refused by name."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from solvent.book import Mode, PriceKind, Purpose
from solvent.engine.compile import check_limits, compile_rules
from solvent.engine.tables import TOP_PIECES, Limits, empty
from solvent.rates import Schedule
from solvent.rules import Bracket, Collateral, ContractMargin, Form, RulesError
from solvent.venues.binance_usdm.rules import binance_usdm, binance_usdm_multi_asset
from solvent.venues.generic.rules import generic
from solvent.venues.parts import TierTable, WeightTable
from tests.engine.kernel_world import BTCUSD, BTCUSDT, ETHUSDC, LIMITS, PAIR, THINGS, XRPUSDT, B, C, U, list_things

D = Decimal


def tables(limits: Limits = LIMITS):
    t = empty(limits)
    list_things(t)
    return t


def margin(rate: str = "0.01", floor: str = "0", **facts) -> ContractMargin:
    pieces = [("0", rate)] if floor == "0" else [("0", rate), (floor, "0.02")]
    made = {
        "schedules": dict.fromkeys(Purpose, Schedule.marginal(pieces)),
        "brackets": (Bracket(D(0), 20),),
        "leverage_at": frozenset(),
        "default_leverage": 5,
    }
    return ContractMargin(**(made | facts))


def compiled(rules, mode=Mode.CROSS, t=None):
    t = tables() if t is None else t
    compile_rules(t, 0, rules, mode, "professional", THINGS)
    return t


@pytest.mark.parametrize("rules", [generic(), binance_usdm(), binance_usdm_multi_asset()], ids=lambda r: r.name)
def test_every_piece_is_the_rule_sets_times_its_multiplier(rules):
    for mode in rules.modes:
        account_class = min(rules.modes[mode].max_leverage)
        t = tables()
        compile_rules(t, 0, rules, mode, account_class, THINGS)
        for thing in (BTCUSDT, XRPUSDT, ETHUSDC, BTCUSD):
            try:
                facts = rules.margin.contract(THINGS[thing])
            except RulesError:
                assert int(t.default_leverage[0, thing]) == 0
                assert not t.span[0, :, 2 * thing].any()
                continue
            for purpose, schedule in facts.schedules.items():
                first, count = t.span[0, purpose.value, 2 * thing]
                assert count == len(schedule.pieces)
                for k, piece in enumerate(schedule.pieces):
                    at = first + k
                    times = Fraction(rules.modes[mode].requirement_multiplier)
                    assert Fraction(int(t.rate[at]), 10**6) == Fraction(piece.rate) * times
                    assert Fraction(int(t.floor[at]), 10**6) == Fraction(piece.floor)
                    kept = Fraction(int(t.part[at]), 10**6) + Fraction(int(t.rest[at]), 10**12)
                    assert kept == Fraction(piece.deduction) * times
                    assert 0 <= t.rest[at] < 10**6


def test_equal_schedules_are_kept_once():
    t = compiled(generic())
    majors = {tuple(t.span[0, Purpose.MAINTAIN.value, 2 * thing]) for thing in (BTCUSDT, ETHUSDC, BTCUSD)}
    assert len(majors) == 1
    before = int(t.top[TOP_PIECES])
    compile_rules(t, 1, generic(), Mode.CROSS, "retail", THINGS)
    assert int(t.top[TOP_PIECES]) == before
    assert int(t.rules[1]["max_leverage"]) == 20


def test_brackets_defaults_penalties_and_debts_arrive():
    t = compiled(generic())
    facts = generic().margin.contract(THINGS[BTCUSDT])
    for k, bracket in enumerate(facts.brackets):
        assert D(int(t.bracket_floor[0, BTCUSDT, k])).scaleb(-6) == bracket.floor
        assert int(t.bracket_leverage[0, BTCUSDT, k]) == bracket.max_leverage
    assert not t.bracket_leverage[0, BTCUSDT, len(facts.brackets) :].any()
    assert int(t.default_leverage[0, BTCUSDT]) == 10
    assert int(t.debt_ppm[0, B]) == 1_050_000
    assert int(t.debt_ppm[0, U]) == 1_000_000
    assert int(t.penalty_ppm[0, BTCUSDT]) == generic().penalty.ppm("BTCUSDT") > 0
    assert int(t.default_leverage[0, PAIR]) == 0


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (margin("0.0000001"), r"margin\.BTCUSDT\.schedules\.WITHDRAW\[0\]\.rate must be a whole multiple of 0\.000001"),
        (margin(floor="0.0000005"), r"schedules\.WITHDRAW\[1\]\.floor"),
        (margin("2.000001"), r"rate must be from 0 to 2"),
        (margin(brackets=(Bracket(D("0.0000001"), 5),)), r"brackets\[0\]\.floor"),
        (margin(brackets=(Bracket(D(0), 0),)), r"brackets\[0\]\.max_leverage must be at least 1"),
        (margin(brackets=tuple(Bracket(D(k), 5) for k in range(17))), r"brackets must be at most 16, not 17"),
        (margin(default_leverage=0), r"default_leverage must be at least 1"),
        (margin(floor="3000000000000"), r"floor must be below 2\^61"),
    ],
)
def test_what_cannot_be_said_exactly_is_refused_by_name(facts, words):
    with pytest.raises(RulesError, match=words):
        compiled(replace(generic(), margin=TierTable(default=facts)))


def test_collateral_prices_forms_and_modes_are_refused_by_name():
    weak = replace(generic(), collateral=WeightTable({"BTC": Collateral({}, D("0.9"))}))
    with pytest.raises(RulesError, match=r"collateral\.BTC\.debt_rate must be from 1 to 2, not 0\.9"):
        compiled(weak)
    policy = generic().prices
    slow = replace(policy, positions={**policy.positions, Purpose.ADMIT: (PriceKind.MARK, PriceKind.SLOW)})
    with pytest.raises(RulesError, match=r"prices\.positions\.ADMIT"):
        compiled(replace(generic(), prices=slow))
    with pytest.raises(RulesError, match=r"forms\.FILL is ring1"):
        compiled(replace(generic(), forms={Purpose.FILL: Form.RING1}))
    with pytest.raises(RulesError, match="no portfolio margin"):
        compiled(generic(), Mode.PORTFOLIO)
    other = margin(leverage_at=frozenset({Purpose.ADMIT}))
    mixed = replace(generic(), margin=TierTable(by_symbol={"BTCUSDT": other}, default=margin()))
    with pytest.raises(RulesError, match="leverage_at must be the same"):
        compiled(mixed)
    with pytest.raises(RulesError, match=r"pieces do not fit; the limit is 3"):
        compiled(generic(), t=tables(LIMITS._replace(pieces=3)))


def test_limits_are_checked_at_listing_at_their_very_edge():
    t = tables()
    row = t.things[BTCUSDT]
    row["tick_value"], row["max_ticks"], row["max_lots"] = 1, 1 << 28, 1 << 30
    check_limits(t, BTCUSDT)
    row["max_ticks"] += 1
    with pytest.raises(RulesError, match=r"the limit is 2\^58"):
        check_limits(t, BTCUSDT)
    row["max_ticks"], row["max_lots"] = 1, 1 << 31
    with pytest.raises(RulesError, match=r"max_lots must be 1 to 2\^31"):
        check_limits(t, BTCUSDT)
    row = t.things[ETHUSDC]
    per_lot = int(row["max_ticks"]) * int(row["tick_value"])
    row["max_lots"] = int(t.things[C]["max_lots"]) // per_lot
    check_limits(t, ETHUSDC)
    row["max_lots"] += 1
    with pytest.raises(RulesError, match="converted only up to its max_units"):
        check_limits(t, ETHUSDC)
    t.things[BTCUSD]["max_ticks"] = 999
    with pytest.raises(RulesError, match="at no price up to its max_ticks 999"):
        check_limits(t, BTCUSD)
    assert np.all(t.default_leverage == 0)
