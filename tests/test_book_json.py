"""Book files: what is read is exact, what is wrong is named, what is written reads back equal.

The example below is changed one field at a time; each change must give the one error with its path, value and cause.
"""

import importlib.util
import json
import re
from copy import deepcopy
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.book import Leg, LegMode, Mode, PriceKey, PriceKind, PriceState
from solvent.book_json import BookFileError, decode_book, encode_book, load_book, schema
from solvent.book_json.numbers import time_ns, time_text

ROOT = Path(__file__).resolve().parent.parent

EXAMPLE = json.loads("""
{
  "solvent": 1,
  "venue": "generic",
  "assets": {
    "USDT": {"scale": 8}, "USD": {"scale": 2}, "BTC": {"scale": 8, "native_scale": 8}, "ETH": {"scale": 8}
  },
  "instruments": {
    "BTCUSDT": {"type": "perpetual", "underlying": "BTC", "quote": "USDT", "settle": "USDT",
                "tick_size": "0.01", "lot_size": "0.001", "payoff": "linear", "contract_size": "1"},
    "ETHUSDT": {"type": "perpetual", "underlying": "ETH", "quote": "USDT", "tick_size": "0.01", "lot_size": "0.001"},
    "BTCUSD": {"type": "perpetual", "underlying": "BTC", "quote": "USD", "settle": "BTC",
               "tick_size": "0.5", "lot_size": "1", "payoff": "inverse", "contract_size": "100"},
    "BTCUSDT-Q": {"type": "future", "underlying": "BTC", "quote": "USDT", "tick_size": "0.1", "lot_size": "0.001",
                  "expiry": "2021-06-25T08:00:00Z"},
    "BTC-C": {"type": "option", "underlying": "BTC", "quote": "USDT", "tick_size": "5", "lot_size": "0.1",
              "kind": "call", "strike": "40000", "expiry": "2021-06-25T08:00:00Z"},
    "ETH/USDT": {"type": "spot", "base": "ETH", "quote": "USDT", "tick_size": "0.01", "lot_size": "0.0001"}
  },
  "pools": [
    {
      "id": "cross",
      "cash": {"USDT": "1535443.01", "BTC": "-0.5"},
      "positions": [
        {"instrument": "BTCUSDT", "size": "-109.488", "entry": "32481.98", "leverage": 10},
        {"instrument": "BTCUSD", "size": 3, "entry": "31000"},
        {"instrument": "ETHUSDT", "size": "3683.979", "cost": "5367039.19", "funding_index": "-7"}
      ],
      "orders": [
        {"id": "1", "instrument": "BTCUSDT", "size": "-0.5", "price": "64000", "reduce_only": true},
        {"id": "2", "instrument": "ETH/USDT", "size": "1", "price": "2500"}
      ],
      "borrow_index": {"BTC": 12}
    },
    {
      "id": "iso-1", "mode": "isolated", "parent": "cross", "scope": ["ETHUSDT"], "legs": "hedge",
      "cash": {"USDT": 500},
      "positions": [
        {"instrument": "ETHUSDT", "size": "1", "entry": "2400.5", "leg": "long"},
        {"instrument": "ETHUSDT", "size": "-2", "entry": "2600", "leg": "short"}
      ]
    }
  ],
  "market": {
    "time": "2021-05-19T13:00:00Z",
    "epoch": 4,
    "mark": {"BTCUSDT": "31967.27", "ETHUSDT": "2400", "BTCUSD": "31960.5"},
    "index": {"BTC": {"USDT": "31960.123456", "USD": "31960"}, "USDT": {"USD": "1"}},
    "states": {"index": {"BTC": {"USDT": "stale"}}, "mark": {"ETHUSDT": "uncertain"}},
    "funding": {"BTCUSDT": "-7"},
    "interest": {"BTC": "36893488147419103232"},
    "lending": {"BTC": {"supplied": "100", "borrowed": "0.5"}}
  }
}
""")


