"""The answer of ``solvent stress``: options read from text, one pool stressed, a plain object out (docs/cli.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from solvent.book import Book
from solvent.book_json import decode_book
from solvent.book_json.numbers import time_text
from solvent.cli.failures import InputError
from solvent.cli.figures import text
from solvent.cli.margin import chosen
from solvent.cli.what_if import chosen_pool
from solvent.liquidation.depth import Depth, DepthError, Level
from solvent.margin.option_lines import cut
from solvent.research.stress import Arrival, Boundary, Cell, Gap, Greeks, Settings, Stress, stress
from solvent.research.stress.crisis import Crisis, crisis
from solvent.units import ONE, Rounding, UnitsError, divide, exact, parse, shifted

Form = dict[str, Any]
GRID = 'PRICES [x VOLATILITIES] in per cent, such as "-30:30:10 x -20,0,20"'
DEPTH = '{"INSTRUMENT": {"bids": [["PRICE", "SIZE"], …], "asks": […]}}, best prices first'
ARRIVALS = {one.value: one for one in Arrival}
MOST_CELLS = 2_000


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command as they were given; None or nothing takes the library's own."""

    venue: str | None = None
    pool: str | None = None
    grid: str | None = None
    underlying: str | None = None
    volatility: str | None = None
    vol_of_vol: str | None = None
    days: str | None = None
    minutes: int | None = None
    gaps: str | None = None
    shares: str | None = None
    arrival: str | None = None
    depth: Path | None = None
    crisis: str | None = None


@exact
def answer(data: bytes, asked: Asked) -> tuple[Form, Stress, Crisis | None]:
    """The stress of one pool of a book file: as a plain object, and as values to draw.

    Raises
    ------
    InputError
        An option that cannot be read; and what :func:`solvent.cli.margin.answer` raises.

    """
    book, market, rules, told = chosen(decode_book(data), asked.venue)
    pool = chosen_pool(book, asked.pool)
    found = stress(book, market, rules, pool, settings_of(book, asked))
    replayed = None if asked.crisis is None else crisis(book, market, rules, pool, asked.crisis)
    form = form_of(found)
    if told:
        form["told"] = told
    if replayed is not None:
        form["crisis"] = _crisis(replayed)
    return form, found, replayed


def settings_of(book: Book, asked: Asked) -> Settings:
    """The settings of the command's options (inside the exact context)."""
    given: dict[str, Any] = {"underlying": asked.underlying}
    if asked.grid is not None:
        given |= read_grid(asked.grid)
    for name in ("volatility", "vol_of_vol", "days"):
        value = getattr(asked, name)
        if value is not None:
            given[name] = _number(f"--{name.replace('_', '-')}", value)
    if asked.minutes is not None:
        given["minutes"] = asked.minutes
    if asked.gaps is not None:
        given["gaps"] = _shares("--gaps", asked.gaps)
    if asked.shares is not None:
        given["shares"] = tuple(_number("--shares", one) for one in asked.shares.split(","))
    if asked.arrival is not None:
        if asked.arrival not in ARRIVALS:
            raise InputError(f"--arrival: got {asked.arrival!r}, expected one of {', '.join(ARRIVALS)}")
        given["arrival"] = ARRIVALS[asked.arrival]
    if asked.depth is not None:
        given["depth"] = read_depth(book, asked.depth)
    return Settings(**given)


def read_grid(given: str) -> dict[str, tuple[Decimal, ...]]:
    """Shares of a grid from its text (inside the exact context).

    >>> {name: [str(one) for one in shares] for name, shares in exact(read_grid)("-20:20:20 x 0,25").items()}
    {'prices': ['-0.20', '0.00', '0.20'], 'volatilities': ['0.00', '0.25']}
    """
    parts = given.split("x")
    if len(parts) > 2:
        raise InputError(f"--grid: got {given!r}, expected {GRID}")
    found = {name: _shares("--grid", part) for name, part in zip(("prices", "volatilities"), parts, strict=False)}
    cells = len(found["prices"]) * len(found.get("volatilities", (0,)))
    if cells > MOST_CELLS:
        raise InputError(f"--grid: got {given!r}, which has {cells} cells; expected {MOST_CELLS} at most")
    return found


def _shares(option: str, given: str) -> tuple[Decimal, ...]:
    """Shares from per cents: a list with commas, or FROM:TO:STEP."""
    words = [_number(option, one) for one in (given.split(":") if ":" in given else given.split(","))]
    if ":" in given:
        if len(words) != 3 or words[2] <= 0 or words[1] < words[0]:
            raise InputError(f"{option}: got {given.strip()!r}, expected FROM:TO:STEP with a step above 0")
        count = int((words[1] - words[0]) // words[2]) + 1
        if count > MOST_CELLS:
            raise InputError(f"{option}: got {given.strip()!r}, which has {count} steps; expected {MOST_CELLS} at most")
        words = [words[0] + words[2] * k for k in range(count)]
    return tuple(shifted(one, -2) for one in words)


def _number(option: str, given: str) -> Decimal:
    try:
        return parse(given.strip(), "number")
    except UnitsError:
        raise InputError(f"{option}: got {given.strip()!r}, expected a number written out") from None


def read_depth(book: Book, path: Path) -> dict[str, Depth]:
    """Books of orders from a file; :class:`InputError` names the instrument, the value and what was expected."""
    try:
        given = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, list[tuple[str, str]]]])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise InputError(f"{path}: {error}; expected {DEPTH}") from None
    found = {}
    for symbol, sides in given.items():
        listed = book.instruments.get(symbol)
        if listed is None or set(sides) - {"bids", "asks"}:
            raise InputError(f"{path}: {symbol}: expected an instrument of the book with bids and asks, {DEPTH}")
        try:
            levels = {
                side: tuple(Level(listed.ticks(parse(p, "price")), listed.lots(parse(n, "size"))) for p, n in rows)
                for side, rows in sides.items()
            }
            found[symbol] = Depth(levels.get("bids", ()), levels.get("asks", ()))
        except (UnitsError, DepthError) as error:
            raise InputError(f"{path}: {symbol}: {error}") from None
    return found


