"""Accrual rules stated as arithmetic in words, evaluated on a market's own numbers and held against :func:`accrue`.

The protocol's tests state two results by formula and print no figure. A statement is a list of assignments, separated
by semicolons: ``index += …`` for an interest index, ``trackingIndex += … only when …`` for a tracking index. Its names
are index, trackingIndex, rate(utilization), dt, speed, baseScale, totalBase and baseMinForRewards; its arithmetic is
+ − × and whole division, on whole numbers.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues.compound_v3.formulas import Accrued, Curve, Indices, Rewards, Totals, Tracking, accrue

OPERATIONS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
}
ONLY_WHEN = " only when "


class _Rule(NamedTuple):
    """``name += amount``, in force while ``condition`` holds (empty: always)."""

    name: str
    amount: str
    condition: str


@exact
def stated_accrual(
    statement: str,
    totals: Totals,
    indices: Indices,
    curves: tuple[Curve, Curve],
    seconds: int,
    base_scale: int,
    rewards: Rewards,
) -> Accrued:
    """Indices after an interval by somebody's statement of the rule; tracking begins at zero.

    Parameters
    ----------
    statement
        The rule in the words of this module.
    totals, indices, curves, seconds, base_scale, rewards
        As for :func:`solvent.venues.compound_v3.formulas.accrue`.

    Raises
    ------
    RulesError
        A statement that cannot be read; the message quotes the part.

    Examples
    --------
    >>> from solvent.venues.compound_v3.formulas import NO_INTEREST
    >>> words = "index += index//2; trackingIndex += speed*dt only when totalBase>=baseMinForRewards"
    >>> market = Totals(0, 5, 4), Indices(100, 200), (NO_INTEREST, NO_INTEREST)
    >>> stated_accrual(words, *market, 10, 1, Rewards(3, 3, 5))
    Accrued(indices=Indices(supply=150, borrow=300), tracking=Tracking(supply=30, borrow=0))

    """
    rules = {one.name: one for one in map(_rule, statement.split(";"))}
    used = totals.utilization(indices)
    sides = []
    for index, curve, principal, speed in (
        (indices.supply, curves[0], totals.supply_principal, rewards.supply_speed),
        (indices.borrow, curves[1], totals.borrow_principal, rewards.borrow_speed),
    ):
        names = {
            "index": index,
            "trackingIndex": 0,
            "rate": curve.per_second(used),
            "dt": seconds,
            "speed": speed,
            "baseScale": base_scale,
            "totalBase": principal,
            "baseMinForRewards": rewards.least_base,
        }
        sides.append([_after(rules, name, names) for name in ("index", "trackingIndex")])
    (supply, supply_tracking), (borrow, borrow_tracking) = sides
    return Accrued(Indices(supply, borrow), Tracking(supply_tracking, borrow_tracking))


@exact
def confirmed(
    statement: str,
    totals: Totals,
    indices: Indices,
    curves: tuple[Curve, Curve],
    seconds: int,
    base_scale: int,
    rewards: Rewards,
) -> str:
    """The statement, where it gives the same market as :func:`accrue` on these numbers.

    Raises
    ------
    RulesError
        It gives another one: the message has both; or it cannot be read.

    Examples
    --------
    >>> from solvent.venues.compound_v3.formulas import NO_INTEREST
    >>> market = Totals(0, 5, 4), Indices(), (NO_INTEREST, NO_INTEREST)
    >>> confirmed("index += index*rate(utilization)*dt//1e18", *market, 10, 1, Rewards())
    'index += index*rate(utilization)*dt//1e18'

    """
    stated = stated_accrual(statement, totals, indices, curves, seconds, base_scale, rewards)
    made = accrue(totals, indices, curves, seconds, base_scale, rewards)
    if stated != made:
        msg = f"{statement!r} gives {stated}, the rule here {made}"
        raise RulesError(msg)
    return statement


def _rule(text: str) -> _Rule:
    name, sign, rest = text.partition("+=")
    if not sign:
        msg = f"a statement must be an assignment with +=, not {text.strip()!r}"
        raise RulesError(msg)
    amount, _, condition = rest.partition(ONLY_WHEN)
    return _Rule(name.strip(), amount.strip(), condition.strip())


def _after(rules: Mapping[str, _Rule], name: str, names: Mapping[str, int]) -> int:
    rule = rules.get(name)
    if rule is None or (rule.condition and not _holds(_parsed(rule.condition), names)):
        return names[name]
    return names[name] + _number(_parsed(rule.amount), names)


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        msg = f"a statement must be arithmetic, not {text!r}"
        raise RulesError(msg) from None


def _holds(node: ast.expr, names: Mapping[str, int]) -> bool:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        return COMPARISONS[type(node.ops[0])](_number(node.left, names), _number(node.comparators[0], names))
    msg = f"a condition must compare two numbers, not {ast.unparse(node)!r}"
    raise RulesError(msg)


def _number(node: ast.expr, names: Mapping[str, int]) -> int:
    if isinstance(node, ast.Constant):
        return _constant(node)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.Call) and ast.unparse(node) == "rate(utilization)":
        return names["rate"]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        left, right = _number(node.left, names), _number(node.right, names)
        if isinstance(node.op, ast.FloorDiv) and right == 0:
            return 0  # nothing supplied or borrowed: nothing accrues
        return OPERATIONS[type(node.op)](left, right)
    msg = f"a statement knows only its names, numbers and + - * //, not {ast.unparse(node)!r}"
    raise RulesError(msg)


def _constant(node: ast.Constant) -> int:
    """A whole number, also one written with an exponent."""
    try:
        value = Decimal(str(node.value))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != int(value):
        msg = f"a statement's numbers must be whole, not {node.value!r}"
        raise RulesError(msg)
    return int(value)
