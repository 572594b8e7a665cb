"""A pool's surplus along a price path, in canonical form: a constant plus piecewise affine functions of one variable.

Along a path every moving price is its present value times a factor. With ``z`` the factor (or, where only inverse
contracts move, its reciprocal), whatever a moving entry adds is ``g(constant + slope·z)`` with ``g`` piecewise affine:
collateral through its weights, or minus a requirement through its tiers. Everything else is one constant.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.instruments import Future, Payoff, Perpetual
from solvent.margin.collateral import counted, value_units, weights
from solvent.margin.tiered import requirement
from solvent.margin.valuation import Equity, Scene, Valued, equities, valued
from solvent.rates import Piece, Schedule
from solvent.rules import Path, RulesError
from solvent.units import ONE, ZERO, Rounding, divide


class UnsolvableError(ValueError):
    """A pool whose surplus along the path is not piecewise affine in one variable; the message says why."""


class Affine(NamedTuple):
    """``constant + up·f + down/f`` for the path's factor f."""

    constant: Decimal
    up: Decimal = ZERO
    down: Decimal = ZERO


class Term(NamedTuple):
    """``sign × g(inner)``: pieces of g over amounts, rising floors; ``below`` is the rate of negative amounts."""

    inner: Affine
    pieces: tuple[Piece, ...]
    below: Decimal
    sign: int


class Form(NamedTuple):
    """surplus = ``base`` + Σ ``terms``; ``exact`` when no rounding of a moving amount was left out."""

    base: Affine
    terms: tuple[Term, ...]
    exact: bool


class Moves(NamedTuple):
    """What a path moves: marks of these symbols, and the index of these assets."""

    symbols: frozenset[str]
    assets: frozenset[str]


def moves(scene: Scene, contract: Perpetual | Future, path: Path) -> Moves:
    """The prices that move with ``contract`` along ``path``."""
    if path is Path.INSTRUMENT:
        return Moves(frozenset({contract.symbol}), frozenset())
    contracts = {p.symbol: scene.contract(p.symbol) for p in scene.holding.positions}
    if path is Path.UNDERLYING:
        coins = {contract.underlying}
    else:
        coins = {one.underlying for one in contracts.values()} | {contract.underlying}
    symbols = {symbol for symbol, one in contracts.items() if one.underlying in coins} | {contract.symbol}
    return Moves(frozenset(symbols), frozenset(coins - {scene.holding.pool.numeraire}))


class Parts(NamedTuple):
    """A pool taken apart once: what each asset counts and each position requires, and the surplus they sum to."""

    scene: Scene
    positions: list[Valued]
    requirements: list[Decimal]
    equities: list[Equity]
    counted: list[Decimal]
    surplus: Decimal


def parts(scene: Scene) -> Parts:
    """Value a pool's positions and assets once, for many paths. Orders do not count here: see the purposes' rules."""
    positions = [valued(scene, p) for p in scene.holding.positions]
    needed = [requirement(scene, p.contract, scene.margin_of(p.contract), p.position, p.notional)[0] for p in positions]
    owned = equities(scene, positions)
    values = [
        counted(scene, one.asset.name, scene.numeraire.amount(value_units(scene, one.asset, one.counted_units)))
        for one in owned
    ]
    return Parts(scene, positions, needed, owned, values, sum(values, ZERO) - sum(needed, ZERO))


def form(whole: Parts, moving: Moves) -> Form:
    """The pool's surplus at the scene's purpose along a path."""
    scene, positions = whole.scene, whole.positions
    constant, up, down = whole.surplus, ZERO, ZERO
    terms: list[Term] = []
    exact = not any_inverse(positions, moving)
    for equity, value in zip(whole.equities, whole.counted, strict=True):
        if not _asset_moves(equity, positions, moving):
            continue
        constant -= value
        inner = _equity_along(scene, equity, positions, moving)
        if equity.asset.name == scene.holding.pool.numeraire:
            constant, up, down = constant + inner.constant, up + inner.up, down + inner.down
        else:
            exact = False
            terms.append(_collateral_term(scene, equity.asset.name, inner))
    for one, needed in zip(positions, whole.requirements, strict=True):
        if one.contract.symbol in moving.symbols or one.contract.settle.name in moving.assets:
            constant += needed
            exact = exact and _settles_in_numeraire(scene, one)
            terms.append(_requirement_term(scene, one, moving))
    return Form(Affine(constant, up, down), tuple(terms), exact)


