"""Structured products in book files: read exactly, written back, refused with the place."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal

import pytest

from solvent.book_json import BookFileError, decode_book, encode_book
from solvent.engine.commands import list_asset, list_instrument
from solvent.engine.names import Names, PayloadError, read_asset, read_instrument
from solvent.instruments import Structured

FILE = {
    "solvent": 1,
    "assets": {"USDT": {"scale": 6}},
    "instruments": {
        "NOTE": {
            "type": "structured",
            "underlying": "BTC",
            "quote": "USDT",
            "tick_size": "0.5",
            "lot_size": "1",
            "results": {"down": "-12.5", "up": 3},
        }
    },
    "pools": [{"id": "p", "positions": [{"instrument": "NOTE", "size": "-2", "entry": "50"}]}],
    "market": {"mark": {"NOTE": "51.5"}},
}


def test_it_reads_exactly_and_is_written_back():
    found = decode_book(json.dumps(FILE))
    note = found.book.instruments["NOTE"]
    assert isinstance(note, Structured)
    assert note.results == (("down", Decimal("-12.5")), ("up", Decimal(3)))
    assert (note.tick_value, note.worth(-2, 103)) == (500_000, -103_000_000)
    assert found.book.holdings[0].positions[0].cost == -100_000_000
    assert decode_book(encode_book(*found)) == found


@pytest.mark.parametrize(
    ("field", "value", "place", "words"),
    [
        ("results", {}, "instruments.NOTE.results", "a profit by scenario, for one scenario at least"),
        ("results", {"up": "much"}, "instruments.NOTE.results.up", "a finite decimal"),
        ("payoff", "linear", "instruments.NOTE.payoff", "only the fields type, underlying"),
        ("lot_size", "0.000001", "instruments.NOTE.lot_size", "whole number of USDT units"),
        ("tick_size", "0", "instruments.NOTE.tick_size", "greater than 0"),
    ],
)
def test_what_is_wrong_is_named(field, value, place, words):
    file = deepcopy(FILE)
    file["instruments"]["NOTE"][field] = value
    with pytest.raises(BookFileError) as caught:
        decode_book(json.dumps(file))
    assert caught.value.path == place
    assert words in str(caught.value)


def test_the_engine_lists_none():
    note = decode_book(json.dumps(FILE)).book.instruments["NOTE"]
    _, payload = list_instrument(1, 1, note, max_lots=10, max_ticks=10)
    names = Names()
    names.add(read_asset(names, list_asset(1, 1, note.quote, max_units=10)[1]))
    with pytest.raises(PayloadError, match="must be perpetual, future or spot, not 'structured'"):
        read_instrument(names, payload)
