"""A pool's surplus along a price path, in canonical form: a constant plus piecewise affine functions of one variable.

Along a path every moving price is its present value times a factor. With ``z`` the factor (or, where only inverse
contracts move, its reciprocal), whatever a moving entry adds is ``g(constant + slope·z)`` with ``g`` piecewise affine:
collateral through its weights, or minus a requirement through its tiers. Everything else is one constant.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.instruments import Future, Payoff, Perpetual
from solvent.margin.collateral import weights
from solvent.margin.parts import Parts
from solvent.margin.paths import Moves
from solvent.margin.tiered import schedule_of
from solvent.margin.valuation import Equity, Scene, Valued
from solvent.rates import Schedule
from solvent.rules import Collateral, RulesError
from solvent.units import ONE, ZERO, Rounding, divide, shifted

NOTHING = Schedule.flat(ZERO)


class UnsolvableError(ValueError):
    """A pool whose surplus along the path is not piecewise affine in one variable; the message says why."""


class Affine(NamedTuple):
    """``constant + up·f + down/f`` for the path's factor f."""

    constant: Decimal
    up: Decimal = ZERO
    down: Decimal = ZERO


class Term(NamedTuple):
    """``sign × g(inner)``: g's schedule over positive amounts; ``below`` is the rate of negative ones."""

    inner: Affine
    schedule: Schedule
    below: Decimal
    sign: int


class Form(NamedTuple):
    """surplus = ``base`` + Σ ``terms``; ``exact`` when no rounding of a moving amount was left out."""

    base: Affine
    terms: tuple[Term, ...]
    exact: bool


class SizedError(UnsolvableError):
    """A pool whose collateral counts by its amount, or at changing prices: found by search."""


def contracts_of(whole: Parts) -> list[Perpetual | Future]:
    """The contracts of a pool's positions."""
    return [one.contract for one in whole.positions]


def form(whole: Parts, moving: Moves) -> Form:
    """The pool's surplus at the scene's purpose along a path."""
    if not whole.counts_in_full:
        msg = "a path is solved where unrealised profit counts in full; here only losses count"
        raise UnsolvableError(msg)
    scene, own = whole.scene, whole.scene.numeraire.name
    constant, up, down = whole.surplus, ZERO, ZERO
    foreign = dict.fromkeys(name for name in sorted(moving.assets) if name in whole.equities)
    terms: list[Term] = []
    exact = True
    for one, (needed, _) in zip(whole.positions, whole.requirements, strict=True):
        contract = one.contract
        moves_mark = one.position.symbol in moving.symbols
        if not moves_mark and (not moving.assets or contract.settle.name not in moving.assets):
            continue
        settle = contract.settle
        constant += needed
        terms.append(_requirement_term(scene, one, moving))
        exact = exact and contract.payoff is not Payoff.INVERSE and settle.name == own
        if settle.name != own:
            foreign[settle.name] = None
        elif moves_mark:
            worth = settle.amount(contract.worth(one.position.lots, one.ticks))
            constant -= worth
            if contract.payoff is Payoff.INVERSE:
                down += shifted(_inverse_worth(one), -settle.scale)
            else:
                up += worth
    for name in foreign:
        constant -= whole.counted[name]
        terms.append(_collateral_term(scene, whole.equities[name], _equity_along(whole, whole.equities[name], moving)))
    return Form(Affine(constant, up, down), tuple(terms), exact and not foreign)


def _equity_along(whole: Parts, equity: Equity, moving: Moves) -> Affine:
    """E_s × its price along the path, for an asset other than the numeraire, in the numeraire, unrounded."""
    fixed, up, down = equity.units, 0, ZERO
    for one in whole.positions:
        if one.contract.settle.name != equity.asset.name or one.contract.symbol not in moving.symbols:
            continue
        worth = one.contract.worth(one.position.lots, one.ticks)
        fixed -= worth
        if one.contract.payoff is Payoff.INVERSE:
            down += _inverse_worth(one)
        else:
            up += worth
    return _priced(whole.scene, equity, Affine(Decimal(fixed), Decimal(up), down), moving)


def _inverse_worth(one: Valued) -> Decimal:
    """Unrounded worth of an inverse position at its present mark, to 40 decimals of a unit."""
    return divide(Decimal(-one.position.lots * one.contract.constant), Decimal(one.ticks), 40, Rounding.DOWN)


def _priced(scene: Scene, equity: Equity, inner: Affine, moving: Moves) -> Affine:
    """Units of an asset along the path times its index, which may move too."""
    name, scale = equity.asset.name, -equity.asset.scale
    price = scene.market.price(scene.collateral_kind, name, scene.numeraire.name)
    constant, up, down = (shifted(part, scale) * price for part in inner)
    if name not in moving.assets:
        return Affine(constant, up, down)
    if up:
        msg = (
            f"{name} moves and so does the mark of a linear contract that settles in it: "
            "the surplus is quadratic along this path"
        )
        raise UnsolvableError(msg)
    return Affine(down, constant, ZERO)


def _collateral_term(scene: Scene, equity: Equity, inner: Affine) -> Term:
    name = equity.asset.name
    facts = None if name == scene.numeraire.name else scene.rules.collateral.asset(name)
    if facts is not None and not isinstance(facts, Collateral):
        msg = f"{name} counts by its amount at {scene.rules.name}: the path has no closed form"
        raise SizedError(msg)
    schedule, debt_rate = weights(scene, equity)
    return Term(inner, schedule or Schedule.flat(ZERO), debt_rate, 1)


def _requirement_term(scene: Scene, one: Valued, moving: Moves) -> Term:
    if scene.purpose in one.margin.leverage_at:
        msg = f"{scene.rules.name} charges notional ÷ leverage at {scene.purpose.name}; a path is solved at MAINTAIN"
        raise RulesError(msg)
    found = schedule_of(scene, one.contract, one.margin, one.position.lots, one.position.cost)
    schedule = NOTHING if found is None else found
    scaled = schedule if scene.multiplier == ONE else schedule.scaled(scene.multiplier)
    settle_moves = one.contract.settle.name in moving.assets
    mark_moves = one.contract.symbol in moving.symbols
    if one.contract.payoff is Payoff.INVERSE:
        amount = abs(_inverse_worth(one)).scaleb(-one.contract.settle.scale)
    else:
        amount = one.contract.settle.amount(one.notional)
    if one.contract.settle.name != scene.numeraire.name:
        amount *= scene.market.price(scene.collateral_kind, one.contract.settle.name, scene.numeraire.name)
    exponent = (1 if settle_moves else 0) + _mark_exponent(one, moves_mark=mark_moves)
    return Term(_power(amount, exponent, one), scaled, ZERO, -1)


def _mark_exponent(one: Valued, *, moves_mark: bool) -> int:
    if not moves_mark:
        return 0
    return -1 if one.contract.payoff is Payoff.INVERSE else 1


def _power(amount: Decimal, exponent: int, one: Valued) -> Affine:
    if exponent == 0:
        return Affine(amount)
    if exponent == 1:
        return Affine(ZERO, amount)
    if exponent == -1:
        return Affine(ZERO, ZERO, amount)
    msg = f"the notional of {one.contract.symbol} is quadratic along this path: its mark and its settle asset both move"
    raise UnsolvableError(msg)