def changed(path, value):
    """The example with one field set, or removed where the value is ..."""
    book = deepcopy(EXAMPLE)
    steps = [int(s) if s.isdigit() else s for s in path.split("|")]
    inner = book
    for step in steps[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[steps[-1]]
    elif isinstance(inner, list) and steps[-1] == len(inner):
        inner.append(value)
    else:
        inner[steps[-1]] = value
    return json.dumps(book)


def refusal(data, **flags):
    with pytest.raises(BookFileError) as caught:
        decode_book(data, **flags)
    return caught.value


def test_the_example_reads_exactly():
    book, market, venue = decode_book(json.dumps(EXAMPLE))
    cross, isolated = book.holdings
    assert venue == "generic"
    assert cross.cash == {"USDT": 153544301000000, "BTC": -50000000}
    short, inverse, by_cost = cross.positions
    assert (short.lots, short.leverage, short.leg) == (-109488, 10, Leg.NET)
    assert short.cost == -109488 * 3248198 * 1000
    # 3 contracts of 100 USD at 31,000 are 0.00967741935… BTC: the signed worth −967741.93… is rounded down
    assert (inverse.lots, inverse.cost) == (3, -967742)
    assert (by_cost.cost, by_cost.funding_index) == (536703919000000, -7)
    assert [(o.id, o.lots, o.ticks, o.reduce_only) for o in cross.orders] == [
        ("1", -500, 6400000, True),
        ("2", 10000, 250000, False),
    ]
    assert isolated.pool.mode is Mode.ISOLATED
    assert isolated.pool.legs is LegMode.HEDGE
    assert isolated.pool.scope == {"ETHUSDT"}
    assert [(p.leg, p.lots) for p in isolated.positions] == [(Leg.LONG, 1000), (Leg.SHORT, -2000)]
    assert market.price(PriceKind.MARK, "BTCUSD", "USD") == Decimal("31960.5")
    assert market.price(PriceKind.INDEX, "BTC", "USDT") == Decimal("31960.123456")
    assert market.states[PriceKey(PriceKind.MARK, "ETHUSDT", "USDT")] is PriceState.UNCERTAIN
    assert (market.time_ns, market.epoch) == (1621429200_000_000_000, 4)
    assert (market.funding, market.interest) == ({"BTCUSDT": -7}, {"BTC": 2**65})
    assert market.lending["BTC"] == (10_000_000_000, 50_000_000)
    assert book.instruments["BTCUSDT-Q"].expiry_ns == time_ns("2021-06-25T08:00:00Z", "")


P = "pools|0|positions|"
I = "instruments|BTCUSDT|"  # noqa: E741
WRONG = [
    # path in the example, what is put there (... removes it), path of the error, words of its message
    ("solvent", 2, "solvent", "got 2"),
    ("solvent", ..., "solvent", "nothing given"),
    ("pools", ..., "pools", "nothing given"),
    ("extra", "x", "extra", "got 'x', expected only the fields solvent, venue"),
    ("venue", None, "venue", "got 'null', expected text"),
    ("venue", "", "venue", "length >= 1"),
    ("pools|0|extra", 1, "pools[0].extra", "only the fields id, account"),
    (I + "extra", 1, "instruments.BTCUSDT.extra", "only the fields type, underlying"),
    (P + "1|sise", "1", "pools[0].positions[1].sise", "only the fields instrument, size"),
    ("market|extra", {}, "market.extra", "got an object, expected only the fields time"),
    ("market|states|last", {}, "market.states.last", "only the fields mark"),
    ("assets|USDT|scale", ..., "assets.USDT.scale", "nothing given"),
    ("assets|USDT|scale", 31, "assets.USDT.scale", "<= 30"),
    ("assets|USDT|scale", True, "assets.USDT.scale", "got true, expected a whole number"),
    ("assets|", {"scale": 2}, "assets", "1 to 64 characters"),
    (I + "type", "swap", "instruments.BTCUSDT.type", "got 'swap', expected one of spot, perpetual, future, option"),
    (I + "type", ..., "instruments.BTCUSDT.type", "nothing given"),
    (I + "payoff", "cubic", "instruments.BTCUSDT.payoff", "got 'cubic', expected one of linear, inverse, quanto"),
    (I + "quote", "EUR", "instruments.BTCUSDT.quote", "got 'EUR', expected an asset of this file: BTC, ETH, USD, USDT"),
    (I + "tick_size", "0", "instruments.BTCUSDT.tick_size", "greater than 0"),
    (I + "lot_size", "-1", "instruments.BTCUSDT.lot_size", "greater than 0"),
    (I + "tick_size", 0.01, "instruments.BTCUSDT.tick_size", "got 0.01, expected text or a whole number"),
    (I + "lot_size", "0.0000001", "instruments.BTCUSDT.lot_size", "whole number of USDT units"),
    (I + "payoff", "inverse", "instruments.BTCUSDT.settle", "does not settle in its quote USDT"),
    ("instruments|BTCUSD|lot_size", "0.00000000001", "instruments.BTCUSD.lot_size", "whole number of BTC units"),
    ("instruments|BTCUSDT-Q|expiry", "soon", "instruments.BTCUSDT-Q.expiry", "a UTC time"),
    ("instruments|BTCUSDT-Q|expiry", "2021-13-25T08:00:00Z", "instruments.BTCUSDT-Q.expiry", "a UTC time"),
    ("instruments|BTC-C|kind", "both", "instruments.BTC-C.kind", "one of call, put"),
    ("instruments|BTC-C|strike", "-5", "instruments.BTC-C.strike", "greater than 0"),
    ("instruments|BTC-C|payoff", "quanto", "instruments.BTC-C.payoff", "got 'quanto', expected linear, or inverse"),
    ("instruments|ETH/USDT|lot_size", "0.0000000001", "instruments.ETH/USDT.lot_size", "whole number of ETH units"),
    ("instruments|ETH/USDT|base", "EUR", "instruments.ETH/USDT.base", "an asset of this file"),
    ("pools|0|cash|USDT", 0.5, "pools[0].cash.USDT", 'a number with decimals is written as text ("0.5")'),
    ("pools|0|cash|USDT", "NaN", "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", "Infinity", "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", "1e5", "pools[0].cash.USDT", "without exponent"),
    ("pools|0|cash|USDT", " 5", "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", "5\n", "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", "1_000", "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", "٣", "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", "", "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", "9" * 41, "pools[0].cash.USDT", "a finite decimal"),
    ("pools|0|cash|USDT", 10**40, "pools[0].cash.USDT", "at most 40 digits"),
    ("pools|0|cash|USDT", -(10**40), "pools[0].cash.USDT", "at most 40 digits"),
    ("pools|0|cash|USDT", "0.000000001", "pools[0].cash.USDT", "a multiple of 1e-8 USDT; it needs scale 9"),
    ("pools|0|cash|EUR", "1", "pools[0].cash.EUR", "an asset of this file"),
    ("pools|0|borrow_index|BTC", "0.5", "pools[0].borrow_index.BTC", "a whole number"),
    ("pools|0|borrow_index|EUR", "1", "pools[0].borrow_index.EUR", "an asset of this file"),
    ("pools|0|numeraire", "EUR", "pools[0].numeraire", "an asset of this file"),
    ("pools|0|mode", "crossed", "pools[0].mode", "one of cross, isolated, portfolio"),
    ("pools|0|legs", "both", "pools[0].legs", "one of one_way, hedge"),
    ("pools|0|id", "iso-1", "pools[1]", "got 'iso-1', expected an id no other pool"),
    ("pools|0|mode", "isolated", "pools[0].parent", "nothing given, expected the id of the cross pool"),
    ("pools|1|parent", "cros", "pools[1].parent", "got 'cros', expected the id of another pool of this file: cross"),
    ("pools|1|parent", "iso-1", "pools[1].parent", "another pool"),
    ("pools|0|parent", "iso-1", "pools[0].parent", "got 'iso-1', expected a pool that has no parent itself"),
    ("pools|1|owner", "someone", "pools[1].parent", "of the same owner and account (someone, main)"),
    ("pools|1|scope|0", "XRPUSDT", "pools[1].scope[0]", "an instrument of this file"),
    ("pools|1|scope|1", "ETHUSDT", "pools[1].scope[1]", "each instrument once"),
    ("pools|1|positions|0|instrument", "BTCUSDT", "pools[1].positions[0].instrument", "the pool's scope: ETHUSDT"),
    (P + "2|size", "0.0005", "pools[0].positions[2].size", "a multiple of the lot size 0.001"),
    (P + "0|size", 0.5, "pools[0].positions[0].size", "got 0.5, expected text or a whole number"),
    (P + "2|size", "0", "pools[0].positions[2].cost", "0 where the size is 0"),
    (P + "0|instrument", "XRPUSDT", "pools[0].positions[0].instrument", "got 'XRPUSDT', expected an instrument"),
    (P + "0|instrument", "ETH/USDT", "pools[0].positions[0].instrument", "a contract"),
    (P + "0|entry", "0", "pools[0].positions[0].entry", "greater than 0"),
    (P + "0|entry", "32481.9812345", "pools[0].positions[0].entry", "it needs scale 9 where assets.USDT.scale is 8"),
    (P + "0|entry", ..., "pools[0].positions[0].entry", "nothing given, expected the entry price"),
    (P + "0|cost", "5", "pools[0].positions[0].cost", "either entry or cost"),
    (P + "0|leverage", 0, "pools[0].positions[0].leverage", ">= 1"),
    (P + "0|leverage", "10", "pools[0].positions[0].leverage", "a whole number"),
    (P + "0|leg", "long", "pools[0].positions[0].leg", "got 'long', expected net"),
    (P + "0|leg", "up", "pools[0].positions[0].leg", "one of net, long, short"),
    (P + "0|instrument", "ETHUSDT", "pools[0].positions[2]", "got 'ETHUSDT net', expected one position a leg"),
    ("pools|1|positions|0|leg", ..., "pools[1].positions[0].leg", "nothing given, expected long or short"),
    ("pools|1|positions|0|size", "-1", "pools[1].positions[0].size", "a size ≥ 0 on the long leg"),
    ("pools|1|positions|1|size", "1", "pools[1].positions[1].size", "a size ≤ 0 on the short leg"),
    ("pools|0|orders|0|size", "0.0001", "pools[0].orders[0].size", "a multiple of the lot size 0.001"),
    ("pools|0|orders|0|size", "0", "pools[0].orders[0].size", "other than 0"),
    ("pools|0|orders|0|price", "64000.001", "pools[0].orders[0].price", "a multiple of the tick size 0.01"),
    ("pools|0|orders|0|price", "-64000", "pools[0].orders[0].price", "greater than 0"),
    ("pools|0|orders|1|id", "1", "pools[0].orders[1]", "got '1', expected an id no other order"),
    (
        "market|mark|BTCUSDT",
        ...,
        "market.mark.BTCUSDT",
        "nothing given, expected a mark price in USDT, because pools[0].po",
    ),
    ("market", ..., "market.mark.BTCUSDT", "pools[0].positions[0] needs one"),
    ("market|mark|BTCUSDT", {"USD": "1"}, "market.mark.BTCUSDT", "a mark price in USDT"),
    ("market|mark|BTCUSDT", "31967.271", "market.mark.BTCUSDT", "a multiple of the tick size 0.01"),
    ("market|mark|BTCUSDT", {"USDT": "31967.271"}, "market.mark.BTCUSDT.USDT", "a multiple of the tick size 0.01"),
    ("market|mark|BTCUSDT", "0", "market.mark.BTCUSDT", "greater than 0"),
    ("market|mark|BTCUSDT", "-1", "market.mark.BTCUSDT", "greater than 0"),
    ("market|mark|BTCUSDT", "NaN", "market.mark.BTCUSDT", "got 'NaN', expected a finite decimal"),
    ("market|mark|BTCUSDT", 31967.27, "market.mark.BTCUSDT", "got 31967.27, expected"),
    ("market|mark|XRPUSDT", "1", "market.mark.XRPUSDT", "because XRPUSDT is no instrument"),
    ("market|index|BTC", "31960", "market.index.BTC", 'expected {"QUOTE": …}'),
    ("market|index|BTC|EUR", "1", "market.index.BTC.EUR", "an asset of this file"),
    ("market|index|BTC|USD", "0", "market.index.BTC.USD", "greater than 0"),
    ("market|index|BTC|USD", 1.5, "market.index.BTC.USD", "got 1.5, expected"),
    ("market|index|XRP", {"USDT": "1"}, "market.index.XRP.USDT", "an instrument, asset or underlying"),
    ("market|states|mark|ETHUSDT", "bad", "market.states.mark.ETHUSDT", "one of valid, stale, uncertain"),
    ("market|states|mark|XRP", "stale", "market.states.mark.XRP", "no instrument"),
    ("market|states|index|BTC|EUR", "stale", "market.states.index.BTC.EUR", "an asset of this file"),
    ("market|time", "2021-05-19T13:00:00", "market.time", "a UTC time"),
    ("market|time", "2021-05-19T13:00:00+02:00", "market.time", "a UTC time"),
    ("market|time", -1, "market.time", "a UTC time"),
    ("market|time", 2**63, "market.time", "before 2262"),
    ("market|epoch", -1, "market.epoch", ">= 0"),
    ("market|funding|XRPUSDT", 1, "market.funding.XRPUSDT", "an instrument of this file"),
    ("market|funding|BTCUSDT", "0.5", "market.funding.BTCUSDT", "a whole number"),
    ("market|interest|EUR", 1, "market.interest.EUR", "an asset of this file"),
    ("market|lending|BTC|borrowed", "-1", "market.lending.BTC.borrowed", "not negative"),
    ("market|lending|BTC|lost", "1", "market.lending.BTC.lost", "only the fields supplied, borrowed"),
    ("market|lending|EUR", {"supplied": 1, "borrowed": 0}, "market.lending.EUR", "an asset of this file"),
]


@pytest.mark.parametrize(("where", "what", "path", "words"), WRONG, ids=[f"{w[0]}={w[1]!s:.20}" for w in WRONG])
def test_a_wrong_field_is_named_with_its_value_and_what_was_expected(where, what, path, words):
    error = refusal(changed(where, what))
    assert error.path == path
    assert words in str(error)
    assert str(error).startswith(path)
    assert error.expected


def test_a_flat_position_keeps_its_leverage_cap_costs_nothing_and_needs_no_mark():
    book = json.loads(changed(P + "0|size", "0"))
    book["pools"][0]["orders"] = []
    del book["market"]["mark"]["BTCUSDT"], book["pools"][0]["positions"][0]["entry"]
    position = decode_book(json.dumps(book)).book.holdings[0].positions[0]
    assert (position.lots, position.cost, position.leverage) == (0, 0, 10)


def test_the_message_is_a_sentence_with_path_value_and_expectation():
    error = refusal(changed(P + "2|size", "0.0005"))
    assert str(error) == "pools[0].positions[2].size: got '0.0005', expected a multiple of the lot size 0.001"
    assert (error.value, error.expected) == ("0.0005", "a multiple of the lot size 0.001")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "a JSON file"),
        ("{", "a JSON file"),
        (b"\xff", "a JSON file"),
        ('"\ud800"', "UTF-8"),
        ("[]", "an object"),
        ("null", "an object"),
        ("[" * 100_000, "expected"),
        ('{"solvent": 1} {}', "expected"),
    ],
)
def test_what_is_no_book_file_at_all_is_refused(data, words):
    assert words in str(refusal(data))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('"BTC": "-0.5"', '"BTC": "-0.5", "BTC": "5"', "pools[0].cash.BTC"),
        ('"BTC": "-0.5"', '"BTC": "-0.5", "\\u0042TC": "5"', "pools[0].cash.BTC"),
        ('"BTC": "-0.5"', r'"\u003a": "-0.5", "\u003a": "5"', "pools[0].cash.:"),
        ('"BTCUSDT": "31967.27"', '"BTCUSDT": "31967.27", "BTCUSDT": "1"', "market.mark.BTCUSDT"),
        ('"id": "iso-1"', '"id": "a:b", "id": "iso-1"', "pools[1].id"),
        ('"solvent": 1', '"solvent": 1, "solvent" : 1', "solvent"),
    ],
)
def test_a_name_given_twice_in_one_object_is_refused(old, new, path):
    text = json.dumps(EXAMPLE)
    assert text.count(old) == 1
    error = refusal(text.replace(old, new))
    assert error.path == path
    assert "at most once" in str(error)


