"""A pool margined on rows of whole numbers, readably: what the engine's kernels must agree with to the last grain.

Everything here is sums, minima and maxima of integers, so that the order of positions does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, Holding, Leg, Market
from solvent.margin.scenario.listing import Held, Listing, held, quotes
from solvent.margin.scenario.quantised import Quantised, quantise
from solvent.margin.scenario.quantised_form import QuantisedForm
from solvent.margin.totals import assessed
from solvent.units import exact, shifted


class Standing(NamedTuple):
    """A pool in grains: margin equity, requirement, and bounds of its surplus; ``worst`` is a column, −1 for none.

    ``low`` is ``equity − required``. What the rules give in exact numbers lies from ``low`` to ``high``.
    """

    equity: int
    required: int
    low: int
    high: int
    worst: int

    def breached(self, *, inclusive: bool) -> bool:
        """Whether a breach is proved: the surplus is below the line whatever was rounded."""
        return self.high < 0 or (inclusive and self.high == 0 and self.required > 0)

    def sound(self, *, inclusive: bool) -> bool:
        """Whether soundness is proved."""
        return self.low > 0 or (self.low == 0 and not (inclusive and self.required > 0))


class Lot(NamedTuple):
    """A position of one thing: lots of it, never negative, and its row."""

    size: int
    row: int


def standing(rows: Quantised, pool: Held) -> Standing:
    """How a pool stands on the rows of one epoch."""
    lots = [Lot(abs(count), 2 * thing + (count < 0)) for thing, count in pool.lots.items()]
    value = sum(one.size * int(rows.value[one.row]) for one in lots)
    columns = [_column(rows, lots, column) for column in range(rows.branches.shape[2])]
    least = min([value, *columns])
    charges = sum(one.size * int(rows.charge[one.row]) for one in lots)
    charges += pool.naked * rows.naked + abs(pool.perp) * rows.perp
    room = sum(one.size * int(rows.width[one.row]) for one in lots) + pool.naked + abs(pool.perp) + 1
    low = pool.fixed + least - charges
    worst = -1 if least == value else columns.index(least)
    return Standing(pool.fixed + value, value - least + charges, low, low + room, worst)


def _column(rows: Quantised, lots: Sequence[Lot], column: int) -> int:
    """What a pool's things are worth in one column: by segment the least of A, B, and the larger of C and D."""
    segments: dict[int, list[int]] = {}
    for one in lots:
        sums = segments.setdefault(int(rows.segment[one.row]), [0] * len(rows.branches))
        for kind, branch in enumerate(rows.branches):
            sums[kind] += one.size * int(branch[one.row, column])
    return sum(sums[0] if len(sums) == 1 else min(sums[0], sums[1], max(sums[2:])) for sums in segments.values())


@exact
def assess_quantised(
    form: QuantisedForm, listing: Listing, book: Book, market: Market, holding: Holding, rows: Quantised | None = None
) -> Assessment:
    """A pool's assessment on quantised rows (those of ``market`` where none are given).

    ``low`` is the surplus itself, and the surplus that the rules give in exact numbers is at most ``high``.

    Raises
    ------
    RulesError, BookError
        As :func:`~solvent.margin.scenario.listing.held` and :func:`~solvent.margin.scenario.quantised.quantise`.

    """
    known = quantise(form, listing, quotes(listing, market)) if rows is None else rows
    pool = held(listing, book, holding)
    found = standing(known, pool)
    name = "" if found.worst < 0 else form.columns[found.worst]
    scan = shifted(Decimal(_scan(known, pool)), -listing.places)
    lines = [*_lines(listing, known, pool), Line("scenario", name, Leg.NET, required=scan)]
    whole = assessed(holding.pool.id, form.purpose, listing.numeraire.name, lines)
    high = shifted(Decimal(found.high), -listing.places)
    binding = Binding("scenario", name, scan) if scan else None
    return replace(whole, high=high, binding=binding or whole.binding)


def _scan(rows: Quantised, pool: Held) -> int:
    """What the worst column takes from the value."""
    free = rows._replace(charge=rows.charge * 0, naked=0, perp=0)
    return standing(free, pool).required


def _lines(listing: Listing, rows: Quantised, pool: Held) -> list[Line]:
    def amount(grains: int) -> Decimal:
        return shifted(Decimal(grains), -listing.places)

    fixed = amount(pool.fixed)
    found = [Line("cash", listing.numeraire.name, Leg.NET, fixed, fixed)]
    names = list(listing.row)
    charges: Mapping[str, int] = {"option": pool.naked * rows.naked, "perp": abs(pool.perp) * rows.perp}
    for thing, count in pool.lots.items():
        row, kind = 2 * thing + (count < 0), "position" if thing < listing.first_coin else "collateral"
        worth = amount(abs(count) * int(rows.value[row]))
        found.append(Line(kind, names[thing], Leg.NET, worth, worth))
        if rows.charge[row]:
            taken = amount(abs(count) * int(rows.charge[row]))
            found.append(Line("collateral_contingency", names[thing], Leg.NET, required=taken))
    for name, grains in charges.items():
        if grains:
            found.append(Line(f"{name}_contingency", listing.underlying, Leg.NET, required=amount(grains)))
    return found
