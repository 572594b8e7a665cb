"""A pool's portfolio margin step by step: every intermediate figure between positions and net margin."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, Market, Method, Purpose
from solvent.margin.assess import assess_pool
from solvent.margin.scenario.account import Figures, ScenarioAccount, figures, underlying_of
from solvent.margin.scenario.contingencies import oracle_charges, static_charges
from solvent.margin.scenario.money import figure
from solvent.margin.scenario.portfolio import PortfolioRules
from solvent.margin.scenario.reading import pooled, stable_price
from solvent.margin.scenario.shocks import Move, TermShock
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, exact

FAMILIES = ("regular", "tail", "skew")


class Steps(NamedTuple):
    """Every step, in the numeraire.

    Attributes
    ----------
    maintenance, initial
        Net margins: surplus at MAINTAIN and at ADMIT (of the pool without its orders).
    value, option_value, collateral_value
        The pool's value, and the parts of it that are options and collateral.
    basis
        The basis charge, not above zero.
    contingencies
        By kind, not above zero, before any factor: what each takes from the net margin.
    static
        The sum of maintenance contingencies as a positive figure.
    factor
        The loss factor at initial margin.
    static_discounts
        By expiry: factors on what is worth something and on what is owed.
    multiples_up, multiples_down
        By option position: what a move up or down multiplies its volatility by.
    worst_of, worst_kind
        The smallest profit of each family of scenarios, and which of them, or ``basis``, is the least (the first named
        where several are).
    figures
        The scan with its matrix.

    """

    maintenance: Decimal
    initial: Decimal
    value: Decimal
    option_value: Decimal
    collateral_value: Decimal
    basis: Decimal
    contingencies: Mapping[str, Decimal]
    static: Decimal
    factor: Decimal
    static_discounts: tuple[tuple[float, float], ...]
    multiples_up: tuple[float, ...]
    multiples_down: tuple[float, ...]
    worst_of: Mapping[str, float]
    worst_kind: str
    figures: Figures


def rules_of(rules: VenueRules) -> PortfolioRules:
    """The rule set's scenario rules; :class:`~solvent.rules.RulesError` where it has none."""
    model = rules.models.get(Method.SCENARIO)
    if not isinstance(model, ScenarioAccount):
        raise RulesError(f"{rules.name} does not margin by this scenario engine")
    return model.rules


@exact
def steps(book: Book, market: Market, rules: VenueRules, pool: str) -> Steps:
    """Every step of a pool's portfolio margin; errors as :func:`solvent.margin.assess`.

    Examples
    --------
    >>> from solvent.book import Holding, Pool
    >>> from solvent.units import Asset
    >>> from solvent.venues import venue
    >>> usdc = Asset("USDC", 6)
    >>> holding = Holding(Pool("p", numeraire="USDC", method=Method.SCENARIO), {"USDC": 1_000_000})
    >>> found = steps(Book({"USDC": usdc}, {}, (holding,)), Market({}), venue("derive_pmrm2"), "p")
    >>> found.maintenance == 1, len(found.figures.scanned.profit)
    (True, 33)

    """
    own, holding = rules_of(rules), book.holding(pool)
    taken = pooled(book, market, holding, rules.name)
    stable = stable_price(market, holding.pool.numeraire)
    held = underlying_of(own, market, taken, holding, rules.name)
    found = figures(own, market, held, taken, stable, holding.pool.numeraire)
    maintain, admit = (assess_pool(book, market, rules, one, pool) for one in (Purpose.MAINTAIN, Purpose.ADMIT))
    charges: dict[str, Decimal] = {}
    fixed = list(static_charges(own, held, taken.coins, stable, initial=True))
    for line in [*fixed, *oracle_charges(own, held, taken.coins, market, stable)]:
        charges[line.kind] = charges.get(line.kind, ZERO) - line.required
    above, below = own.static_discount.factors(found.expiries)
    options = set(found.series.symbols)
    least = {family: found.scanned.worst_of(family) for family in FAMILIES}
    kinds = {**least, "basis": found.basis}
    return Steps(
        maintain.surplus,
        admit.surplus,
        maintain.value,
        sum((line.value for line in maintain.lines if line.subject in options and line.kind == "position"), ZERO),
        sum((line.value for line in maintain.lines if line.kind == "collateral"), ZERO),
        figure(found.basis),
        charges,
        sum((line.required for line in fixed if not line.kind.startswith("initial")), ZERO),
        own.factors.of(stable, initial=True),
        tuple(zip(above.tolist(), below.tolist(), strict=True)),
        _multiples(own, Move.UP, found),
        _multiples(own, Move.DOWN, found),
        least,
        min(kinds, key=lambda kind: kinds[kind]),
        found,
    )


def _multiples(own: PortfolioRules, move: Move, found: Figures) -> tuple[float, ...]:
    shock = own.volatility
    if not isinstance(shock, TermShock):
        return ()
    return tuple(float(one) for one in shock.multiple(move, found.expiries.seconds)[found.series.expiry])
