"""Recorded answers of exchanges, and what must hold of every account that is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from solvent.adapters.fields import decoded
from solvent.book_json import decode_book, encode_book

ANSWERS = Path(__file__).parent.parent / "data" / "venue_answers"


@pytest.fixture
def recorded():
    """A recorded answer by its file's name."""
    return lambda name: decoded((ANSWERS / f"{name}.json").read_bytes(), name)


@pytest.fixture
def through_a_file():
    """The account, after its book file was written and read back to equal values."""

    def check(account):
        back = decode_book(encode_book(account.book, account.market, account.venue))
        assert back == (account.book, account.market, account.venue)
        return account

    return check
