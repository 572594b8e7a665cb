"""Liquidation prices by search, for pools whose surplus along a path has no closed form.

The pool is assessed, exactly, at prices that grow apart from the present one; wherever the verdict turns between two of
them, the tick in breach whose neighbour is not is found between them. Two turns closer together than a step of the scan
(1 % at the present price, half of the distance far away) can be passed over; a verdict at a reported tick is never
wrong.
A surplus that is concave in the price, as that of tiers and weights is, has no such pair beside a sound present price.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from solvent.assessment import Assessment
from solvent.book import Book, Holding, Market, Purpose
from solvent.margin.assess import assess_holding
from solvent.margin.paths import Moves, Subject, market_along, moves, subject
from solvent.margin.solution import Crossing, Solution, nearest
from solvent.rules import Path, VenueRules
from solvent.units import Rounding, divide

FIRST_STEP = Fraction(1, 100)
GROWTH = Fraction(3, 2)
LOWEST, HIGHEST = Fraction(1, 10**6), Fraction(10**3)
PLACES = 18


@dataclass(slots=True)
class _Walk:
    """One pool along one path: its assessment at any number of ticks of the subject."""

    book: Book
    market: Market
    rules: VenueRules
    holding: Holding
    one: Subject
    moving: Moves
    present: Decimal
    seen: dict[int, Assessment] = field(default_factory=dict)

    def at(self, ticks: int) -> Assessment:
        found = self.seen.get(ticks)
        if found is None:
            factor = Fraction(self.one.tick * ticks) / Fraction(self.present)
            market = market_along(self.book, self.market, self.moving, factor)
            found = assess_holding(self.book, market, self.rules, Purpose.MAINTAIN, self.holding)
            self.seen[ticks] = found
        return found

    def breached(self, ticks: int) -> bool:
        return self.at(ticks).breached(inclusive=self.rules.breach_inclusive)


def search(book: Book, market: Market, rules: VenueRules, holding: Holding, name: str, along: Path) -> Solution:
    """The solution of one instrument or asset by search (inside the exact context)."""
    pool = holding.pool
    one = subject(book, name, pool.numeraire)
    present = market.price(*one.key)
    moving = moves(book, market, rules, holding, one, along)
    walk = _Walk(book, market, rules, holding, one, moving, present)
    found = [_crossing(walk, *pair) for pair in _turns(walk)]
    now = assess_holding(book, market, rules, Purpose.MAINTAIN, holding).breached(inclusive=rules.breach_inclusive)
    best = nearest(found, present, in_breach=now)
    if best is None:
        return Solution(pool.id, name, along, present, now, tuple(found), None, None, None)
    return Solution(pool.id, name, along, present, now, tuple(found), best.price, best.ticks, best.displayed)


def _turns(walk: _Walk) -> Iterator[tuple[int, int]]:
    """Neighbouring (tick in breach, sound tick) wherever the verdict turns, in rising order of price."""
    grid = _grid(max(1, walk.one.ticks(walk.present)))
    for low, high in pairwise(grid):
        if walk.breached(low) == walk.breached(high):
            continue
        yield _turn(walk, *((low, high) if walk.breached(low) else (high, low)))


def _turn(walk: _Walk, breached: int, sound: int) -> tuple[int, int]:
    """Neighbours between a tick in breach and a sound one: guessed on the line through both surpluses, else halved."""
    halve = False
    while abs(sound - breached) > 1:
        tried = (sound + breached) // 2 if halve else _on_the_line(walk, breached, sound)
        halve = not halve
        for tick in (tried, tried + 1, tried - 1):
            if min(breached, sound) < tick < max(breached, sound):
                if walk.breached(tick):
                    breached = tick
                else:
                    sound = tick
    return breached, sound


def _on_the_line(walk: _Walk, breached: int, sound: int) -> int:
    """Where the line through two surpluses is zero, as a tick strictly between them."""
    under, over = Fraction(-walk.at(breached).low), Fraction(walk.at(sound).low)
    low, high = sorted((breached, sound))
    share = under / (under + over) if under + over > 0 else Fraction(1, 2)
    return min(max(breached + int((sound - breached) * share), low + 1), high - 1)


def _grid(present: int) -> list[int]:
    """Ticks around the present one, in steps that grow, from a millionth to a thousand times it."""
    found = {present, 1}
    distance = FIRST_STEP
    while distance < HIGHEST:
        found.add(max(1, int(present * (1 + distance))))
        down = 1 / (1 + distance)
        if down > LOWEST:
            found.add(max(1, int(present * down)))
        distance *= GROWTH
    return sorted(found)


def _crossing(walk: _Walk, breached: int, sound: int) -> Crossing:
    """The boundary between two neighbouring ticks, by the line through their surpluses."""
    below = breached < sound
    over, under = walk.at(sound).low, -walk.at(breached).low
    share = divide(under, over + under, PLACES, Rounding.DOWN) if over + under > 0 else Decimal(0)
    tick = walk.one.tick
    price = tick * breached + tick * (sound - breached) * share
    shown = int(divide(price, tick, 0, Rounding.HALF_UP))
    return Crossing(price, tick * shown, breached, below)
