"""What option positions contribute to a pool, with their Greeks: the part of an explanation that needs formulas."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from solvent.book import PriceKey, PriceKind
from solvent.instruments import Option, OptionKind
from solvent.margin.held_options import held_options
from solvent.units import ZERO

if TYPE_CHECKING:
    from solvent.margin.valuation import Scene


class OptionGreeks(NamedTuple):
    """Greeks of a position, twelve digits of a float: by the spot, its square, a volatility point (0.01), a day."""

    delta: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal


class OptionFacts(NamedTuple):
    """An option position in the numeraire: its mark (of the market, else of the model), notional, worth, Greeks."""

    mark: Decimal
    notional: Decimal
    worth: Decimal
    greeks: OptionGreeks


def cut(number: float) -> Decimal:
    """Twelve digits of a float.

    >>> str(cut(0.1 + 0.2))
    '0.3'
    """
    return Decimal(f"{float(number):.12g}") if number else ZERO


def option_facts(scene: Scene) -> Mapping[str, OptionFacts]:
    """The facts of every option position of a pool by symbol (inside the exact context)."""
    held = held_options(scene.book, scene.market, scene.rules, scene.holding)
    if held is None:
        return {}
    greeks, values = held.greeks(), held.values()
    found: dict[str, OptionFacts] = {}
    for k, one in enumerate(held.listed):
        mark = scene.market.prices.get(PriceKey(PriceKind.MARK, one.symbol, one.quote.name))
        size, worth = cut(held.size[k] * held.worth[k]), cut(values[k])
        found[one.symbol] = OptionFacts(
            cut(held.models()[k]) if mark is None else mark,
            abs(cut(float(size) * held.spot[k])),
            worth,
            OptionGreeks(*(cut(column[k]) for column in greeks[1:])),
        )
    return found


def most_loss(one: Option, size: Decimal, worth: Decimal) -> Decimal | None:
    """The most a position can still lose; None where it has no bound: of a short call (inside the exact context).

    A long option loses what it is worth at most, a short put its strike less what closing it costs now.
    """
    if size >= 0:
        return max(ZERO, worth)
    if one.kind is OptionKind.CALL:
        return None
    return max(ZERO, -size * one.contract_size * one.strike + worth)