def form_of(found: Stress) -> Form:
    """A stress as a plain object: exact decimals as text, floats as text of twelve digits."""
    return {
        "solvent": 1,
        "venue": found.venue,
        "pool": found.pool,
        "numeraire": found.numeraire,
        "moves": list(found.coins),
        "price": _maybe(found.price),
        "volatility": _maybe(found.volatility),
        "now": _cell(found.now),
        "worst": _cell(found.worst),
        "matrix": [[_cell(one) for one in row] for row in found.matrix],
        "ladder": [_cell(one) for one in found.ladder],
        "expiries": [
            {
                "underlying": one.underlying,
                "expiry": time_text(one.bucket) if one.bucket else None,
                **{name: text(cut(getattr(one, name))) for name in ("value", "delta", "gamma", "vega", "theta")},
            }
            for one in found.buckets
        ],
        "payoff": {
            "arrival": found.settings.arrival.value,
            "prices": [text(cut(one - 1)) for one in found.payoffs.factors],
            "lines": [
                {"time": time_text(line.time_ns), "gains": [text(cut(one)) for one in line.gains]}
                for line in found.payoffs.lines
            ],
        },
        "closing": [
            {
                "share": text(one.share),
                "cost": text(one.cost),
                "value": text(one.value),
                "complete": one.complete,
                "positions": [{**leg._asdict(), **_texts(leg._asdict())} for leg in one.positions],
            }
            for one in found.closing
        ],
        "without_depth": list(found.without_depth),
        "silence": {"minutes": found.settings.minutes, "gaps": [_gap(found, one) for one in found.silence]},
        "reverse": {
            "days": text(found.settings.days),
            "vol_of_vol": text(found.settings.vol_of_vol),
            "in_breach": found.reverse.in_breach,
            **{name: _boundary(found, getattr(found.reverse, name)) for name in ("down", "up", "joint", "nearest")},
        },
    }


def _texts(values: Mapping[str, Any]) -> Form:
    return {name: text(value) for name, value in values.items() if isinstance(value, Decimal)}


def _maybe(number: Decimal | None) -> str | None:
    return None if number is None else text(number)


def share(factor: Fraction) -> Decimal:
    """A factor as the share it moves by, to twelve places (inside the exact context)."""
    moved = factor - 1
    return divide(Decimal(moved.numerator), Decimal(moved.denominator), 12, Rounding.HALF_UP)


def _cell(one: Cell) -> Form:
    values = {name: getattr(one, name) for name in ("profit", "value", "margin_equity", "required", "surplus")}
    return {
        "price": text(share(one.price)),
        "volatility": text(one.volatility),
        **_texts(values),
        "breached": one.breached,
        "greeks": _greeks(one.greeks),
    }


def _greeks(one: Greeks) -> Form:
    return {name: None if value is None else text(cut(value)) for name, value in one._asdict().items()}


def _at(found: Stress, factor: Fraction) -> str | None:
    return None if found.price is None else text(found.price * (ONE + share(factor)))


def _gap(found: Stress, one: Gap) -> Form:
    return {
        "gap": text(one.gap),
        "sigmas": None if one.sigmas is None else text(cut(one.sigmas)),
        **_texts(one._asdict()),
        "breached": one.breached,
        "line": None if one.line is None else text(share(one.line)),
        "line_price": None if one.line is None else _at(found, one.line),
        "silence_cost": _maybe(one.silence_cost),
    }


def _boundary(found: Stress, one: Boundary | None) -> Form | None:
    if one is None:
        return None
    return {
        "price": text(share(one.price)),
        "at": _at(found, one.price),
        "volatility": text(one.volatility),
        "sigmas": None if one.sigmas is None else text(cut(one.sigmas)),
    }


def _crisis(one: Crisis) -> Form:
    return {
        "id": one.name,
        "hours": one.hours,
        "coins": dict(one.coins),
        "unmoved": list(one.unmoved),
        "worst": {"time": time_text(one.worst.time_ns), **_texts(one.worst._asdict())},
        "breach": None
        if one.breach is None
        else {"time": time_text(one.breach.time_ns), **_texts(one.breach._asdict())},
        "end": {"time": time_text(one.end.time_ns), **_texts(one.end._asdict())},
    }
