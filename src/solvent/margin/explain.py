"""The account in words and numbers: ratio, state, leverage, what each position adds and may still lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from solvent.assessment import Assessment, Line
from solvent.book import Book, Leg, Market, Position, Purpose
from solvent.instruments import Option, Payoff, Perpetual
from solvent.margin.assess import assess_holding, totals
from solvent.margin.liquidation_price import liquidation_prices, solutions, taken_apart
from solvent.margin.paths import option_coins
from solvent.margin.solution import Solution
from solvent.margin.valuation import Scene, numeraire_units, price_alternatives
from solvent.rules import Path, VenueRules
from solvent.units import ZERO, Rounding, divide, exact

if TYPE_CHECKING:
    from solvent.margin.option_lines import OptionFacts, OptionGreeks

RATIO_PLACES = 8


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one position adds to its pool, in the numeraire.

    ``most_loss`` is the most it can still take from the account: a long's whole worth at most, a short without bound,
    and neither more than what the pool is worth. Of an option, whose premium was paid in cash, ``profit`` is what it is
    worth. ``priced`` is the name its liquidation price stands under: its own, or an option's underlying.
    """

    symbol: str
    leg: Leg
    size: Decimal
    mark: Decimal
    notional: Decimal
    profit: Decimal
    required: Decimal
    most_loss: Decimal
    priced: str
    greeks: OptionGreeks | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One pool explained at MAINTAIN."""

    assessment: Assessment
    ratio_name: str
    ratio: Decimal | None
    state: str
    leverage: Decimal | None
    contributions: tuple[Contribution, ...]
    sentences: tuple[str, ...]


@exact
def explain(
    book: Book, market: Market, rules: VenueRules, pool: str, purpose: Purpose = Purpose.MAINTAIN
) -> Explanation:
    """Explain one pool: every line of the totals in words, and what each position contributes."""
    holding = book.holding(pool)
    found = assess_holding(book, market, rules, purpose, holding)
    scene = Scene(book, market, rules, holding, purpose, *price_alternatives(rules, purpose)[0])
    return _explained(scene, found)


@exact
def account(
    book: Book, market: Market, rules: VenueRules, pool: str, along: Path | None = None
) -> tuple[Explanation, dict[str, Solution]]:
    """The explanation at MAINTAIN and the liquidation price of every instrument held; the pool is valued once."""
    holding = book.holding(pool)
    if rules.model_of(holding.pool) is not None:
        return explain(book, market, rules, pool), dict(liquidation_prices(book, market, rules, pool, along))
    whole = taken_apart(book, market, rules, holding)
    return _explained(whole.scene, totals(whole)), solutions(whole, along or rules.path)


def _explained(scene: Scene, found: Assessment) -> Explanation:
    contributions = _contributions(scene, found)
    gross = sum((one.notional for one in contributions), ZERO)
    return Explanation(
        found,
        scene.rules.ratio.name,
        venue_ratio(found, scene.rules),
        state(found, scene.rules),
        divide(gross, found.value, 4, Rounding.UP) if found.value > 0 else None,
        contributions,
        _sentences(found, contributions),
    )


def _sentences(found: Assessment, contributions: Sequence[Contribution]) -> tuple[str, ...]:
    """Every line in words; of an option what it is worth, with its Greeks."""
    greeks = {(one.symbol, one.leg): one.greeks for one in contributions if one.greeks is not None}
    words = []
    for line in found.lines:
        sensitive = greeks.get((line.subject, line.leg)) if line.kind == "position" else None
        if sensitive is None:
            words.append(sentence(line, found.numeraire))
        else:
            needs = f", requires {_figure(line.required)} {found.numeraire}" if line.required else ""
            words.append(f"{line.subject}: worth {_figure(line.value)} {found.numeraire}{needs}; {_greeks(sensitive)}")
    return tuple(words)


def _greeks(one: OptionGreeks) -> str:
    shown = (f"{name} {amount:.5g}" for name, amount in one._asdict().items())
    return ", ".join(shown).replace("vega", "vega a point").replace("theta", "theta a day")


@exact
def venue_ratio(found: Assessment, rules: VenueRules) -> Decimal | None:
    """The venue's own ratio, rounded towards danger; None where it has nothing to divide by."""
    equity = found.value if rules.ratio.on_value else found.margin_equity
    top, bottom = (found.required, equity) if rules.ratio.requirement_over_equity else (equity, found.required)
    against = Rounding.DOWN if rules.ratio.safer == "higher" else Rounding.UP
    return divide(top, bottom, RATIO_PLACES, against) if bottom > 0 else None


@exact
def state(found: Assessment, rules: VenueRules) -> str:
    """The worst state whose threshold the pool is below, ``healthy`` when none."""
    if found.required == 0 and found.margin_equity >= 0:
        return "healthy"
    for threshold in sorted(rules.thresholds, key=lambda one: one.multiple):
        line = found.required * threshold.multiple
        if found.margin_equity < line or (threshold.inclusive and found.margin_equity == line):
            return threshold.state
    return "healthy"


