"""From a venue's value to the engine's tables: one rules row for a rule set in a mode and account class.

Rates become whole parts per million, floors whole units, deductions (units, millionths); what cannot be said exactly so
is refused with the name of what it was. Nothing is rounded here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from solvent.book import Mode, PriceKind, Purpose
from solvent.engine.commands import LEGS_NUMBER, MODE_NUMBER
from solvent.engine.tables import (
    INVERSE,
    LINEAR,
    LOT_BITS,
    MOST_LEVERAGE_STEPS,
    POOL_BITS,
    POSITION_BITS,
    TOP_PIECES,
    Tables,
)
from solvent.instruments import Instrument, Spot
from solvent.margin.curves import OnEntry
from solvent.rates import Schedule
from solvent.rules import (
    Collateral,
    ContractMargin,
    Form,
    Missing,
    OrderMargin,
    PenaltyBase,
    Profit,
    RulesError,
    Transition,
    VenueRules,
)
from solvent.units import Asset, exact, shifted

MILLION = 1_000_000
MOST_RATE_PPM = 2_000_000  # keeps rate × notional of a pool at its largest reach inside 64 bits
TRANSITIONS: Mapping[Transition, int] = {Transition.NOTHING: 0, Transition.REDUCE_NO_WORSE: 1}
ORDERS: Mapping[OrderMargin, int] = {OrderMargin.WORST_SIDE: 0, OrderMargin.ORDER_COST: 1}
MISSING: Mapping[Missing, int] = {Missing.BORROW: 0, Missing.CONVERT: 1, Missing.NEGATIVE: 2}
PENALTIES: Mapping[PenaltyBase, int] = {
    PenaltyBase.CLOSED_NOTIONAL: 0,
    PenaltyBase.DEFICIT: 1,
    PenaltyBase.SEIZED_COLLATERAL: 2,
}
Thing = Asset | Instrument
COMPILED_FORMS = frozenset({Form.SEPARABLE, Form.NESTED})


@exact
def compile_rules(
    t: Tables,
    row: int,
    rules: VenueRules,
    mode: Mode,
    account_class: str,
    things: Sequence[Thing],
    numeraire: int = 0,
    venue: int = 0,
) -> None:
    """Fill rules row ``row``, and its facts about every thing listed so far (``things`` by thing id).

    ``numeraire`` is the thing id of the asset pools under this row are margined in (the first listed unless said
    otherwise), ``venue`` the number of the rule set's name.

    Raises
    ------
    RulesError
        Names the rate, floor or part that the tables cannot hold exactly, or that the engine does not evaluate.

    """
    _check_evaluated(rules, mode)
    out, facts, lent = t.rules[row], rules.modes[mode], rules.borrowing
    out["numeraire"], out["venue"], out["mode"] = numeraire, venue, MODE_NUMBER[mode]
    out["transition"], out["orders"] = TRANSITIONS[rules.transition], ORDERS[rules.orders]
    out["inclusive"], out["missing"] = int(rules.breach_inclusive), MISSING[lent.missing]
    out["losses_only"] = sum(1 << p.value for p in Purpose if rules.profit[p] is Profit.LOSSES_ONLY)
    out["penalty_base"] = PENALTIES[rules.penalty.base]
    out["leverage_at"], out["on_entry"] = 0, 0
    out["taker_ppm"] = _fee(rules.fees.taker_ppm, "fees.taker_ppm", rules)
    out["maker_ppm"] = _fee(rules.fees.maker_ppm, "fees.maker_ppm", rules)
    out["levy_ppm"] = _fee(facts.fund_levy_ppm, "modes.fund_levy_ppm", rules)
    out["max_leverage"] = facts.leverage_cap(account_class)
    out["base_ppm"], out["slope_low_ppm"], out["slope_high_ppm"] = (
        lent.base_ppm,
        lent.slope_low_ppm,
        lent.slope_high_ppm,
    )
    out["kink_ppm"], out["cap_ppm"] = lent.kink_ppm, lent.cap_ppm
    out["legs"] = sum(1 << LEGS_NUMBER[legs] for legs in rules.capabilities.legs)
    out["modes"] = sum(1 << MODE_NUMBER[one] for one in rules.capabilities.modes)
    t.default_leverage[row] = 0
    for thing in range(len(things)):
        compile_thing(t, row, rules, mode, account_class, things, thing)


@exact
def compile_thing(
    t: Tables, row: int, rules: VenueRules, mode: Mode, account_class: str, things: Sequence[Thing], thing: int
) -> None:
    """Teach rules row ``row`` about one listed thing, whose own row must be filled: call it for every row when listing.

    A contract the rule set does not cover stays without a leverage (0), and pools under the row may not hold it.
    """
    check_limits(t, thing)
    listed = things[thing]
    t.span[row, :, 2 * thing : 2 * thing + 2, :] = 0
    t.debt_ppm[row, thing] = MILLION
    t.default_leverage[row, thing] = 0
    t.penalty_ppm[row, thing] = 0
    numeraire = things[int(t.rules[row]["numeraire"])]
    if not isinstance(numeraire, Asset):
        raise RulesError(f"{rules.name}: the numeraire of rules row {row} must be an asset, not {numeraire.symbol}")
    if isinstance(listed, Asset):
        t.penalty_ppm[row, thing] = _fee(rules.penalty.ppm(listed.name), f"penalty.{listed.name}", rules)
        if thing != int(t.rules[row]["numeraire"]):
            _compile_asset(t, row, rules, listed, thing, numeraire)
    elif not isinstance(listed, Spot):
        t.penalty_ppm[row, thing] = _fee(rules.penalty.ppm(listed.symbol), f"penalty.{listed.symbol}", rules)
        try:
            facts = rules.margin.contract(listed)
        except RulesError:
            return
        _compile_contract(t, row, rules, mode, account_class, listed, thing, facts, numeraire)


def check_limits(t: Tables, thing: int) -> None:
    """Refuse a thing whose largest position, price or conversion could leave 64 bits; names the limit.

    Raises
    ------
    RulesError
        With the thing, the limit, its value and what was expected.

    """
    one = {name: int(t.things[thing][name]) for name in t.things.dtype.names or ()}
    if one["kind"] not in (LINEAR, INVERSE):
        return
    if not 0 < one["max_lots"] < 1 << LOT_BITS:
        raise RulesError(f"thing {thing}: max_lots must be 1 to 2^{LOT_BITS} − 1, not {one['max_lots']}")
    per_lot = one["constant"] if one["kind"] == INVERSE else one["max_ticks"] * one["tick_value"]
    if not 0 < one["max_lots"] * per_lot <= 1 << POSITION_BITS:
        raise RulesError(
            f"thing {thing}: its largest position is {one['max_lots'] * per_lot} settle units; "
            f"the limit is 2^{POSITION_BITS}"
        )
    settle = {name: int(t.things[one["settle"]][name]) for name in t.things.dtype.names or ()}
    if settle["settle"] == one["settle"]:
        return
    if one["kind"] == LINEAR and one["max_lots"] * per_lot > settle["max_lots"]:
        raise RulesError(
            f"thing {thing}: its largest position is {one['max_lots'] * per_lot} units of thing {one['settle']}, "
            f"which is converted only up to its max_units {settle['max_lots']}"
        )
    if one["kind"] == INVERSE and -(-one["max_lots"] * per_lot // settle["max_lots"]) > one["max_ticks"]:
        raise RulesError(
            f"thing {thing}: at no price up to its max_ticks {one['max_ticks']} is its largest position worth at most "
            f"max_units {settle['max_lots']} of thing {one['settle']}"
        )


def _check_evaluated(rules: VenueRules, mode: Mode) -> None:
    """Refuse what the engine does not evaluate, by name."""
    if rules.models:
        raise RulesError(f"{rules.name} has a model of its own for pools, which the engine does not evaluate")
    if rules.transition not in TRANSITIONS:
        raise RulesError(f"{rules.name}: transition {rules.transition.value} is not one the engine evaluates")
    if mode not in rules.modes:
        raise RulesError(f"{rules.name}: no {mode.value} margin; there are {sorted(one.value for one in rules.modes)}")
    for purpose in Purpose:
        form = rules.forms.get(purpose)
        if form is not None and form not in COMPILED_FORMS:
            raise RulesError(f"{rules.name}: forms.{purpose.name} is {form.value}, which the engine does not evaluate")
        if tuple(rules.prices.positions[purpose]) != (PriceKind.MARK,):
            raise RulesError(f"{rules.name}: prices.positions.{purpose.name} must be the mark alone")
        if tuple(rules.prices.collateral[purpose]) != (PriceKind.INDEX,):
            raise RulesError(f"{rules.name}: prices.collateral.{purpose.name} must be the index alone")


def _compile_asset(t: Tables, row: int, rules: VenueRules, asset: Asset, thing: int, numeraire: Asset) -> None:
    facts = rules.collateral.asset(asset.name)
    if facts is None:
        return
    where = f"{rules.name}: collateral.{asset.name}"
    if not isinstance(facts, Collateral):
        raise RulesError(f"{where} counts by its amount, which the engine does not evaluate")
    debt = _ppm(facts.debt_rate, f"{where}.debt_rate")
    if not MILLION <= debt <= MOST_RATE_PPM:
        raise RulesError(f"{where}.debt_rate must be from 1 to {MOST_RATE_PPM // MILLION}, not {facts.debt_rate}")
    t.debt_ppm[row, thing] = debt
    for purpose, schedule in facts.weights.items():
        _put(t, row, purpose, 2 * thing, schedule, numeraire, f"{where}.weights.{purpose.name}")


def _compile_contract(
    t: Tables,
    row: int,
    rules: VenueRules,
    mode: Mode,
    account_class: str,
    contract: Instrument,
    thing: int,
    facts: ContractMargin,
    numeraire: Asset,
) -> None:
    where, mode_facts = f"{rules.name}: margin.{contract.symbol}", rules.modes[mode]
    bits = sum(1 << purpose.value for purpose in facts.leverage_at)
    if np.any(t.default_leverage[row] > 0) and int(t.rules[row]["leverage_at"]) != bits:
        raise RulesError(f"{where}.leverage_at must be the same for all contracts of a rule set")
    t.rules[row]["leverage_at"] = bits
    _check_basis(t, row, contract, facts, numeraire, where)
    for purpose, curve in facts.schedules.items():
        schedule = curve.schedule if isinstance(curve, OnEntry) else curve
        if not isinstance(schedule, Schedule):
            raise RulesError(f"{where}.schedules.{purpose.name} depends on size, which the engine does not evaluate")
        scaled = schedule.scaled(mode_facts.requirement_multiplier)
        _put(t, row, purpose, 2 * thing, scaled, numeraire, f"{where}.schedules.{purpose.name}")
    if len(facts.brackets) > MOST_LEVERAGE_STEPS:
        raise RulesError(f"{where}.brackets must be at most {MOST_LEVERAGE_STEPS}, not {len(facts.brackets)}")
    t.bracket_floor[row, thing], t.bracket_leverage[row, thing] = 0, 0
    for k, bracket in enumerate(facts.brackets):
        if bracket.max_leverage < 1:
            raise RulesError(f"{where}.brackets[{k}].max_leverage must be at least 1, not {bracket.max_leverage}")
        t.bracket_floor[row, thing, k] = _floor(bracket.floor, numeraire, f"{where}.brackets[{k}].floor")
        t.bracket_leverage[row, thing, k] = bracket.max_leverage
    leverage = min(facts.default_leverage, mode_facts.leverage_cap(account_class))
    if leverage < 1:
        raise RulesError(f"{where}.default_leverage must be at least 1, not {leverage}")
    t.default_leverage[row, thing] = leverage


def _check_basis(
    t: Tables, row: int, contract: Instrument, facts: ContractMargin, numeraire: Asset, where: str
) -> None:
    """All schedules of a rules row are on notional, or all on entry value in the numeraire and without leverage."""
    kinds = {isinstance(curve, OnEntry) for curve in facts.schedules.values()}
    on_entry = kinds == {True}
    if len(kinds) > 1 or (np.any(t.default_leverage[row] > 0) and bool(t.rules[row]["on_entry"]) is not on_entry):
        raise RulesError(f"{where}.schedules must all be on notional or all on entry value")
    if on_entry and (facts.leverage_at or contract.settle.name != numeraire.name):
        raise RulesError(
            f"{where}: a requirement on entry value needs a contract in {numeraire.name}, without leverage"
        )
    t.rules[row]["on_entry"] = on_entry


def _put(t: Tables, row: int, purpose: Purpose, place: int, schedule: Schedule, unit: Asset, where: str) -> None:
    """Write a schedule's pieces, or point to equal ones that are there already."""
    pieces = [_piece(p.floor, p.rate, p.deduction, unit, f"{where}[{k}]") for k, p in enumerate(schedule.pieces)]
    block, top = np.array(pieces, np.int64), int(t.top[TOP_PIECES])
    first = _same(t, block, top)
    if first < 0:
        first = top
        if top + len(pieces) > t.floor.size:
            raise RulesError(
                f"{where}: its {len(pieces)} pieces do not fit; the limit is {t.floor.size}, {top} are used"
            )
        for column, target in enumerate((t.floor, t.rate, t.part, t.rest)):
            target[top : top + len(pieces)] = block[:, column]
        t.top[TOP_PIECES] += len(pieces)
    t.span[row, purpose.value, place] = first, len(pieces)


