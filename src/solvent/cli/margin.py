"""The whole margin answer of a book file, in process: JSON in, JSON out.

The form is documented in docs/cli.md; every figure is the exact decimal as text, in the pool's numeraire unless its
name says otherwise. A position is answered with the liquidation price of its instrument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from solvent import venues
from solvent.book import Book, Holding, Leg, Market, Method, Purpose
from solvent.book_json import BookFile, BookFileError, decode_book
from solvent.cli.failures import InputError
from solvent.cli.figures import text
from solvent.instruments import DOLLARS
from solvent.margin import (
    Contribution,
    Explanation,
    Line,
    Solution,
    UnsolvableError,
    account,
    explain,
    liquidation_price,
)
from solvent.margin import liquidation_prices as all_liquidation_prices
from solvent.margin.liquidation_price import subjects
from solvent.rules import Path, VenueRules
from solvent.units import exact

Form = dict[str, Any]
Prices = Mapping[str, Solution | str]
_encode = msgspec.json.Encoder().encode
LEGS = {leg: leg.name.lower() for leg in Leg}
PATHS = {path: path.value for path in Path}
PURPOSES = {purpose.name.lower(): purpose for purpose in Purpose}


def answer(data: bytes, venue: str | None = None, purpose: str = "maintain", *, indent: int = 0) -> bytes:
    """The margin answer of every pool of a book file, as JSON.

    Parameters
    ----------
    data
        A book file (docs/book-format.md).
    venue
        The rule set to judge by; None takes the one the file names.
    purpose
        ``withdraw``, ``admit``, ``fill``, ``recover`` or ``maintain``; liquidation prices are always at maintain.
    indent
        Spaces to indent by; 0 writes one line.

    Raises
    ------
    BookFileError
        The file, with path, value and what was expected.
    RulesError, BookError
        The rule set does not cover something the book holds, or a price it needs is missing.

    Examples
    --------
    >>> from solvent.book_json import encode_book
    >>> from solvent.samples import two_positions
    >>> found = msgspec.json.decode(answer(encode_book(*two_positions()), "binance_usdm_2021"))
    >>> [(one["instrument"], one["liquidation"]["displayed"]) for one in found["pools"][0]["positions"]]
    [('ETHUSDT', '1153.26'), ('BTCUSDT', '26316.89')]

    """
    written = _encode(answer_forms(data, venue, purpose))
    return msgspec.json.format(written, indent=indent) if indent else written


def answer_forms(data: bytes, venue: str | None = None, purpose: str = "maintain") -> Form:
    """The same as a plain object."""
    if purpose not in PURPOSES:
        raise InputError(f"--purpose: got {purpose!r}, expected one of {', '.join(PURPOSES)}")
    file = decode_book(data)
    book, market, rules, told = chosen(file, venue)
    return {
        "solvent": 1,
        "venue": rules.name,
        "title": rules.title,
        "effective_from": rules.effective_from.isoformat(),
        "purpose": purpose,
        **({"told": told} if told else {}),
        "pools": [pool_form(book, market, rules, held, PURPOSES[purpose]) for held in book.holdings],
    }


def chosen(file: BookFile, venue: str | None) -> tuple[Book, Market, VenueRules, str]:
    """Book, market and the rule set asked for, else the file's; and how the book was told in that venue's words.

    Another venue's dollar is taken at par and pools take the venue's method, as :mod:`solvent.comparison` does; what
    it does not cover is refused by name.
    """
    if venue is not None and venue != file.venue:
        rules, dollar = venues.venue(venue), venues.numeraire(venue)
        pools = [held.pool for held in file.book.holdings]
        others = sorted({one.numeraire for one in pools} - {dollar})
        methods = {one.method for one in pools} - {rules.method, *rules.models}
        if (others and {*others, dollar} <= DOLLARS) or (methods and not others):
            from solvent.comparison import as_at

            book, market = as_at(file.book, file.market, venue)
            par = f"{', '.join(others)} counted as {dollar} at par, " if others else ""
            return book, market, rules, f"{par}pools margined by {rules.method.value}"
    return file.book, file.market, chosen_rules(file, venue), ""


def chosen_rules(file: BookFile, venue: str | None) -> VenueRules:
    """The rule set asked for, else the file's; refuses pools that are judged in another asset than the rule set's."""
    name = venue or file.venue
    if name is None:
        raise BookFileError("venue", None, f"a rule set here or with --venue: {', '.join(venues.names())}")
    rules = venues.venue(name)
    numeraire = venues.numeraire(name)
    for place, held in enumerate(file.book.holdings):
        if held.pool.numeraire != numeraire:
            expected = f"{numeraire}, the asset {name} judges pools in"
            raise BookFileError(f"pools[{place}].numeraire", held.pool.numeraire, expected)
    return rules


@exact
def pool_form(book: Book, market: Market, rules: VenueRules, held: Holding, purpose: Purpose) -> Form:
    """One pool's answer."""
    pool = held.pool
    found, prices = explained(book, market, rules, held, purpose)
    total = found.assessment
    return {
        "pool": pool.id,
        "mode": pool.mode.value,
        "parent": pool.parent,
        "numeraire": pool.numeraire,
        "value": text(total.value),
        "margin_equity": text(total.margin_equity),
        "required": text(total.required),
        "surplus": text(total.surplus),
        "ratio": {
            "name": found.ratio_name,
            "value": None if found.ratio is None else text(found.ratio),
            "safer": rules.ratio.safer,
        },
        "state": found.state,
        "leverage": None if found.leverage is None else text(found.leverage),
        "positions": [_position(one, prices[one.priced]) for one in found.contributions],
        "assets": [
            {"asset": name, "liquidation": liquidation_form(one)}
            for name, one in prices.items()
            if name in book.assets and held.pool.method is Method.LENDING
        ],
        **_underlyings(found, prices),
        "lines": _lines(found),
    }


