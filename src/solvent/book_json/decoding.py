"""Text to book: the verbs that read a book file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from solvent.book import Book, Market
from solvent.book_json.errors import BookFileError
from solvent.book_json.forms import FileForm
from solvent.book_json.places import translated
from solvent.book_json.reading import build
from solvent.units import exact

MOST_BYTES = 64 * 1024 * 1024
_decoder = msgspec.json.Decoder(FileForm)
_encoder = msgspec.json.Encoder()


class BookFile(NamedTuple):
    """What a book file holds; ``venue`` is the rule set it asks for, None where it asks for none."""

    book: Book
    market: Market
    venue: str | None = None


@exact
def decode_book(data: bytes | str, *, strict_engine: bool = False) -> BookFile:
    """Book, market and venue of a book file (docs/book-format.md).

    Parameters
    ----------
    data
        The file's JSON, as UTF-8 bytes or text.
    strict_engine
        Also refuse what the engine's 64-bit tables cannot hold: 2^31 lots, 2^61 units.

    Raises
    ------
    BookFileError
        For the first thing wrong, with its path, its value and what was expected; nothing is half-built.

    Examples
    --------
    >>> found = decode_book('{"solvent": 1, "assets": {"USDT": {"scale": 6}}, "pools": [{"id": "a"}]}')
    >>> found.book.assets["USDT"].scale, found.venue
    (6, None)
    >>> decode_book('{"solvent": 1, "assets": {"USDT": {"scale": "6"}}, "pools": []}')
    Traceback (most recent call last):
    ...
    solvent.book_json.errors.BookFileError: assets.USDT.scale: got '6', expected a whole number

    """
    try:
        raw = data.encode() if isinstance(data, str) else data
    except UnicodeEncodeError:
        raise BookFileError("", None, "text that can be written as UTF-8") from None
    if len(raw) > MOST_BYTES:
        raise BookFileError("", f"{len(raw)} bytes", f"at most {MOST_BYTES} bytes")
    form = _form(raw)
    book, market = build(form, strict_engine=strict_engine)
    return BookFile(book, market, None if form.venue is msgspec.UNSET else form.venue)


def load_book(path: Path, *, strict_engine: bool = False) -> BookFile:
    """The book file at ``path``: the one function here that reads a disk.

    Raises what :func:`decode_book` raises, and OSError where the file cannot be read.
    """
    return decode_book(path.read_bytes(), strict_engine=strict_engine)


def _form(raw: bytes) -> FileForm:
    try:
        form = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise translated(error, raw, _decoder) from None
    # A name given twice leaves fewer colons in what was decoded than in the file. Escapes may hide a colon.
    if b"\\" in raw or _encoder.encode(form).count(b":") != raw.count(b":"):
        _refuse_repeated(raw)
    return form


class _Pairs(dict[str, Any]):
    """An object of the file that remembers a name it was given twice."""

    repeated: str | None = None


def _pairs(given: list[tuple[str, Any]]) -> _Pairs:
    pairs = _Pairs(given)
    if len(pairs) < len(given):
        names = [name for name, _ in given]
        pairs.repeated = next(name for i, name in enumerate(names) if name in names[:i])
    return pairs


def _refuse_repeated(raw: bytes) -> None:
    whole = json.loads(raw.decode(), object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    _find_repeated(whole)


def _find_repeated(value: Any) -> None:
    if isinstance(value, _Pairs):
        if value.repeated is not None:
            raise BookFileError(value.repeated, "the name twice", "each name at most once in an object")
        below = [(f"{name}", inner) for name, inner in value.items()]
    elif isinstance(value, list):
        below = [(f"[{place}]", inner) for place, inner in enumerate(value)]
    else:
        return
    for name, inner in below:
        try:
            _find_repeated(inner)
        except BookFileError as error:
            raise _joined(error, name) from None


def _joined(error: BookFileError, name: str) -> BookFileError:
    joint = "" if error.path.startswith("[") else "."
    return BookFileError(f"{name}{joint}{error.path}", error.value, error.expected)