def _same(t: Tables, block: np.ndarray[tuple[int, int], np.dtype[np.int64]], top: int) -> int:
    """Where exactly these pieces stand already, −1 where they do not."""
    starts = np.flatnonzero(
        (t.floor[:top] == block[0, 0]) & (t.rate[:top] == block[0, 1]) & (t.part[:top] == block[0, 2])
    )
    for start in starts:
        stop = int(start) + len(block)
        columns = (t.floor, t.rate, t.part, t.rest)
        if stop <= top and all(np.array_equal(c[start:stop], block[:, k]) for k, c in enumerate(columns)):
            return int(start)
    return -1


def _piece(floor: Decimal, rate: Decimal, deduction: Decimal, unit: Asset, where: str) -> tuple[int, int, int, int]:
    """Floor in units, rate in ppm, deduction in (units, millionths)."""
    ppm = _ppm(rate, f"{where}.rate")
    if not 0 <= ppm <= MOST_RATE_PPM:
        raise RulesError(f"{where}.rate must be from 0 to {MOST_RATE_PPM // MILLION}, not {rate}")
    millionths = _whole(shifted(deduction, unit.scale + 6), f"{where}.deduction", deduction, f"1e-{unit.scale + 6}")
    part, rest = divmod(millionths, MILLION)
    if abs(part) >= 1 << POOL_BITS:
        raise RulesError(f"{where}.deduction must be below 2^{POOL_BITS} units, not {deduction}")
    return _floor(floor, unit, f"{where}.floor"), ppm, part, rest


def _floor(floor: Decimal, unit: Asset, where: str) -> int:
    units = _whole(shifted(floor, unit.scale), where, floor, f"1e-{unit.scale} {unit.name}")
    if not 0 <= units < 1 << POOL_BITS:
        raise RulesError(f"{where} must be below 2^{POOL_BITS} units, not {floor}")
    return units


def _ppm(rate: Decimal, where: str) -> int:
    return _whole(shifted(rate, 6), where, rate, "0.000001")


def _whole(number: Decimal, where: str, shown: Decimal, step: str) -> int:
    count = int(number)
    if count != number:
        raise RulesError(f"{where} must be a whole multiple of {step}, not {shown}")
    return count


def _fee(ppm: int, where: str, rules: VenueRules) -> int:
    if not -MILLION <= ppm <= MILLION:
        raise RulesError(f"{rules.name}: {where} must be from −{MILLION} to {MILLION} parts per million, not {ppm}")
    return ppm