def _underlyings(found: Explanation, prices: Prices) -> Form:
    """Of a pool with options: the liquidation prices of each underlying, and all Greeks added up."""
    names = dict.fromkeys(one.priced for one in found.contributions if one.greeks is not None)
    if not names:
        return {}
    forms = [(name, prices[name]) for name in names]
    return {
        "underlyings": [
            {
                "underlying": name,
                "price": None if isinstance(one, str) else text(one.mark),
                "liquidation": liquidation_form(one),
            }
            for name, one in forms
        ]
    }


def explained(
    book: Book, market: Market, rules: VenueRules, held: Holding, purpose: Purpose
) -> tuple[Explanation, Prices]:
    """The explanation at a purpose and the liquidation prices; at MAINTAIN the pool is valued once for both."""
    if purpose is Purpose.MAINTAIN:
        try:
            return account(book, market, rules, held.pool.id)
        except UnsolvableError:
            pass  # some path has no answer: each instrument is asked alone below
    return explain(book, market, rules, held.pool.id, purpose), liquidations(book, market, rules, held)


def liquidations(book: Book, market: Market, rules: VenueRules, held: Holding) -> Prices:
    """The liquidation price of every instrument held; where a path cannot be solved, the reason."""
    try:
        return all_liquidation_prices(book, market, rules, held.pool.id)
    except UnsolvableError:
        symbols = subjects(book, held)
        return {symbol: _liquidation_or_reason(book, market, rules, held.pool.id, symbol) for symbol in symbols}


def _liquidation_or_reason(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str) -> Solution | str:
    try:
        return liquidation_price(book, market, rules, pool, symbol)
    except UnsolvableError as why:
        return str(why)


def _position(one: Contribution, solution: Solution | str) -> Form:
    return {
        "instrument": one.symbol,
        "leg": LEGS[one.leg],
        "size": text(one.size),
        "mark": text(one.mark),
        "notional": text(one.notional),
        "profit": text(one.profit),
        "required": text(one.required),
        "most_loss": text(one.most_loss),
        **(
            {}
            if one.greeks is None
            else {"greeks": {name: text(greek) for name, greek in one.greeks._asdict().items()}}
        ),
        "liquidation": {"of": one.priced, **liquidation_form(solution)},
    }


def liquidation_form(solution: Solution | str) -> Form:
    """A liquidation price: displayed and solved (None where no price on the path liquidates), and every crossing."""
    if isinstance(solution, str):
        return {"displayed": None, "solved": None, "unsolved": solution, "crossings": []}
    return {
        "displayed": None if solution.displayed is None else text(solution.displayed),
        "solved": None if solution.solved is None else text(solution.solved),
        "path": PATHS[solution.path],
        "in_breach": solution.in_breach,
        "crossings": [{"price": text(one.price), "breach_below": one.breach_below} for one in solution.crossings],
    }


def _lines(found: Explanation) -> list[Form]:
    return [_line(line, words) for line, words in zip(found.assessment.lines, found.sentences, strict=True)]


def _line(line: Line, words: str) -> Form:
    value = text(line.value)
    return {
        "kind": line.kind,
        "subject": line.subject,
        "leg": LEGS[line.leg],
        "value": value,
        "equity": value if line.equity is line.value else text(line.equity),
        "required": text(line.required),
        "text": words,
    }