def _contributions(scene: Scene, found: Assessment) -> tuple[Contribution, ...]:
    lines = {(line.subject, line.leg): line for line in found.lines if line.kind == "position"}
    facts: Mapping[str, OptionFacts] = {}
    if option_coins(scene.book, scene.holding):
        from solvent.margin.option_lines import option_facts  # noqa: PLC0415 - formulas are loaded only for options

        facts = option_facts(scene)
    answer = []
    for position in scene.holding.positions:
        line = lines.get((position.symbol, position.leg))
        if position.symbol in facts:
            answer.append(_option(scene, position, facts[position.symbol], line, found.value))
        else:
            answer.append(_contract(scene, position, line, found.value))
    return tuple(answer)


def _contract(scene: Scene, position: Position, line: Line | None, value: Decimal) -> Contribution:
    """What a perpetual or future adds; its notional is the requirement's, else that of the mark."""
    contract = scene.contract(position.symbol)
    mark = scene.mark(contract)
    if line is not None and line.piece is not None:
        notional = line.piece.notional
    else:
        units = contract.notional(position.lots, contract.ticks(mark, "mark"))
        notional = scene.numeraire.amount(numeraire_units(scene, units, contract.settle))
    return Contribution(
        position.symbol,
        position.leg,
        contract.size(position.lots),
        mark,
        notional,
        ZERO if line is None else line.value,
        ZERO if line is None else line.required,
        _most_loss(contract, position.lots, notional, value),
        position.symbol,
    )


def _option(scene: Scene, position: Position, facts: OptionFacts, line: Line | None, value: Decimal) -> Contribution:
    """What an option adds: its line's worth where the rule set has one, else its worth by the same formula."""
    from solvent.margin.option_lines import most_loss  # noqa: PLC0415 - loaded only for options

    listed = scene.instrument(position.symbol)
    assert isinstance(listed, Option)
    size, profit = listed.size(position.lots), facts.worth if line is None else line.value
    most = most_loss(listed, size, profit)
    whole = max(ZERO, value)
    return Contribution(
        position.symbol,
        position.leg,
        size,
        facts.mark,
        facts.notional,
        profit,
        ZERO if line is None else line.required,
        whole if most is None else min(whole, most),
        listed.underlying,
        facts.greeks,
    )


def _most_loss(contract: Perpetual, lots: int, notional: Decimal, value: Decimal) -> Decimal:
    """A linear long loses its notional at a price of zero; an inverse short its coin notional; others have no bound."""
    bounded = (lots > 0) == (contract.payoff is Payoff.LINEAR)
    worth = max(ZERO, value)
    return min(notional, worth) if bounded else worth


PHRASES = {
    "cash": ("balance worth", "value"),
    "interest": ("interest due", "value"),
    "unfunded": ("unrealised profit that does not count", "equity"),
    "haircut": ("haircut", "equity"),
    "orders": ("resting orders require", "required"),
}


def sentence(line: Line, numeraire: str) -> str:
    """One line in words."""
    name = line.subject if line.leg is Leg.NET else f"{line.subject} {line.leg.name.lower()}"
    if line.kind == "position":
        return f"{name}: profit {_figure(line.value)}, requires {_figure(line.required)} {numeraire}{_piece(line)}"
    if line.kind not in PHRASES:
        return _other(line, name, numeraire)
    words, part = PHRASES[line.kind]
    return f"{name}: {words} {_figure(getattr(line, part))} {numeraire}"


def _other(line: Line, name: str, numeraire: str) -> str:
    """A line of a venue's own model: its kind, and the figures that are not zero."""
    named = line.kind.replace("_", " ")
    figures = [("worth", line.value), ("counts", line.equity), ("requires", line.required)]
    words = ", ".join(f"{verb} {_figure(amount)} {numeraire}" for verb, amount in figures if amount)
    return f"{name}: {named} {words or 'nothing'}{_piece(line)}" if name else f"{named} {words or 'nothing'}"


def _piece(line: Line) -> str:
    piece = line.piece
    if piece is None or not piece.notional:
        return ""
    if piece.leverage:
        return f" = notional {_figure(piece.notional)} ÷ leverage {piece.leverage}"
    rate = f"{_figure(piece.rate * 100)} %"
    less = f" − {_figure(piece.deduction)}" if piece.deduction else ""
    above = f" (tier above {_figure(piece.floor)})" if piece.floor else ""
    return f" = {rate} of {_figure(piece.notional)}{less}{above}"


def _figure(number: Decimal) -> str:
    """A decimal without idle zeros or exponent."""
    if not number:
        return "0"
    plain = str(number)
    if "E" in plain:
        plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