def test_names_with_colons_and_escapes_are_no_repetition():
    text = changed("venue", 'a:"b"\\:c')
    assert decode_book(text).venue == 'a:"b"\\:c'


LIMITS = [
    (P + "2|size", f"{2**31}", "0.001", "pools[0].positions[2].size", "2147483648 lots"),
    ("pools|0|cash|USDT", str(2**61), "0.00000001", "pools[0].cash.USDT", "2305843009213693952 units"),
]


@pytest.mark.parametrize(("where", "count", "unit", "path", "words"), LIMITS)
def test_the_engines_limits_hold_only_where_asked_for(where, count, unit, path, words):
    places = len(unit) - 2
    at = f"{count[:-places]}.{count[-places:]}"
    over, under = changed(where, at), changed(where, format_less(at))
    decode_book(over)
    decode_book(under, strict_engine=True)
    error = refusal(over, strict_engine=True)
    assert error.path == path
    assert words in str(error)


def format_less(text):
    """The same number one unit of its last digit lower; integers only, the suite's decimals have five digits."""
    point = len(text) - text.index(".") - 1
    digits = str(int(text.replace(".", "")) - 1)
    return f"{digits[:-point]}.{digits[-point:]}"


def test_a_cost_beyond_the_engine_is_refused_where_asked_for():
    data = changed(P + "2|cost", "23058430092.13693952")
    decode_book(data)
    assert refusal(data, strict_engine=True).path == "pools[0].positions[2].cost"