def any_inverse(positions: list[Valued], moving: Moves) -> bool:
    """Whether an inverse contract's mark moves: its worth is rounded to units of the coin."""
    return any(p.contract.payoff is Payoff.INVERSE and p.contract.symbol in moving.symbols for p in positions)


def _settles_in_numeraire(scene: Scene, one: Valued) -> bool:
    return one.contract.settle.name == scene.holding.pool.numeraire


def _asset_moves(equity: Equity, positions: list[Valued], moving: Moves) -> bool:
    if equity.asset.name in moving.assets:
        return True
    name = equity.asset.name
    return any(p.contract.settle.name == name and p.contract.symbol in moving.symbols for p in positions)


def _equity_along(scene: Scene, equity: Equity, positions: list[Valued], moving: Moves) -> Affine:
    """E_s × its price along the path, in the numeraire, unrounded."""
    if equity.counted_profit != equity.profit:
        msg = "a path is solved where unrealised profit counts in full; here only losses count"
        raise UnsolvableError(msg)
    fixed, up, down = equity.cash, ZERO, ZERO
    for one in positions:
        if one.contract.settle.name != equity.asset.name:
            continue
        if one.contract.symbol not in moving.symbols:
            fixed += one.profit
            continue
        worth = Decimal(one.profit + one.position.cost + _funding(scene, one))
        fixed += one.profit - int(worth)
        if one.contract.payoff is Payoff.INVERSE:
            down += _inverse_worth(one)
        else:
            up += worth
    inner = Affine(Decimal(fixed), up, down)
    return _priced(scene, equity, inner, moves_price=equity.asset.name in moving.assets)


def _funding(scene: Scene, one: Valued) -> int:
    return one.position.lots * (scene.market.funding.get(one.position.symbol, 0) - one.position.funding_index)


def _inverse_worth(one: Valued) -> Decimal:
    """Unrounded worth of an inverse position at its present mark, to 40 decimals of a unit."""
    return divide(Decimal(-one.position.lots * one.contract.constant), Decimal(one.ticks), 40, Rounding.DOWN)


def _priced(scene: Scene, equity: Equity, inner: Affine, *, moves_price: bool) -> Affine:
    scale = -equity.asset.scale
    price = ONE
    if equity.asset.name != scene.holding.pool.numeraire:
        price = scene.market.price(scene.collateral_kind, equity.asset.name, scene.numeraire.name)
    constant, up, down = (part.scaleb(scale) * price for part in inner)
    if not moves_price:
        return Affine(constant, up, down)
    if up:
        msg = (
            f"{equity.asset.name} moves and so does the mark of a linear contract that settles in it: "
            "the surplus is quadratic along this path"
        )
        raise UnsolvableError(msg)
    return Affine(down, constant, ZERO)


def _collateral_term(scene: Scene, asset: str, inner: Affine) -> Term:
    schedule, debt_rate = weights(scene, asset)
    pieces = (Piece(ZERO, ZERO, ZERO),) if schedule is None else schedule.pieces
    return Term(inner, pieces, debt_rate, 1)


def _requirement_term(scene: Scene, one: Valued, moving: Moves) -> Term:
    margin = scene.margin_of(one.contract)
    if scene.purpose in margin.leverage_at:
        msg = f"{scene.rules.name} charges notional ÷ leverage at {scene.purpose.name}; a path is solved at MAINTAIN"
        raise RulesError(msg)
    schedule = margin.schedules.get(scene.purpose) or Schedule.flat(ZERO)
    multiplier = scene.multiplier()
    scaled = schedule if multiplier is ONE or multiplier == ONE else schedule.scaled(multiplier)
    settle_moves = one.contract.settle.name in moving.assets
    mark_moves = one.contract.symbol in moving.symbols
    if one.contract.payoff is Payoff.INVERSE:
        amount = abs(_inverse_worth(one)).scaleb(-one.contract.settle.scale)
    else:
        amount = one.contract.settle.amount(one.notional)
    if not _settles_in_numeraire(scene, one):
        amount *= scene.market.price(scene.collateral_kind, one.contract.settle.name, scene.numeraire.name)
    exponent = (1 if settle_moves else 0) + _mark_exponent(one, moves_mark=mark_moves)
    return Term(_power(amount, exponent, one), scaled.pieces, ZERO, -1)


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
