"""``solvent margin``: published prices, exact figures, and prices that a scan of the market confirms."""

from __future__ import annotations

import json
import statistics
import sys
import time
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest

from solvent import venues
from solvent.book import PriceKey, PriceKind, Purpose
from solvent.book_json import decode_book, load_book
from solvent.cli.margin import answer, answer_forms
from solvent.margin import assess_pool, liquidation_prices
from solvent.rules import Path as PricePath
from solvent.units import EXACT


def test_the_published_cross_prices_of_two_positions(solvent, examples):
    ran = solvent("margin", examples / "binance_two_positions.json")
    assert ran.code == 0
    for words in ("1153.26", "26316.89", "71200.811444", "356512.508122", "(tier above 2000000)", "HEALTHY"):
        assert words in ran.out


def test_json_says_the_same_exactly(solvent, examples):
    found = solvent("margin", examples / "binance_two_positions.json", "--json").json()
    (pool,) = found["pools"]
    prices = {one["instrument"]: one["liquidation"] for one in pool["positions"]}
    assert prices["ETHUSDT"]["displayed"] == "1153.26"
    assert prices["BTCUSDT"]["displayed"] == "26316.89"
    assert prices["BTCUSDT"]["solved"].startswith("26316.893264518860")
    assert pool["value"] == "1030895.55638"
    assert pool["required"] == "427713.319566"


@pytest.mark.parametrize("name", ["binance_two_positions", "btc_collateral_inverse", "hedge_mode", "ten_positions",
                                  "isolated_and_cross"])  # fmt: skip
@pytest.mark.parametrize("purpose", ["withdraw", "admit", "fill", "recover", "maintain"])
def test_lines_sum_to_the_totals_at_every_purpose(examples, name, purpose):
    found = answer_forms((examples / f"{name}.json").read_bytes(), purpose=purpose)
    assert found["pools"]
    with localcontext(EXACT):
        for pool in found["pools"]:
            for total, part in (("value", "value"), ("margin_equity", "equity"), ("required", "required")):
                assert sum(Decimal(line[part]) for line in pool["lines"]) == Decimal(pool[total])
            assert Decimal(pool["surplus"]) == Decimal(pool["margin_equity"]) - Decimal(pool["required"])
            assert all(line["text"] for line in pool["lines"])


def moved(file, rules, symbol, ticks):
    """The market with an instrument at a tick and, where the rule set says so, all of its coin moved along."""
    book, market = file.book, file.market
    contract = book.instruments[symbol]
    coin = contract.underlying
    prices = dict(market.prices)
    present = prices[PriceKey(PriceKind.MARK, symbol, contract.quote.name)]
    factor = Fraction(contract.price(ticks)) / Fraction(present)
    for key, price in market.prices.items():
        if key.kind is PriceKind.MARK and key.subject == symbol:
            prices[key] = contract.price(ticks)
        elif rules.path is PricePath.UNDERLYING and key.kind is PriceKind.MARK:
            listed = book.instruments[key.subject]
            if listed.underlying == coin:
                prices[key] = listed.price(max(1, int(Fraction(price) * factor / Fraction(listed.tick_size))))
        elif rules.path is PricePath.UNDERLYING and key.kind is PriceKind.INDEX and key.subject == coin:
            prices[key] = Decimal(int(Fraction(price) * factor * 10**18)).scaleb(-18)
    return market.with_prices(prices)


def breached_at(file, rules, pool, symbol, ticks):
    """Whether the pool is in breach with the instrument at a tick, by assessing the whole pool there."""
    with localcontext(EXACT):
        market = moved(file, rules, symbol, ticks)
    found = assess_pool(file.book, market, rules, Purpose.MAINTAIN, pool)
    return found.breached(inclusive=rules.breach_inclusive)