def test_writing_and_reading_gives_the_same_values():
    found = decode_book(json.dumps(EXAMPLE))
    written = encode_book(*found)
    assert decode_book(written) == found
    assert encode_book(*decode_book(written)) == written


def test_an_instrument_named_like_an_asset_keeps_both_its_prices():
    book = deepcopy(EXAMPLE)
    book["instruments"]["BTC"] = book["instruments"]["BTCUSDT"]
    book["market"]["mark"]["BTC"] = {"USDT": "5", "USD": "6.5"}
    book["instruments"]["ETH/USDT"]["underlying"] = "ether"
    found = decode_book(json.dumps(book))
    assert found.market.prices[PriceKey(PriceKind.MARK, "BTC", "USD")] == Decimal("6.5")
    assert [found.book.instruments[name].underlying for name in ("BTC", "ETH/USDT")] == ["BTC", "ether"]
    assert decode_book(encode_book(*found)) == found


def test_a_cost_too_long_to_be_written_is_refused():
    book = json.loads(changed(P + "0|size", "9" * 40))
    book["pools"][0]["positions"][0]["entry"] = "100"
    error = refusal(json.dumps(book))
    assert (error.path, error.expected) == (
        "pools[0].positions[0].entry",
        "a cost of at most 40 digits before the point",
    )


