"""What the command ``import`` does: files or a live account in, the bytes of a book file out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from solvent import adapters
from solvent.adapters.draft import OWN
from solvent.adapters.fields import decoded
from solvent.book_json import decode_book, encode_book
from solvent.cli.failures import InputError
from solvent.venues import venue as rule_set


def imported(files: Sequence[Path], source: str | None, live: str | None = None, venue: str | None = None) -> str:
    """The book file of an account.

    Parameters
    ----------
    files
        Answers of the source; with ``live`` only prices of the user's own.
    source
        One of :func:`solvent.adapters.names`; None with ``live``.
    live
        The exchange to fetch from.
    venue
        The rule set the file shall name.

    Raises
    ------
    InputError
        Neither or both of ``source`` and ``live``, or no file.
    BookError
        What the adapter found wrong; the message starts with the place.

    """
    if (source is None) is (live is None):
        given = "nothing given" if source is None else "--from and --live given"
        raise InputError(f"--from: {given}, expected one of {', '.join(adapters.names())}, or --live EXCHANGE alone")
    if source is not None and not files:
        raise InputError("FILE.json: nothing given, expected the answers of the account")
    if venue is not None:
        rule_set(venue)
    messages = _messages(files)
    if live is not None:
        from solvent.adapters.live import fetched

        _check_prices(messages)
        source, messages = "ccxt", [fetched(live), *messages]
    book, market, name = adapters.read(source or "", messages, venue)
    data = encode_book(book, market, name)
    decode_book(data)  # what is printed can be read back, or is not printed
    return data.decode() + "\n"


def _messages(files: Sequence[Path]) -> list[Any]:
    """The answers of all files; a list that has lists in it is several answers, any other is one."""
    found: list[Any] = []
    for path in files:
        answer = decoded(path.read_bytes(), str(path))
        if not isinstance(answer, list | dict):
            raise InputError(f"{path}: got {answer!r}, expected an object or a list")
        mixed = isinstance(answer, list) and any(isinstance(one, list) for one in answer)
        found.extend(answer if mixed else [answer])
    return found


def _check_prices(messages: Sequence[Any]) -> None:
    for k, message in enumerate(messages):
        if not isinstance(message, dict) or not OWN.issuperset(message):
            raise InputError(f"FILE.json number {k + 1}: expected prices alone beside --live: "
                             '{"index": {"USDT": {"USD": "1"}}}')  # fmt: skip