def scanned(file, rules, pool, symbol, present):
    """Every first tick of a stretch in breach or out of it, from far below to far above: coarse, then bisected."""
    steps = sorted({1, *(max(1, present * k // 100) for k in range(2, 400, 2)), *(present * k for k in range(5, 41))})
    turns = []
    before = breached_at(file, rules, pool, symbol, steps[0])
    for low, high in pairwise(steps):
        after = breached_at(file, rules, pool, symbol, high)
        if after != before:
            turns.append(bisected(file, rules, pool, symbol, low, high, before))
        before = after
    return turns


def bisected(file, rules, pool, symbol, low, high, before):
    while high - low > 1:
        middle = (low + high) // 2
        if breached_at(file, rules, pool, symbol, middle) == before:
            low = middle
        else:
            high = middle
    return (low, before)


@pytest.mark.parametrize(
    ("name", "pools"),
    [("btc_collateral_inverse", ["cross"]), ("hedge_mode", ["hedged"]),
     ("isolated_and_cross", ["cross", "eth-alone", "sol-alone"]), ("binance_two_positions", ["cross"])],
)  # fmt: skip
def test_a_brute_force_scan_of_prices_finds_the_same_crossings(examples, name, pools):
    file = load_book(examples / f"{name}.json")
    rules = venues.venue(file.venue)
    assert [held.pool.id for held in file.book.holdings] == pools
    looked_at = 0
    for pool in pools:
        for symbol, solution in liquidation_prices(file.book, file.market, rules, pool).items():
            contract = file.book.instruments[symbol]
            present = contract.ticks(solution.mark)
            near = [one for one in solution.crossings if one.ticks <= present * 40]
            turns = scanned(file, rules, pool, symbol, present)
            # The tick in breach is below the turn where low prices are in breach, else above it.
            assert [(one.ticks, one.breach_below) for one in near] == [
                (low if below else low + 1, below) for low, below in turns
            ]
            coarsest = max(file.book.instruments[other].tick_size for other in file.book.instruments)
            for one in near:
                assert abs(Fraction(one.price) - Fraction(contract.tick_size) * one.ticks) <= coarsest
                looked_at += 1
    assert looked_at >= len(pools)


def test_what_is_printed_is_what_ring_1_solved(solvent, examples):
    file = load_book(examples / "btc_collateral_inverse.json")
    solved = liquidation_prices(file.book, file.market, venues.venue(file.venue), "cross")
    (pool,) = solvent("margin", examples / "btc_collateral_inverse.json", "--json").json()["pools"]
    assert len(pool["positions"]) == 2
    for one in pool["positions"]:
        solution, printed = solved[one["instrument"]], one["liquidation"]
        assert Decimal(printed["solved"]) == solution.solved
        assert Decimal(printed["displayed"]) == solution.displayed
        assert [Decimal(found["price"]) for found in printed["crossings"]] == [c.price for c in solution.crossings]


def test_the_tick_in_breach_and_the_next_are_on_both_sides_of_the_line(examples):
    """Where the path moves one mark only, the displayed price is the tick nearest to the turn."""
    file = load_book(examples / "hedge_mode.json")
    rules = venues.venue(file.venue)
    assert rules.path is PricePath.INSTRUMENT
    (pool,) = answer_forms((examples / "hedge_mode.json").read_bytes())["pools"]
    for one in pool["positions"]:
        contract = file.book.instruments[one["instrument"]]
        with localcontext(EXACT):
            ticks = contract.ticks(Decimal(one["liquidation"]["displayed"]))
        around = [breached_at(file, rules, "hedged", one["instrument"], ticks + k) for k in (-1, 0, 1)]
        assert sorted(around) in (around, around[::-1])
        assert len(set(around)) == 2


def test_both_legs_of_a_hedge_share_one_price(examples):
    (pool,) = answer_forms((examples / "hedge_mode.json").read_bytes())["pools"]
    legs = [one for one in pool["positions"] if one["instrument"] == "BTCUSDT"]
    assert [one["leg"] for one in legs] == ["long", "short"]
    assert legs[0]["liquidation"] == legs[1]["liquidation"]


def test_a_pool_in_breach_says_so(solvent, examples):
    ran = solvent("margin", examples / "isolated_and_cross.json")
    assert "Pool sol-alone (isolated under cross): LIQUIDATING" in ran.out
    assert "the pool is in breach now" in ran.out


def test_another_rule_set_gives_another_answer(solvent, examples):
    ours = solvent("margin", examples / "binance_two_positions.json", "--json", "--venue", "generic").json()
    theirs = solvent("margin", examples / "binance_two_positions.json", "--json").json()
    assert ours["venue"] == "generic"
    assert ours["pools"][0]["value"] == theirs["pools"][0]["value"]
    assert ours["pools"][0]["required"] != theirs["pools"][0]["required"]


def test_ten_positions_have_ten_prices_and_tables_of_five_to_twelve_tiers(examples):
    data = (examples / "ten_positions.json").read_bytes()
    found = json.loads(answer(data))
    positions = found["pools"][0]["positions"]
    assert len({one["instrument"] for one in positions}) == 10
    assert all(one["liquidation"]["displayed"] for one in positions)
    file = decode_book(data)
    rules = venues.venue(file.venue)
    tiers = [
        len(rules.margin.contract(one).schedules[Purpose.MAINTAIN].pieces) for one in file.book.instruments.values()
    ]
    assert min(tiers) >= 5
    assert len(found["pools"][0]["lines"]) == 11


def test_the_time_of_a_ten_position_answer_is_told(examples, capsys):
    """Told, not asserted: a shared machine says nothing about the code. `solvent bench answer` measures it."""
    data = (examples / "ten_positions.json").read_bytes()
    answer(data)
    times = []
    for _ in range(200):
        started = time.perf_counter()
        answer(data)
        times.append(time.perf_counter() - started)
    middle, best = statistics.median(times) * 1e6, min(times) * 1e6
    with capsys.disabled():
        sys.stdout.write(f"\nten positions, JSON to JSON: median {middle:.0f} µs, best {best:.0f} µs\n")
    assert 0 < best <= middle


def test_a_path_without_an_answer_says_why_and_the_rest_is_answered(solvent, tmp_path):
    """A linear contract on bitcoin that settles in bitcoin is worth price × price when both move together."""
    book = {
        "solvent": 1,
        "venue": "generic",
        "assets": {"BTC": {"scale": 12}, "USDT": {"scale": 8}},
        "instruments": {
            "SQUARE": {
                "type": "perpetual",
                "underlying": "BTC",
                "quote": "BTC",
                "tick_size": "0.1",
                "lot_size": "0.001",
            },
            "ETHUSDT": {"type": "perpetual", "underlying": "ETH", "quote": "USDT", "tick_size": "0.1", "lot_size": "1"},
        },
        "pools": [
            {
                "id": "a",
                "cash": {"USDT": "500"},
                "positions": [
                    {"instrument": "SQUARE", "size": "0.001", "entry": "1"},
                    {"instrument": "ETHUSDT", "size": "1", "entry": "2500"},
                ],
            }
        ],
        "market": {"mark": {"SQUARE": "1", "ETHUSDT": "2500"}, "index": {"BTC": {"USDT": "60000"}}},
    }
    file = tmp_path / "square.json"
    file.write_text(json.dumps(book))
    square, ether = solvent("margin", file, "--json").json()["pools"][0]["positions"]
    assert "quadratic" in square["liquidation"]["unsolved"]
    assert square["liquidation"]["displayed"] is None
    assert Decimal(ether["liquidation"]["displayed"]) > 0
    shown = solvent("margin", file).out
    assert "unsolved" in shown
    assert "quadratic" in shown
