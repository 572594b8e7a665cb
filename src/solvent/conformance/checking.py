"""A rule set checked: that its parts agree, and that its margin model keeps the laws on books of its own instruments.

Both checks answer with findings, one sentence each; an empty list is a pass. They are for third parties too: write a
:class:`~solvent.rules.VenueRules`, call both, then ``solvent conform`` your own vectors (docs/cli.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from solvent.assessment import Assessment
from solvent.book import Book, Market, Purpose
from solvent.margin import Solution, UnsolvableError, assess_pool, liquidation_prices
from solvent.margin.liquidation_price import path_of, subjects
from solvent.margin.paths import Moves, market_along, moves, subject
from solvent.rules import Form, Profit, VenueRules
from solvent.units import ZERO, exact
from solvent.venues.lawful import ORDER

Case = tuple[Book, Market]
LAWS = ("L-07", "L-11", "L-13", "L-19")


@exact
def check_rules(rules: VenueRules) -> list[str]:
    """What contradicts itself in a rule set, one sentence each.

    Checked: sources are given; every purpose has prices, a profit rule and a declared form; modes and capabilities
    agree; thresholds and forms are possible. That stricter purposes are stricter is for
    :func:`solvent.venues.check_order`, where a rule set guarantees it for every book.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from solvent.venues import venue
    >>> check_rules(venue("generic"))
    []
    >>> check_rules(replace(venue("generic"), sources=()))
    ['generic: no source is given for its numbers']

    """
    return [f"{rules.name}: {finding}" for finding in _contradictions(rules)]


def _contradictions(rules: VenueRules) -> Iterator[str]:
    if not rules.sources:
        yield "no source is given for its numbers"
    if not all(source.address for source in rules.sources):
        yield "a source has no address"
    for threshold in rules.thresholds:
        if threshold.multiple < 0:
            yield f"the threshold of state {threshold.state} must be a multiple of at least 0, not {threshold.multiple}"
    yield from _purposes(rules)
    yield from _modes(rules)
    yield from _forms(rules)


def _purposes(rules: VenueRules) -> Iterator[str]:
    tables = {
        "a price of positions": rules.prices.positions,
        "a price of collateral": rules.prices.collateral,
        "how unrealised profit counts": rules.profit,
        "the declared form": rules.forms,
    }
    for purpose in Purpose:
        yield from (f"{what} is missing at {purpose.name}" for what, given in tables.items() if not given.get(purpose))


def _modes(rules: VenueRules) -> Iterator[str]:
    if rules.capabilities.modes != frozenset(rules.modes):
        yield "the margin modes of its capabilities and those with rules differ"
    for mode, facts in rules.modes.items():
        if set(facts.max_leverage) != set(rules.capabilities.account_classes):
            yield f"the account classes of {mode.value} margin and those of its capabilities differ"


def _forms(rules: VenueRules) -> Iterator[str]:
    """A separable pool has one asset that counts in full, and a model of its own is told by ring 1 alone."""
    for purpose, form in rules.forms.items():
        if rules.models and form in (Form.SEPARABLE, Form.NESTED):
            yield f"{purpose.name} is declared {form.value}, but pools have a model of their own"
        if form is Form.SEPARABLE and rules.profit.get(purpose) is Profit.LOSSES_ONLY:
            yield f"{purpose.name} is declared separable, but only losses count there"


@exact
def check_margin_model(rules: VenueRules, cases: Iterable[Case], laws: Iterable[str] = LAWS) -> list[str]:
    """The laws of a margin model on books: findings, one sentence each.

    L-07: stricter purposes find no more surplus. L-11: a unit more of an asset held lowers no surplus. L-13: at every
    liquidation price the reported tick is in breach and its neighbour is not. L-19: lines sum to the totals.

    Parameters
    ----------
    rules
        The rule set.
    cases
        Books and markets whose pools it covers.
    laws
        Those it claims: a venue need not keep L-07 or L-11, and then says so on its page.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> check_margin_model(venue("generic"), [two_positions()])
    []

    """
    claimed = frozenset(laws)
    return [finding for book, market in cases for finding in _findings(rules, book, market, claimed)]


def _findings(rules: VenueRules, book: Book, market: Market, laws: frozenset[str]) -> Iterator[str]:
    for holding in book.holdings:
        pool = holding.pool.id
        found = {purpose: assess_pool(book, market, rules, purpose, pool) for purpose in Purpose}
        if "L-19" in laws:
            yield from (f"L-19: {pool}: {words}" for one in found.values() for words in _sums(one))
        if "L-07" in laws:
            for strict, lenient in ORDER:
                if found[strict].surplus > found[lenient].surplus:
                    yield f"L-07: {pool}: the surplus at {strict.name} is above that at {lenient.name}"
        if "L-11" in laws:
            yield from (f"L-11: {pool}: {words}" for words in _more(rules, book, market, pool, found))
        if "L-13" in laws:
            yield from (f"L-13: {pool}: {words}" for words in _turns(rules, book, market, pool))


def _sums(one: Assessment) -> Iterator[str]:
    parts = (("value", one.value), ("equity", one.margin_equity), ("required", one.required))
    for (name, total), attribute in zip(parts, ("value", "equity", "required"), strict=True):
        if sum((getattr(line, attribute) for line in one.lines), ZERO) != total:
            yield f"the lines at {one.purpose.name} do not sum to the {name}"


def _more(rules: VenueRules, book: Book, market: Market, pool: str, found: dict[Purpose, Assessment]) -> Iterator[str]:
    holding = book.holding(pool)
    for asset in holding.cash:
        richer = book.with_holding(holding.with_cash(asset, 10 ** book.assets[asset].scale))
        for purpose, before in found.items():
            if assess_pool(richer, market, rules, purpose, pool).surplus < before.surplus:
                yield f"one {asset} more lowers the surplus at {purpose.name}"


def _turns(rules: VenueRules, book: Book, market: Market, pool: str) -> Iterator[str]:
    holding = book.holding(pool)
    try:
        solved = liquidation_prices(book, market, rules, pool)
    except UnsolvableError:
        return
    path = path_of(book, rules, holding, None)
    for name in subjects(book, holding):
        own = holding.pool.numeraire
        moving = moves(book, market, rules, holding, subject(book, name, own), path)
        yield from _verdicts(rules, book, market, solved[name], moving)


def _verdicts(rules: VenueRules, book: Book, market: Market, solved: Solution, moving: Moves) -> Iterator[str]:
    one = subject(book, solved.symbol, book.holding(solved.pool).pool.numeraire)
    present = Fraction(market.price(*one.key))

    def breached(ticks: int) -> bool:
        moved = market_along(book, market, moving, Fraction(one.tick * ticks) / present)
        found = assess_pool(book, moved, rules, Purpose.MAINTAIN, solved.pool)
        return found.breached(inclusive=rules.breach_inclusive)

    for crossing in solved.crossings:
        neighbour = crossing.ticks + (1 if crossing.breach_below else -1)
        if not breached(crossing.ticks):
            yield f"{solved.symbol} at {one.tick * crossing.ticks} should be in breach"
        if neighbour >= 1 and breached(neighbour):
            yield f"{solved.symbol} at {one.tick * neighbour} should not be in breach"
