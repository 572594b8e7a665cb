"""A combo from its text: a strategy's name, its underlying and days, strikes, how many times, and at what net price."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from math import gcd

from solvent.book import Book, BookError, Leg, LegMode, Market, PriceKind
from solvent.cli.failures import InputError
from solvent.instruments import Option, OptionKind
from solvent.margin import Combo, Trade
from solvent.margin.combos import ComboLeg, combo_legs
from solvent.units import UnitsError, parse

EXAMPLE = '"butterfly BTC-20260327 90000/100000/110000 call x2"'
FORM = f"NAME COIN-YYYYMMDD STRIKE[/STRIKE…] [call|put] [1:2] xN [@ NET], such as {EXAMPLE}"
KINDS = {kind.value: kind for kind in OptionKind}
RATIO = re.compile(r"^([1-9][0-9]?):([1-9][0-9]?)$")


def read_combo(book: Book, market: Market, pool: str, given: str) -> Combo:
    """A combo from its text (inside the exact context): legs at their marks, or at a net price for one strategy.

    A net price is what one strategy costs in all (negative: what it brings); the first option leg's price takes up the
    difference to the marks.
    """
    order, at, net = given.partition("@")
    words = order.split()
    try:
        name, head, strikes = words[0], words[1], [parse(one, "strike") for one in words[2].split("/")]
        kind, ratio, times = _rest(words[3:])
    except (IndexError, ValueError) as error:
        what = f"{error}; " if isinstance(error, UnitsError) else ""
        raise InputError(f"--combo: got {given!r}, {what}expected {FORM}") from None
    coin, _, days = head.rpartition("-")
    if book.holding(pool).pool.legs is LegMode.HEDGE:
        raise InputError(f"--combo {given!r}: pool {pool} is in hedge mode; give its legs as --trade")
    try:
        legs = combo_legs(book, name, coin, days.split("/"), strikes, kind, ratio)
        trades = [_trade(market, pool, leg, times) for leg in legs]
        if at and net.strip() not in ("", "mark"):
            trades = _at_net(legs, trades, parse(net.strip(), "net price"))
    except (BookError, UnitsError) as error:
        raise InputError(f"--combo {given!r}: {error}") from None
    return Combo(pool, tuple(trades))


def _rest(words: list[str]) -> tuple[OptionKind, tuple[int, int] | None, Decimal]:
    """Kind, ratio and how many times, in any order; ValueError for anything else."""
    kind, ratio, times = OptionKind.CALL, None, None
    for word in words:
        found = RATIO.match(word)
        if word.lower() in KINDS:
            kind = KINDS[word.lower()]
        elif found:
            ratio = (int(found[1]), int(found[2]))
        elif word[:1] == "x" and times is None:
            times = parse(word[1:], "number after x")
        else:
            raise ValueError(word)
    if not times:
        raise ValueError("x")
    return kind, ratio, times


def _trade(market: Market, pool: str, leg: ComboLeg, times: Decimal) -> Trade:
    listed = leg.listed
    mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
    return Trade(pool, listed.symbol, listed.lots(leg.ratio * times), listed.ticks(mark, "mark"), Leg.NET)


def _at_net(legs: list[ComboLeg], trades: list[Trade], net: Decimal) -> list[Trade]:
    """The trades with the first option's price moved so that one strategy's options cost ``net`` in all."""
    options = [k for k, leg in enumerate(legs) if isinstance(leg.listed, Option)]
    first = options[0]
    marked = sum((legs[k].ratio * legs[k].listed.price(trades[k].ticks) for k in options), Decimal(0))
    listed, ratio = legs[first].listed, legs[first].ratio
    wanted = listed.price(trades[first].ticks) * ratio + net - marked
    if wanted % (ratio * listed.tick_size):
        raise BookError(
            f"net price {net:f}: expected one on the tick of {listed.symbol}, which is {listed.tick_size:f}"
        )
    steps = int(wanted / (ratio * listed.tick_size))
    if steps <= 0:
        raise BookError(
            f"net price {net:f}: {listed.symbol} would have to cost {listed.price(steps):f}, expected more than 0"
        )
    return [replace(one, ticks=steps) if k == first else one for k, one in enumerate(trades)]


def unit_of(combo: Combo) -> tuple[Combo, int]:
    """The smallest combo of the same proportions, and how many of it there are.

    >>> one, times = unit_of(Combo("p", (Trade("p", "A", 20, 5), Trade("p", "B", -40, 5))))
    >>> [leg.lots for leg in one.legs], times
    ([1, -2], 20)
    """
    times = gcd(*(leg.lots for leg in combo.legs))
    return Combo(combo.pool, tuple(replace(leg, lots=leg.lots // times) for leg in combo.legs)), times


def times_of(given: str) -> Decimal:
    """The number after the x of a combo that was read."""
    return next(parse(word[1:], "number") for word in given.partition("@")[0].split()[3:] if word.startswith("x"))
