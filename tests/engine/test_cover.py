"""Many losses socialised at once: ring 1's shares, to the unit; who is refused; the exact quotient under it."""

import random

import numpy as np
import pytest

from solvent.engine.commands import socialise_all
from solvent.engine.cover import MOST_VALUE, divided, parts
from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, PoolState, Reason, Verb
from solvent.liquidation import socialised
from tests.engine.test_losses import cash, step
from tests.engine.world import MARK, PERP, USDT_ID, World, refusal, said


def bankrupt(losers=3, payers=6, seed=1):
    """Pools 2 … are long and bankrupt after a fall; pool 2 + losers was short; the others are rich and flat."""
    chance = random.Random(seed)
    world = World().start(pools=0, lend=10**15)
    money = [7_000 + 50 * k for k in range(losers)] + [10**6] + [chance.randrange(1, 10**6) for _ in range(payers)]
    for one in money:
        world.open()
        world.fine(Verb.DEPOSIT, pool=world.engine.pool_count - 1, thing=USDT_ID, amount=one * 10**6 + one % 7)
    winner = FIRST_USER_POOL + losers
    for pool in range(FIRST_USER_POOL, winner):
        world.fill(pool, winner, 1_000)
    world.price(MARK - 90_000)
    for pool in range(FIRST_USER_POOL, winner):
        assert said(
            world.do(Verb.LIQUIDATE, pool=pool, other=winner, thing=PERP, lots=-1_000, ticks=MARK - 90_000)
        ) == [
            ("DONE", "OK"),
            ("BANKRUPT", "OK"),
        ]
    return world, list(range(FIRST_USER_POOL, winner))


def healthy(world):
    """What each healthy pool of a user is worth, by the name it has in ring 1's book."""
    pools = range(FIRST_USER_POOL, world.engine.pool_count)
    return {f"P{one}": world.engine.value(one) for one in pools if world.engine.state(one) is PoolState.HEALTHY}


@pytest.mark.parametrize("seed", range(4))
def test_everybody_pays_what_ring_1_says_of_the_sum(seed):
    world, losers = bankrupt(seed=seed)
    before, fund = healthy(world), cash(world, FUND_POOL)
    missing = sum(-world.engine.value(pool) for pool in losers)
    order = losers[::-1]
    events = world.send(socialise_all(1, world.next(), order))
    assert said(events) == [("DONE", "OK"), *[("RECOVERED", "OK")] * len(losers)]
    assert [int(pool) for pool in events["pool"][1:]] == order
    assert int(events["amount"][0]) == missing > 0
    own = socialised(missing, before)
    assert {name: units - world.engine.value(int(name[1:])) for name, units in before.items()} == {
        name: own.get(name, 0) for name in before
    }
    assert [world.engine.value(pool) for pool in losers] == [0] * len(losers)
    assert {world.engine.state(pool) for pool in losers} == {PoolState.HEALTHY}
    assert cash(world, FUND_POOL) == fund, "the fund is no payer"
    world.lawful()


def test_pools_that_are_not_bankrupt_or_not_there_are_refused_and_nothing_changes():
    world, losers = bankrupt()
    before = [world.engine.value(pool) for pool in range(world.engine.pool_count)]
    for pools, reason in (
        ([losers[0], losers[-1] + 1], Reason.POOL_STATE),
        ([losers[0], 10_000], Reason.UNKNOWN_POOL),
        ([FUND_POOL], Reason.UNKNOWN_POOL),
        ([losers[0], losers[0]], Reason.MALFORMED),
        ([], Reason.MALFORMED),
    ):
        assert refusal(world.send(socialise_all(1, world.next(), pools))) is reason, pools
    assert [world.engine.value(pool) for pool in range(world.engine.pool_count)] == before


def test_more_than_everybody_has_is_refused():
    world, losers = bankrupt()
    t = world.engine.tables
    payers = [pool for pool in range(FIRST_USER_POOL, world.engine.pool_count) if pool not in losers]
    t.pools["state"][payers] = PoolState.LIQUIDATING
    assert refusal(world.send(socialise_all(1, world.next(), losers))) is Reason.FUNDS
    missing = sum(-world.engine.value(pool) for pool in losers)
    t.pools["state"][payers[-1]] = PoolState.HEALTHY
    t.pools["cash"][payers[-1]] += missing - world.engine.value(payers[-1])
    assert said(world.send(socialise_all(1, world.next(), losers)))[0] == ("DONE", "OK")
    assert world.engine.value(payers[-1]) == 0, "all it has, and no more"


def test_a_bankrupt_pool_that_was_given_enough_is_raised_without_a_payment():
    world, losers = bankrupt(losers=1)
    world.fine(Verb.DEPOSIT, pool=losers[0], thing=USDT_ID, amount=10**12)
    before = healthy(world)
    events = world.send(socialise_all(1, world.next(), losers))
    assert (said(events)[1], int(events["amount"][0])) == (("RECOVERED", "OK"), 0)
    assert {name: world.engine.value(int(name[1:])) for name in before} == before


def test_one_loss_among_all_is_the_same_as_named():
    """A step of a liquidation at a price that ruins, then the sum of one."""
    world, losers = bankrupt(losers=1, payers=1)
    assert refusal(step(world, -1, MARK)) is Reason.POOL_STATE
    before, missing = healthy(world), -world.engine.value(losers[0])
    world.send(socialise_all(1, world.next(), losers))
    paid = {name: units - world.engine.value(int(name[1:])) for name, units in before.items()}
    assert {name: units for name, units in paid.items() if units} == socialised(missing, before)


def test_quotients_are_exact_up_to_the_largest_sum():
    chance = random.Random(5)
    for _ in range(3_000):
        whole = chance.randrange(1, 1 << chance.randrange(1, 61))
        a, b = chance.randrange(0, whole + 1), chance.randrange(0, whole + 1)
        a, b = chance.choice([a, whole, 0, max(0, whole - 1)]), chance.choice([b, whole, 1, max(0, whole - 1)])
        assert divided(a, b, whole) == divmod(a * b, whole), (a, b, whole)
    assert divided(MOST_VALUE, MOST_VALUE, MOST_VALUE) == (MOST_VALUE, 0)


@pytest.mark.parametrize("seed", range(20))
def test_parts_are_ring_1s_shares_with_equals_in_order_of_text(seed):
    chance = random.Random(seed)
    values = [chance.choice([1, 3, 100, chance.randrange(1, 10 ** chance.randrange(1, 15))]) for _ in range(30)]
    payers = sorted(chance.sample(range(2, 150), 30))
    whole = sum(values)
    for budget in (1, whole, whole - 1, chance.randrange(1, whole + 1), min(whole, 29)):
        if budget:
            found = parts(np.array(values), np.array(payers), budget, whole)
            own = socialised(budget, {f"P{pool}": value for pool, value in zip(payers, values, strict=True)})
            assert found.tolist() == [own.get(f"P{pool}", 0) for pool in payers]
