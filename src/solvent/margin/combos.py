"""Option strategies by name: which legs they have, found among a book's instruments.

A positive number opens a strategy as it is described here; a negative one sells it. Strikes rise from left to right.
Names and legs are the field's usual ones (L. McMillan, "Options as a Strategic Investment", 5th edition, 2012).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from solvent.book import SECOND_NS, Book, BookError
from solvent.instruments import Instrument, Option, OptionKind, Perpetual, Spot

CALL, PUT = OptionKind.CALL, OptionKind.PUT


class Part(NamedTuple):
    """A leg of a strategy: how many, its kind (None: the kind asked for), which strike, which expiry."""

    ratio: int
    kind: OptionKind | None
    strike: int
    expiry: int = 0


class Shape(NamedTuple):
    """A strategy: its legs, whether it holds the underlying, and what it is in words."""

    parts: tuple[Part, ...]
    underlying: int = 0
    words: str = ""


SHAPES: Mapping[str, Shape] = {
    "vertical": Shape((Part(1, None, 0), Part(-1, None, 1)), words="the lower strike bought, the higher sold"),
    "call-spread": Shape((Part(1, CALL, 0), Part(-1, CALL, 1)), words="the lower call bought, the higher sold"),
    "put-spread": Shape((Part(-1, PUT, 0), Part(1, PUT, 1)), words="the higher put bought, the lower sold"),
    "straddle": Shape((Part(1, CALL, 0), Part(1, PUT, 0)), words="call and put of one strike bought"),
    "strangle": Shape((Part(1, PUT, 0), Part(1, CALL, 1)), words="the lower put and the higher call bought"),
    "butterfly": Shape(
        (Part(1, None, 0), Part(-2, None, 1), Part(1, None, 2)), words="wings bought, middle sold twice"
    ),
    "condor": Shape(
        (Part(1, None, 0), Part(-1, None, 1), Part(-1, None, 2), Part(1, None, 3)), words="wings bought, middle sold"
    ),
    "iron-condor": Shape(
        (Part(1, PUT, 0), Part(-1, PUT, 1), Part(-1, CALL, 2), Part(1, CALL, 3)), words="wings bought, middle sold"
    ),
    "iron-butterfly": Shape(
        (Part(1, PUT, 0), Part(-1, PUT, 1), Part(-1, CALL, 1), Part(1, CALL, 2)), words="wings bought, middle sold"
    ),
    "calendar": Shape((Part(-1, None, 0, 0), Part(1, None, 0, 1)), words="the near sold, the far bought"),
    "diagonal": Shape((Part(-1, None, 0, 0), Part(1, None, 1, 1)), words="the near sold, the far bought"),
    "risk-reversal": Shape((Part(-1, PUT, 0), Part(1, CALL, 1)), words="the put sold, the call bought"),
    "box": Shape(
        (Part(1, CALL, 0), Part(-1, CALL, 1), Part(-1, PUT, 0), Part(1, PUT, 1)), words="a call spread and a put spread"
    ),
    "ratio": Shape((Part(1, None, 0), Part(-2, None, 1)), words="the lower strike bought, more of the higher sold"),
    "covered-call": Shape((Part(-1, CALL, 0),), 1, "the underlying bought, the call sold"),
    "protective-put": Shape((Part(1, PUT, 0),), 1, "the underlying and the put bought"),
    "collar": Shape((Part(1, PUT, 0), Part(-1, CALL, 1)), 1, "the underlying and the put bought, the call sold"),
    "conversion": Shape((Part(1, PUT, 0), Part(-1, CALL, 0)), 1, "the underlying and the put bought, the call sold"),
}


class ComboLeg(NamedTuple):
    """An instrument of a strategy, and how many of it (in the option's contracts, or of the underlying's) for one."""

    listed: Option | Perpetual | Spot
    ratio: Decimal


def combo_legs(
    book: Book,
    name: str,
    underlying: str,
    days: Sequence[str],
    strikes: Sequence[Decimal],
    kind: OptionKind = CALL,
    ratio: tuple[int, int] | None = None,
) -> list[ComboLeg]:
    """The legs of one strategy of a name.

    Parameters
    ----------
    days
        Days of expiry (UTC) as ``20260327``, the near one first.
    strikes
        Rising, as many as the strategy has.
    kind
        Of a strategy that may be either.
    ratio
        Of a ``ratio`` alone: bought and sold; 1 and 2 where nobody says.

    Raises
    ------
    BookError
        No strategy of that name, another number of strikes or days, or a leg that the book does not list.

    """
    shape = SHAPES.get(name)
    if shape is None:
        raise BookError(f"combo: got {name!r}, expected one of {', '.join(SHAPES)}")
    _counted("strikes", [f"{one:f}" for one in strikes], 1 + max(part.strike for part in shape.parts))
    _counted("days of expiry", days, 1 + max(part.expiry for part in shape.parts))
    if list(strikes) != sorted(set(strikes)) and name != "diagonal":
        raise BookError(f"combo: strikes {'/'.join(f'{one:f}' for one in strikes)}, expected rising ones")
    if ratio is not None and name != "ratio":
        raise BookError(f"combo: a {name} has no ratio of its own")
    legs = []
    for place, part in enumerate(shape.parts):
        count = part.ratio if ratio is None else (ratio[0], -ratio[1])[place]
        found = option_of(book, underlying, days[part.expiry], strikes[part.strike], part.kind or kind)
        legs.append(ComboLeg(found, Decimal(count)))
    if shape.underlying:
        legs.insert(0, _underlying(book, underlying, legs[0]))
    return legs


def _counted(what: str, given: Sequence[str], expected: int) -> None:
    if len(given) != expected:
        raise BookError(f"combo: got {len(given)} {what} ({'/'.join(given)}), expected {expected}")


def option_of(book: Book, underlying: str, day: str, strike: Decimal, kind: OptionKind) -> Option:
    """The option of an underlying, day of expiry, strike and kind; :class:`BookError` lists what there is instead."""
    options = [one for one in book.instruments.values() if isinstance(one, Option) and one.underlying == underlying]
    if not options:
        names = sorted({one.underlying for one in book.instruments.values() if isinstance(one, Option)})
        raise BookError(
            f"combo: {underlying!r} has no options, expected one of {', '.join(names) or 'none: none is listed'}"
        )
    of_day = [one for one in options if day_of(one) == day]
    if not of_day:
        known_days = ", ".join(sorted({day_of(one) for one in options}))
        raise BookError(f"combo: no {underlying} option expires on {day}, expected {known_days}")
    for one in of_day:
        if one.strike == strike and one.kind is kind:
            return one
    known = sorted({one.strike for one in of_day if one.kind is kind})
    listed = ", ".join(f"{one:f}" for one in known)
    raise BookError(f"combo: no {kind.value} of {underlying} {day} at {strike:f}, expected a strike of {listed}")


def day_of(listed: Option) -> str:
    """The day (UTC) an option expires on, as ``20260327``."""
    return datetime.fromtimestamp(listed.expiry_ns // SECOND_NS, UTC).strftime("%Y%m%d")


def _underlying(book: Book, underlying: str, option: ComboLeg) -> ComboLeg:
    """The underlying itself: a spot pair of it, else a perpetual; as much of it as one contract stands for."""
    contract = option.listed
    assert isinstance(contract, Option)
    found: Instrument | None = next(
        (one for one in book.instruments.values() if isinstance(one, Spot) and one.base.name == underlying), None
    )
    if isinstance(found, Spot):
        return ComboLeg(found, contract.contract_size)
    for one in book.instruments.values():
        if type(one) is Perpetual and one.underlying == underlying and one.contract_size == contract.contract_size:
            return ComboLeg(one, Decimal(1))
    raise BookError(f"combo: neither a spot pair nor a perpetual of {underlying} is listed to hold the underlying by")
