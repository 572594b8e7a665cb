"""Piecewise schedules: tiers, steps, slopes and haircuts; exact, and exactly invertible.

A :class:`Schedule` maps an amount n ≥ 0 to ``rate·n − deduction`` on each of its pieces; the piece of n is the last one
whose floor is below n, so that an upper bound belongs to its bracket. :meth:`Schedule.marginal` is a tax bracket with
deduction amounts, :meth:`Schedule.step` charges the whole amount at its bracket's rate, :meth:`Schedule.weights` values
collateral. :class:`Slope` is a rate that grows with the amount.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING

from solvent.units import ONE, ZERO, Rounding, divide, exact

if TYPE_CHECKING:
    from collections.abc import Sequence


class RatesError(ValueError):
    """A schedule that cannot be."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One affine stretch: ``rate·n − deduction`` for amounts above ``floor`` and up to the next piece's floor."""

    floor: Decimal
    rate: Decimal
    deduction: Decimal

    def at(self, amount: Decimal) -> Decimal:
        """``rate·amount − deduction``."""
        return self.rate * amount - self.deduction


@dataclass(frozen=True, slots=True)
class Schedule:
    """Pieces in rising order of floor, the first at zero.

    ``continuous`` says that no piece jumps, ``at_floors`` are the pieces' own values at their floors.

    Examples
    --------
    >>> tiers = Schedule.marginal([("0", "0.004"), ("50000", "0.005"), ("600000", "0.0065")])
    >>> tiers.at(Decimal(600_000)), tiers.piece(Decimal(600_001)).deduction
    (Decimal('2950.0'), Decimal('950.0000'))

    """

    pieces: tuple[Piece, ...]
    continuous: bool = field(init=False, repr=False, compare=False)
    at_floors: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)
    _floors: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)

    @exact
    def __post_init__(self) -> None:
        """Refuse pieces that do not start at zero or do not rise."""
        floors = tuple(piece.floor for piece in self.pieces)
        if not floors or floors[0] != 0:
            msg = f"a schedule's first floor must be 0, not {floors[0] if floors else 'absent'}"
            raise RatesError(msg)
        for low, high in pairwise(floors):
            if not low < high:
                msg = f"floors of a schedule must rise: {high} follows {low}"
                raise RatesError(msg)
        object.__setattr__(self, "_floors", floors)
        object.__setattr__(self, "at_floors", tuple(piece.at(piece.floor) for piece in self.pieces))
        joined = pairwise(self.pieces)
        object.__setattr__(self, "continuous", all(a.at(b.floor) == b.at(b.floor) for a, b in joined))

    @staticmethod
    @exact
    def marginal(brackets: Sequence[tuple[Decimal | str, Decimal | str]]) -> Schedule:
        """Each bracket's rate applies to the part of the amount inside it; brackets are (floor, rate) in order."""
        pieces: list[Piece] = []
        for floor_text, rate_text in brackets:
            floor, rate = Decimal(floor_text), Decimal(rate_text)
            last = pieces[-1] if pieces else Piece(ZERO, rate, ZERO)
            pieces.append(Piece(floor, rate, floor * (rate - last.rate) + last.deduction))
        return Schedule(tuple(pieces))

    @staticmethod
    def step(brackets: Sequence[tuple[Decimal | str, Decimal | str]]) -> Schedule:
        """The bracket's rate applies to the whole amount."""
        return Schedule(tuple(Piece(Decimal(floor), Decimal(rate), ZERO) for floor, rate in brackets))

    @staticmethod
    def flat(rate: Decimal | str) -> Schedule:
        """One rate for every amount."""
        return Schedule((Piece(ZERO, Decimal(rate), ZERO),))

    @staticmethod
    @exact
    def fixed(amount: Decimal) -> Schedule:
        """The same amount for every argument.

        >>> Schedule.fixed(Decimal(60)).at(Decimal(999))
        Decimal('60')
        """
        return Schedule((Piece(ZERO, ZERO, ZERO - amount),))

    @staticmethod
    def weights(brackets: Sequence[tuple[Decimal | str, Decimal | str]], cap: Decimal | str | None = None) -> Schedule:
        """Collateral value counted: each bracket's weight on the part of the value inside it, nothing above ``cap``.

        Examples
        --------
        >>> half_after_ten = Schedule.weights([("0", "0.9"), ("10", "0.5")], cap="20")
        >>> [str(half_after_ten.at(Decimal(v))) for v in (10, 20, 30)]
        ['9.0', '14.0', '14.0']

        """
        steps = [*brackets] if cap is None else [*brackets, (cap, "0")]
        rates = [Decimal(rate) for _, rate in steps]
        if any(not 0 <= rate <= ONE for rate in rates):
            msg = f"collateral weights must be between 0 and 1, not {[str(rate) for rate in rates]}"
            raise RatesError(msg)
        if any(low > high for high, low in pairwise(rates)):
            msg = f"collateral weights must not rise with the value: {[str(rate) for rate in rates]}"
            raise RatesError(msg)
        return Schedule.marginal(steps)

    def piece(self, amount: Decimal) -> Piece:
        """The piece that holds ``amount`` (its upper bound inclusive); the first piece for zero."""
        return self.pieces[max(bisect_left(self._floors, amount) - 1, 0)]

    def at(self, amount: Decimal) -> Decimal:
        """The schedule's value at ``amount`` ≥ 0, exact."""
        return self.piece(amount).at(amount)

    @exact
    def scaled(self, factor: Decimal) -> Schedule:
        """The schedule times ``factor`` ≥ 0: a multiplier by margin mode."""
        return Schedule(tuple(Piece(p.floor, p.rate * factor, p.deduction * factor) for p in self.pieces))

    @exact
    def rising(self) -> bool:
        """Whether no larger amount ever has a smaller value (jumps upwards allowed)."""
        return all(piece.rate >= 0 for piece in self.pieces) and all(
            left.at(right.floor) <= right.at(right.floor) for left, right in pairwise(self.pieces)
        )

    def inverse(self, value: Decimal) -> Fraction | None:
        """The largest amount whose schedule value is at most ``value``; None where every amount's is.

        Examples
        --------
        >>> Schedule.marginal([("0", "0.1"), ("100", "0.2")]).inverse(Decimal(30))
        Fraction(200, 1)

        """
        if not self.rising():
            msg = "only a schedule that never falls can be inverted"
            raise RatesError(msg)
        best = Fraction(0)
        for k, piece in enumerate(self.pieces):
            ceiling = Fraction(self.pieces[k + 1].floor) if k + 1 < len(self.pieces) else None
            room = Fraction(value) + Fraction(piece.deduction)
            if piece.rate == 0:
                reach = ceiling if room >= 0 else Fraction(piece.floor)
            else:
                root = room / Fraction(piece.rate)
                reach = root if ceiling is None else min(root, ceiling)
            if reach is None:
                return None
            if reach <= piece.floor and k > 0:
                break
            best = max(best, reach)
        return best


