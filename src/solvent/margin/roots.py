"""Where a surplus in canonical form crosses its line: every crossing, as an exact fraction of the path's variable."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from solvent.margin.forms import Affine, Form, Term, UnsolvableError

ZERO_FRACTION = Fraction(0)


class Root(NamedTuple):
    """A crossing at the factor ``at``; ``breach_below``: smaller factors are in breach, larger are not."""

    at: Fraction
    breach_below: bool


def roots(surplus: Form) -> tuple[Root, ...]:
    """Every factor > 0 at which the surplus changes sign, in rising order; none and several are answers."""
    reciprocal = _uses_reciprocal(surplus)
    found = _single(surplus, reciprocal=reciprocal)
    if found is None:
        found = _several(surplus, reciprocal=reciprocal)
    if reciprocal:
        found = [Root(1 / root.at, not root.breach_below) for root in reversed(found)]
    return tuple(found)


def _uses_reciprocal(surplus: Form) -> bool:
    up, down = bool(surplus.base.up), bool(surplus.base.down)
    for term in surplus.terms:
        up, down = up or bool(term.inner.up), down or bool(term.inner.down)
    if up and down:
        msg = "linear and inverse contracts move together here: the surplus is not piecewise affine along this path"
        raise UnsolvableError(msg)
    return down


def _slope(one: Affine, *, reciprocal: bool) -> Decimal:
    return one.down if reciprocal else one.up


def _single(surplus: Form, *, reciprocal: bool) -> list[Root] | None:
    """The common case, in decimals: one moving requirement, proportional to the variable, continuous tiers.

    None when the form is not of that shape.
    """
    if len(surplus.terms) != 1:
        return None
    term = surplus.terms[0]
    amount = _slope(term.inner, reciprocal=reciprocal)
    if term.inner.constant or amount <= 0 or term.sign > 0 or not term.schedule.continuous:
        return None
    constant, slope = surplus.base.constant, _slope(surplus.base, reciprocal=reciprocal)
    pieces, scaled = term.schedule.pieces, constant * amount
    # amount × surplus where the moving amount is at each floor: its sign there says on which pieces a root lies
    at_floors = [
        scaled + slope * piece.floor - amount * value
        for piece, value in zip(pieces, term.schedule.at_floors, strict=True)
    ]
    if not all(at_floors):
        return None
    beyond = slope - pieces[-1].rate * amount
    below = [value < 0 for value in at_floors]
    below.append(beyond < 0 if beyond else below[-1])
    return [
        Root(_quotient(-constant - piece.deduction, slope - piece.rate * amount), begins)
        for piece, begins, ends in zip(pieces, below, below[1:], strict=False)
        if begins != ends
    ]


def _quotient(top: Decimal, bottom: Decimal) -> Fraction:
    above, below = top.as_integer_ratio(), bottom.as_integer_ratio()
    return Fraction(above[0] * below[1], above[1] * below[0])


def _several(surplus: Form, *, reciprocal: bool) -> list[Root]:
    """The general case, in fractions: cut at every breakpoint, then follow the sign through every stretch."""
    cuts = _breakpoints(surplus, reciprocal=reciprocal)
    edges = [ZERO_FRACTION, *cuts]
    found: list[Root] = []
    negative: bool | None = None
    for k, low in enumerate(edges):
        high = edges[k + 1] if k + 1 < len(edges) else None
        constant, slope = _affine_between(surplus, low, high, reciprocal=reciprocal)
        start = constant + slope * low
        begins = start < 0 if start else slope < 0
        if negative is not None and begins != negative:
            found.append(Root(low, negative))
        negative = begins
        if slope:
            root = -constant / slope
            if root > low and (high is None or root < high):
                found.append(Root(root, slope > 0))
                negative = slope < 0
    return [root for root in found if root.at > 0]


def _breakpoints(surplus: Form, *, reciprocal: bool) -> list[Fraction]:
    cuts: set[Fraction] = set()
    for term in surplus.terms:
        slope = Fraction(_slope(term.inner, reciprocal=reciprocal))
        if slope == 0:
            continue
        constant = Fraction(term.inner.constant)
        cuts.update((Fraction(piece.floor) - constant) / slope for piece in term.schedule.pieces)
    return sorted(cut for cut in cuts if cut > 0)


def _affine_between(
    surplus: Form, low: Fraction, high: Fraction | None, *, reciprocal: bool
) -> tuple[Fraction, Fraction]:
    """Constant and slope of the surplus on a stretch without breakpoints, found at a point inside it."""
    inside = (low + high) / 2 if high is not None else low * 2 + 1
    constant = Fraction(surplus.base.constant)
    slope = Fraction(_slope(surplus.base, reciprocal=reciprocal))
    for term in surplus.terms:
        start, step = Fraction(term.inner.constant), Fraction(_slope(term.inner, reciprocal=reciprocal))
        rate, deduction = _piece_at(term, start + step * inside)
        constant += term.sign * (rate * start - deduction)
        slope += term.sign * rate * step
    return constant, slope


def _piece_at(term: Term, amount: Fraction) -> tuple[Fraction, Fraction]:
    if amount < 0:
        return Fraction(term.below), ZERO_FRACTION
    found = term.schedule.pieces[0]
    for piece in term.schedule.pieces:
        if amount > Fraction(piece.floor):
            found = piece
    return Fraction(found.rate), Fraction(found.deduction)
