"""Liquidation prices of a whole pool: where surplus(MAINTAIN) crosses its line along a stated price path."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from solvent.book import Book, Holding, Market, Method, PriceKind, Purpose
from solvent.instruments import Future, Option, Perpetual
from solvent.margin.assess import assess_holding
from solvent.margin.forms import SizedError, UnsolvableError, contracts_of, form
from solvent.margin.parts import Parts, parts
from solvent.margin.paths import Moves, market_along, moved_by, option_coins, subject
from solvent.margin.roots import Root, roots
from solvent.margin.search import search
from solvent.margin.solution import Crossing, Solution, nearest
from solvent.margin.valuation import Scene, price_alternatives
from solvent.rules import Path, RulesError, VenueRules
from solvent.units import exact, shifted

SHOWN_PLACES = 18
SHOWN_UNITS = 10**SHOWN_PLACES
MOST_DOUBLINGS = 40


@exact
def liquidation_price(
    book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, along: Path | None = None
) -> Solution:
    """Where the pool's surplus(MAINTAIN) crosses its line when the price of ``symbol`` moves along a path.

    The instrument need not be held: collateral in the traded coin has a liquidation price too. ``symbol`` may be the
    name of an asset, whose index then moves. Where the surplus is piecewise affine every crossing is found and exact;
    a venue's own model is searched (:mod:`solvent.margin.search`).

    Raises
    ------
    UnsolvableError
        The surplus is not piecewise affine along this path; the message says which contracts make it so.

    """
    holding = book.holding(pool)
    path = path_of(book, rules, holding, along)
    if _searched(rules, holding) or subject(book, symbol, holding.pool.numeraire).is_asset:
        return search(book, market, rules, holding, symbol, path)
    return _solved_or_searched(taken_apart(book, market, rules, holding), symbol, path)


@exact
def liquidation_prices(
    book: Book, market: Market, rules: VenueRules, pool: str, along: Path | None = None
) -> Mapping[str, Solution]:
    """The liquidation price of every instrument a pool holds, by symbol; the pool is valued once for all of them.

    Of options it is the price of their underlying, with every forward moving along and volatilities held. Of a pool
    of a venue that lends against collateral, the price of every asset held or owed.
    """
    holding = book.holding(pool)
    path = path_of(book, rules, holding, along)
    if _searched(rules, holding):
        return {name: search(book, market, rules, holding, name, path) for name in subjects(book, holding)}
    return solutions(taken_apart(book, market, rules, holding), path)


def path_of(book: Book, rules: VenueRules, holding: Holding, along: Path | None) -> Path:
    """The path asked for or the rule set's; of a pool with options never less than everything on the same coin."""
    path = along or rules.path
    coins = option_coins(book, holding)
    if holding.pool.numeraire in coins:
        coin = holding.pool.numeraire
        raise UnsolvableError(f"pool {holding.pool.id} is judged in {coin} and holds options on it: no price moves")
    return Path.UNDERLYING if path is Path.INSTRUMENT and coins else path


def subjects(book: Book, holding: Holding) -> list[str]:
    """What a pool has liquidation prices of: its contracts, its options' underlyings, what it lends or owes."""
    listed = ((position.symbol, book.instruments.get(position.symbol)) for position in holding.positions)
    names = dict.fromkeys(one.underlying if isinstance(one, Option) else symbol for symbol, one in listed)
    if holding.pool.method is Method.LENDING:
        names.update(dict.fromkeys(name for name, units in holding.cash.items() if units))
        names.pop(holding.pool.numeraire, None)
    return list(names)


def _searched(rules: VenueRules, holding: Holding) -> bool:
    """Whether the pool has a model of its own or is valued at several prices: there is no closed form."""
    return rules.model_of(holding.pool) is not None or len(price_alternatives(rules, Purpose.MAINTAIN)) > 1


def _solved_or_searched(whole: Parts, symbol: str, along: Path) -> Solution:
    """The closed form, or a search where collateral counts by its amount."""
    try:
        return solve(whole, symbol, along)
    except SizedError:
        scene = whole.scene
        return search(scene.book, scene.market, scene.rules, scene.holding, symbol, along)


def solutions(whole: Parts, along: Path) -> dict[str, Solution]:
    """The solution of every instrument a pool taken apart holds (inside the exact context)."""
    return {
        symbol: _solved_or_searched(whole, symbol, along)
        for symbol in {p.position.symbol: None for p in whole.positions}
    }


def taken_apart(book: Book, market: Market, rules: VenueRules, holding: Holding) -> Parts:
    """The pool's parts at MAINTAIN."""
    alternatives = price_alternatives(rules, Purpose.MAINTAIN)
    if len(alternatives) != 1:
        msg = f"{rules.name} values MAINTAIN by several prices; a path needs one"
        raise RulesError(msg)
    return parts(Scene(book, market, rules, holding, Purpose.MAINTAIN, *alternatives[0]))


