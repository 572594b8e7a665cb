"""From floats to money: a figure computed in floats becomes a decimal of twelve places, and its error is carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Purpose
from solvent.margin.totals import assessed
from solvent.units import ZERO, exact

PLACES = Decimal("1e-12")
HALF_PLACE = 0.5e-12
_PLAIN = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[])
_UP = Context(prec=60, rounding=ROUND_CEILING, traps=[])


def figure(number: float) -> Decimal:
    """A float as a decimal of twelve places, the nearest.

    >>> figure(0.1)
    Decimal('0.100000000000')
    """
    return _PLAIN.create_decimal_from_float(float(number)).quantize(PLACES, context=_PLAIN)


def bound(number: float) -> Decimal:
    """A bound of an error as a decimal of twelve places, upwards.

    >>> bound(1e-20)
    Decimal('1E-12')
    """
    return _UP.create_decimal_from_float(float(number)).quantize(PLACES, context=_UP)


@exact
def bounded(
    pool: str, purpose: Purpose, numeraire: str, lines: Sequence[Line], error: float, binding: Binding | None = None
) -> Assessment:
    """The assessment of lines whose sum is off by at most ``error`` and by half a place a line.

    ``binding`` names what decided where it is more than the line with the largest requirement.

    Examples
    --------
    >>> from solvent.book import Leg
    >>> found = bounded("p", Purpose.MAINTAIN, "USDC", [Line("cash", "USDC", Leg.NET, ZERO, Decimal(5))], 2e-12)
    >>> str(found.low), str(found.high)
    ('4.999999999997', '5.000000000003')

    """
    found = assessed(pool, purpose, numeraire, lines)
    room = bound(error + HALF_PLACE * len(lines)) if error else ZERO
    return replace(
        found,
        low=found.surplus - room,
        high=found.surplus + room,
        binding=found.binding if binding is None else binding,
    )
