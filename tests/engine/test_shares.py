"""What an entry counts at its edge is proved from below: no price inside it, nor funding or interest, counts less."""

import random

import pytest

from solvent.engine.bands import HALF_ULPS, asset_share, contract_share, corner
from solvent.engine.screen import UNKNOWN
from solvent.engine.slots import place
from solvent.engine.value import MAINTAIN, surplus
from tests.engine.watching_world import Pair
from tests.equality.worlds import BTC_ID, EDGE, ETH_ID, FIRST_MINI, PERP, STEPS

ODD, GENERIC, BINANCE = 4, 0, 2  # rows of rules; the odd set has steps for EDGE
MILLION = 10**6


def alone(rules, thing):
    """A pool of which nothing counts but one entry, in an engine with bands laid out: (pair, pool, slot)."""
    pair = Pair(7, more=0)
    t = pair.t
    pair.prices({EDGE: int(t.things["mark"][EDGE])})
    pool = next(p for p in pair.users() if int(t.pools[p]["rules"]) == rules)
    slot = int(place(t, pool, thing * 4))
    first, used = int(t.pools[pool]["first"]), int(t.pools[pool]["used"])
    t.lots[first : first + used] = 0
    t.pools[pool]["cash"] = 0
    return pair, pool, slot


def millionths(t, pool):
    whole, rest = surplus(t, pool, MAINTAIN)
    return int(whole) * MILLION + int(rest)


def below(share, size, exact):
    """Whether a proved share is no more than the exact one, but for its rounding."""
    return (share - 16 * HALF_ULPS * size - 1) * MILLION <= exact


@pytest.mark.parametrize(("rules", "thing"), [(ODD, EDGE), (ODD, PERP), (GENERIC, PERP), (BINANCE, FIRST_MINI)])
def test_a_contract_counts_no_less_inside_its_edge(rules, thing):
    pair, pool, slot = alone(rules, thing)
    t, b, rng, checks = pair.t, pair.bands, random.Random(thing), 0
    row = t.things[thing]
    tick, now, carry = int(row["tick_value"]), int(row["mark"]), int(row["carry"])
    for _ in range(120):
        lots = rng.choice([1, 2, 5, 30, 400, 9_000]) * rng.choice([1, -1])
        cost = lots * tick * now * rng.randint(800, 1_200) // 1_000
        t.lots[slot], t.cost[slot], t.carry[slot] = lots, cost, carry
        edge = now * rng.choice([0.2, 0.6, 0.9, 0.99, 1.01, 1.2, 2.0])
        share, size, _ = contract_share(t, b, rules, slot, thing, float(tick * edge))
        if size >= UNKNOWN:
            continue
        for _ in range(25):
            ahead = rng.choice([0, 1, int(b.most[thing]) - carry, rng.randint(0, int(b.most[thing]) - carry)])
            at = edge * (rng.uniform(1, 4) if lots > 0 else rng.uniform(0.05, 1))
            ticks = (at * tick + ahead) // tick if lots < 0 else -(-(at * tick + ahead) // tick)
            mark = max(1, int(ticks))
            if (mark * tick - ahead < edge * tick) == (lots > 0):
                continue
            row["mark"], row["carry"] = min(mark, int(row["max_ticks"])), carry + ahead
            assert below(share, size, millionths(t, pool)), (lots, edge, mark, ahead)
            checks += 1
        row["mark"], row["carry"] = now, carry
    assert checks > 1_500


@pytest.mark.parametrize("tier", range(1, 4))
def test_a_requirement_that_steps_up_above_the_edge_counts_below_it(tier):
    """The last notional below a step counts as much as the first one above it, which counts less."""
    pair, pool, slot = alone(ODD, EDGE)
    t, b = pair.t, pair.bands
    row = t.things[EDGE]
    assert int(row["tick_value"]) == 1, "a tick is a unit"
    step = round(float(STEPS.pieces[tier].floor) * MILLION)
    t.lots[slot], t.cost[slot], t.carry[slot] = 1, 0, int(row["carry"])
    share, size, _ = contract_share(t, b, ODD, slot, EDGE, float(step) * 0.999)
    row["mark"] = step + int(b.most[EDGE] - row["carry"]) + 2
    assert below(share, size, millionths(t, pool))
    row["mark"] = step + 2
    exact = millionths(t, pool)
    assert below(share, size, exact)
    assert exact < (step * 0.999 - size * 1e-9) * MILLION


@pytest.mark.parametrize("rules", [ODD, GENERIC])
@pytest.mark.parametrize("coin", [BTC_ID, ETH_ID])
def test_a_coin_and_a_debt_count_no_less_inside_their_edge(rules, coin):
    pair, pool, slot = alone(rules, coin)
    t, b, rng, checks = pair.t, pair.bands, random.Random(coin), 0
    row = t.things[coin]
    now, carry = int(row["mark"]), int(row["carry"])
    for _ in range(150):
        units = rng.choice([1, 10**3, 10**6, 10**8, 3 * 10**9]) * rng.choice([1, -1])
        t.lots[slot], t.carry[slot] = units, carry
        edge = now * rng.choice([0.3, 0.9, 0.999, 1.001, 1.1, 3.0])
        share, size, _ = asset_share(t, b, rules, slot, coin, edge)
        if size >= UNKNOWN:
            continue
        for _ in range(20):
            at = rng.uniform(1, 4) if units > 0 else rng.uniform(0.1, 1)
            mark = -int(-(edge * at) // 1) if units > 0 else max(1, int(edge * at))
            row["mark"] = min(mark, int(row["max_ticks"]))
            row["carry"] = rng.choice([carry, int(b.most[coin]), rng.randint(carry, int(b.most[coin]))])
            assert below(share, size, millionths(t, pool)), (units, edge, mark)
            checks += 1
        row["mark"], row["carry"] = now, carry
    assert checks > 1_000


def test_interest_to_come_is_in_a_debts_share():
    pair, pool, slot = alone(GENERIC, BTC_ID)
    t, b = pair.t, pair.bands
    row = t.things[BTC_ID]
    t.lots[slot], t.carry[slot] = -(10**9), int(row["carry"])
    share, size, _ = asset_share(t, b, GENERIC, slot, BTC_ID, float(row["mark"]))
    before = millionths(t, pool)
    row["carry"] = b.most[BTC_ID]
    after = millionths(t, pool)
    assert after < before * 101 // 100, "a sixty-fourth more is owed"
    assert below(share, size, after)
    t.pools[pool]["cash"], t.pools[pool]["accrual"] = -(10**10), 0
    t.lots[slot] = 0
    owed, bound, _ = corner(t, b, pool, 0.0)
    t.things[0]["carry"] = b.most[0]
    assert (owed - bound) * MILLION <= millionths(t, pool) < -(10**10) * MILLION * 101 // 100