def test_a_file_is_loaded_from_disk(tmp_path):
    path = tmp_path / "book.json"
    path.write_text(json.dumps(EXAMPLE), encoding="utf-8")
    assert load_book(path) == decode_book(json.dumps(EXAMPLE))


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_times_read_back(count_ns):
    assert time_ns(time_text(count_ns), "time") == count_ns


def test_the_schema_in_docs_is_the_one_of_the_structs():
    place = ROOT / "tools" / "make_schema.py"
    spec = importlib.util.spec_from_file_location("make_schema", place)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.TARGET.read_text(encoding="utf-8") == tool.text(), "run python tools/make_schema.py"


def documents():
    yield "test", EXAMPLE
    yield "written", json.loads(encode_book(*decode_book(json.dumps(EXAMPLE))))
    page = (ROOT / "docs" / "book-format.md").read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)):
        yield f"docs {number}", json.loads(block)
    for path in sorted((ROOT / "examples").glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        if "solvent" in found:
            yield path.name, found


def test_the_schema_accepts_every_example_and_so_does_the_reader():
    validator = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    names = []
    for name, document in documents():
        assert not list(validator.iter_errors(document)), name
        decode_book(json.dumps(document))
        names.append(name)
    assert {"test", "written", "docs 0"} <= set(names)


def test_the_schema_refuses_what_its_patterns_exclude():
    validator = jsonschema.Draft202012Validator(schema())
    for where, value in [
        ("pools|0|cash|USDT", 0.5),
        ("pools|0|cash|USDT", "1e5"),
        ("extra", 1),
        ("market|time", "now"),
    ]:
        assert not validator.is_valid(json.loads(changed(where, value))), where


def read_or_refused(data):
    """Nothing but a book or a BookFileError may come out; what is read is written and read back equal."""
    try:
        found = decode_book(data)
    except BookFileError:
        return
    assert decode_book(encode_book(*found)) == found


@given(st.binary(max_size=200))
def test_random_bytes_give_one_kind_of_error(data):
    read_or_refused(data)


NAMES = st.sampled_from(
    ["solvent", "assets", "USDT", "scale", "pools", "id", "cash", "market", "mark", "instruments", "type", "spot", "x"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_random_json_gives_one_kind_of_error(value):
    read_or_refused(json.dumps(value))


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


PLACES = [path for path in places(EXAMPLE) if path]
LONGEST = "9" * 40
EDGES = st.sampled_from(["0", "-0", "1", "-1", "0.001", "1e999999", "NaN", "sNaN", "Infinity", LONGEST])
EDGES |= st.sampled_from([f"-{LONGEST}.{LONGEST}", 0, -1, 2**63, 10**39, 10**4200])
EDGES |= st.sampled_from(["BTCUSDT", "ETH/USDT", "USDT", "cross", "iso-1", "hedge", "short", "inverse", "spot"])


@given(st.data())
def test_a_changed_book_gives_one_kind_of_error_or_reads_back(data):
    book = deepcopy(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(PLACES))
        inner = book
        try:
            for step in path[:-1]:
                inner = inner[step]
            if data.draw(st.booleans()):
                inner[path[-1]] = data.draw(EDGES | VALUES)
            else:
                del inner[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    read_or_refused(json.dumps(book))


@given(st.data())
def test_changed_bytes_give_one_kind_of_error_or_read_back(data):
    raw = bytearray(json.dumps(EXAMPLE).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    read_or_refused(bytes(raw))