@exact
def kinked(used: Decimal, kink: Decimal, base: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """A rate that rises with utilisation, and faster above a kink: ``base + low·min(u, kink) + high·max(0, u − kink)``.

    >>> [str(kinked(Decimal(u), *map(Decimal, ("0.8", "0.05", "0", "4.75")))) for u in ("0.8", "0.9")]
    ['0.05', '0.525']
    """
    return base + low * min(used, kink) + high * max(ZERO, used - kink)


@exact
def utilisation(borrowed: Decimal, supplied: Decimal, places: int, *, of_nothing: Decimal = ZERO) -> Decimal:
    """What is borrowed of what is supplied, from 0 to 1, rounded up; ``of_nothing`` where nothing is supplied.

    >>> utilisation(Decimal(1), Decimal(3), 4), utilisation(Decimal(5), Decimal(4), 4), utilisation(ONE, ZERO, 4)
    (Decimal('0.3334'), Decimal('1'), Decimal('0'))
    """
    if supplied <= 0:
        return of_nothing
    return min(ONE, max(ZERO, divide(borrowed, supplied, places, Rounding.UP)))


@dataclass(frozen=True, slots=True)
class Slope:
    """A rate that grows with the amount: ``(base + slope·n)·n``.

    Examples
    --------
    >>> Slope(Decimal("0.005"), Decimal("0.00005")).at(Decimal(100))
    Decimal('1.00000')

    """

    base: Decimal
    slope: Decimal

    @exact
    def at(self, amount: Decimal) -> Decimal:
        """The exact value at ``amount`` ≥ 0."""
        return (self.base + self.slope * amount) * amount

    @exact
    def inverse(self, value: Decimal, unit: Decimal) -> Decimal:
        """The largest multiple of ``unit`` whose value is at most ``value`` ≥ 0; exact, by an integer root.

        Examples
        --------
        >>> Slope(Decimal("0.005"), Decimal("0.00005")).inverse(Decimal(1), Decimal("0.1"))
        Decimal('100.0')

        """
        base, slope, step, most = (Fraction(x) for x in (self.base, self.slope, unit, value))
        if most < 0 or slope <= 0 or base < 0 or step <= 0:
            msg = f"cannot invert {self} at {value} in steps of {unit}: value and base must be ≥ 0, slope and step > 0"
            raise RatesError(msg)
        under = base * base + 4 * slope * most
        root = Fraction(isqrt(under.numerator * under.denominator), under.denominator)
        count = int((root - base) / (2 * slope) / step)
        while slope * (count + 1) ** 2 * step**2 + base * (count + 1) * step <= most:
            count += 1
        return unit * count