def solve(whole: Parts, symbol: str, along: Path) -> Solution:
    """The solution for one instrument of a pool already taken apart (inside the exact context)."""
    scene = whole.scene
    contract = scene.contract(symbol)
    present = whole.ticks.get(symbol) or contract.ticks(scene.mark(contract), "mark")
    mark = contract.price(present)
    if along is Path.INSTRUMENT:
        moving = Moves(frozenset({symbol}), frozenset())
    else:
        own = scene.numeraire.name
        moving = moved_by(subject(scene.book, symbol, own), contracts_of(whole), own, along)
    surplus = form(whole, moving)
    inclusive = scene.rules.breach_inclusive
    found = []
    for root in roots(surplus):
        ticks: int | None = _first_in_breach(root, present, inclusive=inclusive)
        if not surplus.exact or len(moving.symbols) > 1:
            ticks = _confirmed(whole, contract, moving, ticks or 1, breach_below=root.breach_below)
        if ticks is not None and ticks >= 1:
            found.append(_crossing(root, contract, mark, present, ticks))
    in_breach = _breached(whole.surplus, whole.required, inclusive=inclusive)
    best = nearest(found, mark, in_breach=in_breach)
    if best is None:
        return Solution(scene.holding.pool.id, symbol, along, mark, in_breach, tuple(found), None, None, None)
    pool, crossings = scene.holding.pool.id, tuple(found)
    return Solution(pool, symbol, along, mark, in_breach, crossings, best.price, best.ticks, best.displayed)


def _breached(surplus: Decimal, required: Decimal, *, inclusive: bool) -> bool:
    return surplus < 0 or (inclusive and surplus == 0 and required > 0)


def _crossing(root: Root, contract: Perpetual | Future, mark: Decimal, present: int, ticks: int) -> Crossing:
    top, bottom = root.at.numerator, root.at.denominator
    above, below = mark.as_integer_ratio()
    price = shifted(Decimal(above * top * SHOWN_UNITS // (below * bottom)), -SHOWN_PLACES)
    shown = (2 * top * present + bottom) // (2 * bottom)
    return Crossing(price, contract.price(shown), ticks, root.breach_below)


def _first_in_breach(root: Root, present: int, *, inclusive: bool) -> int:
    """The tick in breach nearest to the crossing; on it exactly only where the line itself is a breach."""
    ticks, rest = divmod(root.at.numerator * present, root.at.denominator)
    if root.breach_below:
        return ticks if rest or inclusive else ticks - 1
    return ticks if inclusive and not rest else ticks + 1


def _confirmed(
    whole: Parts, contract: Perpetual | Future, moving: Moves, ticks: int, *, breach_below: bool
) -> int | None:
    """The tick in breach whose neighbour is not, under the rounded rules, found outward from the unrounded crossing.

    None when no price within reach turns the verdict: where an inverse contract hardly moves any more, a unit's
    rounding can be wider than what the price still changes.
    """
    step = 1 if breach_below else -1
    inside = _breached_at(whole, contract, moving, max(ticks, 1))
    known, away = max(ticks, 1), step if inside else -step
    for doubling in range(MOST_DOUBLINGS):
        tried = known + away * 2**doubling
        if tried < 1:
            if known == 1 or _breached_at(whole, contract, moving, 1) == inside:
                return None
            tried = 1
        if _breached_at(whole, contract, moving, tried) != inside:
            return _turn(whole, contract, moving, *((known, tried) if inside else (tried, known)))
        known = tried
    return None


def _turn(whole: Parts, contract: Perpetual | Future, moving: Moves, breached: int, sound: int) -> int:
    """Halve between a tick in breach and one that is not; the last tick in breach on the way to the other."""
    while abs(sound - breached) > 1:
        middle = (sound + breached) // 2
        if _breached_at(whole, contract, moving, middle):
            breached = middle
        else:
            sound = middle
    return breached


def _breached_at(whole: Parts, contract: Perpetual | Future, moving: Moves, ticks: int) -> bool:
    scene = whole.scene
    market = market_at(scene.book, scene.market, moving, contract, ticks)
    found = assess_holding(scene.book, market, scene.rules, Purpose.MAINTAIN, scene.holding)
    return found.breached(inclusive=scene.rules.breach_inclusive)


def market_at(book: Book, market: Market, moving: Moves, contract: Perpetual | Future, ticks: int) -> Market:
    """The market where ``contract`` is at ``ticks`` and everything that moves with it has moved by the same factor."""
    present = market.price(PriceKind.MARK, contract.symbol, contract.quote.name)
    return market_along(book, market, moving, Fraction(contract.price(ticks)) / Fraction(present))
