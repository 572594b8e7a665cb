"""Assess: every pool of a book, valued and margined for one purpose. No clock, no I/O, no state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from solvent.assessment import Assessment, Line
from solvent.book import Book, Holding, Market, Method, Purpose
from solvent.margin.collateral import balance_lines
from solvent.margin.parts import Parts, parts
from solvent.margin.tiered import WITH_ORDERS, with_orders
from solvent.margin.totals import assessed
from solvent.margin.valuation import Scene, Valued, entries, price_alternatives
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, exact


@exact
def assess(book: Book, market: Market, rules: VenueRules, purpose: Purpose) -> Mapping[str, Assessment]:
    """Assess every pool of ``book`` by its id.

    Raises
    ------
    BookError
        A mark, index, asset or instrument the book needs is missing; the message names it.
    RulesError
        The rule set does not cover something the book holds.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> from solvent.samples import two_positions
    >>> book, market = two_positions()
    >>> result = assess(book, market, venue("generic"), Purpose.MAINTAIN)["cross"]
    >>> str(result.value), result.breached(inclusive=False)
    ('1030895.55638000', False)

    """
    return {h.pool.id: assess_holding(book, market, rules, purpose, h) for h in book.holdings}


@exact
def assess_pool(book: Book, market: Market, rules: VenueRules, purpose: Purpose, pool: str) -> Assessment:
    """Assess one pool by its id; errors as :func:`assess`."""
    return assess_holding(book, market, rules, purpose, book.holding(pool))


def assess_holding(book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
    """Assess one holding inside the exact context, by the venue's own model of its method or by tiers."""
    model = rules.model_of(holding.pool)
    if model is not None:
        return model.assess(book, market, rules, purpose, holding)
    if holding.pool.method is not Method.TIERED:
        msg = f"pool {holding.pool.id}: {rules.name} does not margin by {holding.pool.method.value} in this version"
        raise RulesError(msg)
    return tiered(book, market, rules, purpose, holding)


def tiered(book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
    """Assess by tiers (inside the exact context): the worse of the purpose's price alternatives, whole book each."""
    found: Assessment | None = None
    for kinds in price_alternatives(rules, purpose):
        one = totals(parts(Scene(book, market, rules, holding, purpose, *kinds)))
        if found is None or one.low < found.low:
            found = one
    if found is None:
        msg = f"{rules.name}: no price kinds for {purpose.name}"
        raise RulesError(msg)
    return found


def totals(whole: Parts) -> Assessment:
    """The assessment of a pool already taken apart: its lines, and the three totals they are the sums of."""
    lines, profits = _position_lines(whole)
    for name, equity in whole.equities.items():
        lines.extend(balance_lines(whole.scene, equity, profits.get(name, ZERO), whole.counted[name]))
    scene = whole.scene
    return assessed(scene.holding.pool.id, scene.purpose, scene.holding.pool.numeraire, lines)


def _position_lines(whole: Parts) -> tuple[list[Line], dict[str, Decimal]]:
    """A line a position (profit and requirement), a line for orders, and profits by settle asset in the numeraire."""
    scene = whole.scene
    lines: list[Line] = []
    profits: dict[str, Decimal] = {}
    for one, (needed, piece) in zip(whole.positions, whole.requirements, strict=True):
        profit = _profit(scene, one)
        settle = one.contract.settle.name
        profits[settle] = profits.get(settle, ZERO) + profit
        lines.append(Line("position", one.position.symbol, one.position.leg, profit, profit, needed, piece))
    if scene.holding.orders and scene.purpose in WITH_ORDERS:
        lines.extend(_order_lines(whole))
    return lines, profits


def _order_lines(whole: Parts) -> Iterator[Line]:
    """What resting orders require on top of their positions, a line an instrument's leg."""
    scene = whole.scene
    marked = {
        (one.position.symbol, one.position.leg): (one.ticks, needed)
        for one, (needed, _) in zip(whole.positions, whole.requirements, strict=True)
    }
    for (symbol, leg), (position, orders) in entries(scene.holding).items():
        if not orders:
            continue
        contract = scene.contract(symbol)
        ticks, alone = marked.get((symbol, leg)) or (contract.ticks(scene.mark(contract), "mark"), ZERO)
        needed = with_orders(scene, contract, position, orders, ticks, alone)
        yield Line("orders", symbol, leg, ZERO, ZERO, needed - alone)


def _profit(scene: Scene, one: Valued) -> Decimal:
    """Profit in the numeraire, unrounded: what is rounded is the asset's whole equity, once."""
    settle = one.contract.settle
    amount = settle.amount(one.profit)
    if settle.name == scene.numeraire.name:
        return amount
    return amount * scene.market.price(scene.collateral_kind, settle.name, scene.numeraire.name)
